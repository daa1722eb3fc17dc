"""One contract for every store: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_cases import START, fold, new_event, random_events

from gridgov.errors import ConflictError, ParameterError
from gridgov.model.entities import EntityFilter, replay_entities, state_digest
from gridgov.model.events import GENESIS_HASH, verify_chain
from gridgov.model.positions import Position
from gridgov.store import Store, open_store


def test_an_empty_store_ends_at_zero(store: Store) -> None:
    assert store.head() == (0, GENESIS_HASH)
    assert list(store.events()) == []
    assert store.entity("I1") is None
    assert store.append([]) == []
    assert store.writable()


def test_events_come_back_as_they_went_in_numbered_and_chained(store: Store) -> None:
    drafts = random_events(1, 60)
    written = store.append(drafts[:20]) + store.append(drafts[20:])
    assert list(store.events()) == written
    assert [e.seq for e in written] == list(range(1, 61))
    assert [(e.at, e.actor, e.kind, e.entity_id, e.payload) for e in written] == [
        (d.at, d.actor, d.kind, d.entity_id, d.payload) for d in drafts
    ]
    assert verify_chain(written) is None
    assert store.head() == (60, written[-1].hash)
    assert (store.checkpoint(now=START).seq, store.checkpoint(now=START).hash) == store.head()


def test_events_are_found_by_number_and_entity(store: Store) -> None:
    written = store.append(random_events(2, 40))
    assert list(store.events(after=10, until=15)) == written[10:15]
    assert list(store.events(entity_id="I3")) == [e for e in written if e.entity_id == "I3"]
    assert list(store.events(after=40)) == []
    assert list(store.events(until=0)) == []


def test_the_current_state_is_the_fold_of_the_events(store: Store) -> None:
    written = store.append([new_event(severity=2), new_event(severity=3, status="filed"), new_event("I2")])
    entity = store.entity("I1")
    assert entity is not None
    assert entity.state == {"count": 2, "severity": 3, "status": "filed"}
    assert (entity.kind, entity.updated_seq) == ("incident", 2)
    assert store.state_digest() == state_digest(replay_entities(written, fold).values())
    store.append([new_event("I1", "incident.voided")])
    assert store.entity("I1") is None


def test_a_refused_event_refuses_all_that_came_with_it(store: Store) -> None:
    store.append([new_event()])
    before = store.head(), store.state_digest()
    with pytest.raises(ParameterError, match="this move is refused"):
        store.append([new_event(note="x"), new_event("I2"), new_event("I1", "incident.refused")])
    with pytest.raises(KeyError):
        store.append([new_event("I1", "incident.broken")])
    assert (store.head(), store.state_digest()) == before
    assert store.append([new_event()])[0].seq == 2


def test_a_change_since_the_caller_read_is_a_conflict(store: Store) -> None:
    store.append([new_event(), new_event("I2")])
    store.append([new_event(status="filed")], expected_seq=1)
    with pytest.raises(ConflictError, match="I1 was changed by event 3"):
        store.append([new_event(status="rejected")], expected_seq=1)
    with pytest.raises(ConflictError):
        store.append([new_event("I2"), new_event("I1")], expected_seq=2)
    with pytest.raises(ConflictError):
        store.append([new_event("I2")], expected_seq=0)
    assert store.append([new_event("I3")], expected_seq=0)[0].seq == 4
    assert store.append([new_event("I3"), new_event("I3")], expected_seq=4)[-1].seq == 6


def test_a_repeated_call_changes_nothing_and_gives_the_same_answer(store: Store) -> None:
    first = store.append([new_event(), new_event("I2")], idempotency_key="phone-1")
    again = store.append([new_event("I9", at=START + timedelta(hours=1))], idempotency_key="phone-1")
    assert again == first
    assert store.head()[0] == 2
    other = store.append([new_event("I3", actor="bert")], idempotency_key="phone-1")
    assert other[0].seq == 3
    assert store.repeated("anna", "phone-1") == first
    assert store.repeated("bert", "phone-1") == other
    with pytest.raises(ParameterError):
        store.append([new_event("I4", "incident.refused")], idempotency_key="phone-2")
    assert store.repeated("anna", "phone-2") == []
    assert store.append([new_event("I4")], idempotency_key="phone-2")[0].seq == 4


def test_entities_are_found_by_what_is_asked_in_the_order_asked(store: Store) -> None:
    def add(entity_id: str, **state: object) -> None:
        store.append([new_event(entity_id, "incident.reported", **state)])

    add(
        "A",
        status="filed",
        severity=2,
        due_at="2026-06-30T04:00:00+08:00",
        grid_code="330102001001001",
        lon=119.0,
        lat=30,
    )
    add(
        "B",
        status="filed",
        severity=4,
        grid_code="330102002001001",
        worker_id="W1",
        class_code="0102",
        lon=119.1,
        lat=30.1,
    )
    add("C", status="closed", severity=2, due_at="2026-06-29T19:00:00Z", grid_code="330102001002001", class_code="0101")
    add(
        "D", status="dispatched", severity=4, due_at="2026-06-30T09:00:00Z", grid_code="330103001001001", worker_id="W1"
    )
    store.append([new_event("T", "task.made", status="filed")])

    def ids(where: EntityFilter | None = None, **options: object) -> str:
        return "".join(entity.entity_id for entity in store.entities("incident", where, **options))  # type: ignore[arg-type]

    assert ids() == "DBCA"
    assert ids(order="due") == "CADB"
    assert ids(order="newest") == "DCBA"
    assert ids(order="id", limit=2, offset=1) == "BC"
    assert ids(EntityFilter(statuses=("filed", "dispatched"))) == "DBA"
    assert ids(EntityFilter(grid_prefixes=("330102001", "330103"))) == "DCA"
    assert ids(EntityFilter(worker_id="W1", severity_from=3)) == "DB"
    assert ids(EntityFilter(class_codes=("0101", "0102"))) == "BC"
    assert ids(EntityFilter(class_codes=("0101",), statuses=("filed",))) == ""
    assert ids(EntityFilter(ids=("A", "C", "nobody"))) == "CA"
    assert ids(EntityFilter(due_before="2026-06-29T20:00:00.000000Z")) == "C"
    assert ids(EntityFilter(changed_after=2)) == "DC"
    assert ids(EntityFilter(bounds=(118.9, 29.9, 119.0, 30.0))) == "A"
    assert store.count("incident", EntityFilter(statuses=("filed",))) == 2
    assert store.count("task") == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    statuses=st.sets(st.sampled_from(["reported", "filed", "closed"])),
    order=st.sampled_from(["urgency", "due", "newest", "id"]),
    severity=st.integers(0, 4),
)
def test_every_store_finds_what_the_filter_says(store: Store, seed: int, statuses, order, severity) -> None:
    store.append(random_events(seed, 5, entities=40))
    memory = open_store("memory:", fold=fold)
    memory.append([new_event(e.entity_id, e.kind, actor=e.actor, at=e.at, **e.payload) for e in store.events()])
    where = EntityFilter(statuses=tuple(statuses), severity_from=severity, bounds=(118.5, 29, 119.5, 31))
    assert store.entities("incident", where, order=order) == memory.entities("incident", where, order=order)


def test_tables_equal_a_replay_after_every_prefix_of_a_history(store: Store) -> None:
    for draft in random_events(3, 40, entities=6):
        store.append([draft])
        assert store.state_digest() == store.replayed_digest()
    for until in range(0, 41, 8):
        events = store.events(until=until)
        assert store.replayed_digest(until=until) == state_digest(replay_entities(events, fold).values())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_any_way_of_grouping_events_leaves_tables_that_equal_a_replay(store: Store, seed: int, sizes) -> None:
    drafts = random_events(seed, sum(sizes), entities=5)
    for size in sizes:
        store.append([drafts.pop() for _ in range(size)])
        assert store.state_digest() == store.replayed_digest()
    assert verify_chain(store.events()) is None


def test_a_rebuild_gives_the_same_state(store: Store) -> None:
    store.append(random_events(4, 200))
    before = store.state_digest()
    assert store.rebuild() == before == store.state_digest()


def test_eight_writers_leave_no_gap_and_no_fork(store: Store) -> None:
    numbers: list[int] = []
    refused: list[str] = []

    def write(worker: int) -> None:
        for step in range(50):
            numbers.extend(e.seq for e in store.append([new_event(f"I{step % 7}", worker=worker, step=step)]))
            if step % 10 == 0:
                try:
                    store.append([new_event("I0", "incident.refused")])
                except ParameterError as error:
                    refused.append(str(error))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 401))
    assert len(refused) == 40
    events = list(store.events())
    assert verify_chain(events) is None
    assert len(events) == 400
    assert store.state_digest() == store.replayed_digest()


def test_a_repeat_at_the_same_moment_is_still_one_call(store: Store) -> None:
    answers: list[tuple[int, ...]] = []

    def write() -> None:
        answers.append(tuple(e.seq for e in store.append([new_event()], idempotency_key="once")))

    threads = [threading.Thread(target=write) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(1,)] * 12
    assert store.head()[0] == 1


def position(worker_id: str, seconds: float, lon: float = 119.0) -> Position:
    return Position(worker_id, START + timedelta(seconds=seconds), lon, 30.0, 8.5)


def test_the_newest_position_of_a_worker_counts_whenever_it_arrives(store: Store) -> None:
    store.record_positions([position("W1", 0), position("W2", 0), position("W1", 30, 119.3)])
    store.record_positions([position("W1", 20, 119.2)])
    assert store.positions() == [position("W1", 30, 119.3), position("W2", 0)]
    assert store.positions(since=START + timedelta(seconds=1)) == [position("W1", 30, 119.3)]


def test_a_track_keeps_one_position_a_minute(store: Store) -> None:
    assert store.record_positions([position("W1", second) for second in range(0, 181, 10)]) == 4
    assert store.record_positions([position("W1", 200), position("W1", 239.9)]) == 0
    assert store.record_positions([position("W1", 240)]) == 1
    seconds = [(p.at - START).total_seconds() for p in store.track("W1")]
    assert seconds == [0, 60, 120, 180, 240]
    assert len(store.track("W1", since=START + timedelta(seconds=100))) == 3
    assert store.forget_tracks(START + timedelta(seconds=120)) == 2
    assert len(store.track("W1")) == 3
    assert store.record_positions([]) == 0
