"""工作量: how much work each grid is, from its incidents, its people and the rounds through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.grids.borders import Floats


@dataclass(frozen=True, slots=True)
class WorkloadWeights:
    """What counts how much; only the proportions matter.

    Attributes
    ----------
    incidents, persons, grids : float
        Handling incidents; visiting people; every grid the same (rounds).
    """

    incidents: float = 0.6
    persons: float = 0.3
    grids: float = 0.1

    def __post_init__(self) -> None:
        parts = (self.incidents, self.persons, self.grids)
        if not all(np.isfinite(part) and part >= 0 for part in parts):
            raise ParameterError("a weight of the workload is negative or no number; give weights from 0 on")
        if not sum(parts) > 0:
            raise ParameterError("the weights of the workload sum to zero; give at least one above 0")


@dataclass(frozen=True)
class Workload:
    """The work of grids, as shares of all the work.

    Attributes
    ----------
    share : float array, shape (n,)
        Adds up to 1.
    unknown : bool array
        Grids whose population is not known: counted with the median of the known ones of their community, else of all.
    """

    share: Floats
    unknown: NDArray[np.bool_]


def workload(
    incidents: ArrayLike, persons: ArrayLike, community: ArrayLike, weights: WorkloadWeights | None = None
) -> Workload:
    """Add up what makes work.

    Parameters
    ----------
    incidents : array_like, shape (n,)
        Count, or any weight such as minutes of handling.
    persons : array_like, shape (n,)
        NaN where it is not known.
    community : array_like of str
    weights : WorkloadWeights, optional
        What is zero everywhere (no incidents at all) leaves its weight to the others.

    Raises
    ------
    ParameterError
        The lengths differ, or a number is negative.
    """
    weights = weights or WorkloadWeights()
    count, people = np.asarray(incidents, dtype=float), np.asarray(persons, dtype=float)
    names = np.asarray(community, dtype=object).astype(str)
    if not len(count) == len(people) == len(names):
        raise ParameterError("incidents, persons and communities need one entry for each grid")
    if (count < 0).any() or (people < 0).any():
        row = int(np.flatnonzero((count < 0) | (people < 0))[0])
        raise ParameterError(f"the incidents or the population of grid {row} are negative")
    unknown = ~np.isfinite(people)
    parts = [(weights.incidents, count), (weights.persons, _filled(people, unknown, names))]
    parts.append((weights.grids, np.ones(len(count))))
    used = [(weight, values / values.sum()) for weight, values in parts if weight > 0 and values.sum() > 0]
    total = sum(weight for weight, _ in used)
    share = sum((weight / total * values for weight, values in used), np.zeros(len(count)))
    return Workload(np.asarray(share if used else np.full(len(count), 1 / max(1, len(count)))), unknown)


def _filled(people: Floats, unknown: NDArray[np.bool_], names: NDArray[np.object_]) -> Floats:
    """Put the median of the community where nobody knows."""
    filled = people.copy()
    if unknown.all():
        return np.zeros(len(people))
    everywhere = float(np.median(people[~unknown]))
    for name in np.unique(names[unknown]):
        known = people[(names == name) & ~unknown]
        filled[(names == name) & unknown] = float(np.median(known)) if len(known) else everywhere
    return filled
