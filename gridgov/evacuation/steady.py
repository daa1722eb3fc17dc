"""The steady plan: constant rates on fixed routes, the easiest plan to announce and the first answer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ortools.graph.python import max_flow, min_cost_flow
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gridgov.evacuation.certificate import least_of_parallel
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.reduction import reduce_instance
from gridgov.network.validation import Floats, Int64s

_FURTHER = 1.0005
_ROOM = 1.03
_BELOW_GUESS = 0.9
UNREACHED_MS = 10_000_000_000


class Terminals(NamedTuple):
    """A cut's zones (those left behind) and shelters (those not counted as full), as masks."""

    zones: Bools
    free: Bools


class SteadyFlow(NamedTuple):
    """Units on every arc, sent evenly in `horizon_ms`; `zone_units` leave each zone."""

    units: Int64s
    zone_units: Int64s
    shelter_units: Int64s
    horizon_ms: int


class SteadyRange(NamedTuple):
    """Horizons (ms): nothing shorter has a steady flow because of the cut; and one that has it, on the arcs `used`."""

    infeasible_ms: float
    feasible_ms: float
    cut: Terminals
    used: Bools


def _passing(instance: Instance, horizon_ms: float) -> Int64s:
    """Return the units that each arc can carry in the horizon."""
    return np.minimum(instance.cap * horizon_ms, float(instance.demand + 1)).astype(np.int64)


def steady_range(instance: Instance, guess_ms: float = 0.0) -> SteadyRange:
    """Search the shortest horizon in which constant rates carry everybody, to 0.1 %; a guess makes it quicker.

    Every horizon that is too short gives a cut, and the cut the next horizon: the one in which it lets everybody pass
    (Newton's method, never too far).
    """
    horizon = guess_ms * _BELOW_GUESS or 1.0
    cut = Terminals(np.ones(len(instance.zone), dtype=np.bool_), np.ones(len(instance.shelter), dtype=np.bool_))
    low = 0.0
    while True:
        found = _passed(instance, horizon)
        if found.cut is None:
            if low > 0.0 or horizon <= 1.0:
                return SteadyRange(low, horizon, cut, found.used)
            horizon = 1.0  # the guess was too long
            continue
        low, cut = max(found.enough_ms, horizon), found.cut
        horizon = low * _FURTHER


class _Passed(NamedTuple):
    """The arcs of a maximum flow at constant rates; where not all pass, the cut and the horizon that it asks for."""

    used: Bools
    cut: Terminals | None
    enough_ms: float


def _passed(instance: Instance, horizon_ms: float) -> _Passed:
    """Move as many as possible at constant rates."""
    n, zones, shelters = instance.n, len(instance.zone), len(instance.shelter)
    solver = max_flow.SimpleMaxFlow()
    arcs = solver.add_arcs_with_capacity(
        np.concatenate([instance.tail, np.full(zones, n), instance.shelter_node]),
        np.concatenate([instance.head, instance.zone_node, np.full(shelters, n + 1)]),
        np.concatenate([_passing(instance, horizon_ms), instance.units, instance.places]),
    )
    solver.solve(n, n + 1)
    used = np.asarray(solver.flows(arcs[: instance.m])) > 0
    if solver.optimal_flow() >= instance.demand:
        return _Passed(used, None, horizon_ms)
    side = np.zeros(n + 2, dtype=np.bool_)
    side[np.asarray(solver.get_source_side_min_cut(), dtype=np.int64)] = True
    cut = Terminals(side[instance.zone_node], ~side[instance.shelter_node])
    rate = float(instance.cap[side[instance.tail] & ~side[instance.head]].sum())
    needed = float(instance.units[cut.zones].sum() - instance.places[~cut.free].sum())
    return _Passed(used, cut, needed / rate if rate > 0 else 2 * horizon_ms)


def arcs_passed(instance: Instance, horizon_ms: float) -> Bools:
    """Return the arcs of a maximum flow at constant rates."""
    return _passed(instance, horizon_ms).used


def steady_flow(instance: Instance, span: SteadyRange) -> SteadyFlow | None:
    """Return a cheap constant flow at a little more than the shortest horizon; None if there is none.

    It is the cheapest on the arcs of the maximum flow and of the shortest ways; on all arcs it takes ten times as long.
    """
    away = distances(instance.n, instance.head, instance.tail, instance.tau, instance.shelter_node)
    shortest = (away[instance.head] + instance.tau == away[instance.tail]) & np.isfinite(away[instance.tail])
    small = reduce_instance(instance, span.used | shortest)
    flow = _cheapest(small.instance, int(span.feasible_ms * _ROOM) + 1)
    if flow is None:
        return None
    units = np.zeros(instance.m, dtype=np.int64)
    units[small.arcs] = np.repeat(flow.units, np.diff(small.first))
    return flow._replace(units=units)


def distances(n: int, tail: Int64s, head: Int64s, tau: Int64s, roots: Int64s) -> Floats:
    """Return the milliseconds from the nearest root (inf: out of reach)."""
    tail, head, weight = least_of_parallel(tail, head, tau.astype(np.float64))
    return np.asarray(dijkstra(csr_matrix((weight, (tail, head)), shape=(n, n)), indices=roots, min_only=True))


def shelter_distance(instance: Instance) -> Int64s:
    """Return the milliseconds from each node to its nearest shelter on empty roads."""
    distance = distances(instance.n, instance.head, instance.tail, instance.tau, instance.shelter_node)
    return np.where(np.isfinite(distance), distance, float(UNREACHED_MS)).astype(np.int64)


def _cheapest(instance: Instance, horizon: int) -> SteadyFlow | None:
    """Return the constant flow of least total travel time in a horizon (ms)."""
    n, zones, shelters = instance.n, len(instance.zone), len(instance.shelter)
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([instance.tail, np.full(zones, n), instance.shelter_node]),
        np.concatenate([instance.head, instance.zone_node, np.full(shelters, n + 1)]),
        np.concatenate([_passing(instance, horizon), instance.units, instance.places]),
        np.concatenate([instance.tau // 100 + 1, np.zeros(zones + shelters, dtype=np.int64)]),
    )
    supply = np.zeros(n + 2, dtype=np.int64)
    supply[n], supply[n + 1] = instance.demand, -instance.demand
    solver.set_nodes_supplies(np.arange(n + 2), supply)
    if solver.solve() != solver.OPTIMAL:
        return None
    units = np.asarray(solver.flows(arcs), dtype=np.int64)
    m = instance.m
    return SteadyFlow(units[:m], units[m : m + zones], units[m + zones :], horizon)
