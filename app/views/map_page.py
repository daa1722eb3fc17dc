"""The console's map: click an incident or any place, see the facts and the nearest workers with their routes."""

import streamlit as st
from streamlit_folium import st_folium

from app.widgets.frame import language, workspace
from app.widgets.incidents import incident_list
from app.widgets.place import place_panel
from app.widgets.selection import Selection, ask_zoom, asked_zoom, choose_from_list, clear, current, take_click
from app.widgets.workers import ask_dispatch, chosen_rank, workers_panel
from gridgov.maps import console_map, plan_group
from gridgov.operations.mapping import console_view, grid_outline, place_group, plan_frame
from gridgov.operations.situation import district_facts

MAP_KEY = "console_map"
FRAME_PX = 690  # the style sheet stretches it to the window

opened, lang = workspace(), language()
take_click(opened, st.session_state.get(MAP_KEY))
selection: Selection | None = current(opened)

map_column, panel = st.columns([0.74, 0.26], gap="small")
with panel, st.container(key="panel"):
    plan = None
    if selection is None:
        incident_list(opened, lang, district_facts(opened), on_select=choose_from_list)
    else:
        st.button("✕", key="clear", on_click=clear, help=None)
        facts = place_panel(opened, lang, selection)
        plan = ask_dispatch(opened, lang, selection)
        if plan is not None:
            workers_panel(plan, lang, on_zoom=lambda: ask_zoom(plan_frame(plan)))

groups = []
if selection is not None:
    if facts.grid is not None:
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
