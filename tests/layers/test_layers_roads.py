"""OpenStreetMap roads."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from gridgov.errors import SourceError, SpecError
from gridgov.layers import load_speeds, read_osm_roads
from gridgov.layers.road_rules import maxspeed_kph, road_use
from gridgov.model import TravelMode

DRIVE, EBIKE, WALK = TravelMode.DRIVE, TravelMode.EBIKE, TravelMode.WALK


def osm(nodes: int, *ways: tuple[list[int], dict[str, str]]) -> str:
    """OSM XML with nodes 1 … n on a line, 0.001° apart, and ways."""
    lines = ['<?xml version="1.0"?><osm version="0.6">']
    lines += [f'<node id="{i}" version="1" lat="29.6" lon="{119 + i / 1000:.4f}"/>' for i in range(1, nodes + 1)]
    for number, (refs, tags) in enumerate(ways, start=100):
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        inner += "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        lines.append(f'<way id="{number}" version="1">{inner}</way>')
    return "\n".join([*lines, "</osm>"])


def read(folder: Path, text: str) -> nx.MultiDiGraph:
    path = folder / "r.osm"
    path.write_text(text, encoding="utf-8")
    return read_osm_roads(path)


def use(**tags: str) -> Any:
    return road_use({"highway": "residential", **{k.replace("__", ":"): v for k, v in tags.items()}}, load_speeds())


def test_a_two_way_street_becomes_one_edge_each_way(tmp_path: Path) -> None:
    """Nodes in between are merged, lengths and seconds add up."""
    graph = read(tmp_path, osm(4, ([1, 2, 3, 4], {"highway": "residential", "name": "Main"})))
    assert set(graph.edges()) == {(1, 4), (4, 1)}
    edge = graph[1][4][0]
    assert edge["length"] == pytest.approx(290.1, abs=0.5)
    assert edge["walk_s"] == pytest.approx(edge["length"] / (5 / 3.6))
    assert edge["drive_s"] == pytest.approx(edge["length"] / (20 / 3.6))
    assert edge["name"] == "Main"
    assert graph.graph["crs"] == "epsg:4326"
    assert len(edge["geometry"].coords) == 4


@pytest.mark.parametrize("latitude", ["nan", "abc", ""])
def test_a_node_whose_position_is_no_number_is_a_fault_of_the_file(tmp_path: Path, latitude: str) -> None:
    """One sentence names file and value; no error of the reading library comes through."""
    text = osm(2, ([1, 2], {"highway": "residential"})).replace('lat="29.6"', f'lat="{latitude}"', 1)
    with pytest.raises(SourceError, match=r"r.osm: broken or not an OpenStreetMap file .wrong format for coordinate"):
        read(tmp_path, text)


def test_what_is_not_understood_is_counted_with_an_example(tmp_path: Path) -> None:
    """Tags that are no number or no direction; ways of one node or of no length."""
    road = {"highway": "residential"}
    text = osm(
        5,
        ([1, 2], road | {"maxspeed": "fast", "lanes": "two", "oneway": "maybe"}),
        ([2, 3], road | {"maxspeed": "50;quick", "lanes": "2", "oneway": "no"}),
        ([3, 4], road | {"maxspeed": "CN:urban", "lanes": "-1"}),
        ([4], road),
        ([4, 5], road),
    ).replace('lon="119.0050"', 'lon="119.0040"')
    findings = read(tmp_path, text).graph["findings"]
    assert [(f.rule, f.field, f.detail) for f in findings] == [
        ("road_tag_unread", "lanes", {"count": 2, "value": "two"}),
        ("road_tag_unread", "maxspeed", {"count": 1, "value": "fast"}),
        ("road_tag_unread", "oneway", {"count": 1, "value": "maybe"}),
        ("road_way_of_one_node", "geometry", {"count": 1, "value": "103"}),
        ("road_way_without_length", "geometry", {"count": 1, "value": "104"}),
    ]


def test_a_one_way_binds_cars_and_ebikes_but_not_walkers(tmp_path: Path) -> None:
    """The edge against it has seconds for walkers only."""
    graph = read(tmp_path, osm(3, ([1, 2, 3], {"highway": "residential", "oneway": "yes"})))
    assert {"drive_s", "ebike_s", "walk_s"} <= graph[1][3][0].keys()
    assert "walk_s" in graph[3][1][0]
    assert not {"drive_s", "ebike_s"} & graph[3][1][0].keys()
    assert graph[3][1][0]["capacity_vph"] == 0


def test_one_ways_that_meet_head_to_head_are_not_merged(tmp_path: Path) -> None:
    """Merging them would open a way through for cars that is not there."""
    tags = {"highway": "residential", "oneway": "yes"}
    graph = read(tmp_path, osm(3, ([1, 2], tags), ([3, 2], tags)))
    assert set(graph.nodes) == {1, 2, 3}
    drivable = nx.DiGraph([(u, v) for u, v, s in graph.edges(data="drive_s") if s is not None])
    assert not nx.has_path(drivable, 1, 3)


def test_a_footway_that_continues_a_street_is_not_merged_with_it(tmp_path: Path) -> None:
    """Cars stop where the street ends."""
    graph = read(tmp_path, osm(3, ([1, 2], {"highway": "residential"}), ([2, 3], {"highway": "footway"})))
    assert "drive_s" in graph[1][2][0]
    assert "drive_s" not in graph[2][3][0]
    assert "walk_s" in graph[2][3][0]


def test_streets_of_different_names_are_merged_and_keep_both(tmp_path: Path) -> None:
    """Names are joined by a slash."""
    graph = read(
        tmp_path,
        osm(3, ([1, 2], {"highway": "residential", "name": "A"}), ([2, 3], {"highway": "residential", "name": "B"})),
    )
    assert set(graph.edges()) == {(1, 3), (3, 1)}
    assert graph[1][3][0]["name"] == "A / B"
    assert graph[1][3][0]["osmid"] == [100, 101]


def test_a_reversed_one_way_runs_against_its_nodes(tmp_path: Path) -> None:
    """oneway=-1."""
    graph = read(tmp_path, osm(2, ([1, 2], {"highway": "residential", "oneway": "-1"})))
    assert "drive_s" in graph[2][1][0]
    assert "drive_s" not in graph[1][2][0]


def test_a_ring_apart_from_everything_is_kept(tmp_path: Path) -> None:
    """A road round an island has no end, yet it is a road."""
    graph = read(tmp_path, osm(6, ([1, 2], {"highway": "residential"}), ([3, 4, 5, 3], {"highway": "residential"})))
    assert nx.number_weakly_connected_components(graph) == 2
    assert sum(u == v for u, v in graph.edges()) == 2


def test_nodes_that_the_file_lacks_cut_the_road_and_are_said(tmp_path: Path) -> None:
    """An extract's edge."""
    graph = read(tmp_path, osm(3, ([1, 2, 99, 3], {"highway": "residential"})))
    assert set(graph.edges()) == {(1, 2), (2, 1)}
    assert [(f.rule, f.detail) for f in graph.graph["findings"]] == [("road_nodes_missing", {"count": 1})]


