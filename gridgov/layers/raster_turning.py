"""Rasters whose rows do not run from north to south: mirrored ones are turned without loss, slanting ones refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import rasterio
from rasterio import Affine
from rasterio.windows import Window

from gridgov.errors import SourceError


def refuse_slanting(path: Path, raster: Any) -> None:
    """Refuse a raster whose rows run aslant: its cells would have to be computed anew, which whoever knows it decides.

    Raises
    ------
    SourceError
    """
    if raster.transform.b or raster.transform.d:
        raise SourceError(
            f"{path}: the rows of this raster run aslant, not from west to east; make it north up, for example with "
            f"gdalwarp -r near in.tif out.tif (-r bilinear for measures), and give that file",
            code="slanting",
        )


def is_mirrored(raster: Any) -> bool:
    """Return whether rows run from south to north, or columns from east to west."""
    return bool(raster.transform.a < 0 or raster.transform.e > 0)


def write_north_up(raster: Any, crs: Any, target: Path, windows: Iterable[Window]) -> None:
    """Write a mirrored raster with its rows from the north and its columns from the west; no cell changes.

    Raises
    ------
    OSError
        The disk refused.
    """
    a, _, c, _, e, f = raster.transform[:6]
    rows, columns = raster.height, raster.width
    west, north = min(c, c + a * columns), max(f, f + e * rows)
    profile = {
        "driver": "GTiff", "width": columns, "height": rows, "count": raster.count, "dtype": raster.dtypes[0],
        "nodata": raster.nodata, "crs": crs, "transform": Affine(abs(a), 0.0, west, 0.0, -abs(e), north),
        "tiled": True, "blockxsize": 512, "blockysize": 512, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    step = slice(None, None, -1 if e > 0 else 1), slice(None, None, -1 if a < 0 else 1)
    has_mask = "per_dataset" in {flag.name for flag in raster.mask_flag_enums[0]}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(target, "w", **profile) as file:
        file.scales, file.offsets = raster.scales, raster.offsets
        for window in windows:
            left = columns - window.col_off - window.width if a < 0 else window.col_off
            top = rows - window.row_off - window.height if e > 0 else window.row_off
            place = Window(left, top, window.width, window.height)
            file.write(raster.read(window=window)[:, step[0], step[1]], window=place)
            if has_mask:
                file.write_mask(raster.dataset_mask(window=window)[step], window=place)
