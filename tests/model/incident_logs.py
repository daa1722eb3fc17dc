"""Shared pieces of the tests of an incident's life: a clock, times, and a log that chains and folds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gridgov.model import incident_branches as branches
from gridgov.model import incident_moves as moves
from gridgov.model.clock import Clock, Limit, LimitUnit, ReminderRule, WorkCalendar
from gridgov.model.events import GENESIS_HASH, Event, NewEvent, chain
from gridgov.model.incident_life import Action, apply
from gridgov.model.incident_record import IncidentRecord, IncidentReport, Reporter
from gridgov.model.incidents import IncidentKind, IncidentState

WEEKDAY = ((8 * 60 + 30, 12 * 60), (13 * 60 + 30, 18 * 60))
CLOCK = Clock(
    WorkCalendar("Asia/Shanghai", (WEEKDAY,) * 5 + ((), ())),
    0.75,
    (ReminderRule("yellow", 0.75), ReminderRule("red", 1.0), ReminderRule("double", 2.0)),
)
FOUR_HOURS = Limit(4, LimitUnit.WORK_HOURS)
START = datetime(2026, 6, 2, 1, 0, tzinfo=UTC)  # Tuesday 9:00 in Shanghai


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def given_report(**changes: Any) -> IncidentReport:
    values: dict[str, Any] = {
        "kind": IncidentKind.EVENT,
        "class_code": "0101",
        "lon": 120.15,
        "lat": 30.25,
        "source": "citizen",
        "description": "垃圾堆放",
        "grid_code": "330106002015007",
        "reporters": (Reporter("王芳", "13800000000", START),),
    }
    return IncidentReport(**{**values, **changes})


class Log:
    """A log in memory: numbers and chains events and folds them into records."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: dict[str, dict[str, Any]] = {}

    def add(self, *new: NewEvent) -> IncidentRecord:
        """Append events; the record of the first one's incident is returned."""
        for draft in new:
            last = self.events[-1].hash if self.events else GENESIS_HASH
            event = chain(draft, len(self.events) + 1, last)
            self.events.append(event)
            self.states[event.entity_id] = apply(self.states.get(event.entity_id), event)
        return self.record(new[0].entity_id)

    def record(self, incident_id: str = "A1") -> IncidentRecord:
        return IncidentRecord.from_dict(self.states[incident_id])

    def history(self, incident_id: str = "A1") -> list[Event]:
        return [event for event in self.events if event.entity_id == incident_id]

    def do(self, action: Action, minutes: float, actor: str = "supervisor", incident_id: str = "A1") -> IncidentRecord:
        """Perform an action with ordinary arguments."""
        return self.add(ordinary(action, self.record(incident_id), at(minutes), actor, self.history(incident_id)))


def ordinary(action: Action, record: IncidentRecord, when: datetime, actor: str, history: list[Event]) -> NewEvent:
    """Return the event of an action with arguments to which nothing can be objected but the state."""
    name = str(action)
    if action is Action.DISPATCH:
        handler = "W2" if record.handler == "W1" else "W1"
        return moves.dispatch(record, actor, when, handler=handler, limit=FOUR_HOURS, clock=CLOCK)
    if action is Action.UNDO_DISPATCH:
        return moves.undo_dispatch(record, history, actor, when)
    if action is Action.REQUEST_EXTENSION:
        return branches.request_extension(record, "W1", when, limit=FOUR_HOURS, reason="雨天")
    arguments: dict[str, Any] = {}
    if action in {Action.REJECT, Action.VOID, Action.SUSPEND, Action.REWORK, Action.ESCALATE, Action.DEESCALATE}:
        arguments["reason"] = "理由"
    if action in {Action.REFUSE_EXTENSION, Action.UNMASK}:
        arguments["reason"] = "理由"
    if action in {
        Action.RESOLVE, Action.VERIFY, Action.REWORK, Action.SUSPEND, Action.RESUME, Action.GRANT_EXTENSION,
        Action.REMIND,
    }:  # fmt: skip
        arguments["clock"] = CLOCK
    if action is Action.VERIFY:
        arguments["passed"] = True
    if action is Action.NOTE:
        arguments["text"] = "备注"
    make = getattr(moves, name, None) or getattr(branches, name)
    event: NewEvent = make(record, actor, when, **arguments)
    return event


def reported(**changes: Any) -> Log:
    log = Log()
    log.add(moves.report("A1", given_report(**changes), "hotline", at(0)))
    return log


A = Action
# The way to each state, as actions five minutes apart.
WAY: dict[IncidentState, tuple[Action, ...]] = {
    IncidentState.REPORTED: (),
    IncidentState.REJECTED: (A.REJECT,),
    IncidentState.FILED: (A.FILE,),
    IncidentState.DISPATCHED: (A.FILE, A.DISPATCH),
    IncidentState.IN_PROGRESS: (A.FILE, A.DISPATCH, A.ACCEPT),
    IncidentState.SUSPENDED: (A.FILE, A.DISPATCH, A.ACCEPT, A.SUSPEND),
    IncidentState.RESOLVED: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE),
    IncidentState.REWORK: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE, A.REWORK),
    IncidentState.VERIFIED: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE, A.VERIFY),
    IncidentState.CLOSED: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE, A.VERIFY, A.CLOSE),
    IncidentState.VOID: (A.VOID,),
}


def log_in(state: IncidentState) -> Log:
    """A log whose incident A1 is in a state."""
    log = reported()
    for step, action in enumerate(WAY[state], start=1):
        log.do(action, step * 5, "W1" if action in {A.ACCEPT, A.RESOLVE} else "supervisor")
    return log
