"""The mode of incidents: the worklist, or the incident or place that is selected, with who can go there."""

from __future__ import annotations

import streamlit as st

from app.widgets.doing import show_said
from app.widgets.frame import language, may_write, text
from app.widgets.incident_panel import incident_panel
from app.widgets.map_frame import Groups, Show
from app.widgets.new_incident import new_incident
from app.widgets.place import place_head, place_rows
from app.widgets.selection import Selection, ask_zoom, choose_incident, clear, current, unknown_incident
from app.widgets.wording import facts_html, plain
from app.widgets.workers import ask_dispatch, asked_dispatch, chosen_rank, workers_panel
from app.widgets.worklist import worklist_panel
from gridgov.errors import GridgovError
from gridgov.maps import plan_group
from gridgov.model import DispatchPlan
from gridgov.model.rights import Person, Right, may
from gridgov.operations.incidents import read_incident
from gridgov.operations.mapping import grid_outline, place_group, plan_frame
from gridgov.operations.situation import PlaceFacts, place_facts
from gridgov.workspace import Workspace


def incident_mode(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel, then over the map the selected place, its grid, the plan: what is chosen in the panel counts."""
    selection = current(opened, who)
    if selection is None:
        show_said()
        if unknown := unknown_incident():
            st.warning(text("console.unknown_incident", id=plain(unknown[:40])))
        worklist_panel(opened)
        show([])
        return
    st.button(text("worklist.back"), key="clear", on_click=clear)
    facts = place_facts(opened, selection.lon, selection.lat)
    draw = _place if selection.incident_id is None else _incident
    show(_groups(opened, selection, facts, draw(opened, who, selection, facts)))


def selection_groups(opened: Workspace, who: Person) -> Groups:
    """Return what the selection lays over the map while the panel shows something else: the plan follows the roads."""
    selection = current(opened, who)
    if selection is None:
        return []
    facts = place_facts(opened, selection.lon, selection.lat)
    return _groups(opened, selection, facts, asked_dispatch(opened, who, selection))


def _incident(opened: Workspace, who: Person, selection: Selection, facts: PlaceFacts) -> DispatchPlan | None:
    try:
        record = read_incident(opened, who, str(selection.incident_id))
    except GridgovError:
        st.warning(text("console.unknown_incident", id=plain(str(selection.incident_id))))
        return None
    rows = place_rows(opened, language(), facts)
    return incident_panel(opened, who, record, rows, on_zoom=lambda plan: ask_zoom(plan_frame(plan)))


def _place(opened: Workspace, who: Person, selection: Selection, facts: PlaceFacts) -> DispatchPlan | None:
    place_head(opened, who, selection)
    show_said()
    if may(who, Right.INCIDENT_REPORT):
        new_incident(
            opened, selection, active=may_write(), on_reported=lambda done: choose_incident(opened, who, done.id)
        )
    st.html(facts_html(place_rows(opened, language(), facts)))
    if not may(who, Right.DISPATCH_PLAN) or st.session_state.get("new_incident") is not None:
        return None
    plan = ask_dispatch(opened, who, selection)
    if plan is not None:
        workers_panel(opened, plan, language(), on_zoom=lambda: ask_zoom(plan_frame(plan)))
    return plan


def _groups(opened: Workspace, selection: Selection, facts: PlaceFacts, plan: DispatchPlan | None) -> Groups:
    outline = [] if facts.grid is None else [grid_outline(opened, facts.grid.grid_code)]
    if plan is None:
        return [*outline, place_group(selection.lon, selection.lat)]
    return [*outline, plan_group(plan, language(), chosen=chosen_rank(plan))]
