"""The command `gridgov evacuate`: an answer, a clear refusal, or an answer that says for whom there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.cli import main
from gridgov.network import RoadNetwork
from gridgov.verify_plan import verify_file

Run = Callable[..., tuple[int, str, str]]


def copied(village: Path, folder: Path) -> Path:
    shutil.copytree(village, folder / "village", ignore=shutil.ignore_patterns("store*", "sources", "tiles", "plans"))
    return folder / "village"


@pytest.fixture(scope="module")
def place(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A village of its own, whose books the commands write into."""
    return copied(village, tmp_path_factory.mktemp("evacuate"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], place: Path) -> Run:
    def command(*argv: str, workspace: Path = place) -> tuple[int, str, str]:
        code = main(["evacuate", "--workspace", str(workspace), "--lang", "en", "--time-limit", "1", *argv])
        out, err = capsys.readouterr()
        return code, out, err

    return command


@pytest.fixture(scope="module")
def middle(place: Path) -> shapely.Polygon:
    west, south, east, north = bounds(place)
    return shapely.Point((west + east) / 2, (south + north) / 2).buffer(0.004)


def bounds(workspace: Path) -> tuple[float, float, float, float]:
    return tuple(json.loads((workspace / "workspace.json").read_text())["bounds"])


def data_of(workspace: Path) -> Path:
    return workspace / json.loads((workspace / "workspace.json").read_text())["data"]


def written(tmp_path: Path, content: Any) -> str:
    file = tmp_path / "zone.geojson"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(file)


def refused(answer: tuple[int, str, str]) -> str:
    """One line on the error output, and nothing else."""
    code, out, err = answer
    said = err.strip().splitlines()
    assert (code, out) == (2, "")
    assert len(said) == 1
    assert said[0].startswith("gridgov: ")
    return said[0]


