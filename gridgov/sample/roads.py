"""From the partition's street edges to OSM ways: bridges, dual carriageways, the motorway with its ramps, tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from shapely import LineString

from gridgov.sample.fields import Floats
from gridgov.sample.planar import NO_STREET, Planar
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Water
from gridgov.sample.skeleton import Skeleton, Street

_HALF_MEDIAN_M = 8.0
_MOTORWAY_HALF_M = 11.0
_RANK = (
    "motorway",
    "motorway_link",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
)


@dataclass(frozen=True, slots=True)
class Way:
    """What an edge is: its street, and how it is built there. `oneway` runs from the first to the second vertex."""

    street: int
    klass: str
    oneway: bool = False
    bridge: bool = False
    layer: int = 0
    tunnel: bool = False


@dataclass(slots=True)
class Roads:
    """The road network: vertices in local metres, and edges (first vertex, second vertex, way)."""

    xy: list[tuple[float, float]]
    edges: list[tuple[int, int, Way]] = field(default_factory=list)

    def vertex(self, place: Floats) -> int:
        """Return a new vertex."""
        self.xy.append((float(place[0]), float(place[1])))
        return len(self.xy) - 1

    def chain(self, vertices: list[int], way: Way) -> None:
        """Join vertices one after another."""
        self.edges += [(a, b, way) for a, b in pairwise(vertices)]

    def lines(self) -> np.ndarray:
        """Return the edges as lines."""
        ends = np.array([(self.xy[a], self.xy[b]) for a, b, _ in self.edges])
        return np.asarray(shapely.linestrings(ends))


def drop_islands(planar: Planar) -> None:
    """Take back streets that are not joined to the main network."""
    edges = [(key, street) for key, street in planar.street.items() if street != NO_STREET]
    tail, head = np.array([key for key, _ in edges]).T
    n = len(planar.xy)
    _, label = csgraph.connected_components(
        sparse.coo_array((np.ones(len(tail)), (tail, head)), shape=(n, n)), directed=False
    )
    main = np.bincount(label[tail]).argmax()
    for key, _ in edges:
        if label[key[0]] != main:
            planar.street[key] = NO_STREET


def build_roads(planar: Planar, skeleton: Skeleton, water: Water, recipe: Recipe) -> Roads:
    """Return the whole road network."""
    roads = Roads(list(planar.xy))
    wet = shapely.union_all([water.river, water.stream_area(), *(lake for _, lake in water.lakes)])
    shapely.prepare(wet)
    plain = [(a, b, street) for (a, b), street in planar.street.items() if street != NO_STREET]
    middles = np.array([(np.array(planar.xy[a]) + np.array(planar.xy[b])) / 2 for a, b, _ in plain])
    # a stream is a border of the partition, so an edge that crosses it has an end on it
    near = (
        shapely.dwithin(water.stream_area(), shapely.points(middles), 18.0)
        if water.streams
        else np.zeros(len(plain), bool)
    )
    ends_on = _touches(planar, plain, water)
    bridge = shapely.contains_xy(wet, *middles.T) | (near & ends_on)
    for (a, b, street), over in zip(plain, bridge.tolist(), strict=True):
        klass = skeleton.streets[street].klass
        roads.edges.append((a, b, Way(street, klass, bridge=over, layer=int(over))))
    _split_duals(roads, skeleton)
    if skeleton.motorway is not None:
        _add_motorway(roads, planar, skeleton, water)
    return roads


def _touches(planar: Planar, plain: list[tuple[int, int, int]], water: Water) -> np.ndarray:
    """Return which edges have an end on a stream's middle line."""
    if not water.streams:
        return np.zeros(len(plain), bool)
    lines = shapely.union_all(water.streams)
    shapely.prepare(lines)
    on = shapely.dwithin(lines, shapely.points(np.array(planar.xy)), 0.8)
    return np.array([bool(on[a] or on[b]) for a, b, _ in plain])


def _split_duals(roads: Roads, skeleton: Skeleton) -> None:
    """Turn streets marked dual into two one-way carriageways, joined where streets cross."""
    dual = {i for i, street in enumerate(skeleton.streets) if street.dual}
    arms: dict[int, list[int]] = {}
    for index, (a, b, _) in enumerate(roads.edges):
        arms.setdefault(a, []).append(index)
        arms.setdefault(b, []).append(index)
    removed: set[int] = set()
    moved: dict[tuple[int, int], int] = {}  # (edge, vertex) -> the carriageway's vertex that it now meets
    added: list[tuple[int, int, Way]] = []
    for chain in _dual_chains(roads, arms, dual):
        removed.update(edge for edge, _ in chain[1:])
        _split_chain(roads, chain, arms, moved, added)
    kept = []
    for index, (a, b, way) in enumerate(roads.edges):
        if index not in removed:
            kept.append((moved.get((index, a), a), moved.get((index, b), b), way))
    roads.edges = kept + added


