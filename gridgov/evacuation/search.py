"""The search for bound and plan: cuts of unbiased expansions raise the bound, clocked expansions shorten the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gridgov.evacuation.bound import Bound, prove
from gridgov.evacuation.certificate import least_of_parallel
from gridgov.evacuation.clocks import Weights, set_clocks
from gridgov.evacuation.expanded_schedule import expanded_schedule
from gridgov.evacuation.expansion import Solved, cut_of, expand, solve, step_length, weights_of
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.reduction import Reduction, reduce_instance
from gridgov.evacuation.schedule import Schedule
from gridgov.evacuation.steady import Terminals
from gridgov.network.validation import Floats, Int64s

_CUT_STEPS = (24, 48)
_PLAN_STEPS = (24, 48, 96, 192, 384)
_MOST_ARCS = 3_000_000
_BOUND_SHARE = 0.5
_UNREACHED_MS = 10_000_000_000


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
    upper_ms: float = np.inf
    bound: Bound | None = None
    support: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    cuts: list[Bound] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _tried: set[bytes] = field(default_factory=set)
    _solve_s_per_arc: float = 2e-6

    @property
    def lower_ms(self) -> float:
        """The best bound so far."""
        return self.bound.horizon_ms if self.bound else 0.0

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

    def take_plan(self, schedule: Schedule) -> bool:
        """Keep a schedule if it is the best so far."""
        clearance = schedule.clearance_ms(self.travel_time_ms)
        if clearance >= self.upper_ms:
            return False
        self.schedule, self.upper_ms = schedule, clearance
        self.better(self)
        return True

    def take_bound(self, bound: Bound) -> bool:
        """Keep a bound if it is the best so far, and the arcs that it used; say whether there are new ones."""
        grown = bool((bound.used & ~self.support).any())
        self.support = self.support | bound.used
        if bound.circulation is not None:
            self.cuts.append(bound)
            if bound.horizon_ms > self.lower_ms:
                self.bound = bound
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
        full = prove(self.instance, cut, on_support.horizon_ms * 0.99995, give_up_below_ms=floor)
        grown = self.take_bound(full)
        self.note(f"cut: support {on_support.horizon_ms / 1000:.1f}, network {full.horizon_ms / 1000:.1f}")
        return on_support, grown


def improve_bound(search: Search) -> None:
    """Raise the bound by cuts of unbiased expansions just above it."""
    small: Reduction | None = None
    for steps in _CUT_STEPS:
        horizon, grown, weights = search.lower_ms * 1.003, True, None
        for _ in range(12):
            if grown or small is None:
                small, weights = reduce_instance(search.instance, search.support), None
                base = shelter_distance(small.instance)
            step = step_length(horizon, steps)
            clock = base if weights is None else set_clocks(small.instance, base, weights, step, 2)
            solved = solve(expand(small.instance, clock, horizon, step, exact=False))
            weights = weights_of(solved)
            short = 1 - solved.moved / small.instance.demand
            search.note(f"unbiased {steps} steps, horizon {horizon / 1000:.1f}, short {short:.5f}")
            near = short < 1e-3 and (steps >= _CUT_STEPS[-1] or horizon < search.lower_ms * 1.004)
            if solved.complete or near:
                break
            _, grown = search.try_cut(small, cut_of(solved), horizon)
            horizon = max(horizon * (1 + max(0.002, 0.7 * short)), search.lower_ms * 1.001)
            if search.out_of_time(_BOUND_SHARE):
                return


def improve_plan(search: Search) -> None:
    """Shorten the plan by clocked expansions of more and more steps."""
    small = reduce_instance(search.instance, search.support)
    base = shelter_distance(small.instance)
    weights: Weights | None = None
    first = True
    for steps in _PLAN_STEPS:
        lower, upper = search.lower_ms, search.upper_ms
        horizon = min(upper * 0.995, lower * (1 + 0.35 / steps**0.8)) if first else (lower * upper) ** 0.5
        horizon = max(horizon, lower * 1.001)
        floor = lower
        while True:
            step = step_length(horizon, steps)
            if weights is None:
                weights = weights_of(solve(expand(small.instance, base, horizon, step, exact=True))).normal()
            clock = set_clocks(small.instance, base, _positive(weights), step, 4)
            expansion = expand(small.instance, clock, horizon, step, exact=True)
            if not _affordable(search, len(expansion.tail)):
                return
            before = perf_counter()
            solved = solve(expansion)
            search._solve_s_per_arc = (perf_counter() - before) / len(expansion.tail)
            short = 1 - solved.moved / small.instance.demand
            if solved.complete:
                first = False
                search.take_plan(expanded_schedule(solved))
                weights = weights.normal().scaled(0.7).plus(weights_of(solved).normal().scaled(0.3))
            else:
                floor = max(floor, horizon)
                small, base, weights = _learn(search, small, base, weights, solved, horizon)
            search.note(
                f"clocked {steps} steps, horizon {horizon / 1000:.1f}, short {short:.5f}, {len(expansion.tail)} arcs"
            )
            if search.gap <= search.target_gap or search.out_of_time():
                return
            lower, upper = max(floor, search.lower_ms), search.upper_ms
            if upper / lower - 1 < max(0.0012, 0.12 * search.gap) or (solved.complete and search.gap < 0.5 / steps):
                break
            if first:
                horizon = min(lower * (1 + max(0.003, 1.2 * short)), upper * 0.999)
            else:
                horizon = (lower * upper) ** 0.5
        if 2 * len(expansion.tail) > _MOST_ARCS:
            return


def _affordable(search: Search, arcs: int) -> bool:
    """Whether another solve fits into the time limit, overshooting by no more than a fifth."""
    expected = 1.5 * search._solve_s_per_arc * arcs
    return search.schedule is None or search.seconds + expected < 1.2 * search.time_limit_s


def _learn(
    search: Search, small: Reduction, base: Int64s, weights: Weights, solved: Solved, horizon_ms: float
) -> tuple[Reduction, Int64s, Weights]:
    """Use the cut of a flow that did not move everybody: for the bound, the clocks and the support."""
    cut = cut_of(solved)
    on_support, grown = search.try_cut(small, cut, horizon_ms)
    if on_support.circulation is not None:
        weights = weights.normal().plus(_circulation_weights(small.instance, on_support).scaled(0.3))
    if not grown:
        return small, base, weights
    larger = reduce_instance(search.instance, search.support)
    return larger, shelter_distance(larger.instance), _carried(small, larger, weights)


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


def shelter_distance(instance: Instance) -> Int64s:
    """Return the milliseconds from each node to its nearest shelter on empty roads."""
    tail, head, weight = least_of_parallel(instance.head, instance.tail, instance.tau.astype(np.float64))
    graph = csr_matrix((weight, (tail, head)), shape=(instance.n, instance.n))
    distance: Floats = dijkstra(graph, indices=instance.shelter_node, min_only=True)
    return np.where(np.isfinite(distance), distance, float(_UNREACHED_MS)).astype(np.int64)
