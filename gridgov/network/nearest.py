"""The nearest workers of an incident by travel time: an early-stop search against the edges, from the incident.

The search runs on the reversed graph, since a worker drives to the incident and one-ways count. It ends when k workers
are settled, so that its cost depends on how far the k-th nearest worker is and not on the size of the network. Where
workers are few, the hierarchy answers instead; `planning` decides.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gridgov.errors import ParameterError
from gridgov.network import kernels
from gridgov.network.hierarchy_queries import LabelledMembers, ends_of_places, label_members
from gridgov.network.places import Attached, Location, Locations, Place, attach, place_at
from gridgov.network.planning import EARLY_STOP, HIERARCHY, Engine, engine_for_nearest
from gridgov.network.routes import Route, make_route
from gridgov.network.threads import run_in_threads
from gridgov.network.validation import Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


class WorkerIndex:
    """Workers prepared for many searches on one network view.

    A search with an index costs nothing for each worker, however many there are. An index may be used by several
    threads at once, and with another view of the same network: it is then prepared again for that call.
    """

    __slots__ = ("_labelled", "first", "locations", "members", "network")

    def __init__(self, network: RoadNetwork, worker_nodes: Locations) -> None:
        self.network = network
        self.locations = copy(worker_nodes)  # the caller may go on changing the list
        self.members = attach(network, self.locations, leaving=True)
        self.first = np.full(network.n_nodes, -1, dtype=np.int64)
        kernels.link(self.first, self.members.table)
        self._labelled: LabelledMembers | None = None

    @property
    def labelled(self) -> LabelledMembers:
        """The workers with their labels on the hierarchy, prepared when first asked for."""
        if self._labelled is None:  # two threads at once would make the same
            self._labelled = label_members(self.network.metric, self.members)
        return self._labelled

    def __len__(self) -> int:
        return self.members.n_places

    def __repr__(self) -> str:
        return f"<WorkerIndex: {len(self)} workers on {self.network!r}>"


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
    engine : "early_stop" or "hierarchy"
        Who answered.
    """

    __slots__ = (
        "_best",
        "_edges",
        "_incident",
        "_network",
        "_nodes",
        "_steps",
        "_workers",
        "engine",
        "index",
        "settled_nodes",
        "travel_time_ms",
    )

    def __init__(
        self,
        network: RoadNetwork,
        incident: Location,
        workers: Locations,
        best: Int64s,
        answer: tuple[int, int, Int64s],
        engine: Engine = EARLY_STOP,
    ) -> None:
        self.engine = engine
        count, self.settled_nodes, self._steps = answer
        self.index, self.travel_time_ms = best[kernels.MEMBER, :count], best[kernels.TIME, :count]
        self._best = best
        self._nodes: tuple[list[int], list[int]] | None = None
        self._edges: tuple[list[int], list[int]] | None = None
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
        if self._nodes is None:  # one conversion for all routes is quicker than one for each
            self._nodes = self._as_lists(kernels.NODE_ENDS)
        ends, nodes = self._nodes
        if not 0 <= i < len(ends) - 1:
            i = self._from_end(i)
        return nodes[ends[i] : ends[i + 1]]

    def edges(self, i: int) -> list[int]:
        """Return the edges of the same route; the first and the last may be driven in part only (see `path`)."""
        if self._edges is None:
            self._edges = self._as_lists(kernels.EDGE_ENDS)
        ends, edges = self._edges
        if not 0 <= i < len(ends) - 1:
            i = self._from_end(i)
        return edges[ends[i] : ends[i + 1]]

    def path(self, i: int) -> Route:
        """Return the route of worker i of the answer with its line, lengths and times."""
        edges, nodes = self.edges(i), self.route(i)
        start = place_at(self._network, self._workers, int(self.index[i]))
        return make_route(self._network, edges, start, place_at(self._network, self._incident, 0), nodes)

    def _as_lists(self, row: int) -> tuple[list[int], list[int]]:
        """Return where the parts of all routes end, and the parts themselves."""
        ends = self._best[row, : len(self.index) + 1]
        return (ends - ends[0]).tolist(), self._steps[ends[0] : ends[-1]].tolist()

    def _from_end(self, i: int) -> int:
        count = len(self.index)
        if not -count <= i < 0:
            raise ParameterError(f"there is no route {i}: {count} workers were found")
        return i + count


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
    engine : "early_stop" or "hierarchy"
        Who answered.
    """

    index: Int64s
    travel_time_ms: Int64s
    threads: int
    network: RoadNetwork
    incidents: Locations
    workers: WorkerIndex
    engine: Engine = EARLY_STOP

    def __len__(self) -> int:
        return len(self.index)

    def nearest(self, i: int) -> Nearest:
        """Return the answer for incident i with its routes (searched again)."""
        incident = place_at(self.network, self.incidents, i)
        return nearest_workers(self.network, incident, self.workers, k=self.index.shape[1])


def nearest_workers(
    network: RoadNetwork,
    incident_node: Location,
    worker_nodes: Locations | WorkerIndex,
    k: int = 5,
    *,
    engine: Engine | None = None,
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
    engine : "early_stop" or "hierarchy", optional
        Default: what is likely to be faster (see `planning`). Times and workers do not depend on it; of several
        routes of equal time it may return another.

    Returns
    -------
    Nearest

    Raises
    ------
    ParameterError
        A node does not exist, or k is not a whole number from 1 on.

    Notes
    -----
    Dijkstra's algorithm on the reversed graph with a 4-ary heap, stopped when k workers are settled; or labels on the
    hierarchy, see `hierarchy_search`. Threads may call this at the same time.
    """
    _check_k(k)
    index = worker_nodes if isinstance(worker_nodes, WorkerIndex) and worker_nodes.network is network else None
    locations = worker_nodes.locations if isinstance(worker_nodes, WorkerIndex) else worker_nodes
    members = index.members if index else attach(network, locations, leaving=True)
    engine = engine or engine_for_nearest(network, members.n_places, k, prepared=index is not None)
    if engine == HIERARCHY:
        labelled = index.labelled if index else label_members(network.metric, members)
        answer = labelled.nearest(_seeds(network, incident_node), k)
        if answer is not None:
            return Nearest(network, incident_node, locations, *answer, HIERARCHY)
    return _search(network, incident_node, locations, members, k, index.first if index else None)


