"""等时圈: how far one comes from a place within some minutes, on the roads as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.network import Direction, Isochrones, isochrones
from gridgov.operations.closures import network_now
from gridgov.workspace import Workspace

MOST_LIMITS = 12
MOST_MINUTES = 24 * 60.0
_TOO_FAR_M = 5_000.0  # farther from every road than this, times along the roads would mean nothing


def isochrone_at(
    workspace: Workspace,
    person: Person,
    lon: float,
    lat: float,
    minutes: Sequence[float],
    *,
    mode: TravelMode = TravelMode.DRIVE,
    direction: Direction = "from",
    now: datetime | None = None,
) -> Isochrones:
    """Return what of the roads lies within some minutes of a place; closed roads are closed.

    Parameters
    ----------
    lon, lat : float
        Degrees WGS 84.
    minutes : sequence of float
        Different, each above 0 and at most `MOST_MINUTES`.
    mode : TravelMode
    direction : "from" (trips start at the place) or "to"
    now : datetime, optional
        Default the workspace's clock.

    Raises
    ------
    ParameterError
        The place is none or too far from every road, or the minutes cannot be used.
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.LAYER_READ)
    if not 1 <= len(minutes) <= MOST_LIMITS or not all(0 < value <= MOST_MINUTES for value in minutes):
        raise ParameterError(
            f"the minutes are {', '.join(f'{value:g}' for value in minutes) or 'none'}; "
            f"give 1 to {MOST_LIMITS} times above 0 and at most {MOST_MINUTES:.0f}"
        )
    network = network_now(workspace, mode, now or workspace.now())
    place = network.snap(lon, lat)
    if place.distance_m > _TOO_FAR_M:
        raise ParameterError(f"the place is {place.distance_m / 1000:.0f} km from every road of this travel mode")
    return isochrones(network, [place], [value * 60 for value in minutes], direction=direction)
