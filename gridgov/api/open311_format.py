"""GeoReport v2 answers as JSON and XML; the JSON is the XML by the Spark convention (a list is a bare array)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from starlette.responses import Response

JSON = "application/json; charset=utf-8"
XML = "text/xml; charset=utf-8"
ENDINGS = ("json", "xml")
# The name of a list -> that of its items, as the specification has them.
ITEMS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
Value = Mapping[str, Any] | Sequence[Any]
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_HEADERS = {"Cache-Control": "no-cache"}


def answer(root: str, value: Value, ending: str, status: int = 200) -> Response:
    """Return a value as the client asked for it, by the ending of the address.

    Parameters
    ----------
    root : str
        Name of the XML's root element; JSON has no name there.
    """
    if ending == "xml":
        return Response(as_xml(root, value), status, _HEADERS, XML)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace"), status, _HEADERS, JSON)


def failure(status: int, description: str, ending: str) -> Response:
    """Return an error as the specification has it."""
    return answer("errors", [{"code": status, "description": description}], ending, status)


def as_xml(root: str, value: Value) -> bytes:
    """Return a value as XML in UTF-8 with its declaration."""
    document: bytes = ET.tostring(_element(root, value), encoding="UTF-8", xml_declaration=True)
    return document


def _element(name: str, value: Any) -> ET.Element:
    element = ET.Element(name)
    if isinstance(value, Mapping):
        element.extend([_element(key, item) for key, item in value.items()])
    elif isinstance(value, list | tuple):
        element.extend([_element(ITEMS[name], item) for item in value])
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        element.text = _NOT_XML.sub("\ufffd", str(value))
    return element
