"""The console map: a thin folium map that names the layers and leaves the fetching to the browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from gridgov.i18n import Lang, label
from gridgov.maps import cartography, rasters, tiles
from gridgov.maps.elements import ConsoleBase, ConsoleFinish, PointLayer, RasterLayer, ShapeLayer, VectorTileLayer
from gridgov.model import LayerSpec

UrlKind = Literal["vector", "points", "raster", "shapes"]
GROUPS = ("basemap", "governance", "natural_resources", "planning", "hazards", "terrain")
_TEXTS = (
    "layers", "legend", "opacity", "zoom_in", "zoom_out", "zoom_to_district", "zoom_in_to_see", "bubble", "by_group",
    "by_order", "move_up", "move_down",
)  # fmt: skip
_ELEMENTS = {"vector": VectorTileLayer, "points": PointLayer, "raster": RasterLayer, "shapes": ShapeLayer}
# From the ground up: what covers much lies below what is fine.
_DRAW_ORDER = (
    "land_cover", "hillshade", "slope", "aspect", "sea", "land", "grassland", "forest", "wetland", "water", "elevation",
    "viewshed", "farmland", "protection_lines", "plan", "hazards", "roads", "grids", "divisions", "facilities",
    "sensors", "shelters", "workers", "incidents",
)  # fmt: skip
_VISIBLE = {"roads", "land_cover", "elevation", "water", "sea", "divisions", "grids", "incidents", "workers"}
# Land cover is the ground of the map: pale, so that everything else stands out.
_OPACITY = {"land_cover": 0.65}
# Map zoom from which on single points of a kind are worth drawing.
_POINT_MIN_ZOOM = {"facilities": 13, "sensors": 13, "shelters": 12}
_ROAD_LEGEND = ("primary", "secondary", "residential")


@dataclass(frozen=True)
class LegendEntry:
    """One line of the legend. `symbol` is ``point``, ``line`` or ``fill``."""

    symbol: str
    label: str
    color: str
    shape: str = ""
    line: str = ""
    opacity: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class MapLayer:
    """One layer of the map, as the console shows it.

    Attributes
    ----------
    layer_id : str
        Layer of the workspace; part of its URL.
    spec : LayerSpec
        Decides style, group, tooltip.
    kind : ``vector`` | ``points`` | ``raster`` | ``shapes``
        The route that serves it.
    name : str
        In the language of the map.
    visible : bool
        At first; the user's own choice is kept by the browser.
    opacity : float
        0 to 1, times the style's own opacity.
    refresh_s : float
        Points are fetched again after so many seconds; 0: never.
    attribution : str
        Who has to be named at the edge of the map.
    shapes : mapping
        How shapes are drawn: their rules.
    """

    layer_id: str
    spec: LayerSpec
    kind: UrlKind
    name: str
    legend: tuple[LegendEntry, ...] = ()
    visible: bool = True
    opacity: float = 1.0
    refresh_s: float = 0.0
    group: str = "governance"
    attribution: str = ""
    shapes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MapView:
    """Everything a console map shows: language, place, layers.

    `key` names the view that the browser keeps for the user (position and layers); `version` changes with the data.
    `notes` are sentences at the foot of the legend: what is missing, how old something is. `swipe` names two layers
    that are shown left and right of a line that can be dragged. `folded`: the legend is folded at first.
    """

    lang: Lang
    bounds: tuple[float, float, float, float]
    layers: tuple[MapLayer, ...]
    key: str = "console"
    version: str = ""
    notes: tuple[str, ...] = ()
    swipe: tuple[str, str] | None = None
    folded: bool = False


class LayerSource(Protocol):
    """What the map needs of a workspace."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Lon0, lat0, lon1, lat1."""

    @property
    def layer_ids(self) -> tuple[str, ...]:
        """Layers it has."""

    @property
    def version(self) -> str:
        """Changes when the data change."""

    def spec(self, layer_id: str) -> LayerSpec:
        """Return what a layer is."""


