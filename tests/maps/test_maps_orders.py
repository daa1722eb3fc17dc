"""The order sheet and the exports of orders."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import order_case
import pytest

from gridgov.maps.order_exports import (
    GPX,
    departures_csv,
    orders_geojson,
    orders_gpx,
    write_geopackage,
)
from gridgov.maps.order_sheet import order_sheet
from gridgov.model.orders import EvacuationOrders
from gridgov.network import RoadNetwork


@pytest.fixture(scope="module")
def city(tiny_city: RoadNetwork) -> RoadNetwork:
    return order_case.named_city(tiny_city)


@pytest.fixture(scope="module")
def orders(city: RoadNetwork) -> EvacuationOrders:
    return order_case.orders(city)


@pytest.fixture(scope="module")
def outlines() -> dict[str, object]:
    frame = order_case.zones_frame()
    return dict(zip(frame["zone_id"], frame.geometry, strict=True))


class Page(HTMLParser):
    """Collects the tags and attributes of a page and checks that what opens closes."""

    VOID = frozenset({"meta", "rect", "path", "use", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("pages", ["zone", "street"])
def test_the_sheet_refers_to_nothing_outside_itself(orders, city, outlines, lang, pages) -> None:
    text = order_sheet(orders, city, lang, zones=outlines, hazard=outlines["A"], pages=pages)
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "image", "form", "a"}
        for name, value in attributes.items():
            assert name not in {"src", "srcset", "data", "action", "poster", "background"}
            assert not name.startswith("on")
            if name.endswith("href"):
                assert value is not None
                assert value.startswith("#")
    assert not re.search(r"url\(|@import|https?:|//[a-z]|file:", text)
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {a["href"][1:] for _, a in page.tags if a.get("href")} <= ids


def test_every_text_of_the_data_is_escaped(orders, city, outlines) -> None:
    text = order_sheet(orders, city, "zh", zones=outlines, title="<b>x</b>")
    assert "<script" not in text
    assert "<b>x</b>" not in text
    assert "&lt;script&gt;" in text


def test_the_sheet_has_an_overview_and_a_page_for_each_zone_or_street(orders, city, outlines) -> None:
    by_zone, by_street = (order_sheet(orders, city, "zh", zones=outlines, pages=pages) for pages in ("zone", "street"))
    assert by_zone.count("<section>") == 1 + 3
    assert by_street.count("<section>") == 1 + 2  # 江北街道, and the zone that no street is known of
    assert by_zone.count('class="map"') == 4
    for wanted in ("甲网格", "08:00 – 08:10", "左转进入丁街", "第一小学", "四路 1 号", "10 人没有避难场所容纳"):
        assert wanted in by_zone, wanted
    assert "@page" in by_zone
    assert "A4" in by_zone


def test_roads_are_written_once_however_many_pages_there_are(orders, city, outlines) -> None:
    text = order_sheet(orders, city, "en", zones=outlines, pages="zone")
    assert text.count("<defs>") == 1
    assert text.count('<use href="#t') > text.count('class="road-')


def test_a_sheet_of_roads_without_coordinates_is_made_without_a_map(city) -> None:
    from gridgov.evacuation.orders import make_orders

    bare = RoadNetwork.from_arrays(city.tail, city.head, city.travel_time_ms)
    made = make_orders(order_case.plan(city), bare, announced_at=order_case.EIGHT, timezone="UTC")
    assert "<section>" in order_sheet(made, bare, "en")


def test_the_table_opens_in_excel_and_runs_nothing(orders) -> None:
    data = departures_csv(orders, "zh")
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0][:3] == ["网格编码", "网格", "街道"]
    assert {row[0] for row in rows[1:]} == {"A", "B", "C"}
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert any(cell == "'" + order_case.NASTY for row in rows for cell in row)
    assert rows[1][6].endswith("+08:00") or rows[1][6] == ""


def test_geojson_and_geopackage_hold_zones_routes_and_shelters(orders, outlines, tmp_path: Path) -> None:
    collection = json.loads(orders_geojson(orders, "zh", outlines))
    layers = [feature["properties"]["layer"] for feature in collection["features"]]
    assert {name: layers.count(name) for name in set(layers)} == {"zones": 3, "routes": 3, "shelters": 2}
    path = tmp_path / "orders.gpkg"
    for _ in range(2):  # a file that is there is replaced
        write_geopackage(orders, path, "en", outlines)
    assert set(gpd.list_layers(path)["name"]) == {"zones", "routes", "shelters", "departures"}
    assert gpd.read_file(path, layer="routes")["persons"].sum() == 120
    assert len(gpd.read_file(path, layer="departures")) == 4


def test_gpx_follows_the_order_of_its_schema(orders) -> None:
    root = ET.fromstring(orders_gpx(orders, "zh"))
    assert root.attrib == {"version": "1.1", "creator": "gridgov"}
    names = [child.tag.removeprefix(f"{{{GPX}}}") for child in root]
    assert names == ["metadata", *["wpt"] * 2, *["rte"] * 3]  # metadata, wpt, rte, trk: GPX 1.1, gpxType
    for route in root.findall(f"{{{GPX}}}rte"):
        inside = [child.tag.removeprefix(f"{{{GPX}}}") for child in route]
        assert inside[:2] == ["name", "desc"]
        assert set(inside[2:]) == {"rtept"}
        assert all(abs(float(point.get("lat"))) <= 90 for point in route.findall(f"{{{GPX}}}rtept"))
