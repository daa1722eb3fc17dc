"""The river: its course, the coordinates that follow it, banks, islands, the tributary and the lakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from scipy.interpolate import CubicSpline
from shapely import LineString, Polygon

from gridgov.sample.fields import Floats
from gridgov.sample.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Course:
    """Curved coordinates (u along the river, w across it; w > 0 on the left bank, here the north) in metres.

    The centreline is v = bend(u) in a frame turned by `angle`. Lines u = constant meet the river at right angles,
    lines w = constant follow it; both straighten away from the river.
    """

    angle: float
    heights_m: Floats
    waves_m: Floats
    phases: Floats

    def bend(self, u: Floats, away_m: Floats) -> Floats:
        """Return the sideways shift of the line that runs `away_m` from the river."""
        u, away = np.asarray(u, float)[..., None], np.abs(np.asarray(away_m, float))[..., None]
        fade = np.exp(-away / (0.75 * self.waves_m))
        return np.asarray((self.heights_m * fade * np.sin(2 * np.pi * u / self.waves_m + self.phases)).sum(-1))

    def _lean(self, u: Floats) -> Floats:
        """Slope of the longest wave, which the crossing lines answer by leaning."""
        wave, height, phase = self.waves_m[0], self.heights_m[0], self.phases[0]
        return np.asarray(height * 2 * np.pi / wave * np.cos(2 * np.pi * u / wave + phase))

    def to_xy(self, u: Floats, w: Floats) -> Floats:
        """Return local metres, shape (..., 2)."""
        u, w = np.broadcast_arrays(np.asarray(u, float), np.asarray(w, float))
        shifted = u - w * np.exp(-np.abs(w) / (0.3 * self.waves_m[0])) * self._lean(u)
        v = w + self.bend(u, w)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack([shifted * cos - v * sin, shifted * sin + v * cos], axis=-1)

    def to_uw(self, xy: Floats) -> tuple[Floats, Floats]:
        """Return u and w of points by fixed-point iteration (a metre or two is enough for fields)."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        flat, v = xy[..., 0] * cos + xy[..., 1] * sin, -xy[..., 0] * sin + xy[..., 1] * cos
        u, w = flat.copy(), v.copy()
        for _ in range(6):
            w = v - self.bend(u, w)
            u = flat + w * np.exp(-np.abs(w) / (0.3 * self.waves_m[0])) * self._lean(u)
        return u, w


@dataclass(frozen=True, slots=True)
class Water:
    """All water of the district, in local metres.

    `river` has no holes: islands and sandbanks lie on top of it. Streams are centrelines with their half width.
    """

    course: Course
    width_m: float
    river: Polygon
    banks: tuple[LineString, LineString]
    embankments: tuple[LineString, LineString]
    islands: tuple[Polygon, ...]
    sandbanks: tuple[Polygon, ...]
    streams: tuple[LineString, ...]
    stream_width_m: float
    lakes: tuple[tuple[str, Polygon], ...]

    def stream_area(self) -> shapely.Geometry:
        """Return the streams as an area."""
        return shapely.union_all([stream.buffer(self.stream_width_m / 2) for stream in self.streams])

    def surface(self) -> shapely.Geometry:
        """Return everything wet (islands and sandbanks left out)."""
        wet = shapely.union_all([self.river, self.stream_area(), *(lake for _, lake in self.lakes)])
        return shapely.difference(wet, shapely.union_all([*self.islands, *self.sandbanks]))


def make_course(recipe: Recipe) -> Course:
    """Return the course of the recipe's river."""
    table = recipe.scale["river"]
    return Course(
        np.radians(table["angle_degrees"]),
        np.array(table["heights_m"], float),
        np.array(table["waves_m"], float),
        np.radians(np.array(table["phases_degrees"], float)),
    )


