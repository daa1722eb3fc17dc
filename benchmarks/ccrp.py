"""CCRP, the capacity-constrained route planner, as a rival: greedy, without a bound.

Lu, George, Shekhar: Capacity Constrained Routing Algorithms for Evacuation Planning (SSTD 2005). Again and again the
quickest route from any zone with people left to any shelter with room left is searched on what is still free (one
search over all zones that stops at the first shelter); as many vehicles as fit at the narrowest place are booked on it;
waiting at nodes is free. It ends when all are booked; the last arrival is its clearance time.

In its favour: travel times are not rounded up to steps, only capacities are counted in them (bins of `STEP_S`); the
search is directed by the free travel time to the nearest shelter with room (A*), full bins are skipped in one go
(union-find), and all of it is compiled.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numba import njit

from benchmarks.evacuation_instances import PERSONS_PER_VEHICLE, Instance
from gridgov.network import CLOSED

STEP_S = 10.0
BINS = 6_000
SEARCHES = 100  # between looks at the clock
MORE, DONE, NO_WAY, ROWS_FULL = 0, 1, 2, 3
NOBODY = 1e-6  # vehicles


@dataclass(frozen=True)
class CcrpResult:
    """Clearance time, None where it did not finish; vehicles that were booked; seconds; searches."""

    clearance_s: float | None
    booked_share: float
    seconds: float
    searches: int


def ccrp(instance: Instance, *, limit_s: float = 120.0) -> CcrpResult:
    """Book all vehicles of an instance, within a time limit."""
    started = perf_counter()
    roads, state = _roads(instance), _state(instance)
    given, searches, rows = state["left"].sum(), 0, 512
    free, following = np.zeros((rows, BINS), dtype=np.float32), np.zeros((rows, BINS), dtype=np.int32)
    row_of_edge, last = np.full(len(roads[2]), -1), np.zeros(3)
    while True:
        code, count = _book(*roads, state["zone"], state["left"], state["room"], state["rest"], free, following,
                            row_of_edge, last, SEARCHES)  # fmt: skip
        searches += count
        if code == ROWS_FULL:
            free, following = (np.concatenate([table, np.zeros_like(table)]) for table in (free, following))
        seconds = perf_counter() - started
        if code in {DONE, NO_WAY} or seconds > limit_s:
            booked = 1 - state["left"].sum() / given
            return CcrpResult(float(last[0]) if code == DONE else None, float(booked), seconds, searches)


def _roads(instance: Instance) -> tuple[Any, ...]:
    """Return the usable edges by tail and by head, with seconds and vehicles per bin."""
    network = instance.network
    capacity = np.asarray(network.capacity_vph, dtype=np.float64)
    usable = np.flatnonzero((capacity > 0) & (network.travel_time_ms != CLOSED) & (network.tail != network.head))
    usable = usable[np.argsort(network.tail[usable], kind="stable")]
    tail, head = network.tail[usable].astype(np.int64), network.head[usable].astype(np.int64)
    nodes = np.arange(network.n_nodes + 1)
    into = np.argsort(head, kind="stable")
    per_bin = (capacity[usable] / 3600 * STEP_S).astype(np.float64)
    seconds = network.travel_time_ms[usable] / 1000
    return np.searchsorted(tail, nodes), tail, head, seconds, per_bin, into, np.searchsorted(head[into], nodes)


def _state(instance: Instance) -> dict[str, np.ndarray]:
    room = np.zeros(instance.network.n_nodes)
    places = instance.shelters["capacity_persons"].to_numpy(np.float64) / PERSONS_PER_VEHICLE
    np.add.at(room, instance.shelters["node"].to_numpy(np.int64), places)
    left = instance.demand["persons"].to_numpy(np.float64) / PERSONS_PER_VEHICLE
    rest = np.zeros(len(room))
    return {"zone": instance.demand["node"].to_numpy(np.int64), "left": left, "room": room, "rest": rest}


@njit(cache=True)
def _to_go(room, tail, seconds, into, into_start, rest):  # type: ignore[no-untyped-def]
    """Fill `rest` with the seconds from each node to the nearest shelter with room, roads empty."""
    rest[:] = np.inf
    heap = [(0.0, 0)]
    heap.pop()
    for node in range(len(room)):
        if room[node] > NOBODY:
            rest[node] = 0.0
            heapq.heappush(heap, (0.0, node))
    while heap:
        time, node = heapq.heappop(heap)
        if time > rest[node]:
            continue
        for place in range(into_start[node], into_start[node + 1]):
            edge = into[place]
            if time + seconds[edge] < rest[tail[edge]]:
                rest[tail[edge]] = time + seconds[edge]
                heapq.heappush(heap, (rest[tail[edge]], tail[edge]))


@njit(cache=True)
def _free_bin(following, row, at):  # type: ignore[no-untyped-def]
    """Return the first bin from `at` on that is not full; remember the way there."""
    end = at
    while following[row, end] != end:
        end = following[row, end]
    while following[row, at] != end:
        following[row, at], at = end, following[row, at]
    return end


@njit(cache=True)
def _book(first, tail, head, seconds, per_bin, into, into_start, zone, left, room, rest, free, following, row_of_edge,
          last, searches):  # type: ignore[no-untyped-def]  # fmt: skip
    """Search and book some routes; `last` holds the last arrival, rows in use, and 1 once `rest` is good."""
    n = len(rest)
    reached, settled = np.full(n, np.inf), np.zeros(n, np.bool_)
    by, entered = np.full(n, -1), np.zeros(n)
    route = np.zeros(n, np.int64)
    for search in range(searches):
        if last[2] == 0.0:
            _to_go(room, tail, seconds, into, into_start, rest)
            last[2] = 1.0
        reached[:] = np.inf
        settled[:] = False
        heap = [(0.0, 0)]
        heap.pop()
        somebody = False
        for one in range(len(zone)):
            if left[one] > NOBODY:
                somebody = True
                if reached[zone[one]] > 0.0 and rest[zone[one]] < np.inf:
                    reached[zone[one]], by[zone[one]] = 0.0, -1
                    heapq.heappush(heap, (rest[zone[one]], zone[one]))
        if not somebody:
            return DONE, search
        goal = -1
        while heap:
            _, node = heapq.heappop(heap)
            if settled[node]:
                continue
            settled[node] = True
            if room[node] > NOBODY:
                goal = node
                break
            for edge in range(first[node], first[node + 1]):
                other = head[edge]
                if settled[other] or rest[other] == np.inf:
                    continue
                start = reached[node]
                if row_of_edge[edge] >= 0:
                    bin_ = int(start / STEP_S)
                    if bin_ >= BINS - 1:
                        continue
                    open_bin = _free_bin(following, row_of_edge[edge], bin_)
                    if open_bin >= BINS - 1:
                        continue
                    if open_bin > bin_:
                        start = open_bin * STEP_S
                if start + seconds[edge] < reached[other]:
                    reached[other], by[other], entered[other] = start + seconds[edge], edge, start
                    heapq.heappush(heap, (reached[other] + rest[other], other))
        if goal < 0:
            return NO_WAY, search
        length, node, amount = 0, goal, room[goal]
        while by[node] >= 0:
            edge = by[node]
            route[length] = edge
            length += 1
            if row_of_edge[edge] < 0:
                if int(last[1]) == len(free):
                    return ROWS_FULL, search
                row = int(last[1])
                row_of_edge[edge] = row
                last[1] += 1
                free[row, :] = per_bin[edge]
                for b in range(BINS):
                    following[row, b] = b
            amount = min(amount, free[row_of_edge[edge], int(entered[node] / STEP_S + 1e-9)])
            node = tail[edge]
        origin = -1
        for one in range(len(zone)):
            if zone[one] == node and left[one] > NOBODY:
                origin = one
                break
        amount = min(amount, left[origin])
        left[origin] -= amount
        room[goal] -= amount
        if room[goal] <= NOBODY:
            last[2] = 0.0
        late = 0.0  # whoever comes last into a bin comes at the end of what is used of it
        for place in range(length):
            edge = route[place]
            row, b = row_of_edge[edge], int(entered[head[edge]] / STEP_S + 1e-9)
            free[row, b] -= amount
            if free[row, b] <= NOBODY:
                following[row, b] = b + 1
            late = max(late, 1.0 - max(free[row, b], 0.0) / per_bin[edge])
        last[0] = max(last[0], reached[goal] + late * STEP_S)
    return MORE, searches
