"""Duplicates: finding, merging, separating."""

from __future__ import annotations

from datetime import timedelta

import pytest
from incident_logs import CLOCK, Log, at, given_report, reported

from gridgov.errors import MoveRefusedError
from gridgov.model import incident_moves as moves
from gridgov.model.duplicates import Duplicate, distance_m, merge, possible_duplicates, unmerge
from gridgov.model.incident_life import Action, allowed
from gridgov.model.incident_record import Reporter, content_digest
from gridgov.model.incidents import IncidentState

METRE_DEG = 360 / 40_030_228.9  # along a meridian of the sphere


def two_reports(**second: object) -> Log:
    log = reported()
    log.add(moves.report("B2", given_report(reporters=(Reporter("李强", "139", at(1)),), **second), "web", at(1)))
    return log


def test_the_distance_is_that_of_the_sphere() -> None:
    assert distance_m(120, 30, 120, 31) == pytest.approx(111_195.08, abs=0.01)
    assert distance_m(120, 30, 120, 30) == 0
    assert distance_m(179.9999, 0, -179.9999, 0) == pytest.approx(22.24, abs=0.01)


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ({}, True),
        ({"lat": 30.25 + 49.9 * METRE_DEG}, True),
        ({"lat": 30.25 + 50.1 * METRE_DEG}, False),
        ({"class_code": "0102"}, False),
        ({"reported_at": at(0) - timedelta(hours=24)}, True),
        ({"reported_at": at(0) - timedelta(hours=24, seconds=1)}, False),
    ],
)
def test_same_class_within_50_m_and_24_h(second: dict[str, object], found: bool) -> None:
    log = two_reports(**second)
    duplicates = possible_duplicates(log.record("B2"), [log.record("A1"), log.record("B2")])
    assert [duplicate.incident_id for duplicate in duplicates] == (["A1"] if found else [])


def test_the_nearest_comes_first_and_finished_ones_do_not_come() -> None:
    log = two_reports()
    for name, metres in (("C3", 30), ("D4", 10), ("E5", 1)):
        log.add(moves.report(name, given_report(lat=30.25 + metres * METRE_DEG), "web", at(2)))
    log.do(Action.REJECT, 3, incident_id="E5")
    found = possible_duplicates(log.record("A1"), [log.record(name) for name in ("B2", "C3", "D4", "E5")])
    assert [duplicate.incident_id for duplicate in found] == ["B2", "D4", "C3"]
    assert found[0] == Duplicate("B2", 0.0, 60.0)


def test_merging_keeps_all_reporters_and_the_duplicate_rests() -> None:
    log = two_reports()
    log.add(*merge(log.record("B2"), log.record("A1"), "boss", at(5)))
    main, duplicate = log.record("A1"), log.record("B2")
    assert [(reporter.name, reporter.via) for reporter in main.reporters] == [("王芳", "A1"), ("李强", "B2")]
    assert (main.merged_from, duplicate.merged_into, duplicate.state) == (("B2",), "A1", IncidentState.VOID)
    assert allowed(duplicate) == (Action.UNMERGE, Action.NOTE, Action.UNMASK)
    with pytest.raises(MoveRefusedError, match="B2 was merged into A1"):
        log.do(Action.FILE, 6, incident_id="B2")


@pytest.mark.parametrize("steps", [(), (Action.FILE,), (Action.FILE, Action.DISPATCH)])
def test_separating_restores_both_exactly(steps: tuple[Action, ...]) -> None:
    log = two_reports()
    for n, action in enumerate(steps):
        log.do(action, 2 + n, incident_id="B2")
    before = [content_digest(log.states[name]) for name in ("A1", "B2")]
    log.add(*merge(log.record("B2"), log.record("A1"), "boss", at(5)))
    log.add(*unmerge(log.record("B2"), log.record("A1"), "boss", at(6), reason="不是同一处"))
    assert [content_digest(log.states[name]) for name in ("A1", "B2")] == before


def test_chains_of_merges_come_apart_in_their_order() -> None:
    log = two_reports()
    log.add(moves.report("C3", given_report(reporters=(Reporter("张", "1", at(2)),)), "web", at(2)))
    before = {name: content_digest(log.states[name]) for name in ("A1", "B2", "C3")}
    log.add(*merge(log.record("A1"), log.record("B2"), "boss", at(5)))
    log.add(*merge(log.record("B2"), log.record("C3"), "boss", at(6)))
    assert {reporter.name for reporter in log.record("C3").reporters} == {"王芳", "李强", "张"}
    with pytest.raises(MoveRefusedError, match="B2 was merged into C3"):
        unmerge(log.record("A1"), log.record("B2"), "boss", at(7), reason="x")
    log.add(*unmerge(log.record("B2"), log.record("C3"), "boss", at(7), reason="x"))
    log.add(*unmerge(log.record("A1"), log.record("B2"), "boss", at(8), reason="x"))
    assert {name: content_digest(log.states[name]) for name in before} == before


def test_what_cannot_be_merged() -> None:
    log = two_reports()
    a1, b2 = log.record("A1"), log.record("B2")
    with pytest.raises(MoveRefusedError, match="with itself"):
        merge(a1, a1, "boss", at(5))
    moved = log.do(Action.VOID, 5, incident_id="B2")
    with pytest.raises(MoveRefusedError, match="not merged"):
        unmerge(moved, a1, "boss", at(6), reason="x")
    with pytest.raises(MoveRefusedError, match="B2 is void"):
        merge(a1, log.record("B2"), "boss", at(7))
    assert b2.state is IncidentState.REPORTED


def test_separating_from_the_wrong_incident_is_refused() -> None:
    log = two_reports()
    log.add(moves.report("C3", given_report(), "web", at(2)))
    log.add(*merge(log.record("B2"), log.record("A1"), "boss", at(5)))
    with pytest.raises(MoveRefusedError, match="merged into A1, not into C3"):
        unmerge(log.record("B2"), log.record("C3"), "boss", at(6), reason="x")


def test_a_duplicate_can_be_separated_after_the_main_incident_is_closed() -> None:
    log = two_reports()
    log.add(*merge(log.record("B2"), log.record("A1"), "boss", at(5)))
    for n, action in enumerate((Action.FILE, Action.DISPATCH, Action.ACCEPT)):
        log.do(action, 6 + n)
    log.add(moves.resolve(log.record(), "W1", at(10), clock=CLOCK))
    log.do(Action.VERIFY, 11, "C1")
    log.do(Action.CLOSE, 12)
    log.add(*unmerge(log.record("B2"), log.record("A1"), "boss", at(13), reason="x"))
    assert (log.record("A1").state, log.record("B2").state) == (IncidentState.CLOSED, IncidentState.REPORTED)
