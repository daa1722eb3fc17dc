"""The search for bound and plan: cuts of unbiased expansions raise the bound, clocked expansions shorten the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from gridgov.evacuation.bound import Bound, prove, prove_on_all
from gridgov.evacuation.clocks import Weights, set_clocks
from gridgov.evacuation.expansion import Expansion, Solved, cut_of, expand, solve, step_length, weights_of
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.mobilisation import Curve, ready_by_step
from gridgov.evacuation.reduction import Reduction, reduce_instance
from gridgov.evacuation.schedule import Schedule, Ways
from gridgov.evacuation.steady import Terminals, shelter_distance
from gridgov.evacuation.streaming import improve_by_streams
from gridgov.evacuation.windows import Windows, schedule_of, windows_of
from gridgov.network.validation import Floats, Int64s

_CUT_STEPS = (24, 48)
_PLAN_STEPS = (24, 48, 96, 192, 384, 768, 1536)
_MOST_ARCS = 3_000_000
_BOUND_SHARE = 0.3
_FRUITLESS = 2  # cuts without a better bound: plans are worth more now, and their cuts are tried, too
_LEAST_MS = 1.0  # where nothing is proven
_MOST_TRIES = 6
_FINE = 0.15
_GROWTH = 1.2
_LOST_STEPS = 1.2  # what rounding costs at least
_LARGE = 250_000  # arcs
_OVERSHOOT = 1.05


class StoppedError(Exception):
    """The caller wants no better plan."""


@dataclass
class Search:
    """What is known so far: the best plan, the best bound, and the arcs that matter.

    Attributes
    ----------
    instance : Instance
        The reduced network, with those who can be saved.
    travel_time_ms : int64 array
        Of the original edges.
    everybody : Instance
        With all who have a route, whether or not there is a place; for zones and roads that close.
    arrivals_s : callable or None
        Mobilisation: seconds → share of people who are ready.
    capacity_vph : float array
        Of the original edges.
    ways : Ways
        The routes of the steady plan.
    storing : bool
        Whether people may wait on the way: only where roads close behind them and more are saved by that.
    stopped : bool
        Whether the caller wants no better plan.
    floor_ms : float
        A horizon that is proven too short in another way: people get ready bit by bit.
    previous_ms, previous_cut, previous_arcs
        Bound, zones and free shelters (positions in the problem), and arcs of an earlier plan, as a start.
    better : callable
        Told of every better plan; raises `StoppedError` to end the search.
    """

    instance: Instance
    travel_time_ms: Int64s
    time_limit_s: float
    target_gap: float
    better: Callable[[Search], None]
    started: float = field(default_factory=perf_counter)
    schedule: Schedule | None = None
    windows: Windows | None = None
    ways: Ways | None = None
    upper_ms: float = np.inf
    bound: Bound | None = None
    potential_ms: Floats = field(default_factory=lambda: np.zeros(0))
    support: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    cuts: list[Bound] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    arrivals_s: Curve | None = None
    everybody: Instance | None = None
    storing: bool = False
    stopped: bool = False
    capacity_vph: Floats = field(default_factory=lambda: np.zeros(0))
    floor_ms: float = 0.0
    previous_ms: float = 0.0
    previous_arcs: Bools | None = None
    previous_cut: tuple[frozenset[int], frozenset[int]] | None = None
    last_solve: tuple[int, float] = (1_000_000, 2.0)
    _tried: set[bytes] = field(default_factory=set)

    @property
    def lower_ms(self) -> float:
        """The best bound so far."""
        return max(self.bound.horizon_ms if self.bound else _LEAST_MS, self.floor_ms)

    @property
    def gap(self) -> float:
        """Best plan over best bound, minus one."""
        return self.upper_ms / self.lower_ms - 1 if self.lower_ms > 0 else np.inf

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return perf_counter() - self.started

    def out_of_time(self, share: float = 1.0) -> bool:
        """Whether a share of the time limit is over."""
        return self.seconds > self.time_limit_s * share

    def note(self, text: str) -> None:
        """Keep a line for those who look into the search."""
        self.log.append(
            f"{self.seconds:6.2f} s  {text}  plan {self.upper_ms / 1000:.1f} bound {self.lower_ms / 1000:.1f}"
        )

    def take_plan(self, schedule: Schedule, windows: Windows | None = None) -> None:
        """Keep a schedule if it is the best so far."""
        schedule = schedule.settled()
        clearance = schedule.clearance_ms(self.travel_time_ms)
        if clearance < self.upper_ms:
            self.schedule, self.upper_ms, self.windows = schedule, clearance, windows
            self.better(self)

    def take_windows(self, windows: Windows) -> None:
        """Keep windows as the plan if they are the best so far."""
        self.take_plan(schedule_of(windows, retimed=self.arrivals_s is None), windows)

    def expanded(self, instance: Instance, clock: Int64s, horizon_ms: float, step_ms: int) -> Expansion:
        """Return the exact expansion, with people who get ready bit by bit if so asked."""
        arrivals = ready_by_step(self.arrivals_s, step_ms, horizon_ms)
        return expand(instance, clock, horizon_ms, step_ms, exact=True, arrivals=arrivals, storing=self.storing)

    def take_bound(self, bound: Bound, potential_ms: Floats) -> bool:
        """Keep a bound if it is the best so far, and the arcs that it used; say whether there are new ones."""
        grown = bool((bound.used & ~self.support).any())
        self.support = self.support | bound.used
        if bound.circulation is not None:
            self.cuts.append(bound)
            if bound.horizon_ms > (self.bound.horizon_ms if self.bound else _LEAST_MS):
                self.bound, self.potential_ms = bound, potential_ms
        return grown

    def try_cut(self, small: Reduction, cut: Terminals, horizon_ms: float) -> tuple[Bound, bool]:
        """Prove with a cut on the support, and on the whole network if that promises more."""
        start = max(horizon_ms, self.lower_ms) * 1.01
        on_support = prove(small.instance, cut, start)
        key = cut.zones.tobytes() + cut.free.tobytes()
        if on_support.horizon_ms <= self.lower_ms * 1.0003 or key in self._tried:
            return on_support, False
        self._tried.add(key)
        floor = self.lower_ms * 1.0002
        full, potential = prove_on_all(
            self.instance, cut, self.support, on_support.horizon_ms * 1.0001, give_up_below_ms=floor
        )
        grown = self.take_bound(full, potential)
        self.note(f"cut: support {on_support.horizon_ms / 1000:.1f}, network {full.horizon_ms / 1000:.1f}")
        return on_support, grown


def previous_cut(search: Search) -> list[Terminals]:
    """Return the cut of an earlier plan, if there was one."""
    if search.previous_cut is None:
        return []
    zones, free = search.previous_cut
    instance = search.instance
    return [Terminals(np.isin(instance.zone, list(zones)), np.isin(instance.shelter, list(free)))]


def lone_zones(instance: Instance) -> list[Terminals]:
    """Return cuts of single zones: the farthest from a shelter, and those with the most people for their streets."""
    away = shelter_distance(instance)[instance.zone_node]
    out = np.bincount(instance.tail, np.minimum(instance.cap, 1e9), instance.n)[instance.zone_node]
    slow = away + instance.units / np.maximum(out, 1e-9)
    chosen = np.unique(np.concatenate([np.argsort(-away, kind="stable")[:2], np.argsort(-slow, kind="stable")[:4]]))
    free = np.ones(len(instance.shelter), dtype=np.bool_)
    return [Terminals(np.arange(len(away)) == zone, free) for zone in chosen]


def improve_bound(search: Search) -> None:
    """Raise the bound by cuts of unbiased expansions just above it."""
    small: Reduction | None = None
    for steps in _CUT_STEPS:
        horizon, grown, weights = search.lower_ms * 1.003, True, None
        before, fruitless = 1.0, 0
        for _ in range(12):
            if grown or small is None:
                small, weights = reduce_instance(search.instance, search.support), None
                base = shelter_distance(small.instance)
            step = step_length(horizon, steps)
            clock = base if weights is None else set_clocks(small.instance, base, _positive(weights), step, 2)
            solved = solve(expand(small.instance, clock, horizon, step, exact=False))
            weights = weights_of(solved)
            short = 1 - solved.moved / small.instance.demand
            search.note(f"unbiased {steps} steps, horizon {horizon / 1000:.1f}, short {short:.5f}")
            near = short < 1e-3 and (steps >= _CUT_STEPS[-1] or horizon < search.lower_ms * 1.004)
            if solved.complete or near:
                break
            lower = search.lower_ms
            _, grown = search.try_cut(small, cut_of(solved), horizon)
            fruitless = 0 if search.lower_ms > lower else fruitless + 1
            pace = 3.0 if short > before * 0.999 else 0.7
            before = short
            horizon = max(horizon * (1 + max(0.002, pace * short)), search.lower_ms * 1.001)
            if search.out_of_time(_BOUND_SHARE):
                return
            if fruitless >= _FRUITLESS:
                break
        if fruitless >= _FRUITLESS and len(solved.expansion.tail) > _LARGE:
            return  # finer steps of a large network give cuts of the same kind, for much more time


@dataclass
class _Clocked:
    """The support, its clocks' weights, and what is known about the horizons that steps of some number need."""

    small: Reduction
    base: Int64s
    weights: Weights | None = None
    loss_steps: float = 1.0

    def first_horizon(self, search: Search, steps: int) -> float:
        """Return the horizon to begin with: the bound and what rounding cost so far."""
        return search.lower_ms * (1 + max(self.loss_steps / steps, 0.0005))

    def learn_loss(self, search: Search, horizon: float, steps: int) -> None:
        """Remember how many steps rounding costs."""
        self.loss_steps = max((horizon / search.lower_ms - 1) * steps, 0.05)


