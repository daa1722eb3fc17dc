"""Random districts for tests: Voronoi grids in communities, with work, people and workers."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gridgov.grids.borders import Borders, from_pairs, shared_borders
from gridgov.grids.redesign import DutyProblem

CRS = "EPSG:4549"


@dataclass(frozen=True)
class District:
    """Grids with `grid_code`, `community_code`, persons and households; their borders; workers and their duty."""

    frame: gpd.GeoDataFrame
    problem: DutyProblem


def voronoi(rng: np.random.Generator, grids: int, size_m: float = 2_000.0) -> np.ndarray:
    """A coverage of a square without gaps or overlaps."""
    points = shapely.points(rng.uniform((500_000, 3_280_000), (500_000 + size_m, 3_280_000 + size_m), (grids, 2)))
    box = shapely.box(500_000, 3_280_000, 500_000 + size_m, 3_280_000 + size_m)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=box))
    return shapely.set_precision(shapely.intersection(cells, box), 0.001)


def grown(borders: Borders, groups: int, rng: np.random.Generator) -> np.ndarray:
    """Connected groups that grow from random grids."""
    group = np.full(borders.count, -1)
    group[rng.choice(borders.count, groups, replace=False)] = np.arange(groups)
    while (group < 0).any():
        free = np.flatnonzero(group < 0)
        for grid in rng.permutation(free):
            near = [group[other] for other in borders.neighbours[grid] if group[other] >= 0]
            if near:
                group[grid] = near[int(rng.integers(len(near)))]
    return group


def district(seed: int, grids: int = 40, communities: int = 4) -> District:
    """A district whose workers have random, overlapping and incomplete duty grids."""
    rng = np.random.default_rng(seed)
    frame = gpd.GeoDataFrame(geometry=voronoi(rng, grids), crs=CRS)
    borders = shared_borders(frame, crs=CRS)
    community = grown(borders, communities, rng)
    order = np.argsort(community, kind="stable")
    frame, community = frame.iloc[order].reset_index(drop=True), community[order]
    borders = shared_borders(frame, crs=CRS)
    codes = [f"339901001{c + 1:03d}" for c in community]
    number = [int((community[:row] == c).sum()) + 1 for row, c in enumerate(community)]
    frame["community_code"] = codes
    frame["grid_code"] = [f"{code}{n:03d}" for code, n in zip(codes, number, strict=True)]
    frame["persons"] = rng.gamma(1.5, 400, grids).astype(int)
    frame["households"] = (frame["persons"] / 2.6).astype(int)
    workers = [(c, home) for c in range(communities) for home in _homes(community, c, rng)]
    duty: list[set[int]] = [set() for _ in range(grids)]
    for worker, (c, home) in enumerate(workers):
        near = [other for other in borders.neighbours[home] if community[other] == c]
        for grid in [home, *rng.permutation(near)[:2].astype(int).tolist()]:
            duty[grid].add(worker)
    problem = DutyProblem(
        community=np.array(codes, dtype=object),
        load=rng.gamma(0.8, 1.0, grids),
        borders=borders,
        worker_id=np.array([f"W{i:03d}" for i in range(len(workers))], dtype=object),
        worker_community=np.array([f"339901001{c + 1:03d}" for c, _ in workers], dtype=object),
        duty=tuple(tuple(sorted(one)) for one in duty),
    )
    return District(frame, problem)


def _homes(community: np.ndarray, c: int, rng: np.random.Generator) -> list[int]:
    mine = np.flatnonzero(community == c)
    return rng.choice(mine, min(len(mine), int(rng.integers(1, 5))), replace=False).tolist()


def line(*loads: float, workers: int = 2, duty: tuple[tuple[int, ...], ...] | None = None) -> DutyProblem:
    """A community whose grids lie in a row."""
    n = len(loads)
    return DutyProblem(
        community=np.array(["C"] * n, dtype=object),
        load=np.array(loads, dtype=float),
        borders=from_pairs(n, [(i, i + 1) for i in range(n - 1)]),
        worker_id=np.array([f"W{i}" for i in range(workers)], dtype=object),
        worker_community=np.array(["C"] * workers, dtype=object),
        duty=duty or ((),) * n,
    )
