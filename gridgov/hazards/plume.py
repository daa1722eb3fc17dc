"""有毒气体扩散: where a poisonous gas comes to: the distances of a handbook, or a Gaussian plume.

Table: a circle of isolation round the spill, and downwind of it a square whose side is the protective distance.
Gaussian plume of a steady release near the ground over flat ground, read at the ground:

    C = Q / (2 π u σy σz) · exp(-y² / 2σy²) · 2 exp(-h² / 2σz²)

with the dispersion coefficients of Briggs (1973) for the Pasquill–Gifford classes A (unstable) to F (stable), from
100 m to 10 km downwind; nearer than 100 m they are used as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.hazards.zoning import compass, finding, point_in, warnings_of, weakest, without_overlaps
from gridgov.model.findings import Finding
from gridgov.model.hazard_profiles import Spill, Substance
from gridgov.model.hazards import Hazard, HazardKind, Zones

Terrain = Literal["rural", "urban"]
FARTHEST_M = 10_000.0  # the coefficients are not meant for more
LEAST_M_S, MOST_M_S = 0.5, 60.0  # of a wind; in still air a plume has no direction
_STEPS = 240
_STRIPS = 5  # bands of arrival downwind
_STEP_FACTOR = 2.0
_ISOLATION_LEVEL, _PROTECTIVE_LEVEL = 4, 3
_Floats = NDArray[np.float64]

# Briggs (1973): a x / sqrt(1 + b x) across the wind, and a x (1 + b x)^c upwards, by terrain and class.
_ACROSS: dict[Terrain, dict[str, tuple[float, float]]] = {
    "rural": {"A": (0.22, 1e-4), "B": (0.16, 1e-4), "C": (0.11, 1e-4), "D": (0.08, 1e-4), "E": (0.06, 1e-4),
              "F": (0.04, 1e-4)},
    "urban": {"A": (0.32, 4e-4), "B": (0.32, 4e-4), "C": (0.22, 4e-4), "D": (0.16, 4e-4), "E": (0.11, 4e-4),
              "F": (0.11, 4e-4)},
}  # fmt: skip
_UP: dict[Terrain, dict[str, tuple[float, float, float]]] = {
    "rural": {"A": (0.20, 0.0, 0.0), "B": (0.12, 0.0, 0.0), "C": (0.08, 2e-4, -0.5), "D": (0.06, 1.5e-3, -0.5),
              "E": (0.03, 3e-4, -1.0), "F": (0.016, 3e-4, -1.0)},
    "urban": {"A": (0.24, 1e-3, 0.5), "B": (0.24, 1e-3, 0.5), "C": (0.20, 0.0, 0.0), "D": (0.14, 3e-4, -0.5),
              "E": (0.08, 1.5e-3, -0.5), "F": (0.08, 1.5e-3, -0.5)},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wind:
    """A steady wind.

    Attributes
    ----------
    speed_m_s : float
        0.5 and more: in still air a plume has no direction.
    from_deg : float
        Where it comes from, as wind is always named: 0 north, 90 east.
    """

    speed_m_s: float
    from_deg: float

    def __post_init__(self) -> None:
        if not LEAST_M_S <= self.speed_m_s <= MOST_M_S:
            raise ParameterError(
                f"the wind is {self.speed_m_s:g} m/s; give {LEAST_M_S:g} to {MOST_M_S:g} "
                "(in still air draw a circle round the place)"
            )
        if not 0 <= self.from_deg <= 360:
            raise ParameterError(f"the wind comes from {self.from_deg:g} degrees; give 0 to 360, 0 is north")


@dataclass(frozen=True, slots=True)
class Release:
    """A steady release for a Gaussian plume.

    Attributes
    ----------
    rate_g_s : float
    limits_mg_m3 : tuple of 3 float
        From which concentration on a zone has the levels 2, 3 and 4.
    stability : str
        A to F.
    height_m : float
        Of the release over the ground.
    """

    rate_g_s: float
    limits_mg_m3: tuple[float, float, float]
    stability: str = "D"
    terrain: Terrain = "rural"
    height_m: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.rate_g_s < 1e9:
            raise ParameterError(f"the release is {self.rate_g_s:g} g/s; give grams each second above 0")
        if len(self.limits_mg_m3) != 3 or not 0 < self.limits_mg_m3[0] < self.limits_mg_m3[1] < self.limits_mg_m3[2]:
            raise ParameterError(f"the limits are {self.limits_mg_m3}; give three rising concentrations in mg/m³")
        if self.terrain not in _UP or self.stability not in _UP[self.terrain]:
            raise ParameterError(f"stability '{self.stability}' or terrain '{self.terrain}' is unknown; give A to F")
        if not 0 <= self.height_m <= 500:
            raise ParameterError(f"the release lies {self.height_m:g} m high; give 0 to 500")


def spill_hazard(
    lon: float, lat: float, spill: Spill, wind: Wind, substance: Substance, *, night: bool, metric_crs: str
) -> Hazard:
    """Return the zones of a handbook: the isolation circle at once, the protective square as the wind carries the gas.

    Raises
    ------
    ParameterError
        The place is no position.
    """
    x, y = point_in(metric_crs, lon, lat)
    downwind_m = spill.night_m if night else spill.day_m

    def zones(factor: float) -> Zones:
        circle = shapely.Point(x, y).buffer(spill.isolation_m * factor, quad_segs=32)
        side = downwind_m * factor
        strips = [
            (_placed(shapely.box(near, -side / 2, far, side / 2), x, y, wind),
             {"level": _PROTECTIVE_LEVEL, "arrival_s": near / wind.speed_m_s})
            for near, far in _bands(side)
        ]  # fmt: skip
        return without_overlaps([(circle, {"level": _ISOLATION_LEVEL, "arrival_s": 0.0}), *strips], metric_crs)

    return Hazard(
        kind=HazardKind.PLUME,
        zones=zones(1.0),
        milder=zones(1 / _STEP_FACTOR),
        worse=zones(_STEP_FACTOR),
        step="distance",
        inputs={
            "model": "table", "substance": substance.code, "lon": lon, "lat": lat, "night": night,
            "wind_m_s": wind.speed_m_s, "wind_from_deg": wind.from_deg, "isolation_m": spill.isolation_m,
            "downwind_m": downwind_m,
        },
        source=substance.source,
        certainty=weakest([substance.certainty]),
        warnings=warnings_of(HazardKind.PLUME),
    )  # fmt: skip


def plume_hazard(
    lon: float, lat: float, release: Release, wind: Wind, *, metric_crs: str, source: str = "", certainty: str = "U"
) -> Hazard:
    """Return the zones of a Gaussian plume by concentration at the ground.

    Parameters
    ----------
    source, certainty : str
        Of the limits.

    Raises
    ------
    ParameterError
        The place is no position, or not even the lowest limit is reached anywhere.
    """
    x, y = point_in(metric_crs, lon, lat)

    def zones(factor: float) -> Zones:
        areas = []
        for level, limit in zip((4, 3, 2), reversed(release.limits_mg_m3), strict=True):
            outline = plume_outline(release, wind, limit / factor)
            bands = _bands(float(shapely.bounds(outline)[2])) if not outline.is_empty else ()
            areas += [
                (_placed(shapely.intersection(outline, _strip(near, far)), x, y, wind),
                 {"level": level, "arrival_s": near / wind.speed_m_s, "measure": limit})
                for near, far in bands
            ]  # fmt: skip
        return without_overlaps(areas, metric_crs)

    now = zones(1.0)
    if not now:
        raise ParameterError(
            f"nowhere at the ground are there {release.limits_mg_m3[0]:g} mg/m³ after such a release; "
            "check its rate in grams each second"
        )
    outermost = plume_outline(release, wind, release.limits_mg_m3[0])
    findings: tuple[Finding, ...] = ()
    if outermost.bounds[2] >= FARTHEST_M * 0.999:
        findings = (finding("hazard_beyond_model", metres=round(FARTHEST_M)),)
    return Hazard(
        kind=HazardKind.PLUME,
        zones=now,
        milder=zones(1 / _STEP_FACTOR),
        worse=zones(_STEP_FACTOR),
        step="release",
        unit="mg_m3",
        inputs={
            "model": "gaussian", "lon": lon, "lat": lat, "rate_g_s": release.rate_g_s, "stability": release.stability,
            "terrain": release.terrain, "height_m": release.height_m, "limits_mg_m3": list(release.limits_mg_m3),
            "wind_m_s": wind.speed_m_s, "wind_from_deg": wind.from_deg,
        },
        source=f"Gaussian plume, dispersion by Briggs (1973); limits: {source or 'given with the calculation'}",
        certainty=certainty,
        warnings=warnings_of(HazardKind.PLUME),
        findings=findings,
    )  # fmt: skip


def dispersion(x_m: _Floats, stability: str, terrain: Terrain) -> tuple[_Floats, _Floats]:
    """Return σy and σz in metres at some metres downwind (Briggs 1973)."""
    a, b = _ACROSS[terrain][stability]
    up, growth, power = _UP[terrain][stability]
    return a * x_m / np.sqrt(1 + b * x_m), up * x_m * (1 + growth * x_m) ** power


def concentration(x_m: _Floats, y_m: _Floats, release: Release, wind: Wind) -> _Floats:
    """Return mg/m³ at the ground, x metres downwind and y metres beside the line; 0 upwind."""
    x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
    across, up = dispersion(np.maximum(x, 1e-3), release.stability, release.terrain)
    middle = 1000 * release.rate_g_s / (np.pi * wind.speed_m_s * across * up)
    found = middle * np.exp(-(y**2) / (2 * across**2)) * np.exp(-(release.height_m**2) / (2 * up**2))
    return np.asarray(np.where(x > 0, found, 0.0))


def plume_outline(release: Release, wind: Wind, limit_mg_m3: float) -> Any:
    """Return where a concentration is reached: x downwind, y across, metres from the release; empty: nowhere."""
    x = np.geomspace(1.0, FARTHEST_M, _STEPS)
    middle = concentration(x, np.zeros_like(x), release, wind)
    across, _ = dispersion(x, release.stability, release.terrain)
    inside = middle >= limit_mg_m3
    if not inside.any():
        return shapely.Polygon()
    width = np.zeros_like(x)
    width[inside] = across[inside] * np.sqrt(2 * np.log(middle[inside] / limit_mg_m3))
    first, last = np.flatnonzero(inside)[[0, -1]]
    kept = slice(max(first - 1, 0), min(last + 2, len(x)))
    upper = np.column_stack([x[kept], width[kept]])
    lower = np.column_stack([x[kept], -width[kept]])[::-1]
    outline = shapely.make_valid(shapely.Polygon(np.vstack([upper, lower])))
    return shapely.union(outline, shapely.Point(0, 0).buffer(float(x[first]))) if first == 0 else outline


def _bands(length_m: float) -> tuple[tuple[float, float], ...]:
    edges = np.linspace(0.0, length_m, _STRIPS + 1)
    return tuple((float(near), float(far)) for near, far in pairwise(edges))


def _strip(near: float, far: float) -> Any:
    return shapely.box(near if near > 0 else -2 * FARTHEST_M, -2 * FARTHEST_M, far, 2 * FARTHEST_M)


def _placed(area: Any, x: float, y: float, wind: Wind) -> Any:
    """Return an area drawn downwind along x at its place on the map."""
    east, north = -compass(wind.from_deg)
    turn = np.array([[east, north], [-north, east]])
    return shapely.transform(area, lambda points: points @ turn + (x, y))
