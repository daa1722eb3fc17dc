"""What the map shows to a person: layers of the workspace, open incidents of the store, workers where they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import numpy as np
from shapely.geometry import shape

from gridgov.dispatch import Roster
from gridgov.errors import NotFoundError
from gridgov.i18n import Lang
from gridgov.layers import load_specs
from gridgov.maps import MapView, area_group, incident_marker, view_of
from gridgov.maps.closures import LAYER as CLOSURES
from gridgov.maps.closures import closures_json, closures_layer
from gridgov.maps.framing import frame_of
from gridgov.model import DispatchPlan, LayerSpec, WorkerStatus
from gridgov.model.rights import Person, Right, require
from gridgov.operations.board import Board, board_of
from gridgov.operations.closure_map import drawn_closures
from gridgov.operations.crew import Crew, crew_of
from gridgov.operations.emergency_map import emergency_shapes
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace, shared_workspace

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

REPORTS = "incidents"  # the layer of what was reported here, also where no file of incidents was imported
_LIVE = {"incidents", "workers"}
_REFRESH_S = 15.0


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
        """Layers it has; there is always one of incidents."""
        ids = self.workspace.layer_ids
        return ids if self.workspace.of_kind("incidents") else (*ids, REPORTS)

    def spec(self, layer_id: str) -> LayerSpec:
        """Return what a layer is."""
        if layer_id == REPORTS and not self.workspace.has(REPORTS):
            return self.workspace.cached("reports_spec", lambda: load_specs()[REPORTS])
        return self.workspace.spec(layer_id)

    def layer(self, layer_id: str, person: Person) -> gpd.GeoDataFrame:
        """Return the rows that the map shows to a person.

        Incidents and workers are those of the person's area and the person's own; without the right to see any there
        are no rows.

        Raises
        ------
        RightsError
            The person may not see layers.
        LayerNotFoundError
            There is no such layer.
        """
        require(person, Right.LAYER_READ)
        kind = self.spec(layer_id).kind
        if kind == "incidents":
            board = board_of(self.workspace)
            return board.frame[_of_layer(self.workspace, board, layer_id) & board.seen_by(person)]
        if kind == "workers":
            return _shown_workers(self.workspace, crew_of(self.workspace), layer_id, person)
        return self.workspace.layer(layer_id)

    def points_version(self, layer_id: str, person: Person) -> str:
        """Return what changes when a person's points of a layer do: for workers also the minute, since shifts end.

        Raises
        ------
        RightsError
            The person may not see layers.
        """
        require(person, Right.LAYER_READ)
        kind, opened = self.spec(layer_id).kind, self.workspace
        if kind not in _LIVE:
            return self.version
        whose = f"{person.role}/{person.worker_id}/{','.join(person.areas)}"
        if kind == "incidents":
            return f"{self.version}@{board_of(opened).version}@{whose}"
        return f"{self.version}@{crew_of(opened).version}@{opened.now():%Y%m%d%H%M}@{whose}"

    def shapes(self, layer_id: str, person: Person, lang: Lang) -> bytes:
        """Return shapes as JSON: the closures that hold now, or what the emergency page's map asks for.

        Raises
        ------
        RightsError
            The person may not see layers.
        NotFoundError
            No other layer is given as shapes.
        """
        require(person, Right.LAYER_READ)
        if "." in layer_id:
            return emergency_shapes(self.workspace, person, layer_id, lang)
        if layer_id != CLOSURES or not self.workspace.has_network:
            raise NotFoundError(f"there are no shapes '{layer_id}'")
        return closures_json(drawn_closures(self.workspace, person), lang, self.workspace.timezone)

    def raster_path(self, layer_id: str) -> Path:
        """Return the file of a raster layer."""
        return self.workspace.raster_path(layer_id)

    def tiles_path(self, layer_id: str) -> Path:
        """Return the tile archive of a layer."""
        return self.workspace.tiles_path(layer_id)


def home_layer(workspace: Workspace) -> str:
    """Return the layer of the map that shows what was reported here, and what comes from layers that are gone."""
    layers = workspace.of_kind("incidents")
    return layers[0] if layers and REPORTS not in layers else REPORTS


def workers_by_readiness(workspace: Workspace, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return workers with a `status` that says who can go now: ``free`` only if on shift."""
    return frame.assign(status=_readiness(workspace, Roster.from_frame(frame, {}, workspace.timezone)))


def console_view(workspace: Workspace, lang: Lang) -> MapView:
    """Return the view of the console's map; incidents and workers are asked for again every few seconds."""
    view = view_of(MapSource(workspace.path), lang, key=f"console-{workspace.manifest.workspace_id}")
    layers = tuple(replace(layer, refresh_s=_REFRESH_S) if layer.spec.kind in _LIVE else layer for layer in view.layers)
    if workspace.has_network:
        layers += (closures_layer(lang, refresh_s=_REFRESH_S),)
    return replace(view, layers=layers)


def grid_outline(workspace: Workspace, grid_code: str) -> folium.FeatureGroup:
    """Return the outline of one grid for the map."""
    grids = workspace.layer("grids")
    geometry = grids.geometry[(grids["grid_code"] == grid_code).to_numpy(dtype=bool)].iloc[0]
    return area_group(geometry, name="grid")


def grid_name(workspace: Workspace, row: int, lang: Lang) -> str:
    """Return the community of a grid of the layer, or what else names it."""
    grid = workspace.layer("grids").iloc[row]
    names = division_names(workspace)
    for field in ("community_code", "street_code"):
        if name := name_in(names.get(str(grid.get(field, "")), {}), lang):
            return name
    return str(grid.get("name") or grid["grid_code"])


def grid_frame(workspace: Workspace, row: int) -> tuple[tuple[float, float], int]:
    """Return the centre (lat, lon) and zoom that show a grid of the layer and what is around it."""
    west, south, east, north = workspace.layer("grids").geometry.iloc[row].bounds
    wide, high = east - west, north - south
    return frame_of((west - wide, south - high, east + wide, north + high))


def geometry_frame(geometry: Mapping[str, Any]) -> tuple[tuple[float, float], int]:
    """Return the centre (lat, lon) and zoom that show a GeoJSON geometry."""
    west, south, east, north = shape(geometry).bounds
    return frame_of((west, south, east, north))


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


def _of_layer(workspace: Workspace, board: Board, layer_id: str) -> NDArray[np.bool_]:
    """Return which incidents a layer shows: those that came with it; the first one also those of no layer."""
    layers = board["layer"].astype(str)
    if layer_id != home_layer(workspace):
        return np.asarray(layers == layer_id)
    others = [other for other in workspace.of_kind("incidents") if other != layer_id]
    return ~np.isin(layers, others)


def _shown_workers(workspace: Workspace, crew: Crew, layer_id: str, person: Person) -> gpd.GeoDataFrame:
    shown = (crew.layer == layer_id) & crew.seen_by(person, Right.POSITION_READ)
    return crew.frame[shown].assign(status=_readiness(workspace, crew.roster)[shown])


def _readiness(workspace: Workspace, roster: Roster) -> NDArray[np.object_]:
    off = ~roster.on_shift(workspace.now()) | (roster.status == str(WorkerStatus.OFF))
    return np.where(off, str(WorkerStatus.OFF), roster.status)
