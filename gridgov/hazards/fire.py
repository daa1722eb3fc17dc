"""林火蔓延: the front of a wildfire: ellipses by wind, slope and fuel, and the earliest arrival over the land.

On flat ground and one fuel the fire grows as an ellipse with its start in the rear focus (Anderson 1983); its ratio of
length to breadth is that of the Canadian system (FCFDG 1992, equation 79). The head runs at the rate of the fuel times
exp(0.1783 u) for a wind of u m/s (Wang Zhengfei), and along each step times exp(3.533 t^1.2) uphill for a slope t, and
by as much slower downhill. The arrival is the least time over all ways in 32 directions. The cells are as much longer
than wide as the ellipse is, and turned with the wind, so that the search is as exact ahead as aside: the front lies at
most 5 % of its half breadth inside the ellipse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.hazards.cell_kernels import earliest_fire
from gridgov.hazards.cells import CellZones, at_edge, zones_of_cells
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.plume import LEAST_M_S, MOST_M_S, Wind
from gridgov.hazards.steps import MOST_CELLS, Steps, middles, steps_of, turned_grid
from gridgov.hazards.zoning import compass, finding, moved, warnings_of, weakest
from gridgov.model.findings import Finding
from gridgov.model.hazard_profiles import Fuel
from gridgov.model.hazards import Hazard, HazardKind

_WIND, _SLOPE, _SLOPE_POWER = 0.1783, 3.533, 1.2
_LEVEL = 4
_BANDS = 6
_MOST_S = 24 * 3600.0
_SMALLEST_CELL_M = 1.0
_LEAST_CELLS = 250  # across the fire
_UPHILL = np.linspace(-1.0, 1.0, 2001)
Floats = NDArray[np.float64]
FuelAt = Callable[[Floats, Floats], NDArray[np.integer[Any]]]


@dataclass(frozen=True, slots=True)
class FireInputs:
    """A fire to compute.

    Attributes
    ----------
    ignition : shapely geometry
        Where it burns now, WGS 84: a point, a line or an area.
    until_s : float
        How far ahead, up to a day.
    wind_step_m_s : float
        One step of uncertainty.
    """

    ignition: Any
    wind: Wind
    until_s: float = 3 * 3600.0
    wind_step_m_s: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.until_s <= _MOST_S:
            raise ParameterError(f"the fire is looked at for {self.until_s:g} s; give up to {_MOST_S:g}, one day")
        if not 0 <= self.wind_step_m_s <= 20:
            raise ParameterError(f"the uncertainty of the wind is {self.wind_step_m_s:g} m/s; give 0 to 20")


@dataclass(frozen=True, slots=True)
class _Front:
    """Times of arrival on a turned grid."""

    arrival_s: Floats
    zones: CellZones
    findings: tuple[Finding, ...]


def fire_hazard(
    elevation: Elevation, fuels: tuple[Fuel, ...], fuel_at: FuelAt, inputs: FireInputs, *, metric_crs: str
) -> Hazard:
    """Return the front of a fire as zones by time of arrival.

    Parameters
    ----------
    elevation : Elevation
    fuels : tuple of Fuel
    fuel_at : callable
        x and y in the metric CRS → position in `fuels`, -1 where nothing burns, -2 where the cover is not known.
    inputs : FireInputs
    metric_crs : str

    Raises
    ------
    ParameterError
        The fire starts where the elevation model knows nothing, or where nothing burns.
    """
    elevation.require_at(inputs.ignition, "the fire")
    speed, step = inputs.wind.speed_m_s, inputs.wind_step_m_s
    winds = [Wind(min(max(speed + by, LEAST_M_S), MOST_M_S), inputs.wind.from_deg) for by in (0.0, -step, step)]
    now, milder, worse = (_front(elevation, fuels, fuel_at, inputs, wind, metric_crs) for wind in winds)
    if not now.zones.zones:
        raise ParameterError("the fire starts where nothing burns; choose a place in a forest, on grass or on a field")
    return Hazard(
        kind=HazardKind.FIRE,
        zones=now.zones.zones,
        milder=milder.zones.zones,
        worse=worse.zones.zones,
        step="wind",
        unit="h",
        inputs={
            "wind_m_s": speed, "wind_from_deg": inputs.wind.from_deg, "until_s": inputs.until_s, "step_m_s": step,
            "length_to_breadth": round(length_to_breadth(speed), 3), "elevation": elevation.name,
            "rates_m_min": {fuel.code: fuel.rate_m_min for fuel in fuels},
        },
        source="ellipse after Anderson (1983) and FCFDG (1992), wind and slope after Wang Zhengfei; fuels: "
        + "; ".join(dict.fromkeys(fuel.source for fuel in fuels)),
        certainty=weakest(fuel.certainty for fuel in fuels),
        warnings=warnings_of(HazardKind.FIRE),
        findings=now.findings + now.zones.findings,
    )  # fmt: skip


def length_to_breadth(wind_m_s: float) -> float:
    """Return how many times longer than broad a fire grows on flat ground (FCFDG 1992, equation 79)."""
    return float(1.0 + 8.729 * (1.0 - np.exp(-0.030 * 3.6 * wind_m_s)) ** 2.155)


def head_rate_m_s(fuel: Fuel, wind_m_s: float) -> float:
    """Return how fast the head runs on flat ground."""
    return float(fuel.rate_m_min / 60.0 * np.exp(_WIND * wind_m_s))


def slope_factor(rise: Floats) -> Floats:
    """Return how many times faster a fire runs up a slope (metres of height a metre); below 1 downhill."""
    return np.asarray(np.exp(np.sign(rise) * _SLOPE * np.abs(rise) ** _SLOPE_POWER))


def slower_than_head(vectors: Floats, ratio: float) -> Floats:
    """Return how many times slower than the head a fire runs along vectors (ahead, aside) from its rear focus."""
    eccentricity = np.sqrt(1.0 - 1.0 / ratio**2)
    ahead = vectors[:, 0] / np.hypot(vectors[:, 0], vectors[:, 1])
    return np.asarray((1.0 - eccentricity * ahead) / (1.0 - eccentricity))


def arrival_times(
    metres: Floats, rate_m_s: Floats, sources: NDArray[np.intp], steps: Steps, ratio: float, until_s: float
) -> Floats:
    """Return the seconds until the fire comes to each cell of a grid whose columns run with the wind; inf: not.

    Parameters
    ----------
    metres : float array, shape (rows, columns)
        NaN: not known, does not burn.
    rate_m_s : float array
        Of the head on flat ground; 0: does not burn.
    sources : int array
        Cells that burn.
    """
    burns = (rate_m_s > 0) & np.isfinite(metres)
    pause = np.full(metres.shape, np.inf)
    pause[burns] = 1.0 / rate_m_s[burns]
    arrival = np.full(metres.size, np.inf)
    kept = sources[burns.ravel()[sources]].astype(np.int64)
    earliest_fire(
        kept, metres.shape[1], (np.nan_to_num(metres).ravel(), pause.ravel()), steps.arrays,
        slower_than_head(steps.vectors, ratio), slope_factor(_UPHILL), float(until_s), arrival,
    )  # fmt: skip
    return arrival.reshape(metres.shape)


def _front(
    elevation: Elevation, fuels: tuple[Fuel, ...], fuel_at: FuelAt, inputs: FireInputs, wind: Wind, metric_crs: str
) -> _Front:
    ratio = length_to_breadth(wind.speed_m_s)
    burning = moved(elevation.clipped(inputs.ignition), WGS84, metric_crs)
    transform, shape, cell = _grid(elevation, burning, fuels, wind, inputs.until_s, metric_crs)
    x, y = middles(transform, shape)
    kinds = fuel_at(x, y)
    rates = np.array([*(head_rate_m_s(fuel, wind.speed_m_s) for fuel in fuels), 0.0, 0.0])  # -1 and -2 are the last two
    mask = rasterize([burning], shape, transform=transform, all_touched=True, dtype="uint8")
    arrival = arrival_times(
        elevation.at(x, y, metric_crs), rates[kinds], np.flatnonzero(mask), steps_of(*cell), ratio, inputs.until_s
    )
    burnt = np.isfinite(arrival)
    edges = np.linspace(0.0, inputs.until_s, _BANDS + 1)[:-1]
    zones = zones_of_cells(np.where(burnt, _LEVEL, 0).astype(np.int8), arrival, edges, transform, metric_crs)
    findings = []
    if unknown := int((kinds == -2).sum()):
        findings.append(finding("hazard_unknown_fuel", count=unknown))
    if at_edge(burnt):
        findings.append(finding("hazard_beyond_model", metres=round(max(shape) * cell[0])))
    return _Front(arrival, zones, tuple(findings))


def _grid(
    elevation: Elevation, burning: Any, fuels: tuple[Fuel, ...], wind: Wind, until_s: float, metric_crs: str
) -> tuple[Any, tuple[int, int], tuple[float, float]]:
    """Return a grid that holds the fire on flat ground with room for slopes, inside the elevation model."""
    ratio = length_to_breadth(wind.speed_m_s)
    run = 2.0 * max(head_rate_m_s(fuel, wind.speed_m_s) for fuel in fuels) * until_s
    behind, aside = run / float(slower_than_head(np.array([[-1.0, 0.0]]), ratio)[0]), run / ratio
    along = -compass(wind.from_deg)
    middle = burning.centroid
    corners = shapely.get_coordinates(burning) - (middle.x, middle.y)
    frame = shapely.get_coordinates(moved(elevation.frame, elevation.crs, metric_crs)) - (middle.x, middle.y)
    across = np.array([-along[1], along[0]])
    reach = []
    for direction, room in ((-along, behind), (along, run), (-across, aside), (across, aside)):
        start, limit = float((corners @ direction).max()), float((frame @ direction).max())
        reach.append(max(min(start + room, limit), 1.0))
    width = max(min(*elevation.cell_size_m(metric_crs), (reach[2] + reach[3]) / _LEAST_CELLS), _SMALLEST_CELL_M)
    cells = (reach[0] + reach[1]) * (reach[2] + reach[3]) / (width * width * ratio)
    width *= max(1.0, float(np.sqrt(cells / MOST_CELLS)))
    cell = (width * ratio, width)
    transform, shape = turned_grid(middle.x, middle.y, (reach[0], reach[1], reach[2], reach[3]), cell, along)
    return transform, shape, cell
