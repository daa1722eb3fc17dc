"""Running a compiled search over many rows in several threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from gridgov.errors import ParameterError

_CHUNKS_PER_THREAD = 4  # so that a thread with far incidents does not keep the others waiting


def run_in_threads(search: Any, n_rows: int, threads: int | None) -> int:
    """Run a compiled search over parts of the rows, and return how many threads were used.

    Threads of Python's own and not numba's, since those must not be entered by two threads of a server at once.
    """
    if threads is not None and threads < 1:
        raise ParameterError(f"threads must be at least 1, not {threads}")
    used = max(1, min(threads or processors(), n_rows))
    if used == 1:
        search(slice(0, n_rows))
        return used
    cuts = np.linspace(0, n_rows, min(n_rows, used * _CHUNKS_PER_THREAD) + 1).astype(int)
    with ThreadPoolExecutor(used) as pool:
        list(pool.map(search, (slice(a, b) for a, b in pairwise(cuts.tolist()))))
    return used


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
