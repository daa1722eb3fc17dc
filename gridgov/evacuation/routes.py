"""Few routes per zone: which routes are kept, and how each zone is shared among them.

A route that is left for at a constant rate, so that its last vehicle is safe at the horizon, loads its arcs with
units / (horizon − length); the largest load over capacity is to be least. Without a limit that is a linear program,
solved over the routes of the unlimited plan and those that its prices offer (column generation). A vertex of it uses
hardly more routes than zones (Kolliopoulos and Stein 2002 for flows that cannot be split); the few zones with more are
settled by `few_routes.py`. Where shelters are so small or so full that no zone can keep the limit and everybody has a
place, single zones get more routes.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
from ortools.graph.python import min_cost_flow

from gridgov.evacuation.departures import Routes, before_arcs, shortest_windows
from gridgov.evacuation.few_routes import few
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.route_candidates import (
    Offer,
    candidate_routes,
    roomy_routes,
    shortest_routes,
    staggered,
    with_routes,
)
from gridgov.evacuation.route_shares import (
    Limit,
    RouteModel,
    Shares,
    cheapest_of_each,
    offers,
    prices,
    relaxed,
    unknown,
)
from gridgov.evacuation.schedule import Schedule
from gridgov.evacuation.windows import Windows
from gridgov.network.validation import Floats, Int64s

_OFFERS = 12
_OFFER_TIMES = 5.0  # so many times what a linear program took must be left for another one
_CROWDED = 0.8
_SLACK = 1e-3
_AGAIN = 0.01
_ROUNDS = 7
_STAGGERED = 1.02  # of the plan without a limit: where more is lost, routes may end earlier, each at its own time
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
_FEW_ZONES = 400
_TOWARDS = (0.5, 0.3)  # the plan without a limit: where it is tried next
_STAGGERING_S = 1.0
_LONGER = 1.004  # then its square, and so on
_MANY_ZONES = 1_500  # routes that are not among the cheapest of their zones are let go
_MOST_PINCHED = 200
_ANOTHER_ROUTE = 50


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
    best, candidates = _nearer(instance, candidates, limit, None)
    if best is None or not limit.patient or len(instance.zone) > _FEW_ZONES:
        return best
    ends = _usual_ends(instance, candidates, _ends(instance, best))
    candidates = staggered(candidates, ends)
    for part in _TOWARDS:
        before = _ends(instance, best)
        if before < limit.horizon_ms * _STAGGERED or limit.seconds_left() < _STAGGERING_S:
            break
        nearer = limit._replace(horizon_ms=before - part * (before - limit.horizon_ms), ends=ends)
        best, candidates = _nearer(instance, candidates, nearer, best)
        if best is None or _ends(instance, best) > before * (1 - _SLACK):
            break
    return best


def _usual_ends(instance: Instance, routes: Routes, horizon_ms: float) -> tuple[float, ...]:
    """Return shares of the horizon: the lengths of routes that as many people are on, and the horizon itself."""
    length = before_arcs(instance, routes)[1]
    order = np.argsort(length, kind="stable")
    moved = np.cumsum(routes.units[order]) / max(routes.units.sum(), 1)
    rows = order[np.searchsorted(moved, _QUANTILES)]
    ends = np.unique(np.round(length[rows] / horizon_ms, 3))
    return (*ends[(ends > 2 * _AGAIN) & (ends < 1 - _AGAIN)].tolist(), 1.0)


def _ends(instance: Instance, schedule: Schedule) -> float:
    """Return when the last are safe."""
    return float((schedule.end_ms + schedule.travel_ms(_edge_ms(instance))).max(initial=0))


def _nearer(
    instance: Instance, candidates: Routes, limit: Limit, best: Schedule | None
) -> tuple[Schedule | None, Routes]:
    """Choose routes for a horizon, then for the one that they need, and so on; return the best schedule, candidates."""
    least, longer = np.inf if best is None else _ends(instance, best), _LONGER
    horizon = limit.horizon_ms
    for _ in range(_ROUNDS):
        began = perf_counter()
        chosen = choose_routes(instance, candidates, limit._replace(horizon_ms=horizon))
        if chosen is None:
            return best, candidates
        candidates = chosen
        found = shortest_windows(instance, chosen, horizon, limit.ready)
        took = perf_counter() - began
        if found is None and best is None and limit.seconds_left() > took:
            horizon *= longer  # roads that close let no more through, but others do
            longer = longer**2
            continue
        if found is None:
            return best, candidates
        ends = _ends(instance, found)
        if best is not None and ends >= least:
            return best, candidates
        best, least = found, ends
        if abs(ends / horizon - 1) < _AGAIN or limit.seconds_left() < 2 * took:
            return best, candidates
        horizon = ends  # loads depend on the horizon: once more, nearer to it
    return best, candidates


def _edge_ms(instance: Instance) -> Int64s:
    """Return the travel time of each original edge."""
    times = np.zeros(int(instance.chain.max(initial=-1)) + 1, dtype=np.int64)
    times[instance.chain] = instance.edge_ms
    return times


def choose_routes(instance: Instance, candidates: Routes, limit: Limit) -> Routes | None:
    """Share every zone among at most so many routes, so that the largest load is as small as possible.

    Routes that are not kept come along without units, as candidates for another time.
    """
    sent = np.bincount(candidates.zone, weights=candidates.units, minlength=len(instance.zone))
    if (sent == 0).any():
        return None
    model = RouteModel(instance, candidates, limit, np.zeros(len(limit.ends) * instance.m, dtype=np.bool_))
    loads = model.arcs @ (candidates.units / sent[candidates.zone])
    model.crowded = loads >= _CROWDED * min(loads.max(initial=0.0), 1.0)
    began = perf_counter()
    found = relaxed(model)
    took = perf_counter() - began
    for _ in range(_OFFERS):
        if found is None or limit.seconds_left() < _OFFER_TIMES * took:
            break
        model, better = _offered(model, found, offers(model, found))
        if better is None or better.load > found.load * (1 - _SLACK / 4):
            found = better or found
            break
        found = better
    if found is None:
        return None
    if len(instance.zone) > _MANY_ZONES or len(limit.ends) > 1:
        model, found = cheapest_of_each(model, found, limit.most * len(limit.ends))
    if len(pinched := _pinched(model, found)):
        new = roomy_routes(instance, prices(model, found), pinched, limit.most)
        model, better = _offered(model, found, unknown(model, new))
        found = better or found
    shares = few(model, found)
    units = _whole(model.routes, shares * instance.units[model.routes.zone], instance)
    return _within_places(instance, model.routes._replace(units=units), model.usable)


def _offered(model: RouteModel, found: Shares, new: list[Offer]) -> tuple[RouteModel, Shares | None]:
    """Return the model with more routes and its shares; None, and the same model, if nothing comes of it."""
    if not new:
        return model, None
    routes = with_routes(model.routes, new, len(model.instance.zone))
    larger = RouteModel(model.instance, routes, model.limit, model.crowded)
    better = relaxed(larger)
    return (model, None) if better is None else (larger, better)


def _pinched(model: RouteModel, found: Shares) -> Int64s:
    """Return zones on too many routes that have more people than their nearest shelters have places."""
    routes, instance, most = model.routes, model.instance, model.limit.most
    used = found.shares > _SLACK / 1000
    over = np.bincount(routes.zone[used], minlength=len(instance.zone)) > most
    least = np.full(len(over), np.iinfo(np.int64).max)
    np.minimum.at(least, routes.zone[used], instance.places[routes.shelter[used]])
    return np.flatnonzero(over & (least * most < instance.units))[:_MOST_PINCHED]


def _within_places(instance: Instance, routes: Routes, usable: Bools) -> Routes | None:
    """Shift as few units as needed between the routes of zones to overfill no shelter.

    Where that cannot be, zones get more routes; None if not even that helps.
    """
    full = np.bincount(routes.shelter, weights=routes.units, minlength=len(instance.shelter))
    if not (full > instance.places).any():
        return routes
    for offered in (routes.units > 0, (routes.units > 0) | usable):
        units = _shifted(instance, routes, np.flatnonzero(offered))
        if units is not None:
            return routes._replace(units=units)
    return None


def _shifted(instance: Instance, routes: Routes, live: Int64s) -> Int64s | None:
    """Return units on some of the routes that overfill no shelter and change little; None if there are none."""
    zones, shelters, total = len(instance.zone), len(instance.shelter), instance.demand
    gate, sink = zones + routes.shelter[live], zones + shelters
    dear = np.where(routes.units[live] > 0, 1, _ANOTHER_ROUTE)
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([routes.zone[live], routes.zone[live], zones + np.arange(shelters)]),
        np.concatenate([gate, gate, np.full(shelters, sink)]),
        np.concatenate([routes.units[live], np.full(len(live), total), instance.places]),
        np.concatenate([np.zeros(len(live)), dear, np.zeros(shelters)]).astype(np.int64),
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
