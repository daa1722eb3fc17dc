"""滑坡: how far a landslide reaches, by the angle of reach (Fahrböschung) over the elevation model.

From the highest points of the slide an energy line falls at the angle of reach along the way over the ground; the slide
comes wherever the line is above the ground (Heim 1932, Scheidegger 1973). A slide that a steep angle already reaches is
likelier, so those places have the higher level. There is no time to be had: all zones arrive at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.hazards.cell_kernels import highest_energy
from gridgov.hazards.cells import CellZones, at_edge, zones_of_cells
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.steps import MOST_CELLS, Steps, middles, steps_of, turned_grid
from gridgov.hazards.zoning import finding, moved, warnings_of
from gridgov.model.hazards import Hazard, HazardKind

_LIKELY, _POSSIBLE = 4, 3
_SMALLEST_CELL_M = 5.0
_LEAST_FALL_M = 1.0
_FLATTEST_DEG, _STEEPEST_DEG = 3, 80
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SlopeInputs:
    """A landslide to compute.

    Attributes
    ----------
    source : shapely geometry
        What may slide, WGS 84.
    angle_deg : float
        Angle of reach; the smaller, the farther.
    step_deg : float
        One step of uncertainty; a reach at an angle one step steeper has the higher level.
    origin, certainty : str
        Where the angle comes from.
    """

    source: Any
    angle_deg: float
    step_deg: float = 3.0
    origin: str = ""
    certainty: str = "U"

    def __post_init__(self) -> None:
        steepest = self.angle_deg + 2 * self.step_deg
        if not (self.step_deg > 0 and self.angle_deg - self.step_deg >= _FLATTEST_DEG and steepest <= _STEEPEST_DEG):
            raise ParameterError(
                f"the angle of reach is {self.angle_deg:g} ± {self.step_deg:g} degrees; give an angle that stays "
                "between 3 and 80 degrees, usually 15 to 40"
            )


def slope_hazard(elevation: Elevation, inputs: SlopeInputs, *, metric_crs: str) -> Hazard:
    """Return where a slide may come to.

    Raises
    ------
    ParameterError
        The source lies where the elevation model knows nothing, or the ground is too flat for a slide.
    """
    cells = elevation.require_at(inputs.source, "the slope")
    area = moved(elevation.clipped(inputs.source), WGS84, metric_crs)
    top = float(np.nanmax(elevation.metres.ravel()[cells]))
    fall = max(top - float(np.nanmin(elevation.metres)), _LEAST_FALL_M)
    transform, shape, steps = _grid(elevation, area, fall / _tangent(inputs.angle_deg - inputs.step_deg), metric_crs)
    metres = elevation.at(*middles(transform, shape), metric_crs)
    mask = rasterize([area], shape, transform=transform, all_touched=True, dtype="uint8")
    sources = np.flatnonzero((mask > 0) & np.isfinite(metres))
    angles = [inputs.angle_deg + inputs.step_deg * by for by in range(-1, 3)]
    reached = [run_out(metres, sources, steps, angle) for angle in angles]  # from the farthest to the nearest

    def zoned(position: int) -> CellZones:
        level = np.where(reached[position + 1], _LIKELY, np.where(reached[position], _POSSIBLE, 0)).astype(np.int8)
        zeros = np.zeros(level.shape)
        return zones_of_cells(level, zeros, np.zeros(1), transform, metric_crs, measures=_angles(angles, position))

    if reached[1].sum() <= len(sources):
        raise ParameterError(
            f"the ground below the slope is too flat: at {inputs.angle_deg:g} degrees nothing leaves it; "
            "choose another place or a smaller angle"
        )
    worse, now, milder = (zoned(position) for position in range(3))
    findings = [finding("hazard_at_data_edge")] if at_edge(reached[1]) else []
    return Hazard(
        kind=HazardKind.SLOPE,
        zones=now.zones,
        milder=milder.zones,
        worse=worse.zones,
        step="angle",
        unit="deg",
        inputs={
            "angle_deg": inputs.angle_deg, "step_deg": inputs.step_deg, "top_m": round(top, 1),
            "elevation": elevation.name, "source_m2": round(float(area.area)),
        },
        source=f"angle of reach over the elevation model '{elevation.name}'; angle: {inputs.origin or 'given'}",
        certainty=inputs.certainty,
        warnings=warnings_of(HazardKind.SLOPE),
        findings=(*findings, *now.findings),
    )  # fmt: skip


def run_out(metres: _Floats, sources: NDArray[np.intp], steps: Steps, angle_deg: float) -> NDArray[np.bool_]:
    """Return which cells a slide from the sources reaches at an angle of reach.

    Parameters
    ----------
    metres : float array, shape (rows, columns)
        NaN: not known, nothing slides through.
    """
    ground = np.where(np.isfinite(metres), metres, np.inf).ravel()
    energy = np.full(metres.size, -np.inf)
    highest_energy(
        sources.astype(np.int64), metres.shape[1], ground, steps.arrays,
        _tangent(angle_deg), energy,
    )  # fmt: skip
    return np.asarray(np.isfinite(energy).reshape(metres.shape))


def _angles(angles: list[float], position: int) -> tuple[float, ...]:
    return (0.0, 0.0, angles[position], angles[position + 1])


def _tangent(angle_deg: float) -> float:
    return float(np.tan(np.radians(angle_deg)))


def _grid(elevation: Elevation, area: Any, reach_m: float, metric_crs: str) -> tuple[Any, tuple[int, int], Steps]:
    """Return a grid north up round the source, as far as a slide can reach and the elevation model is known."""
    west, south, east, north = shapely.box(*area.bounds).buffer(reach_m).intersection(
        shapely.box(*moved(elevation.frame, elevation.crs, metric_crs).bounds)
    ).bounds  # fmt: skip
    size = max(min(elevation.cell_size_m(metric_crs)), _SMALLEST_CELL_M)
    size *= max(1.0, float(np.sqrt((east - west) * (north - south) / size**2 / MOST_CELLS)))
    middle = area.centroid
    extent = (middle.x - west, east - middle.x, middle.y - south, north - middle.y)
    transform, shape = turned_grid(middle.x, middle.y, extent, (size, size), np.array([1.0, 0.0]))
    return transform, shape, steps_of(size, size)
