"""The compiled search for few nodes that divide a part of a graph: smallest cuts by flow, covered by fewest nodes.

Every edge carries one unit in either direction. Graphs are as in `dissection_kernels`; ``twin[e]`` is the row of the
same edge seen from its other end, ``flow[e]`` what it carries in its own direction, negative for the other one.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled
from gridgov.network.validation import Floats, Int32s, Int64s

Graph: TypeAlias = tuple[Int64s, Int32s]
Flow: TypeAlias = NDArray[np.int8]
Mask: TypeAlias = NDArray[np.bool_]
NOTHING = -1
SOURCE, SINK = np.int8(1), np.int8(2)
_FIXED_SHARE = 0.25  # of a part, at either end, between which the flow runs
_TOLERATED = 1.5  # a cut may be so much larger than the smallest so far if it divides better


@compiled
def _levels(graph: Graph, flow: Flow, end: Flow, level: Int32s, queue: Int32s) -> bool:
    """Fill `level` with hops from the sources along arcs with room; True when a sink was reached."""
    first, neighbour = graph
    level[:] = NOTHING
    size, done, reached = 0, 0, False
    for u in range(len(level)):
        if end[u] == SOURCE:
            level[u] = 0
            queue[size] = u
            size += 1
    while done < size and not reached:
        u = queue[done]
        done += 1
        for e in range(first[u], first[u + 1]):
            v = neighbour[e]
            if level[v] == NOTHING and flow[e] < 1:
                level[v] = level[u] + 1
                queue[size] = v
                size += 1
                if end[v] == SINK:
                    reached = True
    return reached


@compiled
def _blocking_flow(
    graph: Graph, twin: Int32s, flow: Flow, end: Flow, level: Int32s, cursor: Int64s, path: Int32s
) -> int:
    """Send one unit along every way that leads down the levels and does not block another; return how many."""
    first, neighbour = graph
    sent = 0
    cursor[:] = first[:-1]
    for start in range(len(level)):
        if end[start] != SOURCE:
            continue
        u, depth = start, 0
        while True:
            if end[u] == SINK:
                for i in range(depth):
                    flow[path[i]] += 1
                    flow[twin[path[i]]] -= 1
                sent += 1
                u, depth = start, 0
                continue
            advanced = False
            while cursor[u] < first[u + 1]:
                e = cursor[u]
                v = neighbour[e]
                if flow[e] < 1 and level[v] == level[u] + 1:
                    path[depth] = e
                    depth += 1
                    u = v
                    advanced = True
                    break
                cursor[u] += 1
            if advanced:
                continue
            if depth == 0:
                break
            depth -= 1
            u = neighbour[twin[path[depth]]]
            cursor[u] += 1
    return sent


@compiled
def _side_of(graph: Graph, twin: Int32s, flow: Flow, end: Flow, which: np.int8, queue: Int32s) -> Mask:
    """Return the nodes on the side of the sources, or of the sinks, of the smallest cut that is nearest to them."""
    first, neighbour = graph
    inside = np.zeros(len(end), np.bool_)
    size, done = 0, 0
    for u in range(len(end)):
        if end[u] == which:
            inside[u] = True
            queue[size] = u
            size += 1
    while done < size:
        u = queue[done]
        done += 1
        for e in range(first[u], first[u + 1]):
            room = flow[e] < 1 if which == SOURCE else flow[twin[e]] < 1
            if room and not inside[neighbour[e]]:
                inside[neighbour[e]] = True
                queue[size] = neighbour[e]
                size += 1
    return inside


@compiled
def _border(graph: Graph, inside: Mask) -> Int32s:
    """Return the nodes inside that have a neighbour outside."""
    first, neighbour = graph
    border = np.empty(len(inside), np.int32)
    count = 0
    for u in range(len(inside)):
        if inside[u]:
            for e in range(first[u], first[u + 1]):
                if not inside[neighbour[e]]:
                    border[count] = u
                    count += 1
                    break
    return border[:count]


@compiled
def _matching(graph: Graph, inside: Mask, border: Int32s) -> Int32s:
    """Return the partners of a largest set of edges across a cut of which no two share a node; -1 for none."""
    first, neighbour = graph
    n = len(inside)
    mate, came, seen = np.full(n, NOTHING, np.int32), np.full(n, NOTHING, np.int32), np.full(n, NOTHING, np.int32)
    queue = np.empty(n, np.int32)
    for i in range(len(border)):
        queue[0] = border[i]
        done, size, free = 0, 1, np.int64(NOTHING)
        while done < size and free == NOTHING:
            u = queue[done]
            done += 1
            for e in range(first[u], first[u + 1]):
                v = neighbour[e]
                if inside[v] or seen[v] == i:
                    continue
                seen[v] = i
                came[v] = u
                if mate[v] == NOTHING:
                    free = np.int64(v)
                    break
                queue[size] = mate[v]
                size += 1
        while free != NOTHING:  # exchange partners all the way back
            u = came[free]
            after = np.int64(mate[u])
            mate[u], mate[free] = free, u
            free = after
    return mate


@compiled
def _cover(graph: Graph, inside: Mask) -> Mask:
    """Return the fewest nodes that touch every edge across a cut (König: from a largest matching of these edges)."""
    first, neighbour = graph
    n = len(inside)
    border = _border(graph, inside)
    mate = _matching(graph, inside, border)
    reached = np.zeros(n, np.bool_)  # from inside nodes without a partner, by turns over any edge and over partners
    queue = np.empty(n, np.int32)
    size, done = 0, 0
    for u in border:
        if mate[u] == NOTHING:
            reached[u] = True
            queue[size] = u
            size += 1
    while done < size:
        u = queue[done]
        done += 1
        for e in range(first[u], first[u + 1]):
            v = neighbour[e]
            if inside[v] or reached[v]:
                continue
            reached[v] = True
            if not reached[mate[v]]:
                reached[mate[v]] = True
                queue[size] = mate[v]
                size += 1
    cover = np.zeros(n, np.bool_)
    for u in border:
        cover[u] = not reached[u]
        for e in range(first[u], first[u + 1]):
            v = neighbour[e]
            if not inside[v] and reached[v]:
                cover[v] = True
    return cover


@compiled
def _sides(graph: Graph, twin: Int32s, flow: Flow, end: Flow, queue: Int32s) -> tuple[Flow, float]:
    """Return for each node its side after a largest flow, 0, 1, or 2 for nodes that separate these; and how bad it is.

    Bad is a separator with many nodes for the smaller side that it cuts off.
    """
    n = len(end)
    near_sources = _side_of(graph, twin, flow, end, SOURCE, queue)
    near_sinks = _side_of(graph, twin, flow, end, SINK, queue)
    sources, sinks = near_sources.sum(), near_sinks.sum()
    inside = near_sources
    if abs(2 * sinks - n) < abs(2 * sources - n):
        for u in range(n):
            inside[u] = not near_sinks[u]
    cover = _cover(graph, inside)
    side = np.empty(n, np.int8)
    count = np.zeros(3, np.int64)
    for u in range(n):
        side[u] = 2 if cover[u] else (0 if inside[u] else 1)
        count[side[u]] += 1
    return side, count[2] / (min(count[0], count[1]) + 0.5)


@compiled
def separator(graph: Graph, twin: Int32s, x: Floats, y: Floats, directions: Floats) -> Flow:
    """Return for each node of a connected part its side: 0 or 1, or 2 for nodes that separate these two."""
    first, neighbour = graph
    n = len(first) - 1
    fixed = max(1, int(n * _FIXED_SHARE))
    flow = np.empty(len(neighbour), np.int8)
    level, queue, path = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n + 1, np.int32)
    cursor = np.empty(n, np.int64)
    along = np.empty(n, np.float64)
    end = np.empty(n, np.int8)
    best = np.empty(n, np.int8)
    least_bad, best_cut = np.inf, len(neighbour)
    for direction in directions:
        east, north = np.cos(direction), np.sin(direction)
        for u in range(n):
            along[u] = x[u] * east + y[u] * north
        order = np.argsort(along, kind="mergesort")
        end[:] = 0
        for i in range(fixed):
            end[order[i]], end[order[n - 1 - i]] = SOURCE, SINK
        flow[:] = 0
        cut = 0
        while cut <= best_cut * _TOLERATED and _levels(graph, flow, end, level, queue):
            cut += _blocking_flow(graph, twin, flow, end, level, cursor, path)
        if cut > best_cut * _TOLERATED:
            continue
        best_cut = min(cut, best_cut)
        side, bad = _sides(graph, twin, flow, end, queue)
        if bad < least_bad:
            least_bad = bad
            best[:] = side
    return best
