"""How much: requests, reports and sign-ins in a time, bytes of a body."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import PASSWORD, Served, serve

from gridgov.api.limits import Buckets, Rates, address_of, body_limit
from gridgov.config import Settings
from gridgov.operations.photos import MAX_BYTES


class Clock:
    """Seconds that a test puts forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def limited(village: Path, clock: Clock) -> Iterator[Served]:
    rates = Rates.of(Settings(requests_per_min=30, reports_per_hour=3), clock=clock)
    with serve(village, rates=rates) as one:
        yield one


def test_a_bucket_fills_at_a_steady_rate() -> None:
    clock = Clock()
    buckets = Buckets(3, 60, clock=clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 20]
    assert buckets.take("b") == 0
    clock.now += 20
    assert (buckets.take("a"), buckets.take("a") > 0) == (0, True)
    clock.now += 3600
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]
    buckets.give_back("a")
    assert buckets.take("a") == 0


def test_only_so_many_senders_are_remembered() -> None:
    buckets = Buckets(3, 60, most=100)
    for number in range(10_000):
        buckets.take(str(number))
    assert len(buckets) == 100


def test_an_account_that_asks_too_often_waits(limited: Served, clock: Clock) -> None:
    """Others do not."""
    clock.now += 3600
    answers = [limited.ask("planner", "GET", "/session") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    assert answers[-1].headers["retry-after"] == "2"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert limited.ask("supervisor", "GET", "/session").status_code == 200
    clock.now += 2
    assert limited.ask("planner", "GET", "/session").status_code == 200


def test_an_address_without_account_reports_so_often(limited: Served, clock: Clock) -> None:
    clock.now += 3600
    assert [limited.ask("public", "POST", "/reports", json=limited.form()).status_code for _ in range(4)] == [
        201, 201, 201, 429,
    ]  # fmt: skip
    before = limited.head
    assert limited.ask("public", "POST", "/reports", json=limited.form()).status_code == 429
    assert limited.head == before
    assert limited.ask("supervisor", "POST", "/incidents", json=limited.form()).status_code == 201
    assert limited.ask("public", "GET", "/classes").status_code == 200


def test_wrong_passwords_of_an_address_are_limited_and_right_ones_are_not(limited: Served, clock: Clock) -> None:
    """In the morning a whole office signs in from one address."""
    clock.now += 3600
    right, wrong = {"account": "planner", "password": PASSWORD}, {"account": "nobody-here", "password": "x"}
    assert {limited.ask("public", "POST", "/session", json=right).status_code for _ in range(12)} == {201}
    statuses = [limited.ask("public", "POST", "/session", json=wrong).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert limited.ask("public", "POST", "/session", json=right).status_code == 429
    clock.now += 6
    assert limited.ask("public", "POST", "/session", json=right).status_code == 201


def test_a_body_over_the_limit_is_refused(limited: Served, clock: Clock) -> None:
    clock.now += 3600
    before = limited.head
    answer = limited.ask("supervisor", "POST", "/incidents", json=limited.form(description="x" * 300_000))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert limited.head == before


@pytest.mark.parametrize("path", ["/incidents", "/photos", "/positions"])
def test_a_body_that_hides_its_size_is_cut_while_it_comes(limited: Served, clock: Clock, path: str) -> None:
    clock.now += 3600
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 64 * 1024
            yield b"[" * 64 * 1024

    kind = {"Content-Type": "image/png" if path == "/photos" else "application/json"}
    answer = limited.ask("supervisor", "POST", path, content=endless(), headers=kind)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_pictures_and_positions_may_be_larger() -> None:
    assert body_limit("/api/v1/reports") == 256 * 1024
    assert body_limit("/api/v1/positions") == 1024 * 1024
    limit = body_limit("/api/v1/photos")
    assert limit is not None
    assert MAX_BYTES < limit < MAX_BYTES + 1024 * 1024


def test_an_address_is_that_of_a_subscriber() -> None:
    """IPv6 gives everybody 2^64 addresses."""
    assert address_of({"client": ("10.0.0.1", 1)}) == "10.0.0.1"
    assert address_of({"client": ("2001:db8::1", 1)}) == address_of({"client": ("2001:db8::ffff:1", 1)})
    assert address_of({"client": ("2001:db8::1", 1)}) != address_of({"client": ("2001:db8:0:1::1", 1)})
    assert address_of({"client": None}) == ""
