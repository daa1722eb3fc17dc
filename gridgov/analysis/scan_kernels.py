"""The compiled search for the best cylinder around each grid."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@compiled
def best_cylinders(
    start: Ints, member: Ints, counts: Ints, in_space: Floats, in_time: Floats, longest: int
) -> tuple[Floats, Ints, Ints, Ints]:
    """Return for each centre the cylinder with the highest log likelihood ratio.

    Circles that end with a grid without incidents and windows that begin or end with a day without any are never the
    best, so they are passed over.

    Parameters
    ----------
    start, member : int64 arrays
        ``member[start[i]:start[i + 1]]`` are the grids around centre i by distance.
    counts : int64 array, shape (grids, days)
    in_space, in_time : float arrays
        Expected incidents of a cylinder: the sum of `in_space` over its grids × the sum of `in_time` over its days.
    longest : int
        Days of the longest window.

    Returns
    -------
    tuple of arrays, shape (centres,)
        Log likelihood ratio (0: nothing above the expected), grids in the circle, first and last day.
    """
    centres, days = len(start) - 1, counts.shape[1]
    total = counts.sum()
    ratio = np.zeros(centres)
    size = np.zeros(centres, np.int64)
    first = np.zeros(centres, np.int64)
    last = np.zeros(centres, np.int64)
    of_grid = counts.sum(axis=1)
    for centre in range(centres):
        inside = np.zeros(days, np.int64)
        mass, cases = 0.0, 0
        for place in range(start[centre], start[centre + 1]):
            grid = member[place]
            mass += in_space[grid]
            if of_grid[grid] == 0:
                continue
            cases += of_grid[grid]
            for day in range(days):
                inside[day] += counts[grid, day]
            if cases < 2:
                continue
            for begin in range(days):
                if inside[begin] == 0:
                    continue
                here, share = 0, 0.0
                for end in range(begin, min(days, begin + longest)):
                    here += inside[end]
                    share += in_time[end]
                    expected = mass * share
                    if inside[end] == 0 or here < 2 or here <= expected:
                        continue
                    found = here * log(here / expected)
                    if here < total:
                        found += (total - here) * log((total - here) / (total - expected))
                    if found > ratio[centre] + 1e-12:
                        ratio[centre] = found
                        size[centre] = place - start[centre] + 1
                        first[centre] = begin
                        last[centre] = end
    return ratio, size, first, last
