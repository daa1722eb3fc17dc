"""Sending a batch plan: all or the chosen ones in one go, what became of each, and taking one back."""

from __future__ import annotations

import streamlit as st

from app.widgets.batch_changes import changed_orders, forget_changes
from app.widgets.doing import attempt, sentence_of
from app.widgets.frame import signed_in, text
from app.widgets.wording import plain
from gridgov.errors import GridgovError
from gridgov.model.assignments import AssignmentPlan
from gridgov.model.incident_life import Action
from gridgov.model.rights import Person
from gridgov.operations.batches import BatchOrder, BatchResult, dispatch_batch
from gridgov.operations.incidents import person_name
from gridgov.operations.moving import move_incident
from gridgov.workspace import Workspace

_MOST_ROWS = 100  # each has a button of its own; the others are undone on their own pages


def send_bar(opened: Workspace, plan: AssignmentPlan, chosen: list[str], *, active: bool) -> None:
    """Draw the button that sends the chosen rows, or all where none is chosen, and send them when it is pressed."""
    orders = [order for order in changed_orders(plan) if not chosen or order.incident_id in chosen]
    if not orders:
        return
    title = text("batch.send_chosen" if chosen else "batch.send_all", count=len(orders))
    if st.button(title, key="batch_send", type="primary", disabled=not active, width="stretch"):
        _send(opened, orders)
        st.rerun()


def _send(opened: Workspace, orders: list[BatchOrder]) -> None:
    bar = st.progress(0.0, text("batch.sending", done=0, total=len(orders)))

    def tell(done: int, total: int) -> None:
        bar.progress(done / total, text("batch.sending", done=done, total=total))

    try:
        st.session_state["batch_results"] = dispatch_batch(opened, signed_in(), orders, progress=tell)
    except GridgovError as error:
        st.session_state["said"] = (sentence_of(error), False)
        return
    st.session_state.pop("batch_plan", None)  # what is left is planned anew
    forget_changes()


def results_panel(opened: Workspace, who: Person, *, active: bool) -> None:
    """Draw what became of the last batch, row by row."""
    results: tuple[BatchResult, ...] = st.session_state.get("batch_results", ())
    if not results:
        return
    sent = sum(1 for result in results if result.error is None)
    said = text("batch.sent", sent=sent, total=len(results))
    with st.expander(said, expanded=True, key="batch_results_box"), st.container(height=220, key="batch_results_rows"):
        ordered = sorted(results, key=lambda result: result.error is None)  # what went wrong first
        for result in ordered[:_MOST_ROWS]:
            _result(opened, result, active=active)
        if len(ordered) > _MOST_ROWS:
            st.caption(text("batch.more_results", count=len(ordered) - _MOST_ROWS))


def _result(opened: Workspace, result: BatchResult, *, active: bool) -> None:
    line, undo = st.columns([0.8, 0.2], gap="small", vertical_alignment="center")
    if result.error is not None:
        line.markdown(f":red[✕] {plain(sentence_of(result.error))}")
        return
    undone = result.incident_id in st.session_state.get("batch_undone", set())
    name = person_name(opened, result.worker_id)
    code = "batch.row_undone" if undone else "batch.row_sent"
    line.markdown(plain(text(code, incident=result.incident_id, name=name)))
    if not undone:
        undo.button(
            text("case.undo"),
            key=f"batch_undo-{result.incident_id}",
            on_click=_undo,
            args=(opened, result.incident_id),
            disabled=not active,
            width="stretch",
        )


def _undo(opened: Workspace, incident_id: str) -> None:
    if attempt(lambda: move_incident(opened, signed_in(), incident_id, Action.UNDO_DISPATCH)) is not None:
        st.session_state.setdefault("batch_undone", set()).add(incident_id)
        st.session_state.pop("batch_plan", None)
