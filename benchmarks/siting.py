"""Siting at 1,000 grids × 200 candidates: every model, three seeds, each in a process of its own; spopt with CBC."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.instances import largest_strong_part, road_network
from benchmarks.report import Figures, Result
from gridgov.analysis.siting import SitingProblem, siting_problem, solve_siting
from gridgov.model.siting import SitingModel, SitingParams

GRIDS, CANDIDATES, K, LIMIT_S = 1_000, 200, 10, 480.0
SEEDS, BAR_S, OURS_S, RIVAL_S = (1, 2, 3), 30.0, 25.0, 60
WITH_PLACES = "p_median with capacities"
RIVALS = (SitingModel.MAX_COVERING, SitingModel.SET_COVERING)  # CBC did not end a p-median in a minute
CASES = (*(str(model) for model in SitingModel), WITH_PLACES)
METHOD = (
    f"{GRIDS:,} grids with people by a lognormal distribution and {CANDIDATES} candidates at random crossings of the "
    f"main part of the roads, real travel times by car between them; {K} sites at most, covering within "
    f"{LIMIT_S / 60:.0f} minutes (set covering: grids that some candidate covers). Capacities: 80 to 180 % of an equal "
    f"share. Each solved once in a process of its own with a time limit of {OURS_S:.0f} s, without the travel times; "
    "the gap is that between answer and bound. Rival: spopt with its default solver CBC on the same table, covering "
    "models and seed 1 only, its building of the model included, CBC stopped after "
    f"{RIVAL_S} s. The bar: an answer with its gap within {BAR_S:.0f} s."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Solve every case; `rounds` does not count."""
    del rounds
    road_network("columbus", data, tell)  # kept for the processes
    rows, checks = [], []
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


def _compared(case: str, found: dict[str, Any], rival: dict[str, Any]) -> str:
    if rival["objective"] is None:
        return f"{case}: spopt found no answer in {rival['seconds']:.0f} s"
    same = abs(found["objective"] - rival["objective"]) <= 1e-6 * abs(found["objective"])
    ratio = rival["seconds"] / found["seconds"]
    what = "the same objective" if same else f"an objective of {rival['objective']:,.0f} instead"
    return f"{case}: spopt finds {what}, in {ratio:,.1f} times the time"


def instance(case: str, seed: int) -> SitingProblem:
    """Return the people, candidates and times of a seed."""
    network, rng = road_network("columbus", None, lambda _: None), np.random.default_rng(seed)
    nodes = largest_strong_part(network)
    grids, sites = rng.choice(nodes, GRIDS, replace=False), rng.choice(nodes, CANDIDATES, replace=False)
    times = network.travel_times(grids, sites).astype(np.int64)
    persons = np.maximum(1, rng.lognormal(5, 0.8, GRIDS).round())
    places = persons.sum() / K * rng.uniform(0.8, 1.8, CANDIDATES)
    rows = (times <= LIMIT_S * 1000).any(axis=1) if case == SitingModel.SET_COVERING else np.ones(GRIDS, dtype=bool)
    names = [f"G{i}" for i in np.flatnonzero(rows)]
    capacity = places if case == WITH_PLACES else None
    return siting_problem(
        names, persons[rows], [f"S{j}" for j in range(CANDIDATES)], times[rows], capacity_persons=capacity
    )


def measure(engine: str, case: str, seed: int) -> dict[str, Any]:
    """Solve one case in this process."""
    problem = instance(case, seed)
    started = perf_counter()
    found = _ours(problem, case) if engine == "gridgov" else _spopt(problem, case)
    seconds = perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"case": case, "seed": seed, "engine": engine, **found, "seconds": seconds, "peak_mib": peak}


def _ours(problem: SitingProblem, case: str) -> dict[str, Any]:
    model = SitingModel.P_MEDIAN if case == WITH_PLACES else SitingModel(case)
    plan = solve_siting(problem, SitingParams(model=model, k=K, limit_s=LIMIT_S, time_limit_s=OURS_S))
    return {
        "status": str(plan.status), "objective": plan.objective, "bound": plan.bound, "gap": plan.gap,
        "unit": plan.unit, "sites": len(plan.opened), "facts": dict(plan.facts),
    }  # fmt: skip


def _spopt(problem: SitingProblem, case: str) -> dict[str, Any]:
    warnings.simplefilter("ignore")  # its own
    import pulp  # noqa: PLC0415  # only the rival's process needs it
    from spopt.locate import LSCP, MCLP, PCenter, PMedian  # noqa: PLC0415

    times, weight, within = problem.time_ms.astype(float), problem.weight, LIMIT_S * 1000
    make: dict[str, Callable[[], Any]] = {
        "p_median": lambda: PMedian.from_cost_matrix(times, weight, p_facilities=K),
        "p_centre": lambda: PCenter.from_cost_matrix(times, p_facilities=K),
        "max_covering": lambda: MCLP.from_cost_matrix(times, weight, within, p_facilities=K),
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
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
