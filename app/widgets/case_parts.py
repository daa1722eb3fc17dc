"""Parts of an incident's page: pictures, reporters, extensions and rests, what may be the same incident."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.frame import language, signed_in, text
from app.widgets.moves import move_button
from app.widgets.timeline import photos_html
from app.widgets.wording import action_text, moment_text, state_text
from gridgov.errors import GridgovError
from gridgov.model.clock import Limit
from gridgov.model.incident_life import Action
from gridgov.model.incident_record import IncidentRecord, Reporter
from gridgov.model.rights import Person, Right, may_on
from gridgov.operations.incidents import duplicates_of, person_name, read_incident, read_reporters
from gridgov.operations.moving import MoveArguments
from gridgov.workspace import Workspace


def draw_photos(record: IncidentRecord) -> None:
    """Draw the pictures of the report."""
    if record.photos:
        st.html(f'<div class="gg-photos">{photos_html(record.id, record.photos)}</div>')


def draw_reporters(
    opened: Workspace, who: Person, record: IncidentRecord, moves: tuple[Action, ...], *, active: bool
) -> None:
    """Draw who reported it, masked; who may see them in clear gives a reason, which goes on record."""
    if not record.reporters:
        return
    known = st.session_state.get("reporters", ("", ()))
    shown: tuple[Reporter, ...] = known[1] if known[0] == record.id else record.reporters
    lines = "".join(
        f"<li>{escape(' · '.join(part for part in (one.name, one.phone, moment_text(one.at)) if part))}"
        f"{f' <small>{escape(one.via)}</small>' if one.via not in ('', record.id) else ''}</li>"
        for one in shown
    )
    st.html(f'<div class="gg-part"><b>{escape(text("case.reporters"))}</b><ul>{lines}</ul></div>')
    if Action.UNMASK not in moves or known[0] == record.id or not may_on(who, Right.INCIDENT_UNMASK, record):
        return
    with st.popover(text("case.show_reporters")):
        st.text_input(text("case.reason"), key="unmask_reason")
        st.button(text("case.show"), key="unmask", on_click=_unmask, args=(opened, record.id), disabled=not active)


def draw_stages(opened: Workspace, record: IncidentRecord) -> None:
    """Draw extensions and rests."""
    lines = []
    for asked in record.extensions:
        if asked.granted is None:
            decision = text("case.pending")
        else:
            decision = text(f"incident.event.extension_{'granted' if asked.granted else 'refused'}")
        who = person_name(opened, asked.by)
        lines.append(f"{moment_text(asked.at)} {who} · {limit_text(asked.limit)} · {asked.reason} · {decision}")
    for rest in record.suspensions:
        ended = moment_text(rest.ended_at) if rest.ended_at else text("case.still")
        lines.append(f"{text('incident.state.suspended')} {moment_text(rest.at)} – {ended} · {rest.reason}")
    if lines:
        items = "".join(f"<li>{escape(line)}</li>" for line in lines)
        st.html(f'<div class="gg-part"><b>{escape(text("case.stages"))}</b><ul>{items}</ul></div>')


def draw_duplicates(opened: Workspace, record: IncidentRecord, moves: tuple[Action, ...], *, active: bool) -> None:
    """Draw what was merged into it, what it was merged into, and what may be the same, to merge it into that."""
    for other in [*filter(None, (record.merged_into,)), *record.merged_from]:
        _incident_link(text("case.merged_with", id=other), other)
    if Action.MERGE not in moves:
        return
    try:
        near = duplicates_of(opened, signed_in(), record.id)
    except GridgovError:
        return
    if near:
        st.html(f'<div class="gg-part"><b>{escape(text("case.duplicates"))}</b></div>')
    for found in near:
        try:
            other_record = read_incident(opened, signed_in(), found.incident_id)
        except GridgovError:
            continue
        line, button = st.columns([3, 1], gap="small", vertical_alignment="center")
        away = text("case.apart", metres=f"{found.distance_m:.0f}", hours=f"{found.apart_s / 3600:.1f}")
        with line:
            _incident_link(f"{found.incident_id} · {state_text(other_record.state)} · {away}", found.incident_id)
        with button:
            into = found.incident_id
            title = action_text(Action.MERGE)
            move_button(
                opened,
                record,
                Action.MERGE,
                title,
                given=lambda into=into: MoveArguments(into=into),
                active=active,
                name=into,
            )


def limit_text(limit: Limit) -> str:
    """Return a limit in words."""
    return text(f"incident.limit.{limit.unit}", amount=limit.amount)


def _incident_link(title: str, incident_id: str) -> None:
    given = {"id": incident_id, "lang": language()}
    st.page_link(st.session_state["incident_page"], label=title, query_params=given)


def _unmask(opened: Workspace, incident_id: str) -> None:
    reason = str(st.session_state.get("unmask_reason") or "").strip()
    if not reason:
        say(text("case.reason_needed"), good=False)
        return
    shown = attempt(lambda: read_reporters(opened, signed_in(), incident_id, reason=reason))
    if shown is not None:
        st.session_state["reporters"] = (incident_id, shown)
        st.session_state["unmask_reason"] = ""
