"""Many incidents and many workers at once: the cheapest plan, proved, explained and compared with the usual way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch.allocation import Allocation, Demand, allocate
from gridgov.dispatch.candidates import RoadCandidates
from gridgov.dispatch.matching import FAR
from gridgov.dispatch.roster import UNKNOWN, Roster
from gridgov.errors import ParameterError
from gridgov.model import TravelMode, WorkerStatus
from gridgov.model.assignments import CUT_OFF, Assignment, AssignmentPlan, AssignmentTask, Load, Unassigned
from gridgov.network.validation import Int64s


@dataclass(frozen=True)
class AssignmentParams:
    """What a plan is made by.

    Attributes
    ----------
    capacity : int
        How many tasks a worker may take.
    capacity_of : mapping of str to int
        The same for single workers, by id; 0: none.
    unserved_s : float
        What it costs, times the weight, to leave an incident: as much as waiting so long.
    switch_s : float
        What it costs, times the weight, to call somebody back who is under way: so much sooner another one must be
        there.
    queue_s : float
        How long an incident waits for each earlier task of the same worker. The way to it is still counted from where
        the worker is now; `gridgov.dispatch.sequencing` plans the true tour.
    max_travel_s : float
        Longer trips are out of reach.
    forbidden : frozenset of (incident id, worker id)
        Pairs that must not be.
    max_off_road_m : float
        An incident farther from every road is out of reach.
    """

    capacity: int = 1
    capacity_of: Mapping[str, int] = field(default_factory=dict)
    unserved_s: float = 14_400.0
    switch_s: float = 300.0
    queue_s: float = 900.0
    max_travel_s: float = 7_200.0
    forbidden: frozenset[tuple[str, str]] = frozenset()
    max_off_road_m: float = 5_000.0

    def __post_init__(self) -> None:
        for worker, capacity in [("", self.capacity), *self.capacity_of.items()]:
            if isinstance(capacity, bool) or not isinstance(capacity, int) or not 0 <= capacity <= 1000:
                whose = f" of worker {worker}" if worker else ""
                raise ParameterError(f"the capacity{whose} is {capacity!r}; give a whole number from 0 to 1000")
        for name in ("unserved_s", "switch_s", "queue_s", "max_travel_s"):
            value = getattr(self, name)
            if not 0 <= value <= 864_000:
                raise ParameterError(f"{name} is {value}; give seconds from 0 to 864000 (ten days)")


def plan_assignment(
    roster: Roster, tasks: Sequence[AssignmentTask], params: AssignmentParams | None = None, *, now: datetime
) -> AssignmentPlan:
    """Decide who goes to which incident so that the sum of weighted arrival times is the least there can be.

    Workers take part who are on shift, have a position and are free, or busy with one of these very incidents. Leaving
    an incident costs `unserved_s`, so incidents stay unserved only where nobody is in reach or all who are do more
    elsewhere.

    Parameters
    ----------
    roster : Roster
        On networks with the closures and the hour of the day that hold.
    tasks : sequence of AssignmentTask
    params : AssignmentParams, optional
    now : datetime
        Aware; decides who is on shift.

    Returns
    -------
    AssignmentPlan
        Deterministic. Assignments and unserved incidents in the order of the tasks.

    Raises
    ------
    ParameterError
        `now` is naive, or an incident is there twice.
    """
    source, demand = question(roster, tasks, params or AssignmentParams(), now=now)
    return _plan(roster, tasks, source, demand, allocate(source, demand))


def question(
    roster: Roster, tasks: Sequence[AssignmentTask], params: AssignmentParams, *, now: datetime
) -> tuple[RoadCandidates, Demand]:
    """Return what `plan_assignment` decides about: who can come how fast, and what is to be given out.

    Raises
    ------
    ParameterError
        `now` is naive, or an incident is there twice.
    """
    _check(tasks, now)
    row_of_worker = {str(worker_id): row for row, worker_id in enumerate(roster.worker_id)}
    capacity = _capacity(roster, params)
    able = _able(roster, tasks, now) & (capacity > 0)
    source = RoadCandidates(roster, tasks, able, params.max_off_road_m)
    return source, _demand(tasks, params, np.where(able, capacity, 0), row_of_worker)


def _check(tasks: Sequence[AssignmentTask], now: datetime) -> None:
    if now.tzinfo is None:
        raise ParameterError("now must be an aware time (with an offset), so that shifts can be compared")
    seen: set[str] = set()
    for task in tasks:
        if task.incident_id in seen:
            raise ParameterError(f"incident {task.incident_id} is there twice; give each incident once")
        seen.add(task.incident_id)


def _able(roster: Roster, tasks: Sequence[AssignmentTask], now: datetime) -> NDArray[np.bool_]:
    """Return who takes part."""
    under_way = {task.current_worker for task in tasks} - {""}
    busy_here = np.isin(roster.worker_id.astype(str), sorted(under_way)) & (roster.status == str(WorkerStatus.BUSY))
    ready = (roster.status == str(WorkerStatus.FREE)) | busy_here
    return np.asarray(ready & roster.on_shift(now) & ~np.isnan(roster.lon) & (roster.mode != UNKNOWN), dtype=np.bool_)


def _capacity(roster: Roster, params: AssignmentParams) -> Int64s:
    given = params.capacity_of
    return np.array([given.get(str(worker_id), params.capacity) for worker_id in roster.worker_id], dtype=np.int64)


def _demand(
    tasks: Sequence[AssignmentTask], params: AssignmentParams, capacity: Int64s, row_of_worker: Mapping[str, int]
) -> Demand:
    row_of_task = {task.incident_id: row for row, task in enumerate(tasks)}
    return Demand(
        weight=np.array([task.weight for task in tasks], dtype=np.int64),
        current=np.array([row_of_worker.get(task.current_worker, -1) for task in tasks], dtype=np.int64),
        capacity=capacity,
        forbidden=frozenset(
            (row_of_task[incident], row_of_worker[worker])
            for incident, worker in params.forbidden
            if incident in row_of_task and worker in row_of_worker
        ),
        unserved_ms=_ms(params.unserved_s),
        switch_ms=_ms(params.switch_s),
        queue_ms=_ms(params.queue_s),
        max_travel_ms=_ms(params.max_travel_s),
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _plan(
    roster: Roster, tasks: Sequence[AssignmentTask], source: RoadCandidates, demand: Demand, found: Allocation
) -> AssignmentPlan:
    goes_to: dict[int, list[str]] = {}
    for row in np.lexsort((found.seat, found.worker)).tolist():
        goes_to.setdefault(int(found.worker[row]), []).append(tasks[row].incident_id)
    served = np.flatnonzero(found.worker >= 0).tolist()
    could_go = np.any([source.may_go(row) for row in _one_of_each(source.kind)], axis=0) if tasks else None
    return AssignmentPlan(
        assignments=tuple(_assignment(roster, tasks, demand, found, row, goes_to) for row in served),
        unassigned=tuple(
            _unassigned(roster, tasks, source, demand, found, row) for row in np.flatnonzero(found.worker < 0).tolist()
        ),
        cost=found.total,
        lower_bound=found.lower_bound,
        greedy_cost=found.greedy_total,
        travel_ms=int(found.time_ms[served].sum()),
        greedy_travel_ms=found.greedy_ms,
        greedy_unserved=int((found.greedy < 0).sum()),
        load=_load(found, np.zeros(len(roster), dtype=np.bool_) if could_go is None else could_go),
        considered=len(roster),
        candidates=0 if could_go is None else int(could_go.sum()),
        stranded_workers=tuple(sorted(str(roster.worker_id[row]) for row in source.stranded())),
    )


def _one_of_each(kind: Int64s) -> list[int]:
    return [int(row) for row in np.unique(kind, return_index=True)[1]]


def _assignment(
    roster: Roster,
    tasks: Sequence[AssignmentTask],
    demand: Demand,
    found: Allocation,
    row: int,
    goes_to: Mapping[int, list[str]],
) -> Assignment:
    worker, other, time_ms = int(found.worker[row]), int(found.other[row]), int(found.time_ms[row])
    nearest, nearest_ms = int(found.nearest[row]), int(found.nearest_ms[row])
    current = int(demand.current[row])
    nearer = nearest >= 0 and nearest != worker and nearest_ms < time_ms
    flip_ms, other_flip_ms = flips(demand, found, row)
    return Assignment(
        incident_id=tasks[row].incident_id,
        worker_id=str(roster.worker_id[worker]),
        name=str(roster.name[worker]),
        mode=TravelMode(roster.mode[worker]),
        travel_time_ms=time_ms,
        turn=int(found.seat[row]) + 1,
        kept=current == worker,
        moved_from=str(roster.worker_id[current]) if current >= 0 and current != worker else "",
        runner_up=str(roster.worker_id[other]) if other >= 0 else "",
        runner_up_time_ms=int(found.other_ms[row]) if other >= 0 else None,
        difference_ms=int(found.other_ms[row]) - time_ms if other >= 0 else None,
        flip_ms=flip_ms,
        runner_up_flip_ms=other_flip_ms,
        nearer=str(roster.worker_id[nearest]) if nearer else "",
        nearer_time_ms=nearest_ms if nearer else None,
        nearer_goes_to=tuple(goes_to.get(nearest, ())) if nearer else (),
    )


def flips(demand: Demand, found: Allocation, row: int) -> tuple[int | None, int | None]:
    """Return the smallest whole milliseconds that flip a choice: this trip longer by the first, or the other's shorter.

    A trip longer than the limit is out of reach, so reaching the limit flips the choice, too. None: cannot be.
    """
    if found.margin[row] >= FAR:
        return None, None
    needed = int(found.margin[row]) // int(demand.weight[row]) + 1
    to_limit = demand.max_travel_ms - int(found.time_ms[row]) + 1
    shorter = needed if found.other[row] >= 0 and found.other_ms[row] >= needed else None
    return min(needed, to_limit), shorter


def _unassigned(
    roster: Roster, tasks: Sequence[AssignmentTask], source: RoadCandidates, demand: Demand, found: Allocation, row: int
) -> Unassigned:
    reason, detail = "all_taken", {}
    if found.nearest[row] >= 0:
        detail = {"worker": str(roster.worker_id[found.nearest[row]])}
    elif not len(roster):
        reason = "no_workers"
    elif not source.may_go(row).any():
        reason = "nobody_can_go"
    elif source.beyond_roads(row):
        reason, detail = "beyond_roads", {"km": f"{source.off_road_m[row] / 1000:.1f}"}
    else:
        reason, detail = _out_of_reach(roster, source, demand, row)
    current = int(demand.current[row])
    return Unassigned(tasks[row].incident_id, reason, detail, str(roster.worker_id[current]) if current >= 0 else "")


def _out_of_reach(roster: Roster, source: RoadCandidates, demand: Demand, row: int) -> tuple[str, dict[str, str]]:
    """Return why no trip to a task is allowed although there are workers for it and a road nearby."""
    reached = source.nearest(np.array([row], dtype=np.int64), len(roster))
    times = reached.time_ms[reached.worker >= 0]
    if not len(times):
        return CUT_OFF if source.reached_without_closures(row) else "nobody_reaches", {}
    if times.min() <= demand.max_travel_ms:
        return "forbidden", {}
    return "too_far", {"minutes": f"{times.min() / 60_000:.0f}"}


def _load(found: Allocation, could_go: NDArray[np.bool_]) -> Load:
    served = found.worker >= 0
    tasks = np.bincount(found.worker[served], minlength=len(could_go))
    travel_s = np.bincount(found.worker[served], found.time_ms[served] / 1000, minlength=len(could_go))
    could_go = could_go | (tasks > 0)
    count, seconds = tasks[could_go], travel_s[could_go]
    if not len(count):
        return Load(0, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return Load(
        workers=len(count),
        workers_with_tasks=int((count > 0).sum()),
        tasks_max=int(count.max()),
        tasks_mean=float(count.mean()),
        tasks_gini=gini(count),
        travel_max_s=float(seconds.max()),
        travel_mean_s=float(seconds.mean()),
        travel_gini=gini(seconds),
    )


def gini(values: NDArray[np.number]) -> float:
    """Return Gini's coefficient: 0 where all values are equal, (n - 1) / n where one has everything; 0 of nothing."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    total, n = ordered.sum(), len(ordered)
    if n == 0 or total == 0:
        return 0.0
    return float(2 * (np.arange(1, n + 1) * ordered).sum() / (n * total) - (n + 1) / n)
