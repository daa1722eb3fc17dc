"""Mixed-integer programmes by HiGHS (`scipy.optimize.milp`), with status and bound whatever the end was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gridgov.network.validation import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ending = Literal["optimal", "limit", "infeasible"]
_OPTIMAL, _INFEASIBLE = 0, 2
_ROUNDING = 1e-6  # HiGHS's own tolerance of rows and whole numbers
_LEAST_S = 0.05


@dataclass(frozen=True, slots=True)
class Programme:
    """Minimise ``cost @ x`` with ``lower <= rows @ x <= upper`` and ``0 <= x <= most``.

    Attributes
    ----------
    whole : bool array
        Which variables are whole numbers.
    """

    cost: Floats
    rows: csr_array
    lower: Floats
    upper: Floats
    whole: Floats
    most: Floats


@dataclass(frozen=True, slots=True)
class Solution:
    """How a programme ended.

    Attributes
    ----------
    ending : "optimal", "limit" (of time) or "infeasible"
    x : float array or None
        The best that was found.
    value : float
        Its cost; infinite without one.
    bound : float
        No answer costs less; minus infinity where nothing was proved.
    """

    ending: Ending
    x: Floats | None
    value: float
    bound: float


def solve_programme(programme: Programme, *, time_limit_s: float, gap: float = 0.0) -> Solution:
    """Solve a programme.

    Parameters
    ----------
    time_limit_s : float
    gap : float
        Good enough: the share of the cost between it and the bound.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415  # slow to import

    answer = milp(
        programme.cost,
        integrality=programme.whole.astype(np.int64),
        bounds=Bounds(0.0, programme.most),
        constraints=LinearConstraint(programme.rows, programme.lower, programme.upper),
        options={"time_limit": max(time_limit_s, _LEAST_S), "mip_rel_gap": gap},
    )
    if answer.status == _INFEASIBLE:
        return Solution("infeasible", None, np.inf, np.inf)
    value = np.inf if answer.x is None else float(answer.fun)
    if answer.status == _OPTIMAL and gap == 0.0:
        return Solution("optimal", answer.x, value, value)
    known = answer.mip_dual_bound
    bound = -np.inf if known is None or not np.isfinite(known) else float(known) - _ROUNDING * abs(float(known))
    return Solution("limit", answer.x, value, min(bound, value))
