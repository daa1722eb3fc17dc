"""Plans whose clearing takes much longer than driving: a start that fills the roads, then streams to the end."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import gridgov as gg
from gridgov.evacuation.expansion import expand
from gridgov.evacuation.instance import Instance, make_instance
from gridgov.evacuation.problem import make_problem
from gridgov.evacuation.schedule import Ways
from gridgov.evacuation.search import Search
from gridgov.evacuation.steady import shelter_distance
from gridgov.evacuation.streams import beside, load_of, streams_of
from gridgov.verify_plan import verify_document

SIDE = 8


def crowded_grid(persons: float = 4_000.0) -> tuple[gg.RoadNetwork, pd.DataFrame, pd.DataFrame]:
    """Streets in squares with many people in the middle and shelters at three corners."""
    nodes = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    pairs = np.concatenate(
        [
            np.column_stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()]),
            np.column_stack([nodes[:-1].ravel(), nodes[1:].ravel()]),
        ]
    )
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    time_ms = 20_000 + 1_370 * (np.arange(len(tail)) % 29)
    vph = 400.0 + 100.0 * (np.arange(len(tail)) % 5)
    x, y = np.meshgrid(np.arange(SIDE) * 0.002, np.arange(SIDE) * 0.002)
    network = gg.RoadNetwork.from_arrays(tail, head, time_ms, capacity_vph=vph, x=x.ravel(), y=y.ravel())
    zones = nodes[2:6, 2:6].ravel()
    people = persons * (1 + np.arange(len(zones)) % 3)
    demand = {"zone_id": [f"z{i}" for i in range(len(zones))], "node": zones, "persons": people}
    corners = [nodes[0, 0], nodes[0, -1], nodes[-1, -1]]
    shelters = {"shelter_id": ["a", "b", "c"], "node": corners, "capacity_persons": [0.5 * people.sum()] * 3}
    return network, pd.DataFrame(demand), pd.DataFrame(shelters)


def params(**values: object) -> gg.EvacuationParams:
    return gg.EvacuationParams(**{"max_routes_per_zone": None, "time_limit_s": 10, "target_gap": 0.0045, **values})


def two_roads() -> tuple[Instance, Ways]:
    """A zone with a short and a long way to one shelter."""
    network = gg.RoadNetwork.from_arrays(
        [0, 0, 1], [2, 1, 2], [100_000, 200_000, 200_000], capacity_vph=[3600.0, 360.0, 720.0], x=[0, 1, 2], y=[0, 0, 0]
    )
    demand = pd.DataFrame({"zone_id": ["z"], "node": [0], "persons": [2_500.0]})
    shelters = pd.DataFrame({"shelter_id": ["s"], "node": [2], "capacity_persons": [2_500.0]})
    instance = make_instance(make_problem(network, demand, shelters, params(occupancy_persons_per_vehicle=2.5)))
    zeros = np.zeros(2, dtype=np.int64)
    ways = Ways(instance, zeros, zeros, np.array([1_500_000, 100_000]), np.array([0, 1, 3]), np.array([0, 1, 2]))
    return instance, ways


def test_streams_clear_a_crowded_grid_near_the_bound_and_the_checker_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any clocked expansion of the whole horizon, and the same plan twice."""
    notes: list[str] = []
    monkeypatch.setattr(Search, "note", lambda _search, text: notes.append(text))
    plans = [gg.plan_evacuation(*crowded_grid(), params()) for _ in range(2)]
    document = json.loads(plans[0].to_json())
    verdict = verify_document(document)
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    assert any(text.startswith("streams to") for text in notes)
    assert not any(text.startswith("clocked") for text in notes)
    assert plans[0].gap is not None
    assert plans[0].gap <= 0.005
    assert plans[0].flows == plans[1].flows


def test_streams_are_left_out_where_roads_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream to the end needs its roads to the end."""
    notes: list[str] = []
    monkeypatch.setattr(Search, "note", lambda _search, text: notes.append(text))
    network, demand, shelters = crowded_grid(500.0)
    closes = np.full(network.n_edges, np.inf)
    closes[0] = 900.0
    plan = gg.plan_evacuation(network, demand, shelters, params(time_limit_s=3), edge_closes_s=closes)
    assert not any(text.startswith("streams to") for text in notes)
    assert verify_document(json.loads(plan.to_json())).ok


def test_all_streams_arrive_together_and_end_together() -> None:
    """The longer way begins earlier and ends earlier; what they bring is what was asked for."""
    _, ways = two_roads()
    streams = streams_of(ways, 500_000.0, 2_100_000.0)
    assert streams.start_ms.tolist() == [400_000, 100_000]
    assert streams.end_ms.tolist() == [2_000_000, 1_700_000]
    assert np.allclose(streams.units, ways.units, atol=1)


def test_streams_send_nobody_twice() -> None:
    """Where rates would move more than there are, they are cut down."""
    instance, ways = two_roads()
    streams = streams_of(ways._replace(units=4 * ways.units), 500_000.0, 2_100_000.0)
    assert 0.999 * instance.units[0] <= streams.zone_units[0] <= instance.units[0]


def test_a_way_longer_than_the_start_begins_at_once_and_goes_faster_where_there_is_room() -> None:
    """It has less time to bring its units."""
    _, ways = two_roads()
    streams = streams_of(ways, 300_000.0, 1_000_000.0)
    assert streams.start_ms.tolist() == [200_000, 0]
    assert streams.rate[1] == pytest.approx(100_000 / 600_000)


def test_streams_leave_the_start_what_they_do_not_use() -> None:
    """Capacity is whole before a stream comes by, and less from the step in which it does."""
    instance, ways = two_roads()
    streams = streams_of(ways, 500_000.0, 2_100_000.0)
    clock = shelter_distance(instance)
    start = expand(instance, clock, 500_000.0, 50_000, exact=True)
    load = load_of(streams, clock, 50_000, 12)
    left = beside(start, streams)
    first = int((400_000 + clock[0]) // 50_000)
    assert load[0, first - 1] == 0
    assert load[0, first] == pytest.approx(1_500_000 / 1_600_000)
    rows = (start.kind == 0) & (start.step < first)
    assert (left.cap[rows] == start.cap[rows]).all()
    assert (left.cap[(start.kind == 0) & (start.step >= first)] < start.cap[rows][0]).all()
