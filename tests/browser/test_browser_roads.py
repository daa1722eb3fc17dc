"""Closures and coverage in a real browser: draw, see what changes at once, close, open again; areas around a place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

WORDS = {"zh": "从一点出发", "en": "From a place"}
COLOURED = """() => {
  const values = gridgov.current.overlays._values;
  return values && values.shown ? values.shown.codes.filter((code) => code !== 255).length : 0;
}"""


def at(watch, frame, x: float, y: float) -> tuple[float, float]:
    """The place of the window at a share of the map's width and height."""
    box = watch.page.locator("iframe").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def draw(watch, frame, kind: str, *corners: tuple[float, float]) -> None:
    """Draw with the mouse; the last corner is a double click."""
    frame.locator(f".gg-draw a[data-kind={kind}]").click()
    for corner in corners[:-1]:
        watch.page.mouse.click(*at(watch, frame, *corner))
        watch.page.wait_for_timeout(350)
    watch.page.mouse.dblclick(*at(watch, frame, *corners[-1]))


def times(watch) -> list[str]:
    """Names and times of the workers that the panel offers."""
    watch.page.locator(".gg-worker").first.wait_for(timeout=20_000)
    return [line.replace("\n", " ") for line in watch.page.locator(".gg-worker").all_inner_texts()]


@pytest.fixture(autouse=True)
def _open_roads(console_server) -> Iterator[None]:
    """Nothing stays closed for the other tests."""
    yield
    for closure in console_server.ask("GET", "/closures")["items"]:
        console_server.ask("DELETE", f"/closures/{closure['closure_id']}?reason=test")


@pytest.mark.parametrize(("lang", "kind"), [("zh", "polygon"), ("en", "line")])
def test_a_drawn_closure_shows_its_effects_at_once_and_opening_it_restores_every_answer(
    watch, console: str, console_server, lang: str, kind: str
) -> None:
    """Draw around (across) an incident's roads: the effects stand there without a click; the workers follow."""
    number = console_server.report(f"封路测试 {lang}")
    watch.page.goto(f"{console}/?lang={lang}&incident={number}")
    frame = watch.map_frame()
    frame.evaluate("window.same = true")
    before = times(watch)
    frame.evaluate("gridgov.current.map.setView([29.601, 119.018], 16, {animate: false})")
    watch.page.locator(".st-key-modes button").nth(1).click()
    frame.locator(".gg-draw a").first.wait_for(timeout=20_000)
    corners = (
        [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]
        if kind == "polygon"
        else [(0.3, 0.35), (0.5, 0.65), (0.7, 0.3)]
    )
    draw(watch, frame, kind, *corners)
    watch.page.locator(".gg-effects").wait_for(timeout=60_000)
    assert watch.page.locator(".gg-cells > div").count() == 4
    watch.page.locator(".st-key-closing-reason input").fill("施工" if lang == "zh" else "works")
    watch.page.keyboard.press("Enter")
    watch.page.locator(".st-key-close_roads button").click()
    watch.page.locator(".gg-said").wait_for(timeout=20_000)
    assert len(console_server.ask("GET", "/closures")["items"]) == 1
    watch.page.locator(".st-key-modes button").nth(0).click()
    watch.page.wait_for_timeout(500)
    assert closed_or_later(watch, before), "nothing has changed for the incident"
    watch.page.locator(".st-key-modes button").nth(1).click()
    watch.page.locator(".st-key-closures [role=radiogroup] label").first.wait_for(timeout=20_000)
    watch.page.locator("[data-test-script-state=notRunning]").wait_for()  # the list is drawn anew after the mode
    watch.page.wait_for_timeout(800)
    watch.page.locator(".st-key-closures [role=radiogroup] label").first.click()
    watch.page.locator("[class*=st-key-reopen-] input").fill("done")
    watch.page.keyboard.press("Enter")
    watch.page.locator(".st-key-reopen_roads button").click()
    watch.page.locator(".gg-said").wait_for(timeout=20_000)
    watch.page.locator(".st-key-modes button").nth(0).click()
    assert times(watch) == before
    assert frame.evaluate("window.same === true"), "the map was loaded anew"
    assert watch.errors == []


