"""Travel times between the workers and the incidents of a simulated month, community by community."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.dispatch_month import Arrivals, Travel
from gridgov.dispatch import Roster
from gridgov.model import TravelMode
from gridgov.network import RoadNetwork
from gridgov.operations.incident_history import History
from gridgov.workspace import Workspace

_TOO_FAR_M = 5_000.0  # farther from every road than this, times along the roads would mean nothing


def month_travel(
    workspace: Workspace,
    roster: Roster,
    worker_community: NDArray[np.object_],
    grid_community: NDArray[np.object_],
    history: History,
    arrivals: Arrivals,
    *,
    networks: Mapping[TravelMode, RoadNetwork] | None = None,
) -> Travel:
    """Return the times between all places of each community, in every travel mode of its workers.

    Roads are those without closures, since a month outlasts most of them, unless networks are given.
    """
    network_of = workspace.network if networks is None else networks.__getitem__
    sources = np.unique(arrivals.source)
    modes = sorted({str(mode) for mode in roster.mode if str(mode) in set(TravelMode)})
    mode_of = np.array([modes.index(str(mode)) if str(mode) in modes else 0 for mode in roster.mode], dtype=np.int64)
    lon = np.concatenate([roster.lon, history.lon[sources]])
    lat = np.concatenate([roster.lat, history.lat[sources]])
    there = np.isfinite(lon) & np.isfinite(lat)
    name = np.concatenate([worker_community, grid_community[history.grid[sources]]]).astype(str)
    table: dict[str, NDArray[np.integer]] = {}
    row_of = np.full(len(lon), -1, dtype=np.int64)
    members = {community: np.flatnonzero((name == community) & there) for community in np.unique(name).tolist()}
    for rows in members.values():
        row_of[rows] = np.arange(len(rows))
    for community, rows in members.items():
        table[community] = np.stack(
            [_times(network_of(TravelMode(mode)), lon[rows], lat[rows]) for mode in modes or ["walk"]]
        )
    count = len(roster)
    return Travel(
        time_ms=table,
        place_of_worker={worker: int(row_of[worker]) for worker in range(count)},
        place_of_source={int(source): int(row_of[count + at]) for at, source in enumerate(sources.tolist())},
        mode_of_worker=mode_of,
    )


def _times(network: RoadNetwork, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.integer]:
    if not len(lon):
        return np.empty((0, 0), dtype=np.int64)
    places = network.snap(lon, lat)
    times = network.travel_times(places, places)
    far = places.distance_m > _TOO_FAR_M
    times[far[:, None] | far[None, :]] = -1
    return times
