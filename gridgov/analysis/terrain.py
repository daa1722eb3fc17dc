"""地形产品: slope, aspect, hillshade and viewshed of an elevation model in metres.

All functions take the elevation as a plain array, north up, with the size of a cell on the ground; `ground_cells` gives
that size and refuses a CRS in degrees, in which no slope can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from gridgov.analysis.sight_lines import count_seen
from gridgov.errors import ParameterError

Floats = NDArray[np.float64]

FLAT = -1.0  # the aspect of ground without a slope
EARTH_RADIUS_M = 6_371_008.8
REFRACTION = 0.13  # of light near the ground: how much of the curvature it makes up for (Gauss's coefficient)
MOST_SIGHT_CELLS = 4_000_000  # within the radius of one place; the work grows with the radius to the third power
_FLAT_RISE = 1e-9


@dataclass(frozen=True, slots=True)
class GroundCells:
    """How large a cell is on the ground, metres, and by what heights are multiplied to be metres."""

    east_m: float
    north_m: float
    height_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Observer:
    """A place from which one looks, as fractional row and column of the array (0, 0: middle of the first cell).

    Attributes
    ----------
    eye_m : float
        Height of the eye above the ground.
    """

    row: float
    column: float
    eye_m: float = 1.7


@dataclass(frozen=True, slots=True)
class SightOptions:
    """What is looked at, and through what.

    Attributes
    ----------
    radius_m : float
        How far is looked.
    target_m : float
        Height above the ground of what is to be seen.
    curvature : bool
        The Earth is round: far ground lies lower.
    refraction : float
        Share of the curvature that bent light makes up for, 0 to 1; only with `curvature`.
    """

    radius_m: float = 5_000.0
    target_m: float = 0.0
    curvature: bool = True
    refraction: float = REFRACTION

    def __post_init__(self) -> None:
        if not (np.isfinite(self.radius_m) and self.radius_m > 0):
            raise ParameterError(f"a radius of {self.radius_m} m is none; give how far is looked, in metres")
        if not 0.0 <= self.refraction <= 1.0:
            raise ParameterError(f"a refraction of {self.refraction} cannot be; give 0 (none) to 1, usual is 0.13")


def ground_cells(crs: str, east: float, north: float, *, height_unit: str = "m") -> GroundCells:
    """Return the size of a raster's cell on the ground.

    Parameters
    ----------
    crs : str
        Of the raster; projected, in any unit of length.
    east, north : float
        Size of a cell in the units of the CRS.
    height_unit : str
        Of the elevation: ``m``, ``ft`` or ``us-ft``.

    Raises
    ------
    ParameterError
        The CRS is in degrees, a cell has no size, or the unit is not known.
    """
    system = pyproj.CRS.from_user_input(crs)
    if not system.is_projected:
        raise ParameterError(
            f"the raster is in degrees ({system.name}) and heights are in metres, so no slope can be measured: "
            f"warp it to a metric CRS first"
        )
    factors = {"m": 1.0, "ft": 0.3048, "us-ft": 1200.0 / 3937.0}
    if height_unit not in factors:
        raise ParameterError(f"heights in '{height_unit}' are not known; give one of {', '.join(factors)}")
    unit = system.axis_info[0].unit_conversion_factor
    wide, high = abs(east) * unit, abs(north) * unit
    if not (np.isfinite(wide) and np.isfinite(high) and wide > 0 and high > 0):
        raise ParameterError(f"a cell of {east} x {north} has no size; correct the raster's transform")
    return GroundCells(wide, high, factors[height_unit])


def slope_degrees(elevation: NDArray[np.floating[Any]], cells: GroundCells) -> Floats:
    """Return the steepness of the ground, degrees: 0 flat to 90; NaN where it or a neighbour is not known.

    The third-order difference of Horn (1981), Hill shading and the reflectance map, Proc. IEEE 69, 14-47. At the
    border the outer cells are continued in a straight line.
    """
    east, north = _rise(elevation, cells)
    return np.asarray(np.degrees(np.arctan(np.hypot(east, north))), dtype=np.float64)


def aspect_degrees(elevation: NDArray[np.floating[Any]], cells: GroundCells) -> Floats:
    """Return the direction that the ground faces (downhill), degrees from north clockwise, 0 to 360; -1: flat."""
    east, north = _rise(elevation, cells)
    facing = np.degrees(np.arctan2(-east, -north)) % 360.0
    flat = np.hypot(east, north) < _FLAT_RISE
    return np.asarray(np.where(np.isnan(east), np.nan, np.where(flat, FLAT, facing % 360.0)), dtype=np.float64)


def hillshade(
    elevation: NDArray[np.floating[Any]],
    cells: GroundCells,
    *,
    azimuth_deg: float = 315.0,
    altitude_deg: float = 45.0,
    exaggeration: float = 1.0,
) -> Floats:
    """Return light on the ground, 0 (dark) to 255: the cosine of the angle between the sun and the ground's normal.

    Parameters
    ----------
    azimuth_deg : float
        Where the sun stands, from north clockwise.
    altitude_deg : float
        How high it stands, 0 to 90.
    exaggeration : float
        By what heights are multiplied.

    Raises
    ------
    ParameterError
        The sun stands below the horizon, or the exaggeration is not above 0.
    """
    if not 0.0 <= altitude_deg <= 90.0:
        raise ParameterError(f"a sun at {altitude_deg} degrees does not shine; give 0 (horizon) to 90 (overhead)")
    if not exaggeration > 0.0:
        raise ParameterError(f"an exaggeration of {exaggeration} leaves no relief; give more than 0")
    east, north = (exaggeration * part for part in _rise(elevation, cells))
    azimuth, altitude = np.radians(azimuth_deg), np.radians(altitude_deg)
    sun = np.sin(altitude) - np.cos(altitude) * (np.sin(azimuth) * east + np.cos(azimuth) * north)
    return np.asarray(255.0 * np.clip(sun / np.sqrt(1.0 + east**2 + north**2), 0.0, 1.0), dtype=np.float64)


def viewshed(
    elevation: NDArray[np.floating[Any]],
    cells: GroundCells,
    observers: tuple[Observer, ...],
    options: SightOptions | None = None,
) -> NDArray[np.int32]:
    """Return by how many observers each cell is seen, shape of `elevation`; -1 where the ground is not known.

    The line of sight to every cell is followed across all grid lines, with the height between two cells interpolated
    (the algorithm R3 of Franklin and Ray 1994, Higher isn't necessarily better). Unknown ground hides nothing. An
    observer's own cell is seen.

    Raises
    ------
    ParameterError
        There is no observer, one stands outside the raster or on unknown ground, or the radius holds too many cells.
    """
    chosen = options or SightOptions()
    heights = np.ascontiguousarray(elevation, dtype=np.float64) * cells.height_factor
    _check_observers(heights, observers)
    near = np.pi * chosen.radius_m**2 / (cells.east_m * cells.north_m)
    if min(near, heights.size) > MOST_SIGHT_CELLS:
        raise ParameterError(
            f"{near:,.0f} cells lie within {chosen.radius_m:,.0f} m, more than {MOST_SIGHT_CELLS:,}; "
            f"look less far, or thin the elevation model"
        )
    bend = (1.0 - chosen.refraction) / (2.0 * EARTH_RADIUS_M) if chosen.curvature else 0.0
    places = np.array([(o.row, o.column, o.eye_m) for o in observers], dtype=np.float64)
    size = np.array([cells.north_m, cells.east_m])
    seen = count_seen(heights, places, size, chosen.radius_m, chosen.target_m, bend)
    return np.where(np.isfinite(heights), seen, -1).astype(np.int32)


def _check_observers(heights: Floats, observers: tuple[Observer, ...]) -> None:
    if not observers:
        raise ParameterError("nobody looks: give at least one place to look from")
    rows, columns = heights.shape
    for number, place in enumerate(observers, start=1):
        inside = -0.5 <= place.row < rows - 0.5 and -0.5 <= place.column < columns - 0.5
        if not inside or not np.isfinite(heights[_cell(place.row), _cell(place.column)]):
            raise ParameterError(f"place {number} to look from lies where the elevation model knows nothing; move it")


def _cell(position: float) -> int:
    return int(np.floor(position + 0.5))


def _rise(elevation: NDArray[np.floating[Any]], cells: GroundCells) -> tuple[Floats, Floats]:
    """Rise of the ground eastwards and northwards, metres a metre (Horn 1981)."""
    if elevation.ndim != 2 or min(elevation.shape) < 2:
        raise ParameterError(f"an elevation model of shape {elevation.shape} has no slope; give 2 rows and columns")
    h = _continued(elevation.astype(np.float64) * cells.height_factor)
    right, left = (h[:-2, k] + 2.0 * h[1:-1, k] + h[2:, k] for k in (slice(2, None), slice(None, -2)))
    above, below = (h[k, :-2] + 2.0 * h[k, 1:-1] + h[k, 2:] for k in (slice(None, -2), slice(2, None)))
    return (right - left) / (8.0 * cells.east_m), (above - below) / (8.0 * cells.north_m)


def _continued(heights: Floats) -> Floats:
    """Put a border around, in a straight line with the two outermost cells, so that a plane stays one to the edge."""
    tall = np.vstack([2 * heights[:1] - heights[1:2], heights, 2 * heights[-1:] - heights[-2:-1]])
    return np.hstack([2 * tall[:, :1] - tall[:, 1:2], tall, 2 * tall[:, -1:] - tall[:, -2:-1]])
