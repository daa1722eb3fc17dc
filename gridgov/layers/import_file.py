"""Import files: which source becomes which layer, written down in TOML by the person who knows the data."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyproj
import pyproj.exceptions

from gridgov.errors import SpecError
from gridgov.i18n import LANGS

Bounds = tuple[float, float, float, float]

_WORKSPACE_KEYS = {"id", "names", "timezone", "metric_crs", "as_of", "bounds"}
_TEXTS = ("source_layer", "crs", "encoding", "code_scheme", "x", "y", "malformed", "licence", "date_format", "date")
_TABLES = ("where", "fields", "values", "constants")
_LAYER_KEYS = {"kind", "id", "source", "names", "gcj02", *_TEXTS, *_TABLES}
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_ONE_OF_A_KIND = {"grids", "roads", "population"}  # a workspace has at most one layer of these
_LIVE = {"incidents", "workers"}  # what happens to them is in the event log: they have no versions
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class ImportLayer:
    """One source that becomes one layer.

    Attributes
    ----------
    layer_id, kind : str
    source : Path
        The file, absolute or relative to the working folder.
    source_layer : str | None
        Layer inside the file; needed where it has several.
    crs : str | None
        CRS to use when the source declares none.
    encoding : str | None
        Of a CSV file; None: UTF-8, else GB18030.
    code_scheme : str | None
        Replaces the specification's; ``""``: the layer has ids of its own.
    where : mapping
        Source column -> value that a row must have to belong to the layer.
    fields : mapping
        Field -> source column. A field that is not named here is taken from the column of its own name.
    recode : mapping
        Field -> {source value -> value} (``values`` in the file); ``"*"`` is any other value, ``""`` an empty cell.
    constants : mapping
        Field -> value of every row.
    x, y : str | None
        Coordinate columns of a CSV file.
    malformed : str | None
        Source column whose value other than empty, 0 or false marks a row that the source itself calls malformed.
    licence : str | None
        Of this source; replaces the specification's.
    names : mapping | None
        Name in each language; replaces the specification's, so that two layers of a kind can be told apart.
    date_format : str | None
        How the source writes times, as of strptime (``%d.%m.%Y %H:%M``); ISO 8601 and Chinese dates need none.
    gcj02 : bool
        The source is in GCJ-02 and is converted.
    date : str
        What time the source shows: ``2025``, ``2025-06`` or ``2025-06-30``; empty: not said. Sources of one layer with
        several dates become its versions.
    timezone : str
        Of times without an offset.
    """

    layer_id: str
    kind: str
    source: Path
    source_layer: str | None = None
    crs: str | None = None
    encoding: str | None = None
    code_scheme: str | None = None
    where: Mapping[str, object] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    recode: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    x: str | None = None
    y: str | None = None
    malformed: str | None = None
    licence: str | None = None
    names: Mapping[str, str] | None = None
    date_format: str | None = None
    gcj02: bool = False
    timezone: str = "UTC"
    date: str = ""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """An import file: the workspace to make and its layers. `bounds` are (lon0, lat0, lon1, lat1)."""

    path: Path
    workspace_id: str
    names: Mapping[str, str]
    timezone: str
    layers: tuple[ImportLayer, ...]
    metric_crs: str | None = None
    as_of: datetime | None = None
    bounds: Bounds | None = None


def read_import_file(path: Path, environ: Mapping[str, str] | None = None) -> ImportPlan:
    """Read an import file.

    Parameters
    ----------
    path : Path
    environ : mapping, optional
        Variables for ``${NAME}`` and ``${NAME:-default}`` in texts; default the process environment.

    Raises
    ------
    SpecError
        The file is missing or no TOML, a key is missing, unknown or of the wrong type, or a variable is not set.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows' Notepad writes a mark
    except OSError as error:
        raise SpecError(
            f"{path}: cannot read this import file ({error.strerror}); give the path of a TOML file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not a valid TOML file ({error}); correct it") from error
    table = _expand(table, os.environ if environ is None else environ, str(path))
    _refuse_unknown(table, {"workspace", "layer"}, str(path))
    workspace = _workspace(table.get("workspace"), path)
    layers = _layers(table.get("layer"), path, workspace["timezone"])
    return ImportPlan(path=path, layers=layers, **workspace)


