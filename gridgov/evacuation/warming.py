"""Compile everything that plans and replays an evacuation once, or load it from numba's cache on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgov.evacuation.nearest_shelter import nearest_shelter
from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.planning import plan_evacuation
from gridgov.evacuation.replay import replay_plan
from gridgov.network.road_network import RoadNetwork

_SIDE = 4
_ENOUGH_S = 600.0  # compiling counts as time of the search, which ends by its gap


def warm_up() -> None:
    """Plan for a town of sixteen crossings, with and without roads that close: tens of seconds once, then nothing."""
    roads = _town()
    demand = pd.DataFrame(
        {"zone_id": ["a", "b", "c"], "node": [0, 5, 9], "persons": [300.0, 200.0, 150.0], "deadline_s": np.nan}
    )
    shelters = pd.DataFrame({"shelter_id": ["x", "y"], "node": [3, 15], "capacity_persons": [400.0, 400.0]})
    params = EvacuationParams(time_limit_s=_ENOUGH_S, target_gap=0.02)
    plan = plan_evacuation(roads, demand, shelters, params)
    closes = np.where(roads.tail == 1, 600.0, np.inf)
    plan_evacuation(roads, demand.assign(deadline_s=900.0), shelters, params, edge_closes_s=closes)
    replay_plan(plan, length_m=roads.length_m, packets=100)
    nearest_shelter(roads, demand, shelters, params, packets=100)


def _town() -> RoadNetwork:
    """Return four by four crossings with streets both ways, and lanes of different capacity."""
    node = np.arange(_SIDE * _SIDE).reshape(_SIDE, _SIDE)
    one = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    other = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    tail, head = np.concatenate([one, other]), np.concatenate([other, one])
    x, y = (0.001 * each.ravel() for each in np.meshgrid(np.arange(_SIDE), np.arange(_SIDE)))
    capacity = 300.0 + 100.0 * (np.arange(len(tail)) % 3)
    return RoadNetwork.from_arrays(tail, head, np.full(len(tail), 10_000), capacity_vph=capacity, x=x, y=y)
