"""Point → grid: every point of the covered area lies in exactly one grid, points on borders included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray


class GridLocator:
    """Finds the grid of points.

    A point on a border belongs to the grid with the smallest code, so the answer never depends on the order of rows.

    Parameters
    ----------
    frame : GeoDataFrame
        Grids with `grid_code`, in WGS 84.
    """

    def __init__(self, frame: Any) -> None:
        self.codes: NDArray[np.object_] = frame["grid_code"].astype(str).to_numpy(dtype=object)
        order = np.argsort(self.codes.astype(str), kind="stable")
        self._rank = np.empty(len(order), dtype=np.int64)
        self._rank[order] = np.arange(len(order))
        self._by_rank = order
        self._tree = shapely.STRtree(np.asarray(frame.geometry.array, dtype=object))

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """Return the position (row) of each point's grid, or -1 where no grid lies.

        Parameters
        ----------
        lon, lat : array_like, degrees, same shape; NaN gives -1
        """
        x, y = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        best = np.full(len(x), len(self.codes), dtype=np.int64)
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        point, grid = self._tree.query(shapely.points(x[known], y[known]), predicate="intersects")
        np.minimum.at(best, known[point], self._rank[grid])
        found = best < len(self.codes)
        best[found] = self._by_rank[best[found]]
        best[~found] = -1
        return best

    def locate_codes(self, lon: ArrayLike, lat: ArrayLike) -> pd.Series:
        """Return the `grid_code` of each point, null where no grid lies."""
        position = self.locate(lon, lat)
        return pd.Series([self.codes[p] if p >= 0 else None for p in position.tolist()], dtype="str")
