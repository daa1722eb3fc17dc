"""CAP 1.2 messages, held against the standard: what is written here was taken from its text, not from our code.

OASIS Common Alerting Protocol Version 1.2, 1 July 2010: 3.2.1 alert, 3.2.2 info, 3.2.3 resource, 3.2.4 area, 3.3.2
DateTime, 3.4 XML schema.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    MsgType,
    ResponseType,
    Severity,
    Urgency,
    cancel_of,
    format_cap_time,
    national_identifier,
    parse_cap_time,
    update_of,
)
from gridgov.model.cap import from_xml, to_xml

NS = "{urn:oasis:names:tc:emergency:cap:1.2}"
SIX = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
BEIJING = timezone(timedelta(hours=8))
TIME = r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-,+]\d\d:\d\d"

# name, least, most (None: any number); in the order of the schema, 3.4
ONE, OPTIONAL, SOME, ANY = (1, 1), (0, 1), (1, None), (0, None)
STRUCTURE = {
    "alert": [
        ("identifier", ONE), ("sender", ONE), ("sent", ONE), ("status", ONE), ("msgType", ONE), ("source", OPTIONAL),
        ("scope", ONE), ("restriction", OPTIONAL), ("addresses", OPTIONAL), ("code", ANY), ("note", OPTIONAL),
        ("references", OPTIONAL), ("incidents", OPTIONAL), ("info", ANY),
    ],
    "info": [
        ("language", OPTIONAL), ("category", SOME), ("event", ONE), ("responseType", ANY), ("urgency", ONE),
        ("severity", ONE), ("certainty", ONE), ("audience", OPTIONAL), ("eventCode", ANY), ("effective", OPTIONAL),
        ("onset", OPTIONAL), ("expires", OPTIONAL), ("senderName", OPTIONAL), ("headline", OPTIONAL),
        ("description", OPTIONAL), ("instruction", OPTIONAL), ("web", OPTIONAL), ("contact", OPTIONAL),
        ("parameter", ANY), ("resource", ANY), ("area", ANY),
    ],
    "resource": [
        ("resourceDesc", ONE), ("mimeType", ONE), ("size", OPTIONAL), ("uri", OPTIONAL), ("derefUri", OPTIONAL),
        ("digest", OPTIONAL),
    ],
    "area": [
        ("areaDesc", ONE), ("polygon", ANY), ("circle", ANY), ("geocode", ANY), ("altitude", OPTIONAL),
        ("ceiling", OPTIONAL),
    ],
    "eventCode": [("valueName", ONE), ("value", ONE)],
    "parameter": [("valueName", ONE), ("value", ONE)],
    "geocode": [("valueName", ONE), ("value", ONE)],
}  # fmt: skip
VALUES = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
TIMES = {"sent", "effective", "onset", "expires"}


def validate(element: ET.Element) -> None:
    """Assert that an element is what the standard says, by the tables above."""
    name = element.tag.removeprefix(NS)
    assert element.tag.startswith(NS)
    assert not element.attrib
    if name in STRUCTURE:
        children = [child.tag.removeprefix(NS) for child in element]
        order = [child for child, _ in STRUCTURE[name]]
        assert [order.index(child) for child in children] == sorted(order.index(child) for child in children)
        for child, (least, most) in STRUCTURE[name]:
            assert least <= children.count(child) <= (most or 10**6), child
        for child in element:
            validate(child)
        return
    assert not len(element), name
    text = element.text or ""
    if name in VALUES:
        assert text in VALUES[name].split()
    if name in TIMES:
        assert re.fullmatch(TIME, text)
    if name == "polygon":
        pairs = [tuple(map(float, pair.split(","))) for pair in text.split(" ")]
        assert len(pairs) >= 4
        assert pairs[0] == pairs[-1]
        assert all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in pairs)


def full() -> CapAlert:
    """A message with every element that there is."""
    ring = ((120.1, 29.1), (120.2, 29.1), (120.2, 29.2), (120.1, 29.1))
    area = AlertArea("江北 & <河岸>", (ring, ring), ((120.0, 29.0, 1.5),), (("GB/T 2260", "330101"),), 0.5, 100.0)
    resource = AlertResource("地图", "image/png", 7, "https://example.org/a.png", "aGVsbG8=", "a" * 40)
    info = AlertInfo(
        "zh-CN", (AlertCategory.MET, AlertCategory.SAFETY), "洪水", Urgency.IMMEDIATE, Severity.EXTREME,
        AlertCertainty.LIKELY, (ResponseType.EVACUATE, ResponseType.AVOID), "公众", (("SAME", "FLW"),),
        SIX, SIX + timedelta(hours=1), SIX + timedelta(hours=5), "应急局", "题", "说明 \"<&>'", "指引",
        "https://example.org", "12345", (("a", "b"), ("c", "d")), (resource,), (area, AlertArea("别处")),
    )  # fmt: skip
    return CapAlert(
        "ID-1", "a@example.org", SIX, AlertStatus.ACTUAL, MsgType.UPDATE, AlertScope.RESTRICTED, "源", "内部",
        ("one", "two words"), ("IPAWS", "x"), "备注", ("a@example.org,ID-0,2026-07-01T05:00:00-00:00",),
        ("X-1", "two words"), (info, replace(info, language="en-US")),
    )  # fmt: skip


def test_a_message_with_every_element_is_what_the_standard_says_and_is_read_back_the_same() -> None:
    root = ET.fromstring(to_xml(full()))
    validate(root)
    used = {element.tag.removeprefix(NS) for element in root.iter()}
    assert used == {name for children in STRUCTURE.values() for name, _ in children} | {"alert"}
    assert from_xml(to_xml(full())) == full()


def test_the_value_lists_are_those_of_the_standard_in_its_order() -> None:
    ours = {
        "status": AlertStatus, "msgType": MsgType, "scope": AlertScope, "category": AlertCategory,
        "responseType": ResponseType, "urgency": Urgency, "severity": Severity, "certainty": AlertCertainty,
    }  # fmt: skip
    assert {name: " ".join(kind) for name, kind in ours.items()} == VALUES


def test_times_have_an_offset_never_a_z_and_utc_is_minus_zero() -> None:
    """3.3.2: 2002-05-24T16:49:00-07:00; UTC must be written -00:00."""
    assert format_cap_time(SIX) == "2026-07-01T06:00:00-00:00"
    assert format_cap_time(SIX.astimezone(BEIJING)) == "2026-07-01T14:00:00+08:00"
    assert parse_cap_time("2026-07-01T06:00:00-00:00") == SIX == parse_cap_time("2026-07-01T14:00:00+08:00")
    assert parse_cap_time("2002-05-24T16:49:00-07:00").utcoffset() == timedelta(hours=-7)
    for wrong in ("2026-07-01T06:00:00Z", "2026-07-01T06:00:00", "2026-07-01", "2026-13-01T06:00:00+08:00", ""):
        with pytest.raises(ParameterError, match="no CAP time"):
            parse_cap_time(wrong)
    with pytest.raises(ParameterError, match="no offset"):
        format_cap_time(datetime(2026, 7, 1))


def test_places_are_latitude_first() -> None:
    text = to_xml(full()).decode()
    assert "<polygon>29.100000,120.100000 " in text
    assert "<circle>29.000000,120.000000 1.5</circle>" in text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"identifier": "a b"}, "identifier"),
        ({"sender": "a,b"}, "sender"),
        ({"sender": "a&b"}, "sender"),
        ({"identifier": ""}, "identifier"),
        ({"restriction": ""}, "restriction"),
        ({"scope": AlertScope.PUBLIC}, "restriction"),
        ({"scope": AlertScope.PRIVATE, "restriction": "", "addresses": ()}, "addresses"),
        ({"references": ()}, "refer"),
        ({"references": ("x",)}, "sender,identifier,sent"),
        ({"sent": datetime(2026, 7, 1)}, "time zone"),
    ],
)
def test_what_the_standard_forbids_is_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        replace(full(), **change)


def test_polygons_are_closed_and_have_four_points() -> None:
    a, b, c = (120.0, 29.0), (120.1, 29.0), (120.1, 29.1)
    with pytest.raises(ParameterError, match="four"):
        AlertArea("x", ((a, b, a),))
    with pytest.raises(ParameterError, match="closed"):
        AlertArea("x", ((a, b, c, (120.0, 29.1)),))
    with pytest.raises(ParameterError, match="longitude"):
        AlertArea("x", (((29.0, 120.0), (29.1, 120.0), (29.1, 120.1), (29.0, 120.0)),))
    with pytest.raises(ParameterError, match="ceiling"):
        AlertArea("x", ceiling_ft=3.0)


def test_update_and_cancel_refer_to_all_messages_before() -> None:
    first = replace(full(), msg_type=MsgType.ALERT, references=())
    second = update_of(first, "ID-2", SIX + timedelta(hours=1), first.infos)
    third = cancel_of(second, "ID-3", SIX + timedelta(hours=2), "水位已退")
    assert second.references == ("a@example.org,ID-1,2026-07-01T06:00:00-00:00",)
    assert third.references == (*second.references, "a@example.org,ID-2,2026-07-01T07:00:00-00:00")
    assert (second.msg_type, third.msg_type, third.note) == (MsgType.UPDATE, MsgType.CANCEL, "水位已退")
    for message in (second, third):
        validate(ET.fromstring(to_xml(message)))
        assert from_xml(to_xml(message)) == message
    with pytest.raises(ParameterError, match="why"):
        cancel_of(second, "ID-3", SIX + timedelta(hours=2), "")
    with pytest.raises(ParameterError, match="after"):
        update_of(first, "ID-2", SIX - timedelta(hours=1), ())


def changed(old: str, new: str) -> bytes:
    text = to_xml(full()).decode()
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<alert>", "well-formed"),
        (b"<alert/>", "no CAP 1.2 message"),
        (b'<!DOCTYPE a [<!ENTITY x "xx">]><alert>&x;</alert>', "DOCTYPE"),
        (b'<!DOCTYPE alert SYSTEM "file:///etc/passwd"><alert/>', "DOCTYPE"),
        (changed("<status>Actual</status>", "<status>Real</status>"), "'Real'"),
        (changed("<status>Actual</status>", ""), "lacks <status>"),
        (changed("<status>Actual</status>", "<status>Actual</status><status>Test</status>"), "twice"),
        (changed("<urgency>Immediate</urgency>", ""), "lacks <urgency>"),
        (changed("<event>洪水</event>", "<event>洪水</event><category>Met</category>"), "too late"),
        (changed("<event>洪水</event>", "<event>洪水</event><mood>bad</mood>"), "does not know"),
        (changed("29.100000,120.100000 ", "29.1;120.1 "), "does not allow"),
        (changed("<valueName>", "<value>").replace(b"</valueName>", b"</value>", 1), "valueName"),
        (b" " * 5_000_001, "5000001 bytes"),
    ],
)
def test_what_is_no_message_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        from_xml(data)


def test_a_block_without_language_is_in_english_and_a_signature_is_passed_over() -> None:
    """3.2.2: a null language is en-US; 3.4: other namespaces may follow at the end."""
    read = from_xml(changed("<language>zh-CN</language>", ""))
    assert read.infos[0].language == "en-US"
    signed = changed("</alert>", '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></alert>')
    assert from_xml(signed) == full()


@given(st.text(max_size=60))
def test_any_text_comes_through(text: str) -> None:
    info = replace(full().infos[0], headline=text)
    read = from_xml(to_xml(replace(full(), infos=(info,)))).infos[0].headline
    printable = "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
    assert read == re.sub("\r\n?", "\n", printable).strip()


def test_the_national_identifier_has_31_characters() -> None:
    """GB/T 35965.1-2018 by a secondary source: sender, time in Beijing, one digit."""
    assert national_identifier("33010141600000", SIX, 3) == "33010141600000_20260701140000_3"
    assert len(national_identifier("33010141600000", SIX, 3)) == 31
    for sender, serial in (("33", 0), ("33010141600000", 10)):
        with pytest.raises(ParameterError):
            national_identifier(sender, SIX, serial)
