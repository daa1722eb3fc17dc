"""How the map looks: the style of every layer as plain data that the browser's layers draw.

One colour has one meaning on every page. Severity has four steps that stay apart for colour-blind people, and every
class of points also has a shape of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from gridgov.i18n import LANGS, Lang, label
from gridgov.model import LayerSpec

INK = "#39424e"

# Shapes that stay apart at 8 px.
_SHAPES = ("circle", "square", "triangle", "diamond", "hexagon", "star", "cross", "pentagon", "down", "ring")
_SEVERITY_SHAPES = {"1": "circle", "2": "square", "3": "triangle", "4": "star"}
_MODE_SHAPES = {"drive": "square", "ebike": "diamond", "walk": "circle"}

Stops = list[list[float]]


@dataclass(frozen=True)
class RoadStyle:
    """One class of roads: from which map zoom it is drawn, its colours and its width over the zooms."""

    order: int
    min_zoom: int
    fill: str
    casing: str
    width: tuple[tuple[float, float], ...]
    dash: tuple[float, ...] = ()


_BIG = ((8, 0.8), (11, 1.6), (13, 3.2), (15, 7.0), (17, 15.0), (19, 30.0))
_MIDDLE = ((10, 0.8), (12, 1.5), (13, 2.4), (15, 5.5), (17, 12.0), (19, 24.0))
_SMALL = ((11, 0.5), (13, 1.4), (14, 2.2), (15, 3.8), (17, 9.5), (19, 20.0))
_LANE = ((13, 0.5), (15, 1.6), (17, 4.5), (19, 10.0))
_PATH = ((14, 0.6), (16, 1.1), (18, 2.0))

_MOTORWAY = RoadStyle(9, 8, "#f4c27a", "#cf9a4c", _BIG)
_TRUNK = RoadStyle(8, 8, "#f7cf8d", "#d5a55c", _BIG)
_PRIMARY = RoadStyle(7, 9, "#fbdf9f", "#d9b872", _BIG)
_SECONDARY = RoadStyle(6, 10, "#fdedc0", "#d8c390", _MIDDLE)
_TERTIARY = RoadStyle(5, 11, "#fffdf6", "#cdc7ba", _MIDDLE)
_STREET = RoadStyle(4, 12, "#ffffff", "#d3d0ca", _SMALL)
_LIVING = RoadStyle(3, 13, "#fbfaf8", "#d8d5d0", _SMALL)
_SERVICE = RoadStyle(2, 14, "#ffffff", "#dedbd6", _LANE)
_PEDESTRIAN = RoadStyle(2, 14, "#f1edf3", "#d5cedb", _LANE)
_FOOT = RoadStyle(1, 15, "#b9a994", "", _PATH, (3, 2.5))
_CYCLE = RoadStyle(1, 15, "#8fa5bd", "", _PATH, (4, 2.5))

ROADS: Mapping[str, RoadStyle] = {
    "motorway": _MOTORWAY,
    "motorway_link": _MOTORWAY,
    "trunk": _TRUNK,
    "trunk_link": _TRUNK,
    "primary": _PRIMARY,
    "primary_link": _PRIMARY,
    "secondary": _SECONDARY,
    "secondary_link": _SECONDARY,
    "tertiary": _TERTIARY,
    "tertiary_link": _TERTIARY,
    "unclassified": _STREET,
    "residential": _STREET,
    "road": _STREET,
    "living_street": _LIVING,
    "service": _SERVICE,
    "pedestrian": _PEDESTRIAN,
    "track": RoadStyle(1, 14, "#c9b78f", "", _PATH, (6, 3)),
    "footway": _FOOT,
    "path": _FOOT,
    "steps": _FOOT,
    "cycleway": _CYCLE,
}
# Streets are drawn from the district down: the finer the level, the later it appears.
_DIVISION_ZOOM = {"district": 8, "street": 10, "community": 13}


def tile_min_zooms(frame: gpd.GeoDataFrame, spec: LayerSpec, floor: int) -> pd.Series:
    """Return for every row the smallest tile zoom that holds it (one less than the map zoom).

    Parameters
    ----------
    frame : GeoDataFrame
        Rows of the layer, with the class field of its style where it has one.
    floor : int
        No row begins before this tile zoom.
    """
    zooms = pd.Series(max(floor, spec.style.min_zoom - 1), index=frame.index, dtype="int64")
    if spec.kind == "roads" and "highway" in frame.columns:
        zooms = frame["highway"].map({name: style.min_zoom - 1 for name, style in ROADS.items()})
    elif spec.kind == "divisions" and "level" in frame.columns:
        zooms = frame["level"].map({name: zoom - 1 for name, zoom in _DIVISION_ZOOM.items()})
    return zooms.fillna(_STREET.min_zoom - 1).clip(lower=floor).astype("int64")


@dataclass(frozen=True)
class Symbol:
    """How one class of points is drawn, and what it is called in the legend ({lang: name})."""

    shape: str
    fill: str
    line: str
    radius_px: float
    names: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as the browser reads it."""
        return {"shape": self.shape, "fill": self.fill, "line": self.line, "radius": self.radius_px}


