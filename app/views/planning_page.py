"""规划: the planner's page: scenarios, analysis, access and siting, redesign, hot spots; the map beside its panel."""

from functools import partial

import streamlit as st

from app.widgets.doing import show_said
from app.widgets.drawing import take_drawing
from app.widgets.frame import person, workspace
from app.widgets.map_frame import show_map
from app.widgets.planning_parts import PARTS, choose_planning_part
from app.widgets.selection import take_click

MAP_KEY = "planning_map"

opened, who = workspace(), person()
returned = st.session_state.get(MAP_KEY)
take_drawing(returned)
take_click(opened, who, returned, select=False)

map_column, panel = st.columns([0.735, 0.265], gap="small")
with panel, st.container(key="panel"):
    part = choose_planning_part()
    show_said()
    PARTS[part](opened, who, partial(show_map, opened, map_column, key=MAP_KEY))
