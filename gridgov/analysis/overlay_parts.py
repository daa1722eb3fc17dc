"""What every two rows of two layers share, as geometry: for lines, for points and wherever the parts are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.analysis.metric_layers import AREAS, LINES, Floats, MetricLayer, Rows, Shapes, size_of
from gridgov.network.threads import run_in_threads

Flags = NDArray[np.bool_]
_MOST_POINTS = 200  # of a piece: a border of n points costs n for every row that might meet it
_FEW = 4  # pieces that are taken away one by one
_FEWEST_CUT = 8  # rows that a large shape must meet before it is worth cutting
_CUT = 0.4871  # where a shape is cut, as a share of its longer side: seldom along a line, which would count twice


@dataclass(frozen=True, slots=True)
class Parts:
    """What pairs of rows share.

    Attributes
    ----------
    left, right : int array, shape (pairs,)
        Positions of the rows, by left, then right.
    size : float array, shape (pairs,)
    shapes : array of geometries, shape (pairs,), or None
    near : int array
        Positions of the left rows that may share anything at all.
    apart : callable
        Rows of the left, and which of them may be covered twice → what all rows of the right together leave of each and
        (of those that may be covered twice) cover; measured by another operation than `size`.
    """

    left: Rows
    right: Rows
    size: Floats
    shapes: Shapes | None
    near: Rows
    apart: Callable[[Rows, Flags], tuple[Floats, Floats]]


def parts_of_shapes(left: MetricLayer, right: MetricLayer, *, whole: bool) -> Parts:
    """Return what rows share, by GEOS.

    Parameters
    ----------
    whole : bool
        Return the geometry of each part; without it, large shapes are cut into pieces first, which is faster.
    """
    shapely.prepare(left.shapes)
    row, other = shapely.STRtree(right.shapes).query(left.shapes)
    pieces, owner = right.shapes, np.arange(len(right))
    if not whole and left.dimension == LINES and (large := _worth_cutting(right.shapes, other)).any():
        pieces, owner = _cut(right.shapes, large)
        row, other = shapely.STRtree(pieces).query(left.shapes)
    hit = shapely.intersects(left.shapes[row], pieces[other])
    row, other = row[hit], other[hit]
    shapes = _shared(left.shapes[row], pieces[other], left.dimension)
    size = size_of(shapes, left.dimension)
    some = size > 0
    key, pair = np.unique(row[some] * len(right) + owner[other[some]], return_inverse=True)
    sums = np.bincount(pair, weights=size[some], minlength=len(key)).astype(np.float64)
    order = np.lexsort((owner[other[some]], row[some]))
    found = shapes[some][order] if whole else None

    def apart(rows: Rows, twice: Flags) -> tuple[Floats, Floats]:
        return _measured_apart(left, pieces, (row, other), rows, twice)

    return Parts(key // len(right), key % len(right), sums, found, np.unique(row), apart)


def _threaded(function: Any, left: Shapes, right: Shapes) -> Shapes:
    """Return a function of two arrays of geometries, computed by all processors: GEOS lets go of Python's lock."""
    found = np.empty(len(left), dtype=object)

    def part(rows: slice) -> None:
        found[rows] = function(left[rows], right[rows])

    run_in_threads(part, len(left), None)
    return found


def _shared(left: Shapes, right: Shapes, dimension: int) -> Shapes:
    """Return what two shapes share; where one covers the other that one is it, without computing."""
    if dimension < LINES:
        return _threaded(shapely.intersection, left, right)
    shared = np.empty(len(left), dtype=object)
    inside = shapely.covers(left, right) if dimension == AREAS else np.zeros(len(left), dtype=bool)
    shared[inside] = right[inside]
    shapely.prepare(right)
    within = ~inside & shapely.covers(right, left)
    shared[within] = left[within]
    crossing = ~inside & ~within
    shared[crossing] = _threaded(shapely.intersection, left[crossing], right[crossing])
    return shared


def _worth_cutting(shapes: Shapes, met: Rows) -> Flags:
    often = np.bincount(met, minlength=len(shapes)) >= _FEWEST_CUT
    return np.asarray((shapely.get_num_coordinates(shapes) > _MOST_POINTS) & often)


def _cut(shapes: Shapes, large: Flags) -> tuple[Shapes, Rows]:
    """Return shapes with the large ones in pieces of few points, and the row of each piece."""
    done, owner = [shapes[~large]], [np.flatnonzero(~large)]
    for position in np.flatnonzero(large):
        pieces = _halved(shapes[position])
        done.append(pieces)
        owner.append(np.full(len(pieces), position))
    return np.concatenate(done), np.concatenate(owner)


def _halved(shape: Any) -> Shapes:
    """Return a shape in pieces, cutting each across its longer side until it has few points."""
    dimension, done, todo = shapely.get_dimensions(shape), [], [*shapely.get_parts(shape)]
    while todo:
        piece = todo.pop()
        if shapely.get_dimensions(piece) < dimension or piece.is_empty:
            continue
        if shapely.get_num_coordinates(piece) <= _MOST_POINTS:
            done.append(piece)
            continue
        west, south, east, north = piece.bounds
        if east - west > north - south:
            middle = west + _CUT * (east - west)
            boxes = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
        else:
            middle = south + _CUT * (north - south)
            boxes = shapely.box(west, south, east, middle), shapely.box(west, middle, east, north)
        todo += [*shapely.get_parts(shapely.intersection(piece, list(boxes)))]
    return np.array(done, dtype=object)


def _measured_apart(
    left: MetricLayer, pieces: Shapes, near: tuple[Rows, Rows], rows: Rows, twice: Flags
) -> tuple[Floats, Floats]:
    """Measure what pieces leave of rows, and what they cover where they may cover twice."""
    covered = np.zeros(len(rows))
    order = np.argsort(near[0], kind="stable")
    near_row, near_piece = near[0][order], near[1][order]
    begin, end = np.searchsorted(near_row, rows), np.searchsorted(near_row, rows, side="right")
    united = twice | (end - begin > _FEW)
    left_over = left.shapes[rows]
    for number in range(_FEW):  # few pieces are taken away one by one: cheaper than to unite them first
        some = ~united & (end - begin > number)
        left_over[some] = _threaded(shapely.difference, left_over[some], pieces[near_piece[begin[some] + number]])
    groups = [near_piece[first:last] for first, last in zip(begin[united], end[united], strict=True)]
    others = _united(pieces, groups)
    left_over[united] = _threaded(shapely.difference, left_over[united], others)
    both = _threaded(shapely.intersection, left.shapes[rows[twice]], others[twice[united]])
    covered[twice] = size_of(both, left.dimension)
    return size_of(left_over, left.dimension), covered


def _united(pieces: Shapes, groups: list[Rows]) -> Shapes:
    """Return the union of each group of pieces."""
    found = np.empty(len(groups), dtype=object)

    def unite(part: slice) -> None:
        for position in range(len(groups))[part]:
            found[position] = shapely.union_all(pieces[groups[position]])

    run_in_threads(unite, len(groups), None)
    return found