def _dual_chains(roads: Roads, arms: dict[int, list[int]], dual: set[int]) -> list[list[tuple[int, int]]]:
    """Return runs of dual edges as [(-1, first vertex), (edge, next vertex), …]."""
    mine = {v: [e for e in edges if roads.edges[e][2].street in dual] for v, edges in arms.items()}
    used: set[int] = set()
    chains = []
    for start in sorted(v for v, edges in mine.items() if len(edges) in {1, 3, 4}):
        for first in mine[start]:
            chain, vertex, edge = [(-1, start)], start, first
            while edge not in used:
                used.add(edge)
                a, b, _ = roads.edges[edge]
                vertex = b if vertex == a else a
                chain.append((edge, vertex))
                following = [e for e in mine[vertex] if e != edge]
                if len(mine[vertex]) != 2:
                    break
                edge = following[0]
            if len(chain) > 3:
                chains.append(chain)
    return chains


def _split_chain(
    roads: Roads,
    chain: list[tuple[int, int]],
    arms: dict[int, list[int]],
    moved: dict[tuple[int, int], int],
    added: list[tuple[int, int, Way]],
) -> None:
    points = np.array([roads.xy[v] for _, v in chain])
    along = np.gradient(points, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None]
    normal = np.stack([-along[:, 1], along[:, 0]], 1)
    inner = {edge for edge, _ in chain[1:]}
    left, right = [chain[0][1]], [chain[0][1]]
    for k, (_, vertex) in enumerate(chain[1:-1], start=1):
        left.append(roads.vertex(points[k] + normal[k] * _HALF_MEDIAN_M))
        right.append(roads.vertex(points[k] - normal[k] * _HALF_MEDIAN_M))
        others = [e for e in arms[vertex] if e not in inner]
        sides = [_side(roads, e, vertex, points[k], normal[k]) for e in others]
        for edge, side in zip(others, sides, strict=True):
            moved[edge, vertex] = left[-1] if side > 0 else right[-1]
        crossing = [roads.edges[e][2] for e in others]
        if len(set(np.sign(sides))) == 2 or any(way.klass in _RANK[2:5] for way in crossing):
            best = min(crossing, key=lambda way: _RANK.index(way.klass) if way.klass in _RANK else 99)
            added.append((right[-1], left[-1], Way(best.street, best.klass)))
    left.append(chain[-1][1])
    right.append(chain[-1][1])
    for k, (edge, _) in enumerate(chain[1:]):
        way = roads.edges[edge][2]
        one = Way(way.street, way.klass, True, way.bridge, way.layer)
        added += [(right[k], right[k + 1], one), (left[k + 1], left[k], one)]  # traffic keeps right


def _side(roads: Roads, edge: int, vertex: int, place: Floats, normal: Floats) -> float:
    a, b, _ = roads.edges[edge]
    return float((np.array(roads.xy[b if a == vertex else a]) - place) @ normal)


def _add_motorway(roads: Roads, planar: Planar, skeleton: Skeleton, water: Water) -> None:
    """Lay both carriageways, raise them over streets and water, and join them by ramps at main streets."""
    assert skeleton.motorway is not None
    skeleton.streets.append(Street("motorway", "motorway", name="临江绕城高速", oneway=True))
    motorway = len(skeleton.streets) - 1
    middle = shapely.segmentize(skeleton.motorway, 60.0)
    gates = _gates(planar, skeleton, middle)
    crossings = shapely.union_all([line for line in roads.lines() if shapely.intersects(line, middle)])
    over = shapely.union_all([crossings.buffer(70), shapely.intersection(middle, water.surface()).buffer(90)])
    shapely.prepare(over)
    under = skeleton.tunnels.buffer(30)
    shapely.prepare(under)
    for sign in (1.0, -1.0):
        _carriageway(roads, middle, sign, motorway, (over, under), [g for g in gates if g[2] == sign])


