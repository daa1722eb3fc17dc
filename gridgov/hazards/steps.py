"""Steps over a grid of cells in 32 directions, and the grid itself, turned with the wind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Int32s = NDArray[np.int32]

_QUARTER = ((0, 1), (1, 1), (1, 2), (1, 3), (2, 3), (3, 2), (3, 1), (2, 1))
MOST_CELLS = 1_500_000


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps from a cell.

    Attributes
    ----------
    moves : int array, shape (32, 2)
        Rows and columns.
    vectors : float array, shape (32, 2)
        Metres along the columns and against the rows.
    length_m : float array, shape (32,)
    between : int array, shape (32, 2, 2)
        The cells that a step passes; (0, 0): none.
    """

    moves: Int32s
    vectors: Floats
    length_m: Floats
    between: Int32s

    @property
    def arrays(self) -> tuple[Int32s, Floats, Int32s]:
        """What a compiled search needs of the steps."""
        return self.moves, self.length_m, self.between


def steps_of(width_m: float, height_m: float) -> Steps:
    """Return the steps over cells of a size."""
    moves = [(row, column) for row, column in _QUARTER]
    for _ in range(3):
        moves += [(-column, row) for row, column in moves[-8:]]
    between = np.zeros((len(moves), 2, 2), dtype=np.int32)
    for position, (row, column) in enumerate(moves):
        longest = max(abs(row), abs(column))
        for part in range(1, longest):
            between[position, part - 1] = _away(row * part / longest), _away(column * part / longest)
    array = np.array(moves, dtype=np.int32)
    vectors = np.column_stack([array[:, 1] * width_m, -array[:, 0] * height_m]).astype(float)
    return Steps(array, vectors, np.hypot(*vectors.T), between)


def _away(value: float) -> int:
    """Round halves away from 0, so that steps to the left and to the right pass mirrored cells."""
    return int(np.sign(value) * np.floor(abs(value) + 0.5))


def turned_grid(
    x: float, y: float, extent_m: tuple[float, float, float, float], cell_m: tuple[float, float], along: Floats
) -> tuple[Affine, tuple[int, int]]:
    """Return a grid whose columns run along a direction, and its shape.

    Parameters
    ----------
    x, y : float
        Its origin, in a metric CRS; it lies in the middle of a cell.
    extent_m : tuple of float
        How far it reaches behind, ahead, to the right and to the left of the origin.
    cell_m : tuple of float
        Along and across.
    along : float array, shape (2,)
        Unit vector (east, north).
    """
    behind, ahead, right, left = extent_m
    length, width = cell_m
    back, front = int(np.ceil(behind / length)), int(np.ceil(ahead / length))
    down, up = int(np.ceil(right / width)), int(np.ceil(left / width))
    east, north = along
    transform = Affine(
        east * length, north * width, x - east * length * (back + 0.5) - north * width * (up + 0.5),
        north * length, -east * width, y - north * length * (back + 0.5) + east * width * (up + 0.5),
    )  # fmt: skip
    return transform, (up + down + 1, back + front + 1)


def middles(transform: Affine, shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return x and y of the middle of each cell."""
    columns, rows = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = transform @ (columns, rows)
    return np.asarray(x), np.asarray(y)
