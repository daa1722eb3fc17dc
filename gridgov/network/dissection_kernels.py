"""The compiled parts of the node order: cheap nodes first, then cuts by flow, again and again.

Graphs here are undirected and simple, as compressed sparse rows: the neighbours of node u are
``neighbour[first[u]:first[u + 1]]``, each neighbourhood holds a node once and never u itself.
"""

from __future__ import annotations

import numpy as np

from gridgov.network.compiling import compiled, inlined
from gridgov.network.cut_kernels import NOTHING, Graph, separator
from gridgov.network.validation import Floats, Int32s, Int64s

_CHEAP_DEGREE = 2  # removing such a node joins at most one pair of neighbours
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
    for i in range(len(nodes)):
        for e in range(own_first[i], own_first[i + 1]):
            j = own[e]
            if j > i:
                for f in range(own_first[j], own_first[j + 1]):
                    if own[f] == i:
                        twin[e], twin[f] = f, e
                        break
    return own_first, own[:size], twin


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
                side = separator((own_first, own), twin, x[part], y[part], directions)
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
