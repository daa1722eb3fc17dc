"""案件索引: when and where every incident is, kept beside the store, for searches by time and source over all of them.

It is made once and then only reads what has changed since.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gridgov.model.entities import Entity, EntityFilter
from gridgov.model.incident_record import IncidentRecord
from gridgov.operations.incidents import KIND, record_of
from gridgov.store import Store
from gridgov.workspace import Workspace

_PAGE = 5000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What an incident is found by; `reported_at` is in the format of `events.format_time`, which sorts by time."""

    id: str
    reported_at: str
    source: str
    state: str
    class_code: str
    grid_code: str
    handler: str
    severity: int
    lon: float
    lat: float


class IncidentIndex:
    """The rows of all incidents of a store. May be used from any thread.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, IndexRow] = {}
        self._sorted: tuple[IndexRow, ...] = ()
        self._seq = 0

    def rows(self) -> tuple[IndexRow, ...]:
        """Return all incidents as they are now, by id."""
        with self._lock:
            head = self._store.head()[0]
            if head != self._seq:
                if self._read(self._seq):
                    self._sorted = tuple(self._known[key] for key in sorted(self._known))
                self._seq = head
            return self._sorted

    def _read(self, after: int) -> int:
        """Take in what has changed after an event; whatever changes meanwhile comes at the next call."""
        where, offset = EntityFilter(changed_after=after), 0
        while found := self._store.entities(KIND, where, order="id", limit=_PAGE, offset=offset):
            self._known.update((entity.entity_id, _row(entity)) for entity in found)
            offset += len(found)
        return offset


def records_of(workspace: Workspace, ids: Sequence[str]) -> Iterator[IncidentRecord]:
    """Yield incidents by their ids, in this order; what is none is left out. For operations only."""
    for start in range(0, len(ids), _AT_ONCE):
        chunk = tuple(ids[start : start + _AT_ONCE])
        found = workspace.store.entities(KIND, EntityFilter(ids=chunk), order="id", limit=len(chunk))
        by_id = {entity.entity_id: entity for entity in found}
        yield from (record_of(by_id[incident_id]) for incident_id in chunk if incident_id in by_id)


def incident_index(workspace: Workspace) -> tuple[IndexRow, ...]:
    """Return the rows of all incidents of a workspace, by id. For operations only: it checks no rights."""
    return workspace.cached("incident_index", lambda: IncidentIndex(workspace.store)).rows()


def _row(entity: Entity) -> IndexRow:
    state, has = entity.state, entity.columns
    return IndexRow(
        id=entity.entity_id,
        reported_at=state["reported_at"],
        source=state["source"],
        state=has.status,
        class_code=has.class_code,
        grid_code=has.grid_code,
        handler=has.worker_id,
        severity=has.severity,
        lon=float(state["lon"]),
        lat=float(state["lat"]),
    )
