"""The responsible agency by class and place, and the id of a component."""

from __future__ import annotations

import pytest

from gridgov.errors import ParameterError
from gridgov.model.agencies import IncidentPlace, responsible_agency
from gridgov.model.clock import Limit, LimitUnit
from gridgov.model.component_ids import ComponentIdScheme, IdPart
from gridgov.model.incident_classes import AgencyRule, Certainty, ClassLimit, IncidentClass, IncidentProfile
from gridgov.model.incidents import IncidentKind

STANDARD = ComponentIdScheme(
    (
        IdPart("district", 6, 110000, 829999),
        IdPart("major", 2, 1),
        IdPart("minor", 3, 1),
        IdPart("sequence", 5, 1),
    ),
    extension_from=80,
)
OLD = ComponentIdScheme((IdPart("district", 6), IdPart("major", 2), IdPart("minor", 2), IdPart("sequence", 6)))
WATER = {"zh": "水务局", "en": "Water bureau"}
POWER = {"zh": "供电公司", "en": "Power company"}
PROFILE = IncidentProfile(
    classes={},
    majors={},
    agencies={"water": WATER, "power": POWER, "centre": {"zh": "指挥中心", "en": "Command centre"}},
    coordinator="centre",
    component_id=STANDARD,
    streets={"330106005": "power"},
)
STREET = IncidentPlace("330106002", {"zh": "西溪街道", "en": "Xixi"})


def of_class(rule: AgencyRule, owner: str = "water") -> IncidentClass:
    limit = ClassLimit(Limit(1, LimitUnit.WORK_DAYS), "here", Certainty.UNVERIFIED)
    return IncidentClass(
        IncidentKind.COMPONENT, "01003", "01", {"zh": "井盖", "en": "Cover"}, owner, rule, (limit,), {}, {}, "here",
        Certainty.UNVERIFIED,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "owner", "place", "agency", "reason"),
    [
        ("owner_first", "water", IncidentPlace("330106002", owner="power"), "power", "owner_known"),
        ("owner_first", "water", STREET, "water", "owner_by_class"),
        ("owner_first", "", STREET, "street-330106002", "street_second"),
        ("owner_first", "", IncidentPlace(), "centre", "nobody"),
        ("owner_first", "", IncidentPlace("330106002", owner="a stranger"), "street-330106002", "street_second"),
        ("place_first", "water", STREET, "street-330106002", "street_first"),
        ("place_first", "water", IncidentPlace("330106002", owner="power"), "street-330106002", "street_first"),
        ("place_first", "water", IncidentPlace("330106005"), "power", "street_first"),
        ("place_first", "water", IncidentPlace(), "water", "owner_second"),
        ("place_first", "", IncidentPlace(), "centre", "nobody"),
    ],
)
def test_owner_and_place_decide_in_the_order_of_the_rule(
    rule: AgencyRule, owner: str, place: IncidentPlace, agency: str, reason: str
) -> None:
    found = responsible_agency(of_class(rule, owner), place, PROFILE)
    assert (found.agency, found.reason) == (agency, reason)
    for lang in ("zh", "en"):
        assert found.names[lang] in found.text(lang)  # type: ignore[arg-type]
        assert "{" not in found.text(lang)  # type: ignore[arg-type]


def test_the_reason_is_a_sentence_in_both_languages() -> None:
    found = responsible_agency(of_class("place_first"), STREET, PROFILE)
    assert found.text("zh") == "先属地：所在网格属于西溪街道，由西溪街道办事处负责"
    assert found.text("en") == "Place first: the grid lies in Xixi, so Xixi office is responsible"


def test_a_component_id_is_split_as_the_profile_says() -> None:
    new, old = STANDARD.parse("3301060100300017"), OLD.parse("3301060103000017")
    assert (new.parts["minor"], new.class_code, str(new)) == ("003", "01003", "3301060100300017")
    assert (old.parts["minor"], old.class_code) == ("03", "0103")


def test_a_minor_from_the_extension_on_is_a_citys_own() -> None:
    assert not STANDARD.parse("3301060107900001").is_extension
    assert STANDARD.parse("3301060108000001").is_extension
    assert not OLD.parse("3301060199000001").is_extension


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("330106010030001", "must have 16 digits: 6 district"),
        ("33010601003000017", "must have 16 digits"),
        ("33010601003A0017", "must have 16 digits"),
        ("３３０１０６０１００３０００１７", "must have 16 digits"),
        ("9901060100300017", "the district 990106 is not within 110000-829999"),
        ("3301060000300017", "the major 00 is not within 01-99"),
        ("3301060100000017", "the minor 000"),
        ("3301060100300000", "the sequence 00000"),
    ],
)
def test_a_wrong_component_id_is_refused(text: str, says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        STANDARD.parse(text)


@pytest.mark.parametrize(
    "parts",
    [
        (IdPart("major", 8), IdPart("minor", 7)),
        (IdPart("major", 8), IdPart("major", 8)),
        (IdPart("major", 8), IdPart("small", 8)),
        (IdPart("major", 8, 5, 4), IdPart("minor", 8)),
        (IdPart("major", 0), IdPart("minor", 16)),
    ],
)
def test_an_impossible_split_is_refused(parts: tuple[IdPart, ...]) -> None:
    with pytest.raises(ParameterError, match="component id"):
        ComponentIdScheme(parts)
