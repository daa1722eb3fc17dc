"""Rows whose cells stand in the wrong columns: shifted by one, or called malformed by the source itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.layers.inspection import Inspection, Mask
from gridgov.layers.values import as_text
from gridgov.model import FindingAction, FindingLevel, LayerSpec

_NUMERIC = {"integer", "number"}
_NO_FLAG = {"", "0", "false", "no", "n", "否"}


def marked_rows(raw: pd.DataFrame, column: str) -> Mask:
    """Where the source's own flag says that a row is malformed."""
    text = as_text(raw[column])
    return np.array([value is not None and value.lower() not in _NO_FLAG for value in text], dtype=np.bool_)


def shifted_rows(
    raw: pd.DataFrame,
    spec: LayerSpec,
    columns: Mapping[str, str],
    *,
    numbers: tuple[str, ...] = (),
    recode: Mapping[str, Mapping[str, object]] | None = None,
) -> Mask:
    """Find rows whose cells fit their columns only when moved by one column.

    Two signs: several number columns hold something that is no number or unlike the column's other numbers, and all of
    them fit when the row is shifted; or a coded column is empty or unknown while a neighbour holds one of its codes.

    Parameters
    ----------
    raw : DataFrame
        The source's columns in the source's order, as text.
    columns : mapping
        Field -> source column.
    numbers : tuple of str
        Further source columns that hold numbers (coordinates).
    recode : mapping, optional
        Field -> {source code -> value}.
    """
    order = {name: position for position, name in enumerate(raw.columns)}
    codes = recode or {}
    plain = [f.name for f in spec.fields.values() if f.type in _NUMERIC and f.name in columns and f.name not in codes]
    numeric = {order[columns[name]] for name in plain} | {order[name] for name in numbers}
    shifted = _numbers_shifted(raw, sorted(numeric))
    for name, mapping in codes.items():
        words = {word for word in mapping if word not in {"", "*"} and not word.isdigit()}
        if name in columns and len(words) > 1:
            shifted |= _code_shifted(raw, order[columns[name]], words)
    return shifted


def set_aside_malformed(inspection: Inspection, rule: str, mask: Mask, **detail: int) -> None:
    """Keep malformed rows aside."""
    inspection.rows(rule, mask, level=FindingLevel.ERROR, action=FindingAction.ASIDE, details=dict(detail))


def _numbers_shifted(raw: pd.DataFrame, numeric: list[int]) -> Mask:
    found = np.zeros(len(raw), dtype=np.bool_)
    if len(numeric) < 2:
        return found
    cells = np.column_stack([_numbers(raw.iloc[:, column]) for column in numeric])
    blank = np.column_stack([raw.iloc[:, column].isin(["", None]).to_numpy() for column in numeric])
    no_number = np.isnan(cells) & ~blank
    if not no_number.any():
        return found
    low, high = _usual(cells[~no_number.any(axis=1)])
    misfit = no_number | (cells < low) | (cells > high)
    suspects = np.flatnonzero(no_number.any(axis=1) & (misfit.sum(axis=1) >= 2))
    for step in (-1, 1):
        places = [column + step for column in numeric if 0 <= column + step < raw.shape[1]]
        if len(suspects) and len(places) == len(numeric):
            moved = np.column_stack([_numbers(raw.iloc[suspects, place]) for place in places])
            found[suspects[((moved >= low) & (moved <= high)).all(axis=1)]] = True
    return found


def _numbers(cells: pd.Series) -> NDArray[np.float64]:
    return np.asarray(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)


def _usual(cells: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The range of each column's numbers without the outermost hundredth, widened by itself and a little more."""
    low, high = np.full(cells.shape[1], -np.inf), np.full(cells.shape[1], np.inf)
    for column in range(cells.shape[1]):
        known = cells[np.isfinite(cells[:, column]), column]
        if len(known):
            least, most = np.quantile(known, [0.01, 0.99])
            room = (most - least) + 0.01 * max(abs(least), abs(most))
            low[column], high[column] = least - room, most + room
    return low, high


def _code_shifted(raw: pd.DataFrame, column: int, words: set[str]) -> Mask:
    lacking = ~as_text(raw.iloc[:, column]).isin(words).to_numpy()
    found = np.zeros(len(raw), dtype=np.bool_)
    for neighbour in (column - 1, column + 1):
        if 0 <= neighbour < raw.shape[1] and lacking.any():
            holds = as_text(raw.iloc[:, neighbour]).isin(words).to_numpy()
            if holds.mean() < 0.05:  # else the neighbour uses the same words rightly
                found |= lacking & holds
    return found
