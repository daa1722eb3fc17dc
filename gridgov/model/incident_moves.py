"""案件办理: the moves of an incident's life; each checks that it is legal and returns the event that makes it happen.

Every function takes the record as it is, who acts, and when, and raises `MoveRefusedError` with one sentence when the
state, the clock or the people involved do not allow the move. Nothing is changed here: the store appends the event and
`incident_life.apply` folds it. Computed values (deadlines, what is left of a limit) travel in the event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.clock import Clock, Limit, deadline, duration, elapsed
from gridgov.model.events import Event, NewEvent, format_time, parse_time
from gridgov.model.incident_life import BESIDE, MOVES, Action, allowed, apply, difference, refusal_code
from gridgov.model.incident_record import RUNNING, IncidentRecord, IncidentReport
from gridgov.model.incidents import IncidentKind
from gridgov.model.overrides import Decision, OverrideReason
from gridgov.model.refusals import refuse

MAX_TEXT_LENGTH = 4000
MAX_NAME_LENGTH = 200
_MS = timedelta(milliseconds=1)


def report(incident_id: str, given: IncidentReport, actor: str, at: datetime) -> NewEvent:
    """受理: the first event of an incident.

    Raises
    ------
    ParameterError
        The position is not on the globe, the severity is not 1 to 4, the class or the source is empty, a text is too
        long, or the report lies in the future.
    """
    _check_report(incident_id, given, at)
    reported_at = given.reported_at or at
    reporters = [replace(reporter, via=reporter.via or incident_id) for reporter in given.reporters]
    payload = {
        "kind": str(IncidentKind(given.kind)),
        "class_code": given.class_code,
        "severity": given.severity,
        "lon": round(given.lon, 7),
        "lat": round(given.lat, 7),
        "grid_code": given.grid_code,
        "street_code": given.street_code,
        "community_code": given.community_code,
        "agency": given.agency,
        "source": given.source,
        "description": given.description,
        "reporters": [reporter.to_dict() for reporter in reporters],
        "reported_at": format_time(reported_at),
        "address": given.address,
        "photos": list(given.photos),
    }
    return NewEvent(at, actor, "incident.reported", incident_id, payload)


def file(
    record: IncidentRecord,
    actor: str,
    at: datetime,
    *,
    condition: str = "",
    agency: str | None = None,
    class_code: str | None = None,
    severity: int | None = None,
) -> NewEvent:
    """立案: take the incident on; whoever files it may correct class, severity and agency."""
    check_move(record, Action.FILE, at)
    if severity is not None:
        check_severity(severity, record.id)
    payload = {
        "condition": condition,
        "agency": record.agency if agency is None else agency,
        "class_code": class_code or record.class_code,
        "severity": record.severity if severity is None else severity,
    }
    return move_event(record, Action.FILE, actor, at, payload)


def reject(record: IncidentRecord, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """不予立案: refuse it before filing."""
    check_move(record, Action.REJECT, at, reason)
    return move_event(record, Action.REJECT, actor, at, {"reason": reason})


def dispatch(
    record: IncidentRecord,
    actor: str,
    at: datetime,
    *,
    handler: str,
    limit: Limit,
    clock: Clock,
    decision: Decision | None = None,
) -> NewEvent:
    """派遣: give it to a handler. The first dispatch starts the clock; a later one changes the handler only.

    The limit and the deadline of the first dispatch stand: `limit` is then not looked at. A `decision` for
    somebody else than was proposed needs its reason.
    """
    check_move(record, Action.DISPATCH, at)
    if not handler:
        raise ParameterError(f"incident {record.id} cannot be dispatched to nobody: give a handler")
    if handler == record.handler and record.state in RUNNING:
        raise refuse("same_handler", id=record.id, person=handler)
    payload: dict[str, Any] = {"handler": handler}
    if decision is not None:
        _check_decision(record, decision, handler)
        payload |= decision.payload(handler)
    if record.clock_started_at is None:
        total = duration(limit, clock.calendar)
        moments = deadline(at, total, total, limit.unit, clock)
        payload["clock"] = {
            "clock_started_at": format_time(at),
            "limit": limit.to_dict(),
            "limit_ms": total // _MS,
            "due_at": format_time(moments.due_at),
            "warn_at": format_time(moments.warn_at),
        }
    return move_event(record, Action.DISPATCH, actor, at, payload)


def _check_decision(record: IncidentRecord, decision: Decision, handler: str) -> None:
    """Refuse somebody else than proposed without a reason, and a reason that is none."""
    if not decision.overrides(handler):
        return
    if decision.reason_code not in set(OverrideReason):
        raise refuse("no_override_reason", id=record.id, person=handler, proposed=decision.proposal.worker_id)
    if decision.reason_code == OverrideReason.OTHER and not decision.reason.strip():
        raise refuse("no_override_words", id=record.id, person=handler, proposed=decision.proposal.worker_id)
    check_text(decision.reason, record.id)


def undo_dispatch(record: IncidentRecord, history: Sequence[Event], actor: str, at: datetime) -> NewEvent:
    """撤销派遣: put everything back to what it was before the last dispatch, by one more event.

    Parameters
    ----------
    record : IncidentRecord
    history : sequence of Event
        All events of this incident, in order; notes after the dispatch do not bar the undo.

    Raises
    ------
    MoveRefusedError
        Something else than notes has happened since the dispatch.
    ParameterError
        The history is not that of the record.
    """
    check_move(record, Action.UNDO_DISPATCH, at)
    if len(history) != record.version or any(event.entity_id != record.id for event in history):
        raise ParameterError(
            f"incident {record.id} has seen {record.version} events, not the {len(history)} given: load it again"
        )
    place = max(n for n, event in enumerate(history) if event.kind == MOVES[Action.DISPATCH].event)
    before: dict[str, Any] | None = None
    for event in history[:place]:
        before = apply(before, event)
    assert before is not None  # a dispatch is never the first event
    payload = {"undoes": history[place].seq, "restores": difference(before, record.to_dict())}
    return move_event(record, Action.UNDO_DISPATCH, actor, at, payload)


def accept(record: IncidentRecord, actor: str, at: datetime) -> NewEvent:
    """接单: the handler has begun."""
    check_move(record, Action.ACCEPT, at)
    return move_event(record, Action.ACCEPT, actor, at, {})


def arrive(record: IncidentRecord, actor: str, at: datetime) -> NewEvent:
    """到达: the handler is on the spot."""
    check_move(record, Action.ARRIVE, at)
    return move_event(record, Action.ARRIVE, actor, at, {})


def resolve(
    record: IncidentRecord, actor: str, at: datetime, *, clock: Clock, note: str = "", photos: Sequence[str] = ()
) -> NewEvent:
    """反馈: the handling is done; the clock stops."""
    check_move(record, Action.RESOLVE, at)
    check_text(note, record.id)
    payload = {"note": note, "photos": list(photos), "left_ms": left_ms(record, at, clock)}
    return move_event(record, Action.RESOLVE, actor, at, payload)


def verify(
    record: IncidentRecord,
    actor: str,
    at: datetime,
    *,
    passed: bool,
    clock: Clock,
    checker: str = "",
    note: str = "",
) -> NewEvent:
    """核查: somebody else than the handler looks whether it is done; if not, it goes back as `rework`.

    Parameters
    ----------
    checker : str
        Who looked; default the actor. Neither the handler nor who reported the handling done may be it.
    note : str
        What was found; needed when the check failed.
    """
    check_move(record, Action.VERIFY, at)
    people = {person for person in (checker or actor, actor) if person in {record.handler, record.resolved_by}}
    if people:
        raise refuse("handler_checks", id=record.id, person=min(people))
    if not passed:
        return rework(record, actor, at, reason=note, clock=clock)
    check_text(note, record.id)
    return move_event(record, Action.VERIFY, actor, at, {"checker": checker or actor, "note": note})


def rework(record: IncidentRecord, actor: str, at: datetime, *, reason: str, clock: Clock) -> NewEvent:
    """返工: the handling has to be done again, with what was left of the limit; the check's time is not counted."""
    check_move(record, Action.REWORK, at, reason)
    if actor in {record.handler, record.resolved_by}:
        raise refuse("handler_checks", id=record.id, person=actor)
    return move_event(record, Action.REWORK, actor, at, {"reason": reason, **continued(record, at, clock)})


