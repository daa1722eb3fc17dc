"""The numbers over the emergency map and what its browser fetches: hazards, a plan in time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import NotFoundError, RightsError
from gridgov.maps.hazard_shapes import arrival_steps, hazard_json, legend_of
from gridgov.model.hazards import Hazard, HazardKind, HazardZone
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.closures import ClosureDraft, close_roads
from gridgov.operations.emergency import emergency_numbers, hazard_frame, plan_query, river_geometry, shelter_list
from gridgov.operations.emergency_map import emergency_overlay, emergency_shapes
from gridgov.operations.evacuating import evacuate, give_orders, keep_plan
from gridgov.operations.evacuation_view import compare_with_nearest, nearest_known, plan_view
from gridgov.operations.hazards import draw_hazard
from gridgov.operations.impact import impact_of
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
AREA = {
    "type": "Polygon",
    "coordinates": [[[119.014, 29.598], [119.022, 29.598], [119.022, 29.604], [119.014, 29.604], [119.014, 29.598]]],
}


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture(scope="module")
def hazard_id(here: Workspace) -> str:
    return draw_hazard(here, COMMANDER, AREA).hazard_id


@pytest.fixture(scope="module")
def plan_id(here: Workspace, hazard_id: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A kept plan; its document goes to a folder of its own, the village is only read."""
    here.path, path = tmp_path_factory.mktemp("plans"), here.path
    query = plan_query(hazard_id, {"params": {"time_limit_s": 3.0}})
    plan, asked = evacuate(here, COMMANDER, query)
    kept = keep_plan(here, COMMANDER, query, plan, asked).evacuation.evacuation_id
    plan_view(here, COMMANDER, kept)
    here.path = path
    return kept


def numbers(here: Workspace, name: str, person: Person = COMMANDER) -> dict[str, dict[str, str]]:
    found = json.loads(emergency_shapes(here, person, name, "en"))
    return {cell["id"]: cell for cell in found["cells"]}


def test_the_people_at_risk_are_those_of_the_impact_with_its_range(here: Workspace, hazard_id: str) -> None:
    shown = emergency_numbers(here, COMMANDER, hazard_id)
    figure = impact_of(here, COMMANDER, hazard_id).impact.figures["persons"]
    assert (shown.persons, shown.low, shown.high) == (figure.value, figure.low, figure.high)
    assert shown.low <= shown.persons <= shown.high


def test_without_a_hazard_nobody_is_counted_and_the_roads_that_are_closed_still_are(here: Workspace) -> None:
    before = emergency_numbers(here, COMMANDER)
    line = {"type": "LineString", "coordinates": [[119.005, 29.595], [119.012, 29.601]]}
    close_roads(here, COMMANDER, ClosureDraft(geometry=line, reason="test"))
    after = emergency_numbers(here, COMMANDER)
    assert before.persons == after.persons == 0
    assert after.streets_closed > before.streets_closed
    assert numbers(here, "numbers.")["risk"]["value"] == "–"


def test_who_may_not_see_workers_gets_no_number_of_them(here: Workspace, hazard_id: str) -> None:
    assert numbers(here, f"numbers.{hazard_id}")["workers"]["value"] != "–"
    assert numbers(here, f"numbers.{hazard_id}", PLANNER)["workers"]["value"] == "–"


def test_workers_whose_positions_are_old_are_marked(here: Workspace, hazard_id: str) -> None:
    shown = emergency_numbers(here, COMMANDER, hazard_id)
    assert shown.positions_stale
    assert "30 minutes" in numbers(here, f"numbers.{hazard_id}")["workers"]["stale"]


def test_the_public_sees_nothing_and_what_does_not_exist_is_not_found(here: Workspace) -> None:
    with pytest.raises(RightsError):
        emergency_shapes(here, PUBLIC, "numbers.", "zh")
    with pytest.raises(NotFoundError):
        emergency_shapes(here, COMMANDER, "nothing.1", "zh")
    with pytest.raises(NotFoundError):
        emergency_shapes(here, COMMANDER, "evacuation.1", "zh")


