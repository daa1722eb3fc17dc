"""The board of open incidents follows the store; reminders are found on it."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from gridgov.config import Settings
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations import board
from gridgov.operations.adopting import adopt_incidents
from gridgov.operations.board import board_of
from gridgov.operations.incidents import IncidentQuery, list_incidents
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reminding import send_reminders
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace, utc_now

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
A = Action


@pytest.fixture
def here(village: Path) -> Workspace:
    opened = open_workspace(village, settings=Settings(store="memory:"))
    adopt_incidents(opened)
    return opened


def report(here: Workspace, grid: int = 3) -> str:
    point = here.layer("grids").geometry.iloc[grid].representative_point()
    return report_incident(here, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y)).id


def ids(here: Workspace) -> set[str]:
    return set(board_of(here)["incident_id"])


def open_ids(here: Workspace) -> set[str]:
    return {record.id for record in list_incidents(here, BOSS, IncidentQuery(limit=1000))}


def test_the_board_holds_the_open_incidents_and_follows_every_change(here: Workspace) -> None:
    assert ids(here) == open_ids(here)
    before = board_of(here)
    new = report(here)
    assert new in ids(here)
    assert new not in before["incident_id"]
    move_incident(here, BOSS, new, A.FILE)
    row = board_of(here).frame.set_index("incident_id").loc[new]
    assert (row["state"], row["class_code"], row["layer"], row["handler"]) == ("filed", "0101", "", "")
    worker = str(here.layer("workers")["worker_id"].iloc[0])
    sent = move_incident(here, BOSS, new, A.DISPATCH, MoveArguments(handler=worker))
    row = board_of(here).frame.set_index("incident_id").loc[new]
    assert (row["handler"], row["due_at"], row["warn_at"]) == (worker, sent.due_at, sent.warn_at)
    assert worker in board_of(here).busy_handlers
    move_incident(here, BOSS, new, A.ESCALATE, MoveArguments(reason="gas"))
    assert board_of(here).frame.set_index("incident_id").loc[new]["emergency"]
    move_incident(here, BOSS, new, A.VOID, MoveArguments(reason="twice"))
    assert new not in ids(here)
    assert ids(here) == open_ids(here)


def test_the_version_changes_with_the_content_and_only_then(here: Workspace) -> None:
    first = board_of(here)
    assert board_of(here) is first
    new = report(here)
    second = board_of(here)
    assert second.version > first.version
    here.store.append([])  # nothing
    assert board_of(here) is second
    move_incident(here, BOSS, new, A.NOTE, MoveArguments(note="seen"))
    assert board_of(here).version > second.version


def test_a_board_read_at_once_equals_one_that_followed(here: Workspace) -> None:
    board_of(here)
    for grid in range(5):
        move_incident(here, BOSS, report(here, grid), A.FILE)
        board_of(here)
    followed, fresh = board_of(here), board._Keeper(here).board()
    order = np.lexsort((followed["incident_id"].astype(str), followed["reported_at"]))
    for name, column in followed.columns.items():
        np.testing.assert_array_equal(column[order], fresh[name])


def test_a_board_of_many_pages_is_whole_while_others_write(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "_PAGE", 3)
    new = [report(here, grid) for grid in range(20)]
    done = threading.Event()

    def close_some() -> None:
        for incident_id in new[:10]:
            move_incident(here, BOSS, incident_id, A.REJECT, MoveArguments(reason="no"))
        done.set()

    writer = threading.Thread(target=close_some)
    writer.start()
    while not done.is_set():
        assert set(new[10:]) <= set(board._Keeper(here).board()["incident_id"])
    writer.join()
    assert ids(here) == open_ids(here)


def test_who_sees_what(here: Workspace) -> None:
    """The area, the own tasks, nothing without the right."""
    new = report(here, 3)
    whole, code = board_of(here), str(here.layer("grids")["grid_code"].iloc[3])
    assert whole.seen_by(BOSS).all()
    assert whole.seen_by(PLANNER).all()
    assert not whole.seen_by(PUBLIC).any()
    assert not whole.seen_by(Person("root", Role.ADMIN, EVERYWHERE)).any()
    near = whole.seen_by(Person("near", Role.SUPERVISOR, (code,)))
    assert new in whole["incident_id"][near]
    assert all(grid.startswith(code) for grid in whole["grid_code"][near])
    assert not whole.seen_by(Person("nowhere", Role.SUPERVISOR)).any()
    handler = next(who for who in whole["handler"] if who)
    own = whole.seen_by(Person("phone", Role.WORKER, (), handler))
    assert set(whole["handler"][own]) == {handler}
    assert own.sum() == (whole["handler"] == handler).sum()


def test_each_reminder_is_sent_once_when_it_is_due(village: Path) -> None:
    later = timedelta(0)
    here = open_workspace(village, settings=Settings(store="memory:"), clock=lambda: utc_now() + later)
    here.start_clock()
    worker = str(here.layer("workers")["worker_id"].iloc[0])
    new = report(here)
    move_incident(here, BOSS, new, A.FILE)
    record = move_incident(here, BOSS, new, A.DISPATCH, MoveArguments(handler=worker))
    assert record.warn_at is not None
    assert record.due_at is not None
    assert send_reminders(here) == 0
    for moment, codes in ((record.warn_at, ["yellow"]), (record.due_at, ["yellow", "red"])):
        later += moment - here.now() + timedelta(minutes=1)
        assert [send_reminders(here), send_reminders(here)] == [1, 0]
        assert list_incidents(here, BOSS)[0].reminders == tuple(codes)
    later += timedelta(days=30)
    assert [send_reminders(here), send_reminders(here)] == [1, 0]
    assert list_incidents(here, BOSS)[0].reminders == ("yellow", "red", "double")
    assert {event.actor for event in here.store.events() if event.kind == "incident.reminded"} == {"system"}


def test_reminders_of_incidents_of_a_file_go_out_together(village: Path) -> None:
    later = timedelta(days=100)
    here = open_workspace(village, settings=Settings(store="memory:"), clock=lambda: utc_now() + later)
    adopt_incidents(here)
    here.start_clock()
    later += timedelta(days=100)
    running = int(np.isin(board_of(here)["state"].astype(str), ["dispatched", "in_progress", "rework"]).sum())
    assert [send_reminders(here), send_reminders(here)] == [running, 0]
