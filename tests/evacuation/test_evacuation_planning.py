"""Plans of tiny networks, computed by hand, and what comes of bad input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gridgov as gg
from gridgov.errors import ParameterError
from gridgov.evacuation import make_problem
from gridgov.evacuation.nearest_shelter import nearest_shelter
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.evacuation_words import promise_text, warning_texts
from gridgov.verify_plan import verify_document

ONE_PER_CAR = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, max_routes_per_zone=None, target_gap=0.002)


def a_network(*edges: tuple[int, int, int, float]) -> gg.RoadNetwork:
    """Edges as (tail, head, seconds, vehicles per hour)."""
    tail, head, seconds, vph = zip(*edges, strict=True)
    return gg.RoadNetwork.from_arrays(tail, head, np.array(seconds) * 1000, capacity_vph=vph)


def zones(*rows: tuple[str, int, float | None], **more: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["zone_id", "node", "persons"]).assign(**more)


def shelters(*rows: tuple[str, int, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["shelter_id", "node", "capacity_persons"])


def checked(plan: EvacuationPlan) -> EvacuationPlan:
    """The plan, after the independent checker has found nothing."""
    verdict = verify_document(json.loads(plan.to_json()))
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    return plan


def test_one_road_takes_the_way_and_the_queue() -> None:
    """3600 vehicles an hour, 100 vehicles, 60 s of way: 160 s."""
    plan = checked(
        gg.plan_evacuation(a_network((0, 1, 60, 3600)), zones(("z", 0, 100)), shelters(("s", 1, 100)), ONE_PER_CAR)
    )
    assert plan.lower_bound_s == pytest.approx(160, rel=2e-3)
    assert plan.clearance_time_s == pytest.approx(160, rel=5e-3)
    assert plan.unmet_persons == 0


@pytest.mark.parametrize(
    ("persons", "said"), [(100, "2 min 39 s; this one takes 2 min 4"), (850, "takes 16 min; no plan can be")]
)
def test_what_a_plan_promises_and_its_bound_are_worded_so_that_they_agree(persons: int, said: str) -> None:
    """Short times have seconds; what is less than a minute apart is told as one time."""
    roads = a_network((0, 1, 60, 3600))
    plan = gg.plan_evacuation(roads, zones(("z", 0, persons)), shelters(("s", 1, persons)), ONE_PER_CAR)
    assert said in promise_text(plan, "en")
    assert "0 分钟" not in promise_text(plan, "zh")


def test_a_slow_second_road_takes_its_share() -> None:
    """Roads of 60 s and 120 s, a vehicle per second each: T − 60 + T − 120 = 300 gives 240 s."""
    roads = a_network((0, 1, 60, 3600), (0, 2, 60, 3600), (2, 1, 60, 3600))
    plan = checked(gg.plan_evacuation(roads, zones(("z", 0, 300)), shelters(("s", 1, 400)), ONE_PER_CAR))
    assert plan.lower_bound_s == pytest.approx(240, rel=2e-3)
    assert plan.clearance_time_s == pytest.approx(240, rel=1e-2)


def test_the_bottleneck_is_the_narrow_road_and_has_a_price() -> None:
    """A wide road, then one of 1200 an hour: 1000 vehicles in 3000 s; a lane of 1200 more halves that."""
    roads = a_network((0, 1, 10, 7200), (1, 2, 10, 1200))
    params = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, lane_capacity_vph=1200)
    plan = checked(gg.plan_evacuation(roads, zones(("z", 0, 1000)), shelters(("s", 2, 1000)), params))
    assert plan.bottlenecks[0].edge == 1
    assert plan.bottlenecks[0].minutes_saved_per_lane == pytest.approx(25, rel=0.02)


def test_who_has_no_route_or_no_place_is_named_and_the_bound_is_for_the_rest() -> None:
    """An island zone, and 30 persons more than places."""
    roads = a_network((0, 1, 60, 3600), (2, 2, 1, 100))
    plan = checked(
        gg.plan_evacuation(roads, zones(("z", 0, 130), ("island", 2, 7)), shelters(("s", 1, 100)), ONE_PER_CAR)
    )
    assert {(row.zone_id, row.persons, row.reason) for row in plan.unmet} == {
        ("z", 30, "no_place"),
        ("island", 7, "no_route"),
    }
    assert plan.lower_bound_s == pytest.approx(160, rel=2e-3)


def test_a_road_that_closes_lets_through_what_is_out_in_time() -> None:
    """A vehicle per second, 60 s of way, closed after 100 s: 40 of 100 get through, and nobody is on it later."""
    plan = checked(
        gg.plan_evacuation(
            a_network((0, 1, 60, 3600)),
            zones(("z", 0, 100)),
            shelters(("s", 1, 100)),
            ONE_PER_CAR,
            edge_closes_s=[100.0],
        )
    )
    assert [row.reason for row in plan.unmet] == ["too_late"]
    assert plan.unmet_persons == pytest.approx(60, abs=1.5)


def test_a_zone_is_left_by_its_deadline() -> None:
    """A vehicle per second until 30 s: 30 of 100."""
    plan = checked(
        gg.plan_evacuation(
            a_network((0, 1, 60, 3600)), zones(("z", 0, 100), deadline_s=30.0), shelters(("s", 1, 100)), ONE_PER_CAR
        )
    )
    assert plan.unmet_persons == pytest.approx(70, abs=1.5)
    assert max(flow.end_s for flow in plan.flows) <= 30.001


def test_people_who_get_ready_bit_by_bit_leave_no_earlier_than_the_curve() -> None:
    """Rayleigh with its mode at 300 s: at no moment have more left than are ready."""
    params = gg.EvacuationParams(
        occupancy_persons_per_vehicle=1.0, max_routes_per_zone=None, mobilisation="rayleigh", mobilisation_s=300
    )
    plan = checked(
        gg.plan_evacuation(a_network((0, 1, 60, 7200)), zones(("z", 0, 500)), shelters(("s", 1, 500)), params)
    )
    for at_s in range(0, 2000, 50):
        left = sum(f.persons * np.clip((at_s - f.start_s) / (f.end_s - f.start_s), 0, 1) for f in plan.flows)
        assert left <= 500 * (1 - np.exp(-0.5 * (at_s / 300) ** 2)) + 1


def test_turned_lanes_shorten_the_plan_and_both_times_are_told() -> None:
    """A street with a lane each way: with both lanes outward half the queue."""
    roads = a_network((0, 1, 60, 1800), (1, 0, 60, 1800))
    params = gg.EvacuationParams(occupancy_persons_per_vehicle=1.0, contraflow=True)
    plan = checked(gg.plan_evacuation(roads, zones(("z", 0, 500)), shelters(("s", 1, 500)), params))
    assert plan.clearance_time_s == pytest.approx(560, rel=0.02)
    assert plan.facts["clearance_time_s_without_contraflow"] == pytest.approx(1060, rel=0.02)
    assert plan.facts["edges_given_up"] == [1]


def test_on_foot_everybody_counts_as_one() -> None:
    """Occupancy does not count for walkers: capacity is persons an hour."""
    params = gg.EvacuationParams(mode="walk", occupancy_persons_per_vehicle=4.0)
    plan = checked(
        gg.plan_evacuation(a_network((0, 1, 60, 3600)), zones(("z", 0, 100)), shelters(("s", 1, 100)), params)
    )
    assert plan.occupancy_persons_per_vehicle == 1.0
    assert plan.clearance_time_s == pytest.approx(160, rel=0.02)


def test_a_zone_at_its_shelter_needs_no_time() -> None:
    """Everybody is where they have to be."""
    plan = checked(
        gg.plan_evacuation(a_network((0, 1, 60, 3600)), zones(("z", 1, 10)), shelters(("s", 1, 100)), ONE_PER_CAR)
    )
    assert plan.clearance_time_s == 0
    assert plan.gap == 0


LINE = a_network((0, 1, 10, 1000), (1, 2, 20, 1000), (2, 3, 30, 1000))


@pytest.mark.parametrize("places", [100, 4])
@pytest.mark.parametrize("more", [{}, {"contraflow": True}, {"mobilisation": "rayleigh", "mobilisation_s": 60.0}])
def test_where_all_who_can_be_served_are_at_the_shelter_there_are_no_routes_to_limit(
    places: int, more: dict[str, Any]
) -> None:
    """No road matters then; who finds no place is named."""
    params = gg.EvacuationParams(time_limit_s=2, **more)
    plan = checked(gg.plan_evacuation(LINE, zones(("a", 3, 10)), shelters(("s", 3, places)), params))
    assert plan.clearance_time_s == 0
    assert plan.unmet_persons == max(10 - places, 0)


def test_a_second_zone_for_which_no_place_is_left_stays_and_is_named() -> None:
    """The only shelter is full of those who live there."""
    params = gg.EvacuationParams(time_limit_s=2)
    plan = checked(gg.plan_evacuation(LINE, zones(("a", 3, 10), ("b", 0, 5)), shelters(("s", 3, 10)), params))
    assert [(row.zone_id, row.persons, row.reason) for row in plan.unmet] == [("b", 5, "no_place")]


@pytest.mark.parametrize("places", [shelters(("s", 2, 0)), shelters()])
@pytest.mark.parametrize("deadline_s", [None, 600.0])
def test_where_there_are_roads_but_no_places_the_reason_is_no_place(
    places: pd.DataFrame, deadline_s: float | None
) -> None:
    """An island has no route even then."""
    roads = a_network((0, 1, 10, 1000), (1, 2, 20, 1000), (2, 1, 20, 1000), (3, 3, 1, 1000))
    demand = zones(("z", 0, 467.3398), ("t", 2, 0.3333), ("island", 3, 7), deadline_s=deadline_s)
    plan = checked(gg.plan_evacuation(roads, demand, places, ONE_PER_CAR))
    assert {row.zone_id: row.reason for row in plan.unmet} == {"z": "no_place", "t": "no_place", "island": "no_route"}
    assert plan.unmet_persons == demand["persons"].sum()
    everywhere = nearest_shelter(roads, demand, places, ONE_PER_CAR)
    assert {row.zone_id: row.reason for row in everywhere.unmet} == {row.zone_id: row.reason for row in plan.unmet}


def test_who_reaches_only_a_shelter_without_places_has_no_place_and_its_number_is_named() -> None:
    """Numbers of places that stand for none known are named; they count as they stand."""
    roads = a_network((0, 1, 60, 3600), (2, 3, 60, 3600))
    places = shelters(("good", 1, 50), ("one", 1, 1), ("many", 1, 99_999), ("none", 3, 0))
    plan = checked(gg.plan_evacuation(roads, zones(("a", 0, 10), ("b", 2, 5)), places, ONE_PER_CAR))
    assert [(row.zone_id, row.reason) for row in plan.unmet] == [("b", "no_place")]
    assert {(warning.code, warning.ids) for warning in plan.warnings} == {
        ("places_zero", ("none",)), ("places_placeholder", ("one", "many")),
    }  # fmt: skip
    for lang in ("zh", "en"):
        assert "one, many" in " ".join(warning_texts(plan, lang))


@pytest.mark.parametrize(("demand", "places"), [(zones(), shelters(("s", 1, 5))), (zones(("z", 0, 5)), shelters())])
def test_nobody_to_move_or_nowhere_to_go_is_an_answer(demand: pd.DataFrame, places: pd.DataFrame) -> None:
    """No exception, but a plan without flows."""
    plan = checked(gg.plan_evacuation(a_network((0, 1, 60, 3600)), demand, places))
    assert plan.flows == ()
    assert plan.unmet_persons == demand["persons"].sum()


def test_unknown_numbers_are_no_zeros_and_strange_capacities_are_named() -> None:
    """Zones without persons are left out and named; so are capacities of zero and placeholders."""
    roads = a_network((0, 1, 60, 3600), (0, 1, 60, 0), (0, 1, 50, 99_999), (0, 1, 50, 1))
    demand = zones(("known", 0, 10), ("unknown", 0, None))
    plan = checked(gg.plan_evacuation(roads, demand, shelters(("s", 1, 100)), ONE_PER_CAR))
    assert {(warning.code, warning.ids) for warning in plan.warnings} == {
        ("persons_missing", ("unknown",)),
        ("capacity_zero", ("1",)),
        ("capacity_placeholder", ("2", "3")),
    }


@pytest.mark.parametrize(
    ("demand", "places", "word"),
    [
        (zones(("z", 0, 5), ("z", 0, 5)), shelters(("s", 1, 5)), "twice"),
        (zones(("z", 7, 5)), shelters(("s", 1, 5)), "node"),
        (zones(("z", 0, -5)), shelters(("s", 1, 5)), "-5"),
        (zones(("z", 0, 5)).drop(columns="persons"), shelters(("s", 1, 5)), "persons"),
    ],
)
def test_a_broken_frame_is_refused_in_one_sentence(demand: pd.DataFrame, places: pd.DataFrame, word: str) -> None:
    """The sentence names what is wrong."""
    with pytest.raises(ParameterError, match=word):
        gg.plan_evacuation(a_network((0, 1, 60, 3600)), demand, places)


def test_a_network_without_capacities_is_refused() -> None:
    """Nothing can be promised on it."""
    roads = gg.RoadNetwork.from_arrays([0], [1], [1000])
    with pytest.raises(ParameterError, match="capacity_vph"):
        make_problem(roads, zones(("z", 0, 5)), shelters(("s", 1, 5)), gg.EvacuationParams())


def test_the_document_can_be_read_back() -> None:
    """Gzip or not, the same plan."""
    plan = gg.plan_evacuation(a_network((0, 1, 60, 3600)), zones(("z", 0, 100)), shelters(("s", 1, 100)), ONE_PER_CAR)
    assert EvacuationPlan.from_json(plan.to_json(compress=True)) == EvacuationPlan.from_json(plan.to_json()) == plan


def test_progress_gets_better_plans_and_can_stop() -> None:
    """The first plan is the steady one; stopped there, it is the answer, with a bound if one was found."""
    seen: list[EvacuationPlan] = []

    def stop(plan: EvacuationPlan) -> bool:
        seen.append(plan)
        return False

    roads = a_network((0, 1, 60, 3600), (0, 2, 60, 3600), (2, 1, 60, 3600))
    plan = gg.plan_evacuation(roads, zones(("z", 0, 300)), shelters(("s", 1, 400)), ONE_PER_CAR, progress=stop)
    assert len(seen) == 1
    assert plan.clearance_time_s == checked(seen[0]).clearance_time_s


def test_the_same_question_and_seed_give_the_same_plan() -> None:
    """All but the time it took."""
    roads = a_network((0, 1, 60, 3600), (0, 2, 60, 3600), (2, 1, 60, 3600))
    args = (roads, zones(("z", 0, 300), ("y", 2, 50)), shelters(("s", 1, 400)))
    first, second = gg.plan_evacuation(*args), gg.plan_evacuation(*args)
    assert first.flows == second.flows
    assert first.certificate == second.certificate
