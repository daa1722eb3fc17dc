"""Speeds from recorded tracks: positions matched to roads, then the median of each edge and hour.

Matching is a hidden Markov model (Newson and Krumm 2009): each position has a few candidate places on nearby roads,
likelier the nearer they are; going from one candidate to the next is likelier the less the way along the roads differs
from the straight line between the positions. The best chain (Viterbi) is driven along the fastest way between its
places, and the time between two positions is spread over the edges of that way in proportion to their usual times.

References
----------
P. Newson and J. Krumm, "Hidden Markov map matching through noise and sparseness", ACM GIS 2009.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.network.nearest import nearest_workers
from gridgov.network.places import Place
from gridgov.network.routes import Route
from gridgov.network.topology import metres_per_degree
from gridgov.network.validation import CLOSED, Floats, Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork

MEASURED_SHARE = 0.5  # an edge driven for less of its length than this says too little about its speed


@dataclass(frozen=True, slots=True)
class MatchParams:
    """How positions are matched.

    Attributes
    ----------
    noise_m : float
        Standard deviation of the positions.
    detour_m : float
        Scale of the difference between the way along the roads and the straight line.
    radius_m : float
        Roads farther away are no candidates.
    candidates : int
        At most so many places for a position.
    longest_gap_s : float
        A longer pause, or a step that no road allows, ends a chain; a new one begins after it.
    """

    noise_m: float = 10.0
    detour_m: float = 20.0
    radius_m: float = 50.0
    candidates: int = 5
    longest_gap_s: float = 120.0

    def __post_init__(self) -> None:
        if not (min(self.noise_m, self.detour_m, self.radius_m, self.longest_gap_s) > 0 and self.candidates >= 1):
            raise ParameterError("noise, detour, radius and gap must be above 0, and candidates 1 or more")


@dataclass(frozen=True)
class Leg:
    """What was driven between two positions that follow each other.

    `start_s`, `end_s` are the times of the positions, as given.
    """

    start_s: float
    end_s: float
    route: Route


def match_track(
    network: RoadNetwork, lon: ArrayLike, lat: ArrayLike, time_s: ArrayLike, params: MatchParams | None = None
) -> list[Leg]:
    """Return the ways that a track most probably took.

    Parameters
    ----------
    network : RoadNetwork
        The view of the mode that made the track.
    lon, lat, time_s : array_like, shape (n,)
        Positions (degrees WGS 84) and their times in seconds, ascending.
    params : MatchParams, optional

    Returns
    -------
    list of Leg
        Positions far from every road are left out, and those within twice the noise of the one before: they say
        nothing about the way. So who stands longer than `longest_gap_s` begins a new chain.

    Raises
    ------
    ParameterError
        The lengths differ, or a time does not come after the one before it.
    """
    params = params or MatchParams()
    x, y, times = (np.asarray(values, dtype=np.float64) for values in (lon, lat, time_s))
    if not len(x) == len(y) == len(times):
        raise ParameterError(f"the track has {len(x)} longitudes, {len(y)} latitudes and {len(times)} times")
    if len(times) > 1 and not (np.diff(times) > 0).all():
        at = int(np.argmin(np.diff(times) > 0))
        raise ParameterError(f"position {at + 1} of the track does not come after the one before it")
    kept = _moved(x, y, 2 * params.noise_m)
    steps = [_Step(float(times[i]), x[i], y[i], _candidates(network, x[i], y[i], params)) for i in kept]
    legs: list[Leg] = []
    chain: list[_Step] = []
    for step in [step for step in steps if step.places]:
        if chain and not _linked(network, chain[-1], step, params):
            legs += _legs(chain)
            chain = []
        if not chain:
            step.score = -0.5 * (step.distances / params.noise_m) ** 2
        chain.append(step)
    return legs + _legs(chain)


def _moved(x: Floats, y: Floats, least_m: float) -> list[int]:
    """Return the positions that lie some metres from the last one returned."""
    kept: list[int] = []
    for i in range(len(x)):
        if not kept or _distance_m(x[kept[-1]], y[kept[-1]], x[i], y[i]) >= least_m:
            kept.append(i)
    return kept


def _distance_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    return float(np.hypot(*(np.array([other_lon - lon, other_lat - lat]) * metres_per_degree(lat))))


class _Step:
    """One position: its candidates, their best scores, and from where and along which way each was reached."""

    def __init__(self, time_s: float, lon: float, lat: float, places: list[Place]) -> None:
        self.time_s, self.lon, self.lat, self.places = time_s, lon, lat, places
        self.distances = np.array([place.distance_m for place in places])
        self.score: Floats = np.zeros(0)
        self.came: Int64s = np.zeros(0, dtype=np.int64)
        self.routes: dict[int, Route] = {}


def _candidates(network: RoadNetwork, lon: float, lat: float, params: MatchParams) -> list[Place]:
    """Return the nearest place on each of the nearest streets that the mode may use."""
    scale = np.array(metres_per_degree(lat))
    index = network.topology.edge_lines
    found = []
    for street in index.near(lon, lat, params.radius_m / float(scale.min())).tolist():
        edge = network.topology.streets.edges_of_street[network.topology.streets.first_of_street[street] :][0]
        twins = _twins(network, street)
        if (network.travel_time_ms[twins] == CLOSED).all():
            continue
        fraction, distance_m = _foot(network, int(edge), lon, lat, scale)
        if distance_m <= params.radius_m:
            fraction = min(max(fraction, 1e-6), 1 - 1e-6)  # on the edge and not on its node: the street is known
            place_lon, place_lat = network.point_on_edge(int(edge), fraction)
            found.append(Place(-1, int(edge), fraction, place_lon, place_lat, distance_m))
    return sorted(found, key=lambda place: (place.distance_m, place.edge))[: params.candidates]


def _twins(network: RoadNetwork, street: int) -> NDArray[np.int32]:
    streets = network.topology.streets
    return streets.edges_of_street[streets.first_of_street[street] : streets.first_of_street[street + 1]]


def _foot(network: RoadNetwork, edge: int, lon: float, lat: float, scale: Floats) -> tuple[float, float]:
    """Return the share of an edge at which it is nearest to a point, and how far away that is."""
    line = (network.edge_coordinates(edge) - [lon, lat]) * scale
    along = network.shares(network.edge_coordinates(edge))
    steps = np.diff(line, axis=0)
    squared = np.maximum((steps**2).sum(axis=1), 1e-12)
    part = np.clip(-(line[:-1] * steps).sum(axis=1) / squared, 0.0, 1.0)
    feet = line[:-1] + part[:, None] * steps
    distance = np.hypot(*feet.T)
    best = int(np.argmin(distance))
    return float(along[best] + part[best] * (along[best + 1] - along[best])), float(distance[best])


def _linked(network: RoadNetwork, before: _Step, step: _Step, params: MatchParams) -> bool:
    """Score the candidates of a position from those of the one before; False where no way leads on."""
    if step.time_s - before.time_s > params.longest_gap_s:
        return False
    straight = _distance_m(before.lon, before.lat, step.lon, step.lat)
    count = len(step.places)
    step.score, step.came = np.full(count, -np.inf), np.full(count, -1, dtype=np.int64)
    for j, place in enumerate(step.places):
        near = nearest_workers(network, place, before.places, k=len(before.places))
        for i, origin in enumerate(near.index.tolist()):
            route = near.path(i)
            score = before.score[origin] - abs(route.length_m - straight) / params.detour_m
            if score > step.score[j]:
                step.score[j], step.came[j], step.routes[j] = score, origin, route
    step.score -= 0.5 * (step.distances / params.noise_m) ** 2
    return bool(np.isfinite(step.score).any())


def _legs(chain: Sequence[_Step]) -> list[Leg]:
    if len(chain) < 2:
        return []
    at = int(np.argmax(chain[-1].score))
    legs = []
    for before, step in zip(chain[-2::-1], chain[:0:-1], strict=True):
        legs.append(Leg(before.time_s, step.time_s, step.routes[at]))
        at = int(step.came[at])
    return legs[::-1]


def edge_speeds(network: RoadNetwork, legs: Sequence[Leg], hour_of: ArrayLike | None = None) -> pd.DataFrame:
    """Return the median speed of each edge and hour.

    A leg's time is spread over its pieces in proportion to their usual times. The pieces of consecutive legs on one
    edge are one passage; a passage counts if it covers half of the edge or more.

    Parameters
    ----------
    network : RoadNetwork
    legs : sequence of Leg
        Of any number of tracks, each in order.
    hour_of : array_like of int, optional
        Local hour of the day of each leg; 0 for all where it is not given.

    Returns
    -------
    DataFrame
        edge_id, hour, speed_kph (median over passages), factor (of the usual speed), samples (passages), by edge and
        hour.
    """
    hours = np.zeros(len(legs), dtype=np.int64) if hour_of is None else np.asarray(hour_of, dtype=np.int64)
    if len(hours) != len(legs):
        raise ParameterError(f"there are {len(legs)} legs but {len(hours)} hours; give one for each")
    rows = pd.DataFrame(_passages(legs, hours), columns=["edge_id", "hour", "share", "seconds"])
    rows = rows[(rows["share"] >= MEASURED_SHARE) & (rows["seconds"] > 0)]
    edges = rows["edge_id"].to_numpy(dtype=np.int64)
    usual_s = network.travel_time_ms[edges] / 1000 * rows["share"]
    rows = rows.assign(
        speed_kph=3.6 * network.length_m[edges] * rows["share"] / rows["seconds"], factor=usual_s / rows["seconds"]
    )
    grouped = rows.groupby(["edge_id", "hour"], as_index=False)
    return grouped.agg(speed_kph=("speed_kph", "median"), factor=("factor", "median"), samples=("factor", "size"))


def _passages(legs: Sequence[Leg], hours: Int64s) -> Iterator[tuple[int, int, float, float]]:
    """Yield edge, hour, share of the edge and seconds of each passage."""
    edge, hour, share, seconds, until = -1, 0, 0.0, 0.0, -np.inf
    for leg, leg_hour in zip(legs, hours.tolist(), strict=True):
        piece_ms = leg.route.piece_travel_time_ms
        whole_ms = max(int(piece_ms.sum()), 1)
        shares = leg.route.to_fraction - leg.route.from_fraction
        for i, own in enumerate(leg.route.edges):
            follows = own == edge and (i > 0 or leg.start_s == until)
            if not follows:
                if edge >= 0:
                    yield edge, hour, share, seconds
                edge, hour, share, seconds = own, leg_hour, 0.0, 0.0
            share += float(shares[i])
            seconds += (leg.end_s - leg.start_s) * float(piece_ms[i]) / whole_ms
        until = leg.end_s
    if edge >= 0:
        yield edge, hour, share, seconds


def edge_factors(network: RoadNetwork, speeds: pd.DataFrame, hour: int, *, least_samples: int = 3) -> Floats:
    """Return the measured factor of every edge at an hour for `with_hour`; NaN where too few passages were seen."""
    factors = np.full(network.n_edges, np.nan)
    enough = speeds[(speeds["hour"] == hour) & (speeds["samples"] >= least_samples)]
    factors[enough["edge_id"].to_numpy(dtype=np.int64)] = enough["factor"].to_numpy(dtype=np.float64)
    return factors
