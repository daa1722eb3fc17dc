"""选址: the best new sites beside what there is: p-median, p-centre, maximal and set covering, with bound and gap.

    problem = siting_problem(grid_codes, persons, site_ids, times_ms, existing=[…], forbidden=[…])
    plan = solve_siting(problem, SitingParams(model=SitingModel.P_MEDIAN, k=3))
    plan.opened, plan.status, plan.objective, plan.bound, plan.gap, plan.reasons

siting_problem.py   the checked table of times; why there is no answer
siting_median.py    p-median: swaps, Lagrangian bound, branch and bound
siting_capacity.py  p-median with capacities: flows, Lagrangian bound, HiGHS
siting_cover.py     set covering and p-centre          siting_most.py   maximal covering; both by HiGHS
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.siting_capacity import Seats, send, solve_seats
from gridgov.analysis.siting_cover import fewest_covering, smallest_centre
from gridgov.analysis.siting_median import greedy, solve_median, swapped
from gridgov.analysis.siting_most import cover_most
from gridgov.analysis.siting_problem import SitingProblem, reached, reasons_against, siting_problem, unreachable
from gridgov.errors import ParameterError
from gridgov.model.siting import OBJECTIVE_UNITS, SitingModel, SitingParams, SitingPlan, SitingReason, SitingStatus
from gridgov.network.validation import Floats, Int64s

__all__ = ["SitingProblem", "siting_problem", "solve_siting"]

MOST_TIME_LIMIT_S = 600.0
_NO_WAY = 2**60
_FOR_PROGRAMMES = 0.85  # of the time that is left: HiGHS ends a little late
_PROVEN = 1e-9


@dataclass(frozen=True, slots=True)
class _Found:
    """Columns of the candidates, with objective and bound."""

    chosen: Int64s
    objective: float
    bound: float
    solver: str
    facts: dict[str, Any]
    reasons: tuple[SitingReason, ...] = ()
    sent: Int64s | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """A problem that may have an answer: the demands that count, in the columns of candidates and as served today.

    Attributes
    ----------
    rows, columns : int64 arrays
        Demands that count; candidates.
    time_ms : int64 array, shape (rows, columns)
        `_NO_WAY` where there is none, or none within the limit where everybody is to be covered.
    base_ms : int64 array, shape (rows,)
        The same of the nearest existing site.
    """

    problem: SitingProblem
    params: SitingParams
    rows: Int64s
    columns: Int64s
    time_ms: Int64s
    base_ms: Int64s
    weight: Floats
    remaining: Callable[[], float]

    def costs(self, most_ms: int = _NO_WAY - 1) -> tuple[Floats, Floats]:
        """Return weighted times of candidates and of what exists.

        Whoever is farther than `most_ms` costs more than all others together, so one more who is served is worth it.
        """
        ok, base_ok = self.time_ms <= most_ms, self.base_ms <= most_ms
        cost = np.where(ok, self.weight[:, None] * self.time_ms, 0.0)
        base = np.where(base_ok, self.weight * self.base_ms, 0.0)
        dear = float(np.maximum(cost.max(axis=1, initial=0.0), base).sum()) + 1.0
        return np.where(ok, cost, dear), np.where(base_ok, base, dear)

    def served_ms(self, chosen: Int64s) -> Int64s:
        """Return the time of everybody to the nearest of what exists and is chosen."""
        least: Int64s = np.minimum(self.base_ms, self.time_ms[:, chosen].min(axis=1, initial=_NO_WAY))
        return least


def solve_siting(problem: SitingProblem, params: SitingParams | None = None) -> SitingPlan:
    """Return the best sites beside the existing ones, with a bound, or the reasons why there are none.

    Parameters
    ----------
    problem : SitingProblem
        See `siting_problem`.
    params : SitingParams, optional

    Returns
    -------
    SitingPlan
        A problem without an answer is one with `reasons` and ids, never an exception.

    Raises
    ------
    ParameterError
        A parameter cannot be used, or capacities are given with a model that has none.
    """
    started = perf_counter()
    params = params or SitingParams()
    check_params(params)
    _check(problem, params)
    counted = problem.weight > 0
    left_out: tuple[str, ...] = ()
    if params.leave_out_unreachable and params.model is not SitingModel.MAX_COVERING:
        left_out = unreachable(problem, params, counted)
        counted &= ~np.isin(problem.demand_id.astype(str), left_out)
    reasons = reasons_against(problem, params, counted)
    if not counted.any():
        reasons = [SitingReason("no_way", left_out, {"demands": len(left_out)})]
    if reasons:
        plan = _without_answer(problem, params, SitingStatus.INFEASIBLE, tuple(reasons))
        return replace(plan, left_out=left_out, runtime_s=perf_counter() - started)
    question = _question(problem, params, counted, lambda: params.time_limit_s - (perf_counter() - started))
    plan = _plan(question, _SOLVERS[params.model](question))
    return replace(plan, left_out=left_out, runtime_s=perf_counter() - started)


def check_params(params: SitingParams) -> None:
    """Refuse parameters that cannot be used, before anything is computed.

    Raises
    ------
    ParameterError
        `k` is no whole number from 0 on, the seed is no whole number, or a limit is out of its range.
    """
    if not _is_whole(params.k) or params.k < 0:
        raise ParameterError(f"k is {params.k!r}; give how many sites may be added, a whole number from 0 on")
    if not _is_whole(params.seed) or params.seed < 0:
        raise ParameterError(f"the seed is {params.seed!r}; give a whole number from 0 on")
    if not 0 < params.limit_s < np.inf:
        raise ParameterError(f"the limit is {params.limit_s} s; give seconds above 0")
    if not 0 < params.time_limit_s <= MOST_TIME_LIMIT_S:
        raise ParameterError(f"the time limit is {params.time_limit_s} s; give at most {MOST_TIME_LIMIT_S:.0f}")
    if not 0 <= params.target_gap < 1:
        raise ParameterError(f"the target gap is {params.target_gap}; give a share from 0 to below 1")


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _check(problem: SitingProblem, params: SitingParams) -> None:
    if problem.places is not None and params.model is not SitingModel.P_MEDIAN:
        raise ParameterError(f"capacities count in the p-median only; leave them out for {params.model}")


def _question(
    problem: SitingProblem, params: SitingParams, counted: NDArray[np.bool_], remaining: Callable[[], float]
) -> _Question:
    rows, columns = np.flatnonzero(counted), np.flatnonzero(problem.candidates)
    times = np.where(reached(problem, params), problem.time_ms, _NO_WAY)[rows]
    base = times[:, problem.existing].min(axis=1, initial=_NO_WAY)
    return _Question(problem, params, rows, columns, times[:, columns], base, problem.weight[rows], remaining)


def _median(question: _Question) -> _Found:
    if question.problem.places is not None:
        return _median_with_places(question)
    found = _plain_median(question)
    served = question.served_ms(found.chosen)
    if (served == _NO_WAY).any():  # serving one more is always worth it, so a proved optimum that does not: nobody can
        return _nobody(question, served, proved=found.bound >= found.objective * (1 - _PROVEN))
    return found


def _plain_median(question: _Question, share: float = 1.0) -> _Found:
    params, (cost, base) = question.params, question.costs()
    until = question.remaining() * (1 - share)
    answer = solve_median(
        cost, base, params.k, seed=params.seed, target_gap=params.target_gap,
        stop=lambda: question.remaining() <= until,
    )  # fmt: skip
    return _Found(answer.chosen, answer.cost, answer.bound, "swaps + Lagrangian branch and bound", answer.facts)


def _median_with_places(question: _Question) -> _Found:
    problem, places = question.problem, question.problem.places
    assert places is not None
    start = _plain_median(question, share=0.3)
    sites = np.append(question.columns, np.flatnonzero(problem.existing))
    is_open = np.arange(len(sites)) >= len(question.columns)
    seats = Seats(
        problem.time_ms[np.ix_(question.rows, sites)], question.weight.astype(np.int64), places[sites], is_open
    )
    answer = solve_seats(
        seats, question.params.k, start.chosen, target_gap=question.params.target_gap,
        remaining=lambda: question.remaining() * _FOR_PROGRAMMES,
    )  # fmt: skip
    bound = max(answer.bound, start.bound)
    sent = np.zeros(problem.time_ms.shape, dtype=np.int64)
    sent[np.ix_(question.rows, sites)] = answer.sent
    reasons: tuple[SitingReason, ...] = ()
    if answer.unserved:
        short = question.weight.astype(np.int64) > answer.sent.sum(axis=1)
        ids = tuple(problem.demand_id[question.rows[short]].tolist())
        code = "places_out_of_reach" if answer.impossible else "time_ran_out"
        reasons = (SitingReason(code, ids, {"persons": answer.unserved}),)
    solver = "flows + Lagrangian bound + HiGHS"
    return _Found(answer.chosen, answer.cost, min(bound, answer.cost), solver, answer.facts, reasons, sent)


def _centre(question: _Question) -> _Found:
    answer = smallest_centre(
        question.time_ms, question.base_ms, question.params.k, no_way=_NO_WAY,
        remaining=lambda: question.remaining() * _FOR_PROGRAMMES,
    )  # fmt: skip
    if answer.chosen is None:
        return _nobody(question, question.base_ms, proved=answer.bound >= _NO_WAY)
    chosen = _closer(question, answer.chosen, answer.time, question.params.k)
    return _Found(chosen, answer.time, answer.bound, "set covering by HiGHS", {"questions": answer.questions})


def _covering(question: _Question) -> _Found:
    table = question.time_ms < _NO_WAY
    covered = question.base_ms < _NO_WAY
    params, weight = question.params, question.weight
    if params.model is SitingModel.MAX_COVERING:
        most = cover_most(
            table[~covered], weight[~covered], params.k, gap=params.target_gap,
            time_limit_s=question.remaining() * _FOR_PROGRAMMES,
        )  # fmt: skip
        have = float(weight[covered].sum())
        chosen = _closer(question, most.chosen, _NO_WAY - 1, params.k)
        return _Found(chosen, have + most.covered, have + most.bound, "HiGHS", {})
    fewest = fewest_covering(table[~covered], time_limit_s=question.remaining() * _FOR_PROGRAMMES)
    if fewest.chosen is None:
        return _nobody(question, question.base_ms, proved=fewest.bound > table.shape[1])
    chosen = _closer(question, fewest.chosen, _NO_WAY - 1, len(fewest.chosen))
    return _Found(chosen, len(fewest.chosen), fewest.bound, "HiGHS", {})


def _closer(question: _Question, chosen: Int64s, most_ms: int, k: int) -> Int64s:
    """Return a choice that serves everybody as well, and of those one that is nearer to the people."""
    cost, base = question.costs(most_ms)
    better = swapped(cost, base, chosen, min(k, cost.shape[1]))[0]
    if question.params.model is SitingModel.MAX_COVERING:  # one row more may not be more people
        before, after = (question.weight[question.served_ms(c) < _NO_WAY].sum() for c in (chosen, better))
        return better if after >= before else chosen
    return better


def _nobody(question: _Question, served: Int64s, *, proved: bool) -> _Found:
    ids = tuple(question.problem.demand_id[question.rows[served >= _NO_WAY]].tolist())
    reason = SitingReason("too_few_sites" if proved else "time_ran_out", ids, {"k": question.params.k})
    return _Found(np.zeros(0, dtype=np.int64), 0.0, 0.0, "", {}, (reason,))


_SOLVERS: dict[SitingModel, Callable[[_Question], _Found]] = {
    SitingModel.P_MEDIAN: _median,
    SitingModel.P_CENTRE: _centre,
    SitingModel.MAX_COVERING: _covering,
    SitingModel.SET_COVERING: _covering,
}


def _plan(question: _Question, found: _Found) -> SitingPlan:
    problem, params = question.problem, question.params
    if found.reasons:
        ended = any(reason.code == "time_ran_out" for reason in found.reasons)
        status = SitingStatus.UNKNOWN if ended else SitingStatus.INFEASIBLE
        return _without_answer(problem, params, status, found.reasons)
    larger = max(found.objective, found.bound)
    gap = abs(found.objective - found.bound) / larger if larger > 0 else 0.0
    optimal = gap <= _PROVEN
    chosen = _in_order(question, found.chosen)
    site, time_ms, shares = _served(question, question.columns[chosen], found.sent)
    return SitingPlan(
        model=params.model,
        status=SitingStatus.OPTIMAL if optimal else SitingStatus.FEASIBLE,
        unit=OBJECTIVE_UNITS[params.model],
        params=params,
        opened=tuple(problem.site_id[question.columns[chosen]].tolist()),
        objective=float(found.objective),
        bound=float(found.objective if optimal else found.bound),
        gap=0.0 if optimal else float(gap),
        before=_before(question),
        site=site,
        time_ms=time_ms,
        shares=shares,
        solver=found.solver,
        facts=found.facts,
    )


def _without_answer(
    problem: SitingProblem, params: SitingParams, status: SitingStatus, reasons: tuple[SitingReason, ...]
) -> SitingPlan:
    none = np.full(len(problem.demand_id), -1, dtype=np.int64)
    unit = OBJECTIVE_UNITS[params.model]
    return SitingPlan(
        model=params.model, status=status, unit=unit, params=params, site=none, time_ms=none.copy(), reasons=reasons
    )


def _in_order(question: _Question, chosen: Int64s) -> Int64s:
    """Return a choice with the site first that helps most, then the one that helps most beside it, and so on."""
    cost, base = question.costs()
    order = greedy(cost[:, chosen], base, len(chosen))
    return chosen[np.append(order, np.setdiff1d(np.arange(len(chosen)), order)).astype(np.int64)]


def _served(
    question: _Question, opened: Int64s, sent: Int64s | None
) -> tuple[Int64s, Int64s, tuple[Int64s, Int64s, Int64s] | None]:
    """Return site and time of every demand, and who is sent where with capacities."""
    problem = question.problem
    sites = np.union1d(np.flatnonzero(problem.existing), opened).astype(np.int64)
    times = np.where(problem.time_ms[:, sites] < 0, _NO_WAY, problem.time_ms[:, sites])
    nearest = times.argmin(axis=1) if len(sites) else np.zeros(len(times), dtype=np.int64)
    time_ms = times[np.arange(len(times)), nearest] if len(sites) else np.full(len(times), _NO_WAY)
    site = np.where(time_ms == _NO_WAY, -1, sites[nearest] if len(sites) else -1)
    time_ms = np.where(time_ms == _NO_WAY, -1, time_ms)
    if sent is None:
        return site, time_ms, None
    moved = sent.sum(axis=1) > 0
    spent = (sent * np.maximum(problem.time_ms, 0)).sum(axis=1)
    site[moved] = sent[moved].argmax(axis=1)
    time_ms[moved] = np.rint(spent[moved] / sent[moved].sum(axis=1)).astype(np.int64)
    demand, column = np.nonzero(sent)
    return site, time_ms, (demand.astype(np.int64), column.astype(np.int64), sent[demand, column])


def _before(question: _Question) -> float | None:
    """Return the objective of the existing sites alone; None where they do not serve everybody."""
    base, weight, model = question.base_ms, question.weight, question.params.model
    if model is SitingModel.MAX_COVERING:
        return float(weight[base < _NO_WAY].sum())
    if (base == _NO_WAY).any():
        return None
    if model is SitingModel.SET_COVERING:
        return 0.0
    if model is SitingModel.P_CENTRE:
        return float(base.max())
    if question.problem.places is None:
        return float(weight @ base)
    problem = question.problem
    assert problem.places is not None
    have = np.flatnonzero(problem.existing)
    seats = Seats(
        problem.time_ms[np.ix_(question.rows, have)], weight.astype(np.int64), problem.places[have],
        np.ones(len(have), dtype=np.bool_),
    )  # fmt: skip
    _, unserved, cost = send(seats, np.zeros(0, dtype=np.int64))
    return None if unserved else cost
