"""What the panel beside the map is for: a mode is chosen above it and kept in the address.

A new mode is one more entry of `MODES` (who may have it, what draws the panel) and its name, `modes.<mode>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from app.widgets.choices import choose_part
from app.widgets.coverage_panel import coverage_mode
from app.widgets.frame import text
from app.widgets.incident_mode import incident_mode, selection_groups
from app.widgets.map_frame import Groups, Show
from app.widgets.roads_panel import roads_mode
from gridgov.model.rights import Person, Right, may
from gridgov.workspace import Workspace

INCIDENTS = "incidents"


@dataclass(frozen=True)
class Mode:
    """One use of the panel.

    Attributes
    ----------
    allowed : callable
        Whether a person has the mode in a workspace.
    draw : callable
        Draws the panel, and the map through `Show` as soon as it is known what lies over it.
    takes_clicks : bool
        The mode takes clicks on the map itself; otherwise they select an incident or a place.
    """

    allowed: Callable[[Workspace, Person], bool]
    draw: Callable[[Workspace, Person, Show], None]
    takes_clicks: bool = False


def _with_roads(opened: Workspace, who: Person) -> bool:
    return opened.has_network and may(who, Right.LAYER_READ)


MODES: Mapping[str, Mode] = {
    INCIDENTS: Mode(lambda _opened, _who: True, incident_mode),
    "roads": Mode(_with_roads, roads_mode, takes_clicks=True),
    "coverage": Mode(_with_roads, coverage_mode, takes_clicks=True),
}


def mode_of(opened: Workspace, who: Person) -> str:
    """Return the mode of this session; the address may name one."""
    named = st.session_state.get("panel_mode") or st.query_params.get("mode") or INCIDENTS
    return named if named in MODES and MODES[named].allowed(opened, who) else INCIDENTS


def choose_mode(opened: Workspace, who: Person) -> str:
    """Draw the choice of modes, unless there is only one, and return the one chosen."""
    chosen, names = mode_of(opened, who), [name for name, mode in MODES.items() if mode.allowed(opened, who)]
    if len(names) < 2:
        return chosen

    def keep(name: str) -> None:
        st.session_state["panel_mode"] = name
        st.query_params.pop("mode", None)
        if name != INCIDENTS:
            st.query_params["mode"] = name

    choose_part("modes", names, chosen, label=text("modes.title"), show=lambda name: text(f"modes.{name}"), keep=keep)
    return chosen


def draw_mode(mode: str, opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel of a mode and the map; what is selected stays on the map in every mode."""

    def with_selection(groups: Groups) -> None:
        show(groups if mode == INCIDENTS else [*selection_groups(opened, who), *groups])

    MODES[mode].draw(opened, who, with_selection)
