"""Where rows lie: the CRS that really fits, exchanged axes, the GCJ-02 offset, other districts, crowded points.

Every check turns geometry into WGS 84 longitude/latitude (x = longitude).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridgov.crs import WGS84, gcj02_to_wgs84, in_gcj02_area
from gridgov.layers.import_file import Bounds
from gridgov.layers.inspection import Inspection, Mask
from gridgov.layers.reaching import areas_km2, check_reach
from gridgov.model import FindingAction, FindingLevel, LayerSpec

_Floats = NDArray[np.float64]
_Geometry = NDArray[np.object_]

_MARGIN = 0.1  # of the district's extent: a point beyond it lies in another place, not on the edge
_MOSTLY = 0.5  # below this share of rows in place, the declared CRS is doubted
_SURELY = 0.9  # above this share of rows in place, another CRS is believed
_CROWD_ROWS, _CROWD_SHARE = 10, 0.01
_GRID_MAX_KM2 = 2_000.0  # a unit grid of the national scheme has about 0.01
_GCJ_ROWS = 20  # fewer points prove nothing


@dataclass(frozen=True, slots=True)
class District:
    """What is known of the place.

    Attributes
    ----------
    bounds : tuple, optional
        (lon0, lat0, lon1, lat1).
    boundary : polygon, optional
    roads_lonlat : array (n, 2), optional
        Points on roads, close together; they give a GCJ-02 offset away.
    """

    bounds: Bounds | None = None
    boundary: shapely.Geometry | None = None
    roads_lonlat: _Floats | None = None


def road_points(lines: Any, *, spacing_deg: float = 0.0003) -> _Floats:
    """Return points along road lines (WGS 84), close together, for `District.roads_lonlat`; shape (n, 2)."""
    return np.asarray(shapely.get_coordinates(shapely.segmentize(np.asarray(lines, dtype=object), spacing_deg)))


def to_wgs84(
    inspection: Inspection,
    district: District,
    *,
    declared: pyproj.CRS | None,
    given: str | None,
    gcj02: bool = False,
) -> None:
    """Bring the geometry to WGS 84 by the CRS that fits, exchange axes where they were swapped, undo GCJ-02 if told.

    Parameters
    ----------
    declared : CRS, optional
        What the source says.
    given : str, optional
        What the import file, or else the specification, says. One of the two must be there.
    """
    raw = inspection.geometry
    if raw is None:
        return
    crs = _fitting_crs(inspection, district, declared, given)
    inspection.crs = _name(crs)
    change = _changer(crs, gcj02=gcj02)
    placed = change(raw)
    wrong = inspection.alive & ~_in_place(placed, district.bounds)
    if wrong.any():
        turned = change(_swap(raw[wrong]))
        better = _in_place(turned, district.bounds)
        swapped = wrong.copy()
        swapped[wrong] = better
        placed[swapped] = turned[better]
        inspection.rows("swapped_axes", swapped, action=FindingAction.REPAIRED)
    if gcj02:
        inspection.layer("gcj02_converted", level=FindingLevel.INFO, action=FindingAction.REPAIRED)
    inspection.geometry = placed
    impossible = inspection.alive & ~_in_place(placed, None)
    inspection.rows(
        "impossible_coordinates", impossible, level=FindingLevel.ERROR, action=FindingAction.ASIDE,
        details={"crs": crs.to_string()[:40]},
    )  # fmt: skip


def check_places(inspection: Inspection, spec: LayerSpec, district: District) -> None:
    """Say which rows lie outside the district, which points many rows share, and whether a GCJ-02 offset shows."""
    if inspection.geometry is None:
        return
    possible = _in_place(inspection.geometry, None)
    points = possible & (shapely.get_type_id(inspection.geometry) == 0)
    _outside(inspection, spec, district.bounds, possible)
    if spec.key == "grid_code":
        _too_large(inspection, inspection.geometry)
    if spec.geometry == "point":
        _crowds(inspection, points)
    points &= inspection.alive
    if int(points.sum()) >= _GCJ_ROWS:
        _suspect_gcj02(inspection, shapely.get_coordinates(inspection.geometry[points]), district)


def _fitting_crs(
    inspection: Inspection, district: District, declared: pyproj.CRS | None, given: str | None
) -> pyproj.CRS:
    """The declared CRS, unless it puts most rows nowhere and another one puts nearly all in place."""
    told = pyproj.CRS.from_user_input(given) if given else None
    crs = declared or told
    if crs is None:
        raise ValueError("declared or given must name a CRS")
    if told is not None and not told.equals(crs, ignore_axis_order=True):
        inspection.layer("crs_differs", declared=_name(crs), given=_name(told))
    geometry = inspection.geometry[inspection.alive] if inspection.geometry is not None else np.empty(0, object)
    if len(geometry) == 0 or _fits(crs, geometry, district) >= _MOSTLY:
        return crs
    for other in (told, pyproj.CRS.from_user_input(WGS84)):
        if other is not None and not other.equals(crs) and _fits(other, geometry, district) >= _SURELY:
            inspection.layer(
                "wrong_crs",
                level=FindingLevel.ERROR,
                action=FindingAction.REPAIRED,
                declared=_name(crs),
                used=_name(other),
            )
            return other
    swapped = float(_in_place(_changer(crs, gcj02=False)(_swap(geometry)), district.bounds).mean())
    if swapped < _MOSTLY:
        inspection.layer("crs_doubtful", level=FindingLevel.ERROR, declared=_name(crs))
    return crs


def _fits(crs: pyproj.CRS, geometry: _Geometry, district: District) -> float:
    """Share of rows that this CRS puts in place; degrees taken for metres fit nowhere, though they are on Earth."""
    bounds = shapely.bounds(geometry)
    if crs.is_projected and float(np.nanmax(np.abs(bounds))) <= 360.0:
        return 0.0
    return float(_in_place(_changer(crs, gcj02=False)(geometry), district.bounds).mean())


def _changer(crs: pyproj.CRS, *, gcj02: bool) -> Callable[[_Geometry], _Geometry]:
    """A function from geometry in `crs` to WGS 84."""
    same = crs.equals(pyproj.CRS.from_user_input(WGS84), ignore_axis_order=True)
    transformer = None if same else pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)

    def points(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
        if transformer is not None:
            x, y = transformer.transform(x, y, errcheck=False)
        if gcj02:
            x, y = gcj02_to_wgs84(x, y)
        return x, y

    def change(geometry: _Geometry) -> _Geometry:
        if same and not gcj02:
            return geometry.copy()
        return np.asarray(shapely.transform(geometry, points, interleaved=False), dtype=object)

    return change


def _swap(geometry: _Geometry) -> _Geometry:
    return np.asarray(shapely.transform(geometry, lambda xy: xy[:, ::-1]), dtype=object)


def _in_place(geometry: _Geometry, bounds: Bounds | None) -> Mask:
    """Where geometry has possible degrees and, if bounds are known, touches them or their margin."""
    west, south, east, north = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        possible = (west >= -180.0) & (east <= 180.0) & (south >= -90.0) & (north <= 90.0)
        if bounds is None:
            return np.asarray(possible, dtype=np.bool_)
        lon0, lat0, lon1, lat1 = _widened(bounds, _MARGIN)
        near = (east >= lon0) & (west <= lon1) & (north >= lat0) & (south <= lat1)
    return np.asarray(possible & near, dtype=np.bool_)


def _within(geometry: _Geometry, box: Bounds) -> Mask:
    bounds = shapely.bounds(geometry)
    with np.errstate(invalid="ignore"):
        return np.asarray((bounds[:, :2] >= box[:2]).all(axis=1) & (bounds[:, 2:] <= box[2:]).all(axis=1))


def _widened(bounds: Bounds, share: float) -> Bounds:
    lon0, lat0, lon1, lat1 = bounds
    dx, dy = (lon1 - lon0) * share, (lat1 - lat0) * share
    return lon0 - dx, lat0 - dy, lon1 + dx, lat1 + dy


def _outside(inspection: Inspection, spec: LayerSpec, bounds: Bounds | None, possible: Mask) -> None:
    """Points far outside go aside; points just outside are kept and said. Lines and areas: see `check_reach`."""
    if bounds is None or inspection.geometry is None:
        return
    far = possible & ~_in_place(inspection.geometry, bounds)
    if spec.geometry != "point":
        beyond = possible & ~_within(inspection.geometry, _widened(bounds, _MARGIN))
        check_reach(inspection, spec, bounds, beyond=beyond, outside=far)
        return
    xy = np.column_stack([shapely.get_x(inspection.geometry), shapely.get_y(inspection.geometry)])
    lon0, lat0, lon1, lat1 = bounds
    with np.errstate(invalid="ignore"):
        within = (xy[:, 0] >= lon0) & (xy[:, 0] <= lon1) & (xy[:, 1] >= lat0) & (xy[:, 1] <= lat1)
    edge = possible & ~within & ~far
    for rule, mask, action in (
        ("outside_district", far, FindingAction.ASIDE),
        ("beyond_edge", edge, FindingAction.KEPT),
    ):
        level = FindingLevel.ERROR if action is FindingAction.ASIDE else FindingLevel.WARNING
        inspection.rows(rule, mask, level=level, action=action, details=_lonlat(xy[mask]), also_aside=True)


def _too_large(inspection: Inspection, geometry: _Geometry) -> None:
    """Grids of the size of a province are slips of a hand; one of them would cover all others."""
    area = areas_km2(geometry)
    mask = inspection.alive & (area > _GRID_MAX_KM2)
    details = [{"area_km2": round(value)} for value in area[mask].tolist()]
    inspection.rows(
        "grid_too_large", mask, level=FindingLevel.ERROR, action=FindingAction.ASIDE, field_name="geometry",
        details=details,
    )  # fmt: skip


def _crowds(inspection: Inspection, points: Mask) -> None:
    """Rows that share one exact point with many others: geocoded to a place's centre, most likely."""
    if inspection.geometry is None or not points.any():
        return
    xy = shapely.get_coordinates(inspection.geometry[points])
    places, index, counts = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    crowded = counts >= max(_CROWD_ROWS, _CROWD_SHARE * len(xy))
    for (lon, lat), count in zip(places[crowded].tolist(), counts[crowded].tolist(), strict=True):
        inspection.layer("crowded_point", count=count, lon=lon, lat=lat)
    index = index.reshape(-1)
    mask = points.copy()
    mask[points] = crowded[index]
    details = [{"count": int(counts[i])} for i in index[crowded[index]]]
    inspection.rows("at_crowded_point", mask, details=details, also_aside=True)


