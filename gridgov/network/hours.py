"""The road network as it is at an hour of the day: each edge's speed times the factor of its class of road."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from gridgov.errors import ParameterError
from gridgov.model.speed_profiles import DayKind, SpeedHours

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


def with_hour(
    network: RoadNetwork,
    hours: SpeedHours,
    hour: int,
    day: DayKind = DayKind.WORKDAY,
    *,
    edge_factors: ArrayLike | None = None,
) -> RoadNetwork:
    """Return the view of an hour.

    Closures and slow-downs of the network stay; factors multiply with them, so the order does not matter.

    Parameters
    ----------
    network : RoadNetwork
        Its mode decides which curves count. An edge without a class takes the curve for all other classes.
    hours : SpeedHours
    hour : int
        0 … 23, local time.
    day : DayKind
    edge_factors : array_like of float, shape (n_edges,), optional
        Measured factors of this hour (`gridgov.network.track_speeds`), which count instead of the class's where they
        are not NaN.

    Returns
    -------
    RoadNetwork
        The network itself where nothing changes.
    """
    topology = network.topology
    if topology.highway_of_edge is None:
        by_class = hours.factors(network.mode, day, hour, [""])
        factors = np.full(network.n_edges, by_class[""])
    else:
        by_class = hours.factors(network.mode, day, hour, topology.highways)
        factors = np.array([by_class[name] for name in topology.highways])[topology.highway_of_edge]
    if edge_factors is not None:
        measured = np.asarray(edge_factors, dtype=np.float64)
        if measured.shape != (network.n_edges,):
            raise ParameterError(f"edge_factors has the shape {measured.shape}; give one for each of the edges")
        factors = np.where(np.isnan(measured), factors, measured)
    return network if (factors == 1.0).all() else network.with_speed_factors(factors)
