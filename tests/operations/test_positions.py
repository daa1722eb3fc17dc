"""Where workers are and whether they are free: what they say, who may say it, and what the dispatch makes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError, RecordNotFoundError, RightsError
from gridgov.model.incident_life import Action
from gridgov.model.positions import Position
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Right, Role
from gridgov.model.workers import WorkerStatus
from gridgov.operations import crew
from gridgov.operations.crew import crew_of
from gridgov.operations.dispatching import dispatch_at, roster_of
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.positions import MOST_AT_ONCE, positions_of, record_positions, set_status
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
A = Action


@pytest.fixture
def here(village: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(crew, "LOOK_EVERY_S", 0.0)
    return open_workspace(village, settings=Settings(store="memory:"))


def free_worker(here: Workspace) -> Person:
    """Somebody who can go now, by the file."""
    roster = roster_of(here)
    row = int(np.flatnonzero(roster.on_shift(here.now()) & (roster.status == "free"))[0])
    return Person("phone", Role.WORKER, (), str(roster.worker_id[row]))


def at(here: Workspace, worker_id: str, grid: int = 5, *, ago: timedelta = timedelta(0)) -> Position:
    point = here.layer("grids").geometry.iloc[grid].representative_point()
    return Position(worker_id, here.now() - ago, point.x, point.y, 8.0)


def place_of(here: Workspace, worker_id: str) -> tuple[float, float]:
    roster = roster_of(here)
    row = crew_of(here).row[worker_id]
    return float(roster.lon[row]), float(roster.lat[row])


def kept_out(here: Workspace, worker_id: str, spot: Position) -> str:
    """Why a worker is not sent to a place; empty when roads alone decide."""
    plan = dispatch_at(here, BOSS, spot.lon, spot.lat, k=40)
    reasons = {e.worker_id: e.reason for e in plan.exclusions}
    return reasons.get(worker_id, "").replace("unreachable", "")


def test_a_worker_stands_where_the_phone_says_for_half_an_hour(here: Workspace) -> None:
    man = free_worker(here)
    before = place_of(here, man.worker_id)
    stale = at(here, man.worker_id, ago=timedelta(minutes=31))
    assert record_positions(here, man, [stale]) == 1
    assert place_of(here, man.worker_id) == before
    now = at(here, man.worker_id)
    record_positions(here, man, [now])
    assert place_of(here, man.worker_id) == (now.lon, now.lat)
    assert crew_of(here).grid_code[crew_of(here).row[man.worker_id]] == here.layer("grids")["grid_code"].iloc[5]
    plan = dispatch_at(here, BOSS, now.lon, now.lat, k=40)
    option = next(option for option in plan.options if option.worker_id == man.worker_id)
    assert (option.lon, option.lat) == (now.lon, now.lat)


def test_positions_are_looked_at_every_few_seconds_only(village: Path) -> None:
    """Putting everybody on the roads again takes a moment."""
    here = open_workspace(village, settings=Settings(store="memory:"))
    man = free_worker(here)
    first = crew_of(here)
    record_positions(here, man, [at(here, man.worker_id)])
    assert crew_of(here) is first
    set_status(here, man, man.worker_id, WorkerStatus.OFF)  # what somebody says counts at once
    assert crew_of(here).version == first.version + 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"ago": timedelta(minutes=-3)}, ParameterError),
        ({"ago": timedelta(hours=25)}, ParameterError),
        ({"lon": 121.5}, ParameterError),
        ({"worker_id": "W99999"}, RightsError),
    ],
)
def test_a_position_that_cannot_be_true_is_refused_and_nothing_is_kept(
    here: Workspace, change: dict[str, object], error: type[Exception]
) -> None:
    man = free_worker(here)
    good = at(here, man.worker_id)
    ago = change.get("ago", timedelta(0))
    assert isinstance(ago, timedelta)
    bad = Position(
        str(change.get("worker_id", man.worker_id)), good.at - ago, float(str(change.get("lon", good.lon))), good.lat
    )
    with pytest.raises(error):
        record_positions(here, man, [good, bad])
    assert here.store.positions() == []


def test_a_batch_has_its_limit(here: Workspace) -> None:
    man = free_worker(here)
    with pytest.raises(ParameterError, match="at most 1,000"):
        record_positions(here, man, [at(here, man.worker_id)] * (MOST_AT_ONCE + 1))
    assert record_positions(here, man, []) == 0


def test_only_workers_send_positions_and_only_their_own(here: Workspace) -> None:
    man = free_worker(here)
    for person in (BOSS, PUBLIC, Person("root", Role.ADMIN, EVERYWHERE)):
        with pytest.raises(RightsError):
            record_positions(here, person, [at(here, man.worker_id)])
    nobody = Person("phone", Role.WORKER, (), "W99999")
    with pytest.raises(RecordNotFoundError):
        record_positions(here, nobody, [at(here, "W99999")])


def test_positions_are_shown_to_the_area_and_to_oneself(here: Workspace) -> None:
    man, code = free_worker(here), str(here.layer("grids")["grid_code"].iloc[5])
    other = next(str(i) for i in roster_of(here).worker_id if i != man.worker_id)
    here.store.record_positions([at(here, man.worker_id), at(here, other, 60)])
    assert len(positions_of(here, BOSS)) == 2
    assert [p.worker_id for p in positions_of(here, man)] == [man.worker_id]
    assert [p.worker_id for p in positions_of(here, Person("near", Role.SUPERVISOR, (code,)))] == [man.worker_id]
    assert positions_of(here, Person("nowhere", Role.SUPERVISOR)) == []
    with pytest.raises(RightsError):
        positions_of(here, Person("planner", Role.PLANNER, EVERYWHERE))


def test_what_a_worker_says_counts_at_once(here: Workspace) -> None:
    man = free_worker(here)
    spot = at(here, man.worker_id)
    for status, reason in ((WorkerStatus.BUSY, "busy"), (WorkerStatus.OFF, "off_shift"), (WorkerStatus.FREE, "")):
        set_status(here, man, man.worker_id, status)
        assert kept_out(here, man.worker_id, spot) == reason
    assert [event.actor for event in here.store.events()] == [man.worker_id] * 3


def test_who_may_say_that_somebody_is_free(here: Workspace) -> None:
    man = free_worker(here)
    away = str(here.layer("grids")["grid_code"].iloc[0])
    assert not crew_of(here).grid_code[crew_of(here).row[man.worker_id]].startswith(away)
    for person in (
        Person("other", Role.WORKER, (), "W00001" if man.worker_id != "W00001" else "W00002"),
        Person("away", Role.SUPERVISOR, (away,)),
        Person("planner", Role.PLANNER, EVERYWHERE),
        PUBLIC,
    ):
        with pytest.raises(RightsError):
            set_status(here, person, man.worker_id, WorkerStatus.OFF)
    with pytest.raises(RecordNotFoundError):
        set_status(here, BOSS, "W99999", WorkerStatus.OFF)
    with pytest.raises(ParameterError, match="free, busy, off"):
        set_status(here, BOSS, man.worker_id, "asleep")  # type: ignore[arg-type]
    assert here.store.head()[0] == 0
    set_status(here, BOSS, man.worker_id, WorkerStatus.OFF)


def test_who_has_a_task_is_busy_until_it_is_done(here: Workspace) -> None:
    man = free_worker(here)
    spot = at(here, man.worker_id)
    record = report_incident(here, BOSS, ReportForm(class_code="0101", lon=spot.lon, lat=spot.lat))
    move_incident(here, BOSS, record.id, A.FILE)
    assert kept_out(here, man.worker_id, spot) == ""
    for person, action, given, expected in (
        (BOSS, A.DISPATCH, MoveArguments(handler=man.worker_id), "busy"),
        (man, A.ACCEPT, MoveArguments(), "busy"),
        (man, A.RESOLVE, MoveArguments(note="done"), ""),
        (BOSS, A.REWORK, MoveArguments(reason="not clean"), "busy"),
    ):
        move_incident(here, person, record.id, action, given)
        assert kept_out(here, man.worker_id, spot) == expected, action


def test_a_dispatch_is_planned_by_who_may_and_in_the_own_area(here: Workspace) -> None:
    spot, code = at(here, "W00001"), str(here.layer("grids")["grid_code"].iloc[5])
    near = Person("near", Role.SUPERVISOR, (code,))
    assert dispatch_at(here, near, spot.lon, spot.lat).grid_code == code
    with pytest.raises(RightsError, match="outside the area"):
        dispatch_at(here, near, at(here, "W00001", 60).lon, at(here, "W00001", 60).lat)
    with pytest.raises(RightsError, match="outside all grids"):
        dispatch_at(here, near, 0.0, 0.0)
    assert dispatch_at(here, BOSS, 0.0, 0.0).grid_code is None
    for role in (Role.WORKER, Role.PLANNER, Role.ADMIN, Role.PUBLIC):
        with pytest.raises(RightsError, match=Right.DISPATCH_PLAN):
            dispatch_at(here, Person("x", role, EVERYWHERE), spot.lon, spot.lat)
