"""Tours on the roads of the tiny city: times, skills and ends of shifts as the roster has them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gridgov.dispatch import Roster
from gridgov.dispatch.sequencing import HORIZON_MS, Stop, lower_bound
from gridgov.dispatch.tours import tour_problem
from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.assignments import AssignmentTask

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 30, 12, 0, 30, tzinfo=SHANGHAI)


@pytest.fixture
def ask(tiny_city, make_workers, at_crossing):
    def problem(workers, nodes, ids=("W0", "W1"), now=NOON):
        roster = Roster.from_frame(make_workers(*workers), dict.fromkeys(TravelMode, tiny_city), SHANGHAI)
        tasks = [
            AssignmentTask(f"I{i}", *at_crossing(node), **given)
            for i, (node, given) in enumerate((n, {}) if isinstance(n, int) else n for n in nodes)
        ]
        return tour_problem(roster, ids, tasks, [Stop(task.incident_id) for task in tasks], now=now)

    return problem


def test_times_are_those_of_the_roads(ask) -> None:
    """Workers at 15 and 5, tasks at 6, 0 and 1; 0 → 1 is a one-way street."""
    problem = ask([15, 5], [6, 0, 1], ids=("W1", "W0"))
    assert problem.start_ms.tolist() == [[10_000, 20_000, 10_000], [30_000, 60_000, 50_000]]
    assert problem.between_ms[0, 1, 2] == 10_000
    assert problem.between_ms[0, 2, 1] == 30_000
    assert lower_bound(problem, 10**7) == 50_000  # 5 → 6, 6 → 0, 0 → 1 is 10 + 30 + 10 s; no other steps are less


def test_skills_and_modes_say_who_may(ask) -> None:
    problem = ask(
        [(5, {"skills": ["gas"]}), (5, {"mode": "walk"})],
        [(6, {"skills": ("gas",)}), (6, {"modes": (TravelMode.WALK,)}), 6],
    )
    assert problem.may.tolist() == [[True, False, True], [False, True, True]]
    assert problem.mode[0] != problem.mode[1]


def test_the_shift_ends_the_tour(ask) -> None:
    problem = ask(
        [5, (5, {"shift_start": "10:00", "shift_end": "02:00"}), (5, {"shift_start": "16:00", "shift_end": "24:00"}),
         (5, {"shift_start": None, "shift_end": None})],
        [6], ids=("W0", "W1", "W2", "W3"),
    )  # fmt: skip
    assert problem.end_ms.tolist() == [4 * 3_600_000 - 30_000, 14 * 3_600_000 - 30_000, 0, HORIZON_MS]


def test_unknown_workers_and_lists_that_differ_are_refused(ask, tiny_city, make_workers) -> None:
    with pytest.raises(ParameterError, match="worker W9"):
        ask([5], [6], ids=("W9",))
    with pytest.raises(ParameterError, match="aware"):
        ask([5], [6], ids=("W0",), now=NOON.replace(tzinfo=None))
    roster = Roster.from_frame(make_workers(5), dict.fromkeys(TravelMode, tiny_city), SHANGHAI)
    with pytest.raises(ParameterError, match="same incidents"):
        tour_problem(roster, ["W0"], [], [Stop("a")], now=NOON)


def test_what_lies_far_from_every_road_is_out_of_reach(at_crossing, tiny_city, make_workers) -> None:
    roster = Roster.from_frame(make_workers(5), dict.fromkeys(TravelMode, tiny_city), SHANGHAI)
    tasks = [AssignmentTask("I0", *at_crossing(6)), AssignmentTask("I1", 119.5, 29.6)]
    problem = tour_problem(roster, ["W0"], tasks, [Stop("I0"), Stop("I1")], now=NOON)
    assert problem.start_ms.tolist() == [[10_000, -1]]
    assert (problem.between_ms[0, 0, 1], problem.between_ms[0, 1, 0]) == (-1, -1)
