"""Drawn hazards: what is repaired, what is refused in one sentence, and the range of the border."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely
from shapely.geometry import mapping, shape

from gridgov.errors import ParameterError
from gridgov.hazards import drawn_hazard
from gridgov.hazards.zoning import moved
from gridgov.model.hazards import Hazard

CRS = "EPSG:4549"
LON, LAT = 119.0, 29.6
DISTRICT = shapely.box(LON - 0.1, LAT - 0.1, LON + 0.1, LAT + 0.1)
SQUARE = [[LON, LAT], [LON + 0.01, LAT], [LON + 0.01, LAT + 0.01], [LON, LAT + 0.01], [LON, LAT]]


def drawn(*rings: list[list[float]], **options: Any) -> Hazard:
    return drawn_hazard({"type": "Polygon", "coordinates": list(rings)}, district=DISTRICT, metric_crs=CRS, **options)


def area(zones: Any) -> float:
    return float(sum(moved(shape(zone.geometry), "EPSG:4326", CRS).area for zone in zones))


def rules(hazard: Hazard) -> set[str]:
    return {found.rule for found in hazard.findings}


def test_a_plain_polygon_stays_as_it_was_drawn() -> None:
    hazard = drawn(SQUARE, level=4, arrival_s=1800)
    assert shape(hazard.zones[0].geometry).equals_exact(shapely.Polygon(SQUARE), 1e-7, normalize=True)
    assert (hazard.zones[0].level, hazard.zones[0].arrival_s, hazard.findings) == (4, 1800, ())


def test_one_step_milder_and_worse_is_the_border_moved_in_and_out() -> None:
    """A square of side a moved by b: (a - 2b)² inside, a² + 4ab + πb² outside."""
    hazard = drawn(SQUARE, buffer_m=100)
    side = math.sqrt(area(hazard.zones))
    assert area(hazard.milder) == pytest.approx((side - 200) ** 2, rel=0.01)
    assert area(hazard.worse) == pytest.approx(side**2 + 400 * side + math.pi * 100**2, rel=0.01)


def test_a_small_hazard_may_be_none_one_step_milder() -> None:
    assert drawn(SQUARE, buffer_m=2000).milder == ()


def test_an_open_ring_is_closed_and_said_so() -> None:
    hazard = drawn(SQUARE[:-1])
    assert rules(hazard) == {"unclosed_ring"}
    assert area(hazard.zones) == pytest.approx(area(drawn(SQUARE).zones))


def test_a_bow_tie_keeps_both_wings() -> None:
    bow = [[LON, LAT], [LON + 0.01, LAT + 0.01], [LON + 0.01, LAT], [LON, LAT + 0.01], [LON, LAT]]
    hazard = drawn(bow)
    assert rules(hazard) == {"hazard_untangled"}
    assert area(hazard.zones) == pytest.approx(area(drawn(SQUARE).zones) / 2, rel=0.01)


def test_a_hole_stays_a_hole() -> None:
    hole = [
        [LON + 0.004, LAT + 0.004],
        [LON + 0.006, LAT + 0.004],
        [LON + 0.006, LAT + 0.006],
        [LON + 0.004, LAT + 0.004],
    ]
    assert not shape(drawn(SQUARE, hole).zones[0].geometry).contains(shapely.Point(LON + 0.0055, LAT + 0.005))


def test_a_hazard_over_everything_says_that_no_place_is_safe() -> None:
    ring = [list(point) for point in DISTRICT.buffer(0.01).exterior.coords]
    assert rules(drawn(ring)) == {"hazard_covers_everything"}


def test_what_lies_over_the_edge_is_said_in_percent() -> None:
    ring = [[LON + dx, LAT + dy] for dx, dy in ((0.09, 0), (0.11, 0), (0.11, 0.01), (0.09, 0.01), (0.09, 0))]
    (found,) = drawn(ring).findings
    assert (found.rule, found.detail["share"]) == ("hazard_over_the_edge", 50)


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        ({"type": "Polygon", "coordinates": []}, "no area"),
        ({"type": "Polygon", "coordinates": [[]]}, "at least 3"),
        ({"type": "Polygon", "coordinates": None}, "GeoJSON"),
        ({"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 0.1, LAT], [LON, LAT]]]}, "at least 3"),
        ({"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 0.1, LAT], [LON + 0.2, LAT]]]}, "no area"),
        ({"type": "Polygon", "coordinates": [[["a", "b"], [1, 2], [3, 4], [5, 6]]]}, "GeoJSON"),
        ({"type": "Polygon", "coordinates": [[[LON, LAT], [math.inf, LAT], [LON, LAT + 1]]]}, "longitude, latitude"),
        ({"type": "Polygon", "coordinates": [[[LAT, LON], [LAT, LON + 1], [LAT + 1, LON]]]}, "longitude, latitude"),
        ({"type": "LineString", "coordinates": SQUARE}, "draw an area"),
        ({}, "draw an area"),
        ({"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}, "wholly outside"),
    ],
)
def test_what_cannot_be_a_hazard_is_refused_in_one_sentence(geometry: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said) as refusal:
        drawn_hazard(geometry, district=DISTRICT, metric_crs=CRS)
    assert "\n" not in str(refusal.value)


def test_a_multipolygon_is_one_hazard() -> None:
    other = [[x + 0.03, y] for x, y in SQUARE]
    made = drawn_hazard(
        mapping(shapely.MultiPolygon([shapely.Polygon(SQUARE), shapely.Polygon(other)])),
        district=DISTRICT,
        metric_crs=CRS,
    )
    assert area(made.zones) == pytest.approx(2 * area(drawn(SQUARE).zones), rel=0.01)


def test_a_hazard_survives_the_way_through_plain_data() -> None:
    hazard = drawn(SQUARE[:-1], name="化工厂")
    assert Hazard.from_dict(hazard.to_dict()) == hazard
    assert hazard.warnings["zh"]
    assert hazard.warnings["en"]
