"""The worklist beside the map when nothing is selected: four numbers, filters, and the incidents that fit them."""

from __future__ import annotations

from contextlib import nullcontext

import streamlit as st

from app.widgets.choices import skill_name
from app.widgets.filters import draw_filters, filtered_query, is_filtered, search_words, show_only
from app.widgets.frame import language, person, text
from app.widgets.selection import choose_incident, choose_place
from app.widgets.wording import SEVERITY_SIGNS, class_text, lamp_badge, left_text, plain, state_text, waiting_text
from gridgov.errors import RightsError, StorageError
from gridgov.model.rights import Person, Right, may
from gridgov.operations.situation import name_in
from gridgov.operations.worklists import (
    PAGE,
    ReadyWorker,
    WorklistNumbers,
    WorklistRow,
    ready_workers,
    worklist,
    worklist_numbers,
)
from gridgov.workspace import Workspace

_REFRESH_S = 12
_LIST_PX = 500


@st.fragment(run_every=_REFRESH_S)
def worklist_panel(opened: Workspace) -> None:
    """Draw the list; it looks again by itself, and neither place nor filters move. Choosing a row selects it."""
    who = person()
    try:
        ready = ready_workers(opened, who)
        _numbers(worklist_numbers(opened, who), len(ready) if may(who, Right.WORKER_READ) else None)
        if st.session_state.get("panel_shows") == "workers":
            place = _ready_list(ready)
            if place is not None:
                choose_place(place.lon, place.lat)
                st.rerun()
        elif (chosen := _list(opened, who)) is not None:
            choose_incident(opened, who, chosen)
            st.rerun()
    except RightsError:
        st.info(text("worklist.not_yours"))
    except StorageError:
        st.warning(text("console.store_lost"))


def _numbers(numbers: WorklistNumbers, ready: int | None) -> None:
    """Draw the numbers; each opens what it counts."""
    shown = [("open", numbers.open), ("late", numbers.late), ("to_do", numbers.to_do), ("ready", ready)]
    with st.container(key="numbers"):
        for column, (name, value) in zip(st.columns(4, gap="small"), shown, strict=True):
            column.button(
                f"**{'–' if value is None else f'{value:,}'}** {text(f'worklist.{name}')}",
                key=f"number-{name}",
                on_click=show_only,
                args=(name,),
                disabled=value is None,
                width="stretch",
            )


def _ready_list(ready: tuple[ReadyWorker, ...]) -> ReadyWorker | None:
    st.button(text("worklist.back"), key="to_incidents", on_click=show_only, args=("open",), type="tertiary")
    if not ready:
        st.info(text("worklist.nobody_ready"))
        return None
    rows = {worker.worker_id: worker for worker in ready}
    with st.container(height=_LIST_PX, key="worklist"):
        chosen = st.radio(
            text("worklist.ready"),
            list(rows),
            index=None,
            format_func=lambda i: plain(f"{rows[i].name or i} · {text(f'dispatch.mode.{rows[i].mode}')}"),
            captions=[plain(" · ".join([row.shift, *map(skill_name, row.skills)])) for row in ready],
            label_visibility="collapsed",
            key=f"ready-{language()}",
            width="stretch",
        )
    return None if chosen is None else rows[chosen]


def _list(opened: Workspace, who: Person) -> str | None:
    draw_filters(opened, who)
    if may(who, Right.INCIDENT_DISPATCH) and may(who, Right.DISPATCH_PLAN) and opened.has_network:
        st.page_link(st.session_state["batch_page"], label=text("batch.open"), query_params={"lang": language()})
    shown = st.session_state.setdefault("worklist_shown", PAGE)
    words = search_words()
    with st.spinner(text("worklist.searching")) if words else nullcontext():
        found = worklist(opened, who, filtered_query(limit=shown), text=words)
    if not found.rows:
        st.info(text("worklist.nothing" if is_filtered() else "worklist.none_open"))
        return None
    rows = {row.incident_id: row for row in found.rows}
    with st.container(height=_LIST_PX, key="worklist"):
        chosen = st.radio(
            text("worklist.open"),
            list(rows),
            index=None,
            format_func=lambda i: _first_line(rows[i]),
            captions=[_second_line(row) for row in rows.values()],
            label_visibility="collapsed",
            key=f"worklist-{language()}",
            width="stretch",
        )
        if found.total > len(rows):
            st.button(text("worklist.more", n=PAGE), key="more", on_click=_show_more, width="stretch")
    st.caption(text("worklist.count", total=f"{found.total:,}", shown=f"{len(rows):,}"))
    return chosen


def _show_more() -> None:
    st.session_state["worklist_shown"] = st.session_state.get("worklist_shown", PAGE) + PAGE


def _first_line(row: WorklistRow) -> str:
    alarm = f" :red-badge[{text('worklist.emergency')}]" if row.emergency else ""
    return f"{SEVERITY_SIGNS.get(row.severity, '·')} {plain(class_text(row.class_names))} {lamp_badge(row.lamp)}{alarm}"


def _second_line(row: WorklistRow) -> str:
    clock = ""
    if row.left_s is not None:
        clock = left_text(row.left_s, work_time=row.work_time)
    elif row.state.is_open:
        clock = waiting_text(row.reported_at)
    parts = [state_text(row.state), clock, name_in(dict(row.street_names), language())]
    return plain(" · ".join(part for part in parts if part))
