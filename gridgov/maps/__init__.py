"""Maps for the browser: thin folium maps, vector and raster tiles, points, styles, legends. Nothing leaves the host.

    view = maps.view_of(workspace, "zh")            # MapView: lang, bounds, layers (MapLayer), key, version, notes
    folium_map = maps.console_map(view)             # thin; make it anew in every rerun (st_folium changes it)
    group = maps.plan_group(plan, "zh", chosen=1)   # incident, routes, numbered workers; also area_group(geometry)
    st_folium(folium_map, key="console", height=640, use_container_width=True,
              returned_objects=["last_clicked"], feature_group_to_add=[group])

- Change a view with `dataclasses.replace`: layers are MapLayer(layer_id, spec, kind, name, legend, visible, opacity,
  refresh_s, group). The same view gives the same script; a changed one loads the map anew, at the user's place.
- The browser keeps the user's position, visible layers and opacities (for the tab, by `MapView.key`).
- The map fills its frame, whatever height the frame has.
- A click near a point arrives as the place of that point: `row = maps.nearest_row(frame, lon, lat)` (iloc or None).
- `maps.rank_colour(rank)` is the colour of a rank in lists and on the map.
- At import: `maps.build_tiles(frame, path, spec=spec)` for lines and areas. Roads need the columns `highway`, `name`.
- Served by gridgov.api.server: /tiles/{layer}/{z}/{x}/{y}.mvt|.png, /points/{layer}, /assets/….
"""

from gridgov.maps.console import LayerSource, LegendEntry, MapLayer, MapView, console_map, map_layer, view_of
from gridgov.maps.features import area_group, incident_marker, plan_group, rank_colour
from gridgov.maps.points import encode_points, nearest_row
from gridgov.maps.rasters import raster_tile
from gridgov.maps.tiles import build_tiles, read_tile

__all__ = [
    "LayerSource",
    "LegendEntry",
    "MapLayer",
    "MapView",
    "area_group",
    "build_tiles",
    "console_map",
    "encode_points",
    "incident_marker",
    "map_layer",
    "nearest_row",
    "plan_group",
    "rank_colour",
    "raster_tile",
    "read_tile",
    "view_of",
]
