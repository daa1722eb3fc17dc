"""The nearest workers for a place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import geopandas as gpd

from gridgov.crs import WGS84
from gridgov.dispatch import DispatchParams, Roster, plan_dispatch
from gridgov.errors import ParameterError
from gridgov.model import DispatchPlan, TravelMode
from gridgov.workspace import Workspace


def dispatch_at(
    workspace: Workspace,
    lon: float,
    lat: float,
    *,
    k: int = 5,
    skill: str | None = None,
    modes: Sequence[str] | None = None,
    now: datetime | None = None,
) -> DispatchPlan:
    """Find the nearest workers who can go to a place now.

    Parameters
    ----------
    workspace : Workspace
    lon, lat : float
        Degrees WGS 84.
    k : int
        How many.
    skill : str, optional
        A skill that somebody in the workspace has.
    modes : sequence of str, optional
        Allowed travel modes; default all.
    now : datetime, optional
        Default the workspace's clock.

    Raises
    ------
    ParameterError
        A skill that nobody has, an unknown mode, k below 1, a position that is none.
    LayerNotFoundError
        The workspace has no roads.
    """
    roster = roster_of(workspace)
    if skill is not None and len(roster) and skill not in roster.all_skills():
        raise ParameterError(f"nobody has the skill '{skill}'; known are {', '.join(roster.all_skills()) or 'none'}")
    try:
        allowed = tuple(TravelMode(mode) for mode in modes) if modes else tuple(TravelMode)
    except ValueError as error:
        raise ParameterError(f"{error}; use {', '.join(TravelMode)}") from error
    params = DispatchParams(k=k, skill=skill, modes=allowed)
    return plan_dispatch(
        roster, lon, lat, params, now=now or workspace.now(), grid_code=grid_code_at(workspace, lon, lat)
    )


def roster_of(workspace: Workspace) -> Roster:
    """Return the workspace's workers on its road networks, put there once."""
    return workspace.cached("roster", lambda: _make_roster(workspace))


def skills_of(workspace: Workspace) -> list[str]:
    """Return every skill that a worker of the workspace has, sorted."""
    return roster_of(workspace).all_skills()


def grid_code_at(workspace: Workspace, lon: float, lat: float) -> str | None:
    """Return the code of the grid a point lies in, or None."""
    locator = workspace.grid_locator
    if locator is None:
        return None
    position = int(locator.locate([lon], [lat])[0])
    return None if position < 0 else str(workspace.layer("grids")["grid_code"].iloc[position])


def _make_roster(workspace: Workspace) -> Roster:
    networks = {mode: workspace.network(mode) for mode in TravelMode}
    workers = workspace.layers_of_kind("workers")
    if workers is None:
        workers = gpd.GeoDataFrame({"worker_id": []}, geometry=[], crs=WGS84)
    return Roster.from_frame(workers, networks, workspace.timezone)
