"""What an import does with the district's grids: codes and topology, population by grid, points → grids, facts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from gridgov.grids import GridLocator, check_codes, check_topology
from gridgov.layers import CheckResult
from gridgov.model import Finding, FindingAction, FindingLevel, LayerSpec

if TYPE_CHECKING:
    import geopandas as gpd

_PERSONS = ("persons", "households", "persons_day", "elderly_persons", "children_persons")
NATIONAL_CODES = "gbt30428"


class DistrictCheck:
    """The grids that an import has taken so far (none before they come)."""

    def __init__(self, grids: gpd.GeoDataFrame | None = None) -> None:
        self.grids = grids

    @cached_property
    def locator(self) -> GridLocator | None:
        """Point → grid."""
        return None if self.grids is None else GridLocator(self.grids)


def check_grids(result: CheckResult, spec: LayerSpec, layer_id: str) -> CheckResult:
    """Check codes (where the layer declares the national scheme) and topology of grids already read.

    Grids with a bad code are kept aside; gaps and overlaps are findings.
    """
    frame, aside, findings = result.frame, result.aside, list(result.findings)
    if spec.code_scheme == NATIONAL_CODES:
        frame, bad_rows, code_findings = check_codes(frame, layer_id)
        findings += code_findings
        aside = pd.concat([aside, bad_rows], ignore_index=True) if len(bad_rows) else aside
    findings += check_topology(frame, layer_id)
    return CheckResult(frame=frame, aside=aside, findings=findings, crs=result.crs)


def join_population(
    district: DistrictCheck, population: pd.DataFrame, layer_id: str
) -> tuple[gpd.GeoDataFrame | None, list[Finding]]:
    """Return the grids with the figures of a population table, and findings about codes that do not meet."""
    if district.grids is None:
        return None, [Finding(layer_id, None, "grid_code", "population_without_grids", FindingLevel.WARNING)]
    figures = population.set_index("grid_code")[[c for c in _PERSONS if c in population]]
    unknown = ~figures.index.isin(district.grids["grid_code"])
    findings = [
        Finding(
            layer_id,
            int(row) + 1,
            "grid_code",
            "population_of_unknown_grid",
            FindingLevel.WARNING,
            FindingAction.KEPT,
            str(key),
        )
        for row, key in zip(unknown.nonzero()[0], figures.index[unknown], strict=True)
    ]
    grids = district.grids.drop(columns=list(figures.columns), errors="ignore")
    joined = grids.join(figures, on="grid_code")
    geometry = joined.pop("geometry")
    return joined.set_geometry(geometry), findings


def locate_points(
    frame: gpd.GeoDataFrame, district: DistrictCheck, layer_id: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return points with the `grid_code` they lie in (null outside every grid), and one finding that counts those."""
    if district.locator is None or district.grids is None or not len(frame):
        return frame, []
    present = ~(frame.geometry.isna() | frame.geometry.is_empty).to_numpy()
    points = frame.geometry[present]
    position = district.locator.locate(points.x.to_numpy(), points.y.to_numpy())
    codes = pd.Series(pd.NA, index=frame.index, dtype="string")
    inside = position >= 0
    codes.loc[points.index[inside]] = district.grids["grid_code"].to_numpy()[position[inside]]
    outside = int((~inside).sum())
    findings = []
    if outside:
        detail: dict[str, str | int | float] = {"count": outside, "of": len(frame)}
        findings.append(Finding(layer_id, None, "geometry", "points_outside_grids", FindingLevel.INFO, detail=detail))
    return frame.assign(grid_code=codes), findings


def facts_of(district: DistrictCheck) -> dict[str, int]:
    """Return figures of the grids to compare with the source: persons, unknowns, communities, streets."""
    grids = district.grids
    if grids is None:
        return {}
    facts = {}
    if "persons" in grids and grids["persons"].notna().any():
        facts["persons"] = int(grids["persons"].sum())
        facts["persons_unknown_grids"] = int(grids["persons"].isna().sum())
    for column, name in (("community_code", "communities"), ("street_code", "streets")):
        if column in grids and grids[column].notna().any():
            facts[name] = int(grids[column].nunique())
    return facts
