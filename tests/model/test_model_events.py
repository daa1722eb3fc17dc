"""Events: the hash that is written down, the one JSON form, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import ParameterError
from gridgov.model.events import (
    GENESIS_HASH,
    ChainFault,
    Event,
    NewEvent,
    canonical_json,
    chain,
    format_time,
    parse_time,
    plain_json,
    verify_chain,
)

AT = datetime(2026, 6, 30, 10, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | st.text('aé网 "\\\n'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.é", max_size=3), inner, max_size=3),
    max_leaves=8,
)


def draft(**payload: object) -> NewEvent:
    return NewEvent(AT, "李雷", "incident.filed", "I1", payload)


def nested(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def log(count: int) -> list[Event]:
    events: list[Event] = []
    for number in range(1, count + 1):
        events.append(chain(draft(n=number), number, events[-1].hash if events else GENESIS_HASH))
    return events


def test_the_hash_is_that_of_the_text_that_is_written_down() -> None:
    text = '[1,"2026-06-30T02:00:00.000005Z","李雷","incident.filed","I1",{"a":1.5,"b":"x"},"' + "0" * 64 + '"]'
    event = chain(draft(b="x", a=1.5), 1, GENESIS_HASH)
    assert event.hash == sha256(text.encode()).hexdigest()


def test_an_event_survives_its_plain_form() -> None:
    event = chain(draft(b=[1, None]), 7, "ab" * 32)
    assert Event.from_dict(json.loads(canonical_json(event.to_dict()))) == event


@given(VALUES)
def test_plain_json_is_stable_and_has_one_text(value: object) -> None:
    plain = plain_json(value)
    assert plain == value
    assert canonical_json(plain_json(json.loads(canonical_json(plain)))) == canonical_json(plain)


def test_whole_floats_become_integers_and_a_payload_is_a_copy() -> None:
    given_list = [1.0, -0.0, 2.5]
    event = draft(values=given_list)
    given_list.append(9)
    assert canonical_json(event.payload) == '{"values":[1,0,2.5]}'


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_have_one_form_that_sorts(at: datetime) -> None:
    text = format_time(at)
    assert parse_time(text) == at
    assert len(text) == 27
    assert text.endswith("Z")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"at": AT.replace(tzinfo=None)}, "no time zone"),
        ({"actor": ""}, "actor has 1 to 200"),
        ({"entity_id": "x" * 201}, "entity_id has 1 to 200"),
        ({"entity_id": "a\x00"}, "cannot be stored"),
        ({"kind": "Incident filed"}, "words joined by dots"),
        ({"payload": []}, "must be a JSON object"),
        ({"payload": {"a": float("nan")}}, "not finite"),
        ({"payload": {"a": 2**53}}, "beyond 2\\^53"),
        ({"payload": {"a": [object()]}}, "is no JSON value"),
        ({"payload": {1: 2}}, "is no text"),
        ({"payload": {"a": "\ud800"}}, "cannot be stored"),
        ({"payload": {"a": "\x00"}}, "cannot be stored"),
        ({"payload": {"a": "x" * (1 << 20)}}, "at most"),
        ({"payload": nested(5000)}, "nested deeper than 20"),
    ],
)
def test_what_no_log_could_keep_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        replace(draft(), **fields)


def test_the_first_event_that_breaks_a_chain_is_named() -> None:
    events = log(6)
    assert verify_chain(events) is None
    assert verify_chain(events[3:], after=3, after_hash=events[2].hash) is None
    assert verify_chain(events[1:]) == ChainFault(2, "number")
    assert verify_chain(events[3:], after=3) == ChainFault(4, "link")
    assert verify_chain([*events[:2], replace(events[2], actor="eve"), *events[3:]]) == ChainFault(3, "hash")
    assert verify_chain([*events[:2], *events[3:]]) == ChainFault(4, "number")
