"""The compiled searches on a hierarchy: climbs and labels, sweeps for matrices, and paths back to edges.

A fastest way needs only arcs up from its start to some node and arcs down from there to its goal. All nodes that can
be reached upwards are ancestors in the elimination tree, one on each depth. So a *climb* keeps its times in an array
by depth, its *label*: ``label[d]`` is the time between the node and its ancestor of depth d, ``path[d]`` that
ancestor, ``came[d]`` the last arc of the way (-1 at the start). Two nodes meet where the sum of both labels is least,
among the ancestors that they share: the first entries of both paths.

Places are attached as everywhere (see `kernels`), but NODE in the tables read here is a rank. Times from `FAR` on count
as no way; where that may be wrong, callers look at the largest time seen.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled, inlined
from gridgov.network.hierarchy_kernels import DOWN, FAR, NOTHING, UP, Times
from gridgov.network.kernels import EDGE, NODE, OFFSET, OWNER, WHOLE, Number
from gridgov.network.validation import Floats, Int32s, Int64s

LANES = 64  # places that one sweep carries: from here on the inner loop runs in vector registers, 8 times as fast

Tree: TypeAlias = tuple[Int64s, Int32s, Int32s, Int32s]  # first_arc, depth of each arc's head, parent, depth
Labels: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]  # label, path, came: a row each
Attachments: TypeAlias = tuple[Int64s, Floats]  # table, positions on the edges
Reach: TypeAlias = tuple[Int32s, Int64s, Int32s, Int32s]  # slot of each rank, rows, slot of each row's head, arc


@inlined
def _bounded(time: Number) -> np.int32:
    return np.int32(min(np.int64(time), np.int64(FAR)))


@compiled
def climb(
    tree: Tree, times: Times, direction: int, node: int, offset: int, label: Int32s, path: Int32s, came: Int32s
) -> np.int64:
    """Fill the label of a node; `direction` UP for ways from the node, DOWN for ways to it.

    Returns
    -------
    int
        The largest time from which the climb went on.
    """
    first_arc, head_depth, parent, depth = tree
    for d in range(depth[node] + 1):
        label[d] = FAR
    label[depth[node]] = _bounded(offset)
    came[depth[node]] = NOTHING
    largest = np.int32(0)
    u = node
    while u != NOTHING:
        time = label[depth[u]]
        path[depth[u]] = u
        if time < FAR:
            largest = max(largest, time)
            for arc in range(first_arc[u], first_arc[u + 1]):
                later = np.int32(time + times[arc, direction])
                if later < label[head_depth[arc]]:
                    label[head_depth[arc]] = later
                    came[head_depth[arc]] = arc
        u = parent[u]
    return np.int64(largest)


@compiled
def climb_all(tree: Tree, times: Times, direction: int, table: Int64s, labels: Labels) -> np.int64:
    """Fill one row of labels for each attachment, and return the largest time seen."""
    largest = np.int64(0)
    for a in range(len(table)):
        row = climb(
            tree, times, direction, table[a, NODE], table[a, OFFSET], labels[0][a], labels[1][a], labels[2][a]
        )  # fmt: skip
        largest = max(largest, row)
    return largest


@inlined
def _shared(path: Int32s, length: int, other: Int32s, other_length: int) -> int:
    """Return how many ancestors two nodes share."""
    low, high = 0, min(length, other_length)
    while low < high:
        middle = (low + high) >> 1
        if path[middle] == other[middle]:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _best_sum(label: Int32s, other: Int32s, count: int) -> np.int32:
    best = FAR
    for d in range(count):
        best = min(best, np.int32(label[d] + other[d]))
    return best


@inlined
def _between(seeds: Attachments, s: int, members: Attachments, a: int) -> np.int64:
    """Return the time along the one edge on which both lie, the member before the seed; `FAR` if there is none."""
    apart = seeds[0][s, EDGE] == NOTHING or seeds[0][s, EDGE] != members[0][a, EDGE]
    if apart or members[1][a] > seeds[1][s]:
        return np.int64(FAR)
    return np.int64(seeds[0][s, OFFSET] + members[0][a, OFFSET] - members[0][a, WHOLE])


@compiled
def times_from_members(
    depth: Int32s, seeds: Attachments, seed_labels: Labels, members: Attachments, member_labels: Labels, times: Int64s
) -> None:
    """Fill `times` with the fastest time from each member to the seeds, which are one place; `FAR`: no way."""
    times[:] = FAR
    for a in range(len(members[0])):
        owner = members[0][a, OWNER]
        length = depth[members[0][a, NODE]] + 1
        for s in range(len(seeds[0])):
            count = _shared(member_labels[1][a], length, seed_labels[1][s], depth[seeds[0][s, NODE]] + 1)
            time = np.int64(_best_sum(member_labels[0][a], seed_labels[0][s], count))
            times[owner] = min(times[owner], time, _between(seeds, s, members, a))


@compiled
def nearest_rows(
    tree: Tree, times: Times, seeds: Attachments, seed_ends: Int64s, members: Attachments, member_labels: Labels,
    found: NDArray[np.int64],
) -> np.int64:  # fmt: skip
    """Fill row i of `found` with the times from all members to place i, and return the largest time seen."""
    height = member_labels[0].shape[1]
    largest = np.int64(0)
    for i in range(len(found)):
        own = slice(seed_ends[i], seed_ends[i + 1])
        table = seeds[0][own]
        size = (len(table), height)
        labels = (np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32))
        largest = max(largest, climb_all(tree, times, DOWN, table, labels))
        times_from_members(tree[3], (table, seeds[1][own]), labels, members, member_labels, found[i])
    return largest


@compiled
def reach(tree: Tree, arc_head: Int32s, nodes: Int64s) -> Reach:
    """Return the part of a hierarchy that lies above some nodes, in *slots* from the roots down."""
    first_arc, _, parent, _ = tree
    slot = np.full(len(parent), NOTHING, np.int32)
    count = 0
    for node in nodes:
        u = node
        while u != NOTHING and slot[u] == NOTHING:
            slot[u] = 0
            count += 1
            u = parent[u]
    first_row = np.zeros(count + 1, np.int64)
    inside = np.empty(count, np.int32)
    s = 0
    for u in range(len(parent) - 1, -1, -1):
        if slot[u] != NOTHING:
            slot[u] = s
            inside[s] = u
            first_row[s + 1] = first_row[s] + first_arc[u + 1] - first_arc[u]
            s += 1
    head_slot, arc = np.empty(first_row[s], np.int32), np.empty(first_row[s], np.int32)
    row = 0
    for u in inside:
        for a in range(first_arc[u], first_arc[u + 1]):
            head_slot[row], arc[row] = slot[arc_head[a]], a
            row += 1
    return slot, first_row, head_slot, arc


@compiled
def sweep(
    tree: Tree, times: Times, backward: bool, seeds: Int64s, seed_ends: Int64s, above: Reach, members: Int64s,
    result: NDArray[np.int32],
) -> np.int64:  # fmt: skip
    """Fill row i of `result` from the seeds of place i to every member (backward: to it from every member).

    A climb from each place, and then down through everything above the members, for `LANES` places at a time.

    Returns
    -------
    int
        The largest time seen.
    """
    slot, first_row, head_slot, arc = above
    climbing, sinking = (DOWN, UP) if backward else (UP, DOWN)
    weight = np.empty(len(arc), np.int32)
    for row in range(len(arc)):
        weight[row] = times[arc[row], sinking]
    n_slots = len(first_row) - 1
    lanes = np.empty((n_slots, LANES), np.int32)
    height = np.int64(tree[3].max()) + 1 if len(tree[3]) else 0
    label, path, came = np.empty(height, np.int32), np.empty(height, np.int32), np.empty(height, np.int32)
    largest = np.int64(0)
    for block in range(0, len(result), LANES):
        lanes[:] = FAR
        for i in range(block, min(block + LANES, len(result))):
            for s in range(seed_ends[i], seed_ends[i + 1]):
                node = seeds[s, NODE]
                largest = max(largest, climb(tree, times, climbing, node, seeds[s, OFFSET], label, path, came))
                for d in range(tree[3][node] + 1):
                    at = slot[path[d]]
                    if at != NOTHING:
                        lanes[at, i - block] = min(lanes[at, i - block], label[d])
        _sink(first_row, head_slot, weight, lanes)
        largest = max(largest, _collect(lanes, slot, members, result[block : block + LANES]))
    return largest


@compiled
def _sink(first_row: Int64s, head_slot: Int32s, weight: Int32s, lanes: NDArray[np.int32]) -> None:
    """Bring the times of all lanes down, from the roots on."""
    for u in range(len(first_row) - 1):
        for row in range(first_row[u], first_row[u + 1]):
            if weight[row] < FAR:
                x, w = head_slot[row], weight[row]
                for k in range(LANES):
                    lanes[u, k] = min(lanes[u, k], np.int32(lanes[x, k] + w))


@compiled
def _collect(lanes: NDArray[np.int32], slot: Int32s, members: Int64s, result: NDArray[np.int32]) -> np.int64:
    """Read the members' times out of the lanes, and return the largest time in these."""
    result[:] = FAR
    for a in range(len(members)):
        at, offset, owner = slot[members[a, NODE]], members[a, OFFSET], members[a, OWNER]
        for k in range(len(result)):
            result[k, owner] = min(result[k, owner], _bounded(lanes[at, k] + offset))
    largest = np.int32(0)
    for u in range(len(lanes)):
        for k in range(len(result)):
            if lanes[u, k] < FAR:
                largest = max(largest, lanes[u, k])
    return np.int64(largest)


