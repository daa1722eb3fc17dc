"""How a view of a road network differs from its base, and its open edges as searches want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.network.validation import CLOSED, Floats, Int32s


class SearchGraph(NamedTuple):
    """Open edges in the order in which a search wants them (compressed sparse rows).

    Rows ``first_edge[u]:first_edge[u + 1]`` are the edges at node u: their other end, time, u itself, and edge id.
    """

    first_edge: Int32s
    neighbour: Int32s
    time_ms: Int32s
    node: Int32s
    edge_id: Int32s


@dataclass(frozen=True)
class Overlay:
    """What a scenario changes: closed edges, and the factor on each edge's speed."""

    closed: NDArray[np.bool_]
    speed_factor: Floats

    def apply(self, times_ms: Int32s) -> Int32s:
        """Return the times under the scenario, always computed from the base, so that undoing is exact."""
        changed = (self.speed_factor != 1.0) & (times_ms != CLOSED) & ~self.closed
        result = times_ms.copy()
        slowed = np.rint(times_ms[changed] / self.speed_factor[changed])
        if slowed.size and slowed.max() >= CLOSED:
            edge = int(np.flatnonzero(changed)[np.argmax(slowed)])
            raise ParameterError(
                f"edge {edge} would take {slowed.max():.0f} ms, more than {CLOSED - 1}; close it instead"
            )
        result[changed] = slowed
        result[self.closed] = CLOSED
        return result
