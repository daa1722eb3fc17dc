"""危险: a hazard on the map and in time: zones with a level and a time of arrival, how they came about.

A hazard is an entity of the event log. Its zones do not overlap: each holds the places with one level and one time of
arrival, so that numbers of people add up. Beside them stand the same hazard one step milder and one step worse, from
which every number gets its range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent, format_time, parse_time
from gridgov.model.findings import Finding, FindingAction, FindingLevel

ENTITY = "hazard:"
ACTIVE = "active"
WITHDRAWN = "withdrawn"
LEVELS = (1, 2, 3, 4)
_MADE = {"hazard.drawn", "hazard.computed"}


class HazardKind(StrEnum):
    """How a hazard came onto the map."""

    DRAWN = "drawn"
    FLOOD = "flood"
    PLUME = "plume"
    FIRE = "fire"
    SLOPE = "slope"


@dataclass(frozen=True, slots=True)
class HazardZone:
    """危险区: where a hazard has one level and comes at one time.

    Attributes
    ----------
    geometry : mapping
        GeoJSON Polygon or MultiPolygon, WGS 84.
    level : int
        1 to 4, 4 is worst.
    arrival_s : float
        Seconds from the start of the hazard to its first coming into the zone; 0: at once.
    measure : float or None
        The least that the level stands for, in the hazard's `unit` (metres of water, mg/m³, …).

    Raises
    ------
    ParameterError
        The level or the time is impossible, or the geometry is no area.
    """

    geometry: Mapping[str, Any]
    level: int = 3
    arrival_s: float = 0.0
    measure: float | None = None

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ParameterError(f"a hazard zone has the level {self.level}; give 1, 2, 3 or 4 (worst)")
        if not (math.isfinite(self.arrival_s) and self.arrival_s >= 0):
            raise ParameterError(f"a hazard zone arrives after {self.arrival_s} s; give seconds from 0 on")
        if self.geometry.get("type") not in {"Polygon", "MultiPolygon"}:
            raise ParameterError(f"a hazard zone is an area, not a {self.geometry.get('type')!r}; draw a polygon")

    def to_dict(self) -> dict[str, Any]:
        """Return the zone as plain data for JSON."""
        return {
            "geometry": dict(self.geometry), "level": self.level,
            "arrival_s": self.arrival_s, "measure": self.measure,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> HazardZone:
        """Return the zone that `to_dict` gave."""
        return cls(data["geometry"], int(data["level"]), float(data["arrival_s"]), data.get("measure"))


Zones = tuple[HazardZone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A hazard in time, with everything that is needed to judge it.

    Attributes
    ----------
    hazard_id : str
        Empty until it is on the books.
    starts_at : datetime or None
        Aware; when the clock of the arrivals begins. None until it is on the books.
    zones : tuple of HazardZone
    milder, worse : tuple of HazardZone
        The same hazard one step lower and one step higher; `step` says in words what a step is. Empty `milder`:
        a step lower there is no danger at all.
    step, unit : str
        Codes whose words are ``hazard.step.<step>`` and ``hazard.unit.<unit>``; the unit is that of `measure`.
    inputs : dict
        What it was computed from: numbers and words, plain data for JSON.
    source : str
        The method and the data, in words.
    certainty : str
        V read in a public source, S in a secondary one, U not verified: the weakest number that went in.
    warnings : dict
        What the result is not, by language.
    findings : tuple of Finding
        What was repaired, or is doubtful.
    """

    kind: HazardKind
    zones: Zones
    milder: Zones = ()
    worse: Zones = ()
    name: str = ""
    step: str = ""
    unit: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    certainty: str = "U"
    warnings: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    hazard_id: str = ""
    starts_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.zones:
            raise ParameterError(f"hazard {self.hazard_id or self.name or self.kind} has no zone; draw it again")
        if self.starts_at is not None and self.starts_at.tzinfo is None:
            raise ParameterError(f"hazard {self.hazard_id}: its start is naive; give a time with an offset")

    def named(self, hazard_id: str, starts_at: datetime) -> Hazard:
        """Return the hazard with its id and the moment at which its clock begins."""
        return replace(self, hazard_id=hazard_id, starts_at=starts_at)

    def to_dict(self) -> dict[str, Any]:
        """Return the hazard as plain data for JSON."""
        return {
            "hazard_id": self.hazard_id,
            "kind": str(self.kind),
            "name": self.name,
            "starts_at": None if self.starts_at is None else format_time(self.starts_at),
            "zones": [zone.to_dict() for zone in self.zones],
            "milder": [zone.to_dict() for zone in self.milder],
            "worse": [zone.to_dict() for zone in self.worse],
            "step": self.step,
            "unit": self.unit,
            "inputs": self.inputs,
            "source": self.source,
            "certainty": self.certainty,
            "warnings": self.warnings,
            "findings": [_finding_to_dict(found) for found in self.findings],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Hazard:
        """Return the hazard that `to_dict` gave."""
        start = data.get("starts_at")
        return cls(
            kind=HazardKind(data["kind"]),
            zones=_zones(data["zones"]),
            milder=_zones(data.get("milder", ())),
            worse=_zones(data.get("worse", ())),
            name=data.get("name", ""),
            step=data.get("step", ""),
            unit=data.get("unit", ""),
            inputs=dict(data.get("inputs", {})),
            source=data.get("source", ""),
            certainty=data.get("certainty", "U"),
            warnings=dict(data.get("warnings", {})),
            findings=tuple(_finding_from_dict(found) for found in data.get("findings", ())),
            hazard_id=data.get("hazard_id", ""),
            starts_at=None if start is None else parse_time(start),
        )


def made(hazard: Hazard, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a hazard is on the books from now on."""
    kind = "hazard.drawn" if hazard.kind is HazardKind.DRAWN else "hazard.computed"
    return NewEvent(at, actor, kind, ENTITY + hazard.hazard_id, {"hazard": hazard.to_dict()})


def updated(hazard: Hazard, actor: str, at: datetime) -> NewEvent:
    """Return the event by which a hazard on the books is another one from now on."""
    return NewEvent(at, actor, "hazard.updated", ENTITY + hazard.hazard_id, {"hazard": hazard.to_dict()})


def withdrawn(hazard_id: str, actor: str, at: datetime, *, reason: str = "") -> NewEvent:
    """Return the event by which a hazard is over, or was none."""
    return NewEvent(at, actor, "hazard.withdrawn", ENTITY + hazard_id, {"reason": reason} if reason else {})


def apply(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    """Return a hazard's state after one more event; one that was withdrawn stays on record.

    Raises
    ------
    ParameterError
        The kind of event is unknown, a hazard of that id was there before, or there is none to change.
    """
    hazard_id = event.entity_id.removeprefix(ENTITY)
    if event.kind in _MADE:
        if state is not None:
            raise ParameterError(f"hazard {hazard_id} is on the books already; give each hazard its own id")
        return _state_of(event, hazard_id, revision=1)
    if event.kind not in {"hazard.updated", "hazard.withdrawn"}:
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which no hazard knows")
    if state is None or state["status"] != ACTIVE:
        raise ParameterError(f"hazard {hazard_id} is not on the books, so '{event.kind}' cannot happen to it")
    if event.kind == "hazard.updated":
        return _state_of(event, hazard_id, revision=state["revision"] + 1)
    ended = {"by": event.actor, "at": format_time(event.at), "reason": event.payload.get("reason", "")}
    return {**state, "status": WITHDRAWN, "withdrawn": ended}


def _state_of(event: Event, hazard_id: str, *, revision: int) -> dict[str, Any]:
    hazard = Hazard.from_dict(event.payload["hazard"])
    if hazard.hazard_id != hazard_id:
        raise ParameterError(f"event {event.seq} names hazard {hazard.hazard_id} under the id {hazard_id}")
    return {
        "status": ACTIVE, "hazard": hazard.to_dict(), "revision": revision,
        "by": event.actor, "at": format_time(event.at),
    }  # fmt: skip


def _zones(items: Any) -> Zones:
    return tuple(HazardZone.from_dict(item) for item in items)


def _finding_to_dict(found: Finding) -> dict[str, Any]:
    return {
        "layer": found.layer, "field": found.field, "rule": found.rule, "level": str(found.level),
        "action": str(found.action), "key": found.key, "detail": dict(found.detail),
    }  # fmt: skip


def _finding_from_dict(data: Mapping[str, Any]) -> Finding:
    level, action = FindingLevel(data["level"]), FindingAction(data["action"])
    return Finding(data["layer"], None, data["field"], data["rule"], level, action, data["key"], dict(data["detail"]))
