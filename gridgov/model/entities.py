"""Entities: the current state of each thing that events happen to, as a pure fold of its events.

A `Fold` takes the state of one entity (None before its first event) and one event, and returns the new state (None when
the entity is gone). It must not change the state that it is given. A state is a JSON object; some of its keys are also
kept as columns to find entities by: see `IndexColumns`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Any, Literal

from gridgov.model.events import Event, canonical_json, format_time, parse_time

Fold = Callable[[dict[str, Any] | None, Event], dict[str, Any] | None]
EntityOrder = Literal["urgency", "due", "newest", "id"]
ENTITY_ORDERS: tuple[EntityOrder, ...] = ("urgency", "due", "newest", "id")
NO_DUE_TIME = "9999-"  # sorts behind every due time; what was reported follows it, so that the longest waiting is first


@dataclass(frozen=True, slots=True)
class IndexColumns:
    """What entities are found by: the keys of the same name in the state (`status` also from `state`)."""

    status: str
    grid_code: str
    worker_id: str
    severity: int
    due_at: str
    lon: float | None
    lat: float | None
    class_code: str = ""

    @classmethod
    def of(cls, state: dict[str, Any]) -> IndexColumns:
        """Return the columns of a state; a key that is missing is empty."""
        due_at, lon, lat = state.get("due_at"), state.get("lon"), state.get("lat")
        return cls(
            status=str(state.get("status") or state.get("state") or ""),
            grid_code=str(state.get("grid_code") or ""),
            worker_id=str(state.get("worker_id") or ""),
            severity=int(state.get("severity") or 0),
            due_at=_time_text(due_at) if due_at else NO_DUE_TIME + _time_text(state.get("reported_at")),
            lon=None if lon is None else float(lon),
            lat=None if lat is None else float(lat),
            class_code=str(state.get("class_code") or ""),
        )


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity now: its state as JSON text, the columns it is found by, and the last event that changed it."""

    entity_id: str
    kind: str
    updated_seq: int
    columns: IndexColumns
    state_json: str

    @property
    def state(self) -> dict[str, Any]:
        """The state, a copy of the caller's own."""
        state: dict[str, Any] = json.loads(self.state_json)
        return state

    @property
    def digest(self) -> bytes:
        """SHA-256 over everything that is kept of the entity."""
        row = [self.entity_id, self.kind, self.updated_seq, astuple(self.columns), self.state_json]
        return sha256(canonical_json(row).encode()).digest()


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Which entities are wanted; what is left at its default does not count.

    Attributes
    ----------
    statuses : tuple of str
        One of these.
    grid_prefixes : tuple of str
        Area: the grid code starts with one of these (a district, street, community or grid code).
    class_codes : tuple of str
        Its class is one of these.
    worker_id : str
        The worker it is given to.
    severity_from : int
        At least this severity.
    due_before : str
        Due before this time (the format of `events.format_time`).
    changed_after : int
        Changed by an event after this number.
    bounds : tuple of float
        West, south, east, north in degrees; inclusive.
    ids : tuple of str
        Exactly these entities, a few hundred at once.
    """

    statuses: tuple[str, ...] = ()
    grid_prefixes: tuple[str, ...] = ()
    class_codes: tuple[str, ...] = ()
    worker_id: str = ""
    severity_from: int = 0
    due_before: str = ""
    changed_after: int = 0
    bounds: tuple[float, float, float, float] | None = None
    ids: tuple[str, ...] = ()

    def matches(self, entity: Entity) -> bool:
        """Whether an entity is wanted."""
        has = entity.columns
        return (
            (not self.statuses or has.status in self.statuses)
            and (not self.grid_prefixes or has.grid_code.startswith(self.grid_prefixes))
            and (not self.class_codes or has.class_code in self.class_codes)
            and (not self.worker_id or has.worker_id == self.worker_id)
            and has.severity >= self.severity_from
            and (not self.due_before or has.due_at < self.due_before)
            and entity.updated_seq > self.changed_after
            and (self.bounds is None or _inside(self.bounds, has.lon, has.lat))
            and (not self.ids or entity.entity_id in self.ids)
        )


def _time_text(time: str | None) -> str:
    return format_time(parse_time(time)) if time else ""


def _inside(bounds: tuple[float, float, float, float], lon: float | None, lat: float | None) -> bool:
    west, south, east, north = bounds
    return lon is not None and lat is not None and west <= lon <= east and south <= lat <= north


def sort_key(order: EntityOrder) -> Callable[[Entity], tuple[Any, ...]]:
    """Return the key to sort entities by: urgency is severity (4 first), then due time, then id.

    Whatever has no due time stands behind what has one, in the order in which it was reported.
    """
    return {
        "urgency": lambda e: (-e.columns.severity, e.columns.due_at, e.entity_id),
        "due": lambda e: (e.columns.due_at, e.entity_id),
        "newest": lambda e: (-e.updated_seq, e.entity_id),
        "id": lambda e: (e.entity_id,),
    }[order]


def advance(entity: Entity | None, event: Event, fold: Fold) -> Entity | None:
    """Return an entity after one more of its events; None when it is gone."""
    state = fold(None if entity is None else entity.state, event)
    if state is None:
        return None
    kind = entity.kind if entity else event.kind.partition(".")[0]
    return Entity(event.entity_id, kind, event.seq, IndexColumns.of(state), canonical_json(state))


def replay_entities(events: Iterable[Event], fold: Fold) -> dict[str, Entity]:
    """Return all entities after these events, by id; the events start with the first of the log."""
    entities: dict[str, Entity] = {}
    for event in events:
        entity = advance(entities.get(event.entity_id), event, fold)
        if entity is None:
            entities.pop(event.entity_id, None)
        else:
            entities[event.entity_id] = entity
    return entities


def state_digest(entities: Iterable[Entity]) -> str:
    """Return SHA-256 over all entities, whatever their order, 64 hexadecimal digits."""
    return sha256(b"".join(sorted(entity.digest for entity in entities))).hexdigest()