def make_water(recipe: Recipe, course: Course) -> Water:
    """Lay river, islands, streams and lakes."""
    table, rng = recipe.scale["river"], recipe.rng("water")
    islands = [_lens(course, item, table["width_m"]) for item in table["islands"]]
    left, right = _banks(course, recipe, table["islands"], 0.0)
    walls = _banks(course, recipe, table["islands"], table["embankment_m"])
    river = Polygon(np.vstack([left, right[::-1]]))
    sandbanks = [_lens(course, item, table["width_m"]) for item in table["sandbanks"]]
    streams = [_stream(course, points, recipe) for points in table["streams_km"]]
    lakes = [(lake["name"], _blob(course, lake, rng)) for lake in table["lakes"]]
    return Water(
        course,
        table["width_m"],
        river,
        (LineString(left), LineString(right)),
        (LineString(walls[0]), LineString(walls[1])),
        tuple(islands),
        tuple(shapely.intersection(bank, river.buffer(-3.0)) for bank in sandbanks),
        tuple(streams),
        table["stream_width_m"],
        tuple(lakes),
    )


def _banks(course: Course, recipe: Recipe, islands: list[dict[str, Any]], outward_m: float) -> tuple[Floats, Floats]:
    """Return lines along the left and right bank: the width swells slowly and opens around islands."""
    reach = 1.35 * 1000 * max(recipe.scale["half_extent_km"])
    width = recipe.scale["river"]["width_m"]
    u = np.arange(-reach, reach + 1, width / 8)
    half = outward_m + 0.5 * width * (1 + 0.10 * np.sin(u / (4.1 * width)) + 0.06 * np.sin(u / (1.7 * width) + 1.0))
    for island in islands:
        spread = island["length_widths"] * width * 0.55
        half += 0.30 * width * np.exp(-(((u - island["u_km"] * 1000) / spread) ** 2))
    centre = course.to_xy(u, np.zeros_like(u))
    along = np.gradient(centre, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(along[:, 0], along[:, 1])[:, None]
    return centre + normal * half[:, None], centre - normal * half[:, None]


def _lens(course: Course, item: dict[str, Any], width_m: float) -> Polygon:
    """Return a drop-shaped island or sandbank that follows the current."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    u = item["u_km"] * 1000 + 0.5 * item["length_widths"] * width_m * np.cos(t)
    across = np.sin(t) * (1 - 0.25 * np.cos(t)) * (1 + 0.08 * np.sin(3 * t))
    w = item["w_widths"] * width_m + 0.5 * item["breadth_widths"] * width_m * across
    return Polygon(course.to_xy(u, w))


def _stream(course: Course, points_km: list[list[float]], recipe: Recipe) -> LineString:
    """Return a winding stream through control points (u, w)."""
    control = course.to_xy(*(np.array(points_km, float).T * 1000))
    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(control, axis=0).T))])
    s = np.arange(0, steps[-1], 25.0)
    xy = CubicSpline(steps, control)(s)
    along = np.gradient(xy, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(along[:, 0], along[:, 1])[:, None]
    sway = recipe.scale["river"]["stream_sway_m"]
    wave = sway * (np.sin(s / 190.0) + 0.6 * np.sin(s / 83.0 + 1.3)) * np.minimum(1, (steps[-1] - s) / 300)
    return LineString(xy + normal * wave[:, None])


def _blob(course: Course, lake: dict[str, Any], rng: np.random.Generator) -> Polygon:
    """Return a lake with a soft, lobed shore; `stretch` > 1 makes it longer along the river's direction."""
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones_like(t)
    for k in range(2, 7):
        radius += lake.get("lobes", 0.5) / k**1.3 * rng.uniform(-0.5, 0.5) * np.cos(k * t + rng.uniform(0, 6.28))
    turn = course.angle + np.radians(lake.get("turn_degrees", 0.0))
    x, y = radius * np.cos(t) * lake["stretch"] ** 0.5, radius * np.sin(t) / lake["stretch"] ** 0.5
    shape = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1)
    centre = course.to_xy(np.array(lake["u_km"] * 1000.0), np.array(lake["w_km"] * 1000.0))
    return Polygon(centre + shape * lake["radius_m"])
