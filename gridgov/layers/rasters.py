"""Rasters: check every block of a GeoTIFF or HGT and write it as a Cloud-Optimised GeoTIFF, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import rasterio
import rasterio.errors
import rasterio.shutil
import rasterio.warp
from rasterio.windows import Window

from gridgov.crs import WGS84
from gridgov.errors import SourceError, StorageError
from gridgov.layers.import_file import Bounds, ImportLayer
from gridgov.layers.raster_contents import RasterContents
from gridgov.layers.raster_turning import is_mirrored, refuse_slanting, write_north_up
from gridgov.layers.sources import check_source
from gridgov.model import Finding, FindingLevel, LayerSpec

Progress = Callable[[str, float], None]

_CACHE_MB = 128  # GDAL's block cache; a raster of any size passes through it
_DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".hgt": "SRTMHGT"}
_WINDOW_PX = 1024
_CHECKED = 0.5  # share of the progress that the check takes


def import_raster(
    item: ImportLayer,
    spec: LayerSpec,
    target: Path,
    *,
    bounds: Bounds | None = None,
    progress: Progress | None = None,
    must_fit: bool = False,
) -> list[Finding]:
    """Check a raster and write it to `target` as a Cloud-Optimised GeoTIFF with overviews; its CRS stays.

    Every block is read once, in windows of at most 1,024 x 1,024 pixels, so a damaged block is found wherever it lies;
    `progress` is called with (what is being done, share done). Mirrored rows or columns are turned round. With
    `must_fit` a raster in which no cell is what its kind can hold is refused; else it is a finding: an import file is
    written by somebody who may know other codes. Returns the findings.

    Raises
    ------
    SourceError
        Missing, not a raster, damaged or cut off, without CRS, aslant, elsewhere than `bounds`, with nothing but
        nodata, or (`must_fit`) with no cell that its kind can hold.
    StorageError
        The target cannot be written.
    """
    check_source(item.source, item.layer_id)
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_NUM_THREADS=1), _open(item.source) as raster:
        crs = _crs(item, raster)
        refuse_slanting(item.source, raster)
        extent = _extent(raster, crs)
        _refuse_elsewhere(item, extent, bounds)
        contents = _scan(item.source, raster, progress, spec)
        if must_fit:
            contents.refuse_unfit(item.source)
        findings = [*_findings(item, raster, crs, bounds, extent), *contents.findings(item.layer_id)]
        _write(item.source, raster, crs, target, spec, progress)
        return findings


def raster_place(path: Path) -> tuple[str, Bounds]:
    """Return the CRS of a raster and its extent, WGS 84 degrees."""
    with rasterio.open(path) as raster:
        return str(raster.crs.to_string())[:80], _extent(raster, raster.crs)


def raster_facts(path: Path) -> tuple[int, int, str]:
    """Return width and height of a raster in pixels and its CRS (empty: it declares none).

    Raises
    ------
    SourceError
        It is no raster that can be read.
    """
    with _open(path) as raster:
        return int(raster.width), int(raster.height), raster.crs.to_string()[:80] if raster.crs else ""


def _open(path: Path) -> Any:
    driver = _DRIVERS.get(path.suffix.lower())
    if driver is None:
        raise SourceError(f"{path}: rasters are read from .tif or .hgt files; give one of these")
    try:
        return rasterio.open(path, driver=driver)
    except rasterio.errors.RasterioIOError as error:
        raise SourceError(f"{path}: not a readable {driver} raster ({_reason(error)}); fetch it again") from error


def _crs(item: ImportLayer, raster: Any) -> Any:
    if raster.crs is not None:
        return raster.crs
    if item.crs is None:
        raise SourceError(f'{item.source}: no CRS in this raster; name it as crs = "EPSG:…" in the import file')
    try:
        return rasterio.crs.CRS.from_user_input(item.crs)
    except rasterio.errors.CRSError as error:
        raise SourceError(f"{item.source}: the CRS '{item.crs}' is unknown; write it as EPSG:…") from error


def _windows(width: int, height: int) -> Iterator[Window]:
    for top in range(0, height, _WINDOW_PX):
        for left in range(0, width, _WINDOW_PX):
            yield Window(left, top, min(_WINDOW_PX, width - left), min(_WINDOW_PX, height - top))


def _scan(path: Path, raster: Any, progress: Progress | None, spec: LayerSpec) -> RasterContents:
    """Read every block of the first band; a damaged one, or nothing but nodata, ends the import."""
    contents = RasterContents(spec)
    scale, offset = float(raster.scales[0]), float(raster.offsets[0])
    total = -(-raster.width // _WINDOW_PX) * -(-raster.height // _WINDOW_PX)
    for done, window in enumerate(_windows(raster.width, raster.height), start=1):
        try:
            block = raster.read(1, window=window, masked=True)
        except rasterio.errors.RasterioIOError as error:
            row, column = int(window.row_off), int(window.col_off)
            raise SourceError(
                f"{path}: damaged or cut off near row {row}, column {column} ({_reason(error)}); fetch it again"
            ) from error
        values = block.compressed()
        contents.add(values if (scale, offset) == (1.0, 0.0) else values * scale + offset)
        if progress is not None:
            progress("check", _CHECKED * done / total)
    if not contents.valid:
        raise SourceError(f"{path}: an empty layer, every pixel is nodata; give another raster")
    return contents


def _extent(raster: Any, crs: Any) -> Bounds:
    west, south, east, north = raster.bounds
    box = min(west, east), min(south, north), max(west, east), max(south, north)  # of a mirrored one, they are not
    lon0, lat0, lon1, lat1 = rasterio.warp.transform_bounds(crs, WGS84, *box)
    return float(lon0), float(lat0), float(lon1), float(lat1)


def _refuse_elsewhere(item: ImportLayer, extent: Bounds, bounds: Bounds | None) -> None:
    """A raster that touches the district nowhere is the wrong file, or has the wrong CRS."""
    if bounds is None or (
        extent[0] < bounds[2] and extent[2] > bounds[0] and extent[1] < bounds[3] and extent[3] > bounds[1]
    ):
        return
    raise SourceError(
        f"{item.source}: the raster lies at {_written(extent)}, wholly outside the district ({_written(bounds)}); "
        f"give the raster of this place or correct its CRS"
    )


def _written(bounds: Bounds) -> str:
    return f"lon {bounds[0]:.4f} to {bounds[2]:.4f}, lat {bounds[1]:.4f} to {bounds[3]:.4f}"


def _findings(item: ImportLayer, raster: Any, crs: Any, bounds: Bounds | None, extent: Bounds) -> list[Finding]:
    found: list[tuple[str, FindingLevel, dict[str, str | int | float]]] = []
    if raster.nodata is None:
        found.append(("raster_without_nodata", FindingLevel.INFO, {}))
    if is_mirrored(raster):
        found.append(("raster_flipped", FindingLevel.INFO, {}))
    if raster.count > 1:
        found.append(("raster_bands", FindingLevel.INFO, {"count": raster.count}))
    if item.crs is not None and rasterio.crs.CRS.from_user_input(item.crs) != crs:
        found.append(("crs_differs", FindingLevel.WARNING, {"declared": crs.to_string()[:40], "given": item.crs}))
    if bounds is not None and not _covers(extent, bounds):
        found.append(("raster_covers_part", FindingLevel.WARNING, {}))
    return [Finding(item.layer_id, None, None, rule, level, detail=detail) for rule, level, detail in found]


def _covers(extent: Bounds, bounds: Bounds) -> bool:
    return extent[0] <= bounds[0] and extent[1] <= bounds[1] and extent[2] >= bounds[2] and extent[3] >= bounds[3]


def _write(path: Path, raster: Any, crs: Any, target: Path, spec: LayerSpec, progress: Progress | None) -> None:
    """Let GDAL copy block by block; classes are thinned by the commonest value, measures by the mean."""
    resampling = "MODE" if spec.holds_classes else "NEAREST" if spec.kind == "aspect" else "AVERAGE"
    options = {
        "COMPRESS": "DEFLATE",
        "LEVEL": 2,
        "PREDICTOR": "YES",
        "NUM_THREADS": "ALL_CPUS",
        "BIGTIFF": "IF_SAFER",
        "OVERVIEW_RESAMPLING": resampling,
        "BLOCKSIZE": 512,
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_mirrored(raster):
            turned = target.with_name(f".{target.stem}-turned.tif")
            write_north_up(raster, crs, turned, _windows(raster.width, raster.height))
            rasterio.shutil.copy(turned, target, driver="COG", **options)
            turned.unlink()
        elif raster.crs is None:
            with rasterio.vrt.WarpedVRT(raster, src_crs=crs, crs=crs) as view:
                rasterio.shutil.copy(view, target, driver="COG", **options)
        else:
            rasterio.shutil.copy(raster, target, driver="COG", **options)
    except rasterio.errors.RasterioIOError as error:
        raise SourceError(f"{path}: damaged or cut off ({_reason(error)}); fetch it again") from error
    except OSError as error:
        raise StorageError(f"{target}: cannot write the raster ({error.strerror}); check disk and rights") from error
    if progress is not None:
        progress("write", 1.0)


def _reason(error: Exception) -> str:
    return " ".join(str(error.__cause__ or error).split())[:160]
