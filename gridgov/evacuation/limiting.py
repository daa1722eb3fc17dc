"""The best plan that keeps the limit of routes, beside the search for one without a limit."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from gridgov.evacuation.route_shares import Limit
from gridgov.evacuation.routes import limit_routes
from gridgov.evacuation.schedule import Schedule, Ways
from gridgov.evacuation.search import Search
from gridgov.evacuation.windows import Windows

_WORTH = 0.15  # of the time that is left: what limiting a plan anew may take, if it is not the last one


@dataclass
class Limited:
    """The best schedule so far with few routes per zone.

    Attributes
    ----------
    asked : int or None
        The limit; None: there is none, and the search's own plan is the answer.
    time_limit_s : float
        From the start of the search.
    kept : int or None
        The limit that `schedule` keeps.
    """

    asked: int | None
    time_limit_s: float
    schedule: Schedule | None = None
    upper_ms: float = np.inf
    kept: int | None = None
    took_s: float = 0.0

    def improve(self, search: Search) -> bool:
        """Limit the search's plan if there is none yet, or if that costs little; say whether the answer is better."""
        if self.asked is None:
            self.schedule, self.upper_ms = search.schedule, search.upper_ms
            return True
        if self.schedule is not None and self.took_s > _WORTH * self._left(search):
            return False
        return self._try(search, self.asked, _WORTH)

    def finish(self, search: Search) -> None:
        """Limit the search's last plan."""
        if self.asked is not None and search.schedule is not None and (self.schedule is None or not search.stopped):
            self._try(search, self.asked)
        if self.schedule is None:
            self.schedule, self.upper_ms = search.schedule, search.upper_ms

    def without(self, search: Search) -> Limited:
        """Return the search's own plan as an answer, for as long as there is none that keeps the limit."""
        return Limited(None, self.time_limit_s, search.schedule, search.upper_ms)

    def _left(self, search: Search) -> float:
        return self.time_limit_s - search.seconds

    def _try(self, search: Search, most: int, share: float = 1.0) -> bool:
        """Keep the search's plan with so many routes if it is better, in a share of the time that is left."""
        if not search.instance.m:  # all who can be saved are at their shelters, so there are no routes to limit
            better = self.schedule is None
            self.schedule, self.upper_ms, self.kept = search.schedule, search.upper_ms, most
            return better
        before = perf_counter()
        ends = search.seconds + self._left(search) * share
        limit = Limit(most, search.upper_ms, lambda: ends - search.seconds, search.arrivals_s, patient=share == 1.0)
        found = limit_routes(search.instance, search.windows or _steady_windows(search.ways), limit)
        self.took_s = perf_counter() - before
        if found is None:
            return False
        found = found.settled()
        clearance = found.clearance_ms(search.travel_time_ms)
        if clearance >= self.upper_ms:
            return False
        self.schedule, self.upper_ms, self.kept = (
            found,
            clearance,
            max(most, int(found.routes_per_zone(int(found.zone.max()) + 1).max())),
        )
        return True


def _steady_windows(ways: Ways | None) -> Windows | None:
    """Return steady routes as windows of one step."""
    if ways is None:
        return None
    clock, steps = np.zeros(ways.instance.n, dtype=np.int64), np.zeros(len(ways.arcs), dtype=np.int64)
    return Windows(ways.instance, clock, 1, ways.zone, ways.shelter, ways.units, ways.first, ways.arcs, steps)
