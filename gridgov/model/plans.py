"""派遣方案: the answer to "who can be there first", with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gridgov.i18n import Lang, label
from gridgov.model.speed_profiles import HourSpeeds
from gridgov.model.workers import TravelMode


@dataclass(frozen=True, slots=True)
class Manoeuvre:
    """One step of a route in words.

    `turn` is a code (``depart``, ``straight``, ``slight_left``, ``left``, ``sharp_left``, ``slight_right``, ``right``,
    ``sharp_right``, ``uturn``, ``arrive``); `street` may be empty (a road without a name).
    """

    turn: str
    street: str
    length_m: float
    travel_time_s: float
    lon: float
    lat: float

    def text(self, lang: Lang) -> str:
        """Return the step as a sentence."""
        street = self.street or label("directions.unnamed_road", lang)
        return label(f"directions.{self.turn}", lang, street=street, metres=round(self.length_m))


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a worker cannot go.

    `reason` is a code: off_shift, busy, missing_skill, wrong_mode, no_position, unknown_mode, unknown_status,
    unreachable. `travel_time_ms` is given
    for those who would have been among the first.
    """

    worker_id: str
    name: str
    reason: str
    detail: Mapping[str, str] = field(default_factory=dict)
    travel_time_ms: int | None = None

    def text(self, lang: Lang) -> str:
        """Return the reason as a sentence."""
        return label(f"dispatch.excluded.{self.reason}", lang, **self.detail)


@dataclass(frozen=True, slots=True)
class DispatchOption:
    """One worker who can go.

    Attributes
    ----------
    rank : int
        1 is the nearest by time.
    travel_time_ms : int
        From the worker's place on the network to the incident's.
    behind_ms : int
        How much later than the first.
    coordinates : tuple of (lon, lat)
        The route's line, from worker to incident.
    """

    rank: int
    worker_id: str
    name: str
    mode: TravelMode
    lon: float
    lat: float
    travel_time_ms: int
    behind_ms: int
    length_m: float
    coordinates: tuple[tuple[float, float], ...]
    directions: tuple[Manoeuvre, ...]
    off_road_m: float = 0.0
    skills: tuple[str, ...] = ()

    @property
    def travel_time_s(self) -> float:
        """Seconds on the way."""
        return self.travel_time_ms / 1000


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """The nearest workers for one incident, best first, and everybody who was left out and why.

    `candidates` of the `considered` workers could go. `off_road_m` is the straight distance from the incident to the
    nearest road; travel times count the roads only, at the `speeds` of an hour (None: those of a free day). `engines`
    says who searched for each travel mode: "early_stop" or "hierarchy"; the answer does not depend on it.
    """

    lon: float
    lat: float
    grid_code: str | None
    off_road_m: float
    options: tuple[DispatchOption, ...]
    exclusions: tuple[Exclusion, ...]
    candidates: int
    considered: int
    notes: tuple[str, ...] = ()
    speeds: HourSpeeds | None = None
    closures: tuple[str, ...] = ()
    engines: tuple[tuple[str, str], ...] = ()

    def note_texts(self, lang: Lang) -> list[str]:
        """Return what else has to be said, as sentences."""
        fields = {
            "metres": round(self.off_road_m),
            "km": round(self.off_road_m / 1000),
            "considered": self.considered,
            "closures": ", ".join(self.closures),
        }
        return [label(f"dispatch.note.{note}", lang, **fields) for note in self.notes]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data for JSON (schema ``gridgov-dispatch/1``)."""
        return {"schema": "gridgov-dispatch/1", **asdict(self)}
