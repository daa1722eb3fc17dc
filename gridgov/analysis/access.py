"""可达性与覆盖率: how soon the nearest worker, station or shelter is reached, and how many people are too far.

A time that does not exist (no road leads there) is missing, never infinite or negative; a grid whose population is not
known is counted apart, never as nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridgov.errors import ParameterError
from gridgov.network import Direction, Locations, RoadNetwork, count_within, time_to_nearest


@dataclass(frozen=True, slots=True)
class PopulationBeyond:
    """How many people need longer than a time, or cannot come at all.

    Attributes
    ----------
    limit_s : float
    persons_within, persons_beyond, persons_unreached : int
        Within the time; farther away; without any way. Of the grids whose population is known.
    grids_within, grids_beyond, grids_unreached : int
        All grids.
    grids_without_population : int
        Grids whose population is not known: they are in none of the sums of persons.
    share_beyond : float or None
        Persons not within the time, of all that are known; None where nobody is known.
    """

    limit_s: float
    persons_within: int
    persons_beyond: int
    persons_unreached: int
    grids_within: int
    grids_beyond: int
    grids_unreached: int
    grids_without_population: int

    @property
    def share_beyond(self) -> float | None:
        """Share of the known persons who are not within the time."""
        known = self.persons_within + self.persons_beyond + self.persons_unreached
        return None if known == 0 else (self.persons_beyond + self.persons_unreached) / known


def access_frame(
    network: RoadNetwork,
    ids: Sequence[str],
    targets: Locations,
    sources: Locations,
    source_ids: Sequence[str],
    *,
    direction: Direction = "from",
    within_s: float | None = None,
) -> pd.DataFrame:
    """Return for each target (such as the middle of a grid) how soon it and its nearest source reach each other.

    Parameters
    ----------
    network : RoadNetwork
    ids, targets
        Ids of the targets and where they lie on the network, in the same order.
    sources, source_ids
        The same of workers, stations or shelters.
    direction : "from" (trips start at the sources: workers, fire engines) or "to" (trips end there: shelters)
    within_s : float, optional
        Also count the sources within this time (coverage of order k: where there are k or more).

    Returns
    -------
    DataFrame
        id, travel_time_s (missing where there is no way), nearest_id ("" there), and with `within_s` sources_within.

    Raises
    ------
    ParameterError
        The numbers of ids and places differ, or a time is negative.
    """
    time_ms, source = time_to_nearest(network, targets, sources, direction=direction)
    _same_length("targets", len(ids), len(time_ms))
    names = np.array([*source_ids, ""], dtype=object)
    if source.size and source.max() >= len(names) - 1:
        raise ParameterError(f"there are {len(source_ids)} source ids but more sources; give one id for each")
    frame = pd.DataFrame(
        {"id": list(ids), "travel_time_s": np.where(time_ms < 0, np.nan, time_ms / 1000), "nearest_id": names[source]}
    )
    if within_s is not None:
        counts = count_within(network, targets, sources, round(within_s * 1000), direction=direction)
        frame["sources_within"] = counts
    return frame


def population_beyond(
    travel_time_s: Sequence[float] | pd.Series, population: Sequence[float | None] | pd.Series, limit_s: float
) -> PopulationBeyond:
    """Count the people who are farther than a time.

    Parameters
    ----------
    travel_time_s : one for each grid, missing where there is no way
    population : one for each grid, missing where it is not known
    limit_s : float
        A grid exactly so far away is within.

    Raises
    ------
    ParameterError
        The lengths differ, a time or a population is negative, or the limit is.
    """
    times = pd.Series(travel_time_s, dtype="float64").reset_index(drop=True)
    persons = pd.Series(population, dtype="Float64").reset_index(drop=True)
    _same_length("population", len(persons), len(times))
    if not limit_s >= 0:
        raise ParameterError(f"the limit is {limit_s} s; give seconds from 0 on")
    if (times < 0).any() or (persons < 0).any():
        raise ParameterError("a travel time or a population is negative; leave out what is not known")
    unreached = times.isna()
    within = (times <= limit_s) & ~unreached
    groups = {"within": within, "beyond": ~within & ~unreached, "unreached": unreached}
    return PopulationBeyond(
        limit_s=limit_s,
        **{f"persons_{name}": round(float(persons[rows].sum())) for name, rows in groups.items()},
        **{f"grids_{name}": int(rows.sum()) for name, rows in groups.items()},
        grids_without_population=int(persons.isna().sum()),
    )


def _same_length(name: str, count: int, expected: int) -> None:
    if count != expected:
        raise ParameterError(f"{name} has {count} values where {expected} are needed; give one for each")
