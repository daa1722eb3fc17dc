"""The compiled way from one set of times on a hierarchy to another that differs on a few edges.

What waits to be computed anew are *slots*, ``2 * arc + direction``, in order of their numbers: all that a slot depends
on has lower ones. So the queue is a set of bits, one for each slot, that is read from its beginning to its end; a
second set says which words of the first hold any. What costs time here is memory that was not looked at lately, so
nothing of the size of the network is written except the times themselves.

Slots and bits are unsigned: numba then tests no negative indices.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled, inlined
from gridgov.network.hierarchy_kernels import FAR, NOTHING, Arcs, Edges, Times, Triangles
from gridgov.network.validation import Int32s, Int64s

Words: TypeAlias = NDArray[np.uint64]
Dependents: TypeAlias = tuple[Int64s, Int32s]  # as `dependents_of` returns them

_ONE, _TWO, _SIX, _LAST_BIT = np.uint64(1), np.uint64(2), np.uint64(6), np.uint64(63)
_NONE = np.uint64(0)
_BLOCK = 256  # edges that are compared at once


@compiled
def differences(before: Int32s, now: Int32s, limit: int) -> Int64s:
    """Return the positions at which two arrays of one length differ; of more than `limit` only the first ones."""
    found = np.empty(limit + _BLOCK, np.int64)
    count = 0
    for start in range(0, len(before), _BLOCK):
        old, new = before[start : start + _BLOCK], now[start : start + _BLOCK]
        different = np.int32(0)
        for i in range(len(old)):
            different |= old[i] ^ new[i]
        if different == 0:
            continue
        for i in range(len(old)):
            if old[i] != new[i]:
                found[count] = start + i
                count += 1
        if count > limit:
            break
    return found[:count]


@inlined
def _lowest_bit(word: np.uint64) -> np.uint64:
    """Return the position of the lowest bit that is set: how many bits lie below it, counted in parallel."""
    below = (word & (~word + _ONE)) - _ONE
    below -= (below >> _ONE) & np.uint64(0x5555555555555555)
    below = (below & np.uint64(0x3333333333333333)) + ((below >> _TWO) & np.uint64(0x3333333333333333))
    below = (below + (below >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (below * np.uint64(0x0101010101010101)) >> np.uint64(56)


@inlined
def _put(waiting: Words, groups: Words, slot: np.uint64) -> None:
    """Let a slot wait, once."""
    word = slot >> _SIX
    waiting[word] |= _ONE << (slot & _LAST_BIT)
    groups[word >> _SIX] |= _ONE << (word & _LAST_BIT)


@inlined
def _take(waiting: Words, groups: Words, group: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the first slot that waits, and its group, which is ``len(groups)`` if none does; look from `group` on."""
    slot = _NONE
    while group < np.uint64(len(groups)):
        if groups[group] == _NONE:
            group += _ONE
            continue
        word = (group << _SIX) | _lowest_bit(groups[group])
        if waiting[word] == _NONE:
            groups[group] &= groups[group] - _ONE
            continue
        slot = (word << _SIX) | _lowest_bit(waiting[word])
        waiting[word] &= waiting[word] - _ONE
        break
    return slot, group


@inlined
def _time_of(slot: np.uint64, triangles: Triangles, edges: Edges, edge_ms: Int32s, times: Int32s) -> np.int32:
    """Return the time of a slot from its edges and its lower triangles."""
    _, _, first_triangle, sides = triangles
    _, first_edge, edge_of_slot = edges
    arc, after = slot >> _ONE, slot & _ONE
    before = _ONE - after
    best = FAR
    for at in range(np.uint64(first_edge[slot]), np.uint64(first_edge[slot + _ONE])):
        best = min(best, edge_ms[np.uint64(edge_of_slot[at])])
    for t in range(np.uint64(first_triangle[arc]), np.uint64(first_triangle[arc + _ONE])):
        to, onward = np.uint64(sides[t, after]), np.uint64(sides[t, before])
        best = min(best, np.int32(times[(to << _ONE) | _ONE] + times[onward << _ONE]))
    return best


@inlined
def _put_above(
    slot: np.uint64, old: np.int32, arcs: Arcs, triangles: Triangles, times: Int32s, queue: tuple[Words, Words]
) -> None:
    """Let the slots wait that stand on one whose time was `old`, if that made their time, or now makes it shorter."""
    first_arc, arc_tail, _ = arcs
    first_pair, across, _, _ = triangles
    arc, direction = slot >> _ONE, slot & _ONE
    back, new = _ONE - direction, times[slot]
    node = np.uint64(arc_tail[arc])
    row, end = np.uint64(first_arc[node]), np.uint64(first_arc[node + _ONE])
    pair = np.uint64(first_pair[node]) + arc - row - _ONE  # of the first arc of the node, and this one
    step = end - row - _TWO
    for other in range(row, arc):
        above = (np.uint64(across[pair]) << _ONE) | direction
        beside = times[(other << _ONE) | back]
        if (old + beside == times[above] or new + beside < times[above]) and beside != FAR:
            _put(queue[0], queue[1], above)
        pair += step
        step -= _ONE
    pair += _ONE
    for other in range(arc + _ONE, end):
        above = (np.uint64(across[pair]) << _ONE) | back
        beside = times[(other << _ONE) | back]
        if (old + beside == times[above] or new + beside < times[above]) and beside != FAR:
            _put(queue[0], queue[1], above)
        pair += _ONE


