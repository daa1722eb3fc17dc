"""Every kind of change of a scenario is made on the planner's page, edited there, and taken back."""

from __future__ import annotations

import time
from typing import Any

import pytest
import shapely
from shapely.geometry import mapping
from streamlit.testing.v1 import AppTest

from app.widgets.drawing import Drawing
from gridgov.config import Settings
from gridgov.model.what_if import Scenario
from gridgov.workspace import open_workspace


@pytest.fixture
def planner(desk) -> AppTest:
    """The page with the step of changes open."""
    desk.sit("plan")
    return desk.open("planning_page").run()


def choose(test: AppTest, kind: str, **state: Any) -> AppTest:
    """Choose a kind of change, with clicks and choices that were made before."""
    for name, value in {"planning_kind": kind, **state}.items():
        test.session_state[name] = value
    return test.run()


def draw(test: AppTest, shape: shapely.Geometry, purpose: str) -> AppTest:
    """Let a shape arrive from the map."""
    test.session_state["drawing"] = Drawing("1", mapping(shape), purpose)
    test.run()
    assert not test.exception
    return test


def scenario(test: AppTest) -> Scenario:
    return test.session_state["planning_draft"]


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def edit(test: AppTest, count: int = 1, number: int = 0) -> AppTest:
    return press(test, f"edit-{number}-{count}")


def drop(test: AppTest) -> None:
    """Take the only change back."""
    press(test, "drop-0-1")
    assert (*scenario(test).closures, *scenario(test).changes) == ()


def grids(village) -> Any:
    return open_workspace(village, settings=Settings(store="memory:")).layer("grids")


def test_a_new_place_is_added_moved_and_given_more_room(planner) -> None:
    test = press(choose(planner, "add_place", clicked=(119.018, 29.601)), "planning_add")
    assert scenario(test).changes[0].attributes["capacity_persons"] == 500
    test = edit(test)
    test.number_input(key="new-new-1-e0-capacity_persons").set_value(900).run()
    test.session_state["clicked"] = (119.019, 29.602)
    press(test.run(), "planning_add")
    (change,) = scenario(test).changes
    assert (change.id, change.lon, change.lat, change.attributes["capacity_persons"]) == ("new-1", 119.019, 29.602, 900)
    drop(test)


def test_a_place_gets_other_values_then_others_then_goes(planner, village) -> None:
    shelter = str(open_workspace(village, settings=Settings(store="memory:")).layer("shelters")["shelter_id"].iloc[0])
    test = choose(planner, "edit_place", planning_edit_layer="shelters", planning_place=shelter)
    test.number_input(key=f"edit-{shelter}-capacity_persons").set_value(1234).run()
    test = edit(press(test, "planning_change"))
    assert test.number_input(key=f"edit-{shelter}-e0-capacity_persons").value == 1234
    test.number_input(key=f"edit-{shelter}-e0-capacity_persons").set_value(777).run()
    press(test, "planning_change")
    assert scenario(test).changes[0].attributes == {"capacity_persons": 777}
    press(edit(test), "planning_remove")
    assert scenario(test).changes[0].kind == "remove_place"
    drop(test)


def test_closed_roads_become_slow_ones(planner, village) -> None:
    middle = grids(village).union_all().centroid
    test = choose(planner, "close_roads")
    draw(test, shapely.LineString([(middle.x - 0.003, middle.y - 0.003), (middle.x + 0.003, middle.y + 0.003)]),
         "planning-roads")  # fmt: skip
    assert scenario(test).closures[0].closes
    test = edit(test)
    bar = next(each for each in test.segmented_control if (each.key or "").endswith("-e0"))
    bar.set_value("slowed").run()
    test.slider(key="planning-percent-e0").set_value(50).run()
    press(test, "planning_add")
    assert [each.factor for each in scenario(test).closures] == [0.5]
    drop(test)


@pytest.mark.parametrize(("kind", "purpose"), [("take_area", "planning-area"), ("add_area", "planning-new-area")])
def test_land_is_lost_or_gained_and_drawn_anew(planner, village, kind: str, purpose: str) -> None:
    middle = grids(village).union_all().centroid
    layer = {"take_area": "planning_area_layer", "add_area": "planning_new_area_layer"}[kind]
    test = draw(choose(planner, kind, **{layer: "farmland"}), middle.buffer(0.01), purpose)
    first = scenario(test).changes[0]
    assert (first.kind, first.layer) == (kind, "farmland")
    draw(edit(test), middle.buffer(0.02), purpose)
    (second,) = scenario(test).changes
    assert second.geometry != first.geometry
    drop(test)


