"""Bottlenecks with a price: by how much one more lane would shorten what no plan can beat.

The certificate prices every arc: widening it by c persons per second lets c times its jump more people across the cut,
and the horizon shrinks by that over the rate at which people arrive at its end (dT/dcapacity). The first ones are then
proved anew with the wider road, for other cuts may hold the time up: the saving told is the smaller one.
"""

from __future__ import annotations

import numpy as np

from gridgov.evacuation.bound import prove
from gridgov.evacuation.reduction import reduce_instance
from gridgov.evacuation.search import Search
from gridgov.model.evacuation import Bottleneck

_MOST = 20
_PROVED = 5
_CUTS = 3
_LEAST_MINUTES = 0.01


def find_bottlenecks(search: Search, lane_persons_per_s: float) -> tuple[Bottleneck, ...]:
    """Return the arcs whose widening by a lane saves most, each named by its narrowest edge."""
    bound, instance = search.bound, search.instance
    if bound is None or bound.circulation is None or bound.circulation.rate <= 0:
        return ()
    a = np.clip(search.potential_ms, 0.0, bound.horizon_ms)
    jump_ms = np.maximum(a[instance.head] - a[instance.tail] - instance.travel_ms, 0.0)
    saved_ms = lane_persons_per_s * jump_ms / bound.circulation.rate
    saved_ms[np.diff(instance.chain_first) == 0] = 0.0
    order = np.argsort(-saved_ms, kind="stable")[:_MOST]
    found = []
    for rank, arc in enumerate(order[saved_ms[order] > 0].tolist()):
        minutes = float(saved_ms[arc]) / 60_000.0
        if rank < _PROVED and not search.out_of_time():
            minutes = min(minutes, _proved_saving_ms(search, arc, lane_persons_per_s) / 60_000.0)
        edges = instance.edges_of(arc)
        if minutes >= _LEAST_MINUTES:
            narrowest = int(edges[np.argmin(search.capacity_vph[edges])])
            found.append(Bottleneck(narrowest, round(minutes, 3)))
    return tuple(sorted(found, key=lambda one: (-one.minutes_saved_per_lane, one.edge)))


def _proved_saving_ms(search: Search, arc: int, lane: float) -> float:
    """Return how much the best of the kept cuts falls when an arc gets a lane more."""
    cap = search.instance.cap.copy()
    cap[arc] += lane
    small = reduce_instance(search.instance.with_capacity(cap), search.support).instance
    best = sorted(search.cuts, key=lambda bound: -bound.horizon_ms)[:_CUTS]
    left = max(prove(small, bound.cut, bound.horizon_ms).horizon_ms for bound in best)
    return max(search.lower_ms - left, 0.0)
