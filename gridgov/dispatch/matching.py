"""Who takes what at the least total cost, exactly, with prices that prove it and margins that explain it.

Rows (tasks) are matched to columns (seats of workers) over sparse candidates by successive shortest augmenting paths in
whole numbers (Jonker and Volgenant 1987, on sparse rows). Written here rather than taken from a library for what comes
with the answer: the *dual prices*. With a price on every seat, no task finds a cheaper seat than its own; so

    total cost = Σ values of rows - Σ prices of columns

is a bound that no other matching beats, and it also holds against candidates that were never looked at as long as those
cost at least `beyond`. `scipy.optimize.linear_sum_assignment` needs all pairs, in floating point, and gives no prices.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from gridgov.errors import ParameterError
from gridgov.network.compiling import compiled, inlined
from gridgov.network.kernels import pop, push
from gridgov.network.validation import Int64s

NOTHING = -1
FAR = 2**61  # beyond every cost
Answer: TypeAlias = tuple[Int64s, Int64s, Int64s, Int64s]  # entry of row, row of column, values, prices
Labels: TypeAlias = tuple[Int64s, Int64s, Int64s, Int64s]
Number: TypeAlias = int | np.int64


class Costs(NamedTuple):
    """What each row may cost: entries ``first[i]:first[i + 1]`` are the columns of row i and their costs.

    The entries of a row stand in order of cost. Every row needs one column that no other row may take (to stay
    unserved), so that there always is an answer.
    """

    first: Int64s
    column: Int64s
    cost: Int64s
    n_columns: int


class Matching(NamedTuple):
    """The cheapest matching.

    `entry` of each row is the one it takes. ``value[row] <= cost + price[column]`` for every entry, equal for the one
    taken; a price is 0 where the column is free.
    """

    entry: Int64s
    row_of_column: Int64s
    value: Int64s
    price: Int64s
    total: int


class Margins(NamedTuple):
    """How much dearer everything becomes when a row must not have what it has.

    `margin` (rows,); `other` is the entry that the row takes then; `doubt` names the row whose unseen candidates could
    make the margin smaller, -1 where none can.
    """

    margin: Int64s
    other: Int64s
    doubt: Int64s


def match(costs: Costs) -> Matching:
    """Return the cheapest matching of all rows.

    Raises
    ------
    ParameterError
        The costs are too large for whole numbers of 63 bits.
    """
    shift = _shift(costs)
    entry, row_of, value, price = _match(costs.first, costs.column, costs.cost, costs.n_columns, shift)
    total = int(costs.cost[entry].sum()) if len(entry) else 0
    return Matching(entry, row_of, value, price, total)


def bound(matching: Matching) -> int:
    """Return what the prices prove: no matching of these rows costs less."""
    return int(matching.value.sum() - matching.price.sum())


def margins(costs: Costs, matching: Matching, group: Int64s, beyond: Int64s) -> Margins:
    """Return for every row the cost of doing without its choice.

    Parameters
    ----------
    costs, matching
    group : int64 array, shape (n_columns,)
        Columns of one worker; a row without its choice must not have any column of the same group.
    beyond : int64 array, shape (rows,)
        Least cost of the candidates that are not in `costs`; `FAR` where there are none.
    """
    unseen = np.where(beyond >= FAR, FAR, beyond - matching.value)
    answer = (matching.entry, matching.row_of_column, matching.value, matching.price)
    return Margins(*_margins(costs.first, costs.column, costs.cost, answer, group, unseen, _shift(costs)))


def warm_up() -> None:
    """Compile the matching, or load it from numba's cache on disk: seconds once, then nothing."""
    nothing = np.zeros(1, dtype=np.int64)
    costs = Costs(np.array([0, 1], dtype=np.int64), nothing, nothing, 1)
    margins(costs, match(costs), nothing, nothing)


def _shift(costs: Costs) -> int:
    shift = int(costs.n_columns + len(costs.first)).bit_length()
    largest = int(costs.cost.max()) if len(costs.cost) else 0
    # Staying unserved is always open, so no price and no step of a search exceeds a few times the largest cost.
    if (8 * largest).bit_length() + shift > 62:
        raise ParameterError("weights times travel times are too large; give smaller weights or shorter limits")
    return shift


# Labels of columns in a search: (dist, came, touched, heap). The last entry of `touched` counts the others.


@compiled
def _new_labels(n_columns: int, room: int) -> Labels:
    touched = np.zeros(n_columns + 1, np.int64)
    return np.full(n_columns, FAR, np.int64), np.empty(n_columns, np.int64), touched, np.empty(room, np.int64)


