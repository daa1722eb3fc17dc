"""案件的一生: which move leads from which state to which, what is allowed now, and the fold of events into a record.

The table `MOVES` is the whole life: 受理 → 立案 → 派遣 → 处置 → 反馈 → 核查 → 结案 with its side branches. The fold
reads no clock, no calendar and no profile: an event carries every value that was computed when it was made, so a replay
gives the same record whatever has been changed in the profiles since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError
from gridgov.model.events import Event, format_time, plain_json
from gridgov.model.incident_record import BOOKKEEPING, RUNNING, IncidentRecord
from gridgov.model.incidents import IncidentKind, IncidentState

_S = IncidentState
_OPEN = frozenset(state for state in _S if state.is_open)


class Action(StrEnum):
    """What can be done with an incident."""

    FILE = "file"
    REJECT = "reject"
    DISPATCH = "dispatch"
    UNDO_DISPATCH = "undo_dispatch"
    ACCEPT = "accept"
    ARRIVE = "arrive"
    RESOLVE = "resolve"
    VERIFY = "verify"
    REWORK = "rework"
    CLOSE = "close"
    VOID = "void"
    SUSPEND = "suspend"
    RESUME = "resume"
    REQUEST_EXTENSION = "request_extension"
    GRANT_EXTENSION = "grant_extension"
    REFUSE_EXTENSION = "refuse_extension"
    ESCALATE = "escalate"
    DEESCALATE = "deescalate"
    MERGE = "merge"
    ABSORB = "absorb"
    UNMERGE = "unmerge"
    REMIND = "remind"
    NOTE = "note"
    UNMASK = "unmask"


@dataclass(frozen=True, slots=True)
class Move:
    """The event that an action makes, the states it may start from, and where it leads (None: nowhere else)."""

    event: str
    origins: frozenset[IncidentState]
    target: IncidentState | None = None


MOVES: Mapping[Action, Move] = {
    Action.FILE: Move("incident.filed", frozenset({_S.REPORTED}), _S.FILED),
    Action.REJECT: Move("incident.rejected", frozenset({_S.REPORTED}), _S.REJECTED),
    Action.DISPATCH: Move("incident.dispatched", RUNNING | {_S.FILED}, _S.DISPATCHED),
    Action.UNDO_DISPATCH: Move("undo", frozenset({_S.DISPATCHED})),  # back to where the dispatch came from
    Action.ACCEPT: Move("incident.accepted", frozenset({_S.DISPATCHED, _S.REWORK}), _S.IN_PROGRESS),
    Action.ARRIVE: Move("incident.arrived", frozenset({_S.IN_PROGRESS})),
    Action.RESOLVE: Move("incident.resolved", frozenset({_S.IN_PROGRESS}), _S.RESOLVED),
    Action.VERIFY: Move("incident.verified", frozenset({_S.RESOLVED}), _S.VERIFIED),
    Action.REWORK: Move("incident.reworked", frozenset({_S.RESOLVED, _S.VERIFIED}), _S.REWORK),
    Action.CLOSE: Move("incident.closed", frozenset({_S.VERIFIED}), _S.CLOSED),
    Action.VOID: Move("incident.voided", RUNNING | {_S.REPORTED, _S.FILED, _S.SUSPENDED}, _S.VOID),
    Action.SUSPEND: Move("incident.suspended", RUNNING | {_S.FILED}, _S.SUSPENDED),
    Action.RESUME: Move("incident.resumed", frozenset({_S.SUSPENDED})),  # back to where the suspension came from
    Action.REQUEST_EXTENSION: Move("incident.extension_requested", RUNNING),
    Action.GRANT_EXTENSION: Move("incident.extension_granted", RUNNING),
    Action.REFUSE_EXTENSION: Move("incident.extension_refused", RUNNING),
    Action.ESCALATE: Move("incident.escalated", _OPEN),
    Action.DEESCALATE: Move("incident.deescalated", _OPEN),
    Action.MERGE: Move("incident.merged", frozenset({_S.REPORTED, _S.FILED, _S.DISPATCHED}), _S.VOID),
    Action.ABSORB: Move("incident.merged", RUNNING | {_S.REPORTED, _S.FILED, _S.SUSPENDED}),
    Action.UNMERGE: Move("incident.unmerged", frozenset({_S.VOID})),  # back to where the merging came from
    Action.REMIND: Move("incident.reminded", RUNNING),
    Action.NOTE: Move("incident.noted", frozenset(_S)),
    Action.UNMASK: Move("incident.unmasked", frozenset(_S)),  # somebody looked at the reporters' names
}

# They stand in the log and change nothing; they hold for every version of the record and bar no undo.
BESIDE = frozenset({Action.NOTE, Action.UNMASK})

# What must hold besides the state: the code of the refusal where it does not.
_CONDITIONS: Mapping[Action, tuple[str, Callable[[IncidentRecord], bool]]] = {
    Action.UNDO_DISPATCH: ("undo", lambda record: record.last_event == "incident.dispatched"),
    Action.ARRIVE: ("arrived", lambda record: record.arrived_at is None),
    Action.REQUEST_EXTENSION: ("extension_pending", lambda record: record.pending_extension is None),
    Action.GRANT_EXTENSION: ("no_extension", lambda record: record.pending_extension is not None),
    Action.REFUSE_EXTENSION: ("no_extension", lambda record: record.pending_extension is not None),
    Action.ESCALATE: ("emergency", lambda record: not record.emergency),
    Action.DEESCALATE: ("no_emergency", lambda record: record.emergency),
    Action.UNMERGE: ("not_merged", lambda record: record.is_merged),
}


def allowed(record: IncidentRecord) -> tuple[Action, ...]:
    """Return the actions that the incident's state allows now, in the order of `Action`; rights are another matter."""
    return tuple(action for action in Action if refusal_code(record, action) is None)


