"""Poisonous gas: the table's circle and square, the Gaussian plume by hand, wind, steps and arrivals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.hazards.plume import Release, Wind, concentration, dispersion, plume_hazard, plume_outline, spill_hazard
from gridgov.hazards.zoning import moved, point_in
from gridgov.model.hazard_profiles import Spill, Substance
from gridgov.model.hazards import Hazard
from gridgov.model.incident_classes import Certainty

CRS = "EPSG:4549"
LON, LAT = 119.0, 29.6
GAS = Substance("gas", "1", {"zh": "气", "en": "gas"}, Spill(60, 400, 1600), None, None, "s", Certainty.SECONDARY)
WEST = Wind(4.0, 270.0)
RELEASE = Release(100.0, (1.0, 10.0, 100.0))


def placed(hazard: Hazard) -> list[tuple[Any, int, float]]:
    """Zones in metres from the release."""
    x, y = point_in(CRS, LON, LAT)
    return [
        (
            shapely.transform(moved(shape(zone.geometry), "EPSG:4326", CRS), lambda p: p - (x, y)),
            zone.level,
            zone.arrival_s,
        )
        for zone in hazard.zones
    ]


def spill(*, night: bool = False, wind: Wind = WEST) -> Hazard:
    return spill_hazard(LON, LAT, GAS.small, wind, GAS, night=night, metric_crs=CRS)  # type: ignore[arg-type]


def test_the_table_gives_a_circle_and_downwind_a_square() -> None:
    zones = placed(spill())
    circle = [area for area, level, _ in zones if level == 4]
    square = shapely.union_all([area for area, *_ in zones])
    assert circle[0].area == pytest.approx(math.pi * 60**2, rel=0.01)
    assert square.bounds == pytest.approx((-60, -200, 400, 200), abs=1)
    assert square.area == pytest.approx(400**2 + math.pi * 60**2 / 2, rel=0.01)


def test_by_night_the_square_is_larger_and_the_step_halves_and_doubles_it() -> None:
    hazard = spill(night=True)
    widths = [
        max(shape(zone.geometry).bounds[2] for zone in zones) - LON
        for zones in (hazard.milder, hazard.zones, hazard.worse)
    ]
    assert widths[1] / widths[0] == pytest.approx(2, rel=0.01)
    assert widths[2] / widths[1] == pytest.approx(2, rel=0.01)
    assert widths[1] > 3.9 * (max(shape(zone.geometry).bounds[2] for zone in spill().zones) - LON)


@pytest.mark.parametrize(
    ("from_deg", "side"), [(0, (0, -1)), (90, (-1, 0)), (180, (0, 1)), (270, (1, 0)), (225, (1, 1))]
)
def test_the_gas_goes_where_the_wind_goes_and_not_where_it_comes_from(from_deg: float, side: tuple[int, int]) -> None:
    middle = shapely.union_all(
        [area for area, level, _ in placed(spill(wind=Wind(4.0, from_deg))) if level == 3]
    ).centroid
    assert np.sign(np.round([middle.x, middle.y], -1)).tolist() == list(side)


def test_the_gas_comes_with_the_wind() -> None:
    """400 m in five strips at 4 m/s: 0, 20, 40, 60 and 80 s."""
    assert sorted({arrival for _, level, arrival in placed(spill()) if level == 3}) == [0, 20, 40, 60, 80]


def test_the_dispersion_is_that_of_briggs() -> None:
    """Class D over open country at 1 km: 0.08 · 1000 / √1.1 and 0.06 · 1000 / √2.5."""
    across, up = dispersion(np.array([1000.0]), "D", "rural")
    assert across[0] == pytest.approx(80 / math.sqrt(1.1))
    assert up[0] == pytest.approx(60 / math.sqrt(2.5))


def test_the_concentration_on_the_line_is_that_of_the_formula() -> None:
    """100 g/s, 4 m/s, class D, 1 km: Q / (π u σy σz) = 2.75 mg/m³; half of it at σy √(2 ln 2) beside the line."""
    across, up = dispersion(np.array([1000.0]), "D", "rural")
    expected = 1e5 / (math.pi * 4 * across[0] * up[0])
    beside = across[0] * math.sqrt(2 * math.log(2))
    found = concentration(np.array([1000.0, 1000.0, -50.0]), np.array([0.0, beside, 0.0]), RELEASE, WEST)
    assert found.tolist() == pytest.approx([expected, expected / 2, 0.0])


def test_the_outline_is_where_the_limit_is_reached() -> None:
    outline = plume_outline(RELEASE, WEST, 1.0)
    points = shapely.get_coordinates(outline)
    points = points[(points[:, 0] > 50) & (np.abs(points[:, 1]) > 1)]
    assert concentration(points[:, 0], points[:, 1], RELEASE, WEST) == pytest.approx(np.ones(len(points)), rel=0.05)


def test_more_release_less_wind_and_a_stable_air_reach_farther() -> None:
    def reach(release: Release, wind: Wind = WEST) -> float:
        return float(plume_outline(release, wind, 1.0).bounds[2])

    assert reach(Release(200.0, (1, 2, 3))) > reach(RELEASE) > reach(RELEASE, Wind(8.0, 270.0))
    assert reach(Release(100.0, (1, 2, 3), "F")) > reach(RELEASE) > reach(Release(100.0, (1, 2, 3), "A"))
    assert reach(RELEASE) > reach(Release(100.0, (1, 2, 3), "D", "urban"))


def test_zones_of_a_plume_do_not_overlap_and_the_worst_lies_nearest() -> None:
    hazard = plume_hazard(LON, LAT, RELEASE, WEST, metric_crs=CRS)
    zones = placed(hazard)
    assert shapely.union_all([area for area, *_ in zones]).area == pytest.approx(
        sum(a.area for a, *_ in zones), rel=1e-3
    )
    reach = {level: max(area.bounds[2] for area, other, _ in zones if other == level) for level in (2, 3, 4)}
    assert reach[4] < reach[3] < reach[2]
    assert {zone.measure for zone in hazard.zones} == {1.0, 10.0, 100.0}


def test_a_plume_beyond_ten_kilometres_says_so() -> None:
    hazard = plume_hazard(LON, LAT, Release(1e6, (0.1, 1, 10), "F"), WEST, metric_crs=CRS)
    assert [found.rule for found in hazard.findings] == ["hazard_beyond_model"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Wind(0.0, 0), "still air"),
        (lambda: Wind(3.0, 400), "0 to 360"),
        (lambda: Release(0, (1, 2, 3)), "above 0"),
        (lambda: Release(1, (3, 2, 1)), "rising"),
        (lambda: Release(1, (1, 2, 3), "G"), "A to F"),
        (lambda: Release(1, (1, 2, 3), height_m=-1), "0 to 500"),
        (lambda: plume_hazard(200, 0, RELEASE, WEST, metric_crs=CRS), "longitude"),
        (lambda: plume_hazard(LON, LAT, Release(1e-6, (1e3, 1e4, 1e5)), WEST, metric_crs=CRS), "nowhere"),
    ],
)
def test_impossible_inputs_are_refused_in_one_sentence(make: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said) as refusal:
        make()
    assert "\n" not in str(refusal.value)
