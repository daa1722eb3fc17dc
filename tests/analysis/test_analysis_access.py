"""Access and coverage on the tiny city, worked out by hand; before and after a closure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gridgov.analysis import access_frame, compare_times, population_beyond
from gridgov.errors import ParameterError
from gridgov.network import RoadNetwork, time_to_nearest


def test_each_grid_gets_the_time_and_the_name_of_its_nearest_station(tiny_city: RoadNetwork) -> None:
    frame = access_frame(tiny_city, ["a", "b", "c"], [5, 11, 12], [4, 15], ["S4", "S15"])
    assert frame.travel_time_s.tolist() == [10.0, 10.0, 20.0]
    assert frame.nearest_id.tolist() == ["S4", "S15", "S4"]


def test_the_direction_of_trips_counts(tiny_city: RoadNetwork) -> None:
    """From crossing 1 to 0 it is 30 s, from 0 to 1 it is 10 s."""
    assert access_frame(tiny_city, ["g"], [0], [1], ["S"]).travel_time_s.tolist() == [30.0]
    assert access_frame(tiny_city, ["g"], [0], [1], ["S"], direction="to").travel_time_s.tolist() == [10.0]


def test_coverage_counts_the_stations_within_a_time(tiny_city: RoadNetwork) -> None:
    frame = access_frame(tiny_city, ["a", "b"], [5, 15], [4, 6, 15], ["x", "y", "z"], within_s=10)
    assert frame.sources_within.tolist() == [2, 1]


def test_a_grid_that_nobody_reaches_has_no_time_and_no_station(tiny_city: RoadNetwork) -> None:
    around = np.flatnonzero((tiny_city.tail == 15) | (tiny_city.head == 15))
    frame = access_frame(tiny_city.with_closures(around), ["a"], [15], [4], ["S"])
    assert frame.travel_time_s.isna().all()
    assert frame.nearest_id.tolist() == [""]


def test_no_stations_is_no_time(tiny_city: RoadNetwork) -> None:
    frame = access_frame(tiny_city, ["a"], [5], [], [], within_s=60)
    assert frame.travel_time_s.isna().all()
    assert frame.sources_within.tolist() == [0]


def test_unknown_population_is_counted_apart_and_unreached_people_are_beyond() -> None:
    found = population_beyond([100.0, 300.0, 301.0, np.nan, np.nan], [10, 20, 40, 80, None], 300)
    assert (found.persons_within, found.persons_beyond, found.persons_unreached) == (30, 40, 80)
    assert (found.grids_within, found.grids_beyond, found.grids_unreached) == (2, 1, 2)
    assert found.grids_without_population == 1
    assert found.share_beyond == pytest.approx(120 / 150)


def test_nobody_known_is_no_share() -> None:
    assert population_beyond([1.0], [None], 5).share_beyond is None
    assert population_beyond([], [], 5).share_beyond is None


def test_wrong_numbers_are_refused(tiny_city: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="negative"):
        population_beyond([-1.0], [5], 5)
    with pytest.raises(ParameterError, match="limit"):
        population_beyond([1.0], [5], float("nan"))
    with pytest.raises(ParameterError, match="population has 2"):
        population_beyond([1.0], [5, 6], 5)
    with pytest.raises(ParameterError, match="targets has 1"):
        access_frame(tiny_city, ["a"], [5, 6], [4], ["S"])
    with pytest.raises(ParameterError, match="source ids"):
        access_frame(tiny_city, ["a"], [15], [4, 15], ["S"])


def test_a_closure_lists_who_comes_later_who_lost_service_and_who_is_cut_off(tiny_city: RoadNetwork) -> None:
    """Station at crossing 4. Closed: all roads at 12, and 4 – 5 both ways (20 s round the block more)."""
    shut = np.flatnonzero(
        (tiny_city.tail == 12) | (tiny_city.head == 12) | (np.minimum(tiny_city.tail, tiny_city.head) == 4)
        & (np.maximum(tiny_city.tail, tiny_city.head) == 5)
    )  # fmt: skip
    grids = [5, 12, 8, 4]
    times = [time_to_nearest(network, grids, [4])[0] for network in (tiny_city, tiny_city.with_closures(shut))]
    frame = compare_times([f"G{g}" for g in grids], *times, limit_ms=20_000)
    assert frame.change.tolist() == ["later", "cut_off", "same", "same"]
    assert frame.delay_ms.tolist() == [20_000, pd.NA, 0, 0]
    assert frame.service.tolist() == ["lost", "lost", "kept", "kept"]
    back = compare_times([f"G{g}" for g in grids], times[1], times[0], limit_ms=20_000)
    assert back.change.tolist() == ["earlier", "restored", "same", "same"]
    assert back.service.tolist() == ["gained", "gained", "kept", "kept"]


def test_no_time_is_ever_negative_or_infinite_in_a_comparison() -> None:
    frame = compare_times(["a", "b"], [-1, -1], [-1, 5])
    assert frame.change.tolist() == ["never", "restored"]
    assert frame[["before_ms", "after_ms"]].min().min() >= 0
    assert frame.delay_ms.isna().all()


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ParameterError, match="2 ids"):
        compare_times(["a", "b"], [1], [1])
