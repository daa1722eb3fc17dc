"""Tours of a few tasks, the best there are: every order of every choice of them is looked at.

A search by small changes can end beside the best tours where hardly any order is possible at all, which is where few
tasks with narrow windows lead; so few that all orders can be looked at, they need no search. For each worker the
cheapest order of each set of tasks is kept, and the workers then share the tasks out set by set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gridgov.dispatch.sequencing import TourProblem

MOST_STOPS = 5
Choice = tuple[int, tuple[tuple[int, tuple[int, ...]], ...]]
"""What some tasks cost, and who does which of them in which order."""


def best_orders(problem: TourProblem, unserved_ms: int) -> list[list[int]]:
    """Return the tasks of each worker in order, so that no tours cost less; the same for the same question.

    Parameters
    ----------
    problem : TourProblem
        With few tasks: five have 326 orders for each worker.
    unserved_ms : int
        What leaving a task costs.
    """
    shared: dict[int, Choice] = {0: (0, ())}  # sets of tasks as bits
    for worker in range(len(problem.mode)):
        own = _cheapest(problem, worker)
        for done, (cost, who) in list(shared.items()):
            for tasks, (more, order) in own.items():
                known = shared.get(done | tasks)
                if not done & tasks and (known is None or cost + more < known[0]):
                    shared[done | tasks] = (cost + more, (*who, (worker, order)))
    best = min(shared, key=lambda tasks: (shared[tasks][0] - unserved_ms * tasks.bit_count(), tasks))
    orders: list[list[int]] = [[] for _ in problem.mode]
    for worker, order in shared[best][1]:
        orders[worker] = list(order)
    return orders


def _cheapest(problem: TourProblem, worker: int) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Return the least travel time, and the order, of every set of tasks that a worker can do."""
    start, between = problem.start_ms[worker].tolist(), problem.between_ms[problem.mode[worker]].tolist()
    may, end = problem.may[worker].tolist(), int(problem.end_ms[worker])
    found: dict[int, tuple[int, tuple[int, ...]]] = {}
    begun: list[tuple[int, int, int, tuple[int, ...]]] = [(0, 0, 0, ())]  # tasks, travel so far, time, order
    while begun:
        done, cost, now, order = begun.pop()
        for row, stop in enumerate(problem.stops):
            travel = between[order[-1]][row] if order else start[row]
            begin = max(now + travel, stop.earliest_ms)
            ready = begin + stop.service_ms
            if done >> row & 1 or not may[row] or travel < 0 or begin > stop.latest_ms or ready > end:
                continue
            tasks, total, longer = done | 1 << row, cost + travel, (*order, row)
            if tasks not in found or total < found[tasks][0]:
                found[tasks] = (total, longer)
            begun.append((tasks, total, ready, longer))
    return found
