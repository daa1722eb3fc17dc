"""What an append does, free of any database: expected numbers, repeated calls, the fold, the chain.

Several appends that wait at the same time are planned together and written in one transaction: a disk syncs once for
all of them. Each is still all or nothing, and one that is refused does not hinder the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gridgov.errors import ConflictError, GridgovError
from gridgov.model.entities import Entity, Fold, advance
from gridgov.model.events import Event, NewEvent, canonical_json, chain

# A fault of the fold belongs to the caller whose event it was, not to the thread that happens to write.
FOLD_FAULTS = (
    GridgovError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(slots=True, eq=False)
class Append:
    """One waiting call of `append`, and later its answer; `turn` is set when that is there, or when it is to write."""

    new_events: tuple[NewEvent, ...]
    expected_seq: int | None
    key: str | None
    events: list[Event] | None = None
    error: BaseException | None = None
    turn: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> bool:
        """Whether the answer is there."""
        return self.events is not None or self.error is not None

    def result(self) -> list[Event]:
        """Return the events, or raise what went wrong."""
        if self.error is not None:
            raise self.error
        return self.events or []


def make_append(new_events: Sequence[NewEvent], expected_seq: int | None, idempotency_key: str | None) -> Append:
    """Return a waiting append; a key counts for the actor of the first event."""
    key = None
    if idempotency_key is not None and new_events:
        key = call_key(new_events[0].actor, idempotency_key)
    return Append(tuple(new_events), expected_seq, key)


def call_key(actor: str, idempotency_key: str) -> str:
    """Return how a call is named among those of all actors."""
    return canonical_json([actor, idempotency_key])


@dataclass(slots=True)
class Plan:
    """What one transaction writes; `planned` and `repeated` are answered once it is durable."""

    seq: int
    hash: str
    events: list[Event] = field(default_factory=list)
    changed: dict[str, Entity | None] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    planned: list[tuple[Append, list[Event]]] = field(default_factory=list)
    repeated: list[tuple[Append, tuple[int, int]]] = field(default_factory=list)


def plan_appends(
    waiting: Sequence[Append],
    head: tuple[int, str],
    entities: Mapping[str, Entity],
    known_keys: Mapping[str, tuple[int, int]],
    fold: Fold,
) -> Plan:
    """Plan waiting appends in their order; those that are refused get their error at once.

    Parameters
    ----------
    waiting : sequence of Append
        Together they touch only entities that `entities` would hold, and only keys that `known_keys` would hold.
    head : tuple
        Number and hash of the last event.
    entities : mapping
        Current entities by id.
    known_keys : mapping
        First and last event of earlier calls, by idempotency key.
    fold : Fold
        See `gridgov.model.entities`.
    """
    plan = Plan(*head)

    def current(entity_id: str) -> Entity | None:
        return plan.changed[entity_id] if entity_id in plan.changed else entities.get(entity_id)

    for append in waiting:
        if append.key is not None and (span := known_keys.get(append.key) or plan.keys.get(append.key)):
            plan.repeated.append((append, span))
            continue
        try:
            events, changed = _try(append, (plan.seq, plan.hash), current, fold)
        except FOLD_FAULTS as error:
            append.error = error
            continue
        plan.planned.append((append, events))
        plan.events += events
        plan.changed.update(changed)
        if events:
            plan.seq, plan.hash = events[-1].seq, events[-1].hash
            if append.key is not None:
                plan.keys[append.key] = (events[0].seq, events[-1].seq)
    return plan


def _try(
    append: Append, head: tuple[int, str], current: Callable[[str], Entity | None], fold: Fold
) -> tuple[list[Event], dict[str, Entity | None]]:
    _check_expected(append, current)
    seq, last_hash = head
    events: list[Event] = []
    changed: dict[str, Entity | None] = {}
    for new in append.new_events:
        event = chain(new, seq + 1, last_hash)
        seq, last_hash = event.seq, event.hash
        before = changed[new.entity_id] if new.entity_id in changed else current(new.entity_id)
        changed[new.entity_id] = advance(before, event, fold)
        events.append(event)
    return events, changed


def _check_expected(append: Append, current: Callable[[str], Entity | None]) -> None:
    if append.expected_seq is None:
        return
    for entity_id in dict.fromkeys(new.entity_id for new in append.new_events):
        entity = current(entity_id)
        if entity is not None and entity.updated_seq > append.expected_seq:
            raise ConflictError(
                f"{entity_id} was changed by event {entity.updated_seq}, after event {append.expected_seq} "
                "that the caller knew: look at it again and repeat"
            )
