"""Siting at 1,000 grids × 200 candidates, each case in a process of its own, and small ones beside spopt with CBC."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.instances import largest_strong_part, road_network
from benchmarks.report import Figures, Result
from gridgov.analysis.siting import SitingProblem, siting_problem, solve_siting
from gridgov.model.siting import SitingModel, SitingParams

GRIDS, CANDIDATES, K, LIMIT_S = 1_000, 200, 10, 480.0
SMALL_GRIDS, SMALL_CANDIDATES, SMALL_K, SMALL_ROUNDS = 50, 15, 4, 3
SEEDS, BAR_S, OURS_S, RIVAL_S = (1, 2, 3), 30.0, 25.0, 60
WITH_PLACES = "p_median with capacities"
RIVALS = (SitingModel.MAX_COVERING, SitingModel.SET_COVERING)  # CBC did not end a p-median in a minute
MODELS = (SitingModel.P_MEDIAN, SitingModel.P_CENTRE, SitingModel.MAX_COVERING, SitingModel.SET_COVERING)
CASES = (*(str(model) for model in SitingModel), WITH_PLACES)
METHOD = (
    f"{GRIDS:,} grids with people by a lognormal distribution and {CANDIDATES} candidates at random crossings of the "
    f"main part of the roads, real travel times by car between them; {K} sites at most, covering within "
    f"{LIMIT_S / 60:.0f} minutes (set covering: grids that some candidate covers). Capacities: 80 to 180 % of an equal "
    f"share. Each solved once in a process of its own with a time limit of {OURS_S:.0f} s, without the travel times; "
    "the gap is that between answer and bound. Rival: spopt with its default solver CBC on the same table, covering "
    "models and seed 1 only, its building of the model included, CBC stopped after "
    f"{RIVAL_S} s. The bar: an answer with its gap within {BAR_S:.0f} s. Small instances: {SMALL_GRIDS} grids and "
    f"{SMALL_CANDIDATES} candidates made alike, {SMALL_K} sites, every model of spopt, {SMALL_ROUNDS} rounds in one "
    "process, the engines by turns, both proving the optimum; seconds there are cpu time with CBC's process, their "
    "medians; the bar there: the same optimum."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Solve every case; `rounds` does not count."""
    del rounds
    road_network("columbus", data, tell)  # kept for the processes
    rows, checks = [], []
    for model in MODELS:
        tell(f"small {model}")
        found = _in_a_process("small", str(model), SEEDS[0])
        rows += _small_rows(str(model), found)
        checks.append(_compared(f"small {model}", found["gridgov"], found["spopt"]))
    for case in CASES:
        for seed in SEEDS:
            tell(f"{case}, seed {seed}")
            found = _in_a_process("gridgov", case, seed)
            rows.append(_row(case, seed, "gridgov", found, judged=True))
            if seed == SEEDS[0] and case in RIVALS:
                tell(f"{case}, seed {seed}, spopt")
                rival = _in_a_process("spopt", case, seed)
                rows.append(_row(case, seed, "spopt, CBC", rival, judged=False))
                checks.append(_compared(case, found, rival))
    return Result("siting", "Siting", f"Columbus, {GRIDS:,} grids x {CANDIDATES} candidates", METHOD, rows, checks)


