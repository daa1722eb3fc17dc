"""The events of an incident as lines for people."""

from __future__ import annotations

from incident_logs import WAY, at, given_report, log_in, reported

from gridgov.model import incident_moves as moves
from gridgov.model.duplicates import merge, unmerge
from gridgov.model.incident_life import Action
from gridgov.model.incidents import IncidentState
from gridgov.model.timeline import timeline_entry


def test_every_event_has_its_sentence_in_both_languages() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    log.add(moves.report("B2", given_report(), "web", at(20)))
    log.add(*merge(log.record("B2"), log.record("A1"), "boss", at(21)))
    log.add(*unmerge(log.record("B2"), log.record("A1"), "boss", at(22), reason="两处"))
    for step, action in enumerate((Action.ARRIVE, Action.ESCALATE, Action.DEESCALATE, Action.REQUEST_EXTENSION)):
        log.do(action, 30 + step, "W1")
    log.do(Action.REFUSE_EXTENSION, 40, "boss")
    log.do(Action.REQUEST_EXTENSION, 41, "W1")
    log.do(Action.GRANT_EXTENSION, 42, "boss")
    log.do(Action.REMIND, 60 * 48, "system")
    log.do(Action.SUSPEND, 60 * 48 + 1)
    log.do(Action.RESUME, 60 * 48 + 2)
    log.do(Action.DISPATCH, 60 * 48 + 3)
    log.do(Action.UNDO_DISPATCH, 60 * 48 + 4)
    events = log.events + [event for state in WAY for event in log_in(state).events]
    for event in events:
        for lang in ("zh", "en"):
            text = timeline_entry(event, lang).text  # type: ignore[arg-type]
            assert text
            assert "{" not in text, event.kind
            assert not text.startswith("incident."), event.kind


def test_what_people_wrote_stands_beside_it_as_it_is() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    log.do(Action.SUSPEND, 40)
    entry = timeline_entry(log.events[-1], "zh")
    assert (entry.text, entry.detail, entry.actor, entry.at) == ("挂账", "理由", "supervisor", at(40))


def test_a_dispatch_says_to_whom_and_an_extension_how_much() -> None:
    log = log_in(IncidentState.DISPATCHED)
    assert timeline_entry(log.events[-1], "en").text == "Dispatched to W1"
    log.do(Action.REQUEST_EXTENSION, 20)
    assert timeline_entry(log.events[-1], "zh").text == "申请延期 4 工作时"


def test_a_report_shows_no_name_or_phone() -> None:
    entry = timeline_entry(reported().events[0], "zh")
    assert "王芳" not in f"{entry}"
    assert "138" not in f"{entry}"
