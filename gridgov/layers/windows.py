"""Rasters in pieces: read a raster window by window in a metric CRS, with a margin, and write another one of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import rasterio.errors
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from gridgov.errors import StorageError

Floats = NDArray[np.float64]
Tell = Callable[[float], None]
_WINDOW_PX = 1024


@dataclass(frozen=True, slots=True)
class MetricRaster:
    """An opened raster whose CRS is projected: warped where the file's is not.

    `east`, `north` are the size of a cell in the units of `crs`; `west`, `top` its upper left corner.
    """

    view: Any
    crs: str
    west: float
    top: float
    east: float
    north: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.view.height), int(self.view.width)

    def read(self, rows: tuple[int, int], columns: tuple[int, int]) -> Floats:
        """Return the values of rows and columns (from, to) as floats; NaN: not known."""
        window = Window(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
        values = self.view.read(1, window=window, masked=True).astype(np.float64).filled(np.nan)
        return np.asarray(np.where(np.isfinite(values), values, np.nan))

    def place_of(self, lon: float, lat: float) -> tuple[float, float]:
        """Return fractional row and column of a place; whole numbers are the middles of cells."""
        x, y = pyproj.Transformer.from_crs("EPSG:4326", self.crs, always_xy=True).transform(lon, lat)
        return (self.top - y) / self.north - 0.5, (x - self.west) / self.east - 0.5


@contextmanager
def opened_metric(path: Path, metric_crs: str) -> Iterator[MetricRaster]:
    """Open a raster; one in degrees is warped to `metric_crs`, between cells, on about the cells that it has.

    Raises
    ------
    StorageError
        It cannot be read.
    """
    try:
        with rasterio.open(path) as source:
            turned = source.transform.b != 0 or source.transform.d != 0 or source.transform.e > 0
            if source.crs.is_projected and not turned:
                yield _metric(source)
            else:
                options = {"crs": metric_crs, "resampling": Resampling.bilinear, "nodata": _nodata(source)}
                with WarpedVRT(source, **options, dtype="float32") as warped:
                    yield _metric(warped)
    except (rasterio.errors.RasterioError, OSError) as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path}: the raster cannot be read ({error}); import it again") from error


def write_by_windows(
    raster: MetricRaster,
    target: Path,
    make: Callable[[Floats], Floats],
    *,
    dtype: str,
    nodata: float,
    tell: Tell | None = None,
) -> None:
    """Write what `make` makes of every window; it gets one cell more on each side, and gives as many as it got.

    Beyond the edge there is nothing to give: windows at the edge come without the margin there.
    """
    rows, columns = raster.shape
    windows = [(top, left) for top in range(0, rows, _WINDOW_PX) for left in range(0, columns, _WINDOW_PX)]
    with _created(raster, target, (0, rows), (0, columns), dtype=dtype, nodata=nodata) as out:
        for done, (top, left) in enumerate(windows, start=1):
            bottom, right = min(top + _WINDOW_PX, rows), min(left + _WINDOW_PX, columns)
            from_row, from_column = max(top - 1, 0), max(left - 1, 0)
            values = make(raster.read((from_row, min(bottom + 1, rows)), (from_column, min(right + 1, columns))))
            inner = values[top - from_row : bottom - from_row, left - from_column : right - from_column]
            filled = np.where(np.isfinite(inner), inner, nodata).astype(dtype)
            out.write(filled, 1, window=Window(left, top, right - left, bottom - top))
            if tell is not None:
                tell(done / len(windows))


def write_part(
    raster: MetricRaster, target: Path, values: NDArray[Any], corner: tuple[int, int], *, dtype: str, nodata: float
) -> None:
    """Write values that begin at a row and column of the raster as a raster of their own."""
    rows, columns = (corner[0], corner[0] + values.shape[0]), (corner[1], corner[1] + values.shape[1])
    with _created(raster, target, rows, columns, dtype=dtype, nodata=nodata) as out:
        out.write(values.astype(dtype), 1)


@contextmanager
def _created(
    raster: MetricRaster,
    target: Path,
    rows: tuple[int, int],
    columns: tuple[int, int],
    *,
    dtype: str,
    nodata: float,
) -> Iterator[Any]:
    place = rasterio.Affine(
        raster.east, 0.0, raster.west + columns[0] * raster.east,
        0.0, -raster.north, raster.top - rows[0] * raster.north,
    )  # fmt: skip
    options = {"height": rows[1] - rows[0], "width": columns[1] - columns[0], "count": 1, "tiled": True}
    with rasterio.open(
        target, "w", driver="GTiff", crs=raster.crs, transform=place, dtype=dtype, nodata=nodata, compress="deflate",
        **options,
    ) as out:  # fmt: skip
        yield out


def _metric(view: Any) -> MetricRaster:
    place = view.transform
    return MetricRaster(view, view.crs.to_wkt(), float(place.c), float(place.f), float(place.a), float(-place.e))


def _nodata(source: Any) -> float:
    return float(source.nodata) if source.nodata is not None else -9999.0
