"""The commands `gridgov assign`, `gridgov overrides` and `gridgov speeds`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gridgov.cli import main
from gridgov.config import load_settings
from gridgov.model.incident_life import Action
from gridgov.model.overrides import Proposal
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


@pytest.fixture(scope="module")
def place(village: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A village of its own with three filed incidents, and one dispatched against a proposal."""
    folder = tmp_path_factory.mktemp("cli")
    shutil.copytree(village, folder / "village")
    url = f"sqlite:///{folder / 'elsewhere.sqlite'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDGOV_STORE", url)
        workspace = open_workspace(folder / "village", settings=load_settings())
        for n, point in enumerate(workspace.layer("grids").geometry.iloc[:4].representative_point()):
            incident_id = report_incident(workspace, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y)).id
            move_incident(workspace, BOSS, incident_id, Action.FILE)
            if n == 3:
                given = MoveArguments(
                    handler="W00002",
                    proposal=Proposal("W00001", 1000, 3000),
                    reason_code="workload",
                    reason="他今天没活",
                )
                move_incident(workspace, BOSS, incident_id, Action.DISPATCH, given)
        workspace.store.close()
    return folder / "village", url


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], place: tuple[Path, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRIDGOV_STORE", place[1])

    def command(*argv: str) -> tuple[int, str, str]:
        code = main([*argv, "--workspace", str(place[0])])
        return code, *capsys.readouterr()

    return command


def test_assign_tells_the_runner_up_the_flip_the_hour_and_that_it_was_tried_out(run) -> None:
    code, out, err = run("assign", "--hour", "8", "--check", "3", "--json")
    plan = json.loads(out)
    assert (code, err) == (0, "")
    assert plan["speeds"]["hour"] == 8
    assert len(plan["assignments"]) == 3
    assert [check["flips"] and check["holds_before"] for check in plan["checks"]] == [True] * len(plan["checks"])
    assert plan["checks"]
    _, shown, _ = run("assign", "--check", "2", "--lang", "en")
    assert "Runner-up" in shown
    assert "2 flip the choice exactly" in " ".join(shown.split())


def test_another_hour_takes_other_times(run) -> None:
    at_hour = {
        hour: json.loads(run("assign", "--hour", hour, "--json")[1])["travel_ms"] for hour in ("8", "11")
    }  # fmt: skip
    assert at_hour["8"] != at_hour["11"]
    at_time = json.loads(run("assign", "--at", "2026-06-30T08:30", "--json")[1])
    assert at_time["travel_ms"] == at_hour["8"]


def test_one_worker_may_take_several_and_a_plan_may_call_back(run) -> None:
    plan = json.loads(run("assign", "--capacity", "3", "--under-way", "--json")[1])
    assert len(plan["assignments"]) == 4
    assert any(one["kept"] or one["moved_from"] for one in plan["assignments"])


def test_tours_are_printed_with_their_bound(run) -> None:
    code, out, err = run("assign", "--tours", "--workers", "2", "--seconds", "1", "--json")
    plan = json.loads(out)
    assert (code, plan["schema"]) == (0, "gridgov-tours/1")
    assert plan["lower_bound"] <= plan["cost"]
    assert len(err.strip().splitlines()) == 2
    shown = run("assign", "--tours", "--workers", "2", "--seconds", "1", "--lang", "en")[1]
    assert "incidents they do: 3;" in shown


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--hour", "24"), "from 0 to 23"),
        (("--at", "soon"), "--at takes a time"),
        (("--capacity", "-1"), "capacity"),
        (("--tours", "--workers", "0"), "1 to 100 workers"),
        (("--tours", "--seconds", "0"), "time limit"),
        (("--tours", "--capacity", "1"), "--capacity does not go with --tours"),
        (("--tours", "--check", "3"), "--check does not go with --tours"),
        (("--tours", "--under-way"), "--under-way does not go with --tours"),
        (("--workers", "5"), "--workers is for tours only"),
    ],
)
def test_assign_says_in_one_line_what_is_wrong(run, argv: tuple[str, ...], words: str) -> None:
    code, out, err = run("assign", *argv)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_overrides_lists_who_was_sent_against_a_proposal(run) -> None:
    code, out, _ = run("overrides", "--json")
    rows = json.loads(out)
    assert (code, rows[0]["handler"], rows[0]["longer_s"], rows[0]["reason"]) == (0, "W00002", 2.0, "他今天没活")
    assert "平衡" in run("overrides", "--lang", "zh")[1]
    assert "evens out" in run("overrides", "--by", "reason_code", "--lang", "en")[1]
    assert "boss" in run("overrides", "--by", "dispatcher", "--lang", "en")[1]
    code, out, _ = run("overrides", "--until", "2020-01-01", "--lang", "en")
    assert (code, "Nobody" in out) == (1, True)


def test_speeds_says_that_there_are_no_tracks_and_no_versions(run) -> None:
    code, out, _ = run("speeds", "learn", "--lang", "en")
    assert (code, "too few for speeds" in out, "No track could be used" in out) == (1, True, True)
    assert json.loads(run("speeds", "learn", "--json")[1])["findings"][0]["rule"] == "speeds_no_tracks"
    code, out, _ = run("speeds", "show", "--lang", "en")
    assert (code, out) == (1, "No measured speeds count. Versions: –.\n")
    code, _, err = run("speeds", "use", "x")
    assert (code, "no measured speeds 'x'" in err) == (2, True)