def close(record: IncidentRecord, actor: str, at: datetime, *, note: str = "") -> NewEvent:
    """结案: the end of an incident that was handled and checked."""
    check_move(record, Action.CLOSE, at)
    check_text(note, record.id)
    return move_event(record, Action.CLOSE, actor, at, {"note": note})


def void(record: IncidentRecord, actor: str, at: datetime, *, reason: str) -> NewEvent:
    """作废: the end of an incident that was none."""
    check_move(record, Action.VOID, at, reason)
    return move_event(record, Action.VOID, actor, at, {"reason": reason})


def check_move(record: IncidentRecord, action: Action, at: datetime, reason: str | None = None) -> None:
    """Refuse a move that the state does not allow, that goes back in time, or that lacks the reason it needs."""
    if (code := refusal_code(record, action)) is not None:
        raise refuse(
            code,
            id=record.id,
            state=str(record.state),
            action=str(action),
            allowed=" ".join(possible for possible in allowed(record) if possible is not Action.UNMASK),
            into=record.merged_into,
        )
    moment = format_time(at)  # refuses a time without its zone
    if at < record.updated_at:
        raise refuse("earlier", id=record.id, at=moment, last=format_time(record.updated_at))
    if reason is not None:
        if not reason.strip():
            raise refuse("no_reason", id=record.id, action=str(action))
        check_text(reason, record.id)