def closed_or_later(watch, before: list[str]) -> bool:
    """Whether other workers or times are offered than before, or nobody comes any more."""
    for _ in range(40):
        lines = [line.replace("\n", " ") for line in watch.page.locator(".gg-worker").all_inner_texts()]
        if watch.page.locator(".gg-head").count() and lines != before:
            return True
        watch.page.wait_for_timeout(100)
    return False


def test_escape_gives_up_and_a_click_while_drawing_selects_nothing(watch, console: str) -> None:
    watch.page.goto(f"{console}/?lang=en&mode=roads")
    frame = watch.map_frame()
    frame.locator(".gg-draw a[data-kind=line]").click()
    watch.page.mouse.click(*at(watch, frame, 0.4, 0.4))
    assert "Esc" in frame.locator(".gg-draw-hint").inner_text()
    watch.page.keyboard.press("Enter")
    assert "two points" in frame.locator(".gg-draw-hint").inner_text()
    watch.page.keyboard.press("Escape")
    assert not frame.locator(".gg-draw-hint").is_visible()
    watch.page.wait_for_timeout(600)
    assert watch.page.locator(".gg-effects").count() == 0
    assert "at=" not in watch.page.url
    assert watch.errors == []


def test_who_only_looks_has_no_button_that_closes_a_road(watch, console_server) -> None:
    """A planner sees what a closure would do and may keep it as a scenario, but closes nothing."""
    console_server.sign_in(watch.page, "plan")
    watch.page.goto(f"{console_server.address}/?lang=en&mode=roads")
    frame = watch.map_frame()
    frame.evaluate("gridgov.current.map.setView([29.601, 119.018], 16, {animate: false})")
    draw(watch, frame, "line", (0.3, 0.4), (0.6, 0.6))
    watch.page.locator(".gg-effects").wait_for(timeout=60_000)
    assert watch.page.locator(".st-key-close_roads").count() == 0
    watch.page.get_by_role("button", name="As scenario").click()
    watch.page.locator(".st-key-closing-scenario input").fill("Bridge")
    watch.page.keyboard.press("Enter")
    watch.page.locator(".st-key-keep_scenario button").click()
    watch.page.get_by_text("Kept as scenario").wait_for(timeout=20_000)
    assert console_server.ask("GET", "/closures")["items"] == []
    assert watch.errors == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_coverage_colours_the_grids_and_an_area_grows_around_a_click(watch, console: str, lang: str) -> None:
    """Every grid has its minutes; a click in the other view draws three areas, and the view of the map stays."""
    watch.page.goto(f"{console}/?lang={lang}&mode=coverage")
    frame = watch.map_frame()
    watch.page.locator(".gg-cells > div").first.wait_for(timeout=60_000)
    frame.wait_for_function(f"({COLOURED})() > 0", timeout=20_000)
    assert frame.locator(".gg-legend-extra .gg-entry").count() >= 5
    view = frame.evaluate("JSON.stringify([gridgov.current.map.getZoom(), gridgov.current.map.getCenter()])")
    watch.page.get_by_role("radio", name=WORDS[lang]).click()
    frame.wait_for_function(f"({COLOURED})() === 0", timeout=20_000)
    watch.page.mouse.click(*at(watch, frame, 0.55, 0.5))
    watch.page.locator(".gg-table").wait_for(timeout=60_000)
    assert re.findall(r"^\d+", watch.page.locator(".gg-table").inner_text(), re.MULTILINE) == ["5", "10", "15"]
    frame.wait_for_function("gridgov.current.overlays.shapes.some((each) => each._parts.length >= 1)", timeout=20_000)
    assert frame.evaluate("JSON.stringify([gridgov.current.map.getZoom(), gridgov.current.map.getCenter()])") == view
    assert watch.errors == []
