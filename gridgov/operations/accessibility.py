"""可达性: how soon the people of every grid are at the nearest facility, group by group, and who is under-served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np

from gridgov.analysis.equity import AccessFigures, access_figures
from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.model.siting import SitingReason
from gridgov.model.what_if import Scenario
from gridgov.network import Direction, time_to_nearest
from gridgov.network.validation import Floats, Int64s
from gridgov.operations.closures import ClosureDraft
from gridgov.operations.coverage import GOING_OUT, MOST_MINUTES, SHELTERS, TOO_FAR_M, grid_places
from gridgov.operations.site_sets import (
    GRIDS,
    PERSONS,
    RoadsAsked,
    SitePoint,
    SiteSet,
    asked_roads,
    asked_workspace,
    drawn_sites,
    people_groups,
    people_of,
    sites_of,
    together,
)
from gridgov.workspace import Workspace

DRAWN = "drawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessQuery:
    """What is to be near to whom.

    Attributes
    ----------
    of : str
        ``shelters``, a category of facilities such as ``hospital``, or the id of a vector layer (see `site_sources`).
    minutes : float
        Within which time somebody is served.
    group : str
        Whose under-served grids are listed: a column of people (see `people_groups`), or ``grids``.
    mode : TravelMode
    when : datetime, optional
        Aware; default the workspace's clock. Closures that hold then are closed.
    drafts : tuple of ClosureDraft
        What else is closed.
    extra : tuple of SitePoint
        Facilities that would be there, too.
    scenario : Scenario or str, optional
        Asked of the workspace as the scenario (or the kept one of that id) would make it.
    """

    of: str = SHELTERS
    minutes: float = 15.0
    group: str = PERSONS
    mode: TravelMode = TravelMode.DRIVE
    when: datetime | None = None
    drafts: tuple[ClosureDraft, ...] = ()
    extra: tuple[SitePoint, ...] = ()
    scenario: Scenario | str | None = None


@dataclass(frozen=True)
class FacilityAccess:
    """How soon people are at the nearest facility.

    Attributes
    ----------
    query : AccessQuery
    when : datetime
    closures : tuple of str
        Ids of those that hold.
    sources : int
        How many facilities there are.
    grids : GeoDataFrame, WGS 84, in the order of the layer
        grid_code, name, minutes (missing where there is no way), nearest_id, nearest_name, within, one column for each
        group of people, geometry.
    figures : mapping group -> AccessFigures
        Of every group that is known here.
    underserved : GeoDataFrame
        The grids beyond the limit or without any way where somebody of the group lives, most people first.
    notes : tuple of SitingReason
        ``persons_unknown``, ``grids_off_roads``, ``sites_off_roads``, ``closure_not_then``: with ids.
    """

    query: AccessQuery
    when: datetime
    closures: tuple[str, ...]
    sources: int
    grids: gpd.GeoDataFrame
    figures: Mapping[str, AccessFigures]
    underserved: gpd.GeoDataFrame
    notes: tuple[SitingReason, ...]


def facility_access(workspace: Workspace, person: Person, query: AccessQuery | None = None) -> FacilityAccess:
    """Return how soon the people of every grid are at the nearest facility.

    People travel to facilities; fire engines and the police travel to the grids.

    Raises
    ------
    ParameterError
        There is nothing of that kind, no such group, or the minutes, a draft or a drawn facility cannot be used.
    RecordNotFoundError
        There is no such scenario.
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads or no grids.
    """
    asked = asked_access(workspace, person, query)
    places = grid_places(asked.workspace, asked.query.mode)
    times = time_to_nearest(asked.roads.network, places, asked.near.places, direction=asked.direction)
    return answered_access(asked, *times)


@dataclass(frozen=True)
class AskedAccess:
    """A question about access with all that its answer rests on.

    Attributes
    ----------
    workspace : Workspace
        As the scenario of the question would make it.
    roads : RoadsAsked
    sites, near : SiteSet
        All facilities, and those that are near a road.
    """

    query: AccessQuery
    workspace: Workspace
    roads: RoadsAsked
    sites: SiteSet
    near: SiteSet

    @property
    def direction(self) -> Direction:
        """Whether trips start at the facilities (from) or end there (to)."""
        return "from" if self.query.of in GOING_OUT else "to"


def asked_access(workspace: Workspace, person: Person, query: AccessQuery | None = None) -> AskedAccess:
    """Return what a question about access rests on; raises what `facility_access` does."""
    require(person, Right.LAYER_READ)
    query = query or AccessQuery()
    if not 0 < query.minutes <= MOST_MINUTES:
        raise ParameterError(f"the limit is {query.minutes:g} minutes; give more than 0, at most {MOST_MINUTES:.0f}")
    workspace = asked_workspace(workspace, person, query.scenario)
    workspace.entry(GRIDS)
    people_of(workspace, query.group)  # says at once if there is no such group
    roads = asked_roads(workspace, query.mode, query.when, query.drafts)
    sites = sites_of(workspace, query.of, query.mode)
    if query.extra:
        sites = together(sites, drawn_sites(workspace, query.extra, query.mode), DRAWN)
    return AskedAccess(query, workspace, roads, sites, sites.only(sites.near_roads()))


def answered_access(asked: AskedAccess, time_ms: Int64s, site: Int64s) -> FacilityAccess:
    """Return the answer once the times are known.

    Parameters
    ----------
    time_ms, site : int64 arrays
        Of every grid in the order of the layer: the time to the nearest facility near a road and which of them it is;
        -1 where there is no way.
    """
    query, workspace, roads = asked.query, asked.workspace, asked.roads
    notes = (*roads.notes, *notes_about(workspace, query.group, query.mode, asked.sites))
    grids = _grids(asked, time_ms, site)
    groups = people_groups(workspace)
    times_s = grids["minutes"].to_numpy() * 60
    figures = {group: access_figures(times_s, people_of(workspace, group), query.minutes * 60) for group in groups}
    figures[GRIDS] = access_figures(times_s, np.ones(len(grids)), query.minutes * 60)
    short = _underserved(grids, people_of(workspace, query.group))
    return FacilityAccess(query, roads.when, roads.closures, len(asked.near), grids, figures, short, notes)


def access_difference(before: FacilityAccess, after: FacilityAccess) -> gpd.GeoDataFrame:
    """Return the grids with minutes_before, minutes_after and minutes_gained (missing where one has no way).

    Raises
    ------
    ParameterError
        The two are not about the same grids.
    """
    if before.grids["grid_code"].tolist() != after.grids["grid_code"].tolist():
        raise ParameterError("the two answers are not about the same grids; compare answers of one grid layer")
    frame = before.grids[["grid_code", "name", "geometry"]].copy()
    frame["minutes_before"], frame["minutes_after"] = before.grids["minutes"], after.grids["minutes"]
    frame["minutes_gained"] = frame["minutes_before"] - frame["minutes_after"]
    return frame


def notes_about(workspace: Workspace, group: str, mode: TravelMode, sites: SiteSet) -> tuple[SitingReason, ...]:
    """Return what is not known or too far from every road: grids without people's figures, grids, sites."""
    codes = workspace.layer(GRIDS)["grid_code"].astype(str).to_numpy(dtype=object)
    rows = {
        "persons_unknown": codes[np.isnan(people_of(workspace, group))],
        "grids_off_roads": codes[grid_places(workspace, mode).distance_m > TOO_FAR_M],
        "sites_off_roads": sites.ids[~sites.near_roads()],
    }
    return tuple(SitingReason(code, tuple(ids.tolist()), {"count": len(ids)}) for code, ids in rows.items() if len(ids))


