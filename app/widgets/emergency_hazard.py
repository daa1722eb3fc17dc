"""Step one: the hazard: what is on the books about it, where it comes from, what it is not; withdraw it."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.emergency_models import new_hazard
from app.widgets.emergency_state import Emergency, close_new, forget_changes, is_new_open, open_new
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.selection import ask_zoom
from app.widgets.wording import facts_html, moment_text, unturned
from gridgov.i18n import has_label
from gridgov.model.hazards import Hazard, HazardKind
from gridgov.model.rights import Person, Right, may
from gridgov.operations.emergency import hazard_frame
from gridgov.operations.hazards import RecordedHazard, withdraw_hazard
from gridgov.operations.incidents import person_name
from gridgov.workspace import Workspace

_LONGEST = 80


def hazard_step(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the step."""
    writes = may(who, Right.HAZARD_WRITE) and may_write()
    if is_new_open(emergency) and writes:
        new_hazard(opened)
        if emergency.hazard is not None:
            st.button(text("emergency.give_up"), key="new_give_up", on_click=close_new)
        return
    if emergency.hazard is None:
        st.info(text("emergency.no_hazard"))
        return
    _facts(opened, emergency.hazard)
    with st.container(key="hazard_buttons", horizontal=True, gap="small"):
        zoom = hazard_frame(emergency.hazard.hazard)
        st.button(text("emergency.zoom_hazard"), key="zoom_hazard", on_click=ask_zoom, args=(zoom,))
        if writes:
            st.button(text("emergency.new_hazard"), key="new_hazard", on_click=open_new)
            _withdraw(opened, emergency.hazard_id)


def hazard_name(hazard: Hazard) -> str:
    """Return what a hazard is called."""
    kind = text(f"hazard.kind.{hazard.kind}")
    return f"{hazard.name} · {kind}" if hazard.name else kind


def hazard_line(recorded: RecordedHazard) -> str:
    """Return a hazard as one line of a list."""
    return unturned(f"{hazard_name(recorded.hazard)} · {moment_text(recorded.hazard.starts_at or recorded.at)}")


def _facts(opened: Workspace, recorded: RecordedHazard) -> None:
    hazard, lang = recorded.hazard, language()
    rows = [
        ("emergency.fact_number", hazard.hazard_id),
        ("emergency.fact_start", moment_text(hazard.starts_at)),
        ("emergency.fact_by", f"{person_name(opened, recorded.by)} · {moment_text(recorded.at)}"),
        ("emergency.fact_inputs", _inputs(hazard)),
        ("emergency.fact_source", "" if hazard.kind == HazardKind.DRAWN else hazard.source),
        ("emergency.fact_certainty", text(f"emergency.certainty_{hazard.certainty.lower()}")),
        ("emergency.fact_step", _step(hazard)),
    ]
    st.html(facts_html(rows))
    for sentence in [hazard.warnings.get(lang, ""), *(found.message(lang) for found in hazard.findings)]:
        if sentence:
            st.html(f'<p class="gg-caution">{escape(sentence)}</p>')


def _inputs(hazard: Hazard) -> str:
    """Return the numbers that went in; geometries are on the map."""
    shown = {name: value for name, value in hazard.inputs.items() if not isinstance(value, dict)}
    return " · ".join(_input(name, value) for name, value in shown.items() if value not in (None, ""))


def _input(name: str, value: object) -> str:
    """Return an input in words; one without a word of its own keeps its name."""
    if name == "levels" and isinstance(value, list | tuple):
        value = ", ".join(f"{level:g} m @ {seconds / 3600:g} h" for seconds, level in value)
    said = f"{value:,.6g}" if isinstance(value, float | int) else str(value)
    said = said if len(said) <= _LONGEST else said[:_LONGEST] + "…"
    code = f"emergency.input_{name}"
    return text(code, value=said) if has_label(code) else f"{name} {said}"


def _step(hazard: Hazard) -> str:
    if not hazard.step:
        return ""
    given = next((value for name, value in hazard.inputs.items() if name.startswith("step")), "")
    step = f"{given:g}" if isinstance(given, float | int) else str(given)
    return text(f"hazard.step.{hazard.step}", step=step)


def _withdraw(opened: Workspace, hazard_id: str) -> None:
    with st.popover(text("emergency.withdraw")):
        reason = st.text_input(text("emergency.reason"), key=f"withdraw-{hazard_id}")
        if st.button(text("emergency.withdraw_now"), key="withdraw_hazard", disabled=not reason.strip()):
            done = attempt(lambda: withdraw_hazard(opened, signed_in(), hazard_id, reason=reason))
            if done is not None:
                forget_changes()
                say(text("emergency.done_withdrawn", id=hazard_id))
            st.rerun()
