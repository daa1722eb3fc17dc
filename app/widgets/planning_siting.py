"""可达与选址: this part of the planner's page: how soon people are there, and where one more would serve best."""

from __future__ import annotations

import streamlit as st

from app.widgets.choices import choose_part
from app.widgets.frame import text
from app.widgets.map_frame import Show
from app.widgets.planning_access import access_view
from app.widgets.planning_new_sites import sites_view
from gridgov.model.rights import Person
from gridgov.workspace import Workspace

_VIEWS = {"access": access_view, "sites": sites_view}
_KEPT = "planning_siting_view"


def siting_part(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel and the map."""
    if not opened.has("grids") or not opened.has_network:
        show([])
        st.info(text("planning_parts.needs_roads"))
        return
    chosen = str(st.session_state.get(_KEPT, "access"))

    def keep(view: str) -> None:
        st.session_state[_KEPT] = view

    choose_part(
        "views", list(_VIEWS), chosen, label=text("planning_parts.view"),
        show=lambda view: text(f"planning_parts.view_{view}"), keep=keep,
    )  # fmt: skip
    _VIEWS[chosen](opened, who, show)
