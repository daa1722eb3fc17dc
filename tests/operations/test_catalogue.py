"""The layer catalogue: what there is, its versions, uploads with findings, terrain products; nothing is lost."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from gridgov.analysis.terrain import SightOptions
from gridgov.config import Settings
from gridgov.errors import LayerNotFoundError, ParameterError, RightsError, UploadError
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.catalogue import (
    aside_file,
    describe_layer,
    layer_findings,
    layer_versions,
    list_layers,
    preview_layer,
    read_layer_version,
    restore_version,
    withdraw_version,
)
from gridgov.operations.importing import import_workspace
from gridgov.operations.terrain_products import TerrainProduct, make_terrain, make_viewshed
from gridgov.operations.uploading import LayerUpload, inspect_upload, upload_layer
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("plan", Role.PLANNER, EVERYWHERE)
READER = Person("eye", Role.WORKER, EVERYWHERE)


def opened(folder: Path) -> Workspace:
    return open_workspace(folder, settings=Settings(store="memory:"))


@pytest.fixture(scope="module")
def folder(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the village of this module's own."""
    return Path(shutil.copytree(village, tmp_path_factory.mktemp("catalogue") / "village"))


@pytest.fixture
def fresh(village: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(village, tmp_path / "village"))


def squares(workspace: Workspace, count: int = 3) -> gpd.GeoDataFrame:
    """Small parcels in the middle of the district."""
    west, south, east, north = workspace.bounds
    x, y = (west + east) / 2, (south + north) / 2
    shapes = [shapely.box(x + 0.002 * k, y, x + 0.002 * k + 0.001, y + 0.001) for k in range(count)]
    return gpd.GeoDataFrame(
        {"parcel_id": [f"P{k}" for k in range(count)], "class_code": "0101", "extra": 7}, geometry=shapes, crs=4326
    )


def as_bytes(frame: gpd.GeoDataFrame, tmp_path: Path, name: str = "a.geojson") -> bytes:
    frame.to_file(tmp_path / name)
    return (tmp_path / name).read_bytes()


def test_the_catalogue_lists_all_classes_with_source_date_licence_and_extent(village: Path) -> None:
    records = {record.layer_id: record for record in list_layers(opened(village), READER)}
    assert {"land", "water", "forest", "grassland", "wetland", "farmland", "protection_lines", "plan", "land_cover",
            "elevation", "hazards", "facilities"} <= set(records)  # fmt: skip
    cover = records["land_cover"]
    assert (cover.entry.date, cover.entry.crs, cover.versions, cover.current) == ("2025", "EPSG:4549", 2, True)
    assert cover.entry.licence.startswith("CC0")
    assert cover.entry.source == "land_cover.tif"
    west, south, east, north = records["farmland"].entry.bounds or (0, 0, 0, 0)
    box = opened(village).bounds
    assert box[0] <= west < east <= box[2] + 0.001
    assert box[1] <= south < north <= box[3] + 0.001


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("基本农田", {"farmland"}),
        ("RED line", {"protection_lines"}),
        ("生态保护红线", {"protection_lines"}),
        ("land_cover.tif", {"land_cover"}),
        ("no such thing", set()),
    ],
)
def test_search_finds_every_word_in_either_language(village: Path, query: str, found: set[str]) -> None:
    assert {record.layer_id for record in list_layers(opened(village), READER, query=query)} == found


def test_an_older_version_is_read_by_its_date_and_the_newest_is_the_default(village: Path) -> None:
    workspace = opened(village)
    assert [record.entry.date for record in layer_versions(workspace, READER, "land_cover")] == ["2025", "2020"]
    past, now = (
        rasterio.open(read_layer_version(workspace, READER, ref)).read(1) for ref in ("land_cover@2020", "land_cover")
    )
    assert past.shape == now.shape
    assert (past != now).any()
    assert describe_layer(workspace, READER, "land_cover@2020").current is False
    with pytest.raises(LayerNotFoundError, match="no version"):
        describe_layer(workspace, READER, "land_cover@1990")


