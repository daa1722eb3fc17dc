"""Fixtures of the HTTP tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Served, serve


@pytest.fixture(scope="module")
def served(village: Path) -> Iterator[Served]:
    """The server over the village; tests of a module share it and look only at what they made."""
    with serve(village) as one:
        yield one
