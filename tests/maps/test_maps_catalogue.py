"""Measures in the colours of their steps, small pictures of layers, and the map that compares two of them."""

from __future__ import annotations

import io
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from PIL import Image
from rasterio.transform import from_origin

from gridgov.layers import load_specs
from gridgov.maps import MapView, console_map, map_layer
from gridgov.maps.console import legend
from gridgov.maps.previews import raster_preview, vector_preview
from gridgov.maps.rasters import raster_tile, step_codes

SPECS = load_specs()


def slope_raster(folder: Path) -> Path:
    """Half flat, half 20 degrees steep, with an unknown corner; about 4 km wide near 30 N."""
    values = np.zeros((128, 128), dtype=np.float32)
    values[:, 64:] = 20.0
    values[:16, :16] = -9999.0
    path = folder / "slope.tif"
    place = from_origin(400_000.0, 3_300_000.0, 32.0, 32.0)
    options = {"width": 128, "height": 128, "count": 1, "dtype": "float32", "crs": "EPSG:32650", "nodata": -9999.0}
    with rasterio.open(path, "w", driver="GTiff", transform=place, **options) as file:
        file.write(values, 1)
    return path


def colours_of(png: bytes) -> set[tuple[int, int, int]]:
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    return {colour[:3] for _, colour in picture.getcolors(100_000) or [] if colour[3]}


def colour(code: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(SPECS["slope"].style.steps[code].lstrip("#")))


def test_a_step_begins_at_its_lower_bound_and_nothing_is_drawn_below_the_first() -> None:
    values = np.array([-1.0, 0.0, 1.99, 2.0, 24.9, 25.0, 90.0])
    codes = step_codes(values, np.ones(7, dtype=bool), SPECS["slope"].style.steps)
    assert codes.tolist() == [0, 1, 1, 2, 4, 5, 5]
    assert step_codes(values, np.zeros(7, dtype=bool), SPECS["slope"].style.steps).tolist() == [0] * 7


def test_a_tile_and_a_picture_of_slope_have_the_colours_of_its_steps(tmp_path: Path) -> None:
    path = slope_raster(tmp_path)
    lon, lat = 115.98, 29.81
    z = 10
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**z)
    tile = raster_tile(path, SPECS["slope"], z, x, y)
    assert tile is not None
    assert colours_of(tile) == {colour("0"), colour("15")}
    assert {colour("0"), colour("15")} < colours_of(raster_preview(path, SPECS["slope"]))


def test_the_legend_of_a_measure_names_its_steps_once_and_both_languages_differ() -> None:
    names = [entry.label for entry in legend(SPECS["aspect"], "zh")]
    assert names.count("北") == 1
    assert "Flat" in [entry.label for entry in legend(SPECS["aspect"], "en")]
    assert len(legend(SPECS["hillshade"], "zh")) == 2


def test_a_picture_of_areas_has_the_colours_of_their_classes_and_holes_stay_empty() -> None:
    ring = shapely.box(0, 0, 1, 1).difference(shapely.box(0.3, 0.3, 0.7, 0.7))
    frame = gpd.GeoDataFrame(
        {"category": ["ecological_redline", "other"]}, geometry=[ring, shapely.box(2, 0, 3, 1)], crs=4326
    )
    spec = SPECS["protection_lines"]
    picture = Image.open(io.BytesIO(vector_preview(frame, spec, (0.0, 0.0, 3.0, 1.0)))).convert("RGB")
    width, height = picture.size

    def at(x: float, y: float) -> str:
        return "#{:02x}{:02x}{:02x}".format(*picture.getpixel((int(x / 3 * width), int((1 - y) * height))))

    assert at(0.15, 0.5) == spec.style.classes["ecological_redline"]
    assert at(0.5, 0.5) == at(1.5, 0.5) == "#f2f1ee"
    assert at(2.5, 0.5) == spec.style.fill


def test_a_view_with_a_swipe_names_both_sides_and_the_versions_have_tiles_of_their_own() -> None:
    layers = tuple(map_layer(f"land_cover@{year}", SPECS["land_cover"], "en") for year in (2020, 2025))
    view = MapView("en", (119.0, 29.0, 119.1, 29.1), layers, swipe=("land_cover@2020", "land_cover@2025"))
    script = console_map(view).get_root().render()
    assert '"swipe":{"left":"land_cover@2020","right":"land_cover@2025"' in script
    assert "/tiles/land_cover@2020/{z}/{x}/{y}.png" in script
