"""Who cannot be saved at all: zones without a way, persons without a place; a plan and its bound hold for the rest."""

from __future__ import annotations

import numpy as np
from ortools.graph.python import max_flow

from gridgov.evacuation.instance import Bools, Instance
from gridgov.evacuation.problem import EvacuationProblem
from gridgov.network.validation import Int64s

_ROUTE, _PLACE = "no_route", "no_place"


def split_off(instance: Instance, problem: EvacuationProblem) -> tuple[Instance, Instance, dict[str, Int64s]]:
    """Return the instance of those who have a place, that of those who may have one in time, and who has not.

    A zone that reaches no shelter has no route, and none that reaches only shelters of 0 places has a place; of the
    others as many as possible get one (maximum flow without regard to time). Where there is no shelter at all, no
    route has who lives where no road leads away. The last value holds the units of each zone by reason.
    """
    has_route, has_place = _has_route(instance, problem), _has_place(instance, problem)
    shut_in = np.where(has_route, 0, instance.units)
    reaching = np.where(has_place, instance.units, 0)
    placed = _placed(instance, reaching)
    unmet = {_ROUTE: shut_in, _PLACE: instance.units - shut_in - placed}
    return instance.with_units(placed), instance.with_units(reaching), unmet


def without_a_place(instance: Instance, problem: EvacuationProblem) -> Int64s:
    """Return the units of each zone that reaches shelters, but only such without places."""
    return np.where(_has_route(instance, problem) & ~_has_place(instance, problem), instance.units, 0)


def _has_route(instance: Instance, problem: EvacuationProblem) -> Bools:
    """Return for each zone whether roads lead to a shelter, however many places it has, or away if there is none."""
    if len(problem.shelter_node):
        return _reaches(instance, problem, problem.shelter_node)
    usable = (problem.capacity_vph > 0) & (problem.tail != problem.head)
    return np.isin(problem.zone_node[instance.zone], problem.tail[usable])


def _has_place(instance: Instance, problem: EvacuationProblem) -> Bools:
    return _reaches(instance, problem, problem.shelter_node[instance.shelter])


def _reaches(instance: Instance, problem: EvacuationProblem, goals: Int64s) -> Bools:
    """Return for each zone of the instance whether roads lead to one of the goals."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415  # slow to import
    from scipy.sparse.csgraph import breadth_first_order  # noqa: PLC0415

    n, usable = problem.n_nodes, problem.capacity_vph > 0
    tail = np.concatenate([problem.head[usable], np.full(len(goals), n)])
    head = np.concatenate([problem.tail[usable], goals])
    graph = csr_matrix((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(n + 1, n + 1))
    reached = breadth_first_order(graph, n, return_predecessors=False)
    return np.isin(problem.zone_node[instance.zone], reached)


def _placed(instance: Instance, units: Int64s) -> Int64s:
    """Return how many units of each zone find a place at all."""
    n, zones, shelters = instance.n, len(instance.zone), len(instance.shelter)
    total = int(units.sum())
    if not total:
        return np.zeros(zones, dtype=np.int64)
    solver = max_flow.SimpleMaxFlow()
    arcs = solver.add_arcs_with_capacity(
        np.concatenate([np.full(zones, n), instance.tail, instance.shelter_node]),
        np.concatenate([instance.zone_node, instance.head, np.full(shelters, n + 1)]),
        np.concatenate([units, np.full(instance.m, total), instance.places]),
    )
    solver.solve(n, n + 1)
    return np.asarray(solver.flows(arcs[:zones]), dtype=np.int64)
