"""热点: grids where a count or rate and those of the neighbours are high together (Getis-Ord Gi*), false finds bounded.

Getis and Ord 1992, Ord and Getis 1995, binary weights, the grid itself included. The p-value is that of a permutation:
how often as many grids taken at random have so high a sum. It depends on the number of neighbours only, so a hundred
thousand permutations cost little, and the smallest p is small enough for Benjamini and Hochberg's control of the false
discovery rate (1995) over thousands of grids; 999 permutations for each grid by itself are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.grids.borders import Borders

Floats = NDArray[np.float64]
PERMUTATIONS = 99_999
_AT_ONCE = 4_000_000


def gi_star(
    values: ArrayLike,
    borders: Borders,
    *,
    alpha: float = 0.05,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Return for each grid whether it is a hot spot.

    Parameters
    ----------
    values : array_like, shape (n,)
        Counts or rates; NaN where nothing is known: such a grid is none and nobody's neighbour.
    borders : Borders
        Who is beside whom.
    alpha : float
        The expected share of false ones among all hot spots is at most this; where nothing is hot at all, the chance of
        even one.
    permutations : int
        At least 99.
    seed : int

    Returns
    -------
    DataFrame
        value, neighbours (with the grid itself), z, p_value, q_value (Benjamini-Hochberg), hot (bool); z, p and q are
        missing where the value is. All z are 0 and nothing is hot where all values are the same.

    Raises
    ------
    ParameterError
        The numbers of values and grids differ, or alpha or permutations cannot be used.
    """
    value = np.asarray(values, dtype=float)
    if value.shape != (borders.count,):
        raise ParameterError(f"there are {borders.count} grids and {value.size} values; give one for each")
    if not 0 < alpha < 1 or permutations < 99:
        raise ParameterError("alpha must lie between 0 and 1, and 99 permutations are the fewest")
    known = np.isfinite(value)
    rows = np.flatnonzero(known)
    total, size = _star_sums(value, borders, known)
    frame = pd.DataFrame({"value": value, "neighbours": size, "z": np.nan, "p_value": np.nan, "q_value": np.nan})
    if len(rows):
        frame.loc[rows, "z"] = _z(value[rows], total[rows], size[rows])
        p = _p_values(value[rows], total[rows], size[rows], permutations, seed)
        frame.loc[rows, "p_value"], frame.loc[rows, "q_value"] = p, benjamini_hochberg(p)
    frame["hot"] = (frame["q_value"] <= alpha) & (frame["z"] > 0)
    return frame


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return q-values: the smallest false discovery rate at which each would be found (Benjamini and Hochberg 1995)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q


def rates(counts: ArrayLike, persons: ArrayLike, *, per: float = 1000.0, least: float = 50.0) -> Floats:
    """Return incidents for so many persons; NaN where fewer than `least` live or nobody knows how many do.

    Raises
    ------
    ParameterError
        A population is negative, or the lengths differ.
    """
    count, people = np.asarray(counts, dtype=float), np.asarray(persons, dtype=float)
    if count.shape != people.shape:
        raise ParameterError(f"there are {count.size} counts and {people.size} populations; give one for each grid")
    if (people < 0).any():
        row = int(np.flatnonzero(people < 0)[0])
        raise ParameterError(f"the population of grid {row} is {people[row]:g}; leave it empty where it is not known")
    enough = people >= max(least, 1e-9)
    return np.asarray(np.divide(count * per, people, out=np.full(len(count), np.nan), where=enough))


def hot_regions(hot: Sequence[bool], borders: Borders) -> list[list[int]]:
    """Return the hot grids that lie beside each other as regions, the largest first."""
    pieces = borders.parts(np.flatnonzero(np.asarray(hot, dtype=bool)).tolist())
    return sorted(pieces, key=lambda piece: (-len(piece), piece[0]))


def _star_sums(value: Floats, borders: Borders, known: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.int64]]:
    own = np.where(known, value, 0.0)
    total, size = own.copy(), known.astype(np.int64)
    for one, other in ((borders.a, borders.b), (borders.b, borders.a)):
        np.add.at(total, one, own[other])
        np.add.at(size, one, known[other].astype(np.int64))
    return total, size


def _z(value: Floats, total: Floats, size: NDArray[np.int64]) -> Floats:
    n, mean, spread = len(value), value.mean(), value.std()
    scale = spread * np.sqrt(np.maximum(size * (n - size), 0) / max(n - 1, 1))
    return np.asarray(np.divide(total - mean * size, scale, out=np.zeros(n), where=scale > 0))


def _p_values(value: Floats, total: Floats, size: NDArray[np.int64], permutations: int, seed: int) -> Floats:
    """How often so many grids taken at random have as high a sum; the grid's own one counts among them."""
    rng, most = np.random.default_rng(seed), int(size.max())
    kept = np.empty((permutations, most))
    step = max(1, _AT_ONCE // max(most, len(value) if most * most > 2 * len(value) else most))
    for first in range(0, permutations, step):
        count = min(step, permutations - first)
        kept[first : first + count] = np.cumsum(value[_draws(rng, count, len(value), most)], axis=1)
    p = np.ones(len(value))
    for m in np.unique(size).tolist():
        null, mine = np.sort(kept[:, m - 1]), size == m
        slack = 1e-9 * max(1.0, float(np.abs(null).max()))  # sums of the same numbers in another order are the same
        as_high = permutations - np.searchsorted(null, total[mine] - slack, side="left")
        p[mine] = (1 + as_high) / (permutations + 1)
    return p


def _draws(rng: np.random.Generator, count: int, n: int, m: int) -> NDArray[np.int64]:
    """Return rows of m different grids."""
    if m * m > 2 * n:  # few rows of random grids would be without a repetition
        return np.argsort(rng.random((count, n)), axis=1)[:, :m]
    rows = rng.integers(n, size=(count, m))
    while len(again := np.flatnonzero((np.diff(np.sort(rows, axis=1), axis=1) == 0).any(axis=1))):
        rows[again] = rng.integers(n, size=(len(again), m))
    return rows