def _grids(asked: AskedAccess, time_ms: Int64s, site: Int64s) -> gpd.GeoDataFrame:
    workspace, query, sites = asked.workspace, asked.query, asked.near
    layer, off = workspace.layer(GRIDS), grid_places(workspace, query.mode).distance_m > TOO_FAR_M
    codes = layer["grid_code"].astype(str).tolist()
    minutes = np.where(off | (time_ms < 0), np.nan, time_ms / 1000 / 60)
    ids, names = (np.array([*column.tolist(), ""], dtype=object) for column in (sites.ids, sites.names))
    which = np.where(np.isnan(minutes), -1, site)
    columns = {
        "grid_code": codes,
        "name": layer["name"].astype("string").fillna("").tolist() if "name" in layer else codes,
        "minutes": minutes,
        "nearest_id": ids[which],
        "nearest_name": names[which].tolist(),
        "within": minutes <= query.minutes,
        **{group: people_of(workspace, group) for group in people_groups(workspace)},
    }
    return gpd.GeoDataFrame(columns, geometry=layer.geometry.to_numpy(), crs=layer.crs)


def _underserved(grids: gpd.GeoDataFrame, persons: Floats) -> gpd.GeoDataFrame:
    rows = ~grids["within"].to_numpy() & (persons > 0)
    found = grids[rows].assign(persons_underserved=persons[rows])
    return found.sort_values(
        ["persons_underserved", "minutes", "grid_code"], ascending=[False, False, True], na_position="first"
    ).reset_index(drop=True)
