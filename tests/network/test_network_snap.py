"""Snapping to the nearest point on an edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from gridgov.network import CLOSED, RoadNetwork, nearest_workers
from gridgov.network.topology import great_circle_m, metres_per_degree

METRES_PER_DEGREE = 111_320.0  # of longitude on the equator


@pytest.fixture(scope="module")
def bend() -> RoadNetwork:
    """A two-way street 0 – 1 with a bend to the north, a one-way 1 → 2, and a footpath 2 – 0 beside the street."""
    street = [(0.0, 0.0), (0.001, 0.001), (0.002, 0.0)]
    lines = [street, street[::-1], [(0.002, 0.0), (0.004, 0.0)], [(0.004, 0.0), (0.0, -0.001), (0.0, 0.0)]]
    return RoadNetwork.from_arrays(
        [0, 1, 1, 2],
        [1, 0, 2, 0],
        [1001, 1003, 2000, CLOSED],
        x=[0.0, 0.002, 0.004],
        y=[0.0, 0.0, 0.0],
        geometry_offsets=[0, 3, 6, 8, 11],
        geometry_points=np.concatenate(lines),
        mode_times_ms={"walk": [9000, 9000, 9000, 9000]},
    )


def test_a_point_snaps_to_the_line_of_the_street_and_not_to_its_nodes(bend: RoadNetwork) -> None:
    """The top of the bend is half way; the point lies 0.0005° north of it."""
    place = bend.snap(0.001, 0.0015)
    assert (place.node, place.edge) == (-1, 0)
    assert place.fraction == pytest.approx(0.5, abs=1e-3)
    assert (place.lon, place.lat) == pytest.approx((0.001, 0.001), abs=1e-6)
    assert place.distance_m == pytest.approx(0.0005 * 110_574, rel=1e-3)


def test_one_place_serves_both_directions_in_whole_milliseconds(bend: RoadNetwork) -> None:
    """1001 and 1003 ms, each cut in two whole parts that sum to it."""
    place = bend.snap(0.0005, 0.0005)
    there, back = bend.travel_times([0], [place])[0, 0], bend.travel_times([place], [1])[0, 0]
    assert there + back == 1001
    assert bend.travel_times([1], [place])[0, 0] + bend.travel_times([place], [0])[0, 0] == 1003


def test_the_end_of_a_street_is_its_node(bend: RoadNetwork) -> None:
    place = bend.snap(0.005, 0.0)
    assert (place.node, place.edge, place.lon) == (2, -1, 0.004)
    assert place.distance_m == pytest.approx(0.001 * METRES_PER_DEGREE, rel=1e-3)


def test_a_mode_snaps_to_what_it_may_use(bend: RoadNetwork) -> None:
    """South of the street there is the footpath, which is no road for cars."""
    assert bend.for_mode("walk").snap(0.0003, -0.0008).edge == 3
    assert bend.snap(0.0003, -0.0008).edge != 3


def test_a_closure_does_not_move_a_place(bend: RoadNetwork) -> None:
    """It is still on that road, and cannot be reached there."""
    closed = bend.with_closures([2])
    place = closed.snap(0.003, 0.0001)
    assert place == bend.snap(0.003, 0.0001)
    assert place.edge == 2
    assert len(nearest_workers(closed, place, [0, 1, 2])) == 0


def test_many_points_are_snapped_like_one(bend: RoadNetwork) -> None:
    lon, lat = np.array([0.001, 0.005, 0.0005]), np.array([0.0015, 0.0, 0.0005])
    places = bend.snap(lon, lat)
    assert list(places) == [bend.snap(float(x), float(y)) for x, y in zip(lon, lat, strict=True)]
    assert list(places[[2, 0]]) == [places[2], places[0]]
    assert list(places[np.array([True, False, False])]) == [places[0]]
    assert len(bend.snap(np.zeros(0), np.zeros(0))) == 0


def test_of_streets_at_the_same_distance_the_one_with_the_smaller_id_is_taken() -> None:
    """A point between two parallel streets."""
    network = RoadNetwork.from_arrays([0, 2], [1, 3], [5, 5], x=[0, 0.01, 0, 0.01], y=[0.001, 0.001, -0.001, -0.001])
    assert network.snap(0.005, 0.0).edge == 0


def test_distances_are_metres_on_the_ground_far_from_the_equator() -> None:
    """At 60° north a degree of longitude is half as long."""
    network = RoadNetwork.from_arrays([0], [1], [5], x=[10.0, 10.0], y=[60.0, 60.1])
    assert network.snap(10.01, 60.05).distance_m == pytest.approx(557.6, abs=2)


def test_the_nearest_is_measured_in_metres_and_not_in_degrees() -> None:
    """At 60° north 0.010° to the east are nearer than 0.006° to the north."""
    network = RoadNetwork.from_arrays(
        [0, 2], [1, 3], [5, 5], x=[10.01, 10.01, 9.9, 10.1], y=[59.9, 60.1, 60.006, 60.006]
    )
    assert network.snap(10.0, 60.0).edge == 0


@pytest.fixture(scope="module")
def shanghai_street() -> RoadNetwork:
    """One street of a kilometre."""
    return RoadNetwork.from_arrays([0], [1], [5], x=[121.47, 121.48], y=[31.23, 31.23])


@settings(max_examples=300, deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_the_distance_is_right_from_anywhere_on_earth(shanghai_street: RoadNetwork, lon: float, lat: float) -> None:
    """Within 0.1 % of the geodesic, except near the antipode; never more than half the Earth's circumference."""
    place = shanghai_street.snap(lon, lat)
    geodesic_m = Geod(ellps="WGS84").inv(lon, lat, place.lon, place.lat)[2]
    if geodesic_m < 19_000_000:
        assert place.distance_m == pytest.approx(geodesic_m, rel=1e-3, abs=1e-6)
    assert place.distance_m <= 20_040_000


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([0.0, 31.23, 60.0, 85.0]), st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_a_near_point_is_as_far_as_on_a_flat_map(middle: float, east: float, north: float) -> None:
    """Within 0.1 % of the local scale of the ellipsoid, at any latitude where people live."""
    network = RoadNetwork.from_arrays([0], [1], [5], x=[10.0, 10.01], y=[middle, middle])
    lon, lat = 10.0 + east, middle + north
    place = network.snap(lon, lat)
    scale = np.array(metres_per_degree((lat + place.lat) / 2))
    flat_m = np.hypot(*((place.lon - lon, place.lat - lat) * scale))
    assert place.distance_m == pytest.approx(flat_m, rel=1e-3, abs=1e-6)


