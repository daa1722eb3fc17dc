"""From when until when a closure holds: now and until further notice, or a time that somebody types."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.widgets.frame import language, text
from gridgov.workspace import Workspace

_HOURS = {"1": 1, "2": 2, "4": 4, "8": 8, "24": 24}
_OPEN, _TYPED = "open", "typed"


def begin_input(opened: Workspace, place: DeltaGenerator) -> datetime | None:
    """Draw when it begins; None: now."""
    key = f"closing-from-{language()}"
    chosen = place.selectbox(
        text("roads.begin"),
        [_OPEN, _TYPED],
        format_func=lambda c: text("roads.begin_now" if c == _OPEN else "roads.at_a_time"),
        key=key,
    )
    return None if chosen == _OPEN else _typed(opened, place, "from", hours=1)


def end_input(opened: Workspace, place: DeltaGenerator) -> datetime | None:
    """Draw when it ends; None: until further notice."""
    key = f"closing-to-{language()}"
    chosen = place.selectbox(text("roads.end"), [_OPEN, *_HOURS, _TYPED], format_func=_end_name, key=key)
    if chosen in _HOURS:
        begun = st.session_state.setdefault("closing-since", opened.now())
        return begun + timedelta(hours=_HOURS[str(chosen)])
    return None if chosen == _OPEN else _typed(opened, place, "to", hours=4)


def _end_name(choice: str) -> str:
    if choice in _HOURS:
        return text("roads.for_hours", n=choice)
    return text("roads.further_notice" if choice == _OPEN else "roads.at_a_time")


def _typed(opened: Workspace, place: DeltaGenerator, name: str, *, hours: int) -> datetime | None:
    """Draw a field for a time of the district; what cannot be read is said and counts as not given."""
    usual = (opened.now() + timedelta(hours=hours)).astimezone(opened.timezone).replace(minute=0)
    given = place.text_input(
        text(f"roads.{name}_time"),
        value=f"{usual:%Y-%m-%d %H:%M}",
        key=f"closing-{name}-time",
        label_visibility="collapsed",
    )
    try:
        return datetime.strptime(given.strip(), "%Y-%m-%d %H:%M").replace(tzinfo=opened.timezone)
    except ValueError:
        place.caption(text("roads.time_unread"))
        return None
