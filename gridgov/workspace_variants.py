"""假设的工作区: a workspace as it would be: layers and speeds changed, with an empty event log and a time of its own.

Every operation works on it as on any other workspace. What is not changed is that of the base, read once for both;
nothing is ever written to the base.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridgov.grids import GridLocator
from gridgov.grids.code_changes import code_table
from gridgov.model import TravelMode
from gridgov.network import RoadNetwork
from gridgov.workspace import Workspace

Respeed = Callable[[RoadNetwork], RoadNetwork]


class WorkspaceVariant(Workspace):
    """A workspace as it would be.

    Parameters
    ----------
    base : Workspace
    moment : datetime
        Aware; its present, which stands still.
    layers : mapping of str to GeoDataFrame
        Layers that are other than those of the base.
    rasters : mapping of str to Path
        Rasters that are.
    respeed : callable, optional
        Road network of a travel mode → the same with other speeds.
    codes : DataFrame, optional
        Old and new codes of its grids, see `gridgov.grids.code_changes`; without, all are those of the base.
    """

    def __init__(
        self,
        base: Workspace,
        moment: datetime,
        *,
        layers: Mapping[str, gpd.GeoDataFrame] | None = None,
        rasters: Mapping[str, Path] | None = None,
        respeed: Respeed | None = None,
        codes: pd.DataFrame | None = None,
    ) -> None:
        manifest = replace(base.manifest, as_of=moment.isoformat())
        super().__init__(base.path, manifest, settings=replace(base.settings, store="memory:"))
        self.base = base
        self._changed = dict(layers or {})
        self._rasters = dict(rasters or {})
        self._respeed = respeed
        self.codes = code_table(()) if codes is None else codes

    @property
    def changed_layers(self) -> tuple[str, ...]:
        """Ids of the vector layers that are other than those of the base."""
        return tuple(self._changed)

    def raster_path(self, layer_id: str) -> Path:
        """Return the raster of this variant, else that of the base."""
        return self._rasters.get(layer_id) or self.base.raster_path(layer_id)

    def network(self, mode: TravelMode = TravelMode.DRIVE) -> RoadNetwork:
        """Return the road network as one travel mode sees it, with the speeds of this variant."""
        same = self.base.network(mode)
        respeed = self._respeed
        return same if respeed is None else self._once(f"network:{mode}", lambda: respeed(same))

    @property
    def grid_locator(self) -> GridLocator | None:
        """Point → grid: that of the base unless the grids are others."""
        return super().grid_locator if "grids" in self._changed else self.base.grid_locator

    def _base_network(self) -> RoadNetwork:
        return self.base._base_network()

    def _read_frame(self, layer_id: str) -> gpd.GeoDataFrame:
        return self._changed[layer_id] if layer_id in self._changed else self.base.layer(layer_id)
