"""Lower bounds where people get ready bit by bit: nobody is safe before the last are ready and have driven.

The moving cut of `certificate.py` holds with a curve of readiness, too: of a zone whose node is passed by the cut at
a(z) only those may come out before it who are ready by then, so they alone count as demand left behind. Two families of
cuts: the way to the nearest shelter counted back from the horizon (the last who get ready, and the shortest way), and
the best cut of the roads, begun later and cut shorter.
"""

from __future__ import annotations

import numpy as np

from gridgov.evacuation.certificate import cut_value
from gridgov.evacuation.mobilisation import ready_moment
from gridgov.evacuation.problem import EvacuationProblem
from gridgov.evacuation.steady import distances
from gridgov.network.validation import Floats

_LATER = 24  # so many moments at which the roads' cut may begin
_HALVINGS = 24
_SURE = 1e-6  # share of those who must pass that is left for rounding


def readiness_bound(
    problem: EvacuationProblem, persons: Floats, potential_s: Floats, horizon_s: float
) -> tuple[float, Floats]:
    """Return the longest horizon (s) found that is too short, and the potentials (s) of all nodes that show it.

    Parameters
    ----------
    persons : float array, shape (zones,)
        Who is to be moved.
    potential_s, horizon_s
        A cut of the roads that holds when all are ready at once.
    """
    if problem.ready is None:
        return horizon_s, potential_s
    last_s = ready_moment(problem.ready)
    found = [_way_back(problem, persons, last_s)]
    if horizon_s > 0:
        found.append((horizon_s, potential_s))
        found += [_begun_later(problem, persons, potential_s, horizon_s, at) for at in _moments(last_s)]
    return max(found, key=lambda one: one[0])


def _moments(last_s: float) -> list[float]:
    """Return moments up to the last one, closer together at the beginning."""
    return [last_s * (part / _LATER) ** 2 for part in range(1, _LATER + 1)]


def _holds(problem: EvacuationProblem, persons: Floats, potential_s: Floats, horizon_s: float) -> bool:
    needed = float(persons.sum()) / problem.occupancy
    return cut_value(problem, persons, potential_s, horizon_s) < needed * (1 - _SURE)


def _way_back(problem: EvacuationProblem, persons: Floats, last_s: float) -> tuple[float, Floats]:
    """Return the bound of the last who get ready and take the shortest way; no road counts in its cut."""
    use = (problem.capacity_vph > 0) & (problem.tail != problem.head)
    roots = np.unique(problem.shelter_node[problem.shelter_persons > 0])
    none = np.zeros(problem.n_nodes)
    if not len(roots):
        return 0.0, none
    times = problem.travel_time_ms[use]
    away_s = distances(problem.n_nodes, problem.head[use], problem.tail[use], times, roots) / 1000.0
    counts = (persons > 0) & np.isfinite(away_s[problem.zone_node])
    counts &= ~np.isin(problem.zone_node, roots)  # who lives at a shelter need not move
    if not counts.any():
        return 0.0, none
    low, high = 0.0, last_s + float(away_s[problem.zone_node[counts]].max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        holds = _holds(problem, persons, np.where(np.isfinite(away_s), middle - away_s, 0.0), middle)
        low, high = (middle, high) if holds else (low, middle)
    return low, np.where(np.isfinite(away_s), low - away_s, 0.0)


def _begun_later(
    problem: EvacuationProblem, persons: Floats, potential_s: Floats, horizon_s: float, later_s: float
) -> tuple[float, Floats]:
    """Return the bound of a cut that begins later, when some are ready, and lasts shorter, for their sake."""

    def moved(shorter_s: float) -> tuple[float, Floats]:
        return horizon_s - shorter_s + later_s, np.maximum(potential_s - shorter_s, 0.0) + later_s

    def holds(shorter_s: float) -> bool:
        longest_s, potential = moved(shorter_s)
        return _holds(problem, persons, potential, longest_s)

    low, high = 0.0, min(later_s, horizon_s)  # shorter by more than it begins later would be no gain
    if not holds(high):
        return 0.0, potential_s
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return moved(high)
