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
_STEPS = 40
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
        line = _at_share(shape, points, weights, normal, share)
        if line is None:
            continue
        parts = cut_along(shape, line)
        if len(parts) == 2:
            off = abs(_weight_below(shape, points, weights, normal, _level(line, normal)) - share)
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
    return west >= -180 and east <= 180 and south >= -90 and north <= 90


def _scaled(shape: Any, scale: float) -> Any:
    return shapely.transform(shape, lambda xy: xy * [scale, 1.0])


def _at_share(shape: Any, points: Floats | None, weights: Floats | None, normal: Floats, share: float) -> Any:
    """The line across `normal` below which the share lies, found by halving."""
    along = shapely.get_coordinates(shape) @ normal
    low, high = float(along.min()), float(along.max())
    first, last = low, high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _weight_below(shape, points, weights, normal, middle) < share:
            low = middle
        else:
            high = middle
    level = (low + high) / 2
    margin = (last - first) * 1e-3
    if not first + margin < level < last - margin:
        return None
    return _line(shape, normal, level)


def _level(line: Any, normal: Floats) -> float:
    return float((shapely.get_coordinates(line)[0] @ normal).item())


def _line(shape: Any, normal: Floats, level: float) -> Any:
    west, south, east, north = shape.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    foot = middle + normal * (level - middle @ normal) / (normal @ normal)
    along = np.array([-normal[1], normal[0]]) / np.hypot(*normal)
    reach = 2 * np.hypot(east - west, north - south)
    return shapely.linestrings([foot - along * reach, foot + along * reach])


def _weight_below(shape: Any, points: Floats | None, weights: Floats | None, normal: Floats, level: float) -> float:
    if points is not None and len(points):
        load = np.ones(len(points)) if weights is None else weights
        total = float(load.sum())
        if total > 0:
            return float(load[points @ normal < level].sum()) / total
    return _area_share(shape, normal, level)


def _area_share(shape: Any, normal: Floats, level: float) -> float:
    """The share of the area below a level: Green's formula over the sides below it, the level itself adding nothing."""
    below, whole = 0.0, 0.0
    across = np.array([-normal[1], normal[0]])
    for ring in _rings(shapely.orient_polygons(shape)):
        xy = np.asarray(ring.coords)[:, :2]
        u, h = xy @ across, xy @ normal - level
        du, dh = np.diff(u), np.diff(h)
        whole += float(((h[:-1] + h[1:]) / 2 * du).sum())
        flat = np.where(dh == 0, 1.0, dh)
        cross = np.where(dh == 0, 1.0, np.clip(-h[:-1] / flat, 0.0, 1.0))  # where a side passes the level
        first, last = np.minimum(h[:-1], 0.0), np.minimum(h[1:], 0.0)
        part = np.where((h[:-1] < 0) == (h[1:] < 0), 1.0, np.where(h[:-1] < 0, cross, 1 - cross))
        below += float(((first + last) / 2 * du * part).sum())
    return below / whole


def _rings(shape: Any) -> list[Any]:
    return [ring for part in shapely.get_parts(shape) for ring in (part.exterior, *part.interiors)]


def _from_rings(shape: Any, rings: list[Floats]) -> Any:
    parts, position = [], 0
    for part in shapely.get_parts(shape):
        count = 1 + len(part.interiors)
        parts.append(shapely.polygons(rings[position], holes=rings[position + 1 : position + count] or None))
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
