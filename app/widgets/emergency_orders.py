"""Step five: give the orders of a plan, write them as sheet, table, files and warning, call them back."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape

import streamlit as st

from app.widgets.doing import attempt, say, sentence_of
from app.widgets.emergency_impact import Line, lines_html
from app.widgets.emergency_state import Emergency
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.wording import facts_html, moment_text
from gridgov.errors import GridgovError
from gridgov.model.cap import to_xml
from gridgov.model.evacuations import ORDERED, PLANNED, REPLACED
from gridgov.model.rights import Person, Right, may
from gridgov.operations.door_rounds import door_progress, issue_door_tasks
from gridgov.operations.emergency import grid_names, worker_names
from gridgov.operations.evacuating import (
    LATENESS_BORNE,
    RecordedEvacuation,
    give_orders,
    lateness_s,
    withdraw_evacuation,
)
from gridgov.operations.incidents import person_name
from gridgov.operations.orders import FORMATS, OrderFormat, door_tasks_of, order_file, orders_of, warning_of
from gridgov.workspace import Workspace

_LOOK_AGAIN_S = 5.0
_NAMED = 5
_MIME = {
    "html": "text/html",
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "gpx": "application/gpx+xml",
}


def orders_step(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the step."""
    recorded = emergency.plan
    if recorded is None:
        st.info(text("emergency.no_plan_yet"))
        return
    _state(opened, recorded)
    writes = may(who, Right.EVACUATION_WRITE)
    if writes and recorded.status == PLANNED:
        _give(opened, recorded)
    if writes and recorded.status == ORDERED:
        _round(opened, recorded)
    _files(opened, who, recorded, warning=writes)
    if writes:
        _doors(opened, recorded)
        if may_write() and recorded.status != REPLACED:
            _call_back(opened, recorded)


def _state(opened: Workspace, recorded: RecordedEvacuation) -> None:
    given = recorded.status == ORDERED
    st.html(
        f'<div class="gg-order {recorded.status}"><b>{escape(text(f"emergency.state_{recorded.status}"))}</b>'
        f"<span>{escape(text('emergency.fact_number'))} {escape(recorded.evacuation.evacuation_id)}</span></div>"
    )
    rows = [
        ("emergency.fact_by", f"{person_name(opened, recorded.by)} · {moment_text(recorded.at)}"),
        ("emergency.leave_at", moment_text(recorded.leave_at) if given else ""),
        ("emergency.note", recorded.note),
    ]
    st.html(facts_html(rows))


def _give(opened: Workspace, recorded: RecordedEvacuation) -> None:
    """Ask once more, then give the orders."""
    number = recorded.evacuation.evacuation_id
    minutes = st.number_input(text("emergency.leave_in"), 0, 1440, 0, 5, key=f"leave-{number}")
    note = st.text_input(text("emergency.note"), key=f"note-{number}", placeholder=text("emergency.note_example"))
    leave_at = opened.now() + timedelta(minutes=int(minutes))
    in_time = _in_time(opened, recorded, leave_at)
    persons = recorded.evacuation.persons - recorded.evacuation.unmet_persons
    sure = st.checkbox(text("emergency.sure", persons=f"{round(persons):,}"), key=f"sure-{number}")
    st.button(
        text("emergency.give_orders"),
        key="give_orders",
        type="primary",
        width="stretch",
        disabled=not (sure and in_time and may_write()),
        on_click=_do_give,
        args=(opened, number, leave_at, note or ""),
    )


def _in_time(opened: Workspace, recorded: RecordedEvacuation, leave_at: datetime) -> bool:
    """Say how much too late people come who leave then; return whether it can be ordered all the same."""
    late_s = lateness_s(opened, signed_in(), recorded, leave_at)
    if late_s <= 0:
        return True
    borne = late_s <= LATENESS_BORNE.total_seconds()
    said = text("emergency.slightly_late" if borne else "emergency.too_late", minutes=math.ceil(late_s / 60))
    st.html(f'<p class="gg-said bad" role="alert">{escape(said)}</p>')
    return borne


def _do_give(opened: Workspace, number: str, leave_at: datetime, note: str) -> None:
    done = attempt(lambda: give_orders(opened, signed_in(), number, leave_at=leave_at, note=note))
    if done is not None:
        _send_workers(opened, number, text("emergency.done_ordered", id=number))


def _send_workers(opened: Workspace, number: str, done: str = "") -> None:
    """Give the workers their doors; the orders stand also where that fails, and it can be done again."""
    told = attempt(lambda: issue_door_tasks(opened, signed_in(), number))
    if told is None:
        say(f"{done} {text('emergency.doors_not_sent')}".strip(), good=False)
        return
    sent = text("emergency.doors_sent", workers=f"{told.workers:,}", grids=f"{told.grids:,}")
    say(f"{done} {sent}".strip())


