"""Areas out of the borders of polygons alone: what pairs share, and what many together leave of each.

No new polygon is made, which is what takes most of the time of an overlay. Both sums are independent of each other and
of GEOS: one adds up the area under each two edges, the other sweeps over all polygons about one.
"""

from __future__ import annotations

import numpy as np
import shapely

from gridgov.analysis import outline_kernels as kernels
from gridgov.analysis.metric_layers import Floats, Rows, Shapes
from gridgov.analysis.outline_kernels import Outlines
from gridgov.network.threads import run_in_threads

_EDGES_IN_A_COLUMN = 8


def outlines(shapes: Shapes, origin: tuple[float, float]) -> Outlines:
    """Return the edges of polygons, in metres from an origin near them.

    Parameters
    ----------
    shapes : array of geometries
        Valid polygons and multi-polygons.
    """
    kind, points, offsets = shapely.to_ragged_array(shapes)
    ring, polygon = np.asarray(offsets[0], dtype=np.int64), np.asarray(offsets[1], dtype=np.int64)
    of_shape = polygon if kind == shapely.GeometryType.POLYGON else polygon[np.asarray(offsets[2], dtype=np.int64)]
    shell = np.zeros(len(ring) - 1, dtype=np.bool_)
    shell[polygon[:-1]] = True
    owner = np.repeat(np.arange(len(shapes)), np.diff(of_shape))
    edges = np.empty((5, len(points)))
    begin = kernels.edges_of(points - np.asarray(origin), ring, shell, owner, edges)
    x0, y0, x1, y1, sign = edges[:, : begin[-1]]
    box = shapely.bounds(shapes) - np.tile(np.asarray(origin), 2)
    count = np.maximum(np.diff(begin) // _EDGES_IN_A_COLUMN, 1)
    step = (box[:, 2] - box[:, 0]) / count
    first = np.concatenate([[0], np.cumsum(count)])
    column, member = kernels.columns_of(begin, x0, x1, box[:, 0], step, first)
    return Outlines(begin, x0, y0, x1, y1, sign, box, step, first, column, member)


def shared_areas(a: Outlines, b: Outlines, row: Rows, other: Rows) -> Floats:
    """Return the square metres that polygon ``row[n]`` of `a` shares with polygon ``other[n]`` of `b`."""
    found = np.zeros(len(row))
    run_in_threads(lambda part: kernels.shared_areas(a, b, row[part], other[part], found[part]), len(row), None)
    return found


def left_over_areas(a: Outlines, b: Outlines, row: Rows, groups: tuple[Rows, Rows]) -> tuple[Floats, Floats]:
    """Return the square metres of polygon ``row[n]`` of `a` that its group of `b` leaves, and those it covers.

    Parameters
    ----------
    groups : tuple of arrays
        begin, shape (rows + 1,), and member: ``member[begin[n]:begin[n + 1]]`` are the polygons of `b` about one.
    """
    begin, member = groups
    rest, covered = np.zeros(len(row)), np.zeros(len(row))

    def sweep(part: slice) -> None:
        ends = begin[part.start : part.stop + 1]
        kernels.left_over_areas(a, b, row[part], ends, member, rest[part], covered[part])

    run_in_threads(sweep, len(row), None)
    return rest, covered


def warm_up() -> None:
    """Compile both sums, or load them from numba's cache on disk; the first time on a machine this takes seconds."""
    squares = np.array([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)], dtype=object)
    border, first, second = outlines(squares, (0.0, 0.0)), np.array([0]), np.array([1])
    shared_areas(border, border, first, second)
    left_over_areas(border, border, first, (np.array([0, 1]), second))
