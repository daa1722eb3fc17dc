"""The nearest workers of an incident by travel time: an early-stop search against the edges, from the incident.

The search runs on the reversed graph, since a worker drives to the incident and one-ways count. It ends when k workers
are settled, so that its cost depends on how far the k-th nearest worker is and not on the size of the network.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.network import kernels
from gridgov.network.places import Location, Locations, Place, as_places, attach
from gridgov.network.routes import Route, make_route
from gridgov.network.topology import Scratch
from gridgov.network.validation import Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork

_CHUNKS_PER_THREAD = 4  # so that a thread with far incidents does not keep the others waiting


class WorkerIndex:
    """Workers prepared for many searches on one network view.

    A search with an index costs nothing for each worker, however many there are. An index may be used by several
    threads at once, and with another view of the same network: it is then prepared again for that call.
    """

    __slots__ = ("first", "locations", "members", "n_workers", "network")

    def __init__(self, network: RoadNetwork, worker_nodes: Locations) -> None:
        self.network = network
        self.locations = worker_nodes.copy() if isinstance(worker_nodes, np.ndarray) else worker_nodes
        self.members, self.n_workers = attach(network, self.locations, leaving=True)
        self.first = np.full(network.n_nodes, -1, dtype=np.int64)
        kernels.link(self.first, self.members.table)

    def __len__(self) -> int:
        return self.n_workers

    def __repr__(self) -> str:
        return f"<WorkerIndex: {self.n_workers} workers on {self.network!r}>"


class Nearest:
    """The nearest workers of one incident, by time, ties by position.

    Workers who cannot reach the incident are not in it, so there may be fewer than k.

    Attributes
    ----------
    index : int64 array, shape (r,)
        Positions in the list of workers.
    travel_time_ms : int64 array, shape (r,)
    settled_nodes : int
        Road nodes that the search visited.
    """

    __slots__ = ("_ends", "_incident", "_network", "_steps", "_workers", "index", "settled_nodes", "travel_time_ms")

    def __init__(
        self,
        network: RoadNetwork,
        incident: Location,
        workers: Locations,
        answer: tuple[Int64s, Int64s, Any, Any, Any, Any, int],
    ) -> None:
        self.index, self.travel_time_ms, node_ends, nodes, edge_ends, edges, self.settled_nodes = answer
        self._steps, self._ends = (nodes, edges), (node_ends, edge_ends)
        self._network, self._incident, self._workers = network, incident, workers

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"<Nearest: {len(self)} workers, times {self.travel_time_ms.tolist()} ms>"

    @property
    def reachable(self) -> int:
        """How many workers were found; fewer than min(k, workers) means that all others cannot reach the incident."""
        return len(self.index)

    def route(self, i: int) -> list[int]:
        """Return the nodes that worker i of the answer passes, in driving order.

        Between nodes, the first is the worker's and the last the incident's. Between places on edges these are the
        nodes between; none where both lie on one edge.
        """
        return self._cut(0, i).tolist()  # type: ignore[no-any-return]

    def edges(self, i: int) -> list[int]:
        """Return the edges of the same route; the first and the last may be driven in part only (see `path`)."""
        return self._cut(1, i).tolist()  # type: ignore[no-any-return]

    def path(self, i: int) -> Route:
        """Return the route of worker i of the answer with its line, lengths and times."""
        if not -len(self) <= i < len(self):
            raise ParameterError(f"there is no route {i}: {len(self)} workers were found")
        workers, incident = as_places(self._network, self._workers), as_places(self._network, self._incident)
        start, end = workers[int(self.index[i])], incident[0]
        return make_route(self._network, self.edges(i), start, end, self.route(i))

    def _cut(self, which: int, i: int) -> Int64s:
        steps, ends = self._steps[which], self._ends[which]
        if i < 0:
            i += len(self.index)
        if not 0 <= i < len(self.index):
            raise ParameterError(f"there is no route {i}: {len(self)} workers were found")
        return steps[ends[i] : ends[i + 1]]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class NearestBatch:
    """The nearest workers of many incidents.

    Attributes
    ----------
    index : int64 array, shape (incidents, k)
        Positions in the list of workers, by time, ties by position; -1 where nobody else can come.
    travel_time_ms : int64 array, shape (incidents, k)
        -1 where `index` is.
    threads : int
        How many threads searched.
    """

    index: Int64s
    travel_time_ms: Int64s
    threads: int
    network: RoadNetwork
    incidents: Locations
    workers: WorkerIndex

    def __len__(self) -> int:
        return len(self.index)

    def nearest(self, i: int) -> Nearest:
        """Return the answer for incident i with its routes (searched again)."""
        incident = as_places(self.network, self.incidents)[i]
        return nearest_workers(self.network, incident, self.workers, k=self.index.shape[1])


def nearest_workers(
    network: RoadNetwork, incident_node: Location, worker_nodes: Locations | WorkerIndex, k: int = 5
) -> Nearest:
    """Find the k workers who reach an incident first.

    Parameters
    ----------
    network : RoadNetwork
    incident_node : int or Place
        A node, or a place from `network.snap`.
    worker_nodes : sequence of int or Place, Places, or WorkerIndex
        Where the workers are; several may be at one place. `network.worker_index(worker_nodes)` prepares them once
        for many calls.
    k : int
        How many at most.

    Returns
    -------
    Nearest

    Raises
    ------
    ParameterError
        A node does not exist, or k is not a whole number from 1 on.

    Notes
    -----
    Dijkstra's algorithm on the reversed graph with a 4-ary heap, stopped when k workers are settled. Threads may call
    this at the same time.
    """
    _check_k(k)
    seeds = _seeds(network, incident_node)
    with _linked(network, worker_nodes, len(seeds.table)) as (first, members, n_workers, scratch):
        graph = network.backward
        answer = kernels.nearest(
            (graph.first_edge, graph.neighbour, graph.time_ms),
            (network.head, graph.edge_id),
            seeds,
            (members.table, members.positions, first),
            min(k, n_workers),
            network.heap_shift(n_workers),
            scratch.arrays,
        )
    workers = worker_nodes.locations if isinstance(worker_nodes, WorkerIndex) else worker_nodes
    return Nearest(network, incident_node, workers, answer)


def nearest_workers_batch(
    network: RoadNetwork,
    incident_nodes: Locations,
    worker_nodes: Locations | WorkerIndex,
    k: int = 5,
    *,
    threads: int | None = None,
) -> NearestBatch:
    """Find the k nearest workers of every incident, each incident on its own.

    Parameters
    ----------
    network, worker_nodes, k
        As in `nearest_workers`.
    incident_nodes : sequence of int or Place, or Places
    threads : int, optional
        Default: one for each processor. The answer does not depend on it.

    Returns
    -------
    NearestBatch
    """
    _check_k(k)
    index = worker_nodes if isinstance(worker_nodes, WorkerIndex) else WorkerIndex(network, worker_nodes)
    if index.network is not network:
        index = WorkerIndex(network, index.locations)
    seeds, n_incidents = attach(network, incident_nodes, leaving=False)
    ends = seed_ends(seeds.table, n_incidents)
    found = np.empty((n_incidents, k), dtype=np.int64)
    times = np.empty_like(found)
    graph = network.backward

    def search(rows: slice) -> None:
        attachments = len(index.members.table) + len(seeds.table)
        with network.topology.scratch.borrow(attachments) as scratch:
            kernels.nearest_many(
                (graph.first_edge, graph.neighbour, graph.time_ms),
                seeds,
                ends[rows.start : rows.stop + 1],
                (index.members.table, index.members.positions, index.first),
                network.heap_shift(len(index)),
                scratch.arrays,
                found[rows],
                times[rows],
            )

    used = run_in_threads(search, n_incidents, threads)
    return NearestBatch(found, times, used, network, incident_nodes, index)


def seed_ends(table: Int64s, count: int) -> Int64s:
    """Return where the seeds of each place end: place i owns the rows ``ends[i]:ends[i + 1]``."""
    return np.searchsorted(table[:, kernels.OWNER], np.arange(count + 1)).astype(np.int64)


def run_in_threads(search: Any, n_rows: int, threads: int | None) -> int:
    """Run a compiled search over parts of the rows, and return how many threads were used.

    Threads of Python's own and not numba's, since those must not be entered by two threads of a server at once.
    """
    if threads is not None and threads < 1:
        raise ParameterError(f"threads must be at least 1, not {threads}")
    used = max(1, min(threads or len(os.sched_getaffinity(0)), n_rows))
    if used == 1:
        search(slice(0, n_rows))
        return used
    cuts = np.linspace(0, n_rows, min(n_rows, used * _CHUNKS_PER_THREAD) + 1).astype(int)
    with ThreadPoolExecutor(used) as pool:
        list(pool.map(search, (slice(a, b) for a, b in pairwise(cuts.tolist()))))
    return used


def _check_k(k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ParameterError(f"k must be a whole number from 1 on, not {k!r}")


def _seeds(network: RoadNetwork, incident: Location) -> Any:
    if isinstance(incident, int | np.integer | Place) and not isinstance(incident, bool):
        return attach(network, incident, leaving=False)[0]
    raise ParameterError(f"an incident is one node id or one place, not {type(incident).__name__}")


@contextmanager
def _linked(
    network: RoadNetwork, workers: Locations | WorkerIndex, n_seeds: int
) -> Iterator[tuple[NDArray[np.int64], Any, int, Scratch]]:
    """Lend working arrays together with the workers hung into the nodes' lists."""
    pool = network.topology.scratch
    if isinstance(workers, WorkerIndex) and workers.network is network:
        with pool.borrow(len(workers.members.table) + n_seeds) as scratch:
            yield workers.first, workers.members, workers.n_workers, scratch
        return
    locations = workers.locations if isinstance(workers, WorkerIndex) else workers
    members, n_workers = attach(network, locations, leaving=True)
    with pool.borrow(len(members.table) + n_seeds) as scratch:
        kernels.link(scratch.first, members.table)
        yield scratch.first, members, n_workers, scratch
        kernels.unlink(scratch.first, members.table)
