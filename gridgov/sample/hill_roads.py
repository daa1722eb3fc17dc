"""Villages among hills and fields, the winding roads to them, and trails to the summits: least-cost paths."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from shapely import LineString, Polygon

from gridgov.sample.fields import Field, Floats
from gridgov.sample.recipe import Recipe
from gridgov.sample.river import Water
from gridgov.sample.skeleton import Skeleton, Street
from gridgov.sample.terrain import Terrain, summits
from gridgov.sample.zones import Zones

_GRADE = 0.06  # a grade at which a road is worth going twice as far around


def add_villages(skeleton: Skeleton, recipe: Recipe, water: Water, terrain: Terrain, zones: Zones) -> None:
    """Found villages and join them, and the summits, to the main streets already drawn."""
    rng = recipe.rng("villages")
    sites = _sites(rng, recipe, water, terrain, zones, skeleton)
    skeleton.villages = [_outline(rng, site) for site in sites]
    ground = _coarse(terrain.elevation, recipe.scale.get("path_cell_factor", 1))
    before = _path_tree(ground, skeleton, water, zones)
    peaks = [
        (p["x"], p["y"]) for p in summits(terrain, spacing_m=1500 * recipe.scale["hills"]["foot_scale"], minimum_m=60)
    ]
    peaks = [peak for peak in peaks if shapely.contains_xy(zones.boundary.buffer(-250), *peak)]
    uses = _uses(ground, before, sites, peaks)
    streets = shapely.union_all([line.geometry for line in skeleton.lines if line.kind == "street"])
    for used, chain in _chains(uses, before):
        xy = _smooth(_positions(ground, chain))
        if before[chain[-1]] < 0:  # the chain ends at the old network: meet it exactly
            xy = np.vstack([xy, shapely.get_coordinates(shapely.shortest_line(shapely.Point(xy[-1]), streets))[1:]])
        street = Street("unclassified" if used == 1 else "path", "hill" if used == 1 else "trail")
        skeleton.street(street, shapely.intersection(LineString(xy), zones.boundary), 1)
    for site, outline in zip(sites, skeleton.villages, strict=True):
        _finish_village(skeleton, zones, ground, before, site, outline)


def _sites(
    rng: np.random.Generator, recipe: Recipe, water: Water, terrain: Terrain, zones: Zones, skeleton: Skeleton
) -> list[tuple[float, float]]:
    """Return village places: level ground outside the towns, clear of water, motorway and main roads."""
    half_x, half_y = (1000.0 * value for value in recipe.scale["half_extent_km"])
    xy = rng.uniform((-half_x, -half_y), (half_x, half_y), (6000, 2))
    urban, _ = zones.urbanity(xy)
    small = recipe.scale["hills"]["foot_scale"]
    points = shapely.points(xy)
    roads = shapely.union_all([line.geometry for line in skeleton.lines])
    fits = (
        (urban < -0.3) & (terrain.slope.at(xy) < 7.5) & shapely.contains_xy(zones.boundary.buffer(-320 * small), *xy.T)
    )
    fits &= (terrain.water_distance.at(xy) > 200 * small) & (shapely.distance(points, roads) > 230 * small)
    fits &= terrain.hill.at(xy) < 0.75
    chosen: list[tuple[float, float]] = []
    for x, y in xy[fits].tolist():
        if all(np.hypot(x - a, y - b) > 680 * small for a, b in chosen):
            chosen.append((x, y))
        if len(chosen) == recipe.scale["hill_villages"]:
            break
    return chosen


def _outline(rng: np.random.Generator, site: tuple[float, float]) -> Polygon:
    """Return a village's edge."""
    t = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    r = rng.uniform(110, 190) * (
        1 + sum(rng.uniform(-0.3, 0.3) / k * np.cos(k * t + rng.uniform(0, 6.28)) for k in (2, 3, 4))
    )
    return Polygon(np.array(site) + np.stack([1.25 * r * np.cos(t), r * np.sin(t)], 1))


def _coarse(elevation: Field, factor: int) -> Field:
    values = elevation.cells[::factor, ::factor]
    return Field(values, elevation.west, elevation.north, elevation.cell_m * factor)


