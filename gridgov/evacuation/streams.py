"""Streams: routes with constant rates that arrive together, and the room that they leave on the roads before.

Where clearing takes much longer than driving, roads that hold everybody up must be busy until the last moment. Streams
at constant rates do that in continuous time, without any rounding: each leaves its zone so that it arrives when all
others do, and ends so that its last vehicle arrives at the end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridgov.evacuation.expansion import Expansion
from gridgov.evacuation.instance import Instance
from gridgov.evacuation.schedule import Schedule, Ways, steady_schedule
from gridgov.evacuation.windows import Windows
from gridgov.network.validation import Floats, Int64s

_FITTING = 4  # rounds of cutting streams down to the persons and places that there are


class Streams(NamedTuple):
    """Routes (rows of `ways`) with `rate` units per ms, left from `start_ms` to `end_ms`."""

    ways: Ways
    rate: Floats
    start_ms: Int64s
    end_ms: Int64s

    @property
    def units(self) -> Int64s:
        """Units of each stream."""
        return np.floor(self.rate * (self.end_ms - self.start_ms)).astype(np.int64)

    @property
    def zone_units(self) -> Int64s:
        """Units that leave each zone."""
        return _sums(self.ways.zone, self.units, len(self.ways.instance.zone))

    @property
    def shelter_units(self) -> Int64s:
        """Units that come to each shelter."""
        return _sums(self.ways.shelter, self.units, len(self.ways.instance.shelter))

    def schedule(self) -> Schedule:
        """Return the streams that anybody is in as a schedule."""
        rows = steady_schedule(self.ways._replace(units=self.units), 1)
        return rows._replace(start_ms=self.start_ms, end_ms=self.end_ms).only(self.units > 0)


def _sums(owner: Int64s, units: Int64s, count: int) -> Int64s:
    return np.bincount(owner, weights=units, minlength=count).astype(np.int64)


def travel_ms(ways: Ways) -> Int64s:
    """Return the milliseconds of each route."""
    rows = np.repeat(np.arange(len(ways.units)), np.diff(ways.first))
    return np.bincount(rows, weights=ways.instance.tau[ways.arcs], minlength=len(ways.units)).astype(np.int64)


def streams_of(ways: Ways, together_ms: float, horizon_ms: float) -> Streams:
    """Return routes as streams that bring their units between the moment when all arrive and the horizon.

    Routes that take longer begin at once; they send faster where there is room on the way. Nobody is sent twice, and
    no shelter gets more than it holds: streams are cut down to that.
    """
    travel = travel_ms(ways)
    start = np.maximum(together_ms - travel, 0.0).astype(np.int64)
    end = np.maximum((horizon_ms - travel).astype(np.int64), start + 1)
    rate = ways.units / (horizon_ms - together_ms)
    rate = _hurried(ways, rate, ways.units / (end - start), np.flatnonzero(travel > together_ms), travel)
    rate = np.where(horizon_ms - travel > start, rate, 0.0)
    return fitted(Streams(ways, rate, start, end))


def fitted(streams: Streams) -> Streams:
    """Return streams cut down to the persons and places that there are."""
    ways = streams.ways
    for _ in range(_FITTING):
        over = _share(ways.instance.units, streams.zone_units)[ways.zone]
        streams = streams._replace(rate=streams.rate * over)
        over = _share(ways.instance.places, streams.shelter_units)[ways.shelter]
        streams = streams._replace(rate=streams.rate * over)
    return streams


def _share(most: Int64s, given: Int64s) -> Floats:
    """Return by what each has to be multiplied so that it is not above its most."""
    return np.where(given > most, (1 - 1e-9) * most / np.maximum(given, 1), 1.0)


def _hurried(ways: Ways, rate: Floats, wanted: Floats, late: Int64s, travel: Int64s) -> Floats:
    """Raise the rates of late routes, the longest first, as far as the roads allow."""
    instance, rate = ways.instance, rate.copy()
    per_ms = instance.cap * (1 - 1e-9)
    room = per_ms - np.bincount(ways.arcs, np.repeat(rate, np.diff(ways.first)), instance.m)
    for row in late[np.argsort(-travel[late], kind="stable")].tolist():
        arcs = ways.arcs[ways.first[row] : ways.first[row + 1]]
        more = max(min(float(wanted[row] - rate[row]), float(room[arcs].min())), 0.0)
        rate[row] += more
        room[arcs] -= more
    return rate


def load_of(streams: Streams, clock: Int64s, step_ms: int, steps: int) -> Floats:
    """Return the units per ms of the streams on each arc in each of the first steps of its clock.

    A stream counts from the step in which it begins, and never ends: before all have arrived none does.
    """
    ways, instance = streams.ways, streams.ways.instance
    arcs, size = ways.arcs, np.diff(ways.first)
    passed = np.cumsum(instance.tau[arcs]) - instance.tau[arcs]
    before = passed - np.repeat(np.append(passed, 0)[ways.first[:-1]], size)
    first = (np.repeat(streams.start_ms, size) + before + clock[instance.tail[arcs]]) // step_ms
    cell = arcs * (steps + 1) + np.clip(first, 0, steps)
    change = np.bincount(cell, weights=np.repeat(streams.rate, size), minlength=instance.m * (steps + 1))
    return np.cumsum(change.reshape(instance.m, steps + 1), axis=1)


def beside(expansion: Expansion, streams: Streams) -> Expansion:
    """Return an expansion with what streams leave of its capacities."""
    ways = expansion.kind >= 0
    arc, step = expansion.kind[ways], expansion.step[ways]
    load = load_of(streams, expansion.clock, expansion.step_ms, int(step.max(initial=0)) + 1)
    free = (expansion.instance.cap[arc] - load[arc, step]) * expansion.step_ms
    cap = expansion.cap.copy()
    cap[ways] = np.clip(np.floor(free + 1e-6), 0, cap[ways])
    return expansion._replace(cap=cap)


def as_routes(streams: Streams, start: Windows) -> Windows:
    """Return the routes of streams and of the windows before them, without moments: for those who choose routes."""
    ways = streams.ways
    size = np.concatenate([np.diff(ways.first), np.diff(start.first)])
    arcs = np.concatenate([ways.arcs, start.arcs])
    return Windows(
        instance=ways.instance,
        clock=np.zeros(ways.instance.n, dtype=np.int64),
        step_ms=1,
        zone=np.concatenate([ways.zone, start.zone]),
        shelter=np.concatenate([ways.shelter, start.shelter]),
        units=np.concatenate([streams.units, start.units]),
        first=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        arcs=arcs,
        steps=np.zeros(len(arcs), dtype=np.int64),
    )


def usual_ms(ways: Ways, share: float) -> float:
    """Return how long the routes take that so many people are on, the shortest first."""
    travel = travel_ms(ways)
    order = np.argsort(travel, kind="stable")
    moved = np.cumsum(ways.units[order])
    if not len(order):
        return 0.0
    return float(travel[order[min(int(np.searchsorted(moved, share * moved[-1])), len(order) - 1)]])


def rest_of(instance: Instance, streams: Streams) -> tuple[Int64s, Int64s]:
    """Return the units and the places that streams leave."""
    return instance.units - streams.zone_units, instance.places - streams.shelter_units
