"""疏散方案计算: plans computed in the background: watched while they get better, stopped with the best one, kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gridgov.errors import ConflictError, RecordNotFoundError
from gridgov.model.evacuation import EvacuationPlan
from gridgov.model.hazards import ACTIVE
from gridgov.model.rights import Person, Right, require
from gridgov.operations.background_runs import BackgroundRun, KnownRuns
from gridgov.operations.evacuating import (
    RecordedEvacuation,
    check_hazard_stands,
    evacuate,
    keep_plan,
    read_evacuation,
)
from gridgov.operations.evacuation_input import EvacuationQuery, check_names
from gridgov.operations.hazards import check_hazard_area, read_hazard
from gridgov.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One better answer of a computation: how long it took, and what it promises; no gap before there is a bound."""

    elapsed_s: float
    stage: str
    clearance_time_s: float
    lower_bound_s: float
    gap: float | None
    unmet_persons: float


class EvacuationRun(BackgroundRun):
    """A plan being computed. It can be watched and stopped by everybody who may plan evacuations; see `BackgroundRun`.

    Stopping it keeps the best answer so far.

    Attributes
    ----------
    hazard_id : str
    query : EvacuationQuery
    steps : list of Step
        Every better answer, in order.
    best : EvacuationPlan or None
    kept : RecordedEvacuation or None
    """

    def __init__(self, workspace: Workspace, person: Person, query: EvacuationQuery) -> None:
        super().__init__(workspace, person)
        self.hazard_id, self.query = query.hazard_id, query
        self.steps: list[Step] = []
        self.best: EvacuationPlan | None = None
        self.kept: RecordedEvacuation | None = None

    def _compute(self) -> None:
        plan, asked = evacuate(self._workspace, self._person, self.query, progress=self._better)
        self._better(plan)
        self.kept = keep_plan(self._workspace, self._person, self.query, plan, asked)

    def _better(self, plan: EvacuationPlan) -> bool:
        self.best = plan
        step = Step(self.elapsed_s, plan.stage, plan.clearance_time_s, plan.lower_bound_s, plan.gap, plan.unmet_persons)
        if not self.steps or replace(self.steps[-1], elapsed_s=step.elapsed_s) != step:
            self.steps.append(step)
        return not (self.is_stopping or self._hazard_is_gone())

    def _hazard_is_gone(self) -> bool:
        return read_hazard(self._workspace, self._person, self.hazard_id).status != ACTIVE


def start_evacuation(workspace: Workspace, person: Person, query: EvacuationQuery) -> EvacuationRun:
    """Begin to compute a plan for a hazard; the finished plan is kept.

    It ends early when the hazard is withdrawn; orders for what it found are refused then.

    Raises
    ------
    ConflictError
        Another computation is running: two would take each other's time.
    MoveRefusedError
        The hazard was withdrawn.
    RightsError, RecordNotFoundError, ParameterError
        See `evacuation_input`; also where there is no evacuation that it replaces.
    """
    require(person, Right.EVACUATION_WRITE)
    check_hazard_area(workspace, person, read_hazard(workspace, person, query.hazard_id).hazard)
    check_hazard_stands(workspace, person, query.hazard_id)
    check_names(workspace, query)
    if query.replaces:
        read_evacuation(workspace, person, query.replaces)
    runs = _runs(workspace)
    with runs.lock:
        for other in runs.running():
            raise ConflictError(
                f"a plan for hazard {other.hazard_id} is being computed, started by {other.started_by}; "
                "stop it or wait for its end"
            )
        run = EvacuationRun(workspace, person, query)
        runs.begin(run)
    return run


def run_of(workspace: Workspace, person: Person, run_id: str) -> EvacuationRun:
    """Return a computation of this server.

    Raises
    ------
    RecordNotFoundError
        It is unknown: it ended long ago, or the server was started anew.
    """
    require(person, Right.EVACUATION_WRITE)
    run = _runs(workspace).get(run_id)
    if run is None:
        raise RecordNotFoundError(f"there is no computation '{run_id[:20]}'; look into the list of plans")
    return run


def running(workspace: Workspace, person: Person) -> EvacuationRun | None:
    """Return the computation that is running, if any."""
    require(person, Right.EVACUATION_WRITE)
    return next(iter(_runs(workspace).running()), None)


def _runs(workspace: Workspace) -> KnownRuns[EvacuationRun]:
    return workspace.cached("evacuation_runs", KnownRuns[EvacuationRun])
