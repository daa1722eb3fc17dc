"""The rivals of the road network, each written the way a good user of that library would."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

import networkx as nx
import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from gridgov.network import CLOSED, RoadNetwork

Answer = list[tuple[int, list[int]]]  # (milliseconds, nodes from worker to incident), nearest first


def multigraph(network: RoadNetwork) -> nx.MultiDiGraph:
    """Return the network as OSMnx users have it, with `travel_time` in whole milliseconds."""
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(network.n_nodes))
    usable = np.flatnonzero(network.travel_time_ms != CLOSED)
    rows = (network.tail[usable].tolist(), network.head[usable].tolist(), network.travel_time_ms[usable].tolist())
    graph.add_edges_from((u, v, {"travel_time": ms}) for u, v, ms in zip(*rows, strict=True))
    return graph


def reversed_adjacency(graph: nx.MultiDiGraph) -> dict[int, dict[int, int]]:
    """Return head -> tail -> fastest milliseconds: NetworkX's own adjacency with parallel edges merged beforehand."""
    simple = nx.DiGraph()
    simple.add_nodes_from(graph)
    for u, v, ms in graph.edges(data="travel_time"):
        if not simple.has_edge(v, u) or ms < simple[v][u]["ms"]:
            simple.add_edge(v, u, ms=ms)
    return {u: {v: data["ms"] for v, data in near.items()} for u, near in simple.adjacency()}


def reversed_matrix(network: RoadNetwork) -> csr_array:
    """Return the reversed network for scipy, the fastest of parallel edges alone (scipy would sum them)."""
    usable = np.flatnonzero(network.travel_time_ms != CLOSED)
    order = usable[np.lexsort((network.travel_time_ms[usable], network.tail[usable], network.head[usable]))]
    pairs = np.column_stack([network.head[order], network.tail[order]])
    first = np.append(True, (np.diff(pairs, axis=0) != 0).any(axis=1))
    ends, ms = pairs[first], network.travel_time_ms[order][first].astype(float)
    if (ms == 0).any():
        raise ValueError("scipy drops edges of 0 ms; choose another network")
    return coo_array((ms, (ends[:, 0], ends[:, 1])), shape=(network.n_nodes, network.n_nodes)).tocsr()


def heapq_on_networkx(near: Any, incident: int, workers_at: dict[int, int], k: int) -> Answer:
    """Dijkstra with early stop over the reversed MultiDiGraph's own adjacency (graph.pred)."""
    best, came_from, done = {incident: 0}, {incident: -1}, set()
    heap, found = [(0, incident)], []
    while heap and len(found) < k:
        time, node = heappop(heap)
        if node in done:
            continue
        done.add(node)
        found += [(time, node)] * workers_at.get(node, 0)
        for other, parallel in near[node].items():
            later = time + min(data["travel_time"] for data in parallel.values())
            if later < best.get(other, CLOSED):
                best[other], came_from[other] = later, node
                heappush(heap, (later, other))
    return [(time, _walk(came_from, node)) for time, node in found[:k]]


def heapq_on_dicts(near: dict[int, dict[int, int]], incident: int, workers_at: dict[int, int], k: int) -> Answer:
    """The same on plain dicts of milliseconds, prepared beforehand: as fast as pure Python gets."""
    best, came_from, done = {incident: 0}, {incident: -1}, set()
    heap, found = [(0, incident)], []
    while heap and len(found) < k:
        time, node = heappop(heap)
        if node in done:
            continue
        done.add(node)
        found += [(time, node)] * workers_at.get(node, 0)
        for other, ms in near[node].items():
            later = time + ms
            if later < best.get(other, CLOSED):
                best[other], came_from[other] = later, node
                heappush(heap, (later, other))
    return [(time, _walk(came_from, node)) for time, node in found[:k]]


def _walk(came_from: Any, node: int) -> list[int]:
    path = [node]
    while (node := came_from[node]) >= 0:
        path.append(node)
    return path


def scipy_full(matrix: csr_array, incident: int, workers: np.ndarray, k: int) -> Answer:
    """One whole search."""
    times, came_from = dijkstra(matrix, indices=incident, return_predecessors=True)
    return _nearest(times, came_from, workers, k)


def scipy_doubling(matrix: csr_array, incident: int, workers: np.ndarray, k: int, limit: float) -> Answer:
    """A search with a limit, doubled until k workers are within."""
    while True:
        times, came_from = dijkstra(matrix, indices=incident, return_predecessors=True, limit=limit)
        if np.isfinite(times[workers]).sum() >= k or limit > 1e9:
            return _nearest(times, came_from, workers, k)
        limit *= 2


def _nearest(times: np.ndarray, came_from: np.ndarray, workers: np.ndarray, k: int) -> Answer:
    of_workers = times[workers]
    some = np.argpartition(of_workers, k)[:k]
    order = some[np.argsort(of_workers[some], kind="stable")]
    return [(int(of_workers[i]), _walk(came_from, int(workers[i]))) for i in order if np.isfinite(of_workers[i])]


def scipy_batch_doubling(
    matrix: csr_array, incidents: np.ndarray, workers: np.ndarray, k: int, limit: float, block: int = 100
) -> np.ndarray:
    """Times of the k nearest for many incidents: blocks of searches with a limit, doubled for those that need it."""
    times = np.full((len(incidents), k), np.inf)
    waiting = np.arange(len(incidents))
    while len(waiting):
        unfinished: list[np.ndarray] = []
        for rows in np.array_split(waiting, max(1, len(waiting) // block)):
            reached = dijkstra(matrix, indices=incidents[rows], limit=limit)[:, workers]
            best = np.sort(np.partition(reached, k - 1, axis=1)[:, :k], axis=1)
            ready = np.isfinite(best[:, -1]) | (limit > 1e9)
            times[rows[ready]] = best[ready]
            unfinished.append(rows[~ready])
        waiting, limit = np.concatenate(unfinished), limit * 2
    return times


def networkx_single_source(reverse: nx.MultiDiGraph, incident: int, workers: Iterable[int], k: int) -> Answer:
    """NetworkX's fastest call that gives routes: one whole search with predecessors."""
    came_from, times = nx.dijkstra_predecessor_and_distance(reverse, incident, weight="travel_time")
    best = sorted((times[worker], worker) for worker in workers if worker in times)[:k]
    return [(ms, _first_path(came_from, worker)) for ms, worker in best]


def _first_path(came_from: dict[int, list[int]], node: int) -> list[int]:
    path = [node]
    while came_from[node]:
        node = came_from[node][0]
        path.append(node)
    return path


def networkx_per_worker(graph: nx.MultiDiGraph, incident: int, workers: Iterable[int], k: int) -> Answer:
    """One shortest path for each worker, as most tutorials do."""
    answers = []
    for worker in workers:
        try:
            ms, path = nx.single_source_dijkstra(graph, worker, incident, weight="travel_time")
        except nx.NetworkXNoPath:
            continue
        answers.append((ms, path))
    return sorted(answers, key=lambda answer: answer[0])[:k]
