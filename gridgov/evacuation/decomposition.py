"""A flow as paths: from a source to a sink, each with its amount, and without visiting a place twice."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled
from gridgov.network.validation import Int64s


class Paths(NamedTuple):
    """Paths as rows: the arcs of path i are ``arcs[first[i]:first[i + 1]]``, `amount` units go along it."""

    first: Int64s
    arcs: Int64s
    amount: Int64s


def decompose(
    tail: NDArray[np.integer],
    head: NDArray[np.integer],
    flow: Int64s,
    source: int,
    sink: int,
    *,
    told: NDArray[np.bool_] | None = None,
) -> Paths:
    """Return the paths of a flow without cycles from source to sink.

    At every node the arc that comes first among those with flow left is taken, so that neighbours in time follow the
    same way as long as they can. With `told` only those arcs are named in the paths.
    """
    used = np.flatnonzero(flow > 0)
    n = int(max(tail.max(initial=0), head.max(initial=0), source, sink)) + 1
    order = used[np.argsort(tail[used], kind="stable")]
    first = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail[order], minlength=n), out=first[1:])
    named = np.ones(len(order), dtype=np.bool_) if told is None else told[order]
    starts, arcs, amount = _walk(
        first, order.astype(np.int64), head[order].astype(np.int64), flow[order], named, source, sink
    )
    return Paths(starts, arcs, amount)


@compiled
def _walk(first, arc, head, left, named, source, sink):
    """Follow remaining flow from the source to the sink until none is left."""
    cursor = first[:-1].copy()
    path = np.empty(len(arc) + 1, np.int64)
    out_first = np.zeros(len(arc) + 2, np.int64)
    out_arc = np.empty(max(16, len(arc)), np.int64)
    amount = np.empty(len(arc) + 1, np.int64)
    n_paths = 0
    used = 0
    while True:
        length = 0
        node = source
        least = np.int64(2**62)
        while node != sink:
            at = cursor[node]
            while at < first[node + 1] and left[at] <= 0:
                at += 1
            cursor[node] = at
            if at == first[node + 1]:
                break
            path[length] = at
            length += 1
            least = min(least, left[at])
            node = head[at]
        if node != sink:
            break
        while used + length > len(out_arc):
            wider = np.empty(2 * len(out_arc), np.int64)
            wider[:used] = out_arc[:used]
            out_arc = wider
        for i in range(length):
            left[path[i]] -= least
            if named[path[i]]:
                out_arc[used] = arc[path[i]]
                used += 1
        amount[n_paths] = least
        n_paths += 1
        out_first[n_paths] = used
    return out_first[: n_paths + 1].copy(), out_arc[:used].copy(), amount[:n_paths].copy()
