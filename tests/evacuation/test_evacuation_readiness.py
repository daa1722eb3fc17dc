"""People who get ready bit by bit, and roads that close: bounds that count with it, plans that are near them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gridgov as gg
from gridgov.model.evacuation import EvacuationPlan
from gridgov.verify_plan import verify_document

ALL_READY = float(np.sqrt(2 * np.log(1000)))  # times sigma: when 99.9 % are
PARAMS = gg.EvacuationParams(
    occupancy_persons_per_vehicle=1.0,
    max_routes_per_zone=None,
    mobilisation="rayleigh",
    mobilisation_s=300.0,
    time_limit_s=5.0,
)


def road(vph: float) -> gg.RoadNetwork:
    return gg.RoadNetwork.from_arrays([0], [1], [60_000], capacity_vph=[vph])


def frames(persons: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    demand = pd.DataFrame({"zone_id": ["z"], "node": [0], "persons": [persons]})
    return demand, pd.DataFrame({"shelter_id": ["s"], "node": [1], "capacity_persons": [persons]})


def codes(document: dict[str, Any]) -> set[str]:
    return {finding.code for finding in verify_document(document).findings}


@pytest.fixture(scope="module")
def wide() -> EvacuationPlan:
    """A road on which nobody waits for anybody."""
    return gg.plan_evacuation(road(7200), *frames(500), PARAMS)


def test_the_last_who_get_ready_and_their_way_are_the_bound_where_roads_are_wide(wide: EvacuationPlan) -> None:
    """Sigma 300 s: 99.9 % are ready after 1,115 s, and the way takes 60."""
    assert wide.lower_bound_s == pytest.approx(300 * ALL_READY + 60, rel=1e-3)
    assert wide.gap is not None
    assert wide.gap < 0.02
    assert not codes(wide.to_dict())


def test_a_narrow_road_that_waits_for_the_first_is_bounded_by_more_than_its_queue() -> None:
    """1,000 vehicles at one a second take 1,060 s, and more where they get ready with sigma 300 s."""
    plan = gg.plan_evacuation(road(3600), *frames(1000), PARAMS)
    assert plan.lower_bound_s > 1.08 * 1060
    assert plan.gap is not None
    assert plan.gap < 0.05
    assert not codes(plan.to_dict())


@pytest.mark.parametrize("by", [1.002, 1.01, 1.1])
def test_a_raised_bound_is_refused(wide: EvacuationPlan, by: float) -> None:
    """With its potentials raised as well, so that only the sum can tell."""
    document = json.loads(wide.to_json())
    bound = wide.lower_bound_s
    document["lower_bound_s"] = bound * by
    later = {key: value + bound * (by - 1) for key, value in document["certificate"]["potential_s"].items()}
    document["certificate"]["potential_s"] = later
    document["gap"] = document["clearance_time_s"] / (bound * by) - 1
    assert "not_proved" in codes(document)


def test_the_bound_of_slow_people_is_refused_for_people_who_are_ready_at_once(wide: EvacuationPlan) -> None:
    """The curve is part of the question."""
    document = json.loads(wide.to_json())
    document["params"]["mobilisation"] = "at_once"
    assert "not_proved" in codes(document)


def test_who_leaves_before_being_ready_is_found(wide: EvacuationPlan) -> None:
    """All windows a minute earlier."""
    document = json.loads(wide.to_json())
    for flow in document["flows"]:
        flow["start_s"], flow["end_s"] = flow["start_s"] - 60, flow["end_s"] - 60
    document["flows"] = [flow for flow in document["flows"] if flow["start_s"] >= 0]
    assert "not_ready" in codes(document)


def test_a_curve_that_nobody_knows_is_refused(wide: EvacuationPlan) -> None:
    document = json.loads(wide.to_json())
    document["params"]["mobilisation"] = "later"
    assert "malformed" in codes(document)


@pytest.mark.parametrize("kind", ["rayleigh", "logit"])
@pytest.mark.parametrize("seed", range(6))
def test_the_bound_holds_on_random_networks_and_the_checker_believes_it(kind: Any, seed: int) -> None:
    """The plan keeps the curve, the bound is no longer than the plan."""
    rng = np.random.default_rng(seed)
    tail, head = rng.integers(0, 8, (2, 30))
    network = gg.RoadNetwork.from_arrays(
        tail, head, rng.integers(10_000, 90_000, 30), capacity_vph=rng.uniform(300, 1500, 30)
    )
    demand = pd.DataFrame({"zone_id": ["a", "b", "c"], "node": [0, 1, 2], "persons": rng.integers(50, 400, 3)})
    shelters = pd.DataFrame({"shelter_id": ["s", "t"], "node": [6, 7], "capacity_persons": [400, 500]})
    params = replace(PARAMS, mobilisation=kind, mobilisation_s=float(rng.uniform(60, 900)), time_limit_s=1.0)
    plan = gg.plan_evacuation(network, demand, shelters, params)
    assert not codes(plan.to_dict())
    assert plan.lower_bound_s <= plan.clearance_time_s


def streets(side: int = 9) -> gg.RoadNetwork:
    nodes = np.arange(side * side).reshape(side, side)
    across = np.column_stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()])
    pairs = np.concatenate([across, np.column_stack([nodes[:-1].ravel(), nodes[1:].ravel()])])
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    time_ms = 20_000 + 371 * (np.arange(len(tail)) % 31)
    return gg.RoadNetwork.from_arrays(tail, head, time_ms, capacity_vph=500.0 + 200.0 * (np.arange(len(tail)) % 4))


@pytest.mark.parametrize("mobilisation", ["at_once", "rayleigh"])
@pytest.mark.parametrize("routes", [None, 2])
def test_places_for_a_third_only_and_roads_that_close_leave_a_plan_near_its_bound(
    mobilisation: Any, routes: int | None
) -> None:
    """Everybody for whom there is a place is saved, although not all are; streets close one after the other."""
    network = streets()
    nodes = np.arange(20, 60)
    demand = pd.DataFrame({"zone_id": [f"z{node}" for node in nodes], "node": nodes, "persons": 150.0})
    shelters = pd.DataFrame({"shelter_id": ["n", "s"], "node": [4, 76], "capacity_persons": [1000.0, 900.0]})
    closes = np.full(network.n_edges, np.inf)
    closes[::9] = 1_500.0
    params = replace(PARAMS, mobilisation=mobilisation, max_routes_per_zone=routes, time_limit_s=5.0)
    plan = gg.plan_evacuation(network, demand, shelters, params, edge_closes_s=closes)
    assert plan.unmet_persons == pytest.approx(6000 - 1900, abs=1)
    assert {row.reason for row in plan.unmet} == {"no_place"}
    assert plan.gap is not None
    assert plan.gap < 0.15
    assert not codes(plan.to_dict())
