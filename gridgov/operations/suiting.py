"""适宜性评价: where something fits best, by weighted criteria out of the layers, for grids or for square cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
import shapely
from affine import Affine

from gridgov.analysis import suitability as scoring
from gridgov.analysis.metric_layers import Floats, MetricLayer, layers_apart
from gridgov.analysis.overlay import overlay
from gridgov.analysis.proximity import nearest
from gridgov.analysis.raster_cells import RasterArray
from gridgov.analysis.zonal import zonal_statistics
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel
from gridgov.model.rights import Person, Right, require
from gridgov.operations.analysing import LayerUse, kind_of, metric_layer_of, open_layer, prepared_layer
from gridgov.operations.headcounts import require_at_least
from gridgov.workspace import Workspace

NAME = "suitability"
_MOST_CELLS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number of every alternative.

    Attributes
    ----------
    what : "raster", "distance_m", "share" or "field"
        Mean of a raster of measures; metres to the nearest feature of a layer; share of its area that the layer covers,
        0 to 1; a number column of the grids (of cells: of the grid about its middle).
    layer : LayerUse
        Of a field: the grids.
    column : str
        Of a field.
    """

    what: Literal["raster", "distance_m", "share", "field"]
    layer: LayerUse = field(default_factory=lambda: LayerUse("grids"))
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """Alternatives whose measure lies outside the limits, or is not known, are excluded."""

    measure: Measure
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitabilityQuery:
    """What is looked for.

    Attributes
    ----------
    criteria : tuple of (Measure, Criterion)
        Each criterion with a name of its own.
    constraints : tuple of Constraint
    cell_m : float, optional
        Score square cells of this side instead of grids; the grids then have the mean of their cells.
    k : int
        How many places are to be given, for the sensitivity.
    draws, spread, seed
        Of the sensitivity to the weights.
    """

    criteria: tuple[tuple[Measure, scoring.Criterion], ...]
    constraints: tuple[Constraint, ...] = ()
    cell_m: float | None = None
    k: int = 5
    draws: int = 500
    spread: float = 0.25
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SuitabilityAnswer:
    """Where it fits best.

    Attributes
    ----------
    result : Suitability
        Scores of the alternatives.
    table : DataFrame
        Alternatives, best first, with what each criterion contributes (`Suitability.table`).
    sensitivity : RankSensitivity
        `position` counts the alternatives in the order of `alternatives`.
    alternatives : MetricLayer
        Grids or cells.
    raster : RasterArray or None
        Scores of cells, in the metric CRS.
    by_grid : DataFrame
        grid_code, score (of cells: the mean of those that have one), nodata_share.
    """

    result: scoring.Suitability
    table: pd.DataFrame
    sensitivity: scoring.RankSensitivity
    alternatives: MetricLayer
    raster: RasterArray | None
    by_grid: pd.DataFrame
    findings: tuple[Finding, ...]


