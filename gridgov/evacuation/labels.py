"""Shortest-way labels spread from nodes that have one to all others."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np

from gridgov.evacuation.instance import Instance
from gridgov.network.compiling import compiled
from gridgov.network.validation import Floats, Int64s

_OUT_OF_REACH = 1e15


def spread_labels(instance: Instance, known: Floats) -> tuple[Floats, Int64s]:
    """Give nodes without a label (inf) the least label of a labelled node plus the way from there.

    Returns
    -------
    labels : float array, shape (n,)
        1e15 where no way leads.
    by_arc : int64 array, shape (n,)
        The arc by which each label came; -1 for those that were given.
    """
    labels, by_arc = _spread(instance.n, instance.tail, instance.head, instance.travel_ms, known)
    return np.where(np.isfinite(labels), labels, _OUT_OF_REACH), by_arc


def with_ways(tail: Int64s, arcs: Int64s, by_arc: Int64s) -> Int64s:
    """Return arcs together with the ways by which the labels of their tails came."""
    found = [arcs]
    front = arcs
    while len(front):
        back = by_arc[tail[front]]
        front = np.unique(back[back >= 0])
        found.append(front)
    return np.unique(np.concatenate(found))


@compiled
def _spread(n, tail, head, tau, known):
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
    labels = known.copy()
    by_arc = np.full(n, -1)
    heap = [(0.0, 0)]
    heap.pop()
    for v in range(n):
        if np.isfinite(known[v]):
            heappush(heap, (known[v], v))
    while len(heap) > 0:
        label, x = heappop(heap)
        if label > labels[x]:
            continue
        for j in range(first[x], first[x + 1]):
            e = arcs[j]
            y = head[e]
            if not np.isfinite(known[y]) and label + tau[e] < labels[y]:
                labels[y] = label + tau[e]
                by_arc[y] = e
                heappush(heap, (labels[y], y))
    return labels, by_arc
