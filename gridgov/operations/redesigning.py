"""责任网格与网格优化: duty areas and grids cut anew, who gets what, and a month of dispatch before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.analysis.changing import count_fields
from gridgov.analysis.dispatch_month import (
    MonthFigures,
    Team,
    draw_arrivals,
    simulate_month,
)
from gridgov.crs import WGS84
from gridgov.dispatch import Roster
from gridgov.errors import LayerNotFoundError, ParameterError
from gridgov.grids.code_changes import restate, restate_columns
from gridgov.grids.redesign import DutyProblem, Redesign, RedesignParams, area_loads, redesign
from gridgov.grids.redraw import GridLimits, Redraw, redraw
from gridgov.grids.workload import WorkloadWeights, workload
from gridgov.model.rights import Person, Right, may
from gridgov.operations.incident_history import (
    Ints,
    borders_of,
    community_of,
    grids_within,
    history_of,
    whole_communities,
)
from gridgov.operations.month_travel import month_travel
from gridgov.profiles.grids import load_grid_size_profile
from gridgov.workspace import Workspace

_COUNTED = ("grids", "population")
_ABOVE = ("street_code", "district_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedesignQuery:
    """What is cut and what counts.

    Attributes
    ----------
    area : str
        Code of a district, street or community; empty: all of the person's. Only whole communities are cut.
    weights : WorkloadWeights
    params : RedesignParams
    since, until : datetime, optional
        Of the incidents that make the work; aware.
    seed : int
    """

    area: str = ""
    weights: WorkloadWeights = field(default_factory=WorkloadWeights)
    params: RedesignParams = field(default_factory=RedesignParams)
    since: datetime | None = None
    until: datetime | None = None
    seed: int = 0


@dataclass(frozen=True)
class DutyRedesign:
    """Duty areas cut anew.

    Attributes
    ----------
    query : RedesignQuery
    rows : int array
        Positions of the grids in the grid layer.
    problem : DutyProblem
    answer : Redesign
    worker_names : array of str
        Ids, or ``community/number`` where the person may not know who it is.
    uncovered, shared : tuple of str
        Codes of grids that nobody has today, and that several have.
    unknown_population : int
        Grids that count with the median of their community.
    incidents : int
        That the work was taken from.
    """

    query: RedesignQuery
    rows: Ints
    problem: DutyProblem
    answer: Redesign
    worker_names: NDArray[np.object_]
    uncovered: tuple[str, ...]
    shared: tuple[str, ...]
    unknown_population: int
    incidents: int
    grids: gpd.GeoDataFrame

    @cached_property
    def frame(self) -> pd.DataFrame:
        """grid_code, community_code, load (share of all work), before and after (worker; empty: none), changed."""
        before, after = (self._names(owner) for owner in (self.answer.before, self.answer.owner))
        return pd.DataFrame(
            {
                "grid_code": self.grids["grid_code"].astype(str).to_numpy(dtype=object),
                "community_code": self.problem.community,
                "load": self.problem.load,
                "before": before,
                "after": after,
                "changed": before != after,
            }
        )

    @cached_property
    def communities(self) -> pd.DataFrame:
        """One row for each community: grids, workers, objective before and after, bound, gap, reason ("" if cut)."""
        return pd.DataFrame(
            [
                {
                    "community_code": c.community, "grids": c.grids, "workers": c.workers, "before": c.before,
                    "after": c.after, "bound": c.bound, "gap": c.gap, "optimal": c.optimal,
                    "misplaced_before": c.misplaced_before, "misplaced_after": c.misplaced_after,
                    "cut_before": c.cut_before, "cut_after": c.cut_after, "reason": str(c.reason or ""),
                }
                for c in self.answer.communities
            ]
        )  # fmt: skip

    @cached_property
    def workers(self) -> pd.DataFrame:
        """One row for each worker: name, community, load before and after (shares of all work), grids of both."""
        count = len(self.worker_names)
        columns: dict[str, object] = {"worker": self.worker_names, "community_code": self.problem.worker_community}
        for name, owner in (("before", self.answer.before), ("after", self.answer.owner)):
            columns[f"load_{name}"] = area_loads(owner, self.problem.load, count)
            columns[f"grids_{name}"] = np.bincount(owner[owner >= 0], minlength=count)
        return pd.DataFrame(columns)

    def areas(self, when: str = "after") -> gpd.GeoDataFrame:
        """Return the shapes of the duty areas, ``before`` or ``after``: worker, community_code, load, grids."""
        owner = self.answer.before if when == "before" else self.answer.owner
        shapes = np.asarray(self.grids.geometry.array, dtype=object)
        having = np.unique(owner[owner >= 0])
        table = self.workers.iloc[having][["worker", "community_code", f"load_{when}", f"grids_{when}"]]
        union = [shapely.union_all(shapes[owner == worker]) for worker in having.tolist()]
        return gpd.GeoDataFrame(table.set_axis(["worker", "community_code", "load", "grids"], axis=1).reset_index(
            drop=True), geometry=union, crs=WGS84)  # fmt: skip

    def _names(self, owner: Ints) -> NDArray[np.object_]:
        return np.array([self.worker_names[who] if who >= 0 else "" for who in owner.tolist()], dtype=object)


@dataclass(frozen=True, slots=True)
class MonthComparison:
    """The same simulated month with today's duty areas and with the new ones."""

    before: MonthFigures
    after: MonthFigures
    days: int
    seed: int


