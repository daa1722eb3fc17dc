"""Which closures cut places off from everybody who could come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gridgov.dispatch import Roster
from gridgov.model.closures import Closure
from gridgov.operations.closures import roads_at
from gridgov.operations.crew import crew_of
from gridgov.workspace import Workspace

_MOST_TRIED = 30  # closures that are taken away one by one, to say which of them cut a place off


def cutting_closures(
    workspace: Workspace, when: datetime, somebody_comes: Callable[[Roster], NDArray[np.bool_]]
) -> list[tuple[str, ...]]:
    """Return for each of some places that nobody reaches the closures that cut it off.

    Named are those without which alone somebody could come; where it takes several, all that hold at the moment.

    Parameters
    ----------
    when : datetime
        Aware.
    somebody_comes : callable
        Says for each place whether anybody of a roster reaches it.

    Returns
    -------
    list of tuples of closure ids
        One for each place; empty where nobody could come without closures either.
    """
    crew = crew_of(workspace)

    def comes(closures: Sequence[Closure]) -> NDArray[np.bool_]:
        return somebody_comes(roads_at(workspace, crew, when, closures=closures).roster)

    holding = roads_at(workspace, crew, when).placed.closures
    because = comes(())
    if not holding or not because.any():
        return [()] * len(because)
    tried = holding if len(holding) <= _MOST_TRIED else ()
    alone = [comes([other for other in holding if other is not own]) for own in tried]
    return [
        tuple(own.closure_id for own, enough in zip(tried, alone, strict=False) if enough[row])
        or tuple(closure.closure_id for closure in holding)
        if because[row]
        else ()
        for row in range(len(because))
    ]
