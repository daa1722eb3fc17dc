"""What an upload must not take in silence: shapes of half the world, dates to come, rasters that say nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from time import perf_counter
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from gridgov.config import Settings
from gridgov.errors import SourceError, UploadError
from gridgov.maps.tiles import TileArchive
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.catalogue import aside_file
from gridgov.operations.importing import import_workspace
from gridgov.operations.publishing import written_aside
from gridgov.operations.uploading import LayerUpload, upload_layer
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("plan", Role.PLANNER, EVERYWHERE)


def opened(folder: Path) -> Workspace:
    return open_workspace(folder, settings=Settings(store="memory:"))


@pytest.fixture(scope="module")
def folder(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the village of this module's own."""
    return Path(shutil.copytree(village, tmp_path_factory.mktemp("limits") / "village"))


def areas(workspace: Workspace, tmp_path: Path, *others: shapely.Geometry) -> bytes:
    """A small parcel in the middle of the district, and others."""
    west, south, east, north = workspace.bounds
    x, y = (west + east) / 2, (south + north) / 2
    shapes = [shapely.box(x, y, x + 0.002, y + 0.002), *others]
    names = [f"P{number}" for number in range(len(shapes))]
    gpd.GeoDataFrame({"parcel_id": names}, geometry=shapes, crs=4326).to_file(tmp_path / "a.geojson")
    return (tmp_path / "a.geojson").read_bytes()


def test_a_shape_of_half_the_world_is_put_aside_and_the_upload_ends(folder: Path, tmp_path: Path) -> None:
    workspace = opened(folder)
    content, began = areas(workspace, tmp_path, shapely.box(60, 0, 160, 60)), perf_counter()
    report = upload_layer(workspace, PLANNER, "a.geojson", content, LayerUpload(kind="farmland"))
    assert perf_counter() - began < 10.0
    assert (report.entry.rows, report.entry.aside) == (1, 1)
    assert [(f.row, f.key) for f in report.findings if f.rule == "area_too_large"] == [(2, "P1")]
    assert "POLYGON ((160 0" in aside_file(opened(folder), PLANNER, report.ref).decode("utf-8-sig")


def test_a_shape_that_reaches_far_out_is_whole_in_the_layer_and_cut_in_its_tiles(folder: Path, tmp_path: Path) -> None:
    """12 degrees wide: its tiles alone took more than 80 seconds."""
    workspace = opened(folder)
    west, south, east, north = workspace.bounds
    wide = shapely.box(west - 6.0, south - 6.0, west + 6.0, south + 6.0)
    content, began = areas(workspace, tmp_path, wide), perf_counter()
    report = upload_layer(workspace, PLANNER, "a.geojson", content, LayerUpload(kind="forest", layer_id="forest-wide"))
    assert perf_counter() - began < 10.0
    (said,) = [finding for finding in report.findings if finding.rule == "reaches_outside"]
    assert (said.row, said.level, float(said.detail["percent"]) > 99.0) == (2, "warning", True)
    again = opened(folder)
    assert again.layer("forest-wide").geometry.iloc[1].equals(wide)
    tiles = TileArchive(again.folder_of(again.entry("forest-wide")) / "tiles" / "forest-wide.pmtiles")
    west_e7, south_e7, east_e7, north_e7 = tiles.bounds_e7.values()
    assert west - 3 * (east - west) - 0.2 < west_e7 / 1e7 < west
    assert north < north_e7 / 1e7 < north + 3 * (north - south) + 0.2
    assert south_e7 / 1e7 < south
    assert east < east_e7 / 1e7 < east + 3 * (east - west) + 0.2


