"""等时圈: what of the roads lies within some minutes, cut to the point, and the areas around it.

Every road is reached from its ends and from the sources on it; on a two-way street both directions count, and a point
belongs to the first band in which anybody can be there. A partly reached road is cut where the time is used up, in
proportion to its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.crs import WGS84, metric_crs
from gridgov.errors import ParameterError
from gridgov.network import kernels
from gridgov.network.places import Locations
from gridgov.network.reaching import Direction, Reach, reach
from gridgov.network.validation import CLOSED, Floats, Int64s

if TYPE_CHECKING:
    import geopandas as gpd

    from gridgov.network.road_network import RoadNetwork

BESIDE_ROAD_M = 60.0
FILLED_M2 = 40_000.0
_CORNER_SEGMENTS = 3

Interval = tuple[float, float]


@dataclass(frozen=True)
class Isochrones:
    """Roads within reach of some sources, by bands of time.

    Attributes
    ----------
    direction : "from" (trips start at the sources) or "to"
    limits_ms : tuple of int
        Ends of the bands, ascending.
    pieces : GeoDataFrame, WGS 84
        One row for each reached piece of a road: limit_s (of its band: within this time, not within the one before),
        edge_id (along whose line it is drawn), from_fraction, to_fraction, length_m, geometry.
    """

    direction: Direction
    limits_ms: tuple[int, ...]
    pieces: gpd.GeoDataFrame

    def areas(self, *, beside_road_m: float = BESIDE_ROAD_M, filled_m2: float = FILLED_M2) -> gpd.GeoDataFrame:
        """Return one area for each limit; the area of a shorter time lies within that of a longer one.

        All pieces up to the limit are widened by `beside_road_m` on both sides in the metric CRS, joined, and holes
        smaller than `filled_m2` (blocks between reached streets) are filled. So an area says "beside a reached road",
        not "as the crow flies".

        Returns
        -------
        GeoDataFrame, WGS 84
            limit_s, area_km2 (measured in the metric CRS), roads_km, geometry (MultiPolygon, empty where nothing is
            reached).
        """
        if not beside_road_m > 0:
            raise ParameterError(f"beside_road_m is {beside_road_m}; give metres above 0")
        import geopandas as gpd  # noqa: PLC0415  # slow to import

        lon, lat = self._middle()
        crs = metric_crs(lon, lat)
        metric = self.pieces.geometry.to_crs(crs)
        limit_s = self.pieces["limit_s"].to_numpy()
        length_m = self.pieces["length_m"].to_numpy()
        joined, rows = shapely.MultiPolygon(), []
        for limit_ms in self.limits_ms:
            new = limit_s == limit_ms / 1000
            joined = shapely.union(joined, _widened(metric.array[new], beside_road_m))
            area = _without_small_holes(joined, filled_m2)
            rows.append((limit_ms / 1000, area.area / 1e6, length_m[limit_s <= limit_ms / 1000].sum() / 1000, area))
        columns = dict(
            zip(("limit_s", "area_km2", "roads_km", "geometry"), map(list, zip(*rows, strict=True)), strict=True)
        )
        return gpd.GeoDataFrame(columns, geometry="geometry", crs=crs).to_crs(WGS84)

    def _middle(self) -> tuple[float, float]:
        if not len(self.pieces):
            return 0.0, 0.0
        west, south, east, north = self.pieces.total_bounds
        return float(west + east) / 2, float(south + north) / 2


def isochrones(
    network: RoadNetwork, sources: Locations, limits_s: Sequence[float], *, direction: Direction = "from"
) -> Isochrones:
    """Return what of the roads lies within some times of the nearest source.

    Parameters
    ----------
    network : RoadNetwork
        With coordinates.
    sources : sequence of int or Place, or Places
    limits_s : sequence of float
        Ends of the bands in seconds, in any order.
    direction : "from" or "to"

    Raises
    ------
    ParameterError
        No limit, or one that is not above 0; the network has no coordinates.
    """
    limits = sorted({round(limit * 1000) for limit in limits_s if limit > 0})
    if not limits or len(limits) < len(limits_s):
        raise ParameterError(f"the limits are {list(limits_s)}; give different times above 0, in seconds")
    if network.topology.shape is None:
        raise ParameterError("the network has no coordinates (x, y), so nothing can be drawn on it")
    within = reach(network, sources, direction=direction, limit_ms=limits[-1])
    rows = [*_pieces(network, within, limits)]
    band, street, start, end = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.lexsort((start, street, band))
    pieces = _frame(network, np.array(limits)[band[order]], street[order], start[order], end[order])
    return Isochrones(direction, tuple(limits), pieces)


Columns = tuple[Int64s, Int64s, Floats, Floats]  # band, street, from, to


def _pieces(network: RoadNetwork, within: Reach, limits: list[int]) -> Iterator[Columns]:
    """Yield the reached pieces of all streets."""
    streets = network.topology.streets
    n_streets = len(streets.first_of_street) - 1
    special = _own_intervals(network, within, limits)
    usual = np.ones(n_streets, dtype=np.bool_)
    usual[list(special)] = False
    low_before, high_before = np.zeros(n_streets), np.ones(n_streets)
    for band, limit in enumerate(limits):
        low, high = _from_both_ends(network, within, limit, n_streets)
        met = low >= high
        left_end = np.where(met, high_before, low)
        for start, end in ((low_before, left_end), (np.where(met, high_before, high), high_before)):
            new = np.flatnonzero(usual & (end > start) & (low_before < high_before))
            yield np.full(len(new), band), new.astype(np.int64), start[new], end[new]
        low_before, high_before = np.where(met, 1.0, low), np.where(met, 1.0, high)
        yield _special_pieces(special, band)


def _from_both_ends(network: RoadNetwork, within: Reach, limit: int, n_streets: int) -> tuple[Floats, Floats]:
    """Return up to where each street is reached from its start, and from where on from its end."""
    streets = network.topology.streets
    edges = np.flatnonzero(network.travel_time_ms != CLOSED)
    share = _share(network, within, edges, limit)
    from_start = streets.flipped[edges] == (within.direction == "to")
    street = streets.street_of_edge[edges]
    low, high = np.zeros(n_streets), np.ones(n_streets)
    np.maximum.at(low, street[from_start], share[from_start])
    np.minimum.at(high, street[~from_start], 1.0 - share[~from_start])
    return low, high


def _share(network: RoadNetwork, within: Reach, edges: NDArray[np.intp], limit: int) -> Floats:
    """Return which share of each edge can be done from the node where it is entered."""
    node = network.tail[edges] if within.direction == "from" else network.head[edges]
    time = within.node_time_ms[node]
    left = np.where(time >= 0, limit - time, -1)
    whole = network.travel_time_ms[edges].astype(np.float64)
    share = np.divide(left, whole, out=np.ones(len(edges)), where=whole > 0)
    return np.where(left < 0, 0.0, np.clip(share, 0.0, 1.0))


def _own_intervals(network: RoadNetwork, within: Reach, limits: list[int]) -> dict[int, list[list[Interval]]]:
    """Return for the streets with sources on them the disjoint intervals reached within each limit."""
    streets, seeds = network.topology.streets, within.seeds
    found: dict[int, list[list[Interval]]] = {}
    table = seeds.table
    for seed in np.flatnonzero(table[:, kernels.EDGE] >= 0).tolist():
        street = int(streets.street_of_edge[table[seed, kernels.EDGE]])
        parts = found.setdefault(street, [[] for _ in limits])
        own = float(seeds.positions[seed])
        at = own if within.direction == "from" else 1.0 - own
        whole = int(table[seed, kernels.WHOLE])
        gone = whole - int(table[seed, kernels.OFFSET])
        forward = bool(streets.flipped[table[seed, kernels.EDGE]]) == (within.direction == "to")
        for part, limit in zip(parts, limits, strict=True):
            end = max(at, min(1.0, (limit + gone) / whole)) if whole else 1.0
            part.append((at, end) if forward else (1.0 - end, 1.0 - at))
    for street, parts in found.items():
        edges = streets.edges_of_street[streets.first_of_street[street] : streets.first_of_street[street + 1]]
        edges = edges[network.travel_time_ms[edges] != CLOSED]
        for part, limit in zip(parts, limits, strict=True):
            for edge, share in zip(edges, _share(network, within, edges, limit).tolist(), strict=True):
                forward = bool(streets.flipped[edge]) == (within.direction == "to")
                part.append((0.0, share) if forward else (1.0 - share, 1.0))
    return {street: [_disjoint(part) for part in parts] for street, parts in found.items()}


def _disjoint(intervals: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > start:
            joined.append((start, end))
    return joined


def _special_pieces(special: dict[int, list[list[Interval]]], band: int) -> Columns:
    """Return what a band adds to the one before it."""
    rows = [
        (street, start, end)
        for street, parts in special.items()
        for start, end in _left_over(parts[band], parts[band - 1] if band else [])
    ]
    street, start, end = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return np.full(len(rows), band), street.astype(np.int64), start, end


def _left_over(intervals: list[Interval], without: list[Interval]) -> Iterator[Interval]:
    for start, end in intervals:
        at = start
        for gap_start, gap_end in without:
            if gap_end <= at or gap_start >= end:
                continue
            if gap_start > at:
                yield at, gap_start
            at = max(at, gap_end)
        if at < end:
            yield at, end


def _frame(network: RoadNetwork, limit_ms: Int64s, street: Int64s, start: Floats, end: Floats) -> gpd.GeoDataFrame:
    import geopandas as gpd  # noqa: PLC0415  # slow to import

    index = network.topology.edge_lines
    lines = index.of_streets(street)
    edge = index.first_edge[street]
    for row in np.flatnonzero((start > 0.0) | (end < 1.0)).tolist():
        if shapely.get_dimensions(lines[row]) == 1:
            lines[row] = shapely.LineString(_cut(network, int(edge[row]), float(start[row]), float(end[row])))
    drawn = np.asarray(shapely.get_dimensions(lines) == 1)
    columns = {
        "limit_s": limit_ms / 1000,
        "edge_id": edge,
        "from_fraction": start,
        "to_fraction": end,
        "length_m": network.length_m[edge] * (end - start),
    }
    return gpd.GeoDataFrame({name: column[drawn] for name, column in columns.items()}, geometry=lines[drawn], crs=WGS84)


def _cut(network: RoadNetwork, edge: int, start: float, end: float) -> Floats:
    line = network.edge_coordinates(edge)
    along = network.shares(line)
    inner = line[(along > start) & (along < end)]
    ends = [[np.interp(share, along, line[:, axis]) for axis in (0, 1)] for share in (start, end)]
    return np.concatenate([ends[:1], inner, ends[1:]])


def _widened(lines: NDArray[np.object_], beside_road_m: float) -> shapely.Geometry:
    """Return the joined areas beside lines; a tenth of the width is not visible, so corners are that coarse."""
    simple = shapely.simplify(np.asarray(lines, dtype=object), beside_road_m / 10, preserve_topology=False)
    return shapely.union_all(shapely.buffer(simple, beside_road_m, quad_segs=_CORNER_SEGMENTS))


def _without_small_holes(area: shapely.Geometry, filled_m2: float) -> shapely.MultiPolygon:
    parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    kept = [
        shapely.Polygon(part.exterior, [ring for ring in part.interiors if shapely.Polygon(ring).area >= filled_m2])
        for part in parts
    ]
    return cast("shapely.MultiPolygon", shapely.MultiPolygon(kept))
