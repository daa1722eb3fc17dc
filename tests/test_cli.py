"""The command line: answers, exit codes, one clear line for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridgov.cli import main
from gridgov.workspace import open_workspace


@pytest.fixture
def centre(village: Path) -> str:
    worker = open_workspace(village).layer("workers").geometry.iloc[0]
    return f"{worker.x:.6f},{worker.y:.6f}"


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(list(argv))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_dispatch_prints_the_nearest_workers_as_json(capsys, village: Path, centre: str) -> None:
    code, out, err = run(capsys, "dispatch", "--workspace", str(village), "--at", centre, "-k", "3", "--json")
    plan = json.loads(out)
    assert code == 0
    assert err == ""
    assert [option["rank"] for option in plan["options"]] == [1, 2, 3]
    assert plan["options"][0]["travel_time_ms"] <= plan["options"][2]["travel_time_ms"]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_dispatch_prints_a_table_for_people_in_both_languages(capsys, village: Path, centre: str, lang: str) -> None:
    code, out, _ = run(capsys, "dispatch", "--workspace", str(village), "--at", centre, "--lang", lang)
    assert code == 0
    assert {"zh": "最近的网格员", "en": "Nearest workers"}[lang] in out


def test_nobody_able_to_go_is_the_answer_no(capsys, village: Path, centre: str) -> None:
    """Exit code 1, and the JSON says who was left out and why."""
    workers = open_workspace(village).layer("workers")
    lacking = sorted({s for skills in workers["skills"] for s in skills})[0]
    argv = ["dispatch", "--workspace", str(village), "--at", centre, "--skill", lacking, "--json"]
    for mode in ("drive", "ebike", "walk"):
        code, out, _ = run(capsys, *argv, "--mode", mode)
        plan = json.loads(out)
        assert code == (0 if plan["options"] else 1)
        assert len(plan["exclusions"]) == plan["considered"] - plan["candidates"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["dispatch", "--workspace", "nowhere", "--at", "118.9,29.6"], "no workspace here"),
        (["dispatch", "--workspace", "VILLAGE", "--at", "somewhere"], "LON,LAT"),
        (["dispatch", "--workspace", "VILLAGE", "--at", "29.6,118.9"], "other way round"),
        (["dispatch", "--workspace", "VILLAGE", "--at", "-183.0,40.0"], "-180 to 180"),
        (["dispatch", "--workspace", "VILLAGE", "--at", "118.9,29.6", "-k", "0"], "at least 1"),
        (["dispatch", "--workspace", "VILLAGE", "--at", "118.9,29.6", "--skill", "juggling"], "nobody has the skill"),
        (["init", "TMP/w", "--from", "TMP/missing.toml"], "missing.toml"),
        (["check", "TMP/missing.gpkg"], "no such file"),
        (["serve", "--workspace", "nowhere"], "no workspace here"),
        (["serve", "--workspace", "VILLAGE", "--port", "99999"], "not a port"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    capsys, village: Path, tmp_path: Path, argv: list[str], words: str
) -> None:
    code, out, err = run(capsys, *(a.replace("VILLAGE", str(village)).replace("TMP", str(tmp_path)) for a in argv))
    assert code == 2
    assert out == ""
    assert err.startswith("gridgov: ")
    assert err.count("\n") == 1
    assert words in err


def test_check_of_a_sound_workspace_prints_what_was_found(capsys, village: Path) -> None:
    code, out, _ = run(capsys, "check", str(village), "--json")
    findings = json.loads(out)
    assert code == (1 if any(f["level"] == "error" for f in findings) else 0)
    assert all(not f["message"].startswith("finding.") for f in findings)


def test_a_wrong_settings_file_is_one_clear_line(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gridgov.toml").write_text("prot = 1", encoding="utf-8")
    code, _, err = run(capsys, "check", "x")
    assert code == 2
    assert "prot" in err
