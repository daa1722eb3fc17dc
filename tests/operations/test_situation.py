"""What a click shows: facts of a place, the incident that is meant; and what the map shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pytest

from gridgov.config import Settings
from gridgov.errors import ParameterError, RightsError
from gridgov.model.rights import EVERYWHERE, PUBLIC, Person, Role
from gridgov.model.workers import WorkerStatus
from gridgov.operations.adopting import adopt_incidents
from gridgov.operations.board import board_of
from gridgov.operations.catalogue import finding_table, layer_table
from gridgov.operations.dispatching import dispatch_at, grid_code_at, skills_of
from gridgov.operations.incidents import IncidentQuery, list_incidents
from gridgov.operations.mapping import MapSource, console_view
from gridgov.operations.positions import set_status
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.operations.situation import (
    incident_near,
    place_facts,
    workers_at,
)
from gridgov.workspace import MANIFEST, Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
ADMIN = Person("root", Role.ADMIN, EVERYWHERE)


@pytest.fixture(scope="module")
def workspace(village: Path) -> Workspace:
    return open_workspace(village)


@pytest.fixture
def source(village: Path, monkeypatch: pytest.MonkeyPatch) -> MapSource:
    """The village as the map's routes see it, with a store of its own in memory."""
    opened = open_workspace(village, settings=Settings(store="memory:"))
    adopt_incidents(opened)
    monkeypatch.setattr(MapSource, "workspace", opened)
    return MapSource(village)


def test_a_place_knows_its_grid_community_street_ground_and_height(workspace: Workspace) -> None:
    grids = workspace.layer("grids")
    row = grids.sort_values("persons").iloc[-1]
    point = row.geometry.representative_point()
    facts = place_facts(workspace, point.x, point.y)
    assert facts.grid is not None
    assert facts.grid.grid_code == row["grid_code"] == grid_code_at(workspace, point.x, point.y)
    assert facts.grid.persons == row["persons"]
    assert facts.grid.community["zh"].endswith(("社区", "村"))
    assert facts.grid.street["zh"].endswith(("街道", "镇", "乡"))
    assert facts.elevation_m is not None
    assert facts.land_cover is not None


def test_a_place_outside_everything_has_no_facts_and_breaks_nothing(workspace: Workspace) -> None:
    facts = place_facts(workspace, 0.0, 0.0)
    assert (facts.grid, facts.elevation_m, facts.land_cover, facts.resources) == (None, None, None, ())


def test_the_map_shows_the_open_incidents_of_the_store_and_no_others(workspace: Workspace) -> None:
    found = {record.id for record in list_incidents(workspace, BOSS, IncidentQuery(limit=1000))}
    assert set(MapSource(workspace.path).layer("incidents", BOSS)["incident_id"]) == found
    assert found


def test_a_click_on_an_incident_means_it_and_a_click_elsewhere_does_not(workspace: Workspace) -> None:
    first = {name: column[0] for name, column in board_of(workspace).columns.items()}
    assert incident_near(workspace, BOSS, first["lon"], first["lat"], within_m=2) == first["incident_id"]
    assert incident_near(workspace, BOSS, first["lon"] + 0.5, first["lat"], within_m=2) is None
    assert incident_near(workspace, ADMIN, first["lon"], first["lat"], within_m=2) is None


def test_a_click_on_a_worker_shows_them_to_who_may_see_them(workspace: Workspace) -> None:
    row = workspace.layer("workers").iloc[0]
    spot = row.geometry.x, row.geometry.y
    assert [w.worker_id for w in workers_at(workspace, BOSS, *spot, within_m=2)] == [row["worker_id"]]
    assert workers_at(workspace, PLANNER, *spot, within_m=2) == []
    assert len(workers_at(workspace, Person("p", Role.WORKER, (), row["worker_id"]), *spot, within_m=2)) == 1
    assert workers_at(workspace, Person("p", Role.WORKER, (), "W99999"), *spot, within_m=2) == []


def test_live_layers_hold_what_a_person_may_see(source: MapSource) -> None:
    """Others are open to whoever may see layers; without that right nothing is."""
    grid = str(source.layer("incidents", BOSS)["grid_code"].iloc[0])
    near, man = Person("a", Role.SUPERVISOR, (grid,)), Person("p", Role.WORKER, (), "W00001")
    assert set(source.layer("incidents", near)["grid_code"]) == {grid}
    assert len(source.layer("incidents", ADMIN)) == len(source.layer("workers", PLANNER)) == 0
    assert list(source.layer("workers", man)["worker_id"]) == ["W00001"]
    assert len(source.layer("workers", BOSS)) == 40
    assert len(source.layer("facilities", ADMIN)) > 0
    for layer_id in ("incidents", "workers", "facilities"):
        with pytest.raises(RightsError):
            source.layer(layer_id, PUBLIC)
        with pytest.raises(RightsError):
            source.points_version(layer_id, PUBLIC)
    people = (BOSS, near, man, ADMIN)
    for layer_id in ("incidents", "workers"):
        assert len({source.points_version(layer_id, person) for person in people}) == len(people)
    assert len({source.points_version("facilities", person) for person in people}) == 1


