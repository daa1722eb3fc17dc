"""Open311 GeoReport v2: every field and type that the specification names, errors, and nothing personal outside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from person_app import Source, app_of
from served import Served
from starlette.routing import Mount
from starlette.testclient import TestClient

from gridgov.api import open311
from gridgov.config import Settings
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

SUPERVISOR = Person("chen", Role.SUPERVISOR, EVERYWHERE)
INSPECTOR = Person("w1", Role.WORKER, EVERYWHERE, "W00001")
NOW = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)

# The fields of GeoReport v2 in the order of its text, with their types; TEXT? may be null ("may not be returned").
TEXT, TEXT_OR_NULL = "text", "text?"
W3C = "w3c time"
SERVICE = {
    "service_code": TEXT,
    "service_name": TEXT,
    "description": TEXT,
    "metadata": "boolean",
    "type": ("realtime", "batch", "blackbox"),
    "keywords": TEXT,
    "group": TEXT,
}
ATTRIBUTE = {
    "variable": "boolean",
    "code": TEXT,
    "datatype": ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"),
    "required": "boolean",
    "datatype_description": TEXT_OR_NULL,
    "order": "integer",
    "description": TEXT,
    "values": "list",
}
VALUE = {"key": TEXT, "name": TEXT}
REQUEST = {
    "service_request_id": TEXT,
    "status": ("open", "closed"),
    "status_notes": TEXT_OR_NULL,
    "service_name": TEXT,
    "service_code": TEXT,
    "description": TEXT_OR_NULL,
    "agency_responsible": TEXT_OR_NULL,
    "service_notice": TEXT_OR_NULL,
    "requested_datetime": W3C,
    "updated_datetime": W3C,
    "expected_datetime": "w3c time?",
    "address": TEXT_OR_NULL,
    "address_id": TEXT_OR_NULL,
    "zipcode": TEXT_OR_NULL,
    "lat": "number",
    "long": "number",
    "media_url": TEXT_OR_NULL,
}
CREATED = {"service_request_id": TEXT, "service_notice": TEXT_OR_NULL, "account_id": TEXT_OR_NULL}
ERROR = {"code": "integer", "description": TEXT}
W3C_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def check(value: Mapping[str, object], fields: Mapping[str, str | tuple[str, ...]]) -> None:
    assert list(value) == list(fields)
    for name, kind in fields.items():
        assert fits(value[name], kind), f"{name}: {value[name]!r} is no {kind}"


def fits(value: object, kind: str | tuple[str, ...]) -> bool:
    if isinstance(kind, tuple):
        return value in kind
    if kind.endswith("?"):
        return value is None or fits(value, kind.removesuffix("?"))
    if kind == W3C:
        return isinstance(value, str) and W3C_TIME.fullmatch(value) is not None
    if kind == "number":
        return isinstance(value, float | int) and not isinstance(value, bool)
    types = {TEXT: str, "boolean": bool, "integer": int, "list": list}
    return type(value) is types[kind] and value != ""


def check_xml(element: ET.Element, fields: Mapping[str, str | tuple[str, ...]], same_as: Mapping[str, object]) -> None:
    """Check that an element of XML says the same as its JSON."""
    assert [child.tag for child in element] == list(fields)
    for child in element:
        value = same_as[child.tag]
        if isinstance(value, list):
            continue
        expected = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        assert child.text == expected, child.tag


@pytest.fixture
def workspace(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    app = app_of([Mount("/api/open311/v2", routes=open311.routes(Source(workspace)))])
    with TestClient(app, "http://city.example/api/open311/v2") as client:
        yield client


@pytest.fixture
def place(workspace: Workspace) -> dict[str, str]:
    point = workspace.layer("grids").geometry.representative_point().iloc[0]
    return {"lat": f"{point.y:.6f}", "long": f"{point.x:.6f}"}


def post(client: TestClient, ending: str = "json", **fields: str) -> object:
    answer = send(client, ending, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json() if ending == "json" else answer


def send(client: TestClient, ending: str = "json", **fields: str):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return client.post(f"/requests.{ending}", content=urlencode(fields), headers=headers)


def xml(answer) -> ET.Element:
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert re.match(rb"<\?xml version=.1\.0. encoding=.UTF-8.\?>", answer.content)
    return ET.fromstring(answer.content)


# -- services ------------------------------------------------------------------------------------------------------


def test_services_have_every_field_in_both_formats(client: TestClient, workspace: Workspace) -> None:
    answer = client.get("/services.json")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    services = answer.json()
    assert {service["service_code"] for service in services} == set(workspace.incident_profile.classes)
    root = xml(client.get("/services.xml"))
    assert root.tag == "services"
    assert {child.tag for child in root} == {"service"}
    for service, element in zip(services, root, strict=True):
        check(service, SERVICE)
        check_xml(element, SERVICE, service)
        assert service["type"] == "realtime"


def test_a_definition_has_every_field_where_there_is_something_to_choose(client: TestClient) -> None:
    code = next(service["service_code"] for service in client.get("/services.json").json() if service["metadata"])
    definition = client.get(f"/services/{code}.json").json()
    assert list(definition) == ["service_code", "attributes"]
    assert definition["service_code"] == code
    root = xml(client.get(f"/services/{code}.xml"))
    assert [root.tag, *(child.tag for child in root)] == ["service_definition", "service_code", "attributes"]
    for attribute, element in zip(definition["attributes"], root.iterfind("attributes/attribute"), strict=True):
        check(attribute, ATTRIBUTE)
        check_xml(element, ATTRIBUTE, attribute)
        assert attribute["values"]
        for value, shown in zip(attribute["values"], element.iterfind("values/value"), strict=True):
            check(value, VALUE)
            check_xml(shown, VALUE, value)


def test_a_service_without_metadata_has_an_empty_definition(client: TestClient) -> None:
    code = next(service["service_code"] for service in client.get("/services.json").json() if not service["metadata"])
    assert client.get(f"/services/{code}.json").json() == {"service_code": code, "attributes": []}
    assert list(xml(client.get(f"/services/{code}.xml")).find("attributes")) == []


def test_names_come_in_the_language_that_is_asked_for_and_else_in_that_of_the_settings(client: TestClient) -> None:
    first = client.get("/services/0101.json")
    assert first.status_code == 200
    english = client.get("/services.json?lang=en").json()[0]
    assert english["service_name"].isascii()
    assert not client.get("/services.json").json()[0]["service_name"].isascii()
    assert client.get("/services.json?lang=xx").json() == client.get("/services.json").json()


# -- new requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["json", "xml"])
def test_a_report_is_answered_with_its_number_and_no_token(
    client: TestClient, workspace: Workspace, place: dict[str, str], ending: str
) -> None:
    answer = send(
        client,
        ending,
        api_key="xyz",
        jurisdiction_id="city.example",
        service_code="0101",
        address_string="育才路 3 号",
        email="li@example.org",
        device_id="tt222111",
        account_id="123456",
        first_name="明",
        last_name="李",
        phone="13812345678",
        description="一袋垃圾\n<script>alert(1)</script>",
        media_url="https://pictures.example/1.jpg",
        **place,
    )
    assert answer.status_code == 200
    if ending == "json":
        created = answer.json()[0]
        check(created, CREATED)
    else:
        element = xml(answer).find("request")
        assert [child.tag for child in element] == list(CREATED)
        created = {child.tag: child.text for child in element}
    entity = workspace.store.entity(created["service_request_id"])
    state = entity.state
    assert (state["class_code"], state["source"], state["address"]) == ("0101", "citizen", "育才路 3 号")
    assert state["description"].startswith("一袋垃圾\n<script>alert(1)</script>\n")
    assert "https://pictures.example/1.jpg" in state["description"]
    assert [(who["name"], who["phone"]) for who in state["reporters"]] == [("李明", "13812345678, li@example.org")]
    assert "123456" not in entity.state_json.replace("13812345678", "")
    assert "tt222111" not in entity.state_json


def test_a_condition_that_is_chosen_is_told_to_the_staff_only(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    code = next(service["service_code"] for service in client.get("/services.json").json() if service["metadata"])
    choice = client.get(f"/services/{code}.json").json()["attributes"][0]["values"][0]
    fields = {"service_code": code, "description": "words", "attribute[condition]": choice["key"], **place}
    ticket = post(client, **fields)[0]["service_request_id"]
    assert choice["name"] in workspace.store.entity(ticket).state["description"]
    move_incident(workspace, SUPERVISOR, ticket, Action.FILE)
    assert client.get(f"/requests/{ticket}.json").json()[0]["description"] == "words"
    assert send(client, **{**fields, "attribute[condition]": "nothing"}).status_code == 400
    assert send(client, **{**fields, "attribute[other]": "1"}).status_code == 400


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"service_code": ""}, 400, "service_code was not provided"),
        ({"service_code": "999999"}, 404, "service_code"),
        ({"lat": ""}, 400, "lat and long were not provided"),
        ({"lat": "", "long": "", "address_string": "1234 5th street"}, 400, "lat and long were not provided"),
        ({"lat": "north"}, 400, "lat"),
        ({"long": "nan"}, 400, "long"),
        ({"lat": "0", "long": "0"}, 400, "outside the district"),
        ({"lat": "91"}, 400, "not on the globe"),
        ({"description": "x" * 4001}, 400, "4000"),
        ({"media_url": "file:///etc/passwd"}, 400, "media_url"),
        ({"media_url": "https://a.example/ javascript:x"}, 400, "media_url"),
        ({"description": "a\x00b"}, 400, "stored"),
        ({"phone": "1" * 300}, 400, "characters"),
    ],
)
@pytest.mark.parametrize("ending", ["json", "xml"])
def test_a_bad_report_is_refused_in_the_form_of_the_specification_and_nothing_is_kept(
    client: TestClient,
    workspace: Workspace,
    place: dict[str, str],
    changed: dict[str, str],
    status: int,
    words: str,
    ending: str,
) -> None:
    answer = send(client, ending, **{"service_code": "0101", "description": "x", **place, **changed})
    assert answer.status_code == status, answer.text
    if ending == "json":
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        found = answer.json()
        check(found[0], ERROR)
        assert (len(found), found[0]["code"]) == (1, status)
        assert words in found[0]["description"]
    else:
        root = xml(answer)
        assert [root.tag, root[0].tag, *(child.tag for child in root[0])] == ["errors", "error", "code", "description"]
        assert root.findtext("error/code") == str(status)
        assert words in (root.findtext("error/description") or "")
    assert workspace.store.head()[0] == 0


def test_only_a_form_is_taken(client: TestClient, place: dict[str, str]) -> None:
    assert client.post("/requests.json", json={"service_code": "0101", **place}).status_code == 400
    files = {"media": ("a.jpg", b"x", "image/jpeg")}
    assert client.post("/requests.json", data={"service_code": "0101", **place}, files=files).status_code == 400
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/requests.json", content=b"service_code=%ff", headers=form).status_code == 400
    assert client.post("/requests.json", content=b"a=1&" * 200, headers=form).status_code == 400
    assert client.post("/requests.json", content=b"a" * 200_000, headers=form).status_code == 400


def test_a_report_sent_again_with_its_key_is_one_incident(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": "phone-1"}
    body = urlencode({"service_code": "0101", "description": "x", **place})
    tickets = {client.post("/requests.json", content=body, headers=headers).text for _ in range(3)}
    assert len(tickets) == 1
    assert workspace.store.count("incident") == 1
    other = client.post("/requests.json", content=body.replace("0101", "0102"), headers=headers)
    assert other.status_code == 400


def test_there_are_no_tokens(client: TestClient) -> None:
    answer = client.get("/tokens/12345.json")
    assert answer.status_code == 404
    check(answer.json()[0], ERROR)


# -- what is shown -------------------------------------------------------------------------------------------------


def test_a_request_has_every_field_in_both_formats_alone_and_listed(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    ticket = post(client, service_code="0101", description="垃圾 & <b>脏</b>", address_string="育才路", **place)[0]
    ticket = ticket["service_request_id"]
    check(client.get("/requests.json").json()[0], REQUEST)
    move_incident(workspace, SUPERVISOR, ticket, Action.FILE)
    alone = client.get(f"/requests/{ticket}.json").json()
    assert alone == client.get("/requests.json").json()
    check(alone[0], REQUEST)
    assert alone[0]["service_request_id"] == ticket
    assert alone[0]["description"] == "垃圾 & <b>脏</b>"
    assert (alone[0]["lat"], alone[0]["long"]) == (float(place["lat"]), float(place["long"]))
    assert alone[0]["requested_datetime"] == "2026-06-30T10:00:00+08:00"
    for path in (f"/requests/{ticket}.xml", "/requests.xml"):
        root = xml(client.get(path))
        assert [root.tag, *(child.tag for child in root)] == ["service_requests", "request"]
        check_xml(root[0], REQUEST, alone[0])


def test_strangers_see_nothing_personal_and_no_words_that_nobody_has_read(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    done = post(
        client,
        service_code="0101",
        description="call me 138 1234 5678 or li.ming@example.org\nID 330102199001011234",
        address_string="育才路 3 号 13900001111",
        first_name="Ming",
        last_name="Li",
        phone="13700002222",
        email="private@example.org",
        media_url="https://pictures.example/13500003333.jpg",
        **place,
    )
    assert "call me" not in client.get("/requests.json").text
    move_incident(workspace, SUPERVISOR, done[0]["service_request_id"], Action.FILE)
    for path in ("/requests.json", "/requests.xml"):
        seen = client.get(path).text
        for secret in ("1234 5678", "example", "0102199001011234", "13900001111", "Ming", "13700002222", "13500003333"):
            assert secret not in seen
        assert "call me" in seen


def test_signs_that_xml_cannot_hold_are_replaced(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    done = post(client, service_code="0101", description="a\x0bb\x1fc]]>", **place)
    move_incident(workspace, SUPERVISOR, done[0]["service_request_id"], Action.FILE)
    assert xml(client.get("/requests.xml")).findtext("request/description") == "a\ufffdb\ufffdc]]>"


def test_what_staff_found_is_not_listed_and_its_number_is_unknown(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    form = ReportForm(class_code="0101", lon=float(place["long"]), lat=float(place["lat"]))
    own = report_incident(workspace, INSPECTOR, form)
    assert client.get("/requests.json").json() == []
    assert client.get(f"/requests.json?service_request_id={own.id}").json() == []
    assert client.get(f"/requests/{own.id}.json").status_code == 404
    assert client.get("/requests/nothing.json").status_code == 404


def test_the_status_follows_the_incident(client: TestClient, workspace: Workspace, place: dict[str, str]) -> None:
    ticket = post(client, service_code="0101", description="words", **place)[0]["service_request_id"]

    def now() -> dict[str, object]:
        found: dict[str, object] = client.get(f"/requests/{ticket}.json?lang=en").json()[0]
        return found

    assert (now()["status"], now()["status_notes"], now()["expected_datetime"]) == ("open", "reported", None)
    move_incident(workspace, SUPERVISOR, ticket, Action.FILE)
    move_incident(workspace, SUPERVISOR, ticket, Action.DISPATCH, MoveArguments(handler="W00001"))
    check(now(), REQUEST)
    assert (now()["status"], now()["status_notes"]) == ("open", "dispatched")
    assert now()["expected_datetime"] is not None
    assert client.get("/requests.json?status=closed").json() == []
    move_incident(workspace, SUPERVISOR, ticket, Action.VOID, MoveArguments(reason="Li Ming was wrong"))
    assert (now()["status"], now()["status_notes"], now()["description"]) == ("closed", "void", None)
    assert "Li Ming" not in client.get("/requests.json").text
    assert client.get("/requests.json?status=open").json() == []
    assert len(client.get("/requests.json?status=open,closed").json()) == 1
    assert len(client.get("/requests.json?status=closed").json()) == 1


# -- which requests ------------------------------------------------------------------------------------------------


@pytest.fixture
def history(workspace: Workspace, place: dict[str, str]) -> dict[int, str]:
    """Reports of so many days ago: day -> number."""
    tickets = {}
    for days, code in ((0, "0101"), (10, "0102"), (89, "0101"), (91, "0101"), (170, "0101")):
        form = ReportForm(
            class_code=code,
            lon=float(place["long"]),
            lat=float(place["lat"]),
            reported_at=NOW - timedelta(days=days),
            source="hotline",
        )
        tickets[days] = report_incident(workspace, SUPERVISOR, form).id
    return tickets


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", [0, 10, 89]),
        ("service_code=", [0, 10, 89]),
        ("service_code=0102", [10]),
        ("service_code=0102,0101", [0, 10, 89]),
        ("service_code=0101&service_code=0102", [0, 10, 89]),
        ("service_code=9999", []),
        ("start_date=2026-06-29T00:00:00Z", [0]),
        ("end_date=2026-04-30T00:00:00Z", [89, 91]),
        ("start_date=2026-01-01T00:00:00Z", [91, 170]),  # 90 days from there on
        ("start_date=2026-03-30T00:00:00Z&end_date=2026-06-20T02:00:00Z", [10, 89, 91]),
        ("start_date=2026-06-20T10:00:00%2B08:00&end_date=2026-06-20T10:00:00+08:00", [10]),
        ("start_date=2026-06-20&end_date=2026-06-20", [10]),
        ("status=OPEN", [0, 10, 89]),
    ],
)
def test_requests_are_found_by_service_status_and_time(
    client: TestClient, history: dict[int, str], query: str, days: list[int]
) -> None:
    found = [request["service_request_id"] for request in client.get(f"/requests.json?{query}").json()]
    assert found == [history[day] for day in days]  # the newest first


def test_numbers_override_everything_else(client: TestClient, history: dict[int, str]) -> None:
    asked = (
        f"service_request_id={history[170]},{history[0]}&service_request_id=nothing&status=closed&start_date=2026-06-30"
    )
    found = client.get(f"/requests.json?{asked}").json()
    assert {request["service_request_id"] for request in found} == {history[170], history[0]}


@pytest.mark.parametrize(
    "query",
    [
        "start_date=2026-01-01T00:00:00Z&end_date=2026-04-02T00:00:00Z",
        "start_date=2026-06-02T00:00:00Z&end_date=2026-06-01T00:00:00Z",
        "start_date=yesterday",
        "start_date=2026-06-01T00:00:00",
        "end_date=2026-06-31T00:00:00Z",
        "end_date=0001-01-01T00:00:00Z",
        "start_date=9999-12-31T23:59:59Z",
        "status=pending",
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/requests.json?{query}")
    assert answer.status_code == 400
    check(answer.json()[0], ERROR)


def test_at_most_a_thousand_are_listed_the_newest(
    client: TestClient, workspace: Workspace, place: dict[str, str]
) -> None:
    for seconds in range(1005):
        form = ReportForm(
            class_code="0101",
            lon=float(place["long"]),
            lat=float(place["lat"]),
            reported_at=NOW - timedelta(seconds=seconds),
            source="hotline",
        )
        report_incident(workspace, SUPERVISOR, form)
    found = client.get("/requests.json").json()
    assert len(found) == 1000
    assert found[0]["requested_datetime"] == "2026-06-30T10:00:00+08:00"


def test_formats_that_are_not_there_and_paths_that_are_not_there_are_404(client: TestClient) -> None:
    for path in (
        "/services.html",
        "/requests.csv",
        "/services",
        "/services/0101",
        "/services/9999.json",
        "/other.json",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("ending", ["json", "xml"])
def test_the_discovery_names_this_endpoint_and_its_formats(client: TestClient, ending: str) -> None:
    answer = client.get(f"/discovery.{ending}")
    url, formats = "http://city.example/api/open311/v2", ["text/xml", "application/json"]
    if ending == "json":
        found = answer.json()
        assert list(found) == ["changeset", "contact", "key_service", "endpoints"]
        endpoint = found["endpoints"][0]
        assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
        assert (endpoint["url"], endpoint["formats"], endpoint["type"]) == (url, formats, "production")
    else:
        root = xml(answer)
        assert root.tag == "discovery"
        assert root.findtext("endpoints/endpoint/url") == url
        assert [element.text for element in root.iterfind("endpoints/endpoint/formats/format")] == formats


def test_the_server_takes_a_report_without_a_session_and_lists_it(served: Served) -> None:
    form = {"service_code": "0101", "lat": str(served.place["lat"]), "long": str(served.place["lon"])}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    path = "/api/open311/v2/requests.json"
    created = served.client.post(path, content=urlencode(form), headers=headers)
    assert created.status_code == 200, created.text
    ticket = created.json()[0]["service_request_id"]
    assert ticket in {request["service_request_id"] for request in served.client.get(path).json()}
