"""应急指挥: the commander's page: hazard, impact, shelters, plan and orders beside a map that shows them in time."""

import streamlit as st
from streamlit_folium import st_folium

from app.widgets.drawing import take_drawing
from app.widgets.emergency_panel import emergency_groups, emergency_panel, take_inputs
from app.widgets.frame import language, person, workspace
from app.widgets.selection import asked_zoom
from gridgov.maps import console_map
from gridgov.operations.mapping import console_view

MAP_KEY = "emergency_map"
FRAME_PX = 690  # the style sheet stretches it to the window

opened, lang, who = workspace(), language(), person()
returned = st.session_state.get(MAP_KEY)
take_drawing(returned)
take_inputs(opened, who, returned)

map_column, panel = st.columns([0.735, 0.265], gap="small")
groups = emergency_groups(opened, who)  # the map first: it asks for the numbers while the panel is drawn
centre, zoom = asked_zoom()
with map_column, st.container(key="map"):
    st_folium(
        console_map(console_view(opened, lang)),
        key=MAP_KEY,
        height=FRAME_PX,
        use_container_width=True,
        returned_objects=["last_clicked", "all_drawings"],
        center=centre,
        zoom=zoom,
        feature_group_to_add=groups or None,
    )
with panel, st.container(key="panel"):
    emergency_panel(opened, who)
