"""应急态势: what a commander sees of a hazard at a glance: people, workers and roads; and what a plan is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.evacuation import EvacuationParams
from gridgov.hazards import Wind
from gridgov.i18n import Lang
from gridgov.maps.framing import frame_of
from gridgov.model.hazards import Hazard
from gridgov.model.rights import Person, Right, may, require
from gridgov.network import edges_cut_by
from gridgov.operations.bus_input import BusQuery
from gridgov.operations.closures import closures_of
from gridgov.operations.crew import FRESH, crew_of
from gridgov.operations.evacuation_input import EvacuationQuery
from gridgov.operations.hazard_models import GasRelease, levels_near
from gridgov.operations.hazards import read_hazard
from gridgov.operations.impact import impact_of, road_consequences
from gridgov.workspace import Workspace

View = tuple[tuple[float, float], int]
_M_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class EmergencyNumbers:
    """The numbers over the map.

    Attributes
    ----------
    persons, low, high : float
        In the hazard, and for the hazard one step milder and worse; 0 without a hazard.
    unknown_grids : int
        Grids in the hazard whose population is not known: in none of the sums.
    workers_inside, workers_on_duty : int or None
        In the hazard, and in all; None: the person may not see where workers are.
    streets_closed, streets_later : int
        Streets (both directions are one) that are closed now, and that the hazard closes later.
    road_m : float
        Of the streets that are closed now.
    positions_at : datetime or None
        When the newest position of a worker came in; None: none came.
    positions_stale : bool
        No position has come lately, so workers stand where the file has them.
    """

    hazard_id: str
    as_of: datetime
    persons: float
    low: float
    high: float
    unknown_grids: int
    workers_inside: int | None
    workers_on_duty: int | None
    streets_closed: int
    streets_later: int
    road_m: float
    positions_at: datetime | None
    positions_stale: bool


def emergency_numbers(workspace: Workspace, person: Person, hazard_id: str = "") -> EmergencyNumbers:
    """Return the numbers over the map, for a hazard or without one.

    Raises
    ------
    RightsError
        The person may not see the map.
    RecordNotFoundError
        There is no such hazard.
    """
    require(person, Right.LAYER_READ)
    now = workspace.now()
    hazard = read_hazard(workspace, person, hazard_id).hazard if hazard_id else None
    persons = low = high = 0.0
    unknown = 0
    if hazard is not None:
        impact = impact_of(workspace, person, hazard_id, now=now).impact
        if (figure := impact.figures.get("persons")) is not None:
            persons, low, high = figure.value, figure.low, figure.high
        unknown = int(impact.unknown_grids.value)
    inside, on_duty = _workers(workspace, person, hazard, now)
    closed, later, road_m = _streets(workspace, person, hazard_id, now)
    newest = max((p.at for p in workspace.store.positions(since=now - FRESH)), default=None)
    return EmergencyNumbers(
        hazard_id, now, persons, low, high, unknown, inside, on_duty, closed, later, road_m, newest, newest is None
    )


def _workers(
    workspace: Workspace, person: Person, hazard: Hazard | None, now: datetime
) -> tuple[int | None, int | None]:
    """Return how many workers on shift stand in a hazard, and how many there are."""
    if not may(person, Right.POSITION_READ) or not workspace.of_kind("workers"):
        return None, None
    crew = crew_of(workspace)
    there = crew.seen_by(person, Right.POSITION_READ) & crew.roster.on_shift(now) & ~np.isnan(crew.roster.lon)
    if hazard is None:
        return 0, int(there.sum())
    points = shapely.points(crew.roster.lon[there], crew.roster.lat[there])
    hit = np.zeros(len(points), dtype=np.bool_)
    for zone in hazard.zones:
        area = shape(zone.geometry)
        shapely.prepare(area)
        hit |= shapely.intersects(area, points)
    return int(hit.sum()), int(there.sum())


def _streets(workspace: Workspace, person: Person, hazard_id: str, now: datetime) -> tuple[int, int, float]:
    """Return how many streets are closed now and later, and the metres of those that are closed now."""
    if not workspace.has_network:
        return 0, 0, 0.0
    network = workspace.network()
    streets = network.topology.streets
    placed = closures_of(workspace, person, now)
    edges = [edges for closure, edges in zip(placed.closures, placed.edges, strict=True) if closure.closes]
    closed = np.unique(streets.street_of_edge[np.concatenate([*edges, np.zeros(0, dtype=np.int64)]).astype(np.int64)])
    later: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    if hazard_id and workspace.has("grids"):
        closes = road_consequences(workspace, person, hazard_id, now=now).closes_s
        closed = np.union1d(closed, streets.street_of_edge[closes <= 0])
        later = np.setdiff1d(streets.street_of_edge[np.isfinite(closes)], closed)
    first = streets.edges_of_street[streets.first_of_street[:-1]][closed]
    return len(closed), len(later), float(np.nansum(network.length_m[first])) if len(closed) else 0.0


def hazard_frame(hazard: Hazard) -> View:
    """Return the centre (lat, lon) and zoom that show a hazard with some land around it."""
    boxes = np.array([shape(zone.geometry).bounds for zone in hazard.zones])
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    wide, high = 0.35 * (east - west), 0.35 * (north - south)
    return frame_of((west - wide, south - high, east + wide, north + high))


def point_frame(lon: float, lat: float) -> View:
    """Return the centre and zoom that show a crossing."""
    return (lat, lon), 16


def cut_edges(workspace: Workspace, geometry: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the roads that a drawn line or area cuts, as edges.

    Raises
    ------
    ParameterError
        The drawing is no line and no area.
    """
    return tuple(int(edge) for edge in edges_cut_by(workspace.network(), geometry))