def test_new_land_says_its_class_in_words_and_a_wrong_shape_is_refused(planner, village) -> None:
    middle = grids(village).union_all().centroid
    test = choose(planner, "add_area", planning_new_area_layer="farmland")
    box = next(each for each in test.selectbox if (each.key or "").startswith("area-area-1-class_code"))
    box.set_value("0103").run()
    draw(test, middle.buffer(0.01), "planning-new-area")
    assert scenario(test).changes[0].attributes["class_name"] == "旱地"
    test = press(edit(test), "planning_leave")
    assert scenario(test).changes[0].attributes["class_code"] == "0103"
    drop(test)


def test_people_speeds_and_versions_are_edited_with_their_own_values(planner) -> None:
    for kind, field, value in (("population", "planning-people", 150), ("speeds", "planning-speed", 50)):
        test = edit(press(choose(planner, kind), "planning_add"))
        box = test.number_input(key=f"{field}-e0")
        assert box.value == {"population": 120, "speeds": 80}[kind]
        box.set_value(value).run()
        press(test, "planning_add")
        assert [change.factor for change in scenario(test).changes] == [value / 100]
        drop(test)
    test = edit(press(choose(planner, "version"), "planning_add"))
    assert scenario(press(test, "planning_add")).changes[0].kind == "use_version"
    drop(test)


def test_grids_are_chosen_by_clicks_merged_and_left_out_again(planner, village) -> None:
    frame = grids(village)
    one = frame[frame["community_code"] == frame["community_code"].iloc[0]]
    first = one.geometry.iloc[0]
    beside = one[shapely.length(shapely.intersection(one.geometry.array, first)) > 0].iloc[1:3]
    test = choose(planner, "grids")
    for shape in (first, *beside.geometry, beside.geometry.iloc[-1]):
        spot = shape.representative_point()
        test.session_state["clicked"] = (spot.x, spot.y)
        test.run()
    codes = [str(one["grid_code"].iloc[0]), str(beside["grid_code"].iloc[0])]
    press(test, "planning_add")
    (merged,) = scenario(test).changes
    assert (merged.kind, [*merged.codes], merged.into) == ("merge_grids", codes, codes[0])
    test = edit(test)
    into = next(each for each in test.selectbox if (each.key or "").startswith("planning-into"))
    into.set_value(codes[1]).run()
    press(test, "planning_add")
    assert scenario(test).changes[0].into == codes[1]
    drop(test)


def test_a_grid_is_cut_along_a_line_and_a_line_beside_it_is_refused(planner, village) -> None:
    frame = grids(village)
    shape, code = frame.geometry.iloc[0], str(frame["grid_code"].iloc[0])
    spot, (west, _, east, north) = shape.representative_point(), shape.bounds
    test = choose(planner, "grids", clicked=(spot.x, spot.y))
    draw(test, shapely.LineString([(west - 0.02, north + 0.01), (east, north + 0.01)]), "planning-split")
    assert scenario(test).changes == ()
    assert any("gg-said bad" in each.proto.body for each in test.get("html"))
    draw(test, shapely.LineString([(west - 0.001, spot.y), (east + 0.001, spot.y)]), "planning-split")
    (split,) = scenario(test).changes
    assert split.codes[0] == code
    assert split.codes[1] not in set(frame["grid_code"].astype(str))
    test = press(edit(test), "planning_leave")
    drop(test)


def test_new_duty_areas_join_the_scenario_which_then_asks_for_a_month(desk) -> None:
    desk.sit("plan")
    test = desk.open("planning_page", part="redesign")
    test.session_state["planning_part"] = "redesign"
    test = press(test.run(), "compute-redesign")
    end = time.monotonic() + 150
    while time.monotonic() < end and "take_over_duty" not in {each.key for each in test.button}:
        time.sleep(0.3)
        test.run()
    press(test, "take_over_duty")
    assert "Added to scenario" in " ".join(each.proto.body for each in test.get("html"))
    made = scenario(test)
    assert [change.kind for change in made.changes] == ["assign_duty"]
    assert made.question.month
    test.session_state["planning_part"] = "scenarios"
    test.run()
    assert not test.exception
    press(test, "drop-0-1")


def test_a_draft_is_there_again_when_the_page_is_loaded_again_until_a_new_one_is_begun(desk, planner: AppTest) -> None:
    choose(planner, "population")
    press(planner, "planning_add")
    made = scenario(planner)
    assert len(made.changes) == 1
    again = desk.open("planning_page").run()
    assert scenario(again) == made
    press(again, "planning_new")
    assert scenario(desk.open("planning_page").run()).changes == ()
