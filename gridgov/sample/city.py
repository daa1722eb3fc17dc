"""The whole sample in memory: every step of the recipe in order, pure geometry in local metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from gridgov.sample import planar as partition
from gridgov.sample.blocks import Block, first_blocks, prune, subdivide
from gridgov.sample.grids import Grids, make_grids
from gridgov.sample.hill_roads import add_villages
from gridgov.sample.inner_ways import add_inner_ways
from gridgov.sample.landcover import Parcels, natural_resources, paint
from gridgov.sample.names import name_streets
from gridgov.sample.planar import NO_STREET, Planar
from gridgov.sample.planning import Planning, make_planning
from gridgov.sample.population import assign_uses, settle
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Water, make_course, make_water
from gridgov.sample.roads import Roads, build_roads, drop_islands
from gridgov.sample.skeleton import Street, draw_skeleton
from gridgov.sample.spots import Spots, make_spots
from gridgov.sample.terrain import Terrain, make_terrain
from gridgov.sample.zones import Zones, make_zones

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class City:
    """All parts of the sample, in local metres around the recipe's centre."""

    recipe: Recipe
    water: Water
    terrain: Terrain
    zones: Zones
    streets: list[Street]
    blocks: list[Block]
    polygons: NDArray[np.object_]
    grids: Grids
    roads: Roads
    spots: Spots
    layers: dict[str, Parcels]
    land_cover: NDArray[np.uint8]
    land_cover_transform: Affine
    planning: Planning


def make_city(recipe: Recipe, progress: Progress) -> City:
    """Make the sample of the recipe's size. `progress` gets a step's name and the share done."""
    progress("terrain", 0.0)
    water = make_water(recipe, make_course(recipe))
    terrain = make_terrain(recipe, water)
    zones = make_zones(recipe, water.course, terrain)
    progress("streets", 0.08)
    skeleton = draw_skeleton(recipe, water, terrain, zones)
    add_villages(skeleton, recipe, water, terrain, zones)
    planar, rings = partition.build(skeleton.lines)
    progress("blocks", 0.15)
    blocks = first_blocks(rings, planar, water, zones, skeleton)
    prune(planar, skeleton, zones)
    blocks = assign_uses(subdivide(blocks, planar, skeleton, recipe, zones), planar, recipe)
    blocks = add_inner_ways(blocks, planar, skeleton, recipe)
    drop_islands(planar)
    name_streets(skeleton.streets, _lengths(planar), recipe)
    polygons = np.array([planar.polygon(block.ring) for block in blocks], dtype=object)
    progress("grids", 0.40)
    people = settle(blocks, polygons, recipe, zones)
    grids = make_grids(blocks, polygons, planar, skeleton, people, recipe)
    progress("roads", 0.50)
    roads = build_roads(planar, skeleton, water, recipe)
    spots = make_spots(roads, skeleton.streets, polygons, water)
    progress("land cover", 0.58)
    layers = natural_resources(blocks, polygons, water, terrain, zones, recipe)
    cover, transform = paint(terrain.elevation, blocks, polygons, layers, roads, water, zones)
    planning = make_planning(blocks, polygons, layers, (cover, transform), recipe)
    return City(
        recipe, water, terrain, zones, skeleton.streets, blocks, polygons, grids, roads, spots, layers, cover,
        transform, planning,
    )  # fmt: skip


def _lengths(planar: Planar) -> dict[int, float]:
    """Return the length of every street."""
    lengths: dict[int, float] = {}
    for (a, b), street in planar.street.items():
        if street != NO_STREET:
            (x0, y0), (x1, y1) = planar.xy[a], planar.xy[b]
            lengths[street] = lengths.get(street, 0.0) + float(np.hypot(x1 - x0, y1 - y0))
    return lengths
