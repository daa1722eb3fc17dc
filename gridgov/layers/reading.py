"""Read one source of an import file into one checked layer, and write the rows kept aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from gridgov.errors import SourceError, SpecError, StorageError
from gridgov.layers.checking import run_checks
from gridgov.layers.import_file import Bounds, ImportLayer
from gridgov.layers.inspection import CheckResult, Inspection, Mask
from gridgov.layers.malformed import marked_rows, set_aside_malformed, shifted_rows
from gridgov.layers.places import District
from gridgov.layers.sources import check_source
from gridgov.layers.tables import read_csv
from gridgov.layers.values import as_text, map_values, value_fault
from gridgov.layers.vectors import VECTOR_SUFFIXES, read_vector
from gridgov.model import FindingLevel, LayerSpec

Progress = Callable[[str, float], None]

_CSV_SUFFIXES = (".csv", ".txt", ".tsv")
_COORDINATES = (
    ("lon", "lat"), ("lng", "lat"), ("longitude", "latitude"), ("long", "lat"), ("x", "y"), ("经度", "纬度"),
    ("經度", "緯度"), ("gps_lon", "gps_lat"),
)  # fmt: skip
_DECIMAL_COMMA = r"\s*[+-]?\d+,\d+\s*"


@dataclass
class _Source:
    """A source as it was read, before any field is mapped."""

    frame: pd.DataFrame
    geometry: NDArray[np.object_] | None
    declared: pyproj.CRS | None
    rows: NDArray[np.int64]
    masks: dict[str, Mask] = field(default_factory=dict)  # unclosed, broken, ragged
    coordinates: tuple[str, ...] = ()  # the columns of a CSV file that hold the position: x and y, or wkt
    notes: dict[str, str] = field(default_factory=dict)  # rule -> detail of layer findings


def read_layer(
    item: ImportLayer,
    spec: LayerSpec,
    *,
    bounds: Bounds | None = None,
    district: District | None = None,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> CheckResult:
    """Read a vector, CSV or table source and check it.

    Parameters
    ----------
    item : ImportLayer
        From the import file.
    spec : LayerSpec
        Of the item's kind.
    bounds : tuple, optional
        The district's extent (lon0, lat0, lon1, lat1); short for ``district=District(bounds=…)``.
    district : District, optional
        What else is known of the place: its boundary, points on its roads.
    progress : callable, optional
        Called with (what is being done, share done 0 … 1).
    now : datetime, optional
        Aware; an incident reported later gets a warning.

    Raises
    ------
    SourceError
        A fault of the whole source: unreadable, empty, no CRS, or a column that the import file names is not there.
    SpecError
        A value that the import file gives (`constants`, `values`) does not fit its field.
    """
    report = progress or (lambda text, share: None)
    place = district or District()
    place = replace(place, bounds=bounds) if bounds is not None else place
    if item.code_scheme is not None:
        spec = replace(spec, code_scheme=item.code_scheme)
    _check_import_values(item, spec)
    source = _filter(item, _read(item, spec))
    report("read", 0.4)
    if source.geometry is not None and source.declared is None and item.crs is None and not source.coordinates:
        raise SourceError(f'{item.source}: no CRS in this file; name it as crs = "EPSG:…" in the import file')
    inspection = _inspection(item, spec, source)
    report("check", 0.6)
    masks = {name: mask for name, mask in source.masks.items() if name != "ragged"}
    given = item.crs or (spec.crs if source.coordinates else None)
    result = run_checks(
        inspection, spec, district=place, declared=source.declared, given=_known_crs(item, given),
        timezone=item.timezone, date_format=item.date_format, gcj02=item.gcj02, masks=masks,
        now=now,
    )  # fmt: skip
    report("check", 1.0)
    return result


def write_aside(path: Path, aside: pd.DataFrame) -> None:
    """Write the rows kept aside: CSV in UTF-8 with a byte-order mark, so that spreadsheets show Chinese rightly."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.to_csv(path, index=False, encoding="utf-8-sig")
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write the rows kept aside ({error.strerror}); check disk and rights"
        ) from error


