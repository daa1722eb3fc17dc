"""Choices that outlive a change of language or page: the value is kept by us, the widget only shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.widgets.frame import language, text
from gridgov.i18n import has_label

ANY = ""


def kept_choice(name: str) -> str:
    """Return what was chosen last; `ANY` when nothing was."""
    return str(st.session_state.get(name, ANY))


def remembered_select(
    place: DeltaGenerator, label: str, options: list[str], *, name: str, show: Callable[[str], str]
) -> None:
    """Draw a select box; a choice is kept as ``name``.

    Its key holds the language, because Streamlit compares the texts shown, and those change with it.
    """
    key = f"{name}-{language()}"
    kept = kept_choice(name)

    def keep() -> None:
        st.session_state[name] = st.session_state[key]

    place.selectbox(
        label,
        options,
        index=options.index(kept) if kept in options else 0,
        format_func=show,
        key=key,
        on_change=keep,
    )


def remembered_rank(place: DeltaGenerator, label: str, ranks: list[int], *, chosen: int) -> None:
    """Draw the ranks as buttons; a press is kept as ``rank``."""
    key = f"rank-{language()}"

    def keep() -> None:
        st.session_state["rank"] = st.session_state[key]

    given: dict[str, Any] = {} if key in st.session_state else {"default": chosen}
    if key in st.session_state and st.session_state[key] != chosen:
        st.session_state[key] = chosen
    place.segmented_control(label, ranks, key=key, required=True, on_change=keep, **given)


def told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of options by their ids, with the id behind those that would be the same.

    Streamlit tells options apart by their texts: of two with one text it takes the last, whichever was meant.
    """
    seen = Counter(labels.values())
    return {number: text if seen[text] == 1 else f"{text} · {number}" for number, text in labels.items()}


def choose_part(
    name: str,
    options: Sequence[str],
    chosen: str,
    *,
    label: str,
    show: Callable[[str], str],
    keep: Callable[[str], None],
) -> None:
    """Draw the parts of a panel as one bar of buttons; `keep` is called with the part that is pressed.

    Its key holds the language, as in `remembered_select`; `name` is that of its container, for the style sheet.
    """
    key = f"part-{name}-{language()}"
    if st.session_state.get(key, chosen) != chosen:  # chosen elsewhere meanwhile
        st.session_state[key] = chosen
    given: dict[str, Any] = {} if key in st.session_state else {"default": chosen}
    with st.container(key=name):
        st.segmented_control(
            label,
            list(options),
            format_func=show,
            key=key,
            required=True,
            on_change=lambda: keep(st.session_state[key]),
            label_visibility="collapsed",
            width="stretch",
            **given,
        )


def skill_name(skill: str) -> str:
    """Return a skill in the language of the page; a skill we have no word for stays as it is."""
    if skill == ANY:
        return text("console.any")
    return text(f"skill.{skill}") if has_label(f"skill.{skill}") else skill
