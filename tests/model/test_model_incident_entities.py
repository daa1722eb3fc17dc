"""Incidents as entities of the store: the fold, its index columns, and replays of every prefix."""

from __future__ import annotations

from incident_logs import WAY, at, log_in

from gridgov.model.entities import EntityFilter, replay_entities, state_digest
from gridgov.model.events import format_time
from gridgov.model.incident_life import Action, apply
from gridgov.model.incidents import IncidentState


def test_an_incident_is_found_by_state_handler_deadline_and_place() -> None:
    log = log_in(IncidentState.IN_PROGRESS)
    entity = replay_entities(log.events, apply)["A1"]
    columns = entity.columns
    assert (entity.kind, columns.status, columns.worker_id) == ("incident", "in_progress", "W1")
    assert (columns.severity, columns.due_at) == (2, format_time(at(340)))
    assert (columns.lon, columns.lat, columns.grid_code) == (120.15, 30.25, "330106002015007")
    late = EntityFilter(statuses=("dispatched", "in_progress", "rework"), due_before=format_time(at(341)))
    assert late.matches(entity)


def test_an_undo_belongs_to_its_incident() -> None:
    log = log_in(IncidentState.DISPATCHED)
    log.do(Action.UNDO_DISPATCH, 20)
    entity = replay_entities(log.events, apply)["A1"]
    assert (entity.kind, entity.columns.status, entity.columns.worker_id) == ("incident", "filed", "")


def test_every_prefix_replays_to_the_state_that_was() -> None:
    for state in WAY:
        log = log_in(state)
        folded = None
        for number, event in enumerate(log.events, start=1):
            folded = apply(folded, event)
            entities = replay_entities(log.events[:number], apply)
            assert entities["A1"].state == folded
            assert state_digest(entities.values()) == state_digest(replay_entities(log.events[:number], apply).values())
