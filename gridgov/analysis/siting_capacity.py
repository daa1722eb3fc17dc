"""p-median with capacities: nobody is sent where the places are taken; a grid's people may be divided between sites.

For a choice of sites the people are sent by a minimum-cost flow. The bound is the Lagrangian relaxation of "everybody
is served once" with the capacities kept in each site's own question (Beasley 1988, here divisible); sites are fixed by
reduced costs, and HiGHS decides about those that are left while there is time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.programme import Programme, solve_programme
from gridgov.network.validation import Floats, Int64s

_STEPS = 250
_PATIENCE = 10
_SHORTEST = 5e-3
_MOST_TRIES = 30  # choices whose people are sent
_MOST_SWAPS = 60
_MOST_PAIRS = 400_000  # of a programme that HiGHS may get
_SAME = 1e-9


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
    bound, worth, never = _relaxed(search, candidates)
    _swap(search, worth)
    left = np.setdiff1d(candidates, never)
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
    """Return the best bound, the worth of each candidate there, and the candidates that no better choice has."""
    seats = search.seats
    persons = seats.persons.astype(np.float64)
    time = np.where(seats.time_ms < 0, np.inf, seats.time_ms.astype(np.float64))
    prices = _first_prices(time, search)
    bound, kept, worth, step, since = -np.inf, prices, np.zeros(len(candidates)), 1.0, 0
    never = np.zeros(len(candidates), dtype=np.bool_)
    for _ in range(_STEPS):
        if search.remaining() <= 0:
            break
        search.facts["steps"] += 1
        worths, used = _knapsacks(time, prices, seats)
        order = np.argsort(worths[candidates], kind="stable")
        picked = candidates[order[: search.k]]
        open_sites = np.append(np.flatnonzero(seats.open), picked)
        value = float(persons @ prices + worths[open_sites].sum())
        since += 1
        if value > bound + _SAME * abs(bound) if np.isfinite(bound) else True:
            bound, kept, since, worth = value, prices, 0, worths[candidates]
            if len(search.known) < _MOST_TRIES:
                search.offer(picked)
            never |= _never(search, worth, order, value)
        if _enough(search, bound, 0.0):
            break
        if since >= _PATIENCE:
            step, since, prices = step / 2, 0, kept
            if step < _SHORTEST:
                break
        slope = persons - used[:, open_sites].sum(axis=1)
        size = float(slope @ slope)
        if size < 1e-9:
            break
        target = search.best[1] if not search.best[0] else max(abs(value), 1.0) * 1.05
        prices = prices + step * max(target - value, _SAME * abs(target)) / size * slope
    return bound, worth, candidates[never]


def _first_prices(time: Floats, search: _Search) -> Floats:
    """Return what the nearest and the next of the first choice cost, in the middle."""
    sites = np.append(np.flatnonzero(search.seats.open), np.array(search.chosen, dtype=np.int64)).astype(np.int64)
    near = np.sort(time[:, sites], axis=1)[:, :2] if len(sites) > 1 else time[:, sites]
    longest = float(time[np.isfinite(time)].max(initial=1.0))
    middle: Floats = np.minimum(near, longest).mean(axis=1) if near.shape[1] else np.full(len(time), longest)
    return middle


def _knapsacks(time: Floats, prices: Floats, seats: Seats) -> tuple[Floats, Floats]:
    """Return for each site what it gains by serving whom it likes best within its places, and whom."""
    gain = np.minimum(time - prices[:, None], 0.0)
    order = np.argsort(gain, axis=0)
    persons = np.where(np.take_along_axis(gain, order, axis=0) < 0, seats.persons[order], 0)
    taken = np.minimum(np.cumsum(persons, axis=0), seats.places[None, :])
    served = np.diff(taken, axis=0, prepend=0).astype(np.float64)
    used = np.empty_like(served)
    np.put_along_axis(used, order, served, axis=0)
    return (np.where(used > 0, gain, 0.0) * used).sum(axis=0), used


def _never(search: _Search, worth: Floats, order: Int64s, value: float) -> NDArray[np.bool_]:
    """Return which candidates are in no choice that is better than the best."""
    none = np.zeros(len(worth), dtype=np.bool_)
    if search.best[0] or search.k >= len(worth) or not search.k:
        return none
    outside = np.ones(len(worth), dtype=np.bool_)
    outside[order[: search.k]] = False
    limit = search.best[1] * (1 + _SAME)
    return np.asarray(outside & (value + worth - worth[order[search.k - 1]] > limit))


def _swap(search: _Search, worth: Floats) -> None:
    """Exchange sites of the best choice for those that the relaxation likes, while that makes it better."""
    candidates = np.flatnonzero(~search.seats.open)
    liked = candidates[np.argsort(worth, kind="stable")][: 2 * search.k + 4]
    tries, better = 0, True
    while better:
        better = False
        for into in liked:
            for out in search.chosen:
                if tries >= _MOST_SWAPS or search.remaining() <= 0:
                    return
                if into in search.chosen:
                    break
                tries, before = tries + 1, search.best
                rest = [column for column in search.chosen if column != out]
                better |= search.offer(np.array([*rest, into], dtype=np.int64)) < before


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
