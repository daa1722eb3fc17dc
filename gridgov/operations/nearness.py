"""缓冲与邻近: what of a layer lies within some metres of another one, and how many people; straight lines, no roads."""

from __future__ import annotations

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgov.analysis.metric_layers import Floats, MetricLayer, layers_apart
from gridgov.analysis.proximity import reach
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel
from gridgov.model.rights import Person, Right, require
from gridgov.operations.analysing import LayerUse, prepared_layer
from gridgov.operations.headcounts import require_at_least
from gridgov.workspace import Workspace

MOST_M = 100_000.0
"""The largest distance: beyond it the metric CRS of a district bends straight lines."""
_GRIDS, _PERSONS = "grids", "persons"


@dataclass(frozen=True, slots=True)
class Nearness:
    """What lies within a straight-line distance.

    Attributes
    ----------
    table : DataFrame
        One row for each of what is measured: row (1-based), id, class, nearest_row, nearest_id, distance_m (border to
        border, 0 where they touch), size, size_within, share_within; of grids that know their people also persons and
        persons_within (by share of area; missing where they are not known).
    by_class : DataFrame
        class, features, features_within (at least partly), size, size_within, share_within; with people also persons,
        persons_within and unknown (rows without a figure, which count nothing).
    unit : str
        Of every size: m2, m or pieces.
    distance_m : float
    zone : GeoSeries
        The dissolved buffers, one row, in the workspace's metric CRS.
    findings : tuple of Finding
    """

    table: pd.DataFrame
    by_class: pd.DataFrame
    unit: str
    distance_m: float
    zone: gpd.GeoSeries
    findings: tuple[Finding, ...]

    @property
    def knows_people(self) -> bool:
        """Whether people were counted."""
        return _PERSONS in self.table


def within_distance(
    workspace: Workspace, person: Person, near: LayerUse, *, distance_m: float, of: LayerUse | None = None
) -> Nearness:
    """Return what of a layer lies within a straight-line distance of the features of another, and its people.

    Parameters
    ----------
    near : LayerUse
        What the buffers are drawn around: points, lines or areas.
    distance_m : float
        More than 0, at most `MOST_M`.
    of : LayerUse, optional
        What is measured; default the grids with their people.

    Raises
    ------
    LayerNotFoundError
        There is no such layer, or it is a raster or a table.
    ParameterError
        The distance cannot be, a layer is empty or measured against itself, a column or class is unknown, or a grid
        has fewer than no people.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    measured = of or LayerUse(_GRIDS)
    _check(near, measured, distance_m)
    (layer, faults), (others, more) = prepared_layer(workspace, measured), prepared_layer(workspace, near)
    found = reach(layer, others, distance_m)
    table, findings = found.table, [*faults, *more, *_odd(layer, others, distance_m)]
    persons = _persons(workspace, layer)
    if persons is not None:
        table = table.assign(persons=persons, persons_within=persons * table["share_within"])
        findings += _unknown(layer, table)
    zone = gpd.GeoSeries([found.zone], crs=workspace.metric_crs)
    return Nearness(table, _by_class(table), layer.unit, float(distance_m), zone, tuple(findings))


def _check(near: LayerUse, measured: LayerUse, distance_m: float) -> None:
    if not (math.isfinite(distance_m) and 0 < distance_m <= MOST_M):
        raise ParameterError(f"distance_m is {distance_m:g}; give metres, more than 0 and at most {MOST_M:,.0f}")
    same_rows = not near.only or not measured.only or set(near.only) & set(measured.only)
    if near.layer_id == measured.layer_id and same_rows:
        raise ParameterError(
            f"layer {near.layer_id} is measured against itself, and everything is near itself; choose another layer, "
            "or other classes of it"
        )


def _odd(layer: MetricLayer, others: MetricLayer, distance_m: float) -> list[Finding]:
    """Return findings about layers that lie farther apart than the distance, and a distance across everything."""
    found = [each for each in layers_apart(layer, others) if float(each.detail["metres"]) > distance_m]
    west, south, east, north = layer.bounds()
    across = math.hypot(east - west, north - south)
    if distance_m > across > 0:
        detail: dict[str, str | int | float] = {"metres": round(distance_m), "across": round(across)}
        found.append(
            Finding(layer.name, None, "geometry", "distance_beyond_layer", FindingLevel.WARNING, detail=detail)
        )
    return found


def _persons(workspace: Workspace, layer: MetricLayer) -> Floats | None:
    """Return the people of each row of a layer of grids; None where it has none."""
    frame = workspace.layer(layer.name)
    if workspace.entry(layer.name).kind != _GRIDS or _PERSONS not in frame:
        return None
    require_at_least(frame, _PERSONS, layer=layer.name)
    values = frame[_PERSONS].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(values[layer.rows - 1])


def _unknown(layer: MetricLayer, table: pd.DataFrame) -> list[Finding]:
    unknown = table[_PERSONS].isna()
    if not unknown.any():
        return []
    within = int((unknown & (table["share_within"] > 0)).sum())
    detail: dict[str, str | int | float] = {"count": int(unknown.sum()), "within": within}
    return [Finding(layer.name, None, _PERSONS, "people_unknown", FindingLevel.WARNING, detail=detail)]


def _by_class(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table summed by class, the largest part within first; what is not known counts nothing."""
    counted = table.assign(features=1, features_within=(table["share_within"] > 0).astype(np.int64))
    columns = ["features", "features_within", "size", "size_within"]
    if _PERSONS in table:
        counted["unknown"] = table[_PERSONS].isna().astype(np.int64)
        columns += [_PERSONS, "persons_within", "unknown"]
    sums = counted.groupby("class", as_index=False, sort=True)[columns].sum()
    share = sums["size_within"] / sums["size"].where(sums["size"] > 0)
    sums.insert(5, "share_within", share)
    return sums.sort_values("size_within", ascending=False, kind="stable", ignore_index=True)
