"""危险中的道路: which edges a hazard closes and when, which shelters it strikes out, who is cut off and from when on.

An edge closes when the first zone that cuts it is reached. A shelter inside is struck out from that moment. A grid is
cut off from the moment at which no open way leads from it to any shelter that still stands (or, where there are no
shelters, out of the hazard). What was never reached, even on open roads, is counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from gridgov.model.hazards import Zones
from gridgov.network import Place, Places, RoadNetwork, edges_cut_by, time_to_nearest
from gridgov.network.closing import with_factors

_Floats = NDArray[np.float64]
_Bools = NDArray[np.bool_]
FAR_FROM_ROADS_M = 1_000.0  # a shelter farther than that from every road is no goal: nobody drives there
REASONS = ("reached", "surrounded", "no_shelter", "never_connected")


@dataclass(frozen=True, slots=True)
class RoadConsequences:
    """What a hazard does to the roads and to who needs them.

    Attributes
    ----------
    closes_s : float array, shape (edges,)
        Seconds from now until each edge closes, 0: it is closed; inf: never. `plan_evacuation` takes it as it is.
    closing : DataFrame
        One row for each moment: after_s, edges (streets count once), road_m, bridges (missing where no road is marked).
    cut_off : DataFrame
        grid_code, reached_s (the hazard comes to the middle of the grid; missing: never), cut_off_s (from then on there
        is no way; missing for those that never had one), reason: ``reached`` (by the hazard itself, then or before),
        ``surrounded`` (the roads went first), ``no_shelter`` (roads are open, no shelter is left),
        ``never_connected``. Earliest first.
    shelters : DataFrame
        shelter_id, struck_s: the shelters inside, earliest first.
    goal : str
        What a way was looked for to: ``shelters`` or ``outside``.
    """

    closes_s: _Floats
    closing: pd.DataFrame
    cut_off: pd.DataFrame
    shelters: pd.DataFrame
    goal: str


def closing_times(network: RoadNetwork, zones: Zones, *, delay_s: float = 0.0) -> _Floats:
    """Return the seconds from now until each edge closes; inf: never.

    Parameters
    ----------
    zones : tuple of HazardZone
    delay_s : float
        Seconds from now until the hazard starts; negative where it has started.
    """
    closes = np.full(network.n_edges, np.inf)
    for zone in zones:
        edges = edges_cut_by(network, zone.geometry)
        closes[edges] = np.minimum(closes[edges], max(zone.arrival_s + delay_s, 0.0))
    return closes


def arrival_at(zones: Zones, points: Any, *, delay_s: float = 0.0) -> _Floats:
    """Return the seconds from now until a hazard comes to each of some shapely points, WGS 84; inf: never."""
    times = np.full(len(points), np.inf)
    for zone in zones:
        area = shape(zone.geometry)
        shapely.prepare(area)
        hit = shapely.intersects(area, points)
        times[hit] = np.minimum(times[hit], max(zone.arrival_s + delay_s, 0.0))
    return times


def road_consequences(
    network: RoadNetwork,
    zones: Zones,
    grids: gpd.GeoDataFrame,
    shelters: gpd.GeoDataFrame | None,
    *,
    delay_s: float = 0.0,
    bridges: _Bools | None = None,
) -> RoadConsequences:
    """Return which edges close when, who is cut off and from when on, and which shelters are struck out.

    Parameters
    ----------
    network : RoadNetwork
        With coordinates; as it is now, closures included.
    zones : tuple of HazardZone
    grids : GeoDataFrame
        grid_code and areas, WGS 84; each is represented by a point inside.
    shelters : GeoDataFrame or None
        shelter_id and points. Those farther than `FAR_FROM_ROADS_M` from every road are no goals.
    delay_s : float
        Seconds from now until the hazard starts; negative where it has started.
    bridges : bool array, shape (edges,), optional
        Which edges are bridges, where the roads say it.
    """
    closes = closing_times(network, zones, delay_s=delay_s)
    middle = np.asarray(grids.geometry.representative_point().array, dtype=object)
    reached = arrival_at(zones, middle, delay_s=delay_s)
    struck = np.full(0, np.inf)
    if shelters is not None and len(shelters):
        struck = arrival_at(zones, np.asarray(shelters.geometry.array, dtype=object), delay_s=delay_s)
    goals = _Goals.of(network, closes, shelters, struck)
    starts = network.snap(shapely.get_x(middle), shapely.get_y(middle)) if len(middle) else None
    moments = np.unique(np.concatenate([[0.0], closes[np.isfinite(closes)], struck[np.isfinite(struck)]]))
    cut, reason = _cut_off(network, closes, goals, starts, moments, reached)
    frame = pd.DataFrame(
        {
            "grid_code": grids["grid_code"].astype(str).to_numpy(),
            "reached_s": np.where(np.isfinite(reached), reached, np.nan),
            "cut_off_s": np.where(np.isfinite(cut), cut, np.nan),
            "reason": reason,
        }
    )
    kept = frame[frame["reason"] != ""].sort_values(["cut_off_s", "grid_code"], na_position="last")
    return RoadConsequences(
        closes, _closing(network, closes, bridges), kept.reset_index(drop=True), _struck(shelters, struck), goals.name
    )


@dataclass(frozen=True, slots=True)
class _Goals:
    """Where people want to get to, and until when each goal stands."""

    name: str
    places: list[Place] | list[int]
    until_s: _Floats

    @classmethod
    def of(cls, network: RoadNetwork, closes: _Floats, shelters: gpd.GeoDataFrame | None, struck: _Floats) -> _Goals:
        if shelters is not None and len(shelters):
            points = shelters.geometry
            places = network.snap(points.x.to_numpy(), points.y.to_numpy())
            near = np.flatnonzero(places.distance_m <= FAR_FROM_ROADS_M)
            return cls("shelters", [places[position] for position in near.tolist()], struck[near])
        free = np.ones(network.n_nodes, dtype=bool)
        shut = np.isfinite(closes)
        free[network.tail[shut]] = False
        free[network.head[shut]] = False
        nodes = np.flatnonzero(free)
        return cls("outside", nodes.tolist(), np.full(len(nodes), np.inf))

    def standing_at(self, moment: float) -> list[Place] | list[int]:
        keep = np.flatnonzero(self.until_s > moment)
        if len(keep) == len(self.until_s):
            return self.places
        return [self.places[position] for position in keep]  # type: ignore[return-value]


def _cut_off(
    network: RoadNetwork, closes: _Floats, goals: _Goals, starts: Places | None, moments: _Floats, reached: _Floats
) -> tuple[_Floats, NDArray[np.object_]]:
    """Return from when on each start has no way, and why; a way that was lost does not come back."""
    n = len(reached)
    cut, reason = np.full(n, np.inf), np.full(n, "", dtype=object)
    if starts is None:
        return cut, reason
    connected = _connected(network, goals.places, starts, n)
    reason[~connected] = "never_connected"
    for moment in moments:
        todo = np.flatnonzero(connected & np.isinf(cut))
        if not len(todo):
            break
        view = with_factors(network, np.where(closes <= moment, 0.0, 1.0))
        there = goals.standing_at(float(moment))
        has_way = _connected(view, there, starts, n)
        lost = todo[~has_way[todo]]
        cut[lost] = moment
        on_open = _connected(view, goals.places, starts, n) if len(lost) else has_way
        reason[lost] = np.where(reached[lost] <= moment, "reached", np.where(on_open[lost], "no_shelter", "surrounded"))
    return cut, reason


def _connected(network: RoadNetwork, goals: list[Place] | list[int], starts: Places, n: int) -> _Bools:
    if not len(goals):
        return np.zeros(n, dtype=bool)
    times, _ = time_to_nearest(network, starts, goals, direction="to")
    return np.asarray(times >= 0)


def _closing(network: RoadNetwork, closes: _Floats, bridges: _Bools | None) -> pd.DataFrame:
    """Return what closes at each moment; both directions of a street are one piece of road."""
    streets = network.topology.streets
    first = streets.edges_of_street[streets.first_of_street[:-1]].astype(np.int64)
    moments = np.unique(closes[first][np.isfinite(closes[first])])
    of_moment = [first[closes[first] == moment] for moment in moments]
    return pd.DataFrame(
        {
            "after_s": moments,
            "edges": np.array([len(edges) for edges in of_moment], dtype=np.int64),
            "road_m": [float(np.nansum(network.length_m[edges])) for edges in of_moment],
            "bridges": pd.array(
                [pd.NA if bridges is None else int(bridges[edges].sum()) for edges in of_moment], dtype="Int64"
            ),
        }
    )


def _struck(shelters: gpd.GeoDataFrame | None, struck: _Floats) -> pd.DataFrame:
    if shelters is None or not len(shelters):
        return pd.DataFrame({"shelter_id": np.array([], dtype=object), "struck_s": np.array([])})
    hit = np.isfinite(struck)
    frame = pd.DataFrame({"shelter_id": shelters["shelter_id"].astype(str).to_numpy()[hit], "struck_s": struck[hit]})
    return frame.sort_values(["struck_s", "shelter_id"]).reset_index(drop=True)
