"""The roads as they are at an hour of the day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.speed_profiles import DayKind
from gridgov.operations.hours import Hour, hour_of, hour_view, speeds_at
from gridgov.workspace import Workspace, open_workspace


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def at(here: Workspace, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=here.timezone)


def test_an_hour_is_local_and_a_day_without_work_hours_is_a_day_of_rest(here: Workspace) -> None:
    assert hour_of(here, at(here, "2026-06-30T08:59")) == Hour(DayKind.WORKDAY, 8)  # a Tuesday
    assert hour_of(here, at(here, "2026-07-04T00:10")) == Hour(DayKind.RESTDAY, 0)
    assert hour_of(here, at(here, "2026-10-01T09:00")).day is DayKind.RESTDAY  # the national holiday
    with pytest.raises(ParameterError, match="aware"):
        hour_of(here, datetime(2026, 6, 30))


def test_the_rush_hour_is_slower_and_walking_is_not(here: Workspace) -> None:
    rush, night = at(here, "2026-06-30T08:10"), at(here, "2026-06-30T03:10")
    drive = [hour_view(here, TravelMode.DRIVE, when).travel_time_ms for when in (rush, night)]
    assert (drive[0] >= drive[1]).all()
    assert (drive[0] > drive[1]).any()
    assert hour_view(here, TravelMode.WALK, rush) is here.network(TravelMode.WALK)


def test_one_hour_has_one_view_for_everybody(here: Workspace) -> None:
    when = at(here, "2026-06-30T08:10")
    view = hour_view(here, TravelMode.DRIVE, when)
    assert hour_view(here, TravelMode.DRIVE, when + timedelta(minutes=40)) is view
    assert hour_view(here, TravelMode.DRIVE, when + timedelta(days=1)) is view
    assert hour_view(here, TravelMode.DRIVE, when + timedelta(hours=2)) is not view


def test_without_tracks_the_answer_says_the_hour_and_no_measured_edge(here: Workspace) -> None:
    used = speeds_at(here, at(here, "2026-06-30T08:10"))
    assert (used.day, used.hour, used.measured_edges, used.version) == (DayKind.WORKDAY, 8, 0, "")


def test_a_closure_on_an_hour_s_roads_has_the_same_hierarchy_times_as_if_made_anew(here: Workspace) -> None:
    view = hour_view(here, TravelMode.DRIVE, at(here, "2026-06-30T08:10"))
    _ = view.metric
    closed = view.with_closures([0, 1, 5])
    anew = closed.hierarchy().with_times(closed.travel_time_ms)
    np.testing.assert_array_equal(closed.metric.times, anew.times)
