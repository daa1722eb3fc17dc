"""Grids, communities and streets (街道): blocks put together, coded and named by the national rules."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.sample.blocks import Block
from gridgov.sample.fields import Floats
from gridgov.sample.planar import NO_STREET, Planar
from gridgov.sample.population import People
from gridgov.sample.recipe import Recipe
from gridgov.sample.skeleton import Skeleton

_BARRIER = {"primary": 0.10, "secondary": 0.22, "tertiary": 0.55}

Borders = dict[int, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Division:
    """A district, street or community: its code, names and area (local metres)."""

    code: str
    level: str
    name: str
    name_en: str
    area: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Grids:
    """The unit grids, in the order of their codes.

    `of_block` gives each block's grid; `neighbours` the grids that share a border.
    """

    codes: list[str]
    names: list[str]
    areas: NDArray[np.object_]
    of_block: NDArray[np.int64]
    people: People
    neighbours: list[list[int]]
    zones: list[str]
    divisions: list[Division]


def make_grids(
    blocks: list[Block],
    polygons: NDArray[np.object_],
    planar: Planar,
    skeleton: Skeleton,
    people: People,
    recipe: Recipe,
) -> Grids:
    """Merge blocks to grids, grids to communities, communities to streets, and code them."""
    hectares = shapely.area(polygons) / 1e4
    borders = _borders(blocks, planar, skeleton)
    goal = recipe.table["grid_hectares"]
    size = (
        np.array([a / goal.get(b.zone, 40.0) for a, b in zip(hectares, blocks, strict=True)]) + people.persons / 700.0
    )
    grid = merge(size, borders, int(recipe.scale["grids"]))
    grid_people = people.total_by(grid, grid.max() + 1)
    grid_borders = _lifted(borders, grid)
    grid_ha = np.bincount(grid, weights=hectares)
    load = (
        grid_people.persons / (recipe.scale["persons"] / recipe.scale["communities"])
        + grid_ha / grid_ha.sum() * 0.35 * recipe.scale["communities"]
    )
    community = merge(load, grid_borders, int(recipe.scale["communities"]))
    community_load = np.bincount(community, weights=0.6 * load / load.sum() + 0.4 * grid_ha / grid_ha.sum()).astype(
        float
    )
    street = merge(community_load, _lifted(grid_borders, community), int(recipe.scale["streets"]))
    areas = np.array([shapely.coverage_union_all(polygons[grid == g]) for g in range(grid.max() + 1)], dtype=object)
    zone = _main_zone(blocks, grid, hectares)
    return _coded(areas, grid, community, street, grid_people, grid_borders, zone, recipe)


def _borders(blocks: list[Block], planar: Planar, skeleton: Skeleton) -> Borders:
    """Return the shared borders of blocks: length × how easily they are merged across it."""
    owner: dict[tuple[int, int], int] = {}
    borders: Borders = {i: {} for i in range(len(blocks))}
    for index, block in enumerate(blocks):
        ring = block.ring
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            key = (min(a, b), max(a, b))
            other = owner.setdefault(key, index)
            if other == index:
                continue
            (x0, y0), (x1, y1) = planar.xy[a], planar.xy[b]
            street = planar.street.get(key, NO_STREET)
            weight = float(np.hypot(x1 - x0, y1 - y0)) * (
                _BARRIER.get(skeleton.streets[street].klass, 1.0) if street >= 0 else 1.0
            )
            weight *= (
                1.0
                if blocks[other].zone == block.zone
                else 0.02
                if "river" in {block.zone, blocks[other].zone}
                else 0.3
            )
            borders[index][other] = borders[other][index] = borders[index].get(other, 0.0) + weight
    return borders


def merge(size: Floats, borders: Borders, count: int) -> NDArray[np.int64]:
    """Merge neighbours, the smallest first, until `count` groups are left; return each one's group.

    The partner is the neighbour with the longest shared border for its size. Groups stay connected, since only
    neighbours are merged.
    """
    near = {i: dict(others) for i, others in borders.items()}
    weight = dict(enumerate(size.tolist()))
    parent = np.arange(len(size))
    heap = [(value, i) for i, value in weight.items()]
    heapq.heapify(heap)
    left = len(size)
    while left > count and heap:
        value, i = heapq.heappop(heap)
        if weight.get(i) != value or not near[i]:
            continue
        j = max(near[i], key=lambda k: (near[i][k] / (weight[k] + value + 1e-6) ** 0.7, -k))
        for k, length in near.pop(i).items():
            del near[k][i]
            if k != j:
                near[j][k] = near[k][j] = near[j].get(k, 0.0) + length
        weight[j] += weight.pop(i)
        parent[i] = j
        heapq.heappush(heap, (weight[j], j))
        left -= 1
    for i in range(len(parent)):
        while parent[parent[i]] != parent[i]:
            parent[i] = parent[parent[i]]
    return np.unique(parent, return_inverse=True)[1].astype(np.int64)


def _lifted(borders: Borders, group: NDArray[np.int64]) -> Borders:
    """Return the borders between groups."""
    lifted: Borders = {int(g): {} for g in np.unique(group)}
    for i, others in borders.items():
        for j, length in others.items():
            a, b = int(group[i]), int(group[j])
            if a != b:
                lifted[a][b] = lifted[a].get(b, 0.0) + length
    return lifted


def _main_zone(blocks: list[Block], grid: NDArray[np.int64], hectares: Floats) -> list[str]:
    shares: list[dict[str, float]] = [{} for _ in range(grid.max() + 1)]
    for block, g, area in zip(blocks, grid.tolist(), hectares.tolist(), strict=True):
        shares[g][block.zone] = shares[g].get(block.zone, 0.0) + area
    return [max(share, key=lambda zone: (share[zone], zone)) for share in shares]


def _coded(
    areas: NDArray[np.object_],
    grid: NDArray[np.int64],
    community: NDArray[np.int64],
    street: NDArray[np.int64],
    people: People,
    borders: Borders,
    zones: list[str],
    recipe: Recipe,
) -> Grids:
    """Number streets, communities and grids west to east, north to south, and name them."""
    table, rng = recipe.table["divisions"], recipe.rng("divisions")
    district = recipe.table["district_code"]
    names = recipe.table["names"]
    divisions = [Division(district, "district", names["zh"], names["en"], shapely.coverage_union_all(areas))]
    community_area = [shapely.coverage_union_all(areas[community == c]) for c in range(community.max() + 1)]
    street_area = np.array(
        [
            shapely.coverage_union_all(np.array(community_area, dtype=object)[street == s])
            for s in range(street.max() + 1)
        ]
    )
    rural = [_is_rural(zones, people, areas, street[community] == s) for s in range(street.max() + 1)]
    stems = _stems(table, rng, len(community_area))
    order: list[int] = []
    codes: list[str] = []
    labels: list[str] = []
    counters = {False: 0, True: 99}
    for s in _reading_order(street_area):
        counters[rural[s]] += 1
        kind = table["town"] if rural[s] else table["street"]
        stem = table["street_names"][sum(d.level == "street" for d in divisions) % len(table["street_names"])]
        street_code = f"{district}{counters[rural[s]]:03d}"
        divisions.append(Division(street_code, "street", stem[0] + kind[0], f"{stem[1]} {kind[1]}", street_area[s]))
        mine = np.flatnonzero(street == s)
        for number, c in enumerate(
            mine[_reading_order(np.array([community_area[i] for i in mine], dtype=object))], start=1
        ):
            in_community = np.flatnonzero(community == c)
            village = _is_rural(zones, people, areas, community == c)
            suffix = table["village"] if village else table["community"]
            name, name_en = stems.pop()
            code = f"{street_code}{(number if not village else 200 + number):03d}"
            divisions.append(Division(code, "community", name + suffix[0], f"{name_en} {suffix[1]}", community_area[c]))
            for sequence, g in enumerate(in_community[_reading_order(areas[in_community])], start=1):
                order.append(int(g))
                codes.append(f"{code}{sequence:03d}")
                labels.append(f"{name}{suffix[0]}第{sequence:03d}网格")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    columns = [column[order] for column in people.columns()]
    neighbours = [sorted(int(place[k]) for k in borders[g]) for g in order]
    return Grids(
        codes, labels, areas[order], place[grid], People(*columns), neighbours, [zones[g] for g in order], divisions
    )


def _is_rural(zones: list[str], people: People, areas: NDArray[np.object_], mine: NDArray[np.bool_]) -> bool:
    """Return whether most people of some grids live in villages, or hardly ten on a hectare."""
    rural = np.array([zone in {"village", "rural", "hill"} for zone in zones])
    persons = int(people.persons[mine].sum())
    return (
        bool(people.persons[mine & rural].sum() * 2 > persons) or persons < 10 * shapely.area(areas[mine]).sum() / 1e4
    )


def _stems(table: dict[str, list[list[str]]], rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """Return unique names for communities."""
    pairs = [(a + b, en_a + en_b) for a, en_a in table["first"] for b, en_b in table["second"]]
    if count > len(pairs):
        pairs += [(a + m, en_a + en_m) for a, en_a in pairs for m, en_m in table["third"]]
    return [pairs[i] for i in rng.permutation(len(pairs))]


def _reading_order(areas: NDArray[np.object_]) -> NDArray[np.int64]:
    """Order areas in rows from north to south, inside a row from west to east."""
    points = shapely.get_coordinates(shapely.point_on_surface(areas))
    height = np.sqrt(shapely.area(areas).mean()) or 1.0
    row = np.floor((points[:, 1].max() - points[:, 1]) / height).astype(int)
    return np.lexsort((points[:, 0], row)).astype(np.int64)
