"""Every fast answer equals that of a simple engine, bit for bit, on random networks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from road_cases import edge_sets, expected_nearest, locations, networks, networkx_times, scipy_times

from gridgov.network import CLOSED, RoadNetwork, nearest_workers, nearest_workers_batch

many = settings(max_examples=200, deadline=None)


@many
@given(st.data(), networks())
def test_travel_times_equal_networkx(data: st.DataObject, network: RoadNetwork) -> None:
    """Nodes and places, in any mixture, on both sides."""
    sources, targets = data.draw(locations(network)), data.draw(locations(network))
    assert network.travel_times(sources, targets).tolist() == networkx_times(network, sources, targets).tolist()


@many
@given(st.data(), networks())
def test_travel_times_equal_scipy(data: st.DataObject, network: RoadNetwork) -> None:
    """A second opinion that shares no code with the first."""
    sources, targets = data.draw(locations(network)), data.draw(locations(network))
    assert network.travel_times(sources, targets).tolist() == scipy_times(network, sources, targets).tolist()


@many
@given(st.data(), networks(), st.integers(1, 10))
def test_the_nearest_workers_equal_networkx(data: st.DataObject, network: RoadNetwork, k: int) -> None:
    """Times, positions and the order of ties."""
    workers = data.draw(locations(network))
    (incident,) = data.draw(locations(network, 1, 1))
    times = networkx_times(network, workers, [incident])
    near = nearest_workers(network, incident, workers, k=k)
    assert list(zip(near.travel_time_ms.tolist(), near.index.tolist(), strict=True)) == expected_nearest(times, k)
    assert near.reachable == len(near) == min(k, int((times >= 0).sum()))


@many
@given(st.data(), networks())
def test_a_route_is_drivable_and_sums_to_its_time(data: st.DataObject, network: RoadNetwork) -> None:
    """Edges follow each other head to tail, pass the nodes told, and their pieces sum to the travel time."""
    workers = data.draw(locations(network))
    (incident,) = data.draw(locations(network, 1, 1))
    near = nearest_workers(network, incident, workers, k=9)
    for i in range(len(near)):
        route = near.path(i)
        edges = list(route.edges)
        assert (network.head[edges[:-1]] == network.tail[edges[1:]]).all()
        assert route.piece_travel_time_ms.sum() == near.travel_time_ms[i]
        assert (route.piece_travel_time_ms >= 0).all()
        ends = [int(network.tail[edges[0]]), *network.head[edges].tolist()] if edges else list(route.nodes)
        assert set(route.nodes) <= set(ends)
        inner = ends[1:-1] if edges else []
        assert [node for node in near.route(i) if node in inner] == inner or not inner
        if isinstance(workers[near.index[i]], int) and isinstance(incident, int):
            assert near.route(i) == ends
            assert (ends[0], ends[-1]) == (workers[near.index[i]], incident)


@many
@given(st.data(), networks())
def test_the_length_of_a_route_is_the_sum_of_its_pieces(data: st.DataObject, network: RoadNetwork) -> None:
    """Whole edges count whole, the first and the last by their share."""
    workers = data.draw(locations(network))
    (incident,) = data.draw(locations(network, 1, 1))
    near = nearest_workers(network, incident, workers, k=9)
    for i in range(len(near)):
        route = near.path(i)
        expected = sum(
            network.length_m[e] * (b - a)
            for e, a, b in zip(route.edges, route.from_fraction, route.to_fraction, strict=True)
        )
        assert np.isclose(route.length_m, expected)
        assert np.isclose(_line_m(network, route.coordinates), route.length_m, rtol=1e-2, atol=1e-3)


@many
@given(st.data(), networks())
def test_a_closure_never_shortens_a_trip_and_undoing_it_restores_every_answer(
    data: st.DataObject, network: RoadNetwork
) -> None:
    """Places on closed edges included; the base is untouched although the view was used."""
    places, ids = data.draw(locations(network)), data.draw(edge_sets(network))
    before, digest = network.travel_times(places, places), network.digest
    during = network.with_closures(ids).travel_times(places, places)
    assert (_as_never(during) >= _as_never(before)).all()
    assert (network.travel_times(places, places) == before).all()
    assert network.digest == digest


@many
@given(st.data(), networks(), st.sampled_from([0.2, 0.5, 0.9]))
def test_a_slow_down_never_shortens_a_trip_and_undoing_it_restores_every_answer(
    data: st.DataObject, network: RoadNetwork, factor: float
) -> None:
    """Between nodes: a piece of an edge is rounded to whole milliseconds and may lose one."""
    network = network.with_closures(np.flatnonzero(network.travel_time_ms == CLOSED - 1))  # cannot get any slower
    ids, nodes = data.draw(edge_sets(network)), np.arange(network.n_nodes)
    before = network.travel_times(nodes, nodes)
    slowed = network.with_speed_factor(ids, factor)
    assert (_as_never(slowed.travel_times(nodes, nodes)) >= _as_never(before)).all()
    assert slowed.with_speed_factor(ids, 1 / factor).digest == network.digest
    assert (network.travel_times(nodes, nodes) == before).all()


@settings(max_examples=60, deadline=None)
@given(st.data(), networks(), st.integers(1, 6), st.integers(1, 3))
def test_a_batch_equals_one_incident_at_a_time(data: st.DataObject, network: RoadNetwork, k: int, threads: int) -> None:
    """With any number of threads; -1 fills what is missing."""
    workers, incidents = data.draw(locations(network)), data.draw(locations(network))
    batch = nearest_workers_batch(network, incidents, workers, k=k, threads=threads)
    for i, incident in enumerate(incidents):
        near = nearest_workers(network, incident, workers, k=k)
        gap = [-1] * (k - len(near))
        assert batch.index[i].tolist() == near.index.tolist() + gap
        assert batch.travel_time_ms[i].tolist() == near.travel_time_ms.tolist() + gap
        again = batch.nearest(i)
        assert [again.edges(j) for j in range(len(again))] == [near.edges(j) for j in range(len(near))]


def _line_m(network: RoadNetwork, line: np.ndarray) -> float:
    scale = np.array(network.topology.metres_per_degree)
    return float(np.hypot(*(np.diff(line, axis=0) * scale).T).sum())


def _as_never(times_ms: np.ndarray) -> np.ndarray:
    """Times in which "no way" is later than everything."""
    return np.where(times_ms < 0, np.iinfo(np.int64).max, times_ms.astype(np.int64))
