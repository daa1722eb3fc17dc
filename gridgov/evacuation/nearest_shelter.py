"""Everyone to the nearest shelter: what happens without a plan, to compare plans with.

Who goes where: pairs of zone and shelter in the order of their travel time on empty roads (then in the order of the
frames); each pair takes as many persons of the zone as are left and as the shelter still has places for. So shelters
fill from their neighbourhood, and who finds no place goes on to the next nearest. Everybody leaves at the order, by the
fastest way on empty roads, and queues (`replay.simulate`). Roads that close count when one comes to them, not when the
way is chosen: who then stands before a closed road is stranded.

Beside it stands what one gets when places are not looked at: how many persons too many come to which shelter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.problem import EvacuationProblem, make_problem
from gridgov.evacuation.replay import PACKETS, Floats, Ints, Replay, Traffic, edge_room, simulate
from gridgov.model.evacuation import Unmet

if TYPE_CHECKING:
    import pandas as pd

    from gridgov.network import RoadNetwork


@dataclass(frozen=True, slots=True)
class Trip:
    """Persons of a zone who go to a shelter, and how long that takes on empty roads."""

    zone_id: str
    shelter_id: str
    persons: float
    travel_time_s: float


@dataclass(frozen=True, slots=True)
class Overfull:
    """A shelter that gets more persons than it has places when nobody looks at places."""

    shelter_id: str
    persons: float
    capacity_persons: float


@dataclass(frozen=True)
class NearestShelter:
    """Everyone to the nearest shelter.

    Attributes
    ----------
    clearance_time_s : float
        When the last one is safe, of those who ever are.
    replay : Replay
        The traffic: clearance curve, queues, vehicles at shelters over time.
    trips : tuple of Trip
    unmet : tuple of Unmet
        Who has no way (no_route), no place (no_place) or stands before a closed road (too_late).
    overfull : tuple of Overfull
        When places are not looked at, the worst first.
    overfull_share : float
        Persons too many there, as a share of all who can reach a shelter.
    """

    clearance_time_s: float
    replay: Replay
    trips: tuple[Trip, ...]
    unmet: tuple[Unmet, ...]
    overfull: tuple[Overfull, ...]
    overfull_share: float

    @property
    def unmet_persons(self) -> float:
        """Persons who do not come to a shelter."""
        return sum(row.persons for row in self.unmet)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "clearance_time_s": round(self.clearance_time_s, 1),
            "unmet_persons": round(self.unmet_persons, 2),
            "overfull_share": round(self.overfull_share, 4),
            "overfull": [
                {"shelter_id": one.shelter_id, "persons": one.persons, "capacity_persons": one.capacity_persons}
                for one in self.overfull
            ],
            "unmet": [{"zone_id": one.zone_id, "persons": one.persons, "reason": one.reason} for one in self.unmet],
            "trips": [
                {"zone_id": one.zone_id, "shelter_id": one.shelter_id, "persons": one.persons,
                 "travel_time_s": round(one.travel_time_s, 1)}
                for one in self.trips
            ],
            "replay": self.replay.to_dict(),
        }  # fmt: skip


def nearest_shelter(
    network: RoadNetwork,
    demand: pd.DataFrame,
    shelters: pd.DataFrame,
    params: EvacuationParams | None = None,
    *,
    edge_closes_s: ArrayLike | None = None,
    lanes: ArrayLike | None = None,
    packets: int = PACKETS,
) -> NearestShelter:
    """Send everyone to the nearest shelter with places left, and see how long that takes.

    Parameters
    ----------
    network, demand, shelters, params, edge_closes_s
        As for `plan_evacuation`; of the parameters only the occupancy, the mode and the capacity factor count.
    lanes : array_like of float, shape (edges,), optional
        See `replay`.
    packets : int
        About so many packets of vehicles are driven at most.

    Raises
    ------
    ParameterError
        See `make_problem` and `simulate`.
    """
    problem = make_problem(network, demand, shelters, params or EvacuationParams(), edge_closes_s)
    ways = _Ways(problem)
    going, left = _fill(ways.travel_s, problem.persons, problem.shelter_persons)
    unmet = _unmet(problem, ways.travel_s, left)
    zone, shelter = np.nonzero(going)
    traffic = _traffic(problem, ways, zone, shelter, going[zone, shelter])
    found = simulate(
        traffic, n_shelters=len(problem.shelter_id), room=edge_room(traffic, network.length_m, lanes), packets=packets
    )
    if found.stranded > 0:
        unmet += _stranded(problem, found)
    overfull, share = _overfull(problem, ways.travel_s)
    trips = tuple(
        Trip(problem.zone_id[z], problem.shelter_id[s], float(going[z, s]), float(ways.travel_s[z, s]))
        for z, s in zip(zone.tolist(), shelter.tolist(), strict=True)
    )
    return NearestShelter(found.clearance_s, found, trips, tuple(unmet), overfull, share)


class _Ways:
    """Fastest ways on empty roads from the zones to the shelters."""

    def __init__(self, problem: EvacuationProblem) -> None:
        self.problem = problem
        open_now = problem.closes_s * 1000 >= problem.travel_time_ms
        usable = np.flatnonzero((problem.capacity_vph > 0) & open_now & (problem.tail != problem.head))
        # the fastest of parallel edges; a millisecond's thousandth keeps edges of no time in the sparse matrix
        order = usable[np.lexsort((problem.travel_time_ms[usable], problem.head[usable], problem.tail[usable]))]
        key = problem.tail[order] * problem.n_nodes + problem.head[order]
        kept = np.concatenate([[True], key[1:] != key[:-1]])[: len(order)]
        self.key, self.edge = key[kept], order[kept]
        weight = problem.travel_time_ms[self.edge] + 1e-3
        ends = (problem.head[self.edge], problem.tail[self.edge])
        shape = (problem.n_nodes, problem.n_nodes)
        goals, self.goal_of = np.unique(problem.shelter_node, return_inverse=True)
        if not len(goals):
            self.following = np.zeros((0, problem.n_nodes), dtype=np.int64)
            self.travel_s = np.zeros((len(problem.zone_node), 0))
            return
        graph = csr_array((weight, ends), shape=shape)
        ms, self.following = dijkstra(graph, indices=goals, return_predecessors=True)
        self.travel_s = ms[self.goal_of][:, problem.zone_node].T / 1000

    def route(self, zone: int, shelter: int) -> list[int]:
        """Return the edges from a zone to a shelter."""
        node, goal = int(self.problem.zone_node[zone]), int(self.problem.shelter_node[shelter])
        following = self.following[self.goal_of[shelter]]
        nodes = [node]
        while nodes[-1] != goal:
            nodes.append(int(following[nodes[-1]]))
        steps = np.array(nodes, dtype=np.int64)
        place = np.searchsorted(self.key, steps[:-1] * self.problem.n_nodes + steps[1:])
        return [int(edge) for edge in self.edge[place]]


def _fill(travel_s: Floats, persons: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Fill shelters from their neighbourhood; return persons by zone and shelter, and who is left of each zone."""
    left, free = persons.copy(), places.copy()
    going = np.zeros(travel_s.shape)
    order = np.argsort(travel_s, axis=None, kind="stable")
    order = order[np.isfinite(travel_s.ravel()[order])]
    for zone, shelter in zip(*(axis.tolist() for axis in np.unravel_index(order, travel_s.shape)), strict=True):
        if left[zone] > 0 and free[shelter] > 0:
            taken = min(left[zone], free[shelter])
            going[zone, shelter] = taken
            left[zone] -= taken
            free[shelter] -= taken
    return going, left


