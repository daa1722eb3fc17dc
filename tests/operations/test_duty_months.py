"""Duty areas and cut grids in scenarios: taken over from a redesign, shown by a simulated month, compared A/B."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ParameterError, RightsError
from gridgov.grids.redesign import RedesignParams
from gridgov.model.changes import DutyAssigned, GridsMerged, GridSplit
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.duty_months import duty_after, duty_change
from gridgov.operations.redesigning import DutyRedesign, RedesignQuery, redesign_duty
from gridgov.operations.scenario_comparison import compare_scenarios
from gridgov.operations.scenario_drafts import scenario_file, scenario_from_bytes, try_scenario
from gridgov.operations.scenario_files import scenario_of
from gridgov.operations.what_if import base_of, run_scenario, unchanged
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
QUICK = RedesignQuery(params=RedesignParams(time_limit_s=0.3, rounds=10))
MONTH = Question(near=("shelters",), resources=(), month=True)
CODES = ("response_median", "response_p90", "by_owner", "uneven_work", "unreached_incidents")


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture(scope="module")
def found(here: Workspace) -> DutyRedesign:
    return redesign_duty(here, PLANNER, QUICK)


def scenario(here: Workspace, *changes: Any, question: Question = MONTH) -> Scenario:
    return Scenario("方案", changes=tuple(changes), question=question, base=base_of(here))


def halved(here: Workspace, row: int) -> GridSplit:
    """A cut of a grid from west to east."""
    grids = here.layer("grids")
    west, south, east, north = grids.geometry.iloc[row].bounds
    middle = (south + north) / 2
    line = shapely.LineString([(west - 1e-3, middle), (east + 1e-3, middle)])
    code = str(grids["grid_code"].iloc[row])
    return GridSplit(code, mapping(line), (code, f"{code[:12]}998"))


def test_a_redesign_is_taken_over_without_saying_who_works_there(here: Workspace, found: DutyRedesign) -> None:
    change = duty_change(here, PLANNER, found)
    ids = set(here.layer("workers")["worker_id"].astype(str))
    assert not ids & set(change.duty)
    book = duty_after(here, (change,))
    codes = found.grids["grid_code"].astype(str).tolist()
    for code, owner in zip(codes, found.answer.owner.tolist(), strict=True):
        if owner >= 0:
            assert book.of[code] == (str(found.problem.worker_id[owner]),)
    with pytest.raises(RightsError):
        duty_change(here, Person("worker", Role.WORKER, EVERYWHERE), found)


def test_two_ways_to_cut_duty_areas_are_compared_by_response_time(here: Workspace, found: DutyRedesign) -> None:
    new = scenario(here, duty_change(here, PLANNER, found))
    compared = compare_scenarios(here, PLANNER, unchanged(new, "现状"), new)
    rows = {row.code: row for row in compared.differences}
    assert set(CODES) <= set(rows)
    assert rows["response_median"].change is not None
    assert rows["by_owner"].second > rows["by_owner"].first  # type: ignore[operator]  # today's lists have gaps
    assert rows["time_median"].change == 0.0, "duty changes nothing along the roads"
    assert run_scenario(here, PLANNER, new).digest == compared.second.digest


def test_a_scenario_with_duty_comes_back_from_its_file(here: Workspace, found: DutyRedesign) -> None:
    new = scenario(here, duty_change(here, PLANNER, found), halved(here, 0))
    again = scenario_from_bytes(here, PLANNER, scenario_file(here, PLANNER, new), "方案.json")
    assert json.dumps(again.to_dict()) == json.dumps(new.to_dict())
    assert again.question == new.question
    assert again.digest == new.digest


def test_a_question_without_a_month_says_the_same_as_before() -> None:
    assert "month" not in Question().to_dict()
    assert Question.from_dict(json.loads(json.dumps(MONTH.to_dict()))) == MONTH


def test_duty_follows_grids_that_merge_and_split(here: Workspace) -> None:
    codes = here.layer("grids")["grid_code"].astype(str).tolist()
    book = duty_after(here, ())
    split = halved(here, 0)
    after = duty_after(here, (split,)).of
    assert [after[code] for code in split.codes] == [book.of[codes[0]]] * 2
    merged = duty_after(here, (GridsMerged((codes[0], codes[1]), codes[1]),)).of
    assert set(merged[codes[1]]) == {*book.of[codes[0]], *book.of[codes[1]]}
    assert codes[0] not in merged


def test_every_incident_of_a_cut_grid_goes_to_the_part_it_lies_in(here: Workspace) -> None:
    incidents = here.layer("incidents")["grid_code"].astype(str).value_counts()
    row = here.layer("grids")["grid_code"].astype(str).tolist().index(incidents.index[0])
    split = scenario(here, halved(here, row))
    base, cut = (run_scenario(here, PLANNER, each) for each in (unchanged(split, "现状"), split))
    for code in CODES:  # both parts keep the worker, so nothing else changes
        assert cut.value(code) == pytest.approx(base.value(code)), code


def test_the_month_is_driven_on_the_roads_of_the_scenario(here: Workspace) -> None:
    network = here.network()
    every = Closure("slow", edges=tuple(range(network.n_edges)), factor=0.25)
    slow = replace(scenario(here), closures=(every,))
    base, slowed = (run_scenario(here, PLANNER, each) for each in (unchanged(slow, "现状"), slow))
    assert slowed.value("response_median") > base.value("response_median")  # type: ignore[operator]


def test_duty_without_a_month_would_change_nothing_and_is_refused(here: Workspace, found: DutyRedesign) -> None:
    silent = scenario(here, duty_change(here, PLANNER, found), question=Question(near=("shelters",), resources=()))
    with pytest.raises(ParameterError, match="only a simulated month of dispatch shows what they do"):
        run_scenario(here, PLANNER, silent)


def test_wrong_duty_is_refused_by_name(here: Workspace) -> None:
    book = duty_after(here, ())
    worker, community = next(iter(book.community.items()))
    grids = here.layer("grids")
    own = str(grids.loc[grids["community_code"] == community, "grid_code"].iloc[0])
    away = str(grids.loc[grids["community_code"] != community, "grid_code"].iloc[0])
    for duty, sentence in (
        ({"nobody": [own]}, "no worker 'nobody'"),
        ({worker: ["0"]}, "there is no grid '0'"),
        ({worker: [away]}, "duty stays within a community"),
    ):
        with pytest.raises(ParameterError, match=sentence):
            try_scenario(here, PLANNER, scenario(here, DutyAssigned(duty)))
    assert duty_after(here, (DutyAssigned({worker: [own]}),)).of[own] == (worker,)


def test_a_month_without_history_is_refused(here: Workspace) -> None:
    data = {"at": "1990-01-01T00:00:00+08:00", "question": {"near": ["shelters"], "month": True}}
    with pytest.raises(ParameterError, match="no incident was reported before 1990-01-01"):
        run_scenario(here, PLANNER, scenario_of(here, PLANNER, data, name="早"))


def test_shares_of_incidents_lie_between_nothing_and_all(here: Workspace) -> None:
    run = run_scenario(here, PLANNER, scenario(here))
    for code in ("by_owner", "uneven_work"):
        assert 0 <= float(run.value(code) or np.nan) <= 1
