"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or a skip that says why."""
    path = Path(os.environ.get("GRIDGOV_TEST_DATA", _ROOT.parent / "shared" / "data")).resolve()
    if not path.is_dir():
        pytest.skip(f"real data not found at {path} (set GRIDGOV_TEST_DATA)")
    return path
