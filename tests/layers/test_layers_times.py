"""Times as sources write them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.layers import CheckResult, ImportLayer, load_specs, read_layer
from gridgov.layers.times import read_times

SPECS = load_specs()


def one(text: str, **options: str) -> str | None:
    value = read_times(pd.Series([text, "2020-01-01"], dtype=object), timezone="Asia/Shanghai", **options).iloc[0]
    return None if pd.isna(value) else value.tz_convert("Asia/Shanghai").strftime("%Y-%m-%d %H:%M:%S")


def incidents(folder: Path, *times: str, **options: str) -> CheckResult:
    path = folder / "t.csv"
    rows = [f"I{i},{time},119.1,{29.6 + i / 1000}" for i, time in enumerate(times)]
    path.write_text("\n".join(["incident_id,reported_at,lon,lat", *rows]), encoding="utf-8")
    return read_layer(
        ImportLayer("incidents", "incidents", path, **{"timezone": "Asia/Shanghai", **options}), SPECS["incidents"]
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-06-01T08:30:00", "2026-06-01 08:30:00"),
        ("2026-06-01T00:30:00Z", "2026-06-01 08:30:00"),
        ("2026-06-01 08:30:00+09:00", "2026-06-01 07:30:00"),
        ("2026/6/1 8:30", "2026-06-01 08:30:00"),
        ("06/01/2026 08:30:00 PM", "2026-06-01 20:30:00"),
        ("20260601083000", "2026-06-01 08:30:00"),
        ("2026年6月1日", "2026-06-01 00:00:00"),
        ("2026年6月1日 8时30分", "2026-06-01 08:30:00"),
        ("2026年06月01日8时30分5秒", "2026-06-01 08:30:05"),
        ("2026年6月1日 8时", "2026-06-01 08:00:00"),
        ("2026年6月1日 08:30", "2026-06-01 08:30:00"),
        ("2026-06-01 上午8:00", "2026-06-01 08:00:00"),
        ("2026-06-01 下午3:05", "2026-06-01 15:05:00"),
        ("2026-06-01 下午12:05", "2026-06-01 12:05:00"),
        ("2026-06-01 上午12:05", "2026-06-01 00:05:00"),
        ("2026-06-01 上午13:05", None),
        ("2026年2月30日", None),
        ("46174.354167", None),
        ("soon", None),
    ],
)
def test_a_time_is_read_as_it_is_meant(text: str, read: str | None) -> None:
    """Without an offset it is local time."""
    assert one(text) == read


@pytest.mark.parametrize("text", ["9999-12-31 23:59", "9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00"])
@pytest.mark.parametrize("timezone", ["Asia/Shanghai", "America/New_York"])
def test_the_ends_of_the_calendar_are_no_times(tmp_path: Path, text: str, timezone: str) -> None:
    """In another zone they would lie in no year that can be written."""
    result = incidents(tmp_path, text, "2026-06-01", timezone=timezone)
    assert [f.rule for f in result.findings] == ["wrong_type"]


@given(st.datetimes(min_value=pd.Timestamp("1995-01-01"), max_value=pd.Timestamp("2090-01-01")))
def test_a_chinese_date_gives_the_time_that_was_written(moment: pd.Timestamp) -> None:
    """Year, month, day, hour, minute and second come back."""
    written = f"{moment.year}年{moment.month}月{moment.day}日 {moment.hour}时{moment.minute}分{moment.second}秒"
    assert one(written) == moment.strftime("%Y-%m-%d %H:%M:%S")


def test_a_column_of_excel_days_is_dates_and_said(tmp_path: Path) -> None:
    """46174 is 1 June 2026."""
    result = incidents(tmp_path, "46174", "46174.354166667", "")
    times = result.frame["reported_at"].dt.tz_convert("Asia/Shanghai")
    assert times.iloc[0] == pd.Timestamp("2026-06-01", tz="Asia/Shanghai")
    assert times.iloc[1] == pd.Timestamp("2026-06-01 08:30", tz="Asia/Shanghai")
    assert pd.isna(times.iloc[2])
    assert [(f.rule, f.detail) for f in result.findings] == [("excel_days", {"count": 2})]


def test_a_number_among_dates_is_no_excel_day(tmp_path: Path) -> None:
    """It may be anything; it is emptied and said."""
    result = incidents(tmp_path, "46174", "2026-06-01")
    assert result.frame["reported_at"].isna().tolist() == [True, False]
    assert [f.rule for f in result.findings] == ["wrong_type"]


def test_the_import_file_may_say_how_dates_are_written(tmp_path: Path) -> None:
    """The day comes first here; ISO 8601 is read all the same."""
    result = incidents(tmp_path, "01.06.2026 08:30", "2026-06-01T08:30", date_format="%d.%m.%Y %H:%M")
    assert result.findings == []
    first, second = result.frame["reported_at"]
    assert first == second


def test_a_date_format_may_hold_the_offset() -> None:
    """Then the offset counts and not the zone."""
    assert one("01/06/2026 00:30 +0000", date_format="%d/%m/%Y %H:%M %z") == "2026-06-01 08:30:00"
