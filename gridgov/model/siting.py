"""选址: where new facilities would serve best: the question, and the answer with its proof or its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class SitingModel(StrEnum):
    """What is to be best."""

    P_MEDIAN = "p_median"  # 总时间最短: the sum of all people's times is least
    P_CENTRE = "p_centre"  # 最远的最近: the longest time is least
    MAX_COVERING = "max_covering"  # 覆盖最多: most people within the limit
    SET_COVERING = "set_covering"  # 全覆盖最少: everybody within the limit, with the fewest sites


class SitingStatus(StrEnum):
    """How a search ended."""

    OPTIMAL = "optimal"  # nothing better exists: the bound is the objective
    FEASIBLE = "feasible"  # the time or the gap that was asked for ended it; the gap says how much better it might be
    INFEASIBLE = "infeasible"  # there is no answer; the reasons say why
    UNKNOWN = "unknown"  # the time ended before an answer or a proof was found


OBJECTIVE_UNITS: Mapping[SitingModel, str] = {
    SitingModel.P_MEDIAN: "person_ms",
    SitingModel.P_CENTRE: "ms",
    SitingModel.MAX_COVERING: "persons",
    SitingModel.SET_COVERING: "sites",
}


@dataclass(frozen=True, slots=True)
class SitingReason:
    """Why there is no answer.

    Attributes
    ----------
    code : str
        ``k_exceeds_candidates``, ``no_site``, ``no_way``, ``too_far``, ``too_few_sites``, ``capacity_below_demand``,
        ``places_out_of_reach``, ``time_ran_out``.
    ids : tuple of str
        Of demands or sites that it is about.
    fields : dict
        The numbers of its sentence.
    """

    code: str
    ids: tuple[str, ...] = ()
    fields: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SitingParams:
    """How sites are sought.

    Attributes
    ----------
    model : SitingModel
    k : int
        How many sites at most, besides the existing ones; more than there are candidates has no answer
        (``k_exceeds_candidates``). Set covering finds its own number.
    limit_s : float
        Covering: within which time.
    time_limit_s : float
        The search ends then with the best answer so far; its gap says how good it is.
    target_gap : float
        Good enough; 0: the optimum.
    seed : int
        The answer depends on nothing else, unless the time limit ends the search.
    leave_out_unreachable : bool
        Whoever no site can reach is left out and listed; else there is no answer then.
    """

    model: SitingModel = SitingModel.P_MEDIAN
    k: int = 1
    limit_s: float = 900.0
    time_limit_s: float = 30.0
    target_gap: float = 0.0
    seed: int = 0
    leave_out_unreachable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SitingPlan:
    """Where to build, and how good that is.

    Attributes
    ----------
    model, status, unit : SitingModel, SitingStatus, str
    opened : tuple of str
        New sites, the one that helps most first.
    objective : float or None
        In `unit`; None without an answer.
    bound : float or None
        No choice is better; None where nothing was proved.
    gap : float or None
        Difference of both as a share of the larger one, from 0 to 1.
    before : float or None
        The objective of the existing sites alone; None where they do not serve everybody.
    site : int64 array, shape (demands,)
        Position of the site that serves each (most of it, where it is divided); -1: none.
    time_ms : int64 array, shape (demands,)
        Time there (mean of the people, where they are divided); -1 where there is no way.
    shares : tuple of int64 arrays (demand, site, persons), or None
        With capacities: who is sent where.
    reasons : tuple of SitingReason
    left_out : tuple of str
        Demands that no site can reach; they are in no figure.
    solver : str
    runtime_s : float
    facts : dict
        Steps, branches, swaps of the search.
    """

    model: SitingModel
    status: SitingStatus
    unit: str
    params: SitingParams
    opened: tuple[str, ...] = ()
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    before: float | None = None
    site: NDArray[np.int64]
    time_ms: NDArray[np.int64]
    shares: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None = None
    reasons: tuple[SitingReason, ...] = ()
    left_out: tuple[str, ...] = ()
    solver: str = ""
    runtime_s: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def solved(self) -> bool:
        """Whether there is an answer."""
        return self.status in {SitingStatus.OPTIMAL, SitingStatus.FEASIBLE}
