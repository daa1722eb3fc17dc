"""The map of the page: what it has returned, and how the panel's mode puts something over it.

Drawing the map sends it to the browser at once, so a mode hands over what lies on it as soon as that is known, before
the lists and figures of the panel: they are then painted side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import folium
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_folium import st_folium

from app.widgets.frame import language
from app.widgets.selection import asked_zoom
from gridgov.maps import MapView, console_map
from gridgov.operations.mapping import console_view
from gridgov.workspace import Workspace

Groups = list[folium.FeatureGroup]
Show = Callable[[Groups], None]
"""Draws the map, with groups over it; each mode calls it once in a run of the page."""

_KEY = "console_map"
_FRAME_PX = 690  # the style sheet stretches it to the window


def returned_by_map() -> dict[str, Any] | None:
    """Return what the map has told last: the last click, the last shape drawn."""
    told: dict[str, Any] | None = st.session_state.get(_KEY)
    return told


def show_map(
    opened: Workspace, place: DeltaGenerator, groups: Groups, *, key: str = _KEY, view: MapView | None = None
) -> None:
    """Draw the map in its place; the view moves only where that was asked for before."""
    centre, zoom = asked_zoom()
    with place, st.container(key="map"):
        st_folium(
            console_map(view or console_view(opened, language())),
            key=key,
            height=_FRAME_PX,
            use_container_width=True,
            returned_objects=["last_clicked", "all_drawings"],
            center=centre,
            zoom=zoom,
            feature_group_to_add=groups or None,
        )
