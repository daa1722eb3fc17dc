"""Few routes for each zone, from shares on many: dropped one after the other, then mended in small neighbourhoods.

Nothing here depends on how fast the computer is, unless time is over: neighbourhoods are drawn from a fixed seed, their
mixed-integer programs end after so many nodes, and so many of them in a row that win nothing end the search.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack

from gridgov.evacuation.departures import Routes
from gridgov.evacuation.instance import Bools
from gridgov.evacuation.route_shares import OVERFULL, RouteModel, Shares, relaxed
from gridgov.network.validation import Floats, Int64s

_USED = 1e-6
_ENOUGH = 1.002
_SLACK = 1e-3
_FEW_ZONES = 400
_DROPPED, _DROPPED_OF_MANY = 0.25, 0.5  # of the zones with too many routes, at a time
_NODES, _MIP_S = 200, 5.0
_INFEASIBLE = 2  # a status of scipy
_FIRST, _LEAST, _MOST_FREE = 24, 8, 120
_GROWTH = 1.4
_ROUNDS, _FRUITLESS = 80, 14
_TIGHT = 0.98
_LEAST_S = 0.05


def few(model: RouteModel, found: Shares) -> Floats:
    """Return shares that use at most so many routes of each zone, with as small a largest load as can be found."""
    most = model.limit.most
    if (_counts(model.routes, found.shares) <= most).all():
        return found.shares
    tries = [largest(model.routes, found.shares, most)]
    for at_once in (True, False):
        if min(model.badness(shares) for shares in tries) > found.load * _ENOUGH:
            tries.append(_dropped(model, found, at_once=at_once))
    return _mended(model, min(tries, key=model.badness), found.load)


def _counts(routes: Routes, shares: Floats) -> Int64s:
    """Return how many routes each zone uses."""
    return np.bincount(routes.zone[shares > _USED], minlength=len(routes.zone_first) - 1)


def ranks(routes: Routes, shares: Floats) -> Int64s:
    """Return the rank of each route in its zone, the largest share first."""
    order = np.lexsort((-shares, routes.zone))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - routes.zone_first[routes.zone[order]]
    return rank


def largest(routes: Routes, shares: Floats, most: int) -> Floats:
    """Return the zones on the largest of their shares."""
    kept = np.where(ranks(routes, shares) < most, shares, 0.0)
    return kept / np.bincount(routes.zone, weights=kept, minlength=len(routes.zone_first) - 1)[routes.zone]


def _dropped(model: RouteModel, found: Shares, *, at_once: bool) -> Floats:
    """Drop routes of some zones that use too many, those that lose least first, and share anew, until none does.

    Parameters
    ----------
    at_once : bool
        All routes of such a zone that are too many, or the least used one only.
    """
    routes, most, zones = model.routes, model.limit.most, len(model.instance.zone)
    part = _DROPPED if zones <= _FEW_ZONES and len(model.limit.ends) == 1 else _DROPPED_OF_MANY
    usable = model.usable.copy()
    while (over := _counts(routes, found.shares) > most).any():
        rank, used = ranks(routes, found.shares), found.shares > _USED
        lost = np.bincount(routes.zone, np.where(used & (rank >= most), found.shares, 0.0), zones)
        lost *= model.instance.units if at_once else 1
        chosen = np.flatnonzero(over)
        chosen = chosen[np.argsort(lost[chosen], kind="stable")][: max(1, int(len(chosen) * part))]
        own = np.isin(routes.zone, chosen)
        count = _counts(routes, found.shares)[routes.zone]
        usable[own & (rank >= (most if at_once else count - 1))] = False
        if model.limit.seconds_left() < _LEAST_S:
            break
        again = relaxed(model.barring(usable))
        if again is None:
            break
        found = again
    return largest(routes, found.shares, most)


def _mended(model: RouteModel, best: Floats, least: float) -> Floats:
    """Settle small sets of zones anew, drawn near the tightest roads and fullest shelters."""
    rng = np.random.default_rng(0)
    value, size, fruitless = model.badness(best), _FIRST, 0
    for _ in range(_ROUNDS):
        left = model.limit.seconds_left()
        if value <= least * _ENOUGH or fruitless >= _FRUITLESS or left < _LEAST_S:
            break
        free = _drawn(model, best, size, rng)
        kept = (best > _USED) | free[model.routes.zone]
        settled, whole = _settled(model, kept, free, value * (1 - _SLACK / 2), min(_MIP_S, left / 2))
        better = np.inf if settled is None else model.badness(settled)
        fruitless += 1
        if settled is not None and better < value * (1 - _SLACK / 2):
            best, value, fruitless = settled, better, 0
        elif whole:
            size = min(int(size * _GROWTH), _MOST_FREE)
        else:
            size = max(int(size / _GROWTH), _LEAST)
    return best


def _drawn(model: RouteModel, shares: Floats, size: int, rng: np.random.Generator) -> Bools:
    """Draw zones: half of those that load the tightest arcs or the fullest shelters, half of those that may help."""
    routes, zones = model.routes, len(model.instance.zone)
    loads, full = model.arcs @ shares, model.shelters @ shares
    tight = np.flatnonzero(loads >= loads.max(initial=0.0) * _TIGHT)
    crowded = np.flatnonzero(full >= max(1.0, full.max(initial=0.0)) * _TIGHT)
    touched = (model.arcs[tight] != 0).sum(axis=0) + (model.shelters[crowded] != 0).sum(axis=0)
    touching = np.asarray(touched).ravel() > 0
    loading = np.unique(routes.zone[touching & (shares > _USED)])
    free = np.zeros(zones, dtype=np.bool_)
    free[rng.choice(loading, min(len(loading), size // 2), replace=False)] = True
    near = np.unique(routes.shelter[free[routes.zone]])
    others = np.unique(routes.zone[np.isin(routes.shelter, near)])
    others = others[~free[others]]
    free[rng.choice(others, min(len(others), size - int(free.sum())), replace=False)] = True
    return free


def _settled(model: RouteModel, kept: Bools, free: Bools, below: float, limit_s: float) -> tuple[Floats | None, bool]:
    """Solve the mixed-integer program: free zones choose among all their routes, others share their own.

    Returns shares with a badness below a value, if there are any, and whether that is the best there is.
    """
    routes, zones = model.routes, len(model.instance.zone)
    columns = np.flatnonzero(kept & model.usable)
    chosen = np.flatnonzero(free[routes.zone[columns]])
    count, picks, rows = len(columns), len(chosen), np.flatnonzero(free)
    ones = np.ones(picks)
    choose = csr_matrix((ones, (np.arange(picks), chosen)), (picks, count + 2))
    choose = hstack([choose, -csr_matrix((ones, (np.arange(picks), np.arange(picks))), (picks, picks))]).tocsr()
    number = csr_matrix((ones, (routes.zone[columns[chosen]], np.arange(picks))), (zones, picks))[rows]
    number = hstack([csr_matrix((len(rows), count + 2)), number]).tocsr()
    every = hstack([model.zones[:, columns], csr_matrix((zones, 2 + picks))]).tocsr()
    limited = model.rows(columns)
    load, excess = (below, 0.0) if below < OVERFULL / 10 else (np.inf, np.inf)
    found = milp(
        np.concatenate([np.zeros(count), model.cost[-2:], np.zeros(picks)]),
        constraints=[
            LinearConstraint(hstack([limited, csr_matrix((limited.shape[0], picks))]).tocsr(), -np.inf, model.bounds()),
            LinearConstraint(every, 1, 1),
            LinearConstraint(choose, -np.inf, 0),
            LinearConstraint(number, -np.inf, model.limit.most),
        ],
        integrality=np.concatenate([np.zeros(count + 2), ones]),
        bounds=Bounds(np.zeros(count + 2 + picks), np.concatenate([np.ones(count), [load, excess], ones])),
        options={"time_limit": limit_s, "node_limit": _NODES, "mip_rel_gap": _SLACK},
    )
    if found.x is None:
        return None, found.status == _INFEASIBLE
    values = np.maximum(found.x[:count], 0.0)
    values[chosen[found.x[count + 2 :] < 0.5]] = 0.0
    shares = np.zeros(len(routes.zone))
    shares[columns] = values
    shares = largest(routes, shares, model.limit.most)
    grown = model.grow(shares, float(found.x[count]))  # arcs that were not looked at: the next program does
    return shares, found.status == 0 and not grown
