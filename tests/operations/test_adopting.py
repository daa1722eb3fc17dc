"""The incidents of files become incidents of the store: once, in the state of the file, ready for every later move."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from gridgov.config import Settings
from gridgov.errors import MoveRefusedError
from gridgov.model.clock import Lamp, Limit, LimitUnit, elapsed
from gridgov.model.incident_life import Action, allowed
from gridgov.model.incident_record import RUNNING, IncidentRecord
from gridgov.model.incidents import IncidentState
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.adopting import Adoption, adopt_incidents
from gridgov.operations.importing import import_workspace
from gridgov.operations.incidents import load_incident
from gridgov.operations.moving import NEEDS, MoveArguments, move_incident
from gridgov.workspace import Workspace, open_workspace

S, A = IncidentState, Action
BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
MAN = Person("phone", Role.WORKER, (), "W1")
AS_OF = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)  # a Tuesday, 10:00 in Shanghai
EVENING = datetime(2026, 6, 29, 10, 0, tzinfo=UTC)
CODE = "0101"
CASES = list(itertools.product(S, ("W1", ""), (CODE, "zz")))
END = {S.CLOSED, S.REJECTED, S.VOID}
GIVEN: dict[str, Any] = {
    "reason": "why", "note": "what", "handler": "W2", "limit": Limit(2, LimitUnit.WORK_HOURS), "into": "main",
}  # fmt: skip


def row(incident_id: str, state: str = "", **given: Any) -> dict[str, Any]:
    return {
        "incident_id": incident_id, "state": state, "class_code": CODE, "class_name": "甲类", "class_name_en": "Kind A",
        "kind": "event", "reported_at": EVENING.isoformat(), "lon": 118.905, "lat": 29.605, **given,
    }  # fmt: skip


def write(folder: Path, rows: list[dict[str, Any]], name: str = "incidents") -> str:
    frame = gpd.GeoDataFrame(rows)
    frame.to_csv(folder / f"{name}.csv", index=False)
    return f'[[layer]]\nkind = "incidents"\nid = "{name}"\nsource = "{name}.csv"\nx = "lon"\ny = "lat"\n'


def make(folder: Path, *layers: str) -> Workspace:
    """Import two grids, two workers and layers of incidents; the workspace keeps its events in memory."""
    codes = ["339901001001001", "339901002001001"]
    boxes = [shapely.box(118.9 + 0.01 * i, 29.6, 118.91 + 0.01 * i, 29.61) for i in range(2)]
    frame = {"grid_code": codes, "street_code": [c[:9] for c in codes], "community_code": [c[:12] for c in codes]}
    gpd.GeoDataFrame(frame, geometry=boxes, crs=4326).to_file(folder / "grids.geojson", driver="GeoJSON")
    points = [shapely.Point(118.905, 29.605), shapely.Point(118.915, 29.605)]
    gpd.GeoDataFrame({"worker_id": ["W1", "W2"]}, geometry=points, crs=4326).to_file(folder / "workers.geojson")
    head = (
        '[workspace]\nid = "t"\nnames = { zh = "测试", en = "Test" }\ntimezone = "Asia/Shanghai"\n'
        f'as_of = "{AS_OF.isoformat()}"\n'
        '[[layer]]\nkind = "grids"\nsource = "grids.geojson"\n[[layer]]\nkind = "workers"\nsource = "workers.geojson"\n'
    )
    (folder / "import.toml").write_text(head + "".join(layers), encoding="utf-8")
    import_workspace(folder / "w", folder / "import.toml")
    return open_workspace(folder / "w", settings=Settings(store="memory:"))


def record_of(workspace: Workspace, incident_id: str) -> IncidentRecord:
    return load_incident(workspace, incident_id)[0]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An incident for every state, with and without a handler, of a known and an unknown class, and for every move."""
    folder = tmp_path_factory.mktemp("every")
    rows = [
        row(f"{state}-{who}-{code}-{use}", str(state), worker_id=who, class_code=code)
        for (state, who, code), use in itertools.product(CASES, [*NEEDS, "end", "look"])
    ]
    workspace = make(folder, write(folder, [*rows, row("main", "reported")]))
    adopt_incidents(workspace)
    return workspace


