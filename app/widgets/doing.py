"""Do something that changes data: once, with what went wrong said in one sentence and what was typed kept."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TypeVar

import streamlit as st

from app.widgets.frame import language, text
from gridgov.errors import (
    ConflictError,
    GridgovError,
    MoveRefusedError,
    NotFoundError,
    RightsError,
    SignInError,
    StorageError,
    UploadError,
)
from gridgov.model.refusals import refusal_text

_T = TypeVar("_T")


def attempt(act: Callable[[], _T], *, hint: str = "case.error_input") -> _T | None:
    """Do something and return its result; None when it was refused, which `show_said` then says.

    Parameters
    ----------
    hint : str
        Text for an input that cannot be used.
    """
    try:
        return act()
    except GridgovError as error:
        say(sentence_of(error, hint), good=False)
    return None


def sentence_of(error: GridgovError, hint: str = "case.error_input") -> str:
    """Return a refusal in the language of the page."""
    if isinstance(error, MoveRefusedError) and error.code:
        return refusal_text(error, language())
    if isinstance(error, UploadError):
        return text("case.error_upload_large" if error.too_large else "case.error_upload")
    known = {
        ConflictError: "case.error_conflict",
        RightsError: "case.error_rights",
        SignInError: "console.sign_in_first",
        StorageError: "case.error_storage",
        NotFoundError: "case.error_not_found",
    }
    return text(next((code for kind, code in known.items() if isinstance(error, kind)), hint))


def say(sentence: str, *, good: bool = True) -> None:
    """Keep a sentence for the next drawing of the page."""
    st.session_state["said"] = (sentence, good)


def show_said() -> None:
    """Draw what was said last, once."""
    said = st.session_state.pop("said", None)
    if said is not None:
        sentence, good = said
        st.html(
            f'<p class="gg-said{"" if good else " bad"}" role="{"status" if good else "alert"}">{escape(sentence)}</p>'
        )
