"""Filters of the worklist: kept by us, so that they outlive a change of language or page and a number can set them."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.widgets.frame import language, text
from app.widgets.wording import class_text, state_text
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import Person
from gridgov.operations.incidents import IncidentQuery
from gridgov.operations.worklists import PAGE, TO_DO, streets_of
from gridgov.workspace import Workspace

_ANY = ""
_TO_DO = "to_do"
_KEPT = "filters"
_EMPTY: dict[str, object] = {"text": "", "street": _ANY, "class": _ANY, "state": _ANY, "severity": _ANY, "late": False}
_BY_NUMBER = {"open": {}, "late": {"late": True}, "to_do": {"state": _TO_DO}}


def draw_filters(opened: Workspace, who: Person) -> None:
    """Draw the search box and, folded away, the other filters."""
    search, more = st.columns([1.35, 1], gap="small", vertical_alignment="center")
    search.text_input(
        text("worklist.search"),
        key=_key("text"),
        value=None if _key("text") in st.session_state else str(_kept()["text"]),
        placeholder=text("worklist.search"),
        label_visibility="collapsed",
        on_change=_take,
        args=("text",),
    )
    count = sum(1 for name, value in _kept().items() if name != "text" and value)
    title = text("worklist.filters_on", count=count) if count else text("worklist.filters")
    with more.popover(title, width="stretch"):
        streets = streets_of(opened, who)
        classes = opened.incident_profile.classes
        _select("street", [_ANY, *streets], lambda code: class_text(streets[code]), "worklist.any_street")
        _select("class", [_ANY, *classes], lambda code: class_text(classes[code].names), "worklist.any_class")
        _select("state", [_ANY, _TO_DO, *map(str, IncidentState)], _state_name, "worklist.any_open")
        _select("severity", [_ANY, "2", "3", "4"], _severity_name, "worklist.any_severity")
        st.checkbox(text("worklist.late_only"), key=_key("late"), on_change=_take, args=("late",), **_start("late"))
        st.button(text("worklist.clear"), key="clear_filters", on_click=show_only, args=("open",))


def filtered_query(*, limit: int) -> IncidentQuery:
    """Return what the filters ask for."""
    kept = _kept()
    state = str(kept["state"])
    states = TO_DO if state == _TO_DO else (IncidentState(state),) if state else ()
    return IncidentQuery(
        states=states,
        area=str(kept["street"]),
        class_codes=(str(kept["class"]),) if kept["class"] else (),
        severity_from=int(str(kept["severity"] or 0)),
        late=bool(kept["late"]),
        limit=limit,
    )


def search_words() -> str:
    """Return what is written in the search box."""
    return str(_kept()["text"])


def is_filtered() -> bool:
    """Return whether any filter is set."""
    return _kept() != _EMPTY


def show_only(number: str) -> None:
    """Set the filters to what one of the numbers counts."""
    st.session_state["panel_shows"] = "workers" if number == "ready" else "incidents"
    if number == "ready":
        return
    st.session_state[_KEPT] = {**_EMPTY, **_BY_NUMBER[number]}
    st.session_state["worklist_shown"] = PAGE
    for name, value in st.session_state[_KEPT].items():
        st.session_state[_key(name)] = value


def _select(name: str, options: list[str], show: Callable[[str], str], any_code: str) -> None:
    st.selectbox(
        text(f"worklist.{name}"),
        options,
        format_func=lambda option: text(any_code) if option == _ANY else show(option),
        key=_key(name),
        on_change=_take,
        args=(name,),
        **_start_index(name, options),
    )


def _take(name: str) -> None:
    value = st.session_state[_key(name)]
    st.session_state[_KEPT] = {**_kept(), name: _EMPTY[name] if value is None else value}
    st.session_state["worklist_shown"] = PAGE


def _kept() -> dict[str, object]:
    kept: dict[str, object] = st.session_state.setdefault(_KEPT, dict(_EMPTY))
    return kept


def _start(name: str) -> dict[str, bool]:
    return {} if _key(name) in st.session_state else {"value": bool(_kept()[name])}


def _start_index(name: str, options: list[str]) -> dict[str, int]:
    kept = str(_kept()[name])
    return {} if _key(name) in st.session_state else {"index": options.index(kept) if kept in options else 0}


def _key(name: str) -> str:
    """Return the widget's key; it holds the language, because Streamlit compares the texts shown."""
    return f"filter-{name}-{language()}"


def _state_name(state: str) -> str:
    return text("worklist.to_do") if state == _TO_DO else state_text(state)


def _severity_name(severity: str) -> str:
    return text("worklist.severity_from", severity=text(f"console.severity_{severity}"))
