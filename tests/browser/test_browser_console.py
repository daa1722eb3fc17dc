"""The console as a supervisor uses it: click, read who can go and when, look at the routes; in both languages."""

from __future__ import annotations

import re

import pytest

TIMES = re.compile(r"^\d+:\d\d$")


def click_map(watch, frame, lon: float, lat: float) -> None:
    """Click a position of the map."""
    x, y = frame.evaluate(
        "([lat, lon]) => { const p = gridgov.current.map.latLngToContainerPoint([lat, lon]); return [p.x, p.y]; }",
        [lat, lon],
    )
    box = watch.page.locator("iframe").bounding_box()
    watch.page.mouse.click(box["x"] + x, box["y"] + y)


def centre(frame) -> tuple[float, float]:
    """Where nothing but ground is: a point of the map away from every incident."""
    return tuple(frame.evaluate("(() => { const c = gridgov.current.map.getCenter(); return [c.lng, c.lat]; })()"))


def workers_shown(watch) -> list[tuple[str, str]]:
    """Names and times of the workers in the panel, best first."""
    watch.page.locator(".gg-worker").first.wait_for(timeout=20_000)
    lines = watch.page.locator(".gg-worker")
    return [
        (lines.nth(i).locator("b").inner_text(), lines.nth(i).locator("strong").inner_text())
        for i in range(lines.count())
    ]


def choose_a_skill(watch) -> None:
    """Open the filters of the workers and choose the first skill."""
    watch.page.locator(".st-key-panel").get_by_role("button", name="Filters").click()
    watch.page.locator(".st-key-skill-en [role=combobox], .st-key-skill-en [data-baseweb=select]").first.click()
    watch.page.get_by_role("option").nth(1).click()
    watch.page.keyboard.press("Escape")


def position(watch) -> str:
    """Longitude and latitude as the panel shows them."""
    return str(watch.page.locator(".gg-facts").first.locator("dd").last.inner_text())


@pytest.mark.parametrize(
    ("lang", "place", "grid"), [("zh", "地图上的地点", "网格"), ("en", "Place on the map", "Grid")]
)
def test_a_click_on_any_place_gives_facts_five_workers_and_routes(
    watch, console: str, lang: str, place: str, grid: str
) -> None:
    """The task of the page, in each language: who can be here first, when, and which way."""
    watch.page.goto(f"{console}/?lang={lang}")
    frame = watch.map_frame()
    frame.evaluate("window.same = true")
    click_map(watch, frame, *centre(frame))
    shown = workers_shown(watch)
    assert len(shown) == 5
    assert all(TIMES.match(time) for _, time in shown)
    seconds = [int(time.split(":")[0]) * 60 + int(time.split(":")[1]) for _, time in shown]
    assert seconds == sorted(seconds)
    watch.page.get_by_text(place, exact=True).wait_for()
    assert watch.page.locator(".gg-facts dt").first.inner_text() == grid
    frame.locator(".gg-marker").first.wait_for(timeout=15_000)
    assert frame.locator(".gg-marker").count() == 5
    assert frame.locator("path.leaflet-interactive, svg path").count() >= 5, "no routes are drawn"
    assert frame.evaluate("window.same === true"), "the map was loaded anew"
    assert watch.errors == []


def test_an_incident_of_the_list_and_one_of_the_map_are_the_same_selection(watch, console: str) -> None:
    """Choosing the first row opens the incident; clicking its place on the map later opens it again."""
    watch.page.goto(f"{console}/?lang=en")
    frame = watch.map_frame()
    watch.page.locator(".st-key-worklist [role=radiogroup] label").first.click()
    watch.page.locator(".gg-sub").wait_for()
    head, sub = watch.page.locator(".gg-head b").inner_text(), watch.page.locator(".gg-sub").inner_text()
    lon, lat = (float(part) for part in position(watch).split(","))
    watch.page.locator(".st-key-clear button").click()
    watch.page.locator(".st-key-worklist").wait_for()
    click_map(watch, frame, lon, lat)
    watch.page.locator(".gg-sub").wait_for()
    assert watch.page.locator(".gg-head b").inner_text() == head
    assert watch.page.locator(".gg-sub").inner_text() == sub
    assert watch.errors == []


def test_the_view_moves_only_when_asked(watch, console: str) -> None:
    """A click leaves the user's view alone; "zoom to the routes" moves it."""
    watch.page.goto(f"{console}/?lang=en")
    frame = watch.map_frame()
    view = "[gridgov.current.map.getZoom(), gridgov.current.map.getCenter().lng]"
    before = frame.evaluate(view)
    click_map(watch, frame, *centre(frame))
    workers_shown(watch)
    assert frame.evaluate(view) == before
    watch.page.get_by_role("button", name="Zoom to routes").click()
    frame.wait_for_function(f"JSON.stringify({view}) !== '{str(before).replace(' ', '')}'")
    watch.page.locator("[class*=st-key-rank-] button").nth(1).click()
    watch.page.locator(".gg-worker.on i", has_text="2").wait_for()
    assert watch.errors == []


