"""Analyses of a workspace's layers: overlay, zonal statistics, land-cover change, red lines, suitability."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import mapping

from gridgov.analysis.suitability import Criterion
from gridgov.config import Settings
from gridgov.errors import LayerNotFoundError, ParameterError, RightsError, StorageError
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.analysing import (
    LayerUse,
    land_cover_change,
    overlay_layers,
    red_line_conflicts,
    zonal_statistics,
)
from gridgov.operations.suiting import Constraint, Measure, SuitabilityQuery, suitability
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)


@pytest.fixture(scope="module")
def workspace(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def test_grids_over_land_sum_to_the_grids(workspace: Workspace) -> None:
    found = overlay_layers(workspace, PLANNER, LayerUse("grids"), LayerUse("land"))
    assert found.balance.worst_share <= 0.001
    metric = workspace.layer("grids").to_crs(workspace.metric_crs)
    assert found.balance.whole == pytest.approx(float(metric.area.sum()))
    assert set(found.pairs["right_class"]) <= set(workspace.layer("land")["class_name"])


def test_land_cover_by_grid_agrees_with_the_file(workspace: Workspace) -> None:
    found = zonal_statistics(workspace, PLANNER, "land_cover")
    assert found.kind == "classes"
    assert len(found.table) == len(workspace.layer("grids"))
    shares = found.classes.groupby("row")["share"].sum()
    assert shares.to_numpy() == pytest.approx(1.0)
    heights = zonal_statistics(workspace, PLANNER, "elevation", quantiles=(0.9,)).table
    with rasterio.open(workspace.raster_path("elevation")) as file:
        low, high = float(file.read(1, masked=True).min()), float(file.read(1, masked=True).max())
    assert heights["min"].min() >= low
    assert heights["max"].max() <= high
    assert (heights["q90"] <= heights["max"]).all()


def test_land_cover_that_did_not_change_has_no_patches(workspace: Workspace) -> None:
    found = land_cover_change(workspace, PLANNER, "land_cover", "land_cover")
    assert len(found.patches) == 0
    assert found.compared_ha > 0
    with pytest.raises(ParameterError, match="raster elevation holds no classes"):
        land_cover_change(workspace, PLANNER, "land_cover", "elevation")


def test_a_drawn_plan_meets_the_forest_it_is_drawn_over(workspace: Workspace) -> None:
    forest = workspace.layer("forest")
    drawn = {"type": "Feature", "id": "新建道路", "properties": {}, "geometry": mapping(forest.geometry.iloc[0])}
    found = red_line_conflicts(workspace, PLANNER, drawn, [LayerUse("forest"), LayerUse("water")])
    whole = float(forest.to_crs(workspace.metric_crs).area.iloc[0])
    own = found.parts[found.parts["protected_id"] == forest["parcel_id"].iloc[0]]
    assert own["size"].sum() == pytest.approx(whole, rel=1e-6)
    assert own["plan_id"].tolist() == ["新建道路"]
    assert found.free_size == pytest.approx(0, abs=1)


LINES = "protection_lines"


def urban_parts(workspace: Workspace) -> Any:
    lines = workspace.layer(LINES).to_crs(workspace.metric_crs)
    return lines[lines["category"] == "urban_boundary"].geometry


def plan_over_the_border(workspace: Workspace) -> tuple[dict[str, Any], float, float]:
    """A square on the border of the town, its size and how much of it lies outside of the boundary."""
    parts = urban_parts(workspace)
    town = parts.iloc[0]
    square = town.exterior.interpolate(0.3, normalized=True).buffer(150, cap_style="square")
    lonlat = gpd.GeoSeries([square], crs=workspace.metric_crs).to_crs("EPSG:4326").iloc[0]
    drawn = {"type": "Feature", "id": "new", "properties": {}, "geometry": mapping(lonlat)}
    return drawn, square.area, square.difference(parts.union_all()).area


@pytest.mark.parametrize(
    "use", [LayerUse(LINES), LayerUse(LINES, only=("urban_boundary",)), LayerUse(LINES, class_field="name")]
)
def test_a_plan_breaks_the_urban_boundary_by_what_lies_outside_of_it(workspace: Workspace, use: LayerUse) -> None:
    """It does however the layer is summed: by its own classes, some of them, or by name."""
    drawn, whole, outside = plan_over_the_border(workspace)
    found = red_line_conflicts(workspace, PLANNER, drawn, [use])
    urban = found.by_class[found.by_class["class"] == "urban_boundary"]
    assert 0 < outside < whole
    assert urban["side"].tolist() == ["outside"]
    assert urban["size"].tolist() == pytest.approx([outside], rel=1e-5)
    assert not (found.by_class["class"].str.startswith("城镇")).any()


def test_a_boundary_that_is_not_drawn_is_said_and_breaks_no_plan(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = plan_over_the_border(workspace)[0]
    lines = workspace.layer(LINES)
    without = lines[lines["category"] != "urban_boundary"].reset_index(drop=True)
    real = workspace.layer
    monkeypatch.setattr(workspace, "layer", lambda name: without if name == LINES else real(name))
    monkeypatch.setattr(workspace, "cached", lambda _, make: make())
    for use in (LayerUse(LINES), LayerUse(LINES, only=("urban_boundary", "ecological_redline"))):
        found = red_line_conflicts(workspace, PLANNER, drawn, [use])
        assert "outside" not in set(found.by_class["side"])
        assert [finding.rule for finding in found.findings if finding.rule != "layers_apart"] == ["line_not_drawn"]
        said = next(finding for finding in found.findings if finding.rule == "line_not_drawn")
        assert "城镇开发边界" in said.message("zh")
    alone = LayerUse(LINES, only=("urban_boundary",))
    found = red_line_conflicts(workspace, PLANNER, drawn, [alone, LayerUse("farmland")])
    assert "line_not_drawn" in {finding.rule for finding in found.findings}
    with pytest.raises(ParameterError, match="there is no line to check"):
        red_line_conflicts(workspace, PLANNER, drawn, [alone])


def test_only_some_classes_take_part_and_an_unknown_one_is_refused_by_name(workspace: Workspace) -> None:
    name = workspace.layer("land")["class_name"].iloc[0]
    found = overlay_layers(workspace, PLANNER, LayerUse("grids"), LayerUse("land", only=(name,)))
    assert set(found.pairs["right_class"]) == {name}
    with pytest.raises(ParameterError, match="layer land has no class 'Mars' in class_name; it has "):
        overlay_layers(workspace, PLANNER, LayerUse("grids"), LayerUse("land", only=("Mars",)))


@pytest.mark.parametrize("drawn", [{"type": "Polygon", "coordinates": "x"}, {"type": "FeatureCollection"}, {"a": 1}])
def test_a_plan_that_is_no_geojson_is_refused(workspace: Workspace, drawn: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=r"of the plan is no GeoJSON|the plan has 0 features"):
        red_line_conflicts(workspace, PLANNER, drawn, [LayerUse("forest")])


def test_vectors_rasters_and_tables_are_not_taken_for_each_other(workspace: Workspace) -> None:
    with pytest.raises(LayerNotFoundError, match="'grids' of village is a vector layer"):
        zonal_statistics(workspace, PLANNER, "grids")
    with pytest.raises(LayerNotFoundError, match="'elevation' of village is a raster"):
        overlay_layers(workspace, PLANNER, LayerUse("grids"), LayerUse("elevation"))
    with pytest.raises(LayerNotFoundError, match="'population' is a table"):
        overlay_layers(workspace, PLANNER, LayerUse("grids"), LayerUse("population"))
    with pytest.raises(LayerNotFoundError, match="no layer 'moon'"):
        zonal_statistics(workspace, PLANNER, "moon")


def test_a_raster_file_that_is_gone_is_said(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workspace, "raster_path", lambda self, layer_id: self.path / "gone.tif")
    with pytest.raises(StorageError, match=r"gone\.tif: this file of the workspace cannot be read"):
        zonal_statistics(workspace, PLANNER, "elevation")


def query(**options: Any) -> SuitabilityQuery:
    criteria = (
        (Measure(what="field", column="persons"), Criterion("persons", 2)),
        (Measure(what="distance_m", layer=LayerUse("shelters")), Criterion("to_shelter", 1)),
        (Measure(what="raster", layer=LayerUse("elevation")), Criterion("height", 1, "less")),
    )
    return SuitabilityQuery(**{"criteria": criteria, "k": 3, "draws": 50, "seed": 4, **options})


def test_grids_are_ranked_by_people_distance_and_height(workspace: Workspace) -> None:
    found = suitability(workspace, PLANNER, query())
    assert found.table["score"].is_monotonic_decreasing
    assert len(found.table) == len(workspace.layer("grids"))
    parts = found.table[["persons", "to_shelter", "height"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(found.table["score"].to_numpy())
    assert 0 <= found.sensitivity.same_top <= 1
    first = found.sensitivity.table.iloc[0]
    assert found.alternatives.ids[int(first["position"])] == found.table["id"].iloc[0]


def test_a_constraint_keeps_grids_out_that_lie_in_the_water(workspace: Workspace) -> None:
    dry = Constraint(measure=Measure(what="share", layer=LayerUse("water")), at_most=0.0)
    found = suitability(workspace, PLANNER, query(constraints=(dry,)))
    wet = overlay_layers(workspace, PLANNER, LayerUse("grids"), LayerUse("water")).pairs["left_id"]
    assert set(found.table.loc[found.table["excluded"], "id"]) == set(wet)


def test_cells_give_a_raster_and_the_mean_of_each_grid(workspace: Workspace) -> None:
    found = suitability(workspace, PLANNER, query(cell_m=100.0))
    assert found.raster is not None
    values = found.raster.values[np.isfinite(found.raster.values)]
    assert len(values) == np.isfinite(found.result.score).sum()
    known = found.by_grid["score"].dropna()
    assert len(known) > 0.9 * len(found.by_grid)
    assert values.min() <= known.min() <= known.max() <= values.max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criteria": ()}, "no criterion"),
        ({"k": 10_000}, "k is 10000, but"),
        ({"cell_m": 0.5}, "cells of 0.5 m cannot be"),
        ({"cell_m": -1.0}, "cells of -1.0 m cannot be"),
        ({"constraints": (Constraint(measure=Measure(what="field", column="persons")),)}, "neither at_least"),
        ({"criteria": ((Measure(what="field", column="name"), Criterion("n", 1)),)}, "grids have no number 'name'"),
        ({"criteria": ((Measure(what="field", column="persons"), Criterion("n", 0)),)}, "weights of n sum to zero"),
        (
            {"criteria": ((Measure(what="raster", layer=LayerUse("land_cover")), Criterion("n", 1)),)},
            "land_cover holds classes",
        ),
        ({"criteria": ((Measure(what="share", layer=LayerUse("shelters")), Criterion("n", 1)),)}, "holds no areas"),
    ],
)
def test_a_query_that_cannot_be_is_refused(workspace: Workspace, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        suitability(workspace, PLANNER, query(**options))


def test_who_may_not_see_the_map_may_not_analyse_it(workspace: Workspace) -> None:
    for act in (
        lambda: overlay_layers(workspace, PUBLIC, LayerUse("grids"), LayerUse("land")),
        lambda: zonal_statistics(workspace, PUBLIC, "land_cover"),
        lambda: land_cover_change(workspace, PUBLIC, "land_cover", "land_cover"),
        lambda: red_line_conflicts(workspace, PUBLIC, {}, []),
        lambda: suitability(workspace, PUBLIC, query()),
    ):
        with pytest.raises(RightsError):
            act()


def test_the_example_of_the_document_runs(village: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)).replace("data/linjiang", str(village))
    names: dict[str, Any] = {}
    exec(code, names)  # our own document
    assert len(names["answer"].table) == len(names["workspace"].layer("grids"))


def test_rows_that_had_to_be_repaired_are_findings_of_the_answer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    forest = workspace.layer("forest").copy()
    forest.loc[0, "geometry"] = None
    monkeypatch.setattr(workspace, "layer", lambda _: forest)
    monkeypatch.setattr(workspace, "cached", lambda _, make: make())
    found = overlay_layers(workspace, PLANNER, LayerUse("forest"), LayerUse("forest"))
    assert ("missing_geometry", 1) in {(finding.rule, finding.row) for finding in found.findings}
    assert found.accounts["row"].tolist() == list(range(2, len(forest) + 1))
