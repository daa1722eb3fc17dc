"""Which classes of incidents need somebody with a skill."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import resource_dir
from gridgov.errors import SpecError
from gridgov.i18n import has_label
from gridgov.model import TravelMode
from gridgov.model.incident_classes import Certainty
from gridgov.profiles import load_incident_profile


def test_a_fire_needs_somebody_who_knows_fires_and_rubbish_needs_nobody_special() -> None:
    profile = load_incident_profile()
    assert profile.need_of("0504").skills == ("fire_safety",)
    assert profile.need_of("0504").certainty is Certainty.UNVERIFIED
    for code in ("0101", "no class of ours"):
        assert (profile.need_of(code).skills, profile.need_of(code).modes) == ((), tuple(TravelMode))
    for need in profile.needs.values():
        assert all(has_label(f"skill.{skill}") for skill in need.skills)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('classes = ["0504"]', 'classes = ["0599"]', "0599"),
        ('classes = ["0504"]', 'classes = ["0503"]', "0503 has its need twice"),
        ('skills = ["fire_safety"]', 'skills = ["fire_safety"]\nmodes = ["horse"]', "horse"),
    ],
)
def test_a_wrong_need_is_said_in_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (resource_dir("profiles") / "incidents.toml").read_text(encoding="utf-8")
    file = tmp_path / "incidents.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError, match=words):
        load_incident_profile(file)
