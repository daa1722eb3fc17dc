"""Proven lower bounds: how much any plan can move in a given time past a cut (Hoppe and Tardos 2000).

For zones A and the shelters that are not counted as full, the most that can arrive within T is a minimum-cost
circulation with the return arc at cost −T, in continuous time and whatever the plan. Newton's method finds the T at
which it equals what has to arrive. Potentials of the circulation make a certificate that needs no solver to check.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ortools.graph.python import min_cost_flow

from gridgov.evacuation.instance import UNITS_PER_PERSON, Bools, Instance
from gridgov.evacuation.labels import spread_labels, with_ways
from gridgov.evacuation.reduction import Reduction, reduce_instance
from gridgov.evacuation.residual import residual_distances
from gridgov.evacuation.steady import Terminals
from gridgov.network.validation import Floats, Int64s

_UNITS = 14_400  # units of flow per person and second
_TICKS = 100_000  # a horizon has about so many units of cost
_WIDEST_TICK_MS = 100
_MOST_NEWTON = 20
_MOST_ROUNDS = 25
_ROUNDING_MS = 5.0
_FAR = 1e18


class Circulation(NamedTuple):
    """A minimum-cost circulation for a cut and a horizon.

    `moved` persons can arrive within the horizon at most, `rate` persons per second at its end; `flow` are the units
    of the arcs, of the cut's zones, of its free shelters and of the return arc, in this order.
    """

    moved: float
    rate: float
    flow: Int64s
    horizon_ms: float


class Bound(NamedTuple):
    """A horizon (ms) proven too short, its cut and circulation, and the arcs that any of the circulations used."""

    horizon_ms: float
    cut: Terminals
    circulation: Circulation | None
    used: Bools


def circulate(instance: Instance, cut: Terminals, horizon_ms: float) -> Circulation:
    """Return the most that can arrive from the cut's zones at its free shelters within the horizon."""
    tail, head, cap, cost = _circulation_arcs(instance, cut, horizon_ms)
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(tail, head, cap, cost)
    solver.set_nodes_supplies(np.arange(instance.n + 2), np.zeros(instance.n + 2, dtype=np.int64))
    status = solver.solve()
    if status != solver.OPTIMAL:
        raise AssertionError(f"a circulation always exists, but the solver says {status}")
    flow = np.asarray(solver.flows(arcs), dtype=np.int64)
    moved = -solver.optimal_cost() * (_tick_ms(horizon_ms) / 1000.0) / _UNITS
    return Circulation(moved, float(flow[-1]) / _UNITS, flow, horizon_ms)