def improve_plan(search: Search) -> None:
    """Shorten the plan by streams, then by clocked expansions of more and more steps."""
    improve_by_streams(search)
    if search.gap <= search.target_gap or search.out_of_time():
        return
    small = reduce_instance(search.instance, search.support)
    state = _Clocked(small, shelter_distance(small.instance))
    for steps in _PLAN_STEPS[1:] if search.previous_ms else _PLAN_STEPS:
        if search.gap < _LOST_STEPS / steps:
            continue
        arcs = _refine(search, state, steps)
        if search.gap <= search.target_gap or search.out_of_time() or 2 * arcs > _MOST_ARCS:
            return


def _refine(search: Search, state: _Clocked, steps: int) -> int:
    """Search the shortest horizon with so many steps; return the arcs of the last expansion."""
    horizon = state.first_horizon(search, steps)
    failed: list[tuple[float, float]] = []
    shortest = np.inf
    arcs = 0
    for _ in range(_MOST_TRIES):
        solved = _solve_clocked(search, state, horizon, steps)
        if solved is None:
            return _MOST_ARCS
        arcs = len(solved.expansion.tail)
        if solved.complete:
            shortest = horizon
            state.learn_loss(search, horizon, steps)
        else:
            failed.append((horizon, 1 - solved.moved / state.small.instance.demand))
        if search.gap <= search.target_gap or search.out_of_time():
            return arcs
        if shortest < np.inf:
            lower = max([h for h, _ in failed] + [search.lower_ms])
            if failed or shortest / lower - 1 < _FINE / steps:
                return arcs
            horizon = (lower * shortest) ** 0.5
        else:
            horizon = _next_horizon(failed, min(0.002, 0.5 / steps))
            state.learn_loss(search, horizon, steps)
            if horizon > search.upper_ms * (1 + 2 / steps):
                return arcs
    return arcs


