"""Lines and areas beyond the district: in another place, as large as a part of the world, or reaching out of it.

A layer may be larger than the district, so a row is put aside only where it cannot be meant: far away, or larger than
any province. Everything else stays whole and is said.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.layers.import_file import Bounds
from gridgov.layers.inspection import Detail, Inspection, Mask
from gridgov.model import FindingAction, FindingLevel, LayerSpec

FAR_KM = 100.0  # from the district's box: further away it is another place
LARGE_TIMES = 1_000.0  # the area of the district's box
LARGE_KM2 = 2_000_000.0  # more than any province, less than any sea but the smallest
_EARTH_RADIUS_KM = 6_371.0
_KM_PER_DEGREE = 111.2
_MOSTLY = 0.5
_LEAST_SHARE = 0.01  # less of a row beyond the edge is not worth a word
_Geometry = NDArray[np.object_]
_Floats = NDArray[np.float64]


def areas_km2(geometry: _Geometry) -> _Floats:
    """Return areas on a sphere, km², of geometry in degrees; lines and points have none."""
    return np.asarray(shapely.area(shapely.transform(geometry, _equal_area_km)), dtype=np.float64)


def check_reach(inspection: Inspection, spec: LayerSpec, bounds: Bounds, *, beyond: Mask, outside: Mask) -> None:
    """Put lines and areas aside that lie far off or are far too large; say which others lie or reach outside.

    Parameters
    ----------
    bounds : tuple
        The district's box.
    beyond, outside : masks
        Rows that reach over the box's margin, and those of them that touch neither.
    """
    geometry = inspection.geometry
    if geometry is None or spec.geometry == "point":
        return
    if spec.key != "grid_code":  # grids have a narrower limit of their own
        _too_large(inspection, geometry, beyond, bounds)
    _far_away(inspection, geometry, outside, bounds)
    if count := int((outside & inspection.alive).sum()):
        inspection.layer("areas_outside", level=FindingLevel.INFO, count=count)
    _reaching(inspection, geometry, beyond & ~outside & inspection.alive, bounds)


def _too_large(inspection: Inspection, geometry: _Geometry, beyond: Mask, bounds: Bounds) -> None:
    own = float(areas_km2(np.array([shapely.box(*bounds)], dtype=object))[0])
    areas = np.zeros(len(geometry))
    areas[beyond] = areas_km2(geometry[beyond])
    mask = inspection.alive & (areas > max(LARGE_KM2, LARGE_TIMES * own))
    details = [{"area_km2": round(area), "times": round(area / own) if own else 0} for area in areas[mask].tolist()]
    _aside(inspection, "area_too_large", mask, details)


def _far_away(inspection: Inspection, geometry: _Geometry, outside: Mask, bounds: Bounds) -> None:
    """Distances in degrees of latitude; those of longitude are as short as they are in the district's middle."""
    rows = np.flatnonzero(outside & inspection.alive)
    narrower = float(np.cos(np.radians((bounds[1] + bounds[3]) / 2)))

    def stretched(shapes: _Geometry) -> _Geometry:
        return np.asarray(shapely.transform(shapes, lambda xy: xy * [narrower, 1.0]), dtype=object)

    box = stretched(np.array([shapely.box(*bounds)], dtype=object))[0]
    far = _KM_PER_DEGREE * shapely.distance(stretched(geometry[rows]), box)
    mask = np.zeros(len(geometry), dtype=np.bool_)
    mask[rows] = far > FAR_KM
    west, south, east, north = shapely.bounds(geometry[mask]).T
    places = np.round(np.column_stack([west + east, south + north]) / 2.0, 3).tolist()
    details = [
        {"km": round(value), "lon": lon, "lat": lat}
        for value, (lon, lat) in zip(far[far > FAR_KM].tolist(), places, strict=True)
    ]
    _aside(inspection, "area_far_away", mask, details)


def _reaching(inspection: Inspection, geometry: _Geometry, mask: Mask, bounds: Bounds) -> None:
    rows = np.flatnonzero(mask)
    whole = _sizes(geometry[rows])
    inside = _sizes(np.asarray(shapely.clip_by_rect(geometry[rows], *bounds), dtype=object))
    share = np.zeros(len(rows))
    np.divide(whole - inside, whole, out=share, where=whole > 0.0)
    for level, chosen in (
        (FindingLevel.WARNING, share > _MOSTLY),
        (FindingLevel.INFO, (share >= _LEAST_SHARE) & (share <= _MOSTLY)),
    ):
        part = np.zeros(len(geometry), dtype=np.bool_)
        part[rows[chosen]] = True
        details = [{"percent": f"{100.0 * value:.4g}"} for value in share[chosen].tolist()]
        inspection.rows("reaches_outside", part, level=level, details=details)


def _sizes(geometry: _Geometry) -> _Floats:
    """Areas, and lengths of lines (in degrees: only shares are made of them)."""
    areas = areas_km2(geometry)
    lines = shapely.get_dimensions(geometry) == 1
    return np.where(lines, shapely.length(geometry), areas)


def _aside(inspection: Inspection, rule: str, mask: Mask, details: list[Detail]) -> None:
    inspection.rows(
        rule, mask, level=FindingLevel.ERROR, action=FindingAction.ASIDE, field_name="geometry", details=details
    )


def _equal_area_km(lonlat: _Floats) -> _Floats:
    """Lambert's cylindrical projection of a sphere: areas are true everywhere."""
    x, y = np.radians(lonlat).T
    return _EARTH_RADIUS_KM * np.column_stack([x, np.sin(y)])
