"""Step two of a scenario: what it is asked: what must be near, the hazard, whether people leave, which land counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app.widgets.choices import told_apart
from app.widgets.drawing import begin_drawing, drawing_tools, drawn, drop_drawing
from app.widgets.emergency_hazard import hazard_line
from app.widgets.frame import language, signed_in, text
from app.widgets.planning_changes import draft_groups
from app.widgets.planning_draft import HAZARD_PURPOSE, draft, draft_version, question_of, set_draft, tried
from app.widgets.planning_map import PlanningMap
from app.widgets.subjects import subject_name
from gridgov.model import TravelMode
from gridgov.model.hazards import ACTIVE, Hazard
from gridgov.model.rights import Person, Right, may
from gridgov.model.what_if import RESOURCES, Question, Scenario
from gridgov.operations.hazards import hazards_of
from gridgov.operations.scenario_drafts import askable, hazard_for
from gridgov.workspace import Workspace

_NO_HAZARD, _OWN_HAZARD = "", "own"
_OWN_MODE = ""
_LEVELS = (1, 2, 3, 4)


def question_step(opened: Workspace, who: Person, show: PlanningMap) -> None:
    """Draw what is asked, and the map."""
    show([*draft_groups(opened, who), drawing_tools(HAZARD_PURPOSE, kinds=("polygon",))])
    question = question_of(draft(opened, who))
    key = f"{draft_version()}-{language()}"
    subjects = list(askable(opened, who))
    near = st.multiselect(
        text("planning.near"), subjects, default=[each for each in question.near if each in subjects],
        format_func=lambda of: subject_name(opened, of), key=f"ask-near-{key}", placeholder=text("planning.choose"),
    )  # fmt: skip
    left, right = st.columns(2, gap="small")
    minutes = left.number_input(text("planning.minutes"), 1, 240, round(question.minutes), 1, key=f"ask-minutes-{key}")
    modes = [_OWN_MODE, *map(str, TravelMode)]
    mode = right.selectbox(
        text("console.filter_mode"), modes, index=modes.index(str(question.mode or "")),
        format_func=lambda each: text(f"dispatch.mode.{each}" if each else "planning.usual_mode"),
        key=f"ask-mode-{key}",
    )  # fmt: skip
    asked: dict[str, Any] = {
        "near": tuple(near) or question.near,
        "minutes": float(minutes),
        "mode": TravelMode(mode) if mode else None,
        **_hazard(opened, who, question, key),
        "resources": _resources(opened, question, key),
        "month": opened.of_kind("workers") != ()
        and st.checkbox(text("planning.ask_month"), question.month, key=f"ask-month-{key}"),
    }
    _keep(opened, who, asked)


def take_hazard(opened: Workspace) -> None:
    """Take an area that was drawn as the hazard of the question."""
    drawing = drawn(HAZARD_PURPOSE)
    if drawing is None:
        return
    drop_drawing()

    def act() -> Scenario:
        who = signed_in()
        now = draft(opened, who)
        minutes = float(st.session_state.get("ask-arrival", 0))
        level = int(st.session_state.get("ask-level", 3))
        hazard = hazard_for(opened, who, drawing.geometry, level=level, arrival_s=60 * minutes)
        return replace(now, question=replace(question_of(now), hazard=hazard))

    changed = tried(act, hint="emergency.cannot_draw")
    if changed is not None:
        set_draft(changed)


def _hazard(opened: Workspace, who: Person, question: Question, key: str) -> Mapping[str, Any]:
    """Draw the choice of a hazard: none, one on the books, the drawn one; and whether people are to leave it."""
    known = _booked(opened, who)
    own = question.hazard is not None and question.hazard.hazard_id not in known
    options = [_NO_HAZARD, *([_OWN_HAZARD] if own else []), *known]
    now = _OWN_HAZARD if own else question.hazard.hazard_id if question.hazard is not None else _NO_HAZARD
    names = told_apart({number: name for number, (_, name) in known.items()})
    names |= {_NO_HAZARD: text("planning.no_hazard"), _OWN_HAZARD: text("planning.drawn_hazard")}
    chosen = st.selectbox(
        text("planning.hazard"), options, index=options.index(now), format_func=lambda each: names[each],
        key=f"ask-hazard-{now}-{len(options)}-{key}",
    )  # fmt: skip
    hazard: Hazard | None = question.hazard if chosen == _OWN_HAZARD else None
    hazard = known[chosen][0] if chosen in known else hazard
    left, right = st.columns([0.42, 0.58], gap="small", vertical_alignment="bottom")
    left.selectbox(
        text("planning.level"), _LEVELS, index=2, key=f"ask-level-{language()}",
        on_change=lambda: st.session_state.update({"ask-level": st.session_state[f"ask-level-{language()}"]}),
    )  # fmt: skip
    right.button(
        text("planning.draw_hazard"), key="ask_draw", on_click=begin_drawing, args=("polygon",), width="stretch"
    )
    evacuate = st.checkbox(
        text("planning.evacuate"), question.evacuate and hazard is not None, key=f"ask-evacuate-{hazard is None}-{key}",
        disabled=hazard is None,
    )  # fmt: skip
    seconds = question.evacuation_s
    if evacuate:
        seconds = float(
            st.number_input(text("planning.evacuation_s"), 5, 600, round(seconds), 5, key=f"ask-seconds-{key}")
        )
    return {"hazard": hazard, "evacuate": bool(evacuate and hazard is not None), "evacuation_s": seconds}


def _booked(opened: Workspace, who: Person) -> dict[str, tuple[Hazard, str]]:
    if not may(who, Right.LAYER_READ):
        return {}
    active = [each for each in hazards_of(opened, who) if each.status == ACTIVE]
    return {each.hazard.hazard_id: (each.hazard, hazard_line(each)) for each in active}


def _resources(opened: Workspace, question: Question, key: str) -> tuple[str, ...]:
    there = [kind for kind in RESOURCES if opened.of_kind(kind)]
    if not there:
        return question.resources
    chosen = st.multiselect(
        text("planning.resources"), there, default=[kind for kind in question.resources if kind in there],
        format_func=lambda kind: opened.spec(opened.of_kind(kind)[0]).name(language()), key=f"ask-land-{key}",
        placeholder=text("planning.choose"),
    )  # fmt: skip
    return tuple(kind for kind in there if kind in chosen)


def _keep(opened: Workspace, who: Person, asked: Mapping[str, Any]) -> None:
    now = draft(opened, who)
    question = tried(lambda: replace(question_of(now), **asked), hint="planning.cannot_ask")
    if question is not None and question != now.question:
        set_draft(replace(now, question=question))
        st.rerun()
