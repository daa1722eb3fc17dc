"""分区统计: what a raster holds in every zone, with the exact share of each cell that a zone's border cuts.

exactextract measures the shares; the raster is read in windows, zone by zone in the order of their place, so memory
stays bounded whatever the size of the raster. What a value means decides what may be done with it:

counts      persons per cell: summed by share; never negative, and wrong if the raster was resampled to finer cells
densities   persons per km2: the sum is value x area; the mean is by area
measures    metres, degrees: mean, extremes and quantiles by area; a sum has no meaning and is not given
classes     land cover: square metres and shares by class
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.operation import Operation
from exactextract.raster import RasterSource
from exactextract.writer import Writer
from numpy.typing import NDArray

from gridgov.analysis.metric_layers import AREAS, Floats, MetricLayer, Rows, Shapes
from gridgov.analysis.raster_cells import Raster, Window, bounds_of, in_raster_crs, is_geographic, require_crs
from gridgov.analysis.raster_checks import check_counts, check_values, missing_finding
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding

Kind = Literal["counts", "densities", "measures", "classes"]
_TILE = 2048  # cells: the side of the squares that zones are grouped by
_MOST_CELLS = 1 << 24  # of a window that is held in memory
_MOST_VALUES = 20_000_000  # cells of a zone that quantiles are taken of: all of them are held
_MOST_CLASSES = 4096
_KM2 = 1e6
_Asked = tuple[str, str, dict[str, str]]
Extract = Callable[[Shapes], dict[str, Any]]
"""Zones in the raster's CRS → what `cell_columns` returns."""


@dataclass(frozen=True, slots=True)
class ZonalStatistics:
    """What a raster holds in every zone.

    Attributes
    ----------
    table : DataFrame
        One row for each zone, in their order: row, id, class, area_m2, cells (cells with a value, by share),
        nodata_share (of the zone's area: without a value or beyond the raster), mean, min, max, the quantiles asked for
        as ``q05`` or ``q50``, and for counts and densities sum. Missing where the zone holds no value. Of classes:
        majority instead of mean and the like.
    classes : DataFrame
        Of classes only: row, id, class_code, area_m2, share (of what has a value), by row, then code.
    kind : "counts", "densities", "measures" or "classes"
    findings : tuple of Finding
    """

    table: pd.DataFrame
    classes: pd.DataFrame
    kind: Kind
    findings: tuple[Finding, ...]


def zonal_statistics(
    raster: Raster,
    zones: MetricLayer,
    *,
    kind: Kind,
    quantiles: Sequence[float] = (),
    source_cell_m: float | None = None,
    per_m2: float = _KM2,
    extract: Extract | None = None,
) -> ZonalStatistics:
    """Summarise a raster by zones.

    Parameters
    ----------
    raster : Raster
        In any CRS; the zones are brought into it.
    zones : MetricLayer
        Areas. They may overlap; each is summed on its own.
    kind : "counts", "densities", "measures" or "classes"
    quantiles : sequence of float
        Between 0 and 1; of measures and densities, by area.
    source_cell_m : float, optional
        Cell size of what a raster of counts was made from: finer cells than that are warned about. Without it, cells
        that repeat in blocks are.
    per_m2 : float
        Square metres that a density counts by; default a square kilometre.
    extract : callable, optional
        Calls `cell_columns` for parts of the zones elsewhere and puts the parts together.

    Raises
    ------
    ParameterError
        The raster has no CRS or lies elsewhere, the zones are no areas, counts or densities are negative (the zones are
        named), classes are not whole numbers, or a zone is too large for quantiles.
    """
    require_crs(raster)
    if zones.dimension != AREAS:
        raise ParameterError(f"layer {zones.name} holds no areas; statistics by zone need areas")
    if any(not 0.0 <= q <= 1.0 for q in quantiles):
        raise ParameterError(f"quantiles {tuple(quantiles)} are not all between 0 and 1")
    shapes = in_raster_crs(zones.shapes, zones.crs, raster)
    boxes = _windows(shapes, raster)
    if not (boxes[:, 2:] > 0).all(axis=1).any():
        raise ParameterError(_elsewhere(raster, zones, shapes))
    if quantiles and int((boxes[:, 2] * boxes[:, 3]).max()) > _MOST_VALUES:
        largest = zones.named([int(np.argmax(boxes[:, 2] * boxes[:, 3]))])
        raise ParameterError(
            f"{zones.name}, {largest}, spans more than {_MOST_VALUES:,} cells of {raster.name}: too many for "
            "quantiles; leave them out, split the zone or use a coarser raster"
        )
    columns = extract(shapes) if extract else cell_columns(raster, shapes, kind=kind, quantiles=quantiles)
    found = _table(zones, shapes, columns, raster)
    findings = [*check_values(raster, zones, columns, kind), *missing_finding(raster, found)]
    if kind == "counts":
        findings += check_counts(raster, source_cell_m, boxes)
    if kind == "classes":
        return ZonalStatistics(found, _classes(found, columns), kind, tuple(findings))
    for name in ("mean", "min", "max", *map(_quantile_name, quantiles)):
        found[name] = columns[name]
    if kind == "counts":
        found["sum"] = columns["sum"]
    elif kind == "densities":
        found["sum"] = columns["mean"] * found["area_m2"] * (1.0 - found["nodata_share"]) / per_m2
    return ZonalStatistics(found, _no_classes(), kind, tuple(findings))


