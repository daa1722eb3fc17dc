"""Straight cuts of a polygon into parts of equal weight, with every new corner given to the neighbours too."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import split

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
_ANGLES = 12
_STEPS = 30
_BEGIN, _END = slice(None, -1), slice(1, None)
_FAIR = 0.02  # a cut this close to the wanted share is as good as any; among them the shortest is taken


def cut_along(shape: Any, line: Any) -> list[Any]:
    """Return the parts of a polygon on both sides of a line, the larger first; the polygon where it is missed."""
    parts = [part for part in split(shape, line).geoms if part.geom_type == "Polygon" and part.area > 0]
    return sorted(parts, key=lambda part: (-part.area, part.wkb))


def balanced_cut(shape: Any, points: Floats | None = None, weights: Floats | None = None, *, share: float = 0.5) -> Any:
    """Return the straight line that cuts off a share of the weight and leaves two whole parts, as short as can be.

    Parameters
    ----------
    shape : Polygon
        In plane coordinates; degrees do for a small polygon, since a straight line stays straight.
    points, weights : arrays, optional
        Where the weight is; default spread evenly over the area.
    share : float
        Of the first part.

    Returns
    -------
    LineString or None
        None where no straight line leaves two whole parts.
    """
    scale = np.cos(np.radians(shapely.get_coordinates(shape)[:, 1].mean())) if _in_degrees(shape) else 1.0
    found = []
    for angle in np.arange(_ANGLES) * np.pi / _ANGLES:
        normal = np.array([np.cos(angle) * scale, np.sin(angle)])
        below = _Below(shape, points, weights, normal)
        line = _at_share(shape, below, share)
        if line is None:
            continue
        parts = cut_along(shape, line)
        if len(parts) == 2:
            off = abs(below(float(shapely.get_coordinates(line)[0] @ normal)) - share)
            length = shapely.length(shapely.intersection(_scaled(line, scale), _scaled(shape, scale)))
            found.append((off > _FAIR, off if off > _FAIR else 0.0, float(length), angle, line))
    return min(found, key=lambda item: item[:4])[4] if found else None


def with_corners(shapes: Shapes, corners: Floats, tolerance: float) -> Shapes:
    """Return polygons with the given points as corners where they lie on a side, so that borders stay shared."""
    result = shapes.copy()
    if not len(corners):
        return result
    points = shapely.points(corners)
    owner, point = shapely.STRtree(points).query(shapely.boundary(shapes), predicate="dwithin", distance=tolerance)
    for row in np.unique(owner).tolist():
        own = corners[point[owner == row]]
        rings = [_ring_with(np.asarray(ring.coords)[:, :2], own, tolerance) for ring in _rings(shapes[row])]
        result[row] = _from_rings(shapes[row], rings)
    return result


def _in_degrees(shape: Any) -> bool:
    west, south, east, north = shape.bounds
    return bool(west >= -180 and east <= 180 and south >= -90 and north <= 90)


def _scaled(shape: Any, scale: float) -> Any:
    return shapely.transform(shape, lambda xy: xy * [scale, 1.0])


def _at_share(shape: Any, below: _Below, share: float) -> Any:
    """The line across the direction of `below` with the share below it, found by halving."""
    first, last = low, high = below.reach
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if below(middle) < share:
            low = middle
        else:
            high = middle
    level, margin = (low + high) / 2, (last - first) * 1e-3
    return _line(shape, below.normal, level) if first + margin < level < last - margin else None


class _Below:
    """The share of a polygon's weight below a level in some direction.

    Areas by Green's formula: the sides below the level add up, and the level itself adds nothing.
    """

    def __init__(self, shape: Any, points: Floats | None, weights: Floats | None, normal: Floats) -> None:
        across, self.normal = np.array([-normal[1], normal[0]]), normal
        rings = [np.asarray(ring.coords)[:, :2] for ring in _rings(shapely.orient_polygons(shape))]
        self._from, self._to = (np.concatenate([ring[side] @ normal for ring in rings]) for side in (_BEGIN, _END))
        self._width = np.concatenate([np.diff(ring @ across) for ring in rings])
        self.reach = float(self._from.min()), float(self._from.max())
        load = np.empty(0) if points is None else np.ones(len(points)) if weights is None else weights
        self._load = load if load.sum() > 0 else None
        self._at = points @ normal if points is not None else np.empty(0)
        self._whole = self._area(self.reach[1])

    def __call__(self, level: float) -> float:
        """Return the share below a level."""
        if self._load is not None:
            return float(self._load[self._at < level].sum() / self._load.sum())
        return self._area(level) / self._whole

    def _area(self, level: float) -> float:
        a, b = self._from - level, self._to - level
        step = np.where(a == b, 1.0, a - b)
        under = np.where((a < 0) == (b < 0), 1.0, np.abs(np.where(a < 0, a, b) / step))  # part of a side below
        return float(((np.minimum(a, 0.0) + np.minimum(b, 0.0)) / 2 * self._width * under).sum())


def _line(shape: Any, normal: Floats, level: float) -> Any:
    west, south, east, north = shape.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    foot = middle + normal * (level - middle @ normal) / (normal @ normal)
    along = np.array([-normal[1], normal[0]]) / np.hypot(*normal)
    reach = 2 * np.hypot(east - west, north - south)
    return shapely.linestrings([foot - along * reach, foot + along * reach])


def _rings(shape: Any) -> list[Any]:
    return [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]


def _from_rings(shape: Any, rings: list[Floats]) -> Any:
    parts, position = [], 0
    for part in shapely.get_parts(shape):
        count = 1 + len(part.interiors)
        parts.append(shapely.Polygon(rings[position], rings[position + 1 : position + count]))  # holes of any length
        position += count
    return parts[0] if shape.geom_type == "Polygon" else shapely.multipolygons(parts)


def _ring_with(ring: Floats, corners: Floats, tolerance: float) -> Floats:
    """A closed ring with more corners on its sides."""
    kept = [ring[0]]
    for a, b in pairwise(ring):
        step = b - a
        length = float(step @ step)
        at = (corners - a) @ step / length if length > 0 else np.zeros(len(corners))
        away = np.hypot(*(corners - a - np.outer(at, step)).T)
        new = (at > 0) & (at < 1) & (away <= tolerance)
        new &= ~(corners == a).all(axis=1) & ~(corners == b).all(axis=1)
        for position in np.flatnonzero(new)[np.argsort(at[new])]:
            if not (corners[position] == kept[-1]).all():
                kept.append(corners[position])
        kept.append(b)
    return np.array(kept)
