"""Sending what a plan says in one go: each incident for itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import MoveRefusedError, RightsError, StorageError
from gridgov.i18n import LANGS
from gridgov.model.incident_life import Action
from gridgov.model.incidents import IncidentState
from gridgov.model.refusals import refusal_text
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.assigning import AssignmentParams, AssignmentQuery, assign
from gridgov.operations.batches import dispatch_batch, orders_of
from gridgov.operations.incidents import read_incident
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.overrides import overrides
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture
def here(village: Path) -> Workspace:
    workspace = open_workspace(village, settings=Settings(store="memory:"))
    for point in workspace.layer("grids").geometry.iloc[:4].representative_point():
        incident_id = report_incident(workspace, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y)).id
        move_incident(workspace, BOSS, incident_id, Action.FILE)
    return workspace


def test_all_are_sent_as_planned_and_each_can_be_taken_back(here: Workspace) -> None:
    plan = assign(here, BOSS)
    done: list[tuple[int, int]] = []
    results = dispatch_batch(here, BOSS, orders_of(plan), progress=lambda *step: done.append(step))
    assert [result.error for result in results] == [None] * 4
    assert done == [(n, 4) for n in range(1, 5)]
    for one in plan.assignments:
        assert read_incident(here, BOSS, one.incident_id).handler == one.worker_id
    move_incident(here, BOSS, results[0].incident_id, Action.UNDO_DISPATCH)
    assert read_incident(here, BOSS, results[0].incident_id).state is IncidentState.FILED
    assert overrides(here, BOSS).empty


def test_what_somebody_else_has_dispatched_meanwhile_is_left_and_said(here: Workspace) -> None:
    orders = orders_of(assign(here, BOSS))
    taken = orders[1].incident_id
    move_incident(here, BOSS, taken, Action.DISPATCH, MoveArguments(handler="W00001"))
    results = dispatch_batch(here, BOSS, orders)
    refused = [result for result in results if result.error is not None]
    assert [result.incident_id for result in refused] == [taken]
    assert read_incident(here, BOSS, taken).handler == "W00001"
    assert isinstance(refused[0].error, MoveRefusedError)
    for lang in LANGS:
        assert "W00001" in refusal_text(refused[0].error, lang)


def test_another_worker_needs_a_reason_here_too(here: Workspace) -> None:
    first, *rest = orders_of(assign(here, BOSS))
    other = next(w for w in here.layer("workers")["worker_id"] if w != first.worker_id)
    without = dispatch_batch(here, BOSS, [replace(first, worker_id=other), *rest])
    assert [result.error is None for result in without] == [False, True, True, True]
    sent = dispatch_batch(here, BOSS, [replace(first, worker_id=other, reason_code="workload")])
    assert sent[0].error is None
    assert overrides(here, BOSS)["handler"].tolist() == [other]


def test_who_is_under_way_and_stays_is_not_sent_again_and_who_is_called_back_is(here: Workspace) -> None:
    first = orders_of(assign(here, BOSS))[0]
    move_incident(here, BOSS, first.incident_id, Action.DISPATCH, MoveArguments(handler=first.worker_id))
    query = AssignmentQuery(include_under_way=True, params=AssignmentParams(switch_s=7200))
    assert first.incident_id not in {order.incident_id for order in orders_of(assign(here, BOSS, query))}
    others = frozenset({(first.incident_id, first.worker_id)})
    forced = assign(here, BOSS, replace(query, params=AssignmentParams(forbidden=others)))
    order = next(order for order in orders_of(forced) if order.incident_id == first.incident_id)
    assert order.current_worker == first.worker_id
    assert dispatch_batch(here, BOSS, [order])[0].error is None
    assert read_incident(here, BOSS, first.incident_id).handler == order.worker_id != first.worker_id


def test_rights_are_those_of_each_incident(here: Workspace) -> None:
    orders = orders_of(assign(here, BOSS))
    nowhere = dispatch_batch(here, Person("none", Role.SUPERVISOR, ()), orders)
    assert all(isinstance(result.error, RightsError) for result in nowhere)
    with pytest.raises(RightsError):
        dispatch_batch(here, Person("w", Role.WORKER, EVERYWHERE, "W00001"), orders)


def test_when_the_store_goes_away_the_rest_is_not_tried(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    orders, append, calls = orders_of(assign(here, BOSS)), here.store.append, []

    def failing(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise StorageError("the disk is full")
        return append(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(here.store, "append", failing)
    results = dispatch_batch(here, BOSS, orders)
    assert [type(result.error) for result in results] == [type(None), StorageError, StorageError, StorageError]
    assert len(calls) == 2
