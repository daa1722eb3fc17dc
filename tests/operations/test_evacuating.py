"""From a hazard on the books to a plan on the books: what is asked, kept, ordered, withdrawn, and what is refused."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ConflictError, MoveRefusedError, ParameterError, RecordNotFoundError, StorageError
from gridgov.evacuation import EvacuationParams
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations import evacuating, evacuation_runs
from gridgov.operations.bus_input import BusQuery
from gridgov.operations.evacuating import (
    evacuate,
    evacuations_of,
    give_orders,
    keep_plan,
    lateness_s,
    read_evacuation,
    read_plan,
    withdraw_evacuation,
)
from gridgov.operations.evacuation_input import EvacuationQuery, evacuation_input
from gridgov.operations.evacuation_runs import start_evacuation
from gridgov.operations.hazards import draw_hazard, withdraw_hazard
from gridgov.verify_plan import verify_document
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
QUICK = EvacuationParams(time_limit_s=2.0)


@pytest.fixture
def here(village: Path, tmp_path: Path) -> Workspace:
    """The village with an empty store and a folder of its own for plans."""
    for item in village.iterdir():
        if not item.name.startswith("store"):
            (tmp_path / item.name).symlink_to(item)
    return open_workspace(tmp_path, settings=Settings(store="memory:"))


def hazard_of(here: Workspace, *, share: float = 0.15, arrival_s: float = 0.0) -> str:
    """A circle in the middle of the village."""
    west, south, east, north = here.bounds
    circle = shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) * share)
    return draw_hazard(here, COMMANDER, mapping(circle), arrival_s=arrival_s).hazard_id


def test_everybody_known_in_the_hazard_is_asked_for_and_no_shelter_inside_is_used(here: Workspace) -> None:
    hazard_id = hazard_of(here)
    asked = evacuation_input(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id))
    grids = set(here.layer("grids")["grid_code"].astype(str))
    assert set(asked.demand["zone_id"]) <= grids
    assert (asked.demand["persons"] > 0).all()
    assert asked.demand["deadline_s"].isna().all()
    assert not np.isfinite(asked.closes_s).any()
    assert not set(asked.struck) & set(asked.shelters["shelter_id"])
    everything = set(here.layer("shelters")["shelter_id"].astype(str))
    assert set(asked.struck) | set(asked.shelters["shelter_id"]) == everything


def test_roads_and_grids_have_deadlines_when_the_danger_has_a_time_of_arrival(here: Workspace) -> None:
    hazard_id = hazard_of(here, arrival_s=3600.0)
    asked = evacuation_input(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id))
    assert (asked.demand["deadline_s"] == 3600.0).all()
    assert set(np.unique(asked.closes_s)) == {3600.0, np.inf}
    open_roads = evacuation_input(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id, roads_close=False))
    assert not np.isfinite(open_roads.closes_s).any()


def test_a_kept_plan_is_what_was_computed_and_passes_the_independent_check(here: Workspace) -> None:
    query = EvacuationQuery(hazard_id=hazard_of(here), params=QUICK)
    plan, asked = evacuate(here, COMMANDER, query)
    kept = keep_plan(here, COMMANDER, query, plan, asked)
    again = read_plan(here, COMMANDER, kept.evacuation.evacuation_id)
    assert again == plan
    verdict = verify_document(plan.to_dict())
    assert verdict.ok, verdict
    assert kept.status == "planned"
    assert kept.evacuation.clearance_time_s == plan.clearance_time_s
    assert [each.evacuation for each in evacuations_of(here, COMMANDER)] == [kept.evacuation]


def test_a_plan_that_was_changed_on_disk_is_not_used(here: Workspace) -> None:
    query = EvacuationQuery(hazard_id=hazard_of(here), params=QUICK)
    kept = keep_plan(here, COMMANDER, query, *evacuate(here, COMMANDER, query)).evacuation
    file = here.path / evacuating.FOLDER / f"{kept.digest}.json.gz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(StorageError, match="was changed after it was kept"):
        read_plan(here, COMMANDER, kept.evacuation_id)
    file.unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        read_plan(here, COMMANDER, kept.evacuation_id)


def test_orders_are_given_once_and_can_be_called_back_with_a_reason(here: Workspace) -> None:
    query = EvacuationQuery(hazard_id=hazard_of(here), params=QUICK)
    kept = keep_plan(here, COMMANDER, query, *evacuate(here, COMMANDER, query)).evacuation.evacuation_id
    given = give_orders(here, COMMANDER, kept, note="大堤告急")
    assert (given.status, given.leave_at, given.note) == ("ordered", here.now(), "大堤告急")
    with pytest.raises(ConflictError, match="is ordered already"):
        give_orders(here, COMMANDER, kept)
    with pytest.raises(ParameterError, match="say why"):
        withdraw_evacuation(here, COMMANDER, kept, reason=" ")
    assert withdraw_evacuation(here, COMMANDER, kept, reason="险情解除").note == "险情解除"
    with pytest.raises(ConflictError, match="withdrawn before"):
        withdraw_evacuation(here, COMMANDER, kept, reason="险情解除")
    assert evacuations_of(here, COMMANDER) == ()
    assert read_evacuation(here, COMMANDER, kept).status == "withdrawn"


def kept_for(here: Workspace, hazard_id: str) -> str:
    query = EvacuationQuery(hazard_id=hazard_id, params=QUICK)
    return keep_plan(here, COMMANDER, query, *evacuate(here, COMMANDER, query)).evacuation.evacuation_id


def test_orders_by_which_people_come_too_late_are_refused(here: Workspace) -> None:
    """The hazard comes after 25 minutes: who starts after 40 cannot keep the plan's deadlines."""
    kept = kept_for(here, hazard_of(here, arrival_s=1500.0))
    recorded, now = read_evacuation(here, COMMANDER, kept), here.now()
    assert lateness_s(here, COMMANDER, recorded, now) == 0
    late = lateness_s(here, COMMANDER, recorded, now + timedelta(minutes=40))
    assert 15 * 60 <= late <= 40 * 60
    with pytest.raises(MoveRefusedError, match=r"comes \d+ minutes too late .* compute the plan anew"):
        give_orders(here, COMMANDER, kept, leave_at=now + timedelta(minutes=40))
    assert read_evacuation(here, COMMANDER, kept).status == "planned"
    assert give_orders(here, COMMANDER, kept).status == "ordered"


