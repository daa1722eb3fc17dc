"""Tasks at the doors: issued with the orders, ticked off by their workers; warnings that refer to each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ConflictError, MoveRefusedError, ParameterError, RecordNotFoundError, RightsError
from gridgov.evacuation import EvacuationParams
from gridgov.model.alerts import MsgType, ResponseType, Urgency
from gridgov.model.cap import from_xml, to_xml
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.door_rounds import (
    GRACE,
    call_for_help,
    danger_of,
    door_progress,
    finish_door_task,
    issue_door_tasks,
    my_door_tasks,
)
from gridgov.operations.evacuating import evacuate, give_orders, keep_plan, withdraw_evacuation
from gridgov.operations.evacuation_input import EvacuationQuery
from gridgov.operations.hazards import HazardHeader, draw_hazard, withdraw_hazard
from gridgov.operations.orders import door_tasks_of, warning_of
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)


@pytest.fixture(scope="module")
def here(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("doors")
    for item in village.iterdir():
        if not item.name.startswith("store"):
            (folder / item.name).symlink_to(item)
    return open_workspace(folder, settings=Settings(store="memory:"))


def kept(here: Workspace, query: EvacuationQuery | None = None) -> tuple[str, EvacuationQuery]:
    west, south, east, north = here.bounds
    circle = shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) * 0.08)
    if query is None:
        hazard_id = draw_hazard(here, COMMANDER, mapping(circle), arrival_s=0.0).hazard_id
        query = EvacuationQuery(hazard_id=hazard_id, params=EvacuationParams(time_limit_s=0.5))
    answer = evacuate(here, COMMANDER, query)
    return keep_plan(here, COMMANDER, query, *answer).evacuation.evacuation_id, query


def worker(worker_id: str) -> Person:
    return Person("phone", Role.WORKER, (), worker_id)


def test_workers_see_their_grids_and_the_commander_how_many_are_done(here: Workspace) -> None:
    evacuation_id, _ = kept(here)
    with pytest.raises(ConflictError, match="orders first"):
        issue_door_tasks(here, COMMANDER, evacuation_id)
    give_orders(here, COMMANDER, evacuation_id)
    tasks, without = door_tasks_of(here, COMMANDER, evacuation_id)
    first = issue_door_tasks(here, COMMANDER, evacuation_id)
    assert (first.grids, first.done, first.without) == (len({task.zone_id for task in tasks}), 0, without)
    with pytest.raises(ConflictError, match="before"):
        issue_door_tasks(here, COMMANDER, evacuation_id)
    me = worker(tasks[0].worker_id)
    own = my_door_tasks(here, me)
    assert {task.zone_id for task in own} == {task.zone_id for task in tasks if task.worker_id == me.worker_id}
    assert own[0].texts["zh"] != own[0].texts["en"]
    done = finish_door_task(here, me, evacuation_id, own[0].zone_id)
    assert done.done_at is not None
    assert finish_door_task(here, me, evacuation_id, own[0].zone_id) == done
    told = door_progress(here, COMMANDER, evacuation_id)
    shared = [task for task in tasks if task.zone_id == own[0].zone_id]
    assert told.done == (1 if len(shared) == 1 else 0)
    with pytest.raises(RecordNotFoundError, match="not among your tasks"):
        finish_door_task(here, me, evacuation_id, "000000000000000")
    with pytest.raises(RightsError):
        door_progress(here, me, evacuation_id)
    called = call_for_help(here, me, evacuation_id, own[0].zone_id, note="  卧床老人 2 名 ")
    assert called.help_note == "卧床老人 2 名"
    assert call_for_help(here, me, evacuation_id, own[0].zone_id, note="卧床老人 2 名") == called
    assert door_progress(here, COMMANDER, evacuation_id).calls == (called,)
    over = call_for_help(here, me, evacuation_id, own[0].zone_id, wanted=False)
    assert (over.help_at, over.help_note) == (None, "")
    assert door_progress(here, COMMANDER, evacuation_id).calls == ()
    with pytest.raises(ParameterError, match="at most 300"):
        call_for_help(here, me, evacuation_id, own[0].zone_id, note="老" * 301)
    with pytest.raises(RecordNotFoundError, match="not among your tasks"):
        call_for_help(here, me, evacuation_id, "000000000000000")
    with pytest.raises(RightsError):
        call_for_help(here, COMMANDER, evacuation_id, own[0].zone_id)
    open_zone = next(task.zone_id for task in reversed(tasks) if task.zone_id != own[0].zone_id)
    other = worker(next(task.worker_id for task in tasks if task.zone_id == open_zone))
    withdraw_evacuation(here, COMMANDER, evacuation_id, reason="险情解除")
    assert my_door_tasks(here, me) == ()
    assert my_door_tasks(here, worker("")) == ()
    for operation in (finish_door_task, call_for_help):
        with pytest.raises(MoveRefusedError, match="is over"):
            operation(here, other, evacuation_id, open_zone)
    for operation in (lambda: my_door_tasks(here, COMMANDER), lambda: finish_door_task(here, COMMANDER, "x", "y")):
        with pytest.raises(RightsError):
            operation()


def test_updates_and_all_clears_refer_to_the_warning_before_them(here: Workspace) -> None:
    evacuation_id, query = kept(here)
    give_orders(here, COMMANDER, evacuation_id)
    warning = warning_of(here, COMMANDER, evacuation_id)
    assert warning == warning_of(here, COMMANDER, evacuation_id)
    assert (warning.msg_type, warning.references) == (MsgType.ALERT, ())
    second, _ = kept(here, replace(query, replaces=evacuation_id))
    update = warning_of(here, COMMANDER, second)
    assert update.msg_type is MsgType.UPDATE
    assert [reference.split(",")[1] for reference in update.references] == [evacuation_id]
    withdraw_evacuation(here, COMMANDER, second, reason="险情解除")
    recalled = warning_of(here, COMMANDER, second)
    assert recalled.msg_type is MsgType.CANCEL
    assert {info.response_types for info in recalled.infos} == {(ResponseType.MONITOR,)}
    assert "尚未解除" in recalled.infos[0].instruction
    withdraw_hazard(here, COMMANDER, query.hazard_id)
    assert warning_of(here, COMMANDER, second) == recalled, "the orders of the first plan still hold"
    withdraw_evacuation(here, COMMANDER, evacuation_id, reason="险情解除")
    clear = warning_of(here, COMMANDER, second)
    assert {info.response_types for info in clear.infos} == {(ResponseType.ALL_CLEAR,)}
    assert {info.urgency for info in clear.infos} == {Urgency.PAST}
    assert clear.identifier != recalled.identifier
    assert [reference.split(",")[1] for reference in clear.references] == [evacuation_id, second]
    assert clear.note == "险情解除"
    assert from_xml(to_xml(clear)) == clear


def test_new_orders_update_the_warning_of_the_older_and_take_its_tasks_off_the_phones(here: Workspace) -> None:
    first, query = kept(here)
    second, _ = kept(here, query)
    give_orders(here, COMMANDER, first)
    tasks, _ = door_tasks_of(here, COMMANDER, first)
    issue_door_tasks(here, COMMANDER, first)
    me = worker(tasks[0].worker_id)
    assert my_door_tasks(here, me)
    assert [each.split(",")[1] for each in warning_of(here, COMMANDER, second).references] == [first]
    give_orders(here, COMMANDER, second)
    assert my_door_tasks(here, me) == ()
    update = warning_of(here, COMMANDER, second)
    assert update.msg_type is MsgType.UPDATE
    assert [each.split(",")[1] for each in update.references] == [first]
    assert warning_of(here, COMMANDER, first).msg_type is MsgType.ALERT


def test_who_leaves_now_is_late_after_a_grace_and_told_at_once(here: Workspace, monkeypatch) -> None:
    evacuation_id, query = kept(here)
    ordered_at = here.now().replace(second=32)
    monkeypatch.setattr(here, "now", lambda: ordered_at)
    give_orders(here, COMMANDER, evacuation_id)
    told = issue_door_tasks(here, COMMANDER, evacuation_id)
    tasks, _ = door_tasks_of(here, COMMANDER, evacuation_id)
    first = min(tasks, key=lambda task: task.before)
    own = next(task for task in my_door_tasks(here, worker(first.worker_id)) if task.zone_id == first.zone_id)
    assert first.before == ordered_at
    assert own.texts["zh"].startswith("立即")
    assert own.texts["en"].startswith("At once")
    assert told.late == ()
    monkeypatch.setattr(here, "now", lambda: ordered_at + GRACE)
    assert door_progress(here, COMMANDER, evacuation_id).late == ()
    monkeypatch.setattr(here, "now", lambda: ordered_at + GRACE + timedelta(seconds=1))
    assert first.zone_id in door_progress(here, COMMANDER, evacuation_id).late
    second, _ = kept(here, query)
    give_orders(here, COMMANDER, second)
    assert door_progress(here, COMMANDER, evacuation_id).late == (), "replaced orders are not late"


def test_a_worker_reads_from_which_danger_people_leave(here: Workspace) -> None:
    west, south, east, north = here.bounds
    circle = shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) * 0.08)
    hazard = draw_hazard(here, COMMANDER, mapping(circle), HazardHeader(name="东坝险情"))
    query = EvacuationQuery(hazard_id=hazard.hazard_id, params=EvacuationParams(time_limit_s=0.5))
    assert danger_of(here, COMMANDER, kept(here, query)[0], "zh").startswith("东坝险情 · ")
