"""An incident from report to closing through the operations, and everything that is refused on the way."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gridgov.config import Settings
from gridgov.errors import (
    ConflictError,
    GridgovError,
    MoveRefusedError,
    ParameterError,
    RecordNotFoundError,
    UploadError,
)
from gridgov.model.clock import Lamp, Limit, LimitUnit
from gridgov.model.incident_life import Action
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.operations import photos
from gridgov.operations.incidents import (
    IncidentQuery,
    duplicates_of,
    list_incidents,
    possible_moves,
    read_incident,
    read_reporters,
    tasks_of,
    timeline,
)
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reporting import ReportForm, place_of, progress_of, report_incident
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
A = Action


@pytest.fixture
def here(village: Path, tmp_path: Path) -> Workspace:
    """The village with a store and a folder of photos of its own."""
    return open_workspace(village, settings=Settings(store="memory:", photos=str(tmp_path / "photos")))


@pytest.fixture
def form(here: Workspace) -> ReportForm:
    point = here.layer("grids").geometry.iloc[3].representative_point()
    return ReportForm(
        class_code="0101",
        lon=point.x,
        lat=point.y,
        description="垃圾堆在路口",
        reporter_name="王小芳",
        reporter_phone="13812345678",
    )


def worker(here: Workspace, number: int = 0) -> Person:
    worker_id = str(here.layer("workers")["worker_id"].iloc[number])
    return Person(f"phone-{number}", Role.WORKER, (), worker_id)


def step(here: Workspace, person: Person, record: IncidentRecord, action: Action, **given: Any) -> IncidentRecord:
    return move_incident(here, person, record.id, action, MoveArguments(**given))


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **options)
    return out.getvalue()


def test_the_whole_way_from_a_citizen_to_the_closing(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, PUBLIC, form)
    assert (record.state, record.source) == (IncidentState.REPORTED, "citizen")
    assert progress_of(here, PUBLIC, record.id.lower()).state == "reported"
    man = worker(here)
    step(here, BOSS, record, A.FILE)
    dispatched = step(here, BOSS, record, A.DISPATCH, handler=man.worker_id)
    assert dispatched.lamp(here.now()) is Lamp.GREEN
    assert [task.id for task in tasks_of(here, man)] == [record.id]
    step(here, man, record, A.ACCEPT)
    step(here, man, record, A.ARRIVE)
    proof = photos.add_photo(here, man, picture())
    step(here, man, record, A.RESOLVE, note="已清理", photos=(proof,))
    assert tasks_of(here, man) == []
    step(here, BOSS, record, A.VERIFY)
    closed = step(here, BOSS, record, A.CLOSE)
    assert (closed.state, closed.handler, closed.checker) == (IncidentState.CLOSED, man.worker_id, "boss")
    told = timeline(here, BOSS, record.id, "zh")
    assert len(told) == 8
    assert told[5].photos == (proof,)
    assert photos.read_photo(here, BOSS, record.id, proof).startswith(b"\xff\xd8")
    assert here.store.state_digest() == here.store.replayed_digest()


def test_whoever_handled_it_does_not_check_it_even_with_the_rights(here: Workspace, form: ReportForm) -> None:
    record, man = report_incident(here, BOSS, form), worker(here)
    both = Person("leader", Role.SUPERVISOR, EVERYWHERE, man.worker_id)
    step(here, BOSS, record, A.FILE)
    step(here, BOSS, record, A.DISPATCH, handler=man.worker_id)
    step(here, man, record, A.ACCEPT)
    step(here, man, record, A.RESOLVE)
    with pytest.raises(MoveRefusedError):
        step(here, both, record, A.VERIFY)
    assert step(here, BOSS, record, A.REWORK, reason="没清干净").rework_count == 1


def test_a_dispatch_is_undone_exactly(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, BOSS, form)
    filed = step(here, BOSS, record, A.FILE)
    step(here, BOSS, record, A.DISPATCH, handler=worker(here).worker_id)
    undone = step(here, BOSS, record, A.UNDO_DISPATCH)
    assert replace(undone, version=0, updated_at=here.now(), last_event="") == replace(
        filed, version=0, updated_at=here.now(), last_event=""
    )


def test_reporters_are_masked_and_looking_at_them_stands_in_the_log(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, PUBLIC, replace(form, description="请打 138 1234 5678 找我"))
    assert (record.reporters[0].name, record.reporters[0].phone) == ("王**", "138****78")
    shown = read_incident(here, Person("p", Role.PLANNER, EVERYWHERE), record.id)
    assert "1234" not in shown.description
    before = here.store.head()[0]
    assert read_reporters(here, BOSS, record.id, reason="回访")[0].phone == "13812345678"
    event = next(here.store.events(after=before))
    assert (event.kind, event.actor, event.payload["reason"]) == ("incident.unmasked", "boss", "回访")
    step(here, BOSS, record, A.FILE)  # it bars nothing


def test_looking_at_the_reporters_needs_a_reason(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, PUBLIC, form)
    with pytest.raises(MoveRefusedError):
        read_reporters(here, BOSS, record.id, reason="  ")
    assert here.store.head()[0] == 1


def test_a_worker_reads_no_number_of_a_citizen_but_what_the_staff_writes_to_the_own_task(
    here: Workspace, form: ReportForm
) -> None:
    record = report_incident(here, PUBLIC, replace(form, description="电话 137.1111.2222"))
    man, other = worker(here), replace(worker(here, 1), areas=EVERYWHERE)
    step(here, BOSS, record, A.FILE)
    step(here, BOSS, record, A.DISPATCH, handler=man.worker_id)
    step(here, BOSS, record, A.NOTE, note="请打 13512345678")
    for person in (man, other):
        assert "1111" not in read_incident(here, person, record.id).description
    assert timeline(here, man, record.id, "zh")[-1].detail == "请打 13512345678"
    assert "12345678" not in timeline(here, other, record.id, "zh")[-1].detail


def test_the_same_report_sent_twice_makes_one_incident(here: Workspace, form: ReportForm) -> None:
    first = report_incident(here, PUBLIC, form, idempotency_key="phone-0001-retry")
    again = report_incident(here, PUBLIC, form, idempotency_key="phone-0001-retry")
    assert first.id == again.id
    assert here.store.head()[0] == 1
    with pytest.raises(ConflictError):
        report_incident(here, PUBLIC, replace(form, description="另一件事"), idempotency_key="phone-0001-retry")


def test_the_same_move_sent_twice_happens_once(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, BOSS, form)
    for _ in range(2):
        filed = move_incident(here, BOSS, record.id, A.FILE, idempotency_key="file-it-once-please")
    assert filed.version == 2
    with pytest.raises(ConflictError):
        move_incident(here, BOSS, record.id, A.VOID, MoveArguments(reason="x"), idempotency_key="file-it-once-please")


def test_a_key_stands_for_the_words_that_were_sent_with_it(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, BOSS, form)
    for note in ("第一条", "第一条"):
        move_incident(here, BOSS, record.id, A.NOTE, MoveArguments(note=note), idempotency_key="the-note-key-0001")
    with pytest.raises(ConflictError):
        move_incident(here, BOSS, record.id, A.NOTE, MoveArguments(note="第二条"), idempotency_key="the-note-key-0001")
    assert here.store.head()[0] == 2


@pytest.mark.parametrize("changes", [{"severity": 4}, {"source": "hotline"}, {"reported_at": True}])
def test_the_public_does_not_judge_its_own_report(here: Workspace, form: ReportForm, changes: dict[str, Any]) -> None:
    given = {name: here.now() if value is True else value for name, value in changes.items()}
    with pytest.raises(ParameterError, match="leave it out"):
        report_incident(here, PUBLIC, replace(form, **given))


def test_a_report_of_last_year_is_refused(here: Workspace, form: ReportForm) -> None:
    with pytest.raises(ParameterError, match="older than 366 days"):
        report_incident(here, BOSS, replace(form, reported_at=here.now() - timedelta(days=367)))


def test_a_move_on_an_old_version_is_refused(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, BOSS, form)
    step(here, BOSS, record, A.NOTE, note="先看看")
    with pytest.raises(ConflictError, match="version 1, now 2"):
        move_incident(here, BOSS, record.id, A.FILE, seen_version=1)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"class_code": "9999"}, ParameterError),
        ({"lon": 10.0, "lat": 50.0}, ParameterError),
        ({"lon": float("nan")}, ParameterError),
        ({"lat": 91.0}, ParameterError),
        ({"severity": 5}, ParameterError),
        ({"description": "x" * 5000}, ParameterError),
        ({"source": "rumour"}, ParameterError),
        ({"photos": ("0" * 64,)}, ParameterError),
        ({"photos": ("../../etc/passwd",)}, ParameterError),
        ({"reporter_name": "\ud800"}, ParameterError),
    ],
)
def test_a_bad_report_is_refused_and_nothing_is_changed(
    here: Workspace, form: ReportForm, changes: dict[str, Any], error: type[GridgovError]
) -> None:
    with pytest.raises(error):
        report_incident(here, BOSS, replace(form, **changes))
    assert here.store.head()[0] == 0


def test_a_report_from_the_future_is_refused(here: Workspace, form: ReportForm) -> None:
    with pytest.raises(ParameterError, match="in the future"):
        report_incident(here, BOSS, replace(form, reported_at=here.now() + timedelta(minutes=1)))
    early = report_incident(here, BOSS, replace(form, reported_at=here.now() - timedelta(hours=2)))
    assert early.reported_at == here.now() - timedelta(hours=2)


@pytest.mark.parametrize(
    ("action", "given"),
    [
        (A.FILE, {"condition": "none such"}),
        (A.FILE, {"class_code": "nonsense"}),
        (A.FILE, {"agency": "nobody"}),
        (A.FILE, {"reason": "does not belong here"}),
        (A.REJECT, {}),
        (A.CLOSE, {}),
        (A.MERGE, {"into": "no-such-incident"}),
        (A.UNMERGE, {"reason": "x"}),
    ],
)
def test_a_bad_move_is_refused_and_nothing_is_changed(
    here: Workspace, form: ReportForm, action: Action, given: dict[str, Any]
) -> None:
    record = report_incident(here, BOSS, form)
    with pytest.raises(GridgovError):
        step(here, BOSS, record, action, **given)
    assert here.store.head()[0] == 1


def test_nobody_is_dispatched_who_is_not_in_the_roster(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, BOSS, form)
    step(here, BOSS, record, A.FILE)
    for handler in ("", "W-unknown"):
        with pytest.raises((RecordNotFoundError, ParameterError)):
            step(here, BOSS, record, A.DISPATCH, handler=handler)
    limit = Limit(1, LimitUnit.WORK_HOURS)
    with pytest.raises(ParameterError, match="give none"):
        step(here, BOSS, record, A.DISPATCH, handler=worker(here).worker_id, limit=limit)


def test_a_corrected_class_changes_the_agency(here: Workspace, form: ReportForm) -> None:
    record = report_incident(here, BOSS, form)
    component = next(c for c in here.incident_profile.classes.values() if c.kind == "component" and c.owner)
    filed = step(here, BOSS, record, A.FILE, class_code=component.code)
    assert filed.agency == component.owner != record.agency


def test_duplicates_are_found_merged_and_separated(here: Workspace, form: ReportForm) -> None:
    main = report_incident(here, BOSS, form)
    other = report_incident(here, PUBLIC, replace(form, lat=form.lat + 0.0002, reporter_name="李强"))
    far = report_incident(here, PUBLIC, replace(form, class_code="0102"))
    assert [found.incident_id for found in duplicates_of(here, BOSS, other.id)] == [main.id]
    step(here, BOSS, other, A.MERGE, into=main.id)
    assert progress_of(here, PUBLIC, other.id).merged_into == main.id
    assert [who.name for who in read_incident(here, BOSS, main.id).reporters] == ["王**", "李*"]
    assert {A.UNMERGE, A.NOTE} <= set(possible_moves(BOSS, read_incident(here, BOSS, other.id)))
    step(here, BOSS, other, A.UNMERGE, reason="不是同一处")
    assert len(read_incident(here, BOSS, main.id).reporters) == 1
    assert {r.id for r in list_incidents(here, BOSS)} == {main.id, other.id, far.id}


def test_queries_filter_by_state_class_area_and_place(here: Workspace, form: ReportForm) -> None:
    one = report_incident(here, BOSS, form)
    two = report_incident(here, BOSS, replace(form, class_code="0102", severity=4))
    step(here, BOSS, two, A.FILE)

    def ids(**query: Any) -> list[str]:
        return [record.id for record in list_incidents(here, BOSS, IncidentQuery(**query))]

    assert ids() == [two.id, one.id]  # the worse first
    assert ids(states=(IncidentState.REPORTED,)) == [one.id]
    assert ids(class_codes=("0102",)) == [two.id]
    assert ids(severity_from=3) == [two.id]
    assert ids(area=one.grid_code[:12]) == [two.id, one.id]
    assert ids(area="999") == []
    assert ids(bounds=(form.lon - 1e-6, form.lat - 1e-6, form.lon + 1e-6, form.lat + 1e-6), limit=1) == [two.id]
    assert ids(late=True) == []


def test_a_place_knows_its_grid_and_a_point_outside_is_refused(here: Workspace, form: ReportForm) -> None:
    place = place_of(here, form.lon, form.lat)
    assert place.grid_code.startswith(place.community_code)
    assert place.community_code.startswith(place.street_code)
    with pytest.raises(ParameterError, match="outside the district"):
        place_of(here, form.lon + 5, form.lat)


def test_a_picture_is_made_anew_upright_small_and_without_metadata(here: Workspace) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "SecretPhone", 6  # maker; rotated by 90 degrees
    digest = photos.add_photo(here, BOSS, picture("JPEG", (3000, 1000), exif=exif, comment=b"hidden"))
    kept = (here.photos / f"{digest}.jpg").read_bytes()
    assert b"SecretPhone" not in kept
    assert b"hidden" not in kept
    with Image.open(io.BytesIO(kept)) as opened:
        assert opened.size == (683, 2048)
        assert not opened.getexif()
    assert photos.add_photo(here, BOSS, picture("JPEG", (3000, 1000), exif=exif, comment=b"hidden")) == digest


@pytest.mark.parametrize(
    ("content", "too_large"),
    [
        (b"", False),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", False),
        (b"%PDF-1.7 not a picture", False),
        (picture()[:60], False),
        (b"GIF89a" + b"\x00" * 50, False),
        (b"x" * (photos.MAX_BYTES + 1), True),
        (picture("PNG", (9000, 9000)), True),
    ],
    ids=["empty", "svg", "pdf", "cut off", "gif", "too many bytes", "too many pixels"],
)
def test_a_file_that_is_no_picture_or_too_large_is_refused(here: Workspace, content: bytes, too_large: bool) -> None:
    with pytest.raises(UploadError) as refusal:
        photos.add_photo(here, BOSS, content)
    assert refusal.value.too_large == too_large
    assert not here.photos.exists()


def test_markup_in_a_report_stays_the_text_that_it_is(here: Workspace, form: ReportForm) -> None:
    evil = "<script>alert('1')</script><img src=x onerror=alert(2)>"
    record = report_incident(here, PUBLIC, replace(form, description=evil, reporter_name=evil))
    assert read_incident(here, BOSS, record.id).description == evil
    assert read_reporters(here, BOSS, record.id, reason="回访")[0].name == evil
