"""The compiled parts of the node order: cheap nodes first, then cuts by flow, again and again.

Graphs here are undirected and simple, as compressed sparse rows: the neighbours of node u are
``neighbour[first[u]:first[u + 1]]``, each neighbourhood holds a node once and never u itself.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from gridgov.network.compiling import compiled, inlined
from gridgov.network.validation import Floats, Int32s, Int64s

Graph: TypeAlias = tuple[Int64s, Int32s]
NOTHING = -1
SOURCE, SINK = np.int8(1), np.int8(2)
_CHEAP_DEGREE = 2  # removing such a node joins at most one pair of neighbours
_FIXED_SHARE = 0.25  # of a part, at either end, between which the flow runs
_TOLERATED = 1.5  # a cut may be so much larger than the smallest so far if it divides better
_SMALLEST_CUT = 2  # parts up to this size are not cut any more


@inlined
def _replace(first: Int64s, neighbour: Int32s, degree: Int32s, node: int, old: int, new: int) -> None:
    """Put `new` in the place of `old` among the neighbours of a node; drop `old` where `new` already is there."""
    at, known = -1, False
    for e in range(first[node], first[node] + degree[node]):
        if neighbour[e] == old:
            at = e
        elif neighbour[e] == new:
            known = True
    if known or new == NOTHING:
        degree[node] -= 1
        neighbour[at] = neighbour[first[node] + degree[node]]
    else:
        neighbour[at] = new


@compiled
def remove_cheap_nodes(first: Int64s, neighbour: Int32s) -> tuple[Int32s, Int32s]:
    """Remove nodes of degree 0, 1 and 2, joining the two neighbours of the latter, as long as there are any.

    A round never removes two neighbours, so that long chains vanish in few rounds and the hierarchy stays low.
    `neighbour` is changed: afterwards row u holds in its first ``degree[u]`` entries the neighbours that are left.

    Returns
    -------
    (removed, degree) : nodes in the order of their removal; degree of each node, -1 for removed ones
    """
    n = len(first) - 1
    degree = np.empty(n, np.int32)
    touched = np.zeros(n, np.int32)  # the last round in which a neighbour was removed
    removed = np.empty(n, np.int32)
    waiting = np.empty(n, np.int32)
    size = 0
    for u in range(n):
        degree[u] = first[u + 1] - first[u]
        if degree[u] <= _CHEAP_DEGREE:
            waiting[size] = u
            size += 1
    count, turn = 0, 0
    queued = degree <= _CHEAP_DEGREE
    while size > 0:
        turn += 1
        later = np.empty(n - count, np.int32)
        left = 0
        for i in range(size):
            u = waiting[i]
            if touched[u] == turn:
                later[left] = u
                left += 1
                continue
            a = neighbour[first[u]] if degree[u] > 0 else NOTHING
            b = neighbour[first[u] + 1] if degree[u] > 1 else NOTHING
            degree[u] = -1
            removed[count] = u
            count += 1
            for near, other in ((a, b), (b, a)):
                if near == NOTHING:
                    continue
                _replace(first, neighbour, degree, near, u, other)
                touched[near] = turn
                if degree[near] <= _CHEAP_DEGREE and not queued[near]:
                    queued[near] = True
                    later[left] = near
                    left += 1
        waiting, size = later, left
    return removed[:count], degree


@compiled
def hops_from(first: Int64s, neighbour: Int32s, start: int) -> tuple[Int32s, int]:
    """Return how many edges each node is away (-1: no way), and the last node reached."""
    n = len(first) - 1
    hops = np.full(n, NOTHING, np.int32)
    queue = np.empty(n, np.int32)
    hops[start] = 0
    queue[0] = start
    done, size = 0, 1
    while done < size:
        u = queue[done]
        done += 1
        for e in range(first[u], first[u + 1]):
            v = neighbour[e]
            if hops[v] == NOTHING:
                hops[v] = hops[u] + 1
                queue[size] = v
                size += 1
    return hops, queue[size - 1]


@compiled
def _part_graph(graph: Graph, nodes: Int32s, local: Int32s) -> tuple[Int64s, Int32s, Int32s]:
    """Return the graph between some nodes, numbered by their position, and the position of each arc's twin."""
    first, neighbour = graph
    for i in range(len(nodes)):
        local[nodes[i]] = i
    own_first = np.zeros(len(nodes) + 1, np.int64)
    room = 0
    for u in nodes:
        room += first[u + 1] - first[u]
    own = np.empty(room, np.int32)
    size = 0
    for i in range(len(nodes)):
        u = nodes[i]
        for e in range(first[u], first[u + 1]):
            j = local[neighbour[e]]
            if j != NOTHING:
                own[size] = j
                size += 1
        own_first[i + 1] = size
    for u in nodes:
        local[u] = NOTHING
    twin = np.empty(size, np.int32)
    cursor = own_first[:-1].copy()
    for i in range(len(nodes)):  # arcs into i come up in the order of their tails only if rows are sorted: look
        for e in range(own_first[i], own_first[i + 1]):
            j = own[e]
            if j > i:
                for f in range(own_first[j], own_first[j + 1]):
                    if own[f] == i:
                        twin[e], twin[f] = f, e
                        break
    return own_first, own[:size], twin


