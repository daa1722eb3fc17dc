"""Areas by CP-SAT with separator cuts, and the bound that no areas whatever can beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gridgov.grids.partition import Community, State

_ROUNDS = 12
_MOST_CHOICES = 2_500  # grids × areas; beyond, the bound is that of single grids and of cuts


@dataclass(frozen=True)
class Found:
    """The best partition known, a proven bound on the cost of every partition, and deterministic seconds used."""

    state: State
    bound: int
    used_s: float = 0.0


def solve(community: Community, start: State, limit_s: float, seed: int) -> Found:
    """Improve a feasible partition and bound it.

    Parameters
    ----------
    start : State
        Feasible; the answer is never worse.
    limit_s : float
        Deterministic seconds; 0: only the simple bound.
    seed : int
    """
    bound = simple_bound(community)
    if start.cost <= bound or limit_s <= 0 or not 1 < community.areas <= community.grids:
        return Found(start, min(bound, start.cost))
    if community.grids * community.areas > _MOST_CHOICES:
        return Found(start, bound)
    return _with_cuts(community, start, bound, limit_s, seed)


def simple_bound(community: Community) -> int:
    """Return a bound from single grids and from the least cut.

    A grid with more work than the mean leaves its area above the mean by at least its own excess, two of them in one
    area by more than both. And every area has at least the border of the least cut of the community around it.
    """
    k, total = community.areas, community.total
    if k <= 1:
        return community.cost_of([total], 0)
    excess = sum(max(0, k * load - total) for load in community.load)
    uneven = sum(_least_uneven(total, k))
    least = _least_cut(community)
    return 50 * max(2 * excess, uneven) + k * community.hundredths * -(-k * least // 2)


def _least_uneven(total: int, k: int) -> list[int]:
    """The deviations that whole numbers alone force."""
    rest = total % k
    return [rest] * (k - rest) + [k - rest] * rest


def _least_cut(community: Community) -> int:
    """Return the least border that parts the community in two (Stoer and Wagner 1997)."""
    weights: dict[int, dict[int, int]] = {grid: {} for grid in range(community.grids)}
    for i, j, length in community.edges:
        weights[i][j] = weights[j][i] = length
    least = sum(length for _, _, length in community.edges)
    while len(weights) > 1:
        least, joined, into = _phase(weights, least)
        for other, length in weights.pop(joined).items():
            del weights[other][joined]
            if other != into:
                weights[into][other] = weights[other][into] = weights[into].get(other, 0) + length
    return least


def _phase(weights: dict[int, dict[int, int]], least: int) -> tuple[int, int, int]:
    """One pass of maximum adjacency order: the least cut so far, the last node and the one before."""
    pull = dict.fromkeys(weights, 0)
    last = before = next(iter(weights))
    while pull:
        node = max(pull, key=lambda one: (pull[one], -one))
        strength = pull.pop(node)
        before, last = last, node
        for other, length in weights[node].items():
            if other in pull:
                pull[other] += length
    return min(least, strength), last, before


def _with_cuts(community: Community, start: State, bound: int, limit_s: float, seed: int) -> Found:
    """Solve without contiguity, cut off what falls apart, solve again."""
    from ortools.sat.python import cp_model  # noqa: PLC0415 - takes half a second; maps do without

    model, choice = _model(cp_model, community, bound)
    best, left = start, limit_s
    for _ in range(_ROUNDS):
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed % 2**31
        solver.parameters.max_deterministic_time = max(left / 2, limit_s / _ROUNDS)
        _hint(model, choice, best)
        status = solver.solve(model)
        left -= solver.response_proto.deterministic_time
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            break
        bound = max(bound, -int(-solver.best_objective_bound // 1))
        area = [next(a for a, x in enumerate(row) if x is not None and solver.boolean_value(x)) for row in choice]
        found = State.of(community, area)
        if found.feasible and found.cost < best.cost:
            best = found
        if bound >= best.cost or left <= 0 or not _cut_off(model, community, choice, found):
            break
    return Found(best, min(bound, best.cost), limit_s - left)


def _model(cp_model: Any, community: Community, bound: int) -> tuple[Any, list[list[Any]]]:
    """Return the model without contiguity: which area each grid is in, deviations, cut borders."""
    model = cp_model.CpModel()
    k, n = community.areas, community.grids
    rank = _ranks(community)
    # areas have no names: the grid of rank r may only be in one of the first r + 1
    choice = [[model.new_bool_var("") if a <= rank[i] else None for a in range(k)] for i in range(n)]
    for row in choice:
        model.add_exactly_one(x for x in row if x is not None)
    deviations = []
    for a in range(k):
        members = [(x, community.load[i]) for i in range(n) if (x := choice[i][a]) is not None]
        model.add_bool_or(x for x, _ in members)
        deviation = model.new_int_var(0, k * community.total, "")
        excess = sum(k * load * x for x, load in members) - community.total
        model.add(deviation >= excess)
        model.add(deviation >= -excess)
        deviations.append(deviation)
    cut = [_cut_variable(model, choice[i], choice[j]) for i, j, _ in community.edges]
    border = sum(length * y for y, (_, _, length) in zip(cut, community.edges, strict=True))
    cost = 50 * sum(deviations) + k * community.hundredths * border
    model.add(cost >= bound)
    model.minimize(cost)
    return model, choice


def _ranks(community: Community) -> list[int]:
    """Grids by falling work: the heavy ones name the areas."""
    rank = [0] * community.grids
    for place, grid in enumerate(sorted(range(community.grids), key=lambda g: (-community.load[g], g))):
        rank[grid] = place
    return rank


def _cut_variable(model: Any, one: Sequence[Any], other: Sequence[Any]) -> Any:
    cut = model.new_bool_var("")
    for x, y in zip(one, other, strict=True):
        if x is not None:
            model.add(cut >= x - (0 if y is None else y))
        if y is not None:
            model.add(cut >= y - (0 if x is None else x))
    return cut


def _hint(model: Any, choice: list[list[Any]], best: State) -> None:
    """Start from the best partition, its areas numbered as the model numbers them."""
    model.clear_hints()
    name: dict[int, int] = {}
    for grid in sorted(range(len(choice)), key=lambda g: (-best.community.load[g], g)):
        name.setdefault(best.area[grid], len(name))
    for grid, row in enumerate(choice):
        for a, x in enumerate(row):
            if x is not None:
                model.add_hint(x, a == name[best.area[grid]])


def _cut_off(model: Any, community: Community, choice: list[list[Any]], state: State) -> bool:
    """Forbid the areas that fall apart; return whether any did.

    Where a piece of an area lies away from its heaviest grid, whoever holds a grid of that piece and the heaviest grid
    must hold something of the piece's rim too.
    """
    any_cut = False
    for members in state.members:
        pieces = _pieces(community, members)
        if len(pieces) < 2:
            continue
        any_cut = True
        head = max((g for piece in pieces for g in piece), key=lambda g: (community.load[g], -g))
        for piece in pieces:
            if head in piece:
                continue
            rim = {other for grid in piece for other in community.near[grid]} - set(piece)
            for grid in piece[:4]:
                for a in range(community.areas):
                    own, first = choice[grid][a], choice[head][a]
                    if own is not None and first is not None:
                        rim_of_a = [choice[other][a] for other in sorted(rim) if choice[other][a] is not None]
                        model.add_bool_or([own.negated(), first.negated(), *rim_of_a])
    return any_cut


def _pieces(community: Community, members: int) -> list[list[int]]:
    """Return the pieces of grids given as bits."""
    pieces = []
    while members:
        piece = frontier = members & -members
        while frontier:
            low = frontier & -frontier
            fresh = community.masks[low.bit_length() - 1] & members & ~piece
            piece |= fresh
            frontier = (frontier ^ low) | fresh
        pieces.append([g for g in range(community.grids) if piece >> g & 1])
        members &= ~piece
    return pieces
