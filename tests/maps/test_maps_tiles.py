"""Vector tiles: what is in them, at which zoom, and what happens to odd input."""

from __future__ import annotations

import gzip
import math
from dataclasses import replace

import geopandas as gpd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_source import BOUNDS, MapSource
from shapely import LineString

from gridgov.errors import StorageError
from gridgov.maps import build_tiles, read_tile
from gridgov.maps.cartography import tile_min_zooms
from gridgov.maps.tiles import INDEX_FIELD, MAX_ZOOM, TileArchive


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return z, int(x), int(y)


def features(source: MapSource, layer_id: str, z: int, tmp_path, lon: float = 121.0201) -> list[gpd.GeoDataFrame]:
    """Decode a tile with GDAL's own reader, an independent one."""
    lat = (BOUNDS[1] + BOUNDS[3]) / 2 + 1e-4
    raw = read_tile(source.tiles_path(layer_id), *tile_of(lon, lat, z))
    file = tmp_path / "tile.mvt"
    file.write_bytes(gzip.decompress(raw))
    return [pyogrio.read_dataframe(file, layer=name) for name, _ in pyogrio.list_layers(file)]


def test_a_tile_holds_the_rows_by_number(source, tmp_path):
    """Every grid in a low tile carries its row number, so that values can be looked up by it."""
    (grids,) = features(source, "grids", 10, tmp_path)
    assert sorted(grids[INDEX_FIELD]) == list(range(16))
    assert set(grids["grid_code"]) == set(source.layer("grids")["grid_code"])


def test_small_roads_come_later(source, tmp_path):
    """A far view holds the primary road only; a near one the lane too, in the same tile."""
    assert [set(part["highway"]) for part in features(source, "roads", 9, tmp_path)] == [{"primary"}]
    near = features(source, "roads", 13, tmp_path, lon=121.0301)
    assert set().union(*(set(part["highway"]) for part in near)) == {"primary", "service"}


def test_min_zoom_of_a_class_is_one_less_than_its_map_zoom(source):
    """Tiles are drawn at double size, so a class drawn from map zoom 9 must be in tile zoom 8."""
    zooms = tile_min_zooms(source.layer("roads"), source.spec("roads"), 8)
    assert list(zooms) == [8, 11, 13]


def test_nothing_outside(source):
    """A place far away has no tile, and that is no error."""
    assert read_tile(source.tiles_path("grids"), *tile_of(0, 0, 12)) is None


def test_no_archive_is_an_empty_one(tmp_path):
    """A layer without an archive has no tiles."""
    assert read_tile(tmp_path / "none.pmtiles", 10, 1, 1) is None


def test_a_layer_without_shapes_writes_no_archive(source, tmp_path):
    """Rows without geometry are left out; when none is left there is no file, not even an old one."""
    old = tmp_path / "roads.pmtiles"
    old.write_bytes(b"old")
    frame = gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[None], crs="EPSG:4326")
    assert build_tiles(frame, old, spec=source.spec("roads")) == 0
    assert not old.exists()


def test_a_damaged_archive_is_said(tmp_path):
    """A broken file is named, with what to do."""
    file = tmp_path / "bad.pmtiles"
    file.write_bytes(b"this is no archive of tiles" * 10)
    with pytest.raises(StorageError, match="import the workspace again"):
        read_tile(file, 1, 0, 0)


def test_building_again_replaces_at_once(source, tmp_path):
    """A new archive takes the place of the old one and readers see it."""
    path, spec = tmp_path / "roads.pmtiles", source.spec("roads")
    build_tiles(source.layer("roads").iloc[:1], path, spec=spec)
    before = read_tile(path, *tile_of(121.02, 31.02, 14))
    build_tiles(source.layer("roads"), path, spec=spec)
    assert read_tile(path, *tile_of(121.02, 31.02, 14)) != before
    assert [child.name for child in tmp_path.iterdir()] == ["roads.pmtiles"]


@given(st.floats(-179, 179), st.floats(-80, 80))
def test_every_archive_has_the_tile_of_its_line(tmp_path_factory, lon, lat):
    """Wherever a line lies in the world, the deepest tile of its start is there."""
    path = tmp_path_factory.mktemp("any") / "line.pmtiles"
    spec = replace(load_road_spec(), kind="roads")
    line = LineString([(lon, lat), (lon + 0.01, lat + 0.01)])
    build_tiles(gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[line], crs="EPSG:4326"), path, spec=spec,
                min_zoom=12)  # fmt: skip
    assert tile_of(lon, lat, MAX_ZOOM) in TileArchive(path).places


def load_road_spec():
    from gridgov.layers.specs import load_specs

    return load_specs()["roads"]
