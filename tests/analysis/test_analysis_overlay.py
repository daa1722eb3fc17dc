"""Overlay of any two vector layers: hand-computed cases, the balance, and geopandas as the oracle."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.analysis.metric_layers import MetricLayer, metric_layer
from gridgov.analysis.overlay import class_areas, overlaps_within, overlay
from gridgov.errors import ParameterError

CRS = "EPSG:4549"
X, Y = 403_000.0, 3_276_000.0


def box(west: float, south: float, east: float, north: float) -> Any:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def layer(name: str, shapes: list[Any], classes: list[str] | None = None, **options: Any) -> MetricLayer:
    frame = gpd.GeoDataFrame({"id": [f"{name}{i}" for i in range(len(shapes))]}, geometry=shapes, crs=CRS)
    if classes is not None:
        frame["class"] = classes
        options["class_column"] = "class"
    return metric_layer(frame, name, metric_crs=CRS, id_column="id", **options)[0]


def test_parts_and_rest_of_a_grid_are_those_computed_by_hand() -> None:
    """A square of 100 m with 60 x 100 m of wood, 20 x 50 m of field, and nothing on the rest."""
    grids = layer("g", [box(0, 0, 100, 100)])
    land = layer("l", [box(-50, 0, 60, 100), box(60, 0, 80, 50)], ["wood", "field"])
    found = overlay(grids, land)
    assert found.pairs["size"].tolist() == pytest.approx([6000, 1000])
    assert found.pairs["share_of_right"].tolist() == pytest.approx([6000 / 11000, 1.0])
    assert found.accounts.loc[0, ["covered", "rest", "doubled"]].tolist() == pytest.approx([7000, 3000, 0])
    assert found.balance.error_share < 1e-12
    table = class_areas(found)
    assert dict(zip(table["right_class"].fillna("-"), table["size"], strict=True)) == pytest.approx(
        {"wood": 6000, "field": 1000, "-": 3000}
    )
    assert table["share"].sum() == pytest.approx(1.0)


def test_what_lies_twice_is_counted_apart_even_where_a_gap_of_the_same_size_hides_it() -> None:
    """Two polygons overlap by 20 m and leave 20 m free: their areas sum to the whole, which proves nothing."""
    found = overlay(layer("g", [box(0, 0, 100, 10)]), layer("l", [box(0, 0, 60, 10), box(40, 0, 80, 10)]))
    assert found.balance.parts == found.balance.whole == 1000
    assert (found.balance.doubled, found.balance.rest) == pytest.approx((200, 200))
    assert found.overlaps[["row", "other_row", "area_m2"]].to_numpy().tolist() == [[1, 2, 200]]
    assert [finding.rule for finding in found.findings] == ["layer_overlaps_itself"]
    assert all("{" not in found.findings[0].message(lang) for lang in ("zh", "en"))


@pytest.mark.parametrize(
    ("shapes", "pairs"),
    [
        ([box(0, 0, 10, 10), box(10, 0, 20, 10)], 0),  # a common border
        ([box(0, 0, 10, 10), box(2, 2, 4, 4)], 1),  # one inside the other
        ([box(0, 0, 10, 10), box(0, 0, 10, 10)], 1),  # the same twice
        ([box(0, 0, 10, 10), box(5, 5, 15, 15), box(9, 9, 30, 30)], 3),
        ([box(0, 0, 10, 10), box(10, 5, 20, 15)], 0),  # a border that does not match
    ],
)
def test_polygons_that_overlap_within_a_layer_are_found(shapes: list[Any], pairs: int) -> None:
    assert len(overlaps_within(layer("l", shapes))) == pairs


def test_lines_are_divided_in_metres_and_points_in_pieces_whichever_side_they_are_on() -> None:
    areas = layer("a", [box(0, 0, 50, 10), box(50, 0, 100, 10)], ["x", "y"])
    line = layer("r", [shapely.LineString([(X - 30, Y + 5), (X + 80, Y + 5)])])
    found = overlay(areas, line)
    assert (found.divided, found.unit) == ("right", "m")
    assert found.pairs["size"].tolist() == pytest.approx([50, 30])
    assert found.balance.rest == pytest.approx(30)
    points = layer("p", [shapely.Point(X + x, Y + 5) for x in (10, 20, 60, 500)])
    found = overlay(points, areas)
    assert (found.unit, found.balance.parts, found.balance.rest) == ("pieces", 3, 1)
    table = class_areas(found)
    assert dict(zip(table["right_class"].fillna("-"), table["size"], strict=True)) == {"x": 2, "y": 1, "-": 1}


def test_a_line_along_a_common_border_belongs_to_both_sides_and_is_said_to() -> None:
    areas = layer("a", [box(0, 0, 50, 10), box(0, 10, 50, 20)])
    found = overlay(layer("r", [shapely.LineString([(X, Y + 10), (X + 50, Y + 10)])]), areas)
    assert (found.balance.parts, found.balance.doubled, found.balance.rest) == pytest.approx((100, 50, 0))


def scattered(seed: int, count: int, corners: int) -> list[Any]:
    """Star-shaped polygons anywhere in a square of 1 km; they may overlap."""
    rng = np.random.default_rng(seed)
    made = []
    for x, y in rng.uniform(0, 1000, (count, 2)):
        turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = rng.uniform(20, 160, corners)
        star = shapely.Polygon(np.column_stack([X + x + reach * np.cos(turn), Y + y + reach * np.sin(turn)]))
        made.append(star if star.is_valid else star.convex_hull)
    return made


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_on_random_overlapping_polygons_everything_sums_and_geopandas_agrees(seed: int) -> None:
    left, right = layer("g", scattered(seed, 12, 7)), layer("l", scattered(seed + 1, 25, 9))
    found = overlay(left, right)
    frames = [gpd.GeoDataFrame({"n": range(1, len(side) + 1)}, geometry=side.shapes, crs=CRS) for side in (left, right)]
    expected = gpd.overlay(*frames, how="intersection", keep_geom_type=True)
    expected = expected[expected.area > 0].sort_values(["n_1", "n_2"])
    assert found.pairs[["left_row", "right_row"]].to_numpy().tolist() == expected[["n_1", "n_2"]].to_numpy().tolist()
    assert found.pairs["size"].to_numpy() == pytest.approx(expected.area.to_numpy(), rel=1e-6, abs=1e-6)
    rest = gpd.overlay(*frames, how="difference").area.sum()
    assert found.balance.rest == pytest.approx(rest, rel=1e-6, abs=1e-6)
    accounts = found.accounts
    assert (accounts["covered"] + accounts["rest"]).to_numpy() == pytest.approx(accounts["size"].to_numpy(), rel=1e-6)
    assert found.balance.worst_share <= 0.001


def test_a_border_of_many_points_is_cut_into_pieces_without_changing_an_area() -> None:
    turn = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    reach = 400 + 20 * np.sin(40 * turn)
    round_area = shapely.Polygon(np.column_stack([X + 500 + reach * np.cos(turn), Y + 500 + reach * np.sin(turn)]))
    cells = [box(100 * i, 100 * j, 100 * i + 100, 100 * j + 100) for j in range(10) for i in range(10)]
    found = overlay(layer("g", cells), layer("l", [round_area]))
    exact = [shapely.intersection(cell, round_area).area for cell in cells]
    sums = found.pairs.set_index("left_row")["size"].reindex(range(1, 101)).fillna(0)
    assert sums.to_numpy() == pytest.approx(exact, rel=1e-9, abs=1e-6)
    assert found.balance.parts == pytest.approx(round_area.area)


def test_a_line_through_the_middle_of_a_border_of_many_points_is_counted_once() -> None:
    turn = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    lake = shapely.Polygon(np.column_stack([X + 500 + 400 * np.cos(turn), Y + 500 + 400 * np.sin(turn)]))
    roads = [shapely.LineString([(X + 200, Y + y), (X + 600, Y + y)]) for y in (*range(470, 530, 10), 500)]
    found = overlay(layer("r", roads), layer("l", [lake]))
    assert found.pairs["size"].to_numpy() == pytest.approx(400)


def test_sizes_with_geometry_are_those_without_it() -> None:
    left, right = layer("g", scattered(5, 30, 7)), layer("l", scattered(6, 40, 9))
    found, drawn = overlay(left, right), overlay(left, right, geometry=True)
    assert drawn.pairs["size"].to_numpy() == pytest.approx(found.pairs["size"].to_numpy(), rel=1e-9, abs=1e-6)
    assert drawn.pairs.geometry.area.to_numpy() == pytest.approx(drawn.pairs["size"].to_numpy())
    assert drawn.balance.rest == found.balance.rest


def test_the_geometry_of_every_part_comes_where_it_is_asked_for() -> None:
    found = overlay(layer("g", [box(0, 0, 100, 100)]), layer("l", [box(50, 0, 150, 100)]), geometry=True)
    assert isinstance(found.pairs, gpd.GeoDataFrame)
    assert found.pairs.geometry.iloc[0].equals(box(50, 0, 100, 100))


def test_invalid_and_missing_geometries_are_named_by_layer_and_row_or_repaired_with_a_finding() -> None:
    bow = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    shapes = [box(0, 0, 10, 10), bow, None]
    frame = gpd.GeoDataFrame({"id": ["a", "b", "c"]}, geometry=shapes, crs=CRS)
    with pytest.raises(ParameterError, match=r"layer zoning: row 3 \(c\) without a usable geometry"):
        metric_layer(frame, "zoning", metric_crs=CRS, id_column="id")
    with pytest.raises(ParameterError, match=r"layer zoning: invalid geometry in row 2 \(b\) \(Self-intersection"):
        metric_layer(frame.iloc[:2], "zoning", metric_crs=CRS, id_column="id")
    made, findings = metric_layer(frame, "zoning", metric_crs=CRS, id_column="id", repair=True)
    assert [(finding.rule, finding.row) for finding in findings] == [("missing_geometry", 3), ("invalid_geometry", 2)]
    assert made.rows.tolist() == [1, 2]
    assert made.size().tolist() == pytest.approx([100, 50])


def test_degrees_missing_crs_mixed_kinds_and_unknown_columns_are_refused_in_words() -> None:
    frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[box(0, 0, 1, 1), shapely.Point(X, Y)], crs=CRS)
    with pytest.raises(ParameterError, match="measures in degree"):
        metric_layer(frame, "land", metric_crs="EPSG:4326")
    with pytest.raises(ParameterError, match="measures in US survey foot"):
        metric_layer(frame, "land", metric_crs="EPSG:2263")
    with pytest.raises(ParameterError, match="layer land has no CRS"):
        metric_layer(frame.set_crs(None, allow_override=True), "land", metric_crs=CRS)
    with pytest.raises(ParameterError, match=r"holds points and areas \(row 2 \(b\) differ"):
        metric_layer(frame, "land", metric_crs=CRS, id_column="id")
    with pytest.raises(ParameterError, match="has no column 'klass'; it has id"):
        metric_layer(frame, "land", metric_crs=CRS, class_column="klass")


def test_layers_that_lie_apart_are_refused_or_reported() -> None:
    near, far = layer("g", [box(0, 0, 10, 10)]), layer("l", [box(5000, 0, 5010, 10)])
    with pytest.raises(ParameterError, match="layers g and l do not overlap: they lie 4,990 m apart"):
        overlay(near, far)
    found = overlay(near, far, apart="report")
    assert len(found.pairs) == 0
    assert found.balance.rest == found.balance.whole == 100
    assert [finding.rule for finding in found.findings] == ["layers_apart"]
    assert class_areas(found)["size"].tolist() == [100]


def test_layers_in_different_crs_are_refused() -> None:
    other = metric_layer(
        gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=CRS), "o", metric_crs="EPSG:4548"
    )[0]  # fmt: skip
    with pytest.raises(ParameterError, match="bring both into one CRS"):
        overlay(layer("g", [box(0, 0, 10, 10)]), other)
