"""The small district of the map tests, made once."""

from __future__ import annotations

import pytest
from map_source import MapSource


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> MapSource:
    return MapSource(tmp_path_factory.mktemp("district")).make()
