"""Who leaves when: rows of steady flows, with whole milliseconds, before they become a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gridgov.evacuation.decomposition import decompose
from gridgov.evacuation.instance import UNITS_PER_PERSON, Bools, Instance
from gridgov.evacuation.problem import EvacuationProblem
from gridgov.evacuation.steady import SteadyFlow
from gridgov.model.evacuation import Flow
from gridgov.network.validation import Floats, Int64s


class Schedule(NamedTuple):
    """Steady flows as rows, on the original edges.

    Flow i takes edges ``edges[first[i]:first[i + 1]]``, enters them ``enter_ms`` after its start (same positions), and
    moves `units` (1/1000 person) from `start_ms` to `end_ms`. `zone` and `shelter` are positions in the problem.
    """

    zone: Int64s
    shelter: Int64s
    first: Int64s
    edges: Int64s
    enter_ms: Int64s
    start_ms: Int64s
    end_ms: Int64s
    units: Int64s

    def clearance_ms(self, travel_time_ms: Int64s) -> int:
        """Return when the last of all is safe."""
        if not len(self.zone):
            return 0
        return int((self.end_ms + self.travel_ms(travel_time_ms)).max())

    def routes_per_zone(self, zones: int) -> Int64s:
        """Return how many different routes each of so many zones has."""
        routes: list[set[tuple[int, bytes]]] = [set() for _ in range(zones)]
        for i, (zone, shelter) in enumerate(zip(self.zone.tolist(), self.shelter.tolist(), strict=True)):
            routes[zone].add((shelter, self.edges[int(self.first[i]) : int(self.first[i + 1])].tobytes()))
        return np.array([len(own) for own in routes], dtype=np.int64)

    def settled(self) -> Schedule:
        """Return the schedule with zones at their shelter's own node there from the first millisecond on."""
        stays = np.diff(self.first) == 0
        return self._replace(start_ms=np.where(stays, 0, self.start_ms), end_ms=np.where(stays, 1, self.end_ms))

    def merged(self) -> Schedule:
        """Return the schedule with windows joined that touch and send the same units the same way in the same time."""
        known: dict[tuple[int, int, bytes, bytes], int] = {}
        way = np.zeros(len(self.zone), dtype=np.int64)
        for i in range(len(way)):
            part = slice(int(self.first[i]), int(self.first[i + 1]))
            key = (int(self.zone[i]), int(self.shelter[i]), self.edges[part].tobytes(), self.enter_ms[part].tobytes())
            way[i] = known.setdefault(key, len(known))
        order = np.lexsort((self.start_ms, way))
        begins, ends, units = self.start_ms[order], self.end_ms[order], self.units[order]
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = np.diff(way[order]) != 0
        new[1:] |= (begins[1:] != ends[:-1]) | (np.diff(units) != 0) | (np.diff(ends - begins) != 0)
        head = np.flatnonzero(new)
        rows = order[head]
        size = np.diff(self.first)[rows]
        stops = np.cumsum(size)
        position = np.arange(int(size.sum())) + np.repeat(self.first[rows] - (stops - size), size)
        return Schedule(
            zone=self.zone[rows],
            shelter=self.shelter[rows],
            first=np.concatenate([[0], stops]).astype(np.int64),
            edges=self.edges[position],
            enter_ms=self.enter_ms[position],
            start_ms=begins[head],
            end_ms=np.append(ends[head[1:] - 1], ends[-1:]),
            units=np.add.reduceat(units, head) if len(head) else units,
        )

    def only(self, kept: Bools) -> Schedule:
        """Return some of the rows."""
        size = np.diff(self.first)
        entries = np.repeat(kept, size)
        return Schedule(
            zone=self.zone[kept],
            shelter=self.shelter[kept],
            first=np.concatenate([[0], np.cumsum(size[kept])]).astype(np.int64),
            edges=self.edges[entries],
            enter_ms=self.enter_ms[entries],
            start_ms=self.start_ms[kept],
            end_ms=self.end_ms[kept],
            units=self.units[kept],
        )

    def travel_ms(self, travel_time_ms: Int64s) -> Int64s:
        """Return the time each flow needs from its zone to its shelter, waiting on the way included."""
        way = np.zeros(len(self.zone), dtype=np.int64)
        moves = np.diff(self.first) > 0
        last = self.first[1:][moves] - 1
        way[moves] = self.enter_ms[last] + travel_time_ms[self.edges[last]]
        return way


def joined(one: Schedule, other: Schedule) -> Schedule:
    """Return the rows of two schedules."""
    first = np.concatenate([one.first, other.first[1:] + one.first[-1]])
    both = (np.concatenate([getattr(one, name), getattr(other, name)]) for name in Schedule._fields)
    return Schedule(*both)._replace(first=first)


