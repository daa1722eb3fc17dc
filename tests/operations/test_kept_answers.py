"""Answers that are kept: made once, also for two who ask at the same moment, and the oldest is forgotten."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gridgov.operations.kept_answers import KeptAnswers


def test_two_who_ask_at_once_wait_for_one_computation() -> None:
    kept, made, begun = KeptAnswers(4), [], threading.Barrier(2)

    def make() -> str:
        made.append(1)
        time.sleep(0.05)
        return "answer"

    def ask() -> str:
        begun.wait(5)
        return kept.get("question", make)

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask) for _ in range(2)]
        assert [each.result() for each in asked] == ["answer", "answer"]
    assert len(made) == 1


def test_the_oldest_answer_is_forgotten() -> None:
    kept = KeptAnswers(2)
    for number in range(3):
        assert kept.get(number, lambda number=number: number * 10) == number * 10
    assert [kept.known(number) for number in range(3)] == [None, 10, 20]


def test_a_question_that_failed_is_asked_again() -> None:
    kept = KeptAnswers(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("q", lambda: 1 // 0)
    assert kept.get("q", lambda: 7) == 7
