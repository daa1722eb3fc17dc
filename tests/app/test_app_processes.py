"""Processes that a batch starts from the console read its entry again, as Python does, and must draw nothing."""

from __future__ import annotations

import operator
import sys

from gridgov.operations.batch_computing import Machines, compute_batch


def test_a_batch_starts_its_processes_where_a_page_was_drawn(desk) -> None:
    assert not desk.open("data_page").exception
    assert str(sys.modules["__main__"].__file__).endswith("main.py")
    answers = compute_batch(operator.mul, 3, [("two", 2), ("four", 4)], on=Machines(workers=1))
    assert answers == [6, 12]