@pytest.mark.parametrize("date", ["2999", "2999-01", "2999-01-01"])
def test_a_date_to_come_is_refused_and_the_version_in_use_stays(folder: Path, tmp_path: Path, date: str) -> None:
    workspace = opened(folder)
    with pytest.raises(UploadError, match="still to come") as refused:
        upload_layer(workspace, PLANNER, "a.geojson", areas(workspace, tmp_path), LayerUpload(kind="land", date=date))
    assert (refused.value.code, refused.value.fields["date"]) == ("date_future", date)
    assert opened(folder).entry("land").date == "2025"


def test_an_import_with_a_date_to_come_is_refused(village: Path, tmp_path: Path) -> None:
    sources = Path(shutil.copytree(village / "sources", tmp_path / "sources"))
    text = (sources / "import.toml").read_text("utf-8").replace('date = "2025"', 'date = "2999"')
    (sources / "import.toml").write_text(text, "utf-8")
    with pytest.raises(SourceError, match=r"2999 of layer .* still to come"):
        import_workspace(tmp_path / "district", sources / "import.toml")
    assert not (tmp_path / "district").exists()


def raster(workspace: Workspace, values: np.ndarray, *, turn: Affine | None = None, **options: Any) -> bytes:
    """A GeoTIFF over the whole district; `turn` follows the affine of its cells."""
    west, south, east, north = workspace.bounds
    rows, columns = values.shape
    place = Affine((east - west) / columns, 0, west, 0, (south - north) / rows, north)
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": values.dtype,
               "crs": "EPSG:4326", "transform": place * (turn or Affine.identity()), **options}  # fmt: skip
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(values, 1)
        return bytes(memory.read())


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("land_cover", np.float32(10.5), "no_known_class"),
        ("land_cover", np.int16(-7), "no_known_class"),
        ("slope", np.float32(-50), "out_of_range"),
        ("aspect", np.int16(900), "out_of_range"),
    ],
)
def test_a_raster_in_which_no_cell_can_be_is_refused(folder: Path, kind: str, value: np.number, code: str) -> None:
    workspace = opened(folder)
    content = raster(workspace, np.full((20, 30), value))
    with pytest.raises(UploadError) as refused:
        upload_layer(workspace, PLANNER, "r.tif", content, LayerUpload(kind=kind))
    assert refused.value.code == code
    assert str(folder) not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "usual", "odd", "rule"),
    [
        ("land_cover", 10, 10.5, "raster_unknown_share"),
        ("slope", 12.0, -50.0, "raster_out_of_range"),
        ("aspect", -1.0, 900.0, "raster_out_of_range"),
        ("elevation", 20.0, -9999.0, "raster_out_of_range"),
    ],
)
def test_cells_that_cannot_be_are_said_with_their_share(
    folder: Path, kind: str, usual: float, odd: float, rule: str
) -> None:
    workspace = opened(folder)
    values = np.full((20, 30), usual, np.float32)
    values[:5] = odd
    upload = LayerUpload(kind=kind, layer_id=f"{kind}-odd")
    report = upload_layer(workspace, PLANNER, "r.tif", raster(workspace, values), upload)
    (said,) = [finding for finding in report.findings if finding.rule == rule]
    assert (said.detail["percent"], said.level) == ("25", "warning")


@pytest.mark.parametrize("mirror", [(1, -1), (-1, 1), (-1, -1)])
def test_a_mirrored_raster_is_turned_without_a_change_and_said(folder: Path, mirror: tuple[int, int]) -> None:
    """South-up rasters come out of many climate and terrain programs; zonal statistics takes none."""
    workspace = opened(folder)
    values = np.arange(600, dtype=np.float32).reshape(20, 30)
    values[3, 4] = -1.0
    across, down = mirror
    turn = Affine(across, 0, 30 if across < 0 else 0, 0, down, 20 if down < 0 else 0)
    content = raster(workspace, values[::down, ::across], turn=turn, nodata=-1.0)
    upload = LayerUpload(kind="elevation", layer_id=f"elevation-m{across + 1}{down + 1}")
    report = upload_layer(workspace, PLANNER, "r.tif", content, upload)
    assert "raster_flipped" in {finding.rule for finding in report.findings}
    with rasterio.open(opened(folder).raster_path(report.ref)) as file:
        assert file.transform.a > 0 > file.transform.e
        assert file.bounds == pytest.approx(workspace.bounds)
        assert np.array_equal(file.read(1), values)
        assert int(file.read_masks(1).min()) == 0
    folder_of = opened(folder).raster_path(report.ref).parent
    assert [path.name for path in folder_of.iterdir()] == [f"{upload.layer_id}.tif"]


