"""A small made-up district for map tests: 4 x 4 grids, two streets, a river, hills. The fake of a workspace.

python tests/map_source.py FOLDER PORT    serves it with tests/browser/map_page.py
"""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio import Affine
from shapely import LineString, Point, box

from gridgov.layers.specs import load_specs
from gridgov.maps import build_tiles
from gridgov.model import LayerSpec
from gridgov.model.rights import EVERYWHERE, Person, Role

EVERYBODY = Person("everybody", Role.SUPERVISOR, EVERYWHERE)
BOUNDS = (121.00, 31.00, 121.04, 31.04)
STEP = 0.01
_LAYERS = ("roads", "water", "grids", "divisions", "hazards", "incidents", "workers", "elevation", "land_cover")


class MapSource:
    """What maps and their routes need of a workspace, over a folder that `make` filled."""

    bounds = BOUNDS
    version = "test-1"
    layer_ids = _LAYERS

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._specs = load_specs()

    def spec(self, layer_id: str) -> LayerSpec:
        return self._specs[layer_id]

    def layer(self, layer_id: str, person: Person = EVERYBODY) -> gpd.GeoDataFrame:
        del person
        return self.frames[layer_id]

    def raster_path(self, layer_id: str) -> Path:
        return self.folder / f"{layer_id}.tif"

    def tiles_path(self, layer_id: str) -> Path:
        return self.folder / f"{layer_id}.pmtiles"

    def points_version(self, layer_id: str, person: Person = EVERYBODY) -> str:
        del layer_id
        return f"{self.version}@{','.join(person.areas)}"

    @cached_property
    def frames(self) -> dict[str, gpd.GeoDataFrame]:
        return _frames()

    def make(self) -> MapSource:
        for layer_id, frame in self.frames.items():
            if self.spec(layer_id).geometry in {"line", "polygon", "any"}:
                build_tiles(frame, self.tiles_path(layer_id), spec=self.spec(layer_id))
        _write_rasters(self)
        return self


def _frames() -> dict[str, gpd.GeoDataFrame]:
    west, south, east, north = BOUNDS
    cells = [box(west + i * STEP, south + j * STEP, west + (i + 1) * STEP, south + (j + 1) * STEP)
             for j in range(4) for i in range(4)]  # fmt: skip
    codes = [f"31010100100{k:04d}" for k in range(16)]
    middle = (south + north) / 2
    streets = {
        "中山路": ("primary", LineString([(west, middle), (east, middle)])),
        "人民路": ("residential", LineString([(west + 0.015, south), (west + 0.015, north)])),
        "": ("service", LineString([(west + 0.03, south), (west + 0.03, north)])),
    }
    places = [Point(west + 0.005 + 0.01 * k, middle + 0.004) for k in range(4)]
    return {
        "grids": _frame({"grid_code": codes, "name": None, "persons": range(16)}, cells),
        "roads": _frame(
            {"edge_id": range(3), "name": list(streets), "highway": [kind for kind, _ in streets.values()]},
            [line for _, line in streets.values()],
        ),
        "water": _frame({"parcel_id": ["w1"], "name": ["临江"]}, [box(west, south, east, south + 0.006)]),
        "divisions": _frame(
            {"division_code": ["310101", "310101001"], "level": ["district", "street"], "name": ["临江区", "江北街道"]},
            [box(*BOUNDS), box(west, south, east, middle)],
        ),
        "hazards": _frame(
            {"hazard_id": ["h1", "h2"], "name": ["油库", "滑坡"], "category": ["fuel", "landslide"]},
            [Point(west + 0.026, middle + 0.008), Point(west + 0.034, middle - 0.012).buffer(0.002)],
        ),
        "incidents": _frame({"incident_id": list("abcd"), "severity": [1, 2, 3, 4]}, places),
        "workers": _frame(
            {
                "worker_id": ["w1", "w2"],
                "status": ["free", "busy"],
                "mode": ["ebike", "walk"],
            },
            [Point(west + 0.012, middle - 0.008), Point(west + 0.028, middle - 0.008)],
        ),
    }


def _frame(columns: dict[str, object], geometry: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4326")


def _write_rasters(source: MapSource) -> None:
    west, _, _, north = BOUNDS
    size, cell = 160, 0.04 / 160
    row, column = np.mgrid[:size, :size] / size
    heights = (200 * np.sin(6 * row) * np.cos(5 * column) + 200).astype("float32")
    classes = np.where(row > 0.85, 10, np.where(column > 0.5, 20, 60)).astype("uint8")
    for layer_id, values, nodata in (("elevation", heights, -9999.0), ("land_cover", classes, 0)):
        with rasterio.open(
            source.raster_path(layer_id), "w", driver="COG", width=size, height=size, count=1, dtype=values.dtype,
            crs="EPSG:4326", transform=Affine(cell, 0.0, west, 0.0, -cell, north), nodata=nodata,
        ) as target:  # fmt: skip
            target.write(values, 1)


if __name__ == "__main__":
    from gridgov.api.server import create_app, run
    from gridgov.config import Settings
    from gridgov.model.rights import EVERYWHERE, Person, Role

    served = MapSource(Path(sys.argv[1]))
    settings = Settings(port=int(sys.argv[2]))
    page = Path(__file__).parent / "browser" / "map_page.py"
    everybody = Person("everybody", Role.PLANNER, EVERYWHERE)  # the bare map has no accounts
    run(create_app(settings, served, script=page, resolve=lambda _token: everybody), settings)
