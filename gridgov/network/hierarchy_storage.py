"""The order of a network's nodes in a file of its own: all that is slow about a hierarchy."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from gridgov.errors import ParameterError, SourceError, StorageError
from gridgov.network.hierarchy_order import checked_order, node_order
from gridgov.network.topology import Topology
from gridgov.network.validation import Int32s

FORMAT = "gridgov-order/1"


def stored_order(topology: Topology, folder: Path | str) -> Int32s:
    """Return the order of the nodes from a cache folder; what is missing or damaged is made anew and kept there.

    Parameters
    ----------
    topology : Topology
        `RoadNetwork.topology`; the file is named after its digest, so that changed roads never get an old order.
    folder : Path
        Made if it does not exist.

    Raises
    ------
    StorageError
        The order cannot be written.
    """
    path = Path(folder) / f"order-{topology.digest.removeprefix('sha256:')[:32]}.npz"
    try:
        return load_order(topology, path)
    except SourceError:
        order = node_order(topology)
        save_order(topology, order, path)
        return order


def save_order(topology: Topology, order: Int32s, path: Path) -> None:
    """Write an order; others see the whole file or none.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    facts = np.frombuffer(f"{FORMAT} {topology.digest}".encode(), dtype=np.uint8)
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(file, order=order, facts=facts)
        part.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: the order of the nodes cannot be written ({error.strerror})") from error


def load_order(topology: Topology, path: Path) -> Int32s:
    """Read an order.

    Raises
    ------
    SourceError
        The file is missing, damaged, of another version, or belongs to other roads.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            order, facts = archive["order"], bytes(archive["facts"]).decode()
        if facts != f"{FORMAT} {topology.digest}":
            raise SourceError(f"{path}: the order of other roads, or of another version; delete the file")
        return checked_order(order, topology.n_nodes)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, ParameterError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path}: no order of nodes, or damaged; it can be made again") from error
