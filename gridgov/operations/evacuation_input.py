"""疏散需求: who has to leave a hazard from where, which shelters stand, which roads close when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.analysis.cutting_off import FAR_FROM_ROADS_M, closing_times
from gridgov.crs import WGS84
from gridgov.errors import LayerNotFoundError, ParameterError
from gridgov.evacuation import EvacuationParams
from gridgov.evacuation.bus_plans import BusPlan
from gridgov.hazards.zoning import moved
from gridgov.model import TravelMode
from gridgov.model.evacuation import PlanWarning
from gridgov.model.hazards import Hazard, HazardKind
from gridgov.model.rights import Person, Right, require
from gridgov.network import Places, RoadNetwork
from gridgov.network.capacities import with_lane_capacities
from gridgov.network.validation import CLOSED, Int64s
from gridgov.operations.bus_input import BusQuery, buses_for, without_buses
from gridgov.operations.closures import network_now
from gridgov.operations.hazards import check_hazard_area, read_hazard
from gridgov.operations.impact import impact_of
from gridgov.profiles.capacities import load_capacities
from gridgov.workspace import Workspace

_PERSONS_PER_M_S = 1.25  # that a metre of walkway lets through in a second, and the width where no road says it
_WALKWAY_M = 2.0
_BUSES_S = 10.0  # the longest search for the order of the trips
MEASURED = "capacities.toml"  # in the workspace's folder: what `gridgov calibrate` has measured


@dataclass(frozen=True, slots=True, kw_only=True)
class EvacuationQuery:
    """What a plan is asked for.

    Attributes
    ----------
    hazard_id : str
    params : EvacuationParams
    roads_close : bool or None
        Whether roads close when the hazard comes to them. None: not where the hazard was drawn without a time of
        arrival (people leave before it) and not under a plume (the roads stay), else yes.
    shelters_out : tuple of str
        Shelters that must not be used; those inside the hazard never are.
    places : mapping of str to int
        Places of single shelters where they are not those of the layer.
    closed_edges : tuple of int
        Edges closed for this plan alone, beside the closures on the books.
    replaces : str
        The evacuation of which this is a changed version: its plan is the start of the computation.
    buses : BusQuery or None
        Buses for people without a car: they get their places and their share of the roads before the cars.
    seed : int
    """

    hazard_id: str
    params: EvacuationParams = field(default_factory=EvacuationParams)
    roads_close: bool | None = None
    shelters_out: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    closed_edges: tuple[int, ...] = ()
    replaces: str = ""
    buses: BusQuery | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EvacuationInput:
    """The question that `plan_evacuation` answers, made from a workspace.

    Attributes
    ----------
    network : RoadNetwork
        As it is at the moment, with capacities; where a grid has no road, with a last node that no road touches.
    demand : DataFrame
        zone_id (the grid's code), node, persons (missing: not known), deadline_s.
    shelters : DataFrame
        shelter_id, name, node, capacity_persons, lon, lat.
    closes_s : float array, shape (edges,)
    struck : tuple of str
        Shelters inside the hazard.
    grids_off_roads : tuple of str
        Grids of which no part lies within `FAR_FROM_ROADS_M` of a road, such as islands: they have no way out.
    shelters_off_roads : tuple of str
        Shelters farther than that from every road; nobody can be sent there, and they are not among `shelters`.
    buses : BusPlan or None
        Who goes by bus; then `demand`, `shelters` and `network` are what is left to the cars.
    at : datetime or None
        The moment from which deadlines and closings are counted.
    """

    hazard: Hazard
    revision: int
    network: RoadNetwork
    demand: pd.DataFrame
    shelters: pd.DataFrame
    closes_s: NDArray[np.float64]
    struck: tuple[str, ...]
    grids_off_roads: tuple[str, ...]
    shelters_off_roads: tuple[str, ...]
    buses: BusPlan | None = None
    at: datetime | None = None

    @property
    def persons(self) -> float:
        """Who has to leave, by car and by bus."""
        by_bus = 0 if self.buses is None else self.buses.persons + self.buses.unmet_persons
        return float(self.demand["persons"].sum()) + by_bus

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What must be known of grids and shelters to judge a plan."""
        named = {"grids_off_roads": self.grids_off_roads, "shelters_off_roads": self.shelters_off_roads}
        return tuple(PlanWarning(code, ids) for code, ids in named.items() if ids)


def evacuation_input(
    workspace: Workspace, person: Person, query: EvacuationQuery, *, now: datetime | None = None
) -> EvacuationInput:
    """Return who has to leave a hazard, where to, and on which roads.

    Raises
    ------
    RightsError
        The person may not plan evacuations, or the hazard touches no grid of the person's area.
    RecordNotFoundError
        There is no such hazard.
    ParameterError
        A shelter or an edge that does not exist, a number of places below 0; nobody lives in the hazard.
    LayerNotFoundError
        The workspace has no roads, grids or shelters.
    """
    require(person, Right.EVACUATION_WRITE)
    when = now or workspace.now()
    record = read_hazard(workspace, person, query.hazard_id)
    hazard = record.hazard
    check_hazard_area(workspace, person, hazard)
    for kind in ("roads", "grids", "shelters"):
        if not workspace.of_kind(kind):
            raise LayerNotFoundError(
                f"workspace {workspace.path.name} has no {kind}, so nobody's way out can be planned; "
                f"add a [[layer]] of kind '{kind}' to its import file"
            )
    mode = TravelMode.WALK if query.params.mode == "walk" else TravelMode.DRIVE
    network = _with_capacity(workspace, network_now(workspace, mode, when), mode)
    if query.closed_edges:
        network = network.with_closures(list(query.closed_edges))
    impact = impact_of(workspace, person, query.hazard_id, now=when).impact
    delay_s = (hazard.starts_at - when).total_seconds() if hazard.starts_at is not None else 0.0
    demand, lone_grids = _demand(workspace, network, impact.by_grid, delay_s)
    struck = tuple(str(each) for each in impact.shelters["shelter_id"]) if len(impact.shelters) else ()
    shelters, lone_shelters = _shelters(workspace, network, query, struck)
    closes = np.full(network.n_edges, np.inf)
    if _roads_close(hazard, query.roads_close):
        closes = closing_times(network, hazard.zones, delay_s=delay_s)
    if lone_grids:
        network = network.with_lone_node()
    asked = EvacuationInput(
        hazard, record.revision, network, demand, shelters, closes, struck, lone_grids, lone_shelters, at=when
    )
    return asked if query.buses is None else _after_buses(workspace, query, query.buses, asked)


def _after_buses(
    workspace: Workspace, query: EvacuationQuery, buses: BusQuery, asked: EvacuationInput
) -> EvacuationInput:
    """Return what is left to the cars."""
    if query.params.mode == "walk":
        raise ParameterError("buses need roads: plan them with cars, or everybody on foot without buses")
    limit_s = min(_BUSES_S, max(0.5, query.params.time_limit_s / 3))
    plan = buses_for(workspace, buses, asked.network, asked.demand, asked.shelters, time_limit_s=limit_s)
    demand, shelters = without_buses(asked.demand, asked.shelters, plan)
    return replace(asked, network=plan.network_left(asked.network), demand=demand, shelters=shelters, buses=plan)


def _with_capacity(workspace: Workspace, network: RoadNetwork, mode: TravelMode) -> RoadNetwork:
    """Return the network with the persons an hour of its walkways where people walk, else with measured capacities."""
    if mode is not TravelMode.WALK:
        measured = workspace.path / MEASURED
        if not measured.is_file() or network.capacity_vph is None:
            return network
        lanes = load_capacities(measured)
        return with_lane_capacities(network, lanes.assumed_vph, lanes.measured_vph)
    persons_per_hour = np.full(network.n_edges, _PERSONS_PER_M_S * _WALKWAY_M * 3600.0)
    return network.with_capacity(persons_per_hour)


def _roads_close(hazard: Hazard, wanted: bool | None) -> bool:
    if wanted is not None:
        return wanted
    if hazard.kind is HazardKind.PLUME:
        return False
    return hazard.kind is not HazardKind.DRAWN or any(zone.arrival_s > 0 for zone in hazard.zones)


def _demand(
    workspace: Workspace, network: RoadNetwork, inside: pd.DataFrame, delay_s: float
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return one zone for each grid in which somebody lives or may live, and those that no road comes near.

    The latter lie at the node after the last one.
    """
    inside = inside[~(inside["persons"] == 0)]
    if not len(inside):
        raise ParameterError("nobody is known to live in the hazard, so there is nobody to bring to safety")
    grids = workspace.layer("grids").set_index("grid_code").loc[inside["grid_code"].tolist()]
    middle = grids.geometry.representative_point()
    places = network.snap(middle.x.to_numpy(), middle.y.to_numpy())
    lone = _off_roads(workspace, network, grids, places)
    arrival = inside["arrival_s"].to_numpy(dtype=float) + delay_s
    frame = pd.DataFrame(
        {
            "zone_id": inside["grid_code"].astype(str).to_numpy(),
            "node": np.where(lone, network.n_nodes, _nodes(network, places)),
            "persons": inside["persons"].to_numpy(dtype=float),
            "deadline_s": np.where(arrival > 0, arrival, np.nan),
        }
    )
    return frame, tuple(frame["zone_id"][lone])


def _off_roads(
    workspace: Workspace, network: RoadNetwork, grids: gpd.GeoDataFrame, places: Places
) -> NDArray[np.bool_]:
    """Return which grids lie too far from every road; a large grid may have its roads far from its middle."""
    lone = np.asarray(places.distance_m > FAR_FROM_ROADS_M)
    far = np.flatnonzero(lone)
    if len(far) and network.x is not None and network.y is not None:
        crossings = moved(shapely.points(network.x, network.y), WGS84, workspace.metric_crs)
        snapped = moved(shapely.points(places.lon[far], places.lat[far]), WGS84, workspace.metric_crs)
        areas = np.asarray(grids.geometry.iloc[far].to_crs(workspace.metric_crs).array, dtype=object)
        near = shapely.distance(areas, snapped) <= FAR_FROM_ROADS_M
        near[np.unique(shapely.STRtree(crossings).query(areas, "dwithin", FAR_FROM_ROADS_M)[0])] = True
        lone[far] = ~near
    return lone


def check_names(workspace: Workspace, query: EvacuationQuery) -> None:
    """Refuse a question with shelters or edges that do not exist, before anything is computed.

    Raises
    ------
    ParameterError
        One of them does not.
    """
    check_shelters(workspace, (*query.shelters_out, *query.places))
    if query.closed_edges:
        mode = TravelMode.WALK if query.params.mode == "walk" else TravelMode.DRIVE
        network_now(workspace, mode, workspace.now()).with_closures(list(query.closed_edges))


def check_shelters(workspace: Workspace, shelter_ids: Iterable[str]) -> None:
    """Refuse ids of shelters that do not exist.

    Raises
    ------
    ParameterError
        One of them does not.
    """
    layer = workspace.layers_of_kind("shelters")
    known = set() if layer is None else set(layer["shelter_id"].astype(str))
    for given in shelter_ids:
        if given not in known:
            raise ParameterError(f"there is no shelter '{given[:40]}'; see the layer of shelters for their ids")


def _shelters(
    workspace: Workspace, network: RoadNetwork, query: EvacuationQuery, struck: tuple[str, ...]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    layer = workspace.layers_of_kind("shelters")
    assert layer is not None
    check_shelters(workspace, (*query.shelters_out, *query.places))
    known = layer["shelter_id"].astype(str)
    out = {*query.shelters_out, *struck}
    layer = layer[~known.isin(out).to_numpy()]
    ids = layer["shelter_id"].astype(str).to_numpy()
    lon, lat = shapely.get_x(layer.geometry.array), shapely.get_y(layer.geometry.array)
    places = network.snap(lon, lat) if len(layer) else None
    capacity = pd.to_numeric(layer["capacity_persons"]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    for row in np.flatnonzero(np.isin(ids, list(query.places))).tolist():
        capacity[row] = query.places[ids[row]]
    if (capacity < 0).any():
        worst = ids[int(np.argmin(np.nan_to_num(capacity)))]
        raise ParameterError(f"shelter {worst} has fewer than 0 places; give a number from 0 on")
    lone = np.zeros(0, dtype=np.bool_) if places is None else np.asarray(places.distance_m > FAR_FROM_ROADS_M)
    frame = pd.DataFrame(
        {
            "shelter_id": ids,
            "name": layer["name"].fillna("").astype(str).to_numpy() if "name" in layer else "",
            "node": np.zeros(0, dtype=np.int64) if places is None else _nodes(network, places),
            "capacity_persons": capacity,
            "lon": lon,
            "lat": lat,
        }
    )
    return frame[~lone].reset_index(drop=True), tuple(ids[lone].tolist())


def _nodes(network: RoadNetwork, places: Places) -> Int64s:
    """Return the node of each place: the nearer end of its street, on a one-way street the end where it leads to."""
    streets = network.topology.streets
    open_of_street = np.bincount(
        streets.street_of_edge[network.travel_time_ms != CLOSED], minlength=len(streets.first_of_street) - 1
    )
    edge = np.maximum(places.edge, 0)
    one_way = open_of_street[streets.street_of_edge[edge]] < 2
    head = one_way | (places.fraction >= 0.5)
    end = np.where(head, network.head[edge], network.tail[edge])
    return np.where(places.edge < 0, places.node, end).astype(np.int64)


def query_to_dict(query: EvacuationQuery) -> dict[str, Any]:
    """Return what was asked for as plain data for JSON."""
    params = {name: getattr(query.params, name) for name in query.params.__dataclass_fields__}
    return {
        "params": params,
        "roads_close": query.roads_close,
        "shelters_out": list(query.shelters_out),
        "places": dict(query.places),
        "closed_edges": list(query.closed_edges),
        "buses": None if query.buses is None else query.buses.to_dict(),
        "seed": query.seed,
    }