@compiled
def _levels(graph: Graph, flow: np.ndarray, end: np.ndarray, level: Int32s, queue: Int32s) -> bool:
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
    graph: Graph, twin: Int32s, flow: np.ndarray, end: np.ndarray, level: Int32s, cursor: Int64s, path: Int32s
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
def _side_of(graph: Graph, twin: Int32s, flow: np.ndarray, end: np.ndarray, which: int, queue: Int32s) -> np.ndarray:
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
def _cover(graph: Graph, inside: np.ndarray) -> np.ndarray:
    """Return the fewest nodes that touch every edge across a cut (König: from a largest matching of these edges)."""
    first, neighbour = graph
    n = len(inside)
    mate = np.full(n, NOTHING, np.int32)
    came = np.full(n, NOTHING, np.int32)
    seen = np.full(n, NOTHING, np.int32)
    queue = np.empty(n, np.int32)
    border = np.empty(n, np.int32)
    count = 0
    for u in range(n):
        if inside[u]:
            for e in range(first[u], first[u + 1]):
                if not inside[neighbour[e]]:
                    border[count] = u
                    count += 1
                    break
    for i in range(count):
        queue[0] = border[i]
        done, size, free = 0, 1, NOTHING
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
                    free = v
                    break
                queue[size] = mate[v]
                size += 1
        while free != NOTHING:
            u = came[free]
            after = mate[u]
            mate[u], mate[free] = free, u
            free = after
    reached = np.zeros(n, np.bool_)
    size, done = 0, 0
    for i in range(count):
        if mate[border[i]] == NOTHING:
            reached[border[i]] = True
            queue[size] = border[i]
            size += 1
    while done < size:
        u = queue[done]
        done += 1
        for e in range(first[u], first[u + 1]):
            v = neighbour[e]
            if not inside[v] and not reached[v]:
                reached[v] = True
                if not reached[mate[v]]:
                    reached[mate[v]] = True
                    queue[size] = mate[v]
                    size += 1
    cover = np.zeros(n, np.bool_)
    for i in range(count):
        u = border[i]
        if not reached[u]:
            cover[u] = True
        for e in range(first[u], first[u + 1]):
            if not inside[neighbour[e]] and reached[neighbour[e]]:
                cover[neighbour[e]] = True
    return cover


