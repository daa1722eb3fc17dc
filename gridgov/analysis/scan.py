"""时空扫描: the cylinders of neighbouring grids and following days with more incidents than can be chance.

Kulldorff's scan statistic (1997) over all circles of grids and all windows of days. The permutation model (Kulldorff,
Heffernan, Hartman, Assunção and Mostashari 2005) needs no population: it asks whether incidents lie closer together in
space and time than those of other days and places; what is always busy is no cluster. The Poisson model asks for more
incidents than the people (or whatever is given) explain. The p-value compares the best cylinder with the best of every
random replica, so all the cylinders tried are accounted for; for further clusters the same holds, on the safe side.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.analysis.scan_kernels import best_cylinders
from gridgov.errors import ParameterError
from gridgov.network.threads import processors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Model = Literal["permutation", "poisson"]
_MOST_CELLS = 200_000_000


@dataclass(frozen=True, slots=True)
class ScanParams:
    """What is looked for.

    Attributes
    ----------
    model : "permutation" or "poisson"
    max_radius_m : float
        Of the circles, between the middles of grids.
    max_grids : int
        Most grids in a circle.
    max_days : int
        Longest window; at most half of all days.
    alpha : float
    replicas : int
        Random replicas, at least 19.
    enough : int
        Stop when so many replicas were better than the best cylinder: it is none (Besag and Clifford 1991).
    most : int
        Clusters to return at most.
    """

    model: Model = "permutation"
    max_radius_m: float = 1_500.0
    max_grids: int = 40
    max_days: int = 7
    alpha: float = 0.05
    replicas: int = 999
    enough: int = 100
    most: int = 10

    def __post_init__(self) -> None:
        if self.model not in ("permutation", "poisson"):
            raise ParameterError(f"unknown model '{self.model}'; use permutation or poisson")
        if not self.max_radius_m >= 0 or self.max_grids < 1 or self.max_days < 1:
            raise ParameterError("the radius cannot be negative; circles need a grid and windows a day at least")
        if self.replicas < 19 or not 0 < self.alpha < 1 or self.enough < 1:
            raise ParameterError("19 replicas are the fewest, and alpha must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A circle of grids and a window of days with more incidents than expected.

    Attributes
    ----------
    grids : tuple of int
        Positions, the centre first, then by distance.
    first_day, last_day : int
        Both included.
    cases : int
    expected : float
    relative_risk : float
        Observed for expected inside, of the same outside.
    llr : float
        Log likelihood ratio.
    p_value : float
    """

    grids: tuple[int, ...]
    radius_m: float
    first_day: int
    last_day: int
    cases: int
    expected: float
    relative_risk: float
    llr: float
    p_value: float


@dataclass(frozen=True)
class Scan:
    """The clusters of a data set.

    Attributes
    ----------
    clusters : tuple of Cluster
        The most likely first; none shares a grid with another. Also those that can be chance: look at `p_value`.
    cases, days : int
    replicas : int
        That were run.
    params : ScanParams
    """

    clusters: tuple[Cluster, ...]
    cases: int
    days: int
    replicas: int
    params: ScanParams

    @property
    def significant(self) -> tuple[Cluster, ...]:
        """The clusters that are hardly chance."""
        return tuple(cluster for cluster in self.clusters if cluster.p_value <= self.params.alpha)


