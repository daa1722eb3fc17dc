"""Bound ≤ optimum ≤ plan on random networks; the optimum by a time-expanded linear programme (scipy, HiGHS)."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

import gridgov as gg
from gridgov.verify_plan import verify_document

STEP_S = 5


def random_question(seed: int) -> tuple[gg.RoadNetwork, pd.DataFrame, pd.DataFrame]:
    """A network of up to 12 nodes whose travel times are whole steps."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 13))
    m = int(rng.integers(n, 4 * n))
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    tail[0], head[0] = 0, n - 1
    seconds, vph = rng.integers(1, 8, m) * STEP_S, rng.integers(1, 8, m) * 360.0
    network = gg.RoadNetwork.from_arrays(tail, head, seconds * 1000, capacity_vph=vph, x=np.zeros(n), y=np.zeros(n))
    n_zones, n_shelters = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    persons = rng.integers(1, 60, n_zones)
    places = np.ceil(rng.uniform(0.3, 1.5, n_shelters) * 1.2 * persons.sum() / n_shelters)
    demand = {"zone_id": [f"z{i}" for i in range(n_zones)], "node": rng.integers(0, n, n_zones), "persons": persons}
    shelters = {"shelter_id": [f"s{i}" for i in range(n_shelters)], "node": rng.integers(0, n, n_shelters)}
    return network, pd.DataFrame(demand), pd.DataFrame({**shelters, "capacity_persons": places})


def can_clear(document: dict, steps: int) -> bool:
    """Whether everybody who is not unmet can be safe after so many steps: a flow in the network expanded over time.

    With travel times of whole steps a continuous plan averaged over each step is such a flow, and the other way round.
    """
    problem, occupancy = document["problem"], document["occupancy_persons_per_vehicle"]
    unmet = {}
    for row in document["unmet"]:
        unmet[row["zone_id"]] = unmet.get(row["zone_id"], 0.0) + row["persons"]
    n, sink = problem["nodes"], problem["nodes"] * steps
    arcs: list[tuple[int, int, float]] = []
    for tail, head, ms, vph in zip(
        *(problem[key] for key in ("tail", "head", "travel_time_ms", "capacity_vph")), strict=True
    ):
        late = ms // (STEP_S * 1000)
        arcs += [(tail * steps + k, head * steps + k + late, vph / 3600 * STEP_S) for k in range(steps - late)]
    arcs += [(v * steps + k, v * steps + k + 1, np.inf) for v in range(n) for k in range(steps - 1)]
    supply = np.zeros(n * steps + 1 + len(problem["shelters"]))
    for zone in problem["demand"]:
        supply[zone["node"] * steps] += (zone["persons"] - unmet.get(zone["zone_id"], 0.0)) / occupancy
    for i, shelter in enumerate(problem["shelters"]):
        gate = sink + 1 + i
        arcs += [(shelter["node"] * steps + k, gate, np.inf) for k in range(steps)]
        arcs.append((gate, sink, shelter["capacity_persons"] / occupancy))
    supply[sink] = -supply.sum()
    tail, head, most = (np.array(column) for column in zip(*arcs, strict=True))
    one = np.ones(len(tail))
    rows = coo_array((np.r_[one, -one], (np.r_[tail, head], np.r_[np.arange(len(tail)), np.arange(len(tail))])))
    found = linprog(
        np.zeros(len(tail)), A_eq=rows.tocsr(), b_eq=supply, bounds=np.c_[np.zeros(len(tail)), most], method="highs"
    )
    return found.status == 0


def check(seed: int) -> None:
    network, demand, shelters = random_question(seed)
    params = gg.EvacuationParams(max_routes_per_zone=None, time_limit_s=5)
    plan = gg.plan_evacuation(network, demand, shelters, params, seed=seed)
    document = json.loads(plan.to_json())
    verdict = verify_document(document)
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    assert plan.lower_bound_s <= plan.clearance_time_s + 1e-3
    if plan.clearance_time_s == 0:
        return
    assert plan.gap is not None
    assert can_clear(document, int(np.ceil(plan.clearance_time_s / STEP_S + 1e-9)))  # optimum ≤ plan
    steps = int(plan.lower_bound_s // STEP_S)
    assert steps == 0 or not can_clear(document, steps)  # bound ≤ optimum


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_bound_optimum_and_plan_stand_in_this_order(first: int) -> None:
    """Twenty networks each: nobody can clear within the bound, and the plan's time is possible."""
    for seed in range(first, first + 20):
        check(seed)
