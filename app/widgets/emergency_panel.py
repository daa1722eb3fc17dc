"""The panel of the emergency page: which hazard, five steps, an incident or shelter clicked; what lies on the map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.choices import choose_part, told_apart
from app.widgets.doing import show_said
from app.widgets.drawing import drawing_tools
from app.widgets.emergency_hazard import hazard_line, hazard_step
from app.widgets.emergency_impact import impact_step
from app.widgets.emergency_models import take_hazard_drawing
from app.widgets.emergency_orders import orders_step
from app.widgets.emergency_plan import closed_group, plan_step, run_on_map, take_road_drawing, take_run_end, watch_run
from app.widgets.emergency_shelters import shelter_card, shelters_step
from app.widgets.emergency_state import (
    HAZARD_PURPOSE,
    ROAD_PURPOSE,
    STEPS,
    Emergency,
    choose_hazard,
    choose_shelter,
    emergency_of,
    follow_plan,
    go_to,
    is_new_open,
    step_of,
)
from app.widgets.frame import language, may_write, text
from app.widgets.selection import CLICK_M, clicked, take_click
from app.widgets.wording import SEVERITY_SIGNS, plain
from gridgov.errors import GridgovError
from gridgov.maps.hazard_shapes import hazard_overlay
from gridgov.maps.overlays import overlay_group
from gridgov.model.rights import Person, Right, may
from gridgov.operations.emergency import shelter_near
from gridgov.operations.emergency_map import emergency_overlay, prepare_emergency
from gridgov.operations.incidents import read_incident
from gridgov.operations.situation import incident_near
from gridgov.workspace import Workspace

Groups = list[folium.FeatureGroup]
_INCIDENT = "emergency_incident"
_DRAW: Mapping[str, Callable[[Workspace, Person, Emergency], None]] = {
    "hazard": hazard_step,
    "impact": impact_step,
    "shelters": shelters_step,
    "plan": plan_step,
    "orders": orders_step,
}


def take_inputs(opened: Workspace, who: Person, returned: dict[str, Any] | None) -> None:
    """Take a click or a drawing before anything is drawn."""
    before = st.session_state.get("click_taken")
    take_click(opened, who, returned, select=False)
    place = clicked()
    if place is not None and st.session_state.get("click_taken") != before:
        _take_place(opened, who, *place)
    if may(who, Right.HAZARD_WRITE):
        take_hazard_drawing(opened)
    if may(who, Right.EVACUATION_WRITE):
        take_road_drawing(opened)
        take_run_end(opened)


def emergency_groups(opened: Workspace, who: Person) -> Groups:
    """Return what lies over the map: the numbers, the hazard, a plan in time, what to draw with."""
    if not opened.has("grids"):
        return []
    prepare_emergency(opened)
    emergency, lang = emergency_of(opened, who), language()
    follow_plan(emergency)
    run_id = run_on_map(opened, who, emergency)
    instruments = emergency_overlay(
        opened, who, lang, hazard_id=emergency.hazard_id, evacuation_id=emergency.plan_id, run_id=run_id
    )
    shown = [overlay_group(instruments)]
    if emergency.hazard is not None:
        hazard = emergency.hazard
        shown.append(overlay_group(hazard_overlay(hazard.hazard, lang, state=str(hazard.revision))))
    if step_of() == "plan" and emergency.hazard is not None and may(who, Right.EVACUATION_WRITE) and may_write():
        shown += closed_group(opened)
        shown += [] if run_id else [drawing_tools(ROAD_PURPOSE)]
    if step_of() == "hazard" and is_new_open(emergency) and may(who, Right.HAZARD_WRITE) and may_write():
        shown.append(drawing_tools(HAZARD_PURPOSE, kinds=("polygon", "line")))
    return shown


def emergency_panel(opened: Workspace, who: Person) -> None:
    """Draw the panel."""
    if not opened.has("grids"):
        st.info(text("emergency.no_grids"))
        return
    emergency = emergency_of(opened, who)
    show_said()
    _choose_hazard(emergency)
    _incident_card(opened, who)
    if not is_new_open(emergency):
        shelter_card(opened, who, emergency)
    step = _choose_step()
    if step != "plan":
        watch_run(opened, who)
    _DRAW[step](opened, who, emergency)


def _take_place(opened: Workspace, who: Person, lon: float, lat: float) -> None:
    """Keep the incident or the shelter that was clicked."""
    found = incident_near(opened, who, lon, lat, within_m=CLICK_M) if may(who, Right.INCIDENT_READ) else None
    st.session_state[_INCIDENT] = found
    shelter = None if found else shelter_near(opened, who, lon, lat, within_m=CLICK_M)
    choose_shelter("" if shelter is None else shelter.shelter_id)


def _choose_hazard(emergency: Emergency) -> None:
    known = told_apart({each.hazard.hazard_id: hazard_line(each) for each in emergency.hazards})
    if emergency.hazard is None or is_new_open(emergency):
        st.html(f'<div class="gg-head"><b>{escape(text("emergency.title"))}</b></div>')
        return
    key = f"hazard-of-{emergency.hazard_id}-{len(known)}-{language()}"

    def keep() -> None:
        choose_hazard(st.session_state[key])

    st.selectbox(
        text("emergency.hazard"), list(known), index=list(known).index(emergency.hazard_id),
        format_func=lambda i: known[i], key=key, on_change=keep, label_visibility="collapsed",
    )  # fmt: skip


def _choose_step() -> str:
    chosen = step_of()
    choose_part(
        "steps",
        STEPS,
        chosen,
        label=text("emergency.title"),
        show=lambda step: text(f"emergency.step_of_{step}"),
        keep=go_to,
    )
    return chosen


def _incident_card(opened: Workspace, who: Person) -> None:
    """Keep a normal incident within reach: what was clicked, and the way to its panel."""
    number = st.session_state.get(_INCIDENT)
    if not number:
        return
    try:
        record = read_incident(opened, who, str(number))
    except GridgovError:
        st.session_state.pop(_INCIDENT, None)
        return
    line, close = st.columns([0.86, 0.14], gap="small", vertical_alignment="center")
    line.page_link(
        st.session_state["map_page"],
        label=plain(f"{SEVERITY_SIGNS.get(record.severity, '·')} {record.id} · {text('emergency.open_incident')}"),
        query_params={"incident": record.id, "lang": language()},
    )
    close.button("✕", key="close_incident", help=text("emergency.close"), on_click=_forget_incident)


def _forget_incident() -> None:
    st.session_state.pop(_INCIDENT, None)