def test_a_preview_is_a_small_picture_and_a_few_rows_and_never_of_people(village: Path) -> None:
    workspace = opened(village)
    for ref in ("land_cover@2020", "elevation", "forest", "roads", "facilities", "protection_lines"):
        picture = preview_layer(workspace, READER, ref).picture
        assert picture is not None
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 200_000
    rows = preview_layer(workspace, READER, "farmland", rows=4).rows
    assert rows is not None
    assert len(rows) == 4
    assert preview_layer(workspace, READER, "workers").rows is None
    with pytest.raises(RightsError):
        read_layer_version(workspace, PLANNER, "workers")


def test_an_upload_with_one_bad_row_keeps_it_aside_with_its_reason(folder: Path, tmp_path: Path) -> None:
    """Three rows, one without a key's value that is there twice: two in the layer, one aside, and the file is kept."""
    workspace = opened(folder)
    frame = squares(workspace)
    frame.loc[2, "parcel_id"] = "P1"
    content = as_bytes(frame, tmp_path)
    report = upload_layer(workspace, PLANNER, "耕地.geojson", content, LayerUpload(kind="farmland", date="2026"))
    assert (report.entry.rows, report.entry.aside, report.entry.added_by) == (2, 1, "plan")
    again = opened(folder)
    assert list(again.layer("farmland")["parcel_id"]) == ["P0", "P1"]
    assert [f.rule for f in layer_findings(again, READER, "farmland") if f.row == 3] == ["duplicate_key"]
    assert "P1" in aside_file(again, PLANNER, "farmland").decode("utf-8-sig")
    kept = again.folder_of(again.entry("farmland")) / "source" / "耕地.geojson"
    assert kept.read_bytes() == content
    assert len(again.layer("farmland@2024")) > 10
    assert again.version != workspace.version
    assert (again.findings["layer"] == "farmland").sum() == len(report.findings)


def test_the_same_upload_twice_is_one_version_and_an_older_date_does_not_become_the_default(
    fresh: Path, tmp_path: Path
) -> None:
    workspace = opened(fresh)
    content = as_bytes(squares(workspace), tmp_path)
    for _ in range(2):
        upload_layer(workspace, PLANNER, "a.geojson", content, LayerUpload(kind="forest", date="2019-05"))
    versions = layer_versions(opened(fresh), READER, "forest")
    assert [record.entry.date for record in versions] == ["2025", "2019-05"]
    assert opened(fresh).entry("forest").date == "2025"


def test_a_version_is_withdrawn_and_brought_back_and_outlives_the_next_import(fresh: Path, tmp_path: Path) -> None:
    first = opened(fresh)
    content = as_bytes(squares(first), tmp_path)
    report = upload_layer(first, PLANNER, "a.geojson", content, LayerUpload(kind="water", date="2026"))
    assert opened(fresh).entry("water").rows == 3
    withdraw_version(opened(fresh), PLANNER, report.ref)
    assert opened(fresh).entry("water").date == "2025"
    with pytest.raises(ParameterError):
        withdraw_version(opened(fresh), PLANNER, "water")  # came with the import
    restore_version(opened(fresh), PLANNER, report.ref)
    assert opened(fresh).entry("water").rows == 3
    source = fresh / "sources" / "import.toml"
    text = source.read_text("utf-8").replace('date = "2025"', 'date = "2025-12"')
    blocks = [block for block in text.split("[[layer]]") if 'kind = "hazards"' not in block]
    source.write_text("[[layer]]".join(blocks), "utf-8")
    import_workspace(fresh, source)
    dates = {layer: [r.entry.date for r in layer_versions(opened(fresh), READER, layer)] for layer in ("water", "land")}
    assert dates == {"water": ["2026", "2025-12", "2025"], "land": ["2025-12", "2025"]}
    assert len(opened(fresh).layer("land@2025-0")) == len(opened(fresh).layer("land@2025-12"))
    assert rasterio.open(opened(fresh).raster_path("land_cover@2020")).read(1).any()


