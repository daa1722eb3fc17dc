"""From a street graph, and to a file and back."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from road_cases import networks
from shapely import LineString

from gridgov.errors import ParameterError, SourceError
from gridgov.network import CLOSED, RoadNetwork


@pytest.fixture
def street_graph() -> nx.MultiDiGraph:
    """A two-way street 10 – 20 with a bend, parallel to a straight one-way; a stair that only walkers use."""
    graph = nx.MultiDiGraph(crs="EPSG:4326")
    for node, x, y in ((10, 0.0, 0.0), (20, 0.002, 0.0), (30, 0.002, 0.001)):
        graph.add_node(node, x=x, y=y)
    bend = LineString([(0, 0), (0.001, 0.001), (0.002, 0)])
    common = {"osmid": [7, 8], "name": ["甲路", "乙路"], "highway": ["primary", "secondary"], "geometry": bend}
    graph.add_edge(10, 20, **common, length=300.0, drive_s=20.0004, ebike_s=50.0, walk_s=200.0)
    graph.add_edge(20, 10, **common, length=300.0, drive_s=21.0, ebike_s=50.0, walk_s=200.0)  # drawn from 10 on
    graph.add_edge(10, 20, osmid=9, length=222.0, drive_s=15.0, ebike_s=None, walk_s=float("nan"))
    graph.add_edge(20, 30, osmid=11, highway="steps", name="", length=111.0, walk_s=90.0, drive_s=math.inf)
    return graph


def test_a_graph_becomes_one_topology_with_three_modes(street_graph: nx.MultiDiGraph) -> None:
    network = RoadNetwork.from_graph(street_graph)
    assert (network.n_nodes, network.n_edges, network.modes) == (3, 4, ("drive", "ebike", "walk"))
    times = {mode: network.for_mode(mode).travel_times([0], [1, 2]).tolist() for mode in network.modes}
    assert times == {"drive": [[15_000, -1]], "ebike": [[50_000, -1]], "walk": [[200_000, 290_000]]}


def test_times_are_rounded_to_milliseconds_and_missing_ones_close_the_edge(street_graph: nx.MultiDiGraph) -> None:
    network = RoadNetwork.from_graph(street_graph)
    assert sorted(network.travel_time_ms.tolist()) == [15_000, 20_000, 21_000, CLOSED]
    assert sorted(network.for_mode("ebike").travel_time_ms.tolist()) == [50_000, 50_000, CLOSED, CLOSED]


def test_names_classes_lengths_and_ids_are_taken_over(street_graph: nx.MultiDiGraph) -> None:
    network = RoadNetwork.from_graph(street_graph)
    first = int(np.flatnonzero(network.travel_time_ms == 20_000)[0])
    assert (network.street_name(first), network.highway(first), network.length_m[first]) == (
        "甲路 / 乙路",
        "primary",
        300.0,
    )
    assert network.topology.osmid is not None
    assert network.topology.osmid[first] == 7
    assert network.topology.node_osmid is not None
    assert network.topology.node_osmid.tolist() == [10, 20, 30]


def test_a_line_drawn_from_the_other_end_is_turned(street_graph: nx.MultiDiGraph) -> None:
    network = RoadNetwork.from_graph(street_graph)
    back = int(np.flatnonzero(network.travel_time_ms == 21_000)[0])
    assert network.edge_coordinates(back)[0].tolist() == [0.002, 0.0]
    assert network.snap(0.0005, 0.0006).edge == min(back, int(np.flatnonzero(network.travel_time_ms == 20_000)[0]))


def test_the_bend_and_the_straight_street_are_two_lines(street_graph: nx.MultiDiGraph) -> None:
    """Though they join the same nodes."""
    assert len(RoadNetwork.from_graph(street_graph).to_frame()) == 3


def test_a_graph_of_osmnx_with_travel_times_is_one_for_cars() -> None:
    graph = nx.MultiDiGraph()
    graph.add_node(1, x=0.0, y=0.0)
    graph.add_node(2, x=0.01, y=0.0)
    graph.add_edge(1, 2, travel_time=1.5)
    assert RoadNetwork.from_graph(graph).travel_times([0], [1]).tolist() == [[1500]]


@pytest.mark.parametrize(
    ("node", "edge", "sentence"),
    [
        ({"x": 0.0, "y": 0.0}, None, "the street graph has no edges"),
        ({"x": 0.0, "y": 0.0}, {"length": 1.0}, "the street graph has no travel times"),
        ({"x": 0.0, "y": 0.0}, {"drive_s": -1.0}, "drive_s of edge 0 is -1.0 s"),
        ({}, {"drive_s": 1.0}, "a node of the street graph has no coordinates"),
    ],
)
def test_a_bad_graph_is_refused_in_a_sentence(
    node: dict[str, float], edge: dict[str, float] | None, sentence: str
) -> None:
    graph = nx.MultiDiGraph()
    graph.add_node(1, **node)
    if edge is not None:
        graph.add_edge(1, 1, **edge)
    with pytest.raises(ParameterError, match=sentence):
        RoadNetwork.from_graph(graph)


def test_a_network_comes_back_from_its_file(street_graph: nx.MultiDiGraph, tmp_path: Path) -> None:
    network = RoadNetwork.from_graph(street_graph)
    network.for_mode("walk").save(tmp_path / "network.npz")
    back = RoadNetwork.load(tmp_path / "network.npz")
    assert back.mode == "walk"
    for mode in network.modes:
        assert back.for_mode(mode).digest == network.for_mode(mode).digest
    assert back.to_frame().equals(network.for_mode("walk").to_frame())
    assert back.topology.names == network.topology.names
    with pytest.raises(ValueError, match="read-only"):
        back.tail[0] = 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(networks())
def test_any_network_comes_back_from_its_file(tmp_path: Path, network: RoadNetwork) -> None:
    network.save(tmp_path / "network.npz")
    assert RoadNetwork.load(tmp_path / "network.npz").digest == network.digest


def test_a_damaged_file_is_refused_in_a_sentence(tmp_path: Path, street_graph: nx.MultiDiGraph) -> None:
    path = tmp_path / "network.npz"
    with pytest.raises(SourceError, match="no such file"):
        RoadNetwork.load(path)
    RoadNetwork.from_graph(street_graph).save(path)
    whole = path.read_bytes()
    for content in (b"", b"something else", whole[: len(whole) // 2], pickle.dumps({"tail": []})):
        path.write_bytes(content)
        with pytest.raises(SourceError, match="not a road network, or damaged"):
            RoadNetwork.load(path)


def test_a_file_of_another_format_and_a_pickled_array_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    np.savez(path, facts=np.frombuffer(b'{"format": "gridgov-network/9"}', dtype=np.uint8))
    with pytest.raises(SourceError, match="format gridgov-network/9"):
        RoadNetwork.load(path)
    np.savez(path, facts=np.array([{"format": "gridgov-network/1"}], dtype=object))
    with pytest.raises(SourceError, match="not a road network"):
        RoadNetwork.load(path)
