"""Minutes on the map: grids coloured by how far something is, and areas around a place. Darker always means longer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.i18n import Lang, label
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import NO_COLOUR, AreaValues, LegendPart, Overlay, Shapes, parts_of

TIME_COLOURS = ("#efedf5", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f", "#3f007d")
NO_WAY_COLOUR = "#1b1030"
_CONTOUR = "#4b2e83"
_STEPS = (1 / 3, 2 / 3, 1.0, 1.5, 2.0)


def time_steps(minutes: float) -> tuple[float, ...]:
    """Return the limits of the classes of a choropleth, so that a limit that matters is the border of two classes."""
    return tuple(round(minutes * share, 1) for share in _STEPS)


def time_legend(minutes: float, lang: Lang) -> tuple[LegendEntry, ...]:
    """Return the classes of a choropleth of minutes around a limit, with that of no way."""
    steps = time_steps(minutes)
    names = [label("map_coverage.up_to", lang, minutes=f"{step:g}") for step in steps]
    names += [label("map_coverage.over", lang, minutes=f"{steps[-1]:g}"), label("map_coverage.no_way", lang)]
    colours = (*TIME_COLOURS[: len(steps) + 1], NO_WAY_COLOUR)
    return tuple(LegendEntry("fill", name, colour, opacity=0.75) for name, colour in zip(names, colours, strict=True))


def coverage_overlay(codes: NDArray[np.int8], steps: Sequence[float], lang: Lang, *, title: str) -> Overlay:
    """Return the choropleth of minutes of a grid layer.

    Parameters
    ----------
    codes : int8 array
        Class of every grid by `steps`; the number of steps: farther; -1: no way.
    steps : sequence of float
        Rising minutes.
    """
    names = [label("map_coverage.up_to", lang, minutes=f"{step:g}") for step in steps]
    names += [label("map_coverage.over", lang, minutes=f"{steps[-1]:g}"), label("map_coverage.no_way", lang)]
    colours = (*TIME_COLOURS[: len(steps) + 1], NO_WAY_COLOUR)
    shown = np.where(codes < 0, len(names) - 1, codes).astype(np.uint8)
    present = set(np.unique(shown).tolist())
    entries = tuple(
        LegendEntry("fill", name, colour, opacity=0.75)
        for k, (name, colour) in enumerate(zip(names, colours, strict=True))
        if k < len(names) - 1 or k in present
    )
    values = AreaValues("grids", title, shown, colours, names)
    return Overlay("coverage", values=values, legend=(LegendPart(title, entries),))


def no_values(title: str, count: int) -> AreaValues:
    """Return values that colour nothing, so that the areas are there when the first colours come."""
    return AreaValues("grids", title, np.full(count, NO_COLOUR, dtype=np.uint8), (), ())


def isochrone_overlay(
    areas: Sequence[tuple[float, shapely.Geometry]], lang: Lang, *, title: str, notes: tuple[str, ...] = ()
) -> Overlay:
    """Return the areas within some minutes of a place.

    Parameters
    ----------
    areas : sequence of (minutes, geometry)
        WGS 84, the shorter within the longer.
    """
    rules, entries = [], []
    parts = []
    before = shapely.MultiPolygon()
    ordered = sorted(areas, key=lambda area: area[0])
    for k, (minutes, area) in enumerate(ordered):
        colour = TIME_COLOURS[1:][min(k, len(TIME_COLOURS) - 2)]
        rules.append({"fill": colour, "fillOpacity": 0.45, "line": _CONTOUR, "width": 1.6, "lineOpacity": 0.9})
        parts += parts_of(shapely.difference(area, before), k)
        entries.append(LegendEntry("fill", label("map_coverage.up_to", lang, minutes=f"{minutes:g}"), colour))
        before = area
    shapes = Shapes(rules, parts, pane="gg-areas")
    return Overlay("isochrone", shapes=(shapes,), legend=(LegendPart(title, tuple(entries), notes),))
