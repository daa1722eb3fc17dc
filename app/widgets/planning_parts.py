"""The parts of the planner's page: one is chosen above the panel and kept in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app.widgets.choices import choose_part
from app.widgets.frame import text
from app.widgets.planning_analysis import MATRIX_TOOL, analysis_part, analysis_tool
from app.widgets.planning_hotspots import hotspots_part
from app.widgets.planning_map import PlanningMap
from app.widgets.planning_redesign import redesign_part
from app.widgets.planning_scenarios import COMPARE, scenario_step, scenarios_part
from app.widgets.planning_siting import siting_part
from gridgov.model.rights import Person
from gridgov.workspace import Workspace

PARTS: Mapping[str, Callable[[Workspace, Person, PlanningMap], None]] = {
    "scenarios": scenarios_part,
    "analysis": analysis_part,
    "siting": siting_part,
    "redesign": redesign_part,
    "hotspots": hotspots_part,
}
"""Part → what draws its panel, and the map once through `Show`."""
_PART = "planning_part"
_PANEL, _WIDE_PANEL = 0.265, 0.37  # of the page's width; a table of two scenarios or of all classes needs more


def planning_part() -> str:
    """Return the part that is chosen; the address may name one."""
    named = str(st.session_state.get(_PART) or st.query_params.get("part") or "")
    return named if named in PARTS else next(iter(PARTS))


def panel_share() -> float:
    """Return how much of the page's width the panel takes."""
    wide = {"scenarios": scenario_step() == COMPARE, "analysis": analysis_tool() == MATRIX_TOOL}
    return _WIDE_PANEL if wide.get(planning_part()) else _PANEL


def choose_planning_part() -> str:
    """Draw the choice of parts and return the one chosen."""
    chosen = planning_part()

    def keep(part: str) -> None:
        st.session_state[_PART] = part
        st.query_params["part"] = part

    choose_part(
        "planning_parts",
        list(PARTS),
        chosen,
        label=text("planning.title"),
        show=lambda part: text(f"planning.part_{part}"),
        keep=keep,
    )
    return chosen
