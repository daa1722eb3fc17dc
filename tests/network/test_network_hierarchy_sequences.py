"""Roads closed and opened again and again: the hierarchy brought up to date equals one made from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from road_cases import grid_network

from gridgov.errors import SourceError
from gridgov.network import CLOSED, Hierarchy, RoadNetwork, node_order, stored_order
from gridgov.network.hierarchy_storage import load_order


@pytest.mark.slow
def test_a_thousand_random_openings_and_closures_on_20_000_nodes_equal_a_full_customization() -> None:
    """Bit for bit after every one of them; times to some nodes equal the plain search now and then."""
    network = grid_network(160, 125, missing=0.2)
    assert network.n_nodes == 20_000
    hierarchy, rng = network.hierarchy(), np.random.default_rng(5)
    metric = network.metric
    closed = np.zeros(network.n_edges, dtype=bool)
    for step in range(1_000):
        opening = rng.choice(np.flatnonzero(closed), min(closed.sum(), rng.integers(0, 15)), replace=False)
        closing = rng.integers(0, network.n_edges, rng.integers(0, 15))
        closed[opening] = False
        closed[closing] = True
        times = np.where(closed, CLOSED, network.travel_time_ms).astype(np.int32)
        metric = metric.recustomized(np.union1d(opening, closing), times)
        assert (metric.times == hierarchy.customize(times).times).all()
        if step % 250 == 0:
            nodes = rng.integers(0, network.n_nodes, 5)
            plain = network.with_closures(np.flatnonzero(closed)).travel_times(nodes, nodes, engine="early_stop")
            assert (metric.travel_times(nodes, nodes) == plain).all()
    everything = np.flatnonzero(closed)
    assert (metric.recustomized(everything, network.travel_time_ms).times == network.metric.times).all()


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
