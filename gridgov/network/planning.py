"""Which engine answers: the early-stop search or the hierarchy.

Both give the same times, so this is about speed alone. An early-stop search costs what it settles: with w workers
spread over n nodes some ``n * k / w`` nodes. The hierarchy costs the same wherever the workers are, and a little for
each of them, but once for every view its times must be put on it. So few workers on a large network ask for the
hierarchy, many for the search. Measured with prepared workers on 20,000 and 58,000 nodes, k = 5, the two meet at about
600 expected settled nodes; `python -m benchmarks network` shows both sides of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork

Engine: TypeAlias = Literal["early_stop", "hierarchy"]
EARLY_STOP: Final = "early_stop"
HIERARCHY: Final = "hierarchy"

# Nanoseconds on one 2020s core; only their ratios matter here.
_SETTLED_NODE = 130
_CLIMBED_ARC = 2
_SWEPT_ARC = 5  # for all lanes of a sweep
_LANES = 64
_LABELLED_WORKER = 60
_READ_TIME = 3
_QUESTION = 45_000  # arrays and calls around one answer of the hierarchy
_ROUTE = 5_000
_CUSTOMIZED_TRIANGLE = 2.5
_EDGE_IN_ROW = 15  # of the rows that a view's searches run on
_PREPARED_NODE = 60_000  # order, arcs and triangles; 50,000 on 20,000 nodes, 90,000 on 60,000
_PAYS_BACK = 2  # how many times its cost a hierarchy must save at once to be made without being asked for


def engine_for_nearest(network: RoadNetwork, n_workers: int, k: int, *, prepared: bool, n_incidents: int = 1) -> Engine:
    """Return who should look for the k nearest of some workers.

    Parameters
    ----------
    prepared : bool
        The workers are kept for later questions, so that it does not count what is made for the first of them: the
        view's rows or its times on the hierarchy, and labels.
    n_incidents : int
        How many questions are asked at once.
    """
    if not n_workers or not n_incidents:
        return EARLY_STOP
    settled = network.n_nodes * min(1.0, k / n_workers)
    search = n_incidents * settled * _SETTLED_NODE
    if not _is_at_hand(network, search):
        return EARLY_STOP
    climb = network.hierarchy().mean_climb * _CLIMBED_ARC
    one = _QUESTION + climb + n_workers * _LABELLED_WORKER + (min(k, n_workers) * _ROUTE if n_incidents == 1 else 0)
    labels = 0.0 if prepared else n_workers * climb + _still_to_do(network)
    return HIERARCHY if labels + n_incidents * one < search else EARLY_STOP


def engine_for_times(network: RoadNetwork, n_starts: int, n_goals: int) -> Engine:
    """Return who should make a matrix of travel times: one search for each place of the smaller side, or sweeps."""
    rows, columns = sorted((n_starts, n_goals))
    search = rows * network.n_nodes * _SETTLED_NODE
    if not rows or not _is_at_hand(network, search):
        return EARLY_STOP
    hierarchy = network.hierarchy()
    climb = hierarchy.mean_climb
    above = min(hierarchy.n_arcs, columns * climb)  # arcs above the columns
    sweeps = -(-rows // _LANES) * above * _SWEPT_ARC
    cost = _still_to_do(network) + _QUESTION + rows * climb * _CLIMBED_ARC + sweeps + rows * columns * _READ_TIME
    return HIERARCHY if cost < search else EARLY_STOP


def _still_to_do(network: RoadNetwork) -> float:
    """Return how much longer this view's times on the hierarchy would take than the rows for its searches."""
    times = 0.0 if network.has_metric else len(network.hierarchy().triangles[1]) * _CUSTOMIZED_TRIANGLE
    rows = 0.0 if network.has_rows else network.n_edges * _EDGE_IN_ROW
    return times - rows


def _is_at_hand(network: RoadNetwork, search_ns: float) -> bool:
    """Whether there is a hierarchy, or making one pays for this task alone.

    Without coordinates the order of the nodes is worse and takes longer; then it is made only when asked for.
    """
    if network.has_hierarchy:
        return True
    return network.x is not None and search_ns > _PAYS_BACK * network.n_nodes * _PREPARED_NODE
