"""公交接运: what a plan of buses is made of: trips, runs of each bus, and a time that no plan can beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.network import RoadNetwork

SCHEMA = "gridgov-buses/1"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BusTrip:
    """One load: from the first stop to the shelter; `ride_s` with boarding and alighting."""

    shelter_id: str
    stops: tuple[tuple[str, int], ...]
    nodes: tuple[int, ...]
    ride_s: float

    @property
    def persons(self) -> int:
        """People on board."""
        return sum(persons for _, persons in self.stops)


@dataclass(frozen=True, slots=True)
class BusRun:
    """One trip of one bus; seconds after the order."""

    trip: BusTrip
    reaches_first_stop_s: float
    done_s: float


@dataclass(frozen=True, slots=True)
class Bus:
    """One bus and its trips in order."""

    bus_id: str
    depot_id: str
    runs: tuple[BusRun, ...]


@dataclass(frozen=True, slots=True)
class BusPlan:
    """Who is fetched by which bus.

    Attributes
    ----------
    done_s : float
        When the last are in their shelter.
    lower_bound_s : float
        No plan with these buses, seats and shelters is done earlier, however its loads are formed.
    unmet : tuple of (zone id, persons, reason)
        ``no_route``, ``no_place`` or ``no_bus``.
    reserved_vph : float array, shape (edges,)
        Cars per hour that the buses take of each edge's capacity, on average until they are done.
    """

    buses: tuple[Bus, ...]
    done_s: float
    lower_bound_s: float
    unmet: tuple[tuple[str, int, str], ...]
    reserved_vph: Floats = field(repr=False)

    @property
    def persons(self) -> int:
        """People who are fetched."""
        return sum(run.trip.persons for bus in self.buses for run in bus.runs)

    @property
    def unmet_persons(self) -> int:
        """People without a car whom no bus fetches."""
        return sum(persons for _, persons, _ in self.unmet)

    @property
    def trips(self) -> int:
        """Trips of all buses."""
        return sum(len(bus.runs) for bus in self.buses)

    @property
    def gap(self) -> float:
        """How much later than the bound it is done at most, as a share of the bound."""
        return self.done_s / self.lower_bound_s - 1.0 if self.lower_bound_s > 0 else 0.0

    def network_left(self, network: RoadNetwork) -> RoadNetwork:
        """Return the roads with what the buses leave of their capacities, for the plan of the cars.

        Raises
        ------
        ParameterError
            The network has no capacities.
        """
        if network.capacity_vph is None:
            raise ParameterError("the network has no capacities, so that buses can reserve none of them")
        return network.with_capacity(np.maximum(0.0, network.capacity_vph - self.reserved_vph))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data for JSON (schema ``gridgov-buses/1``), reserved capacity by edge id."""
        edges = np.flatnonzero(self.reserved_vph).tolist()
        return {
            "schema": SCHEMA,
            "done_s": self.done_s,
            "lower_bound_s": self.lower_bound_s,
            "gap": self.gap,
            "persons": self.persons,
            "buses": [asdict(bus) for bus in self.buses],
            "unmet": [{"zone_id": zone, "persons": persons, "reason": reason} for zone, persons, reason in self.unmet],
            "reserved_vph": {str(edge): round(float(self.reserved_vph[edge]), 3) for edge in edges},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], n_edges: int) -> BusPlan:
        """Return the plan that `to_dict` gave, for roads of so many edges.

        Raises
        ------
        ParameterError
            It is of another schema.
        """
        if data.get("schema") != SCHEMA:
            raise ParameterError(f"the bus plan has the schema '{data.get('schema')}', not '{SCHEMA}'")
        reserved = np.zeros(n_edges)
        for edge, vph in data["reserved_vph"].items():
            reserved[int(edge)] = vph
        buses = tuple(Bus(bus["bus_id"], bus["depot_id"], tuple(map(_run, bus["runs"]))) for bus in data["buses"])
        unmet = tuple((row["zone_id"], row["persons"], row["reason"]) for row in data["unmet"])
        return cls(buses, data["done_s"], data["lower_bound_s"], unmet, reserved)


def _run(data: Mapping[str, Any]) -> BusRun:
    trip = data["trip"]
    stops = tuple((zone, persons) for zone, persons in trip["stops"])
    made = BusTrip(trip["shelter_id"], stops, tuple(trip["nodes"]), trip["ride_s"])
    return BusRun(made, data["reaches_first_stop_s"], data["done_s"])
