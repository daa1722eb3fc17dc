"""The network at an hour of the day."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gridgov.errors import ParameterError, SpecError
from gridgov.model.incident_classes import Certainty
from gridgov.model.speed_profiles import DayKind, SpeedCurve, SpeedHours, local_hour
from gridgov.network import CLOSED, RoadNetwork, with_hour
from gridgov.profiles import load_speed_hours


def curve(classes: tuple[str, ...], at_eight: float, mode: str = "drive") -> SpeedCurve:
    factors = tuple(at_eight if hour == 8 else 1.0 for hour in range(24))
    return SpeedCurve(mode, DayKind.WORKDAY, classes, factors, "made up", Certainty("U"))


@pytest.fixture
def roads() -> RoadNetwork:
    """A primary road, a street, a path without class, and one closed to cars; on foot all the same."""
    return RoadNetwork.from_arrays(
        [0, 1, 2, 0], [1, 2, 3, 3], [1000, 1000, 1000, CLOSED], x=[0.0, 0.1, 0.2, 0.3], y=[0.0] * 4,
        highways=["primary", "residential", "", "primary"], mode_times_ms={"walk": [5000] * 4},
    )  # fmt: skip


def test_each_class_has_its_own_factor_and_a_star_stands_for_the_others(roads: RoadNetwork) -> None:
    hours = SpeedHours((curve(("primary",), 0.5), curve(("*",), 0.8)))
    assert with_hour(roads, hours, 8).travel_time_ms.tolist() == [2000, 1250, 1250, CLOSED]
    assert with_hour(roads, hours, 9) is roads
    assert with_hour(roads, hours, 8, DayKind.RESTDAY) is roads


def test_other_modes_keep_their_speed(roads: RoadNetwork) -> None:
    hours = SpeedHours((curve(("*",), 0.5),))
    assert with_hour(roads.for_mode("walk"), hours, 8) is roads.for_mode("walk")


def test_a_network_without_classes_takes_the_curve_for_all_others(tiny_city: RoadNetwork) -> None:
    hours = SpeedHours((curve(("primary",), 0.5), curve(("*",), 0.8)))
    assert set(with_hour(tiny_city, hours, 8).travel_time_ms.tolist()) == {12_500}


def test_closures_and_slow_downs_stay_in_whatever_order(roads: RoadNetwork) -> None:
    hours = SpeedHours((curve(("*",), 0.8),))
    one = with_hour(roads.with_closures([1]).with_speed_factor([0], 0.5), hours, 8)
    other = with_hour(roads, hours, 8).with_speed_factor([0], 0.5).with_closures([1])
    assert one.travel_time_ms.tolist() == other.travel_time_ms.tolist() == [2500, CLOSED, 1250, CLOSED]


def test_a_measured_edge_counts_instead_of_its_class(roads: RoadNetwork) -> None:
    hours = SpeedHours((curve(("*",), 0.8),))
    measured = [0.25, np.nan, np.nan, np.nan]
    assert with_hour(roads, hours, 8, edge_factors=measured).travel_time_ms.tolist() == [4000, 1250, 1250, CLOSED]
    with pytest.raises(ParameterError, match="edge_factors"):
        with_hour(roads, hours, 8, edge_factors=[1.0])


def test_the_hour_is_local() -> None:
    assert local_hour(datetime(2026, 6, 30, 0, 30, tzinfo=UTC), ZoneInfo("Asia/Shanghai")) == 8
    with pytest.raises(ParameterError, match="aware"):
        local_hour(datetime(2026, 6, 30), UTC)


def test_impossible_curves_are_refused(roads: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="24 hours"):
        SpeedCurve("drive", DayKind.WORKDAY, ("*",), (1.0,), "s", Certainty("U"))
    with pytest.raises(ParameterError, match="closures"):
        curve(("*",), 0.0)
    with pytest.raises(ParameterError, match="strike one"):
        SpeedHours((curve(("a", "b"), 0.5), curve(("b",), 0.5)))
    with pytest.raises(ParameterError, match="hour is 24"):
        with_hour(roads, SpeedHours(()), 24)


def test_the_profile_of_the_repository_is_slower_in_the_rush_hour_and_says_how_sure_it_is() -> None:
    hours = load_speed_hours()
    rush, night = (hours.factors("drive", DayKind.WORKDAY, hour, ["primary"])["primary"] for hour in (8, 3))
    assert rush < 1 < night
    assert all(curve.source and curve.certainty for curve in hours.curves)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [('mode = "drive"', 'mode = "fly"', "fly"), ("[1.20,", "[0.0,", "closures"), ("[1.20, ", "[", "24 hours"),
     ('certainty = "U"', 'certanty = "U"', "certainty"), ("[1.20,", '["x",', "numbers")],
)  # fmt: skip
def test_a_faulty_profile_is_refused_with_the_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (Path(__file__).parents[2] / "data" / "profiles" / "speed_hours.toml").read_text(encoding="utf-8")
    path = tmp_path / "hours.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SpecError, match=words) as refused:
        load_speed_hours(path)
    assert "hours.toml [[curve]] 1" in str(refused.value)