def _workspace(table: Any, path: Path) -> dict[str, Any]:
    where = f"{path}: [workspace]"
    if not isinstance(table, dict):
        raise SpecError(f"{where} is missing; add it with id and names")
    _refuse_unknown(table, _WORKSPACE_KEYS, where)
    if not _ID.fullmatch(str(table.get("id", ""))):
        raise SpecError(f"{where}: id is missing or holds other signs than a-z, 0-9, - and _; correct it")
    if "names" not in table:
        raise SpecError(f"{where}: names is missing; write names = {{ zh = …, en = … }}")
    _check_names(table["names"], where)
    timezone = str(table.get("timezone", "Asia/Shanghai"))
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SpecError(f"{where}: timezone '{timezone}' is unknown; use a name such as Asia/Shanghai") from error
    return {
        "workspace_id": table["id"],
        "names": table["names"],
        "timezone": timezone,
        "metric_crs": _metric_crs(table.get("metric_crs"), where),
        "as_of": _as_of(table.get("as_of"), where),
        "bounds": _bounds(table.get("bounds"), where),
    }


def _metric_crs(value: Any, where: str) -> str | None:
    """A projected CRS in metres, or areas and distances would be wrong."""
    if value is None:
        return None
    try:
        crs = pyproj.CRS.from_user_input(str(value))
    except pyproj.exceptions.CRSError as error:
        raise SpecError(f"{where}: metric_crs '{value}' is unknown; write it as EPSG:4549") from error
    if not crs.is_projected or any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info):
        raise SpecError(f"{where}: metric_crs '{value}' is not projected in metres ({crs.name}); name one that is")
    return str(value)


