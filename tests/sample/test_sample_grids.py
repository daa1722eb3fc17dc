"""The sample's grids: a partition of the district, national codes, communities in one piece, persons that add up."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgov.sample.grids import merge
from gridgov.sample.population import whole_shares


@pytest.fixture(scope="module")
def grids(village: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(village / "grids.gpkg")


@pytest.fixture(scope="module")
def divisions(village: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(village / "divisions.geojson")


def test_grids_partition_the_district(grids: gpd.GeoDataFrame, divisions: gpd.GeoDataFrame) -> None:
    """No gap, no overlap, borders shared vertex by vertex."""
    shapes = grids.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert set(shapely.get_type_id(shapes)) == {3}
    district = divisions[divisions["level"] == "district"].to_crs("EPSG:4549").geometry.iloc[0]
    union = shapely.coverage_union_all(grids.to_crs("EPSG:4549").geometry.to_numpy())
    assert shapely.symmetric_difference(union, district).area < 1e-4 * district.area
    assert len(district.interiors) == 0


def test_codes_follow_the_national_rule(grids: gpd.GeoDataFrame, divisions: gpd.GeoDataFrame) -> None:
    """15 digits: district, street (街道 001-099, 镇 100-199), community, sequence from 001 without holes."""
    codes = grids["grid_code"]
    assert codes.is_unique
    assert codes.str.fullmatch(r"\d{15}").all()
    assert set(codes.str[:6]) == {"339901"}
    street = codes.str[6:9].astype(int)
    assert street.between(1, 199).all()
    for community, mine in grids.groupby("community_code"):
        assert (mine["grid_code"].str[:12] == community).all()
        assert sorted(mine["grid_code"].str[12:].astype(int)) == list(range(1, len(mine) + 1))
    names = divisions.set_index("division_code")["name"]
    for code in set(codes.str[:9]):
        assert names[code].endswith("街道" if int(code[6:]) < 100 else "镇")


def test_divisions_are_whole_and_made_of_their_grids(grids: gpd.GeoDataFrame, divisions: gpd.GeoDataFrame) -> None:
    """Communities and streets are in one piece and equal the union of their grids."""
    length = {"district": 6, "street": 9, "community": 12}
    assert divisions["division_code"].is_unique
    for row in divisions.itertuples():
        assert len(row.division_code) == length[row.level]
        mine = grids[grids["grid_code"].str.startswith(row.division_code)]
        union = shapely.coverage_union_all(mine.geometry.to_numpy())
        assert union.geom_type == "Polygon"
        assert shapely.symmetric_difference(union, row.geometry).area < 1e-4 * row.geometry.area


def test_numbers_run_west_to_east_and_north_to_south(grids: gpd.GeoDataFrame) -> None:
    """The first grid of a community lies north of or level with the last."""
    for _, mine in grids.to_crs("EPSG:4549").sort_values("grid_code").groupby("community_code"):
        y = mine.geometry.representative_point().y.to_numpy()
        height = np.sqrt(mine.area.mean())
        assert y[0] >= y[-1] - height


def test_persons_add_up(village: Path, grids: gpd.GeoDataFrame) -> None:
    """The recipe's 9,000 persons, no more elderly than persons, nobody without a household."""
    population = pd.read_csv(village / "population.csv", dtype={"grid_code": str})
    assert len(grids) == 100
    assert population["grid_code"].tolist() == grids["grid_code"].tolist()
    assert population["persons"].sum() == grids["persons"].sum() == 9000
    assert (population["elderly_persons"] <= population["persons"]).all()
    assert ((population["persons"] > 0) == (population["households"] > 0)).all()
    assert (population["households"] <= population["persons"]).all()


def test_whole_shares_add_up_to_the_total() -> None:
    """Largest remainders: 10 in the shares 1 : 1 : 1 is 4, 3, 3."""
    assert whole_shares(np.array([1.0, 1.0, 1.0]), 10).tolist() == [4, 3, 3]


def test_merging_keeps_groups_connected() -> None:
    """In a row of six, groups are runs, and as many as asked for."""
    borders = {i: {j: 1.0 for j in (i - 1, i + 1) if 0 <= j < 6} for i in range(6)}
    groups = merge(np.array([1.0, 5.0, 1.0, 1.0, 5.0, 1.0]), borders, 3)
    assert len(set(groups.tolist())) == 3
    assert (np.abs(np.diff(groups)) > 0).sum() == 2