def test_a_plan_in_time_counts_everybody_at_every_moment(here: Workspace, plan_id: str) -> None:
    shown = json.loads(emergency_shapes(here, PLANNER, f"evacuation.{plan_id}", "zh"))
    people = [sum(at) for at in zip(shown["inside"], shown["road"], shown["safe"], strict=True)]
    assert max(people) - min(people) <= 3  # rounding
    assert shown["safe"][0] <= shown["safe"][-1]
    assert shown["zones"]
    assert shown["roads"]
    assert all(len(line) >= 4 and persons >= 0 and start <= end for line, persons, start, end in shown["roads"])
    arrived = sum(shelter["load"][-1] for shelter in shown["shelters"])
    assert abs(arrived - shown["safe"][-1]) <= len(shown["shelters"])
    names = {zone[4][0] for zone in shown["zones"]}
    assert any("网格" in name for name in names), "a Chinese reader sees the grids' names"


def test_the_map_is_told_where_to_fetch_and_after_the_orders_at_which_moment_it_is(
    here: Workspace, hazard_id: str, plan_id: str
) -> None:
    before = emergency_overlay(here, COMMANDER, "zh", hazard_id=hazard_id, evacuation_id=plan_id).to_json()["emergency"]
    assert before["plan"]["leave_s"] is None
    assert plan_id in before["plan"]["url"]
    give_orders(here, COMMANDER, plan_id)
    after = emergency_overlay(here, COMMANDER, "zh", hazard_id=hazard_id, evacuation_id=plan_id).to_json()["emergency"]
    assert after["plan"]["now_s"] == 0
    assert after["plan"]["leave_s"] == 10 * 3600  # the sample's clock stands at ten


def test_a_comparison_is_drawn_once_it_was_made(here: Workspace, plan_id: str) -> None:
    view = plan_view(here, COMMANDER, plan_id)
    assert nearest_known(here, view.recorded) is None
    other = compare_with_nearest(here, COMMANDER, plan_id)
    time, safe = nearest_known(here, view.recorded) or ((), ())
    assert time[-1] == other.replay.moments_s[-1]
    assert safe[-1] <= view.recorded.evacuation.persons + 1
    with pytest.raises(RightsError):
        compare_with_nearest(here, PLANNER, plan_id)


def test_a_hazard_that_comes_in_time_is_coloured_by_arrival_else_by_level() -> None:
    zones = tuple(HazardZone(AREA, level=2, arrival_s=600.0 * k) for k in range(9))
    flood = Hazard(kind=HazardKind.FLOOD, zones=zones, unit="m")
    assert len(arrival_steps(flood)) == len(legend_of(flood, "en").entries) == 6
    assert legend_of(flood, "en").entries[0].label == "At once"
    drawn = Hazard(kind=HazardKind.DRAWN, zones=zones[:1])
    assert [entry.label for entry in legend_of(drawn, "en").entries] == ["Level 2 (moderate)"]
    shown = json.loads(hazard_json(flood, "en"))
    assert [tip[1] for tip in shown["tips"]] == ["Level 2 (moderate)"] * 9
    assert {part[0] for part in shown["parts"]} <= set(range(6))


def test_the_view_of_a_hazard_holds_it(here: Workspace) -> None:
    (lat, lon), zoom = hazard_frame(Hazard(kind=HazardKind.DRAWN, zones=(HazardZone(AREA),)))
    assert (round(lat, 3), round(lon, 3)) == (29.601, 119.018)
    assert 12 <= zoom <= 17
    assert here.of_kind("water")
    assert (river_geometry(here) or {})["type"] in {"Polygon", "MultiPolygon"}


def test_shelters_are_listed_with_places(here: Workspace) -> None:
    shelters = shelter_list(here, PLANNER)
    assert len(shelters) == len(here.layer("shelters"))
    assert all(each.places is None or each.places >= 0 for each in shelters)
