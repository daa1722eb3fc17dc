"""Evacuation plans on named instances, each in a process of its own: how good, how fast, and against whom.

GRIDGOV_BENCH_ONLY=village_30,columbus_60 runs some instances, GRIDGOV_BENCH_SEEDS=1 some seeds;
GRIDGOV_BENCH_CCRP_S is the time limit of CCRP for each (120 seconds).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.ccrp import ccrp
from benchmarks.evacuation_instances import NAMED, PERSONS_PER_VEHICLE, SEEDS, Instance, by_recipe, evacuation_instance
from benchmarks.instances import ROOT
from benchmarks.report import Figures, Result
from gridgov.errors import ParameterError
from gridgov.evacuation import EvacuationParams, plan_evacuation
from gridgov.evacuation.nearest_shelter import nearest_shelter
from gridgov.evacuation.replay import replay_plan
from gridgov.model.evacuation import EvacuationPlan
from gridgov.network import RoadNetwork
from gridgov.verify_plan import verify_document

ROUTES, PRICE, REPLAY, MEMORY_GIB = 2, 0.05, 1.10, 2.0
CCRP_S = 120.0
REPLAN_SHARE, REPLAN_GAP = 1 / 6, 0.02  # of the bar's time
METHOD = (
    "Each line is one process: the roads are loaded and the kernels are compiled (on a small grid) outside the timed "
    "part; then a plan without a limit of routes is asked for, in nine tenths of the bar's time or to a tenth of its "
    "gap, then one with at most two routes for each zone. Seconds are wall time; memory is the largest resident set "
    "until the first plan was there. Every plan and its bound go through the independent checker. Replay is the larger "
    "of both plans' replayed over promised times. CCRP and nearest (everyone to the nearest shelter with places left, "
    "queues on the roads) are their clearance times over that of the plan without a limit; CCRP has a time limit and "
    "may not finish. The bars: gap and seconds as shown; price of two routes ≤ 5 %, replay ≤ 1.10, memory ≤ 2 GiB, "
    "CCRP never better (to one part in a thousand). Instances: benchmarks/evacuation_instances.py."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Run all instances; `rounds` does not count, seeds take its place."""
    del rounds
    rows = []
    for name in _wanted("GRIDGOV_BENCH_ONLY", tuple(NAMED)):
        for seed in _wanted("GRIDGOV_BENCH_SEEDS", tuple(str(seed) for seed in SEEDS)):
            tell(f"{name}, seed {seed}")
            rows.append(_row(_in_own_process(name, int(seed), data)))
            tell("  " + ", ".join(f"{title} {cell}" for title, cell in rows[-1].cells.items()))
    rejected = [f"{row.task}: {row.values['findings'][0]}" for row in rows if not row.values["checked"]]
    checks = [f"THE CHECKER REJECTS {text}" for text in rejected] or ["the checker accepts all plans and bounds"]
    by_name = {row.values["name"]: [r.values for r in rows if r.values["name"] == row.values["name"]] for row in rows}
    for name, runs in by_name.items():
        gaps = [run["gap"] for run in runs if run["gap"] is not None]
        first = median(run["first_s"] for run in runs)
        gap = _percent(median(gaps) if len(gaps) == len(runs) else None)
        checks.append(f"{name}: median gap {gap}, first answer after {first:.1f} s, {runs[0]['what']}")
    return Result("evacuation", "Evacuation plans", "named instances, three seeds", METHOD, rows, checks)


def _wanted(variable: str, known: tuple[str, ...]) -> list[str]:
    """Return what an environment variable names, or all."""
    given = [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]
    if strange := [part for part in given if part not in known]:
        raise ParameterError(f"{variable} names {strange[0]}; known are {', '.join(known)}")
    return given or list(known)


