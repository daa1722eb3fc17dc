"""封路上图: the roads of closures as lines, their size, the closure a click means, and the hazards to close around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.maps.closures import DrawnClosure
from gridgov.maps.framing import frame_of
from gridgov.model.closures import Closure
from gridgov.model.findings import Finding
from gridgov.model.rights import Person, Right, require
from gridgov.operations.closures import closures_of
from gridgov.workspace import Workspace

_METRES_PER_DEGREE = 111_195.0  # of a great circle of the mean Earth radius


def drawn_closures(workspace: Workspace, person: Person) -> list[DrawnClosure]:
    """Return the closures that hold now with the lines of their roads.

    Raises
    ------
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads.
    """
    placed = closures_of(workspace, person, workspace.now())
    return [
        DrawnClosure(closure, lines_of_edges(workspace, edges))
        for closure, edges in zip(placed.closures, placed.edges, strict=True)
    ]


def lines_of_edges(workspace: Workspace, edges: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return the lines of edges, one for both directions of a street, degrees."""
    network = workspace.network()
    _, first = np.unique(network.topology.streets.street_of_edge[edges], return_index=True)
    return [network.edge_coordinates(int(edge)) for edge in edges[np.sort(first)]]


@dataclass(frozen=True)
class RoadsSize:
    """How much of the roads some edges are.

    Attributes
    ----------
    streets : int
        Two directions of a road count as one.
    length_m : float
        Of these.
    view : ((lat, lon), zoom) or None
        Shows them all; None where there are none.
    """

    streets: int
    length_m: float
    view: tuple[tuple[float, float], int] | None


def roads_size(workspace: Workspace, edges: NDArray[np.int64]) -> RoadsSize:
    """Return how many roads edges are, how long, and where."""
    network, lines = workspace.network(), lines_of_edges(workspace, edges)
    if not lines:
        return RoadsSize(0, 0.0, None)
    _, first = np.unique(network.topology.streets.street_of_edge[edges], return_index=True)
    points = np.concatenate(lines)
    (west, south), (east, north) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    length_m = float(network.length_m[edges[first]].sum())
    return RoadsSize(len(first), length_m, frame_of((west, south, east, north)))


@dataclass(frozen=True)
class ListedClosure:
    """A closure as a list shows it.

    Attributes
    ----------
    group : str
        ``holding``, ``planned`` or ``past``.
    size : RoadsSize
        How much of the roads it is.
    findings : tuple of Finding
        What is odd about it, alone or beside the others.
    """

    closure: Closure
    group: str
    size: RoadsSize
    findings: tuple[Finding, ...]


def listed_closures(workspace: Workspace, person: Person) -> tuple[ListedClosure, ...]:
    """Return the closures on the books, those that begin last first.

    Raises
    ------
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads.
    """
    placed, now = closures_of(workspace, person), workspace.now()
    sizes = workspace.cached("closure sizes", dict[str, RoadsSize])
    listed = []
    for closure, edges in zip(placed.closures, placed.edges, strict=True):
        number = closure.closure_id
        if number not in sizes:  # a closure never changes
            sizes[number] = roads_size(workspace, edges)
        odd = tuple(found for found in placed.findings if number in (found.key, found.detail.get("other")))
        over = closure.valid_to is not None and closure.valid_to <= now
        group = "past" if over else "holding" if closure.holds_at(now) else "planned"
        listed.append(ListedClosure(closure, group, sizes[number], odd))
    since = datetime.min.replace(tzinfo=UTC)
    return tuple(sorted(listed, key=lambda each: each.closure.valid_from or since, reverse=True))


def closure_near(workspace: Workspace, person: Person, lon: float, lat: float, *, within_m: float) -> str | None:
    """Return the id of the closure that holds now and has a road nearest to a point, or None if none is so near.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    scale = np.array([np.cos(np.radians(lat)), 1.0]) * _METRES_PER_DEGREE
    here, best, least = shapely.Point(0.0, 0.0), None, within_m
    for drawn in drawn_closures(workspace, person):
        lines = [shapely.LineString((line - (lon, lat)) * scale) for line in drawn.lines if len(line) > 1]
        distance = min((line.distance(here) for line in lines), default=np.inf)
        if distance <= least:
            best, least = drawn.closure.closure_id, distance
    return best


@dataclass(frozen=True)
class Hazard:
    """A hazard with an area; `geometry` is GeoJSON, WGS 84, `category_names` by language."""

    hazard_id: str
    name: str
    category_names: Mapping[str, str]
    geometry: Mapping[str, Any]


def hazard_areas(workspace: Workspace, person: Person) -> tuple[Hazard, ...]:
    """Return the hazards of all layers that have an area, by name.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    return workspace.cached("hazard areas", lambda: _hazard_areas(workspace))


def _hazard_areas(workspace: Workspace) -> tuple[Hazard, ...]:
    found = []
    for layer_id in workspace.of_kind("hazards"):
        names = workspace.spec(layer_id).class_names
        frame = workspace.layer(layer_id)
        areas = frame[frame.geom_type.isin(["Polygon", "MultiPolygon"])]
        for row in areas.to_dict("records"):
            area = shapely.geometry.mapping(row[frame.geometry.name])
            category = names.get(str(row.get("category")), {})
            found.append(Hazard(str(row["hazard_id"]), str(row.get("name") or ""), category, area))
    return tuple(sorted(found, key=lambda hazard: (hazard.name, hazard.hazard_id)))
