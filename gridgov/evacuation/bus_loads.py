"""Loads of buses: which people go to which shelter, full buses first, rests of neighbouring zones together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import min_cost_flow

from gridgov.evacuation.bus_plans import BusTrip, Floats
from gridgov.model.buses import BusParams

Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class BusQuestion:
    """The question in numbers.

    Attributes
    ----------
    zone_id, shelter_id : tuples of str
    persons, zone_node : int arrays, shape (zones,)
        People without a car.
    places, shelter_node : int arrays, shape (shelters,)
    to_shelter_s : float array, shape (zones, shelters)
        Infinite where there is no way, as in all times here.
    from_shelter_s : float array, shape (shelters, zones)
    from_depot_s : float array, shape (depots, zones)
    between_s : float array, shape (zones, zones)
    """

    zone_id: tuple[str, ...]
    shelter_id: tuple[str, ...]
    persons: Int64s
    places: Int64s
    zone_node: Int64s
    shelter_node: Int64s
    to_shelter_s: Floats
    from_shelter_s: Floats
    from_depot_s: Floats
    between_s: Floats


def allocate(question: BusQuestion) -> tuple[Int64s, list[tuple[str, int, str]]]:
    """Return how many people of each zone (row) go to each shelter (column), and who cannot; the least person-time."""
    zones, shelters = question.to_shelter_s.shape
    flow = min_cost_flow.SimpleMinCostFlow()
    usable = np.isfinite(question.to_shelter_s) & np.isfinite(question.from_depot_s.min(axis=0))[:, None]
    rows, columns = np.nonzero(usable)
    source, sink, left = zones + shelters, zones + shelters + 1, 10**9
    seconds = np.rint(question.to_shelter_s[rows, columns]).astype(np.int64)
    arcs = flow.add_arcs_with_capacity_and_unit_cost(rows, zones + columns, question.persons[rows], seconds)
    for zone in range(zones):
        flow.add_arc_with_capacity_and_unit_cost(source, zone, int(question.persons[zone]), 0)
        flow.add_arc_with_capacity_and_unit_cost(zone, sink, int(question.persons[zone]), left)
    for shelter in range(shelters):
        flow.add_arc_with_capacity_and_unit_cost(zones + shelter, sink, int(question.places[shelter]), 0)
    total = int(question.persons.sum())
    flow.set_node_supply(source, total)
    flow.set_node_supply(sink, -total)
    if flow.solve() != flow.OPTIMAL:
        raise AssertionError("a flow in which everybody may stay has a solution")
    going = np.zeros((zones, shelters), dtype=np.int64)
    going[rows, columns] = flow.flows(arcs)
    staying = question.persons - going.sum(axis=1)
    reached = usable.any(axis=1) if shelters else np.isfinite(question.from_depot_s.min(axis=0))
    unmet = [
        (question.zone_id[zone], int(staying[zone]), "no_place" if reached[zone] else "no_route")
        for zone in np.flatnonzero(staying).tolist()
    ]
    return going, unmet


def form_trips(question: BusQuestion, going: Int64s, params: BusParams) -> list[BusTrip]:
    """Return the loads: full buses straight from a zone to its shelter, then rests that share a bus where that is
    quicker than two trips.
    """
    trips: list[BusTrip] = []
    for shelter in range(going.shape[1]):
        rests: list[list[tuple[int, int]]] = []
        for zone in np.flatnonzero(going[:, shelter]).tolist():
            full, rest = divmod(int(going[zone, shelter]), params.seats)
            trips.extend([_trip(question, [(zone, params.seats)], shelter, params)] * full)
            if rest:
                rests.append([(zone, rest)])
        trips.extend(_trip(question, stops, shelter, params) for stops in _shared(question, rests, shelter, params))
    return trips


def _shared(
    question: BusQuestion, rests: list[list[tuple[int, int]]], shelter: int, params: BusParams
) -> list[list[tuple[int, int]]]:
    """Join the two rests that save most time, again and again (Clarke and Wright's savings)."""
    while True:
        best: tuple[float, int, int, list[tuple[int, int]]] | None = None
        cost = [_cost(question, stops, shelter, params) for stops in rests]
        for i in range(len(rests)):
            for j in range(i + 1, len(rests)):
                stops = rests[i] + rests[j]
                if len(stops) > params.stops_per_trip or sum(n for _, n in stops) > params.seats:
                    continue
                order = min(permutations(stops), key=lambda one: _drive_s(question, one, shelter))
                saved = cost[i] + cost[j] - _cost(question, order, shelter, params)
                if saved > 0 and (best is None or saved > best[0]):
                    best = (saved, i, j, list(order))
        if best is None:
            return rests
        rests = [stops for k, stops in enumerate(rests) if k not in best[1:3]] + [best[3]]


def _cost(question: BusQuestion, stops: Sequence[tuple[int, int]], shelter: int, params: BusParams) -> float:
    """Return the seconds of a trip and the way back to its first stop."""
    return float(_ride_s(question, stops, shelter, params) + question.from_shelter_s[shelter, stops[0][0]])


def _ride_s(question: BusQuestion, stops: Sequence[tuple[int, int]], shelter: int, params: BusParams) -> float:
    boarding = sum(params.stop_s + params.board_s * persons for _, persons in stops)
    return boarding + _drive_s(question, stops, shelter) + params.alight_s


def _drive_s(question: BusQuestion, stops: Sequence[tuple[int, int]], shelter: int) -> float:
    zones = [zone for zone, _ in stops]
    between = sum(question.between_s[a, b] for a, b in pairwise(zones))
    return float(between + question.to_shelter_s[zones[-1], shelter])


def _trip(question: BusQuestion, stops: Sequence[tuple[int, int]], shelter: int, params: BusParams) -> BusTrip:
    nodes = (*(int(question.zone_node[zone]) for zone, _ in stops), int(question.shelter_node[shelter]))
    named = tuple((question.zone_id[zone], persons) for zone, persons in stops)
    return BusTrip(question.shelter_id[shelter], named, nodes, _ride_s(question, stops, shelter, params))
