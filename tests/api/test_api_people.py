"""Workers, positions, grids, layers, accounts and the log over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from served import PASSWORD, Served

from gridgov.model.rights import Role
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account
from gridgov.operations.sessions import sign_in


def position(served: Served, **changes: Any) -> dict[str, Any]:
    at = served.workspace.now().isoformat()
    return {"worker_id": served.worker_id, "at": at, **served.place, "accuracy_m": 5, **changes}


def test_a_phone_sends_its_positions_and_the_supervisor_sees_them(served: Served) -> None:
    before = served.head
    answer = served.ask("worker", "POST", "/positions", json={"positions": [position(served)]})
    assert (answer.status_code, answer.json()["taken"]) == (200, 1)
    seen = served.ask("supervisor", "GET", "/positions").json()
    assert [who["worker_id"] for who in seen] == [served.worker_id]
    worker = next(w for w in served.ask("supervisor", "GET", "/workers").json() if w["worker_id"] == served.worker_id)
    assert (worker["lon"], worker["lat"]) == (served.place["lon"], served.place["lat"])
    assert "phone" not in worker
    assert served.head == before, "positions are no events"


@pytest.mark.parametrize(
    ("who", "changes", "status"),
    [
        ("worker", {"worker_id": "W00002"}, 403),
        ("planner", {}, 403),
        ("public", {}, 401),
        ("worker", {"lon": 181}, 422),
        ("worker", {"lon": None}, 422),
        ("worker", {"at": "2026-06-30T10:00:00"}, 422),
        ("worker", {"at": "2099-01-01T00:00:00Z"}, 422),
        ("worker", {"accuracy_m": -1}, 422),
        ("worker", {"speed": 3}, 422),
    ],
)
def test_a_bad_position_is_refused_with_its_whole_batch(
    served: Served, who: str, changes: dict[str, Any], status: int
) -> None:
    before = served.workspace.store.positions()
    at = (served.workspace.now() + timedelta(seconds=1)).isoformat()
    batch = [position(served, at=at, lon=served.place["lon"] + 1e-4), position(served, **changes)]
    answer = served.ask(who, "POST", "/positions", json={"positions": batch})
    assert answer.status_code == status, answer.text
    assert served.workspace.store.positions() == before


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_one_to_a_thousand_positions(served: Served, count: int) -> None:
    answer = served.ask("worker", "POST", "/positions", json={"positions": [position(served)] * count})
    assert answer.status_code == 422


def test_a_worker_says_what_they_do(served: Served) -> None:
    path = f"/workers/{served.worker_id}/status"
    assert served.ask("worker", "PUT", path, json={"status": "off"}).status_code == 204
    assert served.ask("worker", "PUT", "/workers/W00002/status", json={"status": "off"}).status_code == 403
    assert served.ask("worker", "PUT", path, json={"status": "asleep"}).status_code == 422
    assert served.ask("supervisor", "PUT", "/workers/nobody/status", json={"status": "off"}).status_code == 404
    assert served.ask("worker", "PUT", path, json={"status": "free"}).status_code == 204


def test_grids_by_place_and_by_code(served: Served) -> None:
    place = served.place
    found = served.ask("planner", "GET", f"/grids?lon={place['lon']}&lat={place['lat']}").json()
    assert found == served.ask("planner", "GET", f"/grids/{found['grid_code']}").json()
    assert found["street"]["zh"]
    assert served.ask("planner", "GET", "/grids?lon=0&lat=0").status_code == 404
    assert served.ask("planner", "GET", "/grids?lon=0&lat=91").status_code == 422
    assert served.ask("planner", "GET", "/grids/nothing").status_code == 404


def test_layers_have_names_and_licences(served: Served) -> None:
    layers = served.ask("planner", "GET", "/layers").json()
    assert {"roads", "grids"} <= {layer["layer_id"] for layer in layers}
    assert all(layer["names"]["en"] for layer in layers)


def test_an_account_is_made_changed_closed_and_opened(served: Served) -> None:
    made = served.ask(
        "admin", "POST", "/accounts", json={"account_id": "newcomer", "role": "planner", "areas": ["all"]}
    )
    assert made.status_code == 201
    given = {"account": "newcomer", "password": made.json()["password"]}
    token = served.ask("public", "POST", "/session", json=given).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    changed = served.ask("admin", "PATCH", "/accounts/newcomer", json={"role": "supervisor", "name": "新来的"})
    assert (changed.json()["role"], changed.json()["name"], changed.json()["areas"]) == (
        "supervisor",
        "新来的",
        ["all"],
    )
    assert served.ask("", "GET", "/session", headers=headers).json()["person"]["role"] == "supervisor"
    assert served.ask("admin", "PATCH", "/accounts/newcomer", json={"active": False}).json()["active"] is False
    assert served.ask("", "GET", "/session", headers=headers).status_code == 401
    assert served.ask("admin", "PATCH", "/accounts/newcomer", json={"active": True}).json()["active"] is True
    fresh = served.ask("admin", "POST", "/accounts/newcomer/password", json={}).json()["password"]
    assert fresh != given["password"]
    assert "newcomer" in [account["account_id"] for account in served.ask("admin", "GET", "/accounts").json()]


def test_an_administrator_of_a_part_finds_no_accounts_and_workers_of_elsewhere(served: Served) -> None:
    workers = served.workspace.layer("workers")
    street = min(served.workspace.layer("grids")["street_code"])
    outside = workers["worker_id"][~workers["grid_code"].astype(str).str.startswith(street)].iloc[-1]
    draft = AccountDraft(account_id="local", role=Role.ADMIN, areas=(street,))
    add_account(served.workspace, AT_THE_SHELL, draft, password=PASSWORD)
    served.tokens["local"] = sign_in(served.workspace, "local", PASSWORD).token
    given = {"account_id": "far", "role": "worker", "areas": [street]}
    assert served.ask("local", "POST", "/accounts", json={**given, "worker_id": outside}).status_code == 403
    assert served.ask("local", "POST", "/accounts", json={**given, "role": "planner"}).status_code == 201
    taken = served.ask("local", "PATCH", "/accounts/far", json={"role": "worker", "worker_id": outside})
    assert taken.status_code == 403
    assert served.ask("local", "PATCH", "/accounts/planner", json={"name": "x"}).status_code == 404
    assert served.ask("local", "POST", "/accounts/planner/password", json={}).status_code == 404


@pytest.mark.parametrize(
    ("who", "method", "path", "given", "status"),
    [
        ("supervisor", "GET", "/accounts", None, 403),
        ("supervisor", "POST", "/accounts", {"account_id": "mine", "role": "admin", "areas": ["all"]}, 403),
        ("public", "GET", "/accounts", None, 401),
        ("admin", "POST", "/accounts", {"account_id": "admin", "role": "admin", "areas": ["all"]}, 422),
        ("admin", "POST", "/accounts", {"account_id": "No Name", "role": "admin", "areas": ["all"]}, 422),
        ("admin", "POST", "/accounts", {"account_id": "god", "role": "god", "areas": ["all"]}, 422),
        ("admin", "POST", "/accounts", {"account_id": "far", "role": "planner", "areas": ["999"]}, 422),
        (
            "admin",
            "POST",
            "/accounts",
            {"account_id": "weak", "role": "planner", "areas": ["all"], "password": "x"},
            422,
        ),
        (
            "admin",
            "POST",
            "/accounts",
            {"account_id": "lines", "role": "planner", "areas": ["all"], "name": "a\nb"},
            422,
        ),
        ("admin", "PATCH", "/accounts/planner", {"name": "a\x1b[2Jb"}, 422),
        ("admin", "PATCH", "/accounts/nobody", {"name": "x"}, 404),
        ("admin", "PATCH", "/accounts/planner", {"name": "x", "seen_version": 999}, 409),
        ("admin", "PATCH", "/accounts/admin", {"active": False}, 422),
        ("admin", "POST", "/accounts/nobody/password", {}, 404),
        ("supervisor", "POST", "/accounts/admin/password", {"password": PASSWORD}, 403),
        ("supervisor", "GET", "/audit", None, 403),
    ],
)
def test_what_nobody_may_do_with_accounts(
    served: Served, who: str, method: str, path: str, given: dict[str, Any] | None, status: int
) -> None:
    before = served.head
    assert served.ask(who, method, path, json=given).status_code == status
    assert served.head == before


def test_one_changes_ones_own_password(served: Served) -> None:
    new = "another long password"
    wrong = {"old_password": "no", "new_password": new}
    assert served.ask("commander", "POST", "/session/password", json=wrong).status_code == 422
    given = {"old_password": PASSWORD, "new_password": new}
    assert served.ask("commander", "POST", "/session/password", json=given).status_code == 204
    assert served.ask("commander", "GET", "/session").status_code == 200, "this session goes on"
    old = {"account": "commander", "password": PASSWORD}
    assert served.ask("public", "POST", "/session", json=old).status_code == 401


def test_the_log_is_read_page_by_page(served: Served) -> None:
    served.incident(reporter_phone="13800138000")
    newest = served.ask("admin", "GET", "/audit?limit=2").json()
    assert [event["seq"] for event in newest] == [served.head, served.head - 1]
    assert "13800138000" not in str(newest)
    older = served.ask("admin", "GET", f"/audit?limit=1&before={newest[-1]['seq']}").json()
    assert older[0]["seq"] == newest[-1]["seq"] - 1
    own = served.ask("admin", "GET", "/audit?entity_id=account:planner").json()
    assert {event["entity_id"] for event in own} == {"account:planner"}


def test_the_page_of_the_api_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.client.get("/api/docs?lang=en")
    assert "http://" not in page.text + page.headers["content-type"]
    assert "https://" not in page.text
    for part in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert served.client.get(f"/assets/swagger-ui/{part}").status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
