"""人员与辖区: which areas and grid workers a workspace has, as its layers say, for accounts that belong to them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

import pandas as pd

from gridgov.model.entities import EntityFilter
from gridgov.operations.incidents import KIND, MOST_AT_ONCE, TASK_STATES
from gridgov.workspace import Workspace

_AREA_COLUMNS = ("district_code", "street_code", "community_code", "grid_code")


def area_codes(workspace: Workspace) -> frozenset[str]:
    """Return the codes of districts, streets, communities and grids that a grid's code begins with."""
    return workspace.cached("area codes", lambda: _area_codes(workspace))


def worker_place(workspace: Workspace, worker_id: str, *, any_case: bool = False) -> str | None:
    """Return the grid that a worker is listed in, empty outside all grids; None when there is no such worker.

    Parameters
    ----------
    any_case : bool
        Whether an id that differs in upper and lower case is the same.
    """
    places = workspace.cached("worker places", lambda: _worker_places(workspace))
    if any_case:
        folded = workspace.cached("worker ids in any case", lambda: {key.casefold(): key for key in places})
        worker_id = folded.get(worker_id.casefold(), "")
    return places.get(worker_id)


def grids_of_worker(workspace: Workspace, worker_id: str) -> tuple[str, ...]:
    """Return the worker's duty grids that the workspace has."""
    row = _workers(workspace).get(worker_id, {})
    listed = row.get("duty_grids")
    codes = listed if isinstance(listed, Iterable) and not isinstance(listed, str) else ()
    return tuple(sorted({str(code) for code in codes} & area_codes(workspace)))


def demo_worker(workspace: Workspace) -> tuple[str, str] | None:
    """Return id and name of a worker to try things as: with something to do, else free, else any; None without one."""
    workers = _workers(workspace)
    tasks = workspace.store.entities(KIND, EntityFilter(statuses=TASK_STATES), limit=MOST_AT_ONCE)
    busy = [task.columns.worker_id for task in tasks if task.columns.worker_id in workers]
    free = [worker_id for worker_id, row in workers.items() if row.get("status") == "free"]
    chosen = next(iter([*busy, *free, *workers]), None)
    return None if chosen is None else (chosen, str(workers[chosen].get("name") or ""))


def _workers(workspace: Workspace) -> dict[str, dict[str, object]]:
    return workspace.cached("workers by id", lambda: _rows_of_workers(workspace))


def _rows_of_workers(workspace: Workspace) -> dict[str, dict[str, object]]:
    frame = workspace.layers_of_kind("workers")
    if frame is None:
        return {}
    wanted = [name for name in ("worker_id", "name", "status", "duty_grids", "grid_code") if name in frame]
    rows = pd.DataFrame(frame[wanted]).to_dict("records")
    return {str(row["worker_id"]): {str(key): value for key, value in row.items()} for row in rows}


def _worker_places(workspace: Workspace) -> dict[str, str]:
    places = {worker_id: row.get("grid_code") for worker_id, row in _workers(workspace).items()}
    return {worker_id: place if isinstance(place, str) else "" for worker_id, place in places.items()}


def _area_codes(workspace: Workspace) -> frozenset[str]:
    grids, divisions = workspace.layers_of_kind("grids"), workspace.layers_of_kind("divisions")
    if grids is None:
        return frozenset()
    codes = {str(code) for name in _AREA_COLUMNS if name in grids for code in grids[name].dropna()}
    if divisions is not None:
        codes |= {str(code) for code in divisions["division_code"].dropna()}
    ordered = sorted({str(code) for code in grids["grid_code"].dropna()})

    def has_grids(code: str) -> bool:
        place = bisect_left(ordered, code)
        return place < len(ordered) and ordered[place].startswith(code)

    return frozenset(code for code in codes if code and has_grids(code))
