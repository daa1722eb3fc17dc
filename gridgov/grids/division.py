"""Grid → community → street → district: figures that add up exactly, and the shapes of the divisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely

from gridgov.errors import ParameterError

Level = Literal["community", "street", "district"]
LEVELS: tuple[Level, ...] = ("community", "street", "district")


def roll_up(frame: pd.DataFrame, level: Level, columns: Sequence[str] = ("persons", "households")) -> pd.DataFrame:
    """Add up figures of grids by division.

    Parameters
    ----------
    frame : DataFrame
        Grids with ``<level>_code`` and the columns.
    level : str
    columns : sequence of str
        Whole numbers, nullable.

    Returns
    -------
    DataFrame
        `division_code`, `grids` (count), and for each column its sum (null where no grid knows it: null is not zero)
        and ``<column>_unknown``, how many grids do not know it. Grids without a code of this level stand in a row of
        their own with a null code, so the sums always are those of the grids.

    Raises
    ------
    ParameterError
        Unknown level, or a column is missing.
    """
    code = _code_column(frame, level)
    if missing := [name for name in columns if name not in frame]:
        raise ParameterError(
            f"grids have no column '{missing[0]}' to add up; they have {', '.join(map(str, frame.columns))}"
        )
    groups = frame[code].astype(object).where(frame[code].notna(), None)
    numbers = pd.DataFrame({name: frame[name].astype("Int64") for name in columns})
    grouped = numbers.groupby(groups, dropna=False, sort=True)
    result = pd.DataFrame({"grids": grouped.size()})
    for name in columns:
        result[name] = grouped[name].sum(min_count=1)
        result[f"{name}_unknown"] = result["grids"] - grouped[name].count()
    return result.rename_axis("division_code").reset_index()


def dissolve(frame: Any, level: Level) -> Any:
    """Return the shapes of divisions: the union of their grids.

    Parameters
    ----------
    frame : GeoDataFrame
        Grids with ``<level>_code``; those without a code are left out.

    Returns
    -------
    GeoDataFrame
        `division_code`, `level`, `grids` (count), geometry in the CRS of the grids.
    """
    import geopandas  # noqa: PLC0415 - takes a second; adding up does without

    coded = frame[frame[_code_column(frame, level)].notna()]
    shapes = np.asarray(coded.geometry.array, dtype=object)
    codes = coded[_code_column(frame, level)].astype(str).to_numpy(dtype=object)
    order = np.argsort(codes.astype(str), kind="stable")
    names, first = np.unique(codes[order].astype(str), return_index=True)
    parts = np.split(shapes[order], first[1:]) if len(names) else []
    return geopandas.GeoDataFrame(
        {"division_code": names, "level": [level] * len(names), "grids": [len(part) for part in parts]},
        geometry=[_union(part) for part in parts],
        crs=frame.crs,
    )


def _union(shapes: Any) -> Any:
    """The fast union where the grids fit together without overlap, else the one that bears everything."""
    if bool(shapely.coverage_is_valid(shapes)):
        return shapely.coverage_union_all(shapes)
    return shapely.union_all(shapes)


def _code_column(frame: pd.DataFrame, level: str) -> str:
    if level not in LEVELS:
        raise ParameterError(f"unknown level '{level}'; use one of {', '.join(LEVELS)}")
    column = f"{level}_code"
    if column not in frame:
        raise ParameterError(f"grids have no column '{column}'; fill it before adding up by {level}")
    return column
