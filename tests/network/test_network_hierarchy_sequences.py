"""Roads closed and opened again and again: the hierarchy brought up to date equals one made from nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from road_cases import grid_network
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from gridgov.errors import SourceError
from gridgov.network import (
    CLOSED,
    Hierarchy,
    RoadNetwork,
    count_within,
    isochrones,
    nearest_workers,
    nearest_workers_batch,
    node_order,
    reach,
    stored_order,
    time_to_nearest,
)
from gridgov.network.hierarchy_storage import FORMAT, load_order

STEPS = 10_000 if os.environ.get("GRIDGOV_SOAK") else 1_000
LOOK_AGAIN = 125  # steps between comparisons with networks and searches that know nothing of what was before


@pytest.mark.slow
def test_a_thousand_random_openings_and_closures_on_20_000_nodes_equal_a_full_recomputation() -> None:
    """Bit for bit after every one of them, from one step to the next and from the base; undone, all is as before."""
    network = grid_network(160, 125, missing=0.2)
    assert network.n_nodes == 20_000
    rng = np.random.default_rng(5)
    workers = rng.integers(0, network.n_nodes, 25)
    before = _answers(network, workers, 77)
    metric, closed = network.metric, np.zeros(network.n_edges, dtype=bool)
    for step in range(STEPS):
        opening = rng.choice(np.flatnonzero(closed), min(closed.sum(), rng.integers(0, 15)), replace=False)
        closing = rng.integers(0, network.n_edges, rng.integers(0, 15))
        closed[opening] = False
        closed[closing] = True
        times = np.where(closed, CLOSED, network.travel_time_ms).astype(np.int32)
        view = network.with_closures(np.flatnonzero(closed))
        metric = metric.recustomized(np.union1d(opening, closing), times)
        full = network.hierarchy().customize(times).times
        assert (metric.times == full).all()
        assert (view.metric.times == full).all()
        incident = int(rng.integers(0, network.n_nodes))
        quick, slow = (nearest_workers(view, incident, workers, k=5, engine=e) for e in ("hierarchy", "early_stop"))
        assert (quick.index.tolist(), quick.travel_time_ms.tolist()) == (
            slow.index.tolist(),
            slow.travel_time_ms.tolist(),
        )
        if step % LOOK_AGAIN == 0:
            _every_engine_equals_a_recomputation(network, view, times, workers, incident)
    everything = np.flatnonzero(closed)
    assert (metric.recustomized(everything, network.travel_time_ms).times == network.metric.times).all()
    assert _answers(network, workers, 77) == before


def _every_engine_equals_a_recomputation(
    network: RoadNetwork, view: RoadNetwork, times: np.ndarray, workers: np.ndarray, incident: int
) -> None:
    """Compare a view with a network made anew with these times, and with scipy."""
    anew = RoadNetwork.from_arrays(network.tail, network.head, times, x=network.x, y=network.y)
    anew.with_hierarchy(network.hierarchy().order)
    assert _answers(view, workers, incident) == _answers(anew, workers, incident)
    matrix = reversed_matrix(network, times)
    expected = dijkstra(matrix, indices=incident)
    expected = np.where(np.isfinite(expected), expected, -1).astype(int)
    assert reach(view, [incident], direction="to").node_time_ms.tolist() == expected.tolist()
    for engine in ("early_stop", "hierarchy"):
        assert view.travel_times(workers, [incident], engine=engine)[:, 0].tolist() == expected[workers].tolist()


def _answers(network: RoadNetwork, workers: np.ndarray, incident: int) -> list[Any]:
    """Return what every engine says: nearest alone and in a batch, matrices, times to the nearest, cover, bands."""
    answers: list[Any] = []
    for engine in ("early_stop", "hierarchy"):
        near = nearest_workers(network, incident, workers, k=5, engine=engine)
        answers += [near.index.tolist(), near.travel_time_ms.tolist(), [near.edges(i) for i in range(len(near))]]
        batch = nearest_workers_batch(network, [incident, *workers[:3].tolist()], workers, k=5, engine=engine)
        answers += [batch.index.tolist(), batch.travel_time_ms.tolist()]
        answers.append(network.travel_times(workers[:5], workers, engine=engine).tolist())
    nodes = np.arange(network.n_nodes)
    answers.append(time_to_nearest(network, nodes, workers)[0].tolist())
    answers.append(count_within(network, nodes[::50], workers, 600_000).tolist())
    pieces = isochrones(network, [incident], [60, 120]).pieces
    answers += [pieces.edge_id.tolist(), pieces.from_fraction.tolist(), pieces.to_fraction.tolist()]
    return answers


def reversed_matrix(network: RoadNetwork, times: np.ndarray) -> csr_array:
    """Return the open edges from head to tail; this network has no parallel edges and no times of 0 ms."""
    usable = np.flatnonzero(times != CLOSED)
    ends = (network.head[usable], network.tail[usable])
    return coo_array((times[usable].astype(float), ends), shape=(network.n_nodes, network.n_nodes)).tocsr()


def test_a_stored_order_is_found_again_and_belongs_to_its_roads_alone(block_grid: RoadNetwork, tmp_path: Path) -> None:
    """By the digest of the roads; a damaged file is made anew."""
    order = stored_order(block_grid.topology, tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    assert (load_order(block_grid.topology, path) == order).all()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceError, match="damaged"):
        load_order(block_grid.topology, path)
    assert (stored_order(block_grid.topology, tmp_path / "cache") == order).all()
    other = grid_network(50, 50, seed=2)
    with pytest.raises(SourceError, match="other roads"):
        load_order(other.topology, path)
    assert other.with_hierarchy(node_order(other.topology)).has_hierarchy


def test_damaged_and_old_files_of_an_order_are_noticed_and_made_anew(block_grid: RoadNetwork, tmp_path: Path) -> None:
    """Cut short, emptied, a byte turned, another version, an order that names a node twice, something else."""
    topology, folder = block_grid.topology, tmp_path / "cache"
    order = stored_order(topology, folder)
    (path,) = folder.iterdir()
    good = path.read_bytes()
    facts = np.frombuffer(f"{FORMAT} {topology.digest}".encode(), dtype=np.uint8)
    old = np.frombuffer(f"gridgov-order/0 {topology.digest}".encode(), dtype=np.uint8)
    twice = order.copy()
    twice[0] = twice[1]
    turned = bytearray(good)
    turned[len(good) // 2] ^= 0x55
    bad: list[bytes] = [b"", good[: len(good) // 2], bytes(turned), b"no archive", _archive(tmp_path, order=order)]
    bad += [_archive(tmp_path, order=order, facts=old), _archive(tmp_path, order=twice, facts=facts)]
    bad += [_archive(tmp_path, order=order[:-1], facts=facts), _archive(tmp_path, order=order / 2, facts=facts)]
    for content in bad:
        path.write_bytes(content)
        with pytest.raises(SourceError, match=re.escape(path.name)):
            load_order(topology, path)
        assert (stored_order(topology, folder) == order).all()
        assert (load_order(topology, path) == order).all()


def _archive(folder: Path, **arrays: np.ndarray) -> bytes:
    np.savez(folder / "made.npz", **arrays)  # type: ignore[arg-type]
    return (folder / "made.npz").read_bytes()


def test_the_own_order_is_as_good_as_that_of_routingkit(block_grid: RoadNetwork) -> None:
    """Not more arcs, within a twentieth; and its times are the same (an independent engine)."""
    routingkit = _routingkit()
    assert block_grid.x is not None
    assert block_grid.y is not None
    tail, head = block_grid.tail.tolist(), block_grid.head.tolist()
    order = routingkit.compute_order_inertial(
        block_grid.n_nodes, tail, head, block_grid.y.tolist(), block_grid.x.tolist()
    )
    theirs = Hierarchy(block_grid.topology, order)
    assert block_grid.hierarchy().n_arcs < 1.05 * theirs.n_arcs
    nodes = list(range(0, block_grid.n_nodes, 97))
    cch = routingkit.CCH(order, tail, head, False)
    query = routingkit.CCHOneToMany(routingkit.CCHMetric(cch, block_grid.travel_time_ms.tolist()), nodes)
    expected = [[-1 if ms is None else ms for ms in query.distances_from(node)] for node in nodes]
    assert block_grid.metric.travel_times(nodes, nodes).tolist() == expected
    assert theirs.customize(block_grid.travel_time_ms).travel_times(nodes, nodes).tolist() == expected


def _routingkit() -> Any:
    """Return the module; it is a rival of the benchmarks and no requirement of the tests, even in CI."""
    return pytest.importorskip("routingkit_cch", reason="pip install -r benchmarks/requirements.txt")