def check_text(text: str, incident_id: str, longest: int = MAX_TEXT_LENGTH) -> None:
    """Refuse a text that is too long to be one."""
    if len(text) > longest:
        raise ParameterError(f"a text for incident {incident_id} has {len(text)} characters: give at most {longest}")


def move_event(record: IncidentRecord, action: Action, actor: str, at: datetime, payload: dict[str, Any]) -> NewEvent:
    """Return the event of an action; it holds for this version of the record only, unless it changes nothing."""
    version = {} if action in BESIDE else {"record_version": record.version}
    return NewEvent(at, actor, MOVES[action].event, record.id, {**payload, **version})


def left_ms(record: IncidentRecord, at: datetime, clock: Clock) -> int | None:
    """Return what is left of the limit in counted milliseconds, negative when late; None before the clock starts."""
    if record.due_at is None or record.limit is None:
        return None
    return round(elapsed(at, record.due_at, record.limit.unit, clock.calendar) / _MS)


def continued(record: IncidentRecord, at: datetime, clock: Clock) -> dict[str, str]:
    """Return the deadline when a stopped clock goes on; empty when none had started or the limit was used up."""
    if record.limit is None or record.left_ms is None or record.left_ms <= 0:
        return {}
    moments = deadline(at, record.left_ms * _MS, record.limit_ms * _MS, record.limit.unit, clock)
    return {"due_at": format_time(moments.due_at), "warn_at": format_time(moments.warn_at)}


def _check_report(incident_id: str, given: IncidentReport, at: datetime) -> None:
    if not (math.isfinite(given.lon) and math.isfinite(given.lat) and abs(given.lon) <= 180 and abs(given.lat) <= 90):
        raise ParameterError(
            f"the position {given.lon}, {given.lat} of incident {incident_id} is not on the globe: "
            "give degrees of longitude and latitude"
        )
    if not given.class_code or not given.source:
        raise ParameterError(f"incident {incident_id} has no class or no source: give both")
    if given.kind not in set(IncidentKind):
        raise ParameterError(f"incident {incident_id} is of the kind '{given.kind}': give event or component")
    for name, moment in (("", given.reported_at), *((reporter.name, reporter.at) for reporter in given.reporters)):
        if moment is not None and parse_time(format_time(moment)) > at:
            raise ParameterError(
                f"incident {incident_id} was reported {name and f'by {name} '}at {format_time(moment)}, "
                "which is in the future: correct the time"
            )
    check_severity(given.severity, incident_id)
    check_text(given.description, incident_id)
    check_text(given.address, incident_id, MAX_NAME_LENGTH)
    for text in (given.class_code, given.source, *(part for who in given.reporters for part in (who.name, who.phone))):
        check_text(text, incident_id, MAX_NAME_LENGTH)


def check_severity(severity: int, incident_id: str) -> None:
    """Refuse a severity other than 1 to 4."""
    if isinstance(severity, bool) or not isinstance(severity, int) or not 1 <= severity <= 4:
        raise ParameterError(f"the severity {severity} of incident {incident_id} is not one of 1, 2, 3, 4 (4 is worst)")
