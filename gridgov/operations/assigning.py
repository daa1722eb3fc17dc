"""成批派遣: who goes to which of all filed incidents, decided at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch.assignment import AssignmentParams, plan_assignment
from gridgov.errors import ParameterError
from gridgov.model.assignments import AssignmentPlan, AssignmentTask
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import Person, Right, require
from gridgov.operations.board import Board, board_of
from gridgov.operations.closures import roster_at
from gridgov.workspace import Workspace

WEIGHT_OF_SEVERITY = {1: 1, 2: 2, 3: 5, 4: 10}
EMERGENCY_FACTOR = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentQuery:
    """Which incidents are to be given out.

    Attributes
    ----------
    limit : int
        So many at most, the most urgent first: emergencies, then by severity, then in the order of their report.
    params : AssignmentParams
    """

    limit: int = 1000
    params: AssignmentParams = field(default_factory=AssignmentParams)


def assign(
    workspace: Workspace, person: Person, query: AssignmentQuery | None = None, *, now: datetime | None = None
) -> AssignmentPlan:
    """Plan who goes to the filed incidents of a person's area; nothing is sent, `move_incident` does that.

    Roads that are closed at that moment are closed for the workers. Workers of neighbouring areas are among them.

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
    if query.limit < 1:
        raise ParameterError(f"the limit is {query.limit}; give a number of incidents from 1 on")
    workspace.network()  # says what is missing where there are no roads
    board = board_of(workspace)
    tasks = [_task(board, row) for row in _most_urgent(board, board.seen_by(person), query.limit)]
    return plan_assignment(roster_at(workspace, when), tasks, query.params, now=when)


def _most_urgent(board: Board, seen: NDArray[np.bool_], limit: int) -> list[int]:
    rows = np.flatnonzero(seen & (board["state"] == str(IncidentState.FILED)))
    order = np.lexsort((rows, -board["severity"][rows], ~board["emergency"][rows]))
    chosen: list[int] = rows[order][:limit].tolist()
    return chosen


def _task(board: Board, row: int) -> AssignmentTask:
    weight = WEIGHT_OF_SEVERITY.get(int(board["severity"][row]), 1)
    return AssignmentTask(
        incident_id=str(board["incident_id"][row]),
        lon=float(board["lon"][row]),
        lat=float(board["lat"][row]),
        weight=weight * (EMERGENCY_FACTOR if board["emergency"][row] else 1),
    )
