"""What a planner may bring that cannot be: each is said with layer and row (or id), and nothing is computed in silence.

Layers apart, rasters without CRS or nodata, people below nobody, refined counts, crossed polygons, degrees for metres,
weights of zero, more sites than candidates, problems without an answer.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from shapely.geometry import mapping

from gridgov.analysis.suitability import Criterion
from gridgov.config import Settings
from gridgov.errors import ParameterError, UploadError
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accessibility import AccessQuery, facility_access
from gridgov.operations.analysing import (
    LayerUse,
    land_cover_change,
    overlay_layers,
    red_line_conflicts,
    zonal_statistics,
)
from gridgov.operations.scenario_files import scenario_of
from gridgov.operations.siting import SitingQuery, propose_sites
from gridgov.operations.suiting import Constraint, Measure, SuitabilityQuery, suitability
from gridgov.operations.uploading import LayerUpload, upload_layer
from gridgov.operations.what_if import run_scenario
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
CELLS = "population_cells"


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture
def swapped(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, gpd.GeoDataFrame], Workspace]:
    """The workspace with another frame in the place of a layer."""
    real = here.layer

    def swap(name: str, frame: gpd.GeoDataFrame) -> Workspace:
        monkeypatch.setattr(here, "layer", lambda layer: frame if layer == name else real(layer))
        monkeypatch.setattr(here, "cached", lambda _, make: make())
        return here

    return swap


def question(*measures: Measure, **options: Any) -> SuitabilityQuery:
    criteria = tuple((each, Criterion(f"c{number}", 1)) for number, each in enumerate(measures))
    return SuitabilityQuery(**{"criteria": criteria, "k": 3, "draws": 5, "seed": 1, **options})


PERSONS = Measure(what="field", column="persons")


def crossed(here: Workspace) -> dict[str, Any]:
    x, y = here.layer("forest").geometry.iloc[0].centroid.coords[0]
    return mapping(shapely.Polygon([(x, y), (x + 0.005, y + 0.005), (x + 0.005, y), (x, y + 0.005)]))


def away(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.assign(geometry=frame.geometry.translate(2.0, 0.0))


def test_layers_that_do_not_overlap_are_refused_or_said_with_their_distance(here: Workspace, swapped: Any) -> None:
    moved = swapped("water", away(here.layer("water")))
    with pytest.raises(ParameterError, match=r"layers grids and water do not overlap: they lie 1\d\d,\d{3} m apart"):
        overlay_layers(moved, PLANNER, LayerUse("grids"), LayerUse("water"))
    share, near = (Measure(what=what, layer=LayerUse("water")) for what in ("share", "distance_m"))
    for asked in (question(near), question(PERSONS, constraints=(Constraint(measure=share, at_most=0.0),))):
        findings = suitability(moved, PLANNER, asked).findings
        assert [(finding.rule, finding.layer) for finding in findings] == [("layers_apart", "water")]


def test_people_below_nobody_are_named_by_row_and_grid(here: Workspace, swapped: Any) -> None:
    grids = here.layer("grids").copy()
    grids["persons"] = grids["persons"].astype("Int64")
    grids.loc[3, "persons"] = -5
    wrong, code = swapped("grids", grids), str(grids["grid_code"].iloc[3])
    sentence = rf"layer grids: 'persons' is -5 in row 4 \({code}\), below 0"
    for act in (
        lambda: suitability(wrong, PLANNER, question(PERSONS)),
        lambda: propose_sites(wrong, PLANNER, SitingQuery(candidates="grids", k=1)),
        lambda: facility_access(wrong, PLANNER, AccessQuery()),
        lambda: run_scenario(wrong, PLANNER, scenario_of(wrong, PLANNER, {"question": {"near": ["shelters"]}})),
    ):
        with pytest.raises(ParameterError, match=sentence):
            act()


def raster(here: Workspace, cells: Any, *, crs: str | None = "EPSG:4326", nodata: float | None = None) -> bytes:
    west, _, _, north = here.bounds
    values = np.asarray(cells, dtype="float32")
    options = {"width": values.shape[1], "height": values.shape[0], "count": 1, "dtype": "float32", "nodata": nodata}
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", transform=from_origin(west, north, 0.001, 0.001), crs=crs, **options) as file:
            file.write(values[None])
        return bytes(memory.read())


@pytest.fixture(scope="module")
def people(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with four population rasters: refined, negative, -9999 undeclared, and plain."""
    folder = tmp_path_factory.mktemp("people") / "village"
    shutil.copytree(village, folder)
    first = open_workspace(folder, settings=Settings(store="memory:"))
    west, south, east, north = first.bounds
    shape = int((north - south) / 0.001) // 3 + 2, int((east - west) / 0.001) // 3 + 2
    coarse = np.random.default_rng(1).integers(0, 50, shape)
    fine = np.kron(coarse, np.ones((3, 3)))
    plain = np.random.default_rng(2).integers(0, 50, fine.shape)
    negative, odd = plain.copy(), plain.copy()
    negative[10, 15], odd[10, 15] = -3, -9999
    files = {"fine": (fine, -1.0), "negative": (negative, -1.0), "odd": (odd, None), "plain": (plain, -1.0)}
    for name, (cells, nodata) in files.items():
        content = raster(first, cells, nodata=nodata)
        upload_layer(first, PLANNER, f"{name}.tif", content, LayerUpload(kind=CELLS, layer_id=f"{CELLS}-{name}"))
        first = open_workspace(folder, settings=Settings(store="memory:"))
    return first


