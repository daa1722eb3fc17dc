"""From the arcs of a hierarchy back to the edges of the road network, compiled."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from gridgov.network.compiling import compiled
from gridgov.network.hierarchy_kernels import DOWN, FAR, NOTHING, UP, Edges, Times, Triangles
from gridgov.network.hierarchy_search import Attachments, Labels, Tree, _between, _shared, climb_all, times_from_members
from gridgov.network.kernels import EDGE, EDGE_ENDS, MEMBER, NODE, NODE_ENDS, OWNER, Number
from gridgov.network.kernels import TIME as TIME_ROW
from gridgov.network.validation import Int32s, Int64s

Roads: TypeAlias = tuple[Triangles, Edges, Int32s, Times]  # the third: times of the edges


@compiled
def _unpack(slot: np.int64, roads: Roads, trail: list[np.int64]) -> None:
    """Add the edges of an arc, driven in one direction, to a trail.

    An arc is as fast as one of its edges, or as the two sides of one of its triangles; these have a lower tail, so
    that this ends even where all times are 0.
    """
    (_, _, first_triangle, sides), (_, first_edge, edge_of_slot), edge_ms, times = roads
    waiting = [np.int64(slot)]
    while len(waiting) > 0:
        slot = waiting.pop()
        arc, direction = slot >> 1, slot & 1
        time = times[arc, direction]
        edge = np.int64(NOTHING)
        for at in range(first_edge[slot], first_edge[slot + 1]):
            if edge_ms[edge_of_slot[at]] == time:
                edge = np.int64(edge_of_slot[at])
                break
        if edge != NOTHING:
            trail.append(edge)
            continue
        for t in range(first_triangle[arc], first_triangle[arc + 1]):
            before, after = sides[t, direction], sides[t, 1 - direction]
            if times[before, DOWN] + times[after, UP] == time:
                waiting.append(2 * np.int64(after) + UP)
                waiting.append(2 * np.int64(before) + DOWN)
                break


@compiled
def _ascent(came: Int32s, depth: Int32s, arc_tail: Int32s, at: int, arcs: Int32s) -> int:
    """Write the arcs from the start of a climb up to the ancestor of depth `at`, last first; return how many."""
    count = 0
    while came[at] != NOTHING:
        arcs[count] = came[at]
        at = depth[arc_tail[came[at]]]
        count += 1
    return count


@compiled
def trail_of_pair(
    pair: tuple[int, int], labels: tuple[Labels, Labels], depth: Int32s, arc_tail: Int32s, at: int, roads: Roads,
) -> list[np.int64]:  # fmt: skip
    """Return the edges from the start of one climb over the shared ancestor of depth `at` to the start of another."""
    trail = [np.int64(0) for _ in range(0)]
    arcs = np.empty(labels[0][0].shape[1], np.int32)
    count = _ascent(labels[0][2][pair[0]], depth, arc_tail, at, arcs)
    for c in range(count - 1, -1, -1):
        _unpack(2 * np.int64(arcs[c]) + UP, roads, trail)
    count = _ascent(labels[1][2][pair[1]], depth, arc_tail, at, arcs)
    for c in range(count):
        _unpack(2 * np.int64(arcs[c]) + DOWN, roads, trail)
    return trail


@compiled
def without_loops(start: Number, trail: list[np.int64], head: Int32s, n_nodes: int) -> list[np.int64]:
    """Return a trail without the parts (of 0 ms) that come back to a node it has passed."""
    kept = [np.int64(0) for _ in range(0)]
    passed = np.full(n_nodes, NOTHING, np.int32)  # how many edges lead to each node
    passed[start] = 0
    for edge in trail:
        node = head[edge]
        if passed[node] == NOTHING:
            kept.append(edge)
            passed[node] = len(kept)
        while len(kept) > passed[node]:
            passed[head[kept.pop()]] = NOTHING
    return kept


@compiled
def meeting(
    depth: Int32s, seeds: Attachments, seed_labels: Labels, members: Attachments, member_labels: Labels, owner: int,
    time: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Return the attachment, the seed and the depth over which a member of known time comes; depth -1: on one edge."""
    for a in range(len(members[0])):
        if members[0][a, OWNER] != owner:
            continue
        for s in range(len(seeds[0])):
            if _between(seeds, s, members, a) == time:
                return a, s, NOTHING
            length, other = depth[members[0][a, NODE]] + 1, depth[seeds[0][s, NODE]] + 1
            for d in range(_shared(member_labels[1][a], length, seed_labels[1][s], other)):
                if member_labels[0][a, d] + seed_labels[0][s, d] == time:
                    return a, s, d
    return NOTHING, NOTHING, NOTHING


