"""Changes laid on layers: every figure by hand, the base untouched, nothing in silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgov.analysis.changing import Laid, lay_changes
from gridgov.crs import metric_crs
from gridgov.errors import ParameterError
from gridgov.grids.code_changes import restate
from gridgov.layers import load_specs
from gridgov.model.changes import CHANGES, Change, change_from_dict, change_to_dict

LON, LAT = 119.0, 29.6
METRIC = metric_crs(LON, LAT)


def square(west: float, south: float, size: float = 0.01) -> Any:
    return shapely.box(LON + west, LAT + south, LON + west + size, LAT + south + size)


@pytest.fixture(scope="module")
def layers() -> dict[str, gpd.GeoDataFrame]:
    """Three grids in a row (the third in another community), two shelters, one forest of two squares."""
    specs = load_specs()
    grids = pd.DataFrame(
        {
            "grid_code": ["A1", "A2", "B1"],
            "name": ["一", "二", "三"],
            "community_code": ["A", "A", "B"],
            "persons": pd.array([100, 50, None], dtype="Int64"),
            "households": pd.array([40, 20, 7], dtype="Int64"),
            "persons_day": pd.array([10, 5, 1], dtype="Int64"),
        }
    )
    shapes = [square(0, 0), square(0.01, 0), square(0.02, 0)]
    shelters = pd.DataFrame({"shelter_id": ["S1", "S2"], "capacity_persons": pd.array([200, 300], dtype="Int64")})
    shelters = shelters.reindex(columns=[*specs["shelters"].fields])
    shelters["capacity_persons"] = shelters["capacity_persons"].astype("Int64")
    forest = gpd.GeoDataFrame(
        {"parcel_id": ["F1", "F2"], "area_m2": [1.0, 1.0]}, geometry=[square(0, 0), square(0.01, 0)], crs=4326
    )
    points = [shapely.Point(LON, LAT), shapely.Point(LON + 0.01, LAT)]
    table = pd.DataFrame(grids[["grid_code", "persons", "households", "persons_day"]])
    return {
        "grids": gpd.GeoDataFrame(grids, geometry=shapes, crs=4326),
        "shelters": gpd.GeoDataFrame(shelters, geometry=points, crs=4326),
        "forest": forest,
        "population": gpd.GeoDataFrame(table),
    }


def laid(layers: dict[str, gpd.GeoDataFrame], *changes: dict[str, Any]) -> dict[str, gpd.GeoDataFrame]:
    specs = {name: load_specs()[name] for name in layers}
    read: list[Change] = [change_from_dict(change) for change in changes]
    return lay_changes(read, specs, layers.__getitem__, lambda _layer, _version: layers["forest"], METRIC).layers


def box(area: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in area.exterior.coords]]}


def test_a_new_place_is_one_more_row_and_the_base_stays(layers: dict[str, gpd.GeoDataFrame]) -> None:
    new = {"kind": "add_place", "layer": "shelters", "id": "S3", "lon": LON, "lat": LAT + 0.01,
           "attributes": {"capacity_persons": 90}}  # fmt: skip
    found = laid(layers, new)["shelters"]
    assert found["shelter_id"].tolist() == ["S1", "S2", "S3"]
    assert found["capacity_persons"].tolist() == [200, 300, 90]
    assert found["capacity_persons"].dtype == layers["shelters"]["capacity_persons"].dtype
    assert (found.geometry.iloc[2].x, found.geometry.iloc[2].y) == (LON, LAT + 0.01)
    assert len(layers["shelters"]) == 2


def test_changes_come_in_their_order(layers: dict[str, gpd.GeoDataFrame]) -> None:
    change = {"kind": "change_place", "layer": "shelters", "id": "S2", "attributes": {"capacity_persons": 5}}
    remove = {"kind": "remove_place", "layer": "shelters", "id": "S2"}
    assert laid(layers, change)["shelters"]["capacity_persons"].tolist() == [200, 5]
    assert laid(layers, change, remove)["shelters"]["shelter_id"].tolist() == ["S1"]
    with pytest.raises(ParameterError, match="'shelters' has no 'S2'"):
        laid(layers, remove, change)
    assert layers["shelters"]["capacity_persons"].tolist() == [200, 300]


def test_an_area_that_is_taken_leaves_the_rest_with_its_size(layers: dict[str, gpd.GeoDataFrame]) -> None:
    taken = box(square(0.005, 0.0))  # half of the first square and half of the second
    found = laid(layers, {"kind": "take_area", "layer": "forest", "geometry": taken})["forest"]
    whole = layers["forest"].to_crs(METRIC).area.to_numpy()
    assert np.allclose(found.to_crs(METRIC).area.to_numpy(), whole / 2, rtol=1e-4)
    assert np.allclose(found["area_m2"], whole / 2, rtol=1e-4)
    gone = laid(layers, {"kind": "take_area", "layer": "forest", "geometry": box(square(-0.001, -0.001, 0.02))})
    assert gone["forest"]["parcel_id"].tolist() == ["F2"]


def test_an_area_that_is_added_brings_its_size(layers: dict[str, gpd.GeoDataFrame]) -> None:
    added = {"kind": "add_area", "layer": "forest", "id": "F3", "geometry": box(square(0.02, 0))}
    found = laid(layers, added)["forest"]
    assert found["parcel_id"].tolist() == ["F1", "F2", "F3"]
    assert found["area_m2"].iloc[2] == pytest.approx(found.to_crs(METRIC).area.iloc[2])


def test_people_are_scaled_where_they_live_and_unknown_stays_unknown(layers: dict[str, gpd.GeoDataFrame]) -> None:
    found = laid(layers, {"kind": "scale_population", "factor": 1.1, "areas": ["A"]})
    for layer in ("grids", "population"):
        assert found[layer]["persons"].tolist()[:2] == [110, 55]
        assert found[layer]["persons"].isna().tolist() == [False, False, True]
        assert found[layer]["households"].tolist() == [44, 22, 7]
        assert found[layer]["persons_day"].tolist() == [11, 6, 1]  # 5.5 is rounded to even


def test_grids_that_merge_add_up(layers: dict[str, gpd.GeoDataFrame]) -> None:
    found = laid(layers, {"kind": "merge_grids", "codes": ["A2", "A1"], "into": "A1"})
    assert found["grids"]["grid_code"].tolist() == ["A1", "B1"]
    assert found["grids"]["persons"].tolist()[0] == 150
    assert found["population"]["households"].tolist() == [60, 7]
    both = shapely.box(LON, LAT, LON + 0.02, LAT + 0.01)
    assert found["grids"].geometry.iloc[0].symmetric_difference(both).area < 1e-12


def cut(west: float, **options: Any) -> dict[str, Any]:
    """A cut of grid A1, 0.01° wide, from north to south."""
    line = {"type": "LineString", "coordinates": [[LON + west, LAT - 1], [LON + west, LAT + 1]]}
    return {"kind": "split_grid", "code": "A1", "line": line, "codes": ["A1", "A3"], **options}


def everything(layers: dict[str, gpd.GeoDataFrame], *changes: dict[str, Any]) -> Laid:
    specs = {name: load_specs()[name] for name in layers}
    read: list[Change] = [change_from_dict(change) for change in changes]
    return lay_changes(read, specs, layers.__getitem__, lambda _layer, _version: layers["grids"], METRIC)


def test_a_grid_that_is_split_shares_its_people_by_area_and_nobody_is_lost(layers: dict[str, gpd.GeoDataFrame]) -> None:
    found = laid(layers, cut(0.003))
    grids = found["grids"]
    assert grids["grid_code"].tolist() == ["A1", "A3", "A2", "B1"]
    assert grids["persons"].tolist()[:3] == [70, 30, 50]
    assert grids["community_code"].tolist() == ["A", "A", "A", "B"]
    assert found["population"]["households"].tolist() == [28, 12, 20, 7]
    assert found["population"]["persons_day"].tolist() == [7, 3, 5, 1]
    assert grids.geometry.iloc[1].equals(shapely.box(LON, LAT, LON + 0.003, LAT + 0.01))
    assert grids.geometry.union_all().symmetric_difference(layers["grids"].geometry.union_all()).area < 1e-15
    assert len(layers["grids"]) == 3


def test_a_share_that_is_given_counts_instead_of_the_area(layers: dict[str, gpd.GeoDataFrame]) -> None:
    found = laid(layers, cut(0.003, share=0.25))["grids"]
    assert found["persons"].tolist()[:2] == [25, 75]
    assert found.geometry.iloc[0].area > found.geometry.iloc[1].area


@pytest.mark.parametrize("share", [0.0, 0.123, 0.5, 0.999, 1.0])
def test_whole_numbers_are_kept_and_groups_stay_within_the_whole(
    layers: dict[str, gpd.GeoDataFrame], share: float
) -> None:
    for persons in range(12):
        changed = {
            **layers,
            "grids": layers["grids"].assign(persons=[persons, 50, 1], persons_day=[persons // 2, 5, 1]),
        }
        grids = laid(changed, cut(0.004, share=share))["grids"]
        assert grids["persons"].iloc[:2].sum() == persons
        assert (grids["persons_day"].iloc[:2] <= grids["persons"].iloc[:2]).all()
        assert (grids["persons"] >= 0).all()


def test_people_nobody_has_counted_are_not_counted_after_a_split(layers: dict[str, gpd.GeoDataFrame]) -> None:
    line = {"type": "LineString", "coordinates": [[LON + 0.024, LAT - 1], [LON + 0.024, LAT + 1]]}
    split = {"kind": "split_grid", "code": "B1", "line": line, "codes": ["B2", "B3"]}
    assert laid(layers, split)["grids"]["persons"].isna().tolist() == [False, False, True, True]


def test_the_corner_of_a_cut_becomes_one_of_the_neighbour(layers: dict[str, gpd.GeoDataFrame]) -> None:
    line = {"type": "LineString", "coordinates": [[LON - 1, LAT + 0.005], [LON + 1, LAT + 0.005]]}
    only = {**layers, "grids": layers["grids"].iloc[:2].reset_index(drop=True)}
    grids = laid(only, {**cut(0), "line": line})["grids"]
    assert (LON + 0.01, LAT + 0.005) in {tuple(xy) for xy in shapely.get_coordinates(grids.geometry.iloc[2]).tolist()}


def test_old_and_new_codes_are_told_and_old_counts_can_be_restated(layers: dict[str, gpd.GeoDataFrame]) -> None:
    merge = {"kind": "merge_grids", "codes": ["A1", "A2"], "into": "A1"}
    found = everything(layers, merge, cut(0.005))
    assert found.codes[["old_code", "new_code", "change"]].to_numpy().tolist() == [
        ["A1", "A1", "recut"], ["A1", "A3", "recut"], ["A2", "A1", "recut"], ["A2", "A3", "recut"],
    ]  # fmt: skip
    assert found.codes["share"].tolist() == pytest.approx([0.75, 0.25, 0.75, 0.25], rel=1e-5)
    history = restate({"A1": 80.0, "A2": 20.0, "B1": 7.0}, found.codes, whole=True)
    assert history.to_dict() == {"A1": 75, "A3": 25, "B1": 7}
    assert found.layers["grids"]["persons"].tolist()[:2] == [112, 38]
    assert not len(everything(layers, {"kind": "scale_population", "factor": 2.0}).codes)


def test_the_codes_of_another_version_of_the_grids_begin_anew(layers: dict[str, gpd.GeoDataFrame]) -> None:
    found = everything(layers, cut(0.003), {"kind": "use_version", "layer": "grids", "version": "2020"})
    assert not len(found.codes)


def test_another_version_of_a_layer_takes_its_place(layers: dict[str, gpd.GeoDataFrame]) -> None:
    assert laid(layers, {"kind": "use_version", "layer": "forest", "version": "2020"})["forest"] is layers["forest"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "add_place", "layer": "shelters", "id": "S1", "lon": LON, "lat": LAT}, "S1 is in the layer already"),
        ({"kind": "add_place", "layer": "forest", "id": "x", "lon": LON, "lat": LAT}, "holds polygons, not points"),
        ({"kind": "add_place", "layer": "schools", "id": "x", "lon": LON, "lat": LAT}, "no layer 'schools'"),
        ({"kind": "add_place", "layer": "shelters", "id": "x", "lon": LAT, "lat": LON}, "no longitude, latitude"),
        ({"kind": "add_place", "layer": "shelters", "id": "x", "lon": LON}, "add_place needs 'lat'"),
        (
            {"kind": "add_place", "layer": "shelters", "id": "x", "lon": "119", "lat": LAT},
            "lon is '119'; give a number",
        ),
        ({"kind": "change_place", "layer": "shelters", "id": "S1", "attributes": {"colour": 1}}, "no field 'colour'"),
        ({"kind": "change_place", "layer": "shelters", "id": "S1"}, "nothing changes"),
        ({"kind": "take_area", "layer": "forest", "geometry": box(square(1, 1))}, "meets nothing of layer 'forest'"),
        ({"kind": "take_area", "layer": "forest", "geometry": {"type": "Point"}}, "give a GeoJSON Polygon"),
        ({"kind": "scale_population", "factor": -1}, "the factor is -1"),
        ({"kind": "scale_population", "factor": 2, "areas": ["Z"]}, "no grid has a code that begins with Z"),
        ({"kind": "merge_grids", "codes": ["A1", "B1"], "into": "A1"}, "different communities"),
        ({"kind": "merge_grids", "codes": ["A1"], "into": "A1"}, "two or more"),
        ({"kind": "merge_grids", "codes": ["A1", "A2"], "into": "B1"}, "is there already"),
        ({"kind": "merge_grids", "codes": ["A1", "Q"], "into": "A1"}, "there is no grid 'Q'"),
        (
            {"kind": "split_grid", "code": "Q", "line": {"type": "LineString"}, "codes": ["A", "B"]},
            "there is no grid 'Q'",
        ),
        (
            {"kind": "split_grid", "code": "A1", "line": {"type": "LineString"}, "codes": ["A1", "A2"]},
            "grid 'A2' is there already",
        ),
        (
            {"kind": "split_grid", "code": "A1", "line": {"type": "LineString"}, "codes": ["A1", "A3"]},
            "no GeoJSON LineString",
        ),
        (
            {
                "kind": "split_grid",
                "code": "A1",
                "codes": ["A1", "A3"],
                "line": {"type": "LineString", "coordinates": [[LON - 1, LAT - 1], [LON + 1, LAT - 1]]},
            },
            "cuts the grid into 1, not into 2",
        ),
        (
            {
                "kind": "split_grid",
                "code": "A1",
                "codes": ["A1", "A3"],
                "line": {
                    "type": "LineString",
                    "coordinates": [
                        [LON + 0.002, LAT - 1],
                        [LON + 0.002, LAT + 1],
                        [LON + 0.005, LAT + 1],
                        [LON + 0.005, LAT - 1],
                    ],
                },
            },
            "cuts the grid into 3, not into 2",
        ),
        ({"kind": "split_grid", "code": "A1", "line": {"type": "Point"}, "codes": ["A", "B"]}, "draw a LineString"),
        (
            {"kind": "split_grid", "code": "A1", "line": {"type": "LineString"}, "codes": ["A", "A"]},
            "two different codes",
        ),
        (
            {"kind": "split_grid", "code": "A1", "line": {"type": "LineString"}, "codes": ["A", "B"], "share": 1.5},
            "the share is 1.5",
        ),
        ({"kind": "assign_duty", "duty": {}}, "nothing changes"),
        ({"kind": "assign_duty", "duty": {"W1": "A1"}}, "give a list of grid codes"),
        ({"kind": "assign_duty", "duty": {"W1": ["A1"], "W2": ["A1"]}}, "grid A1 is given to two workers"),
        ({"kind": "fly"}, "no change of the kind 'fly'"),
        ({"kind": "scale_speeds", "factor": 1, "speed": 3}, "scale_speeds has no 'speed'"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_in_one_sentence(
    layers: dict[str, gpd.GeoDataFrame], change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ParameterError, match=sentence):
        laid(layers, change)


def test_every_kind_of_change_comes_back_from_plain_data() -> None:
    samples: dict[str, dict[str, Any]] = {
        "add_place": {"layer": "a", "id": "b", "lon": 1.0, "lat": 2.0, "attributes": {"c": 3}},
        "change_place": {"layer": "a", "id": "b", "attributes": {"c": 3}},
        "remove_place": {"layer": "a", "id": "b"},
        "take_area": {"layer": "a", "geometry": box(square(0, 0))},
        "add_area": {"layer": "a", "id": "b", "geometry": box(square(0, 0)), "attributes": {}},
        "scale_population": {"factor": 2.0, "areas": ["A"]},
        "scale_speeds": {"factor": 0.5, "highways": ["primary"]},
        "use_version": {"layer": "a", "version": "2020"},
        "merge_grids": {"codes": ["A", "B"], "into": "C"},
        "split_grid": {
            "code": "A",
            "line": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
            "codes": ["A", "B"],
        },
        "assign_duty": {"duty": {"W1": ["A", "B"], "W2": ["C"]}},
    }
    assert samples.keys() == CHANGES.keys()
    for kind, sample in samples.items():
        change = change_from_dict({"kind": kind, **sample})
        assert change_to_dict(change) == {"kind": kind, **sample}
        assert replace(change) == change