@dataclass(frozen=True)
class PointStyle:
    """The classes of a point layer: class k of the points route is drawn with `symbols[k]`.

    `fields` are the columns that decide the class, with their values in order; the last symbol is for any other value.
    """

    symbols: tuple[Symbol, ...]
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    legend: tuple[Symbol, ...] = field(default=())


def point_style(spec: LayerSpec) -> PointStyle:
    """Return how the points of a layer are drawn: colour by the style's class field, shape by class.

    Workers have colour by status and shape by travel mode; incidents colour and shape by severity.
    """
    style = spec.style
    values = tuple(style.classes)
    shapes = _SEVERITY_SHAPES if spec.kind == "incidents" else dict(zip(values, _SHAPES * 4, strict=False))
    rest = Symbol(
        style.marker or "circle", style.fill or "#6b7280", style.line or "#ffffff", style.radius_px, spec.names
    )
    if not values:
        return PointStyle((rest,), legend=(rest,))
    names = {value: spec.class_names.get(value, {"zh": value, "en": value}) for value in values}
    if spec.kind == "workers":
        return _worker_style(spec, values, names, rest)
    classes = tuple(
        Symbol(shapes.get(value, "circle"), style.classes[value], rest.line, rest.radius_px, names[value])
        for value in values
    )
    return PointStyle((*classes, rest), ((style.class_field, values),), legend=classes)


def _worker_style(
    spec: LayerSpec, values: tuple[str, ...], names: Mapping[str, Mapping[str, str]], rest: Symbol
) -> PointStyle:
    style = spec.style
    modes: dict[str, dict[str, str]] = {
        mode: {lang: label(f"console.mode_{mode}", lang) for lang in LANGS} for mode in _MODE_SHAPES
    }
    symbols = tuple(
        Symbol(shape, style.classes[value], rest.line, rest.radius_px, names[value])
        for value in values
        for shape in _MODE_SHAPES.values()
    )
    by_status = tuple(
        Symbol("circle", style.classes[value], rest.line, rest.radius_px, names[value]) for value in values
    )
    by_mode = tuple(Symbol(shape, INK, rest.line, rest.radius_px, modes[mode]) for mode, shape in _MODE_SHAPES.items())
    fields = ((style.class_field, values), ("mode", tuple(_MODE_SHAPES)))
    return PointStyle((*symbols, rest), fields, legend=(*by_status, *by_mode))