def _check_import_values(item: ImportLayer, spec: LayerSpec) -> None:
    """Refuse values of the import file that would be a finding in every row."""
    given = [("constants", name, value) for name, value in item.constants.items()]
    given += [(f"values.{name}", name, value) for name, codes in item.recode.items() for value in codes.values()]
    for table, name, value in given:
        if name not in spec.fields or value is None:
            continue
        fault = value_fault(value, spec.fields[name], timezone=item.timezone, date_format=item.date_format)
        if fault:
            raise SpecError(f"layer '{item.layer_id}': {table}: {name} = '{value}' {fault}; correct the import file")


def _read(item: ImportLayer, spec: LayerSpec) -> _Source:
    suffix = item.source.suffix.lower()
    check_source(item.source, item.layer_id)
    if suffix in _CSV_SUFFIXES:
        return _read_csv(item, spec)
    if suffix not in VECTOR_SUFFIXES:
        known = " ".join((*_CSV_SUFFIXES, *VECTOR_SUFFIXES))
        raise SourceError(f"{item.source}: unknown kind of file '{suffix}'; give one of {known}")
    table = read_vector(item.source, layer=item.source_layer, encoding=item.encoding)
    wanted = spec.geometry != "table"
    if wanted and table.geometry is None:
        raise SourceError(f"{item.source}: no geometry in this layer, but '{spec.kind}' needs it; name another source")
    rows = np.arange(1, len(table.frame) + 1)
    masks = {"unclosed": table.unclosed, "broken": table.broken} if wanted else {}
    notes = {"encoding_guessed": table.encoding} if table.encoding == "gb18030" else {}
    return _Source(table.frame, table.geometry if wanted else None, table.crs, rows, masks, notes=notes)


def _read_csv(item: ImportLayer, spec: LayerSpec) -> _Source:
    table = read_csv(item.source, encoding=item.encoding)
    rows = np.arange(1, len(table.frame) + 1)
    notes = {"encoding_guessed": table.encoding} if table.guessed else {}
    source = _Source(table.frame, None, None, rows, {"ragged": table.ragged}, notes=notes)
    if spec.geometry in {"line", "polygon"}:
        source.geometry = _wkt(item, table.frame)
        source.coordinates = ("wkt",)
    elif spec.geometry != "table":
        source.coordinates = _coordinate_columns(item, list(table.frame.columns))
        if table.delimiter != "," and (names := _read_decimal_commas(table.frame, source.coordinates)):
            notes["decimal_comma"] = ", ".join(names)
        x, y = (pd.to_numeric(table.frame[name], errors="coerce").to_numpy(float) for name in source.coordinates)
        known = np.isfinite(x) & np.isfinite(y)
        source.geometry = np.full(len(x), None, dtype=object)
        source.geometry[known] = shapely.points(x[known], y[known])
    return source


