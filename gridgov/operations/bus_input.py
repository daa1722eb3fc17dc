"""公交接运需求: who has no car, which buses there are, and what they leave of roads and shelters to the cars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from gridgov.errors import ParameterError
from gridgov.evacuation.bus_plans import BusPlan
from gridgov.evacuation.buses import plan_buses
from gridgov.model.buses import BusParams
from gridgov.model.orders import shared_out
from gridgov.network import RoadNetwork
from gridgov.profiles.buses import load_bus_profile
from gridgov.workspace import Workspace

KNOWN = "without_car_persons"  # the grids' column that counts before the share
MOST_BUSES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BusQuery:
    """Which buses fetch whom.

    Attributes
    ----------
    vehicles : int
        Buses; they stand at the shelters outside the hazard, shared by places, unless `depots` says where.
    share_without_car : float or None
        Of each grid's people, where the grids have no column `without_car_persons`. None: that of the profile.
    seats : int or None
        None: that of the profile.
    depots : tuple of (lon, lat, buses)
        In place of `vehicles`.
    """

    vehicles: int = 0
    share_without_car: float | None = None
    seats: int | None = None
    depots: tuple[tuple[float, float, int], ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.buses <= MOST_BUSES:
            raise ParameterError(f"there are {self.buses} buses; give from 1 to {MOST_BUSES}")
        if min((buses for _, _, buses in self.depots), default=0) < 0:
            raise ParameterError("a depot has fewer than 0 buses; give a number from 0 on")

    @property
    def buses(self) -> int:
        """How many there are."""
        return sum(buses for _, _, buses in self.depots) if self.depots else self.vehicles

    def to_dict(self) -> dict[str, Any]:
        """Return the question as plain data for JSON."""
        return {**asdict(self), "depots": [list(depot) for depot in self.depots]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BusQuery:
        """Return the question that `to_dict` gave."""
        return cls(**{**data, "depots": tuple((lon, lat, buses) for lon, lat, buses in data["depots"])})


def bus_params(query: BusQuery) -> BusParams:
    """Return the parameters of a bus plan: those of the profile where the question names none.

    Raises
    ------
    ParameterError
        A share or a number of seats is impossible.
    """
    usual = load_bus_profile().params
    return replace(
        usual,
        share_without_car=usual.share_without_car if query.share_without_car is None else query.share_without_car,
        seats=usual.seats if query.seats is None else query.seats,
    )


def buses_for(
    workspace: Workspace,
    query: BusQuery,
    network: RoadNetwork,
    demand: pd.DataFrame,
    shelters: pd.DataFrame,
    *,
    time_limit_s: float,
) -> BusPlan:
    """Plan the buses of an evacuation, before its cars.

    Parameters
    ----------
    network, demand, shelters
        Of an `EvacuationInput`.

    Raises
    ------
    ParameterError
        A share, a number of seats or a depot is impossible.
    """
    params = replace(bus_params(query), time_limit_s=time_limit_s)
    known = _known(workspace, demand)
    if known is not None:
        demand = demand.assign(**{KNOWN: known})
    return plan_buses(network, demand, shelters, _depots(query, network, shelters), params)


def without_buses(demand: pd.DataFrame, shelters: pd.DataFrame, plan: BusPlan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return who goes by car, and the places that are left to them."""
    off: dict[str, int] = defaultdict(int)
    taken: dict[str, int] = defaultdict(int)
    for zone, persons, _ in plan.unmet:
        off[zone] += persons
    for bus in plan.buses:
        for run in bus.runs:
            taken[run.trip.shelter_id] += run.trip.persons
            for zone, persons in run.trip.stops:
                off[zone] += persons
    less = demand["zone_id"].map(off).fillna(0.0)
    full = shelters["shelter_id"].map(taken).fillna(0.0)
    return (
        demand.assign(persons=(demand["persons"] - less).clip(lower=0.0)),
        shelters.assign(capacity_persons=(shelters["capacity_persons"] - full).clip(lower=0.0)),
    )


def _known(workspace: Workspace, demand: pd.DataFrame) -> pd.Series[float] | None:
    grids = workspace.layer("grids")
    if KNOWN not in grids:
        return None
    by_grid = pd.Series(pd.to_numeric(grids[KNOWN]).to_numpy(dtype=float), index=grids["grid_code"].astype(str))
    return demand["zone_id"].map(by_grid)


def _depots(query: BusQuery, network: RoadNetwork, shelters: pd.DataFrame) -> pd.DataFrame:
    if query.depots:
        lon, lat, buses = (np.array(column) for column in zip(*query.depots, strict=True))
        places = network.snap(lon.astype(float), lat.astype(float))
        node = np.where(places.edge < 0, places.node, network.tail[np.maximum(places.edge, 0)])
        names = [f"depot{number}" for number in range(1, len(buses) + 1)]
        return pd.DataFrame({"depot_id": names, "node": node, "buses": buses})
    places_left = shelters["capacity_persons"].fillna(0.0)
    if not float(places_left.sum()) > 0:
        return pd.DataFrame({"depot_id": [], "node": [], "buses": []})
    shared = shared_out(query.vehicles, places_left.tolist())
    return pd.DataFrame({"depot_id": shelters["shelter_id"], "node": shelters["node"], "buses": shared})
