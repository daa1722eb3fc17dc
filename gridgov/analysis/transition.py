"""地类转移矩阵: land cover at two dates: what became what, in hectares, and the changed patches ranked by area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes as outlines
from rasterio.warp import Resampling, reproject
from scipy.ndimage import find_objects
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgov.analysis.metric_layers import Floats
from gridgov.analysis.raster_cells import Raster, bounds_of, cell_area_m2, require_crs
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel

HECTARE_M2 = 10_000.0
_MOST_CELLS = 60_000_000
_MOST_CODE = 32_767  # of a class
_SAME = 1e-6  # of a cell: two rasters on one grid
_Codes = NDArray[np.int32]
NO_CLASS = -1


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of land cover between two dates.

    Attributes
    ----------
    matrix : DataFrame
        Hectares, classes before in rows and after in columns, both by code; every class of either date is in both.
    changes : DataFrame
        One row for each pair of different classes that occurs: from_code, to_code, area_ha, share (of the class
        before), largest first.
    patches : GeoDataFrame
        Connected cells (by their sides) with one and the same change, largest first: from_code, to_code, area_ha,
        cells; in the CRS of the first raster.
    compared_ha, unknown_ha : float
        Where both dates have a class; where only one has.
    findings : tuple of Finding
    """

    matrix: pd.DataFrame
    changes: pd.DataFrame
    patches: gpd.GeoDataFrame
    compared_ha: float
    unknown_ha: float
    findings: tuple[Finding, ...]


def land_cover_transition(before: Raster, after: Raster, *, most_patches: int = 100) -> Transition:
    """Compare two rasters of classes.

    Parameters
    ----------
    before, after : Raster
        Of classes. Where they do not lie on one grid, the later one is brought onto the cells of the earlier by the
        nearest value, with a finding: along borders up to half a cell of change is then not real.
    most_patches : int
        How many of the largest patches are returned.

    Raises
    ------
    ParameterError
        A raster has no CRS, holds no classes or is too large to compare at once, or they lie apart.
    """
    if before.shape[0] * before.shape[1] > _MOST_CELLS:
        raise ParameterError(f"raster {before.name} has over {_MOST_CELLS:,} cells; cut it to the area of interest")
    findings = list[Finding]()
    old = class_cells(before)
    if on_one_grid(before, after):
        new = class_cells(after)
    else:
        new = onto_grid(after, before)
        detail: dict[str, str | int | float] = {"other": before.name}
        findings.append(Finding(after.name, None, None, "raster_regridded", FindingLevel.WARNING, detail=detail))
    bare = [raster.name for raster in (before, after) if raster.nodata is None]
    findings += [Finding(name, None, None, "raster_without_nodata", FindingLevel.INFO) for name in dict.fromkeys(bare)]
    known = (old != NO_CLASS) & (new != NO_CLASS)
    if not known.any():
        raise ParameterError(
            f"rasters {before.name} and {after.name} have no cell with a class at both dates; check their place and CRS"
        )
    area = cell_area_m2(before) / HECTARE_M2
    either = ((old != NO_CLASS) | (new != NO_CLASS)) & ~known
    matrix = cross_areas(old, new, known, area)
    return Transition(
        matrix,
        _changes(matrix),
        _patches(old, new, known, area, before, most_patches),
        float(matrix.to_numpy().sum()),
        float((either.sum(axis=1) * area).sum()),
        tuple(findings),
    )


def class_cells(raster: Raster) -> _Codes:
    """Return the class of every cell, -1 where there is none.

    Raises
    ------
    ParameterError
        A value is no whole number from 0 to 32,767.
    """
    require_crs(raster)
    values = raster.read((0, 0, *raster.shape))
    known = ~np.ma.getmaskarray(values)
    plain = np.ma.getdata(values)
    if raster.nodata is not None:
        known &= plain != raster.nodata
    if not np.issubdtype(plain.dtype, np.integer):
        known &= ~np.isnan(plain)
    odd = known & ((plain < 0) | (plain > _MOST_CODE) | (plain != np.round(plain)))
    if odd.any():
        row, column = (int(place[0]) for place in np.nonzero(odd))
        raise ParameterError(
            f"raster {raster.name} holds no classes: the value {plain[row, column]:g} in row {row}, column {column} is "
            f"no whole number from 0 to {_MOST_CODE}"
        )
    return np.where(known, plain, NO_CLASS).astype(np.int32)


def on_one_grid(first: Raster, second: Raster) -> bool:
    """Return whether two rasters have the same cells."""
    if first.shape != second.shape or not _one_crs(require_crs(first), require_crs(second)):
        return False
    steps = np.array([first.transform.a, first.transform.e])
    corners = [np.array(bounds_of(raster)) for raster in (first, second)]
    return bool((np.abs(corners[0] - corners[1]) <= _SAME * np.abs(steps).min()).all())