@compiled
def routes(
    best: Int64s, seeds: Attachments, seed_labels: Labels, members: Attachments, member_labels: Labels,
    tree: tuple[Int32s, Int32s, Int32s, Int32s], roads: Roads, loops: bool,
) -> Int64s:  # fmt: skip
    """Write into `best` where the routes of its members lie, and return their nodes and edges, as `kernels.nearest`.

    Parameters
    ----------
    tree : (depth, arc_tail, node of each rank, node at the end of each edge)
    roads : (triangles, edges, edge_ms, times)
    loops : bool
        Ways may come back to a node, since there are edges of 0 ms.
    """
    depth, arc_tail, order, head = tree
    nodes, edges = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    count = best.shape[1] - 1
    for i in range(count):
        best[NODE_ENDS, i], best[EDGE_ENDS, i] = len(nodes), len(edges)
        a, s, at = meeting(depth, seeds, seed_labels, members, member_labels, best[MEMBER, i], best[TIME_ROW, i])
        if members[0][a, EDGE] != NOTHING:
            edges.append(members[0][a, EDGE])
        if at == NOTHING:
            continue
        trail = trail_of_pair((a, s), (member_labels, seed_labels), depth, arc_tail, at, roads)
        start = np.int64(order[members[0][a, NODE]])
        if loops:
            trail = without_loops(start, trail, head, len(order))
        nodes.append(start)
        for edge in trail:
            nodes.append(np.int64(head[edge]))
            edges.append(edge)
        if seeds[0][s, EDGE] != NOTHING:
            edges.append(seeds[0][s, EDGE])
    best[NODE_ENDS, count], best[EDGE_ENDS, count] = len(nodes), len(edges)
    steps = np.empty(len(nodes) + len(edges), np.int64)
    for i in range(len(nodes)):
        steps[i] = nodes[i]
    for i in range(len(edges)):
        steps[len(nodes) + i] = edges[i]
    for i in range(count + 1):
        best[EDGE_ENDS, i] += len(nodes)
    return steps


@compiled
def _first_members(times: Int64s, k: int) -> Int64s:
    """Return the members with the k least times below `FAR`, by time, then position."""
    best = np.empty(min(k, len(times)), np.int64)
    count = 0
    for i in range(len(times)):
        if times[i] >= FAR or (count == len(best) and times[i] >= times[best[count - 1]]):
            continue
        count = min(count + 1, len(best))
        at = count - 1
        while at > 0 and times[best[at - 1]] > times[i]:
            best[at] = best[at - 1]
            at -= 1
        best[at] = i
    return best[:count]


@compiled
def nearest(
    seeds: Attachments, members: Attachments, member_labels: Labels, tree: Tree,
    nodes: tuple[Int32s, Int32s, Int32s, Int32s], roads: Roads, wanted: tuple[int, int], loops: bool,
) -> tuple[Int64s, int, int, Int64s, np.int64]:  # fmt: skip
    """Return the k members nearest to the seeds, which are one place, and their routes, as `kernels.nearest`.

    Parameters
    ----------
    nodes : (arc_tail, node of each rank, node at the end of each edge, rank of each node)
    wanted : (k, number of members)

    Returns
    -------
    (best, count, visited, steps, largest) : `largest` is the largest time seen if some member was not reached, else -1
    """
    arc_tail, order, head, rank = nodes
    k, n_members = wanted
    depth = tree[3]
    table = seeds[0].copy()
    visited = 0
    for s in range(len(table)):
        table[s, NODE] = rank[table[s, NODE]]
        visited += depth[table[s, NODE]] + 1
    size = (len(table), member_labels[0].shape[1])
    labels = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
    largest = climb_all(tree, roads[3], DOWN, table, labels)
    times = np.empty(n_members, np.int64)
    goal = (table, seeds[1])
    times_from_members(depth, goal, labels, members, member_labels, times)
    found = _first_members(times, k)
    best = np.empty((4, len(found) + 1), np.int64)
    for i in range(len(found)):
        best[MEMBER, i], best[TIME_ROW, i] = found[i], times[found[i]]
    steps = routes(best, goal, labels, members, member_labels, (depth, arc_tail, order, head), roads, loops)
    return best, len(found), visited, steps, largest if len(found) < min(k, len(times)) else np.int64(NOTHING)
