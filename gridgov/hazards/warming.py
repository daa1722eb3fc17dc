"""Compile the searches over cells once, or load them from numba's cache on disk."""

from __future__ import annotations

import numpy as np
import shapely
from affine import Affine

from gridgov.crs import WGS84
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.fire import FireInputs, fire_hazard
from gridgov.hazards.flood import peaks
from gridgov.hazards.plume import Wind
from gridgov.hazards.slope import SlopeInputs, slope_hazard
from gridgov.model.hazard_profiles import Fuel
from gridgov.model.incident_classes import Certainty

_WEST, _NORTH, _CELL_DEG, _CELLS = 117.0, 30.0, 0.0003, 30
_METRIC = "EPSG:32650"


def warm_up() -> None:
    """Flood, burn and slide a slope of thirty cells: seconds once, then nothing."""
    metres = np.repeat(np.linspace(900.0, 0.0, _CELLS)[None, :], _CELLS, axis=0)
    slope = Elevation(metres, Affine(_CELL_DEG, 0.0, _WEST, 0.0, -_CELL_DEG, _NORTH), WGS84)
    half = _CELLS / 2 * _CELL_DEG
    middle = shapely.Point(_WEST + half, _NORTH - half)
    peaks(metres, np.array([_CELLS - 1]), 10.0)
    fuel = Fuel("any", {}, (), 1.0, "", Certainty.UNVERIFIED)
    inputs = FireInputs(middle, Wind(2.0, 270.0), 300.0)
    fire_hazard(slope, (fuel,), lambda east, _: np.zeros(east.shape, dtype=np.int64), inputs, metric_crs=_METRIC)
    slope_hazard(slope, SlopeInputs(middle, 30.0), metric_crs=_METRIC)
