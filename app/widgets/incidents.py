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
_ROWS = 100
_LIST_PX = 500


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
    now, ids = opened.now(), shown["incident_id"].tolist()
    rows = dict(zip(ids, shown.itertuples(index=False), strict=True))
    with st.container(height=_LIST_PX, key="worklist"):
        chosen = st.radio(
            text("console.fact_open"),
            ids,
            index=None,
            format_func=lambda i: f"{_SEVERITY_SIGNS.get(rows[i].severity, '·')} {rows[i].class_label}",
            captions=[f"{_state(rows[i].state)} · {_age(now, rows[i].reported_at)}" for i in ids],
            label_visibility="collapsed",
            key=f"worklist-{lang}",
            width="stretch",
        )
    if len(worklist) > _ROWS:
        st.caption(text("console.list_cut", shown=_ROWS, count=f"{len(worklist):,}"))
    if chosen is not None:
        on_select(opened, chosen)
        st.rerun()


def _state(state: str) -> str:
    return text(f"console.state_{state}") if state else text("console.unknown")


def _age(now: datetime, reported_at: datetime | None) -> str:
    """Return how long ago, in the largest fitting unit."""
    if reported_at is None:
        return text("console.unknown")
    minutes = int((now - reported_at).total_seconds() // 60)
    if minutes < 60:
        return text("console.age_minutes", n=minutes)
    if minutes < 48 * 60:
        return text("console.age_hours", n=minutes // 60)
    return text("console.age_days", n=minutes // 1440)
