"""`gridgov whatif`: one scenario beside the base, and many in one table, in one process or in others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridgov.cli import main
from gridgov.config import Settings
from gridgov.workspace import open_workspace

QUESTION = '\n[question]\nnear = ["shelters"]\nminutes = 3\nresources = ["forest"]\n'
SLOWER = 'name = "slower"\n[[change]]\nkind = "scale_speeds"\nfactor = 0.5\n' + QUESTION
CROWDED = 'name = "more people"\n[[change]]\nkind = "scale_population"\nfactor = 2.0\n' + QUESTION


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two scenarios that ask the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDGOV_STORE", "memory:")
    Path("slower.toml").write_text(SLOWER, encoding="utf-8")
    Path("crowded.toml").write_text(CROWDED, encoding="utf-8")
    return "slower.toml", "crowded.toml"


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["whatif", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_many_scenarios_have_the_digests_of_one_at_a_time_also_in_another_process(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--workspace", str(village))
    one = [asked(capsys, files[0], *here), asked(capsys, files[1], *here, "--workers", "0")]
    many = asked(capsys, *files, *here)
    apart = asked(capsys, *files, *here, "--workers", "1")
    assert many["digest"] == apart["digest"]
    assert [each["second"]["digest"] for each in one] == [each["digest"] for each in apart["scenarios"]]
    assert [each["differences"] for each in one] == [each["differences"] for each in apart["scenarios"]]
    assert apart["first"]["digest"] == one[0]["first"]["digest"]
    assert [each["file"] for each in apart["scenarios"]] == list(files)


def test_the_table_has_a_row_for_each_figure_and_a_column_for_each_scenario(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["whatif", *files, "--workspace", str(village), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    head = next(line for line in out.splitlines() if "slower" in line)
    assert head.index("As it is") < head.index("slower") < head.index("more people")
    median = next(line for line in out.splitlines() if "Shelters: median time" in line)
    assert median.count("(+") == 1
    assert out.count("sha256:") == 2


@pytest.mark.parametrize("many", [False, True])
def test_a_narrow_table_wraps_the_names_of_scenarios_and_cuts_none(
    village: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, many: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    question = {"near": ["shelters"], "minutes": 3, "resources": []}
    names = ("消防站扩建与道路封闭", "消防站搬迁与人口增长")[: 1 + many]
    for name in names:
        Path(f"{name}.json").write_text(json.dumps({"name": name, "question": question}), encoding="utf-8")
    assert main(["whatif", *(f"{name}.json" for name in names), "--workspace", str(village), "--lang", "zh"]) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    rows, heads = ([line.split(side) for line in out.splitlines() if line.startswith(side)] for side in "│┃")
    assert "半数居民到避难场所用时（中位数）" in "".join(row[1].strip() for row in rows)
    assert "".join(head[3].strip() for head in heads) == names[0]


def test_a_cut_grid_and_its_duty_have_one_digest_everywhere_and_a_table_of_codes(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The scenario is cut, kept, read again, run in another process: question, answers and codes stay the same."""
    grids = open_workspace(village, settings=Settings(store="memory:")).layer("grids")
    code, (west, south, east, north) = str(grids["grid_code"].iloc[0]), grids.geometry.iloc[0].bounds
    line = [[west - 0.001, (south + north) / 2], [east + 0.001, (south + north) / 2]]
    parts = [code, f"{code[:12]}990"]
    change = {"kind": "split_grid", "code": code, "codes": parts, "line": {"type": "LineString", "coordinates": line}}
    duty = {"kind": "assign_duty", "duty": {f"{code[:12]}/1": parts}}
    question = {"near": ["shelters"], "minutes": 3, "resources": [], "month": True}
    Path("cut.json").write_text(json.dumps({"change": [change, duty], "question": question}), encoding="utf-8")
    here = ("--workspace", str(village))
    found = asked(capsys, "cut.json", *here, "--save", "whole.json", "--codes", "codes.csv")
    rows = pd.read_csv("codes.csv", dtype={"old_code": str, "new_code": str})
    assert rows["new_code"].tolist() == parts
    assert rows["share"].sum() == pytest.approx(1.0)
    assert [row["new_code"] for row in found["codes"]] == parts
    assert {row["code"] for row in found["differences"]} >= {"response_median", "response_p90"}
    for words in (("whole.json",), ("cut.json", "--workers", "1")):
        again = asked(capsys, *words, *here)
        assert again["digest"] == found["digest"], words
        assert again["codes"] == found["codes"]
    assert main(["whatif", *files, *here, "--codes", "x.csv"]) == 2
    assert "give one FILE" in capsys.readouterr().err


