"""变更: what has happened since an event, as short lines, each for those who may see what it happened to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridgov.model.accounts import ENTITY as ACCOUNT
from gridgov.model.closures import ENTITY as CLOSURE
from gridgov.model.duty import ENTITY as WORKER
from gridgov.model.entities import Entity
from gridgov.model.evacuations import ENTITY as EVACUATION
from gridgov.model.hazards import ENTITY as HAZARD
from gridgov.model.rights import EVERYWHERE, Person, Right, Scope, may, may_on, require
from gridgov.model.scenarios import ENTITY as SCENARIO
from gridgov.workspace import Workspace

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One event of the log without its content.

    Attributes
    ----------
    kind : str
        Of the event, such as ``incident.filed``.
    state : str
        What the thing is now (not: after this event); empty when it is gone.
    grid_code, handler : str
        Where it is now and whom it is given to: they decide who sees it.
    """

    seq: int
    at: datetime
    entity_id: str
    kind: str
    state: str
    grid_code: str
    handler: str


def read_changes(workspace: Workspace, after: int, *, limit: int = MOST_AT_ONCE) -> list[Change]:
    """Return what happened after an event, oldest first. For feeds: whoever sends it on asks `seen_by` for each."""
    store = workspace.store
    events = list(store.events(after=after, until=after + limit))
    entities = {entity_id: store.entity(entity_id) for entity_id in {event.entity_id for event in events}}
    return [
        Change(event.seq, event.at, event.entity_id, event.kind, *_place(entities[event.entity_id])) for event in events
    ]


def seen_by(person: Person, change: Change) -> bool:
    """Whether a person may know of a change.

    A closed road, a hazard and an evacuation are for everybody who sees the map. A worker's status is for those who see
    workers everywhere, and for that worker; accounts are for the admin of the whole area.
    """
    if change.entity_id.startswith(ACCOUNT):
        return may(person, Right.ACCOUNT_MANAGE) and EVERYWHERE[0] in person.areas
    if change.entity_id.startswith((CLOSURE, SCENARIO, HAZARD, EVACUATION)):
        return may(person, Right.LAYER_READ)
    if not change.entity_id.startswith(WORKER):
        return may_on(person, Right.INCIDENT_READ, change)
    if not may(person, Right.WORKER_READ):
        return False
    own = change.entity_id == WORKER + person.worker_id
    return own or (require(person, Right.WORKER_READ) is Scope.AREA and EVERYWHERE[0] in person.areas)


def _place(entity: Entity | None) -> tuple[str, str, str]:
    if entity is None:
        return "", "", ""
    return entity.columns.status, entity.columns.grid_code, entity.columns.worker_id
