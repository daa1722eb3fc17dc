"""Who can be saved before zones and roads close, or with people who get ready bit by bit.

As many as possible, in a horizon as short as possible; how they are moved is the first plan, the rest is too late.
"""

from __future__ import annotations

import numpy as np

from gridgov.evacuation.clocks import Weights, set_clocks
from gridgov.evacuation.expansion import Solved, solve, step_length, weights_of
from gridgov.evacuation.instance import NEVER_MS
from gridgov.evacuation.mobilisation import ready_moment
from gridgov.evacuation.search import Search
from gridgov.evacuation.steady import shelter_distance
from gridgov.evacuation.windows import windows_of, zone_units
from gridgov.network.validation import Int64s

_STEPS, _FINER_STEPS = 24, (48, 96, 192, 384)
_MOST_ARCS = 1_500_000
_LONGER = 1.25
_MOST_HORIZONS = 12
_WORTH = 1.0002  # that many more saved are worth another try
_WORTH_STORING = 1.001
_SHARE = 0.2  # of the time limit
_CLOSE = 0.02  # horizons that differ by no more are the same
_UNREACHED_MS = 10_000_000_000


def save_in_time(search: Search, horizon_ms: float, most: int) -> None:
    """Make those who can be saved the question of a search, and how they are moved its first plan.

    If not all can be, they may wait on the way.

    Parameters
    ----------
    horizon_ms : float
        To begin with.
    most : int
        So many units have a place at all.
    """
    best = _most_in_time(search, horizon_ms, most)
    if best.moved < most and search.instance.timed:
        search.storing = True
        stored = _most_in_time(search, horizon_ms, most)
        search.storing = stored.moved > best.moved * _WORTH_STORING
        best = stored if search.storing else best
    _keep_moved(search, best)


def _most_in_time(search: Search, horizon_ms: float, most: int) -> Solved:
    """Return a flow that moves as many as possible: longer horizons while that helps, then better clocks, finer steps.

    Horizons know no time limit, for how many are saved must not depend on it as long as coarse steps tell.
    """
    base = shelter_distance(search.instance)
    farthest = float(base[base < _UNREACHED_MS].max(initial=0))
    horizon = max(_LONGER * horizon_ms, _ready_ms(search)) + farthest + 1.0
    best, at = _plain(search, base, horizon, _STEPS), horizon
    for _ in range(_MOST_HORIZONS):
        if best.moved >= most:
            return best
        horizon *= _LONGER
        longer = _plain(search, base, horizon, _STEPS)
        if longer.moved > best.moved * _WORTH:
            best, at = longer, horizon
        elif horizon > _last_closing(search) + farthest:
            break
    for steps in (_STEPS, *_FINER_STEPS):
        too_large = steps > _STEPS and (search.out_of_time(_SHARE) or len(best.expansion.tail) * 2 > _MOST_ARCS)
        if best.moved >= most or too_large:
            break
        finer = _solved(search, base, at, steps, most)
        best = finer if finer.moved > best.moved else best
    return best


def _ready_ms(search: Search) -> float:
    return 0.0 if search.arrivals_s is None else 1000.0 * ready_moment(search.arrivals_s)


def _last_closing(search: Search) -> float:
    """Return when (ms) the last of all roads and zones closes that ever do."""
    closing = search.instance.last_entry[search.instance.last_entry < NEVER_MS]
    return float(closing.max(initial=0))


def _plain(search: Search, base: Int64s, horizon_ms: float, steps: int) -> Solved:
    """Return a flow with plain clocks."""
    return solve(search.expanded(search.instance, base, horizon_ms, step_length(horizon_ms, steps)))


def _solved(search: Search, base: Int64s, horizon_ms: float, steps: int, most: int) -> Solved:
    """Return the better of two flows: with plain clocks, and with clocks for what that one used."""
    instance, step = search.instance, step_length(horizon_ms, steps)
    first = _plain(search, base, horizon_ms, steps)
    if first.moved >= most:
        return first
    weights = weights_of(first).normal()
    positive = Weights(weights.arc + 1e-9, weights.zone + 1e-12, weights.shelter + 1e-12)
    clock = set_clocks(instance, base, positive, step, 2)
    second = solve(search.expanded(instance, clock, horizon_ms, step))
    return second if second.moved > first.moved else first


def shorten(search: Search) -> None:
    """Shorten the first plan on the whole network, for what roads close and who is ready moves the routes."""
    instance = search.instance
    base = shelter_distance(instance)
    for steps in (_STEPS, *_FINER_STEPS):
        low = search.lower_ms
        while search.upper_ms / low - 1 > max(_CLOSE, search.target_gap):
            if search.out_of_time(_SHARE):
                return
            middle = (low * search.upper_ms) ** 0.5
            solved = _solved(search, base, middle, steps, instance.demand)
            search.support |= weights_of(solved).arc > 0
            if solved.complete:
                search.take_windows(windows_of(solved))
                search.note(f"whole network, {steps} steps, horizon {middle / 1000:.1f}")
            else:
                low = middle
            if len(solved.expansion.tail) * 2 > _MOST_ARCS and not solved.complete:
                return


def _keep_moved(search: Search, solved: Solved) -> None:
    """Make the people who are moved the question, and how they are moved the first plan."""
    moved = zone_units(solved)
    number = np.cumsum(moved > 0) - 1
    windows = windows_of(solved)
    search.instance = search.instance.with_units(moved)
    search.support |= weights_of(solved).arc > 0
    if len(search.instance.zone):
        search.take_windows(windows._replace(instance=search.instance, zone=number[windows.zone]))
