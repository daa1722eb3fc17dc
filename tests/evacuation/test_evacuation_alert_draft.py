"""The draft of a warning for a zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.evacuation.alert_draft import WarningFacts, draft_alert, draft_cancel, draft_update
from gridgov.model.alerts import AlertStatus, MsgType, ResponseType, Severity, Urgency
from gridgov.model.cap import from_xml, to_xml
from gridgov.profiles.alerts import load_alert_profile

NOW = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)
SQUARE = shapely.box(119.0, 29.5, 119.1, 29.6)
FACTS = WarningFacts(
    SQUARE, "flood", 4, {"zh": "江北街道", "en": "Jiangbei"}, onset=NOW + timedelta(hours=2), clearance_s=3600.0,
    persons=1200, geocodes=(("GB/T 10114", "330101001"),),
)  # fmt: skip


def draft(facts: WarningFacts = FACTS):
    return draft_alert(facts, load_alert_profile(), identifier="ID-1", now=NOW)


def test_a_draft_has_a_chinese_and_an_english_block_and_nobody_takes_it_for_real() -> None:
    alert = draft()
    assert alert.status is AlertStatus.DRAFT
    assert [info.language for info in alert.infos] == ["zh-CN", "en-US"]
    zh, en = alert.infos
    assert zh.headline == "红色预警：洪水，江北街道立即按通知疏散"
    assert en.headline == "Red warning: Flood. Jiangbei: leave now, as told"
    assert "1200" in zh.description
    assert zh.parameters == (("alert_level", "1 red"),)
    assert from_xml(to_xml(alert)) == alert


@pytest.mark.parametrize(
    ("level", "colour", "severity"),
    [(4, "red", "Extreme"), (3, "orange", "Severe"), (2, "yellow", "Moderate"), (1, "blue", "Minor")],
)
def test_the_colour_follows_the_level_and_the_severity_the_colour(level: int, colour: str, severity: str) -> None:
    info = draft(replace(FACTS, hazard_level=level)).infos[0]
    assert info.parameters[0][1].endswith(colour)
    assert info.severity is Severity(severity)


@pytest.mark.parametrize(
    ("onset_min", "needed_min", "urgency", "responses"),
    [
        (10, 0, Urgency.IMMEDIATE, [ResponseType.EVACUATE]),
        (120, 110, Urgency.IMMEDIATE, [ResponseType.EVACUATE]),  # it comes in two hours, and leaving takes nearly that
        (120, 60, Urgency.EXPECTED, [ResponseType.EVACUATE]),
        (300, 60, Urgency.FUTURE, [ResponseType.PREPARE, ResponseType.MONITOR]),
        (-30, 0, Urgency.IMMEDIATE, [ResponseType.EVACUATE]),
    ],
)
def test_urgency_is_the_time_left_before_people_must_go(onset_min, needed_min, urgency, responses) -> None:
    facts = replace(FACTS, onset=NOW + timedelta(minutes=onset_min), clearance_s=needed_min * 60.0)
    info = draft(facts).infos[0]
    assert info.urgency is urgency
    assert list(info.response_types) == responses


def test_an_unknown_arrival_and_unknown_people_are_said_to_be_unknown() -> None:
    info = draft(replace(FACTS, onset=None, persons=None)).infos[0]
    assert info.urgency is Urgency.UNKNOWN
    assert "人数不详" in info.description


def test_parts_become_polygons_and_holes_are_warned_too() -> None:
    ring = SQUARE.difference(shapely.box(119.04, 29.54, 119.06, 29.56))
    zone = shapely.MultiPolygon([ring, shapely.box(119.2, 29.5, 119.3, 29.6)])
    area = draft(replace(FACTS, zone=zone)).infos[0].areas[0]
    assert len(area.polygons) == 2
    assert all(polygon[0] == polygon[-1] for polygon in area.polygons)
    bow = shapely.Polygon([(119.0, 29.5), (119.1, 29.6), (119.1, 29.5), (119.0, 29.6)])  # crosses itself
    assert len(draft(replace(FACTS, zone=bow)).infos[0].areas[0].polygons) == 2
    with pytest.raises(ParameterError, match="no area"):
        draft(replace(FACTS, zone=shapely.Point(119, 29)))


def test_update_and_all_clear_are_drafts_that_refer_to_the_first_message() -> None:
    first = replace(draft(), status=AlertStatus.ACTUAL)
    facts = replace(FACTS, hazard_level=3)
    update = draft_update(first, facts, load_alert_profile(), identifier="ID-2", now=NOW + timedelta(hours=1))
    cancel = draft_cancel(update, identifier="ID-3", now=NOW + timedelta(hours=3), note="水退")
    assert update.references == (first.reference,)
    assert cancel.references == (first.reference, update.reference)
    assert {update.status, cancel.status} == {AlertStatus.DRAFT}
    assert cancel.msg_type is MsgType.CANCEL
    assert {info.urgency for info in cancel.infos} == {Urgency.PAST}
    assert cancel.infos[1].headline == "Ended: Flood, Jiangbei"
    assert cancel.infos[0].areas == update.infos[0].areas
    assert from_xml(to_xml(cancel)) == cancel


def test_orders_that_are_called_back_while_the_danger_is_there_are_no_all_clear() -> None:
    first = draft()
    cancel = draft_cancel(first, identifier="ID-2", now=NOW + timedelta(minutes=5), note="改线", danger_passed=False)
    assert cancel.msg_type is MsgType.CANCEL
    for before, info in zip(first.infos, cancel.infos, strict=True):
        assert info.response_types == (ResponseType.MONITOR,)
        assert (info.urgency, info.onset) == (before.urgency, before.onset)
    assert "险情尚未解除" in cancel.infos[0].instruction
    assert cancel.infos[1].headline == "Evacuation orders withdrawn: Flood, Jiangbei"
    assert from_xml(to_xml(cancel)) == cancel


def test_unknown_kinds_and_levels_are_refused() -> None:
    with pytest.raises(ParameterError, match="no words for 'meteor'"):
        draft(replace(FACTS, kind="meteor"))
    with pytest.raises(ParameterError, match="hazard level 7"):
        draft(replace(FACTS, hazard_level=7))


def test_a_slip_in_the_profile_is_one_sentence(tmp_path: Path) -> None:
    text = (resource_dir("profiles") / "alerts.toml").read_text(encoding="utf-8")
    file = tmp_path / "alerts.toml"
    for old, new, sentence in (
        ('severity = "Extreme"', 'severity = "Huge"', "Extreme"),
        ("immediate_min = 15", "immediate_min = 150", "must not be above"),
        ("grade = 1", "grade = 1\ngrate = 2", "unknown key 'grate'"),
    ):
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(SpecError, match=sentence):
            load_alert_profile(file)
