"""What a place is for: how urban it is, of which town, and how fine its blocks are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import Polygon

from gridgov.sample.fields import Field, Floats, fractal
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Course
from gridgov.sample.terrain import Terrain


@dataclass(frozen=True, slots=True)
class Zones:
    """The plan of the district: towns around centres, with ragged edges; hills and farmland around them.

    `block_hectares` is the size to which blocks of a zone are cut; zones that it does not name stay whole.
    """

    towns: tuple[dict[str, Any], ...]
    ragged: Field
    terrain: Terrain
    boundary: Polygon
    block_hectares: dict[str, float]

    def urbanity(self, xy: Floats) -> tuple[Floats, Floats]:
        """Return how urban points are (1 in a centre, 0 at a town's edge, below 0 outside) and the town's index."""
        xy = np.atleast_2d(xy)
        values = [1 - np.hypot(xy[:, 0] - t["x"], xy[:, 1] - t["y"]) / t["radius_m"] for t in self.towns]
        stacked = np.array(values) + self.ragged.at(xy)
        best = stacked.argmax(axis=0)
        return stacked[best, np.arange(len(best))], best

    def kind(self, xy: Floats) -> list[str]:
        """Return the zone of points: old, new, industrial, rural or hill."""
        urban, town = self.urbanity(xy)
        steep = (self.terrain.hill.at(xy) > 0.22) | (self.terrain.slope.at(xy) > 9.0)
        return [
            "hill" if is_steep else self.towns[t]["kind"] if value > -0.06 else "rural"
            for value, t, is_steep in zip(urban, town, steep, strict=True)
        ]

    def old_rings(self) -> list[Polygon]:
        """Return the outlines of the old towns (where the wall stood)."""
        return [Polygon(_rounded(t)) for t in self.towns if t["kind"] == "old"]


def make_zones(recipe: Recipe, course: Course, terrain: Terrain) -> Zones:
    """Place the towns of the recipe and the district's boundary."""
    towns = []
    for town in recipe.scale["towns"]:
        x, y = course.to_xy(np.array(town["u_km"] * 1000.0), np.array(town["w_km"] * 1000.0))
        towns.append(
            {**town, "x": float(x), "y": float(y), "radius_m": town["radius_km"] * 1000.0, "angle": course.angle}
        )
    x, y = terrain.elevation.centres()
    wave = 2.2 * recipe.scale["line_spacing_m"]
    ragged = terrain.elevation.with_values(0.16 * fractal(recipe.rng("ragged"), x, y, wave, 2))
    scale = recipe.scale["block_scale"]
    hectares = {zone: area * scale for zone, area in recipe.table["block_hectares"].items()}
    return Zones(tuple(towns), ragged, terrain, make_boundary(recipe), hectares)


def make_boundary(recipe: Recipe) -> Polygon:
    """Return the district's outline: a rounded rectangle with bays and spurs."""
    rng = recipe.rng("boundary")
    half_x, half_y = (1000.0 * value for value in recipe.scale["half_extent_km"])
    t = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    wobble = np.ones_like(t)
    for k in range(2, 15):
        wobble += 0.13 / k**0.8 * rng.uniform(-1, 1) * np.cos(k * t + rng.uniform(0, 6.28))
    power = 2 / 4.0
    x = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** power * wobble
    y = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** power * wobble
    # scaled so that the outline stays within the half extents
    shape = Polygon(np.stack([half_x * x / np.abs(x).max(), half_y * y / np.abs(y).max()], 1))
    return Polygon(shapely.get_coordinates(shapely.simplify(shapely.segmentize(shape, half_x / 90), 2.0)))


def _rounded(town: dict[str, Any]) -> Floats:
    """Return the ring road of an old town: a soft, slightly squashed quadrangle."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    r = town["radius_m"] * 0.78 * (1 + 0.06 * np.cos(4 * t + 0.4) + 0.05 * np.cos(2 * t + 1.0) + 0.03 * np.cos(3 * t))
    x, y = 1.12 * r * np.cos(t), 0.86 * r * np.sin(t)
    cos, sin = np.cos(town["angle"]), np.sin(town["angle"])
    return np.stack([town["x"] + x * cos - y * sin, town["y"] + x * sin + y * cos], 1)