def shapefile(frame: gpd.GeoDataFrame, tmp_path: Path, *, prj: bool = True) -> bytes:
    frame.to_file(tmp_path / "s.shp")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for suffix in ("shp", "shx", "dbf", *(["prj"] if prj else [])):
            archive.write(tmp_path / f"s.{suffix}", f"数据/s.{suffix}")
    return packed.getvalue()


def test_a_zipped_shapefile_in_another_crs_lands_in_place_and_without_one_is_asked(
    folder: Path, tmp_path: Path
) -> None:
    workspace = opened(folder)
    frame = squares(workspace).to_crs(workspace.metric_crs)
    facts = inspect_upload(workspace, PLANNER, "s.zip", shapefile(frame, tmp_path, prj=False))
    assert (facts.crs, facts.rows, facts.is_raster) == ("", 3, False)
    upload = LayerUpload(kind="grassland", layer_id="grassland-survey")
    with pytest.raises(UploadError, match="names no CRS") as refused:
        upload_layer(workspace, PLANNER, "s.zip", shapefile(frame, tmp_path, prj=False), upload)
    assert refused.value.code == "no_crs"
    given = LayerUpload(kind="grassland", layer_id="grassland-survey", crs=workspace.metric_crs)
    for file, said in ((shapefile(frame, tmp_path), upload), (shapefile(frame, tmp_path, prj=False), given)):
        entry = upload_layer(workspace, PLANNER, "s.zip", file, said).entry
        assert entry.bounds == pytest.approx(tuple(squares(workspace).total_bounds), abs=1e-6)


def test_a_raster_without_nodata_is_told_and_one_without_crs_is_refused(folder: Path) -> None:
    workspace = opened(folder)
    west, _, _, north = workspace.bounds

    def raster(crs: str | None) -> bytes:
        with rasterio.MemoryFile() as memory:
            options = {"width": 40, "height": 30, "count": 1, "dtype": "uint8", "crs": crs}
            place = from_origin(west, north, 0.001, 0.001)
            with memory.open(driver="GTiff", transform=place, **options) as file:
                file.write(np.full((1, 30, 40), 40, dtype=np.uint8))
            return bytes(memory.read())

    upload = LayerUpload(kind="land_cover", layer_id="land_cover-try", date="2026")
    with pytest.raises(UploadError) as refused:
        upload_layer(workspace, PLANNER, "c.tif", raster(None), upload)
    assert refused.value.code == "no_crs"
    report = upload_layer(workspace, PLANNER, "c.tif", raster("EPSG:4326"), upload)
    assert "raster_without_nodata" in {finding.rule for finding in report.findings}


