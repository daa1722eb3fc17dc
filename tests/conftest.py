"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from skipping import skip_here

from gridgov.network import RoadNetwork
from gridgov.operations.importing import import_sample

# A busy machine is no fault of a property: nothing in the tests is timed, benchmarks are for that.
settings.register_profile("gridgov", deadline=None)
settings.load_profile("gridgov")

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, or a skip that says why."""
    path = Path(os.environ.get("GRIDGOV_TEST_DATA", _ROOT.parent / "shared" / "data")).resolve()
    if not path.is_dir():
        skip_here(f"real data not found at {path} (set GRIDGOV_TEST_DATA)")
    return path


BLOCK_DEG_LON, BLOCK_DEG_LAT = 0.001, 0.001
BLOCK_MS = 10_000


@pytest.fixture(scope="session")
def tiny_city() -> RoadNetwork:
    """A city of 3 x 3 blocks: 16 crossings numbered row by row from the south-west, every block side 10 s long.

    All streets go both ways but the southernmost (crossings 0 → 1 → 2 → 3), which goes east only.

        12 - 13 - 14 - 15
         8 -  9 - 10 - 11
         4 -  5 -  6 -  7
         0 >  1 >  2 >  3
    """
    tail, head = [], []
    for node in range(16):
        column, row = node % 4, node // 4
        if column < 3:
            tail, head = [*tail, node], [*head, node + 1]
            if row > 0:
                tail, head = [*tail, node + 1], [*head, node]
        if row < 3:
            tail, head = [*tail, node, node + 4], [*head, node + 4, node]
    x = 118.98 + BLOCK_DEG_LON * (np.arange(16) % 4)
    y = 29.60 + BLOCK_DEG_LAT * (np.arange(16) // 4)
    return RoadNetwork.from_arrays(tail, head, [BLOCK_MS] * len(tail), x=x, y=y)


@pytest.fixture(scope="session")
def at_crossing() -> Callable[[int], tuple[float, float]]:
    """Longitude and latitude of a crossing of the tiny city."""
    return lambda node: (118.98 + BLOCK_DEG_LON * (node % 4), 29.60 + BLOCK_DEG_LAT * (node // 4))


@pytest.fixture
def make_workers(at_crossing: Callable[[int], tuple[float, float]]) -> Callable[..., gpd.GeoDataFrame]:
    """Make workers at crossings: `make_workers((5, {"status": "busy"}), 7)`."""

    def make(*items: int | tuple[int, dict[str, object]]) -> gpd.GeoDataFrame:
        rows, points = [], []
        for position, item in enumerate(items):
            node, given = (item, {}) if isinstance(item, int) else item
            rows.append(
                {"worker_id": f"W{position}", "name": f"N{position}", "mode": "drive", "status": "free", "skills": [],
                 "shift_start": "08:00", "shift_end": "16:00", **given}
            )  # fmt: skip
            points.append(at_crossing(node))
        geometry = gpd.points_from_xy([p[0] for p in points], [p[1] for p in points])
        return gpd.GeoDataFrame(rows, geometry=geometry, crs="EPSG:4326")

    return make


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hashes that cost next to nothing; the parameters of real ones are those of the library."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr("gridgov.operations.passwords.PasswordHasher", cheap)
        yield


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest sample, written and imported once; tests read it and never change it."""
    directory = tmp_path_factory.mktemp("sample") / "village"
    import_sample(directory, size="village")
    return directory
