"""Warm-up: compile every search once, so that the first click does not wait."""

from __future__ import annotations

from collections.abc import Callable

from gridgov.network.main_part import MainPart
from gridgov.network.nearest import nearest_workers, nearest_workers_batch
from gridgov.network.reaching import reach
from gridgov.network.road_network import RoadNetwork

Progress = Callable[[int, int, str], None]


def warm_up(progress: Progress | None = None) -> None:
    """Compile the searches on a network of one street, or load them from numba's cache on disk.

    The first time on a machine this takes tens of seconds, later well under one.

    Parameters
    ----------
    progress : callable, optional
        Called as ``progress(done, total, code)`` before each step and once at the end; `code` is a text of the locale
        files (``network.warm_up.places`` …).
    """
    tell = progress or (lambda _done, _total, _code: None)
    network = RoadNetwork.from_arrays([0, 1], [1, 0], [1000, 1000], x=[0.0, 0.001], y=[0.0, 0.0])
    x, y = [0.0, 0.001, 0.001, 0.0], [0.0, 0.0, 0.001, 0.001]
    ring = RoadNetwork.from_arrays([0, 1, 2, 3], [1, 2, 3, 0], [1000] * 4, x=x, y=y)
    place = ring.place_on_edge(0, 0.5)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("network.warm_up.places", lambda: network.worker_index([network.snap(0.0005, 0.0)])),
        ("network.warm_up.nearest", lambda: nearest_workers(network, 0, [1], k=1)),
        ("network.warm_up.batch", lambda: nearest_workers_batch(network, [0], [1], k=1)),
        ("network.warm_up.matrix", lambda: network.travel_times([0], [1])),
        ("network.warm_up.reach", lambda: reach(network, [0])),
        ("network.warm_up.reach", lambda: MainPart(network).joins([0], "to")),
        ("network.warm_up.hierarchy", lambda: ring.with_closures([0]).metric),
        ("network.warm_up.hierarchy", lambda: ring.metric.recustomized([0], [900])),
        ("network.warm_up.hierarchy", lambda: ring.with_speed_factor([0], 0.5).metric),
        ("network.warm_up.hierarchy", lambda: ring.hierarchy().mean_climb),  # the planner asks for it
        ("network.warm_up.hierarchy", lambda: ring.travel_times([place], [place], engine="hierarchy")),
        ("network.warm_up.hierarchy", lambda: nearest_workers_batch(ring, [0], [1], k=1, engine="hierarchy")),
        ("network.warm_up.hierarchy", lambda: nearest_workers(ring, 0, [1], k=1, engine="hierarchy")),
    ]
    for done, (code, step) in enumerate(steps):
        tell(done, len(steps), code)
        step()
    tell(len(steps), len(steps), "network.warm_up.done")
