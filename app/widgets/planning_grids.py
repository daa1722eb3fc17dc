"""Grids put together or cut in two: they are chosen by clicks on the map, and a line across one cuts it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.choices import told_apart
from app.widgets.doing import say
from app.widgets.drawing import drawing_tools
from app.widgets.frame import language, signed_in, text
from app.widgets.planning_change_forms import add, done_button, draw_buttons
from app.widgets.planning_draft import SPLIT_PURPOSE, draft, edit_key, edited_change, edited_number
from app.widgets.selection import clicked, forget_click
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.maps.planning_overlays import outlines
from gridgov.model.changes import GridsMerged, GridSplit
from gridgov.model.rights import Person
from gridgov.model.what_if import Scenario
from gridgov.operations.grid_choices import clicked_grid, free_grid_code, grid_shapes
from gridgov.operations.scenario_drafts import before_change
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

_CHOSEN = "planning_grids"
_LINE = "#d1338a"
_COMMUNITY_DIGITS = 12


def grids_form(opened: Workspace, who: Person) -> None:
    """Draw which grids are chosen, and what becomes of them."""
    codes, names = _chosen(opened, who), grid_names(opened, who)
    if not codes:
        st.html(f'<p class="gg-caution">{escape(text("planning.click_grids"))}</p>')
        return
    key = f"planning-grids-{language()}-{' '.join(codes)}{edit_key()}"

    def keep() -> None:
        st.session_state[_key()] = list(st.session_state[key])

    st.multiselect(
        text("planning.grids"), codes, default=codes, format_func=lambda code: names.get(code, code), key=key,
        on_change=keep,
    )  # fmt: skip
    if len(codes) == 1:
        _split(opened, who)
    else:
        _merge(opened, who, codes)


def take_grid(opened: Workspace, who: Person) -> None:
    """Let a click choose a grid, or leave it out again."""
    place = clicked()
    if place is None:
        return
    forget_click()
    code = clicked_grid(opened, who, _rest(opened, who), *place)
    if code is None:
        say(text("planning.no_grid_there"), good=False)
        return
    codes = _chosen(opened, who)
    st.session_state[_key()] = [each for each in codes if each != code] if code in codes else [*codes, code]


def split_grid(opened: Workspace, line: Mapping[str, Any]) -> None:
    """Cut the chosen grid along a line that was drawn; the larger part keeps the code."""
    who = signed_in()
    codes, own = _chosen(opened, who), edited_change(opened, who)
    if len(codes) != 1:
        say(text("planning.one_grid"), good=False)
        return
    new = free_grid_code(opened, who, _rest(opened, who), codes[0])
    both = own.codes if isinstance(own, GridSplit) and own.code == codes[0] else (codes[0], new)
    if add(opened, lambda _: GridSplit(codes[0], line, both), hint="planning.cannot_split"):
        forget_grids()


def forget_grids() -> None:
    """Choose none, neither for a new change nor for one that is edited."""
    for key in [each for each in st.session_state if str(each).split("-e")[0] == _CHOSEN]:
        del st.session_state[key]


def grid_groups(opened: Workspace, who: Person) -> list[folium.FeatureGroup]:
    """Return the chosen grids for the map, and the tool that cuts where one is chosen."""
    codes = _chosen(opened, who)
    if not codes:
        return []
    shapes = grid_shapes(opened, who, _rest(opened, who), codes)
    tools = [drawing_tools(SPLIT_PURPOSE, kinds=("line",))] if len(codes) == 1 else []
    return [overlay_group(Overlay("planning", shapes=(outlines(shapes.values(), _LINE, width=3),))), *tools]


def merged_groups(opened: Workspace, who: Person, scenario: Scenario) -> list[folium.FeatureGroup]:
    """Return the borders of the grids that a scenario puts together or cuts."""
    codes = [each.into for each in scenario.changes if isinstance(each, GridsMerged)]
    codes += [code for each in scenario.changes if isinstance(each, GridSplit) for code in each.codes]
    shapes = grid_shapes(opened, who, scenario, codes) if codes else {}
    return (
        [overlay_group(Overlay("grids", shapes=(outlines(shapes.values(), "#14243a", width=2.4),)))] if shapes else []
    )


def grid_names(opened: Workspace, who: Person) -> dict[str, str]:
    """Return what the chosen grids are called: their community and the number in it."""
    lang, places = language(), division_names(opened)
    shown = {}
    for code in _chosen(opened, who):
        place = name_in(places.get(code[:_COMMUNITY_DIGITS], {}), lang)
        shown[code] = f"{place} {code[_COMMUNITY_DIGITS:]}" if place else code
    return told_apart(shown)


def _merge(opened: Workspace, who: Person, codes: list[str]) -> None:
    own, names = edited_change(opened, who), grid_names(opened, who)
    kept = own.into if isinstance(own, GridsMerged) else ""
    options = list(dict.fromkeys([*codes, *([kept] if kept else [])]))
    into = st.selectbox(
        text("planning.merge_into"), options, index=options.index(kept) if kept else 0,
        format_func=lambda code: names.get(code, code), key=f"planning-into-{language()}-{' '.join(codes)}{edit_key()}",
    )  # fmt: skip

    def act() -> None:
        if add(opened, lambda _: GridsMerged(tuple(codes), str(into)), hint="planning.cannot_merge"):
            forget_grids()

    done_button("planning.merge", act)


def _split(opened: Workspace, who: Person) -> None:
    draw_buttons(("line",))
    st.caption(text("planning.split_or_more"))
    own = edited_change(opened, who)
    if isinstance(own, GridSplit):
        done_button("planning.add", lambda: split_grid(opened, own.line))


def _chosen(opened: Workspace, who: Person) -> list[str]:
    """Return the chosen grids; of a change that is edited, at first those that it is about."""
    own = edited_change(opened, who)
    own_codes = list(own.codes) if isinstance(own, GridsMerged) else [own.code] if isinstance(own, GridSplit) else []
    return list(st.session_state.get(_key(), own_codes))


def _rest(opened: Workspace, who: Person) -> Scenario:
    """Return the scenario as it is when the turn of this change comes."""
    number, now = edited_number(), draft(opened, who)
    return now if number is None else before_change(now, number)


def _key() -> str:
    return f"{_CHOSEN}{edit_key()}"
