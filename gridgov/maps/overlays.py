"""What lies over the map for a while: coloured areas, shapes, marks, their legend, the drawing tools.

An `Overlay` goes to the browser as a feature group of st_folium's `feature_group_to_add`: the map, its tiles and the
user's view stay as they are. Each fills one slot of the map; a slot holds one overlay.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import folium
import numpy as np
import shapely
from branca.element import MacroElement
from folium.template import Template
from numpy.typing import NDArray

from gridgov.i18n import Lang, label
from gridgov.maps.console import LegendEntry, legend_json
from gridgov.maps.elements import to_js

NO_COLOUR = 255  # code of an area that gets no colour
DRAFT_COLOUR = "#4a2bd6"
_DECIMALS = 5  # about a metre

Part = tuple[int, list[list[float]], int]


@dataclass(frozen=True)
class AreaValues:
    """Colours for the areas of a vector layer: `codes[i]` is the class of row i, `NO_COLOUR` for none.

    Attributes
    ----------
    layer_id : str
    title : str
        What the value is, for the tooltip.
    codes : uint8 array
    colours : sequence of str
        Of each class; "" draws only an outline.
    names : sequence of str
        Of each class, for the tooltip.
    """

    layer_id: str
    title: str
    codes: NDArray[np.uint8]
    colours: Sequence[str]
    names: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return it as the browser reads it: the codes as base64, one byte an area."""
        return {
            "layer": self.layer_id,
            "title": self.title,
            "codes": base64.b64encode(self.codes.astype(np.uint8).tobytes()).decode("ascii"),
            "rules": [_area_rule(colour) for colour in self.colours],
            "names": list(self.names),
        }


@dataclass(frozen=True)
class Shapes:
    """Parts drawn by rules on one canvas, in the order of the rules; `tips` are the lines that hovering shows.

    `pane` is ``gg-areas`` (under routes), ``gg-shapes`` or ``gg-marks`` (over points). With a `url` the browser asks
    there for the parts and tips, which are then left empty here.
    """

    rules: Sequence[Mapping[str, Any]]
    parts: Sequence[Part]
    tips: Sequence[Sequence[str]] = ()
    pane: str = "gg-shapes"
    url: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the browser reads it."""
        shown = {"pane": self.pane, "rules": list(self.rules), "parts": list(self.parts), "tips": list(self.tips)}
        return shown | {"url": self.url} if self.url else shown


@dataclass(frozen=True)
class LegendPart:
    """A titled part of the legend; notes are sentences under it."""

    title: str
    entries: tuple[LegendEntry, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as the browser reads it."""
        return {"title": self.title, "entries": [legend_json(e) for e in self.entries], "notes": list(self.notes)}


@dataclass(frozen=True)
class Overlay:
    """One thing that lies over the map; `refresh` names a layer that the browser asks for again, `state` its state.

    `emergency` is what `static/emergency.js` shows: the numbers over the map and a plan in time. Maps of one `link`
    show the same part of the world (`static/linked.js`).
    """

    slot: str
    values: AreaValues | None = None
    shapes: tuple[Shapes, ...] = ()
    legend: tuple[LegendPart, ...] = ()
    refresh: str = ""
    state: str = ""
    tools: Mapping[str, Any] = field(default_factory=dict)
    emergency: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the browser reads it."""
        config: dict[str, Any] = {"slot": self.slot, "shapes": [shapes.to_json() for shapes in self.shapes]}
        if self.values is not None:
            config["values"] = self.values.to_json()
        if self.legend:
            config["legend"] = [part.to_json() for part in self.legend]
        if self.refresh:
            config["fresh"] = {"layer": self.refresh, "state": self.state}
        if self.tools:
            config["tools"] = dict(self.tools)
        if self.emergency:
            config["emergency"] = dict(self.emergency)
        if self.link:
            config["link"] = self.link
        return config


def overlay_group(overlay: Overlay) -> folium.FeatureGroup:
    """Return an overlay for `feature_group_to_add`."""
    group = folium.FeatureGroup(name=overlay.slot)
    group.add_child(_OverlayElement(overlay.to_json()))
    return group


def drawing_overlay(
    lang: Lang, *, kinds: Sequence[str] = ("line", "polygon"), taken: str = "", start: str = ""
) -> Overlay:
    """Return the tools to draw with.

    Parameters
    ----------
    kinds : sequence of ``line`` | ``polygon``
    taken : str
        Id of the last drawing that the page has taken: the browser then removes its sketch.
    start : str
        ``<kind>:<id>`` begins to draw at once, once for each id.
    """
    names = ("line", "polygon", "hint_line", "hint_polygon", "few_line", "few_polygon", "computing")
    tools: dict[str, Any] = {
        "kinds": list(kinds),
        "taken": taken,
        "texts": {name: label(f"drawing.{name}", lang) for name in names},
    }
    if start:
        kind, _, begun = start.partition(":")
        tools["start"] = {"kind": kind, "id": begun}
    return Overlay("drawing", tools=tools)


def parts_of(geometry: Any, rule: int, tip: int = -1) -> list[Part]:
    """Return a shapely geometry as parts; empty ones have none."""
    parts: list[Part] = []
    for single in shapely.get_parts(geometry):
        if single.is_empty:
            continue
        if single.geom_type == "Polygon":
            parts.append((rule, [_flat(ring.coords) for ring in (single.exterior, *single.interiors)], tip))
        elif single.geom_type in {"LineString", "Point"}:
            parts.append((rule, [_flat(single.coords)], tip))
    return parts


def point_part(lon: float, lat: float, rule: int, tip: int = -1) -> Part:
    """Return a mark."""
    return (rule, [[round(lon, _DECIMALS), round(lat, _DECIMALS)]], tip)


def _flat(coordinates: Any) -> list[float]:
    flat: list[float] = np.round(np.asarray(coordinates)[:, :2], _DECIMALS).ravel().tolist()
    return flat


def _area_rule(colour: str) -> dict[str, Any]:
    outline = {"line": "#2d1a4d", "lineOpacity": 0.35, "width": 0.6}
    return outline | ({"fill": colour, "fillOpacity": 0.62} if colour else {})


class _OverlayElement(MacroElement):
    """One overlay in its feature group."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            gridgov.overlay({{ this.config }}).addTo({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Overlay"
        self.config = to_js(config)
