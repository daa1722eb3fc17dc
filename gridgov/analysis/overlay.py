"""叠加分析: any vector layer over any other: what lies in what, what is left over, and the proof that nothing is lost.

The layer of lower dimension is divided by the other one (of two equal ones, the first): areas by areas into square
metres, lines by areas into metres, points by areas into pieces. For every divided row the parts and the rest outside
the other layer are measured apart from each other, by different geometric operations, and must sum to the whole.
Where polygons of the dividing layer overlap each other, what is counted twice is a figure of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.analysis.metric_layers import AREAS, LINES, Floats, MetricLayer, Rows, Shapes, size_of
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel
from gridgov.network.threads import run_in_threads

TOLERANCE = 0.001  # parts and rest sum to the whole within 0.1 %
_SAME = 1e-9  # relative: nothing is left over
_ROUNDING = 1e-6  # relative: what rounding leaves along a border
_MOST_POINTS = 200  # of a piece: a border of n points costs n for every row that might meet it
_FEW = 4  # pieces that are taken away one by one
_FEWEST_CUT = 8  # rows that a large shape must meet before it is worth cutting


@dataclass(frozen=True, slots=True)
class Balance:
    """What the parts, the rest and the whole of the divided layer come to, in its unit.

    Attributes
    ----------
    whole, parts, doubled, rest : float
        Sizes summed over all rows: of the rows themselves; of all pairs; of what several rows of the dividing layer
        cover at once and the pairs therefore hold more than once; of what none of them covers.
    error_share : float
        |parts - doubled + rest - whole| of all rows together, as a share of the whole.
    worst_share, worst_row : float, int
        The largest such share of a single row, and that row (1-based).
    """

    whole: float
    parts: float
    doubled: float
    rest: float
    error_share: float
    worst_share: float
    worst_row: int


@dataclass(frozen=True, slots=True)
class Overlay:
    """An overlay of two layers.

    Attributes
    ----------
    pairs : DataFrame or GeoDataFrame
        One row for each pair that shares something: left_row, right_row (1-based), left_id, right_id, left_class,
        right_class, size, share_of_left, share_of_right (missing for a side of higher dimension); with geometry where
        it was asked for. By left_row, then right_row.
    divided : "left" or "right"
        Which layer the accounts are of.
    accounts : DataFrame
        One row for each row of the divided layer: row, id, class, size, covered, rest, doubled.
    unit : str
        Of every size: m2, m or pieces.
    balance : Balance
    overlaps : DataFrame
        Pairs of rows of the dividing layer that overlap each other: row, other_row, id, other_id, area_m2.
    findings : tuple of Finding
    """

    pairs: pd.DataFrame
    divided: Literal["left", "right"]
    accounts: pd.DataFrame
    unit: str
    balance: Balance
    overlaps: pd.DataFrame
    findings: tuple[Finding, ...]


def overlay(
    left: MetricLayer,
    right: MetricLayer,
    *,
    geometry: bool = False,
    apart: Literal["refuse", "report"] = "refuse",
    tolerance: float = TOLERANCE,
) -> Overlay:
    """Overlay two layers.

    Parameters
    ----------
    left, right : MetricLayer
        In the same metric CRS.
    geometry : bool
        Also return the geometry of each part.
    apart : "refuse" or "report"
        What to do when the layers lie wholly apart: usually a wrong CRS, so an error; or an answer without pairs, with
        a finding.
    tolerance : float
        Largest share by which parts and rest may miss the whole, of the layer and of every row.

    Raises
    ------
    ParameterError
        The layers are in different CRSs or lie apart, or parts and rest do not sum to the whole of a row.
    """
    if left.crs != right.crs:
        raise ParameterError(f"{left.name} is in {left.crs} and {right.name} in {right.crs}; bring both into one CRS")
    if left.dimension > right.dimension:
        swapped = overlay(right, left, geometry=geometry, apart=apart, tolerance=tolerance)
        return replace(swapped, pairs=_swapped(swapped.pairs), divided="right")
    findings = _apart(left, right, apart)
    parts = _parts(left, right, whole=geometry)
    overlaps = overlaps_within(right)
    accounts, balance = _accounts(left, right, parts, overlaps, tolerance)
    if len(overlaps):
        findings.append(_overlap_finding(right, overlaps))
    frame = _pair_frame(left, right, parts, geometry=geometry)
    return Overlay(frame, "left", accounts, left.unit, balance, overlaps, tuple(findings))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What every pair shares: positions of the rows, size, geometry (or None), and the pieces they were found with."""

    left: Rows
    right: Rows
    size: Floats
    shapes: Shapes | None
    near: tuple[Rows, Rows]  # every row of the left and every piece of the right that touch
    pieces: Shapes


