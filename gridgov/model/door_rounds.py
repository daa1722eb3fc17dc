"""敲门任务: the grids at whose doors one worker knocks in an evacuation, as events: issued, help, done by grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent, format_time
from gridgov.model.orders import DoorTask

ENTITY = "door_tasks:"
OPEN = "open"
DONE = "done"


def entity_of(evacuation_id: str, worker_id: str) -> str:
    """Return the id of a worker's round in an evacuation."""
    return f"{ENTITY}{evacuation_id}:{worker_id}"


def issued(evacuation_id: str, tasks: Sequence[tuple[DoorTask, Mapping[str, str]]], actor: str, at: Any) -> NewEvent:
    """Return the event by which a worker gets tasks, each with its sentences by language."""
    worker_id = tasks[0][0].worker_id
    rows = [
        {
            "zone_id": task.zone_id,
            "reason": task.reason,
            "doors": task.doors,
            "escort_persons": task.escort_persons,
            "before": format_time(task.before),
            "shelter_ids": list(task.shelter_ids),
            "texts": dict(texts),
        }
        for task, texts in tasks
    ]
    given = {"evacuation_id": evacuation_id, "worker_id": worker_id, "tasks": rows}
    return NewEvent(at, actor, "door_tasks.issued", entity_of(evacuation_id, worker_id), given)


def done(evacuation_id: str, worker_id: str, zone_id: str, actor: str, at: datetime) -> NewEvent:
    """Return the event by which everybody in a grid has been told."""
    return NewEvent(at, actor, "door_tasks.done", entity_of(evacuation_id, worker_id), {"zone_id": zone_id})


def help_wanted(
    evacuation_id: str, worker_id: str, zone_id: str, actor: str, at: datetime, *, note: str = "", wanted: bool = True
) -> NewEvent:
    """Return the event by which a worker calls for help in a grid, or says that it is not needed any more."""
    given = {"zone_id": zone_id, "wanted": wanted, **({"note": note} if note else {})}
    return NewEvent(at, actor, "door_tasks.help", entity_of(evacuation_id, worker_id), given)


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return a worker's round after one more event.

    Raises
    ------
    ParameterError
        The kind of event is unknown, or cannot happen in that state.
    """
    if event.kind == "door_tasks.issued":
        if state is not None:
            raise ParameterError(f"the tasks of {event.entity_id} were issued before")
        return {**event.payload, "status": OPEN, "issued_at": format_time(event.at), "done": {}}
    if event.kind not in {"door_tasks.done", "door_tasks.help"} or state is None:
        raise ParameterError(f"event {event.seq} ({event.kind}) cannot happen to '{event.entity_id}'")
    zone_id = event.payload["zone_id"]
    if zone_id not in {task["zone_id"] for task in state["tasks"]}:
        raise ParameterError(f"event {event.seq}: grid {zone_id} is not among the tasks of {event.entity_id}")
    if event.kind == "door_tasks.help":
        calls = {zone: call for zone, call in state.get("help", {}).items() if zone != zone_id}
        if event.payload["wanted"]:
            calls[zone_id] = {"at": format_time(event.at), "note": event.payload.get("note", "")}
        return {**state, "help": calls}
    told = {zone_id: format_time(event.at), **state["done"]}
    return {**state, "done": told, "status": DONE if len(told) == len(state["tasks"]) else OPEN}
