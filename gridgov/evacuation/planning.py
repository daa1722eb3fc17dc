"""`plan_evacuation`: from roads, zones and shelters to a plan that carries its own proof."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from gridgov.evacuation.bound import prove_on_all
from gridgov.evacuation.certificate import certify, saved_persons
from gridgov.evacuation.instance import UNITS_PER_PERSON, Instance, make_instance
from gridgov.evacuation.mobilisation import mobilisation
from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.problem import EvacuationProblem, make_problem
from gridgov.evacuation.reduction import reduce_instance
from gridgov.evacuation.routes import limit_routes
from gridgov.evacuation.schedule import flows_of, steady_schedule
from gridgov.evacuation.search import Search, StoppedError, improve_bound, improve_plan, lone_zones, save_in_time
from gridgov.evacuation.splitting_off import split_off
from gridgov.evacuation.steady import steady_flow, steady_range
from gridgov.evacuation.windows import schedule_of
from gridgov.model.evacuation import Certificate, EvacuationPlan, PlanWarning, Unmet
from gridgov.network.validation import Floats, Int64s

if TYPE_CHECKING:
    import pandas as pd

    from gridgov.network import RoadNetwork

_SEARCH_SHARE = 0.85  # of the time limit; the rest is for the limit of routes
_WIDENING = 4
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
    whole = make_instance(problem)
    saved, unmet = split_off(whole)
    draft = _Draft(problem, whole, unmet, params, seed, started)
    if not len(saved.zone):
        return draft.plan(None)

    def tell(search: Search) -> None:
        if progress is not None and progress(draft.plan(search)) is False:
            raise StoppedError

    share = 1.0 if params.max_routes_per_zone is None else _SEARCH_SHARE
    limit_s = params.time_limit_s * share
    search = Search(reduce_instance(saved).instance, problem.travel_time_ms, limit_s, params.target_gap, tell, started)
    search.arrivals_s = mobilisation(params)
    with contextlib.suppress(StoppedError):
        run(search)
    return draft.finished(search)


def run(search: Search) -> None:
    """Steady plan, bound, better bound, better plan."""
    instance = search.instance
    span = steady_range(instance)
    flow = steady_flow(instance, span.feasible_ms)
    search.support = np.zeros(instance.m, dtype=np.bool_) if flow is None else flow.units > 0
    if instance.timed or search.arrivals_s is not None:
        save_in_time(search, span.feasible_ms)
        if not len(search.instance.zone):
            return
        span = steady_range(search.instance)
    elif flow is not None:
        search.take_plan(steady_schedule(instance, flow))
    search.note("first plan")
    search.take_bound(*prove_on_all(search.instance, span.cut, search.support, span.feasible_ms * 1.05))
    for cut in lone_zones(search.instance):
        floor = search.lower_ms * 1.0002
        start = max(span.feasible_ms, floor)
        search.take_bound(*prove_on_all(search.instance, cut, search.support, start, give_up_below_ms=floor))
    search.note("first bounds")
    if search.gap > search.target_gap:
        improve_bound(search)
        improve_plan(search)


@dataclass(frozen=True)
class _Draft:
    """Everything of the plan document that does not change while the search runs."""

    problem: EvacuationProblem
    whole: Instance
    unmet: dict[str, Int64s]
    params: EvacuationParams
    seed: int
    started: float

    def finished(self, search: Search) -> EvacuationPlan:
        """Return the plan with as few routes as asked for, or with a warning that this was not possible."""
        most = self.params.max_routes_per_zone
        if most is None or search.schedule is None:
            return self.plan(search)
        facts = {"clearance_time_s_without_limit": search.upper_ms / 1000.0, "max_routes_asked": most}
        limited = None
        for _ in range(_WIDENING):
            if search.windows is None:
                break
            limited = limit_routes(search.windows, most, lambda: search.seconds > self.params.time_limit_s)
            if limited is not None:
                search.schedule = schedule_of(limited, retimed=search.arrivals_s is None).settled()
                search.upper_ms = search.schedule.clearance_ms(search.travel_time_ms)
                break
            most += 1
        plan = self.plan(search, most if limited is not None else None, facts)
        if limited is not None and most == self.params.max_routes_per_zone:
            return plan
        return replace(plan, warnings=(*plan.warnings, PlanWarning("routes_limit_not_kept")))

    def plan(
        self, search: Search | None, routes: int | None = None, facts: dict[str, Any] | None = None
    ) -> EvacuationPlan:
        """Return the best plan so far as a document; `routes` is the limit of routes per zone that it keeps."""
        problem = self.problem
        persons = np.zeros(len(problem.zone_id)) if search is None else saved_persons(problem, search.instance)
        lower, certificate = 0.0, Certificate((), (), {}, 0.0, float(persons.sum()) / problem.occupancy)
        clearance, flows = 0.0, ()
        if search is not None and search.bound is not None:
            lower, certificate = certify(
                problem, persons, search.instance, search.potential_ms, search.bound.horizon_ms
            )
        if search is not None and search.schedule is not None:
            clearance = search.upper_ms / 1000.0 if search.upper_ms > 1 else 0.0  # all are where they have to be
            flows = tuple(flows_of(search.schedule, problem, persons))
        lost = self._lost(persons)
        return EvacuationPlan(
            clearance_time_s=clearance,
            lower_bound_s=lower,
            gap=clearance / lower - 1 if lower > 0 else (None if clearance > 0 else 0.0),
            unmet_persons=sum(row.persons for row in lost),
            params={**asdict(self.params), "max_routes_per_zone": routes},
            seed=self.seed,
            occupancy_persons_per_vehicle=problem.occupancy,
            runtime_s=perf_counter() - self.started,
            problem=problem.record(),
            unmet=tuple(lost),
            flows=flows,
            certificate=certificate,
            warnings=problem.warnings,
            stage="clocked" if search is not None and search.windows is not None else "steady",
            facts=facts or {},
        )

    def _lost(self, persons: Floats) -> list[Unmet]:
        """Return who is left behind, and why; with the persons who are saved they add up to the demand."""
        rows = [
            (int(self.whole.zone[i]), float(units[i]) / UNITS_PER_PERSON, reason)
            for reason, units in self.unmet.items()
            for i in np.flatnonzero(units).tolist()
        ]
        late = self.problem.persons - persons
        for zone, amount, _ in rows:
            late[zone] -= amount
        rows += [(zone, float(late[zone]), "too_late") for zone in np.flatnonzero(late > _NOBODY).tolist()]
        return [Unmet(self.problem.zone_id[zone], amount, reason) for zone, amount, reason in rows]