def test_a_plan_that_was_computed_long_ago_is_too_late_although_it_leaves_now(here: Workspace) -> None:
    query = EvacuationQuery(hazard_id=hazard_of(here, arrival_s=1500.0), params=QUICK)
    plan, asked = evacuate(here, COMMANDER, query, now=here.now())
    from_long_ago = replace(asked, at=here.now() - timedelta(minutes=30))
    kept = keep_plan(here, COMMANDER, query, plan, from_long_ago).evacuation.evacuation_id
    with pytest.raises(MoveRefusedError, match="too late"):
        give_orders(here, COMMANDER, kept)


def test_a_plan_without_deadlines_can_be_ordered_for_later_but_not_for_the_past_or_the_day_after(
    here: Workspace,
) -> None:
    kept, now = kept_for(here, hazard_of(here)), here.now()
    assert read_evacuation(here, COMMANDER, kept).evacuation.leave_by is None
    for hours, said in ((-1, "has passed"), (25, "more than 24 hours ahead"), (24 * 365 * 74, "hours ahead")):
        with pytest.raises(ParameterError, match=said):
            give_orders(here, COMMANDER, kept, leave_at=now + timedelta(hours=hours))
    assert give_orders(here, COMMANDER, kept, leave_at=now + timedelta(hours=5)).leave_at == now + timedelta(hours=5)


def test_new_orders_take_the_place_of_the_older_ones_of_the_same_hazard_only(here: Workspace) -> None:
    hazard_id = hazard_of(here)
    first, second, elsewhere = kept_for(here, hazard_id), kept_for(here, hazard_id), kept_for(here, hazard_of(here))
    for each in (elsewhere, first, second):
        give_orders(here, COMMANDER, each)
    old, new = read_evacuation(here, COMMANDER, first), read_evacuation(here, COMMANDER, second)
    assert (old.status, old.replaced_by, old.by) == ("replaced", second, COMMANDER.actor)
    assert (new.status, new.superseded) == ("ordered", (first,))
    assert read_evacuation(here, COMMANDER, elsewhere).status == "ordered"
    assert [each.evacuation.evacuation_id for each in evacuations_of(here, COMMANDER, hazard_id)] == [second]
    with pytest.raises(MoveRefusedError, match=f"replaced by {second}"):
        withdraw_evacuation(here, COMMANDER, first, reason="险情解除")
    with pytest.raises(ConflictError, match="is replaced already"):
        give_orders(here, COMMANDER, first)


def test_nobody_is_ordered_away_from_a_hazard_that_was_withdrawn(here: Workspace) -> None:
    hazard_id = hazard_of(here)
    kept = kept_for(here, hazard_id)
    withdraw_hazard(here, COMMANDER, hazard_id)
    with pytest.raises(MoveRefusedError, match=f"hazard {hazard_id} was withdrawn"):
        give_orders(here, COMMANDER, kept)
    with pytest.raises(MoveRefusedError, match=f"hazard {hazard_id} was withdrawn"):
        start_evacuation(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id, params=QUICK))


