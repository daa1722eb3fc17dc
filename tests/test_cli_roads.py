"""The commands `gridgov isochrone` and `gridgov assign`."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest

from gridgov.cli import main
from gridgov.config import load_settings
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.moving import move_incident
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.workspace import open_workspace


@pytest.fixture
def centre(village: Path) -> str:
    worker = open_workspace(village).layer("workers").geometry.iloc[0]
    return f"{worker.x:.6f},{worker.y:.6f}"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], village: Path):
    def command(name: str, *argv: str) -> tuple[int, str, str]:
        code = main([name, "--workspace", str(village), *argv])
        return code, *capsys.readouterr()

    return command


def test_isochrone_prints_growing_areas_and_writes_them(run, centre: str, tmp_path: Path) -> None:
    out_file = tmp_path / "areas.geojson"
    code, out, err = run("isochrone", "--at", centre, "--minutes", "1,2", "--json", "--out", str(out_file))
    found = json.loads(out)
    assert (code, err, found["direction"], found["mode"]) == (0, "", "from", "drive")
    assert [area["minutes"] for area in found["areas"]] == [1, 2]
    assert 0 < found["areas"][0]["area_km2"] <= found["areas"][1]["area_km2"]
    written = gpd.read_file(out_file)
    assert written["minutes"].tolist() == [1, 2]
    assert written.geometry.iloc[1].buffer(1e-9).contains(written.geometry.iloc[0])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_isochrone_prints_a_table_for_people_in_both_languages(run, centre: str, lang: str) -> None:
    code, out, _ = run("isochrone", "--at", centre, "--to", "--mode", "walk", "--lang", lang)
    assert code == 0
    assert {"zh": "步行", "en": "on foot"}[lang] in out.lower()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--at", "here"), "LON,LAT"),
        (("--at", "CENTRE", "--minutes", "soon"), "--minutes takes numbers"),
        (("--at", "CENTRE", "--minutes", "0"), "above 0"),
        (("--at", "CENTRE", "--minutes", "5,5"), "different times"),
        (("--at", "10,10"), "from every road"),
    ],
)
def test_isochrone_says_in_one_line_what_is_wrong(run, centre: str, argv: tuple[str, ...], words: str) -> None:
    code, out, err = run("isochrone", *(word.replace("CENTRE", centre) for word in argv))
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.fixture
def three_filed(village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Three filed incidents in a store that the settings name."""
    monkeypatch.setenv("GRIDGOV_STORE", f"sqlite:///{tmp_path / 'elsewhere.sqlite'}")
    workspace, boss = open_workspace(village, settings=load_settings()), Person("boss", Role.SUPERVISOR, EVERYWHERE)
    made = set()
    for place in workspace.layer("workers").geometry.iloc[:3]:
        form = ReportForm(class_code="0101", lon=place.x, lat=place.y)
        made.add(report_incident(workspace, boss, form).id)
    for incident_id in made:
        move_incident(workspace, boss, incident_id, Action.FILE)
    workspace.store.close()
    return made


def test_assign_prints_a_plan_of_the_filed_incidents(run, three_filed: set[str]) -> None:
    code, out, err = run("assign", "--json")
    plan = json.loads(out)
    assert (code, err, plan["schema"]) == (0, "", "gridgov-assignment/1")
    assert {one["incident_id"] for one in (*plan["assignments"], *plan["unassigned"])} == three_filed
    assert len(json.loads(run("assign", "--limit", "2", "--json")[1])["assignments"]) == 2


@pytest.mark.usefixtures("three_filed")
def test_assign_tells_people_who_goes_and_why(run) -> None:
    code, out, _ = run("assign", "--limit", "3", "--lang", "en")
    assert code == 0
    assert "incidents have a worker" in out
    assert run("assign", "--limit", "3", "--lang", "zh")[1] != out


def test_assign_with_nothing_to_give_out_answers_no(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDGOV_STORE", "memory:")
    code, out, _ = run("assign", "--lang", "en")
    assert (code, out) == (1, "No filed incident waits for a worker.\n")


def test_assign_refuses_a_limit_of_none(run) -> None:
    code, _, err = run("assign", "--limit", "0")
    assert (code, "from 1 on" in err) == (2, True)
