"""Times as spreadsheets and Chinese systems write them, read into aware UTC."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.layers.inspection import Inspection, Mask

_OFFSET = re.compile(r":\d\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$")
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y%m%d%H%M%S",
)
_CHINESE = re.compile(
    r"(?P<year>\d{4})[年/.-](?P<month>\d{1,2})[月/.-](?P<day>\d{1,2})[日号]?"
    r"(?:\s*(?P<half>上午|下午)?\s*(?P<hour>\d{1,2})(?:[:：]|时|点)(?:(?P<minute>\d{1,2})(?:(?:[:：]|分)(?P<second>\d{1,2})?秒?)?)?)?"
)
_EXCEL_ORIGIN = "1899-12-30"  # day 0 as it counts since Excel takes 1900 for a leap year
_EXCEL_DAYS = (20_000.0, 80_000.0)  # 1954 to 2119
_PLAUSIBLE = (pd.Timestamp("1990-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC"))
_CALENDAR = (pd.Timestamp("0001-01-02", tz="UTC"), pd.Timestamp("9999-12-30", tz="UTC"))  # Python's, in every zone
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")


def read_times(text: pd.Series, *, timezone: str, date_format: str | None = None) -> pd.Series:
    """Return texts as aware UTC, NaT where one is no time.

    A time without an offset is local time of `timezone` (the later reading where clocks go back). Read are ISO 8601,
    some usual formats, Chinese dates (2026年6月1日 下午3时5分) and, where all cells are such, day numbers of Excel.

    Parameters
    ----------
    text : Series of str, None where the cell is empty
    timezone : str
    date_format : str, optional
        As of strptime; tried first, and in place of the formats that are not ISO 8601 or Chinese.
    """
    times = _read(text, timezone, date_format)
    return times.where(times.between(*_CALENDAR))


def _read(text: pd.Series, timezone: str, date_format: str | None) -> pd.Series:
    if are_excel_days(text):
        days = pd.to_numeric(text).astype(float)
        moments = pd.to_datetime(days, unit="D", origin=_EXCEL_ORIGIN, errors="coerce").dt.round("s")
        return _utc(moments, timezone)
    if date_format and "%z" in date_format:
        stated = pd.to_datetime(text, format=date_format, utc=True, errors="coerce").astype("datetime64[us, UTC]")
        return stated.fillna(_read(text.where(stated.isna(), None), timezone, None))
    offset = np.array([bool(value and _OFFSET.search(value)) for value in text], dtype=np.bool_)
    aware = pd.to_datetime(text.where(offset), format="ISO8601", utc=True, errors="coerce")
    naive = _naive(text.where(~offset), date_format)
    return aware.astype("datetime64[us, UTC]").fillna(_utc(naive, timezone))


def are_excel_days(text: pd.Series) -> bool:
    """Whether every cell that is given holds a serial day number of Excel, as 46174.354."""
    given = [value for value in text if value is not None]
    low, high = _EXCEL_DAYS
    return bool(given) and all(_SERIAL.fullmatch(value) and low <= float(value) <= high for value in given)


def check_times(inspection: Inspection, *, now: datetime | None = None, timezone: str = "UTC") -> None:
    """Say which times of incidents cannot be: closed before reported, reported after `now`, in another century."""
    if not {"reported_at", "closed_at"} <= set(inspection.frame.columns):
        return
    reported, closed = inspection.frame["reported_at"], inspection.frame["closed_at"]
    odd = (reported < _PLAUSIBLE[0]) | (reported >= _PLAUSIBLE[1])
    later = (reported > pd.Timestamp(now)) & ~odd if now is not None else odd & False
    for rule, name, mask in (
        ("closed_before_reported", "closed_at", closed < reported),
        ("reported_in_no_age", "reported_at", odd),
        ("reported_in_future", "reported_at", later),
    ):
        found: Mask = mask.fillna(False).to_numpy(dtype=np.bool_)
        columns = (reported[found], closed[found])
        details = [
            {"reported": _written(start, timezone), "closed": _written(end, timezone)}
            for start, end in zip(*columns, strict=True)
        ]
        inspection.rows(rule, found, field_name=name, details=details)


def _written(moment: pd.Timestamp, timezone: str) -> str:
    return "" if pd.isna(moment) else moment.tz_convert(timezone).strftime("%Y-%m-%d %H:%M")


def _utc(naive: pd.Series, timezone: str) -> pd.Series:
    standard: NDArray[np.bool_] = np.zeros(len(naive), dtype=np.bool_)
    first, last = (limit.tz_localize(None) for limit in _CALENDAR)
    naive = naive.where(naive.between(first, last))
    local = naive.dt.tz_localize(timezone, ambiguous=standard, nonexistent="shift_forward")
    moments: pd.Series = local.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    return moments


def _naive(text: pd.Series, date_format: str | None) -> pd.Series:
    patterns = (date_format, "ISO8601") if date_format else ("ISO8601", *_FORMATS)
    values = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
    for pattern in patterns:
        left = values.isna() & text.notna()
        if not left.any():
            return values
        found = pd.to_datetime(text.where(left), format=pattern, errors="coerce")
        values = values.fillna(found.astype("datetime64[us]"))
    left = values.isna() & text.notna()
    chinese = pd.to_datetime(text.where(left).map(_iso, na_action="ignore"), format="ISO8601", errors="coerce")
    return values.fillna(chinese.astype("datetime64[us]"))


def _iso(text: str) -> str | None:
    """A Chinese date as ISO 8601: 2026年6月1日 下午3时5分 -> 2026-06-01T15:05:00."""
    match = _CHINESE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (
        int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    if match["half"] == "上午":
        if hour > 12:
            return None
        hour %= 12
    elif match["half"] == "下午" and hour < 12:
        hour += 12
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
