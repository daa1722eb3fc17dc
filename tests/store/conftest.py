"""Stores to test: in memory, SQLite in a temporary folder, PostgreSQL in a throw-away cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from skipping import skip_here
from store_cases import Cluster, fold, free_port, postgresql_binaries, short_folder

from gridgov.store import Store, open_store


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run."""
    if postgresql_binaries() is None:
        skip_here("PostgreSQL's initdb and pg_ctl are not installed (Debian: apt install postgresql postgis)")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        skip_here("root may not run PostgreSQL and runuser is not installed")
    with short_folder() as folder:
        made = Cluster.make(folder, free_port())
        yield made
        made.stop("fast")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("cluster").database())


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind."""
    if request.param == "memory":
        return "memory:"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("cluster").database())


@pytest.fixture
def opened() -> Iterator[Callable[[str], Store]]:
    """Open stores that are closed after the test."""
    stores: list[Store] = []

    def open_one(url: str) -> Store:
        stores.append(open_store(url, fold=fold))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(store_url: str, opened: Callable[[str], Store]) -> Store:
    """An empty store of each kind."""
    return opened(store_url)
