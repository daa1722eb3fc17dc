"""网格合并与拆分: grids of a scenario put together and cut, their counts with them, and the table of old and new codes.

Whole numbers stay whole and their sum stays what it was; what is not known stays unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.grids.code_changes import code_table
from gridgov.grids.cutting import cut_along, with_corners
from gridgov.model.changes import GridsMerged, GridSplit

_SAME_CORNER = 1e-9  # degrees: a tenth of a millimetre
_LEAST_SHARE = 1e-6  # of the area: less is a line along the border


@dataclass
class CodeLog:
    """Which share of which old grids every new grid is, while changes are laid one after another."""

    of: dict[str, dict[str, float]] = field(default_factory=dict)

    def merged(self, change: GridsMerged) -> None:
        """Take note of grids that become one."""
        whole: dict[str, float] = {}
        for code in dict.fromkeys(change.codes):
            for old, share in self.of.pop(code, {code: 1.0}).items():
                whole[old] = whole.get(old, 0.0) + share
        self.of[change.into] = whole

    def split(self, change: GridSplit, share: float) -> None:
        """Take note of a grid that becomes two, the first with a share of it."""
        whole = self.of.pop(change.code, {change.code: 1.0})
        for code, part in zip(change.codes, (share, 1 - share), strict=True):
            self.of[code] = {old: part * own for old, own in whole.items()}

    def table(self) -> pd.DataFrame:
        """Return `gridgov.grids.code_changes.code_table` of the grids that are others; all others keep their code."""
        return code_table((old, new, share) for new, olds in self.of.items() for old, share in olds.items())


def merged_grids(frame: gpd.GeoDataFrame, key: str, counts: tuple[str, ...], change: GridsMerged) -> gpd.GeoDataFrame:
    """Return the grids after some became one.

    Raises
    ------
    ParameterError
        One is not there, they belong to different communities or do not touch, or the new code is taken.
    """
    there = _group(frame, key, change)
    if "community_code" in frame and len(frame.loc[there, "community_code"].drop_duplicates()) > 1:
        raise ParameterError(f"merge_grids into {change.into}: the grids belong to different communities")
    union = shapely.union_all(np.asarray(frame.geometry[there].array, dtype=object))
    if union.geom_type != "Polygon" and (frame.geometry[there].geom_type == "Polygon").all():
        raise ParameterError(f"merge_grids into {change.into}: the grids do not touch each other")
    check_code(frame, key, frame.loc[there, key].astype(str).iloc[0], change.into, f"merge_grids into {change.into}")
    merged = merged_counts(frame, key, counts, change)
    shapes = np.array(merged.geometry.array, dtype=object)
    shapes[(merged[key].astype(str) == change.into).to_numpy(dtype=bool)] = union
    return merged.set_geometry(gpd.GeoSeries(shapes, index=merged.index, crs=frame.crs))


def merged_counts(frame: gpd.GeoDataFrame, key: str, counts: tuple[str, ...], change: GridsMerged) -> gpd.GeoDataFrame:
    """Return a frame in which the first of the rows stands for all; a sum with an unknown part is unknown."""
    there = _group(frame, key, change)
    first = int(np.flatnonzero(there)[0])
    frame = frame.copy()
    for name in (each for each in counts if each in frame):
        frame.iloc[first, frame.columns.get_loc(name)] = frame.loc[there, name].sum(skipna=False)
    frame.iloc[first, frame.columns.get_loc(key)] = change.into
    there[first] = False
    return frame[~there].reset_index(drop=True)


def split_grids(
    frame: gpd.GeoDataFrame, key: str, counts: tuple[str, ...], change: GridSplit, metric_crs: str
) -> tuple[gpd.GeoDataFrame, float]:
    """Return the grids after one was cut in two, and the larger part's share of the people.

    The corners of the cut become corners of the neighbours too, so that borders stay shared.

    Raises
    ------
    ParameterError
        The grid is not there, a new code is taken, or the line does not cut it into two parts.
    """
    known = frame[key].astype(str)
    there = np.flatnonzero((known == change.code).to_numpy(dtype=bool))
    if not len(there):
        raise ParameterError(f"split_grid: there is no grid '{change.code}'")
    if taken := [code for code in change.codes if code != change.code and (known == code).any()]:
        raise ParameterError(f"split_grid {change.code}: grid '{taken[0]}' is there already; give another code")
    for code in change.codes:
        check_code(frame, key, change.code, code, f"split_grid {change.code} into {code}")
    row = int(there[0])
    whole = frame.geometry.iloc[row]
    parts, share = _cut(whole, change, frame.crs, metric_crs)
    share = share if change.share is None else change.share
    halved = split_counts(frame, key, counts, change, share)
    shapes = np.array(halved.geometry.array, dtype=object)
    shapes[row : row + 2] = parts
    corners = np.array(sorted(_corners(parts) - _corners([whole])), dtype=float).reshape(-1, 2)
    shapes = with_corners(shapes, corners, _SAME_CORNER)
    return halved.set_geometry(gpd.GeoSeries(shapes, index=halved.index, crs=frame.crs)), share


def split_counts(
    frame: gpd.GeoDataFrame, key: str, counts: tuple[str, ...], change: GridSplit, share: float
) -> gpd.GeoDataFrame:
    """Return a frame in which two rows stand for that of a grid; one that does not know the grid stays as it is."""
    there = np.flatnonzero((frame[key].astype(str) == change.code).to_numpy(dtype=bool))
    if not len(there):
        return frame
    row = int(there[0])
    order = np.insert(np.arange(len(frame)), row, row)
    frame = frame.iloc[order].reset_index(drop=True)
    for name in (each for each in counts if each in frame):
        column = frame.columns.get_loc(name)
        value = frame.iloc[row, column]
        if not pd.isna(value):
            first = int(np.floor(float(value) * share + 0.5))
            frame.iloc[row, column] = first
            frame.iloc[row + 1, column] = value - first
    for position, code in enumerate(change.codes):
        frame.iloc[row + position, frame.columns.get_loc(key)] = code
    return frame


def check_code(frame: pd.DataFrame, key: str, old: str, new: str, what: str) -> None:
    """Refuse a code of a new grid that is not of the form of those that it comes from.

    Raises
    ------
    ParameterError
        It has another length, or does not begin with the code of the community.
    """
    known = frame[key].astype(str)
    if (known == new).any():
        return
    community = str(frame.loc[known == old, "community_code"].iloc[0]) if "community_code" in frame else ""
    begin = community if old.startswith(community) else ""
    if len(new) != len(old) or not new.startswith(begin) or not new.isalnum():
        begins = f", beginning with {begin}" if begin else ""
        raise ParameterError(f"{what}: the code is not like those of the other grids; give {len(old)} signs{begins}")


def _group(frame: pd.DataFrame, key: str, change: GridsMerged) -> Any:
    """Return where the grids are that become one, in the order of the frame."""
    known = frame[key].astype(str)
    for code in change.codes:
        if not (known == code).any():
            raise ParameterError(f"merge_grids: there is no grid '{code}'")
    there = known.isin(change.codes).to_numpy(dtype=bool, copy=True)
    if (known[~there] == change.into).any():
        raise ParameterError(f"merge_grids: grid '{change.into}' is there already and is not one of those that merge")
    return there


def _cut(whole: Any, change: GridSplit, crs: Any, metric_crs: str) -> tuple[list[Any], float]:
    """Return both parts of a grid, the larger in metres first, and its share of the area."""
    try:
        line = shapely.force_2d(shape(change.line))
        parts = cut_along(whole, line) if np.isfinite(line.bounds).all() else [whole]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError):
        raise ParameterError(f"split_grid {change.code}: the line is no GeoJSON LineString; draw it again") from None
    area = gpd.GeoSeries(parts, crs=crs).to_crs(metric_crs).area.to_numpy()
    count = int((area >= _LEAST_SHARE * area.sum()).sum())
    if len(parts) != 2 or count != 2:
        raise ParameterError(
            f"split_grid {change.code}: the line cuts the grid into {count}, not into 2; draw it across the grid once, "
            "from outside to outside"
        )
    order = np.argsort(-area, kind="stable")
    return [parts[position] for position in order], float(area[order[0]] / area.sum())


def _corners(shapes: list[Any]) -> set[tuple[float, float]]:
    return {(float(x), float(y)) for x, y in shapely.get_coordinates(shapes).tolist()}
