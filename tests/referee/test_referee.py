"""SUMO as a second referee: it replays plans, and measures capacities."""

from __future__ import annotations

import importlib.util
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import order_case
import pandas as pd
import pytest
from skipping import skip_here

from gridgov.cli import main
from gridgov.errors import ParameterError, SpecError
from gridgov.evacuation import EvacuationParams, plan_evacuation
from gridgov.layers.road_rules import load_speeds
from gridgov.network import RoadNetwork
from gridgov.network.capacities import with_lane_capacities
from gridgov.profiles.capacities import load_capacities
from gridgov.referee import (
    ClassCapacity,
    RefereeRoads,
    Verdict,
    calibrate,
    capacities_toml,
    replay_in_sumo,
    replaying,
    roads,
)
from gridgov.workspace import Workspace, open_workspace

pytestmark = pytest.mark.referee


@pytest.fixture(scope="session")
def sumo() -> None:
    """SUMO, or a skip that says why."""
    if importlib.util.find_spec("sumo") is None:
        skip_here("Eclipse SUMO is not installed: pip install 'gridgov[referee]'")


@pytest.fixture(scope="module")
def city(tiny_city: RoadNetwork) -> RoadNetwork:
    return order_case.named_city(tiny_city)


@pytest.fixture(scope="module")
def linjiang(village: Path) -> Workspace:
    return open_workspace(village)


@pytest.fixture(scope="module")
def measured(sumo: None) -> tuple[ClassCapacity, ...]:
    return calibrate(load_speeds())


