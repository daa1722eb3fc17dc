"""Closures, what they would change, scenarios, service areas and coverage over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from served import Served

KEY = "closing-the-south-bridge"


def around(served: Served, half: float = 0.0008) -> dict[str, Any]:
    """A square around the place of the tests."""
    lon, lat = served.place["lon"], served.place["lat"]
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    return {"type": "Polygon", "coordinates": [[[lon + half * x, lat + half * y] for x, y in corners]]}


def wide(served: Served) -> dict[str, Any]:
    return {"geometry": around(served, 0.004), "reason": "演练"}


def test_a_closure_is_made_once_by_its_key_listed_and_opened_again(served: Served) -> None:
    given, headers = wide(served), {"Idempotency-Key": KEY}
    first = served.ask("supervisor", "POST", "/closures", json=given, headers=headers)
    assert first.status_code == 201, first.text
    again = served.ask("supervisor", "POST", "/closures", json=given, headers=headers)
    assert again.json() == first.json()
    closure_id = first.json()["items"][0]["closure_id"]
    listed = served.ask("planner", "GET", "/closures").json()["items"]
    assert [(one["closure_id"], one["holds"]) for one in listed] == [(closure_id, True)]
    assert listed[0]["edge_count"] > 0
    opened = served.ask("supervisor", "DELETE", f"/closures/{closure_id}?reason=done")
    assert opened.status_code == 200
    assert served.ask("supervisor", "DELETE", f"/closures/{closure_id}").status_code == 409
    assert served.ask("supervisor", "DELETE", "/closures/nothing").status_code == 404
    assert served.ask("planner", "GET", "/closures").json()["items"] == []


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("planner", {}, 403),
        ("public", {}, 401),
        ("supervisor", {"geometry": None}, 422),
        ("supervisor", {"geometry": {"type": "Point", "coordinates": [0, 0]}}, 422),
        ("supervisor", {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1, 2], [1, 1], [0, 0]]]}}, 422),
        ("supervisor", {"geometry": {"type": "LineString", "coordinates": [[0, 0], [0.1, 0.1]]}}, 422),
        ("supervisor", {"factor": 1.5}, 422),
        ("supervisor", {"modes": ["fly"]}, 422),
        ("supervisor", {"valid_to": "2001-01-01T00:00:00Z"}, 422),
        ("supervisor", {"valid_to": "0001-01-01T00:00:00+08:00"}, 422),
    ],
)
def test_a_closure_that_cannot_be_is_refused_in_words(
    served: Served, who: str, changes: dict[str, Any], status: int
) -> None:
    before = served.head
    answer = served.ask(who, "POST", "/closures", json={**wide(served), **changes})
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert served.head == before


def test_the_effects_of_a_draft_are_told_and_nothing_is_closed(served: Served) -> None:
    before = served.head
    given = {"drafts": [wide(served), {**wide(served), "valid_to": "2001-01-01T00:00:00Z"}]}
    answer = served.ask("supervisor", "POST", "/closures/effects", json=given)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["summary"]["edges"] == found["edges"]["edges"] > 0
    assert found["summary"]["grids_cut_off"] == sum(grid["cut_off"] for grid in found["grids"]) > 0
    assert found["closures_after"] == ["draft-1"]
    assert [finding["rule"] for finding in found["findings"]] == ["closure_holds_never"]
    assert found["edges"]["lines"]["features"][0]["properties"] == {"kind": "closed"}
    times = [grid[name] for grid in found["grids"] for name in ("before_s", "after_s")]
    assert all(time is None or time >= 0 for time in times)
    assert served.head == before
    missing = {"reopened": ["nothing"]}
    assert served.ask("supervisor", "POST", "/closures/effects", json=missing).status_code == 404


def test_a_scenario_is_kept_renamed_put_in_force_and_removed(served: Served) -> None:
    kept = served.ask("planner", "POST", "/scenarios", json={"name": "南桥", "closures": [wide(served)]})
    assert kept.status_code == 201, kept.text
    path = f"/scenarios/{kept.json()['scenario_id']}"
    assert served.ask("planner", "GET", "/closures").json()["items"] == []
    tried = served.ask("planner", "POST", "/closures/effects", json={"scenario": kept.json()["scenario_id"]})
    assert tried.json()["summary"]["edges"] > 0
    assert served.ask("planner", "PATCH", path, json={"name": "北桥"}).json()["name"] == "北桥"
    assert served.ask("planner", "POST", f"{path}/apply").status_code == 403
    made = served.ask("supervisor", "POST", f"{path}/apply")
    assert made.status_code == 201
    assert made.json()["items"][0]["source"] == f"scenario:{kept.json()['scenario_id']}"
    assert served.ask("planner", "DELETE", path).status_code == 204
    assert served.ask("planner", "GET", path).status_code == 404
    assert len(served.ask("planner", "GET", "/closures").json()["items"]) == 1
    assert served.ask("planner", "GET", "/scenarios").json() == []
    served.ask("supervisor", "DELETE", f"/closures/{made.json()['items'][0]['closure_id']}")


def test_a_hazard_becomes_a_draft(served: Served) -> None:
    path = "/closures/of-hazard?layer=hazards&hazard_id=H0001"
    answer = served.ask("supervisor", "GET", path)
    assert (answer.status_code, "is a point" in answer.json()["detail"]) == (422, True)
    draft = served.ask("supervisor", "GET", f"{path}&buffer_m=80").json()
    assert (draft["geometry"]["type"], draft["source"]) == ("Polygon", "hazards:H0001")
    assert served.ask("supervisor", "GET", "/closures/of-hazard?layer=hazards&hazard_id=none").status_code == 404


def test_service_areas_and_coverage(served: Served) -> None:
    lon, lat = served.place["lon"], served.place["lat"]
    areas = served.ask("planner", "GET", f"/isochrone?lon={lon}&lat={lat}&minutes=2&minutes=5").json()["features"]
    assert [area["properties"]["limit_min"] for area in areas] == [2, 5]
    assert areas[0]["properties"]["area_km2"] < areas[1]["properties"]["area_km2"]
    found = served.ask("planner", "GET", "/coverage?of=shelters&minutes=3&order=2").json()
    assert len(found["grids"]) == len(served.workspace.layer("grids"))
    assert found["summary"]["grids_within"] == sum(grid["within"] >= 2 for grid in found["grids"])
    classes = served.ask("planner", "GET", "/coverage/classes?of=shelters&order=2&steps_min=3&steps_min=9").json()
    assert sum(code == 0 for code in classes["classes"].values()) == found["summary"]["grids_within"]
    assert served.ask("planner", "GET", "/coverage?of=castle").status_code == 422
    assert served.ask("planner", "GET", "/coverage/classes?steps_min=9&steps_min=3").status_code == 422


def test_a_place_on_a_closed_road_has_no_service_area_and_the_problem_says_so(served: Served) -> None:
    asked = f"/isochrone?lon={served.place['lon']}&lat={served.place['lat']}&minutes=2"
    closed = served.ask("supervisor", "POST", "/closures", json=wide(served)).json()["items"][0]["closure_id"]
    answer = served.ask("planner", "GET", asked)
    assert (answer.status_code, closed in answer.text, "closed road" in answer.text) == (422, True, True)
    served.ask("supervisor", "DELETE", f"/closures/{closed}")
    assert served.ask("planner", "GET", asked).status_code == 200


def test_a_batch_plan_comes_with_its_proof(served: Served) -> None:
    found = served.ask("supervisor", "GET", "/assignment-plan?limit=5").json()
    assert found["plan"]["cost"] >= found["plan"]["lower_bound"]
    assert found["texts"]
    assert served.ask("planner", "GET", "/assignment-plan").status_code == 403
