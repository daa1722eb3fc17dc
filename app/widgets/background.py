"""Computations beside the page: a question is asked by a button, the page stays usable, the answer stays with it.

What runs is an operation, which checks rights itself. Two run at a time on a server; others wait their turn.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Generic, TypeVar

import streamlit as st

from app.widgets.doing import sentence_of
from app.widgets.frame import language, text
from gridgov.errors import GridgovError, ParameterError
from gridgov.workspace import Workspace

_T = TypeVar("_T")
_AT_ONCE = 2
_KEPT = 8
_AT_FIRST_S = 1.2  # most answers are there by then, so that no bar flickers
_LOOK_AGAIN_S = 1.0
_RUNS = "planning_runs"
_LOG = logging.getLogger(__name__)


class Run(Generic[_T]):
    """One computation.

    Attributes
    ----------
    state : str
        ``waiting``, ``running``, ``done``, ``failed`` or ``dropped``.
    as_of : str
        Hour of the data that it was computed from.
    answer : result of the work, or None
    error : GridgovError or None
        Why it failed; None also where the fault is ours.
    """

    def __init__(self, opened: Workspace, work: Callable[[], _T], limit_s: float) -> None:
        self.state, self.limit_s = "waiting", limit_s
        self.answer: _T | None = None
        self.error: GridgovError | None = None
        self._opened, self._work = opened, work
        self._begun: datetime = opened.wall_now()
        self.as_of = f"{opened.now().astimezone(opened.timezone):%H:%M}"
        self._ended = threading.Event()
        slots = opened.cached(_RUNS, lambda: threading.Semaphore(_AT_ONCE))
        threading.Thread(target=self._go, args=(slots,), name="planning", daemon=True).start()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was asked for."""
        return (self._opened.wall_now() - self._begun).total_seconds()

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self._ended.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it has come."""
        return self._ended.wait(timeout_s)

    def drop(self) -> None:
        """Wait no longer: what comes is thrown away; what has not begun does not begin."""
        self.state = "dropped"
        self._ended.set()

    def _go(self, slots: threading.Semaphore) -> None:
        with slots:
            if self.state == "dropped":
                return
            self.state, self._begun = "running", self._opened.wall_now()
            end = "failed"
            try:
                self.answer, end = self._work(), "done"
            except GridgovError as error:
                self.error = error
            finally:  # whatever it was: the page must not wait for ever
                if end == "failed" and self.error is None:
                    _LOG.error("a computation of the planner's page broke off")
                if self.state != "dropped":
                    self.state = end
                self._ended.set()


def answer_to(
    opened: Workspace,
    tool: str,
    question: object,
    work: Callable[[], _T],
    *,
    limit_s: float = 0.0,
    hint: str = "planning_parts.cannot",
    label: str = "planning_parts.compute",
    ready: bool = True,
) -> _T | None:
    """Draw the button, the progress or what went wrong; return the answer to this question once it is there.

    Parameters
    ----------
    tool : str
        Of the page; part of the keys of its widgets.
    question : object
        Whatever the answer depends on; another question begins with the button again.
    work : callable
        Runs beside the page and must not draw.
    limit_s : float
        About how long it may take, for the bar; 0: not known.
    hint : str
        Text for a question that cannot be used.
    ready : bool
        Whether the question can be asked yet.
    """
    runs: dict[tuple[str, str], Run[_T]] = st.session_state.setdefault(_RUNS, {})
    key = (tool, f"{opened.version} {question!r}")
    run = runs.get(key)
    waits = run is not None and not run.over

    def begin() -> None:
        runs.pop(key, None)
        runs[key] = Run(opened, work, limit_s)
        while len(runs) > _KEPT:
            runs.pop(next(iter(runs))).drop()
        runs[key].wait(_AT_FIRST_S)

    if not waits:
        done = run is not None and run.state == "done"
        name = text("planning_parts.again", time=run.as_of) if run is not None and done else text(label)
        st.button(
            name, key=f"compute-{tool}", on_click=begin, type="secondary" if done else "primary", width="stretch",
            disabled=not ready,
        )  # fmt: skip
    if run is None or run.state == "dropped":
        return None
    if waits:
        _progress(tool, run)
        return None
    if run.state == "failed":
        st.html(f'<p class="gg-said bad" role="alert">{_why(run, hint)}</p>')
        return None
    return run.answer


def _why(run: Run[_T], hint: str) -> str:
    if run.error is None:
        return escape(text("planning_parts.broke_off"))
    said = sentence_of(run.error, hint)
    if language() == "en" and isinstance(run.error, ParameterError):
        said = f"{said} ({run.error})"
    return escape(said)


@st.fragment(run_every=_LOOK_AGAIN_S)
def _progress(tool: str, run: Run[_T]) -> None:
    """Show how long it has taken; when it is over, the whole page is drawn anew."""
    if run.over:
        st.rerun()
    seconds = f"{run.elapsed_s:.0f}"
    said = text("planning_parts.waiting") if run.state == "waiting" else text("planning_parts.running", s=seconds)
    share = min(0.97, run.elapsed_s / run.limit_s) if run.limit_s else 1 - 1 / (1 + run.elapsed_s / 10)
    st.progress(share, text=said)
    if st.button(text("planning_parts.stop_waiting"), key=f"drop-{tool}", width="stretch"):
        run.drop()
        st.rerun()
