"""A simulated month: hand-computed queues, the same incidents before and after, balance that pays."""

from __future__ import annotations

import numpy as np
import pytest

from gridgov.analysis.dispatch_month import Arrivals, Team, Travel, draw_arrivals, simulate_month
from gridgov.errors import ParameterError

C = np.array(["C", "C"], dtype=object)
HOUR = 3_600.0


def team(*shifts: tuple[int, int]) -> Team:
    """Workers of one community with shifts in hours."""
    return Team(
        np.array(["C"] * len(shifts), dtype=object),
        np.array([60 * a for a, _ in shifts]),
        np.array([60 * b for _, b in shifts]),
    )


def street(workers: int, sources: int, minute: float = 10.0) -> Travel:
    """Everything is `minute` from everything else."""
    n = workers + sources
    times = np.full((1, n, n), round(minute * 60_000))
    times[0, range(n), range(n)] = 0
    places = {source: workers + source for source in range(sources)}
    return Travel({"C": times}, {w: w for w in range(workers)}, places, np.zeros(workers, dtype=np.int64))


def arrivals(*items: tuple[float, int, int]) -> Arrivals:
    """(hour, grid, source), half an hour of work each."""
    at, grid, source = (np.array(column) for column in zip(*items, strict=True))
    return Arrivals(at * HOUR, grid, source, np.full(len(items), 1_800.0))


def test_a_second_incident_waits_until_the_worker_is_free_and_has_come() -> None:
    """At 9:00 and 9:10: on the spot at 9:10; free at 9:40; at the second at 9:50, 40 minutes after its report."""
    figures = simulate_month(
        arrivals((9, 0, 0), (9 + 1 / 6, 0, 1)), np.array([0, 0]), C, team((8, 16), (8, 16)), street(2, 2)
    )
    assert figures.mean_s == pytest.approx((600 + 2_400) / 2)
    assert figures.by_owner == 1.0
    assert figures.busy_h == pytest.approx((80 / 60, 0.0))
    assert figures.uneven == pytest.approx(0.5)


def test_two_areas_are_quicker_than_one_worker_for_all() -> None:
    incidents = arrivals((9, 0, 0), (9.1, 1, 1))
    one, two = (
        simulate_month(incidents, np.array(owner), C, team((8, 16), (8, 16)), street(2, 2))
        for owner in ([0, 0], [0, 1])
    )
    assert two.p90_s < one.p90_s
    assert two.uneven == pytest.approx(0.0)


def test_out_of_shift_a_colleague_goes_and_without_any_it_waits_for_the_first_shift() -> None:
    crew = team((8, 16), (16, 22))
    figures = simulate_month(arrivals((17, 0, 0)), np.array([0, 1]), C, crew, street(2, 1))
    assert figures.mean_s == 600
    assert figures.by_owner == 0.0
    night = simulate_month(arrivals((23, 0, 0)), np.array([0, 1]), C, crew, street(2, 1))
    assert night.mean_s == 9 * HOUR + 600


def test_an_incident_that_nobody_reaches_is_counted_apart() -> None:
    figures = simulate_month(arrivals((9, 0, 0)), np.array([-1, -1]), C, team(), street(0, 1))
    assert (figures.incidents, figures.unreached, figures.median_s) == (1, 1, None)


def test_arrivals_keep_rates_hours_and_places_of_history() -> None:
    rng = np.random.default_rng(1)
    grid, hour = rng.choice(5, 4_000, p=[0.5, 0.2, 0.1, 0.1, 0.1]), rng.choice([9.0, 15.0], 4_000)
    drawn = draw_arrivals(grid, hour, history_days=30, days=30, seed=2)
    assert len(drawn) == pytest.approx(4_000, rel=0.06)
    assert np.bincount(drawn.grid)[0] / len(drawn) == pytest.approx(0.5, abs=0.04)
    assert (grid[drawn.source] == drawn.grid).all()
    assert (np.diff(drawn.at_s) >= 0).all()
    assert set(np.round(drawn.at_s % 86_400 / HOUR).astype(int)) <= {8, 9, 10, 14, 15, 16}
    assert drawn.service_s.mean() == pytest.approx(1_800, rel=0.08)
    again = draw_arrivals(grid, hour, history_days=30, days=30, seed=2)
    assert (again.at_s == drawn.at_s).all()


def test_a_history_of_no_days_is_refused() -> None:
    with pytest.raises(ParameterError, match="above 0"):
        draw_arrivals(np.array([0]), np.array([1.0]), history_days=0)
