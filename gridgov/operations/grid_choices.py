"""选网格: grids as a scenario has them: which one was clicked, where they lie, a code that is free."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import shapely

from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Scenario
from gridgov.operations.what_if import variant_of
from gridgov.workspace import Workspace

_GRIDS = "grids"
_PARENT_DIGITS = 12  # of a grid's code: its community; what follows counts the grids there


def clicked_grid(workspace: Workspace, person: Person, scenario: Scenario, lon: float, lat: float) -> str | None:
    """Return the code of the grid that a place lies in; None where there is none.

    Raises
    ------
    LayerNotFoundError
        There is no layer of grids.
    RightsError
        The person may not make scenarios.
    """
    frame = _grids(workspace, person, scenario)
    met = frame.sindex.query(shapely.Point(lon, lat), predicate="intersects")
    return str(frame[workspace.spec(_GRIDS).key].iloc[int(met.min())]) if len(met) else None


def grid_shapes(
    workspace: Workspace, person: Person, scenario: Scenario, codes: Sequence[str]
) -> dict[str, shapely.Geometry]:
    """Return the shapes of grids by their codes, WGS 84; codes that are not there are left out.

    Raises
    ------
    LayerNotFoundError
        There is no layer of grids.
    RightsError
        The person may not make scenarios.
    """
    frame = _grids(workspace, person, scenario)
    known = frame[workspace.spec(_GRIDS).key].astype(str)
    there = known.isin(codes).to_numpy(dtype=bool)
    return dict(zip(known[there], frame.geometry[there], strict=True))


def free_grid_code(workspace: Workspace, person: Person, scenario: Scenario, code: str) -> str:
    """Return a code for a new grid in the community of another one: the next number that no grid has.

    Raises
    ------
    LayerNotFoundError
        There is no layer of grids.
    RightsError
        The person may not make scenarios.
    """
    frame, key = _grids(workspace, person, scenario), workspace.spec(_GRIDS).key
    taken = {*frame[key].astype(str), *workspace.layer(_GRIDS)[key].astype(str)}  # an old code keeps its meaning
    head, digits = code[:_PARENT_DIGITS], len(code) - _PARENT_DIGITS
    if digits > 0 and code.isdigit():
        used = [int(each[_PARENT_DIGITS:]) for each in taken if each.startswith(head) and each.isdigit()]
        number = max(used, default=0) + 1
        if len(str(number)) <= digits:
            return f"{head}{number:0{digits}d}"
    return next(new for number in range(2, len(taken) + 3) if (new := f"{code}-{number}") not in taken)


def _grids(workspace: Workspace, person: Person, scenario: Scenario) -> gpd.GeoDataFrame:
    require(person, Right.SCENARIO_WRITE)
    return variant_of(workspace, scenario).layer(_GRIDS)
