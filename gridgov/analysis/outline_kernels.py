"""Compiled sums over the borders of polygons: what two of them share, and what several of them leave of one.

A border is a set of edges that run from west to east, each with a sign: +1 where the polygon lies below the edge, -1
where it lies above. The area under the upper edges less the area under the lower ones is the polygon's, holes included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SAME = 1e-9  # m: two heights that rounding alone may tell apart


class Outlines(NamedTuple):
    """Edges of polygons.

    Attributes
    ----------
    begin : int64 array, shape (polygons + 1,)
        ``begin[i]:begin[i + 1]`` are the edges of polygon i.
    x0, y0, x1, y1, sign : float64 arrays, shape (edges,)
        x0 < x1; vertical edges are left out.
    box : float64 array, shape (polygons, 4)
        West, south, east, north.
    step : float64 array, shape (polygons,)
        Width of the columns that a polygon's edges are found by.
    first : int64 array, shape (polygons + 1,)
        ``first[i]:first[i + 1]`` are the columns of polygon i.
    column, member : int64 arrays
        ``member[column[c]:column[c + 1]]`` are the edges in column c.
    """

    begin: Ints
    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats
    sign: Floats
    box: Floats
    step: Floats
    first: Ints
    column: Ints
    member: Ints


@compiled
def edges_of(points: Floats, ring: Ints, shell: NDArray[np.bool_], owner: Ints, found: Floats) -> Ints:
    """Put west end, east end and sign of the edges of rings into the columns of `found`, and return their number.

    Parameters
    ----------
    points : float64 array, shape (points, 2)
    ring, shell, owner : arrays
        ``points[ring[r]:ring[r + 1]]`` are ring r; whether it is a shell, not a hole; its polygon, never falling.
    found : float64 array, shape (5, points)
    """
    begin = np.zeros(owner[-1] + 2, np.int64)
    count = 0
    for r in range(len(shell)):
        turn = 0.0
        for k in range(ring[r], ring[r + 1] - 1):
            x, y = points[k, 0] - points[ring[r], 0], points[k, 1] - points[ring[r], 1]
            turn += x * (points[k + 1, 1] - points[ring[r], 1]) - (points[k + 1, 0] - points[ring[r], 0]) * y
        on_left = 1.0 if (turn > 0.0) == shell[r] else -1.0  # of its edges the polygon lies on the left
        for k in range(ring[r], ring[r + 1] - 1):
            if points[k, 0] == points[k + 1, 0]:
                continue
            back = points[k, 0] > points[k + 1, 0]
            west, east = (k + 1, k) if back else (k, k + 1)
            found[0, count], found[1, count] = points[west, 0], points[west, 1]
            found[2, count], found[3, count] = points[east, 0], points[east, 1]
            found[4, count] = on_left if back else -on_left
            count += 1
        begin[owner[r] + 1] = count
    return begin


@compiled
def columns_of(begin: Ints, x0: Floats, x1: Floats, west: Floats, step: Floats, first: Ints) -> tuple[Ints, Ints]:
    """Return `column` and `member` of outlines: every edge is in each column that it passes."""
    column = np.zeros(first[-1] + 1, np.int64)
    member = np.empty(0, np.int64)
    for filling in (False, True):
        if filling:
            for c in range(1, len(column)):
                column[c] += column[c - 1]
            member = np.empty(column[-1], np.int64)
        for i in range(len(west)):
            last = first[i + 1] - first[i] - 1
            for e in range(begin[i], begin[i + 1]):
                low = min(int((x0[e] - west[i]) / step[i]), last)
                for c in range(low, min(int((x1[e] - west[i]) / step[i]), last) + 1):
                    if filling:
                        column[first[i] + c] -= 1
                        member[column[first[i] + c]] = e
                    else:
                        column[first[i] + c] += 1
    return column, member


@compiled
def shared_area(a: Outlines, i: int, b: Outlines, j: int) -> float:
    """Return the area that polygon i of `a` and polygon j of `b` share.

    The area under both of two edges, summed with their signs over all pairs of edges: no crossing is looked for, so no
    case is special. Edges of `a` are found by their columns.
    """
    west, east = max(a.box[i, 0], b.box[j, 0]), min(a.box[i, 2], b.box[j, 2])
    base = max(a.box[i, 1], b.box[j, 1])
    if west >= east or base >= min(a.box[i, 3], b.box[j, 3]):
        return 0.0
    total, origin, step = 0.0, a.box[i, 0], a.step[i]
    first, columns = a.first[i], a.first[i + 1] - a.first[i]
    for f in range(b.begin[j], b.begin[j + 1]):
        x0, x1 = max(b.x0[f], west), min(b.x1[f], east)
        if x0 >= x1:
            continue
        slope_f = (b.y1[f] - b.y0[f]) / (b.x1[f] - b.x0[f])
        from_f = b.y0[f] - base
        begin = min(int((x0 - origin) / step), columns - 1)
        end = min(int((x1 - origin) / step), columns - 1)
        for c in range(begin, end + 1):
            left = x0 if c == begin else origin + c * step
            right = x1 if c == end else origin + (c + 1) * step
            for k in range(a.column[first + c], a.column[first + c + 1]):
                e = a.member[k]
                low, high = max(left, a.x0[e]), min(right, a.x1[e])
                if low >= high:
                    continue
                slope_e = (a.y1[e] - a.y0[e]) / (a.x1[e] - a.x0[e])
                y_low = a.y0[e] - base + (low - a.x0[e]) * slope_e
                y_high = a.y0[e] - base + (high - a.x0[e]) * slope_e
                f_low = from_f + (low - b.x0[f]) * slope_f
                f_high = from_f + (high - b.x0[f]) * slope_f
                total += a.sign[e] * b.sign[f] * _under_both(y_low, y_high, f_low, f_high) * (high - low)
    return total


@compiled
def _under_both(a0: float, a1: float, b0: float, b1: float) -> float:
    """Return the mean of the lower of two lines, given at both ends."""
    d0, d1 = a0 - b0, a1 - b1
    if d0 <= 0.0 and d1 <= 0.0:
        return 0.5 * (a0 + a1)
    if d0 >= 0.0 and d1 >= 0.0:
        return 0.5 * (b0 + b1)
    cut = d0 / (d0 - d1)  # where they cross, as a share of the way
    lowest_at_0, lowest_at_1 = min(a0, b0), min(a1, b1)
    between = a0 + cut * (a1 - a0)
    return 0.5 * (cut * (lowest_at_0 + between) + (1.0 - cut) * (between + lowest_at_1))


@compiled
def shared_areas(a: Outlines, b: Outlines, row: Ints, other: Ints, found: Floats) -> None:
    """Put into `found` the area that each pair of polygons shares."""
    for pair in range(len(row)):
        i, j = row[pair], other[pair]
        if a.begin[i + 1] - a.begin[i] >= b.begin[j + 1] - b.begin[j]:
            found[pair] = shared_area(a, i, b, j)
        else:
            found[pair] = shared_area(b, j, a, i)


@compiled
def left_over_areas(
    a: Outlines, b: Outlines, row: Ints, begin: Ints, member: Ints, rest: Floats, covered: Floats
) -> None:
    """Put into `rest` and `covered` what polygons of `b`, taken together, leave and cover of polygons of `a`.

    Parameters
    ----------
    row : int64 array, shape (asked,)
        Polygons of `a`.
    begin, member : int64 arrays
        ``member[begin[n]:begin[n + 1]]`` are the polygons of `b` about ``row[n]``.
    """
    for n in range(len(row)):
        rest[n], covered[n] = _swept(a, row[n], b, member[begin[n] : begin[n + 1]])


@compiled
def _swept(a: Outlines, i: int, b: Outlines, others: Ints) -> tuple[float, float]:
    """Sweep from west to east over strips in which no edge begins or ends, and walk up each of them."""
    ends, at, slope, owner = _edges_about(a, i, b, others)
    order = np.argsort(ends)
    active = np.empty(len(at), np.int64)
    low, high = np.empty(len(at)), np.empty(len(at))
    inside = np.zeros(len(others) + 1, np.bool_)
    rest, covered, count, ahead = 0.0, 0.0, 0, 0
    while ahead < len(order):
        left, kept = ends[order[ahead]], 0
        for k in range(count):
            if ends[2 * active[k] + 1] > left:
                active[kept] = active[k]
                kept += 1
        count = kept
        while ahead < len(order) and ends[order[ahead]] == left:
            if order[ahead] % 2 == 0:
                active[count] = order[ahead] // 2
                count += 1
            ahead += 1
        if ahead == len(order):
            break
        right = ends[order[ahead]]
        for k in range(count):
            low[active[k]] = at[active[k]] + left * slope[active[k]]
            high[active[k]] = at[active[k]] + right * slope[active[k]]
        _sort(active, count, low, high)
        crossings = _crossings(active, count, low, high)
        for part in range(len(crossings) - 1):
            middle = 0.5 * (crossings[part] + crossings[part + 1])
            width = (crossings[part + 1] - crossings[part]) * (right - left)
            if len(crossings) > 2:
                _sort_at(active, count, low, high, middle)
            free, taken = _walked(active, count, low, high, middle, owner, inside)
            rest += free * width
            covered += taken * width
    return rest, covered


@compiled
def _edges_about(a: Outlines, i: int, b: Outlines, others: Ints) -> tuple[Floats, Floats, Floats, Ints]:
    """Return where each edge begins and ends, by turns, its height at 0, slope and owner (0: polygon i).

    All about the polygon's corner. Edges of the others are those over and under it; what lies above it makes no
    difference.
    """
    west, south, east, north = a.box[i, 0], a.box[i, 1], a.box[i, 2], a.box[i, 3]
    most = a.begin[i + 1] - a.begin[i]
    for j in others:
        most += b.begin[j + 1] - b.begin[j]
    ends, at, slope = np.empty(2 * most), np.empty(most), np.empty(most)
    owner = np.empty(most, np.int64)
    count = 0
    for e in range(a.begin[i], a.begin[i + 1]):
        slope[count] = (a.y1[e] - a.y0[e]) / (a.x1[e] - a.x0[e])
        ends[2 * count], ends[2 * count + 1] = a.x0[e] - west, a.x1[e] - west
        at[count] = a.y0[e] - south - ends[2 * count] * slope[count]
        owner[count] = 0
        count += 1
    for n in range(len(others)):
        for e in range(b.begin[others[n]], b.begin[others[n] + 1]):
            if b.x1[e] <= west or b.x0[e] >= east or min(b.y0[e], b.y1[e]) >= north:
                continue
            slope[count] = (b.y1[e] - b.y0[e]) / (b.x1[e] - b.x0[e])
            at[count] = b.y0[e] - south - (b.x0[e] - west) * slope[count]
            ends[2 * count], ends[2 * count + 1] = max(b.x0[e], west) - west, min(b.x1[e], east) - west
            owner[count] = n + 1
            count += 1
    return ends[: 2 * count], at[:count], slope[:count], owner[:count]


@compiled
def _sort(active: Ints, count: int, low: Floats, high: Floats) -> None:
    """Sort edges from south to north at the western end of a strip; few have moved since the last one."""
    for k in range(1, count):
        edge, place = active[k], k
        while place > 0 and (
            low[active[place - 1]] > low[edge]
            or (low[active[place - 1]] == low[edge] and high[active[place - 1]] > high[edge])
        ):
            active[place] = active[place - 1]
            place -= 1
        active[place] = edge


@compiled
def _sort_at(active: Ints, count: int, low: Floats, high: Floats, share: float) -> None:
    """Sort edges from south to north at a share of a strip's width."""
    for k in range(1, count):
        edge, place = active[k], k
        y = low[edge] + share * (high[edge] - low[edge])
        while place > 0 and low[active[place - 1]] + share * (high[active[place - 1]] - low[active[place - 1]]) > y:
            active[place] = active[place - 1]
            place -= 1
        active[place] = edge


