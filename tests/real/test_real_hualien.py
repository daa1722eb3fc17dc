"""Hualien, imported from its real files: the counts, the known traps, and dispatch against NetworkX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gridgov.dispatch import DispatchParams, Roster, plan_dispatch
from gridgov.model import TravelMode
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.network import CLOSED, RoadNetwork, split_at_places
from gridgov.operations.dispatching import dispatch_at
from gridgov.operations.importing import ImportReport, import_workspace
from gridgov.workspace import Workspace, open_workspace

pytestmark = pytest.mark.real
ROAD_BOX = (121.535, 23.920, 121.646, 24.039)
BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
SEED = 20_260_630


def rules(report: ImportReport, layer: str) -> dict[str, int]:
    """How many rows each rule was found in, for a layer."""
    found = [finding.rule for finding in report.findings if finding.layer == layer]
    return {rule: found.count(rule) for rule in set(found)}


def test_areas_persons_and_unknowns_are_those_of_the_source(imported: tuple[ImportReport, Workspace]) -> None:
    """2,117 areas, 221,329 persons; 270 areas have no figure, and null is not zero."""
    report, workspace = imported
    grids = workspace.layer("grids")
    assert len(grids) == 2_117
    assert grids["persons"].sum() == report.facts["persons"] == 221_329
    assert grids["persons"].isna().sum() == report.facts["persons_unknown_grids"] == 270
    assert (grids["persons"] == 0).sum() == 0


def test_the_road_graph_has_the_size_that_osmnx_gives(imported: tuple[ImportReport, Workspace]) -> None:
    report, workspace = imported
    assert abs(report.facts["road_nodes"] - 3_813) <= 40
    assert abs(int((workspace.network(TravelMode.DRIVE).travel_time_ms != CLOSED).sum()) - 10_835) <= 110


def test_shelters_and_accidents_are_all_there(imported: tuple[ImportReport, Workspace]) -> None:
    _, workspace = imported
    assert len(workspace.layer("shelters")) == 198
    assert len(workspace.layer("incidents")) == 531


def test_the_known_traps_of_the_disaster_cases_are_findings(imported: tuple[ImportReport, Workspace]) -> None:
    """Cases of 光復 at one point in another county are kept aside; malformed and shifted rows too; nothing is lost."""
    report, workspace = imported
    entry = workspace.entry("incidents-emic")
    assert entry.rows + entry.aside == 1_703
    aside = pd.read_csv(report.aside_directory / "incidents-emic.csv", encoding="utf-8-sig", dtype=str)
    assert len(aside) == entry.aside
    assert (aside["town"] == "光復鄉").sum() >= 333
    found = rules(report, "incidents-emic")
    assert found["outside_district"] >= 333
    assert found["marked_malformed"] >= 1
    assert any("shifted" in rule for rule in found)


def test_three_coordinate_systems_end_up_in_one(imported: tuple[ImportReport, Workspace]) -> None:
    """The zoning comes in EPSG:3826 and lies over the grids afterwards."""
    _, workspace = imported
    west, south, east, north = workspace.layer("land-zoning").total_bounds
    assert 121 < west < east < 122
    assert 23 < south < north < 25


@pytest.fixture(scope="module")
def accidents(imported: tuple[ImportReport, Workspace]) -> gpd.GeoDataFrame:
    frame = imported[1].layer("incidents")
    west, south, east, north = ROAD_BOX
    x, y = frame.geometry.x, frame.geometry.y
    return frame[(x >= west) & (x <= east) & (y >= south) & (y <= north)]


@pytest.fixture(scope="module")
def workers(imported: tuple[ImportReport, Workspace]) -> gpd.GeoDataFrame:
    """200 workers by seed, anywhere within 300 m of a crossing, of all three modes, always on duty."""
    network = imported[1].network()
    rng = np.random.default_rng(SEED)
    nodes = rng.integers(0, network.n_nodes, 200)
    x = network.x[nodes] + rng.uniform(-0.003, 0.003, 200)
    y = network.y[nodes] + rng.uniform(-0.003, 0.003, 200)
    return gpd.GeoDataFrame(
        {"worker_id": [f"W{i:03d}" for i in range(200)], "mode": rng.choice([str(m) for m in TravelMode], 200)},
        geometry=gpd.points_from_xy(x, y),
        crs=4326,
    )


def oracle_times(network: RoadNetwork, workers: gpd.GeoDataFrame, incidents: gpd.GeoDataFrame) -> np.ndarray:
    """NetworkX's times in ms from every worker to every incident (incidents in rows); -1 where there is no way.

    Places become real nodes of the graph; the search runs on the reversed graph, from the incident.
    """
    x = np.concatenate([workers.geometry.x, incidents.geometry.x])
    y = np.concatenate([workers.geometry.y, incidents.geometry.y])
    split = split_at_places(network, network.snap(x, y))
    graph = nx.DiGraph()
    for tail, head, ms in zip(split.tail.tolist(), split.head.tolist(), split.travel_time_ms.tolist(), strict=True):
        known = graph.get_edge_data(head, tail)
        if known is None or ms < known["weight"]:
            graph.add_edge(head, tail, weight=ms)  # reversed
    times = np.full((len(incidents), len(workers)), -1, dtype=np.int64)
    nodes = [int(node) for node in split.node_of_place]
    for row, source in enumerate(nodes[len(workers) :]):
        reached = nx.single_source_dijkstra_path_length(graph, source) if source in graph else {source: 0}
        times[row] = [reached.get(node, -1) for node in nodes[: len(workers)]]
    return times


def test_dispatch_to_every_accident_equals_networkx_bit_for_bit(
    imported: tuple[ImportReport, Workspace], accidents: gpd.GeoDataFrame, workers: gpd.GeoDataFrame
) -> None:
    """414 real accidents, 200 workers of three modes: the ten best times are the oracle's, to the millisecond."""
    _, workspace = imported
    assert len(accidents) == 414
    networks = {mode: workspace.network(mode) for mode in TravelMode}
    roster = Roster.from_frame(workers, networks, workspace.timezone)
    expected = np.full((len(accidents), len(workers)), -1, dtype=np.int64)
    for mode, network in networks.items():
        columns = np.flatnonzero(workers["mode"] == str(mode))
        expected[:, columns] = oracle_times(network, workers.iloc[columns], accidents)
    for row, point in enumerate(accidents.geometry):
        plan = plan_dispatch(roster, point.x, point.y, DispatchParams(k=10), now=workspace.now())
        reached = np.sort(expected[row][expected[row] >= 0])
        assert [option.travel_time_ms for option in plan.options] == reached[:10].tolist()
        for option in plan.options:
            assert option.travel_time_ms == expected[row][int(option.worker_id[1:])]


def test_a_workspace_without_workers_says_so(imported: tuple[ImportReport, Workspace]) -> None:
    plan = dispatch_at(imported[1], BOSS, 121.61, 23.98)
    assert plan.options == ()
    assert plan.notes == ("no_workers",)


def test_importing_again_from_the_same_files_gives_the_same_version(
    imported: tuple[ImportReport, Workspace], real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, workspace = imported
    monkeypatch.setenv("GRIDGOV_TEST_DATA", str(real_data))
    again = import_workspace(tmp_path / "again", Path(__file__).with_name("hualien.toml"))
    assert open_workspace(again.directory).version == workspace.version
    assert [replace(each, added_at="") for each in again.layers] == [
        replace(each, added_at="") for each in report.layers
    ]
