"""A kept plan as a page shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.evacuation import EvacuationParams
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.evacuating import evacuate, keep_plan
from gridgov.operations.evacuation_input import EvacuationQuery
from gridgov.operations.evacuation_view import PlanView, compare_with_nearest, moment_of, plan_view
from gridgov.operations.hazards import draw_hazard
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)


@pytest.fixture(scope="module")
def kept(village: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, PlanView]:
    """A workspace with one plan, and its view."""
    folder = tmp_path_factory.mktemp("here")
    for item in village.iterdir():
        if not item.name.startswith(("store", "plans")):
            (folder / item.name).symlink_to(item)
    here = open_workspace(folder, settings=Settings(store="memory:"))
    west, south, east, north = here.bounds
    circle = shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) * 0.15)
    hazard_id = draw_hazard(here, COMMANDER, mapping(circle)).hazard_id
    query = EvacuationQuery(hazard_id=hazard_id, params=EvacuationParams(time_limit_s=2.0))
    recorded = keep_plan(here, COMMANDER, query, *evacuate(here, COMMANDER, query))
    return here, plan_view(here, COMMANDER, recorded.evacuation.evacuation_id)


def test_at_every_moment_everybody_is_somewhere(kept: tuple[Workspace, PlanView]) -> None:
    view = kept[1]
    everybody = view.recorded.evacuation.persons
    np.testing.assert_allclose(view.inside + view.on_road + view.safe, everybody, rtol=1e-6)
    assert (np.diff(view.inside) <= 1e-6).all()
    assert (np.diff(view.safe) >= -1e-6).all()
    begin, end = moment_of(view, 0.0), moment_of(view, 1e9)
    assert begin.safe == pytest.approx(0.0, abs=1e-6)
    assert end.inside == pytest.approx(view.plan.unmet_persons, abs=1e-6)


def test_departures_shelters_and_roads_add_up_to_the_plan(kept: tuple[Workspace, PlanView]) -> None:
    view = kept[1]
    moved = sum(flow.persons for flow in view.plan.flows)
    assert view.departures["persons"].sum() == pytest.approx(moved)
    assert view.shelters["persons"].sum() == pytest.approx(moved, rel=1e-6)
    assert (view.shelters["persons"] <= view.shelters["capacity_persons"] + 1.0).all()
    assert (view.departures["last_s"] <= view.departures["arrive_s"]).all()
    assert view.departures["arrive_s"].max() == pytest.approx(view.plan.clearance_time_s, abs=1.0)
    assert set(view.roads["edge"]) == {edge for flow in view.plan.flows for edge in flow.edges}


def test_the_same_view_is_not_made_twice(kept: tuple[Workspace, PlanView]) -> None:
    here, view = kept
    assert plan_view(here, COMMANDER, view.recorded.evacuation.evacuation_id) is view


def test_the_comparison_moves_the_same_people(kept: tuple[Workspace, PlanView]) -> None:
    here, view = kept
    nearest = compare_with_nearest(here, COMMANDER, view.recorded.evacuation.evacuation_id)
    going = sum(trip.persons for trip in nearest.trips)
    assert going + nearest.unmet_persons == pytest.approx(view.recorded.evacuation.persons)
    assert nearest.clearance_time_s >= view.plan.lower_bound_s
