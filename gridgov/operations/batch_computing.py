"""批量计算: many pieces of one task, in this process or on the workers of a Dask cluster, answered in their order.

What is sent to a worker is the name of a function, what all pieces share (once for each worker) and one piece at a
time; what comes back is its answer. A piece is computed the same way everywhere, so where it is computed changes no
number. Dask is loaded where a cluster is asked for, never else.
"""

from __future__ import annotations

import logging
import re
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gridgov import __version__
from gridgov.config import Settings
from gridgov.errors import ComputingError, GridgovError, ParameterError, StoppedError
from gridgov.operations.batch_processes import local_cluster

if TYPE_CHECKING:
    from distributed import Client

_Shared = TypeVar("_Shared")
_Piece = TypeVar("_Piece")
_Answer = TypeVar("_Answer")

BatchProgress = Callable[[int, int], None]
"""Told how many pieces are done, of how many."""
Cancelled = Callable[[], bool]
"""Asked many times a second whether to stop; the `is_set` of a `threading.Event` is one."""

MOST_WORKERS = 256
_LOOK_S = 0.02
_COUNT_S = 5.0  # between two looks at how many workers there are
_AHEAD = 2  # pieces that wait at a worker while it computes another
_KILLED = "KilledWorker"  # Dask's error of a piece over which workers died
_LOST = {"cancelled", "lost"}  # states of an answer of Dask that will never come
_ANSWERS_S = 10.0
_LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d{1,5}")
_QUIET = {
    "distributed.scheduler.allowed-failures": 2,
    "distributed.scheduler.http.routes": [],  # no page, no figures for others: the work alone
    "distributed.worker.http.routes": [],
    "distributed.diagnostics.nvml": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Where batches are computed.

    Attributes
    ----------
    workers : int
        Processes of this machine; 0: in this process, piece by piece.
    scheduler : str
        Address of a Dask scheduler that runs already (``tcp://10.0.0.5:8786``, ``tls://…``), instead of processes of
        this machine.
    memory_gib : float
        What each process of this machine may use; 0: an equal share of its memory.
    patience_s : float
        How long a cluster without any worker is waited for; a scheduler that does not answer, at most 10 s.
    """

    workers: int = 0
    scheduler: str = ""
    memory_gib: float = 0.0
    patience_s: float = 60.0

    def __post_init__(self) -> None:
        if not 0 <= self.workers <= MOST_WORKERS:
            raise ParameterError(f"{self.workers} workers; give 0 (in this process) to {MOST_WORKERS}")
        if self.workers and self.scheduler:
            raise ParameterError("both workers and a scheduler are given; the scheduler has its own workers: give one")
        if not 0 <= self.memory_gib < 1e6 or not 0 < self.patience_s < 1e6:
            raise ParameterError(f"memory_gib {self.memory_gib:g} or patience_s {self.patience_s:g} cannot be used")

    @classmethod
    def of(cls, settings: Settings, *, workers: int | None = None, scheduler: str = "") -> Machines:
        """Return what a person asks for, else the scheduler of the settings, else this process."""
        if workers is None:
            return cls(scheduler=scheduler or settings.dask_scheduler)
        return cls(workers=workers, scheduler=scheduler)


class Future(Protocol):
    """An answer to come; those of Dask and of Python's own threads are such."""

    def done(self) -> bool:
        """Return whether it is there, or will never be."""

    def exception(self) -> BaseException | None:
        """Return why there is none."""

    def result(self) -> Any:
        """Return it."""

    def cancel(self) -> Any:
        """Give it up."""


class Cluster(Protocol):
    """What pieces are given to."""

    def room(self) -> int:
        """Return how many pieces may be on their way at a time.

        Raises
        ------
        ComputingError
            The scheduler is gone, or it had no worker for too long.
        """

    def share(self, value: Any) -> Any:
        """Return a handle on what all pieces share."""

    def submit(self, work: Callable[..., Any], shared: Any, piece: Any) -> Future:
        """Give away one piece."""


@contextmanager
def open_cluster(machines: Machines) -> Iterator[Cluster]:
    """Start processes or reach a scheduler; what was started ends with the block.

    Processes of this machine listen on loopback only and talk with each other by TLS with keys of their own, so that
    other accounts of the machine cannot give them work; there is no dashboard.

    Raises
    ------
    ComputingError
        No scheduler answers at the address, it has no workers, or no process can be started.
    """
    with ExitStack() as stack:
        if machines.scheduler:
            yield stack.enter_context(_reached(machines))
        elif machines.workers:
            yield stack.enter_context(_started(machines))
        else:
            yield _Here(stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="batch")))


