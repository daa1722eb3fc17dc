"""Replay of a plan: do the promised times hold when vehicles queue on roads with limited room?

A plan's flows become packets that leave when the plan says and then drive as the roads allow (`queueing`): no flow is
held back for another one as the plan may foresee, and queues fill roads back to the crossings behind. The same traffic
shows what happens when everybody goes to the nearest shelter at once (`nearest_shelter`).

Room on an edge is length · lanes / 7.5 m. Where lengths are not given they are travel time · 50 km/h; where lanes are
not given they are as few as could carry the capacity, 2000 vehicles an hour each. An edge never holds less than its
capacity in its travel time, since else the room and not the capacity would limit it. Turning lanes are counted by
capacity alone.

A plan says how many vehicles an hour leave, not at which second each. Were each flow cut into packets in the same way,
those of thousands of small flows would leave together, at the ends of their windows, and queue for no reason but that.
So each flow begins its packets at another moment: flows that end on the same roads follow one another, shifted by the
golden ratio of a packet's span, which spreads any run of them nearly evenly (a low-discrepancy sequence, after
Kronecker and Weyl), whatever road they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.evacuation.queueing import CAUGHT, ROWS, TURNED, drive
from gridgov.model.evacuation import EvacuationPlan

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

VEHICLE_M = 7.5
ASSUMED_M_PER_S = 50 / 3.6
LANE_VPH = 2000.0
GOLDEN = (5**0.5 - 1) / 2
SHARES = (0.5, 0.9, 1.0)
PACKETS = 400_000
QUEUES, COLUMNS = 20_000, 240  # edges with queues that are kept, and moments of them
MOMENTS = 121


@dataclass(frozen=True)
class Traffic:
    """Who wants to drive where, when: flows with routes on a network.

    Attributes
    ----------
    travel_time_s, capacity_vps, closes_s : float arrays, shape (edges,)
        Seconds; vehicles per second; seconds (inf: never).
    route_start, route : int arrays, shapes (flows + 1,) and (edges of all routes,)
        The edges of flow i are ``route[route_start[i]:route_start[i + 1]]``; none: it is there at once.
    zone, shelter : int arrays, shape (flows,)
    start_s, end_s : float arrays, shape (flows,)
        When the flow leaves, at a steady rate.
    vehicles : float array, shape (flows,)
    """

    travel_time_s: Floats
    capacity_vps: Floats
    closes_s: Floats
    route_start: Ints
    route: Ints
    zone: Ints
    shelter: Ints
    start_s: Floats
    end_s: Floats
    vehicles: Floats


@dataclass(frozen=True)
class Replay:
    """What traffic does: vehicles everywhere, seconds after the order.

    Attributes
    ----------
    clearance_s : float
        When the last one that arrives is safe.
    cleared_s : dict of float to float
        When 50, 90 and 100 % are safe; inf where so many never are.
    vehicles, arrived, stranded : float
        All; those who are safe in the end; those who stood before a closed road.
    caught, turned : int
        Packets that were on a road when it closed; steps of packets in rings of full roads, which only move together.
    moments_s, inside, on_road, safe : float arrays, shape (moments,)
        The clearance curve: vehicles still in their zones, driving or queueing, safe.
    shelter_load : float array, shape (moments, shelters)
        Vehicles that have reached each shelter.
    stranded_of_zone : dict of int to float
        Stranded vehicles by position of their zone.
    queue_edges : int array, shape (queues,)
        Edges that had queues, the longest waiting first.
    queue_s : float
        Width of a column of `queues`.
    queues : float32 array, shape (queues, columns)
        Mean number of waiting vehicles of each of them.
    promised_s : float or None
        The plan's own clearance time, `promised_cleared_s` its 50, 90 and 100 %.
    """

    clearance_s: float
    cleared_s: dict[float, float]
    vehicles: float
    arrived: float
    stranded: float
    caught: int
    turned: int
    moments_s: Floats
    inside: Floats
    on_road: Floats
    safe: Floats
    shelter_load: Floats
    stranded_of_zone: dict[int, float]
    queue_edges: Ints
    queue_s: float
    queues: NDArray[np.float32]
    promised_s: float | None = None
    promised_cleared_s: dict[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        """Replayed over promised clearance time; None without a promise."""
        if not self.promised_s:
            return None
        return self.clearance_s / self.promised_s

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, numbers rounded, times that never come as null."""
        cleared = self.promised_cleared_s
        return {
            "clearance_s": round(self.clearance_s, 1),
            "promised_s": None if self.promised_s is None else round(self.promised_s, 1),
            "ratio": None if self.ratio is None else round(self.ratio, 4),
            "cleared_s": _by_share(self.cleared_s),
            "promised_cleared_s": None if cleared is None else _by_share(cleared),
            **{name: round(getattr(self, name), 2) for name in ("vehicles", "arrived", "stranded")},
            "caught": self.caught,
            "turned": self.turned,
            "curve": {
                "time_s": self.moments_s.round(1).tolist(),
                **{name: getattr(self, name).round(1).tolist() for name in ("inside", "on_road", "safe")},
            },
            "shelter_load": self.shelter_load.round(1).tolist(),
            "queues": {
                "width_s": self.queue_s,
                "edges": self.queue_edges.tolist(),
                "vehicles": self.queues.round(1).tolist(),
            },
        }


