"""历史案件: when and where incidents were, in the grids of a person's area, for planning. Nothing personal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.errors import ParameterError, RightsError
from gridgov.grids.borders import Borders, shared_borders
from gridgov.model.rights import Person, Right, require, seen_prefixes
from gridgov.operations.incident_index import incident_index
from gridgov.workspace import Workspace

_NONE = ("rejected", "void")  # what turned out to be nothing
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """Incidents of some grids, in the order of their report.

    Attributes
    ----------
    grid : int array
        Position among the grids asked for.
    at : DatetimeIndex
        Local time.
    lon, lat : float arrays
    """

    grid: Ints
    at: pd.DatetimeIndex
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.grid)

    @property
    def hour(self) -> NDArray[np.float64]:
        """Hour of the day, 0 to 24."""
        return np.asarray(self.at.hour + self.at.minute / 60, dtype=float)

    @property
    def weekend(self) -> NDArray[np.bool_]:
        """Saturdays and Sundays."""
        return np.asarray(self.at.day_of_week >= 5)

    @property
    def first_date(self) -> date:
        """Of the first incident."""
        return self.at[0].date()

    @property
    def day(self) -> Ints:
        """Days since the first incident's."""
        return np.asarray((self.at.normalize() - self.at[0].normalize()).days, dtype=np.int64)

    @property
    def days(self) -> int:
        """From the first day to the last; 0 without incidents."""
        return int(self.day[-1]) + 1 if len(self) else 0

    def where(self, mask: NDArray[np.bool_]) -> History:
        """Return some of the incidents."""
        return History(self.grid[mask], self.at[mask], self.lon[mask], self.lat[mask])


def grids_within(workspace: Workspace, person: Person, right: Right, area: str) -> Ints:
    """Return the positions of the grids of an area that a right of a person reaches.

    Raises
    ------
    RightsError
        The role does not have the right, or nothing of the area is the person's.
    ParameterError
        No grid lies in the area.
    LayerNotFoundError
        The workspace has no grids.
    """
    require(person, right)
    prefixes = seen_prefixes(person, area)
    if not prefixes:
        raise RightsError(f"'{area or 'everything'}' lies outside the area of {person.account_id}: ask for your own")
    codes = workspace.layer("grids")["grid_code"].astype(str)
    rows = np.flatnonzero(codes.str.startswith(prefixes).to_numpy(dtype=bool)).astype(np.int64)
    if not len(rows):
        raise ParameterError(f"no grid has a code that begins with '{area}'")
    return rows


def whole_communities(workspace: Workspace, rows: Ints) -> Ints:
    """Return those of some grids whose community lies among them as a whole."""
    names = community_of(workspace)
    inside = np.zeros(len(names), dtype=np.bool_)
    inside[rows] = True
    broken = set(names[~inside].tolist())
    return np.array([row for row in rows.tolist() if names[row] and names[row] not in broken], dtype=np.int64)


def community_of(workspace: Workspace) -> NDArray[np.object_]:
    """Return the community of each grid, empty where nobody says."""
    grids = workspace.layer("grids")
    if "community_code" not in grids:
        raise ParameterError("the grids have no community_code; duty areas and grids are cut within communities")
    column = grids["community_code"].astype(object)
    return np.asarray(column.where(column.notna(), ""), dtype=object)


def borders_of(workspace: Workspace) -> Borders:
    """Return the borders of the grid layer, found once."""
    return workspace.cached("grid borders", lambda: shared_borders(workspace.layer("grids"), crs=workspace.metric_crs))


def history_of(
    workspace: Workspace,
    rows: Ints,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    classes: Sequence[str] = (),
) -> History:
    """Return the incidents of some grids. For operations only: it checks no rights.

    Parameters
    ----------
    rows : int array
        Positions in the grid layer.
    since, until : datetime, optional
        Aware; from the first on, before the second.
    classes : sequence of str
        Class codes, each with all that begin with it; default all.
    """
    frame = _listed(workspace)
    codes = workspace.layer("grids")["grid_code"].astype(str).to_numpy(dtype=object)[rows]
    place = {code: position for position, code in enumerate(codes.tolist())}
    grid = frame["grid_code"].map(place)
    kept = grid.notna() & frame["at"].notna() & ~frame["state"].isin(_NONE)
    if since is not None:
        kept &= frame["at"] >= since
    if until is not None:
        kept &= frame["at"] < until
    if classes:
        kept &= frame["class_code"].str.startswith(tuple(classes))
    chosen = frame[kept].assign(grid=grid[kept].astype("int64")).sort_values(["at", "grid", "lon"], kind="stable")
    return History(
        chosen["grid"].to_numpy(dtype=np.int64),
        pd.DatetimeIndex(chosen["at"]).tz_convert(workspace.timezone),
        chosen["lon"].to_numpy(dtype=float),
        chosen["lat"].to_numpy(dtype=float),
    )


def _listed(workspace: Workspace) -> pd.DataFrame:
    """All incidents: those of the store, or of the imported layers where the store has none."""
    rows = incident_index(workspace)
    if rows:
        return pd.DataFrame(
            {
                "grid_code": [row.grid_code for row in rows],
                "at": pd.to_datetime([row.reported_at for row in rows], utc=True, format="ISO8601"),
                "state": [row.state for row in rows],
                "class_code": [row.class_code for row in rows],
                "lon": [row.lon for row in rows],
                "lat": [row.lat for row in rows],
            }
        )
    return workspace.cached("incidents of layers", lambda: _of_layers(workspace))


def _of_layers(workspace: Workspace) -> pd.DataFrame:
    layer = workspace.layers_of_kind("incidents")
    names = ("grid_code", "state", "class_code")
    if layer is None:
        empty = pd.DataFrame({name: pd.Series(dtype=object) for name in names})
        return empty.assign(at=pd.Series(dtype="datetime64[ns, UTC]"), lon=0.0, lat=0.0)
    there = ~(layer.geometry.isna() | layer.geometry.is_empty)
    layer = layer[there.to_numpy(dtype=bool)]
    columns = {name: layer[name].astype(object).fillna("") if name in layer else "" for name in names}
    frame = pd.DataFrame(columns, index=layer.index)
    frame["at"] = pd.to_datetime(layer["reported_at"], utc=True)
    frame["lon"], frame["lat"] = layer.geometry.x, layer.geometry.y
    return frame.reset_index(drop=True)
