"""Buses for people without a car: loads, their order by OR-tools routing, and a bound over all plans of these buses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gridgov.errors import ParameterError
from gridgov.evacuation.bus_bound import lower_bound_s
from gridgov.evacuation.bus_loads import BusQuestion, allocate, form_trips
from gridgov.evacuation.bus_plans import Bus, BusPlan, BusRun, BusTrip, Floats
from gridgov.model.buses import BusParams
from gridgov.network import RoadNetwork, nearest_workers

if TYPE_CHECKING:
    from ortools.constraint_solver import pywrapcp

_WEIGHTS = (0.05, 0.4, 2.0)
MOST_TRIPS = 600  # more are put in order by the simple rules alone


def plan_buses(
    network: RoadNetwork,
    demand: pd.DataFrame,
    shelters: pd.DataFrame,
    depots: pd.DataFrame,
    params: BusParams | None = None,
) -> BusPlan:
    """Plan how buses fetch people without a car.

    Parameters
    ----------
    network : RoadNetwork
    demand : DataFrame
        `zone_id`, `node`, `persons`; `without_car_persons` where known.
    shelters : DataFrame
        `shelter_id`, `node`, `capacity_persons`.
    depots : DataFrame
        `depot_id`, `node`, `buses`.
    params : BusParams, optional

    Raises
    ------
    ParameterError
        A column is missing, a node does not exist, a number is below 0.
    """
    params = params or BusParams()
    for frame, name, columns in (
        (demand, "demand", ("zone_id", "node", "persons")),
        (shelters, "shelters", ("shelter_id", "node", "capacity_persons")),
        (depots, "depots", ("depot_id", "node", "buses")),
    ):
        if missing := [column for column in columns if column not in frame]:
            raise ParameterError(f"{name} has no column '{missing[0]}'; it needs {', '.join(columns)}")
        if len(frame) and (frame[columns[2]].fillna(0) < 0).any():
            raise ParameterError(f"{name} holds a negative number in '{columns[2]}'; correct it")
    depots = depots[depots["buses"].fillna(0) > 0]
    question = _question(network, demand, shelters, depots, params)
    start_of_bus = np.repeat(np.arange(len(depots)), depots["buses"].to_numpy(dtype=np.float64).astype(np.int64))
    if not len(start_of_bus) or not len(question.persons):
        left = [(zone, int(n), "no_bus") for zone, n in zip(question.zone_id, question.persons, strict=True)]
        return BusPlan((), 0.0, 0.0, tuple(left), np.zeros(network.n_edges))
    going, unmet = allocate(question)
    trips = form_trips(question, going, params)
    orders = _orders(question, trips, start_of_bus, params)
    buses = _buses(question, trips, orders, start_of_bus, depots)
    done = max((bus.runs[-1].done_s for bus in buses if bus.runs), default=0.0)
    bound = min(done, lower_bound_s(question, going, np.bincount(start_of_bus, minlength=len(depots)), params))
    depot_node = depots["node"].to_numpy(dtype=np.int64)[start_of_bus]
    return BusPlan(buses, done, bound, tuple(unmet), _reserved(network, buses, depot_node, done, params))


def _question(
    network: RoadNetwork, demand: pd.DataFrame, shelters: pd.DataFrame, depots: pd.DataFrame, params: BusParams
) -> BusQuestion:
    known = demand["persons"].fillna(0) * params.share_without_car
    if "without_car_persons" in demand:
        known = demand["without_car_persons"].fillna(known)
    persons = np.ceil(known.to_numpy(dtype=np.float64) - 1e-9).astype(np.int64)
    some = demand[persons > 0]
    zone, shelter, depot = (frame["node"].to_numpy(dtype=np.int64) for frame in (some, shelters, depots))
    return BusQuestion(
        zone_id=tuple(str(one) for one in some["zone_id"]),
        shelter_id=tuple(str(one) for one in shelters["shelter_id"]),
        persons=persons[persons > 0],
        places=shelters["capacity_persons"].fillna(0).to_numpy(dtype=np.float64).astype(np.int64),
        zone_node=zone,
        shelter_node=shelter,
        to_shelter_s=_times_s(network, zone, shelter),
        from_shelter_s=_times_s(network, shelter, zone),
        from_depot_s=_times_s(network, depot, zone),
        between_s=_times_s(network, zone, zone),
    )


def _times_s(network: RoadNetwork, sources: Any, targets: Any) -> Floats:
    if not len(sources) or not len(targets):
        return np.zeros((len(sources), len(targets)))
    times = network.travel_times(sources, targets).astype(np.float64)
    return np.where(times < 0, np.inf, times / 1000)


def _entry_s(question: BusQuestion, trips: Sequence[BusTrip]) -> tuple[Floats, Floats]:
    """Return seconds from every depot, and from the end of every trip, to the first stop of every trip."""
    zone_row = {zone: row for row, zone in enumerate(question.zone_id)}
    shelter_row = {shelter: row for row, shelter in enumerate(question.shelter_id)}
    first = [zone_row[trip.stops[0][0]] for trip in trips]
    last = [shelter_row[trip.shelter_id] for trip in trips]
    return question.from_depot_s[:, first], question.from_shelter_s[np.ix_(last, first)]


def _orders(question: BusQuestion, trips: Sequence[BusTrip], start_of_bus: Any, params: BusParams) -> list[list[int]]:
    """Return the trips of every bus in order: by routing, or by simple rules where that is no worse."""
    if not trips:
        return [[] for _ in start_of_bus]
    start, between = _entry_s(question, trips)
    ride = np.array([trip.ride_s for trip in trips])
    simple = _simple_orders(start[start_of_bus], between, ride)
    if len(trips) > MOST_TRIPS:
        return simple
    searched = _search(start[start_of_bus], between, ride, simple, params)
    return min((simple, searched), key=lambda orders: _done_s(orders, start[start_of_bus], between, ride))


def _simple_orders(start_s: Floats, between_s: Floats, ride_s: Floats) -> list[list[int]]:
    """Return the best of some simple rules."""
    orders = [_longest_first(start_s, between_s, ride_s)]
    orders += [_next_free(start_s, between_s, ride_s, weight) for weight in _WEIGHTS]
    return min(orders, key=lambda one: _done_s(one, start_s, between_s, ride_s))


def _next_free(start_s: Floats, between_s: Floats, ride_s: Floats, weight: float) -> list[list[int]]:
    """Give the bus that is free first a trip to which it has little more way than any bus ever; long trips rather."""
    orders: list[list[int]] = [[] for _ in range(len(start_s))]
    free, left = np.zeros(len(start_s)), np.ones(len(ride_s), dtype=np.bool_)
    least = np.minimum(between_s.min(axis=0), start_s.min(axis=0))
    for _ in range(len(ride_s)):
        bus = int(free.argmin())
        entry = between_s[orders[bus][-1]] if orders[bus] else start_s[bus]
        trip = int(np.where(left, entry - least - weight * (ride_s + least), np.inf).argmin())
        orders[bus].append(trip)
        free[bus] += entry[trip] + ride_s[trip]
        left[trip] = False
    return orders


def _longest_first(start_s: Floats, between_s: Floats, ride_s: Floats) -> list[list[int]]:
    """Give the longest trip that is left to the bus that ends it first."""
    orders: list[list[int]] = [[] for _ in range(len(start_s))]
    free = np.zeros(len(start_s))
    for trip in np.argsort(-(ride_s + start_s.min(axis=0)), kind="stable").tolist():
        came_from = enumerate(orders)
        entry = np.array([between_s[order[-1], trip] if order else start_s[bus, trip] for bus, order in came_from])
        done = free + entry + ride_s[trip]
        bus = int(done.argmin())
        orders[bus].append(trip)
        free[bus] = done[bus]
    return orders


def _done_s(orders: Sequence[Sequence[int]], start_s: Floats, between_s: Floats, ride_s: Floats) -> float:
    latest = 0.0
    for bus, order in enumerate(orders):
        now = 0.0
        for i, trip in enumerate(order):
            now += (between_s[order[i - 1], trip] if i else start_s[bus, trip]) + ride_s[trip]
        latest = max(latest, now)
    return float(latest)


def _search(
    start_s: Floats, between_s: Floats, ride_s: Floats, first: list[list[int]], params: BusParams
) -> list[list[int]]:
    """Improve an order by OR-tools routing: least time of the last bus, then least driving."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2  # noqa: PLC0415  # slow to import

    n, buses = len(ride_s), len(start_s)
    manager = pywrapcp.RoutingIndexManager(n + buses + 1, buses, list(range(n, n + buses)), [n + buses] * buses)
    routing = pywrapcp.RoutingModel(manager)
    table = np.zeros((n + buses + 1, n + buses + 1))
    table[:n, :n], table[n : n + buses, :n] = between_s + ride_s[:, None], start_s
    table[:n, -1] = ride_s
    whole = np.rint(np.where(np.isfinite(table), table, 1e8)).astype(np.int64)
    evaluator = routing.RegisterTransitMatrix(whole.tolist())
    routing.SetArcCostEvaluatorOfAllVehicles(evaluator)
    routing.AddDimension(evaluator, 0, 10**9, True, "time")
    routing.GetDimensionOrDie("time").SetGlobalSpanCostCoefficient(100 * buses)
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromMilliseconds(max(1, round(params.time_limit_s * 1000)))
    routing.CloseModelWithParameters(parameters)
    routing.AddSearchMonitor(routing.solver().FailuresLimit(params.steps))
    known = routing.ReadAssignmentFromRoutes([list(order) for order in first], True)
    found = routing.SolveFromAssignmentWithParameters(known, parameters) if known is not None else None
    return first if found is None else [_order(manager, routing, found, bus) for bus in range(buses)]


