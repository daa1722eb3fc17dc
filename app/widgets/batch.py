"""Assign all: ask for the plan, say what it is worth, show it as a table."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from app.widgets.batch_changes import changed_orders, changes, forget_changes
from app.widgets.doing import sentence_of
from app.widgets.frame import language, text
from app.widgets.wording import class_text
from gridgov.errors import GridgovError
from gridgov.model.assignments import Assignment, AssignmentPlan
from gridgov.model.rights import Person
from gridgov.operations.assigning import AssignmentParams, AssignmentQuery, assign
from gridgov.operations.batches import class_names_of
from gridgov.operations.incidents import person_name
from gridgov.workspace import Workspace

_ROW_PX, _MOST_PX = 35, 430


def ask_plan(opened: Workspace, who: Person) -> AssignmentPlan | None:
    """Draw what the plan is made by, and return the plan: it stays until it is asked for anew."""
    with st.container(key="batch_ask", horizontal=True, vertical_alignment="bottom", gap="small"):
        capacity = st.number_input(text("batch.capacity"), 1, 20, 1, key=f"batch_capacity-{language()}", width=170)
        under_way = st.checkbox(text("batch.under_way"), key=f"batch_under_way-{language()}")
        any_skill = st.checkbox(text("override.any_skill"), key=f"batch_any_skill-{language()}")
        again = st.button(text("batch.again"), key="batch_again", width="content")
    if again or "batch_plan" not in st.session_state:
        params = AssignmentParams(capacity=int(capacity))
        query = AssignmentQuery(include_under_way=under_way, any_skill=any_skill, params=params)
        forget_changes()
        st.session_state.pop("batch_plan", None)
        try:
            with st.spinner(text("batch.working")):
                st.session_state["batch_plan"] = assign(opened, who, query)
        except GridgovError as error:
            st.warning(sentence_of(error) if opened.has_network else text("console.no_roads"))
    return st.session_state.get("batch_plan")


def plan_head(plan: AssignmentPlan) -> None:
    """Say what the plan is worth, and who stays without a worker and why."""
    lang = language()
    if not plan.assignments and not plan.unassigned:
        st.info(text("assignment.nothing"))
        return
    st.html('<ul class="gg-steps">' + "".join(f"<li>{escape(line)}</li>" for line in plan.texts(lang)) + "</ul>")
    if plan.unassigned:
        with st.expander(text("batch.unserved", count=len(plan.unassigned)), expanded=len(plan.unassigned) <= 3):
            lines = [left.text(lang) for left in plan.unassigned]
            st.html('<ul class="gg-steps">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def plan_table(opened: Workspace, plan: AssignmentPlan) -> list[str]:
    """Draw the plan and return the incidents whose rows are chosen."""
    if not plan.assignments:
        return []
    names = class_names_of(opened, [one.incident_id for one in plan.assignments])
    taken = Counter(order.worker_id for order in changed_orders(plan))
    rows = [_row(opened, one, class_text(names[one.incident_id]), taken) for one in plan.assignments]
    shown = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=min(_MOST_PX, _ROW_PX * (len(rows) + 1) + 3),
        column_config={text("batch.column.worker"): st.column_config.Column(width="medium")},
        on_select="rerun",
        selection_mode="multi-row",
        key=f"batch_table-{language()}",
    )
    picked = shown["selection"]["rows"]
    return [plan.assignments[row].incident_id for row in picked if row < len(plan.assignments)]


def _row(opened: Workspace, one: Assignment, name: str, taken: Counter[str]) -> dict[str, Any]:
    changed = changes().get(one.incident_id)
    worker = person_name(opened, one.worker_id if changed is None else changed.worker_id)
    time_ms = one.travel_time_ms
    if changed is not None and changed.proposal is not None and changed.proposal.handler_ms is not None:
        time_ms = changed.proposal.handler_ms
    state = "kept" if one.kept else "moved" if one.moved_from else "new"
    state = state if changed is None else "shared" if taken[changed.worker_id] > 1 else "changed"
    return {
        text("batch.column.incident"): f"{name} {one.incident_id}",
        text("batch.column.worker"): worker + ("" if changed is None else f" ← {person_name(opened, one.worker_id)}"),
        text("batch.column.minutes"): round(time_ms / 60_000, 1),
        text("batch.column.runner_up"): person_name(opened, one.runner_up) if one.runner_up else "–",
        text("batch.column.difference"): None if one.difference_ms is None else round(one.difference_ms / 1000),
        text("batch.column.flip"): None if one.flip_ms is None else round(one.flip_ms / 1000, 3),
        text("batch.column.state"): text(f"batch.{state}"),
    }
