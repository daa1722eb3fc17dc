"""Vector tiles of a layer: build a PMTiles archive with GDAL, and read single tiles from it.

Tiles are Mapbox Vector Tiles (version 2.1), gzip-compressed, extent 4096, drawn at 512 px: tile zoom z serves map zoom
z + 1. Beyond the largest zoom the browser draws the last tile larger.
"""

from __future__ import annotations

import gzip
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pmtiles.tile import (
    Compression,
    MagicNumberNotFound,
    SpecVersionUnsupported,
    TileType,
    deserialize_directory,
    deserialize_header,
    tileid_to_zxy,
    zxy_to_tileid,
)
from pmtiles.writer import write

from gridgov.errors import StorageError
from gridgov.maps.cartography import tile_min_zooms
from gridgov.model import LayerSpec

Bounds = tuple[float, float, float, float]

MIN_ZOOM = 8
MAX_ZOOM = 14
INDEX_FIELD = "i"  # number of the row in the layer's frame; values that change are looked up by it
_MARGIN = 0.5  # of a district's extent, drawn around it
_LEAST_MARGIN_DEGREES = 0.05
_EXTENT = 4096
_BUFFER = 96  # 12 px around a tile, wider than any line drawn
_MAX_BYTES = 2_000_000
_TOLERANCE_DEGREES = 1e-5  # about a metre: half a pixel at the largest map zoom worth looking at


def build_tiles(
    frame: gpd.GeoDataFrame,
    path: Path,
    *,
    spec: LayerSpec,
    min_zoom: int = MIN_ZOOM,
    max_zoom: int = MAX_ZOOM,
    fields: Iterable[str] | None = None,
    within: Bounds | None = None,
) -> int:
    """Write a layer as vector tiles; an existing archive is replaced at the end, at once.

    Parameters
    ----------
    frame : GeoDataFrame
        The layer, WGS 84. Rows without a geometry are left out.
    path : Path
        The archive to write, ``.pmtiles``.
    spec : LayerSpec
        Decides from which zoom on a row is worth drawing (motorways before service lanes).
    min_zoom, max_zoom : int
        Tile zooms; map zoom is one more.
    fields : iterable of str, optional
        Columns that travel with the tiles; default: the key, the names and the class field.
    within : tuple, optional
        The district, (lon0, lat0, lon1, lat1): what reaches further than half its extent beyond it is cut off in the
        tiles, for their number grows with the area that shapes cover. The frame itself stays whole.

    Returns
    -------
    int
        Number of features written; 0 writes no archive.

    Raises
    ------
    StorageError
        The archive cannot be written.
    """
    columns = [name for name in (fields or default_fields(spec)) if name in frame.columns]
    drawn = _drawable(frame, columns, spec, within)
    path.unlink(missing_ok=True) if drawn.empty else path.parent.mkdir(parents=True, exist_ok=True)
    if drawn.empty:
        return 0
    zooms = tile_min_zooms(drawn, spec, min_zoom).clip(upper=max_zoom)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tiles-") as scratch:
        parts = []
        for zoom, rows in drawn.groupby(zooms.to_numpy()):
            parts.append(Path(scratch) / f"{spec.kind}-{zoom}.pmtiles")
            _write_part(rows, parts[-1], int(zoom), max_zoom)
        whole = parts[0] if len(parts) == 1 else _join(parts, Path(scratch) / "whole.pmtiles")
        whole.replace(path)
    return len(drawn)


def default_fields(spec: LayerSpec) -> list[str]:
    """Return the columns that the map needs: key, names, class."""
    return list(dict.fromkeys(name for name in (spec.key, "name", "name_en", spec.style.class_field) if name))


def _drawable(frame: gpd.GeoDataFrame, columns: list[str], spec: LayerSpec, within: Bounds | None) -> gpd.GeoDataFrame:
    """Rows with a geometry, plain column types, and the row number, without excess vertices or far ends."""
    drawn = frame[[*columns, frame.geometry.name]].copy()
    drawn[INDEX_FIELD] = np.arange(len(drawn), dtype=np.int32)
    drawn = drawn[~(drawn.geometry.isna() | drawn.geometry.is_empty)]
    for name in columns:
        if drawn[name].dtype == object:
            drawn[name] = drawn[name].map(lambda value: value if isinstance(value, str | None) else str(value))
    shapes = drawn.geometry.to_numpy()
    if within is not None:
        shapes = _cut(shapes, within)
    # Grids share their borders and must do so afterwards; other areas may overlap.
    simplify = shapely.coverage_simplify if spec.kind == "grids" else shapely.simplify
    drawn[drawn.geometry.name] = simplify(shapes, _TOLERANCE_DEGREES)
    return drawn[~drawn.geometry.is_empty]


