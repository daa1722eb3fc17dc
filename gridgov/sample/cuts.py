"""How a block is cut: candidates across its longer axis, judged by balance, angles and the junctions they meet."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from gridgov.sample.fields import Floats
from gridgov.sample.planar import NO_STREET, Planar


@dataclass(frozen=True, slots=True)
class CutRule:
    """Habits of a zone: where cuts lie, how skew and bent they are, and how they meet other streets.

    `spread` and `bend` are shares of the block's length; `snap_m` is how far a cut's end moves to an existing junction,
    `gap_m` the least distance to a junction it does not use, `shortest_m` the least length of a cut.
    """

    spread: float
    skew_degrees: float
    bend: float
    snap_m: float
    gap_m: float
    shortest_m: float


@dataclass(frozen=True, slots=True)
class End:
    """An end of a cut: a vertex of the ring (`vertex` true) or a new one on the edge that begins at `position`."""

    position: int
    vertex: bool
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A way to divide a ring, its cost (low is good), its bends, and the streets it would continue straight on."""

    ends: tuple[End, End]
    cost: float
    bends: tuple[tuple[float, float], ...]
    continues: tuple[int, ...]


def best_cut(planar: Planar, ring: list[int], polygon: Polygon, rule: CutRule, rng: np.random.Generator) -> Cut | None:
    """Return the best of some cuts across the block, or None when none is sound."""
    points = planar.points(ring)
    junctions = _junctions(planar, ring)
    (long_axis, short_axis), half = _axes(polygon)
    centre = np.array(polygon.centroid.coords[0])
    best: Cut | None = None
    for axis, cross, reach, extra in ((long_axis, short_axis, half[0], 0.0), (short_axis, long_axis, half[1], 0.6)):
        for shift in rng.normal(0.0, rule.spread, 6):
            turn = np.radians(rng.normal(0.0, rule.skew_degrees))
            direction = _turned(cross, turn)
            start = centre + axis * shift * 2 * reach
            found = _try(planar, ring, points, junctions, (start, direction), rule, rng)
            if found is not None and (best is None or found.cost + extra < best.cost):
                best = found if not extra else Cut(found.ends, found.cost + extra, found.bends, found.continues)
        if best is not None and best.cost < 0.6:
            break
    return best


def make_cut(planar: Planar, ring: list[int], cut: Cut, street: int) -> tuple[list[int], list[int]]:
    """Carry out a cut and return the rings of both sides (counter-clockwise, like the first)."""
    ends = []
    for end in cut.ends:
        a, b = ring[end.position], ring[(end.position + 1) % len(ring)]
        ends.append(a if end.vertex else planar.cut_edge(a, b, end.x, end.y))
    whole = planar.fresh(ring)
    chain = [ends[0], *(planar.add_vertex(*bend) for bend in cut.bends), ends[1]]
    for a, b in pairwise(chain):
        planar.add_edge(a, b, street)
    first, second = whole.index(ends[0]), whole.index(ends[1])
    turned = whole[first:] + whole[:first]
    middle = (second - first) % len(whole)
    return turned[: middle + 1] + chain[1:-1][::-1], [*turned[middle:], turned[0], *chain[1:-1]]


def _junctions(planar: Planar, ring: list[int]) -> NDArray[np.bool_]:
    """Return which vertices of a ring are junctions or ends of streets."""
    return np.array([len(planar.around[v]) != 2 and planar.street_degree(v) not in {0, 2} for v in ring])


def _axes(polygon: Polygon) -> tuple[tuple[Floats, Floats], tuple[float, float]]:
    """Return the long and short axis (unit vectors) of the least rectangle, and half its sides."""
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))
    one, two = box[1] - box[0], box[2] - box[1]
    a, b = np.hypot(*one), np.hypot(*two)
    if a < b:
        one, two, a, b = two, one, b, a
    return (one / a, two / b), (float(a / 2), float(b / 2))


