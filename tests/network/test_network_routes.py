"""Routes, their lines, and their words."""

from __future__ import annotations

import numpy as np
import pytest

from gridgov.network import RoadNetwork, directions, nearest_workers
from gridgov.network.directions import turn_code


@pytest.fixture(scope="module")
def town() -> RoadNetwork:
    """滨江大道 runs east 0 → 1 → 2, 人民路 north 2 → 3, an unnamed lane west 3 → 4 and then south-west 4 → 5."""
    x, y = np.array([0, 1, 2, 2, 1, 0.5]) / 1000, np.array([0, 0, 0, 1, 1, 0.5]) / 1000
    return RoadNetwork.from_arrays(
        [0, 1, 2, 3, 4],
        [1, 2, 3, 4, 5],
        [10_000, 10_000, 20_000, 5_000, 5_000],
        x=x,
        y=y,
        names=["滨江大道", "滨江大道", "人民路", None, ""],
        highways=["primary", "primary", "secondary", "service", "service"],
    )


def test_edges_of_one_street_are_one_step_and_turns_are_told(town: RoadNetwork) -> None:
    route = nearest_workers(town, 5, [0]).path(0)
    steps = directions(route)
    assert [(step.turn, step.street) for step in steps] == [
        ("depart", "滨江大道"),
        ("left", "人民路"),
        ("left", ""),
        ("slight_left", ""),
        ("arrive", ""),
    ]
    assert steps[0].text("zh") == "沿滨江大道出发，前行 222 米"
    assert steps[1].text("zh") == "左转进入人民路，前行 111 米"
    assert steps[1].text("en") == "Turn left onto 人民路 and go 111 m"
    assert steps[2].text("zh").startswith("左转进入无名道路")
    assert (steps[1].lon, steps[1].lat) == (0.002, 0.0)


def test_the_steps_sum_to_the_route(town: RoadNetwork) -> None:
    start, end = town.place_on_edge(0, 0.3), town.place_on_edge(4, 0.4)
    route = nearest_workers(town, end, [start]).path(0)
    steps = directions(route)
    assert sum(step.length_m for step in steps) == pytest.approx(route.length_m)
    assert sum(step.travel_time_s for step in steps) == pytest.approx(route.travel_time_ms / 1000)
    assert route.travel_time_ms == 7_000 + 10_000 + 20_000 + 5_000 + 2_000


def test_the_line_of_a_route_is_cut_at_its_places(town: RoadNetwork) -> None:
    start, end = town.place_on_edge(0, 0.25), town.place_on_edge(2, 0.5)
    line = nearest_workers(town, end, [start]).path(0).coordinates
    assert line == pytest.approx(np.array([[0.00025, 0], [0.001, 0], [0.002, 0], [0.002, 0.0005]]), abs=1e-12)


def test_a_route_that_goes_nowhere_departs_and_arrives(town: RoadNetwork) -> None:
    route = nearest_workers(town, 3, [3]).path(0)
    assert [step.turn for step in directions(route)] == ["depart", "arrive"]
    assert route.length_m == 0.0


def test_a_route_without_coordinates_still_has_words() -> None:
    network = RoadNetwork.from_arrays([0, 1], [1, 2], [5, 5], names=["A", "B"])
    route = nearest_workers(network, 2, [0]).path(0)
    assert [(step.turn, step.street) for step in directions(route)][:2] == [("depart", "A"), ("straight", "B")]
    assert route.coordinates.shape == (0, 2)


@pytest.mark.parametrize(
    ("angle_deg", "code"),
    [
        (0, "straight"), (-24, "straight"), (40, "slight_right"), (-90, "left"), (120, "right"), (-150, "sharp_left"),
        (175, "uturn"), (-180, "uturn"),
    ],
)  # fmt: skip
def test_a_turn_has_its_code(angle_deg: float, code: str) -> None:
    assert turn_code(angle_deg) == code


def test_edges_are_drawn_once_for_both_directions(tiny_city: RoadNetwork) -> None:
    """24 streets, 45 edges; the three southernmost are one-way."""
    frame = tiny_city.to_frame()
    assert (len(frame), len(tiny_city.to_frame(collapse_twins=False))) == (24, 45)
    assert frame["oneway"].sum() == 3
    assert set(frame["modes"]) == {"drive"}
    assert frame.crs == "EPSG:4326"
    assert frame["travel_time_s"].unique().tolist() == [10.0]


def test_a_frame_tells_names_and_classes(town: RoadNetwork) -> None:
    frame = town.to_frame()
    assert frame.loc[2, ["name", "highway"]].tolist() == ["人民路", "secondary"]
    assert town.street_name(3) == ""
    assert town.bounds == (0.0, 0.0, 0.002, 0.001)
