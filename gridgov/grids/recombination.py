"""Better areas by small steps and by recombination: two neighbouring areas are joined and cut again along a tree."""

from __future__ import annotations

import numpy as np

from gridgov.grids.partition import Community, State

_WARM = 0.02  # a worse partition is accepted with exp(−loss / warmth); the warmth falls to nothing
_LATER = 0.98


def improve(community: Community, start: State, rounds: int, seed: int) -> State:
    """Return the best partition found; never worse than the start, every area in one piece.

    Parameters
    ----------
    start : State
        Feasible.
    rounds : int
        Recombinations to try.
    seed : int
    """
    rng = np.random.default_rng(seed)
    best = _descend(community, start.copy())
    now = best.copy()
    warm = _WARM * community.unit
    for _ in range(rounds if community.areas > 1 else 0):
        trial = _recombined(community, now, rng)
        warm *= _LATER
        if trial is None:
            continue
        trial = _descend(community, trial)
        loss = trial.cost - now.cost
        if loss <= 0 or rng.random() < np.exp(-loss / max(warm, 1e-9)):
            now = trial
        if now.cost < best.cost:
            best = now.copy()
    return best


def _descend(community: Community, state: State) -> State:
    """Move single grids across borders as long as that helps; changes the state."""
    moved = True
    while moved:
        moved = False
        for grid in range(community.grids):
            target = _better_area(community, state, grid)
            if target is not None:
                _move(community, state, grid, target)
                moved = True
    return state


def _better_area(community: Community, state: State, grid: int) -> int | None:
    here = state.area[grid]
    others = {state.area[other] for other in community.near[grid]} - {here}
    if not others or not community.connected(rest := state.members[here] & ~(1 << grid)) or not rest:
        return None
    gains = [(_cost_after(community, state, grid, there), there) for there in sorted(others)]
    cost, there = min(gains)
    return there if cost < state.cost else None


def _cost_after(community: Community, state: State, grid: int, there: int) -> int:
    here, work, k, total = state.area[grid], community.load[grid], community.areas, community.total
    old = abs(k * state.loads[here] - total) + abs(k * state.loads[there] - total)
    new = abs(k * (state.loads[here] - work) - total) + abs(k * (state.loads[there] + work) - total)
    return state.cost + 50 * (new - old) + k * community.hundredths * _cut_change(community, state, grid, there)


def _cut_change(community: Community, state: State, grid: int, there: int) -> int:
    change = 0
    for other, length in community.lengths[grid]:
        area = state.area[other]
        change += length * ((area != there) - (area != state.area[grid]))
    return change


def _move(community: Community, state: State, grid: int, there: int) -> None:
    here = state.area[grid]
    state.cost = _cost_after(community, state, grid, there)
    state.cut += _cut_change(community, state, grid, there)
    state.members[here] ^= 1 << grid
    state.members[there] |= 1 << grid
    state.loads[here] -= community.load[grid]
    state.loads[there] += community.load[grid]
    state.area[grid] = there


def _recombined(community: Community, state: State, rng: np.random.Generator) -> State | None:
    """Return the partition with two neighbouring areas cut anew, or None where the tree has no other cut."""
    borders = [(i, j) for i, j, _ in community.edges if state.area[i] != state.area[j]]
    i, j = borders[int(rng.integers(len(borders)))]
    first, second = state.area[i], state.area[j]
    both = state.members[first] | state.members[second]
    members = [grid for grid in range(community.grids) if both >> grid & 1]
    order, parent = _random_tree(community, both, members[int(rng.integers(len(members)))], rng)
    below = {grid: (community.load[grid], 1 << grid) for grid in order}
    cuts = []
    for grid in reversed(order[1:]):
        load, bits = below[grid]
        above, above_bits = below[parent[grid]]
        below[parent[grid]] = (above + load, above_bits | bits)
        cuts.append((abs(2 * load - state.loads[first] - state.loads[second]), grid))
    if not cuts:
        return None
    cuts.sort()
    _, grid = cuts[min(int(rng.geometric(0.7)) - 1, len(cuts) - 1)]
    side = below[grid][1]
    area = [(first if side >> g & 1 else second) if both >> g & 1 else state.area[g] for g in range(community.grids)]
    return State.of(community, area)


def _random_tree(
    community: Community, members: int, root: int, rng: np.random.Generator
) -> tuple[list[int], dict[int, int]]:
    """Return a random spanning tree of connected grids: their order from the root on, and each one's parent."""
    order, parent, seen = [root], {root: root}, 1 << root
    edge = [(root, other) for other in community.near[root] if members >> other & 1]
    while edge:
        pick = int(rng.integers(len(edge)))
        edge[pick], edge[-1] = edge[-1], edge[pick]
        above, grid = edge.pop()
        if seen >> grid & 1:
            continue
        seen |= 1 << grid
        parent[grid] = above
        order.append(grid)
        edge.extend((grid, other) for other in community.near[grid] if members >> other & 1 and not seen >> other & 1)
    return order, parent
