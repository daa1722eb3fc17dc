"""敲门任务: issued with the orders, ticked off by workers or met with a call for help, counted for the commander."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError
from gridgov.i18n import LANGS, Lang, label
from gridgov.model.door_rounds import ENTITY, done, entity_of, help_wanted, issued
from gridgov.model.entities import Entity, EntityFilter
from gridgov.model.evacuations import ORDERED
from gridgov.model.events import parse_time
from gridgov.model.orders import DoorTask
from gridgov.model.refusals import refuse
from gridgov.model.rights import Person, Right, require
from gridgov.operations.board import newest_first
from gridgov.operations.evacuating import read_evacuation
from gridgov.operations.hazards import read_hazard
from gridgov.operations.orders import door_tasks_of, orders_of
from gridgov.workspace import Workspace

KIND = "door_tasks"
_LONGEST_NOTE = 300
GRACE = timedelta(minutes=5)  # after the time of a grid, before it is called late


@dataclass(frozen=True, slots=True)
class DoorRound:
    """What one worker has to do in one grid of an evacuation.

    Attributes
    ----------
    before : datetime
        When the first of the grid leave.
    texts : mapping of language to text
        The task in sentences, as it was issued.
    done_at : datetime or None
    help_at : datetime or None
        When the worker called for help there, which has not come yet.
    help_note : str
        What the worker wrote with it.
    """

    evacuation_id: str
    worker_id: str
    zone_id: str
    doors: int | None
    escort_persons: int | None
    before: datetime
    texts: dict[str, str]
    done_at: datetime | None
    help_at: datetime | None = None
    help_note: str = ""

    def is_late(self, now: datetime) -> bool:
        """Return whether the doors are not done `GRACE` after the first of the grid should have left."""
        return self.done_at is None and self.before + GRACE < now


@dataclass(frozen=True, slots=True)
class DoorProgress:
    """How far the workers are; a grid is done when everybody who was sent there has said so.

    Attributes
    ----------
    late : tuple of str
        Grids that are not done `GRACE` after their people should be leaving; none when the orders do not hold any more.
    without : tuple of str
        Grids that nobody could be sent to; known where the tasks were just issued, else empty.
    calls : tuple of DoorRound
        Where a worker needs help, the first call first.
    """

    grids: int
    done: int
    workers: int
    late: tuple[str, ...]
    without: tuple[str, ...] = ()
    calls: tuple[DoorRound, ...] = ()


def issue_door_tasks(workspace: Workspace, person: Person, evacuation_id: str) -> DoorProgress:
    """Give every worker on duty the tasks of an evacuation whose orders are given, in one step.

    Raises
    ------
    ConflictError
        The orders are not given or were called back, or the tasks were issued before.
    RightsError, RecordNotFoundError
        See `door_tasks_of`.
    """
    tasks, without = door_tasks_of(workspace, person, evacuation_id)
    status = read_evacuation(workspace, person, evacuation_id).status
    if status != ORDERED:
        raise ConflictError(f"evacuation {evacuation_id} is {status}: give its orders first, then issue the tasks")
    if next(_of_evacuation(workspace, evacuation_id), None) is not None:
        raise ConflictError(f"the door tasks of evacuation {evacuation_id} were issued before")
    orders, now = orders_of(workspace, person, evacuation_id).orders, workspace.now()
    by_worker: dict[str, list[tuple[DoorTask, dict[str, str]]]] = defaultdict(list)
    for task in tasks:
        by_worker[task.worker_id].append((task, {lang: task.text(lang, orders, now=now) for lang in LANGS}))
    events = [issued(evacuation_id, given, person.actor, now) for given in by_worker.values()]
    if events:
        workspace.store.append(events, expected_seq=0)
    return _progress(workspace, evacuation_id, without)


def door_progress(workspace: Workspace, person: Person, evacuation_id: str) -> DoorProgress:
    """Return how many grids of an evacuation have been told.

    Raises
    ------
    RightsError
        The person may not plan evacuations.
    RecordNotFoundError
        There is no such evacuation.
    """
    require(person, Right.EVACUATION_WRITE)
    holds = _holds(workspace, person, evacuation_id)
    told = _progress(workspace, evacuation_id)
    return told if holds else replace(told, late=())


def my_door_tasks(workspace: Workspace, person: Person) -> tuple[DoorRound, ...]:
    """Return this worker's tasks in evacuations whose orders hold, what is open and earliest first.

    Raises
    ------
    RightsError
        The person is no worker.
    """
    require(person, Right.TASK_READ)
    if not person.worker_id:
        return ()
    own = EntityFilter(worker_id=person.worker_id)
    rounds = [
        task
        for entity in newest_first(workspace.store, own, kind=KIND)
        if _holds(workspace, person, entity.state["evacuation_id"])
        for task in _tasks(entity)
    ]
    return tuple(sorted(rounds, key=lambda task: (task.done_at is not None, task.before, task.zone_id)))


def danger_of(workspace: Workspace, person: Person, evacuation_id: str, lang: Lang) -> str:
    """Return what people of an evacuation leave from: the kind of the hazard, with its name where it has one."""
    evacuation = read_evacuation(workspace, person, evacuation_id).evacuation
    hazard = read_hazard(workspace, person, evacuation.hazard_id).hazard
    kind = label(f"hazard.kind.{hazard.kind}", lang)
    return f"{hazard.name} · {kind}" if hazard.name else kind


def finish_door_task(workspace: Workspace, person: Person, evacuation_id: str, zone_id: str) -> DoorRound:
    """Put on record that this worker has told everybody in a grid; again is no fault.

    Raises
    ------
    RightsError
        The person is no worker.
    RecordNotFoundError
        The grid is not among this worker's tasks in that evacuation.
    MoveRefusedError
        The orders were called back or replaced.
    """
    task = _own_task(workspace, person, evacuation_id, zone_id)
    if task.done_at is not None:
        return task
    _check_holds(workspace, person, evacuation_id)
    event = done(evacuation_id, person.worker_id, zone_id, person.actor, workspace.now())
    workspace.store.append([event])
    return _own_task(workspace, person, evacuation_id, zone_id)


def call_for_help(
    workspace: Workspace, person: Person, evacuation_id: str, zone_id: str, *, note: str = "", wanted: bool = True
) -> DoorRound:
    """Put on record that this worker needs help in a grid (who has to be carried, who does not open), or not any more.

    Said again with the same words is no fault; other words take the place of the first.

    Raises
    ------
    ParameterError
        The note is too long.
    RightsError, RecordNotFoundError, MoveRefusedError
        See `finish_door_task`.
    """
    task, note = _own_task(workspace, person, evacuation_id, zone_id), note.strip()
    if len(note) > _LONGEST_NOTE:
        raise ParameterError(f"the note has {len(note)} characters; write at most {_LONGEST_NOTE}")
    if (task.help_at is not None, task.help_note) == (wanted, note if wanted else ""):
        return task
    _check_holds(workspace, person, evacuation_id)
    now = workspace.now()
    event = help_wanted(evacuation_id, person.worker_id, zone_id, person.actor, now, note=note, wanted=wanted)
    workspace.store.append([event])
    return _own_task(workspace, person, evacuation_id, zone_id)


def _own_task(workspace: Workspace, person: Person, evacuation_id: str, zone_id: str) -> DoorRound:
    require(person, Right.TASK_READ)
    entity = workspace.store.entity(entity_of(evacuation_id, person.worker_id))
    task = None if entity is None else next((one for one in _tasks(entity) if one.zone_id == zone_id), None)
    if task is None:
        raise RecordNotFoundError(f"grid {zone_id[:40]} is not among your tasks of evacuation {evacuation_id[:40]}")
    return task


def _of_evacuation(workspace: Workspace, evacuation_id: str) -> Iterator[Entity]:
    for entity in newest_first(workspace.store, None, kind=KIND):
        if entity.entity_id.startswith(f"{ENTITY}{evacuation_id}:"):
            yield entity


def _holds(workspace: Workspace, person: Person, evacuation_id: str) -> bool:
    return read_evacuation(workspace, person, evacuation_id).status == ORDERED


def _check_holds(workspace: Workspace, person: Person, evacuation_id: str) -> None:
    if not _holds(workspace, person, evacuation_id):
        raise refuse("doors_over", id=evacuation_id)


def _tasks(entity: Entity) -> list[DoorRound]:
    state: dict[str, Any] = entity.state
    told = {zone: parse_time(at) for zone, at in state["done"].items()}
    calls: dict[str, dict[str, str]] = state.get("help", {})
    return [
        DoorRound(
            state["evacuation_id"],
            state["worker_id"],
            task["zone_id"],
            task["doors"],
            task["escort_persons"],
            parse_time(task["before"]),
            task["texts"],
            told.get(task["zone_id"]),
            parse_time(calls[task["zone_id"]]["at"]) if task["zone_id"] in calls else None,
            calls.get(task["zone_id"], {}).get("note", ""),
        )
        for task in state["tasks"]
    ]


def _progress(workspace: Workspace, evacuation_id: str, without: tuple[str, ...] = ()) -> DoorProgress:
    rounds = [task for entity in _of_evacuation(workspace, evacuation_id) for task in _tasks(entity)]
    now = workspace.now()
    grids = {task.zone_id for task in rounds}
    waiting = {task.zone_id for task in rounds if task.done_at is None}
    late = {task.zone_id for task in rounds if task.is_late(now)}
    workers = len({task.worker_id for task in rounds})
    calls = sorted((task for task in rounds if task.help_at is not None), key=_call_order)
    return DoorProgress(len(grids), len(grids - waiting), workers, tuple(sorted(late)), without, tuple(calls))


def _call_order(task: DoorRound) -> tuple[str, str]:
    return ("" if task.help_at is None else task.help_at.isoformat(), task.zone_id)
