"""Named inputs of benchmarks: real road networks, parsed once and kept in .cache/."""

from __future__ import annotations

import lzma
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gridgov.errors import SourceError
from gridgov.network import CLOSED, RoadNetwork

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"columbus": Path("scale") / "columbus.osm.pbf", "florida": Path("scale") / "FLA.gr.xz"}


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
    tell(f"reading the roads of {name} (kept for later runs)")
    network = MAKERS[name](data)
    cached.parent.mkdir(parents=True, exist_ok=True)
    network.save(cached)
    return network


def _columbus(data: Path | None) -> RoadNetwork:
    from gridgov.layers.roads import read_osm_roads  # noqa: PLC0415  # osmnx is slow to import

    return RoadNetwork.from_graph(read_osm_roads(data_folder(data) / SOURCES["columbus"]))


def _city(_data: Path | None) -> RoadNetwork:
    """Return the roads of the largest sample."""
    from gridgov.layers.roads import read_osm_roads  # noqa: PLC0415
    from gridgov.sample import write_sample  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), size="city")
        return RoadNetwork.from_graph(read_osm_roads(Path(folder) / "roads.osm.pbf"))


def _florida(data: Path | None) -> RoadNetwork:
    """Return the roads of Florida: topology alone, both directions, 1 to 60 seconds by a fixed rule."""
    with lzma.open(data_folder(data) / SOURCES["florida"], "rt") as file:
        header = next(file).split()
        ends = np.loadtxt(file, dtype=np.int64, comments="c") - 1
    edge = np.arange(len(ends), dtype=np.uint64)
    times = ((edge * np.uint64(2654435761)) % np.uint64(2**32) % np.uint64(59_000)).astype(np.int64) + 1_000
    tail, head = np.concatenate([ends, ends[:, ::-1]]).T
    return RoadNetwork.from_arrays(tail, head, np.concatenate([times, times]), n_nodes=int(header[2]))


MAKERS: dict[str, Callable[[Path | None], RoadNetwork]] = {"columbus": _columbus, "city": _city, "florida": _florida}


def largest_strong_part(network: RoadNetwork) -> np.ndarray:
    """Return the nodes of the largest part in which everybody reaches everybody."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    usable = network.travel_time_ms != CLOSED
    ends = (network.tail[usable], network.head[usable])
    matrix = coo_array((np.ones(usable.sum()), ends), shape=(network.n_nodes, network.n_nodes))
    _, part = connected_components(matrix, connection="strong")
    return np.flatnonzero(part == np.bincount(part).argmax())
