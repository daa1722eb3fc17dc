"""Shares of zones on routes: what they load on roads and shelters, and the linear program that makes that least."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from ortools.linear_solver.python import model_builder_helper as linear
from scipy.sparse import csr_matrix, hstack, vstack

from gridgov.evacuation.departures import Routes, before_arcs, made_routes, spans
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.mobilisation import Curve
from gridgov.evacuation.route_candidates import cheapest_routes
from gridgov.network.validation import Floats, Int64s

_ROW_ROUNDS = 12
_TOLERATED = 0.003
_SLACK = 1e-3
_LONG_WAY = 1e-3
OVERFULL = 100.0
_NONE = 1e-9


class Limit(NamedTuple):
    """What routes are chosen for: at most so many for each zone, near a horizon (ms), until it is time to stop."""

    most: int
    horizon_ms: float
    seconds_left: Callable[[], float]
    ready: Curve | None = None


@dataclass
class RouteModel:
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
        self.cost = np.concatenate([_LONG_WAY * size / instance.demand * way, [1.0, OVERFULL]])
        self.price = _LONG_WAY / instance.demand / horizon

    def barring(self, usable: Bools) -> RouteModel:
        """Return the same model with other routes usable; both learn which arcs are crowded."""
        other = copy(self)
        other.usable = usable
        return other

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

    def badness(self, shares: Floats) -> float:
        """Return the largest load, and much more where a shelter is overfull."""
        return self.load(shares) + OVERFULL * max(float((self.shelters @ shares).max(initial=0.0)) - 1.0 - _NONE, 0.0)

    def grow(self, shares: Floats, load: float) -> bool:
        """Count as crowded what is above a load; say whether anything new was."""
        new = ~self.crowded & (self.arcs @ shares > load * (1 + _TOLERATED))
        self.crowded |= new  # in place: copies share it
        return bool(new.any())


class Shares(NamedTuple):
    """A solution: the share of its zone on each route, the largest load, and the duals of arcs, shelters and zones."""

    shares: Floats
    load: float
    arcs: Floats
    shelters: Floats
    zones: Floats


def relaxed(model: RouteModel) -> Shares | None:
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
        solver = _solved(
            np.zeros(len(cost)),
            np.full(len(cost), np.inf),
            cost,
            np.concatenate([np.full(len(upper), -np.inf), every]),
            np.concatenate([upper, every]),
            vstack([model.rows(columns), zones]).tocsr(),
        )
        if solver is None:
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
    return Shares(shares, model.load(shares), arcs, shelters, duals[len(upper) :])


def _solved(*given: Any) -> Any:
    """Solve a linear program; None if it has no solution.

    GLOP scales a program first. With thousands of zones on nearly equal routes it may then get lost, but not without.
    """
    program = linear.ModelBuilderHelper()
    program.fill_model_from_sparse_data(*given)
    for how in ("", "use_scaling:false"):
        solver = linear.ModelSolverHelper("GLOP")
        solver.set_solver_specific_parameters(how)
        solver.solve(program)
        if solver.status() == linear.SolveStatus.OPTIMAL:
            return solver
    return None


def cheapest_of_each(model: RouteModel, found: Shares, count: int) -> tuple[RouteModel, Shares]:
    """Return the model with the routes in use and so many of each zone that would be the next ones."""
    routes, zones = model.routes, len(model.instance.zone)
    loads = model.arcs.T @ found.arcs + model.shelters.T @ found.shelters
    dear = model.cost[:-2] + loads - found.zones[routes.zone]
    dear[found.shares > _NONE] = -1.0
    order = np.lexsort((dear, routes.zone))
    kept = np.zeros(len(dear), dtype=np.bool_)
    kept[order] = np.arange(len(order)) - routes.zone_first[routes.zone[order]] < count
    kept |= found.shares > _NONE
    live = np.flatnonzero(kept)
    rows = [routes.row(i) for i in live.tolist()]
    fewer = made_routes(zones, routes.zone[live], routes.shelter[live], routes.units[live], rows)
    smaller = RouteModel(model.instance, fewer, model.limit, model.crowded)
    return smaller, found._replace(shares=found.shares[live])


def prices(model: RouteModel, found: Shares) -> Floats:
    """Return what the loads and the length of each arc cost a unit that takes it."""
    instance, horizon = model.instance, model.limit.horizon_ms
    cap = np.minimum(instance.cap, float(instance.demand))
    longer = (found.load + _LONG_WAY) / instance.demand / horizon  # a longer way leaves less time to leave
    return np.asarray(found.arcs / cap / horizon + longer * instance.tau, dtype=np.float64)


def unknown(model: RouteModel, new: list[tuple[int, int, Int64s]]) -> list[tuple[int, int, Int64s]]:
    """Return those of some routes that the model does not have, each once."""
    routes = model.routes
    known = {
        (zone, shelter, routes.row(i).tobytes())
        for i, (zone, shelter) in enumerate(zip(routes.zone.tolist(), routes.shelter.tolist(), strict=True))
    }
    found = []
    for zone, shelter, arcs in new:
        key = (zone, shelter, arcs.tobytes())
        if key not in known:
            known.add(key)
            found.append((zone, shelter, arcs))
    return found


def offers(model: RouteModel, found: Shares) -> list[tuple[int, int, Int64s]]:
    """Return the routes, cheapest at the prices of the loads, that would make the largest load smaller."""
    instance, horizon = model.instance, model.limit.horizon_ms
    cap = np.minimum(instance.cap, float(instance.demand))
    better = []
    for zone, shelter, arcs in cheapest_routes(instance, prices(model, found), found.shelters / instance.places):
        length = float(instance.tau[arcs].sum())
        size = float(instance.units[zone])
        cost = size / max(horizon - length, 1.0) * float((found.arcs[arcs] / cap[arcs]).sum())
        cost += size * (float(found.shelters[shelter]) / float(instance.places[shelter]) + model.price * length)
        if cost < found.zones[zone] - _NONE:
            better.append((zone, shelter, arcs))
    return unknown(model, better)
