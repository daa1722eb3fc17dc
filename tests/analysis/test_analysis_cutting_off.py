"""Which roads a hazard closes and when, and who is cut off: by hand in the city of nine blocks."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.analysis.cutting_off import RoadConsequences, closing_times, road_consequences
from gridgov.model.hazards import HazardZone
from gridgov.network import RoadNetwork

WEST, SOUTH, STEP = 118.98, 29.60, 0.001


def area(west: float, south: float, east: float, north: float) -> Any:
    """A box whose corners are counted in blocks."""
    return shapely.box(WEST + west * STEP, SOUTH + south * STEP, WEST + east * STEP, SOUTH + north * STEP)


def zone(west: float, south: float, east: float, north: float, arrival_s: float = 0.0) -> HazardZone:
    return HazardZone(mapping(area(west, south, east, north)), 3, arrival_s)


def grid_at(column: int, row: int) -> Any:
    return area(column - 0.05, row - 0.05, column + 0.05, row + 0.05)


def asked(
    city: RoadNetwork, *zones: HazardZone, shelter: tuple[int, int] | None = (3, 3), **options: Any
) -> RoadConsequences:
    grids = gpd.GeoDataFrame(
        {"grid_code": ["sw", "nw", "mid"]}, geometry=[grid_at(0, 0), grid_at(0, 3), grid_at(1, 1)], crs="EPSG:4326"
    )
    shelters = None
    if shelter is not None:
        place = shapely.Point(WEST + shelter[0] * STEP, SOUTH + shelter[1] * STEP)
        shelters = gpd.GeoDataFrame({"shelter_id": ["S1"]}, geometry=[place], crs="EPSG:4326")
    return road_consequences(city, zones, grids, shelters, **options)


def cut(answer: RoadConsequences) -> dict[str, tuple[float, str]]:
    return {row.grid_code: (row.cut_off_s, row.reason) for row in answer.cut_off.itertuples()}


def test_an_edge_closes_when_the_first_zone_that_cuts_it_is_reached(tiny_city: RoadNetwork) -> None:
    closes = closing_times(tiny_city, (zone(0.4, -0.1, 0.6, 0.1, 600), zone(0.3, -0.1, 0.7, 1.1, 1200)))
    by_ends = {(int(t), int(h)): c for t, h, c in zip(tiny_city.tail, tiny_city.head, closes, strict=True)}
    assert by_ends[0, 1] == 600
    assert by_ends[4, 5] == by_ends[5, 4] == 1200
    assert np.isinf(by_ends[8, 9])


def test_a_hazard_that_has_begun_closes_its_roads_now_and_a_later_one_later(tiny_city: RoadNetwork) -> None:
    one = zone(0.4, -0.1, 0.6, 0.1, 600)
    assert closing_times(tiny_city, (one,), delay_s=-900).min() == 0
    assert closing_times(tiny_city, (one,), delay_s=300).min() == 900


def test_a_ring_of_water_cuts_off_what_it_does_not_reach(tiny_city: RoadNetwork) -> None:
    """Both roads out of the north-west corner go after 300 s; the corner itself stays dry."""
    answer = asked(tiny_city, zone(0.4, 2.9, 0.6, 3.1, 100), zone(-0.1, 2.4, 0.1, 2.6, 300))
    assert cut(answer) == {"nw": (300, "surrounded")}
    assert answer.cut_off["reached_s"].isna().all()


def test_what_the_hazard_reaches_first_is_reached_and_not_surrounded(tiny_city: RoadNetwork) -> None:
    assert cut(asked(tiny_city, zone(-0.2, 2.5, 0.5, 3.2, 50))) == {"nw": (50, "reached")}


def test_without_a_standing_shelter_everybody_is_without_a_goal_from_then_on(tiny_city: RoadNetwork) -> None:
    answer = asked(tiny_city, zone(2.9, 2.9, 3.1, 3.1, 700), shelter=(3, 3))
    assert answer.shelters[["shelter_id", "struck_s"]].to_numpy().tolist() == [["S1", 700]]
    assert set(cut(answer)) == {"sw", "nw", "mid"}
    assert {seconds for seconds, _ in cut(answer).values()} == {700}


def test_without_any_shelters_the_way_out_of_the_hazard_counts(tiny_city: RoadNetwork) -> None:
    answer = asked(tiny_city, zone(-0.2, 2.5, 0.5, 3.2, 50), shelter=None)
    assert answer.goal == "outside"
    assert cut(answer) == {"nw": (50, "reached")}


def test_who_never_had_a_way_is_counted_apart_without_a_time(tiny_city: RoadNetwork) -> None:
    """A shelter at the start of a one-way street cannot be reached by anybody against it."""
    alone = tiny_city.with_closures([e for e in range(tiny_city.n_edges) if tiny_city.head[e] == 15])
    answer = asked(alone, zone(1.4, 1.4, 1.6, 1.6))
    assert set(answer.cut_off["reason"]) == {"never_connected"}
    assert answer.cut_off["cut_off_s"].isna().all()


def test_streets_that_close_are_counted_once_with_their_length(tiny_city: RoadNetwork) -> None:
    answer = asked(tiny_city, zone(0.4, 0.9, 0.6, 1.1, 100))
    assert answer.closing[["after_s", "edges"]].to_numpy().tolist() == [[100, 1]]
    assert answer.closing["road_m"].iloc[0] == pytest.approx(96.8, abs=1)
    assert answer.closing["bridges"].isna().all()


def test_bridges_are_counted_where_the_roads_say_which_they_are(tiny_city: RoadNetwork) -> None:
    marked = np.ones(tiny_city.n_edges, dtype=bool)
    assert asked(tiny_city, zone(0.4, 0.9, 0.6, 1.1, 100), bridges=marked).closing["bridges"].tolist() == [1]
