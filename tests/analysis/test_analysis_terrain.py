"""Slope, aspect, hillshade and viewshed on ground whose answers are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gridgov.analysis.terrain import (
    FLAT,
    GroundCells,
    Observer,
    SightOptions,
    aspect_degrees,
    ground_cells,
    hillshade,
    slope_degrees,
    viewshed,
)
from gridgov.errors import ParameterError

CELLS = GroundCells(30.0, 20.0)
NO_BEND = SightOptions(radius_m=10_000.0, curvature=False)


def plane(east: float, north: float, *, cells: GroundCells = CELLS, shape: tuple[int, int] = (6, 9)) -> np.ndarray:
    """Ground that rises by `east` metres a metre eastwards and `north` northwards."""
    rows, columns = np.indices(shape)
    return 100.0 + columns * cells.east_m * east - rows * cells.north_m * north


@pytest.mark.parametrize(
    ("east", "north", "slope", "aspect"),
    [
        (0.0, 0.0, 0.0, FLAT),
        (1.0, 0.0, 45.0, 270.0),  # rises to the east: faces west
        (-1.0, 0.0, 45.0, 90.0),
        (0.0, 1.0, 45.0, 180.0),
        (0.0, -0.1, 5.710593, 0.0),
        (-0.3, -0.4, 26.565051, 36.869898),  # 3-4-5: half a metre a metre
    ],
)
def test_a_plane_has_one_slope_and_one_aspect_to_its_very_edge(
    east: float, north: float, slope: float, aspect: float
) -> None:
    heights = plane(east, north)
    assert slope_degrees(heights, CELLS) == pytest.approx(slope, abs=1e-5)
    assert aspect_degrees(heights, CELLS) == pytest.approx(aspect, abs=1e-5)


def test_light_is_full_where_the_ground_faces_the_sun_and_none_where_it_turns_away() -> None:
    """A sun in the west at 45 degrees: a slope of 45 degrees that faces west has 255, one that faces east nothing."""
    sun = {"azimuth_deg": 270.0, "altitude_deg": 45.0}
    assert hillshade(plane(1.0, 0.0), CELLS, **sun) == pytest.approx(255.0)
    assert hillshade(plane(-1.0, 0.0), CELLS, **sun) == pytest.approx(0.0, abs=1e-9)
    assert hillshade(plane(0.0, 0.0), CELLS, **sun) == pytest.approx(255.0 * np.sin(np.pi / 4))


def test_unknown_ground_and_its_neighbours_have_no_slope() -> None:
    heights = plane(1.0, 0.0)
    heights[2, 4] = np.nan
    unknown = np.isnan(slope_degrees(heights, CELLS))
    assert unknown[1:4, 3:6].sum() == 8 + (1 if unknown[2, 4] else 0)
    assert unknown.sum() == unknown[1:4, 3:6].sum()


def test_a_raster_in_degrees_is_refused_and_feet_become_metres() -> None:
    """Texas in feet: a cell of 10 US survey feet is 3.048 m, and heights in feet are a third of a metre."""
    with pytest.raises(ParameterError, match="in degrees"):
        ground_cells("EPSG:4326", 0.0003, 0.0003)
    cells = ground_cells("EPSG:2276", 10.0, -10.0, height_unit="us-ft")
    assert (cells.east_m, cells.north_m) == pytest.approx((3.048006, 3.048006), abs=1e-6)
    feet = plane(1.0, 0.0, cells=GroundCells(10.0, 10.0))  # rises ten feet in every cell of ten feet
    assert slope_degrees(feet, cells) == pytest.approx(45.0, abs=1e-6)
    with pytest.raises(ParameterError, match="li"):
        ground_cells("EPSG:4549", 10.0, 10.0, height_unit="li")


def test_a_ridge_hides_the_valley_behind_it_and_not_what_stands_above_it() -> None:
    """Eye 10 m high at column 0, a ridge of 20 m at column 5: column 10 is seen from 30 m up (2 x 20 - 10)."""
    cells = GroundCells(10.0, 10.0)
    heights = np.zeros((5, 21))
    heights[:, 5] = 20.0
    eye = (Observer(2, 0, 10.0),)
    seen = viewshed(heights, cells, eye, NO_BEND)
    assert (seen[2, :6] == 1).all()
    assert (seen[2, 6:] == 0).all()
    for target, expected in ((29.9, 0), (30.1, 1)):
        options = SightOptions(radius_m=10_000.0, target_m=target, curvature=False)
        assert viewshed(heights, cells, eye, options)[2, 10] == expected


def test_flat_ground_is_seen_up_to_the_radius_and_no_farther() -> None:
    seen = viewshed(np.zeros((21, 21)), GroundCells(10.0, 10.0), (Observer(10, 10),), SightOptions(radius_m=50.0))
    rows, columns = np.indices(seen.shape)
    assert np.array_equal(seen == 1, np.hypot(rows - 10, columns - 10) <= 5)


def test_the_round_earth_hides_far_ground_and_bent_light_shows_some_of_it_again() -> None:
    """An eye of 2 m sees 5.05 km over water without refraction (the root of 2 x R x h), 5.41 km with 0.13."""
    sea, cells = np.zeros((1, 800)), GroundCells(10.0, 10.0)
    sea = np.vstack([sea, sea])
    eye = (Observer(0, 0, 2.0),)

    def farthest(refraction: float, *, curvature: bool = True) -> int:
        options = SightOptions(radius_m=9_000.0, refraction=refraction, curvature=curvature)
        return 10 * int(np.flatnonzero(viewshed(sea, cells, eye, options)[0]).max())

    assert farthest(0.0) == pytest.approx(np.sqrt(2 * 6_371_008.8 * 2), abs=20)
    assert farthest(0.13) == pytest.approx(np.sqrt(2 * 6_371_008.8 * 2 / 0.87), abs=20)
    assert farthest(0.13, curvature=False) == 7_990


def test_two_observers_are_counted_and_unknown_ground_is_said() -> None:
    heights = np.zeros((3, 12))
    heights[:, 6] = 50.0
    heights[0, 3] = np.nan
    seen = viewshed(heights, GroundCells(10.0, 10.0), (Observer(1, 0), Observer(1, 11)), NO_BEND)
    assert seen[0, 3] == -1
    assert seen[1, 6] == 2
    assert set(seen[1, [2, 9]].tolist()) == {1}


def test_looking_from_nowhere_too_far_or_with_nobody_is_refused() -> None:
    heights, cells = np.zeros((5, 5)), GroundCells(10.0, 10.0)
    heights[4, 4] = np.nan
    for places in ((), (Observer(7, 1),), (Observer(4, 4),)):
        with pytest.raises(ParameterError):
            viewshed(heights, cells, places, NO_BEND)
    with pytest.raises(ParameterError, match="look less far"):
        viewshed(np.zeros((2_100, 2_100)), GroundCells(1.0, 1.0), (Observer(1, 1),), NO_BEND)
