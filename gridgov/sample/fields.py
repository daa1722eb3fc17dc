"""Smooth fields over the plane: noise of several octaves and rasters that can be asked at points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Field:
    """A raster in local metres: `cells[row, column]`, row 0 in the north, `west`/`north` its outer corner."""

    cells: Floats
    west: float
    north: float
    cell_m: float

    def at(self, xy: Floats) -> Floats:
        """Return bilinear values at points, shape (n, 2)."""
        xy = np.atleast_2d(xy)
        column = (xy[:, 0] - self.west) / self.cell_m - 0.5
        row = (self.north - xy[:, 1]) / self.cell_m - 0.5
        return np.asarray(ndimage.map_coordinates(self.cells, [row, column], order=1, mode="nearest"))

    def centres(self) -> tuple[Floats, Floats]:
        """Return x and y of all cell centres, each of the raster's shape."""
        rows, columns = self.cells.shape
        x = self.west + (np.arange(columns) + 0.5) * self.cell_m
        y = self.north - (np.arange(rows) + 0.5) * self.cell_m
        grid_x, grid_y = np.meshgrid(x, y)
        return grid_x, grid_y

    def with_values(self, values: Floats) -> Field:
        """Return a field of the same place with other values."""
        return Field(values, self.west, self.north, self.cell_m)

    def slope_degrees(self) -> Field:
        """Return the slope of the surface."""
        rise_y, rise_x = np.gradient(self.cells, self.cell_m)
        return self.with_values(np.degrees(np.arctan(np.hypot(rise_x, rise_y))))


def empty_field(half_x_m: float, half_y_m: float, cell_m: float) -> Field:
    """Return a zero raster that covers ±half_x, ±half_y; its edges are multiples of the cell."""
    columns, rows = int(np.ceil(half_x_m / cell_m)) * 2, int(np.ceil(half_y_m / cell_m)) * 2
    return Field(np.zeros((rows, columns)), -columns / 2 * cell_m, rows / 2 * cell_m, cell_m)


def noise(rng: np.random.Generator, x: Floats, y: Floats, wavelength_m: float) -> Floats:
    """Return smooth noise, mostly within ±1: a random lattice interpolated by cubic splines."""
    column, row = (x - x.min()) / wavelength_m + 2.0, (y - y.min()) / wavelength_m + 2.0
    lattice = rng.uniform(-1.0, 1.0, (int(row.max()) + 4, int(column.max()) + 4))
    return np.asarray(ndimage.map_coordinates(lattice, [row, column], order=3, mode="reflect")) * 1.3


def fractal(rng: np.random.Generator, x: Floats, y: Floats, wavelength_m: float, octaves: int) -> Floats:
    """Return a sum of noise octaves, each half as long and half as high."""
    total = np.zeros_like(x)
    for octave in range(octaves):
        total += noise(rng, x, y, wavelength_m / 2**octave) / 2**octave
    return total / 1.5


def ridged(rng: np.random.Generator, x: Floats, y: Floats, wavelength_m: float, octaves: int) -> Floats:
    """Return ridges (values 0 … 1): folded noise octaves, each weighted by the one before, on a warped plane.

    The usual ridged multifractal of procedural terrain; the warp bends the ridges as erosion does.
    """
    warp = wavelength_m * 0.18
    x2 = x + warp * noise(rng, x, y, wavelength_m * 0.8)
    y2 = y + warp * noise(rng, x, y, wavelength_m * 0.8)
    total, weight, norm = np.zeros_like(x), np.ones_like(x), 0.0
    for octave in range(octaves):
        fold = (1.0 - np.abs(np.clip(noise(rng, x2, y2, wavelength_m / 2**octave), -1.0, 1.0))) ** 2
        gain = 0.5**octave
        total += gain * weight * fold
        norm += gain
        weight = np.clip(fold * 1.6, 0.15, 1.0)
    return np.clip(total / norm * 1.25, 0.0, 1.0)


def smoothstep(value: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth ramp between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))
