"""Snapping: from a point anywhere to the nearest place on an edge that a travel mode may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.network.places import Places
from gridgov.network.topology import great_circle_m
from gridgov.network.validation import CLOSED, Floats, Int64s, decimal_numbers

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


class Snapper:
    """Finds the nearest point on the edges of a network view; one line for each street, whatever its directions."""

    def __init__(self, network: RoadNetwork) -> None:
        topology = network.topology
        if topology.shape is None:
            raise ParameterError("the network has no coordinates (x, y), so nothing can be snapped to it")
        self._topology = topology
        self._edges = _first_open_edges(network)
        if not len(self._edges):
            raise ParameterError(
                f"the network has no edge that mode '{network.mode}' may use, so nothing can be snapped to it"
            )
        self._scale = np.array(topology.metres_per_degree)
        self._lines = _lines(topology.shape.offsets, topology.shape.points * self._scale, self._edges)
        self._tree = shapely.STRtree(self._lines)

    def snap(self, lon: ArrayLike, lat: ArrayLike) -> Places:
        """Return the nearest place for each point, ties going to the smaller edge id.

        A point nearest to the end of an edge gives the node there. Which place is nearest is decided on the network's
        own flat scale, good in and around it; how far it is, is measured over the Earth, good from anywhere.
        """
        asked = _checked_points(lon, lat)
        points = shapely.points(asked * self._scale)
        which = self._nearest_lines(points)
        edges = self._edges[which]
        fraction = shapely.line_locate_point(self._lines[which], points, normalized=True)
        fraction = np.clip(np.nan_to_num(fraction), 0.0, 1.0)  # a line without length has no shares
        found = shapely.get_coordinates(shapely.line_interpolate_point(self._lines[which], fraction, normalized=True))
        return self._places(asked, edges, fraction, found / self._scale)

    def _nearest_lines(self, points: NDArray[np.object_]) -> NDArray[np.intp]:
        asked, lines = self._tree.query_nearest(points, all_matches=True)
        order = np.lexsort((lines, asked))  # lines stand in order of their edges' ids
        _, first = np.unique(asked[order], return_index=True)
        return np.asarray(lines[order][first], dtype=np.intp)

    def _places(self, asked: Floats, edges: Int64s, fraction: Floats, found: Floats) -> Places:
        topology = self._topology
        node = np.where(fraction <= 0.0, topology.tail[edges], np.where(fraction >= 1.0, topology.head[edges], -1))
        at_node = node >= 0
        if topology.x is not None and topology.y is not None:
            found[at_node] = np.column_stack([topology.x[node[at_node]], topology.y[node[at_node]]])
        return Places(
            node=node.astype(np.int64),
            edge=np.where(at_node, -1, edges),
            fraction=np.where(at_node, 0.0, fraction),
            lon=found[:, 0].copy(),
            lat=found[:, 1].copy(),
            distance_m=great_circle_m(asked, found),
        )


def _first_open_edges(network: RoadNetwork) -> Int64s:
    """Return for each street its first edge that the mode may use, in order of ids."""
    open_edges = np.flatnonzero(network.travel_time_ms != CLOSED)
    _, first = np.unique(network.topology.streets.street_of_edge[open_edges], return_index=True)
    return np.sort(open_edges[first]).astype(np.int64)


def _lines(offsets: Int64s, points: Floats, edges: Int64s) -> NDArray[np.object_]:
    count = offsets[edges + 1] - offsets[edges]
    line = np.repeat(np.arange(len(edges)), count)
    within = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(shapely.linestrings(points[offsets[edges][line] + within], indices=line))


def _checked_points(lon: ArrayLike, lat: ArrayLike) -> Floats:
    x, y = np.atleast_1d(decimal_numbers(lon, "lon")), np.atleast_1d(decimal_numbers(lat, "lat"))
    if x.shape != y.shape or x.ndim != 1:
        raise ParameterError(f"lon has the shape {x.shape} but lat {y.shape}; give one of each for every point")
    bad = ~((np.abs(x) <= 180.0) & (np.abs(y) <= 90.0))  # NaN is bad, too
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ParameterError(f"point {at} at {x[at]}, {y[at]} is not a longitude, latitude in degrees")
    return np.column_stack([x, y])
