"""Password hashes and sessions, in every store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from store_cases import START, new_event

from gridgov.model.accounts import Credential, OpenSession
from gridgov.store import SqlStore, Store
from gridgov.store.export import export_events


def session(token: str, account_id: str = "anna", *, hours: int = 12) -> OpenSession:
    return OpenSession(token * 64, account_id, START, START, START + timedelta(hours=hours))


def test_an_account_has_one_password_hash(store: Store) -> None:
    assert store.sign_ins.credential("anna") is None
    store.sign_ins.set_password_hash("anna", "first")
    store.sign_ins.set_password_hash("anna", "second")
    assert store.sign_ins.credential("anna") == Credential("anna", "second", 0, None)
    assert "second" not in repr(store.sign_ins.credential("anna"))


def test_wrong_passwords_are_counted_until_a_right_one_or_a_lock(store: Store) -> None:
    store.sign_ins.set_password_hash("anna", "hash")
    assert [store.sign_ins.count_failure("anna") for _ in range(3)] == [1, 2, 3]
    store.sign_ins.clear_failures("anna")
    assert store.sign_ins.count_failure("anna") == 1
    store.sign_ins.lock("anna", START)
    assert store.sign_ins.credential("anna") == Credential("anna", "hash", 0, START)
    store.sign_ins.clear_failures("anna")
    assert store.sign_ins.credential("anna") == Credential("anna", "hash")
    store.sign_ins.lock("anna", START)
    store.sign_ins.set_password_hash("anna", "new")
    assert store.sign_ins.credential("anna") == Credential("anna", "new")


def test_nothing_is_counted_for_an_account_without_a_password(store: Store) -> None:
    store.sign_ins.lock("nobody", START)
    assert store.sign_ins.count_failure("nobody") == 0
    assert store.sign_ins.credential("nobody") is None


def test_no_wrong_password_is_lost_when_many_are_tried_at_once(store: Store) -> None:
    store.sign_ins.set_password_hash("anna", "hash")
    counts: list[int] = []
    tries = [threading.Thread(target=lambda: counts.append(store.sign_ins.count_failure("anna"))) for _ in range(16)]
    for one in tries:
        one.start()
    for one in tries:
        one.join()
    assert sorted(counts) == list(range(1, 17))


def test_a_session_is_found_touched_and_ended(store: Store) -> None:
    store.sign_ins.open_session(session("a"))
    later = START + timedelta(minutes=5)
    store.sign_ins.touch_session("a" * 64, later)
    found = store.sign_ins.session("a" * 64)
    assert found == OpenSession("a" * 64, "anna", START, later, START + timedelta(hours=12))
    store.sign_ins.end_session("a" * 64)
    store.sign_ins.touch_session("a" * 64, later)
    assert store.sign_ins.session("a" * 64) is None


def test_the_sessions_of_one_account_end_together_but_one(store: Store) -> None:
    for token in "abc":
        store.sign_ins.open_session(session(token))
    store.sign_ins.open_session(session("d", "bert"))
    assert store.sign_ins.end_sessions_of("anna", but="b" * 64) == 2
    assert [store.sign_ins.session(t * 64) is not None for t in "abcd"] == [False, True, False, True]
    assert store.sign_ins.end_sessions_of("anna") == 1


def test_expired_sessions_are_forgotten(store: Store) -> None:
    store.sign_ins.open_session(session("a", hours=1))
    store.sign_ins.open_session(session("b", hours=3))
    assert store.sign_ins.forget_sessions(START + timedelta(hours=2)) == 1
    assert store.sign_ins.session("b" * 64) is not None


def test_neither_log_nor_state_nor_export_knows_them(store: Store, tmp_path: Path) -> None:
    store.append([new_event()])
    before = store.head(), store.state_digest()
    store.sign_ins.set_password_hash("anna", "$argon2id$secret")
    store.sign_ins.open_session(session("a"))
    assert (store.head(), store.state_digest()) == before
    assert store.rebuild() == before[1]
    assert store.sign_ins.credential("anna") is not None
    out = tmp_path / "events.jsonl"
    export_events(store, out, now=START)
    assert "argon2id" not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("revision", ["r0002", "r0003"])
def test_a_store_of_an_older_program_gains_the_tables(
    database_url: str, revision: str, opened: Callable[[str], Store]
) -> None:
    """What was written before is still there."""
    old = opened(database_url)
    assert isinstance(old, SqlStore)
    written = old.append([new_event(class_code="0101")])
    with old.engine.begin() as connection:
        for table in ("credentials", "sessions"):
            connection.execute(text(f"DROP TABLE {table}"))
        if revision == "r0002":
            for index in ("urgency", "due", "newest", "status", "worker"):
                connection.execute(text(f"DROP INDEX ix_entities_{index}"))
                connection.execute(text(f"CREATE INDEX ix_entities_{index} ON entities (kind, grid_code)"))
            connection.execute(text("ALTER TABLE entities DROP COLUMN class_code"))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    old.close()
    new = opened(database_url)
    assert list(new.events()) == written
    new.sign_ins.open_session(session("a"))
    assert new.sign_ins.session("a" * 64) == session("a")
    new.rebuild()
    assert new.state_digest() == new.replayed_digest()
