"""The store on SQLite and PostgreSQL, by SQLAlchemy Core: the log and the current state in one transaction."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from gridgov.errors import StorageError
from gridgov.model.entities import Entity, EntityFilter, EntityOrder, Fold, replay_entities, state_digest
from gridgov.model.events import GENESIS_HASH, Checkpoint, Event, NewEvent, format_time
from gridgov.model.positions import Position
from gridgov.store import moving
from gridgov.store.appending import Append, Plan, call_key, make_append, plan_appends
from gridgov.store.engines import reading, writing
from gridgov.store.rows import entity_condition, entity_of, entity_order, entity_row, event_of, event_row, upsert
from gridgov.store.signing_in import SqlSignIns
from gridgov.store.tables import APPENDS, ENTITIES, EVENTS, PROBES

MOST_TOGETHER = 128  # appends in one transaction
PAGE = 1000  # rows read or written at once
PROBE_EVERY_S = 1.0
_NOT_SAVED = "nothing was saved"


class SqlStore:
    """A `Store` in a database. Made by `gridgov.store.open_store`."""

    def __init__(self, engine: Engine, *, fold: Fold, track_every_s: float = 60.0) -> None:
        self._engine, self._reader = engine, reading(engine)
        self._fold = fold
        self._track_every_s = track_every_s
        self._waiting: deque[Append] = deque()
        self._writing = threading.Lock()
        self._queue = threading.Lock()  # guards the two lines around it
        self._led = False  # whether a call is writing for the others
        self._fault = ""
        self._probed_s = float("-inf")
        self._sign_ins = SqlSignIns(self._reading, self._saving)

    @property
    def engine(self) -> Engine:
        """The connections, for tests and for an administrator's own queries."""
        return self._engine

    @property
    def sign_ins(self) -> SqlSignIns:
        """Password hashes and sessions."""
        return self._sign_ins

    def append(
        self, new_events: Sequence[NewEvent], *, expected_seq: int | None = None, idempotency_key: str | None = None
    ) -> list[Event]:
        """Add events; see `Store.append`. Calls that wait for the writer are written together."""
        append = make_append(new_events, expected_seq, idempotency_key)
        if not append.new_events:
            return []
        with self._queue:
            self._waiting.append(append)
            leads, self._led = not self._led, True
        if not leads:
            self._await_turn(append)
        if not append.done:
            self._lead(append)
        return append.result()

    def _await_turn(self, append: Append) -> None:
        try:
            append.turn.wait()
        except BaseException:  # this thread is being stopped: nobody may wait for it to lead
            with self._queue:
                if append in self._waiting:
                    self._waiting.remove(append)
                if append.turn.is_set() and not append.done:
                    self._hand_over()
            raise

    def _lead(self, own: Append) -> None:
        """Write what waits until the own call is done, then let the next one that waits lead.

        Whoever is done needs no lock to go on, so that many calls gather while one group is being written.
        """
        try:
            while not own.done:
                with self._writing:
                    self._write_waiting()
        finally:
            with self._queue:
                self._hand_over()

    def _hand_over(self) -> None:
        self._led = bool(self._waiting)
        if self._waiting:
            self._waiting[0].turn.set()

    def _write_waiting(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
        try:
            with self._guarded(_NOT_SAVED), writing(self._engine) as connection:
                plan = self._plan(connection, group)
                _write(connection, plan)
                repeated = [(append, _span(connection, *span)) for append, span in plan.repeated]
        except StorageError as error:
            _refuse(group, error)
        except BaseException:  # the thread that writes is being stopped: nobody may wait for it
            _refuse(group, StorageError("the write was interrupted: look whether it is there, or repeat it"))
            raise
        else:
            self._fault = ""
            for append, events in [*plan.planned, *repeated]:
                append.events = events
        finally:
            for append in group:
                append.turn.set()

    def _plan(self, connection: Connection, group: Sequence[Append]) -> Plan:
        ids = sorted({new.entity_id for append in group for new in append.new_events})
        keys = sorted({append.key for append in group if append.key is not None})
        entities = {
            row.entity_id: entity_of(row)
            for some in _paged(ids)
            for row in connection.execute(select(ENTITIES).where(ENTITIES.c.entity_id.in_(some)))
        }
        known = {
            row.idempotency_key: (row.first_seq, row.last_seq)
            for some in _paged(keys)
            for row in connection.execute(select(APPENDS).where(APPENDS.c.idempotency_key.in_(some)))
        }
        return plan_appends(group, _head(connection), entities, known, self._fold)

    def repeated(self, actor: str, idempotency_key: str) -> list[Event]:
        """Return the events of an earlier call; see `Store.repeated`."""
        query = select(APPENDS).where(APPENDS.c.idempotency_key == call_key(actor, idempotency_key))
        with self._reading() as connection:
            row = connection.execute(query).first()
            return [] if row is None else _span(connection, row.first_seq, row.last_seq)

    def events(self, *, after: int = 0, until: int | None = None, entity_id: str | None = None) -> Iterator[Event]:
        """Yield events; see `Store.events`."""
        while True:
            with self._reading() as connection:
                page = _page(connection, after, until, entity_id)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].seq

    def entity(self, entity_id: str) -> Entity | None:
        """Return an entity; see `Store.entity`."""
        with self._reading() as connection:
            row = connection.execute(select(ENTITIES).where(ENTITIES.c.entity_id == entity_id)).first()
        return None if row is None else entity_of(row)

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
        by = entity_order(order)
        found = select(ENTITIES.c.entity_id).where(entity_condition(kind, where or EntityFilter()))
        chosen = found.order_by(*by).limit(limit).offset(offset).subquery()  # answered by an index alone
        query = select(ENTITIES).where(ENTITIES.c.entity_id.in_(select(chosen.c.entity_id))).order_by(*by)
        with self._reading() as connection:
            return [entity_of(row) for row in connection.execute(query)]

    def count(self, kind: str, where: EntityFilter | None = None) -> int:
        """Count entities; see `Store.count`."""
        query = select(func.count()).select_from(ENTITIES).where(entity_condition(kind, where or EntityFilter()))
        with self._reading() as connection:
            return int(connection.scalar(query) or 0)

    def head(self) -> tuple[int, str]:
        """Return the end of the log; see `Store.head`."""
        with self._reading() as connection:
            return _head(connection)

    def checkpoint(self, *, now: datetime | None = None) -> Checkpoint:
        """Return a checkpoint; see `Store.checkpoint`."""
        return Checkpoint(*self.head(), at=now or datetime.now(UTC))

    def rebuild(self) -> str:
        """Replay everything; see `Store.rebuild`."""
        with self._writing, self._guarded(_NOT_SAVED), writing(self._engine) as connection:
            entities = replay_entities(_all_events(connection), self._fold)
            connection.execute(delete(ENTITIES))
            for some in _paged(list(entities.values())):
                connection.execute(insert(ENTITIES), [entity_row(entity) for entity in some])
            if connection.dialect.name == "postgresql":
                connection.execute(text("ANALYZE entities"))  # or its planner guesses until the next autovacuum
        return state_digest(entities.values())

    def state_digest(self) -> str:
        """Return the digest of the tables; see `Store.state_digest`."""
        with self._guarded(), self._engine.connect() as connection:  # a transaction, so that rows come in pages
            rows = connection.execution_options(yield_per=PAGE).execute(select(ENTITIES))
            return state_digest(entity_of(row) for row in rows)

    def replayed_digest(self, *, until: int | None = None) -> str:
        """Return the digest of a replay; see `Store.replayed_digest`."""
        return state_digest(replay_entities(self.events(until=until), self._fold).values())

    def record_positions(self, positions: Iterable[Position]) -> int:
        """Keep positions; see `Store.record_positions`."""
        with self._saving() as connection:
            return moving.record(connection, positions, self._track_every_s)

    def positions(self, *, since: datetime | None = None) -> list[Position]:
        """Return newest positions; see `Store.positions`."""
        with self._reading() as connection:
            return moving.latest(connection, since)

    def track(self, worker_id: str, *, since: datetime | None = None) -> list[Position]:
        """Return a track; see `Store.track`."""
        with self._reading() as connection:
            return moving.track(connection, worker_id, since)

    def forget_tracks(self, before: datetime) -> int:
        """Remove old positions; see `Store.forget_tracks`."""
        with self._saving() as connection:
            return moving.forget(connection, before)

    def writable(self) -> bool:
        """Try to write after a refusal; see `Store.writable`."""
        if self._fault and time.monotonic() - self._probed_s >= PROBE_EVERY_S:
            self._probed_s = time.monotonic()
            try:
                with self._saving() as connection:
                    upsert(connection, PROBES, [{"name": "writable", "at": format_time(datetime.now(UTC))}])
            except StorageError:
                return False
            self._fault = ""
        return not self._fault

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._guarded(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _saving(self) -> Iterator[Connection]:
        """Write something else than the log."""
        with self._one_writer(), self._guarded(_NOT_SAVED), writing(self._engine, log=False) as connection:
            yield connection

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let writers of this process wait for each other where the database has room for one only."""
        if self._engine.dialect.name == "sqlite":
            with self._writing:
                yield
        else:
            yield

    @contextmanager
    def _guarded(self, outcome: str = "nothing could be read") -> Iterator[None]:
        """Turn what the database or the disk says into one sentence, and remember that it refused."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            self._fault = str(getattr(error, "orig", None) or error).strip().partition("\n")[0] or type(error).__name__
            where = self._engine.url.render_as_string(hide_password=True)
            raise StorageError(f"{where}: the event store refused ({self._fault}); {outcome}") from error


def _refuse(group: Sequence[Append], error: BaseException) -> None:
    for append in group:
        if not append.done:
            append.error = error


def _paged(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + PAGE] for start in range(0, len(items), PAGE))


