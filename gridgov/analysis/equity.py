"""可达性公平: how long people need, not how long grids do: weighted mean, median, 90th percentile, share, Gini.

Every grid counts with the people of one group (all, the elderly, children); a grid without a figure of the group, or
without a way, is counted apart and never as nobody or as a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridgov.errors import ParameterError
from gridgov.network.validation import Floats


@dataclass(frozen=True, slots=True)
class AccessFigures:
    """How long the people of a group need to the nearest.

    Attributes
    ----------
    limit_s : float
    persons : float
        Of all grids whose figure is known.
    persons_within, persons_beyond, persons_unreached : float
        Within the limit; farther; without any way. They sum to `persons`.
    share_within : float or None
        Of all known persons; None where nobody is known.
    mean_s, median_s, p90_s, max_s : float or None
        Of the persons who have a way; None where nobody has. The median is the shortest time within which half of them
        are, p90 the same of nine in ten.
    gini : float or None
        How unequal the times of those persons are: 0 all the same, 1 one person bears all of it (Gini 1912).
    grids_unknown : int
        Grids without a figure of this group.
    """

    limit_s: float
    persons: float
    persons_within: float
    persons_beyond: float
    persons_unreached: float
    share_within: float | None
    mean_s: float | None
    median_s: float | None
    p90_s: float | None
    max_s: float | None
    gini: float | None
    grids_unknown: int


def access_figures(time_s: ArrayLike, persons: ArrayLike, limit_s: float) -> AccessFigures:
    """Return how long people need.

    Parameters
    ----------
    time_s : array_like, shape (n,)
        Of each grid; NaN where there is no way.
    persons : array_like, shape (n,)
        NaN where it is not known.
    limit_s : float
        A grid exactly so far away is within.

    Raises
    ------
    ParameterError
        The lengths differ, or a time, a number of persons or the limit is negative.
    """
    times, weight = np.asarray(time_s, dtype=np.float64), np.asarray(persons, dtype=np.float64)
    if times.shape != weight.shape or times.ndim != 1:
        raise ParameterError(
            f"{times.size} times and {weight.size} numbers of persons; give one of each for every grid"
        )
    if not limit_s >= 0:
        raise ParameterError(f"the limit is {limit_s} s; give seconds from 0 on")
    if (times < 0).any() or (weight < 0).any():
        raise ParameterError("a time or a number of persons is negative; leave out what is not known")
    known = ~np.isnan(weight)
    way = known & np.isfinite(times)
    within = way & (times <= limit_s)
    total, inside, reached = (float(weight[rows].sum()) for rows in (known, within, way))
    some = way & (weight > 0)
    mean, median, p90, longest, gini = _spread(times[some], weight[some])
    return AccessFigures(
        limit_s=limit_s,
        persons=total,
        persons_within=inside,
        persons_beyond=reached - inside,
        persons_unreached=total - reached,
        share_within=inside / total if total else None,
        mean_s=mean,
        median_s=median,
        p90_s=p90,
        max_s=longest,
        gini=gini,
        grids_unknown=int((~known).sum()),
    )


def _spread(times: Floats, weight: Floats) -> tuple[float | None, ...]:
    """Return mean, median, 90th percentile, maximum and Gini coefficient of times by persons."""
    if not len(times):
        return None, None, None, None, None
    order = np.argsort(times, kind="stable")
    times, weight = times[order], weight[order]
    people, spent = np.cumsum(weight), np.cumsum(weight * times)
    share = people / people[-1]
    median, p90 = (float(times[np.searchsorted(share, q - 1e-12)]) for q in (0.5, 0.9))
    before = np.append(0.0, spent[:-1])
    gini = 1.0 - float((weight * (spent + before)).sum() / (people[-1] * spent[-1])) if spent[-1] > 0 else 0.0
    return float(spent[-1] / people[-1]), median, p90, float(times[-1]), max(gini, 0.0)