def _parts(left: MetricLayer, right: MetricLayer, *, whole: bool) -> _Parts:
    shapely.prepare(left.shapes)
    row, other = shapely.STRtree(right.shapes).query(left.shapes)
    pieces, owner = right.shapes, np.arange(len(right))
    if not whole and (large := _worth_cutting(right.shapes, other)).any():
        pieces, owner = _cut(right.shapes, large)
        row, other = shapely.STRtree(pieces).query(left.shapes)
    hit = shapely.intersects(left.shapes[row], pieces[other])
    row, other = row[hit], other[hit]
    shapes = _shared(left.shapes[row], pieces[other], left.dimension)
    size = size_of(shapes, left.dimension)
    some = size > 0
    key, pair = np.unique(row[some] * len(right) + owner[other[some]], return_inverse=True)
    sums = _summed(pair, size[some], len(key))
    order = np.lexsort((owner[other[some]], row[some]))
    found = shapes[some][order] if whole else None
    return _Parts(key // len(right), key % len(right), sums, found, (row, other), pieces)


def _summed(group: Rows, size: Floats, count: int) -> Floats:
    return np.bincount(group, weights=size, minlength=count).astype(np.float64)


def _threaded(function: Any, left: Shapes, right: Shapes) -> Shapes:
    """Return a function of two arrays of geometries, computed by all processors: GEOS lets go of Python's lock."""
    found = np.empty(len(left), dtype=object)

    def part(rows: slice) -> None:
        found[rows] = function(left[rows], right[rows])

    run_in_threads(part, len(left), None)
    return found


def _shared(left: Shapes, right: Shapes, dimension: int) -> Shapes:
    """Return what two shapes share; where one covers the other that one is it, without computing."""
    if dimension < LINES:
        return _threaded(shapely.intersection, left, right)
    inside = shapely.covers(left, right) if dimension == AREAS else np.zeros(len(left), dtype=bool)
    shared = np.empty(len(left), dtype=object)
    shared[inside] = right[inside]
    shared[~inside] = _threaded(shapely.intersection, left[~inside], right[~inside])
    return shared


def _worth_cutting(shapes: Shapes, met: Rows) -> NDArray[np.bool_]:
    often = np.bincount(met, minlength=len(shapes)) >= _FEWEST_CUT
    return np.asarray((shapely.get_num_coordinates(shapes) > _MOST_POINTS) & often)


def _cut(shapes: Shapes, large: NDArray[np.bool_]) -> tuple[Shapes, Rows]:
    """Return shapes with the large ones in pieces of few points, and the row of each piece."""
    done, owner = [shapes[~large]], [np.flatnonzero(~large)]
    for position in np.flatnonzero(large):
        pieces = _halved(shapes[position])
        done.append(pieces)
        owner.append(np.full(len(pieces), position))
    return np.concatenate(done), np.concatenate(owner)


def _halved(shape: Any) -> Shapes:
    """Return a shape in pieces, halving each across its longer side until it has few points."""
    dimension, done, todo = shapely.get_dimensions(shape), [], [*shapely.get_parts(shape)]
    while todo:
        piece = todo.pop()
        if shapely.get_dimensions(piece) < dimension or piece.is_empty:
            continue
        if shapely.get_num_coordinates(piece) <= _MOST_POINTS:
            done.append(piece)
            continue
        west, south, east, north = piece.bounds
        if east - west > north - south:
            middle = (west + east) / 2
            boxes = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
        else:
            middle = (south + north) / 2
            boxes = shapely.box(west, south, east, middle), shapely.box(west, middle, east, north)
        todo += [*shapely.get_parts(shapely.intersection(piece, list(boxes)))]
    return np.array(done, dtype=object)


def _accounts(
    left: MetricLayer, right: MetricLayer, parts: _Parts, overlaps: pd.DataFrame, tolerance: float
) -> tuple[pd.DataFrame, Balance]:
    """Return what of each row is covered and what is left over, measured apart, and whether it sums to the whole."""
    size = left.size()
    summed = _summed(parts.left, parts.size, len(left))
    several = _several(left, right, parts, overlaps)
    covered, rest = summed.copy(), np.zeros(len(left))
    untouched = np.bincount(parts.near[0], minlength=len(left)) == 0
    rest[untouched] = size[untouched]
    full = ~several & (np.abs(summed - size) <= _SAME * size)  # nothing overlaps and nothing is left: the sum proves it
    _measure_apart(left, parts, np.flatnonzero(~untouched & ~full), several, (covered, rest))
    doubled = np.where(several, np.maximum(summed - covered, 0.0), 0.0)
    doubled[doubled <= _ROUNDING * size] = 0.0
    error = np.abs(summed - doubled + rest - size)
    accounts = pd.DataFrame(
        {"row": left.rows, "id": left.ids, "class": left.classes, "size": size,
         "covered": covered, "rest": rest, "doubled": doubled}
    )  # fmt: skip
    balance = _balance(left, size, error, (summed, doubled, rest))
    if balance.worst_share > tolerance:
        worst = left.named([int(np.argmax(np.divide(error, size, out=np.zeros(len(size)), where=size > 0)))])
        raise ParameterError(
            f"{left.name} over {right.name}: parts and rest of {worst} miss its {left.unit} by "
            f"{balance.worst_share:.2%}; check the geometry of both layers there"
        )
    return accounts, balance


def _several(left: MetricLayer, right: MetricLayer, parts: _Parts, overlaps: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the rows of the left of which a part may be counted twice."""
    found = np.zeros(len(left), dtype=bool)
    if left.dimension < AREAS:  # a line along a common border belongs to both sides
        found[np.bincount(parts.left, minlength=len(left)) > 1] = True
        return found
    tangled = np.zeros(len(right), dtype=bool)
    tangled[np.searchsorted(right.rows, overlaps[["row", "other_row"]].to_numpy().ravel())] = True
    found[parts.left[tangled[parts.right]]] = True
    return found


def _measure_apart(
    left: MetricLayer, parts: _Parts, rows: Rows, several: NDArray[np.bool_], into: tuple[Floats, Floats]
) -> None:
    """Measure what the other layer leaves of rows, and what it covers where it may cover twice."""
    if not len(rows):
        return
    covered, rest = into
    order = np.argsort(parts.near[0], kind="stable")
    near_row, near_piece = parts.near[0][order], parts.near[1][order]
    begin, end = np.searchsorted(near_row, rows), np.searchsorted(near_row, rows, side="right")
    united = several[rows] | (end - begin > _FEW)
    left_over = left.shapes[rows]
    for number in range(_FEW):  # few pieces are taken away one by one: cheaper than to unite them first
        some = ~united & (end - begin > number)
        left_over[some] = _threaded(shapely.difference, left_over[some], parts.pieces[near_piece[begin[some] + number]])
    groups = [near_piece[first:last] for first, last in zip(begin[united], end[united], strict=True)]
    others = _united(parts.pieces, groups)
    left_over[united] = _threaded(shapely.difference, left_over[united], others)
    rest[rows] = size_of(left_over, left.dimension)
    twice = several[rows[united]]
    doubtful = rows[united][twice]
    covered[doubtful] = size_of(_threaded(shapely.intersection, left.shapes[doubtful], others[twice]), left.dimension)


def _united(pieces: Shapes, groups: list[Rows]) -> Shapes:
    """Return the union of each group of pieces."""
    found = np.empty(len(groups), dtype=object)

    def unite(part: slice) -> None:
        for position in range(len(groups))[part]:
            found[position] = shapely.union_all(pieces[groups[position]])

    run_in_threads(unite, len(groups), None)
    return found


def _balance(left: MetricLayer, size: Floats, error: Floats, sums: tuple[Floats, Floats, Floats]) -> Balance:
    whole = float(size.sum())
    parts, doubled, rest = (float(each.sum()) for each in sums)
    shares = np.divide(error, size, out=np.zeros(len(size)), where=size > 0)
    worst = int(np.argmax(shares))
    share = abs(parts - doubled + rest - whole) / whole if whole > 0 else 0.0
    return Balance(whole, parts, doubled, rest, share, float(shares[worst]), int(left.rows[worst]))


def overlaps_within(layer: MetricLayer) -> pd.DataFrame:
    """Return which polygons of a layer overlap each other.

    Returns
    -------
    DataFrame
        row, other_row (1-based, row < other_row), id, other_id, area_m2; largest first. Empty for points and lines.
        Overlaps below a millionth of the smaller polygon are rounding and left out.
    """
    first, second = _suspects(layer)
    area = shapely.area(shapely.intersection(layer.shapes[first], layer.shapes[second]))
    size = layer.size()
    real = area > _ROUNDING * np.minimum(size[first], size[second])
    first, second, area = first[real], second[real], area[real]
    frame = pd.DataFrame(
        {"row": layer.rows[first], "other_row": layer.rows[second],
         "id": layer.ids[first], "other_id": layer.ids[second], "area_m2": area}
    )  # fmt: skip
    return frame.sort_values(["area_m2", "row"], ascending=[False, True], kind="stable", ignore_index=True)


def _suspects(layer: MetricLayer) -> tuple[Rows, Rows]:
    """Return pairs of polygons that may overlap; those of a clean coverage are never compared."""
    none = np.zeros(0, dtype=np.intp)
    if layer.dimension < AREAS or len(layer) < 2:
        return none, none
    faults = shapely.coverage_invalid_edges(layer.shapes)
    suspect = ~(shapely.is_empty(faults) | shapely.is_missing(faults))
    if not suspect.any():
        return none, none
    own = np.flatnonzero(suspect)
    found, second = shapely.STRtree(layer.shapes).query(layer.shapes[own], predicate="intersects")
    first = own[found]
    once = (first < second) | (~suspect[second] & (first != second))
    first, second = first[once], second[once]
    apart = shapely.touches(layer.shapes[first], layer.shapes[second])
    low, high = np.minimum(first[~apart], second[~apart]), np.maximum(first[~apart], second[~apart])
    pairs = np.unique(np.stack([low, high]), axis=1)
    return pairs[0], pairs[1]


def _overlap_finding(layer: MetricLayer, overlaps: pd.DataFrame) -> Finding:
    first = overlaps.iloc[0]
    return Finding(
        layer.name, int(first["row"]), "geometry", "layer_overlaps_itself", FindingLevel.WARNING, key=str(first["id"]),
        detail={"count": len(overlaps), "other": str(first["other_id"]), "area_m2": round(overlaps["area_m2"].sum())},
    )  # fmt: skip


def _apart(left: MetricLayer, right: MetricLayer, apart: str) -> list[Finding]:
    a, b = left.bounds(), right.bounds()
    if a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]:
        return []
    gap = float(np.hypot(max(a[0] - b[2], b[0] - a[2], 0.0), max(a[1] - b[3], b[1] - a[3], 0.0)))
    if apart == "refuse":
        raise ParameterError(
            f"layers {left.name} and {right.name} do not overlap: they lie {gap:,.0f} m apart; check which CRS each of "
            "them is in"
        )
    detail: dict[str, str | int | float] = {"other": right.name, "metres": round(gap)}
    return [Finding(left.name, None, "geometry", "layers_apart", FindingLevel.WARNING, detail=detail)]


def _pair_frame(left: MetricLayer, right: MetricLayer, parts: _Parts, *, geometry: bool) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for side, layer, rows in (("left", left, parts.left), ("right", right, parts.right)):
        known = {"row": layer.rows, "id": layer.ids, "class": layer.classes}
        columns |= {f"{side}_{name}": values[rows] for name, values in known.items()}
    frame = pd.DataFrame({**columns, "size": parts.size})
    frame["share_of_left"] = parts.size / left.size()[parts.left]
    same = left.dimension == right.dimension
    frame["share_of_right"] = parts.size / right.size()[parts.right] if same else np.nan
    return gpd.GeoDataFrame(frame, geometry=parts.shapes, crs=left.crs) if geometry else frame


def _swapped(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with left and right exchanged, in the usual order of rows and columns."""
    names = {"left": "right", "right": "left"}
    other = {c: c.replace(side, names[side]) for side in names for c in pairs.columns if side in c}
    swapped = pairs.rename(columns=other)[list(pairs.columns)]
    return swapped.sort_values(["left_row", "right_row"], kind="stable", ignore_index=True)


def class_areas(result: Overlay) -> pd.DataFrame:
    """Return an overlay summed by class of both layers, with what lies outside the dividing layer.

    Returns
    -------
    DataFrame
        left_class, right_class, size, pairs, share (of the size of the divided layer's class). The class of the side
        that is not there is missing (None): what no row of the dividing layer covers. Where the dividing layer
        overlaps itself, `doubled` of the class is the size that its rows hold more than once.
    """
    keys, own = ["left_class", "right_class"], f"{result.divided}_class"
    inside = result.pairs.groupby(keys, as_index=False, sort=True).agg(size=("size", "sum"), pairs=("size", "size"))
    by_class = result.accounts.groupby("class")[["size", "rest", "doubled"]].sum()
    outside = by_class.loc[by_class["rest"] > 0, "rest"]
    other = keys[1 - keys.index(own)]
    rest = pd.DataFrame({own: outside.index, other: None, "size": outside.to_numpy(), "pairs": 0})
    table = pd.concat([inside, rest], ignore_index=True) if len(rest) else inside
    whole = table[own].map(by_class["size"])
    table["share"] = table["size"] / whole.where(whole > 0)
    table["doubled"] = table[own].map(by_class["doubled"])
    return table.sort_values([own, "size"], ascending=[True, False], kind="stable", ignore_index=True)
