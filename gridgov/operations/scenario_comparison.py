"""方案对比: two scenarios side by side: every figure with its difference, and every grid."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridgov.errors import ParameterError
from gridgov.model.rights import Person
from gridgov.model.what_if import Indicator, Scenario
from gridgov.operations.what_if import Progress, ScenarioRun, run_scenario
from gridgov.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two scenarios.

    Attributes
    ----------
    first, second : float or None
        None: it cannot be said.
    change : float or None
        second − first.
    verdict : str
        better, worse, same, open (neither is better, or one of them cannot be said).
    exact : bool
        See `Indicator`.
    """

    code: str
    subject: str
    unit: str
    first: float | None
    second: float | None
    change: float | None
    verdict: str
    exact: bool


@dataclass(frozen=True)
class Comparison:
    """Two scenarios side by side.

    Attributes
    ----------
    first, second : ScenarioRun
    differences : tuple of Difference
        In the order of the figures of the first.
    by_grid : DataFrame
        grid_code, and for every time ``<subject>_s`` of both (``_first``, ``_second``) and their difference
        (``_change``); a grid that is in one of them only has the other missing.
    """

    first: ScenarioRun
    second: ScenarioRun
    differences: tuple[Difference, ...]
    by_grid: pd.DataFrame

    @property
    def digest(self) -> str:
        """Of both runs."""
        return hashlib.sha256(f"{self.first.digest} {self.second.digest}".encode()).hexdigest()


def compare_scenarios(
    workspace: Workspace,
    person: Person,
    first: Scenario,
    second: Scenario,
    *,
    progress: Callable[[float], None] | None = None,
) -> Comparison:
    """Run two scenarios, each in a thread of its own, and put them side by side.

    Raises
    ------
    ParameterError
        They do not ask the same question; and all that `run_scenario` raises.
    """
    if first.question != second.question:
        raise ParameterError(f"'{first.name}' and '{second.name}' ask different questions; ask both the same")
    done = [0.0, 0.0]

    def told(which: int) -> Progress:
        def tell(_stage: str, share: float) -> None:
            done[which] = share
            if progress is not None:
                progress(sum(done) / 2)

        return tell

    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = [
            pool.submit(run_scenario, workspace, person, scenario, progress=told(number))
            for number, scenario in enumerate((first, second))
        ]
        return compare_runs(runs[0].result(), runs[1].result())


def compare_runs(first: ScenarioRun, second: ScenarioRun) -> Comparison:
    """Put two runs side by side; a figure that only one of them has is missing in the other."""
    others = {each.key: each for each in second.indicators}
    rows = [_difference(each, others.pop(each.key, None)) for each in first.indicators]
    rows += [_difference(None, each) for each in others.values()]
    return Comparison(first, second, tuple(rows), _by_grid(first.by_grid, second.by_grid))


def _difference(first: Indicator | None, second: Indicator | None) -> Difference:
    known = first or second
    assert known is not None
    one, other = (None if each is None else each.value for each in (first, second))
    change = None if one is None or other is None else other - one
    exact = all(each is None or each.exact for each in (first, second))
    return Difference(known.code, known.subject, known.unit, one, other, change, _verdict(known.better, change), exact)


def _verdict(better: int, change: float | None) -> str:
    if change is None or (better == 0 and change):
        return "open"
    if not change:
        return "same"
    return "better" if change * better > 0 else "worse"


def _by_grid(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    frame = first.merge(second, on="grid_code", how="outer", suffixes=("_first", "_second"), sort=False)
    changes: dict[str, Any] = {
        f"{name.removesuffix('_first')}_change": frame[f"{name.removesuffix('_first')}_second"] - frame[name]
        for name in map(str, frame)
        if name.endswith("_s_first")
    }
    return frame.assign(**changes)
