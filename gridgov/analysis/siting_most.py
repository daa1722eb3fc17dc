"""Maximal covering: the k sites within whose reach most people live (Church and ReVelle 1974), solved by HiGHS.

People whom the same sites cover are one row, sites that cover nobody else than another one go. A choice by greedy
adding and swapping is there in case the time ends first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.programme import Programme, solve_programme
from gridgov.analysis.siting_cover import columns_within_another
from gridgov.analysis.siting_median import greedy, swapped
from gridgov.network.validation import Floats, Int64s


@dataclass(frozen=True, slots=True)
class MostAnswer:
    """Columns that cover much.

    Attributes
    ----------
    covered, bound : float
        Weight of the covered rows, and what no choice exceeds.
    """

    chosen: Int64s
    covered: float
    bound: float


def cover_most(
    table: NDArray[np.bool_], weight: Floats, k: int, *, time_limit_s: float, gap: float = 0.0
) -> MostAnswer:
    """Return at most k columns that cover the greatest weight of rows.

    Parameters
    ----------
    table : bool array, shape (rows, columns)
    weight : float array, shape (rows,)
    """
    patterns, of_row = np.unique(table, axis=0, return_inverse=True)
    merged = np.bincount(of_row.ravel(), weight, len(patterns)).astype(np.float64)
    useful = patterns.any(axis=1) & (merged > 0)
    patterns, merged = patterns[useful], merged[useful]
    kept = np.flatnonzero(~columns_within_another(patterns))
    small = patterns[:, kept]
    left_over = np.where(small, 0.0, merged[:, None])
    quick = swapped(left_over, merged, greedy(left_over, merged, k), min(k, len(kept)))[0]
    total, quick_covers = float(merged.sum()), _covered(small, merged, quick)
    if quick_covers >= total or k >= len(kept) or not len(patterns):
        everything = quick if quick_covers >= total else np.arange(len(kept))
        return MostAnswer(kept[everything], total, total)
    found = solve_programme(_programme(small, merged, k), time_limit_s=time_limit_s, gap=gap)
    chosen = quick if found.x is None else np.flatnonzero(found.x[: len(kept)] > 0.5)
    if _covered(small, merged, chosen) < quick_covers:
        chosen = quick
    covered = _covered(small, merged, chosen)
    bound = covered if found.ending == "optimal" else min(total, total - found.bound)
    return MostAnswer(kept[chosen], covered, max(bound, covered))


def _covered(table: NDArray[np.bool_], weight: Floats, chosen: Int64s) -> float:
    return float(weight[table[:, chosen].any(axis=1)].sum())


def _programme(table: NDArray[np.bool_], weight: Floats, k: int) -> Programme:
    """Return the programme: whom to leave uncovered at least weight. Variables: sites, then rows left out."""
    from scipy.sparse import csr_array, eye_array, hstack, vstack  # noqa: PLC0415  # slow to import

    n, m = table.shape
    reached = hstack([csr_array(table.astype(np.float64)), eye_array(n)])
    count = csr_array(np.append(np.ones(m), np.zeros(n))[None, :])
    return Programme(
        cost=np.append(np.zeros(m), weight),
        rows=vstack([reached, count]).tocsr(),
        lower=np.append(np.ones(n), 0.0),
        upper=np.append(np.full(n, np.inf), float(k)),
        whole=np.append(np.ones(m), np.zeros(n)),
        most=np.ones(m + n),
    )
