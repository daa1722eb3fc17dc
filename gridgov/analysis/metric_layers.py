"""A vector layer made ready for measuring: in metres, one kind of geometry, every bad row named by layer and row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingAction, FindingLevel

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Shapes = NDArray[np.object_]
POINTS, LINES, AREAS = 0, 1, 2
_WORDS = {POINTS: "points", LINES: "lines", AREAS: "areas"}
_NAMED = 5  # rows that a message names


@dataclass(frozen=True, slots=True)
class MetricLayer:
    """A layer in a metric CRS.

    Attributes
    ----------
    name : str
        Of the layer, for messages.
    ids : array of str, shape (rows,)
    classes : array of str, shape (rows,)
        "" where the layer has none.
    shapes : array of geometries, shape (rows,)
    dimension : int
        0 points, 1 lines, 2 areas.
    crs : str
    rows : int array, shape (rows,)
        1-based row of each in the frame it came from; they differ where rows were left aside.
    """

    name: str
    ids: Shapes
    classes: Shapes
    shapes: Shapes
    dimension: int
    crs: str
    rows: Rows

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def unit(self) -> str:
        """What `size` counts: m2, m or pieces."""
        return ("pieces", "m", "m2")[self.dimension]

    def size(self) -> Floats:
        """Return square metres, metres or the number of points of each row."""
        return size_of(self.shapes, self.dimension)

    def bounds(self) -> Floats:
        """Return west, south, east, north of the layer, metres."""
        return np.asarray(shapely.total_bounds(self.shapes))

    def named(self, positions: Iterable[int]) -> str:
        """Return some rows in words, by row and id: ``row 3 (A1501), row 9 (A1502) and 4 more``."""
        return named_rows([(int(self.rows[i]), str(self.ids[i])) for i in positions])

    def take(self, positions: Rows) -> MetricLayer:
        """Return some of the rows."""
        ids, classes, shapes = self.ids[positions], self.classes[positions], self.shapes[positions]
        return replace(self, ids=ids, classes=classes, shapes=shapes, rows=self.rows[positions])


def size_of(shapes: Shapes, dimension: int) -> Floats:
    """Return square metres, metres or the number of points of geometries; parts of lower dimension count nothing."""
    measure = (_count_points, shapely.length, shapely.area)[dimension]
    return np.asarray(measure(shapes), dtype=np.float64)


def _count_points(shapes: Shapes) -> Any:
    return np.where(shapely.get_dimensions(shapes) == POINTS, shapely.get_num_coordinates(shapes), 0)


def named_rows(rows: list[tuple[int, str]]) -> str:
    """Return rows and ids in words; of many the first ones and how many more."""
    words = [f"row {row} ({key})" if key else f"row {row}" for row, key in rows[:_NAMED]]
    return ", ".join(words) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")


def require_metric(crs: str) -> str:
    """Return a CRS whose axes are metres.

    Raises
    ------
    ParameterError
        It is unknown, or measures in degrees or feet.
    """
    try:
        known = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise ParameterError(f"the CRS '{str(crs)[:60]}' is unknown; write it as EPSG:…") from None
    if not known.is_projected or any(axis.unit_name != "metre" for axis in known.axis_info[:2]):
        unit = known.axis_info[0].unit_name if known.axis_info else "nothing"
        raise ParameterError(
            f"{str(crs)[:60]} measures in {unit}, and areas and lengths need metres; give a metric CRS of the place, "
            "such as the workspace's"
        )
    return crs


def metric_layer(
    frame: gpd.GeoDataFrame,
    name: str,
    *,
    metric_crs: str,
    id_column: str | None = None,
    class_column: str | None = None,
    repair: bool = False,
) -> tuple[MetricLayer, tuple[Finding, ...]]:
    """Return a layer in the metric CRS, and what was found wrong with its rows.

    Parameters
    ----------
    frame : GeoDataFrame
        With a CRS. All rows are points, or all lines, or all areas; multi-parts are single features.
    name : str
        Of the layer: messages and findings say it.
    metric_crs : str
    id_column : str, optional
        Default the number of the row, 1-based.
    class_column : str, optional
        Column of the class that tables sum by.
    repair : bool
        Repair invalid geometries and leave rows without geometry aside, each with a finding, instead of refusing them.

    Raises
    ------
    ParameterError
        No CRS, a CRS that is not metric, a missing column, no row, mixed kinds of geometry, or (without `repair`) a
        row without geometry or with an invalid one: with layer and row.
    """
    require_metric(metric_crs)
    if frame.crs is None:
        raise ParameterError(f"layer {name} has no CRS; say which one its coordinates are in (set_crs) and try again")
    for column in (id_column, class_column):
        if column is not None and column not in frame:
            raise ParameterError(f"layer {name} has no column '{column}'; it has {', '.join(map(str, frame.columns))}")
    shapes = shapely.force_2d(np.asarray(frame.geometry.to_crs(metric_crs).array, dtype=object))
    texts = [_texts(frame, column) for column in (id_column, class_column)]
    numbers = np.arange(1, len(shapes) + 1)
    ids = texts[0] if id_column is not None else numbers.astype(str).astype(object)
    layer = MetricLayer(name, ids, texts[1], shapes, AREAS, metric_crs, numbers.astype(np.intp))
    layer, findings = _sound(layer, repair=repair)
    if not len(layer):
        raise ParameterError(f"layer {name} has no row with a geometry; there is nothing to measure")
    return replace(layer, dimension=_dimension(layer)), findings


def _texts(frame: gpd.GeoDataFrame, column: str | None) -> Shapes:
    if column is None:
        return np.full(len(frame), "", dtype=object)
    texts = frame[column].astype(object).where(frame[column].notna(), "").astype(str)
    return np.asarray(texts, dtype=object)


def _sound(layer: MetricLayer, *, repair: bool) -> tuple[MetricLayer, tuple[Finding, ...]]:
    """Return the layer with valid, finite geometries only."""
    shapes, findings = layer.shapes.copy(), list[Finding]()
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    missing |= ~np.isfinite(shapely.bounds(shapes)).all(axis=1)  # where the CRS has no place for it
    if missing.any():
        if not repair:
            raise ParameterError(
                f"layer {layer.name}: {layer.named(np.flatnonzero(missing))} without a usable geometry; "
                "correct the layer, or take them out"
            )
        findings += _findings(layer, missing, "missing_geometry", FindingLevel.ERROR, FindingAction.ASIDE)
    bad = ~missing & ~shapely.is_valid(shapes)
    if bad.any():
        if not repair:
            first = int(np.flatnonzero(bad)[0])
            raise ParameterError(
                f"layer {layer.name}: invalid geometry in {layer.named(np.flatnonzero(bad))} "
                f"({shapely.is_valid_reason(shapes[first])}); repair the layer or its source"
            )
        findings += _findings(layer, bad, "invalid_geometry", FindingLevel.WARNING, FindingAction.REPAIRED)
        shapes[bad] = _repaired(shapes[bad])
    return replace(layer, shapes=shapes).take(np.flatnonzero(~missing)), tuple(findings)


def _repaired(shapes: Shapes) -> Shapes:
    """Return valid geometries; of a repaired area only the parts that are areas."""
    wanted = shapely.get_dimensions(shapes)
    fixed = shapely.make_valid(shapes)
    for position in np.flatnonzero(shapely.get_type_id(fixed) == 7):  # a collection: lines may be left of an area
        parts = shapely.get_parts(fixed[position])
        fixed[position] = shapely.union_all(parts[shapely.get_dimensions(parts) == wanted[position]])
    return np.asarray(fixed)


def _findings(
    layer: MetricLayer, rows: NDArray[np.bool_], rule: str, level: FindingLevel, action: FindingAction
) -> list[Finding]:
    found = []
    for position in np.flatnonzero(rows):
        shape, row, key = layer.shapes[position], int(layer.rows[position]), str(layer.ids[position])
        detail: dict[str, str | int | float] = {}
        if rule == "invalid_geometry":
            detail = {"fault": shapely.is_valid_reason(shape)}
        found.append(Finding(layer.name, row, "geometry", rule, level, action, key, detail))
    return found


def _dimension(layer: MetricLayer) -> int:
    """Return the one dimension of all rows."""
    found = shapely.get_dimensions(layer.shapes)
    mixed = (shapely.get_type_id(layer.shapes) == 7) | (found < 0)  # 7: a collection
    if mixed.any():
        raise ParameterError(
            f"layer {layer.name}: {layer.named(np.flatnonzero(mixed))} hold collections of several kinds of geometry; "
            "split them into points, lines and areas"
        )
    kinds = np.unique(found)
    if len(kinds) > 1:
        odd = np.flatnonzero(found != found[0])
        words = " and ".join(_WORDS[int(kind)] for kind in kinds)
        raise ParameterError(
            f"layer {layer.name} holds {words} ({layer.named(odd)} differ from row {int(layer.rows[0])}); measure one "
            "kind at a time"
        )
    return int(kinds[0])


def layers_apart(layer: MetricLayer, other: MetricLayer) -> tuple[Finding, ...]:
    """Return a finding where two layers lie wholly apart, by their bounds: often a wrong CRS."""
    a, b = layer.bounds(), other.bounds()
    gap = float(np.hypot(max(a[0] - b[2], b[0] - a[2], 0.0), max(a[1] - b[3], b[1] - a[3], 0.0)))
    if gap == 0.0:
        return ()
    detail: dict[str, str | int | float] = {"other": other.name, "metres": round(gap)}
    return (Finding(layer.name, None, "geometry", "layers_apart", FindingLevel.WARNING, detail=detail),)


def word_of(dimension: int) -> str:
    """Return points, lines or areas."""
    return _WORDS[dimension]
