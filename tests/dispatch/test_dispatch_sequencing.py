"""Tours within time windows: small cases against every order, the bound below every answer."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skipping import skip_here

from gridgov.dispatch import few_stops
from gridgov.dispatch.sequencing import HORIZON_MS, Stop, TourProblem, lower_bound, plan_tours
from gridgov.errors import ParameterError

LEFT = 5_000


@pytest.fixture(autouse=True)
def _solver() -> None:
    if find_spec("ortools") is None:
        skip_here("ortools is not installed")


@pytest.fixture(params=["every order", "search"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have few tasks planned by looking at every order, and by the search that many tasks need."""
    if request.param == "search":
        monkeypatch.setattr(few_stops, "MOST_STOPS", 0)


def problem(stops: list[Stop], start: list[list[int]], between: list[list[int]], end: int = HORIZON_MS) -> TourProblem:
    workers = len(start)
    return TourProblem(
        tuple(stops), np.array(start, dtype=np.int64).reshape(workers, len(stops)),
        np.array([between], dtype=np.int64).reshape(1, len(stops), len(stops)), np.zeros(workers, dtype=np.int64),
        np.ones((workers, len(stops)), dtype=np.bool_), np.full(workers, end),
    )  # fmt: skip


LINE = [[0, 10, 20], [10, 0, 10], [20, 10, 0]]


@pytest.mark.usefixtures("_both_ways")
def test_one_worker_walks_a_line_from_end_to_end() -> None:
    tours = plan_tours(problem([Stop(s, 5) for s in "abc"], [[10, 20, 30]], LINE), unserved_ms=LEFT)
    assert [visit.incident_id for visit in tours.visits[0]] == ["a", "b", "c"]
    assert [visit.begin_ms for visit in tours.visits[0]] == [10, 25, 40]
    assert (tours.travel_ms, tours.cost, tours.lower_bound, tours.gap) == (30, 30, 30, 0.0)
    assert not tours.out_of_time


@pytest.mark.usefixtures("_both_ways")
def test_a_window_turns_the_order_around_and_a_worker_waits_for_one() -> None:
    stops = [Stop("a", 5, earliest_ms=100), Stop("b", 5), Stop("c", 5, latest_ms=30)]
    tours = plan_tours(problem(stops, [[10, 20, 30]], LINE), unserved_ms=LEFT)
    assert [visit.incident_id for visit in tours.visits[0]] == ["c", "b", "a"]
    assert (tours.visits[0][2].arrive_ms, tours.visits[0][2].begin_ms) == (60, 100)


@pytest.mark.usefixtures("_both_ways")
def test_what_nobody_can_do_in_time_is_left_out_with_the_reason() -> None:
    stops = [Stop("a", 5, latest_ms=5), Stop("b", 5), Stop("c", 5)]
    tours = plan_tours(problem(stops, [[10, 20, 30]], LINE, end=30), unserved_ms=LEFT)
    assert dict(tours.left_out) == {"a": "nobody_in_time", "c": "nobody_in_time"}
    assert [visit.incident_id for visit in tours.visits[0]] == ["b"]
    crowded = plan_tours(problem([Stop("a", 20), Stop("b", 20)], [[5, 5]], [[0, 1], [1, 0]], end=30), unserved_ms=LEFT)
    assert [reason for _, reason in crowded.left_out] == ["no_room"]


@pytest.mark.usefixtures("_both_ways")
def test_skills_and_missing_ways_are_kept() -> None:
    given = problem([Stop("a", 5), Stop("b", 5)], [[1, 1], [50, -1]], [[0, -1], [-1, 0]])
    given.may[0, 0] = False
    tours = plan_tours(given, unserved_ms=LEFT)
    assert [[visit.incident_id for visit in tour] for tour in tours.visits] == [["b"], ["a"]]
    given.may[1, 0] = False
    assert dict(plan_tours(given, unserved_ms=LEFT).left_out) == {"a": "nobody_reaches"}


def test_no_tasks_or_no_workers_is_an_empty_answer() -> None:
    assert plan_tours(problem([], [[]], [])).cost == 0
    alone = plan_tours(problem([Stop("a")], [], [[0]]), unserved_ms=LEFT)
    assert (alone.left_out, alone.cost, alone.lower_bound) == ((("a", "nobody_reaches"),), LEFT, LEFT)


