"""巡查建议: where and when to patrol with so many hours, from hot spots, and how that would have done afterwards.

A cell is a grid in a span of hours of workdays or of weekends. What is expected of a cell: the recent, smoothed rate of
its grid × the share of its hours in all incidents. A grid's rate is smoothed by its neighbours', but that of a hot grid
is never smoothed downwards: that it is more than chance has been tested. Hours go to the cells with the most expected
incidents for an hour, so a hot grid's empty night waits behind another's full morning. The test of it: plan from the
past, count in a month that the plan has not seen, and compare with the same hours spread evenly and with plain counting
(the grids with the most incidents so far, without any statistics).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.grids.borders import Borders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PatrolParams:
    """What there is to spend.

    Attributes
    ----------
    hours : float
        Patrol hours in a week, all grids together.
    span_h : int
        Length of a span: 1, 2, 3, 4, 6, 8, 12 or 24 hours.
    half_life_days : float
        After so many days an incident counts half.
    neighbours : float
        How much of a grid's rate is taken from its neighbours' mean, 0 to 1.
    """

    hours: float = 200.0
    span_h: int = 4
    half_life_days: float = 30.0
    neighbours: float = 0.3

    def __post_init__(self) -> None:
        if self.span_h not in (1, 2, 3, 4, 6, 8, 12, 24):
            raise ParameterError(f"a span of {self.span_h} h does not divide the day; use 1, 2, 3, 4, 6, 8, 12 or 24")
        if not self.hours > 0 or not self.half_life_days > 0 or not 0 <= self.neighbours <= 1:
            raise ParameterError("hours and half-life must be above 0, the neighbours' share between 0 and 1")

    @property
    def spans(self) -> int:
        """Spans of a workday, or of a day of the weekend."""
        return 24 // self.span_h


@dataclass(frozen=True, slots=True)
class BackTest:
    """How patrols would have done.

    Attributes
    ----------
    incidents, hits : int
        Of the held-out time; those in a cell that the plan patrols.
    hit_rate : float
    hit_low, hit_high : float
        95 % interval of it (Wilson).
    uniform_rate : float
        What the same hours spread evenly over all grids and hours hit: the share of grid-hours.
    same_hours_rate : float
        What the same hours of the day and week, spread evenly over the grids, hit: what is left to `hit_rate` is worth
        of the places alone.
    counting_rate : float
        What the same hours in the grids with the most incidents so far, at the busiest hours, hit.
    pai : float
        Predictive accuracy index (Chainey, Tompson and Uhlig 2008): hit rate / share of grid-hours patrolled.
    share : float
        Patrolled grid-hours of all.
    p_value : float
        The chance of so many hits if patrols knew nothing (binomial).
    """

    incidents: int
    hits: int
    hit_rate: float
    hit_low: float
    hit_high: float
    uniform_rate: float
    same_hours_rate: float
    counting_rate: float
    pai: float
    share: float
    p_value: float

    @property
    def better_than_uniform(self) -> bool:
        """Whether it is better beyond chance."""
        return self.p_value <= 0.05

    @property
    def better_than_counting(self) -> bool:
        """Whether it hits more than plain counting."""
        return self.hit_rate > self.counting_rate


def span_of(hour: ArrayLike, weekend: ArrayLike, params: PatrolParams) -> Ints:
    """Return the span of each moment: those of workdays from 0 on, then those of weekends."""
    spans = (np.asarray(hour, dtype=float) // params.span_h).astype(np.int64)
    return np.asarray(spans + params.spans * np.asarray(weekend, dtype=bool), dtype=np.int64)


def span_hours(params: PatrolParams) -> Floats:
    """Return the hours of each span in a week."""
    return np.repeat([5.0, 2.0], params.spans) * params.span_h


def grid_rates(grid: Ints, age_days: Floats, hot: NDArray[np.bool_], borders: Borders, params: PatrolParams) -> Floats:
    """Return the recent, smoothed number of incidents of each grid.

    Parameters
    ----------
    grid : int array
        Position of the grid of each incident.
    age_days : float array
        How long ago each was.
    hot : bool array
        Grids that are hot spots: at least their own rate.
    """
    weight = 0.5 ** (np.asarray(age_days, dtype=float) / params.half_life_days)
    own = np.bincount(grid, weights=weight, minlength=borders.count).astype(float)
    near, count = np.zeros(borders.count), np.zeros(borders.count)
    for one, other in ((borders.a, borders.b), (borders.b, borders.a)):
        np.add.at(near, one, own[other])
        np.add.at(count, one, 1.0)
    mean = np.divide(near, count, out=own.copy(), where=count > 0)
    smooth = (1 - params.neighbours) * own + params.neighbours * mean
    return np.asarray(np.where(hot, np.maximum(own, smooth), smooth))


def plan_patrol(
    grid: Ints, span: Ints, age_days: Floats, hot: NDArray[np.bool_], borders: Borders, params: PatrolParams
) -> pd.DataFrame:
    """Propose where and when to patrol.

    Parameters
    ----------
    grid, span, age_days : arrays, one entry for each incident of the past
    hot : bool array
        Grids that are hot spots.
    borders : Borders
    params : PatrolParams

    Returns
    -------
    DataFrame
        grid (position), span, weekend (bool), from_h, to_h, hours (in a week), expected (share of all incidents), hot;
        the fullest first. The hours add up to the budget (the last cell is patrolled in part), or to all grid-hours.
    """
    hot = np.asarray(hot, dtype=bool)
    rate = grid_rates(grid, age_days, hot, borders, params)
    by_span = np.bincount(span, minlength=2 * params.spans) + 0.5
    expected = np.outer(rate / max(rate.sum(), 1e-12), by_span / by_span.sum())
    return _filled(expected, hot, params)


def _filled(expected: Floats, hot: NDArray[np.bool_], params: PatrolParams) -> pd.DataFrame:
    """Spend the hours on the cells with the most incidents for an hour."""
    hours = np.broadcast_to(span_hours(params), expected.shape).ravel()
    grid, span = (index.ravel() for index in np.indices(expected.shape))
    order = np.lexsort((span, grid, -(expected.ravel() / hours)))
    spent = np.cumsum(hours[order])
    given = np.clip(params.hours - (spent - hours[order]), 0.0, hours[order])
    kept = order[given > 0]
    weekend = span[kept] >= params.spans
    begin = span[kept] % params.spans * params.span_h
    return pd.DataFrame(
        {
            "grid": grid[kept],
            "span": span[kept],
            "weekend": weekend,
            "from_h": begin,
            "to_h": begin + params.span_h,
            "hours": given[given > 0],
            "expected": expected.ravel()[kept] * given[given > 0] / hours[kept],
            "hot": hot[grid[kept]],
        }
    )


def back_test(
    plan: pd.DataFrame, counting: pd.DataFrame, grid: Ints, span: Ints, grids: int, params: PatrolParams
) -> BackTest:
    """Count what patrols would have met in a time that they were not planned from.

    Parameters
    ----------
    plan, counting : DataFrame
        From `plan_patrol` and `count_patrol`.
    grid, span : int arrays
        Of the incidents of the held-out time.
    grids : int
        How many there are.
    params : PatrolParams
    """
    total = len(grid)
    share = min(1.0, float(plan["hours"].sum()) / (grids * 168.0))
    met, met_counting = (_met(which, grid, span, params) for which in (plan, counting))
    rate = met / total if total else 0.0
    low, high = _wilson(met, total)
    return BackTest(
        incidents=total,
        hits=round(met),
        hit_rate=rate,
        hit_low=low,
        hit_high=high,
        uniform_rate=share,
        same_hours_rate=_met_evenly(plan, span, grids, params) / total if total else 0.0,
        counting_rate=met_counting / total if total else 0.0,
        pai=rate / share if share > 0 else 0.0,
        share=share,
        p_value=_chance(met, total, share),
    )


def count_patrol(grid: Ints, span: Ints, grids: int, params: PatrolParams) -> pd.DataFrame:
    """Return the patrol of plain counting: the grids with the most incidents so far, at the busiest hours."""
    count = np.bincount(grid, minlength=grids).astype(float)
    by_span = np.bincount(span, minlength=2 * params.spans) + 0.5
    expected = np.outer(count / max(count.sum(), 1.0), by_span / by_span.sum())
    return _filled(expected, np.zeros(grids, dtype=bool), params)


def _met(plan: pd.DataFrame, grid: Ints, span: Ints, params: PatrolParams) -> float:
    """How many incidents lie in patrolled cells; a cell patrolled in part meets that part."""
    share = plan["hours"].to_numpy() / span_hours(params)[plan["span"].to_numpy()]
    width = 2 * params.spans
    table = dict(zip((plan["grid"].to_numpy() * width + plan["span"].to_numpy()).tolist(), share.tolist(), strict=True))
    return float(sum(table.get(cell, 0.0) for cell in (grid * width + span).tolist()))


def _met_evenly(plan: pd.DataFrame, span: Ints, grids: int, params: PatrolParams) -> float:
    """How many incidents the hours of a plan would meet if every grid had the same part of them."""
    hours = np.bincount(plan["span"].to_numpy(), weights=plan["hours"].to_numpy(), minlength=2 * params.spans)
    return float((hours / (grids * span_hours(params)))[span].sum())


def _chance(hits: float, total: int, share: float) -> float:
    """The chance of at least so many hits where each falls into a share by itself."""
    from scipy.stats import binom  # noqa: PLC0415 - takes a second; plans do without

    return float(binom.sf(np.floor(hits + 1e-9) - 1, total, share)) if total else 1.0


def _wilson(hits: float, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    z, p = 1.96, hits / total
    middle = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
