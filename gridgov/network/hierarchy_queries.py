"""Questions to a hierarchy with times on it: many to many, from workers to one place, one to one.

Everything here gets places as `places.attach` returns them and gives None where the hierarchy cannot answer, since a
trip might take `hierarchy.FAR` (12.4 days) or more; the plain search then does. Nothing is shared between calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.network import hierarchy_search as search
from gridgov.network import kernels
from gridgov.network.hierarchy import FAR, Metric
from gridgov.network.hierarchy_kernels import UP
from gridgov.network.hierarchy_paths import nearest
from gridgov.network.hierarchy_search import Labels
from gridgov.network.places import Attached, attached_nodes
from gridgov.network.threads import run_in_threads
from gridgov.network.validation import Int64s

TOO_LONG = f"a trip may take {FAR} ms or more, which a hierarchy cannot hold; ask the network instead"


def many_to_many(
    metric: Metric, starts: Attached, goals: Attached, threads: int | None = None
) -> NDArray[np.int32] | None:
    """Return the times from every start to every goal, -1 where there is no way.

    Climbs from the side with fewer places, sweeps down to the other.
    """
    backward = goals.n_places < starts.n_places
    seeds, members = _ranked(metric, goals if backward else starts), _ranked(metric, starts if backward else goals)
    hierarchy = metric.hierarchy
    ends = ends_of_places(seeds)
    above = search.reach(hierarchy.tree, hierarchy.arc_head, members.table[:, kernels.NODE].copy())
    on_edges = (members.table[:, kernels.EDGE] >= 0).any() and (seeds.table[:, kernels.EDGE] >= 0).any()
    hung = search.hang_by_edge(members.table, hierarchy.topology.n_edges) if on_edges else None
    times = np.empty((seeds.n_places, members.n_places), dtype=np.int32)
    largest: list[int] = [_largest_offset(seeds, members)]

    def fill(blocks: slice) -> None:
        rows = slice(blocks.start * search.LANES, min(blocks.stop * search.LANES, seeds.n_places))
        own, result = ends[rows.start : rows.stop + 1], times[rows]
        seen = search.sweep(hierarchy.tree, metric.times, backward, seeds.table, own, above, members.table, result)
        largest.append(int(seen))
        if hung is not None:
            search.meet_on_edges(seeds[:2], own, members[:2], *hung, backward, result)

    run_in_threads(fill, -(-seeds.n_places // search.LANES), threads)
    missing = times == FAR
    if missing.any() and not metric.is_complete(max(largest)):
        return None
    times[missing] = -1
    return np.ascontiguousarray(times.T) if backward else times


def times_between_nodes(metric: Metric, sources: Int64s, targets: Int64s) -> NDArray[np.int32]:
    """Return the times between nodes, -1 where there is no way.

    Raises
    ------
    ParameterError
        A trip might take `FAR` or more.
    """
    times = many_to_many(metric, attached_nodes(sources), attached_nodes(targets))
    if times is None:
        raise ParameterError(TOO_LONG)
    return times


def edges_between_nodes(metric: Metric, source: int, target: int) -> tuple[int, list[int]]:
    """Return the time from node to node and the edges driven; -1 and none where there is no way."""
    labelled = label_members(metric, attached_nodes(np.array([source])))
    answer = labelled.nearest(attached_nodes(np.array([target])), 1)
    if answer is None:
        raise ParameterError(TOO_LONG)
    best, (count, _, steps) = answer
    if not count:
        return -1, []
    return int(best[kernels.TIME, 0]), steps[best[kernels.EDGE_ENDS, 0] : best[kernels.EDGE_ENDS, 1]].tolist()


@dataclass(frozen=True, eq=False)
class LabelledMembers:
    """Workers with the times to everything above them, for many questions about who is nearest."""

    metric: Metric
    members: Attached
    labels: Labels
    largest_ms: int

    def times_to(self, goals: Attached) -> Int64s | None:
        """Return the times from every member to every goal, shape (goals, members); `FAR` where there is no way."""
        goals = _ranked(self.metric, goals)
        times = np.empty((goals.n_places, self.members.n_places), dtype=np.int64)
        seen = search.nearest_rows(
            self.metric.hierarchy.tree, self.metric.times, goals[:2], ends_of_places(goals), self.members[:2],
            self.labels, times,
        )  # fmt: skip
        largest = max(int(seen), self.largest_ms, _largest_offset(goals, self.members))
        if (times == FAR).any() and not self.metric.is_complete(largest):
            return None
        return times

    def nearest_of_many(self, goals: Attached, k: int, threads: int | None) -> tuple[Int64s, Int64s, int] | None:
        """Return positions and times of the k nearest for every goal, -1 where nobody else can come, and threads."""
        found, times = np.full((2, goals.n_places, k), -1, dtype=np.int64)
        answered: list[bool] = []

        def fill(rows: slice) -> None:
            all_times = self.times_to(_some(goals, rows))
            answered.append(all_times is not None)
            for i, row in enumerate(all_times if all_times is not None else ()):
                best = first_of_row(row, k)
                found[rows.start + i, : len(best)], times[rows.start + i, : len(best)] = best, row[best]

        used = run_in_threads(fill, goals.n_places, threads)
        return (found, times, used) if all(answered) else None

    def nearest(self, goal: Attached, k: int) -> tuple[Int64s, tuple[int, int, Int64s]] | None:
        """Return the k nearest members of one goal with their routes, as `kernels.nearest` does."""
        metric, hierarchy = self.metric, self.metric.hierarchy
        best, count, visited, steps, largest = nearest(
            goal[:2], self.members[:2], self.labels, hierarchy.tree, hierarchy.nodes,
            (hierarchy.triangles, hierarchy.edges, metric.travel_time_ms, metric.times),
            (int(k), self.members.n_places), metric.has_free_edges,
        )  # fmt: skip
        seen = max(int(largest), self.largest_ms, _largest_offset(goal, self.members))
        if largest >= 0 and not metric.is_complete(seen):
            return None
        return best, (count, visited, steps)


def label_members(metric: Metric, members: Attached) -> LabelledMembers:
    """Prepare workers for questions about who is nearest; takes one climb for each."""
    ranked = _ranked(metric, members)
    return LabelledMembers(metric, ranked, *_labels(metric, ranked))


def first_of_row(times: Int64s, k: int) -> Int64s:
    """Return the positions of the k least times below `FAR`, by time, then position."""
    reached = np.flatnonzero(times < FAR)
    if len(reached) > k:
        limit = np.partition(times[reached], k - 1)[k - 1]
        reached = reached[times[reached] <= limit]
    return np.asarray(reached[np.argsort(times[reached], kind="stable")][:k], dtype=np.int64)


def _labels(metric: Metric, places: Attached) -> tuple[Labels, int]:
    size = (len(places.table), metric.hierarchy.height)
    labels: Labels = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    return labels, int(search.climb_all(metric.hierarchy.tree, metric.times, UP, places.table, labels))


def _ranked(metric: Metric, places: Attached) -> Attached:
    """Return places whose nodes are ranks."""
    table = places.table.copy()
    table[:, kernels.NODE] = metric.hierarchy.rank[table[:, kernels.NODE]]
    return Attached(table, places.positions, places.n_places)


def _some(places: Attached, rows: slice) -> Attached:
    """Return some of the places, in a row."""
    ends = ends_of_places(places)
    own = slice(ends[rows.start], ends[rows.stop])
    table = places.table[own].copy()
    table[:, kernels.OWNER] -= rows.start
    return Attached(table, places.positions[own], rows.stop - rows.start)


def ends_of_places(places: Attached) -> Int64s:
    """Return where the attachments of each place end: place i owns the rows ``ends[i]:ends[i + 1]``."""
    return np.searchsorted(places.table[:, kernels.OWNER], np.arange(places.n_places + 1)).astype(np.int64)


def _largest_offset(*places: Attached) -> int:
    return max(int(one.table[:, kernels.OFFSET].max(initial=0)) for one in places)
