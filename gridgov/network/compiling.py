"""How the searches are compiled: with numba, cached on disk, without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function when it is first called."""
    try:
        return cast("_Function", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba finds no folder that it may write to: compile in every process then
        return cast("_Function", numba.njit(nogil=True)(function))


def inlined(function: _Function) -> _Function:
    """Put a function into its callers."""
    return cast("_Function", numba.njit(inline="always")(function))
