"""One departure window for each route: constant rates that no road is too narrow for, from the shortest horizon down.

Everybody on a route leaves evenly between its start and its end, and drives through without waiting. All routes end so
that the last vehicle is safe at the horizon; where roads have room left, rates rise evenly (max-min fair) and windows
end earlier.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from gridgov.evacuation.instance import NEVER_MS, Instance
from gridgov.evacuation.mobilisation import Curve
from gridgov.evacuation.schedule import Schedule, on_edges
from gridgov.network.validation import Floats, Int64s

_FINE = 1e-4
_MOST_TRIES = 60
_EXACT = 1e-9
_TOGETHER = 1.01
_MOST_HASTE = 50.0
_CURVE_POINTS = 400
_ALL_READY = 0.999
_LEAST_SPAN_MS = 1.0


class Routes(NamedTuple):
    """Routes with their zone, shelter and units; arcs of route i are ``arcs[first[i]:first[i + 1]]``.

    Routes of a zone stand together: those of zone z are ``zone_first[z]`` … ``zone_first[z + 1]``. `until` is the share
    of the horizon after which the last on a route are safe; the same arcs may be there with another one.
    """

    zone: Int64s
    shelter: Int64s
    units: Int64s
    first: Int64s
    arcs: Int64s
    zone_first: Int64s
    until: Floats

    @property
    def owner(self) -> Int64s:
        """The route of each entry of `arcs`."""
        return np.repeat(np.arange(len(self.zone)), np.diff(self.first))

    def row(self, i: int) -> Int64s:
        """Arcs of a route."""
        return self.arcs[self.first[i] : self.first[i + 1]]


class Spans(NamedTuple):
    """First and last moment (ms) at which each route may be left for."""

    start: Floats
    end: Floats

    @property
    def length(self) -> Floats:
        """How long people leave, ms."""
        return self.end - self.start


def before_arcs(instance: Instance, routes: Routes) -> tuple[Int64s, Int64s]:
    """Return the milliseconds from the zone to each entry of `arcs`, and the length of each route."""
    passed = np.concatenate([[0], np.cumsum(instance.tau[routes.arcs])]).astype(np.int64)
    before = passed[:-1] - np.repeat(passed[routes.first[:-1]], np.diff(routes.first))
    return before, passed[routes.first[1:]] - passed[routes.first[:-1]]


def spans(instance: Instance, routes: Routes, horizon_ms: float, ready: Curve | None) -> Spans:
    """Return from when to when each route can be left for: roads are open, people are ready, the end is in time."""
    before, length = before_arcs(instance, routes)
    end = horizon_ms * routes.until - length.astype(np.float64)
    if instance.timed:
        latest = np.full(len(routes.zone), float(NEVER_MS))
        np.minimum.at(latest, routes.owner, (instance.last_entry[routes.arcs] - before).astype(np.float64))
        end = np.minimum(end, latest)
    if ready is None:
        return Spans(np.zeros(len(end)), end)
    return Spans(_ready_start(ready, end, (instance.crowd / instance.units)[routes.zone]), end)


def _ready_start(ready: Curve, end_ms: Floats, crowd: Floats) -> Floats:
    """Return the earliest start of a constant rate until the end that never asks for more people than are ready.

    Parameters
    ----------
    crowd : float array, shape (routes,)
        How many times as many live in the zone as are moved.
    """
    last_s = max(float(end_ms.max(initial=0.0)) / 1000.0, 1.0)
    moments = np.linspace(0.0, last_s, _CURVE_POINTS)
    share = ready(moments)
    start = np.zeros(len(end_ms))
    step = moments[1]
    for moment, part in zip(moments[1:].tolist(), share[:-1].tolist(), strict=True):  # who is ready a point before
        if part >= _ALL_READY:
            break
        at = np.minimum(moment * 1000.0, end_ms)
        among = np.minimum(part * crowd, _ALL_READY)
        start = np.where(among < _ALL_READY, np.maximum(start, (at - among * end_ms) / (1.0 - among)), start)
    return np.clip(np.ceil(start), 0.0, np.maximum(end_ms, 0.0)) if step > 0 else start


def shortest_windows(instance: Instance, routes: Routes, from_ms: float, ready: Curve | None) -> Schedule | None:
    """Return the schedule of the shortest horizon, from a first guess on; None if no horizon will do."""
    live = np.flatnonzero(routes.units > 0)
    kept = _only(routes, live)
    loads = _Loads(instance, kept)
    high = max(from_ms, 1.0)
    for _ in range(_MOST_TRIES):
        peak = loads.peak(spans(instance, kept, high, ready))
        if peak <= 1 + _EXACT:
            break
        high *= min(max(peak, 1.0 + _FINE), 1.5)
    else:
        return None
    low = high / 1.5
    while high / low > 1 + _FINE:
        middle = (low * high) ** 0.5 if high / low > 1 + 4 * _FINE else (low + high) / 2
        fits = loads.peak(spans(instance, kept, middle, ready)) <= 1 + _EXACT
        low, high = (low, middle) if fits else (middle, high)
    best = spans(instance, kept, high, ready)
    return _schedule(instance, kept, best if ready is not None else loads.hastened(best))


def _only(routes: Routes, live: Int64s) -> Routes:
    """Return some of the routes."""
    return made_routes(
        len(routes.zone_first) - 1,
        routes.zone[live],
        routes.shelter[live],
        routes.units[live],
        [routes.row(i) for i in live.tolist()],
        routes.until[live],
    )


def made_routes(
    zones: int, zone: Int64s, shelter: Int64s, units: Int64s, rows: list[Int64s], until: Floats | None = None
) -> Routes:
    """Return routes from rows of arcs, ordered by zone; without `until` they are left for to the end."""
    until = np.ones(len(rows)) if until is None else until
    first = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    arcs = np.concatenate([np.zeros(0, dtype=np.int64), *rows]).astype(np.int64)
    zone_first = np.searchsorted(zone, np.arange(zones + 1)).astype(np.int64)
    return Routes(zone, shelter, units, first, arcs, zone_first, until)


class _Loads:
    """What constant rates on fixed routes put on arcs."""

    def __init__(self, instance: Instance, routes: Routes) -> None:
        self.units = routes.units.astype(np.float64)
        self.arcs, self.owner = routes.arcs, routes.owner
        self.before, _ = before_arcs(instance, routes)
        self.cap = np.minimum(instance.cap, 1e15)
        self.moving = np.diff(routes.first) > 0
        self.matrix = csr_matrix((np.ones(len(self.arcs)), (self.arcs, self.owner)), (instance.m, len(routes.zone)))

    def peak(self, window: Spans) -> float:
        """Return the largest flow over capacity of any arc at any moment; inf where a window is empty."""
        if (window.length[self.moving] < _LEAST_SPAN_MS).any():
            return np.inf
        if not len(self.arcs):
            return 0.0
        start, end = np.ceil(window.start), np.floor(window.end)
        rate = self.units / np.maximum(end - start, 1.0)
        crowded = self.matrix @ rate > self.cap
        taken = crowded[self.arcs]
        arcs, owner, before = self.arcs[taken], self.owner[taken], self.before[taken]
        arc = np.concatenate([arcs, arcs])
        moment = np.concatenate([start[owner] + before, end[owner] + before])
        change = np.concatenate([rate[owner], -rate[owner]])
        order = np.lexsort((change, moment, arc))  # at one moment those who are through come first
        load = np.cumsum(change[order] / self.cap[arc[order]])  # each arc's changes add up to nothing
        return float(load.max(initial=0.0))

    def hastened(self, window: Spans) -> Spans:
        """Raise the rates evenly where roads have room, and end windows earlier."""
        start = np.ceil(window.start)
        rate = self.units / np.maximum(np.floor(window.end) - start, 1.0)
        factor = np.zeros(len(rate))
        while (factor == 0).any():
            rising = factor == 0
            base = self.matrix @ (rate * rising)
            room = self.cap - self.matrix @ (rate * factor)
            most = np.divide(room, base, out=np.full(len(base), np.inf), where=base > 0)
            least = min(max(float(most.min(initial=np.inf)), 1.0), _MOST_HASTE)  # no roads: all are there already
            full = np.flatnonzero(most <= least * _TOGETHER)
            stops = np.zeros(len(rate), dtype=np.bool_)
            stops[self.matrix[full].indices] = True
            if least >= _MOST_HASTE or not (stops & rising).any():
                stops[:] = True
            factor[stops & rising] = least
        return Spans(start, np.minimum(start + np.ceil(self.units / (rate * factor)), np.floor(window.end)))


def _schedule(instance: Instance, routes: Routes, window: Spans) -> Schedule:
    """Return routes and their windows as a schedule on the original edges."""
    before, _ = before_arcs(instance, routes)
    first, edges, enter = on_edges(instance, routes.first, routes.arcs, before)
    start = np.ceil(window.start).astype(np.int64)
    end = np.maximum(np.floor(window.end).astype(np.int64), start + 1)
    moves = np.diff(first) > 0  # a zone with a deadline has an arc without edges before its route
    lead = np.zeros(len(start), dtype=np.int64)
    lead[moves] = enter[first[:-1][moves]]
    return Schedule(
        zone=instance.zone[routes.zone],
        shelter=instance.shelter[routes.shelter],
        first=first,
        edges=edges,
        enter_ms=enter - np.repeat(lead, np.diff(first)),
        start_ms=start + lead,
        end_ms=end + lead,
        units=routes.units,
    )
