"""Access to facilities and new sites on the village: the same as coverage, better than before, closures, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.model import TravelMode
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.siting import SitingModel, SitingStatus
from gridgov.operations.accessibility import AccessQuery, access_difference, facility_access
from gridgov.operations.closures import ClosureDraft, close_roads
from gridgov.operations.coverage import CoverageQuery, coverage
from gridgov.operations.districts import DistrictCheck, join_population
from gridgov.operations.scenarios import save_scenario
from gridgov.operations.site_sets import SitePoint, people_groups, site_sources
from gridgov.operations.siting import SitingQuery, propose_sites
from gridgov.workspace import Workspace, open_workspace
from gridgov.workspace_variants import WorkspaceVariant

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
SHUT = ClosureDraft(edges=tuple(range(60)), reason="施工一年")


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def middle(here: Workspace) -> SitePoint:
    west, south, east, north = here.bounds
    return SitePoint("new", (west + east) / 2, (south + north) / 2, "新避难场所", 500)


@pytest.mark.parametrize("of", ["shelters", "fire_station"])
@pytest.mark.parametrize("mode", [TravelMode.DRIVE, TravelMode.WALK])
def test_access_is_what_the_coverage_map_shows(here: Workspace, of: str, mode: TravelMode) -> None:
    found = facility_access(here, PLANNER, AccessQuery(of=of, mode=mode, minutes=3))
    shown = coverage(here, PLANNER, CoverageQuery(of=of, mode=mode, minutes=3))
    expected = np.where(shown.travel_time_ms < 0, np.nan, shown.travel_time_ms / 60_000)
    np.testing.assert_allclose(found.grids["minutes"], expected)
    assert found.figures["persons"].persons_within == shown.summary.persons_within
    assert found.sources == shown.sources


def test_every_group_that_is_known_has_its_own_figures(here: Workspace) -> None:
    assert people_groups(here) == ("persons", "persons_day", "elderly_persons")
    found = facility_access(here, PLANNER, AccessQuery(of="shelters", minutes=2))
    assert set(found.figures) == {"persons", "persons_day", "elderly_persons", "grids"}
    assert found.figures["elderly_persons"].persons == here.layer("grids")["elderly_persons"].sum()


def test_children_count_where_the_population_table_has_them(here: Workspace) -> None:
    grids = here.layer("grids")[["grid_code", "geometry"]]
    table = pd.DataFrame({"grid_code": grids["grid_code"], "persons": 9, "children_persons": 2, "shoe_size": 40})
    joined, findings = join_population(DistrictCheck(grids), table, "population")
    assert not findings
    assert joined is not None
    variant = WorkspaceVariant(here, here.now(), layers={"grids": joined})
    assert people_groups(variant) == ("persons", "children_persons")
    found = facility_access(variant, PLANNER, AccessQuery(group="children_persons", minutes=1))
    assert found.figures["children_persons"].persons == 2 * len(grids)
    assert set(found.underserved["persons_underserved"]) == {2}


def test_the_under_served_are_those_beyond_the_limit_most_people_first(here: Workspace) -> None:
    found = facility_access(here, PLANNER, AccessQuery(of="shelters", minutes=1, group="elderly_persons"))
    people = found.underserved["persons_underserved"]
    assert people.is_monotonic_decreasing
    figures = found.figures["elderly_persons"]
    assert people.sum() == figures.persons_beyond + figures.persons_unreached
    assert not (found.underserved["minutes"] <= 1).any()


def test_a_drawn_facility_brings_grids_nearer_and_a_closure_takes_them_away(here: Workspace) -> None:
    query = AccessQuery(of="shelters")
    have = facility_access(here, PLANNER, query)
    more = facility_access(here, PLANNER, AccessQuery(of="shelters", extra=(middle(here),)))
    gained = access_difference(have, more)["minutes_gained"]
    assert (gained.dropna() >= 0).all()
    assert gained.max() > 0
    assert "new" in set(more.grids["nearest_id"])
    less = facility_access(here, PLANNER, AccessQuery(of="shelters", drafts=(SHUT,)))
    assert (access_difference(have, less)["minutes_gained"].dropna() <= 0).all()
    assert less.closures == ("draft-1",)
    assert facility_access(here, PLANNER, query).grids.equals(have.grids)


def test_a_kept_scenario_and_closed_roads_are_asked_in_the_same_way(village: Path) -> None:
    here = open_workspace(village, settings=Settings(store="memory:"))
    drafted = facility_access(here, PLANNER, AccessQuery(drafts=(SHUT,)))
    kept = save_scenario(here, BOSS, "桥一年不通", [SHUT])
    scenario = facility_access(here, PLANNER, AccessQuery(scenario=kept.scenario_id))
    close_roads(here, BOSS, SHUT)
    closed = facility_access(here, PLANNER)
    for other in (scenario, closed):
        np.testing.assert_array_equal(other.grids["minutes"], drafted.grids["minutes"])
    with pytest.raises(RecordNotFoundError):
        facility_access(here, PLANNER, AccessQuery(scenario="nothing"))


@pytest.mark.parametrize("model", [SitingModel.P_MEDIAN, SitingModel.P_CENTRE, SitingModel.MAX_COVERING])
def test_the_best_additional_sites_are_better_than_what_we_have_and_proved(here: Workspace, model: SitingModel) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(of="shelters", model=model, k=2, minutes=2))
    plan, before, after = found.plan, found.before, found.after
    assert plan.status is SitingStatus.OPTIMAL
    assert plan.gap == 0
    assert before is not None
    assert after is not None
    better = {
        SitingModel.P_MEDIAN: lambda one: one.mean_s,
        SitingModel.P_CENTRE: lambda one: one.max_s,
        SitingModel.MAX_COVERING: lambda one: -one.persons_within,
    }[model]
    assert better(after) < better(before)
    assert (found.grids["minutes_gained"].dropna() >= 0).all()
    assert found.sites["site_id"].tolist()[: len(plan.opened)] == list(plan.opened)
    assert found.sites["rank"].tolist()[:3] == [1, 2, 0]
    assert found.sites["persons"].sum() == after.persons - after.persons_unreached
    again = facility_access(
        here,
        PLANNER,
        AccessQuery(
            minutes=2,
            extra=tuple(
                SitePoint(row.site_id, row.geometry.x, row.geometry.y)
                for row in found.sites[found.sites["rank"] > 0].itertuples()
            ),
        ),
    )
    np.testing.assert_allclose(again.grids["minutes"], found.grids["minutes_after"])


def test_a_proposal_is_geojson(here: Workspace) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(candidates="school", k=1))
    for frame in (found.sites, found.grids):
        features = json.loads(frame.to_json())["features"]
        assert len(features) == len(frame)
        assert "NaN" not in json.dumps(features)


def test_set_covering_brings_everybody_within_the_limit(here: Workspace) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(model=SitingModel.SET_COVERING, minutes=2))
    assert found.plan.objective == len(found.plan.opened) > 0
    rows = (found.grids["persons"] > 0) & ~found.grids["left_out"]
    assert found.grids.loc[rows, "within_after"].all()


def test_places_are_not_overfilled(here: Workspace) -> None:
    query = SitingQuery(k=2, with_capacity=True, new_capacity_persons=800, demand_share=0.3, time_limit_s=5)
    found = propose_sites(here, PLANNER, query)
    assert found.plan.solved
    assert found.plan.gap is not None
    assert (found.sites["persons"] <= found.sites["capacity_persons"]).all()
    left = found.grids["left_out"]
    assert found.sites["persons"].sum() == found.grids["persons"][~left].sum()


def test_too_few_places_are_an_answer_with_the_number_that_is_missing(here: Workspace) -> None:
    found = propose_sites(
        here, PLANNER, SitingQuery(of="", candidates="school", with_capacity=True, new_capacity_persons=9)
    )
    assert found.plan.status is SitingStatus.INFEASIBLE
    (reason,) = found.plan.reasons
    assert reason.code == "capacity_below_demand"
    assert reason.fields["missing"] == reason.fields["persons"] - reason.fields["places"] > 0
    assert found.after is None


def test_more_sites_than_candidates_is_an_answer(here: Workspace) -> None:
    found = propose_sites(here, PLANNER, SitingQuery(candidates="", points=(middle(here),), k=2))
    (reason,) = found.plan.reasons
    assert (reason.code, reason.fields) == ("k_exceeds_candidates", {"k": 2, "candidates": 1})


def test_nothing_is_built_in_the_water_or_where_it_is_forbidden(here: Workspace) -> None:
    best = propose_sites(here, PLANNER, SitingQuery(candidates="grids", k=1)).plan.opened
    other = propose_sites(here, PLANNER, SitingQuery(candidates="grids", k=1, forbidden=best))
    assert other.plan.opened != best
    dry = propose_sites(here, PLANNER, SitingQuery(candidates="grids", k=1, avoid=("land",)))
    (note,) = [note for note in dry.notes if note.code == "avoided"]
    assert note.ids
    assert not set(note.ids) & set(dry.plan.opened)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"of": "nonsense"}, "no sites 'nonsense'"),
        ({"candidates": "roads"}, "no sites 'roads'"),
        ({"weight": "children_persons"}, "no figures of 'children_persons'"),
        ({"forbidden": ("x",)}, "'x' is no candidate"),
        ({"avoid": ("shelters",)}, "has no areas"),
        ({"demand_share": 0.0}, "share"),
        ({"minutes": 0.0}, "minutes"),
        ({"points": (SitePoint("p", 500.0, 0.0),)}, "not on the globe"),
        ({"points": (SitePoint("p", 1.0, 0.0), SitePoint("p", 2.0, 0.0))}, "twice"),
        ({"model": SitingModel.P_CENTRE, "with_capacity": True}, "capacities"),
    ],
)
def test_bad_input_is_said_with_its_layer_or_id(here: Workspace, change: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        propose_sites(here, PLANNER, SitingQuery(**change))  # type: ignore[arg-type]


def test_what_sites_can_be_taken_from_is_listed(here: Workspace) -> None:
    sources = site_sources(here)
    assert {"shelters", "fire_station", "grids"} <= set(sources)
    assert not {"roads", "workers_table", "elevation"} & set(sources)
