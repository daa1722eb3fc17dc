"""Areas out of borders alone: GEOS is the oracle, also where borders touch, run along each other or hold holes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.analysis.outlines import left_over_areas, outlines, shared_areas


def ragged(rng: np.random.Generator, corners: int) -> Any:
    """A star about a place by chance, with a hole, on whole numbers so that borders often coincide."""
    x, y = rng.integers(0, 40, 2)
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(5, 30, corners)
    star = shapely.Polygon(np.column_stack([x + reach * np.cos(turn), y + reach * np.sin(turn)]).round())
    made = shapely.difference(shapely.buffer(star, 0), shapely.box(x - 2, y - 2, x + 2, y + 2))
    return made if made.area > 0 else shapely.box(x, y, x + 3, y + 3)


def pairs_of(count: int) -> tuple[Any, Any]:
    row, other = np.divmod(np.arange(count * count), count)
    return row, other


@settings(max_examples=40)
@given(st.integers(0, 100_000))
def test_what_two_polygons_share_is_what_geos_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = (np.array([ragged(rng, 9) for _ in range(6)], dtype=object) for _ in range(2))
    row, other = pairs_of(6)
    found = shared_areas(outlines(left, (20, 20)), outlines(right, (20, 20)), row, other)
    assert found == pytest.approx(shapely.area(shapely.intersection(left[row], right[other])), abs=1e-9)


@settings(max_examples=40)
@given(st.integers(0, 100_000))
def test_what_several_polygons_leave_and_cover_is_what_geos_finds_though_they_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = (np.array([ragged(rng, 9) for _ in range(6)], dtype=object) for _ in range(2))
    groups = np.arange(0, 37, 6), np.tile(np.arange(6), 6)
    rest, covered = left_over_areas(outlines(left, (20, 20)), outlines(right, (20, 20)), np.arange(6), groups)
    together = shapely.union_all(right)
    assert rest == pytest.approx(shapely.area(shapely.difference(left, together)), abs=1e-6)
    assert covered == pytest.approx(shapely.area(shapely.intersection(left, together)), abs=1e-6)


def test_islands_and_holes_of_one_shape_of_many_points_count_as_they_should() -> None:
    turn = np.linspace(0, 2 * np.pi, 2000, endpoint=False)
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    shape = shapely.MultiPolygon(
        [shapely.Polygon(100 * ring, [50 * ring]), shapely.Polygon(20 * ring), shapely.Polygon(10 * ring + 500)]
    )
    one, all_ = np.array([shape], dtype=object), np.array([shapely.box(-200, -200, 600, 0)], dtype=object)
    found = shared_areas(outlines(one, (0, 0)), outlines(all_, (0, 0)), np.array([0]), np.array([0]))
    assert found[0] == pytest.approx(shapely.intersection(shape, all_[0]).area, rel=1e-12)
    assert found[0] == pytest.approx(np.pi / 2 * (100**2 - 50**2 + 20**2), rel=1e-5)


def test_polygons_that_only_touch_share_nothing_but_rounding() -> None:
    cells = np.array([shapely.box(4e5 + 7.1 * i, 3e6, 4e5 + 7.1 * i + 7.1, 3e6 + 7.1) for i in range(20)], dtype=object)
    border = outlines(cells, (4e5, 3e6))
    assert np.abs(shared_areas(border, border, np.arange(19), np.arange(1, 20))).max() < 1e-7
