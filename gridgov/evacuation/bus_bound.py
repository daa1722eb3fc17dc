"""A time before which no plan of these buses is done, however it forms its loads: a bound by a linear programme.

Give every trip the weights l_z / load of its zones; they add up to 1. The way from where a trip starts to where it ends
over all its zones is at least the way over each of them alone, so that it is at least their weighted mean. Summed over
all trips, the weights are flows depot or shelter → zone → shelter: as many start at a shelter as came there at most, no
more start at a depot than it has buses, a zone gets at least its people / seats, and shelters keep within their places.
The least driving of such flows, with boarding, stops and alighting, shared by the buses that are used (how many is left
to the programme), is no more than the last bus needs. Nor is any plan done before the farthest zone has been reached
from a depot and left.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from gridgov.evacuation.bus_loads import BusQuestion, Int64s
from gridgov.model.buses import BusParams

MOST_FLOWS = 60_000  # zones times shelters; above, the programme takes too long and a simpler sum is the bound


def lower_bound_s(question: BusQuestion, going: Int64s, buses_of_depot: Int64s, params: BusParams) -> float:
    """Return a time before which no plan brings these people to safety; see the module's text.

    Parameters
    ----------
    question : BusQuestion
    going : int array, shape (zones, shelters)
        Whom the buses fetch; only how many of each zone counts.
    buses_of_depot : int array, shape (depots,)
    params : BusParams
    """
    persons = going.sum(axis=1)
    zones = np.flatnonzero(persons)
    if not len(zones):
        return 0.0
    simple = _simple_s(question, persons, int(buses_of_depot.sum()), params)
    if len(zones) * going.shape[1] > MOST_FLOWS:
        return simple
    return max(simple, _flows_s(question, persons, zones, buses_of_depot, params))


def _service_s(persons: Int64s, params: BusParams) -> float:
    """Return boarding and stops of all people: each zone is visited at least as often as it fills a bus."""
    return float((persons * params.board_s + np.ceil(persons / params.seats) * params.stop_s).sum())


def _simple_s(question: BusQuestion, persons: Int64s, n_buses: int, params: BusParams) -> float:
    """Return the bound by the shortest ways to and from each zone."""
    some = persons > 0
    depot, shelter = question.from_depot_s[:, some].min(axis=0), question.from_shelter_s[:, some].min(axis=0)
    leave = question.to_shelter_s[some].min(axis=1)
    loads = persons[some] / params.seats
    work = _service_s(persons, params) + float((loads * (np.minimum(depot, shelter) + leave + params.alight_s)).sum())
    farthest = float((depot + leave).max()) + params.stop_s + params.alight_s + params.board_s
    return max(work / n_buses, farthest)


def _flows_s(question: BusQuestion, persons: Int64s, zones: Int64s, buses_of_depot: Int64s, params: BusParams) -> float:
    """Return the bound by flows; all of them stand for their share of one bus, so that the cost is a time.

    Columns, each zone by zone: people / seats to each shelter; weights to each shelter, from each shelter, from each
    depot; at the end 1 / buses used.
    """
    out, back = question.to_shelter_s[zones], question.from_shelter_s[:, zones].T
    start = question.from_depot_s[:, zones].T
    (n, shelters), depots = out.shape, start.shape[1]
    loads, pairs = persons[zones] / params.seats, n * shelters
    of_zone, of_shelter = _sums(n, shelters)
    of_zone_d, of_depot = _sums(n, depots)
    equal = sparse.block_array(
        [
            [of_zone, None, None, None, -loads[:, None]],
            [None, of_zone, -of_zone, -of_zone_d, None],
            [None, None, None, np.ones((1, n * depots)), np.zeros((1, 1))],
        ]
    )
    one = sparse.eye_array(pairs)
    at_most = sparse.block_array(
        [
            [one, -one, None, None, None],
            [of_shelter, None, None, None, -(question.places / params.seats)[:, None]],
            [None, -of_shelter, of_shelter, None, None],
            [None, None, None, of_depot, -buses_of_depot[:, None].astype(float)],
        ]
    )
    seconds = [np.zeros(pairs), out.ravel() + params.alight_s, back.ravel(), start.ravel()]
    cost = np.append(np.concatenate(seconds), _service_s(persons, params))
    upper = np.where(np.isfinite(cost), np.inf, 0.0)
    upper[:pairs] = upper[pairs : 2 * pairs]
    upper[-1] = 1.0
    lower = np.zeros(len(cost))
    lower[-1] = 1.0 / buses_of_depot.sum()
    found = linprog(
        np.where(np.isfinite(cost), cost, 0.0),
        A_ub=at_most.tocsr(),
        b_ub=np.zeros(at_most.shape[0]),
        A_eq=equal.tocsr(),
        b_eq=np.append(np.zeros(2 * n), 1.0),
        bounds=np.column_stack([lower, upper]),
        method="highs",
    )
    return float(found.fun) * (1.0 - 1e-9) if found.status == 0 else 0.0


def _sums(n: int, m: int) -> tuple[sparse.sparray, sparse.sparray]:
    """Return what adds up a table of n rows and m columns, row after row: by rows, and by columns."""
    by_row = sparse.kron(sparse.eye_array(n), np.ones((1, m)), format="csr")
    return by_row, sparse.kron(np.ones((1, n)), sparse.eye_array(m), format="csr")
