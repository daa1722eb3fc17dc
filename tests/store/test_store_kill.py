"""kill -9 under a write load: every acknowledged event is there afterwards, the chain verifies, state equals replay."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_cases import fold

from gridgov.model.events import verify_chain
from gridgov.store import open_store

ROUNDS = 200 if os.environ.get("GRIDGOV_SOAK") else 20
HERE = Path(__file__).resolve().parent


@contextmanager
def writers() -> Iterator[subprocess.Popen[bytes]]:
    """The program that forks writers; this very checkout is what it imports."""
    path = os.pathsep.join([str(HERE.parent.parent), str(HERE)])
    with subprocess.Popen(
        [sys.executable, str(HERE / "store_writer.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
    ) as program:
        yield program
        program.kill()


def write_and_kill(program: subprocess.Popen[bytes], url: str, acknowledgements: int) -> dict[int, str]:
    """Let a writer write, kill it after some acknowledgements, and return all that it had acknowledged by then."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{url}\n".encode())
    program.stdin.flush()
    pid, known = 0, {}
    while (line := program.stdout.readline().decode()) != "end\n":
        assert line, "the writer ended by itself"
        word, value = line.split()
        if word == "pid":
            pid = int(value)
        else:
            known[int(word)] = value
        if pid and len(known) >= acknowledgements:
            os.kill(pid, signal.SIGKILL)
            acknowledgements = sys.maxsize
    return known


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(2026)
    known: dict[int, str] = {}
    unacknowledged = 0
    with writers() as program:
        for _ in range(ROUNDS):
            known |= write_and_kill(program, database_url, rng.randint(1, 60))
            store = open_store(database_url, fold=fold)
            events = {event.seq: event.hash for event in store.events()}
            assert known.items() <= events.items()
            assert verify_chain(store.events()) is None
            assert store.state_digest() == store.replayed_digest()
            unacknowledged = len(events) - len(known)
            store.close()
    kind = database_url.partition(":")[0]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{kind}: {ROUNDS} kills, {len(known)} events acknowledged, 0 lost, {unacknowledged} more kept\n"
        )
    assert len(known) >= ROUNDS
