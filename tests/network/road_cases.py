"""Random road networks for hypothesis, and slow but simple engines to compare with."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from gridgov.network import CLOSED, Place, RoadNetwork, SplitNetwork, split_at_places

TIMES = st.one_of(st.integers(0, 3), st.integers(0, 100_000), st.just(CLOSED - 1), st.just(CLOSED))


@st.composite
def networks(draw: st.DrawFn) -> RoadNetwork:
    """One-ways, two-way streets, parallel edges, self loops, islands, times of 0 ms, closed edges."""
    n = draw(st.integers(1, 9))
    node = st.integers(0, n - 1)
    rows = draw(st.lists(st.tuples(node, node, TIMES), max_size=24))
    for at in draw(st.sets(st.integers(0, 23), max_size=8)):  # the other direction of some streets
        if at < len(rows):
            rows.append((rows[at][1], rows[at][0], draw(TIMES)))
    tail, head, times = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return RoadNetwork.from_arrays(tail, head, times, x=np.arange(n) % 3 / 1e3, y=np.arange(n) // 3 / 1e3)


@st.composite
def locations(draw: st.DrawFn, network: RoadNetwork, min_size: int = 0, max_size: int = 8) -> list[int | Place]:
    """Node ids and places on edges, mixed."""
    node = st.integers(0, network.n_nodes - 1)
    if not network.n_edges:
        return draw(st.lists(node, min_size=min_size, max_size=max_size))
    fraction = st.sampled_from([0.0, 1e-9, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1.0])
    place = st.builds(network.place_on_edge, st.integers(0, network.n_edges - 1), fraction)
    return draw(st.lists(st.one_of(node, place), min_size=min_size, max_size=max_size))


@st.composite
def edge_sets(draw: st.DrawFn, network: RoadNetwork) -> list[int]:
    """Some edge ids, perhaps twice."""
    if not network.n_edges:
        return []
    return draw(st.lists(st.integers(0, network.n_edges - 1), max_size=6))


def scipy_times(network: RoadNetwork, sources: list[int | Place], targets: list[int | Place]) -> np.ndarray:
    """Travel times by scipy on the network with the places as nodes; -1 where there is no way."""
    return _each_pair(_scipy_time, network, sources, targets)


def networkx_times(network: RoadNetwork, sources: list[int | Place], targets: list[int | Place]) -> np.ndarray:
    """Travel times by NetworkX, in whole numbers throughout."""
    return _each_pair(_networkx_time, network, sources, targets)


def _each_pair(
    engine: Callable[[SplitNetwork, int, int], int],
    network: RoadNetwork,
    sources: list[int | Place],
    targets: list[int | Place],
) -> np.ndarray:
    """Ask for one trip at a time: a third place would let it change between parallel edges (see `split_at_places`)."""
    times = np.zeros((len(sources), len(targets)), dtype=np.int64)
    for i, source in enumerate(sources):
        for j, target in enumerate(targets):
            split = split_at_places(network, [source, target])
            times[i, j] = engine(split, *split.node_of_place.tolist())
    return times


def _scipy_time(split: SplitNetwork, start: int, goal: int) -> int:
    best: dict[tuple[int, int], int] = {}
    for u, v, ms in zip(split.tail.tolist(), split.head.tolist(), split.travel_time_ms.tolist(), strict=True):
        best[u, v] = min(ms, best.get((u, v), ms))  # scipy sums parallel entries
    ends = np.array(list(best), dtype=np.int64).reshape(-1, 2)
    # scipy drops stored zeros, so zero becomes a tenth of a millisecond over more edges than a trip can have
    weights = np.array([ms or 0.1 / (split.n_nodes + 1) for ms in best.values()], dtype=float)
    matrix = coo_array((weights, (ends[:, 0], ends[:, 1])), shape=(split.n_nodes, split.n_nodes)).tocsr()
    time = dijkstra(matrix, indices=start)[goal]
    return round(time) if np.isfinite(time) else -1


def _networkx_time(split: SplitNetwork, start: int, goal: int) -> int:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(split.n_nodes))
    for u, v, ms in zip(split.tail.tolist(), split.head.tolist(), split.travel_time_ms.tolist(), strict=True):
        graph.add_edge(u, v, ms=ms)
    return nx.single_source_dijkstra_path_length(graph, start, weight="ms").get(goal, -1)


def expected_nearest(times_ms: np.ndarray, k: int) -> list[tuple[int, int]]:
    """(time, position) of the k nearest workers from their times to the incident."""
    return sorted((int(ms), i) for i, ms in enumerate(times_ms.ravel()) if ms >= 0)[:k]


def grid_network(columns: int, rows: int, *, seed: int = 1, missing: float = 0.1) -> RoadNetwork:
    """Blocks of a town: some streets missing, some one-way, all times different enough to have few ties."""
    rng = np.random.default_rng(seed)
    node = np.arange(columns * rows).reshape(rows, columns)
    east = np.column_stack([node[:, :-1].ravel(), node[:, 1:].ravel()])
    north = np.column_stack([node[:-1].ravel(), node[1:].ravel()])
    pairs = np.concatenate([east, north])
    pairs = pairs[rng.random(len(pairs)) > missing]
    back = pairs[rng.random(len(pairs)) > 0.15][:, ::-1]
    tail, head = np.concatenate([pairs, back]).T
    x, y = np.meshgrid(np.arange(columns) * 1e-3, np.arange(rows) * 1e-3)
    times = rng.integers(1_000, 30_000, len(tail))
    return RoadNetwork.from_arrays(tail, head, times, x=x.ravel(), y=y.ravel())
