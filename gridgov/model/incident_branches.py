"""案件支线: the moves beside the main line: suspension, extension, escalation, reminders and notes.

The same rules as in `incident_moves` hold: each function checks the move and returns its event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gridgov.model.clock import Clock, Limit, after, deadline, due_reminders, duration, elapsed
from gridgov.model.events import NewEvent, format_time
from gridgov.model.incident_life import Action
from gridgov.model.incident_moves import check_move, continued, left_ms, move_event
from gridgov.model.incident_record import RUNNING, IncidentRecord
from gridgov.model.refusals import refuse

_MS = timedelta(milliseconds=1)


def suspend(record: IncidentRecord, actor: str, at: datetime, *, reason: str, clock: Clock) -> NewEvent:
    """挂账: let it rest for a reason; the clock stops."""
    check_move(record, Action.SUSPEND, at, reason)
    payload = {"reason": reason, "left_ms": left_ms(record, at, clock)}
    return move_event(record, Action.SUSPEND, actor, at, payload)


def resume(record: IncidentRecord, actor: str, at: datetime, *, clock: Clock) -> NewEvent:
    """Take a suspended incident up where it rested, with what was left of its limit."""
    check_move(record, Action.RESUME, at)
    return move_event(record, Action.RESUME, actor, at, continued(record, at, clock))


def request_extension(record: IncidentRecord, actor: str, at: datetime, *, limit: Limit, reason: str) -> NewEvent:
    """申请延期: ask for more time, counted like the limit itself (work time, or round the clock)."""
    check_move(record, Action.REQUEST_EXTENSION, at, reason)
    own = record.limit
    if own is not None and own.unit.counts_work_time != limit.unit.counts_work_time:
        raise refuse("extension_unit", id=record.id, unit=str(own.unit), given=str(limit.unit))
    return move_event(record, Action.REQUEST_EXTENSION, actor, at, {"limit": limit.to_dict(), "reason": reason})


def grant_extension(record: IncidentRecord, actor: str, at: datetime, *, clock: Clock) -> NewEvent:
    """同意延期: move the deadline by what was asked for; whoever asked may not grant it."""
    check_move(record, Action.GRANT_EXTENSION, at)
    _check_decider(record, actor)
    return move_event(record, Action.GRANT_EXTENSION, actor, at, _extended(record, at, clock))


def refuse_extension(record: IncidentRecord, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """不同意延期: the deadline stands."""
    check_move(record, Action.REFUSE_EXTENSION, at, reason)
    _check_decider(record, actor)
    return move_event(record, Action.REFUSE_EXTENSION, actor, at, {"reason": reason})


def escalate(record: IncidentRecord, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """转应急: it is an emergency; its state and its deadline stay."""
    check_move(record, Action.ESCALATE, at, reason)
    return move_event(record, Action.ESCALATE, actor, at, {"reason": reason})


def deescalate(record: IncidentRecord, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """转回日常: it is no emergency any more."""
    check_move(record, Action.DEESCALATE, at, reason)
    return move_event(record, Action.DEESCALATE, actor, at, {"reason": reason})


def note(record: IncidentRecord, actor: str, at: datetime, *, text: str, photos: Sequence[str] = ()) -> NewEvent:
    """备注: write something into the timeline; possible in every state."""
    check_move(record, Action.NOTE, at, text)
    return move_event(record, Action.NOTE, actor, at, {"text": text, "photos": list(photos)})


def unmask(record: IncidentRecord, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """查看举报人: note that somebody looks at the reporters' names and phone numbers, and why."""
    check_move(record, Action.UNMASK, at, reason)
    return move_event(record, Action.UNMASK, actor, at, {"reason": reason})


def imported(record: IncidentRecord, actor: str, at: datetime) -> NewEvent:
    """导入: the first event of an incident that comes from a file, with the state that the file gives it."""
    return NewEvent(at, actor, "incident.imported", record.id, {"record": record.to_dict(), "layer": record.layer})


def reminders_due(record: IncidentRecord, now: datetime, clock: Clock) -> tuple[str, ...]:
    """Return the codes of the reminders to send now: each once for a deadline, none while the clock rests."""
    used = record.used_share(now, clock)
    if used is None or record.state not in RUNNING or record.is_merged:
        return ()
    return due_reminders(used, record.reminders, clock.reminders)


def remind(record: IncidentRecord, actor: str, at: datetime, *, clock: Clock) -> NewEvent:
    """催办: note that the reminders due now are sent; a second call at the same moment is refused."""
    check_move(record, Action.REMIND, at)
    codes = reminders_due(record, at, clock)
    if not codes:
        raise refuse("no_reminder", id=record.id)
    return move_event(record, Action.REMIND, actor, at, {"codes": list(codes)})


def _check_decider(record: IncidentRecord, actor: str) -> None:
    pending = record.pending_extension
    if pending is not None and actor in {pending.by, record.handler}:
        raise refuse("own_extension", id=record.id, person=actor)


def _extended(record: IncidentRecord, at: datetime, clock: Clock) -> dict[str, Any]:
    """Return the payload of a granted extension: the old deadline plus what was asked for."""
    pending, own = record.pending_extension, record.limit
    if pending is None or own is None or record.due_at is None:
        raise refuse("no_extension", id=record.id)
    extra, unit = duration(pending.limit, clock.calendar), own.unit
    total = record.limit_ms * _MS + extra
    due = after(record.due_at, extra, unit, clock.calendar)
    left = elapsed(at, due, unit, clock.calendar)
    warn = deadline(at, left, total, unit, clock).warn_at
    return {
        "limit_ms": total // _MS,
        "due_at": format_time(due),
        "warn_at": format_time(min(warn, due)),
    }
