"""Tours: in which order workers with several tasks do them, within time windows, and how far that can be from the best.

OR-tools' routing finds the tours; the bound is ours. It relaxes the question to "every task is entered once": from one
worker's start or from one other task, each left at most once, or not done at all. Without the condition that these
steps form tours, and that times add up along them, the cheapest choice is an assignment problem, solved exactly
(`gridgov.dispatch.matching`); no set of tours can cost less. Steps that a window already rules out are left out of it.
A few tasks need neither: all their orders are looked at (`gridgov.dispatch.few_stops`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch import few_stops
from gridgov.dispatch.matching import Costs, bound, match
from gridgov.errors import ParameterError
from gridgov.network.validation import Int64s

if TYPE_CHECKING:
    from ortools.constraint_solver import pywrapcp

HORIZON_MS = 86_400_000
_NO_WAY = 4 * HORIZON_MS


@dataclass(frozen=True, slots=True)
class Stop:
    """One task.

    Attributes
    ----------
    incident_id : str
    service_ms : int
        How long the work takes.
    earliest_ms, latest_ms : int
        When the work may begin, from now on; who comes earlier waits.
    """

    incident_id: str
    service_ms: int = 900_000
    earliest_ms: int = 0
    latest_ms: int = HORIZON_MS

    def __post_init__(self) -> None:
        if not 0 <= self.earliest_ms <= self.latest_ms <= HORIZON_MS:
            raise ParameterError(
                f"incident {self.incident_id} may begin from {self.earliest_ms} to {self.latest_ms} ms: "
                f"the window is empty or not within 0 … {HORIZON_MS}"
            )
        if not 0 <= self.service_ms <= HORIZON_MS:
            raise ParameterError(f"incident {self.incident_id} takes {self.service_ms} ms; give 0 … {HORIZON_MS}")


@dataclass(frozen=True)
class TourProblem:
    """What tours are planned for.

    Attributes
    ----------
    stops : tuple of Stop, n
    start_ms : int64 array, shape (workers, n)
        From where each worker is to each task, by the worker's own mode; -1: no way.
    between_ms : int64 array, shape (modes, n, n)
        From task to task by each mode; -1: no way.
    mode : int64 array, shape (workers,)
        Row of `between_ms`.
    may : bool array, shape (workers, n)
        Who has the skills.
    end_ms : int64 array, shape (workers,)
        When the shift ends: the last work must be done by then.
    """

    stops: tuple[Stop, ...]
    start_ms: Int64s
    between_ms: Int64s
    mode: Int64s
    may: NDArray[np.bool_]
    end_ms: Int64s

    def __post_init__(self) -> None:
        n, workers, modes = len(self.stops), len(self.mode), len(self.between_ms)
        wanted = {"start_ms": (workers, n), "between_ms": (modes, n, n), "may": (workers, n), "end_ms": (workers,)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ParameterError(f"{name} has the shape {getattr(self, name).shape} where {shape} is needed")
        if workers and not (self.mode.min() >= 0 and self.mode.max() < modes):
            raise ParameterError(f"mode holds {self.mode.max()}; there are times for {modes} modes")


@dataclass(frozen=True, slots=True)
class Visit:
    """One task of a tour; times in milliseconds from now."""

    incident_id: str
    travel_ms: int
    arrive_ms: int
    begin_ms: int
    done_ms: int


@dataclass(frozen=True)
class Tours:
    """Tours of all workers.

    Attributes
    ----------
    visits : tuple of tuples of Visit
        One for each worker, in order; empty where the worker has nothing to do.
    left_out : tuple of (incident id, reason)
        ``nobody_reaches``: no worker who may take it comes there along the roads, not even over other tasks;
        ``nobody_in_time``: none could begin within the window even without other tasks; ``no_room``.
    cost, lower_bound : int
        Travel times, and `unserved_ms` for each task left out; no tours cost less than the bound.
    out_of_time : bool
        The search was stopped by the clock: another machine may find other tours. Else they are the same everywhere.
    """

    visits: tuple[tuple[Visit, ...], ...]
    left_out: tuple[tuple[str, str], ...]
    travel_ms: int
    cost: int
    lower_bound: int
    out_of_time: bool

    @property
    def gap(self) -> float:
        """How much dearer than the best the tours can be at most, as a share of their cost."""
        return 0.0 if self.cost == 0 else (self.cost - self.lower_bound) / self.cost


def plan_tours(
    problem: TourProblem, *, unserved_ms: int = 14_400_000, steps: int = 20_000, time_limit_s: float = 10.0
) -> Tours:
    """Find tours with little travel that serve as many tasks as pays; the best there are for a few tasks.

    Parameters
    ----------
    problem : TourProblem
    unserved_ms : int
        What leaving a task costs.
    steps : int
        How many changes of the tours the search may try in vain: its usual end, the same on every machine. It also
        ends when the bound is reached.
    time_limit_s : float
        Its latest end.

    Returns
    -------
    Tours
    """
    if not (time_limit_s > 0 and steps >= 1 and unserved_ms >= 0):
        raise ParameterError("give a time limit above 0, one step or more, and a cost from 0 on for leaving a task")
    least = lower_bound(problem, unserved_ms)
    if not problem.stops or not len(problem.mode):
        return _tours(problem, [[] for _ in problem.mode], unserved_ms, least, out_of_time=False)
    if len(problem.stops) <= few_stops.MOST_STOPS:
        best = _tours(problem, few_stops.best_orders(problem, unserved_ms), unserved_ms, least, out_of_time=False)
        return replace(best, lower_bound=best.cost)
    orders, out_of_time = _search(problem, (unserved_ms, least), steps, time_limit_s)
    return _tours(problem, orders, unserved_ms, least, out_of_time=out_of_time)


def lower_bound(problem: TourProblem, unserved_ms: int) -> int:
    """Return what no tours cost less than: the cheapest way to enter every task once."""
    n, workers = len(problem.stops), len(problem.mode)
    if n == 0:
        return 0
    enter = np.full((n, n + workers), _NO_WAY)  # from every task, and from every worker's start
    enter[:, n:] = np.where(_in_time_from_start(problem), problem.start_ms, _NO_WAY).T
    enter[:, :n] = _least_between(problem).T
    rows, columns = np.nonzero(enter < unserved_ms)
    cost = np.concatenate([enter[rows, columns], np.full(n, unserved_ms)])
    row, column = np.concatenate([rows, np.arange(n)]), np.concatenate([columns, n + workers + np.arange(n)])
    order = np.lexsort((cost, row))
    first = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)
    return bound(match(Costs(first, column[order].astype(np.int64), cost[order], 2 * n + workers)))


def _in_time_from_start(problem: TourProblem) -> NDArray[np.bool_]:
    latest = np.array([stop.latest_ms for stop in problem.stops])
    begin = np.maximum(problem.start_ms, [stop.earliest_ms for stop in problem.stops])
    done = begin + np.array([stop.service_ms for stop in problem.stops])
    in_time: NDArray[np.bool_] = (begin <= latest) & (done <= problem.end_ms[:, None])
    return problem.may & (problem.start_ms >= 0) & in_time


def _least_between(problem: TourProblem) -> Int64s:
    """Return the least time from task to task of any worker who may do both and can be in time."""
    n = len(problem.stops)
    least = np.full((n, n), _NO_WAY, dtype=np.int64)
    ready = np.array([stop.earliest_ms + stop.service_ms for stop in problem.stops])
    latest = np.array([stop.latest_ms for stop in problem.stops])
    for mode in np.unique(problem.mode):
        may = problem.may[problem.mode == mode].astype(np.int64)
        times = problem.between_ms[mode]
        usable = (times >= 0) & (may.T @ may > 0) & (ready[:, None] + times <= latest)
        least = np.where(usable, np.minimum(least, times), least)
    np.fill_diagonal(least, _NO_WAY)
    return least


def _search(
    problem: TourProblem, costs: tuple[int, int], steps: int, time_limit_s: float
) -> tuple[list[list[int]], bool]:
    """Return the tasks of each worker in order, and whether the clock ended the search."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2  # noqa: PLC0415  # slow to import

    unserved_ms, least = costs
    n, workers = len(problem.stops), len(problem.mode)
    starts, end = [n + worker for worker in range(workers)], n + workers
    manager = pywrapcp.RoutingIndexManager(end + 1, workers, starts, [end] * workers)
    routing = pywrapcp.RoutingModel(manager)
    _add_costs(problem, routing)
    _add_windows(problem, manager, routing)
    for stop in range(n):
        index = manager.NodeToIndex(stop)
        routing.AddDisjunction([index], unserved_ms)
        allowed = np.flatnonzero(problem.may[:, stop]).tolist()
        routing.VehicleVar(index).SetValues([-1, *allowed])
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    routing.AddSearchMonitor(routing.solver().FailuresLimit(steps))
    routing.AddAtSolutionCallback(lambda: _stop_at_bound(routing, least))
    parameters.time_limit.FromMilliseconds(max(1, round(time_limit_s * 1000)))
    found = routing.SolveWithParameters(parameters)
    ended_by_clock = routing.solver().WallTime() >= time_limit_s * 1000
    if found is None:
        return [[] for _ in range(workers)], ended_by_clock
    return [_order(manager, routing, found, worker) for worker in range(workers)], ended_by_clock


