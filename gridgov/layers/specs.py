"""Layer specifications: read layers/<kind>.toml and say clearly what is wrong with one.

A specification is data: another city, or another kind of layer, is another file and no code.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from gridgov.config import resource_dir
from gridgov.errors import SpecError
from gridgov.i18n import LANGS
from gridgov.model import FieldSpec, LayerSpec, LayerStyle
from gridgov.model.layers import FieldType, GeometryKind, Side

_LAYER_KEYS = {
    "kind", "names", "geometry", "group", "key", "fields", "style", "crs", "licence", "source", "unit", "code_scheme",
    "class_names", "conflict", "minimum", "maximum",
}  # fmt: skip
_FIELD_KEYS = {"type", "names", "required", "unit", "minimum", "maximum", "values"}
_STYLE_TYPES: dict[str, type | tuple[type, ...]] = {
    "fill": str,
    "line": str,
    "width_px": (int, float),
    "radius_px": (int, float),
    "opacity": (int, float),
    "marker": str,
    "class_field": str,
    "classes": dict,
    "steps": dict,
    "min_zoom": int,
}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_KIND = re.compile(r"[a-z][a-z0-9_]*")


def load_specs(directory: Path | None = None) -> dict[str, LayerSpec]:
    """Read every layer specification of a folder.

    Parameters
    ----------
    directory : Path, optional
        Folder of ``<kind>.toml`` files; default the program's own ``layers``.

    Returns
    -------
    dict
        Kind -> specification, in order of kind.

    Raises
    ------
    SpecError
        A file is no TOML, lacks a key, or has an unknown key or a wrong value; or the folder has no file.
    """
    folder = directory or resource_dir("layers")
    specs = {spec.kind: spec for spec in (read_spec(path) for path in sorted(folder.glob("*.toml")))}
    if not specs:
        raise SpecError(f"{folder}: no layer specification (*.toml) here; give a folder that holds them")
    return specs


def read_spec(path: Path) -> LayerSpec:
    """Read one layer specification; its file name must be its kind."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not a valid TOML file ({error}); correct it") from error
    spec = _spec(table, str(path))
    if spec.kind != path.stem:
        raise SpecError(f"{path}: kind is '{spec.kind}' but the file is named '{path.name}'; make them equal")
    return spec


def _spec(table: Mapping[str, Any], where: str) -> LayerSpec:
    _refuse_unknown(table, _LAYER_KEYS, where)
    for name in ("kind", "names", "geometry", "group"):
        if name not in table:
            raise SpecError(f"{where}: '{name}' is missing; add it")
    if not _KIND.fullmatch(str(table["kind"])):
        raise SpecError(f"{where}: kind '{table['kind']}' may hold only a-z, 0-9 and _; rename it")
    if table["geometry"] not in get_args(GeometryKind):
        known = ", ".join(get_args(GeometryKind))
        raise SpecError(f"{where}: geometry '{table['geometry']}' is unknown; use one of {known}")
    fields = {name: _field(name, value, where) for name, value in _table(table, "fields", where).items()}
    key = str(table.get("key", ""))
    if table["geometry"] != "raster" and key not in fields:
        raise SpecError(f"{where}: key '{key}' is not one of its fields; name a field as key")
    if table["geometry"] != "raster" and {"minimum", "maximum"} & set(table):
        raise SpecError(f"{where}: minimum and maximum are those of a raster's cells; write them with a field")
    _check_limits(table, where)
    class_names = _table(table, "class_names", where)
    texts = ("crs", "licence", "source", "unit", "code_scheme")
    style = _style(_table(table, "style", where), where)
    return LayerSpec(
        kind=table["kind"],
        names=_names(table["names"], f"{where}: names"),
        geometry=table["geometry"],
        group=str(table["group"]),
        key=key,
        fields=fields,
        style=style,
        class_names={value: _names(names, f"{where}: class_names.{value}") for value, names in class_names.items()},
        conflict=_conflict(_table(table, "conflict", where), table["geometry"], style, {*class_names}, where),
        minimum=table.get("minimum"),
        maximum=table.get("maximum"),
        **{name: str(table[name]) for name in texts if name in table},
    )


def _field(name: str, table: Any, where: str) -> FieldSpec:
    place = f"{where}: field '{name}'"
    if not isinstance(table, dict):
        raise SpecError(f"{place} must be a table; write {name} = {{ type = …, names = … }}")
    _refuse_unknown(table, _FIELD_KEYS, place)
    if table.get("type") not in get_args(FieldType):
        raise SpecError(f"{place} has type '{table.get('type')}'; use one of {', '.join(get_args(FieldType))}")
    _check_limits(table, place)
    values = table.get("values", [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SpecError(f"{place}: values must be a list of texts")
    return FieldSpec(
        name=name,
        type=table["type"],
        names=_names(table.get("names", {}), place),
        required=bool(table.get("required", False)),
        unit=str(table.get("unit", "")),
        minimum=table.get("minimum"),
        maximum=table.get("maximum"),
        values=tuple(values),
    )


def _check_limits(table: Mapping[str, Any], place: str) -> None:
    for limit in ("minimum", "maximum"):
        if limit in table and (isinstance(table[limit], bool) or not isinstance(table[limit], int | float)):
            raise SpecError(f"{place}: {limit} must be a number")


def _style(table: Mapping[str, Any], where: str) -> LayerStyle:
    _refuse_unknown(table, set(_STYLE_TYPES), f"{where}: style")
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, _STYLE_TYPES[name]):
            raise SpecError(f"{where}: style.{name} = {value!r} has the wrong type; correct it")
    _check_steps(table.get("steps", {}), where)
    coloured = [*((n, table.get(n, "")) for n in ("fill", "line"))]
    for name, colour in [*coloured, *table.get("classes", {}).items(), *table.get("steps", {}).items()]:
        if colour and not _COLOUR.fullmatch(str(colour)):
            raise SpecError(f"{where}: style colour '{name}' is '{colour}'; write it as #rrggbb")
    return LayerStyle(**table)


def _check_steps(steps: Mapping[str, Any], where: str) -> None:
    try:
        bounds = [float(lower) for lower in steps]
    except ValueError as error:
        raise SpecError(f"{where}: style.steps: a key is no number ({error}); write lower bound = colour") from error
    if bounds != sorted(set(bounds)):
        raise SpecError(f"{where}: style.steps must rise from the first to the last; sort them")


def _conflict(
    table: Mapping[str, Any], geometry: str, style: LayerStyle, known: set[str], where: str
) -> Mapping[str, Side]:
    """Return on which side of a class a plan conflicts; only areas have sides, and only a class that has a name."""
    if table and (geometry not in {"polygon", "any"} or not style.class_field):
        raise SpecError(f"{where}: [conflict] needs areas with classes; give geometry polygon and style.class_field")
    for value, side in table.items():
        if value not in known:
            raise SpecError(
                f"{where}: conflict.{value} is no class of [class_names]; use one of {', '.join(sorted(known))}"
            )
        if side not in get_args(Side):
            raise SpecError(f"{where}: conflict.{value} is {side!r}; write {' or '.join(get_args(Side))}")
    return table


def _names(names: Any, place: str) -> dict[str, str]:
    if not isinstance(names, dict) or any(not names.get(lang) for lang in LANGS):
        raise SpecError(f"{place} needs a name in zh and in en; write names = {{ zh = …, en = … }}")
    return {str(lang): str(text) for lang, text in names.items()}


def _table(table: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise SpecError(f"{where}: '{name}' must be a table; write [{name}]")
    return value


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise SpecError(f"{where}: unknown key '{unknown[0]}'; known are {', '.join(sorted(known))}")
