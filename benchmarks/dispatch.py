"""Dispatch on Columbus: the nearest 5 of 1,000 workers with routes, and 1,000 incidents × 10,000 workers at once."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.instances import largest_strong_part, road_network
from benchmarks.report import Result, Row
from gridgov.network import CLOSED, RoadNetwork, nearest_workers, nearest_workers_batch, warm_up

SEED = 20260630
K = 5
WORKERS, INCIDENTS = 1_000, 500
BATCH_WORKERS, BATCH_INCIDENTS = 10_000, 1_000
SLOW_INCIDENTS = 5  # for the engines that need a second for one
FIRST_LIMIT_MS = 60_000.0  # a round figure; scipy is shown with the best possible one, too
PER_WORKER_SAMPLE = 20  # "one path per worker" is measured on these many workers and scaled up
METHOD = (
    "One process, one thread unless stated. Engines take turns within each round, each answering the same incidents; "
    "figures are medians of the rounds, cpu time (time.process_time, all threads), per query or per batch. Preparation "
    "(graph, matrix, adjacency, workers by node) is outside the timed part for everybody; routes as lists of nodes are "
    "inside it for single queries. scipy's first limit is one minute, doubled until 5 workers are within; where it is "
    "known, it is the median time to the 5th worker, which one would have to know beforehand."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    network = road_network("columbus", data, tell)
    tell("compiling")
    warm_up()
    nodes = largest_strong_part(network)
    rng = np.random.default_rng(SEED)
    single_rows, single_checks = _single(network, nodes, rng, rounds, tell)
    batch_rows, batch_checks = _batch(network, nodes, rng, rounds, tell)
    closed = int((network.travel_time_ms == CLOSED).sum())
    instance = f"Columbus, Ohio, {network.n_nodes:,} nodes, {network.n_edges - closed:,} edges open to cars"
    return Result("dispatch", "Dispatch", instance, METHOD, single_rows + batch_rows, single_checks + batch_checks)


def _single(
    network: RoadNetwork, nodes: np.ndarray, rng: np.random.Generator, rounds: int, tell: Callable[[str], None]
) -> tuple[list[Row], list[str]]:
    task = f"nearest {K} of {WORKERS:,}, with routes"
    workers, incidents = rng.choice(nodes, WORKERS), rng.choice(nodes, INCIDENTS).tolist()
    tell("preparing the rivals")
    graph, matrix = rivals.multigraph(network), rivals.reversed_matrix(network)
    reverse, plain = graph.reverse(), rivals.reversed_adjacency(graph)
    at, index = Counter(workers.tolist()), network.worker_index(workers)
    worker_list, known = workers.tolist(), known_limit(network, incidents, workers)

    def gridgov_raw(incident: int) -> rivals.Answer:
        return with_routes(nearest_workers(network, incident, workers, k=K))

    def gridgov_prepared(incident: int) -> rivals.Answer:
        return with_routes(nearest_workers(network, incident, index, k=K))

    few = incidents[:SLOW_INCIDENTS]
    some = worker_list[:PER_WORKER_SAMPLE]

    def scipy_limits(incident: int) -> rivals.Answer:
        return rivals.scipy_doubling(matrix, incident, workers, K, FIRST_LIMIT_MS)

    per_worker = f"one path per worker; {len(some)} of them, scaled up"
    engines: list[tuple[str, Callable[[int], rivals.Answer], list[int], float | None, str, float]] = [
        ("gridgov", gridgov_prepared, incidents, None, "workers prepared", 1),
        ("gridgov", gridgov_raw, incidents, None, "workers as an array", 1),
        ("heapq", lambda i: rivals.heapq_on_networkx(reverse.adj, i, at, K), incidents, 5, "NetworkX adjacency", 1),
        ("heapq", lambda i: rivals.heapq_on_dicts(plain, i, at, K), incidents, None, "plain dicts", 1),
        ("scipy", lambda i: rivals.scipy_full(matrix, i, workers, K), incidents, 40, "full search", 1),
        ("scipy", scipy_limits, incidents, 6, "doubling limit", 1),
        ("scipy", lambda i: rivals.scipy_doubling(matrix, i, workers, K, known), incidents, None, "limit known", 1),
        ("NetworkX", lambda i: rivals.networkx_single_source(reverse, i, worker_list, K), few, 1000, "one search", 1),
        ("NetworkX", lambda i: rivals.networkx_per_worker(graph, i, some, K), few[:1], 1000, per_worker,
         WORKERS / len(some)),
    ]  # fmt: skip
    check_answers(network, engines[:-1], workers)
    measured: list[list[float]] = [[] for _ in engines]
    for number in range(rounds):
        tell(f"single incidents, round {number + 1} of {rounds}")
        for times, (_, engine, asked, _, _, scale) in zip(measured, engines, strict=True):
            times.append(cpu_ms(engine, asked) * scale / len(asked))
    ours = median(measured[0])
    rows = [
        Row(task, name, median(times), 1, median(times) / ours, bar, note)
        for times, (name, _, _, bar, note, _) in zip(measured, engines, strict=True)
    ]
    settled = np.mean([nearest_workers(network, i, index, k=K).settled_nodes for i in incidents])
    return rows, [
        f"costs are equal on {INCIDENTS} incidents, NetworkX's one search on {len(few)}; "
        "every route is drivable and sums to its cost",
        f"gridgov settles {settled:.0f} of {network.n_nodes:,} nodes for one incident on average",
    ]


def _batch(
    network: RoadNetwork, nodes: np.ndarray, rng: np.random.Generator, rounds: int, tell: Callable[[str], None]
) -> tuple[list[Row], list[str]]:
    task = f"nearest {K} of {BATCH_WORKERS:,} for {BATCH_INCIDENTS:,} incidents"
    workers, incidents = rng.choice(nodes, BATCH_WORKERS), rng.choice(nodes, BATCH_INCIDENTS)
    matrix = rivals.reversed_matrix(network)
    known = known_limit(network, incidents.tolist(), workers)
    kept: dict[str, Any] = {}

    def gridgov(threads: int) -> None:
        batch = nearest_workers_batch(network, incidents, workers, k=K, threads=threads)
        kept["gridgov"] = batch.travel_time_ms

    def scipy_limits(_threads: int) -> None:
        kept["scipy"] = rivals.scipy_batch_doubling(matrix, incidents, workers, K, known)

    engines: list[tuple[str, Callable[[int], None], int, float | None, str]] = [
        ("gridgov", gridgov, 1, None, ""),
        ("gridgov", gridgov, 2, None, ""),
        ("scipy", scipy_limits, 1, 30, "limit known, then doubled"),
    ]
    measured: list[list[float]] = [[] for _ in engines]
    for number in range(rounds):
        tell(f"batch, round {number + 1} of {rounds}")
        for times, (_, engine, threads, *_) in zip(measured, engines, strict=True):
            times.append(cpu_ms(engine, [threads]))
        assert (kept["gridgov"] == kept["scipy"]).all(), "gridgov and scipy differ"
    ours = median(measured[0])
    rows = [
        Row(task, name, median(times), threads, median(times) / ours, bar, note)
        for times, (name, _, threads, bar, note) in zip(measured, engines, strict=True)
    ]
    return rows, [f"costs of the batch equal scipy's for all {BATCH_INCIDENTS:,} incidents"]


def known_limit(network: RoadNetwork, incidents: list[int], workers: np.ndarray) -> float:
    """Return a first limit for scipy that nobody can know beforehand: the median time to the k-th worker."""
    return float(np.median(nearest_workers_batch(network, incidents, workers, k=K).travel_time_ms[:, -1]))


def with_routes(near: Any) -> rivals.Answer:
    return [(ms, near.route(i)) for i, ms in enumerate(near.travel_time_ms.tolist())]


def cpu_ms(work: Callable[..., object], asked: Iterable[Any]) -> float:
    """Return the cpu milliseconds of asking for every item."""
    gc.disable()  # as timeit does: nobody pays for collecting what others left behind
    before = time.process_time()
    for item in asked:
        work(item)
    spent = time.process_time() - before
    gc.enable()
    return spent * 1000


def check_answers(network: RoadNetwork, engines: list[Any], workers: np.ndarray) -> None:
    """Assert that all engines give the same costs, and that every route can be driven at its cost."""
    fastest: dict[tuple[int, int], int] = {}
    for u, v, ms in zip(network.tail.tolist(), network.head.tolist(), network.travel_time_ms.tolist(), strict=True):
        if ms != CLOSED:
            fastest[u, v] = min(ms, fastest.get((u, v), CLOSED))
    known = set(workers.tolist())
    for name, engine, asked, _, note, _ in engines:
        for incident in asked:
            answer, expected = engine(incident), engines[0][1](incident)
            assert [ms for ms, _ in answer] == [ms for ms, _ in expected], f"{name} ({note}) differs at {incident}"
            for ms, route in answer:
                assert route[0] in known
                assert route[-1] == incident
                assert sum(fastest[step] for step in pairwise(route)) == ms
