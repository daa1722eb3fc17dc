"""Evacuations over HTTP: a run, its plan, its orders."""

from __future__ import annotations

import time
from typing import Any

import pytest
from served import Served

from gridgov.model.cap import from_xml
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.hazards import draw_hazard
from gridgov.verify_plan import verify_document

COMMANDER = Person("boss", Role.COMMANDER, EVERYWHERE)


@pytest.fixture(scope="module")
def hazard_id(served: Served) -> str:
    west, south, east, north = served.workspace.bounds
    x, y, r = (west + east) / 2, (south + north) / 2, (east - west) * 0.1
    ring = [[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r], [x - r, y - r]]
    return draw_hazard(served.workspace, COMMANDER, {"type": "Polygon", "coordinates": [ring]}).hazard_id


def finished(served: Served, hazard_id: str) -> dict[str, Any]:
    """The plan of a short computation."""
    given = {"hazard_id": hazard_id, "params": {"time_limit_s": 1.0}}
    run = served.ask("commander", "POST", "/evacuation-runs", json=given)
    assert run.status_code == 202, run.text
    for _ in range(600):
        told = served.ask("commander", "GET", f"/evacuation-runs/{run.json()['run_id']}").json()
        if told["state"] != "running":
            break
        time.sleep(0.1)
    assert told["state"] == "done", told
    return dict(told)


def test_a_run_ends_in_a_plan_that_proves_itself_and_its_orders_are_given(served: Served, hazard_id: str) -> None:
    told = finished(served, hazard_id)
    path = f"/evacuations/{told['evacuation_id']}"
    shown = served.ask("planner", "GET", path).json()
    assert (shown["status"], shown["clearance_time_s"]) == ("planned", told["steps"][-1]["clearance_time_s"])
    document = served.ask("planner", "GET", f"{path}/plan").json()
    assert verify_document(document).ok
    ordered = served.ask("commander", "POST", f"{path}/orders", json={"note": "立即转移"})
    assert (ordered.status_code, ordered.json()["status"]) == (200, "ordered")
    assert served.ask("commander", "POST", f"{path}/orders", json={}).status_code == 409
    sheet = served.ask("worker", "GET", f"{path}/orders/html")
    assert (sheet.status_code, sheet.text[:14].lower()) == (200, "<!doctype html")
    assert served.ask("worker", "GET", f"{path}/orders/pdf").status_code == 422
    warning = served.ask("commander", "GET", f"{path}/warning")
    assert from_xml(warning.content).identifier == told["evacuation_id"]
    assert served.ask("worker", "GET", f"{path}/warning").status_code == 403
    assert served.ask("commander", "GET", f"{path}/buses").status_code == 404
    issued = served.ask("commander", "POST", f"{path}/door-tasks")
    assert issued.json() == {
        **served.ask("commander", "GET", f"{path}/door-tasks").json(),
        "without": issued.json()["without"],
    }
    assert issued.json()["grids"] > 0
    assert served.ask("worker", "POST", f"{path}/door-tasks/000/done").status_code == 404
    listed = served.ask("worker", "GET", "/evacuations", params={"hazard_id": hazard_id}).json()
    assert [each["evacuation_id"] for each in listed] == [told["evacuation_id"]]
    back = served.ask("commander", "POST", f"{path}/withdrawal", json={"reason": "险情解除"})
    assert back.json()["status"] == "withdrawn"
    assert served.ask("worker", "GET", "/evacuations").json() == []


@pytest.mark.parametrize(("who", "status"), [("public", 401), ("worker", 403), ("supervisor", 403), ("planner", 403)])
def test_only_commanders_have_plans_computed(served: Served, hazard_id: str, who: str, status: int) -> None:
    assert served.ask(who, "POST", "/evacuation-runs", json={"hazard_id": hazard_id}).status_code == status


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"hazard_id": "nothing"}, 404),
        ({"hazard_id": "x", "params": {"occupancy_persons_per_vehicle": 0}}, 422),
        ({"hazard_id": "x", "params": {"speed": 1}}, 422),
        ({"hazard_id": "x", "places": {"S1": -1}}, 422),
    ],
)
def test_what_cannot_be_asked_is_refused(served: Served, given: dict[str, Any], status: int) -> None:
    assert served.ask("commander", "POST", "/evacuation-runs", json=given).status_code == status


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ({"shelters_out": ["S9999"]}, 422, "S9999"),
        ({"places": {"S9999": 5}}, 422, "S9999"),
        ({"closed_edges": [99999999]}, 422, "99999999"),
        ({"replaces": "260630-XXXXXX"}, 404, "260630-XXXXXX"),
    ],
)
def test_what_does_not_exist_is_said_at_once_and_no_run_begins(
    served: Served, hazard_id: str, given: dict[str, Any], status: int, named: str
) -> None:
    answer = served.ask("commander", "POST", "/evacuation-runs", json={"hazard_id": hazard_id, **given})
    assert answer.status_code == status
    assert named in answer.text


def test_unknown_runs_and_evacuations_are_not_found(served: Served) -> None:
    assert served.ask("commander", "GET", "/evacuation-runs/XXXXXXXX").status_code == 404
    assert served.ask("commander", "GET", "/evacuations/260630-XXXXXX").status_code == 404
    assert served.ask("commander", "GET", "/evacuations/260630-XXXXXX/plan").status_code == 404
