"""What a scenario does in silence is said beside its figures; what would make them wrong is refused or not counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ParameterError
from gridgov.model.changes import AreaAdded, AreaTaken, PlaceAdded, PlaceRemoved, change_from_dict
from gridgov.model.closures import Closure
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Base, Question, Scenario
from gridgov.operations.scenario_comparison import compare_runs
from gridgov.operations.what_if import ScenarioRun, base_of, run_scenario
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
ASKED = Question(near=("shelters",), minutes=3.0, resources=("forest",))


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def run(here: Workspace, *changes: Any, question: Question = ASKED, **options: Any) -> ScenarioRun:
    return run_scenario(here, PLANNER, Scenario("方案", (), changes, question, base_of(here), **options))


def said(found: ScenarioRun) -> list[tuple[str, str | None]]:
    return [(each.rule, each.key) for each in found.findings]


def test_land_that_is_there_already_counts_once_and_is_said(here: Workspace) -> None:
    forest = here.layer("forest").geometry.iloc[0]
    base = run(here)
    twice = run(here, AreaAdded("forest", "n-1", mapping(forest)), AreaAdded("forest", "n-2", mapping(forest)))
    areas = [each for each in compare_runs(base, twice).differences if each.code == "area"]
    assert [each.verdict for each in areas] == ["same"]
    assert said(twice) == [("area_there_already", "n-1"), ("area_there_already", "n-2")]
    hectares = float(twice.findings[0].detail["hectares"])
    area = here.layer("forest").iloc[[0]].to_crs(here.metric_crs).area.iloc[0]
    assert hectares == pytest.approx(area / 10_000, abs=0.01)


def test_new_land_counts_whole_and_nothing_is_said(here: Workspace) -> None:
    _, _, east, north = here.bounds
    near = shapely.box(east + 0.001, north + 0.001, east + 0.002, north + 0.002)
    forest = here.layers_of_kind("forest")
    assert forest is not None
    assert not forest.intersects(near).any()
    more = run(here, AreaAdded("forest", "n-1", mapping(near)))
    assert (more.value("area", "forest") or 0) > (run(here).value("area", "forest") or 0) + 5_000
    assert more.findings == ()


def test_an_area_or_place_that_reaches_far_outside_of_the_district_is_refused(here: Workspace) -> None:
    west, south, east, north = here.bounds
    long = shapely.box(west, south, east + 3.0, north)
    with pytest.raises(ParameterError, match=r"change 1: add_area n-1 .*km from the district"):
        run(here, AreaAdded("forest", "n-1", mapping(long)))
    with pytest.raises(ParameterError, match=r"change 2: add_place n .*km from the district"):
        run(here, PlaceAdded("shelters", "m", west, south), PlaceAdded("shelters", "n", 116.4, 39.9))
    with pytest.raises(ParameterError, match=r"change 1: take_area.*meets nothing of layer 'forest'"):
        run(here, AreaTaken("forest", mapping(shapely.box(116.4, 39.9, 116.5, 40.0))))
    for change in (AreaTaken("forest", mapping(shapely.box(5e5, 3e6, 6e5, 4e6))),
                   AreaAdded("forest", "n", mapping(shapely.box(5e5, 3e6, 6e5, 4e6)))):  # fmt: skip
        with pytest.raises(ParameterError, match=r"change 1: .*no longitudes and latitudes; give degrees"):
            run(here, change)


@pytest.mark.parametrize("coordinates", [None, [], ["a"], [["a"]], [[[1, 2], [3, 4]]], "x"])
def test_an_area_without_usable_coordinates_is_refused(here: Workspace, coordinates: object) -> None:
    geometry = {"type": "Polygon"} | ({} if coordinates is None else {"coordinates": coordinates})
    with pytest.raises(ParameterError, match="change 1: take_area"):
        run(here, AreaTaken("forest", geometry))


def test_grids_and_their_people_do_not_vanish_with_an_area(here: Workspace) -> None:
    code = str(here.layer("grids")["grid_code"].iloc[0])
    area = mapping(here.layer("grids").geometry.iloc[0])
    for change in (AreaTaken("grids", area), AreaAdded("grids", "n", area), PlaceRemoved("grids", code)):
        with pytest.raises(ParameterError, match=r"grids and their people stay; use merge_grids or split_grid"):
            run(here, change)


def test_what_is_named_twice_is_asked_once(here: Workspace) -> None:
    asked = Question(near=("shelters", "shelters"), minutes=3.0, resources=("forest", "forest"))
    assert asked == ASKED
    assert run(here, question=asked).digest == run(here).digest


def test_a_question_for_what_is_not_there_names_what_is(here: Workspace) -> None:
    with pytest.raises(ParameterError, match="nothing to be near; give near"):
        run(here, question=Question(near=(), resources=("forest",)))
    for kind, why in (("farmlnad", "of which there is no layer"), ("shelters", "whose layers hold no areas")):
        with pytest.raises(ParameterError, match=f"'{kind}', {why}; there are .*forest"):
            run(here, question=Question(near=("shelters",), resources=("forest", kind)))
    usual = run(here, question=Question(near=("shelters",)))  # the usual kinds: those that the village has
    assert usual.value("area", "forest") == run(here).value("area", "forest")


def test_a_place_that_no_question_finds_is_said(here: Workspace) -> None:
    middle = shapely.box(*here.bounds).centroid
    place = ("facilities", middle.x, middle.y)
    none, new, station = (
        PlaceAdded(place[0], name, place[1], place[2], {"category": category} if category else {})
        for name, category in (("none", ""), ("new", "spaceport"), ("station", "fire_station"))
    )
    rules = [
        rule for rule in said(run(here, none, new, station)) if rule[0].startswith("place_") and "road" not in rule[0]
    ]
    assert rules == [("place_without_category", "none"), ("place_of_new_category", "new")]
    asked = Question(near=("spaceport",), resources=())
    found = run(here, new, question=asked)
    assert "place_of_new_category" not in dict(said(found))
    assert found.value("time_median", "spaceport") is not None


def test_a_place_off_the_roads_is_said_with_its_distance(here: Workspace) -> None:
    west, south, _, _ = here.bounds
    found = run(here, PlaceAdded("shelters", "off", west - 0.03, south - 0.03, {"capacity_persons": 10}))
    assert said(found)[0] in {("place_far_from_roads", "off"), ("place_off_roads", "off")}
    assert found.findings[0].detail["metres"] > 1_000
    assert "off" in found.findings[0].message("en")
    assert "米" in found.findings[0].message("zh")


def test_a_closure_of_another_time_and_one_of_old_roads_are_said(here: Workspace) -> None:
    when = here.now()
    later = Closure("later", edges=(3,), valid_from=when + timedelta(days=1))
    old = Closure("old", edges=(3,), topology="sha256:of-other-roads")
    found = run_scenario(here, PLANNER, Scenario("方案", (later,), (), ASKED, Base(base_of(here).data, when, (old,))))
    assert said(found) == [("closure_not_then", "later"), ("closure_of_other_roads", "old")]
    assert run(here).by_grid.equals(found.by_grid)


def test_without_its_only_station_nobody_is_reached(here: Workspace) -> None:
    facilities = here.layer("facilities")
    stations = facilities["facility_id"][facilities["category"] == "fire_station"].astype(str)
    assert len(stations)
    asked = Question(near=("fire_station",), resources=())
    found = run(here, *(PlaceRemoved("facilities", each) for each in stations), question=asked)
    persons = here.layer("grids")["persons"].sum()
    assert found.value("persons_beyond", "fire_station") == persons
    assert found.value("share_within", "fire_station") == 0.0
    assert found.value("time_median", "fire_station") is None
    assert np.isnan(found.by_grid["fire_station_s"]).all()


def touching(here: Workspace) -> tuple[str, str]:
    """Return two grids of one community that share a border."""
    grids = here.layer("grids")
    first = grids.iloc[0]
    for _, other in grids.iloc[1:].iterrows():
        border = first.geometry.intersection(other.geometry)
        if other["community_code"] == first["community_code"] and border.length > 0:
            return str(first["grid_code"]), str(other["grid_code"])
    raise AssertionError("the village has no neighbours")


def merge(here: Workspace, into: str) -> Any:
    return change_from_dict({"kind": "merge_grids", "codes": list(touching(here)), "into": into})


def test_times_of_redrawn_grids_are_said_to_be_measured_anew(here: Workspace) -> None:
    assert said(run(here, merge(here, touching(here)[0]))) == [("grids_measured_anew", None)]


def test_a_merged_grid_has_a_code_of_its_community(here: Workspace) -> None:
    code = touching(here)[0]
    for wrong in ("abc", f"{code}0", f"9{code[1:]}"):
        with pytest.raises(ParameterError, match=f"merge_grids into {wrong}: .*{len(code)} signs, beginning with"):
            run(here, merge(here, wrong))
    found = run(here, merge(here, f"{code[:12]}997"))
    assert f"{code[:12]}997" in set(found.by_grid["grid_code"])


def test_duty_lists_of_workers_follow_grids_that_merge(here: Workspace) -> None:
    codes, new = touching(here), f"{touching(here)[0][:12]}997"
    before, after = (
        frame["duty_grids"].map(set) for frame in (here.layer("workers"), run(here, merge(here, new)).layers["workers"])
    )
    assert before.map(lambda duty: bool(duty & set(codes))).any()
    for had, has in zip(before, after, strict=True):
        assert has == {new if code in codes else code for code in had}