@pytest.mark.parametrize(("state", "who", "code"), CASES)
def test_every_move_that_the_state_allows_can_be_made_or_is_refused_with_a_reason(
    every: Workspace, state: S, who: str, code: str
) -> None:
    """No value that a file does not know breaks a later move."""
    for action in NEEDS:
        incident_id = f"{state}-{who}-{code}-{action}"
        record = record_of(every, incident_id)
        if action not in allowed(record):
            continue
        given = {name: value for name, value in GIVEN.items() if name in NEEDS[action]}
        if action is A.DISPATCH:
            del given["reason"]  # nobody was proposed
            if code == CODE:
                del given["limit"]
        if action is A.FILE:
            given = {"class_code": CODE}
        person = MAN if action in {A.ACCEPT, A.ARRIVE, A.RESOLVE, A.REQUEST_EXTENSION} and who else BOSS
        if person is BOSS and action in {A.ACCEPT, A.ARRIVE, A.RESOLVE, A.REQUEST_EXTENSION}:
            continue  # nobody has it: it is dispatched first
        try:
            moved = move_incident(every, person, incident_id, action, MoveArguments(**given))
        except MoveRefusedError:
            assert action is A.REMIND  # its clock does not run, or nothing is due
            continue
        assert moved.version == (1 if action is A.NOTE else 2) or action is A.NOTE
    assert every.store.state_digest() == every.store.replayed_digest()


@pytest.mark.parametrize(("state", "who", "code"), CASES)
def test_an_adopted_incident_of_every_state_can_be_brought_to_its_end(
    every: Workspace, state: S, who: str, code: str
) -> None:
    incident_id = f"{state}-{who}-{code}-end"
    seen = []
    while (record := record_of(every, incident_id)).state not in END:
        seen.append(record.state)
        assert len(seen) < 12, seen
        action, person, given = {
            S.REPORTED: (A.FILE, BOSS, {"class_code": CODE}),
            S.FILED: (A.DISPATCH, BOSS, {"handler": "W1"}),
            S.DISPATCHED: (A.ACCEPT, MAN, {}),
            S.IN_PROGRESS: (A.RESOLVE, MAN, {"note": "done"}),
            S.REWORK: (A.ACCEPT, MAN, {}),
            S.SUSPENDED: (A.RESUME, BOSS, {}),
            S.RESOLVED: (A.VERIFY, BOSS, {}),
            S.VERIFIED: (A.CLOSE, BOSS, {}),
        }[record.state]
        if person is MAN and record.handler != "W1":
            action, person, given = A.DISPATCH, BOSS, {"handler": "W1"}
        if action is A.DISPATCH and record.limit is None and record.class_code != CODE:
            given = {**given, "limit": GIVEN["limit"]}
        move_incident(every, person, incident_id, action, MoveArguments(**given))


@pytest.mark.parametrize(("state", "who", "code"), CASES)
def test_the_clock_counts_from_the_report_and_rests_with_the_incident(
    every: Workspace, state: S, who: str, code: str
) -> None:
    record = record_of(every, f"{state}-{who}-{code}-look")
    timed = state in {*RUNNING, S.RESOLVED, S.VERIFIED, S.CLOSED} or (state is S.SUSPENDED and who == "W1")
    assert (record.clock_started_at is not None) == (timed and code == CODE)
    assert (record.handler == "W1") == (
        who == "W1" and state in {*RUNNING, S.SUSPENDED, S.RESOLVED, S.VERIFIED, S.CLOSED}
    )
    assert record.reported_at == EVENING
    assert record.updated_at <= AS_OF
    if record.limit is None or record.due_at is None:
        assert (record.due_at, record.warn_at, record.limit_ms, record.left_ms) == (None, None, 0, None)
        return
    limit = every.incident_profile.of(CODE).limit_for().limit
    assert (record.clock_started_at, record.limit) == (EVENING, limit)
    if state in RUNNING:
        assert record.left_ms is None
    else:
        left = elapsed(AS_OF, record.due_at, limit.unit, every.incident_clock.calendar)
        assert record.left_ms == left / timedelta(milliseconds=1)
    assert isinstance(record.lamp(AS_OF), Lamp)


