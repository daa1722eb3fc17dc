"""Somebody else than proposed is sent for a reason only, and what became of it is there to be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gridgov.config import Settings
from gridgov.errors import ConflictError, MoveRefusedError, ParameterError, RecordNotFoundError, RightsError
from gridgov.i18n import LANGS
from gridgov.model.incident_life import Action
from gridgov.model.overrides import OverrideReason, Proposal
from gridgov.model.refusals import refusal_text
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.incidents import timeline
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.overrides import override_summary, overrides
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
BEST, OTHER = "W00001", "W00002"
PROPOSED = Proposal(BEST, worker_ms=60_000, handler_ms=90_000)


class Hands:
    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def here(village: Path, clock: Hands) -> Workspace:
    workspace = open_workspace(village, settings=Settings(store="memory:"), clock=clock)
    workspace.start_clock()
    return workspace


def filed(here: Workspace, grid: int = 0) -> str:
    point = here.layer("grids").geometry.iloc[grid].representative_point()
    incident_id = report_incident(here, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y)).id
    move_incident(here, BOSS, incident_id, Action.FILE)
    return incident_id


def send(here: Workspace, incident_id: str, handler: str, **given: object) -> None:
    move_incident(here, BOSS, incident_id, Action.DISPATCH, MoveArguments(handler=handler, **given))  # type: ignore[arg-type]


def test_somebody_else_than_proposed_needs_a_reason_and_the_proposed_one_does_not(here: Workspace) -> None:
    incident_id = filed(here)
    for given in ({}, {"reason_code": "because"}, {"reason": "他就在旁边"}, {"reason_code": "other", "reason": " "}):
        with pytest.raises(MoveRefusedError) as refused:
            send(here, incident_id, OTHER, proposal=PROPOSED, **given)
        for lang in LANGS:
            assert BEST in refusal_text(refused.value, lang)
            assert OTHER in refusal_text(refused.value, lang)
    send(here, incident_id, BEST, proposal=PROPOSED)
    assert overrides(here, BOSS).empty


def test_without_a_proposal_anybody_is_sent_as_before_and_a_reason_has_nothing_to_explain(here: Workspace) -> None:
    incident_id = filed(here)
    with pytest.raises(ParameterError, match="needs the proposal"):
        send(here, incident_id, OTHER, reason_code="other", reason="…")
    send(here, incident_id, OTHER)


def test_a_proposal_is_of_the_roster_and_its_times_are_none_below_0(here: Workspace) -> None:
    with pytest.raises(RecordNotFoundError, match="W99"):
        send(here, filed(here), OTHER, proposal=Proposal("W99"), reason_code="workload")
    with pytest.raises(ParameterError, match="-1"):
        Proposal(BEST, worker_ms=-1)


def test_the_reason_stands_in_the_timeline_in_both_languages(here: Workspace) -> None:
    incident_id = filed(here)
    send(here, incident_id, OTHER, proposal=PROPOSED, reason_code="knows_place", reason="上周刚处理过")
    for lang, words in (("zh", "熟悉现场"), ("en", "knows the place")):
        entry = timeline(here, BOSS, incident_id, lang)[-1]
        assert words in entry.text
        assert BEST in entry.text
        assert entry.detail == "上周刚处理过"


def test_planned_and_actual_times_are_compared(here: Workspace, clock: Hands) -> None:
    first, second, third = filed(here), filed(here, 3), filed(here, 6)
    start = here.now()
    send(here, first, OTHER, proposal=PROPOSED, reason_code="knows_place")
    send(here, second, OTHER, proposal=Proposal(BEST), reason_code="workload", reason="电话 13800001234")
    send(here, third, OTHER, proposal=PROPOSED, reason_code="workload")
    move_incident(here, BOSS, third, Action.UNDO_DISPATCH)
    worker = Person("w", Role.WORKER, (), OTHER)
    move_incident(here, worker, first, Action.ACCEPT)
    clock.now += timedelta(seconds=100)
    move_incident(here, worker, first, Action.ARRIVE)
    assert len(overrides(here, BOSS, since=here.now() - timedelta(seconds=99))) == 0
    table = overrides(here, BOSS, since=start - timedelta(hours=1), until=here.now()).set_index("incident_id")
    assert table.loc[first, ["dispatcher", "proposed", "handler"]].tolist() == ["boss", BEST, OTHER]
    times = ["proposed_s", "planned_s", "longer_s", "actual_s", "late_s"]
    assert table.loc[first, times].tolist() == [60.0, 90.0, 30.0, 100.0, 10.0]
    assert table.loc[second, times].isna().all()
    assert table["undone"].to_dict() == {first: False, second: False, third: True}
    by_reason = override_summary(here, table.reset_index(), "reason_code")
    assert by_reason[["reason_code", "count", "arrived", "undone"]].to_numpy().tolist() == [
        ["workload", 2, 0, 1],
        ["knows_place", 1, 1, 0],
    ]
    assert override_summary(here, table.reset_index(), "dispatcher")["name"].tolist() == ["boss"]


def test_only_the_own_area_is_seen_by_those_who_dispatch(here: Workspace, clock: Hands) -> None:
    grids = here.layer("grids")["grid_code"].astype(str)
    other = int((~grids.str.startswith(grids.iloc[0][:12])).to_numpy().argmax())
    inside = filed(here)
    for incident_id in (inside, filed(here, other)):
        send(here, incident_id, OTHER, proposal=PROPOSED, reason_code="workload")
    clock.now += timedelta(minutes=1)
    near = Person("near", Role.COMMANDER, (grids.iloc[0][:12],))
    assert overrides(here, near)["incident_id"].tolist() == [inside]
    assert len(overrides(here, BOSS)) == 2
    assert overrides(here, Person("none", Role.SUPERVISOR, ())).empty
    for role in (Role.PUBLIC, Role.WORKER, Role.PLANNER, Role.ADMIN):
        with pytest.raises(RightsError):
            overrides(here, Person("x", role, EVERYWHERE))


def test_a_span_that_is_empty_or_without_a_zone_is_refused(here: Workspace, clock: Hands) -> None:
    with pytest.raises(ParameterError, match="empty"):
        overrides(here, BOSS, since=clock.now, until=clock.now)
    with pytest.raises(ParameterError, match="aware"):
        overrides(here, BOSS, since=datetime(2026, 7, 1))


def test_a_repeated_call_dispatches_once_and_another_reason_is_another_request(here: Workspace) -> None:
    incident_id = filed(here)
    given = MoveArguments(handler=OTHER, proposal=PROPOSED, reason_code=OverrideReason.WORKLOAD, reason="今天他闲")
    for _ in range(2):
        move_incident(here, BOSS, incident_id, Action.DISPATCH, given, idempotency_key="k")
    assert len(overrides(here, BOSS)) == 1
    with pytest.raises(ConflictError):
        move_incident(
            here, BOSS, incident_id, Action.DISPATCH, replace(given, reason="别的"), idempotency_key="k"
        )  # fmt: skip
