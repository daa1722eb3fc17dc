"""Who goes to which of all filed incidents."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.dispatch import AssignmentParams
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


def given_to(here: Workspace, incident_id: str, worker_id: str, *steps: Action) -> None:
    move_incident(here, BOSS, incident_id, Action.DISPATCH, MoveArguments(handler=worker_id))
    for step in steps:
        move_incident(here, Person(worker_id, Role.WORKER, (), worker_id), incident_id, step)


UNDER_WAY = AssignmentQuery(include_under_way=True)


def test_who_is_under_way_stays_and_without_asking_takes_no_part(here: Workspace) -> None:
    incident_id = filed(here, 0)
    nearest = assign(here, BOSS).assignments[0].worker_id
    given_to(here, incident_id, nearest)
    assert assign(here, BOSS).assignments == ()
    kept = assign(here, BOSS, UNDER_WAY).assignments[0]
    assert (kept.worker_id, kept.kept, kept.moved_from) == (nearest, True, "")


def test_a_plan_may_call_somebody_back_and_says_whom(here: Workspace) -> None:
    incident_id = filed(here, 0)
    best = assign(here, BOSS).assignments[0].worker_id
    others = [w for w in here.layer("workers")["worker_id"] if w != best]
    far = max(others, key=lambda worker: only(here, incident_id, worker))
    given_to(here, incident_id, far, Action.ACCEPT)
    eager = AssignmentQuery(include_under_way=True, params=AssignmentParams(switch_s=0))
    moved = assign(here, BOSS, eager).assignments[0]
    assert (moved.worker_id, moved.moved_from, moved.kept) == (best, far, False)
    steady = AssignmentQuery(include_under_way=True, params=AssignmentParams(switch_s=7200))
    assert assign(here, BOSS, steady).assignments[0].kept


def only(here: Workspace, incident_id: str, worker: str) -> int:
    """Travel time of one worker, -1 where that worker cannot go."""
    workers = here.layer("workers")["worker_id"]
    params = AssignmentParams(capacity_of={other: 0 for other in workers if other != worker})
    found = assign(here, BOSS, AssignmentQuery(params=params)).assignments
    return found[0].travel_time_ms if found else -1


def test_who_has_arrived_somewhere_stays_with_all_that_is_theirs(here: Workspace) -> None:
    first, second = filed(here, 0), filed(here, 3)
    worker = assign(here, BOSS).assignments[0].worker_id
    given_to(here, first, worker, Action.ACCEPT, Action.ARRIVE)
    given_to(here, second, worker)
    plan = assign(here, BOSS, UNDER_WAY)
    assert (plan.assignments, plan.unassigned) == ((), ())


def test_who_is_under_way_to_two_may_keep_both(here: Workspace) -> None:
    ids = {filed(here, 0), filed(here, 3)}
    worker = assign(here, BOSS).assignments[0].worker_id
    for incident_id in ids:
        given_to(here, incident_id, worker)
    steady = AssignmentQuery(include_under_way=True, params=AssignmentParams(switch_s=86_400, unserved_s=86_400))
    plan = assign(here, BOSS, steady)
    assert {(one.worker_id, one.kept) for one in plan.assignments} == {(worker, True)}


def test_a_class_that_needs_a_skill_gets_somebody_who_has_it_or_nobody(here: Workspace) -> None:
    point = here.layer("grids").geometry.iloc[0].representative_point()
    fire = report_incident(here, BOSS, ReportForm(class_code="0504", lon=point.x, lat=point.y)).id
    move_incident(here, BOSS, fire, Action.FILE)
    plan = assign(here, BOSS)
    skilled = {w for w, skills in here.layer("workers")[["worker_id", "skills"]].itertuples(index=False)
               if "fire_safety" in list(skills)}  # fmt: skip
    assert {one.worker_id for one in plan.assignments} <= skilled
    assert plan.candidates <= len(skilled)
    assert assign(here, BOSS, AssignmentQuery(any_skill=True)).candidates > plan.candidates


def test_only_the_incidents_that_are_named_take_part_and_the_plan_says_its_hour(here: Workspace) -> None:
    first, _ = filed(here, 0), filed(here, 3)
    plan = assign(here, BOSS, AssignmentQuery(incident_ids=(first,)))
    assert [one.incident_id for one in (*plan.assignments, *plan.unassigned)] == [first]
    assert plan.speeds is not None
    assert plan.speeds.hour == 10  # the sample's clock stands at ten
