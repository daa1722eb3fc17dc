"""Tours through the filed incidents, within shifts and deadlines, with their bound."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError, RightsError
from gridgov.i18n import LANGS
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.moving import move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.operations.touring import TourQuery, tours
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    workspace = open_workspace(village, settings=Settings(store="memory:"))
    for point in workspace.layer("grids").geometry.iloc[:6].representative_point():
        incident_id = report_incident(workspace, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y)).id
        move_incident(workspace, BOSS, incident_id, Action.FILE)
    return workspace


SHORT = TourQuery(workers=2, time_limit_s=2.0, service_s=300)


def test_two_workers_do_six_incidents_one_after_the_other(here: Workspace) -> None:
    steps: list[str] = []
    plan = tours(here, BOSS, SHORT, progress=steps.append)
    visited = [stop.incident_id for tour in plan.tours for stop in tour.stops]
    assert len(visited) == len(set(visited)) == 6
    assert (plan.left_out, plan.workers, steps) == ((), 2, ["tours.times", "tours.search"])
    assert 0 <= plan.lower_bound <= plan.cost == plan.travel_ms
    for tour in plan.tours:
        now = 0
        for stop in tour.stops:
            assert stop.arrive_ms == now + stop.travel_ms
            assert stop.done_ms == stop.begin_ms + 300_000
            now = stop.done_ms
    assert json.loads(json.dumps(plan.to_dict()))["schema"] == "gridgov-tours/1"
    for lang in LANGS:
        assert all(line[-1] in ".。" for line in plan.texts(lang))


def test_work_that_does_not_fit_into_the_shift_is_left_out_and_said(here: Workspace) -> None:
    plan = tours(here, BOSS, replace(SHORT, service_s=9 * 3600))
    assert plan.left_out
    assert {reason for _, reason in plan.left_out} <= {"no_room", "nobody_in_time", "nobody_reaches"}


def test_no_incidents_are_no_tours(village: Path) -> None:
    plan = tours(open_workspace(village, settings=Settings(store="memory:")), BOSS, SHORT)
    assert (plan.tours, plan.left_out, plan.cost, plan.gap) == ((), (), 0, 0.0)


def test_who_may_not_dispatch_and_numbers_that_cannot_be_are_refused(here: Workspace) -> None:
    with pytest.raises(RightsError):
        tours(here, Person("p", Role.PLANNER, EVERYWHERE))
    for wrong in ({"limit": 0}, {"limit": 9999}, {"workers": 0}, {"service_s": -1}, {"time_limit_s": 0}):
        with pytest.raises(ParameterError):
            TourQuery(**wrong)
