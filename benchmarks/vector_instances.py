"""Named vector layers of benchmarks: linjiang at the scale of a city, Hualien's zoning; made once, kept in .cache/."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from benchmarks.instances import ROOT, data_folder

METRIC_CRS = "EPSG:4549"  # of linjiang
_CACHE = ROOT / ".cache" / "benchmarks"
_PARCELS, _SEED = 5_000, 20_000


def linjiang(tell: Callable[[str], None]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the 20,000 grids of the largest sample and 5,000 of its parcels by seed, in the metric CRS."""
    files = [_CACHE / "linjiang-grids.parquet", _CACHE / "linjiang-parcels.parquet"]
    if not all(file.is_file() for file in files):
        tell("making the largest sample (some minutes, kept for later runs)")
        for file, frame in zip(files, _made(), strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            frame.to_parquet(file)
    grids, parcels = (gpd.read_parquet(file) for file in files)
    return grids, parcels


def _made() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    from gridgov.sample import write_sample  # noqa: PLC0415  # only where nothing is kept

    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), size="city")
        grids = gpd.read_file(Path(folder) / "grids.gpkg", layer="grids")
        resources = Path(folder) / "natural_resources.gpkg"
        layers = [gpd.read_file(resources, layer=name).assign(layer=name) for name, _ in pyogrio.list_layers(resources)]
    parcels = pd.concat(layers, ignore_index=True)
    chosen = np.sort(np.random.default_rng(_SEED).choice(len(parcels), _PARCELS, replace=False))
    parcels = gpd.GeoDataFrame(parcels.iloc[chosen][["parcel_id", "layer", "geometry"]], crs=grids.crs)
    return (
        grids[["grid_code", "geometry"]].to_crs(METRIC_CRS),
        parcels.reset_index(drop=True).to_crs(METRIC_CRS),
    )


def hualien(data: Path | None) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return Hualien's 4,579 zoning polygons (one more has no geometry) and 2,117 areas, in the place's metric CRS."""
    folder = data_folder(data) / "hualien"
    zoning = gpd.read_file(folder / "hualien_landuse_zoning.gpkg")
    areas = gpd.read_file(folder / "hualien_grid_population.gpkg", layer="min_stat_area")
    zoning = zoning[~(zoning.geometry.is_empty | zoning.geometry.isna())].reset_index(drop=True)
    return zoning[["使用分區", "geometry"]], areas[["CODEBASE", "geometry"]].to_crs(zoning.crs)
