"""What the moves of an incident ask for: reason, words, photos, a limit, another incident, what filing corrects."""

from __future__ import annotations

import streamlit as st

from app.widgets.frame import language, signed_in, text
from app.widgets.wording import class_text
from gridgov.errors import GridgovError
from gridgov.model.clock import Limit, LimitUnit
from gridgov.model.incident_life import Action
from gridgov.model.incident_record import IncidentRecord
from gridgov.operations.incidents import duplicates_of
from gridgov.operations.moving import NEEDS, MoveArguments
from gridgov.operations.photos import MAX_PHOTOS, add_photo
from gridgov.workspace import Workspace

_USUAL = ""


def given_inputs(opened: Workspace, record: IncidentRecord, action: Action) -> None:
    """Draw what a move needs; what is typed stays until the move is done."""
    needs = NEEDS[action]
    if "reason" in needs:
        st.text_area(text("case.reason"), key=_key(record, action, "reason"), height=76)
    if "note" in needs:
        st.text_area(text("case.note"), key=_key(record, action, "note"), height=76)
    if "photos" in needs:
        st.file_uploader(
            text("case.photos"),
            type=["jpg", "jpeg", "png", "webp"],
            accept_multiple_files=True,
            key=_key(record, action, "photos"),
        )
    if "limit" in needs:
        limit_inputs(record, action)
    if "into" in needs:
        _into_input(opened, record, action)


def given_of(opened: Workspace, record: IncidentRecord, action: Action) -> MoveArguments:
    """Return what was given for a move; pictures are taken in now."""
    if action is Action.FILE:
        return _filing(record)
    files = st.session_state.get(_key(record, action, "photos")) or []
    return MoveArguments(
        reason=str(_value(record, action, "reason") or ""),
        note=str(_value(record, action, "note") or ""),
        into=str(_value(record, action, "into") or "").strip(),
        limit=limit_of(record, action) if "limit" in NEEDS[action] else None,
        photos=tuple(add_photo(opened, signed_in(), file.getvalue()) for file in files[: MAX_PHOTOS + 1]),
    )


def filing_inputs(opened: Workspace, record: IncidentRecord) -> None:
    """Draw what whoever files an incident may find otherwise: class, condition, severity, agency."""
    profile, key = opened.incident_profile, f"in-{record.id}-{Action.FILE}"
    codes = list(profile.classes)
    if record.class_code not in codes:
        codes.insert(0, record.class_code)
    code = st.selectbox(
        text("case.class"),
        codes,
        index=codes.index(record.class_code),
        format_func=lambda c: class_text(profile.classes[c].names) if c in profile.classes else c,
        key=f"{key}-class_code",
    )
    known = profile.classes.get(str(code))
    names = {limit.condition: limit.names for limit in known.limits} if known else {}
    st.selectbox(
        text("case.condition"),
        [_USUAL, *(known.conditions if known else ())],
        format_func=lambda c: class_text(names[c]) or c if c else text("case.usual_condition"),
        key=f"{key}-condition",
    )
    st.selectbox(
        text("case.severity"),
        [1, 2, 3, 4],
        index=max(record.severity, 1) - 1,
        format_func=lambda s: text(f"console.severity_{s}"),
        key=f"{key}-severity",
    )
    st.selectbox(
        text("case.agency"),
        [_USUAL, *profile.agencies],
        format_func=lambda a: profile.agencies[a][language()] if a else text("case.agency_of_class"),
        key=f"{key}-agency",
    )


def limit_inputs(record: IncidentRecord, action: Action) -> None:
    """Draw an amount of time and its unit."""
    units = [record.limit.unit] if record.limit is not None else list(LimitUnit)
    amount, unit = st.columns(2, gap="small")
    amount.number_input(
        text("case.amount"),
        min_value=0.5,
        max_value=1000.0,
        value=4.0,
        step=0.5,
        format="%g",
        key=_key(record, action, "amount"),
    )
    unit.selectbox(
        text("case.unit"), units, format_func=lambda u: text(f"incident.unit.{u}"), key=_key(record, action, "unit")
    )


def limit_of(record: IncidentRecord, action: Action) -> Limit | None:
    """Return the limit that was given; None where none was asked for."""
    amount, unit = _value(record, action, "amount"), _value(record, action, "unit")
    return None if amount is None or unit is None else Limit(float(str(amount)), LimitUnit(str(unit)))


def _into_input(opened: Workspace, record: IncidentRecord, action: Action) -> None:
    try:
        near = duplicates_of(opened, signed_in(), record.id)
    except GridgovError:
        near = []
    st.selectbox(
        text("case.into"),
        [other.incident_id for other in near],
        index=0 if near else None,
        accept_new_options=True,
        placeholder=text("case.into"),
        key=_key(record, action, "into"),
    )


def _filing(record: IncidentRecord) -> MoveArguments:
    given = {name: _value(record, Action.FILE, name) for name in ("class_code", "condition", "severity", "agency")}
    if given["severity"] is None:  # the inputs were never drawn
        return MoveArguments()
    return MoveArguments(
        class_code=str(given["class_code"] or ""),
        condition=str(given["condition"] or ""),
        severity=int(str(given["severity"])),
        agency=str(given["agency"] or ""),
    )


def _key(record: IncidentRecord, action: Action, name: str) -> str:
    return f"in-{record.id}-{action}-{name}"


def _value(record: IncidentRecord, action: Action, name: str) -> object:
    return st.session_state.get(_key(record, action, name))