def test_the_version_of_points_follows_the_store(source: MapSource) -> None:
    before = source.points_version("incidents", BOSS), source.points_version("workers", BOSS)
    assert before == (source.points_version("incidents", BOSS), source.points_version("workers", BOSS))
    point = source.workspace.layer("grids").geometry.iloc[3].representative_point()
    new = report_incident(source.workspace, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y))
    assert source.points_version("incidents", BOSS) != before[0]
    assert source.points_version("workers", BOSS) == before[1]
    assert new.id in set(source.layer("incidents", BOSS)["incident_id"])
    set_status(source.workspace, BOSS, "W00001", WorkerStatus.OFF)
    assert source.points_version("workers", BOSS) != before[1]
    assert source.layer("workers", BOSS).set_index("worker_id").loc["W00001", "status"] == "off"


def test_a_workspace_without_incidents_has_a_layer_of_what_is_reported(
    village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(village, tmp_path / "w", ignore=shutil.ignore_patterns("sources", "store*"))
    manifest = json.loads((tmp_path / "w" / MANIFEST).read_text(encoding="utf-8"))
    manifest["layers"] = [layer for layer in manifest["layers"] if layer["kind"] != "incidents"]
    (tmp_path / "w" / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    opened = open_workspace(tmp_path / "w", settings=Settings(store="memory:"))
    monkeypatch.setattr(MapSource, "workspace", opened)
    source = MapSource(tmp_path / "w")
    point = opened.layer("grids").geometry.iloc[3].representative_point()
    new = report_incident(opened, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y))
    assert source.layer_ids[-1] == "incidents"
    assert source.spec("incidents").kind == "incidents"
    assert list(source.layer("incidents", BOSS)["incident_id"]) == [new.id]
    assert "incidents" in {layer.layer_id for layer in console_view(opened, "en").layers}


def test_what_was_reported_here_lies_in_the_first_layer_of_incidents(
    village: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none is called just incidents; every incident lies in one layer only."""
    shutil.copytree(village, tmp_path / "w", ignore=shutil.ignore_patterns("sources", "store*"))
    manifest = json.loads((tmp_path / "w" / MANIFEST).read_text(encoding="utf-8"))
    layers = tmp_path / "w" / manifest["data"] / "layers"
    (entry,) = [layer for layer in manifest["layers"] if layer["kind"] == "incidents"]
    others = [layer for layer in manifest["layers"] if layer["kind"] != "incidents"]
    manifest["layers"] = [*others, entry | {"layer_id": "incidents-a"}, entry | {"layer_id": "incidents-b"}]
    (tmp_path / "w" / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    rows = gpd.read_parquet(layers / "incidents.parquet")
    rows.iloc[::2].to_parquet(layers / "incidents-a.parquet")
    rows.iloc[1::2].to_parquet(layers / "incidents-b.parquet")
    opened = open_workspace(tmp_path / "w", settings=Settings(store="memory:"))
    adopt_incidents(opened)
    monkeypatch.setattr(MapSource, "workspace", opened)
    source = MapSource(tmp_path / "w")
    point = opened.layer("grids").geometry.iloc[3].representative_point()
    new = report_incident(opened, BOSS, ReportForm(class_code="0101", lon=point.x, lat=point.y))
    first, second = (list(source.layer(f"incidents-{name}", BOSS)["incident_id"]) for name in "ab")
    assert new.id in first
    assert not set(first) & set(second)
    assert set(first) | set(second) == set(board_of(opened)["incident_id"])
    assert set(second) <= set(rows["incident_id"].iloc[1::2])


def test_a_skill_that_nobody_has_is_refused_with_those_there_are(workspace: Workspace) -> None:
    lon, lat = (workspace.bounds[0] + workspace.bounds[2]) / 2, (workspace.bounds[1] + workspace.bounds[3]) / 2
    with pytest.raises(ParameterError, match=skills_of(workspace)[0]):
        dispatch_at(workspace, BOSS, lon, lat, skills=["juggling"])
    with pytest.raises(ParameterError, match="drive, ebike, walk"):
        dispatch_at(workspace, BOSS, lon, lat, modes=["horse"])
    plan = dispatch_at(workspace, BOSS, lon, lat, skills=[skills_of(workspace)[0]], k=3)
    assert plan.options
    assert all(skills_of(workspace)[0] in option.skills for option in plan.options)


def test_the_same_view_twice_gives_the_same_view(workspace: Workspace) -> None:
    """Else a rerun of the page would load the map anew."""
    assert console_view(workspace, "zh") == console_view(workspace, "zh")


def test_the_catalogue_lists_every_layer_and_every_finding_in_words(workspace: Workspace) -> None:
    for lang in ("zh", "en"):
        assert list(layer_table(workspace, lang)["layer"]) == list(workspace.layer_ids)
        table = finding_table(workspace, lang)
        assert len(table) == len(workspace.findings)
        assert not table["message"].str.startswith("finding.").any()
