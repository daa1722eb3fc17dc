"""The planner's parts in a browser: access and new sites, with the answer in words and on the map."""

from __future__ import annotations

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

    def choose(self, code: str, option: str) -> None:
        self.page.get_by_role("combobox", name=re.compile(re.escape(self.say(code)))).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def answer(self, words: str) -> None:
        """Wait for an answer in words, and for its part of the map's legend."""
        expect(self.page.locator(".gg-answer").first).to_contain_text(words, timeout=_SLOW_MS)

    def legend(self, words: str) -> None:
        frame = self.page.frame_locator("iframe[src*='streamlit_folium']").first
        expect(frame.locator(".gg-legend")).to_contain_text(words, timeout=_SLOW_MS)


@pytest.fixture
def desk(watch, console_server, request) -> Desk:
    return Desk(watch, console_server, request.param)


@pytest.mark.parametrize("desk", ["en"], indirect=True)
def test_new_sites_are_found_and_kept_as_a_scenario_in_english(desk) -> None:
    page = desk.go("siting")
    desk.press("Compute")
    desk.answer("within 15 minutes")
    desk.press("New sites")
    desk.press("Find the best sites")
    desk.answer("nothing better exists")
    desk.legend("New site")
    page.get_by_role("button", name="Make a scenario of it").click()
    page.get_by_label("Name of the scenario").fill("Shelters of the browser test")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".gg-said").first).to_contain_text("Kept as scenario")
    expect(page.locator(".gg-answer").first).to_contain_text("nothing better exists")  # the answer stays
    assert desk.watch.errors == []
