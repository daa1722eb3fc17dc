"""方案报告单: two scenarios in one HTML file that opens without any network: figures, two maps, their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from shapely.geometry import shape

from gridgov.i18n import Lang, label
from gridgov.maps.closures import Line
from gridgov.maps.scenario_overlays import ChangeMark, ScenarioShapes, change_classes, change_colours, change_names
from gridgov.maps.svg_drawing import ASPECT, Box, Floats, area_path, framed, line_path, metres, scale_bar
from gridgov.maps.time_overlays import NO_WAY_COLOUR, TIME_COLOURS, time_legend, time_steps
from gridgov.network import RoadNetwork

_TEMPLATE = Path(__file__).with_name("scenario_sheet.html")
_MAJOR = ("motorway", "trunk", "primary", "secondary")
_SIGNS = {"better": "▲", "worse": "▼", "same": "＝", "open": "·"}
_MARKS = {"new": "★", "changed": "◆", "removed": "✚", "place": "■"}
_CHANGE_ORDER = (2, 1, 0, 6, 8, 3, 4, 5, 7)


@dataclass(frozen=True)
class ReportFigure:
    """One figure of both, as people read it, and whether the second is better."""

    name: str
    first: str
    second: str
    change: str
    verdict: str
    words: str


@dataclass(frozen=True)
class ReportMaps:
    """What the maps show, in the order of `grids`.

    Attributes
    ----------
    grids : sequence of geometry, WGS 84
    first_s, second_s : float array
        Seconds to the nearest; NaN: no way.
    minutes : float
        The time that counts.
    shapes, places : of the first and of the second scenario
    network : RoadNetwork
        The roads under the grids.
    what : str
        To what the minutes are.
    """

    grids: Sequence[Any]
    first_s: Any
    second_s: Any
    minutes: float
    shapes: tuple[ScenarioShapes, ScenarioShapes]
    places: tuple[Sequence[ChangeMark], Sequence[ChangeMark]]
    network: RoadNetwork
    what: str


def scenario_sheet(
    maps: ReportMaps,
    figures: Sequence[ReportFigure],
    lang: Lang,
    *,
    title: str,
    names: tuple[str, str],
    facts: Sequence[tuple[str, str]],
    counts: Sequence[tuple[str, int, int]],
    changes: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
) -> str:
    """Write the report.

    Parameters
    ----------
    figures : sequence of ReportFigure
    names : of the two scenarios
    facts : sequence of (name, value)
        What the answers rest on.
    counts : sequence of (class, grids, people)
        Of the difference.
    changes : of the two scenarios: sequences of (what, which and where)

    Returns
    -------
    str
        HTML without any reference to another file; every text in it is escaped.
    """
    drawn = _Drawing(maps)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        lang=lang,
        t=partial(_text, lang=lang),
        title=title,
        names=names,
        figures=figures,
        signs=_SIGNS,
        facts=facts,
        counts=counts,
        changes=changes,
        what=maps.what,
        aspect=ASPECT,
        definitions=drawn.definitions(),
        maps=(drawn.minutes(0), drawn.minutes(1)),
        difference=drawn.difference(),
        time_legend=[(entry.label, entry.color) for entry in time_legend(maps.minutes, lang)],
        change_legend=[(change_names(lang)[code], change_colours()[code]) for code in _CHANGE_ORDER],
        marks=[(kind, sign, label(f"planning.mark_{kind}", lang)) for kind, sign in _MARKS.items()],
    )


class _Drawing:
    """The maps of one report: one frame, the roads written once."""

    def __init__(self, maps: ReportMaps) -> None:
        self._maps = maps
        bounds = shapely.total_bounds(np.asarray(maps.grids, dtype=object))
        self._origin = (float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2)
        corners = np.array([(bounds[0], bounds[1]), (bounds[2], bounds[3])])
        self._box: Box = framed(metres(corners, self._origin))
        self._paths = [area_path(grid, self._origin) for grid in maps.grids]

    def definitions(self) -> Markup:
        """Return the roads, to be put once into the document before the maps."""
        if self._maps.network.topology.shape is None:
            return Markup("")
        roads = self._maps.network.to_frame()
        major = roads["highway"].str.startswith(_MAJOR).to_numpy()
        paths = [
            "".join(line_path(self._metres(shapely.get_coordinates(line))) for line in roads.geometry[major == kind])
            for kind in (False, True)
        ]
        parts = [f'<path id="road{k}" class="road{k}" d="{path}"/>' for k, path in enumerate(paths) if path]
        return Markup('<svg class="defs" width="0" height="0"><defs>{}</defs></svg>').format(Markup("".join(parts)))

    def minutes(self, which: int) -> Markup:
        """Return the map of one scenario."""
        seconds = np.asarray((self._maps.first_s, self._maps.second_s)[which], dtype=float)
        steps = np.array(time_steps(self._maps.minutes)) * 60
        codes = np.searchsorted(steps, np.nan_to_num(seconds), side="left")
        colours = (*TIME_COLOURS[: len(steps) + 1], NO_WAY_COLOUR)
        codes = np.where(np.isnan(seconds), len(colours) - 1, codes)
        marks = [*self._maps.places[which], *self._maps.shapes[which].marks]
        return self._map(codes, colours, self._maps.shapes[which], marks)

    def difference(self) -> Markup:
        """Return the map of gains and losses, with what the second scenario changes."""
        codes = change_classes(self._maps.first_s, self._maps.second_s)
        shapes = self._maps.shapes[1]
        return self._map(codes, change_colours(), shapes, shapes.marks)

    def _map(self, codes: Any, colours: Sequence[str], shapes: ScenarioShapes, marks: Sequence[ChangeMark]) -> Markup:
        box = self._box
        unit = (box[2] - box[0]) / 1000
        size = f"{box[0]:.0f} {box[1]:.0f} {box[2] - box[0]:.0f} {box[3] - box[1]:.0f}"
        parts = [f'<svg class="map" viewBox="{size}" role="img">']
        for code, colour in enumerate(colours):
            path = "".join(self._paths[row] for row in np.flatnonzero(codes == code))
            parts += [f'<path class="grid" style="fill:{colour}" d="{path}"/>'] if path else []
        parts += ['<use href="#road0"/><use href="#road1"/>', *self._changes(shapes)]
        parts += [self._mark(mark, unit) for mark in marks]
        return Markup("\n".join([*parts, scale_bar(box, unit), "</svg>"]))

    def _changes(self, shapes: ScenarioShapes) -> list[str]:
        kinds = (("hazard", shapes.hazard), ("taken", shapes.taken), ("added", shapes.added))
        parts = [
            f'<path class="{kind}" d="{area_path(shape(area), self._origin)}"/>'
            for kind, areas in kinds
            for area in areas
        ]
        closed: Sequence[Line] = [*shapes.closed, *shapes.slowed]
        return parts + [f'<path class="closed" d="{line_path(self._metres(line))}"/>' for line in closed]

    def _mark(self, mark: ChangeMark, unit: float) -> str:
        ((x, y),) = self._metres(np.array([(mark.lon, mark.lat)]))
        small = mark.kind == "place"
        size = (16 if small else 40) * unit
        name = "" if small else escape(mark.tip[-1] if mark.tip else "")
        text = f'<text x="{x + 0.6 * size:.0f}" y="{y + 0.3 * size:.0f}" font-size="{20 * unit:.1f}">{name}</text>'
        return (
            f'<text class="{mark.kind}" x="{x:.0f}" y="{y + 0.36 * size:.0f}" font-size="{size:.1f}" '
            f'text-anchor="middle">{_MARKS[mark.kind]}</text>{text if name else ""}'
        )

    def _metres(self, degrees: Any) -> Floats:
        return metres(np.asarray(degrees, dtype=np.float64), self._origin)


def _text(code: str, /, *, lang: Lang, **fields: object) -> str:
    return label(code, lang, **fields)
