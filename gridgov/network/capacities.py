"""Capacities by class of road: the same lanes with what was measured for their class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridgov.errors import ParameterError
from gridgov.network.road_network import RoadNetwork


def with_lane_capacities(
    network: RoadNetwork, assumed_vph: Mapping[str, float], measured_vph: Mapping[str, float]
) -> RoadNetwork:
    """Return the same roads with the measured capacity of their class, lane by lane.

    Parameters
    ----------
    network : RoadNetwork
        With the capacities of its import.
    assumed_vph, measured_vph : mapping of class to vehicles per hour and lane
        What the import gave to a lane, and what it gets; classes that are in only one of them keep what they have.

    Raises
    ------
    ParameterError
        The network has no capacities.
    """
    if network.capacity_vph is None:
        raise ParameterError("the network has no capacities; import its roads with a profile that gives them")
    factor_of = {name: measured_vph[name] / assumed_vph[name] for name in measured_vph if assumed_vph.get(name)}
    factor = np.array([factor_of.get(network.highway(edge), 1.0) for edge in range(network.n_edges)])
    return network.with_capacity(network.capacity_vph * factor)
