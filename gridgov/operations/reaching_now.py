"""Who reaches what at one moment: grids, open incidents, workers and facilities on the roads as they are then.

`measure` is asked twice by a comparison: for the roads as they are and as they would be. What belongs to the roads as
they are is kept until workers, incidents or closures change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch import Roster
from gridgov.model import TravelMode
from gridgov.model.incident_record import RUNNING
from gridgov.model.incidents import IncidentState
from gridgov.network import CLOSED, MainPart, Places, RoadNetwork, nearest_workers_batch, reach
from gridgov.network.validation import Int64s
from gridgov.operations.board import Board
from gridgov.operations.closures import RoadsAt
from gridgov.operations.coverage import (
    TOO_FAR_M,
    WORKERS,
    can_go,
    coverage_subjects,
    fixed_places,
    grid_places,
)
from gridgov.workspace import Workspace

_PAIRS = 400  # under-way pairs whose times are asked for together: a square of times, of which the diagonal counts
_NO_WAY = np.iinfo(np.int64).max
_T = TypeVar("_T")


@dataclass(frozen=True)
class Reached:
    """Who reaches what. Times are milliseconds, -1 where there is no way; rows are those of board, roster and layer.

    Attributes
    ----------
    able : bool array, shape (workers,)
        Who can be sent.
    grid_ms : int64 array, shape (grids,)
        From the nearest worker who can be sent.
    grid_joined : bool array
        A car comes from the main part of the roads.
    incident_ms : int64 array, shape (incidents,)
        Filed: from the nearest worker who can be sent; under way: from the worker who has the task; else -1.
    incident_worker : int64 array
        Row of that worker; -1: nobody.
    incident_on_closed_road : bool array
        No travel mode may use the road at the incident.
    worker_joined, worker_on_closed_road : bool arrays, shape (workers,)
        The worker comes to the main part of the roads of the own mode; stands where that mode may not go on.
    facility_joined : mapping category -> bool array
        A car comes there from the main part and back.
    """

    able: NDArray[np.bool_]
    grid_ms: Int64s
    grid_joined: NDArray[np.bool_]
    incident_ms: Int64s
    incident_worker: Int64s
    incident_on_closed_road: NDArray[np.bool_]
    worker_joined: NDArray[np.bool_]
    worker_on_closed_road: NDArray[np.bool_]
    facility_joined: Mapping[str, NDArray[np.bool_]]


def waiting(board: Board) -> NDArray[np.bool_]:
    """Return which incidents wait for somebody to be sent."""
    return np.asarray(board["state"] == str(IncidentState.FILED))


def under_way(board: Board) -> NDArray[np.bool_]:
    """Return which incidents somebody has been sent to and not resolved."""
    return np.isin(board["state"].astype(str), [str(state) for state in RUNNING])


def measure(workspace: Workspace, crew_version: int, board: Board, roads: RoadsAt, *, keep: bool) -> Reached:
    """Return who reaches what.

    Parameters
    ----------
    keep : bool
        The same will be asked for again.
    """
    if not keep:
        return _measured(workspace, board, roads)
    able = can_go(roads.roster, roads.when)
    key = (crew_version, board.version, able.tobytes(), *roads.networks.values())
    return workspace.cached("reached", _Last).of(key, lambda: _measured(workspace, board, roads))


def incident_places(workspace: Workspace, board: Board) -> dict[TravelMode, Places]:
    """Return where the incidents are on the roads of each travel mode."""
    return workspace.cached("incident places", _Last).of((board.version,), lambda: _snapped(workspace, board))


def shut(network: RoadNetwork, places: Places) -> NDArray[np.bool_]:
    """Return which places lie on a road that is closed in all its directions, or where all roads are."""
    streets, usable = network.topology.streets, network.travel_time_ms != CLOSED
    open_street = np.zeros(len(streets.first_of_street) - 1, dtype=np.bool_)
    open_street[streets.street_of_edge[usable]] = True
    open_node = np.zeros(network.n_nodes, dtype=np.bool_)
    open_node[network.tail[usable]] = True
    open_node[network.head[usable]] = True
    on_edge = places.edge >= 0
    closed = np.zeros(len(places), dtype=np.bool_)
    closed[on_edge] = ~open_street[streets.street_of_edge[places.edge[on_edge]]]
    closed[~on_edge] = ~open_node[places.node[~on_edge]]
    return closed


class _Last:
    """The last answer, for those who ask the same again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[Any, ...] = ()
        self._value: Any = None

    def of(self, key: tuple[Any, ...], make: Callable[[], _T]) -> _T:
        """Return the answer to a question, worked out once."""
        with self._lock:
            if self._value is None or key != self._key:
                self._value, self._key = make(), key
            return cast("_T", self._value)


def _snapped(workspace: Workspace, board: Board) -> dict[TravelMode, Places]:
    return {mode: workspace.network(mode).snap(board["lon"], board["lat"]) for mode in TravelMode}


