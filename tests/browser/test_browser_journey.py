"""The whole way in real browsers: citizen → supervisor → worker → another person → closed, on the page of each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import PASSWORD, Console, Watch
from playwright.sync_api import Browser, Page, expect
from test_browser_operations import row
from test_browser_phone import HERE, PHONE, fill_report, picture

from gridgov.i18n import LANGS, texts

DESK = {"width": 1366, "height": 768}
NewPage = Callable[..., Page]


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Pages in browsers of their own; afterwards none may have asked another host for anything."""
    watchers: list[Watch] = []

    def make(size: dict[str, int], **options: Any) -> Page:
        watchers.append(Watch(chromium.new_context(viewport=size, locale="zh-CN", **options).new_page()))
        return watchers[-1].page

    yield make
    for watcher in watchers:
        watcher.page.context.close()
    assert [watcher.foreign for watcher in watchers] == [[] for _ in watchers]


def add_account(server: Console, *given: str) -> None:
    command = [sys.executable, "-m", "gridgov", "users", "add", *given, "--password-stdin"]
    subprocess.run(
        [*command, "--workspace", str(server.folder)], input=PASSWORD, text=True, check=True, capture_output=True
    )


def account_of(server: Console, worker_id: str) -> str:
    """The account of a grid worker, made if there is none."""
    known = {item["worker_id"]: item["account_id"] for item in server.ask("GET", "/accounts", account="keeper")}
    if worker_id not in known:
        add_account(server, f"phone-{worker_id.lower()}", "--role", "worker", "--worker", worker_id)
    return str(known.get(worker_id, f"phone-{worker_id.lower()}"))


def sign_in_by_form(page: Page, address: str, account: str) -> None:
    """Go to a page that needs a session, and through the door that stands before it."""
    page.goto(address)
    page.fill("#account", account)
    page.fill("#password", PASSWORD)
    page.locator("form.stack button").click()


@pytest.mark.parametrize("lang", LANGS)
def test_from_a_citizens_report_to_its_closing(new_page: NewPage, console_server: Console, lang: str) -> None:
    address, words = console_server.address, texts(lang)

    # a citizen reports, without an account, and gets a ticket
    citizen = new_page(PHONE, geolocation=HERE, permissions=["geolocation"], is_mobile=True, has_touch=True)
    fill_report(citizen, address, lang, f"路口有垃圾 {lang}")
    citizen.set_input_files("#photo", picture())
    citizen.locator("#preview img").wait_for()
    citizen.locator("#submit").click()
    expect(citizen.locator("#ticket")).not_to_be_empty(timeout=20_000)
    ticket = citizen.locator("#ticket").inner_text()

    # a supervisor finds it in the worklist, files it and sends the nearest worker
    boss = new_page(DESK)
    sign_in_by_form(boss, f"{address}/?lang={lang}", "boss")
    boss.locator(".st-key-worklist").wait_for(timeout=60_000)
    row(_Of(boss), ticket).click()
    boss.locator(".st-key-do-file button").click()
    boss.locator(".st-key-do-dispatch button").click()
    boss.locator(".st-key-undo").wait_for()
    worker_id = console_server.ask("GET", f"/incidents/{ticket}")["handler"]

    # that very worker accepts, arrives, takes a photo and finishes, on the phone
    account = account_of(console_server, worker_id)
    phone = new_page(PHONE, is_mobile=True, has_touch=True)
    sign_in_by_form(phone, f"{address}/work?lang={lang}", account)
    phone.locator(f'[data-id="{ticket}"]').click()
    phone.locator("#do-accept").click()
    phone.locator("#do-arrive").click()
    phone.set_input_files("#take-photo", picture())
    phone.locator("#sheet img").wait_for()
    phone.fill("#words", "已清理")
    phone.locator("#send-sheet").click()
    expect(phone.locator(".task-card .task-sub").first).to_contain_text(words["phone.state_resolved"])
    phone.locator("#bar").wait_for(state="hidden")

    # somebody else than the handler looks at it and closes it
    checker = new_page(DESK)
    sign_in_by_form(checker, f"{address}/?lang={lang}&incident={ticket}", "checker")
    checker.locator(".st-key-do-verify button").click(timeout=60_000)
    checker.locator(".st-key-do-close button").click()
    expect(checker.locator(".st-key-do-close")).to_have_count(0)

    # the citizen sees the end, and the log knows who did what
    citizen.goto(f"{address}/report/{ticket}?lang={lang}")
    expect(citizen.locator(".steps li.done")).to_have_count(7)
    expect(citizen.locator(".steps li").last).to_contain_text(words["report_page.step_closed"])
    incident = console_server.ask("GET", f"/incidents/{ticket}")
    assert (incident["state"], incident["handler"], incident["checker"]) == ("closed", worker_id, "checker")
    done = [entry["actor"] for entry in console_server.ask("GET", f"/incidents/{ticket}/timeline")]
    assert done == ["public", "boss", "boss", worker_id, worker_id, worker_id, "checker", "checker"]


class _Of:
    """What `row` needs: something that has a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