def test_a_class_that_nobody_may_use_is_left_out_and_said(tmp_path: Path) -> None:
    """A road under construction."""
    graph = read(tmp_path, osm(3, ([1, 2], {"highway": "residential"}), ([2, 3], {"highway": "construction"})))
    assert set(graph.nodes) == {1, 2}
    assert [f.detail for f in graph.graph["findings"]] == [{"highway": "construction", "count": 1}]


@pytest.mark.parametrize(("suffix", "pack"), [(".osm.gz", gzip.compress), (".osm.bz2", bz2.compress)])
def test_packed_files_are_read(tmp_path: Path, suffix: str, pack: Any) -> None:
    """By gzip and by bzip2."""
    path = tmp_path / f"r{suffix}"
    path.write_bytes(pack(osm(2, ([1, 2], {"highway": "residential"})).encode()))
    assert read_osm_roads(path).number_of_edges() == 2


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("r.osm", b"hello", "broken or not an OpenStreetMap file"),
        ("r.osm.pbf", b"hello hello hello", "broken or not an OpenStreetMap file"),
        ("r.osm", osm(2, ([1, 2], {"highway": "residential"})).encode()[:-40], "broken or not an OpenStreetMap file"),
        ("r.osm", osm(2, ([1, 2], {"building": "yes"})).encode(), "no usable road"),
        ("r.osm", osm(0, ([1, 2], {"highway": "residential"})).encode(), "no edge"),
        ("r.txt", b"hello", "roads are read from .osm or .osm.pbf"),
    ],
)
def test_a_file_without_roads_is_a_source_fault(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    """One sentence, with the file."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError, match=said) as caught:
        read_osm_roads(path)
    assert name in str(caught.value)


def test_a_missing_file_is_a_source_fault(tmp_path: Path) -> None:
    """Said before anything is read."""
    with pytest.raises(SourceError, match="no such file"):
        read_osm_roads(tmp_path / "none.osm")


# ------------------------------------------------------------------ rules
def test_a_motorway_is_for_cars_and_one_way() -> None:
    """Unless it says otherwise."""
    found = use(highway="motorway")
    assert set(found.forward_kph) == {DRIVE}
    assert not found.backward_kph
    assert set(use(highway="motorway", oneway="no").backward_kph) == {DRIVE}


def test_walkers_follow_the_one_way_of_a_trunk_road() -> None:
    """It has two carriageways, each with its own pavement."""
    assert WALK not in use(highway="trunk", oneway="yes").backward_kph


def test_a_roundabout_is_one_way() -> None:
    """Without a oneway tag."""
    assert DRIVE not in use(junction="roundabout").backward_kph


def test_ebikes_may_go_against_a_one_way_where_bicycles_may() -> None:
    """oneway:bicycle=no, cycleway=opposite."""
    assert EBIKE not in use(oneway="yes").backward_kph
    assert EBIKE in use(oneway="yes", oneway__bicycle="no").backward_kph
    assert EBIKE in use(oneway="yes", cycleway="opposite_lane").backward_kph


@pytest.mark.parametrize(
    ("tags", "modes"),
    [
        ({"access": "private"}, set()),
        ({"access": "no", "foot": "yes"}, {WALK}),
        ({"motor_vehicle": "no"}, {EBIKE, WALK}),
        ({"bicycle": "no"}, {DRIVE, WALK}),
        ({"foot": "no"}, {DRIVE, EBIKE}),
        ({"highway": "footway"}, {WALK}),
        ({"highway": "footway", "bicycle": "yes"}, {EBIKE, WALK}),
        ({"highway": "cycleway"}, {EBIKE, WALK}),
        ({"highway": "footway", "access": "yes"}, {WALK}),
        ({"highway": "steps"}, {WALK}),
        ({"highway": "track", "motor_vehicle": "yes"}, {DRIVE, EBIKE, WALK}),
        ({"highway": "pedestrian", "area": "yes"}, set()),
        ({"highway": "proposed"}, set()),
    ],
)
def test_access_tags_open_and_close_a_road(tags: dict[str, str], modes: set[TravelMode]) -> None:
    """The more special tag wins; only a mode's own tag opens what its class closes."""
    found = use(**tags)
    assert (set(found.forward_kph) if found else set()) == modes


@pytest.mark.parametrize(
    ("text", "kph"),
    [
        ("50", 50.0),
        ("30 mph", 48.28032),
        ("60;40", 40.0),
        ("none", None),
        ("CN:urban", None),
        ("", None),
        (None, None),
        ("0", None),
    ],
)
def test_speed_limits_are_read_in_every_spelling(text: str | None, kph: float | None) -> None:
    """Words give no limit."""
    assert maxspeed_kph(text) == (pytest.approx(kph) if kph else None)


def test_a_posted_limit_rules_the_speed_of_cars_alone() -> None:
    """Four fifths of it are driven on average."""
    found = use(maxspeed="50")
    assert found.forward_kph[DRIVE] == pytest.approx(40.0)
    assert found.forward_kph[WALK] == 5.0


def test_capacity_counts_the_lanes_of_one_direction() -> None:
    """lanes=4 on a two-way road are two each way; on a one-way road four."""
    assert use(highway="primary", lanes="4").forward_vph == 2400
    assert use(highway="primary", lanes="4", oneway="yes").forward_vph == 4800
    assert use(highway="primary", lanes="x").forward_vph == 2400


def test_a_broken_speed_profile_is_refused(tmp_path: Path) -> None:
    """Missing values are said, not guessed."""
    path = tmp_path / "speeds.toml"
    path.write_text("[classes]\nmotorway = { drive_kph = 90 }\n")
    with pytest.raises(SpecError, match="a speed is missing or no number"):
        load_speeds(path)