def _measured(workspace: Workspace, board: Board, roads: RoadsAt) -> Reached:
    able = can_go(roads.roster, roads.when)
    where = incident_places(workspace, board)
    time_ms, worker = _nearest(board, roads.roster, able, where)
    _arrivals(board, roads.roster, where, time_ms, worker)
    shut_for_all = [shut(network, where[mode]) for mode, network in roads.networks.items()]
    parts = {mode: MainPart(network) for mode, network in roads.networks.items()}
    grid_joined, facilities = _joined(workspace, parts[TravelMode.DRIVE])
    worker_joined, on_closed = _workers(roads.roster, parts)
    return Reached(
        able=able,
        grid_ms=_grid_times(workspace, roads.roster, able),
        grid_joined=grid_joined,
        incident_ms=time_ms,
        incident_worker=worker,
        incident_on_closed_road=np.logical_and.reduce(shut_for_all),
        worker_joined=worker_joined,
        worker_on_closed_road=on_closed,
        facility_joined=facilities,
    )


def _nearest(
    board: Board, roster: Roster, able: NDArray[np.bool_], where: Mapping[TravelMode, Places]
) -> tuple[Int64s, Int64s]:
    """Return for the filed incidents the time of the nearest worker who can go, and who it is."""
    time_ms, worker = np.full(len(board), -1, dtype=np.int64), np.full(len(board), -1, dtype=np.int64)
    rows = np.flatnonzero(waiting(board))
    names = np.append(roster.worker_id, "")
    for mode, group in roster.groups.items():
        chosen = np.flatnonzero(able[group.rows])
        near = rows[where[mode].distance_m[rows] <= TOO_FAR_M]
        if not len(chosen) or not len(near):
            continue
        index = group.network.worker_index(group.places[chosen])
        found = nearest_workers_batch(group.network, where[mode][near], index, k=1)
        offered, who = found.travel_time_ms[:, 0], group.rows[chosen[found.index[:, 0]]]
        tie = (offered == time_ms[near]) & (names[who] < names[worker[near]])
        better = (offered >= 0) & ((time_ms[near] < 0) | (offered < time_ms[near]) | tie)
        time_ms[near[better]], worker[near[better]] = offered[better], who[better]
    return time_ms, worker


def _arrivals(
    board: Board, roster: Roster, where: Mapping[TravelMode, Places], time_ms: Int64s, worker: Int64s
) -> None:
    """Enter for the incidents under way the time of the worker who has the task."""
    rows = np.flatnonzero(under_way(board))
    row_of = {worker_id: row for row, worker_id in enumerate(roster.worker_id.tolist())}
    worker[rows] = [row_of.get(handler, -1) for handler in board["handler"][rows].tolist()]
    for mode, group in roster.groups.items():
        position = np.full(len(roster) + 1, -1, dtype=np.int64)
        position[group.rows] = np.arange(len(group.rows))
        own = position[worker[rows]]
        fits = (own >= 0) & (where[mode].distance_m[rows] <= TOO_FAR_M)
        pairs, at = rows[fits], own[fits]
        for first in range(0, len(pairs), _PAIRS):
            some = slice(first, first + _PAIRS)
            starts, goals = group.places[at[some]], where[mode][pairs[some]]
            time_ms[pairs[some]] = np.diagonal(group.network.travel_times(starts, goals))


def _grid_times(workspace: Workspace, roster: Roster, able: NDArray[np.bool_]) -> Int64s:
    """Return the time from the nearest worker who can go to every grid."""
    if not workspace.has("grids"):
        return np.zeros(0, dtype=np.int64)
    best = np.full(len(workspace.layer("grids")), _NO_WAY)
    for mode, group in roster.groups.items():
        chosen = np.flatnonzero(able[group.rows] & (group.places.distance_m <= TOO_FAR_M))
        if not len(chosen):
            continue
        grids = grid_places(workspace, mode)
        time_ms, _ = reach(group.network, group.places[chosen]).times(grids)
        comes = (time_ms >= 0) & (grids.distance_m <= TOO_FAR_M)
        best = np.where(comes, np.minimum(best, time_ms), best)
    return np.where(best == _NO_WAY, -1, best)


def _joined(workspace: Workspace, part: MainPart) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
    """Return which grids a car reaches from the main part, and which facilities it reaches and leaves again."""
    facilities = {}
    for of in coverage_subjects(workspace):
        if of != WORKERS:
            _, places = fixed_places(workspace, of, TravelMode.DRIVE)
            facilities[of] = part.joins(places, "from") & part.joins(places, "to")
    if not workspace.has("grids"):
        return np.zeros(0, dtype=np.bool_), facilities
    return part.joins(grid_places(workspace, TravelMode.DRIVE), "from"), facilities


def _workers(roster: Roster, parts: Mapping[TravelMode, MainPart]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which workers come to the main part of their roads, and which stand on a closed road."""
    joined, on_closed = np.zeros(len(roster), dtype=np.bool_), np.zeros(len(roster), dtype=np.bool_)
    for mode, group in roster.groups.items():
        joined[group.rows] = parts[mode].joins(group.places, "to")
        on_closed[group.rows] = shut(group.network, group.places)
    return joined, on_closed
