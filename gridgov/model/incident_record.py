"""案件: the present state of one incident as a frozen record, and its plain form for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from gridgov.model.clock import Clock, Lamp, Limit, elapsed, lamp
from gridgov.model.events import canonical_json, format_time, parse_time, plain_json
from gridgov.model.incidents import IncidentKind, IncidentState

RUNNING = frozenset({IncidentState.DISPATCHED, IncidentState.IN_PROGRESS, IncidentState.REWORK})
BOOKKEEPING = frozenset({"version", "updated_at", "last_event"})
_TIMES = frozenset(
    {
        "reported_at", "filed_at", "dispatched_at", "accepted_at", "arrived_at", "resolved_at", "verified_at",
        "closed_at", "clock_started_at", "due_at", "warn_at", "updated_at",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reported it, when, and `via` which incident (a merged duplicate keeps its own reporters)."""

    name: str
    phone: str
    at: datetime
    via: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"name": self.name, "phone": self.phone, "at": format_time(self.at), "via": self.via}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Reporter:
        """Read what `to_dict` wrote."""
        return cls(data["name"], data["phone"], parse_time(data["at"]), data["via"])


@dataclass(frozen=True, slots=True)
class Suspension:
    """挂账: from when, by whom and why the handling rested; `ended_at` is None while it does."""

    at: datetime
    by: str
    reason: str
    ended_at: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        ended = None if self.ended_at is None else format_time(self.ended_at)
        return {"at": format_time(self.at), "by": self.by, "reason": self.reason, "ended_at": ended}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Suspension:
        """Read what `to_dict` wrote."""
        return cls(parse_time(data["at"]), data["by"], data["reason"], _time(data["ended_at"]))


