"""方案提示: what is odd about a scenario, though it has answers: changes that change nothing, figures that are not
like the base's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgov.model import TravelMode
from gridgov.model.changes import AreaAdded, GridsMerged, GridSplit, PlaceAdded
from gridgov.model.findings import Finding, FindingLevel
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.closure_checks import not_then
from gridgov.operations.coverage import TOO_FAR_M, coverage_subjects
from gridgov.workspace_variants import WorkspaceVariant

_FAR_M = 500.0  # from the nearest road: minutes that no time along the roads holds
_LEAST_M2 = 1.0
_GONE_TO = ("shelters", "facilities")


def scenario_findings(variant: WorkspaceVariant, scenario: Scenario) -> tuple[Finding, ...]:
    """Return what to know beside the figures of a scenario, in the order of its closures and changes.

    Parameters
    ----------
    variant : WorkspaceVariant
        The workspace as the scenario makes it.
    scenario : Scenario

    Returns
    -------
    tuple of Finding
        closure_not_then, closure_of_other_roads, place_without_category, place_of_new_category, place_off_roads,
        place_far_from_roads, area_there_already, grids_measured_anew.
    """
    return (*_of_closures(variant, scenario), *_of_places(variant, scenario), *_of_areas(variant, scenario),
            *_of_grids(scenario))  # fmt: skip


def _of_closures(variant: WorkspaceVariant, scenario: Scenario) -> Iterator[Finding]:
    when = variant.now().astimezone(variant.timezone)
    yield from (not_then(closure, when) for closure in scenario.closures if not closure.holds_at(when))
    for closure in scenario.base.closures:
        if closure.edges and closure.topology != variant.network().topology.digest:
            yield Finding(
                "closures", None, "edges", "closure_of_other_roads", FindingLevel.WARNING, key=closure.closure_id
            )


def _of_places(variant: WorkspaceVariant, scenario: Scenario) -> Iterator[Finding]:
    question = scenario.question or Question()
    for change in scenario.changes:
        if not isinstance(change, PlaceAdded) or variant.spec(change.layer).kind not in _GONE_TO:
            continue
        row = _row(variant, change.layer, change.id)
        if row is None:  # removed again
            continue
        if variant.spec(change.layer).kind == "facilities":
            yield from _of_category(variant, question, change, row.get("category"))
        mode = question.mode or TravelMode.DRIVE
        away = float(variant.network(mode).snap(np.array([change.lon]), np.array([change.lat])).distance_m[0])
        if away > _FAR_M:
            rule = "place_off_roads" if away > TOO_FAR_M else "place_far_from_roads"
            yield Finding(
                change.layer, None, "geometry", rule, FindingLevel.WARNING, key=change.id,
                detail={"metres": round(away)},
            )  # fmt: skip


def _of_category(variant: WorkspaceVariant, question: Question, change: PlaceAdded, category: Any) -> Iterator[Finding]:
    known = coverage_subjects(variant.base)
    if category is None or pd.isna(category) or not str(category).strip():
        yield Finding(
            change.layer, None, "category", "place_without_category", FindingLevel.WARNING, key=change.id
        )  # fmt: skip
    elif str(category) not in (*known, *question.near):
        yield Finding(
            change.layer, None, "category", "place_of_new_category", FindingLevel.WARNING, key=change.id,
            detail={"category": str(category), "known": ", ".join(known)},
        )  # fmt: skip


def _of_areas(variant: WorkspaceVariant, scenario: Scenario) -> Iterator[Finding]:
    for change in scenario.changes:
        if isinstance(change, AreaAdded):
            there = _there_already_m2(variant, change)
            if there >= _LEAST_M2:
                yield Finding(
                    change.layer, None, "geometry", "area_there_already", FindingLevel.WARNING, key=change.id,
                    detail={"hectares": f"{there / 10_000:.2f}"},
                )  # fmt: skip


def _there_already_m2(variant: WorkspaceVariant, change: AreaAdded) -> float:
    """Return how much of an added area lies in other areas of its layer."""
    frame, key = variant.layer(change.layer), variant.spec(change.layer).key
    own = (frame[key].astype(str) == change.id).to_numpy(dtype=bool)
    if not own.any():
        return 0.0
    area = frame.geometry[own].iloc[0]
    met = np.setdiff1d(frame.sindex.query(area, predicate="intersects"), np.flatnonzero(own))
    if not len(met):
        return 0.0
    parts = shapely.make_valid(np.asarray(frame.geometry.iloc[met].array, dtype=object))
    shared = shapely.intersection(area, shapely.union_all(parts))
    return float(gpd.GeoSeries([shared], crs=frame.crs).to_crs(variant.metric_crs).area.iloc[0])


def _of_grids(scenario: Scenario) -> Iterator[Finding]:
    redrawn = [change for change in scenario.changes if isinstance(change, GridsMerged | GridSplit)]
    if redrawn:
        yield Finding(
            "grids", None, "geometry", "grids_measured_anew", FindingLevel.INFO, detail={"count": len(redrawn)}
        )


def _row(variant: WorkspaceVariant, layer: str, wanted: str) -> pd.Series | None:
    frame = variant.layer(layer)
    rows = frame[(frame[variant.spec(layer).key].astype(str) == wanted).to_numpy(dtype=bool)]
    return None if rows.empty else rows.iloc[0]
