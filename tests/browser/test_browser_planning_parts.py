"""The planner's parts in a browser: every part and tool once, in one of the languages, in words and on the map."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Page, expect

from gridgov.i18n import label

_SLOW_MS = 45_000


class Desk:
    """The planner's page in a browser."""

    def __init__(self, watch, console_server, lang: str) -> None:
        console_server.sign_in(watch.page, "plan")
        self.watch, self.lang, self.page = watch, lang, watch.page
        self.page.goto(f"{console_server.address}/?lang={lang}")
        watch.map_frame()  # a map that is left while it loads would never settle
        self.page.get_by_role("link", name=label("planning.title", lang), exact=True).click()

    def say(self, code: str, **fields: object) -> str:
        return label(f"planning_parts.{code}", self.lang, **fields)

    def go(self, part: str) -> Page:
        self.press(label(f"planning.part_{part}", self.lang))
        return self.page

    def press(self, name: str) -> None:
        """Press a button, or one of a bar of them."""
        button = self.page.get_by_role("button", name=name, exact=True)
        self.page.get_by_role("radio", name=name, exact=True).or_(button).first.click()

    def compute(self, tool: str) -> None:
        """Press the button of a tool: right after another tool was chosen the page still shows that of the last one."""
        self.page.locator(f".st-key-compute-{tool} button:enabled").click()

    def choose(self, code: str, option: str) -> None:
        self.page.get_by_role("combobox", name=re.compile(re.escape(self.say(code)))).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def answer(self, words: str) -> None:
        """Wait for an answer in words, and for its part of the map's legend."""
        expect(self.page.locator(".gg-answer").first).to_contain_text(words, timeout=_SLOW_MS)

    def legend(self, words: str) -> None:
        frame = self.page.frame_locator("iframe[src*='streamlit_folium']").first
        expect(frame.locator(".gg-legend")).to_contain_text(words, timeout=_SLOW_MS)

    def table(self, *words: str) -> None:
        """Wait for a table of the panel that holds words; nothing of it may stick out of the panel."""
        table = self.page.locator(".gg-table")
        for each in words:
            expect(table.filter(has_text=each).first).to_be_visible(timeout=_SLOW_MS)
        panel = self.page.locator(".st-key-panel")
        assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")

    def picture(self, name: str) -> None:
        """Keep a picture of the page where somebody wants to look at them."""
        if folder := os.environ.get("GRIDGOV_PICTURES"):
            self.watch.settle()
            self.page.screenshot(path=f"{folder}/planning-{name}-{self.lang}.png")


@pytest.fixture
def desk(watch, console_server, request) -> Desk:
    return Desk(watch, console_server, request.param)


@pytest.mark.parametrize("desk", ["zh"], indirect=True)
def test_red_lines_rasters_and_changed_land_in_chinese(desk) -> None:
    page = desk.go("analysis")
    desk.choose("tool", "红线冲突")
    desk.compute("red_lines")
    desk.answer("其中 26.04 公顷")
    desk.legend("冲突")
    desk.table("生态保护红线")
    desk.choose("plan", "在地图上画一个")
    expect(page.get_by_text("双击结束")).to_be_visible()
    expect(page.locator(".st-key-compute-red_lines button")).to_be_disabled()
    desk.choose("tool", "按网格统计栅格")
    desk.compute("zonal")
    desk.answer("100 个网格")
    desk.legend("高程 · 平均值")
    with page.expect_download() as saved:
        page.get_by_role("button", name="下载表格（CSV）").click()
    assert saved.value.suggested_filename == "zonal-elevation.csv"
    desk.choose("tool", "地类变化")
    desk.compute("change")
    desk.answer("改变了地类")
    desk.legend("变为建设用地")
    desk.table("公园绿地")
    desk.picture("change")
    assert desk.watch.errors == []


@pytest.mark.parametrize("desk", ["en"], indirect=True)
def test_layers_overlaid_and_places_that_suit_in_english(desk) -> None:
    page = desk.go("analysis")
    desk.compute("overlay")
    desk.answer("Planned projects: 50.00 ha in all")
    desk.legend("Dry farmland")
    desk.table("Housing", "(outside)")
    desk.picture("overlay")
    desk.choose("tool", "Suitability")
    desk.compute("suitability")
    desk.answer("Best:")
    desk.legend("Suitability score")
    page.locator(".st-key-worst [data-testid=stRadioOption]").first.click()  # goes there
    desk.watch.settle()
    assert desk.watch.errors == []


@pytest.mark.parametrize("desk", ["en"], indirect=True)
def test_new_sites_are_found_and_kept_as_a_scenario_in_english(desk) -> None:
    page = desk.go("siting")
    desk.compute("access")
    desk.answer("within 15 minutes")
    desk.table("Elderly persons")
    desk.press("New sites")
    desk.compute("sites")
    desk.answer("nothing better exists")
    desk.legend("New site")
    page.get_by_role("button", name="Make a scenario of it").click()
    page.get_by_label("Name of the scenario").fill("Shelters of the browser test")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".gg-said").first).to_contain_text("Kept as scenario")
    expect(page.locator(".gg-answer").first).to_contain_text("nothing better exists")  # the answer stays
    desk.picture("siting")
    assert desk.watch.errors == []


@pytest.mark.parametrize("desk", ["zh"], indirect=True)
def test_duty_areas_are_cut_anew_and_hot_spots_sought_in_chinese(desk) -> None:
    page = desk.go("redesign")
    desk.compute("redesign")
    desk.answer("个社区重新划分")
    desk.legend("责任区边界")
    desk.press("现在")
    desk.legend("现在")
    desk.compute("month")
    expect(page.get_by_text("响应时间（中位）")).to_be_visible(timeout=_SLOW_MS)
    desk.picture("redesign")
    desk.go("hotspots")
    desk.compute("hotspots")
    desk.answer("件案件")
    desk.legend("热点网格")
    desk.press("时空聚集")
    desk.answer("时空聚集")
    desk.press("巡查建议")
    desk.compute("patrols")
    desk.answer("回测最近")
    desk.legend("每周巡查小时")
    desk.picture("hotspots")
    assert desk.watch.errors == []
