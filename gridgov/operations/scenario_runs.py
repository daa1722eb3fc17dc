"""方案对比计算: two scenarios compared in the background: progress, an end on demand, known answers used again.

A run lives in the server's memory. The answer of a scenario is kept by its digest and that of the data, so that the
base, which most comparisons begin with, is worked out once.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, StoppedError
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Scenario
from gridgov.operations.background_runs import BackgroundRun, KnownRuns
from gridgov.operations.scenario_comparison import Comparison, compare_runs
from gridgov.operations.what_if import Progress, ScenarioRun, data_fingerprint, run_scenario
from gridgov.workspace import Workspace

_MOST_AT_ONCE = 2
_MOST_ANSWERS = 12
_STAGES = ("access", "impact", "evacuation", "month", "areas", "done")


class ComparisonRun(BackgroundRun):
    """Two scenarios being compared; whoever may make scenarios may watch and stop it. See `BackgroundRun`.

    Attributes
    ----------
    first, second : Scenario
    found : Comparison or None
    """

    def __init__(self, workspace: Workspace, person: Person, first: Scenario, second: Scenario) -> None:
        super().__init__(workspace, person)
        self.first, self.second = first, second
        self.found: Comparison | None = None
        self._told: list[tuple[str, float]] = [("access", 0.0), ("access", 0.0)]

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return sum(share for _, share in self._told) / 2

    @property
    def stage(self) -> str:
        """What the slower of the two is at: access, impact, evacuation, month, areas or done."""
        return min((stage for stage, _ in self._told), key=_STAGES.index)

    def _compute(self) -> None:
        with ThreadPoolExecutor(max_workers=2) as pool:
            asked: list[Future[ScenarioRun]] = [
                pool.submit(self._answer, number, scenario) for number, scenario in enumerate((self.first, self.second))
            ]
            self.found = compare_runs(asked[0].result(), asked[1].result())

    def _answer(self, number: int, scenario: Scenario) -> ScenarioRun:
        runs = _runs(self._workspace)
        key = (scenario.digest, data_fingerprint(self._workspace))
        known = runs.answers.get(key)
        if known is None:
            known = run_scenario(self._workspace, self._person, scenario, progress=self._teller(number))
            runs.keep(key, known)
        self._told[number] = ("done", 1.0)
        own_name = replace(known.scenario, name=scenario.name)
        return replace(known, scenario=own_name)  # the same question may have been kept under another name

    def _teller(self, number: int) -> Progress:
        def tell(stage: str, share: float) -> None:
            if self.is_stopping:
                raise StoppedError("the comparison was stopped")
            self._told[number] = (stage, share)

        return tell


def start_comparison(workspace: Workspace, person: Person, first: Scenario, second: Scenario) -> ComparisonRun:
    """Begin to compare two scenarios; nothing is written.

    Raises
    ------
    ParameterError
        They do not ask the same question.
    ConflictError
        As many comparisons as the server bears are running.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    if first.question != second.question:
        raise ParameterError(f"'{first.name}' and '{second.name}' ask different questions; ask both the same")
    runs = _runs(workspace)
    with runs.lock:
        if len(runs.running()) >= _MOST_AT_ONCE:
            raise ConflictError("other scenarios are being compared; wait for their end or stop one")
        run = ComparisonRun(workspace, person, first, second)
        runs.begin(run)
    return run


def comparison_run(workspace: Workspace, person: Person, run_id: str) -> ComparisonRun:
    """Return a comparison of this server.

    Raises
    ------
    RecordNotFoundError
        It is unknown: it ended long ago, or the server was started anew.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    run = _runs(workspace).get(run_id)
    if run is None:
        raise RecordNotFoundError(f"there is no comparison '{run_id[:20]}'; compare the scenarios again")
    return run


class _Runs(KnownRuns[ComparisonRun]):
    """Also what scenarios were found to give."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[tuple[str, str], ScenarioRun] = {}

    def keep(self, key: tuple[str, str], answer: ScenarioRun) -> None:
        """Keep an answer; the oldest is forgotten."""
        with self.lock:
            self.answers[key] = answer
            while len(self.answers) > _MOST_ANSWERS:
                del self.answers[next(iter(self.answers))]


def _runs(workspace: Workspace) -> _Runs:
    return workspace.cached("comparison_runs", _Runs)
