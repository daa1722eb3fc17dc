"""案件: kinds and states of an incident."""

from __future__ import annotations

from enum import StrEnum


class IncidentKind(StrEnum):
    """部件 / 事件 (GB/T 30428.2): a fault of a city object, or something that happens."""

    COMPONENT = "component"
    EVENT = "event"


class IncidentState(StrEnum):
    """Stages of an incident's life, in the order of the closed loop (受理 … 结案) and its side branches."""

    REPORTED = "reported"
    REJECTED = "rejected"
    FILED = "filed"
    DISPATCHED = "dispatched"
    IN_PROGRESS = "in_progress"
    SUSPENDED = "suspended"
    RESOLVED = "resolved"
    REWORK = "rework"
    VERIFIED = "verified"
    CLOSED = "closed"
    VOID = "void"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self not in {IncidentState.CLOSED, IncidentState.REJECTED, IncidentState.VOID}
