"""洪水淹没: water that rises from a river or a breach over the elevation model: depth and time of arrival of each cell.

Water reaches a cell when it has risen over the lowest peak on some way from its source, so a valley behind an unbroken
ridge stays dry however low it lies. Water passes through the four sides of a cell: a ridge whose cells touch at their
corners only holds it back. There are no volumes and no speeds: where the water can come to, it is at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt

from gridgov.errors import ParameterError
from gridgov.hazards.cell_kernels import smallest_peaks
from gridgov.hazards.cells import CellZones, at_edge, zones_of_cells
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.zoning import finding, warnings_of, weakest
from gridgov.model.hazard_profiles import LevelScale
from gridgov.model.hazards import Hazard, HazardKind

Datum = Literal["sea", "source"]
_BANDS = 6  # times of arrival that a series of levels is shown with
_MOST_STEPS = 200
_NEAR_RIVER_M = 2_000.0
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Flooding:
    """What water does to each cell.

    Attributes
    ----------
    peak_m : float array, shape (rows, columns)
        The lowest level at which the cell is wet; inf: at none of those that were asked for.
    depth_m : float array
        Water over the ground at the last level; 0: dry.
    arrival_s : float array
        When the water comes; inf: never.
    """

    peak_m: _Floats
    depth_m: _Floats
    arrival_s: _Floats


@dataclass(frozen=True, slots=True)
class FloodInputs:
    """A flood to compute.

    Attributes
    ----------
    source : shapely geometry
        River (line or area) or breach (point), WGS 84.
    levels : tuple of (seconds, metres)
        The level of the water from some seconds after the start on; rising. One level: at once.
    datum : "sea" or "source"
        Levels above the sea, or above the river: there the ground is counted from the nearest cell of the source, so
        that a river may have a slope.
    step_m : float
        One step of uncertainty.
    within_m : float or None
        The level holds only so far from its source: a river falls, and its water does not stand level for ever. None:
        2,000 m above a river, everywhere above the sea.
    """

    source: Any
    levels: tuple[tuple[float, float], ...]
    datum: Datum = "sea"
    step_m: float = 0.5
    within_m: float | None = None

    @property
    def limit_m(self) -> float:
        """How far from its source the level holds; inf: everywhere."""
        near = _NEAR_RIVER_M if self.datum == "source" else np.inf
        return near if self.within_m is None else self.within_m

    def __post_init__(self) -> None:
        if not 1 <= len(self.levels) <= _MOST_STEPS:
            raise ParameterError(f"a flood has {len(self.levels)} levels; give 1 to {_MOST_STEPS}")
        if not np.isfinite(np.array(self.levels)).all() or self.levels[0][0] < 0:
            raise ParameterError("times and levels of a flood are numbers, and times count from 0; correct them")
        for (time, level), (later, higher) in zip(self.levels, self.levels[1:], strict=False):
            if later <= time or higher < level:
                raise ParameterError(
                    f"the level falls or the time goes back at {later:g} s ({higher:g} m); give a rising series"
                )
        if not 0 <= self.step_m <= 100:
            raise ParameterError(f"the uncertainty of the level is {self.step_m:g} m; give metres from 0 to 100")
        if self.within_m is not None and not self.within_m > 0:
            raise ParameterError(f"the level holds within {self.within_m:g} m of its source; give metres above 0")
        if self.datum not in {"sea", "source"}:
            raise ParameterError(f"levels are above '{self.datum}'; say 'sea' or 'source'")

    def shifted(self, by_m: float) -> tuple[tuple[float, float], ...]:
        """Return the levels, higher or lower."""
        return tuple((time, level + by_m) for time, level in self.levels)


def flood_hazard(
    elevation: Elevation, inputs: FloodInputs, scale: LevelScale, *, district: Any, metric_crs: str, name: str = ""
) -> Hazard:
    """Return a flood as zones by depth and time of arrival.

    Parameters
    ----------
    elevation : Elevation
    inputs : FloodInputs
    scale : LevelScale
        From which depth on a zone has which level.
    district : shapely geometry
        WGS 84; what of it the elevation model does not know is a finding.
    metric_crs : str
        To measure distances in.

    Raises
    ------
    ParameterError
        The source lies outside the elevation model, or the level wets nothing.
    """
    sources, bed = _sources(elevation, inputs.source)
    height = elevation.metres if inputs.datum == "sea" else above_source(elevation.metres, sources)
    far = farther_than(elevation, sources, inputs.limit_m, metric_crs) if np.isfinite(inputs.limit_m) else None
    height = height if far is None else np.where(far, np.nan, height)
    highest = inputs.levels[-1][1] + inputs.step_m
    peak = peaks(height, sources, highest)
    lowest = float(height.ravel()[sources].min())
    wet = peak < inputs.levels[-1][1]
    if not wet.any():
        raise ParameterError(
            f"a level of {inputs.levels[-1][1]:g} m wets nothing: the lowest cell of the source lies at "
            f"{lowest:.1f} m; give a higher level"
        )
    if not (wet & ~bed).any():
        raise ParameterError(
            f"a level of {inputs.levels[-1][1]:g} m stays within the banks of its source; give a higher level"
        )
    now, milder, worse = (
        _zoned(elevation, flooding(height, peak, inputs.shifted(by)), scale, bed)
        for by in (0.0, -inputs.step_m, inputs.step_m)
    )
    findings = [*elevation.findings(district), *now.findings]
    if far is not None and (binary_dilation(wet) & far).any():
        findings.append(finding("hazard_beyond_model", metres=round(inputs.limit_m)))
    if at_edge(wet & ~bed):
        findings.append(finding("hazard_at_data_edge"))
    return Hazard(
        kind=HazardKind.FLOOD,
        zones=now.zones,
        milder=milder.zones,
        worse=worse.zones,
        name=name,
        step="level",
        unit="m",
        inputs={
            "levels": [list(pair) for pair in inputs.levels], "datum": inputs.datum, "step_m": inputs.step_m,
            "within_m": inputs.limit_m if far is not None else None,
            "source_cells": len(sources), "source_lowest_m": round(lowest, 2), "elevation": elevation.name,
            "cell_count": int(elevation.metres.size), "wet_cells": int((wet & ~bed).sum()),
        },
        source=f"level over the elevation model '{elevation.name}', connected to its source; levels: {scale.source}",
        certainty=weakest([scale.certainty]),
        warnings=warnings_of(HazardKind.FLOOD),
        findings=tuple(findings),
    )  # fmt: skip


def peaks(height: _Floats, sources: NDArray[np.intp], highest: float) -> _Floats:
    """Return for each cell the lowest level of the water at which it is wet; inf above `highest`.

    Parameters
    ----------
    height : float array, shape (rows, columns)
        NaN: nothing passes.
    sources : int array
        Cells (row x columns + column) from which the water comes.
    """
    peak = np.full(height.size, np.inf)
    flat = np.ascontiguousarray(height, dtype=np.float64).ravel()
    smallest_peaks(flat, np.asarray(sources, dtype=np.int64), height.shape[1], float(highest), peak)
    return peak.reshape(height.shape)


def land_peaks(elevation: Elevation, source: Any, highest: float, *, metric_crs: str) -> _Floats:
    """Return the level above a river, WGS 84, at which each cell of the land near it is wet; inf above `highest`."""
    sources, bed = _sources(elevation, source)
    far = farther_than(elevation, sources, _NEAR_RIVER_M, metric_crs)
    height = np.where(far, np.nan, above_source(elevation.metres, sources))
    land = np.isfinite(height) & ~bed
    land.ravel()[sources] = False
    return np.asarray(np.maximum(peaks(height, sources, highest)[land], 0.0))


def farther_than(elevation: Elevation, sources: NDArray[np.intp], limit_m: float, metric_crs: str) -> NDArray[np.bool_]:
    """Return which cells lie farther than some metres from every cell of the source."""
    free = np.ones(elevation.metres.shape, dtype=bool)
    free.ravel()[sources] = False
    return np.asarray(distance_transform_edt(free, sampling=elevation.cell_size_m(metric_crs)) > limit_m)


def above_source(metres: _Floats, sources: NDArray[np.intp]) -> _Floats:
    """Return the metres of each cell above the nearest cell of the source."""
    free = np.ones(metres.shape, dtype=bool)
    free.ravel()[sources] = False
    nearest = distance_transform_edt(free, return_distances=False, return_indices=True)
    return np.asarray(metres - metres[tuple(nearest)])


def flooding(height: _Floats, peak: _Floats, levels: Sequence[tuple[float, float]]) -> Flooding:
    """Return depth at the last level and time of arrival; between two levels the water rises evenly."""
    times, metres = (np.array(column, dtype=float) for column in zip(*levels, strict=True))
    rising = np.concatenate([[True], np.diff(metres) > 0])  # on a flat part the water came at its beginning
    last = metres[-1]
    wet = peak < last
    depth = np.where(wet, last - height, 0.0)
    arrival = np.full(peak.shape, np.inf)
    arrival[wet] = np.interp(peak[wet], metres[rising], times[rising])
    return Flooding(peak, depth, arrival)


def _sources(elevation: Elevation, source: Any) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the cells from which the water comes, and which cells are the bed of a river: wet on every day.

    Of an area the cells whose middle it covers, so that a bank keeps its own height; the bed is no part of the flood:
    a bridge goes when the water comes to its ends, and nobody lives in the river.
    """
    cells = elevation.require_at(source, "the source of the flood")
    bed = np.zeros(elevation.metres.shape, dtype=bool)
    if source.area > 0:
        whole = np.intersect1d(cells, elevation.cells_of(source, touched=False))
        cells = whole if len(whole) else cells
        bed.ravel()[whole] = True
    return cells, bed


def _zoned(elevation: Elevation, water: Flooding, scale: LevelScale, bed: NDArray[np.bool_]) -> CellZones:
    wet = (water.depth_m > 0) & ~bed
    level = np.where(wet, scale.levels_of(water.depth_m), 0).astype(np.int8)
    first = float(water.arrival_s[wet].min()) if wet.any() else 0.0
    last = float(water.arrival_s[wet].max()) if wet.any() else 0.0
    edges = np.unique(np.linspace(first, last, _BANDS + 1)[:-1])
    return zones_of_cells(level, water.arrival_s, edges, elevation.transform, elevation.crs, measures=scale.limits)
