"""派单模拟: a month of incidents sent to the workers of duty areas, before and after these are cut anew.

Incidents come at random as often as history says: so many a day in each grid, at the hours of history, at places where
there were incidents before. Each goes to the worker of its grid; out of that worker's shift to whoever of the community
works and would be there first; where nobody works, it waits for the first shift. Workers take one after another, in the
order they came, and travel from the last incident along the roads. Both times the same incidents come and take as long,
so a difference is that of the areas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.errors import ParameterError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_DAY_S = 86_400


@dataclass(frozen=True)
class Arrivals:
    """Incidents of a simulated time, in the order they come.

    Attributes
    ----------
    at_s : float array
        Seconds from the first midnight.
    grid : int array
        Position of the grid.
    source : int array
        Row of the history whose place it has.
    service_s : float array
        How long it takes on the spot.
    """

    at_s: Floats
    grid: Ints
    source: Ints
    service_s: Floats

    def __len__(self) -> int:
        return len(self.at_s)


@dataclass(frozen=True)
class Team:
    """The workers: their community and shift, minutes after midnight; a shift may pass midnight, -1: always there."""

    community: NDArray[np.object_]
    start_min: Ints
    end_min: Ints

    def on_shift(self, worker: int, second: float) -> bool:
        """Whether a worker works at a moment."""
        start, end = int(self.start_min[worker]), int(self.end_min[worker])
        if start < 0 or end < 0 or start == end:
            return True
        minute = second % _DAY_S / 60
        return start <= minute < end if start < end else minute >= start or minute < end

    def next_start(self, worker: int, second: float) -> float:
        """Return when a worker's shift begins next, the moment itself during a shift."""
        if self.on_shift(worker, second):
            return second
        day = second - second % _DAY_S
        begin = day + float(self.start_min[worker]) * 60
        return begin if begin >= second else begin + _DAY_S


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What a simulated month shows; times from the report to the arrival.

    Attributes
    ----------
    incidents, unreached : int
        All; those to which no way leads or in whose community nobody works at all: in no other figure.
    median_s, p90_s, mean_s : float or None
        Of the response; None where there is none.
    travel_median_s : float or None
    by_owner : float
        Share handled by the worker of the grid.
    busiest_share : float
        Work of the busiest tenth of the workers, of all work (travel and service).
    spread : float
        Standard deviation of the workers' hours, of their mean.
    uneven : float
        Share of the hours that lie with the wrong worker of the same community: ½ Σ |hours − mean of the community|.
    busy_h : tuple of float
        Hours of each worker.
    """

    incidents: int
    unreached: int
    median_s: float | None
    p90_s: float | None
    mean_s: float | None
    travel_median_s: float | None
    by_owner: float
    busiest_share: float
    spread: float
    uneven: float
    busy_h: tuple[float, ...]


def draw_arrivals(
    grid: Ints, hour: Floats, *, history_days: float, days: int = 30, service_min: float = 30.0, seed: int = 0
) -> Arrivals:
    """Draw the incidents of some days from history.

    Every old incident comes again a Poisson number of times, on a random day at about its hour: so each grid keeps its
    rate, its hours and its places.

    Parameters
    ----------
    grid : int array
        Position of the grid of each old incident.
    hour : float array
        Hour of the day of each, local time, 0 to 24.
    history_days : float
        How many days the history is long.
    days : int
    service_min : float
        Mean minutes on the spot; lognormal, the standard deviation about as large as the mean.
    seed : int

    Raises
    ------
    ParameterError
        The lengths differ, or a time cannot be used.
    """
    if len(grid) != len(hour) or not history_days > 0 or days < 1 or not service_min > 0:
        raise ParameterError("give one hour for each incident, and days and minutes above 0")
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(len(grid)), rng.poisson(days / history_days, len(grid)))
    at_hour = (hour[source] + rng.uniform(-0.5, 0.5, len(source))) % 24
    at_s = rng.integers(days, size=len(source)) * float(_DAY_S) + at_hour * 3600
    sigma = np.sqrt(np.log(2.0))
    service = rng.lognormal(np.log(service_min * 60) - sigma**2 / 2, sigma, len(source))
    order = np.lexsort((source, at_s))
    return Arrivals(at_s[order], np.asarray(grid, np.int64)[source[order]], source[order], service[order])


@dataclass
class Travel:
    """Times between places of a community: rows and columns are its workers first, then its old incidents.

    Attributes
    ----------
    time_ms : mapping of community to array, shape (modes, places, places)
        -1: no way.
    place_of_worker, place_of_source : mapping of position to row
    mode_of_worker : int array
    """

    time_ms: Mapping[str, NDArray[np.integer]]
    place_of_worker: Mapping[int, int]
    place_of_source: Mapping[int, int]
    mode_of_worker: Ints

    def seconds(self, community: str, worker: int, origin: int, target: int) -> float | None:
        """Return how long a worker takes from one place to another."""
        time = int(self.time_ms[community][self.mode_of_worker[worker], origin, target])
        return None if time < 0 else time / 1000


def simulate_month(
    arrivals: Arrivals, owner: Ints, community: NDArray[np.object_], team: Team, travel: Travel
) -> MonthFigures:
    """Send every incident to somebody and add up.

    Parameters
    ----------
    arrivals : Arrivals
    owner : int array
        The worker of each grid; -1: nobody, so whoever of the community is there first.
    community : array of str
        Of each grid.
    team : Team
    travel : Travel

    Returns
    -------
    MonthFigures
    """
    state = _State(team, travel, len(team.community))
    for row in range(len(arrivals)):
        grid = int(arrivals.grid[row])
        state.handle(arrivals, row, str(community[grid]), int(owner[grid]))
    return state.figures(len(arrivals))


class _State:
    """Where everybody is and from when on they are free."""

    def __init__(self, team: Team, travel: Travel, workers: int) -> None:
        self.team, self.travel = team, travel
        self.free_s = [0.0] * workers
        self.place: list[int] = [travel.place_of_worker.get(worker, -1) for worker in range(workers)]
        self.busy_s = [0.0] * workers
        self.response: list[float] = []
        self.travelled: list[float] = []
        self.by_owner = 0
        self.crew: dict[str, list[int]] = {}
        for worker, name in enumerate(team.community.tolist()):
            self.crew.setdefault(str(name), []).append(worker)

    def handle(self, arrivals: Arrivals, row: int, community: str, owner: int) -> None:
        at = float(arrivals.at_s[row])
        target = self.travel.place_of_source.get(int(arrivals.source[row]), -1)
        best = self._best(community, owner, at, target)
        if best is None:
            return
        arrive, way, worker = best
        service = float(arrivals.service_s[row])
        self.free_s[worker], self.place[worker] = arrive + service, target
        self.busy_s[worker] += way + service
        self.response.append(arrive - at)
        self.travelled.append(way)
        self.by_owner += worker == owner

    def _best(self, community: str, owner: int, at: float, target: int) -> tuple[float, float, int] | None:
        """Return arrival, travel time and worker of whoever goes."""
        if target < 0:
            return None
        if owner >= 0 and self.team.on_shift(owner, at) and (own := self._offer(community, owner, at, target)):
            return own
        crew = self.crew.get(community, [])
        working = [worker for worker in crew if self.team.on_shift(worker, at)]
        offers = [offer for w in working or crew if (offer := self._offer(community, w, at, target)) is not None]
        return min(offers, default=None)

    def _offer(self, community: str, worker: int, at: float, target: int) -> tuple[float, float, int] | None:
        if self.place[worker] < 0:
            return None
        way = self.travel.seconds(community, worker, self.place[worker], target)
        if way is None:
            return None
        begin = max(self.free_s[worker], self.team.next_start(worker, at))
        return begin + way, way, worker

    def figures(self, incidents: int) -> MonthFigures:
        response, busy = np.array(self.response), np.array(self.busy_s)
        done, total = len(response), float(busy.sum())
        tenth = max(1, round(len(busy) / 10))
        names = self.team.community.astype(str)
        mean = pd.Series(busy).groupby(names).transform("mean").to_numpy()

        def at(values: Any, share: float) -> float | None:
            return float(np.quantile(values, share)) if done else None

        return MonthFigures(
            incidents=incidents,
            unreached=incidents - done,
            median_s=at(response, 0.5),
            p90_s=at(response, 0.9),
            mean_s=float(response.mean()) if done else None,
            travel_median_s=at(self.travelled, 0.5),
            by_owner=self.by_owner / done if done else 0.0,
            busiest_share=float(np.sort(busy)[-tenth:].sum()) / total if total > 0 else 0.0,
            spread=float(busy.std() / busy.mean()) if total > 0 else 0.0,
            uneven=float(np.abs(busy - mean).sum()) / (2 * total) if total > 0 else 0.0,
            busy_h=tuple((busy / 3600).tolist()),
        )
