"""Plans of the sample district's flood replayed by SUMO: with the capacities of the import and with measured ones.

Each plan is replayed twice: streams take turns at junctions, or nobody directs and the lesser street waits. The bar is
that of a plan with measured capacities and people who direct: all arrive, and the last within a tenth of the promise.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.evacuation_instances import evacuation_instance
from benchmarks.report import Figures, Result
from gridgov.evacuation import EvacuationParams, plan_evacuation
from gridgov.layers.road_rules import load_speeds
from gridgov.network import RoadNetwork
from gridgov.network.capacities import with_lane_capacities
from gridgov.referee import ClassCapacity, RefereeRoads, Verdict, calibrate, replay_in_sumo
from gridgov.referee.replaying import LIMIT, SHARES
from gridgov.referee.roads import Junctions

ROUTES, SECONDS = 2, 30.0
RULES: tuple[tuple[Junctions, str], ...] = (("turns", "streams take turns"), ("priority", "nobody directs"))
METHOD = (
    f"Plans with at most {ROUTES} routes for each zone, computed for {SECONDS:.0f} s at most; the measured capacities "
    "are those of `gridgov calibrate`, measured in the same run. SUMO's mesoscopic model with junction control drives "
    "each plan on the roads of the import; times are when 50, 90 and 100 % of the vehicles have arrived, promised → "
    "replayed. Teleports, vehicles that never got onto the roads and vehicles that never arrived are failures. The "
    f"bar: measured capacities, streams that take turns: no failure, and the last within {LIMIT:.0%} of the promise."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Measure capacities, make both plans and replay each twice; `rounds` does not count."""
    del rounds
    instance = evacuation_instance("linjiang_flood", 1, data, tell)
    profile = load_speeds()
    tell("measuring capacities")
    started = perf_counter()
    capacities = calibrate(profile)
    checks = [f"{instance.vehicles:,.0f} vehicles; capacities measured in {perf_counter() - started:.1f} s"]
    roads = RefereeRoads.from_network(instance.network, profile)
    rows = []
    for name, network in (("imported", instance.network), ("measured", _measured(instance.network, capacities))):
        tell(f"planning with {name} capacities")
        params = EvacuationParams(max_routes_per_zone=ROUTES, time_limit_s=SECONDS)
        plan = plan_evacuation(network, instance.demand, instance.shelters, params)
        gap = "no bound" if plan.gap is None else f"gap {plan.gap:.2%}"
        checks.append(f"{name} capacities: {gap}, {plan.unmet_persons:,.0f} persons without a way out")
        document = json.loads(plan.to_json())
        for junctions, words in RULES:
            started = perf_counter()
            verdict = replay_in_sumo(document, roads, junctions=junctions)
            took_s = perf_counter() - started
            rows.append(_row(f"{name}, {words}", verdict, took_s, judged=(name, junctions) == ("measured", "turns")))
            tell("  " + ", ".join(f"{title} {cell}" for title, cell in rows[-1].cells.items()))
    return Result("referee", "Evacuation plans replayed by SUMO", str(instance), METHOD, rows, checks)


def _measured(network: RoadNetwork, capacities: tuple[ClassCapacity, ...]) -> RoadNetwork:
    assumed = {one.highway: one.assumed_vph for one in capacities}
    return with_lane_capacities(network, assumed, {one.highway: one.lane_capacity_vph for one in capacities})


def _row(task: str, verdict: Verdict, took_s: float, *, judged: bool) -> Figures:
    times = {
        f"{share} %": f"{_minutes(promised)} → {_minutes(replayed)}"
        for share, promised, replayed in zip(SHARES, verdict.promised_s, verdict.replayed_s, strict=True)
    }
    arrived = verdict.vehicles - verdict.not_inserted - verdict.not_arrived
    cells = {
        **times,
        "replayed / promised": "never" if math.isnan(verdict.ratio) else f"{verdict.ratio:.3f}",
        "arrived": f"{arrived:,} of {verdict.vehicles:,}",
        "teleports": str(verdict.teleports),
        "never inserted": str(verdict.not_inserted),
        "replay": f"{took_s:.0f} s",
    }
    held = verdict.failures == 0 and abs(verdict.ratio - 1.0) <= LIMIT
    return Figures(task, {**verdict.to_dict(), "took_s": took_s}, cells, held or not judged, judged=judged)


def _minutes(seconds: float) -> str:
    return "never" if math.isnan(seconds) else f"{seconds / 60:.1f} min"
