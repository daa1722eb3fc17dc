"""Shares of zones on routes: what they load on roads and shelters, and the linear program that makes that least."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from ortools.linear_solver.python import model_builder_helper as linear
from scipy.sparse import csr_matrix, hstack, vstack

from gridgov.evacuation.departures import Routes, Spans, before_arcs, made_routes, spans
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.mobilisation import Curve
from gridgov.evacuation.route_candidates import Offer, cheapest_routes, some_routes
from gridgov.evacuation.steady import shelter_distance
from gridgov.network.validation import Floats, Int64s

_ROW_ROUNDS = 12
_TOLERATED = 0.003
_SLACK = 1e-3
_SHORT = 0.01  # of the horizon: windows that end early are longer, so that a shorter horizon leaves something of them
_ROUNDING_MS = 0.5
_LONG_WAY = 1e-3
OVERFULL = 100.0
_NONE = 1e-9


class Limit(NamedTuple):
    """What routes are chosen for: at most so many for each zone, near a horizon (ms), until it is time to stop.

    `patient`: this is the last try, so what takes longer is worth it. `ends` are the shares of the horizon after which
    the last on a route may be safe, the last of them 1.
    """

    most: int
    horizon_ms: float
    seconds_left: Callable[[], float]
    ready: Curve | None = None
    ends: tuple[float, ...] = (1.0,)
    patient: bool = False


@dataclass
class RouteModel:
    """Loads of routes on arcs and shelters, for whole zones sent one way.

    With more than one end, the load of an arc is looked at in as many intervals, which end when those are through who
    go to the nearest shelter by one of the ends; row ``k·m + a`` is arc a in interval k. A route loads each interval
    that it touches with its full rate, so the largest load is never less than it seems.
    """

    instance: Instance
    routes: Routes
    limit: Limit
    crowded: Bools

    def __post_init__(self) -> None:
        instance, routes, horizon = self.instance, self.routes, self.limit.horizon_ms
        window = spans(instance, routes, horizon, self.limit.ready)
        length = window.length
        size = instance.units[routes.zone].astype(np.float64)
        self.usable = (length > np.where(routes.until < 1, _SHORT, _SLACK) * horizon) | (np.diff(routes.first) == 0)
        rate = size / np.maximum(length, _SLACK * horizon)
        count = len(routes.zone)
        cap = np.minimum(instance.cap, float(instance.demand))
        entry, interval = self._touched(window)
        owner, arcs = routes.owner[entry], routes.arcs[entry]
        shape = (len(self.limit.ends) * instance.m, count)
        self.arcs = csr_matrix((rate[owner] / cap[arcs], (interval * instance.m + arcs, owner)), shape)
        share = size / instance.places[routes.shelter]
        self.shelters = csr_matrix((share, (routes.shelter, np.arange(count))), (len(instance.shelter), count))
        self.zones = csr_matrix((np.ones(count), (routes.zone, np.arange(count))), (len(instance.zone), count))
        way = before_arcs(instance, routes)[1] / horizon
        self.cost = np.concatenate([_LONG_WAY * size / instance.demand * way, [1.0, OVERFULL]])
        self.price = _LONG_WAY / instance.demand / horizon

    def _touched(self, window: Spans) -> tuple[Int64s, Int64s]:
        """Return each entry of the routes' arcs with each interval in which somebody passes there."""
        instance, routes, ends = self.instance, self.routes, self.limit.ends
        entries = np.arange(len(routes.arcs))
        if len(ends) == 1:
            return entries, np.zeros(len(entries), dtype=np.int64)
        before, owner = before_arcs(instance, routes)[0], routes.owner
        away = shelter_distance(instance)[instance.tail[routes.arcs]]
        begin, stop = (side[owner] + before + away for side in (window.start, window.end))
        first, last = np.zeros((2, len(entries)), dtype=np.int64)
        for end in ends[:-1]:
            moment = end * self.limit.horizon_ms
            first += begin >= moment
            last += stop > moment + _ROUNDING_MS
        last = np.maximum(first, last)
        pairs = [(entries[(first <= k) & (k <= last)], k) for k in range(len(ends))]
        interval = np.concatenate([np.full(len(rows), k, dtype=np.int64) for rows, k in pairs])
        return np.concatenate([rows for rows, _ in pairs]), interval

    def gain(self, found: Shares) -> Floats:
        """Return what each route costs at the prices of a solution, less what its zone pays: negative is a gain."""
        loads = self.arcs.T @ found.arcs + self.shelters.T @ found.shelters
        return np.asarray(self.cost[:-2] + loads - found.zones[self.routes.zone], dtype=np.float64)

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
    arcs = np.zeros(len(model.crowded))
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
    routes = model.routes
    dear = model.gain(found)
    dear[found.shares > _NONE] = -1.0
    order = np.lexsort((dear, routes.zone))
    kept = np.zeros(len(dear), dtype=np.bool_)
    kept[order] = np.arange(len(order)) - routes.zone_first[routes.zone[order]] < count
    kept |= found.shares > _NONE
    live = np.flatnonzero(kept)
    smaller = RouteModel(model.instance, some_routes(routes, live), model.limit, model.crowded)
    return smaller, found._replace(shares=found.shares[live])


def prices(model: RouteModel, found: Shares, first: int = 0, last: int | None = None) -> Floats:
    """Return what the loads and the length of each arc cost a unit that takes it, from an interval to another one."""
    instance, horizon = model.instance, model.limit.horizon_ms
    cap = np.minimum(instance.cap, float(instance.demand))
    longer = (found.load + _LONG_WAY) / instance.demand / horizon  # a longer way leaves less time to leave
    loads = found.arcs.reshape(-1, instance.m)[first:last].sum(axis=0)
    return np.asarray(loads / cap / horizon + longer * instance.tau, dtype=np.float64)


def unknown(model: RouteModel, new: list[Offer]) -> list[Offer]:
    """Return those of some routes that the model does not have, each once."""
    routes = model.routes
    known = {
        (int(routes.zone[i]), int(routes.shelter[i]), routes.row(i).tobytes(), float(routes.until[i]))
        for i in range(len(routes.zone))
    }
    found = []
    for row in new:
        key = (row.zone, row.shelter, row.arcs.tobytes(), row.until)
        if key not in known:
            known.add(key)
            found.append(row)
    return found


def offers(model: RouteModel, found: Shares) -> list[Offer]:
    """Return the routes, cheapest at the prices of the loads, that would make the largest load smaller."""
    instance, limit = model.instance, model.limit
    entry = found.shelters / instance.places
    away = shelter_distance(instance)[instance.zone_node] if len(limit.ends) > 1 else np.zeros(len(instance.zone))
    begin = np.searchsorted(np.array(limit.ends[:-1]) * limit.horizon_ms, away, side="right")
    new: list[Offer] = []
    for last, end in enumerate(limit.ends):
        for first in range(last + 1):
            zones = np.flatnonzero(begin == first).tolist()
            cheapest = cheapest_routes(instance, prices(model, found, first, last + 1), entry, zones) if zones else []
            new += [offer._replace(until=end) for offer in cheapest]
    new = sorted(unknown(model, new), key=lambda offer: offer.zone)
    if not new:
        return []
    zone, shelter = (np.array([row[i] for row in new], dtype=np.int64) for i in (0, 1))
    until = np.array([row.until for row in new])
    rows = made_routes(len(instance.zone), zone, shelter, instance.units[zone], [row.arcs for row in new], until)
    tried = RouteModel(instance, rows, limit, model.crowded)
    better = tried.usable & (tried.gain(found) < -_NONE)
    return [new[i] for i in np.flatnonzero(better).tolist()]
