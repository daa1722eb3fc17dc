"""Who needs what from where: the table of times of a siting problem, checked once, and why it may have no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.analysis.siting_cover import fewest_covering
from gridgov.errors import ParameterError
from gridgov.model.siting import SitingModel, SitingParams, SitingReason
from gridgov.network.validation import Floats, Int64s

_IDS_SAID = 5
_QUICK_S = 5.0


@dataclass(frozen=True, slots=True)
class SitingProblem:
    """Demands, sites and the times between them.

    Attributes
    ----------
    demand_id, site_id : object arrays, shape (n,), (m,)
    weight : float array, shape (n,)
        Persons; a demand of 0 counts nowhere.
    time_ms : int64 array, shape (n, m)
        -1 where there is no way.
    existing, forbidden : bool arrays, shape (m,)
        Open in any case; never.
    places : int64 array, shape (m,), or None
        Persons that each site can take; None: any number.
    """

    demand_id: NDArray[np.object_]
    weight: Floats
    site_id: NDArray[np.object_]
    time_ms: Int64s
    existing: NDArray[np.bool_]
    forbidden: NDArray[np.bool_]
    places: Int64s | None = None

    @property
    def candidates(self) -> NDArray[np.bool_]:
        """Sites that may be opened."""
        return np.asarray(~self.existing & ~self.forbidden)


def siting_problem(
    demand_id: Sequence[str],
    weight: ArrayLike,
    site_id: Sequence[str],
    time_ms: ArrayLike,
    *,
    existing: Sequence[str] = (),
    forbidden: Sequence[str] = (),
    capacity_persons: ArrayLike | None = None,
) -> SitingProblem:
    """Return a checked problem.

    Parameters
    ----------
    demand_id, site_id : sequences of str
        Each id once.
    weight : array_like, shape (n,)
        Persons, from 0 on; whole numbers where there are capacities.
    time_ms : array_like of int, shape (n, m)
        Milliseconds from demand to site or back; -1 where there is no way.
    existing, forbidden : sequences of str
        Ids of sites.
    capacity_persons : array_like, shape (m,), optional
        Of all sites, from 0 on.

    Raises
    ------
    ParameterError
        The shapes differ, an id is there twice or unknown, or a weight, a time or a capacity is negative or no number;
        the weights sum to zero.
    """
    demands, sites = _ids("demand_id", demand_id), _ids("site_id", site_id)
    times = np.asarray(time_ms)
    if times.shape != (len(demands), len(sites)) or not np.issubdtype(times.dtype, np.integer):
        raise ParameterError(
            f"time_ms has shape {times.shape}; give whole milliseconds of {len(demands)} demands x {len(sites)} sites"
        )
    if times.min(initial=0) < -1:
        raise ParameterError(f"time_ms holds {times.min()}; give milliseconds from 0 on, or -1 where there is no way")
    persons = _amounts("weight", weight, demands)
    if not persons.sum() > 0:
        raise ParameterError(
            "the weights sum to zero, so no site is better than another; give the people of each demand"
        )
    places = None
    if capacity_persons is not None:
        places = np.floor(_amounts("capacity_persons", capacity_persons, sites)).astype(np.int64)
        if (odd := persons != np.rint(persons)).any():
            raise ParameterError(f"with capacities people are counted whole: weight of {_named(demands[odd])} is not")
    kept, never = _marked("existing", existing, sites), _marked("forbidden", forbidden, sites)
    if (both := kept & never).any():
        raise ParameterError(f"{_named(sites[both])} is both existing and forbidden; what exists stays open")
    return SitingProblem(demands, persons, sites, times.astype(np.int64), kept, never, places)


def reasons_against(problem: SitingProblem, params: SitingParams, counted: NDArray[np.bool_]) -> list[SitingReason]:
    """Return why a problem has no answer, as far as that is seen without solving it.

    Parameters
    ----------
    counted : bool array
        The demands that must be served.
    """
    candidates = int(problem.candidates.sum())
    wanted = 0 if params.model is SitingModel.SET_COVERING else params.k
    reasons = []
    if wanted > candidates:
        forbidden = tuple(problem.site_id[problem.forbidden].tolist())
        reasons.append(SitingReason("k_exceeds_candidates", forbidden, {"k": wanted, "candidates": candidates}))
    if not problem.existing.any() and (
        candidates == 0 or (wanted == 0 and params.model is not SitingModel.SET_COVERING)
    ):
        reasons.append(SitingReason("no_site", fields={"k": wanted, "candidates": candidates}))
    if params.model is SitingModel.MAX_COVERING or reasons:
        return reasons
    if far := unreachable(problem, params, counted):
        code = "too_far" if params.model is SitingModel.SET_COVERING else "no_way"
        return [SitingReason(code, far, {"demands": len(far), "limit_s": params.limit_s})]
    if params.model is SitingModel.SET_COVERING:
        return []
    return _too_few(problem, wanted, counted) or _too_small(problem, wanted, counted)


def unreachable(problem: SitingProblem, params: SitingParams, counted: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the demands that no site can reach, or, where everybody is to be covered, not within the limit."""
    reach = reached(problem, params)
    usable = problem.existing | problem.candidates
    return tuple(problem.demand_id[counted & ~reach[:, usable].any(axis=1)].tolist())


