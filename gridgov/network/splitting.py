"""Places as real nodes: the same network with every place cut into its edges, for engines that know nodes only."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gridgov.network.places import Locations, Place, as_places
from gridgov.network.routes import fraction_on
from gridgov.network.validation import CLOSED, Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


class SplitNetwork(NamedTuple):
    """A plain list of open edges with places as nodes.

    `tail`, `head`, `travel_time_ms` (int64 arrays); `n_nodes`; `node_of_place` says which node each place has become.
    """

    tail: Int64s
    head: Int64s
    travel_time_ms: Int64s
    n_nodes: int
    node_of_place: Int64s


def split_at_places(network: RoadNetwork, locations: Locations) -> SplitNetwork:
    """Return the open edges of a network, cut at places, so that other engines can check times with places exactly.

    Parameters
    ----------
    network : RoadNetwork
    locations : node ids, places, or both
        A node stays what it is; every place on an edge becomes a node of its own.

    Notes
    -----
    Where two edges of the same direction share one line (a road that was drawn twice), a trip may change from one to
    the other at any place that was cut in, which can save a millisecond of rounding. Cut in only the two ends of a
    trip to check it exactly on such a network.
    """
    places = as_places(network, locations)
    node_of_place = places.node.copy()
    on_edge = np.flatnonzero(places.edge >= 0)
    node_of_place[on_edge] = network.n_nodes + np.arange(len(on_edge))
    cuts: dict[int, list[tuple[float, int]]] = {}
    for i in on_edge:
        for edge in _edges_under(network, places[int(i)]):
            cuts.setdefault(edge, []).append((fraction_on(network, places[int(i)], edge), int(node_of_place[i])))
    rows: list[tuple[int, int, int]] = []
    for edge in np.flatnonzero(network.travel_time_ms != CLOSED).tolist():
        rows.extend(_pieces(network, edge, sorted(cuts.get(edge, []))))
    tail, head, times = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return SplitNetwork(tail, head, times, network.n_nodes + len(on_edge), node_of_place)


def _edges_under(network: RoadNetwork, place: Place) -> list[int]:
    streets = network.topology.streets
    street = streets.street_of_edge[place.edge]
    return [
        int(e) for e in streets.edges_of_street[streets.first_of_street[street] : streets.first_of_street[street + 1]]
    ]


def _pieces(network: RoadNetwork, edge: int, cuts: list[tuple[float, int]]) -> list[tuple[int, int, int]]:
    """Return the parts of one edge; places at the very same point reach each other in both orders."""
    whole = int(network.travel_time_ms[edge])
    stops = [(0.0, int(network.tail[edge])), *cuts, (1.0, int(network.head[edge]))]
    passed = [0, *(int(np.rint(fraction * whole)) for fraction, _ in cuts), whole]
    pieces = [(u, v, passed[i + 1] - passed[i]) for i, ((_, u), (_, v)) in enumerate(pairwise(stops))]
    same = [(v, u, 0) for (f, u), (g, v) in pairwise(cuts) if f == g]
    return pieces + same
