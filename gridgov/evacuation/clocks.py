"""Node clocks: by how much each node's clock is ahead, so that rounding travel times to whole steps costs little.

Only the clocks modulo the step matter: a periodic timetabling problem. The spanning tree of the largest weights makes
its arcs exact; then tree arcs are exchanged by shifting the smaller of the two sides, as long as that helps.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: PLR0917
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridgov.evacuation.instance import Instance
from gridgov.network.compiling import compiled
from gridgov.network.validation import Floats, Int64s

_MOST_CROSSING = 400
_IDLE = 2e-9  # of all weights: an arc that nobody uses


class Weights(NamedTuple):
    """What rounding costs on each arc, at each zone and at each shelter."""

    arc: Floats
    zone: Floats
    shelter: Floats

    def scaled(self, factor: float) -> Weights:
        """Return the weights times a factor."""
        return Weights(self.arc * factor, self.zone * factor, self.shelter * factor)

    def plus(self, other: Weights) -> Weights:
        """Return the sum of two weights."""
        return Weights(self.arc + other.arc, self.zone + other.zone, self.shelter + other.shelter)

    def normal(self) -> Weights:
        """Return the weights with 1 as the sum over arcs (as they are where nothing moves)."""
        total = float(self.arc.sum())
        return self.scaled(1.0 / total) if total > 0 else self


def set_clocks(instance: Instance, base_ms: Int64s, weights: Weights, step_ms: int, passes: int) -> Int64s:
    """Return the clock (ms) of each node: at least `base_ms` and less than a step more."""
    root, zones, shelters = instance.n, len(instance.zone), len(instance.shelter)
    tail = np.concatenate([instance.tail, instance.shelter_node, np.full(zones, root)])
    head = np.concatenate([instance.head, np.full(shelters, root), instance.zone_node])
    tau = np.concatenate([instance.tau, np.zeros(zones + shelters, dtype=np.int64)])
    weight = np.concatenate([weights.arc, weights.shelter, weights.zone])
    weight = weight / weight.sum() + 1e-12
    order = np.argsort(-weight, kind="stable")
    tree, clock = _spanning(root + 1, tail, head, tau, order)
    if passes:
        _exchange(root + 1, tail, head, tau, weight, tree, clock, step_ms, passes)
    return np.asarray(base_ms + np.mod(clock[:root] - clock[root] - base_ms, step_ms), dtype=np.int64)


@compiled
def _incidence(n, tail, head):
    """Return all arcs at each node, whichever way they go."""
    first = np.zeros(n + 1, np.int64)
    for e in range(len(tail)):
        first[tail[e] + 1] += 1
        first[head[e] + 1] += 1
    for v in range(n):
        first[v + 1] += first[v]
    at = first[:-1].copy()
    arcs = np.empty(2 * len(tail), np.int64)
    for e in range(len(tail)):
        arcs[at[tail[e]]] = e
        at[tail[e]] += 1
        arcs[at[head[e]]] = e
        at[head[e]] += 1
    return first, arcs


@compiled
def _spanning(n, tail, head, tau, order):
    """Return the forest that takes arcs in order, and clocks that make its arcs exact."""
    parent = np.arange(n)
    tree = np.zeros(len(tail), np.bool_)
    for e in order:
        x = tail[e]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        y = head[e]
        while parent[y] != y:
            parent[y] = parent[parent[y]]
            y = parent[y]
        if x != y:
            parent[x] = y
            tree[e] = True
    first, arcs = _incidence(n, tail, head)
    clock = np.zeros(n, np.int64)
    seen = np.zeros(n, np.bool_)
    stack = np.empty(n, np.int64)
    for root in range(n - 1, -1, -1):
        if seen[root]:
            continue
        seen[root] = True
        stack[0] = root
        top = 1
        while top > 0:
            top -= 1
            x = stack[top]
            for j in range(first[x], first[x + 1]):
                e = arcs[j]
                if not tree[e]:
                    continue
                y = head[e] if tail[e] == x else tail[e]
                if not seen[y]:
                    clock[y] = clock[x] - tau[e] if tail[e] == x else clock[x] + tau[e]
                    seen[y] = True
                    stack[top] = y
                    top += 1
    return tree, clock


@compiled
def _side(start, without, first, arcs, tail, head, tree, mark, stamp, stack, most):
    """Collect the tree's nodes on one side of an arc; give up when there are more than `most`."""
    stack[0] = start
    mark[start] = stamp
    top, at = 1, 0
    while at < top <= most:
        x = stack[at]
        at += 1
        for j in range(first[x], first[x + 1]):
            e = arcs[j]
            if tree[e] and e != without:
                y = head[e] if tail[e] == x else tail[e]
                if mark[y] != stamp:
                    mark[y] = stamp
                    stack[top] = y
                    top += 1
    return top


@compiled
def _exchange(n, tail, head, tau, weight, tree, clock, step, passes):  # noqa: PLR0912
    """Exchange tree arcs for others across their cut while the weighted rounding gets less."""
    m = len(tail)
    first, arcs = _incidence(n, tail, head)
    mark = np.zeros(n, np.int64)
    stack = np.empty(n + 1, np.int64)
    crossing = np.empty(m, np.int64)
    stamp = 0
    for _ in range(passes):
        changed = 0
        for f in range(m):
            if not tree[f] or weight[f] <= _IDLE:
                continue
            stamp += 1
            top = _side(tail[f], f, first, arcs, tail, head, tree, mark, stamp, stack, n // 2)
            if top > n // 2:
                stamp += 1
                top = _side(head[f], f, first, arcs, tail, head, tree, mark, stamp, stack, n)
            count = 0
            base = 0.0
            for i in range(top):
                x = stack[i]
                for j in range(first[x], first[x + 1]):
                    e = arcs[j]
                    if (mark[tail[e]] == stamp) != (mark[head[e]] == stamp):
                        crossing[count] = e
                        count += 1
                        base += weight[e] * ((clock[tail[e]] - clock[head[e]] - tau[e]) % step)
            if count < 2 or count > _MOST_CROSSING:
                continue
            best = base - 1e-6 * base - 1e-12
            shift_by, chosen = 0, -1
            for c in range(count):
                e = crossing[c]
                if e == f:
                    continue
                shift = (clock[tail[e]] - clock[head[e]] - tau[e]) % step
                if mark[head[e]] != stamp:
                    shift = -shift
                value = 0.0
                for k in range(count):
                    g = crossing[k]
                    late = clock[tail[g]] - clock[head[g]] - tau[g]
                    late = late - shift if mark[head[g]] == stamp else late + shift
                    value += weight[g] * (late % step)
                    if value >= best:
                        break
                if value < best:
                    best, shift_by, chosen = value, shift, e
            if chosen >= 0:
                for i in range(top):
                    clock[stack[i]] += shift_by
                tree[f] = False
                tree[chosen] = True
                changed += 1
        if changed == 0:
            break
