"""Planning again from an earlier plan: roads, shelters and people have changed, and nothing old is believed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

import gridgov as gg
from gridgov.model.evacuation import EvacuationPlan
from gridgov.verify_plan import verify_document

PARAMS = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, time_limit_s=4.0, target_gap=0.01)


@dataclass(frozen=True)
class Question:
    network: gg.RoadNetwork
    demand: pd.DataFrame
    shelters: pd.DataFrame

    def plan(self, previous: EvacuationPlan | None = None, routes: int | None = 2) -> EvacuationPlan:
        params = replace(PARAMS, max_routes_per_zone=routes)
        return gg.plan_evacuation(self.network, self.demand, self.shelters, params, previous=previous)


def streets(side: int = 9) -> gg.RoadNetwork:
    nodes = np.arange(side * side).reshape(side, side)
    across = np.column_stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()])
    pairs = np.concatenate([across, np.column_stack([nodes[:-1].ravel(), nodes[1:].ravel()])])
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    time_ms = 20_000 + 371 * (np.arange(len(tail)) % 31)
    return gg.RoadNetwork.from_arrays(tail, head, time_ms, capacity_vph=500.0 + 200.0 * (np.arange(len(tail)) % 4))


@pytest.fixture(scope="module")
def question() -> Question:
    nodes = np.arange(21, 60, 2)
    demand = pd.DataFrame({"zone_id": [f"z{node}" for node in nodes], "node": nodes, "persons": 200.0})
    shelters = pd.DataFrame(
        {"shelter_id": ["n", "s", "w", "e"], "node": [4, 76, 36, 44], "capacity_persons": [1500.0] * 4}
    )
    return Question(streets(), demand, shelters)


@pytest.fixture(scope="module")
def before(question: Question) -> EvacuationPlan:
    return question.plan()


def busiest(plan: EvacuationPlan, edges: int) -> int:
    load = np.zeros(edges)
    for flow in plan.flows:
        load[list(flow.edges)] += flow.persons
    return int(load.argmax())


def without_busiest(question: Question, before: EvacuationPlan) -> Question:
    assert question.network.capacity_vph is not None
    capacity = question.network.capacity_vph.copy()
    capacity[busiest(before, question.network.n_edges)] = 0.0
    return replace(question, network=question.network.with_capacity(capacity))


def without_a_shelter(question: Question, _: EvacuationPlan) -> Question:
    return replace(question, shelters=question.shelters.iloc[1:])


def with_fewer_places(question: Question, _: EvacuationPlan) -> Question:
    return replace(question, shelters=question.shelters.assign(capacity_persons=[400.0, 1500, 1500, 1500]))


def with_more_people(question: Question, _: EvacuationPlan) -> Question:
    more = question.demand.assign(persons=np.where(np.arange(len(question.demand)) < 5, 400.0, 200.0))
    return replace(question, demand=more)


def with_fewer_people(question: Question, _: EvacuationPlan) -> Question:
    return replace(question, demand=question.demand.iloc[8:])


CHANGES = [without_busiest, without_a_shelter, with_fewer_places, with_more_people, with_fewer_people]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("routes", [None, 2])
def test_what_has_changed_is_kept_to_and_the_bound_is_of_the_new_question(
    question: Question, before: EvacuationPlan, change: object, routes: int | None
) -> None:
    """The checker believes plan and bound; no closed edge, no struck shelter; no worse than a plan from the start."""
    assert callable(change)
    new: Question = change(question, before)
    warm, cold = new.plan(before, routes), new.plan(None, routes)
    verdict = verify_document(json.loads(warm.to_json()))
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    assert new.network.capacity_vph is not None
    shut = set(np.flatnonzero(new.network.capacity_vph == 0).tolist())
    assert not shut & {edge for flow in warm.flows for edge in flow.edges}
    assert {flow.shelter_id for flow in warm.flows} <= set(new.shelters["shelter_id"])
    assert warm.unmet_persons == pytest.approx(cold.unmet_persons, abs=0.01)
    assert warm.lower_bound_s <= cold.clearance_time_s + 0.001
    assert warm.clearance_time_s <= cold.clearance_time_s * 1.03


def test_a_plan_of_another_network_does_no_harm(question: Question) -> None:
    """Nothing of it fits, and nothing of it is used."""
    small = gg.RoadNetwork.from_arrays([0], [1], [60_000], capacity_vph=[3600.0])
    demand = pd.DataFrame({"zone_id": ["q"], "node": [0], "persons": [10.0]})
    shelters = pd.DataFrame({"shelter_id": ["x"], "node": [1], "capacity_persons": [10.0]})
    other = gg.plan_evacuation(small, demand, shelters, PARAMS)
    plan = question.plan(other)
    assert verify_document(json.loads(plan.to_json())).ok
    assert not plan.unmet
