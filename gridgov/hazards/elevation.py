"""The elevation model as an array with its place, sampled anywhere; its end and its holes are findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy.ndimage import map_coordinates

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.hazards.zoning import finding, moved, transformer
from gridgov.model.findings import Finding, FindingLevel

Floats = NDArray[np.float64]
_HOLE_SHARE = 0.001


@dataclass(frozen=True, slots=True)
class Elevation:
    """Metres above the sea, row by row from the north.

    Attributes
    ----------
    metres : float array, shape (rows, columns)
        NaN: not known.
    transform : Affine
        From (column, row) of a cell's corner to the CRS.
    crs : str
    name : str
        Of the layer, for the hazard's source.
    """

    metres: Floats
    transform: Affine
    crs: str
    name: str = "elevation"

    @property
    def frame(self) -> Any:
        """The area that the array covers, in its CRS."""
        rows, columns = self.metres.shape
        corners = [self.transform @ corner for corner in ((0, 0), (columns, 0), (columns, rows), (0, rows))]
        return shapely.Polygon(corners)

    def clipped(self, geometry: Any) -> Any:
        """Return what of a geometry, WGS 84, lies about the elevation model: farther off no metric CRS holds."""
        frame = shapely.box(*moved(self.frame, self.crs, WGS84).bounds)
        return shapely.intersection(shapely.force_2d(geometry), frame)

    def cells_of(self, geometry: Any, *, touched: bool = True) -> NDArray[np.intp]:
        """Return the numbers (row x columns + column) of all cells that a geometry, WGS 84, touches.

        With `touched` false only those whose middle it covers.
        """
        near = self.clipped(geometry)
        if near.is_empty:
            return np.zeros(0, dtype=np.intp)
        own = moved(near, WGS84, self.crs)
        mask = rasterize([own], self.metres.shape, transform=self.transform, all_touched=touched, dtype="uint8")
        return np.flatnonzero(mask)

    def at(self, x: Floats, y: Floats, crs: str) -> Floats:
        """Return the metres at positions in some CRS, between the middles of four cells; NaN outside."""
        if crs != self.crs:
            x, y = transformer(crs, self.crs).transform(x, y)
        column, row = ~self.transform * (np.asarray(x), np.asarray(y))
        rows, columns = self.metres.shape
        place = np.stack([np.clip(row - 0.5, 0, rows - 1), np.clip(column - 0.5, 0, columns - 1)])
        values = map_coordinates(self.metres, place, order=1, mode="nearest")
        inside = (column >= 0) & (column <= columns) & (row >= 0) & (row <= rows)
        return np.asarray(np.where(inside, values, np.nan))

    def cell_size_m(self, metric_crs: str) -> tuple[float, float]:
        """Return the metres from one row to the next and from one column to the next, about the middle."""
        rows, columns = self.metres.shape
        steps = ((0, 0), (0, 1), (1, 0))
        points = [self.transform @ (columns / 2 + right, rows / 2 + down) for right, down in steps]
        own_x, own_y = np.array(points).T
        x, y = transformer(self.crs, metric_crs).transform(own_x, own_y)
        down, right = np.hypot(x[1:] - x[0], y[1:] - y[0])
        return float(down), float(right)

    def findings(self, district: Any) -> tuple[Finding, ...]:
        """Return what of the district (WGS 84) the elevation model does not know."""
        found = []
        missing = shapely.difference(district, moved(self.frame, self.crs, WGS84)).area / district.area
        if round(100 * missing) >= 1:
            found.append(finding("hazard_elevation_part", share=round(100 * missing)))
        if holes := int(np.isnan(self.metres).sum()):
            level = FindingLevel.WARNING if holes > _HOLE_SHARE * self.metres.size else FindingLevel.INFO
            found.append(finding("hazard_elevation_gaps", level, count=holes))
        return tuple(found)

    def require_at(self, geometry: Any, what: str) -> NDArray[np.intp]:
        """Return the cells with a known elevation that a geometry touches.

        Raises
        ------
        ParameterError
            There are none.
        """
        cells = self.cells_of(geometry)
        cells = cells[np.isfinite(self.metres.ravel()[cells])]
        if not len(cells):
            west, south, east, north = moved(self.frame, self.crs, WGS84).bounds
            raise ParameterError(
                f"{what} lies where the elevation model knows nothing (it covers lon {west:.4f} to {east:.4f}, "
                f"lat {south:.4f} to {north:.4f}); choose another place or import an elevation model of it"
            )
        return cells