def refusal_code(record: IncidentRecord, action: Action) -> str | None:
    """Return why an action is not possible (the code of a text ``incident.refused.<code>``), or None if it is."""
    if record.is_merged and action not in {Action.UNMERGE, *BESIDE}:
        return "merged"
    if record.state not in MOVES[action].origins:
        return "state"
    code, holds = _CONDITIONS.get(action, ("", _always))
    return None if holds(record) else code


def _always(record: IncidentRecord) -> bool:
    return True


def apply(record: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return an incident's record (plain form) after one more event; the given record is not changed.

    Events are trusted: whether a move is legal was decided when its event was made (`incident_moves`), for the version
    of the record that the event names. So two people who act on the same record at once cannot both succeed.

    Raises
    ------
    RecordNotFoundError
        The first event of an incident is not its report.
    ConflictError
        The event was made for another version of the record.
    ParameterError
        The kind of event is unknown, or a report is there already.
    """
    if event.kind in {"incident.reported", "incident.imported"}:
        if record is not None:
            raise ParameterError(f"incident {event.entity_id} exists already (event {event.seq})")
        return _reported(event) if event.kind == "incident.reported" else _imported(event)
    if record is None:
        raise RecordNotFoundError(
            f"event {event.seq} ({event.kind}) is about incident {event.entity_id}, which was never reported"
        )
    if event.kind not in _FOLDS:
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no incident knows")
    if event.payload.get("record_version", record["version"]) != record["version"]:
        raise ConflictError(
            f"incident {event.entity_id} has changed since it was read (version {event.payload['record_version']}, "
            f"now {record['version']}): load it again"
        )
    changes = _FOLDS[event.kind](record, event)
    after = {**record, **changes, "updated_at": format_time(event.at), "version": record["version"] + 1}
    if event.kind not in _BESIDE_EVENTS:
        after["last_event"] = event.kind
    after["worker_id"] = after["handler"]
    return after


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of `old` wherever `new` has others, bookkeeping left out: what an undo has to restore."""
    return {name: old[name] for name in sorted(old) if name not in BOOKKEEPING and old[name] != new[name]}


Plain = dict[str, Any]


def _reported(event: Event) -> Plain:
    given = event.payload
    record = IncidentRecord(
        id=event.entity_id,
        kind=IncidentKind(given["kind"]),
        class_code=given["class_code"],
        state=_S.REPORTED,
        severity=given["severity"],
        lon=given["lon"],
        lat=given["lat"],
        reported_at=event.at,
        updated_at=event.at,
        last_event=event.kind,
        version=1,
    )
    plain: Plain = plain_json({**record.to_dict(), **given})
    return plain


def _imported(event: Event) -> Plain:
    """An incident of a file comes with the state that the file gives it."""
    return dict(event.payload["record"])


def _filed(record: Plain, event: Event) -> Plain:
    given = {name: event.payload[name] for name in ("condition", "agency", "class_code", "severity")}
    return {**given, "state": str(_S.FILED), "filed_at": format_time(event.at)}


def _ended(state: IncidentState) -> Callable[[Plain, Event], Plain]:
    def fold(record: Plain, event: Event) -> Plain:
        ended = {"state": str(state), "end_reason": event.payload["reason"]}
        return {**ended, **_rest_ended(record, event)} if record["return_state"] else ended

    return fold


def _rest_ended(record: Plain, event: Event) -> Plain:
    last = {**record["suspensions"][-1], "ended_at": format_time(event.at)}
    return {"return_state": None, "left_ms": None, "suspensions": [*record["suspensions"][:-1], last]}


def _dispatched(record: Plain, event: Event) -> Plain:
    clock = event.payload.get("clock") or {}  # only the first dispatch starts it
    return {
        **clock,
        "state": str(_S.DISPATCHED),
        "handler": event.payload["handler"],
        "dispatched_at": format_time(event.at),
        "accepted_at": None,
        "arrived_at": None,
    }


def _accepted(record: Plain, event: Event) -> Plain:
    return {"state": str(_S.IN_PROGRESS), "accepted_at": format_time(event.at)}


def _arrived(record: Plain, event: Event) -> Plain:
    return {"arrived_at": format_time(event.at)}


def _resolved(record: Plain, event: Event) -> Plain:
    return {
        "state": str(_S.RESOLVED),
        "resolved_at": format_time(event.at),
        "resolved_by": event.actor,
        "resolution": event.payload["note"],
        "left_ms": event.payload["left_ms"],
    }


def _verified(record: Plain, event: Event) -> Plain:
    return {"state": str(_S.VERIFIED), "verified_at": format_time(event.at), "checker": event.payload["checker"]}


def _reworked(record: Plain, event: Event) -> Plain:
    return {
        **_deadline(event),
        "state": str(_S.REWORK),
        "rework_count": record["rework_count"] + 1,
        "accepted_at": None,
        "arrived_at": None,
        "resolved_at": None,
        "verified_at": None,
        "checker": "",
        "resolved_by": "",
        "resolution": "",
        "left_ms": None,
    }


def _closed(record: Plain, event: Event) -> Plain:
    return {"state": str(_S.CLOSED), "closed_at": format_time(event.at)}


def _suspended(record: Plain, event: Event) -> Plain:
    entry = {"at": format_time(event.at), "by": event.actor, "reason": event.payload["reason"], "ended_at": None}
    return {
        "state": str(_S.SUSPENDED),
        "return_state": record["state"],
        "suspensions": [*record["suspensions"], entry],
        "left_ms": event.payload["left_ms"],
    }


def _resumed(record: Plain, event: Event) -> Plain:
    return {**_deadline(event), **_rest_ended(record, event), "state": record["return_state"]}


def _extension_requested(record: Plain, event: Event) -> Plain:
    entry = {
        "at": format_time(event.at),
        "by": event.actor,
        "reason": event.payload["reason"],
        "limit": event.payload["limit"],
        "granted": None,
        "decided_at": None,
        "decided_by": "",
    }
    return {"extensions": [*record["extensions"], entry]}


def _decided(record: Plain, event: Event, granted: bool) -> list[Plain]:
    decision = {"granted": granted, "decided_at": format_time(event.at), "decided_by": event.actor}
    return [*record["extensions"][:-1], {**record["extensions"][-1], **decision}]


def _extension_granted(record: Plain, event: Event) -> Plain:
    return {
        **_deadline(event),
        "limit_ms": event.payload["limit_ms"],
        "extensions": _decided(record, event, True),
        "reminders": [],  # they were about a deadline that is no more
    }


def _extension_refused(record: Plain, event: Event) -> Plain:
    return {"extensions": _decided(record, event, False)}


def _escalated(record: Plain, event: Event) -> Plain:
    return {"emergency": True}


def _deescalated(record: Plain, event: Event) -> Plain:
    return {"emergency": False}


def _merged(record: Plain, event: Event) -> Plain:
    if into := event.payload.get("into"):
        return {"state": str(_S.VOID), "return_state": record["state"], "merged_into": into}
    return {
        "reporters": [*record["reporters"], *event.payload["reporters"]],
        "merged_from": [*record["merged_from"], event.payload["duplicate"]],
    }


def _unmerged(record: Plain, event: Event) -> Plain:
    if event.payload.get("from"):
        return {"state": record["return_state"], "return_state": None, "merged_into": ""}
    gone = set(event.payload["via"])
    return {
        "reporters": [reporter for reporter in record["reporters"] if reporter["via"] not in gone],
        "merged_from": [other for other in record["merged_from"] if other != event.payload["duplicate"]],
    }


def _reminded(record: Plain, event: Event) -> Plain:
    return {"reminders": [*record["reminders"], *event.payload["codes"]]}


def _beside(record: Plain, event: Event) -> Plain:
    return {}  # it stands in the log; the timeline shows it


def _undone(record: Plain, event: Event) -> Plain:
    return dict(event.payload["restores"])


def _deadline(event: Event) -> Plain:
    return {name: event.payload[name] for name in ("due_at", "warn_at") if event.payload.get(name)}


_FOLDS: Mapping[str, Callable[[Plain, Event], Plain]] = {
    "incident.filed": _filed,
    "incident.rejected": _ended(_S.REJECTED),
    "incident.dispatched": _dispatched,
    "incident.accepted": _accepted,
    "incident.arrived": _arrived,
    "incident.resolved": _resolved,
    "incident.verified": _verified,
    "incident.reworked": _reworked,
    "incident.closed": _closed,
    "incident.voided": _ended(_S.VOID),
    "incident.suspended": _suspended,
    "incident.resumed": _resumed,
    "incident.extension_requested": _extension_requested,
    "incident.extension_granted": _extension_granted,
    "incident.extension_refused": _extension_refused,
    "incident.escalated": _escalated,
    "incident.deescalated": _deescalated,
    "incident.merged": _merged,
    "incident.unmerged": _unmerged,
    "incident.reminded": _reminded,
    "incident.noted": _beside,
    "incident.unmasked": _beside,
    "undo": _undone,
}
_BESIDE_EVENTS = frozenset(MOVES[action].event for action in BESIDE)
