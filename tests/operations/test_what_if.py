"""Scenarios of any change: run on a workspace as it would be, compared figure by figure, the same on every day."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ConflictError, LayerNotFoundError, ParameterError, RightsError, SourceError
from gridgov.hazards import drawn_hazard
from gridgov.model.changes import AreaTaken, PlaceAdded, PlaceChanged, PopulationScaled, SpeedsScaled, VersionUsed
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.closures import ClosureDraft, close_roads
from gridgov.operations.coverage import CoverageQuery, coverage
from gridgov.operations.hazards import district_area
from gridgov.operations.scenario_comparison import compare_scenarios
from gridgov.operations.scenario_files import read_scenario_file, scenario_of
from gridgov.operations.scenarios import apply_scenario, keep_scenario, scenarios_of
from gridgov.operations.what_if import ScenarioRun, base_of, run_scenario, stamped, unchanged, weighted_quantiles
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
BOSS = Person("boss", Role.COMMANDER, EVERYWHERE)
FILE = Path(__file__).with_name("scenario.toml")
SHELTERS = Question(near=("shelters",), minutes=3.0, resources=("forest",))


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture
def question(here: Workspace) -> Question:
    """Shelters, and how the middle of the village gets away from a drawn hazard."""
    west, south, east, north = here.bounds
    area = shapely.Point((west + east) / 2, (south + north) / 2).buffer(0.003)
    hazard = drawn_hazard(mapping(area), district=district_area(here), metric_crs=here.metric_crs)
    return Question(near=("shelters",), resources=("forest",), hazard=hazard, evacuate=True, evacuation_s=60.0)


def scenario(here: Workspace, *changes: object, question: Question = SHELTERS, closures: tuple = ()) -> Scenario:
    return Scenario("方案", closures, tuple(changes), question, base_of(here))  # type: ignore[arg-type]


def times(run: ScenarioRun) -> pd.Series:
    """Seconds from each grid to its nearest shelter; infinite where there is no way."""
    return run.by_grid["shelters_s"].fillna(np.inf)


def test_without_changes_the_figures_are_those_of_real_life(here: Workspace) -> None:
    run = run_scenario(here, PLANNER, scenario(here))
    shown = coverage(here, PLANNER, CoverageQuery(of="shelters", minutes=3.0))
    real = shown.frame["travel_time_ms"].astype("Float64").to_numpy(dtype=float, na_value=np.nan) / 1000
    assert np.array_equal(run.by_grid["shelters_s"], real, equal_nan=True)
    assert run.value("share_within", "shelters") == pytest.approx(1 - (shown.summary.share_beyond or 0))
    assert run.value("area", "forest") == pytest.approx(here.layer("forest").to_crs(here.metric_crs).area.sum())
    assert run.layers == {}
    assert not run.data_changed


def test_a_new_shelter_is_nearer_to_those_around_it_and_farther_from_nobody(here: Workspace) -> None:
    far = times(run_scenario(here, PLANNER, scenario(here))).replace(np.inf, 0.0)
    point = here.layer("grids").geometry.representative_point().iloc[int(far.idxmax())]
    added = PlaceAdded("shelters", "new", point.x, point.y, {"capacity_persons": 500})
    run = run_scenario(here, PLANNER, scenario(here, added))
    assert times(run)[far.idxmax()] < far.max() / 4
    assert (times(run)[far > 0] <= far[far > 0]).all()
    assert run.layers["shelters"]["shelter_id"].iloc[-1] == "new"
    assert "new" not in set(here.layer("shelters")["shelter_id"])


def test_slower_roads_take_longer_by_just_that_factor(here: Workspace) -> None:
    base = times(run_scenario(here, PLANNER, scenario(here)))
    slow = times(run_scenario(here, PLANNER, scenario(here, SpeedsScaled(0.5))))
    assert slow.to_numpy() == pytest.approx(2 * base.to_numpy(), abs=0.1)  # every edge is rounded to a millisecond


def test_a_closed_road_makes_no_trip_shorter_and_is_closed_in_the_scenario_alone(here: Workspace) -> None:
    base = run_scenario(here, PLANNER, scenario(here))
    closed = scenario(here, closures=(Closure("c", edges=tuple(range(40))),))
    shut = times(run_scenario(here, PLANNER, closed))
    assert (shut >= times(base)).all()
    assert (shut > times(base)).any()
    assert run_scenario(here, PLANNER, scenario(here)).digest == base.digest
    assert here.store.head()[0] == 0


def test_more_people_and_a_lost_forest_show_in_their_figures(here: Workspace, question: Question) -> None:
    quick = Question(near=("shelters",), resources=("forest",), hazard=question.hazard)
    forest = here.layer("forest").to_crs(here.metric_crs)
    lost = AreaTaken("forest", mapping(here.layer("forest").geometry.iloc[0]))
    both = compare_scenarios(
        here, PLANNER, scenario(here, question=quick), scenario(here, PopulationScaled(2.0), lost, question=quick)
    )
    rows = {(each.code, each.subject): each for each in both.differences}
    risk, area = rows["at_risk_persons", ""], rows["area", "forest"]
    assert risk.second == pytest.approx(2 * (risk.first or 0), rel=1e-3)
    assert (risk.verdict, area.verdict) == ("worse", "worse")
    assert area.change == pytest.approx(-forest.area.iloc[0], rel=1e-6)


def test_the_same_scenario_on_another_day_gives_the_same_digest(village: Path, question: Question) -> None:
    digests = []
    kept = ""
    for day in range(2):
        moment = datetime(2026, 8, 1 + day, 3 * day, tzinfo=UTC)
        here = open_workspace(village, settings=Settings(store="memory:"), clock=lambda moment=moment: moment)
        here.start_clock()
        if not day:
            close_roads(here, BOSS, ClosureDraft(edges=(7,)))
            asked = scenario(here, SpeedsScaled(0.9), question=question, closures=(Closure("c", edges=(3, 4)),))
            kept = json.dumps(asked.to_dict())
        else:
            close_roads(here, BOSS, ClosureDraft(edges=(9, 10)))  # the scenario keeps what held when it was made
        run = run_scenario(here, PLANNER, Scenario.from_dict(json.loads(kept)))
        assert all(each.exact for each in run.indicators)
        digests.append(run.digest)
    assert digests[0] == digests[1]


def test_a_plan_is_compared_with_its_bound(here: Workspace, question: Question) -> None:
    first = here.layer("shelters")["shelter_id"].iloc[0]
    more = PlaceChanged("shelters", str(first), {"capacity_persons": 100_000})
    both = compare_scenarios(here, PLANNER, scenario(here, question=question), scenario(here, more, question=question))
    for run in (both.first, both.second):
        assert run.plan is not None
        assert (run.value("clearance_bound") or 0) <= (run.value("clearance_time") or 0)
    assert {each.code for each in both.differences} >= {"clearance_time", "clearance_bound", "unmet_persons"}


def test_different_questions_are_not_compared(here: Workspace) -> None:
    other = Scenario("b", question=Question(minutes=7.0))
    with pytest.raises(ParameterError, match="ask different questions"):
        compare_scenarios(here, PLANNER, scenario(here), other)


def test_a_file_says_the_same_as_the_scenario_that_it_becomes(here: Workspace, tmp_path: Path) -> None:
    read = read_scenario_file(here, PLANNER, FILE)
    assert (read.name, len(read.changes), read.closures[0].edges) == ("一座新避难场所，一段断路", 1, (3, 4))
    whole = tmp_path / "whole.json"
    whole.write_text(json.dumps(read.to_dict()))
    again = read_scenario_file(here, PLANNER, whole)
    assert again == read
    assert again.digest == read.digest
    assert unchanged(read, "现状").digest != read.digest


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour = 1", "the scenario has no 'colour'"),
        ("seed = 1.5", "seed is 1.5"),
        ("at = 'morning'", "at is 'morning'"),
        ("[question]\nnear = 'shelters'", "near is 'shelters'; give a list"),
        ("[question]\nmode = 'fly'", "mode is 'fly'"),
        ("[[change]]\nkind = 'close_roads'\nedges = [1]\nvalid_from = 'soon'", "close_roads 1: valid_from is 'soon'"),
        ("[question]\nevacuate = 'no'", "evacuate is 'no'; give true or false"),
        ("[question]\nevacuate = true", "no hazard to leave"),
        ("[[change]]\nkind = 'close_roads'", "neither edges nor a geometry"),
        ("[[change]]\nkind = 'close_roads'\nedges = ['a']", "edges is .*give a list of whole numbers"),
        ("[[change]]\nkind = 'close_roads'\nedges = [1]\nuntil = 3", "close_roads has no 'until'"),
        ("[hazard]\nlevel = 2", "hazard has no geometry"),
        ("change = 3", "no list of tables"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(here: Workspace, tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ParameterError, match=rf"bad\.toml: .*{sentence}"):
        read_scenario_file(here, PLANNER, file)


def test_a_file_that_is_none_is_refused(here: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_scenario_file(here, PLANNER, tmp_path / "none.toml")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(SourceError, match=r"is no \.json file"):
        read_scenario_file(here, PLANNER, broken)


def test_a_value_that_a_field_cannot_have_is_refused(here: Workspace) -> None:
    wrong = PlaceAdded("shelters", "new", 119.0, 29.6, {"capacity_persons": -5})
    with pytest.raises(ParameterError, match="add_place new: capacity_persons = -5"):
        run_scenario(here, PLANNER, scenario(here, wrong))
    with pytest.raises(ParameterError, match="no road is of the class moon"):
        run_scenario(here, PLANNER, scenario(here, SpeedsScaled(2.0, ("moon",))))
    with pytest.raises(ParameterError, match="edge"):
        run_scenario(here, PLANNER, scenario(here, closures=(Closure("c", edges=(10_000_000,)),)))
    with pytest.raises(ParameterError, match="the question asks for 'zoo'"):
        run_scenario(here, PLANNER, scenario(here, question=Question(near=("zoo",))))


def test_another_version_of_a_layer_counts_and_one_that_is_not_there_is_named(here: Workspace) -> None:
    version = here.entry("forest").version
    same = run_scenario(here, PLANNER, scenario(here, VersionUsed("forest", version)))
    assert same.value("area", "forest") == run_scenario(here, PLANNER, scenario(here)).value("area", "forest")
    with pytest.raises(LayerNotFoundError, match="'forest' has no version 'forest@1999'"):
        run_scenario(here, PLANNER, scenario(here, VersionUsed("forest", "1999")))


def test_a_scenario_with_other_changes_is_kept_but_not_put_in_force(here: Workspace) -> None:
    closures = (Closure("c", edges=(3, 4)),)
    saved = keep_scenario(here, PLANNER, scenario(here, SpeedsScaled(0.5), closures=closures))
    assert saved.scenario == stamped(here, scenario(here, SpeedsScaled(0.5), closures=closures))
    assert scenarios_of(here, PLANNER) == ()
    assert scenarios_of(here, PLANNER, any_changes=True) == (saved,)
    with pytest.raises(ConflictError, match="changes more than closures"):
        apply_scenario(here, BOSS, saved.scenario_id)
    assert here.store.replayed_digest() == here.store.state_digest()


def test_whoever_may_not_make_scenarios_learns_nothing(here: Workspace) -> None:
    worker = Person("w", Role.WORKER, EVERYWHERE)
    with pytest.raises(RightsError):
        run_scenario(here, worker, scenario(here))
    with pytest.raises(RightsError):
        scenario_of(here, worker, {})


def test_quantiles_count_people_not_grids() -> None:
    times, people = np.array([10.0, 20.0, np.nan, 30.0]), np.array([1.0, 8.0, 1.0, np.nan])
    assert weighted_quantiles(times, people, (0.05, 0.5, 0.9, 0.95)) == (10.0, 20.0, 20.0, None)
    assert weighted_quantiles(times, np.zeros(4), (0.5,)) == (None,)


def test_old_scenarios_of_closures_alone_read_as_before() -> None:
    old = {"name": "旧", "closures": [Closure("a", edges=(1,), valid_from=datetime(2026, 1, 1, tzinfo=UTC)).to_dict()]}
    read = Scenario.from_dict(old)
    assert read.only_closures
    assert read.to_dict() == old
    assert read.closures[0].holds_at(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1))
