"""案件办理: one step in the life of an incident, if its state and the person's rights allow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError
from gridgov.model import duplicates, incident_branches, incident_moves
from gridgov.model.clock import Clock, Limit
from gridgov.model.events import Event, NewEvent
from gridgov.model.incident_life import MOVES, Action
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.overrides import Decision, Proposal
from gridgov.model.refusals import refuse
from gridgov.model.rights import Person, Right, require_on
from gridgov.operations.incidents import load_incident, masked
from gridgov.operations.photos import check_photos
from gridgov.operations.reporting import GridPlace, agency_at
from gridgov.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveArguments:
    """What a move may need besides the incident; see `NEEDS` for what belongs to which.

    Attributes
    ----------
    reason : str
        Why; several moves are refused without it.
    note : str
        What was done or found.
    photos : tuple of str
        Digests of pictures that were added before.
    handler : str
        Id of the worker it is dispatched to.
    condition, class_code, severity, agency
        What whoever files it finds or corrects.
    limit : Limit, optional
        Of an extension; of a dispatch only where the class has none in the profile.
    into : str
        The incident that a duplicate is merged into.
    proposal : Proposal, optional
        Of a dispatch: whom the plan proposed. Somebody else is then sent for a reason only.
    reason_code : str
        Of such a dispatch: one of `OverrideReason`; `reason` says more in words.
    """

    reason: str = ""
    note: str = ""
    photos: tuple[str, ...] = ()
    handler: str = ""
    condition: str = ""
    class_code: str = ""
    severity: int | None = None
    agency: str = ""
    limit: Limit | None = None
    into: str = ""
    proposal: Proposal | None = None
    reason_code: str = ""


NEEDS: Mapping[Action, frozenset[str]] = {
    Action.FILE: frozenset({"condition", "class_code", "severity", "agency"}),
    Action.REJECT: frozenset({"reason"}),
    Action.DISPATCH: frozenset({"handler", "limit", "proposal", "reason_code", "reason"}),
    Action.UNDO_DISPATCH: frozenset(),
    Action.ACCEPT: frozenset(),
    Action.ARRIVE: frozenset(),
    Action.RESOLVE: frozenset({"note", "photos"}),
    Action.VERIFY: frozenset({"note"}),
    Action.REWORK: frozenset({"reason"}),
    Action.CLOSE: frozenset({"note"}),
    Action.VOID: frozenset({"reason"}),
    Action.SUSPEND: frozenset({"reason"}),
    Action.RESUME: frozenset(),
    Action.REQUEST_EXTENSION: frozenset({"reason", "limit"}),
    Action.GRANT_EXTENSION: frozenset(),
    Action.REFUSE_EXTENSION: frozenset({"reason"}),
    Action.ESCALATE: frozenset({"reason"}),
    Action.DEESCALATE: frozenset({"reason"}),
    Action.MERGE: frozenset({"into"}),
    Action.UNMERGE: frozenset({"reason"}),
    Action.REMIND: frozenset(),
    Action.NOTE: frozenset({"note", "photos"}),
}


@dataclass(frozen=True, slots=True)
class _Step:
    """Everything that a move is made of. `seqs` collects the last event of every incident that it touches."""

    workspace: Workspace
    person: Person
    record: IncidentRecord
    given: MoveArguments
    at: datetime
    seqs: list[int]

    @property
    def clock(self) -> Clock:
        return self.workspace.incident_clock

    @property
    def basics(self) -> tuple[IncidentRecord, str, datetime]:
        """What every function of the life takes first."""
        return self.record, self.person.actor, self.at


def move_incident(
    workspace: Workspace,
    person: Person,
    incident_id: str,
    action: Action,
    given: MoveArguments | None = None,
    *,
    seen_version: int | None = None,
    idempotency_key: str | None = None,
) -> IncidentRecord:
    """Do something with an incident and return it as it is then, its reporters masked.

    Parameters
    ----------
    action : Action
        Every action but ABSORB (the other side of MERGE) and UNMASK (`incidents.read_reporters`).
    given : MoveArguments, optional
    seen_version : int, optional
        The version that the person saw; when it has changed since, nothing is done.
    idempotency_key : str, optional
        A name for this very call: sent again with it, nothing is done twice.

    Raises
    ------
    RecordNotFoundError
        There is no such incident, class or worker.
    RightsError
        The person may not do it, or not there.
    MoveRefusedError
        The state, or who did what before, does not allow it.
    ConflictError
        It has changed since it was read, or the key was used for another request.
    ParameterError
        An argument is wrong, or does not belong to the move.
    """
    if action not in NEEDS:
        raise ParameterError(f"'{action}' is no move: use one of {', '.join(NEEDS)}")
    record, seq = load_incident(workspace, incident_id)
    require_on(person, Right.of_action(action), record, f"incident {incident_id}")
    given = given or MoveArguments()
    if idempotency_key is not None:
        done = workspace.store.repeated(person.actor, idempotency_key)
        if done:
            _check_repeated(done[0], action, incident_id, given)
            return masked(record, person)
    if seen_version is not None and seen_version != record.version:
        raise ConflictError(
            f"incident {incident_id} has changed since it was read (version {seen_version}, now {record.version}): "
            "look at it again"
        )
    step = _Step(workspace, person, record, given, workspace.now(), [seq])
    _check_arguments(action, step.given)
    made = _MAKERS[action](step)
    new_events = made if isinstance(made, tuple) else (made,)
    workspace.store.append(new_events, expected_seq=max(step.seqs), idempotency_key=idempotency_key)
    return masked(load_incident(workspace, incident_id)[0], person)


def _check_repeated(done: Event, action: Action, incident_id: str, given: MoveArguments) -> None:
    """Refuse a key that stands for something else: another incident, another move, other words."""
    asked: dict[str, Any] = {
        **{name: getattr(given, name) for name in ("reason", "note", "handler", "condition", "into")},
        "photos": list(given.photos),
    }
    if action is Action.NOTE:
        asked["text"] = asked.pop("note")
    same = all(done.payload.get(name, type(value)()) == value for name, value in asked.items())
    corrected = {name: getattr(given, name) for name in ("class_code", "severity", "agency") if getattr(given, name)}
    same &= all(done.payload.get(name) == value for name, value in corrected.items())
    if done.entity_id != incident_id or done.kind != MOVES[action].event or not same:
        raise ConflictError("this idempotency key was used for another request: use a new one for each")


def _check_arguments(action: Action, given: MoveArguments) -> None:
    empty = MoveArguments()
    for name in MoveArguments.__slots__:
        if getattr(given, name) != getattr(empty, name) and name not in NEEDS[action]:
            allowed = ", ".join(sorted(NEEDS[action])) or "nothing"
            raise ParameterError(f"'{name}' does not belong to '{action}', which takes {allowed}")


def _file(step: _Step) -> NewEvent:
    given, record = step.given, step.record
    code = given.class_code or record.class_code
    of_class = step.workspace.incident_profile.of(code)
    if given.condition:
        of_class.limit_for(given.condition)  # refuses a condition that the class does not have
    agency = given.agency or record.agency
    if given.agency and given.agency not in step.workspace.incident_profile.agencies:
        raise RecordNotFoundError(f"there is no agency '{given.agency[:40]}'")
    if code != record.class_code and not given.agency:
        place = GridPlace(record.grid_code, record.community_code, record.street_code)
        agency = agency_at(step.workspace, code, place)
    return incident_moves.file(
        *step.basics, condition=given.condition, agency=agency, class_code=code, severity=given.severity
    )


def _dispatch(step: _Step) -> NewEvent:
    handler = step.given.handler
    _check_worker(step.workspace, handler)
    given, decision = step.given, None
    if given.proposal is not None:
        _check_worker(step.workspace, given.proposal.worker_id)
        decision = Decision(given.proposal, given.reason_code, given.reason)
    elif given.reason_code or given.reason:
        raise ParameterError("a reason for sending somebody else needs the proposal: give 'proposal', or no reason")
    return incident_moves.dispatch(
        *step.basics, handler=handler, limit=_limit(step), clock=step.clock, decision=decision
    )  # fmt: skip


def _check_worker(workspace: Workspace, worker_id: str) -> None:
    if worker_id not in workspace.cached("worker_ids", lambda: _worker_ids(workspace)):
        raise RecordNotFoundError(f"there is no worker '{worker_id[:40]}': choose one of the roster")


def _limit(step: _Step) -> Limit:
    """Return the limit of the class under the condition found at filing."""
    record, profile = step.record, step.workspace.incident_profile
    if record.limit is not None:
        return record.limit  # the clock has started: this one stands
    if record.class_code in profile.classes:
        if step.given.limit is not None:
            raise ParameterError(f"class {record.class_code} has its limit in the profile: give none")
        return profile.of(record.class_code).limit_for(record.condition).limit
    if step.given.limit is None:
        raise ParameterError(f"the profile has no limit for class '{record.class_code}' of {record.id}: give one")
    return step.given.limit


def _undo_dispatch(step: _Step) -> NewEvent:
    history = list(step.workspace.store.events(entity_id=step.record.id))
    return incident_moves.undo_dispatch(step.record, history, step.person.actor, step.at)


def _resolve(step: _Step) -> NewEvent:
    check_photos(step.workspace, step.given.photos)
    return incident_moves.resolve(*step.basics, clock=step.clock, note=step.given.note, photos=step.given.photos)


def _note(step: _Step) -> NewEvent:
    check_photos(step.workspace, step.given.photos)
    return incident_branches.note(*step.basics, text=step.given.note, photos=step.given.photos)


def _request_extension(step: _Step) -> NewEvent:
    if step.given.limit is None:
        raise ParameterError(f"an extension of {step.record.id} needs the time that is asked for")
    return incident_branches.request_extension(*step.basics, limit=step.given.limit, reason=step.given.reason)


def _merge(step: _Step) -> tuple[NewEvent, NewEvent]:
    main, seq = load_incident(step.workspace, step.given.into)
    require_on(step.person, Right.INCIDENT_MERGE, main, f"incident {main.id}")
    step.seqs.append(seq)
    return duplicates.merge(step.record, main, step.person.actor, step.at)


def _unmerge(step: _Step) -> tuple[NewEvent, NewEvent]:
    if not step.record.merged_into:
        raise refuse("not_merged", id=step.record.id)
    main, seq = load_incident(step.workspace, step.record.merged_into)
    require_on(step.person, Right.INCIDENT_UNMERGE, main, f"incident {main.id}")
    step.seqs.append(seq)
    return duplicates.unmerge(step.record, main, step.person.actor, step.at, reason=step.given.reason)


def _worker_ids(workspace: Workspace) -> frozenset[str]:
    workers = workspace.layers_of_kind("workers")
    return frozenset() if workers is None else frozenset(map(str, workers["worker_id"]))


_MAKERS: Mapping[Action, Callable[[_Step], NewEvent | tuple[NewEvent, ...]]] = {
    Action.FILE: _file,
    Action.REJECT: lambda s: incident_moves.reject(*s.basics, reason=s.given.reason),
    Action.DISPATCH: _dispatch,
    Action.UNDO_DISPATCH: _undo_dispatch,
    Action.ACCEPT: lambda s: incident_moves.accept(*s.basics),
    Action.ARRIVE: lambda s: incident_moves.arrive(*s.basics),
    Action.RESOLVE: _resolve,
    Action.VERIFY: lambda s: incident_moves.verify(*s.basics, passed=True, clock=s.clock, note=s.given.note),
    Action.REWORK: lambda s: incident_moves.rework(*s.basics, reason=s.given.reason, clock=s.clock),
    Action.CLOSE: lambda s: incident_moves.close(*s.basics, note=s.given.note),
    Action.VOID: lambda s: incident_moves.void(*s.basics, reason=s.given.reason),
    Action.SUSPEND: lambda s: incident_branches.suspend(*s.basics, reason=s.given.reason, clock=s.clock),
    Action.RESUME: lambda s: incident_branches.resume(*s.basics, clock=s.clock),
    Action.REQUEST_EXTENSION: _request_extension,
    Action.GRANT_EXTENSION: lambda s: incident_branches.grant_extension(*s.basics, clock=s.clock),
    Action.REFUSE_EXTENSION: lambda s: incident_branches.refuse_extension(*s.basics, reason=s.given.reason),
    Action.ESCALATE: lambda s: incident_branches.escalate(*s.basics, reason=s.given.reason),
    Action.DEESCALATE: lambda s: incident_branches.deescalate(*s.basics, reason=s.given.reason),
    Action.MERGE: _merge,
    Action.UNMERGE: _unmerge,
    Action.REMIND: lambda s: incident_branches.remind(*s.basics, clock=s.clock),
    Action.NOTE: _note,
}
