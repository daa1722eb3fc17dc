"""Compiled lines of sight over an elevation model: is the ground between two places lower than the line?"""

from __future__ import annotations

from math import ceil, floor, hypot, isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled

Floats: TypeAlias = NDArray[np.float64]
_TIE_M = 1e-9  # ground exactly on the line does not hide


@compiled
def _between(heights: Floats, row: float, column: float) -> float:
    """Height on a grid line, between the two cells beside it; of the one that is known where the other is not."""
    r0, c0 = floor(row), floor(column)
    r1, c1 = ceil(row), ceil(column)
    if r0 < 0 or c0 < 0 or r1 >= heights.shape[0] or c1 >= heights.shape[1]:
        return np.nan
    share = (row - r0) + (column - c0)  # one of the two is whole
    first, second = heights[r0, c0], heights[r1, c1]
    if not isfinite(first):
        return float(second)
    if not isfinite(second):
        return float(first)
    return float(first + share * (second - first))


@compiled
def _hidden(heights: Floats, start: Floats, end: Floats, size: Floats, bend: float) -> bool:
    """Whether the ground rises above the line from `start` to `end` (row, column, metres above the sea).

    Heights along the line are lowered by the curvature between them and the start; so is the end.
    """
    down, right = end[0] - start[0], end[1] - start[1]
    far = hypot(down * size[0], right * size[1])
    last = end[2] - bend * far * far
    for axis in range(2):
        step = down if axis == 0 else right
        if abs(step) < 1e-12:
            continue
        origin = start[axis]
        low, high = min(origin, origin + step), max(origin, origin + step)
        for line in range(floor(low) + 1, ceil(high)):
            share = (line - origin) / step
            if share <= 0.0 or share >= 1.0:
                continue
            if axis == 0:
                ground = _between(heights, float(line), start[1] + share * right)
            else:
                ground = _between(heights, start[0] + share * down, float(line))
            away = share * far
            if isfinite(ground) and ground - bend * away * away > start[2] + share * (last - start[2]) + _TIE_M:
                return True
    return False


@compiled
def count_seen(
    heights: Floats, places: Floats, size: Floats, radius_m: float, target_m: float, bend: float
) -> NDArray[np.int32]:
    """Return how many of the places (rows of row, column, eye above ground) see each cell within the radius.

    `size` is the size of a cell, metres: from row to row, from column to column; `bend` the drop per square metre away.
    """
    rows, columns = heights.shape
    seen = np.zeros((rows, columns), dtype=np.int32)
    start, end = np.empty(3), np.empty(3)
    for k in range(places.shape[0]):
        own_row, own_column = floor(places[k, 0] + 0.5), floor(places[k, 1] + 0.5)
        start[0], start[1] = places[k, 0], places[k, 1]
        start[2] = heights[own_row, own_column] + places[k, 2]
        tall, wide = ceil(radius_m / size[0]), ceil(radius_m / size[1])
        for row in range(max(0, own_row - tall), min(rows, own_row + tall + 1)):
            for column in range(max(0, own_column - wide), min(columns, own_column + wide + 1)):
                ground = heights[row, column]
                away = hypot((row - start[0]) * size[0], (column - start[1]) * size[1])
                if not isfinite(ground) or away > radius_m:
                    continue
                end[0], end[1], end[2] = row, column, ground + target_m
                if (row == own_row and column == own_column) or not _hidden(heights, start, end, size, bend):
                    seen[row, column] += 1
    return seen
