"""From a roster and incidents to the question of tours: travel times by mode, skills, ends of shifts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from gridgov.dispatch.roster import Roster
from gridgov.dispatch.sequencing import HORIZON_MS, Stop, TourProblem
from gridgov.errors import ParameterError
from gridgov.model.assignments import AssignmentTask
from gridgov.network.validation import Int64s

_DAY_MIN = 1440


def tour_problem(
    roster: Roster,
    worker_ids: Sequence[str],
    tasks: Sequence[AssignmentTask],
    stops: Sequence[Stop],
    *,
    now: datetime,
    max_off_road_m: float = 5_000.0,
) -> TourProblem:
    """Return the question of tours of some workers along the roads.

    Parameters
    ----------
    roster : Roster
    worker_ids : sequence of str
        Whose tours; the order of the answer.
    tasks, stops : sequences of the same length
        Where, with which skills; and when.
    now : datetime
        Aware; from when the times of the stops count.
    max_off_road_m : float
        An incident farther from every road is out of reach.

    Raises
    ------
    ParameterError
        A worker is not in the roster, the lists differ, or `now` is naive.
    """
    if now.tzinfo is None:
        raise ParameterError("now must be an aware time (with an offset), so that shifts can be compared")
    if [task.incident_id for task in tasks] != [stop.incident_id for stop in stops]:
        raise ParameterError("tasks and stops must be about the same incidents in the same order")
    row_of = {str(worker_id): row for row, worker_id in enumerate(roster.worker_id)}
    if missing := [worker_id for worker_id in worker_ids if worker_id not in row_of]:
        raise ParameterError(f"worker {missing[0]} is not in the roster; give ids of workers that are")
    rows = np.array([row_of[worker_id] for worker_id in worker_ids], dtype=np.int64)
    lon, lat = (np.array([getattr(task, name) for task in tasks], dtype=float) for name in ("lon", "lat"))
    n, modes = len(tasks), list(roster.groups)
    start = np.full((len(rows), n), -1, dtype=np.int64)
    between = np.full((max(len(modes), 1), n, n), -1, dtype=np.int64)
    mode = np.zeros(len(rows), dtype=np.int64)
    for number, group in enumerate(roster.groups.values() if n else ()):
        own = np.flatnonzero(np.isin(rows, group.rows))
        places = group.network.snap(lon, lat)
        mode[own] = number
        if len(own):
            at = np.searchsorted(group.rows, rows[own])
            start[own] = group.network.travel_times(group.places[at], places)
            between[number] = group.network.travel_times(places, places)
            beyond = places.distance_m > max_off_road_m
            start[np.ix_(own, beyond)], between[number, beyond], between[number][:, beyond] = -1, -1, -1
    may = np.array(
        [[_may(roster, int(row), task) for task in tasks] for row in rows], dtype=np.bool_
    ).reshape(len(rows), n)  # fmt: skip
    return TourProblem(tuple(stops), start, between, mode, may, _shift_ends_ms(roster, rows, now))


def _may(roster: Roster, row: int, task: AssignmentTask) -> bool:
    return set(task.skills) <= set(roster.skills[row]) and str(roster.mode[row]) in {str(mode) for mode in task.modes}


def _shift_ends_ms(roster: Roster, rows: Int64s, now: datetime) -> Int64s:
    """Return for each worker the time to the end of the shift: 0 for who is off, a day for who has no shift."""
    local = now.astimezone(roster.timezone)
    minute = local.hour * 60 + local.minute
    end = roster.shift_end_min[rows]
    left_ms = ((end - minute - 1) % _DAY_MIN + 1) * 60_000 - local.second * 1000
    left_ms = np.where((end < 0) | (roster.shift_start_min[rows] < 0), HORIZON_MS, left_ms)
    return np.where(roster.on_shift(now)[rows], left_ms, 0).astype(np.int64)