def _path_tree(ground: Field, skeleton: Skeleton, water: Water, zones: Zones) -> NDArray[np.int64]:
    """Return for every cell the next cell on the best way to a main street (-1: on one; -2: no way)."""
    rows, columns = ground.cells.shape
    x, y = ground.centres()
    wet = shapely.union_all([water.river, skeleton.corridor.buffer(30), *(lake.buffer(35) for _, lake in water.lakes)])
    shapely.prepare(wet)
    open_cell = ~shapely.contains_xy(wet, x, y) & shapely.contains_xy(zones.boundary.buffer(-60), x, y)
    index = np.arange(rows * columns).reshape(rows, columns)
    tails, heads, costs = [], [], []
    for dr, dc in [(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)]:
        a = (slice(0, rows - dr), slice(max(0, -dc), columns - max(0, dc)))
        b = (slice(dr, rows), slice(max(0, dc), columns + min(0, dc)))
        ok = open_cell[a] & open_cell[b]
        length = ground.cell_m * np.hypot(dr, dc)
        grade = np.abs(ground.cells[a] - ground.cells[b])[ok] / length
        tails.append(index[a][ok])
        heads.append(index[b][ok])
        costs.append(length * (1 + (grade / _GRADE) ** 2))
    tail, head, cost = (np.concatenate(part) for part in (tails, heads, costs))
    graph = sparse.coo_array((cost, (tail, head)), shape=(rows * columns, rows * columns)).tocsr()
    roots = _root_cells(ground, skeleton, open_cell)
    _, before, _ = csgraph.dijkstra(graph, directed=False, indices=roots, return_predecessors=True, min_only=True)
    before = before.astype(np.int64)
    before[before < 0] = -2
    before[roots] = -1
    return np.asarray(before)


def _root_cells(ground: Field, skeleton: Skeleton, open_cell: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the cells that main streets pass."""
    lines = [shapely.segmentize(line.geometry, ground.cell_m / 2) for line in skeleton.lines if line.kind == "street"]
    points = shapely.get_coordinates(lines)
    column = ((points[:, 0] - ground.west) / ground.cell_m).astype(int)
    row = ((ground.north - points[:, 1]) / ground.cell_m).astype(int)
    keep = open_cell[row, column]
    return np.unique(row[keep] * ground.cells.shape[1] + column[keep])


def _cell(ground: Field, x: float, y: float) -> int:
    row, column = int((ground.north - y) / ground.cell_m), int((x - ground.west) / ground.cell_m)
    return int(row * ground.cells.shape[1] + column)


def _positions(ground: Field, cells: list[int]) -> Floats:
    row, column = np.divmod(np.array(cells), ground.cells.shape[1])
    return np.stack([ground.west + (column + 0.5) * ground.cell_m, ground.north - (row + 0.5) * ground.cell_m], 1)


def _uses(
    ground: Field, before: NDArray[np.int64], villages: list[tuple[float, float]], peaks: list[tuple[float, float]]
) -> dict[int, int]:
    """Return the cells of the tree that are walked: 1 by a village's road, 2 by trails only."""
    uses: dict[int, int] = {}
    for use, places in ((1, villages), (2, peaks)):
        for x, y in places:
            cell = _cell(ground, x, y)
            while cell >= 0 and before[cell] != -2 and cell not in uses:
                uses[cell] = use
                cell = int(before[cell])
    return uses


def _chains(uses: dict[int, int], before: NDArray[np.int64]) -> list[tuple[int, list[int]]]:
    """Cut the tree into chains between forks; a chain runs towards the main street and includes its last fork."""
    inflow: dict[int, list[int]] = {}
    for cell in uses:
        if before[cell] >= 0:
            inflow.setdefault(int(before[cell]), []).append(cell)
    starts = [cell for cell in uses if len(inflow.get(cell, [])) != 1 or uses[inflow[cell][0]] != uses[cell]]
    chains = []
    for start in starts:
        chain = [start]
        while before[chain[-1]] >= 0:
            chain.append(int(before[chain[-1]]))
            if len(inflow[chain[-1]]) != 1 or uses[chain[-1]] != uses[start]:
                break
        if len(chain) > 1:
            chains.append((uses[start], chain))
    return chains


def _smooth(xy: Floats) -> Floats:
    """Round the corners of a cell path (Chaikin), ends fixed."""
    xy = np.vstack([xy[:1], 0.5 * (xy[1:] + xy[:-1]), xy[-1:]]) if len(xy) > 3 else xy
    for _ in range(2):
        quarter, three = 0.75 * xy[:-1] + 0.25 * xy[1:], 0.25 * xy[:-1] + 0.75 * xy[1:]
        inner = np.stack([quarter, three], 1).reshape(-1, 2)[1:-1]
        xy = np.vstack([xy[:1], inner, xy[-1:]])
    return np.asarray(shapely.get_coordinates(shapely.simplify(LineString(xy), 2.0)))


def _finish_village(
    skeleton: Skeleton,
    zones: Zones,
    ground: Field,
    before: NDArray[np.int64],
    site: tuple[float, float],
    outline: Polygon,
) -> None:
    """Draw a village's edge and lead its road through to the far side."""
    skeleton.border(shapely.intersection(outline.boundary, zones.boundary), "outline")
    cell = _cell(ground, *site)
    if before[cell] < 0:
        return
    centre = _positions(ground, [cell])[0]
    back = _positions(ground, [int(before[cell])])[0]
    ray = LineString([centre, centre + (centre - back) / np.hypot(*(centre - back)) * 600])
    piece = shapely.get_parts(shapely.intersection(ray, outline))
    if len(piece):
        skeleton.street(Street("residential", "village"), piece[0], 1)
