"""Coverage of the grids: equal to the whole table of times, as classes for a map, kept until something changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.network.planning import EARLY_STOP
from gridgov.operations.closures import ClosureDraft, close_roads, network_now, reopen_roads, roster_at
from gridgov.operations.coverage import (
    CoverageQuery,
    can_go,
    coverage,
    coverage_subjects,
    fixed_places,
    grid_places,
    grid_values,
)
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def in_order(times: np.ndarray) -> np.ndarray:
    """Rising times for each grid, sources in rows; infinite where there is no way."""
    return np.sort(np.where(times < 0, np.inf, times.astype(float)), axis=0)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_workers_come_each_in_their_own_mode_and_are_counted_within_the_limit(here: Workspace, order: int) -> None:
    found = coverage(here, BOSS, CoverageQuery(minutes=2.0, order=order))
    roster = roster_at(here, here.now())
    able, parts = can_go(roster, here.now()), []
    for mode, group in roster.groups.items():
        own = group.places[np.flatnonzero(able[group.rows])]
        parts.append(group.network.travel_times(own, grid_places(here, mode), engine=EARLY_STOP))
    times = in_order(np.vstack(parts))
    for shown, row in ((found.travel_time_ms, 0), (found.order_time_ms, order - 1)):
        assert np.where(shown < 0, np.inf, shown).tolist() == times[row].tolist()
    assert found.within.tolist() == (times <= 120_000).sum(axis=0).tolist()
    assert found.summary.grids_within == int((found.within >= order).sum())
    assert found.sources == int(able.sum())
    assert ((found.nearest_id == "") == (found.travel_time_ms < 0)).all()


@pytest.mark.parametrize(("of", "leaving"), [("shelters", False), ("fire_station", True)])
def test_people_go_to_shelters_and_fire_engines_come(here: Workspace, of: str, *, leaving: bool) -> None:
    network, mode = network_now(here, TravelMode.DRIVE, here.now()), TravelMode.DRIVE
    _, places = fixed_places(here, of, mode)
    grids = grid_places(here, mode)
    times = network.travel_times(places, grids) if leaving else network.travel_times(grids, places).T
    found = coverage(here, BOSS, CoverageQuery(of=of))
    assert np.where(found.travel_time_ms < 0, np.inf, found.travel_time_ms).tolist() == in_order(times)[0].tolist()


def test_more_than_there_are_is_nowhere_and_never_infinite(here: Workspace) -> None:
    found = coverage(here, BOSS, CoverageQuery(of="fire_station", order=20))
    assert (found.order_time_ms == -1).all()
    assert found.frame["order_time_ms"].isna().all()
    assert found.summary.grids_unreached == len(found.grid_code)


def test_classes_rise_with_the_time_and_no_way_is_a_class_of_its_own(here: Workspace) -> None:
    found = coverage(here, BOSS, CoverageQuery(of="shelters"))
    classes = grid_values(found, [1, 2, 4])
    minutes = found.order_time_ms / 60_000
    assert ((classes == -1) == (found.order_time_ms < 0)).all()
    assert ((classes == 0) == ((minutes >= 0) & (minutes <= 1))).all()
    assert ((classes == 3) == (minutes > 4)).all()
    with pytest.raises(ParameterError, match="rising"):
        grid_values(found, [2, 1])


def test_an_answer_is_kept_until_roads_are_closed_and_comes_back_when_they_open(here: Workspace) -> None:
    query = CoverageQuery(of="shelters")
    first = coverage(here, BOSS, query)
    assert coverage(here, BOSS, query) is first
    closure, _ = close_roads(here, BOSS, ClosureDraft(edges=tuple(range(40))))
    closed = coverage(here, BOSS, query)
    assert closed is not first
    assert closed.closures == (closure.closure_id,)
    reopen_roads(here, BOSS, closure.closure_id)
    assert coverage(here, BOSS, query) is first


def test_workers_are_named_to_those_who_may_know_them(here: Workspace) -> None:
    assert any(coverage(here, BOSS).nearest_id)
    for role in (Role.PLANNER, Role.ADMIN):
        found = coverage(here, Person("p", role, EVERYWHERE))
        assert not any(found.nearest_id)
        assert found.travel_time_ms.tolist() == coverage(here, BOSS).travel_time_ms.tolist()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (CoverageQuery(of="castle"), "there is no 'castle' here; known are workers"),
        (CoverageQuery(minutes=0), "more than 0"),
        (CoverageQuery(order=0), "from 1 to"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(here: Workspace, query: CoverageQuery, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        coverage(here, BOSS, query)
    assert "hospital" in coverage_subjects(here) or len(coverage_subjects(here)) > 2
