"""处置时限: work calendars, deadlines, lamps and reminders of the handling of an incident.

Two things can be counted: work time (the open hours of a calendar, holidays and make-up work days 调休 minded) and time
round the clock. A limit is an amount of one of them, so a deadline is the first moment at which that much has been
counted, and limits can be added, stopped and continued without loss.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gridgov.errors import ParameterError

Span = tuple[int, int]  # minutes since local midnight, start and end
MAX_AMOUNT = 100_000  # of hours or days; beyond it a slip of the pen
_DAY_MINUTES = 24 * 60
_SEARCH_DAYS = 20 * 366  # no limit of a handbook is longer; a calendar without work ends here
_MS = timedelta(milliseconds=1)


class LimitUnit(StrEnum):
    """What a limit counts: 工作时, 工作日, 小时, 紧急工作时."""

    WORK_HOURS = "work_hours"
    WORK_DAYS = "work_days"
    CALENDAR_HOURS = "calendar_hours"
    URGENT_HOURS = "urgent_hours"

    @property
    def counts_work_time(self) -> bool:
        """Whether only work time counts; otherwise the clock runs day and night."""
        return self in {LimitUnit.WORK_HOURS, LimitUnit.WORK_DAYS}


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of time to count, such as 4 work hours.

    Raises
    ------
    ParameterError
        The amount is not a positive number up to `MAX_AMOUNT`.
    """

    amount: float
    unit: LimitUnit

    def __post_init__(self) -> None:
        if not math.isfinite(self.amount) or not 0 < self.amount <= MAX_AMOUNT:
            raise ParameterError(
                f"a time limit of {self.amount:g} {self.unit} is impossible: give more than 0, up to {MAX_AMOUNT:,}"
            )
        object.__setattr__(self, "unit", LimitUnit(self.unit))
        if float(self.amount).is_integer():
            object.__setattr__(self, "amount", int(self.amount))

    def to_dict(self) -> dict[str, Any]:
        """Return the limit as plain data for JSON."""
        return {"amount": self.amount, "unit": str(self.unit)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Limit:
        """Read what `to_dict` wrote."""
        return cls(data["amount"], LimitUnit(data["unit"]))


@dataclass(frozen=True)
class WorkCalendar:
    """When people work.

    Attributes
    ----------
    timezone : str
        IANA name.
    weekly : tuple of 7 tuples of (start, end)
        Open hours from Monday to Sunday, in minutes since local midnight, in order and not overlapping.
    holidays : frozenset of date
        Days without work.
    makeup : frozenset of date
        Rest days on which people work (调休); they have `makeup_hours`.
    makeup_hours : tuple of (start, end)
    work_day_hours : float
        How many work hours one work day of a limit is.

    Raises
    ------
    ParameterError
        The calendar has no work at all, spans that overlap, a day that is both holiday and make-up day, or an
        unknown time zone.
    """

    timezone: str
    weekly: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date] = frozenset()
    makeup: frozenset[date] = frozenset()
    makeup_hours: tuple[Span, ...] = ()
    work_day_hours: float = 8

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise ParameterError(f"a work calendar needs hours for 7 days, Monday first, not {len(self.weekly)}")
        for spans in (*self.weekly, self.makeup_hours):
            _check_spans(spans)
        if not any(self.weekly):
            raise ParameterError("a work calendar without any work hour cannot count work time: give weekly hours")
        if both := sorted(self.holidays & self.makeup):
            raise ParameterError(f"{both[0]} is both a holiday and a make-up work day: strike one of them")
        if self.makeup and not self.makeup_hours:
            raise ParameterError("the work calendar has make-up work days but no hours for them: give makeup_hours")
        if not math.isfinite(self.work_day_hours) or not 0 < self.work_day_hours <= 24:
            raise ParameterError(
                f"a work day of {self.work_day_hours:g} hours is impossible: give more than 0, up to 24"
            )
        _ = self.zone

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ParameterError(f"the time zone '{self.timezone}' is unknown: give an IANA name") from error

    def hours_of(self, day: date) -> tuple[Span, ...]:
        """Return the open hours of a day, in minutes since local midnight."""
        if day in self.holidays:
            return ()
        return self.makeup_hours if day in self.makeup else self.weekly[day.weekday()]

    def work_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the work spans that end after a moment, in UTC and in order; the first is cut at the moment."""
        first = start.astimezone(self.zone).date()
        for day in (first + timedelta(days=n) for n in range(_SEARCH_DAYS)):
            for begin, end in self._spans_of(day):
                if start < end:
                    yield max(begin, start), end

    def _spans_of(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        if day not in self._known_days:
            spans = ((self._utc(day, begin), self._utc(day, end)) for begin, end in self.hours_of(day))
            self._known_days[day] = tuple(span for span in spans if span[0] < span[1])
        return self._known_days[day]

    @cached_property
    def _known_days(self) -> dict[date, tuple[tuple[datetime, datetime], ...]]:
        """Days whose spans were asked for before: every deadline asks for the same few."""
        return {}

    def _utc(self, day: date, minutes: int) -> datetime:
        full_days, rest = divmod(minutes, _DAY_MINUTES)
        local = datetime.combine(day + timedelta(days=full_days), time(*divmod(rest, 60)), self.zone)
        return local.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """A reminder that falls due once, when `share` of the limit is used up (1: at the deadline, 2: twice over)."""

    code: str
    share: float

    def __post_init__(self) -> None:
        if not self.code or not math.isfinite(self.share) or self.share <= 0:
            raise ParameterError(
                f"the reminder '{self.code}' at {self.share:g} of the limit needs a code and a share > 0"
            )


@dataclass(frozen=True)
class Clock:
    """How handling is timed: the calendar, the share of a limit at which the lamp turns yellow, the reminders."""

    calendar: WorkCalendar
    yellow_share: float = 0.75
    reminders: tuple[ReminderRule, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not 0 < self.yellow_share < 1:
            raise ParameterError(f"the yellow share {self.yellow_share:g} must lie between 0 and 1")


class Lamp(StrEnum):
    """绿灯 / 黄灯 / 红灯: how the handling stands against its deadline."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The two moments a lamp needs: yellow from `warn_at` on, red after `due_at` (aware UTC)."""

    warn_at: datetime
    due_at: datetime


