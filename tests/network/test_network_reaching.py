"""One search from many places: equal to the matrix, in both directions, up to a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from road_cases import locations, networks

from gridgov.errors import ParameterError
from gridgov.network import RoadNetwork, count_within, reach, time_to_nearest


@given(st.data())
def test_the_time_to_the_nearest_is_the_least_of_the_matrix(data: st.DataObject) -> None:
    network = data.draw(networks())
    sources = data.draw(locations(network, min_size=1, max_size=5))
    targets = data.draw(locations(network, min_size=1))
    for direction in ("from", "to"):
        matrix = (
            network.travel_times(sources, targets).T if direction == "from" else network.travel_times(targets, sources)
        ).astype(np.int64)
        time, source = time_to_nearest(network, targets, sources, direction=direction)
        huge = np.where(matrix < 0, 2**62, matrix)
        assert time.tolist() == np.where(huge.min(axis=1) == 2**62, -1, huge.min(axis=1)).tolist()
        assert ((source >= 0) == (time >= 0)).all()
        for target in np.flatnonzero(time >= 0):
            assert matrix[target, source[target]] == time[target]


@given(st.data())
def test_the_number_of_sources_within_a_time_is_that_of_the_matrix(data: st.DataObject) -> None:
    network = data.draw(networks())
    sources = data.draw(locations(network, max_size=5))
    targets = data.draw(locations(network, min_size=1))
    limit = data.draw(st.sampled_from([0, 2, 1000, 90_000, 2**40]))
    matrix = network.travel_times(sources, targets)
    expected = ((matrix >= 0) & (matrix <= limit)).sum(axis=0)
    assert count_within(network, targets, sources, limit).tolist() == expected.tolist()
    matrix = network.travel_times(targets, sources)
    expected = ((matrix >= 0) & (matrix <= limit)).sum(axis=1)
    assert count_within(network, targets, sources, limit, direction="to").tolist() == expected.tolist()


def test_a_one_way_street_tells_the_directions_apart(tiny_city: RoadNetwork) -> None:
    """From crossing 1 to 0 it is round the block (30 s); from 0 to 1 straight (10 s)."""
    assert time_to_nearest(tiny_city, [0], [1])[0].tolist() == [30_000]
    assert time_to_nearest(tiny_city, [0], [1], direction="to")[0].tolist() == [10_000]


def test_a_node_exactly_at_the_limit_is_within(tiny_city: RoadNetwork) -> None:
    within = reach(tiny_city, [5], limit_ms=10_000)
    assert np.flatnonzero(within.node_time_ms >= 0).tolist() == [1, 4, 5, 6, 9]
    assert np.flatnonzero(reach(tiny_city, [5], limit_ms=9_999).node_time_ms >= 0).tolist() == [5]


def test_an_impossible_question_is_refused(tiny_city: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="negative"):
        reach(tiny_city, [5], limit_ms=-1)
    with pytest.raises(ParameterError, match="direction"):
        reach(tiny_city, [5], direction="up")  # type: ignore[arg-type]
