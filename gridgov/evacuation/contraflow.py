"""Contraflow: which lanes to turn, so that an edge and its twin share their capacity on the side that needs it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridgov.evacuation.instance import make_instance
from gridgov.evacuation.problem import EvacuationProblem
from gridgov.evacuation.reduction import reduce_instance
from gridgov.evacuation.splitting_off import split_off
from gridgov.evacuation.steady import steady_flow, steady_range
from gridgov.network.validation import Int64s


def twins(problem: EvacuationProblem) -> Int64s:
    """Return for each edge another one that leads back, one to one; -1 where there is none."""
    forward = np.lexsort((problem.travel_time_ms, problem.head, problem.tail))
    backward = np.lexsort((problem.travel_time_ms, problem.tail, problem.head))
    twin = np.full(len(problem.tail), -1, dtype=np.int64)
    waiting: dict[tuple[int, int], list[int]] = {}
    for edge in backward.tolist():
        waiting.setdefault((int(problem.head[edge]), int(problem.tail[edge])), []).append(edge)
    for edge in forward.tolist():
        ends = (int(problem.tail[edge]), int(problem.head[edge]))
        others = waiting.get(ends, [])
        while others and twin[edge] < 0:
            other = others.pop(0)
            if other != edge and twin[other] < 0:
                twin[edge], twin[other] = other, edge
    return twin


def turned(problem: EvacuationProblem) -> tuple[EvacuationProblem, Int64s]:
    """Return the problem with lanes turned where a steady flow wants more than its own side, and the edges given up.

    Both directions are first allowed the sum of the two capacities; a cheapest flow then uses one of them only. Where
    that is more than its own capacity, it gets the sum and its twin nothing.
    """
    twin = twins(problem)
    has, own = twin >= 0, problem.capacity_vph
    both = np.where(has & (own > 0), own + np.where(has, own[twin], 0.0), own)
    widened = replace(problem, capacity_vph=both)
    instance, _, _ = split_off(make_instance(widened), widened)
    none = np.zeros(0, dtype=np.int64)
    if not len(instance.zone):
        return problem, none
    reduced = reduce_instance(instance).instance
    span = steady_range(reduced)
    flow = steady_flow(reduced, span)
    if flow is None:
        return problem, none
    per_edge = np.zeros(len(own))
    arc = np.repeat(np.arange(reduced.m), np.diff(reduced.chain_first))
    np.add.at(per_edge, reduced.chain, flow.units[arc].astype(np.float64))
    own_units = own / 3600.0 * problem.occupancy * flow.horizon_ms
    wants = has & (per_edge > own_units) & (per_edge > per_edge[twin])
    given_up = twin[wants]
    capacity = own.copy()
    capacity[wants] = both[wants]
    capacity[given_up] = 0.0
    return replace(problem, capacity_vph=capacity), np.sort(given_up)
