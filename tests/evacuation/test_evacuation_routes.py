"""Few routes for each zone: how many, at what price, and how they are left for."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import gridgov as gg
from gridgov.evacuation.replay import replay_plan
from gridgov.model.evacuation import EvacuationPlan
from gridgov.verify_plan import verify_document

PARAMS = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, time_limit_s=5.0)


def streets(side: int = 7) -> gg.RoadNetwork:
    """A grid of streets, lanes of different width both ways."""
    nodes = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        [
            np.column_stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()]),
            np.column_stack([nodes[:-1].ravel(), nodes[1:].ravel()]),
        ]
    )
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    time_ms = 20_000 + 371 * (np.arange(len(tail)) % 31)
    return gg.RoadNetwork.from_arrays(tail, head, time_ms, capacity_vph=400.0 + 200.0 * (np.arange(len(tail)) % 4))


def zones() -> pd.DataFrame:
    """Fifteen zones inside."""
    nodes = [8, 10, 11, 15, 16, 17, 18, 23, 24, 25, 30, 31, 32, 36, 40]
    persons = [100.0 + 60.0 * (i * 7 % 11) for i in range(len(nodes))]
    return pd.DataFrame({"zone_id": [f"z{node}" for node in nodes], "node": nodes, "persons": persons})


def shelters(places: float = 2500.0) -> pd.DataFrame:
    return pd.DataFrame({"shelter_id": ["n", "s", "w"], "node": [3, 45, 21], "capacity_persons": places})


def routes_of_zones(plan: EvacuationPlan) -> int:
    """The most different routes of any zone."""
    found: dict[str, set[tuple[int, ...]]] = {}
    for flow in plan.flows:
        found.setdefault(flow.zone_id, set()).add(flow.edges)
    return max(len(routes) for routes in found.values())


def checked(plan: EvacuationPlan) -> EvacuationPlan:
    verdict = verify_document(json.loads(plan.to_json()))
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    return plan


@pytest.mark.parametrize("most", [2, 3])
def test_no_zone_has_more_routes_than_asked_for(most: int) -> None:
    """Each of them with one window of departure."""
    plan = checked(gg.plan_evacuation(streets(), zones(), shelters(), replace(PARAMS, max_routes_per_zone=most)))
    assert routes_of_zones(plan) <= most
    assert len(plan.flows) <= most * len(zones())
    assert not plan.unmet


def test_two_routes_cost_little_and_are_driven_without_waiting() -> None:
    """Within a twentieth of the plan without a limit, and of the promise when replayed."""
    plan = checked(gg.plan_evacuation(streets(), zones(), shelters(), replace(PARAMS, max_routes_per_zone=2)))
    free = gg.plan_evacuation(streets(), zones(), shelters(), replace(PARAMS, max_routes_per_zone=None))
    assert plan.clearance_time_s <= 1.05 * free.clearance_time_s
    assert replay_plan(plan).ratio == pytest.approx(1.0, abs=0.05)


def test_full_shelters_are_shared_exactly() -> None:
    """Places for everybody and no more: each zone on few routes, no shelter overfilled."""
    places = float(zones()["persons"].sum()) / 3
    plan = checked(gg.plan_evacuation(streets(), zones(), shelters(places), replace(PARAMS, max_routes_per_zone=2)))
    assert plan.unmet_persons == pytest.approx(0, abs=1)
    assert routes_of_zones(plan) <= plan.params["max_routes_per_zone"]


def test_people_who_get_ready_bit_by_bit_keep_to_two_routes() -> None:
    """At no moment have more of a zone left than are ready."""
    params = replace(PARAMS, max_routes_per_zone=2, mobilisation="rayleigh", mobilisation_s=600.0)
    plan = checked(gg.plan_evacuation(streets(), zones(), shelters(), params))
    assert routes_of_zones(plan) <= 2
    for row in zones().itertuples():
        flows = [flow for flow in plan.flows if flow.zone_id == row.zone_id]
        for at_s in range(0, 6000, 100):
            left = sum(f.persons * np.clip((at_s - f.start_s) / (f.end_s - f.start_s), 0, 1) for f in flows)
            assert left <= row.persons * (1 - np.exp(-0.5 * (at_s / 600.0) ** 2)) + 1 + 0.001 * row.persons


def test_routes_over_closing_roads_are_left_for_in_time() -> None:
    """Whoever is on the road when it closes would be found by the checker."""
    closes = np.full(streets().n_edges, np.nan)
    closes[10:20] = 1200.0
    params = replace(PARAMS, max_routes_per_zone=2)
    plan = checked(gg.plan_evacuation(streets(), zones(), shelters(), params, edge_closes_s=closes))
    assert routes_of_zones(plan) <= 2


def test_routes_from_near_and_from_afar_end_each_at_its_own_time() -> None:
    """A narrow bridge stays busy: the near ones go first, the far ones are there when those are through."""
    tail, head = [0, 1, 2, 3, 4], [3, 3, 3, 4, 5]
    time_ms = [10_000, 400_000, 800_000, 10_000, 10_000]
    network = gg.RoadNetwork.from_arrays(tail, head, time_ms, capacity_vph=[3600.0, 3600.0, 3600.0, 1200.0, 3600.0])
    demand = pd.DataFrame({"zone_id": ["near", "far", "farther"], "node": [0, 1, 2], "persons": [400.0, 400.0, 400.0]})
    shelter = pd.DataFrame({"shelter_id": ["s"], "node": [5], "capacity_persons": [2000.0]})
    plan = checked(gg.plan_evacuation(network, demand, shelter, replace(PARAMS, max_routes_per_zone=2)))
    assert plan.clearance_time_s <= 1.05 * plan.lower_bound_s
    assert routes_of_zones(plan) == 1
