"""相邻: which grids share a border and how long it is, so that areas made of them hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.crs import metric_crs
from gridgov.errors import ParameterError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Borders:
    """The shared borders of n grids.

    Attributes
    ----------
    count : int
        n.
    a, b : int64 arrays, a < b, sorted
        Positions of the two grids of each border.
    length_m : float array
    """

    count: int
    a: Ints
    b: Ints
    length_m: Floats

    def __post_init__(self) -> None:
        if len(self.a) and (int(self.a.min()) < 0 or int(self.b.max()) >= self.count):
            raise ParameterError(f"a border names a grid that is none of the {self.count}; give positions from 0 on")

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """The neighbours of each grid, rising."""
        near: list[list[int]] = [[] for _ in range(self.count)]
        for a, b in zip(self.a.tolist(), self.b.tolist(), strict=True):
            near[a].append(b)
            near[b].append(a)
        return tuple(tuple(sorted(others)) for others in near)

    def among(self, rows: Ints) -> Borders:
        """Return the borders between some grids, numbered in their order."""
        place = np.full(self.count, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        inside = (place[self.a] >= 0) & (place[self.b] >= 0)
        a, b = place[self.a[inside]], place[self.b[inside]]
        return Borders(len(rows), np.minimum(a, b), np.maximum(a, b), self.length_m[inside])

    def parts(self, members: Iterable[int]) -> list[list[int]]:
        """Return the pieces that some grids fall into, each rising, the piece with the smallest grid first."""
        left = set(members)
        pieces = []
        while left:
            piece, stack = set(), [min(left)]
            left -= set(stack)
            while stack:
                one = stack.pop()
                piece.add(one)
                fresh = [other for other in self.neighbours[one] if other in left]
                left.difference_update(fresh)
                stack.extend(fresh)
            pieces.append(sorted(piece))
        return pieces


def shared_borders(frame: Any, *, crs: str | None = None, tolerance_m: float = 0.5, shortest_m: float = 1.0) -> Borders:
    """Find which grids touch along a line; a shared corner makes no neighbours.

    Parameters
    ----------
    frame : GeoDataFrame
        Polygons with a CRS.
    crs : str, optional
        Metric CRS to measure in; default that of the place.
    tolerance_m : float
        Borders that run this close side by side count as shared, so a slit or a sliver parts nobody.
    shortest_m : float
        A shorter contact is a corner.

    Raises
    ------
    ParameterError
        The frame has no CRS.
    """
    none = np.empty(0, dtype=np.int64)
    if not len(frame):
        return Borders(0, none, none, np.empty(0))
    if frame.crs is None:
        raise ParameterError("the grids have no coordinate system, so no border can be measured; set one")
    if crs is None:
        west, south, east, north = frame.to_crs("EPSG:4326").total_bounds
        crs = metric_crs((west + east) / 2, (south + north) / 2)
    shapes = np.asarray(frame.geometry.to_crs(crs).array, dtype=object)
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=tolerance_m)
    a, b = a[a < b], b[a < b]
    lengths = _lengths(shapes, a, b, tolerance_m)
    found = lengths >= shortest_m
    order = np.lexsort((b[found], a[found]))
    return Borders(
        len(frame), a[found][order].astype(np.int64), b[found][order].astype(np.int64), lengths[found][order]
    )


def from_pairs(count: int, pairs: Sequence[tuple[int, int]], length_m: Sequence[float] | None = None) -> Borders:
    """Return borders from pairs of neighbours, each 1 m long where nothing is said."""
    lengths = [1.0] * len(pairs) if length_m is None else list(length_m)
    rows = sorted({(min(p), max(p)): length for p, length in zip(pairs, lengths, strict=True)}.items())
    ends = np.array([pair for pair, _ in rows], dtype=np.int64).reshape(-1, 2)
    return Borders(count, ends[:, 0], ends[:, 1], np.array([length for _, length in rows], dtype=float))


def _lengths(shapes: NDArray[np.object_], a: Ints, b: Ints, tolerance_m: float) -> Floats:
    """Lengths of the borders: exact where two polygons share vertices, else of what runs within the tolerance."""
    edges = shapely.boundary(shapes)
    lengths = np.asarray(shapely.length(shapely.intersection(edges[a], edges[b])), dtype=float)
    loose = np.flatnonzero(lengths < 1.0)
    near = shapely.intersection(edges[a[loose]], shapely.buffer(shapes[b[loose]], tolerance_m, quad_segs=2))
    side = np.asarray(shapely.length(near), dtype=float)
    lengths[loose] = np.where(side > 4 * tolerance_m, side, lengths[loose])  # a corner alone lies this far inside
    return lengths