def _in_own_process(name: str, seed: int, data: Path | None) -> dict[str, Any]:
    """Measure one instance in a new process, so that memory is its own."""
    command = [sys.executable, "-m", "benchmarks.evacuation", name, str(seed), *([str(data)] if data else [])]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        raise ParameterError(f"{name}, seed {seed}: the process ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(name: str, seed: int, data: Path | None) -> dict[str, Any]:
    """Measure one instance in this process."""
    instance, bar = evacuation_instance(name, seed, data, _silent), NAMED[name]
    _warm()
    free, seconds, first_s = _plan(instance, None, bar.seconds, bar.gap)
    memory_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    few, few_s, _ = _plan(instance, ROUTES, bar.seconds, bar.gap)
    replays = [replay_plan(plan, length_m=instance.network.length_m) for plan in (free, few)]
    again, again_s = _replanned(instance, few, bar.seconds)
    verdicts = [verify_document(json.loads(plan.to_json())) for plan in (free, few, again)]
    nearest = nearest_shelter(instance.network, instance.demand, instance.shelters, _params(None, 1.0, 0.0))
    rival = ccrp(instance, limit_s=float(os.environ.get("GRIDGOV_BENCH_CCRP_S", CCRP_S)))
    return {
        "name": name, "seed": seed, "what": str(instance), "vehicles": instance.vehicles,
        "clearance_s": free.clearance_time_s, "bound_s": free.lower_bound_s, "gap": free.gap, "seconds": seconds,
        "first_s": first_s, "memory_gib": memory_gib, "unmet_persons": free.unmet_persons, "flows": len(free.flows),
        "few_clearance_s": few.clearance_time_s, "few_gap": few.gap, "few_seconds": few_s, "few_flows": len(few.flows),
        "price": few.clearance_time_s / free.clearance_time_s - 1,
        "replay": replays[0].ratio, "few_replay": replays[1].ratio,
        "waited_s": [verdict.facts.get("waited_vehicle_s", 0.0) / instance.vehicles for verdict in verdicts],
        "replan_s": again_s, "replan_gap": again.gap, "replan_clearance_s": again.clearance_time_s,
        "checked": all(verdict.ok for verdict in verdicts),
        "findings": [finding.text() for verdict in verdicts for finding in verdict.findings][:10],
        "nearest_clearance_s": nearest.clearance_time_s, "nearest": nearest.clearance_time_s / free.clearance_time_s,
        "overfull_share": nearest.overfull_share, "ccrp": asdict(rival),
        "ccrp_ratio": None if rival.clearance_s is None else rival.clearance_s / free.clearance_time_s,
    }  # fmt: skip


def _plan(instance: Instance, routes: int | None, limit_s: float, gap: float) -> tuple[EvacuationPlan, float, float]:
    """Return a plan, the seconds it took, and the seconds to the first answer."""
    first: list[float] = []
    started = perf_counter()
    plan = plan_evacuation(
        instance.network,
        instance.demand,
        instance.shelters,
        _params(routes, 0.9 * limit_s, gap / 10),
        progress=lambda _plan: first.append(perf_counter() - started),
        seed=instance.seed,
    )
    seconds = perf_counter() - started
    return plan, seconds, first[0] if first else seconds


def _replanned(instance: Instance, plan: EvacuationPlan, limit_s: float) -> tuple[EvacuationPlan, float]:
    """Close the busiest road of a plan and plan again from there; return the plan and the seconds it took."""
    network = instance.network
    assert network.capacity_vph is not None
    load = np.zeros(network.n_edges)
    for flow in plan.flows:
        load[list(flow.edges)] += flow.persons
    capacity = network.capacity_vph.copy()
    capacity[load.argmax()] = 0.0
    params = _params(ROUTES, limit_s * REPLAN_SHARE, REPLAN_GAP)
    started = perf_counter()
    again = plan_evacuation(
        network.with_capacity(capacity), instance.demand, instance.shelters, params, previous=plan, seed=instance.seed
    )
    return again, perf_counter() - started


def _params(routes: int | None, limit_s: float, gap: float) -> EvacuationParams:
    return EvacuationParams(
        max_routes_per_zone=routes,
        occupancy_persons_per_vehicle=PERSONS_PER_VEHICLE,
        time_limit_s=limit_s,
        target_gap=gap,
    )


def _warm() -> None:
    """Compile everything, or load it, on a grid of streets."""
    side = 12
    nodes = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate([np.column_stack([nodes[:, :-1].ravel(), nodes[:, 1:].ravel()]),
                            np.column_stack([nodes[:-1].ravel(), nodes[1:].ravel()])])  # fmt: skip
    tail, head = np.concatenate([pairs, pairs[:, ::-1]]).T
    time_ms = 10_000 + 137 * (np.arange(len(tail)) % 29)
    x, y = np.meshgrid(np.arange(side) * 0.001, np.arange(side) * 0.001)
    network = RoadNetwork.from_arrays(tail, head, time_ms, np.full(len(tail), 600.0), x.ravel(), y.ravel())
    instance = by_recipe(network, 12, 4, 1)
    for routes in (None, ROUTES):
        plan, _, _ = _plan(instance, routes, 5.0, 0.01)
        replay_plan(plan)
    nearest_shelter(instance.network, instance.demand, instance.shelters)
    ccrp(instance, limit_s=5.0)


def _silent(_text: str) -> None:
    """Say nothing: stdout holds the result."""


def _percent(share: float | None) -> str:
    return "no bound" if share is None else f"{share:.2%}"


def _row(found: dict[str, Any]) -> Figures:
    """Return the figures and whether every bar is reached."""
    bar, ccrp_ratio = NAMED[found["name"]], found["ccrp_ratio"]
    replay = max(found["replay"] or 0.0, found["few_replay"] or 0.0)
    passed = (
        found["checked"]
        and found["gap"] is not None
        and found["gap"] <= bar.gap
        and found["seconds"] <= bar.seconds
        and found["price"] <= PRICE
        and replay <= REPLAY
        and found["memory_gib"] <= MEMORY_GIB
        and (ccrp_ratio is None or ccrp_ratio >= 0.999)
    )
    cells = {
        "clearance s": f"{found['clearance_s']:,.0f}",
        "bound s": f"{found['bound_s']:,.0f}",
        "gap": f"{_percent(found['gap'])} (≤ {bar.gap:.1%})",
        "seconds": f"{found['seconds']:.1f} (≤ {bar.seconds:g})",
        "GiB": f"{found['memory_gib']:.2f}",
        "two routes": f"{found['price']:+.1%}",
        "re-plan after closing the busiest road": f"{_percent(found['replan_gap'])} in {found['replan_s']:.1f} s",
        "replay": f"{replay:.3f}",
        "CCRP": f"{ccrp_ratio:.3f}" if ccrp_ratio else f"{found['ccrp']['booked_share']:.0%}, did not finish",
        "nearest": f"{found['nearest']:.2f}",
    }
    return Figures(f"{found['name']}, seed {found['seed']}", found, cells, passed)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)))
