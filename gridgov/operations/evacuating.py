"""疏散方案: compute a plan for a hazard, keep it, give its orders, withdraw it."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, StorageError
from gridgov.evacuation import plan_evacuation
from gridgov.evacuation.bus_plans import BusPlan
from gridgov.evacuation.spare_time import spare_time_s
from gridgov.model.entities import Entity, EntityFilter
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.evacuations import (
    ENTITY,
    ORDERED,
    PLANNED,
    REPLACED,
    WITHDRAWN,
    Evacuation,
    ordered,
    planned,
    replaced,
    withdrawn,
)
from gridgov.model.events import format_time, parse_time
from gridgov.model.hazards import ACTIVE
from gridgov.model.refusals import refuse
from gridgov.model.rights import Person, Right, require
from gridgov.operations.board import newest_first
from gridgov.operations.evacuation_input import (
    EvacuationInput,
    EvacuationQuery,
    evacuation_input,
    query_to_dict,
)
from gridgov.operations.hazards import check_hazard_area, read_hazard
from gridgov.operations.random_ids import random_id
from gridgov.workspace import Workspace

KIND = "evacuation"
FOLDER = "plans"
_LONGEST_TEXT = 500
LATENESS_BORNE = timedelta(minutes=3)  # computing, reading and deciding take so long; models know no arrival better
LATEST_PAST = timedelta(minutes=5)  # of an order that was given by word of mouth before it was put on record
FARTHEST_AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RecordedEvacuation:
    """An evacuation of the log.

    Attributes
    ----------
    status : str
        ``planned``, ``ordered``, ``replaced`` (by the orders of another plan of the hazard) or ``withdrawn``.
    leave_at : datetime or None
        When the order to leave holds: the zero of all times of the plan.
    warned_at : datetime
        When the orders were given, before that when the plan was made: also of one that was withdrawn.
    superseded : tuple of str or None
        Evacuations whose orders held until these were given, the newest first; None: orders were not given (or by an
        older version, which did not say).
    replaced_by : str
        The evacuation whose orders took the place of these; "": none.
    """

    evacuation: Evacuation
    status: str
    by: str
    at: datetime
    leave_at: datetime | None
    note: str
    warned_at: datetime
    superseded: tuple[str, ...] | None = None
    replaced_by: str = ""


def evacuate(
    workspace: Workspace,
    person: Person,
    query: EvacuationQuery,
    *,
    progress: Callable[[EvacuationPlan], bool | None] | None = None,
    now: datetime | None = None,
) -> tuple[EvacuationPlan, EvacuationInput]:
    """Compute a plan for a hazard and return it with the question it answers; nothing is written.

    Raises
    ------
    See `evacuation_input`.
    """
    asked = evacuation_input(workspace, person, query, now=now)
    previous = read_plan(workspace, person, query.replaces) if query.replaces else None
    plan = plan_evacuation(
        asked.network,
        asked.demand,
        asked.shelters,
        query.params,
        edge_closes_s=asked.closes_s,
        previous=previous,
        progress=progress,
        seed=query.seed,
    )
    return replace(plan, warnings=(*plan.warnings, *asked.warnings)), asked


def keep_plan(
    workspace: Workspace, person: Person, query: EvacuationQuery, plan: EvacuationPlan, asked: EvacuationInput
) -> RecordedEvacuation:
    """Put a plan on the books: its document in the workspace, its fingerprint and figures in the log."""
    require(person, Right.EVACUATION_WRITE)
    check_hazard_area(workspace, person, asked.hazard)
    document = plan.to_json(compress=True)
    digest = hashlib.sha256(document).hexdigest()
    _write(workspace.path / FOLDER, f"{digest}.json.gz", document)
    now = workspace.now()
    evacuation = Evacuation(
        evacuation_id=f"{now.astimezone(workspace.timezone):%y%m%d}-{random_id()}",
        hazard_id=query.hazard_id,
        hazard_revision=asked.revision,
        digest=digest,
        clearance_time_s=plan.clearance_time_s,
        lower_bound_s=plan.lower_bound_s,
        gap=plan.gap,
        persons=asked.persons,
        unmet_persons=plan.unmet_persons + (0 if asked.buses is None else asked.buses.unmet_persons),
        zones=len(asked.demand),
        shelters=len(asked.shelters),
        replaces=query.replaces,
        leave_by=_leave_by(plan, asked.at or now),
        query=query_to_dict(query),
        buses={} if asked.buses is None else _keep_buses(workspace, asked.buses),
    )
    workspace.store.append([planned(evacuation, person.actor, now)], expected_seq=0)
    return read_evacuation(workspace, person, evacuation.evacuation_id)


def evacuations_of(
    workspace: Workspace, person: Person, hazard_id: str = "", *, withdrawn_too: bool = False
) -> tuple[RecordedEvacuation, ...]:
    """Return the evacuations on the books, the last changed first; of one hazard, if it is given.

    `withdrawn_too`: also those that were withdrawn or replaced.
    """
    require(person, Right.LAYER_READ)
    where = None if withdrawn_too else EntityFilter(statuses=(PLANNED, ORDERED))
    found = (_recorded(entity) for entity in newest_first(workspace.store, where, kind=KIND))
    return tuple(each for each in found if hazard_id in ("", each.evacuation.hazard_id))


def read_evacuation(workspace: Workspace, person: Person, evacuation_id: str) -> RecordedEvacuation:
    """Return one evacuation, also one that was withdrawn.

    Raises
    ------
    RecordNotFoundError
        There is none of that id.
    """
    require(person, Right.LAYER_READ)
    return _recorded(_entity(workspace, evacuation_id))


def read_plan(workspace: Workspace, person: Person, evacuation_id: str) -> EvacuationPlan:
    """Return the plan of an evacuation.

    Raises
    ------
    RecordNotFoundError
        There is no such evacuation.
    StorageError
        Its document is missing or is not the one that was kept.
    """
    return EvacuationPlan.from_json(read_plan_document(workspace, person, evacuation_id))


def read_plan_document(workspace: Workspace, person: Person, evacuation_id: str) -> bytes:
    """Return the document of a plan, gzipped, after checking its fingerprint; see `read_plan`."""
    require(person, Right.LAYER_READ)
    return _read_document(workspace, evacuation_id, _recorded(_entity(workspace, evacuation_id)).evacuation.digest)


def read_bus_plan(workspace: Workspace, person: Person, evacuation_id: str) -> BusPlan | None:
    """Return the buses of an evacuation; None: it has none. See `read_plan`."""
    require(person, Right.LAYER_READ)
    buses = _recorded(_entity(workspace, evacuation_id)).evacuation.buses
    if not buses:
        return None
    document = json.loads(gzip.decompress(_read_document(workspace, evacuation_id, buses["digest"])))
    return BusPlan.from_dict(document, workspace.network().n_edges)


def _read_document(workspace: Workspace, evacuation_id: str, digest: str) -> bytes:
    name = f"{digest}.json.gz"
    try:
        document = (workspace.path / FOLDER / name).read_bytes()
    except OSError as error:
        raise StorageError(
            f"the plan of evacuation {evacuation_id} cannot be read ({name}): compute it again"
        ) from error
    if hashlib.sha256(document).hexdigest() != digest:
        raise StorageError(
            f"the plan of evacuation {evacuation_id} ({name}) was changed after it was kept: do not use it"
        )
    return document


def give_orders(
    workspace: Workspace, person: Person, evacuation_id: str, *, leave_at: datetime | None = None, note: str = ""
) -> RecordedEvacuation:
    """Put on record that the orders of a plan are given; `leave_at`, by default now, is the zero of its times.

    In the same step they take the place of all other orders for the hazard.

    Raises
    ------
    ConflictError
        They were given before, or the plan was withdrawn.
    MoveRefusedError
        The hazard was withdrawn, or who leaves so late comes too late for the deadlines and closings of the plan.
    ParameterError
        `leave_at` has no offset, lies in the past or too far ahead; the note is too long.
    """
    require(person, Right.EVACUATION_WRITE)
    note = _checked(note, "note")
    with workspace.cached("evacuation_orders", threading.Lock):  # of two orders at once the second replaces the first
        head, _ = workspace.store.head()
        entity = _entity_in_area(workspace, person, evacuation_id)
        if entity.columns.status != PLANNED:
            raise ConflictError(f"evacuation {evacuation_id} is {entity.columns.status} already; compute a new plan")
        recorded, now = _recorded(entity), workspace.now()
        check_hazard_stands(workspace, person, recorded.evacuation.hazard_id)
        leave = _checked_leave(leave_at or now, now)
        late_s = lateness_s(workspace, person, recorded, leave)
        if late_s > LATENESS_BORNE.total_seconds():
            clock, minutes = f"{leave.astimezone(workspace.timezone):%H:%M}", str(math.ceil(late_s / 60))
            raise refuse("orders_too_late", id=evacuation_id, clock=clock, minutes=minutes)
        older = [each.evacuation.evacuation_id for each in _in_force(workspace, person, recorded.evacuation.hazard_id)]
        events = [ordered(evacuation_id, leave, person.actor, now, note=note, replaces=older)]
        events += [replaced(each, evacuation_id, person.actor, now) for each in older]
        workspace.store.append(events, expected_seq=head)
    return read_evacuation(workspace, person, evacuation_id)


def lateness_s(workspace: Workspace, person: Person, recorded: RecordedEvacuation, leave_at: datetime) -> float:
    """Return how many seconds too late somebody comes when all leave from `leave_at`; 0: in time, or nothing closes.

    Raises
    ------
    See `read_plan`, for plans that an older version kept.
    """
    require(person, Right.LAYER_READ)
    leave_by = recorded.evacuation.leave_by
    if leave_by == "":
        leave_by = _leave_by(read_plan(workspace, person, recorded.evacuation.evacuation_id), recorded.warned_at)
    return 0.0 if leave_by is None else max(0.0, (leave_at - parse_time(leave_by)).total_seconds())


def _leave_by(plan: EvacuationPlan, counted_from: datetime) -> str | None:
    spare_s = spare_time_s(plan)
    return None if spare_s is None else format_time(counted_from + timedelta(seconds=spare_s))


def _checked_leave(leave_at: datetime, now: datetime) -> datetime:
    if leave_at.tzinfo is None:
        raise ParameterError("leave_at must be an aware time (with an offset)")
    if leave_at < now - LATEST_PAST:
        raise ParameterError(f"leave_at {leave_at.isoformat()} has passed; give a time from now on")
    if leave_at > now + FARTHEST_AHEAD:
        hours = FARTHEST_AHEAD // timedelta(hours=1)
        raise ParameterError(
            f"leave_at {leave_at.isoformat()} is more than {hours} hours ahead; order it nearer the time"
        )
    return leave_at


def check_hazard_stands(workspace: Workspace, person: Person, hazard_id: str) -> None:
    """Refuse, as a move, what would be done for a hazard that was withdrawn."""
    if read_hazard(workspace, person, hazard_id).status != ACTIVE:
        raise refuse("hazard_withdrawn", id=hazard_id)


def _in_force(workspace: Workspace, person: Person, hazard_id: str) -> list[RecordedEvacuation]:
    """Return the evacuations of a hazard whose orders hold, those that were given last first."""
    found = [each for each in evacuations_of(workspace, person, hazard_id) if each.status == ORDERED]
    return sorted(found, key=lambda each: each.warned_at, reverse=True)


def withdraw_evacuation(workspace: Workspace, person: Person, evacuation_id: str, *, reason: str) -> RecordedEvacuation:
    """Take a plan off the books, or call its orders back; it stays on record.

    Raises
    ------
    ConflictError
        It was withdrawn before.
    MoveRefusedError
        Others took the place of its orders.
    ParameterError
        There is no reason.
    """
    require(person, Right.EVACUATION_WRITE)
    entity = _entity_in_area(workspace, person, evacuation_id)
    if entity.columns.status == WITHDRAWN:
        raise ConflictError(f"evacuation {evacuation_id} was withdrawn before")
    if entity.columns.status == REPLACED:
        raise refuse("orders_replaced", id=evacuation_id, other=_recorded(entity).replaced_by)
    if not _checked(reason, "reason"):
        raise ParameterError(f"say why evacuation {evacuation_id} is withdrawn")
    event = withdrawn(evacuation_id, person.actor, workspace.now(), reason=reason.strip())
    workspace.store.append([event], expected_seq=entity.updated_seq)
    return read_evacuation(workspace, person, evacuation_id)


def _entity(workspace: Workspace, evacuation_id: str) -> Entity:
    entity = workspace.store.entity(ENTITY + evacuation_id) if evacuation_id else None
    if entity is None:
        raise RecordNotFoundError(f"there is no evacuation '{evacuation_id[:40]}'")
    return entity


def _entity_in_area(workspace: Workspace, person: Person, evacuation_id: str) -> Entity:
    entity = _entity(workspace, evacuation_id)
    hazard_id = entity.state["evacuation"]["hazard_id"]
    check_hazard_area(workspace, person, read_hazard(workspace, person, hazard_id).hazard)
    return entity


def _recorded(entity: Entity) -> RecordedEvacuation:
    state = entity.state
    last = state.get("withdrawn") or state.get("replaced") or state.get("ordered") or state
    leave = (state.get("ordered") or {}).get("leave_at")
    superseded = (state.get("ordered") or {}).get("replaces")
    return RecordedEvacuation(
        Evacuation.from_dict(state["evacuation"]),
        state["status"],
        last["by"],
        parse_time(last["at"]),
        parse_time(leave) if leave else None,
        last.get("reason") or last.get("note") or "",
        parse_time((state.get("ordered") or state)["at"]),
        None if superseded is None else tuple(superseded),
        (state.get("replaced") or {}).get("by_evacuation", ""),
    )


def _keep_buses(workspace: Workspace, plan: BusPlan) -> dict[str, Any]:
    """Write the document of a bus plan, and return what the log keeps of it."""
    text = json.dumps(plan.to_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    document = gzip.compress(text.encode("utf-8"), mtime=0)
    digest = hashlib.sha256(document).hexdigest()
    _write(workspace.path / FOLDER, f"{digest}.json.gz", document)
    return {
        "digest": digest,
        "buses": len(plan.buses),
        "trips": plan.trips,
        "persons": plan.persons,
        "unmet_persons": plan.unmet_persons,
        "done_s": plan.done_s,
        "lower_bound_s": plan.lower_bound_s,
    }


def _checked(text: str, what: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise ParameterError(f"the {what} has {len(text)} characters; write at most {_LONGEST_TEXT}")
    return text.strip()


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write a file that is complete or not there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    draft = folder / f".{name}.{secrets.token_hex(4)}"
    draft.touch(mode=0o600)
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / name)
