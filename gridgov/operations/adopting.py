"""导入案件: the incidents of files become incidents of the store, each by one event; known ids stay as they are.

A file knows less than the log does. What it does not say is filled in so that every later move is possible:

- The clock of an incident that is dispatched or beyond counts from its report, because the file does not know when it
  was dispatched. A class that the profile does not know has no limit, and so no clock.
- What is handled, checked or closed came so far when the file says that it was closed, else at the adoption; a
  suspended incident rests from the adoption on.
- A suspended incident returns to its handling where the file names the worker, else to where it was filed.
- An incident without a time of its report was reported when the file says that it was closed, else at the adoption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

import pandas as pd

from gridgov.errors import ConflictError, ParameterError
from gridgov.model.clock import Clock, Limit, deadline, duration, elapsed
from gridgov.model.events import MAX_ID_LENGTH, NewEvent
from gridgov.model.folding import RESERVED
from gridgov.model.incident_branches import imported
from gridgov.model.incident_record import RUNNING, IncidentRecord, Suspension
from gridgov.model.incidents import IncidentKind, IncidentState
from gridgov.operations.board import newest_first
from gridgov.operations.reporting import GridPlace, agency_at, places_of
from gridgov.workspace import Workspace

ACTOR = "system"
MODERATE = 2  # the severity of an incident whose file gives none
_BATCH = 2000
_MS = timedelta(milliseconds=1)
_S = IncidentState
_HANDLED = (_S.RESOLVED, _S.VERIFIED, _S.CLOSED)
_STAGES = ("resolved_at", "verified_at", "closed_at")  # of the same, one after another
_TIMED = RUNNING.union(_HANDLED, {_S.SUSPENDED})
_ENDED = frozenset({*_HANDLED, _S.REJECTED, _S.VOID})
_TEXTS = (
    "incident_id", "kind", "class_code", "class_name", "class_name_en", "state", "source", "description", "worker_id",
)  # fmt: skip
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Adoption:
    """How many rows became incidents, how many ids the store knew, and how many rows cannot be incidents."""

    adopted: int = 0
    known: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a file and the grid it lies in; texts are empty, the severity 0, times None where the file is silent."""

    texts: Mapping[str, str]
    layer: str
    severity: int
    lon: float
    lat: float
    reported_at: datetime | None
    ended_at: datetime | None
    place: GridPlace

    @property
    def incident_id(self) -> str:
        """Its key."""
        return self.texts["incident_id"]


def adopt_incidents(workspace: Workspace, *, progress: Progress | None = None) -> Adoption:
    """Make every row of the workspace's incident layers an incident of its store, unless its id is there already.

    It may be repeated at any time, also by several processes at once. Skipped are rows without a place, ids that are
    too long, begin like those of other things or stand in an earlier row too, and texts that cannot be stored.

    Parameters
    ----------
    progress : callable, optional
        Called with (what is being done, fraction 0 … 1).

    Raises
    ------
    StorageError
        The store refused; what was adopted before stays, and the next call goes on from there.
    """
    layers = workspace.of_kind("incidents")
    if not layers:
        return Adoption()
    tell = progress or (lambda text, fraction: None)
    known = {entity.entity_id for entity in newest_first(workspace.store)}
    rows = [row for layer_id in layers for row in _rows(workspace, layer_id)]
    new, taken = [], set(known)
    for row in rows:
        if row.incident_id not in taken and _is_incident(row):
            new.append(row)
            taken.add(row.incident_id)
    met = sum(row.incident_id in known for row in rows)
    make = _maker(workspace)
    adopted = refused = 0
    for start in range(0, len(new), _BATCH):
        tell(", ".join(layers), start / len(new))
        events = [event for row in new[start : start + _BATCH] if (event := make(row)) is not None]
        refused += len(new[start : start + _BATCH]) - len(events)
        adopted += _append(workspace, events)
    met += len(new) - refused - adopted  # another process was quicker
    return Adoption(adopted, met, len(rows) - adopted - met)


def _append(workspace: Workspace, events: list[NewEvent]) -> int:
    """Append the events of incidents that are still unknown; return how many."""
    try:
        workspace.store.append(events, expected_seq=0)
    except ConflictError:  # another process adopts the same file
        return _append(workspace, [event for event in events if workspace.store.entity(event.entity_id) is None])
    return len(events)


def _is_incident(row: _Row) -> bool:
    placed = abs(row.lon) <= 180 and abs(row.lat) <= 90  # also refuses what is no number
    return placed and 0 < len(row.incident_id) <= MAX_ID_LENGTH and not row.incident_id.startswith(tuple(RESERVED))


