"""The hierarchy gives the same answers as the plain search, scipy and NetworkX, bit for bit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from road_cases import edge_sets, expected_nearest, locations, networks, scipy_times

from gridgov.errors import ParameterError
from gridgov.network import (
    CLOSED,
    Hierarchy,
    Place,
    RoadNetwork,
    nearest_workers,
    nearest_workers_batch,
    travel_times_and_engine,
)
from gridgov.network.hierarchy import FAR
from gridgov.network.planning import engine_for_nearest, engine_for_times

many = settings(max_examples=120, deadline=None)
short_trips = networks().map(
    lambda network: network.with_closures(np.flatnonzero(network.travel_time_ms == CLOSED - 1))
)
any_network = st.one_of(short_trips, short_trips, networks())  # the plain search answers for most of the last


@many
@given(st.data(), any_network)
def test_travel_times_equal_the_plain_search_and_scipy(data: st.DataObject, network: RoadNetwork) -> None:
    """Nodes and places, in any mixture, on both sides, with any number of threads."""
    sources, targets = data.draw(locations(network)), data.draw(locations(network))
    times = network.travel_times(sources, targets, engine="hierarchy")
    plain = network.travel_times(sources, targets, engine="early_stop")
    assert times.dtype == plain.dtype
    assert times.tolist() == plain.tolist() == scipy_times(network, sources, targets).tolist()


@many
@given(st.data(), any_network, st.integers(1, 10))
def test_the_nearest_workers_equal_the_plain_search(data: st.DataObject, network: RoadNetwork, k: int) -> None:
    """Times, positions and the order of ties; prepared or not, alone or in a batch."""
    workers, incidents = data.draw(locations(network)), data.draw(locations(network, 1, 4))
    index = network.worker_index(workers)
    batch = nearest_workers_batch(network, incidents, workers, k=k, engine="hierarchy")
    for i, incident in enumerate(incidents):
        times = scipy_times(network, workers, [incident])
        for given_workers in (workers, index):
            near = nearest_workers(network, incident, given_workers, k=k, engine="hierarchy")
            found = list(zip(near.travel_time_ms.tolist(), near.index.tolist(), strict=True))
            assert found == expected_nearest(times, k)
        padding = [-1] * (k - len(near))
        assert batch.index[i].tolist() == near.index.tolist() + padding
        assert batch.travel_time_ms[i].tolist() == near.travel_time_ms.tolist() + padding


@many
@given(st.data(), any_network)
def test_a_route_is_drivable_sums_to_its_time_and_passes_no_node_twice(
    data: st.DataObject, network: RoadNetwork
) -> None:
    """Edges follow each other head to tail, from the worker to the incident."""
    workers = data.draw(locations(network))
    (incident,) = data.draw(locations(network, 1, 1))
    near = nearest_workers(network, incident, workers, k=9, engine="hierarchy")
    for i in range(len(near)):
        route = near.path(i)
        edges = list(route.edges)
        assert (network.head[edges[:-1]] == network.tail[edges[1:]]).all()
        assert (network.travel_time_ms[edges] != CLOSED).all()
        assert route.piece_travel_time_ms.sum() == near.travel_time_ms[i]
        assert len(set(near.route(i))) == len(near.route(i))
        worker = workers[near.index[i]]
        if not isinstance(worker, Place) and not isinstance(incident, Place):
            ends = [int(network.tail[edges[0]]), *network.head[edges].tolist()] if edges else [worker]
            assert near.route(i) == ends
            assert (ends[0], ends[-1]) == (worker, incident)


@many
@given(st.data(), any_network)
def test_one_route_between_two_nodes(data: st.DataObject, network: RoadNetwork) -> None:
    """From a metric alone: the time, and edges that connect and sum to it."""
    node = st.integers(0, network.n_nodes - 1)
    source, target = data.draw(node), data.draw(node)
    expected = int(network.travel_times([source], [target], engine="early_stop")[0, 0])
    if expected >= FAR or (expected < 0 and not network.metric.is_complete(FAR // 2)):
        return
    time, edges = network.metric.route(source, target)
    assert time == expected
    assert network.travel_time_ms[edges].sum() == max(time, 0)
    at = source
    for edge in edges:
        assert network.tail[edge] == at
        at = network.head[edge]
    assert at == target or time < 0


@many
@given(st.data(), short_trips, st.sampled_from([0.2, 0.5, 3.0]))
def test_a_partial_customization_equals_a_full_one(data: st.DataObject, network: RoadNetwork, factor: float) -> None:
    """Closing, slowing, speeding up and undoing; the metric that it started from stays as it was."""
    base, before = network.metric, network.metric.times.copy()
    closed, changed = data.draw(edge_sets(network)), data.draw(edge_sets(network))
    view = network.with_closures(closed).with_speed_factor(changed, factor)
    partial = base.recustomized(np.union1d(closed, changed).astype(int), view.travel_time_ms)
    full = network.hierarchy().customize(view.travel_time_ms)
    assert (partial.times == full.times).all()
    assert (view.metric.times == full.times).all()
    back = partial.recustomized(np.union1d(closed, changed).astype(int), network.travel_time_ms)
    assert (back.times == before).all()
    assert (base.times == before).all()


@many
@given(networks(), st.booleans())
def test_the_order_is_a_permutation_and_the_tree_is_that_of_its_elimination(
    network: RoadNetwork, shuffled: bool
) -> None:
    """Compared with eliminating nodes one by one in sets."""
    n = network.n_nodes
    order = np.random.default_rng(n).permutation(n) if shuffled else None
    hierarchy = Hierarchy(network.topology, order)
    assert sorted(hierarchy.order.tolist()) == list(range(n))
    near: list[set[int]] = [set() for _ in range(n)]
    for u, v in zip(hierarchy.rank[network.tail].tolist(), hierarchy.rank[network.head].tolist(), strict=True):
        if u != v:
            near[u].add(v)
            near[v].add(u)
    for v in range(n):
        above = {u for u in near[v] if u > v}
        for u in above:
            near[u] |= above - {u}
        assert hierarchy.arc_head[hierarchy.first_arc[v] : hierarchy.first_arc[v + 1]].tolist() == sorted(above)
        assert hierarchy.parent[v] == min(above, default=-1)
        assert hierarchy.depth[v] == (hierarchy.depth[hierarchy.parent[v]] + 1 if above else 0)


def test_the_same_roads_always_get_the_same_order(block_grid: RoadNetwork) -> None:
    """No chance is involved."""
    again = RoadNetwork.from_arrays(
        block_grid.tail, block_grid.head, block_grid.travel_time_ms, x=block_grid.x, y=block_grid.y
    )
    assert (again.hierarchy().order == block_grid.hierarchy().order).all()


def test_roads_without_coordinates_get_a_hierarchy_when_asked_for(block_grid: RoadNetwork) -> None:
    """Its order comes from numbers of edges to far nodes; it is no more than half as large again."""
    bare = RoadNetwork.from_arrays(block_grid.tail, block_grid.head, block_grid.travel_time_ms)
    assert bare.hierarchy().n_arcs < 1.5 * block_grid.hierarchy().n_arcs
    nodes = np.arange(0, bare.n_nodes, 61)
    assert (bare.travel_times(nodes, nodes, engine="hierarchy") == block_grid.travel_times(nodes, nodes)).all()


def test_many_threads_get_the_same_answers(block_grid: RoadNetwork) -> None:
    """Threads share the metric and nothing else, in matrices, nearest workers and new closures."""
    nodes = np.arange(0, block_grid.n_nodes, 37)
    index = block_grid.worker_index(nodes[:20])

    def ask(number: int) -> tuple[list[int], list[int], int]:
        view = block_grid.with_closures(np.arange(number, block_grid.n_edges, 211))
        near = nearest_workers(block_grid, int(nodes[number]), index, k=5, engine="hierarchy")
        times = view.travel_times(nodes, nodes, engine="hierarchy")
        return near.edges(4), near.travel_time_ms.tolist(), int(times.astype(np.int64).sum())

    alone = [ask(number) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == alone


def test_two_threads_that_ask_at_once_get_one_hierarchy(block_grid: RoadNetwork) -> None:
    """The second waits for the first."""
    fresh = RoadNetwork.from_arrays(
        block_grid.tail, block_grid.head, block_grid.travel_time_ms, x=block_grid.x, y=block_grid.y
    )
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: fresh.hierarchy(), range(4)))
    assert all(one is made[0] for one in made)


def test_trips_too_long_for_the_hierarchy_are_left_to_the_plain_search() -> None:
    """A trip of 20 days over two edges of 10; and an edge of 20 days."""
    ten_days = 864_000_000
    network = RoadNetwork.from_arrays([0, 1, 3], [1, 2, 4], [ten_days, ten_days, 2 * ten_days], x=[0] * 5, y=[0] * 5)
    assert network.travel_times([0, 3], [2, 4], engine="hierarchy").tolist() == [
        [2 * ten_days, -1],
        [-1, 2 * ten_days],
    ]
    near = nearest_workers(network, 2, [0], engine="hierarchy")
    assert near.travel_time_ms.tolist() == [2 * ten_days]
    assert near.engine == "early_stop"
    with pytest.raises(ParameterError, match="cannot hold"):
        network.metric.route(0, 2)
    two_edges = RoadNetwork.from_arrays([0, 1], [1, 2], [ten_days, ten_days])
    for order in permutations(range(3)):  # wherever the long trip is cut off
        metric = Hierarchy(two_edges.topology, order).customize(two_edges.travel_time_ms)
        with pytest.raises(ParameterError, match="cannot hold"):
            metric.route(0, 2)
        with pytest.raises(ParameterError, match="cannot hold"):
            metric.travel_times([0], [2])


def test_the_planner_takes_the_hierarchy_for_few_workers_only_where_there_is_one(block_grid: RoadNetwork) -> None:
    """One question never makes a hierarchy; what was made is used where it is faster."""
    fresh = RoadNetwork.from_arrays(
        block_grid.tail, block_grid.head, block_grid.travel_time_ms, x=block_grid.x, y=block_grid.y
    )
    assert nearest_workers(fresh, 0, [5], k=1).engine == "early_stop"
    assert not fresh.has_hierarchy
    assert engine_for_times(fresh, 30, 30) == "early_stop"
    assert not fresh.has_hierarchy
    assert engine_for_times(fresh, 5000, 5000) == "hierarchy"  # making it pays for this task alone
    assert fresh.has_hierarchy
    near = nearest_workers(block_grid, 0, block_grid.worker_index([5]), k=1)
    assert near.engine == "hierarchy"
    assert engine_for_nearest(block_grid, 2000, 5, prepared=True) == "early_stop"
    assert nearest_workers_batch(block_grid, [0], np.arange(2000), k=1).engine == "early_stop"
    nodes = np.arange(0, block_grid.n_nodes, 5)
    assert travel_times_and_engine(block_grid, nodes, nodes).engine == "hierarchy"
    assert travel_times_and_engine(block_grid, nodes[:1], nodes[:1], engine="early_stop").engine == "early_stop"


def test_wrong_orders_and_changes_are_refused(block_grid: RoadNetwork) -> None:
    """In words that say what is wrong."""
    with pytest.raises(ParameterError, match="each of the"):
        Hierarchy(block_grid.topology, np.zeros(block_grid.n_nodes, dtype=int))
    with pytest.raises(ParameterError, match="names edge"):
        block_grid.metric.recustomized([block_grid.n_edges], [1])
    with pytest.raises(ParameterError, match="has 2 values where 1"):
        block_grid.metric.recustomized([0], [1, 2])
    with pytest.raises(ParameterError, match="names node"):
        block_grid.metric.route(0, block_grid.n_nodes)
