"""选址: the best k additional sites beside what we have, for the people of the grids, on the roads at a moment.

`facility_access` and its parts (accessibility.py) and the sources of sites (site_sets.py) belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.equity import AccessFigures, access_figures
from gridgov.analysis.siting import SitingProblem, check_params, siting_problem, solve_siting
from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.model.siting import SitingModel, SitingParams, SitingPlan, SitingReason
from gridgov.model.what_if import Scenario
from gridgov.network import MainPart
from gridgov.network.validation import Floats, Int64s
from gridgov.operations.accessibility import DRAWN, notes_about
from gridgov.operations.closures import ClosureDraft
from gridgov.operations.coverage import GOING_OUT, MOST_MINUTES, SHELTERS, TOO_FAR_M, grid_codes, grid_places
from gridgov.operations.site_sets import (
    GRIDS,
    PERSONS,
    RoadsAsked,
    SitePoint,
    SiteSet,
    asked_roads,
    asked_workspace,
    drawn_sites,
    inside_layers,
    people_of,
    sites_of,
    times_to,
    together,
)
from gridgov.workspace import Workspace

MOST_PAIRS = 6_000_000
_CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class SitingQuery:
    """What is to be built for whom.

    Attributes
    ----------
    of : str
        What exists: ``shelters``, a category of facilities, the id of a vector layer; "": nothing.
    model : SitingModel
    k : int
        How many sites at most, besides what exists; a whole number. More than there are candidates that may be opened
        has no answer, with the reason ``k_exceeds_candidates``.
    candidates : str
        ``grids`` (a point in every grid), a category, or the id of a vector layer; "": only `points`.
    points : tuple of SitePoint
        Candidates that somebody has drawn.
    forbidden : tuple of str
        Ids of candidates that must not be opened.
    avoid : tuple of str
        Ids of layers of areas in which nothing is built (water, hazards, protection).
    keep_existing : bool
        False: where would one build if nothing were there.
    weight : str
        Whose people count (see `site_sets.people_groups`); ``grids``: every grid counts once.
    demand_share : float
        Share of them who come, above 0, at most 1 (not everybody needs a shelter).
    minutes : float
        Covering, and the figures before and after: within which time.
    mode, when, drafts, scenario
        See `AccessQuery`.
    with_capacity : bool
        Nobody is sent where the places are taken (p-median only).
    new_capacity_persons : int, optional
        Places of a candidate that has no figure of its own.
    leave_out_unreachable : bool
        Whoever no site can reach, or whom no way joins to the main part of the roads, is left out of the search and
        listed (a site that serves nobody else would help only there); else everybody must be served.
    time_limit_s, target_gap, seed
        See `SitingParams`.
    """

    of: str = SHELTERS
    model: SitingModel = SitingModel.P_MEDIAN
    k: int = 1
    candidates: str = GRIDS
    points: tuple[SitePoint, ...] = ()
    forbidden: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    keep_existing: bool = True
    weight: str = PERSONS
    demand_share: float = 1.0
    minutes: float = 15.0
    mode: TravelMode = TravelMode.DRIVE
    when: datetime | None = None
    drafts: tuple[ClosureDraft, ...] = ()
    scenario: Scenario | str | None = None
    with_capacity: bool = False
    new_capacity_persons: int | None = None
    leave_out_unreachable: bool = True
    time_limit_s: float = 30.0
    target_gap: float = 0.0
    seed: int = 0

    @property
    def params(self) -> SitingParams:
        """The same for the solver."""
        return SitingParams(
            model=self.model, k=self.k, limit_s=self.minutes * 60, time_limit_s=self.time_limit_s,
            target_gap=self.target_gap, seed=self.seed, leave_out_unreachable=self.leave_out_unreachable,
        )  # fmt: skip


@dataclass(frozen=True)
class SitingProposal:
    """Where to build, beside what there is.

    Attributes
    ----------
    query : SitingQuery
    plan : SitingPlan
        Status, objective, bound, gap; reasons where there is no answer.
    when, closures : datetime, tuple of str
    before, after : AccessFigures or None
        Of the people who count, with what exists and with the new sites; None where there is no site at all.
    sites : GeoDataFrame, WGS 84
        site_id, name, rank (0: exists; 1: the new one that helps most), persons (who go there), mean_minutes,
        capacity_persons (missing: not known), geometry; new ones first.
    grids : GeoDataFrame, WGS 84, in the order of the layer
        grid_code, persons (who count), minutes_before, minutes_after, minutes_gained, site_id ("": none),
        within_before, within_after, left_out, geometry.
    notes : tuple of SitingReason
        ``persons_unknown``, ``grids_off_roads``, ``grids_cut_off``, ``sites_off_roads``, ``avoided``,
        ``capacity_unknown``, ``closure_not_then``: with ids.
    """

    query: SitingQuery
    plan: SitingPlan
    when: datetime
    closures: tuple[str, ...]
    before: AccessFigures | None
    after: AccessFigures | None
    sites: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    notes: tuple[SitingReason, ...]


@dataclass(frozen=True)
class _Case:
    """What a question is about: all sites, those that exist first, and the times between grids and sites."""

    workspace: Workspace
    query: SitingQuery
    sites: SiteSet
    existing: NDArray[np.bool_]
    forbidden: NDArray[np.bool_]
    cut_off: NDArray[np.bool_]
    persons: Floats
    time_ms: Int64s


def propose_sites(workspace: Workspace, person: Person, query: SitingQuery | None = None) -> SitingProposal:
    """Return the best additional sites beside what there is; nothing is written.

    Raises
    ------
    ParameterError
        A source of sites, a group, an id, a draft or a number cannot be used, or there are too many pairs.
    RecordNotFoundError
        There is no such scenario.
    RightsError
        The person may not make scenarios.
    LayerNotFoundError
        The workspace has no roads, no grids, or not the layer to avoid.
    """
    require(person, Right.SCENARIO_WRITE)
    query = query or SitingQuery()
    _check(query)
    workspace = asked_workspace(workspace, person, query.scenario)
    workspace.entry(GRIDS)
    roads = asked_roads(workspace, query.mode, query.when, query.drafts)
    sites, n_existing = _sites(workspace, query)
    case, avoided = _case(workspace, query, roads, sites, n_existing)
    notes = [*roads.notes, *notes_about(workspace, query.weight, query.mode, sites), *avoided]
    problem, unknown = _problem(case)
    plan = solve_siting(problem, query.params)
    return _proposal(case, plan, roads, (*notes, *unknown))


def _check(query: SitingQuery) -> None:
    if not 0 < query.minutes <= MOST_MINUTES:
        raise ParameterError(f"the limit is {query.minutes:g} minutes; give more than 0, at most {MOST_MINUTES:.0f}")
    if not 0 < query.demand_share <= 1:
        raise ParameterError(f"the share of people who come is {query.demand_share:g}; give more than 0, at most 1")
    places = query.new_capacity_persons
    if places is not None and (isinstance(places, bool) or not isinstance(places, int | np.integer) or places < 0):
        raise ParameterError(f"a new site has {places!r} places; give a whole number from 0 on")
    check_params(query.params)


def _sites(workspace: Workspace, query: SitingQuery) -> tuple[SiteSet, int]:
    """Return what exists and after it the candidates, without those that exist already."""
    none = drawn_sites(workspace, (), query.mode)
    existing = sites_of(workspace, query.of, query.mode) if query.of else none
    candidates = sites_of(workspace, query.candidates, query.mode) if query.candidates else none
    if query.of and query.candidates not in {"", GRIDS}:
        same = np.isin(candidates.ids.astype(str), existing.ids.astype(str))
        at_one = np.isin(candidates.points, existing.points)  # the same feature in another selection
        candidates = candidates.only(~(same & at_one))
    if query.points:
        candidates = together(candidates, drawn_sites(workspace, query.points, query.mode), DRAWN)
    return together(existing, candidates, _CANDIDATE), len(existing)


def _case(
    workspace: Workspace, query: SitingQuery, roads: RoadsAsked, sites: SiteSet, n_existing: int
) -> tuple[_Case, list[SitingReason]]:
    persons = people_of(workspace, query.weight)
    if (pairs := len(persons) * len(sites)) > MOST_PAIRS:
        raise ParameterError(
            f"{len(persons)} grids x {len(sites)} sites are {pairs} pairs, more than {MOST_PAIRS}; name a layer with "
            "fewer candidates, or draw them"
        )
    existing = np.arange(len(sites)) < n_existing
    inside = inside_layers(workspace, sites.points, query.avoid) & ~existing
    off = ~sites.near_roads() & ~existing
    cut_off = _cut_off(workspace, query, roads) & (persons > 0)
    rows = {"avoided": sites.ids[inside], "grids_cut_off": grid_codes(workspace)[cut_off]}
    notes = [SitingReason(code, tuple(map(str, ids)), {"count": len(ids)}) for code, ids in rows.items() if len(ids)]
    forbidden = inside | off | _named(query.forbidden, sites, existing)
    times = times_to(workspace, roads, query.mode, sites, query.of)
    share = persons * query.demand_share if query.weight != GRIDS else persons
    if query.with_capacity:
        share = np.rint(share)
    return _Case(workspace, query, sites, existing, forbidden, cut_off, share, times), notes


def _cut_off(workspace: Workspace, query: SitingQuery, roads: RoadsAsked) -> NDArray[np.bool_]:
    """Return the grids to leave out because no way joins them to the main part of the roads, or no road is near."""
    places = grid_places(workspace, query.mode)
    if not query.leave_out_unreachable:
        return np.zeros(len(places), dtype=np.bool_)
    joined = MainPart(roads.network).joins(places, "from" if query.of in GOING_OUT else "to")
    return np.asarray(~joined | (places.distance_m > TOO_FAR_M))


def _named(ids: Sequence[str], sites: SiteSet, existing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    known = set(sites.ids[~existing].tolist())
    if unknown := sorted(set(ids) - known):
        raise ParameterError(f"forbidden site '{unknown[0][:40]}' is no candidate; give ids of candidates")
    return np.isin(sites.ids.astype(str), sorted(set(ids))) if ids else np.zeros(len(sites), dtype=np.bool_)


def _problem(case: _Case) -> tuple[SitingProblem, list[SitingReason]]:
    """Return the problem of the solver, and which sites have no figure of their places."""
    query, sites = case.query, case.sites
    existing = case.existing if query.keep_existing else np.zeros(len(sites), dtype=np.bool_)
    forbidden = case.forbidden if query.keep_existing else case.forbidden | case.existing
    places, notes = None, []
    if query.with_capacity:
        places = sites.capacity_persons.copy()
        if query.new_capacity_persons is not None:
            places[~case.existing & np.isnan(places)] = query.new_capacity_persons
        unknown = np.isnan(places) & ~forbidden
        places = np.nan_to_num(places)
        if unknown.any():
            ids = tuple(sites.ids[unknown].tolist())
            notes.append(SitingReason("capacity_unknown", ids, {"count": len(ids)}))
    codes = case.workspace.layer(GRIDS)["grid_code"].astype(str).tolist()
    problem = siting_problem(
        codes, np.where(case.cut_off, 0.0, np.nan_to_num(case.persons)), sites.ids.tolist(), case.time_ms,
        existing=sites.ids[existing].tolist(), forbidden=sites.ids[forbidden].tolist(), capacity_persons=places,
    )  # fmt: skip
    return problem, notes


def _proposal(case: _Case, plan: SitingPlan, roads: RoadsAsked, notes: tuple[SitingReason, ...]) -> SitingProposal:
    limit_s = case.query.minutes * 60
    have = _nearest(case.time_ms[:, case.existing])
    before = access_figures(have / 1000, case.persons, limit_s) if case.existing.any() else None
    after = access_figures(*_after(case, plan), limit_s) if plan.solved else None
    return SitingProposal(
        query=case.query,
        plan=plan,
        when=roads.when,
        closures=roads.closures,
        before=before,
        after=after,
        sites=_site_frame(case, plan),
        grids=_grid_frame(case, plan, have),
        notes=notes,
    )


def _nearest(time_ms: Int64s) -> Floats:
    """Return the milliseconds to the nearest; NaN where there is no way."""
    times = np.where(time_ms < 0, np.inf, time_ms).min(axis=1, initial=np.inf)
    return np.where(np.isinf(times), np.nan, times)


def _after(case: _Case, plan: SitingPlan) -> tuple[Floats, Floats]:
    """Return times and persons with the new sites; a grid whose people are divided is there once for each site."""
    if plan.shares is None:
        return np.where(plan.time_ms < 0, np.nan, plan.time_ms / 1000), case.persons
    demand, site, sent = plan.shares
    others = np.setdiff1d(np.arange(len(case.persons)), demand)  # left out, or unknown
    times = np.where(plan.time_ms[others] < 0, np.nan, plan.time_ms[others] / 1000)
    return (
        np.append(case.time_ms[demand, site] / 1000, times),
        np.append(sent.astype(np.float64), case.persons[others]),
    )


def _site_frame(case: _Case, plan: SitingPlan) -> gpd.GeoDataFrame:
    sites, n = case.sites, len(case.sites)
    rank = {site: position for position, site in enumerate(plan.opened, start=1)}
    order = [*(int(np.flatnonzero(sites.ids == site)[0]) for site in plan.opened)]
    if case.query.keep_existing:
        order += np.flatnonzero(case.existing).tolist()
    served, spent = np.zeros(n), np.zeros(n)
    if plan.shares is not None:
        demand, site, sent = plan.shares
        np.add.at(served, site, sent)
        np.add.at(spent, site, sent * case.time_ms[demand, site])
    else:
        rows = (plan.site >= 0) & (case.persons > 0)
        np.add.at(served, plan.site[rows], case.persons[rows])
        np.add.at(spent, plan.site[rows], case.persons[rows] * plan.time_ms[rows])
    capacity = sites.capacity_persons.copy()
    if case.query.with_capacity and case.query.new_capacity_persons is not None:
        capacity[~case.existing & np.isnan(capacity)] = case.query.new_capacity_persons
    with np.errstate(invalid="ignore"):
        mean = spent / served / 60_000
    columns = {
        "site_id": sites.ids[order].tolist(),
        "name": sites.names[order].tolist(),
        "rank": [rank.get(one, 0) for one in sites.ids[order].tolist()],
        "persons": served[order],
        "mean_minutes": mean[order],
        "capacity_persons": capacity[order],
    }
    return gpd.GeoDataFrame(columns, geometry=sites.points[order], crs=WGS84)


def _grid_frame(case: _Case, plan: SitingPlan, have_ms: Floats) -> gpd.GeoDataFrame:
    layer = case.workspace.layer(GRIDS)
    codes = layer["grid_code"].astype(str).to_numpy(dtype=object)
    after = np.where(plan.time_ms < 0, np.nan, plan.time_ms / 60_000)
    names, limit_ms = np.append(case.sites.ids, ""), round(case.query.minutes * 60_000)
    columns = {
        "grid_code": codes.tolist(),
        "persons": case.persons,
        "minutes_before": have_ms / 60_000,
        "minutes_after": after,
        "minutes_gained": have_ms / 60_000 - after,
        "site_id": names[plan.site].tolist(),
        "within_before": have_ms <= limit_ms,
        "within_after": (plan.time_ms >= 0) & (plan.time_ms <= limit_ms),
        "left_out": case.cut_off | np.isin(codes.astype(str), plan.left_out),
    }
    return gpd.GeoDataFrame(columns, geometry=layer.geometry.to_numpy(), crs=layer.crs)
