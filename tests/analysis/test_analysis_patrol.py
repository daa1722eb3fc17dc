"""Patrol proposals and their back test, hand-computed."""

from __future__ import annotations

import numpy as np
import pytest

from gridgov.analysis.patrol import (
    PatrolParams,
    back_test,
    count_patrol,
    plan_patrol,
    span_hours,
    span_of,
)
from gridgov.errors import ParameterError
from gridgov.grids.borders import from_pairs

GRIDS = 10
LINE = from_pairs(GRIDS, [(i, i + 1) for i in range(GRIDS - 1)])
PARAMS = PatrolParams(hours=40, span_h=8, neighbours=0.0)


def past(rng: np.random.Generator, n: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grid 3 has half of the incidents, two thirds of all lie in the morning span of workdays."""
    grid = np.where(rng.random(n) < 0.5, 3, rng.integers(GRIDS, size=n))
    span = np.where(rng.random(n) < 0.67, 1, rng.integers(6, size=n))
    return grid, span, rng.uniform(0, 60, n)


def test_spans_are_those_of_workdays_then_of_weekends() -> None:
    assert span_of([0, 7.9, 8, 23.9, 8], [False, False, False, False, True], PARAMS).tolist() == [0, 0, 1, 2, 4]
    assert span_hours(PARAMS).tolist() == [40, 40, 40, 16, 16, 16]
    assert span_hours(PARAMS).sum() == 168


def test_hours_go_to_the_fullest_cell_of_the_hot_grid_and_add_up() -> None:
    grid, span, age = past(np.random.default_rng(1))
    plan = plan_patrol(grid, span, age, np.arange(GRIDS) == 3, LINE, PARAMS)
    assert plan[["grid", "from_h", "to_h", "weekend", "hours", "hot"]].values.tolist() == [[3, 8, 16, False, 40, True]]
    longer = plan_patrol(grid, span, age, np.arange(GRIDS) == 3, LINE, PatrolParams(hours=250, span_h=8))
    assert longer["hours"].sum() == pytest.approx(250)
    each_hour = (longer["expected"] / longer["hours"]).tolist()
    assert each_hour == sorted(each_hour, reverse=True)
    everything = plan_patrol(grid, span, age, np.zeros(GRIDS, bool), LINE, PatrolParams(hours=10_000, span_h=8))
    assert everything["hours"].sum() == pytest.approx(168 * GRIDS)
    assert everything["expected"].sum() == pytest.approx(1.0)


def test_a_hot_grid_s_empty_night_waits_behind_another_one_s_full_morning() -> None:
    """Grid 3 is hot in the morning; its neighbours' mean does not make less of it; then comes grid 7, not the night."""
    grid, span = np.array([3] * 12 + [7] * 8), np.ones(20, dtype=np.int64)
    params = PatrolParams(hours=80, span_h=8, neighbours=0.5)
    hot = np.arange(GRIDS) == 3
    plan = plan_patrol(grid, span, np.zeros(20), hot, LINE, params)
    assert plan[["grid", "from_h", "hot"]].values.tolist() == [[3, 8, True], [7, 8, False]]
    cool = plan_patrol(grid, span, np.zeros(20), np.zeros(GRIDS, bool), LINE, params)
    assert plan["expected"].iloc[0] > cool["expected"].iloc[0]


def test_the_back_test_counts_what_lies_in_patrolled_cells() -> None:
    """One cell of 40 h among 1,680 grid-hours; 6 of 8 held-out incidents lie in it: PAI 0.75 / (40 / 1680)."""
    grid, span, age = past(np.random.default_rng(2))
    plan = plan_patrol(grid, span, age, np.arange(GRIDS) == 3, LINE, PARAMS)
    held_grid, held_span = np.array([3, 3, 3, 3, 3, 3, 3, 5]), np.array([1, 1, 1, 1, 1, 1, 2, 1])
    found = back_test(plan, count_patrol(grid, span, GRIDS, PARAMS), held_grid, held_span, GRIDS, PARAMS)
    assert (found.incidents, found.hits, found.hit_rate) == (8, 6, 0.75)
    assert found.uniform_rate == found.share == pytest.approx(40 / 1680)
    assert found.pai == pytest.approx(0.75 * 1680 / 40)
    # 7 of 8 lie in that span, and each grid has a tenth of its hours
    assert found.same_hours_rate == pytest.approx(7 / 8 / GRIDS)
    assert found.counting_rate == 0.75
    assert found.better_than_uniform
    assert found.hit_low < 0.75 < found.hit_high


def test_without_any_pattern_the_plan_is_not_said_to_be_better() -> None:
    rng = np.random.default_rng(3)
    better = 0
    for _ in range(40):
        grid, span = (
            rng.integers(GRIDS, size=200),
            np.searchsorted(np.cumsum(span_hours(PARAMS)), rng.random(200) * 168),
        )
        plan = plan_patrol(grid, span, np.zeros(200), np.zeros(GRIDS, bool), LINE, PARAMS)
        held = rng.integers(GRIDS, size=100), np.searchsorted(np.cumsum(span_hours(PARAMS)), rng.random(100) * 168)
        better += back_test(plan, count_patrol(grid, span, GRIDS, PARAMS), *held, GRIDS, PARAMS).better_than_uniform
    assert better <= 3


def test_a_time_without_incidents_has_no_hits_and_is_not_better() -> None:
    none = np.empty(0, dtype=np.int64)
    plan = plan_patrol(none, none, np.empty(0), np.zeros(GRIDS, bool), LINE, PARAMS)
    found = back_test(plan, plan, none, none, GRIDS, PARAMS)
    assert (found.incidents, found.hit_rate, found.better_than_uniform) == (0, 0.0, False)


def test_a_span_that_does_not_divide_the_day_is_refused() -> None:
    with pytest.raises(ParameterError, match="span of 5 h"):
        PatrolParams(span_h=5)
