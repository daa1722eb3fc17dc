"""Closures: what a drawn geometry closes, what holds at a moment, and exact undo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from road_cases import networks

from gridgov.errors import ParameterError
from gridgov.model.closures import Closure
from gridgov.model.what_if import Scenario
from gridgov.network import CLOSED, RoadNetwork, edges_cut_by, network_at, place_closures

NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north],
                                                [west, south]]]}  # fmt: skip


def line(*positions: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(position) for position in positions]}


@pytest.fixture
def street() -> RoadNetwork:
    """0 – 1 – 2 eastward, one millidegree each, both ways; 1 → 2 with a bend to the north."""
    return RoadNetwork.from_arrays(
        [0, 1, 1, 2],
        [1, 0, 2, 1],
        [1000, 1001, 2000, 2001],
        x=[0.0, 0.001, 0.002],
        y=[0.0, 0.0, 0.0],
        geometry_offsets=[0, 2, 4, 7, 10],
        geometry_points=[[0, 0], [0.001, 0], [0.001, 0], [0, 0], [0.001, 0], [0.0015, 0.001], [0.002, 0],
                         [0.002, 0], [0.0015, 0.001], [0.001, 0]],
    )  # fmt: skip


def test_a_polygon_closes_an_edge_that_it_cuts_between_the_nodes(street: RoadNetwork) -> None:
    """No node lies in it, and both directions are closed."""
    assert edges_cut_by(street, box(0.0004, -0.0001, 0.0006, 0.0001)).tolist() == [0, 1]


def test_the_drawn_line_counts_and_not_the_straight_one_between_the_nodes(street: RoadNetwork) -> None:
    assert edges_cut_by(street, box(0.0014, 0.0009, 0.0016, 0.0011)).tolist() == [2, 3]
    assert edges_cut_by(street, box(0.0014, -0.0001, 0.0016, 0.0001)).tolist() == []


def test_a_polygon_that_holds_a_node_closes_all_its_edges(street: RoadNetwork) -> None:
    assert edges_cut_by(street, box(0.0009, -0.0001, 0.0011, 0.0001)).tolist() == [0, 1, 2, 3]


def test_touching_from_outside_closes_nothing(street: RoadNetwork) -> None:
    """A border along the road, and one that meets its end node."""
    assert edges_cut_by(street, box(0.0002, 0.0, 0.0004, 0.0001)).tolist() == []
    assert edges_cut_by(street, box(-0.001, -0.001, 0.0, 0.001)).tolist() == []


def test_a_line_closes_what_it_crosses_ends_on_or_runs_along(street: RoadNetwork) -> None:
    assert edges_cut_by(street, line((0.0005, -0.001), (0.0005, 0.001))).tolist() == [0, 1]
    assert edges_cut_by(street, line((0.0005, -0.001), (0.0005, 0.0))).tolist() == [0, 1]
    assert edges_cut_by(street, line((0.0002, 0.0), (0.0004, 0.0))).tolist() == [0, 1]


def test_a_line_that_meets_a_road_only_at_its_node_does_not_close_it(street: RoadNetwork) -> None:
    assert edges_cut_by(street, line((0.001, -0.001), (0.001, 0.0))).tolist() == []


def test_a_polygon_whose_border_crosses_itself_is_repaired(street: RoadNetwork) -> None:
    bow_tie = [[0.0002, -0.0002], [0.0004, 0.0002], [0.0004, -0.0002], [0.0002, 0.0002], [0.0002, -0.0002]]
    assert edges_cut_by(street, {"type": "Polygon", "coordinates": [bow_tie]}).tolist() == [0, 1]


def test_an_edge_without_length_is_closed_by_the_area_around_it() -> None:
    network = RoadNetwork.from_arrays([0, 0], [1, 2], [5, 5], x=[0.0, 0.0, 0.001], y=[0.0, 0.0, 0.0])
    assert edges_cut_by(network, box(-0.0001, -0.0001, 0.0001, 0.0001)).tolist() == [0, 1]
    assert edges_cut_by(network, box(0.0003, -0.0001, 0.0004, 0.0001)).tolist() == [1]


@given(st.data())
def test_an_area_cuts_the_edges_whose_line_meets_its_inside(data: st.DataObject) -> None:
    """Against every edge asked on its own, by the length of its part inside."""
    network = data.draw(networks())
    corner = st.integers(-2, 12).map(lambda n: n * 0.00023 - 0.000017)
    west, south = data.draw(corner), data.draw(corner)
    area = box(west, south, west + data.draw(st.integers(1, 9)) * 0.0002, south + 0.0005)
    polygon = shapely.geometry.shape(area)
    expected = []
    for edge in range(network.n_edges):
        drawn = network.edge_coordinates(edge)
        inside = (
            shapely.Point(drawn[0]).within(polygon)
            if (drawn == drawn[0]).all()
            else shapely.LineString(drawn).intersection(polygon).length > 0
        )
        if inside:
            expected.append(edge)
    assert edges_cut_by(network, area).tolist() == expected


def test_a_closure_holds_from_its_beginning_on_and_before_its_end(street: RoadNetwork) -> None:
    closure = Closure("C1", NOON, NOON + HOUR, edges=(0,))
    assert network_at(street, [closure], NOON).travel_time_ms[0] == CLOSED
    assert network_at(street, [closure], NOON + HOUR) is street
    assert network_at(street, [closure], NOON - HOUR) is street


def test_a_closure_without_times_always_holds(street: RoadNetwork) -> None:
    assert network_at(street, [Closure("C1", edges=(0,))], NOON).travel_time_ms[0] == CLOSED


def test_the_smallest_factor_counts_in_whatever_order(street: RoadNetwork) -> None:
    """Half and a fifth of the speed on edge 0: a fifth. Slowed and closed on edge 2: closed."""
    closures = [
        Closure("half", edges=(0, 2), factor=0.5),
        Closure("fifth", edges=(0,), factor=0.2),
        Closure("shut", edges=(2,)),
    ]
    for order in (closures, closures[::-1]):
        assert network_at(street, order, NOON).travel_time_ms.tolist() == [5000, 1001, CLOSED, 2001]


def test_contradictions_are_told_with_both_ids_and_agreement_is_not(street: RoadNetwork) -> None:
    shut = Closure("shut", NOON, NOON + 2 * HOUR, edges=(0, 1))
    slow = Closure("slow", NOON + HOUR, None, factor=0.5, edges=(1, 2))
    findings = place_closures(street, [slow, shut, Closure("again", edges=(0,))]).findings
    assert [(f.rule, f.key, f.detail["other"], f.detail["edge"]) for f in findings] == [
        ("closure_contradiction", "shut", "slow", 1)
    ]
    assert "shut" in findings[0].message("en")
    assert "slow" in findings[0].message("en")


def test_closures_at_different_times_do_not_contradict(street: RoadNetwork) -> None:
    first, then = Closure("a", None, NOON, edges=(0,)), Closure("b", NOON, None, factor=0.5, edges=(0,))
    assert place_closures(street, [first, then]).findings == ()


def test_a_geometry_that_hits_no_edge_is_told_and_changes_nothing(street: RoadNetwork) -> None:
    far = Closure("far", geometry=box(1.0, 1.0, 1.1, 1.1))
    placed = place_closures(street, [far])
    assert [(f.rule, f.key) for f in placed.findings] == [("closure_hits_no_edge", "far")]
    assert placed.network_at(street, NOON) is street


@pytest.mark.parametrize(
    ("given_fields", "words"),
    [
        ({"valid_from": NOON, "valid_to": NOON}, "holds at no moment"),
        ({"valid_from": NOON.replace(tzinfo=None)}, "naive"),
        ({"factor": -0.1}, "factor"),
        ({"factor": 1.5}, "factor"),
        ({"factor": float("nan")}, "factor"),
        ({"edges": ()}, "neither edges nor a geometry"),
        ({"geometry": line((0, 0), (1, 1))}, "both"),
        ({"edges": (-1,)}, "edge -1"),
        ({"edges": (), "geometry": {"type": "Point", "coordinates": [0, 0]}}, "Point"),
        ({"edges": (), "geometry": {"type": "Polygon", "coordinates": []}}, "empty"),
        ({"edges": (), "geometry": {"type": "LineString", "coordinates": [[0, 0]]}}, "2 positions"),
        ({"edges": (), "geometry": line((0, 0), (float("nan"), 1))}, "degrees"),
        ({"edges": (), "geometry": line((0, 0), (500, 1))}, "degrees"),
    ],
)
def test_an_impossible_closure_is_refused_by_name(given_fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words) as refused:
        Closure("C7", **{"edges": (0,), **given_fields})
    assert "C7" in str(refused.value)


def test_a_closure_of_edges_that_are_not_there_is_refused_by_name(street: RoadNetwork) -> None:
    with pytest.raises(ParameterError, match="C9 names edge 4"):
        place_closures(street, [Closure("C9", edges=(4,))])
    with pytest.raises(ParameterError, match="C9 names edges of another"):
        place_closures(street, [Closure("C9", edges=(1,), topology="sha256:00")])
    same = Closure("C9", edges=(1,), topology=street.topology.digest)
    assert place_closures(street, [same]).edges[0].tolist() == [1]


def test_a_closure_survives_json() -> None:
    closure = Closure("C1", NOON, None, "flood", 0.3, geometry=box(0, 0, 1, 1), source="hazard:7")
    assert Closure.from_dict(closure.to_dict()) == closure


def test_a_scenario_replaces_by_id_and_refuses_the_same_id_twice() -> None:
    scenario = Scenario("flood", (Closure("a", edges=(0,)), Closure("b", edges=(1,))))
    assert scenario.with_closure(Closure("a", edges=(5,))).without("b").closures == (Closure("a", edges=(5,)),)
    with pytest.raises(ParameterError, match="closure a twice"):
        Scenario("flood", (Closure("a", edges=(0,)), Closure("a", edges=(1,))))
    with pytest.raises(ParameterError, match="no closure c"):
        scenario.without("c")


@st.composite
def closure_lists(draw: st.DrawFn, n_edges: int) -> list[Closure]:
    item = st.tuples(st.lists(st.integers(0, n_edges - 1), min_size=1, max_size=4), st.sampled_from([0.0, 0.3, 0.7, 1]))
    rows = draw(st.lists(item, max_size=6))
    return [Closure(f"C{i}", edges=tuple(ids), factor=factor) for i, (ids, factor) in enumerate(rows)]


@given(st.data())
def test_opening_again_restores_every_time_bit_for_bit(data: st.DataObject) -> None:
    network = data.draw(networks().filter(lambda n: n.n_edges > 0))
    closures = data.draw(closure_lists(network.n_edges))
    scenario = Scenario("s")
    seen = []
    for closure in closures:
        seen.append(network_at(network, scenario.closures, NOON).travel_time_ms)
        scenario = scenario.with_closure(closure)
    for closure, before in zip(closures[::-1], seen[::-1], strict=True):
        scenario = scenario.without(closure.closure_id)
        assert (network_at(network, scenario.closures, NOON).travel_time_ms == before).all()
    assert network_at(network, scenario.closures, NOON) is network


@given(st.data())
def test_a_closure_never_makes_an_edge_faster(data: st.DataObject) -> None:
    network = data.draw(networks().filter(lambda n: n.n_edges > 0))
    view = network_at(network, data.draw(closure_lists(network.n_edges)), NOON)
    assert (view.travel_time_ms >= network.travel_time_ms).all()


def test_a_closure_of_some_modes_stops_only_these_and_an_old_record_stops_everybody() -> None:
    ends = {"closure_id": "A", "edges": [3], "factor": 0.0}
    everybody = Closure.from_dict(ends)
    assert all(everybody.stops(mode) for mode in ("drive", "ebike", "walk"))
    assert "modes" not in everybody.to_dict(), "the state of an old event stays what it was"
    cars = Closure.from_dict({**ends, "modes": ["drive", "drive"]})
    assert Closure.from_dict(cars.to_dict()) == cars
    assert [cars.stops(mode) for mode in ("drive", "walk")] == [True, False]
    on_foot = Closure("B", edges=(3,), factor=0.5, modes=("walk",))
    assert cars.meets(everybody)
    assert not cars.meets(on_foot), "what is said of different modes cannot contradict"
    with pytest.raises(ParameterError, match="'fly'"):
        Closure("C", edges=(3,), modes=("fly",))
