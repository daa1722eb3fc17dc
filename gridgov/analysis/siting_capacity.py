"""p-median with capacities: nobody is sent where the places are taken; a grid's people may be divided between sites.

For a choice of sites the people are sent by a minimum-cost flow. The bound is the Lagrangian relaxation of "everybody
is served once" with the capacities kept in each site's own question (Beasley 1988, here divisible); sites are fixed by
reduced costs, and HiGHS decides about those that are left while there is time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.programme import Programme, solve_programme
from gridgov.network.validation import Floats, Int64s

_STEPS = 250
_PATIENCE = 10
_SHORTEST = 5e-3
_MOST_TRIES = 30  # choices whose people are sent
_MOST_SWAPS = 300
_MOST_PAIRS = 60_000  # of a programme that HiGHS may get
_SAME = 1e-9
_NOBODY = 1e-9


@dataclass(frozen=True, slots=True)
class Seats:
    """Who can be sent where.

    Attributes
    ----------
    time_ms : int64 array, shape (n, m)
        Negative where there is no way.
    persons : int64 array, shape (n,)
    places : int64 array, shape (m,)
    open : bool array, shape (m,)
        Sites that are there already.
    """

    time_ms: Int64s
    persons: Int64s
    places: Int64s
    open: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SeatsAnswer:
    """A choice, who is sent where, and the proof.

    Attributes
    ----------
    chosen : int64 array
        Columns that are new.
    sent : int64 array, shape (n, m)
        Persons.
    unserved : int
        Persons without a place.
    cost, bound : float
        Person-milliseconds.
    impossible : bool
        It is proved that no choice serves everybody.
    facts : dict
    """

    chosen: Int64s
    sent: Int64s
    unserved: int
    cost: float
    bound: float
    impossible: bool
    facts: dict[str, int]


@dataclass(slots=True)
class _Search:
    seats: Seats
    k: int
    remaining: Callable[[], float]
    best: tuple[int, float] = (np.iinfo(np.int64).max, np.inf)
    chosen: tuple[int, ...] = ()
    sent: Int64s | None = None
    known: dict[tuple[int, ...], tuple[int, float]] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=lambda: {"steps": 0, "flows": 0})

    def offer(self, columns: Int64s) -> tuple[int, float]:
        """Send the people to a choice and keep it if it is the best: fewest unserved, then least time."""
        choice = tuple(sorted(int(column) for column in columns))
        if choice not in self.known:
            sent, unserved, cost = send(self.seats, np.array(choice, dtype=np.int64))
            self.facts["flows"] += 1
            self.known[choice] = (unserved, cost)
            if (unserved, cost) < self.best:
                self.best, self.chosen, self.sent = (unserved, cost), choice, sent
        return self.known[choice]


def solve_seats(
    seats: Seats, k: int, start: Int64s, *, remaining: Callable[[], float], target_gap: float = 0.0
) -> SeatsAnswer:
    """Return at most k new sites that make the sum of all times least while nobody is sent beyond the places.

    Parameters
    ----------
    start : int64 array
        A choice to begin with.
    remaining : callable
        Seconds left.
    """
    candidates = np.flatnonzero(~seats.open)
    search = _Search(seats, min(k, len(candidates)), remaining)
    search.offer(start[: search.k])
    bound, worth, left = _relaxed(search, candidates)
    _swap(search, worth, left)
    search.facts["sites_left"] = len(left)
    impossible = False
    if not _enough(search, bound, target_gap) and remaining() > 0:
        bound, impossible = _by_programme(search, left, bound, target_gap)
    unserved, cost = search.best
    sent = search.sent if search.sent is not None else np.zeros(seats.time_ms.shape, dtype=np.int64)
    chosen = np.array(search.chosen, dtype=np.int64)
    return SeatsAnswer(
        chosen, sent, unserved, cost, min(bound, cost) if not unserved else bound, impossible, search.facts
    )


def send(seats: Seats, columns: Int64s) -> tuple[Int64s, int, float]:
    """Return who is sent where by a minimum-cost flow, how many have no place, and the person-milliseconds."""
    from ortools.graph.python import min_cost_flow  # noqa: PLC0415  # slow to import

    sites = np.union1d(np.flatnonzero(seats.open), columns).astype(np.int64)
    n, flow = len(seats.persons), min_cost_flow.SimpleMinCostFlow()
    row, site = np.nonzero(seats.time_ms[:, sites] >= 0)
    time = seats.time_ms[row, sites[site]]
    dear = (len(sites) + 1) * int(time.max(initial=0)) + 1  # a chain of moves costs less than one without a place
    end, nowhere = n + len(sites), n + len(sites) + 1
    tail = np.concatenate([row, n + np.arange(len(sites)), np.arange(n), [nowhere]])
    head = np.concatenate([n + site, np.full(len(sites), end), np.full(n, nowhere), [end]])
    room = np.concatenate([seats.persons[row], seats.places[sites], seats.persons, [seats.persons.sum()]])
    cost = np.concatenate([time, np.zeros(len(sites)), np.full(n, dear), [0]]).astype(np.int64)
    arcs = flow.add_arcs_with_capacity_and_unit_cost(tail, head, room, cost)
    supply = np.concatenate([seats.persons, np.zeros(len(sites)), [-seats.persons.sum(), 0]]).astype(np.int64)
    flow.set_nodes_supplies(np.arange(n + len(sites) + 2), supply)
    status = flow.solve()
    assert status == flow.OPTIMAL, status
    moved = np.asarray(flow.flows(arcs), dtype=np.int64)
    sent = np.zeros(seats.time_ms.shape, dtype=np.int64)
    sent[row, sites[site]] = moved[: len(row)]
    return sent, int(moved[-1]), float((moved[: len(row)] * time).sum())


def _relaxed(search: _Search, candidates: Int64s) -> tuple[float, Floats, Int64s]:
    """Return the best bound, the worth of each candidate that a better choice may have, and these candidates."""
    seats = search.seats
    persons = seats.persons.astype(np.float64)
    time = np.where(seats.time_ms < 0, np.inf, seats.time_ms.astype(np.float64))
    there, prices = np.flatnonzero(seats.open), _first_prices(time, search)
    sites = np.append(candidates, there)
    bound, kept, worth, step, since = -np.inf, prices, np.zeros(len(seats.places)), 1.0, 0
    for _ in range(_STEPS):
        if search.remaining() <= 0:
            break
        search.facts["steps"] += 1
        sacks = _knapsacks(time[:, sites], prices, seats.persons, seats.places[sites])
        free = len(sites) - len(there)
        order = np.argsort(sacks.worth[:free], kind="stable")
        picked = np.zeros(len(sites), dtype=np.bool_)
        picked[order[: search.k]] = picked[free:] = True
        value = float(persons @ prices + sacks.worth[picked].sum())
        since += 1
        if not np.isfinite(bound) or value > bound + _SAME * abs(bound):
            bound, kept, since = value, prices, 0
            worth = np.zeros(len(seats.places))
            worth[sites] = sacks.worth
            if len(search.known) < _MOST_TRIES:
                search.offer(sites[:free][picked[:free]])
            never = _never(search, sacks.worth[:free], order, value)
            sites = np.append(sites[:free][~never], there)
        else:
            never = np.zeros(free, dtype=np.bool_)
        if _enough(search, bound, 0.0):
            break
        if since >= _PATIENCE:
            step, since, prices = step / 2, 0, kept
            if step < _SHORTEST:
                break
        slope = persons - np.bincount(sacks.row, sacks.served * picked[sacks.site], len(persons))
        size = float(slope @ slope)
        if size < _NOBODY:
            break
        target = search.best[1] if not search.best[0] else max(abs(value), 1.0) * 1.05
        prices = prices + step * max(target - value, _SAME * abs(target)) / size * slope
    left = sites[: len(sites) - len(there)]
    return bound, worth[left], left


def _first_prices(time: Floats, search: _Search) -> Floats:
    """Return what the nearest and the next of the first choice cost, in the middle."""
    sites = np.append(np.flatnonzero(search.seats.open), np.array(search.chosen, dtype=np.int64)).astype(np.int64)
    near = np.sort(time[:, sites], axis=1)[:, :2] if len(sites) > 1 else time[:, sites]
    longest = float(time[np.isfinite(time)].max(initial=1.0))
    middle: Floats = np.minimum(near, longest).mean(axis=1) if near.shape[1] else np.full(len(time), longest)
    return middle


class _Sacks(NamedTuple):
    """What each site gains by serving whom it likes best within its places (`worth`), and whom it serves."""

    worth: Floats
    row: Int64s
    site: Int64s
    served: Floats


def _knapsacks(time: Floats, prices: Floats, persons: Int64s, places: Int64s) -> _Sacks:
    gain = time - prices[:, None]
    row, site = (ends.astype(np.int64) for ends in np.nonzero(gain < 0))
    likes = gain[row, site]
    order = np.lexsort((likes, site))
    row, site, likes = row[order], site[order], likes[order]
    filled = np.cumsum(persons[row])
    start = np.searchsorted(site, np.arange(len(places)))
    before = np.append(0, filled)[start]  # persons of the sites in front
    taken = np.minimum(filled - before[site], places[site])
    served = np.diff(taken, prepend=0).astype(np.float64)
    first = start[start < len(site)]
    served[first] = taken[first]
    worth = np.bincount(site, likes * served, len(places)).astype(np.float64)
    return _Sacks(worth, row, site, served)


def _never(search: _Search, worth: Floats, order: Int64s, value: float) -> NDArray[np.bool_]:
    """Return which candidates are in no choice that is better than the best."""
    none = np.zeros(len(worth), dtype=np.bool_)
    if search.best[0] or search.k >= len(worth) or not search.k:
        return none
    outside = np.ones(len(worth), dtype=np.bool_)
    outside[order[: search.k]] = False
    limit = search.best[1] * (1 + _SAME)
    return np.asarray(outside & (value + worth - worth[order[search.k - 1]] > limit))


def _swap(search: _Search, worth: Floats, left: Int64s) -> None:
    """Exchange sites of the best choice for others, those first that the relaxation prefers, while that helps."""
    liking = np.zeros(len(search.seats.places))
    liking[left] = worth
    tries, better = 0, True
    while better:
        better = False
        inside = np.array(search.chosen, dtype=np.int64)
        outside = np.setdiff1d(left, inside)
        promise = liking[outside][None, :] - liking[inside][:, None]
        for pair in np.argsort(promise, axis=None, kind="stable"):
            out, into = np.unravel_index(int(pair), promise.shape)
            choice = np.append(np.delete(inside, out), outside[into])
            if tuple(sorted(choice.tolist())) in search.known:
                continue
            if tries >= _MOST_SWAPS or search.remaining() <= 0:
                return
            tries, before = tries + 1, search.best
            if search.offer(choice) < before:
                better = True
                break


def _enough(search: _Search, bound: float, target_gap: float) -> bool:
    unserved, cost = search.best
    return not unserved and bound >= cost * (1 - _SAME - target_gap)


def _by_programme(search: _Search, left: Int64s, bound: float, target_gap: float) -> tuple[float, bool]:
    """Let HiGHS decide about the sites that are left; return the bound, and whether nobody can serve everybody."""
    seats = search.seats
    sites = np.append(np.flatnonzero(seats.open), left).astype(np.int64)
    row, site = np.nonzero(seats.time_ms[:, sites] >= 0)
    if len(row) > _MOST_PAIRS:
        return bound, False
    programme = _programme(seats, sites, (row, site), search.k)
    found = solve_programme(programme, time_limit_s=search.remaining(), gap=target_gap)
    if found.ending == "infeasible":
        return bound, search.best[0] > 0
    if found.x is not None:
        chosen = sites[np.flatnonzero(found.x[: len(sites)] > 0.5)]
        search.offer(chosen[~seats.open[chosen]])
    if found.ending == "optimal" and not search.best[0]:
        return search.best[1], False
    return max(bound, found.bound), False


def _programme(seats: Seats, sites: Int64s, pairs: tuple[Int64s, Int64s], k: int) -> Programme:
    """Return the programme. Variables: sites, then persons of each pair; rows: everybody, places, pairs, how many."""
    from scipy.sparse import coo_array, vstack  # noqa: PLC0415  # slow to import

    row, site = pairs
    n, m, p = len(seats.persons), len(sites), len(row)
    persons, places = seats.persons.astype(np.float64), seats.places[sites].astype(np.float64)
    pair, new = m + np.arange(p), (~seats.open[sites]).astype(np.float64)
    everybody = coo_array((np.ones(p), (row, pair)), shape=(n, m + p))
    seated = coo_array(
        (np.append(np.ones(p), -places), (np.append(site, np.arange(m)), np.append(pair, np.arange(m)))),
        shape=(m, m + p),
    )
    size = np.minimum(persons[row], places[site])
    opened = coo_array(
        (np.append(np.ones(p), -size), (np.tile(np.arange(p), 2), np.append(pair, site))), shape=(p, m + p)
    )
    count = coo_array((new, (np.zeros(m, dtype=np.int64), np.arange(m))), shape=(1, m + p))
    return Programme(
        cost=np.append(np.zeros(m), seats.time_ms[row, sites[site]].astype(np.float64)),
        rows=vstack([everybody, seated, opened, count]).tocsr(),
        lower=np.concatenate([persons, np.full(m + p + 1, -np.inf)]),
        upper=np.concatenate([persons, np.zeros(m + p), [float(k)]]),
        whole=np.append(np.ones(m), np.zeros(p)),
        most=np.append(np.ones(m), size),
    )
