"""`plan_evacuation`: from roads, zones and shelters to a plan that carries its own proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from gridgov.evacuation.bound import potentials_ms, prove
from gridgov.evacuation.certificate import certify, saved_persons
from gridgov.evacuation.instance import UNITS_PER_PERSON, make_instance
from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.problem import make_problem
from gridgov.evacuation.schedule import flows_of, steady_schedule
from gridgov.evacuation.splitting_off import split_off
from gridgov.evacuation.steady import steady_flow, steady_range
from gridgov.model.evacuation import EvacuationPlan, Unmet

if TYPE_CHECKING:
    import pandas as pd

    from gridgov.network import RoadNetwork

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
    instance, unmet = split_off(whole)
    span = steady_range(instance)
    flow = steady_flow(instance, span.feasible_ms)
    assert flow is not None
    schedule = steady_schedule(instance, flow)
    bound = prove(instance, span.cut, span.feasible_ms * 1.05)
    persons = saved_persons(problem, instance)
    lower, certificate = certify(problem, persons, instance, potentials_ms(instance, bound), bound.horizon_ms)
    clearance = schedule.clearance_ms(problem.travel_time_ms) / 1000.0
    lost = [
        Unmet(problem.zone_id[whole.zone[i]], float(units[i]) / UNITS_PER_PERSON, reason)
        for reason, units in unmet.items()
        for i in np.flatnonzero(units)
    ]
    return EvacuationPlan(
        clearance_time_s=clearance,
        lower_bound_s=lower,
        gap=clearance / lower - 1 if lower > 0 else 0.0,
        unmet_persons=sum(row.persons for row in lost),
        params=asdict(params),
        seed=seed,
        occupancy_persons_per_vehicle=problem.occupancy,
        runtime_s=perf_counter() - started,
        problem=problem.record(),
        unmet=tuple(lost),
        flows=tuple(flows_of(schedule, problem, persons)),
        certificate=certificate,
        warnings=problem.warnings,
        stage="steady",
    )
