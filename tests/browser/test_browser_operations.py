"""The supervisor's day in a real browser: file and dispatch in three clicks, undo, an incident's page, accounts."""

from __future__ import annotations

import re
import urllib.error

import pytest
from playwright.sync_api import expect

SCRIPT = "<img src=x onerror=\"document.title='hit'\"> <b>bold</b> **stars** ![p](/x.png)"


def row(watch, number: str):
    """The row of an incident, found by its number."""
    box = watch.page.locator("[class*=st-key-filter-text] input")
    box.fill(number)
    box.press("Enter")
    rows = watch.page.locator(".st-key-worklist [role=radiogroup] label")
    expect(rows).to_have_count(1)
    return rows.first


def faults(watch) -> list[str]:
    """What went wrong but for Streamlit looking for its own root when a page is opened by its address."""
    return [error for error in watch.errors if "_stcore" not in error and "status of 404" not in error]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_three_clicks_file_and_dispatch_and_one_more_takes_it_back(watch, console, console_server, lang: str) -> None:
    """Row, file, dispatch: the nearest worker has the task, and until somebody acts on it, it can be taken back."""
    number = console_server.report(f"三次点击 {lang}")
    watch.page.goto(f"{console}/?lang={lang}")
    watch.map_frame()
    row(watch, number).click()  # 1
    watch.page.locator(".st-key-do-file button").click()  # 2
    send = watch.page.locator(".st-key-do-dispatch button")
    expect(send).to_contain_text(re.compile(r"\d+:\d\d"))
    name = watch.page.locator(".gg-worker b").first.inner_text()
    assert name in send.inner_text()
    send.click()  # 3
    expect(watch.page.locator(".st-key-undo")).to_contain_text(name)
    assert console_server.ask("GET", f"/incidents/{number}")["state"] == "dispatched"
    watch.page.locator(".st-key-undo button").click()
    expect(send).to_be_visible()
    assert console_server.ask("GET", f"/incidents/{number}")["state"] == "filed"
    assert watch.errors == []


def test_another_of_the_five_may_be_sent_for_a_reason(watch, console, console_server) -> None:
    number = console_server.report("第二名")
    watch.page.goto(f"{console}/?lang=en&incident={number}")
    watch.page.locator(".st-key-do-file button").click()
    expect(watch.page.locator(".st-key-do-dispatch button")).to_be_visible()
    watch.page.locator("[class*=st-key-rank-] button").nth(1).click()
    second = watch.page.locator(".gg-worker b").nth(1).inner_text()
    expect(watch.page.locator(".st-key-do-dispatch button")).to_contain_text(second)
    watch.page.locator(".st-key-do-dispatch button").click()
    expect(watch.page.locator(".gg-said.bad")).to_contain_text("choose a reason")
    watch.page.locator("[class*=override-code] [role=combobox]").click()
    watch.page.get_by_role("option", name="knows the place").click()
    watch.page.locator(".st-key-do-dispatch button").click()
    expect(watch.page.locator(".st-key-undo")).to_contain_text(second)


def test_what_somebody_else_did_meanwhile_is_said_and_what_was_typed_stays(watch, console, console_server) -> None:
    number = console_server.report("同时办理")
    watch.page.goto(f"{console}/?lang=en&incident={number}")
    watch.page.get_by_role("button", name="Reject").click()
    reason = watch.page.get_by_label("Reason")
    reason.fill("not ours")
    console_server.ask("POST", f"/incidents/{number}/moves", {"action": "file"})
    watch.page.locator(".st-key-do-reject button").click()
    expect(watch.page.locator(".gg-said.bad")).to_contain_text("Somebody has just changed this incident")
    assert console_server.ask("GET", f"/incidents/{number}")["state"] == "filed"


def test_a_move_that_needs_a_reason_is_refused_in_the_language_of_the_page(watch, console, console_server) -> None:
    number = console_server.report("需要理由")
    watch.page.goto(f"{console}/?lang=zh&incident={number}")
    watch.page.get_by_role("button", name="不予立案").click()
    watch.page.locator(".st-key-do-reject button").click()
    expect(watch.page.locator(".gg-said.bad")).to_contain_text("需要说明理由")


def test_what_people_write_is_text_everywhere(watch, console, console_server) -> None:
    """HTML, scripts and Markdown of a report are shown as they were typed: list, panel, incident's page."""
    number = console_server.report(SCRIPT)
    watch.page.goto(f"{console}/?lang=en")
    row(watch, number).click()
    expect(watch.page.locator(".gg-text").first).to_have_text(SCRIPT)
    watch.page.get_by_role("link", name="Incident and timeline").click()
    watch.page.locator(".gg-timeline").wait_for()
    expect(watch.page.locator(".gg-text").first).to_have_text(SCRIPT)
    assert watch.page.locator(".gg-text img, .gg-text b, .gg-timeline q *").count() == 0
    assert watch.page.title() != "hit"
    assert watch.errors == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_incidents_page_has_its_history_and_who_looks_at_the_reporters_stands_in_it(
    watch, console, console_server, lang: str
) -> None:
    spot = {"lon": 119.0181, "lat": 29.6011, "class_code": "0101", "description": "看举报人"}
    given = {**spot, "reporter_name": "张小明", "reporter_phone": "13912345678"}
    number = console_server.ask("POST", "/incidents", given)["id"]
    console_server.ask("POST", f"/incidents/{number}/moves", {"action": "file"})
    watch.page.goto(f"{console}/incident?id={number}&lang={lang}")
    expect(watch.page.locator(".gg-timeline li")).to_have_count(2)
    expect(watch.page.locator(".st-key-case")).to_contain_text("张**")
    watch.page.get_by_role("button", name={"zh": "查看举报人", "en": "Show the reporters"}[lang]).click()
    watch.page.locator(".st-key-unmask_reason input").fill("回访")
    watch.page.locator(".st-key-unmask button").click()
    expect(watch.page.locator(".st-key-case")).to_contain_text("13912345678")
    expect(watch.page.locator(".gg-timeline li")).to_have_count(3)
    expect(watch.page.locator(".gg-timeline li").first).to_contain_text("回访")
    assert faults(watch) == []