@compiled
def _crossings(active: Ints, count: int, low: Floats, high: Floats) -> Floats:
    """Return 0, the shares of a strip's width at which two edges cross, and 1; the edges are sorted by `low`."""
    swapped, highest = 0, -np.inf
    for k in range(count):
        if highest > high[active[k]] + _SAME:
            for other in range(k):
                swapped += high[active[other]] > high[active[k]] + _SAME
        highest = max(highest, high[active[k]])
    found = np.empty(swapped + 2)
    found[0], found[swapped + 1] = 0.0, 1.0
    filled = 1
    for k in range(1, count if swapped else 0):
        for other in range(k):
            e, f = active[other], active[k]
            if high[e] > high[f] + _SAME:
                share, place = (low[f] - low[e]) / ((low[f] - low[e]) + (high[e] - high[f])), filled
                while found[place - 1] > share:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = share
                filled += 1
    return found


@compiled
def _walked(
    active: Ints, count: int, low: Floats, high: Floats, share: float, owner: Ints, inside: NDArray[np.bool_]
) -> tuple[float, float]:
    """Walk from south to north: return how far polygon 0 lies free, and how far under another one."""
    free, taken, depth, last = 0.0, 0.0, 0, 0.0
    inside[:] = False
    for k in range(count):
        edge = active[k]
        y = low[edge] + share * (high[edge] - low[edge])
        if inside[0]:
            if depth:
                taken += y - last
            else:
                free += y - last
        last = y
        inside[owner[edge]] = not inside[owner[edge]]
        if owner[edge]:
            depth += 1 if inside[owner[edge]] else -1
    return free, taken
