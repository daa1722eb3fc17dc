"""Roads that are closed and opened again: what it does to arrival times, at once, and that nothing of it remains."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import LineString, box, mapping

from gridgov.config import Settings
from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, RightsError
from gridgov.model import TravelMode
from gridgov.model.closures import HOLDS, Closure, added, removed
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.network import CLOSED
from gridgov.operations.changes import read_changes, seen_by
from gridgov.operations.closure_effects import closure_effects
from gridgov.operations.closures import (
    ClosureDraft,
    close_roads,
    closures_of,
    network_now,
    reopen_roads,
    roster_at,
)
from gridgov.operations.dispatching import dispatch_at
from gridgov.operations.hours import hour_view
from gridgov.operations.scenarios import apply_scenario, save_scenario
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
HOUR = timedelta(hours=1)


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture
def spot(here: Workspace) -> tuple[float, float]:
    """A place that somebody reaches, and not at once."""
    for point in here.layer("grids").geometry.representative_point():
        options = dispatch_at(here, BOSS, point.x, point.y, k=2).options
        if len(options) == 2 and options[0].travel_time_ms > 60_000 and len(options[0].coordinates) > 4:
            return point.x, point.y
    raise AssertionError("everybody is there already")


def across(line: tuple[tuple[float, float], ...]) -> dict[str, object]:
    """A short line across the first piece of a way that is not tiny, beside where somebody sets out."""
    points = np.array(line)
    first = int(np.argmax(np.hypot(*np.diff(points, axis=0).T) > 1e-5))
    a, b = points[first], points[first + 1]
    aside = np.array([-(b - a)[1], (b - a)[0]])
    return {"type": "LineString", "coordinates": [((a + b) / 2 + side * aside).tolist() for side in (-0.2, 0.2)]}


def test_a_closed_road_makes_the_nearest_worker_late_and_opening_it_restores_the_plan_exactly(
    here: Workspace, spot: tuple[float, float]
) -> None:
    before, on_the_roads = dispatch_at(here, BOSS, *spot), roster_at(here, here.now())
    first = before.options[0]
    closure, findings = close_roads(here, BOSS, ClosureDraft(geometry=across(first.coordinates), reason="塌方"))
    assert findings == ()
    after = dispatch_at(here, BOSS, *spot)
    same = [option for option in after.options if option.worker_id == first.worker_id]
    assert after.options
    assert not same or same[0].travel_time_ms > first.travel_time_ms
    assert reopen_roads(here, BOSS, closure.closure_id) == closure
    assert dispatch_at(here, BOSS, *spot) == before
    assert roster_at(here, here.now()) is on_the_roads


def test_a_closed_road_is_closed_in_every_travel_mode_and_a_slow_one_takes_longer(here: Workspace) -> None:
    now = here.now()
    close_roads(here, BOSS, ClosureDraft(edges=(3,)))
    close_roads(here, BOSS, ClosureDraft(edges=(8,), factor=0.5))
    for mode in TravelMode:
        view, base = network_now(here, mode, now), hour_view(here, mode, now)
        assert view.travel_time_ms[3] == CLOSED
        if base.travel_time_ms[8] != CLOSED:
            assert abs(int(view.travel_time_ms[8]) - 2 * int(base.travel_time_ms[8])) <= 2


def test_equal_closures_share_one_view_and_none_is_the_view_of_the_hour_itself(here: Workspace) -> None:
    now = here.now()
    assert network_now(here, TravelMode.DRIVE, now) is hour_view(here, TravelMode.DRIVE, now)
    closure, _ = close_roads(here, BOSS, ClosureDraft(edges=(3,)))
    view = network_now(here, TravelMode.DRIVE, now)
    assert network_now(here, TravelMode.DRIVE, now + HOUR / 2) is view
    assert network_now(here, TravelMode.DRIVE, now + 12 * HOUR) is not view
    other, _ = close_roads(here, BOSS, ClosureDraft(edges=(9,)))
    assert network_now(here, TravelMode.DRIVE, now).travel_time_ms[9] == CLOSED
    reopen_roads(here, BOSS, other.closure_id)
    assert network_now(here, TravelMode.DRIVE, now) is view
    reopen_roads(here, BOSS, closure.closure_id)
    assert network_now(here, TravelMode.DRIVE, now) is hour_view(here, TravelMode.DRIVE, now)


def test_a_closure_holds_from_its_beginning_to_before_its_end(here: Workspace, spot: tuple[float, float]) -> None:
    now = here.now()
    before = dispatch_at(here, BOSS, *spot, now=now)
    draft = ClosureDraft(geometry=across(before.options[0].coordinates), valid_from=now + HOUR, valid_to=now + 2 * HOUR)
    closure, _ = close_roads(here, BOSS, draft)
    assert dispatch_at(here, BOSS, *spot, now=now) == before
    assert closures_of(here, PLANNER).closures == (closure,)
    shown = [len(closures_of(here, PLANNER, now + hours * HOUR).closures) for hours in (0, 1, 2)]
    assert shown == [0, 1, 0]


def test_another_process_on_the_same_store_sees_a_closure_at_once(village: Path, tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.sqlite'}")
    one, other = (open_workspace(village, settings=settings) for _ in range(2))
    now = one.now()
    assert network_now(other, TravelMode.WALK, now) is other.network(TravelMode.WALK)
    closure, _ = close_roads(one, BOSS, ClosureDraft(edges=(3,)))
    assert network_now(other, TravelMode.WALK, now).travel_time_ms[3] == CLOSED
    assert one.store.replayed_digest() == one.store.state_digest()
    reopen_roads(other, BOSS, closure.closure_id)
    assert network_now(one, TravelMode.WALK, now) is one.network(TravelMode.WALK)
    assert one.store.replayed_digest() == one.store.state_digest()
    one.store.close()
    other.store.close()


def test_closures_that_contradict_each_other_are_said_with_both_ids(here: Workspace) -> None:
    first, _ = close_roads(here, BOSS, ClosureDraft(edges=(3, 4)))
    close_roads(here, BOSS, ClosureDraft(edges=(11,), factor=0.5))
    second, findings = close_roads(here, BOSS, ClosureDraft(edges=(4, 5), factor=0.5))
    assert [finding.rule for finding in findings] == ["closure_contradiction"]
    assert {findings[0].key, findings[0].detail["other"]} == {first.closure_id, second.closure_id}


def test_what_closes_nothing_is_refused_and_nothing_of_it_is_kept(here: Workspace) -> None:
    now = here.now()
    nowhere = {"type": "LineString", "coordinates": [[0.0, 0.0], [0.1, 0.1]]}
    for draft, words in (
        (ClosureDraft(geometry=nowhere), "hits no road"),
        (ClosureDraft(), "neither edges nor a geometry"),
        (ClosureDraft(edges=(3,), valid_from=now, valid_to=now), "holds at no moment"),
        (ClosureDraft(edges=(3,), valid_to=now - HOUR), "holds at no moment"),
        (ClosureDraft(edges=(10**9,)), "does not exist"),
        (ClosureDraft(edges=(3,), factor=2.0), "factor"),
        (ClosureDraft(edges=(3,), reason="x" * 501), "at most 500"),
    ):
        with pytest.raises(ParameterError, match=words):
            close_roads(here, BOSS, draft)
    assert here.store.head()[0] == 0


def test_a_road_is_opened_once_and_only_if_it_was_closed(here: Workspace) -> None:
    with pytest.raises(RecordNotFoundError):
        reopen_roads(here, BOSS, "260101-ABCDEF")
    closure, _ = close_roads(here, BOSS, ClosureDraft(edges=(3,)))
    reopen_roads(here, BOSS, closure.closure_id, reason="雨停")
    with pytest.raises(ConflictError):
        reopen_roads(here, BOSS, closure.closure_id)
    state = here.store.entity(f"closure:{closure.closure_id}").state
    assert (state["status"] != HOLDS, state["reopened"]["reason"]) == (True, "雨停")


def test_a_closing_that_is_sent_twice_closes_once(here: Workspace) -> None:
    twice = [close_roads(here, BOSS, ClosureDraft(edges=(3,)), idempotency_key="again")[0] for _ in range(2)]
    assert twice[0] == twice[1]
    assert here.store.head()[0] == 1


def test_edges_of_roads_that_were_imported_anew_close_nothing_and_that_is_said(here: Workspace) -> None:
    stale = Closure("old", edges=(3,), topology="sha256:00")
    here.store.append([added(stale, "boss", here.now())])
    network_now(here, TravelMode.DRIVE, here.now())
    placed = closures_of(here, PLANNER)
    assert [(finding.key, finding.rule) for finding in placed.findings] == [("old", "closure_hits_no_edge")]
    some = Person("some", Role.SUPERVISOR, (str(here.layer("grids")["grid_code"].iloc[0]),))
    with pytest.raises(RightsError):
        reopen_roads(here, some, "old")
    reopen_roads(here, BOSS, "old")
    assert closures_of(here, PLANNER).closures == ()


def test_the_log_refuses_to_add_a_closure_twice_or_to_remove_none(here: Workspace) -> None:
    closure, now = Closure("C1", edges=(3,)), here.now()
    with pytest.raises(ParameterError):
        here.store.append([removed("C1", "boss", now)])
    here.store.append([added(closure, "boss", now)])
    with pytest.raises(ParameterError):
        here.store.append([added(closure, "boss", now)])


def test_whoever_sees_the_map_hears_of_a_closed_road(here: Workspace) -> None:
    close_roads(here, BOSS, ClosureDraft(edges=(3,)))
    (change,) = read_changes(here, 0)
    hearing = [seen_by(Person("p", role, ()), change) for role in (Role.PLANNER, Role.WORKER, Role.PUBLIC)]
    assert hearing == [True, True, False]


def test_roads_so_slow_that_no_time_can_tell_are_closed_and_keep_nobody_from_being_sent(
    here: Workspace, spot: tuple[float, float]
) -> None:
    before = dispatch_at(here, BOSS, *spot)
    closure, _ = close_roads(here, BOSS, ClosureDraft(edges=(3,), factor=1e-12))
    assert network_now(here, TravelMode.WALK, here.now()).travel_time_ms[3] == CLOSED
    assert dispatch_at(here, BOSS, *spot).options
    reopen_roads(here, BOSS, closure.closure_id)
    assert dispatch_at(here, BOSS, *spot) == before


def test_a_closure_that_is_over_already_says_so(here: Workspace) -> None:
    now = here.now()
    closure, findings = close_roads(here, BOSS, ClosureDraft(edges=(3,), valid_from=now - 2 * HOUR, valid_to=now))
    assert [(one.rule, one.key) for one in findings] == [("closure_not_then", closure.closure_id)]
    assert close_roads(here, BOSS, ClosureDraft(edges=(4,), valid_to=now + HOUR))[1] == ()


def test_a_key_that_stands_for_another_closure_is_refused(here: Workspace) -> None:
    first, _ = close_roads(here, BOSS, ClosureDraft(edges=(3,)), idempotency_key="one")
    assert close_roads(here, BOSS, ClosureDraft(edges=(3,)), idempotency_key="one")[0] == first
    for other in (ClosureDraft(edges=(4,)), ClosureDraft(edges=(3,), factor=0.5)):
        with pytest.raises(ConflictError, match="another request"):
            close_roads(here, BOSS, other, idempotency_key="one")
    assert closures_of(here, BOSS).closures == (first,)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"edges": (2**70,)}, "does not exist"),
        ({"geometry": {"type": ["Polygon"], "coordinates": []}}, "of type"),
        ({"edges": (3,), "valid_from": datetime.max.replace(tzinfo=UTC)}, "year 9999"),
        ({"edges": (3,), "source": "x" * 501}, "source has 501"),
    ],
)
def test_what_no_closure_can_hold_is_said(here: Workspace, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        close_roads(here, BOSS, ClosureDraft(**given))
    assert here.store.head()[0] == 0


def test_a_moment_that_no_calendar_knows_is_refused(here: Workspace) -> None:
    with pytest.raises(ParameterError, match="year 9999"):
        network_now(here, TravelMode.DRIVE, datetime.max.replace(tzinfo=UTC))


@pytest.fixture
def of_one_grid(here: Workspace) -> tuple[Person, int]:
    """A supervisor of one grid, and a road that touches it."""
    grids, network = here.layer("grids"), here.network()
    for edge in range(network.n_edges):
        touched = grids.sindex.query(LineString(network.edge_coordinates(edge)), predicate="intersects")
        if len(touched) == 1:
            return Person("some", Role.SUPERVISOR, (str(grids["grid_code"].iloc[touched[0]]),)), edge
    raise AssertionError("every road lies in several grids")


def test_whoever_looks_after_a_part_closes_and_opens_roads_only_there(
    here: Workspace, of_one_grid: tuple[Person, int]
) -> None:
    person, edge = of_one_grid
    city = ClosureDraft(geometry=mapping(box(*here.layer("grids").total_bounds)))
    assert closure_effects(here, person, [city]).summary.edges > 100  # to ask is not refused
    with pytest.raises(RightsError, match=r"also hits \d+ roads outside the area of account some, the first is .+; dr"):
        close_roads(here, person, city)
    assert here.store.head()[0] == 0
    own, _ = close_roads(here, person, ClosureDraft(edges=(edge,)))
    assert reopen_roads(here, person, own.closure_id) == own
    large, _ = close_roads(here, BOSS, city)
    with pytest.raises(RightsError, match="also hits"):
        reopen_roads(here, person, large.closure_id)
    assert closures_of(here, person).closures == (large,)


def test_a_road_elsewhere_is_named_and_a_closure_that_hits_no_road_is_told_so(
    here: Workspace, of_one_grid: tuple[Person, int]
) -> None:
    person, edge = of_one_grid
    other = next(e for e in range(edge + 1, here.network().n_edges) if here.network().street_name(e))
    while _touches(here, other, person):
        other += 1
    streets = here.network().topology.streets.street_of_edge
    assert streets[other] != streets[edge]
    name = here.network().street_name(other) or f"edge {other}"
    with pytest.raises(RightsError, match=f" hits 1 road outside the area of account some, the first is {name};"):
        close_roads(here, person, ClosureDraft(edges=(other,)))
    far = here.layer("grids").total_bounds[:2] - 1.0
    speck = mapping(box(*(far - 1e-7), *far))
    with pytest.raises(RightsError, match="touches no grid"):
        close_roads(here, person, ClosureDraft(geometry=speck))


def _touches(here: Workspace, edge: int, person: Person) -> bool:
    grid = here.layer("grids").set_index("grid_code").geometry[person.areas[0]]
    return bool(grid.intersects(LineString(here.network().edge_coordinates(edge))))


def test_a_scenario_is_put_in_force_only_by_whose_area_holds_all_its_roads(
    here: Workspace, of_one_grid: tuple[Person, int]
) -> None:
    person, edge = of_one_grid
    elsewhere = next(e for e in range(here.network().n_edges) if not _touches(here, e, person))
    both = save_scenario(here, BOSS, "both", [ClosureDraft(edges=(edge,)), ClosureDraft(edges=(elsewhere,))])
    with pytest.raises(RightsError, match="hits 1 road outside"):
        apply_scenario(here, person, both.scenario_id)
    assert closures_of(here, BOSS).closures == ()
    own = save_scenario(here, person, "own", [ClosureDraft(edges=(edge,))])
    assert len(apply_scenario(here, person, own.scenario_id)[0]) == 1
