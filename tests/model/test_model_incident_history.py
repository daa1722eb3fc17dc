"""Random legal histories of three incidents: what holds in all of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from incident_logs import CLOCK, START, Log, given_report, ordinary

from gridgov.errors import MoveRefusedError
from gridgov.model import incident_moves as moves
from gridgov.model.duplicates import merge, unmerge
from gridgov.model.events import verify_chain
from gridgov.model.incident_life import Action, allowed, apply
from gridgov.model.incident_record import RUNNING, IncidentRecord, content_digest
from gridgov.model.incidents import IncidentState

NAMES = ("A1", "B2", "C3")
FINAL = {IncidentState.CLOSED, IncidentState.REJECTED, IncidentState.VOID}
STAGES = (
    "reported_at", "filed_at", "dispatched_at", "accepted_at", "arrived_at", "resolved_at", "verified_at", "closed_at",
)  # fmt: skip
PAIRS = {Action.MERGE, Action.ABSORB, Action.UNMERGE}
# The main line is drawn more often than the branches, so that histories get somewhere.
FORWARD = (Action.FILE, Action.DISPATCH, Action.ACCEPT, Action.RESOLVE, Action.VERIFY, Action.CLOSE)


class IncidentHistories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.now: datetime = START
        self.snapshots: list[dict[str, dict[str, Any]]] = [{}]

    def add(self, *events: Any) -> None:
        before = {name: IncidentRecord.from_dict(state) for name, state in self.log.states.items()}
        self.log.add(*events)
        self.snapshots += [{}] * (len(events) - 1) + [dict(self.log.states)]
        for name, old in before.items():
            self.compare(old, self.log.record(name))

    def compare(self, old: IncidentRecord, new: IncidentRecord) -> None:
        unmerged = self.log.events[-1].kind == "incident.unmerged"
        if old.state in FINAL and not unmerged:
            assert new.state is old.state, "an ended incident changed its state"
        if new.state is IncidentState.CLOSED:
            assert old.state in {IncidentState.VERIFIED, IncidentState.CLOSED}
        assert new.version >= old.version
        assert new.updated_at >= old.updated_at

    @initialize()
    def three_reports(self) -> None:
        for name in NAMES:
            self.add(moves.report(name, given_report(), "hotline", self.now))

    @rule(minutes=st.integers(0, 600))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(name=st.sampled_from(NAMES), pick=st.integers(0, 999), actor=st.sampled_from("WXYZ"))
    def act_as_allowed(self, name: str, pick: int, actor: str) -> None:
        """Half of the time the main line goes on, so that histories get somewhere."""
        actions = [action for action in allowed(self.log.record(name)) if action not in PAIRS]
        onward = [action for action in actions if action in FORWARD]
        if onward and pick % 2:
            actions = onward
        self.attempt(name, actions[pick // 2 % len(actions)], actor)

    @rule(name=st.sampled_from(NAMES), action=st.sampled_from(Action), actor=st.sampled_from("WXYZ"))
    def act_at_random(self, name: str, action: Action, actor: str) -> None:
        if action not in PAIRS:
            self.attempt(name, action, actor)

    def attempt(self, name: str, action: Action, actor: str) -> None:
        """What `allowed` promises is done but for who does it; all else is refused and changes nothing."""
        record, before = self.log.record(name), dict(self.log.states)
        possible = action in allowed(record)
        try:
            event = ordinary(action, record, self.now, actor, self.log.history(name))
        except MoveRefusedError as refusal:
            codes = {"handler_checks", "own_extension", "no_reminder"} if possible else {refusal.code}
            assert (refusal.code in codes, self.log.states) == (True, before)  # noqa: PT017 - either may happen
            return
        assert possible
        self.add(event)

    @rule(duplicate=st.sampled_from(NAMES), main=st.sampled_from(NAMES))
    def merge_two(self, duplicate: str, main: str) -> None:
        try:
            events = merge(self.log.record(duplicate), self.log.record(main), "boss", self.now)
        except MoveRefusedError:
            return
        self.add(*events)

    @rule(duplicate=st.sampled_from(NAMES))
    def separate(self, duplicate: str) -> None:
        record = self.log.record(duplicate)
        if not record.is_merged or self.log.record(record.merged_into).is_merged:
            return
        self.add(*unmerge(record, self.log.record(record.merged_into), "boss", self.now, reason="两处"))

    @rule(name=st.sampled_from(NAMES))
    def dispatch_and_undo(self, name: str) -> None:
        if Action.DISPATCH not in allowed(self.log.record(name)):
            return
        before = content_digest(self.log.states[name])
        for action in (Action.DISPATCH, Action.UNDO_DISPATCH):
            self.add(ordinary(action, self.log.record(name), self.now, "boss", self.log.history(name)))
        assert content_digest(self.log.states[name]) == before

    @invariant()
    def every_record_is_sound(self) -> None:
        for name, state in self.log.states.items():
            record = self.log.record(name)
            assert record.to_dict() == state
            assert record.version == len(self.log.history(name))
            self.check_people_and_times(record)

    def check_people_and_times(self, record: IncidentRecord) -> None:
        times = [time for time in (getattr(record, stage) for stage in STAGES) if time is not None]
        assert times == sorted(times)
        assert not record.checker or record.checker not in {record.handler, record.resolved_by}
        if record.state is IncidentState.CLOSED:
            assert record.verified_at is not None
            assert record.checker
        if record.state in RUNNING:
            assert record.handler
            assert record.warn_at is not None
            assert record.due_at is not None
            assert record.warn_at <= record.due_at
            assert record.left_ms is None
        assert record.is_merged == (record.merged_into != "")
        assert (record.return_state is not None) == (record.is_merged or record.state is IncidentState.SUSPENDED)
        share = record.used_share(self.now, CLOCK)
        assert (share is None) == (record.lamp(self.now) is None)

    @invariant()
    def merged_incidents_know_each_other_and_no_reporter_is_lost(self) -> None:
        records = [self.log.record(name) for name in self.log.states]
        for record in records:
            if record.is_merged:
                main = self.log.record(record.merged_into)
                assert record.id in main.merged_from
                assert set(record.reporters) <= set(main.reporters)
        standing = [reporter for record in records if not record.is_merged for reporter in record.reporters]
        assert len(standing) == len(records)

    def teardown(self) -> None:
        """Every prefix replays to the record at that time, and the chain verifies."""
        assert verify_chain(self.log.events) is None
        states: dict[str, dict[str, Any]] = {}
        for number, event in enumerate(self.log.events, start=1):
            states = {**states, event.entity_id: apply(states.get(event.entity_id), event)}
            if self.snapshots[number]:
                assert states == self.snapshots[number]


TestIncidentHistories = IncidentHistories.TestCase
TestIncidentHistories.settings = settings(max_examples=120, stateful_step_count=50)
