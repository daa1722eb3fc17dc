"""The OpenAPI 3.0 document of the OGC interface: one path for the items of each collection, with its properties."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gridgov import __version__
from gridgov.api.ogc_query import LIMIT_DEFAULT, LIMIT_MAX, MOST_OFFSET, PAGED
from gridgov.i18n import LANGS
from gridgov.model.features import FeatureCollection

OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
_JSON = "application/json"
_GEOJSON = "application/geo+json"
_Schema = dict[str, Any]


def openapi_document(title: str, base: str, collections: Sequence[FeatureCollection]) -> dict[str, Any]:
    """Return the document for a person who may see these collections.

    Parameters
    ----------
    base : str
        Absolute address of the landing page, without a slash at its end.
    """
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": __version__, "description": "OGC API – Features, Part 1: Core"},
        "servers": [{"url": base}],
        "paths": _paths(collections),
        "components": {"parameters": _PARAMETERS, "schemas": _SCHEMAS, "responses": _ERRORS},
        "tags": [{"name": "Capabilities"}, {"name": "Data"}],
    }


def _paths(collections: Sequence[FeatureCollection]) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/": _get("getLandingPage", "Landing page", _JSON, "landingPage"),
        "/conformance": _get("getConformance", "Conformance classes", _JSON, "confClasses"),
        "/api": _get("getApi", "This document", OPENAPI_TYPE, "object", errors=("400", "401", "403", "500")),
        "/collections": _get("getCollections", "Collections", _JSON, "collections"),
    }
    if not collections:
        return paths
    ids = [collection.id for collection in collections]
    path_id = {"name": "collectionId", "in": "path", "required": True, "schema": {"type": "string", "enum": ids}}
    paths["/collections/{collectionId}"] = _get(
        "getCollection", "One collection", _JSON, "collection", parameters=[path_id], tag="Data"
    )
    for collection in collections:
        paths[f"/collections/{collection.id}/items"] = _get(
            f"getItemsOf_{collection.id}",
            collection.title,
            _GEOJSON,
            "featureCollection",
            parameters=[*map(_ref, ("limit", "offset", "bbox", "datetime")), *_properties(collection)],
            tag="Data",
        )
    path_feature = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    paths["/collections/{collectionId}/items/{featureId}"] = _get(
        "getFeature", "One feature", _GEOJSON, "feature", parameters=[path_id, path_feature], tag="Data"
    )
    return paths


def _properties(collection: FeatureCollection) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": f"only features whose {name} is this",
            "schema": {"type": kind},
            "style": "form",
            "explode": False,
        }
        for name, kind in collection.queryables.items()
        if name not in PAGED
    ]


def _get(
    operation: str,
    summary: str,
    media_type: str,
    schema: str,
    *,
    parameters: Iterable[dict[str, Any]] = (),
    tag: str = "Capabilities",
    errors: tuple[str, ...] = ("400", "401", "403", "404", "500"),
) -> dict[str, Any]:
    answer = {"description": summary, "content": {media_type: {"schema": _schema(schema)}}}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": [tag],
            "parameters": [*parameters, _ref("f"), _ref("lang")],
            "responses": {"200": answer, **{code: {"$ref": f"#/components/responses/{code}"} for code in errors}},
        }
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{name}"}


def _schema(name: str) -> _Schema:
    return {"type": "object"} if name == "object" else {"$ref": f"#/components/schemas/{name}"}


def _parameter(name: str, description: str, schema: _Schema) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
        "style": "form",
        "explode": False,
    }


def _object(required: Sequence[str], **properties: _Schema) -> _Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _array(items: _Schema, **more: object) -> _Schema:
    return {"type": "array", "items": items, **more}


_STRING: _Schema = {"type": "string"}
_TIME: _Schema = {"type": "string", "format": "date-time"}
_COUNT: _Schema = {"type": "integer", "minimum": 0}
_LINKS = _array(_schema("link"))
_BBOX: _Schema = {"minItems": 4, "maxItems": 4}
_BBOX_WITH_HEIGHT: _Schema = {"minItems": 6, "maxItems": 6}

_MOMENT = (
    r"([1-9]\d{3}|0[1-9]\d{2}|00[1-9]\d|000[1-9])-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_PARAMETERS = {
    "f": _parameter("f", "the format; there is one only", {"type": "string", "enum": ["json"]}),
    "lang": _parameter("lang", "language of names", {"type": "string", "enum": list(LANGS)}),
    "limit": _parameter(
        "limit",
        "most features of a page; more than the maximum counts as the maximum",
        {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
    ),
    "offset": _parameter(
        "offset",
        "how many features to pass over",
        {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0},
    ),
    "bbox": _parameter(
        "bbox",
        "west,south,east,north in degrees, or six numbers with heights; west > east crosses the 180th meridian",
        {"type": "array", "oneOf": [_BBOX, _BBOX_WITH_HEIGHT], "items": {"type": "number"}},
    ),
    "datetime": _parameter(
        "datetime",
        "an instant, or an interval with / and .. for an open end (RFC 3339)",
        {"type": "string", "pattern": f"^({_MOMENT}(/(\\.\\.|{_MOMENT})?)?|(\\.\\.)?/{_MOMENT})$"},
    ),
}
_SCHEMAS: dict[str, _Schema] = {
    "link": _object(["href", "rel"], href=_STRING, rel=_STRING, type=_STRING, title=_STRING),
    "landingPage": _object(["links"], title=_STRING, description=_STRING, links=_LINKS),
    "confClasses": _object(["conformsTo"], conformsTo=_array(_STRING)),
    "extent": {
        "type": "object",
        "properties": {
            "spatial": _object(["bbox"], bbox=_array(_array({"type": "number"}), minItems=1), crs=_STRING),
            "temporal": _object(
                ["interval"],
                interval=_array(_array({**_TIME, "nullable": True}, minItems=2, maxItems=2), minItems=1),
                trs=_STRING,
            ),
        },
    },
    "collection": _object(
        ["id", "links"],
        id=_STRING,
        title=_STRING,
        description=_STRING,
        attribution=_STRING,
        links=_LINKS,
        extent=_schema("extent"),
        itemType=_STRING,
        crs=_array(_STRING),
    ),
    "collections": _object(["links", "collections"], links=_LINKS, collections=_array(_schema("collection"))),
    "geometry": _object(["type"], type=_STRING, coordinates=_array({})),
    "feature": _object(
        ["type", "geometry", "properties"],
        type={"type": "string", "enum": ["Feature"]},
        id=_STRING,
        geometry={"nullable": True, "allOf": [_schema("geometry")], "type": "object"},
        properties={"type": "object", "nullable": True},
        links=_LINKS,
    ),
    "featureCollection": _object(
        ["type", "features"],
        type={"type": "string", "enum": ["FeatureCollection"]},
        features=_array(_schema("feature")),
        links=_LINKS,
        timeStamp=_TIME,
        numberMatched=_COUNT,
        numberReturned=_COUNT,
    ),
    "exception": _object(["code"], code=_STRING, description=_STRING),
}
_ERRORS = {
    status: {"description": words, "content": {_JSON: {"schema": _schema("exception")}}}
    for status, words in {
        "400": "A parameter is unknown or has a bad value",
        "401": "Nobody is signed in",
        "403": "This account may not see it",
        "404": "There is no such thing",
        "500": "The server failed",
    }.items()
}
