"""Password hashes and sessions, in memory and in a database; no event ever holds any of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from gridgov.model.accounts import Credential, OpenSession
from gridgov.model.events import format_time, parse_time
from gridgov.store.rows import upsert
from gridgov.store.tables import CREDENTIALS, SESSIONS

_C, _S = CREDENTIALS.c, SESSIONS.c
Connecting = Callable[[], AbstractContextManager[Connection]]


class MemorySignIns:
    """`SignIns` of two dictionaries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: dict[str, Credential] = {}
        self._sessions: dict[str, OpenSession] = {}

    def set_password_hash(self, account_id: str, password_hash: str) -> None:
        """Keep a password's hash; see `SignIns.set_password_hash`."""
        with self._lock:
            self._credentials[account_id] = Credential(account_id, password_hash)

    def credential(self, account_id: str) -> Credential | None:
        """Return a credential; see `SignIns.credential`."""
        return self._credentials.get(account_id)

    def count_failure(self, account_id: str) -> int:
        """Count a wrong password; see `SignIns.count_failure`."""
        with self._lock:
            known = self._credentials.get(account_id)
            if known is None:
                return 0
            self._credentials[account_id] = replace(known, failures=known.failures + 1)
            return known.failures + 1

    def lock(self, account_id: str, until: datetime) -> None:
        """Lock a credential; see `SignIns.lock`."""
        self._settle(account_id, until)

    def clear_failures(self, account_id: str) -> None:
        """Forget wrong passwords; see `SignIns.clear_failures`."""
        self._settle(account_id, None)

    def _settle(self, account_id: str, locked_until: datetime | None) -> None:
        with self._lock:
            if account_id in self._credentials:
                known = self._credentials[account_id]
                self._credentials[account_id] = replace(known, failures=0, locked_until=locked_until)

    def open_session(self, session: OpenSession) -> None:
        """Keep a session; see `SignIns.open_session`."""
        with self._lock:
            self._sessions[session.token_hash] = session

    def session(self, token_hash: str) -> OpenSession | None:
        """Return a session; see `SignIns.session`."""
        return self._sessions.get(token_hash)

    def touch_session(self, token_hash: str, seen_at: datetime) -> None:
        """Note a session's use; see `SignIns.touch_session`."""
        with self._lock:
            if token_hash in self._sessions:
                self._sessions[token_hash] = replace(self._sessions[token_hash], seen_at=seen_at)

    def end_session(self, token_hash: str) -> None:
        """Remove a session; see `SignIns.end_session`."""
        with self._lock:
            self._sessions.pop(token_hash, None)

    def end_sessions_of(self, account_id: str, *, but: str = "") -> int:
        """Remove an account's sessions; see `SignIns.end_sessions_of`."""
        return self._remove(lambda session: session.account_id == account_id and session.token_hash != but)

    def forget_sessions(self, before: datetime) -> int:
        """Remove expired sessions; see `SignIns.forget_sessions`."""
        return self._remove(lambda session: session.expires_at < before)

    def _remove(self, unwanted: Callable[[OpenSession], bool]) -> int:
        with self._lock:
            kept = {key: session for key, session in self._sessions.items() if not unwanted(session)}
            removed, self._sessions = len(self._sessions) - len(kept), kept
        return removed


class SqlSignIns:
    """`SignIns` of two tables.

    Parameters
    ----------
    reading, saving : callable
        Give a connection to read by, and one whose transaction is saved at its end.
    """

    def __init__(self, reading: Connecting, saving: Connecting) -> None:
        self._reading = reading
        self._saving = saving

    def set_password_hash(self, account_id: str, password_hash: str) -> None:
        """Keep a password's hash; see `SignIns.set_password_hash`."""
        with self._saving() as connection:
            row = {"account_id": account_id, "password_hash": password_hash, "failures": 0, "locked_until": None}
            upsert(connection, CREDENTIALS, [row])

    def credential(self, account_id: str) -> Credential | None:
        """Return a credential; see `SignIns.credential`."""
        with self._reading() as connection:
            row = connection.execute(select(CREDENTIALS).where(_C.account_id == account_id)).first()
        if row is None:
            return None
        until = None if row.locked_until is None else parse_time(row.locked_until)
        return Credential(row.account_id, row.password_hash, row.failures, until)

    def count_failure(self, account_id: str) -> int:
        """Count a wrong password; see `SignIns.count_failure`."""
        one_more = update(CREDENTIALS).where(_C.account_id == account_id).values(failures=_C.failures + 1)
        with self._saving() as connection:
            return int(connection.scalar(one_more.returning(_C.failures)) or 0)

    def lock(self, account_id: str, until: datetime) -> None:
        """Lock a credential; see `SignIns.lock`."""
        self._settle(account_id, format_time(until))

    def clear_failures(self, account_id: str) -> None:
        """Forget wrong passwords; see `SignIns.clear_failures`."""
        self._settle(account_id, None)

    def _settle(self, account_id: str, locked_until: str | None) -> None:
        values = {"failures": 0, "locked_until": locked_until}
        with self._saving() as connection:
            connection.execute(update(CREDENTIALS).where(_C.account_id == account_id).values(values))

    def open_session(self, session: OpenSession) -> None:
        """Keep a session; see `SignIns.open_session`."""
        row = {
            "token_hash": session.token_hash,
            "account_id": session.account_id,
            "created_at": format_time(session.created_at),
            "seen_at": format_time(session.seen_at),
            "expires_at": format_time(session.expires_at),
        }
        with self._saving() as connection:
            connection.execute(insert(SESSIONS), [row])

    def session(self, token_hash: str) -> OpenSession | None:
        """Return a session; see `SignIns.session`."""
        with self._reading() as connection:
            row = connection.execute(select(SESSIONS).where(_S.token_hash == token_hash)).first()
        return None if row is None else _session_of(row)

    def touch_session(self, token_hash: str, seen_at: datetime) -> None:
        """Note a session's use; see `SignIns.touch_session`."""
        seen = update(SESSIONS).where(_S.token_hash == token_hash).values(seen_at=format_time(seen_at))
        with self._saving() as connection:
            connection.execute(seen)

    def end_session(self, token_hash: str) -> None:
        """Remove a session; see `SignIns.end_session`."""
        with self._saving() as connection:
            connection.execute(delete(SESSIONS).where(_S.token_hash == token_hash))

    def end_sessions_of(self, account_id: str, *, but: str = "") -> int:
        """Remove an account's sessions; see `SignIns.end_sessions_of`."""
        with self._saving() as connection:
            unwanted = (_S.account_id == account_id) & (_S.token_hash != but)
            return connection.execute(delete(SESSIONS).where(unwanted)).rowcount

    def forget_sessions(self, before: datetime) -> int:
        """Remove expired sessions; see `SignIns.forget_sessions`."""
        with self._saving() as connection:
            return connection.execute(delete(SESSIONS).where(_S.expires_at < format_time(before))).rowcount


def _session_of(row: Row[tuple[str, str, str, str, str]]) -> OpenSession:
    times = (parse_time(text) for text in (row.created_at, row.seen_at, row.expires_at))
    return OpenSession(row.token_hash, row.account_id, *times)
