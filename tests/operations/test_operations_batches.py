"""Batches on Dask: the same numbers as in one process, in order, with progress; stopped, failed or left by workers."""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from batch_pieces import broken, doubled, dying, refused, slow
from distributed import LocalCluster

from gridgov.config import Settings
from gridgov.errors import ComputingError, ParameterError, RightsError, StoppedError
from gridgov.model import TravelMode
from gridgov.model.changes import PopulationScaled, SpeedsScaled
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.accessibility import AccessQuery, FacilityAccess, facility_access
from gridgov.operations.analysing import LayerUse, zonal_statistics
from gridgov.operations.batch_analyses import (
    BatchRun,
    SharedWorkspace,
    access_in_batches,
    run_scenarios,
    zonal_in_batches,
)
from gridgov.operations.batch_computing import Cluster, Machines, compute_batch, open_cluster
from gridgov.operations.closures import ClosureDraft, close_roads
from gridgov.operations.what_if import base_of, run_scenario
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
BOSS = Person("boss", Role.COMMANDER, EVERYWHERE)
WORKER_NOBODY = Person("nobody", Role.PUBLIC, EVERYWHERE)


@pytest.fixture(scope="module")
def two() -> Iterator[Cluster]:
    """A cluster of two processes, shared by the tests of this module; nothing of it is left afterwards."""
    before = {child.pid for child in multiprocessing.active_children()}
    with open_cluster(Machines(workers=2)) as cluster:
        yield cluster
    assert {child.pid for child in multiprocessing.active_children()} <= before


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    """The village with closures on its books, which workers cannot read."""
    workspace = open_workspace(village, settings=Settings(store="memory:"))
    close_roads(workspace, BOSS, ClosureDraft(edges=tuple(range(40)), reason="施工"))
    return workspace


def numbered(count: int) -> list[tuple[str, int]]:
    return [(f"piece {number}", number) for number in range(count)]


def same(one: FacilityAccess, other: FacilityAccess) -> None:
    pd.testing.assert_frame_equal(pd.DataFrame(one.grids), pd.DataFrame(other.grids), check_exact=True)
    pd.testing.assert_frame_equal(pd.DataFrame(one.underserved), pd.DataFrame(other.underserved), check_exact=True)
    assert (one.figures, one.notes, one.closures, one.sources) == (
        other.figures,
        other.notes,
        other.closures,
        other.sources,
    )


def test_answers_come_in_the_order_of_the_pieces_and_progress_goes_up_to_all(two: Cluster) -> None:
    told: list[tuple[int, int]] = []
    found = compute_batch(doubled, 2, numbered(9), on=two, progress=lambda done, every: told.append((done, every)))
    assert found == list(range(0, 18, 2)) == compute_batch(doubled, 2, numbered(9))
    assert told == [(number, 9) for number in range(1, 10)]


@pytest.mark.parametrize("piece", [7, 50])
@pytest.mark.parametrize(("raster", "kind"), [("elevation", "measures"), ("land_cover", "classes")])
def test_zonal_statistics_in_pieces_are_those_of_one_process(
    here: Workspace, two: Cluster, raster: str, kind: str, piece: int
) -> None:
    quantiles = (0.1, 0.5) if kind == "measures" else ()
    whole = zonal_statistics(here, PLANNER, raster, quantiles=quantiles)
    parts = zonal_in_batches(here, PLANNER, raster, quantiles=quantiles, run=BatchRun(on=two, piece=piece))
    pd.testing.assert_frame_equal(parts.table, whole.table, check_exact=True)
    pd.testing.assert_frame_equal(parts.classes, whole.classes, check_exact=True)
    assert (parts.kind, parts.findings) == (whole.kind, whole.findings)
    assert len(parts.table) == len(here.layer("grids"))