def reached(problem: SitingProblem, params: SitingParams) -> NDArray[np.bool_]:
    """Return who reaches what at all, or, in covering models, within the limit; shape (n, m)."""
    there = problem.time_ms >= 0
    if params.model in {SitingModel.SET_COVERING, SitingModel.MAX_COVERING}:
        there &= problem.time_ms <= round(params.limit_s * 1000)
    return np.asarray(there)


def _too_few(problem: SitingProblem, wanted: int, counted: NDArray[np.bool_]) -> list[SitingReason]:
    """Return the reason where some who can be reached cannot all be by so few sites."""
    there = problem.time_ms >= 0
    rows = counted & ~there[:, problem.existing].any(axis=1)
    if not rows.any():
        return []
    needed = fewest_covering(there[rows][:, problem.candidates], most=wanted, time_limit_s=_QUICK_S)
    if needed.bound <= wanted:
        return []
    ids = tuple(problem.demand_id[rows].tolist())
    return [SitingReason("too_few_sites", ids, {"k": wanted, "needed": needed.bound})]


def _too_small(problem: SitingProblem, wanted: int, counted: NDArray[np.bool_]) -> list[SitingReason]:
    if problem.places is None:
        return []
    room = np.where((problem.time_ms[counted] >= 0).any(axis=0), problem.places, 0)
    largest = np.sort(room[problem.candidates])[::-1][:wanted]
    places = int(room[problem.existing].sum() + largest.sum())
    persons = int(problem.weight[counted].sum())
    if places >= persons:
        return []
    fields = {"places": places, "persons": persons, "missing": persons - places}
    return [SitingReason("capacity_below_demand", fields=fields)]


def _ids(name: str, ids: Sequence[str]) -> NDArray[np.object_]:
    given = np.array([str(one) for one in ids], dtype=object)
    seen, counts = np.unique(given.astype(str), return_counts=True)
    if (counts > 1).any():
        raise ParameterError(f"{name} holds {_named(seen[counts > 1])} twice; give each id once")
    return given


def _amounts(name: str, values: ArrayLike, ids: NDArray[np.object_]) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    if given.shape != (len(ids),):
        raise ParameterError(f"{name} has {given.size} values where {len(ids)} are needed; give one for each id")
    if (bad := ~(np.isfinite(given) & (given >= 0))).any():
        raise ParameterError(f"{name} of {_named(ids[bad])} is negative or no number; give persons from 0 on")
    return given


def _marked(name: str, wanted: Sequence[str], ids: NDArray[np.object_]) -> NDArray[np.bool_]:
    names = {str(one) for one in wanted}
    if unknown := sorted(names - set(ids.tolist())):
        raise ParameterError(f"{name} names {_named(unknown)}, which is no site; known are {_named(ids)}")
    return np.isin(ids.astype(str), sorted(names)) if names else np.zeros(len(ids), dtype=np.bool_)


def _named(ids: Sequence[str] | NDArray[np.object_]) -> str:
    said = ", ".join(str(one) for one in list(ids)[:_IDS_SAID])
    return said + (f" and {len(ids) - _IDS_SAID} more" if len(ids) > _IDS_SAID else "")
