"""A planar partition that streets are cut into: shared vertices, edges that know their street, faces as rings.

Cutting an edge leaves a note (`halves`); a neighbour's ring is brought up to date when it is read. So every border is
shared exactly, vertex by vertex, and the finished blocks are a coverage without gaps or overlaps by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from shapely import Polygon

from gridgov.sample.fields import Floats

NO_STREET = -1
_GRID_M = 0.5  # everything that is noded lies on this raster, so that equal points have equal coordinates


@dataclass(slots=True)
class Line:
    """A line of the first drawing: a street, or a border that is none (bank, boundary, corridor, outline)."""

    geometry: shapely.LineString
    kind: str
    street: int = NO_STREET
    rank: int = 0  # where two lines run together, the higher rank names the edge


@dataclass(slots=True)
class Planar:
    """The partition under construction.

    Attributes
    ----------
    xy : list of (x, y)
    street : dict
        Edge (low vertex, high vertex) -> street id, `NO_STREET` for a border without a street.
    halves : dict
        Edge that was cut -> the vertex in its middle.
    around : list of lists
        Neighbours of a vertex along all edges.
    """

    xy: list[tuple[float, float]] = field(default_factory=list)
    street: dict[tuple[int, int], int] = field(default_factory=dict)
    halves: dict[tuple[int, int], int] = field(default_factory=dict)
    around: list[list[int]] = field(default_factory=list)

    def add_vertex(self, x: float, y: float) -> int:
        """Return the id of a new vertex."""
        self.xy.append((float(x), float(y)))
        self.around.append([])
        return len(self.xy) - 1

    def add_edge(self, a: int, b: int, street: int) -> None:
        """Join two vertices."""
        self.street[min(a, b), max(a, b)] = street
        self.around[a].append(b)
        self.around[b].append(a)

    def cut_edge(self, a: int, b: int, x: float, y: float) -> int:
        """Put a vertex into an edge and return it; both halves keep the street."""
        key = (min(a, b), max(a, b))
        street = self.street.pop(key)
        middle = self.add_vertex(x, y)
        self.halves[key] = middle
        self.around[a][self.around[a].index(b)] = middle
        self.around[b][self.around[b].index(a)] = middle
        self.around[middle] = [a, b]
        self.street[min(a, middle), max(a, middle)] = street
        self.street[min(b, middle), max(b, middle)] = street
        return middle

    def street_of(self, a: int, b: int) -> int:
        """Return the street of an edge."""
        return self.street.get((min(a, b), max(a, b)), NO_STREET)

    def street_degree(self, vertex: int) -> int:
        """Return how many street edges meet at a vertex."""
        return sum(self.street_of(vertex, other) != NO_STREET for other in self.around[vertex])

    def fresh(self, ring: list[int]) -> list[int]:
        """Return a face's ring with the vertices that neighbours have put into it."""
        result: list[int] = []
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            result.append(a)
            self._expand(a, b, result)
        return result

    def _expand(self, a: int, b: int, result: list[int]) -> None:
        middle = self.halves.get((min(a, b), max(a, b)))
        if middle is not None:
            self._expand(a, middle, result)
            result.append(middle)
            self._expand(middle, b, result)

    def points(self, ring: list[int]) -> Floats:
        """Return coordinates of a ring, shape (n, 2)."""
        return np.array([self.xy[vertex] for vertex in ring])

    def polygon(self, ring: list[int]) -> Polygon:
        """Return a face as a polygon."""
        return Polygon([self.xy[vertex] for vertex in ring])


def build(lines: list[Line]) -> tuple[Planar, list[list[int]]]:
    """Node the lines against each other and return the partition with its faces' rings (counter-clockwise).

    Faces with holes are opened by two cuts beside each hole, as a ring cannot carry a hole.
    """
    lines = list(lines)
    for _ in range(6):
        noded = _node(lines)
        polygons = list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
        cuts = [cut for polygon in polygons for cut in _openings(polygon)]
        if not cuts:
            break
        lines += [Line(cut, "opening") for cut in cuts]
    return _assemble(lines, noded, polygons)


def _node(lines: list[Line]) -> shapely.Geometry:
    return shapely.unary_union(np.array([line.geometry for line in lines]), grid_size=_GRID_M)


