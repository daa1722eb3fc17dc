"""The event log as an administrator reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import RightsError
from gridgov.model.incident_branches import imported
from gridgov.model.incident_record import IncidentRecord, Reporter, Suspension
from gridgov.model.incidents import IncidentKind, IncidentState
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft, add_account, sign_in
from gridgov.operations.auditing import audit_events
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

SUPERVISOR = Person("anna", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture
def workspace(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def fill(workspace: Workspace, count: int) -> None:
    for number in range(count):
        draft = AccountDraft(account_id=f"user-{number}", role=Role.PLANNER, areas=("all",))
        add_account(workspace, AT_THE_SHELL, draft, password="long enough 1")


def test_the_newest_come_first_and_the_next_page_begins_before_them(workspace: Workspace) -> None:
    fill(workspace, 5)
    assert [event.seq for event in audit_events(workspace, AT_THE_SHELL)] == [5, 4, 3, 2, 1]
    first = audit_events(workspace, AT_THE_SHELL, limit=2)
    second = audit_events(workspace, AT_THE_SHELL, before=first[-1].seq, limit=2)
    assert [event.seq for event in first + second] == [5, 4, 3, 2]
    for before in (1, 0, -5):
        assert audit_events(workspace, AT_THE_SHELL, before=before) == []
    assert audit_events(workspace, AT_THE_SHELL, limit=0) == audit_events(workspace, AT_THE_SHELL, limit=-1) == []
    assert len(audit_events(workspace, AT_THE_SHELL, before=10**9)) == 5


def test_what_happened_to_one_thing_is_asked_for_by_its_id(workspace: Workspace) -> None:
    fill(workspace, 2)
    for _ in range(2):
        sign_in(workspace, "user-0", "long enough 1")
    found = audit_events(workspace, AT_THE_SHELL, entity_id="account:user-0")
    assert [event.kind for event in found] == ["account.signed_in", "account.signed_in", "account.added"]
    assert [event.seq for event in audit_events(workspace, AT_THE_SHELL, entity_id="account:user-0", limit=2)] == [4, 3]
    assert [e.seq for e in audit_events(workspace, AT_THE_SHELL, entity_id="account:user-0", before=4)] == [3, 1]
    assert audit_events(workspace, AT_THE_SHELL, entity_id="account:nobody") == []


def test_reporters_and_long_numbers_in_texts_are_masked_and_codes_are_not(workspace: Workspace) -> None:
    place = workspace.layer("grids").geometry.iloc[0].representative_point()
    form = ReportForm(
        class_code=next(iter(workspace.incident_profile.classes)),
        lon=place.x,
        lat=place.y,
        description="call 139 0000 1234",
        reporter_name="李雷雷",
        reporter_phone="13900001234",
    )
    incident = report_incident(workspace, SUPERVISOR, form)
    [event] = audit_events(workspace, AT_THE_SHELL, entity_id=incident.id)
    [real] = workspace.store.events(entity_id=incident.id)
    assert "139 0000 1234" not in str(event.payload)
    assert "13900001234" not in str(event.payload)
    assert "李雷雷" not in str(event.payload)
    assert event.payload["reporters"][0]["name"] == "李**"
    for code in ("grid_code", "reported_at", "class_code", "lon"):
        assert event.payload[code] == real.payload[code]
    assert (event.seq, event.at, event.hash) == (real.seq, real.at, real.hash)


def test_the_reporters_of_an_imported_incident_are_masked_as_well(workspace: Workspace) -> None:
    at = workspace.now()
    record = IncidentRecord(
        id="I-77",
        kind=IncidentKind.EVENT,
        class_code="0101",
        state=IncidentState.SUSPENDED,
        severity=2,
        lon=119.0,
        lat=29.6,
        reported_at=at,
        updated_at=at,
        last_event="",
        version=0,
        reporters=(Reporter("Anna Berg", "13900001234", at, "I-77"), Reporter("", "12", at)),
        suspensions=(Suspension(at, "system", "ask 13900001234"),),
    )
    workspace.store.append([imported(record, "system", at)])
    [event] = audit_events(workspace, AT_THE_SHELL)
    shown = event.payload["record"]
    assert [(who["name"], who["phone"]) for who in shown["reporters"]] == [("A***", "139****34"), ("", "****")]
    assert shown["suspensions"][0]["reason"] == "ask 13****"
    assert shown["reported_at"] == record.to_dict()["reported_at"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_reads_the_log(workspace: Workspace, role: Role) -> None:
    with pytest.raises(RightsError):
        audit_events(workspace, Person("x", role, EVERYWHERE, "W1"))


def test_who_has_a_part_of_the_workspace_does_not_read_the_log_of_all(workspace: Workspace) -> None:
    with pytest.raises(RightsError, match="whole workspace"):
        audit_events(workspace, Person("x", Role.ADMIN, ("339901",)))
