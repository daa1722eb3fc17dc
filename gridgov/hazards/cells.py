"""Cells with a level and a time of arrival → zones: outlines that share their borders, small enough for the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes, sieve

from gridgov.hazards.zoning import finding, zone_of
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.hazards import HazardZone, Zones

_MOST_POINTS = 9_000  # of one set of zones: three sets of them fit into an event
_MOST_SIDES = 6 * _MOST_POINTS  # tracing more takes seconds and ends in too many points anyway
_SPECK_CELLS = (4, 16)  # how large a patch may be that its surroundings swallow
_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CellZones:
    """Zones, and what was done to keep them small."""

    zones: Zones
    findings: tuple[Finding, ...] = ()


def zones_of_cells(
    level: NDArray[np.int8],
    arrival_s: _Floats,
    edges_s: _Floats,
    transform: Affine,
    crs: str,
    *,
    measures: tuple[float, ...] | None = None,
) -> CellZones:
    """Return zones that do not overlap, one for each level and band of arrival.

    Parameters
    ----------
    level : int array, shape (rows, columns)
        1 to 4; 0: outside.
    arrival_s : float array
        Where `level` is not 0.
    edges_s : float array
        Where each band begins, rising; a zone's arrival is the beginning of its band, so nobody is warned too late.
    measures : tuple of float, optional
        The least that each level stands for.
    """
    band = np.clip(np.searchsorted(edges_s, arrival_s, side="right") - 1, 0, len(edges_s) - 1)
    early = len(edges_s) - 1 - band  # so that of two codes the greater one is the worse, then the earlier
    codes = np.where(level > 0, level.astype(np.int32) * len(edges_s) + early, 0).astype(np.int32)
    outlines, values, tolerance = _outlines(codes, transform)
    zones: list[HazardZone] = []
    for code in np.unique(values):
        whole, early_part = divmod(int(code), len(edges_s))
        part = len(edges_s) - 1 - early_part
        measure = None if measures is None else measures[whole - 1]
        area = shapely.multipolygons(shapely.get_parts(outlines[values == code]))
        zone = zone_of(area, crs, level=whole, arrival_s=max(float(edges_s[part]), 0.0), measure=measure)
        if zone is not None:
            zones.append(zone)
    zones.sort(key=lambda zone: (-zone.level, zone.arrival_s))
    found: tuple[Finding, ...] = ()
    if tolerance:
        metres = round(tolerance * (111_000 if _cell(transform) < 0.1 else 1))  # a cell in degrees or in metres
        found = (finding("hazard_simplified", FindingLevel.INFO, FindingAction.REPAIRED, metres=metres),)
    return CellZones(tuple(zones), found)


def at_edge(inside: NDArray[np.bool_]) -> bool:
    """Return whether any of some cells lies at the edge of the array."""
    return bool(inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any())


def _outlines(codes: NDArray[np.int32], transform: Affine) -> tuple[Any, NDArray[np.int64], float]:
    """Return polygons with their code, simplified as far as is needed, and how far beyond the stairs of the cells."""
    tolerance = 0.75 * _cell(transform)  # takes the stairs off without moving a border by a cell
    for speck in (1, *_SPECK_CELLS):
        kept = sieve(codes, speck, connectivity=4) if 1 < speck < codes.size else codes
        if _sides(kept) > _MOST_SIDES:
            continue
        outlines, values = _traced(kept, transform)
        simple = shapely.coverage_simplify(outlines, tolerance * speck**0.5) if len(outlines) else outlines
        if shapely.get_num_coordinates(simple).sum() <= _MOST_POINTS:
            return simple, values, tolerance * speck**0.5 if speck > 1 else 0.0
    halved, coarser = _halved(kept), transform @ Affine.scale(2.0)
    outlines, values, tolerance = _outlines(halved, coarser)
    return outlines, values, max(tolerance, 2 * _cell(transform))


def _cell(transform: Affine) -> float:
    """Return the shorter side of a cell."""
    return float(min(np.hypot(transform.a, transform.d), np.hypot(transform.b, transform.e)))


def _sides(codes: NDArray[np.int32]) -> int:
    """Return how many sides of cells lie between two codes: what there is to trace."""
    return int((codes[1:] != codes[:-1]).sum() + (codes[:, 1:] != codes[:, :-1]).sum())


def _halved(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the worst code of every four cells."""
    rows, columns = codes.shape
    padded = np.pad(codes, ((0, rows % 2), (0, columns % 2)))
    return np.asarray(padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).max(axis=(1, 3)))


def _traced(codes: NDArray[np.int32], transform: Affine) -> tuple[Any, NDArray[np.int64]]:
    traced = list(shapes(codes, mask=codes > 0, connectivity=4, transform=transform))
    values = np.array([int(value) for _, value in traced], dtype=np.int64)
    if not traced:
        return np.zeros(0, dtype=object), values
    # all at once: thousands of specks one by one would take most of the time
    rings = [ring for outline, _ in traced for ring in outline["coordinates"]]
    points = np.array([point for ring in rings for point in ring], dtype=float)
    lines = shapely.linearrings(points, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    of_outline = np.repeat(np.arange(len(traced)), [len(outline["coordinates"]) for outline, _ in traced])
    return shapely.polygons(lines, indices=of_outline), values