def duration(limit: Limit, calendar: WorkCalendar) -> timedelta:
    """Return how much time a limit counts; a work day is `work_day_hours` work hours."""
    hours = limit.amount * (calendar.work_day_hours if limit.unit is LimitUnit.WORK_DAYS else 1)
    return round(timedelta(hours=hours) / _MS) * _MS


def due_at(start: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """Return the first moment at which the whole limit has been counted since `start` (aware; the answer is UTC).

    Raises
    ------
    ParameterError
        `start` has no time zone, or the calendar has too little work time.
    """
    return after(start, duration(limit, calendar), limit.unit, calendar)


def after(start: datetime, counted: timedelta, unit: LimitUnit, calendar: WorkCalendar) -> datetime:
    """Return the first moment at which `counted` has been counted since `start`; nothing to count: `start` itself."""
    moment = _aware(start)
    if not unit.counts_work_time or counted <= timedelta(0):
        return moment + max(counted, timedelta(0))
    left = counted
    for begin, end in calendar.work_from(moment):
        if left <= end - begin:
            return begin + left
        left -= end - begin
    raise ParameterError(f"the work calendar has not enough work hours for {counted} after {moment:%Y-%m-%d}")


def elapsed(start: datetime, end: datetime, unit: LimitUnit, calendar: WorkCalendar) -> timedelta:
    """Return how much time of a unit's kind lies between two moments; negative when `end` is the earlier one."""
    begin, stop = _aware(start), _aware(end)
    if stop < begin:
        return -elapsed(stop, begin, unit, calendar)
    if not unit.counts_work_time:
        return stop - begin
    total = timedelta(0)
    for open_at, closed_at in calendar.work_from(begin):
        if open_at >= stop:
            break
        total += min(closed_at, stop) - open_at
    return total


def deadline(at: datetime, left: timedelta, total: timedelta, unit: LimitUnit, clock: Clock) -> Deadline:
    """Return the deadline when `left` of a limit's `total` is still to be counted from `at`.

    The lamp turns yellow when the yellow share of the total is used up; if it is already, at once. Nothing left: `at`.
    """
    until_yellow = left - (1 - clock.yellow_share) * total
    until_yellow = round(until_yellow / _MS) * _MS
    return Deadline(after(at, until_yellow, unit, clock.calendar), after(at, left, unit, clock.calendar))


def lamp(warn_at: datetime, due: datetime, now: datetime) -> Lamp:
    """Return the lamp at a moment: red past the deadline, yellow from `warn_at` on, else green."""
    if now > due:
        return Lamp.RED
    return Lamp.YELLOW if now >= warn_at else Lamp.GREEN


def due_reminders(used_share: float, sent: Collection[str], rules: tuple[ReminderRule, ...]) -> tuple[str, ...]:
    """Return the codes of the reminders whose share is used up and which were not sent yet, in order of share."""
    ordered = sorted(rules, key=lambda rule: rule.share)
    return tuple(rule.code for rule in ordered if rule.share <= used_share and rule.code not in sent)


def _check_spans(spans: tuple[Span, ...]) -> None:
    last = 0
    for begin, end in spans:
        if not last <= begin < end <= _DAY_MINUTES:
            raise ParameterError(
                f"the work hours {_clock(begin)}-{_clock(end)} are impossible: give spans in order within one day"
            )
        last = end


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ParameterError(f"the time {moment.isoformat()} has no time zone: give an aware time")
    return moment.astimezone(UTC)
