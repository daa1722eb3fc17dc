"""网格与图层: single grids with what they belong to, and the layers of a workspace, for programs."""

from __future__ import annotations

import numpy as np

from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.model.rights import Person, Right, require
from gridgov.operations.dispatching import grid_code_at
from gridgov.operations.situation import GridFacts, division_names
from gridgov.workspace import LayerEntry, Workspace


def grid_at(workspace: Workspace, person: Person, lon: float, lat: float) -> GridFacts:
    """Return the grid at a point.

    Raises
    ------
    ParameterError
        The position is not on the globe.
    RecordNotFoundError
        The point lies outside all grids.
    RightsError
        The person may not see the layers.
    """
    require(person, Right.LAYER_READ)
    if not (abs(lon) <= 180 and abs(lat) <= 90):  # also refuses what is no number
        raise ParameterError(f"the position {lon}, {lat} is not on the globe: give degrees of longitude and latitude")
    code = grid_code_at(workspace, lon, lat)
    if code is None:
        raise RecordNotFoundError(f"the position {lon:.6f}, {lat:.6f} lies in no grid")
    return read_grid(workspace, person, code)


def read_grid(workspace: Workspace, person: Person, grid_code: str) -> GridFacts:
    """Return a grid by its code.

    Raises
    ------
    RecordNotFoundError
        There is no such grid.
    RightsError
        The person may not see the layers.
    """
    require(person, Right.LAYER_READ)
    row = workspace.cached("grid_rows", lambda: _grid_rows(workspace)).get(grid_code)
    if row is None:
        raise RecordNotFoundError(f"there is no grid '{grid_code[:40]}'")
    values = workspace.layer("grids").iloc[row]
    names = division_names(workspace)

    def text(column: str) -> str:
        value = values.get(column)
        return value if isinstance(value, str) else ""

    def count(column: str) -> int | None:
        value = values.get(column)
        return int(value) if isinstance(value, int | float | np.number) and np.isfinite(value) else None

    def division(column: str) -> dict[str, str]:
        return names.get(text(column), {"zh": text(column), "en": text(column)})

    return GridFacts(
        grid_code=grid_code,
        name=text("name"),
        community=division("community_code"),
        street=division("street_code"),
        persons=count("persons"),
        households=count("households"),
    )


def layers_of(workspace: Workspace, person: Person) -> tuple[LayerEntry, ...]:
    """Return the imported layers of a workspace, in import order.

    Raises
    ------
    RightsError
        The person may not see the layers.
    """
    require(person, Right.LAYER_READ)
    return workspace.manifest.layers


def _grid_rows(workspace: Workspace) -> dict[str, int]:
    if not workspace.has("grids"):
        return {}
    return {str(code): row for row, code in enumerate(workspace.layer("grids")["grid_code"])}
