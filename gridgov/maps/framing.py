"""Which centre and zoom show an extent, for the "zoom to" buttons. The view moves only when somebody asks for it."""

from __future__ import annotations

import math

Bounds = tuple[float, float, float, float]
_TILE_PX = 256
_CLOSEST = 17


def frame_of(bounds: Bounds, *, width_px: int = 900, height_px: int = 640) -> tuple[tuple[float, float], int]:
    """Return ((lat, lon), zoom) at which an extent fills a Web Mercator map of a size, with a margin.

    Parameters
    ----------
    bounds : tuple
        West, south, east, north, degrees.
    """
    west, south, east, north = bounds
    top, bottom = _mercator(north), _mercator(south)
    share_x, share_y = max((east - west) / 360, 1e-9), max((top - bottom) / (2 * math.pi), 1e-9)
    room = min(0.86 * width_px / _TILE_PX / share_x, 0.80 * height_px / _TILE_PX / share_y)
    return ((south + north) / 2, (west + east) / 2), min(math.floor(math.log2(room)), _CLOSEST)


def _mercator(lat: float) -> float:
    return math.asinh(math.tan(math.radians(lat)))
