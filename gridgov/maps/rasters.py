"""Raster tiles: hillshade from elevation, classes in their colours, measures in the colours of their steps.

Tiles are PNG of 512 px in Web Mercator (tile zoom z serves map zoom z + 1), transparent where there is nothing. They
are cut from Cloud-Optimised GeoTIFFs by windows, so that the size of the raster does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from gridgov.errors import StorageError
from gridgov.model import LayerSpec

TILE_PX = 512
# Enlarging a 30 m raster beyond this tile zoom shows its cells, so the browser enlarges the picture instead.
HILLSHADE_MAX_ZOOM = 13
CLASSES_MAX_ZOOM = 15
_MARGIN_PX = 2  # the slope needs the neighbours; with this margin no seam shows between tiles
_EQUATOR_M = 40_075_016.686
_SUN_AZIMUTH, _SUN_HEIGHT = np.radians(315.0), np.radians(45.0)
# Shadow and light grow with the difference from flat ground and level off, so that steep slopes keep their shape.
_MAX_SHADE, _MAX_LIGHT = 0.62, 0.42
_SHADE_RATE, _LIGHT_RATE = 2.2, 3.0
_RELIEF = 1.25  # heights are drawn somewhat steeper than they are, as atlases do


def raster_tile(path: Path, spec: LayerSpec, z: int, x: int, y: int) -> bytes | None:
    """Return a PNG tile of a raster layer, or None where it has no data.

    A layer with classes or steps is drawn in their colours, any other one as hillshade.

    Raises
    ------
    StorageError
        The raster cannot be read.
    """
    if spec.style.classes:
        return class_tile(path, spec.style.classes, z, x, y)
    if spec.style.steps:
        return step_tile(path, spec.style.steps, z, x, y)
    return hillshade_tile(path, z, x, y)


def class_tile(path: Path, colours: Mapping[str, str], z: int, x: int, y: int) -> bytes | None:
    """Return classes as flat colours (nearest cell, no mixing of classes); other values are transparent."""
    cut = _cut(path, z, x, y, margin=0, resampling="nearest")
    if cut is None:
        return None
    values, valid = cut
    codes = np.where(valid, np.clip(np.nan_to_num(values, nan=0.0), 0, 255), 0).astype(np.uint8)
    palette = _class_palette(tuple(colours.items()))
    return _png(codes, palette) if palette[np.unique(codes), 3].any() else None


def step_tile(path: Path, steps: Mapping[str, str], z: int, x: int, y: int) -> bytes | None:
    """Return measures in the colours of their steps; what lies below the first step is transparent."""
    cut = _cut(path, z, x, y, margin=0, resampling="nearest")
    if cut is None:
        return None
    codes = step_codes(*cut, steps)
    return _png(codes, step_palette(tuple(steps.values()))) if codes.any() else None


def step_codes(values: NDArray[Any], valid: NDArray[np.bool_], steps: Mapping[str, str]) -> NDArray[np.uint8]:
    """Return the number of the step of every cell, from 1; 0: below the first step, or no value."""
    bounds = np.array([float(lower) for lower in steps])
    found = np.searchsorted(bounds, np.where(valid, values, -np.inf), side="right")
    return np.where(valid, found, 0).astype(np.uint8)


@lru_cache(maxsize=32)
def step_palette(colours: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return the palette (256 RGBA rows) of the codes of `step_codes`."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for code, colour in enumerate(colours, start=1):
        palette[code] = (*bytes.fromhex(colour.lstrip("#")), 255)
    return palette


def hillshade_tile(path: Path, z: int, x: int, y: int) -> bytes | None:
    """Return light and shadow of the terrain as a veil over the map: flat ground is transparent.

    Slope and aspect after Horn (1981), sun from the north-west at 45 degrees.
    """
    cut = _cut(path, z, x, y, margin=_MARGIN_PX, resampling="cubic")
    if cut is None:
        return None
    heights, valid = cut
    fill = float(heights[valid].mean())
    shade = hillshade(np.where(valid, heights, fill), cell_m=_cell_m(z, y))
    inner = slice(_MARGIN_PX, -_MARGIN_PX)
    return _png(_veil(shade[inner, inner], valid[inner, inner]), _veil_palette())


def hillshade(heights: NDArray[np.floating[Any]], *, cell_m: float) -> NDArray[np.float64]:
    """Return illumination minus that of flat ground: 0 flat, negative in shadow, positive in light.

    Parameters
    ----------
    heights : array, shape (rows, columns)
        Metres, north up.
    cell_m : float
        Size of a cell on the ground.
    """
    h = np.pad(heights.astype(np.float64) * _RELIEF, 1, mode="edge")
    east = (h[:-2, 2:] + 2 * h[1:-1, 2:] + h[2:, 2:] - h[:-2, :-2] - 2 * h[1:-1, :-2] - h[2:, :-2]) / (8 * cell_m)
    south = (h[2:, :-2] + 2 * h[2:, 1:-1] + h[2:, 2:] - h[:-2, :-2] - 2 * h[:-2, 1:-1] - h[:-2, 2:]) / (8 * cell_m)
    # The ground's normal is (-east, south, 1) in (east, north, up); the sun stands at azimuth and height.
    sun = np.array([np.sin(_SUN_AZIMUTH), np.cos(_SUN_AZIMUTH)]) * np.cos(_SUN_HEIGHT)
    light = (-east * sun[0] + south * sun[1] + np.sin(_SUN_HEIGHT)) / np.sqrt(1.0 + east**2 + south**2)
    return np.asarray(np.clip(light, 0.0, 1.0) - np.sin(_SUN_HEIGHT), dtype=np.float64)


def _veil(shade: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Code of every pixel: 128 flat ground, down to 1 in shadow, up to 255 in light, 0 void."""
    rate = np.where(shade < 0, _SHADE_RATE, _LIGHT_RATE)
    strength = 1.0 - np.exp(-rate * np.abs(shade))
    return np.where(valid, np.round(128 + np.sign(shade) * 127 * strength), 0).astype(np.uint8)


