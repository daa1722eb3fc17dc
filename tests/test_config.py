"""Settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.config import Settings, load_settings, resource_dir
from gridgov.errors import SettingsError


def test_without_anything_the_defaults_hold_and_listen_on_loopback_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(environ={}) == Settings()
    assert Settings().host == "127.0.0.1"


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gridgov.toml"
    file.write_text('port = 9000\nlang = "en"\n', encoding="utf-8")
    settings = load_settings(file, environ={"GRIDGOV_PORT": "9001"})
    assert (settings.port, settings.lang) == (9001, "en")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("prot = 1", "prot"),
        ("port = [", "TOML"),
        ('port = "many"', "whole number"),
        ('lang = "fr"', "zh, en"),
    ],
)
def test_a_wrong_file_is_refused_with_the_name_of_what_is_wrong(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "gridgov.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=word):
        load_settings(file, environ={})


def test_the_program_finds_its_own_folders() -> None:
    assert (resource_dir("app") / "main.py").is_file()
    assert (resource_dir("layers") / "grids.toml").is_file()
    with pytest.raises(SettingsError, match="no-such-folder"):
        resource_dir("no-such-folder")
