"""What can be done with an incident now: a button for the next step, one for its refusal, the rest under "more"."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.frame import language, signed_in, text
from app.widgets.inputs import filing_inputs, given_inputs, given_of, limit_inputs, limit_of
from app.widgets.overriding import reason_inputs, reason_of
from app.widgets.wording import action_text, plain
from gridgov.model.incident_life import Action
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.incidents import IncidentState as State
from gridgov.model.overrides import Proposal
from gridgov.operations.incidents import person_name
from gridgov.operations.moving import NEEDS, MoveArguments, move_incident
from gridgov.workspace import Workspace

NEXT = {
    State.REPORTED: Action.FILE,
    State.FILED: Action.DISPATCH,
    State.RESOLVED: Action.VERIFY,
    State.VERIFIED: Action.CLOSE,
    State.SUSPENDED: Action.RESUME,
}
_OTHERWISE = {State.REPORTED: Action.REJECT, State.RESOLVED: Action.REWORK, State.VERIFIED: Action.REWORK}
_ELSEWHERE = frozenset({Action.DISPATCH, Action.UNDO_DISPATCH, Action.UNMASK, Action.FILE})


def next_step(opened: Workspace, record: IncidentRecord, moves: tuple[Action, ...], *, active: bool) -> None:
    """Draw the button of the next step, unless that is the dispatch, and the one that refuses it."""
    step, otherwise = NEXT.get(record.state), _OTHERWISE.get(record.state)
    shown = [action for action in (step, otherwise) if action in moves and action is not Action.DISPATCH]
    if not shown:
        return
    with st.container(key="next", horizontal=True, gap="small"):
        if step in shown:
            name = text("case.pass") if step is Action.VERIFY else action_text(step)
            move_button(opened, record, step, name, primary=True, active=active)
        if step is Action.FILE and step in shown:
            with st.popover(text("case.correct")):
                filing_inputs(opened, record)
        if otherwise in shown:
            with st.popover(action_text(otherwise)):
                given_inputs(opened, record, otherwise)
                move_button(opened, record, otherwise, action_text(otherwise), active=active)


def undo_bar(opened: Workspace, record: IncidentRecord, moves: tuple[Action, ...], name: str, *, active: bool) -> None:
    """Say to whom it was dispatched, with undo for as long as that is possible."""
    if Action.UNDO_DISPATCH not in moves:
        return
    with st.container(key="undo", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(text("case.dispatched_to", name=plain(name)))
        move_button(opened, record, Action.UNDO_DISPATCH, text("case.undo"), active=active)


def dispatch_button(
    opened: Workspace, record: IncidentRecord, handler: str, title: str, *, active: bool, proposal: Proposal
) -> None:
    """Draw the one button that sends a worker; before it, for another one than proposed, the question why."""
    if proposal.worker_id != handler:
        reason_inputs(record.id, plain(person_name(opened, proposal.worker_id)))
    if record.limit is None and record.class_code not in opened.incident_profile.classes:
        st.caption(text("case.limit_needed"))
        limit_inputs(record, Action.DISPATCH)

    def given() -> MoveArguments:
        code, words = reason_of(record.id) if proposal.worker_id != handler else ("", "")
        limit = limit_of(record, Action.DISPATCH)
        return MoveArguments(handler=handler, limit=limit, proposal=proposal, reason_code=code, reason=words)

    move_button(opened, record, Action.DISPATCH, title, given=given, primary=True, active=active)


def more_moves(
    opened: Workspace,
    record: IncidentRecord,
    moves: tuple[Action, ...],
    *,
    active: bool,
    redispatch_here: bool = True,
) -> None:
    """Draw everything else that is possible, one at a time, with what it needs."""
    direct = {NEXT.get(record.state), _OTHERWISE.get(record.state)}
    rest = [action for action in moves if action not in _ELSEWHERE and action not in direct]
    rest.sort(key=lambda action: action is Action.VOID)  # what cannot be taken back is nobody's first choice
    redispatch = redispatch_here and Action.DISPATCH in moves and record.state is not State.FILED
    # Of another version it is another popover and another choice: folded, and empty of what was given before.
    key = f"{record.id}-{record.version}-{language()}"
    with st.popover(text("case.more"), disabled=not rest and not redispatch, width="stretch", key=f"more-{key}"):
        if redispatch:
            st.button(text("case.redispatch"), key="redispatch_on", on_click=_show_workers, width="stretch")
        if not rest:
            return
        action = st.selectbox(
            text("case.which"),
            rest,
            format_func=action_text,
            key=f"which-{key}",
        )
        given_inputs(opened, record, action)
        move_button(opened, record, action, action_text(action), active=active)


def move_button(
    opened: Workspace,
    record: IncidentRecord,
    action: Action,
    title: str,
    *,
    given: Callable[[], MoveArguments] | None = None,
    primary: bool = False,
    active: bool = True,
    name: str = "",
) -> None:
    """Draw a button that makes a move with what was given for it; `name` tells it from others of the same move."""
    st.button(
        title,
        key=f"do-{action}{name}",
        type="primary" if primary else "secondary",
        on_click=_do,
        args=(opened, record, action, given or (lambda: given_of(opened, record, action))),
        disabled=not active,
        width="stretch" if primary else "content",
    )


def _do(opened: Workspace, record: IncidentRecord, action: Action, given: Callable[[], MoveArguments]) -> None:
    def move() -> IncidentRecord:
        return move_incident(opened, signed_in(), record.id, action, given(), seen_version=record.version)

    if attempt(move) is None:
        return
    st.session_state.pop("redispatch", None)
    for key in [str(key) for key in st.session_state if str(key).startswith(f"in-{record.id}-")]:
        del st.session_state[key]
    if NEEDS[action] and action is not Action.DISPATCH:
        say(text("case.done", action=text(f"incident.action.{action}")))


def _show_workers() -> None:
    st.session_state["redispatch"] = True
