"""Many incidents, many workers: never worse than the usual way, equal to trying everything, and explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from gridgov.dispatch import AssignmentParams, Roster, plan_assignment
from gridgov.dispatch.allocation import Allocation, Demand, allocate
from gridgov.dispatch.assignment import flips, gini
from gridgov.dispatch.candidates import DenseCandidates
from gridgov.errors import ParameterError
from gridgov.i18n import LANGS
from gridgov.model import TravelMode
from gridgov.model.assignments import Assignment, AssignmentPlan, AssignmentTask, Load
from gridgov.network import RoadNetwork

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 30, 12, 0, tzinfo=SHANGHAI)
BIG = 2**45


@st.composite
def cases(draw: st.DrawFn, *, tasks: int = 5, workers: int = 5) -> tuple[np.ndarray, Demand]:
    """A table of travel times with holes, weights, capacities, people under way, forbidden pairs."""
    n, m = draw(st.integers(1, tasks)), draw(st.integers(1, workers))
    cell = st.one_of(st.just(-1), st.integers(0, 5), st.integers(0, 400))
    times = np.array(draw(st.lists(cell, min_size=n * m, max_size=n * m)), dtype=np.int64).reshape(n, m)
    several = lambda one, count: np.array(draw(st.lists(one, min_size=count, max_size=count)), dtype=np.int64)  # noqa: E731
    demand = Demand(
        weight=several(st.integers(1, 4), n),
        current=several(st.integers(-1, m - 1), n),
        capacity=several(st.sampled_from([0, 1, 1, 1, 2, 3]), m),
        forbidden=frozenset(draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, m - 1)), max_size=2))),
        unserved_ms=draw(st.sampled_from([50, 500])),
        switch_ms=draw(st.sampled_from([0, 20])),
        queue_ms=draw(st.sampled_from([0, 30])),
        max_travel_ms=draw(st.sampled_from([300, 1000])),
    )
    return times, demand


def pair_cost(times: np.ndarray, demand: Demand, task: int, worker: int, seat: int) -> int:
    switch = 0 if demand.current[task] in (-1, worker) else demand.switch_ms
    return int(demand.weight[task] * (times[task, worker] + switch + seat * demand.queue_ms))


def unserved_cost(demand: Demand, task: int) -> int:
    switch = demand.switch_ms if demand.current[task] >= 0 else 0
    return int(demand.weight[task] * (demand.unserved_ms + switch))


def allowed(times: np.ndarray, demand: Demand) -> np.ndarray:
    may = (times >= 0) & (times <= demand.max_travel_ms) & (demand.capacity > 0)
    for pair in demand.forbidden:
        may[pair] = False
    return may


def table(times: np.ndarray, demand: Demand) -> np.ndarray:
    """Costs of every task on every seat, then of leaving each task."""
    n = len(times)
    seats = [(worker, seat) for worker, count in enumerate(demand.capacity) for seat in range(count)]
    costs = np.full((n, len(seats) + n), BIG)
    may = allowed(times, demand)
    for task in range(n):
        costs[task, len(seats) + task] = unserved_cost(demand, task)
        for column, (worker, seat) in enumerate(seats):
            if may[task, worker]:
                costs[task, column] = pair_cost(times, demand, task, worker, seat)
    return costs


def least_total(times: np.ndarray, demand: Demand) -> int:
    costs = table(times, demand)
    rows, columns = linear_sum_assignment(costs)
    return int(costs[rows, columns].sum())


def run(times: np.ndarray, demand: Demand, first: int = 1) -> Allocation:
    return allocate(DenseCandidates(times), demand, first_candidates=first)


@given(cases(tasks=4, workers=3))
def test_equals_trying_everything(case: tuple[np.ndarray, Demand]) -> None:
    times, demand = case
    may, best = allowed(times, demand), BIG
    for choice in product(range(-1, times.shape[1]), repeat=len(times)):
        load: dict[int, list[int]] = {}
        total, fits = 0, True
        for task, worker in enumerate(choice):
            if worker < 0:
                total += unserved_cost(demand, task)
            elif not may[task, worker]:
                fits = False
            else:
                load.setdefault(worker, []).append(task)
        for worker, tasks in load.items():
            fits &= len(tasks) <= demand.capacity[worker]
            turns = sorted(tasks, key=lambda task: -int(demand.weight[task]))  # the heaviest first waits least
            total += sum(pair_cost(times, demand, task, worker, seat) for seat, task in enumerate(turns))
        best = min(best, total) if fits else best
    assert run(times, demand).total == best


@given(cases(tasks=8, workers=8), st.integers(1, 3))
def test_equals_the_dense_assignment_and_proves_it_however_few_candidates_it_begins_with(
    case: tuple[np.ndarray, Demand], first: int
) -> None:
    times, demand = case
    found = run(times, demand, first)
    assert found.total == least_total(times, demand) == found.lower_bound
    assert found.total <= found.greedy_total


@given(cases(tasks=6, workers=6))
def test_nobody_gets_more_than_they_may_and_nothing_forbidden_is_done(case: tuple[np.ndarray, Demand]) -> None:
    times, demand = case
    found = run(times, demand)
    served = found.worker >= 0
    assert (np.bincount(found.worker[served], minlength=times.shape[1]) <= demand.capacity).all()
    assert allowed(times, demand)[np.flatnonzero(served), found.worker[served]].all()
    assert (found.time_ms[served] == times[np.flatnonzero(served), found.worker[served]]).all()
    seats = list(zip(found.worker[served].tolist(), found.seat[served].tolist(), strict=True))
    assert len(set(seats)) == len(seats)


@given(cases(tasks=6, workers=5))
def test_the_usual_way_sends_the_most_urgent_first_and_always_the_cheapest_left(
    case: tuple[np.ndarray, Demand],
) -> None:
    times, demand = case
    costs, total = table(times, demand), 0
    for task in np.argsort(-demand.weight, kind="stable"):
        column = int(np.argmin(costs[task]))
        total += int(costs[task, column])
        costs[:, column] = BIG
    assert run(times, demand).greedy_total == total


@settings(max_examples=200)
@given(cases(tasks=6, workers=5))
def test_the_margin_is_what_the_best_plan_without_the_pair_costs_more(case: tuple[np.ndarray, Demand]) -> None:
    times, demand = case
    found = run(times, demand)
    for task in np.flatnonzero(found.worker >= 0).tolist():
        without = replace(demand, forbidden=demand.forbidden | {(task, int(found.worker[task]))})
        assert least_total(times, without) - found.total == found.margin[task]


@settings(max_examples=200)
@given(cases(tasks=6, workers=5))
def test_the_smallest_change_flips_the_choice_and_one_millisecond_less_does_not(
    case: tuple[np.ndarray, Demand],
) -> None:
    times, demand = case
    found = run(times, demand)
    for task in np.flatnonzero(found.worker >= 0).tolist():
        worker, other = int(found.worker[task]), int(found.other[task])
        longer, shorter = flips(demand, found, task)
        assert longer is not None
        changed = times.copy()
        changed[task, worker] += longer
        assert run(changed, demand).worker[task] != worker
        changed[task, worker] -= 1
        assert run(changed, demand).total == found.total + (longer - 1) * demand.weight[task]
        if shorter is not None:
            changed = times.copy()
            changed[task, other] -= shorter
            assert run(changed, demand).worker[task] != worker


def test_gini_is_0_for_equals_and_near_1_where_one_has_everything() -> None:
    assert gini(np.array([3, 3, 3])) == pytest.approx(0.0)
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert gini(np.array([])) == 0.0
    assert gini(np.array([0, 0])) == 0.0


# On the roads of the tiny city.

Crossing = Callable[[int], tuple[float, float]]


@pytest.fixture
def at(tiny_city: RoadNetwork, make_workers: Callable[..., gpd.GeoDataFrame], at_crossing: Crossing):
    """`plan(workers, tasks, **params)` with workers and tasks at crossings, on the city or on a view of it."""

    def plan(workers, tasks, network=None, **params):
        frame = make_workers(*workers)
        roster = Roster.from_frame(frame, dict.fromkeys(TravelMode, network or tiny_city), SHANGHAI)
        items = [
            AssignmentTask(f"I{i}", *at_crossing(node), **given)
            for i, (node, given) in enumerate((t, {}) if isinstance(t, int) else t for t in tasks)
        ]
        return plan_assignment(roster, items, AssignmentParams(**params), now=NOON)

    return plan


def pairs(plan) -> dict[str, str]:
    return {a.incident_id: a.worker_id for a in plan.assignments}


def test_the_plan_as_a_whole_beats_taking_the_nearest_first(at) -> None:
    """Workers at 5 and 4; incidents at 6 and 13. W0 is nearest to both: 10 + 40 s greedy... with W1 for 13 it is 40."""
    plan = at([5, 4], [6, 7])
    assert plan.proven
    assert plan.regret >= 0
    crossed = at([5, 13], [(9, {}), (4, {})])
    assert pairs(crossed) == {"I0": "W1", "I1": "W0"}
    first = crossed.assignments[0]
    assert first.travel_time_ms == 10_000
    assert first.runner_up == "W0"


def test_it_says_who_would_be_nearer_and_where_they_are_needed(at) -> None:
    """W0 is nearest to both incidents; the urgent one gets them."""
    plan = at([5, 15], [6, (9, {"weight": 5})])
    assert pairs(plan) == {"I0": "W1", "I1": "W0"}
    assert (plan.assignments[0].nearer, plan.assignments[0].nearer_goes_to) == ("W0", ("I1",))
    assert plan.assignments[0].travel_time_ms - plan.assignments[0].nearer_time_ms == 20_000


def test_a_small_gain_does_not_call_anybody_back(at) -> None:
    """W0, two blocks away, is under way; W1 next door would be 10 s sooner. Calling back costs 300 s by default."""
    workers = [(7, {"status": "busy"}), 6]
    kept = at(workers, [(5, {"current_worker": "W0"})])
    assert (pairs(kept), kept.assignments[0].kept) == ({"I0": "W0"}, True)
    moved = at(workers, [(5, {"current_worker": "W0"})], switch_s=5)
    assert (pairs(moved), moved.assignments[0].moved_from) == ({"I0": "W1"}, "W0")


def test_who_is_busy_elsewhere_takes_no_part(at) -> None:
    plan = at([(5, {"status": "busy"}), 15], [5])
    assert pairs(plan) == {"I0": "W1"}


def test_skills_modes_shifts_and_forbidden_pairs_are_kept(at) -> None:
    workers = [5, (6, {"skills": ["gas"]}), (7, {"mode": "walk"}), (5, {"shift_start": "20:00", "shift_end": "23:00"})]
    tasks = [(5, {"skills": ("gas",)}), (5, {"modes": (TravelMode.WALK,)}), 4]
    assert pairs(at(workers, tasks)) == {"I0": "W1", "I1": "W2", "I2": "W0"}
    without = at(workers, tasks, forbidden=frozenset({("I2", "W0")}))
    assert "I2" not in pairs(without)


def test_one_worker_with_room_for_two_takes_the_urgent_one_first(at) -> None:
    plan = at([5], [6, (7, {"weight": 3})], capacity=2)
    assert {a.incident_id: a.turn for a in plan.assignments} == {"I1": 1, "I0": 2}
    assert plan.load.tasks_max == 2
    assert pairs(at([5], [6, (7, {"weight": 3})], capacity_of={"W0": 1})) == {"I1": "W0"}


def island_city(tiny_city: RoadNetwork) -> RoadNetwork:
    """Crossing 15 has no way in or out."""
    cut = np.flatnonzero((tiny_city.tail == 15) | (tiny_city.head == 15))
    return RoadNetwork.from_arrays(
        np.delete(tiny_city.tail, cut), np.delete(tiny_city.head, cut), np.delete(tiny_city.travel_time_ms, cut),
        x=tiny_city.x, y=tiny_city.y,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("workers", "tasks", "params", "reason"),
    [
        ([], [5], {}, "no_workers"),
        ([(5, {"status": "off"})], [5], {}, "nobody_can_go"),
        ([5], [(5, {"skills": ("gas",)})], {}, "nobody_can_go"),
        ([5], [15], {"max_travel_s": 20}, "too_far"),
        ([5], [5], {"forbidden": frozenset({("I0", "W0")})}, "forbidden"),
        ([5], [(5, {"weight": 2}), 5], {}, "all_taken"),
    ],
)
def test_an_incident_without_a_worker_says_why(at, workers, tasks, params, reason: str) -> None:
    plan = at(workers, tasks, **params)
    assert plan.unassigned[-1].reason == reason
    for lang in LANGS:
        assert plan.unassigned[-1].incident_id in plan.unassigned[-1].text(lang)


def test_an_incident_that_closures_cut_off_says_so_and_an_island_does_not(at, tiny_city: RoadNetwork) -> None:
    around = np.flatnonzero((tiny_city.tail == 15) | (tiny_city.head == 15))
    assert at([5], [15], network=tiny_city.with_closures(around)).unassigned[0].reason == "cut_off"


def test_a_worker_on_an_island_is_named(at, tiny_city: RoadNetwork) -> None:
    around = np.flatnonzero((tiny_city.tail == 15) | (tiny_city.head == 15))
    plan = at([15, 5], [6], network=tiny_city.with_closures(around))
    assert plan.stranded_workers == ("W0",)
    assert pairs(plan) == {"I0": "W1"}


def test_a_place_without_any_road_is_beyond(at, tiny_city, make_workers) -> None:
    roster = Roster.from_frame(make_workers(5), dict.fromkeys(TravelMode, tiny_city), SHANGHAI)
    plan = plan_assignment(roster, [AssignmentTask("I0", 120.5, 31.0)], now=NOON)
    assert plan.unassigned[0].reason == "beyond_roads"


def test_no_incidents_and_no_workers_is_an_empty_plan(at) -> None:
    plan = at([], [])
    assert (plan.assignments, plan.unassigned, plan.cost, plan.proven) == ((), (), 0, True)


def test_every_text_is_a_sentence_in_both_languages_and_the_plan_is_json(at) -> None:
    plan = at([5, 15, (7, {"status": "busy"})], [6, (9, {"weight": 5}), (4, {"current_worker": "W2"}), 5])
    assert json.loads(json.dumps(plan.to_dict()))["schema"] == "gridgov-assignment/1"
    for lang in LANGS:
        for text in [*plan.texts(lang), *(t for a in plan.assignments for t in a.texts(lang))]:
            assert "assignment." not in text
            assert text[-1] in ".。"


def test_times_are_never_negative_or_infinite(at) -> None:
    plan = at([5, 15, 0], [6, 9, 12], capacity=2)
    for one in plan.assignments:
        assert 0 <= one.travel_time_ms < 10**9
        assert one.flip_ms is None or 0 < one.flip_ms < 10**9


def test_the_largest_weight_is_counted_exactly() -> None:
    rng = np.random.default_rng(1)
    times = rng.integers(0, 7_200_000, (40, 60))
    demand = Demand(np.full(40, 10_000), np.full(40, -1), np.full(60, 1))
    found = run(times, demand, 5)
    assert found.total == least_total(times, demand) == found.lower_bound


@pytest.mark.parametrize(
    "wrong",
    [{"capacity": -1}, {"capacity": 1.5}, {"capacity_of": {"W1": -2}}, {"queue_s": -1.0}, {"unserved_s": float("nan")}],
)
def test_impossible_parameters_are_refused(wrong) -> None:
    with pytest.raises(ParameterError):
        AssignmentParams(**wrong)


def test_an_incident_that_is_there_twice_is_refused_by_name(tiny_city, make_workers) -> None:
    roster = Roster.from_frame(make_workers(5), dict.fromkeys(TravelMode, tiny_city), SHANGHAI)
    with pytest.raises(ParameterError, match="I7 is there twice"):
        plan_assignment(roster, [AssignmentTask("I7", 118.98, 29.6)] * 2, now=NOON)
    with pytest.raises(ParameterError, match="I7 has the weight 0"):
        AssignmentTask("I7", 118.98, 29.6, weight=0)
    with pytest.raises(ParameterError, match="aware"):
        plan_assignment(roster, [], now=NOON.replace(tzinfo=None))


def test_one_incident_is_not_told_as_several_and_a_shorter_way_not_as_a_negative_one() -> None:
    load = Load(1, 1, 1, 1.0, 0.0, 60.0, 60.0, 0.0)
    one = Assignment("I1", "W1", "", TravelMode.DRIVE, 600_000)
    plan = AssignmentPlan((one,), (), 10, 10, 20, 600_000, 300_000, 1, load, considered=1, candidates=1)
    text = " ".join(plan.texts("en"))
    assert "1 incident has a worker" in text
    assert "take 5.0 min less on the road, leave 1 incident without" in text
    assert "少花 5.0 分钟" in " ".join(plan.texts("zh"))
    more = " ".join(replace(plan, greedy_travel_ms=900_000, greedy_unserved=0).texts("en"))
    assert "take 5.0 min more on the road, leave 0 incidents" in more
