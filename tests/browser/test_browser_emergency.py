"""The commander's page in a real browser: draw, numbers at once, compute, play, close a road, plan again, order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

WORDS = {
    "zh": {"page": "应急指挥", "replan": "情况有变", "parameters": "参数", "promise": "任何方案都不可能快于"},
    "en": {"page": "Emergency", "replan": "Something has changed", "parameters": "Parameters", "promise": "No plan"},
}
RISK = "() => Number((gridgov.current.emergency._numbers?.cells[0].value || '').replace(/,/g, '')) || 0"
SAFE = "() => Number(document.querySelector('.gg-hud-cell.safe b').textContent.replace(/,/g, ''))"


@pytest.fixture(autouse=True)
def _no_hazard_stays(console_server) -> Iterator[None]:
    yield
    for hazard in console_server.ask("GET", "/hazards", account="chief")["items"]:
        console_server.ask("DELETE", f"/hazards/{hazard['hazard_id']}?reason=test", account="chief")


def opened(watch, console_server, lang: str, account: str = "chief"):
    """The page, reached by its link; its map at a place of the village."""
    console_server.sign_in(watch.page, account)
    watch.page.goto(f"{console_server.address}/?lang={lang}")
    watch.map_frame()
    watch.page.get_by_role("link", name=WORDS[lang]["page"], exact=True).click()
    watch.page.locator(".st-key-steps").wait_for(timeout=60_000)
    frame = with_numbers(watch)
    frame.evaluate("window.same = true")
    frame.evaluate("gridgov.current.map.setView([29.601, 119.018], 15, {animate: false})")
    return frame


def with_numbers(watch, *, seconds: float = 60.0):
    """The frame of the page's map once the numbers stand on it."""
    for _ in range(int(seconds / 0.2)):
        for frame in watch.page.frames:
            if "streamlit_folium" in frame.url and not frame.is_detached() and frame.locator(".gg-hud-cell").count():
                return frame
        watch.page.wait_for_timeout(200)
    raise AssertionError(f"no numbers came up; errors: {watch.errors}")


def step(watch, number: int) -> None:
    watch.page.locator(".st-key-steps button").nth(number).click()


def compute(watch, lang: str) -> None:
    """Compute a plan within a few seconds and wait for it."""
    button, limit = (watch.page.locator(f".st-key-{key}") for key in ("compute_plan button", "plan-limit input"))
    expect(button).to_have_count(1)  # while the page works, its last drawing stands beside the new one
    if not limit.is_visible():
        watch.page.get_by_text(WORDS[lang]["parameters"], exact=True).click()
    limit.fill("6")
    watch.page.keyboard.press("Enter")
    watch.page.wait_for_timeout(600)
    expect(button).to_have_count(1)
    button.click()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_from_a_drawing_to_orders(watch, console_server, lang: str) -> None:
    """The numbers stand there without a click; the plan plays in the map; a closed road gives another plan; orders."""
    frame = opened(watch, console_server, lang)
    watch.page.locator(".st-key-draw_hazard button").click()
    frame.wait_for_selector(".gg-draw a[data-kind=polygon][aria-pressed=true]")
    draw_on(watch, (0.35, 0.35), (0.62, 0.35), (0.62, 0.62), (0.35, 0.62))
    frame.wait_for_function(f"({RISK})() > 0", timeout=15_000)
    watch.page.locator(".gg-impact").wait_for(timeout=10_000)
    assert re.search(r"\d", frame.locator(".gg-hud-cell.risk small").inner_text()), "the range is missing"
    assert frame.locator(".gg-hud-cell").count() == 4
    box = watch.page.locator("iframe").bounding_box()
    assert box["width"] * box["height"] >= 0.65 * 1366 * 768
    step(watch, 2)
    watch.page.locator(".gg-cells").wait_for(timeout=10_000)
    step(watch, 3)
    compute(watch, lang)
    first = watch.page.locator(".gg-answer[data-plan]")
    first.wait_for(timeout=60_000)
    assert WORDS[lang]["promise"] in first.inner_text()
    plan = first.get_attribute("data-plan")
    frame.wait_for_selector(".gg-timeline", timeout=20_000)
    assert frame.evaluate(SAFE) == 0
    frame.locator(".gg-play").click()
    frame.wait_for_function(f"({SAFE})() > 0", timeout=15_000)
    frame.locator(".gg-play").click()
    frame.locator(".gg-curve input").focus()
    frame.locator(".gg-curve input").press("End")
    frame.wait_for_function(f"({SAFE})() >= 0.9 * ({RISK})()", timeout=5_000)
    watch.page.get_by_text(WORDS[lang]["replan"]).click()
    watch.page.locator(".st-key-close_on_map button").click()
    frame.wait_for_selector(".gg-draw a[data-kind=line][aria-pressed=true]")
    draw_on(watch, (0.45, 0.36), (0.52, 0.45))
    watch.page.locator(".st-key-forget_changes").wait_for(timeout=15_000)
    compute(watch, lang)
    watch.page.locator("[data-difference]").wait_for(timeout=60_000)
    second = watch.page.locator(".gg-answer[data-plan]").get_attribute("data-plan")
    assert second != plan
    step(watch, 4)
    watch.page.locator("[class*=st-key-sure-] label").click()
    watch.page.locator(".st-key-give_orders button:enabled").click(timeout=10_000)
    watch.page.locator(".gg-order.ordered").wait_for(timeout=15_000)
    with watch.page.expect_download(timeout=30_000) as sheet:
        watch.page.locator(".st-key-order-html button").click()
    assert sheet.value.suggested_filename == f"orders-{second}.html"
    assert frame.evaluate("window.same === true"), "the map was loaded anew"
    assert frame.evaluate("gridgov.current.map.getZoom()") == 15, "the view moved by itself"
    assert watch.errors == []


def test_who_only_looks_sees_the_plan_and_can_change_nothing(watch, console_server) -> None:
    ring = [[119.014, 29.598], [119.022, 29.598], [119.022, 29.604], [119.014, 29.604], [119.014, 29.598]]
    given = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "name": "演练"}
    console_server.ask("POST", "/hazards", given, account="chief")
    frame = opened(watch, console_server, "en", account="plan")
    frame.wait_for_function(f"({RISK})() > 0", timeout=15_000)
    assert watch.page.locator(".st-key-new_hazard, .st-key-withdraw_hazard").count() == 0
    step(watch, 3)
    watch.page.wait_for_timeout(800)
    assert watch.page.locator(".st-key-compute_plan").count() == 0
    assert watch.errors == []


def draw_on(watch, *corners: tuple[float, float]) -> None:
    """Click the corners on the map; the last one twice."""
    box = watch.page.locator("iframe").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    for place in places[:-1]:
        watch.page.mouse.click(*place)
        watch.page.wait_for_timeout(350)
    watch.page.mouse.dblclick(*places[-1])
