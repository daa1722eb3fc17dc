"""成批派遣: who goes to which of all filed incidents, decided at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch import AssignmentParams, Roster, check_flips, plan_assignment
from gridgov.dispatch.assignment import question
from gridgov.errors import ParameterError
from gridgov.model.assignments import CUT_OFF, AssignmentPlan, AssignmentTask, Unassigned
from gridgov.model.incident_classes import EVERYBODY
from gridgov.model.incident_record import RUNNING
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import Person, Right, require
from gridgov.operations.board import Board, board_of
from gridgov.operations.closures import roster_at
from gridgov.operations.cutting_closures import cutting_closures
from gridgov.operations.dispatching import need_of
from gridgov.operations.hours import speeds_at
from gridgov.workspace import Workspace

WEIGHT_OF_SEVERITY = {1: 1, 2: 2, 3: 5, 4: 10}
EMERGENCY_FACTOR = 10
_ON_THE_WAY = (IncidentState.DISPATCHED, IncidentState.IN_PROGRESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentQuery:
    """Which incidents are to be given out.

    Attributes
    ----------
    limit : int
        So many at most, the most urgent first: emergencies, then by severity, then in the order of their report.
    include_under_way : bool
        Whether incidents that somebody is on the way to take part, so that a plan may call people back where that pays
        more than `params.switch_s`. Workers who have arrived anywhere stay where they are, with all that is theirs.
    any_skill : bool
        Whether everybody may take every class, whatever skills and travel modes the profile asks for.
    incident_ids : tuple of str
        Only these; empty: all.
    check : int
        For so many of the first assignments the smallest change is tried out (`AssignmentPlan.checks`).
    params : AssignmentParams
    """

    limit: int = 1000
    include_under_way: bool = False
    any_skill: bool = False
    incident_ids: tuple[str, ...] = ()
    check: int = 0
    params: AssignmentParams = field(default_factory=AssignmentParams)


def assign(
    workspace: Workspace, person: Person, query: AssignmentQuery | None = None, *, now: datetime | None = None
) -> AssignmentPlan:
    """Plan who goes to the filed incidents of a person's area; nothing is sent, `move_incident` does that.

    Roads that are closed at that moment are closed for the workers, and speeds are those of its hour. Workers of
    neighbouring areas are among them.

    Parameters
    ----------
    query : AssignmentQuery, optional
    now : datetime, optional
        Default the workspace's clock.

    Raises
    ------
    ParameterError
        The limit is below 1.
    RightsError
        The person may not dispatch.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.DISPATCH_PLAN)
    query, when = query or AssignmentQuery(), now or workspace.now()
    workspace.network()  # says what is missing where there are no roads
    board = board_of(workspace)
    tasks = tasks_of_board(workspace, board, chosen_rows(board, person, query), any_skill=query.any_skill)
    params = with_room_for_all(query.params, tasks)
    roster = roster_at(workspace, when)
    plan = plan_assignment(roster, tasks, params, now=when)
    checks = check_flips(roster, tasks, plan, params, now=when, most=query.check) if query.check else ()
    unassigned = _because_of_closures(workspace, plan.unassigned, tasks, params, when)
    return replace(plan, unassigned=unassigned, speeds=speeds_at(workspace, when), checks=checks)


def _because_of_closures(
    workspace: Workspace,
    unassigned: Sequence[Unassigned],
    tasks: Sequence[AssignmentTask],
    params: AssignmentParams,
    when: datetime,
) -> tuple[Unassigned, ...]:
    """Return the incidents nobody goes to, with the ids of the closures that cut some of them off."""
    cut = {one.incident_id for one in unassigned if one.reason == CUT_OFF}
    if not cut:
        return tuple(unassigned)
    rows = np.array([row for row, task in enumerate(tasks) if task.incident_id in cut], dtype=np.int64)

    def somebody_comes(roster: Roster) -> NDArray[np.bool_]:
        source, _ = question(roster, tasks, params, now=when)
        return np.asarray((source.nearest(rows, 1).worker >= 0).any(axis=1))

    ids = cutting_closures(workspace, when, somebody_comes)
    named = {tasks[row].incident_id: ", ".join(own) for row, own in zip(rows.tolist(), ids, strict=True) if own}
    return tuple(
        replace(one, detail={**one.detail, "closures": named[one.incident_id]}) if one.incident_id in named else one
        for one in unassigned
    )


def chosen_rows(board: Board, person: Person, query: AssignmentQuery) -> list[int]:
    """Return the rows of the incidents that a query is about, the most urgent first.

    Raises
    ------
    ParameterError
        The limit is below 1.
    """
    if query.limit < 1:
        raise ParameterError(f"the limit is {query.limit}; give a number of incidents from 1 on")
    wanted = board["state"] == str(IncidentState.FILED)
    if query.include_under_way:
        wanted |= _under_way(board)
    if query.incident_ids:
        wanted &= np.isin(board["incident_id"].astype(str), query.incident_ids)
    rows = np.flatnonzero(board.seen_by(person) & wanted)
    order = np.lexsort((rows, -board["severity"][rows], ~board["emergency"][rows]))
    chosen: list[int] = rows[order][: query.limit].tolist()
    return chosen


def tasks_of_board(
    workspace: Workspace, board: Board, rows: Sequence[int], *, any_skill: bool = False
) -> list[AssignmentTask]:
    """Return incidents of the board as tasks, with what their classes need."""
    return [_task(workspace, board, row, any_skill=any_skill) for row in rows]


def with_room_for_all(params: AssignmentParams, tasks: Sequence[AssignmentTask]) -> AssignmentParams:
    """Return parameters by which everybody may keep what they are under way to."""
    held: dict[str, int] = {}
    for task in tasks:
        if task.current_worker:
            held[task.current_worker] = held.get(task.current_worker, 0) + 1
    more = {
        worker: count for worker, count in held.items() if count > params.capacity_of.get(worker, params.capacity)
    }  # fmt: skip
    return replace(params, capacity_of={**params.capacity_of, **more}) if more else params


def _under_way(board: Board) -> NDArray[np.bool_]:
    """Return the incidents that somebody is on the way to who has not arrived anywhere."""
    state, handler = board["state"].astype(str), board["handler"].astype(str)
    at_work = np.isin(state, [str(running) for running in RUNNING]) & board["arrived"]
    on_the_way = np.isin(state, [str(one) for one in _ON_THE_WAY]) & ~board["arrived"] & (handler != "")
    return np.asarray(on_the_way & ~np.isin(handler, handler[at_work]), dtype=np.bool_)


def _task(workspace: Workspace, board: Board, row: int, *, any_skill: bool) -> AssignmentTask:
    weight = WEIGHT_OF_SEVERITY.get(int(board["severity"][row]), 1)
    need = EVERYBODY if any_skill else need_of(workspace, str(board["class_code"][row]))
    filed = board["state"][row] == str(IncidentState.FILED)
    return AssignmentTask(
        incident_id=str(board["incident_id"][row]),
        lon=float(board["lon"][row]),
        lat=float(board["lat"][row]),
        weight=weight * (EMERGENCY_FACTOR if board["emergency"][row] else 1),
        skills=need.skills,
        modes=need.modes,
        current_worker="" if filed else str(board["handler"][row]),
    )
