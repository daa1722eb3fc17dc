"""Everything within reach of some places: one search from all of them at once, up to a time or to the end.

Direction "from": trips start at the sources (a fire engine to the houses). Direction "to": trips end at them (people
to a shelter); the search then runs against the edges. On one-way streets the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from gridgov.errors import ParameterError
from gridgov.network import kernels
from gridgov.network.hierarchy_queries import ends_of_places
from gridgov.network.places import Attached, Locations, attach
from gridgov.network.threads import run_in_threads
from gridgov.network.validation import Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork

Direction: TypeAlias = Literal["from", "to"]
_NO_LIMIT = 2**62  # beyond every trip


@dataclass(frozen=True)
class Reach:
    """How long it takes between the nodes of a network and the nearest of some sources.

    Attributes
    ----------
    direction : "from" or "to"
    limit_ms : int
        How far was searched.
    node_time_ms : int64 array, shape (n_nodes,)
        -1: not reached, or not within the limit.
    node_source : int64 array, shape (n_nodes,)
        Position of the nearest source; -1 where there is no time. Of several at the same time, any one.
    seeds : Attached
        The sources as the search sees them.
    """

    network: RoadNetwork
    direction: Direction
    limit_ms: int
    node_time_ms: Int64s
    node_source: Int64s
    seeds: Attached

    def times(self, places: Locations) -> tuple[Int64s, Int64s]:
        """Return the time of each place, and the position of its source; -1 where it is out of reach."""
        return self.times_of(attach(self.network, places, leaving=self.direction == "to"))

    def times_of(self, members: Attached) -> tuple[Int64s, Int64s]:
        """Return the same for places that are attached already."""
        time, source = np.full(members.n_places, _NO_LIMIT), np.full(members.n_places, -1)
        nodes = members.table[:, kernels.NODE]
        known = np.flatnonzero(self.node_time_ms[nodes] >= 0)
        owner = members.table[known, kernels.OWNER]
        by_node = self.node_time_ms[nodes[known]] + members.table[known, kernels.OFFSET]
        _take_smaller(time, source, owner, by_node, self.node_source[nodes[known]])
        _take_smaller(time, source, *self._along_one_edge(members))
        far = time > self.limit_ms
        time[far], source[far] = -1, -1
        return time, source

    def _along_one_edge(self, members: Attached) -> tuple[Int64s, Int64s, Int64s]:
        """Return owner, time and source of trips that never leave one edge."""
        seeds = self.seeds
        on_edge = np.flatnonzero(seeds.table[:, kernels.EDGE] >= 0)
        order = on_edge[np.argsort(seeds.table[on_edge, kernels.EDGE], kind="stable")]
        edges = seeds.table[order, kernels.EDGE]
        mine = members.table[:, kernels.EDGE]
        first, last = np.searchsorted(edges, mine, side="left"), np.searchsorted(edges, mine, side="right")
        count = np.where(mine >= 0, last - first, 0)
        member = np.repeat(np.arange(len(mine)), count)
        within = np.arange(len(member)) - np.repeat(np.cumsum(count) - count, count)
        seed = order[first[member] + within]
        beyond = members.positions[member] - seeds.positions[seed]
        ahead = beyond >= 0 if self.direction == "from" else beyond <= 0
        member, seed = member[ahead], seed[ahead]
        table = members.table[member]
        between = table[:, kernels.OFFSET] + seeds.table[seed, kernels.OFFSET] - table[:, kernels.WHOLE]
        return table[:, kernels.OWNER], between, seeds.table[seed, kernels.OWNER]


def reach(
    network: RoadNetwork, sources: Locations, *, direction: Direction = "from", limit_ms: int | None = None
) -> Reach:
    """Search from all sources at once.

    Parameters
    ----------
    network : RoadNetwork
    sources : sequence of int or Place, or Places
    direction : "from" or "to"
    limit_ms : int, optional
        Default: as far as roads go.

    Raises
    ------
    ParameterError
        A place does not exist, the limit is negative, or the direction has another name.
    """
    _check(direction, limit_ms)
    seeds = attach(network, sources, leaving=direction == "from")
    return _searched(network, seeds, direction, limit_ms)


def time_to_nearest(
    network: RoadNetwork,
    targets: Locations,
    sources: Locations,
    *,
    direction: Direction = "from",
    limit_ms: int | None = None,
) -> tuple[Int64s, Int64s]:
    """Return for every target the time from (or to) its nearest source, and which one that is; one run for all.

    Returns
    -------
    (time_ms, source) : int64 arrays, shape (targets,)
        -1 where no source is within reach.
    """
    return reach(network, sources, direction=direction, limit_ms=limit_ms).times(targets)


def count_within(
    network: RoadNetwork, targets: Locations, sources: Locations, limit_ms: int, *, direction: Direction = "from"
) -> Int64s:
    """Return for every target how many sources lie within a time of it (coverage of order k where it is k or more).

    One search for each source, up to the limit.
    """
    _check(direction, limit_ms)
    seeds = attach(network, sources, leaving=direction == "from")
    ends = ends_of_places(seeds)
    members = attach(network, targets, leaving=direction == "to")
    parts: list[Int64s] = []

    def search(rows: slice) -> None:
        own = np.zeros(members.n_places, dtype=np.int64)
        for i in range(rows.start, rows.stop):
            part = slice(ends[i], ends[i + 1])
            one = Attached(seeds.table[part], seeds.positions[part], seeds.n_places)
            time, _ = _searched(network, one, direction, limit_ms).times_of(members)
            own += time >= 0
        parts.append(own)

    if seeds.n_places:
        run_in_threads(search, seeds.n_places, None)
    return sum(parts, start=np.zeros(members.n_places, dtype=np.int64))


def _searched(network: RoadNetwork, seeds: Attached, direction: Direction, limit_ms: int | None) -> Reach:
    graph = network.forward if direction == "from" else network.backward
    limit = _NO_LIMIT - 1 if limit_ms is None else int(limit_ms)
    times = np.full(network.n_nodes, -1, dtype=np.int64)
    owners = np.full(network.n_nodes, -1, dtype=np.int64)
    pool = network.topology.scratch
    scratch = pool.take(len(seeds.table))
    shift = network.heap_shift(0)
    kernels.spread(graph[:3], graph.node, seeds.table, limit, shift, scratch.arrays, (times, owners))
    pool.give_back(scratch)
    return Reach(network, direction, limit, times, owners, seeds)


def _take_smaller(time: Int64s, source: Int64s, owner: Int64s, offered: Int64s, offered_source: Int64s) -> None:
    """Lower the time of owners to what is offered, and take its source."""
    order = np.lexsort((offered, owner))
    owner, first = np.unique(owner[order], return_index=True)
    best = order[first]
    better = offered[best] < time[owner]
    time[owner[better]] = offered[best[better]]
    source[owner[better]] = offered_source[best[better]]


def _check(direction: str, limit_ms: int | None) -> None:
    if direction not in {"from", "to"}:
        raise ParameterError(f"direction is {direction!r}; give 'from' (trips start at the sources) or 'to'")
    if limit_ms is not None and limit_ms < 0:
        raise ParameterError(f"a limit of {limit_ms} ms is negative; give milliseconds from 0 on")
