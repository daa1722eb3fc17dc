"""The event store: appends, positions, the worklist over 100,000 incidents, on SQLite and, when given, PostgreSQL.

GRIDGOV_BENCH_POSTGRESQL holds the URL of an empty database; without it SQLite alone is measured.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import insert, text

from benchmarks.report import Measure, Result
from gridgov.model.entities import Entity, EntityFilter, IndexColumns
from gridgov.model.events import Event, NewEvent, canonical_json
from gridgov.model.positions import Position
from gridgov.store import SqlStore, open_store
from gridgov.store.rows import entity_row
from gridgov.store.tables import ENTITIES

METHOD = (
    "One process, the default durability (a sync at every commit). Appends: one event of 300 bytes each, wall time by "
    "their number; callers are threads. Worklist: the 100 most urgent open incidents of 100,000, medians of the rounds."
)
START = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)
INCIDENTS = 100_000
THREADS, APPENDS = 50, 40
OPEN = ("filed", "dispatched", "in_progress")


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Measure."""
    rows: list[Measure] = []
    with tempfile.TemporaryDirectory() as folder:
        urls = {"SQLite": f"sqlite:///{folder}/store.sqlite"}
        if given := os.environ.get("GRIDGOV_BENCH_POSTGRESQL"):
            urls["PostgreSQL"] = given
        for name, url in urls.items():
            tell(f"measuring {name}")
            store = open_store(url, fold=_fold)
            assert isinstance(store, SqlStore)
            rows += _measured(store, name, rounds)
            store.close()
    return Result("store", "Event store", f"{INCIDENTS:,} incidents", METHOD, rows, [])


def _measured(store: SqlStore, name: str, rounds: int) -> list[Measure]:
    bar_ms = {"SQLite": 10.0, "PostgreSQL": 5.0}[name]  # 100 and 200 reports a second
    rows = [
        Measure(f"{name}: append, one caller", _append_ms(store, 1), "ms"),
        Measure(f"{name}: append, {THREADS} callers", _append_ms(store, THREADS), "ms", bar_ms),
        Measure(f"{name}: 1,000 positions", _positions_ms(store, rounds), "ms", 1000.0),
    ]
    for share in (0.03, 0.95):
        _fill(store, share)
        for what, where in (
            ("district", EntityFilter(statuses=OPEN)),
            ("street", EntityFilter(statuses=OPEN, grid_prefixes=("330102003",))),
            ("worker", EntityFilter(statuses=OPEN, worker_id="W7")),
        ):
            rows.append(
                Measure(f"{name}: worklist, {what}, {share:.0%} open", _page_ms(store, where, rounds), "ms", 50.0)
            )
    return rows


def _fold(state: dict[str, Any] | None, event: Event) -> dict[str, Any]:
    return {**(state or {}), **event.payload}


def _append_ms(store: SqlStore, threads: int) -> float:
    def write(worker: int) -> None:
        for step in range(APPENDS):
            payload = {"status": "reported", "severity": 2, "text": "x" * 300}
            store.append([NewEvent(START, "bench", "incident.reported", f"I{worker}-{step}", payload)])

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(threads)]
    start = time.perf_counter()
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    return (time.perf_counter() - start) * 1000 / (threads * APPENDS)


def _positions_ms(store: SqlStore, rounds: int) -> float:
    times = []
    for turn in range(rounds):
        at = START + timedelta(seconds=10 * turn)
        batch = [Position(f"W{worker}", at, 119.0, 29.6, 8.0) for worker in range(1000)]
        start = time.perf_counter()
        store.record_positions(batch)
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def _page_ms(store: SqlStore, where: EntityFilter, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        store.entities("incident", where, limit=100)
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def _fill(store: SqlStore, share_open: float) -> None:
    rng = random.Random(1)
    rows = []
    for number in range(INCIDENTS):
        state = {
            "status": rng.choice(OPEN) if rng.random() < share_open else "closed",
            "severity": rng.randint(1, 4),
            "grid_code": f"330102{rng.randint(1, 9):03d}{rng.randint(1, 40):03d}{rng.randint(1, 30):03d}",
            "worker_id": f"W{rng.randrange(400)}",
            "due_at": f"2026-06-30T{rng.randrange(24):02d}:{rng.randrange(60):02d}:00Z" if rng.random() < 0.7 else None,
            "text": "x" * 600,
        }
        columns = IndexColumns.of(state)
        rows.append(entity_row(Entity(f"I{number:06d}", "incident", number + 1, columns, canonical_json(state))))
    with store.engine.begin() as connection:
        connection.execute(ENTITIES.delete())
        for start in range(0, INCIDENTS, 5000):
            connection.execute(insert(ENTITIES), rows[start : start + 5000])
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE entities"))  # as its autovacuum does within a minute