@inlined
def _lower(labels: Labels, size: int, shift: int, column: Number, dist: Number, came: Number) -> int:
    """Take a way to a column into account if it is shorter."""
    known, label, touched, heap = labels
    if dist < known[column]:
        if known[column] == FAR:
            touched[touched[-1]] = column
            touched[-1] += 1
        known[column] = dist
        label[column] = came
        size = push(heap, size, (dist << shift) | column)
    return size


@inlined
def _settle(labels: Labels, size: int, shift: int) -> tuple[Number, int]:
    """Return the nearest column that is not settled, -1 if there is none."""
    dist, _, _, heap = labels
    low_bits = (np.int64(1) << np.int64(shift)) - 1
    column: Number = NOTHING
    while size > 0 and column < 0:
        top, size = pop(heap, size)
        if (top >> shift) == dist[top & low_bits]:  # else a shorter way was found later
            column = top & low_bits
    return column, size


@compiled
def _forget(labels: Labels) -> None:
    dist, _, touched, _ = labels
    for t in range(touched[-1]):
        dist[touched[t]] = FAR
    touched[-1] = 0


@compiled
def _match(first: Int64s, column: Int64s, cost: Int64s, n_columns: int, shift: int) -> Answer:
    n_rows = len(first) - 1
    value, price = np.zeros(n_rows, np.int64), np.zeros(n_columns, np.int64)
    entry_of, row_of = np.full(n_rows, -1, np.int64), np.full(n_columns, -1, np.int64)
    row_of_entry = np.empty(len(column), np.int64)
    for row in range(n_rows):
        row_of_entry[first[row] : first[row + 1]] = row
    labels = _new_labels(n_columns, len(column) + 1)
    dist, came, touched, _ = labels
    for start in range(n_rows):
        size, row, so_far, nearest_free = 0, start, np.int64(0), np.int64(FAR)
        c: Number = -1
        while row >= 0:
            for e in range(first[row], first[row + 1]):
                away = so_far + cost[e] - value[row]
                if away >= nearest_free:  # prices only add to it, and the entries after this one cost more
                    break
                away += price[column[e]]
                if away >= nearest_free:
                    continue
                if row_of[column[e]] < 0:
                    nearest_free = away
                size = _lower(labels, size, shift, column[e], away, e)
            c, size = _settle(labels, size, shift)
            so_far = dist[c]
            row = row_of[c]
        value[start] += so_far
        for t in range(touched[-1]):
            k = touched[t]
            if dist[k] < so_far:
                price[k] += so_far - dist[k]
                value[row_of[k]] += so_far - dist[k]
        while row != start:  # turn the path around
            row = row_of_entry[came[c]]
            before = entry_of[row]
            entry_of[row] = came[c]
            row_of[c] = row
            if row != start:
                c = column[before]
        _forget(labels)
    return entry_of, row_of, value, price


@compiled
def _margins(
    first: Int64s, column: Int64s, cost: Int64s, matching: Answer, group: Int64s, unseen: Int64s, shift: int
) -> tuple[Int64s, Int64s, Int64s]:
    """Search from each row for the cheapest way back to its own column: through other seats, the free ones too."""
    entry_of, row_of, value, price = matching
    n_rows = len(first) - 1
    margin, other, doubt = np.empty(n_rows, np.int64), np.full(n_rows, -1, np.int64), np.full(n_rows, -1, np.int64)
    used = np.flatnonzero(row_of >= 0)
    labels = _new_labels(len(price), len(column) + 2 * len(price) + 1)
    dist, came, _, _ = labels
    for start in range(n_rows):
        goal = column[entry_of[start]]
        size, row, so_far, root = 0, start, np.int64(0), np.int64(-1)
        c: Number = -1
        least_unseen, free_found = np.int64(FAR), False
        while c != goal:
            if row >= 0:
                if so_far + unseen[row] < least_unseen:
                    least_unseen, doubt[start] = so_far + unseen[row], row
                for e in range(first[row], first[row + 1]):
                    away = so_far + cost[e] - value[row]
                    if away >= dist[goal]:
                        break
                    away += price[column[e]]
                    if away < dist[goal] and not (row == start and group[column[e]] == group[goal]):
                        size = _lower(labels, size, shift, column[e], away, e if row == start else root)
            elif not free_found:  # one more free seat is in use, so any seat in use may become free
                free_found = True
                for k in used:
                    if so_far + price[k] < dist[goal]:
                        size = _lower(labels, size, shift, k, so_far + price[k], root)
            c, size = _settle(labels, size, shift)
            if c < 0:
                break
            so_far, root, row = dist[c], came[c], row_of[c]
        margin[start] = dist[goal]
        other[start] = came[goal] if dist[goal] < FAR else NOTHING
        if least_unseen >= dist[goal]:
            doubt[start] = -1
        _forget(labels)
    return margin, other, doubt
