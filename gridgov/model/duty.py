"""在岗状态: what a grid worker says about themselves, as events of the worker: free, busy or off duty."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent, format_time
from gridgov.model.workers import WorkerStatus

ENTITY = "worker:"


def status_set(worker_id: str, status: WorkerStatus, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a worker is free, busy or off duty from now on."""
    return NewEvent(at, actor, "worker.status_set", ENTITY + worker_id, {"status": str(WorkerStatus(status))})


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return a worker's state after one more event.

    Raises
    ------
    ParameterError
        The kind of event is unknown.
    """
    if event.kind != "worker.status_set":
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no worker knows")
    worker_id = event.entity_id.removeprefix(ENTITY)
    return {"worker_id": worker_id, "status": event.payload["status"], "since": format_time(event.at)}
