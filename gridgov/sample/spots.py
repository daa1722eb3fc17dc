"""Spots: places beside streets where things stand and happen, with their block and street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.sample.fields import Floats
from gridgov.sample.river import Water
from gridgov.sample.roads import Roads
from gridgov.sample.skeleton import Street

_STEP_M = 24.0
_AWAY = {"motorway", "motorway_link"}


@dataclass(frozen=True, slots=True)
class Spots:
    """Places beside streets: position (n, 2), block, street (index), and the name of the nearest named street."""

    xy: Floats
    block: NDArray[np.int64]
    street: NDArray[np.int64]
    street_name: list[str]


def make_spots(roads: Roads, streets: list[Street], polygons: NDArray[np.object_], water: Water) -> Spots:
    """Lay a spot every 24 m on both sides of all streets, where the ground is dry and belongs to a block."""
    edges = [
        (a, b, way.street) for a, b, way in roads.edges if not way.bridge and not way.tunnel and way.klass not in _AWAY
    ]
    a = np.array([roads.xy[edge[0]] for edge in edges])
    b = np.array([roads.xy[edge[1]] for edge in edges])
    length = np.hypot(*(b - a).T)
    count = np.maximum(1, np.round(length / _STEP_M).astype(int))
    index = np.repeat(np.arange(len(edges)), count)
    step = np.concatenate([(np.arange(n) + 0.5) / n for n in count])
    along = (b - a)[index] / length[index][:, None]
    normal = np.stack([-along[:, 1], along[:, 0]], 1)
    middle = a[index] + step[:, None] * (b - a)[index]
    xy = np.concatenate([middle + 7.0 * normal, middle - 7.0 * normal])
    street = np.tile(np.array([edge[2] for edge in edges])[index], 2)
    wet = water.surface()
    shapely.prepare(wet)
    dry = ~shapely.contains_xy(wet, *xy.T)
    xy, street = xy[dry], street[dry]
    point, block = shapely.STRtree(polygons).query(shapely.points(xy), predicate="within")
    order = np.lexsort((block, point))
    first = np.unique(point[order], return_index=True)[1]
    point, block = point[order][first], block[order][first]
    return Spots(xy[point], block.astype(np.int64), street[point], _names(xy[point], street[point], streets))


def _names(xy: Floats, street: NDArray[np.int64], streets: list[Street]) -> list[str]:
    """Return each spot's street name; a lane without a name takes the nearest named street's."""
    own = [streets[s].name for s in street.tolist()]
    named = np.array([bool(name) for name in own])
    if not named.any() or named.all():
        return own
    tree = shapely.STRtree(shapely.points(xy[named]))
    nearest = tree.nearest(shapely.points(xy[~named]))
    names_of_named = [name for name in own if name]
    for place, other in zip(np.flatnonzero(~named).tolist(), nearest.tolist(), strict=True):
        own[place] = names_of_named[other]
    return own
