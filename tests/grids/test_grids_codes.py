"""15-digit grid codes."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.errors import ParameterError
from gridgov.grids import GridCode, check_codes, code_fault

PARTS = st.tuples(
    st.sampled_from(["330106", "110101", "650202"]), st.integers(1, 599), st.integers(1, 999), st.integers(1, 999)
)


@given(PARTS)
def test_a_valid_code_survives_reading_and_writing(parts: tuple[str, int, int, int]) -> None:
    """Parse and format are inverse."""
    district, street, community, sequence = parts
    text = f"{district}{street:03d}{community:03d}{sequence:03d}"
    code = GridCode.parse(text)
    assert str(code) == text
    assert (code.district_code, code.street_code, code.community_code) == (text[:6], text[:9], text[:12])


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("33010600201500", "code_length"),
        ("33010600201500X", "code_digits"),
        ("３３０１０６００２０１５００７", "code_digits"),
        ("990106002015007", "code_district"),
        ("330000002015007", "code_district"),
        ("330106000015007", "code_street"),
        ("330106600015007", "code_street"),
        ("330106002000007", "code_community"),
        ("330106002015000", "code_sequence"),
    ],
)
def test_a_wrong_code_is_refused_for_its_first_fault(code: str, rule: str) -> None:
    """Length, digits, district, street 001-599, community, sequence 001-999."""
    fault = code_fault(code)
    assert fault is not None
    assert fault[0] == rule
    with pytest.raises(ParameterError, match="15 digits are needed"):
        GridCode.parse(code)


@pytest.mark.parametrize(
    ("street", "kind"),
    [("001", "subdistrict"), ("099", "subdistrict"), ("100", "town"), ("199", "town"), ("200", "township"),
     ("399", "township"), ("400", "enterprise"), ("599", "enterprise")],
)  # fmt: skip
def test_the_street_part_tells_the_kind_of_division(street: str, kind: str) -> None:
    """街道, 镇, 乡, 政企合一."""
    assert GridCode.parse(f"330106{street}001001").street_kind == kind


def grids(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"grid_code": ["330106002015007", "330106002015008", "12345"], **columns})


def test_bad_codes_go_aside_and_good_ones_give_the_parents() -> None:
    """The rows carry their number in the source, 1-based."""
    clean, bad, findings = check_codes(grids(), "grids")
    assert clean["community_code"].tolist() == ["330106002015"] * 2
    assert clean["street_code"].tolist() == ["330106002"] * 2
    assert clean["district_code"].tolist() == ["330106"] * 2
    assert bad["source_row"].tolist() == [3]
    assert bad["rule"].tolist() == ["code_length"]
    assert [(f.row, f.rule, f.key) for f in findings] == [(3, "code_length", "12345")]


def test_a_parent_code_that_says_otherwise_is_corrected_and_said() -> None:
    """Codes filled up with zeros agree."""
    clean, _, findings = check_codes(
        grids(community_code=["330106002015", "330106002999", None], street_code=["330106002000", None, None])
    )
    assert clean["community_code"].tolist() == ["330106002015"] * 2
    assert [(f.row, f.rule, f.detail["value"]) for f in findings if f.rule == "code_parent"] == [
        (2, "code_parent", "330106002999")
    ]
