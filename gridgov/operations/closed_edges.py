"""Which roads differ between two moments or scenarios, with their lines for the map, lengths and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.model import TravelMode
from gridgov.network import CLOSED, RoadNetwork
from gridgov.network.validation import Int64s

MOST_LINES = 3_000
MOST_NAMES = 50
KINDS = ("closed", "slower", "opened", "faster")


@dataclass(frozen=True)
class ClosedEdges:
    """Roads that differ for at least one travel mode.

    Attributes
    ----------
    edge_id : int64 array, shape (n,)
        Directed edges.
    kind : array of str
        ``closed``, ``slower``, ``opened``, ``faster``: what happens to each.
    streets : int
        Two directions of a road count as one.
    length_m : float
        Of these streets.
    names : tuple of str
        Of streets that have one, in order; at most `MOST_NAMES`.
    """

    network: RoadNetwork
    edge_id: Int64s
    kind: NDArray[np.object_]
    streets: int
    length_m: float
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.edge_id)

    @cached_property
    def geojson(self) -> dict[str, Any]:
        """The lines as a GeoJSON FeatureCollection, one for each kind; at most `MOST_LINES` streets in all."""
        streets, first = np.unique(self.network.topology.streets.street_of_edge[self.edge_id], return_index=True)
        kinds = self.kind[first[:MOST_LINES]]
        lines = self.network.topology.edge_lines.of_streets(np.asarray(streets[:MOST_LINES], dtype=np.intp))
        drawn = shapely.get_dimensions(lines) == 1
        features = []
        for kind in KINDS:
            parts = lines[drawn & (kinds == kind)]
            if len(parts):
                shown = [np.round(shapely.get_coordinates(part), 7).tolist() for part in parts]
                geometry = {"type": "MultiLineString", "coordinates": shown}
                features.append({"type": "Feature", "properties": {"kind": kind}, "geometry": geometry})
        return {"type": "FeatureCollection", "features": features}


def changed_edges(before: Mapping[TravelMode, RoadNetwork], after: Mapping[TravelMode, RoadNetwork]) -> ClosedEdges:
    """Return the edges whose times differ for some travel mode; what is worst for one of them counts."""
    network = after[TravelMode.DRIVE]
    kind = np.full(network.n_edges, "", dtype=object)
    for mode in TravelMode:
        old, new = before[mode].travel_time_ms, after[mode].travel_time_ms
        for code, hit in (
            ("faster", (new < old) & (old != CLOSED)),
            ("opened", (old == CLOSED) & (new != CLOSED)),
            ("slower", (new > old) & (new != CLOSED)),
            ("closed", (new == CLOSED) & (old != CLOSED)),
        ):
            rank = KINDS.index(code)
            rows = np.flatnonzero(hit)
            kind[rows] = [code if not have or rank < KINDS.index(have) else have for have in kind[rows]]
    edges = np.flatnonzero(kind != "").astype(np.int64)
    return _described(network, edges, kind[edges])


def _described(network: RoadNetwork, edges: Int64s, kind: NDArray[np.object_]) -> ClosedEdges:
    _, first = np.unique(network.topology.streets.street_of_edge[edges], return_index=True)
    length_m = float(np.nansum(network.length_m[edges[first]]))
    names = sorted({network.street_name(int(edge)) for edge in edges[first]} - {""})[:MOST_NAMES]
    return ClosedEdges(network, edges, kind, len(first), length_m, tuple(names))
