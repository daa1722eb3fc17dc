"""Processes of this machine for batches: each loads gridgov and nothing of the script that asked for it.

Python starts a process by importing the script again. A notebook-style script has no `if __name__ == "__main__":`, so
every process would run all of its cells; but pieces of batches are functions of gridgov, which needs no script.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any


class ScriptHidden:
    """While it is entered, once or several times, processes that start do not see which script runs."""

    def __init__(self) -> None:
        self._lock, self._entered = threading.Lock(), 0
        self._script: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}

    def __enter__(self) -> None:
        with self._lock:
            if not self._entered:
                self._script = vars(sys.modules["__main__"])
                said = ((name, self._script.get(name)) for name in ("__file__", "__spec__"))
                self._kept = {name: value for name, value in said if value is not None}
                self._script.update(dict.fromkeys(self._kept))
            self._entered += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._entered -= 1
            if not self._entered:
                self._script.update(self._kept)


def local_cluster(**options: Any) -> Any:
    """Return Dask's cluster of processes of this machine; also one that is started later, for one that died, is apart.

    Raises
    ------
    OSError, RuntimeError
        A process cannot be started.
    """
    from distributed import LocalCluster, Nanny  # noqa: PLC0415 - loaded where a cluster is asked for

    hidden = ScriptHidden()

    class Keeper(Nanny):
        """Starts a worker, and another one when it dies."""

        async def instantiate(self) -> Any:
            with hidden:
                return await super().instantiate()

    with hidden:
        return LocalCluster(worker_class=Keeper, **options)
