"""`plan_evacuation`: from roads, zones and shelters to a plan that carries its own proof."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from gridgov.evacuation.bottlenecks import find_bottlenecks
from gridgov.evacuation.bound import prove_on_all
from gridgov.evacuation.certificate import certify_potentials, saved_persons, spread
from gridgov.evacuation.contraflow import turned
from gridgov.evacuation.instance import UNITS_PER_PERSON, Bools, Instance, make_instance
from gridgov.evacuation.limiting import Limited
from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.problem import EvacuationProblem, make_problem
from gridgov.evacuation.readiness_bound import readiness_bound
from gridgov.evacuation.reduction import reduce_instance
from gridgov.evacuation.saving import save_in_time, shorten
from gridgov.evacuation.schedule import Schedule, flows_of, steady_schedule, steady_ways
from gridgov.evacuation.search import (
    Search,
    StoppedError,
    improve_bound,
    improve_plan,
    lone_zones,
    previous_cut,
)
from gridgov.evacuation.splitting_off import split_off, without_a_place
from gridgov.evacuation.steady import steady_flow, steady_range
from gridgov.model.evacuation import Certificate, EvacuationPlan, Flow, PlanWarning, Unmet
from gridgov.network.validation import Floats, Int64s

if TYPE_CHECKING:
    import pandas as pd

    from gridgov.network import RoadNetwork

_SEARCH_SHARE = 0.45  # of the time limit; the rest is for the limit of routes
_WRITING_SHARE = 0.93  # without that limit; the rest is for the document
_DEAR = 0.05  # a limit of routes that makes a plan so much longer is spoken of
_NOBODY = 0.001  # persons: less is rounding

Progress = Callable[[EvacuationPlan], bool | None]


def plan_evacuation(
    network: RoadNetwork,
    demand: pd.DataFrame,
    shelters: pd.DataFrame,
    params: EvacuationParams | None = None,
    *,
    edge_closes_s: ArrayLike | None = None,
    previous: EvacuationPlan | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> EvacuationPlan:
    """Plan an evacuation: for every zone the shelter, the route, when to leave and at what rate.

    Parameters
    ----------
    network : RoadNetwork
        With `capacity_vph`.
    demand : DataFrame
        ``zone_id``, ``node``, ``persons`` and, if wanted, ``deadline_s`` (last moment to leave the zone).
    shelters : DataFrame
        ``shelter_id``, ``node``, ``capacity_persons``.
    edge_closes_s : array_like, shape (edges,), optional
        Seconds after the order at which each edge closes; NaN or inf: never.
    previous : EvacuationPlan, optional
        A plan of nearly the same problem, as a start.
    progress : callable, optional
        Called with every better plan; when it returns False the computation stops.
    seed : int
        The result depends on nothing else (but on the time limit).

    Returns
    -------
    EvacuationPlan
        Those who cannot be saved are in its `unmet`, with reasons; the bound holds for all others.

    Raises
    ------
    ParameterError
        See `make_problem`.
    """
    started = perf_counter()
    params = params or EvacuationParams()
    problem = make_problem(network, demand, shelters, params, edge_closes_s)
    facts: dict[str, Any] = {}
    if params.contraflow:
        half = replace(params, contraflow=False, time_limit_s=params.time_limit_s / 2)
        straight = _planned(problem, half, _Run(seed, started, previous, progress), {})
        problem, given_up = turned(problem)
        facts = {
            "clearance_time_s_without_contraflow": straight.clearance_time_s,
            "lower_bound_s_without_contraflow": straight.lower_bound_s,
            "edges_given_up": given_up.tolist(),
        }
    return _planned(problem, params, _Run(seed, started, previous, progress), facts)


@dataclass(frozen=True)
class _Run:
    """How a plan was asked for."""

    seed: int
    started: float
    previous: EvacuationPlan | None
    progress: Progress | None


def _planned(
    problem: EvacuationProblem, params: EvacuationParams, asked: _Run, facts: dict[str, Any]
) -> EvacuationPlan:
    """Plan for a checked problem."""
    whole = make_instance(problem)
    placed, everybody, unmet = split_off(whole, problem)
    hurried = whole.timed or problem.ready is not None
    if hurried:  # who of the others finds no place is seen when it is known who is in time
        unmet = {**unmet, "no_place": without_a_place(whole, problem)}
    draft = _Draft(problem, whole, unmet, params, asked.seed, asked.started, facts)
    if not len(placed.zone):
        return draft.plan(None)

    limited = Limited(params.max_routes_per_zone, params.time_limit_s * _WRITING_SHARE)

    def tell(search: Search) -> None:
        if asked.progress is None or (not limited.improve(search) and limited.schedule is not None):
            return
        shown = limited if limited.schedule is not None else limited.without(search)
        if asked.progress(draft.plan(search, shown)) is False:
            search.stopped = True
            raise StoppedError

    share = _WRITING_SHARE if params.max_routes_per_zone is None else _SEARCH_SHARE
    search = Search(
        reduce_instance(placed).instance,
        problem.travel_time_ms,
        params.time_limit_s * share,
        params.target_gap,
        tell,
        asked.started,
        arrivals_s=problem.ready,
        everybody=reduce_instance(everybody).instance if hurried else None,
        capacity_vph=problem.capacity_vph,
    )
    if asked.previous is not None:
        _begin_with(search, asked.previous, problem)
    with contextlib.suppress(StoppedError):
        run(search, problem)
    return draft.finished(search, limited)


def _begin_with(search: Search, previous: EvacuationPlan, problem: EvacuationProblem) -> None:
    """Start from the bound, the cut and the roads of an earlier plan; all of them are only tried, none is believed."""
    zone = {name: i for i, name in enumerate(problem.zone_id)}
    shelter = {name: i for i, name in enumerate(problem.shelter_id)}
    known = previous.certificate
    search.previous_ms = previous.lower_bound_s * 1000.0
    search.previous_cut = (
        frozenset(zone[name] for name in known.terminal_zones if name in zone),
        frozenset(shelter[name] for name in known.open_shelters if name in shelter),
    )

    used = np.zeros(len(problem.tail), dtype=np.bool_)
    if len(previous.problem.tail) == len(used):  # else it is of another network
        for edges in {flow.edges for flow in previous.flows}:
            used[list(edges)] = True
    search.previous_arcs = _arcs_over(search.instance, used)


def _arcs_over(instance: Instance, used: Bools) -> Bools:
    """Return the arcs of which all original edges were used."""
    owner = np.repeat(np.arange(instance.m), np.diff(instance.chain_first))
    others = np.bincount(owner, weights=~used[instance.chain], minlength=instance.m)
    return np.asarray((others == 0) & (np.diff(instance.chain_first) > 0), dtype=np.bool_)


def run(search: Search, problem: EvacuationProblem) -> None:
    """Steady plan, bound, better bound, better plan."""
    instance = search.instance
    span = steady_range(instance, search.previous_ms)
    flow = None if search.everybody is not None else steady_flow(instance, span)
    search.support = np.zeros(instance.m, dtype=np.bool_) if flow is None else flow.units > 0
    if search.previous_arcs is not None:
        search.support = search.support | search.previous_arcs
    if search.everybody is not None:
        search.instance = search.everybody
        search.support = np.zeros(search.instance.m, dtype=np.bool_)
        save_in_time(search, span.feasible_ms, instance.demand)
        if not len(search.instance.zone):
            return
        span = steady_range(search.instance)
    elif flow is not None:
        search.ways = steady_ways(instance, flow)
        search.take_plan(steady_schedule(search.ways, flow.horizon_ms))
    search.note("first plan")
    search.take_bound(*prove_on_all(search.instance, span.cut, search.support, span.feasible_ms * 1.05))
    for cut in previous_cut(search) + lone_zones(search.instance):
        floor = search.lower_ms * 1.0002
        start = max(span.feasible_ms, floor)
        search.take_bound(*prove_on_all(search.instance, cut, search.support, start, give_up_below_ms=floor))
    _raise_floor(search, problem)
    search.note("first bounds")
    if search.gap > search.target_gap:
        if search.everybody is not None:
            shorten(search)
        improve_bound(search)
        _raise_floor(search, problem)
        improve_plan(search)


def _raise_floor(search: Search, problem: EvacuationProblem) -> None:
    """Count with what is proven because people get ready bit by bit."""
    if problem.ready is not None:
        horizon_s, _ = _proven_cut(search, problem, saved_persons(problem, search.instance))
        search.floor_ms = max(search.floor_ms, horizon_s * 1000.0)


def _proven_cut(search: Search, problem: EvacuationProblem, persons: Floats) -> tuple[float, Floats]:
    """Return the best bound (s) of a search and the potentials (s) of all original nodes that prove it."""
    bound = search.bound
    horizon_s = 0.0 if bound is None else bound.horizon_ms / 1000.0
    if bound is None:
        return readiness_bound(problem, persons, np.zeros(problem.n_nodes), horizon_s)
    potential_s = spread(problem, search.instance, search.potential_ms) / 1000.0
    return readiness_bound(problem, persons, potential_s, horizon_s)


@dataclass(frozen=True)
class _Draft:
    """Everything of the plan document that does not change while the search runs."""

    problem: EvacuationProblem
    whole: Instance
    unmet: dict[str, Int64s]
    params: EvacuationParams
    seed: int
    started: float
    facts: dict[str, Any]

    def finished(self, search: Search, limited: Limited) -> EvacuationPlan:
        """Return the plan with as few routes as asked for, or with a warning that this was not possible."""
        asked = self.params.max_routes_per_zone
        if search.schedule is None:
            return self.plan(search, limited)
        limited.finish(search)
        lane = self.params.lane_capacity_vph * self.params.capacity_factor / 3600.0 * self.problem.occupancy
        plan = replace(self.plan(search, limited), bottlenecks=find_bottlenecks(search, lane))
        if asked is None:
            return replace(plan, runtime_s=perf_counter() - self.started)
        unlimited_s = min(search.upper_ms, limited.upper_ms) / 1000.0
        facts = {**plan.facts, "clearance_time_s_without_limit": unlimited_s, "max_routes_asked": asked}
        warnings = plan.warnings if limited.kept == asked else (*plan.warnings, self._not_kept(limited.schedule, asked))
        if limited.kept is not None and plan.clearance_time_s > unlimited_s * (1 + _DEAR):
            minutes = int(np.ceil((plan.clearance_time_s - unlimited_s) / 60.0))
            warnings = (*warnings, PlanWarning("routes_limit_dear", (str(minutes),)))
        return replace(plan, facts=facts, warnings=warnings, runtime_s=perf_counter() - self.started)

    def _not_kept(self, schedule: Schedule | None, asked: int) -> PlanWarning:
        """Return the warning that names the zones with more routes than asked for."""
        assert schedule is not None
        many = np.flatnonzero(schedule.routes_per_zone(len(self.problem.zone_id)) > asked)
        return PlanWarning("routes_limit_not_kept", tuple(self.problem.zone_id[i] for i in many.tolist()))

    def plan(self, search: Search | None, limited: Limited | None = None) -> EvacuationPlan:
        """Return the best plan so far as a document."""
        problem = self.problem
        persons = np.zeros(len(problem.zone_id)) if search is None else saved_persons(problem, search.instance)
        lower, certificate = 0.0, Certificate((), (), {}, 0.0, float(persons.sum()) / problem.occupancy)
        clearance = 0.0
        flows: tuple[Flow, ...] = ()
        if search is not None and (search.bound is not None or problem.ready is not None):
            horizon_s, potential_s = _proven_cut(search, problem, persons)
            lower, certificate = certify_potentials(problem, persons, potential_s, horizon_s)
        if limited is not None and limited.schedule is not None:
            clearance = limited.upper_ms / 1000.0 if limited.upper_ms > 1 else 0.0  # all are where they have to be
            flows = tuple(flows_of(limited.schedule.merged(), problem, persons))
        lost = self._lost(persons)
        return EvacuationPlan(
            clearance_time_s=clearance,
            lower_bound_s=lower,
            gap=clearance / lower - 1 if lower > 0 else (None if clearance > 0 else 0.0),
            unmet_persons=min(sum(row.persons for row in lost), float(problem.persons.sum())),
            params={**asdict(self.params), "max_routes_per_zone": limited.kept if limited else None},
            seed=self.seed,
            occupancy_persons_per_vehicle=problem.occupancy,
            runtime_s=perf_counter() - self.started,
            problem=problem.record(),
            unmet=tuple(lost),
            flows=flows,
            certificate=certificate,
            warnings=problem.warnings,
            stage="clocked" if search is not None and search.windows is not None else "steady",
            facts=self.facts,
        )

    def _lost(self, persons: Floats) -> list[Unmet]:
        """Return who is left behind, and why; with the persons who are saved they add up to the demand."""
        rows, late = [], self.problem.persons - persons
        for reason, units in self.unmet.items():
            for i in np.flatnonzero(units).tolist():
                zone = int(self.whole.zone[i])
                amount = min(float(units[i]) / UNITS_PER_PERSON, float(late[zone]))  # units are rounded up
                rows.append((zone, amount, reason))
                late[zone] -= amount
        full = persons.sum() > self.problem.shelter_persons.sum() - 1
        reason = "no_place" if full else "too_late"
        rows += [(zone, float(late[zone]), reason) for zone in np.flatnonzero(late > _NOBODY).tolist()]
        return [Unmet(self.problem.zone_id[zone], amount, reason) for zone, amount, reason in rows]
