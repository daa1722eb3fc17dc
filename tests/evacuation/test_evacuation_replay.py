"""Replay: queues on roads with limited room, and what they do to a plan's promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridgov.errors import ParameterError
from gridgov.evacuation.replay import Replay, Traffic, edge_room, simulate


def traffic(
    routes: list[list[int]],
    vehicles: list[float],
    *,
    travel_s: list[float],
    vph: list[float],
    windows: list[tuple[float, float]] | None = None,
    closes: list[float] | None = None,
) -> Traffic:
    """Flows with one zone and one shelter each."""
    count = len(routes)
    start, end = np.array(windows or [(0.0, 0.0)] * count, dtype=float).T
    return Traffic(
        travel_time_s=np.array(travel_s),
        capacity_vps=np.array(vph) / 3600,
        closes_s=np.full(len(travel_s), np.inf) if closes is None else np.array(closes),
        route_start=np.concatenate([[0], np.cumsum([len(route) for route in routes])]),
        route=np.array([edge for route in routes for edge in route], dtype=np.int64),
        zone=np.arange(count),
        shelter=np.arange(count),
        start_s=start,
        end_s=end,
        vehicles=np.array(vehicles, dtype=float),
    )


def drive(flows: Traffic, room: float = 1e9) -> Replay:
    return simulate(flows, n_shelters=len(flows.zone), room=np.full(len(flows.travel_time_s), room))


def test_one_road_lets_out_its_capacity() -> None:
    """100 vehicles at once, one a second, 10 s of way: the last is safe after 110 s, half of them after 60 s."""
    found = drive(traffic([[0]], [100], travel_s=[10.0], vph=[3600]))
    assert found.clearance_s == pytest.approx(110)
    assert found.cleared_s == pytest.approx({0.5: 60, 0.9: 100, 1.0: 110})
    assert found.arrived == found.vehicles == 100
    assert found.safe[-1] == pytest.approx(100)
    assert np.all(np.diff(found.safe) >= 0)
    assert found.inside + found.on_road + found.safe == pytest.approx(np.full(len(found.safe), 100.0))


def test_a_flow_below_the_capacity_is_not_delayed() -> None:
    """What leaves at a rate that all roads can take arrives when the travel times say, over any number of roads."""
    found = drive(traffic([[0, 1, 2]], [60], travel_s=[10.0, 20.0, 5.5], vph=[1800, 1800, 1800], windows=[(7, 127)]))
    assert found.clearance_s == pytest.approx(127 + 35.5)
    assert not len(found.queue_edges)


def test_the_narrowest_road_decides_and_its_queue_is_shown() -> None:
    """600 vehicles/h enter a road that lets out 300: the queue stands on that road and grows to half of them."""
    found = drive(traffic([[0, 1]], [60], travel_s=[10.0, 10.0], vph=[3600, 300], windows=[(0, 360)]))
    assert found.clearance_s == pytest.approx(60 * 12 + 20, abs=13)
    assert found.queue_edges.tolist() == [1]
    assert found.queues.max() == pytest.approx(30, abs=3)


def test_a_full_road_holds_back_who_comes_behind() -> None:
    """With room for 10 vehicles the queue reaches back into the road before, and nobody is lost or faster."""
    flows = traffic([[0, 1]], [100], travel_s=[10.0, 10.0], vph=[3600, 600], windows=[(0, 101)])
    wide, narrow = drive(flows), drive(flows, room=10.0)
    assert narrow.clearance_s == pytest.approx(wide.clearance_s, abs=10)
    assert wide.queue_edges.tolist() == [1]
    assert set(narrow.queue_edges.tolist()) == {0, 1}
    assert narrow.queues[narrow.queue_edges.tolist().index(1)].max() <= 10


def test_spill_back_delays_others_who_do_not_use_the_narrow_road() -> None:
    """Those who go elsewhere stand behind those who wait for the narrow road."""
    arrived = [_ninety_elsewhere(1800, room) for room in (500.0, 5.0)]
    assert arrived[1] > arrived[0] * 2


@pytest.mark.parametrize(("vph", "other_s"), [(1800, 62.0), (3600, 26.0)])
def test_two_lanes_let_pass_who_goes_elsewhere(vph: float, other_s: float) -> None:
    """Eight vehicles for a narrow road with room for five, one behind them for another road.

    On one lane it stands behind the eighth, who leaves at 50 s. On two lanes it passes the sixth to eighth as soon as
    the fifth has left, at 15 s, one second later.
    """
    flows = traffic([[0, 1], [0, 2]], [8, 1], travel_s=[10.0] * 3, vph=[vph, 360, 3600], windows=[(0, 0), (1, 1)])
    found = simulate(flows, n_shelters=2, room=np.array([1e9, 5.0, 1e9]))
    assert np.interp(0.5, found.shelter_load[:, 1], found.moments_s) == pytest.approx(other_s, abs=1)


def _ninety_elsewhere(common_vph: float, room: float) -> float:
    """When 90 of 100 are safe who share a road with 100 others, for whom a narrow road follows."""
    flows = traffic(
        [[0, 1], [0, 2]], [100, 100], travel_s=[10.0] * 3, vph=[common_vph, 360, 3600], windows=[(0.0, 400.0)] * 2
    )
    found = drive(replace(flows, zone=np.array([0, 0])), room=room)
    return float(np.interp(90, found.shelter_load[:, 1], found.moments_s))


@pytest.mark.parametrize(("room", "last_s", "other_s"), [(5.0, 220.0, 182.0), (1e9, 220.0, 62.0)])
def test_a_vehicle_stands_behind_a_full_road_exactly_as_long_as_computed_by_hand(
    room: float, last_s: float, other_s: float
) -> None:
    """Twenty vehicles for a road that lets one out in ten seconds, one behind them that wants to go elsewhere.

    The first leaves the common road after 12 s and the narrow one after 30 s, each other one ten seconds later: 220 s.
    With room for five, the sixth enters the narrow road at 30 s, the twentieth at 170 s; two seconds later the vehicle
    behind is free and drives ten seconds. With room for all, the twentieth enters at 50 s.
    """
    flows = traffic(
        [[0, 1], [0, 2]], [20, 1], travel_s=[10.0] * 3, vph=[1800, 360, 3600], windows=[(0.0, 0.0), (1.0, 1.0)]
    )
    limits = np.array([1e9, room, 1e9])
    found = simulate(flows, n_shelters=2, room=limits)
    assert found.clearance_s == pytest.approx(last_s)
    other = np.interp(0.5, found.shelter_load[:, 1], found.moments_s)
    assert other == pytest.approx(other_s, abs=found.clearance_s / 120)
    doubled = simulate(replace(flows, vehicles=np.array([40.0, 2.0])), n_shelters=2, room=limits * 2, packets=21)
    assert doubled.clearance_s == pytest.approx(420, abs=20)


def test_many_small_flows_do_not_leave_together() -> None:
    """800 flows of half a vehicle each fill a road exactly: hardly anybody queues, the last arrives in time."""
    count = 800
    flows = traffic([[0]] * count, [0.5] * count, travel_s=[10.0], vph=[1800], windows=[(0.0, 800.0)] * count)
    found = drive(flows)
    assert found.clearance_s == pytest.approx(810, abs=8)
    assert found.queues.max(initial=0.0) < 4


def test_a_packet_of_two_does_not_block_a_street_of_three_cars() -> None:
    """A street of 16 m between two crossings lets out its capacity, whatever the packets are."""
    flows = traffic([[0, 1, 2]], [600], travel_s=[20.0, 1.2, 20.0], vph=[2400, 2400, 2400], windows=[(0, 900)])
    room = np.array([40.0, 3.1, 40.0])
    fine, coarse = (simulate(flows, n_shelters=1, room=room, packets=n) for n in (600, 300))
    assert fine.clearance_s == pytest.approx(900 + 41.2, abs=2)
    assert coarse.clearance_s == pytest.approx(fine.clearance_s, rel=0.01)


def test_packets_replay_like_single_vehicles() -> None:
    """Random overcrowded streets: packets of two and of four agree with vehicles one by one, spill-back and all.

    Half of the networks agree to 2 and 4 %, nine tenths to 15 %: one car more or less at a full crossing decides who
    stands behind whom. Room delays some of them much, so there is something to agree about.
    """
    off: dict[int, list[float]] = {2: [], 4: []}
    delay = []
    for seed in range(30):
        flows, room = _crowded(seed)
        total, shelters = int(flows.vehicles.sum()), len(flows.zone)
        single = simulate(flows, n_shelters=shelters, room=room, packets=total)
        unlimited = simulate(flows, n_shelters=shelters, room=room + 1e9, packets=total)
        delay.append(single.clearance_s / unlimited.clearance_s)
        for size, found in off.items():
            coarse = simulate(flows, n_shelters=shelters, room=room, packets=total // size)
            found.append(abs(coarse.clearance_s / single.clearance_s - 1))
    assert max(delay) > 1.2
    for size, half in ((2, 0.02), (4, 0.04)):
        assert np.quantile(off[size], 0.5) < half
        assert np.quantile(off[size], 0.9) < 0.15


def _crowded(seed: int) -> tuple[Traffic, np.ndarray]:
    """Streets of five by five crossings eastwards and southwards, forty flows; the busiest is a tenth too full."""
    rng = np.random.default_rng(seed)
    side, span_s = 5, 1200.0
    east = {(row, column): row * (side - 1) + column for row in range(side) for column in range(side - 1)}
    south = {(row, column): len(east) + row * side + column for row in range(side - 1) for column in range(side)}
    routes = []
    for _ in range(40):
        row, column, route = 0, 0, []
        row, column = rng.integers(0, 2, 2).tolist()
        while row < side - 1 or column < side - 1:
            goes_east = row == side - 1 or (column < side - 1 and rng.random() < 0.5)
            route.append(east[row, column] if goes_east else south[row, column])
            row, column = (row, column + 1) if goes_east else (row + 1, column)
        routes.append(route)
    streets = len(east) + len(south)
    weights = rng.uniform(5, 40, len(routes))
    load = np.bincount(np.concatenate(routes), np.repeat(weights, [len(one) for one in routes]), streets)
    vph = rng.choice([500.0, 800.0, 1200.0, 2400.0], streets)
    scale = 1.1 * span_s / (load / vph * 3600).max()
    flows = traffic(
        routes, np.ceil(weights * scale).tolist(), travel_s=rng.uniform(2, 15, streets).tolist(), vph=vph.tolist(),
        windows=[(0.0, span_s)] * len(routes),
    )  # fmt: skip
    return flows, edge_room(flows, rng.uniform(10, 60, streets))


def test_two_flows_share_a_road_by_who_comes_first() -> None:
    """Together they get what the road lets out, no more: 2 x 50 vehicles, one a second."""
    found = drive(traffic([[0, 2], [1, 2]], [50, 50], travel_s=[10.0] * 3, vph=[3600] * 3))
    assert found.clearance_s == pytest.approx(120, abs=2)


def test_a_ring_of_full_roads_turns_and_is_counted() -> None:
    """Three roads in a ring, each full of vehicles for the next: they move on together or stand for ever."""
    ring = traffic(
        [[0, 1, 2], [1, 2, 0], [2, 0, 1]], [50, 50, 50], travel_s=[10.0] * 3, vph=[3600] * 3, windows=[(0, 50)] * 3
    )
    found = drive(ring, room=6.0)
    assert found.arrived == pytest.approx(150)
    assert found.turned > 0
    assert found.clearance_s < 300
    assert not drive(ring, room=100.0).turned


def test_a_closing_road_strands_who_comes_too_late() -> None:
    """The road is left by 60 s or not entered: about 30 of 100 vehicles still pass it, the rest is counted."""
    found = drive(traffic([[0, 1]], [100], travel_s=[10.0, 20.0], vph=[3600, 3600], closes=[np.inf, 60.0]))
    assert found.arrived == pytest.approx(30, abs=1)
    assert found.stranded == pytest.approx(70, abs=1)
    assert found.cleared_s[1.0] == np.inf
    assert found.stranded_of_zone == pytest.approx({0: found.stranded})
    assert found.to_dict()["cleared_s"]["100%"] is None


def test_who_is_already_there_is_safe_at_once() -> None:
    """A flow without edges is no traffic."""
    found = drive(traffic([[], [0]], [7, 3], travel_s=[10.0], vph=[3600]))
    assert found.safe[0] == pytest.approx(7)
    assert found.vehicles == found.arrived == 10


def test_nobody_at_all_is_no_traffic() -> None:
    """An empty plan replays to nothing."""
    found = drive(_nobody())
    assert found.clearance_s == 0
    assert found.to_dict()["curve"]["safe"][-1] == 0


def _nobody() -> Traffic:
    one = traffic([[0]], [1], travel_s=[10.0], vph=[3600])
    none = np.zeros(0, dtype=np.int64)
    return replace(
        one, route_start=np.zeros(1, dtype=np.int64), route=none, zone=none, shelter=none,
        start_s=np.zeros(0), end_s=np.zeros(0), vehicles=np.zeros(0),
    )  # fmt: skip


def test_fewer_packets_give_nearly_the_same_times() -> None:
    """The size of packets is no matter of the model."""
    flows = traffic([[0, 2], [1, 2]], [500, 300], travel_s=[30.0, 5.0, 10.0], vph=[1800, 1200, 1500])
    room = np.full(3, 100.0)
    fine = simulate(flows, n_shelters=2, room=room)
    coarse = simulate(flows, n_shelters=2, room=room, packets=100)
    assert coarse.clearance_s == pytest.approx(fine.clearance_s, rel=0.02)


def test_long_traffic_keeps_queues_in_few_columns() -> None:
    """A queue much longer than expected is kept with wider columns, and its vehicle hours stay."""
    flows = traffic([[0]], [1000], travel_s=[10.0], vph=[360])
    found = simulate(flows, n_shelters=1, room=np.full(1, 1e9), expected_s=60.0)
    assert found.queues.shape[1] <= 240
    waited = 1000 * 10 * 1000 / 2
    assert found.queues.sum() * found.queue_s == pytest.approx(waited, rel=0.01)


def test_room_follows_length_and_lanes() -> None:
    """150 m of two lanes hold 40 vehicles (and one more, so that no road is too short for a car)."""
    flows = traffic([[0]], [1], travel_s=[10.0], vph=[1800])
    assert edge_room(flows, [150.0], [2.0]) == pytest.approx([41])
    assert edge_room(flows) == pytest.approx([10 * 50 / 3.6 / 7.5 + 1])
    wide = traffic([[0]], [1], travel_s=[1.0], vph=[2400])
    assert edge_room(wide, [15.0]) == pytest.approx([5]), "no single lane lets out 2400 vehicles an hour"
    with pytest.raises(ParameterError, match="length_m has 2 values, the plan has 1 edges"):
        edge_room(flows, [1.0, 2.0])


def test_roads_without_capacity_and_senseless_numbers_are_refused() -> None:
    """One sentence each."""
    with pytest.raises(ParameterError, match="edge 0, which has no capacity"):
        drive(traffic([[0]], [1], travel_s=[10.0], vph=[0]))
    with pytest.raises(ParameterError, match="must be positive"):
        simulate(traffic([[0]], [1], travel_s=[10.0], vph=[60]), n_shelters=1, room=np.ones(1), step_s=0)
