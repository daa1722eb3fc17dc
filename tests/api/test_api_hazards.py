"""Hazards over HTTP: drawn, computed, repeated, changed, withdrawn; impact and roads."""

from __future__ import annotations

from typing import Any

import pytest
from served import Served

KEY = "the-flood-of-this-morning"


def around(served: Served, half: float = 0.003) -> dict[str, Any]:
    lon, lat = served.place["lon"], served.place["lat"]
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    return {"type": "Polygon", "coordinates": [[[lon + half * x, lat + half * y] for x, y in corners]]}


def here(served: Served) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [served.place["lon"], served.place["lat"]]}


def test_a_hazard_is_drawn_once_by_its_key_listed_changed_and_withdrawn(served: Served) -> None:
    given, headers = {"geometry": around(served), "arrival_s": 1800, "name": "演练"}, {"Idempotency-Key": KEY}
    first = served.ask("commander", "POST", "/hazards", json=given, headers=headers)
    assert first.status_code == 201, first.text
    assert served.ask("commander", "POST", "/hazards", json=given, headers=headers).json() == first.json()
    made = first.json()
    assert made["zones"][0]["arrival_s"] == 1800
    assert made["warning"]
    listed = served.ask("planner", "GET", "/hazards").json()["items"]
    assert [(one["hazard_id"], one["zones"]) for one in listed] == [(made["hazard_id"], None)]
    changed = served.ask("commander", "POST", "/hazards", json={**given, "level": 4, "replaces": made["hazard_id"]})
    assert (changed.json()["hazard_id"], changed.json()["revision"]) == (made["hazard_id"], 2)
    gone = served.ask("commander", "DELETE", f"/hazards/{made['hazard_id']}?reason=over")
    assert (gone.status_code, gone.json()["status"]) == (200, "withdrawn")
    assert served.ask("commander", "DELETE", f"/hazards/{made['hazard_id']}").status_code == 409
    assert served.ask("commander", "GET", "/hazards/nothing").status_code == 404
    assert served.ask("planner", "GET", "/hazards").json()["items"] == []


def test_impact_and_roads_of_a_hazard_are_plain_numbers(served: Served) -> None:
    made = served.ask("commander", "POST", "/hazards", json={"geometry": around(served), "arrival_s": 600}).json()
    impact = served.ask("planner", "GET", f"/hazards/{made['hazard_id']}/impact?day=false")
    assert impact.status_code == 200, impact.text
    figures = impact.json()["figures"]
    assert figures["persons"]["low"] <= figures["persons"]["value"] <= figures["persons"]["high"]
    assert impact.json()["needs"][0]["certainty"] == "V"
    assert sum(row["persons"] for row in impact.json()["by_grid"]) == pytest.approx(figures["persons"]["value"], abs=1)
    roads = served.ask("planner", "GET", f"/hazards/{made['hazard_id']}/roads").json()
    assert roads["edges"]
    assert all(500 < edge["closes_s"] <= 600 for edge in roads["edges"])  # the clock runs
    assert served.ask("public", "GET", f"/hazards/{made['hazard_id']}/impact").status_code in {401, 403}


@pytest.mark.parametrize("kind", ["flood", "plume", "fire"])
def test_every_model_answers_with_zones_a_source_and_what_it_is_not(served: Served, kind: str) -> None:
    wind = {"speed_m_s": 4, "from_deg": 270}
    given: dict[str, Any] = {
        "flood": {"source": here(served), "levels": [{"level_m": 1}], "datum": "source", "within_m": 200},
        "plume": {**served.place, "substance": "chlorine", "wind": wind},
        "fire": {"ignition": here(served), "wind": wind, "until_s": 600, "fuel": "park"},
    }[kind]
    given.pop("grid_code", None)
    answer = served.ask("commander", "POST", f"/hazards/{kind}", json=given)
    assert answer.status_code == 201, answer.text
    assert answer.json()["kind"] == kind
    assert answer.json()["zones"]
    assert answer.json()["source"]
    assert answer.json()["warning"]


def test_what_cannot_be_computed_is_a_problem_with_a_sentence(served: Served) -> None:
    far = {"type": "Point", "coordinates": [0, 0]}
    wind = {"speed_m_s": 4, "from_deg": 270}
    for path, given in (
        ("", {"geometry": {"type": "Polygon", "coordinates": []}}),
        ("/flood", {"source": far, "levels": [{"level_m": 1}]}),
        ("/flood", {"source": here(served), "levels": [{"level_m": 5}, {"level_m": 1}]}),
        ("/plume", {"lon": 0, "lat": 0, "substance": "chlorine", "wind": wind}),
        ("/plume", {**served.place, "substance": "nothing", "wind": wind}),
        ("/fire", {"ignition": far, "wind": wind}),
        ("/slope", {"source": far}),
        ("/slope", {"source": {"type": "Point", "coordinates": []}}),
    ):
        answer = served.ask("commander", "POST", f"/hazards{path}", json=given)
        assert answer.status_code == 422, (path, answer.text)
        assert answer.json()["detail"]


def test_only_a_commander_makes_hazards(served: Served) -> None:
    given = {"geometry": around(served)}
    assert served.ask("supervisor", "POST", "/hazards", json=given).status_code == 403
    numbers = served.ask("planner", "GET", "/hazards/numbers").json()
    assert {one["code"] for one in numbers["substances"]} >= {"chlorine", "ammonia"}
