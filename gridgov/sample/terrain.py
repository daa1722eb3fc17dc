"""The ground: flood plain, terraces and ridged hills, carved by the river and its streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from scipy import ndimage

from gridgov.sample.fields import Field, Floats, empty_field, fractal, noise, ridged, smoothstep
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Course, Water

CELL_M = 30.0


@dataclass(frozen=True, slots=True)
class Terrain:
    """Elevation (m), slope (degrees), share of hill (0 … 1) and distance to open water (m) on the 30 m raster."""

    elevation: Field
    slope: Field
    hill: Field
    water_distance: Field


def make_terrain(recipe: Recipe, water: Water) -> Terrain:
    """Shape the ground for the recipe's size."""
    half_x, half_y = (1000 * value + 300 for value in recipe.scale["half_extent_km"])
    base = empty_field(half_x, half_y, CELL_M)
    x, y = base.centres()
    course = water.course
    u, w = course.to_uw(np.stack([x, y], axis=-1))
    to_stream = _distance(base, water.stream_area())
    to_water = _distance(base, shapely.union_all([water.river, *(lake for _, lake in water.lakes)]))
    hill = _hill_share(recipe, course, (x, y), (u, w)) * _valley(to_stream, recipe.scale["river"]["stream_sway_m"])
    hill *= smoothstep(to_water, 60.0, 400.0 * recipe.scale["hills"]["foot_scale"])
    elevation = _plain(recipe, (x, y), u, to_water) + _relief(recipe, (x, y), hill)
    elevation = ndimage.gaussian_filter(elevation, 0.7)
    elevation = _carve(base, elevation, water, u)
    field = base.with_values(elevation)
    return Terrain(field, field.slope_degrees(), base.with_values(hill), base.with_values(to_water))


def _distance(base: Field, area: shapely.Geometry) -> Floats:
    """Distance to an area in metres, on the raster."""
    x, y = base.centres()
    shapely.prepare(area)
    inside = shapely.contains_xy(area, x, y)
    line = shapely.segmentize(area.boundary, base.cell_m / 2)
    points = shapely.get_coordinates(line)
    column = ((points[:, 0] - base.west) / base.cell_m).astype(int)
    row = ((base.north - points[:, 1]) / base.cell_m).astype(int)
    keep = (row >= 0) & (row < inside.shape[0]) & (column >= 0) & (column < inside.shape[1])
    inside[row[keep], column[keep]] = True
    return np.asarray(ndimage.distance_transform_edt(~inside)) * base.cell_m


def _hill_share(recipe: Recipe, course: Course, xy: tuple[Floats, Floats], uw: tuple[Floats, Floats]) -> Floats:
    """Return where the hills stand: beyond their foot lines north and south, and isolated massifs."""
    table, rng = recipe.scale["hills"], recipe.rng("hills")
    u, w = uw
    ragged = table["ragged_m"] * fractal(rng, *xy, table["ragged_m"] * 4.5, 3)
    share = np.zeros_like(u)
    for foot in table["feet"]:
        side = 1.0 if foot["w_km"] > 0 else -1.0
        line = abs(foot["w_km"]) * 1000 + foot.get("lean", 0.0) * u
        share = np.maximum(share, smoothstep(side * w + ragged - line, 0.0, foot["ramp_m"]))
    for massif in table["massifs"]:
        centre = course.to_xy(np.array(massif["u_km"] * 1000.0), np.array(massif["w_km"] * 1000.0))
        away = np.hypot(xy[0] - centre[0], xy[1] - centre[1]) + 0.6 * ragged
        share = np.maximum(
            share, massif["height"] * (1 - smoothstep(away, 0.1 * massif["radius_m"], massif["radius_m"]))
        )
    return share


def _valley(to_stream: Floats, sway_m: float) -> Floats:
    """Return the factor that opens a valley along streams."""
    return np.asarray(0.12 + 0.88 * smoothstep(to_stream, sway_m * 1.2, sway_m * 1.2 + 750.0))


def _plain(recipe: Recipe, xy: tuple[Floats, Floats], u: Floats, to_water: Floats) -> Floats:
    """Return the ground without hills: the flood plain rises by terraces away from the water and falls downstream."""
    rng = recipe.rng("plain")
    rise = 2.2 * smoothstep(to_water, 20, 160) + 4.5 * smoothstep(to_water, 250, 1400) + 0.0022 * to_water
    return np.asarray(9.0 + rise - 0.00025 * u + 1.1 * fractal(rng, *xy, 1500.0, 4))


def _relief(recipe: Recipe, xy: tuple[Floats, Floats], hill: Floats) -> Floats:
    """Return the height of the hills above the plain."""
    table, rng = recipe.scale["hills"], recipe.rng("relief")
    shape = ridged(rng, *xy, table["ridge_wavelength_m"], 6)
    swell = 0.75 + 0.25 * noise(rng, *xy, table["ridge_wavelength_m"] * 1.7)
    return np.asarray(table["height_m"] * hill**1.15 * (0.16 + 0.84 * shape) * swell)


def _carve(base: Field, elevation: Floats, water: Water, u: Floats) -> Floats:
    """Lower the ground to the water, level the lakes, and let banks, islands and stream beds join it softly."""
    x, y = base.centres()
    river_level = 6.0 - 0.00025 * u
    bed = np.where(shapely.contains_xy(water.river, x, y), river_level, elevation)
    for shape in (*water.islands, *water.sandbanks):
        bed = np.where(shapely.contains_xy(shape, x, y), river_level + 2.6, bed)
    for _, lake in water.lakes:
        inside = shapely.contains_xy(lake, x, y)
        if inside.any():
            level = float(np.quantile(elevation[inside], 0.15))
            near = np.exp(-_distance(base, lake) / 90.0)
            bed = np.where(inside, level, bed * (1 - near) + np.maximum(bed, level + 1.0) * near)
    to_stream = _distance(base, water.stream_area())
    return np.asarray(bed - 2.5 * np.exp(-to_stream / 35.0) * (to_stream < 150) * (bed > river_level + 3.5))


def summits(terrain: Terrain, *, spacing_m: float, minimum_m: float) -> list[dict[str, Any]]:
    """Return local high points of the hills, highest first: x, y, elevation."""
    values, cell = terrain.elevation.cells, terrain.elevation.cell_m
    window = int(spacing_m / cell) | 1
    peak = (values == ndimage.maximum_filter(values, window)) & (values > minimum_m)
    rows, columns = np.nonzero(peak)
    x, y = terrain.elevation.centres()
    found = [
        {"x": float(x[r, c]), "y": float(y[r, c]), "elevation": float(values[r, c])}
        for r, c in zip(rows, columns, strict=True)
    ]
    return sorted(found, key=lambda item: -item["elevation"])
