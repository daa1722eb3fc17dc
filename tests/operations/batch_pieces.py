"""What the tests of batches let workers do; workers import it by its name."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gridgov.errors import ParameterError


def doubled(shared: int, piece: int) -> int:
    """A piece that takes a moment, the first ones longer than the last ones."""
    time.sleep(max(0.0, 0.02 - 0.004 * piece))
    return shared * piece


def slow(shared: float, piece: int) -> int:
    time.sleep(shared)
    return piece


def refused(shared: None, piece: int) -> int:
    if piece == 2:
        raise ParameterError("the street is -3 m long; give a length above 0")
    return piece


def broken(shared: None, piece: int) -> float:
    return 1 / piece


def dying(shared: str, piece: int) -> int:
    """A worker dies over piece 1: once where a file is named that is not there yet, else each time."""
    if piece == 1 and not (shared and Path(shared).exists()):
        if shared:
            Path(shared).touch()
        os._exit(9)
    return piece