@compiled
def meet_on_edges(
    seeds: Attachments, seed_ends: Int64s, members: Attachments, first: Int64s, following: Int64s, backward: bool,
    result: NDArray[np.int32],
) -> None:  # fmt: skip
    """Take into account places that lie on one edge; attachments with an edge hang in lists by it."""
    for i in range(len(result)):
        for s in range(seed_ends[i], seed_ends[i + 1]):
            if seeds[0][s, EDGE] == NOTHING:
                continue
            a = first[seeds[0][s, EDGE]]
            while a != NOTHING:
                beyond = members[1][a] - seeds[1][s]
                if beyond <= 0.0 if backward else beyond >= 0.0:
                    time = seeds[0][s, OFFSET] + members[0][a, OFFSET] - members[0][a, WHOLE]
                    owner = members[0][a, OWNER]
                    result[i, owner] = min(result[i, owner], _bounded(time))
                a = following[a]


@compiled
def hang_by_edge(members: Int64s, n_edges: int) -> tuple[Int64s, Int64s]:
    """Return lists of attachments by their edge: the first of each edge, and the one after each attachment."""
    first = np.full(n_edges, NOTHING, np.int64)
    following = np.full(len(members), NOTHING, np.int64)
    for a in range(len(members)):
        edge = members[a, EDGE]
        if edge != NOTHING:
            following[a] = first[edge]
            first[edge] = a
    return first, following