@dataclass(frozen=True, slots=True)
class Extension:
    """延期: what was asked for and what was decided; `granted` is None while nobody has."""

    at: datetime
    by: str
    reason: str
    limit: Limit
    granted: bool | None = None
    decided_at: datetime | None = None
    decided_by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "at": format_time(self.at),
            "by": self.by,
            "reason": self.reason,
            "limit": self.limit.to_dict(),
            "granted": self.granted,
            "decided_at": None if self.decided_at is None else format_time(self.decided_at),
            "decided_by": self.decided_by,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Extension:
        """Read what `to_dict` wrote."""
        limit = Limit.from_dict(data["limit"])
        decided_at = _time(data["decided_at"])
        return cls(
            parse_time(data["at"]), data["by"], data["reason"], limit, data["granted"], decided_at, data["decided_by"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRecord:
    """One incident now: a fold of its events (`incident_life.apply`).

    Times are aware UTC. The times of a stage that was left backwards (rework, another dispatch) are None again; the
    log keeps them.

    Attributes
    ----------
    condition : str
        The condition of its class that was found at filing; it decides the limit.
    clock_started_at : datetime | None
        The first dispatch: the limit counts from here.
    limit : Limit | None
        As set at the first dispatch; `limit_ms` is what is counted in all, extensions included.
    due_at, warn_at : datetime | None
        Deadline of the handling and when its lamp turns yellow. They stand as they were while the clock rests.
    left_ms : int | None
        What was left of the limit when the clock was stopped (negative: late); None while it runs.
    resolved_by : str
        Who reported the handling done.
    return_state : IncidentState | None
        Where a suspended or merged incident returns to.
    reminders : tuple of str
        Codes of the reminders sent for the present deadline.
    photos : tuple of str
        Digests of the photos of the report; later ones stand in the timeline.
    layer : str
        The imported layer it came from; empty when it was reported here.
    class_names : mapping
        What the source calls the class, by language, where the profile does not know its code.
    version : int
        How many events the record has seen.
    """

    id: str
    kind: IncidentKind
    class_code: str
    state: IncidentState
    severity: int
    lon: float
    lat: float
    reported_at: datetime
    updated_at: datetime
    last_event: str
    version: int
    condition: str = ""
    grid_code: str = ""
    street_code: str = ""
    community_code: str = ""
    agency: str = ""
    source: str = ""
    description: str = ""
    address: str = ""
    photos: tuple[str, ...] = ()
    layer: str = ""
    class_names: Mapping[str, str] = field(default_factory=dict)
    reporters: tuple[Reporter, ...] = ()
    filed_at: datetime | None = None
    dispatched_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    resolved_at: datetime | None = None
    verified_at: datetime | None = None
    closed_at: datetime | None = None
    clock_started_at: datetime | None = None
    limit: Limit | None = None
    limit_ms: int = 0
    due_at: datetime | None = None
    warn_at: datetime | None = None
    left_ms: int | None = None
    handler: str = ""
    resolved_by: str = ""
    checker: str = ""
    rework_count: int = 0
    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    return_state: IncidentState | None = None
    merged_into: str = ""
    merged_from: tuple[str, ...] = ()
    emergency: bool = False
    reminders: tuple[str, ...] = ()
    resolution: str = ""
    end_reason: str = ""

    @property
    def pending_extension(self) -> Extension | None:
        """The extension that somebody has still to decide on."""
        last = self.extensions[-1] if self.extensions else None
        return last if last is not None and last.granted is None else None

    @property
    def is_merged(self) -> bool:
        """Whether it was merged into another incident and therefore rests."""
        return bool(self.merged_into)

    def judged_at(self, now: datetime) -> datetime | None:
        """Return the moment that counts against the deadline: now, or when the clock was stopped; None without one."""
        if self.due_at is None or self.state in {IncidentState.VOID, IncidentState.REJECTED}:
            return None
        if self.state in RUNNING:
            return now
        return self.suspensions[-1].at if self.state is IncidentState.SUSPENDED else self.resolved_at

    def lamp(self, now: datetime) -> Lamp | None:
        """Return the lamp at a moment; None before the clock starts and for an incident that came to nothing."""
        moment = self.judged_at(now)
        if moment is None or self.warn_at is None or self.due_at is None:
            return None
        return lamp(self.warn_at, self.due_at, moment)

    def used_share(self, now: datetime, clock: Clock) -> float | None:
        """Return the share of the limit that is used up (1: at the deadline); None where there is no lamp."""
        moment = self.judged_at(now)
        if moment is None or self.due_at is None or self.limit is None:
            return None
        left_s = elapsed(moment, self.due_at, self.limit.unit, clock.calendar).total_seconds()
        return 1 - left_s * 1000 / self.limit_ms

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON; `worker_id` repeats the handler for the store's index."""
        data = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        plain: dict[str, Any] = plain_json({**data, "worker_id": self.handler})
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IncidentRecord:
        """Read what `to_dict` wrote."""
        values = {item.name: data[item.name] for item in fields(cls)}
        values.update({name: _time(values[name]) for name in _TIMES})
        values.update({name: tuple(values[name]) for name in ("merged_from", "reminders", "photos")})
        return cls(
            **{
                **values,
                "kind": IncidentKind(values["kind"]),
                "state": IncidentState(values["state"]),
                "return_state": values["return_state"] and IncidentState(values["return_state"]),
                "lon": float(values["lon"]),
                "lat": float(values["lat"]),
                "limit": values["limit"] and Limit.from_dict(values["limit"]),
                "reporters": tuple(map(Reporter.from_dict, values["reporters"])),
                "suspensions": tuple(map(Suspension.from_dict, values["suspensions"])),
                "extensions": tuple(map(Extension.from_dict, values["extensions"])),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport:
    """受理: what somebody reports; it becomes an `IncidentRecord` by the event ``incident.reported``.

    `reported_at` may lie before the moment of its entry (a call taken on paper), never after it.
    """

    kind: IncidentKind
    class_code: str
    lon: float
    lat: float
    source: str
    description: str = ""
    severity: int = 2
    grid_code: str = ""
    street_code: str = ""
    community_code: str = ""
    agency: str = ""
    address: str = ""
    photos: tuple[str, ...] = ()
    reporters: tuple[Reporter, ...] = field(default=())
    reported_at: datetime | None = None


def content_digest(record: Mapping[str, Any]) -> str:
    """Return SHA-256 over a record's plain form without its bookkeeping (version, updated_at, last_event).

    Equal digests: the same incident in the same state, whatever was done and undone in between.
    """
    content = {name: value for name, value in record.items() if name not in BOOKKEEPING}
    return sha256(canonical_json(plain_json(content)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