@dataclass(frozen=True)
class GridRedraw:
    """Grids joined and cut.

    Attributes
    ----------
    limits : GridLimits
    redraw : Redraw
        New grids in WGS 84 with the fields of the old ones, the table of codes, what was left and why.
    incidents : Series
        The incidents of history under the new codes.
    """

    limits: GridLimits
    redraw: Redraw
    incidents: pd.Series


def redesign_duty(workspace: Workspace, person: Person, query: RedesignQuery | None = None) -> DutyRedesign:
    """Cut the duty areas of whole communities anew; nothing is put into force by it.

    Raises
    ------
    RightsError
        The person may not plan, or not there.
    ParameterError
        No whole community lies in the area.
    LayerNotFoundError
        The workspace has no grids or no workers.
    """
    query = query or RedesignQuery()
    rows = _communities(workspace, person, query.area)
    history = history_of(workspace, rows, since=query.since, until=query.until)
    grids = workspace.layer("grids").iloc[rows]
    counts = np.bincount(history.grid, minlength=len(rows))
    names = community_of(workspace)[rows]
    work = workload(counts, _numbers(grids, "persons"), names, query.weights)
    problem = _problem(workspace, rows, names, work.share)
    codes = grids["grid_code"].astype(str).to_numpy(dtype=object)
    return DutyRedesign(
        query=query,
        rows=rows,
        problem=problem,
        answer=redesign(problem, query.params, seed=query.seed),
        worker_names=_worker_names(person, problem),
        uncovered=tuple(codes[[not who for who in problem.duty]]),
        shared=tuple(codes[[len(who) > 1 for who in problem.duty]]),
        unknown_population=int(work.unknown.sum()),
        incidents=len(history),
        grids=grids,
    )


def compare_months(
    workspace: Workspace,
    person: Person,
    found: DutyRedesign,
    *,
    days: int = 30,
    service_min: float = 30.0,
    shifts: bool = True,
    seed: int = 0,
) -> MonthComparison:
    """Simulate a month with today's duty areas and with the new ones: the same incidents, shifts and roads.

    Parameters
    ----------
    shifts : bool
        Without, as if everybody were always there: what the areas alone are worth, when colleagues never step in.

    Raises
    ------
    RightsError
        The person may not plan, or not there.
    ParameterError
        There are no incidents to go by, or a number cannot be used.
    LayerNotFoundError
        The workspace has no roads.
    """
    check_own(workspace, person, found)
    history = history_of(workspace, found.rows, since=found.query.since, until=found.query.until)
    if not len(history):
        raise ParameterError("there are no incidents in these grids to go by")
    arrivals = draw_arrivals(
        history.grid, history.hour, history_days=history.days, days=days, service_min=service_min, seed=seed
    )
    roster = roster_of(workspace, found.problem.worker_id)
    problem = found.problem
    always = np.full(len(roster), -1, dtype=np.int64)
    hours = (roster.shift_start_min, roster.shift_end_min) if shifts else (always, always)
    team = Team(problem.worker_community, *hours)
    travel = month_travel(workspace, roster, problem.worker_community, problem.community, history, arrivals)
    before, after = (
        simulate_month(arrivals, owner, problem.community, team, travel)
        for owner in (found.answer.before, found.answer.owner)
    )
    return MonthComparison(before, after, days, seed)


def redraw_grids(workspace: Workspace, person: Person, area: str = "", limits: GridLimits | None = None) -> GridRedraw:
    """Join small grids and cut large ones in whole communities; nothing is put into force by it.

    Large grids are cut by straight lines into parts of equal area, and their people are shared alike: every count of
    the grids, in whole numbers. Other fields (name) are missing in new grids, since nobody said them.

    Parameters
    ----------
    limits : GridLimits, optional
        Default those of data/profiles/grids.toml.

    Raises
    ------
    RightsError
        The person may not plan, or not there.
    ParameterError
        No whole community lies in the area, or the grids have no households.
    LayerNotFoundError
        The workspace has no grids.
    """
    rows = _communities(workspace, person, area)
    limits = limits or _profile_limits(workspace)
    grids = workspace.layer("grids").iloc[rows]
    made = redraw(grids, limits, crs=workspace.metric_crs)
    history = history_of(workspace, rows)
    codes = grids["grid_code"].astype(str).to_numpy(dtype=object)
    counts = pd.Series(np.bincount(history.grid, minlength=len(rows)), index=codes)
    whole = replace(made, frame=_with_counts(workspace, grids, made))
    return GridRedraw(limits, whole, restate(counts, made.table, whole=True))


