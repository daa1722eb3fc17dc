"""覆盖率: how soon every grid and its nearest worker, shelter or facility reach each other, and who is too far.

Every grid counts at one point inside it, put on the roads of each travel mode once. Workers travel each on the network
of their own mode; to fixed places and from them everybody travels the same way. Times are those of the roads as they
are at the moment, closures included.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.analysis.access import PopulationBeyond, population_beyond
from gridgov.dispatch import Roster
from gridgov.errors import ParameterError
from gridgov.model import TravelMode, WorkerStatus
from gridgov.model.rights import Person, Right, may, require
from gridgov.network import Direction, Places, RoadNetwork
from gridgov.network.validation import Int64s
from gridgov.operations.closures import RoadsAt, roads_at
from gridgov.operations.crew import Crew, crew_of
from gridgov.operations.headcounts import require_at_least
from gridgov.workspace import Workspace
from gridgov.workspace_variants import WorkspaceVariant

WORKERS = "workers"
SHELTERS = "shelters"
MOST_MINUTES = 24 * 60.0
MOST_ORDER = 20
TOO_FAR_M = 5_000.0  # farther from every road than this, times along the roads would mean nothing
GOING_OUT = frozenset({WORKERS, "fire_station", "police"})  # these travel to the grids; to all others people travel
_NO_WAY = np.iinfo(np.int64).max
_AT_ONCE = 4_000_000  # travel times held at the same moment
_MOST_ANSWERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageQuery:
    """What is to be near.

    Attributes
    ----------
    of : str
        ``workers`` (those who can go now), ``shelters``, or a category of facilities such as ``hospital``.
    minutes : float
        Within which time; above 0.
    order : int
        How many must be within that time (order-k coverage).
    mode : TravelMode, optional
        Default: workers each in their own mode, for fixed places by car.
    when : datetime, optional
        Aware; default the workspace's clock.
    """

    of: str = WORKERS
    minutes: float = 15.0
    order: int = 1
    mode: TravelMode | None = None
    when: datetime | None = None


@dataclass(frozen=True)
class Coverage:
    """How near something is to every grid, in the order of the grid layer.

    Attributes
    ----------
    query : CoverageQuery
    when : datetime
    closures : tuple of str
        Ids of the closures that hold then.
    grid_code : array of str, shape (n,)
    travel_time_ms : int64 array
        Between the grid and the nearest; -1 where there is no way.
    order_time_ms : int64 array
        The same of the `order`-th nearest.
    nearest_id : array of str
        "" where there is none, or where the person may not know who it is.
    within : int64 array
        How many are within the limit.
    persons : float array
        Population; NaN where it is not known.
    summary : PopulationBeyond
        Of the `order`-th nearest.
    sources : int
        How many there are of what is asked for.
    """

    query: CoverageQuery
    when: datetime
    closures: tuple[str, ...]
    grid_code: NDArray[np.object_]
    travel_time_ms: Int64s
    order_time_ms: Int64s
    nearest_id: NDArray[np.object_]
    within: Int64s
    persons: NDArray[np.float64]
    summary: PopulationBeyond
    sources: int

    @property
    def limit_ms(self) -> int:
        """The time that counts."""
        return round(self.query.minutes * 60_000)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """grid_code, travel_time_ms, order_time_ms (missing where there is no way), nearest_id, within, persons."""
        return pd.DataFrame(
            {
                "grid_code": self.grid_code,
                "travel_time_ms": _missing(self.travel_time_ms),
                "order_time_ms": _missing(self.order_time_ms),
                "nearest_id": self.nearest_id,
                "within": self.within,
                "persons": self.persons,
            }
        )


def coverage(workspace: Workspace, person: Person, query: CoverageQuery | None = None) -> Coverage:
    """Return how soon every grid and what is asked for reach each other.

    Fire engines, police and workers travel to the grids; to shelters and all other facilities people travel.

    Raises
    ------
    ParameterError
        There is nothing of that kind in the workspace, or the minutes, the order or the moment cannot be used.
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads or no grids.
    """
    require(person, Right.LAYER_READ)
    query = query or CoverageQuery()
    _check(query)
    crew = crew_of(workspace)
    roads = roads_at(workspace, crew, query.when or workspace.now())
    answer = _answer(workspace, crew, roads, query)
    if query.of == WORKERS and not may(person, Right.DISPATCH_PLAN):
        return _without_names(answer, crew, person)
    return answer


def grid_values(shown: Coverage, steps_min: Sequence[float]) -> NDArray[np.int8]:
    """Return the class of every grid for a map, in the order of the grid layer.

    Parameters
    ----------
    steps_min : sequence of float
        Rising times.

    Returns
    -------
    int8 array
        0: within the first time, 1: within the second, …; the number of steps: farther; -1: there is no way.
    """
    return time_classes(shown.order_time_ms, steps_min)


def time_classes(time_ms: Int64s, steps_min: Sequence[float]) -> NDArray[np.int8]:
    """Return the classes of times, -1 where there is none (see `grid_values`).

    Raises
    ------
    ParameterError
        The steps do not rise, or are none or too many.
    """
    steps = np.array(steps_min, dtype=float) * 60_000
    good = 1 <= len(steps) <= MOST_ORDER and bool((steps > 0).all() and (np.diff(steps) > 0).all())
    if not good or not np.isfinite(steps).all():
        raise ParameterError(f"the steps are {list(steps_min)}; give 1 to {MOST_ORDER} rising minutes above 0")
    classes = np.searchsorted(steps, time_ms, side="left").astype(np.int8)
    return np.where(time_ms < 0, np.int8(-1), classes)


def coverage_subjects(workspace: Workspace) -> tuple[str, ...]:
    """Return what a coverage can be asked of: workers, shelters, and the categories of facilities that there are."""
    return workspace.cached("coverage subjects", lambda: _subjects(workspace))


def grid_codes(workspace: Workspace) -> NDArray[np.object_]:
    """Return the codes of all grids, in the order of the layer."""
    return workspace.cached("coverage codes", lambda: workspace.layer("grids")["grid_code"].to_numpy(dtype=object))


def grid_persons(workspace: Workspace) -> NDArray[np.float64]:
    """Return the population of all grids; NaN where it is not known."""
    return workspace.cached("coverage persons", lambda: _persons(workspace.layer("grids")))


def grid_places(workspace: Workspace, mode: TravelMode) -> Places:
    """Return where the grids are on the roads of a travel mode: a point inside each, in the order of the layer."""
    return workspace.cached(f"coverage grids {mode}", lambda: _placed(workspace.layer("grids"), workspace, mode))


def keep_grid_places(workspace: Workspace, mode: TravelMode, places: Places) -> None:
    """Take the places of all grids, found elsewhere in the way of `grid_places`, so that nobody looks them up again."""
    workspace.cached(f"coverage grids {mode}", lambda: places)


def fixed_places(workspace: Workspace, of: str, mode: TravelMode) -> tuple[NDArray[np.object_], Places]:
    """Return ids and places on the roads of shelters, or of a category of facilities.

    Raises
    ------
    ParameterError
        There is nothing of that kind.
    """
    if of == WORKERS or of not in coverage_subjects(workspace):
        raise ParameterError(f"there is no '{of[:40]}' here; known are {', '.join(coverage_subjects(workspace))}")
    return workspace.cached(f"coverage places {of} {mode}", lambda: _fixed(workspace, of, mode))


def can_go(roster: Roster, when: datetime) -> NDArray[np.bool_]:
    """Return which workers can be sent at a moment: on shift, free, and somewhere."""
    free = roster.status == str(WorkerStatus.FREE)
    return np.asarray(free & roster.on_shift(when) & ~np.isnan(roster.lon), dtype=np.bool_)


def _check(query: CoverageQuery) -> None:
    if not 0 < query.minutes <= MOST_MINUTES:
        raise ParameterError(f"the limit is {query.minutes:g} minutes; give more than 0, at most {MOST_MINUTES:.0f}")
    if not 1 <= query.order <= MOST_ORDER:
        raise ParameterError(f"the order is {query.order}; give how many must be near, from 1 to {MOST_ORDER}")


@dataclass(frozen=True)
class _Sources:
    """What is asked for, on the network of one travel mode."""

    ids: NDArray[np.object_]
    places: Places
    network: RoadNetwork
    mode: TravelMode


def _answer(workspace: Workspace, crew: Crew, roads: RoadsAt, query: CoverageQuery) -> Coverage:
    """Return an answer, worked out once for the same workers on the same roads."""
    groups, who = _sources(workspace, roads, query)
    key = (crew.version if query.of == WORKERS else 0, who, *(group.network for group in groups))
    key = (query.of, query.minutes, query.order, query.mode, *key)
    kept = workspace.cached("coverage answers", _Kept)
    known = kept.get(key)
    if known is None:
        known = _computed(workspace, roads, query, groups)
        kept.put(key, known)
    return known


def _sources(workspace: Workspace, roads: RoadsAt, query: CoverageQuery) -> tuple[list[_Sources], bytes]:
    if query.of != WORKERS:
        mode = query.mode or TravelMode.DRIVE
        ids, places = fixed_places(workspace, query.of, mode)
        return [_Sources(ids, places, roads.networks[mode], mode)], b""
    who = can_go(roads.roster, roads.when)
    groups = []
    for mode, group in roads.roster.groups.items():
        chosen = np.flatnonzero(who[group.rows] & (group.places.distance_m <= TOO_FAR_M))
        if len(chosen) and query.mode in {None, mode}:
            ids = roads.roster.worker_id[group.rows[chosen]]
            groups.append(_Sources(ids, group.places[chosen], group.network, mode))
    return groups, np.packbits(who).tobytes()


def _computed(workspace: Workspace, roads: RoadsAt, query: CoverageQuery, groups: list[_Sources]) -> Coverage:
    codes, persons = grid_codes(workspace), grid_persons(workspace)
    direction: Direction = "from" if query.of in GOING_OUT else "to"
    limit_ms = round(query.minutes * 60_000)
    columns = _Columns.empty(len(codes))
    total = sum(len(group.ids) for group in groups)
    step = max(1, _AT_ONCE // max(1, total))
    for first in range(0, len(codes) if total else 0, step):
        rows = slice(first, min(first + step, len(codes)))
        times = [_times(group, grid_places(workspace, group.mode)[rows], direction) for group in groups]
        columns.fill(rows, np.vstack(times), query.order, limit_ms)
    names = np.concatenate([*(group.ids for group in groups), np.array([""], dtype=object)])
    order_s = np.where(columns.order_ms < 0, np.nan, columns.order_ms / 1000)
    return Coverage(
        query=query,
        when=roads.when,
        closures=tuple(closure.closure_id for closure in roads.placed.closures),
        grid_code=codes,
        travel_time_ms=columns.first_ms,
        order_time_ms=columns.order_ms,
        nearest_id=names[columns.nearest],
        within=columns.within,
        persons=persons,
        summary=population_beyond(pd.Series(order_s), pd.Series(persons), limit_ms / 1000),
        sources=total,
    )


def _times(group: _Sources, grids: Places, direction: Direction) -> NDArray[np.int64]:
    """Return the times between sources (rows) and grids; the largest number where there is no way."""
    if direction == "from":
        times = group.network.travel_times(group.places, grids)
    else:
        times = group.network.travel_times(grids, group.places).T
    far = (grids.distance_m > TOO_FAR_M)[None, :] | (group.places.distance_m > TOO_FAR_M)[:, None]
    result = times.astype(np.int64)
    result[(times < 0) | far] = _NO_WAY
    return result


@dataclass(frozen=True)
class _Columns:
    """What is found out for every grid."""

    first_ms: Int64s
    order_ms: Int64s
    nearest: Int64s
    within: Int64s

    @classmethod
    def empty(cls, count: int) -> _Columns:
        """Return the columns of grids that nothing reaches."""
        none = np.full(count, -1, dtype=np.int64)
        return cls(none, none.copy(), none.copy(), np.zeros(count, dtype=np.int64))

    def fill(self, rows: slice, times: NDArray[np.int64], order: int, limit_ms: int) -> None:
        """Take the times of some grids, one column for each."""
        nearest = times.argmin(axis=0)
        first = times[nearest, np.arange(times.shape[1])]
        last = first
        if order > 1:
            last = np.partition(times, order - 1, axis=0)[order - 1] if order <= len(times) else _NO_WAY
        self.first_ms[rows] = np.where(first == _NO_WAY, -1, first)
        self.order_ms[rows] = np.where(last == _NO_WAY, -1, last)
        self.nearest[rows] = np.where(first == _NO_WAY, -1, nearest)
        self.within[rows] = (times <= limit_ms).sum(axis=0)


class _Kept:
    """The answers that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[Any, ...], Coverage] = {}

    def get(self, key: tuple[Any, ...]) -> Coverage | None:
        """Return an answer."""
        with self._lock:
            return self._answers.get(key)

    def put(self, key: tuple[Any, ...], answer: Coverage) -> None:
        """Keep an answer; the oldest is forgotten."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]


def _without_names(answer: Coverage, crew: Crew, person: Person) -> Coverage:
    """Return an answer in which only workers are named whom the person may see."""
    known = set(crew.roster.worker_id[crew.seen_by(person, Right.WORKER_READ)].tolist())
    names = np.array([name if name in known else "" for name in answer.nearest_id.tolist()], dtype=object)
    return replace(answer, nearest_id=names)


def _subjects(workspace: Workspace) -> tuple[str, ...]:
    facilities = workspace.layers_of_kind("facilities")
    categories = [] if facilities is None or "category" not in facilities else facilities["category"].dropna().unique()
    shelters = (SHELTERS,) if workspace.of_kind("shelters") else ()
    named = {str(category) for category in categories}
    if isinstance(workspace, WorkspaceVariant):  # what a scenario takes away to the last one can still be asked for
        named.update(set(coverage_subjects(workspace.base)) - {WORKERS, SHELTERS})
    return (WORKERS, *shelters, *sorted(named))


def _fixed(workspace: Workspace, of: str, mode: TravelMode) -> tuple[NDArray[np.object_], Places]:
    if of == SHELTERS:
        frame, key = workspace.layers_of_kind("shelters"), "shelter_id"
    else:
        frame, key = workspace.layers_of_kind("facilities"), "facility_id"
        assert frame is not None
        frame = frame[(frame["category"] == of).to_numpy(dtype=bool)]
    assert frame is not None
    there = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy(dtype=bool)
    return frame[key].astype(str).to_numpy(dtype=object)[there], _placed(frame[there], workspace, mode)


def _placed(frame: gpd.GeoDataFrame, workspace: Workspace, mode: TravelMode) -> Places:
    points = frame.geometry.representative_point()
    places: Places = workspace.network(mode).snap(points.x.to_numpy(), points.y.to_numpy())
    return places


def _persons(grids: gpd.GeoDataFrame) -> NDArray[np.float64]:
    if "persons" not in grids:
        return np.full(len(grids), np.nan)
    require_at_least(grids, "persons")
    return np.asarray(pd.to_numeric(grids["persons"], errors="coerce").astype("float64"))


def _missing(times: Int64s) -> Any:
    column = pd.array(times, dtype="Int64")
    column[times < 0] = pd.NA
    return column
