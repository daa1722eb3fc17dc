"""Putting a road network together from lists: everything is checked here, once; inside, arrays are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from gridgov.errors import ParameterError
from gridgov.network.topology import Shape, Topology
from gridgov.network.validation import (
    CLOSED,
    Int32s,
    Int64s,
    decimal_numbers,
    degrees,
    measures,
    node_ids,
    same_length,
    shape_offsets,
    travel_times_ms,
    whole_numbers,
)

MANY_NODES = 10_000_000
MANY_NODES_PER_EDGE_END = 100  # only beyond both are ids taken for raw ones instead of positions


class RoadDetails(TypedDict, total=False):
    """What may be said of roads beyond topology and time; every list holds one entry for each edge.

    Attributes
    ----------
    length_m : metres (default: measured along the geometry)
    names : street names; None or "" for a road without one
    highways : OpenStreetMap's class of the road
    osmid : OpenStreetMap id of the way
    node_osmid : OpenStreetMap id of each node
    geometry_offsets, geometry_points : lines of the edges from tail to head; edge e owns the (lon, lat) rows
        ``geometry_points[geometry_offsets[e]:geometry_offsets[e + 1]]`` (default: straight lines)
    mode : travel mode of `travel_time_ms` (default "drive")
    mode_times_ms : further modes -> milliseconds; 2**31 - 1 where the mode may not use the edge
    n_nodes : number of nodes (default: length of x, else the largest node id plus one, if that is not absurdly more
        than the edges have ends)
    """

    length_m: ArrayLike
    names: Sequence[str | None]
    highways: Sequence[str | None]
    osmid: ArrayLike
    node_osmid: ArrayLike
    geometry_offsets: ArrayLike
    geometry_points: ArrayLike
    mode: str
    mode_times_ms: dict[str, ArrayLike]
    n_nodes: int


def make_topology(
    tail: ArrayLike,
    head: ArrayLike,
    travel_time_ms: ArrayLike,
    capacity_vph: ArrayLike | None,
    xy: tuple[ArrayLike | None, ArrayLike | None],
    details: RoadDetails,
) -> Topology:
    """Check everything and put it together."""
    tails, heads = whole_numbers(tail, "tail"), whole_numbers(head, "head")
    same_length("head", len(heads), len(tails))
    if (xy[0] is None) != (xy[1] is None):
        raise ParameterError("x and y belong together; give both or none")
    m, n = len(tails), _count_nodes(tails, heads, xy, details.get("n_nodes"))
    if m >= CLOSED or n >= CLOSED:
        raise ParameterError("the network has more than 2,147,483,646 nodes or edges; split it")
    modes = {details.get("mode", "drive"): travel_times_ms(travel_time_ms, "travel_time_ms", m)}
    for mode, times in details.get("mode_times_ms", {}).items():
        modes[mode] = travel_times_ms(times, f"travel_time_ms of mode {mode}", m)
    x = None if xy[0] is None else degrees(measures(xy[0], "x", n), "x", 180.0)
    y = None if xy[1] is None else degrees(measures(xy[1], "y", n), "y", 90.0)
    name_of_edge, names = _words(details.get("names"), "names", m)
    highway_of_edge, highways = _words(details.get("highways"), "highways", m)
    topology = Topology(
        n_nodes=n,
        tail=node_ids(tails, "tail", n).astype(np.int32),
        head=node_ids(heads, "head", n).astype(np.int32),
        mode_times_ms=modes,
        capacity_vph=None if capacity_vph is None else measures(capacity_vph, "capacity_vph", m, minimum=0.0),
        x=x,
        y=y,
        given_length_m=measures(details["length_m"], "length_m", m, minimum=0.0) if "length_m" in details else None,
        given_shape=_shape(details, m),
        name_of_edge=name_of_edge,
        names=names,
        highway_of_edge=highway_of_edge,
        highways=highways,
        osmid=_numbers(details.get("osmid"), "osmid", m),
        node_osmid=_numbers(details.get("node_osmid"), "node_osmid", n),
    )
    freeze(topology)
    return topology


def freeze(topology: Topology) -> None:
    """Make every array of a topology read-only."""
    arrays = [*vars(topology).values(), *topology.mode_times_ms.values(), *(topology.given_shape or ())]
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)


def _count_nodes(tails: Int64s, heads: Int64s, xy: tuple[ArrayLike | None, ArrayLike | None], given: int | None) -> int:
    if given is not None:
        return int(given)
    x, y = xy
    if x is not None and y is not None:
        sizes = decimal_numbers(x, "x").size, decimal_numbers(y, "y").size
        if sizes[0] == sizes[1]:
            return sizes[0]
    # of coordinates that differ in number, neither can be trusted; the ids say which of them is wrong
    return _highest_id_plus_one(tails, heads)


def _highest_id_plus_one(tails: Int64s, heads: Int64s) -> int:
    """Return how many nodes the ids ask for; ids with absurd gaps, such as OpenStreetMap's, are refused."""
    n = int(max(tails.max(), heads.max())) + 1 if len(tails) else 0
    if n > MANY_NODES and n > MANY_NODES_PER_EDGE_END * 2 * len(tails):
        raise ParameterError(
            f"the {len(tails)} edges name nodes up to {n - 1}, which would make a network of {n} nodes; "
            "renumber the nodes 0..n-1, or give n_nodes if there are so many"
        )
    return n


def _words(values: Sequence[str | None] | None, name: str, count: int) -> tuple[Int32s | None, tuple[str, ...]]:
    """Return words as codes into a short list of them."""
    if values is None:
        return None, ()
    same_length(name, len(values), count)
    code_of: dict[str, int] = {"": 0}
    codes = [code_of.setdefault(str(value or ""), len(code_of)) for value in values]
    return np.array(codes, dtype=np.int32), tuple(code_of)


def _numbers(values: ArrayLike | None, name: str, count: int) -> Int64s | None:
    if values is None:
        return None
    numbers = whole_numbers(values, name)
    same_length(name, len(numbers), count)
    return numbers


def _shape(details: RoadDetails, m: int) -> Shape | None:
    if "geometry_points" not in details:
        return None
    points = decimal_numbers(details["geometry_points"], "geometry_points")
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ParameterError("geometry_points must be finite rows of longitude and latitude")
    degrees(points[:, 0], "the longitude of geometry_points", 180.0)
    degrees(points[:, 1], "the latitude of geometry_points", 90.0)
    if "geometry_offsets" not in details:
        raise ParameterError("geometry_points need geometry_offsets that say which rows belong to which edge")
    return Shape(shape_offsets(details["geometry_offsets"], m, len(points)), points)
