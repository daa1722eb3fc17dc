"""The fold of every event there is: which thing an event happens to decides who folds it."""

from __future__ import annotations

from typing import Any

from gridgov.errors import ParameterError
from gridgov.model import accounts, closures, door_rounds, duty, evacuations, hazards, incident_life, scenarios
from gridgov.model.entities import Fold
from gridgov.model.events import Event

_FOLDS: dict[str, Fold] = {
    "incident": incident_life.apply,
    "undo": incident_life.apply,
    "account": accounts.apply,
    "worker": duty.apply,
    "closure": closures.apply,
    "scenario": scenarios.apply,
    "hazard": hazards.apply,
    "evacuation": evacuations.apply,
    "door_tasks": door_rounds.apply,
}
# How the ids of entities other than incidents begin.
RESERVED = frozenset(
    {
        accounts.ENTITY,
        duty.ENTITY,
        closures.ENTITY,
        scenarios.ENTITY,
        hazards.ENTITY,
        evacuations.ENTITY,
        door_rounds.ENTITY,
    }
)


def fold(state: dict[str, Any] | None, event: Event) -> dict[str, Any] | None:
    """Return the state of the entity after one more of its events.

    Raises
    ------
    ParameterError
        No kind of entity knows the event, or the entity is of another kind.
    """
    thing = event.kind.partition(".")[0]
    if thing not in _FOLDS:
        raise ParameterError(f"event {event.seq} has the kind '{event.kind}', which nothing here knows")
    expected = f"{thing}:" if f"{thing}:" in RESERVED else ""
    given = next((prefix for prefix in RESERVED if event.entity_id.startswith(prefix)), "")
    if expected != given:
        raise ParameterError(f"event {event.seq} ({event.kind}) cannot happen to '{event.entity_id}'")
    return _FOLDS[thing](state, event)
