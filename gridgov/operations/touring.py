"""巡回派遣: in which order workers do several incidents each, within shifts and deadlines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from gridgov.dispatch import Roster
from gridgov.dispatch.sequencing import HORIZON_MS, Stop, Tours, plan_tours
from gridgov.dispatch.tours import tour_problem
from gridgov.errors import ParameterError
from gridgov.model import WorkerStatus
from gridgov.model.rights import Person, Right, require
from gridgov.model.tours import Tour, TourPlan, TourStop
from gridgov.operations.assigning import AssignmentQuery, chosen_rows, tasks_of_board
from gridgov.operations.board import Board, board_of
from gridgov.operations.closures import roster_at
from gridgov.operations.hours import speeds_at
from gridgov.workspace import Workspace

MOST_INCIDENTS = 300  # tables of travel times between all of them, and a search over their orders
MOST_WORKERS = 100

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TourQuery:
    """What tours are planned for.

    Attributes
    ----------
    limit : int
        So many of the most urgent filed incidents, at most `MOST_INCIDENTS`.
    workers : int
        So many workers, those who are nearest to an incident first, at most `MOST_WORKERS`.
    service_s : float
        How long the work at one incident takes.
    time_limit_s : float
        When the search ends at the latest.
    any_skill : bool
        Whether everybody may take every class.
    """

    limit: int = 60
    workers: int = 20
    service_s: float = 900.0
    time_limit_s: float = 10.0
    any_skill: bool = False
    incident_ids: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_INCIDENTS:
            raise ParameterError(f"tours are planned for 1 to {MOST_INCIDENTS} incidents at once, not {self.limit}")
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ParameterError(f"tours are planned for 1 to {MOST_WORKERS} workers at once, not {self.workers}")
        if not (0 <= self.service_s <= 86_400 and 0 < self.time_limit_s <= 600):
            raise ParameterError("give a service time of 0 … 86400 s and a time limit above 0, up to 600 s")


def tours(
    workspace: Workspace,
    person: Person,
    query: TourQuery | None = None,
    *,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> TourPlan:
    """Plan tours of the free workers through the filed incidents of a person's area; nothing is sent.

    A deadline ends the window in which work at an incident may begin; what is late already may begin any time. The last
    work ends with the shift.

    Parameters
    ----------
    query : TourQuery, optional
    now : datetime, optional
        Default the workspace's clock.
    progress : callable, optional
        Called with the code of each step: ``tours.times``, ``tours.search``.

    Raises
    ------
    RightsError
        The person may not dispatch.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.DISPATCH_PLAN)
    query, when = query or TourQuery(), now or workspace.now()
    tell = progress or (lambda _code: None)
    workspace.network()  # says what is missing where there are no roads
    board, roster = board_of(workspace), roster_at(workspace, when)
    chosen = AssignmentQuery(limit=query.limit, incident_ids=query.incident_ids)
    rows = chosen_rows(board, person, chosen)
    tasks = tasks_of_board(workspace, board, rows, any_skill=query.any_skill)
    stops = [_stop(board, row, when, query) for row in rows]
    tell("tours.times")
    worker_ids = _nearest_free(roster, [task.lon for task in tasks], [task.lat for task in tasks], when, query.workers)
    problem = tour_problem(roster, worker_ids, tasks, stops, now=when)
    tell("tours.search")
    found = plan_tours(problem, time_limit_s=query.time_limit_s)
    return _plan(roster, worker_ids, found, workspace, when)


def _stop(board: Board, row: int, when: datetime, query: TourQuery) -> Stop:
    latest, due = HORIZON_MS, board["due_at"][row]
    if not np.isnat(due):
        now = np.datetime64(when.astimezone(UTC).replace(tzinfo=None), "us")
        left = int((due - now) / np.timedelta64(1, "ms"))
        latest = left if 0 < left < HORIZON_MS else HORIZON_MS
    return Stop(str(board["incident_id"][row]), round(query.service_s * 1000), 0, latest)


def _nearest_free(roster: Roster, lon: list[float], lat: list[float], when: datetime, most: int) -> list[str]:
    """Return the free workers on shift who are nearest to any of some places by straight line."""
    free = (roster.status == str(WorkerStatus.FREE)) & roster.on_shift(when) & ~np.isnan(roster.lon)
    placed = np.concatenate([group.rows for group in roster.groups.values()] or [np.zeros(0, dtype=np.intp)])
    rows = np.intersect1d(np.flatnonzero(free), placed)
    if not len(rows) or not lon:
        return []
    wide = np.cos(np.radians(np.mean(lat)))
    east = (roster.lon[rows][:, None] - np.array(lon)) * wide
    north = roster.lat[rows][:, None] - np.array(lat)
    order = np.lexsort((roster.worker_id[rows].astype(str), np.hypot(east, north).min(axis=1)))
    return [str(worker_id) for worker_id in roster.worker_id[rows[order[:most]]]]


def _plan(roster: Roster, worker_ids: list[str], found: Tours, workspace: Workspace, when: datetime) -> TourPlan:
    name_of = dict(zip(roster.worker_id.tolist(), roster.name.tolist(), strict=True))
    made = [
        Tour(
            worker_id,
            str(name_of[worker_id]),
            tuple(
                TourStop(visit.incident_id, visit.travel_ms, visit.arrive_ms, visit.begin_ms, visit.done_ms)
                for visit in visits
            ),
        )
        for worker_id, visits in zip(worker_ids, found.visits, strict=True)
        if visits
    ]
    return TourPlan(
        tours=tuple(made),
        left_out=found.left_out,
        travel_ms=found.travel_ms,
        cost=found.cost,
        lower_bound=found.lower_bound,
        out_of_time=found.out_of_time,
        workers=len(worker_ids),
        speeds=speeds_at(workspace, when),
    )