def test_access_in_pieces_is_that_of_one_process_with_the_closures_on_the_books(
    here: Workspace, two: Cluster, village: Path
) -> None:
    hurry = Scenario("faster", (), (SpeedsScaled(2.0),), None, base_of(here))
    queries = [
        AccessQuery(of="shelters", minutes=3.0),
        AccessQuery(of="fire_station", mode=TravelMode.WALK),
        AccessQuery(of="shelters", minutes=3.0, scenario=hurry),
    ]
    whole = [facility_access(here, PLANNER, query) for query in queries]
    assert whole[0].closures
    assert not np.array_equal(whole[0].grids["minutes"], whole[2].grids["minutes"], equal_nan=True)
    again = open_workspace(village, settings=Settings(store="memory:"))  # has put no grid on the roads yet
    again.store.append(list(here.store.events()))
    for parts in (
        access_in_batches(here, PLANNER, queries, run=BatchRun(on=two, piece=30)),
        access_in_batches(again, PLANNER, queries[:2], run=BatchRun(on=two, piece=100)),
        access_in_batches(here, PLANNER, queries[:1]),
    ):
        for one, other in zip(parts, whole, strict=False):
            same(one, other)


def test_scenarios_have_the_same_digests_and_figures_on_two_workers_as_in_one_process(
    here: Workspace, two: Cluster
) -> None:
    question = Question(near=("shelters",), minutes=3.0, resources=("forest",))
    scenarios = [
        Scenario("closed", (Closure("c", edges=tuple(range(40, 60))),), (), question, base_of(here)),
        Scenario("more people", (), (PopulationScaled(2.0),), question, base_of(here)),
        Scenario("no moment", (), (SpeedsScaled(0.5),), question),
    ]
    alone = run_scenarios(here, PLANNER, scenarios)
    apart = run_scenarios(here, PLANNER, scenarios, run=BatchRun(on=two))
    assert [each.digest for each in apart] == [each.digest for each in alone]
    assert len({each.digest for each in apart}) == 3
    assert [each.indicators for each in apart] == [each.indicators for each in alone]
    assert alone[0].digest == run_scenario(here, PLANNER, scenarios[0]).digest
    assert alone[2].scenario.base == base_of(here)


def test_whoever_stops_a_batch_gets_no_answers_and_its_machines_are_free_again(two: Cluster) -> None:
    stop, told = threading.Event(), []

    def progress(done: int, _every: int) -> None:
        told.append(done)
        stop.set()

    with pytest.raises(StoppedError, match="of 60 pieces"):
        compute_batch(slow, 0.05, numbered(60), on=two, progress=progress, cancelled=stop.is_set)
    assert len(told) < 10
    assert compute_batch(doubled, 3, numbered(2), on=two) == [0, 3]
    with pytest.raises(StoppedError):
        compute_batch(slow, 0.0, numbered(3), cancelled=lambda: True)


@pytest.mark.parametrize("machines", ["two processes", "this process"])
def test_a_piece_that_fails_gives_one_sentence_with_its_name(two: Cluster, machines: str) -> None:
    on = two if machines == "two processes" else None
    with pytest.raises(ParameterError, match=r"^piece 2: the street is -3 m long; give a length above 0$"):
        compute_batch(refused, None, numbered(4), on=on)
    with pytest.raises(ComputingError, match=r"^piece 0: ZeroDivisionError: division by zero$"):
        compute_batch(broken, None, numbered(1), on=on)


def test_a_worker_that_dies_once_is_survived(two: Cluster, tmp_path: Path) -> None:
    assert compute_batch(dying, str(tmp_path / "died"), numbered(4), on=two) == [0, 1, 2, 3]
    assert (tmp_path / "died").exists()


def test_a_piece_that_kills_every_worker_is_said_and_the_cluster_goes_on(two: Cluster) -> None:
    with pytest.raises(ComputingError, match=r"^piece 1: every worker that computed it died, .* memory"):
        compute_batch(dying, "", numbered(5), on=two)
    assert compute_batch(doubled, 2, numbered(3), on=two) == [0, 2, 4]


