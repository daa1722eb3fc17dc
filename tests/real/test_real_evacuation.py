"""Hualien on its worst day: a coastal zone, the real shelters, and the true shortage of places by number."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.evacuation import EvacuationParams
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.evacuation_words import unmet_texts, warning_texts
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.evacuating import evacuate
from gridgov.operations.evacuation_input import EvacuationInput, EvacuationQuery
from gridgov.operations.hazards import draw_hazard
from gridgov.operations.impact import impact_of
from gridgov.operations.importing import ImportReport
from gridgov.verify_plan import verify_document
from gridgov.workspace import Workspace, open_workspace

pytestmark = pytest.mark.real
COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
COAST = shapely.Polygon(
    [(121.595, 23.93), (121.607, 23.97), (121.607, 24.03), (121.665, 24.03), (121.66, 23.93)]
)  # the eastern half of the city, from the shore to the railway
COUNTY = shapely.box(120.98, 23.09, 121.78, 24.38)
METRIC = "EPSG:3826"
OFF_ROADS_M = 1_000.0


@pytest.fixture(scope="module")
def hualien(imported: tuple[ImportReport, Workspace]) -> Workspace:
    return open_workspace(imported[0].directory, settings=Settings(store="memory:"))


def planned(hualien: Workspace, zone: Any, **params: Any) -> tuple[EvacuationPlan, EvacuationInput]:
    hazard = draw_hazard(hualien, COMMANDER, mapping(zone))
    return evacuate(hualien, COMMANDER, EvacuationQuery(hazard_id=hazard.hazard_id, params=EvacuationParams(**params)))


@pytest.fixture(scope="module")
def coast(hualien: Workspace) -> tuple[EvacuationPlan, EvacuationInput]:
    return planned(hualien, COAST, time_limit_s=8.0, max_routes_per_zone=None)


def known_persons(hualien: Workspace, zone: Any) -> float:
    """Persons by the share of each area in the zone, counted from the layer alone; areas without a figure are out."""
    grids = hualien.layer("grids")
    grids = grids[grids["persons"].notna()].to_crs(METRIC)
    inside = grids.intersection(gpd.GeoSeries([zone], crs=4326).to_crs(METRIC).iloc[0])
    return float((grids["persons"].astype(float) * inside.area / grids.area).sum())


def reachable_places(hualien: Workspace, zone: Any) -> tuple[int, float]:
    """Shelters outside the zone with a road nearby, and their places; the roads as points every ten metres or so."""
    shelters = hualien.layer("shelters")
    shelters = shelters[~shelters.intersects(zone)]
    lines = hualien.network().to_frame().to_crs(METRIC).geometry
    points = shapely.get_coordinates(shapely.segmentize(lines.array, 10.0))
    places = shelters.to_crs(METRIC).geometry
    distance, _ = cKDTree(points).query(np.column_stack([places.x, places.y]))
    near = shelters[distance <= OFF_ROADS_M]
    return len(near), float(near["capacity_persons"].sum())


def test_the_plan_of_the_coast_reports_the_true_shortage_of_places(
    hualien: Workspace, coast: tuple[EvacuationPlan, EvacuationInput]
) -> None:
    """Persons known in the zone less the places that can be reached: 34,482, by an arithmetic of its own."""
    plan, asked = coast
    count, places = reachable_places(hualien, COAST)
    persons = known_persons(hualien, COAST)
    assert (count, places) == (50, 8_662)
    assert persons == pytest.approx(43_144, abs=1)
    assert asked.demand["persons"].sum() == pytest.approx(persons, rel=1e-6)
    assert plan.unmet_persons == pytest.approx(persons - places, abs=1.0)
    without_road = sum(row.persons for row in plan.unmet if row.reason == "no_route")
    assert {row.reason for row in plan.unmet} == {"no_place", "no_route"}
    assert 0 < without_road < 100
    assert {row.zone_id for row in plan.unmet} <= set(hualien.layer("grids")["grid_code"].astype(str))
    assert any("34,4" in sentence for sentence in unmet_texts(plan, "en"))


def test_the_plan_of_the_coast_names_a_time_and_a_bound_that_the_checker_believes(
    coast: tuple[EvacuationPlan, EvacuationInput],
) -> None:
    plan, _ = coast
    verdict = verify_document(plan.to_dict())
    assert verdict.ok, [finding.text() for finding in verdict.findings]
    assert 20 * 60 < plan.lower_bound_s <= plan.clearance_time_s < 60 * 60
    assert plan.gap is not None
    assert plan.gap < 0.05


def test_nobody_is_sent_to_shelters_of_the_county_that_lie_beyond_the_roads(
    hualien: Workspace, coast: tuple[EvacuationPlan, EvacuationInput]
) -> None:
    """The roads are those of the city; the school of 和平 is 45 km off and no minute away."""
    plan, asked = coast
    assert len(asked.shelters_off_roads) == 135
    assert "46" in asked.shelters_off_roads
    assert len(asked.struck) + len(asked.shelters) + len(asked.shelters_off_roads) == len(hualien.layer("shelters"))
    assert not {flow.shelter_id for flow in plan.flows} & {*asked.shelters_off_roads, *asked.struck}
    assert any(sentence.startswith("135 shelters have no road") for sentence in warning_texts(plan, "en"))


def test_areas_without_a_figure_are_named_and_never_counted_as_empty(
    hualien: Workspace, coast: tuple[EvacuationPlan, EvacuationInput]
) -> None:
    plan, asked = coast
    unknown = asked.demand["zone_id"][asked.demand["persons"].isna()]
    assert len(unknown) == 70
    assert impact_of(hualien, COMMANDER, asked.hazard.hazard_id).impact.unknown_grids.value == 70
    assert not set(unknown) & {row.zone_id for row in plan.problem.demand}
    assert any(sentence.startswith("70 grids are left out") for sentence in warning_texts(plan, "en"))


def test_a_zone_over_the_whole_county_leaves_everybody_known_without_a_shelter(hualien: Workspace) -> None:
    """All 198 shelters are struck: 221,329 persons have no place (few of them no road), 270 areas are not known."""
    plan, asked = planned(hualien, COUNTY, time_limit_s=8.0)
    assert len(asked.struck) == 198
    assert plan.flows == ()
    assert plan.unmet_persons == pytest.approx(221_329)
    no_place = sum(row.persons for row in plan.unmet if row.reason == "no_place")
    assert {row.reason for row in plan.unmet} <= {"no_place", "no_route"}
    assert no_place > 0.9 * plan.unmet_persons
    assert any(sentence.startswith("270 grids are left out") for sentence in warning_texts(plan, "en"))
    assert verify_document(plan.to_dict()).ok
