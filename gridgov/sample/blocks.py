"""Blocks: faces between the main streets are cut, again and again, into blocks by local streets.

The recursive subdivision of procedural city modelling (Parish and Müller 2001; Vanegas and others 2012), on a shared
partition: a new street prefers to end where a street on the other side of the road begins, and then continues it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import Polygon

from gridgov.sample.cuts import Cut, CutRule, best_cut, make_cut
from gridgov.sample.planar import NO_STREET, Planar
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Water
from gridgov.sample.skeleton import Skeleton, Street
from gridgov.sample.zones import Zones

_TOWN = {"old", "new", "industrial", "village"}


@dataclass(frozen=True, slots=True)
class Block:
    """A face of the partition: its ring of vertices, its zone and what it is used for."""

    ring: list[int]
    zone: str
    town: int
    use: str = ""


def first_blocks(rings: list[list[int]], planar: Planar, water: Water, zones: Zones, skeleton: Skeleton) -> list[Block]:
    """Say what each face of the first drawing is; faces outside the district are left out."""
    polygons = [planar.polygon(ring) for ring in rings]
    points = np.array([polygon.representative_point() for polygon in polygons])
    inside = shapely.contains(zones.boundary, points)
    xy = shapely.get_coordinates(points)
    _, towns = zones.urbanity(xy)
    walls = [shapely.get_coordinates(wall) for wall in water.embankments]
    strip = Polygon(np.vstack([walls[0], walls[1][::-1]]))
    lakes = shapely.union_all([lake for _, lake in water.lakes])
    villages = shapely.union_all(skeleton.villages)
    kinds = np.array([_typical(zones, polygon) for polygon in polygons], dtype=object)
    for name, area in (
        ("village", villages),
        ("corridor", skeleton.corridor),
        ("strip", strip),
        ("lake", lakes),
        ("river", water.river),
    ):
        kinds[shapely.contains(area, points)] = name
    old = shapely.union_all(zones.old_rings())
    kinds[shapely.contains(old, points) & (kinds == "new")] = "old"
    return [Block(rings[i], str(kinds[i]), int(towns[i])) for i in np.flatnonzero(inside)]


def _typical(zones: Zones, polygon: Polygon) -> str:
    """Return the zone that most sample points of a face have."""
    west, south, east, north = polygon.bounds
    x, y = np.meshgrid(np.linspace(west, east, 9)[1:-1], np.linspace(south, north, 9)[1:-1])
    keep = shapely.contains_xy(polygon, x.ravel(), y.ravel())
    xy = (
        np.stack([x.ravel()[keep], y.ravel()[keep]], 1)
        if keep.any()
        else np.array(polygon.representative_point().coords)
    )
    kinds = zones.kind(xy)
    return max(sorted(set(kinds)), key=kinds.count)


def prune(planar: Planar, skeleton: Skeleton, zones: Zones) -> None:
    """Take back main streets that lead nowhere: ends of degree one that are not on the district's edge."""
    keep = {"hill", "trail", "village"}
    outer = shapely.boundary(zones.boundary)
    shapely.prepare(outer)
    loose = [vertex for vertex in range(len(planar.xy)) if planar.street_degree(vertex) == 1]
    while loose:
        vertex = loose.pop()
        if planar.street_degree(vertex) != 1 or shapely.dwithin(outer, shapely.Point(planar.xy[vertex]), 2.0):
            continue
        other = next(v for v in planar.around[vertex] if planar.street_of(vertex, v) != NO_STREET)
        key = (min(vertex, other), max(vertex, other))
        if skeleton.streets[planar.street[key]].family in keep:
            continue
        planar.street[key] = NO_STREET
        loose.append(other)


def subdivide(blocks: list[Block], planar: Planar, skeleton: Skeleton, recipe: Recipe, zones: Zones) -> list[Block]:
    """Cut all blocks down to the size their zone asks for; new streets are added to the skeleton's list."""
    rng = recipe.rng("blocks")
    trails = [
        line.geometry for line in skeleton.lines if line.kind == "street" and _family(skeleton, line.street) == "trail"
    ]
    tree = shapely.STRtree(trails)
    done: list[Block] = []
    stack = sorted(blocks, key=lambda block: planar.polygon(block.ring).area)
    while stack:
        block = stack.pop()
        block = replace(block, ring=planar.fresh(block.ring))
        parts = _divide(block, planar, skeleton, rng, zones, tree)
        if parts:
            stack += parts
        else:
            done.append(block)
    return [replace(block, ring=planar.fresh(block.ring)) for block in done]


