"""The rivals of the hierarchy, each written the way a good user of that library would; left out where not installed."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from scipy.sparse.csgraph import dijkstra

from benchmarks.rivals import Answer
from gridgov.network import CLOSED, RoadNetwork

NEVER = -1
TOO_LONG = 2**31 - 1


def installed(name: str) -> Any:
    """Return a module, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except ImportError:
        return None


class RoutingKit:
    """Customizable contraction hierarchies in C++."""

    def __init__(self, module: Any, network: RoadNetwork) -> None:
        self.module, self.network = module, network
        tail, head = network.tail.tolist(), network.head.tolist()
        order = module.compute_order_inertial(network.n_nodes, tail, head, network.y.tolist(), network.x.tolist())
        self.cch = module.CCH(order, tail, head, False)
        self.base = weights_of(network)
        self.metric = module.CCHMetric(self.cch, self.base)

    def pin_workers(self, workers: np.ndarray) -> Any:
        """Return a prepared query of many to one."""
        return self.module.CCHManyToOne(self.metric, workers.tolist())

    def nearest(self, pinned: Any, workers: list[int], incident: int, k: int) -> Answer:
        """Return the nearest workers with their routes."""
        times = np.array([TOO_LONG if ms is None else ms for ms in pinned.distances_to(incident)])
        best = np.argsort(times, kind="stable")[:k]
        query, answer = self.module.CCHQuery(self.metric), []
        for i in best[times[best] < TOO_LONG].tolist():
            found = query.run(workers[i], incident)
            answer.append((found.distance, found.node_path))
            del found  # it must be gone before the next one
        return answer

    def matrix(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return travel times by one-to-many queries with pinned targets."""
        pinned = self.module.CCHOneToMany(self.metric, targets.tolist())
        rows = [pinned.distances_from(source) for source in sources.tolist()]
        return np.array([[NEVER if ms is None else ms for ms in row] for row in rows])


def weights_of(network: RoadNetwork) -> list[int]:
    """Return milliseconds; RoutingKit's infinity is the same number as our mark of a closed edge."""
    return network.travel_time_ms.tolist()


def igraph_of(module: Any, network: RoadNetwork) -> tuple[Any, list[int]]:
    """Return the graph of open edges and their milliseconds."""
    usable = np.flatnonzero(network.travel_time_ms != CLOSED)
    graph = module.Graph(
        n=network.n_nodes, edges=np.column_stack([network.tail[usable], network.head[usable]]).tolist(), directed=True
    )
    return graph, network.travel_time_ms[usable].tolist()


def igraph_nearest(graph: Any, weights: list[int], incident: int, workers: list[int], k: int) -> Answer:
    """Many to one against the edges, then the routes of the best."""
    places, where = np.unique(workers, return_inverse=True)  # igraph refuses to be asked twice for one
    times = np.array(graph.distances(incident, places.tolist(), weights=weights, mode="in")[0])[where]
    best = [i for i in np.argsort(times, kind="stable")[:k].tolist() if np.isfinite(times[i])]
    paths = graph.get_shortest_paths(incident, [workers[i] for i in best], weights=weights, mode="in")
    return [(int(times[i]), path[::-1]) for i, path in zip(best, paths, strict=True)]


def igraph_matrix(graph: Any, weights: list[int], sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    places, where = np.unique(targets, return_inverse=True)
    times = np.array(graph.distances(sources.tolist(), places.tolist(), weights=weights))[:, where]
    return np.where(np.isfinite(times), times, NEVER).astype(np.int64)


def scipy_matrix(matrix: Any, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return travel times; `matrix` is the reversed one, so the search runs from the targets."""
    times = dijkstra(matrix, indices=targets)[:, sources].T
    return np.where(np.isfinite(times), times, NEVER).astype(np.int64)


@contextmanager
def said_on_stderr() -> Iterator[None]:
    """Send to stderr what a library in C++ prints, so that stdout holds the result alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


class Pandana:
    """Contraction hierarchies in C++; the weights are seconds, since pandana keeps thousandths of them in 32 bits."""

    def __init__(self, module: Any, network: RoadNetwork) -> None:
        import pandas as pd  # noqa: PLC0415

        usable = np.flatnonzero(network.travel_time_ms != CLOSED)
        seconds = (network.travel_time_ms[usable] + 0.25) / 1000  # it cuts off what is behind the thousandths
        with said_on_stderr():
            self.network = module.Network(
                pd.Series(network.x), pd.Series(network.y), pd.Series(network.tail[usable]),
                pd.Series(network.head[usable]), pd.DataFrame({"s": seconds}), twoway=False,
            )  # fmt: skip

    def matrix(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return travel times of all pairs."""
        rows, columns = np.repeat(sources, len(targets)), np.tile(targets, len(sources))
        seconds = np.array(self.network.shortest_path_lengths(rows, columns))
        ms = np.rint(seconds * 1000).astype(np.int64).reshape(len(sources), len(targets))
        return np.where(ms > 4_000_000_000, NEVER, ms)
