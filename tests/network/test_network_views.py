"""Making a network, its views, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gridgov.errors import ParameterError
from gridgov.network import CLOSED, RoadNetwork, nearest_workers


@pytest.fixture
def triangle() -> RoadNetwork:
    """0 → 1 → 2 → 0 by car, both ways on foot where 0 – 1; 1 – 2 is no road for walkers."""
    return RoadNetwork.from_arrays(
        [0, 1, 2, 1],
        [1, 2, 0, 0],
        [1000, 2000, 3000, CLOSED],
        x=[0.0, 0.01, 0.005],
        y=[0.0, 0.0, 0.01],
        mode_times_ms={"walk": [9000, CLOSED, 30_000, 9000]},
    )


def test_modes_share_nodes_and_edges_and_differ_in_time(triangle: RoadNetwork) -> None:
    walk = triangle.for_mode("walk")
    assert triangle.travel_times([1], [0]).tolist() == [[5000]]
    assert walk.travel_times([1], [0]).tolist() == [[9000]]
    assert walk.tail is triangle.tail
    assert triangle.modes == ("drive", "walk")


def test_a_mode_that_may_not_use_an_edge_does_not_search_it(triangle: RoadNetwork) -> None:
    assert len(triangle.forward.edge_id) == 3
    assert triangle.for_mode("walk").travel_times([1, 2], [2, 0]).tolist() == [[-1, 9000], [0, 30_000]]


def test_asking_for_the_same_mode_twice_gives_the_same_view(triangle: RoadNetwork) -> None:
    """So that what it has prepared is not prepared again."""
    assert triangle.for_mode("walk") is triangle.for_mode("walk")
    assert triangle.for_mode("walk").for_mode("drive") is triangle


def test_closures_stay_when_the_mode_changes(triangle: RoadNetwork) -> None:
    view = triangle.with_closures([0]).for_mode("walk")
    assert view.travel_times([0], [1]).tolist() == [[-1]]
    assert triangle.for_mode("walk").travel_times([0], [1]).tolist() == [[9000]]


def test_closures_add_up(triangle: RoadNetwork) -> None:
    assert triangle.with_closures([0]).with_closures([1]).travel_time_ms.tolist() == [CLOSED, CLOSED, 3000, CLOSED]


def test_half_the_speed_is_twice_the_time_and_double_speed_undoes_it(triangle: RoadNetwork) -> None:
    slowed = triangle.with_speed_factor([0, 0, 3], 0.5)
    assert slowed.travel_time_ms.tolist() == [2000, 2000, 3000, CLOSED]
    assert slowed.with_speed_factor([0, 3], 2).travel_time_ms.tolist() == triangle.travel_time_ms.tolist()
    assert slowed.for_mode("walk").travel_time_ms.tolist() == [18_000, CLOSED, 30_000, 18_000]


def test_a_network_cannot_be_changed(triangle: RoadNetwork) -> None:
    given = np.array([0, 1])
    network = RoadNetwork.from_arrays(given, [1, 0], [1, 1])
    given[:] = 0
    assert network.tail.tolist() == [0, 1]
    for array in (network.tail, network.travel_time_ms, triangle.x, triangle.with_closures([0]).travel_time_ms):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7  # type: ignore[index]


def test_parallel_edges_self_loops_and_zero_times_are_kept() -> None:
    network = RoadNetwork.from_arrays([0, 0, 1, 1], [1, 1, 1, 0], [7, 3, 5, 0])
    assert network.n_edges == 4
    assert nearest_workers(network, 1, [0]).edges(0) == [1]
    assert network.travel_times([0, 1], [0, 1]).tolist() == [[0, 3], [0, 0]]


def test_lengths_are_measured_where_none_are_given(triangle: RoadNetwork) -> None:
    """A hundredth of a degree on the equator is 1.11 km."""
    assert np.isclose(triangle.length_m[0], 1111.95, atol=0.1)
    assert np.isnan(RoadNetwork.from_arrays([0], [1], [1]).length_m).all()


def test_a_network_without_edges_answers(triangle: RoadNetwork) -> None:
    network = RoadNetwork.from_arrays([], [], [], n_nodes=2)
    assert network.travel_times([0, 1], [0, 1]).tolist() == [[0, -1], [-1, 0]]
    assert len(nearest_workers(network, 0, [1])) == 0


def test_nodes_without_edges_count_when_they_have_coordinates() -> None:
    assert RoadNetwork.from_arrays([0], [1], [1], x=[0, 1, 2], y=[0, 0, 0]).n_nodes == 3


@pytest.mark.parametrize("raw_id", [10_000_000, 2_000_000_000, 9_876_543_210])
def test_raw_ids_with_absurd_gaps_are_refused(raw_id: int) -> None:
    """Ids of OpenStreetMap would make a network of billions of nodes."""
    with pytest.raises(ParameterError, match=f"2 edges name nodes up to {raw_id}, .* renumber the nodes 0..n-1"):
        RoadNetwork.from_arrays([0, raw_id], [1, 5], [1, 1])


def test_many_nodes_are_taken_when_they_are_meant() -> None:
    """Up to ten million, or as many as n_nodes says."""
    assert RoadNetwork.from_arrays([0, 9_999_999], [1, 5], [1, 1]).n_nodes == 10_000_000
    assert RoadNetwork.from_arrays([0, 10_000_000], [1, 5], [1, 1], n_nodes=10_000_001).n_nodes == 10_000_001


def test_travel_times_are_int32_until_a_trip_takes_over_24_days() -> None:
    """Then the whole array is int64, and no time is cut."""
    network = RoadNetwork.from_arrays([0, 1], [1, 2], [CLOSED - 1, 2], n_nodes=3)
    short, long = network.travel_times([0], [0, 1]), network.travel_times([0], [0, 1, 2])
    assert (short.dtype, short.tolist()) == (np.dtype(np.int32), [[0, CLOSED - 1]])
    assert (long.dtype, long.tolist()) == (np.dtype(np.int64), [[0, CLOSED - 1, CLOSED + 1]])


def test_two_networks_have_one_digest_if_nodes_edges_and_times_are_the_same(triangle: RoadNetwork) -> None:
    same = RoadNetwork.from_arrays([0, 1], [1, 0], [5, 6])
    assert same.digest == RoadNetwork.from_arrays([0, 1], [1, 0], [5.0, 6.0]).digest
    assert same.digest.startswith("sha256:")
    assert same.digest != same.with_closures([0]).digest
    assert same.topology.digest == same.with_closures([0]).topology.digest
    assert same.with_closures([]).digest == same.digest


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"head": [1]}, "head has 1 values where 2 are needed"),
        ({"travel_time_ms": [1]}, "travel_time_ms has 1 values where 2 are needed"),
        ({"travel_time_ms": [1, -5]}, "travel_time_ms of edge 1 is -5"),
        ({"travel_time_ms": [1, 2**31]}, "travel_time_ms of edge 1 is 2147483648"),
        ({"travel_time_ms": [1, 0.5]}, "travel_time_ms holds 0.5 at position 1; give whole numbers"),
        ({"travel_time_ms": [1, float("nan")]}, "travel_time_ms holds nan"),
        ({"travel_time_ms": ["1", "2"]}, "travel_time_ms holds values of type <U1"),
        ({"travel_time_ms": [[1, 2]]}, "travel_time_ms has 2 dimensions"),
        ({"tail": [0, -1]}, "tail names node -1 at position 1"),
        ({"head": [1, 5], "x": [0, 0], "y": [0, 0]}, "head names node 5 at position 1, which does not exist"),
        ({"x": [0.0, 1.0]}, "x and y belong together"),
        ({"x": [0.0, 1.0], "y": [0.0]}, "y has 1 values where 2 are needed"),
        ({"x": [0.0], "y": [0.0, 0.0]}, "x has 1 values where 2 are needed"),
        ({"x": [0.0, 0.0, 0.0], "y": [0.0, 0.0]}, "x has 3 values where 2 are needed"),
        ({"x": [0.0, 0.0], "y": [0.0, 0.0, 0.0]}, "y has 3 values where 2 are needed"),
        ({"head": [1, 2_000_000_000], "x": [0.0], "y": [0.0, 0.0]}, "renumber the nodes"),
        ({"x": ["a", "b"], "y": [0.0, 0.0]}, "x holds something that is no number"),
        ({"x": 0.0, "y": 0.0}, "x has 0 dimensions; give a flat list"),
        ({"x": [0.0, float("inf")], "y": [0.0, 0.0]}, "x is inf at position 1"),
        ({"x": [0.0, 500.0], "y": [0.0, 0.0]}, "x is 500.0 at position 1; give degrees WGS 84 from -180 to 180"),
        ({"x": [0.0, 0.0], "y": [-90.5, 0.0]}, "y is -90.5 at position 0; give degrees WGS 84 from -90 to 90"),
        (
            {"geometry_points": [[0, 0], [0, 91]] * 2, "geometry_offsets": [0, 2, 4]},
            "the latitude of geometry_points is 91.0 at position 1",
        ),
        ({"capacity_vph": [1.0, -1.0]}, "capacity_vph is -1.0 at position 1; give numbers from 0 on"),
        ({"length_m": [1.0]}, "length_m has 1 values"),
        ({"names": ["a"]}, "names has 1 values"),
        ({"mode_times_ms": {"walk": [1, -1]}}, "travel_time_ms of mode walk of edge 1 is -1"),
        ({"geometry_points": [[0, 0]]}, "geometry_points need geometry_offsets"),
        ({"geometry_points": [0, 0]}, "geometry_points must be finite rows"),
        ({"geometry_points": [[0, 0]] * 3, "geometry_offsets": [0, 1, 3]}, "geometry of edge 0 has fewer than two"),
        ({"geometry_points": [[0, 0]] * 3, "geometry_offsets": [0, 1, 2]}, "geometry_offsets must run from 0 to 3"),
    ],
)
def test_bad_lists_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    good: dict[str, Any] = {"tail": [0, 1], "head": [1, 0], "travel_time_ms": [1, 1]}
    with pytest.raises(ParameterError, match=sentence):
        RoadNetwork.from_arrays(**{**good, **arguments})


def test_coordinates_at_the_edge_of_the_map_are_taken() -> None:
    assert RoadNetwork.from_arrays([0], [1], [1], x=[-180, 180], y=[-90, 90]).bounds == (-180.0, -90.0, 180.0, 90.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda n: n.with_closures([4]), "closures names edge 4 at position 0, which does not exist"),
        (lambda n: n.with_speed_factor([0], 0), "must be greater than 0, not 0; use with_closures"),
        (lambda n: n.with_speed_factor([0], float("nan")), "must be greater than 0, not nan"),
        (lambda n: n.with_speed_factor([0], 1e-9), "edge 0 would take .* close it instead"),
        (lambda n: n.for_mode("ebike"), "no travel times for mode 'ebike'; it has drive, walk"),
        (lambda n: n.edge_coordinates(4), "edge 4 does not exist"),
        (lambda n: n.place_on_edge(0, 1.5), "fractions holds 1.5"),
        (lambda n: n.place_on_edge(9, 0.5), "edges names edge 9"),
        (lambda n: n.snap(200.0, 0.0), "point 0 at 200.0, 0.0 is not a longitude, latitude in degrees"),
        (lambda n: n.snap([0.0, float("nan")], [0.0, 0.0]), "point 1 at nan"),
        (lambda n: n.snap("a", "b"), "^lon holds something that is no number; give decimal numbers$"),
        (lambda n: n.snap([0.0, 1.0], [0.0, "b"]), "^lat holds something that is no number"),
        (lambda n: n.snap([[0.0], [0.0, 1.0]], [0.0]), "^lon holds something that is no number"),
        (lambda n: n.snap(None, 0.0), "point 0 at nan"),
        (lambda n: n.snap(object(), 0.0), "^lon holds something that is no number"),
        (lambda n: n.place_on_edge(0, "half"), "fractions holds something that is no number"),
        (lambda n: n.snap([0.0], [0.0, 1.0]), "give one of each for every point"),
        (lambda n: n.travel_times([0], [3]), "names node 3"),
        (lambda n: n.with_closures([0]).save("never.npz"), "cannot be saved"),
        (lambda _: RoadNetwork.from_arrays([0], [1], [1]).snap(0, 0), "has no coordinates"),
        (lambda _: RoadNetwork.from_arrays([0], [1], [1]).bounds, "has no coordinates"),
        (lambda _: RoadNetwork.from_arrays([0], [1], [1]).to_frame(), "has no coordinates"),
        (lambda _: RoadNetwork.from_arrays([0], [1], [CLOSED], x=[0, 1], y=[0, 0]).snap(0, 0), "no edge that mode"),
    ],
)
def test_bad_calls_are_refused_in_a_sentence(triangle: RoadNetwork, call: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        call(triangle)


def test_other_capacities_leave_times_closures_and_the_network_itself_as_they_are(tiny_city: RoadNetwork) -> None:
    """Capacities are exchanged in a network of its own."""
    closed = tiny_city.with_closures([3])
    wider = closed.with_capacity(np.arange(tiny_city.n_edges))
    assert wider.capacity_vph is not None
    assert wider.capacity_vph.tolist() == list(range(tiny_city.n_edges))
    assert tiny_city.capacity_vph is None
    np.testing.assert_array_equal(wider.travel_time_ms, closed.travel_time_ms)
    with pytest.raises(ParameterError, match="capacity_vph is -1"):
        tiny_city.with_capacity(np.full(tiny_city.n_edges, -1.0))
