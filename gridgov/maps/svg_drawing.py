"""Maps of papers as inline SVG: metres from degrees, paths of whole metres, the frame and its scale bar."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

ASPECT = 1.6  # width over height of every map
_LEAST_M = 400.0
_METRES_PER_DEGREE = 111_320.0

Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]


def metres(degrees: Floats, origin: tuple[float, float]) -> Floats:
    """Return degrees as metres from an origin (lon, lat), x to the east and y to the south."""
    scale = np.array([_METRES_PER_DEGREE * np.cos(np.radians(origin[1])), -_METRES_PER_DEGREE])
    return np.asarray((degrees[:, :2] - origin) * scale)


def line_path(points: Floats) -> str:
    """Return points as a path of whole metres; those that fall together are drawn once."""
    whole = np.rint(points).astype(np.int64)
    keep = np.append(True, (np.diff(whole, axis=0) != 0).any(axis=1))
    return "M" + "L".join(f"{x} {y}" for x, y in whole[keep].tolist())


def area_path(geometry: Any, origin: tuple[float, float]) -> str:
    """Return the rings of an area, degrees, as one path."""
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    return "".join(line_path(metres(np.asarray(ring.coords), origin)) + "z" for ring in rings)


def framed(points: Floats) -> Box:
    """Return the part of a drawing that shows all points, in the shape of all maps."""
    if not len(points):
        points = np.zeros((1, 2))
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    width = max(right - left, _LEAST_M) * 1.12
    height = max(bottom - top, _LEAST_M / ASPECT) * 1.12
    width, height = max(width, height * ASPECT), max(height, width / ASPECT)
    middle = ((left + right) / 2, (top + bottom) / 2)
    return middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2


def scale_bar(box: Box, unit: float) -> str:
    """Return a bar of a round length and the sign of north; `unit` is a thousandth of the map's width."""
    wanted = (box[2] - box[0]) / 5
    power = 10.0 ** np.floor(np.log10(wanted))
    length = float(max(step * power for step in (1, 2, 5) if step * power <= wanted))
    x, y, text = box[0] + 20 * unit, box[3] - 20 * unit, f"{length:g} m" if length < 1000 else f"{length / 1000:g} km"
    north = f'<text x="{box[2] - 62 * unit:.0f}" y="{box[1] + 34 * unit:.0f}" font-size="{26 * unit:.1f}">N↑</text>'
    return (
        f'<path class="bar" d="M{x:.0f} {y:.0f}h{length:.0f}"/>'
        f'<text x="{x:.0f}" y="{y - 8 * unit:.0f}" font-size="{20 * unit:.1f}">{text}</text>{north}'
    )
