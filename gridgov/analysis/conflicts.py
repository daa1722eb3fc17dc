"""红线冲突: where a plan meets farmland, protection lines or other land that must stay, by class, with areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from gridgov.analysis.metric_layers import MetricLayer
from gridgov.analysis.overlay import Balance, Overlay, overlay
from gridgov.errors import ParameterError
from gridgov.model.findings import Finding

HECTARE_M2 = 10_000.0
_SLIVER_M2 = 1.0  # what rounding and drawing leave along a common border
_TABLE = ["layer", "class", "size", "share_of_plan", "share_of_class", "plans", "parts"]
_PARTS = ["layer", "class", "protected_row", "protected_id", "plan_row", "plan_id", "plan_class"]
_SIZES = ["size", "share_of_plan", "geometry"]


@dataclass(frozen=True, slots=True)
class RedLineConflicts:
    """Where a plan meets what is protected.

    Attributes
    ----------
    by_class : DataFrame
        layer, class, size, share_of_plan (of the whole plan), share_of_class (of all that is protected of the class;
        missing for plans of lines and points), plans (rows of the plan that meet it), parts; largest first. Where
        plans or protected polygons overlap themselves, what they share counts once for each.
    parts : GeoDataFrame
        Every conflict with its geometry, in the metric CRS, largest first: layer, class, protected_row, protected_id,
        plan_row, plan_id, plan_class, size, share_of_plan (of that row of the plan).
    plan_size, free_size : float
        Of the whole plan; of what of it meets nothing protected, of any layer.
    unit : str
        Of every size: m2, m or pieces.
    ignored_parts, ignored_size : int, float
        Slivers below the smallest size that counts.
    balances : dict
        By layer: that parts and rest sum to the whole.
    findings : tuple of Finding
    """

    by_class: pd.DataFrame
    parts: gpd.GeoDataFrame
    plan_size: float
    free_size: float
    unit: str
    ignored_parts: int
    ignored_size: float
    balances: dict[str, Balance]
    findings: tuple[Finding, ...]

    @property
    def has_conflicts(self) -> bool:
        """Whether the plan meets anything protected."""
        return len(self.parts) > 0


def red_line_conflicts(
    plan: MetricLayer, protected: Sequence[MetricLayer], *, sliver_m2: float = _SLIVER_M2
) -> RedLineConflicts:
    """Overlay a plan with everything protected.

    Parameters
    ----------
    plan : MetricLayer
        Areas, lines (roads) or points.
    protected : sequence of MetricLayer
        Areas, each with its classes.
    sliver_m2 : float
        Smaller parts of areas are drawing errors: counted, but no conflict.

    Raises
    ------
    ParameterError
        Nothing is given as protected, a protected layer holds no areas, or parts do not sum to the whole.
    """
    if not protected:
        raise ParameterError("no protected layer is given; name at least one, such as farmland")
    for layer in protected:
        if layer.dimension != 2:
            raise ParameterError(f"layer {layer.name} holds no areas; protected land must be areas")
    results = {layer.name: overlay(plan, layer, geometry=True, apart="report") for layer in protected}
    if len(results) < len(protected):
        raise ParameterError("two protected layers have the same name; give each its own")
    tables = [_parts(name, result) for name, result in results.items()]
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
        {name: result.balance for name, result in results.items()},
        tuple(finding for result in results.values() for finding in result.findings),
    )


def _parts(name: str, result: Overlay) -> gpd.GeoDataFrame:
    names = {
        "right_class": "class", "right_row": "protected_row", "right_id": "protected_id",
        "left_row": "plan_row", "left_id": "plan_id", "left_class": "plan_class", "share_of_left": "share_of_plan",
    }  # fmt: skip
    return result.pairs.rename(columns=names).assign(layer=name)[[*_PARTS, *_SIZES]]


def _by_class(parts: pd.DataFrame, plan: MetricLayer, protected: Sequence[MetricLayer]) -> pd.DataFrame:
    keys = ["layer", "class"]
    table = parts.groupby(keys, as_index=False).agg(
        size=("size", "sum"), plans=("plan_row", "nunique"), parts=("size", "size")
    )
    table["share_of_plan"] = table["size"] / plan.size().sum()
    sizes = pd.concat([pd.DataFrame({"layer": p.name, "class": p.classes, "all": p.size()}) for p in protected])
    whole = sizes.groupby(keys, as_index=False)["all"].sum()
    table = table.merge(whole, on=keys, how="left")
    table["share_of_class"] = table["size"] / table["all"] if plan.dimension == 2 else float("nan")
    return table.sort_values("size", ascending=False, kind="stable", ignore_index=True)[_TABLE]


def _free(plan: MetricLayer, parts: gpd.GeoDataFrame) -> float:
    """Return what of the plan meets nothing, measured by itself."""
    if not len(parts):
        return float(plan.size().sum())
    taken = shapely.union_all(parts.geometry.array)
    if plan.dimension == 0:
        return float((~shapely.intersects(taken, plan.shapes)).sum())
    left = shapely.difference(plan.shapes, taken)
    return float((shapely.area(left) if plan.dimension == 2 else shapely.length(left)).sum())
