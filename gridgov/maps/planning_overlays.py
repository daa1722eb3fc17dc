"""Results of planning on the map: numbers and classes by grid, areas, places. What they say stands in the legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import NO_COLOUR, AreaValues, LegendPart, Overlay, Shapes, parts_of, point_part

SLOT = "planning"
SHADES = ("#eef5f0", "#c4e0d2", "#8cc4ad", "#4b9f88", "#1d7565", "#084a41")
KINDS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#999933")
UNKNOWN_COLOUR, HOT_COLOUR, COLD_COLOUR, CONFLICT_COLOUR = "#a5adb6", "#b3273a", "#2f6fb3", "#b3273a"
_MOST_VALUES = 254  # codes of one byte, without that of nothing
_SYMBOLS: dict[str, dict[str, Any]] = {
    "existing": {"shape": "circle", "fill": "#2b5f8f", "line": "#ffffff", "radius": 7},
    "new": {"shape": "star", "fill": "#d1338a", "line": "#ffffff", "radius": 12},
}


@dataclass(frozen=True)
class Area:
    """A shape, WGS 84, with the position of its class and the lines that hovering shows."""

    geometry: shapely.Geometry
    kind: int
    tip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A facility: ``existing`` or ``new``."""

    lon: float
    lat: float
    kind: str
    tip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Class:
    """A class with its name and colour."""

    name: str
    colour: str


