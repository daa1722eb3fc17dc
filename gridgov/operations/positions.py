"""位置与在岗: where grid workers are and whether they are free, as they say themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gridgov.errors import ParameterError, RecordNotFoundError, RightsError
from gridgov.model.duty import status_set
from gridgov.model.positions import Position
from gridgov.model.rights import Person, Right, Scope, in_area, require, require_own_worker
from gridgov.model.workers import WorkerStatus
from gridgov.operations.crew import crew_of
from gridgov.operations.reporting import places_of
from gridgov.workspace import Workspace

MOST_AT_ONCE = 1000
AHEAD = timedelta(minutes=2)  # a phone's clock may be off by so much
BEHIND = timedelta(hours=24)  # what was kept while there was no network
_MARGIN = 0.5  # of the district's width and height: a worker may come from next door
_LEAST_MARGIN_DEG = 0.1


def record_positions(workspace: Workspace, person: Person, positions: Sequence[Position]) -> int:
    """Keep a batch of positions, all or nothing, and return how many the track gained.

    Raises
    ------
    ParameterError
        More than `MOST_AT_ONCE`, a time in the future or older than a day, or a place far from the district.
    RecordNotFoundError
        There is no such worker.
    RightsError
        The person may not send positions, or not those of somebody else.
    """
    require(person, Right.POSITION_WRITE)
    for worker_id in dict.fromkeys(position.worker_id for position in positions):
        require_own_worker(person, Right.POSITION_WRITE, worker_id)
        _row_of(workspace, worker_id)
    if len(positions) > MOST_AT_ONCE:
        raise ParameterError(f"{len(positions):,} positions are too many at once: send at most {MOST_AT_ONCE:,}")
    for position in positions:
        _check(workspace, position)
    return workspace.store.record_positions(positions) if positions else 0


def positions_of(workspace: Workspace, person: Person) -> list[Position]:
    """Return the newest positions that a person may see, by worker id: those in the person's area, or only the own one.

    Raises
    ------
    RightsError
        The person may see none.
    """
    scope = require(person, Right.POSITION_READ)
    found = workspace.store.positions()
    if scope is Scope.OWN or not person.areas:
        return [position for position in found if person.worker_id and position.worker_id == person.worker_id]
    places = places_of(workspace, [position.lon for position in found], [position.lat for position in found])
    return [
        position
        for position, place in zip(found, places, strict=True)
        if in_area(person, place.grid_code) or (person.worker_id and position.worker_id == person.worker_id)
    ]


def set_status(workspace: Workspace, person: Person, worker_id: str, status: WorkerStatus) -> None:
    """Say that a worker is free, busy or off duty from now on: the worker themself, or somebody of their area.

    Raises
    ------
    ParameterError
        The status is unknown.
    RecordNotFoundError
        There is no such worker.
    RightsError
        The person may not say so, or not of this worker.
    """
    require_own_worker(person, Right.WORKER_STATUS, worker_id)
    row = _row_of(workspace, worker_id)
    crew = crew_of(workspace)
    if not crew.seen_by(person, Right.WORKER_STATUS)[row]:
        raise RightsError(f"worker {worker_id} is outside the area of account {person.account_id}")
    if status not in set(WorkerStatus):
        raise ParameterError(f"a worker is {', '.join(WorkerStatus)}, not '{status}'")
    workspace.store.append([status_set(worker_id, WorkerStatus(status), person.actor, workspace.now())])


def _row_of(workspace: Workspace, worker_id: str) -> int:
    row = crew_of(workspace).row.get(worker_id)
    if row is None:
        raise RecordNotFoundError(f"there is no grid worker '{worker_id[:40]}'")
    return row


def _check(workspace: Workspace, position: Position) -> None:
    now = workspace.now()
    if not now - BEHIND <= position.at <= now + AHEAD:
        raise ParameterError(
            f"the position of {position.worker_id} is of {position.at:%Y-%m-%d %H:%M:%S %Z}: "
            f"send those of the last 24 hours (now {now:%Y-%m-%d %H:%M:%S %Z})"
        )
    west, south, east, north = workspace.bounds
    wide, high = (max(_MARGIN * size, _LEAST_MARGIN_DEG) for size in (east - west, north - south))
    if not (west - wide <= position.lon <= east + wide and south - high <= position.lat <= north + high):
        raise ParameterError(
            f"the position {position.lon:.5f}, {position.lat:.5f} of {position.worker_id} is far from the district"
        )
