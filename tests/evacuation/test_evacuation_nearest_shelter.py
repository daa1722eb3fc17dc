"""Everyone to the nearest shelter: who goes where, how long it takes, and who finds no place."""

from __future__ import annotations

import pandas as pd
import pytest

from gridgov.evacuation import EvacuationParams, plan_evacuation
from gridgov.evacuation.nearest_shelter import NearestShelter, nearest_shelter
from gridgov.evacuation.replay import replay_plan
from gridgov.network import RoadNetwork

PARAMS = EvacuationParams(occupancy_persons_per_vehicle=1.0, max_routes_per_zone=None, time_limit_s=5.0)


def street(capacity: float = 360.0) -> RoadNetwork:
    """0 - 1 - 2 - 3 - 4, each step 100 s and one vehicle every ten seconds; node 5 has no street."""
    tail, head = [0, 1, 2, 3, 1, 2, 3, 4], [1, 2, 3, 4, 0, 1, 2, 3]
    return RoadNetwork.from_arrays(tail, head, [100_000] * 8, [capacity] * 8, n_nodes=6)


def asked(zones: dict[str, tuple[int, float]], shelters: dict[str, tuple[int, float]]) -> NearestShelter:
    return nearest_shelter(street(), *frames(zones, shelters), PARAMS)


def frames(
    zones: dict[str, tuple[int, float]], shelters: dict[str, tuple[int, float]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    demand = [{"zone_id": key, "node": node, "persons": persons} for key, (node, persons) in zones.items()]
    places = [{"shelter_id": key, "node": node, "capacity_persons": room} for key, (node, room) in shelters.items()]
    return (
        pd.DataFrame(demand, columns=["zone_id", "node", "persons"]),
        pd.DataFrame(places, columns=["shelter_id", "node", "capacity_persons"]),
    )


def trips(found: NearestShelter) -> list[tuple[str, str, float]]:
    return [(trip.zone_id, trip.shelter_id, trip.persons) for trip in found.trips]


def test_everyone_goes_to_the_nearest_shelter_while_there_are_places() -> None:
    """Zone A is nearer to S and takes its places first; who is left of B goes on to the farther T."""
    found = asked({"B": (2, 50), "A": (1, 30)}, {"S": (0, 60), "T": (4, 100)})
    assert sorted(trips(found)) == [("A", "S", 30), ("B", "S", 30), ("B", "T", 20)]
    assert found.unmet == ()


def test_all_leave_at_once_and_queue() -> None:
    """30 vehicles on one road of one vehicle every ten seconds: 100 s of way and 300 s of queue."""
    found = asked({"A": (1, 30)}, {"S": (0, 60)})
    assert found.clearance_time_s == pytest.approx(400)
    assert found.replay.cleared_s[0.5] == pytest.approx(250)
    assert found.replay.shelter_load[-1].tolist() == [30]


def test_without_places_or_ways_people_stay_with_a_reason() -> None:
    """No place is left for 10 of A; nothing leads from node 5."""
    found = asked({"A": (1, 30), "N": (5, 7)}, {"S": (0, 20)})
    assert {(row.zone_id, row.persons, row.reason) for row in found.unmet} == {
        ("A", 10, "no_place"),
        ("N", 7, "no_route"),
    }
    assert found.unmet_persons == 17


def test_shelters_that_would_overflow_are_named_when_nobody_counts_places() -> None:
    """All 80 would go to S with 60 places: a quarter of them too many."""
    found = asked({"B": (2, 50), "A": (1, 30)}, {"S": (0, 60), "T": (4, 100)})
    assert [(one.shelter_id, one.persons, one.capacity_persons) for one in found.overfull] == [("S", 80, 60)]
    assert found.overfull_share == pytest.approx(0.25)


def test_a_road_that_closes_strands_who_comes_later() -> None:
    """The way is chosen without knowing that it closes after 200 s; who is not through by then is too late."""
    closes = [None] * 8
    closes[4] = 200.0
    found = nearest_shelter(street(), *frames({"A": (2, 30)}, {"S": (0, 60)}), PARAMS, edge_closes_s=closes)
    assert found.unmet_persons == pytest.approx(30 - found.replay.arrived)
    assert {row.reason for row in found.unmet} == {"too_late"}


def test_nobody_or_no_shelter_is_an_answer() -> None:
    """Nothing to move, and nowhere to go."""
    assert asked({}, {"S": (0, 10)}).clearance_time_s == 0
    nowhere = asked({"A": (1, 30)}, {})
    assert [(row.persons, row.reason) for row in nowhere.unmet] == [(30, "no_place")]  # a road leads away
    assert nowhere.to_dict()["replay"]["clearance_s"] == 0


def test_a_plan_is_never_slower_than_the_nearest_shelter_on_a_hand_made_street() -> None:
    """Two ways out: the plan uses both, the nearest shelter only one; the replay keeps the plan's promise."""
    zones, shelters = {"A": (1, 60), "B": (2, 60)}, {"S": (0, 120), "T": (4, 120)}
    plan = plan_evacuation(street(), *frames(zones, shelters), PARAMS)
    nearest = asked(zones, shelters)
    assert plan.clearance_time_s < nearest.clearance_time_s
    replayed = replay_plan(plan)
    assert replayed.ratio is not None
    assert replayed.ratio <= 1.10
    assert replayed.arrived == pytest.approx(120)
    assert replayed.promised_cleared_s is not None
    assert replayed.promised_cleared_s[1.0] == pytest.approx(plan.clearance_time_s, abs=1)
