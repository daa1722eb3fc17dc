"""Hazards on real elevation: Andorra's valleys (SRTM) and the coast of Hualien (ETOPO1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from scipy.ndimage import label
from shapely.geometry import shape

from gridgov.hazards import Elevation, FloodInputs, SlopeInputs, Wind, fire_hazard, flood_hazard, slope_hazard
from gridgov.hazards.fire import FireInputs
from gridgov.hazards.flood import flooding, peaks
from gridgov.hazards.zoning import moved
from gridgov.model.hazard_profiles import Fuel, LevelScale
from gridgov.model.hazards import Zones
from gridgov.model.incident_classes import Certainty

pytestmark = pytest.mark.real
UTM = "EPSG:25831"
SCALE = LevelScale((0.0, 0.5, 1.0, 2.0), "test", Certainty.UNVERIFIED)
DISTRICT = shapely.box(1.42, 42.43, 1.78, 42.65)


def read(path: Path, name: str) -> Elevation:
    with rasterio.open(path) as raster:
        values = raster.read(1, masked=True).astype(float).filled(np.nan)
        return Elevation(values, raster.transform, raster.crs.to_string(), name)


@pytest.fixture(scope="module")
def andorra(real_data: Path) -> Elevation:
    return read(real_data / "terrain" / "N42E001.hgt", "N42E001")


def valley(elevation: Elevation) -> Any:
    """The way down from Andorra la Vella, cell by cell: the river as the elevation model has it."""
    lon, lat = 1.50, 42.50
    column, row = (int(value) for value in ~elevation.transform @ (lon, lat))
    peak = peaks(elevation.metres, np.array([row * elevation.metres.shape[1] + column]), 1200.0)
    way = [(row, column)]
    seen = set(way)
    for _ in range(120):  # always to the neighbour that water finds first
        r, c = way[-1]
        around = [(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (r + i, c + j) not in seen]
        way.append(min(around, key=lambda cell: (elevation.metres[cell], peak[cell])))
        seen.update(around)
    return shapely.LineString([elevation.transform @ (c + 0.5, r + 0.5) for r, c in way])


def size(zones: Zones) -> float:
    return float(sum(moved(shape(zone.geometry), "EPSG:4326", UTM).area for zone in zones))


def test_more_water_floods_more_of_a_real_valley_and_comes_in_order(andorra: Elevation) -> None:
    river, areas = valley(andorra), []
    for level in (2.0, 5.0, 12.0):
        inputs = FloodInputs(river, ((0.0, 0.0), (3600.0, level)), "source", step_m=1.0, within_m=800.0)
        hazard = flood_hazard(andorra, inputs, SCALE, district=DISTRICT, metric_crs=UTM)
        areas.append(size(hazard.zones))
        assert size(hazard.milder) <= areas[-1] <= size(hazard.worse)
        assert all(0 <= zone.arrival_s <= 3600 for zone in hazard.zones)
    assert areas[0] < areas[1] < areas[2]


def test_on_real_ground_water_never_comes_before_its_peak_and_stays_connected(andorra: Elevation) -> None:
    height = andorra.metres[600:900, 400:800]
    source = np.array([int(np.nanargmin(height))])
    peak = peaks(height, source, float(height.ravel()[source][0]) + 200.0)
    water = flooding(height, peak, [(0.0, float(np.nanmin(height))), (7200.0, float(np.nanmin(height)) + 150.0)])
    wet = water.depth_m > 0
    assert wet.any()
    parts, _ = label(wet)
    assert np.unique(parts[wet]).tolist() == [parts.ravel()[source[0]]]
    low_and_dry = (height < np.nanmin(height) + 150.0) & ~wet
    assert low_and_dry.any()  # behind passes: what a bare threshold would have flooded
    assert (peak[wet] >= height[wet]).all()
    order = np.argsort(peak[wet])
    assert (np.diff(water.arrival_s[wet][order]) >= 0).all()


def test_fire_and_slides_run_over_real_mountains(andorra: Elevation) -> None:
    wood = Fuel("wood", {"zh": "林", "en": "wood"}, (), 1.0, "s", Certainty.UNVERIFIED)
    fire = fire_hazard(
        andorra, (wood,), lambda x, _: np.zeros(x.shape, dtype=int),
        FireInputs(shapely.Point(1.55, 42.53), Wind(4.0, 200.0), 3 * 3600), metric_crs=UTM,
    )  # fmt: skip
    assert size(fire.milder) < size(fire.worse)
    slide = slope_hazard(andorra, SlopeInputs(shapely.Point(1.515, 42.52), 25.0), metric_crs=UTM)
    assert size(slide.milder) < size(slide.zones) < size(slide.worse)


def test_a_storm_tide_floods_the_real_coast_from_the_sea_only(real_data: Path) -> None:
    """One arc-minute cells: coarse, but the sea is connected and the land behind the coast stays dry."""
    coast = read(real_data / "hualien" / "etopo1_taiwan.tif", "etopo1")
    sea, city = shapely.box(121.75, 23.9, 121.9, 24.1), shapely.box(121.5, 23.9, 121.7, 24.05)
    areas = []
    for level in (3.0, 20.0, 60.0):
        inputs = FloodInputs(sea, ((0.0, level),), step_m=1.0, within_m=30_000.0)
        hazard = flood_hazard(coast, inputs, SCALE, district=city, metric_crs="EPSG:3826")
        flooded = shapely.union_all([shape(zone.geometry) for zone in hazard.zones])
        land = shapely.box(121.4, 23.85, 121.66, 24.1)
        areas.append(flooded.intersection(land).area)
        assert not flooded.contains(shapely.Point(121.45, 24.0))
    assert areas[0] < areas[1] < areas[2]