def test_a_computation_ends_when_its_hazard_is_withdrawn(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    hazard_id, plan_at_once, went_on = hazard_of(here), evacuating.evacuate, []

    def withdrawn_meanwhile(workspace, person, query, *, progress):
        plan, asked = plan_at_once(workspace, person, query)
        went_on.append(progress(plan))
        withdraw_hazard(workspace, person, hazard_id)
        went_on.append(progress(plan))
        return plan, asked

    monkeypatch.setattr(evacuation_runs, "evacuate", withdrawn_meanwhile)
    run = start_evacuation(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id, params=QUICK))
    assert run.wait(60)
    assert went_on == [True, False]
    assert run.kept is not None
    with pytest.raises(MoveRefusedError, match="was withdrawn"):
        give_orders(here, COMMANDER, run.kept.evacuation.evacuation_id)


def test_a_run_in_the_background_shows_its_steps_and_keeps_its_plan(here: Workspace) -> None:
    run = start_evacuation(here, COMMANDER, EvacuationQuery(hazard_id=hazard_of(here), params=QUICK))
    assert run.wait(120)
    assert run.state == "done", run.error
    assert run.kept is not None
    times = [step.clearance_time_s for step in run.steps]
    assert times == sorted(times, reverse=True)
    bounds = [step.lower_bound_s for step in run.steps]
    assert bounds == sorted(bounds)
    assert run.steps[-1].clearance_time_s == run.kept.evacuation.clearance_time_s


def test_a_second_run_is_refused_until_the_first_is_stopped(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    hazard_id, go = hazard_of(here), threading.Event()
    plan_at_once = evacuating.evacuate

    def wait_first(*args: object, **options: object) -> object:
        go.wait(60)
        return plan_at_once(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(evacuation_runs, "evacuate", wait_first)
    query = EvacuationQuery(hazard_id=hazard_id, params=QUICK)
    first = start_evacuation(here, COMMANDER, query)
    with pytest.raises(ConflictError, match=f"hazard {hazard_id} is being computed, started by commander"):
        start_evacuation(here, COMMANDER, query)
    first.stop()
    go.set()
    assert first.wait(120)
    assert first.kept is not None  # the best so far
    start_evacuation(here, COMMANDER, query).wait(120)


def test_a_run_that_cannot_be_done_says_why(here: Workspace) -> None:
    with pytest.raises(RecordNotFoundError, match="there is no hazard 'nothing'"):
        start_evacuation(here, COMMANDER, EvacuationQuery(hazard_id="nothing", params=QUICK))
    unknown = EvacuationQuery(hazard_id=hazard_of(here), params=QUICK, shelters_out=("S9999",))
    with pytest.raises(ParameterError, match="there is no shelter 'S9999'"):
        start_evacuation(here, COMMANDER, unknown)
    on_foot = EvacuationQuery(
        hazard_id=hazard_of(here), params=EvacuationParams(mode="walk"), buses=BusQuery(vehicles=1)
    )
    run = start_evacuation(here, COMMANDER, on_foot)
    assert run.wait(60)
    assert run.state == "failed"
    assert run.error.startswith("buses need roads")


def test_unknown_shelters_places_below_zero_and_an_empty_hazard_are_refused_in_words(here: Workspace) -> None:
    hazard_id = hazard_of(here)
    shelter = str(
        evacuation_input(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id)).shelters["shelter_id"].iloc[0]
    )
    with pytest.raises(ParameterError, match="there is no shelter 'S9999'"):
        evacuation_input(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id, shelters_out=("S9999",)))
    with pytest.raises(ParameterError, match=f"shelter {shelter} has fewer than 0 places"):
        evacuation_input(here, COMMANDER, EvacuationQuery(hazard_id=hazard_id, places={shelter: -1}))
    with pytest.raises(RecordNotFoundError, match="no evacuation 'x'"):
        read_plan(here, COMMANDER, "x")


def test_a_changed_question_starts_from_the_plan_before(here: Workspace) -> None:
    query = EvacuationQuery(hazard_id=hazard_of(here), params=QUICK)
    plan, asked = evacuate(here, COMMANDER, query)
    kept = keep_plan(here, COMMANDER, query, plan, asked).evacuation
    used = {edge: 0.0 for flow in plan.flows for edge in flow.edges}
    for flow in plan.flows:
        for edge in flow.edges:
            used[edge] += flow.persons
    busiest = max(used, key=lambda edge: used[edge])
    changed = EvacuationQuery(
        hazard_id=query.hazard_id, params=QUICK, closed_edges=(busiest,), replaces=kept.evacuation_id
    )
    again, asked = evacuate(here, COMMANDER, changed)
    assert not any(busiest in flow.edges for flow in again.flows)
    assert keep_plan(here, COMMANDER, changed, again, asked).evacuation.replaces == kept.evacuation_id
