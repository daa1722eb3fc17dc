"""我的任务: what a grid worker needs on the way: the road to a task, and what the worker said about themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridgov.errors import ParameterError
from gridgov.model import Manoeuvre, TravelMode, WorkerStatus
from gridgov.model.duty import ENTITY as WORKER
from gridgov.model.rights import Person, Right, require, require_on
from gridgov.network import directions, nearest_workers
from gridgov.operations.closures import network_now
from gridgov.operations.incidents import load_incident
from gridgov.workspace import Workspace

_TOO_FAR_M = 5_000.0  # farther from every road than this, times along the roads would mean nothing


@dataclass(frozen=True, slots=True)
class TaskRoute:
    """The way from where a worker is to a task, along the roads as the worker travels.

    Attributes
    ----------
    travel_time_s, length_m : float
        Of the roads only.
    off_road_m : float
        From the incident to the place on the nearest road where the way ends.
    coordinates : tuple of (lon, lat)
    directions : tuple of Manoeuvre
    """

    mode: TravelMode
    travel_time_s: float
    length_m: float
    off_road_m: float
    coordinates: tuple[tuple[float, float], ...]
    directions: tuple[Manoeuvre, ...]


def route_to_task(workspace: Workspace, person: Person, incident_id: str, lon: float, lat: float) -> TaskRoute | None:
    """Return the fastest way from a position to an incident that is given to this person; None: no road leads there.

    Raises
    ------
    RecordNotFoundError
        There is no such incident.
    RightsError
        It is given to somebody else.
    ParameterError
        The position is none, or it is farther than 5 km from every road.
    LayerNotFoundError
        The workspace has no roads.
    """
    record, _ = load_incident(workspace, incident_id)
    require_on(person, Right.TASK_READ, record, f"incident {incident_id}")
    if not (abs(lon) <= 180 and abs(lat) <= 90):  # also refuses what is no number
        raise ParameterError(f"the position {lon}, {lat} is not on the globe: give degrees of longitude and latitude")
    mode = _mode_of(workspace, person.worker_id)
    network = network_now(workspace, mode, workspace.now())
    start, end = network.snap(lon, lat), network.snap(record.lon, record.lat)
    for place in (start, end):
        if place.distance_m > _TOO_FAR_M:
            raise ParameterError(f"a position is {place.distance_m / 1000:.0f} km from every road: there is no way")
    near = nearest_workers(network, end, [start], k=1)
    if not len(near):
        return None
    route = near.path(0)
    return TaskRoute(
        mode=mode,
        travel_time_s=int(near.travel_time_ms[0]) / 1000,
        length_m=route.length_m,
        off_road_m=float(end.distance_m),
        coordinates=tuple((float(x), float(y)) for x, y in route.coordinates),
        directions=directions(route),
    )


def duty_status(workspace: Workspace, person: Person) -> WorkerStatus | None:
    """Return what the worker said last about being free, busy or off duty; before that what the roster says.

    Raises
    ------
    RightsError
        The person is no worker.
    """
    require(person, Right.TASK_READ)
    entity = workspace.store.entity(WORKER + person.worker_id)
    said = entity.state["status"] if entity is not None else _roster_value(workspace, person.worker_id, "status")
    return WorkerStatus(said) if said in list(WorkerStatus) else None


def _mode_of(workspace: Workspace, worker_id: str) -> TravelMode:
    mode = _roster_value(workspace, worker_id, "mode")
    return TravelMode(mode) if mode in list(TravelMode) else TravelMode.WALK  # everybody can walk


def _roster_value(workspace: Workspace, worker_id: str, column: str) -> str:
    workers = workspace.layers_of_kind("workers")
    if workers is None or column not in workers:
        return ""
    rows = np.flatnonzero((workers["worker_id"] == worker_id).to_numpy(dtype=bool))
    value = workers[column].iloc[int(rows[0])] if len(rows) else ""
    return value if isinstance(value, str) else ""