def test_what_does_not_belong_into_one_table_is_refused_in_one_line(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other.toml").write_text(SLOWER.replace("minutes = 3", "minutes = 4"), encoding="utf-8")
    Path("later.toml").write_text('at = "2031-01-01T00:00:00Z"\n' + SLOWER, encoding="utf-8")
    for words, said in (
        ([files[0], "other.toml"], "other.toml: asks another question than slower.toml"),
        ([files[0], "later.toml"], "later.toml: has another moment"),
        ([*files, "--save", "x.json"], "give one FILE"),
        ([*files, "--workers", "-1"], "-1 workers"),
        ([*files, "--workers", "2", "--scheduler", "tcp://h:1"], "give one"),
        ([*files, "--scheduler", "h"], "write it as tcp://HOST:PORT"),
    ):
        assert main(["whatif", *words, "--workspace", str(village)]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_how_far_how_long_and_when_are_said_once_and_what_is_odd_below(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    late = '[[change]]\nkind = "close_roads"\nid = "late"\nedges = [3]\nvalid_from = "2099-01-01T00:00:00"\n'
    Path("late.toml").write_text('at = "2026-06-30T10:00:00"\n' + late + QUESTION, encoding="utf-8")
    here = ("--workspace", str(village))
    for words in ((), (files[0].replace("slower", "late"),)):
        assert main(["whatif", "late.toml", *words, *here, "--lang", "en"]) == 0
        out = capsys.readouterr().out
        assert out.count("By car, workers each in their own way, within 3 minutes, at 2026-06-30 10:00") == 1
        assert out.count("Closure late does not hold at 2026-06-30T10:00:00") == 1
    found = asked(capsys, "late.toml", *here, "--lang", "en")
    assert [each["rule"] for each in found["second"]["findings"]] == ["closure_not_then"]
    assert found["first"]["findings"] == []


def test_other_data_are_said_of_either_side(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--workspace", str(village))
    asked(capsys, files[0], *here, "--save", "old.json")
    old = json.loads(Path("old.json").read_text(encoding="utf-8"))
    old["base"]["data"] = "0123456789abcdef"
    Path("old.json").write_text(json.dumps(old), encoding="utf-8")
    found = asked(capsys, files[0], *here, "--against", "old.json")
    assert (found["data_changed"], found["first"]["data_changed"], found["second"]["data_changed"]) == (
        True,
        True,
        False,
    )
    assert main(["whatif", files[0], *here, "--against", "old.json", "--lang", "en"]) == 0
    assert "slower: Note: the data were imported anew" in capsys.readouterr().out


def test_a_file_that_cannot_be_used_is_one_sentence_and_exit_2(
    village: Path, files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    area = '[[change]]\nkind = "take_area"\nlayer = "forest"\n[change.geometry]\ntype = "Polygon"\n' + QUESTION
    Path("area.toml").write_text(area, encoding="utf-8")
    Path("near.toml").write_text(SLOWER.replace('["shelters"]', "[]"), encoding="utf-8")
    whole = {"name": "x", "base": {"at": "yesterday"}}
    Path("whole.json").write_text(json.dumps(whole), encoding="utf-8")
    for file, said in (
        ("area.toml", "change 1: take_area of layer 'forest': the geometry is no GeoJSON Polygon"),
        ("near.toml", "nothing to be near"),
        ("whole.json", "whole.json: base.at is 'yesterday'; give a time"),
    ):
        assert main(["whatif", file, "--workspace", str(village)]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
