"""Siting: the optimum of brute force and of spopt on small instances, properties, and problems without an answer."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridgov.analysis.siting import SitingProblem, siting_problem, solve_siting
from gridgov.errors import ParameterError
from gridgov.model.siting import SitingModel, SitingParams, SitingPlan, SitingStatus

MEDIAN, CENTRE = SitingModel.P_MEDIAN, SitingModel.P_CENTRE
MOST, ALL = SitingModel.MAX_COVERING, SitingModel.SET_COVERING
LIMIT_S = 30.0
NO_WAY = 10**15


def make(seed: int, n: int = 12, m: int = 7, *, existing: int = 0, holes: float = 0.0, **options: Any) -> SitingProblem:
    """Random people and sites in a square of 60 seconds, some ways missing."""
    rng = np.random.default_rng(seed)
    here, there = rng.random((n, 2)) * 60_000, rng.random((m, 2)) * 60_000
    times = np.linalg.norm(here[:, None] - there[None, :], axis=2).round().astype(np.int64)
    times[rng.random((n, m)) < holes] = -1
    weight = rng.integers(0, 200, n)
    weight[0] += 1
    sites = [f"s{j}" for j in range(m)]
    names = [f"d{i}" for i in range(n)]
    return siting_problem(names, weight, sites, times, existing=sites[:existing], **options)


def params(model: SitingModel, k: int = 2, **options: Any) -> SitingParams:
    return SitingParams(model=model, k=k, limit_s=LIMIT_S, **options)


def value_of(problem: SitingProblem, model: SitingModel, opened: tuple[int, ...]) -> float:
    """The objective of a choice by its definition; infinite where somebody is not served."""
    sites = [*np.flatnonzero(problem.existing), *opened]
    rows = problem.weight > 0
    times = np.where(problem.time_ms < 0, NO_WAY, problem.time_ms)[rows][:, sites].min(axis=1, initial=NO_WAY)
    weight = problem.weight[rows]
    within = times <= LIMIT_S * 1000
    if model is MOST:
        return -float(weight[within].sum())
    if model is ALL:
        return len(opened) if within.all() else np.inf
    if (times == NO_WAY).any():
        return np.inf
    return float(times.max()) if model is CENTRE else float(weight @ times)


def brute_force(problem: SitingProblem, model: SitingModel, k: int) -> float:
    candidates = np.flatnonzero(problem.candidates)
    most = len(candidates) if model is ALL else k
    return min(
        value_of(problem, model, chosen) for count in range(most + 1) for chosen in combinations(candidates, count)
    )


def positions(problem: SitingProblem, plan: SitingPlan) -> tuple[int, ...]:
    return tuple(problem.site_id.tolist().index(site) for site in plan.opened)


def check_plan(problem: SitingProblem, plan: SitingPlan) -> None:
    """A plan says what it is worth, opens only what may be opened, and its bound is on the right side."""
    sign = -1 if plan.model is MOST else 1
    assert plan.objective is not None
    assert plan.bound is not None
    assert plan.gap is not None
    assert value_of(problem, plan.model, positions(problem, plan)) == pytest.approx(sign * plan.objective, rel=1e-9)
    assert sign * plan.bound <= sign * plan.objective
    assert 0 <= plan.gap <= 1
    assert all(problem.candidates[position] for position in positions(problem, plan))
    assert len(set(plan.opened)) == len(plan.opened)


@pytest.mark.parametrize("model", list(SitingModel))
@pytest.mark.parametrize("seed", range(12))
def test_the_optimum_of_brute_force_is_reached(model: SitingModel, seed: int) -> None:
    k = seed % 4
    existing, holes = (seed // 2) % 3 + (k == 0), 0.25 * (seed % 2)
    forbidden = ("s6",) if seed % 3 == 0 else ()
    problem = make(seed, existing=existing, holes=holes, forbidden=forbidden)
    plan = solve_siting(problem, params(model, k))
    best = brute_force(problem, model, k)
    if np.isinf(best):
        assert plan.status is SitingStatus.INFEASIBLE
        assert plan.reasons
        assert plan.reasons[0].ids
        return
    assert plan.status is SitingStatus.OPTIMAL
    assert plan.objective == abs(best)
    assert plan.gap == 0
    check_plan(problem, plan)


def with_places(problem: SitingProblem, model: str, chosen: tuple[int, ...]) -> float:
    """The least person-milliseconds with capacities, by a linear programme of its own."""
    from scipy.optimize import linprog

    assert problem.places is not None
    sites = [*np.flatnonzero(problem.existing), *chosen]
    rows = np.flatnonzero(problem.weight > 0)
    times = problem.time_ms[np.ix_(rows, sites)]
    n, m = times.shape
    if not m:
        return np.inf
    everybody = np.kron(np.eye(n), np.ones(m))
    seated = np.kron(np.ones(n), np.eye(m))
    bounds = [(0, None if time >= 0 else 0) for time in times.ravel()]
    found = linprog(
        times.ravel(), seated, problem.places[sites], everybody, problem.weight[rows], bounds=bounds, method=model
    )
    return float(found.fun) if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", range(12))
def test_with_capacities_the_optimum_of_brute_force_is_reached(seed: int) -> None:
    rng, k = np.random.default_rng(seed), 1 + seed % 3
    problem = make(seed, 9, 6, existing=seed % 2, holes=0.15 * (seed % 3), capacity_persons=rng.integers(200, 900, 6))
    plan = solve_siting(problem, params(MEDIAN, k))
    candidates = np.flatnonzero(problem.candidates)
    best = min(with_places(problem, "highs", chosen) for chosen in combinations(candidates, k))
    if np.isinf(best):
        assert plan.status is SitingStatus.INFEASIBLE
        assert {reason.code for reason in plan.reasons} <= {
            "no_way", "too_few_sites", "capacity_below_demand", "places_out_of_reach",
        }  # fmt: skip
        return
    assert plan.status is SitingStatus.OPTIMAL
    assert plan.objective == pytest.approx(best, rel=1e-9)
    assert plan.shares is not None
    demand, site, persons = plan.shares
    assert np.bincount(demand, persons, 9).tolist() == problem.weight.tolist()
    assert (np.bincount(site, persons, 6) <= problem.places).all()


@pytest.mark.parametrize("seed", range(3))
def test_spopt_finds_no_better_and_no_worse(seed: int) -> None:
    problem, k = make(seed, 20, 9), 3
    problem.weight[:] = np.maximum(problem.weight, 1)
    far = 45.0  # within which everybody can be covered here
    asked = {model: SitingParams(model=model, k=k, limit_s=far) for model in SitingModel}
    found = {model: solve_siting(problem, asked[model]).objective for model in SitingModel}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, not ours
        import pulp
        from spopt.locate import LSCP, MCLP, PCenter, PMedian

        solver, times, weight = pulp.PULP_CBC_CMD(msg=False), problem.time_ms.astype(float), problem.weight
        median = PMedian.from_cost_matrix(times, weight, p_facilities=k).solve(solver)
        centre = PCenter.from_cost_matrix(times, p_facilities=k).solve(solver)
        most = MCLP.from_cost_matrix(times, weight, far * 1000, p_facilities=k).solve(solver)
        fewest = LSCP.from_cost_matrix(times, far * 1000).solve(solver)
    assert found[MEDIAN] == pytest.approx(median.problem.objective.value(), rel=1e-6)
    assert found[CENTRE] == pytest.approx(centre.problem.objective.value(), rel=1e-6)
    assert found[MOST] == pytest.approx(most.problem.objective.value(), rel=1e-6)
    assert found[ALL] == pytest.approx(fewest.problem.objective.value(), rel=1e-6)


instances = st.builds(
    make, st.integers(0, 10_000), st.integers(1, 25), st.integers(2, 12), existing=st.integers(0, 2),
    holes=st.sampled_from([0.0, 0.2]),
)  # fmt: skip
often = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def as_least(plan: SitingPlan) -> float:
    """The objective, smaller is better; infinite without an answer."""
    if plan.objective is None:
        return np.inf
    return -plan.objective if plan.model is MOST else plan.objective


@given(instances, st.sampled_from([MEDIAN, CENTRE, MOST]), st.integers(0, 4))
@often
def test_one_more_site_never_makes_it_worse(problem: SitingProblem, model: SitingModel, k: int) -> None:
    fewer, more = (solve_siting(problem, params(model, count)) for count in (k, k + 1))
    if k + 1 <= problem.candidates.sum():
        assert as_least(more) <= as_least(fewer)
        for plan in (fewer, more):
            if plan.solved:
                check_plan(problem, plan)


@given(instances, st.sampled_from(list(SitingModel)))
@often
def test_what_is_added_to_what_exists_never_makes_it_worse(problem: SitingProblem, model: SitingModel) -> None:
    plan = solve_siting(problem, params(model, 1))
    if plan.solved and plan.before is not None and model is not ALL:
        before = -plan.before if model is MOST else plan.before
        assert as_least(plan) <= before


@given(instances, st.sampled_from([MEDIAN, CENTRE, MOST]))
@often
def test_a_search_that_is_cut_short_has_an_honest_bound(problem: SitingProblem, model: SitingModel) -> None:
    exact = solve_siting(problem, params(model, 2))
    short = solve_siting(problem, params(model, 2, time_limit_s=1e-9))
    if short.solved:
        check_plan(problem, short)
        sign = -1 if model is MOST else 1
        assert short.bound is not None
        assert sign * short.bound <= as_least(exact) * (1 + sign * 1e-9)
        assert as_least(short) >= as_least(exact) - 1e-6
    elif short.status is SitingStatus.UNKNOWN:
        assert [reason.code for reason in short.reasons] == ["time_ran_out"]


def test_the_same_seed_gives_the_same_plan() -> None:
    problem = make(5, 60, 25)
    for model in SitingModel:
        first, second = (solve_siting(problem, params(model, 4, seed=3)) for _ in range(2))
        assert first.opened == second.opened
        assert first.facts == second.facts


def test_existing_sites_serve_on_and_are_not_opened_again() -> None:
    problem = make(1, existing=2)
    plan = solve_siting(problem, params(MEDIAN, 2))
    assert not {"s0", "s1"} & set(plan.opened)
    assert set(plan.site.tolist()) & {0, 1}
    assert plan.before == value_of(problem, MEDIAN, ())


def test_the_first_site_is_the_one_that_helps_most() -> None:
    problem = make(3, existing=1)
    plan = solve_siting(problem, params(MEDIAN, 3))
    alone = [value_of(problem, MEDIAN, (position,)) for position in positions(problem, plan)]
    assert alone[0] == min(alone)


def test_more_sites_than_candidates_is_an_answer_with_the_forbidden_ones() -> None:
    plan = solve_siting(make(1, forbidden=("s1", "s2")), params(MEDIAN, 6))
    assert plan.status is SitingStatus.INFEASIBLE
    assert plan.objective is None
    (reason,) = plan.reasons
    assert (reason.code, reason.ids, reason.fields) == (
        "k_exceeds_candidates", ("s1", "s2"), {"k": 6, "candidates": 5},
    )  # fmt: skip


def test_whoever_no_site_reaches_is_named_or_left_out_when_that_is_wanted() -> None:
    problem = make(1)
    problem.time_ms[3] = -1
    problem.weight[3] = 7
    plan = solve_siting(problem, params(MEDIAN))
    assert [(reason.code, reason.ids) for reason in plan.reasons] == [("no_way", ("d3",))]
    plan = solve_siting(problem, params(MEDIAN, leave_out_unreachable=True))
    assert plan.status is SitingStatus.OPTIMAL
    assert plan.left_out == ("d3",)
    assert plan.site[3] == plan.time_ms[3] == -1


def test_islands_need_more_sites_than_there_may_be() -> None:
    times = np.where(np.eye(3, dtype=bool), 1000, -1)
    problem = siting_problem(["a", "b", "c"], [1, 1, 1], ["x", "y", "z"], times)
    for model in (MEDIAN, CENTRE):
        (reason,) = solve_siting(problem, params(model, 2)).reasons
        assert (reason.code, reason.fields) == ("too_few_sites", {"k": 2, "needed": 3})


def test_too_few_places_say_how_many_are_missing() -> None:
    problem = siting_problem(["a"], [100], ["x", "y"], [[5, 9]], capacity_persons=[30, 40])
    (reason,) = solve_siting(problem, params(MEDIAN, 2)).reasons
    assert reason.code == "capacity_below_demand"
    assert reason.fields == {"places": 70, "persons": 100, "missing": 30}


def test_places_that_those_in_need_cannot_reach_are_no_places() -> None:
    problem = siting_problem(["a", "b"], [50, 50], ["x", "y"], [[5, -1], [5, 9]], capacity_persons=[40, 90])
    (reason,) = solve_siting(problem, params(MEDIAN, 2)).reasons
    assert (reason.code, reason.ids, reason.fields) == ("places_out_of_reach", ("a",), {"persons": 10})


@pytest.mark.parametrize(
    ("weight", "times", "options", "said"),
    [
        ([-1, 2], [[1], [2]], {}, "weight of a is negative"),
        ([np.nan, 2], [[1], [2]], {}, "weight of a is negative or no number"),
        ([0, 0], [[1], [2]], {}, "sum to zero"),
        ([1, 1], [[1]], {}, "shape"),
        ([1, 1], [[1.5], [2]], {}, "whole milliseconds"),
        ([1, 1], [[-7], [2]], {}, "-7"),
        ([1, 1], [[1], [2]], {"existing": ["y"]}, "existing names y"),
        ([1, 1], [[1], [2]], {"existing": ["x"], "forbidden": ["x"]}, "both existing and forbidden"),
        ([1, 1], [[1], [2]], {"capacity_persons": [-5]}, "capacity_persons of x"),
        ([1.5, 1], [[1], [2]], {"capacity_persons": [5]}, "counted whole"),
    ],
)
def test_bad_input_is_refused_with_its_id(weight: Any, times: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        siting_problem(["a", "b"], weight, ["x"], times, **options)


@pytest.mark.parametrize(
    "wrong", [{"k": -1}, {"limit_s": 0.0}, {"time_limit_s": 0.0}, {"time_limit_s": 1e9}, {"target_gap": 1.0}]
)
def test_parameters_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=r"give"):
        solve_siting(make(1), SitingParams(**wrong))


def test_capacities_belong_to_the_median() -> None:
    with pytest.raises(ParameterError, match="capacities"):
        solve_siting(make(1, capacity_persons=np.full(7, 900)), params(CENTRE))
