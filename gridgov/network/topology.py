"""What no view of a road network changes: nodes, edges, their lines on the ground, names, and times of every mode."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.network.validation import Floats, Int32s, Int64s, frozen

if TYPE_CHECKING:
    from gridgov.network.edge_lines import EdgeLines

EARTH_RADIUS_M = 6_371_009.0  # mean radius, as OSMnx measures edge lengths
_WGS84_A = 6_378_137.0
_WGS84_E2 = 0.006_694_379_990_14
_WGS84_F = 1 / 298.257_223_563


class Streets(NamedTuple):
    """Edges that share one line on the ground, whatever their direction: the two ways of a two-way street.

    `street_of_edge` (m,) int32; `flipped` (m,) bool: the edge runs against the first edge of its street;
    edges of street s are ``edges_of_street[first_of_street[s]:first_of_street[s + 1]]``, in order of their ids.
    """

    street_of_edge: Int32s
    flipped: NDArray[np.bool_]
    first_of_street: Int64s
    edges_of_street: Int32s


class Shape(NamedTuple):
    """Lines of all edges: edge e owns ``points[offsets[e]:offsets[e + 1]]`` (lon, lat), from its tail to its head."""

    offsets: Int64s
    points: Floats


class PreparedOnce:
    """Holds what is slow to make: the first who asks makes it, others wait. A copy starts without it."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = Lock()
        self._value: Any = None

    def __reduce__(self) -> tuple[type[PreparedOnce], tuple[()]]:
        return PreparedOnce, ()

    @property
    def ready(self) -> bool:
        """Whether it has been made."""
        return self._value is not None

    def get(self, make: Callable[[], Any]) -> Any:
        """Return it; `make` is called if nobody has made it yet."""
        if self._value is None:
            with self._lock:
                if self._value is None:
                    self._value = make()
        return self._value


