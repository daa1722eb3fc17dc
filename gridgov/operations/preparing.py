"""Make ready what the first question about the roads would wait for; each step asks what the console will ask."""

from __future__ import annotations

from contextlib import suppress

from gridgov import dispatch
from gridgov.errors import ParameterError, StorageError
from gridgov.model import TravelMode
from gridgov.network import RoadNetwork, stored_order
from gridgov.operations.accounts import AT_THE_SHELL
from gridgov.operations.closure_effects import closure_effects
from gridgov.operations.closures import ClosureDraft
from gridgov.operations.coverage import coverage
from gridgov.operations.hours import prepare_hour
from gridgov.workspace import Workspace


def prepare_roads(workspace: Workspace) -> None:
    """Prepare the hierarchy of the roads, this hour's times on it, and what coverage and closures are compared with.

    Until it is done the plain search answers. The order of the hierarchy's nodes is kept in the workspace, so that the
    next start takes a tenth of the time.
    """
    if not workspace.has_network:
        return
    dispatch.warm_up()
    try:
        network = workspace.network()
        network.with_hierarchy(stored_order(network.topology, workspace.path / "cache"))
    except StorageError:  # a folder that cannot be written: the plain search goes on answering
        return
    for mode in TravelMode:
        _ = workspace.network(mode).metric
    prepare_hour(workspace, workspace.now())  # closures then change only what differs from it
    with suppress(StorageError):  # the store is away: whoever asks next waits a little longer
        _ask(workspace, network)


def _ask(workspace: Workspace, network: RoadNetwork) -> None:
    """Ask once for the effects of closing one street, and for the coverage; nothing is closed or kept by it."""
    if network.n_edges and len(line := network.edge_coordinates(0).tolist()) > 1:
        draft = ClosureDraft(geometry={"type": "LineString", "coordinates": line}, reason="")
        closure_effects(workspace, AT_THE_SHELL, [draft])
    if workspace.has("grids"):
        with suppress(ParameterError):  # there are no workers
            coverage(workspace, AT_THE_SHELL)
