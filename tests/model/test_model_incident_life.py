"""The life of an incident: every state with every action, the fold, the clock, undo, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from incident_logs import CLOCK, FOUR_HOURS, WAY, at, given_report, log_in, ordinary, reported

from gridgov.errors import ConflictError, MoveRefusedError, ParameterError, RecordNotFoundError
from gridgov.i18n import LANGS, has_label
from gridgov.model import incident_branches as branches
from gridgov.model import incident_moves as moves
from gridgov.model.clock import Lamp, Limit, LimitUnit
from gridgov.model.events import GENESIS_HASH, NewEvent, chain
from gridgov.model.incident_life import MOVES, Action, allowed, apply
from gridgov.model.incident_record import IncidentRecord, Reporter, content_digest
from gridgov.model.incidents import IncidentState
from gridgov.model.refusals import refusal_text

# What may be done in each state right after it was reached, written by hand.
#                 . not allowed
TABLE = """
                   reported rejected filed dispatched in_progress suspended resolved rework verified closed void
file               filed    .        .     .          .           .         .        .      .        .      .
reject             rejected .        .     .          .           .         .        .      .        .      .
dispatch           .        .        disp  disp       disp        .         .        disp   .        .      .
undo_dispatch      .        .        .     filed      .           .         .        .      .        .      .
accept             .        .        .     progress   .           .         .        prog   .        .      .
arrive             .        .        .     .          same        .         .        .      .        .      .
resolve            .        .        .     .          resolved    .         .        .      .        .      .
verify             .        .        .     .          .           .         verified .      .        .      .
rework             .        .        .     .          .           .         rework   .      rework   .      .
close              .        .        .     .          .           .         .        .      closed   .      .
void               void     .        void  void       void        void      .        void   .        .      .
suspend            .        .        susp  susp       susp        .         .        susp   .        .      .
resume             .        .        .     .          .           progress  .        .      .        .      .
request_extension  .        .        .     same       same        .         .        same   .        .      .
grant_extension    .        .        .     .          .           .         .        .      .        .      .
refuse_extension   .        .        .     .          .           .         .        .      .        .      .
escalate           same     .        same  same       same        same      same     same   same     .      .
deescalate         .        .        .     .          .           .         .        .      .        .      .
merge              void     .        void  void       .           .         .        .      .        .      .
absorb             same     .        same  same       same        same      .        same   .        .      .
unmerge            .        .        .     .          .           .         .        .      .        .      .
remind             .        .        .     same       same        .         .        same   .        .      .
note               same     same     same  same       same        same      same     same   same     same   same
unmask             same     same     same  same       same        same      same     same   same     same   same
"""
SHORT = {"disp": "dispatched", "progress": "in_progress", "prog": "in_progress", "susp": "suspended"}


def cells() -> list[tuple[IncidentState, Action, str]]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    found = []
    for action, *targets in rows:
        assert len(targets) == len(head), action
        for state, target in zip(head, targets, strict=True):
            found.append((IncidentState(state), Action(action), SHORT.get(target, target)))
    return found


def test_the_table_names_every_state_and_every_action() -> None:
    assert {(state, action) for state, action, _ in cells()} == {(s, a) for s in IncidentState for a in Action}


@pytest.mark.parametrize(("state", "action", "target"), cells(), ids=str)
def test_every_action_in_every_state(state: IncidentState, action: Action, target: str) -> None:
    log = log_in(state)
    record = log.record()
    assert record.state is state
    assert (action in allowed(record)) == (target != ".")
    if action in {Action.MERGE, Action.ABSORB, Action.UNMERGE}:
        return  # they need two incidents: test_model_duplicates
    if target == ".":
        with pytest.raises(MoveRefusedError) as refusal:
            log.do(action, 90, "checker")
        assert "A1" in str(refusal.value)
        assert log.record() == record
        return
    late = 60 * 24 if action is Action.REMIND else 90
    after = log.do(action, late, "checker")
    assert after.state == (state if target == "same" else IncidentState(target))
    assert after.version == record.version + 1


def test_a_refusal_names_the_incident_its_state_and_what_is_allowed_in_both_languages() -> None:
    with pytest.raises(MoveRefusedError) as refusal:
        reported().do(Action.CLOSE, 5)
    assert str(refusal.value) == (
        "Incident A1 is reported, so it is not possible to close; possible now: "
        "file, reject, void, make an emergency, merge, take in a duplicate, note"
    )
    assert refusal_text(refusal.value, "zh") == (
        "案件 A1 现为“已上报”，不能结案；现在可以：立案、不予立案、作废、转应急、并案、并入其他案件、备注"
    )
    assert refusal_text(refusal.value, "en") == str(refusal.value)


@pytest.mark.parametrize("lang", LANGS)
def test_every_state_action_and_event_has_its_word(lang: str) -> None:
    assert all(has_label(f"incident.state.{state}") for state in IncidentState)
    assert all(has_label(f"incident.action.{action}") for action in Action)
    assert all(has_label(f"incident.lamp.{lamp}") for lamp in Lamp)
    assert all(has_label(f"incident.unit.{unit}") and has_label(f"incident.limit.{unit}") for unit in LimitUnit)


def test_the_whole_way_step_by_step() -> None:
    """The record after the fold is the one written by hand, with the deadline counted in work hours."""
    log = reported()
    log.add(moves.file(log.record(), "clerk", at(5), condition="large", agency="street-330106002", severity=3))
    log.add(moves.dispatch(log.record(), "boss", at(10), handler="W1", limit=FOUR_HOURS, clock=CLOCK))
    log.do(Action.ACCEPT, 12, "W1")
    log.do(Action.ARRIVE, 30, "W1")
    log.add(moves.resolve(log.record(), "W1", at(60), clock=CLOCK, note="已清运", photos=["p1"]))
    log.add(moves.verify(log.record(), "C1", at(100), passed=True, clock=CLOCK))
    closed = log.do(Action.CLOSE, 110, "boss")
    first = reported().record()
    by_hand = replace(
        first,
        state=IncidentState.CLOSED,
        condition="large",
        agency="street-330106002",
        severity=3,
        filed_at=at(5),
        dispatched_at=at(10),
        clock_started_at=at(10),
        limit=FOUR_HOURS,
        limit_ms=4 * 3600_000,
        warn_at=at(10 + 3 * 60 + 90),  # 9:10 + 3 h, 12:00-13:30 is lunch: 13:40
        due_at=at(10 + 4 * 60 + 90),  # 14:40
        left_ms=(4 * 60 - 50) * 60_000,
        handler="W1",
        accepted_at=at(12),
        arrived_at=at(30),
        resolved_at=at(60),
        resolved_by="W1",
        resolution="已清运",
        verified_at=at(100),
        checker="C1",
        closed_at=at(110),
        updated_at=at(110),
        last_event="incident.closed",
        version=8,
    )
    assert closed == by_hand
    assert IncidentRecord.from_dict(by_hand.to_dict()) == by_hand
    assert log.states["A1"] == by_hand.to_dict()


def test_the_handler_may_not_check() -> None:
    log = log_in(IncidentState.RESOLVED)
    for passed in (True, False):
        with pytest.raises(MoveRefusedError, match="W1 handled incident A1 and may not check it"):
            moves.verify(log.record(), "W1", at(90), passed=passed, clock=CLOCK, note="x")
    with pytest.raises(MoveRefusedError, match="W1 handled"):
        moves.verify(log.record(), "boss", at(90), passed=True, clock=CLOCK, checker="W1")
    with pytest.raises(MoveRefusedError, match="W1 handled"):
        moves.rework(log.record(), "W1", at(90), reason="x", clock=CLOCK)


def test_who_reported_it_done_for_the_handler_may_not_check_either() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    log.do(Action.RESOLVE, 60, "W7")
    with pytest.raises(MoveRefusedError, match="W7 handled"):
        moves.verify(log.record(), "W7", at(90), passed=True, clock=CLOCK)


def test_a_failed_check_sends_it_back_and_counts() -> None:
    log = log_in(IncidentState.RESOLVED)
    log.add(moves.verify(log.record(), "C1", at(90), passed=False, clock=CLOCK, note="仍有垃圾"))
    record = log.record()
    assert (record.state, record.rework_count, record.checker) == (IncidentState.REWORK, 1, "")
    assert log.events[-1].payload["reason"] == "仍有垃圾"


def test_a_failed_check_needs_a_reason() -> None:
    with pytest.raises(MoveRefusedError, match="a reason is needed"):
        moves.verify(log_in(IncidentState.RESOLVED).record(), "C1", at(90), passed=False, clock=CLOCK)


def test_suspending_stops_the_clock_and_resuming_gives_what_was_left() -> None:
    """Dispatched 9:10 for 4 h (due 14:40), suspended 9:20, resumed 10:20: due 15:40, and the lamp stood meanwhile."""
    log = log_in(IncidentState.DISPATCHED)
    assert log.record().due_at == at(340)
    log.do(Action.SUSPEND, 20)
    assert log.record().left_ms == (4 * 60 - 10) * 60_000
    assert log.record().lamp(at(100_000)) is Lamp.GREEN
    resumed = log.do(Action.RESUME, 80)
    assert (resumed.state, resumed.due_at, resumed.left_ms) == (IncidentState.DISPATCHED, at(400), None)
    assert resumed.suspensions[0].ended_at == at(80)


def test_suspending_before_the_dispatch_starts_no_clock() -> None:
    log = log_in(IncidentState.FILED)
    log.do(Action.SUSPEND, 20)
    resumed = log.do(Action.RESUME, 80)
    assert (resumed.state, resumed.due_at, resumed.lamp(at(90))) == (IncidentState.FILED, None, None)


def test_a_late_incident_stays_late_through_a_suspension() -> None:
    log = log_in(IncidentState.DISPATCHED)
    late = log.do(Action.SUSPEND, 500)
    assert late.lamp(at(501)) is Lamp.RED
    resumed = log.do(Action.RESUME, 600)
    assert (resumed.due_at, resumed.lamp(at(600))) == (at(340), Lamp.RED)


def test_the_time_of_the_check_is_not_counted_against_the_handler() -> None:
    """Resolved at 9:20 with 3 h 50 min left, sent back at 10:20: due 14:10 plus the lunch break."""
    log = log_in(IncidentState.RESOLVED)
    left = log.record().left_ms
    assert left == (4 * 60 - 10) * 60_000
    record = log.do(Action.REWORK, 80, "C1")
    assert record.due_at == at(80 + 230 + 90)


def test_another_dispatch_changes_the_handler_and_not_the_deadline() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    due = log.record().due_at
    record = log.do(Action.DISPATCH, 30)
    assert (record.handler, record.due_at, record.accepted_at) == ("W2", due, None)
    assert (record.dispatched_at, record.clock_started_at) == (at(30), at(10))


def test_dispatching_twice_to_the_same_handler_is_refused() -> None:
    log = log_in(IncidentState.DISPATCHED)
    with pytest.raises(MoveRefusedError, match="with W1 already"):
        moves.dispatch(log.record(), "boss", at(20), handler="W1", limit=FOUR_HOURS, clock=CLOCK)
    with pytest.raises(ParameterError, match="nobody"):
        moves.dispatch(log.record(), "boss", at(20), handler="", limit=FOUR_HOURS, clock=CLOCK)


def test_an_extension_is_asked_for_and_granted_by_somebody_else() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    log.add(branches.request_extension(log.record(), "W1", at(30), limit=Limit(1, LimitUnit.WORK_DAYS), reason="缺料"))
    with pytest.raises(MoveRefusedError, match="waits for a decision"):
        log.do(Action.REQUEST_EXTENSION, 31)
    with pytest.raises(MoveRefusedError, match="somebody else has to decide"):
        log.do(Action.GRANT_EXTENSION, 31, "W1")
    record = log.do(Action.GRANT_EXTENSION, 40, "boss")
    assert record.due_at == at(340 + 24 * 60)  # the same time on the next work day
    assert record.limit_ms == 12 * 3600_000
    assert (record.extensions[0].granted, record.extensions[0].decided_by) == (True, "boss")


def test_the_handler_does_not_decide_on_an_extension_that_somebody_else_asked_for() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    log.add(branches.request_extension(log.record(), "boss", at(30), limit=FOUR_HOURS, reason="缺料"))
    for decide in (Action.GRANT_EXTENSION, Action.REFUSE_EXTENSION):
        with pytest.raises(MoveRefusedError, match="W1 asked for the extension of incident A1 or handles it"):
            log.do(decide, 31, "W1")


def test_who_checked_may_handle_it_after_it_was_sent_back_and_then_not_check_again() -> None:
    log = log_in(IncidentState.VERIFIED)
    assert log.record().checker == "supervisor"
    assert log.do(Action.REWORK, 40, "boss").checker == ""
    log.add(moves.dispatch(log.record(), "boss", at(41), handler="supervisor", limit=FOUR_HOURS, clock=CLOCK))
    log.do(Action.ACCEPT, 42, "supervisor")
    log.do(Action.RESOLVE, 43, "supervisor")
    with pytest.raises(MoveRefusedError, match="supervisor handled"):
        log.do(Action.VERIFY, 44, "supervisor")


def test_a_refused_extension_changes_no_deadline() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    due = log.record().due_at
    log.do(Action.REQUEST_EXTENSION, 30)
    record = log.do(Action.REFUSE_EXTENSION, 40, "boss")
    assert (record.due_at, record.extensions[0].granted, record.pending_extension) == (due, False, None)


def test_an_extension_counts_like_the_limit() -> None:
    record = log_in(IncidentState.IN_PROGRESS).record()
    with pytest.raises(MoveRefusedError, match="counts work hours; an extension cannot count hours"):
        branches.request_extension(record, "W1", at(30), limit=Limit(4, LimitUnit.CALENDAR_HOURS), reason="x")


def test_an_emergency_and_back_leaves_state_and_deadline() -> None:
    log = log_in(IncidentState.DISPATCHED)
    before = log.record()
    assert log.do(Action.ESCALATE, 20).emergency
    with pytest.raises(MoveRefusedError, match="an emergency already"):
        log.do(Action.ESCALATE, 21)
    log.do(Action.DEESCALATE, 30)
    assert content_digest(log.record().to_dict()) == content_digest(before.to_dict())


def test_a_reminder_is_sent_once_and_again_only_for_a_new_deadline() -> None:
    log = log_in(IncidentState.IN_PROGRESS)  # 4 h from 9:10: yellow 13:40 (280 min), due 14:40 (340 min)
    assert branches.reminders_due(log.record(), at(279), CLOCK) == ()
    assert branches.reminders_due(log.record(), at(280), CLOCK) == ("yellow",)
    log.do(Action.REMIND, 280, "system")
    with pytest.raises(MoveRefusedError, match="No reminder"):
        log.do(Action.REMIND, 281, "system")
    assert branches.reminders_due(log.record(), at(340), CLOCK) == ("red",)
    log.do(Action.REQUEST_EXTENSION, 341)
    log.do(Action.GRANT_EXTENSION, 342, "boss")
    assert log.record().reminders == ()
    assert branches.reminders_due(log.record(), at(343), CLOCK) == ()
    log.do(Action.SUSPEND, 344)
    assert branches.reminders_due(log.record(), at(100_000), CLOCK) == ()


def test_the_lamp_of_a_finished_incident_is_that_of_its_last_moment() -> None:
    in_time = log_in(IncidentState.CLOSED).record()
    assert in_time.lamp(at(100_000)) is Lamp.GREEN
    late = log_in(IncidentState.IN_PROGRESS)
    assert late.record().lamp(at(341)) is Lamp.RED
    assert late.do(Action.RESOLVE, 350, "W1").lamp(at(351)) is Lamp.RED
    assert log_in(IncidentState.VOID).record().lamp(at(9)) is None
    assert reported().record().lamp(at(9)) is None


@pytest.mark.parametrize("origin", [IncidentState.FILED, IncidentState.IN_PROGRESS, IncidentState.REWORK])
def test_undoing_a_dispatch_restores_the_record_exactly(origin: IncidentState) -> None:
    log = log_in(origin)
    before = log.record()
    log.do(Action.DISPATCH, 40)
    log.do(Action.NOTE, 41)
    after = log.do(Action.UNDO_DISPATCH, 42)
    assert content_digest(after.to_dict()) == content_digest(before.to_dict())
    assert after.version == before.version + 3


def test_an_undo_tells_what_it_restores_and_no_more() -> None:
    log = log_in(IncidentState.DISPATCHED)
    log.do(Action.UNDO_DISPATCH, 20)
    payload = log.events[-1].payload
    assert payload["undoes"] == 3
    assert "reporters" not in payload["restores"]


def test_a_dispatch_after_which_something_else_happened_is_not_undone() -> None:
    log = log_in(IncidentState.DISPATCHED)
    log.do(Action.ESCALATE, 20)
    with pytest.raises(MoveRefusedError, match="moved on since its dispatch"):
        log.do(Action.UNDO_DISPATCH, 21)


def test_an_undo_with_the_wrong_history_is_refused() -> None:
    log = log_in(IncidentState.DISPATCHED)
    with pytest.raises(ParameterError, match="load it again"):
        moves.undo_dispatch(log.record(), log.history()[:-1], "boss", at(20))


def test_time_does_not_go_back() -> None:
    with pytest.raises(MoveRefusedError, match="before it"):
        reported().do(Action.FILE, -1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lon": 190.0}, "not on the globe"),
        ({"lat": float("nan")}, "not on the globe"),
        ({"severity": 5}, "severity 5"),
        ({"class_code": ""}, "no class"),
        ({"source": ""}, "no class or no source"),
        ({"reported_at": at(1)}, "in the future"),
        ({"reported_at": datetime(2026, 6, 2)}, "time zone"),
        ({"reporters": (Reporter("王", "1", at(1)),)}, "by 王 at 2026-06-02T01:01:00.000000Z, which is in the future"),
        ({"reporters": (Reporter("x" * 201, "1", at(0)),)}, "201 characters"),
        ({"kind": "wish"}, "of the kind 'wish'"),
        ({"description": "x" * 4001}, "4001 characters"),
    ],
)
def test_an_impossible_report_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        moves.report("A1", given_report(**changes), "hotline", at(0))


def test_a_report_may_have_been_made_earlier_than_it_is_entered() -> None:
    record = reported(reported_at=at(-60)).record()
    assert (record.reported_at, record.updated_at) == (at(-60), at(0))


def test_a_script_in_a_report_is_kept_as_the_text_it_is() -> None:
    assert reported(description="<script>alert(1)</script>").record().description == "<script>alert(1)</script>"


def test_the_fold_refuses_a_second_report_an_unknown_kind_and_an_unknown_incident() -> None:
    log = reported()

    def event(kind: str) -> Any:
        return chain(NewEvent(at(9), "x", kind, "A1", {"reason": "r"}), 2, GENESIS_HASH)

    with pytest.raises(ParameterError, match="exists already"):
        apply(log.states["A1"], log.events[0])
    with pytest.raises(ParameterError, match="no incident knows"):
        apply(log.states["A1"], event("incident.eaten"))
    with pytest.raises(RecordNotFoundError, match="never reported"):
        apply(None, event("incident.voided"))


def test_of_two_moves_made_on_the_same_record_only_the_first_succeeds() -> None:
    log = log_in(IncidentState.DISPATCHED)
    seen = log.record()
    note = branches.note(seen, "W1", at(20), text="在路上")
    log.add(moves.accept(seen, "W1", at(21)))
    with pytest.raises(ConflictError, match="has changed since it was read"):
        log.add(moves.dispatch(seen, "boss", at(22), handler="W2", limit=FOUR_HOURS, clock=CLOCK))
    log.events.pop()
    log.add(note)  # a note is true whatever has happened meanwhile
    assert log.record().handler == "W1"


def test_the_fold_leaves_the_record_it_is_given() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    before = log.states["A1"]
    copy = dict(before)
    log.do(Action.SUSPEND, 40)
    assert before == copy


@pytest.mark.parametrize("state", list(WAY))
def test_every_record_survives_its_plain_form(state: IncidentState) -> None:
    log = log_in(state)
    assert log.record().to_dict() == log.states["A1"]


def test_every_move_of_the_table_makes_the_event_it_names() -> None:
    log = log_in(IncidentState.DISPATCHED)
    for action in allowed(log.record()):
        if action not in {Action.MERGE, Action.ABSORB, Action.REMIND}:
            event = ordinary(action, log.record(), at(90), "checker", log.history())
            assert event.kind == MOVES[action].event


def test_times_in_the_plain_form_are_of_the_format_of_the_log() -> None:
    assert datetime.fromisoformat(reported().states["A1"]["reported_at"]) == at(0)
    assert reported().states["A1"]["reported_at"] == "2026-06-02T01:00:00.000000Z"
