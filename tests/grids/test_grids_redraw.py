"""Grids redrawn: topology, codes and counts on 100 random districts, and hand-made cases."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from districts import CRS, district

from gridgov.errors import ParameterError
from gridgov.grids.code_changes import code_table, new_codes, restate, restate_columns
from gridgov.grids.codes import code_fault
from gridgov.grids.cutting import balanced_cut, cut_along, with_corners
from gridgov.grids.redraw import GridLimits, Redraw, redraw

X, Y = 500_000.0, 3_280_000.0
C = "339901001001"


def row_of(*households: float) -> gpd.GeoDataFrame:
    """Squares of 100 m in a row, 2 persons in each household."""
    n = len(households)
    return gpd.GeoDataFrame(
        {
            "grid_code": [f"{C}{i + 1:03d}" for i in range(n)],
            "community_code": [C] * n,
            "persons": [2 * h for h in households],
            "households": households,
        },
        geometry=[shapely.box(X + 100 * i, Y, X + 100 * i + 100, Y + 100) for i in range(n)],
        crs=CRS,
    )


def test_two_small_neighbours_become_one_grid_with_a_new_code() -> None:
    made = redraw(row_of(100, 150, 400))
    assert made.frame["grid_code"].tolist() == [C + "003", C + "004"]
    assert made.frame["households"].tolist() == [400, 250]
    assert made.table.to_numpy().tolist() == [
        [C + "001", C + "004", 1.0, "merged"],
        [C + "002", C + "004", 1.0, "merged"],
        [C + "003", C + "003", 1.0, "same"],
    ]
    assert made.left == ((C + "004", "no_neighbour_fits"),)


def test_a_large_grid_is_cut_where_its_people_are() -> None:
    """900 households, two thirds of the people in the western fifth: the cut runs there, not through the middle."""
    frame = row_of(900, 400)
    people = np.array([[X + 0.5 * i, Y + 50.0] for i in range(40)] + [[X + 80, Y + 40.0 + i] for i in range(20)])
    made = redraw(frame, points={C + "001": people})
    parts = made.frame[made.frame["grid_code"] > C + "002"]
    assert parts["households"].tolist() == pytest.approx([450, 450], abs=0.02 * 900)
    assert made.table["change"].tolist() == ["split", "split", "same"]
    assert shapely.coverage_is_valid(np.asarray(made.frame.geometry.array))


def test_a_given_line_is_where_the_grid_is_cut() -> None:
    line = shapely.linestrings([[X + 30, Y - 10], [X + 30, Y + 110]])
    made = redraw(row_of(800, 400), lines={C + "001": line})
    areas = made.frame.geometry.area.sort_values().tolist()
    assert areas == pytest.approx([3_000, 7_000, 10_000])


def test_a_grid_of_another_community_and_one_that_nobody_counted_are_left() -> None:
    frame = row_of(100, 100, 400)
    frame.loc[1, "community_code"] = "339901001002"
    frame["households"] = frame["households"].astype("Float64")
    frame.loc[2, "households"] = None
    made = redraw(frame)
    assert made.merged == made.cut == 0
    assert dict(made.left) == {
        C + "001": "no_neighbour_fits", C + "002": "no_neighbour_fits", C + "003": "unknown_population",
    }  # fmt: skip


def check(frame: gpd.GeoDataFrame, made: Redraw) -> None:
    """No gap, no overlap, nobody lost, communities kept, valid new codes, counts conserved."""
    shapes = np.asarray(made.frame.geometry.array, dtype=object)
    assert shapely.is_valid(shapes).all()
    assert bool(shapely.coverage_is_valid(shapes))
    assert shapes.size == made.frame["grid_code"].nunique()
    assert shapely.area(shapes).sum() == pytest.approx(frame.geometry.area.sum())
    old, new = shapely.union_all(np.asarray(frame.geometry.array)), shapely.union_all(shapes)
    assert shapely.symmetric_difference(old, new).area < 1.0
    assert (shapely.get_num_geometries(shapes) == 1).all()
    for name in ("persons", "households"):
        assert made.frame[name].sum() == pytest.approx(float(frame[name].sum()))
    before, after = (f.dissolve("community_code").geometry for f in (frame, made.frame))
    assert shapely.area(shapely.symmetric_difference(before.to_numpy(), after.to_numpy())).max() < 1.0
    assert all(code_fault(code) is None for code in made.frame["grid_code"])
    assert (made.frame["grid_code"].str[:12] == made.frame["community_code"]).all()
    counts = dict(zip(frame["grid_code"], range(len(frame)), strict=True))
    for whole in (False, True):
        stated = restate(counts, made.table, whole=whole)
        assert stated.sum() == pytest.approx(sum(counts.values()))
        assert set(stated.index) == set(made.frame["grid_code"])


@pytest.mark.parametrize("block", range(5))
def test_topology_people_and_counts_are_kept_on_100_random_districts(block: int) -> None:
    changed = 0
    for seed in range(block * 20, block * 20 + 20):
        frame = district(seed, grids=25).frame
        made = redraw(frame, GridLimits(150, 350, 900), crs=CRS)
        check(frame, made)
        changed += made.merged + made.cut
    assert changed > 100


def test_cuts_in_degrees_leave_old_corners_as_they_are() -> None:
    """A cut in WGS 84 keeps the coverage valid to the last bit."""
    frame = district(3, grids=25).frame.to_crs("EPSG:4326")
    made = redraw(frame, GridLimits(0, 350, 900), crs=CRS)
    assert made.cut > 0
    assert bool(shapely.coverage_is_valid(np.asarray(made.frame.geometry.array)))
    old = {tuple(xy) for xy in shapely.get_coordinates(np.asarray(frame.geometry.array)).tolist()}
    new = {tuple(xy) for xy in shapely.get_coordinates(np.asarray(made.frame.geometry.array)).tolist()}
    assert old <= new


def test_the_balanced_cut_of_a_long_box_is_the_short_way_across() -> None:
    box = shapely.box(X, Y, X + 400, Y + 100)
    line = balanced_cut(box)
    parts = cut_along(box, line)
    assert [part.area for part in parts] == pytest.approx([20_000, 20_000], rel=1e-6)
    assert shapely.intersection(line, box).length == pytest.approx(100)


def test_corners_come_into_a_polygon_with_two_holes_of_different_shape() -> None:
    outline, box = [(0, 0), (10, 0), (10, 10), (0, 10)], [(1, 1), (2, 1), (2, 2), (1, 2)]
    shape = shapely.Polygon(outline, [box, [(5, 5), (7, 5), (6, 7)]])
    given = np.array([[5.0, 0.0], [6.0, 5.0]])
    (found,) = with_corners(np.array([shape], dtype=object), given, 1e-9)
    assert [len(found.exterior.coords), *(len(hole.coords) for hole in found.interiors)] == [6, 5, 5]
    assert found.equals(shape)


def test_shares_restate_old_counts_and_conserve_them() -> None:
    table = code_table([("A", "X", 0.25), ("A", "Y", 0.75), ("B", "Y", 1.0), ("C", "C", 1.0)])
    assert table["change"].tolist() == ["split", "recut", "merged", "same"]
    assert restate({"A": 10, "B": 3, "C": 1, "other": 2}, table).to_dict() == {"C": 1, "X": 2.5, "Y": 10.5, "other": 2}
    assert restate({"A": 10, "B": 3, "C": 1}, table, whole=True).sum() == 14


def test_columns_are_restated_whole_and_what_is_unknown_stays_unknown() -> None:
    table = code_table([("A", "X", 0.25), ("A", "Y", 0.75), ("B", "Y", 1.0), ("C", "C", 1.0)])
    frame = pd.DataFrame(
        {"persons": [7, 5, 3, 2], "elderly": [7, None, 3, None], "share": [1.0, 0.5, 2.0, 0.25]}, index=list("ABCD")
    )
    found = restate_columns(frame.astype({"elderly": "Int64"}), table)
    assert found.index.tolist() == ["C", "D", "X", "Y"]
    assert found["persons"].tolist() == [3, 2, 2, 10]
    assert found["elderly"].dtype == "Int64"
    assert found["elderly"].isna().tolist() == [False, True, False, True]
    assert found["elderly"]["X"] == 2
    assert found["share"].tolist() == [2.0, 0.25, 0.25, 1.25]


def test_a_grid_around_two_others_is_redrawn_with_both_holes() -> None:
    """The ring of small grids is joined around a box and a triangle, and the corners of cuts come into its border."""
    outer = shapely.box(X, Y, X + 1000, Y + 1000)
    holes = [
        shapely.box(X + 100, Y + 100, X + 300, Y + 300),
        shapely.Polygon([(X + 600, Y + 600), (X + 900, Y + 600), (X + 700, Y + 900)]),
        shapely.Point(X + 700, Y + 250).buffer(100, quad_segs=5),
    ]
    ring = shapely.difference(outer, shapely.union_all(holes))
    west, east = (
        shapely.intersection(ring, shapely.box(X + a, Y, X + b, Y + 1000)) for a, b in ((0, 450), (450, 1000))
    )
    frame = gpd.GeoDataFrame(
        {
            "grid_code": [f"{C}{i + 1:03d}" for i in range(5)],
            "community_code": [C] * 5,
            "persons": [20, 20, 900, 900, 900],
            "households": [10, 10, 300, 300, 300],
        },
        geometry=[west, east, *holes],
        crs=CRS,
    )
    made = redraw(frame, GridLimits(50, 200, 1000))
    assert (made.merged, made.cut) == (2, 3)
    assert shapely.coverage_is_valid(np.asarray(made.frame.geometry.array))
    around = max(made.frame.geometry, key=lambda shape: len(shape.interiors))
    assert len({len(hole.coords) for hole in around.interiors}) == 3
    assert made.frame.geometry.area.sum() == pytest.approx(1e6)


def test_shares_that_lose_something_are_refused() -> None:
    with pytest.raises(ParameterError, match="shares of grid A add up to"):
        code_table([("A", "X", 0.5)])


def test_new_codes_are_never_old_ones() -> None:
    assert new_codes([C + "007"], 2, [C + "007", C + "012"]) == [C + "013", C + "014"]
    assert new_codes([C + "007"], 1, [C + "007", C + "999"]) == [C + "001"]
    assert new_codes(["A1-02", "A1-01"], 2, ["A1-01", "A1-02", "A1-01+1"]) == ["A1-01+2", "A1-01+3"]
    with pytest.raises(ParameterError, match="no free sequence number"):
        new_codes([C + "001"], 1, [f"{C}{i:03d}" for i in range(1, 1000)])
