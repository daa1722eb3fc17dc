"""Floods by hand: connected to the source, dry behind a ridge, deeper and wider with the level, arrivals in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.flood import FloodInputs, above_source, flood_hazard, flooding, peaks
from gridgov.hazards.zoning import moved
from gridgov.model.hazard_profiles import LevelScale
from gridgov.model.hazards import Hazard
from gridgov.model.incident_classes import Certainty

CRS = "EPSG:4549"
X, Y, CELL = 403_000.0, 3_277_000.0, 10.0
SCALE = LevelScale((0.0, 0.5, 1.0, 2.0), "test", Certainty.UNVERIFIED)
EVERYWHERE = shapely.box(-180, -90, 180, 90)
N = np.nan


def model(rows: Any) -> Elevation:
    return Elevation(np.array(rows, dtype=float), Affine(CELL, 0, X, 0, -CELL, Y), CRS)


def at_cell(row: float, column: float) -> Any:
    return moved(shapely.Point(X + (column + 0.5) * CELL, Y - (row + 0.5) * CELL), CRS, "EPSG:4326")


def within(elevation: Elevation) -> Any:
    return moved(elevation.frame, CRS, "EPSG:4326").buffer(-1e-6)


def flood(elevation: Elevation, *levels: tuple[float, float], source: Any = None, **options: Any) -> Hazard:
    inputs = FloodInputs(source or at_cell(0, 0), levels, **options)
    return flood_hazard(elevation, inputs, SCALE, district=within(elevation), metric_crs=CRS)


def area(zones: Any) -> float:
    return float(sum(moved(shape(zone.geometry), "EPSG:4326", CRS).area for zone in zones))


def test_a_valley_behind_an_unbroken_ridge_stays_dry_however_low_it_lies() -> None:
    """The river runs in the west, a ridge of 9 m in the middle, the hollow in the east lies below the river."""
    height = np.array([[1, 2, 9, 0], [1, 2, 9, 0], [1, 2, 9, 0]], dtype=float)
    river = np.array([0, 4, 8])
    wet = flooding(height, peaks(height, river, 8.0), [(0, 8.0)]).depth_m
    assert wet.tolist() == [[7, 6, 0, 0]] * 3
    gap = height.copy()
    gap[1, 2] = 3
    assert flooding(gap, peaks(gap, river, 8.0), [(0, 8.0)]).depth_m[:, 3].tolist() == [8, 8, 8]


def test_a_ridge_of_cells_that_touch_only_at_their_corners_holds_the_water() -> None:
    height = np.array([[1, 1, 9], [1, 9, 1], [9, 1, 1]], dtype=float)
    assert np.isinf(peaks(height, np.array([0]), 8.0)[2, 2])


def test_the_peak_of_a_cell_is_the_lowest_pass_on_any_way_to_it() -> None:
    """Over 5 m straight ahead, or round over 3 m."""
    height = np.array([[0, 5, 1], [0, 9, 1], [0, 3, 1]], dtype=float)
    assert peaks(height, np.array([0]), 20.0)[0].tolist() == [0, 5, 3]


def test_water_comes_when_the_level_has_risen_to_the_peak() -> None:
    """From 0 m at once to 10 m after 1,000 s: 1 m each 100 s."""
    height = np.array([[0, 4, 1, 8, 10]], dtype=float)
    answer = flooding(height, peaks(height, np.array([0]), 10.0), [(0, 0.0), (1000, 10.0)])
    assert answer.arrival_s.tolist() == [[0, 400, 400, 800, np.inf]]
    assert answer.depth_m.tolist() == [[10, 6, 9, 2, 0]]


def test_while_the_level_stands_still_nothing_new_is_wet() -> None:
    height = np.array([[0, 4, 5]], dtype=float)
    answer = flooding(height, peaks(height, np.array([0]), 9.0), [(0, 2.0), (100, 4.0), (500, 4.0), (600, 6.0)])
    assert answer.arrival_s.tolist() == [[0, 100, pytest.approx(550, abs=400)]]
    assert answer.arrival_s[0, 2] > 100


def test_nothing_passes_a_hole_in_the_elevation_model() -> None:
    height = np.array([[1, N, 0]])
    assert np.isinf(peaks(height, np.array([0]), 9.0)[0, 2])


@given(st.integers(0, 2**32 - 1))
def test_more_level_never_dries_a_cell_and_never_comes_later(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height = rng.integers(0, 12, (6, 7)).astype(float)
    peak = peaks(height, rng.integers(0, height.size, 2), 12.0)
    low, high = (flooding(height, peak, [(0, -1.0), (100, top)]) for top in (6.0, 9.0))
    assert (high.depth_m >= low.depth_m).all()
    assert (high.arrival_s <= low.arrival_s).all()
    wet = np.isfinite(peak)
    assert (peak[wet] >= height[wet]).all()


@given(st.integers(0, 2**32 - 1))
def test_peaks_equal_those_of_raising_the_level_step_by_step(seed: int) -> None:
    """The slow way: at each level the cells below it that hang together with a source."""
    rng = np.random.default_rng(seed)
    height = rng.integers(0, 6, (8, 8)).astype(float)
    sources = rng.integers(0, height.size, 3)
    slow = np.full(height.shape, np.inf)
    for level in range(6):
        parts, _ = label(height <= level)
        reached = np.unique(parts.ravel()[sources][height.ravel()[sources] <= level])
        new = np.isin(parts, reached[reached > 0]) & np.isinf(slow)
        slow[new] = level
    assert np.array_equal(peaks(height, sources, 5.0), slow)


def test_levels_above_a_sloping_river_flood_its_whole_length() -> None:
    """The river falls from 30 to 0 m; 2 m above it both ends are under water, 2 m above the sea only the lower one."""
    bed = np.array([30.0, 20, 10, 0])
    height = np.stack([bed, bed + 1, bed + 5])
    river = np.arange(4)
    relative = above_source(height, river)
    assert relative.tolist() == [[0] * 4, [1] * 4, [5] * 4]
    assert flooding(relative, peaks(relative, river, 2.0), [(0, 2.0)]).depth_m[1].tolist() == [1, 1, 1, 1]


def test_a_level_above_a_river_holds_only_near_it() -> None:
    """Ground that falls away from the river by 1 m a cell would all be below its water."""
    elevation = model([[-float(column) for column in range(30)]])
    near = flood(elevation, (0, 1.0), datum="source", within_m=100.0)
    assert area(near.zones) == pytest.approx(11 * CELL**2, rel=0.2)
    assert "hazard_beyond_model" in {found.rule for found in near.findings}
    assert area(flood(elevation, (0, 1.0), datum="sea").zones) > 2 * area(near.zones)


def test_the_bed_of_a_river_is_no_flood_and_its_banks_keep_their_height() -> None:
    """Three columns of bed between banks of 1 m and land of 0.5 m behind them: below 1 m all stays in the river."""
    elevation = model([[0.5, 1, 0, 0, 0, 1, 0.5]] * 6)
    corners = [at_cell(-1, 1.7), at_cell(-1, 4.3), at_cell(6, 4.3), at_cell(6, 1.7)]  # it touches cells of both banks
    river = shapely.Polygon([(corner.x, corner.y) for corner in corners])
    with pytest.raises(ParameterError, match="stays within the banks"):
        flood(elevation, (0, 0.0), (600, 0.9), datum="source", source=river)
    high = flood(elevation, (0, 0.0), (600, 1.5), datum="source", source=river, step_m=0.1)
    assert area(high.zones) == pytest.approx(24 * CELL**2, rel=0.1)
    assert min(zone.arrival_s for zone in high.zones) == pytest.approx(400)
    assert not any(shape(zone.geometry).contains(at_cell(3, 3)) for zone in high.zones)


def test_zones_hold_the_wet_cells_with_their_depth_and_arrival() -> None:
    elevation = model([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 9, 9], [0, 0, 9, 9]])
    hazard = flood(elevation, (0, 1.0), step_m=0.2)
    assert area(hazard.zones) == pytest.approx(12 * CELL**2, rel=0.1)
    assert {(zone.level, zone.arrival_s, zone.measure) for zone in hazard.zones} == {(3, 0, 1.0)}
    assert {zone.level for zone in hazard.worse} == {3}
    assert {zone.level for zone in hazard.milder} == {2}
    assert hazard.unit == "m"


def test_a_rising_series_makes_zones_with_rising_arrivals() -> None:
    elevation = model([[float(column) for column in range(40)] for _ in range(5)])
    hazard = flood(elevation, (0, 0.0), (3600, 30.0), step_m=1.0)
    arrivals = sorted({zone.arrival_s for zone in hazard.zones})
    assert arrivals[0] == 0
    assert len(arrivals) == 6
    assert arrivals == sorted(arrivals)


def test_area_grows_with_the_level_and_the_steps_lie_round_it() -> None:
    rng = np.random.default_rng(4)
    elevation = model(np.abs(rng.normal(0, 3, (60, 60))).cumsum(axis=1) / 10)
    areas = [area(flood(elevation, (0, level), step_m=0.5).zones) for level in (1.0, 2.0, 4.0)]
    assert areas[0] < areas[1] < areas[2]
    one = flood(elevation, (0, 2.0), step_m=0.5)
    assert area(one.milder) < area(one.zones) < area(one.worse)


def test_zones_do_not_overlap() -> None:
    rng = np.random.default_rng(5)
    hazard = flood(model(rng.uniform(0, 3, (40, 40))), (0, 0.0), (600, 3.0), step_m=0.1)
    shapes = [shape(zone.geometry) for zone in hazard.zones]
    assert shapely.union_all(shapes).area == pytest.approx(sum(one.area for one in shapes), rel=1e-3)


def test_what_the_elevation_model_does_not_know_is_a_finding() -> None:
    elevation = model([[0, 0, 0, 0], [0, 0, 0, N], [5, 5, 5, 5]])
    inputs = FloodInputs(at_cell(0, 0), ((0, 1.0),))
    hazard = flood_hazard(elevation, inputs, SCALE, district=within(elevation).buffer(0.001), metric_crs=CRS)
    assert {found.rule for found in hazard.findings} == {
        "hazard_elevation_part", "hazard_elevation_gaps", "hazard_at_data_edge",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("levels", "options", "said"),
    [
        ([], {}, "1 to 200"),
        ([(0, 2.0), (0, 3.0)], {}, "rising series"),
        ([(0, 2.0), (60, 1.0)], {}, "rising series"),
        ([(0, N)], {}, "numbers"),
        ([(-5, 1.0)], {}, "from 0"),
        ([(0, 1.0)], {"step_m": -1}, "0 to 100"),
        ([(0, -3.0)], {}, "wets nothing"),
        ([(0, 1.0)], {"source": shapely.Point(0, 0)}, "knows nothing"),
        ([(0, 1.0)], {"datum": "moon"}, "sea"),
    ],
)
def test_a_flood_that_cannot_be_is_refused_in_one_sentence(levels: Any, options: Any, said: str) -> None:
    with pytest.raises(ParameterError, match=said) as refusal:
        flood(model([[0, 1], [2, 3]]), *levels, **options)
    assert "\n" not in str(refusal.value)


def test_a_very_ragged_flood_is_simplified_and_said_so() -> None:
    rng = np.random.default_rng(6)
    rain = shapely.MultiPoint([at_cell(row, column) for row in range(0, 300, 2) for column in range(0, 300, 2)])
    hazard = flood(model(rng.uniform(0, 3, (300, 300))), (0, 2.5), step_m=0.5, source=rain)
    assert "hazard_simplified" in {found.rule for found in hazard.findings}
    assert sum(shapely.get_num_coordinates(shape(zone.geometry)) for zone in hazard.zones) < 16_000
