"""责任网格优化: cut duty areas anew so that every worker of a community has a like amount of work, and prove how well.

What is minimised, for each community by itself (a duty area never crosses its border):

    misplaced share + compactness × cut share

`misplaced share`: the share of the work that lies in the wrong area, ½ Σ |load of an area − mean| / all the work (the
Hoover index); 0 is perfect balance. `cut share`: the length of the borders between areas, of all borders of grids in
the community; few long cuts are compact areas. Work counts in millionths of the community's, so that the objective and
its bound are whole numbers and comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.grids.borders import Borders, Floats, Ints
from gridgov.grids.duty_start import matched, started
from gridgov.grids.exact_areas import solve
from gridgov.grids.partition import Community, State
from gridgov.grids.recombination import improve


class Reason(StrEnum):
    """Why the duty areas of a community cannot be cut."""

    NO_WORKERS = "no_workers"
    FEWER_GRIDS_THAN_WORKERS = "fewer_grids_than_workers"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class RedesignParams:
    """How duty areas are cut.

    Attributes
    ----------
    compactness : float
        Weight of the cut share, 0 to 10, counted in hundredths.
    time_limit_s : float
        For the solver, all communities together, in CP-SAT's deterministic seconds, so that the answer is the same on
        every machine; a PC takes two to five seconds for each.
    rounds : int
        Recombinations tried for each area.
    """

    compactness: float = 0.1
    time_limit_s: float = 10.0
    rounds: int = 60

    def __post_init__(self) -> None:
        if not 0 <= self.compactness <= 10:
            raise ParameterError(f"the weight of compactness is {self.compactness}; give 0 to 10")
        if not self.time_limit_s >= 0 or self.rounds < 0:
            raise ParameterError("the time limit and the number of rounds cannot be negative")


@dataclass(frozen=True)
class DutyProblem:
    """Who looks after which grids today, and how much work each grid is.

    Attributes
    ----------
    community : array of str, shape (n,)
        Community of each grid.
    load : float array, shape (n,)
        Not negative, in any unit.
    borders : Borders
        Of the n grids.
    worker_id : array of str, shape (m,)
    worker_community : array of str, shape (m,)
    duty : tuple of tuples, one for each grid
        Positions of the workers who have it today; none or several are possible.
    """

    community: NDArray[np.object_]
    load: Floats
    borders: Borders
    worker_id: NDArray[np.object_]
    worker_community: NDArray[np.object_]
    duty: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        n = len(self.community)
        if not (len(self.load) == len(self.duty) == self.borders.count == n):
            raise ParameterError(f"there are {n} grids; load, borders and duty need one entry for each")
        if not np.isfinite(self.load).all() or (self.load < 0).any():
            row = int(np.flatnonzero(~(np.isfinite(self.load) & (self.load >= 0)))[0])
            raise ParameterError(f"the load of grid {row} is {self.load[row]}; give a number from 0 on")


@dataclass(frozen=True, slots=True)
class CommunityAnswer:
    """What became of one community.

    Attributes
    ----------
    grids, workers : int
    before, after : float
        The objective of today's areas (made complete, see `Redesign`) and of the new ones; never worse.
    bound : float
        No areas whatever have a smaller objective: proven.
    misplaced_before, misplaced_after, cut_before, cut_after : float
        Its two parts.
    optimal : bool
        The bound is reached.
    reason : Reason or None
        Why nothing could be cut; the figures are 0 then.
    parts : tuple of tuples of int
        The pieces of a community that does not hang together, as positions of grids.
    """

    community: str
    grids: int
    workers: int
    before: float = 0.0
    after: float = 0.0
    bound: float = 0.0
    misplaced_before: float = 0.0
    misplaced_after: float = 0.0
    cut_before: float = 0.0
    cut_after: float = 0.0
    optimal: bool = False
    reason: Reason | None = None
    parts: tuple[tuple[int, ...], ...] = ()

    @property
    def gap(self) -> float:
        """How far the objective lies above the bound, of the objective."""
        return 0.0 if self.after <= 0 else max(0.0, (self.after - self.bound) / self.after)


@dataclass(frozen=True)
class Redesign:
    """New duty areas.

    Attributes
    ----------
    owner : int array, shape (n,)
        Position of the worker of each grid; -1 in communities that could not be cut.
    before : int array, shape (n,)
        The same of today's areas, made complete: a grid of several workers is given to one of them, a grid of nobody to
        a neighbour's worker, so that both can be compared.
    communities : tuple of CommunityAnswer
        By code.
    weights : tuple of float
        Share of the work of each community, for the sums.
    """

    owner: Ints
    before: Ints
    communities: tuple[CommunityAnswer, ...]
    weights: tuple[float, ...] = field(default=())

    @property
    def objective_before(self) -> float:
        """The mean of the communities that could be cut, weighted by their work."""
        return self._mean("before")

    @property
    def objective_after(self) -> float:
        """The same of the new areas."""
        return self._mean("after")

    @property
    def lower_bound(self) -> float:
        """No areas whatever do better."""
        return self._mean("bound")

    @property
    def gap(self) -> float:
        """How far the objective lies above the bound, of the objective."""
        after = self.objective_after
        return 0.0 if after <= 0 else max(0.0, (after - self.lower_bound) / after)

    @property
    def infeasible(self) -> tuple[CommunityAnswer, ...]:
        """The communities that could not be cut, with the reason."""
        return tuple(one for one in self.communities if one.reason is not None)

    def _mean(self, name: str) -> float:
        solved = [(w, getattr(c, name)) for w, c in zip(self.weights, self.communities, strict=True) if not c.reason]
        total = sum(weight for weight, _ in solved)
        return sum(weight * value for weight, value in solved) / total if total > 0 else 0.0


def redesign(problem: DutyProblem, params: RedesignParams | None = None, *, seed: int = 0) -> Redesign:
    """Cut the duty areas of every community anew.

    Today's areas are the start of a search by recombination (two neighbouring areas are joined and cut again along a
    random spanning tree: DeFord, Duchin and Solomon 2021), which CP-SAT then improves and bounds; contiguity enters as
    separator cuts where a solution falls apart (Oehrlein and Haunert 2017). The new areas are given to the workers so
    that as much work as possible stays with whom it is.

    Parameters
    ----------
    problem : DutyProblem
    params : RedesignParams, optional
    seed : int
        The same seed and limits give the same areas.

    Returns
    -------
    Redesign
    """
    params = params or RedesignParams()
    n = len(problem.community)
    owner, before = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    names = sorted({str(name) for name in problem.community})
    tasks = [_task(problem, name) for name in names]
    answers = {task.name: _refused(task) for task in tasks if task.reason}
    left_s, effort = params.time_limit_s, sum(task.effort for task in tasks)
    for number, task in sorted(enumerate(tasks), key=lambda item: (item[1].effort, item[1].name)):
        if task.effort:  # the small ones first: what they do not use is there for the large ones
            cut = _cut(problem, task, params, left_s * task.effort / effort, seed + number)
            answers[task.name], before[task.rows], owner[task.rows] = cut.answer, cut.before, cut.owner
            left_s, effort = max(0.0, left_s - cut.used_s), effort - task.effort
    total = float(problem.load.sum())
    work = [float(problem.load[task.rows].sum()) for task in tasks]
    weights = [value / total if total > 0 else 1 / len(tasks) for value in work]
    return Redesign(owner, before, tuple(answers[name] for name in names), tuple(weights))


@dataclass(frozen=True)
class _Task:
    """One community: its grids, its workers, and what stands against cutting it."""

    name: str
    rows: Ints
    crew: Ints
    reason: Reason | None
    parts: tuple[tuple[int, ...], ...]

    @property
    def effort(self) -> int:
        """How much there is to choose; 0 where nothing can be cut."""
        return 0 if self.reason else len(self.rows) * len(self.crew)


@dataclass(frozen=True)
class _Cut:
    """What became of a community, and today's and the new worker of each of its grids."""

    answer: CommunityAnswer
    before: Ints
    owner: Ints
    used_s: float


