"""The drawn lines of all edges in a spatial index, and which edges a geometry on the map cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.network.validation import Int64s

if TYPE_CHECKING:
    from gridgov.network.topology import Topology


class EdgeLines:
    """One line for each street, whatever its directions, in degrees; made once for a topology.

    An edge without length is a point here, so that an area around it still holds it.

    Attributes
    ----------
    first_edge : int64 array, shape (streets,)
        The edge along which each line is drawn.
    """

    def __init__(self, topology: Topology) -> None:
        if topology.shape is None:
            raise ParameterError("the network has no coordinates (x, y), so no geometry can cut its edges")
        streets = topology.streets
        self._streets = streets
        edges = streets.edges_of_street[streets.first_of_street[:-1]].astype(np.int64)
        offsets, points = topology.shape
        count = offsets[edges + 1] - offsets[edges]
        line = np.repeat(np.arange(len(edges)), count)
        within = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
        self._lines: NDArray[np.object_] = np.asarray(
            shapely.linestrings(points[offsets[edges][line] + within], indices=line), dtype=object
        )
        self.first_edge = edges
        without_length = np.flatnonzero(shapely.length(self._lines) == 0.0)
        self._lines[without_length] = shapely.points(points[offsets[edges[without_length]]])
        self._tree = shapely.STRtree(self._lines)

    def cut_by(self, geometry: Any) -> Int64s:
        """Return the ids of all directed edges that a shapely geometry cuts, in order.

        An edge is cut when its line without its two ends meets the inside of an area, or any point of a line. So an
        edge that only touches an area from outside, or meets a line just at a node, is not.
        """
        touched = self._tree.query(geometry, predicate="intersects")
        if not len(touched):
            return np.zeros(0, dtype=np.int64)
        shapely.prepare(geometry)
        lines = self._lines[touched]
        if shapely.get_dimensions(geometry) == 2:
            cut = ~shapely.touches(geometry, lines)
        else:  # the end of a drawn line on the middle of a road closes it, too
            cut = shapely.relate_pattern(lines, geometry, "T********")
            cut |= shapely.relate_pattern(lines, geometry, "*T*******")
        return self._edges_of(touched[cut])

    def near(self, lon: float, lat: float, degrees: float) -> NDArray[np.intp]:
        """Return the streets whose bounding box comes within some degrees of a point, in order."""
        around = shapely.box(lon - degrees, lat - degrees, lon + degrees, lat + degrees)
        return np.sort(np.asarray(self._tree.query(around), dtype=np.intp))

    def of_streets(self, streets: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the lines of streets as drawn along `first_edge`, degrees; a point where a street has no length."""
        return np.asarray(self._lines[streets], dtype=object)

    def _edges_of(self, streets: NDArray[np.intp]) -> Int64s:
        first, edges = self._streets.first_of_street, self._streets.edges_of_street
        parts = [edges[first[street] : first[street + 1]] for street in streets]
        return np.sort(np.concatenate(parts)).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
