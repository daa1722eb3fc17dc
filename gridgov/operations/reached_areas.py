"""等时圈上图: the areas within some minutes of a place, kept while the roads stay as they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shapely.geometry.base import BaseGeometry

from gridgov.model import TravelMode
from gridgov.model.rights import Person
from gridgov.network import Direction
from gridgov.operations.closures import closures_of
from gridgov.operations.service_areas import isochrone_at
from gridgov.workspace import Workspace

_MOST_REACHED = 32


@dataclass(frozen=True)
class ReachedAreas:
    """What lies within some minutes of a place.

    Attributes
    ----------
    lon, lat : float
    areas : tuple of (minutes, geometry)
        WGS 84, the shorter within the longer.
    sizes : tuple of (minutes, km2, km of roads)
    closures : int
        How many closures hold.
    """

    lon: float
    lat: float
    areas: tuple[tuple[float, BaseGeometry], ...]
    sizes: tuple[tuple[float, float, float], ...]
    closures: int


def reached_areas(
    workspace: Workspace,
    person: Person,
    lon: float,
    lat: float,
    minutes: Sequence[float],
    *,
    mode: TravelMode = TravelMode.DRIVE,
    direction: Direction = "from",
) -> ReachedAreas:
    """Return the areas within some minutes of a place on the roads as they are now, worked out once while they stay so.

    Raises
    ------
    ParameterError
        The place is too far from every road, or the minutes cannot be used.
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads.
    """
    holding = closures_of(workspace, person, workspace.now()).closures
    key = (lon, lat, tuple(minutes), mode, direction, tuple(closure.closure_id for closure in holding))
    kept: OrderedDict[Any, ReachedAreas] = workspace.cached("reached areas", OrderedDict)
    if (known := kept.get(key)) is not None:
        return known
    rows = isochrone_at(workspace, person, lon, lat, minutes, mode=mode, direction=direction).areas()
    limits = [float(limit) / 60 for limit in rows["limit_s"]]
    reached = ReachedAreas(
        lon,
        lat,
        tuple(zip(limits, rows.geometry, strict=True)),
        tuple(zip(limits, rows["area_km2"].tolist(), rows["roads_km"].tolist(), strict=True)),
        len(holding),
    )
    kept[key] = reached
    while len(kept) > _MOST_REACHED:
        kept.popitem(last=False)
    return reached
