"""folium elements of the console map: each says where the browser fetches a layer, never what is in it."""

from __future__ import annotations

import json
from typing import Any

import folium
from branca.element import MacroElement
from folium.template import Template

from gridgov.maps import assets


def to_js(value: object) -> str:
    """Return a value as a JavaScript literal that is safe inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class ConsoleBase(folium.Map):
    """A folium map with our scripts in place of the stock ones, on the district's bounds.

    Parameters
    ----------
    bounds : tuple of (lon0, lat0, lon1, lat1)
    config : dict
        What the browser's console object reads: key, bounds, texts, groups, notes.
    """

    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <div class="folium-map" id={{ this.get_name()|tojson }} ></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {zoomControl: false, maxZoom: 19,
                minZoom: 7, zoomSnap: 0.5, zoomDelta: 1, wheelPxPerZoomLevel: 90, fadeAnimation: false});
            var gridgov_console = gridgov.console({{ this.get_name() }}, {{ this.config }});
        {% endmacro %}
        """
    )

    def __init__(self, bounds: tuple[float, float, float, float], config: dict[str, Any]) -> None:
        lon0, lat0, lon1, lat1 = bounds
        super().__init__(location=((lat0 + lat1) / 2, (lon0 + lon1) / 2), tiles=None)
        self.config = to_js(config)
        self.default_js = [
            ("leaflet", assets.url("leaflet/leaflet.js")),
            ("vector_tile", assets.url("vector-tile/vector-tile.js")),
            ("console", assets.url("console.js")),
        ]
        self.default_css = [
            ("leaflet_css", assets.url("leaflet/leaflet.css")),
            ("console_css", assets.url("console.css")),
        ]


class _ServedLayer(MacroElement):
    """A layer that the browser fetches by itself."""

    kind = ""
    _template = Template(
        """
        {% macro script(this, kwargs) %}
            gridgov_console.addLayer({{ this.config }});
        {% endmacro %}
        """
    )

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = type(self).__name__
        self.config = to_js({"kind": self.kind, **config})


class VectorTileLayer(_ServedLayer):
    """Lines or areas from the vector tile route."""

    kind = "vector"


class PointLayer(_ServedLayer):
    """Points from the binary route."""

    kind = "points"


class ShapeLayer(_ServedLayer):
    """Lines, areas and marks from the route of shapes."""

    kind = "shapes"


class RasterLayer(_ServedLayer):
    """Pictures from the raster tile route."""

    kind = "raster"


class ConsoleFinish(MacroElement):
    """Comes last: panels, clicks and tooltips over all layers."""

    _template = Template("{% macro script(this, kwargs) %}gridgov_console.finish();{% endmacro %}")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "ConsoleFinish"
