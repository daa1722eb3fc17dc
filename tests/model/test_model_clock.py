"""Deadlines, lamps and reminders, by hand and by property."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import ParameterError
from gridgov.model.clock import (
    Clock,
    Lamp,
    Limit,
    LimitUnit,
    ReminderRule,
    WorkCalendar,
    after,
    deadline,
    due_at,
    due_reminders,
    duration,
    elapsed,
    lamp,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKDAY = ((8 * 60 + 30, 12 * 60), (13 * 60 + 30, 18 * 60))  # 3.5 h + 4.5 h = 8 h

# The State Council's arrangement for the days around 1 May and 1 October 2026, as the profile has it.
CALENDAR = WorkCalendar(
    timezone="Asia/Shanghai",
    weekly=(WEEKDAY,) * 5 + ((), ()),
    holidays=frozenset(
        [date(2026, 5, day) for day in range(1, 6)]
        + [date(2026, 9, day) for day in (25, 26, 27)]
        + [date(2026, 10, day) for day in range(1, 8)]
    ),
    makeup=frozenset([date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10)]),
    makeup_hours=WEEKDAY,
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        # within one day, over lunch
        ("2026-06-02 09:00", 2, "work_hours", "2026-06-02 11:00"),
        ("2026-06-02 11:00", 2, "work_hours", "2026-06-02 14:30"),
        # exactly to the end of the day, not to the next morning
        ("2026-06-02 16:00", 2, "work_hours", "2026-06-02 18:00"),
        # in the night and in the lunch break the clock stands
        ("2026-06-02 22:00", 1, "work_hours", "2026-06-03 09:30"),
        ("2026-06-02 12:30", 1, "work_hours", "2026-06-02 14:30"),
        # Friday afternoon, over the weekend
        ("2026-06-05 17:00", 4, "work_hours", "2026-06-08 11:30"),
        ("2026-06-06 10:00", 4, "work_hours", "2026-06-08 14:00"),
        # a work day is 8 work hours: the same time on the next work day
        ("2026-06-02 10:00", 1, "work_days", "2026-06-03 10:00"),
        ("2026-06-05 10:00", 1, "work_days", "2026-06-08 10:00"),
        ("2026-06-05 10:00", 5, "work_days", "2026-06-12 10:00"),
        # Thursday 30 April 17:00: 1 h left, then 1-5 May off, so 3 h on Wednesday 6 May
        ("2026-04-30 17:00", 4, "work_hours", "2026-05-06 11:30"),
        # Friday 8 May 17:00, and Saturday 9 May is a make-up work day
        ("2026-05-08 17:00", 4, "work_hours", "2026-05-09 11:30"),
        # from Friday 8 May 10:00: Sat 9 (make-up), Mon 11
        ("2026-05-08 10:00", 2, "work_days", "2026-05-11 10:00"),
        # Thursday 24 September to Monday 28: 25-27 off (Mid-Autumn)
        ("2026-09-24 10:00", 1, "work_days", "2026-09-28 10:00"),
        # Saturday 19 September is free, Sunday 20 is worked
        ("2026-09-19 10:00", 2, "work_hours", "2026-09-20 10:30"),
        # Wednesday 30 September 10:00 + 3 days: Thu 8, Fri 9, Sat 10 October (make-up)
        ("2026-09-30 10:00", 3, "work_days", "2026-10-10 10:00"),
        ("2026-09-30 10:00", 4, "work_days", "2026-10-12 10:00"),
        # round the clock
        ("2026-05-01 23:00", 2, "calendar_hours", "2026-05-02 01:00"),
        ("2026-05-01 23:00", 0.5, "urgent_hours", "2026-05-01 23:30"),
    ],
)
def test_deadlines_across_lunch_nights_weekends_holidays_and_makeup_days(
    start: str, amount: float, unit: str, due: str
) -> None:
    assert due_at(local(start), Limit(amount, LimitUnit(unit)), CALENDAR) == local(due)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-06-02 09:00", "2026-06-02 11:00", 2.0),
        ("2026-06-02 11:00", "2026-06-02 14:30", 2.0),
        ("2026-06-05 17:00", "2026-06-08 09:30", 2.0),
        ("2026-06-06 08:00", "2026-06-07 20:00", 0.0),
        ("2026-05-01 00:00", "2026-05-06 00:00", 0.0),
        ("2026-05-08 00:00", "2026-05-11 00:00", 16.0),
        ("2026-06-02 11:00", "2026-06-02 09:00", -2.0),
    ],
)
def test_work_time_between_two_moments(start: str, end: str, hours: float) -> None:
    assert elapsed(local(start), local(end), LimitUnit.WORK_HOURS, CALENDAR) == timedelta(hours=hours)


def test_a_change_of_summer_time_is_counted_as_it_happened() -> None:
    """Berlin, 29 March 2026: the night has one hour less; the work hours of the day stay eight."""
    berlin = WorkCalendar("Europe/Berlin", ((((0, 24 * 60)),),) * 7)
    start = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert due_at(start, Limit(24, LimitUnit.WORK_HOURS), berlin) == datetime(
        2026, 3, 29, 13, tzinfo=ZoneInfo("Europe/Berlin")
    )


moments = st.datetimes(datetime(2026, 4, 1), datetime(2026, 10, 20)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
amounts = st.integers(1, 40 * 60).map(lambda minutes: timedelta(minutes=minutes))
units = st.sampled_from(LimitUnit)


@given(moments, moments, amounts, units)
def test_a_later_start_is_never_due_earlier(
    first: datetime, second: datetime, counted: timedelta, unit: LimitUnit
) -> None:
    early, late = sorted([first, second])
    assert after(early, counted, unit, CALENDAR) <= after(late, counted, unit, CALENDAR)


@given(moments, amounts, amounts, units)
def test_more_to_count_is_due_later_and_limits_add_up(
    start: datetime, one: timedelta, two: timedelta, unit: LimitUnit
) -> None:
    together = after(start, one + two, unit, CALENDAR)
    assert after(start, one, unit, CALENDAR) < together
    assert after(after(start, one, unit, CALENDAR), two, unit, CALENDAR) == together


@given(moments, amounts, units)
def test_what_is_counted_until_the_deadline_is_the_limit(start: datetime, counted: timedelta, unit: LimitUnit) -> None:
    due = after(start, counted, unit, CALENDAR)
    assert elapsed(start, due, unit, CALENDAR) == counted
    assert elapsed(start, due - timedelta(seconds=1), unit, CALENDAR) == counted - timedelta(seconds=1)


@given(moments, moments, moments, units)
def test_elapsed_time_adds_up(one: datetime, two: datetime, three: datetime, unit: LimitUnit) -> None:
    a, b, c = sorted([one, two, three])
    whole = elapsed(a, c, unit, CALENDAR)
    assert whole == elapsed(a, b, unit, CALENDAR) + elapsed(b, c, unit, CALENDAR)
    assert timedelta(0) <= whole <= c - a


@given(moments, amounts, st.integers(0, 100_000), st.integers(0, 400_000), units)
def test_a_pause_is_neutral(start: datetime, counted: timedelta, run_s: int, pause_s: int, unit: LimitUnit) -> None:
    """Stop the clock for a while: as much is counted before and after as without the pause."""
    stop = start + timedelta(seconds=run_s)
    left = elapsed(stop, after(start, counted, unit, CALENDAR), unit, CALENDAR)
    again = stop + timedelta(seconds=pause_s)
    if left > timedelta(0):
        due = after(again, left, unit, CALENDAR)
        assert elapsed(start, stop, unit, CALENDAR) + elapsed(again, due, unit, CALENDAR) == counted
        assert pause_s > 0 or due == after(start, counted, unit, CALENDAR)


def test_the_lamp_is_yellow_from_its_share_on_and_red_only_past_the_deadline() -> None:
    warn, due = local("2026-06-02 10:00"), local("2026-06-02 11:00")
    assert lamp(warn, due, local("2026-06-02 09:59")) is Lamp.GREEN
    assert lamp(warn, due, warn) is Lamp.YELLOW
    assert lamp(warn, due, due) is Lamp.YELLOW
    assert lamp(warn, due, due + timedelta(microseconds=1)) is Lamp.RED


def test_the_yellow_moment_is_a_share_of_work_time() -> None:
    """4 work hours from Friday 15:00: three are used up at 18:00, the fourth ends on Monday at 9:30."""
    clock = Clock(CALENDAR, 0.75)
    four = timedelta(hours=4)
    moments = deadline(local("2026-06-05 15:00"), four, four, LimitUnit.WORK_HOURS, clock)
    assert (moments.warn_at, moments.due_at) == (local("2026-06-05 18:00"), local("2026-06-08 09:30"))


def test_with_less_than_the_last_share_left_the_lamp_is_yellow_at_once() -> None:
    at = local("2026-06-05 15:00")
    moments = deadline(at, timedelta(minutes=30), timedelta(hours=4), LimitUnit.WORK_HOURS, Clock(CALENDAR, 0.75))
    assert moments.warn_at == at
    assert moments.due_at == local("2026-06-05 15:30")


RULES = (ReminderRule("red", 1.0), ReminderRule("yellow", 0.75), ReminderRule("double", 2.0))


def test_a_reminder_is_due_from_its_share_on_until_it_was_sent() -> None:
    assert due_reminders(0.74, (), RULES) == ()
    assert due_reminders(0.75, (), RULES) == ("yellow",)
    assert due_reminders(1.0, (), RULES) == ("yellow", "red")
    assert due_reminders(1.0, ("yellow",), RULES) == ("red",)
    assert due_reminders(9.0, ("yellow", "red", "double"), RULES) == ()


@given(st.lists(st.floats(0, 3), min_size=1, max_size=20))
def test_whenever_one_looks_every_reminder_comes_exactly_once(looks: list[float]) -> None:
    sent: list[str] = []
    for share in sorted(looks):
        sent += due_reminders(share, sent, RULES)
    assert sorted(sent) == sorted(rule.code for rule in RULES if rule.share <= max(looks))


def test_a_work_day_is_as_many_work_hours_as_the_calendar_says() -> None:
    short = WorkCalendar("Asia/Shanghai", (WEEKDAY,) * 5 + ((), ()), work_day_hours=7.5)
    assert duration(Limit(2, LimitUnit.WORK_DAYS), short) == timedelta(hours=15)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weekly": ((),) * 7}, "without any work hour"),
        ({"weekly": (WEEKDAY,) * 5}, "7 days"),
        ({"weekly": (((600, 500),),) * 7}, "10:00-08:20"),
        ({"weekly": (((500, 700), (600, 800)),) * 7}, "10:00-13:20"),
        ({"timezone": "Asia/Nowhere"}, "Asia/Nowhere"),
        ({"holidays": frozenset([date(2026, 5, 9)]), "makeup": frozenset([date(2026, 5, 9)])}, "both"),
        ({"makeup_hours": ()}, "makeup_hours"),
        ({"work_day_hours": 0}, "work day"),
    ],
)
def test_an_impossible_calendar_is_refused(changes: dict[str, object], says: str) -> None:
    given_: dict[str, object] = {
        "timezone": "Asia/Shanghai",
        "weekly": (WEEKDAY,) * 7,
        "makeup": frozenset([date(2026, 5, 9)]),
        "makeup_hours": WEEKDAY,
    }
    with pytest.raises(ParameterError, match=says):
        WorkCalendar(**{**given_, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", [0, -1, float("nan"), float("inf"), 100_001, 1e300])
def test_an_impossible_limit_is_refused(amount: float) -> None:
    with pytest.raises(ParameterError, match="time limit"):
        Limit(amount, LimitUnit.WORK_HOURS)


def test_a_limit_is_written_with_a_whole_number_where_it_is_one() -> None:
    assert Limit(4.0, LimitUnit.WORK_HOURS).to_dict() == {"amount": 4, "unit": "work_hours"}
    assert Limit.from_dict({"amount": 0.5, "unit": "urgent_hours"}) == Limit(0.5, LimitUnit.URGENT_HOURS)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ParameterError, match="time zone"):
        due_at(datetime(2026, 6, 2), Limit(1, LimitUnit.WORK_HOURS), CALENDAR)


def test_a_calendar_with_too_little_work_says_so() -> None:
    weekly = (((0, 1),), (), (), (), (), (), ())
    with pytest.raises(ParameterError, match="not enough work hours"):
        due_at(local("2026-06-02 10:00"), Limit(1000, LimitUnit.WORK_HOURS), WorkCalendar("Asia/Shanghai", weekly))
