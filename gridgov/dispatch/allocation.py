"""The cheapest allocation of tasks to workers, over as few candidates as its proof allows.

Each task starts with its nearest few workers. The prices of the optimum over these say whether a worker who was not
looked at could still make it cheaper; for the tasks where that cannot be ruled out the list is made longer, until the
optimum over the lists is the optimum over everybody. The same holds for the comparison and for the margins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from gridgov.dispatch.matching import FAR, NOTHING, Costs, Margins, Matching, bound, margins, match
from gridgov.network.validation import Int64s

FIRST_CANDIDATES = 12
GROWTH = 4
COMPLETE = 2**62  # nobody else can come


class Found(NamedTuple):
    """Candidates of some tasks, one row each, in any order.

    worker, time_ms (rows, k); -1 where there is none. beyond_ms (rows,): nobody else takes less; `COMPLETE`: there is
    nobody else.
    """

    worker: Int64s
    time_ms: Int64s
    beyond_ms: Int64s


class CandidateSource(Protocol):
    """Where candidates come from."""

    def nearest(self, rows: Int64s, m: int) -> Found:
        """Return at least the m nearest workers of each task who may take it."""

    def pair_ms(self, row: int, worker: int) -> int:
        """Return the travel time of one worker to one task, -1 where it cannot be."""


@dataclass(frozen=True)
class Demand:
    """What is to be allocated.

    Attributes
    ----------
    weight, current : int64 arrays, shape (tasks,)
        Urgency; the worker who is under way already, -1 nobody.
    capacity : int64 array, shape (workers,)
        How many tasks a worker may take.
    forbidden : frozenset of (task, worker)
    unserved_ms, switch_ms, queue_ms, max_travel_ms : int
        What it costs, times the weight, to leave a task, to call somebody back from it, and to let it wait for one
        earlier task of the same worker; and the longest trip.
    """

    weight: Int64s
    current: Int64s
    capacity: Int64s
    forbidden: frozenset[tuple[int, int]] = frozenset()
    unserved_ms: int = 4 * 3_600_000
    switch_ms: int = 300_000
    queue_ms: int = 900_000
    max_travel_ms: int = 2 * 3_600_000


@dataclass(frozen=True)
class Allocation:
    """The cheapest allocation.

    Attributes
    ----------
    worker, time_ms, seat : int64 arrays, shape (tasks,)
        Who goes, how long it takes, and how many tasks this worker does before; -1: nobody goes.
    other, other_ms : int64 arrays
        Who goes in the best allocation in which `worker` does not; -1: nobody.
    margin : int64 array
        How much more that allocation costs; `FAR` where the task stays unserved either way.
    nearest, nearest_ms : int64 arrays
        The nearest who may go, -1 nobody.
    total, lower_bound : int
    greedy : int64 array
        Entry by entry the worker whom the usual way sends; -1 nobody.
    greedy_total, greedy_ms : int
        Its cost and its travel times.
    pairs : int
        How many pairs of task and worker were looked at.
    """

    worker: Int64s
    time_ms: Int64s
    seat: Int64s
    other: Int64s
    other_ms: Int64s
    margin: Int64s
    nearest: Int64s
    nearest_ms: Int64s
    total: int
    lower_bound: int
    greedy: Int64s
    greedy_total: int
    greedy_ms: int
    pairs: int


class _Entries(NamedTuple):
    """The costs, and for each entry its worker, seat and travel time (-1: unserved)."""

    costs: Costs
    worker: Int64s
    seat: Int64s
    time_ms: Int64s
    worker_of_column: Int64s
    beyond: Int64s


def allocate(source: CandidateSource, demand: Demand, *, first_candidates: int = FIRST_CANDIDATES) -> Allocation:
    """Return the cheapest allocation; deterministic, and the same however many candidates it begins with.

    Parameters
    ----------
    source : CandidateSource
    demand : Demand
    first_candidates : int
        How many workers each task begins with.
    """
    lists = _Lists(source, demand)
    rows = np.arange(len(demand.weight))
    lists.grow(rows, first_candidates)
    while True:
        entries = lists.entries()
        matching = match(entries.costs)
        doubtful = entries.beyond < matching.value
        if not doubtful.any():
            greedy, exhausted = _greedy(entries, demand)
            doubtful[exhausted] = True
        if not doubtful.any():
            margin = margins(entries.costs, matching, _groups(entries), entries.beyond)
            doubtful[margin.doubt[margin.doubt >= 0]] = True
            if not doubtful.any():
                return _allocation(entries, matching, margin, greedy, lists)
        lists.grow(np.flatnonzero(doubtful), GROWTH)


class _Lists:
    """The candidates of each task so far."""

    def __init__(self, source: CandidateSource, demand: Demand) -> None:
        self._source, self._demand = source, demand
        n = len(demand.weight)
        self.size = np.ones(n, dtype=np.int64)
        self.worker: list[Int64s] = [np.zeros(0, dtype=np.int64)] * n
        self.time_ms: list[Int64s] = [np.zeros(0, dtype=np.int64)] * n
        self.beyond_ms = np.zeros(n, dtype=np.int64)
        self._current_ms = np.full(n, -2, dtype=np.int64)  # -2: not asked yet
        self._barred: dict[int, list[int]] = {}
        for row, worker in demand.forbidden:
            self._barred.setdefault(row, []).append(worker)

    def grow(self, rows: Int64s, times: int) -> None:
        """Ask for more candidates of some tasks."""
        self.size[rows] *= times
        for size in np.unique(self.size[rows]):
            some = rows[self.size[rows] == size]
            found = self._source.nearest(some, int(size))
            for i, row in enumerate(some.tolist()):
                self._take(row, found.worker[i], found.time_ms[i], int(found.beyond_ms[i]))

    def _take(self, row: int, worker: Int64s, time_ms: Int64s, beyond_ms: int) -> None:
        demand = self._demand
        current = int(demand.current[row])
        if current >= 0:
            worker, time_ms = self._with_current(row, current, worker, time_ms)
        keep = (worker >= 0) & (time_ms >= 0) & (time_ms <= demand.max_travel_ms)
        if row in self._barred:
            keep &= ~np.isin(worker, self._barred[row])
        worker, time_ms = worker[keep], time_ms[keep]
        worker, time_ms = worker[demand.capacity[worker] > 0], time_ms[demand.capacity[worker] > 0]
        order = np.lexsort((worker, time_ms))
        self.worker[row], self.time_ms[row] = worker[order], time_ms[order]
        self.beyond_ms[row] = COMPLETE if beyond_ms > demand.max_travel_ms else beyond_ms

    def _with_current(self, row: int, current: int, worker: Int64s, time_ms: Int64s) -> tuple[Int64s, Int64s]:
        """Add who is under way already, however far away."""
        if (worker == current).any():
            return worker, time_ms
        if self._current_ms[row] == -2:
            self._current_ms[row] = self._source.pair_ms(row, current)
        return np.append(worker, current), np.append(time_ms, self._current_ms[row])

    def entries(self) -> _Entries:
        """Return the costs of every candidate on every seat, and of staying unserved.

        What costs more than staying unserved is left out: nobody would do it.
        """
        demand = self._demand
        n = len(demand.weight)
        of_task = np.repeat(np.arange(n), [len(workers) for workers in self.worker])
        candidate, travel_ms = _joined(self.worker), _joined(self.time_ms)
        switch = np.where(demand.current >= 0, demand.switch_ms, 0)
        unserved = demand.weight * (demand.unserved_ms + switch)
        seats = demand.capacity[candidate]
        entry = np.repeat(np.arange(len(candidate)), seats)
        seat = np.arange(len(entry)) - np.repeat(np.cumsum(seats) - seats, seats)
        row, worker, time_ms = of_task[entry], candidate[entry], travel_ms[entry]
        waiting = np.where(worker == demand.current[row], 0, switch[row]) + seat * demand.queue_ms
        cost = demand.weight[row] * (time_ms + waiting)
        pays = cost <= unserved[row]
        rows = (row[pays], worker[pays], seat[pays], time_ms[pays], cost[pays])
        complete = self.beyond_ms >= COMPLETE
        beyond = np.where(complete, FAR, demand.weight * (np.where(complete, 0, self.beyond_ms) + switch))
        return _entries(rows, unserved, demand.capacity, beyond)


def _entries(rows: tuple[Int64s, ...], unserved: Int64s, capacity: Int64s, beyond: Int64s) -> _Entries:
    """Return entries in order of row and cost, each row with its own column to stay unserved."""
    n = len(unserved)
    nobody = np.full(n, NOTHING, dtype=np.int64)
    ends = (np.arange(n), nobody, nobody, nobody, unserved)
    row, worker, seat, time_ms, cost = (np.concatenate(pair) for pair in zip(rows, ends, strict=True))
    order = np.lexsort((cost, row))
    known, compact = np.unique(rows[1], return_inverse=True)
    first_seat = np.concatenate([[0], np.cumsum(capacity[known])]).astype(np.int64)
    column = np.concatenate([first_seat[compact.reshape(-1)] + rows[2], first_seat[-1] + np.arange(n)])
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    costs = Costs(first, column[order], cost[order], int(first_seat[-1]) + n)
    worker_of_column = np.concatenate([np.repeat(known, capacity[known]), nobody])
    return _Entries(costs, worker[order], seat[order], time_ms[order], worker_of_column, beyond)


def _joined(parts: list[Int64s]) -> Int64s:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _groups(entries: _Entries) -> Int64s:
    """Return a number for each column: the same for all seats of a worker, its own for each way to stay unserved."""
    worker = entries.worker_of_column
    return np.where(worker >= 0, worker, -1 - np.arange(len(worker)))


def _greedy(entries: _Entries, demand: Demand) -> tuple[Int64s, list[int]]:
    """Return the entries of the usual way, and the tasks whose list is too short to say whom it would send."""
    costs = entries.costs
    taken = np.zeros(costs.n_columns, dtype=np.bool_)
    chosen = np.full(len(demand.weight), -1, dtype=np.int64)
    exhausted = []
    for row in np.argsort(-demand.weight, kind="stable").tolist():
        own = slice(costs.first[row], costs.first[row + 1])
        offered = np.where(taken[costs.column[own]], FAR, costs.cost[own])
        best = int(np.argmin(offered))
        if entries.beyond[row] < offered[best]:
            exhausted.append(row)
        chosen[row] = costs.first[row] + best
        taken[costs.column[chosen[row]]] = True
    return chosen, exhausted


def _allocation(entries: _Entries, matching: Matching, margin: Margins, greedy: Int64s, lists: _Lists) -> Allocation:
    entry, other = matching.entry, margin.other
    none = np.full(1, NOTHING, dtype=np.int64)
    worker, time_ms = np.append(entries.worker, none), np.append(entries.time_ms, none)  # so that -1 finds -1
    return Allocation(
        worker=entries.worker[entry],
        time_ms=entries.time_ms[entry],
        seat=entries.seat[entry],
        other=worker[other],
        other_ms=time_ms[other],
        margin=margin.margin,
        nearest=np.array([w[0] if len(w) else NOTHING for w in lists.worker], dtype=np.int64),
        nearest_ms=np.array([t[0] if len(t) else NOTHING for t in lists.time_ms], dtype=np.int64),
        total=matching.total,
        lower_bound=bound(matching),
        greedy=entries.worker[greedy],
        greedy_total=int(entries.costs.cost[greedy].sum()),
        greedy_ms=int(np.maximum(entries.time_ms[greedy], 0).sum()),
        pairs=sum(len(w) for w in lists.worker),
    )
