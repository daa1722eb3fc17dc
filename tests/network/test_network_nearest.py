"""The nearest workers in a city of 3 x 3 blocks, computed by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from gridgov.errors import ParameterError
from gridgov.network import Place, RoadNetwork, nearest_workers, nearest_workers_batch, warm_up

BLOCK = 10_000  # ms along one side of a block


def test_workers_come_sorted_by_time_with_their_routes(tiny_city: RoadNetwork) -> None:
    """Crossing 5 is one block from 6, two from 10, three from 15."""
    near = nearest_workers(tiny_city, 5, [15, 10, 6], k=2)
    assert near.index.tolist() == [2, 1]
    assert near.travel_time_ms.tolist() == [BLOCK, 2 * BLOCK]
    assert near.route(0) == [6, 5]
    assert near.route(1) in ([10, 9, 5], [10, 6, 5])
    assert near.route(-1) == near.route(1)


def test_a_worker_drives_along_a_one_way_street_and_not_against_it(tiny_city: RoadNetwork) -> None:
    """From 0 to 1 it is one block; from 1 to 0 it is three, round the block."""
    assert nearest_workers(tiny_city, 1, [0]).travel_time_ms.tolist() == [BLOCK]
    near = nearest_workers(tiny_city, 0, [1])
    assert near.travel_time_ms.tolist() == [3 * BLOCK]
    assert near.route(0) == [1, 5, 4, 0]


def test_ties_go_to_the_first_in_the_list(tiny_city: RoadNetwork) -> None:
    """Four workers one block away, in any order of their nodes, and one of them twice."""
    assert nearest_workers(tiny_city, 5, [9, 6, 4, 6, 1], k=3).index.tolist() == [0, 1, 2]
    assert nearest_workers(tiny_city, 5, [1, 4, 6, 9], k=3).index.tolist() == [0, 1, 2]


def test_who_cannot_come_is_not_in_the_answer() -> None:
    """A worker on an island; k is larger than what is there."""
    network = RoadNetwork.from_arrays([0, 2], [1, 3], [5, 5])
    near = nearest_workers(network, 1, [2, 0, 3], k=9)
    assert (near.index.tolist(), near.reachable) == ([1], 1)


def test_without_workers_the_answer_is_empty(tiny_city: RoadNetwork) -> None:
    assert len(nearest_workers(tiny_city, 5, [])) == 0
    assert nearest_workers_batch(tiny_city, [5, 6], []).index.tolist() == [[-1] * 5] * 2
    assert nearest_workers_batch(tiny_city, [], [1]).index.shape == (0, 5)


def test_a_worker_at_the_incident_needs_no_time(tiny_city: RoadNetwork) -> None:
    near = nearest_workers(tiny_city, 5, [5])
    assert (near.travel_time_ms.tolist(), near.route(0), near.edges(0)) == ([0], [5], [])
    assert near.path(0).coordinates.shape == (2, 2)


def test_both_directions_of_a_street_serve_a_place_on_it(tiny_city: RoadNetwork) -> None:
    """A quarter of the way from 5 to 6: a worker at 5 drives a quarter, one at 6 three quarters."""
    edge = edge_between(tiny_city, 5, 6)
    place = tiny_city.place_on_edge(edge, 0.25)
    near = nearest_workers(tiny_city, place, [6, 5])
    assert near.index.tolist() == [1, 0]
    assert near.travel_time_ms.tolist() == [BLOCK // 4, 3 * BLOCK // 4]
    assert near.edges(0) == [edge]
    assert near.edges(1) == [edge_between(tiny_city, 6, 5)]


def test_two_places_on_one_street_meet_directly_in_both_orders(tiny_city: RoadNetwork) -> None:
    """20 % and 70 % of a two-way street are half a street apart, without any node between."""
    edge = edge_between(tiny_city, 5, 6)
    one, other = tiny_city.place_on_edge(edge, 0.2), tiny_city.place_on_edge(edge, 0.7)
    for worker, incident in ((one, other), (other, one)):
        near = nearest_workers(tiny_city, incident, [worker])
        assert (near.travel_time_ms.tolist(), near.route(0), len(near.edges(0))) == ([BLOCK // 2], [], 1)
        assert np.isclose(near.path(0).length_m, tiny_city.length_m[edge] / 2)


def test_two_places_on_a_one_way_street_are_far_apart_against_it(tiny_city: RoadNetwork) -> None:
    """From 70 % of 0 → 1 back to its 20 %: on to 1, round the block to 0, and in again."""
    edge = edge_between(tiny_city, 0, 1)
    early, late = tiny_city.place_on_edge(edge, 0.2), tiny_city.place_on_edge(edge, 0.7)
    assert nearest_workers(tiny_city, late, [early]).travel_time_ms.tolist() == [BLOCK // 2]
    back = nearest_workers(tiny_city, early, [late])
    assert back.travel_time_ms.tolist() == [3_000 + 3 * BLOCK + 2_000]
    assert back.edges(0)[0] == back.edges(0)[-1] == edge
    assert back.path(0).piece_travel_time_ms.tolist() == [3_000, BLOCK, BLOCK, BLOCK, 2_000]


def test_nodes_and_places_may_be_mixed(tiny_city: RoadNetwork) -> None:
    place = tiny_city.place_on_edge(edge_between(tiny_city, 5, 6), 0.5)
    near = nearest_workers(tiny_city, 5, [10, place, np.int64(6)])
    assert near.index.tolist() == [1, 2, 0]


def test_an_index_answers_like_the_list_it_was_made_from(tiny_city: RoadNetwork) -> None:
    """Also on another view of the network, and after the list has changed."""
    nodes = np.array([15, 10, 6])
    index = tiny_city.worker_index(nodes)
    nodes[:] = 0
    assert nearest_workers(tiny_city, 5, index).index.tolist() == [2, 1, 0]
    closed = tiny_city.with_closures([edge_between(tiny_city, 6, 5)])
    assert nearest_workers(closed, 5, index).travel_time_ms.tolist() == [2 * BLOCK, 3 * BLOCK, 4 * BLOCK]
    assert nearest_workers_batch(closed, [5], index, k=1).travel_time_ms.tolist() == [[2 * BLOCK]]


def test_workers_may_come_in_any_kind_of_list(tiny_city: RoadNetwork) -> None:
    """Tuples, columns of a frame with an index of their own, small integers, whole floats, one node alone."""
    column = pd.Series([15, 10, 6], index=[2, 1, 0])
    for workers in ((15, 10, 6), column, np.array([15, 10, 6], dtype=np.uint8), [15.0, 10.0, 6.0]):
        near = nearest_workers(tiny_city, 5, workers)
        assert near.index.tolist() == [2, 1, 0]
        assert near.path(0).start.node == 6
    assert nearest_workers(tiny_city, 5, 6).path(0).start.node == 6


def test_threads_may_ask_at_the_same_time(tiny_city: RoadNetwork) -> None:
    """Four threads, lists and an index, get what one thread gets."""
    index = tiny_city.worker_index([0, 3, 12, 15])
    questions = [(node, workers) for node in range(16) for workers in (index, [0, 3, 12, 15])] * 20

    def ask(question: tuple[int, object]) -> list[list[int]]:
        near = nearest_workers(tiny_city, question[0], question[1])  # type: ignore[arg-type]
        return [near.index.tolist(), near.travel_time_ms.tolist(), *(near.route(i) for i in range(len(near)))]

    expected = [ask(question) for question in questions]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, questions)) == expected


def test_times_beyond_32_bits_do_not_overflow() -> None:
    """Five edges of nearly 2**31 ms each."""
    network = RoadNetwork.from_arrays([0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2**31 - 2] * 5)
    assert nearest_workers(network, 5, [0]).travel_time_ms.tolist() == [5 * (2**31 - 2)]
    assert network.travel_times([0], [5, 1]).tolist() == [[5 * (2**31 - 2), 2**31 - 2]]
    assert network.travel_times([4], [5]).dtype == np.int32


def test_a_long_route_is_complete() -> None:
    """Longer than the room that a search starts with."""
    n = 3000
    network = RoadNetwork.from_arrays(np.arange(n - 1), np.arange(1, n), np.ones(n - 1))
    near = nearest_workers(network, n - 1, [0, 1, n - 1])
    assert near.route(2) == list(range(n))
    assert near.route(1) == list(range(1, n))
    assert near.edges(2) == list(range(n - 1))


@pytest.mark.parametrize(
    ("incident", "workers", "k", "sentence"),
    [
        (99, [1], 5, "node 99 does not exist"),
        (-1, [1], 5, "node -1 does not exist"),
        (1, [1, 99], 5, "names node 99 at position 1, which does not exist"),
        (1, np.array([1, 16]), 5, "names node 16 at position 1"),
        (1, [1.5], 5, "holds 1.5 at position 0; give whole numbers"),
        (1, [1], 0, "k must be a whole number from 1 on, not 0"),
        (1, [1], 2.0, "k must be a whole number"),
        ([1], [1], 5, "an incident is one node id or one place"),
        (1, [Place(-1, 10_000, 0.5)], 5, "a place does not lie on this network"),
        (1, [Place(1), "here"], 5, "'here' is neither a node id nor a place"),
    ],
)
def test_bad_questions_are_refused_in_a_sentence(
    tiny_city: RoadNetwork, incident: object, workers: object, k: object, sentence: str
) -> None:
    with pytest.raises(ParameterError, match=sentence):
        nearest_workers(tiny_city, incident, workers, k=k)  # type: ignore[arg-type]


def test_warming_up_says_what_it_does() -> None:
    steps: list[tuple[int, int, str]] = []
    warm_up(lambda *step: steps.append(step))
    assert [step[0] for step in steps] == list(range(len(steps)))
    assert steps[-1][:2] == (len(steps) - 1, len(steps) - 1)


def edge_between(network: RoadNetwork, tail: int, head: int) -> int:
    return int(np.flatnonzero((network.tail == tail) & (network.head == head))[0])
