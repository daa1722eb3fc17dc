"""A start that fills the roads, then streams to the end: plans for questions that take much longer than driving.

Until all streams have arrived, roads that hold everybody up are filled by people from nearby: a clocked expansion of
that short start alone, so that its steps can be much finer than those of the whole horizon. Who leaves in the start and
who in a stream is shared out by a maximum flow of the start with one more layer, which carries all that comes later.
The layer knows nothing of the streams' way to where they arrive; that is learned: the next flow leaves them the room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import max_flow, min_cost_flow

from gridgov.evacuation.clocks import Weights, set_clocks
from gridgov.evacuation.expansion import SHELTER, ZONE, Expansion, expand, solve, step_length
from gridgov.evacuation.instance import NEVER_MS, Bools, Instance
from gridgov.evacuation.reduction import Reduction, reduce_instance
from gridgov.evacuation.schedule import joined, steady_ways
from gridgov.evacuation.steady import SteadyFlow, arcs_passed, distances, shelter_distance
from gridgov.evacuation.streams import Streams, as_routes, beside, fitted, rest_of, streams_of, travel_ms, usual_ms
from gridgov.evacuation.windows import schedule_of, windows_of
from gridgov.network.validation import Floats, Int64s

if TYPE_CHECKING:
    from gridgov.evacuation.search import Search

Counts: TypeAlias = NDArray[np.integer] | Floats

_USUAL = 0.95  # the share of people whose way is no longer than usual
_START = 1.5  # usual ways: how long the start is
_WORTH = 0.4  # of the bound: a start that takes more is no start
_ARCS = 900_000
_STEPS = (24, 240)
_FINE = 0.001  # of the bound: finer steps bring little
_FIRST_GAP = 0.012
_CLOSER = 0.5  # of the way from a horizon that is too short to one that is not: where the next is tried
_FARTHER = 1.5  # of those left behind: by how much the next horizon is longer
_LEAST_STEP = 0.0004
_FEW = 0.0015  # who finds no room even where streams take none
_ROUGH_TRIES = 3
_MOST_TRIES = 12
_SLOWER = 1.15  # than the last try: a next one may be
_WHOLE = 3.5  # rough tries take as long as a whole one
_PASSES = 2
_SPARE = 3e-4  # of the horizon: streams run so much longer than they have to


class Shared(NamedTuple):
    """Who is in the streams: units on each arc, of each zone and into each shelter, and shares that are left behind."""

    arcs: Int64s
    zones: Int64s
    shelters: Int64s
    short: float
    used: Int64s


@dataclass
class _Streaming:
    """What is learned on the way: the room that streams take, and what they lose because their way is long."""

    small: Reduction
    start_ms: float
    step_ms: int
    base: Int64s
    reach: Floats
    weights: Weights
    lost_zones: Int64s
    lost_shelters: Int64s
    streams: Streams | None = None
    took_s: float = 0.0

    @property
    def instance(self) -> Instance:
        """The roads that may be used."""
        return self.small.instance

    def clock(self, instance: Instance, step_ms: int) -> Int64s:
        """Return the clocks of the nodes."""
        return set_clocks(instance, self.base, self.weights, step_ms, _PASSES)


def improve_by_streams(search: Search) -> None:
    """Shorten the plan by streams and their starts, where clearing takes much longer than driving."""
    state = _begin(search)
    if state is None:
        return
    low, high = search.lower_ms, np.inf
    horizon = _learn_roughly(search, state, low * (1 + _FIRST_GAP))
    for _ in range(_MOST_TRIES):
        if search.seconds + _SLOWER * state.took_s > search.time_limit_s or search.gap <= search.target_gap:
            return
        short = _try(search, state, horizon)
        low, high = (low, min(horizon, search.upper_ms)) if short == 0.0 else (horizon, high)
        if high - low < _LEAST_STEP * low:
            return
        farther = horizon * (1 + max(_FARTHER * short, 2 * _LEAST_STEP))
        horizon = low + _CLOSER * (high - low) if high < np.inf else farther
        if horizon >= search.upper_ms:
            return


def _begin(search: Search) -> _Streaming | None:
    """Return the roads and the length of the start; None where streams are of no use."""
    instance, ways = search.instance, search.ways
    closing = bool((instance.last_entry < NEVER_MS // 2).any())  # merged arcs lose their own time of never
    if ways is None or closing or search.arrivals_s is not None or search.storing:
        return None
    start_ms = _START * usual_ms(ways, _USUAL)
    if start_ms > _WORTH * search.lower_ms or start_ms <= 0:
        return None
    small = reduce_instance(instance, _wide_support(search))
    reduced = small.instance
    steps = int(np.clip(_ARCS / max(reduced.m, 1), *_STEPS))
    flow = np.bincount(ways.arcs, weights=np.repeat(ways.units, np.diff(ways.first)), minlength=instance.m)
    shelter = np.bincount(ways.shelter, weights=ways.units, minlength=len(instance.shelter))
    return _Streaming(
        small=small,
        start_ms=start_ms,
        step_ms=max(step_length(start_ms, steps), int(_FINE * search.lower_ms)),
        base=shelter_distance(reduced),
        reach=distances(reduced.n, reduced.tail, reduced.head, reduced.tau, reduced.zone_node),
        weights=_weights(reduced, flow[small.arcs[small.first[:-1]]], shelter),
        lost_zones=np.zeros(len(reduced.zone), dtype=np.int64),
        lost_shelters=np.zeros(len(reduced.shelter), dtype=np.int64),
    )


def _wide_support(search: Search) -> Bools:
    """Return the arcs that matter so far, those of the shortest ways and those of a maximum flow at constant rates."""
    instance = search.instance
    away = shelter_distance(instance)
    shortest = away[instance.head] + instance.tau == away[instance.tail]
    return np.asarray(search.support | shortest | arcs_passed(instance, search.lower_ms), dtype=np.bool_)


def _weights(instance: Instance, arcs: Counts, shelters: Counts) -> Weights:
    """Return units as what rounding costs."""
    total = max(float(arcs.sum()), 1.0)
    return Weights(arcs / total + 1e-9, np.full(len(instance.zone), 1e-12), shelters / total + 1e-12)


def _learn_roughly(search: Search, state: _Streaming, horizon_ms: float) -> float:
    """Find first streams in steps twice as long; return a horizon in which everybody may find room."""
    for _ in range(_ROUGH_TRIES):
        before = perf_counter()
        shared = _share_out(state, horizon_ms, 2 * state.step_ms)
        search.note(f"streams to {horizon_ms / 1000:.1f}, shared out roughly, short {shared.short:.5f}")
        if shared.short <= _FEW:
            break
        horizon_ms *= 1 + 1.2 * shared.short
    _learn(state, shared, _streams(state, shared, horizon_ms))
    state.took_s = _WHOLE * (perf_counter() - before)
    return horizon_ms


def _try(search: Search, state: _Streaming, horizon_ms: float) -> float:
    """Try to move everybody within a horizon; return the share of people who are left behind."""
    before = perf_counter()
    shared = _share_out(state, horizon_ms * (1 - _SPARE), state.step_ms)
    streams = _streams(state, shared, horizon_ms * (1 - _SPARE))
    units, places = rest_of(state.instance, streams)
    rest = replace(state.instance, units=units, places=places)
    step_ms = state.step_ms
    start = expand(rest, state.clock(rest, step_ms), state.start_ms, step_ms, exact=True)
    begun = perf_counter()
    solved = solve(beside(start, streams))
    search.last_solve = (len(start.tail), perf_counter() - begun)
    _learn(state, shared, streams)
    short = 1 - solved.moved / max(rest.demand, 1)
    if solved.complete:
        windows = windows_of(solved)
        schedule = joined(streams.schedule(), schedule_of(windows, retimed=False))
        search.take_plan(schedule, as_routes(streams, windows))
        short = 0.0
    short *= rest.demand / state.instance.demand
    state.took_s = perf_counter() - before
    search.note(
        f"streams to {horizon_ms / 1000:.1f}, shared out short {shared.short:.5f}, start short {short:.5f}, "
        f"{len(start.tail)} arcs"
    )
    return short


def _share_out(state: _Streaming, horizon_ms: float, step_ms: int) -> Shared:
    """Share people out among the start and the streams, as many as possible in all."""
    instance = replace(
        state.instance,
        units=state.instance.units + state.lost_zones,
        places=state.instance.places + state.lost_shelters,
    )
    start = expand(instance, state.clock(instance, step_ms), state.start_ms, step_ms, exact=True)
    if state.streams is not None:
        start = beside(start, state.streams)
    layer = _layer(state, instance, start, horizon_ms)
    solver = max_flow.SimpleMaxFlow()
    rows = solver.add_arcs_with_capacity(
        *(np.concatenate([one, other]) for one, other in zip((start.tail, start.head, start.cap), layer, strict=True))
    )
    solver.solve(start.source, start.sink)
    flow = np.asarray(solver.flows(rows), dtype=np.int64)
    of_layer = flow[len(start.tail) :]
    m, zones = instance.m, len(instance.zone)
    ways = start.kind >= 0
    in_start = np.bincount(start.kind[ways], weights=flow[: len(start.tail)][ways], minlength=m)
    short = 1 - solver.optimal_flow() / instance.demand
    from_zones, to_shelters = of_layer[m : m + zones], of_layer[m + zones :]
    gates = np.zeros(len(instance.shelter), dtype=np.int64)
    gates[start.step[start.kind == SHELTER]] = flow[: len(start.tail)][start.kind == SHELTER]
    return Shared(
        of_layer[:m], from_zones, instance.places - (gates - to_shelters), float(short), in_start.astype(np.int64)
    )


def _layer(state: _Streaming, instance: Instance, start: Expansion, horizon_ms: float) -> tuple[Int64s, Int64s, Int64s]:
    """Return tail, head and capacity of the layer's arcs: roads, from zones, into shelters."""
    unlimited = instance.demand + 1
    first = np.maximum(state.start_ms, state.reach[instance.tail] + state.base[instance.tail])
    span = np.clip(horizon_ms - first, 0.0, None)
    cap = np.minimum(np.floor(instance.cap * span), float(unlimited)).astype(np.int64)
    line = np.full(len(instance.zone), start.source, dtype=np.int64)
    most = instance.units.copy()
    rows = start.kind == ZONE
    line[start.step[rows]], most[start.step[rows]] = start.head[rows], unlimited
    gate = np.zeros(len(instance.shelter), dtype=np.int64)
    gate[start.step[start.kind == SHELTER]] = start.tail[start.kind == SHELTER]
    tail = np.concatenate([start.n + instance.tail, line, start.n + instance.shelter_node])
    head = np.concatenate([start.n + instance.head, start.n + instance.zone_node, gate])
    cap = np.concatenate([cap, most, np.full(len(gate), unlimited)])
    return tail.astype(np.int32), head.astype(np.int32), cap


