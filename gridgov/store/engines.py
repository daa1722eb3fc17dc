"""Connections to SQLite and PostgreSQL, with the settings that make an acknowledged write durable."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

from gridgov.errors import StorageError

BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_MS = 30_000
POOL_SIZE = 12
OWNER_ONLY = 0o600  # stores and exports hold names and numbers of reporters, stores the hashes of passwords too
_LOG_LOCK = 0x67726964_676F76  # "gridgov": whoever holds this advisory lock may add to the log
_WRITES = "gridgov_writes"


def sqlite_engine(url: URL) -> Engine:
    """Return an engine of a SQLite file: write-ahead log, a sync at every commit, writers one after another."""
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=-1,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def settle(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; see `begin`
        mode = _write_ahead(connection)
        if mode != "wal":
            raise StorageError(
                f"{url.database}: SQLite cannot use its write-ahead log here (mode {mode}); use a local disk"
            )
        for pragma in ("synchronous = FULL", "fullfsync = 1", f"busy_timeout = {BUSY_TIMEOUT_MS}", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: Any) -> str:
    """Switch to the write-ahead log and return the mode.

    While another connection switches a new file, SQLite answers "locked" at once, whatever the busy timeout says.
    """
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def postgresql_engine(url: URL) -> Engine:
    """Return an engine of a PostgreSQL database; sessions that would not wait for the disk are made to."""
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "gridgov",
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c idle_in_transaction_session_timeout=60000",
        },
    )

    @event.listens_for(engine, "connect")
    def settle(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            names = ("synchronous_commit", "fsync", "server_encoding")
            cursor.execute("SELECT current_setting(%s), current_setting(%s), current_setting(%s)", names)
            waits, syncs, encoding = cursor.fetchone()
            if syncs != "on":
                raise StorageError("this PostgreSQL server runs with fsync off and may lose everything: turn it on")
            if encoding != "UTF8":
                raise StorageError(f"this PostgreSQL database has the encoding {encoding}: make one with UTF8")
            if waits == "off":
                cursor.execute("SET synchronous_commit = on")
        connection.commit()

    return engine


def reading(engine: Engine) -> Engine:
    """Return the engine for single reads: PostgreSQL then spends no round trips on a transaction around each."""
    return engine.execution_options(isolation_level="AUTOCOMMIT") if engine.dialect.name == "postgresql" else engine


@contextmanager
def writing(engine: Engine, *, log: bool = True) -> Iterator[Connection]:
    """Open a transaction that writes; it commits, or on an exception rolls back.

    With `log` it is the only one that may add to the log. SQLite has one writer at a time in any case.
    """
    with engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        if log and engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOG_LOCK})
        yield connection
