"""The parts of the planner's page without a browser: every tool asks, answers in words, and refuses in one sentence."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

import app.widgets.background as background
from app.widgets.planning_inputs import percent
from gridgov.errors import ParameterError

_LONG_S = 150.0  # a kernel may have to be compiled first


def page(desk, part: str, **state: object) -> AppTest:
    """The planner's page at one of its parts, with choices that were made before."""
    desk.sit("plan")
    test = desk.open("planning_page", part=part)
    for name, value in {"planning_part": part, **state}.items():
        test.session_state[name] = value
    return test.run()


def press(test: AppTest, key: str) -> AppTest:
    """Press a button and wait for what it begins."""
    test.button(key=key).click().run()
    end = time.monotonic() + _LONG_S
    while time.monotonic() < end and any(b.key.startswith("drop-") for b in test.button if b.key):
        time.sleep(0.2)
        test.run()
    return test


def words(test: AppTest) -> str:
    html = [str(each.proto.body) for each in test.get("html")]
    return "\n".join([*html, *(str(each.value) for each in (*test.info, *test.caption, *test.warning))])


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("overlay", "inside"),
        ("red_lines", "outside: Urban development boundary"),
        ("change", "changed their class"),
        ("suitability", "it stays first in"),
        ("nearness", "(straight line)"),
    ],
)
def test_every_tool_of_analysis_answers(desk, tool: str, said: str) -> None:
    test = press(page(desk, "analysis", planning_tool=tool), f"compute-{tool}")
    assert not test.exception
    assert said in words(test)
    assert test.get("download_button")


@pytest.mark.parametrize(
    ("part", "state", "button", "said"),
    [
        ("siting", {}, "compute-access", "within 15 minutes"),
        ("hotspots", {"planning_hotspots_view": "patrols"}, "compute-patrols", "Tested on the last"),
    ],
)
def test_the_other_parts_answer(desk, part: str, state: dict[str, object], button: str, said: str) -> None:
    test = press(page(desk, part, **state), button)
    assert not test.exception
    assert said in words(test)


def test_duty_areas_are_cut_and_a_month_is_simulated(desk) -> None:
    test = press(page(desk, "redesign", plan_effort=1, plan_redesign_area="339901001"), "compute-redesign")
    assert not test.exception
    assert "communities are cut anew" in words(test)
    assert "Simulated dispatch" in words(test)
    press(test, "compute-month")
    assert not test.exception
    assert "Response, median" in words(test)


def test_new_sites_are_kept_as_a_scenario(desk) -> None:
    test = press(page(desk, "siting", planning_siting_view="sites"), "compute-sites")
    test.button(key="keep_sites").click().run()
    assert "Give the scenario a name" in words(test)
    test.text_input(key="sites-scenario").set_value("Two more shelters").run()
    test.button(key="keep_sites").click().run()
    assert "Kept as scenario" in words(test)
    test.button(key="keep_sites").click().run()  # the name is taken now
    assert not test.exception
    assert 'role="alert"' in words(test)


def test_weights_of_zero_and_no_criterion_are_said_and_nothing_is_computed(desk) -> None:
    keys = ["field/persons"]
    test = page(desk, "analysis", planning_tool="suitability", plan_suit_criteria=keys)
    test.slider(key="weight-field/persons").set_value(0).run()
    assert "All weights are 0" in words(test)
    assert test.button(key="compute-suitability").disabled
    test = page(desk, "analysis", planning_tool="suitability", plan_suit_criteria=[])
    assert "at least one criterion" in words(test)


def test_what_cannot_be_is_one_sentence(desk) -> None:
    """More sites than candidates is an answer with its reasons; no traceback and no empty page."""
    state = {"planning_siting_view": "sites", "plan_site_of": "fire_station", "plan_site_candidates": "police"}
    test = press(page(desk, "siting", plan_site_k=9, **state), "compute-sites")
    assert not test.exception
    assert "It cannot be done" in words(test)
    assert "Too few candidates" in words(test)


def test_a_refusal_and_a_fault_of_ours_are_told_apart_and_end_the_waiting(desk) -> None:
    def refuses() -> None:
        raise ParameterError("the layers lie apart")

    runs = {}
    for name, work in (("refused", refuses), ("broken", lambda: 1 / 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("threading.excepthook", lambda args: None)
            runs[name] = background.Run(desk.workspace, work, 0.0)
            assert runs[name].wait(10)
    assert [run.state for run in runs.values()] == ["failed", "failed"]
    assert isinstance(runs["refused"].error, ParameterError)
    assert runs["broken"].error is None


def test_what_nobody_waits_for_any_more_gives_no_answer(desk) -> None:
    run = background.Run(desk.workspace, lambda: time.sleep(0.2), 0.0)
    run.drop()
    assert run.over
    time.sleep(0.4)
    assert run.state == "dropped"


@pytest.mark.parametrize(
    ("share", "shown"), [(1.0, "100.0"), (0.9995, ">99.9"), (0.99, "99.0"), (0.0, "0.0"), (float("nan"), None)]
)
def test_who_is_left_out_is_not_rounded_away(share: float, shown: str | None) -> None:
    assert percent(share) == ("–" if shown is None else f"{shown}\u00a0%")
