"""A store in memory: for tests and for trying things; nothing outlives the process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from gridgov.model.entities import Entity, EntityFilter, EntityOrder, Fold, replay_entities, sort_key, state_digest
from gridgov.model.events import GENESIS_HASH, Checkpoint, Event, NewEvent
from gridgov.model.positions import Position, latest_of, sample_track
from gridgov.store.appending import call_key, make_append, plan_appends
from gridgov.store.signing_in import MemorySignIns


class MemoryStore:
    """A `Store` of lists and dictionaries behind one lock."""

    def __init__(self, *, fold: Fold, track_every_s: float = 60.0) -> None:
        self._fold = fold
        self._track_every_s = track_every_s
        self._lock = threading.RLock()
        self._events: list[Event] = []
        self._entities: dict[str, Entity] = {}
        self._keys: dict[str, tuple[int, int]] = {}
        self._latest: dict[str, Position] = {}
        self._track: list[Position] = []
        self._sign_ins = MemorySignIns()

    @property
    def sign_ins(self) -> MemorySignIns:
        """Password hashes and sessions."""
        return self._sign_ins

    def append(
        self, new_events: Sequence[NewEvent], *, expected_seq: int | None = None, idempotency_key: str | None = None
    ) -> list[Event]:
        """Add events; see `Store.append`."""
        append = make_append(new_events, expected_seq, idempotency_key)
        with self._lock:
            plan = plan_appends([append], self.head(), self._entities, self._keys, self._fold)
            self._events += plan.events
            self._keys.update(plan.keys)
            for entity_id, entity in plan.changed.items():
                if entity is None:
                    self._entities.pop(entity_id, None)
                else:
                    self._entities[entity_id] = entity
            for _, (first, last) in plan.repeated:
                return self._events[first - 1 : last]
            append.events = plan.events
        return append.result()

    def repeated(self, actor: str, idempotency_key: str) -> list[Event]:
        """Return the events of an earlier call; see `Store.repeated`."""
        with self._lock:
            first, last = self._keys.get(call_key(actor, idempotency_key), (1, 0))
            return self._events[first - 1 : last]

    def events(self, *, after: int = 0, until: int | None = None, entity_id: str | None = None) -> Iterator[Event]:
        """Yield events; see `Store.events`."""
        with self._lock:
            chosen = self._events[max(after, 0) : until if until is None else max(until, 0)]
        return (event for event in chosen if entity_id is None or event.entity_id == entity_id)

    def entity(self, entity_id: str) -> Entity | None:
        """Return an entity; see `Store.entity`."""
        with self._lock:
            return self._entities.get(entity_id)

    def entities(
        self,
        kind: str,
        where: EntityFilter | None = None,
        *,
        order: EntityOrder = "urgency",
        limit: int = 100,
        offset: int = 0,
    ) -> list[Entity]:
        """Return entities; see `Store.entities`."""
        found = sorted(self._matching(kind, where), key=sort_key(order))
        return list(islice(found, offset, offset + limit))

    def count(self, kind: str, where: EntityFilter | None = None) -> int:
        """Count entities; see `Store.count`."""
        return len(self._matching(kind, where))

    def _matching(self, kind: str, where: EntityFilter | None) -> list[Entity]:
        wanted = where or EntityFilter()
        with self._lock:
            return [entity for entity in self._entities.values() if entity.kind == kind and wanted.matches(entity)]

    def head(self) -> tuple[int, str]:
        """Return the end of the log; see `Store.head`."""
        with self._lock:
            return (self._events[-1].seq, self._events[-1].hash) if self._events else (0, GENESIS_HASH)

    def checkpoint(self, *, now: datetime | None = None) -> Checkpoint:
        """Return a checkpoint; see `Store.checkpoint`."""
        return Checkpoint(*self.head(), at=now or datetime.now(UTC))

    def rebuild(self) -> str:
        """Replay everything; see `Store.rebuild`."""
        with self._lock:
            self._entities = replay_entities(self._events, self._fold)
            return self.state_digest()

    def state_digest(self) -> str:
        """Return the digest of the state; see `Store.state_digest`."""
        with self._lock:
            return state_digest(self._entities.values())

    def replayed_digest(self, *, until: int | None = None) -> str:
        """Return the digest of a replay; see `Store.replayed_digest`."""
        return state_digest(replay_entities(self.events(until=until), self._fold).values())

    def record_positions(self, positions: Iterable[Position]) -> int:
        """Keep positions; see `Store.record_positions`."""
        batch = list(positions)
        with self._lock:
            kept_at = {position.worker_id: position.at for position in self._track}
            kept = sample_track(batch, kept_at, self._track_every_s)
            self._track += kept
            self._latest = latest_of([*self._latest.values(), *batch])
        return len(kept)

    def positions(self, *, since: datetime | None = None) -> list[Position]:
        """Return newest positions; see `Store.positions`."""
        with self._lock:
            found = [position for position in self._latest.values() if since is None or position.at >= since]
        return sorted(found, key=lambda position: position.worker_id)

    def track(self, worker_id: str, *, since: datetime | None = None) -> list[Position]:
        """Return a track; see `Store.track`."""
        with self._lock:
            own = [position for position in self._track if position.worker_id == worker_id]
        found = [Position(p.worker_id, p.at, p.lon, p.lat) for p in own if since is None or p.at >= since]
        return sorted(found, key=lambda position: position.at)

    def forget_tracks(self, before: datetime) -> int:
        """Remove old positions; see `Store.forget_tracks`."""
        with self._lock:
            kept = [position for position in self._track if position.at >= before]
            removed, self._track = len(self._track) - len(kept), kept
        return removed

    def writable(self) -> bool:
        """Memory can always be written."""
        return True

    def close(self) -> None:
        """Nothing is held."""
