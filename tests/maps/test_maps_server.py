"""The map's routes: what they answer, to right and to wrong questions."""

from __future__ import annotations

import gzip

import pytest
from map_source import EVERYBODY, MapSource
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from test_maps_tiles import tile_of

from gridgov.api.server import SealedRoom, web_file
from gridgov.api.tiles import TileRoutes
from gridgov.model.rights import PUBLIC, Person

TILE = "/".join(map(str, tile_of(121.02, 31.02, 13)))


class As:
    """Stands for the guard: every request is this person's."""

    def __init__(self, app: ASGIApp, person: Person) -> None:
        self.app, self.person = app, person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["person"] = self.person
        await self.app(scope, receive, send)


def client_of(source: MapSource, person: Person) -> TestClient:
    routes = [Route("/assets/{name:path}", web_file), *TileRoutes(source).routes]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SealedRoom), Middleware(As, person=person)]))


@pytest.fixture(scope="module")
def client(source: MapSource) -> TestClient:
    return client_of(source, EVERYBODY)


def test_a_vector_tile_travels_compressed(client):
    """Gzip as it lies in the archive, for whoever accepts it; plain for the others."""
    packed = client.get(f"/tiles/roads/{TILE}.mvt?v=1")
    plain = client.get(f"/tiles/roads/{TILE}.mvt?v=1", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.headers["content-type"] == "application/vnd.mapbox-vector-tile"


def test_points_are_the_binary_format(client, source):
    """The point route answers with nine bytes a point."""
    assert len(client.get("/points/incidents").content) == 4 + 9 * len(source.layer("incidents"))


def test_raster_tiles_are_pictures(client):
    """Hillshade and land cover are PNG."""
    for layer in ("elevation", "land_cover"):
        answer = client.get(f"/tiles/{layer}/{TILE}.png")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert answer.content[:4] == b"\x89PNG"


def test_a_known_tile_is_not_sent_again(client):
    """The ETag of a tile saves sending it."""
    first = client.get(f"/tiles/roads/{TILE}.mvt")
    again = client.get(f"/tiles/roads/{TILE}.mvt", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_versioned_address_may_be_kept(client):
    """With the version of the data in the address the browser keeps the answer; without, it asks again."""
    assert "max-age" in client.get(f"/tiles/roads/{TILE}.mvt?v=1").headers["cache-control"]
    assert client.get(f"/tiles/roads/{TILE}.mvt").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/tiles/roads/12/1/1.mvt", 204),
        ("/tiles/elevation/12/1/1.png", 204),
        ("/tiles/nothing/12/1/1.mvt", 404),
        ("/tiles/incidents/12/1/1.mvt", 404),
        ("/tiles/roads/12/1/1.png", 404),
        ("/points/roads", 404),
        ("/points/nothing", 404),
        ("/tiles/roads/12/1/x.mvt", 400),
        ("/tiles/roads/12/1", 400),
        ("/tiles/roads/3/8/0.mvt", 400),
        ("/tiles/roads/99/0/0.mvt", 400),
        ("/tiles/roads/-1/0/0.mvt", 400),
        ("/tiles/roads/12/1/1.exe", 400),
        ("/tiles/roads/12/99999999999999999999/1.mvt", 400),
        ("/assets/nothing.js", 404),
        ("/assets/../pyproject.toml", 404),
        ("/assets/%2e%2e/pyproject.toml", 404),
        ("/assets/.stamp", 404),
        ("/assets/leaflet", 404),
    ],
)
def test_wrong_questions_get_short_answers(client, address, status):
    """An unknown layer or file is 404, an impossible place 400, an empty one 204: one sentence, no traceback."""
    answer = client.get(address)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_a_damaged_archive_is_one_sentence(tmp_path):
    """A broken file on the server is a 500 with a sentence."""
    broken = MapSource(tmp_path)
    broken.tiles_path("roads").write_bytes(b"broken" * 50)
    answer = client_of(broken, EVERYBODY).get(f"/tiles/roads/{TILE}.mvt")
    assert (answer.status_code, answer.text.count("\n")) == (500, 0)


def test_every_answer_seals_the_room(client):
    """Errors too carry the policy that keeps the browser on this host; nobody else may read or frame us."""
    for address in ("/points/incidents", "/points/nothing"):
        headers = client.get(address).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_own_script_and_libraries_are_served(client):
    """The joined script, the style sheet and the libraries, to be kept for good under their version."""
    for name in ("console.js", "console.css", "leaflet/leaflet.js", "vector-tile/vector-tile.js"):
        answer = client.get(f"/assets/{name}?v=1")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_points_are_packed_once(client, source):
    """The same points are the same bytes."""
    first, second = (client.get("/points/workers") for _ in range(2))
    assert first.headers["etag"] == second.headers["etag"]
    assert gzip.compress(first.content, 4, mtime=0) == gzip.compress(second.content, 4, mtime=0)


def test_layers_are_not_for_the_public(source):
    """Whoever has no account gets neither tiles nor points, with or without a guard before the routes."""
    bare = TestClient(Starlette(routes=TileRoutes(source).routes))
    for asked in (client_of(source, PUBLIC), bare):
        assert asked.get("/points/incidents").status_code == 403
        assert asked.get(f"/tiles/roads/{TILE}.mvt").status_code == 403
