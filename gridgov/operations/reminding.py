"""催办: send the reminders that are due, each once for a deadline."""

from __future__ import annotations

import numpy as np

from gridgov.errors import ConflictError, MoveRefusedError
from gridgov.model.events import NewEvent
from gridgov.model.incident_branches import remind, reminders_due
from gridgov.model.incident_record import RUNNING, IncidentRecord
from gridgov.operations.board import Board, board_of
from gridgov.workspace import Workspace

ACTOR = "system"
_BATCH = 500


def send_reminders(workspace: Workspace) -> int:
    """Remind of every incident whose reminders are due, by one event each; return of how many.

    It may run in several servers at once: each reminder is sent by one of them.

    Raises
    ------
    StorageError
        The store refused.
    """
    ids = _candidates(workspace, board_of(workspace))
    sent = 0
    for start in range(0, len(ids), _BATCH):
        events = [event for i in ids[start : start + _BATCH] if (event := _reminder(workspace, i)) is not None]
        sent += _append(workspace, events)
    return sent


def _candidates(workspace: Workspace, board: Board) -> list[str]:
    """Return the incidents whose clock runs and whose next reminder may be due, by what the board knows of them.

    A share of the limit that is no less than the yellow one is not used up before the lamp is yellow, and none of 1 and
    more before the deadline.
    """
    clock = workspace.incident_clock
    shares = np.array([*sorted(rule.share for rule in clock.reminders), np.inf])
    following = shares[np.minimum(board["reminders"], len(shares) - 1)]
    running = np.isin(board["state"].astype(str), [str(state) for state in RUNNING]) & ~np.isnat(board["due_at"])
    now = np.datetime64(workspace.now().replace(tzinfo=None), "us")
    begun = np.where(following >= 1, board["due_at"], board["warn_at"]) <= now
    due = running & np.isfinite(following) & (begun | (following < clock.yellow_share))
    return [str(i) for i in board["incident_id"][due]]


def _reminder(workspace: Workspace, incident_id: str) -> NewEvent | None:
    entity = workspace.store.entity(incident_id)
    if entity is None:
        return None
    record, now, clock = IncidentRecord.from_dict(entity.state), workspace.now(), workspace.incident_clock
    try:
        return remind(record, ACTOR, now, clock=clock) if reminders_due(record, now, clock) else None
    except MoveRefusedError:  # it has changed since the board was made
        return None


def _append(workspace: Workspace, events: list[NewEvent]) -> int:
    try:
        return len(workspace.store.append(events))
    except ConflictError:  # one of them has changed meanwhile: send the others
        return sum(_append(workspace, [event]) for event in events) if len(events) > 1 else 0
