"""热点: this part of the planner's page."""

from __future__ import annotations

import streamlit as st

from app.widgets.frame import text
from app.widgets.map_frame import Show
from gridgov.model.rights import Person
from gridgov.workspace import Workspace


def hotspots_part(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel and the map."""
    show([])
    st.info(text("planning.nothing_yet"))
