"""A small plan written by hand on the tiny city, and the orders that are made of it."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import shapely

from gridgov.evacuation.orders import make_orders
from gridgov.model.orders import EvacuationOrders
from gridgov.network import RoadNetwork

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = datetime(2026, 7, 1, 8, 0, tzinfo=SHANGHAI)
NASTY = '=HYPERLINK("x")<script>alert(1)</script>&\''


def named_city(city: RoadNetwork) -> RoadNetwork:
    """The tiny city with street names: rows are 东一路 … and columns are 北一街 …."""
    names = [
        f"{'一二三四'[int(t) // 4]}路" if abs(int(t) - int(h)) == 1 else f"{'甲乙丙丁'[int(t) % 4]}街"
        for t, h in zip(city.tail, city.head, strict=True)
    ]
    return RoadNetwork.from_arrays(
        city.tail, city.head, city.travel_time_ms, [600.0] * city.n_edges, city.x, city.y, names=names
    )


def edge(city: RoadNetwork, tail: int, head: int) -> int:
    return int(np.flatnonzero((city.tail == tail) & (city.head == head))[0])


def flow(city: RoadNetwork, zone: str, shelter: str, nodes: list[int], window: tuple[float, float], persons: float):
    edges = [edge(city, a, b) for a, b in itertools.pairwise(nodes)]
    rate = persons / 2.5 / (window[1] - window[0]) * 3600
    return {
        "zone_id": zone, "shelter_id": shelter, "edges": edges, "enter_s": [10.0 * i for i in range(len(edges))],
        "start_s": window[0], "end_s": window[1], "rate_vph": rate, "persons": persons,
    }  # fmt: skip


def plan(city: RoadNetwork) -> dict[str, Any]:
    """Zone A (node 0, 100 people) goes two ways, zone B (node 5) has 30 people of whom 10 cannot be saved."""
    flows = [
        flow(city, "A", "S1", [0, 4, 8, 12], (0.0, 300.0), 50.2),
        flow(city, "A", "S1", [0, 4, 8, 12], (320.0, 600.0), 18.8),
        flow(city, "A", "S2", [0, 1, 2, 3, 7], (0.0, 600.0), 31.0),
        flow(city, "B", "S1", [5, 9, 8, 12], (60.0, 420.0), 20.0),
    ]
    edges = range(city.n_edges)
    return {
        "schema": "gridgov-plan/1", "clearance_time_s": 640.0, "lower_bound_s": 620.0, "gap": 0.03,
        "unmet_persons": 10, "params": {}, "seed": 0, "occupancy_persons_per_vehicle": 2.5, "runtime_s": 0.1,
        "problem": {
            "nodes": city.n_nodes, "digest": "sha256:0123", "tail": city.tail.tolist(), "head": city.head.tolist(),
            "travel_time_ms": city.travel_time_ms.tolist(), "capacity_vph": [600.0 for _ in edges],
            "closes_s": [None for _ in edges],
            "demand": [
                {"zone_id": "A", "node": 0, "persons": 100, "deadline_s": None},
                {"zone_id": "B", "node": 5, "persons": 30, "deadline_s": None},
                {"zone_id": "C", "node": 15, "persons": 7, "deadline_s": None},
            ],
            "shelters": [
                {"shelter_id": "S1", "node": 12, "capacity_persons": 90},
                {"shelter_id": "S2", "node": 7, "capacity_persons": 40},
            ],
        },
        "unmet": [
            {"zone_id": "B", "persons": 10, "reason": "no_place"},
            {"zone_id": "C", "persons": 7, "reason": "no_route"},
        ],
        "flows": flows, "certificate": {}, "bottlenecks": [],
    }  # fmt: skip


def zones_frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "zone_id": ["A", "B"], "name": ["甲网格", NASTY], "street_code": ["330101001", "330101001"],
            "street_name": ["江北街道", "江北街道"], "street_name_en": ["Jiangbei", "Jiangbei"],
            "households": [40, None], "in_need": [12, None],
        },
        geometry=[shapely.box(118.9798, 29.5998, 118.9804, 29.6004), shapely.box(118.9808, 29.6008, 118.9814, 29.6014)],
        crs="EPSG:4326",
    )  # fmt: skip


def shelters_frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"shelter_id": ["S1", "S2"], "name": ["第一小学", "体育馆"], "address": ["四路 1 号", ""]},
        geometry=[shapely.Point(118.98, 29.603), shapely.Point(118.983, 29.601)],
        crs="EPSG:4326",
    )


def orders(city: RoadNetwork) -> EvacuationOrders:
    return make_orders(
        plan(city), city, announced_at=EIGHT, timezone="Asia/Shanghai", zones=zones_frame(), shelters=shelters_frame()
    )
