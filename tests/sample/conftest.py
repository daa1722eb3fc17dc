"""The village: the smallest sample, made once for all tests of the generator."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.sample import write_sample


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a freshly written village."""
    return write_sample(tmp_path_factory.mktemp("village"), size="village").parent
