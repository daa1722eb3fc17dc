"""Gaps and overlaps."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.grids import check_topology

ORIGIN = (500000.0, 3275000.0)  # EPSG:4548 … a place near 117° E, 29.6° N


def layer(*boxes: tuple[float, float, float, float] | shapely.Geometry) -> gpd.GeoDataFrame:
    """Grids from boxes in metres, in longitude and latitude."""
    shapes = [box if isinstance(box, shapely.Geometry) else shapely.box(*box) for box in boxes]
    moved = [shapely.affinity.translate(shape, *ORIGIN) for shape in shapes]
    frame = gpd.GeoDataFrame({"grid_code": [f"G{i}" for i in range(len(boxes))]}, geometry=moved, crs="EPSG:4548")
    return frame.to_crs("EPSG:4326")


def found(frame: gpd.GeoDataFrame) -> list[tuple[str, str, str, int, str]]:
    return [
        (f.rule, f.key or "", str(f.detail["other"]), round(float(f.detail["area_m2"])), str(f.level))
        for f in check_topology(frame, crs="EPSG:4548")
    ]


def test_grids_that_fit_together_have_no_finding() -> None:
    """Shared borders are no overlap."""
    assert found(layer((0, 0, 100, 100), (100, 0, 200, 100), (0, 100, 200, 200))) == []


def test_an_overlap_names_both_grids_and_its_area() -> None:
    """Ten metres by a hundred."""
    assert found(layer((0, 0, 110, 100), (100, 0, 200, 100))) == [("grid_overlap", "G0", "G1", 1000, "warning")]


def test_a_grid_inside_another_is_an_overlap() -> None:
    """Drawn twice."""
    assert found(layer((0, 0, 100, 100), (20, 20, 30, 30))) == [("grid_overlap", "G0", "G1", 100, "warning")]


def test_identical_grids_overlap() -> None:
    """The same shape under two codes."""
    assert found(layer((0, 0, 100, 100), (0, 0, 100, 100))) == [("grid_overlap", "G0", "G1", 10000, "warning")]


def test_a_slit_between_grids_is_a_gap_though_it_is_open_to_the_outside() -> None:
    """One metre by a hundred."""
    assert found(layer((0, 0, 100, 100), (101, 0, 200, 100))) == [("grid_gap", "G0", "G1", 100, "warning")]


def test_a_hole_between_grids_is_information_where_it_is_wide() -> None:
    """It may be a lake."""
    ring = (
        (0, 0, 300, 100),
        (0, 200, 300, 300),
        (0, 100, 100, 200),
        (200, 100, 300, 200),
    )
    assert found(layer(*ring)) == [("grid_gap", "G0", "G1", 10000, "info")]


def test_a_hole_in_one_grid_names_it_twice() -> None:
    """There is no other grid."""
    donut = shapely.box(0, 0, 100, 100).difference(shapely.box(40, 40, 60, 60))
    assert found(layer(donut)) == [("grid_gap", "G0", "G0", 400, "info")]


def test_faults_below_the_tolerance_are_let_pass() -> None:
    """A centimetre is how well the border was drawn."""
    assert found(layer((0, 0, 100.005, 100), (100, 0, 200, 100), (200.005, 0, 300, 100))) == []


def test_no_grids_have_no_faults() -> None:
    """An empty layer is no error here."""
    assert check_topology(layer()[:0]) == []


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 4), st.integers(1, 4)), min_size=2, max_size=7
    )
)
def test_overlaps_are_those_that_every_pair_compared_would_give(boxes: list[tuple[int, int, int, int]]) -> None:
    """The fast search misses nothing."""
    shapes = [shapely.box(10 * x, 10 * y, 10 * (x + w), 10 * (y + h)) for x, y, w, h in boxes]
    expected = {
        (f"G{i}", f"G{j}"): shapes[i].intersection(shapes[j]).area
        for i in range(len(shapes))
        for j in range(i + 1, len(shapes))
        if shapes[i].intersection(shapes[j]).area > 1
    }
    overlaps = {(a, b): area for rule, a, b, area, _ in found(layer(*shapes)) if rule == "grid_overlap"}
    assert overlaps.keys() == expected.keys()
    for pair, area in expected.items():
        assert overlaps[pair] == pytest.approx(area, abs=2)
