"""Scenario files that were saved, edited, or taken to another workspace: the same roads and types, or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.scenario_files import scenario_of
from gridgov.operations.what_if import run_scenario, stamped
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
ASKED = {"near": ["shelters"], "minutes": 3, "resources": ["forest"]}
CLOSED = {"kind": "close_roads", "edges": [3, 4]}


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def saved(here: Workspace, *changes: dict[str, Any]) -> dict[str, Any]:
    """Return what --save writes."""
    return scenario_of(here, PLANNER, {"name": "方案", "change": list(changes), "question": ASKED}).to_dict()


def test_a_saved_closure_says_of_which_roads_its_edges_are_and_is_refused_on_others(here: Workspace) -> None:
    file = saved(here, CLOSED)
    assert file["closures"][0]["topology"] == here.network().topology.digest
    file["closures"][0]["topology"] = "sha256:of-another-district"
    with pytest.raises(ParameterError, match="names edges of another road network; draw it again"):
        run_scenario(here, PLANNER, scenario_of(here, PLANNER, file))


def test_a_file_of_old_without_that_is_taken_on_its_own_data_alone(here: Workspace) -> None:
    file = saved(here, CLOSED)
    file["closures"][0]["topology"] = ""
    assert scenario_of(here, PLANNER, file).closures[0].topology == here.network().topology.digest
    file["base"]["data"] = "0123456789abcdef"
    with pytest.raises(ParameterError, match="network that is not known, and scenario 方案 was made on other data"):
        scenario_of(here, PLANNER, file)


def test_a_scenario_of_python_has_the_digest_of_its_file(here: Workspace) -> None:
    asked = Scenario("a", (Closure("c", edges=(3, 4)),), question=Question(near=("shelters",), resources=("forest",)))
    run = run_scenario(here, PLANNER, asked)
    assert run.scenario == stamped(here, asked)
    assert run_scenario(here, PLANNER, Scenario.from_dict(run.scenario.to_dict())).digest == run.digest


def test_closures_in_another_order_are_the_same_scenario(here: Workspace) -> None:
    other = {"kind": "close_roads", "edges": [9], "factor": 0.5}
    one, again = (Scenario.from_dict(saved(here, *order)) for order in ((CLOSED, other), (other, CLOSED)))
    assert one.digest == again.digest
    assert len({each.closure_id for each in one.closures}) == 2


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("question.evacuate", "no", "question.evacuate is 'no'; give true or false"),
        ("question.month", 1, "question.month is 1; give true or false"),
        ("question.minutes", "x", "question.minutes is 'x'; give a number"),
        ("question.minutes", None, "question.minutes is None; give a number"),
        ("question.mode", "fly", "question.mode is 'fly'; give one of drive"),
        ("question.mode", ["drive"], "question.mode is .*give one of drive"),
        ("question.near", "shelters", "question.near is 'shelters'; give a list of words"),
        ("question.resources", [1], "question.resources is .*give a list of words"),
        ("question.hazard", 7, "question.hazard is 7; give a table"),
        ("question.hazard", {"kind": "drawn"}, "question.hazard: cannot be read"),
        ("question.hazard", {"kind": "drawn", "colour": 1}, "question.hazard has no 'colour'"),
        ("question.colour", 1, "question has no 'colour'; known are"),
        ("question", "x", "question is 'x'; give a table"),
        ("base.at", "yesterday", "base.at is 'yesterday'; give a time"),
        ("base.at", "2026-06-30T10:00:00", "base.at is .*with an offset"),
        ("base.data", 3, "base.data is 3; give a word"),
        ("base.colour", 3, "base has no 'colour'"),
        ("seed", "x", "seed is 'x'; give a number"),
        ("seed", 1.5, "seed is 1.5; give a whole number"),
        ("colour", 1, "the scenario has no 'colour'"),
        ("name", None, "name is None; give a word"),
        ("closures", 7, "closures is 7; give a list of tables"),
        ("closures", [{"closure_id": "c", "edges": ["3"]}], r"closures\[1\].edges is .*whole numbers"),
        ("closures", [{"edges": [3]}], r"closures\[1\].closure_id is missing"),
        ("closures", [{"closure_id": "c", "edges": [3], "modes": ["fly"]}], r"closures\[1\].modes is .*drive"),
        ("closures", [{"closure_id": "c", "edges": [3], "valid_to": "soon"}], r"closures\[1\].valid_to is 'soon'"),
        ("closures", [{"closure_id": "c", "edges": [3], "until": "x"}], r"closures\[1\] has no 'until'"),
        ("changes", [{"kind": "scale_speeds", "factor": "x"}], r"changes\[1\]: scale_speeds: factor is 'x'"),
    ],
)
def test_a_saved_file_that_was_edited_wrongly_names_the_word(
    here: Workspace, place: str, value: object, said: str
) -> None:
    file = saved(here, CLOSED)
    *tables, word = place.split(".")
    (file[tables[0]] if tables else file)[word] = value
    with pytest.raises(ParameterError, match=said) as refused:
        scenario_of(here, PLANNER, file)
    assert "\n" not in str(refused.value)
