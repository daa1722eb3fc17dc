"""Few routes per zone: which routes are kept, and how each zone is shared among them.

A route that is left for at a constant rate, so that its last vehicle is safe at the horizon, loads its arcs with
units / (horizon − length); the largest load over capacity is to be least. Without a limit that is a linear program,
solved over the routes of the unlimited plan and those that its prices offer (column generation). A vertex of it uses
hardly more routes than zones (Kolliopoulos and Stein 2002 for flows that cannot be split); the few zones with more are
settled by a small mixed-integer program, in growing neighbourhoods of the tightest roads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from ortools.graph.python import min_cost_flow
from ortools.linear_solver.python import model_builder_helper as linear
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack, vstack

from gridgov.evacuation.departures import Routes, before_arcs, shortest_windows, spans
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.mobilisation import Curve
from gridgov.evacuation.route_candidates import candidate_routes, cheapest_routes, shortest_routes, with_routes
from gridgov.evacuation.schedule import Schedule
from gridgov.evacuation.windows import Windows
from gridgov.network.validation import Floats, Int64s

_MANY_ZONES = 1_500
_OFFERS = 12
_OFFER_TIMES = 5.0  # so many times what a linear program took must be left for another one
_ROW_ROUNDS = 12
_CROWDED = 0.8
_TOLERATED = 0.003
_SLACK = 1e-3
_LONG_WAY = 1e-3
_OVERFULL = 100.0
_NONE = 1e-9
_ENOUGH = 1.002
_AROUND = (40, 120)
_MOVING = 300
_MIP_S, _LEAST_MIP_S = 8.0, 0.05
_AGAIN = 0.01


class Limit(NamedTuple):
    """What routes are chosen for: at most so many for each zone, near a horizon (ms), until it is time to stop."""

    most: int
    horizon_ms: float
    seconds_left: Callable[[], float]
    ready: Curve | None = None


def limit_routes(instance: Instance, windows: Windows | None, limit: Limit) -> Schedule | None:
    """Return a schedule with at most so many routes for each zone; None if none is found that moves everybody.

    Parameters
    ----------
    windows : Windows or None
        A plan without a limit, whose routes are the first candidates (on its own, smaller instance).
    """
    if windows is not None:
        instance, candidates = windows.instance, candidate_routes(windows)
    else:
        candidates = shortest_routes(instance)
    best: Schedule | None = None
    horizon = limit.horizon_ms
    for _ in range(2):
        began = perf_counter()
        chosen = choose_routes(instance, candidates, limit._replace(horizon_ms=horizon))
        within = None if chosen is None else _within_places(instance, chosen)
        if chosen is None or within is None:
            return best
        found = shortest_windows(instance, chosen._replace(units=within), horizon, limit.ready)
        if found is None:
            return best
        ends = float((found.end_ms + found.travel_ms(_edge_ms(instance))).max(initial=0))
        best = found if best is None or ends < horizon else best
        took = perf_counter() - began
        if abs(ends / horizon - 1) < _AGAIN or limit.seconds_left() < 2 * took:
            return best
        horizon = ends  # loads depend on the horizon: once more, nearer to it
    return best


def _edge_ms(instance: Instance) -> Int64s:
    """Return the travel time of each original edge."""
    times = np.zeros(int(instance.chain.max(initial=-1)) + 1, dtype=np.int64)
    times[instance.chain] = instance.edge_ms
    return times


@dataclass
class _Model:
    """Loads of routes on arcs and shelters, for whole zones sent one way."""

    instance: Instance
    routes: Routes
    limit: Limit
    crowded: Bools

    def __post_init__(self) -> None:
        instance, routes, horizon = self.instance, self.routes, self.limit.horizon_ms
        length = spans(instance, routes, horizon, self.limit.ready).length
        size = instance.units[routes.zone].astype(np.float64)
        self.usable = (length > _SLACK * horizon) | (np.diff(routes.first) == 0)
        rate = size / np.maximum(length, _SLACK * horizon)
        count, owner = len(routes.zone), routes.owner
        cap = np.minimum(instance.cap, float(instance.demand))
        self.arcs = csr_matrix((rate[owner] / cap[routes.arcs], (routes.arcs, owner)), (instance.m, count))
        share = size / instance.places[routes.shelter]
        self.shelters = csr_matrix((share, (routes.shelter, np.arange(count))), (len(instance.shelter), count))
        self.zones = csr_matrix((np.ones(count), (routes.zone, np.arange(count))), (len(instance.zone), count))
        way = before_arcs(instance, routes)[1] / horizon
        self.cost = np.concatenate([_LONG_WAY * size / instance.demand * way, [1.0, _OVERFULL]])
        self.price = _LONG_WAY / instance.demand / horizon

    def rows(self, columns: Int64s) -> csr_matrix:
        """Return the rows that are ≤ their bounds: crowded arcs (less the largest load), shelters (less excess)."""
        rows = np.flatnonzero(self.crowded)
        arcs = hstack([self.arcs[rows][:, columns], csr_matrix(-np.ones((len(rows), 1))), csr_matrix((len(rows), 1))])
        shelters = self.shelters[:, columns]
        none = csr_matrix((shelters.shape[0], 1))
        return vstack([arcs, hstack([shelters, none, csr_matrix(-np.ones((shelters.shape[0], 1)))])]).tocsr()

    def bounds(self) -> Floats:
        """Upper bounds of the rows."""
        return np.concatenate([np.zeros(int(self.crowded.sum())), np.ones(len(self.instance.shelter))])

    def load(self, shares: Floats) -> float:
        """Return the largest load."""
        return float((self.arcs @ shares).max(initial=0.0))

    def grow(self, shares: Floats, load: float) -> bool:
        """Count as crowded what is above a load; say whether anything new was."""
        new = ~self.crowded & (self.arcs @ shares > load * (1 + _TOLERATED))
        self.crowded |= new
        return bool(new.any())


class _Shares(NamedTuple):
    """A solution: the share of its zone on each route, the largest load, and the duals of arcs, shelters and zones."""

    shares: Floats
    load: float
    arcs: Floats
    shelters: Floats
    zones: Floats


def choose_routes(instance: Instance, candidates: Routes, limit: Limit) -> Routes | None:
    """Share every zone among at most so many routes, so that the largest load is as small as possible."""
    sent = np.bincount(candidates.zone, weights=candidates.units, minlength=len(instance.zone))
    if (sent == 0).any():
        return None
    model = _Model(instance, candidates, limit, np.zeros(instance.m, dtype=np.bool_))
    loads = model.arcs @ (candidates.units / sent[candidates.zone])
    model.crowded = loads >= _CROWDED * min(loads.max(initial=0.0), 1.0)
    began = perf_counter()
    found = _relaxed(model)
    took = perf_counter() - began
    for _ in range(_OFFERS):
        if found is None or limit.seconds_left() < _OFFER_TIMES * took:
            break
        offered = _offers(model, found)
        if not offered:
            break
        model = _Model(instance, with_routes(model.routes, offered, len(instance.zone)), limit, model.crowded)
        better = _relaxed(model)
        if better is None or better.load > found.load * (1 - _SLACK / 4):
            found = better or found
            break
        found = better
    if found is None or len(found.shares) != len(model.routes.zone):
        return None
    shares = _few(model, found)
    return model.routes._replace(units=_whole(model.routes, shares * instance.units[model.routes.zone], instance))


def _relaxed(model: _Model) -> _Shares | None:
    """Solve the linear program; arcs come in as they get crowded. None if it has no solution."""
    routes, instance = model.routes, model.instance
    columns = np.flatnonzero(model.usable)
    if len(np.unique(routes.zone[columns])) < len(instance.zone):
        columns = np.arange(len(routes.zone))
    zones = hstack([model.zones[:, columns], csr_matrix((len(instance.zone), 2))])
    cost = np.concatenate([model.cost[:-2][columns], model.cost[-2:]])
    for _ in range(_ROW_ROUNDS):
        upper = model.bounds()
        every = np.ones(len(instance.zone))
        program = linear.ModelBuilderHelper()
        given: tuple[Any, ...] = (
            np.zeros(len(cost)),
            np.full(len(cost), np.inf),
            cost,
            np.concatenate([np.full(len(upper), -np.inf), every]),
            np.concatenate([upper, every]),
            vstack([model.rows(columns), zones]).tocsr(),
        )
        program.fill_model_from_sparse_data(*given)
        solver = linear.ModelSolverHelper("GLOP")
        solver.solve(program)
        if solver.status() != linear.SolveStatus.OPTIMAL:
            return None
        values, duals = np.asarray(solver.variable_values()), np.asarray(solver.dual_values())
        shares = np.zeros(len(routes.zone))
        shares[columns] = np.where(values[:-2] > _NONE, values[:-2], 0.0)
        crowded = np.flatnonzero(model.crowded)
        if not model.grow(shares, float(values[-2])):
            break
    arcs = np.zeros(instance.m)
    arcs[crowded] = np.maximum(-duals[: len(crowded)], 0.0)
    shelters = np.maximum(-duals[len(crowded) : len(upper)], 0.0)
    return _Shares(shares, model.load(shares), arcs, shelters, duals[len(upper) :])


def _offers(model: _Model, found: _Shares) -> list[tuple[int, int, Int64s]]:
    """Return the routes, cheapest at the prices of the loads, that would make the largest load smaller."""
    instance, horizon = model.instance, model.limit.horizon_ms
    cap = np.minimum(instance.cap, float(instance.demand))
    longer = (found.load + _LONG_WAY) / instance.demand / horizon  # a longer way leaves less time to leave
    price = found.arcs / cap / horizon + longer * instance.tau
    offers = cheapest_routes(instance, price, found.shelters / instance.places)
    known = {(int(zone), model.routes.row(i).tobytes()) for i, zone in enumerate(model.routes.zone.tolist())}
    better = []
    for zone, shelter, arcs in offers:
        length = float(instance.tau[arcs].sum())
        size = float(instance.units[zone])
        cost = size / max(horizon - length, 1.0) * float((found.arcs[arcs] / cap[arcs]).sum())
        cost += size * (float(found.shelters[shelter]) / float(instance.places[shelter]) + model.price * length)
        if cost < found.zones[zone] - _NONE and (zone, arcs.tobytes()) not in known:
            better.append((zone, shelter, arcs))
    return better


def _few(model: _Model, found: _Shares) -> Floats:
    """Return shares that use at most so many routes of each zone."""
    routes, most = model.routes, model.limit.most
    zones = len(model.instance.zone)
    best = _largest(routes, found.shares, most)
    over = np.bincount(routes.zone[found.shares > 0], minlength=zones) > most
    if not over.any():
        return found.shares
    shares, free = found.shares, over
    for around in (0, *_AROUND):
        if model.load(best) <= found.load * _ENOUGH and around:
            break
        if around:
            free = over | _near_tight(model, best, around)
            shares = best
        limit_s = min(_MIP_S, model.limit.seconds_left() / 2)
        if limit_s <= _LEAST_MIP_S:
            break
        moving = np.ones(zones, dtype=np.bool_) if zones <= _MANY_ZONES else _near_tight(model, best, _MOVING)
        kept = (shares > 0) | free[routes.zone] | moving[routes.zone] & (_ranks(routes, shares) < most)
        settled = _settled(model, kept, free, limit_s)
        if settled is not None and model.load(settled) < model.load(best):
            best = settled
    return best


def _ranks(routes: Routes, shares: Floats) -> Int64s:
    """Return the rank of each route in its zone, the largest share first."""
    order = np.lexsort((-shares, routes.zone))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - routes.zone_first[routes.zone[order]]
    return rank


def _largest(routes: Routes, shares: Floats, most: int) -> Floats:
    """Return the zones on the largest of their shares."""
    kept = np.where(_ranks(routes, shares) < most, shares, 0.0)
    return kept / np.bincount(routes.zone, weights=kept, minlength=len(routes.zone_first) - 1)[routes.zone]


def _near_tight(model: _Model, shares: Floats, count: int) -> Bools:
    """Return so many zones that load the tightest arcs most."""
    loads = model.arcs @ shares
    tight = loads >= loads.max() * 0.97
    weight = np.asarray(model.arcs[np.flatnonzero(tight)].sum(axis=0)).ravel() * shares
    per_zone = np.bincount(model.routes.zone, weights=weight, minlength=len(model.instance.zone))
    near = np.zeros(len(per_zone), dtype=np.bool_)
    near[np.argsort(-per_zone, kind="stable")[:count]] = True
    return near


def _settled(model: _Model, kept: Bools, free: Bools, limit_s: float) -> Floats | None:
    """Solve the mixed-integer program: free zones choose among all their routes, others share their largest."""
    routes, zones = model.routes, len(model.instance.zone)
    columns = np.flatnonzero(kept & model.usable)
    chosen = np.flatnonzero(free[routes.zone[columns]])
    count, picks, rows = len(columns), len(chosen), np.flatnonzero(free)
    ones = np.ones(picks)
    choose = csr_matrix((ones, (np.arange(picks), chosen)), (picks, count + 2))
    choose = hstack([choose, -csr_matrix(np.diag(ones))]).tocsr()
    number = csr_matrix((ones, (routes.zone[columns[chosen]], np.arange(picks))), (zones, picks))[rows]
    number = hstack([csr_matrix((len(rows), count + 2)), number]).tocsr()
    whole = hstack([model.zones[:, columns], csr_matrix((zones, 2 + picks))]).tocsr()
    cost = np.concatenate([np.zeros(count), model.cost[-2:], np.zeros(picks)])
    high = np.concatenate([np.ones(count), [np.inf, np.inf], ones])
    shares: Floats | None = None
    until = perf_counter() + limit_s
    while (left := until - perf_counter()) > 0:
        limited = model.rows(columns)
        none = csr_matrix((limited.shape[0], picks))
        found = milp(
            cost,
            constraints=[
                LinearConstraint(hstack([limited, none]).tocsr(), -np.inf, model.bounds()),
                LinearConstraint(whole, 1, 1),
                LinearConstraint(choose, -np.inf, 0),
                LinearConstraint(number, -np.inf, model.limit.most),
            ],
            integrality=np.concatenate([np.zeros(count + 2), ones]),
            bounds=Bounds(np.zeros(len(cost)), high),
            options={"time_limit": left, "mip_rel_gap": _SLACK},
        )
        if found.x is None:
            break
        values = np.maximum(found.x[:count], 0.0)
        values[chosen[found.x[count + 2 :] < 0.5]] = 0.0
        shares = np.zeros(len(routes.zone))
        shares[columns] = values
        shares = _largest(routes, shares, model.limit.most)
        if not model.grow(shares, float(found.x[count])):
            break
    return shares


def _within_places(instance: Instance, routes: Routes) -> Int64s | None:
    """Shift as few units as needed between the routes of zones to overfill no shelter; None if that fails."""
    zones, shelters = len(instance.zone), len(instance.shelter)
    full = np.bincount(routes.shelter, weights=routes.units, minlength=shelters)
    if not (full > instance.places).any():
        return routes.units
    live = np.flatnonzero(routes.units > 0)
    total = instance.demand
    gate, sink = zones + routes.shelter[live], zones + shelters
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([routes.zone[live], routes.zone[live], zones + np.arange(shelters)]),
        np.concatenate([gate, gate, np.full(shelters, sink)]),
        np.concatenate([routes.units[live], np.full(len(live), total), instance.places]),
        np.concatenate([np.zeros(len(live)), np.ones(len(live)), np.zeros(shelters)]).astype(np.int64),
    )
    solver.set_nodes_supplies(np.arange(zones), instance.units)
    solver.set_nodes_supplies(np.array([sink]), np.array([-total]))
    if solver.solve() != solver.OPTIMAL:
        return None
    flow = np.asarray(solver.flows(arcs), dtype=np.int64)
    units = np.zeros(len(routes.zone), dtype=np.int64)
    units[live] = flow[: len(live)] + flow[len(live) : 2 * len(live)]
    return units


def _whole(routes: Routes, units: Floats, instance: Instance) -> Int64s:
    """Round units down and give what is left of each zone to its largest route."""
    whole = np.floor(units + 1e-6).astype(np.int64)
    rest = instance.units - np.bincount(routes.zone, weights=whole, minlength=len(instance.zone)).astype(np.int64)
    order = np.lexsort((-units, routes.zone))
    largest = order[np.searchsorted(routes.zone[order], np.arange(len(instance.zone)))]
    whole[largest] += rest
    return whole
