"""p-median: the sites that make the sum of all weighted times least, with a bound that no other choice beats.

Everybody who is served already has a cost to begin with (`base`); a site only counts where it is better. Good choices
come from greedy adding and swapping (Teitz and Bart 1968, evaluated as by Resende and Werneck 2007), the bound from
Lagrangian relaxation of "everybody is served once" by subgradients (Narula, Ogbu and Samuelsson 1977), with sites fixed
by reduced costs. What gap is left is closed by branch and bound on the same relaxation, best bound first.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gridgov.network.validation import Floats, Int64s

_ROOT_STEPS = 600
_NODE_STEPS = 80
_PATIENCE = 15  # steps without a better bound before the steps get shorter
_SHORTEST = 5e-3
_TRIES = 12  # choices of the relaxation that are improved by swapping
_WORTH_A_TRY = 1.01  # times the best cost
_SAME = 1e-9  # of the cost: less is rounding


@dataclass(frozen=True, slots=True)
class MedianAnswer:
    """A choice and its proof.

    Attributes
    ----------
    chosen : int64 array
        Columns, ascending.
    cost, bound : float
    facts : dict
        Swaps, steps of the relaxation, sites left after fixing, branches.
    """

    chosen: Int64s
    cost: float
    bound: float
    facts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """What is left to decide: columns of the costs, how many may be chosen, what is chosen already."""

    base: Floats
    free: Int64s
    taken: tuple[int, ...]
    wanted: int


@dataclass(slots=True)
class _Search:
    """The best choice so far."""

    cost: Floats
    base: Floats
    stop: Callable[[], bool]
    best: float = np.inf
    chosen: Int64s = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    tries: int = 0
    facts: dict[str, int] = field(default_factory=lambda: {"swaps": 0, "steps": 0, "branches": 0})

    def offer(self, chosen: Int64s, cost: float) -> None:
        """Take a choice if it is better."""
        if cost < self.best:
            self.best, self.chosen = cost, np.sort(chosen)

    def enough(self, bound: float) -> bool:
        """Whether nothing better than the best can come of a bound."""
        return bound >= self.best - _SAME * abs(self.best)


def solve_median(
    cost: Floats, base: Floats, k: int, *, seed: int = 0, target_gap: float = 0.0, stop: Callable[[], bool]
) -> MedianAnswer:
    """Return at most k columns that make ``sum(min(base, cost[:, chosen].min(axis=1)))`` least.

    Parameters
    ----------
    cost : float array, shape (n, m)
        Weighted; finite.
    base : float array, shape (n,)
        What is paid without any of the columns; finite.
    stop : callable
        Asked between steps; True ends the search with the best choice and bound so far.
    """
    cost = np.minimum(cost, base[:, None])
    search = _Search(cost, base, stop)
    wanted = min(k, cost.shape[1])
    _first_choices(search, wanted, seed)
    root = _Part(base, np.arange(cost.shape[1]), (), wanted)
    bound, prices, root, share = _relaxed(search, root, _first_prices(search), _ROOT_STEPS)
    search.facts["sites_left"] = len(root.free)
    bound = _branched(search, (bound, prices, root, share), target_gap)
    return MedianAnswer(search.chosen, search.best, min(bound, search.best), search.facts)


def greedy(cost: Floats, base: Floats, wanted: int) -> Int64s:
    """Return columns in the order in which each saves most."""
    now, chosen = base.copy(), []
    for _ in range(wanted):
        saved = np.maximum(now[:, None] - cost, 0.0).sum(axis=0)
        column = int(saved.argmax())
        if saved[column] <= 0:
            break
        chosen.append(column)
        now = np.minimum(now, cost[:, column])
    return np.array(chosen, dtype=np.int64)


def swapped(
    cost: Floats, base: Floats, chosen: Int64s, wanted: int, stop: Callable[[], bool] = lambda: False
) -> tuple[Int64s, float, int]:
    """Return a choice that no single swap and no addition makes better, its cost, and how many steps that took.

    `stop` is asked before each step; when it says True, the choice so far is returned.
    """
    chosen, steps = chosen.copy(), 0
    while True:
        first, second, nearest = _two_nearest(cost, base, chosen)
        if stop():
            return chosen, float(first.sum()), steps
        gain = np.maximum(first[:, None] - cost, 0.0).sum(axis=0)
        tiny = _SAME * max(float(first.sum()), 1.0)
        if len(chosen) < wanted:
            column = int(gain.argmax())
            if gain[column] <= tiny:
                return chosen, float(first.sum()), steps
            chosen, steps = np.append(chosen, column), steps + 1
            continue
        if not len(chosen):
            return chosen, float(first.sum()), steps
        loss = np.bincount(nearest, second - first, len(chosen) + 1)[1:]
        back = np.maximum(second[:, None] - np.maximum(cost, first[:, None]), 0.0)
        group = np.zeros((len(chosen) + 1, len(cost)))
        group[nearest, np.arange(len(cost))] = 1.0
        profit = gain[None, :] - loss[:, None] + (group @ back)[1:]
        out, into = np.unravel_index(int(profit.argmax()), profit.shape)
        if profit[out, into] <= tiny:
            return chosen, float(first.sum()), steps
        chosen[out], steps = into, steps + 1


def _two_nearest(cost: Floats, base: Floats, chosen: Int64s) -> tuple[Floats, Floats, Int64s]:
    """Return the least and second least cost of each row, and who gives the least (0: the base, else position + 1)."""
    if not len(chosen):
        return base, base, np.zeros(len(base), dtype=np.int64)
    near = np.column_stack([base, cost[:, chosen]])
    nearest = near.argmin(axis=1)
    rows = np.arange(len(near))
    first = near[rows, nearest]
    near[rows, nearest] = np.inf
    return first, near.min(axis=1), nearest.astype(np.int64)


def _first_choices(search: _Search, wanted: int, seed: int) -> None:
    starts = [greedy(search.cost, search.base, wanted)]
    rng = np.random.default_rng(seed)
    starts += [np.sort(rng.permutation(search.cost.shape[1])[:wanted]) for _ in range(2)]
    for start in starts:
        _improve(search, start, wanted)


def _improve(search: _Search, start: Int64s, wanted: int) -> None:
    chosen, cost, steps = swapped(search.cost, search.base, start, wanted, search.stop)
    search.facts["swaps"] += steps
    search.offer(chosen, cost)


def _first_prices(search: _Search) -> Floats:
    """Return prices between the least and the second least cost of the best choice."""
    first, second, _ = _two_nearest(search.cost, search.base, search.chosen)
    prices: Floats = (first + np.minimum(second, 2 * first + 1)) / 2
    return prices


def _relaxed(search: _Search, part: _Part, prices: Floats, most_steps: int) -> tuple[float, Floats, _Part, Floats]:
    """Return the best bound of a part, its prices, the part without what is decided, and how often each was chosen."""
    bound, kept, step, since = -np.inf, prices, 1.0, 0
    cost, share, before = search.cost[:, part.free], np.zeros(len(part.free)), np.zeros(len(prices))
    for _ in range(most_steps):
        search.facts["steps"] += 1
        prices = np.minimum(prices, part.base)
        below = cost < prices[:, None]
        worth = np.where(below, cost - prices[:, None], 0.0).sum(axis=0)
        order = np.argsort(worth, kind="stable")
        picked = order[: part.wanted]
        value = float(prices.sum() + worth[picked].sum())
        share *= 0.9
        share[picked] += 0.1
        _offer_choice(search, part, picked)
        since += 1
        if value > bound + _SAME * abs(bound) if np.isfinite(bound) else True:
            bound, kept, since = value, prices, 0
            keep, part = _fixed(search, part, worth, order, value)
            if len(keep) < cost.shape[1]:
                cost, share, below, picked = cost[:, keep], share[keep], below[:, keep], _renumbered(picked, keep)
        if search.enough(bound) or part.wanted == 0 or not len(part.free) or search.stop():
            break
        if since >= _PATIENCE:
            step, since, prices = step / 2, 0, kept
            if step < _SHORTEST:
                break
        slope = 1.0 - below[:, picked].sum(axis=1) - (part.base <= prices)
        way = slope + 0.4 * before
        before, size = way, float(way @ way)
        if size < 1e-12:
            break
        prices = prices + step * max(search.best - value, _SAME * search.best) / size * way
    return max(bound, _settled(search, part)), kept, part, share


def _renumbered(picked: Int64s, keep: Int64s) -> Int64s:
    return np.flatnonzero(np.isin(keep, picked))


def _settled(search: _Search, part: _Part) -> float:
    """Return the cost of a part in which nothing is left to decide (offering it), else no bound at all."""
    if part.wanted and len(part.free):
        return -np.inf
    total = float(part.base.sum())
    search.offer(np.array(part.taken, dtype=np.int64), total)
    return total


def _offer_choice(search: _Search, part: _Part, picked: Int64s) -> None:
    """Take what the relaxation has chosen, and improve it by swapping where that may make it the best."""
    columns = part.free[picked]
    choice = np.append(np.array(part.taken, dtype=np.int64), columns)
    total = float(np.minimum(part.base, search.cost[:, columns].min(axis=1, initial=np.inf)).sum())
    if search.best < total < search.best * _WORTH_A_TRY and search.tries < _TRIES:
        search.tries += 1
        _improve(search, choice, len(choice))
    search.offer(choice, total)


def _fixed(search: _Search, part: _Part, worth: Floats, order: Int64s, value: float) -> tuple[Int64s, _Part]:
    """Return which free columns stay, and the part without those that reduced costs decide."""
    everything = np.arange(len(part.free))
    if part.wanted >= len(part.free):
        return everything, part
    last_in, first_out = worth[order[part.wanted - 1]], worth[order[part.wanted]]
    limit = search.best + _SAME * abs(search.best)
    inside = np.zeros(len(part.free), dtype=np.bool_)
    inside[order[: part.wanted]] = True
    never = ~inside & (value + worth - last_in > limit)
    always = inside & (value - worth + first_out > limit)
    if not (never.any() or always.any()):
        return everything, part
    keep = np.flatnonzero(~never & ~always)
    taken = part.free[always]
    base = np.minimum(part.base, search.cost[:, taken].min(axis=1, initial=np.inf))
    rest = _Part(base, part.free[keep], (*part.taken, *taken.tolist()), part.wanted - len(taken))
    return keep, rest


def _branched(search: _Search, root: tuple[float, Floats, _Part, Floats], target_gap: float) -> float:
    """Return the least bound of all parts, after branching on the site that is least decided."""
    heap: list[tuple[float, int, Floats, _Part, Floats]] = [(root[0], 0, *root[1:])]
    number = 0
    while heap and not search.enough(heap[0][0] + target_gap * abs(search.best)) and not search.stop():
        _, _, prices, part, share = heapq.heappop(heap)
        search.facts["branches"] += 1
        for child in _children(search, part, share):
            number += 1
            bound, child_prices, rest, child_share = _relaxed(search, child, prices, _NODE_STEPS)
            if not search.enough(bound):
                heapq.heappush(heap, (bound, number, child_prices, rest, child_share))
    return heap[0][0] if heap else search.best


def _children(search: _Search, part: _Part, share: Floats) -> tuple[_Part, _Part]:
    position = int(np.abs(share - 0.5).argmin())
    column = int(part.free[position])
    free = np.delete(part.free, position)
    base = np.minimum(part.base, search.cost[:, column])
    return (
        _Part(base, free, (*part.taken, column), part.wanted - 1),
        _Part(part.base, free, part.taken, part.wanted),
    )
