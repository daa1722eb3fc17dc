"""选址的原料: who needs something, what there is and could be, and the roads between them as they are or would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import Person
from gridgov.model.siting import SitingReason
from gridgov.model.what_if import Base, Scenario
from gridgov.network import Places, RoadNetwork
from gridgov.network.validation import Floats, Int64s
from gridgov.operations.closures import ClosureDraft, book_closures, closure_of, roads_at
from gridgov.operations.coverage import (
    GOING_OUT,
    SHELTERS,
    TOO_FAR_M,
    WORKERS,
    coverage_subjects,
    grid_codes,
    grid_places,
)
from gridgov.operations.crew import crew_of
from gridgov.operations.headcounts import require_at_least
from gridgov.operations.scenarios import read_scenario
from gridgov.operations.what_if import base_of, variant_of
from gridgov.workspace import Workspace

GRIDS = "grids"
"""As sites: a point in every grid; as weight: every grid counts once."""
PERSONS = "persons"
MOST_POINTS = 1_000
_FIRST_GROUPS = (PERSONS, "persons_day", "elderly_persons", "children_persons")
_PLANNED = "draft-"


@dataclass(frozen=True, slots=True)
class SitePoint:
    """A place that somebody has drawn: degrees WGS 84; `capacity_persons` None: any number."""

    site_id: str
    lon: float
    lat: float
    name: str = ""
    capacity_persons: int | None = None


@dataclass(frozen=True)
class SiteSet:
    """Places of facilities, or for them.

    Attributes
    ----------
    ids, names : object arrays, shape (n,)
    points : array of shapely points, WGS 84
    places : Places
        On the roads of one travel mode.
    capacity_persons : float array
        NaN where it is not known.
    """

    ids: NDArray[np.object_]
    names: NDArray[np.object_]
    points: NDArray[np.object_]
    places: Places
    capacity_persons: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def only(self, rows: NDArray[np.bool_]) -> SiteSet:
        """Return some of them."""
        return SiteSet(
            self.ids[rows], self.names[rows], self.points[rows], self.places[rows], self.capacity_persons[rows]
        )

    def near_roads(self) -> NDArray[np.bool_]:
        """Return which are near enough to a road for times along the roads to mean something."""
        return np.asarray(self.places.distance_m <= TOO_FAR_M)


@dataclass(frozen=True)
class RoadsAsked:
    """The roads of one travel mode at a moment, with closures of the books, drafts and a scenario.

    Attributes
    ----------
    closures : tuple of str
        Ids of those that hold.
    notes : tuple of SitingReason
        Closures that were asked for and do not hold then.
    """

    network: RoadNetwork
    when: datetime
    closures: tuple[str, ...]
    notes: tuple[SitingReason, ...]


def people_groups(workspace: Workspace) -> tuple[str, ...]:
    """Return the columns that count people by grid: all, by day, the elderly, children and others that are known."""
    grids = workspace.layer(GRIDS)
    others = sorted(column for column in grids if column.endswith("_persons") and column not in _FIRST_GROUPS)
    return tuple(
        column
        for column in (*_FIRST_GROUPS, *others)
        if column in grids and pd.api.types.is_numeric_dtype(grids[column]) and grids[column].notna().any()
    )


def people_of(workspace: Workspace, group: str) -> Floats:
    """Return the people of a group in every grid, NaN where they are not known; ``grids``: one for each.

    Raises
    ------
    ParameterError
        The group is not known here, or a figure of it is negative: with row and grid.
    """
    grids = workspace.layer(GRIDS)
    if group == GRIDS:
        return np.ones(len(grids))
    if group not in people_groups(workspace):
        raise ParameterError(
            f"layer grids has no figures of '{group[:40]}'; known are {', '.join((*people_groups(workspace), GRIDS))}"
        )
    require_at_least(grids, group)
    return np.asarray(pd.to_numeric(grids[group]).astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))


def site_sources(workspace: Workspace) -> tuple[str, ...]:
    """Return what sites can be taken from: shelters, categories of facilities, grids, and vector layers by id."""
    fixed = [subject for subject in coverage_subjects(workspace) if subject != WORKERS]
    layers = [entry.layer_id for entry in workspace.manifest.layers if entry.geometry in {"point", "polygon", "any"}]
    return tuple(dict.fromkeys([*fixed, *layers]))


def sites_of(workspace: Workspace, of: str, mode: TravelMode) -> SiteSet:
    """Return shelters, a category of facilities, a point in every grid, or a point in every feature of a layer.

    Raises
    ------
    ParameterError
        There is nothing of that name.
    """
    if of not in site_sources(workspace):
        raise ParameterError(f"there are no sites '{of[:40]}' here; known are {', '.join(site_sources(workspace))}")
    return workspace.cached(f"sites {of} {mode}", lambda: _sites(workspace, of, mode))


def drawn_sites(workspace: Workspace, drawn: Sequence[SitePoint], mode: TravelMode) -> SiteSet:
    """Return places that somebody has drawn.

    Raises
    ------
    ParameterError
        There are too many, an id is there twice, or a position is not on the globe.
    """
    if len(drawn) > MOST_POINTS:
        raise ParameterError(f"{len(drawn)} drawn places; draw at most {MOST_POINTS}, or import them as a layer")
    ids = [point.site_id for point in drawn]
    if len(set(ids)) < len(ids):
        raise ParameterError(
            f"drawn place {next(i for i in ids if ids.count(i) > 1)} is there twice; give each its own id"
        )
    for point in drawn:
        if not (abs(point.lon) <= 180 and abs(point.lat) <= 90):
            raise ParameterError(f"drawn place {point.site_id} at {point.lon}, {point.lat} is not on the globe")
        if point.capacity_persons is not None and point.capacity_persons < 0:
            raise ParameterError(f"drawn place {point.site_id} has {point.capacity_persons} places; give 0 or more")
    lon, lat = (np.array([getattr(point, axis) for point in drawn], dtype=float) for axis in ("lon", "lat"))
    capacity = [np.nan if point.capacity_persons is None else float(point.capacity_persons) for point in drawn]
    return SiteSet(
        np.array(ids, dtype=object),
        np.array([point.name for point in drawn], dtype=object),
        shapely.points(lon, lat),
        workspace.network(mode).snap(lon, lat),
        np.array(capacity, dtype=float),
    )


def together(first: SiteSet, second: SiteSet, prefix: str) -> SiteSet:
    """Return two sets as one; an id of the second that the first has, too, gets a prefix."""
    taken = set(first.ids.tolist())
    ids = [f"{prefix}:{one}" if one in taken else one for one in second.ids.tolist()]
    a, b = first.places, second.places
    names = ("node", "edge", "fraction", "lon", "lat", "distance_m")
    columns = [np.concatenate([getattr(a, name), getattr(b, name)]) for name in names]
    return SiteSet(
        np.array([*first.ids, *ids], dtype=object),
        np.concatenate([first.names, second.names]),
        np.concatenate([first.points, second.points]),
        Places(*columns),
        np.concatenate([first.capacity_persons, second.capacity_persons]),
    )


def inside_layers(workspace: Workspace, points: NDArray[np.object_], layer_ids: Sequence[str]) -> NDArray[np.bool_]:
    """Return which points lie in an area of one of the layers.

    Raises
    ------
    LayerNotFoundError
        There is no such layer, or it is a raster.
    ParameterError
        A layer has no areas.
    """
    inside = np.zeros(len(points), dtype=np.bool_)
    for layer_id in layer_ids:
        frame = workspace.layer(layer_id)
        areas = frame.geometry.to_numpy() if isinstance(frame, gpd.GeoDataFrame) else np.zeros(0, dtype=object)
        areas = areas[shapely.get_dimensions(areas) == 2]
        if not len(areas):
            raise ParameterError(f"layer '{layer_id}' has no areas, so nothing lies in it; name a layer of polygons")
        point, _ = shapely.STRtree(areas).query(points, predicate="intersects")
        inside[point] = True
    return inside


def asked_workspace(workspace: Workspace, person: Person, scenario: Scenario | str | None) -> Workspace:
    """Return the workspace itself, or as a scenario (or the kept one of that id) would make it.

    Raises
    ------
    RecordNotFoundError
        There is no such scenario.
    ParameterError
        A change of it names what is not there.
    """
    if scenario is None:
        return workspace
    if isinstance(scenario, str):
        scenario = read_scenario(workspace, person, scenario).scenario
    if scenario.base == Base():
        scenario = replace(scenario, base=base_of(workspace))
    return variant_of(workspace, scenario)


def asked_roads(
    workspace: Workspace, mode: TravelMode, when: datetime | None = None, drafts: Sequence[ClosureDraft] = ()
) -> RoadsAsked:
    """Return the roads at a moment with the closures of the books, and with drafts besides them.

    Raises
    ------
    ParameterError
        A draft's geometry, edges, factor or reason cannot be used, or the moment is not aware.
    LayerNotFoundError
        The workspace has no roads.
    """
    moment = when or workspace.now()
    if moment.tzinfo is None:
        raise ParameterError("the moment must be an aware time (with an offset), so that closures can be compared")
    new = tuple(
        closure_of(workspace, draft, moment, closure_id=f"{_PLANNED}{number}")
        for number, draft in enumerate(drafts, start=1)
    )
    closures = (*book_closures(workspace), *new) if new else None
    roads = roads_at(workspace, crew_of(workspace), moment, closures=closures)
    not_then = tuple(closure.closure_id for closure in new if not closure.holds_at(moment))
    notes = (SitingReason("closure_not_then", not_then, {"closures": len(not_then)}),) if not_then else ()
    holding = tuple(closure.closure_id for closure in roads.placed.closures)
    return RoadsAsked(roads.networks[mode], moment, holding, notes)


def times_to(workspace: Workspace, roads: RoadsAsked, mode: TravelMode, sites: SiteSet, of: str) -> Int64s:
    """Return the times between grids (rows) and sites, in the direction of people or engines; -1: no way."""
    grids = grid_places(workspace, mode)
    if of in GOING_OUT:
        times = roads.network.travel_times(sites.places, grids).T.astype(np.int64)
    else:
        times = roads.network.travel_times(grids, sites.places).astype(np.int64)
    times[grids.distance_m > TOO_FAR_M, :] = -1
    times[:, ~sites.near_roads()] = -1
    return times


def _sites(workspace: Workspace, of: str, mode: TravelMode) -> SiteSet:
    if of == GRIDS:
        grids = workspace.layer(GRIDS)
        return _site_set(grids, grid_codes(workspace), grid_places(workspace, mode))
    frame, key = _frame_of(workspace, of)
    there = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy(dtype=bool)
    frame = frame[there]
    points = frame.geometry.representative_point()
    return _site_set(
        frame, _own_ids(frame, key), workspace.network(mode).snap(points.x.to_numpy(), points.y.to_numpy())
    )


def _frame_of(workspace: Workspace, of: str) -> tuple[gpd.GeoDataFrame, str]:
    if of == SHELTERS:
        frame, key = workspace.layers_of_kind("shelters"), "shelter_id"
    elif of in coverage_subjects(workspace):
        frame, key = workspace.layers_of_kind("facilities"), "facility_id"
        assert frame is not None
        frame = frame[(frame["category"] == of).fillna(value=False).to_numpy(dtype=bool)]
    else:
        return workspace.layer(of).assign(layer_id=of), workspace.spec(of).key
    assert frame is not None
    return frame, key


def _own_ids(frame: gpd.GeoDataFrame, key: str) -> NDArray[np.object_]:
    """Return ids: the key, with its layer where several features share it, and the row where there is none."""
    names = frame[key] if key in frame else pd.Series(pd.NA, index=frame.index)
    ids = names.astype("string").fillna(
        frame["layer_id"].astype("string") + ":" + pd.Series(frame.index, frame.index).astype("string")
    )
    twice = ids.duplicated(keep="first")
    number = ids.groupby(ids).cumcount() + 1
    return np.asarray(ids.where(~twice, ids + "#" + number.astype("string")).to_numpy(dtype=object))


def _site_set(frame: gpd.GeoDataFrame, ids: NDArray[np.object_], places: Places) -> SiteSet:
    names = frame["name"].astype("string").fillna("").to_numpy(dtype=object) if "name" in frame else ids
    capacity = np.full(len(frame), np.nan)
    if "capacity_persons" in frame:
        capacity = pd.to_numeric(frame["capacity_persons"]).astype("Float64").to_numpy(np.float64, na_value=np.nan)
    points = frame.geometry.representative_point().to_numpy()
    return SiteSet(ids, np.asarray(names, dtype=object), points, places, np.asarray(capacity))