def scan(
    grid: ArrayLike,
    day: ArrayLike,
    xy_m: ArrayLike,
    params: ScanParams | None = None,
    *,
    days: int,
    persons: ArrayLike | None = None,
    seed: int = 0,
) -> Scan:
    """Look for clusters in space and time.

    Parameters
    ----------
    grid, day : int arrays, one entry for each incident
        Position of its grid; day from 0 to `days` − 1.
    xy_m : float array, shape (n, 2)
        Middles of the grids in a metric CRS.
    params : ScanParams, optional
    days : int
    persons : float array, shape (n,), optional
        For the Poisson model: who is at risk; NaN counts as nobody.
    seed : int

    Returns
    -------
    Scan
        Without clusters where there are fewer than two incidents or days.

    Raises
    ------
    ParameterError
        An incident lies in no grid or on no day, the middles are in degrees, populations are missing or negative, or
        there is too much to compute.
    """
    params = params or ScanParams()
    where, when, xy = np.asarray(grid, np.int64), np.asarray(day, np.int64), np.asarray(xy_m, float)
    mass = _checked(where, when, xy, days, persons, params)
    if len(where) < 2 or days < 2:
        return Scan((), len(where), days, 0, params)
    zones = _zones(xy, params)
    data = _Data(where, when, len(xy), days, mass, min(params.max_days, max(1, days // 2)))
    found = data.best(zones, where, when)
    chosen = _apart(found, zones, params.most)
    null = _replicas(data, zones, params, seed, float(found[0].max(initial=0.0)))
    clusters = tuple(_cluster(data, zones, xy, found, centre, null, params) for centre in chosen)
    return Scan(clusters, len(where), days, len(null), params)


@dataclass(frozen=True)
class _Zones:
    """The circles around each grid: its neighbours by distance, itself first."""

    start: Ints
    member: Ints

    def circle(self, centre: int, size: int) -> Ints:
        first = int(self.start[centre])
        return self.member[first : first + size]


Best = tuple[Floats, Ints, Ints, Ints]


@dataclass(frozen=True)
class _Data:
    """Incidents by grid and day, and the weights of grids for the Poisson model."""

    grid: Ints
    day: Ints
    grids: int
    days: int
    mass: Floats | None
    longest: int

    def best(self, zones: _Zones, grid: Ints, day: Ints) -> Best:
        """Return for each centre its best cylinder: likelihood ratio, circle size, first and last day."""
        counts = np.zeros((self.grids, self.days), dtype=np.int64)
        np.add.at(counts, (grid, day), 1)
        in_space, in_time = self.expected(counts)
        return best_cylinders(zones.start, zones.member, counts, in_space, in_time, self.longest)

    def expected(self, counts: Ints) -> tuple[Floats, Floats]:
        """Return the two factors of the expected number: of each grid, and of each day."""
        if self.mass is None:
            return counts.sum(axis=1).astype(float), counts.sum(axis=0) / len(self.grid)
        return self.mass * len(self.grid), np.full(self.days, 1 / self.days)

    def replica(self, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Return incidents that know nothing of each other."""
        if self.mass is None:
            return self.grid, rng.permutation(self.day)
        edges = np.cumsum(self.mass)
        places = np.searchsorted(edges, rng.random(len(self.grid)) * edges[-1], side="right")
        return np.minimum(places, self.grids - 1), rng.integers(self.days, size=len(self.grid))


def _checked(
    where: Ints, when: Ints, xy: Floats, days: int, persons: ArrayLike | None, params: ScanParams
) -> Floats | None:
    """Return the weights of grids for the Poisson model."""
    if where.shape != when.shape or xy.ndim != 2 or xy.shape[1] != 2:
        raise ParameterError("give one grid and one day for each incident, and two coordinates for each grid")
    if len(where) and not (where.min() >= 0 and where.max() < len(xy) and when.min() >= 0 and when.max() < days):
        raise ParameterError(f"an incident lies in none of the {len(xy)} grids or on none of the {days} days")
    if len(xy) > 1 and np.abs(xy[:, 0]).max() <= 180 and np.abs(xy[:, 1]).max() <= 90 and params.max_radius_m >= 10:
        raise ParameterError(
            "the middles of the grids are in degrees; give them in metres, so that radii mean something"
        )
    if len(xy) * min(params.max_grids, len(xy)) * days > _MOST_CELLS:
        raise ParameterError("grids × circle × days is more than can be scanned; take fewer days or smaller circles")
    if params.model == "permutation":
        return None
    people = np.full(len(xy), np.nan) if persons is None else np.nan_to_num(np.asarray(persons, float))
    if people.shape != (len(xy),) or not np.isfinite(people).all() or (people < 0).any() or people.sum() <= 0:
        raise ParameterError("the Poisson model needs persons for each grid, not negative and not all zero")
    stray = int((people[where] == 0).sum())
    if stray:
        raise ParameterError(f"{stray} incidents lie in grids without persons, where the Poisson model expects none")
    return np.asarray(people / people.sum())


def _zones(xy: Floats, params: ScanParams) -> _Zones:
    from scipy.spatial import cKDTree  # noqa: PLC0415 - only a scan needs it

    count = min(params.max_grids, len(xy))
    distance, member = cKDTree(xy).query(xy, k=count, distance_upper_bound=params.max_radius_m * (1 + 1e-12) + 1e-9)
    distance, member = distance.reshape(len(xy), count), member.reshape(len(xy), count).astype(np.int64)
    inside = np.isfinite(distance)
    rows = [np.lexsort((m[i], d[i])) for d, m, i in zip(distance, member, inside, strict=True)]
    parts = [m[i][order] for m, i, order in zip(member, inside, rows, strict=True)]
    start = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return _Zones(start, np.concatenate(parts).astype(np.int64))


def _apart(found: Best, zones: _Zones, most: int) -> list[int]:
    """Return the centres of the best cylinders that share no grid, the most likely first."""
    ratio, size, _, _ = found
    taken: set[int] = set()
    chosen: list[int] = []
    for centre in np.lexsort((np.arange(len(ratio)), -ratio)).tolist():
        if ratio[centre] <= 0 or len(chosen) == most:
            break
        circle = set(zones.circle(centre, int(size[centre])).tolist())
        if not circle & taken:
            taken |= circle
            chosen.append(centre)
    return chosen


def _replicas(data: _Data, zones: _Zones, params: ScanParams, seed: int, best: float) -> Floats:
    """Return the best likelihood ratios of random replicas, until enough are better than that of the data.

    As many are searched at a time as there are processors; drawn and counted in order, they are the same everywhere.
    """
    rng = np.random.default_rng(seed)
    null: list[float] = []
    better, at_once = 0, processors()
    with ThreadPoolExecutor(at_once) as pool:
        while len(null) < params.replicas and better < params.enough:
            drawn = [data.replica(rng) for _ in range(min(at_once, params.replicas - len(null)))]
            for ratio in pool.map(lambda one: float(data.best(zones, *one)[0].max()), drawn):
                if better < params.enough:
                    null.append(ratio)
                    better += ratio >= best - 1e-9
    return np.array(null)


def _cluster(
    data: _Data, zones: _Zones, xy: Floats, found: Best, centre: int, null: Floats, params: ScanParams
) -> Cluster:
    ratio, size, first, last = (float(column[centre]) for column in found)
    circle = zones.circle(centre, int(size))
    counts = np.zeros((data.grids, data.days), dtype=np.int64)
    np.add.at(counts, (data.grid, data.day), 1)
    in_space, in_time = data.expected(counts)
    window = slice(int(first), int(last) + 1)
    cases, total = int(counts[circle, window].sum()), len(data.grid)
    expected = float(in_space[circle].sum() * in_time[window].sum())
    outside = (total - cases) / (total - expected) if total > expected else 0.0
    as_good = int((null >= ratio - 1e-9).sum())
    stopped = len(null) < params.replicas
    return Cluster(
        grids=tuple(circle.tolist()),
        radius_m=float(np.hypot(*(xy[circle[-1]] - xy[centre]))),
        first_day=int(first),
        last_day=int(last),
        cases=cases,
        expected=expected,
        relative_risk=cases / expected / outside if outside > 0 else float(total),
        llr=ratio,
        p_value=as_good / len(null) if stopped and as_good >= params.enough else (as_good + 1) / (len(null) + 1),
    )