def _by_share(times: Mapping[float, float]) -> dict[str, float | None]:
    return {f"{share:.0%}": round(time, 1) if np.isfinite(time) else None for share, time in times.items()}


def replay_plan(
    plan: EvacuationPlan,
    *,
    length_m: ArrayLike | None = None,
    lanes: ArrayLike | None = None,
    packets: int = PACKETS,
) -> Replay:
    """Replay a plan with queues and limited room, and compare it with what it promises.

    Parameters
    ----------
    plan : EvacuationPlan
    length_m, lanes : array_like of float, shape (edges,), optional
        Of the plan's edges; see the module's text for what is assumed without them.
    packets : int
        About so many packets at most; a packet is at least a vehicle, if its flow has one.

    Raises
    ------
    ParameterError
        The lists have other lengths than the plan has edges, or a number makes no sense.
    """
    traffic = traffic_of(plan)
    shelters = len(plan.problem.shelters)
    found = simulate(
        traffic,
        n_shelters=shelters,
        room=edge_room(traffic, length_m, lanes),
        packets=packets,
        expected_s=plan.clearance_time_s,
    )
    promised = {share: promised_time_s(traffic, plan, share) for share in SHARES}
    return Replay(
        **{**found.__dict__, "promised_s": plan.clearance_time_s, "promised_cleared_s": promised},
    )


def traffic_of(plan: EvacuationPlan) -> Traffic:
    """Return the flows of a plan as traffic."""
    problem, flows = plan.problem, plan.flows
    zones = {row.zone_id: position for position, row in enumerate(problem.demand)}
    shelters = {row.shelter_id: position for position, row in enumerate(problem.shelters)}
    length = np.array([len(flow.edges) for flow in flows], dtype=np.int64)
    closes = [np.inf if value is None else value for value in problem.closes_s]
    return Traffic(
        travel_time_s=np.array(problem.travel_time_ms, dtype=np.float64) / 1000,
        capacity_vps=np.array(problem.capacity_vph, dtype=np.float64) / 3600,
        closes_s=np.array(closes, dtype=np.float64),
        route_start=np.concatenate([[0], np.cumsum(length)]).astype(np.int64),
        route=np.array([edge for flow in flows for edge in flow.edges], dtype=np.int64),
        zone=np.array([zones[flow.zone_id] for flow in flows], dtype=np.int64),
        shelter=np.array([shelters[flow.shelter_id] for flow in flows], dtype=np.int64),
        start_s=np.array([flow.start_s for flow in flows], dtype=np.float64),
        end_s=np.array([flow.end_s for flow in flows], dtype=np.float64),
        vehicles=np.array([flow.persons for flow in flows], dtype=np.float64) / plan.occupancy_persons_per_vehicle,
    )


def edge_room(traffic: Traffic, length_m: ArrayLike | None = None, lanes: ArrayLike | None = None) -> Floats:
    """Return how many vehicles each edge holds."""
    n = len(traffic.travel_time_s)
    length = traffic.travel_time_s * ASSUMED_M_PER_S if length_m is None else _one_per_edge(length_m, "length_m", n)
    length = np.where(np.isnan(length), traffic.travel_time_s * ASSUMED_M_PER_S, length)
    width = _lanes(traffic)
    if lanes is not None:
        given = _one_per_edge(lanes, "lanes", n)
        width = np.where(given > 0, given, width)
    driving = np.minimum(traffic.capacity_vps * traffic.travel_time_s, 1e9)
    return np.maximum(length * width / VEHICLE_M, driving) + 1.0


