"""Step one of a scenario: what would be other: places, roads, areas, people, speeds, versions; the list of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.choices import choose_part, told_apart
from app.widgets.doing import say
from app.widgets.drawing import begin_drawing, drawing_tools, drawn, drop_drawing
from app.widgets.frame import language, text
from app.widgets.planning_draft import (
    AREA_PURPOSE,
    ROAD_PURPOSE,
    add_change,
    draft,
    drop_change,
    open_draft,
)
from app.widgets.planning_fields import field_inputs, given_fields
from app.widgets.planning_map import PlanningMap
from app.widgets.planning_words import change_line, closure_line
from app.widgets.selection import clicked, forget_click
from app.widgets.wording import unturned
from gridgov.maps.overlays import overlay_group
from gridgov.model.changes import (
    AreaTaken,
    PlaceAdded,
    PlaceChanged,
    PlaceRemoved,
    PopulationScaled,
    SpeedsScaled,
    VersionUsed,
)
from gridgov.model.closures import Closure
from gridgov.model.rights import Person
from gridgov.operations.mapping import place_group
from gridgov.operations.scenario_drafts import (
    PLACE_KINDS,
    PlaceChoice,
    closure_sizes,
    free_id,
    nearest_choice,
    place_choices,
)
from gridgov.operations.scenario_map import draft_overlay
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

_KIND, _PLACE = "planning_kind", "planning_place"
_CLICK_M = 60.0
_ROADS = ("primary", "secondary", "tertiary", "unclassified", "residential", "trunk", "motorway")
_STREET_DIGITS = 9


def changes_step(opened: Workspace, who: Person, show: PlanningMap) -> None:
    """Draw the list of changes, what can be added, and the map."""
    kind = _choose_kind(opened)
    _FORMS[kind](opened, who)
    show([*draft_groups(opened, who), *_tools(kind)])
    _list(opened, who)


def draft_groups(opened: Workspace, who: Person) -> list[folium.FeatureGroup]:
    """Return what the scenario changes, for the map."""
    return [overlay_group(draft_overlay(opened, who, draft(opened, who), language()))]


def take_shapes(opened: Workspace) -> None:
    """Take roads or an area that were drawn as a change."""
    roads, area = drawn(ROAD_PURPOSE), drawn(AREA_PURPOSE)
    if roads is not None:
        drop_drawing()
        slow = str(st.session_state.get("planning-slow", "closed"))
        percent = float(st.session_state.get("planning-percent", 30))
        factor = 0.0 if slow == "closed" else percent / 100
        _add(
            opened,
            lambda now: Closure(free_id(now, "change"), geometry=roads.geometry, factor=factor),
            hint="planning.no_road_there",
        )
    if area is not None:
        drop_drawing()
        layer = str(st.session_state.get("planning_area_layer", ""))
        _add(opened, lambda _: AreaTaken(layer, area.geometry), hint="planning.no_area_there")


def take_place(opened: Workspace, who: Person) -> None:
    """Let a click choose the place that is to be changed."""
    place = clicked()
    if place is None or st.session_state.get(_KIND) != "edit_place":
        return
    forget_click()
    layers = place_layers(opened)
    for layer in sorted(layers, key=lambda each: each != st.session_state.get("planning_edit_layer")):
        found = nearest_choice(place_choices(opened, who, draft(opened, who), layer), *place, within_m=_CLICK_M)
        if found is not None:
            st.session_state.update({"planning_edit_layer": layer, _PLACE: found.id})
            return
    say(text("planning.no_place_there"), good=False)


def place_layers(opened: Workspace) -> tuple[str, ...]:
    """Return the layers of places that a scenario may change."""
    return tuple(layer for kind in PLACE_KINDS for layer in opened.of_kind(kind))


def area_layers(opened: Workspace) -> tuple[str, ...]:
    """Return the layers of land of which areas may be taken."""
    groups = {"natural_resources", "planning"}
    return tuple(
        layer
        for layer in opened.layer_ids
        if opened.spec(layer).geometry == "polygon" and opened.spec(layer).group in groups
    )


def _add(opened: Workspace, make: Callable[[Any], Any], *, hint: str) -> bool:
    done = add_change(opened, make, hint=hint)
    if done:
        say(text("planning.added"))
    return done


def _choose_kind(opened: Workspace) -> str:
    kinds = [kind for kind, there in _offered(opened).items() if there]
    kept = str(st.session_state.get(_KIND, ""))
    chosen = kept if kept in kinds else kinds[0]

    def keep(kind: str) -> None:
        st.session_state[_KIND] = kind
        forget_click()

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
        "take_area": bool(area_layers(opened)),
        "population": True,
        "speeds": True,
        "version": bool(_older(opened)),
    }


def _tools(kind: str) -> list[folium.FeatureGroup]:
    place = clicked()
    if kind == "add_place" and place is not None:
        return [place_group(*place)]
    if kind == "close_roads":
        return [drawing_tools(ROAD_PURPOSE)]
    if kind == "take_area":
        return [drawing_tools(AREA_PURPOSE, kinds=("polygon",))]
    return []


def _layer_select(opened: Workspace, layers: tuple[str, ...], key: str) -> str:
    """Draw the choice of a layer; it outlives a change of language."""
    kept = st.session_state.get(key)
    shown = f"{key}-{language()}-{kept}"

    def keep() -> None:
        st.session_state[key] = st.session_state[shown]

    chosen = st.selectbox(
        text("planning.layer"), layers, index=layers.index(kept) if kept in layers else 0,
        format_func=lambda layer: opened.spec(layer).name(language()), key=shown, on_change=keep,
        label_visibility="collapsed",
    )  # fmt: skip
    st.session_state[key] = chosen
    return str(chosen)


def _add_place(opened: Workspace, who: Person) -> None:
    layer = _layer_select(opened, place_layers(opened), "planning_new_layer")
    number = free_id(draft(opened, who), "new")
    field_inputs(opened, layer, key=f"new-{number}")
    place = clicked()
    if place is None:
        st.html(f'<p class="gg-caution">{escape(text("planning.click_map"))}</p>')

    def add() -> None:
        assert place is not None
        lon, lat = round(place[0], 6), round(place[1], 6)
        values = given_fields(opened, layer, key=f"new-{number}")
        if _add(opened, lambda _: PlaceAdded(layer, number, lon, lat, values), hint="planning.cannot_add"):
            forget_click()

    st.button(
        text("planning.add_place"), key="planning_add", type="primary", on_click=add, disabled=place is None,
        width="stretch",
    )  # fmt: skip


def _edit_place(opened: Workspace, who: Person) -> None:
    layer = _layer_select(opened, place_layers(opened), "planning_edit_layer")
    places = {each.id: each for each in place_choices(opened, who, draft(opened, who), layer)}
    names = told_apart({number: unturned(each.name or number) for number, each in places.items()})
    kept = str(st.session_state.get(_PLACE, ""))
    key = f"planning-place-{layer}-{kept}-{language()}"

    def keep() -> None:
        st.session_state[_PLACE] = st.session_state[key]

    chosen = st.selectbox(
        text("planning.place"), list(places), index=list(places).index(kept) if kept in places else None,
        format_func=lambda number: names[number], placeholder=text("planning.choose_place"), key=key, on_change=keep,
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen is None:
        st.html(f'<p class="gg-caution">{escape(text("planning.click_place"))}</p>')
        return
    _place_form(opened, layer, places[chosen])


def _place_form(opened: Workspace, layer: str, place: PlaceChoice) -> None:
    key = f"edit-{place.id}"
    field_inputs(opened, layer, key=key, now=place.attributes)

    def change() -> None:
        given = given_fields(opened, layer, key=key)
        values = {name: value for name, value in given.items() if value != place.attributes.get(name)}
        _add(opened, lambda _: PlaceChanged(layer, place.id, values), hint="planning.nothing_changed")

    def remove() -> None:
        if _add(opened, lambda _: PlaceRemoved(layer, place.id), hint="planning.cannot_add"):
            st.session_state.pop(_PLACE, None)

    left, right = st.columns(2, gap="small")
    left.button(text("planning.change_place"), key="planning_change", type="primary", on_click=change, width="stretch")
    right.button(text("planning.remove_place"), key="planning_remove", on_click=remove, width="stretch")


def _close_roads(_opened: Workspace, _who: Person) -> None:
    kind = st.segmented_control(
        text("roads.kind"), ["closed", "slowed"], default=st.session_state.get("planning-slow", "closed"),
        format_func=lambda each: text(f"roads.{each}"), key=f"planning-slow-{language()}", required=True,
        width="stretch", label_visibility="collapsed",
    )  # fmt: skip
    st.session_state["planning-slow"] = kind
    if kind == "slowed":
        st.slider(text("roads.percent"), 10, 90, 30, 10, key="planning-percent")
    _draw_buttons(("line", "polygon"))
    st.caption(text("planning.draw_roads"))


def _take_area(opened: Workspace, _who: Person) -> None:
    _layer_select(opened, area_layers(opened), "planning_area_layer")
    _draw_buttons(("polygon",))
    st.caption(text("planning.draw_area"))


def _draw_buttons(kinds: tuple[str, ...]) -> None:
    for column, kind in zip(st.columns(len(kinds), gap="small"), kinds, strict=True):
        column.button(
            text(f"planning.draw_{kind}"), key=f"planning_draw_{kind}", type="primary", on_click=begin_drawing,
            args=(kind,), width="stretch",
        )  # fmt: skip


def _population(opened: Workspace, _who: Person) -> None:
    names = {
        code: name_in(name, language()) for code, name in division_names(opened).items() if len(code) == _STREET_DIGITS
    }
    areas = st.multiselect(
        text("planning.areas"), list(names), format_func=lambda code: names[code] or code,
        placeholder=text("planning.everywhere"), key=f"planning-areas-{language()}",
    )  # fmt: skip
    percent = st.number_input(text("planning.people_percent"), 0, 1000, 120, 5, key="planning-people")

    def add() -> None:
        _add(opened, lambda _: PopulationScaled(percent / 100, tuple(areas)), hint="planning.cannot_add")

    st.button(text("planning.add"), key="planning_add", type="primary", on_click=add, width="stretch")


def _speeds(opened: Workspace, _who: Person) -> None:
    names = opened.spec("roads").class_names if opened.has("roads") else {}
    classes = st.multiselect(
        text("planning.highways"), [each for each in _ROADS if each in names],
        format_func=lambda each: names[each][language()], placeholder=text("planning.all_roads"),
        key=f"planning-highways-{language()}",
    )  # fmt: skip
    percent = st.number_input(text("planning.speed_percent"), 5, 300, 80, 5, key="planning-speed")

    def add() -> None:
        _add(opened, lambda _: SpeedsScaled(percent / 100, tuple(classes)), hint="planning.no_such_roads")

    st.button(text("planning.add"), key="planning_add", type="primary", on_click=add, width="stretch")


def _version(opened: Workspace, _who: Person) -> None:
    older = _older(opened)
    layer = _layer_select(opened, tuple(older), "planning_version_layer")
    version = st.selectbox(text("planning.version"), older[layer], key=f"planning-version-{layer}")

    def add() -> None:
        _add(opened, lambda _: VersionUsed(layer, str(version)), hint="planning.cannot_add")

    st.button(text("planning.add"), key="planning_add", type="primary", on_click=add, width="stretch")


def _older(opened: Workspace) -> dict[str, list[str]]:
    """Return the versions of layers that are not in use."""
    found = {}
    for layer in opened.layer_ids:
        used = opened.entry(layer).version
        others = [entry.version for entry in opened.versions(layer) if entry.version != used and not entry.withdrawn_at]
        if others:
            found[layer] = others
    return found


def _list(opened: Workspace, who: Person) -> None:
    """List what is changed, each with a button that takes it back."""
    now = draft(opened, who)
    sizes = closure_sizes(opened, who, now)
    lines = [closure_line(each, size) for each, size in zip(now.closures, sizes, strict=True)]
    lines += [change_line(opened, each) for each in now.changes]
    st.html(f'<div class="gg-list-head">{escape(text("planning.changes", n=len(lines)))}</div>')
    if not lines:
        st.caption(text("planning.no_changes"))
        return
    with st.container(key="planning_changes"):
        for number, (what, more) in enumerate(lines):
            words, drop = st.columns([0.88, 0.12], gap="small", vertical_alignment="center")
            words.html(f'<div class="gg-change"><b>{escape(what)}</b><small>{escape(more)}</small></div>')
            drop.button(
                "✕", key=f"drop-{number}-{len(lines)}", help=text("planning.drop"), on_click=drop_change,
                args=(opened, number),
            )  # fmt: skip
    st.button(text("planning.begin_anew"), key="planning_new", on_click=open_draft, args=(None,))


_FORMS: Mapping[str, Callable[[Workspace, Person], None]] = {
    "add_place": _add_place,
    "edit_place": _edit_place,
    "close_roads": _close_roads,
    "take_area": _take_area,
    "population": _population,
    "speeds": _speeds,
    "version": _version,
}
