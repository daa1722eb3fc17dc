"""Routes that may be kept: those an unlimited plan uses most, and the cheapest at some prices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gridgov.evacuation.certificate import least_of_parallel
from gridgov.evacuation.departures import Routes, made_routes
from gridgov.evacuation.instance import Instance
from gridgov.evacuation.windows import Windows
from gridgov.network.validation import Floats, Int64s

_ROOMY = (6, 4)  # so many shelters that can take a share of the zone, and so many that can take all
_CANDIDATES = ((200, 10), (1_500, 6), (2**40, 3))  # up to so many zones: so many routes of each


class Offer(NamedTuple):
    """A route that may be of use, and the share of the horizon after which its last are safe."""

    zone: int
    shelter: int
    arcs: Int64s
    until: float = 1.0


def candidate_routes(windows: Windows) -> Routes:
    """Return the routes that an unlimited plan uses most, zone by zone."""
    found: dict[tuple[int, int, bytes], int] = {}
    rows: list[Int64s] = []
    for i in range(len(windows.zone)):
        arcs = windows.arcs[windows.first[i] : windows.first[i + 1]]
        key = (int(windows.zone[i]), int(windows.shelter[i]), arcs.tobytes())
        if key not in found:
            rows.append(arcs)
        found[key] = found.get(key, 0) + int(windows.units[i])
    zone = np.array([key[0] for key in found], dtype=np.int64)
    shelter = np.array([key[1] for key in found], dtype=np.int64)
    units = np.array(list(found.values()), dtype=np.int64)
    order = np.lexsort((-units, zone))
    rank = np.arange(len(order)) - np.searchsorted(zone[order], zone[order])
    zones = len(windows.instance.zone)
    order = order[rank < next(most for up_to, most in _CANDIDATES if zones <= up_to)]
    rows = [rows[i] for i in order]
    return made_routes(zones, zone[order], shelter[order], units[order], rows)


def shortest_routes(instance: Instance) -> Routes:
    """Return the shortest route of every zone."""
    found = cheapest_routes(instance, instance.tau.astype(np.float64), np.zeros(len(instance.shelter)))
    zone, shelter = (np.array([row[i] for row in found], dtype=np.int64) for i in (0, 1))
    return made_routes(len(instance.zone), zone, shelter, instance.units[zone], [row[2] for row in found])


def some_routes(routes: Routes, live: Int64s) -> Routes:
    """Return some of the routes."""
    rows = [routes.row(i) for i in live.tolist()]
    zones = len(routes.zone_first) - 1
    return made_routes(zones, routes.zone[live], routes.shelter[live], routes.units[live], rows, routes.until[live])


def staggered(routes: Routes, ends: tuple[float, ...]) -> Routes:
    """Return each route with every end; all its units stay with its own."""
    new = [
        Offer(int(routes.zone[i]), int(routes.shelter[i]), routes.row(i), end)
        for i in range(len(routes.zone))
        for end in ends
        if end != routes.until[i]
    ]
    return with_routes(routes, new, len(routes.zone_first) - 1)


def with_routes(routes: Routes, new: list[Offer], zones: int) -> Routes:
    """Return the routes and new ones."""
    rows = [routes.row(i) for i in range(len(routes.zone))] + [row.arcs for row in new]
    zone = np.concatenate([routes.zone, np.array([row[0] for row in new], dtype=np.int64)])
    shelter = np.concatenate([routes.shelter, np.array([row[1] for row in new], dtype=np.int64)])
    units = np.concatenate([routes.units, np.zeros(len(new), dtype=np.int64)])
    until = np.concatenate([routes.until, np.array([row.until for row in new], dtype=np.float64)])
    order = np.argsort(zone, kind="stable")
    rows = [rows[i] for i in order.tolist()]
    return made_routes(zones, zone[order], shelter[order], units[order], rows, until[order])


def roomy_routes(instance: Instance, price: Floats, zones: Int64s, most: int) -> list[Offer]:
    """Return routes of some zones to the nearest shelters that can take all, or their share, of the people there.

    The cheapest routes lead to the nearest places, and where these are few, no `most` of them are enough.
    """
    wanted: dict[int, set[int]] = {}
    away = np.full((len(instance.shelter), len(zones)), np.inf)
    nodes, tau = instance.zone_node[zones], instance.tau.astype(np.float64)
    light = least_of_parallel(instance.head, instance.tail, tau)
    graph = csr_matrix((light[2], (light[0], light[1])), shape=(instance.n, instance.n))
    for shelter, node in enumerate(instance.shelter_node.tolist()):
        away[shelter] = dijkstra(graph, indices=node)[nodes]
    order = np.argsort(away, axis=0, kind="stable")
    for i, zone in enumerate(zones.tolist()):
        near = order[np.isfinite(away[order[:, i], i]), i]
        for times, count in zip((most, 1), _ROOMY, strict=True):
            roomy = near[instance.places[near] * times >= instance.units[zone]]
            for shelter in roomy[:count].tolist():
                wanted.setdefault(shelter, set()).add(zone)
    found = []
    for shelter, asked in wanted.items():
        entry = np.where(np.arange(len(instance.shelter)) == shelter, 0.0, np.inf)
        found += cheapest_routes(instance, price, entry, sorted(asked))
    return found


def cheapest_routes(instance: Instance, price: Floats, entry: Floats, zones: list[int] | None = None) -> list[Offer]:
    """Return the cheapest route of every zone, or of some; `entry` is the price of each shelter (inf: not there)."""
    n, m = instance.n, instance.m
    tail = np.concatenate([instance.head, np.full(len(entry), n)])
    head = np.concatenate([instance.tail, instance.shelter_node])
    weight = np.concatenate([price, entry]) + 1e-18
    order = np.lexsort((weight, head, tail))
    kept = order[np.concatenate([[True], np.diff(tail[order] * (n + 1) + head[order]) != 0])]
    graph = csr_matrix((weight[kept], (tail[kept], head[kept])), shape=(n + 1, n + 1))
    distance, before = dijkstra(graph, indices=n, return_predecessors=True)
    arc_of = dict(zip((tail[kept] * (n + 1) + head[kept]).tolist(), kept.tolist(), strict=True))
    found = []
    for zone in range(len(instance.zone)) if zones is None else zones:
        start = int(instance.zone_node[zone])
        if not np.isfinite(distance[start]):
            continue
        node, arcs = start, []
        while (arc := arc_of[int(before[node]) * (n + 1) + node]) < m:
            arcs.append(arc)
            node = int(before[node])
        found.append(Offer(zone, arc - m, np.array(arcs, dtype=np.int64)))
    return found