def _order(manager: Any, routing: pywrapcp.RoutingModel, found: Any, bus: int) -> list[int]:
    index, order = found.Value(routing.NextVar(routing.Start(bus))), []
    while not routing.IsEnd(index):
        order.append(manager.IndexToNode(index))
        index = found.Value(routing.NextVar(index))
    return order


def _buses(
    question: BusQuestion, trips: Sequence[BusTrip], orders: Sequence[Sequence[int]], start_of_bus: Any, depots: Any
) -> tuple[Bus, ...]:
    """Return the buses with their times, worked out again from the travel times."""
    start, between = _entry_s(question, trips) if trips else (np.zeros((0, 0)), np.zeros((0, 0)))
    numbers: Counter[int] = Counter()
    buses = []
    for depot, order in zip(start_of_bus.tolist(), orders, strict=True):
        numbers[depot] += 1
        now, runs = 0.0, []
        for i, trip in enumerate(order):
            there = now + float(between[order[i - 1], trip] if i else start[depot, trip])
            now = there + trips[trip].ride_s
            runs.append(BusRun(trips[trip], there, now))
        depot_id = str(depots["depot_id"].iloc[depot])
        buses.append(Bus(f"{depot_id}-{numbers[depot]}", depot_id, tuple(runs)))
    return tuple(buses)


def _reserved(network: RoadNetwork, buses: Sequence[Bus], depot_node: Any, done_s: float, params: BusParams) -> Floats:
    legs: Counter[tuple[int, int]] = Counter()
    for bus, node in zip(buses, depot_node.tolist(), strict=True):
        at = node
        for run in bus.runs:
            for following in run.trip.nodes:
                legs[at, following] += 1
                at = following
    passes = np.zeros(network.n_edges)
    for (source, target), times in legs.items():
        if source != target:
            edges = nearest_workers(network, target, [source], k=1).edges(0)
            np.add.at(passes, edges, times)
    return passes * params.car_equivalents * 3600.0 / done_s if done_s > 0 else passes