def vector_style(spec: LayerSpec, lang: Lang) -> dict[str, Any]:
    """Return how lines and polygons of a layer are drawn, as the browser's vector layer reads it.

    ``{"field", "rules": {value: rule}, "rest": rule, "label": {...}}``; a rule holds ``fill``, ``fillOpacity``,
    ``line``, ``width`` (stops of [zoom, px]), ``casing``, ``dash``, ``minZoom``, ``order``.
    """
    if spec.kind == "roads":
        return _road_style(lang)
    if spec.kind == "divisions":
        return _division_style(spec, lang)
    if spec.kind == "grids":
        return _grid_style(spec, lang)
    style = spec.style
    rules = {value: _area_rule(spec, colour) for value, colour in style.classes.items()}
    name = "name_en" if lang == "en" else "name"
    label = {"fields": [name, "name"], "minZoom": 15, "size": 11, "color": "#5b6672", "place": "area"}
    return {"field": style.class_field, "rules": rules, "rest": _area_rule(spec, style.fill), "label": label}


def _area_rule(spec: LayerSpec, colour: str) -> dict[str, Any]:
    style = spec.style
    width = [[10, 0.3 * style.width_px], [13, 0.6 * style.width_px], [16, 1.2 * style.width_px]]
    rule: dict[str, Any] = {"line": style.line or colour, "width": width, "lineOpacity": 0.8}
    if spec.geometry in {"polygon", "any"} and colour:
        rule |= {"fill": colour, "fillOpacity": style.opacity if spec.geometry == "polygon" else 0.25}
    if spec.geometry == "any":
        symbol = Symbol(style.marker or "circle", colour or style.line, "#ffffff", style.radius_px, spec.names)
        rule["symbol"] = symbol.to_json()
    return rule


def _grid_style(spec: LayerSpec, lang: Lang) -> dict[str, Any]:
    """Only thin lines: the base map shows through, and a colour inside is free to mean something."""
    width = [[11, 0.25], [13, 0.5], [15, 1.0], [18, 1.8]]
    rest = {"line": spec.style.line, "lineOpacity": 0.55, "width": width}
    names = [("name_en" if lang == "en" else "name"), "name", spec.key]
    label = {"fields": names, "minZoom": 16, "size": 11, "color": "#56708c", "place": "area"}
    return {"field": "", "rules": {}, "rest": rest, "label": label}


def _road_style(lang: Lang) -> dict[str, Any]:
    rules = {
        name: {
            "line": style.fill,
            "casing": style.casing,
            "width": [list(stop) for stop in style.width],
            "dash": list(style.dash),
            "minZoom": style.min_zoom,
            "order": style.order,
            "label": {9: 12, 8: 12, 7: 13, 6: 13, 5: 14, 4: 15, 3: 16}.get(style.order, 17),
        }
        for name, style in ROADS.items()
    }
    names = ["name_en", "name"] if lang == "en" else ["name"]
    label = {"fields": names, "minZoom": 12, "size": 11, "color": "#5d564b", "place": "line"}
    return {"field": "highway", "rules": rules, "rest": rules["residential"], "label": label}


def _division_style(spec: LayerSpec, lang: Lang) -> dict[str, Any]:
    widths: dict[str, Stops] = {
        "district": [[8, 1.5], [12, 2.6], [16, 4.0]],
        "street": [[10, 1.0], [13, 1.6], [16, 2.6]],
        "community": [[13, 0.7], [16, 1.4]],
    }
    dashes = {"district": [], "street": [9, 4], "community": [3, 3]}
    labels = {"district": [8, 11], "street": [11, 14], "community": [14, 17]}
    rules = {
        level: {
            "line": spec.style.classes.get(level, spec.style.line),
            "width": widths[level],
            "dash": dashes[level],
            "minZoom": _DIVISION_ZOOM[level],
            "order": order,
            "label": labels[level][0],
            "labelMax": labels[level][1],
        }
        for order, level in enumerate(("community", "street", "district"))
    }
    names = ["name_en", "name"] if lang == "en" else ["name"]
    label = {
        "fields": names,
        "minZoom": 8,
        "size": 13,
        "color": "#4d3f63",
        "place": "area",
        "weight": 600,
        "over": True,
    }
    return {"field": spec.style.class_field, "rules": rules, "rest": rules["street"], "label": label}
