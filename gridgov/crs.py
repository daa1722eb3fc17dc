"""Coordinate systems: the metric CRS of a place, and the GCJ-02 shift of Chinese web maps.

Geometry is WGS 84 longitude/latitude at rest (x = longitude); areas and lengths are computed in a metric CRS.
"""

from __future__ import annotations

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

WGS84 = "EPSG:4326"
CGCS2000 = "EPSG:4490"  # axis order latitude, longitude in the registry; gridgov always uses x = longitude

_Floats = NDArray[np.float64]

# Krasovsky 1940, the ellipsoid behind GCJ-02.
_GCJ_A = 6_378_245.0
_GCJ_E2 = 0.006_693_421_622_965_943


def metric_crs(lon: float, lat: float) -> str:
    """Return the metric CRS to measure in around a point.

    In mainland China the 3-degree Gauss-Krüger zone of CGCS2000 (EPSG:4534 … 4554, central meridians 75° … 135° E),
    elsewhere the UTM zone of WGS 84.

    Parameters
    ----------
    lon, lat : float
        A point of the district, degrees.
    """
    if 73.5 <= lon <= 135.1 and 18.0 <= lat <= 53.6 and not (119.2 <= lon <= 122.2 and 21.8 <= lat <= 25.5):
        return f"EPSG:{4534 + round((lon - 75.0) / 3.0)}"
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


def area_error(crs: str, lon: float, lat: float) -> float:
    """Return by what share areas measured in a projected CRS are wrong at a point; infinite where it has no place."""
    try:
        factors = pyproj.Proj(crs).get_factors(lon, lat)
    except pyproj.exceptions.ProjError:
        return float("inf")
    return abs(factors.areal_scale - 1.0)


def in_gcj02_area(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Return where the GCJ-02 shift applies (a rectangle around China, as the public formula has it)."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    inside = (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)
    return np.asarray(inside, dtype=np.bool_)


def _gcj02_offset(lon: _Floats, lat: _Floats) -> tuple[_Floats, _Floats]:
    """Degrees that GCJ-02 adds to a WGS 84 position (the publicly known formula)."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north = north + (
        ripple
        + 20.0 * np.sin(np.pi * y)
        + 40.0 * np.sin(np.pi * y / 3.0)
        + 160.0 * np.sin(np.pi * y / 12.0)
        + 320.0 * np.sin(np.pi * y / 30.0)
    ) * (2.0 / 3.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east = east + (
        ripple
        + 20.0 * np.sin(np.pi * x)
        + 40.0 * np.sin(np.pi * x / 3.0)
        + 150.0 * np.sin(np.pi * x / 12.0)
        + 300.0 * np.sin(np.pi * x / 30.0)
    ) * (2.0 / 3.0)
    phi = np.radians(lat)
    w2 = 1.0 - _GCJ_E2 * np.sin(phi) ** 2
    w = np.sqrt(w2)
    d_lat = np.degrees(north * w2 * w / (_GCJ_A * (1.0 - _GCJ_E2)))
    d_lon = np.degrees(east * w / (_GCJ_A * np.cos(phi)))
    return d_lon, d_lat


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[_Floats, _Floats]:
    """Shift WGS 84 positions to GCJ-02 (Amap, Tencent). Outside China they stay as they are.

    Parameters
    ----------
    lon, lat : array_like, degrees, same shape

    Returns
    -------
    (lon, lat) : arrays of degrees
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    d_lon, d_lat = _gcj02_offset(lon, lat)
    inside = in_gcj02_area(lon, lat)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[_Floats, _Floats]:
    """Undo `wgs84_to_gcj02` by fixed-point iteration; the round trip is exact to less than 1e-9 degrees."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    inside = in_gcj02_area(lon, lat)
    x, y = lon.copy(), lat.copy()
    for _ in range(8):  # the shift changes by < 1 % over its own length, so every pass gains two digits
        d_lon, d_lat = _gcj02_offset(x, y)
        x, y = lon - d_lon, lat - d_lat
    return np.where(inside, x, lon), np.where(inside, y, lat)
