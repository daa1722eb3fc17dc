"""Zones out of geometry and cells: to longitude and latitude, small enough for the log, none over another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.i18n import LANGS, label
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.hazards import HazardKind, HazardZone, Zones

LAYER = "hazards"
_DIGITS = 7  # of a degree: about a centimetre


def warnings_of(kind: HazardKind) -> dict[str, str]:
    """Return what a hazard of a kind is not, in every language."""
    return {lang: label(f"hazard.warning.{kind}", lang) for lang in LANGS}


def finding(
    rule: str,
    level: FindingLevel = FindingLevel.WARNING,
    action: FindingAction = FindingAction.KEPT,
    **detail: str | int | float,
) -> Finding:
    """Return a finding about a hazard."""
    return Finding(LAYER, None, "geometry", rule, level, action, None, detail)


def weakest(certainties: Iterable[str]) -> str:
    """Return the weakest of some certainty marks: U before S before V; U where there is none."""
    return min(certainties, key="USV".index, default="U")


class Mover:
    """Moves positions from one CRS to another (x = longitude or easting).

    PROJ reads its tables anew for every thread, a tenth of a second each time, and web servers answer in ever new
    threads: so one thread of its own does the moving for all of them.
    """

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target

    def transform(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return positions in the other CRS."""
        moved: tuple[Any, Any] = _thread(os.getpid()).submit(self._transform, x, y).result()
        return moved

    def _transform(self, x: Any, y: Any) -> tuple[Any, Any]:
        east, north = _proj(self._source, self._target).transform(x, y)
        return east, north


@cache
def _thread(_process: int) -> ThreadPoolExecutor:
    """Return the thread that moves positions; a forked process has its own."""
    return ThreadPoolExecutor(1, thread_name_prefix="crs")


@cache
def _proj(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


@cache
def transformer(source: str, target: str) -> Mover:
    """Return what moves positions from one CRS to another."""
    return Mover(source, target)


def moved(geometry: Any, source: str, target: str) -> Any:
    """Return a shapely geometry, or an array of them, in another CRS (x = longitude or easting)."""
    move = transformer(source, target)
    return shapely.transform(geometry, lambda xy: np.column_stack(move.transform(xy[:, 0], xy[:, 1])))


def polygons_of(geometry: Any) -> Any:
    """Return the areas of a geometry as one (Multi)Polygon, empty where there are none."""
    if geometry.geom_type in {"Polygon", "MultiPolygon"} and geometry.is_valid:
        return geometry
    parts = shapely.get_parts(geometry if geometry.is_valid else shapely.make_valid(geometry))
    flat = shapely.get_parts(parts)  # an area inside a collection
    return shapely.union_all(flat[shapely.get_dimensions(flat) == 2])


def zone_of(area: Any, crs: str, **facts: Any) -> HazardZone | None:
    """Return the zone of an area in some CRS; None where nothing of it is left."""
    return _zone(moved(area, crs, WGS84), facts)


def _zone(area: Any, facts: Mapping[str, Any]) -> HazardZone | None:
    # point by point and repaired afterwards: GEOS's own rounding gives up on some thin areas
    rounded = polygons_of(shapely.transform(area, lambda points: np.round(points, _DIGITS)))
    return None if rounded.is_empty else HazardZone(mapping(rounded), **facts)


def without_overlaps(areas: Iterable[tuple[Any, dict[str, Any]]], crs: str) -> Zones:
    """Return zones of areas of which an earlier one takes its place from the later ones.

    Parameters
    ----------
    areas : iterable of (geometry, facts)
        Worst and earliest first; `facts` are the other fields of `HazardZone`.
    """
    taken, zones = shapely.Polygon(), []
    for area, facts in areas:
        zone = zone_of(polygons_of(shapely.difference(area, taken)), crs, **facts)
        taken = shapely.union(taken, area)
        if zone is not None:
            zones.append(zone)
    return tuple(zones)


def point_in(crs: str, lon: float, lat: float) -> tuple[float, float]:
    """Return a position in a metric CRS.

    Raises
    ------
    ParameterError
        It is no position.
    """
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise ParameterError(f"{lon}, {lat} is not a longitude, latitude in degrees")
    x, y = transformer(WGS84, crs).transform(lon, lat)
    return float(x), float(y)


def compass(degrees: float) -> NDArray[np.float64]:
    """Return the unit vector (east, north) of a compass direction: 0 north, 90 east."""
    angle = np.radians(degrees)
    return np.array([np.sin(angle), np.cos(angle)])
