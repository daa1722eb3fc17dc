"""The k nearest workers who can go, by time on the roads, with routes and with what kept the others out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch.roster import UNKNOWN, ModeGroup, Roster
from gridgov.errors import ParameterError
from gridgov.model import DispatchOption, DispatchPlan, Exclusion, TravelMode, WorkerStatus
from gridgov.network import Engine, Place, Route, directions, nearest_workers

FAR_FROM_ROAD_M = 50.0  # beyond this a plan says how far the incident lies from the nearest road


@dataclass(frozen=True)
class DispatchParams:
    """What is asked for.

    Attributes
    ----------
    k : int
        How many workers, at least 1.
    skills : tuple of str
        Only workers with all of these skills.
    modes : tuple of TravelMode
        Only workers who travel this way.
    max_off_road_m : float
        A place farther from every road than this has no arrival times: they would mean nothing.
    """

    k: int = 5
    skills: tuple[str, ...] = ()
    modes: tuple[TravelMode, ...] = tuple(TravelMode)
    max_off_road_m: float = 5_000.0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ParameterError(f"k must be at least 1, not {self.k}")
        if not self.modes:
            raise ParameterError("no travel mode is allowed; name at least one of drive, ebike, walk")


@dataclass(frozen=True)
class _Found:
    """One worker reached by a search."""

    travel_time_ms: int
    row: int
    route: Route
    off_road_m: float
    engine: Engine


def plan_dispatch(
    roster: Roster,
    lon: float,
    lat: float,
    params: DispatchParams | None = None,
    *,
    now: datetime,
    grid_code: str | None = None,
) -> DispatchPlan:
    """Find the nearest workers for an incident.

    Times are those of the road network, from the worker's place on it to the incident's; the way between a point and
    its place on the road is reported (`off_road_m`), not timed. Ties go to the smaller worker id.

    Parameters
    ----------
    roster : Roster
    lon, lat : float
        The incident, degrees WGS 84.
    params : DispatchParams, optional
    now : datetime
        Aware; decides who is on shift.
    grid_code : str, optional
        Passed on into the plan.

    Returns
    -------
    DispatchPlan
        With no option where nobody can go; `exclusions` then says why, worker by worker.

    Raises
    ------
    ParameterError
        `now` is naive, or the position is no position.
    """
    params = params or DispatchParams()
    if now.tzinfo is None:
        raise ParameterError("now must be an aware time (with an offset), so that shifts can be compared")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ParameterError(f"{lon}, {lat} is not a longitude, latitude in degrees")
    reasons = _reasons(roster, params, now)
    eligible = reasons == ""
    off_road_m = _off_road_m(roster, lon, lat)
    if off_road_m > params.max_off_road_m:
        return _beyond_the_roads(roster, lon, lat, reasons, off_road_m, grid_code)
    found = sorted(
        _search(roster, lon, lat, eligible, params.k), key=lambda f: (f.travel_time_ms, roster.worker_id[f.row])
    )
    if len(found) < params.k:  # the search ended because nobody else can be reached
        reached = np.zeros(len(roster), dtype=np.bool_)
        reached[[f.row for f in found]] = True
        reasons[eligible & ~reached] = "unreachable"
    best = found[: params.k]
    return DispatchPlan(
        lon=lon,
        lat=lat,
        grid_code=grid_code,
        off_road_m=off_road_m,
        options=tuple(_option(roster, f, rank, best[0].travel_time_ms) for rank, f in enumerate(best, start=1)),
        exclusions=_exclusions(roster, reasons, _would_be_nearer(roster, lon, lat, reasons, best, params.k)),
        candidates=int((reasons == "").sum()),
        considered=len(roster),
        notes=_notes(roster, eligible, best, off_road_m),
        engines=tuple(sorted({(str(roster.mode[f.row]), f.engine) for f in found})),
    )


def _beyond_the_roads(
    roster: Roster, lon: float, lat: float, reasons: NDArray[np.object_], off_road_m: float, grid_code: str | None
) -> DispatchPlan:
    """Return the plan of a place that no road comes near: nobody, and the distance said."""
    return DispatchPlan(
        lon=lon,
        lat=lat,
        grid_code=grid_code,
        off_road_m=off_road_m,
        options=(),
        exclusions=_exclusions(roster, reasons, {}),
        candidates=int((reasons == "").sum()),
        considered=len(roster),
        notes=("beyond_roads",),
    )


def _reasons(roster: Roster, params: DispatchParams, now: datetime) -> NDArray[np.object_]:
    """Return for each worker the first thing that keeps them out, or an empty text."""
    allowed = np.isin(roster.mode.astype(str), [str(mode) for mode in params.modes])
    tests: list[tuple[str, NDArray[np.bool_]]] = [
        ("no_position", np.isnan(roster.lon)),
        ("unknown_mode", roster.mode == UNKNOWN),
        ("wrong_mode", ~allowed),
        ("missing_skill", ~roster.has_skills(params.skills)),
        ("unknown_status", roster.status == UNKNOWN),
        ("off_shift", ~roster.on_shift(now) | (roster.status == str(WorkerStatus.OFF))),
        ("busy", roster.status == str(WorkerStatus.BUSY)),
    ]
    reasons = np.full(len(roster), "", dtype=object)
    for code, fails in tests:
        reasons[fails & (reasons == "")] = code
    return reasons


def _search(roster: Roster, lon: float, lat: float, who: NDArray[np.bool_], k: int) -> Iterator[_Found]:
    """Yield up to k reached workers of every travel mode; each mode searches its own network."""
    for group in roster.groups.values():
        chosen = np.flatnonzero(who[group.rows])
        if not len(chosen):
            continue
        places = group.places[chosen]
        near = nearest_workers(group.network, _place(group, lon, lat), places, k=k)
        for i, position in enumerate(near.index):
            row = int(group.rows[chosen[position]])
            off_road_m = float(places.distance_m[position])
            yield _Found(int(near.travel_time_ms[i]), row, near.path(i), off_road_m, near.engine)


def _place(group: ModeGroup, lon: float, lat: float) -> Place:
    place = group.network.snap(lon, lat)
    assert isinstance(place, Place)  # scalars in, one place out
    return place


def _off_road_m(roster: Roster, lon: float, lat: float) -> float:
    """Return the distance to the nearest road that anybody could use."""
    return min((_place(group, lon, lat).distance_m for group in roster.groups.values()), default=0.0)


def _option(roster: Roster, found: _Found, rank: int, first_ms: int) -> DispatchOption:
    row, route = found.row, found.route
    return DispatchOption(
        rank=rank,
        worker_id=str(roster.worker_id[row]),
        name=str(roster.name[row]),
        mode=TravelMode(roster.mode[row]),
        lon=float(roster.lon[row]),
        lat=float(roster.lat[row]),
        travel_time_ms=found.travel_time_ms,
        behind_ms=found.travel_time_ms - first_ms,
        length_m=route.length_m,
        coordinates=tuple((float(x), float(y)) for x, y in route.coordinates),
        directions=tuple(directions(route)),
        off_road_m=found.off_road_m,
        skills=roster.skills[row],
    )


def _would_be_nearer(
    roster: Roster, lon: float, lat: float, reasons: NDArray[np.object_], best: list[_Found], k: int
) -> dict[int, int]:
    """Return row -> travel time of the excluded workers who would have been among the first k."""
    outside = ~np.isin(reasons.astype(str), ["", "no_position", "wrong_mode", "unreachable"])
    last_ms = best[-1].travel_time_ms if len(best) == k else None
    nearer = sorted((f.travel_time_ms, f.row) for f in _search(roster, lon, lat, outside, k))
    return {row: ms for ms, row in nearer[:k] if last_ms is None or ms < last_ms}


def _exclusions(roster: Roster, reasons: NDArray[np.object_], nearer: dict[int, int]) -> tuple[Exclusion, ...]:
    """Return everybody left out: first those who would have been nearer, by time, then the others by id."""
    shifts = roster.shift_texts
    left_out: list[int] = np.flatnonzero(reasons != "").tolist()
    rows = sorted(left_out, key=lambda row: (nearer.get(row, math.inf), str(roster.worker_id[row])))
    return tuple(
        Exclusion(
            worker_id=str(roster.worker_id[row]),
            name=str(roster.name[row]),
            reason=str(reasons[row]),
            detail={"shift": shifts[row] or "–"} if reasons[row] == "off_shift" else {},
            travel_time_ms=nearer.get(row),
        )
        for row in rows
    )


def _notes(roster: Roster, eligible: NDArray[np.bool_], best: list[_Found], off_road_m: float) -> tuple[str, ...]:
    notes = []
    if not len(roster):
        notes.append("no_workers")
    elif not eligible.any():
        notes.append("nobody_can_go")
    elif not best:
        notes.append("nobody_reaches")
    if off_road_m > FAR_FROM_ROAD_M:
        notes.append("far_from_road")
    return tuple(notes)