@inlined
def _queue(changed: Int64s, slot_of_edge: Int32s, n_slots: int) -> tuple[Words, Words]:
    """Return a queue in which the slots of some edges wait."""
    waiting = np.zeros((n_slots >> 6) + 1, np.uint64)
    groups = np.zeros((len(waiting) >> 6) + 1, np.uint64)
    for edge in changed:
        if slot_of_edge[edge] != NOTHING:
            _put(waiting, groups, np.uint64(slot_of_edge[edge]))
    return waiting, groups


@compiled
def recustomize(
    arcs: Arcs, triangles: Triangles, edges: Edges, changed: Int64s, edge_ms: Int32s, arc_times: Times, budget: int
) -> int:
    """Bring the times of the arcs up to date after some edges got other times.

    A slot is computed anew only if a triangle of it was as fast as the slot itself and changed, or became faster.

    Parameters
    ----------
    changed : int64 array
        Edges whose time differs.
    edge_ms : int32 array
        New times of all edges.
    arc_times : int32 array, shape (arcs, 2)
        Is changed.
    budget : int
        Triangles that may be looked at; -1 is returned when they do not suffice, and `arc_times` is then spoilt.

    Returns
    -------
    int
        How many were looked at.
    """
    first_arc, arc_tail, _ = arcs
    times = arc_times.reshape(-1)
    waiting, groups = _queue(changed, edges[0], len(times))
    looked, group = 0, _NONE
    while True:
        slot, group = _take(waiting, groups, group)
        if group == np.uint64(len(groups)):
            return looked
        arc, old = slot >> _ONE, times[slot]
        times[slot] = _time_of(slot, triangles, edges, edge_ms, times)
        looked += triangles[2][arc + _ONE] - triangles[2][arc]
        if times[slot] == old:
            continue
        node = np.uint64(arc_tail[arc])
        looked += first_arc[node + _ONE] - first_arc[node]
        if looked > budget:
            return NOTHING
        _put_above(slot, old, arcs, triangles, times, (waiting, groups))


@compiled
def slow_down(
    dependents: Dependents, triangles: Triangles, edges: Edges, changed: Int64s, edge_ms: Int32s, arc_times: Times,
    budget: int,
) -> int:  # fmt: skip
    """Do the same where no edge became faster, with the `dependents` of the times as they were: at half the cost."""
    first, above = dependents
    times = arc_times.reshape(-1)
    waiting, groups = _queue(changed, edges[0], len(times))
    looked, group = 0, _NONE
    while True:
        slot, group = _take(waiting, groups, group)
        if group == np.uint64(len(groups)):
            return looked
        arc, old = slot >> _ONE, times[slot]
        times[slot] = _time_of(slot, triangles, edges, edge_ms, times)
        looked += triangles[2][arc + _ONE] - triangles[2][arc]
        if times[slot] == old:
            continue
        if looked > budget:
            return NOTHING
        for at in range(np.uint64(first[slot]), np.uint64(first[slot + _ONE])):
            _put(waiting, groups, np.uint64(above[at]))


@compiled
def dependents_of(first_arc: Int64s, across: Int32s, arc_times: Times) -> Dependents:
    """Return for each slot those above it that have a triangle with it that is as fast as they are.

    When times become longer, no others than these can.

    Returns
    -------
    (first, above) : above slot s stand ``above[first[s]:first[s + 1]]``
    """
    times = arc_times.reshape(-1)
    first = np.zeros(len(times) + 1, np.int64)
    _add_dependents(first_arc, across, times, first[1:], np.empty(0, np.int32))
    for slot in range(len(times)):
        first[slot + 1] += first[slot]
    above = np.empty(first[-1], np.int32)
    _add_dependents(first_arc, across, times, first[:-1].copy(), above)
    return first, above


@compiled
def _add_dependents(first_arc: Int64s, across: Int32s, times: Int32s, ends: Int64s, above: Int32s) -> None:
    """Move the end of each slot's list on by one for every slot above it; write these where `above` has room."""
    pair = _NONE
    for v in range(len(first_arc) - 1):
        end = np.uint64(2 * first_arc[v + 1])
        for i in range(np.uint64(2 * first_arc[v]), end, _TWO):
            for j in range(i + _TWO, end, _TWO):
                arc = np.uint64(across[pair]) << _ONE
                pair += _ONE
                for way in (_NONE, _ONE):  # against one side, along the other
                    slot, one, other = arc | way, i | (_ONE - way), j | way
                    if times[slot] == FAR or times[one] + times[other] != times[slot]:
                        continue
                    for side in (one, other):
                        if len(above):
                            above[np.uint64(ends[side])] = slot
                        ends[side] += 1