def test_a_row_brings_what_the_file_says_and_what_the_district_knows(tmp_path: Path) -> None:
    rows = [
        row("a", "closed", closed_at="2026-06-30T01:00:00+00:00", worker_id="W1", severity=4, source="hotline"),
        row("b", class_code="zz", kind="component", lon=118.915),
        row("c", "dispatched", reported_at=""),
    ]
    workspace = make(tmp_path, write(tmp_path, rows))
    assert adopt_incidents(workspace) == Adoption(3, 0, 0)
    a, b, c = (record_of(workspace, incident_id) for incident_id in "abc")
    assert (a.state, a.severity, a.source, a.layer) == (S.CLOSED, 4, "hotline", "incidents")
    assert a.resolved_at == a.verified_at == a.closed_at == a.updated_at == datetime(2026, 6, 30, 1, tzinfo=UTC)
    assert (a.resolved_by, a.class_names) == ("W1", {})
    assert (a.grid_code, a.street_code, a.community_code) == ("339901001001001", "339901001", "339901001001")
    assert (b.state, b.kind, b.severity) == (S.REPORTED, "component", 2)
    assert b.class_names == {"zh": "甲类", "en": "Kind A"}
    assert (b.grid_code, b.agency) == ("339901002001001", workspace.incident_profile.coordinator)
    assert c.reported_at == AS_OF
    events = list(workspace.store.events())
    assert {(event.kind, event.actor, event.at) for event in events} == {("incident.imported", "system", AS_OF)}


def test_adopting_again_takes_only_what_is_new(tmp_path: Path) -> None:
    workspace = make(tmp_path, write(tmp_path, [row("a"), row("b")]))
    assert adopt_incidents(workspace) == Adoption(2, 0, 0)
    move_incident(workspace, BOSS, "a", A.REJECT, MoveArguments(reason="nothing there"))
    assert adopt_incidents(workspace) == Adoption(0, 2, 0)
    assert record_of(workspace, "a").state is S.REJECTED
    make(tmp_path, write(tmp_path, [row("a"), row("b"), row("c")]))
    again = open_workspace(tmp_path / "w")  # the store of the folder has seen both imports
    assert [again.store.count("incident"), len(list(again.store.events()))] == [3, 3]
    again.store.close()


def test_rows_that_cannot_be_incidents_are_counted(tmp_path: Path) -> None:
    """Ids that begin like those of accounts, and ids of another layer; the first layer keeps its row."""
    first = write(tmp_path, [row("a"), row("account:root"), row("worker:W1")])
    second = write(tmp_path, [row("a"), row("b")], "incidents-hotline")
    workspace = make(tmp_path, first, second)
    assert adopt_incidents(workspace) == Adoption(2, 0, 3)
    assert record_of(workspace, "a").layer == "incidents"
    assert adopt_incidents(workspace) == Adoption(0, 3, 2)


def test_a_workspace_without_incidents_needs_no_store(tmp_path: Path) -> None:
    workspace = make(tmp_path)
    assert adopt_incidents(workspace) == Adoption(0, 0, 0)
    assert not (tmp_path / "w" / "store.sqlite").exists()


def test_the_sample_gives_its_tasks_to_workers_on_shift(village: Path) -> None:
    """The worker's page of the demo has something to show."""
    workspace = open_workspace(village)
    workers = workspace.layer("workers").set_index("worker_id")
    tasks = [row for row in workspace.store.entities("incident") if row.columns.worker_id]
    assert tasks
    for task in tasks:
        assert workers.loc[task.columns.worker_id, "shift_start"] <= "10:00"
    running = {str(state) for state in RUNNING}
    assert {task.columns.status for task in tasks} & running
    assert all(workers.loc[t.columns.worker_id, "status"] == "busy" for t in tasks if t.columns.status in running)
    workspace.store.close()