def view_of(source: LayerSource, lang: Lang, *, key: str = "console", names: dict[str, str] | None = None) -> MapView:
    """Return the usual view of a workspace: every drawable layer, in drawing order, the base map switched on.

    Parameters
    ----------
    source : LayerSource
        The workspace.
    names : dict, optional
        Layer id -> name to show, where it is not the specification's.
    """
    drawable = [layer_id for layer_id in source.layer_ids if source.spec(layer_id).geometry != "table"]
    layers = [map_layer(layer_id, source.spec(layer_id), lang) for layer_id in drawable]
    if names:
        layers = [replace(layer, name=names.get(layer.layer_id, layer.name)) for layer in layers]
    kinds = {layer.spec.kind for layer in layers}
    notes = () if kinds & {"roads", "land_cover"} else (label("console.no_base_map", lang),)
    return MapView(lang, source.bounds, tuple(sorted(layers, key=_order)), key, source.version, notes)


def map_layer(layer_id: str, spec: LayerSpec, lang: Lang) -> MapLayer:
    """Return a layer with the usual settings of its kind."""
    kind: UrlKind = {"point": "points", "raster": "raster"}.get(spec.geometry, "vector")  # type: ignore[assignment]
    group = "terrain" if spec.kind == "elevation" else spec.group
    return MapLayer(
        layer_id,
        spec,
        kind,
        spec.name(lang),
        legend(spec, lang),
        visible=spec.kind in _VISIBLE,
        opacity=_OPACITY.get(spec.kind, 1.0),
        group=group,
        attribution=attribution(spec),
    )


def _order(layer: MapLayer) -> tuple[int, str]:
    kind = layer.spec.kind
    return (_DRAW_ORDER.index(kind) if kind in _DRAW_ORDER else len(_DRAW_ORDER), layer.layer_id)


def legend(spec: LayerSpec, lang: Lang) -> tuple[LegendEntry, ...]:
    """Return the legend of a layer."""
    if spec.geometry == "point":
        symbols = cartography.point_style(spec).legend
        return tuple(LegendEntry("point", s.names[lang], s.fill, shape=s.shape) for s in symbols)
    if spec.kind == "roads":
        roads = ((name, cartography.ROADS[name]) for name in _ROAD_LEGEND)
        return tuple(
            LegendEntry("line", _class_name(spec, name, lang), road.fill, line=road.casing) for name, road in roads
        )
    if spec.kind == "elevation":
        return (LegendEntry("fill", label("console.hillshade", lang), "#8a8f9c"),)
    return _area_legend(spec, lang)


def _area_legend(spec: LayerSpec, lang: Lang) -> tuple[LegendEntry, ...]:
    style = spec.style
    lines = spec.geometry == "line" or spec.kind == "divisions"
    dashes = {"street": (5.0, 2.0), "community": (2.0, 2.0)} if spec.kind == "divisions" else {}
    if spec.kind == "grids":
        return (LegendEntry("fill", spec.name(lang), "#ffffff", line=style.line),)
    if style.steps:
        named = {
            _class_name(spec, lower, lang): colour for lower, colour in style.steps.items() if lower in spec.class_names
        }
        return tuple(LegendEntry("fill", name, colour, opacity=style.opacity) for name, colour in named.items())
    colours = style.classes or {"": style.fill or style.line}
    return tuple(
        LegendEntry(
            "line" if lines else "point" if spec.geometry == "any" else "fill",
            _class_name(spec, value, lang) if value else spec.name(lang),
            colour,
            shape=style.marker,
            line="" if lines else style.line,
            opacity=style.opacity * _OPACITY.get(spec.kind, 1.0),
            dash=dashes.get(value, ()),
        )
        for value, colour in colours.items()
    )


def _class_name(spec: LayerSpec, value: str, lang: Lang) -> str:
    return spec.class_names.get(value, {}).get(lang, value)


def console_map(view: MapView) -> ConsoleBase:
    """Return the map of a view, for st_folium. Its script holds URLs and styles only, no data.

    The same view gives the same script, so that a rerun of the page leaves the user's map alone.
    """
    lon0, lat0, lon1, lat1 = view.bounds
    groups = dict.fromkeys((*GROUPS, *(layer.group for layer in view.layers)))
    config: dict[str, Any] = {
        "key": view.key,
        "bounds": [[lat0, lon0], [lat1, lon1]],
        "texts": {name: label(f"console.{name}", view.lang) for name in _TEXTS},
        "groups": [{"id": group, "name": label(f"layer_group.{group}", view.lang)} for group in groups],
        "notes": list(view.notes),
    }
    if view.folded:
        config["folded"] = True
    if view.swipe is not None:
        left, right = view.swipe
        config["swipe"] = {"left": left, "right": right, "title": label("console.swipe", view.lang)}
    result = ConsoleBase(view.bounds, config)
    for order, layer in enumerate(view.layers):
        result.add_child(_ELEMENTS[layer.kind](_layer_config(layer, order, view)))
    result.add_child(ConsoleFinish())
    return result