@dataclass(frozen=True, eq=False)
class Topology:
    """The arrays of a road network; see `RoadNetwork` for their meaning."""

    n_nodes: int
    tail: Int32s
    head: Int32s
    mode_times_ms: Mapping[str, Int32s]
    capacity_vph: Floats | None = None
    x: Floats | None = None
    y: Floats | None = None
    given_length_m: Floats | None = None
    given_shape: Shape | None = None
    name_of_edge: Int32s | None = None
    names: tuple[str, ...] = ()
    highway_of_edge: Int32s | None = None
    highways: tuple[str, ...] = ()
    osmid: Int64s | None = None
    node_osmid: Int64s | None = None
    base_views: dict[str, Any] = field(default_factory=dict, repr=False)  # mode -> RoadNetwork, made when asked for
    hierarchy: PreparedOnce = field(default_factory=PreparedOnce, repr=False)  # made when asked for

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.tail)

    @cached_property
    def edges_by_tail(self) -> Int32s:
        """Edge ids ordered by tail, then id."""
        return frozen(np.argsort(self.tail, kind="stable").astype(np.int32))  # type: ignore[return-value]

    @cached_property
    def edges_by_head(self) -> Int32s:
        """Edge ids ordered by head, then id."""
        return frozen(np.argsort(self.head, kind="stable").astype(np.int32))  # type: ignore[return-value]

    @cached_property
    def scratch(self) -> ScratchPool:
        """Working arrays for searches."""
        return ScratchPool(self.n_nodes, self.n_edges)

    @cached_property
    def edge_lines(self) -> EdgeLines:
        """The drawn lines of all edges in a spatial index."""
        from gridgov.network.edge_lines import EdgeLines  # noqa: PLC0415  # shapely is slow to import

        return EdgeLines(self)

    @cached_property
    def shape(self) -> Shape | None:
        """Lines of all edges, straight ones where none was given; None without coordinates."""
        if self.given_shape is not None or self.x is None or self.y is None:
            return self.given_shape
        ends = np.column_stack([self.tail, self.head]).ravel()
        offsets = np.arange(0, 2 * self.n_edges + 1, 2, dtype=np.int64)
        return Shape(offsets, np.column_stack([self.x[ends], self.y[ends]]))

    @cached_property
    def metres_per_degree(self) -> tuple[float, float]:
        """Metres of one degree east and north at the middle of the network (WGS 84 ellipsoid).

        This flat scale decides which edge is nearest and where on it; it is off by about 0.2 % per 0.1 degree of
        latitude, the same for all candidates around a point.
        """
        if self.y is None or not self.n_nodes:
            return 1.0, 1.0
        east, north = metres_per_degree((self.y.min() + self.y.max()) / 2)
        return float(east), float(north)

    @cached_property
    def length_m(self) -> Floats:
        """Length of each edge; measured on a sphere where none was given, NaN without coordinates."""
        if self.given_length_m is not None:
            return self.given_length_m
        if self.shape is None:
            return np.full(self.n_edges, np.nan)
        lon, lat = np.radians(self.shape.points).T
        half = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(lon) / 2) ** 2
        steps = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
        steps = np.append(steps, 0.0)
        steps[self.shape.offsets[1:] - 1] = 0.0  # from the end of one edge to the start of the next
        return np.add.reduceat(steps, self.shape.offsets[:-1]) if self.n_edges else np.zeros(0)

    @cached_property
    def streets(self) -> Streets:
        """Edges grouped by their line on the ground."""
        low, high = np.minimum(self.tail, self.head), np.maximum(self.tail, self.head)
        _, street, count = np.unique(
            np.column_stack([low.astype(np.int64), high, self._line_marks()]),
            axis=0,
            return_inverse=True,
            return_counts=True,
        )
        street = street.reshape(-1)
        order = np.argsort(street, kind="stable")
        first = np.zeros(len(count) + 1, dtype=np.int64)
        np.cumsum(count, out=first[1:])
        pattern = order[first[:-1]][street] if self.n_edges else order  # the first edge of each edge's street
        return Streets(street.astype(np.int32), self._runs_against(pattern), first, order.astype(np.int32))

    def _line_marks(self) -> Int64s:
        """Return one number for each edge that depends on its points but not on their order."""
        if self.given_shape is None:
            return np.zeros(self.n_edges, dtype=np.int64)
        grid = np.rint(self.given_shape.points * 1e8).astype(np.int64).view(np.uint64)  # about a millimetre
        mixed = grid[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ grid[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        if not self.n_edges:
            return np.zeros(0, dtype=np.int64)
        return np.add.reduceat(mixed, self.given_shape.offsets[:-1]).view(np.int64)  # wraps around on purpose

    def _runs_against(self, pattern: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which edges run in the other direction than their pattern edge."""
        against = np.asarray(self.tail != self.tail[pattern])
        loops = np.flatnonzero((self.tail == self.head) & (pattern != np.arange(self.n_edges)))
        if self.given_shape is not None and len(loops):  # both directions of a loop have the same ends
            offsets, points = self.given_shape
            second, other = points[offsets[loops] + 1], points[offsets[pattern[loops]] + 1]
            against[loops] = (np.abs(second - other) > 1e-8).any(axis=1)
        return against

    @cached_property
    def digest(self) -> str:
        """Fingerprint of nodes and edges alone, whatever the times: ``sha256:…``."""
        return _digest(b"gridgov-topology/1", np.int64(self.n_nodes), self.tail, self.head)

    def digest_with(self, mode: str, travel_time_ms: Int32s) -> str:
        """Fingerprint of nodes, edges and one set of times."""
        return _digest(self.digest.encode(), mode.encode(), travel_time_ms)


def metres_per_degree(lat: ArrayLike) -> tuple[Floats, Floats]:
    """Return metres of one degree of longitude and of latitude at latitudes (degrees), on the WGS 84 ellipsoid."""
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    w = np.sqrt(1.0 - _WGS84_E2 * np.sin(phi) ** 2)
    east = np.radians(1.0) * _WGS84_A / w * np.cos(phi)
    north = np.radians(1.0) * _WGS84_A * (1.0 - _WGS84_E2) / w**3
    return np.maximum(east, 1.0), north  # at the pole a degree of longitude has no length


def great_circle_m(start: Floats, end: Floats) -> Floats:
    """Return metres over the Earth between points, rows of longitude and latitude (degrees WGS 84).

    The haversine formula on reduced latitudes with Lambert's correction for the flattening: right within 0.003 % up
    to 19,000 km, where a plain sphere is off by up to 0.6 % at any distance; towards the antipodes within 0.1 %.

    References
    ----------
    W. D. Lambert, "The distance between two widely separated points on the surface of the earth", J. Washington
    Academy of Sciences 32 (1942).
    """
    lat = np.arctan((1.0 - _WGS84_F) * np.tan(np.radians([start[:, 1], end[:, 1]])))
    half_lon = np.radians(end[:, 0] - start[:, 0]) / 2
    half_lat, middle = (lat[1] - lat[0]) / 2, (lat[0] + lat[1]) / 2
    near = np.clip(np.sin(half_lat) ** 2 + np.cos(lat[0]) * np.cos(lat[1]) * np.sin(half_lon) ** 2, 0.0, 1.0)
    angle = 2 * np.arcsin(np.sqrt(near))
    tiny = np.finfo(np.float64).tiny  # points that are the same, or antipodes: both shares below are 0 / 0 there
    along = (np.sin(middle) * np.cos(half_lat)) ** 2 / np.maximum(1.0 - near, tiny)
    across = (np.cos(middle) * np.sin(half_lat)) ** 2 / np.maximum(near, tiny)
    flattening = (angle - np.sin(angle)) * np.minimum(along, 1.0) + (angle + np.sin(angle)) * np.minimum(across, 1.0)
    return np.asarray(_WGS84_A * (angle - _WGS84_F / 2 * flattening))


def _digest(*parts: bytes | NDArray[np.generic] | np.generic) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.tobytes()
        hashed.update(len(data).to_bytes(8, "little"))
        hashed.update(data)
    return f"sha256:{hashed.hexdigest()}"


class Scratch:
    """Working arrays of one running search."""

    __slots__ = ("arrays", "first", "room")

    def __init__(self, n_nodes: int, room: int, pushes: int) -> None:
        self.room = room
        self.first = np.full(n_nodes, -1, dtype=np.int64)
        self.arrays = (
            np.empty(n_nodes + room, dtype=np.int64),
            np.empty(n_nodes + room, dtype=np.int32),
            np.zeros(n_nodes + room + 1, dtype=np.int32),
            np.empty(pushes, dtype=np.int64),
        )


class ScratchPool:
    """Lends working arrays to searches, so that threads never share them and a single thread reuses them."""

    def __init__(self, n_nodes: int, n_edges: int) -> None:
        self._n_nodes, self._n_edges = n_nodes, n_edges
        self._idle: list[Scratch] = []

    def take(self, attachments: int) -> Scratch:
        """Return arrays that are large enough for a search among so many attachments of members and seeds.

        Give them back only after the search has ended well: after an error they may be in any state.
        """
        try:
            scratch = self._idle.pop()  # list.pop and append are atomic
        except IndexError:
            scratch = None
        if scratch is not None and scratch.room >= attachments:
            return scratch
        room = max(1024, 2 * attachments)
        return Scratch(self._n_nodes, room, self._n_edges + 2 * room + 8)

    def give_back(self, scratch: Scratch) -> None:
        """Take arrays back for the next search."""
        self._idle.append(scratch)
