"""The panel of a selected incident: its head, the next step, the workers who can go, the facts."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.widgets.case import case_head, draw_case_facts
from app.widgets.doing import show_said
from app.widgets.frame import language, may_write, text
from app.widgets.moves import dispatch_button, more_moves, next_step, undo_bar
from app.widgets.selection import Selection
from app.widgets.wording import facts_html
from app.widgets.workers import ask_dispatch, chosen_rank, dispatch_title, needed_skills, proposal_of, workers_panel
from gridgov.model import DispatchPlan
from gridgov.model.incident_life import Action
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.incidents import IncidentState as State
from gridgov.model.rights import Person, Right, may
from gridgov.operations.incidents import person_name, possible_moves
from gridgov.workspace import Workspace

_ASKING = frozenset({State.REPORTED, State.FILED})  # nobody handles it yet: who could?


def incident_panel(
    opened: Workspace,
    who: Person,
    record: IncidentRecord,
    place: list[tuple[str, str]],
    *,
    on_zoom: Callable[[DispatchPlan], None],
) -> DispatchPlan | None:
    """Draw the panel and return the plan that the map shows, if there is one."""
    active, moves = may_write(), possible_moves(who, record)
    case_head(opened, record)
    show_said()
    undo_bar(opened, record, moves, person_name(opened, record.handler), active=active)
    next_step(opened, record, moves, active=active)
    plan = _plan(opened, who, record, moves)
    if plan is not None and plan.options and Action.DISPATCH in moves:
        option = plan.options[chosen_rank(plan) - 1]
        dispatch_button(
            opened, record, option.worker_id, dispatch_title(option), active=active, proposal=proposal_of(plan)
        )
    if plan is not None and (needs := needed_skills(opened, record.class_code)):
        st.caption(needs)
    with st.container(key="also"):
        more, whole = st.columns(2, gap="small")
        with more:
            more_moves(opened, record, moves, active=active)
        to_incident_page(whole, record.id)
    if plan is not None:
        workers_panel(opened, plan, language(), on_zoom=lambda: on_zoom(plan))
    draw_case_facts(opened, record)
    with st.expander(text("case.place")):
        st.html(facts_html(place))
    return plan


def to_incident_page(place: DeltaGenerator, incident_id: str) -> None:
    """Draw the link to an incident's own page."""
    given = {"id": incident_id, "lang": language()}
    place.page_link(st.session_state["incident_page"], label=text("case.whole"), query_params=given)


def _plan(opened: Workspace, who: Person, record: IncidentRecord, moves: tuple[Action, ...]) -> DispatchPlan | None:
    """Return who could go, as long as nobody handles it, or when somebody else is to be sent."""
    redispatch = bool(st.session_state.get("redispatch")) and Action.DISPATCH in moves
    if not may(who, Right.DISPATCH_PLAN) or not (redispatch or record.state in _ASKING):
        return None
    return ask_dispatch(opened, who, Selection(record.lon, record.lat, record.id))
