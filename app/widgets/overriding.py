"""Why somebody else than proposed is sent: one choice, and words where they are needed."""

from __future__ import annotations

import streamlit as st

from app.widgets.frame import language, text
from gridgov.model.overrides import OverrideReason

_LONGEST = 500


def reason_inputs(name: str, proposed: str) -> None:
    """Draw the choice of a reason and room for words; `name` tells it from others on the page."""
    st.selectbox(
        text("override.why", proposed=proposed),
        list(OverrideReason),
        index=None,
        format_func=lambda code: text(f"override.reason.{code}"),
        placeholder=text("override.choose"),
        key=_key(name, "code"),
    )
    st.text_input(
        text("override.words"),
        key=_key(name, "words"),
        max_chars=_LONGEST,
        placeholder=text("override.words"),
        label_visibility="collapsed",
    )


def reason_of(name: str) -> tuple[str, str]:
    """Return the code and the words that were given; empty where nothing was."""
    code, words = st.session_state.get(_key(name, "code")), st.session_state.get(_key(name, "words"))
    return str(code or ""), str(words or "").strip()


def _key(name: str, part: str) -> str:
    return f"in-{name}-override-{part}-{language()}"
