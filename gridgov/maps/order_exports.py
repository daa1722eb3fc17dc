"""Orders in the formats of other programs: CSV for spreadsheets, GeoJSON, GeoPackage, GPX for navigators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import shapely

from gridgov.crs import WGS84
from gridgov.i18n import Lang, label
from gridgov.model.orders import EvacuationOrders, OrderRoute, ZoneOrder

BOM = "\ufeff"  # tells Excel that the file is UTF-8
GPX = "http://www.topografix.com/GPX/1/1"
_COLUMNS = (
    "zone_id", "zone", "street", "route", "persons", "vehicles", "leave_from", "leave_to", "arrive", "shelter_id",
    "shelter", "address", "length", "way", "unmet",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def departure_rows(orders: EvacuationOrders, lang: Lang) -> Iterator[dict[str, Any]]:
    """Give one row for each departure window, and one for each zone that nobody leaves; times are local ISO 8601."""
    for zone in orders.zones:
        about = {
            "zone_id": zone.zone_id,
            "zone": zone.name(lang),
            "street": zone.area_name(lang),
            "unmet": zone.unmet_persons,
        }
        for route in zone.routes:
            yield from (about | row for row in _window_rows(orders, route, lang))
        if not zone.windows:
            yield about | {"persons": 0, "vehicles": 0}


def departures_csv(orders: EvacuationOrders, lang: Lang) -> bytes:
    """Return the departure table as CSV: UTF-8 with a mark, so that Excel shows Chinese rightly, lines end in CR LF.

    A text that a spreadsheet would take for a formula is led in by an apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(label(f"orders.column.{column}", lang) for column in _COLUMNS)
    for row in departure_rows(orders, lang):
        writer.writerow(_cell(row.get(column, "")) for column in _COLUMNS)
    return (BOM + out.getvalue()).encode("utf-8")


def orders_frames(
    orders: EvacuationOrders, lang: Lang, zones: Mapping[str, Any] | None = None
) -> dict[str, gpd.GeoDataFrame]:
    """Return zones (outlines, else points), routes and shelters as frames in WGS 84.

    Parameters
    ----------
    orders : EvacuationOrders
    lang : str
        Of the names.
    zones : mapping of zone id to geometry, optional
    """
    outlines = zones or {}
    area = [outlines.get(zone.zone_id, shapely.Point(zone.lon, zone.lat)) for zone in orders.zones]
    ways = [(zone, route) for zone in orders.zones for route in zone.routes]
    lines = [shapely.LineString(route.coordinates) if len(route.coordinates) > 1 else None for _, route in ways]
    points = [shapely.Point(one.lon, one.lat) for one in orders.shelters]
    return {
        "zones": _frame([_zone_values(orders, zone, lang) for zone in orders.zones], area),
        "routes": _frame([_route_values(orders, zone, route, lang) for zone, route in ways], lines),
        "shelters": _frame([_shelter_values(one) for one in orders.shelters], points),
    }


def orders_geojson(orders: EvacuationOrders, lang: Lang, zones: Mapping[str, Any] | None = None) -> str:
    """Return zones, routes and shelters as one GeoJSON collection; the property `layer` tells them apart."""
    frames = orders_frames(orders, lang, zones)
    every = pd.concat([frame.assign(layer=name) for name, frame in frames.items()], ignore_index=True)
    return str(gpd.GeoDataFrame(every, geometry="geometry", crs=WGS84).to_json(drop_id=True, ensure_ascii=False))


def write_geopackage(orders: EvacuationOrders, path: Path, lang: Lang, zones: Mapping[str, Any] | None = None) -> None:
    """Write the layers zones, routes, shelters and the table departures to a GeoPackage; a file there is replaced."""
    path.unlink(missing_ok=True)
    for name, frame in orders_frames(orders, lang, zones).items():
        if len(frame):
            frame.to_file(path, layer=name, driver="GPKG")
    table = pd.DataFrame(list(departure_rows(orders, lang)), columns=list(_COLUMNS))
    gpd.GeoDataFrame(table, geometry=[None] * len(table), crs=WGS84).to_file(path, layer="departures", driver="GPKG")


