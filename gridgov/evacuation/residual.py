"""Shortest distances in the residual network of a flow: the potentials that prove a bound."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

import numpy as np

from gridgov.network.compiling import compiled
from gridgov.network.validation import Floats, Int64s


def residual_distances(
    n: int, tail: Int64s, head: Int64s, weight: Floats, room: Int64s, flow: Int64s, source: int
) -> Floats:
    """Return distances from a node over arcs with room (forward) and arcs with flow (backward, at minus the weight).

    Bellman and Ford with a queue, small labels first; nodes out of reach have 1e18. The flow must be of least cost, or
    distances mean nothing (the search then stops at a limit of work).
    """
    return _search(n, tail, head, weight, room > 0, flow > 0, source)  # type: ignore[no-any-return]


@compiled
def _search(n, tail, head, weight, forward, backward, source):  # noqa: PLR0912
    m = len(tail)
    first = np.zeros(n + 1, np.int64)
    for i in range(m):
        if forward[i]:
            first[tail[i] + 1] += 1
        if backward[i]:
            first[head[i] + 1] += 1
    for v in range(n):
        first[v + 1] += first[v]
    at = first[:-1].copy()
    target = np.empty(first[n], np.int64)
    cost = np.empty(first[n], np.float64)
    for i in range(m):
        if forward[i]:
            target[at[tail[i]]] = head[i]
            cost[at[tail[i]]] = weight[i]
            at[tail[i]] += 1
        if backward[i]:
            target[at[head[i]]] = tail[i]
            cost[at[head[i]]] = -weight[i]
            at[head[i]] += 1
    distance = np.full(n, 1e18)
    waiting = np.zeros(n, np.bool_)
    queue = np.empty(n + 1, np.int64)
    distance[source] = 0.0
    queue[0] = source
    waiting[source] = True
    start, end, work = 0, 1, 0
    while start != end:
        node = queue[start]
        start = (start + 1) % (n + 1)
        waiting[node] = False
        for j in range(first[node], first[node + 1]):
            other = target[j]
            reached = distance[node] + cost[j]
            if reached < distance[other] - 1e-9:
                distance[other] = reached
                if not waiting[other]:
                    waiting[other] = True
                    if start != end and reached < distance[queue[start]]:
                        start = (start + n) % (n + 1)
                        queue[start] = other
                    else:
                        queue[end] = other
                        end = (end + 1) % (n + 1)
        work += first[node + 1] - first[node]
        if work > 400 * first[n] + 10**7:
            break
    return distance
