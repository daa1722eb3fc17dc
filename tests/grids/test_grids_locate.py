"""Point → grid, and figures by division."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgov.errors import ParameterError
from gridgov.grids import LEVELS, GridLocator, dissolve, roll_up

N = 5
CODES = [f"330106{1 + r // 2:03d}{1 + c // 2:03d}{r * N + c + 1:03d}" for r in range(N) for c in range(N)]


def squares(codes: list[str] = CODES) -> gpd.GeoDataFrame:
    """5 x 5 squares of 0.01°, row by row from the south-west corner 119, 29."""
    shapes = [
        shapely.box(119 + c / 100, 29 + r / 100, 119 + (c + 1) / 100, 29 + (r + 1) / 100)
        for r in range(N)
        for c in range(N)
    ]
    frame = gpd.GeoDataFrame({"grid_code": codes}, geometry=shapes, crs="EPSG:4326")
    return frame.assign(
        community_code=frame["grid_code"].str[:12],
        street_code=frame["grid_code"].str[:9],
        district_code=frame["grid_code"].str[:6],
    )


INSIDE = st.floats(0, N / 100, allow_nan=False)
ON_LINE = st.integers(0, N).map(lambda i: i / 100)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(INSIDE | ON_LINE, INSIDE | ON_LINE), min_size=1, max_size=30), st.randoms(use_true_random=False)
)
def test_locate_is_a_partition(places: list[tuple[float, float]], random: object) -> None:
    """Every point of the area has exactly one grid that touches it, whatever the order of the grids."""
    frame = squares()
    shuffled = frame.sample(frac=1, random_state=random.randrange(1000))  # type: ignore[attr-defined]
    lon, lat = 119 + np.array([x for x, _ in places]), 29 + np.array([y for _, y in places])
    lon, lat = np.clip(lon, 119, frame.total_bounds[2]), np.clip(lat, 29, frame.total_bounds[3])
    position = GridLocator(frame).locate(lon, lat)
    assert (position >= 0).all()
    assert shapely.intersects_xy(frame.geometry.array[position], lon, lat).all()
    again = GridLocator(shuffled).locate_codes(lon, lat)
    assert again.tolist() == frame["grid_code"].to_numpy()[position].tolist()


def test_a_corner_belongs_to_the_smallest_code() -> None:
    """Four grids meet there."""
    assert GridLocator(squares()).locate_codes(119.01, 29.01).tolist() == [min(CODES[0], CODES[1], CODES[5], CODES[6])]


def test_a_point_outside_has_no_grid() -> None:
    """-1, also for no place at all."""
    assert GridLocator(squares()).locate([118.0, np.nan, 119.005], [29.0, 29.0, np.nan]).tolist() == [-1, -1, -1]
    assert GridLocator(squares()).locate_codes([118.0], [29.0]).isna().all()


def test_a_hundred_thousand_points_take_about_a_second() -> None:
    """A month of incidents of a city."""
    rng = np.random.default_rng(1)
    assert (
        GridLocator(squares()).locate(rng.uniform(119, 119.05, 100_000), rng.uniform(29, 29.05, 100_000)) >= 0
    ).all()


PERSONS = st.lists(st.none() | st.integers(0, 100_000), min_size=N * N, max_size=N * N)


@settings(max_examples=50, deadline=None)
@given(PERSONS)
def test_figures_add_up_exactly_at_every_level(persons: list[int | None]) -> None:
    """The sum over divisions is the sum over grids, and so is the number of unknowns."""
    frame = squares().assign(persons=pd.array(persons, dtype="Int64"))
    known = [value for value in persons if value is not None]
    for level in LEVELS:
        table = roll_up(frame, level, ["persons"])
        assert int(table["persons"].fillna(0).sum()) == sum(known)
        assert int(table["persons_unknown"].sum()) == len(persons) - len(known)
        assert int(table["grids"].sum()) == N * N


def test_null_is_not_zero() -> None:
    """A division of which nothing is known has no sum; one with a zero has zero."""
    frame = pd.DataFrame(
        {"street_code": ["a", "a", "b", "b"], "persons": pd.array([None, None, 0, None], dtype="Int64")}
    )
    table = roll_up(frame, "street", ["persons"]).set_index("division_code")
    assert pd.isna(table.loc["a", "persons"])
    assert table.loc["b", "persons"] == 0
    assert table["persons_unknown"].tolist() == [2, 1]


def test_grids_without_a_division_have_a_row_of_their_own() -> None:
    """Else the sums would not be those of the grids."""
    frame = pd.DataFrame({"street_code": ["a", None], "persons": pd.array([1, 2], dtype="Int64")})
    table = roll_up(frame, "street", ["persons"])
    assert table["persons"].sum() == 3
    assert table["division_code"].isna().sum() == 1


def test_an_unknown_level_or_column_is_refused() -> None:
    """With what there is."""
    with pytest.raises(ParameterError, match="unknown level 'city'"):
        roll_up(squares(), "city", [])  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="no column 'persons'"):
        roll_up(squares(), "street", ["persons"])
    with pytest.raises(ParameterError, match="no column 'street_code'"):
        roll_up(squares().drop(columns="street_code"), "street", [])


def area(frame: gpd.GeoDataFrame) -> float:
    """In square degrees, good enough to compare."""
    return float(shapely.area(frame.geometry.array).sum())


def test_divisions_cover_exactly_their_grids() -> None:
    """The area of a division is that of its grids, also where these overlap."""
    frame = squares()
    for level in LEVELS:
        shapes = dissolve(frame, level)
        assert area(shapes) == pytest.approx(area(frame))
        assert shapes["grids"].sum() == len(frame)
        assert shapes.geometry.is_valid.all()
    twice = pd.concat([frame, frame.iloc[[0]]], ignore_index=True)
    assert area(dissolve(twice, "district")) == pytest.approx(area(frame))
