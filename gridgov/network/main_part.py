"""The main part of a road network, within which everybody comes from everywhere to everywhere; who can get there.

A dead end that closures have cut off, an island, and a road that only leads out are not of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from gridgov.network.places import Locations
from gridgov.network.reaching import Direction, reach

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


def main_part(network: RoadNetwork) -> NDArray[np.bool_]:
    """Return which nodes belong to the largest part in which each node reaches each other; of equal ones the first.

    Strongly connected components by Pearce's algorithm (scipy).
    """
    graph = network.forward
    ones = np.ones(len(graph.neighbour), dtype=np.int8)
    n = network.n_nodes
    matrix = csr_matrix((ones, graph.neighbour, graph.first_edge), shape=(n, n))
    _, part = connected_components(matrix, directed=True, connection="strong")
    sizes = np.bincount(part, minlength=1)
    largest = np.flatnonzero(sizes[part] == sizes.max())
    inside: NDArray[np.bool_] = part == part[largest[0]] if n else np.zeros(0, dtype=np.bool_)
    return inside


def joined_to_main_part(network: RoadNetwork, places: Locations, direction: Direction) -> NDArray[np.bool_]:
    """Return which places a way leads to from the main part ("from"), or from which one leads there ("to").

    Raises
    ------
    ParameterError
        A place does not exist, or the direction has another name.
    """
    inside = main_part(network)
    if not inside.any():
        return np.zeros(0, dtype=np.bool_)
    time_ms, _ = reach(network, [int(inside.argmax())], direction=direction).times(places)
    return np.asarray(time_ms >= 0)