def _lanes(traffic: Traffic) -> Floats:
    """Return the least lanes that could carry each edge's capacity."""
    return np.maximum(1.0, np.ceil(traffic.capacity_vps * 3600 / LANE_VPH - 1e-6))


def _one_per_edge(values: ArrayLike, name: str, n: int) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n,):
        raise ParameterError(f"{name} has {found.size} values, the plan has {n} edges; give one for each")
    return found


def simulate(
    traffic: Traffic,
    *,
    n_shelters: int,
    room: Floats,
    packets: int = PACKETS,
    expected_s: float = 3600.0,
    step_s: float = 1.0,
) -> Replay:
    """Drive all traffic over the roads, queues and all.

    Parameters
    ----------
    room : float array, shape (edges,)
        Vehicles that each edge holds.
    expected_s : float
        About how long it takes; sets how fine queues are kept.

    Raises
    ------
    ParameterError
        A route uses an edge without capacity, or a number is not positive.
    """
    if packets < 1 or not step_s > 0:
        raise ParameterError("packets and step_s must be positive")
    if len(traffic.route) and traffic.capacity_vps[traffic.route].min() <= 0:
        edge = traffic.route[np.argmin(traffic.capacity_vps[traffic.route])]
        raise ParameterError(f"a route uses edge {edge}, which has no capacity")
    flow, vehicles, ready, span = _packets(traffic, packets)
    source, n_sources = _sources(traffic, flow)
    order = np.lexsort((ready, source))
    flow, source = flow[order], source[order]
    vehicles, ready, span = vehicles[order], ready[order], span[order]
    more = np.zeros(n_sources)
    with np.errstate(divide="ignore"):
        service = np.where(traffic.capacity_vps > 0, 1 / traffic.capacity_vps, 0.0)
    width = max(expected_s, 1.0) / (COLUMNS // 2)
    queue, state, counts = np.zeros((min(QUEUES, len(room)), COLUMNS)), np.zeros(1), np.zeros(4, dtype=np.int64)
    row_of_edge = np.full(len(room) + n_sources, -1)
    left, arrived = drive(
        traffic.route_start, traffic.route, flow, vehicles, ready, span, source,
        np.concatenate([traffic.travel_time_s, more]), np.concatenate([service, more]),
        np.concatenate([room, more + np.inf]), np.concatenate([_lanes(traffic), more + 1]),
        np.concatenate([traffic.closes_s, more + np.inf]),
        np.array([step_s, width]), queue, row_of_edge, state, counts,
    )  # fmt: skip
    at_once = np.diff(traffic.route_start) == 0
    flow = np.concatenate([flow, np.flatnonzero(at_once)])
    vehicles = np.concatenate([vehicles, traffic.vehicles[at_once]])
    left, arrived = (np.concatenate([times, traffic.end_s[at_once]]) for times in (left, arrived))
    kept = _queues(queue, row_of_edge, int(counts[ROWS]), float(state[0]))
    return _result(traffic, flow, vehicles, left, arrived, n_shelters, counts, kept)


def _packets(traffic: Traffic, packets: int) -> tuple[Ints, Floats, Floats, Floats]:
    """Cut flows with routes into packets: flow, vehicles, when the last of them leaves, how long they take to leave."""
    size = max(1.0, float(traffic.vehicles.sum()) / packets)
    count = np.maximum(1, np.ceil(traffic.vehicles / size - 1e-6)).astype(np.int64)
    count[np.diff(traffic.route_start) == 0] = 0
    flow = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(flow)) - np.repeat(np.cumsum(count) - count, count)
    span = ((traffic.end_s - traffic.start_s) / np.maximum(count, 1))[flow]
    ready = traffic.start_s[flow] + span * (number + _phases(traffic)[flow])
    return flow, (traffic.vehicles / np.maximum(count, 1))[flow], ready, span


