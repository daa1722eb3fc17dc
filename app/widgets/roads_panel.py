"""The mode of roads: what is closed, draw a closure and see at once what it changes, close, open again, scenarios."""

from __future__ import annotations

import streamlit as st

from app.widgets.closure_draft import PURPOSE, area_of_closure, draft_panel
from app.widgets.closure_list import closure_list, hazard_choice, is_chosen, refreshed_closures
from app.widgets.doing import show_said
from app.widgets.drawing import begin_drawing, drawing_tools
from app.widgets.frame import may_write, text
from app.widgets.map_frame import Groups, Show
from gridgov.model.rights import Person, Right, may
from gridgov.workspace import Workspace


def roads_mode(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel, and over the map the tools and what a draft or a chosen closure changes."""
    show_said()
    draws = (may(who, Right.CLOSURE_WRITE) or may(who, Right.SCENARIO_WRITE)) and may_write()

    def with_tools(groups: Groups) -> None:
        tools = [drawing_tools(PURPOSE)] if draws else []
        show([refreshed_closures(opened, who), *groups, *tools])

    area = area_of_closure() if draws else None
    if area is not None:
        draft_panel(opened, who, area, with_tools)
        return
    if draws and not is_chosen():
        _draw_buttons(opened, who)
    closure_list(opened, who, with_tools)


def _draw_buttons(opened: Workspace, who: Person) -> None:
    with st.container(key="draw_buttons"):
        line, area, hazard = st.columns([1, 1, 1.15], gap="small")
        line.button(text("drawing.line"), key="draw_line", on_click=begin_drawing, args=("line",), width="stretch")
        area.button(
            text("drawing.polygon"), key="draw_polygon", on_click=begin_drawing, args=("polygon",), width="stretch"
        )
        with hazard:
            hazard_choice(opened, who)
