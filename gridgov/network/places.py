"""Places on a road network: a node, or a point on an edge; how many milliseconds it is from a place to its nodes.

A place on an edge lies on everything that shares the edge's line on the ground: a place on a two-way street serves
both directions. The milliseconds of an edge are split in whole numbers, ``before = round(fraction * w)`` and
``w - before``, so that every engine gets the same answer bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.network import kernels
from gridgov.network.validation import CLOSED, Floats, Int64s, measures, node_ids
from gridgov.network.validation import edge_ids as valid_edge_ids

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


@dataclass(frozen=True, slots=True)
class Place:
    """One place on a road network.

    Attributes
    ----------
    node : int
        Road node, or -1 where the place lies on an edge.
    edge : int
        Edge on whose line the place lies, or -1 where it is a node.
    fraction : float
        Share of the edge's length before the place, from the edge's tail on.
    lon, lat : float
        The place itself, degrees; NaN on a network without coordinates.
    distance_m : float
        Great-circle metres from the point that was asked for to the place; 0 where none was.
    """

    node: int
    edge: int = -1
    fraction: float = 0.0
    lon: float = float("nan")
    lat: float = float("nan")
    distance_m: float = 0.0


class Places(Sequence[Place]):
    """Many places as columns; `places[3]` is a `Place`, `places[[3, 5]]` or `places[mask]` are `Places`.

    Attributes
    ----------
    node, edge : int64 arrays, shape (n,)
    fraction, lon, lat, distance_m : float64 arrays, shape (n,)
        See `Place`.
    """

    __slots__ = ("distance_m", "edge", "fraction", "lat", "lon", "node")

    def __init__(
        self, node: Int64s, edge: Int64s, fraction: Floats, lon: Floats, lat: Floats, distance_m: Floats
    ) -> None:
        self.node, self.edge, self.fraction = node, edge, fraction
        self.lon, self.lat, self.distance_m = lon, lat, distance_m

    def __len__(self) -> int:
        return len(self.node)

    @overload
    def __getitem__(self, which: int | np.integer[Any]) -> Place: ...
    @overload
    def __getitem__(self, which: slice | NDArray[Any] | list[int]) -> Places: ...
    def __getitem__(self, which: Any) -> Place | Places:
        if isinstance(which, int | np.integer):
            return Place(
                int(self.node[which]),
                int(self.edge[which]),
                float(self.fraction[which]),
                float(self.lon[which]),
                float(self.lat[which]),
                float(self.distance_m[which]),
            )
        return Places(*(getattr(self, name)[which] for name in _COLUMNS))

    def __iter__(self) -> Iterator[Place]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Places: {len(self)}, {int((self.edge >= 0).sum())} of them on edges>"


_COLUMNS = ("node", "edge", "fraction", "lon", "lat", "distance_m")

Location: TypeAlias = "int | np.integer[Any] | Place"
Locations: TypeAlias = "Location | ArrayLike | Sequence[Location] | Places"


class Attached(NamedTuple):
    """Places as the searches see them: rows of `kernels`, the position of each on its edge, and how many places."""

    table: Int64s
    positions: Floats
    n_places: int


def places_at(network: RoadNetwork, edge_ids: ArrayLike, fractions: ArrayLike) -> Places:
    """Return places at shares of edges; 0 and 1 are the edge's nodes.

    Raises
    ------
    ParameterError
        An edge does not exist, or a fraction lies outside 0 … 1.
    """
    edges = valid_edge_ids(edge_ids, "edges", network.n_edges)
    fraction = measures(fractions, "fractions", len(edges), minimum=0.0)
    if (fraction > 1.0).any():
        raise ParameterError(f"fractions holds {fraction.max()}; give shares of an edge from 0 to 1")
    node = np.where(fraction == 0.0, network.tail[edges], np.where(fraction == 1.0, network.head[edges], -1))
    points = np.array([network.point_on_edge(int(e), float(f)) for e, f in zip(edges, fraction, strict=True)])
    lon, lat = points.reshape(-1, 2).T.copy()
    at_node = node >= 0
    edges[at_node], fraction[at_node] = -1, 0.0
    return Places(node.astype(np.int64), edges, fraction, lon, lat, np.zeros(len(edges)))


def as_places(network: RoadNetwork, locations: Locations) -> Places:
    """Return node ids and places, alone or mixed, as `Places`.

    Raises
    ------
    ParameterError
        A node or edge does not exist, or an entry is neither a node id nor a place.
    """
    if isinstance(locations, Places):
        _check_places(network, locations)
        return locations
    if isinstance(locations, Place):
        return _check_places(network, _from_list(network, [locations]))
    array = np.atleast_1d(np.asarray(locations))
    if array.dtype == object and array.ndim == 1:
        return _check_places(network, _from_list(network, array.tolist()))
    return _of_nodes(network, node_ids(array, "the list of nodes", network.n_nodes))


def place_at(network: RoadNetwork, locations: Locations, position: int) -> Place:
    """Return one of the locations as a place."""
    if not isinstance(locations, list | tuple | Places | np.ndarray):
        locations = [locations] if isinstance(locations, Place) else np.atleast_1d(np.asarray(locations))
    one = locations[position]
    return one if isinstance(one, Place) else node_place(network, int(one))


def _of_nodes(network: RoadNetwork, nodes: Int64s) -> Places:
    nothing = np.zeros(len(nodes))
    lon = network.x[nodes] if network.x is not None else np.full(len(nodes), np.nan)
    lat = network.y[nodes] if network.y is not None else np.full(len(nodes), np.nan)
    return Places(nodes, np.full(len(nodes), -1, dtype=np.int64), nothing, lon, lat, nothing)


def _from_list(network: RoadNetwork, locations: Sequence[Any]) -> Places:
    rows = [one if isinstance(one, Place) else node_place(network, one) for one in locations]
    columns = {name: np.array([getattr(row, name) for row in rows]) for name in _COLUMNS}
    return Places(**columns)


def node_place(network: RoadNetwork, node: Any) -> Place:
    """Return a node as a place."""
    if isinstance(node, bool | np.bool_) or not isinstance(node, int | np.integer):
        raise ParameterError(f"{node!r} is neither a node id nor a place; use a whole number or network.snap(lon, lat)")
    if not 0 <= node < network.n_nodes:
        raise ParameterError(f"node {node} does not exist (ids go from 0 to {network.n_nodes - 1})")
    if network.x is None or network.y is None:
        return Place(int(node))
    return Place(int(node), lon=float(network.x[node]), lat=float(network.y[node]))


def _check_places(network: RoadNetwork, places: Places) -> Places:
    on_edge = places.edge >= 0
    ids = np.where(on_edge, places.edge, places.node)
    limit = np.where(on_edge, network.n_edges, network.n_nodes)
    if ((ids < 0) | (ids >= limit)).any():
        raise ParameterError("a place does not lie on this network; snap it to the network that is searched")
    return places


def attach(network: RoadNetwork, locations: Locations, *, leaving: bool) -> Attached:
    """Return how places meet the nodes of a network.

    Parameters
    ----------
    network : RoadNetwork
    locations : node ids, places, or both
    leaving : bool
        Trips start at these places (else they end there).
    """
    if isinstance(locations, (int, np.integer)) and not isinstance(locations, bool):
        return _attach_node(network, int(locations))
    if isinstance(locations, np.ndarray) and locations.dtype.kind in "iu":
        return attached_nodes(node_ids(locations, "the list of nodes", network.n_nodes))
    places = as_places(network, locations)
    on_edge, at_node = np.flatnonzero(places.edge >= 0), np.flatnonzero(places.edge < 0)
    if not len(on_edge):
        return _attach_nodes(places.node, at_node)
    topology = network.topology
    roads = (topology.tail, topology.head, network.travel_time_ms, CLOSED)
    edges, fractions = places.edge[on_edge], places.fraction[on_edge]
    table, positions = kernels.attach(edges, fractions, topology.streets, roads, leaving)
    table[:, kernels.OWNER] = on_edge[table[:, kernels.OWNER]]
    attached = Attached(table, positions, len(places))
    return _merged(attached, _attach_nodes(places.node[at_node], at_node)) if len(at_node) else attached


def _merged(one: Attached, other: Attached) -> Attached:
    """Return the attachments of both, in order of their owners."""
    table = np.concatenate([one.table, other.table])
    order = np.argsort(table[:, kernels.OWNER], kind="stable")
    return Attached(table[order], np.concatenate([one.positions, other.positions])[order], one.n_places)


def _attach_node(network: RoadNetwork, node: int) -> Attached:
    if not 0 <= node < network.n_nodes:
        raise ParameterError(f"node {node} does not exist (ids go from 0 to {network.n_nodes - 1})")
    return Attached(np.array([[0, node, 0, -1, -1, 0, -1]]), np.zeros(1), 1)


def attached_nodes(nodes: Int64s) -> Attached:
    """Return nodes that exist as the searches see them."""
    return _attach_nodes(nodes, np.arange(len(nodes)))


def _attach_nodes(nodes: Int64s, owners: NDArray[np.intp]) -> Attached:
    return Attached(kernels.attach_nodes(nodes, owners), np.zeros(len(nodes)), len(nodes))
