"""A new hazard: drawn, from a layer, or computed: flood, gas, fire, landslide; each with the few numbers it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.widgets.choices import told_apart
from app.widgets.doing import attempt, say
from app.widgets.drawing import begin_drawing, drawn, drop_drawing
from app.widgets.emergency_state import HAZARD_PURPOSE, choose_hazard, go_to
from app.widgets.frame import language, signed_in, text, workspace
from app.widgets.selection import clicked
from app.widgets.wording import unturned
from gridgov.errors import GridgovError
from gridgov.model.hazards import Hazard
from gridgov.operations.closure_map import Hazard as HazardArea
from gridgov.operations.closure_map import hazard_areas
from gridgov.operations.emergency import gas_release, river_geometry, river_levels, wind_of
from gridgov.operations.emergency_map import prepare_numbers
from gridgov.operations.hazard_models import (
    compute_fire,
    compute_flood,
    compute_plume,
    compute_slope,
    hazard_numbers,
)
from gridgov.operations.hazards import HazardHeader, draw_hazard
from gridgov.workspace import Workspace

_KINDS = ("drawn", "flood", "plume", "fire", "slope", "layer")
_LEVELS = (1, 2, 3, 4)
_STEPS_OF_SERIES = 6
_HOUR = 3600.0
_USUAL_LEVEL_M = 3.0


def new_hazard(opened: Workspace) -> None:
    """Draw the choice of how a hazard is made, and what that needs."""
    with st.container(key="hazard_kinds"):
        kind = _choice("kind", _available(opened), lambda k: text(f"emergency.new_{k}"))
    name = st.text_input(
        text("emergency.name"), key="hazard-name", placeholder=text("emergency.name"), label_visibility="collapsed"
    )
    _FORMS[kind](opened, (name or "").strip())


def take_hazard_drawing(opened: Workspace) -> bool:
    """Put an area that was drawn as a hazard on the books; return whether there was one. Other models only use it."""
    drawing = drawn(HAZARD_PURPOSE)
    if drawing is None or _value("kind", "drawn") != "drawn" or drawing.geometry.get("type") != "Polygon":
        return False
    name, minutes = str(st.session_state.get("hazard-name") or "").strip(), float(_number("arrival", 0.0))
    header = HazardHeader(name=name, idempotency_key=f"hazard-{drawing.id}")
    made = attempt(
        lambda: draw_hazard(
            opened, signed_in(), drawing.geometry, header, level=int(_value("level", "3")), arrival_s=60 * minutes
        ),
        hint="emergency.cannot_draw",
    )
    _finished(made)
    return True


def _available(opened: Workspace) -> list[str]:
    with_ground = bool(opened.of_kind("elevation"))
    with_areas = bool(opened.of_kind("hazards"))
    needs = {"flood": with_ground, "fire": with_ground, "slope": with_ground, "layer": with_areas}
    return [kind for kind in _KINDS if needs.get(kind, True)]


def _drawn_form(_opened: Workspace, _name: str) -> None:
    _level_choice()
    st.number_input(text("emergency.arrives_in"), 0.0, 2880.0, 0.0, 15.0, format="%g", key="hazard-arrival")
    st.button(
        text("emergency.draw_area"),
        key="draw_hazard",
        type="primary",
        on_click=begin_drawing,
        args=("polygon",),
        width="stretch",
    )
    st.caption(text("emergency.draw_hint"))


def _layer_form(opened: Workspace, name: str) -> None:
    known = {area.hazard_id: area for area in hazard_areas(opened, signed_in())}
    names = told_apart({number: unturned(_area_name(area)) for number, area in known.items()})
    chosen = st.selectbox(
        text("emergency.from_layer"),
        list(known),
        index=None,
        format_func=lambda i: names[i],
        placeholder=text("emergency.from_layer"),
        key=f"hazard-area-{language()}",
    )
    _level_choice()
    if _go(active=chosen is not None, code="emergency.put_on_map"):
        area = known[str(chosen)]
        header = HazardHeader(name=name or _area_name(area))
        level = int(_value("level", "3"))
        _compute(lambda: draw_hazard(opened, signed_in(), area.geometry, header, level=level))


def _flood_form(opened: Workspace, name: str) -> None:
    river, place = river_geometry(opened), _place()
    options = ["river"] if river is not None else []
    options += ["breach"] if place is not None else []
    if not options:
        st.caption(text("emergency.click_breach"))
        return
    where = _choice("flood_source", options, lambda o: text(f"emergency.source_{o}"))
    datum = _choice("datum", ["source", "sea"], lambda d: text(f"emergency.datum_{d}"))
    known = _suggested(opened) if where == "river" and datum == "source" else ()
    usual = known[len(known) // 2] if known else _USUAL_LEVEL_M
    left, right = st.columns(2, gap="small")
    level = left.number_input(
        text("emergency.water_level"), 0.5, 60.0, usual, 0.5, format="%g", key=f"hazard-water-{datum}"
    )
    hours = right.number_input(text("emergency.rises_in"), 0.0, 72.0, 3.0, 0.5, format="%g", key="hazard-rise")
    if known:
        _suggestions(known)
    if len(options) < 2:
        st.caption(text("emergency.click_breach"))
    if _go(active=True):
        series = _series(float(level), float(hours))
        source = river if where == "river" else place
        assert source is not None
        header = HazardHeader(name=name)
        _compute(lambda: compute_flood(opened, signed_in(), source, series, header, datum=datum))  # type: ignore[arg-type]


def _suggested(opened: Workspace) -> tuple[float, ...]:
    """Return the levels above the river that are worth computing; none where the elevation is missing."""
    try:
        return river_levels(opened)
    except GridgovError:
        return ()


def _suggestions(levels: tuple[float, ...]) -> None:
    """Offer levels where nobody knows the river: from a little to much of the land beside it under water."""

    def take(level: float) -> None:
        st.session_state["hazard-water-source"] = level

    with st.container(key="flood_levels", horizontal=True, gap="small", vertical_alignment="center"):
        st.html(f'<span class="gg-sub">{text("emergency.suggested")}</span>')
        for level in levels:
            said = text("emergency.metres", m=f"{level:g}")
            means = text("emergency.suggested_means")
            st.button(said, key=f"level-{level:g}", on_click=take, args=(level,), help=means)


def _series(level: float, hours: float) -> tuple[tuple[float, float], ...]:
    """Return a level that rises evenly; in no time: at once."""
    if hours <= 0:
        return ((0.0, level),)
    steps = range(1, _STEPS_OF_SERIES + 1)
    return tuple((hours * _HOUR * (k - 1) / (_STEPS_OF_SERIES - 1), level * k / _STEPS_OF_SERIES) for k in steps)


def _plume_form(opened: Workspace, name: str) -> None:
    numbers, place = hazard_numbers(opened, signed_in()), _place()
    by_code = {substance.code: substance for substance in numbers.substances}
    code = st.selectbox(
        text("emergency.substance"),
        list(by_code),
        format_func=lambda c: unturned(by_code[c].names.get(language(), c)),
        key=f"hazard-substance-{language()}",
    )
    size = _choice("spill", ["small", "large"], lambda s: text(f"emergency.spill_{s}"))
    wind = _wind()
    _place_line(place, hint="emergency.click_release")
    if _go(active=place is not None):
        lon, lat = place["coordinates"] if place is not None else (0.0, 0.0)
        header = HazardHeader(name=name)
        _compute(
            lambda: compute_plume(
                opened,
                signed_in(),
                gas_release(lon, lat, str(code), wind=wind_of(*wind), large=size == "large"),
                header,
            )
        )


def _fire_form(opened: Workspace, name: str) -> None:
    numbers, place = hazard_numbers(opened, signed_in()), _source()
    fuels = {fuel.code: fuel for fuel in numbers.fuels}
    by_cover = ["cover"] if opened.of_kind("land_cover") else []
    fuel = st.selectbox(
        text("emergency.fuel"),
        [*by_cover, *fuels],
        format_func=lambda c: (
            unturned(fuels[c].names.get(language(), c)) if c in fuels else text("emergency.fuel_cover")
        ),
        key=f"hazard-fuel-{language()}",
    )
    wind = _wind()
    hours = st.number_input(text("emergency.hours_ahead"), 0.5, 48.0, 3.0, 0.5, format="%g", key="hazard-hours")
    _place_line(place)
    if _go(active=place is not None):
        assert place is not None
        code = "" if fuel == "cover" else str(fuel)
        header, until = HazardHeader(name=name), float(hours) * _HOUR
        _compute(lambda: compute_fire(opened, signed_in(), place, wind_of(*wind), header, until_s=until, fuel=code))


def _slope_form(opened: Workspace, name: str) -> None:
    numbers, source = hazard_numbers(opened, signed_in()), _source()
    angle = st.number_input(
        text("emergency.angle"), 3.0, 45.0, float(numbers.reach_angle_deg), 1.0, format="%g", key="hazard-angle"
    )
    if source is None:
        st.button(text("emergency.draw_slope"), key="draw_slope", on_click=begin_drawing, args=("polygon",))
    _place_line(source)
    if _go(active=source is not None):
        assert source is not None
        given = None if float(angle) == float(numbers.reach_angle_deg) else float(angle)
        header = HazardHeader(name=name)
        _compute(lambda: compute_slope(opened, signed_in(), source, header, angle_deg=given))


_FORMS: Mapping[str, Callable[[Workspace, str], None]] = {
    "drawn": _drawn_form,
    "layer": _layer_form,
    "flood": _flood_form,
    "plume": _plume_form,
    "fire": _fire_form,
    "slope": _slope_form,
}


def _place() -> dict[str, Any] | None:
    """Return the place that was clicked on the map."""
    place = clicked()
    return None if place is None else {"type": "Point", "coordinates": list(place)}


def _source() -> Mapping[str, Any] | None:
    """Return what was drawn on the map, else the place that was clicked."""
    drawing = drawn(HAZARD_PURPOSE)
    return drawing.geometry if drawing is not None else _place()


def _place_line(source: Mapping[str, Any] | None, *, hint: str = "emergency.click_place") -> None:
    if source is None:
        st.caption(text(hint))
    elif source["type"] == "Point":
        lon, lat = source["coordinates"]
        st.caption(unturned(text("emergency.place_is", place=f"{lon:.5f}, {lat:.5f}")))
    else:
        st.caption(text("emergency.place_drawn"))


def _wind() -> tuple[float, float]:
    left, right = st.columns(2, gap="small")
    speed = left.number_input(text("emergency.wind_speed"), 0.5, 60.0, 3.0, 0.5, format="%g", key="hazard-wind")
    compass = right.selectbox(
        text("emergency.wind_from"),
        [45 * k for k in range(8)],
        format_func=lambda d: text(f"emergency.compass_{d}"),
        key=f"hazard-compass-{language()}",
    )
    return float(speed), float(compass or 0)


def _level_choice() -> None:
    _choice("level", [str(k) for k in _LEVELS], lambda k: text("emergency.level_short", k=k), default="3")


def _choice(name: str, options: list[str], show: Callable[[str], str], *, default: str = "") -> str:
    """Draw a choice that outlives a change of language; see `_value`."""
    key = f"hazard-{name}-{language()}"
    kept = _value(name, default or options[0])

    def keep() -> None:
        st.session_state[f"hazard_{name}"] = st.session_state[key]

    given = {} if key in st.session_state else {"default": kept if kept in options else options[0]}
    chosen = st.segmented_control(
        text(f"emergency.choose_{name}"),
        options,
        format_func=show,
        key=key,
        required=True,
        on_change=keep,
        label_visibility="collapsed",
        width="stretch",
        **given,
    )
    return str(chosen or options[0])


def _value(name: str, default: str) -> str:
    return str(st.session_state.get(f"hazard_{name}", default))


def _number(name: str, default: float) -> float:
    return float(st.session_state.get(f"hazard-{name}", default))


def _go(*, active: bool, code: str = "emergency.compute_hazard") -> bool:
    return st.button(text(code), key="compute_hazard", type="primary", disabled=not active, width="stretch")


def _compute(make: Callable[[], Hazard]) -> None:
    with st.spinner(text("emergency.computing_hazard")):
        made = attempt(make, hint="emergency.cannot_compute")
    _finished(made)
    st.rerun()


def _finished(made: Hazard | None) -> None:
    if made is None:
        drop_drawing()
        return
    prepare_numbers(workspace(), signed_in(), made.hazard_id)
    choose_hazard(made.hazard_id)
    go_to("impact")
    say(text("emergency.done_hazard", id=made.hazard_id))


def _area_name(area: HazardArea) -> str:
    return " · ".join(part for part in (area.name, area.category_names.get(language(), "")) if part) or area.hazard_id
