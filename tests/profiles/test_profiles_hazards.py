"""The numbers behind hazards and their impact: read, cited, refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.model.hazard_profiles import LevelScale
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.hazard_numbers import load_hazard_profile
from gridgov.profiles.impact_needs import load_impact_profile


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = (resource_dir("profiles") / name).read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / name
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def test_every_number_says_where_it_is_from() -> None:
    profile, impact = load_hazard_profile(), load_impact_profile()
    cited = [profile.depth, *profile.substances, *profile.fuels, *impact.needs, impact.presence]
    assert all(one.source for one in cited)
    assert {one.certainty for one in profile.substances} == {Certainty.UNVERIFIED}


def test_a_substance_is_found_by_its_code_and_by_its_number() -> None:
    profile = load_hazard_profile()
    assert profile.substance("1017") is profile.substance("chlorine")
    with pytest.raises(ParameterError, match="it knows chlorine"):
        profile.substance("nothing")


def test_levels_begin_at_their_limits() -> None:
    scale = LevelScale((0.0, 0.5, 1.0, 2.0), "s", Certainty.UNVERIFIED)
    assert scale.levels_of([-1, 0.1, 0.5, 1.9, 2.0, 9]).tolist() == [1, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("depth_m = [0.0, 0.5, 1.0, 2.0]", "depth_m = [0.0, 0.5]", "four rising"),
        ('code = "ammonia"', 'code = "chlorine"', "there twice"),
        ("land_cover = [30]", "land_cover = [20]", "there twice"),
        ("limits_mg_m3 = [1.5, 5.8, 58]", "limits_mg_m3 = [5, 2, 1]", "rising"),
        ("angle_deg = 25.0", "angle_deg = 2.0", "none of a slope"),
        ("rate_m_min = 0.8", "rate_m_min = 0", "greater than 0"),
        ("isolation_m = 60", "isolation = 60", "isolation_m"),
    ],
)
def test_a_wrong_hazard_profile_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_hazard_profile(changed(tmp_path, "hazards.toml", old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('day_from = "07:00"', 'day_from = "7 o\'clock"', "07:00"),
        ('day_to = "19:00"', 'day_to = "05:00"', "before it begins"),
        ('code = "beds"', 'code = "rice"', "there twice"),
        ("per_person = 17.5", "per_person = -1", "greater than 0"),
    ],
)
def test_a_wrong_impact_profile_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_impact_profile(changed(tmp_path, "impact.toml", old, new))
