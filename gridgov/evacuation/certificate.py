"""The certificate of a bound: one potential per node of the original network, checked by one sum.

If everybody could be safe within T, the flow through the moving cut {(v, t): t ≥ a(v)} would have to be at least the
demand. It is at most: capacity · (min(a(head), closing) − a(tail) − travel time) of every edge where positive, plus the
demand of zones with a > 0, plus the places of shelters with a < T. Where the sum is smaller, T is impossible. Where
people get ready bit by bit, of a zone only those count who are ready by a (`readiness_bound.py`).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gridgov.evacuation.instance import UNITS_PER_PERSON, Instance
from gridgov.evacuation.mobilisation import ready_share
from gridgov.evacuation.problem import EvacuationProblem
from gridgov.model.evacuation import Certificate
from gridgov.network.validation import Floats, Int64s

_MARGIN = 1e-4
_WIDER = 1.5  # a margin that does not do
_TRIES = 24


def cut_value(problem: EvacuationProblem, persons: Floats, potential_s: Floats, horizon_s: float) -> float:
    """Return the vehicles that can cross the moving cut of the potentials within the horizon."""
    a = np.clip(potential_s, 0.0, horizon_s)
    left_by = np.minimum(a[problem.head], problem.closes_s)
    jump = np.maximum(left_by - a[problem.tail] - problem.travel_time_ms / 1000.0, 0.0)
    roads = float((problem.capacity_vps * jump).sum())
    behind = behind_cut(problem, persons, a)
    full = float(problem.shelter_persons[a[problem.shelter_node] < horizon_s].sum())
    return roads + (behind + full) / problem.occupancy


def behind_cut(problem: EvacuationProblem, persons: Floats, potential_s: Floats) -> float:
    """Return the persons who may leave their zones before the cut passes there; those at a shelter need not leave."""
    passed = potential_s[problem.zone_node]
    if problem.ready is None:
        return float(persons[passed > 0].sum())
    arrived = np.isin(problem.zone_node, problem.shelter_node[problem.shelter_persons > 0])
    ready = problem.persons * ready_share(problem.ready, passed)
    return float(np.where(arrived, persons * (passed > 0), np.minimum(persons, ready)).sum())


def certify(
    problem: EvacuationProblem, persons: Floats, reduced: Instance, potential_ms: Floats, horizon_ms: float
) -> tuple[float, Certificate]:
    """Return the longest horizon (s) that the potentials prove on the original network, and the certificate.

    Parameters
    ----------
    persons : float array, shape (zones,)
        Who is to be moved; without those who are unmet.
    reduced : Instance
        What the potentials belong to.
    """
    return certify_potentials(problem, persons, spread(problem, reduced, potential_ms) / 1000.0, horizon_ms / 1000.0)


def certify_potentials(
    problem: EvacuationProblem, persons: Floats, potential: Floats, horizon_s: float
) -> tuple[float, Certificate]:
    """Return the longest horizon (s) that potentials (s) of the original nodes prove, and the certificate."""
    needed = float(persons.sum()) / problem.occupancy
    horizon, rounded = _proven(problem, persons, potential, horizon_s)
    if horizon <= 0 or needed <= 0:
        return 0.0, Certificate((), (), {}, 0.0, needed)
    value = cut_value(problem, persons, rounded, horizon)
    zones = np.flatnonzero((rounded[problem.zone_node] <= 0) & (persons > 0))
    free = np.flatnonzero(rounded[problem.shelter_node] >= horizon)
    certificate = Certificate(
        terminal_zones=tuple(problem.zone_id[i] for i in zones),
        open_shelters=tuple(problem.shelter_id[i] for i in free),
        potential_s={int(node): float(rounded[node]) for node in np.flatnonzero(rounded > 0)},
        value_vehicles=value,
        needed_vehicles=needed,
    )
    return horizon, certificate


def _proven(problem: EvacuationProblem, persons: Floats, potential_s: Floats, whole_s: float) -> tuple[float, Floats]:
    """Return the longest horizon (s) a little under the given one that holds with a margin, and its potentials.

    A shorter horizon moves the cut: all its moments come earlier, or the late ones are cut off; whichever holds.
    """
    share = _MARGIN
    for _ in range(_TRIES):
        horizon = float(np.floor(whole_s * (1.0 - share) * 1000.0) / 1000.0)
        for earlier in (whole_s - horizon, 0.0):
            a = np.asarray(np.round(np.clip(potential_s - earlier, 0.0, max(horizon, 0.0)), 6), dtype=np.float64)
            if horizon > 0 and _holds(problem, persons, a, horizon):
                return horizon, a
        share = min(share * _WIDER, 1.0)
    return 0.0, potential_s


def _holds(problem: EvacuationProblem, persons: Floats, potential_s: Floats, horizon_s: float) -> bool:
    """Whether a cut lets less pass than is needed, by more than rounding."""
    needed = float(persons.sum()) / problem.occupancy
    behind = behind_cut(problem, persons, potential_s) / problem.occupancy
    spare = max(1e-6 * (needed - behind), 1e-8 * needed)
    return cut_value(problem, persons, potential_s, horizon_s) < needed - spare


def spread(problem: EvacuationProblem, reduced: Instance, potential_ms: Floats) -> Floats:
    """Return potentials (ms) of all original nodes, from those of a reduced instance.

    Inside a merged chain the jump stands on its narrowest edge; all other nodes get what no edge needs to pay for.
    """
    known = np.full(problem.n_nodes, np.inf)
    real = reduced.origin < problem.n_nodes
    known[reduced.origin[real]] = potential_ms[real]
    jump = potential_ms[reduced.head] - potential_ms[reduced.tail] - reduced.tau
    for arc in np.flatnonzero((np.diff(reduced.chain_first) > 1) & (jump > 0)).tolist():
        edges = reduced.edges_of(arc)
        narrow = int(np.argmin(problem.capacity_vph[edges]))
        value = potential_ms[reduced.tail[arc]]
        for edge in edges[:narrow]:
            value += problem.travel_time_ms[edge]
            known[problem.head[edge]] = value
        value = potential_ms[reduced.head[arc]]
        for edge in edges[:narrow:-1]:
            value -= problem.travel_time_ms[edge]
            known[problem.tail[edge]] = value
    return _extend(problem, known)


def _extend(problem: EvacuationProblem, known: Floats) -> Floats:
    """Give every other node the least potential of a predecessor plus the way from there."""
    n, given = problem.n_nodes, np.isfinite(known)
    use = (problem.capacity_vph > 0) & ~given[problem.head]
    roots = np.flatnonzero(given)
    floor = float(known[roots].min(initial=0.0))
    tail = np.concatenate([problem.tail[use], np.full(len(roots), n)])
    head = np.concatenate([problem.head[use], roots])
    weight = np.concatenate([problem.travel_time_ms[use].astype(np.float64), known[roots] - floor]) + 1e-3
    tail, head, weight = least_of_parallel(tail, head, weight)
    graph = csr_matrix((weight, (tail, head)), shape=(n + 1, n + 1))
    reached = dijkstra(graph, indices=n)[:n] + floor
    return np.where(given, known, np.where(np.isfinite(reached), reached, 1e15))


def least_of_parallel(tail: Int64s, head: Int64s, weight: Floats) -> tuple[Int64s, Int64s, Floats]:
    """Keep the lightest of arcs between the same two nodes (scipy's matrices would add them up)."""
    order = np.lexsort((weight, head, tail))
    tail, head, weight = tail[order], head[order], weight[order]
    kept = np.ones(len(tail), dtype=np.bool_)
    kept[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    return tail[kept], head[kept], weight[kept]


def saved_persons(problem: EvacuationProblem, instance: Instance) -> Floats:
    """Return the persons of each zone whom an instance moves."""
    persons = np.zeros(len(problem.zone_id))
    persons[instance.zone] = np.minimum(instance.units / UNITS_PER_PERSON, problem.persons[instance.zone])
    return persons
