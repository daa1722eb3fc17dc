"""The work of grids."""

from __future__ import annotations

import numpy as np
import pytest

from gridgov.errors import ParameterError
from gridgov.grids.workload import WorkloadWeights, workload


def test_shares_are_weighted_and_add_up() -> None:
    """Half by incidents (3 : 1), half by people (1 : 1): 0.625 and 0.375."""
    found = workload([3, 1], [50, 50], ["A", "A"], WorkloadWeights(1, 1, 0))
    assert found.share.tolist() == pytest.approx([0.625, 0.375])


def test_an_unknown_population_counts_as_the_median_of_its_community_and_is_said() -> None:
    found = workload([0, 0, 0, 0], [10, np.nan, 30, 500], ["A", "A", "A", "B"], WorkloadWeights(0, 1, 0))
    assert found.share.tolist() == pytest.approx([10 / 560, 20 / 560, 30 / 560, 500 / 560])
    assert found.unknown.tolist() == [False, True, False, False]


def test_what_is_zero_everywhere_leaves_its_weight_to_the_others() -> None:
    assert workload([0, 0], [1, 3], ["A", "A"], WorkloadWeights(0.9, 0.1, 0)).share.tolist() == [0.25, 0.75]
    assert workload([0, 0], [np.nan, 0], ["A", "A"], WorkloadWeights(1, 0, 0)).share.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("weights", [(0, 0, 0), (-1, 1, 1), (float("nan"), 1, 1)])
def test_weights_that_sum_to_zero_or_are_negative_are_refused(weights: tuple[float, float, float]) -> None:
    with pytest.raises(ParameterError, match="weight"):
        WorkloadWeights(*weights)


def test_a_negative_population_is_refused_with_its_grid() -> None:
    with pytest.raises(ParameterError, match="population of grid 1"):
        workload([1, 1], [5, -1], ["A", "A"])
