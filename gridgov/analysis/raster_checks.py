"""What is odd about a raster's values: negative counts, cells finer than their source, an undeclared nodata value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.analysis.metric_layers import MetricLayer
from gridgov.analysis.raster_cells import Raster, cell_size_m
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel

_USUAL_NODATA = (-9999.0, -99999.0, -32768.0, 65535.0, -3.4028234663852886e38, -1.7976931348623157e308)
_BLOCKS = range(2, 9)  # sides of blocks of equal cells that are looked for
_LOOKED_AT = 512  # cells: the side of the windows that are looked at
_WINDOWS = 3
_EQUAL = 0.99
_FINER = 0.999


def check_values(raster: Raster, zones: MetricLayer, columns: Mapping[str, Any], kind: str) -> list[Finding]:
    """Return what is odd about the values in the zones.

    Raises
    ------
    ParameterError
        Counts or densities are negative, or values are infinite; with the zones where they are.
    """
    extremes = [columns[name] for name in ("min", "max") if name in columns]
    endless = np.flatnonzero(np.any([np.isinf(values) for values in extremes], axis=0))
    if len(endless):
        raise ParameterError(f"raster {raster.name} holds infinite values in {zones.name}, {zones.named(endless)}")
    suspect = _undeclared(raster, zones, extremes)
    below = (columns["min"] < 0) & (kind in {"counts", "densities"})
    negative = np.flatnonzero(below)
    if len(negative):
        hint = "; perhaps its nodata value is not declared" if suspect else ""
        raise ParameterError(
            f"raster {raster.name} holds negative {kind} (down to {np.nanmin(columns['min']):g}) in {zones.name}, "
            f"{zones.named(negative)}: nobody counts less than nothing; correct the raster{hint}"
        )
    return suspect


def _undeclared(raster: Raster, zones: MetricLayer, extremes: list[Any]) -> list[Finding]:
    """Return findings of a raster that declares no nodata; a value that usually stands for nothing is named."""
    if raster.nodata is not None:
        return []
    found = [Finding(raster.name, None, None, "raster_without_nodata", FindingLevel.INFO)]
    for value in _USUAL_NODATA:
        rows = np.flatnonzero(np.any([np.isclose(each, value, rtol=1e-6, atol=0.0) for each in extremes], axis=0))
        if len(rows):
            first = int(rows[0])
            found.append(
                Finding(
                    raster.name, int(zones.rows[first]), None, "raster_nodata_undeclared", FindingLevel.WARNING,
                    key=str(zones.ids[first]), detail={"value": float(value), "count": len(rows)},
                )
            )  # fmt: skip
    return found


def missing_finding(raster: Raster, table: pd.DataFrame) -> list[Finding]:
    """Return a finding where zones are without values, partly or wholly."""
    part = table["nodata_share"] > 0.01
    if not part.any():
        return []
    worst = table.iloc[int(np.argmax(table["nodata_share"]))]
    detail: dict[str, str | int | float] = {
        "count": int(part.sum()), "empty": int((table["cells"] == 0).sum()),
        "share": round(100 * float(worst["nodata_share"])),
    }  # fmt: skip
    return [
        Finding(raster.name, int(worst["row"]), None, "zones_without_values", FindingLevel.WARNING,
                key=str(worst["id"]), detail=detail)
    ]  # fmt: skip


def check_counts(raster: Raster, source_cell_m: float | None, boxes: NDArray[np.int64]) -> list[Finding]:
    """Return a warning where counts lie in cells that are finer than those they were counted in."""
    own = min(cell_size_m(raster))
    if source_cell_m is not None:
        if own >= _FINER * source_cell_m:
            return []
        detail: dict[str, str | int | float] = {"metres": round(own, 2), "source_metres": round(source_cell_m, 2)}
        return [Finding(raster.name, None, None, "counts_resampled", FindingLevel.WARNING, detail=detail)]
    side = max((_repeated(raster, window) for window in _looks(raster, boxes)), default=1)
    if side == 1:
        return []
    return [Finding(raster.name, None, None, "counts_repeat", FindingLevel.WARNING, detail={"cells": side})]


def _looks(raster: Raster, boxes: NDArray[np.int64]) -> list[tuple[int, int, int, int]]:
    """Return a few windows about zones to look at."""
    meets = np.flatnonzero((boxes[:, 2] > 0) & (boxes[:, 3] > 0))
    chosen = meets[np.linspace(0, len(meets) - 1, min(_WINDOWS, len(meets))).astype(int)]
    rows, columns = raster.shape
    found = []
    for box in boxes[chosen]:
        row, column = min(int(box[0]), max(rows - _LOOKED_AT, 0)), min(int(box[1]), max(columns - _LOOKED_AT, 0))
        found.append((row, column, min(_LOOKED_AT, rows - row), min(_LOOKED_AT, columns - column)))
    return found


def _repeated(raster: Raster, window: tuple[int, int, int, int]) -> int:
    """Return the side of the blocks of equal cells that a window consists of; 1: none.

    Values change between blocks only: within a block, no step from a cell to the next differs.
    """
    values = np.ma.filled(np.ma.asarray(raster.read(window)).astype(np.float64), np.nan)
    if raster.nodata is not None:
        values[values == raster.nodata] = np.nan
    down, right = _changes(values, 0), _changes(values, 1)
    if not len(down) or not len(right):
        return 1
    for side in reversed(_BLOCKS):
        if all(_on_one_line(places, side) for places in (down, right)):
            return side
    return 1


def _changes(values: NDArray[np.float64], axis: int) -> NDArray[np.int64]:
    """Return at which rows (or columns) a value differs from the one before, once for each such step."""
    before = np.delete(values, -1, axis=axis)
    after = np.delete(values, 0, axis=axis)
    differ = (before != after) & np.isfinite(before) & np.isfinite(after)
    return np.nonzero(differ)[axis]


def _on_one_line(places: NDArray[np.int64], side: int) -> bool:
    return bool(np.bincount(places % side).max() >= _EQUAL * len(places))
