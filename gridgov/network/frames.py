"""The edges of a road network as a frame, for drawing and for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gridgov.crs import WGS84
from gridgov.errors import ParameterError
from gridgov.network.validation import CLOSED, Int32s, Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork


def edges_frame(network: RoadNetwork, *, collapse_twins: bool = True) -> gpd.GeoDataFrame:
    """Return the edges with their lines.

    Parameters
    ----------
    network : RoadNetwork
    collapse_twins : bool
        One row for edges that share one line (both directions of a street); else one row for each edge.

    Returns
    -------
    GeoDataFrame, WGS 84
        edge_id (the first one's), tail, head, name, highway, length (m), modes (``drive;ebike;walk``: who may use
        any of the row's edges), oneway (some mode may use the line in one direction only), travel_time_s (of the
        view's mode, NaN where it may not use the edge), geometry.

    Raises
    ------
    ParameterError
        The network has no coordinates.
    """
    topology = network.topology
    if topology.shape is None:
        raise ParameterError("the network has no coordinates (x, y), so it cannot be drawn")
    edges = np.arange(network.n_edges)
    if collapse_twins:
        edges = np.sort(topology.streets.edges_of_street[topology.streets.first_of_street[:-1]]).astype(np.int64)
    lines = shapely.linestrings(
        topology.shape.points, indices=np.repeat(np.arange(network.n_edges), np.diff(topology.shape.offsets))
    )
    times = network.travel_time_ms[edges]
    return gpd.GeoDataFrame(
        {
            "edge_id": edges,
            "tail": network.tail[edges],
            "head": network.head[edges],
            "name": _words(topology.name_of_edge, topology.names, edges),
            "highway": _words(topology.highway_of_edge, topology.highways, edges),
            "length": network.length_m[edges],
            "modes": _modes(network, edges, collapse=collapse_twins),
            "oneway": _oneway(network)[edges],
            "travel_time_s": np.where(times == CLOSED, np.nan, times / 1000.0),
        },
        geometry=lines[edges],
        crs=WGS84,
    )


def _words(codes: Int32s | None, words: tuple[str, ...], edges: Int64s) -> list[str]:
    return [""] * len(edges) if codes is None else [words[code] for code in codes[edges]]


def _modes(network: RoadNetwork, edges: Int64s, *, collapse: bool) -> list[str]:
    street = network.topology.streets.street_of_edge
    columns = []
    for times in network.topology.mode_times_ms.values():
        allowed = times != CLOSED
        if collapse:
            allowed = np.bincount(street, weights=allowed)[street] > 0
        columns.append(allowed[edges])
    return [
        ";".join(mode for mode, may in zip(network.modes, row, strict=True) if may) for row in np.column_stack(columns)
    ]


def _oneway(network: RoadNetwork) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each edge whether some mode may use its line in one direction only."""
    streets = network.topology.streets
    n_streets = len(streets.first_of_street) - 1
    oneway = np.zeros(n_streets, dtype=np.bool_)
    for times in network.topology.mode_times_ms.values():
        with_line, against = (
            np.bincount(
                streets.street_of_edge, weights=(times != CLOSED) & (streets.flipped == way), minlength=n_streets
            )
            > 0
            for way in (False, True)
        )
        oneway |= with_line != against
    return oneway[streets.street_of_edge]
