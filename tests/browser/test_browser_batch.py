"""Assign all in a real browser: the plan, another worker for a reason, all sent, what became of each, undo."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from gridgov.i18n import texts


def option(page, box: str, number: int) -> str:
    """Choose an option of a select box; its words."""
    page.locator(f"[class*={box}] [role=combobox]").click()
    chosen = page.get_by_role("option").nth(number)
    words = chosen.inner_text()
    chosen.click()
    return words


def change_the_first(page, words: dict[str, str]) -> None:
    """Give the first incident to another worker: not without a reason."""
    option(page, "batch_look", 0)
    page.locator("[class*=batch_other] [role=combobox]").wait_for()
    option(page, "batch_other", 0)
    page.locator(".st-key-batch_change_do button").click()
    expect(page.locator(".gg-said.bad")).to_have_text(words["batch.reason_first"])
    page.locator("[class*=override-code] [role=combobox]").click()
    page.get_by_role("option", name=words["override.reason.workload"]).click()
    page.locator(".st-key-batch_change_do button").click()
    page.locator(".st-key-batch_change_back button").wait_for()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_all_filed_incidents_get_a_worker_in_one_go(watch, console, console_server, lang: str) -> None:
    words = texts(lang)
    north = 29.603 if lang == "zh" else 29.605  # no two at one spot, so that a click on the map means one of them
    numbers = [console_server.report(f"批量 {lang} {n}", place=(119.016 + 0.001 * n, north)) for n in range(3)]
    for number in numbers:
        console_server.ask("POST", f"/incidents/{number}/moves", {"action": "file"})
    page = watch.page
    page.goto(f"{console}/?lang={lang}")
    page.get_by_role("link", name=words["batch.open"], exact=True).click()
    page.locator("[data-testid=stDataFrame]").first.wait_for()
    expect(page.locator(".gg-steps").first).not_to_be_empty()

    if lang == "zh":
        change_the_first(page, words)
    if folder := os.environ.get("GRIDGOV_PICTURES"):
        page.screenshot(path=f"{folder}/batch-{lang}.png")

    # another dispatcher takes one of them meanwhile
    taken = numbers[2]
    console_server.ask(
        "POST", f"/incidents/{taken}/moves", {"action": "dispatch", "handler": "W00001"}, account="checker"
    )
    page.locator(".st-key-batch_send button").click()
    rows = page.locator(".st-key-batch_results_rows")
    expect(rows).to_contain_text(taken, timeout=20_000)
    expect(rows).to_contain_text("W00001")
    for number in numbers[:2]:
        assert console_server.ask("GET", f"/incidents/{number}")["state"] == "dispatched"
    if folder:
        page.screenshot(path=f"{folder}/batch-sent-{lang}.png")
    page.locator(f"[class*=batch_undo-{numbers[0]}] button").click()
    expect(page.locator(f"[class*=batch_undo-{numbers[0]}]")).to_have_count(0)
    assert console_server.ask("GET", f"/incidents/{numbers[0]}")["state"] == "filed"
    assert [error for error in watch.errors if "_stcore" not in error and "404" not in error] == []
