"""敲门任务: which grid worker knocks at the doors of which zone before its people leave, and whom to help on the way.

A zone belongs to the workers who have it in their duty area; where nobody has, the nearest worker by road takes it, and
nobody gets another zone while somebody who is nearly as near has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np

from gridgov.model.orders import DoorTask, EvacuationOrders, ZoneOrder, shared_out
from gridgov.network import RoadNetwork

MINUTES_AT_DOOR = 1.0  # knocking at one door and telling what to do
WALKING_M_S = 1.2
_NOWHERE = -1


def door_tasks(
    orders: EvacuationOrders,
    workers: gpd.GeoDataFrame,
    network: RoadNetwork | None = None,
    *,
    off_duty: Collection[str] = (),
) -> tuple[tuple[DoorTask, ...], tuple[str, ...]]:
    """Give every zone its workers.

    Parameters
    ----------
    orders : EvacuationOrders
    workers : GeoDataFrame
        `worker_id`, points, and where known `name`, `duty_grids` (lists of zone ids) and `status`.
    network : RoadNetwork, optional
        To find the nearest; without it, or off the roads, distances are straight.
    off_duty : collection of str
        Workers who are not there, besides those whose `status` is ``off``.

    Returns
    -------
    tasks : tuple of DoorTask
        By worker, then by time. The doors of a zone are shared among its workers.
    without : tuple of str
        Zones that nobody can be sent to.
    """
    there = _on_duty(workers, off_duty)
    of_zone = _owners(there)
    tasks: list[DoorTask] = []
    orphans: list[ZoneOrder] = []
    leaving = [zone for zone in orders.zones if zone.first_departure is not None]
    for zone in leaving:
        rows = of_zone.get(zone.zone_id, [])
        tasks.extend(_tasks(zone, there, rows, "duty"))
        if not rows:
            orphans.append(zone)
    loads = _loads(there, tasks)
    times = _times_s(orphans, there, network)
    without = []
    for zone, row_times in zip(orphans, times, strict=True):
        row = _nearest(row_times, loads)
        if row == _NOWHERE:
            without.append(zone.zone_id)
            continue
        given = _tasks(zone, there, [row], "nearest", float(row_times[row]))
        loads[row] += _minutes(given)
        tasks.extend(given)
    tasks.sort(key=lambda task: (task.worker_id, task.before, task.zone_id))
    return tuple(tasks), tuple(without)


def _on_duty(workers: gpd.GeoDataFrame, off_duty: Collection[str]) -> gpd.GeoDataFrame:
    off = workers["worker_id"].isin(list(off_duty))
    if "status" in workers:
        off |= workers["status"] == "off"
    return workers[~off].reset_index(drop=True)


def _owners(workers: gpd.GeoDataFrame) -> dict[str, list[int]]:
    owners: dict[str, list[int]] = defaultdict(list)
    if "duty_grids" in workers:
        for row, zones in enumerate(workers["duty_grids"]):
            if isinstance(zones, list | tuple | np.ndarray):
                for zone in zones:
                    owners[str(zone)].append(row)
    return owners


def _tasks(
    zone: ZoneOrder, workers: gpd.GeoDataFrame, rows: Sequence[int], reason: str, travel_s: float | None = None
) -> list[DoorTask]:
    doors, escorts = (_parts(whole, len(rows)) for whole in (zone.households, zone.in_need))
    shelters = tuple(dict.fromkeys(route.shelter_id for route in zone.routes))
    before = zone.first_departure
    assert isinstance(before, datetime)
    return [
        DoorTask(
            worker_id=str(workers["worker_id"].iloc[row]),
            worker_name=_name(workers, row),
            zone_id=zone.zone_id,
            reason=reason,
            doors=doors[i],
            escort_persons=escorts[i],
            before=before,
            shelter_ids=shelters,
            travel_time_s=travel_s if travel_s is None or np.isfinite(travel_s) else None,
        )
        for i, row in enumerate(rows)
    ]


def _parts(whole: int | None, n: int) -> Sequence[int | None]:
    return [None] * n if whole is None else shared_out(whole, [1.0] * n)


def _name(workers: gpd.GeoDataFrame, row: int) -> str:
    value: Any = workers["name"].iloc[row] if "name" in workers else ""
    return value if isinstance(value, str) else ""


def _loads(workers: gpd.GeoDataFrame, tasks: Iterable[DoorTask]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    row_of = {str(worker): row for row, worker in enumerate(workers["worker_id"])}
    loads = np.zeros(len(workers))
    for task in tasks:
        loads[row_of[task.worker_id]] += _minutes([task])
    return loads


def _minutes(tasks: Iterable[DoorTask]) -> float:
    return sum(MINUTES_AT_DOOR * (task.doors or 1) for task in tasks)


def _nearest(times_s: Any, loads: Any) -> int:
    """Return the worker who can be done with the zone first: the way there, after what is on hand already."""
    ready = np.where(np.isfinite(times_s), times_s / 60 + loads, np.inf)
    return int(ready.argmin()) if len(ready) and np.isfinite(ready.min()) else _NOWHERE


def _times_s(zones: Sequence[ZoneOrder], workers: gpd.GeoDataFrame, network: RoadNetwork | None) -> Any:
    """Return seconds from every worker (column) to every zone (row); infinite where somebody has no place."""
    lon, lat = (np.full(len(workers), np.nan) for _ in range(2))
    present = ~(workers.geometry.isna() | workers.geometry.is_empty).to_numpy(dtype=bool)
    lon[present], lat[present] = workers.geometry[present].x, workers.geometry[present].y
    times = np.full((len(zones), len(workers)), np.inf)
    drawn = np.array([np.isfinite(zone.lon) and np.isfinite(zone.lat) for zone in zones], dtype=bool)
    if not drawn.any() or not present.any():
        return times
    there = [zone for zone, has in zip(zones, drawn, strict=True) if has]
    to = np.array([(zone.lon, zone.lat) for zone in there])
    if network is None or network.topology.shape is None:
        east = (to[:, None, 0] - lon[present]) * np.cos(np.radians(to[:, None, 1]))
        times[np.ix_(drawn, present)] = np.hypot(east, to[:, None, 1] - lat[present]) * 111_320 / WALKING_M_S
        return times
    found = network.travel_times(network.snap(lon[present], lat[present]), network.snap(to[:, 0], to[:, 1])).T
    times[np.ix_(drawn, present)] = np.where(found < 0, np.inf, found / 1000)
    return times
