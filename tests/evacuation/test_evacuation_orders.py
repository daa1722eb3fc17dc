"""From a plan to orders: whole people, local times, ways in words."""

from __future__ import annotations

from datetime import datetime

import order_case
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import ParameterError
from gridgov.evacuation.orders import make_orders
from gridgov.model.orders import EvacuationOrders, shared_out
from gridgov.network import RoadNetwork


@pytest.fixture(scope="module")
def city(tiny_city: RoadNetwork) -> RoadNetwork:
    return order_case.named_city(tiny_city)


@pytest.fixture(scope="module")
def orders(city: RoadNetwork) -> EvacuationOrders:
    return order_case.orders(city)


def test_people_are_whole_and_add_up_to_what_the_plan_takes_out(orders: EvacuationOrders) -> None:
    assert {zone.zone_id: zone.persons for zone in orders.zones} == {"A": 100, "B": 20, "C": 0}
    assert sum(shelter.persons for shelter in orders.shelters) == 120 == orders.persons


def test_windows_with_a_short_break_are_one_window_and_times_are_local(orders: EvacuationOrders) -> None:
    first, second = next(zone for zone in orders.zones if zone.zone_id == "A").routes
    (window,) = first.windows
    assert (orders.clock(window.start), orders.clock(window.end)) == ("08:00", "08:10")
    assert (window.last_arrival - window.end).total_seconds() == 30
    assert (window.persons, window.vehicles) == (69, 28)
    assert [route.persons for route in (first, second)] == [69, 31]


def test_the_way_is_told_in_words_of_both_languages(orders: EvacuationOrders) -> None:
    route = orders.zones[0].routes[1]
    zh, en = ([step.text(lang) for step in route.steps] for lang in ("zh", "en"))
    assert zh[0].startswith("沿一路出发")
    assert zh[1].startswith("左转进入丁街")
    assert en[1].startswith("Turn left")
    assert zh[-1] == "到达目的地（丁街）"
    assert route.length_m == pytest.approx(sum(step.length_m for step in route.steps))


def test_who_has_no_way_out_is_said_with_the_reason(orders: EvacuationOrders) -> None:
    by_id = {zone.zone_id: zone for zone in orders.zones}
    assert by_id["B"].unmet == (("no_place", 10),)
    assert by_id["C"].unmet_texts("en") == ["7 people have no road to any shelter; they must be rescued another way."]
    assert by_id["C"].first_departure is None
    assert orders.unmet_persons == 17


def test_what_nobody_knows_is_not_zero(orders: EvacuationOrders) -> None:
    by_id = {zone.zone_id: zone for zone in orders.zones}
    assert (by_id["A"].households, by_id["B"].households, by_id["C"].in_need) == (40, None, None)


def test_orders_need_the_roads_that_the_plan_was_made_for(city: RoadNetwork, tiny_city: RoadNetwork) -> None:
    other = RoadNetwork.from_arrays([0], [1], [1000])
    with pytest.raises(ParameterError, match="made for other roads"):
        make_orders(order_case.plan(city), other, announced_at=order_case.EIGHT, timezone="UTC")


def test_orders_refuse_another_schema_and_a_start_without_zone(city: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="schema"):
        make_orders({"schema": "x"}, city, announced_at=order_case.EIGHT, timezone="UTC")
    with pytest.raises(ParameterError, match="time zone"):
        make_orders(order_case.plan(city), city, announced_at=datetime(2026, 7, 1, 8), timezone="UTC")


def test_orders_can_be_made_on_roads_without_coordinates(city: RoadNetwork) -> None:
    bare = RoadNetwork.from_arrays(city.tail, city.head, city.travel_time_ms)
    made = make_orders(order_case.plan(city), bare, announced_at=order_case.EIGHT, timezone="UTC")
    assert made.persons == 120
    assert made.zones[0].routes[0].steps == ()


def test_orders_are_plain_data_for_json(orders: EvacuationOrders) -> None:
    import json

    text = json.dumps(orders.to_dict(), allow_nan=False)
    assert json.loads(text)["schema"] == "gridgov-orders/1"
    assert json.loads(text)["zones"][0]["routes"][0]["windows"][0]["start"] == "2026-07-01T08:00:00+08:00"


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_shares_are_whole_near_and_add_up(total: int, shares: list[float]) -> None:
    given_out = shared_out(total, shares)
    if sum(shares) > 0:
        assert sum(given_out) == total
        assert all(abs(g - total * s / sum(shares)) < 1 + 1e-6 for g, s in zip(given_out, shares, strict=True))
