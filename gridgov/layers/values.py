"""Cell values: typed by the specification, checked against its limits and codes, and keys that are there once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from gridgov.layers.inspection import Inspection, Mask
from gridgov.layers.times import are_excel_days, read_times
from gridgov.model import FieldSpec, FindingAction, FindingLevel, LayerSpec

_NULLS = {"", "na", "n/a", "null", "none", "nan", "-", "--", "—", "<na>", "nat"}
_TRUE = {"true", "yes", "y", "t", "1", "1.0", "是", "有", "真"}
_FALSE = {"false", "no", "n", "f", "0", "0.0", "否", "无", "無", "假"}
_SEPARATORS = re.compile(r"[;；,，、|]")
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)(?::[0-5]\d)?")


def as_text(series: pd.Series) -> pd.Series:
    """Return a column as stripped text, None where it is null; whole floats lose their ``.0``."""
    if pd.api.types.is_float_dtype(series.dtype):
        whole = series.dropna()
        if len(whole) and bool((np.mod(whole, 1) == 0).all()):
            series = series.astype("Int64")
    given = series.notna().to_numpy()
    text = [str(value).strip() if there else None for value, there in zip(series, given, strict=True)]
    return pd.Series(text, index=series.index, dtype=object)


def map_values(series: pd.Series, mapping: Mapping[str, object], *, is_list: bool) -> pd.Series:
    """Replace source values; ``"*"`` stands for every other value, ``""`` for an empty cell; list items one by one."""
    other = mapping.get("*")

    def one(value: str | None) -> object:
        if not value:
            return mapping.get("")
        return mapping.get(value, value if other is None else other)

    def many(value: str | None) -> object:
        return ";".join(str(one(item.strip())) for item in _SEPARATORS.split(value)) if value else None

    return as_text(series).map(many if is_list else one).astype(object)


def type_fields(
    inspection: Inspection, spec: LayerSpec, *, timezone: str = "UTC", date_format: str | None = None
) -> None:
    """Give every column its type; a value that does not fit is removed and said, or its row kept aside if required."""
    for spec_field in spec.fields.values():
        if spec_field.name not in inspection.frame:
            inspection.frame[spec_field.name] = None
        raw = inspection.frame[spec_field.name]
        values, wrong = _typed(raw, spec_field, timezone, date_format)
        _say_excel_days(inspection, raw, spec_field)
        _report(inspection, "wrong_type", wrong, raw, spec_field)
        inspection.frame[spec_field.name] = values
        _check_limits(inspection, spec_field)
        _check_codes(inspection, spec_field)


def value_fault(value: object, spec_field: FieldSpec, *, timezone: str = "UTC", date_format: str | None = None) -> str:
    """Say why one value does not fit its field ("" if it does), as the end of a sentence that begins with the value."""
    typed, wrong = _typed(pd.Series([value], dtype=object), spec_field, timezone, date_format)
    found = typed.iloc[0]
    if wrong[0]:
        return f"is not of type {spec_field.type}"
    if spec_field.type == "list" or pd.isna(found):
        return ""
    if spec_field.minimum is not None and found < spec_field.minimum:
        return f"is below {spec_field.minimum}"
    if spec_field.maximum is not None and found > spec_field.maximum:
        return f"is above {spec_field.maximum}"
    if spec_field.values and found not in spec_field.values:  # noqa: PD011 - a field specification, no frame
        return f"is not one of {', '.join(spec_field.values)}"
    return ""


def check_key(inspection: Inspection, spec: LayerSpec) -> None:
    """Keep aside the rows without a key and the second and later rows of the same key."""
    key = inspection.frame[spec.key]
    missing = key.isna().to_numpy(dtype=np.bool_)
    inspection.rows("missing_key", missing, level=FindingLevel.ERROR, action=FindingAction.ASIDE, field_name=spec.key)
    alive = key[inspection.alive]
    again = np.zeros(len(key), dtype=np.bool_)
    again[inspection.alive] = alive.duplicated().to_numpy()
    first = dict(zip(alive[::-1], inspection.source_row[inspection.alive][::-1].tolist(), strict=True))
    details = [{"first_row": first[value]} for value in key[again]]
    inspection.rows(
        "duplicate_key",
        again,
        level=FindingLevel.ERROR,
        action=FindingAction.ASIDE,
        field_name=spec.key,
        details=details,
    )


def check_nulls(inspection: Inspection, spec: LayerSpec) -> None:
    """Say how many numbers are null (they stay null: null is not zero), and where a column holds nothing but zeros."""
    for spec_field in spec.fields.values():
        if spec_field.type not in {"integer", "number"}:
            continue
        column = inspection.frame.loc[inspection.alive, spec_field.name]
        nulls, rows = int(column.isna().sum()), len(column)
        if 0 < nulls < rows:
            inspection.layer("nulls_kept", level=FindingLevel.INFO, field_name=spec_field.name, count=nulls, rows=rows)
        if rows >= 10 and nulls < rows and spec_field.required is False and bool((column.dropna() == 0).all()):
            inspection.layer("only_zeros", field_name=spec_field.name, count=rows - nulls)


def _report(inspection: Inspection, rule: str, mask: Mask, raw: pd.Series, spec_field: FieldSpec) -> None:
    """Note values that do not fit: the row goes aside if the field is required, else the value is removed."""
    action = FindingAction.ASIDE if spec_field.required else FindingAction.EMPTIED
    details = [{"value": str(value)[:80]} for value in raw[mask]]
    inspection.rows(rule, mask, action=action, field_name=spec_field.name, details=details)


def _check_limits(inspection: Inspection, spec_field: FieldSpec) -> None:
    if spec_field.minimum is None and spec_field.maximum is None:
        return
    column = inspection.frame[spec_field.name]
    low = -np.inf if spec_field.minimum is None else spec_field.minimum
    high = np.inf if spec_field.maximum is None else spec_field.maximum
    outside = (column.notna() & ~column.astype("Float64").between(low, high).fillna(True)).to_numpy(dtype=np.bool_)
    _report(inspection, "out_of_range", outside, column, spec_field)
    inspection.frame[spec_field.name] = column.mask(outside)


def _say_excel_days(inspection: Inspection, raw: pd.Series, spec_field: FieldSpec) -> None:
    if spec_field.type != "time":
        return
    text = as_text(raw)
    given = _given(text)
    if are_excel_days(text.where(given, None)):
        count = int(given.sum())
        inspection.layer("excel_days", level=FindingLevel.INFO, field_name=spec_field.name, count=count)


def _repair_codes(inspection: Inspection, spec_field: FieldSpec) -> None:
    """Write a code as the specification does, where it differs from exactly one allowed code in case only."""
    plain = [code.strip().casefold() for code in spec_field.values]  # noqa: PD011
    alike = {key: code for key, code in zip(plain, spec_field.values, strict=True) if plain.count(key) == 1}
    column = inspection.frame[spec_field.name]
    meant = column.map(lambda value: alike.get(str(value).strip().casefold()), na_action="ignore")
    mask = (column.notna() & ~column.isin(spec_field.values) & meant.notna()).to_numpy(dtype=np.bool_)
    pairs = zip(column[mask], meant[mask], strict=True)
    details = [{"value": str(value)[:80], "code": str(code)} for value, code in pairs]
    inspection.rows(
        "code_spelling", mask, level=FindingLevel.INFO, action=FindingAction.REPAIRED, field_name=spec_field.name,
        details=details,
    )  # fmt: skip
    inspection.frame[spec_field.name] = column.mask(mask, meant)


def _check_codes(inspection: Inspection, spec_field: FieldSpec) -> None:
    if not spec_field.values:  # noqa: PD011 - a field specification, no frame
        return
    _repair_codes(inspection, spec_field)
    column = inspection.frame[spec_field.name]
    unknown = (column.notna() & ~column.isin(spec_field.values)).to_numpy(dtype=np.bool_)
    _report(inspection, "unknown_code", unknown, column, spec_field)
    inspection.frame[spec_field.name] = column.mask(unknown)


def _typed(raw: pd.Series, spec_field: FieldSpec, timezone: str, date_format: str | None) -> tuple[pd.Series, Mask]:
    readers: dict[str, Callable[[pd.Series], tuple[pd.Series, Mask]]] = {
        "string": _strings,
        "integer": _integers,
        "number": _numbers,
        "boolean": _booleans,
        "time": lambda series: _times(series, timezone, date_format),
        "clock": _clocks,
        "list": _lists,
    }
    return readers[spec_field.type](raw)


def _given(text: pd.Series) -> Mask:
    """Where a cell says something."""
    return np.array([value is not None and value.lower() not in _NULLS for value in text], dtype=np.bool_)


def _strings(raw: pd.Series) -> tuple[pd.Series, Mask]:
    text = as_text(raw).map(lambda value: value or None)
    return text.astype("str").where(text.notna()), np.zeros(len(raw), dtype=np.bool_)


def _numbers(raw: pd.Series) -> tuple[pd.Series, Mask]:
    if pd.api.types.is_numeric_dtype(raw.dtype) and not pd.api.types.is_bool_dtype(raw.dtype):
        values = raw.astype("Float64").astype(float)
        endless = np.isinf(values.to_numpy())
        return values.mask(endless), endless
    text = as_text(raw)
    given = _given(text)
    values = pd.to_numeric(text.where(given), errors="coerce").astype(float)
    values = values.where(np.isfinite(values))
    return values, given & values.isna().to_numpy()


def _integers(raw: pd.Series) -> tuple[pd.Series, Mask]:
    values, wrong = _numbers(raw)
    fraction = (values.notna() & (values != values.round())).to_numpy() | (values.abs() >= 2**53).to_numpy()
    return values.mask(fraction).astype("Int64"), wrong | fraction


def _booleans(raw: pd.Series) -> tuple[pd.Series, Mask]:
    text = as_text(raw).map(lambda value: value.lower() if value is not None else None)
    values = text.map(lambda value: True if value in _TRUE else (False if value in _FALSE else None))
    return values.astype("boolean"), _given(text) & values.isna().to_numpy()


def _clocks(raw: pd.Series) -> tuple[pd.Series, Mask]:
    text = as_text(raw)
    found = text.map(lambda value: _CLOCK.fullmatch(value) if value else None)
    values = found.map(lambda match: f"{int(match[1]):02d}:{match[2]}" if match else None)
    return values.astype("str").where(values.notna()), _given(text) & values.isna().to_numpy()


def _lists(raw: pd.Series) -> tuple[pd.Series, Mask]:
    def items(value: object) -> list[str]:
        parts = value if isinstance(value, list | tuple | np.ndarray) else _SEPARATORS.split(str(value))
        return [str(part).strip() for part in parts if str(part).strip()]

    values = [items(value) if isinstance(value, list | np.ndarray) or not _is_null(value) else [] for value in raw]
    return pd.Series(values, index=raw.index, dtype=object), np.zeros(len(raw), dtype=np.bool_)


def _is_null(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)) or value == ""


def _times(raw: pd.Series, timezone: str, date_format: str | None) -> tuple[pd.Series, Mask]:
    text = as_text(raw)
    given = _given(text)
    values = read_times(text.where(given, None), timezone=timezone, date_format=date_format)
    return values, given & values.isna().to_numpy()