def _lonlat(xy: _Floats) -> list[dict[str, float]]:
    return [{"lon": lon, "lat": lat} for lon, lat in np.round(xy, 6).tolist()]


def _suspect_gcj02(inspection: Inspection, xy: _Floats, district: District) -> None:
    """Warn if undoing GCJ-02, and no other shift as long, clearly brings the points to the roads or inside."""
    if not in_gcj02_area(xy[:, 0], xy[:, 1]).all():
        return
    undone = np.column_stack(gcj02_to_wgs84(xy[:, 0], xy[:, 1]))
    if _closer_to_roads(xy, undone, district.roads_lonlat) or _moves_inside(xy, undone, district.boundary):
        metres = float(np.median(np.hypot(*((undone - xy) * _metres_per_degree(xy)).T)))
        inspection.layer("gcj02_suspected", metres=round(metres), count=len(xy))


def _metres_per_degree(xy: _Floats) -> _Floats:
    return np.array([111_320.0 * np.cos(np.radians(np.median(xy[:, 1]))), 110_574.0])


def _closer_to_roads(xy: _Floats, undone: _Floats, roads: _Floats | None) -> bool:
    """The median distance to roads halves, and shifts of equal length in other directions do not do the same."""
    if roads is None or len(roads) < 100:
        return False
    from scipy.spatial import cKDTree  # noqa: PLC0415 - only when roads are there to compare with

    scale = _metres_per_degree(xy)
    tree = cKDTree(roads * scale)
    shift = (undone - xy) * scale

    def distance(angle: float | None) -> float:
        if angle is None:
            return float(np.median(tree.query(xy * scale)[0]))
        cos, sin = np.cos(angle), np.sin(angle)
        turned = shift @ np.array([[cos, sin], [-sin, cos]])
        return float(np.median(tree.query(xy * scale + turned)[0]))

    others = [distance(None), *(distance(angle) for angle in np.radians([60, 120, 180, 240, 300]))]
    return distance(0.0) <= 0.5 * min(others)


def _moves_inside(xy: _Floats, undone: _Floats, boundary: shapely.Geometry | None) -> bool:
    """Many points outside the boundary, and nearly all of them inside after undoing."""
    if boundary is None:
        return False
    shapely.prepare(boundary)
    before = int((~shapely.contains_xy(boundary, xy)).sum())
    after = int((~shapely.contains_xy(boundary, undone)).sum())
    return before >= max(10, 0.03 * len(xy)) and after <= 0.1 * before


def _name(crs: pyproj.CRS) -> str:
    return ":".join(crs.to_authority() or ()) or crs.name
