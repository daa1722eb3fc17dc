"""Assign all, without a browser: the plan, sending it, what went wrong, taking one back, changing a worker."""

from __future__ import annotations

import pytest
from conftest import Desk
from streamlit.testing.v1 import AppTest

from gridgov.model.incident_life import Action
from gridgov.model.incidents import IncidentState
from gridgov.operations.incidents import IncidentQuery, list_incidents, read_incident


@pytest.fixture
def filed(desk: Desk) -> list[str]:
    """Two filed incidents, and no others that wait."""
    for record in list_incidents(desk.workspace, desk.boss, IncidentQuery(states=(IncidentState.FILED,), limit=500)):
        desk.move(record.id, Action.VOID, reason="试验")
    numbers = [desk.report(words) for words in ("one", "two")]
    for number in numbers:
        desk.move(number, Action.FILE)
    return numbers


def button(page: AppTest, key: str):
    return next(item for item in page.button if item.key == key)


def words(page: AppTest) -> str:
    return " ".join(
        str(item.value) for item in [*page.markdown, *page.warning, *page.info, *page.caption, *page.get("html")]
    )


def test_all_are_sent_in_one_go_and_one_is_taken_back(desk: Desk, filed: list[str]) -> None:
    page = desk.open("batch_page")
    assert not page.exception
    button(page, "batch_send").click().run()
    assert not page.exception
    handlers = {number: read_incident(desk.workspace, desk.boss, number).handler for number in filed}
    assert all(handlers.values())
    button(page, f"batch_undo-{filed[0]}").click().run()
    assert not page.exception
    assert read_incident(desk.workspace, desk.boss, filed[0]).state is IncidentState.FILED
    assert not [item for item in page.button if item.key == f"batch_undo-{filed[0]}"]


def test_what_another_dispatcher_took_meanwhile_is_said_in_its_row(desk: Desk, filed: list[str]) -> None:
    page = desk.open("batch_page")
    desk.move(filed[1], Action.DISPATCH, handler="W00001")
    button(page, "batch_send").click().run()
    assert "was taken on meanwhile" in words(page).replace("\\", "")
    assert read_incident(desk.workspace, desk.boss, filed[0]).state is IncidentState.DISPATCHED


def test_another_worker_needs_a_reason_before_it_counts(desk: Desk, filed: list[str]) -> None:
    page = desk.open("batch_page")
    look = next(item for item in page.selectbox if item.key == "batch_look-en")
    number = look.value
    other = next(item for item in page.selectbox if item.key == f"batch_other-{number}-en")
    other.select_index(0).run()
    button(page, "batch_change_do").click().run()
    assert "needs a reason" in " ".join(str(item.value) for item in page.get("html"))
    reason = next(item for item in page.selectbox if (item.key or "").endswith("override-code-en"))
    reason.select("knows_place").run()
    button(page, "batch_change_do").click().run()
    wanted = next(item for item in page.selectbox if item.key == f"batch_other-{number}-en").value
    button(page, "batch_send").click().run()
    assert not page.exception
    assert read_incident(desk.workspace, desk.boss, number).handler == wanted


def test_who_may_not_dispatch_sees_no_plan(desk: Desk) -> None:
    desk.sit("plan")
    page = desk.open("batch_page")
    assert not page.exception
    assert not [item for item in page.button if item.key == "batch_send"]


def test_rank_2_asks_why_and_rank_1_does_not(desk: Desk, filed: list[str]) -> None:
    page = desk.open(incident=filed[0])
    assert not [item for item in page.selectbox if "override-code" in (item.key or "")]
    page.session_state["rank"] = 2
    page.run()
    reason = next(item for item in page.selectbox if "override-code" in (item.key or ""))
    button(page, "do-dispatch").click().run()
    assert read_incident(desk.workspace, desk.boss, filed[0]).state is IncidentState.FILED
    assert "choose a reason" in " ".join(str(item.value) for item in page.get("html"))
    reason = next(item for item in page.selectbox if "override-code" in (item.key or ""))
    reason.select("workload").run()
    button(page, "do-dispatch").click().run()
    assert read_incident(desk.workspace, desk.boss, filed[0]).state is IncidentState.DISPATCHED
