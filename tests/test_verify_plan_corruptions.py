"""A thousand random corruptions of the solver's plans, each of 1 % or one unit beyond rounding: none is accepted."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_verify_plan import digest_of

from gridgov.evacuation import EvacuationParams, plan_evacuation
from gridgov.network import RoadNetwork
from gridgov.verify_plan import verify_document

Document = dict[str, Any]
Corruption = Callable[[Document, np.random.Generator], None]
SIDE, ZONES, SHELTERS = 7, 6, 3
PLANS, EACH = 5, 20  # plans, and corruptions of each kind on each: 5 x 20 x 10 kinds = 1,000


def solved(seed: int) -> Document:
    """A plan for a random grid of streets, some places short and some roads closing in every second one."""
    rng = np.random.default_rng(seed)
    nodes = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    pairs = np.concatenate(
        [
            np.column_stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()]),
            np.column_stack([nodes[:-1].ravel(), nodes[1:].ravel()]),
        ]
    )
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    network = RoadNetwork.from_arrays(
        tail, head, rng.integers(5_000, 60_000, len(tail)), rng.choice([300.0, 600.0, 1500.0], len(tail))
    )
    places = rng.choice(nodes.ravel(), ZONES + SHELTERS, replace=False)
    persons = np.round(rng.lognormal(6, 0.7, ZONES))
    room = rng.lognormal(0, 0.5, SHELTERS)
    share = 0.95 if seed % 2 else 1.2
    demand = pd.DataFrame({"zone_id": [f"Z{i}" for i in range(ZONES)], "node": places[:ZONES], "persons": persons})
    shelters = pd.DataFrame(
        {
            "shelter_id": [f"S{i}" for i in range(SHELTERS)],
            "node": places[ZONES:],
            "capacity_persons": np.round(share * persons.sum() * room / room.sum()),
        }
    )
    params = EvacuationParams(max_routes_per_zone=2 if seed % 3 else None, time_limit_s=1.0, target_gap=0.01)
    document: Document = json.loads(plan_evacuation(network, demand, shelters, params, seed=seed).to_json())
    return document


def a_flow(document: Document, rng: np.random.Generator, *, edges: int = 1) -> Document:
    """A flow with so many edges and a person or more."""
    able = [flow for flow in document["flows"] if len(flow["edges"]) >= edges and flow["persons"] >= 1]
    found: Document = able[int(rng.integers(len(able)))]
    return found


def sign(document: Document) -> None:
    document["problem"]["digest"] = digest_of(document["problem"])


def flow_up(document: Document, rng: np.random.Generator) -> None:
    """The rate is raised; the persons are not."""
    flow = a_flow(document, rng)
    flow["rate_vph"] *= 1 + max(0.01, 1 / flow["persons"])


def flow_up_with_its_persons(document: Document, rng: np.random.Generator) -> None:
    """More persons in a flow than the zone has."""
    flow = a_flow(document, rng)
    factor = 1 + max(0.01, 1 / flow["persons"])
    flow["rate_vph"] *= factor
    flow["persons"] *= factor


def edge_swapped(document: Document, rng: np.random.Generator) -> None:
    """An edge of a route becomes one that does not connect there."""
    flow, problem = a_flow(document, rng), document["problem"]
    place = int(rng.integers(len(flow["edges"])))
    old = flow["edges"][place]
    others = [
        edge
        for edge in range(len(problem["tail"]))
        if problem["tail"][edge] != problem["tail"][old] or problem["head"][edge] != problem["head"][old]
    ]
    flow["edges"][place] = int(rng.choice(others))


def shelter_overfilled(document: Document, rng: np.random.Generator) -> None:
    """A shelter has one place, or one per cent of them, less than come to it."""
    flow = a_flow(document, rng)
    arrived = sum(f["persons"] for f in document["flows"] if f["shelter_id"] == flow["shelter_id"])
    shelter = next(one for one in document["problem"]["shelters"] if one["shelter_id"] == flow["shelter_id"])
    shelter["capacity_persons"] = arrived - max(1.0, 0.01 * arrived)
    sign(document)


def person_lost(document: Document, rng: np.random.Generator) -> None:
    """A flow has fewer persons, and its rate says the same."""
    flow = a_flow(document, rng)
    factor = 1 - max(0.01, 1 / flow["persons"])
    flow["rate_vph"] *= max(factor, 1e-6)
    flow["persons"] *= max(factor, 1e-6)


def person_left_behind(document: Document, rng: np.random.Generator) -> None:
    """Persons of a flow are called unmet because of no route, which there is."""
    flow = a_flow(document, rng)
    lost = max(1.0, 0.01 * flow["persons"])
    factor = 1 - lost / flow["persons"] * (1 - 1e-9)
    flow["rate_vph"] *= max(factor, 1e-9)
    flow["persons"] *= max(factor, 1e-9)
    document["unmet"].append({"zone_id": flow["zone_id"], "persons": lost, "reason": "no_route"})
    document["unmet_persons"] += lost


def window_before_arrival(document: Document, rng: np.random.Generator) -> None:
    """An edge is entered a second, or one per cent of the travel time, before one can be there."""
    flow = a_flow(document, rng, edges=2)
    place = int(rng.integers(1, len(flow["edges"])))
    travel_s = document["problem"]["travel_time_ms"][flow["edges"][place - 1]] / 1000
    flow["enter_s"][place] = flow["enter_s"][place - 1] + travel_s - max(1.0, 0.01 * travel_s)


def closed_under_way(document: Document, rng: np.random.Generator) -> None:
    """An edge closes one second before the last of a flow has left it."""
    flow, problem = a_flow(document, rng), document["problem"]
    place = int(rng.integers(len(flow["edges"])))
    edge = flow["edges"][place]
    problem["closes_s"][edge] = flow["end_s"] + flow["enter_s"][place] + problem["travel_time_ms"][edge] / 1000 - 1.0
    sign(document)


def bound_raised(document: Document, rng: np.random.Generator) -> None:
    """A bound higher by 0.1 %, with all that follows from it computed anew as well as can be."""
    old = document["lower_bound_s"]
    new = old * (1.001 + 0.01 * rng.random())
    proof, problem, occupancy = document["certificate"], document["problem"], document["occupancy_persons_per_vehicle"]
    alpha = np.zeros(problem["nodes"])
    for node, value in proof["potential_s"].items():
        alpha[int(node)] = new if value >= old * (1 - 1e-9) else value
    proof["potential_s"] = {str(node): float(value) for node, value in enumerate(alpha)}
    tail, head = np.array(problem["tail"]), np.array(problem["head"])
    lasts = alpha[head] - alpha[tail] - np.array(problem["travel_time_ms"]) / 1000
    value = float((np.array(problem["capacity_vph"]) / 3600 * np.maximum(0, lasts)).sum())
    rest = {zone["zone_id"]: zone["persons"] for zone in problem["demand"]}
    for row in document["unmet"]:
        rest[row["zone_id"]] -= row["persons"]
    value += sum(rest[zone["zone_id"]] for zone in problem["demand"] if alpha[zone["node"]] > 0) / occupancy
    value += sum(one["capacity_persons"] for one in problem["shelters"] if alpha[one["node"]] < new) / occupancy
    proof["value_vehicles"] = value
    document.update(lower_bound_s=new, gap=document["clearance_time_s"] / new - 1)


def clearance_lowered(document: Document, rng: np.random.Generator) -> None:
    """A promise that the flows do not keep, down to the bound."""
    bound, clearance = document["lower_bound_s"], document["clearance_time_s"]
    new = max(bound, clearance - max(1.0, 0.01 * clearance))
    new = new if clearance - new > 0.002 else clearance * 0.99
    document.update(clearance_time_s=new, gap=new / bound - 1)
    del rng


KINDS: tuple[Corruption, ...] = (
    flow_up,
    flow_up_with_its_persons,
    edge_swapped,
    shelter_overfilled,
    person_lost,
    person_left_behind,
    window_before_arrival,
    closed_under_way,
    bound_raised,
    clearance_lowered,
)


@pytest.fixture(scope="module")
def plans() -> list[Document]:
    return [solved(seed) for seed in range(PLANS)]


def test_the_solvers_plans_are_accepted(plans: list[Document]) -> None:
    """What is corrupted below holds before."""
    for document in plans:
        assert [finding.text() for finding in verify_document(document).findings] == []
        assert document["lower_bound_s"] > 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_corrupted_plans_are_rejected(plans: list[Document], kind: Corruption) -> None:
    """Each of 100 corruptions of this kind is found, with a sentence."""
    for number, document in enumerate(plans):
        rng = np.random.default_rng([number, KINDS.index(kind)])
        whole = pickle.dumps(document)
        for _ in range(EACH):
            broken = pickle.loads(whole)
            kind(broken, rng)
            findings = verify_document(broken).findings
            assert findings, kind.__name__
            assert all(finding.text() for finding in findings)