def _phases(traffic: Traffic) -> Floats:
    """Return for each flow, as a share of a packet's span (0 to 1), when its first packet leaves."""
    bounds, backwards = traffic.route_start, traffic.route.astype(">i8")
    keys = [
        (start, backwards[begin:end][::-1].tobytes())
        for start, begin, end in zip(traffic.start_s.tolist(), bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]
    phases = np.empty(len(keys))
    phases[sorted(range(len(keys)), key=keys.__getitem__)] = 1.0 - (GOLDEN * np.arange(len(keys))) % 1.0
    return phases


def _sources(traffic: Traffic, flow: Ints) -> tuple[Ints, int]:
    """Return the queue in which each packet leaves: those of one zone into one road leave one after the other."""
    begin = traffic.route[traffic.route_start[flow]]
    key = traffic.zone[flow] * (len(traffic.travel_time_s) + 1) + begin
    known, place = np.unique(key, return_inverse=True)
    return place + len(traffic.travel_time_s), len(known)


_Queues: TypeAlias = tuple[Ints, float, NDArray[np.float32]]


def _queues(queue: Floats, row_of_edge: Ints, rows: int, width: float) -> _Queues:
    edges = np.flatnonzero(row_of_edge >= 0)
    own = queue[row_of_edge[edges]]
    order = np.argsort(-own.sum(axis=1), kind="stable")
    used = np.flatnonzero(own.any(axis=0))
    last = int(used[-1]) + 1 if rows and len(used) else 0
    return edges[order], width, own[order][:, :last].astype(np.float32)


def _result(traffic: Traffic, flow: Ints, vehicles: Floats, left: Floats, arrived: Floats, n_shelters: int,
            counts: Ints, queues: _Queues) -> Replay:  # fmt: skip
    total = float(vehicles.sum())
    there = np.isfinite(arrived)
    clearance = float(arrived[there].max(initial=0.0))
    moments = np.linspace(0.0, clearance, MOMENTS)
    gone, safe = _sum_until(left, vehicles, moments), _sum_until(arrived, vehicles, moments)
    load = np.zeros((len(moments), n_shelters))
    for shelter in np.unique(traffic.shelter[flow]):
        own = traffic.shelter[flow] == shelter
        load[:, shelter] = _sum_until(arrived[own], vehicles[own], moments)
    return Replay(
        clearance_s=clearance,
        cleared_s={share: _time_of(share, arrived, vehicles) for share in SHARES},
        vehicles=total,
        arrived=float(vehicles[there].sum()),
        stranded=float(vehicles[~there].sum()),
        caught=int(counts[CAUGHT]),
        turned=int(counts[TURNED]),
        moments_s=moments,
        inside=total - gone,
        on_road=gone - safe - _sum_until(np.where(there, np.inf, left), vehicles, moments),
        safe=safe,
        shelter_load=load,
        stranded_of_zone=_by_zone(traffic.zone[flow[~there]], vehicles[~there]),
        queue_edges=queues[0],
        queue_s=queues[1],
        queues=queues[2],
    )


def _by_zone(zone: Ints, vehicles: Floats) -> dict[int, float]:
    total = np.bincount(zone, weights=vehicles)
    return {int(one): float(total[one]) for one in np.flatnonzero(total)}


def _sum_until(times: Floats, vehicles: Floats, moments: Floats) -> Floats:
    """Return how many vehicles have a time no later than each moment."""
    order = np.argsort(times, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(vehicles[order])])
    return total[np.searchsorted(times[order], moments + 1e-6, side="right")]


def _time_of(share: float, times: Floats, vehicles: Floats) -> float:
    """Return when a share of all vehicles has arrived; inf if never."""
    if not len(times):
        return 0.0
    order = np.argsort(times, kind="stable")
    total = np.cumsum(vehicles[order])
    return float(times[order][min(np.searchsorted(total, share * total[-1] * (1 - 1e-9)), len(times) - 1)])


def promised_time_s(traffic: Traffic, plan: EvacuationPlan, share: float) -> float:
    """Return when the plan itself has brought a share of its vehicles to safety."""
    travel = np.array(
        [flow.enter_s[-1] + traffic.travel_time_s[flow.edges[-1]] if flow.edges else 0.0 for flow in plan.flows]
    )
    if not len(travel):
        return 0.0
    begin, end = traffic.start_s + travel, traffic.end_s + travel
    rate = traffic.vehicles / np.maximum(end - begin, 1e-9)
    times = np.concatenate([begin, np.maximum(end, begin + 1e-9)])
    change = np.concatenate([rate, -rate])
    order = np.argsort(times, kind="stable")
    times, flowing = times[order], np.cumsum(change[order])
    total = np.concatenate([[0.0], np.cumsum(flowing[:-1] * np.diff(times))])
    if share >= 1:
        return float(times[-1])
    return float(np.interp(share * traffic.vehicles.sum(), np.maximum.accumulate(total), times))
