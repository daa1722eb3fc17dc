"""The commander's page without a browser: a drawing gives numbers at once, a plan, its orders; others only look."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from app.widgets.drawing import Drawing
from gridgov.model.evacuations import ORDERED
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account, sign_in
from gridgov.operations.emergency import plan_query
from gridgov.operations.evacuating import evacuations_of, read_evacuation
from gridgov.operations.evacuation_runs import start_evacuation
from gridgov.operations.hazards import HazardHeader, draw_hazard, hazards_of, withdraw_hazard

AROUND = [[119.014, 29.598], [119.022, 29.598], [119.022, 29.604], [119.014, 29.604], [119.014, 29.598]]
AREA = {"type": "Polygon", "coordinates": [AROUND]}
COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
PASSWORD = "a long pass phrase 42"


@pytest.fixture(scope="module")
def token(_desk) -> str:
    """The session of a commander."""
    given = AccountDraft(account_id="chief", role=Role.COMMANDER, areas=("all",))
    add_account(_desk.workspace, AT_THE_SHELL, given, password=PASSWORD)
    return sign_in(_desk.workspace, "chief", PASSWORD).token


@pytest.fixture
def chief(desk, token: str) -> Iterator[object]:
    """The console with a commander at it; no hazard stays for the other tests."""
    desk.cookies["gridgov_session"] = token
    yield desk
    for recorded in hazards_of(desk.workspace, COMMANDER):
        withdraw_hazard(desk.workspace, COMMANDER, recorded.hazard.hazard_id)


def keys(test: AppTest) -> set[str]:
    return {button.key for button in test.button if button.key}


def shown(test: AppTest) -> str:
    """All HTML and sentences of the page."""
    parts = [*test.get("html"), *test.warning, *test.info, *test.markdown, *test.caption]
    return "\n".join(str(getattr(part, "value", None) or getattr(part.proto, "body", "")) for part in parts)


def planned(chief) -> str:
    """A kept plan for a drawn hazard."""
    hazard = draw_hazard(chief.workspace, COMMANDER, AREA, HazardHeader(name="演练"))
    query = plan_query(hazard.hazard_id, {"params": {"time_limit_s": 3.0}})
    run = start_evacuation(chief.workspace, COMMANDER, query)
    assert run.wait(60)
    assert run.kept is not None, run.error
    return run.kept.evacuation.evacuation_id


def test_a_drawn_hazard_is_on_the_books_and_its_impact_is_shown_without_any_click(chief) -> None:
    test = chief.open("emergency_page")
    assert not test.exception
    assert "draw_hazard" in keys(test)
    test.session_state["drawing"] = Drawing("h1", AREA, "hazard")
    test.run()
    assert not test.exception
    assert len(hazards_of(chief.workspace, COMMANDER)) == 1
    said = shown(test)
    assert "People" in said
    assert "Range" in said


def test_an_area_outside_the_district_is_refused_in_one_sentence(chief) -> None:
    test = chief.open("emergency_page")
    far = [[10.0, 50.0], [10.1, 50.0], [10.1, 50.1], [10.0, 50.0]]
    test.session_state["drawing"] = Drawing("h2", {"type": "Polygon", "coordinates": [far]}, "hazard")
    test.run()
    assert not test.exception
    assert "cannot be a hazard" in shown(test)
    assert hazards_of(chief.workspace, COMMANDER) == ()


def test_a_plan_says_what_it_promises_and_its_orders_are_given_after_a_second_question(chief) -> None:
    number = planned(chief)
    test = chief.open("emergency_page", step="plan")
    assert not test.exception
    assert f'data-plan="{number}"' in shown(test)
    test = chief.open("emergency_page", step="orders")
    assert test.button(key="give_orders").disabled
    test.checkbox(key=f"sure-{number}").check().run()
    test.button(key="give_orders").click().run()
    assert not test.exception
    assert read_evacuation(chief.workspace, COMMANDER, number).status == ORDERED
    assert "give_orders" not in keys(test)


def test_the_page_says_before_the_orders_are_given_that_people_would_come_too_late(chief, monkeypatch) -> None:
    number = planned(chief)
    monkeypatch.setattr("app.widgets.emergency_orders.lateness_s", lambda *_: 900.0)
    test = chief.open("emergency_page", step="orders")
    test.checkbox(key=f"sure-{number}").check().run()
    assert not test.exception
    assert "15 minutes too late" in shown(test)
    assert test.button(key="give_orders").disabled


def test_a_changed_shelter_is_counted_at_once_and_goes_into_the_next_plan(chief) -> None:
    first = planned(chief)
    test = chief.open("emergency_page", step="shelters")
    assert not test.exception
    before = shown(test)
    choice = test.multiselect(key="shelters-out-en")
    choice.select(choice.options[0]).run()
    assert "not to be used" in shown(test)
    assert shown(test) != before
    test.session_state["emergency_step"] = "plan"
    test.run()
    test.number_input(key="plan-limit").set_value(5)
    test.button(key="compute_plan").click().run()
    assert not test.exception
    hazard, end = read_evacuation(chief.workspace, COMMANDER, first).evacuation.hazard_id, time.monotonic() + 60
    while len(evacuations_of(chief.workspace, COMMANDER, hazard)) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    test.run()
    assert not test.exception
    newest = evacuations_of(chief.workspace, COMMANDER, hazard)[0].evacuation
    assert newest.replaces == first
    assert len(newest.query["shelters_out"]) == 1
    assert "data-difference" in shown(test)


def test_others_see_everything_and_change_nothing(chief) -> None:
    number = planned(chief)
    chief.sit("plan")
    for step in ("hazard", "impact", "shelters", "plan", "orders"):
        test = chief.open("emergency_page", step=step)
        assert not test.exception
        writing = {"draw_hazard", "new_hazard", "compute_plan", "give_orders", "call_back", "withdraw_hazard"}
        assert not writing & keys(test), step
    chief.sit("plan")
    assert f'data-plan="{number}"' in shown(chief.open("emergency_page", step="plan"))


def test_a_hazard_is_withdrawn_with_a_reason_only(chief) -> None:
    hazard = draw_hazard(chief.workspace, COMMANDER, AREA)
    test = chief.open("emergency_page", step="hazard")
    assert test.button(key="withdraw_hazard").disabled
    test.text_input(key=f"withdraw-{hazard.hazard_id}").set_value("drill over").run()
    test.button(key="withdraw_hazard").click().run()
    assert not test.exception
    assert hazards_of(chief.workspace, COMMANDER) == ()
