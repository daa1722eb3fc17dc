"""A report taken down by staff at the place that is selected on the map."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import streamlit as st

from app.widgets.doing import attempt
from app.widgets.frame import language, signed_in, text
from app.widgets.selection import Selection
from app.widgets.wording import class_text
from gridgov.model.incident_record import IncidentRecord
from gridgov.operations.reporting import SOURCES, ReportForm, report_incident
from gridgov.workspace import Workspace


def new_incident(
    opened: Workspace, selection: Selection, *, active: bool, on_reported: Callable[[IncidentRecord], None]
) -> None:
    """Draw the button that opens the form, or the form."""
    if st.session_state.get("new_incident") is None:
        st.button(text("console.new_incident"), key="new_on", on_click=_open, disabled=not active, width="stretch")
        return
    classes = opened.incident_profile.classes
    with st.form("new_incident_form", border=True):
        st.selectbox(
            text("case.class"),
            list(classes),
            index=None,
            format_func=lambda code: class_text(classes[code].names),
            placeholder=text("case.class"),
            key=_key("class"),
        )
        st.text_area(text("case.note"), key=_key("description"), height=76)
        st.text_input(text("case.address"), key=_key("address"))
        severity, source = st.columns(2, gap="small")
        severity.selectbox(
            text("case.severity"), [1, 2, 3, 4], index=1, format_func=_severity_name, key=_key("severity")
        )
        source.selectbox(
            text("case.source"), SOURCES, index=SOURCES.index("hotline"), format_func=_source_name, key=_key("source")
        )
        name, phone = st.columns(2, gap="small")
        name.text_input(text("case.reporter_name"), key=_key("name"))
        phone.text_input(text("case.reporter_phone"), key=_key("phone"))
        st.form_submit_button(
            text("case.report"),
            type="primary",
            on_click=_report,
            args=(opened, selection, on_reported),
            disabled=not active,
        )
    st.button(text("case.cancel"), key="new_off", on_click=_close)


def _report(opened: Workspace, selection: Selection, on_reported: Callable[[IncidentRecord], None]) -> None:
    form = ReportForm(
        class_code=_given("class"),
        lon=selection.lon,
        lat=selection.lat,
        description=_given("description"),
        address=_given("address"),
        severity=int(_given("severity") or 2),
        source=_given("source"),
        reporter_name=_given("name"),
        reporter_phone=_given("phone"),
    )
    key = str(st.session_state["new_incident"])  # a second press of the button is the same report
    record = attempt(lambda: report_incident(opened, signed_in(), form, idempotency_key=key), hint="case.error_report")
    if record is not None:
        _close()
        on_reported(record)


def _open() -> None:
    st.session_state["new_incident"] = uuid4().hex


def _close() -> None:
    for name in [str(key) for key in st.session_state if str(key).startswith("new-")]:
        del st.session_state[name]
    st.session_state["new_incident"] = None


def _given(name: str) -> str:
    value = st.session_state.get(_key(name))
    return "" if value is None else str(value)


def _key(name: str) -> str:
    return f"new-{name}-{language()}"


def _severity_name(severity: int) -> str:
    return text(f"console.severity_{severity}")


def _source_name(source: str) -> str:
    return text(f"console.source_{source}")
