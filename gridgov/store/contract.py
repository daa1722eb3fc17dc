"""What every store does: the contract that memory, SQLite and PostgreSQL are tested against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from gridgov.model.accounts import Credential, OpenSession
from gridgov.model.entities import Entity, EntityFilter, EntityOrder
from gridgov.model.events import Checkpoint, Event, NewEvent
from gridgov.model.positions import Position


class SignIns(Protocol):
    """Password hashes and sessions: beside the log, unchained, in no export and no digest.

    All methods may be called from any thread and raise `StorageError` as those of `Store` do.
    """

    def set_password_hash(self, account_id: str, password_hash: str) -> None:
        """Keep the hash of an account's password instead of an earlier one; failures and a lock are gone."""
        ...

    def credential(self, account_id: str) -> Credential | None:
        """Return what is kept of an account's password; None when it has none."""
        ...

    def count_failure(self, account_id: str) -> int:
        """Count one wrong password more; return how many there are since the last right one or lock, 0 without any."""
        ...

    def lock(self, account_id: str, until: datetime) -> None:
        """Let no password open the account before a time; counting begins anew after it."""
        ...

    def clear_failures(self, account_id: str) -> None:
        """Forget wrong passwords and a lock."""
        ...

    def open_session(self, session: OpenSession) -> None:
        """Keep a new session."""
        ...

    def session(self, token_hash: str) -> OpenSession | None:
        """Return a session, also one that has expired; None when it was ended or never was."""
        ...

    def touch_session(self, token_hash: str, seen_at: datetime) -> None:
        """Note when a session was last used."""
        ...

    def end_session(self, token_hash: str) -> None:
        """Remove a session, if it is there."""
        ...

    def end_sessions_of(self, account_id: str, *, but: str = "") -> int:
        """Remove all sessions of an account, except one by the hash of its token; return how many."""
        ...

    def forget_sessions(self, before: datetime) -> int:
        """Remove sessions that expired before a time; return how many."""
        ...


class Store(Protocol):
    """The event log, the current state folded from it, and workers' positions.

    All methods may be called from any thread. When the disk or the database refuses, they raise `StorageError`; an
    append that raised has changed nothing, except that an append whose connection broke while it was being acknowledged
    may be there: repeat it with the same idempotency key.
    """

    @property
    def sign_ins(self) -> SignIns:
        """Password hashes and sessions."""
        ...

    def append(
        self, new_events: Sequence[NewEvent], *, expected_seq: int | None = None, idempotency_key: str | None = None
    ) -> list[Event]:
        """Add events and change the entities they happen to, all or nothing; durable when it returns.

        Parameters
        ----------
        new_events : sequence of NewEvent
            In the order in which they happen. Whatever the fold raises refuses them all.
        expected_seq : int, optional
            Number of the last event that the caller knew of; 0 for an entity that must be new. If one of the entities
            has changed since, nothing is written.
        idempotency_key : str, optional
            A name for this very call, of the actor of the first event. A second call with it changes nothing and
            returns the events of the first.

        Raises
        ------
        ConflictError
            An entity has changed after `expected_seq`.
        StorageError
            The disk or the database refused.
        """
        ...

    def repeated(self, actor: str, idempotency_key: str) -> list[Event]:
        """Return the events that an actor's earlier call of `append` with this key wrote; empty when there was none."""
        ...

    def events(self, *, after: int = 0, until: int | None = None, entity_id: str | None = None) -> Iterator[Event]:
        """Yield the events with numbers after < seq <= until, in order, without holding them all in memory."""
        ...

    def entity(self, entity_id: str) -> Entity | None:
        """Return the current state of an entity, or None."""
        ...

    def entities(
        self,
        kind: str,
        where: EntityFilter | None = None,
        *,
        order: EntityOrder = "urgency",
        limit: int = 100,
        offset: int = 0,
    ) -> list[Entity]:
        """Return the entities of a kind that match, in order (see `model.entities.sort_key`)."""
        ...

    def count(self, kind: str, where: EntityFilter | None = None) -> int:
        """Return how many entities of a kind match."""
        ...

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last event; 0 and `GENESIS_HASH` when there is none."""
        ...

    def checkpoint(self, *, now: datetime | None = None) -> Checkpoint:
        """Return the fingerprint of the log, to be kept elsewhere."""
        ...

    def rebuild(self) -> str:
        """Make the current state anew from all events, in one transaction; return its digest."""
        ...

    def state_digest(self) -> str:
        """Return the digest of the current state as the tables hold it."""
        ...

    def replayed_digest(self, *, until: int | None = None) -> str:
        """Return the digest of the state that the events (up to one of them) give."""
        ...

    def record_positions(self, positions: Iterable[Position]) -> int:
        """Keep workers' newest positions and, sampled, their track; return how many points the track gained.

        A position older than the one that is known does not replace it. Positions are not events and not chained.
        """
        ...

    def positions(self, *, since: datetime | None = None) -> list[Position]:
        """Return the newest position of each worker, by worker id."""
        ...

    def track(self, worker_id: str, *, since: datetime | None = None) -> list[Position]:
        """Return the kept positions of a worker, oldest first (without their accuracy)."""
        ...

    def forget_tracks(self, before: datetime) -> int:
        """Remove kept positions older than a time; return how many."""
        ...

    def writable(self) -> bool:
        """Whether a write would succeed; after a refusal a small write is tried, at most once a second."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
