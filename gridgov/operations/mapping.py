"""What the console's map shows: the workspace's layers, of the incidents only those that are still open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folium

from gridgov.i18n import Lang
from gridgov.maps import MapView, area_group, incident_marker, view_of
from gridgov.maps.framing import frame_of
from gridgov.model import DispatchPlan, IncidentState, LayerSpec
from gridgov.workspace import Workspace, shared_workspace

if TYPE_CHECKING:
    import geopandas as gpd


class MapSource:
    """A workspace as the map's routes see it; a new import is seen at the next request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def workspace(self) -> Workspace:
        """The present version of the workspace."""
        return shared_workspace(self._path)

    @property
    def version(self) -> str:
        """Changes when the data change."""
        return self.workspace.version

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north, degrees."""
        return self.workspace.bounds

    @property
    def layer_ids(self) -> tuple[str, ...]:
        """Layers it has."""
        return self.workspace.layer_ids

    def spec(self, layer_id: str) -> LayerSpec:
        """Return what a layer is."""
        return self.workspace.spec(layer_id)

    def layer(self, layer_id: str) -> gpd.GeoDataFrame:
        """Return the rows that the map shows."""
        frame = self.workspace.layer(layer_id)
        return open_incidents(frame) if self.spec(layer_id).kind == "incidents" else frame

    def raster_path(self, layer_id: str) -> Path:
        """Return the file of a raster layer."""
        return self.workspace.raster_path(layer_id)

    def tiles_path(self, layer_id: str) -> Path:
        """Return the tile archive of a layer."""
        return self.workspace.tiles_path(layer_id)


def open_incidents(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the incidents somebody still has to do something about; without a state every one counts as open."""
    if "state" not in frame:
        return frame
    done = [str(state) for state in IncidentState if not state.is_open]
    return frame[~frame["state"].isin(done).to_numpy(dtype=bool)]


def console_view(workspace: Workspace, lang: Lang) -> MapView:
    """Return the view of the console's map."""
    return view_of(MapSource(workspace.path), lang)


def grid_outline(workspace: Workspace, grid_code: str) -> folium.FeatureGroup:
    """Return the outline of one grid for the map."""
    grids = workspace.layer("grids")
    geometry = grids.geometry[(grids["grid_code"] == grid_code).to_numpy(dtype=bool)].iloc[0]
    return area_group(geometry, name="grid")


def place_group(lon: float, lat: float) -> folium.FeatureGroup:
    """Return the pin of a place."""
    group = folium.FeatureGroup(name="place")
    incident_marker(lon, lat).add_to(group)
    return group


def plan_frame(plan: DispatchPlan, *, chosen: int | None = None) -> tuple[tuple[float, float], int]:
    """Return the centre (lat, lon) and zoom that show the incident and all routes of a plan, or the chosen one."""
    points = [(plan.lon, plan.lat)]
    for option in plan.options:
        if chosen in {None, option.rank}:
            points += [(option.lon, option.lat), *option.coordinates]
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    return frame_of((min(lons), min(lats), max(lons), max(lats)))
