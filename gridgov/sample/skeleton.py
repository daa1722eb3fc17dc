"""The first drawing of the district: main streets along and across the river, ring roads, motorway, borders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy import ndimage
from scipy.interpolate import CubicSpline
from shapely import LineString, Polygon

from gridgov.sample.fields import Floats
from gridgov.sample.planar import NO_STREET, Line
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Water
from gridgov.sample.terrain import Terrain
from gridgov.sample.zones import Zones

CORRIDOR_M = 55.0  # from the motorway's middle to the edge of its green strip


@dataclass(slots=True)
class Street:
    """One street: its OSM class, the direction family it belongs to, and how it is built.

    `family` is ``along`` or ``across`` (the river), ``ring``, ``local``, ``hill`` …; names follow it.
    """

    klass: str
    family: str
    dual: bool = False
    town: int = -1
    name: str = ""
    name_en: str = ""
    oneway: bool = False


@dataclass(slots=True)
class Skeleton:
    """Streets and lines of the first drawing, and the motorway's middle line (not part of the partition).

    `tunnels` are the parts of the motorway below hills; `corridor` is its green strip, open parts only.
    """

    streets: list[Street]
    lines: list[Line]
    motorway: LineString | None
    tunnels: shapely.Geometry
    corridor: shapely.Geometry
    villages: list[Polygon]

    def street(self, street: Street, geometry: shapely.Geometry, rank: int) -> None:
        """Add a street with all the pieces of its geometry."""
        pieces = [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString" and part.length > 1]
        if pieces:
            self.streets.append(street)
            self.lines += [Line(piece, "street", len(self.streets) - 1, rank) for piece in pieces]

    def border(self, geometry: shapely.Geometry, kind: str) -> None:
        """Add a border without a street."""
        parts = [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString"]
        self.lines += [Line(part, kind, NO_STREET, -1) for part in parts]


def draw_skeleton(recipe: Recipe, water: Water, terrain: Terrain, zones: Zones) -> Skeleton:
    """Draw boundary, banks, motorway corridor and the network of main streets."""
    motorway = _motorway(recipe, water, zones.boundary)
    tunnels = _tunnels(motorway, terrain) if motorway is not None else Polygon()
    corridor = Polygon()
    if motorway is not None:
        corridor = shapely.difference(motorway, tunnels.buffer(0.1)).buffer(CORRIDOR_M, cap_style="flat")
    skeleton = Skeleton([], [], motorway, tunnels, corridor, [])
    boundary = zones.boundary
    skeleton.border(shapely.boundary(boundary), "boundary")
    skeleton.border(shapely.union_all([shapely.intersection(bank, boundary) for bank in water.banks]), "bank")
    skeleton.border(shapely.intersection(corridor.boundary, boundary), "corridor")
    lakes = [shapely.intersection(lake.boundary, boundary) for _, lake in water.lakes]
    skeleton.border(shapely.union_all(lakes), "lake")
    streams = shapely.difference(shapely.union_all(water.streams), water.river)
    skeleton.border(shapely.intersection(streams, boundary), "stream")
    _embankments(skeleton, water, zones)
    _rings(skeleton, recipe, water, zones)
    for family in ("along", "across"):
        _family(skeleton, recipe, water, terrain, zones, family)
    return skeleton


def _motorway(recipe: Recipe, water: Water, boundary: Polygon) -> LineString | None:
    control = np.array(recipe.scale["motorway_km"], float) * 1000
    if not len(control):
        return None
    xy = water.course.to_xy(control[:, 0], control[:, 1])
    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    curve = LineString(CubicSpline(steps, xy)(np.arange(0, steps[-1], 50.0)))
    parts = shapely.get_parts(shapely.intersection(curve, boundary.buffer(400)))
    return LineString(max(parts, key=lambda part: part.length))


def _tunnels(motorway: LineString, terrain: Terrain) -> shapely.Geometry:
    """Return the parts of the motorway where the ground rises well above a road's gentle profile."""
    points = shapely.get_coordinates(shapely.segmentize(motorway, 50.0))
    ground = terrain.elevation.at(points)
    level = ndimage.gaussian_filter1d(ndimage.minimum_filter1d(ground, 61), 12)  # the lowest ground within 1.5 km
    below = ndimage.binary_opening(ground - level > 28.0, iterations=4)
    return shapely.union_all([piece for under, piece in _runs(points, below) if under])