def _turned(vector: Floats, angle: float) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([vector[0] * cos - vector[1] * sin, vector[0] * sin + vector[1] * cos])


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def _try(
    planar: Planar,
    ring: list[int],
    points: Floats,
    junctions: NDArray[np.bool_],
    line: tuple[Floats, Floats],
    rule: CutRule,
    rng: np.random.Generator,
) -> Cut | None:
    """Return the cut along a line, with its ends moved to junctions near by, or None when it is not sound."""
    span = _span(points, *line)
    if span is None:
        return None
    one, two = (_end(planar, ring, points, junctions, hit, rule) for hit in span)
    if one is None or two is None or one.position == two.position:
        return None
    a, b = np.array([one.x, one.y]), np.array([two.x, two.y])
    bends = _bends(a, b, rule, rng) if rule.bend else ()
    path = np.array([a, *bends, b])
    if np.hypot(*(b - a)) < rule.shortest_m or not _sound(points, path, (one, two)):
        return None
    return _judged(planar, ring, points, (one, two), path)


def _judged(planar: Planar, ring: list[int], points: Floats, ends: tuple[End, End], path: Floats) -> Cut | None:
    """Return the cut with its cost, or None when it is too sharp or too uneven."""
    one, two = ends
    angle_cost = 0.0
    continues: list[int] = []
    for end, toward in ((one, path[1]), (two, path[-2])):
        cost, street = _meeting(planar, ring, end, toward)
        if cost is None:
            return None
        angle_cost += cost
        continues += [street] if street != NO_STREET else []
    balance = abs(_share(points, one, two, path) - 0.5) * 2
    if balance > 0.72:
        return None
    bends = tuple((float(x), float(y)) for x, y in path[1:-1])
    return Cut(ends, balance**2 * 1.6 + angle_cost - 0.35 * len(continues), bends, tuple(continues))


def _span(points: Floats, start: Floats, direction: Floats) -> tuple[tuple[int, float], tuple[int, float]] | None:
    """Return the two crossings (edge, share along it) of the longest piece of a line inside the ring."""
    side = _cross(direction, points - start)
    following = np.roll(side, -1)
    edges = np.flatnonzero((side > 0) != (following > 0))
    if len(edges) < 2:
        return None
    share = side[edges] / (side[edges] - following[edges])
    crossing = points[edges] + share[:, None] * (np.roll(points, -1, axis=0)[edges] - points[edges])
    along = (crossing - start) @ direction
    order = np.argsort(along, kind="stable")
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)
    first, second = pairs[np.argmax(along[pairs[:, 1]] - along[pairs[:, 0]])]
    return (int(edges[first]), float(share[first])), (int(edges[second]), float(share[second]))


def _end(
    planar: Planar, ring: list[int], points: Floats, junctions: NDArray[np.bool_], hit: tuple[int, float], rule: CutRule
) -> End | None:
    """Return where a cut ends: at a junction near by, at a vertex very near by, or inside the edge."""
    position, share = hit
    following = (position + 1) % len(ring)
    place = points[position] + share * (points[following] - points[position])
    away = np.hypot(*(points - place).T)
    if junctions.any():
        nearest = int(np.argmin(np.where(junctions, away, np.inf)))
        if away[nearest] < rule.snap_m and len(planar.around[ring[nearest]]) < 4:
            return End(nearest, True, *map(float, points[nearest]))
        if away[nearest] < rule.gap_m:
            return None
    nearest = int(np.argmin(away))
    if away[nearest] < 7.0:
        return End(nearest, True, *map(float, points[nearest])) if len(planar.around[ring[nearest]]) < 4 else None
    return End(position, False, float(place[0]), float(place[1]))


