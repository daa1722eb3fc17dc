"""The main part of the roads and who comes to it, against NetworkX on random networks."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from road_cases import edge_sets, locations, networks

from gridgov.network import CLOSED, MainPart, RoadNetwork


def graph_of(network: RoadNetwork) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(network.n_nodes))
    usable = network.travel_time_ms != CLOSED
    graph.add_edges_from(zip(network.tail[usable].tolist(), network.head[usable].tolist(), strict=True))
    return graph


@given(st.data())
def test_the_main_part_is_the_largest_strong_component_and_its_neighbours_those_of_networkx(
    data: st.DataObject,
) -> None:
    network = data.draw(networks())
    network = network.with_closures(data.draw(edge_sets(network)))
    part, graph = MainPart(network), graph_of(network)
    inside = set(np.flatnonzero(part.inside).tolist())
    parts = list(nx.strongly_connected_components(graph))
    assert inside in parts
    assert len(inside) == max(map(len, parts))
    assert min(inside) == min(min(one) for one in parts if len(one) == len(inside))
    start = min(inside)
    assert set(np.flatnonzero(part.reached).tolist()) == nx.descendants(graph, start) | {start}
    assert set(np.flatnonzero(part.reaching).tolist()) == nx.ancestors(graph, start) | {start}


@given(st.data())
def test_a_place_joins_the_main_part_exactly_if_there_is_a_time(data: st.DataObject) -> None:
    network = data.draw(networks())
    network = network.with_closures(data.draw(edge_sets(network)))
    places = data.draw(locations(network, min_size=1))
    part = MainPart(network)
    start = [int(part.inside.argmax())]
    assert part.joins(places, "to").tolist() == (network.travel_times(places, start)[:, 0] >= 0).tolist()
    assert part.joins(places, "from").tolist() == (network.travel_times(start, places)[0] >= 0).tolist()
