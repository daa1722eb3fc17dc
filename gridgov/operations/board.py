"""The board: every open incident of the store in memory, kept up to date by what has changed since the last look.

Maps, lists of numbers and the search for a click read it instead of the store; the truth stays in the store.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.crs import WGS84
from gridgov.model.entities import Entity, EntityFilter
from gridgov.model.incident_record import RUNNING
from gridgov.model.rights import Person, Right, Scope, may, require
from gridgov.operations.incidents import KIND, OPEN_STATES
from gridgov.store import Store
from gridgov.workspace import Workspace

_PAGE = 5000
_TRIES = 3
_COLUMNS: dict[str, Any] = {
    "incident_id": object,
    "class_code": object,
    "state": object,
    "severity": np.int64,
    "reported_at": "datetime64[us]",
    "due_at": "datetime64[us]",
    "warn_at": "datetime64[us]",
    "grid_code": object,
    "handler": object,
    "layer": object,
    "emergency": np.bool_,
    "arrived": np.bool_,
    "reminders": np.int64,
    "lon": np.float64,
    "lat": np.float64,
}


@dataclass(frozen=True)
class Board:
    """Open incidents as parallel columns, in the order of their report; never changed, a newer board replaces it.

    Attributes
    ----------
    version : int
        Number of the last event that changed an incident; equal versions of one store are equal boards.
    columns : mapping of arrays, shape (n,)
        incident_id, class_code, state, grid_code, handler, layer: text (empty: none); severity: 1 to 4; reported_at,
        due_at, warn_at: UTC without zone (NaT: none); emergency; arrived: the handler is on the spot; reminders: how
        many were sent; lon, lat: degrees.
    """

    version: int
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["incident_id"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column."""
        return self.columns[name]

    @cached_property
    def frame(self) -> gpd.GeoDataFrame:
        """The columns with points, WGS 84; times are aware UTC."""
        table = pd.DataFrame({name: values for name, values in self.columns.items() if name not in {"lon", "lat"}})
        for name in ("reported_at", "due_at", "warn_at"):
            table[name] = table[name].dt.tz_localize("UTC")
        return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(self["lon"], self["lat"]), crs=WGS84)

    def seen_by(self, person: Person) -> NDArray[np.bool_]:
        """Return which incidents a person may read: those of the area, and those given to that person."""
        seen = np.zeros(len(self), dtype=np.bool_)
        if not may(person, Right.INCIDENT_READ):
            return seen
        if require(person, Right.INCIDENT_READ) is Scope.AREA and person.areas:
            if "" in person.areas:
                return ~seen
            codes = self["grid_code"].tolist()
            seen[:] = [code.startswith(person.areas) for code in codes]
        return seen | (self["handler"] == person.worker_id) if person.worker_id else seen

    @cached_property
    def busy_handlers(self) -> frozenset[str]:
        """Whom a task is given to that is not done: dispatched, being handled, or to be done again."""
        running = np.isin(self["state"].astype(str), [str(state) for state in RUNNING])
        return frozenset(self["handler"][running].tolist()) - {""}


def board_of(workspace: Workspace) -> Board:
    """Return the open incidents of the store as they are now."""
    return workspace.cached("board", lambda: _Keeper(workspace)).board()


def newest_first(store: Store, where: EntityFilter | None = None, *, kind: str = KIND) -> Iterator[Entity]:
    """Yield the entities of a kind that match, the last changed first, page by page.

    What changes meanwhile may come twice or be missing with its new state, never be missing otherwise, as long as it
    does not leave the filter.
    """
    for offset in range(0, 1 << 62, _PAGE):
        page = store.entities(kind, where, order="newest", limit=_PAGE, offset=offset)
        yield from page
        if len(page) < _PAGE:
            return


class _Keeper:
    """Holds the present board; the store's head tells whether there is anything to read."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = workspace.store
        self._lock = threading.Lock()
        self._seq, rows = _load(self._store)
        self._board = Board(self._seq, _columns(rows))

    def board(self) -> Board:
        """Return the board after reading what has changed."""
        with self._lock:
            head = self._store.head()[0]
            if head != self._seq:
                self._follow(head)
            return self._board

    def _follow(self, head: int) -> None:
        changed: dict[str, Entity] = {}
        for entity in newest_first(self._store, EntityFilter(changed_after=self._seq)):
            changed.setdefault(entity.entity_id, entity)
        self._seq = head
        if not changed:
            return
        old = self._board.columns
        kept = np.fromiter((i not in changed for i in old["incident_id"].tolist()), np.bool_, len(self._board))
        new = _columns([_row(entity) for entity in changed.values() if entity.columns.status in OPEN_STATES])
        joined = {name: np.concatenate([old[name][kept], new[name]]) for name in _COLUMNS}
        order = np.argsort(joined["reported_at"], kind="stable")  # quick, since nearly all are in order
        version = max(entity.updated_seq for entity in changed.values())
        self._board = Board(version, {name: values[order] for name, values in joined.items()})


def _load(store: Store) -> tuple[int, list[tuple[Any, ...]]]:
    """Read all open incidents and the number of the event they stand for.

    An incident that is closed between two pages would let another one slip past, so a store that changed is read again,
    at last with the closed ones too, which cannot leave.
    """
    for attempt in range(_TRIES):
        head = store.head()[0]
        last = attempt == _TRIES - 1
        found: dict[str, tuple[Any, ...]] = {}
        for entity in newest_first(store, None if last else EntityFilter(statuses=OPEN_STATES)):
            if entity.columns.status in OPEN_STATES:
                found.setdefault(entity.entity_id, _row(entity))
        if last or store.head()[0] == head:
            break
    return head, list(found.values())


def _row(entity: Entity) -> tuple[Any, ...]:
    state, has = entity.state, entity.columns
    return (
        entity.entity_id, has.class_code, has.status, has.severity, _time(state["reported_at"]), _time(state["due_at"]),
        _time(state["warn_at"]), has.grid_code, has.worker_id, state["layer"], state["emergency"],
        state["arrived_at"] is not None, len(state["reminders"]), has.lon, has.lat,
    )  # fmt: skip


def _time(text: str | None) -> str:
    return text[:-1] if text else "NaT"  # numpy reads the format of the log without its Z


def _columns(rows: Sequence[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
    by_column: Iterable[tuple[Any, ...]] = zip(*rows, strict=True) if rows else [()] * len(_COLUMNS)
    made = {}
    for (name, kind), values in zip(_COLUMNS.items(), by_column, strict=True):
        made[name] = np.empty(len(rows), dtype=kind)
        made[name][:] = np.array(values, dtype=kind) if rows else made[name]
    return _in_order(made)


def _in_order(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Sort by time of report, and by id where that is equal."""
    order = np.lexsort((columns["incident_id"].astype(str), columns["reported_at"]))
    return {name: values[order] for name, values in columns.items()}
