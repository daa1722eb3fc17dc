"""From a plan to orders: each zone's departure windows in local time, its ways in words, and its shelters."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgov.errors import ParameterError
from gridgov.evacuation.bus_plans import BusPlan
from gridgov.model.orders import (
    BusCall,
    DepartureWindow,
    EvacuationOrders,
    OrderRoute,
    ShelterOrder,
    ZoneOrder,
    shared_out,
)
from gridgov.network import Place, RoadNetwork, Route, directions

SCHEMA = "gridgov-plan/1"
JOIN_S = 60.0  # windows with a shorter break between them are one window to people
_PARTS = ("problem", "flows", "unmet", "occupancy_persons_per_vehicle", "clearance_time_s")

Flow = Mapping[str, Any]


def make_orders(
    document: Mapping[str, Any],
    network: RoadNetwork,
    *,
    announced_at: datetime,
    timezone: str,
    zones: gpd.GeoDataFrame | None = None,
    shelters: gpd.GeoDataFrame | None = None,
) -> EvacuationOrders:
    """Turn a plan document into orders.

    Parameters
    ----------
    document : mapping
        Schema ``gridgov-plan/1``.
    network : RoadNetwork
        The roads that the plan was made for; closures and speeds do not count.
    announced_at : datetime
        The moment 0 of the plan, aware.
    timezone : str
        Of printed times, such as ``Asia/Shanghai``.
    zones : GeoDataFrame, optional
        `zone_id`, geometry and, where known, `name`, `name_en`, `street_code`, `street_name`, `street_name_en`,
        `households`, `in_need`.
    shelters : GeoDataFrame, optional
        `shelter_id`, geometry and, where known, `name` and `address`.

    Raises
    ------
    ParameterError
        The document is of another schema or lacks a part, the roads are others, or the time has no zone.
    """
    _check(document, network, announced_at)
    by_zone: dict[str, list[Flow]] = defaultdict(list)
    for flow in document["flows"]:
        by_zone[str(flow["zone_id"])].append(flow)
    unmet: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in document["unmet"]:
        if round(row["persons"]) > 0:
            unmet[str(row["zone_id"])].append((str(row["reason"]), round(row["persons"])))
    known = _rows(zones, "zone_id")
    writer = _RouteWriter(document, network, announced_at)
    orders = [
        _zone(row, known.get(str(row["zone_id"]), {}), writer, by_zone[str(row["zone_id"])], unmet[str(row["zone_id"])])
        for row in _demand(document["problem"]["demand"])
    ]
    orders.sort(key=lambda zone: (zone.area_code or "~", zone.first_departure or announced_at, zone.zone_id))
    return EvacuationOrders(
        announced_at=announced_at,
        timezone=timezone,
        plan_digest=str(document["problem"].get("digest", "")),
        clearance_time_s=float(document["clearance_time_s"]),
        lower_bound_s=None if document.get("lower_bound_s") is None else float(document["lower_bound_s"]),
        zones=tuple(orders),
        shelters=_shelters(document, network, orders, _rows(shelters, "shelter_id")),
    )


def with_bus_calls(orders: EvacuationOrders, plan: BusPlan) -> EvacuationOrders:
    """Return the orders with when and where buses come for people without a car."""
    calls: dict[str, list[BusCall]] = defaultdict(list)
    unmet: dict[str, list[tuple[str, int]]] = defaultdict(list)
    coming: dict[str, int] = defaultdict(int)
    for bus in plan.buses:
        for run in bus.runs:
            at = orders.announced_at + timedelta(seconds=round(run.reaches_first_stop_s))
            coming[run.trip.shelter_id] += run.trip.persons
            for zone, persons in run.trip.stops:
                calls[zone].append(BusCall(at, persons, run.trip.shelter_id))
    for zone, persons, reason in plan.unmet:
        unmet[zone].append((reason, persons))
    return replace(
        orders,
        zones=tuple(
            replace(
                zone,
                buses=tuple(sorted(calls[zone.zone_id], key=lambda call: call.at)),
                unmet=(*zone.unmet, *unmet[zone.zone_id]),
            )
            for zone in orders.zones
        ),
        shelters=tuple(
            replace(
                one,
                persons=one.persons + coming[one.shelter_id],
                capacity_persons=one.capacity_persons + coming[one.shelter_id],
            )
            for one in orders.shelters
        ),
    )


def _check(document: Mapping[str, Any], network: RoadNetwork, announced_at: datetime) -> None:
    if document.get("schema") != SCHEMA:
        raise ParameterError(f"the plan has the schema '{document.get('schema')}'; orders are made from '{SCHEMA}'")
    if missing := [part for part in _PARTS if part not in document]:
        raise ParameterError(f"the plan lacks '{missing[0]}'; write it again with 'gridgov evacuate --json'")
    if announced_at.tzinfo is None:
        raise ParameterError("the start has no time zone; give one, such as 2026-07-01T08:00:00+08:00")
    problem = document["problem"]
    same = np.array_equal(problem["tail"], network.tail) and np.array_equal(problem["head"], network.head)
    if not same:
        raise ParameterError(
            f"the plan was made for other roads ({len(problem['tail'])} edges, here {network.n_edges}): "
            "make the plan again, or open the workspace that it was made in"
        )


def _demand(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each zone; a zone may have several rows in the plan (one for each node)."""
    merged: dict[str, dict[str, Any]] = {}
    for row in rows:
        zone = str(row["zone_id"])
        merged.setdefault(zone, {"zone_id": zone, "node": int(row["node"]), "persons": 0.0})
        merged[zone]["persons"] += row["persons"]
    return list(merged.values())


