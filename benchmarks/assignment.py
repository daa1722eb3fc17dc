"""Batch assignment: 1,000 incidents × 10,000 workers end to end, against all pairs and scipy, and the usual way."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.instances import largest_strong_part, road_network
from benchmarks.report import Measure, Result
from gridgov.dispatch import AssignmentParams, Roster, plan_assignment
from gridgov.model import TravelMode
from gridgov.model.assignments import AssignmentPlan, AssignmentTask
from gridgov.network import RoadNetwork, warm_up

SEED = 20260630
INCIDENTS, WORKERS, FEW_WORKERS = 1_000, 10_000, 1_000
NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)
PARAMS = AssignmentParams()
METHOD = (
    "One process, all processors; wall-clock medians of the rounds, in which the engines take turns. Workers are on "
    "their roads beforehand (their time is shown); the plan's time holds the incidents' way to the road, the searches, "
    "the optimum with its proof, the usual way it is compared with, and an explanation of every assignment. All pairs: "
    "the full matrix of travel times by our own searches, then scipy's linear_sum_assignment on the same weighted "
    "costs, without explanations. A fifth of the incidents needs a skill that a fifth of the workers has; weights are "
    "1, 2 or 5. The usual way sends the nearest one left, the most urgent incident first."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    network = road_network("columbus", data, tell)
    tell("compiling")
    warm_up()
    rng = np.random.default_rng(SEED)
    nodes = largest_strong_part(network)
    tasks = _tasks(network, nodes, rng)
    frame = _workers(network, nodes, rng)
    rosters = {count: _roster(frame.iloc[:count], network) for count in (WORKERS, FEW_WORKERS)}
    for roster in rosters.values():
        plan_assignment(roster, tasks[:10], PARAMS, now=NOON)
    seconds: dict[str, list[float]] = {}
    plans: dict[int, AssignmentPlan] = {}
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        _timed(seconds, "roster", lambda: _roster(frame, network))
        for count, roster in rosters.items():
            plans[count] = _timed(
                seconds, f"plan {count}", lambda r=roster: plan_assignment(r, tasks, PARAMS, now=NOON)
            )
        total = _timed(seconds, "pairs", lambda: _all_pairs(rosters[WORKERS], tasks))
        assert total == plans[WORKERS].cost, "scipy over all pairs and gridgov differ"
    checks = [f"scipy over all {INCIDENTS * WORKERS:,} pairs finds exactly the same cost", *_compared(plans)]
    at = {name: median(values) for name, values in seconds.items()}
    task = f"{INCIDENTS:,} incidents × {WORKERS:,} workers"
    rows = [
        Measure(f"{task}: plan, proved and explained", at[f"plan {WORKERS}"], "s", 2.0),
        Measure(f"{task}: putting the workers on the roads", at["roster"], "s"),
        Measure(f"{task}: all pairs, scipy", at["pairs"], "s"),
        Measure(f"{task}: all pairs, times gridgov", at["pairs"] / at[f"plan {WORKERS}"], "x"),
        Measure(f"{INCIDENTS:,} incidents × {FEW_WORKERS:,} workers: the same plan", at[f"plan {FEW_WORKERS}"], "s"),
    ]
    return Result("assignment", "Batch assignment", f"Columbus, Ohio, {network.n_nodes:,} nodes", METHOD, rows, checks)


def _compared(plans: dict[int, AssignmentPlan]) -> list[str]:
    lines = []
    for count, plan in plans.items():
        assert plan.proven
        assert plan.regret >= 0
        share = plan.regret / plan.greedy_cost
        lines.append(
            f"{count:,} workers: the bound equals the cost; the plan costs {share:.1%} less than the usual way, with "
            f"{plan.travel_ms / 60_000:,.0f} instead of {plan.greedy_travel_ms / 60_000:,.0f} min on the road and "
            f"{plan.unserved} instead of {plan.greedy_unserved} incidents left"
        )
    return lines


def _points(network: RoadNetwork, nodes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    assert network.x is not None
    assert network.y is not None
    chosen = rng.choice(nodes, count)
    return np.column_stack([network.x[chosen], network.y[chosen]]) + rng.normal(0, 0.0003, (count, 2))


def _tasks(network: RoadNetwork, nodes: np.ndarray, rng: np.random.Generator) -> list[AssignmentTask]:
    weights, skilled = rng.choice([1, 2, 5], INCIDENTS), rng.random(INCIDENTS) < 0.2
    return [
        AssignmentTask(f"I{i}", float(lon), float(lat), int(weights[i]), ("gas",) if skilled[i] else ())
        for i, (lon, lat) in enumerate(_points(network, nodes, INCIDENTS, rng))
    ]


def _workers(network: RoadNetwork, nodes: np.ndarray, rng: np.random.Generator) -> gpd.GeoDataFrame:
    points, skilled = _points(network, nodes, WORKERS, rng), rng.random(WORKERS) < 0.2
    columns = {"worker_id": [f"W{i}" for i in range(WORKERS)], "mode": "drive",
               "skills": [["gas"] if able else [] for able in skilled]}  # fmt: skip
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*points.T), crs=4326)


def _roster(frame: gpd.GeoDataFrame, network: RoadNetwork) -> Roster:
    return Roster.from_frame(frame, {TravelMode.DRIVE: network}, ZoneInfo("America/New_York"))


def _all_pairs(roster: Roster, tasks: list[AssignmentTask]) -> int:
    """Return the least cost by the full matrix."""
    group = roster.groups[TravelMode.DRIVE]
    places = group.network.snap([task.lon for task in tasks], [task.lat for task in tasks])
    times = group.network.travel_times(group.places, places).T.astype(np.float64)
    weight = np.array([task.weight for task in tasks], dtype=np.float64)
    gas = roster.has_skills(("gas",))[group.rows]
    needs = np.array([bool(task.skills) for task in tasks])
    barred = (times < 0) | (times > PARAMS.max_travel_s * 1000) | (needs[:, None] & ~gas[None, :])
    costs = np.hstack([np.where(barred, 1e12, times * weight[:, None]), np.full((len(tasks), len(tasks)), 1e12)])
    np.fill_diagonal(costs[:, -len(tasks) :], weight * PARAMS.unserved_s * 1000)
    rows, columns = linear_sum_assignment(costs)
    return round(costs[rows, columns].sum())


def _timed(seconds: dict[str, list[float]], name: str, work: Callable[[], object]) -> object:
    before = time.perf_counter()
    result = work()
    seconds.setdefault(name, []).append(time.perf_counter() - before)
    return result
