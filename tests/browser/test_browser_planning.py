"""The planner's scenarios in a real browser: put together on the map, compare, linked maps, take away, keep, open."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

PAGE = {"zh": "规划", "en": "Planning"}
COLOURED = """() => Boolean(window.gridgov && gridgov.current && gridgov.current.overlays._values
    && gridgov.current.overlays._values.shown)"""


def opened(watch, console_server, lang: str):
    """The page, reached by its link, and the frame of its map."""
    console_server.sign_in(watch.page, "plan")
    watch.page.goto(f"{console_server.address}/?lang={lang}")
    watch.map_frame()
    watch.page.get_by_role("link", name=PAGE[lang], exact=True).click()
    watch.page.locator(".st-key-planning_kinds").wait_for(timeout=60_000)
    return watch.map_frame()


def press(watch, key: str) -> None:
    """Press a button once it stands alone and may be pressed."""
    button = watch.page.locator(f".st-key-{key} button:enabled")
    watch.page.locator("[data-test-script-state=notRunning]").wait_for()
    expect(button).to_have_count(1)
    button.first.click()


def step(watch, number: int) -> None:
    watch.page.locator(".st-key-steps button").nth(number).click()


def spot(watch, x: float, y: float) -> tuple[float, float]:
    box = watch.page.locator("iframe").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def small_maps(watch, *, seconds: float = 60.0) -> list:
    """The frames of the three maps, once each shows its colours."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frames = [f for f in watch.page.frames if "streamlit_folium" in f.url and not f.is_detached()]
        shown = [frame for frame in frames if frame.evaluate(COLOURED)]
        if len(shown) == 3:
            return shown
        watch.page.wait_for_timeout(100)
    raise AssertionError(f"{len(shown)} of three maps came up; errors: {watch.errors}")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_new_shelter_and_a_closed_road_compared_with_the_base(
    watch, console_server, lang: str, tmp_path: Path
) -> None:
    frame = opened(watch, console_server, lang)
    name = f"{PAGE[lang]} {lang}"
    field = watch.page.locator("[class*=st-key-planning-name] input")
    field.fill(name)
    field.press("Enter")
    watch.page.mouse.click(*spot(watch, 0.5, 0.4))
    press(watch, "planning_add")
    expect(watch.page.locator(".gg-change")).to_have_count(1)
    watch.page.locator(".st-key-planning_kinds button").nth(2).click()
    press(watch, "planning_draw_line")
    frame.wait_for_selector(".gg-draw a[data-kind=line][aria-pressed=true]")
    watch.page.mouse.click(*spot(watch, 0.42, 0.42))
    watch.page.wait_for_timeout(350)
    watch.page.mouse.dblclick(*spot(watch, 0.5, 0.55))
    expect(watch.page.locator(".gg-change")).to_have_count(2)
    step(watch, 2)
    press(watch, "planning_compare")
    watch.page.locator(".gg-figures").wait_for(timeout=60_000)
    maps = small_maps(watch)
    codes = watch.page.locator(".gg-figures tr[data-code]").evaluate_all("rows => rows.map((r) => r.dataset.code)")
    assert {"time_median", "time_p90", "share_within", "persons_beyond", "area"} <= set(codes)
    verdicts = watch.page.locator(".gg-figures td.verdict").all_inner_texts()
    assert all(re.match(r"[▲▼＝·] \S", words) for words in verdicts), verdicts
    they_move_together(watch, maps)
    with watch.page.expect_download(timeout=30_000) as report:
        watch.page.locator(".st-key-planning-file-html button").click()
    page = Path(report.value.path()).read_text(encoding="utf-8")
    assert page.count('<svg class="map"') == 3
    offline(watch, page)
    if lang == "zh":
        kept_and_opened(watch, name)
    assert watch.errors == []


def they_move_together(watch, maps: list) -> None:
    """What one map shows, the others show, too."""
    maps[0].evaluate("gridgov.current.map.setView([29.6, 119.017], 14.5, {animate: false})")
    for frame in maps[1:]:
        frame.wait_for_function(
            """() => { const { map } = gridgov.current, { lat, lng } = map.getCenter();
                return map.getZoom() === 14.5 && Math.abs(lat - 29.6) + Math.abs(lng - 119.017) < 1e-3; }""",
            timeout=5_000,
        )


def offline(watch, page: str) -> None:
    """The report asks for nothing and draws its maps without any network."""
    context = watch.page.context.browser.new_context(offline=True)
    alone, asked = context.new_page(), []
    alone.on("request", lambda request: asked.append(request.url))
    alone.set_content(page)
    size = alone.locator("svg.map").last.bounding_box()
    assert size["height"] > 200
    assert asked == []
    context.close()


def kept_and_opened(watch, name: str) -> None:
    """A scenario is kept, another begun, the kept one opened; its file says what it changes."""
    step(watch, 3)
    press(watch, "planning_keep")
    watch.page.locator(".gg-said", has_text=name).first.wait_for(timeout=15_000)
    with watch.page.expect_download(timeout=30_000) as file:
        watch.page.locator(".st-key-planning_download button").click()
    told = json.loads(Path(file.value.path()).read_text(encoding="utf-8"))
    assert (told["name"], len(told["closures"]), told["changes"][0]["kind"]) == (name, 1, "add_place")
    step(watch, 0)
    press(watch, "planning_new")
    expect(watch.page.locator(".gg-change")).to_have_count(0)
    step(watch, 3)
    said = watch.page.locator(".st-key-panel")
    watch.page.locator("[class*=st-key-planning-upload] input[type=file]").set_input_files(
        {"name": "x.toml", "mimeType": "text/plain", "buffer": b"name = 'x'\n[[change]]\nkind = 'fly'"}
    )
    bad = watch.page.locator(".gg-said.bad")
    bad.wait_for(timeout=15_000)
    assert "Traceback" not in said.inner_text()
    said.get_by_role("combobox").first.click()  # other tests have kept scenarios, too
    watch.page.get_by_role("option").filter(has_text=name).first.click()
    press(watch, "planning_open")
    watch.page.locator(".gg-said", has_text=name).first.wait_for(timeout=15_000)
    step(watch, 0)
    expect(watch.page.locator(".gg-change")).to_have_count(2)
    field = watch.page.locator("[class*=st-key-planning-name] input")
    expect(field).to_have_value(name)