class Ways(NamedTuple):
    """Units of zones on routes to shelters (positions in the instance): arcs of row i are
    ``arcs[first[i]:first[i + 1]]``.
    """

    instance: Instance
    zone: Int64s
    shelter: Int64s
    units: Int64s
    first: Int64s
    arcs: Int64s


def steady_ways(instance: Instance, flow: SteadyFlow) -> Ways:
    """Return the routes of a steady flow."""
    n, m, zones = instance.n, instance.m, len(instance.zone)
    tail = np.concatenate([instance.tail, np.full(zones, n), instance.shelter_node])
    head = np.concatenate([instance.head, instance.zone_node, np.full(len(instance.shelter), n + 1)])
    paths = decompose(tail, head, np.concatenate([flow.units, flow.zone_units, flow.shelter_units]), n, n + 1)
    zone = paths.arcs[paths.first[:-1]] - m
    shelter = paths.arcs[paths.first[1:] - 1] - m - zones
    rows = np.repeat(np.arange(len(paths.amount)), np.diff(paths.first))
    inner = paths.arcs < m
    first = np.searchsorted(rows[inner], np.arange(len(paths.amount) + 1))
    return Ways(instance, zone, shelter, paths.amount, first, paths.arcs[inner])


def steady_schedule(ways: Ways, horizon_ms: int) -> Schedule:
    """Return steady routes as a schedule: everyone starts at once and leaves at a constant rate."""
    instance, arcs = ways.instance, ways.arcs
    before = np.cumsum(instance.tau[arcs]) - instance.tau[arcs]
    enter = before - np.repeat(_at(before, ways.first[:-1]), np.diff(ways.first))
    first, edges, enter_ms = on_edges(instance, ways.first, arcs, enter)
    zone, shelter = instance.zone[ways.zone], instance.shelter[ways.shelter]
    starts = np.zeros(len(zone), dtype=np.int64)
    return Schedule(zone, shelter, first, edges, enter_ms, starts, np.full(len(starts), horizon_ms), ways.units)


def _at(values: Int64s, index: Int64s) -> Int64s:
    """Return values at positions, 0 beyond the end."""
    return np.concatenate([values, [0]])[np.minimum(index, len(values))]


def on_edges(instance: Instance, first: Int64s, arcs: Int64s, enter_ms: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Return rows of arcs as rows of original edges, with the moment of entry into each."""
    size = np.diff(instance.chain_first)[arcs]
    ends = np.cumsum(size)
    position = np.arange(int(size.sum())) - np.repeat(ends - size, size) + np.repeat(instance.chain_first[arcs], size)
    into = chain_offsets(instance)
    edges = instance.chain[position]
    enter = np.repeat(enter_ms, size) + into[position]
    return np.concatenate([[0], ends])[first], edges, enter


def chain_offsets(instance: Instance) -> Int64s:
    """Return for each entry of `chain` the milliseconds from the arc's start to that edge."""
    before = np.cumsum(instance.edge_ms) - instance.edge_ms
    owner = np.repeat(instance.chain_first[:-1], np.diff(instance.chain_first))
    return before - before[owner] if len(before) else before


def flows_of(schedule: Schedule, problem: EvacuationProblem, persons: Floats) -> Iterator[Flow]:
    """Yield the flows of a plan; every zone's flows add up to the persons it sends."""
    sent = np.bincount(schedule.zone, weights=schedule.units, minlength=len(persons))
    per_unit = np.divide(persons, sent, out=np.full(len(persons), 1.0 / UNITS_PER_PERSON), where=sent > 0)
    amount = schedule.units * per_unit[schedule.zone]
    length_s = (schedule.end_ms - schedule.start_ms) / 1000.0
    rate = amount / problem.occupancy / length_s * 3600.0
    known: dict[bytes, tuple[float, ...]] = {}
    for i in range(len(schedule.zone)):
        part = slice(int(schedule.first[i]), int(schedule.first[i + 1]))
        yield Flow(
            zone_id=problem.zone_id[schedule.zone[i]],
            shelter_id=problem.shelter_id[schedule.shelter[i]],
            edges=_shared(known, schedule.edges[part], 1),
            enter_s=_shared(known, schedule.enter_ms[part], 1000),
            start_s=float(schedule.start_ms[i]) / 1000.0,
            end_s=float(schedule.end_ms[i]) / 1000.0,
            rate_vph=float(rate[i]),
            persons=float(amount[i]),
        )


def _shared(known: dict[bytes, tuple[float, ...]], values: Int64s, divisor: int) -> tuple[int, ...]:
    """Return values as a tuple, the same object for the same values: many flows share a route."""
    key = values.tobytes() + bytes([divisor % 251])
    if key not in known:
        known[key] = tuple(values.tolist()) if divisor == 1 else tuple((values / divisor).tolist())
    return known[key]  # type: ignore[return-value]
