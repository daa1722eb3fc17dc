"""Scenarios of closures: kept without closing anything, put in force all at once, and closures of hazards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import shapely

from gridgov.config import Settings
from gridgov.errors import ConflictError, LayerNotFoundError, ParameterError, RecordNotFoundError
from gridgov.model import TravelMode
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.scenarios import saved as saved_event
from gridgov.model.what_if import Scenario
from gridgov.operations.closure_effects import closure_effects
from gridgov.operations.closures import ClosureDraft, close_roads, closures_of, network_now, reopen_roads
from gridgov.operations.scenarios import (
    apply_scenario,
    draft_from_hazard,
    read_scenario,
    remove_scenario,
    rename_scenario,
    save_scenario,
    scenarios_of,
)
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
DRAFTS = [
    ClosureDraft(edges=(3, 4)),
    ClosureDraft(edges=(9,), factor=0.5, modes=(TravelMode.DRIVE,), source="hazards:H1"),
]


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def test_a_scenario_is_never_part_of_the_network_until_it_is_put_in_force(here: Workspace) -> None:
    now, mode = here.now(), TravelMode.DRIVE
    free = network_now(here, mode, now)
    saved = save_scenario(here, BOSS, " 南桥 ", DRAFTS)
    assert (saved.name, len(saved.scenario.closures)) == ("南桥", 2)
    assert network_now(here, mode, now) is free
    assert closures_of(here, BOSS).closures == ()
    tried = closure_effects(here, BOSS, scenario=saved.scenario_id)
    made, findings = apply_scenario(here, BOSS, saved.scenario_id)
    assert findings == ()
    assert [one.source for one in made] == [f"scenario:{saved.scenario_id}", "hazards:H1"]
    assert {one.valid_from for one in made} == {now}
    assert closures_of(here, BOSS).closures == tuple(sorted(made, key=lambda one: one.closure_id))
    assert network_now(here, mode, now).travel_time_ms[tried.edges.edge_id].tolist() != (
        free.travel_time_ms[tried.edges.edge_id].tolist()
    )
    assert closure_effects(here, BOSS, reopened=[one.closure_id for one in made]).summary.edges == len(tried.edges)
    assert here.store.replayed_digest() == here.store.state_digest()


def test_names_are_changed_and_are_not_given_twice(here: Workspace) -> None:
    one, other = (save_scenario(here, BOSS, name, DRAFTS) for name in ("北桥", "东桥"))
    with pytest.raises(ConflictError, match="东桥"):
        save_scenario(here, BOSS, "东桥", DRAFTS)
    with pytest.raises(ConflictError, match="东桥"):
        rename_scenario(here, BOSS, one.scenario_id, "东桥")
    assert rename_scenario(here, BOSS, one.scenario_id, "西桥").name == "西桥"
    assert [saved.name for saved in scenarios_of(here, BOSS)] == ["东桥", "西桥"]
    remove_scenario(here, BOSS, other.scenario_id)
    assert [saved.scenario_id for saved in scenarios_of(here, BOSS)] == [one.scenario_id]
    for act in (read_scenario, remove_scenario, apply_scenario):
        with pytest.raises(RecordNotFoundError, match="there is no scenario"):
            act(here, BOSS, other.scenario_id)
    assert here.store.replayed_digest() == here.store.state_digest()


def test_a_repeated_request_keeps_and_closes_once(here: Workspace) -> None:
    first = save_scenario(here, BOSS, "桥", DRAFTS, idempotency_key="one")
    assert save_scenario(here, BOSS, "桥", DRAFTS, idempotency_key="one") == first
    made, _ = apply_scenario(here, BOSS, first.scenario_id, idempotency_key="two")
    assert apply_scenario(here, BOSS, first.scenario_id, idempotency_key="two")[0] == made
    assert len(closures_of(here, BOSS).closures) == 2


def test_what_closes_nothing_is_no_scenario(here: Workspace) -> None:
    nowhere = ClosureDraft(geometry={"type": "LineString", "coordinates": [[0.0, 0.0], [0.1, 0.1]]})
    for name, drafts, words in (("", DRAFTS, "1 to 80"), ("x", [], "not 0"), ("x", [nowhere], "scenario-1 .* no road")):
        with pytest.raises(ParameterError, match=words):
            save_scenario(here, BOSS, name, drafts)
    assert here.store.head()[0] == 0


def test_a_hazard_becomes_a_closure_with_its_source(here: Workspace) -> None:
    hazards = here.layer("hazards")
    kinds = dict(zip(hazards.geometry.geom_type, hazards["hazard_id"].astype(str), strict=True))
    area = draft_from_hazard(here, BOSS, "hazards", kinds["Polygon"])
    row = hazards[hazards["hazard_id"] == kinds["Polygon"]].iloc[0]
    assert shapely.geometry.shape(area.geometry).equals(row.geometry)
    assert area.source == f"hazards:{kinds['Polygon']}"
    with pytest.raises(ParameterError, match="within how many metres"):
        draft_from_hazard(here, BOSS, "hazards", kinds["Point"])
    around = draft_from_hazard(here, BOSS, "hazards", kinds["Point"], buffer_m=150.0)
    closure, _ = close_roads(here, BOSS, around)
    assert closure.source == f"hazards:{kinds['Point']}"
    with pytest.raises(RecordNotFoundError, match="has no hazard 'none'"):
        draft_from_hazard(here, BOSS, "hazards", "none")
    with pytest.raises(RecordNotFoundError, match="holds no hazards"):
        draft_from_hazard(here, BOSS, "grids", "none")
    with pytest.raises(LayerNotFoundError):
        draft_from_hazard(here, BOSS, "castles", "none")


def test_what_is_in_force_already_is_not_closed_a_second_time(here: Workspace) -> None:
    saved = save_scenario(here, BOSS, "桥", DRAFTS)
    made, _ = apply_scenario(here, BOSS, saved.scenario_id)
    with pytest.raises(ConflictError, match="on the books already"):
        apply_scenario(here, BOSS, saved.scenario_id)
    reopen_roads(here, BOSS, made[0].closure_id)
    assert len(apply_scenario(here, BOSS, saved.scenario_id)[0]) == 2


def test_a_key_that_stands_for_something_else_is_refused(here: Workspace) -> None:
    one, other = (save_scenario(here, BOSS, name, DRAFTS[:n]) for name, n in (("一", 1), ("二", 2)))
    apply_scenario(here, BOSS, one.scenario_id, idempotency_key="k")
    with pytest.raises(ConflictError, match="another request"):
        apply_scenario(here, BOSS, other.scenario_id, idempotency_key="k")
    with pytest.raises(ConflictError, match="another request"):
        save_scenario(here, BOSS, "三", DRAFTS, idempotency_key="k")
    assert len(closures_of(here, BOSS).closures) == 1


def test_a_scenario_of_roads_that_were_imported_anew_closes_nothing(here: Workspace) -> None:
    """Its edge ids would mean other roads, and one beyond the last would keep everybody from being sent."""
    old = [Closure("scenario-1", edges=(edge,), topology="sha256:of-other-roads") for edge in (3, 10**6)]
    for number, closure in enumerate(old):
        here.store.append([saved_event(f"old-{number}", Scenario(f"旧{number}", (closure,)), "boss", here.now())])
        with pytest.raises(ParameterError, match="another road network"):
            apply_scenario(here, BOSS, f"old-{number}")
    assert closures_of(here, BOSS).closures == ()


def test_a_name_that_many_take_at_once_is_given_to_one(here: Workspace) -> None:
    def save(number: int) -> bool:
        try:
            return bool(save_scenario(here, BOSS, "同名", [ClosureDraft(edges=(number,))]))
        except ConflictError:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(save, range(6))) == 1
