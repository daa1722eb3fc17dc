"""Buses for people without a car."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import order_case
import pandas as pd
import pytest

from gridgov.errors import ParameterError
from gridgov.evacuation.bus_plans import BusPlan
from gridgov.evacuation.buses import plan_buses
from gridgov.model.buses import BusParams
from gridgov.network import RoadNetwork

PARAMS = BusParams(share_without_car=0.5, seats=20, stop_s=10, board_s=1, alight_s=30, time_limit_s=2.0, steps=200)


@pytest.fixture(scope="module")
def city(tiny_city: RoadNetwork) -> RoadNetwork:
    return order_case.named_city(tiny_city)


def zones(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["zone_id", "node", "persons"])


def shelters(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["shelter_id", "node", "capacity_persons"])


def depots(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["depot_id", "node", "buses"])


def check(plan: BusPlan, network: RoadNetwork, params: BusParams, start: dict[str, int]) -> None:
    """Re-check a plan from the travel times alone."""
    for bus in plan.buses:
        now, at = 0.0, start[bus.depot_id]
        for run in bus.runs:
            nodes = run.trip.nodes
            now += float(network.travel_times([at], [nodes[0]])[0, 0]) / 1000
            assert run.reaches_first_stop_s == pytest.approx(now)
            drive = sum(float(network.travel_times([a], [b])[0, 0]) for a, b in itertools.pairwise(nodes)) / 1000
            boarding = sum(params.stop_s + params.board_s * n for _, n in run.trip.stops)
            now += drive + boarding + params.alight_s
            assert run.done_s == pytest.approx(now)
            assert 0 < run.trip.persons <= params.seats
            at = nodes[-1]
    ends = [bus.runs[-1].done_s for bus in plan.buses if bus.runs]
    assert plan.done_s == pytest.approx(max(ends, default=0.0))
    assert plan.lower_bound_s <= plan.done_s + 1e-9


def test_one_full_bus_is_reckoned_by_hand(city: RoadNetwork) -> None:
    """40 persons, half without a car: one load of 20. Depot 4 → zone 0 → shelter 12: 10 s, 30 s."""
    plan = plan_buses(city, zones(("A", 0, 40)), shelters(("S", 12, 100)), depots(("D", 4, 1)), PARAMS)
    assert (plan.persons, plan.trips) == (20, 1)
    assert plan.done_s == 10 + 10 + 20 + 30 + 30
    assert plan.lower_bound_s == plan.done_s
    assert plan.gap == 0.0


def test_a_bus_comes_back_for_further_trips_and_two_buses_share_them(city: RoadNetwork) -> None:
    demand, places = zones(("A", 0, 160)), shelters(("S", 12, 100))
    one = plan_buses(city, demand, places, depots(("D", 4, 1)), PARAMS)
    two = plan_buses(city, demand, places, depots(("D", 4, 2)), PARAMS)
    assert one.done_s == 4 * 90 + 10 + 3 * 30
    assert two.done_s == 2 * 90 + 10 + 30
    assert (one.trips, two.trips, len(two.buses)) == (4, 4, 2)
    for plan in (one, two):
        check(plan, city, PARAMS, {"D": 4})
        assert plan.gap < 0.1


def test_rests_of_neighbours_share_a_bus(city: RoadNetwork) -> None:
    demand = zones(("A", 0, 10), ("B", 4, 10), ("C", 8, 10))
    plan = plan_buses(city, demand, shelters(("S", 12, 100)), depots(("D", 0, 1)), PARAMS)
    (bus,) = plan.buses
    (run,) = bus.runs
    assert run.trip.stops == (("A", 5), ("B", 5), ("C", 5))
    one_each = replace(PARAMS, stops_per_trip=1)
    alone = plan_buses(city, demand, shelters(("S", 12, 100)), depots(("D", 0, 1)), one_each)
    assert alone.trips == 3
    assert plan.done_s < alone.done_s


def test_places_count_and_who_cannot_be_fetched_is_named(city: RoadNetwork) -> None:
    plan = plan_buses(city, zones(("A", 0, 100), ("B", 5, 10)), shelters(("S", 12, 30)), depots(("D", 4, 2)), PARAMS)
    assert plan.persons == 30
    assert sum(n for _, n, reason in plan.unmet if reason == "no_place") == 25
    nobody = plan_buses(city, zones(("A", 0, 100)), shelters(("S", 12, 90)), depots(("D", 4, 0)), PARAMS)
    assert nobody.unmet == (("A", 50, "no_bus"),)
    island = RoadNetwork.from_arrays([0, 1, 2], [1, 0, 1], [1000] * 3, [60.0] * 3, [0, 0.01, 0.02], [0, 0, 0])
    lost = plan_buses(island, zones(("A", 2, 10)), shelters(("S", 0, 90)), depots(("D", 1, 1)), PARAMS)
    assert lost.unmet == (("A", 5, "no_route"),)  # a bus cannot come there
    assert lost.done_s == 0.0


def test_the_roads_that_buses_need_are_reserved_first(city: RoadNetwork) -> None:
    plan = plan_buses(city, zones(("A", 0, 40)), shelters(("S", 12, 100)), depots(("D", 4, 1)), PARAMS)
    used = {(int(city.tail[e]), int(city.head[e])) for e in np.flatnonzero(plan.reserved_vph)}
    assert used == {(4, 0), (0, 4), (4, 8), (8, 12)}
    assert plan.reserved_vph.max() == pytest.approx(2.0 * 3600 / plan.done_s)
    left = plan.network_left(city)
    assert left.capacity_vph is not None
    assert city.capacity_vph is not None
    np.testing.assert_allclose(left.capacity_vph, city.capacity_vph - plan.reserved_vph)


def test_the_bound_holds_and_the_times_add_up_on_random_questions(city: RoadNetwork) -> None:
    random = np.random.default_rng(7)
    for _ in range(12):
        at = random.choice(16, 6, replace=False)
        demand = zones(*((f"Z{i}", int(node), float(random.integers(1, 120))) for i, node in enumerate(at[:4])))
        places = shelters(("S1", int(at[4]), 150.0), ("S2", 12, 150.0))
        where = {"D": int(at[5])}
        plan = plan_buses(city, demand, places, depots(("D", where["D"], int(random.integers(1, 4)))), PARAMS)
        check(plan, city, PARAMS, where)
        fetched = plan.persons + sum(n for _, n, _ in plan.unmet)
        assert fetched == int(np.ceil(demand["persons"] * 0.5).sum())


def test_known_numbers_count_before_the_share(city: RoadNetwork) -> None:
    demand = zones(("A", 0, 40), ("B", 5, 40)).assign(without_car_persons=[3.0, np.nan])
    plan = plan_buses(city, demand, shelters(("S", 12, 100)), depots(("D", 4, 1)), PARAMS)
    assert plan.persons == 3 + 20
    json.dumps(plan.to_dict(), allow_nan=False)


def test_impossible_numbers_are_refused(city: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="share_without_car"):
        BusParams(share_without_car=1.2)
    with pytest.raises(ParameterError, match="no column 'buses'"):
        plan_buses(city, zones(), shelters(), pd.DataFrame({"depot_id": [], "node": []}), PARAMS)
    with pytest.raises(ParameterError, match="negative"):
        plan_buses(city, zones(("A", 0, -4)), shelters(), depots(), PARAMS)
