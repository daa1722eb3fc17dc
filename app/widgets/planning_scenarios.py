"""方案: a scenario is put together on the map, asked its question, kept, and compared with another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app.widgets.choices import choose_part
from app.widgets.doing import show_said
from app.widgets.frame import text
from app.widgets.planning_changes import changes_step, take_place, take_shapes
from app.widgets.planning_compare import compare_step
from app.widgets.planning_draft import draft, draft_version, rename_draft
from app.widgets.planning_kept import kept_step
from app.widgets.planning_map import PlanningMap
from app.widgets.planning_question import question_step, take_hazard
from gridgov.model.rights import Person
from gridgov.workspace import Workspace

COMPARE = "compare"
_STEP = "planning_step"
_DRAW: Mapping[str, Callable[[Workspace, Person, PlanningMap], None]] = {
    "changes": changes_step,
    "question": question_step,
    COMPARE: compare_step,
    "kept": kept_step,
}


def scenario_step() -> str:
    """Return the step that the panel shows; the address may name one."""
    named = str(st.session_state.get(_STEP) or st.query_params.get("step") or "")
    return named if named in _DRAW else next(iter(_DRAW))


def scenarios_part(opened: Workspace, who: Person, show: PlanningMap) -> None:
    """Draw the panel and the map."""
    if not (opened.has("grids") and opened.has_network):
        show([])
        st.info(text("planning.no_roads"))
        return
    take_shapes(opened)
    take_hazard(opened)
    take_place(opened, who)
    show_said()  # what became of a drawing or a click
    _name(opened, who)
    _choose_step()
    _DRAW[scenario_step()](opened, who, show)


def _name(opened: Workspace, who: Person) -> None:
    key = f"planning-name-{draft_version()}"

    def keep() -> None:
        rename_draft(opened, who, str(st.session_state[key]))

    st.text_input(
        text("planning.name"), value=draft(opened, who).name, max_chars=80, key=key, on_change=keep,
        placeholder=text("planning.name"), label_visibility="collapsed",
    )  # fmt: skip


def _choose_step() -> None:
    def keep(step: str) -> None:
        st.session_state[_STEP] = step
        st.query_params["step"] = step

    choose_part(
        "steps",
        list(_DRAW),
        scenario_step(),
        label=text("planning.part_scenarios"),
        show=lambda step: text(f"planning.step_{step}"),
        keep=keep,
    )
