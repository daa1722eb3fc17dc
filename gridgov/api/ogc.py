"""OGC API – Features, Part 1 (OGC 17-069r4): Core, GeoJSON and OpenAPI 3.0, so that QGIS and GDAL open the layers.

There is no HTML encoding: the answers are for programs, people have the console.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gridgov.api.asking import WorkspaceSource
from gridgov.api.ogc_openapi import OPENAPI_TYPE, openapi_document
from gridgov.api.ogc_query import PLAIN, check_parameters, feature_query, language_of
from gridgov.api.problems import status_of
from gridgov.errors import GridgovError, InputError
from gridgov.i18n import Lang, label
from gridgov.model.events import format_time
from gridgov.model.features import Feature, FeatureCollection, FeaturePage, FeatureQuery
from gridgov.model.rights import PUBLIC, Person
from gridgov.operations.features import collection_of, collections_of, item_of, items_of
from gridgov.workspace import Workspace

CONFORMANCE = tuple(
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson")
)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_JSON = "application/json"
_GEOJSON = "application/geo+json"
_HEADERS = {"Cache-Control": "private, no-cache"}  # an answer depends on who asks


def routes(source: WorkspaceSource) -> list[BaseRoute]:
    """Return the routes, relative to where they are mounted."""
    own = OgcRoutes(source)
    return [
        Route("/", _guarded(own.landing)),
        Route("/conformance", _guarded(own.conformance)),
        Route("/api", _guarded(own.api)),
        Route("/collections", _guarded(own.collections)),
        Route("/collections/{collection_id}", _guarded(own.collection)),
        Route("/collections/{collection_id}/items", _guarded(own.items)),
        Route("/collections/{collection_id}/items/{feature_id:path}", _guarded(own.item)),
    ]


def to_landing(request: Request) -> Response:
    """Lead the address of the mount without its slash, as people type it, to the landing page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.url.path}/{query}", 308)


class OgcRoutes:
    """Answers the requests for one workspace."""

    def __init__(self, source: WorkspaceSource) -> None:
        self._source = source

    def landing(self, request: Request) -> Response:
        """Answer where everything is."""
        asked = _Asked(request, self._source.workspace)
        title = label("ogc.title", asked.lang, district=asked.workspace.name(asked.lang))
        links = [
            asked.link("self", "/", _JSON, title),
            asked.link("service-desc", "/api", OPENAPI_TYPE, "OpenAPI"),
            asked.link("conformance", "/conformance", _JSON, "OGC API conformance classes"),
            asked.link("data", "/collections", _JSON, title),
        ]
        return _json({"title": title, "description": label("ogc.description", asked.lang), "links": links})

    def conformance(self, request: Request) -> Response:
        """Answer which parts of the standard are here."""
        _Asked(request, self._source.workspace)
        return _json({"conformsTo": list(CONFORMANCE)})

    def api(self, request: Request) -> Response:
        """Answer with the OpenAPI document, with the collections that the person may see."""
        asked = _Asked(request, self._source.workspace)
        title = label("ogc.title", asked.lang, district=asked.workspace.name(asked.lang))
        document = openapi_document(title, asked.base, collections_of(asked.workspace, asked.person, asked.lang))
        return _json(document, OPENAPI_TYPE)

    def collections(self, request: Request) -> Response:
        """Answer which collections there are for the person."""
        asked = _Asked(request, self._source.workspace)
        found = collections_of(asked.workspace, asked.person, asked.lang)
        return _json(
            {
                "links": [asked.link("self", "/collections", _JSON)],
                "collections": [_collection(asked, collection) for collection in found],
            }
        )

    def collection(self, request: Request) -> Response:
        """Answer what one collection is."""
        asked = _Asked(request, self._source.workspace)
        found = collection_of(asked.workspace, asked.person, request.path_params["collection_id"], asked.lang)
        return _json(_collection(asked, found))

    def items(self, request: Request) -> Response:
        """Answer with a page of features."""
        asked = _Asked(request, self._source.workspace, check=False)
        collection_id = request.path_params["collection_id"]
        collection = collection_of(asked.workspace, asked.person, collection_id, asked.lang)
        query = feature_query(request.query_params, collection.queryables)
        page = items_of(asked.workspace, asked.person, collection_id, query, lang=asked.lang)
        return _items(asked, collection, query, page)

    def item(self, request: Request) -> Response:
        """Answer with one feature."""
        asked = _Asked(request, self._source.workspace)
        collection_id, feature_id = request.path_params["collection_id"], request.path_params["feature_id"]
        feature = item_of(asked.workspace, asked.person, collection_id, feature_id, lang=asked.lang)
        path = f"/collections/{quote(collection_id, safe='')}"
        links = [
            asked.link("self", f"{path}/items/{quote(feature.id, safe='')}", _GEOJSON),
            asked.link("collection", path, _JSON),
        ]
        return Response(_feature_text(feature, {"links": links}), media_type=_GEOJSON, headers=_HEADERS)


