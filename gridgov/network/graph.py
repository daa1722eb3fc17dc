"""From a street graph, as OSMnx makes it, to a road network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gridgov.errors import ParameterError
from gridgov.network.assembly import RoadDetails
from gridgov.network.road_network import RoadNetwork
from gridgov.network.validation import CLOSED, Floats, Int64s

if TYPE_CHECKING:
    import networkx as nx

MODE_SECONDS = {"drive": "drive_s", "ebike": "ebike_s", "walk": "walk_s"}


def network_from_graph(graph: nx.MultiDiGraph) -> RoadNetwork:
    """Make a network from a directed street graph.

    Nodes and edges are numbered in the graph's own order.

    Parameters
    ----------
    graph : networkx.MultiDiGraph
        Nodes have x and y (degrees WGS 84). Edges have ``drive_s``, ``ebike_s`` and ``walk_s``, seconds; missing, None,
        NaN or infinite where the mode may not use the edge. Optional: ``osmid``, ``highway``, ``name`` (a list where
        several ways were joined), ``length`` (metres), ``geometry`` (a LineString; straight without), ``capacity_vph``.
        A graph with OSMnx's ``travel_time`` alone is taken as one for cars.

    Returns
    -------
    RoadNetwork
        With the modes drive, ebike and walk; the view for drive.

    Raises
    ------
    ParameterError
        The graph has no edges, no travel times, or a node without coordinates.
    """
    if not graph.number_of_edges():
        raise ParameterError("the street graph has no edges; check that its source holds roads")
    number = {node: i for i, node in enumerate(graph.nodes)}
    xy = _coordinates(graph)
    ends, edges = _edges(graph, number)
    tail, head = ends
    modes = _mode_times_ms(edges)
    offsets, points = _shapes(edges, tail, head, xy)
    details: RoadDetails = {
        "names": [_words(edge.get("name")) for edge in edges],
        "highways": [_first(edge.get("highway")) for edge in edges],
        "osmid": [_id(_first(edge.get("osmid"))) for edge in edges],
        "node_osmid": [_id(node) for node in graph.nodes],
        "geometry_offsets": offsets,
        "geometry_points": points,
        "mode_times_ms": {mode: times for mode, times in modes.items() if mode != "drive"},
    }
    if all(edge.get("length") is not None for edge in edges):
        details["length_m"] = [float(edge["length"]) for edge in edges]
    capacity = None
    if all(edge.get("capacity_vph") is not None for edge in edges):
        capacity = [float(edge["capacity_vph"]) for edge in edges]
    return RoadNetwork.from_arrays(tail, head, modes["drive"], capacity, xy[:, 0], xy[:, 1], **details)


def _coordinates(graph: nx.MultiDiGraph) -> Floats:
    try:
        return np.array([(float(data["x"]), float(data["y"])) for _, data in graph.nodes(data=True)])
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(
            "a node of the street graph has no coordinates; every node needs x and y in degrees"
        ) from error


def _edges(graph: nx.MultiDiGraph, number: dict[Any, int]) -> tuple[Int64s, list[dict[str, Any]]]:
    """Return tails and heads, and the attributes of every edge."""
    rows = list(graph.edges(data=True))
    ends = np.array([(number[u], number[v]) for u, v, _ in rows], dtype=np.int64).T
    return ends, [data for _, _, data in rows]


def _mode_times_ms(edges: list[dict[str, Any]]) -> dict[str, Int64s]:
    columns = dict(MODE_SECONDS)
    if not any(column in edge for edge in edges for column in columns.values()):
        if not any("travel_time" in edge for edge in edges):
            raise ParameterError(
                "the street graph has no travel times; its edges need drive_s, ebike_s or walk_s in seconds"
            )
        columns["drive"] = "travel_time"
    return {mode: _milliseconds(edges, column) for mode, column in columns.items()}


def _milliseconds(edges: list[dict[str, Any]], column: str) -> Int64s:
    given = (edge.get(column) for edge in edges)
    seconds = np.array([math.inf if value is None else float(value) for value in given])
    usable = np.isfinite(seconds)
    bad = usable & ((seconds < 0) | (seconds * 1000 >= CLOSED))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ParameterError(f"{column} of edge {at} is {seconds[at]} s; give seconds from 0 to {CLOSED // 1000}")
    return np.where(usable, np.rint(np.where(usable, seconds, 0.0) * 1000), CLOSED).astype(np.int64)


def _shapes(edges: list[dict[str, Any]], tail: Int64s, head: Int64s, xy: Floats) -> tuple[Int64s, Floats]:
    lines = list(_lines(edges, tail, head, xy))
    offsets = np.concatenate([[0], np.cumsum([len(line) for line in lines])])
    return offsets, np.concatenate(lines)


def _lines(edges: list[dict[str, Any]], tail: Iterable[int], head: Iterable[int], xy: Floats) -> Iterator[Floats]:
    """Yield each edge's line from its tail to its head, whichever way its geometry was drawn."""
    for edge, start, end in zip(edges, tail, head, strict=True):
        geometry = edge.get("geometry")
        if geometry is None or geometry.is_empty:
            yield xy[[start, end]]
            continue
        line = np.asarray(geometry.coords)[:, :2]
        drawn_backward = start != end and (line[0] == xy[end]).all() and not (line[0] == xy[start]).all()
        yield line[::-1] if drawn_backward else line


def _first(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list | tuple) else value


def _words(value: Any) -> str:
    """Return a name; an edge joined from several streets carries all their names."""
    if isinstance(value, list | tuple):
        return " / ".join(dict.fromkeys(str(word) for word in value if word))
    return "" if value is None or value != value else str(value)  # noqa: PLR0124  # NaN is not equal to itself


def _id(value: Any) -> int:
    """Return an OpenStreetMap id, 0 where there is none or where it is no number."""
    return int(value) if isinstance(value, int | np.integer) else 0
