"""CAP 1.2 as XML: messages written in the order of the standard's schema, and read back strictly and safely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

from gridgov.errors import ParameterError
from gridgov.model.alerts import (
    AlertArea,
    AlertCategory,
    AlertCertainty,
    AlertInfo,
    AlertResource,
    AlertScope,
    AlertStatus,
    CapAlert,
    Circle,
    MsgType,
    Point,
    ResponseType,
    Severity,
    Urgency,
    format_cap_time,
    parse_cap_time,
)

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LARGEST_BYTES = 5_000_000
_PLACE = 6

# Element, field and what kind of value it holds, in the order of the schema (standard, section 3.4).
_ALERT: tuple[tuple[str, str, Any], ...] = (
    ("identifier", "identifier", str),
    ("sender", "sender", str),
    ("sent", "sent", datetime),
    ("status", "status", AlertStatus),
    ("msgType", "msg_type", MsgType),
    ("source", "source", str),
    ("scope", "scope", AlertScope),
    ("restriction", "restriction", str),
    ("addresses", "addresses", "words"),
    ("code", "codes", [str]),
    ("note", "note", str),
    ("references", "references", "words"),
    ("incidents", "incidents", "words"),
    ("info", "infos", [AlertInfo]),
)
_INFO: tuple[tuple[str, str, Any], ...] = (
    ("language", "language", str),
    ("category", "categories", [AlertCategory]),
    ("event", "event", str),
    ("responseType", "response_types", [ResponseType]),
    ("urgency", "urgency", Urgency),
    ("severity", "severity", Severity),
    ("certainty", "certainty", AlertCertainty),
    ("audience", "audience", str),
    ("eventCode", "event_codes", ["pair"]),
    ("effective", "effective", datetime),
    ("onset", "onset", datetime),
    ("expires", "expires", datetime),
    ("senderName", "sender_name", str),
    ("headline", "headline", str),
    ("description", "description", str),
    ("instruction", "instruction", str),
    ("web", "web", str),
    ("contact", "contact", str),
    ("parameter", "parameters", ["pair"]),
    ("resource", "resources", [AlertResource]),
    ("area", "areas", [AlertArea]),
)
_RESOURCE: tuple[tuple[str, str, Any], ...] = (
    ("resourceDesc", "resource_desc", str),
    ("mimeType", "mime_type", str),
    ("size", "size", int),
    ("uri", "uri", str),
    ("derefUri", "deref_uri", str),
    ("digest", "digest", str),
)
_AREA: tuple[tuple[str, str, Any], ...] = (
    ("areaDesc", "area_desc", str),
    ("polygon", "polygons", ["ring"]),
    ("circle", "circles", ["circle"]),
    ("geocode", "geocodes", ["pair"]),
    ("altitude", "altitude_ft", float),
    ("ceiling", "ceiling_ft", float),
)
_TABLES: dict[type, tuple[tuple[str, str, Any], ...]] = {
    CapAlert: _ALERT, AlertInfo: _INFO, AlertResource: _RESOURCE, AlertArea: _AREA,
}  # fmt: skip


def to_xml(alert: CapAlert) -> bytes:
    """Return a message as XML in UTF-8."""
    ET.register_namespace("", NAMESPACE)
    root = _element("alert", alert)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def from_xml(data: bytes) -> CapAlert:
    """Read a message.

    Raises
    ------
    ParameterError
        It is no well-formed XML, has a document type (which could hide other files or huge texts), is larger than 5 MB,
        or is no CAP 1.2 message: an element is unknown, out of order, missing, repeated, or holds an unknown value.
    """
    if len(data) > LARGEST_BYTES:
        raise ParameterError(f"the message has {len(data)} bytes; {LARGEST_BYTES} are the most that are read")
    _refuse_document_type(data)
    root = ET.fromstring(data)
    if root.tag != _name("alert"):
        raise ParameterError(f"this is no CAP 1.2 message: its root is '{root.tag}'")
    alert: CapAlert = _record(root, CapAlert)
    return alert


def _refuse_document_type(data: bytes) -> None:
    def refuse(*_: object) -> None:
        raise ParameterError("the message has a document type (DOCTYPE); CAP needs none, and it may be an attack")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ParameterError(f"the message is no well-formed XML ({error})") from error


def _element(name: str, record: Any) -> ET.Element:
    element = ET.Element(_name(name))
    for child, attribute, kind in _TABLES[type(record)]:
        value = getattr(record, attribute)
        if isinstance(kind, list):
            element.extend(_written(child, one, kind[0]) for one in value)
        elif value not in (None, "", ()):
            element.append(_written(child, value, kind))
    return element


def _written(name: str, value: Any, kind: Any) -> ET.Element:
    if kind in _TABLES:
        return _element(name, value)
    element = ET.Element(_name(name))
    if kind == "pair":
        for part, text in zip(("valueName", "value"), value, strict=True):
            ET.SubElement(element, _name(part)).text = _printable(text)
    else:
        element.text = _printable(_text(value, kind))
    return element


def _text(value: Any, kind: Any) -> str:
    if kind is datetime:
        return format_cap_time(value)
    if kind == "words":
        return " ".join(f'"{word}"' if " " in word else word for word in value)
    if kind == "ring":
        return " ".join(f"{lat:.{_PLACE}f},{lon:.{_PLACE}f}" for lon, lat in value)
    if kind == "circle":
        return f"{value[1]:.{_PLACE}f},{value[0]:.{_PLACE}f} {value[2]:g}"
    return f"{value:g}" if kind is float else str(value)


def _record(element: ET.Element, kind: Any) -> Any:
    table = _TABLES[kind]
    names = [_name(child) for child, _, _ in table]
    found: dict[str, list[Any]] = {attribute: [] for _, attribute, _ in table}
    at = 0
    for child in element:
        if child.tag not in names:
            if child.tag.startswith(f"{{{NAMESPACE}}}") or kind is not CapAlert:
                raise ParameterError(f"<{_short(element)}> holds <{_short(child)}>, which CAP 1.2 does not know there")
            continue  # 3.4: a message may hold a signature of another namespace
        position = names.index(child.tag)
        if position < at:
            raise ParameterError(f"<{_short(child)}> stands too late in <{_short(element)}>; CAP has a fixed order")
        at, (_, attribute, wanted) = position, table[position]
        if found[attribute] and not isinstance(wanted, list):
            raise ParameterError(f"<{_short(child)}> stands twice in <{_short(element)}>")
        found[attribute].append(_read(child, wanted[0] if isinstance(wanted, list) else wanted))
    return _made(element, kind, found)


def _made(element: ET.Element, kind: Any, found: dict[str, list[Any]]) -> Any:
    values: dict[str, Any] = {}
    for child, attribute, wanted in _TABLES[kind]:
        if isinstance(wanted, list):
            values[attribute] = tuple(found[attribute])
        elif found[attribute]:
            values[attribute] = found[attribute][0]
        elif attribute == "language":
            values[attribute] = "en-US"  # 3.2.2: what is not said is en-US
        elif kind.__dataclass_fields__[attribute].default is MISSING:
            raise ParameterError(f"<{_short(element)}> lacks <{child}>")
    return kind(**values)


def _read(element: ET.Element, kind: Any) -> Any:
    if kind in _TABLES:
        return _record(element, kind)
    if kind == "pair":
        parts = [(_short(part), (part.text or "").strip()) for part in element]
        if [name for name, _ in parts] != ["valueName", "value"]:
            raise ParameterError(f"<{_short(element)}> must hold <valueName> and <value>")
        return tuple(text for _, text in parts)
    text = (element.text or "").strip()
    try:
        return _READERS.get(kind, kind)(text)
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"<{_short(element)}> holds '{text}', which CAP 1.2 does not allow there") from error


def _words(text: str) -> tuple[str, ...]:
    parts = text.split('"')  # every second part stood in quotation marks
    words: list[str] = []
    for i, part in enumerate(parts):
        words.extend([part] if i % 2 else part.split())
    return tuple(words)


def _ring(text: str) -> tuple[Point, ...]:
    pairs = [pair.split(",") for pair in text.split()]
    return tuple((float(lon), float(lat)) for lat, lon in pairs)


def _circle(text: str) -> Circle:
    centre, radius = text.split()
    lat, lon = centre.split(",")
    return float(lon), float(lat), float(radius)


_READERS: dict[Any, Callable[[str], Any]] = {
    datetime: parse_cap_time,
    "words": _words,
    "ring": _ring,
    "circle": _circle,
}


def _printable(text: str) -> str:
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _short(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
