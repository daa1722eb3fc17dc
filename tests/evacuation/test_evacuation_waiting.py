"""Where people wait: at home, and on the way only if roads close behind them; answers within small time limits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import gridgov as gg
from gridgov.evacuation.certificate import saved_persons
from gridgov.evacuation.instance import make_instance
from gridgov.evacuation.problem import make_problem
from gridgov.evacuation.steady import steady_flow, steady_range
from gridgov.model.evacuation import EvacuationPlan
from gridgov.verify_plan import Verdict, verify_document

FREE = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, max_routes_per_zone=None, target_gap=0.002)
SIDE = 7


def verdict_on(plan: EvacuationPlan) -> Verdict:
    """What the independent checker says; it must find nothing."""
    verdict = verify_document(json.loads(plan.to_json()))
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    return verdict


def a_town(seed: int) -> tuple[gg.RoadNetwork, pd.DataFrame, pd.DataFrame]:
    """A town of SIDE by SIDE crossings with eight zones inside and three shelters at its corners."""
    rng = np.random.default_rng(seed)
    node = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    one = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    other = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    tail, head = np.concatenate([one, other]), np.concatenate([other, one])
    roads = gg.RoadNetwork.from_arrays(
        tail, head, rng.integers(20_000, 90_000, len(tail)), capacity_vph=rng.integers(3, 12, len(tail)) * 100.0
    )
    inside = rng.choice(node[1:-1, 1:-1].ravel(), 8, replace=False)
    demand = pd.DataFrame({"zone_id": list("abcdefgh"), "node": inside, "persons": rng.integers(50, 600, 8)})
    places = pd.DataFrame({"shelter_id": list("xyz"), "node": node[[0, 0, -1], [0, -1, 0]], "capacity_persons": 2000})
    return roads, demand, places


@pytest.mark.parametrize("seed", range(3))
def test_hardly_anybody_waits_on_the_way(seed: int) -> None:
    """Less than a minute for each vehicle, and the gap is small all the same."""
    roads, demand, places = a_town(seed)
    plan = gg.plan_evacuation(roads, demand, places, replace(FREE, time_limit_s=3))
    waited = verdict_on(plan).facts["waited_vehicle_s"] / demand["persons"].sum()
    assert waited < min(60.0, 0.01 * plan.clearance_time_s)
    assert plan.gap is not None
    assert plan.gap < 0.02


def test_people_wait_on_the_way_where_the_road_behind_them_closes() -> None:
    """A wide road that closes after 60 s, then a narrow one: everybody is saved only by waiting between them."""
    roads = gg.RoadNetwork.from_arrays([0, 1], [1, 2], [10_000, 10_000], capacity_vph=[7200, 1800])
    demand = pd.DataFrame({"zone_id": ["z", "between"], "node": [0, 1], "persons": [90.0, 1.0]})
    places = pd.DataFrame({"shelter_id": ["s"], "node": [2], "capacity_persons": [100.0]})
    plan = gg.plan_evacuation(roads, demand, places, FREE, edge_closes_s=[60.0, np.inf])
    verdict_on(plan)
    assert plan.unmet_persons < 1.5
    assert plan.clearance_time_s == pytest.approx(200, rel=0.05)


def test_a_bound_holds_where_the_narrow_road_is_at_the_zone() -> None:
    """A lane of 600 an hour out of the zone, then a long wide road: 100 vehicles need 600 s and the way of 900 s."""
    roads = gg.RoadNetwork.from_arrays([0, 1], [1, 2], [1_000, 899_000], capacity_vph=[600, 6000])
    demand = pd.DataFrame({"zone_id": ["z"], "node": [0], "persons": [100.0]})
    places = pd.DataFrame({"shelter_id": ["s"], "node": [2], "capacity_persons": [100.0]})
    plan = gg.plan_evacuation(roads, demand, places, FREE)
    verdict_on(plan)
    assert plan.lower_bound_s == pytest.approx(1500, rel=5e-4)


@pytest.mark.parametrize("routes", [None, 2])
def test_even_without_time_there_is_a_plan(routes: int | None) -> None:
    """The first plan is checked, proven to some gap, and keeps the limit of routes."""
    roads, demand, places = a_town(5)
    params = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, max_routes_per_zone=routes, time_limit_s=0.0)
    plan = gg.plan_evacuation(roads, demand, places, params)
    verdict_on(plan)
    assert plan.gap is not None
    assert plan.gap < 1.0
    assert plan.params["max_routes_per_zone"] == routes


def test_plans_on_the_way_keep_the_limit_of_routes_and_get_better() -> None:
    """Every plan that is reported is one that the caller could use; clearance never rises, the bound never falls."""
    roads, demand, places = a_town(1)
    seen: list[EvacuationPlan] = []
    params = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, time_limit_s=3, target_gap=0.0)
    last = gg.plan_evacuation(roads, demand, places, params, progress=seen.append)
    assert seen
    for plan in (*seen, last):
        verdict_on(plan)
        for zone in demand["zone_id"]:
            assert len({flow.edges for flow in plan.flows if flow.zone_id == zone}) <= 2
    times = [plan.clearance_time_s for plan in (*seen, last)]
    assert times == sorted(times, reverse=True)
    bounds = [plan.lower_bound_s for plan in (*seen, last)]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("guess_ms", [0.0, 100_000.0, 1e9])
def test_the_shortest_steady_horizon_is_found_from_any_guess(guess_ms: float) -> None:
    """Horizons with and without a steady flow are 0.2 % apart, and the steady flow moves everybody."""
    problem = make_problem(*a_town(2), FREE)
    instance = make_instance(problem)
    span = steady_range(instance, guess_ms)
    assert span.feasible_ms / span.infeasible_ms < 1.002
    flow = steady_flow(instance, span)
    assert flow is not None
    assert int(flow.zone_units.sum()) == instance.demand
    assert (flow.units <= instance.cap * flow.horizon_ms).all()
    assert saved_persons(problem, instance).sum() == pytest.approx(problem.persons.sum())