def _next_horizon(failed: list[tuple[float, float]], least: float) -> float:
    """Return where, by the last failures, everybody should be moved, and a little more."""
    (last, short) = failed[-1]
    if len(failed) == 1:
        return last * (1 + max(least, 1.2 * short))
    before, missing = failed[-2]
    if missing <= short * 1.001:  # nothing gained: the next way is far
        return last + max(2 * (last - before), 0.01 * last)
    return min(last + 1.1 * short * (last - before) / (missing - short), last * 1.04) + 0.25 * least * last


def _solve_clocked(search: Search, state: _Clocked, horizon: float, steps: int) -> Solved | None:
    """Solve one expansion and learn from it; None if there is no time for it."""
    instance, step = state.small.instance, step_length(horizon, steps)
    if state.weights is None:
        plain = search.expanded(instance, state.base, horizon, step)
        if not _affordable(search, 2 * len(plain.tail)):
            return None
        state.weights = weights_of(solve(plain)).normal()
    clock = set_clocks(instance, state.base, _positive(state.weights), step, 4)
    expansion = search.expanded(instance, clock, horizon, step)
    if not _affordable(search, len(expansion.tail)):
        return None
    before = perf_counter()
    solved = solve(expansion)
    if solved.complete:
        search.take_windows(windows_of(solved))
        state.weights = state.weights.normal().scaled(0.7).plus(weights_of(solved).normal().scaled(0.3))
    else:
        _learn(search, state, solved, horizon)
    search.last_solve = (len(expansion.tail), perf_counter() - before)
    short = 1 - solved.moved / instance.demand
    search.note(f"clocked {steps} steps, horizon {horizon / 1000:.1f}, short {short:.5f}, {len(expansion.tail)} arcs")
    return solved


