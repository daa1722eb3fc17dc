"""OGC API – Features over HTTP: the requirements of Part 1, and GDAL, which is what QGIS opens it with."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import jsonschema
import pyogrio
import pytest
from person_app import Source, app_of
from person_app import served as listening
from served import serve
from skipping import skip_here
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from gridgov.api import ogc
from gridgov.config import Settings
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

PEOPLE = {
    "supervisor": Person("chen", Role.SUPERVISOR, EVERYWHERE),
    "planner": Person("lin", Role.PLANNER, EVERYWHERE),
    "worker": Person("w1", Role.WORKER, EVERYWHERE, "W00001"),
}
LINK = {"type": "object", "required": ["href", "rel"], "properties": {"href": {"type": "string", "format": "uri"}}}
# Written from RFC 7946 and tables 7.15 and 7.16 of 17-069r4.
GEOMETRY = {
    "oneOf": [
        {"type": "null"},
        {
            "type": "object",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"enum": ["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]},
                "coordinates": {"type": "array", "minItems": 1},
            },
        },
    ]
}
FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": "string"},
        "geometry": GEOMETRY,
        "properties": {"type": "object"},
    },
}
ITEMS = {
    "type": "object",
    "required": ["type", "features", "links", "timeStamp", "numberMatched", "numberReturned"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "features": {"type": "array", "items": FEATURE},
        "links": {"type": "array", "minItems": 1, "items": LINK},
        "timeStamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "numberMatched": {"type": "integer", "minimum": 0},
        "numberReturned": {"type": "integer", "minimum": 0},
    },
}


@pytest.fixture(scope="module")
def workspace(village: Path) -> Workspace:
    """The village with three reports in its store."""
    opened = open_workspace(village, settings=Settings(store="memory:"))
    code = next(iter(opened.incident_profile.classes))
    for point in opened.layer("grids").geometry.representative_point().iloc[:3]:
        form = ReportForm(
            class_code=code, lon=point.x, lat=point.y, description="<b>call 13812345678</b>", reporter_name="王小明"
        )
        report_incident(opened, PUBLIC, form)
    return opened


def mounted(workspace: Workspace) -> list[BaseRoute]:
    """The routes as the server mounts them."""
    return [Route("/api/ogc", ogc.to_landing), Mount("/api/ogc", routes=ogc.routes(Source(workspace)))]


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> TestClient:
    app = app_of(mounted(workspace), PEOPLE)
    return TestClient(app, "http://map.example:8080/api/ogc", headers={"Authorization": "Bearer supervisor"})


def links(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def get(client: TestClient, path: str) -> dict[str, object]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_landing_page_links_to_the_api_its_conformance_and_the_data(client: TestClient) -> None:
    found = links(get(client, "/"))
    assert set(found) >= {"self", "service-desc", "conformance", "data"}
    for address in found.values():
        assert address.startswith("http://map.example:8080/api/ogc/")
        assert client.get(address).status_code == 200


def test_an_address_without_the_last_slash_leads_to_the_landing_page(client: TestClient) -> None:
    answer = client.get("http://map.example:8080/api/ogc?lang=en", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "/api/ogc/?lang=en")
    assert get(client, "http://map.example:8080/api/ogc")["links"]


def test_it_says_which_classes_of_the_standard_it_conforms_to(client: TestClient) -> None:
    stem = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
    assert set(get(client, "/conformance")["conformsTo"]) == {f"{stem}/core", f"{stem}/oas30", f"{stem}/geojson"}


def test_every_collection_has_what_the_standard_asks_for(client: TestClient, workspace: Workspace) -> None:
    found = get(client, "/collections")["collections"]
    ids = {collection["id"] for collection in found}
    assert {"incidents", "workers", "grids", "roads", "divisions"} <= ids
    assert not ids & {"elevation", "land_cover", "population"}  # rasters and tables are no features
    for collection in found:
        assert collection["itemType"] == "feature"
        assert ogc.CRS84 in collection["crs"]
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        assert west <= east, south <= north
        alone = get(client, f"/collections/{collection['id']}")
        assert alone == collection
        items = client.get(links(alone)["items"] + "?limit=1")
        assert items.headers["content-type"] == "application/geo+json"
        jsonschema.validate(items.json(), ITEMS)


def test_incidents_have_an_extent_in_time(client: TestClient) -> None:
    extent = get(client, "/collections/incidents")["extent"]
    assert extent["temporal"]["interval"] == [["2026-06-30T02:00:00.000000Z", "2026-06-30T02:00:00.000000Z"]]
    assert "temporal" not in get(client, "/collections/grids")["extent"]


def test_the_next_links_lead_through_all_features_and_the_prev_links_back(client: TestClient) -> None:
    page, seen, pages = get(client, "/collections/grids/items?limit=7"), [], 1
    while True:
        seen += [feature["id"] for feature in page["features"]]
        assert page["numberReturned"] == len(page["features"]) <= 7
        if "next" not in links(page):
            break
        page, pages = client.get(links(page)["next"]).json(), pages + 1
    assert len(seen) == len(set(seen)) == page["numberMatched"]
    for _ in range(pages - 1):
        page = client.get(links(page)["prev"]).json()
    assert "prev" not in links(page)
    assert page["features"][0]["id"] == seen[0]


def test_links_keep_the_other_parameters(client: TestClient) -> None:
    page = get(client, "/collections/grids/items?limit=2&bbox=-180,-90,180,90&lang=en")
    query = urlsplit(links(page)["next"]).query
    assert set(query.split("&")) == {"limit=2", "offset=2", "bbox=-180,-90,180,90", "lang=en"}


def test_a_limit_beyond_the_maximum_counts_as_the_maximum(client: TestClient) -> None:
    assert get(client, "/collections/grids/items?limit=10001")["numberReturned"] > 0


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=",
        "limit=1.5",
        "limit=1&limit=2",
        "offset=-1",
        "offset=99999999999999999999999",
        "severity=high",
        "severity=1.5",
        "bbox=1,2,3",
        "bbox=1,2,3,4,5",
        "bbox=a,b,c,d",
        "bbox=0,10,1,-10",
        "bbox=0,0,181,1",
        "bbox=0,-91,1,1",
        "bbox=nan,0,1,1",
        "bbox=1e999,0,1,1",
        "datetime=yesterday",
        "datetime=2026-06-30",
        "datetime=2026-06-30T10:00:00",
        "datetime=2026-13-01T00:00:00Z",
        "datetime=2026-06-30T10:00:00Z/2026-06-29T10:00:00Z",
        "datetime=../..",
        "datetime=/",
        "datetime=",
        "datetime=0001-01-01T00:00:00%2B23:59",
        "f=html",
        "lang=fr",
        "limt=3",
        "bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326",
    ],
)
def test_unknown_parameters_and_bad_values_are_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/collections/incidents/items?{query}")
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"code", "description"}


@pytest.mark.parametrize("path", ["/", "/conformance", "/api", "/collections", "/collections/grids"])
def test_other_resources_refuse_unknown_parameters_too(client: TestClient, path: str) -> None:
    assert client.get(f"{path}?limit=3").status_code == 400
    assert client.get(f"{path}?f=json&lang=en").status_code == 200


@pytest.mark.parametrize(
    "path", ["/collections/nothing", "/collections/nothing/items", "/collections/grids/items/0", "/nothing"]
)
def test_what_does_not_exist_is_404(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_box_finds_what_geopandas_finds(client: TestClient, workspace: Workspace) -> None:
    grids = workspace.layer("grids")
    west, south, east, north = grids.geometry.iloc[5].bounds
    found = get(client, f"/collections/grids/items?limit=10000&bbox={west},{south},0,{east},{north},100")
    expected = grids.cx[west:east, south:north]["grid_code"]
    assert {feature["id"] for feature in found["features"]} == set(expected)
    assert 0 < found["numberMatched"] < len(grids)


def test_a_box_across_the_180th_meridian_is_two(client: TestClient, workspace: Workspace) -> None:
    west, south, east, north = workspace.bounds
    beyond = get(client, f"/collections/grids/items?bbox={east + 1},{south},{west - 1},{north}")
    around = get(client, f"/collections/grids/items?bbox={west - 1},{south},{west - 2},{north}&limit=1")
    assert beyond["numberMatched"] == 0
    assert around["numberMatched"] == len(workspace.layer("grids"))


@pytest.mark.parametrize(
    ("interval", "count"),
    [
        ("2026-06-30T02:00:00Z", 3),
        ("2026-06-30T10:00:00%2B08:00", 3),
        ("2026-06-30T02:00:01Z", 0),
        ("2026-06-30T00:00:00Z/2026-06-30T02:00:00Z", 3),
        ("../2026-06-30T01:59:59Z", 0),
        ("/2026-06-30T02:00:00.5Z", 3),
        ("2026-06-30T02:00:00Z/..", 3),
        ("2026-06-30T02:00:00.001Z/", 0),
    ],
)
def test_incidents_are_found_by_the_time_of_their_report(client: TestClient, interval: str, count: int) -> None:
    assert get(client, f"/collections/incidents/items?datetime={interval}")["numberMatched"] == count


def test_features_without_a_time_match_every_time(client: TestClient, workspace: Workspace) -> None:
    found = get(client, "/collections/grids/items?limit=1&datetime=1999-01-01T00:00:00Z")
    assert found["numberMatched"] == len(workspace.layer("grids"))


def test_a_property_can_be_asked_for(client: TestClient, workspace: Workspace) -> None:
    grids = workspace.layer("grids")
    street = grids["street_code"].iloc[0]
    found = get(client, f"/collections/grids/items?limit=1&street_code={street}")
    assert found["numberMatched"] == int((grids["street_code"] == street).sum())
    assert client.get("/collections/grids/items?persons=many").status_code == 400


def test_the_items_are_read_by_geopandas_as_they_are(client: TestClient, workspace: Workspace) -> None:
    grids = workspace.layer("grids")
    answer = client.get("/collections/grids/items?limit=10000")
    read = gpd.read_file(answer.content)
    assert read.crs.to_epsg() == 4326
    assert list(read["grid_code"]) == list(grids["grid_code"])
    assert read.geometry.geom_equals(grids.geometry).all()


def test_outer_rings_run_counter_clockwise(client: TestClient) -> None:
    for feature in get(client, "/collections/grids/items?limit=5")["features"]:
        ring = feature["geometry"]["coordinates"][0]
        area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))
        assert area > 0


def test_one_feature_is_the_one_of_the_list_and_links_to_its_collection(client: TestClient) -> None:
    listed = get(client, "/collections/roads/items?limit=1&offset=3")["features"][0]
    answer = client.get(f"/collections/roads/items/{listed['id']}")
    assert answer.headers["content-type"] == "application/geo+json"
    alone = answer.json()
    assert links(alone)["self"].endswith(f"/collections/roads/items/{listed['id']}")
    assert links(alone)["collection"].endswith("/collections/roads")
    assert {key: alone[key] for key in listed} == listed


def test_no_reporter_leaves_by_this_way_and_numbers_are_masked_by_role(client: TestClient) -> None:
    seen = client.get("/collections/incidents/items", headers={"Authorization": "Bearer planner"}).text
    assert "王" not in seen
    assert "13812345678" not in seen
    assert "reporter" not in seen
    assert "13812345678" in client.get("/collections/incidents/items").text  # a supervisor may see it in the words
    assert "王" not in client.get("/collections/incidents/items").text


def test_a_role_sees_its_collections_only(client: TestClient, workspace: Workspace) -> None:
    planner = {"Authorization": "Bearer planner"}
    ids = {found["id"] for found in client.get("/collections", headers=planner).json()["collections"]}
    assert "workers" not in ids
    assert client.get("/collections/workers/items", headers=planner).status_code == 403
    own = client.get("/collections/workers/items", headers={"Authorization": "Bearer worker"}).json()
    assert [feature["id"] for feature in own["features"]] == ["W00001"]
    assert "phone" not in own["features"][0]["properties"]


def test_the_public_sees_no_layer(client: TestClient) -> None:
    for path in ("/collections", "/collections/grids", "/collections/grids/items", "/collections/grids/items/1"):
        assert client.get(path, headers={"Authorization": "Bearer nobody"}).status_code == 403


def test_names_come_in_the_language_that_is_asked_for(client: TestClient) -> None:
    assert get(client, "/collections/grids?lang=en")["title"] == "Community grids"
    assert get(client, "/collections/grids")["title"] == "单元网格"
    assert "?lang=en" in links(get(client, "/collections/grids?lang=en"))["items"]


def test_links_say_https_where_people_reach_the_server_so(village: Path) -> None:
    safe = open_workspace(village, settings=Settings(store="memory:", https=True))
    app = app_of(mounted(safe), PEOPLE)
    found = TestClient(app, "http://map.example/api/ogc").get("/").json()
    assert links(found)["self"] == "https://map.example/api/ogc/"


def test_the_openapi_document_describes_every_collection(client: TestClient) -> None:
    answer = client.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"].startswith("3.0")
    assert document["servers"] == [{"url": "http://map.example:8080/api/ogc"}]
    for collection in get(client, "/collections")["collections"]:
        assert f"/collections/{collection['id']}/items" in document["paths"]
    names = {item.get("name") for item in document["paths"]["/collections/incidents/items"]["get"]["parameters"]}
    assert {"state", "severity"} <= names


READ_BY_GDAL = """
import json, sys
import pyogrio
source, box = sys.argv[1], tuple(map(float, sys.argv[2].split(",")))
layers = [str(row[0]) for row in pyogrio.list_layers(source)]
near = pyogrio.read_dataframe(source, layer="grids", bbox=box)
state = pyogrio.read_dataframe(source, layer="incidents", where="state = 'reported'")
roads = pyogrio.read_info(source, layer="roads", force_feature_count=True)
print(json.dumps([layers, sorted(near["grid_code"]), len(state), roads["features"], str(near.crs.to_epsg())]))
"""


def test_gdal_lists_the_collections_and_reads_features_as_qgis_does(village: Path) -> None:
    """GDAL's OAPIF driver, in a process of its own, against the whole API with its guard, by a bearer token."""
    if "OAPIF" not in pyogrio.list_drivers():
        skip_here("GDAL's OAPIF driver is not in this pyogrio")
    with serve(village) as real, listening(real.app) as address:
        real.incident()
        grids, roads = real.workspace.layer("grids"), real.workspace.layer("roads")
        west, south, east, north = grids.geometry.iloc[5].bounds
        token = real.tokens["supervisor"]
        done = subprocess.run(
            [sys.executable, "-c", READ_BY_GDAL, f"OAPIF:{address}/api/ogc", f"{west},{south},{east},{north}"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"GDAL_HTTP_AUTH": "BEARER", "GDAL_HTTP_BEARER": token, "no_proxy": "*", "PATH": ""},
        )
    assert done.returncode == 0, done.stderr
    layers, near, reported, count, crs = json.loads(done.stdout)
    assert {"incidents", "workers", "grids", "roads"} <= set(layers)
    assert near == sorted(grids.cx[west:east, south:north]["grid_code"])
    assert (reported, count, crs) == (1, len(roads), "4326")
