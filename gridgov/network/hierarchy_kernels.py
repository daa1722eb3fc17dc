"""The compiled parts of a hierarchy: its arcs and triangles from a node order, and the times on its arcs.

Nodes are meant by their *rank*, their position in the node order. An *arc* joins a node with one of higher rank; the
arcs of node v are ``first_arc[v]:first_arc[v + 1]``, in order of the ranks of their heads, and so arcs are numbered in
order of their tails. Removing nodes by rank and joining what is left around each of them gives all arcs; hence
whenever v has arcs to x and y, x < y, there is one from x to y, and v, x, y are a *lower triangle* of that arc.

An arc has two times, ``times[arc, UP]`` from its tail to its head and ``times[arc, DOWN]`` back, both int32 below
`FAR`, which stands for "no way, or too far": two of them add up without overflow. Every time is the minimum over the
arc's own edges and over its lower triangles; a minimum does not depend on order, so neither does any result.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled, inlined
from gridgov.network.kernels import Number
from gridgov.network.validation import Int32s, Int64s

UP, DOWN = 0, 1
FAR = np.int32(2**30 - 1)
NOTHING = -1

Times: TypeAlias = NDArray[np.int32]  # shape (arcs, 2)
Arcs: TypeAlias = tuple[Int64s, Int32s, Int32s]  # first_arc, arc_tail, arc_head
Triangles: TypeAlias = tuple[Int64s, Int32s, Int64s, NDArray[np.int32]]  # as `triangles` returns them
Edges: TypeAlias = tuple[Int32s, Int64s, Int32s]  # slot_of_edge, first_edge, edge_of_slot; slot = 2 * arc + direction


@compiled
def eliminate(first: Int64s, higher: Int32s) -> tuple[Int64s, Int32s, Int32s]:
    """Remove the nodes by rank and join what is left around each of them.

    Parameters
    ----------
    first, higher : arrays
        Neighbours of higher rank of each node.

    Returns
    -------
    (first_arc, arc_head, parent) : arcs; the lowest of each node's higher neighbours, -1 for none

    Notes
    -----
    What a node joins is handed on to its parent only, since every other higher neighbour gets it from there.
    """
    n = len(first) - 1
    parent = np.full(n, NOTHING, np.int32)
    child, sibling = np.full(n, NOTHING, np.int32), np.full(n, NOTHING, np.int32)
    known = np.full(n, NOTHING, np.int32)
    first_arc = np.zeros(n + 1, np.int64)
    head = np.empty(4 * len(higher) + 1, np.int32)
    size = 0
    for v in range(n):
        needed = size + first[v + 1] - first[v]
        c = child[v]
        while c != NOTHING:
            needed += first_arc[c + 1] - first_arc[c]
            c = sibling[c]
        if needed > len(head):
            larger = np.empty(2 * needed, np.int32)
            larger[:size] = head[:size]
            head = larger
        known[v] = v
        start = size
        for e in range(first[v], first[v + 1]):
            if known[higher[e]] != v:
                known[higher[e]] = v
                head[size] = higher[e]
                size += 1
        c = child[v]
        while c != NOTHING:
            for e in range(first_arc[c], first_arc[c + 1]):
                if known[head[e]] != v:
                    known[head[e]] = v
                    head[size] = head[e]
                    size += 1
            c = sibling[c]
        head[start:size].sort()
        first_arc[v + 1] = size
        if size > start:
            p = head[start]
            parent[v] = p
            sibling[v] = child[p]
            child[p] = v
    return first_arc, head[:size].copy(), parent


@compiled
def depths(parent: Int32s) -> Int32s:
    """Return how many ancestors each node has."""
    depth = np.zeros(len(parent), np.int32)
    for v in range(len(parent) - 1, -1, -1):
        if parent[v] != NOTHING:
            depth[v] = depth[parent[v]] + 1
    return depth


@compiled
def sums_to_root(parent: Int32s, amount: Int64s) -> Int64s:
    """Return for each node the sum of the amounts of itself and all its ancestors."""
    total = amount.copy()
    for v in range(len(parent) - 1, -1, -1):
        if parent[v] != NOTHING:
            total[v] += total[parent[v]]
    return total


@inlined
def _arc_between(first_arc: Int64s, arc_head: Int32s, low: int, high: int) -> Number:
    """Return the arc between two nodes that are known to have one."""
    left, right = first_arc[low], first_arc[low + 1]
    while right - left > 1:
        middle = (left + right) >> 1
        if arc_head[middle] <= high:
            left = middle
        else:
            right = middle
    return np.int64(left)


@compiled
def slots(first_arc: Int64s, arc_head: Int32s, tail: Int32s, head: Int32s) -> Int32s:
    """Return for each edge between ranks ``2 * arc + direction``, -1 for loops, which no trip needs."""
    slot = np.full(len(tail), NOTHING, np.int32)
    for e in range(len(tail)):
        if tail[e] < head[e]:
            slot[e] = 2 * _arc_between(first_arc, arc_head, tail[e], head[e]) + UP
        elif tail[e] > head[e]:
            slot[e] = 2 * _arc_between(first_arc, arc_head, head[e], tail[e]) + DOWN
    return slot


@compiled
def triangles(first_arc: Int64s, arc_head: Int32s) -> tuple[Int64s, Int32s, Int64s, NDArray[np.int32]]:
    """Return all lower triangles, once by their lowest node and once by the arc that they stand below.

    Returns
    -------
    first_pair : int64 array, shape (n + 1,)
    across : int32 array
        The arcs across the pairs of arcs of node v are ``across[first_pair[v]:first_pair[v + 1]]``, pairs (0, 1),
        (0, 2) … (1, 2) … in the order of its arcs.
    first_triangle : int64 array, shape (arcs + 1,)
    sides : int32 array, shape (triangles, 2)
        The pairs (arc to the tail, arc to the head) that have arc e across are
        ``sides[first_triangle[e]:first_triangle[e + 1]]``.
    """
    n = len(first_arc) - 1
    first_pair = np.zeros(n + 1, np.int64)
    for v in range(n):
        degree = first_arc[v + 1] - first_arc[v]
        first_pair[v + 1] = first_pair[v] + degree * (degree - 1) // 2
    across = np.empty(first_pair[n], np.int32)
    first_triangle = np.zeros(len(arc_head) + 1, np.int64)
    p = 0
    for v in range(n):
        for i in range(first_arc[v], first_arc[v + 1]):
            e = first_arc[arc_head[i]]
            for j in range(i + 1, first_arc[v + 1]):
                while arc_head[e] != arc_head[j]:
                    e += 1
                across[p] = e
                first_triangle[e + 1] += 1
                p += 1
    for e in range(len(arc_head)):
        first_triangle[e + 1] += first_triangle[e]
    sides = np.empty((p, 2), np.int32)
    at = first_triangle[:-1].copy()
    p = 0
    for v in range(n):
        for i in range(first_arc[v], first_arc[v + 1]):
            for j in range(i + 1, first_arc[v + 1]):
                e = across[p]
                sides[at[e], 0], sides[at[e], 1] = i, j
                at[e] += 1
                p += 1
    return first_pair, across, first_triangle, sides


@compiled
def customize(first_arc: Int64s, across: Int32s, slot_of_edge: Int32s, edge_ms: Int32s) -> Times:
    """Return the times of all arcs from those of the edges."""
    times = np.full((first_arc[-1], 2), FAR, np.int32)
    for edge in range(len(edge_ms)):
        slot = slot_of_edge[edge]
        if slot != NOTHING and edge_ms[edge] < times[slot >> 1, slot & 1]:
            times[slot >> 1, slot & 1] = edge_ms[edge]
    p = 0
    for v in range(len(first_arc) - 1):
        for i in range(first_arc[v], first_arc[v + 1]):
            to_x, from_x = times[i, UP], times[i, DOWN]
            if to_x == FAR and from_x == FAR:
                p += first_arc[v + 1] - i - 1
                continue
            for j in range(i + 1, first_arc[v + 1]):
                e = across[p]
                times[e, UP] = min(times[e, UP], np.int32(from_x + times[j, UP]))
                times[e, DOWN] = min(times[e, DOWN], np.int32(to_x + times[j, DOWN]))
                p += 1
    return times
