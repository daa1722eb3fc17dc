"""成批派出: send what a plan says in one go, each incident for itself, with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gridgov.errors import GridgovError, StorageError
from gridgov.i18n import LANGS
from gridgov.model.assignments import Assignment, AssignmentPlan
from gridgov.model.incident_life import Action
from gridgov.model.incidents import IncidentState
from gridgov.model.overrides import Proposal
from gridgov.model.refusals import refuse
from gridgov.model.rights import Person, Right, require
from gridgov.operations.board import board_of
from gridgov.operations.incidents import load_incident
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.workspace import Workspace

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """One incident to send a worker to.

    Attributes
    ----------
    worker_id : str
        Who goes.
    proposal : Proposal or None
        Whom the plan proposed; for somebody else `reason_code` and `reason` say why.
    current_worker : str
        Who was under way when the plan was made; "" nobody.
    """

    incident_id: str
    worker_id: str
    proposal: Proposal | None = None
    reason_code: str = ""
    reason: str = ""
    current_worker: str = ""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of an order; `error` says why it was not carried out, None: it was."""

    incident_id: str
    worker_id: str
    error: GridgovError | None = None


def orders_of(plan: AssignmentPlan) -> tuple[BatchOrder, ...]:
    """Return what a plan sends anew, in its order: who is under way and stays needs no order."""
    return tuple(_order(one) for one in plan.assignments if not one.kept)


def dispatch_batch(
    workspace: Workspace, person: Person, orders: Sequence[BatchOrder], *, progress: Progress | None = None
) -> tuple[BatchResult, ...]:
    """Dispatch many incidents, one after the other; one that is refused keeps no other from being sent.

    An incident that somebody else has dispatched since the plan was made is left as it is.

    Parameters
    ----------
    progress : callable, optional
        Called with the orders done and all of them.

    Returns
    -------
    tuple of BatchResult
        In the order of `orders`. When the store is away, all that are left have its error.

    Raises
    ------
    RightsError
        The person may dispatch nothing at all.
    """
    require(person, Right.INCIDENT_DISPATCH)
    results: list[BatchResult] = []
    lost: StorageError | None = None
    for order in orders:
        error: GridgovError | None = lost
        if lost is None:
            error = _carried_out(workspace, person, order)
            lost = error if isinstance(error, StorageError) else None
        results.append(BatchResult(order.incident_id, order.worker_id, error))
        if progress is not None:
            progress(len(results), len(orders))
    return tuple(results)


def class_names_of(workspace: Workspace, incident_ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Return the names of the classes of open incidents, by incident; of one that is over by now its number."""
    board, classes = board_of(workspace), workspace.incident_profile.classes
    code_of = dict(zip(board["incident_id"].tolist(), board["class_code"].tolist(), strict=True))
    names: dict[str, Mapping[str, str]] = {}
    for incident_id in incident_ids:
        code = str(code_of.get(incident_id, ""))
        names[incident_id] = classes[code].names if code in classes else dict.fromkeys(LANGS, code)
    return names


def _order(one: Assignment) -> BatchOrder:
    proposal = Proposal(one.worker_id, one.travel_time_ms, one.travel_time_ms)
    return BatchOrder(one.incident_id, one.worker_id, proposal, current_worker=one.moved_from)


def _carried_out(workspace: Workspace, person: Person, order: BatchOrder) -> GridgovError | None:
    """Carry out an order; return what was said against it."""
    try:
        record, _ = load_incident(workspace, order.incident_id)
        waits = record.state is IncidentState.FILED
        if not (record.handler == order.current_worker if order.current_worker else waits):
            raise refuse("moved_on", id=record.id, state=str(record.state), person=record.handler or "–")
        given = MoveArguments(
            handler=order.worker_id, proposal=order.proposal, reason_code=order.reason_code, reason=order.reason
        )
        move_incident(workspace, person, record.id, Action.DISPATCH, given, seen_version=record.version)
    except GridgovError as error:
        return error
    return None
