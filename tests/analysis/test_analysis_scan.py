"""The space-time scan: brute force, a planted cluster, noise at the stated rate."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest

from gridgov.analysis.scan import Scan, ScanParams, scan
from gridgov.errors import ParameterError

SIDE, DAYS = 10, 28
XY = np.array([[100.0 * x, 100.0 * y] for y in range(SIDE) for x in range(SIDE)])
FAST = ScanParams(max_radius_m=250, replicas=99, enough=20)
SOAK = os.environ.get("GRIDGOV_SOAK") == "1"


def noise(rng: np.random.Generator, cases: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Incidents that know nothing of each other, some grids and weekdays busier than others."""
    weight = rng.gamma(1.0, 1.0, len(XY))
    grid = rng.choice(len(XY), cases, p=weight / weight.sum())
    busy = np.where(np.arange(DAYS) % 7 < 5, 1.0, 0.6)
    return grid, rng.choice(DAYS, cases, p=busy / busy.sum())


def planted(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise and 18 incidents in four grids within three days."""
    grid, day = noise(rng)
    return np.append(grid, rng.choice([44, 45, 54, 55], 18)), np.append(day, rng.integers(10, 13, 18))


def test_a_planted_cluster_is_found_where_and_when_it_is() -> None:
    grid, day = planted(np.random.default_rng(1))
    found = scan(grid, day, XY, FAST, days=DAYS)
    best = found.significant[0]
    assert best.p_value == 0.01
    assert {44, 45, 54, 55} & set(best.grids)
    assert best.first_day <= 12
    assert best.last_day >= 10
    assert best.cases > 3 * best.expected
    assert best.relative_risk > 3


@pytest.mark.parametrize("model", ["permutation", "poisson"])
def test_on_noise_a_cluster_is_reported_at_the_stated_rate(model: str) -> None:
    """At 5 %: at most 10 of 100 noise data sets."""
    rng, runs = np.random.default_rng(17), 2_000 if SOAK else 100
    params = ScanParams(model=model, max_radius_m=150, max_days=5, replicas=99, enough=10)
    persons = rng.uniform(50, 500, len(XY))
    alarms = 0
    for seed in range(runs):
        grid, day = noise(rng, 120)
        if model == "poisson":
            grid = rng.choice(len(XY), 120, p=persons / persons.sum())
            day = rng.integers(DAYS, size=120)
        alarms += bool(scan(grid, day, XY, params, days=DAYS, persons=persons, seed=seed).significant)
    assert alarms <= (0.065 * runs if SOAK else 10)


def brute_force(grid: np.ndarray, day: np.ndarray, params: ScanParams) -> float:
    """The best likelihood ratio over every circle and window, written down plainly."""
    best, total = 0.0, len(grid)
    for centre, (first, length) in product(range(len(XY)), product(range(DAYS), range(1, params.max_days + 1))):
        if first + length > DAYS:
            continue
        distance = np.hypot(*(XY - XY[centre]).T)
        for radius in np.unique(distance[distance <= params.max_radius_m]):
            in_space = distance[grid] <= radius
            in_time = (day >= first) & (day < first + length)
            cases, expected = (in_space & in_time).sum(), in_space.sum() * in_time.sum() / total
            if cases > expected and cases >= 2:
                ratio = cases * np.log(cases / expected)
                if cases < total:
                    ratio += (total - cases) * np.log((total - cases) / (total - expected))
                best = max(best, ratio)
    return best


def test_no_circle_of_whole_rings_is_better_than_the_best_cylinder() -> None:
    """Circles grow grid by grid, so the search also has all whole rings."""
    grid, day = planted(np.random.default_rng(4))
    params = ScanParams(max_radius_m=150, max_days=3, replicas=19)
    found = scan(grid, day, XY, params, days=DAYS)
    assert found.clusters[0].llr >= brute_force(grid, day, params) - 1e-9


def counted(found: Scan, grid: np.ndarray, day: np.ndarray) -> list[int]:
    return [int((np.isin(grid, c.grids) & (day >= c.first_day) & (day <= c.last_day)).sum()) for c in found.clusters]


def test_further_clusters_share_no_grid_and_count_what_lies_in_them() -> None:
    grid, day = planted(np.random.default_rng(2))
    found = scan(grid, day, XY, FAST, days=DAYS)
    members = [one for cluster in found.clusters for one in cluster.grids]
    assert len(members) == len(set(members))
    assert [c.cases for c in found.clusters] == counted(found, grid, day)
    assert [c.llr for c in found.clusters] == sorted((c.llr for c in found.clusters), reverse=True)


def test_the_same_seed_gives_the_same_answer() -> None:
    grid, day = planted(np.random.default_rng(3))
    assert scan(grid, day, XY, FAST, days=DAYS, seed=5) == scan(grid, day, XY, FAST, days=DAYS, seed=5)


def test_nothing_to_scan_is_an_answer_without_clusters() -> None:
    assert scan([], [], XY, days=DAYS).clusters == ()
    assert scan([3], [0], XY, days=DAYS).clusters == ()


def test_incidents_elsewhere_and_populations_that_cannot_be_are_refused() -> None:
    with pytest.raises(ParameterError, match="none of the 100 grids"):
        scan([100], [0], XY, days=DAYS)
    with pytest.raises(ParameterError, match="in degrees"):
        scan([1, 2], [0, 1], [[118.9, 29.6], [118.91, 29.6], [118.92, 29.6]], days=DAYS)
    with pytest.raises(ParameterError, match="needs persons"):
        scan([1, 2], [0, 1], XY, ScanParams(model="poisson"), days=DAYS)
