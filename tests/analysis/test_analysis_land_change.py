"""Land-cover transition, class tables and red-line conflicts, computed by hand."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from scipy.ndimage import label

from gridgov.analysis.class_tables import class_table, classified
from gridgov.analysis.conflicts import red_line_conflicts
from gridgov.analysis.metric_layers import MetricLayer, metric_layer
from gridgov.analysis.raster_cells import RasterArray
from gridgov.analysis.transition import land_cover_transition
from gridgov.errors import ParameterError

CRS = "EPSG:4549"
X, Y = 403_000.0, 3_276_000.0


def cover(values: Any, name: str = "cover", cell: float = 100.0, **options: Any) -> RasterArray:
    array = np.asarray(values, dtype=np.int16)
    transform = Affine(cell, 0, X, 0, -cell, Y + cell * array.shape[0])
    return RasterArray(name, array, transform, options.get("crs", CRS), options.get("nodata", 0))


def layer(name: str, shapes: list[Any], classes: list[str]) -> MetricLayer:
    frame = gpd.GeoDataFrame({"class": classes}, geometry=shapes, crs=CRS)
    return metric_layer(frame, name, metric_crs=CRS, class_column="class")[0]


def box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(X + west, Y + south, X + east, Y + north)


BEFORE = [[40, 40, 20, 20], [40, 40, 20, 0], [40, 10, 10, 10]]
AFTER = [[60, 60, 20, 20], [60, 40, 60, 60], [40, 10, 10, 0]]


def test_the_transition_matrix_is_in_hectares_and_holds_every_class() -> None:
    """Cells of a hectare: three of cropland (40) and one of forest (20) become built-up land (60)."""
    found = land_cover_transition(cover(BEFORE), cover(AFTER))
    assert found.matrix.loc[40].to_dict() == {10: 0, 20: 0, 40: 2, 60: 3}
    assert found.matrix.loc[20].to_dict() == {10: 0, 20: 2, 40: 0, 60: 1}
    assert found.matrix.index.tolist() == found.matrix.columns.tolist() == [10, 20, 40, 60]
    assert (found.compared_ha, found.unknown_ha) == (10, 2)
    assert found.changes.to_dict("records") == [
        {"from_code": 40, "to_code": 60, "area_ha": 3, "share": pytest.approx(0.6)},
        {"from_code": 20, "to_code": 60, "area_ha": 1, "share": pytest.approx(1 / 3)},
    ]


def test_changed_patches_are_ranked_by_area_and_lie_where_the_change_is() -> None:
    found = land_cover_transition(cover(BEFORE), cover(AFTER))
    assert found.patches[["from_code", "to_code", "area_ha", "cells"]].to_numpy().tolist() == [
        [40, 60, 3, 3], [20, 60, 1, 1],
    ]  # fmt: skip
    first = found.patches.geometry.iloc[0]
    assert first.equals(shapely.union(box(0, 100, 100, 300), box(100, 200, 200, 300)))
    assert len(land_cover_transition(cover(BEFORE), cover(AFTER), most_patches=1).patches) == 1


def test_patches_are_those_of_scipy_on_random_maps() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.integers(1, 4, (2, 60, 70))
    found = land_cover_transition(cover(before), cover(after), most_patches=10_000)
    expected = sum(
        label((before == a) & (after == b))[1] for a in (1, 2, 3) for b in (1, 2, 3) if a != b
    )  # fmt: skip
    assert len(found.patches) == expected
    assert found.patches["area_ha"].sum() == pytest.approx(found.changes["area_ha"].sum())
    assert found.patches.geometry.area.to_numpy() == pytest.approx(found.patches["area_ha"].to_numpy() * 10_000)


def test_nothing_that_changed_gives_no_patch() -> None:
    found = land_cover_transition(cover(BEFORE), cover(BEFORE))
    assert len(found.patches) == len(found.changes) == 0
    assert found.compared_ha == 11


def test_rasters_on_different_cells_are_compared_by_the_nearest_value_with_a_warning() -> None:
    fine = np.repeat(np.repeat(np.asarray(AFTER), 4, axis=0), 4, axis=1)
    found = land_cover_transition(cover(BEFORE), cover(fine, name="later", cell=25.0))
    assert [(finding.rule, finding.layer) for finding in found.findings] == [("raster_regridded", "later")]
    assert found.matrix.equals(land_cover_transition(cover(BEFORE), cover(AFTER)).matrix)


def test_measures_missing_crs_and_places_apart_are_refused() -> None:
    measured = RasterArray("dem", np.array([[1.5, 2.0]]), Affine(100, 0, X, 0, -100, Y), CRS, None)
    with pytest.raises(ParameterError, match=r"raster dem holds no classes: the value 1.5 in row 0, column 0"):
        land_cover_transition(measured, measured)
    with pytest.raises(ParameterError, match="raster cover has no CRS"):
        land_cover_transition(cover(BEFORE, crs=None), cover(AFTER))
    away = RasterArray("away", np.asarray(AFTER), Affine(100, 0, X + 9e4, 0, -100, Y), CRS, 0)
    with pytest.raises(ParameterError, match="rasters cover and away have no cell with a class at both dates"):
        land_cover_transition(cover(BEFORE), away)


def test_a_class_table_holds_every_pair_in_the_area_with_shares_of_cells() -> None:
    slopes = RasterArray("slope", np.array([[1.0, 20.0], [3.0, np.nan]]), Affine(100, 0, X, 0, -100, Y + 200), CRS)
    found = class_table(
        classified(slopes, (5, 15)), cover([[10, 20], [10, 20]]), layer("b", [box(50, 0, 200, 200)], ["x"])
    )
    assert found.pairs[["first_code", "second_code", "area_m2"]].to_numpy().tolist() == [
        [0, 10, pytest.approx(10_000)], [2, 20, pytest.approx(10_000)],
    ]  # fmt: skip
    assert found.areas["nodata_share"].tolist() == pytest.approx([1 / 3])
    assert found.matrix().loc[2, 20] == pytest.approx(10_000)


def test_breaks_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ParameterError, match="do not rise"):
        classified(cover(BEFORE), (15, 5))


@pytest.fixture
def protected() -> list[MetricLayer]:
    farmland = layer("farmland", [box(0, 0, 100, 100), box(100, 0, 200, 100)], ["basic", "other"])
    return [farmland, layer("protection", [box(0, 50, 300, 150)], ["nature"])]


def test_a_plan_meets_farmland_and_protection_by_class_with_areas_and_shares(protected: list[MetricLayer]) -> None:
    plan = layer("plan", [box(50, 0, 150, 100), box(250, 100, 350, 200)], ["works", "road"])
    found = red_line_conflicts(plan, protected)
    table = found.by_class.set_index("class")
    assert table["size"].to_dict() == pytest.approx({"nature": 7500, "basic": 5000, "other": 5000})
    assert table["share_of_plan"].to_dict() == pytest.approx({"nature": 0.375, "basic": 0.25, "other": 0.25})
    assert table["share_of_class"].to_dict() == pytest.approx({"nature": 0.25, "basic": 0.5, "other": 0.5})
    assert table["plans"].to_dict() == {"nature": 2, "basic": 1, "other": 1}
    assert (found.plan_size, found.free_size) == pytest.approx((20_000, 7_500))
    assert found.parts.geometry.area.to_numpy() == pytest.approx(found.parts["size"].to_numpy())
    assert found.has_conflicts


def test_a_plan_of_a_road_is_measured_in_metres(protected: list[MetricLayer]) -> None:
    road = layer("road", [shapely.LineString([(X - 100, Y + 25), (X + 400, Y + 25)])], [""])
    found = red_line_conflicts(road, protected)
    assert found.unit == "m"
    assert found.by_class.set_index("class")["size"].to_dict() == pytest.approx({"basic": 100, "other": 100})
    assert found.free_size == pytest.approx(300)


def test_slivers_along_a_border_are_counted_but_no_conflict(protected: list[MetricLayer]) -> None:
    found = red_line_conflicts(layer("plan", [box(199.999, 0, 260, 40)], [""]), protected)
    assert not found.has_conflicts
    assert (found.ignored_parts, found.ignored_size) == (1, pytest.approx(0.04, rel=1e-3))
    assert found.free_size == found.plan_size


def test_a_plan_far_from_everything_protected_is_free_and_says_how_far(protected: list[MetricLayer]) -> None:
    found = red_line_conflicts(layer("plan", [box(9000, 0, 9100, 100)], [""]), protected)
    assert not found.has_conflicts
    assert [finding.rule for finding in found.findings] == ["layers_apart", "layers_apart"]
    with pytest.raises(ParameterError, match="no protected layer"):
        red_line_conflicts(layer("plan", [box(0, 0, 1, 1)], [""]), [])


URBAN = {"lines": ("urban",)}


@pytest.fixture
def lines() -> MetricLayer:
    """A boundary of two polygons that share 100 × 100 m, and a red line inside the first."""
    shapes = [box(0, 0, 300, 100), box(200, 0, 400, 100), box(0, 0, 50, 100)]
    return layer("lines", shapes, ["urban", "urban", "red"])


def test_a_plan_breaks_the_urban_boundary_by_what_lies_outside_of_it(lines: MetricLayer) -> None:
    plan = layer("plan", [box(350, 0, 500, 200), box(20, 20, 120, 80), box(600, 0, 700, 100)], ["a", "b", "c"])
    found = red_line_conflicts(plan, [lines], outside=URBAN)
    table = found.by_class.set_index("class")
    assert table["side"].to_dict() == {"urban": "outside", "red": "inside"}
    # a: 30,000 of which 50 × 100 inside; b: 6,000 wholly inside; c: 10,000 wholly outside; red: 30 × 60 of b
    assert table["size"].to_dict() == pytest.approx({"urban": 35_000, "red": 1_800})
    assert table["share_of_plan"].to_dict() == pytest.approx({"urban": 35 / 46, "red": 1.8 / 46})
    assert table["plans"].to_dict() == {"urban": 2, "red": 1}
    assert table.loc["red", "share_of_class"] == pytest.approx(0.36)
    assert np.isnan(table.loc["urban", "share_of_class"])
    assert (found.plan_size, found.free_size) == pytest.approx((46_000, 46_000 - 35_000 - 1_800))
    assert found.balances["lines", "urban"].rest == pytest.approx(35_000)
    assert not found.findings


def test_the_parts_outside_have_their_geometry_and_no_protected_row(lines: MetricLayer) -> None:
    plan = layer("plan", [box(350, 0, 500, 200), box(20, 20, 120, 80), box(600, 0, 700, 100)], ["a", "b", "c"])
    parts = red_line_conflicts(plan, [lines], outside=URBAN).parts
    out = parts[parts["side"] == "outside"]
    assert out["plan_row"].tolist() == [1, 3]
    assert out["share_of_plan"].tolist() == pytest.approx([25 / 30, 1.0])
    assert out.geometry.area.tolist() == pytest.approx(out["size"].tolist())
    assert out["protected_row"].isna().all()
    assert (out["protected_id"] == "").all()


def test_a_plan_inside_the_urban_boundary_is_no_conflict(lines: MetricLayer) -> None:
    found = red_line_conflicts(layer("plan", [box(100, 10, 390, 90)], [""]), [lines], outside=URBAN)
    assert not found.has_conflicts
    assert found.free_size == found.plan_size


def test_a_boundary_of_which_nothing_is_drawn_is_said_to_be_unchecked(protected: list[MetricLayer]) -> None:
    plan = layer("plan", [box(50, 0, 150, 100)], [""])
    found = red_line_conflicts(plan, protected, outside={"protection": ("urban",)})
    assert set(found.by_class["class"]) == {"nature", "basic", "other"}
    assert [(each.rule, each.layer, each.detail) for each in found.findings] == [
        ("line_not_drawn", "protection", {"class": "urban"})
    ]
    with pytest.raises(ParameterError, match="there is no line to check"):
        red_line_conflicts(plan, [protected[1].take(np.zeros(0, dtype=np.intp))], outside={"protection": ("urban",)})


def test_a_road_and_points_count_what_of_them_lies_outside(lines: MetricLayer) -> None:
    road = layer("road", [shapely.LineString([(X + 100, Y + 50), (X + 550, Y + 50)])], [""])
    found = red_line_conflicts(road, [lines], outside=URBAN)
    assert (found.unit, found.plan_size, found.free_size) == ("m", pytest.approx(450), pytest.approx(300))
    assert found.by_class["size"].tolist() == pytest.approx([150])
    wells = layer("wells", [shapely.Point(X + 10, Y + 10), shapely.Point(X + 900, Y)], ["", ""])
    found = red_line_conflicts(wells, [lines], outside=URBAN)
    assert found.by_class.set_index("class")["size"].to_dict() == {"urban": 1, "red": 1}
    assert found.free_size == 0


def test_slivers_outside_the_boundary_are_counted_but_no_conflict(lines: MetricLayer) -> None:
    found = red_line_conflicts(layer("plan", [box(300, 0, 400.005, 100)], [""]), [lines], outside=URBAN)
    assert not found.has_conflicts
    assert (found.ignored_parts, found.ignored_size) == (1, pytest.approx(0.5, rel=1e-3))


def test_outside_and_inside_of_random_boundaries_sum_to_the_plan() -> None:
    rng = np.random.default_rng(3)
    at = rng.uniform(0, 1000, (40, 2))
    shapes = [
        shapely.Point(X + x, Y + y).buffer(float(r)) for (x, y), r in zip(at, rng.uniform(20, 150, 40), strict=True)
    ]
    town = layer("lines", shapes, ["urban"] * 40)
    plan = layer("plan", [box(200, 200, 500, 900), box(600, 100, 990, 600)], ["", ""])
    found = red_line_conflicts(plan, [town], outside=URBAN)
    inside = shapely.area(shapely.intersection(plan.shapes, shapely.union_all(town.shapes))).sum()
    assert found.by_class["size"].sum() + inside == pytest.approx(found.plan_size, rel=1e-9)
    assert found.free_size == pytest.approx(inside, rel=1e-9)
