"""Points for the browser in nine bytes each, and the point that a click means.

The format is little-endian: uint32 n, n x (float32 lon, float32 lat), n x uint8 class. Ids do not travel: the browser
moves a click onto the point it hit, and the server finds the row by position.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from shapely import box

from gridgov.maps.cartography import point_style
from gridgov.model import LayerSpec

# A float32 longitude is exact to 0.9 m; a click moved onto a point lies within this distance of its row.
CLICK_TOLERANCE_M = 2.0
_METRES_PER_DEGREE = 111_320.0


def encode_points(frame: gpd.GeoDataFrame, spec: LayerSpec) -> bytes:
    """Return the points of a layer with the class of each; rows without a place are left out.

    Parameters
    ----------
    frame : GeoDataFrame
        Points, WGS 84.
    """
    placed = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    places = np.empty((len(placed), 2), dtype="<f4")
    places[:, 0], places[:, 1] = placed.geometry.x, placed.geometry.y
    count = len(placed).to_bytes(4, "little")
    return count + places.tobytes() + classes(placed, spec).tobytes()


def classes(frame: gpd.GeoDataFrame, spec: LayerSpec) -> NDArray[np.uint8]:
    """Return the class of every row: the index of its symbol in `point_style(spec).symbols`."""
    style = point_style(spec)
    code = np.zeros(len(frame), dtype=np.int64)
    unknown = np.zeros(len(frame), dtype=bool)
    for name, values in style.fields:
        position = {value: k for k, value in enumerate(values)}
        if name in frame.columns:
            found = np.array([position.get(_code(value), -1) for value in frame[name]], dtype=np.int64)
        else:
            found = np.full(len(frame), -1, dtype=np.int64)
        unknown |= found < 0
        code = code * len(values) + found
    return np.where(unknown, len(style.symbols) - 1, code).astype(np.uint8)


def _code(value: object) -> str:
    """The text of a class value; a column of whole numbers with gaps holds them as floats (4.0 means 4)."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def nearest_row(frame: gpd.GeoDataFrame, lon: float, lat: float, *, within_m: float = CLICK_TOLERANCE_M) -> int | None:
    """Return the position (iloc) of the point that a click means, or None when none is near enough.

    Parameters
    ----------
    frame : GeoDataFrame
        Points, WGS 84. Its spatial index (`frame.sindex`) is built once and kept by the frame.
    lon, lat : float
        The click, degrees.
    within_m : float
        Largest distance.
    """
    reach_lat = within_m / _METRES_PER_DEGREE
    reach_lon = reach_lat / max(np.cos(np.radians(lat)), 0.01)
    near = frame.sindex.query(box(lon - reach_lon, lat - reach_lat, lon + reach_lon, lat + reach_lat))
    if len(near) == 0:
        return None
    found = frame.geometry.iloc[near]
    distance = np.hypot((found.x.to_numpy() - lon) / reach_lon, (found.y.to_numpy() - lat) / reach_lat)
    best = int(np.argmin(distance))
    return int(near[best]) if distance[best] <= 1.0 else None
