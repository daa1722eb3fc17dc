"""规划: the planner's page: scenarios, analysis, access and siting, redesign, hot spots; the map beside its panel."""

import streamlit as st

from app.widgets.doing import show_said
from app.widgets.drawing import take_drawing
from app.widgets.frame import person, workspace
from app.widgets.planning_map import MAP_KEY, PlanningMap
from app.widgets.planning_parts import PARTS, choose_planning_part, panel_share
from app.widgets.selection import take_click

opened, who = workspace(), person()
returned = st.session_state.get(MAP_KEY)
take_drawing(returned)
take_click(opened, who, returned, select=False)

share = panel_share()
map_column, panel = st.columns([1 - share, share], gap="small")
with panel, st.container(key="panel"):
    part = choose_planning_part()
    show_said()
    PARTS[part](opened, who, PlanningMap(opened, who, map_column))
