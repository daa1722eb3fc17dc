"""One question to every engine there is: all say the same, on random networks and on views of them."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from road_cases import edge_sets, expected_nearest, locations, networks, networkx_times, scipy_times

from gridgov.network import Place, RoadNetwork, count_within, nearest_workers, nearest_workers_batch, time_to_nearest

EXAMPLES = 5_000 if os.environ.get("GRIDGOV_SOAK") else 150
ENGINES = ("early_stop", "hierarchy", None)
LIMIT_MS = 60_000


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), networks(), st.sampled_from([0.3, 1.0, 4.0]), st.integers(1, 9))
def test_every_engine_gives_the_same_times_and_the_same_workers(
    data: st.DataObject, network: RoadNetwork, factor: float, k: int
) -> None:
    """One-ways, parallel edges, loops, times of 0 ms, islands; with closures and slow-downs on top."""
    network = network.with_closures(np.flatnonzero(network.travel_time_ms > 2**30))  # cannot get any slower
    view = network.with_speed_factor(data.draw(edge_sets(network)), factor).with_closures(data.draw(edge_sets(network)))
    workers, incidents = data.draw(locations(view)), data.draw(locations(view, 1, 3))
    expected = scipy_times(view, workers, incidents)
    assert networkx_times(view, workers, incidents).tolist() == expected.tolist()
    for engine in ENGINES:
        assert view.travel_times(workers, incidents, engine=engine).tolist() == expected.tolist()
        batch = nearest_workers_batch(view, incidents, workers, k=k, engine=engine)
        for i, incident in enumerate(incidents):
            best = expected_nearest(expected[:, i], k)
            near = nearest_workers(view, incident, workers, k=k, engine=engine)
            assert list(zip(near.travel_time_ms.tolist(), near.index.tolist(), strict=True)) == best
            row = zip(batch.travel_time_ms[i].tolist(), batch.index[i].tolist(), strict=True)
            assert list(row) == best + [(-1, -1)] * (k - len(best))
    _time_bounded_searches_agree(view, workers, incidents, expected)


def _time_bounded_searches_agree(
    view: RoadNetwork, workers: list[int | Place], incidents: list[int | Place], times: np.ndarray
) -> None:
    within = (times >= 0) & (times <= LIMIT_MS)
    assert count_within(view, incidents, workers, LIMIT_MS).tolist() == within.sum(axis=0).tolist()
    assert count_within(view, workers, incidents, LIMIT_MS, direction="to").tolist() == within.sum(axis=1).tolist()
    nearest = np.where(times >= 0, times, 2**62)
    for limit in (None, LIMIT_MS):
        least = nearest.min(axis=0, initial=2**62)
        expected = np.where(least > (2**61 if limit is None else limit), -1, least)
        assert time_to_nearest(view, incidents, workers, limit_ms=limit)[0].tolist() == expected.tolist()
