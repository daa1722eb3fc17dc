"""Vector files: GeoPackage, GeoJSON, Shapefile, FlatGeobuf and GeoParquet, with rings that were left open closed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.errors
import pyproj
import shapely
from numpy.typing import NDArray

from gridgov.errors import SourceError
from gridgov.layers.sources import check_source
from gridgov.layers.tables import as_gb18030

VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".parquet", ".geoparquet", ".zip", ".kml", ".gml")


_DRIVERS = {
    ".gpkg": {"GPKG"},
    ".shp": {"ESRI Shapefile"},
    ".fgb": {"FlatGeobuf"},
    ".geojson": {"GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON"},
    ".json": {"GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON"},
}


@dataclass(frozen=True, slots=True)
class VectorTable:
    """A vector layer as its file has it.

    `geometry` is in the file's own `crs` (None: it declares none); `unclosed` marks rows whose rings were left open and
    are closed here; `broken` marks rows whose geometry could not be read at all (it is None). `encoding`
    is the one that was guessed for the texts of a Shapefile, if any.
    """

    frame: pd.DataFrame
    geometry: NDArray[np.object_] | None
    crs: pyproj.CRS | None
    unclosed: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    encoding: str | None = None


def read_vector(path: Path, *, layer: str | None = None, encoding: str | None = None) -> VectorTable:
    """Read one layer of a vector file.

    Raises
    ------
    SourceError
        The file is not of the kind it claims, is damaged, has no such layer or several, or has no row.
    """
    check_source(path)
    if path.suffix.lower() in {".parquet", ".geoparquet"}:
        return _read_parquet(path)
    name = _choose_layer(path, layer)
    guessed = None if encoding else _dbf_encoding(path)
    options: dict[str, Any] = {"encoding": encoding or guessed} if encoding or guessed else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's note on open rings: they become findings
            meta, _, wkb, columns = pyogrio.raw.read(path, layer=name, datetime_as_string=True, **options)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError, ValueError) as error:
        raise SourceError(f"{path}: layer '{name}' is damaged ({_reason(error)}); export it again") from error
    except pyogrio.errors.FeatureError as error:
        raise SourceError(f"{path}: layer '{name}' is damaged ({_reason(error)}); export it again") from error
    frame = pd.DataFrame(dict(zip(meta["fields"], columns, strict=True)))
    _check_complete(path, name, frame, wkb)
    crs = pyproj.CRS.from_user_input(meta["crs"]) if meta["crs"] else None
    return replace(_table(frame, wkb, crs), encoding=guessed)


def vector_facts(path: Path) -> tuple[list[str], list[str], str, int]:
    """Return the layers of a vector file and, of the first, its columns, its CRS (empty: none) and its rows.

    Raises
    ------
    SourceError
        It is no vector file that can be read.
    """
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        info = pyogrio.read_info(path, layer=names[0]) if names else {"fields": [], "crs": None, "features": 0}
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise SourceError(f"{path}: not a file that can be read ({_reason(error)}); export it again") from error
    return names, [str(name) for name in info["fields"]], str(info["crs"] or ""), max(int(info["features"]), 0)


def _dbf_encoding(path: Path) -> str | None:
    """GB18030 for a Shapefile that names no encoding and whose texts are Chinese in it; GDAL would take Latin-1."""
    table = path.with_suffix(".dbf")
    if path.suffix.lower() != ".shp" or path.with_suffix(".cpg").exists() or not table.is_file():
        return None
    data = table.read_bytes()
    if data[29:30] not in {b"\x00", b"\x4d"}:  # a code page other than none and GBK
        return None
    try:
        records = data[int.from_bytes(data[8:10], "little") :]
        records.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030" if as_gb18030(records) is not None else None
    return "utf-8"


def _check_complete(path: Path, name: str | None, frame: pd.DataFrame, wkb: Any) -> None:
    rows = len(frame) if frame.shape[1] else len(wkb if wkb is not None else [])
    promised = pyogrio.read_info(path, layer=name)["features"]
    if promised > rows:
        raise SourceError(f"{path}: damaged, it promises {promised} rows and gives {rows}; fetch or export it again")
    if rows == 0:
        raise SourceError(f"{path}: an empty layer ('{name}' has no row); give a file with rows")


def _table(frame: pd.DataFrame, wkb: Any, crs: pyproj.CRS | None) -> VectorTable:
    nothing = np.zeros(len(frame), dtype=np.bool_)
    if wkb is None:
        return VectorTable(frame, None, crs, nothing, nothing)
    geometry = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    given = np.array([value is not None for value in wkb], dtype=np.bool_)
    failed = given & shapely.is_missing(geometry)
    if failed.any():  # GEOS refuses open rings; "fix" closes them
        geometry[failed] = shapely.from_wkb(wkb[failed], on_invalid="fix")
    broken = failed & shapely.is_missing(geometry)
    if frame.shape[1] == 0:
        frame = pd.DataFrame(index=range(len(wkb)))
        nothing = np.zeros(len(wkb), dtype=np.bool_)
    return VectorTable(frame, shapely.force_2d(geometry), crs, failed & ~broken, broken)


def _choose_layer(path: Path, layer: str | None) -> str | None:
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        kind = path.suffix.lower().lstrip(".") or "vector"
        raise SourceError(f"{path}: not a readable {kind} file ({_reason(error)}); export it again") from error
    _check_kind(path, names)
    if layer is None and len(names) == 1:
        return names[0]
    if layer in names:
        return layer
    if not names:
        raise SourceError(f"{path}: no layer in this file; export it again")
    listed = ", ".join(names)
    if layer is None:
        raise SourceError(f"{path}: several layers ({listed}); name one as source_layer")
    raise SourceError(f"{path}: no layer '{layer}' (it has {listed}); correct source_layer")


def _check_kind(path: Path, names: list[str]) -> None:
    """Refuse a file that is not what its ending says, and a Shapefile shorter than its header promises."""
    expected = _DRIVERS.get(path.suffix.lower())
    if names and expected:
        found = str(pyogrio.read_info(path, layer=names[0])["driver"])
        if found not in expected:
            raise SourceError(f"{path}: not a {path.suffix.lower()} file but {found}; give the file its right ending")
    if path.suffix.lower() == ".shp":
        with path.open("rb") as file:
            promised = 2 * int.from_bytes(file.read(28)[24:28], "big")  # the header counts 16-bit words
        if path.stat().st_size < promised:
            raise SourceError(f"{path}: cut off ({path.stat().st_size} of {promised} bytes); fetch or export it again")


def _read_parquet(path: Path) -> VectorTable:
    import geopandas  # noqa: PLC0415 - takes a second; the other formats do without
    import pyarrow  # noqa: PLC0415

    try:
        table = geopandas.read_parquet(path)
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise SourceError(f"{path}: not a readable GeoParquet file ({_reason(error)}); export it again") from error
    if len(table) == 0:
        raise SourceError(f"{path}: an empty layer; give a file with rows")
    geometry = np.asarray(table.geometry.array, dtype=object)
    nothing = np.zeros(len(table), dtype=np.bool_)
    frame = pd.DataFrame(table.drop(columns=table.geometry.name)).reset_index(drop=True)
    return VectorTable(frame, shapely.force_2d(geometry), table.crs, nothing, nothing)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text.split("; It might help")[0].split(". Use the 'open_")[0][:200]
