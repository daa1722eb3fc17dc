"""Raster tiles: colours of classes, light and shadow, no seams, nothing outside."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from map_source import BOUNDS
from PIL import Image
from test_maps_tiles import tile_of

from gridgov.errors import StorageError
from gridgov.maps import raster_tile
from gridgov.maps.rasters import hillshade

CENTRE = ((BOUNDS[0] + BOUNDS[2]) / 2, (BOUNDS[1] + BOUNDS[3]) / 2)


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGBA"))


def test_classes_keep_their_colours(source):
    """A land cover tile has the colours of the specification and no mixture of them."""
    spec = source.spec("land_cover")
    data = raster_tile(source.raster_path("land_cover"), spec, *tile_of(*CENTRE, 11))
    pixels = picture(data).reshape(-1, 4)
    drawn = {"#" + bytes(pixel[:3]).hex() for pixel in np.unique(pixels[pixels[:, 3] > 0], axis=0)}
    assert drawn == {spec.style.classes[code] for code in ("10", "20", "60")}


def test_outside_is_nothing(source):
    """A tile beside the raster is no picture."""
    assert raster_tile(source.raster_path("elevation"), source.spec("elevation"), *tile_of(0, 0, 12)) is None


def test_flat_ground_is_transparent():
    """The veil changes nothing where the ground is flat."""
    assert np.allclose(hillshade(np.full((8, 8), 40.0), cell_m=10.0), 0.0)


def test_the_sun_stands_in_the_north_west():
    """A slope that falls to the north-west is lit, one that falls to the south-east lies in shadow."""
    rows, columns = np.mgrid[:16, :16] * 10.0
    falls_south_east = -(rows + columns) * 0.5
    assert hillshade(falls_south_east, cell_m=10.0)[8, 8] < -0.2
    assert hillshade(-falls_south_east, cell_m=10.0)[8, 8] > 0.1


def test_neighbouring_tiles_meet_without_a_seam(source):
    """The last column of a tile and the first of the next differ as little as columns inside do."""
    z, x, y = tile_of(CENTRE[0] - 0.005, CENTRE[1], 13)
    left, right = (
        picture(raster_tile(source.raster_path("elevation"), source.spec("elevation"), z, x + k, y)).astype(float)
        for k in (0, 1)
    )
    # Light and shadow on one axis: shadow negative, light positive.
    signed = [np.where(p[..., 0] < 100, -p[..., 3], p[..., 3]) for p in (left, right)]
    inside = np.abs(np.diff(signed[0], axis=1)).max()
    assert np.abs(signed[1][:, 0] - signed[0][:, -1]).max() <= inside + 1


def test_a_damaged_raster_is_said(source, tmp_path):
    """A broken file is named, with what to do."""
    file = tmp_path / "bad.tif"
    file.write_bytes(b"II*\0 not really")
    with pytest.raises(StorageError, match="import the workspace again"):
        raster_tile(file, source.spec("elevation"), 10, 800, 400)
