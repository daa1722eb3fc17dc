"""Checks of what a road network is made from: every fault is one sentence that says what, where and what to do."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError

Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

CLOSED = 2**31 - 1
"""The travel time (ms) that marks an edge as closed. It is a mark, never a cost."""


def frozen(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the array, contiguous and no longer writeable."""
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array


def whole_numbers(values: ArrayLike, name: str) -> Int64s:
    """Return a new one-dimensional int64 array; whole numbers written as floats are taken."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ParameterError(f"{name} has {array.ndim} dimensions; give a flat list")
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.dtype.kind == "f":
        bad = ~np.isfinite(array) | (array != np.floor(array)) | (np.abs(array) > 2**53)
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise ParameterError(f"{name} holds {array[at]} at position {at}; give whole numbers")
    elif array.dtype.kind not in "iu":
        raise ParameterError(f"{name} holds values of type {array.dtype}; give whole numbers")
    return np.array(array, dtype=np.int64)


def node_ids(values: ArrayLike, name: str, n_nodes: int) -> Int64s:
    """Return node ids that exist."""
    return _ids(values, name, n_nodes, "node")


def edge_ids(values: ArrayLike, name: str, n_edges: int) -> Int64s:
    """Return edge ids that exist."""
    return _ids(values, name, n_edges, "edge")


def _ids(values: ArrayLike, name: str, count: int, kind: str) -> Int64s:
    ids = whole_numbers(values, name)
    if ids.size and (ids.min() < 0 or ids.max() >= count):
        at = int(np.flatnonzero((ids < 0) | (ids >= count))[0])
        last = f"ids go from 0 to {count - 1}" if count else f"the network has no {kind}s"
        raise ParameterError(f"{name} names {kind} {ids[at]} at position {at}, which does not exist ({last})")
    return ids


def travel_times_ms(values: ArrayLike, name: str, n_edges: int) -> Int32s:
    """Return int32 milliseconds, one for each edge, not negative; `CLOSED` marks a closed edge."""
    times = whole_numbers(values, name)
    same_length(name, len(times), n_edges)
    if times.size and (times.min() < 0 or times.max() > CLOSED):
        at = int(np.flatnonzero((times < 0) | (times > CLOSED))[0])
        raise ParameterError(
            f"{name} of edge {at} is {times[at]}; give milliseconds from 0 to {CLOSED - 1}, {CLOSED} for a closed edge"
        )
    return times.astype(np.int32)


def decimal_numbers(values: ArrayLike, name: str) -> Floats:
    """Return a new float64 array of any shape; NaN and infinite numbers are let through."""
    try:
        return np.array(values, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:  # words, objects, rows of different lengths
        raise ParameterError(f"{name} holds something that is no number; give decimal numbers") from error


def measures(values: ArrayLike, name: str, count: int, *, minimum: float = -np.inf) -> Floats:
    """Return finite float64 values, one for each node or edge."""
    array = decimal_numbers(values, name)
    if array.ndim != 1:
        raise ParameterError(f"{name} has {array.ndim} dimensions; give a flat list")
    same_length(name, len(array), count)
    bad = ~np.isfinite(array) | (array < minimum)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        limit = "finite numbers" if minimum == -np.inf else f"numbers from {minimum:g} on"
        raise ParameterError(f"{name} is {array[at]} at position {at}; give {limit}")
    return array


def degrees(values: Floats, name: str, limit: float) -> Floats:
    """Return longitudes (limit 180) or latitudes (limit 90) if all of them lie on the Earth."""
    bad = np.abs(values) > limit
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ParameterError(
            f"{name} is {values[at]} at position {at}; give degrees WGS 84 from -{limit:g} to {limit:g}, "
            "and convert other coordinates first"
        )
    return values


def same_length(name: str, length: int, expected: int) -> None:
    """Raise unless there is one value for each."""
    if length != expected:
        raise ParameterError(f"{name} has {length} values where {expected} are needed; give one for each")


def shape_offsets(offsets: ArrayLike, n_edges: int, n_points: int) -> Int64s:
    """Return offsets of the edges' points: edge e owns points ``offsets[e]:offsets[e + 1]``, two at least."""
    array = whole_numbers(offsets, "geometry_offsets")
    same_length("geometry_offsets", len(array), n_edges + 1)
    if array[0] != 0 or array[-1] != n_points:
        raise ParameterError(f"geometry_offsets must run from 0 to {n_points}, not from {array[0]} to {array[-1]}")
    if n_edges and np.diff(array).min() < 2:
        raise ParameterError(f"the geometry of edge {int(np.argmin(np.diff(array)))} has fewer than two points")
    return array
