"""红线冲突: where a plan breaks farmland, protection lines or the urban development boundary, by class, with areas.

Of the three lines (三区三线) farmland and red lines are broken by what lies inside them, the urban development boundary
by what lies outside of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgov.analysis.metric_layers import MetricLayer, size_of
from gridgov.analysis.overlay import TOLERANCE, Balance, Overlay, overlay
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding, FindingLevel

HECTARE_M2 = 10_000.0
INSIDE, OUTSIDE = "inside", "outside"
_SLIVER_M2 = 1.0  # what rounding and drawing leave along a common border
_ROUNDING = 1e-6  # relative: what rounding leaves of a row that lies inside
_TABLE = ["layer", "class", "side", "size", "share_of_plan", "share_of_class", "plans", "parts"]
_PARTS = ["layer", "class", "side", "protected_row", "protected_id", "plan_row", "plan_id", "plan_class"]
_SIZES = ["size", "share_of_plan", "geometry"]


@dataclass(frozen=True, slots=True)
class RedLineConflicts:
    """Where a plan breaks a line.

    Attributes
    ----------
    by_class : DataFrame
        layer, class, side (of the class on which the plan may not lie: ``inside`` or ``outside``), size (of the plan on
        that side), share_of_plan (of the whole plan), share_of_class (of all that is protected of the class; missing
        outside of it, and for plans of lines and points), plans (rows of the plan that lie there), parts; largest
        first. Where plans overlap themselves, or protected polygons that conflict inside, what they share counts once
        for each.
    parts : GeoDataFrame
        Every conflict with its geometry, in the metric CRS, largest first: layer, class, side, protected_row,
        protected_id (missing and "" outside of a class), plan_row, plan_id, plan_class, size, share_of_plan (of that
        row of the plan).
    plan_size, free_size : float
        Of the whole plan; of what of it conflicts with nothing, of any layer.
    unit : str
        Of every size: m2, m or pieces.
    ignored_parts, ignored_size : int, float
        Slivers below the smallest size that counts.
    balances : dict
        By layer and class: that parts and rest sum to the whole. Of a class that conflicts outside, the rest is the
        conflict; the others stand together under "", and there the parts are the conflicts.
    findings : tuple of Finding
    """

    by_class: pd.DataFrame
    parts: gpd.GeoDataFrame
    plan_size: float
    free_size: float
    unit: str
    ignored_parts: int
    ignored_size: float
    balances: dict[tuple[str, str], Balance]
    findings: tuple[Finding, ...]

    @property
    def has_conflicts(self) -> bool:
        """Whether the plan breaks any line."""
        return len(self.parts) > 0


def red_line_conflicts(
    plan: MetricLayer,
    protected: Sequence[MetricLayer],
    *,
    outside: Mapping[str, Collection[str]] | None = None,
    sliver_m2: float = _SLIVER_M2,
) -> RedLineConflicts:
    """Overlay a plan with everything protected.

    Parameters
    ----------
    plan : MetricLayer
        Areas, lines (roads) or points.
    protected : sequence of MetricLayer
        Areas, each with its classes.
    outside : mapping of str to collection of str, optional
        Name of a layer → its classes that conflict with what lies outside of them, such as the urban development
        boundary; all polygons of such a class together are one area. A class of which the layer has no polygon is not
        checked, and a finding says so.
    sliver_m2 : float
        Smaller parts of areas are drawing errors: counted, but no conflict.

    Raises
    ------
    ParameterError
        Nothing is given as protected, a protected layer holds no areas, no class that is asked for has any, or parts do
        not sum to the whole.
    """
    if not protected:
        raise ParameterError("no protected layer is given; name at least one, such as farmland")
    for layer in protected:
        if layer.dimension != 2:
            raise ParameterError(f"layer {layer.name} holds no areas; protected land must be areas")
    if len({layer.name for layer in protected}) < len(protected):
        raise ParameterError("two protected layers have the same name; give each its own")
    checks = [check for layer in protected for check in _checks(plan, layer, (outside or {}).get(layer.name, ()))]
    tables = [check.parts for check in checks if check.parts is not None]
    if not tables:
        raise ParameterError("there is no line to check: no class that is asked for has an area; choose other ones")
    parts = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    slivers = (parts["size"] < sliver_m2) if plan.dimension == 2 else parts["size"] < 0
    conflicts = parts[~slivers].sort_values(["size", "layer"], ascending=[False, True], kind="stable")
    conflicts = gpd.GeoDataFrame(conflicts.reset_index(drop=True), geometry="geometry", crs=plan.crs)
    return RedLineConflicts(
        _by_class(conflicts, plan, protected),
        conflicts,
        float(plan.size().sum()),
        _free(plan, conflicts),
        plan.unit,
        int(slivers.sum()),
        float(parts.loc[slivers, "size"].sum()),
        {check.of: check.balance for check in checks if check.balance is not None},
        tuple(finding for check in checks for finding in check.findings),
    )


@dataclass(frozen=True, slots=True)
class _Check:
    """A plan against classes of a layer that conflict on the same side; nothing where there was nothing to check."""

    of: tuple[str, str]
    parts: gpd.GeoDataFrame | None
    balance: Balance | None
    findings: tuple[Finding, ...]


def _checks(plan: MetricLayer, layer: MetricLayer, outside: Collection[str]) -> Iterator[_Check]:
    inner = layer.take(np.flatnonzero(~np.isin(layer.classes, sorted(outside))))
    if len(inner):
        result = overlay(plan, inner, geometry=True, apart="report")
        yield _Check((layer.name, ""), _inside(layer.name, result), result.balance, result.findings)
    for name in sorted(outside):
        kind = layer.take(np.flatnonzero(layer.classes == name))
        if not len(kind):
            missing = Finding(
                layer.name, None, "geometry", "line_not_drawn", FindingLevel.WARNING, detail={"class": name}
            )
            yield _Check((layer.name, name), None, None, (missing,))
            continue
        result = overlay(plan, kind, apart="report")
        apart = tuple(each for each in result.findings if each.rule == "layers_apart")  # overlaps count once here
        yield _Check((layer.name, name), _outside(plan, kind, result), result.balance, apart)


def _inside(name: str, result: Overlay) -> gpd.GeoDataFrame:
    names = {
        "right_class": "class", "right_row": "protected_row", "right_id": "protected_id",
        "left_row": "plan_row", "left_id": "plan_id", "left_class": "plan_class", "share_of_left": "share_of_plan",
    }  # fmt: skip
    table = result.pairs.rename(columns=names).assign(layer=name, side=INSIDE)
    return table.astype({"protected_row": "Int64"})[[*_PARTS, *_SIZES]]


def _outside(plan: MetricLayer, kind: MetricLayer, result: Overlay) -> gpd.GeoDataFrame:
    """Return what of each row of a plan lies outside all areas of a class; it must be the rest that the overlay found.

    Raises
    ------
    ParameterError
        It is not: with layer and row.
    """
    whole, rest = plan.size(), result.accounts["rest"].to_numpy(dtype=float)
    rows = np.flatnonzero(rest > _ROUNDING * whole)
    met = result.pairs.groupby("left_row")["right_row"].agg(list).to_dict()
    found = [met.get(int(plan.rows[row]), []) for row in rows]
    areas = [shapely.union_all(kind.shapes[np.searchsorted(kind.rows, each)]) for each in found]
    shapes = shapely.difference(plan.shapes[rows], np.array(areas, dtype=object))
    size = size_of(shapes, plan.dimension)
    wrong = np.abs(size - rest[rows]) > TOLERANCE * whole[rows]
    if wrong.any():
        raise ParameterError(
            f"{plan.name} outside {kind.name}: the parts of {plan.named(rows[wrong])} miss what the areas leave over; "
            "check the geometry of both layers there"
        )
    table = {
        "layer": kind.name, "class": kind.classes[0], "side": OUTSIDE,
        "protected_row": pd.array([pd.NA] * len(rows), dtype="Int64"), "protected_id": "",
        "plan_row": plan.rows[rows], "plan_id": plan.ids[rows], "plan_class": plan.classes[rows],
        "size": size, "share_of_plan": size / whole[rows],
    }  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=shapes, crs=plan.crs)[[*_PARTS, *_SIZES]]


def _by_class(parts: pd.DataFrame, plan: MetricLayer, protected: Sequence[MetricLayer]) -> pd.DataFrame:
    keys = ["layer", "class"]
    table = parts.groupby([*keys, "side"], as_index=False).agg(
        size=("size", "sum"), plans=("plan_row", "nunique"), parts=("size", "size")
    )
    table["share_of_plan"] = table["size"] / plan.size().sum()
    sizes = pd.concat([pd.DataFrame({"layer": p.name, "class": p.classes, "all": p.size()}) for p in protected])
    whole = sizes.groupby(keys, as_index=False)["all"].sum()
    table = table.merge(whole, on=keys, how="left")
    counts = (table["side"] == INSIDE) & (plan.dimension == 2)
    table["share_of_class"] = (table["size"] / table["all"]).where(counts)
    return table.sort_values("size", ascending=False, kind="stable", ignore_index=True)[_TABLE]


def _free(plan: MetricLayer, parts: gpd.GeoDataFrame) -> float:
    """Return what of the plan conflicts with nothing, measured by itself."""
    if not len(parts):
        return float(plan.size().sum())
    taken = shapely.union_all(parts.geometry.array)
    if plan.dimension == 0:
        return float((~shapely.intersects(taken, plan.shapes)).sum())
    left = shapely.difference(plan.shapes, taken)
    return float((shapely.area(left) if plan.dimension == 2 else shapely.length(left)).sum())
