"""工作清单: the incidents somebody has to see to next, as rows of a list, and the four numbers over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from gridgov.errors import RecordNotFoundError, RightsError
from gridgov.model.clock import Clock, Lamp, elapsed
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import Person, Right, seen_prefixes
from gridgov.model.workers import WorkerStatus
from gridgov.operations.crew import crew_of
from gridgov.operations.incident_texts import ids_with_words
from gridgov.operations.incidents import (
    IncidentQuery,
    count_incidents,
    filter_of,
    list_incidents,
    load_incident,
    masked,
    read_incident,
)
from gridgov.operations.situation import division_names
from gridgov.workspace import Workspace

PAGE = 50
# Where the next step is not the worker's: to be filed, dispatched, checked or closed.
TO_DO = (IncidentState.REPORTED, IncidentState.FILED, IncidentState.RESOLVED, IncidentState.VERIFIED)

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One incident of a list.

    Attributes
    ----------
    left_s : int or None
        What is left of its limit in counted seconds (work time where the limit counts work time), negative when it is
        late; None without a clock and when everything is over.
    work_time : bool
        Whether what is left is work time; otherwise hours round the clock.
    lamp : Lamp or None
    """

    incident_id: str
    severity: int
    class_names: Names
    state: IncidentState
    lamp: Lamp | None
    left_s: int | None
    work_time: bool
    street_names: Names
    emergency: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of a list and how many incidents the list has."""

    rows: tuple[WorklistRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class WorklistNumbers:
    """How many incidents are open, late, and waiting for a supervisor's step."""

    open: int
    late: int
    to_do: int


@dataclass(frozen=True, slots=True)
class ReadyWorker:
    """A worker who can go now, and where that worker is; no number where that is not known."""

    worker_id: str
    name: str
    mode: str
    skills: tuple[str, ...]
    shift: str
    lon: float
    lat: float


def worklist(workspace: Workspace, person: Person, query: IncidentQuery | None = None, *, text: str = "") -> Worklist:
    """Return the rows of a list, the most urgent first.

    Parameters
    ----------
    text : str
        An incident's number, which is found whatever its state, or words of its description, which all have to occur.

    Raises
    ------
    RightsError
        The person may see no incidents, or none of the area that is asked for.
    """
    wanted = query or IncidentQuery(limit=PAGE)
    if not (words := text.split()):
        records = list_incidents(workspace, person, wanted)
        all_here = not wanted.offset and len(records) < wanted.limit
        total = len(records) if all_here else count_incidents(workspace, person, wanted)
        return Worklist(rows_of(workspace, records), total)
    if (named := _of_number(workspace, person, text)) is not None:
        return Worklist(rows_of(workspace, [named]), 1)
    ids = ids_with_words(workspace, words, filter_of(workspace, person, wanted))
    page = ids[wanted.offset : wanted.offset + wanted.limit]
    return Worklist(rows_of(workspace, [masked(load_incident(workspace, i)[0], person) for i in page]), len(ids))


def worklist_numbers(workspace: Workspace, person: Person) -> WorklistNumbers:
    """Return the numbers over the list; each counts what the same query of `worklist` shows."""
    return WorklistNumbers(
        open=count_incidents(workspace, person),
        late=count_incidents(workspace, person, IncidentQuery(late=True)),
        to_do=count_incidents(workspace, person, IncidentQuery(states=TO_DO)),
    )


def ready_workers(workspace: Workspace, person: Person) -> tuple[ReadyWorker, ...]:
    """Return who can go now of those a person may see; nobody for who may not see workers."""
    crew = crew_of(workspace)
    who = crew.roster
    ready = who.on_shift(workspace.now()) & (who.status == str(WorkerStatus.FREE))
    ready &= crew.seen_by(person, Right.WORKER_READ) & crew.seen_by(person, Right.POSITION_READ)
    return tuple(
        ReadyWorker(
            worker_id=str(who.worker_id[row]),
            name=str(who.name[row]),
            mode=str(who.mode[row]),
            skills=who.skills[row],
            shift=who.shift_texts[row],
            lon=float(who.lon[row]),
            lat=float(who.lat[row]),
        )
        for row in np.flatnonzero(ready).tolist()
    )


def rows_of(workspace: Workspace, records: list[IncidentRecord]) -> tuple[WorklistRow, ...]:
    """Return incidents as rows of a list."""
    now, streets = workspace.now(), division_names(workspace)
    return tuple(
        WorklistRow(
            incident_id=record.id,
            severity=record.severity,
            class_names=class_names(workspace, record),
            state=record.state,
            lamp=record.lamp(now),
            left_s=left_s(record, now, workspace.incident_clock),
            work_time=counts_work_time(record),
            street_names=streets.get(record.street_code, {}),
            emergency=record.emergency,
            reported_at=record.reported_at,
        )
        for record in records
    )


def left_s(record: IncidentRecord, now: datetime, clock: Clock) -> int | None:
    """Return what is left of an incident's limit in counted seconds, negative when it is late.

    None without a clock, and when the incident is over: then nobody has time left for it.
    """
    moment = record.judged_at(now)
    if moment is None or not record.state.is_open or record.due_at is None or record.limit is None:
        return None
    return int(elapsed(moment, record.due_at, record.limit.unit, clock.calendar).total_seconds())


def counts_work_time(record: IncidentRecord) -> bool:
    """Whether an incident's limit counts work time; otherwise hours round the clock."""
    return record.limit is not None and record.limit.unit.counts_work_time


def open_until(now: datetime, clock: Clock) -> datetime | None:
    """Return until when work time runs on without a rest; None when people rest now."""
    begin, end = next(clock.calendar.work_from(now), (None, None))
    return end if begin == now else None


def class_names(workspace: Workspace, record: IncidentRecord) -> Names:
    """Return the names of an incident's class by language: the profile's, else its source's, else the code."""
    known = workspace.incident_profile.classes.get(record.class_code)
    if known is not None:
        return known.names
    return record.class_names or {"zh": record.class_code, "en": record.class_code}


def streets_of(workspace: Workspace, person: Person) -> dict[str, Names]:
    """Return the streets of which a person may see something, code → names."""
    names = division_names(workspace)
    codes = workspace.cached("street_codes", lambda: _street_codes(workspace))
    return {code: names.get(code, {"zh": code}) for code in codes if seen_prefixes(person, code)}


def _street_codes(workspace: Workspace) -> tuple[str, ...]:
    """Return the streets whose code begins the codes of their grids; by others no area can be asked for."""
    if not workspace.has("grids") or "street_code" not in workspace.layer("grids"):
        return ()
    grids = workspace.layer("grids")
    pairs = zip(grids["street_code"].astype(str), grids["grid_code"].astype(str), strict=True)
    return tuple(sorted({street for street, grid in pairs if grid.startswith(street)}))


def _of_number(workspace: Workspace, person: Person, text: str) -> IncidentRecord | None:
    for number in dict.fromkeys((text.strip(), text.strip().upper())):
        try:
            return read_incident(workspace, person, number)
        except (RecordNotFoundError, RightsError):
            continue
    return None
