"""权限: who may do what, and where: roles, rights, areas and the person who acts.

The table `ROLE_RIGHTS` is the whole of it. Operations ask `require`, `require_on` and `seen_prefixes` before anything
else; pages and routes never decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gridgov.errors import RightsError
from gridgov.model.incident_life import Action


class Role(StrEnum):
    """What a person is to the platform; the public needs no account."""

    PUBLIC = "public"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    COMMANDER = "commander"
    PLANNER = "planner"
    ADMIN = "admin"


class Right(StrEnum):
    """What an operation needs. The rights of an incident's moves are those of `Action`: ``incident.<action>``."""

    INCIDENT_REPORT = "incident.report"
    INCIDENT_PROGRESS = "incident.progress"  # by the number of a ticket, without any personal data
    INCIDENT_READ = "incident.read"
    INCIDENT_FILE = "incident.file"
    INCIDENT_REJECT = "incident.reject"
    INCIDENT_DISPATCH = "incident.dispatch"
    INCIDENT_UNDO_DISPATCH = "incident.undo_dispatch"
    INCIDENT_ACCEPT = "incident.accept"
    INCIDENT_ARRIVE = "incident.arrive"
    INCIDENT_RESOLVE = "incident.resolve"
    INCIDENT_VERIFY = "incident.verify"
    INCIDENT_REWORK = "incident.rework"
    INCIDENT_CLOSE = "incident.close"
    INCIDENT_VOID = "incident.void"
    INCIDENT_SUSPEND = "incident.suspend"
    INCIDENT_RESUME = "incident.resume"
    INCIDENT_REQUEST_EXTENSION = "incident.request_extension"
    INCIDENT_GRANT_EXTENSION = "incident.grant_extension"
    INCIDENT_REFUSE_EXTENSION = "incident.refuse_extension"
    INCIDENT_ESCALATE = "incident.escalate"
    INCIDENT_DEESCALATE = "incident.deescalate"
    INCIDENT_MERGE = "incident.merge"
    INCIDENT_UNMERGE = "incident.unmerge"
    INCIDENT_REMIND = "incident.remind"
    INCIDENT_NOTE = "incident.note"
    INCIDENT_UNMASK = "incident.unmask"  # see the reporters' names and phone numbers
    TASK_READ = "task.read"
    DISPATCH_PLAN = "dispatch.plan"
    WORKER_READ = "worker.read"
    WORKER_STATUS = "worker.status"
    POSITION_READ = "position.read"
    POSITION_WRITE = "position.write"
    LAYER_READ = "layer.read"  # map, tiles, grids, natural resources: nothing personal
    LAYER_WRITE = "layer.write"  # bring in versions of layers, make layers from layers, withdraw versions
    CLOSURE_WRITE = "closure.write"  # close roads and open them again
    SCENARIO_WRITE = "scenario.write"  # what-if, siting, redesign; keep closures under a name; closes nothing
    SPEEDS_LEARN = "speeds.learn"  # learn speeds from tracks, choose which version counts
    HAZARD_WRITE = "hazard.write"  # draw or compute a hazard, change and withdraw it
    EVACUATION_WRITE = "evacuation.write"  # compute evacuation plans, give their orders and call them back
    ACCOUNT_MANAGE = "account.manage"
    AUDIT_READ = "audit.read"

    @classmethod
    def of_action(cls, action: Action) -> Right:
        """Return the right that a move of an incident needs; both sides of a merging need the same one."""
        return cls.INCIDENT_MERGE if action is Action.ABSORB else cls(f"incident.{action}")


class Scope(StrEnum):
    """How far a right reaches: the person's whole area, or only what is given to that person."""

    AREA = "area"
    OWN = "own"


_R = Right
_HANDLING = frozenset({_R.INCIDENT_ACCEPT, _R.INCIDENT_ARRIVE, _R.INCIDENT_RESOLVE, _R.INCIDENT_REQUEST_EXTENSION})
_COMMAND = frozenset(
    {
        _R.INCIDENT_REPORT, _R.INCIDENT_PROGRESS, _R.INCIDENT_READ, _R.INCIDENT_DISPATCH, _R.INCIDENT_UNDO_DISPATCH,
        _R.INCIDENT_SUSPEND, _R.INCIDENT_RESUME, _R.INCIDENT_ESCALATE, _R.INCIDENT_DEESCALATE, _R.INCIDENT_REMIND,
        _R.INCIDENT_NOTE, _R.INCIDENT_UNMASK, _R.DISPATCH_PLAN, _R.WORKER_READ, _R.WORKER_STATUS, _R.POSITION_READ,
        _R.LAYER_READ, _R.CLOSURE_WRITE, _R.SCENARIO_WRITE,
    }
)  # fmt: skip
_SUPERVISION = _COMMAND | {
    _R.INCIDENT_FILE, _R.INCIDENT_REJECT, _R.INCIDENT_VERIFY, _R.INCIDENT_REWORK, _R.INCIDENT_CLOSE, _R.INCIDENT_VOID,
    _R.INCIDENT_GRANT_EXTENSION, _R.INCIDENT_REFUSE_EXTENSION, _R.INCIDENT_MERGE, _R.INCIDENT_UNMERGE,
}  # fmt: skip