@cache
def _veil_palette() -> NDArray[np.uint8]:
    """Shadow is blue-black, light is white; the alpha carries the strength."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    palette[:128, :3], palette[128:, :3] = (38, 46, 66), (255, 255, 250)
    palette[1:129, 3] = np.round(np.arange(127, -1, -1) / 127 * _MAX_SHADE * 255)
    palette[128:, 3] = np.round(np.arange(128) / 127 * _MAX_LIGHT * 255)
    return palette


def _cell_m(z: int, y: int) -> float:
    """Size of a pixel on the ground, in the middle of a tile row of Web Mercator."""
    latitude = np.arctan(np.sinh(np.pi * (1 - 2 * (y + 0.5) / 2**z)))
    return float(_EQUATOR_M * np.cos(latitude) / (TILE_PX * 2**z))


def _cut(
    path: Path, z: int, x: int, y: int, *, margin: int, resampling: str
) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
    """Read band 1 of a tile with a margin: values and where they are valid; None outside of the raster.

    GDAL warps just this window, from the overview that fits (the way rio-tiler does it).
    """
    pixel_m = _EQUATOR_M / (TILE_PX * 2**z)
    west = (x * TILE_PX - margin) * pixel_m - _EQUATOR_M / 2
    north = _EQUATOR_M / 2 - (y * TILE_PX - margin) * pixel_m
    size = TILE_PX + 2 * margin
    try:
        with rasterio.open(path) as source:
            options = {
                "crs": "EPSG:3857",
                "transform": Affine(pixel_m, 0.0, west, 0.0, -pixel_m, north),
                "add_alpha": True,
            }
            with WarpedVRT(source, width=size, height=size, resampling=Resampling[resampling], **options) as window:
                values, alpha = window.read(1), window.read(window.count)
    except (RasterioError, OSError) as error:
        raise StorageError(f"{path}: the raster cannot be read ({error}); import the workspace again") from error
    valid = (alpha > 0) & np.isfinite(values)
    return (values.astype(np.float32), valid) if valid.any() else None


@lru_cache(maxsize=32)
def _class_palette(colours: tuple[tuple[str, str], ...]) -> NDArray[np.uint8]:
    palette = np.zeros((256, 4), dtype=np.uint8)
    for code, colour in colours:
        if code.isdigit() and 0 < int(code) < 256:
            palette[int(code)] = (*bytes.fromhex(colour.lstrip("#")), 255)
    return palette


def _png(codes: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Encode with one byte a pixel: a quarter of the work and of the size of full colour."""
    picture = Image.frombytes("P", (codes.shape[1], codes.shape[0]), codes.tobytes())
    picture.putpalette(palette.tobytes(), "RGBA")
    file = BytesIO()
    picture.save(file, "PNG", compress_level=4)
    return file.getvalue()
