"""Few routes per zone: which of the routes of an unlimited plan are kept, how the zone is shared among them, and when.

Routes are chosen by local search on the loads they put on arcs, measured against what the unlimited plan has time for;
then every route fills the earliest windows that its arcs have left, those that need longest first. Whoever ends last
comes earlier in the next round (squeaky wheel optimisation, Joslin and Clements 1999).
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: PLR0917
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from ortools.graph.python import min_cost_flow
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gridgov.evacuation.certificate import least_of_parallel
from gridgov.evacuation.instance import Instance
from gridgov.evacuation.windows import Windows
from gridgov.network.compiling import compiled
from gridgov.network.validation import Floats, Int64s

_CANDIDATES = 10
_PASSES = 12
_ROUNDS = 40
_LONGER = 2.0
_OFFERS = 12
_FULL = 0.999
_FEEDBACKS = 15


class Routes(NamedTuple):
    """Routes with their zone, shelter and units; arcs of route i are ``arcs[first[i]:first[i + 1]]``.

    Routes of a zone stand together: those of zone z are ``zone_first[z]`` … ``zone_first[z + 1]``.
    """

    zone: Int64s
    shelter: Int64s
    units: Int64s
    first: Int64s
    arcs: Int64s
    zone_first: Int64s


def candidate_routes(windows: Windows) -> Routes:
    """Return the routes that an unlimited plan uses most, zone by zone; they share all units of the zone."""
    found: dict[tuple[int, int, bytes], int] = {}
    rows: list[Int64s] = []
    for i in range(len(windows.zone)):
        arcs = windows.arcs[windows.first[i] : windows.first[i + 1]]
        key = (int(windows.zone[i]), int(windows.shelter[i]), arcs.tobytes())
        if key not in found:
            rows.append(arcs)
        found[key] = found.get(key, 0) + int(windows.units[i])
    zone = np.array([key[0] for key in found], dtype=np.int64)
    shelter = np.array([key[1] for key in found], dtype=np.int64)
    units = np.array(list(found.values()), dtype=np.int64)
    order = np.lexsort((-units, zone))
    rank = np.arange(len(order)) - np.searchsorted(zone[order], zone[order])
    order = order[rank < _CANDIDATES]
    return _routes(windows.instance, zone[order], shelter[order], units[order], [rows[i] for i in order])


def _routes(instance: Instance, zone: Int64s, shelter: Int64s, units: Int64s, rows: list[Int64s]) -> Routes:
    first = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    arcs = np.concatenate([np.zeros(0, dtype=np.int64), *rows]).astype(np.int64)
    zone_first = np.searchsorted(zone, np.arange(len(instance.zone) + 1)).astype(np.int64)
    return Routes(zone, shelter, units, first, arcs, zone_first)


def choose_routes(instance: Instance, candidates: Routes, budget: Floats, most: int) -> Routes:
    """Keep at most so many routes of each zone, so that arcs and shelters are loaded as evenly as possible.

    Between passes every zone is offered the route that is cheapest at the prices of the loads so far.
    """
    places = instance.places.astype(np.float64)
    units = candidates.units.astype(np.float64)
    rank = np.arange(len(units)) - candidates.zone_first[candidates.zone]
    units[rank >= most] = 0.0
    sent = np.bincount(candidates.zone, weights=units, minlength=len(instance.zone))
    units *= (instance.units / np.maximum(sent, 1e-9))[candidates.zone]
    for _ in range(_OFFERS):
        _share(*candidates, units, budget, places, most, _PASSES)
        larger, units = _offered(instance, candidates, units, budget)
        if len(larger.zone) == len(candidates.zone):
            break
        candidates = larger
    _share(*candidates, units, budget, places, most, _PASSES)
    return candidates._replace(units=_whole(candidates, units, instance))


def _offered(instance: Instance, routes: Routes, units: Floats, budget: Floats) -> tuple[Routes, Floats]:
    """Return the routes with the cheapest one of each zone added, and their units (none for what is new)."""
    owner = np.repeat(np.arange(len(routes.zone)), np.diff(routes.first))
    load = np.bincount(routes.arcs, weights=units[owner], minlength=instance.m) / budget
    full = np.bincount(routes.shelter, weights=units, minlength=len(instance.shelter)) / instance.places
    price = load**11 / budget + 1e-12 * instance.tau
    price /= price.mean()
    found = _cheapest(instance, price, np.where(full > _FULL, 1e9, 0.0))
    known = {
        (int(routes.zone[i]), routes.arcs[routes.first[i] : routes.first[i + 1]].tobytes())
        for i in range(len(routes.zone))
    }
    new = [(z, shelter, arcs) for z, shelter, arcs in found if (z, arcs.tobytes()) not in known]
    rows = [routes.arcs[routes.first[i] : routes.first[i + 1]] for i in range(len(routes.zone))]
    rows += [arcs for _, _, arcs in new]
    zone = np.concatenate([routes.zone, np.array([z for z, _, _ in new], dtype=np.int64)])
    shelter = np.concatenate([routes.shelter, np.array([shelter for _, shelter, _ in new], dtype=np.int64)])
    shares = np.concatenate([units, np.zeros(len(new))])
    order = np.argsort(zone, kind="stable")
    larger = _routes(instance, zone[order], shelter[order], shares[order].astype(np.int64), [rows[i] for i in order])
    return larger, shares[order]


def _cheapest(instance: Instance, price: Floats, entry: Floats) -> list[tuple[int, int, Int64s]]:
    """Return zone, shelter and arcs of the cheapest route of every zone; `entry` is the price of each shelter."""
    n, m = instance.n, instance.m
    tail = np.concatenate([instance.head, np.full(len(entry), n)])
    head = np.concatenate([instance.tail, instance.shelter_node])
    weight = np.concatenate([price, entry + 1e-9])
    order = np.lexsort((weight, head, tail))
    kept = order[np.concatenate([[True], np.diff(tail[order] * (n + 1) + head[order]) != 0])]
    graph = csr_matrix((weight[kept], (tail[kept], head[kept])), shape=(n + 1, n + 1))
    distance, before = dijkstra(graph, indices=n, return_predecessors=True)
    arc_of = dict(zip((tail[kept] * (n + 1) + head[kept]).tolist(), kept.tolist(), strict=True))
    found = []
    for zone, start in enumerate(instance.zone_node.tolist()):
        if not np.isfinite(distance[start]):
            continue
        node, arcs = start, []
        while (arc := arc_of[int(before[node]) * (n + 1) + node]) < m:
            arcs.append(arc)
            node = int(before[node])
        found.append((zone, arc - m, np.array(arcs, dtype=np.int64)))
    return found


def limit_routes(windows: Windows, most: int, stop: Callable[[], bool]) -> Windows | None:
    """Return windows with at most so many routes for each zone; None if that does not move everybody.

    Where arcs are busy for longer than they may be, they count as narrower in the next round; the best round is kept.
    """
    instance = windows.instance
    budget = _budgets(instance, windows)
    candidates = candidate_routes(windows)
    leave = _distance(instance.n, instance.head, instance.tail, instance.tau, instance.shelter_node)[instance.head]
    wanted = _ends_ms(windows, leave).max(initial=0.0)
    best: tuple[float, Windows] | None = None
    for _ in range(_FEEDBACKS):
        chosen = choose_routes(instance, candidates, budget, most)
        within = _within_places(instance, chosen)
        if within is None:
            return best[1] if best else None
        filled = fill_windows(windows, chosen._replace(units=within), stop)
        if int(filled.units.sum()) == instance.demand:
            ends = _ends_ms(filled, leave)
            last = float(ends.max(initial=0.0))
            best = (last, filled) if best is None or last < best[0] else best
            if last <= wanted or not len(filled.arcs):
                break
            budget *= np.minimum(1.0, (wanted / np.maximum(ends, 1.0)) ** 2)
        if stop():
            break
    return best[1] if best else None


def _ends_ms(windows: Windows, leave_ms: Floats) -> Floats:
    """Return for each arc when the last of those on it could be safe; 0 where nobody goes."""
    tau = windows.instance.tau[windows.arcs]
    moment = (windows.steps + 1) * windows.step_ms - windows.clock[windows.instance.tail[windows.arcs]]
    ends = np.zeros(windows.instance.m)
    np.maximum.at(ends, windows.arcs, moment + tau + leave_ms[windows.arcs])
    return ends


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


def _budgets(instance: Instance, windows: Windows) -> Floats:
    """Return how many units each arc could carry from when people can reach it until it is too late for a shelter."""
    horizon = float((windows.steps.max(initial=0) + 1) * windows.step_ms)
    reach = _distance(instance.n, instance.tail, instance.head, instance.tau, instance.zone_node)
    leave = _distance(instance.n, instance.head, instance.tail, instance.tau, instance.shelter_node)
    open_ms = np.minimum(horizon - leave[instance.head], instance.last_entry) - reach[instance.tail] - instance.tau
    cap = np.minimum(instance.cap, float(instance.demand))
    return np.asarray(cap * np.maximum(open_ms, windows.step_ms), dtype=np.float64)


def _distance(n: int, tail: Int64s, head: Int64s, tau: Int64s, roots: Int64s) -> Floats:
    """Return the milliseconds from the nearest root (1e12: out of reach)."""
    tail, head, weight = least_of_parallel(tail, head, tau.astype(np.float64))
    found = dijkstra(csr_matrix((weight, (tail, head)), shape=(n, n)), indices=roots, min_only=True)
    return np.where(np.isfinite(found), found, 1e12)


def _whole(routes: Routes, units: Floats, instance: Instance) -> Int64s:
    """Round units down and give what is left of each zone to its largest route."""
    whole = np.floor(units).astype(np.int64)
    rest = instance.units - np.bincount(routes.zone, weights=whole, minlength=len(instance.zone)).astype(np.int64)
    order = np.lexsort((-units, routes.zone))
    largest = order[np.searchsorted(routes.zone[order], np.arange(len(instance.zone)))]
    whole[largest] += rest
    return whole


@compiled
def _steep(x):
    x2 = x * x
    x4 = x2 * x2
    x8 = x4 * x4
    return x8 * x4


@compiled
def _share(zone, shelter, _units, first, arcs, zone_first, units, budget, places, most, passes):  # noqa: PLR0912
    """Move units between the routes of a zone while the steeply weighted load of arcs and shelters gets less."""
    load = np.zeros(len(budget))
    full = np.zeros(len(places))
    for r in range(len(zone)):
        full[shelter[r]] += units[r]
        for i in range(first[r], first[r + 1]):
            load[arcs[i]] += units[r]
    mark = np.zeros(len(budget), np.int64)
    stamp = 0
    for _ in range(passes):
        moved = 0
        for z in range(len(zone_first) - 1):
            for a in range(zone_first[z], zone_first[z + 1]):
                if units[a] <= 0:
                    continue
                active = 0
                for r in range(zone_first[z], zone_first[z + 1]):
                    if units[r] > 0:
                        active += 1
                best, best_to, best_part = -1e-12, -1, 0.0
                for b in range(zone_first[z], zone_first[z + 1]):
                    if a == b:
                        continue
                    stamp += 2
                    for i in range(first[a], first[a + 1]):
                        mark[arcs[i]] = stamp
                    for i in range(first[b], first[b + 1]):
                        mark[arcs[i]] = stamp + 1 if mark[arcs[i]] == stamp else mark[arcs[i]]
                    both = stamp + 1
                    for share in (1.0, 0.5, 0.25, 0.1):
                        part = units[a] * share
                        if share < 1.0 and units[b] <= 0 and active >= most:
                            continue
                        gain = 0.0
                        if shelter[a] != shelter[b]:
                            sa, sb = shelter[a], shelter[b]
                            if full[sb] + part > places[sb] and full[sa] <= places[sa]:
                                continue
                            gain += 1e6 * (
                                max(full[sa] - part - places[sa], 0.0)
                                - max(full[sa] - places[sa], 0.0)
                                + max(full[sb] + part - places[sb], 0.0)
                                - max(full[sb] - places[sb], 0.0)
                            )
                        for i in range(first[a], first[a + 1]):
                            e = arcs[i]
                            if mark[e] != both:
                                gain += _steep((load[e] - part) / budget[e]) - _steep(load[e] / budget[e])
                        for i in range(first[b], first[b + 1]):
                            e = arcs[i]
                            if mark[e] != both:
                                gain += _steep((load[e] + part) / budget[e]) - _steep(load[e] / budget[e])
                        if gain < best:
                            best, best_to, best_part = gain, b, part
                if best_to >= 0:
                    for i in range(first[a], first[a + 1]):
                        load[arcs[i]] -= best_part
                    for i in range(first[best_to], first[best_to + 1]):
                        load[arcs[i]] += best_part
                    full[shelter[a]] -= best_part
                    full[shelter[best_to]] += best_part
                    units[best_to] += best_part
                    units[a] = units[a] - best_part if best_part < units[a] else 0.0
                    moved += 1
        if moved == 0:
            break


def fill_windows(windows: Windows, routes: Routes, stop: Callable[[], bool]) -> Windows:
    """Send the units of every route as early as its arcs allow, without waiting on the way; return the best round."""
    instance, step_ms = windows.instance, windows.step_ms
    late = instance.tau + windows.clock[instance.head] - windows.clock[instance.tail]
    steps = np.maximum(-(-late // step_ms), 0)
    live = np.flatnonzero(routes.units > 0)
    offset = np.zeros(len(routes.arcs), dtype=np.int64)
    length = np.zeros(len(routes.zone), dtype=np.int64)
    for r in live.tolist():
        part = slice(int(routes.first[r]), int(routes.first[r + 1]))
        passed = np.cumsum(steps[routes.arcs[part]])
        offset[part] = passed - steps[routes.arcs[part]]
        length[r] = passed[-1] if len(passed) else 0
    start = -(-windows.clock[instance.zone_node] // step_ms)
    passing = np.minimum(np.floor(instance.cap * step_ms + 1e-9), 2.0**60).astype(np.int64)
    horizon = int((windows.steps.max(initial=0) + 2) * _LONGER) + int(length.max(initial=0)) + 2
    closing = np.minimum((instance.last_entry + windows.clock[instance.tail]) // step_ms, horizon)
    priority = length.astype(np.float64)
    best: tuple[int, tuple[Int64s, Int64s, Int64s]] | None = None
    for _ in range(_ROUNDS):
        order = live[np.argsort(-priority[live], kind="stable")]
        row, step, units, ends = _fill(
            order, routes.zone, routes.units, routes.first, routes.arcs, offset, start, passing, closing, horizon
        )
        if not len(row) and len(live):
            break
        arrival = ends + length
        last = int(arrival[live].max(initial=0))
        if best is None or last < best[0]:
            best = (last, (row, step, units))
        if stop():
            break
        priority[live] += 0.5 * np.maximum(arrival[live] - 0.9 * last, 0.0)
    return _filled(windows, routes, offset, best[1] if best else None)


def _filled(windows: Windows, routes: Routes, offset: Int64s, chosen: tuple[Int64s, Int64s, Int64s] | None) -> Windows:
    """Return rows of route, first step and units as windows."""
    empty = np.zeros(0, dtype=np.int64)
    row, step, units = chosen or (empty, empty, empty)
    size = np.diff(routes.first)[row]
    ends = np.cumsum(size)
    position = np.arange(int(size.sum())) - np.repeat(ends - size, size) + np.repeat(routes.first[row], size)
    return windows._replace(
        zone=routes.zone[row],
        shelter=routes.shelter[row],
        units=units,
        first=np.concatenate([[0], ends]).astype(np.int64),
        arcs=routes.arcs[position],
        steps=offset[position] + np.repeat(step, size),
    )


@compiled
def _fill(order, zone, units, first, arcs, offset, start, passing, closing, horizon):
    """Let routes take the earliest room in order; return rows of route, step and units, and the last steps."""
    free = np.empty((len(passing), horizon), np.int64)
    for e in range(len(passing)):
        free[e, :] = 0
        free[e, : max(closing[e], 0)] = passing[e]
    size = 1024
    row, step, amount = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    ends = np.zeros(len(zone), np.int64)
    used = 0
    for r in order:
        left = units[r]
        k = start[zone[r]]
        begin, end = first[r], first[r + 1]
        last_step = horizon if begin == end else horizon - offset[end - 1]
        while left > 0 and k < last_step:
            room = left
            for i in range(begin, end):
                room = min(room, free[arcs[i], k + offset[i]])
                if room <= 0:
                    break
            if room > 0:
                for i in range(begin, end):
                    free[arcs[i], k + offset[i]] -= room
                if used == size:
                    size *= 2
                    wide = np.empty((3, size), np.int64)
                    wide[0, :used], wide[1, :used], wide[2, :used] = row, step, amount
                    row, step, amount = wide[0].copy(), wide[1].copy(), wide[2].copy()
                row[used], step[used], amount[used] = r, k, room
                used += 1
                left -= room
                ends[r] = k
            k += 1
        if left > 0:
            return row[:0].copy(), step[:0].copy(), amount[:0].copy(), ends
    return row[:used].copy(), step[:used].copy(), amount[:used].copy(), ends
