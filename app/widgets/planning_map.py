"""The map of the planner's page: a part calls it once with what lies over it, or draws maps of its own in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_folium import st_folium

from app.widgets.frame import language
from app.widgets.map_frame import Groups, show_map
from gridgov.maps import console_map
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.model.rights import Person
from gridgov.operations.scenario_map import comparison_view, planning_view
from gridgov.workspace import Workspace

MAP_KEY = "planning_map"
_HEIGHT_PX = 330  # the style sheet stretches it to the window


@dataclass(frozen=True)
class PlanningMap:
    """Where the map stands; called with groups it draws the map with them."""

    opened: Workspace
    who: Person
    place: DeltaGenerator

    def __call__(self, groups: Groups) -> None:
        """Draw the planner's map with groups over it."""
        show_map(self.opened, self.place, groups, key=MAP_KEY, view=planning_view(self.opened, self.who, language()))


@dataclass(frozen=True)
class SmallMap:
    """One of several maps: its key, what stands over it, what lies on it."""

    key: str
    title: str
    overlays: Sequence[Overlay]
    folded: bool = False


def small_map(opened: Workspace, who: Person, place: DeltaGenerator, given: SmallMap) -> None:
    """Draw a map beside others; it tells the page nothing, so that moving it costs no run of the page."""
    with place, st.container(key=given.key, gap=None):
        st.html(f'<div class="gg-map-title">{given.title}</div>')
        st_folium(
            console_map(comparison_view(opened, who, language(), folded=given.folded)),
            key=f"small-{given.key}",
            height=_HEIGHT_PX,
            use_container_width=True,
            returned_objects=[],
            feature_group_to_add=[overlay_group(overlay) for overlay in given.overlays],
        )
