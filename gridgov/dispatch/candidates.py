"""Candidates for many tasks at once: the nearest workers along the roads, each travel mode on its own network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch.allocation import COMPLETE, Found
from gridgov.dispatch.roster import ModeGroup, Roster
from gridgov.model import TravelMode
from gridgov.model.assignments import AssignmentTask
from gridgov.network import Places, WorkerIndex, nearest_workers, nearest_workers_batch, time_to_nearest
from gridgov.network.validation import Floats, Int64s


class DenseCandidates:
    """Candidates from a table of travel times, for small cases and tests.

    Parameters
    ----------
    time_ms : int64 array, shape (tasks, workers)
        -1: cannot go.
    """

    def __init__(self, time_ms: Int64s) -> None:
        self.time_ms = time_ms

    def nearest(self, rows: Int64s, m: int) -> Found:
        """Return the m nearest of each row."""
        times = self.time_ms[rows]
        far = np.where(times < 0, COMPLETE, times)
        order = np.argsort(far, axis=1, kind="stable")[:, :m].astype(np.int64)
        found = np.take_along_axis(far, order, axis=1)
        full = m < far.shape[1]
        beyond = found[:, -1] if full else np.full(len(rows), COMPLETE)
        return Found(np.where(found == COMPLETE, -1, order), np.where(found == COMPLETE, -1, found), beyond)

    def pair_ms(self, row: int, worker: int) -> int:
        """Return one travel time."""
        return int(self.time_ms[row, worker])


class RoadCandidates:
    """Candidates from the roads.

    Tasks that ask for the same skills and modes share their prepared workers. Travel times run from where a worker is
    now to the incident.

    Parameters
    ----------
    roster : Roster
    tasks : sequence of AssignmentTask
    able : bool array, shape (workers,)
        Who may go at all: on shift, free, with a position.
    max_off_road_m : float
        A task farther from every road of a mode is out of reach in that mode.
    """

    def __init__(
        self, roster: Roster, tasks: Sequence[AssignmentTask], able: NDArray[np.bool_], max_off_road_m: float
    ) -> None:
        self._roster, self._able = roster, able
        self._kinds: dict[tuple[tuple[str, ...], tuple[TravelMode, ...]], int] = {}
        kinds = [self._kinds.setdefault((task.skills, task.modes), len(self._kinds)) for task in tasks]
        self.kind = np.array(kinds, dtype=np.int64)
        self._masks = [self._mask(*kind) for kind in self._kinds]
        lon, lat = (np.array([getattr(task, name) for task in tasks], dtype=float) for name in ("lon", "lat"))
        self._places = {mode: group.network.snap(lon, lat) for mode, group in roster.groups.items()} if tasks else {}
        self.off_road_m = self._least_distance(len(tasks))
        self._max_off_road_m = max_off_road_m
        self._prepared: dict[tuple[int, TravelMode], tuple[Int64s, WorkerIndex] | None] = {}

    def may_go(self, row: int) -> NDArray[np.bool_]:
        """Return which workers may take a task, wherever they are."""
        mask: NDArray[np.bool_] = self._masks[int(self.kind[row])]
        return mask

    def beyond_roads(self, row: int) -> bool:
        """Return whether a task is too far from the roads of every mode."""
        return bool(self.off_road_m[row] > self._max_off_road_m)

    def nearest(self, rows: Int64s, m: int) -> Found:
        """Return the m nearest of every travel mode."""
        found = [self._nearest_of_mode(mode, rows, m) for mode in self._roster.groups]
        if not found:
            nobody = np.full((len(rows), 1), -1, dtype=np.int64)
            return Found(nobody, nobody, np.full(len(rows), COMPLETE))
        return Found(
            np.hstack([part.worker for part in found]),
            np.hstack([part.time_ms for part in found]),
            np.min([part.beyond_ms for part in found], axis=0),
        )

    def pair_ms(self, row: int, worker: int) -> int:
        """Return the travel time of one worker to one task, -1 where there is no way."""
        if not self._masks[self.kind[row]][worker]:
            return -1
        mode = TravelMode(self._roster.mode[worker])
        group, place = self._roster.groups[mode], self._places[mode][row]
        if place.distance_m > self._max_off_road_m:
            return -1
        own = group.places[np.flatnonzero(group.rows == worker)]
        near = nearest_workers(group.network, place, own, k=1)
        return int(near.travel_time_ms[0]) if len(near) else -1

    def reached_without_closures(self, row: int) -> bool:
        """Return whether somebody could come if nothing were closed."""
        for mode, group in self._roster.groups.items():
            prepared = self._workers(int(self.kind[row]), mode)
            place = self._places[mode][row]
            if prepared is None or place.distance_m > self._max_off_road_m:
                continue
            if len(nearest_workers(group.network.base, place, prepared[1].locations, k=1)):
                return True
        return False

    def stranded(self) -> Int64s:
        """Return the workers who may go somewhere and whom no road leads to any task."""
        reached = np.zeros(len(self._roster), dtype=np.bool_)
        for mode, group in self._roster.groups.items():
            near = self._places[mode][self._places[mode].distance_m <= self._max_off_road_m] if self._places else []
            if len(near):
                times, _ = time_to_nearest(group.network, group.places, near, direction="to")
                reached[group.rows] = times >= 0
        wanted = np.any(self._masks, axis=0) if self._masks else np.zeros(len(self._roster), dtype=np.bool_)
        return np.flatnonzero(wanted & ~reached).astype(np.int64)

    def _nearest_of_mode(self, mode: TravelMode, rows: Int64s, m: int) -> Found:
        places = self._places[mode][rows]
        worker = np.full((len(rows), m), -1, dtype=np.int64)
        time_ms, beyond = worker.copy(), np.full(len(rows), COMPLETE)
        for kind in np.unique(self.kind[rows]):
            prepared = self._workers(int(kind), mode)
            some = np.flatnonzero((self.kind[rows] == kind) & (places.distance_m <= self._max_off_road_m))
            if prepared is None or not len(some):
                continue
            who, index = prepared
            k = min(m, len(who))
            batch = nearest_workers_batch(index.network, places[some], index, k=k)
            worker[some, :k] = np.where(batch.index >= 0, who[batch.index], -1)
            time_ms[some, :k] = batch.travel_time_ms
            last = batch.travel_time_ms[:, -1]
            beyond[some] = np.where((last >= 0) & (k < len(who)), last, COMPLETE)
        return Found(worker, time_ms, beyond)

    def _workers(self, kind: int, mode: TravelMode) -> tuple[Int64s, WorkerIndex] | None:
        """Return the rows of those who may take a kind of task in a mode, prepared for searches; None: nobody."""
        key = (kind, mode)
        if key not in self._prepared:
            group: ModeGroup = self._roster.groups[mode]
            chosen = np.flatnonzero(self._masks[kind][group.rows])
            self._prepared[key] = (
                (group.rows[chosen].astype(np.int64), group.network.worker_index(group.places[chosen]))
                if len(chosen)
                else None
            )
        return self._prepared[key]

    def _mask(self, skills: tuple[str, ...], modes: tuple[TravelMode, ...]) -> NDArray[np.bool_]:
        travels = np.isin(self._roster.mode.astype(str), [str(mode) for mode in modes])
        return np.asarray(self._able & travels & self._roster.has_skills(skills), dtype=np.bool_)

    def _least_distance(self, count: int) -> Floats:
        distances = [places.distance_m for places in self._places.values() if isinstance(places, Places)]
        return np.min(distances, axis=0) if distances else np.zeros(count)