def _read_decimal_commas(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[str]:
    """Write numbers such as 119,02 with a point, in place; return the columns that held some."""
    changed = []
    for name in columns:
        commas = frame[name].str.fullmatch(_DECIMAL_COMMA)
        if commas.any():
            frame[name] = frame[name].mask(commas, frame[name].str.replace(",", "."))
            changed.append(name)
    return changed


def _wkt(item: ImportLayer, frame: pd.DataFrame) -> NDArray[np.object_]:
    """Lines and polygons of a CSV file; rows kept aside are written so, and come in again once they are put right."""
    if "wkt" not in frame:
        raise SourceError(f"{item.source}: a CSV file needs a column wkt for '{item.kind}'; or give a vector file")
    return np.asarray(shapely.from_wkt(frame["wkt"].to_numpy(dtype=object), on_invalid="ignore"), dtype=object)


def _coordinate_columns(item: ImportLayer, columns: list[str]) -> tuple[str, ...]:
    if item.x or item.y:
        pair = (item.x or "", item.y or "")
        for name, axis in zip(pair, "xy", strict=True):
            if name not in columns:
                raise SourceError(_no_column(item, f"{axis} = '{name}'", columns))
        return pair
    by_name = {name.lower(): name for name in columns}
    for x, y in _COORDINATES:
        if x in by_name and y in by_name:
            return by_name[x], by_name[y]
    raise SourceError(f"{item.source}: no coordinate columns among {', '.join(columns)}; name them as x and y")


def _filter(item: ImportLayer, source: _Source) -> _Source:
    """Leave out the rows that the import file's `where` does not ask for."""
    keep = np.ones(len(source.frame), dtype=np.bool_)
    for column, value in item.where.items():
        if column not in source.frame:
            raise SourceError(_no_column(item, f"where '{column}'", list(source.frame.columns)))
        keep &= (as_text(source.frame[column]) == str(value)).to_numpy(dtype=np.bool_)
    if keep.all():
        return source
    if not keep.any():
        asked = ", ".join(f"{column} = {value}" for column, value in item.where.items())
        raise SourceError(f"{item.source}: an empty layer, no row has {asked}; correct 'where' in the import file")
    return replace(
        source,
        frame=source.frame.loc[keep].reset_index(drop=True),
        geometry=None if source.geometry is None else source.geometry[keep],
        rows=source.rows[keep],
        masks={name: mask[keep] for name, mask in source.masks.items()},
    )


def _inspection(item: ImportLayer, spec: LayerSpec, source: _Source) -> Inspection:
    columns = _columns(item, spec, source)
    frame = pd.DataFrame(index=source.frame.index)
    for name in spec.fields:
        if name in item.constants:
            frame[name] = pd.Series([item.constants[name]] * len(frame), dtype=object)
        elif name in columns:
            frame[name] = source.frame[columns[name]]
        if name in item.recode and name in frame:
            frame[name] = map_values(frame[name], item.recode[name], is_list=spec.fields[name].type == "list")
    inspection = Inspection(item.layer_id, frame, source.frame, source.geometry, source.rows)
    for rule, detail in source.notes.items():
        inspection.layer(rule, level=FindingLevel.INFO, value=detail)
    _malformed(item, spec, source, inspection, columns)
    return inspection


def _columns(item: ImportLayer, spec: LayerSpec, source: _Source) -> dict[str, str]:
    """Field -> source column, for the fields that the source has."""
    present = list(source.frame.columns)
    for name, column in item.fields.items():
        if name not in spec.fields:
            known = ", ".join(spec.fields)
            raise SourceError(f"{item.source}: '{spec.kind}' has no field '{name}'; the import file may map {known}")
        if column not in present:
            raise SourceError(_no_column(item, f"{name} = '{column}'", present))
    for name in (*item.constants, *item.recode):
        if name not in spec.fields:
            raise SourceError(f"{item.source}: '{spec.kind}' has no field '{name}'; correct the import file")
    if item.malformed and item.malformed not in present:
        raise SourceError(_no_column(item, f"malformed = '{item.malformed}'", present))
    same = {name: name for name in spec.fields if name in present}
    return {**same, **item.fields}


def _malformed(
    item: ImportLayer, spec: LayerSpec, source: _Source, inspection: Inspection, columns: dict[str, str]
) -> None:
    if "ragged" not in source.masks:
        return
    set_aside_malformed(inspection, "ragged_row", source.masks["ragged"], columns=source.frame.shape[1])
    numbers = source.coordinates if len(source.coordinates) == 2 else ()
    shifted = shifted_rows(source.frame, spec, columns, numbers=numbers, recode=item.recode)
    set_aside_malformed(inspection, "column_shifted", shifted)
    if item.malformed:
        set_aside_malformed(inspection, "marked_malformed", marked_rows(source.frame, item.malformed))


def _known_crs(item: ImportLayer, crs: str | None) -> str | None:
    if crs is not None:
        try:
            pyproj.CRS.from_user_input(crs)
        except pyproj.exceptions.CRSError as error:
            raise SourceError(f"{item.source}: the CRS '{crs}' is unknown; write it as EPSG:…") from error
    return crs


def _no_column(item: ImportLayer, asked: str, columns: list[str]) -> str:
    return f"{item.source}: no column for {asked} of layer '{item.layer_id}'; the source has {', '.join(columns)}"