def _cut(shapes: NDArray[np.object_], within: Bounds) -> NDArray[np.object_]:
    """Cut off what lies further beyond a box than the margin; shapes that do not reach there stay as they are."""
    lon0, lat0, lon1, lat1 = within
    dx, dy = (max(_MARGIN * side, _LEAST_MARGIN_DEGREES) for side in (lon1 - lon0, lat1 - lat0))
    box = lon0 - dx, lat0 - dy, lon1 + dx, lat1 + dy
    bounds = shapely.bounds(shapes)
    reach = (bounds[:, :2] < box[:2]).any(axis=1) | (bounds[:, 2:] > box[2:]).any(axis=1)
    cut = shapes.copy()
    cut[reach] = shapely.clip_by_rect(shapes[reach], *box)
    return cut


def _write_part(rows: gpd.GeoDataFrame, path: Path, min_zoom: int, max_zoom: int) -> None:
    try:
        pyogrio.write_dataframe(
            rows, path, driver="PMTiles", layer=path.stem, MINZOOM=min_zoom, MAXZOOM=max_zoom, EXTENT=_EXTENT,
            BUFFER=_BUFFER, MAX_SIZE=_MAX_BYTES,
        )  # fmt: skip
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError, OSError) as error:
        raise StorageError(f"{path.name}: the map tiles cannot be written ({error}); is the disk full?") from error


def _join(parts: list[Path], path: Path) -> Path:
    """Join archives tile by tile: the layers of a vector tile may simply follow each other."""
    archives = [TileArchive(part) for part in parts]
    places = sorted(
        {place for archive in archives for place in archive.places}, key=lambda place: zxy_to_tileid(*place)
    )
    with write(str(path)) as writer:
        for place in places:
            tiles = (archive.tile(*place) for archive in archives)
            raw = b"".join(gzip.decompress(tile) for tile in tiles if tile is not None)
            writer.write_tile(zxy_to_tileid(*place), gzip.compress(raw, mtime=0))
        header: dict[str, Any] = {
            "version": 3, "tile_type": TileType.MVT, "tile_compression": Compression.GZIP, "center_zoom": MIN_ZOOM,
            **archives[0].bounds_e7, "center_lon_e7": 0, "center_lat_e7": 0,
        }  # fmt: skip
        writer.finalize(header, {})
    return path


@dataclass(frozen=True)
class _Entry:
    offset: int
    length: int


class TileArchive:
    """An opened PMTiles archive: its directory in memory, its tiles mapped from the file. Safe to read from threads."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header: dict[str, Any] = {**deserialize_header(self._bytes[:127])}
        self.bounds_e7 = {key: header[key] for key in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")}
        self._entries = dict(_entries(self._bytes, header, header["root_offset"], header["root_length"]))

    @property
    def places(self) -> Iterable[tuple[int, int, int]]:
        """All (z, x, y) that hold a tile."""
        return self._entries.keys()

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """Return a tile, gzip-compressed, or None where there is nothing."""
        entry = self._entries.get((z, x, y))
        return None if entry is None else self._bytes[entry.offset : entry.offset + entry.length]


def _entries(
    data: mmap.mmap, header: dict[str, Any], offset: int, length: int
) -> Iterator[tuple[tuple[int, int, int], _Entry]]:
    """Walk the directories of an archive (PMTiles specification, version 3)."""
    for entry in deserialize_directory(data[offset : offset + length]):
        if entry.run_length == 0:  # a leaf directory
            yield from _entries(data, header, header["leaf_directory_offset"] + entry.offset, entry.length)
        for step in range(entry.run_length):
            place = tileid_to_zxy(entry.tile_id + step)
            yield place, _Entry(header["tile_data_offset"] + entry.offset, entry.length)


@lru_cache(maxsize=64)
def _archive(path: Path, modified_ns: int, size: int) -> TileArchive:
    del modified_ns, size  # part of the key only: a new file gets a new archive
    return TileArchive(path)


def read_tile(path: Path, z: int, x: int, y: int) -> bytes | None:
    """Return one tile of an archive, gzip-compressed, or None where there is nothing (no archive included).

    Raises
    ------
    StorageError
        The archive cannot be read.
    """
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    try:
        return _archive(path, state.st_mtime_ns, state.st_size).tile(z, x, y)
    except (MagicNumberNotFound, SpecVersionUnsupported, OSError, ValueError, EOFError, IndexError) as error:
        raise StorageError(
            f"{path}: the map tiles are damaged ({type(error).__name__}); import the workspace again"
        ) from error
