"""The smallest change that flips a choice, tried out: the trip is made longer by it and everything is decided again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from gridgov.dispatch.allocation import CandidateSource, Demand, Found, allocate
from gridgov.dispatch.assignment import AssignmentParams, question
from gridgov.dispatch.roster import Roster
from gridgov.model.assignments import Assignment, AssignmentPlan, AssignmentTask, FlipCheck
from gridgov.network.validation import Int64s


class Delayed:
    """Candidates of which one worker takes longer to one task, or less long.

    Parameters
    ----------
    source : CandidateSource
    row, worker : int
        Task and worker.
    extra_ms : int
        How much longer; below 0: shorter, at most to nothing.
    """

    def __init__(self, source: CandidateSource, row: int, worker: int, extra_ms: int) -> None:
        self._source, self._row, self._worker, self._extra_ms = source, row, worker, extra_ms

    def nearest(self, rows: Int64s, m: int) -> Found:
        """Return the nearest with the changed time; whoever became nearer is among them."""
        found = self._source.nearest(rows, m)
        at = np.flatnonzero(rows == self._row)
        if not len(at):
            return found
        changed = self.pair_ms(self._row, self._worker)
        worker, time_ms = found.worker.copy(), found.time_ms.copy()
        worker[at[0], worker[at[0]] == self._worker] = -1  # it stands in a column of its own
        more = np.full((len(rows), 1), -1, dtype=np.int64)
        its_time = more.copy()
        if changed >= 0:
            more[at[0]], its_time[at[0]] = self._worker, changed
        return Found(np.hstack([worker, more]), np.hstack([time_ms, its_time]), found.beyond_ms)

    def pair_ms(self, row: int, worker: int) -> int:
        """Return the travel time of one worker to one task, changed or not."""
        time_ms = self._source.pair_ms(row, worker)
        if time_ms < 0 or (row, worker) != (self._row, self._worker):
            return time_ms
        return max(time_ms + self._extra_ms, 0)


def check_flips(
    roster: Roster,
    tasks: Sequence[AssignmentTask],
    plan: AssignmentPlan,
    params: AssignmentParams | None = None,
    *,
    now: datetime,
    most: int = 20,
) -> tuple[FlipCheck, ...]:
    """Try out the smallest changes that a plan names.

    Parameters
    ----------
    roster, tasks, params, now
        What the plan was made from.
    most : int
        Only the first assignments: each takes two decisions about everything.

    Returns
    -------
    tuple of FlipCheck
        In the order of the plan; assignments that no delay changes are left out.
    """
    source, demand = question(roster, tasks, params or AssignmentParams(), now=now)
    row_of_task = {task.incident_id: row for row, task in enumerate(tasks)}
    row_of_worker = {str(worker_id): row for row, worker_id in enumerate(roster.worker_id)}
    return tuple(
        _check(one, plan.cost, source, demand, (row_of_task, row_of_worker))
        for one in plan.assignments[:most]
        if one.flip_ms is not None
    )


def _check(
    one: Assignment,
    cost: int,
    source: CandidateSource,
    demand: Demand,
    rows: tuple[Mapping[str, int], Mapping[str, int]],
) -> FlipCheck:
    row, worker = rows[0][one.incident_id], rows[1][one.worker_id]
    assert one.flip_ms is not None
    longer = allocate(Delayed(source, row, worker, one.flip_ms), demand)
    less = allocate(Delayed(source, row, worker, one.flip_ms - 1), demand)
    return FlipCheck(
        incident_id=one.incident_id,
        flip_ms=one.flip_ms,
        flips=bool(longer.worker[row] != worker),
        holds_before=less.total == cost + int(demand.weight[row]) * (one.flip_ms - 1),
    )
