"""A road network in one file: an uncompressed NumPy archive, read without ever unpickling anything."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gridgov.errors import SourceError, StorageError
from gridgov.network.assembly import freeze
from gridgov.network.road_network import RoadNetwork
from gridgov.network.topology import Shape, Topology

FORMAT = "gridgov-network/1"

_REQUIRED = ("tail", "head")
_OPTIONAL = ("capacity_vph", "x", "y", "given_length_m", "name_of_edge", "highway_of_edge", "osmid", "node_osmid")


def save_network(topology: Topology, mode: str, path: Path) -> None:
    """Write a network; `mode` is the view that `load_network` returns.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    arrays: dict[str, Any] = {name: getattr(topology, name) for name in (*_REQUIRED, *_OPTIONAL)}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    arrays.update({f"time_ms_{i}": times for i, times in enumerate(topology.mode_times_ms.values())})
    if topology.given_shape is not None:
        arrays.update(geometry_offsets=topology.given_shape.offsets, geometry_points=topology.given_shape.points)
    facts = {
        "format": FORMAT,
        "n_nodes": topology.n_nodes,
        "mode": mode,
        "modes": list(topology.mode_times_ms),
        "names": topology.names,
        "highways": topology.highways,
    }
    arrays["facts"] = np.frombuffer(json.dumps(facts, ensure_ascii=False).encode(), dtype=np.uint8)
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise StorageError(f"{path}: the road network cannot be written ({error.strerror})") from error


def load_network(path: Path) -> RoadNetwork:
    """Read a network.

    Raises
    ------
    SourceError
        The file is missing, damaged, or no road network of this version.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        facts = json.loads(bytes(arrays["facts"]))
        if facts["format"] != FORMAT:
            raise SourceError(
                f"{path}: a road network of format {facts['format']}, not {FORMAT}; import the roads again"
            )
        topology = _topology(arrays, facts)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; import the roads first") from error
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path}: not a road network, or damaged; import the roads again") from error
    freeze(topology)
    return RoadNetwork(topology, facts["mode"])


def _topology(arrays: dict[str, Any], facts: dict[str, Any]) -> Topology:
    shape = None
    if "geometry_points" in arrays:
        shape = Shape(arrays["geometry_offsets"], arrays["geometry_points"])
    columns: dict[str, Any] = {name: arrays[name] for name in _REQUIRED}
    columns.update({name: arrays.get(name) for name in _OPTIONAL})
    return Topology(
        n_nodes=int(facts["n_nodes"]),
        mode_times_ms={mode: arrays[f"time_ms_{i}"] for i, mode in enumerate(facts["modes"])},
        given_shape=shape,
        names=tuple(facts["names"]),
        highways=tuple(facts["highways"]),
        **columns,
    )
