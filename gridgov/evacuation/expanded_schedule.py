"""A flow of the expanded network as a schedule: paths without loops, one window of a step each."""

from __future__ import annotations

import numpy as np

from gridgov.evacuation.decomposition import decompose
from gridgov.evacuation.expansion import ZONE, Solved
from gridgov.evacuation.retiming import retime
from gridgov.evacuation.schedule import Schedule, on_edges
from gridgov.network.compiling import compiled
from gridgov.network.validation import Int64s


def expanded_schedule(solved: Solved, *, retimed: bool = True) -> Schedule:
    """Return the schedule of a complete flow of an exact expansion.

    Whoever enters an arc in step k does so from k · dt − d(u) on, for one step, at a constant rate. Retimed, windows
    move to where continuous time allows (not with mobilisation, for windows could begin before people are ready).
    """
    expansion, instance = solved.expansion, solved.expansion.instance
    paths = decompose(expansion.tail, expansion.head, solved.flow, expansion.source, expansion.sink)
    kind, step = expansion.kind[paths.arcs].astype(np.int64), expansion.step[paths.arcs].astype(np.int64)
    begin, end = paths.first[:-1], paths.first[1:] - 1
    zone, shelter = step[begin], step[end]
    first, arcs, steps = _without_loops(paths.first, kind, step, instance.tail, instance.head, instance.n)  # type: ignore[no-untyped-call]
    moment = steps * expansion.step_ms - expansion.clock[instance.tail[arcs]]
    if retimed:
        moment = retime(first, arcs, moment, instance.tau, expansion.step_ms)
    size = np.diff(first)
    stays = -(-expansion.clock[instance.zone_node[zone]] // expansion.step_ms) * expansion.step_ms
    start = stays - expansion.clock[instance.zone_node[zone]]
    start[size > 0] = moment[first[:-1][size > 0]]
    edge_first, edges, enter = on_edges(instance, first, arcs, moment - np.repeat(start, size))
    return _tidy(
        Schedule(
            zone=instance.zone[zone],
            shelter=instance.shelter[shelter],
            first=edge_first,
            edges=edges,
            enter_ms=enter,
            start_ms=start,
            end_ms=start + expansion.step_ms,
            units=paths.amount,
        )
    )


def _tidy(schedule: Schedule) -> Schedule:
    """Let routes begin when their first edge is entered (a zone with a deadline has an arc without edges before it)."""
    moves = np.diff(schedule.first) > 0
    lead = np.zeros(len(schedule.zone), dtype=np.int64)
    lead[moves] = schedule.enter_ms[schedule.first[:-1][moves]]
    return schedule._replace(enter_ms=schedule.enter_ms - np.repeat(lead, np.diff(schedule.first)))._replace(
        start_ms=schedule.start_ms + lead, end_ms=schedule.end_ms + lead
    )


def zone_units(solved: Solved) -> Int64s:
    """Return how many units of each zone are moved."""
    expansion = solved.expansion
    rows = expansion.kind == ZONE
    moved = np.bincount(
        expansion.step[rows], weights=solved.flow[rows].astype(np.float64), minlength=len(expansion.instance.zone)
    )
    return np.asarray(np.round(moved), dtype=np.int64)


@compiled
def _without_loops(first, kind, step, tail, head, n):  # type: ignore[no-untyped-def]
    """Keep the real arcs of each path, without those between two visits to the same node."""
    out_first = np.zeros(len(first), np.int64)
    out_arc = np.empty(len(kind), np.int64)
    out_step = np.empty(len(kind), np.int64)
    last = np.full(n, -1)
    used = 0
    for path in range(len(first) - 1):
        for i in range(first[path], first[path + 1]):
            if kind[i] >= 0:
                last[tail[kind[i]]] = i
        end_node = -1
        for i in range(first[path + 1] - 1, first[path] - 1, -1):
            if kind[i] >= 0:
                end_node = head[kind[i]]
                break
        if end_node >= 0:
            last[end_node] = first[path + 1]
        i = first[path]
        while i < first[path + 1]:
            if kind[i] < 0:
                i += 1
                continue
            again = last[tail[kind[i]]]
            if again > i:
                i = again
                continue
            out_arc[used] = kind[i]
            out_step[used] = step[i]
            used += 1
            i += 1
        for i in range(first[path], first[path + 1]):
            if kind[i] >= 0:
                last[tail[kind[i]]] = -1
                last[head[kind[i]]] = -1
        out_first[path + 1] = used
    return out_first, out_arc[:used].copy(), out_step[:used].copy()


