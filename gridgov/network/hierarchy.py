"""The hierarchy of a road network: prepared once, whatever the times; times put on it in milliseconds.

A customizable contraction hierarchy. `Hierarchy` is what the order of the nodes makes of the roads, `Metric` one set
of times on it. Closing some roads gives a new metric in a fraction of a millisecond, equal to a full one bit for bit;
no metric is ever changed, so many threads may use one.

References
----------
J. Dibbelt, B. Strasser, D. Wagner, "Customizable contraction hierarchies", arXiv 1402.0402.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.network import hierarchy_kernels as kernels
from gridgov.network import hierarchy_updates as updates
from gridgov.network.hierarchy_kernels import Arcs, Edges, Times, Triangles
from gridgov.network.hierarchy_order import checked_order, node_order, pairs_between
from gridgov.network.topology import Topology
from gridgov.network.validation import CLOSED, Int32s, Int64s, edge_ids, frozen, node_ids, travel_times_ms

if TYPE_CHECKING:
    from gridgov.network.hierarchy_search import Tree

FAR = int(kernels.FAR)
"""Milliseconds (12.4 days) from which the hierarchy does not tell a trip from none; then the plain search answers."""

_BUDGET = 0.15
"""Triangles, as a share of all, that a partial customization may look at: each costs some five times as much as in a
full one, where they lie in a row."""
_LEAST_BUDGET = 1000
_FEW, _FEW_SHARE = 50, 1 / 400
"""More changed edges than this many, and this share of all, go over the budget anyhow."""


class Hierarchy:
    """The arcs over the nodes of a road network by their importance; see `hierarchy_kernels` for what arcs are.

    Attributes
    ----------
    order, rank : int32 arrays, shape (n_nodes,)
        Nodes by importance, and the place of each node among them.
    parent, depth : int32 arrays, shape (n_nodes,)
        The elimination tree, by ranks: the lowest node above each, -1 for roots; how many lie above.
    first_arc, arc_tail, arc_head : arrays
        Arcs, by ranks.
    slot_of_edge : int32 array, shape (n_edges,)
        ``2 * arc + direction`` of each edge, -1 for loops.
    """

    def __init__(self, topology: Topology, order: ArrayLike | None = None) -> None:
        """Prepare the hierarchy of some roads, in an order of their nodes (default: `node_order`)."""
        self.topology = topology
        n = topology.n_nodes
        self.order = node_order(topology) if order is None else checked_order(order, n)
        rank = np.empty(n, dtype=np.int32)
        rank[self.order] = np.arange(n, dtype=np.int32)
        tail, head = rank[topology.tail], rank[topology.head]
        low, high = np.divmod(pairs_between(tail, head, n), max(n, 1))
        first_arc, arc_head, parent = kernels.eliminate(_ends(low, n), high.astype(np.int32))
        self.rank, self.parent, self.first_arc, self.arc_head = rank, parent, first_arc, arc_head
        self.arc_tail = np.repeat(np.arange(n, dtype=np.int32), np.diff(first_arc))
        self.depth = kernels.depths(parent)
        self.slot_of_edge = kernels.slots(first_arc, arc_head, tail, head)
        for array in (rank, parent, first_arc, arc_head, self.arc_tail, self.depth, self.slot_of_edge):
            frozen(array)

    def __repr__(self) -> str:
        return f"<Hierarchy: {self.topology.n_nodes} nodes, {self.n_arcs} arcs, height {self.height}>"

    @property
    def n_arcs(self) -> int:
        """Number of arcs."""
        return len(self.arc_head)

    @cached_property
    def height(self) -> int:
        """Number of nodes on the longest way up the elimination tree."""
        return int(self.depth.max(initial=-1)) + 1

    @cached_property
    def mean_climb(self) -> float:
        """Arcs that a climb looks at, mean over the nodes: what a search on the hierarchy costs."""
        above = np.diff(self.first_arc)
        return float(kernels.sums_to_root(self.parent, above).mean()) if len(above) else 0.0

    @cached_property
    def triangles(self) -> Triangles:
        """All lower triangles; see `hierarchy_kernels.triangles`. 12 bytes each, by far the largest part."""
        return kernels.triangles(self.first_arc, self.arc_head)

    @cached_property
    def edges(self) -> Edges:
        """Which arc each edge belongs to, and which edges belong to each arc."""
        used = np.flatnonzero(self.slot_of_edge >= 0)
        order = used[np.argsort(self.slot_of_edge[used], kind="stable")].astype(np.int32)
        return self.slot_of_edge, _ends(self.slot_of_edge[used], 2 * self.n_arcs), order

    @property
    def arcs(self) -> Arcs:
        """The arcs as the kernels want them."""
        return self.first_arc, self.arc_tail, self.arc_head

    @cached_property
    def nodes(self) -> tuple[Int32s, Int32s, Int32s, Int32s]:
        """What the searches need to come back to nodes: see `hierarchy_paths.nearest`."""
        return self.arc_tail, self.order, self.topology.head, self.rank

    @cached_property
    def tree(self) -> Tree:
        """The arcs and the elimination tree as the searches want them."""
        return self.first_arc, self.depth[self.arc_head], self.parent, self.depth

    def customize(self, travel_time_ms: ArrayLike) -> Metric:
        """Return the hierarchy with times on it.

        Parameters
        ----------
        travel_time_ms : array_like of int, shape (n_edges,)
            Milliseconds; 2**31 - 1 marks a closed edge.

        Raises
        ------
        ParameterError
            There is not one time for each edge, or a time is negative or too large.
        """
        times_ms = travel_times_ms(travel_time_ms, "travel_time_ms", self.topology.n_edges)
        return self.with_times(cast("Int32s", frozen(times_ms)))

    def with_times(self, times_ms: Int32s) -> Metric:
        """Do the same with times that are known to be right and will not change: those of a network view."""
        times = kernels.customize(self.first_arc, self.triangles[1], self.slot_of_edge, times_ms)
        return Metric(self, times_ms, cast("Times", frozen(times)))


@dataclass(frozen=True, eq=False)
class Metric:
    """One set of times on a hierarchy.

    Attributes
    ----------
    hierarchy : Hierarchy
    travel_time_ms : int32 array, shape (n_edges,)
        Times of the edges.
    times : int32 array, shape (arcs, 2)
        Times of the arcs, up and down; `FAR` where there is no way.
    """

    hierarchy: Hierarchy
    travel_time_ms: Int32s
    times: Times

    def recustomized(self, changed_edges: ArrayLike, travel_time_ms: ArrayLike) -> Metric:
        """Return the metric after some edges got other times, equal to a full customization; this one stays.

        Parameters
        ----------
        changed_edges : array_like of int
        travel_time_ms : array_like of int, shape (n_edges,), or one for each changed edge
            Times of all edges, of which only the changed ones may differ from before, or of the changed ones alone.

        Raises
        ------
        ParameterError
            An edge does not exist, the number of times fits neither, or a time is negative or too large.
        """
        n_edges = self.hierarchy.topology.n_edges
        changed = edge_ids(changed_edges, "changed edges", n_edges)
        given = np.asarray(travel_time_ms)
        if len(given) != n_edges or len(changed) == n_edges:
            now = self.travel_time_ms.copy()
            now[changed] = travel_times_ms(given, "travel_time_ms", len(changed))
            given = now
        times_ms = cast("Int32s", frozen(travel_times_ms(given, "travel_time_ms", n_edges)))
        return self._with_changes(changed, times_ms) or self.hierarchy.with_times(times_ms)

    def _with_changes(self, changed: Int64s, times_ms: Int32s, *, often: bool = False) -> Metric | None:
        """Return the metric after few changes, None where they are too many for that to pay.

        Where it is asked often, what depends on what is found out once.
        """
        hierarchy = self.hierarchy
        budget = max(_LEAST_BUDGET, int(_BUDGET * len(hierarchy.triangles[1])))
        if len(changed) > _few(len(times_ms)):
            return None
        times = self.times.copy()  # 0.03 ms for 100,000 arcs: cheaper than any way to undo changes
        if often and (times_ms[changed] >= self.travel_time_ms[changed]).all():
            looked = updates.slow_down(
                self.dependents, hierarchy.triangles, hierarchy.edges, changed, times_ms, times, budget
            )
        else:
            looked = updates.recustomize(
                hierarchy.arcs, hierarchy.triangles, hierarchy.edges, changed, times_ms, times, budget
            )
        return None if looked < 0 else Metric(hierarchy, times_ms, cast("Times", frozen(times)))

    def travel_times(self, sources: ArrayLike, targets: ArrayLike) -> NDArray[np.int32]:
        """Return the times between nodes, int32 ms of shape (sources, targets), -1 where there is no way.

        Raises
        ------
        ParameterError
            A node does not exist, or a trip might take `FAR` or more.
        """
        from gridgov.network.hierarchy_queries import times_between_nodes  # noqa: PLC0415  # it imports this module

        n_nodes = self.hierarchy.topology.n_nodes
        return times_between_nodes(
            self, node_ids(sources, "sources", n_nodes), node_ids(targets, "targets", n_nodes)
        )  # fmt: skip

    def route(self, source: int, target: int) -> tuple[int, list[int]]:
        """Return the time from node to node and the edges driven, in order; -1 and no edges where there is no way."""
        from gridgov.network.hierarchy_queries import edges_between_nodes  # noqa: PLC0415  # it imports this module

        ends = node_ids([source, target], "source and target", self.hierarchy.topology.n_nodes)
        return edges_between_nodes(self, int(ends[0]), int(ends[1]))

    def for_times(self, travel_time_ms: Int32s, edges: Int64s | None = None) -> Metric:
        """Return the metric of other times, which are known to be right and will not change, by the shorter way.

        Meant for the times of a base network, which all its views come back to. `edges` are those that may differ,
        each once; without them all are compared.
        """
        if edges is None:
            changed = updates.differences(self.travel_time_ms, travel_time_ms, _few(len(travel_time_ms)))
        else:
            changed = edges[travel_time_ms[edges] != self.travel_time_ms[edges]]
        if not len(changed):
            return self
        return self._with_changes(changed, travel_time_ms, often=True) or self.hierarchy.with_times(travel_time_ms)

    @cached_property
    def dependents(self) -> updates.Dependents:
        """What can become longer with the time of an arc; to make it takes some four times as long as the metric."""
        return updates.dependents_of(self.hierarchy.first_arc, self.hierarchy.triangles[1], self.times)

    @cached_property
    def longest_ms(self) -> int:
        """The largest time on an arc, and at least that of any open edge."""
        open_ms = self.travel_time_ms[self.travel_time_ms != CLOSED]
        finite = self.times[self.times < FAR]
        return max(int(open_ms.max(initial=0)), int(finite.max(initial=0)))

    def is_complete(self, largest_ms: int) -> bool:
        """Whether a search that went on from times up to `largest_ms` cannot have lost a trip for being too long.

        A trip below `FAR` is never lost: all its parts are below it, too. Sums are of two arcs, when the times were
        put on the hierarchy, or of a time that a search has come to and one arc.
        """
        return max(largest_ms, self.longest_ms) + self.longest_ms < FAR

    @cached_property
    def has_free_edges(self) -> bool:
        """Whether an edge takes 0 ms, so that ways of equal time may come back to a node."""
        return not self.travel_time_ms.all()


def _few(n_edges: int) -> int:
    """Return how many changed edges are few."""
    return _FEW + int(_FEW_SHARE * n_edges)


def _ends(rows: Int64s | Int32s, count: int) -> Int64s:
    """Return where each row's entries begin, and where the last ones end."""
    first = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=first[1:])
    return first
