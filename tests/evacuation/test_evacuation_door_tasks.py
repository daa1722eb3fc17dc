"""Who knocks at which doors."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import order_case
import pytest
import shapely

from gridgov.evacuation.door_tasks import door_tasks
from gridgov.model.orders import EvacuationOrders
from gridgov.network import RoadNetwork


@pytest.fixture(scope="module")
def city(tiny_city: RoadNetwork) -> RoadNetwork:
    return order_case.named_city(tiny_city)


@pytest.fixture(scope="module")
def orders(city: RoadNetwork) -> EvacuationOrders:
    return order_case.orders(city)


def workers(*rows: tuple[str, list[str], float, str]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "worker_id": [row[0] for row in rows],
            "name": ["甲" for _ in rows],
            "duty_grids": [row[1] for row in rows],
            "status": [row[3] for row in rows],
        },
        geometry=[shapely.Point(row[2], 29.6) for row in rows],
        crs="EPSG:4326",
    )


def test_workers_of_the_duty_area_share_the_doors(orders, city) -> None:
    tasks, without = door_tasks(
        orders, workers(("W1", ["A"], 118.98, "free"), ("W2", ["A", "B"], 118.983, "busy")), city
    )
    assert [(t.worker_id, t.zone_id, t.doors, t.escort_persons, t.reason) for t in tasks] == [
        ("W1", "A", 20, 6, "duty"),
        ("W2", "A", 20, 6, "duty"),
        ("W2", "B", None, None, "duty"),
    ]
    assert without == ()


def test_a_zone_of_nobody_goes_to_the_nearest_worker_by_road(orders, city) -> None:
    tasks, _ = door_tasks(orders, workers(("W1", [], 118.983, "free"), ("W2", [], 118.98, "free")), city)
    first = next(task for task in tasks if task.zone_id == "A")
    assert (first.worker_id, first.reason) == ("W2", "nearest")
    assert first.travel_time_s is not None
    assert next(task for task in tasks if task.zone_id == "B").worker_id == "W1"  # W2 has 40 doors to knock at


def test_who_is_off_duty_is_not_asked_and_a_zone_without_anybody_is_named(orders, city) -> None:
    crew = workers(("W1", ["A"], 118.98, "off"), ("W2", ["B"], 118.98, "free"))
    assert door_tasks(orders, crew, city, off_duty={"W2"}) == ((), ("A", "B"))


def test_a_task_is_told_in_both_languages_with_the_time_and_the_shelters(orders, city) -> None:
    (task, *_), _ = door_tasks(orders, workers(("W1", ["A"], 118.98, "free")), city)
    assert task.text("zh", orders) == (
        "08:00 前敲门通知甲网格的 40 户，带往第一小学、体育馆。其中约 12 人可能需要搀扶或用车接送。"
    )
    assert "Before 08:00: knock at the 40 doors" in task.text("en", orders)
    assert "不详" in replace(task, doors=None).text("zh", orders)


def test_straight_distances_do_where_there_are_no_drawn_roads(orders) -> None:
    tasks, without = door_tasks(orders, workers(("W1", [], 118.983, "free"), ("W2", [], 118.98, "free")))
    assert {task.worker_id for task in tasks if task.zone_id == "A"} == {"W2"}
    assert without == ()
