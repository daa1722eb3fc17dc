"""Wildfire: the ellipse on flat ground by its formula, fuel, slope, breaks, wind, steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.fire import (
    FireInputs,
    arrival_times,
    fire_hazard,
    head_rate_m_s,
    length_to_breadth,
    slope_factor,
    slower_than_head,
)
from gridgov.hazards.plume import Wind
from gridgov.hazards.steps import steps_of
from gridgov.hazards.zoning import moved
from gridgov.model.hazard_profiles import Fuel
from gridgov.model.hazards import Hazard
from gridgov.model.incident_classes import Certainty

CRS = "EPSG:4549"
X, Y = 403_000.0, 3_277_000.0
WOOD = Fuel("wood", {"zh": "林", "en": "wood"}, (20,), 1.0, "s", Certainty.UNVERIFIED)
FLAT = Elevation(np.zeros((200, 200)), Affine(30, 0, X - 3000, 0, -30, Y + 3000), CRS)
WEST = Wind(5.0, 270.0)
HERE = moved(shapely.Point(X, Y), CRS, "EPSG:4326")


def everywhere(x: Any, y: Any) -> Any:
    return np.zeros(x.shape, dtype=int)


def burnt(elevation: Elevation, fuel_at: Any = everywhere, *, wind: Wind = WEST) -> Hazard:
    return fire_hazard(elevation, (WOOD,), fuel_at, FireInputs(HERE, wind, 7200), metric_crs=CRS)


def outline(zones: Any) -> Any:
    area = shapely.union_all([moved(shape(zone.geometry), "EPSG:4326", CRS) for zone in zones])
    return shapely.transform(area, lambda points: points - (X, Y))


def test_the_ratio_and_the_rate_are_those_of_the_formulas() -> None:
    """18 km/h: 1 + 8.729 (1 - e^-0.54)^2.155; 1 m/min · e^(0.1783 · 5)."""
    assert length_to_breadth(5.0) == pytest.approx(1 + 8.729 * (1 - np.exp(-0.54)) ** 2.155)
    assert length_to_breadth(0.0) == 1.0
    assert head_rate_m_s(WOOD, 5.0) == pytest.approx(np.exp(0.8915) / 60)


def test_the_ellipse_is_slowest_behind_and_its_sides_are_as_far_as_its_ratio_says() -> None:
    """(1 + e) / (1 - e) times slower behind than ahead; the greatest breadth is the length over the ratio."""
    angles = np.linspace(0, np.pi, 721)
    pace = slower_than_head(np.column_stack([np.cos(angles), np.sin(angles)]), 2.0)
    eccentricity = np.sqrt(0.75)
    assert pace[0] == pytest.approx(1)
    assert pace[-1] == pytest.approx((1 + eccentricity) / (1 - eccentricity))
    assert (np.sin(angles) / pace).max() * 2 == pytest.approx((1 + 1 / pace[-1]) / 2, rel=1e-4)


@pytest.mark.parametrize("ratio", [1.0001, 2.0, 3.5])
def test_on_flat_ground_the_search_finds_the_ellipse(ratio: float) -> None:
    """Squeezed by the ratio it is a circle: the front lies at its radius, at most 5.5 % inside, never outside."""
    cells = (10.0 * ratio, 10.0)
    size, start = (161, 121), 80 * 121 + 30
    times = arrival_times(np.zeros(size), np.full(size, 0.5), np.array([start]), steps_of(*cells), ratio, 1e9)
    rows, columns = np.mgrid[0:161, 0:121]
    times.ravel()[start] = np.nan
    eccentricity = np.sqrt(1 - 1 / ratio**2)
    radius = 0.5 / (1 + eccentricity) / ratio * times
    front = np.hypot((columns - 30) * 10 - eccentricity * radius, (rows - 80) * 10) / radius
    assert np.nanmax(front) < 1 + 1e-9
    assert np.nanmin(front) > 0.945
    assert times[80, 120] == pytest.approx(90 * cells[0] / 0.5)


def test_a_fire_break_stops_the_fire_and_a_gap_lets_it_through() -> None:
    rate = np.full((40, 40), 0.5)
    rate[:, 20] = 0.0
    metres, start = np.zeros((40, 40)), np.array([20 * 40 + 5])
    assert np.isinf(arrival_times(metres, rate, start, steps_of(10, 10), 1.5, 1e9)[:, 20:]).all()
    rate[3, 20] = 0.5
    assert np.isfinite(arrival_times(metres, rate, start, steps_of(10, 10), 1.5, 1e9)[:, 21:]).all()


def test_fire_runs_faster_uphill_and_slower_downhill() -> None:
    assert slope_factor(np.array([0.0, 0.5, -0.5])).tolist() == pytest.approx(
        [1.0, np.exp(3.533 * 0.5**1.2), np.exp(-3.533 * 0.5**1.2)]
    )
    hill = np.tile(np.arange(41) * 3.0, (41, 1))
    times = arrival_times(hill, np.full((41, 41), 0.5), np.array([20 * 41 + 20]), steps_of(10, 10), 1.0001, 1e9)
    assert times[20, 30] < times[30, 20] < times[20, 10]
    assert times[20, 30] == pytest.approx(100 / 0.5 / np.exp(3.533 * 0.3**1.2), rel=0.01)


def test_slower_fuel_takes_its_own_time() -> None:
    rate = np.full((5, 41), 0.5)
    rate[:, 20:] = 0.1
    times = arrival_times(np.zeros((5, 41)), rate, np.array([2 * 41]), steps_of(10, 10), 1.5, 1e9)
    assert times[2, 40] == pytest.approx(19.5 * 10 / 0.5 + 20.5 * 10 / 0.1, rel=0.01)


@pytest.mark.parametrize("from_deg", [0.0, 33.0, 225.0, 270.0])
def test_the_zones_are_the_same_ellipse_wherever_the_wind_blows(from_deg: float) -> None:
    """Head: rate x time; area of the ellipse with that length and ratio."""
    wind = Wind(5.0, from_deg)
    area = outline(burnt(FLAT, wind=wind).zones)
    angle = np.radians(from_deg)
    ahead = float((shapely.get_coordinates(area) @ (-np.sin(angle), -np.cos(angle))).max())
    ratio, head = length_to_breadth(5.0), head_rate_m_s(WOOD, 5.0) * 7200
    eccentricity = np.sqrt(1 - 1 / ratio**2)
    half = head / (1 + eccentricity)
    assert ahead == pytest.approx(head, rel=0.1)
    assert area.area == pytest.approx(np.pi * half * half / ratio, rel=0.15)


def test_zones_come_in_time_order_and_the_steps_lie_round_them() -> None:
    hazard = burnt(FLAT)
    assert [zone.arrival_s for zone in hazard.zones] == [0, 1200, 2400, 3600, 4800, 6000]
    areas = [outline(zones).area for zones in (hazard.milder, hazard.zones, hazard.worse)]
    assert areas[0] < areas[1] < areas[2]
    assert outline(hazard.zones[:2]).area < outline(hazard.zones[:4]).area


def test_land_that_does_not_burn_and_land_of_unknown_cover_stay_out_and_the_latter_is_said() -> None:
    hazard = burnt(FLAT, lambda x, y: np.where(x > X + 60, -2, 0))
    assert outline(hazard.zones).bounds[2] < 120
    assert "hazard_unknown_fuel" in {found.rule for found in hazard.findings}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FireInputs(HERE, Wind(3, 0), 0), "one day"),
        (lambda: FireInputs(HERE, Wind(3, 0), 60, -1), "0 to 20"),
        (lambda: burnt(FLAT, lambda x, y: np.full(x.shape, -1)), "nothing burns"),
        (
            lambda: fire_hazard(FLAT, (WOOD,), everywhere, FireInputs(shapely.Point(0, 0), WEST), metric_crs=CRS),
            "knows nothing",
        ),
    ],
)
def test_impossible_fires_are_refused_in_one_sentence(make: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        make()


def test_the_strongest_wind_that_may_be_given_is_one_that_can_be_computed() -> None:
    """One step worse is no more than the limit, and what is refused names the number that was given."""
    inputs = FireInputs(HERE, Wind(60, 270), 600)
    assert fire_hazard(FLAT, (WOOD,), everywhere, inputs, metric_crs=CRS).worse
    with pytest.raises(ParameterError, match=r"the wind is 61 m/s; give 0\.5 to 60"):
        Wind(61, 270)
