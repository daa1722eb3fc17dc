"""The questions of the planner's page, and the scenario made of proposed sites."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.planning_questions import (
    Wish,
    hotspot_question,
    patrol_question,
    redesign_question,
    scenario_of_sites,
    suitability_question,
)
from gridgov.operations.scenarios import keep_scenario, read_scenario
from gridgov.operations.siting import SitingQuery, propose_sites
from gridgov.operations.suiting import suitability
from gridgov.operations.what_if import variant_of
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.mark.parametrize(("of", "layer"), [("shelters", "shelters"), ("fire_station", "facilities")])
def test_proposed_sites_become_a_scenario_that_has_them(here: Workspace, of: str, layer: str) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(of=of, k=2))
    made = scenario_of_sites(here, found, f"more {of}")
    assert [change.layer for change in made.changes] == [layer, layer]
    kept = read_scenario(here, PLANNER, keep_scenario(here, PLANNER, made).scenario_id).scenario
    assert kept.changes == made.changes
    assert len(variant_of(here, kept).layer(layer)) == len(here.layer(layer)) + 2


def test_what_is_no_layer_of_places_cannot_take_a_site(here: Workspace) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(of="shelters", k=1))
    with pytest.raises(ParameterError, match="no layer of places"):
        scenario_of_sites(here, replace(found, query=SitingQuery(of="grids")), "grids")


def test_nothing_proposed_is_nothing_to_keep(here: Workspace) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(of="shelters", k=1))
    with pytest.raises(ParameterError, match="nothing to keep"):
        scenario_of_sites(here, replace(found, sites=found.sites[found.sites["rank"] == 0]), "none")


def test_grids_in_a_layer_to_avoid_are_excluded(here: Workspace) -> None:
    wishes = [Wish("field", "persons", 2), Wish("distance_m", "shelters", 1, more=False)]
    free = suitability(here, PLANNER, suitability_question(wishes, k=3))
    barred = suitability(here, PLANNER, suitability_question(wishes, ["water"], most_share=0.0, k=3))
    assert not free.table["excluded"].any()
    assert barred.table["excluded"].any()
    assert free.result.names == ("field:persons", "distance_m:shelters")


def test_weights_that_sum_to_zero_are_refused(here: Workspace) -> None:
    with pytest.raises(ParameterError, match="sum to zero"):
        suitability(here, PLANNER, suitability_question([Wish("field", "persons", 0)]))


def test_what_is_typed_arrives_in_the_questions() -> None:
    now = datetime(2026, 6, 30, tzinfo=UTC)
    assert hotspot_question("3399", now, days=30, class_code="0101").since == now - timedelta(days=30)
    assert hotspot_question("", now).since is None
    assert hotspot_question("", now).classes == ()
    assert patrol_question(80, 4).hours == 80
    assert redesign_question("", compactness=0.5, time_limit_s=1).params.compactness == 0.5
