"""Closures on a road network: which edges a drawn geometry closes, and the network as it is at a moment.

A view is always computed from the base times, so taking a closure away restores every time bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import shape

from gridgov.errors import ParameterError
from gridgov.model.closures import GEOMETRY_DEPTHS, Closure
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.network.validation import CLOSED, Floats, Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork

LAYER = "closures"


@dataclass(frozen=True)
class PlacedClosures:
    """Closures with their edges on one network, looked up once for many moments.

    Attributes
    ----------
    closures : tuple of Closure
    edges : tuple of int64 arrays
        Edge ids of each closure.
    findings : tuple of Finding
        Closures that hit no edge (they change nothing) and those that contradict each other.
    """

    closures: tuple[Closure, ...]
    edges: tuple[Int64s, ...]
    findings: tuple[Finding, ...]

    def factors_at(self, when: datetime, n_edges: int, mode: str = "") -> Floats:
        """Return the factor of each edge at a moment: the smallest of those that hold there, 1 where none does.

        With a travel mode, closures of other modes do not count.
        """
        factors = np.ones(n_edges)
        for closure, edges in zip(self.closures, self.edges, strict=True):
            if closure.holds_at(when) and (not mode or closure.stops(mode)):
                factors[edges] = np.minimum(factors[edges], closure.factor)
        return factors

    def network_at(self, network: RoadNetwork, when: datetime) -> RoadNetwork:
        """Return the view of a moment for the network's travel mode; the network itself where nothing changes."""
        return with_factors(network, self.factors_at(when, network.n_edges, network.mode))


def with_factors(network: RoadNetwork, factors: Floats) -> RoadNetwork:
    """Return a view with a share of the usual speed for each edge, 0: closed; the network itself where all are 1.

    A share so small that the edge would take weeks, longer than a time can be, closes it, too.
    """
    times_ms = network.travel_time_ms
    too_slow = (factors < 1.0) & (times_ms != CLOSED) & (times_ms + 1.0 >= CLOSED * factors)  # 1 ms: times are rounded
    closed = np.flatnonzero((factors == 0.0) | too_slow)
    slowed = (factors < 1.0) & (factors > 0.0) & ~too_slow
    if slowed.any():
        network = network.with_speed_factors(np.where(slowed, factors, 1.0))
    return network.with_closures(closed) if len(closed) else network


def edges_cut_by(network: RoadNetwork, geometry: Mapping[str, Any]) -> Int64s:
    """Return the ids of all directed edges that a geometry cuts, in order.

    What counts is the edge as it is drawn, not its nodes: an area closes a road that passes through it even if both
    crossings lie outside. Both directions of a two-way street are cut together. An edge that an area or a line only
    touches with one of its end nodes is not cut, nor is one that runs along the border of an area; a line that ends in
    the middle of a road, or runs along it, cuts it.

    Parameters
    ----------
    network : RoadNetwork
        With coordinates.
    geometry : mapping
        GeoJSON (Multi)LineString or (Multi)Polygon, WGS 84; an area whose border crosses itself is repaired.

    Raises
    ------
    ParameterError
        The geometry is of another type or empty, or the network has no coordinates.
    """
    if geometry.get("type") not in GEOMETRY_DEPTHS:
        raise ParameterError(f"a geometry of type {geometry.get('type')!r} closes no roads; give lines or polygons")
    drawn = shapely.force_2d(shape(geometry))
    if not drawn.is_valid:
        drawn = _repaired(drawn)
    if drawn.is_empty:
        raise ParameterError("the geometry is empty, so it closes no roads; draw it again")
    return network.topology.edge_lines.cut_by(drawn)


def _repaired(drawn: Any) -> Any:
    """Return a valid geometry of the same dimension; an area of no width becomes the line that it is."""
    whole = shapely.make_valid(drawn)
    parts = shapely.get_parts(whole)
    dimensions = shapely.get_dimensions(parts)
    wanted = dimensions == min(shapely.get_dimensions(drawn), dimensions.max(initial=-1))
    return shapely.union_all(parts[wanted])


