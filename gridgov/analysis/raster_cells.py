"""A raster as the analysis sees it: cells with a place, read window by window; the caller opens and closes the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray

from gridgov.analysis.metric_layers import Floats, Shapes
from gridgov.errors import ParameterError
from gridgov.hazards.zoning import moved

Window = tuple[int, int, int, int]  # first row, first column, rows, columns
_EARTH_M = 6_371_008.8  # mean radius (IUGG)
_FEWEST_RADIUS_M = 1e6  # the tightest curve that a straight line of one CRS makes in another, about
_BEND = 0.01  # of a cell: how far such a curve may leave its chord


class Raster(Protocol):
    """Cells of one band.

    Attributes
    ----------
    name : str
        Of the layer, for messages.
    crs : str or None
    transform : Affine
        From (column, row) of a cell's corner to the CRS; north up.
    shape : (rows, columns)
    nodata : float or None
        NaN is no value in any case.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def crs(self) -> str | None: ...  # noqa: D102
    @property
    def transform(self) -> Affine: ...  # noqa: D102
    @property
    def shape(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def nodata(self) -> float | None: ...  # noqa: D102

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window, masked where the file masks them."""
        ...


@dataclass(frozen=True, slots=True)
class RasterArray:
    """A raster in memory."""

    name: str
    values: NDArray[Any]
    transform: Affine
    crs: str | None
    nodata: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.values.shape[0], self.values.shape[1]

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window."""
        row, column, rows, columns = window
        return self.values[row : row + rows, column : column + columns]


@dataclass(frozen=True, slots=True)
class OpenRaster:
    """The first band of a raster that the caller holds open with rasterio."""

    name: str
    dataset: Any

    @property
    def crs(self) -> str | None:
        """The CRS, None where the file has none."""
        return None if self.dataset.crs is None else str(self.dataset.crs.to_wkt())

    @property
    def transform(self) -> Affine:
        """From (column, row) to the CRS."""
        return Affine(*self.dataset.transform[:6])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return int(self.dataset.height), int(self.dataset.width)

    @property
    def nodata(self) -> float | None:
        """The value that stands for nothing."""
        return None if self._scaled or self.dataset.nodata is None else float(self.dataset.nodata)

    @property
    def _scaled(self) -> bool:
        return (self.dataset.scales[0], self.dataset.offsets[0]) != (1.0, 0.0)

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window, scaled as the file says."""
        row, column, rows, columns = window
        place = ((row, row + rows), (column, column + columns))
        masks = {flag.name for flag in self.dataset.mask_flag_enums[0]}
        masked = self._scaled or "per_dataset" in masks or "alpha" in masks
        values = self.dataset.read(1, window=place, masked=masked)
        return values * self.dataset.scales[0] + self.dataset.offsets[0] if self._scaled else np.asanyarray(values)


def require_crs(raster: Raster) -> str:
    """Return a raster's CRS.

    Raises
    ------
    ParameterError
        It has none, is turned, or has no cells.
    """
    if not raster.crs:
        raise ParameterError(f"raster {raster.name} has no CRS; say which one its cells are in, or import it with one")
    if raster.transform.b or raster.transform.d or raster.transform.a <= 0 or raster.transform.e >= 0:
        raise ParameterError(f"raster {raster.name} is turned or mirrored; warp it north up first")
    if 0 in raster.shape:
        raise ParameterError(f"raster {raster.name} has no cells")
    return raster.crs


def is_geographic(crs: str) -> bool:
    """Return whether a CRS counts in degrees."""
    return bool(pyproj.CRS.from_user_input(crs).is_geographic)


def bounds_of(raster: Raster) -> tuple[float, float, float, float]:
    """Return west, south, east, north in the raster's CRS."""
    rows, columns = raster.shape
    west, north = raster.transform @ (0, 0)
    east, south = raster.transform @ (columns, rows)
    return float(west), float(south), float(east), float(north)


def cell_area_m2(raster: Raster) -> Floats:
    """Return the square metres of a cell of each row, shape (rows,).

    In a geographic CRS on the sphere of mean radius (a few tenths of a percent off the ellipsoid), else as the CRS has
    it, in metres.

    Raises
    ------
    ParameterError
        The CRS counts in feet or the like.
    """
    crs = pyproj.CRS.from_user_input(require_crs(raster))
    width, height, rows = raster.transform.a, -raster.transform.e, raster.shape[0]
    if not crs.is_geographic:
        metres = crs.axis_info[0].unit_conversion_factor
        return np.full(rows, width * height * metres * metres)
    edge = np.radians(raster.transform.f + raster.transform.e * np.arange(rows + 1))
    return np.asarray(_EARTH_M**2 * np.radians(width) * np.abs(np.diff(np.sin(edge))))


def cell_size_m(raster: Raster) -> tuple[float, float]:
    """Return the metres from one row to the next and from one column to the next, about the middle."""
    crs = pyproj.CRS.from_user_input(require_crs(raster))
    width, height = raster.transform.a, -raster.transform.e
    if not crs.is_geographic:
        metres = crs.axis_info[0].unit_conversion_factor
        return height * metres, width * metres
    west, south, east, north = bounds_of(raster)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    geod = crs.get_geod() or pyproj.Geod(ellps="WGS84")
    down = geod.inv(middle_x, middle_y - height / 2, middle_x, middle_y + height / 2)[2]
    right = geod.inv(middle_x - width / 2, middle_y, middle_x + width / 2, middle_y)[2]
    return float(down), float(right)


def in_raster_crs(shapes: Shapes, crs: str, raster: Raster) -> Shapes:
    """Return shapes of a metric CRS in the raster's, with so many points that straight borders bend as they must."""
    own = require_crs(raster)
    if pyproj.CRS.from_user_input(own) == pyproj.CRS.from_user_input(crs):
        return shapes
    longest = float(np.sqrt(8.0 * _FEWEST_RADIUS_M * _BEND * min(cell_size_m(raster))))
    return np.asarray(moved(shapely.segmentize(shapes, longest), crs, own))
