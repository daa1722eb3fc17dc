"""Changing a worker of a batch plan: who else could go, and why."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from app.widgets.doing import sentence_of
from app.widgets.frame import language, text
from app.widgets.overriding import reason_inputs, reason_of
from app.widgets.wording import plain
from gridgov.errors import GridgovError
from gridgov.model import DispatchOption
from gridgov.model.assignments import Assignment, AssignmentPlan
from gridgov.model.overrides import OverrideReason, Proposal
from gridgov.model.rights import Person
from gridgov.operations.batches import BatchOrder, orders_of
from gridgov.operations.dispatching import dispatch_to
from gridgov.operations.incidents import person_name
from gridgov.workspace import Workspace

_OTHERS = 8


def changes() -> dict[str, BatchOrder]:
    """Return the orders that somebody has changed, by incident."""
    kept: dict[str, BatchOrder] = st.session_state.setdefault("batch_changes", {})
    return kept


def forget_changes() -> None:
    """Take all changes back."""
    st.session_state["batch_changes"] = {}


def changed_orders(plan: AssignmentPlan) -> list[BatchOrder]:
    """Return the orders of a plan as changed."""
    return [changes().get(order.incident_id, order) for order in orders_of(plan)]


def change_panel(opened: Workspace, who: Person, plan: AssignmentPlan) -> None:
    """Draw the reasons for one assignment, and the choice of another worker."""
    rows = {one.incident_id: one for one in plan.assignments}
    if not rows:
        return
    chosen = st.selectbox(
        text("batch.look_at"),
        list(rows),
        format_func=lambda i: f"{i} · {person_name(opened, rows[i].worker_id)}",
        key=f"batch_look-{language()}",
    )
    one = rows.get(str(chosen))
    if one is None:
        return
    lines = [_with_names(opened, one, line) for line in one.texts(language())]
    st.html('<div class="gg-text">' + "<br>".join(escape(line) for line in lines) + "</div>")
    if one.kept:
        return
    with st.container(key="batch_change"):
        _choice(opened, who, plan, one)


def _choice(opened: Workspace, who: Person, plan: AssignmentPlan, one: Assignment) -> None:
    try:
        options = dispatch_to(opened, who, one.incident_id, k=_OTHERS).options
    except GridgovError as error:
        st.warning(sentence_of(error))
        return
    others = {option.worker_id: option for option in options if option.worker_id != one.worker_id}
    if not others:
        st.caption(text("batch.nobody_else"))
        return
    busy = {order.worker_id: order.incident_id for order in changed_orders(plan)}
    other = st.selectbox(
        text("batch.other"),
        list(others),
        index=None,
        placeholder=text("batch.other"),
        format_func=lambda i: _name(others[i], busy.get(i, "")),
        key=f"batch_other-{one.incident_id}-{language()}",
    )
    if other is not None:
        reason_inputs(f"batch-{one.incident_id}", plain(person_name(opened, one.worker_id)))
        st.button(text("batch.change"), key="batch_change_do", on_click=_change, args=(plan, one, others[str(other)]))
    if one.incident_id in changes():
        st.button(
            text("batch.as_proposed"), key="batch_change_back", on_click=changes().pop, args=(one.incident_id, None)
        )


def _change(plan: AssignmentPlan, one: Assignment, option: DispatchOption) -> None:
    code, words = reason_of(f"batch-{one.incident_id}")
    if not code or (code == OverrideReason.OTHER and not words):
        st.session_state["said"] = (text("batch.reason_first"), False)
        return
    order = next(order for order in orders_of(plan) if order.incident_id == one.incident_id)
    proposal = Proposal(one.worker_id, one.travel_time_ms, option.travel_time_ms)
    changes()[one.incident_id] = replace(
        order, worker_id=option.worker_id, proposal=proposal, reason_code=code, reason=words
    )


def _with_names(opened: Workspace, one: Assignment, line: str) -> str:
    for worker_id in {one.worker_id, one.runner_up, one.nearer, one.moved_from} - {""}:
        line = line.replace(worker_id, person_name(opened, worker_id))
    return line


def _name(option: DispatchOption, busy_with: str) -> str:
    also = f" · {text('batch.also', incident=busy_with)}" if busy_with else ""
    minutes = text("batch.minutes", minutes=f"{option.travel_time_ms / 60_000:.1f}")
    return f"{option.name or option.worker_id} · {minutes}{also}"
