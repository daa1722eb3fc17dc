"""Both engines of the road network against their rivals: few and many workers, matrices, closures, scaling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks import routing_rivals as more
from benchmarks.dispatch import check_answers, cpu_ms, known_limit, with_routes
from benchmarks.instances import largest_strong_part, road_network
from benchmarks.report import Result, Row
from gridgov.network import CLOSED, RoadNetwork, nearest_workers, travel_times, warm_up

SEED = 20260701
K = 5
INCIDENTS, SLOW_INCIDENTS = 200, 3
FIRST_LIMIT_MS = 60_000.0
FEW_ROWS = 20  # of a matrix, for engines that need a search for each row
TITLES = {"columbus": "Columbus", "city": "sample city"}
METHOD = (
    "One process, one thread. Engines take turns within each round and answer the same questions; figures are medians "
    "of the rounds, cpu time (time.process_time, all threads), per query or per matrix. Preparation (graph, hierarchy, "
    "workers) is outside the timed part for everybody, routes as lists of nodes are inside it for nearest workers. "
    "gridgov chooses its engine itself; the table says which it was. Closures: view, the hierarchy's times if it is "
    "used, and one query; RoutingKit gets its list of weights ready made. Twenty closed edges: all anywhere, or all "
    "around one crossing; ten sets of them, one after the other; gridgov is told which edges, as its views know, and "
    "what depends on the times of the base is found out once, before."
)


@dataclass(frozen=True)
class Engine:
    """One way to do a task; `work` is asked for every item of `asked`."""

    name: str
    work: Callable[[Any], Any]
    asked: list[Any]
    bar: float | None = None
    note: str = ""
    scale: float = 1.0


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    tell("compiling")
    warm_up()
    rows: list[Row] = []
    checks: list[str] = []
    for name, title in TITLES.items():
        network = road_network(name, data, tell).with_hierarchy()
        instance = Instance(network, title, rounds, tell)
        rows += [*instance.nearest(1_000), *instance.nearest(20), *instance.matrices(), *instance.closures()]
        rows += instance.few_closures()
        checks += instance.checks
    florida = road_network("florida", data, tell)
    rows += [*scaling(florida, 1_000, rounds, tell), *scaling(florida, 10_000, rounds, tell)]
    checks.append("costs on Florida's roads equal scipy's for all incidents asked")
    names = ("routingkit_cch", "igraph", "pandana")
    missing = [name for name in names if more.installed(name) is None]
    checks += [f"left out, not installed: {', '.join(missing)}"] if missing else []
    what = "Columbus (real), the sample city, Florida (topology real, times by a rule)"
    return Result("network", "Road network", what, METHOD, rows, checks)


class Instance:
    """The tasks on one network with coordinates."""

    def __init__(self, network: RoadNetwork, title: str, rounds: int, tell: Callable[[str], None]) -> None:
        self.network, self.title, self.rounds, self.tell = network, title, rounds, tell
        self.nodes, self.rng = largest_strong_part(network), np.random.default_rng(SEED)
        tell(f"preparing the rivals on {title}")
        self.matrix = rivals.reversed_matrix(_without_zeros(network))
        routingkit, igraph, pandana = (more.installed(name) for name in ("routingkit_cch", "igraph", "pandana"))
        self.kit = more.RoutingKit(routingkit, network) if routingkit else None
        self.graph = more.igraph_of(igraph, network) if igraph else None
        self.pandana = more.Pandana(pandana, network) if pandana else None
        n, m = network.n_nodes, int((network.travel_time_ms != CLOSED).sum())
        hierarchy = network.hierarchy()
        self.checks = [
            f"{title}: {n:,} nodes, {m:,} open edges; {hierarchy.n_arcs:,} arcs, height {hierarchy.height}; "
            "all costs asked are equal, every route is drivable and sums to its cost"
        ]

    def nearest(self, n_workers: int) -> list[Row]:
        """Ask for the nearest workers of single incidents."""
        network = self.network
        workers, incidents = self.rng.choice(self.nodes, n_workers), self.rng.choice(self.nodes, INCIDENTS).tolist()
        index, listed, few = network.worker_index(workers), workers.tolist(), incidents[:SLOW_INCIDENTS]
        engine = nearest_workers(network, incidents[0], index, k=K).engine
        engines = [
            Engine("gridgov", lambda i: with_routes(nearest_workers(network, i, index, k=K)), incidents, note=engine)
        ]
        many = n_workers >= 1_000
        if many:
            reverse, at = rivals.multigraph(network).reverse(), Counter(listed)
            engines += [
                Engine("heapq", lambda i: rivals.heapq_on_networkx(reverse.adj, i, at, K), incidents, 5,
                       "NetworkX adjacency"),
                Engine("NetworkX", lambda i: rivals.networkx_single_source(reverse, i, listed, K), few, None,
                       "one search"),
            ]  # fmt: skip
        engines += [
            Engine("scipy", lambda i: rivals.scipy_full(self.matrix, i, workers, K), incidents[:40],
                   40 if many else None, "full search"),
            Engine("scipy", lambda i: rivals.scipy_doubling(self.matrix, i, workers, K, FIRST_LIMIT_MS),
                   incidents[:100], 6 if many else None, "doubling limit"),
        ]  # fmt: skip
        if self.kit:
            kit, pinned = self.kit, self.kit.pin_workers(workers)
            bar = None if many else 1 / 1.2
            engines.append(Engine("routingkit-cch", lambda i: kit.nearest(pinned, listed, i, K), incidents[:100], bar))
        if self.graph:
            graph, weights = self.graph
            engines.append(Engine("igraph", lambda i: more.igraph_nearest(graph, weights, i, listed, K), few))
        checked = [(e.name, e.work, e.asked[:40], None, e.note, 1) for e in engines]
        check_answers(network, checked, workers)
        return self._alternate(f"nearest {K} of {n_workers:,}, with routes", engines)

    def matrices(self) -> list[Row]:
        """Ask for travel times of many to many."""
        return [*self._matrix(500, 500, 1.5), *self._matrix(200, 10_000, 4)]

    def _matrix(self, n_sources: int, n_targets: int, bar: float) -> list[Row]:
        network = self.network
        sources, targets = self.rng.choice(self.nodes, n_sources), self.rng.choice(self.nodes, n_targets)
        few, scale = sources[:FEW_ROWS], n_sources / FEW_ROWS
        cut = f"{FEW_ROWS} of the rows, scaled up"
        engines = [
            Engine("gridgov", lambda s: travel_times(network, s, targets, threads=1), [sources], note="hierarchy"),
            Engine("gridgov", lambda s: travel_times(network, s, targets, threads=1, engine="early_stop"), [few],
                   note=f"early stop; {cut}", scale=scale),
        ]  # fmt: skip
        if self.kit:
            kit = self.kit
            engines.append(Engine("routingkit-cch", lambda s: kit.matrix(s, targets), [sources], bar))
        if self.pandana and n_targets <= 500:
            pandana = self.pandana
            engines.append(Engine("pandana", lambda s: pandana.matrix(s, targets), [sources]))
        if self.graph:
            graph, weights = self.graph
            engines.append(Engine("igraph", lambda s: more.igraph_matrix(graph, weights, s, targets), [few[:4]],
                                  note="4 of the rows, scaled up", scale=n_sources / 4))  # fmt: skip
        engines.append(
            Engine("scipy", lambda t: more.scipy_matrix(self.matrix, sources, t), [targets[:FEW_ROWS]],
                   note=f"against the edges; {FEW_ROWS} of its searches, scaled up",
                   scale=min(n_sources, n_targets) / FEW_ROWS)
        )  # fmt: skip
        expected = engines[0].work(sources)
        for engine in engines[1:-1]:
            assert (engine.work(engine.asked[0]) == expected[: len(engine.asked[0])]).all(), engine.name
        assert (engines[-1].work(targets[:FEW_ROWS]) == expected[:, :FEW_ROWS]).all()
        return self._alternate(f"{n_sources:,} × {n_targets:,} travel times", engines)

    def closures(self) -> list[Row]:
        """Close 2 % of the edges and ask one question: with 1,000 workers and with 20."""
        network, rows = self.network, []
        sets = [self.rng.choice(network.n_edges, network.n_edges // 50, replace=False) for _ in range(5)]
        incident = int(self.rng.choice(self.nodes))
        for n_workers in (1_000, 20):
            workers = self.rng.choice(self.nodes, n_workers)
            listed, used = workers.tolist(), set()

            def ours(closed: np.ndarray, workers: np.ndarray = workers, used: set[str] = used) -> list[int]:
                near = nearest_workers(network.with_closures(closed), incident, workers, k=K)
                used.add(near.engine)
                return [ms for ms, _ in with_routes(near)]

            expected = [ours(closed) for closed in sets]
            engines = [Engine("gridgov", ours, sets, note=" or ".join(sorted(used)))]
            if self.kit:
                kit, weights = self.kit, [more.weights_of(network.with_closures(closed)) for closed in sets]

                def theirs(closed: list[int], kit: Any = kit, listed: list[int] = listed) -> list[int]:
                    kit.metric.reset(closed)
                    return [ms for ms, _ in kit.nearest(kit.pin_workers(np.array(listed)), listed, incident, K)]

                engines.append(Engine("routingkit-cch", theirs, weights, 2, "reset"))
                assert [theirs(closed) for closed in weights] == expected
            rows += self._alternate(f"close 2 % of edges, then nearest {K} of {n_workers:,}", engines)
            if self.kit:
                self.kit.metric.reset(self.kit.base)
        return rows

    def few_closures(self) -> list[Row]:
        """Bring the hierarchy up to date after 20 closed edges, from the difference and from nothing."""
        network, hierarchy, rows = self.network, self.network.hierarchy(), []
        anywhere = [self.rng.choice(network.n_edges, 20, replace=False) for _ in range(10)]
        centres = self.rng.choice(self.nodes, 10)
        middle = np.array([network.x, network.y])[:, network.tail]
        around = [np.argsort(((middle - middle[:, network.tail == c][:, :1]) ** 2).sum(axis=0))[:20] for c in centres]
        for where, sets in (("around one crossing", around), ("anywhere", anywhere)):
            times = [network.with_closures(closed).travel_time_ms for closed in sets]
            given = [(ms, np.unique(closed)) for ms, closed in zip(times, sets, strict=True)]  # as a view has them
            for ms, closed in given:
                assert (network.metric.for_times(ms, closed).times == hierarchy.with_times(ms).times).all()
            engines = [
                Engine("gridgov", lambda one: network.metric.for_times(*one), given, note="difference"),
                Engine("gridgov", hierarchy.with_times, times, 10, "full customization"),
            ]
            if self.kit:
                kit = self.kit
                engines.append(Engine("routingkit-cch", kit.metric.reset, [t.tolist() for t in times], None, "reset"))
            rows += self._alternate(f"times on the hierarchy, 20 edges closed {where}", engines)
            if self.kit:
                self.kit.metric.reset(self.kit.base)
        return rows

    def _alternate(self, task: str, engines: list[Engine]) -> list[Row]:
        return alternate(f"{self.title}: {task}", engines, self.rounds, self.tell)


def scaling(network: RoadNetwork, n_workers: int, rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """The early-stop search where there is no hierarchy: no coordinates, a million nodes."""
    nodes, rng = largest_strong_part(network), np.random.default_rng(SEED)
    workers, incidents = rng.choice(nodes, n_workers), rng.choice(nodes, 40).tolist()
    matrix, index = rivals.reversed_matrix(network), network.worker_index(workers)
    limit = known_limit(network, incidents, workers)
    engines = [
        Engine("gridgov", lambda i: with_routes(nearest_workers(network, i, index, k=K)), incidents, note="early_stop"),
        Engine("scipy", lambda i: rivals.scipy_doubling(matrix, i, workers, K, FIRST_LIMIT_MS), incidents[:8],
               note="doubling limit"),
        Engine("scipy", lambda i: rivals.scipy_doubling(matrix, i, workers, K, limit), incidents[:8],
               note="limit known"),
    ]  # fmt: skip
    check_answers(network, [(e.name, e.work, e.asked, None, e.note, 1) for e in engines], workers)
    return alternate(f"Florida, 1.07 million nodes: nearest {K} of {n_workers:,}", engines, rounds, tell)


def alternate(task: str, engines: list[Engine], rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Let the engines take turns, and compare the medians of their times with the first one's."""
    measured: list[list[float]] = [[] for _ in engines]
    for number in range(rounds):
        tell(f"{task}, round {number + 1} of {rounds}")
        for times, engine in zip(measured, engines, strict=True):
            times.append(cpu_ms(engine.work, engine.asked) * engine.scale / len(engine.asked))
    ours = median(measured[0])
    return [
        Row(task, engine.name, median(times), 1, median(times) / ours, engine.bar, engine.note)
        for times, engine in zip(measured, engines, strict=True)
    ]


def _without_zeros(network: RoadNetwork) -> RoadNetwork:
    """Return the network if scipy can take it; it drops edges of 0 ms."""
    assert network.travel_time_ms.min() > 0, "scipy drops edges of 0 ms; choose another network"
    return network