def _task(problem: DutyProblem, name: str) -> _Task:
    rows = np.flatnonzero(problem.community.astype(str) == name).astype(np.int64)
    crew = np.flatnonzero(problem.worker_community.astype(str) == name).astype(np.int64)
    pieces = problem.borders.parts(rows.tolist())
    parts = tuple(tuple(piece) for piece in pieces) if len(pieces) > 1 else ()
    reason = None
    if not len(crew):
        reason = Reason.NO_WORKERS
    elif len(crew) > len(rows):
        reason = Reason.FEWER_GRIDS_THAN_WORKERS
    elif parts:
        reason = Reason.DISCONNECTED
    return _Task(name, rows, crew, reason, parts)


def _refused(task: _Task) -> CommunityAnswer:
    return CommunityAnswer(task.name, len(task.rows), len(task.crew), reason=task.reason, parts=task.parts)


def _cut(problem: DutyProblem, task: _Task, params: RedesignParams, limit_s: float, seed: int) -> _Cut:
    borders = problem.borders.among(task.rows)
    duty = _duty_of(problem, task)
    community = Community.of(problem.load[task.rows], borders, len(task.crew), params.compactness)
    start = State.of(community, started(community, duty))
    best = improve(community, start, params.rounds * len(task.crew), seed)
    found = solve(community, best, limit_s, seed)
    old = np.array(start.area, dtype=np.int64)
    new = old if found.state.cost >= start.cost else matched(community, found.state.area, duty, start.area)
    after = State.of(community, new.tolist())
    answer = CommunityAnswer(
        task.name,
        len(task.rows),
        len(task.crew),
        before=community.share(start.cost),
        after=community.share(after.cost),
        bound=community.share(found.bound),
        misplaced_before=start.misplaced,
        misplaced_after=after.misplaced,
        cut_before=start.cut_share,
        cut_after=after.cut_share,
        optimal=found.bound >= after.cost,
    )
    return _Cut(answer, task.crew[old], task.crew[new], found.used_s)


def _duty_of(problem: DutyProblem, task: _Task) -> list[set[int]]:
    """Who of the community has each of its grids today, numbered within the community."""
    place = {int(worker): position for position, worker in enumerate(task.crew.tolist())}
    return [{place[w] for w in problem.duty[row] if w in place} for row in task.rows.tolist()]


def area_loads(owner: Ints, load: Floats, workers: int) -> Floats:
    """Return the work of each worker's area."""
    has = owner >= 0
    return np.asarray(np.bincount(owner[has], weights=load[has], minlength=workers), dtype=float)


def duty_codes(owner: Ints, codes: Sequence[str], workers: int) -> list[tuple[str, ...]]:
    """Return the codes of the grids of each worker, rising."""
    lists: list[list[str]] = [[] for _ in range(workers)]
    for row, who in enumerate(owner.tolist()):
        if who >= 0:
            lists[who].append(str(codes[row]))
    return [tuple(sorted(items)) for items in lists]
