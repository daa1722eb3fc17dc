"""Maps of the order sheet: inline SVG in metres from local geometry; the roads are written once for all pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from markupsafe import Markup, escape
from numpy.typing import NDArray

from gridgov.maps.svg_drawing import Box, Floats, area_path, framed, line_path, metres, scale_bar
from gridgov.model.orders import EvacuationOrders, OrderRoute, ShelterOrder, ZoneOrder
from gridgov.network import RoadNetwork

LABELLED_ZONES = 30  # the names of more would cover each other
ROUTE_COLOURS = ("#b2182b", "#2166ac", "#7b3294", "#8c510a")
_MAJOR = ("motorway", "trunk", "primary", "secondary")
_TILES = 12  # the area of the sheet is cut into so many columns and rows
_AROUND_M = 300.0
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Sheet:
    """What all maps of one sheet share: the projection, the roads by tile, and the outlines of zones and hazard.

    Attributes
    ----------
    origin : (lon, lat)
        The middle, which is 0, 0 of the drawing; x to the east and y to the south in metres.
    tiles : mapping of tile id to its box and the paths of its major and minor roads
    """

    origin: tuple[float, float]
    tiles: Mapping[str, tuple[Box, str, str]]
    zones: Mapping[str, Any]
    hazard: Any | None

    def points(self, coordinates: Any) -> Floats:
        """Return degrees as metres of the drawing, shape (n, 2)."""
        return metres(np.asarray(coordinates, dtype=np.float64), self.origin)

    def definitions(self) -> Markup:
        """Return the roads, to be put once into the document before the maps."""
        parts = [
            f'<path id="{name}{kind}" class="road-{kind}" fill="none" d="{path}"/>'
            for name, (_, major, minor) in self.tiles.items()
            for kind, path in (("a", major), ("b", minor))
            if path
        ]
        return Markup('<svg class="defs" width="0" height="0"><defs>{}</defs></svg>').format(Markup("".join(parts)))


def prepare(
    orders: EvacuationOrders, network: RoadNetwork, zones: Mapping[str, Any], hazard: Any | None = None
) -> Sheet:
    """Project and sort what the maps of a sheet show.

    Parameters
    ----------
    orders : EvacuationOrders
    network : RoadNetwork
        Without coordinates no roads are drawn.
    zones : mapping of zone id to geometry, WGS 84
    hazard : geometry, optional
    """
    west, south, east, north = _extent(orders, zones, hazard)
    origin = ((west + east) / 2, (south + north) / 2)
    return Sheet(origin, _tiles(network, (west, south, east, north), origin), zones, hazard)


def overview_map(sheet: Sheet, orders: EvacuationOrders, words: Mapping[str, str]) -> Markup:
    """Return the map of all zones, routes and shelters; shelters have the numbers of the list of those in use."""
    shelters = {str(number): shelter for number, shelter in enumerate(_used(orders), start=1)}
    return _map(sheet, orders.zones, shelters, words)


def zone_map(sheet: Sheet, orders: EvacuationOrders, zones: Sequence[ZoneOrder], words: Mapping[str, str]) -> Markup:
    """Return the map of some zones: each with its routes and shelters."""
    wanted = {route.shelter_id for zone in zones for route in zone.routes}
    shelters = {one.name or one.shelter_id: one for one in orders.shelters if one.shelter_id in wanted}
    return _map(sheet, zones, shelters, words)


def colour(route: OrderRoute) -> str:
    """Return the colour of a route on map and page."""
    return ROUTE_COLOURS[(route.number - 1) % len(ROUTE_COLOURS)]


def _map(
    sheet: Sheet,
    zones: Sequence[ZoneOrder],
    shelters: Mapping[str, ShelterOrder],
    words: Mapping[str, str],
) -> Markup:
    box = framed(_shown(sheet, zones, list(shelters.values())))
    unit = (box[2] - box[0]) / 1000  # a thousandth of the map's width: text and marks have the same size on all maps
    parts = [
        f'<svg class="map" viewBox="{box[0]:.0f} {box[1]:.0f} {box[2] - box[0]:.0f} {box[3] - box[1]:.0f}" role="img">',
        *_areas(sheet, zones),
        *_roads(sheet, box),
        *(_line(sheet, route) for zone in zones for route in zone.routes),
        *(_shelter(sheet, shelter, name, unit) for name, shelter in shelters.items()),
        *(_zone_label(sheet, zone, unit, words) for zone in zones if len(zones) <= LABELLED_ZONES),
        scale_bar(box, unit),
        "</svg>",
    ]
    return Markup("\n".join(part for part in parts if part))


def _used(orders: EvacuationOrders) -> list[ShelterOrder]:
    return [shelter for shelter in orders.shelters if shelter.persons]


def _shown(sheet: Sheet, zones: Sequence[ZoneOrder], shelters: Sequence[ShelterOrder]) -> Floats:
    """Return the points that must be on a map, metres."""
    points = [
        np.array([(zone.lon, zone.lat) for zone in zones]).reshape(-1, 2),
        np.array([(shelter.lon, shelter.lat) for shelter in shelters]).reshape(-1, 2),
        *(np.array(route.coordinates).reshape(-1, 2) for zone in zones for route in zone.routes),
        *(shapely.get_coordinates(sheet.zones[zone.zone_id]) for zone in zones if zone.zone_id in sheet.zones),
    ]
    every = np.concatenate(points)
    return sheet.points(every[np.isfinite(every).all(axis=1)])


def _areas(sheet: Sheet, zones: Iterable[ZoneOrder]) -> list[str]:
    parts = [] if sheet.hazard is None else [f'<path class="hazard" d="{area_path(sheet.hazard, sheet.origin)}"/>']
    for zone in zones:
        if zone.zone_id in sheet.zones:
            parts.append(f'<path class="zone" d="{area_path(sheet.zones[zone.zone_id], sheet.origin)}"/>')
    return parts


def _roads(sheet: Sheet, box: Box) -> list[str]:
    shown = [name for name, (own, _, _) in sheet.tiles.items() if _meet(own, box)]
    return [f'<use href="#{name}{kind}"/>' for kind in "ba" for name in shown if sheet.tiles[name][1 + (kind == "b")]]


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _line(sheet: Sheet, route: OrderRoute) -> str:
    if not route.coordinates:
        return ""
    return f'<path class="route" stroke="{colour(route)}" d="{line_path(sheet.points(route.coordinates))}"/>'


def _shelter(sheet: Sheet, shelter: ShelterOrder, name: str, unit: float) -> str:
    if not (np.isfinite(shelter.lon) and np.isfinite(shelter.lat)):
        return ""
    ((x, y),) = sheet.points([(shelter.lon, shelter.lat)])
    size = 9 * unit
    return (
        f'<rect class="shelter" x="{x - size:.0f}" y="{y - size:.0f}" width="{2 * size:.0f}" height="{2 * size:.0f}"/>'
        f'<text x="{x + 1.4 * size:.0f}" y="{y + 0.7 * size:.0f}" font-size="{22 * unit:.1f}">{escape(name)}</text>'
    )


def _zone_label(sheet: Sheet, zone: ZoneOrder, unit: float, words: Mapping[str, str]) -> str:
    if not (np.isfinite(zone.lon) and np.isfinite(zone.lat)):
        return ""
    ((x, y),) = sheet.points([(zone.lon, zone.lat)])
    name = escape(words.get(zone.zone_id, zone.zone_id))
    return f'<text class="zone-name" x="{x:.0f}" y="{y:.0f}" font-size="{20 * unit:.1f}">{name}</text>'


def _tiles(network: RoadNetwork, bounds: Box, origin: tuple[float, float]) -> dict[str, tuple[Box, str, str]]:
    if network.topology.shape is None:
        return {}
    roads = network.base.to_frame()
    near = roads[roads.geometry.intersects(shapely.box(*bounds))]
    lines = [metres(shapely.get_coordinates(line), origin) for line in near.geometry]
    major = near["highway"].str.startswith(_MAJOR).to_numpy() if len(near) else np.zeros(0, dtype=bool)
    corner = metres(np.array([(bounds[0], bounds[3]), (bounds[2], bounds[1])]), origin)
    size = np.maximum((corner[1] - corner[0]) / _TILES, 1.0)
    members: dict[str, list[int]] = defaultdict(list)
    for row, line in enumerate(lines):
        column, line_of_tiles = np.clip((line.mean(axis=0) - corner[0]) // size, 0, _TILES - 1).astype(int)
        members[f"t{column}-{line_of_tiles}"].append(row)
    return {name: _tile([lines[row] for row in rows], major[rows]) for name, rows in sorted(members.items())}


def _tile(lines: Sequence[Floats], major: NDArray[np.bool_]) -> tuple[Box, str, str]:
    every = np.concatenate(lines)
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    paths = ["".join(line_path(line) for line, is_major in zip(lines, major, strict=True) if is_major == kind)
             for kind in (True, False)]  # fmt: skip
    return (float(left), float(top), float(right), float(bottom)), paths[0], paths[1]


def _extent(orders: EvacuationOrders, zones: Mapping[str, Any], hazard: Any | None) -> Box:
    places = [(one.lon, one.lat) for one in orders.zones] + [(one.lon, one.lat) for one in _used(orders)]
    points = [
        np.array(places).reshape(-1, 2),
        *(np.array(route.coordinates).reshape(-1, 2) for zone in orders.zones for route in zone.routes),
        *(shapely.get_coordinates(zones[zone.zone_id]) for zone in orders.zones if zone.zone_id in zones),
        *([] if hazard is None else [shapely.get_coordinates(hazard)]),
    ]
    every = np.concatenate(points)
    every = every[np.isfinite(every).all(axis=1)]
    if not len(every):
        return (-0.01, -0.01, 0.01, 0.01)
    (west, south), (east, north) = every.min(axis=0), every.max(axis=0)
    margin = _AROUND_M / _METRES_PER_DEGREE
    return float(west - margin), float(south - margin), float(east + margin), float(north + margin)
