"""The order in which nodes enter a hierarchy: what separates the network into halves comes last.

Nested dissection by inertial flow: nodes are sorted along a direction, the fewest edges between the first and the last
quarter are found as a flow, and the fewest nodes that touch these separate the two sides. Several directions are
tried; the sides are divided again in the same way. Beforehand nodes with one or two neighbours are taken out, which
costs nothing and leaves two thirds of a road network.

References
----------
A. Schild, C. Sommer, "On balanced separators in road networks", SEA 2015.
J. Dibbelt, B. Strasser, D. Wagner, "Customizable contraction hierarchies", arXiv 1402.0402.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from gridgov.errors import ParameterError
from gridgov.network import dissection_kernels as kernels
from gridgov.network.topology import Topology
from gridgov.network.validation import Floats, Int32s, Int64s, frozen, node_ids

DIRECTIONS = 8
"""How many directions cuts are tried along; twice as many take twice as long and save 2 % of the arcs."""


def node_order(topology: Topology, *, directions: int = DIRECTIONS) -> Int32s:
    """Return the nodes in a good order for a hierarchy; the same network always gives the same order.

    Parameters
    ----------
    topology : Topology
    directions : int
        How many directions to try at each cut.

    Returns
    -------
    int32 array, shape (n_nodes,)
        The least important node first.

    Notes
    -----
    Without coordinates the numbers of edges to far nodes stand in for them. That works, but worse, and takes longer.
    """
    first, neighbour = undirected(topology)
    x, y = _positions(topology, first, neighbour)
    cheap, degree = kernels.remove_cheap_nodes(first, neighbour)
    left = np.flatnonzero(degree >= 0)
    left_first, left_neighbour = _rows_left(first, neighbour, degree, left)
    angles = np.arange(directions) * np.pi / directions
    ordered = kernels.dissect(left_first, left_neighbour, x[left], y[left], angles)
    return cast("Int32s", frozen(np.concatenate([cheap, left[ordered].astype(np.int32)])))


def checked_order(order: ArrayLike, n_nodes: int) -> Int32s:
    """Return an order of nodes that holds each of them once.

    Raises
    ------
    ParameterError
        It does not.
    """
    nodes = node_ids(order, "the order", n_nodes)
    if len(nodes) != n_nodes or np.bincount(nodes, minlength=n_nodes).max(initial=0) > 1:
        raise ParameterError(f"an order must hold each of the {n_nodes} nodes once; this one belongs to other roads")
    return cast("Int32s", frozen(nodes.astype(np.int32)))


def undirected(topology: Topology) -> tuple[Int64s, Int32s]:
    """Return the neighbours of each node: no loops, parallel edges and both directions as one."""
    n = topology.n_nodes
    pairs = pairs_between(topology.tail, topology.head, n)
    low, high = np.divmod(pairs, max(n, 1))
    tail, head = np.concatenate([low, high]), np.concatenate([high, low])
    first = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=n), out=first[1:])
    return first, head[np.lexsort((head, tail))].astype(np.int32)


def pairs_between(tail: Int32s, head: Int32s, n: int) -> Int64s:
    """Return ``low * n + high`` of all two nodes with an edge between them, in order, each once."""
    apart = tail != head
    low, high = np.minimum(tail, head)[apart].astype(np.int64), np.maximum(tail, head)[apart]
    return np.unique(low * n + high)


def _rows_left(first: Int64s, neighbour: Int32s, degree: Int32s, left: Int64s) -> tuple[Int64s, Int32s]:
    """Return the graph of the nodes that are left, numbered anew."""
    number = np.full(len(degree), -1, dtype=np.int32)
    number[left] = np.arange(len(left))
    row = np.repeat(np.arange(len(degree)), np.diff(first))
    valid = np.arange(len(neighbour)) - first[row] < degree[row]
    left_first = np.zeros(len(left) + 1, dtype=np.int64)
    np.cumsum(degree[left], out=left_first[1:])
    return left_first, number[neighbour[valid]]


def _positions(topology: Topology, first: Int64s, neighbour: Int32s) -> tuple[Floats, Floats]:
    """Return positions on a plane: metres, or edges to far nodes where there are no coordinates."""
    if topology.x is not None and topology.y is not None:
        east, north = topology.metres_per_degree
        return topology.x * east, topology.y * north
    if not topology.n_nodes:
        return np.zeros(0), np.zeros(0)
    start = int(np.argmax(np.diff(first)))
    west = kernels.hops_from(first, neighbour, start)[1]
    from_west, east_end = kernels.hops_from(first, neighbour, west)
    from_east, _ = kernels.hops_from(first, neighbour, east_end)
    aside = int(np.argmax(np.minimum(from_west, from_east)))  # far from both
    from_aside, opposite = kernels.hops_from(first, neighbour, aside)
    from_opposite, _ = kernels.hops_from(first, neighbour, opposite)
    return (from_west - from_east).astype(np.float64), (from_aside - from_opposite).astype(np.float64)
