"""空间分析: this part of the planner's page: one tool at a time, its question and its answer on the map."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.widgets.choices import kept_choice
from app.widgets.frame import text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import choose
from app.widgets.planning_layers import overlay_tool, red_lines_tool
from app.widgets.planning_nearness import nearness_tool
from app.widgets.planning_rasters import change_tool, zonal_tool
from app.widgets.planning_suitability import suitability_tool
from gridgov.model.rights import Person
from gridgov.workspace import Workspace

MATRIX_TOOL = "change"
"""Its table holds every class beside every other."""
_CHOSEN = "planning_tool"
_TOOLS: Mapping[str, Callable[[Workspace, Person, Show], None]] = {
    "overlay": overlay_tool,
    "zonal": zonal_tool,
    "change": change_tool,
    "red_lines": red_lines_tool,
    "suitability": suitability_tool,
    "nearness": nearness_tool,
}


def analysis_tool() -> str:
    """Return the tool that is chosen."""
    return kept_choice(_CHOSEN) or next(iter(_TOOLS))


def analysis_part(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel and the map."""
    tool = choose(
        text("planning_parts.tool"), list(_TOOLS), name=_CHOSEN,
        show=lambda name: text(f"planning_parts.tool_{name}"),
    )  # fmt: skip
    _TOOLS[tool](opened, who, show)
