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

from gridgov.analysis.metric_layers import AREAS, Floats, MetricLayer
from gridgov.analysis.outline_kernels import Outlines
from gridgov.analysis.outlines import outlines
from gridgov.analysis.overlay_areas import borders_of, overlapping_pairs, parts_of_areas
from gridgov.analysis.overlay_parts import Flags, Parts, parts_of_shapes
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel

TOLERANCE = 0.001  # parts and rest sum to the whole within 0.1 %
_SAME = 1e-9  # relative: nothing is left over
_ROUNDING = 1e-6  # relative: what rounding leaves along a border


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
    if left.dimension == AREAS:
        borders = borders_of(left, right)
        parts = parts_of_areas(left, right, borders, whole=geometry)
        overlaps = _overlap_frame(right, borders.right)
    else:
        parts = parts_of_shapes(left, right, whole=geometry)
        overlaps = overlaps_within(right)
    accounts, balance = _accounts(left, right, parts, overlaps, tolerance)
    if len(overlaps):
        findings.append(_overlap_finding(right, overlaps))
    frame = _pair_frame(left, right, parts, geometry=geometry)
    return Overlay(frame, "left", accounts, left.unit, balance, overlaps, tuple(findings))


def _accounts(
    left: MetricLayer, right: MetricLayer, parts: Parts, overlaps: pd.DataFrame, tolerance: float
) -> tuple[pd.DataFrame, Balance]:
    """Return what of each row is covered and what is left over, measured apart, and whether it sums to the whole."""
    size = left.size()
    summed = np.bincount(parts.left, weights=parts.size, minlength=len(left)).astype(np.float64)
    several = _several(left, right, parts, overlaps)
    covered, rest = summed.copy(), np.zeros(len(left))
    touched = np.bincount(parts.near, minlength=len(left)) > 0
    rest[~touched] = size[~touched]
    full = ~several & (np.abs(summed - size) <= _SAME * size)  # nothing overlaps and nothing is left: the sum proves it
    rows = np.flatnonzero(touched & ~full)
    rest[rows], together = parts.apart(rows, several[rows])
    covered[rows] = np.where(several[rows], together, summed[rows])
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


def _several(left: MetricLayer, right: MetricLayer, parts: Parts, overlaps: pd.DataFrame) -> Flags:
    """Return the rows of the left of which a part may be counted twice."""
    found = np.zeros(len(left), dtype=bool)
    if left.dimension < AREAS:  # a line along a common border belongs to both sides
        found[np.bincount(parts.left, minlength=len(left)) > 1] = True
        return found
    tangled = np.zeros(len(right), dtype=bool)
    tangled[np.searchsorted(right.rows, overlaps[["row", "other_row"]].to_numpy().ravel())] = True
    found[parts.left[tangled[parts.right]]] = True
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
    border = outlines(layer.shapes, (0.0, 0.0)) if layer.dimension == AREAS else None
    return _overlap_frame(layer, border)


def _overlap_frame(layer: MetricLayer, border: Outlines | None) -> pd.DataFrame:
    first = second = np.zeros(0, dtype=np.intp)
    area = np.zeros(0)
    if border is not None:
        first, second, area = overlapping_pairs(layer, border)
    size = layer.size()
    real = area > _ROUNDING * np.minimum(size[first], size[second])
    first, second, area = first[real], second[real], area[real]
    frame = pd.DataFrame(
        {"row": layer.rows[first], "other_row": layer.rows[second],
         "id": layer.ids[first], "other_id": layer.ids[second], "area_m2": area}
    )  # fmt: skip
    return frame.sort_values(["area_m2", "row"], ascending=[False, True], kind="stable", ignore_index=True)


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


def _pair_frame(left: MetricLayer, right: MetricLayer, parts: Parts, *, geometry: bool) -> pd.DataFrame:
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