def _unmet(problem: EvacuationProblem, travel_s: Floats, left: Floats) -> list[Unmet]:
    reached = np.asarray(np.isfinite(travel_s).any(axis=1))
    if not travel_s.shape[1]:  # where nobody has a shelter, only those have no road whom none leads away
        leads_away = (problem.capacity_vph > 0) & (problem.tail != problem.head)
        reached = np.isin(problem.zone_node, problem.tail[leads_away])
    return [
        Unmet(problem.zone_id[zone], float(left[zone]), "no_place" if reached[zone] else "no_route")
        for zone in np.flatnonzero(left > 0).tolist()
    ]


def _traffic(problem: EvacuationProblem, ways: _Ways, zone: Ints, shelter: Ints, persons: Floats) -> Traffic:
    routes = [ways.route(z, s) for z, s in zip(zone.tolist(), shelter.tolist(), strict=True)]
    at_once = np.zeros(len(routes))
    return Traffic(
        travel_time_s=problem.travel_time_ms / 1000,
        capacity_vps=problem.capacity_vps,
        closes_s=problem.closes_s,
        route_start=np.concatenate([[0], np.cumsum([len(route) for route in routes])]).astype(np.int64),
        route=np.array([edge for route in routes for edge in route], dtype=np.int64),
        zone=zone,
        shelter=shelter,
        start_s=at_once,
        end_s=at_once,
        vehicles=persons / problem.occupancy,
    )


def _stranded(problem: EvacuationProblem, found: Replay) -> list[Unmet]:
    return [
        Unmet(problem.zone_id[zone], float(vehicles * problem.occupancy), "too_late")
        for zone, vehicles in found.stranded_of_zone.items()
    ]


def _overfull(problem: EvacuationProblem, travel_s: Floats) -> tuple[tuple[Overfull, ...], float]:
    """Send everyone to the nearest shelter, places or not."""
    reached = np.flatnonzero(np.isfinite(travel_s.min(axis=1, initial=np.inf)))
    if not len(reached):
        return (), 0.0
    nearest = np.argmin(travel_s[reached], axis=1)
    arrived = np.bincount(nearest, weights=problem.persons[reached], minlength=len(problem.shelter_id))
    above = arrived - problem.shelter_persons
    worst = [int(one) for one in np.argsort(-above, kind="stable") if above[one] > 0]
    rows = tuple(
        Overfull(problem.shelter_id[one], float(arrived[one]), float(problem.shelter_persons[one])) for one in worst
    )
    return rows, float(above[worst].sum() / max(problem.persons[reached].sum(), 1e-12))
