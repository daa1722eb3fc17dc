"""How a city turns hazards into warnings: colours, and when to act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gridgov.errors import ParameterError
from gridgov.model.alerts import AlertCategory, ResponseType, Severity, Urgency
from gridgov.model.incident_classes import Certainty


class AlertColour(StrEnum):
    """预警级别 as a colour; red is the highest."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class AlertLevel:
    """One warning level; `grade` 1 is the highest, `hazard_level` 4 the worst."""

    colour: AlertColour
    hazard_level: int
    grade: int
    severity: Severity
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class EventKind:
    """What a kind of hazard is called in a warning."""

    category: AlertCategory
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class AlertProfile:
    """A city's rules for warnings.

    Attributes
    ----------
    levels : tuple of AlertLevel
        The highest first.
    kinds : mapping of a hazard's kind to its words
    immediate_min, expected_min : float
        Minutes to the last moment at which leaving is in time, up to which people act at once, or within the hour.
    """

    sender: str
    levels: tuple[AlertLevel, ...]
    kinds: dict[str, EventKind]
    immediate_min: float
    expected_min: float
    sources: dict[str, str]

    def level(self, hazard_level: int) -> AlertLevel:
        """Return the warning level of a hazard zone's level.

        Raises
        ------
        ParameterError
            No colour is given for it.
        """
        for level in self.levels:
            if level.hazard_level == hazard_level:
                return level
        known = ", ".join(str(level.hazard_level) for level in self.levels)
        raise ParameterError(f"the profile gives no colour for the hazard level {hazard_level}; it knows {known}")

    def urgency(self, now: datetime, onset: datetime | None, needed_s: float = 0.0) -> Urgency:
        """Return how soon people must act, when the hazard comes at `onset` and leaving takes `needed_s`."""
        if onset is None:
            return Urgency.UNKNOWN
        left = onset - timedelta(seconds=needed_s) - now
        if left <= timedelta(minutes=self.immediate_min):
            return Urgency.IMMEDIATE
        return Urgency.EXPECTED if left <= timedelta(minutes=self.expected_min) else Urgency.FUTURE


def response_types(urgency: Urgency) -> tuple[ResponseType, ...]:
    """Return what people in an evacuation zone shall do."""
    if urgency is Urgency.FUTURE:
        return (ResponseType.PREPARE, ResponseType.MONITOR)
    return (ResponseType.EVACUATE,)
