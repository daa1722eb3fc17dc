"""Natural resources and land cover: forest, grassland, fields, wetland and water as areas, and the 10 m raster of them.

The raster is painted from the very areas that are written as layers, so that both agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import Affine, from_origin
from shapely import Polygon

from gridgov.sample.blocks import Block
from gridgov.sample.fields import Field, fractal
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Water
from gridgov.sample.roads import Roads
from gridgov.sample.terrain import Terrain
from gridgov.sample.zones import Zones

CELL_M = 10.0
_LAYERS = ("water", "forest", "grassland", "wetland", "land")
_ROAD_HALF_M = {
    "motorway": 13.0,
    "primary": 11.0,
    "secondary": 9.0,
    "tertiary": 7.0,
    "unclassified": 4.5,
    "motorway_link": 5.0,
    "residential": 5.5,
}
_MIN_M2 = 900.0


@dataclass(slots=True)
class Parcels:
    """Areas of one natural-resource layer with the code of their class (GB/T 21010) and an own name, if any."""

    areas: list[Polygon] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, shape: shapely.Geometry, code: str, name: str = "") -> None:
        """Add all polygons of a shape; slivers are left out."""
        for part in shapely.get_parts(shapely.set_precision(shape, 0.01)):
            if part.geom_type == "Polygon" and part.area >= _MIN_M2:
                self.areas.append(part)
                self.codes.append(code)
                self.names.append(name)

    def union(self) -> shapely.Geometry:
        """Return all areas together."""
        return shapely.union_all(np.array(self.areas, dtype=object))


def natural_resources(
    blocks: list[Block], polygons: NDArray[np.object_], water: Water, terrain: Terrain, zones: Zones, recipe: Recipe
) -> dict[str, Parcels]:
    """Return the layers water, forest, grassland, wetland and land; no two of them overlap."""
    layers = {name: Parcels() for name in _LAYERS}
    kinds = np.array([block.zone for block in blocks])
    bounds = zones.boundary
    wet = shapely.intersection(water.surface(), bounds)
    _add_water(layers["water"], water, bounds)
    open_land = shapely.coverage_union_all(polygons[np.isin(kinds, ["rural", "hill"])])
    strips = polygons[kinds == "strip"]
    urban = zones.urbanity(shapely.get_coordinates(shapely.centroid(strips)))[0] if len(strips) else np.empty(0)
    inland = shapely.intersection(_marsh(recipe, terrain), open_land)
    marsh = shapely.union_all([*strips[urban < 0.0], *water.sandbanks, inland])
    marsh = shapely.difference(_clean(shapely.intersection(marsh, bounds)), wet)
    layers["wetland"].add(marsh, "1106", "滨江湿地")
    forest = _forest(recipe, terrain)
    dry_open = shapely.difference(open_land, shapely.union_all([wet, marsh]))
    wood = shapely.intersection(
        shapely.union_all([forest, *water.islands]), shapely.union_all([dry_open, *water.islands])
    )
    layers["forest"].add(_clean(wood), "0301")
    bare_hills = shapely.difference(dry_open, layers["forest"].union().buffer(0.01))
    _add_fields(layers, blocks, polygons, bare_hills, terrain, recipe)
    return layers


def _add_water(parcels: Parcels, water: Water, bounds: Polygon) -> None:
    dry = shapely.union_all([*water.islands, *water.sandbanks])
    parcels.add(shapely.intersection(shapely.difference(water.river, dry), bounds), "1101", "临江")
    for stream, name in zip(water.streams, ("青溪", "沙河", "石溪", "龙溪"), strict=False):
        shape = shapely.difference(
            stream.buffer(water.stream_width_m / 2),
            shapely.union_all([water.river, *(lake for _, lake in water.lakes)]),
        )
        parcels.add(shapely.intersection(shape, bounds), "1101", name)
    for name, lake in water.lakes:
        parcels.add(shapely.intersection(lake, bounds), "1103" if "水库" in name else "1102", name)


def _forest(recipe: Recipe, terrain: Terrain) -> shapely.Geometry:
    """Return woods: on hills and steep ground, with clearings; outlines of the 30 m raster, rounded."""
    x, y = terrain.elevation.centres()
    patchy = fractal(recipe.rng("forest"), x, y, 900.0 * recipe.scale["hills"]["foot_scale"], 4)
    mask = (terrain.hill.cells * 2.2 + terrain.slope.cells / 18 + 0.85 * patchy) > 0.72
    mask |= (patchy > 0.92) & (terrain.hill.cells > 0.02)
    return _outlines(mask, terrain.elevation)


def _marsh(recipe: Recipe, terrain: Terrain) -> shapely.Geometry:
    """Return marshes: here and there on low ground behind the banks."""
    x, y = terrain.elevation.centres()
    patchy = fractal(recipe.rng("marsh"), x, y, 1100.0 * recipe.scale["hills"]["foot_scale"], 3)
    near = terrain.water_distance.cells / recipe.scale["river"]["width_m"]
    return _outlines((patchy - 1.1 * near > 0.05) & (terrain.slope.cells < 4.0), terrain.elevation)


def _outlines(mask: NDArray[np.bool_], base: Field) -> shapely.Geometry:
    """Return the mask's areas as rounded polygons."""
    transform = from_origin(base.west, base.north, base.cell_m, base.cell_m)
    found = features.shapes(mask.astype(np.uint8), mask=mask, transform=transform)
    shapes = [shapely.geometry.shape(item) for item, _ in found]
    joined = shapely.union_all(shapes)
    smooth = joined.buffer(base.cell_m * 0.9).buffer(-base.cell_m * 1.8).buffer(base.cell_m * 0.9)
    return shapely.simplify(smooth, 4.0)