def test_a_skill_narrows_the_choice_and_says_who_was_nearer(watch, console: str) -> None:
    watch.page.goto(f"{console}/?lang=en")
    frame = watch.map_frame()
    click_map(watch, frame, *centre(frame))
    workers_shown(watch)
    choose_a_skill(watch)
    watch.page.get_by_text("left out: why").click()
    watch.page.get_by_text("lacks the skill asked for").first.wait_for()
    assert watch.errors == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_page_asks_another_host_for_anything(watch, console: str, lang: str) -> None:
    """Every page, every overlay switched on, a click, a change of language: not one request leaves the host."""
    watch.page.goto(f"{console}/?lang={lang}")
    frame = watch.map_frame()
    frame.locator(".gg-layers-button").click()
    boxes = frame.locator("input[data-layer]")
    for i in range(boxes.count()):
        boxes.nth(i).check()
    watch.settle()
    click_map(watch, frame, *centre(frame))
    workers_shown(watch)
    watch.page.get_by_role("link", name={"zh": "数据", "en": "Data"}[lang], exact=True).click()
    watch.page.wait_for_url("**/data**")
    watch.page.locator("[data-testid=stDataFrame]").first.wait_for()
    watch.page.locator(".st-key-language button").click()
    watch.page.get_by_role("heading", name={"zh": "Layers", "en": "图层"}[lang]).wait_for()
    assert len(watch.requests) > 30
    assert watch.foreign == []
    assert watch.errors == []


def test_the_english_pages_hold_no_chinese_word_of_ours(watch, console: str) -> None:
    """Names of people and places stay as they are; every word of the interface is English."""
    watch.page.goto(f"{console}/?lang=en")
    watch.map_frame()
    ours = watch.page.locator(".gg-title span, .gg-clock, [data-testid=stCaptionContainer], a, button")
    words = " ".join(text for text in ours.all_inner_texts() if text != "中文" and not text.startswith("周督导"))
    assert words.strip()
    assert not re.search(r"[\u4e00-\u9fff]", words)


@pytest.mark.parametrize("width", [1366, 390])
def test_nothing_is_wider_than_the_window(watch, console: str, width: int) -> None:
    watch.page.set_viewport_size({"width": width, "height": 768})
    watch.page.goto(console)
    watch.map_frame()
    assert watch.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_map_takes_most_of_a_small_screen(watch, console: str) -> None:
    """At least 65 % of 1366 x 768."""
    watch.page.set_viewport_size({"width": 1366, "height": 768})
    watch.page.goto(console)
    watch.map_frame()
    box = watch.page.locator("iframe").bounding_box()
    visible = box["width"] * min(box["height"], 768 - box["y"])
    assert visible >= 0.65 * 1366 * 768


def test_a_filter_and_the_selection_outlive_changes_of_language_and_page(watch, console: str) -> None:
    """Twice the language, once to the data page and back: the same place, the same skill, no error."""
    watch.page.goto(f"{console}/?lang=en")
    frame = watch.map_frame()
    click_map(watch, frame, *centre(frame))
    workers_shown(watch)
    choose_a_skill(watch)
    watch.page.locator("[data-testid=stCaptionContainer]", has_text="workers can go").wait_for()
    where = position(watch)
    watch.page.wait_for_timeout(800)
    before = workers_shown(watch)
    for lang in ("zh", "en", "zh", "en"):
        watch.page.locator(".st-key-language button").click()
        watch.page.get_by_role("button", name={"zh": "筛选", "en": "Filters"}[lang]).wait_for()
        assert workers_shown(watch) == before
    watch.page.get_by_role("link", name="Data", exact=True).click()
    watch.page.locator("[data-testid=stDataFrame]").first.wait_for()
    watch.page.get_by_role("link", name="Map", exact=True).click()
    assert workers_shown(watch) == before
    assert position(watch) == where
    assert watch.errors == []


def test_a_link_opens_what_it_names_and_one_that_names_nothing_opens_the_list(watch, console: str) -> None:
    watch.page.goto(f"{console}/?lang=en")
    watch.map_frame()
    watch.page.locator(".st-key-worklist [role=radiogroup] label").first.click()
    watch.page.locator(".gg-sub").wait_for()
    head, address = watch.page.locator(".gg-sub").inner_text(), watch.page.url
    assert "incident=" in address
    watch.page.goto(address)
    watch.page.locator(".gg-sub").wait_for()
    assert watch.page.locator(".gg-sub").inner_text() == head
    for nothing in ("incident=none", "at=here", "at=1,2,3"):
        watch.page.goto(f"{console}/?lang=en&{nothing}")
        watch.page.locator(".st-key-worklist").wait_for()
    assert watch.errors == []
