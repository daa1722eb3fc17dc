"""How long people need: worked out by hand, and against every person written out one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.analysis.equity import access_figures
from gridgov.errors import ParameterError


def test_people_count_and_not_grids() -> None:
    """Ninety people need 100 s, ten need 1,000 s."""
    found = access_figures([100, 1000, 500], [90, 10, 0], 600)
    assert (found.persons, found.persons_within, found.share_within) == (100, 90, 0.9)
    assert (found.mean_s, found.median_s, found.p90_s, found.max_s) == (190, 100, 100, 1000)
    assert found.gini == pytest.approx(90 * 10 * 900 / (100 * 100 * 190))


def test_no_way_and_no_figure_are_counted_apart() -> None:
    found = access_figures([60, np.nan, 30, np.nan], [10, 5, np.nan, np.nan], 60)
    assert (found.persons, found.persons_within, found.persons_unreached, found.grids_unknown) == (15, 10, 5, 2)
    assert found.share_within == 10 / 15
    assert found.max_s == 60


def test_where_nobody_has_a_way_there_is_no_time() -> None:
    found = access_figures([np.nan], [4], 60)
    assert (found.mean_s, found.median_s, found.p90_s, found.max_s, found.gini) == (None,) * 5
    assert found.share_within == 0
    assert access_figures([], [], 60).share_within is None


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=30))
def test_figures_are_those_of_all_people_one_by_one(grids: list[tuple[int, int]]) -> None:
    times, persons = np.array(grids).T
    found = access_figures(times, persons, 20)
    everybody = np.sort(np.repeat(times, persons)).astype(float)
    assert found.persons_within + found.persons_beyond == len(everybody) == found.persons
    if not len(everybody):
        assert found.mean_s is None
        return
    n = len(everybody)
    assert found.mean_s == pytest.approx(everybody.mean())
    assert found.median_s == everybody[int(np.ceil(n * 0.5)) - 1]
    assert found.p90_s == everybody[int(np.ceil(n * 0.9 - 1e-9)) - 1]
    differences = np.abs(everybody[:, None] - everybody[None, :]).mean()
    expected = differences / (2 * everybody.mean()) if everybody.mean() else 0.0
    assert found.gini == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("times", "persons", "limit"), [([-1], [1], 5), ([1], [-1], 5), ([1], [1], -5), ([1], [], 5)])
def test_impossible_figures_are_refused(times: list[float], persons: list[float], limit: float) -> None:
    with pytest.raises(ParameterError):
        access_figures(times, persons, limit)