def _openings(polygon: Polygon) -> list[shapely.LineString]:
    """Return the lines that cut a polygon into parts without holes: one hole after another, the middle one first."""
    holes = [Polygon(ring) for ring in polygon.interiors]
    if not holes:
        return []
    middle = sorted(holes, key=lambda hole: (hole.centroid.y, hole.centroid.x))[len(holes) // 2]
    cuts = _beside(polygon, middle)
    parts = shapely.polygonize([shapely.unary_union([polygon.boundary, *cuts], grid_size=_GRID_M)])
    inner = [part for part in shapely.get_parts(parts) if shapely.covers(polygon, part.representative_point())]
    return cuts + [cut for part in inner if len(part.interiors) < len(holes) for cut in _openings(part)]


def _beside(polygon: Polygon, hole: Polygon) -> list[shapely.LineString]:
    """Return two lines from a hole to the outer ring, on both sides, slightly winding where there is room."""
    centre = hole.representative_point()
    west, _, east, _ = polygon.bounds
    line = shapely.LineString([(west - 10, centre.y), (east + 10, centre.y)])
    pieces = shapely.get_parts(shapely.difference(shapely.intersection(line, polygon), hole))
    first, _, last, _ = shapely.intersection(line, hole).bounds
    before = min(pieces, key=lambda piece: abs(piece.bounds[2] - first))
    after = min(pieces, key=lambda piece: abs(piece.bounds[0] - last))
    return [_stretched(_winding(piece, polygon)) for piece in (before, after)]


def _stretched(line: shapely.LineString) -> shapely.LineString:
    """Return a line a little longer at both ends, so that noding surely finds the rings it joins."""
    points = shapely.get_coordinates(line)
    return shapely.LineString(np.vstack([points[0] - np.array([1.5, 0.0]), points, points[-1] + np.array([1.5, 0.0])]))


def _winding(piece: shapely.LineString, polygon: Polygon) -> shapely.LineString:
    """Return a border through open country: straight lines of kilometres do not look like borders."""
    (x0, y0), (x1, y1) = piece.coords[0], piece.coords[-1]
    t = np.linspace(0.0, 1.0, max(2, int(piece.length / 60)) + 1)
    swell = piece.length * np.sin(np.pi * t) ** 0.7
    swing = np.sin(2 * np.pi * t * 1.5 + 0.01 * x0) + 0.5 * np.sin(
        2 * np.pi * t * (3 + piece.length / 900) + 0.013 * y0
    )
    for height in (0.09, 0.05, 0.025, -0.05, -0.025):
        curve = shapely.LineString(np.stack([x0 + t * (x1 - x0), y0 + t * (y1 - y0) + height * swell * swing], 1))
        if shapely.covers(polygon.buffer(0.01), curve):
            return curve
    return shapely.segmentize(piece, 400.0)


def _assemble(lines: list[Line], noded: shapely.Geometry, polygons: list[Polygon]) -> tuple[Planar, list[list[int]]]:
    planar = Planar()
    ids: dict[tuple[float, float], int] = {}

    def vertex(x: float, y: float) -> int:
        if (x, y) not in ids:
            ids[x, y] = planar.add_vertex(x, y)
        return ids[x, y]

    chains = [shapely.get_coordinates(part) for part in shapely.get_parts(noded)]
    segments = np.array([(*a, *b) for chain in chains for a, b in pairwise(chain.tolist())])
    owner = _owners(lines, segments)
    for (x0, y0, x1, y1), line in zip(segments.tolist(), owner, strict=True):
        a, b = vertex(x0, y0), vertex(x1, y1)
        if a != b and (min(a, b), max(a, b)) not in planar.street:
            planar.add_edge(a, b, lines[line].street)
    rings = []
    for polygon in polygons:
        ring = [ids[x, y] for x, y in shapely.get_coordinates(shapely.normalize(polygon).exterior)[:-1].tolist()]
        area = _signed_area(planar.points(ring))
        rings.append(ring if area > 0 else ring[::-1])
    return planar, rings


def _owners(lines: list[Line], segments: Floats) -> list[int]:
    """Return for each noded segment the line it comes from (snapping moved it by less than two cells)."""
    middles = shapely.points((segments[:, 0] + segments[:, 2]) / 2, (segments[:, 1] + segments[:, 3]) / 2)
    tree = shapely.STRtree(np.array([line.geometry for line in lines]))
    point, line = tree.query(middles, predicate="dwithin", distance=2 * _GRID_M)
    best = np.full(len(segments), -1)
    rank = np.full(len(segments), -99.0)
    away = shapely.distance(middles[point], tree.geometries[line])
    for p, candidate, gap in zip(point.tolist(), line.tolist(), away.tolist(), strict=True):
        score = lines[candidate].rank + (lines[candidate].street != NO_STREET) - 0.5 * gap
        if score > rank[p]:
            best[p], rank[p] = candidate, score
    missing = best < 0
    if missing.any():
        best[missing] = tree.nearest(middles[missing])
    return [int(value) for value in best]


def _signed_area(points: Floats) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))
