"""What the planner's page of scenarios is made of: drafts, comparisons in the background, maps, files to take away."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError, SourceError
from gridgov.maps.overlays import overlay_group
from gridgov.maps.scenario_overlays import change_classes
from gridgov.model.changes import (
    AreaTaken,
    GridsMerged,
    GridSplit,
    PlaceAdded,
    PlaceChanged,
    PlaceRemoved,
    PopulationScaled,
)
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.scenario_comparison import Comparison, compare_scenarios
from gridgov.operations.scenario_drafts import (
    closure_sizes,
    free_id,
    nearest_choice,
    new_scenario,
    place_choices,
    scenario_file,
    scenario_from_bytes,
    with_change,
    without_change,
)
from gridgov.operations.scenario_map import base_order, changed_shapes, difference_overlay, run_overlay
from gridgov.operations.scenario_reports import FORMATS, comparison_file
from gridgov.operations.scenario_runs import comparison_run, start_comparison
from gridgov.operations.what_if import run_scenario, unchanged
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
ASKED = Question(near=("shelters",), minutes=3.0, resources=("forest",))


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def middle_road(here: Workspace) -> dict[str, object]:
    """A short line across a road in the middle of the village."""
    west, south, east, north = here.bounds
    x, y = (west + east) / 2, (south + north) / 2
    return {"type": "LineString", "coordinates": [[x - 0.003, y - 0.003], [x + 0.003, y + 0.003]]}


def sheltered(here: Workspace, name: str = "=新 <b>避难所</b>") -> Scenario:
    """A new shelter where it is farthest to one, and roads closed in the middle."""
    now = replace(new_scenario(here, PLANNER, name), question=ASKED)
    far = run_scenario(here, PLANNER, now).by_grid["shelters_s"].fillna(0.0)
    place = here.layer("grids").geometry.representative_point().iloc[int(far.idxmax())]
    added = PlaceAdded("shelters", "new-1", place.x, place.y, {"capacity_persons": 500, "name": name})
    closed = Closure("change-1", geometry=middle_road(here))
    return with_change(here, PLANNER, with_change(here, PLANNER, now, added), closed)


@pytest.fixture(scope="module")
def compared(village: Path) -> tuple[Workspace, Comparison]:
    here = open_workspace(village, settings=Settings(store="memory:"))
    scenario = sheltered(here)
    return here, compare_scenarios(here, PLANNER, unchanged(scenario, "现状"), scenario)


def test_a_draft_begins_with_the_data_and_a_question_that_can_be_asked(here: Workspace) -> None:
    draft = new_scenario(here, PLANNER, "方案")
    assert draft.base.data
    assert draft.question is not None
    assert "shelters" in draft.question.near
    assert not draft.changes


def test_a_change_that_cannot_be_is_refused_when_it_is_added(here: Workspace) -> None:
    draft = new_scenario(here, PLANNER, "方案")
    with pytest.raises(ParameterError, match="has no 'nowhere'"):
        with_change(here, PLANNER, draft, PlaceRemoved("shelters", "nowhere"))
    with pytest.raises(ParameterError, match="capacity_persons"):
        with_change(here, PLANNER, draft, PlaceAdded("shelters", "n", 119.0, 29.6, {"capacity_persons": -5}))
    far = {"type": "LineString", "coordinates": [[0.0, 0.0], [0.1, 0.1]]}
    with pytest.raises(ParameterError, match="hits no road"):
        with_change(here, PLANNER, draft, Closure("c", geometry=far))


def test_a_change_that_another_rests_on_is_not_taken_back_before_it(here: Workspace) -> None:
    draft = sheltered(here)
    draft = with_change(here, PLANNER, draft, PlaceChanged("shelters", "new-1", {"capacity_persons": 900}))
    with pytest.raises(ParameterError, match="no 'new-1'"):
        without_change(here, PLANNER, draft, 1)
    left = without_change(here, PLANNER, without_change(here, PLANNER, draft, 2), 1)
    assert (len(left.closures), left.changes) == (1, ())
    with pytest.raises(ParameterError, match="has no change 7"):
        without_change(here, PLANNER, draft, 7)


def test_new_places_and_closures_get_ids_that_are_free(here: Workspace) -> None:
    draft = sheltered(here)
    assert free_id(draft, "new") == "new-2"
    assert free_id(draft, "change") == "change-2"


def test_a_click_near_a_place_of_the_draft_means_it(here: Workspace) -> None:
    draft = sheltered(here)
    places = place_choices(here, PLANNER, draft, "shelters")
    new = next(each for each in places if each.id == "new-1")
    found = nearest_choice(places, new.lon + 0.0001, new.lat, within_m=60.0)
    assert found == new
    assert nearest_choice(places, 0.0, 0.0, within_m=60.0) is None
    assert closure_sizes(here, PLANNER, draft)[0].streets >= 1


def test_a_scenario_comes_back_from_its_file_as_it_was(here: Workspace) -> None:
    draft = sheltered(here)
    again = scenario_from_bytes(here, PLANNER, scenario_file(here, PLANNER, draft), "方案.json")
    assert again == draft
    assert again.digest == draft.digest


@pytest.mark.parametrize(
    ("content", "name", "error", "said"),
    [
        (b"\xff\xfe\x00", "a.toml", SourceError, "is no .toml file"),
        (b"[1, 2]", "a.json", SourceError, "holds no table"),
        (b'{"base": {}, "name": 3, "closures": 7}', "a.json", ParameterError, "name is 3; give a word"),
        (b"[" * 100_000, "a.json", SourceError, "is no .json file"),
        (b'[[change]]\nkind = "remove_place"\nlayer = "shelters"\nid = "x"', "a.toml", ParameterError, "has no 'x'"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_in_one_sentence(
    here: Workspace, content: bytes, name: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        scenario_from_bytes(here, PLANNER, content, name)


def test_a_comparison_in_the_background_gives_the_answers_of_one_at_once(here: Workspace) -> None:
    scenario = sheltered(here)
    run = start_comparison(here, PLANNER, unchanged(scenario, "现状"), scenario)
    assert run.wait(60)
    assert run.found is not None
    at_once = compare_scenarios(here, PLANNER, unchanged(scenario, "现状"), scenario)
    assert run.found.digest == at_once.digest
    assert (run.state, run.share, comparison_run(here, PLANNER, run.run_id)) == ("done", 1.0, run)
    again = start_comparison(here, PLANNER, unchanged(scenario, "base"), scenario)
    assert again.wait(5)
    assert again.found is not None
    assert again.found.second.by_grid is run.found.second.by_grid, "it was computed a second time"
    assert again.found.first.scenario.name == "base"


def test_a_comparison_can_be_stopped_and_then_has_no_answer(here: Workspace) -> None:
    scenario = sheltered(here)
    run = start_comparison(here, PLANNER, unchanged(scenario, "现状"), scenario)
    run.stop()
    assert run.wait(60)
    assert (run.state, run.found) == ("stopped", None)


def test_what_is_wrong_with_a_comparison_is_said_and_no_exception(here: Workspace) -> None:
    wrong = replace(sheltered(here), changes=(PlaceRemoved("shelters", "nowhere"),))
    run = start_comparison(here, PLANNER, unchanged(wrong, "现状"), wrong)
    assert run.wait(60)
    assert run.state == "failed"
    assert "nowhere" in run.error
    with pytest.raises(ParameterError, match="different questions"):
        start_comparison(here, PLANNER, wrong, replace(wrong, question=Question()))
    with pytest.raises(RecordNotFoundError, match="compare the scenarios again"):
        comparison_run(here, PLANNER, "gone")


def test_a_third_comparison_waits_for_one_of_two(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridgov.operations.scenario_runs._MOST_AT_ONCE", 0)
    draft = new_scenario(here, PLANNER, "方案")
    with pytest.raises(ConflictError, match="other scenarios"):
        start_comparison(here, PLANNER, draft, draft)


def test_differences_are_told_by_minutes_and_by_ways_that_come_and_go() -> None:
    nan = np.nan
    first = np.array([600.0, 600, 600, 600, 600, 600, 600, nan, 600, nan])
    second = np.array([600.0, 571, 540, 420, 100, 700, 1000, 300, nan, nan])
    assert change_classes(first, second).tolist() == [8, 8, 0, 1, 2, 3, 5, 6, 7, 8]


def test_grids_put_together_have_one_time_on_the_map_of_the_base(here: Workspace) -> None:
    grids = here.layer("grids")
    same = grids[(grids["community_code"] == grids["community_code"].iloc[0]).to_numpy()]
    touching = same[same.geometry.touches(same.geometry.iloc[0]).to_numpy()].iloc[0]
    codes = (str(same["grid_code"].iloc[0]), str(touching["grid_code"]))
    merged = Scenario("合并", changes=(GridsMerged(codes, "339901001201991"),), question=ASKED)
    seconds = base_order(here, run_scenario(here, PLANNER, merged), "shelters")
    rows = np.flatnonzero(grids["grid_code"].astype(str).isin(codes))
    assert len(seconds) == len(grids)
    assert seconds[rows[0]] == seconds[rows[1]]
    assert not np.isnan(seconds).all()


def test_a_grid_cut_in_two_has_one_time_on_the_map_and_its_codes_in_the_files(here: Workspace, tmp_path: Path) -> None:
    grids = here.layer("grids")
    code, shape = str(grids["grid_code"].iloc[0]), grids.geometry.iloc[0]
    west, south, east, north = shape.bounds
    line = shapely.LineString([(west - 1e-3, (south + north) / 2), (east + 1e-3, (south + north) / 2)])
    change = GridSplit(code, shapely.geometry.mapping(line), (code, "339901001201992"))
    split = replace(sheltered(here), name="拆分", changes=(change,))
    found = compare_scenarios(here, PLANNER, unchanged(split, "现状"), split)
    assert found.second.codes["change"].tolist() == ["split", "split"]
    assert found.second.by_grid["persons"].sum() == found.first.by_grid["persons"].sum()
    assert len(found.second.by_grid) == len(grids) + 1
    seconds = base_order(here, found.second, "shelters")
    assert len(seconds) == len(grids)
    assert not np.isnan(seconds[0])
    path = tmp_path / "split.gpkg"
    path.write_bytes(comparison_file(here, PLANNER, found, "gpkg", "zh"))
    codes = gpd.read_file(path, layer="grid_codes")
    assert codes[["old_code", "new_code"]].to_numpy().tolist() == [[code, code], [code, "339901001201992"]]
    assert b"<svg" in comparison_file(here, PLANNER, found, "html", "zh")


def test_what_a_scenario_changes_is_on_the_map(compared: tuple[Workspace, Comparison]) -> None:
    here, found = compared
    shapes = changed_shapes(here, found.second.scenario, "zh")
    assert [mark.kind for mark in shapes.marks] == ["new"]
    assert len(shapes.closed) >= 1
    minutes, over = (each.to_json() for each in run_overlay(here, PLANNER, found.second, "shelters", "zh"))
    assert len(base64.b64decode(minutes["values"]["codes"])) == len(here.layer("grids"))
    assert {entry["label"] for entry in over["legend"][0]["entries"]} >= {"新设", "封路、限行", "现有场所"}
    change, _ = difference_overlay(here, PLANNER, found, "shelters", "en")
    assert min(base64.b64decode(change.to_json()["values"]["codes"])) < 3, "nobody gains by the new shelter"
    assert overlay_group(change)


def test_a_road_file_of_other_roads_is_said_when_it_runs_not_when_it_is_drawn(here: Workspace) -> None:
    other = Scenario("旧路", closures=(Closure("c", edges=(999_999,)),), question=ASKED)
    assert changed_shapes(here, other, "zh").closed == ()


def merged_codes(here: Workspace) -> tuple[str, str]:
    """Two grids of a community that touch."""
    grids = here.layer("grids")
    same = grids[(grids["community_code"] == grids["community_code"].iloc[0]).to_numpy()]
    touching = same[same.geometry.touches(same.geometry.iloc[0]).to_numpy()].iloc[0]
    return str(same["grid_code"].iloc[0]), str(touching["grid_code"])


def people_of_report(page: str) -> int:
    """The people of the table of gains and losses."""
    table = page[page.index("<th>差异：B 比 A</th>") :]
    rows = re.findall(r"<tr><td>[^<]*</td><td>[^<]*</td><td>([\d,]+)</td></tr>", table[: table.index("</table>")])
    return sum(int(each.replace(",", "")) for each in rows)


def test_files_of_merged_split_and_grown_grids_hold_everybody_of_both_sides(here: Workspace, tmp_path: Path) -> None:
    """Nobody is lost where codes go and come: merged into a new code, split, and half as many people again."""
    codes, into = merged_codes(here), "339901001201991"
    rest = here.layer("grids")
    rest = rest[~rest["grid_code"].astype(str).isin(codes)]
    code, shape = str(rest["grid_code"].iloc[0]), rest.geometry.iloc[0]
    west, south, east, north = shape.bounds
    line = mapping(shapely.LineString([(west - 1e-3, (south + north) / 2), (east + 1e-3, (south + north) / 2)]))
    split = GridSplit(code, line, (code, "339901001201992"))
    second = replace(sheltered(here), changes=(GridsMerged(codes, into), split, PopulationScaled(1.5)))
    other = replace(second, name="另一个", changes=(GridsMerged(codes, codes[1]),), closures=())
    for first in (unchanged(second, "现状"), other):
        found = compare_scenarios(here, PLANNER, first, second)
        whole = [round(run.by_grid["persons"].sum()) for run in (found.first, found.second)]
        path = tmp_path / f"{first.name}.gpkg"
        path.write_bytes(comparison_file(here, PLANNER, found, "gpkg", "zh"))
        grids = gpd.read_file(path, layer="by_grid")
        table = pd.read_csv(io.BytesIO(comparison_file(here, PLANNER, found, "grids.csv", "zh")))
        for frame in (grids, table):
            assert [frame["persons_first"].sum(), frame["persons_second"].sum()] == whole
        assert grids["grid_code"].tolist() == found.second.by_grid["grid_code"].astype(str).tolist()
        assert grids.geometry.notna().all()
        assert grids.set_index("grid_code")["shelters_s_change"].notna()[into]
        assert {"scenario_grids", "scenario_population", "grid_codes"} <= set(gpd.list_layers(path)["name"])
        assert into in set(gpd.read_file(path, layer="scenario_grids")["grid_code"])
        assert people_of_report(comparison_file(here, PLANNER, found, "html", "zh").decode()) == whole[1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_is_one_file_that_asks_for_nothing_else(compared: tuple[Workspace, Comparison], lang: str) -> None:
    here, found = compared
    page = comparison_file(here, PLANNER, found, "html", lang).decode()  # type: ignore[arg-type]
    assert page.count('<svg class="map"') == 3
    assert not re.search(r"(?:src|href)\s*=\s*[\"'](?!#)", page), "it refers to another file"
    assert not re.search(r"url\(|@import|<script|https?:", page)
    assert "&lt;b&gt;避难所" in page
    assert "<b>避难所" not in page
    assert found.second.digest in page
    assert "planning." not in page
    assert "what_if." not in page


def test_the_report_says_every_change_and_what_the_answers_rest_on(here: Workspace) -> None:
    codes = merged_codes(here)
    scenario = sheltered(here, "新避难所")
    scenario = with_change(here, PLANNER, scenario, PopulationScaled(1.5))
    scenario = with_change(here, PLANNER, scenario, GridsMerged(codes, "339901001201991"))
    found = compare_scenarios(here, PLANNER, unchanged(scenario, "现状"), scenario)
    page = comparison_file(here, PLANNER, found, "html", "zh").decode()
    for words in ("封闭道路", "新设避难场所", "人口为现状的 150%", "合并 2 个网格", "339901001201991", "没有改变"):
        assert words in page, words
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
    assert scenario.base.at is not None
    assert facts["时刻"] == f"{scenario.base.at.astimezone(here.timezone):%Y-%m-%d %H:%M}"
    assert facts["数据指纹"] == scenario.base.data
    assert facts["出行方式"].startswith("通常方式")
    assert facts["时限（分钟）"] == "3"
    assert facts["B 结果指纹"] == f"sha256:{found.second.digest}"
    notes = {unescape(note) for note in re.findall(r"<dt>须知</dt><dd>([^<]*)</dd>", page)}
    assert found.second.findings
    assert {each.message("zh") for each in found.second.findings} <= notes


def test_tables_are_for_spreadsheets_and_hold_every_figure(compared: tuple[Workspace, Comparison]) -> None:
    here, found = compared
    table = pd.read_csv(io.BytesIO(comparison_file(here, PLANNER, found, "csv", "en")))
    assert table["Code"].tolist() == [row.code for row in found.differences]
    grids = pd.read_csv(io.BytesIO(comparison_file(here, PLANNER, found, "grids.csv", "zh")), dtype={"grid_code": str})
    assert len(grids) == len(here.layer("grids"))
    assert np.allclose(grids["shelters_s_change"], found.by_grid["shelters_s_change"], equal_nan=True)


def test_the_geopackage_holds_grids_with_figures_and_the_changed_layers(
    compared: tuple[Workspace, Comparison], tmp_path: Path
) -> None:
    here, found = compared
    file = tmp_path / "a.gpkg"
    file.write_bytes(comparison_file(here, PLANNER, found, "gpkg", "zh"))
    assert set(gpd.list_layers(file)["name"]) == {"by_grid", "scenario_shelters", "figures"}
    grids = gpd.read_file(file, layer="by_grid")
    assert len(grids) == len(here.layer("grids"))
    assert grids.geometry.notna().all()
    assert {"shelters_s_first", "shelters_s_second", "shelters_s_change"} <= set(grids)
    assert "new-1" in set(gpd.read_file(file, layer="scenario_shelters")["shelter_id"])
    assert len(gpd.read_file(file, layer="figures")) == len(found.differences)


def test_every_kind_of_change_can_be_taken_away(here: Workspace) -> None:
    """Areas, population tables without geometry and lists in fields stay files that can be read."""
    scenario = sheltered(here)
    forest = AreaTaken("forest", mapping(shapely.box(*here.bounds).buffer(-0.002)))
    scenario = replace(scenario, changes=(*scenario.changes, forest, PopulationScaled(1.5)))
    found = compare_scenarios(here, PLANNER, unchanged(scenario, "现状"), scenario)
    for file_format in FORMATS:
        assert len(comparison_file(here, PLANNER, found, file_format, "zh")) > 500
    with pytest.raises(ParameterError, match="format 'pdf'"):
        comparison_file(here, PLANNER, found, "pdf", "zh")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="not asked for 'police'"):
        comparison_file(here, PLANNER, found, "html", "zh", subject="police")