def test_points_that_are_the_same_antipodes_and_poles_have_a_distance() -> None:
    """Where the formula divides nothing by nothing."""
    start = np.array([[121.0, 31.0], [0.0, 0.0], [121.0, 31.0], [0.0, 90.0], [0.0, -90.0], [-179.9, 0.0]])
    end = np.array([[121.0, 31.0], [180.0, 0.0], [-59.0, -31.0], [90.0, 90.0], [0.0, 90.0], [179.9, 0.0]])
    half = 20_003_931  # metres from pole to pole
    expected = [0.0, half, half, 0.0, half, 0.2 * METRES_PER_DEGREE]
    assert great_circle_m(start, end) == pytest.approx(expected, rel=2e-3, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.floats(-0.001, 0.005), st.floats(-0.002, 0.002))
def test_no_point_of_any_edge_is_nearer_than_the_place(bend: RoadNetwork, lon: float, lat: float) -> None:
    """Compared with points every few metres along all edges."""
    place = bend.snap(lon, lat)
    scale = np.array(bend.topology.metres_per_degree)
    for edge in (0, 1, 2):
        points = np.array([bend.point_on_edge(edge, f) for f in np.linspace(0, 1, 200)])
        assert np.hypot(*((points - [lon, lat]) * scale).T).min() >= place.distance_m - 1e-3


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([0, 1, 2]), st.floats(0.001, 0.999))
def test_a_point_on_an_edge_is_its_own_place(bend: RoadNetwork, edge: int, fraction: float) -> None:
    place = bend.snap(*bend.point_on_edge(edge, fraction))
    assert place.distance_m < 1e-3
    assert (place.lon, place.lat) == pytest.approx(bend.point_on_edge(edge, fraction), abs=1e-8)
