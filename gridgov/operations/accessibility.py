"""可达性: how soon the people of every grid are at the nearest facility, group by group, and who is under-served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np

from gridgov.analysis.access import access_frame
from gridgov.analysis.equity import AccessFigures, access_figures
from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.model.siting import SitingReason
from gridgov.model.what_if import Scenario
from gridgov.network import RoadNetwork
from gridgov.network.validation import Floats
from gridgov.operations.closures import ClosureDraft
from gridgov.operations.coverage import GOING_OUT, MOST_MINUTES, SHELTERS, TOO_FAR_M, grid_places
from gridgov.operations.site_sets import (
    GRIDS,
    PERSONS,
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
    require(person, Right.LAYER_READ)
    query = query or AccessQuery()
    if not 0 < query.minutes <= MOST_MINUTES:
        raise ParameterError(f"the limit is {query.minutes:g} minutes; give more than 0, at most {MOST_MINUTES:.0f}")
    workspace = asked_workspace(workspace, person, query.scenario)
    workspace.entry(GRIDS)
    roads = asked_roads(workspace, query.mode, query.when, query.drafts)
    sites = sites_of(workspace, query.of, query.mode)
    if query.extra:
        sites = together(sites, drawn_sites(workspace, query.extra, query.mode), DRAWN)
    near = sites.near_roads()
    notes = (*roads.notes, *notes_about(workspace, query.group, query.mode, sites))
    grids = _grids(workspace, query, sites.only(near), roads.network)
    groups = people_groups(workspace)
    times_s = grids["minutes"].to_numpy() * 60
    figures = {group: access_figures(times_s, people_of(workspace, group), query.minutes * 60) for group in groups}
    figures[GRIDS] = access_figures(times_s, np.ones(len(grids)), query.minutes * 60)
    short = _underserved(grids, people_of(workspace, query.group))
    return FacilityAccess(query, roads.when, roads.closures, int(near.sum()), grids, figures, short, notes)


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


def _grids(workspace: Workspace, query: AccessQuery, sites: SiteSet, network: RoadNetwork) -> gpd.GeoDataFrame:
    layer, places = workspace.layer(GRIDS), grid_places(workspace, query.mode)
    codes = layer["grid_code"].astype(str).tolist()
    found = access_frame(
        network, codes, places, sites.places, sites.ids.tolist(), direction="from" if query.of in GOING_OUT else "to"
    )
    off = places.distance_m > TOO_FAR_M
    minutes = np.where(off, np.nan, found["travel_time_s"].to_numpy(dtype=float) / 60)
    nearest = np.where(np.isnan(minutes), "", found["nearest_id"].to_numpy(dtype=object))
    names = dict(zip(sites.ids.tolist(), sites.names.tolist(), strict=True))
    columns = {
        "grid_code": codes,
        "name": layer["name"].astype("string").fillna("").tolist() if "name" in layer else codes,
        "minutes": minutes,
        "nearest_id": nearest,
        "nearest_name": [names.get(one, "") for one in nearest.tolist()],
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
