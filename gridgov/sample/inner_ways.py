"""Ways inside blocks: lanes of housing compounds, campus roads and park paths. They divide no block."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, Polygon

from gridgov.sample.blocks import Block
from gridgov.sample.fields import Floats
from gridgov.sample.planar import NO_STREET, Planar
from gridgov.sample.recipe import Recipe
from gridgov.sample.skeleton import Skeleton, Street

_ENTERED = {"secondary", "tertiary", "residential", "living_street", "service", "unclassified"}
_MIN_EDGE_M = 44.0

Door = tuple[int, int, float, float]  # an edge's two vertices and the place on it


def add_inner_ways(blocks: list[Block], planar: Planar, skeleton: Skeleton, recipe: Recipe) -> list[Block]:
    """Lay ways into blocks by the recipe's shares and return the blocks with up-to-date rings."""
    rng, shares = recipe.rng("inner ways"), recipe.table["inner_ways"]
    for block in blocks:
        kind = (
            "park" if block.use == "park" else "campus" if block.use in {"campus", "school", "factory"} else "compound"
        )
        if block.zone not in {"old", "new", "industrial"} or rng.uniform() > shares[kind]:
            continue
        ring = planar.fresh(block.ring)
        polygon = planar.polygon(ring)
        if polygon.area < 1e4 * shares["least_hectares"]:
            continue
        klass = "footway" if kind == "park" else "service"
        skeleton.streets.append(Street(klass, "inner", town=block.town))
        _lay(planar, ring, polygon, _doors(planar, skeleton, ring, rng), len(skeleton.streets) - 1, kind, rng)
    return [replace(block, ring=planar.fresh(block.ring)) for block in blocks]


def _doors(planar: Planar, skeleton: Skeleton, ring: list[int], rng: np.random.Generator) -> list[Door]:
    """Return places for gates: near the middle of street edges, one on each side of the block, longest first."""
    doors: list[tuple[float, Door, float]] = []
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        street = planar.street_of(a, b)
        (x0, y0), (x1, y1) = planar.xy[a], planar.xy[b]
        length = float(np.hypot(x1 - x0, y1 - y0))
        if street != NO_STREET and skeleton.streets[street].klass in _ENTERED and length >= _MIN_EDGE_M:
            t = rng.uniform(0.4, 0.6)
            heading = float(np.arctan2(y1 - y0, x1 - x0))
            doors.append((length, (a, b, x0 + t * (x1 - x0), y0 + t * (y1 - y0)), heading))
    chosen: list[tuple[Door, float]] = []
    for _, door, heading in sorted(doors, key=lambda item: -item[0]):
        if all(np.cos(heading - other) < 0.6 for _, other in chosen):
            chosen.append((door, heading))
    return [door for door, _ in chosen]


def _lay(
    planar: Planar,
    ring: list[int],
    polygon: Polygon,
    doors: list[Door],
    street: int,
    kind: str,
    rng: np.random.Generator,
) -> None:
    """Lay a dead end, a way through, or a ring with gates, as the kind and the gates allow."""
    inner = polygon.buffer(-12)
    if not doors or inner.is_empty or inner.geom_type != "Polygon":
        return
    pick = rng.uniform()
    if kind != "compound" or (pick < 0.35 and polygon.area > 2.2e4):
        _lay_ring(planar, polygon, doors[: 3 if kind == "park" else 2], street)
    elif pick < 0.75 and len(doors) >= 2:
        _lay_through(planar, polygon, doors, street)
    else:
        _lay_dead_end(planar, polygon, doors[0], street, rng)


def _gate(planar: Planar, door: Door) -> int:
    return planar.cut_edge(*door)


def _lay_through(planar: Planar, polygon: Polygon, doors: list[Door], street: int) -> None:
    """Join two gates by a bent lane."""
    one, two = doors[0], doors[1]
    middle = np.array(polygon.centroid.coords[0])
    path = LineString([one[2:], middle, two[2:]])
    if not shapely.contains(polygon.buffer(0.01), path):
        return
    vertices = [_gate(planar, one), planar.add_vertex(*middle), _gate(planar, two)]
    for a, b in pairwise(vertices):
        planar.add_edge(a, b, street)


def _lay_dead_end(planar: Planar, polygon: Polygon, door: Door, street: int, rng: np.random.Generator) -> None:
    """Lead a lane from a gate towards the middle."""
    start, middle = np.array(door[2:]), np.array(polygon.centroid.coords[0])
    end = start + (middle - start) * rng.uniform(0.8, 1.15)
    if shapely.contains(polygon.buffer(-8), shapely.Point(end)) and shapely.contains(
        polygon.buffer(0.01), LineString([start, end])
    ):
        planar.add_edge(_gate(planar, door), planar.add_vertex(*end), street)


def _lay_ring(planar: Planar, polygon: Polygon, doors: list[Door], street: int) -> None:
    """Lay a rounded ring in the middle and join it to the gates."""
    width = float(np.sqrt(polygon.area))
    core = polygon.buffer(-0.33 * width)
    if core.is_empty or core.geom_type != "Polygon" or core.area < 60:
        return
    loop = shapely.get_coordinates(shapely.simplify(core.buffer(0.14 * width, quad_segs=3), 1.5))[:-1]
    if len(loop) < 4:
        return
    joins = {_nearest(loop, door) for door in doors}
    if any(
        not shapely.contains(polygon.buffer(0.01), LineString([door[2:], loop[_nearest(loop, door)]])) for door in doors
    ):
        return
    vertices = [planar.add_vertex(*place) for place in loop]
    for a, b in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        planar.add_edge(a, b, street)
    for door in doors:
        if _nearest(loop, door) in joins:
            joins.discard(_nearest(loop, door))
            planar.add_edge(_gate(planar, door), vertices[_nearest(loop, door)], street)


def _nearest(loop: Floats, door: Door) -> int:
    return int(np.argmin(np.hypot(loop[:, 0] - door[2], loop[:, 1] - door[3])))
