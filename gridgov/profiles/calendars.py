"""Work calendar of a city (data/profiles/calendar.toml): work hours, holidays, make-up days, lamp and reminders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.model.clock import Clock, ReminderRule, Span, WorkCalendar
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.tables import Table

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Holiday:
    """A holiday from its first to its last day, and the rest days that are worked for it."""

    names: dict[str, str]
    first: date
    last: date
    makeup: tuple[date, ...]
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class CalendarProfile:
    """The clock of a city, where its numbers are from, and the years whose holidays it knows."""

    clock: Clock
    holidays: tuple[Holiday, ...]
    years: frozenset[int]
    source: str
    certainty: Certainty


def load_calendar(path: Path | None = None) -> CalendarProfile:
    """Read the work calendar.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/calendar.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path or resource_dir("profiles") / "calendar.toml")
    holidays = tuple(_holiday(row) for row in table.tables("holiday"))
    hours = table.table("weekly")
    weekly = tuple(_spans(hours, day) for day in _WEEKDAYS)
    makeup_hours = _spans(hours, "makeup")
    reminders = tuple(_reminder(row) for row in table.tables("reminder", "code"))
    source, certainty = _cited(table)
    try:
        calendar = WorkCalendar(
            timezone=table.text("timezone"),
            weekly=weekly,
            holidays=frozenset(day for holiday in holidays for day in _days(holiday)),
            makeup=frozenset(day for holiday in holidays for day in holiday.makeup),
            makeup_hours=makeup_hours,
            work_day_hours=table.number("work_day_hours"),
        )
        clock = Clock(calendar, table.number("yellow_share"), reminders)
    except ParameterError as error:
        raise SpecError(f"{table.where}: {error}") from error
    hours.finish()
    table.finish()
    years = frozenset(day.year for holiday in holidays for day in (holiday.first, holiday.last))
    return CalendarProfile(clock, holidays, years, source, certainty)


def _cited(table: Table) -> tuple[str, Certainty]:
    return table.text("source"), Certainty(table.text("certainty", among=list(Certainty)))


def _holiday(row: Table) -> Holiday:
    names, first, last = row.names("names"), row.day("first"), row.day("last")
    if last < first:
        raise SpecError(f"{row.where}: it ends on {last} before it begins on {first}; exchange them")
    source, certainty = _cited(row)
    holiday = Holiday(names, first, last, tuple(row.days("makeup")), source, certainty)
    row.finish()
    return holiday


def _days(holiday: Holiday) -> list[date]:
    return [holiday.first + timedelta(days=n) for n in range((holiday.last - holiday.first).days + 1)]


def _reminder(row: Table) -> ReminderRule:
    code, share = row.text("code"), row.number("share")
    row.finish()
    try:
        return ReminderRule(code, share)
    except ParameterError as error:
        raise SpecError(f"{row.where}: {error}") from error


def _spans(table: Table, key: str) -> tuple[Span, ...]:
    spans = []
    for text in table.texts(key):
        if (match := _SPAN.fullmatch(text)) is None:
            raise SpecError(f"{table.where}: '{key}' holds '{text}'; write spans such as 08:30-12:00")
        hours = [int(part) for part in match.groups()]
        spans.append((hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]))
    return tuple(spans)