def _rows(frame: gpd.GeoDataFrame | None, key: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a frame by id, empty values left out."""
    if frame is None or key not in frame:
        return {}
    return {
        str(row[key]): {name: value for name, value in row.items() if not _empty(value)}
        for row in frame.to_dict("records")
    }


def _empty(value: Any) -> bool:
    return value is None or (bool(np.ndim(value) == 0) and bool(pd.isna(value)))


@dataclass(frozen=True, slots=True)
class _Span:
    """Some flows of one way without a long break, in seconds of the plan."""

    start_s: float
    end_s: float
    travel_s: float
    persons: float


class _RouteWriter:
    """Makes routes of flows; the way in words is made once for each list of edges."""

    def __init__(self, document: Mapping[str, Any], network: RoadNetwork, announced_at: datetime) -> None:
        self.network = network.base
        self.announced_at = announced_at
        self.occupancy = float(document["occupancy_persons_per_vehicle"])
        self.travel_time_s = np.asarray(document["problem"]["travel_time_ms"], dtype=np.float64) / 1000
        self._ways: dict[tuple[int, tuple[int, ...]], Route] = {}

    def routes(self, node: int, flows: Sequence[Flow]) -> tuple[OrderRoute, ...]:
        """Return the routes of a zone, the one of most people first."""
        by_way: dict[tuple[str, tuple[int, ...]], list[Flow]] = defaultdict(list)
        for flow in flows:
            by_way[str(flow["shelter_id"]), tuple(int(edge) for edge in flow["edges"])].append(flow)
        ways = sorted(by_way, key=lambda way: (-sum(flow["persons"] for flow in by_way[way]), way))
        joined = [self._joined(by_way[way]) for way in ways]
        persons = [span.persons for spans in joined for span in spans]
        whole = iter(shared_out(round(sum(persons)), persons))
        return tuple(
            self._route(number, node, way, [(span, next(whole)) for span in spans])
            for number, (way, spans) in enumerate(zip(ways, joined, strict=True), start=1)
        )

    def _joined(self, flows: Iterable[Flow]) -> list[_Span]:
        spans: list[_Span] = []
        for flow in sorted(flows, key=lambda flow: (flow["start_s"], flow["end_s"])):
            span = _Span(flow["start_s"], flow["end_s"], self._travel_s(flow), flow["persons"])
            if spans and span.start_s - spans[-1].end_s <= JOIN_S:
                last = spans.pop()
                longest = max(last.travel_s, span.travel_s)
                span = _Span(last.start_s, max(last.end_s, span.end_s), longest, last.persons + span.persons)
            spans.append(span)
        return spans

    def _travel_s(self, flow: Flow) -> float:
        """Return the seconds from the zone to the shelter as the plan says, waiting on the way included."""
        return float(flow["enter_s"][-1] + self.travel_time_s[int(flow["edges"][-1])]) if flow["edges"] else 0.0

    def _route(
        self, number: int, node: int, way: tuple[str, tuple[int, ...]], windows: Sequence[tuple[_Span, int]]
    ) -> OrderRoute:
        shelter_id, edges = way
        route = self._way(node, edges)
        drawn = self.network.topology.shape is not None
        return OrderRoute(
            number=number,
            shelter_id=shelter_id,
            edges=edges,
            coordinates=tuple((float(lon), float(lat)) for lon, lat in route.coordinates) if drawn else (),
            steps=directions(route) if drawn else (),
            length_m=route.length_m if drawn else 0.0,
            travel_time_s=max(span.travel_s for span, _ in windows),
            windows=tuple(self._window(span, persons) for span, persons in windows if persons),
        )

    def _window(self, span: _Span, persons: int) -> DepartureWindow:
        def at(seconds: float) -> datetime:
            return self.announced_at + timedelta(seconds=round(seconds))

        vehicles = math.ceil(persons / self.occupancy - 1e-9)
        arrivals = at(span.start_s + span.travel_s), at(span.end_s + span.travel_s)
        return DepartureWindow(at(span.start_s), at(span.end_s), *arrivals, persons, vehicles)

    def _way(self, node: int, edges: tuple[int, ...]) -> Route:
        if (node, edges) not in self._ways:
            network = self.network
            nodes = (int(network.tail[edges[0]]), *(int(network.head[edge]) for edge in edges)) if edges else (node,)
            shares = np.zeros(len(edges)), np.ones(len(edges))
            ends = node_place(network, nodes[0]), node_place(network, nodes[-1])
            self._ways[node, edges] = Route(network, nodes, edges, *ends, *shares)
        return self._ways[node, edges]


def node_place(network: RoadNetwork, node: int) -> Place:
    """Return a node as a place."""
    if network.x is None or network.y is None:
        return Place(node)
    return Place(node, lon=float(network.x[node]), lat=float(network.y[node]))


def _zone(
    row: Mapping[str, Any],
    known: Mapping[str, Any],
    writer: _RouteWriter,
    flows: Sequence[Flow],
    unmet: Sequence[tuple[str, int]],
) -> ZoneOrder:
    place = node_place(writer.network, row["node"])
    centre = known["geometry"].representative_point() if "geometry" in known else None
    name, street = str(known.get("name", "")), str(known.get("street_name", ""))
    return ZoneOrder(
        zone_id=row["zone_id"],
        names={"zh": name, "en": str(known.get("name_en", ""))},
        area_code=str(known.get("street_code", "")),
        area_names={"zh": street, "en": str(known.get("street_name_en", street))},
        lon=place.lon if centre is None else float(centre.x),
        lat=place.lat if centre is None else float(centre.y),
        households=_whole(known.get("households")),
        in_need=_whole(known.get("in_need")),
        routes=writer.routes(row["node"], flows),
        unmet=tuple(unmet),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _shelters(
    document: Mapping[str, Any],
    network: RoadNetwork,
    zones: Iterable[ZoneOrder],
    known: Mapping[str, Mapping[str, Any]],
) -> tuple[ShelterOrder, ...]:
    coming: dict[str, int] = defaultdict(int)
    for zone in zones:
        for route in zone.routes:
            coming[route.shelter_id] += route.persons
    shelters = []
    for row in document["problem"]["shelters"]:
        shelter_id = str(row["shelter_id"])
        about, place = known.get(shelter_id, {}), node_place(network, int(row["node"]))
        point = about["geometry"].representative_point() if "geometry" in about else None
        shelters.append(
            ShelterOrder(
                shelter_id=shelter_id,
                name=str(about.get("name", "")),
                address=str(about.get("address", "")),
                lon=place.lon if point is None else float(point.x),
                lat=place.lat if point is None else float(point.y),
                capacity_persons=int(row["capacity_persons"]),
                persons=coming[shelter_id],
            )
        )
    return tuple(shelters)
