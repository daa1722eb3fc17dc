"""Named inputs of benchmarks: real road networks, parsed once and kept in .cache/."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gridgov.errors import SourceError
from gridgov.network import CLOSED, RoadNetwork

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"columbus": Path("scale") / "columbus.osm.pbf"}


def data_folder(given: Path | None) -> Path:
    """Return the folder of real data."""
    folder = given or Path(os.environ.get("GRIDGOV_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder of real data; set GRIDGOV_TEST_DATA or use --data")
    return folder


def road_network(name: str, data: Path | None, tell: Callable[[str], None]) -> RoadNetwork:
    """Return a network by name, cars' view."""
    cached = ROOT / ".cache" / "benchmarks" / f"{name}.npz"
    if cached.is_file():
        return RoadNetwork.load(cached)
    from gridgov.layers.roads import read_osm_roads  # noqa: PLC0415  # osmnx is slow to import

    tell(f"reading the roads of {name} (kept for later runs)")
    network = RoadNetwork.from_graph(read_osm_roads(data_folder(data) / SOURCES[name]))
    cached.parent.mkdir(parents=True, exist_ok=True)
    network.save(cached)
    return network


def largest_strong_part(network: RoadNetwork) -> np.ndarray:
    """Return the nodes of the largest part in which everybody reaches everybody."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    usable = network.travel_time_ms != CLOSED
    ends = (network.tail[usable], network.head[usable])
    matrix = coo_array((np.ones(usable.sum()), ends), shape=(network.n_nodes, network.n_nodes))
    _, part = connected_components(matrix, connection="strong")
    return np.flatnonzero(part == np.bincount(part).argmax())