def _with_counts(workspace: Workspace, grids: gpd.GeoDataFrame, made: Redraw) -> gpd.GeoDataFrame:
    """Return the new grids with every count of the old ones, and with what else stays true of them."""
    kinds = [workspace.spec(layer) for kind in _COUNTED for layer in workspace.of_kind(kind)]
    names = [name for name in count_fields(kinds) if name in grids]
    old = grids.set_index(grids["grid_code"].astype(str).to_numpy(dtype=object))
    codes = made.frame["grid_code"]
    counted = restate_columns(old[names], made.table).reindex(codes)
    frame = made.frame.assign(**{name: counted[name].array for name in names})
    first = made.table.drop_duplicates("new_code").set_index("new_code")["old_code"].reindex(codes)
    above = {name: old[name].reindex(first).array for name in _ABOVE if name in old}  # one community, so one street
    same = {
        name: old[name].reindex(codes).array
        for name in map(str, grids.columns)
        if name not in {*frame, *above, "geometry"}
    }
    return frame.assign(**above, **same)[grids.columns.tolist()]


def check_own(workspace: Workspace, person: Person, found: DutyRedesign) -> None:
    """Refuse a redesign that somebody else made and that reaches beyond a person's area.

    Raises
    ------
    RightsError
        The person may not plan, or not there.
    ParameterError
        It reaches beyond.
    """
    if not np.isin(found.rows, _communities(workspace, person, found.query.area)).all():
        raise ParameterError("these duty areas reach beyond the area of this account: cut them again")


def _communities(workspace: Workspace, person: Person, area: str) -> Ints:
    rows = whole_communities(workspace, grids_within(workspace, person, Right.SCENARIO_WRITE, area))
    if not len(rows):
        raise ParameterError(f"no whole community lies in '{area}'; give the code of a community, street or district")
    return rows


def _profile_limits(workspace: Workspace) -> GridLimits:
    size = workspace.cached("grid sizes", load_grid_size_profile)
    return GridLimits(size.least_households, size.most_households, size.most_persons)


def _numbers(grids: gpd.GeoDataFrame, column: str) -> NDArray[np.float64]:
    if column not in grids:
        return np.full(len(grids), np.nan)
    return np.asarray(grids[column].astype("Float64").to_numpy(dtype=float, na_value=np.nan))


def _problem(workspace: Workspace, rows: Ints, names: NDArray[np.object_], load: NDArray[np.float64]) -> DutyProblem:
    """Put grids and workers together."""
    ids, communities, duty = duty_today(workspace, rows, names)
    borders = borders_of(workspace).among(rows)
    own = np.array(communities, dtype=object)
    return DutyProblem(names, load, borders, np.array(ids, dtype=object), own, duty)


def duty_today(
    workspace: Workspace, rows: Ints, names: NDArray[np.object_]
) -> tuple[list[str], list[str], tuple[tuple[int, ...], ...]]:
    """Return ids and communities of the workers of some grids, and which of them have each grid.

    A worker belongs to the community of most of the duty grids, else of the home. For operations only.

    Parameters
    ----------
    rows : int array
        Positions of the grids in the grid layer.
    names : array of str
        Their communities.

    Raises
    ------
    LayerNotFoundError
        The workspace has no workers.
    """
    frame = workspace.layers_of_kind("workers")
    if frame is None:
        raise LayerNotFoundError(f"workspace {workspace.path.name} has no workers, so there are no duty areas")
    codes = workspace.layer("grids")["grid_code"].astype(str).to_numpy(dtype=object)
    place = {code: position for position, code in enumerate(codes[rows].tolist())}
    duty: list[list[int]] = [[] for _ in rows]
    ids: list[str] = []
    communities: list[str] = []
    homes = frame["grid_code"].tolist() if "grid_code" in frame else [None] * len(frame)
    lists = frame["duty_grids"].tolist() if "duty_grids" in frame else [None] * len(frame)
    for worker_id, home, listed in zip(frame["worker_id"].astype(str), homes, lists, strict=True):
        mine = [place[str(code)] for code in (listed if isinstance(listed, Iterable) else ()) if str(code) in place]
        community = _most([names[row] for row in mine], names[place[home]] if home in place else "")
        if not community:
            continue
        for row in mine:
            duty[row].append(len(ids))
        ids.append(worker_id)
        communities.append(community)
    return ids, communities, tuple(map(tuple, duty))


def _most(names: list[str], home: str) -> str:
    """The most frequent name; ties to the home, then to the first code."""
    if not names:
        return home
    return min(set(names), key=lambda name: (-names.count(name), name != home, name))


def _worker_names(person: Person, problem: DutyProblem) -> NDArray[np.object_]:
    if may(person, Right.WORKER_READ):
        return problem.worker_id
    number: dict[str, int] = {}
    names = []
    for community in problem.worker_community.tolist():
        number[community] = number.get(community, 0) + 1
        names.append(f"{community}/{number[community]}")
    return np.array(names, dtype=object)


def roster_of(workspace: Workspace, worker_id: NDArray[np.object_]) -> Roster:
    """Return the workers in the order of their ids, on no road yet."""
    frame = workspace.layers_of_kind("workers")
    assert frame is not None
    order = pd.Index(frame["worker_id"].astype(str)).get_indexer(worker_id)
    return Roster.from_frame(frame.iloc[order].reset_index(drop=True), {}, workspace.timezone)
