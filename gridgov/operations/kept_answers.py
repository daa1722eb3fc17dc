"""The answers that were asked for last: worked out once, also where several people ask for the same at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

_T = TypeVar("_T")


class KeptAnswers:
    """At most `most` answers by their questions; the oldest is forgotten."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._known: dict[Hashable, Any] = {}
        self._making: dict[Hashable, Lock] = {}

    def known(self, question: Hashable) -> Any:
        """Return an answer that was made, or None."""
        return self._known.get(question)

    def get(self, question: Hashable, make: Callable[[], _T]) -> _T:
        """Return the answer to a question; who asks while it is being made waits for it."""
        with self._lock:
            making = self._making.setdefault(question, Lock())
        with making:
            with self._lock:
                if question in self._known:
                    found: _T = self._known[question]
                    return found
            made = make()
            with self._lock:
                self._known[question] = made
                while len(self._known) > self._most:
                    oldest = next(iter(self._known))
                    del self._known[oldest]
                    self._making.pop(oldest, None)
            return made
