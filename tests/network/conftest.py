"""Networks that several tests share."""

from __future__ import annotations

import pytest
from road_cases import grid_network

from gridgov.network import RoadNetwork


@pytest.fixture(scope="session")
def block_grid() -> RoadNetwork:
    """2,500 nodes, streets of blocks, with its hierarchy."""
    return grid_network(50, 50).with_hierarchy()