def _affordable(search: Search, arcs: int) -> bool:
    """Whether another solve fits into the time limit, with little to spare: time grows faster than arcs."""
    known, seconds = search.last_solve
    expected = seconds * (arcs / max(known, 1)) ** _GROWTH
    return search.schedule is None or search.seconds + expected < _OVERSHOOT * search.time_limit_s


def _learn(search: Search, state: _Clocked, solved: Solved, horizon_ms: float) -> None:
    """Use the cut of a flow that did not move everybody: for the bound, the clocks and the support."""
    small, weights = state.small, state.weights
    assert weights is not None
    on_support, grown = search.try_cut(small, cut_of(solved), horizon_ms)
    if on_support.circulation is not None:
        weights = weights.normal().plus(_circulation_weights(small.instance, on_support).scaled(0.3))
    if grown:
        state.small = reduce_instance(search.instance, search.support)
        state.base = shelter_distance(state.small.instance)
        weights = _carried(small, state.small, weights)
    state.weights = weights


def _circulation_weights(instance: Instance, bound: Bound) -> Weights:
    """Return the circulation of a cut as weights."""
    assert bound.circulation is not None
    flow = bound.circulation.flow.astype(np.float64)
    total = max(float(flow[: instance.m].sum()), 1.0)
    zone, shelter = np.zeros(len(instance.zone)), np.zeros(len(instance.shelter))
    zones = int(bound.cut.zones.sum())
    zone[bound.cut.zones] = flow[instance.m : instance.m + zones]
    shelter[bound.cut.free] = flow[instance.m + zones : -1]
    return Weights(flow[: instance.m], zone, shelter).scaled(1.0 / total)


def _carried(small: Reduction, larger: Reduction, weights: Weights) -> Weights:
    """Return the weights of arcs on a support that has grown."""
    owner = np.full(int(max(small.arcs.max(initial=0), larger.arcs.max(initial=0))) + 1, -1, dtype=np.int64)
    owner[small.arcs] = np.repeat(np.arange(small.instance.m), np.diff(small.first))
    before = owner[larger.arcs[larger.first[:-1]]]
    return weights._replace(arc=np.where(before >= 0, weights.arc[before], 0.0))


def _positive(weights: Weights) -> Weights:
    """Return weights of which none is zero."""
    normal = weights.normal()
    return Weights(normal.arc + 1e-9, normal.zone + 1e-12, normal.shelter + 1e-12)