def _circulation_arcs(instance: Instance, cut: Terminals, horizon_ms: float) -> tuple[Int64s, Int64s, Int64s, Int64s]:
    """Return tail, head, capacity (rounded up) and cost (times rounded down: the bound stays on the safe side)."""
    n, zones, free = instance.n, int(cut.zones.sum()), int(cut.free.sum())
    finite = np.isfinite(instance.cap)
    limited = np.floor(np.where(finite, instance.cap, 0.0) * _UNITS).astype(np.int64) + 1
    unlimited = int(limited.sum()) + 1
    cap = np.concatenate([np.where(finite, limited, unlimited), np.full(zones + free + 1, unlimited)])
    tail = np.concatenate([instance.tail, np.full(zones, n), instance.shelter_node[cut.free], [n + 1]])
    head = np.concatenate([instance.head, instance.zone_node[cut.zones], np.full(free, n + 1), [n]])
    tick = _tick_ms(horizon_ms)
    back = -int(np.ceil(horizon_ms / tick))
    cost = np.concatenate([instance.travel_ms // tick, np.zeros(zones + free, dtype=np.int64), [back]])
    return tail, head, cap, cost


def _tick_ms(horizon_ms: float) -> int:
    """Return the milliseconds that are one unit of cost."""
    return int(np.clip(horizon_ms / _TICKS, 1, _WIDEST_TICK_MS))


def needed_persons(instance: Instance, cut: Terminals) -> float:
    """Return how many persons must pass the cut."""
    return float(instance.units[cut.zones].sum() - instance.places[~cut.free].sum()) / UNITS_PER_PERSON


def prove(
    instance: Instance, cut: Terminals, start_ms: float, *, tolerance: float = 2e-4, give_up_below_ms: float = 0.0
) -> Bound:
    """Return the longest horizon found that the cut proves too short (0 if it proves nothing).

    What can be moved is convex in the horizon, so tangents from above never overshoot; the search ends as soon as a
    tangent shows that the cut cannot beat `give_up_below_ms`.
    """
    used = np.zeros(instance.m, dtype=np.bool_)
    needed = needed_persons(instance, cut)
    best = Bound(0.0, cut, None, used)
    if needed <= 0 or not cut.zones.any() or not cut.free.any():
        return best
    horizon = start_ms
    for _ in range(_MOST_NEWTON):
        found = circulate(instance, cut, horizon)
        used |= found.flow[: instance.m] > 0
        short = needed - found.moved
        if short > needed * 1e-9:
            best = Bound(horizon, cut, found, used) if horizon > best.horizon_ms else best
            if found.rate > 0 and short / found.rate * 1000.0 < tolerance * horizon:
                break
            # nothing arrives yet: from beyond the answer tangents lead back to it
            horizon = horizon + short / found.rate * 1000.0 if found.rate > 0 else 2 * horizon
        else:
            if best.horizon_ms >= horizon * (1 - tolerance) or found.rate <= 0:
                break
            horizon -= -short / found.rate * 1000.0 + max(1e-5 * horizon, _tick_ms(horizon))
            if horizon <= max(best.horizon_ms, give_up_below_ms):
                break
    return best._replace(used=used)


def potentials_ms(instance: Instance, bound: Bound) -> Floats:
    """Return one potential (ms) for each node: residual shortest distances of the bound's circulation, cut to 0 … T."""
    if bound.circulation is None:
        return np.zeros(instance.n)
    tail, head, cap, cost = _circulation_arcs(instance, bound.cut, bound.circulation.horizon_ms)
    flow = bound.circulation.flow
    weight = np.asarray(cost * _tick_ms(bound.circulation.horizon_ms), dtype=np.float64)
    distance = residual_distances(instance.n + 2, tail, head, weight, cap - flow, flow, instance.n)
    return np.clip(np.minimum(distance[: instance.n], _FAR), 0.0, bound.horizon_ms)


def prove_on_all(
    instance: Instance,
    cut: Terminals,
    support: Bools,
    start_ms: float,
    *,
    tolerance: float = 2e-4,
    give_up_below_ms: float = 0.0,
) -> tuple[Bound, Floats]:
    """Prove a bound on the whole network by circulations on a part of it, and return its potentials (ms).

    A circulation on a part can only prove longer horizons than the whole network allows, so it tells early when a cut
    cannot win. Its potentials, spread over all nodes, either prove the horizon there, too, or name the arcs that are
    missing (column generation); then the part grows.

    Parameters
    ----------
    support : bool array, shape (arcs,)
        The part to begin with.
    """
    part = support.copy()
    used = np.zeros(instance.m, dtype=np.bool_)
    best, best_potential = Bound(0.0, cut, None, used), np.zeros(instance.n)
    horizon = start_ms
    for _ in range(_MOST_ROUNDS):
        small = reduce_instance(instance, part)
        found = prove(small.instance, cut, horizon, tolerance=tolerance / 4)
        used = np.zeros(instance.m, dtype=np.bool_)
        used[small.arcs[np.repeat(found.used, np.diff(small.first))]] = True
        if found.circulation is None or found.horizon_ms <= max(give_up_below_ms, best.horizon_ms):
            break
        potential, missing = _priced(instance, small, potentials_ms(small.instance, found), part)
        proven = _longest_proven(instance, potential, found.horizon_ms)
        if proven > best.horizon_ms:
            best, best_potential = Bound(proven, cut, found.circulation, used), potential
        if proven >= found.horizon_ms * (1 - tolerance) or not len(missing):
            break
        part[missing] = True
        horizon = found.horizon_ms
    return best._replace(used=used), best_potential


def _priced(instance: Instance, small: Reduction, potential_ms: Floats, part: Bools) -> tuple[Floats, Int64s]:
    """Spread the potentials of a part over all nodes; return them and the arcs outside that they violate."""
    number = np.full(int(instance.origin.max(initial=0)) + 1, -1, dtype=np.int64)
    number[instance.origin] = np.arange(instance.n)
    known = np.full(instance.n, np.inf)
    known[number[small.instance.origin]] = potential_ms
    jumping = potential_ms[small.instance.head] - potential_ms[small.instance.tail] > small.instance.travel_ms
    for arc in np.flatnonzero((np.diff(small.first) > 1) & jumping).tolist():
        parts = small.arcs[small.first[arc] : small.first[arc + 1]]
        narrow = int(np.argmin(instance.cap[parts]))
        value = potential_ms[small.instance.tail[arc]]
        for one in parts[:narrow].tolist():
            value += instance.tau[one]
            known[instance.head[one]] = value
        value = potential_ms[small.instance.head[arc]]
        for one in parts[:narrow:-1].tolist():
            value -= instance.tau[one]
            known[instance.tail[one]] = value
    spread, by_arc = spread_labels(instance, known)
    jump = spread[instance.head] - spread[instance.tail] - instance.travel_ms
    priced = np.zeros(instance.m, dtype=np.bool_)
    priced[small.arcs] = True
    by_way = ~priced | (by_arc[instance.tail] >= 0)  # a jump of the part's own circulation is no fault
    ways = with_ways(instance.tail, np.flatnonzero((jump > 1.0) & by_way), by_arc)
    return spread, ways[~part[ways]]


def _longest_proven(instance: Instance, potential_ms: Floats, horizon_ms: float) -> float:
    """Return the longest horizon (ms) up to the given one that potentials prove too short, by bisection."""
    demand = float(instance.demand)
    if _value(instance, potential_ms, horizon_ms) < demand * (1 - 1e-9):
        return horizon_ms
    low, high = 0.0, horizon_ms
    for _ in range(30):
        middle = (low + high) / 2
        if _value(instance, potential_ms, middle) < demand * (1 - 1e-9):
            low = middle
        else:
            high = middle
    return low


def _value(instance: Instance, potential_ms: Floats, horizon_ms: float) -> float:
    """Return the units that can cross the moving cut of potentials."""
    a = np.clip(potential_ms, 0.0, horizon_ms)
    jump = np.maximum(a[instance.head] - a[instance.tail] - instance.travel_ms, 0.0)
    jump[np.isinf(instance.cap) & (jump < _ROUNDING_MS)] = 0.0  # the certificate on the original network counts it
    roads = float((instance.cap[jump > 0] * jump[jump > 0]).sum())
    behind = float(instance.units[a[instance.zone_node] > 0].sum())
    return roads + behind + float(instance.places[a[instance.shelter_node] < horizon_ms].sum())
