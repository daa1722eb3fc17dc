"""The audit trail: who did what to what and when, newest first; the checkpoint of its end, and what it is good for."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from app.widgets.frame import language, text, workspace
from gridgov.model.events import Event
from gridgov.model.rights import Person
from gridgov.operations.audit_trail import audit_trail, present_checkpoint
from gridgov.operations.incidents import person_name
from gridgov.workspace import Workspace

_ANY = ""
_KINDS = ("incident.", "account.", "worker.", "undo")
_PAGES = "audit_pages"  # where each page that was looked at begins
_COLUMNS = ("seq", "at", "actor", "kind", "entity", "details", "hash")


def trail(opened: Workspace, who: Person) -> None:
    """Draw a page of the log with its filters."""
    entity, actor, kind, newer, older = st.columns([1.6, 1, 1, 0.6, 0.6], gap="small", vertical_alignment="bottom")
    entity_id = entity.text_input(text("admin.entity"), key="audit_entity", on_change=_from_the_top).strip()
    actor_id = actor.text_input(text("admin.actor"), key="audit_actor", on_change=_from_the_top).strip()
    chosen = kind.selectbox(
        text("admin.kind"),
        [_ANY, *_KINDS],
        format_func=lambda k: text(f"admin.kind_{k.rstrip('.')}") if k else text("console.all"),
        key=f"audit-kind-{language()}",
        on_change=_from_the_top,
    )
    starts: list[int | None] = st.session_state.setdefault(_PAGES, [None])
    page = audit_trail(opened, who, before=starts[-1], entity_id=entity_id, actor=actor_id, kind=chosen or "")
    newer.button(text("admin.newer"), key="audit_newer", on_click=_newer, disabled=len(starts) == 1, width="stretch")
    older.button(
        text("admin.older"),
        key="audit_older",
        on_click=_older,
        args=(page.next_before,),
        disabled=page.next_before is None,
        width="stretch",
    )
    if not page.events:
        st.info(text("admin.no_events"))
        return
    frame = pd.DataFrame([_row(opened, event) for event in page.events], columns=list(_COLUMNS))
    columns = {name: st.column_config.Column(text(f"admin.{name}")) for name in _COLUMNS}
    st.dataframe(frame, column_config=columns, hide_index=True, height=400)


def checkpoint_panel(opened: Workspace, who: Person) -> None:
    """Draw the checkpoint to copy, and say what nobody can find without one that is kept elsewhere."""
    checkpoint = present_checkpoint(opened, who)
    st.html(f"<b>{text('admin.checkpoint')}</b>")
    st.code(json.dumps(checkpoint.to_dict()), language=None, wrap_lines=True)
    st.caption(text("admin.checkpoint_why"))


def _row(opened: Workspace, event: Event) -> tuple[object, ...]:
    local = event.at.astimezone(workspace().timezone)
    name = person_name(opened, event.actor)
    return (
        event.seq,
        f"{local:%Y-%m-%d %H:%M:%S}",
        event.actor if name == event.actor else f"{name} ({event.actor})",
        event.kind,
        event.entity_id,
        json.dumps(event.payload, ensure_ascii=False),
        event.hash[:16],
    )


def _from_the_top() -> None:
    st.session_state[_PAGES] = [None]


def _newer() -> None:
    st.session_state[_PAGES] = st.session_state[_PAGES][:-1] or [None]


def _older(before: int | None) -> None:
    st.session_state[_PAGES] = [*st.session_state[_PAGES], before]
