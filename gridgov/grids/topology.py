"""Topology of grids: where two overlap and where a gap lies between them, with ids and areas."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.crs import metric_crs
from gridgov.model import Finding, FindingLevel

_Shapes = NDArray[np.object_]


def check_topology(
    frame: Any,
    layer_id: str = "grids",
    *,
    crs: str | None = None,
    tolerance_m2: float = 1.0,
    gap_width_m: float = 2.0,
) -> list[Finding]:
    """Find overlaps and gaps of grids.

    Parameters
    ----------
    frame : GeoDataFrame
        With `grid_code` and valid polygons; its index is the 0-based row of the source.
    layer_id : str
    crs : str, optional
        Metric CRS to measure in; default that of the place.
    tolerance_m2 : float
        Overlaps and gaps up to this area are let pass.
    gap_width_m : float
        Slits between grids up to this width are gaps even where they are open to the outside.

    Returns
    -------
    list of Finding
        ``grid_overlap`` (warning), ``grid_gap`` (warning if narrow, else information: it may be a lake), each naming
        both grids and the area in m². Nothing is changed.
    """
    if not len(frame):
        return []
    lon0, lat0, lon1, lat1 = frame.total_bounds
    shapes = np.asarray(frame.geometry.to_crs(crs or metric_crs((lon0 + lon1) / 2, (lat0 + lat1) / 2)).array, object)
    codes = frame["grid_code"].astype(str).to_numpy(dtype=object)
    rows = np.asarray(frame.index, dtype=np.int64) + 1
    pairs = [(*pair, "grid_overlap", FindingLevel.WARNING) for pair in overlaps(shapes, tolerance_m2=tolerance_m2)]
    pairs += [
        (a, b, area, "grid_gap", FindingLevel.WARNING if narrow else FindingLevel.INFO)
        for a, b, area, narrow in gaps(shapes, tolerance_m2=tolerance_m2, width_m=gap_width_m)
    ]
    return [
        Finding(
            layer_id, int(rows[a]), "geometry", rule, level, key=codes[a],
            detail={"other": codes[b], "area_m2": round(area, 1)},
        )
        for a, b, area, rule, level in pairs
    ]  # fmt: skip


def overlaps(shapes: _Shapes, *, tolerance_m2: float = 1.0) -> list[tuple[int, int, float]]:
    """Return (a, b, area in m²) of every two polygons that overlap by more than the tolerance, a < b.

    The faulty edges of the coverage (GEOS) say which polygons to look at, so a sound layer costs one pass; a polygon
    inside another, whose edges are sound, has its own point in both.
    """
    faulty = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    point, owner = shapely.STRtree(shapes).query(shapely.point_on_surface(shapes), predicate="intersects")
    faulty[owner[point != owner]] = True
    faulty[point[point != owner]] = True
    suspects = np.flatnonzero(faulty)
    if not len(suspects):
        return []
    tree = shapely.STRtree(shapes[suspects])
    a, b = (suspects[side] for side in tree.query(shapes[suspects], predicate="intersects"))
    a, b = a[a < b], b[a < b]
    areas = shapely.area(shapely.intersection(shapes[a], shapes[b]))
    found = areas > tolerance_m2
    return sorted(zip(a[found].tolist(), b[found].tolist(), areas[found].tolist(), strict=True))


def gaps(shapes: _Shapes, *, tolerance_m2: float = 1.0, width_m: float = 2.0) -> list[tuple[int, int, float, bool]]:
    """Return (a, b, area in m², narrow) of every hole in the union of polygons, and of every slit up to a width.

    `a` and `b` are the two polygons with the longest border on the gap (the same one twice: a hole in one polygon).
    """
    whole = _union(shapes)
    holes = _holes(whole)
    closed = whole.buffer(width_m / 2, join_style="mitre").buffer(-width_m / 2, join_style="mitre")
    slits = shapely.get_parts(shapely.difference(closed, whole))
    slits = slits[shapely.get_dimensions(slits) == 2]
    if len(holes):
        inside = shapely.STRtree(holes).query(slits, predicate="intersects")[0]
        slits = np.delete(slits, np.unique(inside))
    found = shapely.set_precision(np.concatenate([holes, slits]), 0.001)  # without the spikes of rounding
    found = found[shapely.area(found) > tolerance_m2]
    narrow = shapely.is_empty(shapely.buffer(found, -width_m / 2))
    tree = shapely.STRtree(shapes)
    result = []
    for gap, is_narrow in zip(found, narrow, strict=True):
        sides = _sides(gap, shapes, tree, width_m)
        if sides is not None:
            result.append((*sides, float(gap.area), bool(is_narrow)))
    return sorted(result)


def _union(shapes: _Shapes) -> Any:
    if bool(shapely.coverage_is_valid(shapes)):
        return shapely.coverage_union_all(shapes)
    return shapely.union_all(shapes)


def _holes(whole: Any) -> _Shapes:
    polygons = shapely.get_parts(whole)
    rings = shapely.get_rings(polygons, return_index=False)
    exterior = shapely.get_exterior_ring(polygons)
    inner = rings[~np.isin(shapely.to_wkb(rings), shapely.to_wkb(exterior))]
    return np.asarray(shapely.polygons(inner), dtype=object) if len(inner) else np.empty(0, dtype=object)


def _sides(gap: Any, shapes: _Shapes, tree: Any, width_m: float) -> tuple[int, int] | None:
    """The two polygons that border most on a gap; None for a notch in the outer edge of one polygon."""
    near = np.sort(tree.query(gap, predicate="dwithin", distance=0.01))
    borders = shapely.length(shapely.intersection(shapely.buffer(shapes[near], 0.02), gap.boundary))
    near, borders = near[borders > 0.1], borders[borders > 0.1]
    order = near[np.lexsort((near, -np.round(borders)))][:2].tolist()
    if len(order) == 2:
        return min(order), max(order)
    enclosed = len(order) == 1 and float(borders.sum()) >= 0.9 * gap.length
    return (order[0], order[0]) if enclosed else None
