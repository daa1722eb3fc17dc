"""Step one of a scenario: what would be other: places, roads, areas, people, speeds, versions, grids; the changes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import folium
import streamlit as st

from app.widgets.choices import choose_part
from app.widgets.doing import say
from app.widgets.drawing import drawing_tools, drawn, drop_drawing
from app.widgets.frame import language, signed_in, text
from app.widgets.planning_change_forms import (
    FORMS,
    PLACE,
    Form,
    add,
    area_layers,
    closed_roads,
    new_area,
    older_versions,
    place_layers,
)
from app.widgets.planning_draft import (
    AREA_PURPOSE,
    NEW_AREA_PURPOSE,
    ROAD_PURPOSE,
    SPLIT_PURPOSE,
    begin_edit,
    draft,
    drop_change,
    edited_change,
    edited_number,
    end_edit,
    open_draft,
)
from app.widgets.planning_grids import forget_grids, grid_groups, grids_form, merged_groups, split_grid, take_grid
from app.widgets.planning_map import PlanningMap
from app.widgets.planning_words import change_line, closure_line
from app.widgets.selection import clicked, forget_click
from gridgov.maps.overlays import overlay_group
from gridgov.model.changes import AreaTaken
from gridgov.model.rights import Person
from gridgov.operations.mapping import place_group
from gridgov.operations.scenario_drafts import closure_sizes, nearest_choice, place_choices
from gridgov.operations.scenario_map import draft_overlay
from gridgov.workspace import Workspace

_KIND = "planning_kind"
_CLICK_M = 60.0
_FORMS: Mapping[str, Form] = {**FORMS, "grids": grids_form}
_EDITED_WITH = {
    "add_place": "add_place", "change_place": "edit_place", "remove_place": "edit_place", "close_roads": "close_roads",
    "add_area": "add_area", "take_area": "take_area", "scale_population": "population", "scale_speeds": "speeds",
    "use_version": "version", "merge_grids": "grids", "split_grid": "grids",
}  # fmt: skip
"""Kind of a change → the inputs that it is edited with; what a redesign assigns is cut anew there."""


def changes_step(opened: Workspace, who: Person, show: PlanningMap) -> None:
    """Draw the list of changes, what can be added, and the map."""
    kind = _choose_kind(opened)
    _FORMS[kind](opened, who)
    show([*draft_groups(opened, who), *_tools(opened, who, kind)])
    _list(opened, who)


def draft_groups(opened: Workspace, who: Person) -> list[folium.FeatureGroup]:
    """Return what the scenario changes, for the map."""
    now = draft(opened, who)
    return [overlay_group(draft_overlay(opened, who, now, language())), *merged_groups(opened, who, now)]


def take_shapes(opened: Workspace) -> None:
    """Take roads, an area or a line that were drawn as a change."""
    shapes = {purpose: drawn(purpose) for purpose in (ROAD_PURPOSE, AREA_PURPOSE, NEW_AREA_PURPOSE, SPLIT_PURPOSE)}
    if any(shapes.values()):
        drop_drawing()
    if (roads := shapes[ROAD_PURPOSE]) is not None:
        closed_roads(opened, roads.geometry)
    if (taken := shapes[AREA_PURPOSE]) is not None:
        own = getattr(edited_change(opened, signed_in()), "layer", "")
        layer = str(own or st.session_state.get("planning_area_layer", ""))
        add(opened, lambda _: AreaTaken(layer, taken.geometry), hint="planning.no_area_there")
    if (gained := shapes[NEW_AREA_PURPOSE]) is not None:
        new_area(opened, gained.geometry)
    if (line := shapes[SPLIT_PURPOSE]) is not None:
        split_grid(opened, line.geometry)


def take_place(opened: Workspace, who: Person) -> None:
    """Let a click choose the place, or the grid, that is to be changed."""
    kind = st.session_state.get(_KIND)
    if kind == "grids":
        take_grid(opened, who)
    place = clicked()
    if place is None or kind != "edit_place":
        return
    forget_click()
    layers = place_layers(opened)
    for layer in sorted(layers, key=lambda each: each != st.session_state.get("planning_edit_layer")):
        found = nearest_choice(place_choices(opened, who, draft(opened, who), layer), *place, within_m=_CLICK_M)
        if found is not None:
            st.session_state.update({"planning_edit_layer": layer, PLACE: found.id})
            return
    say(text("planning.no_place_there"), good=False)


def _choose_kind(opened: Workspace) -> str:
    kinds = [kind for kind, there in _offered(opened).items() if there]
    kept = str(st.session_state.get(_KIND, ""))
    chosen = kept if kept in kinds else kinds[0]

    def keep(kind: str) -> None:
        st.session_state[_KIND] = kind
        forget_click()
        end_edit()

    st.session_state[_KIND] = chosen
    choose_part(
        "planning_kinds", kinds, chosen, label=text("planning.kinds"),
        show=lambda kind: text(f"planning.kind_{kind}"), keep=keep,
    )  # fmt: skip
    return chosen


def _offered(opened: Workspace) -> Mapping[str, bool]:
    places = bool(place_layers(opened))
    return {
        "add_place": places,
        "edit_place": places,
        "close_roads": True,
        "add_area": bool(area_layers(opened)),
        "take_area": bool(area_layers(opened)),
        "population": True,
        "speeds": True,
        "version": bool(older_versions(opened)),
        "grids": True,
    }


def _tools(opened: Workspace, who: Person, kind: str) -> list[folium.FeatureGroup]:
    place = clicked()
    if kind == "add_place" and place is not None:
        return [place_group(*place)]
    if kind == "close_roads":
        return [drawing_tools(ROAD_PURPOSE)]
    if kind in {"take_area", "add_area"}:
        return [drawing_tools(AREA_PURPOSE if kind == "take_area" else NEW_AREA_PURPOSE, kinds=("polygon",))]
    return grid_groups(opened, who) if kind == "grids" else []


def _list(opened: Workspace, who: Person) -> None:
    """List what is changed, each with a button that edits it and one that takes it back."""
    now = draft(opened, who)
    sizes = closure_sizes(opened, who, now)
    lines = [closure_line(each, size) for each, size in zip(now.closures, sizes, strict=True)]
    lines += [change_line(opened, each) for each in now.changes]
    kinds = [*("close_roads" for _ in now.closures), *(each.kind for each in now.changes)]
    st.html(f'<div class="gg-list-head">{escape(text("planning.changes", n=len(lines)))}</div>')
    if not lines:
        st.caption(text("planning.no_changes"))
        return
    with st.container(key="planning_changes"):
        for number, (kind, (what, more)) in enumerate(zip(kinds, lines, strict=True)):
            words, edit, drop = st.columns([0.76, 0.12, 0.12], gap="small", vertical_alignment="center")
            mark = "▸ " if number == edited_number() else ""
            words.html(f'<div class="gg-change"><b>{escape(mark + what)}</b><small>{escape(more)}</small></div>')
            if kind in _EDITED_WITH:
                edit.button(
                    "✎", key=f"edit-{number}-{len(lines)}", help=text("planning.edit"), on_click=_edit,
                    args=(number, _EDITED_WITH[kind]),
                )  # fmt: skip
            drop.button(
                "✕", key=f"drop-{number}-{len(lines)}", help=text("planning.drop"), on_click=drop_change,
                args=(opened, number),
            )  # fmt: skip
    st.button(text("planning.begin_anew"), key="planning_new", on_click=open_draft, args=(None,))


def _edit(number: int, form: str) -> None:
    forget_grids()
    forget_click()
    begin_edit(number)
    st.session_state[_KIND] = form