def place_closures(network: RoadNetwork, closures: Iterable[Closure]) -> PlacedClosures:
    """Find the edges of closures, and what is wrong with them.

    Raises
    ------
    ParameterError
        A closure names an edge that does not exist, or edges of another network; the sentence names the closure.
    """
    items = tuple(closures)
    edges = tuple(_edges_of(network, closure) for closure in items)
    findings = (*without_edges(items, edges), *contradictions(items, edges))
    return PlacedClosures(items, edges, findings)


def network_at(network: RoadNetwork, closures: Iterable[Closure], when: datetime) -> RoadNetwork:
    """Return the network as it is at a moment: closed and slow where closures hold.

    Parameters
    ----------
    network : RoadNetwork
        Its own closures and factors stay: factors multiply with them.
    closures : iterable of Closure
    when : datetime
        Aware.

    Returns
    -------
    RoadNetwork
        A view; the network itself where no closure holds, so that undoing is exact.
    """
    if when.tzinfo is None:
        raise ParameterError("the moment must be an aware time (with an offset), so that closures can be compared")
    holding = [closure for closure in closures if closure.holds_at(when)]
    return place_closures(network, holding).network_at(network, when) if holding else network


def _edges_of(network: RoadNetwork, closure: Closure) -> Int64s:
    if closure.geometry is not None:
        return edges_cut_by(network, closure.geometry)
    if closure.topology and closure.topology != network.topology.digest:
        raise ParameterError(
            f"closure {closure.closure_id} names edges of another road network; draw it again on this one"
        )
    if (last := max(closure.edges)) >= network.n_edges:
        raise ParameterError(
            f"closure {closure.closure_id} names edge {last}, which does not exist "
            f"(ids go from 0 to {network.n_edges - 1})"
        )
    return np.unique(np.array(closure.edges, dtype=np.int64))


def without_edges(closures: Sequence[Closure], edges: Sequence[Int64s]) -> Iterator[Finding]:
    """Yield closures that hit no edge."""
    for row, (closure, ids) in enumerate(zip(closures, edges, strict=True), start=1):
        if not len(ids):
            yield Finding(
                LAYER, row, "geometry", "closure_hits_no_edge", FindingLevel.ERROR, FindingAction.ASIDE,
                closure.closure_id,
            )  # fmt: skip


def contradictions(closures: Sequence[Closure], edges: Sequence[Int64s]) -> Iterator[Finding]:
    """Yield pairs that say different things about the same edge at the same time."""
    for first, second in _meeting(closures, edges):
        one, other = closures[first], closures[second]
        shared = np.intersect1d(edges[first], edges[second], assume_unique=True)
        stronger, weaker = (one, other) if one.factor < other.factor else (other, one)
        detail: dict[str, str | int | float] = {
            "other": weaker.closure_id, "count": len(shared), "edge": int(shared[0]),
            "factor": stronger.factor, "other_factor": weaker.factor,
        }  # fmt: skip
        yield Finding(
            LAYER, second + 1, "factor", "closure_contradiction", FindingLevel.WARNING, FindingAction.KEPT,
            stronger.closure_id, detail,
        )  # fmt: skip


def _meeting(closures: Sequence[Closure], edges: Sequence[Int64s]) -> Iterator[tuple[int, int]]:
    """Yield pairs of closures of different factors that share an edge at some moment: books hold thousands of them."""
    factor, sizes = np.array([closure.factor for closure in closures]), [len(ids) for ids in edges]
    start = np.array([-np.inf if c.valid_from is None else c.valid_from.timestamp() for c in closures])
    end = np.array([np.inf if c.valid_to is None else c.valid_to.timestamp() for c in closures])
    flat, owner = np.concatenate([np.zeros(0, dtype=np.int64), *edges]), np.repeat(np.arange(len(edges)), sizes)
    own, first_of = np.zeros(int(flat.max(initial=-1)) + 1, dtype=np.bool_), np.cumsum([0, *sizes])
    for one, mine in enumerate(edges):
        meets = (factor != factor[one]) & (start <= end[one]) & (start[one] <= end)
        meets[: one + 1] = False
        if not meets.any():
            continue
        own[mine] = True
        later = slice(int(first_of[one + 1]), None)
        for other in np.unique(owner[later][own[flat[later]] & meets[owner[later]]]).tolist():
            if closures[one].meets(closures[other]):
                yield one, other
        own[mine] = False
