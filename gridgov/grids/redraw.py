"""网格重划: small grids are joined with a neighbour of their community, large ones cut; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gridgov.errors import ParameterError
from gridgov.grids.borders import Floats, shared_borders
from gridgov.grids.code_changes import code_table, new_codes
from gridgov.grids.cutting import balanced_cut, cut_along, with_corners

_DEGREES = 1e-9  # a tenth of a millimetre
_METRES = 1e-4


@dataclass(frozen=True, slots=True)
class GridLimits:
    """How large a grid should be; the numbers of the profile stand in data/profiles/grids.toml.

    Attributes
    ----------
    least_households, most_households : int
        A grid with fewer is joined with a neighbour, if both together have at most the most; one with more is cut.
    most_persons : int
    """

    least_households: int = 300
    most_households: int = 500
    most_persons: int = 1500

    def __post_init__(self) -> None:
        if not 0 <= self.least_households <= self.most_households or self.most_persons <= 0:
            raise ParameterError(
                f"a grid of {self.least_households} to {self.most_households} households and at most "
                f"{self.most_persons} persons cannot be; give least <= most, above 0"
            )


@dataclass(frozen=True)
class Redraw:
    """New grids.

    Attributes
    ----------
    frame : GeoDataFrame
        grid_code, community_code, persons, households (float), geometry; in the CRS and with the corners of the old
        ones. Grids that stayed keep their code; a code once given is never given again.
    table : DataFrame
        Old and new codes with shares of people (see `code_table`).
    merged, cut : int
        How many old grids were joined with others; how many were cut.
    left : tuple of (str, str)
        Grids outside the limits that stayed so, with the reason: ``no_neighbour_fits``, ``no_straight_cut``,
        ``unknown_population``, ``no_free_code``.
    """

    frame: Any
    table: pd.DataFrame
    merged: int
    cut: int
    left: tuple[tuple[str, str], ...]


def redraw(
    frame: Any,
    limits: GridLimits | None = None,
    *,
    points: Mapping[str, Floats] | None = None,
    lines: Mapping[str, Any] | None = None,
    crs: str | None = None,
) -> Redraw:
    """Join small grids and cut large ones.

    Parameters
    ----------
    frame : GeoDataFrame
        `grid_code`, `community_code`, `persons`, `households` (null: unknown; such a grid stays), polygons.
    limits : GridLimits, optional
    points : mapping of code to array, shape (k, 2), optional
        Where people live in a grid, in the CRS of the frame: cuts halve them; without them the area is halved.
    lines : mapping of code to LineString, optional
        Where a grid that is too large shall be cut, instead.
    crs : str, optional
        Metric CRS in which borders are measured.

    Returns
    -------
    Redraw

    Raises
    ------
    ParameterError
        A column is missing, or a population is negative.
    """
    limits = limits or GridLimits()
    work = _Work.of(frame, points or {}, lines or {})
    _join(work, limits, shared_borders(frame, crs=crs))
    for code in list(work.grids):
        _cut(work, code, limits)
    return work.result(frame)


@dataclass
class _Grid:
    """One grid while it is redrawn: shape, community, figures, and which share of which old grids it is."""

    shape: Any
    community: str
    persons: float
    households: float
    of: dict[str, float]

    def too_small(self, limits: GridLimits) -> bool:
        return self.households < limits.least_households

    def pieces(self, limits: GridLimits) -> int:
        """Into how many it has to be cut."""
        return max(
            1, int(np.ceil(self.households / limits.most_households)), int(np.ceil(self.persons / limits.most_persons))
        )


@dataclass
class _Work:
    """All grids while they are redrawn, by a code or, for new ones, by a name that begins with a space."""

    grids: dict[str, _Grid]
    points: Mapping[str, Floats]
    lines: Mapping[str, Any]
    corners: list[tuple[float, float]]
    left: dict[str, str]
    merged: int = 0
    cut: int = 0
    made: int = 0

    @classmethod
    def of(cls, frame: Any, points: Mapping[str, Floats], lines: Mapping[str, Any]) -> _Work:
        for name in ("grid_code", "community_code", "persons", "households"):
            if name not in frame:
                raise ParameterError(f"grids have no column '{name}', so they cannot be redrawn")
        persons, households = (
            pd.to_numeric(frame[name]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            for name in ("persons", "households")
        )
        codes = frame["grid_code"].astype(str).tolist()
        negative = (persons < 0) | (households < 0)
        if negative.any():
            raise ParameterError(f"the population of grid {codes[int(negative.argmax())]} is negative")
        shapes = shapely.set_precision(np.asarray(frame.geometry.array, dtype=object), 0)  # corners are not rounded
        communities = frame["community_code"].astype(object).where(frame["community_code"].notna(), "").tolist()
        grids = {
            code: _Grid(shape, str(community), p, h, {code: 1.0})
            for code, shape, community, p, h in zip(codes, shapes, communities, persons, households, strict=True)
        }
        unknown = {code: "unknown_population" for code, grid in grids.items() if np.isnan(grid.households)}
        return cls(grids, points, lines, [], unknown)

    def put(self, grids: list[_Grid], instead_of: list[str]) -> list[str]:
        """Replace grids by new ones; return their names."""
        for code in instead_of:
            del self.grids[code]
            self.left.pop(code, None)
        names = []
        for grid in grids:
            self.made += 1
            names.append(f" {self.made}")
            self.grids[names[-1]] = grid
        return names

    def result(self, frame: Any) -> Redraw:
        """Give codes to the new grids, and their corners to their neighbours."""
        import geopandas  # noqa: PLC0415 - takes a second

        used = set(frame["grid_code"].astype(str))
        codes, rows = [], []
        for name, grid in self.grids.items():
            code = name if not name.startswith(" ") else new_codes(sorted(grid.of), 1, used)[0]
            used.add(code)
            codes.append(code)
            rows.append(grid)
        degrees = frame.crs is None or frame.crs.is_geographic
        shapes = np.array([grid.shape for grid in rows], dtype=object)
        corners = np.array(sorted(set(self.corners)), dtype=float).reshape(-1, 2)
        made = geopandas.GeoDataFrame(
            {
                "grid_code": codes,
                "community_code": [grid.community for grid in rows],
                "persons": [grid.persons for grid in rows],
                "households": [grid.households for grid in rows],
            },
            geometry=with_corners(shapes, corners, _DEGREES if degrees else _METRES),
            crs=frame.crs,
        )
        shares = [(old, code, share) for code, grid in zip(codes, rows, strict=True) for old, share in grid.of.items()]
        code_of = dict(zip(self.grids, codes, strict=True))
        order = np.argsort(np.array(codes, dtype=str), kind="stable")
        return Redraw(
            made.iloc[order].reset_index(drop=True),
            code_table(shares),
            self.merged,
            self.cut,
            tuple(sorted((code_of[name], why) for name, why in self.left.items())),
        )


def _join(work: _Work, limits: GridLimits, borders: Any) -> None:
    """Join the smallest grid with the neighbour of the longest border that fits, again and again."""
    codes = list(work.grids)
    near: dict[str, dict[str, float]] = {code: {} for code in codes}
    for a, b, length in zip(borders.a.tolist(), borders.b.tolist(), borders.length_m.tolist(), strict=True):
        near[codes[a]][codes[b]] = near[codes[b]][codes[a]] = length
    while True:
        small = [(work.grids[code].households, code) for code in near if work.grids[code].too_small(limits)]
        fits = _fits(work, limits, near)
        pair = next(((c, max(ok)[1]) for _, c in sorted(small) if (ok := fits(c))), None)
        if pair is None:
            for _, code in small:
                work.left.setdefault(code, "no_neighbour_fits")
            return
        _merge(work, near, *pair)


def _fits(
    work: _Work, limits: GridLimits, near: dict[str, dict[str, float]]
) -> Callable[[str], list[tuple[float, str]]]:
    def fits(code: str) -> list[tuple[float, str]]:
        own = work.grids[code]
        found = []
        for other, length in near[code].items():
            grid = work.grids[other]
            whole = grid.community == own.community != ""
            if (
                whole
                and grid.households + own.households <= limits.most_households
                and grid.persons + own.persons <= limits.most_persons
            ):
                found.append((length, other))
        return found

    return fits


def _merge(work: _Work, near: dict[str, dict[str, float]], one: str, other: str) -> None:
    a, b = work.grids[one], work.grids[other]
    shape = shapely.union_all([a.shape, b.shape])
    grid = _Grid(shape, a.community, a.persons + b.persons, a.households + b.households, {**a.of, **b.of})
    work.merged += sum(not code.startswith(" ") for code in (one, other))
    (name,) = work.put([grid], [one, other])
    lengths: dict[str, float] = {}
    for gone in (one, other):
        for third, length in near.pop(gone).items():
            if third in near:
                near[third].pop(gone, None)
            if third not in (one, other):
                lengths[third] = lengths.get(third, 0.0) + length
    near[name] = lengths
    for third, length in lengths.items():
        near[third][name] = length


def _cut(work: _Work, code: str, limits: GridLimits) -> None:
    """Cut a grid into as many as it needs, one after another."""
    grid = work.grids[code]
    if np.isnan(grid.households) or np.isnan(grid.persons) or (count := grid.pieces(limits)) < 2:
        return
    parts = _parts(work, grid, work.points.get(code), work.lines.get(code), count)
    if len(parts) < 2:
        work.left[code] = "no_straight_cut"
        return
    work.cut += not code.startswith(" ")
    work.put(parts, [code])


def _parts(work: _Work, grid: _Grid, points: Floats | None, line: Any, count: int) -> list[_Grid]:
    if count < 2 or grid.shape.geom_type != "Polygon":
        return [grid]
    first = count // 2
    inside = None if points is None else points[_within(grid.shape, points)]
    line = line if line is not None else balanced_cut(grid.shape, inside, share=first / count)
    pieces = cut_along(grid.shape, line) if line is not None else []
    if len(pieces) != 2:
        return [grid]
    known = set(map(tuple, shapely.get_coordinates(grid.shape).tolist()))
    work.corners += [xy for xy in map(tuple, shapely.get_coordinates(pieces).tolist()) if xy not in known]
    shares = _shares(pieces, inside)
    halves = [_half(grid, piece, share) for piece, share in zip(pieces, shares, strict=True)]
    wanted = (first, count - first) if shares[0] <= shares[1] else (count - first, first)
    return [part for half, n in zip(halves, wanted, strict=True) for part in _parts(work, half, inside, None, n)]


def _half(grid: _Grid, piece: Any, share: float) -> _Grid:
    """A part of a grid with its share of the people."""
    of = {old: part * share for old, part in grid.of.items()}
    return _Grid(piece, grid.community, grid.persons * share, grid.households * share, of)


def _within(shape: Any, points: Floats) -> NDArray[np.bool_]:
    return np.asarray(shapely.intersects_xy(shape, points[:, 0], points[:, 1]))


def _shares(pieces: list[Any], points: Floats | None) -> list[float]:
    """The share of each of two parts, by people where their places are known."""
    area = pieces[0].area / (pieces[0].area + pieces[1].area)
    if points is None or not len(points):
        return [area, 1 - area]
    counts = [float(_within(piece, points).sum()) for piece in pieces]
    first = counts[0] / sum(counts) if sum(counts) else area
    return [first, 1 - first]
