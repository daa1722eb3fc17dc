"""Compiled searches over cells: the smallest peak from a source, the earliest fire, the farthest slide.

All three settle cells in the order of a heap, so each cell is settled once and its value is final.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled

Floats: TypeAlias = NDArray[np.float64]
Int64s: TypeAlias = NDArray[np.int64]
Int32s: TypeAlias = NDArray[np.int32]
StepArrays: TypeAlias = tuple[Int32s, Floats, Int32s]
_FIRST_ROOM = 1 << 16  # of a heap that grows


@compiled
def _push(keys: Floats, items: Int64s, size: int, key: float, item: int) -> int:
    """Put an item on the heap and return its new size."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at], items[at] = keys[above], items[above]
        at = above
    keys[at], items[at] = key, item
    return size + 1


@compiled
def _with_room(keys: Floats, items: Int64s, size: int) -> tuple[Floats, Int64s]:
    """Return the heap with room for one more."""
    if size + 1 < len(keys):
        return keys, items
    more_keys, more_items = np.empty(2 * len(keys)), np.empty(2 * len(items), dtype=np.int64)
    more_keys[:size], more_items[:size] = keys[:size], items[:size]
    return more_keys, more_items


@compiled
def _drop_first(keys: Floats, items: Int64s, size: int) -> int:
    """Take the smallest off the heap and return its new size."""
    size -= 1
    key, item = keys[size], items[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], items[at] = keys[below], items[below]
        at = below
    keys[at], items[at] = key, item
    return size


@compiled
def smallest_peaks(height: Floats, sources: Int64s, columns: int, highest: float, peak: Floats) -> None:
    """Fill `peak` with the lowest level at which water from the sources reaches each cell, through the four sides.

    A cell that is no higher than the water that found it goes to a plain stack instead of the heap (Barnes, Lehman and
    Mulla 2014, Priority-Flood). inf: not reached up to `highest`. `height` may hold NaN: nothing passes.
    """
    cells = len(height)
    keys, items, size = np.empty(cells + 1), np.empty(cells + 1, dtype=np.int64), 0
    level, top = np.empty(cells + 1, dtype=np.int64), 0
    for source in sources:
        if height[source] <= highest and peak[source] == np.inf:
            peak[source] = height[source]
            size = _push(keys, items, size, peak[source], source)
    while size > 0 or top > 0:
        if top > 0:
            top -= 1
            cell = level[top]
        else:
            cell = items[0]
            size = _drop_first(keys, items, size)
        column = cell % columns
        for side in range(4):
            step = (-columns, columns, -1, 1)[side]
            other = cell + step
            if (step == -1 and column == 0) or (step == 1 and column == columns - 1):
                continue
            if other < 0 or other >= cells or peak[other] != np.inf or not height[other] <= highest:
                continue
            if height[other] <= peak[cell]:
                peak[other] = peak[cell]
                level[top] = other
                top += 1
            else:
                peak[other] = height[other]
                size = _push(keys, items, size, peak[other], other)


@compiled
def earliest_fire(
    sources: Int64s,
    columns: int,
    land: tuple[Floats, Floats],
    steps: StepArrays,
    pace: Floats,
    uphill: Floats,
    until_s: float,
    arrival: Floats,
) -> None:
    """Fill `arrival` with the seconds until a fire from the sources comes to each cell; inf: not by `until_s`.

    Parameters
    ----------
    land : tuple of 2 float arrays, shape (cells,)
        Elevation; seconds a metre of the head of the fire on flat ground, inf: does not burn.
    steps : tuple of arrays
        Rows and columns of each step; its metres; the cells that it passes, (0, 0): none.
    pace : float array
        How many times slower than the head the fire is along each step.
    uphill : float array
        Factors on the speed for slopes from -1 to 1 in equal steps.
    """
    metres, pause_s_m = land
    moves, length_m, between = steps
    cells = len(metres)
    rows = cells // columns
    keys, items, size = np.empty(_FIRST_ROOM), np.empty(_FIRST_ROOM, dtype=np.int64), 0
    done = np.zeros(cells, dtype=np.bool_)
    for source in sources:
        if arrival[source] > 0.0:
            arrival[source] = 0.0
            keys, items = _with_room(keys, items, size)
            size = _push(keys, items, size, 0.0, source)
    half = (len(uphill) - 1) / 2
    while size > 0:
        cell = items[0]
        size = _drop_first(keys, items, size)
        if done[cell]:
            continue
        done[cell] = True
        row, column = cell // columns, cell % columns
        for move in range(len(moves)):
            to_row, to_column = row + moves[move, 0], column + moves[move, 1]
            if to_row < 0 or to_row >= rows or to_column < 0 or to_column >= columns:
                continue
            other = to_row * columns + to_column
            if done[other] or pause_s_m[other] == np.inf:
                continue
            pause, passed = pause_s_m[cell] + pause_s_m[other], 2
            for i in range(between.shape[1]):
                if between[move, i, 0] != 0 or between[move, i, 1] != 0:
                    pause += 2 * pause_s_m[(row + between[move, i, 0]) * columns + column + between[move, i, 1]]
                    passed += 2
            rise = (metres[other] - metres[cell]) / length_m[move]
            factor = uphill[int(half + half * min(max(rise, -1.0), 1.0) + 0.5)]
            time = arrival[cell] + length_m[move] * pace[move] * pause / passed / factor
            if time < arrival[other] and time <= until_s:
                arrival[other] = time
                keys, items = _with_room(keys, items, size)
                size = _push(keys, items, size, time, other)


@compiled
def highest_energy(
    sources: Int64s,
    columns: int,
    metres: Floats,
    steps: StepArrays,
    fall: float,
    energy: Floats,
) -> None:
    """Fill `energy` with the height of the energy line over the sea where a slide comes; -inf: it does not.

    The line starts at the ground of a source and falls by `fall` metres a metre of way; the slide stops where the line
    meets the ground. Of several ways the one with the highest line counts.
    """
    moves, length_m, between = steps
    cells = len(metres)
    rows = cells // columns
    keys, items, size = np.empty(_FIRST_ROOM), np.empty(_FIRST_ROOM, dtype=np.int64), 0
    done = np.zeros(cells, dtype=np.bool_)
    for source in sources:
        if metres[source] > energy[source]:
            energy[source] = metres[source]
            keys, items = _with_room(keys, items, size)
            size = _push(keys, items, size, -metres[source], source)
    while size > 0:
        cell = items[0]
        size = _drop_first(keys, items, size)
        if done[cell]:
            continue
        done[cell] = True
        row, column = cell // columns, cell % columns
        for move in range(len(moves)):
            to_row, to_column = row + moves[move, 0], column + moves[move, 1]
            if to_row < 0 or to_row >= rows or to_column < 0 or to_column >= columns:
                continue
            other = to_row * columns + to_column
            line = energy[cell] - fall * length_m[move]
            if done[other] or not line > metres[other] or line <= energy[other]:
                continue
            free = True
            for i in range(between.shape[1]):
                if between[move, i, 0] != 0 or between[move, i, 1] != 0:
                    ground = metres[(row + between[move, i, 0]) * columns + column + between[move, i, 1]]
                    free = free and energy[cell] > ground
            if free:
                energy[other] = line
                keys, items = _with_room(keys, items, size)
                size = _push(keys, items, size, -line, other)
