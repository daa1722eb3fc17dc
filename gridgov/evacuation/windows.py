"""Windows: rows of arcs with the step in which each is entered, as they come out of an expansion."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridgov.evacuation.decomposition import decompose
from gridgov.evacuation.expansion import HOLD, ZONE, Solved
from gridgov.evacuation.instance import Instance
from gridgov.evacuation.retiming import retime
from gridgov.evacuation.schedule import Schedule, on_edges
from gridgov.network.compiling import compiled
from gridgov.network.validation import Int64s


class Windows(NamedTuple):
    """Row i moves `units` of zone `zone[i]` to shelter `shelter[i]` (positions in the instance).

    It enters ``arcs[first[i]:first[i + 1]]`` in steps ``steps[…]`` of the clocks, each for one step of `step_ms`.
    """

    instance: Instance
    clock: Int64s
    step_ms: int
    zone: Int64s
    shelter: Int64s
    units: Int64s
    first: Int64s
    arcs: Int64s
    steps: Int64s


def windows_of(solved: Solved) -> Windows:
    """Return the windows of a flow of an exact expansion, without loops."""
    expansion, instance = solved.expansion, solved.expansion.instance
    told = expansion.kind != HOLD
    paths = decompose(expansion.tail, expansion.head, solved.flow, expansion.source, expansion.sink, told=told)
    kind, step = expansion.kind[paths.arcs].astype(np.int64), expansion.step[paths.arcs].astype(np.int64)
    zone, shelter = step[paths.first[:-1]], step[paths.first[1:] - 1]
    first, arcs, steps = _without_loops(paths.first, kind, step, instance.tail, instance.head, instance.waiting)
    return Windows(instance, expansion.clock, expansion.step_ms, zone, shelter, paths.amount, first, arcs, steps)


def schedule_of(windows: Windows, *, retimed: bool = True) -> Schedule:
    """Return windows as a schedule on the original edges.

    Retimed, windows move to where continuous time allows (not with mobilisation, for windows could begin before people
    are ready).
    """
    instance, first, arcs, step_ms = windows.instance, windows.first, windows.arcs, windows.step_ms
    moment = windows.steps * step_ms - windows.clock[instance.tail[arcs]]
    if retimed:
        moment = retime(first, arcs, moment, instance.tau, step_ms)
    size = np.diff(first)
    start = np.zeros(len(windows.zone), dtype=np.int64)
    start[size > 0] = moment[first[:-1][size > 0]]
    edge_first, edges, enter = on_edges(instance, first, arcs, moment - np.repeat(start, size))
    moves = np.diff(edge_first) > 0  # a zone with a deadline has an arc without edges before its route
    lead = np.zeros(len(start), dtype=np.int64)
    lead[moves] = enter[edge_first[:-1][moves]]
    entered = np.flatnonzero(moves & (lead > 0))
    latest = instance.last_entry[arcs[first[entered]]] - step_ms
    lead[entered] = np.clip(latest - start[entered], 0, lead[entered])
    start += lead
    return Schedule(
        zone=instance.zone[windows.zone],
        shelter=instance.shelter[windows.shelter],
        first=edge_first,
        edges=edges,
        enter_ms=enter - np.repeat(lead, np.diff(edge_first)),
        start_ms=start,
        end_ms=start + step_ms,
        units=windows.units,
    )


def zone_units(solved: Solved) -> Int64s:
    """Return how many units of each zone are moved."""
    expansion = solved.expansion
    rows = expansion.kind == ZONE
    moved = np.zeros(len(expansion.instance.zone), dtype=np.int64)
    np.add.at(moved, expansion.step[rows], solved.flow[rows])
    return moved


@compiled
def _without_loops(first, kind, step, tail, head, waiting):
    """Keep the real arcs of each path, without those between two visits to a node where one could have waited."""
    out_first = np.zeros(len(first), np.int64)
    out_arc = np.empty(len(kind), np.int64)
    out_step = np.empty(len(kind), np.int64)
    last = np.full(len(waiting), -1)
    used = 0
    for path in range(len(first) - 1):
        end_node = -1
        for i in range(first[path], first[path + 1]):
            if kind[i] >= 0:
                last[tail[kind[i]]] = i
                end_node = head[kind[i]]
        if end_node >= 0:
            last[end_node] = first[path + 1]
        i = first[path]
        while i < first[path + 1]:
            if kind[i] < 0:
                i += 1
                continue
            again = last[tail[kind[i]]]
            if again > i and waiting[tail[kind[i]]]:
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