def _in_a_process(engine: str, case: str, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.siting", engine, case, str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _row(case: str, seed: int, engine: str, found: dict[str, Any], *, judged: bool) -> Figures:
    gap = found["gap"]
    cells = {
        "engine": engine,
        "status": found["status"],
        "objective": "" if found["objective"] is None else f"{found['objective']:,.0f} {found['unit']}",
        "gap": "not said" if gap is None else f"{gap:.3%}",
        "seconds": f"{found['seconds']:.1f}",
        "peak": f"{found['peak_mib']:,.0f} MiB",
    }
    passed = gap is not None and found["seconds"] <= BAR_S
    return Figures(f"{case}, seed {seed}", found, cells, passed, judged=judged)


def _small_rows(case: str, found: dict[str, Any]) -> list[Figures]:
    """Return a row for each engine; the bar is that both find the same optimum."""
    best = [found[engine]["objective"] for engine in ("gridgov", "spopt")]
    same = None not in best and abs(best[0] - best[1]) <= 1e-6 * abs(best[0])
    rows = []
    for engine, name in (("gridgov", "gridgov"), ("spopt", "spopt, CBC")):
        one = _row(f"small {case}", SEEDS[0], name, found[engine], judged=engine == "gridgov")
        cells = {**one.cells, "seconds": f"{found[engine]['seconds']:.3f}", "peak": ""}
        proved = same and all(found[each]["status"] == "optimal" for each in ("gridgov", "spopt"))
        rows.append(Figures(one.task, found[engine], cells, proved, judged=one.judged))
    return rows


def _compared(case: str, found: dict[str, Any], rival: dict[str, Any]) -> str:
    if rival["objective"] is None:
        return f"{case}: spopt found no answer in {rival['seconds']:.0f} s"
    same = abs(found["objective"] - rival["objective"]) <= 1e-6 * abs(found["objective"])
    ratio = rival["seconds"] / found["seconds"]
    what = "the same objective" if same else f"an objective of {rival['objective']:,.0f} instead"
    return f"{case}: spopt finds {what}, in {ratio:,.1f} times the time"


def instance(case: str, seed: int, *, grid_count: int = GRIDS, candidates: int = CANDIDATES) -> SitingProblem:
    """Return the people, candidates and times of a seed."""
    network, rng = road_network("columbus", None, lambda _: None), np.random.default_rng(seed)
    nodes = largest_strong_part(network)
    grids, sites = rng.choice(nodes, grid_count, replace=False), rng.choice(nodes, candidates, replace=False)
    times = network.travel_times(grids, sites).astype(np.int64)
    persons = np.maximum(1, rng.lognormal(5, 0.8, grid_count).round())
    places = persons.sum() / K * rng.uniform(0.8, 1.8, candidates)
    rows = (
        (times <= LIMIT_S * 1000).any(axis=1) if case == SitingModel.SET_COVERING else np.ones(grid_count, dtype=bool)
    )
    names = [f"G{i}" for i in np.flatnonzero(rows)]
    capacity = places if case == WITH_PLACES else None
    return siting_problem(
        names, persons[rows], [f"S{j}" for j in range(candidates)], times[rows], capacity_persons=capacity
    )


def measure(engine: str, case: str, seed: int) -> dict[str, Any]:
    """Solve one case in this process."""
    problem = instance(case, seed)
    started = perf_counter()
    found = _ours(problem, case) if engine == "gridgov" else _spopt(problem, case)
    seconds = perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"case": case, "seed": seed, "engine": engine, **found, "seconds": seconds, "peak_mib": peak}


def measure_small(case: str, seed: int) -> dict[str, Any]:
    """Solve one small case with both engines by turns in this process."""
    problem = instance(case, seed, grid_count=SMALL_GRIDS, candidates=SMALL_CANDIDATES)
    engines = {"gridgov": _ours, "spopt": _spopt}
    found: dict[str, Any] = {name: solve(problem, case, k=SMALL_K) for name, solve in engines.items()}  # imports
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(SMALL_ROUNDS):
        for name, solve in engines.items():
            start = _cpu_s()
            found[name] = solve(problem, case, k=SMALL_K)
            seconds[name].append(_cpu_s() - start)
    return {name: {**found[name], "seconds": median(seconds[name]), "peak_mib": 0.0} for name in engines}


def _cpu_s() -> float:
    """Return the cpu seconds of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _ours(problem: SitingProblem, case: str, *, k: int = K) -> dict[str, Any]:
    model = SitingModel.P_MEDIAN if case == WITH_PLACES else SitingModel(case)
    plan = solve_siting(problem, SitingParams(model=model, k=k, limit_s=LIMIT_S, time_limit_s=OURS_S))
    return {
        "status": str(plan.status), "objective": plan.objective, "bound": plan.bound, "gap": plan.gap,
        "unit": plan.unit, "sites": len(plan.opened), "facts": dict(plan.facts),
    }  # fmt: skip


def _spopt(problem: SitingProblem, case: str, *, k: int = K) -> dict[str, Any]:
    warnings.simplefilter("ignore")  # its own
    import pulp  # noqa: PLC0415  # only the rival's process needs it
    from spopt.locate import LSCP, MCLP, PCenter, PMedian  # noqa: PLC0415

    times, weight, within = problem.time_ms.astype(float), problem.weight, LIMIT_S * 1000
    make: dict[str, Callable[[], Any]] = {
        "p_median": lambda: PMedian.from_cost_matrix(times, weight, p_facilities=k),
        "p_centre": lambda: PCenter.from_cost_matrix(times, p_facilities=k),
        "max_covering": lambda: MCLP.from_cost_matrix(times, weight, within, p_facilities=k),
        "set_covering": lambda: LSCP.from_cost_matrix(times, within),
    }
    unit = {"p_median": "person_ms", "p_centre": "ms", "max_covering": "persons", "set_covering": "sites"}[case]
    asked = make[case]()
    try:
        asked.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=RIVAL_S), results=False)
    except RuntimeError:  # spopt's word for no answer
        return {"status": "no answer", "objective": None, "gap": None, "unit": unit}
    solved = asked.problem.sol_status == pulp.constants.LpSolutionOptimal
    objective = float(asked.problem.objective.value())
    status, gap = ("optimal", 0.0) if solved else ("stopped", None)
    return {"status": status, "objective": objective, "gap": gap, "unit": unit}


if __name__ == "__main__":
    asked = sys.argv[2], int(sys.argv[3])
    print(json.dumps(measure_small(*asked) if sys.argv[1] == "small" else measure(sys.argv[1], *asked)))
