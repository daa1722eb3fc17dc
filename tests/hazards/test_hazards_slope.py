"""Landslides: the angle of reach by hand on a slope with a plain before it, ridges, steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.slope import SlopeInputs, run_out, slope_hazard
from gridgov.hazards.steps import steps_of
from gridgov.hazards.zoning import moved

CRS = "EPSG:4549"
X, Y, CELL = 403_000.0, 3_277_000.0, 10.0
# From 100 m down to 0 m over 10 cells (45 degrees), then a plain.
PROFILE = np.concatenate([np.linspace(100, 0, 11), np.zeros(60)])
SLOPE = np.tile(PROFILE, (41, 1))


def reach_m(angle_deg: float, metres: Any = SLOPE) -> float:
    """How far from its top the slide comes, straight ahead."""
    reached = run_out(metres, np.array([20 * metres.shape[1]]), steps_of(CELL, CELL), angle_deg)
    return float(np.flatnonzero(reached[20]).max() * CELL)


def test_the_slide_comes_as_far_as_the_height_over_the_tangent_of_the_angle() -> None:
    """100 m of height: 30 degrees 173 m, 20 degrees 275 m; the last cell before that."""
    assert reach_m(30) == 170
    assert reach_m(20) == 270


def test_a_smaller_angle_reaches_farther() -> None:
    assert reach_m(40) < reach_m(30) < reach_m(15)


def test_a_slide_climbs_over_a_low_bank_and_stops_before_a_high_one() -> None:
    """At 20 degrees the line is 100 - 150 tan 20° = 45 m high at 150 m."""
    low, high = SLOPE.copy(), SLOPE.copy()
    low[:, 15], high[:, 15] = 30.0, 60.0
    assert reach_m(20, low) == 270
    assert reach_m(20, high) == 140


def test_a_slide_does_not_climb_back_up_nor_leave_a_plain() -> None:
    reached = run_out(SLOPE, np.array([20 * 71 + 5]), steps_of(CELL, CELL), 20)
    assert not reached[:, :5].any()
    assert run_out(np.zeros((9, 9)), np.array([40]), steps_of(CELL, CELL), 20).sum() == 1


def test_nothing_slides_through_a_hole_in_the_elevation_model() -> None:
    holes = SLOPE.copy()
    holes[:, 12] = np.nan
    assert reach_m(20, holes) == 110


def test_places_that_a_steeper_angle_reaches_have_the_higher_level_and_all_arrive_at_once() -> None:
    elevation = Elevation(SLOPE, Affine(CELL, 0, X, 0, -CELL, Y), CRS)
    source = moved(shapely.Point(X + 5, Y - 205), CRS, "EPSG:4326")
    hazard = slope_hazard(elevation, SlopeInputs(source, 25.0, 5.0), metric_crs=CRS)
    far = {zone.level: moved(shape(zone.geometry), "EPSG:4326", CRS).bounds[2] - X for zone in hazard.zones}
    assert far[4] == pytest.approx(173, abs=15)
    assert far[3] == pytest.approx(214, abs=15)
    assert {zone.arrival_s for zone in hazard.zones} == {0}
    size = [sum(shape(zone.geometry).area for zone in zones) for zones in (hazard.milder, hazard.zones, hazard.worse)]
    assert size[0] < size[1] < size[2]


def elevation() -> Elevation:
    return Elevation(np.zeros((20, 20)), Affine(CELL, 0, X, 0, -CELL, Y), CRS)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SlopeInputs(shapely.Point(0, 0), 2.0), "3 and 80"),
        (lambda: SlopeInputs(shapely.Point(0, 0), 79.0), "3 and 80"),
        (lambda: SlopeInputs(shapely.Point(0, 0), 30.0, 0.0), "3 and 80"),
        (lambda: slope_hazard(elevation(), SlopeInputs(shapely.Point(0, 0), 25.0), metric_crs=CRS), "knows nothing"),
        (
            lambda: slope_hazard(
                elevation(), SlopeInputs(moved(shapely.Point(X + 95, Y - 95), CRS, "EPSG:4326"), 25.0), metric_crs=CRS
            ),
            "too flat",
        ),
    ],
)
def test_impossible_slides_are_refused_in_one_sentence(make: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        make()