def test_impossible_windows_are_refused_by_name() -> None:
    with pytest.raises(ParameterError, match="I3"):
        Stop("I3", earliest_ms=10, latest_ms=5)
    with pytest.raises(ParameterError, match="start_ms"):
        problem([Stop("a")], [[1]], [[0]]).__class__((Stop("a"),), np.zeros((2, 2)), np.zeros((1, 1, 1)),
                                                     np.zeros(1, int), np.ones((1, 1), bool), np.zeros(1))  # fmt: skip


def every_plan(given: TourProblem) -> int:
    """Least cost over all orders and cuts into tours, one or two workers."""
    best = LEFT * len(given.stops)
    for count in range(len(given.stops) + 1):
        for order in permutations(range(len(given.stops)), count):
            for cut in range(count + 1) if len(given.mode) == 2 else [count]:
                costs = [
                    tour_cost(given, worker, part) for worker, part in enumerate((order[:cut], order[cut:])) if part
                ]
                if None not in costs:
                    best = min(best, sum(costs) + LEFT * (len(given.stops) - count))
    return best


def tour_cost(given: TourProblem, worker: int, order: tuple[int, ...]) -> int | None:
    now, at, cost = 0, -1, 0
    for row in order:
        stop = given.stops[row]
        travel = int(given.start_ms[worker, row] if at < 0 else given.between_ms[0, at, row])
        begin = max(now + travel, stop.earliest_ms)
        if (
            travel < 0
            or not given.may[worker, row]
            or begin > stop.latest_ms
            or begin + stop.service_ms > given.end_ms[worker]
        ):
            return None
        now, at, cost = begin + stop.service_ms, row, cost + travel
    return cost


@settings(max_examples=40)
@given(st.data())
def test_small_cases_are_solved_to_the_optimum_and_the_bound_lies_below(data: st.DataObject) -> None:
    n, workers = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 2))
    time = st.one_of(st.just(-1), st.integers(1, 300))
    window = st.tuples(st.integers(0, 200), st.integers(0, 400))
    stops = [Stop(f"I{i}", data.draw(st.integers(0, 50)), low, low + width)
             for i, (low, width) in enumerate(data.draw(st.lists(window, min_size=n, max_size=n)))]  # fmt: skip
    rows = st.lists(time, min_size=n, max_size=n)
    given_case = problem(
        stops, [data.draw(rows) for _ in range(workers)], [data.draw(rows) for _ in range(n)],
        data.draw(st.sampled_from([300, 10_000])),
    )  # fmt: skip
    tours = plan_tours(given_case, unserved_ms=LEFT)
    best = every_plan(given_case)
    assert lower_bound(given_case, LEFT) <= best
    assert (tours.cost, tours.lower_bound, tours.gap) == (best, best, 0.0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(few_stops, "MOST_STOPS", 0)
        assert plan_tours(given_case, unserved_ms=LEFT, steps=50).cost >= best


def test_a_task_that_is_reached_only_over_another_one_is_done() -> None:
    stops = [Stop("a", 0, 0, 7), Stop("b", 0, 6, 6), Stop("c", 0, 0, 7)]
    start, between = [[-1, 1, -1], [6, -1, -1]], [[-1, -1, 1], [1, -1, -1], [-1, -1, -1]]
    given_case = problem(stops, start, between, end=300)
    tours = plan_tours(given_case, unserved_ms=LEFT, steps=300)
    assert [[visit.incident_id for visit in tour] for tour in tours.visits] == [["b"], ["a", "c"]]
    assert (tours.cost, every_plan(given_case), tours.left_out) == (8, 8, ())
    given_case.between_ms[0, 1, 0] = 300
    crowded = plan_tours(replace(given_case, end_ms=np.array([300, 6])), unserved_ms=LEFT)
    assert crowded.left_out == (("c", "no_room"),)


def test_the_same_question_has_the_same_answer_and_a_stated_gap() -> None:
    rng = np.random.default_rng(7)
    points = rng.uniform(0, 1000, (24, 2))
    times = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)).round().astype(np.int64)
    given_case = TourProblem(
        tuple(Stop(f"I{i}", 60) for i in range(20)), times[20:, :20], times[None, :20, :20],
        np.zeros(4, dtype=np.int64), np.ones((4, 20), dtype=np.bool_), np.full(4, 4000),
    )  # fmt: skip
    first, again = (plan_tours(given_case, unserved_ms=LEFT, steps=2000, time_limit_s=60) for _ in range(2))
    assert first == again
    assert not first.out_of_time
    assert 0 <= first.gap < 0.35