def _clean(shape: shapely.Geometry) -> shapely.Geometry:
    """Remove threads and specks."""
    return shapely.make_valid(shapely.simplify(shape.buffer(-4).buffer(4), 1.0))


def _add_fields(
    layers: dict[str, Parcels],
    blocks: list[Block],
    polygons: NDArray[np.object_],
    ground: shapely.Geometry,
    terrain: Terrain,
    recipe: Recipe,
) -> None:
    """Cut the open ground of every rural block into fields; steep or high remains become grassland."""
    rng, table = recipe.rng("fields"), recipe.table["fields"]
    x, y = terrain.elevation.centres()
    mood = terrain.elevation.with_values(fractal(recipe.rng("crops"), x, y, 1800.0, 3))
    parts = np.array(shapely.get_parts(ground))
    tree = shapely.STRtree(parts)
    for block, polygon in zip(blocks, polygons, strict=True):
        if block.zone not in {"rural", "hill"}:
            continue
        near = parts[tree.query(polygon, predicate="intersects")]
        mine = shapely.intersection(shapely.union_all(near), polygon) if len(near) else Polygon()
        pieces = [p for p in shapely.get_parts(mine) if p.geom_type == "Polygon" and p.area > _MIN_M2]
        goal = table["hectares"] * 1e4 * (2.0 if block.zone == "hill" else 1.0)
        for field_area in [f for piece in pieces for f in _halved(piece, goal, rng)]:
            if field_area.area < _MIN_M2:
                continue
            place = np.array(field_area.representative_point().coords)
            steep, hill = float(terrain.slope.at(place)[0]), float(terrain.hill.at(place)[0])
            near_water = float(terrain.water_distance.at(place)[0])
            code = _field_class(steep, hill, near_water, float(mood.at(place)[0]) + rng.normal(0, 0.22))
            layers["grassland" if code.startswith("04") else "land"].add(field_area, code)


def _field_class(slope: float, hill: float, water_m: float, mood: float) -> str:
    """Return the class of a field: rice, vegetables and dry fields on the plain, orchards and tea on slopes."""
    if slope > 10 or (hill > 0.1 and mood > 0.45):
        return "0401" if slope > 18 else "0404"
    if hill > 0.03 or slope > 5:
        return "0202" if mood > 0.15 else "0201" if mood > -0.45 else "0103"
    if mood > 0.5:
        return "0201"
    if mood < -0.42:
        return "0103"
    return "0101" if mood < 0.12 or water_m > 900 else "0102"


