"""The smallest change that flips a choice is tried out, on travel times and on the roads themselves."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.dispatch import AssignmentParams, Roster, check_flips, plan_assignment
from gridgov.dispatch.candidates import DenseCandidates
from gridgov.dispatch.flipping import Delayed
from gridgov.model import TravelMode
from gridgov.model.assignments import AssignmentTask
from gridgov.network import RoadNetwork

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 30, 12, 0, tzinfo=SHANGHAI)


def with_dead_end(city: RoadNetwork, extra_ms: int) -> RoadNetwork:
    """The city with a crossing 16 west of 4, from which one road leads out: it takes longer by `extra_ms`."""
    tail, head = np.append(city.tail, 16), np.append(city.head, 4)
    times = np.append(city.travel_time_ms, 10_000 + extra_ms)
    x, y = np.append(city.x, city.x[4] - 0.001), np.append(city.y, city.y[4])
    return RoadNetwork.from_arrays(tail, head, times, x=x, y=y)


@pytest.fixture
def plan_on(make_workers, at_crossing):
    def plan(city: RoadNetwork):
        frame = make_workers(0, 15, 12)
        frame.loc[0, "geometry"] = frame.geometry.iloc[0].__class__(city.x[16], city.y[16])
        roster = Roster.from_frame(frame, dict.fromkeys(TravelMode, city), SHANGHAI)
        tasks = [AssignmentTask(f"I{i}", *at_crossing(node), weight=w) for i, (node, w) in enumerate([(5, 3), (14, 1)])]
        return roster, tasks, plan_assignment(roster, tasks, now=NOON)

    return plan


def test_a_road_that_takes_longer_by_the_change_sends_another_worker_and_by_less_does_not(tiny_city, plan_on) -> None:
    _, _, plan = plan_on(with_dead_end(tiny_city, 0))
    first = plan.assignments[0]
    assert (first.worker_id, first.runner_up != "") == ("W0", True)
    assert plan_on(with_dead_end(tiny_city, first.flip_ms))[2].assignments[0].worker_id != "W0"
    assert plan_on(with_dead_end(tiny_city, first.flip_ms - 1))[2].assignments[0].worker_id == "W0"


def test_every_change_of_a_plan_is_the_smallest_one(tiny_city, plan_on) -> None:
    roster, tasks, plan = plan_on(with_dead_end(tiny_city, 0))
    checks = check_flips(roster, tasks, plan, now=NOON)
    assert [check.incident_id for check in checks] == ["I0", "I1"]
    assert all(check.good for check in checks)
    assert len(check_flips(roster, tasks, plan, now=NOON, most=1)) == 1


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 5), st.booleans())
def test_on_random_plans_of_the_city_too(tiny_city: RoadNetwork, seed: int, n: int, m: int, several: bool) -> None:
    rng = np.random.default_rng(seed)
    varied = tiny_city.with_speed_factors(rng.uniform(0.3, 1.0, tiny_city.n_edges))
    places = tiny_city.x, tiny_city.y
    at = rng.integers(0, 16, n + m)
    frame = _workers(at[:m], places)
    roster = Roster.from_frame(frame, dict.fromkeys(TravelMode, varied), SHANGHAI)
    tasks = [
        AssignmentTask(f"I{i}", float(places[0][node]), float(places[1][node]), weight=int(rng.integers(1, 5)))
        for i, node in enumerate(at[m:])
    ]
    params = AssignmentParams(capacity=2 if several else 1, max_travel_s=60, queue_s=5, unserved_s=90)
    plan = plan_assignment(roster, tasks, params, now=NOON)
    for check in check_flips(roster, tasks, plan, params, now=NOON):
        assert check.good, check


def _workers(nodes, places):
    import geopandas as gpd

    rows = [
        {"worker_id": f"W{i}", "name": "", "mode": "drive", "status": "free", "skills": []} for i in range(len(nodes))
    ]
    return gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy(places[0][nodes], places[1][nodes]), crs="EPSG:4326")


def test_a_changed_time_is_seen_wherever_the_worker_stood_in_the_list() -> None:
    source = DenseCandidates(np.array([[10, 20, 30], [5, -1, 7]]))
    sooner = Delayed(source, 0, 2, -25)
    found = sooner.nearest(np.array([0, 1]), 1)
    assert 2 in found.worker[0]
    assert found.time_ms[0, found.worker[0] == 2].tolist() == [5]
    assert (sooner.pair_ms(0, 2), sooner.pair_ms(1, 2)) == (5, 7)
    later = Delayed(source, 0, 0, 100).nearest(np.array([0]), 3)
    assert sorted(zip(later.worker[0].tolist(), later.time_ms[0].tolist(), strict=True))[-3:] == [
        (0, 110),
        (1, 20),
        (2, 30),
    ]
    assert Delayed(source, 1, 1, 100).pair_ms(1, 1) == -1
