"""The plain pages on a phone: a report arrives once whatever the link does; a task from accepting to finishing."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from conftest import Watch, free_port
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from gridgov.i18n import LANGS, texts

PASSWORD = "a long pass phrase 42"
HERE = {"longitude": 119.018, "latitude": 29.601}
PHONE = {"width": 390, "height": 844}
TICKET = re.compile(r"^\d{6}-[0-9A-Z]{4}-[0-9A-Z]{4}$")


class Server:
    """A served copy of the village, with a supervisor's way into its API."""

    def __init__(self, address: str) -> None:
        self.address = address
        given = self._ask("POST", "/session", {"account": "boss", "password": PASSWORD})
        self._token = given["token"]

    def _ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to the supervisor."""
        return self._ask(method, path, body, self._token)

    def told(self, description: str) -> list[dict[str, Any]]:
        """The incidents with this very description."""
        found = self.ask("GET", "/incidents?state=reported&limit=1000")["items"]
        return [item for item in found if item["description"] == description]

    def give_task(self, description: str) -> str:
        """An incident that is given to the worker; its number."""
        spot = {"lon": HERE["longitude"], "lat": HERE["latitude"]}
        made = self.ask("POST", "/incidents", {"class_code": "0101", "description": description, **spot})
        self.move(made["id"], {"action": "file"})
        self.move(made["id"], {"action": "dispatch", "handler": "W00001"})
        return made["id"]

    def move(self, number: str, body: dict[str, Any]) -> None:
        self.ask("POST", f"/incidents/{number}/moves", body)


@pytest.fixture(scope="session")
def server(
    village: Path, tmp_path_factory: pytest.TempPathFactory, start_server: Callable[[list[str], int], str]
) -> Server:
    """The server as people start it, with a supervisor and a worker."""
    folder = tmp_path_factory.mktemp("phone") / "village"
    copytree(village, folder, ignore=lambda path, names: [name for name in names if name.startswith("store")])
    command = [sys.executable, "-m", "gridgov"]
    for account, *more in (("boss", "--role", "supervisor"), ("w1", "--role", "worker", "--worker", "W00001")):
        subprocess.run(
            [*command, "users", "add", account, *more, "--area", "all", "--password-stdin", "--workspace", str(folder)],
            input=PASSWORD, text=True, check=True, capture_output=True,
        )  # fmt: skip
    port = free_port()
    return Server(start_server([*command, "serve", "--workspace", str(folder), "--port", str(port)], port))


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Watch]:
    """A fresh page at the size of a phone that knows where it is; no request may leave this host."""
    context = chromium.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN", geolocation=HERE, permissions=["geolocation"]
    )
    watcher = Watch(context.new_page())
    yield watcher
    context.close()
    assert watcher.requests, "the test opened no page"
    assert watcher.foreign == []


def fill_report(page: Page, address: str, lang: str, description: str) -> None:
    page.goto(f"{address}/report?lang={lang}")
    page.locator("summary").first.click()
    page.locator(".choice").first.click()
    page.locator("#locate").click()
    page.locator(".pin").wait_for()
    page.fill("#description", description)


def lose_first_answer(page: Page, address: str) -> list[str]:
    """The server takes the first post, but its answer never arrives; returns the keys of all posts."""
    keys: list[str] = []

    def handle(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(address, handle)
    return keys


def sign_in(page: Page, server: Server, lang: str) -> None:
    page.goto(f"{server.address}/work?lang={lang}")
    page.fill("#account", "w1")
    page.fill("#password", PASSWORD)
    page.locator("form.stack button").click()
    page.wait_for_url("**/work*")
    page.locator(".task-link").first.wait_for()


def open_task(page: Page, number: str) -> None:
    page.locator(f'[data-id="{number}"]').click()
    page.locator("#task-map").wait_for()


def picture() -> dict[str, Any]:
    content = io.BytesIO()
    Image.new("RGB", (2400, 1600), "#886644").save(content, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}


def too_wide(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def too_small(page: Page) -> list[str]:
    """Buttons, links and fields of less than 44 px, but links in running text."""
    return page.evaluate(
        """() => [...document.querySelectorAll("button, .button, .top-link, .task-link, summary, .choice, .switch, "
          + ".segments label, select, textarea, input:is([type=search], [type=tel], [type=password], :not([type]))")]
        .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height < 43.5)
        .map((node) => node.outerHTML.slice(0, 80))"""
    )


@pytest.mark.parametrize("lang", LANGS)
def test_a_report_whose_first_answer_is_lost_makes_one_incident(phone, server: Server, lang: str) -> None:
    page, description = phone.page, f"lost answer <b>{lang}</b>"
    keys = lose_first_answer(page, "**/api/v1/reports")
    fill_report(page, server.address, lang, description)
    page.set_input_files("#photo", picture())
    page.locator("#preview img").wait_for()
    page.locator("#submit").click()
    expect(page.locator("#ticket")).to_have_text(TICKET, timeout=20_000)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    made = server.told(description)
    assert [item["id"] for item in made] == [page.locator("#ticket").inner_text()]
    assert len(made[0]["photos"]) == 1
    page.locator("#follow").click()
    expect(page.locator(".steps .now b")).to_have_text(texts(lang)["report_page.step_reported"])
    assert not too_wide(page)


def test_a_reload_while_the_answer_is_missing_sends_the_same_report(phone, server: Server) -> None:
    page = phone.page
    keys = lose_first_answer(page, "**/api/v1/reports")
    fill_report(page, server.address, "en", "reloaded")
    page.locator("#submit").click()
    page.locator("#waiting:not([hidden])").wait_for()
    page.reload()
    expect(page.locator("#ticket")).to_have_text(TICKET, timeout=20_000)
    assert len(set(keys)) == 1
    assert len(server.told("reloaded")) == 1


def test_a_report_without_class_or_place_says_what_is_missing_and_sends_nothing(phone, server: Server) -> None:
    page = phone.page
    page.goto(f"{server.address}/report?lang=en")
    page.locator("#submit").click()
    expect(page.locator("#fault-class")).to_be_visible()
    expect(page.locator("#fault-place")).to_be_visible()
    assert not [url for url in phone.requests if "/api/" in url]
    page.fill("#search", "manhole")
    expect(page.locator(".choice:visible")).to_have_count(1)
    page.locator(".choice:visible").click()
    expect(page.locator("#chosen-name")).to_have_text("Sewer manhole cover")
    page.locator("#map").click(position={"x": 150, "y": 170})
    expect(page.locator("#place")).to_contain_text("Place chosen")
    assert phone.errors == []


@pytest.mark.parametrize("lang", LANGS)
def test_a_worker_accepts_arrives_takes_a_photo_and_finishes(phone, server: Server, lang: str) -> None:
    number = server.give_task(f"<i>on the phone</i> {lang}")
    page = phone.page
    sign_in(page, server, lang)
    assert not too_wide(page)
    assert too_small(page) == []
    open_task(page, number)
    expect(page.locator(".task-card .text")).to_have_text(f"<i>on the phone</i> {lang}")
    page.locator("#show-way").click()
    expect(page.locator("#way-text b")).to_contain_text(texts(lang)["dispatch.mode.drive"])
    assert too_small(page) == []
    page.locator("#do-accept").click()
    page.locator("#do-arrive").click()
    page.set_input_files("#take-photo", picture())
    page.locator("#sheet img").wait_for()
    page.fill("#words", "cleaned")
    assert too_small(page) == []
    assert not too_wide(page)
    page.locator("#send-sheet").click()
    expect(page.locator(".task-card .task-sub").first).to_contain_text(texts(lang)["phone.state_resolved"])
    page.locator("#bar").wait_for(state="hidden")
    incident = server.ask("GET", f"/incidents/{number}")
    assert (incident["state"], incident["resolution"], incident["resolved_by"]) == ("resolved", "cleaned", "W00001")
    assert incident["arrived_at"]
    assert len(server.ask("GET", f"/incidents/{number}/timeline")[-1]["photos"]) == 1
    assert phone.errors == []


def test_what_is_done_without_a_link_is_sent_once_when_it_is_back(phone, server: Server) -> None:
    number = server.give_task("offline")
    page = phone.page
    sign_in(page, server, "en")
    open_task(page, number)
    page.context.set_offline(True)
    page.locator("#do-accept").click()
    page.locator("#do-arrive").click()
    page.locator("#do-note").click()
    page.fill("#words", "nobody at home")
    page.locator("#send-sheet").click()
    expect(page.locator("#bar")).to_contain_text("Offline, 3 waiting")
    page.context.set_offline(False)
    page.locator("#bar").wait_for(state="hidden", timeout=20_000)
    story = server.ask("GET", f"/incidents/{number}/timeline?lang=en")
    assert [line["text"] for line in story[3:]] == ["Accepted", "Arrived", "Note"]
    assert story[-1]["detail"] == "nobody at home"


def test_an_incident_that_somebody_else_changed_is_not_overwritten_and_no_word_is_lost(phone, server: Server) -> None:
    number = server.give_task("changed meanwhile")
    page = phone.page
    sign_in(page, server, "en")
    open_task(page, number)
    page.locator("#do-note").click()
    page.fill("#words", "a long story")
    server.move(number, {"action": "suspend", "reason": "waiting for a part"})
    page.locator("#send-sheet").click()
    fault = page.locator(".task-card .bad")
    expect(fault).to_contain_text(texts("en")["phone.queue.error_409"])
    expect(fault).to_contain_text("a long story")
    assert len(server.ask("GET", f"/incidents/{number}/timeline")) == 4
    expect(page.locator(".task-card .task-sub").first).to_contain_text("suspended")
    fault.get_by_role("button", name="Send again").click()
    fault.wait_for(state="detached")
    page.locator("#bar").wait_for(state="hidden")
    assert server.ask("GET", f"/incidents/{number}/timeline")[-1]["detail"] == "a long story"


def test_after_the_session_has_ended_what_waits_is_sent_when_one_has_signed_in_again(phone, server: Server) -> None:
    number = server.give_task("session ended")
    page = phone.page
    sign_in(page, server, "en")
    open_task(page, number)
    page.context.clear_cookies(name="gridgov_session")
    page.locator("#do-accept").click()
    expect(page.locator("#bar")).to_contain_text("Your session has ended, 1 waiting")
    page.locator("#bar").get_by_role("link").click()
    page.fill("#account", "w1")
    page.fill("#password", PASSWORD)
    page.locator("form.stack button").click()
    page.locator(f'[data-id="{number}"]').wait_for()
    expect(page.locator(f'[data-id="{number}"]')).to_contain_text("in progress", ignore_case=True)
    assert server.ask("GET", f"/incidents/{number}")["state"] == "in_progress"


def test_the_position_is_sent_only_when_the_worker_shares_it(phone, server: Server) -> None:
    server.give_task("position")
    page = phone.page
    sign_in(page, server, "en")
    page.wait_for_timeout(500)
    assert not [url for url in phone.requests if url.endswith("/positions")]
    page.locator("#share").check(force=True)
    expect(page.locator("#share-note")).to_contain_text("Position sent")
    known = {one["worker_id"]: one for one in server.ask("GET", "/positions")}
    assert known["W00001"]["lon"] == pytest.approx(HERE["longitude"])
    page.locator('input[name=status][value="busy"]').check(force=True)
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.locator('input[name=status][value="busy"]')).to_be_checked()
    assert phone.errors == []


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("path", ["/sign-in", "/report", "/report/260630-AAAA-AAAA"])
def test_every_public_page_fits_a_phone_and_a_finger(phone, server: Server, lang: str, path: str) -> None:
    phone.page.goto(f"{server.address}{path}?lang={lang}")
    phone.page.wait_for_load_state("networkidle")
    assert not too_wide(phone.page)
    assert too_small(phone.page) == []
    assert phone.page.evaluate("document.documentElement.lang") == {"zh": "zh-CN", "en": "en"}[lang]