def _everywhere(rights: Iterable[Right]) -> dict[Right, Scope]:
    return dict.fromkeys(rights, Scope.AREA)


ROLE_RIGHTS: Mapping[Role, Mapping[Right, Scope]] = {
    Role.PUBLIC: _everywhere({_R.INCIDENT_REPORT, _R.INCIDENT_PROGRESS}),
    Role.WORKER: {
        **_everywhere({_R.INCIDENT_REPORT, _R.INCIDENT_PROGRESS, _R.INCIDENT_READ, _R.LAYER_READ}),
        **dict.fromkeys(_HANDLING, Scope.OWN),
        **dict.fromkeys({_R.INCIDENT_NOTE, _R.TASK_READ, _R.WORKER_READ, _R.WORKER_STATUS}, Scope.OWN),
        **dict.fromkeys({_R.POSITION_READ, _R.POSITION_WRITE}, Scope.OWN),
    },
    Role.SUPERVISOR: _everywhere(_SUPERVISION),
    Role.COMMANDER: _everywhere(_COMMAND | {_R.SPEEDS_LEARN, _R.HAZARD_WRITE, _R.EVACUATION_WRITE}),
    Role.PLANNER: _everywhere(
        {_R.INCIDENT_PROGRESS, _R.INCIDENT_READ, _R.LAYER_READ, _R.LAYER_WRITE, _R.SPEEDS_LEARN, _R.SCENARIO_WRITE}
    ),
    Role.ADMIN: _everywhere({_R.INCIDENT_PROGRESS, _R.LAYER_READ, _R.LAYER_WRITE, _R.ACCOUNT_MANAGE, _R.AUDIT_READ}),
}

EVERYWHERE: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts.

    Attributes
    ----------
    account_id : str
        Name of the account; ``public`` for somebody without one.
    areas : tuple of str
        Codes of districts, streets, communities or grids; whatever has a grid code that begins with one of them
        belongs to the person. ``EVERYWHERE`` is the whole workspace; nothing at all: only what is given to the person.
    worker_id : str
        The grid worker that the person is.
    """

    account_id: str
    role: Role
    areas: tuple[str, ...] = ()
    worker_id: str = ""
    name: str = ""

    @property
    def actor(self) -> str:
        """The name in the event log: a worker is the same person as handler and as somebody who acts."""
        return self.worker_id or self.account_id


PUBLIC = Person("public", Role.PUBLIC, EVERYWHERE)


class Placed(Protocol):
    """What lies in an area and may be given to somebody: an incident."""

    @property
    def grid_code(self) -> str:
        """15 digits, or the code of the workspace's own scheme; empty outside all grids."""

    @property
    def handler(self) -> str:
        """Whom it is given to."""


def may(person: Person, right: Right) -> bool:
    """Whether the person has a right at all, somewhere."""
    return right in ROLE_RIGHTS[person.role]


def require(person: Person, right: Right) -> Scope:
    """Return how far a right reaches for a person.

    Raises
    ------
    RightsError
        The role does not have it.
    """
    scope = ROLE_RIGHTS[person.role].get(right)
    if scope is None:
        raise RightsError(f"{person.account_id} ({person.role}) may not do '{right}': ask somebody whose role it is")
    return scope


def may_on(person: Person, right: Right, thing: Placed) -> bool:
    """Whether the person has a right on this thing."""
    scope = ROLE_RIGHTS[person.role].get(right)
    own = bool(person.worker_id) and thing.handler == person.worker_id
    if scope is Scope.AREA:
        return in_area(person, thing.grid_code) or (own and right is Right.INCIDENT_READ)
    return scope is Scope.OWN and own


def require_on(person: Person, right: Right, thing: Placed, name: str) -> None:
    """Refuse what the person may not do on this thing.

    Raises
    ------
    RightsError
        The role does not have the right, the thing lies outside the person's area, or is given to somebody else.
    """
    scope = require(person, right)
    if may_on(person, right, thing):
        return
    why = "is given to somebody else" if scope is Scope.OWN else "lies outside the area of this account"
    raise RightsError(f"{name} {why}: {person.account_id} may not do '{right}' there")


def in_area(person: Person, grid_code: str) -> bool:
    """Whether a grid (empty: no grid at all) belongs to the person's area."""
    return grid_code.startswith(person.areas) if person.areas else False


def seen_prefixes(person: Person, wanted: str = "") -> tuple[str, ...]:
    """Return which part of an area the person may see, as prefixes of grid codes; empty: nothing of it.

    Parameters
    ----------
    wanted : str
        Code of the area that is asked for; empty: everything that the person may see.
    """
    seen = set()
    for area in person.areas:
        if wanted.startswith(area):
            seen.add(wanted)
        elif area.startswith(wanted):
            seen.add(area)
    return tuple(sorted(seen))


def require_own_worker(person: Person, right: Right, worker_id: str) -> None:
    """Refuse what a person may do for themselves only.

    Raises
    ------
    RightsError
        The role does not have the right, or it is another worker.
    """
    if require(person, right) is Scope.OWN and worker_id != person.worker_id:
        raise RightsError(f"{person.account_id} may do '{right}' for {person.worker_id or 'nobody'}, not {worker_id}")
