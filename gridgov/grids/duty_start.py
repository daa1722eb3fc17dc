"""Today's duty areas made complete, and new areas given to those who know them best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from gridgov.grids.borders import Ints
from gridgov.grids.partition import Community


def started(community: Community, duty: Sequence[set[int]]) -> list[int]:
    """Return today's areas, each grid with one worker and every area in one piece.

    Every worker starts at one grid, an own one where possible, and takes the own grids that can be walked to; then
    whoever has the least work takes the next grid beside the own area. Complete areas stay as they are.

    Parameters
    ----------
    community : Community
        Connected, with at least as many grids as workers.
    duty : sequence of sets
        Who has each grid today.

    Returns
    -------
    list of int
        The worker of each grid.
    """
    owner = [-1] * community.grids
    loads = [0] * community.areas
    for worker, grid in enumerate(_seeds(community, duty)):
        owner[grid] = worker
        loads[worker] += community.load[grid]
    _grow(community, owner, loads, duty)
    _grow(community, owner, loads, None)
    return owner


def matched(community: Community, area: Sequence[int], duty: Sequence[set[int]], today: Sequence[int]) -> Ints:
    """Return the worker of each grid: areas go to workers so that the most work stays where it is."""
    kept = np.zeros((community.areas, community.areas))
    for grid, a in enumerate(area):
        work = community.load[grid] + 1.0  # grids without work count a little
        for worker in duty[grid] or {today[grid]}:
            kept[a, worker] += work
        kept[a, today[grid]] += work / 1000  # so that ties go to the completed area
    rows, columns = linear_sum_assignment(-kept)
    worker_of = np.empty(community.areas, dtype=np.int64)
    worker_of[rows] = columns
    return worker_of[np.asarray(area, dtype=np.int64)]


def _seeds(community: Community, duty: Sequence[set[int]]) -> list[int]:
    """Return a grid for every worker, all different: own ones first, the busiest of them."""
    cost = np.full((community.areas, community.grids), 10.0)
    for grid, workers in enumerate(duty):
        for worker in workers:
            cost[worker, grid] = len(workers) - community.load[grid] / (2.0 * community.total)
    if len(duty):
        cost += np.arange(community.grids) * 1e-9  # ties by position
    return [int(grid) for grid in linear_sum_assignment(cost)[1]]


def _grow(community: Community, owner: list[int], loads: list[int], duty: Sequence[set[int]] | None) -> None:
    """Let areas take free neighbours, the area with the least work first; with `duty` only what is theirs."""
    while True:
        taken = None
        for worker in sorted(range(community.areas), key=lambda w: (loads[w], w)):
            free = sorted(
                grid
                for grid in range(community.grids)
                if owner[grid] < 0
                and (duty is None or worker in duty[grid])
                and any(owner[other] == worker for other in community.near[grid])
            )
            if free:
                taken = worker, max(free, key=lambda grid: (_sides(community, owner, grid, worker), -grid))
                break
        if taken is None:
            return
        worker, grid = taken
        owner[grid] = worker
        loads[worker] += community.load[grid]


def _sides(community: Community, owner: Sequence[int], grid: int, worker: int) -> int:
    return sum(owner[other] == worker for other in community.near[grid])