def _stop_at_bound(routing: pywrapcp.RoutingModel, least: int) -> None:
    if routing.CostVar().Min() <= least:
        routing.solver().FinishCurrentSearch()


def _order(manager: Any, routing: pywrapcp.RoutingModel, found: Any, worker: int) -> list[int]:
    index, order = found.Value(routing.NextVar(routing.Start(worker))), []
    while not routing.IsEnd(index):
        order.append(manager.IndexToNode(index))
        index = found.Value(routing.NextVar(index))
    return order


def _add_costs(problem: TourProblem, routing: pywrapcp.RoutingModel) -> None:
    for mode in np.unique(problem.mode).tolist():
        evaluator = routing.RegisterTransitMatrix(_table(problem, mode, 0).tolist())
        for worker in np.flatnonzero(problem.mode == mode).tolist():
            routing.SetArcCostEvaluatorOfVehicle(evaluator, worker)


def _add_windows(problem: TourProblem, manager: Any, routing: pywrapcp.RoutingModel) -> None:
    service = np.array([stop.service_ms for stop in problem.stops])
    by_mode = {
        mode: routing.RegisterTransitMatrix(_table(problem, mode, service).tolist())
        for mode in np.unique(problem.mode).tolist()
    }
    evaluators = [by_mode[mode] for mode in problem.mode.tolist()]
    longest = 2 * HORIZON_MS
    routing.AddDimensionWithVehicleTransits(evaluators, longest, longest, True, "time")
    time = routing.GetDimensionOrDie("time")
    for row, stop in enumerate(problem.stops):
        time.CumulVar(manager.NodeToIndex(row)).SetRange(stop.earliest_ms, stop.latest_ms)
    for worker, end in enumerate(problem.end_ms.tolist()):
        time.CumulVar(routing.End(worker)).SetMax(min(end, longest))