def orders_gpx(orders: EvacuationOrders, lang: Lang) -> bytes:
    """Return the shelters as way points and the routes as GPX 1.1 routes, children in the order of its schema."""
    ET.register_namespace("", GPX)
    root = ET.Element(_gpx("gpx"), {"version": "1.1", "creator": "gridgov"})
    head = ET.SubElement(root, _gpx("metadata"))
    _text(head, "name", label("orders.title", lang))
    _text(head, "time", f"{orders.announced_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    for shelter in orders.shelters:
        if shelter.persons and _is_place(shelter.lon, shelter.lat):
            point = _point(root, "wpt", shelter.lon, shelter.lat)
            _text(point, "name", shelter.name or shelter.shelter_id)
            _text(point, "desc", shelter.address)
    for zone in orders.zones:
        for route in zone.routes:
            _route(root, orders, zone, route, lang)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _route(root: ET.Element, orders: EvacuationOrders, zone: ZoneOrder, route: OrderRoute, lang: Lang) -> None:
    if not route.coordinates:
        return
    shelter = orders.shelter(route.shelter_id)
    element = ET.SubElement(root, _gpx("rte"))
    _text(element, "name", f"{zone.name(lang)} {label('orders.column.route', lang)} {route.number}")
    _text(element, "desc", f"{shelter.name or shelter.shelter_id}: " + _way(route, lang))
    for lon, lat in route.coordinates:
        _point(element, "rtept", lon, lat)


def _point(parent: ET.Element, name: str, lon: float, lat: float) -> ET.Element:
    return ET.SubElement(parent, _gpx(name), {"lat": f"{lat:.7f}", "lon": f"{lon:.7f}"})


def _text(parent: ET.Element, name: str, text: str) -> None:
    if text:
        ET.SubElement(parent, _gpx(name)).text = printable(text)


def printable(text: str) -> str:
    """Return a text without the control characters that XML 1.0 does not allow."""
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))


def _gpx(name: str) -> str:
    return f"{{{GPX}}}{name}"


def _window_rows(orders: EvacuationOrders, route: OrderRoute, lang: Lang) -> Iterator[dict[str, Any]]:
    shelter = orders.shelter(route.shelter_id)
    for window in route.windows:
        yield {
            "route": route.number,
            "persons": window.persons,
            "vehicles": window.vehicles,
            "leave_from": orders.local(window.start).isoformat(),
            "leave_to": orders.local(window.end).isoformat(),
            "arrive": orders.local(window.last_arrival).isoformat(),
            "shelter_id": shelter.shelter_id,
            "shelter": shelter.name,
            "address": shelter.address,
            "length": round(route.length_m),
            "way": _way(route, lang),
        }


def _zone_values(orders: EvacuationOrders, zone: ZoneOrder, lang: Lang) -> dict[str, Any]:
    return {
        "zone_id": zone.zone_id,
        "name": zone.name(lang),
        "persons": zone.persons,
        "vehicles": zone.vehicles,
        "unmet_persons": zone.unmet_persons,
        "first_departure": _iso(orders, zone.first_departure),
        "last_departure": _iso(orders, zone.last_departure),
        "last_arrival": _iso(orders, zone.last_arrival),
    }


def _route_values(orders: EvacuationOrders, zone: ZoneOrder, route: OrderRoute, lang: Lang) -> dict[str, Any]:
    return {
        "zone_id": zone.zone_id,
        "route": route.number,
        "shelter_id": route.shelter_id,
        "persons": route.persons,
        "vehicles": route.vehicles,
        "length_m": round(route.length_m, 1),
        "travel_time_s": round(route.travel_time_s, 1),
        "way": _way(route, lang),
    }


def _shelter_values(shelter: Any) -> dict[str, Any]:
    names = ("shelter_id", "name", "address", "capacity_persons", "persons")
    return {name: getattr(shelter, name) for name in names}


def _frame(rows: list[dict[str, Any]], geometry: list[Any]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=WGS84)


def _way(route: OrderRoute, lang: Lang) -> str:
    return label("orders.then", lang).join(step.text(lang) for step in route.steps)


def _iso(orders: EvacuationOrders, moment: Any) -> str | None:
    return None if moment is None else orders.local(moment).isoformat()


def _is_place(lon: float, lat: float) -> bool:
    return abs(lon) <= 180 and abs(lat) <= 90


def _cell(value: object) -> object:
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return "'" + value
    return value