def _layer_config(layer: MapLayer, order: int, view: MapView) -> dict[str, Any]:
    lon0, lat0, lon1, lat1 = view.bounds
    spec = layer.spec
    config: dict[str, Any] = {
        "id": layer.layer_id,
        "name": layer.name,
        "group": layer.group,
        "visible": layer.visible,
        "opacity": layer.opacity,
        "order": order + 1,
        "minZoom": spec.style.min_zoom,
        "legend": [legend_json(entry) for entry in layer.legend],
        "attribution": layer.attribution,
        "tooltip": _tooltip(spec, view.lang),
        "url": layer_url(layer, view.version),
    }
    if layer.kind == "shapes":
        config["url"] += f"&lang={view.lang}"
        return config | {"shapes": {**layer.shapes, "refresh": layer.refresh_s}, "tooltip": []}
    if layer.kind == "points":
        config["points"] = _points_json(layer, view.lang)
        config["minZoom"] = max(spec.style.min_zoom, _POINT_MIN_ZOOM.get(spec.kind, 0))
        return config
    # Half the district's size around it: neighbours may reach over its border.
    margin_lon, margin_lat = (lon1 - lon0) / 2, (lat1 - lat0) / 2
    config["bounds"] = [[lat0 - margin_lat, lon0 - margin_lon], [lat1 + margin_lat, lon1 + margin_lon]]
    if layer.kind == "vector":
        return config | {"style": cartography.vector_style(spec, view.lang), "dataMaxZoom": tiles.MAX_ZOOM}
    deepest = rasters.CLASSES_MAX_ZOOM if spec.style.classes or spec.style.steps else rasters.HILLSHADE_MAX_ZOOM
    return config | {"dataMaxZoom": deepest, "opacity": layer.opacity * spec.style.opacity}


def layer_url(layer: MapLayer, version: str) -> str:
    """Return the same-origin URL (a template with {z}/{x}/{y} for tiles) of a layer."""
    path = {
        "vector": "/tiles/{id}/{{z}}/{{x}}/{{y}}.mvt",
        "raster": "/tiles/{id}/{{z}}/{{x}}/{{y}}.png",
        "points": "/points/{id}",
        "shapes": "/shapes/{id}",
    }[layer.kind]
    return f"{path.format(id=layer.layer_id)}?v={version}"


def attribution(spec: LayerSpec) -> str:
    """Return who has to be named on the map."""
    return "© OpenStreetMap" if "OpenStreetMap" in f"{spec.licence} {spec.source}" else spec.source


def _points_json(layer: MapLayer, lang: Lang) -> dict[str, Any]:
    style = cartography.point_style(layer.spec)
    workers = layer.spec.kind == "workers"
    values = list(layer.spec.style.classes)
    gravest = values.index("4") if layer.spec.kind == "incidents" and "4" in values else -1
    return {
        "symbols": [symbol.to_json() for symbol in style.symbols],
        "names": [symbol.names[lang] for symbol in style.symbols],
        "refresh": layer.refresh_s,
        "bubble": layer.spec.style.fill,
        "standOut": gravest,
        "bubbleHollow": workers,
        "bubbleShift": [15, 15] if workers else [0, 0],
    }


def _tooltip(spec: LayerSpec, lang: Lang) -> list[list[str]]:
    """Fields of an area's tooltip: its name and its key; streets show their name only."""
    if spec.geometry not in {"polygon", "any"} or spec.kind == "divisions":
        return []
    names: Iterable[str] = ("name", spec.key)
    return [[name, spec.fields[name].names[lang]] for name in names if name in spec.fields]


def legend_json(entry: LegendEntry) -> dict[str, Any]:
    """Return a line of the legend as the browser reads it."""
    return {
        "symbol": entry.symbol, "label": entry.label, "color": entry.color, "shape": entry.shape, "line": entry.line,
        "opacity": entry.opacity, "dash": list(entry.dash),
    }  # fmt: skip
