"""Incidents over HTTP: the whole life, lists, single ones, and every refusal with its status."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image
from served import CLASS, Served, key

from gridgov.errors import StorageError
from gridgov.operations.photos import MAX_BYTES


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(out, kind)
    return out.getvalue()


def test_the_whole_life_of_an_incident(served: Served) -> None:
    """Citizen reports, supervisor files and dispatches, worker handles, supervisor checks and closes."""
    taken = served.ask(
        "public", "POST", "/reports", json=served.form(reporter_name="王芳", reporter_phone="13800138000")
    )
    assert taken.status_code == 201
    ticket = taken.json()["ticket"]
    photo = served.ask("worker", "POST", "/photos", content=picture(), headers={"Content-Type": "image/png"}).json()
    way: list[tuple[str, dict[str, Any], str]] = [
        ("supervisor", {"action": "file"}, "filed"),
        ("supervisor", {"action": "dispatch", "handler": served.worker_id}, "dispatched"),
        ("supervisor", {"action": "undo_dispatch"}, "filed"),
        ("commander", {"action": "dispatch", "handler": served.worker_id}, "dispatched"),
        ("worker", {"action": "accept"}, "in_progress"),
        ("worker", {"action": "arrive"}, "in_progress"),
        ("worker", {"action": "resolve", "note": "已清运", "photos": [photo["digest"]]}, "resolved"),
        ("supervisor", {"action": "rework", "reason": "未清净"}, "rework"),
        ("worker", {"action": "accept"}, "in_progress"),
        ("worker", {"action": "resolve", "note": "已清净"}, "resolved"),
        ("supervisor", {"action": "verify"}, "verified"),
        ("supervisor", {"action": "close"}, "closed"),
    ]
    for version, (who, given, state) in enumerate(way, 1):
        answer = served.move(who, ticket, **given, seen_version=version)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
        assert answer.headers["etag"] == f'"{version + 1}"'
    assert served.ask("public", "GET", f"/reports/{ticket}").json()["state"] == "closed"
    story = served.ask("supervisor", "GET", f"/incidents/{ticket}/timeline").json()
    assert len(story) == len(way) + 1
    assert photo["digest"] in [digest for line in story for digest in line["photos"]]
    seen = served.ask("supervisor", "GET", f"/incidents/{ticket}/photos/{photo['digest']}")
    assert (seen.headers["content-type"], seen.content[:2]) == ("image/jpeg", b"\xff\xd8")


def test_side_moves(served: Served) -> None:
    """Suspension, extension, escalation, notes, merging, and the ends before the end."""
    one, two = served.incident(), served.incident()
    assert two in [
        other["incident_id"] for other in served.ask("supervisor", "GET", f"/incidents/{one}/duplicates").json()
    ]
    moves: list[tuple[str, str, dict[str, Any]]] = [
        ("supervisor", one, {"action": "note", "note": "已电话核实"}),
        ("supervisor", one, {"action": "merge", "into": two}),
        ("supervisor", one, {"action": "unmerge", "reason": "不是同一件"}),
        ("supervisor", one, {"action": "escalate", "reason": "起火"}),
        ("supervisor", one, {"action": "deescalate", "reason": "已灭"}),
        ("supervisor", one, {"action": "file"}),
        ("supervisor", one, {"action": "suspend", "reason": "等材料"}),
        ("supervisor", one, {"action": "resume"}),
        ("supervisor", one, {"action": "dispatch", "handler": served.worker_id}),
        ("worker", one, {"action": "request_extension", "reason": "雨", "limit": {"amount": 2, "unit": "work_hours"}}),
        ("supervisor", one, {"action": "refuse_extension", "reason": "不同意"}),
        ("worker", one, {"action": "request_extension", "reason": "雨", "limit": {"amount": 2, "unit": "work_hours"}}),
        ("supervisor", one, {"action": "grant_extension"}),
        ("supervisor", one, {"action": "void", "reason": "误报"}),
        ("supervisor", two, {"action": "reject", "reason": "不属管辖"}),
    ]  # fmt: skip
    for who, incident_id, given in moves:
        answer = served.move(who, incident_id, **given)
        assert answer.status_code == 200, (given, answer.text)


def test_a_list_and_a_single_incident_tell_the_same(served: Served) -> None:
    wanted = served.incident(severity=4, description="同一件")
    found = served.ask("supervisor", "GET", "/incidents?severity_from=4&order=newest").json()
    single = served.ask("supervisor", "GET", f"/incidents/{wanted}").json()
    assert found["items"][0] == {name: value for name, value in single.items() if name != "moves"}
    assert found["total"] == len(found["items"])
    assert "file" in single["moves"]


def test_a_page_of_a_list_knows_the_total(served: Served) -> None:
    for _ in range(3):
        served.incident()
    everything = served.ask("supervisor", "GET", "/incidents?limit=1000&order=id").json()
    page = served.ask("supervisor", "GET", "/incidents?limit=2&offset=1&order=id").json()
    assert page["total"] == everything["total"] == len(everything["items"])
    assert page["items"] == everything["items"][1:3]
    beyond = served.ask("supervisor", "GET", "/incidents?limit=2&offset=100000").json()
    assert beyond == {"items": [], "total": everything["total"]}


def test_filters_reach_the_store(served: Served) -> None:
    wanted = served.incident()
    lon, lat = served.place["lon"], served.place["lat"]
    near = f"bbox={lon - 1e-4},{lat - 1e-4},{lon + 1e-4},{lat + 1e-4}"
    head = served.head - 1

    def ids(query: str) -> set[str]:
        return {
            item["id"] for item in served.ask("supervisor", "GET", f"/incidents?limit=1000&{query}").json()["items"]
        }

    assert wanted in ids(near) & ids(f"changed_after={head}") & ids(f"class={CLASS}&class=0102") & ids("state=reported")
    assert wanted not in ids("class=0102") | ids("late=true") | ids("handler=W00001") | ids("state=closed&state=void")
    assert wanted not in ids("bbox=0,0,1,1")


def test_reporters_are_masked_until_somebody_asks_on_record(served: Served) -> None:
    incident_id = served.incident(reporter_name="王芳", reporter_phone="13800138000")
    shown = served.ask("supervisor", "GET", f"/incidents/{incident_id}").json()["reporters"][0]
    assert (shown["name"], shown["phone"]) == ("王*", "138****00")
    before = served.head
    assert served.ask("worker", "POST", f"/incidents/{incident_id}/reporters", json={"reason": "x"}).status_code == 403
    assert served.head == before
    clear = served.ask("supervisor", "POST", f"/incidents/{incident_id}/reporters", json={"reason": "回访"})
    assert clear.json()[0]["phone"] == "13800138000"
    assert served.head == before + 1


def test_candidates_have_times_and_reasons(served: Served) -> None:
    incident_id = served.incident()
    plan = served.ask("supervisor", "GET", f"/incidents/{incident_id}/candidates?k=3").json()
    times = [option["travel_time_s"] for option in plan["options"]]
    assert len(times) == 3
    assert times == sorted(times)
    assert all(out["text"] for out in plan["exclusions"])


def test_tasks_are_those_of_the_worker(served: Served) -> None:
    incident_id = served.incident()
    served.move("supervisor", incident_id, "file")
    served.move("supervisor", incident_id, "dispatch", handler=served.worker_id)
    assert incident_id in [task["id"] for task in served.ask("worker", "GET", "/tasks").json()]
    assert served.ask("worker", "GET", "/tasks?worker_id=W00002").status_code == 403


def test_markup_in_a_report_stays_text(served: Served) -> None:
    script = "<script>alert(1)</script>"
    incident_id = served.incident(description=script, address="<b>")
    answer = served.ask("supervisor", "GET", f"/incidents/{incident_id}")
    assert answer.json()["description"] == script
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("who", "path", "given", "status"),
    [
        ("public", "/reports", {"class_code": "no such"}, 422),
        ("public", "/reports", {"lon": 0.0, "lat": 0.0}, 422),
        ("public", "/reports", {"lon": 500}, 422),
        ("public", "/reports", {"lon": "NaN"}, 422),
        ("public", "/reports", {"reported_at": TOMORROW}, 422),
        ("public", "/reports", {"reported_at": "2026-06-01T10:00:00"}, 422),
        ("public", "/reports", {"reported_at": 1}, 422),
        ("public", "/reports", {"description": "x" * 4001}, 422),
        ("public", "/reports", {"description": "a\x00b"}, 422),
        ("public", "/reports", {"severity": 5}, 422),
        ("public", "/reports", {"photos": ["0" * 64]}, 422),
        ("public", "/reports", {"photos": ["../../etc/passwd"]}, 422),
        ("public", "/reports", {"source": "hotline"}, 422),
        ("supervisor", "/incidents", {"source": "rumour"}, 422),
        ("elsewhere", "/incidents", {}, 403),
        ("planner", "/incidents", {}, 403),
        ("public", "/incidents", {}, 401),
    ],
)
def test_a_bad_report_is_refused_and_changes_nothing(
    served: Served, who: str, path: str, given: dict[str, Any], status: int
) -> None:
    before = served.head
    answer = served.ask(who, "POST", path, json=served.form(**given))
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["type"]) == (status, "about:blank")
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in answer.text
    assert served.head == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"class_code": "\xff"}', b'{"class_code": "\\ud800"}', b"[" * 100_000]
)
def test_a_body_that_is_no_report_is_refused(served: Served, content: bytes) -> None:
    before = served.head
    answer = served.ask("public", "POST", "/reports", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert served.head == before


def test_a_refused_move_says_why_in_the_language_of_the_reader(served: Served) -> None:
    incident_id = served.incident()
    before = served.head
    english = served.move("supervisor", incident_id, "close")
    chinese = served.ask("supervisor", "POST", f"/incidents/{incident_id}/moves?lang=zh", json={"action": "close"})
    assert (english.status_code, english.json()["code"]) == (409, "state")
    assert english.json()["detail"].startswith(f"Incident {incident_id} is reported")
    assert "结案" in chinese.json()["detail"]
    assert served.head == before


@pytest.mark.parametrize(
    ("who", "given", "status"),
    [
        ("supervisor", {"action": "file", "seen_version": 7}, 409),
        ("supervisor", {"action": "reject", "reason": " "}, 409),
        ("supervisor", {"action": "reject", "handler": "W00001", "reason": "x"}, 422),
        ("supervisor", {"action": "dance"}, 422),
        ("supervisor", {"action": "absorb"}, 422),
        ("supervisor", {"action": "file", "surprise": 1}, 422),
        ("supervisor", {"action": "file", "class_code": "9999"}, 404),
        ("supervisor", {"action": "merge", "into": "nothing"}, 404),
        ("worker", {"action": "file"}, 403),
        ("elsewhere", {"action": "file"}, 403),
        ("admin", {"action": "file"}, 403),
        ("public", {"action": "file"}, 401),
    ],
)
def test_a_move_that_cannot_be_is_refused_and_changes_nothing(
    served: Served, who: str, given: dict[str, Any], status: int
) -> None:
    incident_id = served.incident()
    before = served.head
    answer = served.move(who, incident_id, **given)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert served.head == before


@pytest.mark.parametrize(
    "path",
    ["", "/timeline", "/duplicates", "/candidates", f"/photos/{'0' * 64}"],
)
def test_an_incident_of_another_area_is_not_shown(served: Served, path: str) -> None:
    """Nor one that does not exist: 403 and 404, and nothing of its content."""
    incident_id = served.incident(description="秘密内容")
    answer = served.ask("elsewhere", "GET", f"/incidents/{incident_id}{path}")
    assert answer.status_code == 403
    assert "秘密内容" not in answer.text
    assert served.ask("supervisor", "GET", f"/incidents/nothing{path}").status_code == 404
    assert incident_id not in served.ask("elsewhere", "GET", "/incidents?limit=1000").text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"no picture at all", "image/png", 415),
        (b"", "image/png", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415),
        (b"\x00" * (MAX_BYTES + 1), "image/jpeg", 413),
        (b"\x00" * (MAX_BYTES + 200_000), "image/jpeg", 413),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"--x--", "multipart/form-data", 400),
    ],
)
def test_a_file_that_is_no_picture_is_refused(served: Served, content: bytes, kind: str, status: int) -> None:
    answer = served.ask("public", "POST", "/photos", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_picture_comes_by_form_too(served: Served) -> None:
    by_form = served.ask("public", "POST", "/photos", files={"photo": ("a.jpg", picture("JPEG"), "image/jpeg")})
    plain = served.ask("public", "POST", "/photos", content=picture("JPEG"), headers={"Content-Type": "image/jpeg"})
    assert by_form.status_code == plain.status_code == 201
    assert by_form.json() == plain.json()


def test_a_report_sent_again_with_its_key_is_one_incident(served: Served) -> None:
    """As a phone does that never saw the answer; with other content the key is refused."""
    name, form = {"Idempotency-Key": key()}, served.form()
    first = served.ask("public", "POST", "/reports", json=form, headers=name)
    before = served.head
    again = served.ask("public", "POST", "/reports", json=form, headers=name)
    assert (again.status_code, again.json()) == (201, first.json())
    other = served.ask("public", "POST", "/reports", json={**form, "description": "something else"}, headers=name)
    assert other.status_code == 409
    assert served.head == before


def test_a_move_sent_again_with_its_key_is_done_once(served: Served) -> None:
    incident_id, name = served.incident(), {"Idempotency-Key": key()}
    path, given = f"/incidents/{incident_id}/moves", {"action": "file"}
    first = served.ask("supervisor", "POST", path, json=given, headers=name)
    before = served.head
    again = served.ask("supervisor", "POST", path, json=given, headers=name)
    assert (again.status_code, again.json()) == (200, first.json())
    other = served.ask("supervisor", "POST", path, json={"action": "void", "reason": "x"}, headers=name)
    assert other.status_code == 409
    assert served.head == before


@pytest.mark.parametrize("wrong", ["short", "x" * 129, "with a blank in the middle", ""])
def test_a_key_that_is_none_is_refused(served: Served, wrong: str) -> None:
    before = served.head
    answer = served.ask("public", "POST", "/reports", json=served.form(), headers={"Idempotency-Key": wrong})
    assert answer.status_code == 422
    assert served.head == before


def test_a_store_that_refuses_is_said_to_be_read_only(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is acknowledged that was not written; what can be read is still read."""
    incident_id = served.incident()

    def full(*_: Any, **__: Any) -> Any:
        raise StorageError("the disk is full; nothing was saved")

    monkeypatch.setattr(served.workspace.store, "append", full)
    monkeypatch.setattr(served.workspace.store, "writable", lambda: False)
    answer = served.ask("public", "POST", "/reports", json=served.form())
    assert answer.status_code == 503
    assert "disk" not in answer.text, "what is inside the server is for its log"
    assert "nothing was saved" in answer.json()["detail"] or "没有保存" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    assert served.client.get("/healthz").json() == {"status": "read-only"}
    assert served.ask("supervisor", "GET", f"/incidents/{incident_id}").status_code == 200


def test_the_classes_are_public_and_have_words(served: Served) -> None:
    found = served.ask("public", "GET", "/classes").json()
    assert CLASS in [known["code"] for known in found]
    assert all(known["names"]["zh"] and known["names"]["en"] for known in found)
    assert json.dumps(found)
