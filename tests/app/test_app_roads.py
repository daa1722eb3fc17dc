"""The modes of the console's panel: who has which, closures drawn and kept, coverage; without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.widgets.drawing import Drawing, take_drawing
from app.widgets.isochrone import minutes_of
from gridgov.operations.closures import ClosureDraft, close_roads, closures_of, reopen_roads
from gridgov.operations.scenarios import remove_scenario, scenarios_of

AROUND = [[119.014, 29.598], [119.022, 29.598], [119.022, 29.604], [119.014, 29.604], [119.014, 29.598]]
AREA = {"type": "Polygon", "coordinates": [AROUND]}


@pytest.fixture(autouse=True)
def _open_roads(desk) -> Iterator[None]:
    """Nothing stays closed or kept for the other tests."""
    yield
    for closure in closures_of(desk.workspace, desk.boss).closures:
        reopen_roads(desk.workspace, desk.boss, closure.closure_id, reason="test")
    for saved in scenarios_of(desk.workspace, desk.boss):
        remove_scenario(desk.workspace, desk.boss, saved.scenario_id)


def keys(test: AppTest) -> set[str]:
    """Keys of the buttons."""
    return {button.key for button in test.button if button.key}


def shown(test: AppTest) -> str:
    """All HTML and sentences of the page."""
    parts = [*test.get("html"), *test.warning, *test.info, *test.markdown, *test.caption]
    return "\n".join(str(getattr(part, "value", None) or getattr(part.proto, "body", "")) for part in parts)


def drawn(test: AppTest, number: str = "d1") -> AppTest:
    """Run the page again with a shape that was drawn."""
    test.session_state["drawing"] = Drawing(number, AREA, "closure")
    return test.run()


def test_a_drawn_area_shows_its_effects_without_any_click(desk) -> None:
    test = drawn(desk.open(mode="roads"))
    assert not test.exception
    assert 'data-of="d1"' in shown(test)
    assert {"close_roads", "keep_scenario", "discard_closure"} <= keys(test)


def test_closing_needs_a_reason_and_then_stands_in_the_list(desk) -> None:
    test = drawn(desk.open(mode="roads"))
    test.button(key="close_roads").click().run()
    assert "Give a reason." in shown(test)
    test.text_input(key="closing-reason").set_value("works").run()
    test.button(key="close_roads").click().run()
    assert not test.exception
    closures = closures_of(desk.workspace, desk.boss).closures
    assert [closure.reason for closure in closures] == ["works"]
    test.radio(key="closures-en").set_value(closures[0].closure_id).run()
    test.text_input(key=f"reopen-{closures[0].closure_id}").set_value("done").run()
    test.button(key="reopen_roads").click().run()
    assert closures_of(desk.workspace, desk.boss).closures == ()


def test_a_scenario_is_kept_put_in_force_and_removed(desk) -> None:
    test = drawn(desk.open(mode="roads"))
    test.text_input(key="closing-scenario").set_value("Bridge").run()
    test.button(key="keep_scenario").click().run()
    saved = scenarios_of(desk.workspace, desk.boss)
    assert [one.name for one in saved] == ["Bridge"]
    assert closures_of(desk.workspace, desk.boss).closures == ()
    test.session_state["closure_group"] = "scenarios"
    test.session_state["scenario_chosen"] = saved[0].scenario_id
    test.run()
    test.button(key="apply_scenario").click().run()
    assert not test.exception
    assert len(closures_of(desk.workspace, desk.boss).closures) == 1


def test_a_planner_sees_effects_but_closes_nothing(desk) -> None:
    desk.sit("plan")
    test = drawn(desk.open(mode="roads"))
    assert "close_roads" not in keys(test)
    assert "keep_scenario" in keys(test)


def test_a_drawing_beside_every_road_is_said_to_hit_none(desk) -> None:
    test = desk.open(mode="roads")
    west, south, _, _ = desk.workspace.bounds
    line = {"type": "LineString", "coordinates": [[west - 0.2, south - 0.2], [west - 0.21, south - 0.2]]}
    test.session_state["drawing"] = Drawing("d2", line, "closure")
    test.run()
    assert not test.exception
    assert test.button(key="close_roads").disabled


def test_coverage_counts_the_people_who_are_too_far_and_follows_closures(desk) -> None:
    test = desk.open(mode="coverage")
    assert not test.exception
    assert "Beyond 15 min" in shown(test)
    close_roads(desk.workspace, desk.boss, ClosureDraft(geometry=AREA, reason="works"))
    assert "closures counted in: 1" in shown(test.run())


def test_an_isochrone_needs_a_place_and_gives_its_areas(desk) -> None:
    test = desk.open(mode="coverage")
    test.session_state["coverage_view"] = "place"
    test.run()
    assert "Click a place" in shown(test)
    test.session_state["clicked"] = (119.018, 29.601)
    test.run()
    assert not test.exception
    assert "gg-table" in shown(test)


def test_an_unknown_mode_is_the_mode_of_incidents(desk) -> None:
    assert "number-open" in keys(desk.open(mode="nothing"))


@pytest.mark.parametrize(
    ("given", "minutes"), [("5, 10,15", [5, 10, 15]), ("10、5", [5, 10]), ("five", []), ("7.5;7.5", [7.5])]
)
def test_minutes_are_read_however_they_are_separated(given: str, minutes: list[float]) -> None:
    assert minutes_of(given) == minutes


def test_the_same_drawing_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, object] = {"drawing_purpose": "closure"}
    monkeypatch.setattr(st, "session_state", state)
    feature = {"type": "Feature", "geometry": AREA, "properties": {"id": "a"}}
    take_drawing({"all_drawings": [feature]})
    assert state.pop("drawing") == Drawing("a", AREA, "closure")
    take_drawing({"all_drawings": [feature]})
    take_drawing({"all_drawings": None})
    take_drawing(None)
    assert "drawing" not in state