def test_two_reports_of_the_same_are_suggested_and_merged(watch, console, console_server) -> None:
    first = console_server.report("井盖一", class_code="0201")
    second = console_server.report("井盖二", class_code="0201")
    watch.page.goto(f"{console}/incident?id={second}&lang=en")
    watch.page.locator(f".st-key-do-merge{first} button").click()
    expect(watch.page.locator(".gg-text").last).to_contain_text(first)
    assert console_server.ask("GET", f"/incidents/{first}")["merged_from"] == [second]


def test_a_report_by_staff_at_the_place_that_was_clicked(watch, console, console_server) -> None:
    """The form stands beside the map; the new incident is selected at once."""
    watch.page.goto(f"{console}/?lang=en&at=119.0170,29.6000")
    watch.page.get_by_role("button", name="New incident").click()
    watch.page.locator("[class*=st-key-new-class] input").first.click()
    watch.page.get_by_role("option").first.click()
    watch.page.locator("[class*=st-key-new-description] textarea").fill("by telephone")
    watch.page.get_by_role("button", name="Report", exact=True).click()
    expect(watch.page.locator(".gg-text").first).to_have_text("by telephone")
    number = watch.page.locator(".gg-sub").inner_text().split(" ")[0]
    assert console_server.ask("GET", f"/incidents/{number}")["description"] == "by telephone"
    assert watch.errors == []


def test_the_list_looks_again_by_itself_and_nothing_moves(watch, console, console_server) -> None:
    """After the next look there is a row more; the place in the list and half-typed words stay."""
    for turn in range(14):  # more than the list is high
        console_server.report(f"早先的 {turn}")
    watch.page.goto(f"{console}/?lang=en")
    watch.page.locator(".st-key-worklist [role=radiogroup] label").nth(13).wait_for()
    number = watch.page.locator(".st-key-number-open strong")
    before = int(number.inner_text().replace(",", ""))
    scrolled = "document.querySelector('.st-key-worklist').scrollTop"
    watch.page.evaluate(f"{scrolled} = 50")
    place = watch.page.evaluate(scrolled)
    assert place > 0
    watch.page.locator("[class*=st-key-filter-text] input").type("half")
    console_server.report("新来的")
    expect(number).to_have_text(f"{before + 1:,}", timeout=20_000)
    assert watch.page.evaluate(scrolled) == place
    assert watch.page.locator("[class*=st-key-filter-text] input").input_value() == "half"


def test_an_administrator_makes_an_account_and_finds_it_in_the_log(watch, console_server) -> None:
    console_server.sign_in(watch.page, "keeper")
    watch.page.goto(f"{console_server.address}/?lang=en")
    watch.page.get_by_role("link", name="Admin").click()
    watch.page.get_by_label("Account", exact=True).fill("fresh")
    watch.page.locator("[data-testid=stMultiSelect] input").click()
    watch.page.get_by_role("option", name="whole district").click()
    watch.page.locator(".st-key-account_save button").click()
    password = watch.page.locator(".st-key-made_password_box code").inner_text().strip()
    assert console_server.token("fresh", password)
    watch.page.locator(".st-key-password_noted button").click()
    expect(watch.page.locator(".st-key-made_password_box")).to_have_count(0)
    watch.page.get_by_role("tab", name="Audit trail").click()
    expect(watch.page.locator("[data-testid=stCode]").last).to_contain_text('"hash"')
    watch.page.get_by_label("What it happened to").fill("account:fresh")
    watch.page.keyboard.press("Enter")
    watch.page.get_by_text("account.added").first.wait_for(state="attached")
    assert watch.errors == []


def test_signing_out_leads_to_the_door(watch, console_server) -> None:
    """A supervisor has no admin page; after "sign out" the session is dead."""
    console_server.sign_in(watch.page, "checker")
    watch.page.goto(f"{console_server.address}/?lang=en")
    watch.page.locator(".st-key-worklist").wait_for()
    assert watch.page.get_by_role("link", name="Admin").count() == 0
    watch.page.locator(".st-key-sign_out button").click()
    watch.page.wait_for_url("**/sign-in**")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        console_server.ask("GET", "/session", account="checker")


def test_a_planner_looks_and_an_administrator_sees_no_incident(watch, console_server) -> None:
    number = console_server.report("只看")
    console_server.sign_in(watch.page, "plan")
    watch.page.goto(f"{console_server.address}/?lang=en&incident={number}")
    watch.page.locator(".gg-sub").wait_for()
    assert watch.page.locator("[class*=st-key-do-]").count() == 0
    assert watch.page.locator(".gg-worker").count() == 0
    console_server.sign_in(watch.page, "keeper")
    watch.page.goto(f"{console_server.address}/?lang=en&incident={number}")
    expect(watch.page.get_by_text("Your role does not see incidents")).to_be_visible()


def test_when_the_session_is_gone_the_page_says_so_and_leads_to_the_door(watch, console_server) -> None:
    console_server.sign_in(watch.page, "plan")
    watch.page.goto(f"{console_server.address}/?lang=en")
    watch.page.locator(".st-key-numbers").wait_for()
    watch.page.context.clear_cookies()
    link = watch.page.locator("#gg-watch a")
    expect(link).to_have_text("Sign in", timeout=30_000)
    expect(link).to_have_attribute("href", "/sign-in?next=%2F%3Flang%3Den")