def test_a_raster_without_crs_is_refused_before_anything_is_kept(here: Workspace) -> None:
    content = raster(here, np.ones((4, 4)), crs=None)
    with pytest.raises(UploadError, match="names no CRS"):
        upload_layer(here, PLANNER, "p.tif", content, LayerUpload(kind=CELLS))


def test_a_raster_without_nodata_is_said_wherever_it_is_used(people: Workspace) -> None:
    odd = f"{CELLS}-odd"
    with pytest.raises(
        ParameterError, match=r"odd holds negative counts \(down to -9999\).*nodata value is not declared"
    ):
        zonal_statistics(people, PLANNER, odd)
    measured = zonal_statistics(people, PLANNER, odd, kind="measures")
    assert [finding.rule for finding in measured.findings] == ["raster_without_nodata", "raster_nodata_undeclared"]
    assert measured.findings[1].row is not None
    # the values of plain are classes in form; what has no nodata is said of a comparison, too
    change = land_cover_change(people, PLANNER, f"{CELLS}-plain", "land_cover")
    bare = {finding.layer for finding in change.findings if finding.rule == "raster_without_nodata"}
    with rasterio.open(people.raster_path("land_cover")) as file:
        assert bare == (set() if file.nodata is not None else {"land_cover"})


def test_negative_counts_of_a_raster_are_named_by_zone(people: Workspace) -> None:
    sentence = r"population_cells-negative holds negative counts \(down to -3\) in grids, row \d+ \(\d{15}\)"
    with pytest.raises(ParameterError, match=sentence):
        zonal_statistics(people, PLANNER, f"{CELLS}-negative")
    with pytest.raises(ParameterError, match=sentence):
        suitability(people, PLANNER, question(Measure(what="raster", layer=LayerUse(f"{CELLS}-negative"))))


def test_counts_finer_than_their_source_are_warned_about(people: Workspace) -> None:
    fine, plain = f"{CELLS}-fine", f"{CELLS}-plain"
    assert [f.rule for f in zonal_statistics(people, PLANNER, fine).findings] == ["counts_repeat"]
    assert not zonal_statistics(people, PLANNER, plain).findings
    told = zonal_statistics(people, PLANNER, plain, source_cell_m=1_000.0).findings
    assert [(f.rule, f.detail["source_metres"]) for f in told] == [("counts_resampled", 1_000.0)]


def test_an_invalid_polygon_is_repaired_with_its_row_or_refused_where_it_was_drawn(
    here: Workspace, swapped: Any
) -> None:
    bow = crossed(here)
    with pytest.raises(ParameterError, match=r"layer plan: invalid geometry in row 1 \(1\) \(Self-intersection"):
        red_line_conflicts(here, PLANNER, bow, [LayerUse("forest")])
    for change in ({"kind": "take_area"}, {"kind": "add_area", "id": "new"}):
        asked = {"change": [{**change, "layer": "forest", "geometry": bow}]}
        with pytest.raises(ParameterError, match="of layer 'forest': the polygon is not valid"):
            run_scenario(here, PLANNER, scenario_of(here, PLANNER, asked))
    water = here.layer("water").copy()
    water.loc[0, "geometry"] = shapely.geometry.shape(bow)
    share = Measure(what="share", layer=LayerUse("water"))
    findings = suitability(swapped("water", water), PLANNER, question(share)).findings
    assert ("invalid_geometry", "water", 1) in {(each.rule, each.layer, each.row) for each in findings}


