"""Traffic as queues on roads: a packet drives an edge in its travel time and queues at its end, compiled.

The model is the queue of MATSim's QSim and of the spatial queue in the literature (Simon, Esser, Nagel 1999): an edge
lets out no more than its capacity, first in first out; it holds no more vehicles than have room on it, and who finds no
room in the next edge waits at the end of the own one, with all behind it (spill-back). Times are exact; only who comes
first at a crossing, and when freed room is seen, are decided within steps of `step_s`.

A packet of several vehicles drives on as soon as its first one has room: the others follow while those before them
leave. Were room for all asked for at once, a street of three cars' length would hold one packet of two, and block
crossings that single cars pass. So an edge holds less than a packet more than has room on it.

On roads with more than one lane, those who go another way than a blocked head pass it, as lanes for turning let them;
on a single lane all stand behind it.

Full roads that wait for each other in a ring would stand for ever (where other simulators let vehicles jump or squeeze
in). Here those at the head of each move on at the same moment, each into the room that the next one leaves; that is
what drivers can do, needs no room, and is counted.

A packet's time is that of its last vehicle; its first one is there a span earlier. An edge serves it from its first
vehicle on, so that cutting a flow into packets delays nobody and never passes more than the capacity.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

WHEEL = 4096  # steps that the calendar of waiting edges looks ahead
LOOK = 12  # so many packets stand side by side at most where roads have turning lanes
TURNED, CAUGHT, STRANDED, ROWS = 0, 1, 2, 3  # places in `counts`


@compiled
def _put(edge: int, step: int, now: int, due: Ints, bucket: Ints, before: Ints, after: Ints, ends: Ints) -> None:
    """Enter an edge into the calendar, at the end of a step's list; it may stand in it once."""
    if bucket[edge] >= 0:
        _take(edge, bucket, before, after, ends)
    due[edge] = max(step, now)
    place = min(due[edge], now + WHEEL - 1) % WHEEL
    bucket[edge], after[edge], before[edge] = place, -1, ends[place, 1]
    if ends[place, 1] >= 0:
        after[ends[place, 1]] = edge
    else:
        ends[place, 0] = edge
    ends[place, 1] = edge


@compiled
def _take(edge: int, bucket: Ints, before: Ints, after: Ints, ends: Ints) -> None:
    """Take an edge out of the calendar."""
    place = bucket[edge]
    if before[edge] >= 0:
        after[before[edge]] = after[edge]
    else:
        ends[place, 0] = after[edge]
    if after[edge] >= 0:
        before[after[edge]] = before[edge]
    else:
        ends[place, 1] = before[edge]
    bucket[edge] = -1