def _bends(a: Floats, b: Floats, rule: CutRule, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Return the bends of an irregular lane: one for every 90 m."""
    along = b - a
    normal = np.array([-along[1], along[0]])
    count = int(np.clip(np.hypot(*along) / 90, 1, 9))
    steps = np.linspace(0, 1, count + 2)[1:-1] + rng.uniform(-0.2, 0.2, count) / (count + 1)
    return tuple(
        (float(x), float(y))
        for x, y in (
            a + step * along + normal * shift for step, shift in zip(steps, _drift(rule, rng, count), strict=True)
        )
    )


def _drift(rule: CutRule, rng: np.random.Generator, count: int) -> Floats:
    """Return sideways shifts: a slow bow with a small wobble."""
    t = np.arange(1, count + 1) / (count + 1)
    return rng.normal(0, rule.bend) * np.sin(np.pi * t) + rng.normal(0, rule.bend / np.sqrt(count), count) * 0.6


def _sound(points: Floats, path: Floats, ends: tuple[End, End]) -> bool:
    """Return whether the path stays inside the ring: it crosses no edge except where it ends."""
    heads = np.roll(points, -1, axis=0)
    n = len(points)
    for k in range(len(path) - 1):
        a, b = path[k], path[k + 1]
        d = b - a
        s1, s2 = _cross(d, points - a), _cross(d, heads - a)
        e = heads - points
        t1, t2 = _cross(e, a - points), _cross(e, b - points)
        hit = (s1 * s2 < 0) & (t1 * t2 < 0)
        for index, at in ((0, 0), (1, len(path) - 2)):
            if k == at:
                position = ends[index].position
                hit[position] = False
                if ends[index].vertex:
                    hit[position - 1] = False
        close = np.abs(s1 / np.hypot(*d)) < 3.0
        along = (points - a) @ d / (d @ d)
        close &= (along > 0.02) & (along < 0.98)
        for end in ends:
            if end.vertex:
                close[end.position % n] = False
        if hit.any() or close.any():
            return False
    within = path[1:-1] if len(path) > 2 else 0.5 * (path[:1] + path[1:])
    return all(_inside(points, heads, place) for place in within)


def _inside(points: Floats, heads: Floats, place: Floats) -> bool:
    """Ray casting."""
    over = (points[:, 1] > place[1]) != (heads[:, 1] > place[1])
    rise = np.where(over, heads[:, 1] - points[:, 1], 1.0)
    x = points[:, 0] + (place[1] - points[:, 1]) / rise * (heads[:, 0] - points[:, 0])
    return bool((over & (x > place[0])).sum() % 2)


def _meeting(planar: Planar, ring: list[int], end: End, toward: Floats) -> tuple[float | None, int]:
    """Return the cost of how a cut meets the edges at its end, and the street it continues (None: too sharp)."""
    place = np.array([end.x, end.y])
    ahead = toward - place
    ahead = ahead / np.hypot(*ahead)
    if end.vertex:
        vertex = ring[end.position]
        arms = [(other, planar.street_of(vertex, other)) for other in planar.around[vertex]]
    else:
        a, b = ring[end.position], ring[(end.position + 1) % len(ring)]
        street = planar.street_of(a, b)
        arms = [(a, street), (b, street)]
    cost, continues = 0.0, NO_STREET
    for other, street in arms:
        arm = np.array(planar.xy[other]) - place
        arm /= np.hypot(*arm)
        cosine = float(arm @ ahead)
        if cosine > 0.72:  # an angle below 44 degrees
            return None, NO_STREET
        cost += max(0.0, abs(cosine) - 0.35) * (0.0 if cosine < -0.92 else 1.0)
        if cosine < -0.93 and street != NO_STREET and len(arms) > 2:
            continues = street
    if all(street == NO_STREET for _, street in arms):
        cost += 0.5  # better to end on a street than on a wall
    return cost, continues


def _share(points: Floats, one: End, two: End, path: Floats) -> float:
    """Return the share of the area on one side of a cut."""
    i, j = one.position, two.position
    order = np.arange(len(points))
    walk = order[i + 1 : j + 1] if i < j else np.concatenate([order[i + 1 :], order[: j + 1]])
    side = np.vstack([path[:1], points[walk], path[::-1][:-1]])
    return abs(_area(side) / _area(points))


def _area(points: Floats) -> float:
    x, y = points[:, 0], points[:, 1]
    return float(0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1)))