def listening_beyond_loopback(pid: int) -> list[str]:
    """Addresses of sockets of a process that others than this machine reach (Linux)."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.exists() or link.is_symlink():
            inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            address = columns[1].rpartition(":")[0]
            loopback = address.endswith("7F") or address == "0" * 24 + "01000000"
            if columns[3] == "0A" and columns[9] in inodes and not loopback:
                found.append(columns[1])
    return found


def test_a_cluster_of_this_machine_listens_on_loopback_only(two: Cluster) -> None:
    compute_batch(doubled, 1, numbered(2), on=two)
    children = [child.pid for child in multiprocessing.active_children() if child.pid is not None]
    assert len(children) == 2
    for pid in (os.getpid(), *children):
        assert listening_beyond_loopback(pid) == []


@contextmanager
def scheduler_elsewhere(workers: int) -> Iterator[LocalCluster]:
    """A scheduler that was started by somebody else, without TLS; its workers are threads, to be quick."""
    cluster = LocalCluster(
        n_workers=workers, processes=False, threads_per_worker=1, protocol="tcp", host="127.0.0.1",
        dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL,
    )  # fmt: skip
    with cluster:
        yield cluster


def test_any_scheduler_is_reached_by_its_address_and_stays_when_the_batch_is_done() -> None:
    with scheduler_elsewhere(1) as cluster:
        on = Machines(scheduler=cluster.scheduler_address)
        assert compute_batch(doubled, 2, numbered(5), on=on) == [0, 2, 4, 6, 8]
        assert compute_batch(doubled, 3, numbered(2), on=on) == [0, 3]


def test_a_scheduler_without_workers_is_said_after_a_while() -> None:
    with scheduler_elsewhere(0) as cluster:
        on = Machines(scheduler=cluster.scheduler_address, patience_s=0.5)
        with pytest.raises(ComputingError, match=r"had no worker for 0.5 s; start workers for it"):
            compute_batch(doubled, 2, numbered(5), on=on)


def test_a_scheduler_that_goes_away_is_said() -> None:
    with scheduler_elsewhere(1) as cluster:
        on = Machines(scheduler=cluster.scheduler_address, patience_s=1.0)

        def leave(done: int, _every: int) -> None:
            if done == 1:
                cluster.close()

        with pytest.raises(ComputingError, match=r"the Dask scheduler .*is gone"):
            compute_batch(slow, 0.1, numbered(50), on=on, progress=leave)


def test_machines_that_make_no_sense_and_schedulers_that_do_not_answer_are_said() -> None:
    for wrong in ({"workers": -1}, {"workers": 2, "scheduler": "tcp://h:1"}, {"memory_gib": -1.0}, {"patience_s": 0.0}):
        with pytest.raises(ParameterError):
            Machines(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="write it as tcp://HOST:PORT"):
        compute_batch(doubled, 1, numbered(1), on=Machines(scheduler="somewhere"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ComputingError, match="no Dask scheduler answers at tcp"):
        compute_batch(doubled, 1, numbered(1), on=Machines(scheduler=f"tcp://127.0.0.1:{port}", patience_s=0.5))
    assert Machines.of(Settings(dask_scheduler="tcp://h:8786")).scheduler == "tcp://h:8786"
    assert Machines.of(Settings(dask_scheduler="tcp://h:8786"), workers=2) == Machines(workers=2)


def test_a_worker_that_sees_other_data_than_who_asks_says_so(village: Path, tmp_path: Path) -> None:
    shared = SharedWorkspace.of(open_workspace(village))
    sent = shared.__getstate__()
    assert SharedWorkspace(**sent).workspace.version == shared.workspace.version
    with pytest.raises(ComputingError, match="other data"):
        _ = replace(SharedWorkspace(**sent), data="0").workspace
    with pytest.raises(ComputingError, match="share that folder"):
        _ = replace(SharedWorkspace(**sent), path=str(tmp_path)).workspace


def test_who_may_not_see_or_plan_gets_no_batch_either(here: Workspace) -> None:
    with pytest.raises(RightsError):
        zonal_in_batches(here, WORKER_NOBODY, "elevation", LayerUse("grids"))
    with pytest.raises(RightsError):
        access_in_batches(here, WORKER_NOBODY, [AccessQuery()])
    with pytest.raises(RightsError):
        run_scenarios(here, WORKER_NOBODY, [])
    with pytest.raises(ParameterError, match="1 to"):
        BatchRun(piece=0)
