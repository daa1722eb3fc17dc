"""The river of the village rises: what gets wet, who lives there, which roads go, and a plan that is done in time."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping, shape

from gridgov.analysis.cutting_off import arrival_at
from gridgov.config import Settings
from gridgov.evacuation import EvacuationParams
from gridgov.hazards.zoning import moved
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.hazards import Hazard
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.evacuating import evacuate
from gridgov.operations.evacuation_input import EvacuationInput, EvacuationQuery
from gridgov.operations.hazard_models import compute_flood, suggested_levels
from gridgov.operations.impact import impact_of, road_consequences
from gridgov.verify_plan import verify_document
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
LEVELS = (3.0, 5.0, 8.0)
BANDS = 6
FOUR_HOURS, TEN_MINUTES = 14_400.0, 600.0


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def river_of(here: Workspace) -> Any:
    water = here.layer("water")
    return water.geometry.iloc[int(water["area_m2"].to_numpy().argmax())]


def rising(here: Workspace, level_m: float, in_s: float = FOUR_HOURS) -> Hazard:
    series = ((0.0, 0.0), (in_s, level_m))
    return compute_flood(here, COMMANDER, mapping(river_of(here)), series, datum="source")


@pytest.fixture(scope="module")
def floods(here: Workspace) -> tuple[Hazard, ...]:
    return tuple(rising(here, level) for level in LEVELS)


def planned(here: Workspace, hazard: Hazard) -> tuple[EvacuationPlan, EvacuationInput]:
    query = EvacuationQuery(hazard_id=hazard.hazard_id, params=EvacuationParams(time_limit_s=2.0))
    return evacuate(here, COMMANDER, query)


def test_a_higher_river_floods_more_land_people_and_roads(here: Workspace, floods: tuple[Hazard, ...]) -> None:
    areas = [
        sum(moved(shape(zone.geometry), "EPSG:4326", here.metric_crs).area for zone in flood.zones) for flood in floods
    ]
    assert 0 < areas[0] < areas[1] < areas[2]
    figures = [impact_of(here, COMMANDER, flood.hazard_id).impact.figures for flood in floods]
    for what in ("persons", "road_m", "grids"):
        low, middle, high = (each[what].value for each in figures)
        assert 0 < low < middle < high
        assert all(each[what].low <= each[what].value <= each[what].high for each in figures)


def test_a_faster_river_comes_no_later_to_any_grid(here: Workspace, floods: tuple[Hazard, ...]) -> None:
    """Arrivals are those of the beginning of a band, so one band is the difference that means nothing."""
    middles = np.asarray(here.layer("grids").geometry.representative_point().array, dtype=object)
    arrivals = [arrival_at(flood.zones, middles) for flood in floods]
    for slow, fast in pairwise(arrivals):
        wet = np.isfinite(slow)
        assert np.isfinite(fast[wet]).all()
        assert (fast[wet] <= slow[wet] + FOUR_HOURS / BANDS).all()


def test_at_its_usual_level_the_river_closes_no_bridge_and_drives_nobody_out(
    here: Workspace, floods: tuple[Hazard, ...]
) -> None:
    river = river_of(here)
    for flood in floods:
        assert not any(shape(zone.geometry).contains(river.representative_point()) for zone in flood.zones)
        closes = road_consequences(here, COMMANDER, flood.hazard_id).closes_s
        assert closes.min() > FOUR_HOURS / BANDS / 2
    bridges = [
        edge
        for edge in range(here.network().n_edges)
        if shapely.LineString(here.network().edge_coordinates(edge)).crosses(river)
    ]
    low = road_consequences(here, COMMANDER, floods[0].hazard_id).closes_s
    assert bridges
    assert np.isinf(low[bridges]).any()


def test_nobody_is_on_a_road_after_the_water_has_come(here: Workspace, floods: tuple[Hazard, ...]) -> None:
    plan, asked = planned(here, floods[1])
    assert verify_document(plan.to_dict()).ok
    assert np.isfinite(asked.closes_s).any()
    travel_s = asked.network.travel_time_ms / 1000
    deadline = asked.demand.set_index("zone_id")["deadline_s"].fillna(np.inf)
    assert plan.flows
    for flow in plan.flows:
        assert flow.end_s <= deadline[flow.zone_id] + 1e-3
        for edge, enter_s in zip(flow.edges, flow.enter_s, strict=True):
            assert flow.end_s + enter_s + travel_s[edge] <= asked.closes_s[edge] + 1e-3
    assert plan.unmet_persons == 0


def test_who_cannot_leave_in_time_is_named_and_only_where_time_is_short(here: Workspace) -> None:
    """The same water in ten minutes: what the roads carry until then is saved, the rest needs rescue."""
    hazard = rising(here, 5.0, TEN_MINUTES)
    plan, asked = planned(here, hazard)
    assert verify_document(plan.to_dict()).ok
    assert {row.reason for row in plan.unmet} <= {"too_late", "no_route"}
    late: dict[str, float] = defaultdict(float)
    for row in plan.unmet:
        late[row.zone_id] += row.persons
    persons, deadline = (asked.demand.set_index("zone_id")[name] for name in ("persons", "deadline_s"))
    assert sum(row.persons for row in plan.unmet if row.reason == "too_late") > 0
    assert 0 < plan.unmet_persons < persons.sum()
    for zone, left_behind in late.items():
        assert left_behind <= persons[zone] + 0.01
        assert deadline[zone] <= TEN_MINUTES
    moved_out = sum(flow.persons for flow in plan.flows)
    assert moved_out + plan.unmet_persons == pytest.approx(persons.sum(), abs=0.1)
    assert plan.clearance_time_s <= TEN_MINUTES + 900  # out of the water by then, safe a little later


def test_levels_worth_trying_come_from_the_ground_and_each_floods_more(here: Workspace) -> None:
    """Who does not know the river gets three levels; each can be computed, and the last one reaches people."""
    levels = suggested_levels(here, COMMANDER, mapping(river_of(here)))
    assert 2 <= len(levels) <= 3
    assert list(levels) == sorted(set(levels))
    assert all(0 < level <= 30 and level * 2 == int(level * 2) for level in levels)
    wet = [int(rising(here, level).inputs["wet_cells"]) for level in levels]
    assert wet == sorted(set(wet))
    worst = rising(here, levels[-1])
    assert impact_of(here, COMMANDER, worst.hazard_id).impact.figures["persons"].value > 1_000
