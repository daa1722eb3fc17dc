"""What surrounds every page: language, the opened workspace, the bar at the top, the style sheet."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import streamlit as st

from gridgov.config import load_settings
from gridgov.errors import SignInError
from gridgov.i18n import LANGS, Lang, as_lang, label
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.workspace import Workspace, shared_workspace

_STYLE = Path(__file__).with_name("console.css")


def language() -> Lang:
    """Return the session's language: the address bar's `?lang=`, else what was chosen before, else the setting."""
    given = st.query_params.get("lang")
    if given in LANGS:
        st.session_state["lang"] = given
    return as_lang(st.session_state.get("lang", load_settings().lang))


def text(code: str, **fields: object) -> str:
    """Return a text in the language of this session."""
    return label(code, language(), **fields)


def workspace() -> Workspace:
    """Return the workspace that the server serves."""
    return shared_workspace(load_settings().workspace)


def person() -> Person:
    """Return who is signed in; without anybody the page ends with a way to the sign-in page."""
    try:
        from gridgov.operations import accounts
    except ImportError:  # accounts are not there yet: whoever opens the console supervises everything
        return Person("console", Role.SUPERVISOR, EVERYWHERE, name="console")
    try:
        return accounts.person_of(workspace(), st.context.cookies.get("gridgov_session"))
    except SignInError:
        st.html(f'<p class="gg-signin">{text("console.sign_in_first")} <a href="/sign-in">{text("console.sign_in")}</a></p>')
        st.stop()


def draw_frame(lang: Lang, pages: dict[str, Any]) -> None:
    """Draw the style sheet and the bar: district, pages, time of the data, language."""
    st.html(f"<style>{_STYLE.read_text(encoding='utf-8')}</style>")
    opened = workspace()
    local = opened.now().astimezone(opened.timezone)
    name, *links, clock, switch = st.columns([5, *[1.1 for _ in pages], 2.6, 1.1], vertical_alignment="center")
    name.html(
        f'<div class="gg-title"><b>{html.escape(opened.name(lang))}</b><span>{text("console.title")}</span></div>'
    )
    for column, page in zip(links, pages.values(), strict=True):
        column.page_link(page, query_params={"lang": lang})
    clock.html(f'<div class="gg-clock">{text("console.as_of", time=f"{local:%Y-%m-%d %H:%M}")}</div>')
    other = LANGS[1 - LANGS.index(lang)]
    if switch.button(text("console.language_other"), key="language", width="stretch"):
        st.session_state["lang"] = other
        st.query_params["lang"] = other
        st.rerun()