def _search(
    network: RoadNetwork, incident: Location, workers: Locations, members: Attached, k: int, first: Int64s | None = None
) -> Nearest:
    """Run one search; workers that do not hang in the nodes' lists (`first`) yet are put there for its time."""
    seeds = _seeds(network, incident)
    pool = network.topology.scratch
    scratch = pool.take(len(members.table) + len(seeds.table))
    if first is None:
        kernels.link(scratch.first, members.table)
    graph = network.backward
    best = np.empty((4, min(k, members.n_places) + 1), dtype=np.int64)
    answer = kernels.nearest(
        graph[:3],
        (graph.node, graph.edge_id),
        seeds[:2],
        (members.table, members.positions, scratch.first if first is None else first),
        network.heap_shift(members.n_places),
        scratch.arrays,
        best,
    )
    if first is None:
        kernels.unlink(scratch.first, members.table)
    pool.give_back(scratch)
    return Nearest(network, incident, workers, best, answer)


def nearest_workers_batch(
    network: RoadNetwork,
    incident_nodes: Locations,
    worker_nodes: Locations | WorkerIndex,
    k: int = 5,
    *,
    threads: int | None = None,
    engine: Engine | None = None,
) -> NearestBatch:
    """Find the k nearest workers of every incident, each incident on its own.

    Parameters
    ----------
    network, worker_nodes, k, engine
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
    seeds = attach(network, incident_nodes, leaving=False)
    engine = engine or engine_for_nearest(network, len(index), k, prepared=False, n_incidents=seeds.n_places)
    if engine == HIERARCHY:
        answer = index.labelled.nearest_of_many(seeds, k, threads)
        if answer is not None:
            return NearestBatch(*answer, network, incident_nodes, index, HIERARCHY)
    found, times, used = _search_many(network, seeds, index, k, threads)
    return NearestBatch(found, times, used, network, incident_nodes, index)


def _search_many(
    network: RoadNetwork, seeds: Attached, index: WorkerIndex, k: int, threads: int | None
) -> tuple[Int64s, Int64s, int]:
    """Run one search for each incident; return positions, times, and how many threads were used."""
    ends = ends_of_places(seeds)
    found = np.empty((seeds.n_places, k), dtype=np.int64)
    times = np.empty_like(found)
    graph, members, pool = network.backward, index.members, network.topology.scratch

    def search(rows: slice) -> None:
        scratch = pool.take(len(members.table) + len(seeds.table))
        kernels.nearest_many(
            graph[:3],
            seeds[:2],
            ends[rows.start : rows.stop + 1],
            (members.table, members.positions, index.first),
            network.heap_shift(len(index)),
            scratch.arrays,
            found[rows],
            times[rows],
        )
        pool.give_back(scratch)

    return found, times, run_in_threads(search, seeds.n_places, threads)


def _check_k(k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ParameterError(f"k must be a whole number from 1 on, not {k!r}")


def _seeds(network: RoadNetwork, incident: Location) -> Attached:
    if isinstance(incident, (int, np.integer, Place)) and not isinstance(incident, bool):
        return attach(network, incident, leaving=False)
    raise ParameterError(f"an incident is one node id or one place, not {type(incident).__name__}")
