"""Covering: the fewest sites that cover everybody, whether k sites can, and the smallest largest time that k reach.

Tables of who covers whom are made small first: equal and implied rows go, and columns that cover no more than another
one (Toregas et al. 1971); HiGHS decides the rest. The p-centre is a search over the times that occur, with one covering
question for each (Minieka 1970), so that at every moment some time is proved too short and another one reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis.programme import Programme, solve_programme
from gridgov.network.validation import Int64s

Table = NDArray[np.bool_]
_LARGEST_PRODUCT = 4_000  # rows or columns compared with each other; beyond, HiGHS's own presolve does it


@dataclass(frozen=True, slots=True)
class CoverAnswer:
    """Columns that cover every row.

    Attributes
    ----------
    chosen : int64 array or None
        None where none was found.
    bound : int
        No cover has fewer columns; more than there are columns: there is no cover.
    """

    chosen: Int64s | None
    bound: int


@dataclass(frozen=True, slots=True)
class CentreAnswer:
    """A choice with its largest time.

    Attributes
    ----------
    chosen : int64 array or None
    time, bound : int
        Milliseconds; the largest time of the choice, and what no choice stays below.
    questions : int
        How many covering questions that took.
    """

    chosen: Int64s | None
    time: int
    bound: int
    questions: int


def fewest_covering(table: Table, *, most: int | None = None, time_limit_s: float) -> CoverAnswer:
    """Return the fewest columns that cover all rows.

    Parameters
    ----------
    table : bool array, shape (rows, columns)
    most : int, optional
        A cover with so few columns is enough, and more are of no use.
    """
    columns = table.shape[1]
    if not len(table):
        return CoverAnswer(np.zeros(0, dtype=np.int64), 0)
    if not table.any(axis=1).all():
        return CoverAnswer(None, columns + 1)
    small, kept = _smaller(table)
    quick = _greedy_cover(small)
    least = _apart(small)
    if len(quick) == least or (most is not None and len(quick) <= most):
        return CoverAnswer(kept[quick], least)
    if most is not None and least > most:
        return CoverAnswer(None, least)
    return _by_programme(small, kept, (quick, least), most, time_limit_s)


def smallest_centre(
    time_ms: Int64s, base_ms: Int64s, k: int, *, no_way: int, remaining: Callable[[], float]
) -> CentreAnswer:
    """Return at most k columns that make the largest ``min(base, time_ms[:, chosen])`` least.

    Parameters
    ----------
    time_ms : int64 array, shape (n, m)
    base_ms : int64 array, shape (n,)
        The times without any column.
    no_way : int
        What both hold where there is no way.
    remaining : callable
        Seconds left.
    """
    time_ms = np.minimum(time_ms, base_ms[:, None])
    least = int(np.minimum(base_ms, time_ms.min(axis=1, initial=no_way)).max(initial=0))
    times = np.unique(np.append(np.concatenate([time_ms.ravel(), base_ms]), least))
    times = times[(times >= least) & (times < no_way)]
    low, high, questions = 0, len(times) - 1, 0
    chosen: Int64s | None = None
    lows = 0  # everything before is proved too short
    while low <= high and remaining() > 0:
        middle = (low + high) // 2
        rows = base_ms > times[middle]
        questions += 1
        answer = fewest_covering(time_ms[rows] <= times[middle], most=k, time_limit_s=remaining())
        if answer.chosen is not None and len(answer.chosen) <= k:
            chosen = answer.chosen
            reached = np.minimum(base_ms, time_ms[:, chosen].min(axis=1, initial=no_way)).max(initial=0)
            high = int(np.searchsorted(times, reached)) - 1
        elif answer.bound > k:
            low = lows = middle + 1
        else:
            break
    if chosen is None:
        return CentreAnswer(None, no_way, int(times[lows]) if lows < len(times) else no_way, questions)
    return CentreAnswer(chosen, int(times[high + 1]), int(times[min(lows, high + 1)]), questions)


def _smaller(table: Table) -> tuple[Table, Int64s]:
    """Return the table without rows and columns that decide nothing, and which columns are left."""
    rows = np.unique(table, axis=0)
    kept = np.arange(table.shape[1])
    while True:
        before = rows.shape
        rows = rows[~_within_another(rows.T, at_least=True)]
        stay = ~columns_within_another(rows)
        rows, kept = rows[:, stay], kept[stay]
        if rows.shape == before:
            return rows, kept


def columns_within_another(table: Table) -> Table:
    """Return which columns of a table cover no more than another one; of equal ones the first stays."""
    return _within_another(table, at_least=False)


def _within_another(sets: Table, *, at_least: bool) -> Table:
    """Return which columns hold no more (or, `at_least`, no less) than another; nothing where there are too many."""
    if sets.shape[1] > _LARGEST_PRODUCT:
        return np.zeros(sets.shape[1], dtype=np.bool_)
    numbers = sets.astype(np.float32)
    size = sets.sum(axis=0)
    common = numbers.T @ numbers
    inside = common >= (size[None, :] if at_least else size[:, None])  # [a, b]: b in a, else a in b
    equal = inside & inside.T
    position = np.arange(len(size))
    strict = inside & ~equal
    later = equal & (position[:, None] > position[None, :])
    gone: Table = (strict | later).any(axis=1)
    return gone


def _greedy_cover(table: Table) -> Int64s:
    left, chosen = np.ones(len(table), dtype=np.bool_), []
    while left.any():
        column = int(table[left].sum(axis=0).argmax())
        chosen.append(column)
        left &= ~table[:, column]
    for column in list(chosen[:-1]):
        rest = [other for other in chosen if other != column]
        if table[:, rest].any(axis=1).all():
            chosen = rest
    return np.array(chosen, dtype=np.int64)


def _apart(table: Table) -> int:
    """Return how many rows were found that no column covers two of: no cover is smaller."""
    count, open_rows = 0, np.ones(len(table), dtype=np.bool_)
    order = table.sum(axis=1).argsort(kind="stable")
    for row in order:
        if open_rows[row]:
            count += 1
            open_rows &= ~table[:, table[row]].any(axis=1)
    return count


def _by_programme(
    table: Table, kept: Int64s, known: tuple[Int64s, int], most: int | None, time_limit_s: float
) -> CoverAnswer:
    from scipy.sparse import csr_array, vstack  # noqa: PLC0415  # slow to import

    columns = table.shape[1]
    rows, lower, upper = csr_array(table.astype(np.float64)), np.ones(len(table)), np.full(len(table), np.inf)
    if most is not None:
        rows = vstack([rows, csr_array(np.ones((1, columns)))]).tocsr()
        lower, upper = np.append(lower, 0.0), np.append(upper, float(most))
    ones = np.ones(columns)
    found = solve_programme(Programme(ones, rows, lower, upper, ones, ones), time_limit_s=time_limit_s)
    quick, least = known
    if found.ending == "infeasible":
        return CoverAnswer(None, (most or columns) + 1)
    bound = max(least, int(np.ceil(found.bound - 1e-6)) if np.isfinite(found.bound) else 0)
    if found.x is None:
        return CoverAnswer(kept[quick], bound)
    chosen = np.flatnonzero(found.x > 0.5)
    better = chosen if len(chosen) <= len(quick) else quick
    return CoverAnswer(kept[better], min(bound, len(better)))