def riverside(workspace: Workspace, network: RoadNetwork, per_person: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All grids near the river leave for all shelters farther off."""
    grids, shelters = workspace.layer("grids"), workspace.layer("shelters")
    river = workspace.layer("water").geometry.iloc[0].buffer(0.004)
    grids = grids[grids.geometry.representative_point().within(river) & (grids["persons"] > 0)]
    shelters = shelters[~shelters.within(river)]
    used = np.unique(network.tail[network.travel_time_ms < 2**31 - 1])

    def nodes(points: Any) -> list[int]:
        assert network.x is not None
        assert network.y is not None
        east, north = network.x[used] - points.x.to_numpy()[:, None], network.y[used] - points.y.to_numpy()[:, None]
        return [int(used[i]) for i in (east**2 + north**2).argmin(axis=1)]

    demand = {"zone_id": grids["grid_code"], "node": nodes(grids.geometry.representative_point())}
    places = {"shelter_id": shelters["shelter_id"], "node": nodes(shelters.geometry)}
    return (
        pd.DataFrame({**demand, "persons": grids["persons"] * per_person}).reset_index(drop=True),
        pd.DataFrame({**places, "capacity_persons": shelters["capacity_persons"] * per_person}).reset_index(drop=True),
    )


def test_sumo_replays_the_plan_of_linjiang_within_a_tenth_of_the_promise(
    linjiang: Workspace, measured: tuple[ClassCapacity, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The bar of the referee: capacities are measured, the plan is made with them, all arrive, in about its time."""
    profile, network = load_speeds(), linjiang.network()
    calibrated = with_lane_capacities(
        network,
        {one.highway: one.assumed_vph for one in measured},
        {one.highway: one.lane_capacity_vph for one in measured},
    )
    demand, shelters = riverside(linjiang, network)
    plan = plan_evacuation(calibrated, demand, shelters, EvacuationParams(time_limit_s=5.0))
    verdict = replay_in_sumo(json.loads(plan.to_json()), RefereeRoads.from_network(network, profile))
    with capsys.disabled():
        sys.stdout.write(f"\nlinjiang: promised {verdict.promised_s[-1]:.0f} s, SUMO {verdict.replayed_s[-1]:.0f} s\n")
    assert plan.unmet_persons == 0
    assert verdict.vehicles > 300
    assert verdict.failures == 0
    assert verdict.holds
    assert abs(verdict.ratio - 1.0) <= 0.10


def test_junctions_pass_less_than_streets_and_faster_roads_more(measured: tuple[ClassCapacity, ...]) -> None:
    by_class = {one.highway: one for one in measured}
    assert {"motorway", "primary", "residential", "service"} <= set(by_class)
    for one in measured:
        assert 0 < one.crossing_vph < one.street_vph / 2
        assert one.lane_capacity_vph <= one.street_vph
    assert by_class["service"].street_vph < by_class["residential"].street_vph < by_class["primary"].street_vph
    assert by_class["motorway"].lane_capacity_vph > 1500  # without crossings


def test_measured_capacities_are_a_file_that_is_read_back(measured: tuple[ClassCapacity, ...], tmp_path: Path) -> None:
    file = tmp_path / "capacities.toml"
    file.write_text(capacities_toml(measured, source="a test"), encoding="utf-8")
    read = load_capacities(file)
    assert read.source == "a test"
    assert read.measured_vph == {one.highway: round(one.lane_capacity_vph) for one in measured}
    assert tomllib.loads(file.read_text(encoding="utf-8"))["capacity"]["certainty"] == "U"
    file.write_text(file.read_text(encoding="utf-8").replace("lane_capacity_vph", "lane_vph"), encoding="utf-8")
    with pytest.raises(SpecError, match="lane_capacity_vph"):
        load_capacities(file)


def test_a_class_gets_its_measured_capacity_lane_by_lane(linjiang: Workspace) -> None:
    network = linjiang.network()
    changed = with_lane_capacities(network, {"residential": 500.0}, {"residential": 400.0, "primary": 1.0})
    before, after = network.capacity_vph, changed.capacity_vph
    assert before is not None
    assert after is not None
    residential = np.array([network.highway(edge) == "residential" for edge in range(network.n_edges)])
    assert residential.any()
    np.testing.assert_allclose(after[residential], before[residential] * 0.8)
    np.testing.assert_array_equal(after[~residential], before[~residential])


def test_a_small_plan_is_driven_and_both_times_are_told(sumo: None, city: RoadNetwork) -> None:
    verdict = replay_in_sumo(order_case.plan(city), RefereeRoads.from_network(city, load_speeds()))
    assert (verdict.vehicles, verdict.failures) == (48, 0)
    assert verdict.promised_s[-1] == 640.0
    assert verdict.replayed_s[0] <= verdict.replayed_s[1] <= verdict.replayed_s[2]
    assert abs(verdict.ratio - 1) < 0.1
    assert verdict.to_dict()["holds"]


def test_turns_that_sumo_leaves_out_are_given_to_it(
    sumo: None, city: RoadNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it takes a sharp bend for a way back, say; here it is said of every turn of the plan."""
    monkeypatch.setattr(roads, "_turns_of", lambda folder: set())
    verdict = replay_in_sumo(order_case.plan(city), RefereeRoads.from_network(city, load_speeds()))
    assert (verdict.vehicles, verdict.failures) == (48, 0)
    assert abs(verdict.ratio - 1) < 0.1


def test_a_promise_that_cannot_be_kept_is_refused(sumo: None, city: RoadNetwork) -> None:
    """Ten times the people in the same time: the street is not that wide."""
    document = order_case.plan(city)
    for flow in document["flows"]:
        flow["persons"] *= 30
    verdict = replay_in_sumo(document, RefereeRoads.from_network(city, load_speeds()))
    assert not verdict.holds
    assert verdict.ratio > 1.1 or verdict.failures > 0


def test_who_is_at_the_shelter_already_arrives_at_once(sumo: None, city: RoadNetwork) -> None:
    document = order_case.plan(city)
    document["flows"][0].update(edges=[], enter_s=[])
    verdict = replay_in_sumo(document, RefereeRoads.from_document(document))
    assert verdict.failures == 0


def test_what_cannot_be_replayed_is_said_in_one_sentence(sumo: None, city: RoadNetwork) -> None:
    roads = RefereeRoads.from_network(city, load_speeds())
    with pytest.raises(ParameterError, match="moves nobody"):
        replay_in_sumo({**order_case.plan(city), "flows": []}, roads)
    other = RoadNetwork.from_arrays([0], [1], [1000], [600.0], [0.0, 0.001], [0.0, 0.0])
    with pytest.raises(ParameterError, match="45 edges"):
        replay_in_sumo(order_case.plan(city), RefereeRoads.from_network(other, load_speeds()))


def test_without_sumo_it_is_said_how_to_install_it(city: RoadNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridgov.referee.engine.find_spec", lambda _: None)
    with pytest.raises(ParameterError, match=r"pip install 'gridgov\[referee\]'"):
        replay_in_sumo(order_case.plan(city), RefereeRoads.from_network(city, load_speeds()))
    with pytest.raises(ParameterError, match=r"pip install 'gridgov\[referee\]'"):
        calibrate(load_speeds(), ["residential"])


def test_who_is_still_on_the_way_is_a_failure() -> None:
    verdict = Verdict(10, (1.0, 2.0, 3.0), (1.0, 2.0, float("nan")), 0, 1, 2)
    assert verdict.failures == 3
    assert not verdict.holds
    assert json.loads(json.dumps(verdict.to_dict(), allow_nan=False))["ratio"] is None
    assert replaying._times_of(np.array([1.0, 2.0]), 3) == (2.0, *(pytest.approx(float("nan"), nan_ok=True),) * 2)


def test_a_plan_on_foot_is_not_replayed_as_cars(
    city: RoadNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command refuses it in one sentence, before SUMO is asked for."""
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({**order_case.plan(city), "params": {"mode": "walk"}}), encoding="utf-8")
    assert main(["referee", str(file), "--alone"]) == 2
    assert "everybody walks in this plan" in capsys.readouterr().err


def test_the_command_prints_both_numbers_and_answers_yes_or_no(
    sumo: None, city: RoadNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(order_case.plan(city)), encoding="utf-8")
    assert main(["referee", str(file), "--alone", "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "0:10:40" in out
    assert "Verdict: the plan holds" in out
    assert main(["referee", str(file), "--alone", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "gridgov-referee/1"
    file.write_text("{}", encoding="utf-8")
    assert main(["referee", str(file)]) == 2
    assert "no gridgov-plan/1 document" in capsys.readouterr().err
