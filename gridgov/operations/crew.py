"""The crew: every grid worker where they are now and with what they are doing, from the file, phones, words and tasks.

- Place: the newest position of the last `FRESH` minutes, else that of the workers layer.
- Status: what the worker (or somebody for them) has said last, else that of the layer; who is not off duty and has a
  task that is not done is busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.crs import WGS84
from gridgov.dispatch import Roster
from gridgov.model import TravelMode, WorkerStatus
from gridgov.model.duty import ENTITY
from gridgov.model.entities import EntityFilter
from gridgov.model.rights import Person, Right, Scope, may, require
from gridgov.operations.board import board_of, newest_first
from gridgov.operations.reporting import places_of
from gridgov.workspace import Workspace

KIND = "worker"
FRESH = timedelta(minutes=30)  # an older position says nothing about where somebody is
LOOK_EVERY_S = 5.0  # putting thousands of workers on the roads takes a tenth of a second


@dataclass(frozen=True)
class Crew:
    """All workers at one moment; never changed, a newer crew replaces it.

    Attributes
    ----------
    roster : Roster
        With live positions and statuses.
    grid_code : array of str, shape (n,)
        Where they are; empty outside all grids.
    layer : array of str
        The layer each comes from.
    version : int
        Changes, within a process, with the content.
    """

    roster: Roster
    grid_code: NDArray[np.object_]
    layer: NDArray[np.object_]
    version: int

    def __len__(self) -> int:
        return len(self.roster)

    @cached_property
    def frame(self) -> gpd.GeoDataFrame:
        """Id, name, travel mode, status and grid with points, WGS 84; no point where somebody has no place."""
        who = self.roster
        columns = {"worker_id": who.worker_id, "name": who.name, "mode": who.mode, "status": who.status}
        points = np.where(np.isnan(who.lon), None, shapely.points(who.lon, who.lat))
        return gpd.GeoDataFrame({**columns, "grid_code": self.grid_code}, geometry=points, crs=WGS84)

    @cached_property
    def row(self) -> Mapping[str, int]:
        """Worker id -> position in the roster."""
        return {worker_id: row for row, worker_id in enumerate(self.roster.worker_id.tolist())}

    def seen_by(self, person: Person, right: Right) -> NDArray[np.bool_]:
        """Return which workers a right of a person reaches: those in the area, or only that person."""
        seen = np.zeros(len(self), dtype=np.bool_)
        if not may(person, right):
            return seen
        if require(person, right) is Scope.AREA and person.areas:
            codes = self.grid_code.tolist()
            seen[:] = [code.startswith(person.areas) for code in codes]
        return seen | (self.roster.worker_id == person.worker_id) if person.worker_id else seen


def crew_of(workspace: Workspace) -> Crew:
    """Return the workers as they are now; positions are looked at every few seconds only."""
    return workspace.cached("crew", lambda: _Keeper(workspace)).crew()


class _Keeper:
    """Holds the present crew and reads what has changed since."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        frame = workspace.layers_of_kind("workers")
        if frame is None:
            frame = gpd.GeoDataFrame({"worker_id": [], "layer_id": []}, geometry=[], crs=WGS84)
        self._file = Roster.from_frame(frame, {}, workspace.timezone)
        self._layer = frame["layer_id"].to_numpy(dtype=object)
        self._row = {worker_id: row for row, worker_id in enumerate(self._file.worker_id.tolist())}
        self._networks = {mode: workspace.network(mode) for mode in TravelMode} if workspace.has_network else {}
        self._placed: Roster | None = None
        self._seen: dict[str, tuple[float, float]] = {}
        self._looked_s = float("-inf")
        self._said: dict[int, str] = {}
        self._seq = 0
        self._crew: Crew | None = None

    def crew(self) -> Crew:
        """Return the crew after reading what has changed."""
        with self._lock:
            moved = self._look()
            self._listen()
            status = self._statuses()
            old = self._crew
            if old is None or moved or not np.array_equal(status, old.roster.status):
                assert self._placed is not None
                grid = old.grid_code if old is not None and not moved else self._grids(self._placed)
                version = 1 if old is None else old.version + 1
                self._crew = Crew(replace(self._placed, status=status), grid, self._layer, version)
            assert self._crew is not None
            return self._crew

    def _look(self) -> bool:
        """Read positions if the last look is old enough; return whether anybody stands elsewhere than before."""
        if time.monotonic() - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = time.monotonic()
        fresh = self._workspace.store.positions(since=self._workspace.now() - FRESH)
        seen = {p.worker_id: (p.lon, p.lat) for p in fresh if p.worker_id in self._row}
        if self._placed is not None and seen == self._seen:
            return False
        self._seen = seen
        lon, lat = self._file.lon.copy(), self._file.lat.copy()
        for worker_id, place in seen.items():
            lon[self._row[worker_id]], lat[self._row[worker_id]] = place
        self._placed = self._file.standing_at(lon, lat, self._networks)
        return True

    def _listen(self) -> None:
        """Read what workers have said about themselves since the last time."""
        head = self._workspace.store.head()[0]
        if head == self._seq:
            return
        said: dict[int, str] = {}
        where = EntityFilter(changed_after=self._seq)
        for entity in newest_first(self._workspace.store, where, kind=KIND):
            row = self._row.get(entity.entity_id.removeprefix(ENTITY))
            if row is not None:
                said.setdefault(row, entity.columns.status)
        self._said |= said
        self._seq = head

    def _statuses(self) -> NDArray[np.object_]:
        status = self._file.status.copy()
        for row, word in self._said.items():
            status[row] = word
        for worker_id in board_of(self._workspace).busy_handlers:
            row = self._row.get(worker_id, -1)
            if row >= 0 and status[row] != WorkerStatus.OFF:
                status[row] = str(WorkerStatus.BUSY)
        return status

    def _grids(self, roster: Roster) -> NDArray[np.object_]:
        places = places_of(self._workspace, roster.lon, roster.lat)
        codes: NDArray[Any] = np.empty(len(roster), dtype=object)
        codes[:] = [place.grid_code for place in places]
        return codes