class _Asked:
    """What every answer needs of a request: who asks, in which language, and where the interface is mounted."""

    def __init__(self, request: Request, workspace: Workspace, *, check: bool = True) -> None:
        if check:
            check_parameters(request.query_params, PLAIN)
        self.params = request.query_params
        self.lang: Lang = language_of(self.params, workspace.settings.lang)
        self.person: Person = request.scope.get("state", {}).get("person", PUBLIC)
        self.workspace = workspace
        scheme = "https" if workspace.settings.https else request.url.scheme
        mount = quote(request.scope.get("root_path", "").rstrip("/"))
        self.base = f"{scheme}://{request.url.netloc}{mount}"

    def link(self, rel: str, path: str, media_type: str, title: str = "", **more: object) -> dict[str, str]:
        """Return a link to a path of this interface; a language that was asked for stays."""
        named = {"lang": self.params["lang"]} if "lang" in self.params else {}
        query = urlencode({**named, **more}, quote_via=quote, safe=",:/")
        link = {"href": f"{self.base}{path}{'?' if query else ''}{query}", "rel": rel, "type": media_type}
        return {**link, "title": title} if title else link

    def turned(self, rel: str, path: str, **changed: object) -> dict[str, str]:
        """Return a link to the same answer with some parameters changed."""
        return self.link(rel, path, _GEOJSON, "", **{**dict(self.params), **changed})


def _collection(asked: _Asked, collection: FeatureCollection) -> dict[str, Any]:
    path = f"/collections/{quote(collection.id, safe='')}"
    extent: dict[str, Any] = {"spatial": {"bbox": [list(collection.bounds)], "crs": CRS84}}
    if collection.interval is not None:
        extent["temporal"] = {"interval": [[format_time(end) for end in collection.interval]], "trs": GREGORIAN}
    described = {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "links": [
            asked.link("self", path, _JSON),
            asked.link("items", f"{path}/items", _GEOJSON, collection.title),
        ],
        "extent": extent,
        "itemType": "feature",
        "crs": [CRS84],
    }
    return {**described, "attribution": collection.licence} if collection.licence else described


def _items(asked: _Asked, collection: FeatureCollection, query: FeatureQuery, page: FeaturePage) -> Response:
    path = f"/collections/{quote(collection.id, safe='')}"
    after = query.offset + query.limit
    links = [asked.turned("self", f"{path}/items")]
    if after < page.matched:
        links.append(asked.turned("next", f"{path}/items", limit=query.limit, offset=after))
    if query.offset > 0:
        before = max(query.offset - query.limit, 0)
        links.append(asked.turned("prev", f"{path}/items", limit=query.limit, offset=before))
    links.append(asked.link("collection", path, _JSON, collection.title))
    head = {
        "type": "FeatureCollection",
        "links": links,
        "timeStamp": format_time(asked.workspace.wall_now().astimezone(UTC)),
        "numberMatched": page.matched,
        "numberReturned": len(page.features),
    }
    features = ",".join(map(_feature_text, page.features))
    return Response(f'{_text(head)[:-1]},"features":[{features}]}}', media_type=_GEOJSON, headers=_HEADERS)


def _feature_text(feature: Feature, more: Mapping[str, Any] | None = None) -> str:
    """Return a feature as text; its geometry is GeoJSON text already."""
    rest = _text({"properties": feature.properties, **(more or {})})
    return f'{{"type":"Feature","id":{_text(feature.id)},"geometry":{feature.geometry},{rest[1:]}'


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _json(value: object, media_type: str = _JSON, status: int = 200) -> Response:
    return Response(_text(value), status, _HEADERS, media_type)


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Let a handler answer errors as the standard wants them: 400 for what was asked wrongly, with code and words."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except GridgovError as error:
            status = 400 if isinstance(error, InputError) else status_of(error)
            return _json({"code": str(status), "description": str(error)}, status=status)

    return answer