@compiled
def _separator(graph: Graph, twin: Int32s, x: Floats, y: Floats, directions: Floats) -> np.ndarray:
    """Return for each node of a connected part its side: 0 or 1, or 2 for nodes that separate these two."""
    first, neighbour = graph
    n = len(first) - 1
    fixed = max(1, int(n * _FIXED_SHARE))
    flow = np.empty(len(neighbour), np.int8)
    level, queue, path = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n + 1, np.int32)
    cursor = np.empty(n, np.int64)
    best = np.empty(n, np.int8)
    best_score = np.inf
    best_cut = len(neighbour)
    for d in range(len(directions)):
        along = np.argsort(x * np.cos(directions[d]) + y * np.sin(directions[d]), kind="mergesort")
        end = np.zeros(n, np.int8)
        end[along[:fixed]] = SOURCE
        end[along[n - fixed :]] = SINK
        flow[:] = 0
        cut = 0
        while cut <= best_cut * _TOLERATED and _levels(graph, flow, end, level, queue):
            cut += _blocking_flow(graph, twin, flow, end, level, cursor, path)
        if cut > best_cut * _TOLERATED:
            continue
        inside = _side_of(graph, twin, flow, end, SOURCE, queue)
        outside = _side_of(graph, twin, flow, end, SINK, queue)
        if abs(2 * outside.sum() - n) < abs(2 * inside.sum() - n):
            inside = ~outside
        cover = _cover(graph, inside)
        ours = (inside & ~cover).sum()
        theirs = n - ours - cover.sum()
        score = cover.sum() / (min(ours, theirs) + 0.5)
        if score < best_score:
            best_score = score
            best_cut = min(cut, best_cut)
            for u in range(n):
                best[u] = 2 if cover[u] else (0 if inside[u] else 1)
    return best


@compiled
def _split_components(graph: Graph, nodes: Int32s, mark: Int64s, stamp: int) -> Int64s:
    """Sort nodes so that connected ones stand together, and return where each group ends; `mark` is stamped."""
    first, neighbour = graph
    for u in nodes:
        mark[u] = stamp
    sorted_nodes = np.empty(len(nodes), np.int32)
    ends = np.empty(len(nodes), np.int64)
    groups, done, size = 0, 0, 0
    for start in nodes:
        if mark[start] != stamp:
            continue
        mark[start] = -stamp
        sorted_nodes[size] = start
        size += 1
        while done < size:
            u = sorted_nodes[done]
            done += 1
            for e in range(first[u], first[u + 1]):
                if mark[neighbour[e]] == stamp:
                    mark[neighbour[e]] = -stamp
                    sorted_nodes[size] = neighbour[e]
                    size += 1
        ends[groups] = size
        groups += 1
    nodes[:] = sorted_nodes
    return ends[:groups]


@compiled
def dissect(first: Int64s, neighbour: Int32s, x: Floats, y: Floats, directions: Floats) -> Int32s:
    """Return the nodes so that those which separate a part stand behind all others of the part.

    Parameters
    ----------
    x, y : float64 arrays, shape (n,)
        Positions on a plane; their unit does not matter.
    directions : float64 array
        Angles (radians) along which cuts are tried.
    """
    n = len(first) - 1
    graph = (first, neighbour)
    nodes = np.arange(n).astype(np.int32)
    local = np.full(n, NOTHING, np.int32)
    mark = np.zeros(n, np.int64)
    parts = [(0, n)]
    stamp = 0
    while len(parts) > 0:
        low, high = parts.pop()
        stamp += 1
        ends = _split_components(graph, nodes[low:high], mark, stamp)
        begin = low
        for g in range(len(ends)):
            end = low + ends[g]
            size = end - begin
            if size > _SMALLEST_CUT:
                part = nodes[begin:end].copy()
                own_first, own, twin = _part_graph(graph, part, local)
                side = _separator((own_first, own), twin, x[part], y[part], directions)
                at = begin
                for which in range(3):
                    start = at
                    for i in range(size):
                        if side[i] == which:
                            nodes[at] = part[i]
                            at += 1
                    if which < 2 and at - start > 1:
                        parts.append((start, at))
            begin = end
    return nodes
