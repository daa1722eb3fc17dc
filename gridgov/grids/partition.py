"""One community cut into areas: its work and borders in whole numbers, and the exact cost of a partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridgov.grids.borders import Borders, Floats

MILLION = 1_000_000


@dataclass(frozen=True)
class Community:
    """A connected community in whole numbers.

    The cost of areas with loads L is 50 Σ |k L − total| + k · hundredths · cut; `share` makes the objective of it.

    Attributes
    ----------
    load : tuple of int
        Work of each grid in millionths of the community's.
    near : tuple of tuples of int
        Neighbours of each grid.
    masks : tuple of int
        The same as bits.
    edges : tuple of (int, int, int)
        Two neighbours and the length of their border in millionths of all borders.
    areas : int
        k, how many areas.
    hundredths : int
        Weight of compactness × 100.
    """

    load: tuple[int, ...]
    near: tuple[tuple[int, ...], ...]
    masks: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]
    areas: int
    hundredths: int

    @classmethod
    def of(cls, load: Floats, borders: Borders, areas: int, compactness: float) -> Community:
        """Put a community into whole numbers; one without any work counts its grids."""
        work = load if load.sum() > 0 else np.ones(len(load))
        units = np.rint(work / work.sum() * MILLION).astype(int)
        length = borders.length_m.sum() or 1.0
        parts = np.rint(borders.length_m / length * MILLION).astype(int)
        near = borders.neighbours
        return cls(
            tuple(units.tolist()),
            near,
            tuple(sum(1 << j for j in others) for others in near),
            tuple(zip(borders.a.tolist(), borders.b.tolist(), parts.tolist(), strict=True)),
            areas,
            round(compactness * 100),
        )

    @cached_property
    def lengths(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each grid its neighbours with the length of the border."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.load]
        for i, j, length in self.edges:
            found[i].append((j, length))
            found[j].append((i, length))
        return tuple(map(tuple, found))

    @property
    def grids(self) -> int:
        """How many grids."""
        return len(self.load)

    @cached_property
    def total(self) -> int:
        """All the work; a million but for rounding."""
        return sum(self.load)

    @property
    def unit(self) -> int:
        """The cost that is an objective of 1."""
        return 100 * self.areas * MILLION

    def share(self, cost: float) -> float:
        """Return the objective of a cost."""
        return cost / self.unit

    def cost_of(self, loads: Sequence[int], cut: int) -> int:
        """Return the cost of areas with these loads and this much cut border."""
        return 50 * sum(abs(self.areas * load - self.total) for load in loads) + self.areas * self.hundredths * cut

    def connected(self, members: int) -> bool:
        """Whether grids, given as bits, hang together; nothing does."""
        if not members:
            return True
        seen = frontier = members & -members
        while frontier:
            low = frontier & -frontier
            fresh = self.masks[low.bit_length() - 1] & members & ~seen
            seen |= fresh
            frontier = (frontier ^ low) | fresh
        return seen == members


@dataclass(slots=True)
class State:
    """A partition: the area of each grid, the areas as bits, their loads, the cut border and the cost."""

    area: list[int]
    members: list[int]
    loads: list[int]
    cut: int
    cost: int
    community: Community

    @classmethod
    def of(cls, community: Community, area: Sequence[int]) -> State:
        """Add up a partition."""
        members, loads = [0] * community.areas, [0] * community.areas
        for grid, a in enumerate(area):
            members[a] |= 1 << grid
            loads[a] += community.load[grid]
        cut = sum(length for i, j, length in community.edges if area[i] != area[j])
        return cls(list(area), members, loads, cut, community.cost_of(loads, cut), community)

    def copy(self) -> State:
        """Return a state that changes by itself."""
        return State(list(self.area), list(self.members), list(self.loads), self.cut, self.cost, self.community)

    @property
    def feasible(self) -> bool:
        """Whether every area has a grid and hangs together."""
        return all(self.members) and all(map(self.community.connected, self.members))

    @property
    def misplaced(self) -> float:
        """Share of the work that lies in the wrong area."""
        k, total = self.community.areas, self.community.total
        return sum(abs(k * load - total) for load in self.loads) / (2 * k * total)

    @property
    def cut_share(self) -> float:
        """Share of the borders that part areas."""
        return self.cut / MILLION
