"""Duty areas cut anew: hand-computed rows of grids, brute force, and 100 random districts."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from districts import District, district, line

from gridgov.errors import ParameterError
from gridgov.grids.borders import from_pairs, shared_borders
from gridgov.grids.exact_areas import simple_bound
from gridgov.grids.partition import Community, State
from gridgov.grids.redesign import DutyProblem, Reason, Redesign, RedesignParams, area_loads, duty_codes, redesign

BALANCE = RedesignParams(compactness=0.0)


def test_a_row_of_grids_is_cut_where_both_halves_have_the_same_work() -> None:
    """Loads 1 1 1 1 4: one worker gets the first four, the other the last."""
    answer = redesign(line(1, 1, 1, 1, 4, duty=((0,), (0,), (1,), (1,), (1,))), BALANCE)
    assert answer.owner.tolist() == [0, 0, 0, 0, 1]
    (community,) = answer.communities
    assert community.after == community.bound == 0.0
    assert community.optimal
    assert community.misplaced_before == pytest.approx(0.25)  # 2 and 6 instead of 4 and 4: 2 of 8 lie wrong


def test_a_grid_with_too_much_work_is_in_the_bound() -> None:
    """Loads 10 1 1 among two: at least 10 against 2, 4 of 12 lie wrong, and the proof says so."""
    (community,) = redesign(line(10, 1, 1), BALANCE).communities
    assert community.misplaced_after == pytest.approx(1 / 3, abs=1e-6)
    assert community.bound == pytest.approx(1 / 3, abs=1e-6)
    assert community.optimal
    assert community.gap == 0.0


def test_areas_that_are_already_best_stay_as_they_are() -> None:
    today = ((1,), (1,), (0,), (0,))
    answer = redesign(line(1, 1, 1, 1, duty=today), RedesignParams())
    assert answer.owner.tolist() == answer.before.tolist() == [1, 1, 0, 0]


def test_new_areas_go_to_the_workers_who_know_them() -> None:
    answer = redesign(line(3, 1, 1, 1, 1, 1, duty=((1,), (1,), (1,), (1,), (0,), (0,))), BALANCE)
    assert answer.owner.tolist() in ([1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0])
    assert answer.owner[0] == 1


@pytest.mark.parametrize(
    ("workers", "reason"), [(0, Reason.NO_WORKERS), (4, Reason.FEWER_GRIDS_THAN_WORKERS), (2, Reason.DISCONNECTED)]
)
def test_a_community_that_cannot_be_cut_is_an_answer_with_its_reason(workers: int, reason: Reason) -> None:
    problem = line(1, 1, 1, workers=workers)
    if reason is Reason.DISCONNECTED:
        problem = replace(problem, borders=from_pairs(3, [(0, 1)]))
    answer = redesign(problem)
    (refused,) = answer.infeasible
    assert refused.reason is reason
    assert refused.parts == (((0, 1), (2,)) if reason is Reason.DISCONNECTED else ())
    assert answer.owner.tolist() == [-1, -1, -1]
    assert (answer.objective_before, answer.objective_after, answer.gap) == (0.0, 0.0, 0.0)


def brute_force(community: Community) -> int:
    """The least cost of all connected partitions."""
    states = (State.of(community, area) for area in product(range(community.areas), repeat=community.grids))
    return min(state.cost for state in states if state.feasible)


@pytest.mark.parametrize("seed", range(12))
def test_small_communities_reach_the_optimum_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height, k = 4, 2, int(rng.integers(2, 4))
    pairs = [(i, i + 1) for i in range(8) if i % width != width - 1] + [(i, i + width) for i in range(4)]
    problem = DutyProblem(
        np.array(["C"] * (width * height), dtype=object),
        rng.gamma(0.7, 1.0, 8),
        from_pairs(8, pairs, rng.uniform(10, 300, len(pairs)).tolist()),
        np.array([f"W{i}" for i in range(k)], dtype=object),
        np.array(["C"] * k, dtype=object),
        ((),) * 8,
    )
    params = RedesignParams(compactness=float(rng.choice([0.0, 0.1, 1.0])))
    community = Community.of(problem.load, problem.borders, k, params.compactness)
    best = brute_force(community)
    (answer,) = redesign(problem, params, seed=seed).communities
    assert simple_bound(community) <= best
    assert answer.after == pytest.approx(community.share(best))
    assert answer.bound == pytest.approx(answer.after)


def check(one: District, answer: Redesign) -> None:
    """Every grid has one worker of its own community, every area hangs together, nothing is worse, bounds hold."""
    problem = one.problem
    solved = {c.community for c in answer.communities if c.reason is None}
    for owner in (answer.owner, answer.before):
        covered = np.array([name in solved for name in problem.community])
        assert ((owner >= 0) == covered).all()
        own = problem.worker_community[owner[covered]]
        assert (own == problem.community[covered]).all()
        for worker in np.unique(owner[covered]):
            assert len(problem.borders.parts(np.flatnonzero(owner == worker).tolist())) == 1
        for name in solved:
            crew = np.flatnonzero(problem.worker_community == name)
            assert set(owner[problem.community == name].tolist()) == set(crew.tolist())
    for community in answer.communities:
        assert community.bound <= community.after + 1e-12
        assert community.after <= community.before + 1e-12
    assert answer.lower_bound <= answer.objective_after <= answer.objective_before + 1e-12


@pytest.mark.parametrize("block", range(10))
def test_contiguity_coverage_and_never_worse_hold_on_100_random_districts(block: int) -> None:
    for seed in range(block * 10, block * 10 + 10):
        one = district(seed, grids=30)
        check(one, redesign(one.problem, RedesignParams(time_limit_s=0.05, rounds=5), seed=seed))


def test_the_same_seed_and_limits_give_the_same_areas() -> None:
    problem = district(7, grids=60).problem
    first, second = (redesign(problem, RedesignParams(time_limit_s=0.5), seed=3) for _ in range(2))
    assert first.owner.tolist() == second.owner.tolist()
    assert first.communities == second.communities


def test_loads_and_codes_of_areas_are_those_of_their_grids() -> None:
    one = district(5)
    answer = redesign(one.problem, RedesignParams(time_limit_s=0.0))
    workers = len(one.problem.worker_id)
    loads = area_loads(answer.owner, one.problem.load, workers)
    codes = duty_codes(answer.owner, one.frame["grid_code"].tolist(), workers)
    assert loads.sum() == pytest.approx(one.problem.load[answer.owner >= 0].sum())
    assert sum(map(len, codes)) == int((answer.owner >= 0).sum())


def test_a_shared_corner_makes_no_neighbours_and_a_slit_parts_nobody() -> None:
    import geopandas as gpd
    import shapely

    boxes = [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), shapely.box(100.3, 100, 200, 200)]
    frame = gpd.GeoDataFrame(geometry=[*boxes, shapely.box(0, 100.2, 100, 200)], crs="EPSG:4549")
    borders = shared_borders(frame, crs="EPSG:4549")
    pairs = list(zip(borders.a.tolist(), borders.b.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 3), (1, 2), (2, 3)]
    assert np.allclose(borders.length_m, 100, atol=2)


def test_a_load_that_is_no_number_is_refused_with_its_grid() -> None:
    with pytest.raises(ParameterError, match="load of grid 1"):
        line(1, -2, 1)