FAR = [[10.0, 10.0], [11.0, 10.0], [11.0, 11.0], [10.0, 10.0]]
METRES = [[500_000, 3_200_000], [500_100, 3_200_000], [500_100, 3_200_100], [500_000, 3_200_000]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "take_area", "geometry": {"type": "Polygon"}}, "no GeoJSON Polygon"),
        ({"kind": "take_area", "geometry": {"type": "Polygon", "coordinates": "x"}}, "no GeoJSON Polygon"),
        ({"kind": "add_area", "id": "n", "geometry": {"type": "Polygon", "coordinates": []}}, "is empty"),
        (
            {"kind": "take_area", "geometry": {"type": "Polygon", "coordinates": [METRES]}},
            "no longitudes and latitudes",
        ),
        (
            {"kind": "add_area", "id": "n", "geometry": {"type": "Polygon", "coordinates": [METRES]}},
            "no longitudes and latitudes",
        ),
        (
            {"kind": "add_area", "id": "n", "geometry": {"type": "Polygon", "coordinates": [FAR]}},
            "km from the district",
        ),
        (
            {"kind": "take_area", "geometry": {"type": "Polygon", "coordinates": [FAR]}},
            "meets nothing of layer 'forest'",
        ),
    ],
)
def test_an_area_that_is_none_or_lies_elsewhere_is_refused(
    here: Workspace, change: dict[str, Any], sentence: str
) -> None:
    asked = {"change": [{"layer": "forest", **change}]}
    with pytest.raises(ParameterError, match=sentence):
        run_scenario(here, PLANNER, scenario_of(here, PLANNER, asked))


def test_a_place_far_from_every_road_of_the_district_is_refused(here: Workspace) -> None:
    place = {"kind": "add_place", "layer": "shelters", "id": "new", "lon": 10.0, "lat": 10.0}
    with pytest.raises(ParameterError, match=r"add_place new lies .* km from the district"):
        run_scenario(here, PLANNER, scenario_of(here, PLANNER, {"change": [place]}))


def test_a_plan_in_metres_is_no_plan_in_degrees(here: Workspace) -> None:
    with pytest.raises(ParameterError, match=r"feature 1 of the plan reaches 500000, .* no longitudes and latitudes"):
        red_line_conflicts(here, PLANNER, {"type": "Polygon", "coordinates": [METRES]}, [LayerUse("forest")])


def test_weights_of_zero_too_many_sites_and_no_possible_site_are_said(here: Workspace) -> None:
    zero = SuitabilityQuery(criteria=((PERSONS, Criterion("persons", 0)),), k=1)
    with pytest.raises(ParameterError, match="the weights of persons sum to zero"):
        suitability(here, PLANNER, zero)
    count = len(here.layer("grids"))
    with pytest.raises(ParameterError, match=f"k is 9999, but {count} alternatives"):
        suitability(here, PLANNER, question(PERSONS, k=9_999))
    plan = propose_sites(here, PLANNER, SitingQuery(candidates="grids", k=9_999)).plan
    assert [(reason.code, reason.fields["candidates"]) for reason in plan.reasons] == [("k_exceeds_candidates", count)]
    assert plan.objective is None


@pytest.mark.parametrize("k", [1.5, 2.0, True, float("nan"), -1, "3", None])
def test_a_number_of_sites_that_is_none_is_refused_in_one_sentence(here: Workspace, k: object) -> None:
    with pytest.raises(ParameterError, match=r"k is .*; give how many sites may be added, a whole number from 0 on"):
        propose_sites(here, PLANNER, SitingQuery(k=k))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"new_capacity_persons": float("nan"), "with_capacity": True}, "a new site has nan places"),
        ({"new_capacity_persons": -5, "with_capacity": True}, "a new site has -5 places"),
        ({"seed": 1.5}, "the seed is 1.5"),
        ({"target_gap": float("nan")}, "the target gap is nan"),
        ({"time_limit_s": float("nan")}, "the time limit is nan s"),
        ({"minutes": float("nan")}, "the limit is nan minutes"),
        ({"demand_share": float("nan")}, "who come is nan"),
    ],
)
def test_other_numbers_of_a_siting_question_that_are_none_are_refused(
    here: Workspace, given: dict[str, object], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        propose_sites(here, PLANNER, SitingQuery(**given))  # type: ignore[arg-type]
