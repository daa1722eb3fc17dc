"""后台计算: computations in threads of the server: watched, stopped, found again by their ids until they are old."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Generic, Literal, TypeVar

from gridgov.errors import GridgovError, StoppedError
from gridgov.model.rights import Person
from gridgov.operations.random_ids import random_id
from gridgov.workspace import Workspace

_MOST_KNOWN = 24

State = Literal["running", "done", "stopped", "failed"]


class BackgroundRun(ABC):
    """A computation in the background. Who may watch and stop it is said by the operation that begins it.

    Attributes
    ----------
    run_id, started_by : str
    state : str
        ``running``, ``done`` (also when it was stopped with an answer), ``stopped`` (without one) or ``failed``.
    error : str
        What was wrong, in one sentence.
    """

    def __init__(self, workspace: Workspace, person: Person) -> None:
        self.run_id = random_id(8)
        self.started_by = person.account_id
        self.state: State = "running"
        self.error = ""
        self.started_at = self._ended_at = workspace.wall_now()
        self._workspace, self._person = workspace, person
        self._stop = threading.Event()
        self._ended = threading.Event()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it started, until it ended."""
        end = self._ended_at if self._ended.is_set() else self._workspace.wall_now()
        return (end - self.started_at).total_seconds()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked for an end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask for an end."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; return whether it has come."""
        return self._ended.wait(timeout_s)

    def start(self) -> None:
        """Begin to compute."""
        threading.Thread(target=self._work, name=f"{type(self).__name__}-{self.run_id}", daemon=True).start()

    @abstractmethod
    def _compute(self) -> None:
        """Compute and keep the answer; raise `StoppedError` where an end was asked for and there is none."""

    def _work(self) -> None:
        try:
            self._compute()
            self.state = "done"
        except StoppedError:
            self.state = "stopped"
        except GridgovError as error:
            self.error, self.state = str(error), "failed"
        finally:
            if self.state == "running":  # a fault of ours: nobody must wait for ever
                self.error, self.state = "the computation broke off; see the server's log", "failed"
            self._ended_at = self._workspace.wall_now()
            self._ended.set()


_Run = TypeVar("_Run", bound=BackgroundRun)


class KnownRuns(Generic[_Run]):
    """The runs of one kind that a server knows; the oldest are forgotten."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._known: dict[str, _Run] = {}

    def running(self) -> list[_Run]:
        """Return those that have not ended."""
        return [run for run in list(self._known.values()) if run.state == "running"]

    def get(self, run_id: str) -> _Run | None:
        """Return a run, if it is known."""
        return self._known.get(run_id)

    def begin(self, run: _Run) -> None:
        """Start a run and know it; for who holds the lock."""
        self._known[run.run_id] = run
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        run.start()