def _embankments(skeleton: Skeleton, water: Water, zones: Zones) -> None:
    """Roads on both embankments: a dual carriageway in town on the north bank, open road outside."""
    for side, (wall, name) in enumerate(zip(water.embankments, ("滨江大道", "江南大道"), strict=True)):
        line = shapely.segmentize(shapely.intersection(wall, zones.boundary), 60)
        for part in shapely.get_parts(line):
            urban, town = zones.urbanity(shapely.get_coordinates(part))
            for inside, piece in _runs(shapely.get_coordinates(part), urban > 0.02):
                klass = ("primary" if side == 0 else "secondary") if inside else "tertiary"
                street = Street(klass, "along", dual=inside and side == 0, town=int(town[0]), name=name)
                skeleton.street(street, piece, 5)


def _runs(points: Floats, flags: np.ndarray) -> list[tuple[bool, LineString]]:
    """Cut a line where a flag changes; neighbours share the point of change."""
    change = np.flatnonzero(np.diff(flags.astype(int))) + 1
    edges = [0, *change.tolist(), len(points) - 1]
    return [(bool(flags[a]), LineString(points[a : b + 1])) for a, b in pairwise(edges) if b > a]


def _rings(skeleton: Skeleton, recipe: Recipe, water: Water, zones: Zones) -> None:
    """Ring roads where the old walls stood, and roads round the town lakes."""
    embankment = Polygon(
        np.vstack([shapely.get_coordinates(wall)[:: (1, -1)[i]] for i, wall in enumerate(water.embankments)])
    )
    for ring in zones.old_rings():
        line = shapely.difference(shapely.segmentize(ring.boundary, 40), embankment)
        skeleton.street(Street("secondary", "ring", name="环城路"), line, 4)
    for name, lake in water.lakes:
        if zones.urbanity(np.array([lake.centroid.coords[0]]))[0][0] > 0:
            line = shapely.segmentize(
                shapely.simplify(lake.buffer(recipe.scale["river"]["embankment_m"]), 3).boundary, 40
            )
            skeleton.street(Street("tertiary", "ring", name=f"{name}路"), line, 4)


def _family(skeleton: Skeleton, recipe: Recipe, water: Water, terrain: Terrain, zones: Zones, family: str) -> None:
    """Draw all main streets along (or across) the river that the ground and the towns ask for."""
    rng, spacing = recipe.rng(family), recipe.scale["line_spacing_m"]
    reach = 1.3 * 1000 * max(recipe.scale["half_extent_km"])
    sway = 0.10 * spacing
    places = _places(rng, family, spacing, reach, water.width_m / 2 + recipe.scale["river"]["embankment_m"])
    bridges = _bridges(recipe, zones, water, places) if family == "across" else set()
    t = np.arange(-reach, reach, spacing / 12)
    mains = _old_mains(zones, water, places, family)
    for rank, place in places:
        wobble = sway * np.sin(t / (3.7 * spacing) + rng.uniform(0, 6.28)) + rng.uniform(-0.5, 0.5) * sway
        wobble *= 0.15 if place in mains else 1.0
        xy = water.course.to_xy(t, place + wobble) if family == "along" else water.course.to_xy(place + wobble, t)
        for klass, piece in _allowed(
            skeleton, water, terrain, zones, (xy, rank, family, place in bridges, place in mains)
        ):
            dual = klass == "primary" and family == "along"
            skeleton.street(Street(klass, family, dual=dual), piece, 3 if klass == "primary" else 2)


