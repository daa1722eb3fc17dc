"""热点与巡查: where incidents gather in space and time, and patrols proposed from it, tested on what came after."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.analysis.hotspots import PERMUTATIONS, gi_star, hot_regions, rates
from gridgov.analysis.patrol import BackTest, PatrolParams, back_test, count_patrol, plan_patrol, span_of
from gridgov.analysis.scan import Cluster, Scan, ScanParams, scan
from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.model.rights import Person, Right
from gridgov.operations.incident_history import History, Ints, borders_of, grids_within, history_of
from gridgov.workspace import Workspace

HELD_OUT_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HotspotQuery:
    """Which incidents are looked at.

    Attributes
    ----------
    area : str
        Code of a district, street, community or grid; empty: all that the person may see.
    since, until : datetime, optional
        Aware.
    classes : tuple of str
        Class codes, each with all that begin with it; empty: all.
    per_person : bool
        Rates for 1,000 persons instead of counts.
    alpha : float
    permutations : int
        Of Gi*.
    scan_days : int
        The scan looks at so many last days.
    scan : ScanParams
    seed : int
    """

    area: str = ""
    since: datetime | None = None
    until: datetime | None = None
    classes: tuple[str, ...] = ()
    per_person: bool = False
    alpha: float = 0.05
    permutations: int = PERMUTATIONS
    scan_days: int = 90
    scan: ScanParams = field(default_factory=lambda: ScanParams(replicas=499))
    seed: int = 0

    def __post_init__(self) -> None:
        if self.scan_days < 2:
            raise ParameterError("the scan needs two days at least")


@dataclass(frozen=True)
class Hotspots:
    """Hot spots of an area.

    Attributes
    ----------
    query : HotspotQuery
    frame : DataFrame
        grid_code, incidents, and the columns of `gridgov.analysis.hotspots.gi_star`; in the order of the grid layer.
    regions : tuple of tuples of str
        Codes of the hot grids that lie beside each other, the largest region first.
    scan : Scan
        Clusters by positions in `frame`.
    first_date : date or None
        Day 0 of the scan.
    incidents, days : int
        Looked at by Gi*.
    """

    query: HotspotQuery
    frame: pd.DataFrame
    regions: tuple[tuple[str, ...], ...]
    scan: Scan
    first_date: date | None
    incidents: int
    days: int
    shapes: NDArray[np.object_]

    @property
    def clusters(self) -> gpd.GeoDataFrame:
        """The significant clusters for a map: number, first and last date, cases, expected, relative_risk, p_value."""
        found = self.scan.significant
        rows = [self._row(number, cluster) for number, cluster in enumerate(found, start=1)]
        areas = [shapely.union_all(self.shapes[list(cluster.grids)]) for cluster in found]
        columns = ["number", "first_date", "last_date", "grids", "cases", "expected", "relative_risk", "p_value"]
        return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry=areas, crs=WGS84)

    def _row(self, number: int, cluster: Cluster) -> tuple[object, ...]:
        assert self.first_date is not None
        first, last = (self.first_date + timedelta(days=day) for day in (cluster.first_day, cluster.last_day))
        codes = tuple(self.frame["grid_code"].iloc[list(cluster.grids)])
        figures = cluster.cases, cluster.expected, cluster.relative_risk, cluster.p_value
        return (number, first, last, codes, *figures)


@dataclass(frozen=True)
class PatrolProposal:
    """Where and when to patrol, and how such patrols would have done.

    Attributes
    ----------
    plan : DataFrame
        grid_code and the columns of `gridgov.analysis.patrol.plan_patrol`; from all incidents.
    test : BackTest or None
        Of patrols planned in the same way before the held-out time; None where there is too little history.
    held_out_days : int
    trained_on, hot_grids : int
        Incidents before the held-out time; grids that were hot then.
    """

    plan: pd.DataFrame
    test: BackTest | None
    held_out_days: int
    trained_on: int
    hot_grids: int
    params: PatrolParams


def find_hotspots(workspace: Workspace, person: Person, query: HotspotQuery | None = None) -> Hotspots:
    """Return where incidents gather: hot grids (Gi*, false discoveries held) and clusters in space and time.

    Raises
    ------
    RightsError
        The person may not see incidents, or not those of the area.
    ParameterError
        No grid lies in the area, or a parameter cannot be used.
    LayerNotFoundError
        The workspace has no grids.
    """
    query = query or HotspotQuery()
    rows = grids_within(workspace, person, Right.INCIDENT_READ, query.area)
    history = history_of(workspace, rows, since=query.since, until=query.until, classes=query.classes)
    grids = workspace.layer("grids").iloc[rows]
    frame = _gi(workspace, rows, history, query)
    frame.insert(0, "grid_code", grids["grid_code"].astype(str).to_numpy(dtype=object))
    shapes = np.asarray(grids.geometry.array, dtype=object)
    last = history.where(history.day > history.days - 1 - query.scan_days) if len(history) else history
    pieces = hot_regions(frame["hot"].tolist(), borders_of(workspace).among(rows))
    return Hotspots(
        query=query,
        frame=frame,
        regions=tuple(tuple(frame["grid_code"].iloc[piece]) for piece in pieces),
        scan=_scanned(workspace, rows, last, query),
        first_date=last.first_date if len(last) else None,
        incidents=len(history),
        days=history.days,
        shapes=shapes,
    )


def propose_patrols(
    workspace: Workspace,
    person: Person,
    query: HotspotQuery | None = None,
    params: PatrolParams | None = None,
    *,
    held_out_days: int = HELD_OUT_DAYS,
) -> PatrolProposal:
    """Propose patrols and say how such patrols would have done in the last days, against even patrols and counting.

    Parameters
    ----------
    held_out_days : int
        At most a quarter of the history is held out.

    Raises
    ------
    RightsError
        The person may not see incidents, or not those of the area.
    ParameterError
        No grid lies in the area, or a parameter cannot be used.
    LayerNotFoundError
        The workspace has no grids.
    """
    query, params = query or HotspotQuery(), params or PatrolParams()
    if held_out_days < 1:
        raise ParameterError("hold out a day at least")
    rows = grids_within(workspace, person, Right.INCIDENT_READ, query.area)
    history = history_of(workspace, rows, since=query.since, until=query.until, classes=query.classes)
    plan, _ = _planned(workspace, rows, history, query, params)
    codes = workspace.layer("grids")["grid_code"].astype(str).to_numpy(dtype=object)[rows]
    plan.insert(0, "grid_code", codes[plan["grid"].to_numpy()])
    held = min(held_out_days, history.days // 4)
    if held < 1:
        return PatrolProposal(plan, None, 0, len(history), 0, params)
    late = history.day >= history.days - held
    past, after = history.where(~late), history.where(late)
    earlier, hot = _planned(workspace, rows, past, query, params)
    counting = count_patrol(past.grid, span_of(past.hour, past.weekend, params), len(rows), params)
    test = back_test(earlier, counting, after.grid, span_of(after.hour, after.weekend, params), len(rows), params)
    return PatrolProposal(plan, test, held, len(past), int(hot.sum()), params)


def _gi(workspace: Workspace, rows: Ints, history: History, query: HotspotQuery) -> pd.DataFrame:
    counts = np.bincount(history.grid, minlength=len(rows)).astype(float)
    values = rates(counts, _persons(workspace, rows)) if query.per_person else counts
    borders = borders_of(workspace).among(rows)
    frame = gi_star(values, borders, alpha=query.alpha, permutations=query.permutations, seed=query.seed)
    frame.insert(0, "incidents", counts.astype(np.int64))
    return frame


def _scanned(workspace: Workspace, rows: Ints, history: History, query: HotspotQuery) -> Scan:
    xy = workspace.cached("grid middles", lambda: _middles(workspace))[rows]
    persons = _persons(workspace, rows) if query.scan.model == "poisson" else None
    return scan(
        history.grid,
        history.day if len(history) else [],
        xy,
        query.scan,
        days=max(history.days, 1),
        persons=persons,
        seed=query.seed,
    )


def _planned(
    workspace: Workspace, rows: Ints, history: History, query: HotspotQuery, params: PatrolParams
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return patrols from incidents, and the grids that are hot."""
    hot = _gi(workspace, rows, history, query)["hot"].to_numpy(dtype=bool)
    age = np.asarray(history.days - 1.0 - history.day if len(history) else np.empty(0), dtype=np.float64)
    span = span_of(history.hour, history.weekend, params)
    return plan_patrol(history.grid, span, age, hot, borders_of(workspace).among(rows), params), hot


def _middles(workspace: Workspace) -> NDArray[np.float64]:
    points = workspace.layer("grids").geometry.to_crs(workspace.metric_crs).centroid
    return np.column_stack([points.x.to_numpy(), points.y.to_numpy()])


def _persons(workspace: Workspace, rows: Ints) -> NDArray[np.float64]:
    grids = workspace.layer("grids")
    if "persons" not in grids:
        raise ParameterError("the grids have no population, so there are no rates; ask for counts")
    return np.asarray(grids["persons"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)[rows])