def _family(skeleton: Skeleton, street: int) -> str:
    return skeleton.streets[street].family


def _divide(
    block: Block, planar: Planar, skeleton: Skeleton, rng: np.random.Generator, zones: Zones, trails: shapely.STRtree
) -> list[Block]:
    """Cut a block in two, or return nothing when it is small enough or becomes a park, a lake shore, a campus."""
    if block.zone not in zones.block_hectares or block.use:
        return []
    polygon = planar.polygon(block.ring)
    hectares = polygon.area / 1e4
    goal = zones.block_hectares[block.zone] * _coarser(block, polygon, zones)
    if hectares < goal * rng.uniform(0.75, 1.75):
        return []
    if block.zone in _TOWN and (use := _reserved(block, hectares, rng)):
        return [replace(block, use=use)]
    rule = _rule(block, hectares, goal)
    cut = best_cut(planar, block.ring, polygon, rule, rng)
    if cut is None:
        return []
    street = _street_for(block, hectares, goal, cut, planar, skeleton, rng)
    if street != NO_STREET and len(trails.geometries) and len(trails.query(polygon, predicate="intersects")):
        street = NO_STREET
    return [replace(block, ring=ring) for ring in make_cut(planar, block.ring, cut, street)]


def _coarser(block: Block, polygon: Polygon, zones: Zones) -> float:
    """Blocks grow towards the edge of a town."""
    if block.zone not in {"new", "industrial", "old"}:
        return 1.0
    urban = float(zones.urbanity(np.array(polygon.representative_point().coords))[0][0])
    return float(np.clip(1.75 - 1.5 * urban, 0.8, 1.9)) if block.zone != "old" else 1.0


def _reserved(block: Block, hectares: float, rng: np.random.Generator) -> str:
    """Keep some larger blocks whole: parks and campuses."""
    if block.zone == "new" and 4.0 < hectares < 14.0:
        pick = rng.uniform()
        return "park" if pick < 0.045 else "campus" if pick < 0.075 else ""
    if block.zone == "old" and 1.6 < hectares < 4.0 and rng.uniform() < 0.04:
        return "park"
    return ""


def _rule(block: Block, hectares: float, goal: float) -> CutRule:
    """Return how straight and how regular streets of a zone are."""
    if block.zone in {"old", "village"}:
        return CutRule(spread=0.17, skew_degrees=7.0, bend=0.05, snap_m=22.0, gap_m=20.0, shortest_m=24.0)
    if block.zone in {"rural", "hill"}:
        return CutRule(spread=0.14, skew_degrees=12.0, bend=0.07, snap_m=60.0, gap_m=40.0, shortest_m=70.0)
    return CutRule(spread=0.10, skew_degrees=1.0, bend=0.0, snap_m=34.0, gap_m=30.0, shortest_m=45.0)


def _street_for(
    block: Block, hectares: float, goal: float, cut: Cut, planar: Planar, skeleton: Skeleton, rng: np.random.Generator
) -> int:
    """Return the street a cut becomes: the one it continues, or a new one; or none (a wall, a field's edge)."""
    klass = _klass(block, hectares, goal, rng)
    if not klass:
        return NO_STREET
    for street in cut.continues:
        known = skeleton.streets[street]
        if known.klass == klass and not known.dual and known.family in {"local", "village"}:
            return street
    skeleton.streets.append(Street(klass, "village" if block.zone == "village" else "local", town=block.town))
    return len(skeleton.streets) - 1


def _klass(block: Block, hectares: float, goal: float, rng: np.random.Generator) -> str:
    """Return the class of a new street by the size of the block it divides; empty for no street."""
    size = hectares / goal
    chance = rng.uniform()
    if block.zone == "hill":
        return ""
    if block.zone == "rural":
        return "" if hectares < 45 or chance < 0.3 else "unclassified" if hectares > 140 else "track"
    if block.zone == "village":
        return "living_street" if chance < 0.8 else "footway"
    if block.zone == "old":
        return "residential" if size > 9 else "living_street" if size > 2.6 or chance < 0.7 else "footway"
    if block.zone == "industrial":
        return "tertiary" if size > 5 else "residential" if size > 2.2 else "service" if chance < 0.6 else ""
    return "tertiary" if size > 5.5 else "residential" if size > 2.4 else "service" if chance < 0.8 else ""