def _halved(polygon: Polygon, goal_m2: float, rng: np.random.Generator) -> list[Polygon]:
    """Cut a polygon across its longer axis until its parts are no larger than about the goal."""
    stack, done = [polygon], []
    while stack:
        piece = stack.pop()
        if piece.area < goal_m2 * rng.uniform(0.7, 1.5):
            done.append(piece)
            continue
        box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(piece))
        one, two = box[1] - box[0], box[3] - box[0]
        if np.hypot(*one) < np.hypot(*two):
            one, two = two, one
        share = rng.uniform(0.4, 0.6)
        corner = box[0] - 0.01 * one - 0.01 * two
        half = Polygon([corner, corner + one * share, corner + one * share + two * 1.02, corner + two * 1.02])
        for part in (shapely.intersection(piece, half), shapely.difference(piece, half)):
            stack += [p for p in shapely.get_parts(part) if p.geom_type == "Polygon" and p.area > 50]
    return done


def paint(
    base: Field,
    blocks: list[Block],
    polygons: NDArray[np.object_],
    layers: dict[str, Parcels],
    roads: Roads,
    water: Water,
    zones: Zones,
) -> tuple[NDArray[np.uint8], Affine]:
    """Paint the land cover raster on 10 m cells of the same extent as `base`."""
    factor = int(base.cell_m / CELL_M)
    shape = (base.cells.shape[0] * factor, base.cells.shape[1] * factor)
    transform = from_origin(base.west, base.north, CELL_M, CELL_M)
    cover = _outer_cover(base, factor)

    def burn(areas: list[shapely.Geometry] | NDArray[np.object_], value: int) -> None:
        usable = [(area, value) for area in areas if not area.is_empty]
        if usable:
            features.rasterize(usable, out=cover, transform=transform)

    kinds = np.array([block.zone for block in blocks])
    uses = np.array([block.use for block in blocks])
    burn(polygons[kinds == "rural"], 40)
    burn(polygons[kinds == "hill"], 30)
    for name, value in (("land", 40), ("grassland", 30), ("forest", 20), ("wetland", 50)):
        burn(list(layers[name].areas), value)
    burn(polygons[np.isin(kinds, ["old", "new", "industrial", "village"])], 60)
    urban = zones.urbanity(shapely.get_coordinates(shapely.centroid(polygons)))[0]
    burn(polygons[(uses == "park") | ((kinds == "strip") & (urban >= 0.0))], 90)
    burn(polygons[uses == "construction"], 80)
    burn(polygons[kinds == "corridor"], 30)
    burn(_road_areas(roads), 70)
    burn([shapely.intersection(water.river, zones.boundary.buffer(5e3))], 10)
    burn([*water.islands], 20)
    burn([*water.sandbanks], 50)
    burn([water.stream_area(), *(lake for _, lake in water.lakes)], 10)
    burn(_road_areas(roads, bridges=True), 70)
    assert cover.shape == shape
    return cover, transform


def _outer_cover(base: Field, factor: int) -> NDArray[np.uint8]:
    """Return the cover of what lies outside the district: woods on high ground, fields below."""
    high = base.cells > 45.0
    return np.repeat(np.repeat(np.where(high, 20, 40).astype(np.uint8), factor, 0), factor, 1)


def _road_areas(roads: Roads, *, bridges: bool = False) -> list[shapely.Geometry]:
    lines = roads.lines()
    widths = np.array([_ROAD_HALF_M.get(way.klass, 0.0) for _, _, way in roads.edges])
    keep = (widths > 0) & np.array([way.bridge == bridges and not way.tunnel for _, _, way in roads.edges])
    return list(shapely.buffer(lines[keep], widths[keep], quad_segs=1, cap_style="square"))
