"""The territorial plan of the sample: basic farmland, control lines, planned projects; and the land cover years ago.

Farmland, red lines and the urban boundary do not overlap, as the rule of the three lines asks; some of the projects lie
on farmland or inside a red line, so that there are conflicts to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import Affine

from gridgov.sample.blocks import Block
from gridgov.sample.landcover import Parcels
from gridgov.sample.recipe import Recipe

_TOWN = ("old", "new", "industrial")
_CROPS = ("0101", "0102", "0103")
_FIELD, _GRASS, _WOOD, _WET, _BUILT, _ROAD, _BARE, _PARK = 40, 30, 20, 50, 60, 70, 80, 90


@dataclass(frozen=True, slots=True)
class Planned:
    """Rows of one layer: areas, and the columns beside them."""

    areas: list[shapely.Geometry]
    columns: dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Planning:
    """The three layers of the territorial plan, and the land cover of the earlier year."""

    farmland: Planned
    lines: Planned
    projects: Planned
    earlier_cover: NDArray[np.uint8]


def make_planning(
    blocks: list[Block],
    polygons: NDArray[np.object_],
    layers: dict[str, Parcels],
    cover: tuple[NDArray[np.uint8], Affine],
    recipe: Recipe,
) -> Planning:
    """Draw the plan over the natural resources of the sample."""
    table = recipe.table["planning"]
    farmland, fields = _farmland(layers["land"], recipe, table)
    red = _red_lines(layers, table)
    kinds = np.array([block.zone for block in blocks])
    town = shapely.union_all(polygons[np.isin(kinds, _TOWN)])
    urban = shapely.difference(town.buffer(table["urban_growth_m"]), shapely.union_all([red, fields]))
    lines = _lines({"ecological_redline": red, "urban_boundary": urban}, table)
    projects = _projects(town, fields, red, recipe, table)
    return Planning(farmland, lines, projects, _earlier(blocks, polygons, cover, recipe, table))


def _farmland(land: Parcels, recipe: Recipe, table: dict[str, Any]) -> tuple[Planned, shapely.Geometry]:
    """Return the larger fields of crops as basic farmland, up to the share that the recipe protects."""
    rng = recipe.rng("farmland")
    crops = [k for k, code in enumerate(land.codes) if code in _CROPS]
    order = sorted(crops, key=lambda k: -land.areas[k].area)
    reached = np.cumsum([land.areas[k].area for k in order])
    enough = int(np.searchsorted(reached, table["farmland_share"] * reached[-1])) + 1 if order else 0
    kept = order[:enough]
    kept.sort()
    grades = np.clip(np.round(rng.normal(6.0, 2.0, len(kept))), 1, 15).astype(int).tolist()
    areas = [land.areas[k] for k in kept]
    columns = {"class_code": [land.codes[k] for k in kept], "grade": grades}
    return Planned(areas, columns), shapely.union_all(areas)


def _red_lines(layers: dict[str, Parcels], table: dict[str, Any]) -> shapely.Geometry:
    """Return the hearts of large woods and the wetlands with a strip around."""
    deep = shapely.union_all(layers["forest"].areas).buffer(-table["wood_edge_m"])
    hearts = [part for part in shapely.get_parts(deep) if part.area >= table["least_wood_ha"] * 1e4]
    marshes = [area for area in layers["wetland"].areas if area.area >= table["least_wetland_ha"] * 1e4]
    whole = shapely.union_all([*hearts, *(area.buffer(table["wetland_strip_m"]) for area in marshes)])
    taken = shapely.union_all([*layers["land"].areas, *layers["grassland"].areas])
    return shapely.difference(shapely.simplify(whole, 2.0), taken)


def _lines(shapes: dict[str, shapely.Geometry], table: dict[str, Any]) -> Planned:
    areas: list[shapely.Geometry] = []
    columns: dict[str, list[Any]] = {"category": [], "name": []}
    for category, shape in shapes.items():
        parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 2_000.0]
        for number, part in enumerate(sorted(parts, key=lambda part: -part.area), start=1):
            areas.append(part)
            columns["category"].append(category)
            columns["name"].append(f"{table['line_names'][category]}{number}")
    return Planned(areas, columns)


def _projects(
    town: shapely.Geometry, fields: shapely.Geometry, red: shapely.Geometry, recipe: Recipe, table: dict[str, Any]
) -> Planned:
    """Return rectangles around the towns' edge: most reach into fields, one into a red line if there is any."""
    rng = recipe.rng("projects")
    areas: list[shapely.Geometry] = []
    columns: dict[str, list[Any]] = {"name": [], "category": [], "stage": []}
    edge = max(shapely.get_parts(town), key=lambda part: part.area).exterior
    for name, category, stage, hectares, where in table["projects"]:
        line = _nearest_border(red, town) if where == "redline" else _nearest_border(fields, town)
        side = float(np.sqrt(hectares * 1e4 * recipe.scale["planning_scale"]))
        at = (line if line is not None and where != "town" else edge).interpolate(float(rng.random()), normalized=True)
        box = shapely.box(-side * 0.8, -side / 1.6, side * 0.8, side / 1.6)
        turned = shapely.affinity.rotate(box, float(rng.uniform(0, 90)), origin=(0, 0))
        areas.append(shapely.affinity.translate(turned, at.x, at.y))
        for column, value in zip(columns.values(), (name, category, stage), strict=True):
            column.append(value)
    return Planned(areas, columns)


def _nearest_border(shape: shapely.Geometry, town: shapely.Geometry) -> shapely.Geometry | None:
    """Return the outline of that of the larger parts of a shape which lies nearest to the town."""
    parts = sorted(shapely.get_parts(shape), key=lambda part: -part.area)[:12]
    return min(parts, key=lambda part: float(part.distance(town))).exterior if parts else None


def _earlier(
    blocks: list[Block],
    polygons: NDArray[np.object_],
    cover: tuple[NDArray[np.uint8], Affine],
    recipe: Recipe,
    table: dict[str, Any],
) -> NDArray[np.uint8]:
    """Return the land cover some years ago: what was built since was fields or grass, what is cleared was wood."""
    cells, transform = cover
    rng, past = recipe.rng("earlier cover"), cells.copy()
    before: list[tuple[shapely.Geometry, int]] = []
    for block, polygon in zip(blocks, polygons, strict=True):
        draw = float(rng.random())
        if block.use == "construction" or (block.zone in {"new", "industrial"} and draw < table["built_since"]):
            before.append((polygon, _FIELD if draw < 0.7 * table["built_since"] else _GRASS))
        elif block.zone == "rural" and draw < table["cleared_since"]:
            before.append((polygon, _WOOD))
    if before:
        was = features.rasterize(before, cells.shape, transform=transform, fill=0, dtype=np.uint8)
        built = np.isin(cells, (_BUILT, _BARE, _PARK, _ROAD)) & np.isin(was, (_FIELD, _GRASS))
        cleared = np.isin(cells, (_FIELD, _GRASS)) & (was == _WOOD)
        past[built | cleared] = was[built | cleared]
    return past
