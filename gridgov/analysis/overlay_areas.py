"""What the polygons of two layers share, in square metres, without making the polygons of the parts.

Sizes of pairs come from the edges of each two borders, the rest of a row from a sweep over everything about it: two
operations that know nothing of each other, so that their sum proves both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely

from gridgov.analysis.metric_layers import Floats, MetricLayer, Rows
from gridgov.analysis.outline_kernels import Outlines
from gridgov.analysis.outlines import left_over_areas, outlines, shared_areas
from gridgov.analysis.overlay_parts import Flags, Parts, parts_of_shapes

_DOUBTFUL = 1e-6  # m2: whether so little is shared at all, GEOS says
_NOISE = 1e-14  # the same as a share of the box that both lie in


@dataclass(frozen=True, slots=True)
class Borders:
    """The borders of two layers of polygons, about a common origin."""

    left: Outlines
    right: Outlines


def borders_of(left: MetricLayer, right: MetricLayer) -> Borders:
    """Return the borders of both layers."""
    west, south, east, north = right.bounds()
    origin = ((west + east) / 2, (south + north) / 2)
    return Borders(outlines(left.shapes, origin), outlines(right.shapes, origin))


def parts_of_areas(left: MetricLayer, right: MetricLayer, borders: Borders, *, whole: bool) -> Parts:
    """Return what polygons share; with their geometry, which then says the sizes, where `whole`."""
    row, other = shapely.STRtree(right.shapes).query(left.shapes)
    order = np.lexsort((other, row))
    row, other = row[order], other[order]

    def apart(rows: Rows, twice: Flags) -> tuple[Floats, Floats]:
        del twice  # the sweep always tells
        begin, end = np.searchsorted(row, rows), np.searchsorted(row, rows, side="right")
        counts = end - begin
        member = other[np.repeat(begin - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
        return left_over_areas(borders.left, borders.right, rows, (np.concatenate([[0], np.cumsum(counts)]), member))

    if whole:
        return replace(parts_of_shapes(left, right, whole=True), near=np.unique(row), apart=apart)
    size = shared_areas(borders.left, borders.right, row, other)
    _decide_doubtful(left, right, (row, other), size)
    some = size > 0
    return Parts(row[some], other[some], size[some], None, np.unique(row), apart)


def _decide_doubtful(left: MetricLayer, right: MetricLayer, pairs: tuple[Rows, Rows], size: Floats) -> None:
    """Let GEOS say of borders that only touch, or nearly so, whether they share anything."""
    row, other = pairs
    west, south, east, north = _common_box(left, right, pairs)
    doubtful = np.flatnonzero(size <= np.maximum(_DOUBTFUL, _NOISE * (east - west) * (north - south)))
    size[doubtful] = 0.0
    ours, theirs = left.shapes[row[doubtful]], right.shapes[other[doubtful]]
    shapely.prepare(ours)
    hit = shapely.intersects(ours, theirs)
    size[doubtful[hit]] = shapely.area(shapely.intersection(ours[hit], theirs[hit]))


def _common_box(left: MetricLayer, right: MetricLayer, pairs: tuple[Rows, Rows]) -> tuple[Floats, ...]:
    ours, theirs = shapely.bounds(left.shapes)[pairs[0]], shapely.bounds(right.shapes)[pairs[1]]
    low, high = np.maximum(ours[:, :2], theirs[:, :2]), np.minimum(ours[:, 2:], theirs[:, 2:])
    return low[:, 0], low[:, 1], high[:, 0], high[:, 1]


def overlapping_pairs(layer: MetricLayer, border: Outlines) -> tuple[Rows, Rows, Floats]:
    """Return each two polygons of a layer whose boxes meet, once, and the area that they share."""
    first, second = shapely.STRtree(layer.shapes).query(layer.shapes)
    once = first < second
    first, second = first[once], second[once]
    return first, second, shared_areas(border, border, first, second)
