"""Figures of grids that count something: one below what its field allows is refused with layer, row and grid."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgov.errors import ParameterError

_NAMED = 3


def require_at_least(frame: pd.DataFrame, column: str, least: float = 0.0, *, layer: str = "grids") -> None:
    """Refuse a frame with a figure below the least one that there can be.

    Parameters
    ----------
    frame : DataFrame
        Of a layer, in its order, with `grid_code`.
    column : str
        Of numbers; missing ones are not known, which is no fault.
    least : float
    layer : str
        For the message.

    Raises
    ------
    ParameterError
        With layer, rows (1-based) and grids.
    """
    numbers = pd.to_numeric(frame[column], errors="coerce").astype("Float64")
    values = np.asarray(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
    rows = np.flatnonzero(values < least)
    if not len(rows):
        return
    named = ", ".join(f"row {row + 1} ({frame['grid_code'].iloc[row]})" for row in rows[:_NAMED].tolist())
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    raise ParameterError(
        f"layer {layer}: '{column}' is {values[rows[0]]:g} in {named}{more}, below {least:g}: correct the layer, or "
        "leave out what is not known"
    )
