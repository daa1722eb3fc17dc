"""The door: who gets in by which token, what is open, forged requests, websockets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from served import PASSWORD, Served, serve
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from gridgov.api.guard import OPEN, SESSION_COOKIE, Guard, csrf_token, is_open, local_path
from gridgov.errors import SignInError, StorageError
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/assets/leaflet/leaflet.js", 200),
        ("/sign-in", 200),
        ("/report", 200),
        ("/api/v1/classes", 200),
        ("/api/v1/reports/000000-AAAA-AAAA", 404),
        ("/api/open311/v2/services.json", 200),
        ("/api/docs", 200),
        ("/api/openapi.json", 200),
        ("/api", 401),
        ("/api/v1/session", 401),
        ("/api/v1/incidents", 401),
        ("/api/v1/changes", 401),
        ("/api/v1/layers", 401),
        ("/api/v1/photos", 401),
        ("/api/v1/nothing", 401),
        ("/api/ogc/collections", 401),
        ("/api/v1/reports/../incidents", 401),
        ("/api/v1/classes/", 401),
        ("//api/v1/classes", 401),
        ("/tiles/roads/12/1/1.mvt", 401),
        ("/points/incidents", 401),
        ("/work", 401),
        ("/", 401),
        ("/static/js/index.js", 401),
        ("/_stcore/health", 401),
    ],
)
def test_what_is_open_without_a_session(served: Served, path: str, status: int) -> None:
    answer = served.client.get(path, headers={"Accept": "*/*"})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_table_of_open_paths_lets_nothing_else_through() -> None:
    assert not is_open("DELETE", "/api/v1/session")
    assert not is_open("POST", "/api/v1/session/password")
    assert not is_open("PUT", "/report")
    assert not is_open("GET", "/reporting")
    assert not is_open("GET", "/assets/../api/v1/incidents")
    assert all(opening.path.startswith("/") for opening in OPEN)


def test_a_browser_is_led_to_the_sign_in_page_and_back(served: Served) -> None:
    answer = served.client.get("/?lang=en&incident=1", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/%3Flang%3Den%26incident%3D1")
    posted = served.client.post("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert posted.status_code == 401


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "evil", "", "/a\nb"])
def test_nobody_is_led_to_another_host_after_signing_in(target: str) -> None:
    assert local_path(target) == "/"
    assert local_path("/?incident=1") == "/?incident=1"


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "ÿ", "a b"])
def test_a_forged_token_opens_nothing(served: Served, token: str) -> None:
    """A wrong bearer token is refused even where no session is needed: somebody meant to be somebody."""
    before = served.head
    bearer = {"Authorization": f"Bearer {token}".encode("latin-1")}
    assert served.client.get("/api/v1/incidents", headers=bearer).status_code == 401
    assert served.client.get("/api/v1/classes", headers=bearer).status_code == 401
    assert served.client.post("/api/v1/reports", json=served.form(), headers=bearer).status_code == 401
    cookie = {"Cookie": f"{SESSION_COOKIE}={token}".encode("latin-1")}
    assert served.client.get("/api/v1/incidents", headers=cookie).status_code == 401
    assert served.head == before


def test_a_browser_with_an_old_cookie_can_still_report(served: Served) -> None:
    """It counts as no session."""
    answer = served.client.post("/api/v1/reports", json=served.form(), headers={"Cookie": f"{SESSION_COOKIE}=old"})
    assert answer.status_code == 201


def test_another_scheme_is_no_token(served: Served) -> None:
    """A proxy's own password in front of the server hinders nobody."""
    headers = {**served.by_cookie("supervisor"), "Authorization": "Basic dXNlcjpwYXNz"}
    assert served.client.get("/api/v1/session", headers=headers).json()["person"]["account_id"] == "supervisor"


def test_sign_in_who_am_i_and_sign_out(served: Served) -> None:
    begun = served.ask("public", "POST", "/session", json={"account": "planner", "password": PASSWORD})
    assert begun.status_code == 201
    assert "set-cookie" not in begun.headers
    token = begun.json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    who = served.client.get("/api/v1/session", headers=bearer).json()
    assert (who["person"]["account_id"], who["person"]["areas"]) == ("planner", ["all"])
    may = ("incident.progress", "incident.read", "layer.read", "layer.write", "scenario.write", "speeds.learn")
    assert who["rights"] == dict.fromkeys(may, "area")
    assert who["csrf_token"] == csrf_token(token)
    assert served.client.delete("/api/v1/session", headers=bearer).status_code == 204
    assert served.client.get("/api/v1/session", headers=bearer).status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(served: Served) -> None:
    given = {"account": "planner", "password": PASSWORD, "cookie": True}
    cookie = served.ask("public", "POST", "/session", json=given).headers["set-cookie"].lower()
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    served.client.cookies.clear()


def test_by_https_the_cookie_never_travels_without_it(village: Any) -> None:
    with serve(village, https=True) as secure:
        given = {"account": "planner", "password": PASSWORD, "cookie": True}
        assert "; secure" in secure.ask("public", "POST", "/session", json=given).headers["set-cookie"].lower()


@pytest.mark.parametrize("password", ["wrong", "x" * 1024])
def test_a_wrong_password_is_refused(served: Served, password: str) -> None:
    answer = served.ask("public", "POST", "/session", json={"account": "admin", "password": password})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


