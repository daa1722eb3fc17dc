"""A scenario on the map: what it changes, how its minutes differ from another's, and maps that move together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import shape

from gridgov.i18n import Lang, label
from gridgov.maps.closures import CLOSED_COLOUR, Line, draft_shapes
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import DRAFT_COLOUR, AreaValues, LegendPart, Overlay, Shapes, parts_of, point_part
from gridgov.maps.time_overlays import NO_WAY_COLOUR

ChangeKind = Literal["new", "changed", "removed", "place"]
CHANGE_STEPS_MIN = (0.5, 2.0, 5.0)
"""Minutes at which the classes of a difference change; less than the first counts as the same."""
# Blue is gained, orange lost: told apart whatever colours somebody sees, and by the signs in the legend.
GAINED_COLOURS = ("#b9d7ea", "#6aaed6", "#2171b5")
LOST_COLOURS = ("#fdd0a2", "#f28e2b", "#a63603")
REACHED_COLOUR, SAME_COLOUR = "#08306b", "#e9e9e4"
_GAINED, _LOST, _REACHED, _CUT, _SAME = 0, 3, 6, 7, 8
_SYMBOLS: Mapping[ChangeKind, Mapping[str, Any]] = {
    "place": {"shape": "square", "fill": "#1b7f5c", "line": "#ffffff", "radius": 4.5},
    "new": {"shape": "star", "fill": DRAFT_COLOUR, "line": "#ffffff", "radius": 9},
    "changed": {"shape": "diamond", "fill": DRAFT_COLOUR, "line": "#ffffff", "radius": 8},
    "removed": {"shape": "cross", "fill": DRAFT_COLOUR, "line": "#ffffff", "radius": 8},
}


@dataclass(frozen=True)
class ChangeMark:
    """A place of a scenario, with the lines that hovering shows."""

    lon: float
    lat: float
    kind: ChangeKind
    tip: tuple[str, ...]


@dataclass(frozen=True)
class ScenarioShapes:
    """What a scenario changes: places, lines of roads that are closed or slow, areas taken and added, its hazard."""

    marks: Sequence[ChangeMark] = ()
    closed: Sequence[Line] = ()
    slowed: Sequence[Line] = ()
    taken: Sequence[Mapping[str, Any]] = ()
    added: Sequence[Mapping[str, Any]] = ()
    hazard: Sequence[Mapping[str, Any]] = ()


def scenario_overlay(given: ScenarioShapes, lang: Lang) -> Overlay:
    """Return what a scenario changes, with its legend."""
    shapes = [*_areas(given)]
    shapes += [draft_shapes(lines, slowed=slowed) for lines, slowed in ((given.closed, False), (given.slowed, True))
               if len(lines)]  # fmt: skip
    order = list(_SYMBOLS)
    parts = [point_part(mark.lon, mark.lat, order.index(mark.kind), k) for k, mark in enumerate(given.marks)]
    rules = [{"symbol": dict(symbol)} for symbol in _SYMBOLS.values()]
    if parts:
        shapes.append(Shapes(rules, parts, [mark.tip for mark in given.marks], "gg-marks"))
    entries = _legend(given, lang)
    legend = (LegendPart(label("planning.legend_scenario", lang), entries),) if entries else ()
    return Overlay("scenario", shapes=tuple(shapes), legend=legend)


def change_overlay(first_s: Any, second_s: Any, lang: Lang, *, title: str) -> Overlay:
    """Return the difference of two scenarios: by how many minutes every grid of the grid layer gains or loses.

    Parameters
    ----------
    first_s, second_s : float array
        Seconds in the order of the grid layer; NaN: no way.
    """
    codes, names = change_classes(first_s, second_s), change_names(lang)
    colours = change_colours()
    present = set(np.unique(codes).tolist())
    entries = tuple(
        LegendEntry("fill", names[code], colours[code], opacity=0.75)
        for code in (5, 4, 3, 7, 8, 0, 1, 2, 6)
        if code in present or code in {_SAME}
    )
    values = AreaValues("grids", title, codes, colours, names)
    return Overlay("coverage", values=values, legend=(LegendPart(title, entries),))


def change_classes(first_s: Any, second_s: Any) -> NDArray[np.uint8]:
    """Return the class of every grid.

    Returns
    -------
    uint8 array
        0–2: gained, by rising minutes; 3–5: lost; 6: there is a way now; 7: there is none any more; 8: the same (also
        where neither has a way).
    """
    first, second = np.asarray(first_s, dtype=float), np.asarray(second_s, dtype=float)
    minutes = (second - first) / 60
    size = np.searchsorted(CHANGE_STEPS_MIN, np.abs(np.nan_to_num(minutes)), side="right") - 1
    codes = np.where(size < 0, _SAME, np.where(minutes < 0, _GAINED, _LOST) + np.maximum(size, 0))
    codes[np.isnan(first) & ~np.isnan(second)] = _REACHED
    codes[~np.isnan(first) & np.isnan(second)] = _CUT
    return codes.astype(np.uint8)


def change_colours() -> tuple[str, ...]:
    """Return the colours of the classes."""
    return (*GAINED_COLOURS, *LOST_COLOURS, REACHED_COLOUR, NO_WAY_COLOUR, SAME_COLOUR)


def change_names(lang: Lang) -> tuple[str, ...]:
    """Return the names of the classes."""
    one, two, three = (f"{step:g}" for step in CHANGE_STEPS_MIN)
    spans = ((one, two), (two, three))
    names = []
    for way in ("gained", "lost"):
        names += [label(f"planning.{way}_between", lang, least=least, most=most) for least, most in spans]
        names.append(label(f"planning.{way}_above", lang, minutes=three))
    names += [label("planning.now_reached", lang), label("planning.now_cut_off", lang)]
    return (*names, label("planning.same_minutes", lang, minutes=one))


def linked_overlay(channel: str) -> Overlay:
    """Return what lets all maps of a channel show the same part of the world."""
    return Overlay("link", link=channel)


def _areas(given: ScenarioShapes) -> list[Shapes]:
    rules = [
        {"line": DRAFT_COLOUR, "width": 2, "dash": [6, 5], "fill": "#ffffff", "fillOpacity": 0.55},
        {"line": DRAFT_COLOUR, "width": 2, "fill": DRAFT_COLOUR, "fillOpacity": 0.3},
        {"line": "#a3133a", "width": 2, "dash": [8, 4], "fill": "#d6604d", "fillOpacity": 0.12},
    ]
    parts = [
        part
        for rule, areas in enumerate((given.taken, given.added, given.hazard))
        for area in areas
        for part in parts_of(shape(area), rule)
    ]
    return [Shapes(rules, parts, pane="gg-areas")] if parts else []


def _legend(given: ScenarioShapes, lang: Lang) -> tuple[LegendEntry, ...]:
    kinds = {mark.kind for mark in given.marks}
    entries = [
        LegendEntry("point", label(f"planning.mark_{kind}", lang), symbol["fill"], shape=symbol["shape"])
        for kind, symbol in _SYMBOLS.items()
        if kind in kinds
    ]
    if len(given.closed) or len(given.slowed):
        entries.append(LegendEntry("line", label("planning.mark_closed", lang), CLOSED_COLOUR, line=DRAFT_COLOUR,
                                   dash=(4.0, 3.0)))  # fmt: skip
    if given.taken:
        entries.append(LegendEntry("fill", label("planning.mark_taken", lang), "#ffffff", line=DRAFT_COLOUR))
    if given.added:
        entries.append(LegendEntry("fill", label("planning.mark_added", lang), DRAFT_COLOUR, opacity=0.3))
    if given.hazard:
        entries.append(LegendEntry("fill", label("planning.mark_hazard", lang), "#d6604d", line="#a3133a", opacity=0.3))
    return tuple(entries)