def _gates(planar: Planar, skeleton: Skeleton, middle: LineString) -> list[tuple[int, float, float]]:
    """Return ramp ends: vertices where main streets enter the green strip, their station and side (+1 left)."""
    gates = []
    border = shapely.boundary(skeleton.corridor)
    shapely.prepare(border)
    for vertex, (x, y) in enumerate(planar.xy):
        classes = {
            skeleton.streets[planar.street_of(vertex, v)].klass
            for v in planar.around[vertex]
            if planar.street_of(vertex, v) >= 0
        }
        if classes & {"primary", "secondary"} and shapely.dwithin(border, shapely.Point(x, y), 1.0):
            station = float(shapely.line_locate_point(middle, shapely.Point(x, y)))
            foot = np.array(shapely.line_interpolate_point(middle, station).coords[0])
            ahead = np.array(shapely.line_interpolate_point(middle, station + 5).coords[0]) - foot
            side = ahead[0] * (y - foot[1]) - ahead[1] * (x - foot[0])
            if 500 < station < middle.length - 500:
                gates.append((vertex, station, 1.0 if side > 0 else -1.0))
    kept: list[tuple[int, float, float]] = []
    for gate in sorted(gates, key=lambda item: item[1]):
        if all(abs(gate[1] - other[1]) > 1400 or gate[2] != other[2] for other in kept):
            kept.append(gate)
    return kept


def _carriageway(
    roads: Roads,
    middle: LineString,
    sign: float,
    street: int,
    over_under: tuple[shapely.Geometry, shapely.Geometry],
    gates: list[tuple[int, float, float]],
) -> None:
    """Lay one carriageway; the right one (sign -1) runs with the line, the left one against it."""
    stations = set(np.linspace(0, middle.length, max(2, int(middle.length / 60))).tolist())
    for _, station, _ in gates:
        stations |= {station - 330, station + 330}
    order = sorted(stations)
    place = {s: _offset(middle, s, sign * _MOTORWAY_HALF_M) for s in order}
    vertex = {s: roads.vertex(place[s]) for s in order}
    walk = order if sign < 0 else order[::-1]
    for a, b in pairwise(walk):
        piece = LineString([place[a], place[b]])
        high, deep = (bool(shapely.intersects(area, piece)) for area in over_under)
        layer = -1 if deep else int(high)
        roads.edges.append((vertex[a], vertex[b], Way(street, "motorway", True, high and not deep, layer, deep)))
    ramp = Way(street, "motorway_link", True)
    for gate, station, _ in gates:
        before, after = (station - 330, station + 330) if sign < 0 else (station + 330, station - 330)
        leave = [
            roads.vertex(_offset(middle, before + (station - before) * t, sign * w))
            for t, w in ((0.3, 17.0), (0.6, 30.0), (0.88, 42.0))
        ]
        enter = [
            roads.vertex(_offset(middle, station + (after - station) * t, sign * w))
            for t, w in ((0.12, 42.0), (0.4, 30.0), (0.7, 17.0))
        ]
        roads.chain([vertex[before], *leave, gate], ramp)
        roads.chain([gate, *enter, vertex[after]], ramp)


def _offset(middle: LineString, station: float, aside_m: float) -> Floats:
    """Return the place at a station, moved to the left."""
    here = np.array(shapely.line_interpolate_point(middle, station).coords[0])
    a = np.array(shapely.line_interpolate_point(middle, max(station - 5, 0)).coords[0])
    b = np.array(shapely.line_interpolate_point(middle, min(station + 5, middle.length)).coords[0])
    ahead = (b - a) / np.hypot(*(b - a))
    return here + aside_m * np.array([-ahead[1], ahead[0]])


def ways(roads: Roads) -> list[tuple[list[int], Way]]:
    """Join edges of equal build into ways (vertex lists), as a mapper draws them: through crossings, along a street."""
    groups: dict[Way, list[tuple[int, int]]] = {}
    for a, b, way in roads.edges:
        groups.setdefault(way, []).append((a, b))
    result = []
    for way, edges in groups.items():
        result += [(chain, way) for chain in _joined(edges, way.oneway)]
    return result


def _joined(edges: list[tuple[int, int]], oneway: bool) -> list[list[int]]:
    """Walk edges into chains: from every vertex that is not passed straight, then around closed rings."""
    arms: dict[int, list[int]] = {}
    for index, (a, b) in enumerate(edges):
        arms.setdefault(a, []).append(index)
        arms.setdefault(b, []).append(index)
    used = [False] * len(edges)
    chains = []

    def walk(vertex: int, index: int) -> list[int]:
        chain = [vertex]
        while not used[index]:
            a, b = edges[index]
            if oneway and a != chain[-1]:
                break
            used[index] = True
            chain.append(b if chain[-1] == a else a)
            free = [i for i in arms[chain[-1]] if not used[i]]
            if len(arms[chain[-1]]) != 2 or not free:
                break
            index = free[0]
        return chain

    ends = [v for v, mine in arms.items() if len(mine) != 2]
    if oneway:
        heads = {b for _, b in edges}
        ends += [a for a, _ in edges if a not in heads and len(arms[a]) == 2]
    for vertex in [*ends, *(a for a, _ in edges)]:
        for index in arms[vertex]:
            if not used[index]:
                chain = walk(vertex, index)
                if len(chain) > 1:
                    chains.append(chain)
    return chains
