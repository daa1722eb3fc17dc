"""The main part of a road network, within which everybody comes from everywhere to everywhere; who can get there.

A dead end that closures have cut off, an island, and a road that only leads out are not of it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gridgov.network import kernels
from gridgov.network.compiling import compiled
from gridgov.network.places import Locations, attach
from gridgov.network.reaching import Direction
from gridgov.network.validation import Int32s

if TYPE_CHECKING:
    from gridgov.network.overlay import SearchGraph
    from gridgov.network.road_network import RoadNetwork


class MainPart:
    """The largest part of a network in which each node reaches each other; of equal ones that of the first node.

    Attributes
    ----------
    inside : bool array, shape (n_nodes,)
        Nodes of the part.

    Notes
    -----
    Strongly connected components by Tarjan's algorithm (1972) without recursion, then searches by breadth.
    """

    def __init__(self, network: RoadNetwork) -> None:
        self._network = network
        graph = network.forward
        part = np.full(network.n_nodes, -1, dtype=np.int32)
        _strong_parts(graph.first_edge, graph.neighbour, part)
        sizes = np.bincount(part, minlength=1)
        largest = np.flatnonzero(sizes[part] == sizes.max())
        self.inside: NDArray[np.bool_] = part == (part[largest[0]] if len(largest) else 0)

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Nodes to which a way leads from the part."""
        return self._spread(self._network.forward)

    @cached_property
    def reaching(self) -> NDArray[np.bool_]:
        """Nodes from which a way leads to the part."""
        return self._spread(self._network.backward)

    def joins(self, places: Locations, direction: Direction) -> NDArray[np.bool_]:
        """Return which places a way leads to from the main part ("from"), or from which one leads there ("to").

        Raises
        ------
        ParameterError
            A place does not exist.
        """
        members = attach(self._network, places, leaving=direction == "to")
        nodes = self.reached if direction == "from" else self.reaching
        joined = np.zeros(members.n_places, dtype=np.bool_)
        joined[members.table[nodes[members.table[:, kernels.NODE]], kernels.OWNER]] = True
        return joined

    def _spread(self, graph: SearchGraph) -> NDArray[np.bool_]:
        found = np.zeros(self._network.n_nodes, dtype=np.bool_)
        if len(found):
            _mark_reached(graph.first_edge, graph.neighbour, int(self.inside.argmax()), found)
        return found


@compiled
def _mark_reached(first_edge: Int32s, neighbour: Int32s, start: int, found: NDArray[np.bool_]) -> None:
    """Mark every node to which edges lead from a node, and that node."""
    waiting = np.empty(len(found), np.int32)
    waiting[0], found[start], size = start, True, 1
    while size > 0:
        size -= 1
        node = waiting[size]
        for row in range(first_edge[node], first_edge[node + 1]):
            other = neighbour[row]
            if not found[other]:
                found[other] = True
                waiting[size] = other
                size += 1


@compiled
def _strong_parts(first_edge: Int32s, neighbour: Int32s, part: Int32s) -> None:
    """Number the strongly connected components; `part` comes with -1 and receives the number of each node's."""
    n = len(part)
    order = np.full(n, -1, np.int32)  # in which nodes are met
    low = np.empty(n, np.int32)  # the earliest node of the stack that is known to be reached
    row = first_edge[:-1].copy()  # the next edge to look at
    stack, path = np.empty(n, np.int32), np.empty(n, np.int32)
    met, held, parts = 0, 0, 0
    for root in range(n):
        if order[root] >= 0:
            continue
        path[0], depth = root, 1
        while depth > 0:
            node = path[depth - 1]
            if order[node] < 0:
                order[node] = low[node] = met
                met += 1
                stack[held] = node
                held += 1
            deeper = False
            while row[node] < first_edge[node + 1]:
                other = neighbour[row[node]]
                if order[other] < 0:
                    path[depth] = other
                    depth += 1
                    deeper = True
                    break
                if part[other] < 0:
                    low[node] = min(low[node], low[other])
                row[node] += 1
            if deeper:
                continue
            depth -= 1
            if low[node] == order[node]:
                member = np.int32(-1)
                while member != node:
                    held -= 1
                    member = stack[held]
                    part[member] = parts
                parts += 1
