"""The console's map beside its panel: incidents, roads or coverage; the panel says what lies over the map."""

from functools import partial

import streamlit as st

from app.widgets.drawing import take_drawing
from app.widgets.frame import person, workspace
from app.widgets.map_frame import returned_by_map, show_map
from app.widgets.modes import MODES, choose_mode, draw_mode, mode_of
from app.widgets.selection import take_click

opened, who = workspace(), person()
take_drawing(returned_by_map())
take_click(opened, who, returned_by_map(), select=not MODES[mode_of(opened, who)].takes_clicks)

map_column, panel = st.columns([0.735, 0.265], gap="small")
with panel, st.container(key="panel"):
    draw_mode(choose_mode(opened, who), opened, who, partial(show_map, opened, map_column))
