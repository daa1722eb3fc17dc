"""The plain pages: sign-in, report and progress, the worker's page and its data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from gridgov.api import pages
from gridgov.api.guard import Guard
from gridgov.api.pages import safe_next
from gridgov.config import Settings
from gridgov.i18n import LANGS, texts
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account, person_of
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

PASSWORD = "a long pass phrase 42"
BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
SCRIPT = "<script>alert(1)</script>"


class Source:
    """The workspace of a test, as the routes see it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace


@pytest.fixture
def workspace(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture(scope="module")
def with_accounts(village: Path) -> Workspace:
    """One workspace for all tests that sign in: making accounts takes time on purpose."""
    opened = open_workspace(village, settings=Settings(store="memory:"))
    accounts = (("boss", Role.SUPERVISOR, ""), ("w1", Role.WORKER, "W00001"), ("w2", Role.WORKER, "W00002"))
    for account, role, worker in accounts:
        draft = AccountDraft(account_id=account, role=role, areas=("all",), worker_id=worker)
        add_account(opened, AT_THE_SHELL, draft, password=PASSWORD)
    return opened


def client_of(workspace: Workspace) -> TestClient:
    settings = Settings(workspace=str(workspace.path), store="memory:")
    app = Starlette(
        routes=pages.routes(Source(workspace), settings),
        middleware=[Middleware(Guard, resolve=lambda token: person_of(workspace, token))],
    )
    return TestClient(app, follow_redirects=False, headers={"accept": "text/html"})


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    """A browser before a workspace without accounts."""
    with client_of(workspace) as opened:
        yield opened


@pytest.fixture
def staff(with_accounts: Workspace) -> Iterator[TestClient]:
    """A browser before a workspace with accounts."""
    with client_of(with_accounts) as opened:
        yield opened


def csrf_of(html: str) -> str:
    found = re.search(r'name="csrf(?:_token)?" value="([^"]+)"', html)
    assert found
    return found[1]


def sign_in(client: TestClient, account: str, **more: str):
    token = csrf_of(client.get("/sign-in").text)
    return client.post("/sign-in", data={"account": account, "password": PASSWORD, "csrf": token, **more})


def dispatched(workspace: Workspace, **given) -> str:
    """An incident that is given to the first worker; its number."""
    lon, lat = place(workspace)
    form = ReportForm(**{"class_code": "0101", "lon": lon, "lat": lat, **given})
    record = report_incident(workspace, BOSS, form)
    move_incident(workspace, BOSS, record.id, Action.FILE)
    move_incident(workspace, BOSS, record.id, Action.DISPATCH, MoveArguments(handler="W00001"))
    return record.id


def place(workspace: Workspace) -> tuple[float, float]:
    point = workspace.layer("grids").geometry.iloc[0].representative_point()
    return point.x, point.y


# -- sign-in -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_the_sign_in_page_speaks_both_languages_and_says_how_to_make_the_first_admin(client, workspace, lang) -> None:
    page = client.get(f"/sign-in?lang={lang}").text
    assert texts(lang)["signin.heading"] in page
    assert workspace.name(lang) in page
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in page
    assert "gridgov users add" in page


def test_with_accounts_nothing_is_said_about_the_first_admin(staff) -> None:
    assert "gridgov users add" not in staff.get("/sign-in").text


def test_a_worker_comes_to_the_tasks_and_a_supervisor_to_the_console(staff) -> None:
    answer = sign_in(staff, "w1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/work")
    assert "HttpOnly" in answer.headers["set-cookie"]
    staff.cookies.clear()
    assert sign_in(staff, "boss").headers["location"] == "/"


def test_after_the_sign_in_one_goes_on_to_where_one_wanted(staff) -> None:
    assert sign_in(staff, "boss", next="/?incident=1").headers["location"] == "/?incident=1"


@pytest.mark.parametrize(
    "address",
    ["//evil.example/", "https://evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)", "report",
     "/sign-out", "/sign-in?next=/", "", "\\\\evil.example", "/\n/evil.example"],
)  # fmt: skip
def test_another_host_is_never_gone_on_to(staff, address: str) -> None:
    assert safe_next(address) == ""
    assert sign_in(staff, "boss", next=address).headers["location"] == "/"


def test_a_wrong_password_is_refused_in_a_sentence_and_keeps_what_was_typed(staff) -> None:
    token = csrf_of(staff.get("/sign-in?lang=en").text)
    answer = staff.post("/sign-in", data={"account": "boss", "password": "wrong", "csrf": token, "next": "/x"})
    assert answer.status_code == 401
    assert texts("en")["signin.refused_wrong"] in answer.text
    assert 'value="boss"' in answer.text
    assert 'value="/x"' in answer.text
    assert "wrong" not in re.findall(r'value="([^"]*)"', answer.text)


@pytest.mark.parametrize("token", ["", "made-up"])
def test_a_sign_in_form_of_another_site_is_refused(staff, token: str) -> None:
    staff.get("/sign-in")
    answer = staff.post("/sign-in", data={"account": "boss", "password": PASSWORD, "csrf": token})
    assert answer.status_code == 403
    assert "gridgov_session" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("kind", ["provider", "subject"])
def test_what_an_identity_provider_refused_is_said_on_the_page(staff, kind: str) -> None:
    assert texts("en")[f"signin.refused_{kind}"] in staff.get(f"/sign-in?refused={kind}&lang=en").text
    assert staff.get("/sign-in?refused=nonsense&lang=en").text.count("signin.") == 0


def test_script_in_what_was_typed_is_shown_as_text(staff) -> None:
    token = csrf_of(staff.get("/sign-in").text)
    data = {"account": '"><script>x', "password": "wrong", "csrf": token, "next": '/"><script>x'}
    page = staff.post("/sign-in", data=data).text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_signing_out_ends_the_session_and_needs_the_token_of_the_form(staff) -> None:
    sign_in(staff, "w1")
    session = staff.cookies["gridgov_session"]
    assert staff.post("/sign-out", data={"csrf_token": "made-up"}).status_code in {303, 403}
    page = staff.get("/work")
    assert page.status_code == 200
    answer = staff.post("/sign-out", data={"csrf_token": csrf_of(page.text)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    staff.cookies.set("gridgov_session", session)
    assert staff.get("/work").status_code == 303


# -- the public --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_the_report_page_offers_every_class_and_says_who_sees_the_contact(client, workspace, lang) -> None:
    page = client.get(f"/report?lang={lang}").text
    for known in workspace.incident_profile.classes.values():
        assert f'value="{known.code}"' in page
    assert texts(lang)["report_page.contact_note"] in page
    assert "<noscript>" in page
    assert not re.search(r"\son\w+=", page), "an inline event handler"


def test_the_outline_holds_the_divisions_and_nothing_else(client, workspace) -> None:
    outline = client.get("/report/outline.json").json()
    levels = [feature["properties"]["level"] for feature in outline["features"]]
    assert {"district", "street", "community"} == set(levels)
    assert all(set(feature["properties"]) == {"level", "names", "label_at"} for feature in outline["features"])
    assert len(client.get("/report/outline.json").content) < 60_000


def test_the_language_is_remembered(client) -> None:
    client.get("/report?lang=en")
    assert texts("en")["report_page.heading"] in client.get("/report").text


@pytest.mark.parametrize("lang", LANGS)
def test_progress_is_shown_by_the_number_and_holds_nothing_personal(client, workspace, lang) -> None:
    number = dispatched(workspace, description=SCRIPT, reporter_name="张三丰", reporter_phone="13800001234")
    page = client.get(f"/report/{number.lower()}?lang={lang}").text
    assert number in page
    assert page.count('class="done"') == 2
    assert 'class="now" aria-current="step"' in page
    assert texts(lang)["report_page.step_dispatched"] in page
    for personal in ("张三丰", "13800001234", SCRIPT, "W00001"):
        assert personal not in page


def test_a_report_that_was_not_taken_up_says_so(client, workspace) -> None:
    lon, lat = place(workspace)
    record = report_incident(workspace, PUBLIC, ReportForm(class_code="0101", lon=lon, lat=lat))
    move_incident(workspace, BOSS, record.id, Action.REJECT, MoveArguments(reason="none of ours"))
    page = client.get(f"/report/{record.id}?lang=en").text
    assert texts("en")["report_page.state_rejected"] in page
    assert 'class="steps"' not in page
    assert "none of ours" not in page


def test_a_merged_report_leads_to_the_other_one(client, workspace) -> None:
    lon, lat = place(workspace)
    one, other = (report_incident(workspace, PUBLIC, ReportForm(class_code="0101", lon=lon, lat=lat)) for _ in range(2))
    move_incident(workspace, BOSS, other.id, Action.MERGE, MoveArguments(into=one.id))
    assert f'href="/report/{one.id}"' in client.get(f"/report/{other.id}").text


def test_an_unknown_number_is_said_to_be_unknown_and_shown_as_text(client) -> None:
    answer = client.get("/report/%3Cb%3Ex?lang=en")
    assert answer.status_code == 404
    assert "<b>x" not in answer.text.casefold()
    assert "&lt;b&gt;x" in answer.text.casefold()


def test_the_form_for_a_number_leads_to_its_page_on_this_host(client) -> None:
    assert client.get("/report/find?ticket= 260630-ab2c-3def ").headers["location"] == "/report/260630-AB2C-3DEF"
    assert client.get("/report/find?ticket=//evil.example").headers["location"] == "/report/%2F%2FEVIL.EXAMPLE"
    assert client.get("/report/find").headers["location"] == "/report"


def test_scripts_and_styles_are_served_and_templates_are_not(client) -> None:
    page = client.get("/report").text
    for address in re.findall(r'(?:src|href)="(/phone/[^"]+)"', page):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    for name in ("report.html", "..%2Fmain.py", "nothing.js", "../main.py"):
        assert client.get(f"/phone/{name}").status_code in {401, 404, 303}


# -- the worker's page -------------------------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(staff) -> None:
    answer = staff.get("/work")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/work")


def test_who_is_no_worker_is_sent_to_the_console_with_a_sentence(staff) -> None:
    sign_in(staff, "boss")
    answer = staff.get("/work?lang=en")
    assert answer.status_code == 403
    assert texts("en")["phone.not_worker_heading"] in answer.text


def test_the_tasks_come_in_words_with_lamp_deadline_and_moves(staff, with_accounts) -> None:
    number = dispatched(with_accounts, description=SCRIPT)
    sign_in(staff, "w1")
    answer = staff.get("/my/tasks?lang=en").json()
    task = next(task for task in answer["tasks"] if task["id"] == number)
    assert (task["id"], task["class_name"], task["lamp"], task["runs"]) == (number, "Exposed garbage", "green", True)
    assert {"accept", "note", "request_extension"} <= set(task["actions"])
    assert answer["status"] == "free"
    story = staff.get(f"/my/tasks/{number}?lang=en").json()["timeline"]
    assert story[0]["text"] == "Reported"
    assert len(story) == 3


def test_another_worker_sees_no_task_and_gets_no_way_to_it(staff, with_accounts) -> None:
    number = dispatched(with_accounts)
    sign_in(staff, "w2")
    assert staff.get("/my/tasks").json()["tasks"] == []
    assert staff.get(f"/my/tasks/{number}/route?lon=119.02&lat=29.6").status_code == 403


@pytest.mark.parametrize("lang", LANGS)
def test_the_way_to_ones_task_runs_along_the_roads(staff, with_accounts, lang) -> None:
    number = dispatched(with_accounts)
    sign_in(staff, "w1")
    lon, lat = with_accounts.layer("grids").geometry.iloc[-1].representative_point().coords[0]
    way = staff.get(f"/my/tasks/{number}/route?lon={lon}&lat={lat}&lang={lang}").json()
    assert way["found"]
    assert way["mode"] == texts(lang)["dispatch.mode.drive"]
    assert way["travel_time_s"] > 0
    assert way["length_m"] > 0
    assert len(way["coordinates"]) > 2
    assert len(way["directions"]) >= 2


@pytest.mark.parametrize("where", ["lon=x&lat=1", "lon=nan&lat=29", "lon=200&lat=29", "lon=0&lat=0", ""])
def test_an_impossible_position_is_refused_with_a_sentence(staff, with_accounts, where: str) -> None:
    number = dispatched(with_accounts)
    sign_in(staff, "w1")
    answer = staff.get(f"/my/tasks/{number}/route?{where}")
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_the_data_of_a_page_cannot_leave_its_script_element(staff, with_accounts) -> None:
    """Whatever the name of an account holds, the JSON in the page ends where it should."""
    draft = AccountDraft(account_id="w3", role=Role.WORKER, worker_id="W00003", name="</script><b>x")
    add_account(with_accounts, AT_THE_SHELL, draft, password=PASSWORD)
    sign_in(staff, "w3")
    page = staff.get("/work").text
    assert "</script><b>" not in page
    assert "&lt;/script&gt;&lt;b&gt;x" in page