def steps_of(values: NDArray[np.float64], count: int = 5) -> tuple[float, ...]:
    """Return rounded limits between classes that hold about as many values each; none where all are the same."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        return ()
    raw = np.quantile(known, np.arange(1, count + 1) / (count + 1))
    digits = int(2 - np.floor(np.log10(max(float(np.abs(raw).max()), 1e-9))))
    rounded = np.unique(np.round(raw, digits))
    return tuple(float(step) for step in rounded if known.min() <= step < known.max())


def number_overlay(
    title: str,
    values: NDArray[np.float64],
    *,
    unknown: str = "",
    shapes: Sequence[Shapes] = (),
    legend: Sequence[LegendEntry] = (),
    unit: str = "",
) -> Overlay:
    """Return a choropleth of a number of every grid, in the order of the grid layer; darker is more.

    Parameters
    ----------
    unknown : str
        What it is called where the number is missing; "": such grids have no colour.
    """
    steps = steps_of(values)
    names = [f"≤ {steps[0]:g}", *(f"{a:g} – {b:g}" for a, b in pairwise(steps))] if steps else []
    if steps:
        names.append(f"> {steps[-1]:g}")
    else:
        known = values[np.isfinite(values)]
        names = [f"{known[0]:g}" if len(known) else "–"]
    codes = np.searchsorted(np.array(steps), np.nan_to_num(values), side="left").astype(np.uint8)
    codes[~np.isfinite(values)] = len(names) if unknown else NO_COLOUR
    picked = np.linspace(0, len(SHADES) - 1, len(names)).round().astype(int)
    classes = [Class(f"{name}{unit}", SHADES[k]) for name, k in zip(names, picked, strict=True)]
    return class_overlay(title, codes, [*classes, Class(unknown, UNKNOWN_COLOUR)], shapes=shapes, legend=legend)


def class_overlay(
    title: str,
    codes: NDArray[np.uint8],
    classes: Sequence[Class],
    *,
    shapes: Sequence[Shapes] = (),
    legend: Sequence[LegendEntry] = (),
    notes: tuple[str, ...] = (),
) -> Overlay:
    """Return a choropleth of classes of the grids; the legend holds those that occur.

    Parameters
    ----------
    codes : uint8 array
        Position of the class of every grid of the layer; `NO_COLOUR`: none.
    legend : sequence of LegendEntry
        What else is drawn.
    """
    present = set(np.unique(codes).tolist()) - {NO_COLOUR}
    entries = [LegendEntry("fill", classes[k].name, classes[k].colour, opacity=0.75) for k in sorted(present)]
    values = AreaValues("grids", title, codes, [c.colour for c in classes], [c.name for c in classes])
    return Overlay(SLOT, values, tuple(shapes), (LegendPart(title, (*entries, *legend), notes),))


def area_overlay(title: str, areas: Sequence[Area], classes: Sequence[Class]) -> Overlay:
    """Return coloured shapes with their legend."""
    present = sorted({area.kind for area in areas})
    entries = tuple(LegendEntry("fill", classes[k].name, classes[k].colour, opacity=0.75) for k in present)
    return Overlay(SLOT, shapes=(filled(areas, classes),), legend=(LegendPart(title, entries),))


def filled(areas: Sequence[Area], classes: Sequence[Class]) -> Shapes:
    """Return shapes in the colours of their classes; lines and points are drawn in them, too."""
    fills: list[dict[str, Any]] = [{"fill": c.colour, "fillOpacity": 0.7} for c in classes]
    lines: list[dict[str, Any]] = [{"line": c.colour, "width": 5, "lineOpacity": 0.9} for c in classes]
    marks = [{"symbol": {"shape": "circle", "fill": c.colour, "line": "#ffffff", "radius": 7}} for c in classes]
    parts = []
    for number, area in enumerate(areas):
        offset = {0: 2, 1: 1, 2: 0}[shapely.get_dimensions(area.geometry)] * len(classes)
        parts += parts_of(area.geometry, area.kind + offset, number)
    return Shapes([*fills, *lines, *marks], parts, [area.tip for area in areas], "gg-areas")


def outlines(geometries: Iterable[shapely.Geometry], colour: str, *, width: float = 2.2, dash: Any = ()) -> Shapes:
    """Return borders without a filling."""
    rule = {"line": colour, "width": width, "dash": list(dash), "lineOpacity": 0.95}
    return Shapes([rule], [part for geometry in geometries for part in parts_of(geometry, 0)], pane="gg-areas")


def places(found: Sequence[Place]) -> Shapes:
    """Return facilities as marks: those that exist, and new ones over them."""
    order = list(_SYMBOLS)
    ranked = sorted(found, key=lambda place: order.index(place.kind))
    parts = [point_part(place.lon, place.lat, order.index(place.kind), k) for k, place in enumerate(ranked)]
    return Shapes([{"symbol": symbol} for symbol in _SYMBOLS.values()], parts, [p.tip for p in ranked], "gg-marks")


def place_entry(kind: str, name: str) -> LegendEntry:
    """Return the line of the legend for facilities of a kind."""
    return LegendEntry("point", name, _SYMBOLS[kind]["fill"], shape=_SYMBOLS[kind]["shape"])


def owner_overlay(
    title: str, owner: NDArray[np.int64], names: Sequence[str], colours: Sequence[int], *,
    shapes: Sequence[Shapes] = (), legend: Sequence[LegendEntry] = (), notes: tuple[str, ...] = (),
) -> Overlay:  # fmt: skip
    """Return the areas of owners: one colour each, whose name hovering shows; the legend does not list them.

    Parameters
    ----------
    owner : int array
        Position of the owner of every grid of the layer; -1: none.
    colours : sequence of int
        Position in `KINDS` of every owner, see `colours_apart`.
    """
    if len(names) <= _MOST_VALUES:
        shown, titles = list(names), [KINDS[k % len(KINDS)] for k in colours]
        codes = np.where(owner < 0, NO_COLOUR, owner).astype(np.uint8)
    else:  # too many for one byte: the colours alone
        shown, titles = [""] * len(KINDS), list(KINDS)
        picked = np.append(np.asarray(colours) % len(KINDS), NO_COLOUR)
        codes = picked[owner].astype(np.uint8)
    values = AreaValues("grids", title, codes, titles, shown)
    return Overlay(SLOT, values, tuple(shapes), (LegendPart(title, tuple(legend), notes),))


def colours_apart(owners: Sequence[NDArray[np.int64]], a: NDArray[np.int64], b: NDArray[np.int64]) -> list[int]:
    """Return a colour for every owner so that owners beside each other differ, before and after, where eight suffice.

    Parameters
    ----------
    owners : sequence of int array
        Owner of each grid, in several divisions; -1: none.
    a, b : int arrays
        Pairs of grids with a common border.
    """
    count = max((int(owner.max()) + 1 for owner in owners if len(owner)), default=0)
    beside: list[set[int]] = [set() for _ in range(count)]
    for owner in owners:
        for one, other in zip(owner[a].tolist(), owner[b].tolist(), strict=True):
            if one >= 0 and other >= 0 and one != other:
                beside[one].add(other)
                beside[other].add(one)
    colour = [-1] * count
    for who in sorted(range(count), key=lambda k: (-len(beside[k]), k)):
        taken = {colour[other] for other in beside[who]}
        free = [k for k in range(len(KINDS)) if k not in taken]
        colour[who] = free[who % len(free)] if free else who % len(KINDS)
    return colour