@compiled
def _record(edge: int, since: float, until: float, vehicles: float, row_of_edge: Ints, queue: Floats, state: Floats,
            counts: Ints) -> None:  # fmt: skip
    """Add a wait to the edge's row; when the time does not fit, two columns become one."""
    columns = queue.shape[1]
    while until > columns * state[0]:
        for row in range(counts[ROWS]):
            for column in range(columns // 2):
                queue[row, column] = (queue[row, 2 * column] + queue[row, 2 * column + 1]) / 2
            queue[row, columns // 2 :] = 0.0
        state[0] *= 2
    if row_of_edge[edge] < 0:
        if counts[ROWS] == queue.shape[0]:
            return
        row_of_edge[edge] = counts[ROWS]
        counts[ROWS] += 1
    width = state[0]
    for column in range(int(since / width), min(int(until / width), columns - 1) + 1):
        inside = min(until, (column + 1) * width) - max(since, column * width)
        queue[row_of_edge[edge], column] += vehicles * inside / width


@compiled
def _forget(edge: int, waits_for: Ints, first_waiting: Ints, next_waiting: Ints) -> None:
    """Take an edge out of the list of those that wait for room in another."""
    full = waits_for[edge]
    if first_waiting[full] == edge:
        first_waiting[full] = next_waiting[edge]
    else:
        one = first_waiting[full]
        while next_waiting[one] != edge:
            one = next_waiting[one]
        next_waiting[one] = next_waiting[edge]
    waits_for[edge] = -1


@compiled
def _closes_ring(edge: int, following: int, waits_for: Ints) -> bool:
    """Say whether the edge that `edge` wants to wait for waits, over others, for `edge`."""
    one = following
    while one != edge and waits_for[one] >= 0:
        one = waits_for[one]
    return one == edge


@compiled
def _wait(edge: int, full: int, waits_for: Ints, first_waiting: Ints, next_waiting: Ints) -> None:
    """Enter an edge at the end of the list of those that wait for room in another."""
    waits_for[edge], next_waiting[edge] = full, -1
    if first_waiting[full] < 0:
        first_waiting[full] = edge
        return
    one = first_waiting[full]
    while next_waiting[one] >= 0:
        one = next_waiting[one]
    next_waiting[one] = edge


@compiled
def _passes(  # noqa: PLR0917 - compiled
    edge: int, blocked: int, end_s: float, first: Ints, last: Ints, behind: Ints, ready: Floats, at: Ints,
    end_of: Ints, route: Ints, vehicles: Floats, load: Floats, room: Floats,
) -> bool:  # fmt: skip
    """Put the next packet that goes another way than the blocked head before it, if it is near and has room there."""
    head = first[edge]
    previous, other = head, behind[head]
    for _ in range(LOOK):
        if other < 0 or ready[other] >= end_s:
            return False
        goal = route[at[other] + 1] if at[other] + 1 < end_of[other] else -1
        if goal != blocked:
            if goal >= 0 and first[goal] >= 0 and load[goal] + min(vehicles[other], 1.0) > room[goal]:
                return False
            behind[previous] = behind[other]
            if last[edge] == other:
                last[edge] = previous
            behind[other], first[edge] = head, other
            return True
        previous, other = other, behind[other]
    return False


@compiled
def drive(  # noqa: PLR0912, PLR0915, PLR0917 - one loop over queues; calls with many arrays are slow here
    route_start: Ints,  # of each flow in `route`, and the end
    route: Ints,  # edges
    flow: Ints,  # of each packet
    vehicles: Floats,  # of each packet
    ready: Floats,  # when the last vehicle of each packet wants to leave, seconds; is overwritten
    span: Floats,  # seconds between its first and its last vehicle; is overwritten
    source: Ints,  # the queue of each packet at its zone: edges + 0, 1, …; packets are ordered by it, then by time
    travel_s: Floats,  # of each edge, and 0 of each source
    service_s: Floats,  # seconds for a vehicle to leave the edge; 0 of sources
    room: Floats,  # vehicles on each edge
    lanes: Floats,  # of each edge; with more than one, those who go elsewhere pass a blocked head
    closes_s: Floats,  # inf: never
    steps: Floats,  # step_s, width of a column of `queue` to begin with
    queue: Floats,  # shape (rows, columns): is filled with the mean number of waiting vehicles
    row_of_edge: Ints,  # -1; is filled
    state: Floats,  # is filled with the width of the columns
    counts: Ints,  # is filled: moved on in rings, caught on a closed road, stranded before one, rows used
) -> tuple[Floats, Floats]:
    """Drive all packets; return when each left its zone and when it arrived (inf: never)."""
    n_all, n_packets = len(travel_s), len(flow)
    step_s = steps[0]
    state[0] = steps[1]
    first, last = np.full(n_all, -1), np.full(n_all, -1)
    behind, begins = np.full(n_packets, -1), route_start[flow]
    at, end_of = begins - 1, route_start[flow + 1]  # places in `route`
    load, out_at, seen = np.zeros(n_all), np.full(n_all, -np.inf), np.zeros(n_all)
    turning = np.zeros(n_all, np.bool_)  # its head moves on in a ring: `load` knows already
    waits_for, first_waiting, next_waiting = np.full(n_all, -1), np.full(n_all, -1), np.full(n_all, -1)
    due, bucket, before, after = np.zeros(n_all, np.int64), np.full(n_all, -1), np.full(n_all, -1), np.full(n_all, -1)
    ends = np.full((WHEEL, 2), -1)
    left, arrived = np.full(n_packets, np.inf), np.full(n_packets, np.inf)
    for packet in range(n_packets):
        own = source[packet]
        if first[own] < 0:
            first[own] = packet
            _put(own, int(ready[packet] / step_s), 0, due, bucket, before, after, ends)
        else:
            behind[last[own]] = packet
        last[own] = packet
    remaining, now = n_packets, 0
    while remaining > 0:
        place, end_s = now % WHEEL, (now + 1) * step_s
        while ends[place, 0] >= 0:
            edge = ends[place, 0]
            _take(edge, bucket, before, after, ends)
            if due[edge] > now:
                _put(edge, due[edge], now, due, bucket, before, after, ends)
                continue
            while first[edge] >= 0:
                packet = first[edge]
                amount = vehicles[packet]
                served = max(out_at[edge], ready[packet] - span[packet])
                free_s = max(ready[packet], served + amount * service_s[edge])
                leaves = max(free_s, seen[edge])
                if leaves >= end_s:
                    _put(edge, int(leaves / step_s), now, due, bucket, before, after, ends)
                    break
                following, lost = -1, False
                if at[packet] + 1 < end_of[packet]:
                    following = route[at[packet] + 1]
                    lost = leaves + travel_s[following] > closes_s[following] + 1e-3
                turns = turning[edge]
                full = following >= 0 and not lost and not turns and first[following] >= 0
                if full and load[following] + min(amount, 1.0) > room[following]:
                    if lanes[edge] > 1 and _passes(
                        edge, following, end_s, first, last, behind, ready, at, end_of, route, vehicles, load, room
                    ):
                        continue
                    if not _closes_ring(edge, following, waits_for):
                        _wait(edge, following, waits_for, first_waiting, next_waiting)
                        break
                    one, goal = edge, following
                    while True:
                        load[one] -= vehicles[first[one]]
                        load[goal] += vehicles[first[one]]
                        turning[one], seen[one] = True, max(seen[one], leaves)
                        counts[TURNED] += 1
                        if one != edge:
                            _forget(one, waits_for, first_waiting, next_waiting)
                            _put(one, now, now, due, bucket, before, after, ends)
                        if goal == edge:
                            break
                        one, goal = goal, waits_for[goal]
                    continue
                turning[edge] = False
                if at[packet] < begins[packet]:
                    left[packet] = leaves
                else:
                    if leaves > closes_s[edge] + 1e-3:
                        counts[CAUGHT] += 1
                    if leaves - ready[packet] > 0.5:
                        _record(edge, ready[packet], leaves, amount, row_of_edge, queue, state, counts)
                first[edge] = behind[packet]
                behind[packet] = -1
                if not turns:
                    load[edge] -= amount
                out_at[edge] = leaves
                span[packet] = amount * service_s[edge] if leaves > free_s else leaves - served
                woken = first_waiting[edge]
                first_waiting[edge] = -1
                while woken >= 0:
                    seen[woken], waits_for[woken] = leaves, -1
                    _put(woken, now, now, due, bucket, before, after, ends)
                    woken = next_waiting[woken]
                if following < 0 or lost:
                    remaining -= 1
                    if lost:
                        counts[STRANDED] += 1
                        if turns:
                            load[following] -= amount
                    else:
                        arrived[packet] = leaves
                    continue
                at[packet] += 1
                ready[packet] = leaves + travel_s[following]
                if not turns:
                    load[following] += amount
                if first[following] < 0:
                    first[following] = packet
                    _put(following, int(ready[packet] / step_s), now, due, bucket, before, after, ends)
                else:
                    behind[last[following]] = packet
                last[following] = packet
        now += 1
    return left, arrived
