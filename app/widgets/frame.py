"""What surrounds every page: language, the opened workspace, who is signed in, the bar at the top, the style sheet."""

from __future__ import annotations

import html
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from gridgov.config import load_settings
from gridgov.errors import SignInError, StorageError
from gridgov.i18n import LANGS, Lang, as_lang, label
from gridgov.model.rights import Person
from gridgov.operations.accounts import person_of, sign_out
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace, shared_workspace

_STYLE = Path(__file__).with_name("console.css")
_WATCH = Path(__file__).with_name("watch.js")
_COOKIE = "gridgov_session"
_LOOK_AGAIN_S = 10


def language() -> Lang:
    """Return the session's language: the address bar's `?lang=`, else what was chosen before, else the setting."""
    given = st.query_params.get("lang")
    if given in LANGS:
        st.session_state["lang"] = given
    elif "lang" not in st.session_state:
        st.session_state["lang"] = load_settings().lang
    return as_lang(st.session_state["lang"])


def text(code: str, **fields: object) -> str:
    """Return a text in the language of this session."""
    return label(code, language(), **fields)


def workspace() -> Workspace:
    """Return the workspace that the server serves."""
    return shared_workspace(load_settings().workspace)


def signed_in() -> Person:
    """Return who is signed in.

    Raises
    ------
    SignInError
        Nobody is, or not any more.
    StorageError
        It cannot be known now.
    """
    return person_of(workspace(), session_token())


def session_token() -> str:
    """Return the token of the sign-in; empty where nobody is signed in."""
    return st.context.cookies.get(_COOKIE) or ""


def person() -> Person:
    """Return who is signed in; without anybody the page ends and the sign-in page comes."""
    try:
        return signed_in()
    except SignInError:
        _to_sign_in()
    except StorageError:
        _store_watch(lost=True)
    return st.stop()


def may_write() -> bool:
    """Return whether the store takes what a button would write."""
    try:
        return workspace().store.writable()
    except StorageError:
        return False


def draw_style() -> None:
    """Draw the style sheet, which every page needs, whoever looks at it."""
    words = f":root {{ --gg-choose: '{text('case.choose_photos')}'; }}"  # Streamlit has no translation of its own
    st.html(f"<style>{_STYLE.read_text(encoding='utf-8')}{words}</style>")


def draw_watch() -> None:
    """Let the browser say by itself that the session has ended or that the server does not answer."""
    words = {
        "ended": text("console.session_ended"),
        "down": text("console.no_answer"),
        "sign_in": text("console.sign_in"),
    }
    given = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    script = f"window.gridgovWords = {given};{_WATCH.read_text(encoding='utf-8')}"
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def draw_frame(lang: Lang, who: Person, pages: dict[str, Any]) -> None:
    """Draw the bar: district, pages, time of the data, who is signed in, language; and whether nothing can be saved."""
    opened = workspace()
    local = opened.now().astimezone(opened.timezone)
    name, *links, clock, signed, leave, switch = st.columns(
        [3.3, *[1.05 for _ in pages], 2.2, 3.0, 0.95, 1.05], vertical_alignment="center", gap="small"
    )
    name.html(
        f'<div class="gg-title"><b>{html.escape(opened.name(lang))}</b><span>{text("console.title")}</span></div>'
    )
    for column, page in zip(links, pages.values(), strict=True):
        column.page_link(page, query_params={"lang": lang})
    clock.html(f'<div class="gg-clock">{text("console.as_of", time=f"{local:%Y-%m-%d %H:%M}")}</div>')
    signed.html(_who(opened, lang, who))
    leave.button(text("console.sign_out"), key="sign_out", on_click=_sign_out, width="stretch")
    other = LANGS[1 - LANGS.index(lang)]
    if switch.button(text("console.language_other"), key="language", width="stretch"):
        st.session_state["lang"] = other
        st.query_params["lang"] = other
        st.rerun()
    draw_watch()
    _store_watch()


def area_text(opened: Workspace, areas: tuple[str, ...], lang: Lang) -> str:
    """Return the names of areas; codes that have none stay as they are."""
    names = division_names(opened)
    return " · ".join(name_in(names.get(area, {}), lang) or area or text("console.everywhere") for area in areas)


@st.fragment(run_every=_LOOK_AGAIN_S)
def _store_watch(*, lost: bool = False) -> None:
    """Say that nothing can be saved for as long as it is so; the page comes back by itself."""
    writable = may_write()
    if lost and writable:
        st.rerun()
    if not writable:
        st.html(f'<p class="gg-banner" role="alert">{text("console.store_lost" if lost else "console.read_only")}</p>')
    if st.session_state.get("writable", True) is not writable:  # the page's buttons follow
        st.session_state["writable"] = writable
        st.rerun()


def _who(opened: Workspace, lang: Lang, who: Person) -> str:
    area = area_text(opened, who.areas, lang)
    what = html.escape(" · ".join(part for part in (text(f"console.role_{who.role}"), area) if part))
    return f'<div class="gg-who" title="{what}"><b>{html.escape(who.name or who.account_id)}</b> {what}</div>'


def _sign_out() -> None:
    """End the session; the next drawing leads to the sign-in page."""
    with suppress(StorageError):  # then the page says that nothing can be saved
        sign_out(workspace(), session_token())


def _to_sign_in() -> None:
    words = f'{text("console.sign_in_first")} <a href="/sign-in">{text("console.sign_in")}</a>'
    here = "encodeURIComponent(location.pathname + location.search)"
    script = f'<script>window.location.assign("/sign-in?next=" + {here})</script>'
    st.html(f'<p class="gg-said">{words}</p>{script}', unsafe_allow_javascript=True)