def _streams(state: _Streaming, shared: Shared, horizon_ms: float) -> Streams:
    """Return the shortest streams that bring what was shared out, or as much of it as possible."""
    instance = state.instance
    n, m, zones = instance.n, instance.m, len(instance.zone)
    first = np.maximum(state.start_ms, state.reach[instance.tail] + state.base[instance.tail])
    cap = np.minimum(np.floor(instance.cap * np.clip(horizon_ms - first, 0.0, None)), float(instance.demand + 1))
    solver = min_cost_flow.SimpleMinCostFlow()
    rows = solver.add_arcs_with_capacity_and_unit_cost(
        np.concatenate([instance.tail, np.full(zones, n), instance.shelter_node]),
        np.concatenate([instance.head, instance.zone_node, np.full(len(shared.shelters), n + 1)]),
        np.concatenate([cap.astype(np.int64), shared.zones, shared.shelters]),
        np.concatenate([instance.tau // 100 + 1, np.zeros(zones + len(shared.shelters), dtype=np.int64)]),
    )
    supply = np.zeros(n + 2, dtype=np.int64)
    supply[n], supply[n + 1] = shared.zones.sum(), -shared.zones.sum()
    solver.set_nodes_supplies(np.arange(n + 2), supply)
    status = solver.solve_max_flow_with_min_cost()
    if status != solver.OPTIMAL:
        raise AssertionError(f"a flow of least cost always exists, but the solver says {status}")
    units = np.asarray(solver.flows(rows), dtype=np.int64)
    flow = SteadyFlow(units[:m], units[m : m + zones], units[m + zones :], int(horizon_ms))
    streams = streams_of(steady_ways(instance, flow), state.start_ms, horizon_ms)
    longer = streams._replace(end_ms=streams.end_ms + int(_SPARE * horizon_ms))
    return fitted(longer)


def _learn(state: _Streaming, shared: Shared, streams: Streams) -> None:
    """Remember the room that streams take, what they lose, and which roads matter."""
    instance, ways = state.instance, streams.ways
    lost = np.where(travel_ms(ways) > state.start_ms, np.maximum(ways.units - streams.units, 0), 0)
    state.streams = streams
    state.lost_zones = np.bincount(ways.zone, weights=lost, minlength=len(instance.zone)).astype(np.int64)
    state.lost_shelters = np.bincount(ways.shelter, weights=lost, minlength=len(instance.shelter)).astype(np.int64)
    moved = np.bincount(ways.arcs, weights=np.repeat(ways.units, np.diff(ways.first)), minlength=instance.m)
    taken = np.bincount(ways.shelter, weights=ways.units, minlength=len(instance.shelter))
    state.weights = _weights(instance, moved + shared.used, taken)