def suitability(workspace: Workspace, person: Person, query: SuitabilityQuery) -> SuitabilityAnswer:
    """Score the grids, or square cells, by weighted criteria under constraints.

    Raises
    ------
    LayerNotFoundError
        A layer is not there.
    ParameterError
        Weights sum to zero, a measure or constraint cannot be, k is larger than the alternatives, or there are too many
        cells.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    if not query.criteria:
        raise ParameterError("no criterion is given; name at least one")
    grids = metric_layer_of(workspace, LayerUse("grids"))
    cells, transform = (grids, None) if query.cell_m is None else square_cells(grids, query.cell_m)
    found = list[Finding]()
    values = {criterion.name: measured(workspace, cells, measure, found) for measure, criterion in query.criteria}
    excluded = _excluded(workspace, cells, query.constraints, found)
    result = scoring.suitability(values, [criterion for _, criterion in query.criteria], excluded=excluded, name=NAME)
    firm = scoring.rank_sensitivity(result, k=query.k, seed=query.seed, draws=query.draws, spread=query.spread)
    findings = (*(each for at, each in enumerate(found) if each not in found[:at]), *result.findings)
    if transform is None:
        by_grid = pd.DataFrame({"grid_code": grids.ids, "score": result.score, "nodata_share": 0.0})
        return SuitabilityAnswer(result, result.table(grids.ids.tolist()), firm, grids, None, by_grid, findings)
    raster = _score_raster(result, cells, transform)
    by_grid = zonal_statistics(raster, grids, kind="measures").table.rename(
        columns={"id": "grid_code", "mean": "score"}
    )
    return SuitabilityAnswer(
        result, result.table(cells.ids.tolist()), firm, cells, raster,
        by_grid[["grid_code", "score", "nodata_share"]], findings,
    )  # fmt: skip


def square_cells(grids: MetricLayer, cell_m: float) -> tuple[MetricLayer, Affine]:
    """Return the square cells whose middle lies in a grid, named ``row-column``, and where the first one lies.

    Raises
    ------
    ParameterError
        The size is not positive, or there would be too many cells.
    """
    west, south, east, north = grids.bounds()
    if not cell_m > 0 or (east - west) * (north - south) / cell_m**2 > 20 * _MOST_CELLS:
        raise ParameterError(f"cells of {cell_m} m cannot be; give a positive and not too small size")
    transform = Affine(cell_m, 0, west, 0, -cell_m, north)
    rows, columns = np.mgrid[0 : int(np.ceil((north - south) / cell_m)), 0 : int(np.ceil((east - west) / cell_m))]
    left, top = west + columns.ravel() * cell_m, north - rows.ravel() * cell_m
    middles = shapely.points(left + cell_m / 2, top - cell_m / 2)
    inside = np.unique(shapely.STRtree(grids.shapes).query(middles, predicate="intersects")[0])
    if not 0 < len(inside) <= _MOST_CELLS:
        raise ParameterError(
            f"cells of {cell_m} m make {len(inside):,} of them; choose a size that makes 1 to {_MOST_CELLS:,}"
        )
    squares = shapely.box(left, top - cell_m, left + cell_m, top)[inside]
    names = np.array(
        [f"{r}-{c}" for r, c in zip(rows.ravel()[inside], columns.ravel()[inside], strict=True)], dtype=object
    )
    blank = np.full(len(inside), "", dtype=object)
    return MetricLayer("cells", names, blank, squares, 2, grids.crs, np.arange(1, len(inside) + 1)), transform


def measured(workspace: Workspace, places: MetricLayer, measure: Measure, found: list[Finding]) -> Floats:
    """Return a measure of every place; NaN where it is not known.

    Parameters
    ----------
    found : list of Finding
        What is odd about the layer is put here: repaired rows, a raster without nodata, a layer that lies elsewhere.

    Raises
    ------
    LayerNotFoundError
        The layer is not there.
    ParameterError
        A raster of classes is asked for its mean, the field is unknown or no number, or has a figure below its minimum.
    """
    if measure.what == "raster":
        if (kind := kind_of(workspace, measure.layer.layer_id)) == "classes":
            raise ParameterError(f"raster {measure.layer.layer_id} holds classes; their mean has no meaning")
        with open_layer(workspace, measure.layer.layer_id) as raster:
            result = zonal_statistics(raster, places, kind=kind)
            found += result.findings
            return result.table["mean"].to_numpy(dtype=np.float64)
    if measure.what == "field":
        return _field(workspace, places, measure.column)
    layer, faults = prepared_layer(workspace, measure.layer)
    found += [*faults, *layers_apart(layer, places)]
    if measure.what == "distance_m":
        return nearest(places, layer)["distance_m"].to_numpy(dtype=np.float64)
    if layer.dimension != 2:
        raise ParameterError(f"layer {layer.name} holds no areas; its share of a place has no meaning")
    accounts = overlay(places, layer, apart="report").accounts
    return np.asarray(accounts["covered"] / accounts["size"], dtype=np.float64)


def _field(workspace: Workspace, places: MetricLayer, column: str) -> Floats:
    frame, grids = workspace.layer("grids"), metric_layer_of(workspace, LayerUse("grids"))
    if column not in frame or not pd.api.types.is_numeric_dtype(frame[column]):
        numbers = ", ".join(str(name) for name in frame.select_dtypes("number").columns)
        raise ParameterError(f"the grids have no number '{column}'; they have {numbers}")
    field = workspace.spec("grids").fields.get(column)
    if field is not None and field.minimum is not None:
        require_at_least(frame, column, field.minimum)
    values = frame[column].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    if places is grids:
        return np.asarray(values)
    middle, grid = shapely.STRtree(grids.shapes).query(shapely.centroid(places.shapes), predicate="intersects")
    found = np.full(len(places), np.nan)
    found[middle[::-1]] = values[grid[::-1]]  # on a border the first grid counts
    return found


def _excluded(
    workspace: Workspace, places: MetricLayer, constraints: Sequence[Constraint], found: list[Finding]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    out, unknown = np.zeros(len(places), dtype=bool), np.zeros(len(places), dtype=bool)
    for constraint in constraints:
        if constraint.at_least is None and constraint.at_most is None:
            raise ParameterError("a constraint has neither at_least nor at_most; give one")
        values = measured(workspace, places, constraint.measure, found)
        unknown |= np.isnan(values)
        low = -np.inf if constraint.at_least is None else constraint.at_least
        high = np.inf if constraint.at_most is None else constraint.at_most
        out |= ~((values >= low) & (values <= high))
    if unknown.any():
        detail: dict[str, str | int | float] = {"count": int(unknown.sum())}
        found.append(Finding(NAME, None, None, "constraint_unknown", FindingLevel.WARNING, detail=detail))
    return out


def _score_raster(result: scoring.Suitability, cells: MetricLayer, transform: Affine) -> RasterArray:
    place = np.array([name.split("-") for name in cells.ids], dtype=np.int64)
    rows, columns = place.max(axis=0) + 1
    values = np.full((rows, columns), np.nan)
    values[place[:, 0], place[:, 1]] = result.score
    return RasterArray(NAME, values, transform, cells.crs)
