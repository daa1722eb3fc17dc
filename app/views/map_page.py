"""The console's map beside the worklist: choose an incident or any place, see who can go, do the next step."""

import streamlit as st
from streamlit_folium import st_folium

from app.widgets.doing import show_said
from app.widgets.frame import language, may_write, person, text, workspace
from app.widgets.incident_panel import incident_panel
from app.widgets.new_incident import new_incident
from app.widgets.place import place_head, place_rows
from app.widgets.selection import ask_zoom, asked_zoom, choose_incident, clear, current, take_click, unknown_incident
from app.widgets.wording import facts_html, plain
from app.widgets.workers import ask_dispatch, chosen_rank, workers_panel
from app.widgets.worklist import worklist_panel
from gridgov.errors import GridgovError
from gridgov.maps import console_map, plan_group
from gridgov.model.rights import Right, may
from gridgov.operations.incidents import read_incident
from gridgov.operations.mapping import console_view, grid_outline, place_group, plan_frame
from gridgov.operations.situation import place_facts

MAP_KEY = "console_map"
FRAME_PX = 690  # the style sheet stretches it to the window

opened, lang, who = workspace(), language(), person()
take_click(opened, who, st.session_state.get(MAP_KEY))
selection = current(opened, who)

map_column, panel = st.columns([0.735, 0.265], gap="small")
plan = facts = None
with panel, st.container(key="panel"):
    if selection is None:
        show_said()
        if unknown := unknown_incident():
            st.warning(text("console.unknown_incident", id=plain(unknown[:40])))
        worklist_panel(opened)
    else:
        st.button(text("worklist.back"), key="clear", on_click=clear)
        facts = place_facts(opened, selection.lon, selection.lat)
        if selection.incident_id is not None:
            try:
                record = read_incident(opened, who, selection.incident_id)
            except GridgovError:
                st.warning(text("console.unknown_incident", id=plain(selection.incident_id)))
            else:
                plan = incident_panel(
                    opened,
                    who,
                    record,
                    place_rows(opened, lang, facts),
                    on_zoom=lambda plan: ask_zoom(plan_frame(plan)),
                )
        else:
            place_head(opened, who, selection)
            show_said()
            if may(who, Right.INCIDENT_REPORT):
                new_incident(
                    opened,
                    selection,
                    active=may_write(),
                    on_reported=lambda done: choose_incident(opened, who, done.id),
                )
            st.html(facts_html(place_rows(opened, lang, facts)))
            if may(who, Right.DISPATCH_PLAN) and st.session_state.get("new_incident") is None:
                plan = ask_dispatch(opened, who, selection)
                if plan is not None:
                    workers_panel(opened, plan, lang, on_zoom=lambda: ask_zoom(plan_frame(plan)))

groups = []
if selection is not None:
    if facts is not None and facts.grid is not None:
        groups.append(grid_outline(opened, facts.grid.grid_code))
    groups.append(
        plan_group(plan, lang, chosen=chosen_rank(plan))
        if plan is not None
        else place_group(selection.lon, selection.lat)
    )
centre, zoom = asked_zoom()
with map_column, st.container(key="map"):
    st_folium(
        console_map(console_view(opened, lang)),
        key=MAP_KEY,
        height=FRAME_PX,
        use_container_width=True,
        returned_objects=["last_clicked"],
        center=centre,
        zoom=zoom,
        feature_group_to_add=groups or None,
    )
