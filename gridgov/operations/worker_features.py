"""网格员要素: grid workers as features: where they were last, what they do; telephone numbers are not among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridgov.errors import LayerNotFoundError
from gridgov.model.duty import ENTITY
from gridgov.model.events import format_time
from gridgov.model.rights import Person, Right, Scope, in_area, may, require
from gridgov.operations.mapping import workers_by_readiness
from gridgov.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

_MOST = 1_000_000  # all of them


def may_see(workspace: Workspace, person: Person) -> bool:
    """Whether there are workers and the person may see any of them."""
    return bool(workspace.of_kind("workers")) and may(person, Right.WORKER_READ) and may(person, Right.POSITION_READ)


def frame(workspace: Workspace, person: Person) -> gpd.GeoDataFrame:
    """Return the workers that a person may see: those of the person's area, a worker only themselves.

    A worker belongs to an area when one of the duty grids, or the grid of the imported place, lies in it. `position_at`
    is when the place was sent; empty: it is the one of the roster.

    Raises
    ------
    LayerNotFoundError
        There are no workers.
    RightsError
        The person may see none.
    """
    require(person, Right.WORKER_READ)
    own = require(person, Right.POSITION_READ) is Scope.OWN
    roster = workspace.layers_of_kind("workers")
    if roster is None:
        raise LayerNotFoundError(f"workspace {workspace.path.name} has no grid workers")
    if own:
        seen = (roster["worker_id"] == person.worker_id).to_numpy(dtype=bool)
    else:
        seen = np.array([_in_area(person, grid, duty) for grid, duty in _grids(roster)], dtype=bool)
    return _as_now(workspace, roster[seen].drop(columns=["phone", "layer_id"], errors="ignore").reset_index(drop=True))


def _as_now(workspace: Workspace, workers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the newest places and statuses into rows of the roster."""
    ids = [str(worker_id) for worker_id in workers["worker_id"]]
    places = {position.worker_id: position for position in workspace.store.positions()}
    geometry, sent = workers.geometry.to_numpy().copy(), [""] * len(ids)
    for row, position in enumerate(places.get(worker_id) for worker_id in ids):
        if position is not None:
            geometry[row], sent[row] = shapely.Point(position.lon, position.lat), format_time(position.at)
    said = {
        entity.entity_id.removeprefix(ENTITY): entity.columns.status
        for entity in workspace.store.entities("worker", limit=_MOST)
    }
    roster = workers["status"].astype(object) if "status" in workers else [""] * len(ids)
    status = [said.get(worker_id, of_roster) for worker_id, of_roster in zip(ids, roster, strict=True)]
    moved = workers.set_geometry(geometry, crs=workers.crs).assign(status=status, position_at=sent)
    moved["position_at"] = moved["position_at"].astype("string").replace("", None)
    return workers_by_readiness(workspace, moved) if len(moved) else moved


def _grids(roster: gpd.GeoDataFrame) -> list[tuple[object, object]]:
    empty = [None] * len(roster)
    return list(zip(roster.get("grid_code", empty), roster.get("duty_grids", empty), strict=True))


def _in_area(person: Person, grid_code: object, duty_grids: object) -> bool:
    duty = list(duty_grids) if isinstance(duty_grids, list | tuple | np.ndarray) else []
    own = grid_code if isinstance(grid_code, str) else ""
    return any(in_area(person, str(code)) for code in [*duty, own])