class TestForgery:
    """Changes by cookie need the token that only a page of ours knows, and come from our own host."""

    def report(self, served: Served, headers: dict[str, str], **more: Any) -> int:
        before = served.head
        status = int(
            served.client.post("/api/v1/incidents", headers=headers, **(more or {"json": served.form()})).status_code
        )
        assert served.head == before + (status == 201)
        return status

    def test_with_the_token_it_is_taken(self, served: Served) -> None:
        assert self.report(served, served.by_cookie("supervisor")) == 201
        assert self.report(served, served.by_cookie("supervisor", origin="http://testserver")) == 201

    def test_without_or_with_a_wrong_token_it_is_refused(self, served: Served) -> None:
        assert self.report(served, served.by_cookie("supervisor", csrf=False)) == 403
        wrong = {**served.by_cookie("supervisor"), "X-CSRF-Token": csrf_token(served.tokens["planner"])}
        assert self.report(served, wrong) == 403

    def test_from_another_host_it_is_refused(self, served: Served) -> None:
        for origin in ("http://evil.example", "http://testserver.evil.example", "null", "http://testserver:81"):
            assert self.report(served, served.by_cookie("supervisor", origin=origin)) == 403
        fetched = {**served.by_cookie("supervisor"), "Sec-Fetch-Site": "cross-site"}
        assert self.report(served, fetched) == 403

    def test_a_form_cannot_do_what_needs_the_header(self, served: Served) -> None:
        """A form of another site can be sent without a script, but not to the API."""
        headers = served.by_cookie("supervisor", csrf=False)
        assert self.report(served, headers, data={"class_code": "0101"}) == 403
        photo = served.client.post("/api/v1/photos", headers=headers, files={"photo": ("a.png", b"x")})
        assert photo.status_code == 403

    def test_a_bearer_token_needs_none(self, served: Served) -> None:
        headers = {"Authorization": f"Bearer {served.tokens['supervisor']}", "Origin": "http://app.example"}
        assert self.report(served, headers) == 201

    def test_reading_needs_none(self, served: Served) -> None:
        assert (
            served.client.get("/api/v1/incidents", headers=served.by_cookie("planner", csrf=False)).status_code == 200
        )

    def test_nobody_is_signed_in_by_another_site(self, served: Served) -> None:
        given = {"account": "planner", "password": PASSWORD, "cookie": True}
        answer = served.ask("public", "POST", "/session", json=given, headers={"Origin": "http://evil.example"})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


# -- websockets and the state of a request, on a small application ---------------------------------------------------

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


class Door:
    """Whose session a token is, as long as it lasts."""

    def __init__(self) -> None:
        self.open = {"good"}
        self.away = False

    def __call__(self, token: str) -> Person:
        if self.away:
            raise StorageError("the database is away")
        if token not in self.open:
            raise SignInError("nobody")
        return BOSS


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def who(request: Any) -> JSONResponse:
    return JSONResponse([request.state.person.account_id, request.state.token])


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def small(door: Door) -> TestClient:
    routes = [WebSocketRoute("/_stcore/stream", echo), Route("/who", who), Route("/report", who)]
    return TestClient(Guard(Starlette(routes=routes), resolve=door))


COOKIE = {"Cookie": f"{SESSION_COOKIE}=good"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": f"{SESSION_COOKIE}=bad"},
        {"Authorization": "Bearer bad"},
        {**COOKIE, "Origin": "http://evil.example"},
    ],
)
def test_a_websocket_without_a_session_is_refused_before_it_is_accepted(
    small: TestClient, headers: dict[str, str]
) -> None:
    with pytest.raises(WebSocketDisconnect), small.websocket_connect("/_stcore/stream", headers=headers):
        raise AssertionError("it was accepted")


def test_a_websocket_ends_with_its_session(small: TestClient, door: Door) -> None:
    with small.websocket_connect("/_stcore/stream", headers=COOKIE) as websocket:
        websocket.send_text("one")
        assert websocket.receive_text() == "one"
        door.away = True
        websocket.send_text("the database is away for a moment")
        assert websocket.receive_text()
        door.away = False
        door.open.clear()
        websocket.send_text("two")
        with pytest.raises(WebSocketDisconnect):
            websocket.receive_text()


def test_routes_learn_who_asks(small: TestClient) -> None:
    assert small.get("/who", headers=COOKIE).json() == ["boss", "good"]
    assert small.get("/report").json() == [PUBLIC.account_id, ""]
    assert small.get("/report", headers={"Cookie": f"{SESSION_COOKIE}=bad"}).json() == [PUBLIC.account_id, ""]


def test_a_store_that_is_away_is_no_refusal(small: TestClient, door: Door) -> None:
    """503, so that nobody is sent to the sign-in page for it; open paths stay open."""
    door.away = True
    assert small.get("/who", headers=COOKIE).status_code == 503
    assert small.get("/report").status_code == 200


def test_a_page_that_is_opened_while_the_store_is_away_is_a_page(small: TestClient, door: Door) -> None:
    """In the language of the browser, without what the store said; data stays data."""
    door.away = True
    answer = small.get("/who", headers={**COOKIE, "Accept": "text/html,*/*", "Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "Not available at present" in answer.text
    assert "database" not in answer.text
    assert "json" in small.get("/who", headers=COOKIE).headers["content-type"]


def test_a_session_that_is_remembered_is_not_asked_for(door: Door) -> None:
    door.away = True
    guarded = Guard(Starlette(routes=[Route("/who", who)]), resolve=door, remembered=lambda _: BOSS)
    assert TestClient(guarded).get("/who", headers=COOKIE).json() == ["boss", "good"]


def test_a_session_ends_by_time(village: Any) -> None:
    with serve(village, session_hours=1) as one:
        assert one.ask("planner", "GET", "/session").status_code == 200
        start = one.workspace.wall_now
        one.workspace.wall_now = lambda: start() + timedelta(hours=1)  # type: ignore[method-assign]
        assert one.ask("planner", "GET", "/session").status_code == 401
