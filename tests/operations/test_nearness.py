"""Buffers and nearness by hand: a square kilometre of four grids, a well in the middle, a road along the south."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gridgov.config import Settings
from gridgov.errors import LayerNotFoundError, ParameterError, RightsError
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.analysing import LayerUse
from gridgov.operations.nearness import within_distance
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
SIDE_M = 500.0
GRIDS = ("SW", "SE", "NW", "NE")
Swap = Callable[..., Workspace]


@pytest.fixture(scope="module")
def opened(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture
def swapped(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> Swap:
    """The workspace with other frames, in metres from a corner of its own, in the place of layers."""
    real, corner = opened.layer, opened.layer("grids").to_crs(opened.metric_crs).total_bounds[:2]

    def swap(**layers: tuple[dict[str, list[object]], list[shapely.Geometry]]) -> Workspace:
        frames = {
            name: gpd.GeoDataFrame(columns, geometry=shapely.transform(shapes, lambda at: at + corner))
            .set_crs(opened.metric_crs)
            for name, (columns, shapes) in layers.items()
        }  # fmt: skip
        monkeypatch.setattr(opened, "layer", lambda name: frames[name] if name in frames else real(name))
        monkeypatch.setattr(opened, "cached", lambda _, make: make())
        return opened

    return swap


def grids(persons: list[object]) -> tuple[dict[str, list[object]], list[shapely.Geometry]]:
    shapes = [
        shapely.box(SIDE_M * column, SIDE_M * row, SIDE_M * (column + 1), SIDE_M * (row + 1))
        for row in range(2)
        for column in range(2)
    ]
    return {"grid_code": list(GRIDS), "persons": persons}, shapes


def points(*at: tuple[float, float]) -> tuple[dict[str, list[object]], list[shapely.Geometry]]:
    names = [f"P{k}" for k in range(1, len(at) + 1)]
    return {"shelter_id": names, "category": ["a"] * len(at)}, [shapely.Point(each) for each in at]


def test_a_quarter_of_a_circle_lies_in_each_grid_and_its_people_by_area(swapped: Swap) -> None:
    here = swapped(grids=grids([1000, 2000, None, 0]), shelters=points((500, 500)))
    found = within_distance(here, PLANNER, LayerUse("shelters"), distance_m=200)
    quarter = math.pi * 200**2 / 4 / SIDE_M**2
    assert found.table["share_within"].tolist() == pytest.approx([quarter] * 4, rel=1e-3)
    assert found.table["persons_within"].tolist()[:2] == pytest.approx([1000 * quarter, 2000 * quarter], rel=1e-3)
    assert math.isnan(found.table["persons_within"][2])
    whole = found.by_class.iloc[0]
    assert (whole["features"], whole["features_within"], whole["persons"], whole["unknown"]) == (4, 4, 3000, 1)
    assert whole["persons_within"] == pytest.approx(3000 * quarter, rel=1e-3)
    said = [finding for finding in found.findings if finding.rule == "people_unknown"]
    assert [finding.detail for finding in said] == [{"count": 1, "within": 1}]
    assert found.zone.area.iloc[0] == pytest.approx(math.pi * 200**2, rel=1e-3)


def test_two_buffers_that_overlap_count_once(swapped: Swap) -> None:
    """A road along the south drawn twice: its strip of 100 m is a fifth of the southern grids."""
    twice = [shapely.LineString([(-500, 0), (1500, 0)])] * 2
    here = swapped(grids=grids([10, 20, 30, 40]), roads=({"road_id": ["R1", "R2"]}, twice))
    found = within_distance(here, PLANNER, LayerUse("roads"), distance_m=100)
    assert found.table["share_within"].tolist() == pytest.approx([0.2, 0.2, 0, 0])
    assert found.table["distance_m"].tolist() == pytest.approx([0, 0, 500, 500])
    assert found.table["nearest_id"].nunique() == 1
    assert found.by_class["persons_within"].sum() == pytest.approx(0.2 * 30)
    assert len(found.zone) == 1


def test_points_are_in_or_out_and_know_their_nearest_feature(swapped: Swap) -> None:
    here = swapped(
        shelters=points((0, 0), (1000, 0)), facilities=({"category": ["a", "a", "b"]}, points(
            (90, 0), (1000, 150), (500, 0))[1]),
    )  # fmt: skip
    found = within_distance(here, PLANNER, LayerUse("shelters"), distance_m=100, of=LayerUse("facilities"))
    assert found.unit == "pieces"
    assert found.table["distance_m"].tolist() == pytest.approx([90, 150, 500])
    assert found.table["nearest_row"].tolist() == [1, 2, 1]
    assert found.table["share_within"].tolist() == [1, 0, 0]
    assert found.by_class[["class", "features", "features_within"]].to_numpy().tolist() == [["a", 2, 1], ["b", 1, 0]]
    assert not found.knows_people


def test_lines_count_by_their_metres(swapped: Swap) -> None:
    line = [shapely.LineString([(-300, 0), (900, 0)])]
    here = swapped(shelters=points((0, 0)), roads=({"road_id": ["R1"]}, line))
    found = within_distance(here, PLANNER, LayerUse("shelters"), distance_m=100, of=LayerUse("roads"))
    assert found.table["size_within"].tolist() == pytest.approx([200])
    assert found.table["share_within"].tolist() == pytest.approx([200 / 1200])


def test_layers_apart_and_a_distance_beyond_everything_are_findings(swapped: Swap) -> None:
    here = swapped(grids=grids([1, 1, 1, 1]), shelters=points((500, 6000)))
    far = within_distance(here, PLANNER, LayerUse("shelters"), distance_m=4999)
    assert [finding.rule for finding in far.findings if finding.rule == "layers_apart"] == ["layers_apart"]
    assert far.by_class["persons_within"].sum() == 0
    everything = within_distance(here, PLANNER, LayerUse("shelters"), distance_m=7000)
    assert [finding.rule for finding in everything.findings] == ["distance_beyond_layer"]
    assert everything.by_class["persons_within"].sum() == pytest.approx(4)
    assert "7000" in everything.findings[0].message("en")


@pytest.mark.parametrize("distance_m", [0, -1, math.nan, math.inf, 100_001])
def test_a_distance_that_cannot_be_is_refused(opened: Workspace, distance_m: float) -> None:
    with pytest.raises(ParameterError, match=r"give metres, more than 0 and at most 100,000"):
        within_distance(opened, PLANNER, LayerUse("shelters"), distance_m=distance_m)


def test_layers_that_cannot_be_are_refused_in_one_sentence(swapped: Swap) -> None:
    here = swapped(grids=grids([1, -2, 1, 1]), shelters=({"shelter_id": []}, []))
    near = LayerUse("shelters")
    with pytest.raises(ParameterError, match="layer shelters has no row with a geometry"):
        within_distance(here, PLANNER, near, distance_m=100)
    with pytest.raises(ParameterError, match=r"'persons' is -2 in row 2 \(SE\)"):
        within_distance(here, PLANNER, LayerUse("roads"), distance_m=100)
    with pytest.raises(ParameterError, match="layer roads is measured against itself"):
        within_distance(here, PLANNER, LayerUse("roads"), distance_m=100, of=LayerUse("roads"))
    with pytest.raises(LayerNotFoundError, match="no layer 'moon'"):
        within_distance(here, PLANNER, LayerUse("moon"), distance_m=100)
    with pytest.raises(LayerNotFoundError, match="'elevation' of village is a raster"):
        within_distance(here, PLANNER, LayerUse("elevation"), distance_m=100)


def test_who_may_not_see_the_map_may_not_ask(opened: Workspace) -> None:
    with pytest.raises(RightsError):
        within_distance(opened, PUBLIC, LayerUse("shelters"), distance_m=100)
