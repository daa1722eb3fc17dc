"""案件: read, list and follow incidents as far as a person may; who looks at the reporters is on record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gridgov.errors import RecordNotFoundError, RightsError
from gridgov.i18n import Lang
from gridgov.model.accounts import ENTITY as ACCOUNT
from gridgov.model.duplicates import RADIUS_M, Duplicate, possible_duplicates
from gridgov.model.entities import Entity, EntityFilter, EntityOrder
from gridgov.model.events import format_time
from gridgov.model.incident_branches import unmask
from gridgov.model.incident_life import Action, allowed
from gridgov.model.incident_record import RUNNING, IncidentRecord, Reporter
from gridgov.model.incidents import IncidentState
from gridgov.model.masking import mask_contacts, mask_name, mask_phone
from gridgov.model.rights import (
    Person,
    Right,
    Scope,
    may,
    may_on,
    require,
    require_on,
    require_own_worker,
    seen_prefixes,
)
from gridgov.model.timeline import TimelineEntry, timeline_entry
from gridgov.workspace import Workspace

KIND = "incident"
MOST_AT_ONCE = 1000
OPEN_STATES = tuple(str(state) for state in IncidentState if state.is_open)
TASK_STATES = tuple(str(state) for state in IncidentState if state in RUNNING or state is IncidentState.SUSPENDED)
_METRES_PER_DEGREE = 111_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentQuery:
    """Which incidents are wanted; what is left at its default does not count.

    Attributes
    ----------
    states : tuple of IncidentState
        Empty: all that are still open.
    area : str
        Code of a street, community or grid.
    late : bool
        Only those whose deadline has passed while the clock runs.
    bounds : tuple of float
        West, south, east, north, degrees.
    changed_after : int
        Changed by an event after this number.
    """

    states: tuple[IncidentState, ...] = ()
    area: str = ""
    class_codes: tuple[str, ...] = ()
    severity_from: int = 0
    late: bool = False
    handler: str = ""
    bounds: tuple[float, float, float, float] | None = None
    changed_after: int = 0
    order: EntityOrder = "urgency"
    limit: int = 100
    offset: int = 0


def read_incident(workspace: Workspace, person: Person, incident_id: str) -> IncidentRecord:
    """Return an incident, its reporters masked.

    Raises
    ------
    RecordNotFoundError
        There is no such incident.
    RightsError
        The person may not see it.
    """
    record, _ = load_incident(workspace, incident_id)
    require_on(person, Right.INCIDENT_READ, record, f"incident {incident_id}")
    return masked(record, person)


def list_incidents(workspace: Workspace, person: Person, query: IncidentQuery | None = None) -> list[IncidentRecord]:
    """Return the incidents a person may see, in the order of the query, their reporters masked.

    Raises
    ------
    RightsError
        The person may see no incidents at all, or none of the area that is asked for.
    """
    wanted = query or IncidentQuery()
    where = filter_of(workspace, person, wanted)
    limit = min(max(wanted.limit, 0), MOST_AT_ONCE)
    found = workspace.store.entities(KIND, where, order=wanted.order, limit=limit, offset=max(wanted.offset, 0))
    return [masked(record_of(entity), person) for entity in found]


def count_incidents(workspace: Workspace, person: Person, query: IncidentQuery | None = None) -> int:
    """Return how many incidents a query has in all; see `list_incidents`."""
    return workspace.store.count(KIND, filter_of(workspace, person, query or IncidentQuery()))


def tasks_of(workspace: Workspace, person: Person, worker_id: str = "") -> list[IncidentRecord]:
    """Return what is given to a worker and not done yet, the most urgent first.

    Raises
    ------
    RightsError
        The person has no tasks, or asks for those of somebody else.
    """
    asked = worker_id or person.worker_id
    require_own_worker(person, Right.TASK_READ, asked)
    where = EntityFilter(statuses=TASK_STATES, worker_id=asked)
    return [masked(record_of(entity), person) for entity in workspace.store.entities(KIND, where, limit=MOST_AT_ONCE)]


def timeline(workspace: Workspace, person: Person, incident_id: str, lang: Lang) -> list[TimelineEntry]:
    """Return what has happened to an incident, oldest first.

    Raises
    ------
    RecordNotFoundError
        There is no such incident.
    RightsError
        The person may not see it.
    """
    record = read_incident(workspace, person, incident_id)
    shown = [timeline_entry(event, lang) for event in workspace.store.events(entity_id=incident_id)]
    own = bool(person.worker_id) and record.handler == person.worker_id
    hide = str if own else _text_filter(person)  # what the staff writes there is meant for whoever has the task
    return [replace(entry, detail=hide(entry.detail)) for entry in shown]


def possible_moves(person: Person, record: IncidentRecord) -> tuple[Action, ...]:
    """Return what this person can do with an incident now: what its state allows and the person may."""
    return tuple(
        action
        for action in allowed(record)
        if action is not Action.ABSORB and may_on(person, Right.of_action(action), record)
    )


def duplicates_of(workspace: Workspace, person: Person, incident_id: str) -> list[Duplicate]:
    """Return the incidents that may be the same one: same class, within 50 m and 24 h, nearest first."""
    record = read_incident(workspace, person, incident_id)
    require_on(person, Right.INCIDENT_MERGE, record, f"incident {incident_id}")
    reach = 1.5 * RADIUS_M / _METRES_PER_DEGREE
    reach_lon = reach * 2 if abs(record.lat) < 60 else 180.0
    box = (record.lon - reach_lon, record.lat - reach, record.lon + reach_lon, record.lat + reach)
    near = workspace.store.entities(KIND, EntityFilter(statuses=OPEN_STATES, bounds=box), limit=MOST_AT_ONCE)
    others = [other for other in map(record_of, near) if may_on(person, Right.INCIDENT_READ, other)]
    return possible_duplicates(record, others)


def read_reporters(workspace: Workspace, person: Person, incident_id: str, *, reason: str = "") -> tuple[Reporter, ...]:
    """Return the reporters of an incident in clear; that somebody looked becomes an event of its log first.

    Raises
    ------
    RecordNotFoundError
        There is no such incident.
    RightsError
        The person may not see them.
    MoveRefusedError
        The reason is blank.
    """
    record, _ = load_incident(workspace, incident_id)
    require_on(person, Right.INCIDENT_UNMASK, record, f"incident {incident_id}")
    workspace.store.append([unmask(record, person.actor, workspace.now(), reason=reason)])
    return record.reporters


def load_incident(workspace: Workspace, incident_id: str) -> tuple[IncidentRecord, int]:
    """Return an incident as it is, and the number of its last event. For operations only: it checks no rights."""
    entity = workspace.store.entity(incident_id)
    if entity is None or entity.kind != KIND:
        raise RecordNotFoundError(f"there is no incident '{incident_id}'")
    return record_of(entity), entity.updated_seq


def record_of(entity: Entity) -> IncidentRecord:
    """Return the incident of an entity."""
    return IncidentRecord.from_dict(entity.state)


def masked(record: IncidentRecord, person: Person) -> IncidentRecord:
    """Return an incident as a person may see it: reporters are always masked, numbers in texts by role."""
    hide = _text_filter(person)
    return replace(
        record,
        reporters=tuple(
            replace(who, name=mask_name(who.name), phone=mask_phone(who.phone)) for who in record.reporters
        ),
        description=hide(record.description),
    )


def person_name(workspace: Workspace, actor: str) -> str:
    """Return the name of an actor of the log: that of the account, of the worker, or the actor itself."""
    entity = workspace.store.entity(ACCOUNT + actor)
    if entity is not None and entity.state.get("name"):
        return str(entity.state["name"])
    return workspace.cached("worker_names", lambda: _worker_names(workspace)).get(actor) or actor


def filter_of(workspace: Workspace, person: Person, query: IncidentQuery) -> EntityFilter:
    """Return the store's filter for what a person may see of a query; see `list_incidents`."""
    scope = require(person, Right.INCIDENT_READ)
    prefixes, handler = seen_prefixes(person, query.area), query.handler
    if not prefixes or scope is Scope.OWN:
        if not person.worker_id or query.area:
            raise RightsError(f"area '{query.area}' lies outside the area of account {person.account_id}")
        prefixes, handler = (), person.worker_id  # only what is given to this person
    states = tuple(map(str, query.states)) or OPEN_STATES
    late_before = ""
    if query.late:
        states = tuple(state for state in states if state in RUNNING)
        late_before = format_time(workspace.now())
    return EntityFilter(
        statuses=states or ("none",),
        grid_prefixes=() if prefixes == ("",) else prefixes,
        class_codes=query.class_codes,
        worker_id=handler,
        severity_from=query.severity_from,
        due_before=late_before,
        changed_after=query.changed_after,
        bounds=query.bounds,
    )


def _worker_names(workspace: Workspace) -> dict[str, str]:
    workers = workspace.layers_of_kind("workers")
    if workers is None or "name" not in workers:
        return {}
    pairs = zip(workers["worker_id"], workers["name"], strict=True)
    return {str(worker_id): name for worker_id, name in pairs if isinstance(name, str)}


def _text_filter(person: Person) -> Callable[[str], str]:
    """Return what a text goes through before this person sees it."""
    return str if may(person, Right.INCIDENT_UNMASK) else mask_contacts
