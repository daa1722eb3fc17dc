"""What a closure changes, on the map: the roads, the grids that are reached later or not in time, the incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from shapely.geometry import shape

from gridgov.i18n import Lang, label
from gridgov.maps.closures import CLOSED_COLOUR, SLOW_COLOUR, Line, draft_shapes
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import DRAFT_COLOUR, NO_COLOUR, AreaValues, LegendPart, Overlay, Shapes, parts_of, point_part

_DELAYS_MIN = (2.0, 5.0)
_DELAY_COLOURS = ("#dadaeb", "#b3aed6", "#8079b9")
LOST_COLOUR, CUT_COLOUR, BETTER_COLOUR = "#54278f", "#1b1030", "#4d9a5b"
_LOST, _CUT, _BETTER = 3, 4, 5

Kind = Literal["later", "cut_off", "better"]


@dataclass(frozen=True)
class IncidentMark:
    """An incident that changes, with the lines that hovering shows."""

    lon: float
    lat: float
    kind: Kind
    tip: tuple[str, ...]


@dataclass(frozen=True)
class ClosedRoads:
    """Lines of the roads that change (WGS 84), what was drawn, and whether they are only slowed."""

    lines: Sequence[Line]
    drawn: Mapping[str, Any] | None = None
    slowed: bool = False


def effects_overlay(
    roads: ClosedRoads, grids: pd.DataFrame, marks: Sequence[IncidentMark], lang: Lang, *, limit_min: float
) -> Overlay:
    """Return what a draft changes.

    Parameters
    ----------
    grids : DataFrame
        In the order of the grid layer, see `gridgov.analysis.comparison.compare_times`, with `cut_off`.
    limit_min : float
        Service means to be reached within it.
    """
    codes, names = grid_codes(grids), _names(lang, limit_min)
    values = None
    if len(codes):
        colours = (*_DELAY_COLOURS, LOST_COLOUR, CUT_COLOUR, BETTER_COLOUR)
        values = AreaValues("grids", label("roads.grids_after", lang), codes, colours, names)
    shapes = (*_drawn(roads), draft_shapes(roads.lines, slowed=roads.slowed))
    return Overlay(
        "effects",
        values=values,
        shapes=(*shapes, _marks(marks)),
        legend=(_legend(codes, names, marks, roads, lang),),
    )


def grid_codes(grids: pd.DataFrame) -> NDArray[np.uint8]:
    """Return the class of every grid; `NO_COLOUR` where nothing changes."""
    if not len(grids):
        return np.zeros(0, dtype=np.uint8)
    delay_min = grids["delay_ms"].astype("float64").to_numpy() / 60_000
    change = grids["change"].astype(str).to_numpy()
    codes = np.full(len(grids), NO_COLOUR, dtype=np.uint8)
    later = change == "later"
    codes[later] = np.searchsorted(_DELAYS_MIN, delay_min[later], side="left")
    codes[np.isin(change, ["earlier", "restored"])] = _BETTER
    codes[(grids["service"].astype(str) == "lost").to_numpy()] = _LOST
    codes[grids["cut_off"].to_numpy(dtype=bool) | (change == "cut_off")] = _CUT
    return codes


def _names(lang: Lang, limit_min: float) -> tuple[str, ...]:
    first, second = (f"{minutes:g}" for minutes in _DELAYS_MIN)
    return (
        label("roads.later_below", lang, minutes=first),
        label("roads.later_between", lang, least=first, most=second),
        label("roads.later_above", lang, minutes=second),
        label("roads.service_lost", lang, minutes=f"{limit_min:g}"),
        label("roads.grid_cut_off", lang),
        label("roads.grid_better", lang),
    )


def _legend(
    codes: NDArray[np.uint8], names: Sequence[str], marks: Sequence[IncidentMark], roads: ClosedRoads, lang: Lang
) -> LegendPart:
    colours = (*_DELAY_COLOURS, LOST_COLOUR, CUT_COLOUR, BETTER_COLOUR)
    present = set(np.unique(codes).tolist())
    band = SLOW_COLOUR if roads.slowed else CLOSED_COLOUR
    entries = [LegendEntry("line", label("roads.draft", lang), band, line=DRAFT_COLOUR, dash=(4.0, 3.0))]
    entries += [LegendEntry("fill", names[k], colours[k], opacity=0.75) for k in sorted(present - {NO_COLOUR})]
    kinds = {mark.kind for mark in marks}
    entries += [
        LegendEntry("point", label(f"roads.incident_{kind}", lang), _MARKS[kind]["fill"], shape=_MARKS[kind]["shape"])
        for kind in _MARKS
        if kind in kinds
    ]
    return LegendPart(label("roads.effects_title", lang), tuple(entries))


_MARKS: dict[str, dict[str, Any]] = {
    "later": {"shape": "ring", "fill": "#54278f", "line": "#ffffff", "radius": 10},
    "cut_off": {"shape": "cross", "fill": CUT_COLOUR, "line": "#ffffff", "radius": 9},
    "better": {"shape": "ring", "fill": BETTER_COLOUR, "line": "#ffffff", "radius": 10},
}


def _marks(marks: Sequence[IncidentMark]) -> Shapes:
    order = list(_MARKS)
    parts = [point_part(mark.lon, mark.lat, order.index(mark.kind), k) for k, mark in enumerate(marks)]
    return Shapes([{"symbol": symbol} for symbol in _MARKS.values()], parts, [mark.tip for mark in marks], "gg-marks")


def _drawn(roads: ClosedRoads) -> tuple[Shapes, ...]:
    """Return what was drawn, thin, under the roads that it hits."""
    if roads.drawn is None:
        return ()
    outline = {"line": DRAFT_COLOUR, "width": 2, "dash": [6, 5]}
    drawn = shape(roads.drawn)
    if drawn.geom_type.endswith("Polygon"):
        outline |= {"fill": DRAFT_COLOUR, "fillOpacity": 0.1}
    return (Shapes([outline], parts_of(drawn, 0), pane="gg-areas"),)