def _as_of(value: Any, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise SpecError(f"{where}: as_of '{value}' is no time; write it as 2026-06-30T10:00:00+08:00") from error
    if moment.tzinfo is None:
        raise SpecError(f"{where}: as_of '{value}' has no offset from UTC; write it as 2026-06-30T10:00:00+08:00")
    return moment


def _bounds(value: Any, where: str) -> Bounds | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(isinstance(v, int | float) for v in value):
        raise SpecError(f"{where}: bounds must be four numbers [lon0, lat0, lon1, lat1]")
    lon0, lat0, lon1, lat1 = (float(v) for v in value)
    if not (-180 <= lon0 < lon1 <= 180 and -90 <= lat0 < lat1 <= 90):
        raise SpecError(f"{where}: bounds {value} are no place; write [lon0, lat0, lon1, lat1], west and south first")
    return lon0, lat0, lon1, lat1


def _layers(tables: Any, path: Path, timezone: str) -> tuple[ImportLayer, ...]:
    if not isinstance(tables, list) or not tables:
        raise SpecError(f"{path}: no [[layer]]; add at least one")
    layers = tuple(_layer(table, position, path, timezone) for position, table in enumerate(tables, start=1))
    seen: set[tuple[str, str]] = set()
    kinds: set[str] = set()
    for layer in layers:
        if layer.kind in kinds & _ONE_OF_A_KIND:
            raise SpecError(f"{path}: a workspace has one layer of kind '{layer.kind}'; remove the second")
        kinds.add(layer.kind)
        dates = {other_date for other, other_date in seen if other == layer.layer_id}
        if layer.date in dates or (dates and ("" in {layer.date, *dates} or layer.kind in _LIVE)):
            raise SpecError(
                f"{path}: two layers are named '{layer.layer_id}'; give one another id = \"{layer.kind}-…\", "
                f'or each a date of its own, date = "2025"'
            )
        seen.add((layer.layer_id, layer.date))
    return layers


def check_date(given: str, where: str) -> str:
    """Return a date of a source: a year, a month or a day.

    Raises
    ------
    SpecError
        It is none of these.
    """
    if given:
        try:
            if not _DATE.fullmatch(given):
                raise ValueError(given)
            date.fromisoformat((given + "-01-01")[:10])
        except ValueError as error:
            raise SpecError(f"{where}: '{given}' is no date; write 2025, 2025-06 or 2025-06-30") from error
    return given


def _layer(table: Mapping[str, Any], position: int, path: Path, timezone: str) -> ImportLayer:
    where = f"{path}: [[layer]] {position} ({table.get('id') or table.get('kind') or 'without kind'})"
    _refuse_unknown(table, _LAYER_KEYS, where)
    for name in ("kind", "source"):
        if not isinstance(table.get(name), str):
            raise SpecError(f"{where}: '{name}' is missing or no text; add it")
    if isinstance(table.get("date"), int | date):  # TOML has dates and years of its own
        table = {**table, "date": str(table["date"])[:10]}
    for name in _TEXTS:
        if not isinstance(table.get(name, ""), str):
            raise SpecError(f"{where}: '{name}' must be a text")
    for name in _TABLES:
        if not isinstance(table.get(name, {}), dict):
            raise SpecError(f"{where}: '{name}' must be a table {{ … }}")
    if not isinstance(table.get("gcj02", False), bool):
        raise SpecError(f"{where}: gcj02 must be true or false")
    _check_id(table, where)
    _check_names(table.get("names"), where)
    check_date(table.get("date", ""), where)
    _check_date_format(table.get("date_format"), where)
    _check_mappings(table, where)
    given = {name: table[name] for name in (*_TEXTS, *_TABLES, "gcj02", "names") if name in table}
    given["recode"] = given.pop("values", {})
    source = path.parent / Path(table["source"]).expanduser()
    return ImportLayer(
        layer_id=table.get("id", table["kind"]), kind=table["kind"], source=source, timezone=timezone, **given
    )


def _check_id(table: Mapping[str, Any], where: str) -> None:
    kind, layer_id = table["kind"], table.get("id", table["kind"])
    if not _ID.fullmatch(str(layer_id)) or not (layer_id == kind or str(layer_id).startswith(f"{kind}-")):
        raise SpecError(f"{where}: id must be '{kind}' or begin with '{kind}-', in a-z, 0-9, - and _")


def _check_names(names: Any, where: str) -> None:
    if names is None:
        return
    if not isinstance(names, dict) or any(not isinstance(names.get(lang), str) or not names[lang] for lang in LANGS):
        raise SpecError(f"{where}: names needs zh and en; write names = {{ zh = …, en = … }}")


def _check_date_format(pattern: str | None, where: str) -> None:
    """A format that gives back the day it wrote."""
    if pattern is None:
        return
    moment = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    try:
        again = datetime.strptime(moment.strftime(pattern), pattern)
    except ValueError as error:
        raise SpecError(f"{where}: date_format '{pattern}' is none ({error}); write it as %Y-%m-%d %H:%M") from error
    if again.date() != moment.date():
        raise SpecError(f"{where}: date_format '{pattern}' names no whole day; write it as %Y-%m-%d %H:%M")


def _check_mappings(table: Mapping[str, Any], where: str) -> None:
    for name, column in table.get("fields", {}).items():
        if not isinstance(column, str):
            raise SpecError(f"{where}: fields.{name} must name a column of the source")
    for name, mapping in table.get("values", {}).items():
        if not isinstance(mapping, dict):
            raise SpecError(f"{where}: values.{name} must be a table {{ source value = value }}")


def _expand(value: Any, environ: Mapping[str, str], where: str) -> Any:
    if isinstance(value, dict):
        return {key: _expand(item, environ, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, environ, where) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        given = environ.get(match["name"]) or match["default"]
        if given is None:
            raise SpecError(
                f"{where}: the variable {match['name']} is not set; set it or write ${{{match['name']}:-default}}"
            )
        return given

    return _VARIABLE.sub(replace, value)


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise SpecError(f"{where}: unknown key '{unknown[0]}'; known are {', '.join(sorted(known))}")
