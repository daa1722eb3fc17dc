"""疏散通知单: the orders of a plan as one HTML file that opens without any network and prints on A4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from gridgov.i18n import Lang, label
from gridgov.maps.order_drawing import colour, overview_map, prepare, zone_map
from gridgov.maps.svg_drawing import ASPECT
from gridgov.model.orders import DoorTask, EvacuationOrders, OrderRoute, ZoneOrder
from gridgov.network import RoadNetwork

PAGES_OF_ZONES = 60  # more zones than this, and a page holds a street instead of a zone

_TEMPLATE = Path(__file__).with_name("order_sheet.html")


@dataclass(frozen=True)
class _Page:
    title: str
    subtitle: str
    map: Markup
    zones: tuple[ZoneOrder, ...]


def order_sheet(
    orders: EvacuationOrders,
    network: RoadNetwork,
    lang: Lang,
    *,
    zones: Mapping[str, Any] | None = None,
    hazard: Any | None = None,
    pages: Literal["zone", "street"] | None = None,
    tasks: Sequence[DoorTask] = (),
    title: str = "",
) -> str:
    """Write the sheet: an overview, and a page for every zone or every street.

    Parameters
    ----------
    orders : EvacuationOrders
    network : RoadNetwork
        The plan's roads; without coordinates the maps show no roads.
    lang : str
    zones : mapping of zone id to geometry, optional
        Outlines of the zones, WGS 84.
    hazard : geometry, optional
    pages : str, optional
        Default: by zone up to `PAGES_OF_ZONES` zones, else by street.
    tasks : sequence of DoorTask
        Printed on the page of their zone. They name workers: leave them out of a sheet for the public.
    title : str
        Default: the word for an evacuation order.

    Returns
    -------
    str
        HTML without any reference to another file; every text in it is escaped.
    """
    sheet = prepare(orders, network, zones or {}, hazard)
    names = {zone.zone_id: zone.name(lang) for zone in orders.zones}
    shelters = {shelter.shelter_id: shelter for shelter in orders.shelters}
    by_zone = pages == "zone" or (pages is None and len(orders.zones) <= PAGES_OF_ZONES)
    made = [_page(group, lang, zone_map(sheet, orders, group, names)) for group in _groups(orders, by_zone=by_zone)]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        lang=lang,
        t=partial(_text, lang=lang),
        title=title or label("orders.title", lang),
        orders=orders,
        start=f"{orders.local(orders.announced_at):%Y-%m-%d %H:%M}",
        clear=label("orders.minutes", lang, minutes=math.ceil(orders.clearance_time_s / 60)),
        minutes=_minutes,
        aspect=ASPECT,
        definitions=sheet.definitions(),
        overview=overview_map(sheet, orders, names),
        pages=made,
        tasks=tasks,
        colour=colour,
        shelter_name=lambda one: shelters[one].name or one,
        shelter_address=lambda one: shelters[one].address,
    )


def _groups(orders: EvacuationOrders, *, by_zone: bool) -> list[tuple[ZoneOrder, ...]]:
    if by_zone:
        return [(zone,) for zone in orders.zones]
    return [tuple(group) for _, group in groupby(orders.zones, key=lambda zone: zone.area_code)]


def _page(zones: tuple[ZoneOrder, ...], lang: Lang, drawn: Markup) -> _Page:
    first = zones[0]
    if len(zones) == 1:
        subtitle = label("orders.zone_line", lang, code=first.zone_id, street=first.area_name(lang) or "–")
        return _Page(first.name(lang), subtitle, drawn, zones)
    persons = sum(zone.persons for zone in zones)
    subtitle = label("orders.street_line", lang, zones=len(zones), persons=persons)
    return _Page(first.area_name(lang) or label("orders.no_street", lang), subtitle, drawn, zones)


def _minutes(route: OrderRoute) -> int:
    return math.ceil(route.travel_time_s / 60)


def _text(code: str, /, *, lang: Lang, **fields: object) -> str:
    return label(code, lang, **fields)
