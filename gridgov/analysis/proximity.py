"""缓冲区与邻近: what lies within some metres of something, how far away the nearest is; straight lines, in metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely

from gridgov.analysis.metric_layers import AREAS, POINTS, MetricLayer, Shapes
from gridgov.analysis.overlay import overlay
from gridgov.errors import ParameterError

_SEGMENTS = 32  # of a quarter circle: the area of a round buffer is then 0.04 % too small


def buffers(layer: MetricLayer, distance_m: float | Sequence[float], *, united: bool = False) -> MetricLayer:
    """Return the areas within some metres of each row.

    Parameters
    ----------
    layer : MetricLayer
    distance_m : float, or one for each row
        Positive; of areas also negative, which makes them smaller.
    united : bool
        One area of all of them, in which nothing lies twice.

    Raises
    ------
    ParameterError
        A distance is not finite, or is not positive for points or lines, or nothing is left of an area: with the row.
    """
    distance = np.broadcast_to(np.asarray(distance_m, dtype=np.float64), len(layer))
    wrong = ~np.isfinite(distance) | ((distance <= 0) if layer.dimension < AREAS else False)
    if wrong.any():
        raise ParameterError(
            f"layer {layer.name}: the distance of {layer.named(np.flatnonzero(wrong))} is no positive number of metres"
        )
    shapes: Shapes = np.asarray(shapely.buffer(layer.shapes, distance, quad_segs=_SEGMENTS))
    gone = shapely.is_empty(shapes)
    if gone.any():
        raise ParameterError(f"layer {layer.name}: nothing is left of {layer.named(np.flatnonzero(gone))}")
    made = replace(layer, shapes=shapes, dimension=AREAS)
    if not united:
        return made
    blank = np.array([""], dtype=object)
    one = np.array([shapely.union_all(shapes)], dtype=object)
    return replace(made, shapes=one, ids=blank, classes=blank, rows=np.ones(1, dtype=np.intp))


def nearest(layer: MetricLayer, others: MetricLayer, *, within_m: float | None = None) -> pd.DataFrame:
    """Return for each row the nearest row of another layer.

    Parameters
    ----------
    layer, others : MetricLayer
        In the same metric CRS; distances are from border to border, 0 where they touch or overlap.
    within_m : float, optional
        Farther ones are not found.

    Returns
    -------
    DataFrame
        row, id, nearest_row, nearest_id, distance_m; one row for each of the layer. Of several equally near ones the
        first. Where none is within reach, nearest_row and distance_m are missing and nearest_id is "".

    Raises
    ------
    ParameterError
        The layers are in different CRSs, or `within_m` is not positive.
    """
    if layer.crs != others.crs:
        raise ParameterError(f"{layer.name} is in {layer.crs}, {others.name} in {others.crs}; bring both into one CRS")
    if within_m is not None and not within_m > 0:
        raise ParameterError(f"within_m is {within_m}; give a positive number of metres")
    tree = shapely.STRtree(others.shapes)
    (own, found), distance = tree.query_nearest(
        layer.shapes, max_distance=within_m, return_distance=True, all_matches=True
    )
    order = np.lexsort((found, own))
    first = order[np.unique(own[order], return_index=True)[1]]
    frame = pd.DataFrame({"row": layer.rows, "id": layer.ids})
    rows = pd.array(np.zeros(len(layer), dtype=np.int64), dtype="Int64")
    rows[:] = pd.NA
    metres, ids = np.full(len(layer), np.nan), np.full(len(layer), "", dtype=object)
    rows[own[first]] = others.rows[found[first]]
    ids[own[first]] = others.ids[found[first]]
    metres[own[first]] = distance[first]
    return frame.assign(nearest_row=rows, nearest_id=ids, distance_m=metres)


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a layer lies within some metres of another one.

    Attributes
    ----------
    table : DataFrame
        One row for each of the layer: row, id, class, nearest_row, nearest_id, distance_m (0 where they touch), size,
        size_within, share_within.
    zone : geometry
        Everything within the distance, dissolved.
    """

    table: pd.DataFrame
    zone: shapely.Geometry


def reach(layer: MetricLayer, others: MetricLayer, distance_m: float) -> Reach:
    """Return how much of each row lies within a straight-line distance of any row of another layer.

    Areas and lines by their square metres and metres inside the dissolved buffers, whose round corners are up to 0.03 %
    of the distance too short; a row of points is in where one of its points is no farther than the distance, else out.

    Parameters
    ----------
    layer, others : MetricLayer
        In the same metric CRS.
    distance_m : float
        Positive.

    Raises
    ------
    ParameterError
        The layers are in different CRSs, or the distance is not positive.
    """
    found = nearest(layer, others)
    zone = buffers(others, distance_m, united=True)
    near = found["distance_m"].to_numpy() <= distance_m
    size = layer.size()
    if layer.dimension == POINTS:
        within = np.where(near, size, 0.0)
    else:
        parts = np.asarray(shapely.get_parts(zone.shapes), dtype=object)
        blank, rows = np.full(len(parts), "", dtype=object), np.arange(1, len(parts) + 1)
        pieces = replace(zone, ids=blank, classes=blank, shapes=parts, rows=rows)
        within = np.minimum(overlay(layer, pieces, apart="report").accounts["covered"].to_numpy(), size)
    share = np.divide(within, size, out=near.astype(np.float64), where=size > 0)
    table = found.assign(size=size, size_within=within, share_within=share)
    table.insert(2, "class", layer.classes)
    return Reach(table, zone.shapes[0])
