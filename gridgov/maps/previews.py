"""Small pictures of layers for the catalogue: the whole layer on a few hundred pixels, in the colours of the map."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT

from gridgov.crs import metric_crs
from gridgov.errors import StorageError
from gridgov.maps.rasters import hillshade, step_codes, step_palette
from gridgov.model import LayerSpec

SIDE_PX = 320
_GROUND = "#f2f1ee"
_OTHER = "#8a93a0"
_DOT_PX = 2.0
_GREYS = tuple(f"#{level:02x}{level:02x}{level:02x}" for level in range(60, 250, 2))

Bounds = tuple[float, float, float, float]


def raster_preview(path: Path, spec: LayerSpec) -> bytes:
    """Return a PNG of a raster layer.

    Raises
    ------
    StorageError
        The raster cannot be read.
    """
    try:
        with rasterio.open(path) as source, WarpedVRT(source, crs=_metric_of(source), add_alpha=True) as view:
            share = SIDE_PX / max(view.width, view.height)
            shape = (max(1, round(view.height * share)), max(1, round(view.width * share)))
            method = Resampling.nearest if spec.style.classes or spec.style.steps else Resampling.average
            values = view.read(1, out_shape=shape, resampling=method).astype(np.float64)
            valid = view.read(view.count, out_shape=shape, resampling=Resampling.nearest) > 0
            cell_m = float(view.res[0]) * view.width / shape[1]
    except (RasterioError, OSError) as error:
        raise StorageError(f"{path}: the raster cannot be read ({error}); import the workspace again") from error
    valid &= np.isfinite(values)
    return _png(*_coloured(values, valid, spec, cell_m))


def vector_preview(frame: gpd.GeoDataFrame, spec: LayerSpec, bounds: Bounds) -> bytes:
    """Return a PNG of the rows of a layer (WGS 84) within bounds (west, south, east, north)."""
    west, south, east, north = bounds
    squeeze = float(np.cos(np.radians((south + north) / 2)))
    wide, high = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    share = SIDE_PX / max(wide, high)
    shape = (max(1, round(high * share)), max(1, round(wide * share)))
    shapes = np.asarray(frame.geometry.array, dtype=object)
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    values = list(spec.style.classes) if spec.style.class_field in frame else []
    codes = _codes(frame, spec, values)[there]
    pixel = (east - west) / shape[1]
    drawn = np.where(
        shapely.get_dimensions(shapes[there]) == 0, shapely.buffer(shapes[there], _DOT_PX * pixel), shapes[there]
    )
    picture = np.zeros(shape, dtype=np.uint8)
    if len(drawn):
        place = from_bounds(west, south, east, north, shape[1], shape[0])
        lines = bool((shapely.get_dimensions(drawn) == 1).any())
        rasterize(zip(drawn, codes, strict=True), out=picture, transform=place, all_touched=lines)
    colours = [spec.style.classes[value] for value in values]
    return _png(picture, step_palette((*colours, spec.style.fill or spec.style.line or _OTHER)))


def _codes(frame: gpd.GeoDataFrame, spec: LayerSpec, values: Sequence[str]) -> NDArray[np.uint8]:
    rest = len(values) + 1
    if not values:
        return np.full(len(frame), rest, dtype=np.uint8)
    number = {value: code for code, value in enumerate(values, start=1)}
    codes = frame[spec.style.class_field].astype(str).map(number).fillna(rest)
    return np.asarray(codes.to_numpy(dtype=np.uint8))


def _coloured(
    values: NDArray[np.float64], valid: NDArray[np.bool_], spec: LayerSpec, cell_m: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    style = spec.style
    if style.steps:
        return step_codes(values, valid, style.steps), step_palette(tuple(style.steps.values()))
    if style.classes:
        lowest = {str(int(code)): number for number, code in enumerate(style.classes, start=1)}
        found = np.zeros(values.shape, dtype=np.uint8)
        for code, number in lowest.items():
            found[valid & (values == int(code))] = number
        return found, step_palette(tuple(style.classes.values()))
    fill = float(values[valid].mean()) if valid.any() else 0.0
    light = hillshade(np.where(valid, values, fill), cell_m=cell_m)
    shades = np.clip((light + 0.71) * len(_GREYS), 1, len(_GREYS))
    return np.where(valid, shades, 0).astype(np.uint8), step_palette(_GREYS)


def _metric_of(source: Any) -> Any:
    """The raster's own CRS, or a metric one in place of degrees, so that the picture is not squeezed."""
    if source.crs is not None and source.crs.is_projected:
        return source.crs
    box = source.bounds
    return metric_crs((box.left + box.right) / 2, (box.bottom + box.top) / 2)


def _png(codes: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    ground = palette.copy()
    ground[0] = (*bytes.fromhex(_GROUND.lstrip("#")), 255)
    picture = Image.frombytes("P", (codes.shape[1], codes.shape[0]), np.ascontiguousarray(codes).tobytes())
    picture.putpalette(ground.tobytes(), "RGBA")
    file = BytesIO()
    picture.convert("RGB").save(file, "PNG")
    return file.getvalue()