def edge_array(edges: tuple[int, ...]) -> NDArray[np.int64]:
    """Return edges as an array."""
    return np.array(edges, dtype=np.int64)


def river_geometry(workspace: Workspace) -> Mapping[str, Any] | None:
    """Return all rivers of the workspace as one GeoJSON geometry; None where the map has none."""

    def make() -> Mapping[str, Any] | None:
        frame = workspace.layers_of_kind("water")
        if frame is None or not len(frame):
            return None
        if "class_code" in frame and (frame["class_code"].astype(str) == _RIVER).any():
            frame = frame[frame["class_code"].astype(str) == _RIVER]
        areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
        return dict(shapely.geometry.mapping(shapely.union_all(areas.geometry.array))) if len(areas) else None

    return workspace.cached("river_geometry", make)


def river_levels(workspace: Workspace) -> tuple[float, ...]:
    """Return the levels above the rivers that are worth computing, see `suggested_levels`; none without rivers.

    Raises
    ------
    LayerNotFoundError
        The workspace has no elevation.
    """

    def make() -> tuple[float, ...]:
        river = river_geometry(workspace)
        try:
            return () if river is None else levels_near(workspace, river)
        except ParameterError:  # the elevation model does not reach the river
            return ()

    return workspace.cached("river_levels", make)


_RIVER = "1101"  # 河流水面 of the third national land survey


def plan_query(hazard_id: str, given: Mapping[str, Any]) -> EvacuationQuery:
    """Return what a plan is asked for from the fields of a form.

    Parameters
    ----------
    given : mapping
        `params` (fields of `EvacuationParams`), `shelters_out`, `places`, `closed_edges`, `replaces`, `roads_close`,
        `buses` (their number); all may be left out.

    Raises
    ------
    ParameterError
        A number cannot be.
    """
    return EvacuationQuery(
        hazard_id=hazard_id,
        params=EvacuationParams(**given.get("params", {})),
        roads_close=given.get("roads_close"),
        shelters_out=tuple(given.get("shelters_out", ())),
        places=dict(given.get("places", {})),
        closed_edges=tuple(given.get("closed_edges", ())),
        replaces=given.get("replaces", ""),
        buses=BusQuery(vehicles=int(given["buses"])) if given.get("buses") else None,
    )


def gas_release(lon: float, lat: float, substance: str, *, wind: Wind, large: bool) -> GasRelease:
    """Return a release of gas by the distances of the table."""
    return GasRelease(lon=lon, lat=lat, substance=substance, wind=wind, large=large)


def wind_of(speed_m_s: float, from_deg: float) -> Wind:
    """Return a wind.

    Raises
    ------
    ParameterError
        It cannot be.
    """
    return Wind(speed_m_s, from_deg)


@dataclass(frozen=True, slots=True)
class ShelterPlaces:
    """A shelter as the page lists it; `places` is None where they are not known."""

    shelter_id: str
    name: str
    places: int | None
    lon: float
    lat: float


def shelter_list(workspace: Workspace, person: Person) -> tuple[ShelterPlaces, ...]:
    """Return all shelters by id.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    frame = workspace.layers_of_kind("shelters")
    if frame is None:
        return ()

    def make() -> tuple[ShelterPlaces, ...]:
        rows = frame.to_dict("records")
        points = [row[frame.geometry.name].representative_point() for row in rows]
        return tuple(
            ShelterPlaces(
                str(row["shelter_id"]), str(row.get("name") or ""), _whole(row["capacity_persons"]), point.x, point.y
            )
            for row, point in zip(rows, points, strict=True)
        )

    return workspace.cached("shelter_list", make)


def shelter_near(
    workspace: Workspace, person: Person, lon: float, lat: float, *, within_m: float
) -> ShelterPlaces | None:
    """Return the nearest shelter within some metres of a place, if any.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    known = shelter_list(workspace, person)
    if not known:
        return None
    east = np.array([each.lon - lon for each in known]) * math.cos(math.radians(lat))
    metres = _M_PER_DEGREE * np.hypot(east, np.array([each.lat - lat for each in known]))
    nearest = int(metres.argmin())
    return known[nearest] if metres[nearest] <= within_m else None


def grid_names(workspace: Workspace, lang: Lang) -> Mapping[str, str]:
    """Return what grids are called, by code; where names are not for a language, and without one, the code."""
    if lang != "zh" or not workspace.has("grids") or "name" not in workspace.layer("grids"):
        return {}

    def make() -> Mapping[str, str]:
        grids = workspace.layer("grids")
        return dict(zip(grids["grid_code"].astype(str), grids["name"].fillna("").astype(str), strict=True))

    return workspace.cached("grid_names", make)


def worker_names(workspace: Workspace, person: Person) -> Mapping[str, str]:
    """Return what the workers are called whom a person may see, by id."""
    if not may(person, Right.POSITION_READ) or not workspace.of_kind("workers"):
        return {}
    crew = crew_of(workspace)
    seen = crew.seen_by(person, Right.POSITION_READ)
    frame = crew.frame[seen]
    if "name" not in frame:
        return {}
    return dict(zip(frame["worker_id"].astype(str), frame["name"].fillna("").astype(str), strict=True))


def _whole(value: Any) -> int | None:
    return None if value is None or not math.isfinite(float(value)) else int(value)
