"""The network expanded over time, with a clock at every node.

The clock of node v shows t + d(v). A step of the expansion is [k · dt, (k + 1) · dt) of the node's own clock, so the
travel time of an arc takes ceil((time + d(v) − d(u)) / dt) ≥ 0 steps, and every flow of the expansion is a plan: who
enters an arc in step k does so evenly from k · dt − d(u) to (k + 1) · dt − d(u).

Nobody waits on the way, but only at home: in a line beside the zone's node, that leads to it in every step. Nothing is
lost by that, for a quickest plan never needs to wait on the way (Hoppe and Tardos 2000), unless roads close.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: PLR0917
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import max_flow

from gridgov.evacuation.clocks import Weights
from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.steady import Terminals
from gridgov.network.compiling import compiled
from gridgov.network.validation import Floats, Int64s

HOLD, ZONE, SHELTER = -1, -2, -3
_FAR = 10**8


class Expansion(NamedTuple):
    """Arcs between (node, step) pairs: `kind` is the instance's arc, or `HOLD`, `ZONE`, `SHELTER`; `step` where it
    begins (position of the zone or shelter for those). Arcs of lines and into shelters' gates count as `HOLD`.
    """

    instance: Instance
    clock: Int64s
    step_ms: int
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    cap: Int64s
    kind: NDArray[np.int32]
    step: NDArray[np.int32]
    n: int

    @property
    def source(self) -> int:
        """Where everybody comes from."""
        return self.n - 2

    @property
    def sink(self) -> int:
        """Where everybody is safe."""
        return self.n - 1


class Solved(NamedTuple):
    """A maximum flow of an expansion: units moved, units on each arc, and the source side of the cut."""

    expansion: Expansion
    moved: int
    flow: Int64s
    side: Bools

    @property
    def complete(self) -> bool:
        """Whether everybody is moved."""
        return self.moved >= self.expansion.instance.demand


def step_length(horizon_ms: float, steps: int) -> int:
    """Return the whole milliseconds of a step."""
    return max(int(np.ceil(horizon_ms / steps)), 1)


def expand(
    instance: Instance,
    clock: Int64s,
    horizon_ms: float,
    step_ms: int,
    *,
    exact: bool,
    arrivals: Floats | None = None,
    storing: bool = False,
) -> Expansion:
    """Expand an instance over time.

    Parameters
    ----------
    exact : bool
        True: travel times are rounded up, and every flow is a plan. False: to the nearest step, without bias; the flow
        is no plan, but its cuts are good ones.
    arrivals : float array, optional
        Mobilisation: share of the people who are ready by the end of each `step_ms`, from 0 on; else all are at once.
    storing : bool
        Whether people may wait on the way, too.
    """
    late = instance.tau + clock[instance.head] - clock[instance.tail]
    zone_clock, shelter_clock = clock[instance.zone_node], clock[instance.shelter_node]
    horizon = int(horizon_ms)
    if exact:
        steps = np.maximum(-(-late // step_ms), 0)
        start = -(-zone_clock // step_ms)
        end = (horizon + shelter_clock) // step_ms
    else:
        steps = _without_still_cycles(instance, np.maximum((2 * late + step_ms) // (2 * step_ms), 0))
        start = (2 * zone_clock + step_ms) // (2 * step_ms)
        end = (2 * (horizon + shelter_clock) + step_ms) // (2 * step_ms)
    lowest, above = _ranges(instance, steps, start, end)
    closing = np.full(instance.m, _FAR, dtype=np.int64)
    timed = instance.last_entry < 2**49
    closing[timed] = np.floor_divide(instance.last_entry[timed] + clock[instance.tail[timed]], step_ms)
    passing = np.minimum(np.floor(instance.cap * step_ms + 1e-9), float(instance.demand + 1)).astype(np.int64)
    supply = _supply(instance, start, lowest, above, zone_clock, step_ms, arrivals)
    offset = np.zeros(instance.n + 1, dtype=np.int64)
    np.cumsum(above - lowest, out=offset[1:])
    offset[:-1] -= lowest  # node (v, k) has the number offset[v] + k
    ways = _arcs(
        instance.tail, instance.head, steps, lowest, above, closing, offset, passing, instance.waiting & storing,
        instance.demand + 1,
    )  # fmt: skip
    lines, first_in_line, nodes = _lines(instance, start, lowest, above, offset, int(offset[-1]))
    gates, nodes = _gates(instance, end, lowest, above, offset, nodes)
    zone, at_step, units = supply
    sources = _rows(np.full(len(zone), nodes), first_in_line[zone] + at_step, units, ZONE, zone)
    return Expansion(instance, clock, step_ms, *_joined(_Rows(*ways), lines, gates, sources), nodes + 2)


class _Rows(NamedTuple):
    """Arcs of the expansion; see there."""

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    cap: Int64s
    kind: NDArray[np.int32]
    step: NDArray[np.int32]


def _joined(*parts: _Rows) -> _Rows:
    """Return arcs one after the other."""
    return _Rows(*(np.concatenate([part[i] for part in parts]) for i in range(5)))


def _rows(tail: Int64s, head: Int64s, cap: Int64s, kind: int, step: Int64s) -> _Rows:
    """Return arcs of one kind."""
    small = np.int32
    return _Rows(tail.astype(small), head.astype(small), cap, np.full(len(tail), kind, small), step.astype(small))


def _spans(count: Int64s) -> tuple[Int64s, Int64s]:
    """Return for spans of so many steps the span of each step, and its number in there."""
    owner = np.repeat(np.arange(len(count)), count)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)


def _lines(
    instance: Instance, start: Int64s, lowest: Int64s, above: Int64s, offset: Int64s, nodes: int
) -> tuple[_Rows, Int64s, int]:
    """Return the arcs of the waiting lines, for each zone the number of step 0 of its line, and the nodes so far.

    Zones at the same node share a line; in each step it leads to the node, or on to the next step.
    """
    home, zone, line = np.unique(instance.zone_node, return_index=True, return_inverse=True)
    begin = np.maximum(start[zone], lowest[home])
    owner, k = _spans(np.maximum(above[home] - begin, 0))
    k = k + begin[owner]
    number = nodes + np.arange(len(owner))
    first = nodes + np.searchsorted(owner, np.arange(len(home))) - begin
    on = np.append(owner[1:] == owner[:-1], False) if len(owner) else np.zeros(0, dtype=np.bool_)
    tail = np.concatenate([number, number[on]])
    head = np.concatenate([offset[home[owner]] + k, number[on] + 1])
    cap = np.full(len(tail), instance.demand + 1)
    return _rows(tail, head, cap, HOLD, np.concatenate([k, k[on]])), first[line], nodes + len(owner)


def _gates(
    instance: Instance, end: Int64s, lowest: Int64s, above: Int64s, offset: Int64s, nodes: int
) -> tuple[_Rows, int]:
    """Return the arcs into the shelters' gates and from there to safety, and the nodes so far (the source is next)."""
    node = instance.shelter_node
    owner, k = _spans(np.maximum(np.minimum(end, above[node]) - lowest[node], 0))
    k = k + lowest[node[owner]]
    gate = nodes + np.arange(len(node))
    into = _rows(offset[node[owner]] + k, gate[owner], np.full(len(owner), instance.demand + 1), HOLD, k)
    sink = np.full(len(node), nodes + len(node) + 1)
    out = _rows(gate, sink, instance.places, SHELTER, np.arange(len(node)))
    return _joined(into, out), nodes + len(node)