def _head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)).first()
    return (0, GENESIS_HASH) if row is None else (row.seq, row.hash)


def _page(connection: Connection, after: int, until: int | None, entity_id: str | None) -> list[Event]:
    query = select(EVENTS).where(EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(PAGE)
    if until is not None:
        query = query.where(EVENTS.c.seq <= until)
    if entity_id is not None:
        query = query.where(EVENTS.c.entity_id == entity_id)
    return [event_of(row) for row in connection.execute(query)]


def _all_events(connection: Connection) -> Iterator[Event]:
    after = 0
    while page := _page(connection, after, None, None):
        yield from page
        after = page[-1].seq


def _span(connection: Connection, first: int, last: int) -> list[Event]:
    query = select(EVENTS).where(EVENTS.c.seq.between(first, last)).order_by(EVENTS.c.seq)
    return [event_of(row) for row in connection.execute(query)]


def _write(connection: Connection, plan: Plan) -> None:
    if plan.events:
        connection.execute(insert(EVENTS), [event_row(event) for event in plan.events])
    upsert(connection, ENTITIES, [entity_row(entity) for entity in plan.changed.values() if entity is not None])
    if gone := [entity_id for entity_id, entity in plan.changed.items() if entity is None]:
        connection.execute(delete(ENTITIES).where(ENTITIES.c.entity_id.in_(gone)))
    if plan.keys:
        rows = [{"idempotency_key": k, "first_seq": f, "last_seq": t} for k, (f, t) in plan.keys.items()]
        connection.execute(insert(APPENDS), rows)
