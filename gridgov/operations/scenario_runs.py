"""方案对比计算: two scenarios compared in the background: progress, an end on demand, known answers used again.

A run lives in the server's memory. The answer of a scenario is kept by its digest and that of the data, so that the
base, which most comparisons begin with, is worked out once.
"""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Literal

from gridgov.errors import ConflictError, GridgovError, ParameterError, RecordNotFoundError
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Scenario
from gridgov.operations.scenario_comparison import Comparison, compare_runs
from gridgov.operations.what_if import Progress, ScenarioRun, data_fingerprint, run_scenario
from gridgov.workspace import Workspace

State = Literal["running", "done", "stopped", "failed"]
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_MOST_RUNS = 24
_MOST_AT_ONCE = 2
_MOST_ANSWERS = 12
_STAGES = ("access", "impact", "evacuation", "month", "areas", "done")


class _StoppedError(GridgovError):
    """Somebody asked for an end."""


class ComparisonRun:
    """Two scenarios being compared. It can be watched and stopped by everybody who may make scenarios.

    Attributes
    ----------
    run_id, started_by : str
    first, second : Scenario
    state : str
        ``running``, ``done``, ``stopped`` or ``failed``.
    error : str
        What was wrong, in one sentence.
    found : Comparison or None
    """

    def __init__(self, workspace: Workspace, person: Person, first: Scenario, second: Scenario) -> None:
        self.run_id = "".join(secrets.choice(_ALPHABET) for _ in range(8))
        self.started_by, self.first, self.second = person.account_id, first, second
        self.state: State = "running"
        self.error = ""
        self.found: Comparison | None = None
        self.started_at, self._ended_at = workspace.wall_now(), workspace.wall_now()
        self._workspace, self._person = workspace, person
        self._told: list[tuple[str, float]] = [("access", 0.0), ("access", 0.0)]
        self._stop = threading.Event()
        self._ended = threading.Event()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it started, until it ended."""
        end = self._ended_at if self._ended.is_set() else self._workspace.wall_now()
        return (end - self.started_at).total_seconds()

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return sum(share for _, share in self._told) / 2

    @property
    def stage(self) -> str:
        """What the slower of the two is at: access, impact, evacuation, month, areas or done."""
        return min((stage for stage, _ in self._told), key=_STAGES.index)

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked for an end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for an end; there is then no answer."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; return whether it has come."""
        return self._ended.wait(timeout_s)

    def start(self) -> None:
        """Begin to compute."""
        threading.Thread(target=self._work, name=f"scenarios-{self.run_id}", daemon=True).start()

    def _work(self) -> None:
        try:
            self.found = self._compared()
            self.state = "done"
        except _StoppedError:
            self.state = "stopped"
        except GridgovError as error:
            self.error, self.state = str(error), "failed"
        finally:
            if self.state == "running":  # a fault of ours: the page must not wait for ever
                self.error, self.state = "the computation broke off; see the server's log", "failed"
            self._ended_at = self._workspace.wall_now()
            self._ended.set()

    def _compared(self) -> Comparison:
        with ThreadPoolExecutor(max_workers=2) as pool:
            asked: list[Future[ScenarioRun]] = [
                pool.submit(self._answer, number, scenario) for number, scenario in enumerate((self.first, self.second))
            ]
            return compare_runs(asked[0].result(), asked[1].result())

    def _answer(self, number: int, scenario: Scenario) -> ScenarioRun:
        runs = _runs(self._workspace)
        key = (scenario.digest, data_fingerprint(self._workspace))
        known = runs.answers.get(key)
        if known is None:
            known = run_scenario(self._workspace, self._person, scenario, progress=self._teller(number))
            runs.keep(key, known)
        self._told[number] = ("done", 1.0)
        return replace(known, scenario=scenario)  # the same question may have been kept under another name

    def _teller(self, number: int) -> Progress:
        def tell(stage: str, share: float) -> None:
            if self._stop.is_set():
                raise _StoppedError("the comparison was stopped")
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
        if sum(run.state == "running" for run in runs.known.values()) >= _MOST_AT_ONCE:
            raise ConflictError("other scenarios are being compared; wait for their end or stop one")
        run = ComparisonRun(workspace, person, first, second)
        runs.known[run.run_id] = run
        while len(runs.known) > _MOST_RUNS:
            del runs.known[next(iter(runs.known))]
        run.start()
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
    run = _runs(workspace).known.get(run_id)
    if run is None:
        raise RecordNotFoundError(f"there is no comparison '{run_id[:20]}'; compare the scenarios again")
    return run


class _Runs:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.known: dict[str, ComparisonRun] = {}
        self.answers: dict[tuple[str, str], ScenarioRun] = {}

    def keep(self, key: tuple[str, str], answer: ScenarioRun) -> None:
        """Keep an answer; the oldest is forgotten."""
        with self.lock:
            self.answers[key] = answer
            while len(self.answers) > _MOST_ANSWERS:
                del self.answers[next(iter(self.answers))]


def _runs(workspace: Workspace) -> _Runs:
    return workspace.cached("comparison_runs", _Runs)
