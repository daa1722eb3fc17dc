"""Who goes to which of all filed incidents."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError, RightsError
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.assigning import AssignmentQuery, assign
from gridgov.operations.closures import ClosureDraft, close_roads, reopen_roads
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def filed(here: Workspace, grid: int, *, severity: int = 2, file: bool = True) -> str:
    point = here.layer("grids").geometry.iloc[grid].representative_point()
    incident_id = report_incident(
        here, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y, severity=severity)
    ).id
    if file:
        move_incident(here, BOSS, incident_id, Action.FILE)
    return incident_id


def test_every_filed_incident_is_given_to_one_worker_of_its_own_and_others_are_left_alone(here: Workspace) -> None:
    wanted = {filed(here, grid) for grid in (0, 3, 6)}
    filed(here, 4, file=False)
    plan = assign(here, BOSS)
    assert {one.incident_id for one in plan.assignments} | {left.incident_id for left in plan.unassigned} == wanted
    workers = [one.worker_id for one in plan.assignments]
    assert len(workers) == len(set(workers)) > 0
    assert plan.cost <= plan.greedy_cost
    assert assign(here, BOSS) == plan


def test_the_most_urgent_come_first_where_the_number_is_limited(here: Workspace) -> None:
    filed(here, 0)
    severe, emergency = filed(here, 3, severity=4), filed(here, 6)
    move_incident(here, BOSS, emergency, Action.ESCALATE, MoveArguments(reason="燃气泄漏"))
    shown = []
    for limit in (1, 2):
        plan = assign(here, BOSS, AssignmentQuery(limit=limit))
        shown.append([one.incident_id for one in (*plan.assignments, *plan.unassigned)])
    assert shown == [[emergency], [emergency, severe]]
    with pytest.raises(ParameterError, match="from 1 on"):
        assign(here, BOSS, AssignmentQuery(limit=0))


def test_a_plan_holds_what_lies_in_the_area_and_is_for_who_may_dispatch(here: Workspace) -> None:
    grids = here.layer("grids")["grid_code"].astype(str)
    other = int((~grids.str.startswith(grids.iloc[0][:12])).to_numpy().argmax())
    inside = filed(here, 0)
    filed(here, other)
    plan = assign(here, Person("some", Role.COMMANDER, (grids.iloc[0][:12],)))
    assert [one.incident_id for one in (*plan.assignments, *plan.unassigned)] == [inside]
    nobody = assign(here, Person("none", Role.COMMANDER, ()))
    assert (nobody.assignments, nobody.unassigned) == ((), ())
    for role in (Role.PUBLIC, Role.WORKER, Role.PLANNER, Role.ADMIN):
        with pytest.raises(RightsError):
            assign(here, Person("other", role, EVERYWHERE))


def test_closed_roads_change_the_plan_until_they_are_opened(here: Workspace) -> None:
    filed(here, 0)
    before = assign(here, BOSS)
    closure, _ = close_roads(here, BOSS, ClosureDraft(edges=tuple(range(here.network().n_edges))))
    assert [left.reason for left in assign(here, BOSS).unassigned] == ["cut_off"]
    reopen_roads(here, BOSS, closure.closure_id)
    assert assign(here, BOSS) == before