def _rows(workspace: Workspace, layer_id: str) -> list[_Row]:
    frame = workspace.layer(layer_id)
    points = frame.geometry
    lons, lats = points.x.to_numpy(dtype=float), points.y.to_numpy(dtype=float)
    texts = zip(*(_texts(frame, name) for name in _TEXTS), strict=True)
    severities = [int(v) for v in frame["severity"].fillna(0)] if "severity" in frame else [0] * len(frame)
    return [
        _Row(dict(zip(_TEXTS, row_texts, strict=True)), layer_id, *rest)
        for row_texts, *rest in zip(
            texts,
            severities,
            lons.tolist(),
            lats.tolist(),
            _times(frame, "reported_at"),
            _times(frame, "closed_at"),
            places_of(workspace, lons, lats),
            strict=True,
        )
    ]


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    if name not in frame:
        return [""] * len(frame)
    values = frame[name].astype(object)
    return [str(value) for value in values.where(values.notna(), "").tolist()]


def _times(frame: pd.DataFrame, name: str) -> list[datetime | None]:
    if name not in frame:
        return [None] * len(frame)
    given = frame[name].notna().tolist()
    return [time if there else None for time, there in zip(frame[name].dt.to_pydatetime(), given, strict=True)]


def _maker(workspace: Workspace) -> Callable[[_Row], NewEvent | None]:
    """Return what makes a row the event of its adoption, or None where its texts cannot be stored."""
    classes, agency = workspace.incident_profile.classes, cache(partial(agency_at, workspace))

    def make(row: _Row) -> NewEvent | None:
        now, code = workspace.now(), row.texts["class_code"]
        known = classes.get(code)
        names = {"zh": row.texts["class_name"], "en": row.texts["class_name_en"]}
        progress = _progress(row, now)
        record = IncidentRecord(
            id=row.incident_id,
            kind=IncidentKind(row.texts["kind"] or (known.kind if known else IncidentKind.EVENT)),
            class_code=code,
            severity=row.severity or MODERATE,
            lon=round(row.lon, 7),
            lat=round(row.lat, 7),
            last_event="incident.imported",
            version=1,
            grid_code=row.place.grid_code,
            street_code=row.place.street_code,
            community_code=row.place.community_code,
            agency=agency(code, row.place),
            source=row.texts["source"],
            description=row.texts["description"],
            layer=row.layer,
            class_names={} if known else {lang: name for lang, name in names.items() if name},
            **progress,
            **(_timing(progress, known.limit_for().limit, now, workspace.incident_clock) if known else {}),
        )
        try:
            return imported(record, ACTOR, now)
        except ParameterError:
            return None

    return make


def _progress(row: _Row, now: datetime) -> dict[str, Any]:
    """Return how far an incident has come, and who had a part in it."""
    state, worker_id = IncidentState(row.texts["state"] or _S.REPORTED), row.texts["worker_id"]
    reported_at = min(row.reported_at or row.ended_at or now, now)
    come: dict[str, Any] = {"state": state, "reported_at": reported_at, "updated_at": reported_at}
    if state in _ENDED:
        come["updated_at"] = max(reported_at, min(row.ended_at or now, now))
    if state in _HANDLED:
        stages = _STAGES[: _HANDLED.index(state) + 1]
        come |= {"resolved_by": worker_id, **dict.fromkeys(stages, come["updated_at"])}
    if state is _S.SUSPENDED:
        back = _S.IN_PROGRESS if worker_id else _S.FILED
        come |= {"updated_at": now, "return_state": back, "suspensions": (Suspension(now, ACTOR, ""),)}
    return {**come, "handler": worker_id if state in _TIMED else ""}


def _timing(come: Mapping[str, Any], limit: Limit, now: datetime, clock: Clock) -> dict[str, Any]:
    """Return the clock of an incident that was dispatched: it counts from the report, and rests with the incident."""
    state, start = come["state"], come["reported_at"]
    if state not in _TIMED or come.get("return_state") is _S.FILED:
        return {}
    total = duration(limit, clock.calendar)
    due = deadline(start, total, total, limit.unit, clock)
    timing = {"clock_started_at": start, "limit": limit, "limit_ms": total // _MS}
    timing |= {"due_at": due.due_at, "warn_at": due.warn_at}
    if state not in RUNNING:
        timing["left_ms"] = round(elapsed(come["updated_at"], due.due_at, limit.unit, clock.calendar) / _MS)
    return timing
