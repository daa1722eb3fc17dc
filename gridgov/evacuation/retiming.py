"""Retiming in continuous time: what clocks lost by rounding is taken out again, windows keep their length.

All flows that enter an arc in the same step form one window. A window begins when every flow in it has arrived and the
arc's window before it is over: a longest path through the windows, in the order of their moments in the expansion. No
window begins later than there, so whatever closes is still open. Then waiting moves to the origins: windows begin as
late as they can without anybody arriving later.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: PLR0917
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

import numpy as np

from gridgov.network.compiling import compiled
from gridgov.network.validation import Int64s


def retime(first: Int64s, arcs: Int64s, moment_ms: Int64s, tau: Int64s, step_ms: int) -> Int64s:
    """Return new moments of entry for rows of arcs.

    Parameters
    ----------
    first : int64 array
        Row i enters ``arcs[first[i]:first[i + 1]]`` at ``moment_ms`` (same positions), in windows of `step_ms`.
    tau : int64 array
        Travel time of each arc, ms.
    """
    if not len(arcs):
        return moment_ms
    key = np.lexsort((moment_ms, arcs))
    new = np.ones(len(arcs), dtype=np.bool_)
    new[1:] = (arcs[key][1:] != arcs[key][:-1]) | (moment_ms[key][1:] != moment_ms[key][:-1])
    window = np.empty(len(arcs), dtype=np.int64)
    window[key] = np.cumsum(new) - 1
    head = key[new]  # one entry of each window, windows in order of arc and moment
    window_arc, window_ms = arcs[head], moment_ms[head]
    entries = np.concatenate([np.flatnonzero(new), [len(arcs)]])
    last = np.zeros(len(arcs), dtype=np.bool_)
    last[first[1:][np.diff(first) > 0] - 1] = True
    order = np.argsort(window_ms, kind="stable")
    times = _earliest(order, entries, key, window, last, window_arc, window_ms, tau, step_ms)
    times = _latest(order, entries, key, window, last, window_arc, window_ms, tau, step_ms, times)
    return np.asarray(times[window], dtype=np.int64)


@compiled
def _earliest(order, entries, key, window, last, arc, moment, tau, step):
    """Return the earliest beginning of each window."""
    times = np.zeros(len(arc), np.int64)
    for w in order:
        ready = times[w]
        if w + 1 < len(arc) and arc[w + 1] == arc[w]:
            times[w + 1] = max(times[w + 1], ready + step)
        leaves = ready + tau[arc[w]]
        for i in range(entries[w], entries[w + 1]):
            entry = key[i]
            if not last[entry]:
                times[window[entry + 1]] = max(times[window[entry + 1]], leaves)
    return times


@compiled
def _latest(order, entries, key, window, last, arc, moment, tau, step, earliest):
    """Return the latest beginning of each window that keeps every arrival."""
    times = np.maximum(earliest, moment)
    for j in range(len(order) - 1, -1, -1):
        w = order[j]
        latest = times[w]
        if w + 1 < len(arc) and arc[w + 1] == arc[w]:
            latest = min(latest, times[w + 1] - step)
        for i in range(entries[w], entries[w + 1]):
            entry = key[i]
            limit = earliest[w] if last[entry] else times[window[entry + 1]] - tau[arc[w]]
            latest = min(latest, limit)
        times[w] = max(latest, earliest[w])
    return times
