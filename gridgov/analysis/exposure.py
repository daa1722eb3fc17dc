"""What lies in which zone, by area, by length or as a point: exact in the metric CRS, fast for zones with long borders.

Zones are cut into small pieces once; an index finds the few pieces that a grid, a parcel or a road meets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from gridgov.crs import WGS84
from gridgov.hazards.zoning import moved
from gridgov.model.hazards import Zones

_MOST_POINTS = 100  # of a piece; a border of n points costs n for every grid that it might meet
_Floats = NDArray[np.float64]
_Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Zones of a hazard, cut up and indexed, in a metric CRS.

    Attributes
    ----------
    level : int array, arrival_s : float array, shape (zones,)
    zone : int array, shape (pieces,)
        The zone of each piece.
    """

    shapes: _Shapes
    zone: NDArray[np.intp]
    level: NDArray[np.int64]
    arrival_s: _Floats
    tree: shapely.STRtree

    @property
    def n_zones(self) -> int:
        """How many zones there are."""
        return len(self.level)

    def shares(self, areas: _Shapes) -> _Floats:
        """Return the square metres of each area in each zone, shape (areas, zones)."""
        return self._measured(areas, shapely.area)

    def lengths(self, lines: _Shapes) -> _Floats:
        """Return the metres of each line in each zone, shape (lines, zones)."""
        return self._measured(lines, shapely.length)

    def points_in(self, points: _Shapes) -> NDArray[np.intp]:
        """Return the worst, and of those the earliest, zone of each point; -1 outside all."""
        found = np.full(len(points), -1, dtype=np.intp)
        point, piece = self.tree.query(points, predicate="intersects")
        zone = self.zone[piece]
        order = np.lexsort((-self.arrival_s[zone], self.level[zone]))  # the last one written counts
        found[point[order]] = zone[order]
        return found

    def _measured(self, features: _Shapes, measure: Any) -> _Floats:
        totals = np.zeros((len(features), max(self.n_zones, 1)))
        feature, piece = self.tree.query(features)
        inside = shapely.covers(self.shapes[piece], features[feature])  # prepared: far cheaper than to intersect
        size = np.zeros(len(feature))
        size[inside] = measure(features[feature[inside]])
        rest = np.flatnonzero(~inside)
        rest = rest[shapely.intersects(self.shapes[piece[rest]], features[feature[rest]])]
        size[rest] = measure(shapely.intersection(features[feature[rest]], self.shapes[piece[rest]]))
        np.add.at(totals, (feature, self.zone[piece]), size)
        return totals[:, : self.n_zones]


def pieces_of(zones: Zones, metric_crs: str) -> Pieces:
    """Return the pieces of zones."""
    areas = np.array([shape(zone.geometry) for zone in zones], dtype=object)
    metric = shapely.make_valid(moved(areas, WGS84, metric_crs)) if len(areas) else areas
    shapes, owner = [], []
    for position, area in enumerate(metric):
        small = _cut(shapely.get_parts(area))
        shapes.append(small)
        owner.append(np.full(len(small), position, dtype=np.intp))
    parts = np.concatenate(shapes) if shapes else np.zeros(0, dtype=object)
    shapely.prepare(parts)
    return Pieces(
        parts,
        np.concatenate(owner) if owner else np.zeros(0, dtype=np.intp),
        np.array([zone.level for zone in zones], dtype=np.int64),
        np.array([zone.arrival_s for zone in zones], dtype=np.float64),
        shapely.STRtree(parts),
    )


def _cut(parts: _Shapes) -> _Shapes:
    """Return areas in pieces of few points, halving each across its longer side."""
    done, todo = [], list(parts)
    while todo:
        area = todo.pop()
        if area.is_empty or shapely.get_dimensions(area) < 2:
            continue
        if shapely.get_num_coordinates(area) <= _MOST_POINTS:
            done.append(area)
            continue
        west, south, east, north = area.bounds
        middle_x, middle_y = (west + east) / 2, (south + north) / 2
        if east - west > north - south:
            halves = (west, south, middle_x, north), (middle_x, south, east, north)
        else:
            halves = (west, south, east, middle_y), (west, middle_y, east, north)
        for half in halves:
            todo.extend(shapely.get_parts(shapely.clip_by_rect(area, *half)))
    return np.array(done, dtype=object)
