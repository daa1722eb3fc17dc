"""What the console's map shows: the workspace's layers, of the incidents only those that are still open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import folium
import numpy as np

from gridgov.dispatch import Roster
from gridgov.i18n import Lang
from gridgov.maps import MapView, area_group, incident_marker, view_of
from gridgov.maps.framing import frame_of
from gridgov.model import DispatchPlan, IncidentState, LayerSpec, WorkerStatus
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
        frame, kind = self.workspace.layer(layer_id), self.spec(layer_id).kind
        if kind == "incidents":
            return open_incidents(frame)
        return workers_by_readiness(self.workspace, frame) if kind == "workers" else frame

    def points_version(self, layer_id: str) -> str:
        """Return what changes when the points of a layer do: for workers also the minute, since shifts end."""
        live = self.spec(layer_id).kind == "workers"
        return f"{self.version}@{self.workspace.now():%Y%m%d%H%M}" if live else self.version

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


def workers_by_readiness(workspace: Workspace, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return workers with a `status` that says who can go now: ``free`` only if on shift."""
    roster = Roster.from_frame(frame, {}, workspace.timezone)
    off = ~roster.on_shift(workspace.now()) | (roster.status == str(WorkerStatus.OFF))
    status = np.where(off, str(WorkerStatus.OFF), roster.status.astype(str))
    return frame.assign(status=status)


def console_view(workspace: Workspace, lang: Lang) -> MapView:
    """Return the view of the console's map; workers are asked for again every minute unless the clock is frozen."""
    view = view_of(MapSource(workspace.path), lang, key=f"console-{workspace.manifest.workspace_id}")
    every_s = 0.0 if workspace.manifest.as_of else 60.0
    layers = tuple(
        replace(layer, refresh_s=every_s) if layer.spec.kind == "workers" else layer for layer in view.layers
    )
    return replace(view, layers=layers)


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
