"""Travel times from many places to many places."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridgov.network import kernels
from gridgov.network.hierarchy_queries import ends_of_places, many_to_many
from gridgov.network.places import Attached, Locations, attach
from gridgov.network.planning import EARLY_STOP, HIERARCHY, Engine, engine_for_times
from gridgov.network.threads import run_in_threads
from gridgov.network.validation import Int64s

if TYPE_CHECKING:
    from gridgov.network.road_network import RoadNetwork

_INT32_MAX = 2**31 - 1


class TravelTimes(NamedTuple):
    """Travel times as `travel_times` returns them, and who found them."""

    travel_time_ms: NDArray[np.integer]
    engine: Engine


def travel_times(
    network: RoadNetwork,
    sources: Locations,
    targets: Locations,
    *,
    threads: int | None = None,
    engine: Engine | None = None,
) -> NDArray[np.integer]:
    """Return the travel time from every source to every target.

    Parameters
    ----------
    network : RoadNetwork
    sources, targets : sequence of int or Place, or Places
        Where trips start and end: nodes, places, or both mixed.
    threads : int, optional
        Default: one for each processor. The answer does not depend on it.
    engine : "early_stop" or "hierarchy", optional
        Default: what is likely to be faster (see `planning`). The answer does not depend on it.

    Returns
    -------
    int32 or int64 array, shape (len(sources), len(targets))
        Milliseconds; -1 where there is no way. The whole array is int32 as long as no trip in it takes more than
        2,147,483,647 ms (24.8 days), and int64 as soon as one does; so do not count on one width across calls.

    Notes
    -----
    One search for each source, or against the edges for each target where these are fewer; or climbs and sweeps on the
    hierarchy, see `hierarchy_queries`.
    """
    return travel_times_and_engine(network, sources, targets, threads=threads, engine=engine).travel_time_ms


def travel_times_and_engine(
    network: RoadNetwork,
    sources: Locations,
    targets: Locations,
    *,
    threads: int | None = None,
    engine: Engine | None = None,
) -> TravelTimes:
    """Return the same as `travel_times`, and who answered: where trips take days it may not be the engine asked for."""
    starts, goals = attach(network, sources, leaving=True), attach(network, targets, leaving=False)
    if (engine or engine_for_times(network, starts.n_places, goals.n_places)) == HIERARCHY:
        times = many_to_many(network.metric, starts, goals, threads)
        if times is not None:
            return TravelTimes(times, HIERARCHY)
    return TravelTimes(_by_searches(network, starts, goals, threads), EARLY_STOP)


def _by_searches(network: RoadNetwork, starts: Attached, goals: Attached, threads: int | None) -> NDArray[np.integer]:
    backward = goals.n_places < starts.n_places
    seeds, members = (goals, starts) if backward else (starts, goals)
    graph = network.backward if backward else network.forward
    ends, pool = ends_of_places(seeds), network.topology.scratch
    first = np.full(network.n_nodes, -1, dtype=np.int64)
    kernels.link(first, members.table)
    times = np.empty((seeds.n_places, members.n_places), dtype=np.int64)

    def search(rows: slice) -> None:
        scratch = pool.take(len(members.table) + len(seeds.table))
        kernels.times_to_all(
            graph[:3],
            seeds[:2],
            ends[rows.start : rows.stop + 1],
            (members.table, members.positions, first),
            backward,
            network.heap_shift(members.n_places),
            scratch.arrays,
            times[rows],
        )
        pool.give_back(scratch)

    run_in_threads(search, seeds.n_places, threads)
    return _narrowed(times.T if backward else times)


def _narrowed(times: Int64s) -> NDArray[np.integer]:
    if times.size and times.max() > _INT32_MAX:
        return np.ascontiguousarray(times)
    return np.ascontiguousarray(times, dtype=np.int32)
