"""Speeds from tracks: drives along known routes with known speeds and noisy positions give the speeds back."""

from __future__ import annotations

import numpy as np
import pytest

from gridgov.errors import ParameterError
from gridgov.model.speed_profiles import SpeedHours
from gridgov.network import CLOSED, RoadNetwork, nearest_workers, with_hour
from gridgov.network.track_speeds import MatchParams, edge_factors, edge_speeds, match_track

NOISE_M = 6.0


@pytest.fixture(scope="module")
def city() -> RoadNetwork:
    """7 × 7 crossings, 300 m apart, all streets both ways, 10 m/s."""
    side, step = 7, 300.0
    x, y = np.arange(side * side) % side, np.arange(side * side) // side
    east = [(n, n + 1) for n in range(side * side) if n % side < side - 1]
    north = [(n, n + side) for n in range(side * (side - 1))]
    ends = [pair for u, v in east + north for pair in ((u, v), (v, u))]
    tail, head = np.array(ends).T
    lon, lat = 118.98 + x * step / 96_900, 29.60 + y * step / 110_860
    return RoadNetwork.from_arrays(tail, head, np.full(len(tail), 30_000), x=lon, y=lat)


def drive(network: RoadNetwork, route, factor: np.ndarray, rng: np.random.Generator, every_s: float = 5.0):
    """Positions along a route, driven at the usual speed times the factor of each edge, with noise."""
    usual = route.piece_travel_time_ms / 1000
    passed = np.concatenate([[0.0], np.cumsum(usual / factor[list(route.edges)])])
    times = np.arange(0.0, passed[-1], every_s)
    points = []
    for time in times:
        i = min(int(np.searchsorted(passed, time, side="right")) - 1, len(route.edges) - 1)
        share = (time - passed[i]) / (passed[i + 1] - passed[i])
        points.append(network.point_on_edge(route.edges[i], float(np.clip(share, 0, 1))))
    noisy = np.array(points) + rng.normal(0, NOISE_M, (len(points), 2)) / [96_900, 110_860]
    return noisy[:, 0], noisy[:, 1], times


def tracks(network: RoadNetwork, factor: np.ndarray, count: int, rng: np.random.Generator):
    for _ in range(count):
        start, goal = rng.choice(network.n_nodes, 2, replace=False)
        shaken = network.with_speed_factors(rng.uniform(0.7, 1.3, network.n_edges))  # so that routes differ
        route = nearest_workers(shaken, int(goal), [int(start)], k=1).path(0)
        if len(route.edges) > 2:
            plain = nearest_workers(network.with_closures(np.setdiff1d(np.arange(network.n_edges), route.edges)),
                                    int(goal), [int(start)], k=1).path(0)  # fmt: skip
            yield plain, drive(network, plain, factor, rng)


def test_the_matched_way_is_the_one_that_was_driven(city: RoadNetwork) -> None:
    rng = np.random.default_rng(3)
    seen = right = 0
    for route, (lon, lat, time) in tracks(city, np.ones(city.n_edges), 12, rng):
        legs = match_track(city, lon, lat, time)
        driven = np.zeros(city.n_edges)
        for leg in legs:
            np.add.at(driven, list(leg.route.edges), leg.route.to_fraction - leg.route.from_fraction)
        matched = set(np.flatnonzero(driven > 0.2).tolist())
        seen += len(matched | set(route.edges))
        right += len(matched & set(route.edges))
    assert right / seen > 0.9


def test_known_speeds_come_back_within_a_tenth(city: RoadNetwork) -> None:
    """Streets running east at half the speed, the others at the usual one; 150 tracks, noise of 6 m."""
    rng = np.random.default_rng(5)
    factor = np.where(city.head == city.tail + 1, 0.5, 1.0)
    legs = [leg for _, track in tracks(city, factor, 150, rng) for leg in match_track(city, *track)]
    speeds = edge_speeds(city, legs)
    often = speeds[speeds.samples >= 3]
    assert len(often) > 60
    error = np.abs(often.factor / factor[often.edge_id] - 1)
    assert error.median() < 0.03
    assert error.max() < 0.1
    slow = often.edge_id.isin(np.flatnonzero(factor == 0.5))
    assert often.factor[slow].median() == pytest.approx(0.5, rel=0.1)
    assert often.factor[~slow].median() == pytest.approx(1.0, rel=0.1)
    assert often.speed_kph[slow].median() == pytest.approx(18, rel=0.1)


def test_measured_factors_go_into_the_view_of_an_hour(city: RoadNetwork) -> None:
    rng = np.random.default_rng(8)
    factor = np.full(city.n_edges, 0.5)
    legs = [leg for _, track in tracks(city, factor, 20, rng) for leg in match_track(city, *track)]
    speeds = edge_speeds(city, legs, [8] * len(legs))
    measured = edge_factors(city, speeds, 8, least_samples=2)
    view = with_hour(city, SpeedHours(()), 8, edge_factors=measured)
    known = ~np.isnan(measured)
    assert 0 < known.sum() < city.n_edges
    assert (view.travel_time_ms[~known] == 30_000).all()
    assert np.median(view.travel_time_ms[known]) == pytest.approx(60_000, rel=0.1)
    assert np.isnan(edge_factors(city, speeds, 9)).all()


def test_a_pause_and_positions_far_from_roads_break_the_chain(city: RoadNetwork) -> None:
    lon, lat = city.edge_coordinates(0).T
    line = np.linspace(lon[0], lon[1], 5)
    assert len(match_track(city, line, np.full(5, lat[0]), [0, 5, 10, 1000, 1005])) == 3
    away = np.full(5, lat[0] - 1.0)
    assert match_track(city, line, away, [0, 5, 10, 15, 20]) == []


def test_who_stands_still_on_a_one_way_street_is_not_sent_round_the_block(tiny_city: RoadNetwork) -> None:
    """Crossings 0 → 1 of the tiny city; the positions shake around the middle of the street."""
    shaking = 118.9805 + np.array([0.0, 5.0, -6.0, 4.0, -7.0, 2.0]) / 96_900
    assert match_track(tiny_city, shaking, np.full(6, 29.60), np.arange(6) * 5.0) == []


def test_nothing_is_matched_to_a_closed_road(city: RoadNetwork) -> None:
    closed = np.full(city.n_edges, CLOSED)
    view = RoadNetwork.from_arrays(city.tail, city.head, closed, x=city.x, y=city.y)
    assert match_track(view, [118.981], [29.6], [0]) == []


def test_impossible_tracks_are_refused(city: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="position 2"):
        match_track(city, [118.98] * 3, [29.6] * 3, [0, 5, 5])
    with pytest.raises(ParameterError, match="longitudes"):
        match_track(city, [118.98], [29.6, 29.6], [0])
    with pytest.raises(ParameterError, match="above 0"):
        MatchParams(noise_m=0)


def test_no_tracks_are_no_speeds(city: RoadNetwork) -> None:
    assert len(edge_speeds(city, [])) == 0
