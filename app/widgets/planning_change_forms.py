"""The inputs of every kind of change: a new one is added, one that is edited is put in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import streamlit as st

from app.widgets.choices import told_apart
from app.widgets.doing import say
from app.widgets.drawing import begin_drawing
from app.widgets.frame import language, signed_in, text
from app.widgets.planning_draft import (
    add_change,
    draft,
    edit_key,
    edited_change,
    edited_number,
    end_edit,
)
from app.widgets.planning_fields import field_inputs, given_fields
from app.widgets.selection import clicked, forget_click
from app.widgets.wording import unturned
from gridgov.model.changes import (
    AreaAdded,
    PlaceAdded,
    PlaceChanged,
    PlaceRemoved,
    PopulationScaled,
    SpeedsScaled,
    VersionUsed,
)
from gridgov.model.closures import Closure
from gridgov.model.rights import Person
from gridgov.operations.scenario_drafts import PLACE_KINDS, PlaceChoice, before_change, free_id, place_choices
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

Form = Callable[[Workspace, Person], None]
PLACE = "planning_place"
_ROADS = ("primary", "secondary", "tertiary", "unclassified", "residential", "trunk", "motorway")
_STREET_DIGITS = 9
_PERCENT = 30  # of their usual speed, at which roads are slow


def place_layers(opened: Workspace) -> tuple[str, ...]:
    """Return the layers of places that a scenario may change."""
    return tuple(layer for kind in PLACE_KINDS for layer in opened.of_kind(kind))


def area_layers(opened: Workspace) -> tuple[str, ...]:
    """Return the layers of land of which areas may be taken, or which may gain some."""
    groups = {"natural_resources", "planning"}
    return tuple(
        layer
        for layer in opened.layer_ids
        if opened.spec(layer).geometry == "polygon" and opened.spec(layer).group in groups
    )


def older_versions(opened: Workspace) -> dict[str, list[str]]:
    """Return the versions of layers that are not in use."""
    found = {}
    for layer in opened.layer_ids:
        used = opened.entry(layer).version
        others = [entry.version for entry in opened.versions(layer) if entry.version != used and not entry.withdrawn_at]
        if others:
            found[layer] = others
    return found


def add(opened: Workspace, make: Callable[[Any], Any], *, hint: str) -> bool:
    """Add or replace a change and say so."""
    said = "planning.added" if edited_number() is None else "planning.applied"
    done = add_change(opened, make, hint=hint)
    if done:
        say(text(said))
    return done


def done_button(label: str, act: Callable[[], object], *, ready: bool = True) -> None:
    """Draw the button that adds a change; of one that is edited, that puts it in its place, and one that leaves it."""
    is_new = edited_number() is None
    name = text(label if is_new else "planning.apply")
    st.button(name, key="planning_add", type="primary", on_click=act, disabled=not ready, width="stretch")
    leave_button()


def leave_button() -> None:
    """Draw the button that leaves the change that is edited as it is."""
    if edited_number() is not None:
        st.button(text("planning.leave"), key="planning_leave", on_click=end_edit, width="stretch")


def draw_buttons(kinds: Sequence[str], *, ready: bool = True) -> None:
    """Draw the buttons that let the map draw."""
    for column, kind in zip(st.columns(len(kinds), gap="small"), kinds, strict=True):
        column.button(
            text(f"planning.draw_{kind}"), key=f"planning_draw_{kind}", type="primary", on_click=begin_drawing,
            args=(kind,), width="stretch", disabled=not ready,
        )  # fmt: skip


def layer_select(opened: Workspace, layers: tuple[str, ...], key: str) -> str:
    """Draw the choice of a layer; it outlives a change of language. A change that is edited stays in its layer."""
    own = getattr(edited_change(opened, signed_in()), "layer", None)
    if own is not None:
        st.html(f'<div class="gg-list-head">{escape(opened.spec(own).name(language()))}</div>')
        return str(own)
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


def new_area(opened: Workspace, geometry: Mapping[str, Any]) -> bool:
    """Add a drawn area, or give the one that is edited another border."""
    who = signed_in()
    own = edited_change(opened, who)
    layer = own.layer if isinstance(own, AreaAdded) else str(st.session_state.get("planning_new_area_layer", ""))
    number = own.id if isinstance(own, AreaAdded) else free_id(draft(opened, who), "area")
    values = given_fields(opened, layer, key=f"area-{number}{edit_key()}")
    return add(opened, lambda _: AreaAdded(layer, number, geometry, values), hint="planning.cannot_add")


def closed_roads(opened: Workspace, geometry: Mapping[str, Any] | None = None) -> bool:
    """Close the roads that were drawn, or change the closure that is edited."""
    slow = str(st.session_state.get(f"planning-slow{edit_key()}", "closed"))
    percent = float(st.session_state.get(f"planning-percent{edit_key()}", _PERCENT))
    factor = 0.0 if slow == "closed" else percent / 100
    own = edited_change(opened, signed_in())

    def make(now: Any) -> Closure:
        if not isinstance(own, Closure):
            return Closure(free_id(now, "change"), geometry=geometry, factor=factor)
        if geometry is None:
            return replace(own, factor=factor)
        return replace(own, factor=factor, geometry=geometry, edges=(), topology="")

    return add(opened, make, hint="planning.no_road_there")


def _add_place(opened: Workspace, who: Person) -> None:
    own = edited_change(opened, who)
    own = own if isinstance(own, PlaceAdded) else None
    layer = layer_select(opened, place_layers(opened), "planning_new_layer")
    number = own.id if own is not None else free_id(draft(opened, who), "new")
    key = f"new-{number}{edit_key()}"
    field_inputs(opened, layer, key=key, now=None if own is None else own.attributes)
    place = clicked() or (None if own is None else (own.lon, own.lat))
    if clicked() is None:
        said = text("planning.click_map" if own is None else "planning.click_moves")
        st.html(f'<p class="gg-caution">{escape(said)}</p>')

    def act() -> None:
        assert place is not None
        lon, lat = round(place[0], 6), round(place[1], 6)
        values = given_fields(opened, layer, key=key)
        if add(opened, lambda _: PlaceAdded(layer, number, lon, lat, values), hint="planning.cannot_add"):
            forget_click()

    done_button("planning.add_place", act, ready=place is not None)


def _edit_place(opened: Workspace, who: Person) -> None:
    layer = layer_select(opened, place_layers(opened), "planning_edit_layer")
    own, now = edited_change(opened, who), draft(opened, who)
    if isinstance(own, PlaceChanged | PlaceRemoved):  # as it was when the turn of this change came
        rest = before_change(now, edited_number() or 0)
        places = {each.id: each for each in place_choices(opened, who, rest, layer)}
        chosen: str | None = own.id
        st.html(f'<div class="gg-card"><b>{escape(unturned(places[own.id].name or own.id))}</b></div>')
    else:
        places = {each.id: each for each in place_choices(opened, who, now, layer)}
        chosen = _choose_place(layer, places)
    if chosen is None:
        st.html(f'<p class="gg-caution">{escape(text("planning.click_place"))}</p>')
        return
    given = own.attributes if isinstance(own, PlaceChanged) else {}
    _place_form(opened, layer, places[chosen], {**places[chosen].attributes, **given})


def _choose_place(layer: str, places: Mapping[str, PlaceChoice]) -> str | None:
    names = told_apart({number: unturned(each.name or number) for number, each in places.items()})
    kept = str(st.session_state.get(PLACE, ""))
    key = f"planning-place-{layer}-{kept}-{language()}"

    def keep() -> None:
        st.session_state[PLACE] = st.session_state[key]

    return st.selectbox(
        text("planning.place"), list(places), index=list(places).index(kept) if kept in places else None,
        format_func=lambda number: names[number], placeholder=text("planning.choose_place"), key=key, on_change=keep,
        label_visibility="collapsed",
    )  # fmt: skip


def _place_form(opened: Workspace, layer: str, place: PlaceChoice, values: Mapping[str, Any]) -> None:
    key = f"edit-{place.id}{edit_key()}"
    field_inputs(opened, layer, key=key, now=values)

    def change() -> None:
        given = given_fields(opened, layer, key=key)
        other = {name: value for name, value in given.items() if value != place.attributes.get(name)}
        add(opened, lambda _: PlaceChanged(layer, place.id, other), hint="planning.nothing_changed")

    def remove() -> None:
        if add(opened, lambda _: PlaceRemoved(layer, place.id), hint="planning.cannot_add"):
            st.session_state.pop(PLACE, None)

    left, right = st.columns(2, gap="small")
    left.button(text("planning.change_place"), key="planning_change", type="primary", on_click=change, width="stretch")
    right.button(text("planning.remove_place"), key="planning_remove", on_click=remove, width="stretch")
    leave_button()


def _close_roads(opened: Workspace, who: Person) -> None:
    own, end = edited_change(opened, who), edit_key()
    factor = own.factor if isinstance(own, Closure) else None
    usual = st.session_state.get("planning-slow", "closed") if factor is None else "slowed" if factor else "closed"
    kind = st.segmented_control(
        text("roads.kind"), ["closed", "slowed"], default=usual, format_func=lambda each: text(f"roads.{each}"),
        key=f"planning-slow-{language()}{end}", required=True, width="stretch", label_visibility="collapsed",
    )  # fmt: skip
    st.session_state[f"planning-slow{end}"] = kind
    if kind == "slowed":
        percent = _PERCENT if not factor else min(max(round(10 * factor) * 10, 10), 90)
        st.slider(text("roads.percent"), 10, 90, percent, 10, key=f"planning-percent{end}")
    draw_buttons(("line", "polygon"))
    st.caption(text("planning.draw_roads" if factor is None else "planning.draw_again"))
    if factor is not None:
        done_button("planning.add", lambda: closed_roads(opened))


def _take_area(opened: Workspace, _who: Person) -> None:
    layer_select(opened, area_layers(opened), "planning_area_layer")
    draw_buttons(("polygon",))
    st.caption(text("planning.draw_area" if edited_number() is None else "planning.draw_again"))
    leave_button()


def _add_area(opened: Workspace, who: Person) -> None:
    own = edited_change(opened, who)
    own = own if isinstance(own, AreaAdded) else None
    layer = layer_select(opened, area_layers(opened), "planning_new_area_layer")
    number = own.id if own is not None else free_id(draft(opened, who), "area")
    field_inputs(opened, layer, key=f"area-{number}{edit_key()}", now=None if own is None else own.attributes)
    draw_buttons(("polygon",))
    if own is None:
        st.caption(text("planning.draw_new_area"))
        return
    border = own.geometry
    st.caption(text("planning.draw_again"))
    done_button("planning.add", lambda: new_area(opened, border))


def _population(opened: Workspace, who: Person) -> None:
    own = edited_change(opened, who)
    own = own if isinstance(own, PopulationScaled) else None
    names = {
        code: name_in(name, language()) for code, name in division_names(opened).items() if len(code) == _STREET_DIGITS
    }
    known = [code for code in (own.areas if own else ()) if code in names]
    areas = st.multiselect(
        text("planning.areas"), list(names), default=known, format_func=lambda code: names[code] or code,
        placeholder=text("planning.everywhere"), key=f"planning-areas-{language()}{edit_key()}",
    )  # fmt: skip
    start = round(100 * own.factor) if own else 120
    percent = st.number_input(text("planning.people_percent"), 0, 1000, start, 5, key=f"planning-people{edit_key()}")

    def act() -> None:
        add(opened, lambda _: PopulationScaled(percent / 100, tuple(areas)), hint="planning.cannot_add")

    done_button("planning.add", act)


def _speeds(opened: Workspace, who: Person) -> None:
    own = edited_change(opened, who)
    own = own if isinstance(own, SpeedsScaled) else None
    names = opened.spec("roads").class_names if opened.has("roads") else {}
    options = [each for each in (*_ROADS, *(own.highways if own else ())) if each in names]
    classes = st.multiselect(
        text("planning.highways"), list(dict.fromkeys(options)), default=list(own.highways) if own else [],
        format_func=lambda each: names[each][language()], placeholder=text("planning.all_roads"),
        key=f"planning-highways-{language()}{edit_key()}",
    )  # fmt: skip
    start = round(100 * own.factor) if own else 80
    percent = st.number_input(text("planning.speed_percent"), 5, 300, start, 5, key=f"planning-speed{edit_key()}")

    def act() -> None:
        add(opened, lambda _: SpeedsScaled(percent / 100, tuple(classes)), hint="planning.no_such_roads")

    done_button("planning.add", act)


def _version(opened: Workspace, who: Person) -> None:
    older, own = older_versions(opened), edited_change(opened, who)
    layer = layer_select(opened, tuple(older), "planning_version_layer")
    versions = older.get(layer, [])
    kept = own.version if isinstance(own, VersionUsed) else ""
    version = st.selectbox(
        text("planning.version"), versions, index=versions.index(kept) if kept in versions else 0,
        format_func=lambda each: opened.entry(f"{layer}@{each}").date or each,
        key=f"planning-version-{layer}{edit_key()}",
    )  # fmt: skip

    def act() -> None:
        add(opened, lambda _: VersionUsed(layer, str(version)), hint="planning.cannot_add")

    done_button("planning.add", act, ready=bool(versions))


FORMS: Mapping[str, Form] = {
    "add_place": _add_place,
    "edit_place": _edit_place,
    "close_roads": _close_roads,
    "add_area": _add_area,
    "take_area": _take_area,
    "population": _population,
    "speeds": _speeds,
    "version": _version,
}
