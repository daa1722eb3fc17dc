"""A route: the edges from one place to another, its line on the ground, and length and time of every piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gridgov.network.places import Place
from gridgov.network.validation import Floats, Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


@dataclass(frozen=True)
class Route:
    """A way along the roads.

    Attributes
    ----------
    nodes : tuple of int
        Road nodes passed, in order.
    edges : tuple of int
        Edges driven, in order; the first and the last perhaps in part.
    start, end : Place
    from_fraction, to_fraction : float64 arrays, shape (len(edges),)
        Which part of each edge is driven.
    """

    network: RoadNetwork = field(repr=False)
    nodes: tuple[int, ...]
    edges: tuple[int, ...]
    start: Place
    end: Place
    from_fraction: Floats = field(repr=False)
    to_fraction: Floats = field(repr=False)

    @cached_property
    def piece_travel_time_ms(self) -> Int64s:
        """Milliseconds on each edge; whole numbers that sum to `travel_time_ms`."""
        whole = self.network.travel_time_ms[list(self.edges)].astype(np.int64)
        return np.rint(self.to_fraction * whole).astype(np.int64) - np.rint(self.from_fraction * whole).astype(np.int64)

    @cached_property
    def piece_length_m(self) -> Floats:
        """Metres on each edge."""
        return np.asarray(self.network.length_m[list(self.edges)] * (self.to_fraction - self.from_fraction))

    @property
    def travel_time_ms(self) -> int:
        """Milliseconds on the way."""
        return int(self.piece_travel_time_ms.sum())

    @property
    def length_m(self) -> float:
        """Metres on the way."""
        return float(self.piece_length_m.sum())

    @cached_property
    def coordinates(self) -> Floats:
        """Longitude and latitude along the way, shape (n, 2), cut at start and end.

        At least two points, so that it always is a line; (0, 2) on a network without coordinates.
        """
        if self.network.topology.shape is None:
            return np.zeros((0, 2))
        ends = np.array([[self.start.lon, self.start.lat], [self.end.lon, self.end.lat]])
        line = np.concatenate([ends[:1], *(self.piece_coordinates(i) for i in range(len(self.edges))), ends[1:]])
        keep = np.append(True, (np.diff(line, axis=0) != 0).any(axis=1))
        return line[keep] if keep.sum() > 1 else ends

    def piece_coordinates(self, i: int) -> Floats:
        """Return the line of the part of edge i that is driven, shape (n, 2)."""
        line = self.network.edge_coordinates(self.edges[i])
        first, last = float(self.from_fraction[i]), float(self.to_fraction[i])
        if first == 0.0 and last == 1.0:
            return line
        along = self.network.shares(line)
        inner = line[(along > first) & (along < last)]
        cuts = [[np.interp(f, along, line[:, 0]), np.interp(f, along, line[:, 1])] for f in (first, last)]
        return np.concatenate([cuts[:1], inner, cuts[1:]])


def make_route(network: RoadNetwork, edges: Sequence[int], start: Place, end: Place, nodes: Sequence[int]) -> Route:
    """Return the route along edges that a search found between two places."""
    from_fraction, to_fraction = np.zeros(len(edges)), np.ones(len(edges))
    if edges and start.edge >= 0:
        from_fraction[0] = fraction_on(network, start, edges[0])
    if edges and end.edge >= 0:
        to_fraction[-1] = fraction_on(network, end, edges[-1])
    return Route(network, tuple(nodes), tuple(edges), start, end, from_fraction, to_fraction)


def fraction_on(network: RoadNetwork, place: Place, edge: int) -> float:
    """Return where a place lies on an edge of its street, as a share of that edge."""
    flipped = network.topology.streets.flipped
    return place.fraction if flipped[edge] == flipped[place.edge] else 1.0 - place.fraction
