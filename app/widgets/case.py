"""The head of a selected incident: what it is, its lamp and deadline, who is responsible, who handles it."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.frame import language, person, text
from app.widgets.wording import class_text, facts_html, lamp_html, left_text, moment_text, plain, state_text, unturned
from gridgov.errors import GridgovError, StorageError
from gridgov.model.incident_record import IncidentRecord
from gridgov.operations.agencies import agency_name
from gridgov.operations.incidents import person_name, read_incident
from gridgov.operations.worklists import class_names, counts_work_time, left_s
from gridgov.workspace import Workspace

_REFRESH_S = 12


def case_head(opened: Workspace, record: IncidentRecord) -> None:
    """Draw the head of an incident; it follows the clock, and the page follows what others do with the incident."""
    _head(opened, record.id, record.version)


@st.fragment(run_every=_REFRESH_S)
def _head(opened: Workspace, incident_id: str, seen_version: int) -> None:
    try:
        record = read_incident(opened, person(), incident_id)
    except StorageError:
        st.warning(text("console.store_lost"))
        return
    except GridgovError:
        st.warning(text("console.unknown_incident", id=plain(incident_id)))
        return
    if record.version != seen_version:
        st.rerun()
    st.html(_title(opened, record) + _clock_line(opened, record) + _words(record))


def case_facts(opened: Workspace, record: IncidentRecord) -> list[tuple[str, str]]:
    """Return the facts of an incident itself, name codes and values."""
    handler = person_name(opened, record.handler) if record.handler else text("case.nobody")
    return [
        ("case.agency", agency_text(opened, record.agency)),
        ("case.handler", handler if handler == record.handler else f"{handler} · {record.handler}".rstrip(" ·")),
        ("case.resolution", record.resolution),
        ("case.end_reason", record.end_reason),
        ("case.address", record.address),
        ("console.field_position", f"{record.lon:.5f}, {record.lat:.5f}"),
    ]


def agency_text(opened: Workspace, agency: str) -> str:
    """Return the name of an agency in the language of the page."""
    return agency_name(opened, agency, language()) if agency else ""


def _title(opened: Workspace, record: IncidentRecord) -> str:
    badge = text(f"console.severity_{record.severity}") if record.severity else text("console.unknown")
    alarm = f'<i class="gg-alarm">{escape(text("worklist.emergency"))}</i>' if record.emergency else ""
    source = text(f"console.source_{record.source}") if record.source else ""
    parts = [record.id, state_text(record.state), moment_text(record.reported_at), source]
    return (
        f'<div class="gg-head"><i class="gg-severity s{record.severity}">{escape(badge)}</i>'
        f"<b>{escape(class_text(class_names(opened, record)))}</b>{alarm}</div>"
        f'<div class="gg-sub">{escape(" · ".join(part for part in parts if part))}</div>'
    )


def _clock_line(opened: Workspace, record: IncidentRecord) -> str:
    now = opened.now()
    lamp, left_now = record.lamp(now), left_s(record, now, opened.incident_clock)
    if lamp is None:
        return ""
    left = "" if left_now is None else left_text(left_now, work_time=counts_work_time(record))
    due = f"{text('case.due')} {moment_text(record.due_at)}"
    return f'<div class="gg-due">{lamp_html(lamp)} <b>{escape(left)}</b> <span>{escape(due)}</span></div>'


def _words(record: IncidentRecord) -> str:
    merged = text("case.merged_into", id=record.merged_into) if record.merged_into else ""
    lines = [line for line in (record.description, merged) if line]
    return "".join(f'<div class="gg-text" tabindex="0">{escape(unturned(line))}</div>' for line in lines)


def draw_case_facts(opened: Workspace, record: IncidentRecord, more: list[tuple[str, str]] | None = None) -> None:
    """Draw the facts of an incident and of its place."""
    st.html(facts_html([*case_facts(opened, record), *(more or [])]))
