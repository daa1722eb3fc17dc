"""Batches in one process and on one and two Dask workers: zonal statistics of 20,000 grids, scenarios of a city."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.instances import ROOT
from benchmarks.report import Measure, Result
from gridgov.config import Settings
from gridgov.model.changes import PopulationScaled, SpeedsScaled
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.analysing import zonal_statistics
from gridgov.operations.batch_analyses import BatchRun, run_scenarios, zonal_in_batches
from gridgov.operations.batch_computing import Cluster, Machines, open_cluster
from gridgov.operations.importing import import_sample
from gridgov.operations.what_if import base_of
from gridgov.workspace import Workspace, open_workspace

_WORKSPACE = ROOT / ".cache" / "benchmarks" / "city-workspace"
_PERSON = Person("benchmark", Role.PLANNER, EVERYWHERE)
_QUANTILES = (0.1, 0.5, 0.9)
_SCENARIOS, _PIECE, _MOST_ROUNDS = 2, 500, 3
METHOD = (
    "The largest sample, opened anew for each row of clusters. Wall time, median of the rounds; each cluster has done "
    "one round before, so starting it, loading libraries and reading the data are in a row of their own. Zonal "
    "statistics of the elevation with three quantiles; scenarios change speeds or people and ask for the times to "
    "shelters and fire stations. The digests are over every figure of every grid, bit for bit, and those of the "
    "scenarios. One process uses several threads for its searches, so two workers on two cores gain less than twice. "
    "Other work shared the two cores and wall time shows it: what to trust here are the digests, not the seconds."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    del data
    if not _WORKSPACE.is_dir():
        tell("making the largest sample (some minutes, kept for later runs)")
        part = _WORKSPACE.with_suffix(".part")
        import_sample(part, size="city")
        part.rename(_WORKSPACE)
    rows: list[Measure] = []
    digests: dict[str, set[str]] = {"zonal": set(), "scenarios": set()}
    count = 0
    for workers in (0, 1, 2):
        tell(f"{workers} workers")
        workspace = open_workspace(_WORKSPACE, settings=Settings(store="memory:"))
        count = len(workspace.layer("grids"))
        start = perf_counter()
        with open_cluster(Machines(workers=workers)) as cluster:
            tasks = _tasks(workspace, cluster)
            for name, task in tasks.items():
                digests[name].add(task())
                tell(f"  {name}: first round")
            ready = perf_counter() - start
            taken: dict[str, list[float]] = {name: [] for name in tasks}
            for _ in range(min(rounds, _MOST_ROUNDS)):
                for name, task in tasks.items():
                    start = perf_counter()
                    digests[name].add(task())
                    taken[name].append(perf_counter() - start)
        where = f"{workers} worker{'s' * (workers > 1)}" if workers else "one process"
        rows += [Measure(f"{name}: {where}", median(seconds), "s") for name, seconds in taken.items()]
        rows.append(Measure(f"start and first round of both: {where}", ready, "s"))
    digests["zonal"].add(_digest(zonal_statistics(workspace, _PERSON, "elevation", quantiles=_QUANTILES).table))
    rows += [Measure(f"{name}: different digests", len(found), "of them", at_most=1) for name, found in digests.items()]
    checks = [", ".join(f"{name} {version(name)}" for name in ("dask", "distributed"))]
    title = f"{count:,} grids in pieces of {_PIECE}, {_SCENARIOS} scenarios"
    return Result("batches", "Batches on Dask", title, METHOD, rows, checks)


def _tasks(workspace: Workspace, cluster: Cluster) -> dict[str, Callable[[], str]]:
    """Return both batches, each answering with its digest."""
    run = BatchRun(on=cluster, piece=_PIECE)
    scenarios = _scenarios(workspace)

    def zonal() -> str:
        return _digest(zonal_in_batches(workspace, _PERSON, "elevation", quantiles=_QUANTILES, run=run).table)

    def many() -> str:
        found = run_scenarios(workspace, _PERSON, scenarios, run=run)
        return hashlib.sha256(" ".join(each.digest for each in found).encode()).hexdigest()

    return {"zonal": zonal, "scenarios": many}


def _scenarios(workspace: Workspace) -> list[Scenario]:
    question, base = Question(near=("shelters", "fire_station"), resources=()), base_of(workspace)
    changes: list[Any] = [
        SpeedsScaled(0.5 + 0.05 * n) if n % 2 else PopulationScaled(1 + n / 10) for n in range(_SCENARIOS)
    ]
    return [Scenario(f"scenario {n}", (), (change,), question, base) for n, change in enumerate(changes)]


def _digest(table: pd.DataFrame) -> str:
    digest = hashlib.sha256()
    for name in table:
        column = table[name]
        numbers = column.dtype != object and not isinstance(column.dtype, pd.StringDtype)
        digest.update(np.ascontiguousarray(column).tobytes() if numbers else "\n".join(map(str, column)).encode())
    return digest.hexdigest()