def _one_crs(first: str, second: str) -> bool:
    # by meaning: two ways to write one CRS are one
    return bool(pyproj.CRS.from_user_input(first) == pyproj.CRS.from_user_input(second))


def onto_grid(raster: Raster, grid: Raster) -> _Codes:
    """Return the classes of a raster on the cells of another one, by the nearest value; -1 where there is none."""
    found = np.full(grid.shape, NO_CLASS, dtype=np.int32)
    reproject(
        class_cells(raster), found, src_transform=raster.transform, src_crs=require_crs(raster), src_nodata=NO_CLASS,
        dst_transform=grid.transform, dst_crs=require_crs(grid), dst_nodata=NO_CLASS, resampling=Resampling.nearest,
    )  # fmt: skip
    return found


def cross_areas(old: _Codes, new: _Codes, where: NDArray[Any], row_area: Floats) -> pd.DataFrame:
    """Return the area of each pair of classes, in the unit of `row_area`.

    Parameters
    ----------
    old, new : int array, shape (rows, columns)
    where : bool or float array, shape (rows, columns)
        Cells that count, or the share of each.
    row_area : float array, shape (rows,)
        Of one cell of each row.
    """
    counted = np.nonzero(where)
    codes = np.unique(np.concatenate([old[counted], new[counted]]))
    place = np.searchsorted(codes, old[counted]) * len(codes) + np.searchsorted(codes, new[counted])
    weight = where[counted].astype(np.float64) * row_area[counted[0]]
    sums = np.bincount(place, weights=weight, minlength=len(codes) ** 2).reshape(len(codes), len(codes))
    return pd.DataFrame(
        sums, index=pd.Index(codes.astype(int), name="from_code"), columns=pd.Index(codes.astype(int), name="to_code")
    )


def _changes(matrix: pd.DataFrame) -> pd.DataFrame:
    sums = matrix.to_numpy()
    before, after = np.nonzero((sums > 0) & ~np.eye(len(sums), dtype=bool))
    frame = pd.DataFrame(
        {"from_code": matrix.index.to_numpy()[before], "to_code": matrix.columns.to_numpy()[after],
         "area_ha": sums[before, after], "share": sums[before, after] / sums.sum(axis=1)[before]}
    )  # fmt: skip
    return frame.sort_values(["area_ha", "from_code", "to_code"], ascending=[False, True, True], ignore_index=True)


def _patches(
    old: _Codes, new: _Codes, known: NDArray[np.bool_], row_area: Floats, grid: Raster, most: int
) -> gpd.GeoDataFrame:
    """Return the largest connected patches of one and the same change."""
    patch, first = _connected(old, new, known & (old != new))
    count = len(first)
    rows = np.nonzero(patch)
    number = patch[rows] - 1
    area = np.bincount(number, weights=row_area[rows[0]], minlength=count)
    cells = np.bincount(number, minlength=count)
    order = np.lexsort((np.arange(count), -area))[:most]
    boxes = find_objects(patch) if count else []
    shapes = [_outline(patch, int(position) + 1, boxes[position], grid.transform) for position in order]
    columns: Mapping[str, Any] = {
        "from_code": old.ravel()[first[order]],
        "to_code": new.ravel()[first[order]],
        "area_ha": area[order],
        "cells": cells[order],
    }
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=grid.crs)


def _connected(old: _Codes, new: _Codes, changed: NDArray[np.bool_]) -> tuple[_Codes, NDArray[np.intp]]:
    """Return the number from 1 of the patch that each changed cell is in, and the first cell of each patch."""
    cells = np.flatnonzero(changed)
    place = np.full(changed.shape, -1, dtype=np.int64)
    place.ravel()[cells] = np.arange(len(cells))
    ends = []
    for here, there in (((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
                        ((slice(None, -1), slice(None)), (slice(1, None), slice(None)))):  # fmt: skip
        joined = changed[here] & changed[there] & (old[here] == old[there]) & (new[here] == new[there])
        ends.append(np.stack([place[here][joined], place[there][joined]]))
    tail, head = np.concatenate(ends, axis=1)
    graph = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(len(cells), len(cells)))
    _, part = connected_components(graph, directed=False)
    patch = np.zeros(changed.shape, dtype=np.int32)
    patch.ravel()[cells] = part + 1
    return patch, cells[np.unique(part, return_index=True)[1]]


def _outline(patch: _Codes, number: int, box: tuple[slice, slice], transform: Affine) -> Any:
    """Return the border of a patch, along its cells."""
    mask = patch[box] == number
    moved = transform @ Affine.translation(box[1].start, box[0].start)
    parts = [shapely.geometry.shape(part) for part, _ in outlines(mask.astype(np.uint8), mask=mask, transform=moved)]
    return shapely.union_all(parts)
