"""Who cannot be saved at all: zones without a way, persons without a place; a plan and its bound hold for the rest."""

from __future__ import annotations

import numpy as np
from ortools.graph.python import max_flow

from gridgov.evacuation.instance import Instance
from gridgov.network.validation import Int64s

_ROUTE, _PLACE = "no_route", "no_place"


def split_off(instance: Instance) -> tuple[Instance, Instance, dict[str, Int64s]]:
    """Return the instance of those who have a place, that of those who have a route, and who has not.

    A zone that reaches no shelter has no route; of the others as many as possible get a place (maximum flow without
    regard to time), the rest has none. The last value holds the units of each zone by reason.
    """
    reach = _reaches_shelter(instance)
    lost = np.where(reach[instance.zone_node], 0, instance.units)
    placed = _placed(instance, instance.units - lost)
    unmet = {_ROUTE: lost, _PLACE: instance.units - lost - placed}
    return instance.with_units(placed), instance.with_units(instance.units - lost), unmet


def _reaches_shelter(instance: Instance) -> np.ndarray:
    """Return for each node whether a shelter can be reached."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415  # slow to import
    from scipy.sparse.csgraph import breadth_first_order  # noqa: PLC0415

    n = instance.n
    tail = np.concatenate([instance.head, np.full(len(instance.shelter_node), n)])
    head = np.concatenate([instance.tail, instance.shelter_node])
    graph = csr_matrix((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(n + 1, n + 1))
    reach = np.zeros(n + 1, dtype=np.bool_)
    reach[breadth_first_order(graph, n, return_predecessors=False)] = True
    return reach[:n]


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