def _table(problem: TourProblem, mode: int, service: Int64s | int) -> Int64s:
    """Return the times between all nodes of a mode: tasks, starts, and the end, which costs nothing to get to."""
    n, workers = len(problem.stops), len(problem.mode)
    table = np.full((n + workers + 1, n + workers + 1), _NO_WAY, dtype=np.int64)
    table[:n, :n] = np.where(problem.between_ms[mode] >= 0, problem.between_ms[mode], _NO_WAY)
    table[n : n + workers, :n] = np.where(problem.start_ms >= 0, problem.start_ms, _NO_WAY)
    table[:, -1] = 0
    table[:n] += np.reshape(service, (-1, 1))
    np.fill_diagonal(table, 0)
    return table


def _tours(
    problem: TourProblem, orders: Sequence[Sequence[int]], unserved_ms: int, least: int, *, out_of_time: bool
) -> Tours:
    visits = tuple(_visits(problem, worker, order) for worker, order in enumerate(orders))
    done = {visit.incident_id for tour in visits for visit in tour}
    directly, reached = (problem.may & (problem.start_ms >= 0)).any(axis=0), _reached(problem).any(axis=0)
    too_late = directly & ~_in_time_from_start(problem).any(axis=0)
    reason = np.select([~reached, too_late], ["nobody_reaches", "nobody_in_time"], "no_room")
    left_out = tuple(
        (stop.incident_id, str(reason[row])) for row, stop in enumerate(problem.stops) if stop.incident_id not in done
    )
    travel_ms = sum(visit.travel_ms for tour in visits for visit in tour)
    return Tours(visits, left_out, travel_ms, travel_ms + unserved_ms * len(left_out), least, out_of_time)


def _reached(problem: TourProblem) -> NDArray[np.bool_]:
    """Return who may take which task and comes there along the roads, at once or over other tasks of theirs."""
    reached: NDArray[np.bool_] = problem.may & (problem.start_ms >= 0)
    for mode in np.unique(problem.mode):
        own, ways = problem.mode == mode, (problem.between_ms[mode] >= 0).astype(np.int64)
        for _ in problem.stops:
            more = problem.may[own] & (reached[own].astype(np.int64) @ ways > 0) & ~reached[own]
            if not more.any():
                break
            reached[own] |= more
    return reached


def _visits(problem: TourProblem, worker: int, order: Sequence[int]) -> tuple[Visit, ...]:
    """Return the times of a tour, worked out again from the travel times."""
    now, at, visits = 0, -1, []
    for row in order:
        stop = problem.stops[row]
        travel = problem.start_ms[worker, row] if at < 0 else problem.between_ms[problem.mode[worker], at, row]
        arrive = now + int(travel)
        begin = max(arrive, stop.earliest_ms)
        if travel < 0 or begin > stop.latest_ms or begin + stop.service_ms > problem.end_ms[worker]:
            raise AssertionError(f"the solver's tour of worker {worker} breaks a window at {stop.incident_id}")
        now, at = begin + stop.service_ms, row
        visits.append(Visit(stop.incident_id, int(travel), arrive, begin, now))
    return tuple(visits)
