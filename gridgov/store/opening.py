"""Open a store by its URL."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gridgov.errors import SettingsError, StorageError
from gridgov.model.entities import Fold
from gridgov.store.contract import Store
from gridgov.store.engines import OWNER_ONLY, postgresql_engine, sqlite_engine
from gridgov.store.memory import MemoryStore
from gridgov.store.schema import upgrade
from gridgov.store.sql import SqlStore

STORE_FILE = "store.sqlite"


def workspace_store_url(workspace: Path) -> str:
    """Return the URL of the SQLite store inside a workspace folder."""
    return URL.create("sqlite", database=str(workspace / STORE_FILE)).render_as_string()


def open_store(url: str, *, fold: Fold, create: bool = True, track_every_s: float = 60.0) -> Store:
    """Open a store and bring its tables up to date.

    Parameters
    ----------
    url : str
        ``sqlite:///relative/path``, ``sqlite:////absolute/path``, ``postgresql://user:password@host/database`` or
        ``memory:``.
    fold : callable
        How an event changes the entity it happens to; see `gridgov.model.entities`.
    create : bool
        Whether a missing SQLite file is made.
    track_every_s : float
        Least seconds between two kept positions of a worker's track.

    Raises
    ------
    SettingsError
        The URL is of no known kind, or the PostgreSQL driver is not installed.
    StorageError
        The database cannot be reached or used.
    """
    if url == "memory:":
        return MemoryStore(fold=fold, track_every_s=track_every_s)
    parsed = _parse(url)
    try:
        engine = sqlite_engine(parsed) if parsed.drivername == "sqlite" else postgresql_engine(parsed)
    except ModuleNotFoundError as error:
        raise SettingsError("PostgreSQL needs its driver: install gridgov[postgres]") from error
    if parsed.drivername == "sqlite" and not create and not Path(parsed.database or "").is_file():
        raise StorageError(f"{parsed.database}: no event store here")
    try:
        if parsed.drivername == "sqlite" and not Path(parsed.database or "").exists():
            os.close(os.open(parsed.database or "", os.O_RDWR | os.O_CREAT, OWNER_ONLY))  # SQLite's other files follow
        upgrade(engine)
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        if isinstance(error, StorageError):
            raise
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise StorageError(f"{parsed.render_as_string()}: the event store cannot be opened ({reason})") from error
    return SqlStore(engine, fold=fold, track_every_s=track_every_s)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError(f"'{url}' is no URL of a store, such as sqlite:///store.sqlite") from error
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    raise SettingsError(
        f"a store is a sqlite file, a postgresql database or memory:, not '{parsed.render_as_string()}'"
    )