def _supply(
    instance: Instance,
    start: Int64s,
    lowest: Int64s,
    above: Int64s,
    zone_clock: Int64s,
    step_ms: int,
    arrivals: Floats | None,
) -> tuple[Int64s, Int64s, Int64s]:
    """Return rows of zone, step and units that become ready to leave."""
    node = instance.zone_node
    able = np.flatnonzero(np.maximum(start, lowest[node]) < above[node])
    if arrivals is None:
        return able, start[able], instance.units[able]
    ready = np.concatenate([[0.0], np.minimum(arrivals, 1.0)])
    zones, steps, units = [], [], []
    for i in able.tolist():
        step = np.arange(max(start[i], lowest[node[i]]), above[node[i]])
        passed = np.clip((step * step_ms - zone_clock[i]) // step_ms, 0, len(ready) - 1)
        total = np.floor(ready[passed] * instance.crowd[i] + 1e-6).astype(np.int64)
        total = np.minimum(total, instance.units[i])
        more = np.diff(np.concatenate([[0], total]))
        zones.append(np.full(int((more > 0).sum()), i))
        steps.append(step[more > 0])
        units.append(more[more > 0])
    empty = np.zeros(0, dtype=np.int64)
    return np.concatenate([empty, *zones]), np.concatenate([empty, *steps]), np.concatenate([empty, *units])


def _ranges(instance: Instance, steps: Int64s, start: Int64s, end: Int64s) -> tuple[Int64s, Int64s]:
    """Return for each node the first step in which anybody can be there, and the step after the last useful one."""
    n = instance.n
    first = _least_steps(n, instance.tail, instance.head, steps, instance.zone_node, start)
    latest = int(end.max(initial=0))
    back = _least_steps(n, instance.head, instance.tail, steps, instance.shelter_node, latest - end)
    last = np.where(back < _FAR, latest - back, -1)
    used = first < last
    return np.where(used, first, 0), np.where(used, last, 0)


@compiled
def _least_steps(n, tail, head, steps, roots, at_root):
    """Return the least number of steps to each node from the roots."""
    first = np.zeros(n + 1, np.int64)
    for e in range(len(tail)):
        first[tail[e] + 1] += 1
    for v in range(n):
        first[v + 1] += first[v]
    at = first[:-1].copy()
    arcs = np.empty(len(tail), np.int64)
    for e in range(len(tail)):
        arcs[at[tail[e]]] = e
        at[tail[e]] += 1
    least = np.full(n, 10**8)
    waiting = np.zeros(n, np.bool_)
    queue = np.empty(n + 1, np.int64)
    begin, end = 0, 0
    for i in range(len(roots)):
        if at_root[i] < least[roots[i]]:
            least[roots[i]] = at_root[i]
            if not waiting[roots[i]]:
                waiting[roots[i]] = True
                queue[end] = roots[i]
                end += 1
    while begin != end:
        x = queue[begin]
        begin = (begin + 1) % (n + 1)
        waiting[x] = False
        for j in range(first[x], first[x + 1]):
            e = arcs[j]
            y = head[e]
            if least[x] + steps[e] < least[y]:
                least[y] = least[x] + steps[e]
                if not waiting[y]:
                    waiting[y] = True
                    queue[end] = y
                    end = (end + 1) % (n + 1)
    return least


def _without_still_cycles(instance: Instance, steps: Int64s) -> Int64s:
    """Return steps of which no cycle takes none."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415  # slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    still = steps == 0
    ends = (instance.tail[still], instance.head[still])
    graph = csr_matrix((np.ones(int(still.sum())), ends), shape=(instance.n, instance.n))
    _, part = connected_components(graph, directed=True, connection="strong")
    return np.where(still & (part[instance.tail] == part[instance.head]), 1, steps)


@compiled
def _arcs(tail, head, steps, lowest, above, closing, offset, passing, storing, unlimited):
    """Return the arcs of the ways, and those of waiting where that is allowed."""
    count = 0
    for e in range(len(tail)):
        low = max(lowest[tail[e]], lowest[head[e]] - steps[e])
        high = min(above[tail[e]], above[head[e]] - steps[e], closing[e])
        if high > low and passing[e] > 0:
            count += high - low
    for v in range(len(lowest)):
        count += max(above[v] - lowest[v] - 1, 0) if storing[v] else 0
    a, b = np.empty(count, np.int32), np.empty(count, np.int32)
    cap = np.empty(count, np.int64)
    kind, step = np.empty(count, np.int32), np.empty(count, np.int32)
    at = 0
    for e in range(len(tail)):
        low = max(lowest[tail[e]], lowest[head[e]] - steps[e])
        high = min(above[tail[e]], above[head[e]] - steps[e], closing[e])
        if passing[e] <= 0:
            continue
        for k in range(low, high):
            a[at] = offset[tail[e]] + k
            b[at] = offset[head[e]] + k + steps[e]
            cap[at], kind[at], step[at] = passing[e], e, k
            at += 1
    for v in range(len(lowest)):
        for k in range(lowest[v], above[v] - 1 if storing[v] else lowest[v]):
            a[at] = offset[v] + k
            b[at] = a[at] + 1
            cap[at], kind[at], step[at] = unlimited, -1, k
            at += 1
    return a, b, cap, kind, step


def solve(expansion: Expansion) -> Solved:
    """Move as many as possible."""
    solver = max_flow.SimpleMaxFlow()
    arcs = solver.add_arcs_with_capacity(expansion.tail, expansion.head, expansion.cap)
    status = solver.solve(expansion.source, expansion.sink)
    if status != solver.OPTIMAL:
        raise AssertionError(f"a maximum flow always exists, but the solver says {status}")
    side = np.zeros(expansion.n, dtype=np.bool_)
    side[np.asarray(solver.get_source_side_min_cut(), dtype=np.int64)] = True
    return Solved(expansion, int(solver.optimal_flow()), np.asarray(solver.flows(arcs), dtype=np.int64), side)


def cut_of(solved: Solved) -> Terminals:
    """Return the zones and the free shelters of the minimum cut; who is not in the expansion is out of reach."""
    expansion, side = solved.expansion, solved.side
    zones = np.ones(len(expansion.instance.zone), dtype=np.bool_)
    rows = expansion.kind == ZONE
    zones[expansion.step[rows]] = side[expansion.head[rows]]
    free = np.ones(len(expansion.instance.shelter), dtype=np.bool_)
    rows = expansion.kind == SHELTER
    free[expansion.step[rows]] = ~side[expansion.tail[rows]]
    return Terminals(zones, free)


def weights_of(solved: Solved) -> Weights:
    """Return the units on each arc and into each shelter, as weights."""
    expansion, flow = solved.expansion, solved.flow
    rows = expansion.kind >= 0
    per_arc = np.bincount(expansion.kind[rows], weights=flow[rows], minlength=expansion.instance.m)
    arc = np.asarray(per_arc, dtype=np.float64)
    shelter = np.zeros(len(expansion.instance.shelter))
    rows = expansion.kind == SHELTER
    shelter[expansion.step[rows]] = flow[rows]
    return Weights(arc, np.zeros(len(expansion.instance.zone)), shelter)
