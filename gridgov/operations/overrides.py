"""改派比较: when somebody else was sent than proposed, why, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import pandas as pd

from gridgov.errors import ParameterError
from gridgov.model.events import Event, format_time
from gridgov.model.incident_life import MOVES, Action
from gridgov.model.masking import mask_contacts
from gridgov.model.overrides import Proposal
from gridgov.model.rights import Person, Right, in_area, may, require
from gridgov.operations.incidents import person_name
from gridgov.workspace import Workspace

USUAL_SPAN = timedelta(days=30)
COLUMNS = (
    "incident_id", "at", "dispatcher", "proposed", "handler", "reason_code", "reason", "proposed_s", "planned_s",
    "longer_s", "actual_s", "late_s", "undone",
)  # fmt: skip
By = Literal["reason_code", "dispatcher"]
_DISPATCHED, _ARRIVED = MOVES[Action.DISPATCH].event, MOVES[Action.ARRIVE].event
_UNDONE = MOVES[Action.UNDO_DISPATCH].event
_CLOCKS_DIFFER = timedelta(hours=1)  # of several servers, at most


@dataclass
class _Override:
    """One dispatch of somebody else than proposed, and what followed."""

    event: Event
    arrived_at: datetime | None = None
    undone: bool = False


def overrides(
    workspace: Workspace, person: Person, *, since: datetime | None = None, until: datetime | None = None
) -> pd.DataFrame:
    """Return the dispatches of somebody else than proposed, oldest first, as far as they lie in a person's area.

    Parameters
    ----------
    since, until : datetime, optional
        Aware; when it was dispatched. Default the last 30 days.

    Returns
    -------
    DataFrame
        incident_id, at, dispatcher (actor of the log), proposed, handler (worker ids), reason_code, reason (numbers
        hidden), proposed_s, planned_s: travel times that the plan said of both; longer_s: their difference; actual_s:
        from the dispatch to the arrival that the worker reported, NaN without one; late_s: actual_s - planned_s;
        undone: the dispatch was taken back.

    Raises
    ------
    RightsError
        The person may not dispatch.
    ParameterError
        A time has no zone, or the span is empty.
    """
    require(person, Right.DISPATCH_PLAN)
    until = until or workspace.now()
    since = since or until - USUAL_SPAN
    if since.tzinfo is None or until.tzinfo is None:
        raise ParameterError("since and until must be aware times (with an offset)")
    if since >= until:
        raise ParameterError(f"the time from {format_time(since)} to {format_time(until)} is empty; give since < until")
    found = [one for one in _found(workspace, since) if since <= one.event.at <= until]
    rows = [_row(one) for one in found if _seen(workspace, person, one.event.entity_id)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    if not may(person, Right.INCIDENT_UNMASK):
        table["reason"] = [mask_contacts(text) for text in table["reason"]]
    return table


def override_summary(workspace: Workspace, table: pd.DataFrame, by: By) -> pd.DataFrame:
    """Return the overrides of `overrides` by reason or by dispatcher.

    Returns
    -------
    DataFrame
        The group; name (of the dispatcher, else the group); count; longer_s: by how much the way of who was sent was
        longer than that of the proposed one, mean; arrived: how many arrivals are known; late_s: how much later they
        came than planned, mean; undone. Most frequent first.
    """
    if by not in ("reason_code", "dispatcher"):
        raise ParameterError(f"overrides are summed up by reason_code or dispatcher, not by {by!r}")
    grouped = table.groupby(by, as_index=False).agg(
        count=("incident_id", "size"),
        longer_s=("longer_s", "mean"),
        arrived=("actual_s", "count"),
        late_s=("late_s", "mean"),
        undone=("undone", "sum"),
    )
    groups = grouped[by].astype(str)
    names = [person_name(workspace, group) for group in groups] if by == "dispatcher" else groups
    named = grouped.assign(name=names, undone=grouped["undone"].astype(int))
    return named.sort_values(["count", by], ascending=[False, True], ignore_index=True)


def _found(workspace: Workspace, since: datetime) -> list[_Override]:
    """Return the overrides from a moment on with what followed each."""
    found: list[_Override] = []
    last: dict[str, _Override] = {}
    for event in _events_from(workspace, since - _CLOCKS_DIFFER):
        if event.kind == _DISPATCHED:
            last.pop(event.entity_id, None)
            if event.payload.get("reason_code"):
                last[event.entity_id] = _Override(event)
                found.append(last[event.entity_id])
        elif event.kind == _ARRIVED and (one := last.pop(event.entity_id, None)) is not None:
            one.arrived_at = event.at
        elif event.kind == _UNDONE and (one := last.pop(event.entity_id, None)) is not None:
            one.undone = True
    return found


def _events_from(workspace: Workspace, moment: datetime) -> Iterator[Event]:
    """Yield the events from a moment on; the first is found by halving, for times grow along the log."""
    store = workspace.store
    low, high = 0, store.head()[0]
    while low < high:
        middle = (low + high) // 2
        event = next(store.events(after=middle, until=middle + 1), None)
        if event is not None and event.at < moment:
            low = middle + 1
        else:
            high = middle
    return store.events(after=low)


def _seen(workspace: Workspace, person: Person, incident_id: str) -> bool:
    entity = workspace.store.entity(incident_id)
    return entity is not None and in_area(person, entity.columns.grid_code)


def _row(one: _Override) -> tuple[Any, ...]:
    event, nan = one.event, float("nan")
    given = event.payload
    proposal = Proposal.from_dict(given["proposal"])
    proposed_s = nan if proposal.worker_ms is None else proposal.worker_ms / 1000
    planned_s = nan if proposal.handler_ms is None else proposal.handler_ms / 1000
    actual_s = nan if one.arrived_at is None else (one.arrived_at - event.at).total_seconds()
    return (
        event.entity_id, event.at, event.actor, proposal.worker_id, given["handler"], given["reason_code"],
        given.get("reason", ""), proposed_s, planned_s, planned_s - proposed_s, actual_s, actual_s - planned_s,
        one.undone,
    )  # fmt: skip