@pytest.mark.parametrize(
    ("name", "content", "upload", "code"),
    [
        ("a.geojson", b"", {}, "empty"),
        ("a.geojson", b"{}", {}, "content"),
        ("a.gpkg", b"not sqlite", {}, "content"),
        ("a.tif", b"not tiff", {"kind": "elevation"}, "content"),
        ("a.exe", b"MZ", {}, "suffix"),
        ("a.csv", b"a,b\n1,2\n", {"kind": "facilities"}, "content"),
        ("a.geojson", b"x", {"date": "gestern"}, "date"),
        ("a.geojson", b"x", {"layer_id": "../x"}, "id"),
        ("a.geojson", b"x", {"crs": "Mars"}, "crs"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_changes_nothing(
    folder: Path, name: str, content: bytes, upload: dict[str, str], code: str
) -> None:
    before = (folder / "workspace.json").read_bytes()
    files = sorted(path.name for path in folder.iterdir())
    with pytest.raises(UploadError) as refused:
        upload_layer(opened(folder), PLANNER, name, content, LayerUpload(**{"kind": "land", **upload}))
    assert refused.value.code == code
    assert str(folder) not in str(refused.value)
    assert (folder / "workspace.json").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == files


def test_rows_of_another_place_and_layers_of_the_daily_work_are_refused(folder: Path, tmp_path: Path) -> None:
    workspace = opened(folder)
    away = squares(workspace)
    away["geometry"] = away.translate(xoff=-8.0)
    with pytest.raises(UploadError) as refused:
        upload_layer(workspace, PLANNER, "a.geojson", as_bytes(away, tmp_path), LayerUpload(kind="land"))
    assert refused.value.code == "elsewhere"
    for kind in ("grids", "workers", "no_such"):
        with pytest.raises(ParameterError, match="kind"):
            upload_layer(workspace, PLANNER, "a.geojson", b"{}", LayerUpload(kind=kind))


def test_a_part_of_the_district_or_another_role_may_not_bring_in_layers(folder: Path) -> None:
    for person in (READER, Person("p", Role.PLANNER, ("339901",)), Person("b", Role.SUPERVISOR, EVERYWHERE)):
        with pytest.raises(RightsError):
            upload_layer(opened(folder), person, "a.geojson", b"{}", LayerUpload(kind="land"))
        with pytest.raises(RightsError):
            make_terrain(opened(folder), person, TerrainProduct.SLOPE)


def test_terrain_products_are_layers_that_say_what_they_were_made_from(folder: Path) -> None:
    workspace = opened(folder)
    made = [make_terrain(workspace, PLANNER, product) for product in TerrainProduct]
    west, south, east, north = workspace.bounds
    place = ((west + east) / 2, (south + north) / 2)
    made.append(make_viewshed(workspace, PLANNER, [place], eye_m=30.0, options=SightOptions(radius_m=900.0)))
    again = opened(folder)
    assert {"slope", "aspect", "hillshade", "viewshed"} <= set(again.layer_ids)
    facts = json.loads(made[0].made_from)
    assert facts["elevation_digest"] == workspace.entry("elevation").digest
    assert facts["product"] == "slope"
    slope = rasterio.open(again.raster_path("slope")).read(1, masked=True)
    assert 0.0 <= slope.min() < 1.0
    assert 10.0 < slope.max() < 90.0
    seen = rasterio.open(again.raster_path("viewshed")).read(1, masked=True)
    assert set(np.unique(seen.compressed())) == {0, 1}
    assert make_terrain(again, PLANNER, TerrainProduct.SLOPE).version == made[0].version
    for ref in ("slope", "aspect", "hillshade", "viewshed"):
        assert preview_layer(again, READER, ref).picture is not None
    with pytest.raises(ParameterError, match="name an elevation"):
        make_terrain(again, PLANNER, TerrainProduct.SLOPE, elevation="land_cover")


def test_an_elevation_in_degrees_is_warped_before_its_slope_is_measured(fresh: Path) -> None:
    """A plane that rises one metre in ten to the east, on cells of a ten-thousandth of a degree: 5.71 degrees."""
    workspace = opened(fresh)
    west, south, east, north = workspace.bounds
    step = 0.0002
    wide, high = int((east - west) / step), int((north - south) / step)
    metres = 111_320.0 * np.cos(np.radians((south + north) / 2)) * step
    heights = np.broadcast_to(100.0 + 0.1 * metres * np.arange(wide), (high, wide)).astype(np.float32)
    with rasterio.MemoryFile() as memory:
        options = {"width": wide, "height": high, "count": 1, "dtype": "float32", "crs": "EPSG:4326", "nodata": -9999}
        with memory.open(driver="GTiff", transform=from_origin(west, north, step, step), **options) as file:
            file.write(heights[None])
        content = bytes(memory.read())
    upload_layer(workspace, PLANNER, "dem.tif", content, LayerUpload(kind="elevation", layer_id="elevation-plane"))
    entry = make_terrain(opened(fresh), PLANNER, TerrainProduct.SLOPE, elevation="elevation-plane")
    with rasterio.open(opened(fresh).raster_path(f"slope@{entry.version}")) as file:
        assert file.crs.is_projected
        slope = file.read(1, masked=True)
    inner = slope[slope.shape[0] // 4 : -slope.shape[0] // 4, slope.shape[1] // 4 : -slope.shape[1] // 4]
    assert np.median(inner.compressed()) == pytest.approx(5.7106, abs=0.05)
