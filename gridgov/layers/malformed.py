"""Rows whose cells stand in the wrong columns: shifted by one, or called malformed by the source itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.layers.inspection import Inspection, Mask
from gridgov.layers.values import as_text, numeric_fit
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
    values: Mapping[str, Mapping[str, object]] | None = None,
) -> Mask:
    """Find rows whose cells fit their columns only when moved by one column.

    Two signs: several number columns hold no number, and all of them do when the row is shifted; or a coded column is
    empty or unknown while a neighbour, whose own cell is foreign to it, holds one of the codes.

    Parameters
    ----------
    raw : DataFrame
        The source's columns in the source's order, as text.
    columns : mapping
        Field -> source column.
    numbers : tuple of str
        Further source columns that hold numbers (coordinates).
    values : mapping, optional
        Field -> {source code -> value}.
    """
    order = {name: position for position, name in enumerate(raw.columns)}
    cells = np.column_stack([as_text(raw[name]).to_numpy(dtype=object) for name in raw.columns])
    numeric = [order[columns[f.name]] for f in spec.fields.values() if f.type in _NUMERIC and f.name in columns]
    numeric += [order[name] for name in numbers]
    shifted = _numbers_shifted(cells, sorted(set(numeric)))
    for name, mapping in (values or {}).items():
        if name in columns and len(mapping) > 1:
            shifted |= _code_shifted(cells, order[columns[name]], {code for code in mapping if code not in {"", "*"}})
    return shifted


def set_aside_malformed(inspection: Inspection, rule: str, mask: Mask, **detail: int) -> None:
    """Keep malformed rows aside."""
    inspection.rows(rule, mask, level=FindingLevel.ERROR, action=FindingAction.ASIDE, details=dict(detail))


def _numbers_shifted(cells: NDArray[np.object_], numeric: list[int]) -> Mask:
    found = np.zeros(len(cells), dtype=np.bool_)
    if len(numeric) < 2:
        return found
    blank = np.array([[not value for value in row] for row in cells[:, numeric]], dtype=np.bool_)
    bad = ~np.column_stack([numeric_fit(cells[:, column]) for column in numeric]) & ~blank
    suspects = np.flatnonzero(bad.sum(axis=1) >= 1)
    for step in (-1, 1):
        places = [column + step for column in numeric if 0 <= column + step < cells.shape[1]]
        if not len(suspects) or len(places) < len(numeric):
            continue
        moved = np.column_stack([numeric_fit(cells[suspects, place]) for place in places])
        found[suspects[moved.all(axis=1)]] = True
    return found


def _code_shifted(cells: NDArray[np.object_], column: int, codes: set[str]) -> Mask:
    found = np.zeros(len(cells), dtype=np.bool_)
    lacking = np.array([value not in codes for value in cells[:, column]], dtype=np.bool_)
    for neighbour in (column - 1, column + 1):
        if not 0 <= neighbour < cells.shape[1]:
            continue
        holds = np.array([value in codes for value in cells[:, neighbour]], dtype=np.bool_)
        if holds.mean() < 0.05:  # else the neighbour uses the same words rightly
            found |= lacking & holds
    return found