def changed(place: Path, tmp_path: Path, layer: str, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Path:
    """A village with another layer of that name."""
    workspace = copied(place, tmp_path)
    file = data_of(workspace) / "layers" / f"{layer}.parquet"
    change(gpd.read_parquet(file)).to_parquet(file)
    return workspace


def test_a_polygon_of_a_file_gives_a_plan_that_the_checker_believes(
    run: Run, middle: shapely.Polygon, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json.gz"
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(middle)}
    zone = written(tmp_path, {"type": "FeatureCollection", "features": [feature]})
    code, out, _ = run("--polygon", zone, "--out", str(plan), "--keep")
    assert code == 0
    assert "have to leave" in out
    assert "On the books as evacuation" in out
    assert verify_file(plan).ok


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"type": "FeatureCollection", "features": [{}, {}]}, "it holds 2 features; give one polygon"),
        ({"type": "FeatureCollection", "features": []}, "it holds 0 features; give one polygon"),
        ({"type": "FeatureCollection", "features": 5}, "it holds 0 features; give one polygon"),
        ({"type": "Feature", "geometry": None}, "there is no geometry in it"),
        ([1, 2], "there is no geometry in it"),
        ({"type": "Point", "coordinates": [119.02, 29.6]}, "not as 'Point'; draw an area"),
        ({"type": "Polygon"}, "no lists of positions"),
        (mapping(shapely.box(10, 10, 10.1, 10.1)), "lies wholly outside the district"),
        ("{nope", "this is no JSON"),
        ("", "this is no JSON"),
    ],
)
def test_a_file_without_one_polygon_of_the_district_is_refused(
    run: Run, tmp_path: Path, content: Any, said: str
) -> None:
    assert said in refused(run("--polygon", written(tmp_path, content)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--occupancy", "0"), "occupancy_persons_per_vehicle is 0.0; give a number from 0.1 to 100"),
        (("--occupancy", "nan"), "occupancy_persons_per_vehicle is nan"),
        (("--routes", "-1"), "max_routes_per_zone is -1"),
        (("--capacity", "0"), "capacity_factor is 0.0"),
        (("--arrival", "-5"), "give seconds from 0 on"),
        (("--without", "S9999"), "there is no shelter 'S9999'"),
        (("--out", "no/such/folder/plan.json"), "No such file or directory"),
        (("--out", "."), "is a folder; name a file in it"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    run: Run, middle: shapely.Polygon, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    assert said in refused(run("--polygon", written(tmp_path, mapping(middle)), *options))


@pytest.mark.parametrize(
    "options",
    [("--without", "S9999"), ("--out", "no/such/folder/plan.json"), ("--out", "."), ("--buses", "-1"),
     ("--buses", "1", "--seats", "0"), ("--routes", "-1")],
)  # fmt: skip
def test_nothing_is_put_on_the_books_or_computed_when_another_option_cannot_be(
    run: Run, middle: shapely.Polygon, tmp_path: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridgov.operations.hazards.draw_hazard", _never)
    monkeypatch.setattr("gridgov.operations.evacuating.evacuate", _never)
    refused(run("--polygon", written(tmp_path, mapping(middle)), *options))


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("this must not be reached")


def test_a_missing_file_and_an_unknown_hazard_are_refused(run: Run, tmp_path: Path) -> None:
    assert "none.geojson: No such file" in refused(run("--polygon", str(tmp_path / "none.geojson")))
    assert "there is no hazard 'nope'" in refused(run("--hazard", "nope"))


def test_a_border_that_crosses_itself_is_untangled_and_said_so(run: Run, place: Path, tmp_path: Path) -> None:
    west, south, east, north = bounds(place)
    x, y = (west + east) / 2, (south + north) / 2
    bow = [(x - 0.004, y - 0.003), (x + 0.004, y + 0.003), (x + 0.004, y - 0.003), (x - 0.004, y + 0.003)]
    code, out, _ = run("--polygon", written(tmp_path, mapping(shapely.Polygon(bow))))
    assert code == 0
    assert "crossed itself; it was untangled" in out


def test_a_hazard_over_everything_is_an_answer_with_reasons_and_the_answer_is_no(
    run: Run, place: Path, tmp_path: Path
) -> None:
    west, south, east, north = bounds(place)
    everything = mapping(shapely.box(west - 0.1, south - 0.1, east + 0.1, north + 0.1))
    plan = tmp_path / "plan.json"
    code, out, _ = run("--polygon", written(tmp_path, everything), "--out", str(plan))
    assert code == 1
    assert "covers the whole district" in out
    assert "8 shelters lie inside the hazard" in out
    assert "find no place in any shelter" in out
    assert "have no road to any shelter" not in out
    assert json.loads(plan.read_text())["flows"] == []
    assert verify_file(plan).ok


def test_a_grid_on_an_island_has_no_way_out_and_is_named(run: Run, place: Path, tmp_path: Path) -> None:
    """A grid moved 5 km out to sea is not counted at the nearest road of the shore."""
    code_of: list[str] = []

    def adrift(grids: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        at = int(np.argmax(grids["persons"].fillna(0)))
        code_of.append(str(grids["grid_code"].iloc[at]))
        shapes = grids.geometry.to_numpy().copy()
        shapes[at] = shapely.transform(shapes[at], lambda xy: xy + np.array([0.06, 0.0]))
        return grids.set_geometry(gpd.GeoSeries(shapes, index=grids.index, crs=grids.crs))

    workspace = changed(place, tmp_path, "grids", adrift)
    island = gpd.read_parquet(data_of(workspace) / "layers" / "grids.parquet").set_index("grid_code")
    zone = island.geometry[code_of[0]].buffer(0.0005)
    code, out, _ = run("--polygon", written(tmp_path, mapping(zone)), workspace=workspace)
    assert code == 1
    assert f"1 grids, such as islands, have no road within 1 km and count as without a way out: {code_of[0]}" in out
    assert f"have no road to any shelter: {code_of[0]}" in out


def test_shelters_whose_places_nobody_knows_are_named_and_not_used(
    run: Run, place: Path, middle: shapely.Polygon, tmp_path: Path
) -> None:
    workspace = changed(place, tmp_path, "shelters", lambda shelters: shelters.assign(capacity_persons=np.nan))
    code, out, _ = run("--polygon", written(tmp_path, mapping(middle)), workspace=workspace)
    assert code == 1
    assert "left out, because nobody knows how many places they have" in out
    assert "Nobody can be brought to safety" in out


@pytest.mark.parametrize("kind", ["roads", "grids", "shelters"])
def test_a_workspace_without_what_a_plan_needs_says_what_is_missing(
    run: Run, place: Path, middle: shapely.Polygon, tmp_path: Path, kind: str
) -> None:
    workspace = copied(place, tmp_path)
    file = workspace / "workspace.json"
    manifest = json.loads(file.read_text())
    manifest["layers"] = [layer for layer in manifest["layers"] if layer["kind"] != kind]
    file.write_text(json.dumps(manifest))
    said = refused(run("--polygon", written(tmp_path, mapping(middle)), workspace=workspace))
    assert f"has no {kind}" in said
    assert f"add a [[layer]] of kind '{kind}'" in said


def test_roads_without_capacities_are_refused(run: Run, place: Path, middle: shapely.Polygon, tmp_path: Path) -> None:
    workspace = copied(place, tmp_path)
    file = data_of(workspace) / "network.npz"
    roads = RoadNetwork.load(file)
    bare = RoadNetwork.from_arrays(roads.tail, roads.head, roads.travel_time_ms, x=roads.x, y=roads.y)
    bare.save(file)
    said = refused(run("--polygon", written(tmp_path, mapping(middle)), workspace=workspace))
    assert "the network has no capacities" in said
