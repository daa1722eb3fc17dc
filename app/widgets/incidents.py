"""The list beside the map when nothing is selected: the district's numbers and the open incidents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import escape

import streamlit as st

from app.widgets.frame import text
from gridgov.i18n import Lang
from gridgov.operations.situation import DistrictFacts, incident_worklist
from gridgov.workspace import Workspace

_SEVERITY_SIGNS = {1: "●", 2: "■", 3: "▲", 4: "★"}  # the shapes of the map
_ROWS = 200


def incident_list(
    opened: Workspace, lang: Lang, facts: DistrictFacts, *, on_select: Callable[[Workspace, str], None]
) -> None:
    """Draw four numbers and the open incidents, the worst and latest first; choosing a row selects the incident."""
    numbers = [
        ("console.fact_open", facts.open_incidents),
        ("console.fact_ready", facts.workers_ready),
        ("console.fact_persons", facts.persons),
        ("console.fact_grids", facts.grids),
    ]
    cells = "".join(
        f'<div class="gg-number"><b>{"–" if value is None else f"{value:,}"}</b><span>{escape(text(code))}</span></div>'
        for code, value in numbers
    )
    st.html(f'<div class="gg-numbers">{cells}</div>')
    st.caption(text("console.hint_click"))
    worklist = incident_worklist(opened, lang)
    if worklist is None:
        st.info(text("console.no_incidents_layer"))
        return
    if worklist.empty:
        st.info(text("console.no_open_incidents"))
        return
    shown = worklist.head(_ROWS)
    now = opened.now()
    table = shown.assign(
        sign=[f"{_SEVERITY_SIGNS.get(s, '·')} {s}" if s else "–" for s in shown["severity"]],
        age=[_age(now, at) for at in shown["reported_at"]],
        state=[text(f"console.state_{state}") if state else "–" for state in shown["state"]],
    )
    event = st.dataframe(
        table[["sign", "class_label", "state", "age"]],
        column_config={
            "sign": st.column_config.TextColumn(text("console.column_severity"), width=50),
            "class_label": st.column_config.TextColumn(text("console.column_class"), width=132),
            "state": st.column_config.TextColumn(text("console.column_state"), width=84),
            "age": st.column_config.TextColumn(text("console.column_age"), width=64),
        },
        hide_index=True,
        height=470,
        row_height=30,
        on_select="rerun",
        selection_mode="single-cell",  # a click anywhere in a row; rows alone would need a column of boxes
        key="incident_table",
    )
    if len(worklist) > _ROWS:
        st.caption(text("console.list_cut", shown=_ROWS, count=len(worklist)))
    if event["selection"]["cells"]:
        row, _column = event["selection"]["cells"][0]
        on_select(opened, str(shown["incident_id"].iloc[row]))
        st.rerun()


def _age(now: datetime, reported_at: datetime | None) -> str:
    """Return how long ago, in the largest fitting unit."""
    if reported_at is None:
        return "–"
    minutes = int((now - reported_at).total_seconds() // 60)
    if minutes < 60:
        return text("console.age_minutes", n=minutes)
    if minutes < 48 * 60:
        return text("console.age_hours", n=minutes // 60)
    return text("console.age_days", n=minutes // 1440)
