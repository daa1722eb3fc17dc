"""Rasters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from gridgov.errors import SourceError
from gridgov.layers import ImportLayer, import_raster, load_specs

SPECS = load_specs()


def write(path: Path, data: np.ndarray, **options: Any) -> Path:
    profile = {
        "driver": "GTiff", "width": data.shape[1], "height": data.shape[0], "count": 1, "dtype": data.dtype,
        "crs": "EPSG:4326", "transform": Affine(0.0002, 0.0, 119.0, 0.0, -0.0002, 29.7), "nodata": -32768, **options,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(data, 1)
    return path


def height(rows: int = 900, columns: int = 1100) -> np.ndarray:
    return (np.arange(rows)[:, None] + np.arange(columns)[None, :]).astype("int16")


def run(path: Path, kind: str = "elevation", **options: Any) -> tuple[list[str], Path]:
    target = path.parent / "out" / "r.tif"
    findings = import_raster(
        ImportLayer(kind, kind, path, **options), SPECS[kind], target, bounds=(119.0, 29.6, 119.1, 29.7)
    )
    return [finding.rule for finding in findings], target


def test_a_raster_becomes_a_cloud_optimised_one_with_the_same_pixels(tmp_path: Path) -> None:
    """CRS, nodata and values stay; overviews are added."""
    rules, target = run(write(tmp_path / "e.tif", height()))
    with rasterio.open(target) as file:
        assert (file.read(1) == height()).all()
        assert file.crs == "EPSG:4326"
        assert file.nodata == -32768
        assert file.overviews(1)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert rules == []


def test_overviews_of_classes_hold_only_classes(tmp_path: Path) -> None:
    """A mean of water and forest would be something else."""
    classes = np.where(np.indices((1100, 1100)).sum(axis=0) % 3 == 0, 10, 60).astype("uint8")
    _, target = run(write(tmp_path / "c.tif", classes, nodata=0), "land_cover")
    with rasterio.open(target) as file:
        level = file.overviews(1)[0]
        small = file.read(1, out_shape=(1100 // level, 1100 // level))
    assert set(np.unique(small)) <= {10, 60}


def test_a_projected_raster_keeps_its_crs(tmp_path: Path) -> None:
    """Rasters are not warped at import."""
    path = write(
        tmp_path / "p.tif", height(), crs="EPSG:4549", transform=Affine(10.0, 0.0, 406000.0, 0.0, -10.0, 3290000.0)
    )
    rules, target = run(path)
    with rasterio.open(target) as file:
        assert file.crs == "EPSG:4549"
    assert rules == ["raster_covers_part"]


def test_a_raster_without_crs_needs_one_from_the_import_file(tmp_path: Path) -> None:
    """Else the import ends."""
    path = write(tmp_path / "n.tif", height(), crs=None)
    with pytest.raises(SourceError, match="no CRS in this raster"):
        run(path)
    _, target = run(path, crs="EPSG:4326")
    with rasterio.open(target) as file:
        assert file.crs == "EPSG:4326"
        assert (file.read(1) == height()).all()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_truncated_geotiff_is_a_source_fault(tmp_path: Path, share: float) -> None:
    """Wherever it is cut, in the header or in the last block."""
    path = write(tmp_path / "t.tif", height(), tiled=True, blockxsize=256, blockysize=256)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match=r"damaged or cut off|not a readable"):
        run(path)
    assert not (tmp_path / "out").exists()


def test_a_truncated_hgt_is_a_source_fault(tmp_path: Path) -> None:
    """Its size must be that of a tile."""
    path = tmp_path / "N29E119.hgt"
    path.write_bytes(np.zeros(1201 * 1201 - 7, ">i2").tobytes())
    with pytest.raises(SourceError, match=r"N29E119\.hgt: not a readable SRTMHGT"):
        run(path)


def test_an_hgt_tile_is_read(tmp_path: Path) -> None:
    """Its place is in its name."""
    path = tmp_path / "N29E119.hgt"
    path.write_bytes(np.full(1201 * 1201, 77, ">i2").tobytes())
    _, target = run(path)
    with rasterio.open(target) as file:
        assert file.bounds.left == pytest.approx(119, abs=0.001)
        assert file.read(1).max() == 77


def test_what_is_no_raster_is_a_source_fault(tmp_path: Path) -> None:
    """Plain text, another kind of file, nothing but nodata, no file at all."""
    path = tmp_path / "x.tif"
    with pytest.raises(SourceError, match="no such file"):
        run(path)
    path.write_text("hello")
    with pytest.raises(SourceError, match="not a readable GTiff"):
        run(path)
    with pytest.raises(SourceError, match="rasters are read from"):
        run(path.rename(tmp_path / "x.png"))
    with pytest.raises(SourceError, match="every pixel is nodata"):
        run(write(tmp_path / "e.tif", np.full((20, 20), -32768, "int16")))


def test_oddities_are_findings(tmp_path: Path) -> None:
    """No nodata value, another CRS in the import file."""
    rules, _ = run(write(tmp_path / "e.tif", height(), nodata=None), crs="EPSG:4490")
    assert rules == ["raster_without_nodata", "crs_differs"]


def test_class_codes_that_the_specification_does_not_know_are_said(tmp_path: Path) -> None:
    """Another product's land cover has other codes."""
    rules, _ = run(write(tmp_path / "c.tif", np.tile(np.array([41, 10], "uint8"), (600, 300)), nodata=0), "land_cover")
    assert "raster_classes" in rules


def test_memory_does_not_grow_with_the_raster(tmp_path: Path) -> None:
    """Windows of one size and a bounded cache: the progress shows that the raster is read piece by piece."""
    shares: list[float] = []
    path = write(tmp_path / "e.tif", height(2100, 2100))
    import_raster(
        ImportLayer("elevation", "elevation", path), SPECS["elevation"], tmp_path / "o.tif",
        progress=lambda text, share: shares.append(share),
    )  # fmt: skip
    assert len(shares) == 10
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_raster_of_another_place_is_refused(tmp_path: Path) -> None:
    """Both extents are named, for one of them is wrong."""
    path = write(tmp_path / "e.tif", height(50, 50), transform=Affine(0.0002, 0.0, 10.0, 0.0, -0.0002, 50.0))
    with pytest.raises(SourceError, match=r"lies at lon 10.0000 to 10.0100.*outside the district .lon 119.0000 to"):
        run(path)
    assert not (tmp_path / "out").exists()
