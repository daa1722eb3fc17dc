"""The steady plan: constant rates on fixed routes, the easiest plan to announce and the first answer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ortools.graph.python import max_flow, min_cost_flow

from gridgov.evacuation.instance import Bools, Instance
from gridgov.network.validation import Int64s

_SEARCH = 1.002
_ROOM = 1.03
_NEAR = 1.01


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
    """Horizons (ms) with and without a steady flow, and the cut that forbids the shorter one."""

    infeasible_ms: float
    feasible_ms: float
    cut: Terminals


def _passing(instance: Instance, horizon_ms: float) -> Int64s:
    """Return the units that each arc can carry in the horizon."""
    return np.minimum(instance.cap * horizon_ms, float(instance.demand + 1)).astype(np.int64)


def steady_range(instance: Instance, guess_ms: float = 0.0) -> SteadyRange:
    """Search the shortest horizon in which constant rates carry everybody, to 0.2 %; a guess makes it quicker."""
    low, high, horizon = 1.0, None, guess_ms or 3_600_000.0
    widening = _NEAR if guess_ms else 2.0
    cut = Terminals(np.ones(len(instance.zone), dtype=np.bool_), np.ones(len(instance.shelter), dtype=np.bool_))
    while high is None or high / low > _SEARCH:
        found = _violated(instance, horizon)
        if found is None:
            high = horizon
        else:
            low, cut = horizon, found
        if high is None:
            horizon *= widening
            widening = widening**2
        elif low == 1.0 and guess_ms:
            horizon /= widening
            widening = widening**2
        else:
            horizon = (low * high) ** 0.5
    return SteadyRange(low, high, cut)


def _violated(instance: Instance, horizon_ms: float) -> Terminals | None:
    """Return None where constant rates do, else the cut that says why not."""
    n, zones, shelters = instance.n, len(instance.zone), len(instance.shelter)
    solver = max_flow.SimpleMaxFlow()
    solver.add_arcs_with_capacity(
        np.concatenate([instance.tail, np.full(zones, n), instance.shelter_node]),
        np.concatenate([instance.head, instance.zone_node, np.full(shelters, n + 1)]),
        np.concatenate([_passing(instance, horizon_ms), instance.units, instance.places]),
    )
    solver.solve(n, n + 1)
    if solver.optimal_flow() >= instance.demand:
        return None
    side = np.zeros(n + 2, dtype=np.bool_)
    side[np.asarray(solver.get_source_side_min_cut(), dtype=np.int64)] = True
    return Terminals(side[instance.zone_node], ~side[instance.shelter_node])


def steady_flow(instance: Instance, horizon_ms: float) -> SteadyFlow | None:
    """Return the cheapest constant flow at a little more than the shortest horizon; None if there is none."""
    n, zones, shelters = instance.n, len(instance.zone), len(instance.shelter)
    horizon = int(horizon_ms * _ROOM)
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
