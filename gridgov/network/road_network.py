"""The road network: nodes, directed edges and integer milliseconds, immutable; scenarios are views of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.network.assembly import RoadDetails, make_topology
from gridgov.network.hierarchy import Hierarchy, Metric
from gridgov.network.matrix import travel_times
from gridgov.network.nearest import WorkerIndex
from gridgov.network.overlay import Overlay, SearchGraph
from gridgov.network.places import places_at
from gridgov.network.snapping import Snapper
from gridgov.network.topology import PreparedOnce, Topology
from gridgov.network.validation import CLOSED, Floats, Int32s, Int64s, edge_ids, frozen, measures

if TYPE_CHECKING:
    import geopandas as gpd
    import networkx as nx

    from gridgov.network.places import Locations, Place, Places
    from gridgov.network.planning import Engine

_FEW_EDGES = 0.1  # a view that changes a larger share of the edges is what later views are compared with


class RoadNetwork:
    """A directed road network with integer travel times, as one travel mode sees it.

    Nodes are 0 … n_nodes - 1, an edge's id is its position. Parallel edges, self loops, one-ways and times of 0 ms are
    kept. All arrays are read-only; `with_closures`, `with_speed_factor` and `for_mode` return views on the same nodes
    and edges and never change the network they come from.

    Attributes
    ----------
    mode : str
        Travel mode of this view.
    travel_time_ms : int32 array, shape (n_edges,)
        2**31 - 1 marks an edge that is closed, or that the mode may not use.
    topology : Topology
        What all views share.
    """

    def __init__(
        self, topology: Topology, mode: str, overlay: Overlay | None = None, *, anchor: RoadNetwork | None = None
    ) -> None:
        """Make a view; use `from_arrays`, `from_graph` or `load` to make a network.

        `anchor` is a view that this one differs little from.
        """
        self.topology = topology
        self.mode = mode
        self._overlay = overlay
        self._anchor = anchor
        self._changes_all = False
        self._differs_on: Int64s | None = None  # edges, as far as they are known, that differ from the anchor or base
        base = topology.mode_times_ms[mode]
        self.travel_time_ms = base if overlay is None else cast("Int32s", frozen(overlay.apply(base)))
        if overlay is None:
            topology.base_views.setdefault(mode, self)  # so that all views share what is made once, such as the snapper

    @classmethod
    def from_arrays(
        cls,
        tail: ArrayLike,
        head: ArrayLike,
        travel_time_ms: ArrayLike,
        capacity_vph: ArrayLike | None = None,
        x: ArrayLike | None = None,
        y: ArrayLike | None = None,
        **details: Unpack[RoadDetails],
    ) -> Self:
        """Make a network from one entry for each edge.

        Parameters
        ----------
        tail, head : array_like of int, shape (m,)
            Nodes where the edge starts and ends: positions 0 … n - 1, not ids of OpenStreetMap.
        travel_time_ms : array_like of int, shape (m,)
            Milliseconds from 0 on; 2**31 - 1 marks a closed edge.
        capacity_vph : array_like of float, shape (m,), optional
            Vehicles per hour.
        x, y : array_like of float, shape (n,), optional
            Longitude (-180 … 180) and latitude (-90 … 90) of the nodes, degrees WGS 84.
        **details
            See `RoadDetails`.

        Raises
        ------
        ParameterError
            Lengths differ, a node does not exist, ids leave absurd gaps, a time is negative or too large, coordinates
            are no degrees, …
        """
        return cls(
            make_topology(tail, head, travel_time_ms, capacity_vph, (x, y), details), details.get("mode", "drive")
        )

    @classmethod
    def from_graph(cls, graph: nx.MultiDiGraph) -> RoadNetwork:
        """Make a network from a street graph as OSMnx makes it; see `gridgov.network.graph`."""
        from gridgov.network.graph import network_from_graph  # noqa: PLC0415  # it imports this module

        return network_from_graph(graph)

    @classmethod
    def load(cls, path: Path | str) -> RoadNetwork:
        """Read a network that `save` wrote."""
        from gridgov.network.storage import load_network  # noqa: PLC0415  # it imports this module

        return load_network(Path(path))

    def save(self, path: Path | str) -> None:
        """Write the network with all its modes to one file; a view with closures or slow-downs is refused."""
        from gridgov.network.storage import save_network  # noqa: PLC0415  # it imports this module

        if self._overlay is not None:
            raise ParameterError(
                "a view with closures or changed speeds cannot be saved; save the network it comes from"
            )
        save_network(self.topology, self.mode, Path(path))

    def __repr__(self) -> str:
        closed = f", {int((self.travel_time_ms == CLOSED).sum())} edges closed" if self._overlay else ""
        return f"<RoadNetwork: {self.n_nodes} nodes, {self.n_edges} edges, {self.mode}{closed}>"

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.topology.n_nodes

    @property
    def n_edges(self) -> int:
        """Number of edges, closed ones included."""
        return self.topology.n_edges

    @property
    def tail(self) -> Int32s:
        """Node where each edge starts."""
        return self.topology.tail

    @property
    def head(self) -> Int32s:
        """Node where each edge ends."""
        return self.topology.head

    @property
    def x(self) -> Floats | None:
        """Longitude of each node, degrees; None where no coordinates were given."""
        return self.topology.x

    @property
    def y(self) -> Floats | None:
        """Latitude of each node, degrees."""
        return self.topology.y

    @property
    def capacity_vph(self) -> Floats | None:
        """Vehicles per hour of each edge, where given."""
        return self.topology.capacity_vph

    @property
    def length_m(self) -> Floats:
        """Metres of each edge; NaN on a network without coordinates and lengths."""
        return self.topology.length_m

    @property
    def modes(self) -> tuple[str, ...]:
        """Travel modes that the network has times for."""
        return tuple(self.topology.mode_times_ms)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the edges' lines, degrees."""
        shape = self.topology.shape
        if shape is None or not len(shape.points):
            raise ParameterError("the network has no coordinates (x, y), so it has no bounds")
        (west, south), (east, north) = shape.points.min(axis=0), shape.points.max(axis=0)
        return float(west), float(south), float(east), float(north)

    @cached_property
    def digest(self) -> str:
        """Fingerprint of nodes, edges, mode and times of this view: ``sha256:…``."""
        return self.topology.digest_with(self.mode, self.travel_time_ms)

    def street_name(self, edge: int) -> str:
        """Return the name of an edge's street, "" where it has none."""
        return _coded(self.topology.name_of_edge, self.topology.names, edge)

    def highway(self, edge: int) -> str:
        """Return OpenStreetMap's class of an edge's road, "" where unknown."""
        return _coded(self.topology.highway_of_edge, self.topology.highways, edge)

    def edge_coordinates(self, edge: int) -> Floats:
        """Return the line of an edge from tail to head, rows of longitude and latitude; no rows without coordinates."""
        shape = self.topology.shape
        if not 0 <= edge < self.n_edges:
            raise ParameterError(f"edge {edge} does not exist (ids go from 0 to {self.n_edges - 1})")
        if shape is None:
            return np.zeros((0, 2))
        return shape.points[shape.offsets[edge] : shape.offsets[edge + 1]]

    def to_frame(self, *, collapse_twins: bool = True) -> gpd.GeoDataFrame:
        """Return the edges as a frame for drawing; see `gridgov.network.frames.edges_frame`."""
        from gridgov.network.frames import edges_frame  # noqa: PLC0415  # geopandas is slow to import

        return edges_frame(self, collapse_twins=collapse_twins)

    def for_mode(self, mode: str) -> RoadNetwork:
        """Return the view of another travel mode, on the same nodes and edges; closures and slow-downs stay.

        Raises
        ------
        ParameterError
            The network has no times for that mode.
        """
        mode = str(mode)
        if mode not in self.topology.mode_times_ms:
            raise ParameterError(f"the network has no travel times for mode '{mode}'; it has {', '.join(self.modes)}")
        if mode == self.mode:
            return self
        if self._overlay is not None:
            return RoadNetwork(self.topology, mode, self._overlay)
        return _base_view(self.topology, mode)

    @property
    def base(self) -> RoadNetwork:
        """The same mode without any closure or changed speed."""
        return _base_view(self.topology, self.mode)

    @property
    def overlay(self) -> Overlay | None:
        """What is closed or of another speed than in the base; ``RoadNetwork(topology, mode, overlay)`` is the same."""
        return self._overlay

    def with_closures(self, closed_edges: ArrayLike) -> RoadNetwork:
        """Return a view in which edges are closed, besides those that already are."""
        ids = edge_ids(closed_edges, "closures", self.n_edges)
        overlay = self._overlay or self._no_change()
        closed = overlay.closed.copy()
        closed[ids] = True
        view = RoadNetwork(self.topology, self.mode, Overlay(closed, overlay.speed_factor), anchor=self._near)
        view._differs_on = self._differing(ids)
        return view

    def with_speed_factor(self, changed_edges: ArrayLike, factor: float) -> RoadNetwork:
        """Return a view in which the speed on edges is multiplied by a factor (0.5: twice the time).

        Factors multiply, and times are always computed from the base network, so 0.5 and then 2 restores it exactly.
        """
        ids = edge_ids(changed_edges, "edges", self.n_edges)
        if not (np.isfinite(factor) and factor > 0):
            raise ParameterError(
                f"a speed factor must be greater than 0, not {factor}; use with_closures to close edges"
            )
        overlay = self._overlay or self._no_change()
        factors = overlay.speed_factor.copy()
        factors[np.unique(ids)] *= factor
        return RoadNetwork(self.topology, self.mode, Overlay(overlay.closed, factors), anchor=self._near)

    def with_speed_factors(self, factors: ArrayLike) -> RoadNetwork:
        """Return a view in which the speed on every edge is multiplied by its own factor, one for each edge."""
        factor = measures(factors, "speed factors", self.n_edges)
        if (factor <= 0).any():
            at = int(np.argmin(factor))
            raise ParameterError(f"the speed factor of edge {at} is {factor[at]}; use with_closures to close edges")
        overlay = self._overlay or self._no_change()
        changed = Overlay(overlay.closed, overlay.speed_factor * factor)
        view = RoadNetwork(self.topology, self.mode, changed, anchor=self._near)
        view._changes_all = bool(np.count_nonzero(factor != 1.0) > _FEW_EDGES * self.n_edges)
        return view

    def with_capacity(self, capacity_vph: ArrayLike) -> RoadNetwork:
        """Return the same roads with other capacities, one for each edge: calibrated ones, or those of walkers.

        The edges keep their ids, so what was placed on this network stands there, too.
        """
        capacity = measures(capacity_vph, "capacity_vph", self.n_edges, minimum=0.0)
        topology = replace(
            self.topology, capacity_vph=cast("Floats", frozen(capacity)), base_views={}, hierarchy=PreparedOnce()
        )
        return RoadNetwork(topology, self.mode, self._overlay)

    def with_lone_node(self) -> RoadNetwork:
        """Return the same roads and one node more, the last one, that no edge touches: a place without any road."""
        old = self.topology

        def grown(values: NDArray[Any] | None, last: float) -> Any:
            return None if values is None else frozen(np.append(values, np.array([last], dtype=values.dtype)))

        middle = [float(np.mean(values)) if values is not None and len(values) else 0.0 for values in (old.x, old.y)]
        topology = replace(
            old,
            n_nodes=old.n_nodes + 1,
            x=grown(old.x, middle[0]),
            y=grown(old.y, middle[1]),
            node_osmid=grown(old.node_osmid, -1),
            base_views={},
            hierarchy=PreparedOnce(),
        )
        return RoadNetwork(topology, self.mode, self._overlay)

    @property
    def _near(self) -> RoadNetwork | None:
        """What views of this one differ little from: this one where it changes most edges, such as an hour's speeds."""
        return self if self._changes_all else self._anchor

    def _differing(self, edges: Int64s) -> Int64s | None:
        """Return on which edges at most a view that changes some here differs from what it is near to."""
        if self._overlay is None or self._changes_all:
            return np.unique(edges)
        return None if self._differs_on is None else np.union1d(self._differs_on, edges)

    def _no_change(self) -> Overlay:
        return Overlay(np.zeros(self.n_edges, dtype=np.bool_), np.ones(self.n_edges))

    @overload
    def snap(self, lon: float, lat: float) -> Place: ...
    @overload
    def snap(
        self, lon: Sequence[float] | NDArray[np.float64], lat: Sequence[float] | NDArray[np.float64]
    ) -> Places: ...
    def snap(self, lon: ArrayLike, lat: ArrayLike) -> Place | Places:
        """Return the nearest place on an edge that the mode may use.

        Closures do not count: a place on a closed road is still on that road, and cannot be reached.

        Parameters
        ----------
        lon, lat : float, or arrays of the same length
            Degrees WGS 84.

        Returns
        -------
        Place, or Places for arrays

        Raises
        ------
        ParameterError
            A point is no position, or the network has no coordinates.
        """
        places = self._snapper.snap(lon, lat)
        return places[0] if np.ndim(lon) == 0 and np.ndim(lat) == 0 else places

    @property
    def _snapper(self) -> Snapper:
        return _base_view(self.topology, self.mode)._own_snapper

    @cached_property
    def _own_snapper(self) -> Snapper:
        return Snapper(self)

    def place_on_edge(self, edge: int, fraction: float) -> Place:
        """Return the place at a share of an edge's length, from its tail on."""
        return places_at(self, [edge], [fraction])[0]

    def point_on_edge(self, edge: int, fraction: float) -> tuple[float, float]:
        """Return longitude and latitude at a share of an edge's length; NaN without coordinates."""
        line = self.edge_coordinates(edge)
        if not len(line):
            return float("nan"), float("nan")
        along = self.shares(line)
        return float(np.interp(fraction, along, line[:, 0])), float(np.interp(fraction, along, line[:, 1]))

    def shares(self, line: Floats) -> Floats:
        """Return for each point of a line its share of the line's length, 0 … 1."""
        steps = np.hypot(*(np.diff(line, axis=0) * self.topology.metres_per_degree).T)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        return along / along[-1] if along[-1] > 0 else np.linspace(0.0, 1.0, len(line))

    def travel_times(
        self, sources: Locations, targets: Locations, *, engine: Engine | None = None
    ) -> NDArray[np.integer]:
        """Return the milliseconds from every source to every target, -1 where there is no way.

        int32, but int64 if any of the trips takes more than 2,147,483,647 ms (24.8 days); see
        `gridgov.network.matrix.travel_times`.
        """
        return travel_times(self, sources, targets, engine=engine)

    def worker_index(self, worker_nodes: Locations) -> WorkerIndex:
        """Prepare workers for many searches on this view; pass the result to `nearest_workers`."""
        return WorkerIndex(self, worker_nodes)

    @cached_property
    def forward(self) -> SearchGraph:
        """Open edges by their tail: for searches along the edges."""
        return self._search_graph(self.topology.edges_by_tail, self.tail, self.head)

    @cached_property
    def backward(self) -> SearchGraph:
        """Open edges by their head: for searches against the edges."""
        return self._search_graph(self.topology.edges_by_head, self.head, self.tail)

    @property
    def has_hierarchy(self) -> bool:
        """Whether the hierarchy of these roads has been prepared."""
        return self.topology.hierarchy.ready

    def hierarchy(self) -> Hierarchy:
        """Return the hierarchy of these roads, which all views share; it is prepared when first asked for.

        That takes about a second for 20,000 nodes and ten for 100,000; with a stored order (`with_hierarchy`) a tenth.
        """
        return cast("Hierarchy", self.topology.hierarchy.get(lambda: Hierarchy(self.topology)))

    def with_hierarchy(self, order: ArrayLike | None = None) -> Self:
        """Prepare the hierarchy, from an order of the nodes if one is stored, and return the network itself."""
        self.topology.hierarchy.get(lambda: Hierarchy(self.topology, order))
        return self

    @cached_property
    def metric(self) -> Metric:
        """Times of this view on the hierarchy; of a view that differs little from another, only that is computed."""
        base = self._anchor or _base_view(self.topology, self.mode)
        if base is self:
            return self.hierarchy().with_times(self.travel_time_ms)
        return base.metric.for_times(self.travel_time_ms, self._differs_on)

    @property
    def has_metric(self) -> bool:
        """Whether this view's times are on the hierarchy already."""
        return "metric" in self.__dict__

    @property
    def has_rows(self) -> bool:
        """Whether this view's edges are ready for searches."""
        return "forward" in self.__dict__ or "backward" in self.__dict__

    def _search_graph(self, order: Int32s, near: Int32s, far: Int32s) -> SearchGraph:
        open_edges = order[self.travel_time_ms[order] != CLOSED]
        first = np.zeros(self.n_nodes + 1, dtype=np.int32)
        np.cumsum(np.bincount(near[open_edges], minlength=self.n_nodes), out=first[1:])
        arrays = (first, far[open_edges], self.travel_time_ms[open_edges], near[open_edges], open_edges)
        return SearchGraph(*(cast("Int32s", frozen(array)) for array in arrays))

    @cached_property
    def _time_bits(self) -> int:
        """Bits that the longest shortest trip can need."""
        times = self.travel_time_ms[self.travel_time_ms != CLOSED].astype(np.int64)
        if not times.size:
            return 1
        largest = int(times.max())
        return min(int(times.sum()) + 2 * largest, (self.n_nodes + 1) * largest).bit_length()

    def heap_shift(self, n_members: int) -> int:
        """Return how many bits a search with so many members gives to the node number in a heap entry."""
        shift = (self.n_nodes + n_members).bit_length()
        if shift + self._time_bits > 63:
            raise ParameterError(
                "the travel times of the network add up to more than a search can hold; give milliseconds"
            )
        return shift


def _base_view(topology: Topology, mode: str) -> RoadNetwork:
    """Return the one view of a mode without closures and slow-downs."""
    return cast("RoadNetwork", topology.base_views.get(mode) or RoadNetwork(topology, mode))


def _coded(codes: Int32s | None, words: tuple[str, ...], edge: int) -> str:
    return "" if codes is None else words[codes[edge]]