@st.fragment(run_every=_LOOK_AGAIN_S)
def _round(opened: Workspace, recorded: RecordedEvacuation) -> None:
    """Show how far the workers are, who is late and where help is needed; looked at again every few seconds."""
    number = recorded.evacuation.evacuation_id
    try:
        told = door_progress(opened, signed_in(), number)
    except GridgovError as error:
        st.warning(sentence_of(error))
        return
    if not told.grids:
        if may_write():
            st.button(text("emergency.send_workers"), key="send_workers", on_click=_send_workers, args=(opened, number))
        return
    said = text("emergency.doors_done", done=f"{told.done:,}", grids=f"{told.grids:,}", workers=f"{told.workers:,}")
    with st.container(key="door_round"):
        st.progress(told.done / told.grids, text=said)
        names, workers = grid_names(opened, language()), worker_names(opened, signed_in())
        calls: list[Line] = [
            (
                f"{names.get(each.zone_id) or each.zone_id} · {workers.get(each.worker_id) or each.worker_id}",
                "" if each.help_at is None else f"{each.help_at.astimezone(opened.timezone):%H:%M}",
                each.help_note,
            )
            for each in told.calls
        ]
        if calls:
            st.html(f'<p class="gg-said bad" role="alert">{escape(text("emergency.doors_calls", n=len(calls)))}</p>')
            st.html(lines_html(calls, ""))
        if told.late:
            shown = text("roads.between_names").join(names.get(zone) or zone for zone in told.late[:_NAMED])
            late = text("emergency.doors_late", n=f"{len(told.late):,}", named=shown)
            st.html(f'<p class="gg-caution">{escape(late)}</p>')


def _files(opened: Workspace, who: Person, recorded: RecordedEvacuation, *, warning: bool) -> None:
    """Draw what can be taken away; it is made at the click, where nobody can be asked who is signed in any more."""
    number, lang = recorded.evacuation.evacuation_id, language()

    def content(file_format: OrderFormat) -> Callable[[], bytes]:
        return lambda: order_file(opened, who, number, file_format, lang)

    st.html(f'<div class="gg-list-head">{escape(text("emergency.papers"))}</div>')
    with st.container(key="order_files", horizontal=True, gap="small"):
        for file_format in FORMATS:
            st.download_button(
                text(f"emergency.file_{file_format}"), content(file_format), file_name=f"orders-{number}.{file_format}",
                mime=_MIME[file_format], key=f"order-{file_format}", on_click="ignore",
            )  # fmt: skip
        if warning:
            st.download_button(
                text("emergency.file_cap"), lambda: to_xml(warning_of(opened, who, number)),
                file_name=f"warning-{number}.xml", mime="application/cap+xml", key="order-cap", on_click="ignore",
            )  # fmt: skip
    if warning:
        st.caption(text("emergency.cap_means"))


def _doors(opened: Workspace, recorded: RecordedEvacuation) -> None:
    """Say who knocks at which doors; asked for, since it takes a moment."""
    number = recorded.evacuation.evacuation_id
    key = f"doors-{number}"
    with st.expander(text("emergency.doors")):
        if not st.session_state.get(key) and not st.button(text("emergency.show_doors"), key="show_doors"):
            return
        st.session_state[key] = True
        try:
            tasks, left = door_tasks_of(opened, signed_in(), number)
            orders = orders_of(opened, signed_in(), number).orders
        except GridgovError as error:
            st.warning(sentence_of(error))
            return
        lang = language()
        lines: list[Line] = [(task.worker_name, orders.clock(task.before), task.text(lang, orders)) for task in tasks]
        st.html(lines_html(lines, text("emergency.none_here")))
        if left:
            st.html(f'<p class="gg-caution">{escape(text("emergency.doors_left", n=len(left)))}</p>')


def _call_back(opened: Workspace, recorded: RecordedEvacuation) -> None:
    number = recorded.evacuation.evacuation_id
    code = "emergency.call_back" if recorded.status == ORDERED else "emergency.drop_plan"
    with st.popover(text(code)):
        reason = st.text_input(text("emergency.reason"), key=f"back-{number}")
        if st.button(text(code), key="call_back", disabled=not reason.strip()):
            if attempt(lambda: withdraw_evacuation(opened, signed_in(), number, reason=reason)) is not None:
                say(text("emergency.done_back", id=number))
            st.rerun()