def cell_columns(
    raster: Raster, shapes: Shapes, *, kind: Kind, quantiles: Sequence[float] = ()
) -> dict[str, NDArray[Any]]:
    """Return what the cells of every zone say, one column for each figure; no zone's figures depend on another zone.

    Parameters
    ----------
    shapes : array of geometries
        In the raster's CRS.
    """
    return _extract(raster, shapes, _windows(shapes, raster), _operations(raster, kind, quantiles))


def zone_parts(raster: Raster, shapes: Shapes, size: int) -> list[Rows]:
    """Return rows of zones that lie together, in parts of about `size`; those beyond the raster are in none.

    A part ends where a square of the raster does, so that few cells are read for two parts.
    """
    parts: list[Rows] = []
    for group, _ in _groups(_windows(shapes, raster), raster.shape):
        if parts and len(parts[-1]) + len(group) <= size:
            parts[-1] = np.concatenate([parts[-1], group])
        else:
            parts += np.array_split(group, -(-len(group) // size))
    return parts


def _quantile_name(q: float) -> str:
    return f"q{100 * q:02.4g}".replace(".", "_")


def _operations(raster: Raster, kind: Kind, quantiles: Sequence[float]) -> list[_Asked]:
    """Return what exactextract is asked for: name, operation, options; in degrees, means are by the cells' area."""
    area = {"coverage_weight": "area_spherical_m2" if is_geographic(require_crs(raster)) else "fraction"}
    asked: list[_Asked] = [("cells", "count", {}), ("min", "min", {})]
    if kind == "classes":
        return [*asked, ("codes", "unique", area), ("shares", "frac", area), ("majority", "majority", area)]
    asked += [("mean", "mean", area), ("max", "max", {})]
    asked += [("sum", "sum", {})] if kind == "counts" else []
    return asked + [(_quantile_name(q), "quantile", {"q": str(q), **area}) for q in quantiles]


def _windows(shapes: Shapes, raster: Raster) -> NDArray[np.int64]:
    """Return first row, first column, rows and columns of the cells that each shape may meet; 0 rows: none."""
    bounds = shapely.bounds(shapes)
    west, north = raster.transform.c, raster.transform.f
    edges = np.stack(
        [
            np.floor((north - bounds[:, 3]) / -raster.transform.e),
            np.floor((bounds[:, 0] - west) / raster.transform.a),
            np.ceil((north - bounds[:, 1]) / -raster.transform.e),
            np.ceil((bounds[:, 2] - west) / raster.transform.a),
        ],
        axis=1,
    )
    limits = np.array([*raster.shape, *raster.shape], dtype=float)
    first, last = np.clip(edges[:, :2], 0, limits[:2]), np.clip(edges[:, 2:], 0, limits[2:])
    return np.concatenate([first, np.maximum(last - first, 0)], axis=1).astype(np.int64)


def _extract(raster: Raster, shapes: Shapes, boxes: NDArray[np.int64], asked: list[_Asked]) -> dict[str, Any]:
    """Return a column for each operation, with one value for each shape; None where it meets no cell."""
    found: dict[str, Any] = {name: np.full(len(shapes), None, dtype=object) for name, *_ in asked}
    source = _Source(raster)
    operations = [Operation(verb, name, source, None, options) for name, verb, options in asked]
    for rows, window in _groups(boxes, raster.shape):
        source.hold(window)
        writer = _Columns(found)
        exact_extract(source, _Shapes(shapes, rows), operations, include_cols=["row"], output=writer,
                      max_cells_in_memory=_MOST_CELLS)  # fmt: skip
    return {name: column if name in {"codes", "shares"} else _floats(column) for name, column in found.items()}


def _floats(column: Shapes) -> Floats:
    return np.array([np.nan if value is None or value is np.ma.masked else value for value in column], dtype=np.float64)


def _groups(boxes: NDArray[np.int64], shape: tuple[int, int]) -> Iterator[tuple[Rows, Window | None]]:
    """Yield rows that lie together and the window that holds them all; None: one too large to hold."""
    meets = (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    large = boxes[:, 2] * boxes[:, 3] > _TILE * _TILE
    middle = boxes[:, :2] + boxes[:, 2:] // 2
    per_row = shape[1] // _TILE + 1
    tile = (middle[:, 0] // _TILE) * per_row + middle[:, 1] // _TILE
    rows = np.flatnonzero(meets & ~large)
    rows = rows[np.argsort(tile[rows], kind="stable")]
    for group in np.split(rows, np.flatnonzero(np.diff(tile[rows])) + 1):
        if len(group):
            first = boxes[group, :2].min(axis=0)
            size = (boxes[group, :2] + boxes[group, 2:]).max(axis=0) - first
            yield group, (int(first[0]), int(first[1]), int(size[0]), int(size[1]))
    for row in np.flatnonzero(meets & large):
        yield np.array([row]), None


class _Source(RasterSource):  # type: ignore[misc]  # exactextract has no types
    """A raster for exactextract, with one window of it held in memory."""

    def __init__(self, raster: Raster) -> None:
        super().__init__()
        self._raster = raster
        self._window: Window = (0, 0, 0, 0)
        self._values: NDArray[Any] = np.zeros((0, 0))
        self.set_name("raster")

    def hold(self, window: Window | None) -> None:
        """Read a window, in which the next zones lie."""
        self._values = np.zeros((0, 0))  # let go of the last one first
        self._window = window or (0, 0, 0, 0)
        if window is not None and window[2] * window[3] <= _MOST_CELLS:
            self._values = self._raster.read(window)
        else:
            self._window = (0, 0, 0, 0)

    def res(self) -> tuple[float, float]:
        return self._raster.transform.a, -self._raster.transform.e

    def extent(self) -> tuple[float, float, float, float]:
        return bounds_of(self._raster)

    def nodata_value(self) -> float | int | None:
        value = self._raster.nodata
        whole = value is not None and float(value).is_integer() and abs(value) < 2**53
        return int(value) if whole and value is not None else value

    def srs_wkt(self) -> None:
        return None  # the zones are in the raster's CRS already

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> NDArray[Any]:
        row, column, rows, columns = self._window
        if row <= y0 and column <= x0 and y0 + ny <= row + rows and x0 + nx <= column + columns:
            return self._values[y0 - row : y0 - row + ny, x0 - column : x0 - column + nx]
        return self._raster.read((y0, x0, ny, nx))


class _Shape(Feature):  # type: ignore[misc]
    """One zone for exactextract."""

    def __init__(self, row: int, wkb: bytes) -> None:
        super().__init__()
        self._row, self._wkb = row, wkb

    def get(self, name: str) -> int:
        del name
        return self._row

    def geometry(self) -> bytes:
        return self._wkb

    def fields(self) -> list[str]:
        return ["row"]


class _Shapes(FeatureSource):  # type: ignore[misc]
    """Some zones for exactextract; their geometry goes over as WKB, much faster than as GeoJSON."""

    def __init__(self, shapes: Shapes, rows: Rows) -> None:
        super().__init__()
        self._rows, self._wkb = rows.tolist(), shapely.to_wkb(shapes[rows])

    def count(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[_Shape]:
        return (_Shape(row, wkb) for row, wkb in zip(self._rows, self._wkb, strict=True))

    def srs_wkt(self) -> None:
        return None


class _Result(Feature):  # type: ignore[misc]
    """Takes what exactextract found for one zone."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Any] = {}

    def set(self, name: str, value: Any) -> None:
        self.found[name] = value

    def get(self, name: str) -> Any:
        return self.found[name]

    def fields(self) -> list[str]:
        return list(self.found)

    def set_geometry(self, geometry: Any) -> None:
        del geometry


class _Columns(Writer):  # type: ignore[misc]
    """Puts the results into columns."""

    def __init__(self, columns: dict[str, Any]) -> None:
        super().__init__()
        self._columns = columns

    def write(self, feature: Any) -> None:
        result = _Result()
        feature.copy_to(result)
        row = result.found.pop("row")
        for name, value in result.found.items():
            known = name if name in self._columns else name.rpartition("_")[0]  # quantiles come as q50_50
            self._columns[known][row] = value

    def features(self) -> dict[str, Any]:
        return self._columns


def _table(zones: MetricLayer, shapes: Shapes, columns: dict[str, Any], raster: Raster) -> pd.DataFrame:
    cells = np.nan_to_num(columns["cells"])
    whole = shapely.area(shapes) / (raster.transform.a * -raster.transform.e)
    known = np.divide(cells, whole, out=np.zeros(len(cells)), where=whole > 0)
    frame = pd.DataFrame(
        {"row": zones.rows, "id": zones.ids, "class": zones.classes, "area_m2": zones.size(), "cells": cells,
         "nodata_share": np.where(known > 1 - 1e-6, 0.0, 1.0 - known)}
    )  # fmt: skip
    if "majority" in columns:
        frame["majority"] = columns["majority"]
    return frame


def _no_classes() -> pd.DataFrame:
    return pd.DataFrame({"row": [], "id": [], "class_code": [], "area_m2": [], "share": []})


def _classes(table: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    """Return the area of each class in each zone, in long form."""
    held = [position for position, codes in enumerate(columns["codes"]) if codes is not None and len(codes)]
    if not held:
        return _no_classes()
    lengths = [len(columns["codes"][position]) for position in held]
    at = np.repeat(held, lengths)
    code = np.concatenate([columns["codes"][position] for position in held]).astype(np.float64)
    share = np.concatenate([columns["shares"][position] for position in held]).astype(np.float64)
    if (code != np.round(code)).any() or len(np.unique(code)) > _MOST_CLASSES:
        raise ParameterError("the raster holds no classes but measures: its values are not whole, or too many")
    known = (table["area_m2"] * (1.0 - table["nodata_share"])).to_numpy()
    frame = pd.DataFrame(
        {"row": table["row"].to_numpy()[at], "id": table["id"].to_numpy()[at], "class_code": code.astype(np.int64),
         "area_m2": share * known[at], "share": share}
    )  # fmt: skip
    return frame.sort_values(["row", "class_code"], kind="stable", ignore_index=True)


def _elsewhere(raster: Raster, zones: MetricLayer, shapes: Shapes) -> str:
    own = " ".join(f"{value:,.6g}" for value in bounds_of(raster))
    other = " ".join(f"{value:,.6g}" for value in shapely.total_bounds(shapes))
    return (
        f"raster {raster.name} and layer {zones.name} do not overlap: the raster spans {own}, the layer {other} in the "
        "raster's CRS; check which CRS each of them is in"
    )