def _places(
    rng: np.random.Generator, family: str, spacing: float, reach: float, clear_m: float
) -> list[tuple[int, float]]:
    """Return (rank, position) of a family's lines: rank 0 main road even outside towns, 1 primary, 2 secondary."""
    count = int(reach / spacing)
    places = []
    for k in range(-count, count + 1):
        rank = 0 if k % 4 == 0 else 1 if k % 2 == 0 else 2
        shift = rng.uniform(-0.13, 0.13) * spacing
        if family == "across":
            places.append((rank, k * spacing + shift))
        elif k != 0:
            places.append((rank, np.sign(k) * (clear_m + (abs(k) - 0.1) * spacing) + shift))
    return places


def _bridges(recipe: Recipe, zones: Zones, water: Water, places: list[tuple[int, float]]) -> set[float]:
    """Choose the crossing lines that become bridges: in town, on main streets, a fair distance apart."""
    chosen: list[float] = []
    for rank, place in sorted(places, key=lambda item: (item[0], abs(item[1]))):
        shores = water.course.to_xy(np.array([place, place]), np.array([1.0, -1.0]) * (water.width_m / 2 + 150))
        urban, _ = zones.urbanity(shores)
        far = all(abs(place - other) >= recipe.scale["bridge_spacing_m"] for other in chosen)
        if far and ((rank < 2 and urban.max() > 0.05 and urban.min() > -0.5) or (rank == 0 and urban.min() > -1.6)):
            chosen.append(place)
    return set(chosen)


def _old_mains(zones: Zones, water: Water, places: list[tuple[int, float]], family: str) -> set[float]:
    """Return the lines that go through an old town: the one of a family nearest to its middle."""
    mains = set()
    for town in zones.towns:
        if town["kind"] == "old":
            centre = 1000 * (town["w_km"] if family == "along" else town["u_km"])
            mains.add(min((place for _, place in places), key=lambda place: abs(place - centre)))
    return mains


def _allowed(
    skeleton: Skeleton,
    water: Water,
    terrain: Terrain,
    zones: Zones,
    line: tuple[Floats, int, str, bool, bool],
) -> list[tuple[str, shapely.Geometry]]:
    """Cut a line to where a street of its rank may run; return (class, pieces)."""
    xy, rank, family, bridge, main = line
    urban, _ = zones.urbanity(xy)
    flat = (terrain.slope.at(xy) < 7.0) & (terrain.hill.at(xy) < 0.22)
    in_town = ndimage.binary_dilation(urban > (-0.02 if rank < 2 else 0.0), iterations=7)  # reach the next street
    wanted = (in_town | ((urban > -2.4) & (rank == 0))) & flat
    points = shapely.points(xy)
    wanted |= bridge & (terrain.water_distance.at(xy) < 420)
    if skeleton.motorway is not None and (family == "along" or rank == 2):
        wanted &= ~shapely.dwithin(skeleton.motorway, points, 170.0)
    if family == "across" and not bridge:
        wanted &= ~shapely.dwithin(shapely.union_all(water.streams), points, 75.0)
    forbidden = [lake.buffer(40) for _, lake in water.lakes] + ([] if main else zones.old_rings())
    if not bridge:
        walls = [shapely.get_coordinates(wall) for wall in water.embankments]
        forbidden.append(Polygon(np.vstack([walls[0], walls[1][::-1]])))
    barrier = shapely.union_all(forbidden)
    result = []
    for keep, piece in _runs(xy, wanted):
        if keep and piece.length > 150:
            middle_urban = zones.urbanity(shapely.get_coordinates(piece))[0]
            for inside, part in _runs(shapely.get_coordinates(piece), middle_urban > -0.05):
                town_class = "primary" if rank < 2 else "secondary"
                klass = town_class if inside else "secondary" if bridge else "tertiary"
                clipped = shapely.intersection(shapely.difference(part, barrier), zones.boundary)
                result.append((klass, clipped))
    return result
