"""The profiles of incidents and of the work calendar: what the files hold, and what is said about a wrong one."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, RecordNotFoundError, SpecError
from gridgov.i18n import has_label
from gridgov.model.clock import Limit, LimitUnit, due_at
from gridgov.model.incident_classes import Certainty
from gridgov.model.incidents import IncidentKind
from gridgov.profiles import load_calendar, load_incident_profile

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "limit", "due"),
    [
        # Spring Festival 15-23 February, Saturdays 14 and 28 worked: Fri 13, Sat 14, Tue 24
        ("2026-02-13 10:00", Limit(2, LimitUnit.WORK_DAYS), "2026-02-24 10:00"),
        ("2026-02-14 17:00", Limit(4, LimitUnit.WORK_HOURS), "2026-02-24 11:30"),
        ("2026-02-27 17:00", Limit(2, LimitUnit.WORK_HOURS), "2026-02-28 09:30"),
        # New Year 1-3 January, Sunday 4 worked
        ("2025-12-31 17:00", Limit(2, LimitUnit.WORK_HOURS), "2026-01-04 09:30"),
        # Qingming 4-6 April (Saturday to Monday), nothing made up
        ("2026-04-03 10:00", Limit(1, LimitUnit.WORK_DAYS), "2026-04-07 10:00"),
        # Dragon Boat 19-21 June (Friday to Sunday)
        ("2026-06-18 10:00", Limit(1, LimitUnit.WORK_DAYS), "2026-06-22 10:00"),
        # Sunday 20 September worked, Mid-Autumn 25-27, National Day 1-7 October, Saturday 10 worked
        ("2026-09-18 10:00", Limit(1, LimitUnit.WORK_DAYS), "2026-09-20 10:00"),
        # so 28, 29, 30 September, 8, 9, 10, 12, 13 October
        ("2026-09-24 10:00", Limit(8, LimitUnit.WORK_DAYS), "2026-10-13 10:00"),
    ],
)
def test_deadlines_by_the_holidays_of_2026(start: str, limit: Limit, due: str) -> None:
    """Counted by hand on a wall calendar."""
    assert due_at(local(start), limit, load_calendar().clock.calendar) == local(due)


def test_the_calendar_holds_the_arrangement_of_the_state_council() -> None:
    """33 days off and 6 days made up, as the notice of 4 November 2025 has it."""
    profile = load_calendar()
    calendar = profile.clock.calendar
    assert (len(calendar.holidays), len(calendar.makeup)) == (3 + 9 + 3 + 5 + 3 + 3 + 7, 6)
    assert profile.years == {2026}
    assert all(day.weekday() >= 5 for day in calendar.makeup)
    assert all(holiday.certainty is Certainty.READ for holiday in profile.holidays)
    assert profile.certainty is Certainty.UNVERIFIED
    assert date(2026, 9, 20) in calendar.makeup


def test_every_reminder_has_a_text() -> None:
    assert all(has_label(f"incident.reminder.{rule.code}") for rule in load_calendar().clock.reminders)


def test_the_classes_of_the_sample_are_those_of_the_profile() -> None:
    recipe = tomllib.loads((resource_dir("data") / "sample.toml").read_text(encoding="utf-8"))
    profile = load_incident_profile()
    for row in recipe["incident_classes"]:
        found = profile.of(row["code"])
        assert (found.kind, found.name("zh"), found.name("en")) == (row["kind"], row["name"], row["name_en"])


def test_every_class_has_limits_words_source_and_mark() -> None:
    profile = load_incident_profile()
    assert len(profile.classes) == 31
    for item in profile.classes.values():
        assert item.limit_for().limit.amount > 0
        assert item.filing["zh"]
        assert item.closing["en"]
        assert all(limit.source and limit.certainty for limit in item.limits)
        assert item.rule in {"owner_first", "place_first"}


@pytest.mark.parametrize(
    ("code", "condition", "area", "limit"),
    [
        ("0101", "", "", Limit(1, LimitUnit.WORK_DAYS)),
        ("0101", "", "key", Limit(4, LimitUnit.WORK_HOURS)),
        ("0106", "demolition", "", Limit(20, LimitUnit.WORK_DAYS)),
        ("0106", "demolition", "key", Limit(20, LimitUnit.WORK_DAYS)),  # the condition decides before the area
        ("0106", "", "key", Limit(15, LimitUnit.WORK_DAYS)),
        ("01003", "missing", "", Limit(2, LimitUnit.URGENT_HOURS)),
    ],
)
def test_class_condition_and_area_give_the_limit(code: str, condition: str, area: str, limit: Limit) -> None:
    assert load_incident_profile().of(code).limit_for(condition, area).limit == limit


def test_an_unknown_class_or_condition_is_refused() -> None:
    profile = load_incident_profile()
    with pytest.raises(RecordNotFoundError, match="class '9999' is unknown"):
        profile.of("9999")
    with pytest.raises(ParameterError, match="no condition 'huge'; it has building_rubble, large"):
        profile.of("0102").limit_for("huge")


def test_majors_are_those_of_the_standard() -> None:
    majors = load_incident_profile().majors
    assert [names["zh"] for names in majors[IncidentKind.EVENT].values()][:5] == [
        "市容环境", "宣传广告", "施工管理", "街面秩序", "突发事件",
    ]  # fmt: skip
    assert len(majors[IncidentKind.COMPONENT]) == 5


Change = tuple[str, str]


def changed(name: str, change: Change, folder: Path) -> Path:
    text = (resource_dir("profiles") / name).read_text(encoding="utf-8")
    assert change[0] in text
    path = folder / name
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('code = "0102"', 'code = "0101"'), "the code is there twice"),
        (('code = "0102"', 'code = "9902"'), "begin with a major of event"),
        (('owner = "sanitation"', 'owner = "nobody"'), "'owner' is 'nobody'"),
        (("amount = 4", "amount = -4"), "a time limit of -4 work_hours"),
        (("amount = 4", 'amount = "4"'), "'amount' must be a number"),
        (('unit = "work_hours"', 'unit = "fortnights"'), "'unit' is 'fortnights'"),
        (('kind = "event"', 'kind = "evnt"'), "'kind' is 'evnt'"),
        (('certainty = "S"', 'certainty = "X"'), "must be one of V, S, U"),
        (('source = "handbooks"', 'source = "hearsay"'), "'source' is 'hearsay'"),
        (("owner =", "ownr ="), "unknown key 'ownr'"),
        (('area_class = "key"', 'area_class = "quay"'), "'area_class' is 'quay'"),
        (('area_class = "key", amount = 4', "amount = 4"), "same condition and area_class"),
        (('names = { zh = "暴露垃圾", en', 'names = { zh = "", en'), "'zh' is empty"),
        (('coordinator = "command_centre"', ""), "'coordinator' is missing"),
        (("length = 16", "length = 15"), "16 digits together, not 15"),
        (("[sources]", "[sources"), "not a valid TOML file"),
    ],
)
def test_a_wrong_incident_profile_is_refused_in_one_sentence(change: Change, says: str, tmp_path: Path) -> None:
    refused(lambda: load_incident_profile(changed("incidents.toml", change, tmp_path)), says, "incidents.toml")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"08:30-12:00"', '"8:30-12"'), "write spans such as 08:30-12:00"),
        (('"08:30-12:00"', '"08:30-14:00"'), "spans in order"),
        (("last = 2026-01-03", "last = 2025-01-03"), "before it begins"),
        (("first = 2026-01-01", 'first = "2026-01-01"'), "'first' must be a date"),
        (("first = 2026-01-01", "first = 2026-01-01T08:00:00"), "must be a date"),
        (("makeup = [2026-01-04]", "makeup = [2026-01-02]"), "both a holiday and a make-up work day"),
        (('timezone = "Asia/Shanghai"', 'timezone = "Asia/Atlantis"'), "Asia/Atlantis"),
        (("yellow_share = 0.75", "yellow_share = 1.5"), "yellow share"),
        (("work_day_hours = 8", "work_day_hours = true"), "must be a number"),
        (("share = 2.0", "share = -1"), "share > 0"),
        (("sunday = []", ""), "'sunday' is missing"),
    ],
)
def test_a_wrong_calendar_is_refused_in_one_sentence(change: Change, says: str, tmp_path: Path) -> None:
    refused(lambda: load_calendar(changed("calendar.toml", change, tmp_path)), says, "calendar.toml")


def refused(load: Callable[[], object], says: str, name: str) -> None:
    with pytest.raises(SpecError) as error:
        load()
    assert says in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.toml: cannot be read"):
        load_calendar(tmp_path / "none.toml")
