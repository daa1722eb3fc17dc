"""Speeds that are learned from the tracks of workers count in every answer, and can be taken back."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError, RecordNotFoundError, RightsError, StorageError
from gridgov.i18n import LANGS
from gridgov.model import TravelMode
from gridgov.model.positions import Position
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.network import nearest_workers
from gridgov.operations.closures import network_now
from gridgov.operations.hours import hour_view, speeds_at
from gridgov.operations.speeds import learn_speeds, read_speeds, speed_versions, use_speeds
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("plan", Role.PLANNER, EVERYWHERE)
EIGHT = datetime(2026, 6, 29, 0, 5, tzinfo=UTC)  # Monday, five past eight in Shanghai


@pytest.fixture
def here(village: Path, tmp_path: Path) -> Workspace:
    """A village of its own, for speeds are written into its folder."""
    shutil.copytree(village, tmp_path / "village")
    return open_workspace(tmp_path / "village", settings=Settings(store="memory:"))


def driver(here: Workspace) -> str:
    workers = here.layer("workers")
    return str(workers["worker_id"][workers["mode"] == "drive"].iloc[0])


def drive(here: Workspace, worker_id: str, days: int, slower: float, start: datetime = EIGHT) -> tuple[int, ...]:
    """Drive the longest way through the village on several days, each minute of the free road taking `slower`."""
    network = here.network(TravelMode.DRIVE)
    ways = (nearest_workers(network, network.n_nodes - 1 - n, [n], k=1) for n in range(40))
    route = max((near.path(0) for near in ways if len(near)), key=lambda way: way.length_m)
    passed = np.concatenate([[0.0], np.cumsum(route.piece_travel_time_ms)]) / 1000 * slower
    for day in range(days):
        track = []
        for second in np.arange(0, passed[-1], 61):
            piece = min(int(np.searchsorted(passed, second, side="right")) - 1, len(route.edges) - 1)
            share = (second - passed[piece]) / max(passed[piece + 1] - passed[piece], 1e-9)
            a, b = route.from_fraction[piece], route.to_fraction[piece]
            lon, lat = network.point_on_edge(route.edges[piece], float(a + share * (b - a)))
            track.append(Position(worker_id, start + timedelta(days=day, seconds=float(second)), lon, lat))
        here.store.record_positions(track)
    return route.edges


def test_the_edges_that_were_driven_have_the_measured_speed_at_that_hour_only(here: Workspace) -> None:
    drive(here, driver(here), 4, slower=3.0, start=EIGHT - timedelta(days=6))
    before = {hour: hour_view(here, TravelMode.DRIVE, EIGHT + timedelta(hours=hour)) for hour in (0, 3)}
    learned = learn_speeds(here, PLANNER, since=EIGHT - timedelta(days=7), until=EIGHT + timedelta(days=5))
    assert learned.version
    assert (learned.workers, learned.counted > 0) == (1, True)
    free = here.network(TravelMode.DRIVE).travel_time_ms
    view = hour_view(here, TravelMode.DRIVE, EIGHT)
    table = read_speeds(here, PLANNER).table
    often = table[(table["day"] == "workday") & (table["hour"] == 8) & (table["samples"] >= 3)]["edge_id"].to_numpy()
    assert np.median(view.travel_time_ms[often] / free[often]) == pytest.approx(3.0, rel=0.15)
    others = np.setdiff1d(np.arange(len(free)), often)
    np.testing.assert_array_equal(view.travel_time_ms[others], before[0].travel_time_ms[others])
    later = hour_view(here, TravelMode.DRIVE, EIGHT + timedelta(hours=3))
    np.testing.assert_array_equal(later.travel_time_ms, before[3].travel_time_ms)
    assert network_now(here, TravelMode.DRIVE, EIGHT) is view
    said = speeds_at(here, EIGHT)
    assert (said.measured_edges, said.version) == (len(often), learned.version)
    for lang in LANGS:
        assert str(len(often)) in said.text(lang)


def test_versions_stay_and_any_of_them_or_none_can_count(here: Workspace) -> None:
    worker, plain = driver(here), hour_view(here, TravelMode.DRIVE, EIGHT)
    drive(here, worker, 3, slower=3.0)
    span = {"since": EIGHT - timedelta(days=1), "until": EIGHT + timedelta(days=9)}
    first = learn_speeds(here, PLANNER, **span).version
    slow = hour_view(here, TravelMode.DRIVE, EIGHT)
    second = learn_speeds(here, PLANNER, **span, least_samples=2).version
    assert speed_versions(here, PLANNER) == sorted([first, second])
    use_speeds(here, PLANNER, first)
    assert hour_view(here, TravelMode.DRIVE, EIGHT) is slow
    use_speeds(here, PLANNER, "")
    assert hour_view(here, TravelMode.DRIVE, EIGHT) is plain
    with pytest.raises(RecordNotFoundError, match="no measured speeds 'x'"):
        use_speeds(here, PLANNER, "x")


def test_too_few_passages_are_said_and_change_nothing(here: Workspace) -> None:
    nothing = learn_speeds(here, PLANNER)
    assert (nothing.version, [found.rule for found in nothing.findings]) == ("", ["speeds_no_tracks"])
    drive(here, driver(here), 2, slower=2.0)
    done: list[tuple[int, int]] = []
    few = learn_speeds(
        here, PLANNER, until=EIGHT + timedelta(days=9), progress=lambda *step: done.append(step)
    )  # fmt: skip
    assert (few.version, few.findings[0].rule, few.counted) == ("", "speeds_none_count", 0)
    assert few.edge_hours > 0
    assert done[-1] == (len(here.layer("workers")),) * 2
    assert read_speeds(here, PLANNER) is None
    for lang in LANGS:
        assert str(few.edge_hours) in few.findings[0].message(lang)


def test_who_has_a_part_as_area_or_another_role_may_not_learn(here: Workspace) -> None:
    part = Person("part", Role.PLANNER, (str(here.layer("grids")["grid_code"].iloc[0])[:12],))
    for person in (part, *(Person("x", role, EVERYWHERE) for role in (Role.PUBLIC, Role.WORKER, Role.SUPERVISOR))):
        with pytest.raises(RightsError):
            learn_speeds(here, person)
        with pytest.raises(RightsError):
            use_speeds(here, person, "")


def test_a_span_that_is_empty_and_a_damaged_file_are_said(here: Workspace) -> None:
    with pytest.raises(ParameterError, match="empty"):
        learn_speeds(here, PLANNER, since=EIGHT, until=EIGHT)
    with pytest.raises(ParameterError, match="1 or more"):
        learn_speeds(here, PLANNER, least_samples=0)
    drive(here, driver(here), 3, slower=2.0)
    version = learn_speeds(here, PLANNER, until=EIGHT + timedelta(days=9)).version
    (here.path / "speeds" / f"{version}.parquet").write_bytes(b"nothing")
    again = open_workspace(here.path, settings=Settings(store="memory:"))
    with pytest.raises(StorageError, match="learn them again"):
        read_speeds(again, PLANNER)
    plain = again.network(TravelMode.WALK)
    assert hour_view(again, TravelMode.WALK, EIGHT) is plain  # nobody is kept from being sent
    assert "damaged" in speeds_at(again, EIGHT).text("en")