def compute_batch(
    work: Callable[[_Shared, _Piece], _Answer],
    shared: _Shared,
    pieces: Sequence[tuple[str, _Piece]],
    *,
    on: Machines | Cluster | None = None,
    progress: BatchProgress | None = None,
    cancelled: Cancelled | None = None,
) -> list[_Answer]:
    """Compute many pieces of one task.

    Parameters
    ----------
    work : callable
        A function of a module, ``work(shared, piece)``.
    shared
        What all pieces need; sent to each worker once and kept there while the batch runs.
    pieces : sequence of (name, piece)
        Names are for messages. Everything here can be pickled.
    on : Machines or Cluster, optional
        Machines are started for this batch alone; default: this process.
    progress, cancelled
        Called in the thread of the caller.

    Returns
    -------
    list
        The answers in the order of the pieces.

    Raises
    ------
    StoppedError
        `cancelled` said so; no answer is given, also not of the pieces that were done.
    ComputingError
        A piece failed in a way nobody has foreseen, its workers died, or the scheduler is gone.
    GridgovError
        The error of the first piece that failed, of its own kind, with the name of the piece.
    """
    if on is None or isinstance(on, Machines):
        with open_cluster(on or Machines()) as cluster:
            return compute_batch(work, shared, pieces, on=cluster, progress=progress, cancelled=cancelled)
    batch = _Batch(work, pieces, on, shared)
    told = progress or (lambda _done, _every: None)
    try:
        while not batch.done:
            if cancelled is not None and cancelled():
                raise StoppedError(f"stopped after {len(batch.answers)} of {len(pieces)} pieces; nothing is kept")
            batch.give_away()
            if not batch.collect(told):
                time.sleep(_LOOK_S)
    finally:
        batch.give_up()
    return [batch.answers[number] for number in range(len(pieces))]


class _Batch:
    """The pieces of a batch: those that wait, those on their way, and what is answered.

    Where a worker dies, Dask blames all pieces that were waiting at it. So a piece that is blamed is tried once more
    when all others are done, by itself: only one that kills a worker then is at fault.
    """

    def __init__(
        self, work: Callable[[Any, Any], Any], pieces: Sequence[tuple[str, Any]], cluster: Cluster, shared: Any
    ) -> None:
        self._work, self._pieces, self._cluster, self._shared = work, pieces, cluster, shared
        self._waiting, self._blamed = deque(range(len(pieces))), deque[int]()
        self._running: dict[int, Future] = {}
        self._handle: Any = None
        self._alone = -1
        self.answers: dict[int, Any] = {}

    @property
    def done(self) -> bool:
        """Whether all pieces are answered."""
        return len(self.answers) == len(self._pieces)

    def give_away(self) -> None:
        """Submit what there is room for."""
        room = self._cluster.room()
        while self._waiting and len(self._running) < room:
            self._submit(self._waiting.popleft())
        if not self._waiting and not self._running and self._blamed and room:
            self._alone, self._handle = self._blamed.popleft(), None
            self._submit(self._alone)

    def _submit(self, number: int) -> None:
        if self._handle is None:
            self._handle = self._cluster.share(self._shared)
        self._running[number] = self._cluster.submit(self._work, self._handle, self._pieces[number][1])

    def collect(self, told: BatchProgress) -> int:
        """Take the answers that have come, and return how many."""
        came = [number for number, future in self._running.items() if future.done()]
        for number in came:
            future = self._running.pop(number)
            error = _Lost() if getattr(future, "status", "") in _LOST else future.exception()
            if error is not None and type(error).__name__ == _KILLED and number != self._alone:
                self._blamed.append(number)
                self._handle = None  # what is shared may be blamed, too
                continue
            if error is not None:
                raise _said(error, self._pieces[number][0]) from error
            self.answers[number] = future.result()
            told(len(self.answers), len(self._pieces))
        return len(came)

    def give_up(self) -> None:
        """Let go of what is still on its way."""
        for future in self._running.values():
            future.cancel()


def _said(error: BaseException, name: str) -> GridgovError:
    """Return one sentence that says what became of a piece."""
    kind = type(error).__name__
    if isinstance(error, GridgovError):
        return type(error)(f"{name}: {error}")
    if kind == _KILLED:
        return ComputingError(
            f"{name}: every worker that computed it died, most likely because its memory was used up; give the workers "
            "more memory, or make the pieces smaller"
        )
    if isinstance(error, _Lost):
        return ComputingError(f"{name}: the Dask scheduler is gone or has dropped it; start it and try again")
    return ComputingError(f"{name}: {kind}: {error}")


