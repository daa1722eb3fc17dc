"""等时圈: how far one comes from a place within some minutes, on the roads as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from gridgov.errors import ParameterError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.network import Direction, Isochrones, Place, RoadNetwork, isochrones
from gridgov.operations.closures import closures_of, network_now
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
        The place is none, too far from every road or on one that is closed, or the minutes cannot be used.
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
    when = now or workspace.now()
    network = network_now(workspace, mode, when)
    place = network.snap(lon, lat)
    if place.distance_m > _TOO_FAR_M:
        raise ParameterError(f"the place is {place.distance_m / 1000:.0f} km from every road of this travel mode")
    found = isochrones(network, [place], [value * 60 for value in minutes], direction=direction)
    if not len(found.pieces) and (closed_by := _closed_by(workspace, person, network, place, when)):
        name = network.street_name(place.edge) if place.edge >= 0 else ""
        raise ParameterError(
            f"the place lies on a closed road{f', {name}' if name else ''} (closure {', '.join(closed_by)}), so "
            "nothing is within reach; open it again or give a place on another road"
        )
    return found


def _closed_by(
    workspace: Workspace, person: Person, network: RoadNetwork, place: Place, when: datetime
) -> tuple[str, ...]:
    """Return the ids of the closures that hit the road on which a place lies."""
    holding = closures_of(workspace, person, when)
    street_of = network.topology.streets.street_of_edge
    at_node = (network.tail == place.node) | (network.head == place.node)
    own = street_of[[place.edge]] if place.edge >= 0 else street_of[at_node]
    return tuple(
        closure.closure_id
        for closure, edges in zip(holding.closures, holding.edges, strict=True)
        if closure.stops(network.mode) and np.isin(street_of[edges], own).any()
    )
