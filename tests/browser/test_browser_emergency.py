"""The commander's page in a real browser: draw, numbers at once, compute, play, change, plan again, order, doors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from conftest import Watch
from playwright.sync_api import Browser, expect

WORDS = {
    "zh": {"page": "应急指挥", "replan": "情况有变", "parameters": "参数", "promise": "任何方案都不可能快于"},
    "en": {"page": "Emergency", "replan": "Something has changed", "parameters": "Parameters", "promise": "[Nn]o plan"},
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


def press(watch, selector: str) -> None:
    """Press a button once it stands alone: while the page works, its last drawing stands beside the new one."""
    button = watch.page.locator(selector)
    watch.page.locator("[data-test-script-state=notRunning]").wait_for()
    expect(button).to_have_count(1)
    button.first.click()


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
    assert re.search(WORDS[lang]["promise"], first.inner_text())
    plan = first.get_attribute("data-plan")
    frame.wait_for_selector(".gg-timeline", timeout=20_000)
    assert frame.evaluate(SAFE) == 0
    frame.locator(".gg-play").click()
    frame.wait_for_function(f"({SAFE})() > 0", timeout=15_000)
    frame.locator(".gg-play").click()
    frame.locator(".gg-curve input").focus()
    frame.locator(".gg-curve input").press("End")
    frame.wait_for_function(f"({SAFE})() >= 0.9 * ({RISK})()", timeout=5_000)
    click_shelter(watch, frame)
    press(watch, ".st-key-shelter_out button")
    watch.page.locator(".st-key-plan_again").first.wait_for(timeout=15_000)
    press(watch, ".st-key-close_shelter button:visible")  # one with a tooltip stands there twice
    press(watch, ".st-key-close_on_map button")
    frame.wait_for_selector(".gg-draw a[data-kind=line][aria-pressed=true]")
    draw_on(watch, (0.45, 0.36), (0.52, 0.45))
    watch.page.locator(".gg-said", has_text=re.compile("中断路段|Road sections")).first.wait_for(timeout=15_000)
    compute(watch, lang)
    watch.page.locator("[data-difference]").wait_for(timeout=60_000)
    second = watch.page.locator(".gg-answer[data-plan]").get_attribute("data-plan")
    assert second != plan
    step(watch, 4)
    watch.page.locator("[class*=st-key-sure-] label").click()
    watch.page.locator(".st-key-give_orders button:enabled").click(timeout=10_000)
    watch.page.locator(".gg-order.ordered").wait_for(timeout=15_000)
    watch.page.locator(".st-key-door_round").wait_for(timeout=15_000)  # the workers were sent with the orders
    with watch.page.expect_download(timeout=30_000) as sheet:
        watch.page.locator(".st-key-order-html button").click()
    assert sheet.value.suggested_filename == f"orders-{second}.html"
    assert frame.evaluate("window.same === true"), "the map was loaded anew"
    assert frame.evaluate("gridgov.current.map.getZoom()") == 15, "the view moved by itself"
    assert watch.errors == []


def click_shelter(watch, frame) -> None:
    """Click the shelter that takes most people, a little beside its middle."""
    place = """() => { const { layer } = gridgov.current.emergency, { map } = gridgov.current;
      const size = map.getSize(), inside = ({ x, y }) => x > 260 && y > 150 && x < size.x - 90 && y < size.y - 130;
      const at = (each) => map.latLngToContainerPoint([each.lat, each.lon]);
      const free = layer._shelters.filter((each) => !each.struck);
      if (!free.some((each) => inside(at(each)))) map.panTo([free[0].lat, free[0].lon], { animate: false });
      const { x, y } = at(free.find((each) => inside(at(each))) || free[0]);
      return [x + 3, y + 2]; }"""
    x, y = frame.evaluate(place)
    box = watch.page.locator("iframe").bounding_box()
    watch.page.mouse.click(box["x"] + x, box["y"] + y)
    watch.page.locator(".st-key-shelter_card").wait_for(timeout=15_000)


def test_of_two_hazards_that_look_the_same_in_the_list_the_new_one_is_shown(watch, console_server) -> None:
    """Streamlit tells options apart by their texts: two hazards of one minute must not have the same."""
    ring = [[119.014, 29.598], [119.016, 29.598], [119.016, 29.600], [119.014, 29.600], [119.014, 29.598]]
    given = {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    made = [console_server.ask("POST", "/hazards", given, account="chief")["hazard_id"] for _ in range(3)]
    watch.page.set_viewport_size({"width": 1920, "height": 1080})
    opened(watch, console_server, "zh")
    shown = watch.page.locator(".st-key-panel [data-testid=stSelectbox]").first
    for number in (made[0], made[2]):  # the last one is shown already
        shown.locator("input").click()
        watch.page.get_by_role("option").filter(has_text=number).click()
        expect(watch.page.locator(".gg-facts").first).to_contain_text(number)
        expect(watch.page).to_have_url(re.compile(f"hazard={number}"))
    assert watch.errors == []


@pytest.fixture
def ordered(console_server) -> str:
    """An evacuation of the grids of the worker W00001 whose orders are given and whose workers are sent."""
    ring = [[119.004, 29.594], [119.0125, 29.594], [119.0125, 29.600], [119.004, 29.600], [119.004, 29.594]]
    given = {"geometry": {"type": "Polygon", "coordinates": [ring]}, "name": "演练"}
    hazard = console_server.ask("POST", "/hazards", given, account="chief")["hazard_id"]
    asked = {"hazard_id": hazard, "params": {"time_limit_s": 1}}
    run = console_server.ask("POST", "/evacuation-runs", asked, account="chief")["run_id"]
    for _ in range(120):
        answer = console_server.ask("GET", f"/evacuation-runs/{run}", account="chief")
        if answer["state"] != "running":
            break
        time.sleep(0.3)
    number = answer["evacuation_id"]
    console_server.ask("POST", f"/evacuations/{number}/orders", {}, account="chief")
    console_server.ask("POST", f"/evacuations/{number}/door-tasks", account="chief")
    return number


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_worker_ticks_a_grid_and_calls_for_help_which_the_commander_sees(
    watch, console_server, chromium: Browser, ordered: str, lang: str
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    phone = Watch(context.new_page())
    console_server.sign_in(phone.page, "walker")
    phone.page.goto(f"{console_server.address}/work?lang={lang}")
    cards = phone.page.locator(f"#doors .door[data-evacuation='{ordered}']")  # other tests gave orders, too
    cards.first.wait_for(timeout=20_000)
    zone = cards.first.get_attribute("data-zone")
    card = phone.page.locator(f"#doors .door[data-evacuation='{ordered}'][data-zone='{zone}']")
    card.locator("[data-help]").click()
    phone.page.locator("#door-words").fill("三楼 2 人须担架")
    card.locator("[data-call]").click()
    expect(card).to_have_class(re.compile("help"))
    card.locator("[data-door]").click()
    expect(card.locator(".tag.good")).to_be_visible()
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390, f"the page is {wide} pixels wide"
    opened(watch, console_server, lang)
    step(watch, 4)
    round_ = watch.page.locator(".st-key-door_round")
    expect(round_).to_contain_text("三楼 2 人须担架")
    card.locator("[data-helped]").click()
    expect(card.locator(".call")).to_have_count(0)
    expect(round_).not_to_contain_text("三楼 2 人须担架")
    assert (watch.errors, phone.errors, phone.foreign) == ([], [], [])
    context.close()


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