def _worked(work: Callable[[Any, Any], Any], shared: Any, piece: _Sealed, version: str) -> Any:
    """Compute one piece, where the worker has the same gridgov as who asks."""
    if version != __version__:
        raise ComputingError(
            f"a worker has gridgov {__version__} and this process {version}, so their numbers could differ; install "
            "the same version everywhere"
        )
    return work(shared.value, piece.value)


class _Lost(Exception):  # noqa: N818 - never raised on its own
    """Dask has let go of a piece."""


def _same(value: Any) -> Any:
    return value


class _Sealed:
    """Something that Dask must not look into."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class _Here:
    """The process that asks."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def room(self) -> int:
        return _AHEAD

    def share(self, value: Any) -> Any:
        return _Sealed(value)

    def submit(self, work: Callable[..., Any], shared: Any, piece: Any) -> Future:
        return self._pool.submit(_worked, work, shared, _Sealed(piece), __version__)


class _Dask:
    """The workers of a Dask scheduler."""

    def __init__(self, client: Client, machines: Machines) -> None:
        self._client, self._machines = client, machines
        self._threads, self._counted_s, self._seen_s = 0, float("-inf"), time.monotonic()

    def room(self) -> int:
        now = time.monotonic()
        if self._client.status not in {"running", "connecting"}:
            raise ComputingError(f"{self._where()} is gone; nothing is kept, start it and try again")
        if now - self._counted_s >= (_COUNT_S if self._threads else _LOOK_S):
            self._threads, self._counted_s = self._count(), now
        if self._threads:
            self._seen_s = now
        elif now - self._seen_s > self._machines.patience_s:
            raise ComputingError(
                f"{self._where()} had no worker for {self._machines.patience_s:g} s; start workers for it"
            )
        return _AHEAD * self._threads

    def share(self, value: Any) -> Any:
        return self._submit(_same, _Sealed(value))  # a task, not scattered data: made again where its worker dies

    def submit(self, work: Callable[..., Any], shared: Any, piece: Any) -> Future:
        future: Future = self._submit(_worked, work, shared, _Sealed(piece), __version__)
        return future

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        import dask  # noqa: PLC0415 - see the first lines

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "64GiB"}):  # large pieces are meant
            return self._client.submit(function, *arguments, pure=False)

    def _count(self) -> int:
        try:
            return sum(self._client.nthreads().values())
        except OSError as error:  # distributed's CommClosedError is one
            raise ComputingError(f"{self._where()} is gone; nothing is kept, start it and try again") from error

    def _where(self) -> str:
        at = self._machines.scheduler
        return f"the Dask scheduler at {at}" if at else "the cluster of this machine"


@contextmanager
def _started(machines: Machines) -> Iterator[Cluster]:
    """Start processes of this machine and end them again."""
    import dask  # noqa: PLC0415
    from distributed import Client  # noqa: PLC0415
    from distributed.security import Security  # noqa: PLC0415

    with ExitStack() as stack:
        room = stack.enter_context(tempfile.TemporaryDirectory(prefix="gridgov-batch-", ignore_cleanup_errors=True))
        security = Security.temporary()
        try:
            with dask.config.set(_QUIET):
                cluster = local_cluster(
                    n_workers=machines.workers, threads_per_worker=1, host=_LOOPBACK, security=security,
                    memory_limit=int(machines.memory_gib * 2**30) or "auto", local_directory=room,
                    dashboard_address=f"{_LOOPBACK}:0", scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.CRITICAL,
                )  # fmt: skip
        except (OSError, RuntimeError) as error:
            raise ComputingError(
                f"{machines.workers} processes cannot be started ({error}); start fewer, or compute in this process"
            ) from error
        stack.callback(cluster.close)
        yield _Dask(stack.enter_context(Client(cluster, security=security, set_as_default=False)), machines)


@contextmanager
def _reached(machines: Machines) -> Iterator[Cluster]:
    """Reach a scheduler that runs; it and its workers stay."""
    from distributed import Client  # noqa: PLC0415

    address = machines.scheduler
    if not _ADDRESS.fullmatch(address):
        raise ParameterError(f"the scheduler's address is '{address}'; write it as tcp://HOST:PORT or tls://HOST:PORT")
    with ExitStack() as stack:
        stack.enter_context(_hushed("distributed.client"))  # what it says is said by us, in one sentence
        try:
            client = Client(address, timeout=min(machines.patience_s, _ANSWERS_S), set_as_default=False)
        except (OSError, TypeError, ValueError) as error:  # the last two: TLS without or with wrong keys
            raise ComputingError(
                f"no Dask scheduler answers at {address} ({error}); start it, correct the address, or leave it out"
            ) from error
        yield _Dask(stack.enter_context(client), machines)


@contextmanager
def _hushed(name: str) -> Iterator[None]:
    """Let a logger be silent for a while."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