def test_a_slanting_raster_is_refused_with_what_to_do(folder: Path) -> None:
    workspace = opened(folder)
    content = raster(workspace, np.ones((20, 30), np.float32), turn=Affine.rotation(10))
    with pytest.raises(UploadError, match="gdalwarp") as refused:
        upload_layer(workspace, PLANNER, "r.tif", content, LayerUpload(kind="elevation"))
    assert refused.value.code == "slanting"


def test_a_refusal_names_what_uploads_take_and_no_command_of_the_server(folder: Path, tmp_path: Path) -> None:
    workspace = opened(folder)
    with pytest.raises(UploadError) as refused:
        upload_layer(workspace, PLANNER, "a.tif", b"II*", LayerUpload(kind="land"))
    assert refused.value.code == "file_kind"
    assert refused.value.fields["known"] == ".gpkg, .geojson, .json, .zip, .csv"
    with pytest.raises(UploadError) as refused:
        upload_layer(workspace, PLANNER, "a.csv", b"a\n", LayerUpload(kind="slope"))
    assert refused.value.fields["known"] == ".tif, .tiff"
    content = areas(workspace, tmp_path).replace(b'"P0"', b"null")
    with pytest.raises(UploadError) as refused:
        upload_layer(workspace, PLANNER, "a.geojson", content, LayerUpload(kind="land"))
    assert (refused.value.code, refused.value.fields["count"]) == ("no_row", "1")
    assert "gridgov check" not in str(refused.value)


def test_what_a_killed_upload_left_is_removed_even_if_its_number_lives_on(folder: Path, tmp_path: Path) -> None:
    """In a container the server has the same process number after every start; an upload under way is left alone."""
    dead, reused = folder / ".import-999999999-x", folder / f".import-{os.getpid()}-old"
    for left in (dead, reused):
        (left / "tiles").mkdir(parents=True)
    os.utime(reused, (1.0e9, 1.0e9))
    with written_aside(folder) as under_way:
        os.utime(under_way, (1.0e9, 1.0e9))
        workspace = opened(folder)
        content = areas(workspace, tmp_path)
        upload_layer(workspace, PLANNER, "a.geojson", content, LayerUpload(kind="land", layer_id="land-left"))
        assert under_way.is_dir()
    assert not list(folder.glob(".import-*"))


def test_an_import_of_half_the_world_without_a_district_asks_for_its_bounds(tmp_path: Path) -> None:
    shapes = [shapely.box(119.0, 29.6, 119.1, 29.7), shapely.box(60, 0, 160, 60)]
    gpd.GeoDataFrame({"parcel_id": ["a", "b"]}, geometry=shapes, crs=4326).to_file(tmp_path / "land.geojson")
    text = '[workspace]\nid = "here"\nnames = { zh = "本区", en = "Here" }\n'
    layer = '[[layer]]\nkind = "land"\nsource = "land.geojson"\n'
    (tmp_path / "import.toml").write_text(text + layer, "utf-8")
    with pytest.raises(SourceError, match="add grids, roads or bounds"):
        import_workspace(tmp_path / "district", tmp_path / "import.toml")
    (tmp_path / "import.toml").write_text(f"{text}bounds = [119.0, 29.5, 119.2, 29.7]\n{layer}", "utf-8")
    report = import_workspace(tmp_path / "district", tmp_path / "import.toml")
    assert (report.layers[0].rows, report.layers[0].aside) == (1, 1)
